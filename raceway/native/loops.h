/* Steps of tasks in event loops: what loops.c has for whoever makes them known. */
#ifndef RACEWAY_LOOPS_H
#define RACEWAY_LOOPS_H

#include "core.h"

typedef struct {
    PyObject_HEAD
    PyObject *real; /* owned: the function in whose place it stands; first, as in StandIn */
    vectorcallfunc call;
    PyObject *task_type; /* owned: asyncio.tasks.Task */
    PyObject *name_of; /* owned: its method `get_name` */
    PyObject *is_done; /* owned: its method `done` */
    PyObject *going_on; /* owned: called with a task and its walks; a list of the sites of those that are not over */
    PyObject *strayed; /* owned: called with a loop and a callback that another thread than the loop's makes a handle of */
} Handling;

typedef struct {
    uint64_t run; /* 0 when nothing was begun */
    uint64_t before;
    uint64_t serial;
    PyObject *owner; /* owned, NULL for a callback */
} Step;

extern PyTypeObject Handling_Type;

/* The current task has made `handle`, for this callback. */
void handle_made(PyObject *handle, PyObject *callback);

/* `loop` is about to run `handle`; `step_finish` is due once it has, with or without an exception. */
Step step_begin(const Handling *handling, PyObject *handle, PyObject *callback, PyObject *loop);
void step_name(const Handling *handling, PyObject *owner, uint64_t serial); /* once it has one */
PyObject *walked_on(uint64_t run, uint64_t serial, PyObject *going_on, PyObject *owner);
void step_finish(const Handling *handling, Step *step);

/* The serial of a task, 0 when it is not known. Of a handle, that of the task that made it. */
uint64_t task_known(const PyObject *owner);

/* Whether a lock, a semaphore or a limiter is being given back: the twin of raceway/sync/handovers.py. */
bool hands_on(Frame *frame);

PyObject *eager_install(PyObject *module, PyObject *handling);
PyObject *eager_uninstall(PyObject *module, PyObject *nothing);
PyObject *task_serial(PyObject *module, PyObject *task);
PyObject *task_note(PyObject *module, PyObject *args);
bool callbacks_ready(PyObject *module);
bool steps_ready(PyObject *module);

#endif
