/* The verbs of tasks, for any thread: the twin of PureTasks in raceway/runtime/recorder.py. */
#include "core.h"

static PyObject *
tasks_spawn(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *name;
    unsigned long long parent;
    int passing = 0, green = 0;
    unsigned int born = 0;
    if (!PyArg_ParseTuple(args, "UK|pIp", &name, &parent, &passing, &born, &green)) {
        return NULL;
    }
    if (!core_enter(0)) {
        return PyLong_FromLong(0);
    }
    alone = false;
    uint64_t serial = task_spawn(name, parent, passing ? TASK_PASSING : green ? TASK_GREEN : TASK_OF_LOOP, born);
    core_unlock();
    return PyLong_FromUnsignedLongLong(serial);
}

static PyObject *
tasks_resume(PyObject *self, PyObject *task)
{
    (void)self;
    uint64_t serial;
    if (!serial_of(task, &serial)) {
        return NULL;
    }
    if (!core_enter(0)) {
        return PyLong_FromLong(0);
    }
    uint64_t before = task_resume(current_thread(), serial);
    core_unlock();
    return PyLong_FromUnsignedLongLong(before);
}

static PyObject *
tasks_walks(PyObject *self, PyObject *serial)
{
    (void)self;
    uint64_t number;
    if (!serial_of(serial, &number)) {
        return NULL;
    }
    if (!core_enter(0)) {
        return PyList_New(0);
    }
    const Task *task = task_find(number);
    PyObject *found = task == NULL ? PyList_New(0) : task_walks(task);
    core_unlock();
    return found;
}

static PyObject *
tasks_suspend(PyObject *self, PyObject *args)
{
    (void)self;
    unsigned long long serial;
    PyObject *sites = NULL;
    if (!PyArg_ParseTuple(args, "K|O!", &serial, &PyList_Type, &sites)) {
        return NULL;
    }
    if (core_enter(0)) {
        task_suspend(serial, sites);
        core_unlock();
    }
    Py_RETURN_NONE;
}

static PyObject *
tasks_wake(PyObject *self, PyObject *task)
{
    (void)self;
    return with_sync(task, task_wake);
}

static void
done(Thread *thread, uint64_t serial)
{
    (void)thread;
    task_done(serial);
}

static PyObject *
tasks_done(PyObject *self, PyObject *task)
{
    (void)self;
    return with_sync(task, done);
}

static PyObject *
tasks_lock_taken(PyObject *self, PyObject *args)
{
    (void)self;
    unsigned long long serial;
    int waits = 1;
    if (!PyArg_ParseTuple(args, "K|p", &serial, &waits)) {
        return NULL;
    }
    ENTER_OR_NONE
    Thread *thread = current_thread();
    bool limited = thread->task != NULL && thread->task->limited;
    sync_lock_taken_as(thread, serial, asker_of_verb(current_frame()), waits && !limited, true);
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
tasks_current(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (!core_enter(0)) {
        return PyLong_FromLong(0);
    }
    const Task *task = current_thread()->task;
    uint64_t serial = task == NULL ? 0 : task->serial;
    core_unlock();
    return PyLong_FromUnsignedLongLong(serial);
}

static PyObject *
tasks_asking(PyObject *self, PyObject *ask)
{
    (void)self;
    (void)ask;
    Py_RETURN_NONE;
}

static PyObject *
tasks_expect(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    ENTER_OR_NONE
    alone = false;
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
tasks_now(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (!core_enter(0)) {
        return PyLong_FromLong(0);
    }
    uint32_t now = ++sequence;
    core_unlock();
    return PyLong_FromUnsignedLong(now);
}

static PyMethodDef tasks_methods[] = {
    {"spawn", tasks_spawn, METH_VARARGS, "A new task of an event loop, a callback that it runs once, or a greenlet."},
    {"expect", tasks_expect, METH_NOARGS, "There may be tasks from now on."},
    {"asking", tasks_asking, METH_O, "Nothing to do: an access asks nobody; see eager.c."},
    {"now", tasks_now, METH_NOARGS, "A number for this moment."},
    {"resume", tasks_resume, METH_O, "The calling thread goes on with `task`; the one before."},
    {"walks", tasks_walks, METH_O, "The walks that the task is at or has begun since it went on."},
    {"suspend", tasks_suspend, METH_VARARGS, "The task lets others run."},
    {"wake", tasks_wake, METH_O, "The current task has just caused `task` to go on."},
    {"done", tasks_done, METH_O, "The task is over."},
    {"lock_taken", tasks_lock_taken, METH_VARARGS, "The current task holds a lock of tasks from here on."},
    {"current", tasks_current, METH_NOARGS, "Serial of the current task."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Tasks_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Tasks",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = tasks_methods,
    .tp_doc = "The verbs of tasks, for any thread.",
};
