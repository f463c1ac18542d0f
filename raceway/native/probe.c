/* The check of CPython's frame layout: an object that tells what it finds below itself on the value stack, tried once on
   a known function when the core is loaded. */
#include "core.h"

typedef struct {
    PyObject_HEAD
    PyObject *below; /* owned */
    PyObject *code; /* owned */
    PyObject *cell; /* owned */
} PeekProbe;

static PyObject *
probe_matmul(PyObject *self, PyObject *operand)
{
    PeekProbe *probe = (PeekProbe *)self;
#if RW_PEEK
    Frame *frame = current_frame();
    PyCodeObject *code = frame_code(frame);
    PyObject **place = frame->localsplus + code->co_nlocalsplus;
    PyObject **end = place + code->co_stacksize;
    while (place < end && *place != self) {
        place++;
    }
    if (place < end) {
        Py_XSETREF(probe->below, Py_XNewRef(place[-1]));
        Py_XSETREF(probe->code, Py_NewRef((PyObject *)code));
    }
    const char *kinds = PyBytes_AS_STRING(code->co_localspluskinds);
    for (int at = 0; at < code->co_nlocalsplus; at++) {
        if ((kinds[at] & (CO_FAST_CELL | CO_FAST_FREE)) != 0) {
            Py_XSETREF(probe->cell, Py_XNewRef(frame->localsplus[at]));
        }
    }
#else
    (void)probe;
#endif
    return Py_NewRef(operand);
}

static PyObject *
probe_seen(PyObject *self, PyObject *nothing)
{
    PeekProbe *probe = (PeekProbe *)self;
    (void)nothing;
    return Py_BuildValue("(OOO)", probe->below != NULL ? probe->below : Py_None,
                         probe->code != NULL ? probe->code : Py_None, probe->cell != NULL ? probe->cell : Py_None);
}

static int
probe_traverse(PyObject *self, visitproc visit, void *arg)
{
    PeekProbe *probe = (PeekProbe *)self;
    Py_VISIT(probe->below);
    Py_VISIT(probe->code);
    Py_VISIT(probe->cell);
    return 0;
}

/* It stands in the code that it has seen. Code is not seen by the collector: `forget` breaks the cycle. */
static int
probe_clear(PyObject *self)
{
    PeekProbe *probe = (PeekProbe *)self;
    Py_CLEAR(probe->below);
    Py_CLEAR(probe->code);
    Py_CLEAR(probe->cell);
    return 0;
}

static void
probe_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    probe_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
probe_forget(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    probe_clear(self);
    Py_RETURN_NONE;
}

static PyMethodDef probe_methods[] = {
    {"seen", probe_seen, METH_NOARGS, "(the object below, the code, a captured variable's cell) as last found."},
    {"forget", probe_forget, METH_NOARGS, "Let go of what was found."},
    {NULL, NULL, 0, NULL},
};

static PyNumberMethods probe_number = {.nb_matrix_multiply = probe_matmul};

PyTypeObject PeekProbe_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.PeekProbe",
    .tp_basicsize = sizeof(PeekProbe),
    .tp_dealloc = probe_dealloc,
    .tp_traverse = probe_traverse,
    .tp_clear = probe_clear,
    .tp_free = PyObject_GC_Del,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_as_number = &probe_number,
    .tp_methods = probe_methods,
    .tp_doc = "Tells what it finds on the value stack below itself.",
};
