/* What loops whose handles are made and run in C are handed: `Callback` is the twin of raceway/sync/callbacks.py, `Handing`
   of `handing` in raceway/sync/uvloops.py. */
#include "loops.h"

#if RW_PEEK

#include <string.h>

typedef struct {
    PyObject_HEAD
    PyObject *real; /* owned: what is called; first, as in StandIn */
    PyObject *loop; /* owned: who calls it */
    Handling *handling; /* owned */
    vectorcallfunc call;
} Callback;

static PyObject *
callback_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    Callback *callback = (Callback *)self;
    if (run_here() == 0) {
        return PyObject_Vectorcall(callback->real, args, flags, names);
    }
    Py_INCREF(self); /* the handle may be cancelled meanwhile */
    Step step = step_begin(callback->handling, self, callback->real, callback->loop);
    PyObject *result = PyObject_Vectorcall(callback->real, args, flags, names);
    step_finish(callback->handling, &step);
    Py_DECREF(self);
    return result;
}

static int
callback_traverse(Callback *callback, visitproc visit, void *arg)
{
    Py_VISIT(callback->real);
    Py_VISIT(callback->loop);
    Py_VISIT(callback->handling);
    return 0;
}

static void
callback_dealloc(Callback *callback)
{
    PyObject_GC_UnTrack(callback);
    Py_XDECREF(callback->real);
    Py_XDECREF(callback->loop);
    Py_XDECREF(callback->handling);
    Py_TYPE(callback)->tp_free((PyObject *)callback);
}

static PyTypeObject Callback_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Callback",
    .tp_basicsize = sizeof(Callback),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_dealloc = (destructor)callback_dealloc,
    .tp_traverse = (traverseproc)callback_traverse,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Callback, call),
    .tp_getattro = stand_in_getattr,
    .tp_repr = stand_in_repr,
};

typedef struct {
    PyObject_HEAD
    PyObject *real; /* owned; first, as in StandIn */
    Handling *handling; /* owned: `strayed` of it looks itself whether the loop runs elsewhere */
    PyObject *running_loop; /* owned: tells which loop this thread runs; NULL: any thread may call this */
    Py_ssize_t place; /* of the callback among the arguments, the loop is the first */
    vectorcallfunc call;
} Handing;

/* What the loop is to be handed in place of this function, as a new reference; NULL for the function itself. */
static PyObject *
handed(const Handing *handing, PyObject *loop, PyObject *function)
{
    Callback *callback = Py_TYPE(function) == &Callback_Type ? NULL : PyObject_GC_New(Callback, &Callback_Type);
    if (callback == NULL) {
        PyErr_Clear();
        return NULL;
    }
    callback->real = Py_NewRef(function);
    callback->loop = Py_NewRef(loop);
    callback->handling = (Handling *)Py_NewRef((PyObject *)handing->handling);
    callback->call = callback_call;
    PyObject_GC_Track((PyObject *)callback);
    PyObject *running = handing->running_loop == NULL ? Py_NewRef(loop) : PyObject_CallNoArgs(handing->running_loop);
    if (running != loop && running != NULL) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(handing->handling->strayed, loop, function, NULL));
    }
    PyErr_Clear();
    Py_XDECREF(running);
    handle_made((PyObject *)callback, function);
    return (PyObject *)callback;
}

static PyObject *
handing_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    const Handing *handing = (Handing *)self;
    Py_ssize_t given = PyVectorcall_NARGS(flags), count = given + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    PyObject *callback = NULL, *few[8];
    if (run_here() != 0 && given > handing->place && count <= (Py_ssize_t)(sizeof few / sizeof *few)) {
        if (handing->running_loop == NULL) {
            Py_DECREF(loop_release(NULL, args[0]));
        }
        callback = handed(handing, args[0], args[handing->place]);
    }
    if (callback == NULL) {
        return PyObject_Vectorcall(handing->real, args, flags, names);
    }
    memcpy(few, args, (size_t)count * sizeof *few);
    few[handing->place] = callback;
    PyObject *result = PyObject_Vectorcall(handing->real, few, (size_t)given, names);
    Py_DECREF(callback);
    return result;
}

/* Handing(real, place, handling, running_loop): in place of the method `real` of a loop, which is handed a callback as
   its argument at this place. `running_loop` is None for one that any thread may call. */
static PyObject *
handing_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *real, *handling, *running_loop;
    Py_ssize_t place;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OnO!O", &real, &place, &Handling_Type, &handling, &running_loop)) {
        return NULL;
    }
    Handing *handing = (Handing *)type->tp_alloc(type, 0);
    if (handing != NULL) {
        handing->real = Py_NewRef(real);
        handing->handling = (Handling *)Py_NewRef(handling);
        handing->running_loop = running_loop == Py_None ? NULL : Py_NewRef(running_loop);
        handing->place = place;
        handing->call = handing_call;
    }
    return (PyObject *)handing;
}

static int
handing_traverse(Handing *handing, visitproc visit, void *arg)
{
    Py_VISIT(handing->real);
    Py_VISIT(handing->handling);
    Py_VISIT(handing->running_loop);
    return 0;
}

static void
handing_dealloc(Handing *handing)
{
    PyObject_GC_UnTrack(handing);
    Py_XDECREF(handing->real);
    Py_XDECREF(handing->handling);
    Py_XDECREF(handing->running_loop);
    Py_TYPE(handing)->tp_free((PyObject *)handing);
}

static PyGetSetDef handing_doc[] = {
    {"__doc__", stand_in_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject Handing_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Handing",
    .tp_basicsize = sizeof(Handing),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = handing_new,
    .tp_dealloc = (destructor)handing_dealloc,
    .tp_traverse = (traverseproc)handing_traverse,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Handing, call),
    .tp_descr_get = stand_in_get,
    .tp_getattro = stand_in_getattr,
    .tp_repr = stand_in_repr,
    .tp_getset = handing_doc,
};

bool
callbacks_ready(PyObject *module)
{
    return PyType_Ready(&Callback_Type) == 0 && PyType_Ready(&Handing_Type) == 0 &&
           PyModule_AddObjectRef(module, "Handing", (PyObject *)&Handing_Type) == 0;
}

#else

bool
callbacks_ready(PyObject *module)
{
    return PyModule_AddObjectRef(module, "Handing", Py_None) == 0;
}

#endif
