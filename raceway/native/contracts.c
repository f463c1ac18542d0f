/* What operations of built-in containers do: the table of raceway/runtime/contracts, handed over when a run starts, and
   the look-up by a type's resolution order, the twin of raceway/runtime/contracts/table.py. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define CONTAINERS 64

typedef struct {
    PyTypeObject *type; /* owned; NULL for array.array, told by its name */
    bool sequence;
    Table methods; /* name -> Rows, owned */
} Container;

static Container containers[CONTAINERS];
static uint8_t container_count;
static Row *rows; /* owned */
static PyObject *names; /* owned list: keeps the interned names of rows */
static PyObject *string_bool, *string_len, *string_contains, *string_iter;
static const Rows no_rows;

/* The number of a container type, 0 for other types. */
uint8_t
container_index(PyTypeObject *type)
{
    for (uint8_t place = 0; place < container_count; place++) {
        if (containers[place].type == type) {
            return place + 1;
        }
        if (containers[place].type == NULL && type_is_immutable(type) && strcmp(type->tp_name, "array.array") == 0) {
            return place + 1;
        }
    }
    return 0;
}

bool
container_is_sequence(uint8_t index)
{
    return containers[index - 1].sequence;
}

static bool
read_effects(PyObject *list, Effect *effects, uint8_t *count)
{
    Py_ssize_t length = PyTuple_GET_SIZE(list);
    if (length > EFFECTS) {
        PyErr_SetString(PyExc_ValueError, "a contract with too many effects");
        return false;
    }
    for (Py_ssize_t place = 0; place < length; place++) {
        int target, operation, commute;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(list, place), "iii", &target, &operation, &commute)) {
            return false;
        }
        effects[place] = (Effect){(uint8_t)target, (uint8_t)operation, (uint8_t)commute};
    }
    *count = (uint8_t)length;
    return true;
}

/* (container, name, shape, effects, full_when, otherwise, through, handover) */
static bool
read_row(PyObject *value, Row *row)
{
    int container, shape, full_when, through, handover;
    PyObject *name, *effects, *otherwise;
    if (!PyArg_ParseTuple(value, "iUiO!iO!ii", &container, &name, &shape, &PyTuple_Type, &effects, &full_when,
                          &PyTuple_Type, &otherwise, &through, &handover)) {
        return false;
    }
    *row = (Row){.full_when = (uint8_t)full_when, .handover = (uint8_t)handover, .through = through != 0};
    if (!read_effects(effects, row->effects, &row->effect_count) ||
        !read_effects(otherwise, row->otherwise, &row->otherwise_count)) {
        return false;
    }
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);
    int failed = PyList_Append(names, name);
    Py_DECREF(name);
    Table *methods = &containers[container].methods;
    Rows *known = failed ? NULL : table_get(methods, (uintptr_t)name);
    if (known == NULL) {
        known = calloc(1, sizeof(Rows));
        if (failed || known == NULL || !table_put(methods, (uintptr_t)name, known)) {
            free(known);
            return false;
        }
    }
    known->by_shape[shape] = row;
    return true;
}

/* Take over the table: rows, container types (None for array.array), and whether each is a sequence. */
bool
contracts_load(PyObject *table, PyObject *types, PyObject *sequences)
{
    contracts_reset();
    Py_ssize_t count = PyTuple_GET_SIZE(types);
    names = PyList_New(0);
    rows = calloc((size_t)PyTuple_GET_SIZE(table), sizeof(Row));
    if (names == NULL || rows == NULL || count > CONTAINERS) {
        PyErr_SetString(PyExc_MemoryError, "no room for the contracts of containers");
        return false;
    }
    for (Py_ssize_t place = 0; place < count; place++) {
        PyObject *type = PyTuple_GET_ITEM(types, place);
        containers[place].type = type == Py_None ? NULL : (PyTypeObject *)Py_NewRef(type);
        containers[place].sequence = PyObject_IsTrue(PyTuple_GET_ITEM(sequences, place)) == 1;
    }
    container_count = (uint8_t)count;
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(table); place++) {
        if (!read_row(PyTuple_GET_ITEM(table, place), &rows[place])) {
            return false;
        }
    }
    string_bool = PyUnicode_InternFromString("__bool__");
    string_len = PyUnicode_InternFromString("__len__");
    string_contains = PyUnicode_InternFromString("__contains__");
    string_iter = PyUnicode_InternFromString("__iter__");
    return true;
}

/* The rows of the first class that has the name, none if its own is not in the table; NULL when no class has it. */
static const Rows *
find(PyTypeObject *type, PyObject *name)
{
    PyObject *order = type->tp_mro;
    for (Py_ssize_t place = 0; order != NULL && place < PyTuple_GET_SIZE(order); place++) {
        PyTypeObject *cls = (PyTypeObject *)PyTuple_GET_ITEM(order, place);
        uint8_t index = container_index(cls);
        const Rows *known = index == 0 ? NULL : table_get(&containers[index - 1].methods, (uintptr_t)name);
        if (known != NULL) {
            return known;
        }
        if (class_holds(cls, name) != NULL) {
            return &no_rows;
        }
    }
    return NULL;
}

static const Rows *
resolve(Shape *shape, PyObject *name, bool as_method)
{
    uint64_t key = (uintptr_t)name | as_method;
    Rows *known = table_get(&shape->rows, key);
    if (known != NULL) {
        return known;
    }
    const Rows *found = NULL;
    if (!as_method || !shape->hooked) {
        found = find(shape->type, name);
        if (found == NULL && (name == string_bool || name == string_contains)) {
            found = find(shape->type, name == string_bool ? string_len : string_iter);
        }
    }
    known = malloc(sizeof(Rows));
    if (known == NULL) {
        failures++;
        return &no_rows;
    }
    *known = found != NULL ? *found : no_rows;
    if (!table_put(&shape->rows, key, known)) {
        free(known);
        return &no_rows;
    }
    return known;
}

/* The rows of `x.name(...)` for instances of this shape. `name` is interned. */
const Rows *
contract_lookup(Shape *shape, PyObject *name)
{
    return resolve(shape, name, true);
}

/* The rows of what the interpreter does by this special method. */
const Rows *
contract_operator(Shape *shape, PyObject *name)
{
    return resolve(shape, name, false);
}

void
contracts_reset(void)
{
    for (uint8_t place = 0; place < container_count; place++) {
        Table *methods = &containers[place].methods;
        for (size_t at = 0; methods->entries != NULL && at <= methods->mask; at++) {
            free(methods->entries[at].value);
        }
        table_free(methods);
        Py_XDECREF(containers[place].type);
        containers[place].type = NULL;
    }
    container_count = 0;
    free(rows);
    rows = NULL;
    Py_CLEAR(names);
}
