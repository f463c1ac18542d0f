/* functools.lru_cache, observed at its type: the twin of raceway/sync/caches.py, which says what it models and why.

   The function that a cache computes with is put into one of ours when the cache is made, which tells that a value was
   computed; whoever calls the cache happens after all that was. Both are done in slots of the type, so a call of the
   cache has no frame more than it had. */
#include "core.h"

typedef struct {
    PyObject_HEAD
    PyObject *function; /* owned */
    uint64_t run, sync; /* the sync is that of the cache's record, and goes with it */
} Computed;

static PyTypeObject *cache_type; /* owned once known */
static newfunc cache_new;
static ternaryfunc cache_call;
static bool swapped;
static PyObject *kind_cache;

PyTypeObject *cached_property_type; /* owned once known */

static PyObject *
computed_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Computed *computed = (Computed *)self;
    PyObject *result = PyObject_Call(computed->function, args, kwargs);
    if (result != NULL && computed->run != 0 && core_enter(computed->run)) {
        tell_release(computed->sync, true);
        core_unlock();
    }
    return result;
}

static int
computed_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Computed *)self)->function);
    return 0;
}

static int
computed_clear(PyObject *self)
{
    Py_CLEAR(((Computed *)self)->function);
    return 0;
}

static void
computed_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    computed_clear(self);
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject Computed_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Computed",
    .tp_basicsize = sizeof(Computed),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_alloc = PyType_GenericAlloc,
    .tp_free = PyObject_GC_Del,
    .tp_dealloc = computed_dealloc,
    .tp_traverse = computed_traverse,
    .tp_clear = computed_clear,
    .tp_call = computed_call,
    .tp_doc = "What a cache computes with.",
};

/* The arguments of a new cache with the function in `computed`. */
static PyObject *
with_computed(PyObject *args, PyObject *computed)
{
    PyObject *given = PyTuple_New(PyTuple_GET_SIZE(args));
    for (Py_ssize_t place = 0; given != NULL && place < PyTuple_GET_SIZE(args); place++) {
        PyTuple_SET_ITEM(given, place, Py_NewRef(place == 0 ? computed : PyTuple_GET_ITEM(args, place)));
    }
    return given;
}

static PyObject *
our_cache_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    if (run_here() == 0 || PyTuple_GET_SIZE(args) == 0 || !PyCallable_Check(PyTuple_GET_ITEM(args, 0)) ||
        is_database(PyTuple_GET_ITEM(args, 0))) {
        return cache_new(type, args, kwargs);
    }
    Computed *computed = (Computed *)Computed_Type.tp_alloc(&Computed_Type, 0);
    if (computed == NULL) {
        return NULL;
    }
    computed->function = Py_NewRef(PyTuple_GET_ITEM(args, 0));
    PyObject *given = with_computed(args, (PyObject *)computed);
    PyObject *cache = given == NULL ? NULL : cache_new(type, given, kwargs);
    Py_XDECREF(given);
    uint64_t run = run_here();
    if (cache != NULL && run != 0 && core_enter(run)) {
        Object *object = object_of(cache);
        Extra *extra = object == NULL ? NULL : object_extra(object);
        if (extra != NULL) {
            computed->sync = extra->sync = tell_new(kind_cache, NULL, 0);
            computed->run = run;
        }
        core_unlock();
    }
    Py_DECREF(computed);
    return cache;
}

static PyObject *
our_cache_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *result = cache_call(self, args, kwargs);
    if (result != NULL && core_enter(0)) {
        Object *object = object_find(self);
        if (object != NULL && object->extra != NULL && object->extra->sync != 0) {
            tell_acquire(object->extra->sync);
        }
        core_unlock();
    }
    return result;
}

/* caches_install(cache, property): the types of functools; False where the first is not as we know it. */
PyObject *
caches_install(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *cache, *property;
    if (!PyArg_ParseTuple(args, "O!O!", &PyType_Type, &cache, &PyType_Type, &property)) {
        return NULL;
    }
    Py_XSETREF(cached_property_type, (PyTypeObject *)Py_NewRef(property));
    PyTypeObject *type = (PyTypeObject *)cache;
    if (swapped || type->tp_call == NULL || type->tp_new == NULL ||
        PyType_HasFeature(type, Py_TPFLAGS_HAVE_VECTORCALL)) {
        return PyBool_FromLong(swapped);
    }
    if (PyType_Ready(&Computed_Type) < 0 ||
        (kind_cache == NULL && (kind_cache = PyUnicode_InternFromString("cache")) == NULL)) {
        return NULL;
    }
    Py_XSETREF(cache_type, (PyTypeObject *)Py_NewRef(type));
    cache_new = type->tp_new;
    cache_call = type->tp_call;
    type->tp_new = our_cache_new;
    type->tp_call = our_cache_call;
    swapped = true;
    Py_RETURN_TRUE;
}

/* caches_uninstall(): the slots are as they were. */
PyObject *
caches_uninstall(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (swapped) {
        cache_type->tp_new = cache_new;
        cache_type->tp_call = cache_call;
        swapped = false;
    }
    Py_RETURN_NONE;
}
