/* The way into the buffer of a pipeline: the twin of `_Intake` in raceway/pipeline/buffer.py, which says what it is. */
#include "core.h"

typedef struct {
    PyObject_HEAD
    PyObject *waiting; /* owned, as all here: a deque */
    PyObject *append; /* its method */
    PyObject *otherwise;
    Py_ssize_t size;
    Py_ssize_t batch_size;
    bool served, closed, asleep;
    vectorcallfunc call;
} Intake;

/* With a GIL nothing comes between the look and the append; else a few more than `size` may wait for a moment. */
static PyObject *
intake_call(Intake *intake, PyObject *const *arguments, size_t given, PyObject *names)
{
    Py_ssize_t length;
    if (PyVectorcall_NARGS(given) != 1 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "put(event)");
        return NULL;
    }
    if (unlikely(!intake->served || intake->closed || (length = PyObject_Size(intake->waiting)) >= intake->size ||
                 (intake->asleep && length + 1 >= intake->batch_size))) {
        return intake->otherwise == NULL ? Py_NewRef(Py_False) : PyObject_CallOneArg(intake->otherwise, arguments[0]);
    }
    PyObject *done = PyObject_CallOneArg(intake->append, arguments[0]);
    if (done == NULL) {
        return NULL;
    }
    Py_DECREF(done);
    Py_RETURN_TRUE;
}

static PyObject *
intake_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    PyObject *waiting, *otherwise;
    Py_ssize_t size, batch_size;
    if (named != NULL || !PyArg_ParseTuple(args, "OnnO", &waiting, &size, &batch_size, &otherwise)) {
        PyErr_SetString(PyExc_TypeError, "Intake(waiting, size, batch size, otherwise)");
        return NULL;
    }
    PyObject *append = PyObject_GetAttrString(waiting, "append");
    Intake *intake = append == NULL ? NULL : (Intake *)type->tp_alloc(type, 0);
    if (intake == NULL) {
        Py_XDECREF(append);
        return NULL;
    }
    intake->waiting = Py_NewRef(waiting);
    intake->append = append;
    intake->otherwise = Py_NewRef(otherwise);
    intake->size = size;
    intake->batch_size = batch_size;
    intake->call = (vectorcallfunc)intake_call;
    return (PyObject *)intake;
}

static int
intake_traverse(Intake *intake, visitproc visit, void *arg)
{
    Py_VISIT(intake->waiting);
    Py_VISIT(intake->append);
    Py_VISIT(intake->otherwise);
    return 0;
}

static int
intake_clear(Intake *intake)
{
    intake->served = false; /* who has it still goes the other way */
    Py_CLEAR(intake->otherwise);
    Py_CLEAR(intake->append);
    Py_CLEAR(intake->waiting);
    return 0;
}

static void
intake_dealloc(Intake *intake)
{
    PyObject_GC_UnTrack(intake);
    intake_clear(intake);
    Py_TYPE(intake)->tp_free((PyObject *)intake);
}

static PyMemberDef intake_members[] = {
    {"served", T_BOOL, offsetof(Intake, served), 0, "Whether the worker is there."},
    {"closed", T_BOOL, offsetof(Intake, closed), 0, "Whether the pipeline is closed."},
    {"asleep", T_BOOL, offsetof(Intake, asleep), 0, "Whether a whole batch wakes the worker."},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject Intake_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Intake",
    .tp_doc = "Takes an event where nothing but that is to be done.",
    .tp_basicsize = sizeof(Intake),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = intake_new,
    .tp_dealloc = (destructor)intake_dealloc,
    .tp_traverse = (traverseproc)intake_traverse,
    .tp_clear = (inquiry)intake_clear,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Intake, call),
    .tp_members = intake_members,
};
