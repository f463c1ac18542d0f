/* Tells that there are new races: the twin of raceway/runtime/notice.py. A thread of ours lives for a
   moment after a race was noted; it is no actor, and `threading` does not know it.

   The interpreter, too, does not know it until it asks for the GIL, and may be gone by then. So it asks only while
   somebody listens, and who ends the listening, before the interpreter ends, waits until it is known, if it has asked. */
#include "core.h"

#include <pthread.h>
#include <time.h>

#define PAUSE_NS 50000000 /* races seldom come alone */

_Thread_local bool muted;

static PyObject *listener; /* owned; guarded by the core's lock, as is `coming` */
static bool coming;

static pthread_mutex_t entrance = PTHREAD_MUTEX_INITIALIZER; /* guards these two; never held while the GIL is asked for */
static pthread_cond_t entered = PTHREAD_COND_INITIALIZER;
static bool heard;   /* somebody listens */
static int entering; /* threads that have asked for the GIL for the first time */

static bool
enter(PyGILState_STATE *state)
{
    pthread_mutex_lock(&entrance);
    bool may = heard;
    entering += may;
    pthread_mutex_unlock(&entrance);
    if (may) {
        *state = PyGILState_Ensure();
        pthread_mutex_lock(&entrance);
        entering--;
        pthread_cond_broadcast(&entered);
        pthread_mutex_unlock(&entrance);
    }
    return may;
}

static void
tell(void *nothing)
{
    (void)nothing;
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    PyGILState_STATE state;
    if (!enter(&state)) {
        return;
    }
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
    entering = 0;
    (void)pthread_mutex_init(&entrance, NULL); /* another thread may have held it */
    (void)pthread_cond_init(&entered, NULL);
}

static void
hear(bool whether)
{
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&entrance);
    heard = whether;
    while (!heard && entering != 0) {
        pthread_cond_wait(&entered, &entrance);
    }
    pthread_mutex_unlock(&entrance);
    Py_END_ALLOW_THREADS
}

/* on_race(called): have `called` called, on a thread of ours, when there are new races; None: no longer. */
PyObject *
notice_listen(PyObject *module, PyObject *called)
{
    (void)module;
    if (called != Py_None) {
        hear(true);
    }
    core_lock();
    PyObject *before = listener;
    listener = called == Py_None ? NULL : Py_NewRef(called);
    coming = coming && listener != NULL; /* a thread that finds nobody listening goes without a word */
    core_unlock();
    if (called == Py_None) {
        hear(false);
    }
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
