/* Values that a run tells of: a copy that holds nothing of the program, made without running any of its code. Exact
   built-in scalars by value, everything else by its type and size: what `scalar` of raceway/model/values.py does. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT 4096 /* characters that are kept, as in raceway/model/values.py */

/* A text as it was, cut where it is too long. */
struct ValueText {
    Py_ssize_t length; /* before it was cut */
    Py_ssize_t kept;
    int kind;
    char units[];
};

static struct ValueText *
copied(PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), kept = length < TEXT_LIMIT ? length : TEXT_LIMIT;
    int kind = PyUnicode_KIND(text);
    struct ValueText *copy = malloc(sizeof *copy + (size_t)kept * (size_t)kind);
    if (copy != NULL) {
        *copy = (struct ValueText){.length = length, .kept = kept, .kind = kind};
        memcpy(copy->units, PyUnicode_DATA(text), (size_t)kept * (size_t)kind);
    }
    return copy;
}

static Value
text_value(uint8_t kind, struct ValueText *text, Py_ssize_t size)
{
    return text == NULL ? (Value){0} : (Value){.kind = kind, .text = text, .size = size};
}

/* The name of a type, as its `__name__` has it. */
static struct ValueText *
name_of(PyTypeObject *type)
{
    if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
        return copied(((PyHeapTypeObject *)type)->ht_name);
    }
    const char *dot = strrchr(type->tp_name, '.'), *name = dot == NULL ? type->tp_name : dot + 1;
    size_t length = strlen(name);
    struct ValueText *copy = malloc(sizeof *copy + length);
    if (copy != NULL) {
        *copy = (struct ValueText){.length = (Py_ssize_t)length, .kept = (Py_ssize_t)length, .kind = 1};
        memcpy(copy->units, name, length);
    }
    return copy;
}

Value
value_name(PyTypeObject *type)
{
    return text_value(VALUE_TEXT, name_of(type), -1);
}

/* How much is in an exact built-in container; -1 for anything else. */
static Py_ssize_t
size_of(PyObject *value)
{
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value) || PyBytes_CheckExact(value) ||
        PyByteArray_CheckExact(value)) {
        return Py_SIZE(value);
    }
    if (PyDict_CheckExact(value)) {
        return ((PyDictObject *)value)->ma_used;
    }
    return PyAnySet_CheckExact(value) ? ((PySetObject *)value)->used : -1;
}

static Value
whole_value(PyObject *value)
{
    int overflow;
    long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow != 0) {
        return text_value(VALUE_OBJECT, name_of(&PyLong_Type), -1);
    }
    return (Value){.kind = VALUE_WHOLE, .whole = whole};
}

/* A copy of a value, to be dropped or made an object of; NULL was not seen. */
Value
value_of(PyObject *value)
{
    if (value == NULL) {
        return (Value){0};
    }
    if (value == Py_None) {
        return (Value){.kind = VALUE_NONE};
    }
    if (PyBool_Check(value)) {
        return (Value){.kind = VALUE_BOOL, .whole = value == Py_True};
    }
    if (PyLong_CheckExact(value)) {
        return whole_value(value);
    }
    if (PyFloat_CheckExact(value)) {
        return (Value){.kind = VALUE_REAL, .real = PyFloat_AS_DOUBLE(value)};
    }
    if (PyUnicode_CheckExact(value)) {
        return text_value(VALUE_TEXT, copied(value), 0);
    }
    return text_value(VALUE_OBJECT, name_of(Py_TYPE(value)), size_of(value));
}

void
value_drop(Value *value)
{
    if (value->kind == VALUE_TEXT || value->kind == VALUE_OBJECT) {
        free(value->text);
    }
    value->kind = VALUE_UNSEEN;
}

static PyObject *
object_of_text(const Value *value)
{
    const struct ValueText *text = value->text;
    PyObject *kept = PyUnicode_FromKindAndData(text->kind, text->units, text->kept);
    PyObject *made = kept;
    if (kept != NULL && value->kind == VALUE_OBJECT) {
        made = value->size < 0 ? PyUnicode_FromFormat("<%U>", kept)
                               : PyUnicode_FromFormat("<%U of %zd>", kept, value->size);
    }
    else if (kept != NULL && text->kept < text->length) {
        made = PyUnicode_FromFormat("%U... (%zd characters)", kept, text->length);
    }
    if (made != kept) {
        Py_DECREF(kept);
    }
    return made;
}

/* The value as an object of Python, None where it was not seen; the copy is dropped. NULL with an exception set. */
PyObject *
value_take(Value *value)
{
    PyObject *made = NULL;
    switch (value->kind) {
    case VALUE_BOOL:
        made = PyBool_FromLong(value->whole != 0);
        break;
    case VALUE_WHOLE:
        made = PyLong_FromLongLong(value->whole);
        break;
    case VALUE_REAL:
        made = PyFloat_FromDouble(value->real);
        break;
    case VALUE_TEXT:
    case VALUE_OBJECT:
        made = object_of_text(value);
        break;
    default:
        made = Py_NewRef(Py_None);
    }
    value_drop(value);
    return made;
}
