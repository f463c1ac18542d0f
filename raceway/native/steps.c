/* What happens at each step of a task of trio: the twins of `Steps` and `rescheduling` in raceway/sync/triotasks.py. */
#include "loops.h"

#if RW_PEEK

#include <string.h>

typedef struct {
    PyObject_HEAD
    PyObject *adopt; /* owned: called with a task of before the run, gives its serial */
    PyObject *going_on; /* owned: called with a task and its walks; a list of the sites of those that are not over */
    uint64_t run; /* of the step that goes on, 0 outside any */
    uint64_t serial;
    uint64_t before;
} Steps;

static uint64_t
adopted(const Steps *steps, PyObject *task)
{
    PyObject *serial = PyObject_CallOneArg(steps->adopt, task);
    uint64_t found = serial == NULL || !PyLong_Check(serial) ? 0 : PyLong_AsUnsignedLongLong(serial);
    PyErr_Clear();
    Py_XDECREF(serial);
    return found;
}

static PyObject *
steps_before(PyObject *self, PyObject *task)
{
    Steps *steps = (Steps *)self;
    steps->run = 0;
    if (run_here() == 0) {
        Py_RETURN_NONE;
    }
    uint64_t serial = 0;
    if (core_enter(0)) {
        serial = task_known(task);
        core_unlock();
    }
    serial = serial != 0 ? serial : adopted(steps, task);
    if (serial != 0 && core_enter(0)) {
        steps->run = recording;
        steps->serial = serial;
        steps->before = task_resume(current_thread(), serial);
        core_unlock();
    }
    Py_RETURN_NONE;
}

/* The step is over, and with it the task if that is not known any longer, or NULL. */
static void
leave(Steps *steps, PyObject *task)
{
    uint64_t run = steps->run;
    PyObject *sites = run == 0 || task == NULL ? NULL : walked_on(run, steps->serial, steps->going_on, task);
    steps->run = 0;
    if (run != 0 && core_enter(run)) {
        task_resume(current_thread(), steps->before);
        if (task != NULL && task_known(task) != 0) {
            task_suspend(steps->serial, sites);
        }
        else {
            task_done(steps->serial);
        }
        core_unlock();
    }
    Py_XDECREF(sites);
}

static PyObject *
steps_after(PyObject *self, PyObject *task)
{
    leave((Steps *)self, task);
    Py_RETURN_NONE;
}

static PyObject *
steps_end(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    leave((Steps *)self, NULL);
    Py_RETURN_NONE;
}

static PyMethodDef steps_methods[] = {
    {"before_task_step", steps_before, METH_O, "The loop goes on with a task."},
    {"after_task_step", steps_after, METH_O, "The loop is done with the task for now."},
    {"end", steps_end, METH_NOARGS, "The loop has ended, perhaps by an error in the middle of a step."},
    {NULL, NULL, 0, NULL},
};

static PyObject *
steps_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *adopt, *going_on;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OO", &adopt, &going_on)) {
        return NULL;
    }
    Steps *steps = (Steps *)type->tp_alloc(type, 0);
    if (steps != NULL) {
        steps->adopt = Py_NewRef(adopt);
        steps->going_on = Py_NewRef(going_on);
    }
    return (PyObject *)steps;
}

static void
steps_dealloc(Steps *steps)
{
    Py_XDECREF(steps->adopt);
    Py_XDECREF(steps->going_on);
    Py_TYPE(steps)->tp_free((PyObject *)steps);
}

/* Steps(adopt, going_on): an instrument of one run loop of trio. */
static PyTypeObject Steps_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Steps",
    .tp_basicsize = sizeof(Steps),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = steps_new,
    .tp_dealloc = (destructor)steps_dealloc,
    .tp_methods = steps_methods,
};

typedef struct {
    PyObject_HEAD
    PyObject *real; /* owned; first, as in StandIn */
    vectorcallfunc call;
} Waking;

static PyObject *
waking_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    if (run_here() != 0 && PyVectorcall_NARGS(flags) > 1) {
        Frame *frame = current_frame();
        if (core_enter(0)) {
            Thread *thread = current_thread();
            uint64_t serial = task_known(args[1]);
            bool others = serial != 0 && (thread->task == NULL || thread->task->serial != serial);
            if (others && !hands_on(frame)) {
                task_wake(thread, serial);
            }
            core_unlock();
        }
    }
    return PyObject_Vectorcall(((Waking *)self)->real, args, flags, names);
}

static PyObject *
waking_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *real;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O", &real)) {
        return NULL;
    }
    Waking *waking = (Waking *)type->tp_alloc(type, 0);
    if (waking != NULL) {
        waking->real = Py_NewRef(real);
        waking->call = waking_call;
    }
    return (PyObject *)waking;
}

static int
waking_traverse(Waking *waking, visitproc visit, void *arg)
{
    Py_VISIT(waking->real);
    return 0;
}

static void
waking_dealloc(Waking *waking)
{
    PyObject_GC_UnTrack(waking);
    Py_XDECREF(waking->real);
    Py_TYPE(waking)->tp_free((PyObject *)waking);
}

static PyGetSetDef waking_doc[] = {
    {"__doc__", stand_in_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* Waking(real): in place of a method, which lets the task go on that is its first argument. */
static PyTypeObject Waking_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Waking",
    .tp_basicsize = sizeof(Waking),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = waking_new,
    .tp_dealloc = (destructor)waking_dealloc,
    .tp_traverse = (traverseproc)waking_traverse,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Waking, call),
    .tp_descr_get = stand_in_get,
    .tp_getattro = stand_in_getattr,
    .tp_repr = stand_in_repr,
    .tp_getset = waking_doc,
};

bool
steps_ready(PyObject *module)
{
    return PyType_Ready(&Steps_Type) == 0 && PyType_Ready(&Waking_Type) == 0 &&
           PyModule_AddObjectRef(module, "Steps", (PyObject *)&Steps_Type) == 0 &&
           PyModule_AddObjectRef(module, "Waking", (PyObject *)&Waking_Type) == 0;
}

#else

bool
steps_ready(PyObject *module)
{
    return PyModule_AddObjectRef(module, "Steps", Py_None) == 0 &&
           PyModule_AddObjectRef(module, "Waking", Py_None) == 0;
}

#endif
