/* Models beside functions and attributes: the twins of `around` in raceway/sync/wrappers.py and of `Watched` in patching.py,
   for what C has models of. `Around` stands in for a function in C, or of a class of ours: nothing else is replaced by
   it, since it is no function of Python. No frame of ours is on any exception path. */
#include "core.h"

#include <string.h>

/* --- Functions ------------------------------------------------------------------------------------------------------ */

typedef bool (*FirstHook)(PyObject *first); /* false: it is for the model in Python to tell */

typedef struct {
    const char *name;
    FirstHook before; /* NULL: not told */
    FirstHook after; /* once it returned; NULL: not told */
    void (*ahead)(PyObject *const *args, Py_ssize_t given, PyObject *names); /* with all arguments; NULL: not told */
    void (*returned)(const Called *called, PyObject *result); /* NULL: not told */
} CallModel;

static const CallModel call_models[] = {
    {.name = "put", .after = queue_put},
    {.name = "got", .after = queue_got},
    {.name = "sending", .before = socket_sending},
    {.name = "received", .after = socket_received},
    {.name = "starting", .before = thread_starting},
    {.name = "registering", .ahead = poller_registering},
    {.name = "forgetting", .ahead = poller_forgetting},
    {.name = "polled", .returned = poller_polled},
    {.name = "imported", .returned = module_imported},
    {.name = "future used", .before = loop_future_used},
};

typedef struct {
    PyObject_HEAD
    PyObject *real;      /* owned; first, as in StandIn */
    PyObject *otherwise; /* owned; called with what no hook knows; NULL: nothing is */
    vectorcallfunc call;
    const CallModel *model;
} Around;

/* After a model: false with an exception that is not for us, as a signal handler may raise one in Python code of ours. */
bool
settled(void)
{
    if (likely(!PyErr_Occurred())) {
        return true;
    }
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return false;
    }
    PyErr_Clear();
    failures++;
    return true;
}

/* False as above. */
static bool
tell(Around *around, FirstHook hook, PyObject *first)
{
    if (hook == NULL || first == NULL || run_here() == 0) {
        return true;
    }
    if (unlikely(!hook(first)) && around->otherwise != NULL && !PyErr_Occurred()) {
        Py_XDECREF(PyObject_CallOneArg(around->otherwise, first));
    }
    return settled();
}

static PyObject *
around_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    Around *around = (Around *)self;
    PyObject *first = PyVectorcall_NARGS(flags) > 0 ? args[0] : NULL; /* the caller holds it */
    if (unlikely(!tell(around, around->model->before, first))) {
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(around->real, args, flags, names);
    if (result != NULL && unlikely(!tell(around, around->model->after, first))) {
        Py_CLEAR(result);
    }
    return result;
}

/* The same with models that look at all arguments, or at the result. */
static PyObject *
around_call_whole(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    const CallModel *model = ((Around *)self)->model;
    Py_ssize_t given = PyVectorcall_NARGS(flags);
    bool told = given > 0 && run_here() != 0;
    if (told && model->ahead != NULL) {
        model->ahead(args, given, names);
        if (unlikely(!settled())) {
            return NULL;
        }
    }
    PyObject *result = PyObject_Vectorcall(((Around *)self)->real, args, flags, names);
    if (result != NULL && model->returned != NULL && run_here() != 0) {
        model->returned(&(Called){args, given, names}, result);
        if (unlikely(!settled())) {
            Py_CLEAR(result);
        }
    }
    return result;
}

static PyObject *
around_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"real", "model", "otherwise", NULL};
    PyObject *real, *otherwise = NULL;
    const char *name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Os|O", keywords, &real, &name, &otherwise)) {
        return NULL;
    }
    for (size_t place = 0; place < sizeof call_models / sizeof *call_models; place++) {
        if (strcmp(call_models[place].name, name) == 0) {
            Around *around = (Around *)type->tp_alloc(type, 0);
            if (around != NULL) {
                around->real = Py_NewRef(real);
                around->otherwise = Py_XNewRef(otherwise);
                around->model = &call_models[place];
                bool whole = around->model->ahead != NULL || around->model->returned != NULL;
                around->call = whole ? around_call_whole : around_call;
            }
            return (PyObject *)around;
        }
    }
    return PyErr_Format(PyExc_ValueError, "no model is called %s", name);
}

static int
around_traverse(Around *around, visitproc visit, void *arg)
{
    Py_VISIT(around->real);
    Py_VISIT(around->otherwise);
    return 0;
}

static void
around_dealloc(Around *around)
{
    PyObject_GC_UnTrack(around);
    Py_XDECREF(around->real);
    Py_XDECREF(around->otherwise);
    Py_TYPE(around)->tp_free((PyObject *)around);
}

PyObject *
stand_in_get(PyObject *self, PyObject *instance, PyObject *type)
{
    (void)type;
    return instance == NULL || instance == Py_None ? Py_NewRef(self) : PyMethod_New(self, instance);
}

/* What `inspect` and `help` ask is answered by the real one. */
PyObject *
stand_in_getattr(PyObject *self, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        found = PyObject_GetAttr(((StandIn *)self)->real, name);
    }
    return found;
}

PyObject *
stand_in_repr(PyObject *self)
{
    return PyObject_Repr(((StandIn *)self)->real);
}

PyObject *
stand_in_doc(PyObject *self, void *nothing)
{
    (void)nothing;
    return PyObject_GetAttrString(((StandIn *)self)->real, "__doc__");
}

static PyGetSetDef around_getset[] = {
    {"__doc__", stand_in_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef around_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Around, real), READONLY, "What it stands for."},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject Around_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Around",
    .tp_basicsize = sizeof(Around),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = around_new,
    .tp_dealloc = (destructor)around_dealloc,
    .tp_traverse = (traverseproc)around_traverse,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Around, call),
    .tp_descr_get = stand_in_get,
    .tp_getattro = stand_in_getattr,
    .tp_members = around_members,
    .tp_getset = around_getset,
    .tp_repr = stand_in_repr,
};

/* --- Attributes of instances ---------------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    void (*read)(PyObject *instance, PyObject *value); /* NULL: not told */
    /* `old` is NULL for the first; false: it is for the model in Python to tell; NULL: not told */
    bool (*write)(PyObject *instance, PyObject *old, PyObject *value);
} AttributeModel;

static const AttributeModel attribute_models[] = {
    {"future state", future_state_read, future_state_written},
    {"future waiters", future_waiters_read, NULL},
    {"future callbacks", future_callbacks_read, NULL},
    {"semaphore counter", NULL, semaphore_counting},
    {"loop object", loop_object_read, loop_object_written},
};

typedef struct {
    PyObject_HEAD
    PyObject *name; /* owned */
    PyObject *otherwise; /* owned; called with (instance, old, new) of what no hook knows; NULL: nothing is */
    const AttributeModel *model;
} Watched;

static PyObject *
missing(Watched *watched, const char *kind, PyTypeObject *whose)
{
    return PyErr_Format(PyExc_AttributeError, "%s'%s'%s has no attribute '%U'", kind, whose->tp_name,
                        *kind ? "" : " object", watched->name);
}

/* A value is about to be stored. False with an exception that is not for us. */
static bool
tell_write(Watched *watched, PyObject *values, PyObject *instance, PyObject *value)
{
    PyObject *old = dict_item(values, watched->name);
    if (!watched->model->write(instance, old, value) && watched->otherwise != NULL && !PyErr_Occurred()) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(watched->otherwise, instance, old == NULL ? Py_None : old, value, NULL));
    }
    Py_XDECREF(old);
    return settled();
}

static PyObject *
watched_get(PyObject *self, PyObject *instance, PyObject *owner)
{
    Watched *watched = (Watched *)self;
    if (instance == NULL || instance == Py_None) {
        return missing(watched, "type object ", (PyTypeObject *)owner);
    }
    PyObject *values = PyObject_GenericGetDict(instance, NULL);
    PyObject *value = values == NULL ? NULL : dict_item(values, watched->name);
    Py_XDECREF(values);
    if (value == NULL) {
        return PyErr_Occurred() ? NULL : missing(watched, "", Py_TYPE(instance));
    }
    if (watched->model->read != NULL && run_here() != 0) {
        watched->model->read(instance, value);
        if (!settled()) {
            Py_CLEAR(value);
        }
    }
    return value;
}

static int
watched_set(PyObject *self, PyObject *instance, PyObject *value)
{
    Watched *watched = (Watched *)self;
    PyObject *values = PyObject_GenericGetDict(instance, NULL);
    if (values == NULL) {
        return -1;
    }
    int done;
    if (value == NULL) {
        done = PyDict_DelItem(values, watched->name);
        if (done < 0 && PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_Clear();
            missing(watched, "", Py_TYPE(instance));
        }
    }
    else {
        bool told = watched->model->write == NULL || run_here() == 0 || tell_write(watched, values, instance, value);
        done = told ? PyDict_SetItem(values, watched->name, value) : -1;
    }
    Py_DECREF(values);
    return done;
}

static PyObject *
watched_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *attribute, *otherwise = NULL;
    const char *name;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "Us|O", &attribute, &name, &otherwise)) {
        return NULL;
    }
    for (size_t place = 0; place < sizeof attribute_models / sizeof *attribute_models; place++) {
        if (strcmp(attribute_models[place].name, name) == 0) {
            Watched *watched = (Watched *)type->tp_alloc(type, 0);
            if (watched != NULL) {
                watched->name = Py_NewRef(attribute);
                PyUnicode_InternInPlace(&watched->name);
                watched->otherwise = Py_XNewRef(otherwise);
                watched->model = &attribute_models[place];
            }
            return (PyObject *)watched;
        }
    }
    return PyErr_Format(PyExc_ValueError, "no model is called %s", name);
}

static void
watched_dealloc(Watched *watched)
{
    Py_XDECREF(watched->name);
    Py_XDECREF(watched->otherwise);
    Py_TYPE(watched)->tp_free((PyObject *)watched);
}

PyTypeObject Watched_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Watched",
    .tp_basicsize = sizeof(Watched),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = watched_new,
    .tp_dealloc = (destructor)watched_dealloc,
    .tp_descr_get = watched_get,
    .tp_descr_set = watched_set,
};
