/* Events: the twin of the models in raceway/sync/events.py, which says what they model and why. They are called by the
   wrappers in raceway/sync/wrappers.py. */
#include "core.h"

static PyObject *kind;

/* What `threading` and the executors do with events of their own, but not what a Timer does, nor calls of what a thread
   or a job was given to do. */
static bool
is_internal_use(void)
{
    Frame *user = user_of_wrapper(current_frame());
    PyObject *module = module_of(user);
    if (!is_quiet(module) || is_within(user, "Thread.run", "_WorkItem.run") ||
        is_within(user, "WorkerContext.run", "WorkerContext.run")) { /* the last one since Python 3.14 */
        return false;
    }
    return !is_module(module, "threading") || !is_within(user, "Timer.", "Event.");
}

static void
tell(PyObject *event, bool sets)
{
    core_lock();
    Object *object = object_of(event);
    Extra *extra = object == NULL ? NULL : object_extra(object);
    if (extra != NULL && extra->sync == 0) {
        extra->sync = tell_new(kind, NULL, 0);
    }
    if (extra != NULL && sets) {
        tell_release(extra->sync, true);
    }
    else if (extra != NULL) {
        tell_acquire(extra->sync);
    }
    core_unlock();
}

static bool
is_told(void)
{
    return run_here() != 0 && (kind != NULL || (kind = PyUnicode_InternFromString("event")) != NULL) &&
           !is_internal_use();
}

/* event_setting(event): it is about to be set. */
PyObject *
event_setting(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count == 1 && is_told()) {
        tell(arguments[0], true);
    }
    Py_RETURN_NONE;
}

/* event_seen_set(event, result): it was waited for or looked at; the result tells whether it is set. */
PyObject *
event_seen_set(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count == 2 && PyObject_IsTrue(arguments[1]) == 1 && is_told()) {
        tell(arguments[0], false);
    }
    Py_RETURN_NONE;
}
