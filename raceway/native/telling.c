/* Whom the models of primitives in C tell: the core, or an object of Python with the verbs of a recorder, so that tests
   see what is told. Only the latter calls code of Python. */
#include "core.h"

static PyObject *listener; /* owned; NULL: the core */

bool
telling_start(PyObject *to)
{
    Py_XSETREF(listener, Py_XNewRef(to));
    return true;
}

void
telling_stop(void)
{
    Py_CLEAR(listener);
}

static PyObject *
call(const char *verb, const char *format, ...)
{
    PyObject *kind, *value, *traceback; /* an object may die while an error is on its way */
    PyErr_Fetch(&kind, &value, &traceback);
    va_list rest;
    va_start(rest, format);
    PyObject *arguments = Py_VaBuildValue(format, rest);
    va_end(rest);
    PyObject *method = PyObject_GetAttrString(listener, verb);
    PyObject *result = method == NULL || arguments == NULL ? NULL : PyObject_CallObject(method, arguments);
    Py_XDECREF(method);
    Py_XDECREF(arguments);
    if (result == NULL) {
        PyErr_WriteUnraisable(listener);
    }
    PyErr_Restore(kind, value, traceback);
    return result;
}

static uint64_t
number_of(PyObject *owned)
{
    uint64_t found = owned == NULL ? 0 : PyLong_AsUnsignedLongLong(owned);
    Py_XDECREF(owned);
    return found;
}

uint64_t
tell_new(PyObject *kind, PyObject *file, int line)
{
    if (likely(listener == NULL)) {
        return sync_new(kind, file, line);
    }
    PyObject *empty = PyUnicode_FromString("");
    PyObject *serial = call("new_sync", "(OOi)", kind, file == NULL ? empty : file, line);
    Py_XDECREF(empty);
    return number_of(serial);
}

void
tell_taken(uint64_t sync, bool waits)
{
    if (likely(listener == NULL)) {
        sync_lock_taken(current_thread(), sync, current_frame(), waits);
        return;
    }
    Py_XDECREF(call("lock_taken", "(KO)", (unsigned long long)sync, waits ? Py_True : Py_False));
}

void
tell_freed(uint64_t sync)
{
    if (likely(listener == NULL)) {
        sync_lock_freed(current_thread(), sync);
        return;
    }
    Py_XDECREF(call("lock_freed", "(K)", (unsigned long long)sync));
}

void
tell_acquire(uint64_t sync)
{
    if (likely(listener == NULL)) {
        sync_acquire(current_thread(), sync);
        return;
    }
    Py_XDECREF(call("acquire", "(K)", (unsigned long long)sync));
}

void
tell_release(uint64_t sync, bool merge)
{
    if (likely(listener == NULL)) {
        sync_release(current_thread(), sync, merge);
        return;
    }
    Py_XDECREF(call("release", "(KO)", (unsigned long long)sync, merge ? Py_True : Py_False));
}

static bool
is_true_of_jobs(PyObject *owned)
{
    if (owned == NULL) {
        PyErr_WriteUnraisable(listener);
    }
    Py_XDECREF(owned);
    return owned == Py_True;
}

/* The next job is about to be taken from a queue; whether to ask, once nothing is held. */
bool
tell_job(uint64_t queue)
{
    if (likely(listener == NULL)) {
        return jobs_take(current_thread(), queue);
    }
    PyObject *jobs = PyObject_GetAttrString(listener, "jobs");
    bool found = is_true_of_jobs(jobs == NULL ? NULL : PyObject_CallMethod(jobs, "take", "K", (unsigned long long)queue));
    Py_XDECREF(jobs);
    return found;
}

/* Whether what is in doubt is to be judged now. */
bool
tell_asking(void)
{
    if (likely(listener == NULL)) {
        return jobs_ask(current_thread());
    }
    PyObject *jobs = PyObject_GetAttrString(listener, "jobs");
    bool found = is_true_of_jobs(jobs == NULL ? NULL : PyObject_CallMethod(jobs, "asks", NULL));
    Py_XDECREF(jobs);
    return found;
}

uint64_t
tell_fork(PyObject *name)
{
    if (likely(listener == NULL)) {
        return actor_fork(current_thread(), name);
    }
    return number_of(call("fork", "(O)", name));
}

void
tell_begin(uint64_t actor)
{
    if (likely(listener == NULL)) {
        thread_begin(actor);
        return;
    }
    Py_XDECREF(call("begin", "(K)", (unsigned long long)actor));
}

uint64_t
tell_current(void)
{
    if (likely(listener == NULL)) {
        return current_thread()->actor->serial;
    }
    return number_of(call("current", "()"));
}

void
tell_end(void)
{
    if (likely(listener == NULL)) {
        thread_end(current_thread());
        return;
    }
    Py_XDECREF(call("end", "()"));
}

void
tell_join(uint64_t actor)
{
    if (likely(listener == NULL)) {
        actor_join(current_thread(), actor);
        return;
    }
    Py_XDECREF(call("join", "(K)", (unsigned long long)actor));
}

void
tell_rename(uint64_t actor, PyObject *name)
{
    if (likely(listener == NULL)) {
        actor_rename(actor, name);
        return;
    }
    Py_XDECREF(call("rename", "(KO)", (unsigned long long)actor, name));
}

/* A wait for a lock begins, in the frame that asked for it: whether that closes a cycle of several actors. */
bool
tell_waiting(uint64_t sync, bool limited)
{
    return likely(listener == NULL) && lockwaits_begin(current_thread(), sync, limited, current_frame());
}

void
tell_waited(uint64_t sync, bool was_taken)
{
    if (likely(listener == NULL)) {
        lockwaits_end(current_thread(), sync, was_taken);
    }
}

/* Whether a dead synchronisation object was the listener's business. */
bool
tell_retired(uint64_t sync)
{
    if (likely(listener == NULL)) {
        return false;
    }
    Py_XDECREF(call("retire_sync", "(K)", (unsigned long long)sync));
    return true;
}
