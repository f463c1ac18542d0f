/* What the keys of one class are told by, worked out from classes alone. The twin of raceway/runtime/keyrules.py. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define MOST_FIELDS 64

static PyObject *string_eq, *string_hash, *string_class, *string_module, *string_getattribute;
static PyObject *string_fields, *string_attributes;
static PyObject *builtin_names[3]; /* that generated functions ask for */

static bool
names_made(void)
{
    if (builtin_names[2] != NULL) {
        return true;
    }
    string_eq = PyUnicode_InternFromString("__eq__");
    string_hash = PyUnicode_InternFromString("__hash__");
    string_class = PyUnicode_InternFromString("__class__");
    string_module = PyUnicode_InternFromString("__module__");
    string_getattribute = PyUnicode_InternFromString("__getattribute__");
    string_fields = PyUnicode_InternFromString("__dataclass_fields__");
    string_attributes = PyUnicode_InternFromString("__attrs_attrs__");
    builtin_names[0] = string_class;
    builtin_names[1] = PyUnicode_InternFromString("NotImplemented");
    builtin_names[2] = PyUnicode_InternFromString("hash");
    return builtin_names[2] != NULL;
}

/* Whether a type was made in C, so that no program changes it. */
bool
type_is_of_c(PyTypeObject *type)
{
    return !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || type_is_immutable(type);
}

/* Whether instances are compared and hashed by these two of a builtin type, or of a class that inherits from it. */
static bool
is_like(PyTypeObject *type, PyTypeObject *base, PyObject *eq, PyObject *hash)
{
    if (!PyType_IsSubtype(type, base)) {
        return false;
    }
    PyObject *own_eq = type_value(base, string_eq, NULL), *own_hash = type_value(base, string_hash, NULL);
    bool like = eq == own_eq && hash == own_hash;
    Py_XDECREF(own_eq);
    Py_XDECREF(own_hash);
    return like;
}

static int
rule_of_builtin(PyTypeObject *type, PyObject *eq, PyObject *hash)
{
    static const struct {
        PyTypeObject *type;
        uint8_t rule;
    } builtins[] = {{&PyUnicode_Type, BY_TEXT}, {&PyLong_Type, BY_WHOLE}, {&PyTuple_Type, BY_ITEMS},
                    {&PyFloat_Type, BY_REAL}, {&PyBytes_Type, BY_BYTES}, {&PyComplex_Type, BY_COMPLEX},
                    {&PyFrozenSet_Type, BY_MEMBERS}};
    for (size_t place = 0; place < sizeof builtins / sizeof *builtins; place++) {
        if (is_like(type, builtins[place].type, eq, hash)) {
            return builtins[place].rule;
        }
    }
    return BY_IDENTITY;
}

/* Types of C, of which only instances of exactly these are told by value. */
static int
rule_of_c(PyTypeObject *type)
{
    static const struct {
        const char *name;
        uint8_t rule;
    } known[] = {{"range", BY_HASH}, {"method", BY_METHOD}, {"datetime.date", BY_HASH}, {"datetime.timedelta", BY_HASH},
                 {"datetime.timezone", BY_HASH}, {"datetime.datetime", BY_MOMENT}, {"datetime.time", BY_MOMENT},
                 {"decimal.Decimal", BY_DECIMAL}};
    for (size_t place = 0; place < sizeof known / sizeof *known; place++) {
        if (strcmp(type->tp_name, known[place].name) == 0) {
            return known[place].rule;
        }
    }
    return BY_IDENTITY;
}

/* The code of an exact function of Python, borrowed; NULL for anything else. */
static PyCodeObject *
code_of(PyObject *function)
{
    return function != NULL && PyFunction_Check(function) ? (PyCodeObject *)PyFunction_GET_CODE(function) : NULL;
}

static bool
is_in_library(PyObject *function, const char *module)
{
    PyCodeObject *code = code_of(function);
    PyObject *folder = PySys_GetObject("_stdlib_dir");
    if (code == NULL || folder == NULL || !PyUnicode_CheckExact(folder)) {
        return false;
    }
    PyObject *path = PyUnicode_FromFormat("%U/%s.py", folder, module);
    bool same = path != NULL && PyUnicode_Compare(path, code->co_filename) == 0;
    Py_XDECREF(path);
    PyErr_Clear();
    return same;
}

/* Classes of the standard library whose `__eq__` and `__hash__` are code of Python: by these fields. */
static const struct {
    const char *module, *name, *file;
    uint8_t rule;
    const char *fields[3];
} library[] = {
    {"uuid", "UUID", "uuid", BY_FIELDS, {"int"}},
    {"fractions", "Fraction", "fractions", BY_FRACTION, {"_numerator", "_denominator"}},
    {"ipaddress", "IPv4Address", "ipaddress", BY_FIELDS, {"_ip"}},
    {"ipaddress", "IPv6Address", "ipaddress", BY_FIELDS, {"_ip", "_scope_id"}},
    {"ipaddress", "IPv4Interface", "ipaddress", BY_FIELDS, {"_ip", "_prefixlen"}},
    {"ipaddress", "IPv6Interface", "ipaddress", BY_FIELDS, {"_ip", "_scope_id", "_prefixlen"}},
    {"ipaddress", "IPv4Network", "ipaddress", BY_FIELDS, {"network_address", "netmask"}},
    {"ipaddress", "IPv6Network", "ipaddress", BY_FIELDS, {"network_address", "netmask"}},
    {"pathlib", "PurePosixPath", "pathlib", BY_PATH, {PY_VERSION_HEX < 0x030C0000 ? "_parts" : "_raw_paths"}},
    {"pathlib", "PosixPath", "pathlib", BY_PATH, {PY_VERSION_HEX < 0x030C0000 ? "_parts" : "_raw_paths"}},
    {"pathlib._local", "PurePosixPath", "pathlib/_local", BY_PATH, {"_raw_paths"}},
    {"pathlib._local", "PosixPath", "pathlib/_local", BY_PATH, {"_raw_paths"}},
};

static KeyFacts *
facts_make(uint8_t rule, uint16_t count)
{
    KeyFacts *facts = calloc(1, sizeof *facts + count * sizeof(KeyField));
    if (facts == NULL) {
        failures++;
        return NULL;
    }
    facts->rule = rule;
    facts->count = count;
    facts->users = 1;
    return facts;
}

void
key_facts_drop(KeyFacts *facts)
{
    if (facts == NULL || --facts->users != 0) {
        return;
    }
    for (uint16_t place = 0; place < facts->count; place++) {
        Py_XDECREF(facts->fields[place].name);
    }
    free(facts);
}

/* Where instances keep a field. False where code might have to be called for it. */
static bool
place_of_field(PyTypeObject *type, PyObject *name, Py_ssize_t *offset)
{
    PyObject *held = type_value(type, name, NULL);
    *offset = 0;
    bool plain = held == NULL || Py_TYPE(held)->tp_descr_set == NULL;
    if (held != NULL && Py_TYPE(held) == &PyMemberDescr_Type) {
        const PyMemberDef *member = ((PyMemberDescrObject *)held)->d_member;
        plain = member->type == T_OBJECT_EX && PyType_IsSubtype(type, ((PyDescrObject *)held)->d_type);
        *offset = member->offset;
    }
    Py_XDECREF(held);
    return plain;
}

/* By these fields, whose names are borrowed; by identity where one cannot be read. */
static KeyFacts *
facts_of_fields(uint8_t rule, PyTypeObject *type, PyObject **names, uint16_t count)
{
    KeyFacts *facts = facts_make(rule, count);
    for (uint16_t place = 0; facts != NULL && place < count; place++) {
        KeyField *field = &facts->fields[place];
        field->name = Py_NewRef(names[place]);
        if (!place_of_field(type, field->name, &field->offset)) {
            facts->rule = BY_IDENTITY;
        }
    }
    return facts;
}

static KeyFacts *
facts_of_library(PyTypeObject *type, PyObject *eq, PyObject *hash)
{
    PyObject *module = dict_item(type_dict(type), string_module);
    PyErr_Clear();
    KeyFacts *facts = NULL;
    for (size_t place = 0; module != NULL && place < sizeof library / sizeof *library; place++) {
        if (!PyUnicode_CheckExact(module) || PyUnicode_CompareWithASCIIString(module, library[place].module) != 0 ||
            PyUnicode_CompareWithASCIIString(((PyHeapTypeObject *)type)->ht_name, library[place].name) != 0 ||
            !is_in_library(eq, library[place].file) || !is_in_library(hash, library[place].file)) {
            continue;
        }
        PyObject *names[3];
        uint16_t count = 0;
        while (count < 3 && library[place].fields[count] != NULL) {
            names[count] = PyUnicode_InternFromString(library[place].fields[count]);
            count++;
        }
        facts = facts_of_fields(library[place].rule, type, names, count);
        while (count > 0) {
            Py_XDECREF(names[--count]);
        }
        break;
    }
    Py_XDECREF(module);
    return facts;
}

/* Adds the names that a generated function asks for. False where it is none. */
static bool
add_names(PyCodeObject *code, PyObject *called, PyObject *fields, PyObject **names, uint16_t *count)
{
    if (PyUnicode_Compare(code->co_name, called) != 0 || code->co_nfreevars != 0) {
        return false;
    }
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(code->co_consts); place++) {
        if (PyCode_Check(PyTuple_GET_ITEM(code->co_consts, place))) {
            return false;
        }
    }
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(code->co_names); place++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_names, place);
        bool known = PyUnicode_Compare(name, builtin_names[0]) == 0 || PyUnicode_Compare(name, builtin_names[1]) == 0 ||
                     (called == string_hash && PyUnicode_Compare(name, builtin_names[2]) == 0);
        for (uint16_t other = 0; !known && other < *count; other++) {
            known = PyUnicode_Compare(names[other], name) == 0;
        }
        if (!known && (*count == MOST_FIELDS || (fields != NULL && PyDict_Contains(fields, name) != 1))) {
            return false;
        }
        if (!known) {
            names[(*count)++] = name;
        }
    }
    return true;
}

/* Whether both functions stem from `dataclasses` or attrs: of `dataclasses` with the fields of the class, owned. */
static bool
is_generated(PyTypeObject *cls, const PyCodeObject *eq, const PyCodeObject *hash, PyObject **fields)
{
    *fields = NULL;
    if (PyUnicode_CompareWithASCIIString(eq->co_filename, "<string>") == 0 &&
        PyUnicode_CompareWithASCIIString(hash->co_filename, "<string>") == 0) {
        *fields = dict_item(type_dict(cls), string_fields);
        PyErr_Clear();
        return *fields != NULL && PyDict_CheckExact(*fields);
    }
    PyObject *attributes = dict_item(type_dict(cls), string_attributes);
    PyObject *prefix = attributes == NULL ? NULL : PyUnicode_FromString("<attrs generated ");
    bool generated = prefix != NULL && PyUnicode_Tailmatch(eq->co_filename, prefix, 0, PY_SSIZE_T_MAX, -1) == 1 &&
                     PyUnicode_Tailmatch(hash->co_filename, prefix, 0, PY_SSIZE_T_MAX, -1) == 1;
    Py_XDECREF(attributes);
    Py_XDECREF(prefix);
    PyErr_Clear();
    return generated;
}

/* Whether the type answers a name as `object` does. */
static bool
is_objects_own(PyTypeObject *type, PyObject *name)
{
    PyTypeObject *where = NULL;
    Py_XDECREF(type_value(type, name, &where));
    return where == &PyBaseObject_Type;
}

static KeyFacts *
facts_of_generated(PyTypeObject *type, PyTypeObject *cls, PyObject *eq, PyObject *hash)
{
    PyCodeObject *equals = code_of(eq), *hashes = code_of(hash);
    PyObject *names[MOST_FIELDS], *fields = NULL;
    uint16_t count = 0;
    KeyFacts *facts = NULL;
    if (equals != NULL && hashes != NULL && is_objects_own(type, string_getattribute) &&
        is_objects_own(type, string_class) && is_generated(cls, equals, hashes, &fields) &&
        add_names(equals, string_eq, fields, names, &count) && add_names(hashes, string_hash, fields, names, &count)) {
        facts = facts_of_fields(BY_FIELDS, type, names, count);
    }
    Py_XDECREF(fields);
    PyErr_Clear();
    return facts;
}

static KeyFacts *
facts_decide(PyTypeObject *type)
{
    PyTypeObject *cls = NULL, *hash_cls = NULL;
    PyObject *eq = type_value(type, string_eq, &cls), *hash = type_value(type, string_hash, &hash_cls);
    KeyFacts *facts = NULL;
    if (eq != NULL && hash != NULL) {
        int rule = rule_of_builtin(type, eq, hash);
        if (rule == BY_IDENTITY && type_is_of_c(type)) {
            rule = rule_of_c(type);
        }
        else if (rule == BY_IDENTITY) {
            facts = facts_of_library(type, eq, hash);
            if (facts == NULL && cls == hash_cls) {
                facts = facts_of_generated(type, cls, eq, hash);
            }
        }
        facts = facts == NULL ? facts_make((uint8_t)rule, 0) : facts;
    }
    Py_XDECREF(eq);
    Py_XDECREF(hash);
    return facts != NULL ? facts : facts_make(BY_IDENTITY, 0);
}

/* What the keys of a type are told by, until it changes; borrowed. NULL where that is their identity. */
KeyFacts *
key_facts(PyTypeObject *type)
{
    Shape *shape = names_made() ? shape_of(type) : NULL;
    if (shape == NULL || shape->version == 0) {
        return NULL;
    }
    if (shape->keys == NULL) {
        shape->keys = facts_decide(type);
    }
    return shape->keys == NULL || shape->keys->rule == BY_IDENTITY ? NULL : shape->keys;
}
