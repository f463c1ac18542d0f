/* What bodies of modules did, for whoever is given the module: the twin of raceway/sync/imports.py, and of `PureImports`
   in raceway/runtime/recorder.py. A statement comes after all bodies so far, a call after those of the modules that it names. */
#include "core.h"

uint64_t imports_sync;

static PyObject *bodies; /* owned; by name of a module, the serial of what its body released */
static uint64_t bodies_run; /* the run that they are of */

static bool
is_text(PyObject *name)
{
    return name != NULL && PyUnicode_CheckExact(name) && PyUnicode_GET_LENGTH(name) != 0;
}

/* The serial of a module of which a body ran in this run, 0 for others. An exception is the caller's to clear. */
static uint64_t
body_of(PyObject *name)
{
    PyObject *found = bodies == NULL || bodies_run != recorded_run() ? NULL : PyDict_GetItemWithError(bodies, name);
    return found == NULL ? 0 : PyLong_AsUnsignedLongLong(found);
}

static void
acquire_body(PyObject *name)
{
    uint64_t serial = body_of(name);
    if (serial != 0 && core_enter(bodies_run)) {
        sync_acquire(current_thread(), serial);
        core_unlock();
    }
}

/* The calling thread was given this module, and with it those that it lies in. */
static void
acquire_bodies(PyObject *name)
{
    PyObject *part = Py_NewRef(name);
    while (part != NULL) {
        acquire_body(part);
        Py_ssize_t dot = PyUnicode_FindChar(part, '.', 0, PyUnicode_GET_LENGTH(part), -1);
        Py_SETREF(part, dot <= 0 ? NULL : PyUnicode_Substring(part, 0, dot));
    }
}

/* The submodules among the names that a call asks for. */
static void
acquire_submodules(PyObject *module, PyObject *names)
{
    if (names == NULL || !(PyTuple_CheckExact(names) || PyList_CheckExact(names))) {
        return;
    }
    for (Py_ssize_t place = 0; place < PySequence_Fast_GET_SIZE(names); place++) {
        PyObject *name = PySequence_Fast_GET_ITEM(names, place);
        PyObject *whole = is_text(name) ? PyUnicode_FromFormat("%U.%U", module, name) : NULL;
        if (whole != NULL) {
            acquire_body(whole);
            Py_DECREF(whole);
        }
    }
}

static PyObject *
argument(const Called *called, Py_ssize_t place, const char *name)
{
    if (place < called->given) {
        return called->args[place];
    }
    for (Py_ssize_t one = 0; called->names != NULL && one < PyTuple_GET_SIZE(called->names); one++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(called->names, one), name) == 0) {
            return called->args[called->given + one];
        }
    }
    return NULL;
}

/* `__import__(name, globals, locals, fromlist, level)` or `_gcd_import(name, package, level)` gave this. */
void
module_imported(const Called *called, PyObject *module)
{
    if (bodies == NULL || bodies_run != run_here()) {
        return;
    }
    PyObject *asked = argument(called, 0, "name");
    PyObject *name = PyModule_Check(module) ? PyDict_GetItemString(PyModule_GetDict(module), "__name__") : NULL;
    if (is_text(asked)) {
        acquire_bodies(asked);
    }
    if (is_text(name)) {
        acquire_bodies(name);
        acquire_submodules(name, argument(called, 3, "fromlist"));
    }
}

/* executed(name): whoever is given it from now on happens after this. */
static PyObject *
executed(PyObject *self, PyObject *name)
{
    (void)self;
    if (recorded_run() == 0 || !is_text(name)) {
        Py_RETURN_NONE;
    }
    if (bodies == NULL || bodies_run != recorded_run()) {
        PyObject *fresh = PyDict_New();
        if (fresh == NULL) {
            return NULL;
        }
        bodies_run = recorded_run();
        Py_XSETREF(bodies, fresh);
    }
    uint64_t serial = body_of(name);
    if (PyErr_Occurred()) {
        return NULL;
    }
    bool known = serial != 0;
    if (core_enter(bodies_run)) {
        serial = known ? serial : sync_new(NULL, NULL, 0);
        sync_release(current_thread(), serial, true);
        sync_release(current_thread(), imports_sync, true);
        core_unlock();
    }
    if (!known && serial != 0) {
        PyObject *number = PyLong_FromUnsignedLongLong(serial);
        int failed = number == NULL ? -1 : PyDict_SetItem(bodies, name, number);
        Py_XDECREF(number);
        if (failed < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

/* given(name): what a model in Python tells. */
static PyObject *
given(PyObject *self, PyObject *name)
{
    (void)self;
    if (is_text(name)) {
        acquire_bodies(name);
        PyErr_Clear();
    }
    Py_RETURN_NONE;
}

static PyMethodDef imports_methods[] = {
    {"executed", executed, METH_O, "The current actor has run the body of this module."},
    {"given", given, METH_O, "The import system gave the current actor this module."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Imports_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Imports",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = imports_methods,
    .tp_doc = "The verbs of imports, for any thread.",
};
