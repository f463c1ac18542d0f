/* Tells that there are new races: the twin of raceway/runtime/notice.py. A thread of ours lives for a
   moment after a race was noted; it is no actor, and `threading` does not know it. */
#include "core.h"

#include <time.h>

#define PAUSE_NS 50000000 /* races seldom come alone */

_Thread_local bool muted;

static PyObject *listener; /* owned; guarded by the core's lock, as is `coming` */
static bool coming;

static void
tell(void *nothing)
{
    (void)nothing;
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    PyGILState_STATE state = PyGILState_Ensure();
    muted = true;
    core_lock();
    coming = false;
    PyObject *told = Py_XNewRef(listener);
    core_unlock();
    if (told != NULL) {
        PyObject *done = PyObject_CallNoArgs(told);
        if (done == NULL) {
            PyErr_WriteUnraisable(told);
        }
        Py_XDECREF(done);
        Py_DECREF(told);
    }
    PyGILState_Release(state);
}

/* A race was noted. Called under the core's lock. */
void
notice_race(void)
{
    if (listener != NULL && !coming) {
        coming = PyThread_start_new_thread(tell, NULL) != PYTHREAD_INVALID_THREAD_ID;
    }
}

/* In a forked child there is no thread that would come. */
void
notice_after_fork(void)
{
    coming = false;
}

/* on_race(called): have `called` called, on a thread of ours, when there are new races; None: no longer. */
PyObject *
notice_listen(PyObject *module, PyObject *called)
{
    (void)module;
    core_lock();
    PyObject *before = listener;
    listener = called == Py_None ? NULL : Py_NewRef(called);
    core_unlock();
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
