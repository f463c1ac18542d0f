/* Copies of arguments that are kept until they are told: the twin of `keep_each` in raceway/client/keeping.py, which has the
   rules. Types are compared, nothing of the program is called. */
#include "core.h"

enum { FEW = 8 };

static bool
is_scalar(PyObject *value)
{
    return PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || value == Py_None || PyFloat_CheckExact(value) ||
           PyBool_Check(value);
}

static bool
are_scalars(PyObject *values)
{
    bool all = true;
    for (Py_ssize_t place = 0; all && place < PyTuple_GET_SIZE(values); place++) {
        all = is_scalar(PyTuple_GET_ITEM(values, place));
    }
    return all;
}

/* A new reference to a copy of a short list or tuple of scalars; NULL, without an exception, where it is none. */
static PyObject *
few_items(PyObject *value)
{
    if (Py_SIZE(value) > FEW) {
        return NULL;
    }
    PyObject *items = PyTuple_CheckExact(value) ? Py_NewRef(value) : PyList_AsTuple(value);
    if (items != NULL && PyTuple_GET_SIZE(items) <= FEW && are_scalars(items)) {
        return items;
    }
    Py_XDECREF(items);
    return NULL;
}

/* The same of a small dictionary of names and scalars. */
static PyObject *
few_names(PyObject *value)
{
    PyObject *copy = PyDict_GET_SIZE(value) > FEW ? NULL : PyDict_Copy(value);
    Py_ssize_t place = 0;
    PyObject *name, *item;
    bool all = copy != NULL && PyDict_GET_SIZE(copy) <= FEW;
    while (all && PyDict_Next(copy, &place, &name, &item)) {
        all = PyUnicode_CheckExact(name) && is_scalar(item);
    }
    if (all) {
        return copy;
    }
    Py_XDECREF(copy);
    return NULL;
}

/* keep_each(values, briefly) -> a tuple, None where one of the values is much. */
PyObject *
native_keep_each(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "keep_each(values, briefly)");
        return NULL;
    }
    PyObject *values = PySequence_Tuple(arguments[0]);
    if (values != NULL && are_scalars(values)) {
        return values;
    }
    PyObject *kept = values == NULL ? NULL : PyTuple_New(PyTuple_GET_SIZE(values));
    bool much = false;
    for (Py_ssize_t place = 0; kept != NULL && !much && place < PyTuple_GET_SIZE(values); place++) {
        PyObject *value = PyTuple_GET_ITEM(values, place), *copy;
        if (is_scalar(value)) {
            copy = Py_NewRef(value);
        }
        else if (PyList_CheckExact(value) || PyTuple_CheckExact(value)) {
            copy = few_items(value);
            much = copy == NULL;
        }
        else if (PyDict_CheckExact(value)) {
            copy = few_names(value);
            much = copy == NULL;
        }
        else if ((copy = PyObject_CallOneArg(arguments[1], value)) == NULL) {
            Py_CLEAR(kept);
            break;
        }
        PyTuple_SET_ITEM(kept, place, copy);
    }
    Py_XDECREF(values);
    if (much) {
        Py_XDECREF(kept);
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    return kept;
}

/* --- Snapshots: the twin of `snapshot` in raceway/model/values.py ------------------------------------------------------- */

enum { NODE_LIMIT = 1000, DEPTH_LIMIT = 16, TEXT_LIMIT = 4096 };

typedef struct {
    PyObject *scalar; /* tells what is no plain scalar; borrowed */
    Py_ssize_t nodes;
    bool lossless;
} Budget;

static bool
has_surrogates(PyObject *text)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    for (Py_ssize_t place = 0; kind != PyUnicode_1BYTE_KIND && place < PyUnicode_GET_LENGTH(text); place++) {
        if (Py_UNICODE_IS_SURROGATE(PyUnicode_READ(kind, data, place))) {
            return true;
        }
    }
    return false;
}

/* Whether it is JSON as it is. */
static bool
is_plain(PyObject *value)
{
    if (PyUnicode_CheckExact(value)) {
        return PyUnicode_GET_LENGTH(value) <= TEXT_LIMIT && !has_surrogates(value);
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        (void)PyLong_AsLongLongAndOverflow(value, &overflow);
        return overflow == 0;
    }
    if (PyFloat_CheckExact(value)) {
        double real = PyFloat_AS_DOUBLE(value);
        return real - real == 0; /* neither infinite nor not a number */
    }
    return value == Py_None || PyBool_Check(value);
}

static PyObject *
scalar_of(PyObject *value, Budget *budget)
{
    if (is_plain(value)) {
        return Py_NewRef(value);
    }
    budget->lossless = false;
    return PyObject_CallOneArg(budget->scalar, value);
}

static PyObject *copied(PyObject *value, int depth, Budget *budget);

static PyObject *
copied_items(PyObject *value, int depth, Budget *budget)
{
    Py_ssize_t limit = Py_SIZE(value) < budget->nodes ? Py_SIZE(value) : budget->nodes;
    PyObject *taken = PyTuple_CheckExact(value) ? PyTuple_GetSlice(value, 0, limit) : PyList_GetSlice(value, 0, limit);
    PyObject *found = taken == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t place = 0; found != NULL && place < Py_SIZE(taken) && budget->nodes > 0; place++) {
        PyObject *item = PyTuple_CheckExact(taken) ? PyTuple_GET_ITEM(taken, place) : PyList_GET_ITEM(taken, place);
        PyObject *copy = copied(item, depth - 1, budget);
        if (copy == NULL || PyList_Append(found, copy) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(copy);
    }
    budget->lossless &= found != NULL && PyList_GET_SIZE(found) == Py_SIZE(value);
    Py_XDECREF(taken);
    return found;
}

/* One entry into the copy; false with an exception set. */
static bool
copy_entry(PyObject *found, PyObject *key, PyObject *item, int depth, Budget *budget)
{
    PyObject *name = scalar_of(key, budget);
    if (name != NULL && !PyUnicode_CheckExact(name)) {
        Py_SETREF(name, PyObject_Str(name));
    }
    PyObject *copy = name == NULL ? NULL : copied(item, depth - 1, budget);
    bool done = copy != NULL && PyDict_SetItem(found, name, copy) == 0;
    Py_XDECREF(name);
    Py_XDECREF(copy);
    return done;
}

/* Raises RuntimeError for one that is changed meanwhile, as a loop of Python does. */
static PyObject *
copied_names(PyObject *value, int depth, Budget *budget)
{
    PyObject *found = PyDict_New(), *key, *item;
    Py_ssize_t size = PyDict_GET_SIZE(value), left = budget->nodes, place = 0;
    bool done = found != NULL;
    while (done && left-- > 0 && budget->nodes > 0 && PyDict_Next(value, &place, &key, &item)) {
        Py_INCREF(key);
        Py_INCREF(item);
        done = copy_entry(found, key, item, depth, budget);
        Py_DECREF(key);
        Py_DECREF(item);
        if (done && PyDict_GET_SIZE(value) != size) {
            PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
            done = false;
        }
    }
    if (!done) {
        Py_CLEAR(found);
        return NULL;
    }
    budget->lossless &= PyDict_GET_SIZE(found) == size;
    return found;
}

static PyObject *
copied(PyObject *value, int depth, Budget *budget)
{
    PyObject *found;
    budget->nodes--;
    if (depth > 0 && budget->nodes > 0 && PyDict_CheckExact(value)) {
        HELD_STILL(value)
        found = copied_names(value, depth, budget);
        LET_GO
        return found;
    }
    if (depth > 0 && budget->nodes > 0 && (PyList_CheckExact(value) || PyTuple_CheckExact(value))) {
        return copied_items(value, depth, budget);
    }
    return scalar_of(value, budget);
}

/* snapshot(value, scalar) -> the copy, and whether it is whole; `scalar` of raceway.model.values tells what is no plain
   scalar. */
PyObject *
native_snapshot(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "snapshot(value, scalar)");
        return NULL;
    }
    Budget budget = {.scalar = arguments[1], .nodes = NODE_LIMIT, .lossless = true};
    PyObject *copy = copied(arguments[0], DEPTH_LIMIT, &budget);
    PyObject *found = copy == NULL ? NULL : PyTuple_Pack(2, copy, budget.lossless ? Py_True : Py_False);
    Py_XDECREF(copy);
    return found;
}
