/* Futures: the twin of the models in raceway/sync/executors.py, which says what they model and why. The sync of a
   future's life stands in the record of the object, that of its callbacks beside it. */
#include "core.h"

enum { STATE_PENDING, STATE_RUNNING, STATE_FINISHED, STATE_CANCELLED, STATE_NOTIFIED, STATES };
static const char *const texts[STATES] = {"PENDING", "RUNNING", "FINISHED", "CANCELLED", "CANCELLED_AND_NOTIFIED"};

/* Whether the value is this state. `concurrent.futures` has the states as interned strings. */
static bool
is_state(PyObject *value, int state)
{
    static PyObject *known[STATES];
    if (unlikely(known[state] == NULL) && (known[state] = PyUnicode_InternFromString(texts[state])) == NULL) {
        PyErr_Clear();
        return false;
    }
    return value == known[state] ||
           (PyUnicode_CheckExact(value) && !PyUnicode_CHECK_INTERNED(value) &&
            PyUnicode_CompareWithASCIIString(value, texts[state]) == 0);
}

static bool
is_done(PyObject *state)
{
    return is_state(state, STATE_FINISHED) || is_state(state, STATE_NOTIFIED) ||
           is_state(state, STATE_CANCELLED);
}

static Extra *
extra_of(PyObject *owner)
{
    Object *object = object_of(owner);
    return object == NULL ? NULL : object_extra(object);
}

static PyObject *
kind_future(void)
{
    static PyObject *kind;
    return kind != NULL ? kind : (kind = PyUnicode_InternFromString("future"));
}

typedef enum { ACQUIRE, RELEASE } Verb;

/* `place` is in the extra of an object that the caller holds. */
static void
tell(uint64_t *place, PyObject *kind, Verb verb)
{
    if (*place == 0) {
        *place = tell_new(kind, NULL, 0);
    }
    if (verb == ACQUIRE) {
        tell_acquire(*place);
    }
    else {
        tell_release(*place, true);
    }
}

static void
tell_life(PyObject *future, Verb verb)
{
    core_lock();
    Extra *extra = extra_of(future);
    if (extra != NULL) {
        tell(&extra->sync, kind_future(), verb);
    }
    core_unlock();
}

bool
future_state_written(PyObject *future, PyObject *old, PyObject *state)
{
    (void)old;
    if (is_state(state, STATE_RUNNING)) {
        core_lock();
        bool counts = jobs_may_ask(current_thread());
        core_unlock();
        if (counts && is_in_pool(current_frame())) {
            core_lock();
            tell_job(POOL);
            core_unlock();
        }
        tell_life(future, ACQUIRE);
    }
    else if (is_state(state, STATE_PENDING) || is_done(state)) {
        tell_life(future, RELEASE);
    }
    return true;
}

void
future_state_read(PyObject *future, PyObject *state)
{
    if (is_done(state) && !is_chaining(current_frame())) {
        tell_life(future, ACQUIRE);
    }
}

/* The state that is written down, a new reference; NULL without one. */
static PyObject *
state_of(PyObject *future)
{
    static PyObject *name;
    PyObject *values = PyObject_GenericGetDict(future, NULL);
    if (name == NULL) {
        name = PyUnicode_InternFromString("_state");
    }
    PyObject *state = values == NULL || name == NULL ? NULL : dict_item(values, name);
    Py_XDECREF(values);
    return state;
}

void
future_waiters_read(PyObject *future, PyObject *waiters)
{
    (void)waiters;
    PyObject *state = state_of(future);
    if (state != NULL) {
        future_state_read(future, state);
        Py_DECREF(state);
    }
}

void
future_callbacks_read(PyObject *future, PyObject *callbacks)
{
    (void)callbacks;
    PyObject *state = state_of(future);
    bool done = state != NULL && is_done(state);
    Py_XDECREF(state);
    core_lock();
    Extra *extra = extra_of(future);
    if (extra != NULL && (!done || extra->callbacks != 0)) {
        tell(&extra->callbacks, kind_future(), done ? ACQUIRE : RELEASE);
    }
    bool ends = done && races_in_doubt() != 0 && jobs_may_ask(current_thread());
    core_unlock();
    if (unlikely(ends) && is_in_pool(current_frame())) {
        jobs_judge(future);
    }
}
