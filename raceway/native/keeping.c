/* Copies of arguments that are kept until they are told: the twin of `keep_arguments` in raceway/client/keeping.py, which has
   the rules. Types are compared, nothing of the program is called. */
#include "core.h"

enum { FEW = 8, MANY = 100, NODE_LIMIT = 1000, DEPTH_LIMIT = 16, TEXT_LIMIT = 4096 };

/* Whether it may be kept as it is. */
static bool
is_small(PyObject *value)
{
    if (PyUnicode_CheckExact(value)) {
        return PyUnicode_GET_LENGTH(value) <= TEXT_LIMIT;
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        (void)PyLong_AsLongLongAndOverflow(value, &overflow);
        return overflow == 0;
    }
    return value == Py_None || PyFloat_CheckExact(value) || PyBool_Check(value);
}

static bool
are_small(PyObject *values)
{
    bool all = true;
    for (Py_ssize_t place = 0; all && place < PyTuple_GET_SIZE(values); place++) {
        all = is_small(PyTuple_GET_ITEM(values, place));
    }
    return all;
}

/* What is kept has no way back to itself. NULL stays NULL. */
static PyObject *
hidden_from_collector(PyObject *kept)
{
    if (kept != NULL) {
        PyObject_GC_UnTrack(kept);
    }
    return kept;
}

/* A new reference to a copy of a list or tuple of small scalars that is not too long; NULL, without an exception unless memory is
   short, where it is none. */
static PyObject *
kept_items(PyObject *value)
{
    if (Py_SIZE(value) > MANY) {
        return NULL;
    }
    PyObject *items = PyTuple_CheckExact(value) ? Py_NewRef(value) : PyList_AsTuple(value);
    if (items != NULL && PyTuple_GET_SIZE(items) <= MANY && are_small(items)) {
        return hidden_from_collector(items);
    }
    Py_XDECREF(items);
    return NULL;
}

/* The same of a small dictionary of names and small scalars. */
static PyObject *
kept_names(PyObject *value)
{
    PyObject *copy = PyDict_GET_SIZE(value) > FEW ? NULL : PyDict_Copy(value);
    Py_ssize_t place = 0;
    PyObject *name, *item;
    bool all = copy != NULL && PyDict_GET_SIZE(copy) <= FEW;
    while (all && PyDict_Next(copy, &place, &name, &item)) {
        all = PyUnicode_CheckExact(name) && is_small(name) && is_small(item);
    }
    if (all) {
        return hidden_from_collector(copy);
    }
    Py_XDECREF(copy);
    return NULL;
}

/* A new reference to what is kept of a value, at first: what is neither a scalar nor a container stays as it is, and is
   counted. NULL as above, where it is much. */
static PyObject *
kept_at_first(PyObject *value, Py_ssize_t *odd)
{
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value)) {
        return kept_items(value);
    }
    if (PyDict_CheckExact(value)) {
        return kept_names(value);
    }
    if (PyUnicode_CheckExact(value) || PyLong_CheckExact(value)) {
        return is_small(value) ? Py_NewRef(value) : NULL;
    }
    *odd += !is_small(value);
    return Py_NewRef(value);
}

/* Whether it stayed as it is though it must not. */
static bool
is_odd(PyObject *kept)
{
    return !is_small(kept) && !PyTuple_CheckExact(kept) && !PyDict_CheckExact(kept);
}

static PyObject *
kept_by_position(PyObject *values, bool of_owner, Py_ssize_t *odd)
{
    if (!of_owner && are_small(values)) {
        return Py_NewRef(values);
    }
    PyObject *kept = PyTuple_New(PyTuple_GET_SIZE(values));
    for (Py_ssize_t place = 0; kept != NULL && place < PyTuple_GET_SIZE(values); place++) {
        PyObject *copy = place == 0 && of_owner ? Py_NewRef(Py_None) : kept_at_first(PyTuple_GET_ITEM(values, place), odd);
        if (copy == NULL) {
            Py_CLEAR(kept);
            break;
        }
        PyTuple_SET_ITEM(kept, place, copy);
    }
    return hidden_from_collector(kept);
}

/* Of a dictionary that nobody else changes. */
static PyObject *
kept_by_name(PyObject *values, Py_ssize_t *odd)
{
    if (PyDict_GET_SIZE(values) == 0) {
        return Py_NewRef(values);
    }
    PyObject *kept = PyDict_Copy(values), *name, *value;
    Py_ssize_t at = 0;
    while (kept != NULL && PyDict_Next(values, &at, &name, &value)) {
        PyObject *copy = kept_at_first(value, odd);
        if (copy == NULL || (copy != value && PyDict_SetItem(kept, name, copy) < 0)) {
            Py_CLEAR(kept);
        }
        Py_XDECREF(copy);
    }
    return hidden_from_collector(kept);
}

/* In the place of what must not stay: what `briefly` says of it. */
static bool
told_briefly(PyObject *kept, PyObject *named, PyObject *briefly)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(kept); place++) {
        value = PyTuple_GET_ITEM(kept, place);
        if (is_odd(value)) {
            PyObject *brief = PyObject_CallOneArg(briefly, value);
            if (brief == NULL) {
                return false;
            }
            PyTuple_SET_ITEM(kept, place, brief);
            Py_DECREF(value);
        }
    }
    while (PyDict_Next(named, &at, &name, &value)) {
        PyObject *brief = is_odd(value) ? PyObject_CallOneArg(briefly, value) : Py_NewRef(value);
        bool done = brief != NULL && (brief == value || PyDict_SetItem(named, name, brief) == 0);
        Py_XDECREF(brief);
        if (!done) {
            return false;
        }
    }
    return true;
}

/* keep_arguments(args, kwargs, briefly, of_owner) -> those by position and those by name, None where one of them is much. */
PyObject *
native_keep_arguments(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 4 || !PyTuple_CheckExact(arguments[0]) || !PyDict_CheckExact(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "keep_arguments(args, kwargs, briefly, of_owner)");
        return NULL;
    }
    Py_ssize_t odd = 0;
    PyObject *kept = kept_by_position(arguments[0], arguments[3] == Py_True, &odd), *found = NULL;
    PyObject *named = kept == NULL ? NULL : kept_by_name(arguments[1], &odd);
    if (named != NULL && (odd == 0 || told_briefly(kept, named, arguments[2]))) {
        found = hidden_from_collector(PyTuple_Pack(2, kept, named));
    }
    Py_XDECREF(kept);
    Py_XDECREF(named);
    return found != NULL || PyErr_Occurred() ? found : Py_NewRef(Py_None);
}

static PyObject *few_class, *keep_much; /* owned */

/* keep_with(Few, keep_much): what few names are kept in, and who keeps what is much. */
PyObject *
native_keep_with(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *few, *much;
    if (!PyArg_ParseTuple(args, "OO", &few, &much)) {
        return NULL;
    }
    Py_XSETREF(few_class, Py_NewRef(few));
    Py_XSETREF(keep_much, Py_NewRef(much));
    Py_RETURN_NONE;
}

/* keep(value, degrade) -> what is kept of it. */
PyObject *
native_keep(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 2 || keep_much == NULL) {
        PyErr_SetString(PyExc_TypeError, "keep(value, degrade)");
        return NULL;
    }
    PyObject *value = arguments[0], *kept = NULL;
    if (is_small(value)) {
        return Py_NewRef(value);
    }
    if (PyDict_CheckExact(value)) {
        PyObject *names = kept_names(value);
        kept = names == NULL ? NULL : hidden_from_collector(PyObject_CallOneArg(few_class, names));
        Py_XDECREF(names);
    }
    else if (PyList_CheckExact(value) || PyTuple_CheckExact(value)) {
        kept = kept_items(value);
    }
    return kept != NULL || PyErr_Occurred() ? kept : PyObject_Vectorcall(keep_much, arguments, 2, NULL);
}

/* --- Snapshots: the twin of `snapshot` in raceway/model/values.py ------------------------------------------------------- */

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
    Py_ssize_t limit = Py_SIZE(value) < budget->nodes ? Py_SIZE(value) : budget->nodes, place = 0;
    PyObject *taken = PyTuple_CheckExact(value) ? PyTuple_GetSlice(value, 0, limit) : PyList_GetSlice(value, 0, limit);
    PyObject *found = taken == NULL ? NULL : PyList_New(Py_SIZE(taken));
    for (; found != NULL && place < Py_SIZE(taken) && budget->nodes > 0; place++) {
        PyObject *item = PyTuple_CheckExact(taken) ? PyTuple_GET_ITEM(taken, place) : PyList_GET_ITEM(taken, place), *copy;
        if (is_plain(item)) {
            budget->nodes--;
            copy = Py_NewRef(item);
        }
        else if ((copy = copied(item, depth - 1, budget)) == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyList_SET_ITEM(found, place, copy);
    }
    if (found != NULL && place < Py_SIZE(taken) && PyList_SetSlice(found, place, Py_SIZE(taken), NULL) < 0) {
        Py_CLEAR(found);
    }
    budget->lossless &= found != NULL && PyList_GET_SIZE(found) == Py_SIZE(value);
    Py_XDECREF(taken);
    return hidden_from_collector(found);
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
    return hidden_from_collector(found);
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
