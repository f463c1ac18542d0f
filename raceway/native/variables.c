/* What people call locations: `Account.balance`, `app.counter`, `Shop.stock[...]`. Texts are interned as numbers, made
   when a location is first met or races, and never on a fast path. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

static PyObject *numbers; /* {text: number} */
static PyObject *texts; /* [text]; number 1 is at place 0 */
static uint8_t *read_flags;
static size_t read_capacity;

static bool
ready(void)
{
    if (numbers == NULL) {
        numbers = PyDict_New();
        texts = PyList_New(0);
    }
    return numbers != NULL && texts != NULL;
}

uint32_t
variable_intern(PyObject *text)
{
    uint32_t found = 0;
    if (text == NULL || !ready()) {
        goto error;
    }
    PyObject *known = PyDict_GetItemWithError(numbers, text);
    if (known != NULL) {
        found = (uint32_t)PyLong_AsUnsignedLong(known);
    }
    else {
        PyObject *number = PyLong_FromSsize_t(PyList_GET_SIZE(texts) + 1);
        if (number == NULL || PyList_Append(texts, text) < 0 || PyDict_SetItem(numbers, text, number) < 0) {
            Py_XDECREF(number);
            goto error;
        }
        found = (uint32_t)PyList_GET_SIZE(texts);
        Py_DECREF(number);
    }
    Py_DECREF(text);
    return found;
error:
    PyErr_Clear();
    failures++;
    Py_XDECREF(text);
    return 0;
}

/* A name without the functions around it: what follows the last "<locals>.". */
PyObject *
without_locals(PyObject *label)
{
    static PyObject *marker;
    if (marker == NULL && (marker = PyUnicode_InternFromString("<locals>.")) == NULL) {
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(label);
    Py_ssize_t place = PyUnicode_Find(label, marker, 0, length, -1);
    if (place < 0) {
        return Py_NewRef(label);
    }
    return PyUnicode_Substring(label, place + PyUnicode_GET_LENGTH(marker), length);
}

/* A private name without its class prefix. */
static PyObject *
readable(PyObject *name)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    if (length > 3 && PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) != '_') {
        for (Py_ssize_t place = 1; place + 1 < length; place++) {
            if (PyUnicode_READ_CHAR(name, place) == '_' && PyUnicode_READ_CHAR(name, place + 1) == '_') {
                return PyUnicode_Substring(name, place, length);
            }
        }
    }
    return Py_NewRef(name);
}

uint32_t
variable_of_attribute(PyObject *label, PyObject *name)
{
    PyObject *short_name = readable(name);
    PyObject *text = short_name == NULL || label == NULL ? NULL : PyUnicode_FromFormat("%U.%U", label, short_name);
    Py_XDECREF(short_name);
    return variable_intern(text);
}

uint32_t
variable_of_global(PyObject *namespace, PyObject *name)
{
    static PyObject *dunder_name;
    if (dunder_name == NULL) {
        dunder_name = PyUnicode_InternFromString("__name__");
    }
    PyObject *module = PyDict_GetItemWithError(namespace, dunder_name);
    PyErr_Clear();
    if (module == NULL || !PyUnicode_CheckExact(module) || PyUnicode_CompareWithASCIIString(module, "__main__") == 0) {
        return variable_intern(Py_NewRef(name));
    }
    return variable_intern(PyUnicode_FromFormat("%U.%U", module, name));
}

/* What the site itself calls its operand. Labels of globals begin with a colon. */
uint32_t
variable_of_label(uint32_t number, PyObject *namespace)
{
    Site *site = &sites[number];
    if (site->variable == 0) {
        PyObject *label = site->label;
        if (PyUnicode_GET_LENGTH(label) > 1 && PyUnicode_READ_CHAR(label, 0) == ':') {
            PyObject *name = PyUnicode_Substring(label, 1, PyUnicode_GET_LENGTH(label));
            if (name != NULL) {
                site->variable = variable_of_global(namespace, name);
                Py_DECREF(name);
            }
        }
        else {
            static PyObject *inner, *dot;
            if (inner == NULL) {
                inner = PyUnicode_InternFromString(".<locals>");
                dot = PyUnicode_InternFromString("");
            }
            site->variable = variable_intern(PyUnicode_Replace(label, inner, dot, -1));
        }
        PyErr_Clear();
    }
    return site->variable;
}

uint32_t
variable_of(const Location *location)
{
    if (location->variable != 0 || location->shape == NULL) {
        return location->variable;
    }
    return variable_of_attribute(location->shape->label, location->name);
}

PyObject *
variable_text(uint32_t variable, bool items)
{
    if (variable == 0 || texts == NULL || variable > (uint32_t)PyList_GET_SIZE(texts)) {
        return PyUnicode_FromString("?");
    }
    PyObject *text = PyList_GET_ITEM(texts, variable - 1);
    return items ? PyUnicode_FromFormat("%U[...]", text) : Py_NewRef(text);
}

/* Some access of the run reads it. */
void
variable_is_read(uint32_t variable)
{
    if (variable >= read_capacity) {
        size_t capacity = read_capacity ? read_capacity * 2 : 256;
        while (capacity <= variable) {
            capacity *= 2;
        }
        uint8_t *grown = realloc(read_flags, capacity);
        if (grown == NULL) {
            return;
        }
        memset(grown + read_capacity, 0, capacity - read_capacity);
        read_flags = grown;
        read_capacity = capacity;
    }
    read_flags[variable] = 1;
}

/* The texts of all variables that were marked as read. */
PyObject *
variables_read(void)
{
    PyObject *found = PySet_New(NULL);
    for (size_t variable = 1; found != NULL && variable < read_capacity; variable++) {
        if (read_flags[variable] && texts != NULL && variable <= (size_t)PyList_GET_SIZE(texts) &&
            PySet_Add(found, PyList_GET_ITEM(texts, variable - 1)) < 0) {
            Py_CLEAR(found);
        }
    }
    return found;
}

void
variables_reset(void)
{
    Py_CLEAR(numbers);
    Py_CLEAR(texts);
    free(read_flags);
    read_flags = NULL;
    read_capacity = 0;
}
