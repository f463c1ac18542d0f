/* Which number stands for a key of a dictionary or set: equal keys have one number, others have others. The twin of
   raceway/runtime/keys.py.

   Code of the program is never called for it. Keys are told by value where no such code decides what is equal: those of
   builtin types, and of classes that inherit how these compare and hash; values of the standard library; instances of
   classes whose `__eq__` and `__hash__` `dataclasses` or attrs have generated, by their class and their fields. All
   others are told by the identity of the object. Numbers are equal across their types, as they are to dict. */
#include "core.h"

#include <math.h>
#include <string.h>

#define KEY_SHOWN 40 /* characters of a text, as LONGEST_KEY of raceway/model/races.py */
#define SALT_NUMBER UINT64_C(0x7f4a7c15f39cc060)
#define SALT_OBJECT UINT64_C(0x8cb92ba72f3d8dd7)
#define SALT_PARTS UINT64_C(0xa24baed4963ee407)
#define SALT_MEMBERS UINT64_C(0x2545f4914f6cdd1d)
#define SALT_METHOD UINT64_C(0x9fb21c651e98df25)
#define SALT_PATH UINT64_C(0xd6e8feb86659fd93)
#define SALT_FIELDS UINT64_C(0xc2b2ae3d27d4eb4f)

/* Only what is known already is asked: no record is made of a key, and none of its class. */
static bool as_known;

/* --- Numbers ------------------------------------------------------------------------------------------------- */

/* A number that is no whole one of 64 bits, by its hash, which is the same for equal numbers of all types, and by the
   nearest `double`, which hashes leave open. */
static uint64_t
number_of_real(Py_hash_t hash, double near)
{
    uint64_t bits;
    memcpy(&bits, &near, sizeof bits);
    return mix(mix((uint64_t)hash ^ SALT_NUMBER) ^ bits) | 1;
}

static double
nearest(PyObject *whole)
{
    double near = PyLong_AsDouble(whole);
    if (near == -1.0 && PyErr_Occurred()) { /* too large */
        PyErr_Clear();
        near = _PyLong_Sign(whole) < 0 ? -HUGE_VAL : HUGE_VAL;
    }
    return near;
}

/* Of a whole number, whose class hashes it as `int` does. */
static uint64_t
whole_key(PyObject *key)
{
    Py_ssize_t small;
    if (small_index(key, &small)) {
        return number_of_whole((uint64_t)small);
    }
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(key, &overflow);
    if (overflow == 0) {
        return number_of_whole((uint64_t)value);
    }
    return number_of_real(PyLong_Type.tp_hash(key), nearest(key));
}

static bool
real_key(double value, uint64_t *found)
{
    if (isnan(value)) {
        return false; /* equal to nothing but the same object */
    }
    if (value >= -0x1p63 && value < 0x1p63 && value == (double)(long long)value) {
        *found = number_of_whole((uint64_t)(long long)value);
    }
    else {
        *found = number_of_real(_Py_HashDouble(Py_None, value), value);
    }
    return true;
}

static bool
complex_key(PyObject *key, uint64_t *found)
{
    Py_complex value = ((PyComplexObject *)key)->cval;
    if (value.imag == 0) {
        return real_key(value.real, found);
    }
    *found = number_of_real(PyComplex_Type.tp_hash(key), value.imag);
    return !isnan(value.real) && !isnan(value.imag);
}

/* A number of another type, by its hash and the nearest `double`; `whole`: itself if it were whole, owned. */
static uint64_t
other_number(Py_hash_t hash, double near, PyObject *whole)
{
    uint64_t number = whole != NULL && PyObject_Hash(whole) == hash ? whole_key(whole) : number_of_real(hash, near);
    Py_XDECREF(whole);
    return number;
}

/* An exact `decimal.Decimal` of C, by functions of C. */
static bool
decimal_key(PyObject *key, uint64_t *found)
{
    PyObject *near = PyNumber_Float(key); /* fails for a signalling NaN */
    double value = near == NULL ? NAN : PyFloat_AS_DOUBLE(near);
    Py_XDECREF(near);
    if (isnan(value)) {
        PyErr_Clear();
        return false;
    }
    *found = other_number(PyObject_Hash(key), value, fabs(value) < 0x1p64 ? PyNumber_Long(key) : NULL);
    return true;
}

/* The hash of a fraction that is no whole number, as `fractions` works it out. -1 with an error set. */
static Py_hash_t
hash_of_fraction(PyObject *numerator, PyObject *denominator)
{
    PyObject *modulus = PyLong_FromSize_t(_PyHASH_MODULUS), *minus = PyLong_FromLong(-1);
    PyObject *inverse = modulus == NULL || minus == NULL ? NULL : PyNumber_Power(denominator, minus, modulus);
    Py_hash_t hash = _PyHASH_INF;
    if (inverse != NULL) {
        PyObject *size = PyNumber_Absolute(numerator);
        PyObject *hashed = size == NULL ? NULL : PyLong_FromSsize_t(PyObject_Hash(size));
        PyObject *product = hashed == NULL ? NULL : PyNumber_Multiply(hashed, inverse);
        hash = product == NULL ? -1 : PyObject_Hash(product);
        Py_XDECREF(product);
        Py_XDECREF(hashed);
        Py_XDECREF(size);
    }
    else {
        PyErr_Clear(); /* there is none */
    }
    Py_XDECREF(inverse);
    Py_XDECREF(minus);
    Py_XDECREF(modulus);
    hash = _PyLong_Sign(numerator) < 0 ? -hash : hash;
    return hash == -1 && !PyErr_Occurred() ? -2 : hash;
}

static bool
fraction_key(PyObject *numerator, PyObject *denominator, uint64_t *found)
{
    if (!PyLong_CheckExact(numerator) || !PyLong_CheckExact(denominator)) {
        return false;
    }
    Py_ssize_t small;
    if (small_index(denominator, &small) && small == 1) {
        *found = whole_key(numerator);
        return true;
    }
    PyObject *near = PyNumber_TrueDivide(numerator, denominator);
    double value = near != NULL ? PyFloat_AS_DOUBLE(near) : NAN; /* beyond all floats: no infinity, whatever its hash */
    Py_XDECREF(near);
    PyErr_Clear();
    *found = other_number(hash_of_fraction(numerator, denominator), value, NULL);
    bool failed = PyErr_Occurred() != NULL;
    PyErr_Clear();
    return !failed;
}

/* --- Keys ------------------------------------------------------------------------------------------------ */

static inline uint64_t
number_of_bytes(PyObject *key)
{
    return mix((uint64_t)PyBytes_Type.tp_hash(key) ^ (uintptr_t)&PyBytes_Type) | 1;
}

static bool
items_key(PyObject *key, uint64_t *found, int depth)
{
    uint64_t sum = SALT_PARTS + (uint64_t)PyTuple_GET_SIZE(key);
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(key); place++) {
        uint64_t part;
        if (!key_of(PyTuple_GET_ITEM(key, place), &part, depth + 1)) {
            return false;
        }
        sum = mix(sum ^ part) + part;
    }
    *found = sum | 1;
    return true;
}

/* Of a frozen set, whose members stand in any order. */
static bool
members_key(PyObject *key, uint64_t *found, int depth)
{
    const PySetObject *set = (PySetObject *)key;
    uint64_t sum = SALT_MEMBERS + (uint64_t)set->used;
    for (Py_ssize_t place = 0; place <= set->mask; place++) {
        uint64_t part;
        if (set->table[place].key == NULL || set->table[place].hash == -1) { /* nothing, or what was taken out */
            continue;
        }
        if (!key_of(set->table[place].key, &part, depth + 1)) {
            return false;
        }
        sum += mix(part);
    }
    *found = mix(sum) | 1;
    return true;
}

static bool
moment_key(PyObject *key, uint64_t *found)
{
    PyObject *zone = PyObject_GetAttrString(key, "tzinfo"); /* of a type of C */
    bool plain = zone == Py_None || (zone != NULL && type_is_of_c(Py_TYPE(zone)) &&
                                     strcmp(Py_TYPE(zone)->tp_name, "datetime.timezone") == 0);
    Py_XDECREF(zone);
    PyErr_Clear();
    if (!plain) {
        return false;
    }
    *found = mix((uint64_t)PyObject_Hash(key) ^ (uintptr_t)Py_TYPE(key)) | 1;
    return true;
}

static bool
identity_key(PyObject *key, uint64_t *found)
{
    Object *object = as_known ? object_find(key) : object_of(key);
    if (as_known && (object == NULL || object->serial == 0)) {
        return false;
    }
    if (object != NULL) {
        *found = mix(object_serial(object) ^ SALT_OBJECT) | 1;
        return true;
    }
    *found = mix((uintptr_t)key ^ SALT_NUMBER) | 1; /* no records are kept of numbers, such as NaN */
    return PyFloat_CheckExact(key) || PyComplex_CheckExact(key);
}

/* Of a method of an object, which is made anew each time. */
static bool
method_key(PyObject *key, uint64_t *found)
{
    uint64_t self, function;
    if (Py_TYPE(PyMethod_GET_FUNCTION(key)) != &PyFunction_Type || !identity_key(PyMethod_GET_SELF(key), &self) ||
        !identity_key(PyMethod_GET_FUNCTION(key), &function)) {
        return false;
    }
    *found = mix(mix(self ^ SALT_METHOD) ^ function) | 1;
    return true;
}

/* What an instance has in a field, a new reference; NULL where it has none. */
static PyObject *
field_of(PyObject *key, const KeyField *field)
{
    if (field->offset == 0) {
        return instance_item(key, field->name);
    }
    PyObject *value;
    HELD_STILL(key)
    value = Py_XNewRef(*(PyObject **)((char *)key + field->offset));
    LET_GO
    return value;
}

static void
field_drop(PyObject *value)
{
#if RW_FREE_THREADED
    if (value != NULL) {
        core_drop(value);
    }
#else
    Py_XDECREF(value); /* whoever has the key holds it */
#endif
}

static bool
fields_key(PyObject *key, KeyFacts *facts, uint64_t *found, int depth)
{
    uint64_t sum, part;
    bool told = identity_key((PyObject *)Py_TYPE(key), &sum);
    sum ^= SALT_FIELDS;
    facts->users++; /* a field may be of a class that has changed */
    for (uint16_t place = 0; told && place < facts->count; place++) {
        PyObject *value = field_of(key, &facts->fields[place]);
        told = value != NULL && key_of(value, &part, depth + 1);
        field_drop(value);
        sum = told ? mix(sum ^ part) + part : sum;
    }
    key_facts_drop(facts);
    *found = sum | 1;
    return told;
}

static bool
fraction_of(PyObject *key, const KeyFacts *facts, uint64_t *found)
{
    PyObject *numerator = field_of(key, &facts->fields[0]), *denominator = field_of(key, &facts->fields[1]);
    bool told = numerator != NULL && denominator != NULL && fraction_key(numerator, denominator, found);
    field_drop(numerator);
    field_drop(denominator);
    return told;
}

/* Goes on with a path by what is joined to it. */
static bool
join_path(PyObject *text, uint64_t *sum)
{
    if (!PyUnicode_CheckExact(text)) {
        return false;
    }
    static PyObject *slash;
    if (slash == NULL) {
        slash = PyUnicode_InternFromString("/");
    }
    PyObject *parts = slash == NULL ? NULL : PyUnicode_Split(text, slash, -1);
    if (parts == NULL) {
        PyErr_Clear();
        return false;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), slashes = 0;
    while (slashes < length && PyUnicode_READ_CHAR(text, slashes) == '/') {
        slashes++;
    }
    if (slashes != 0) { /* it begins at a root, of which there are two */
        *sum = SALT_PATH + (slashes == 2 ? 2 : 1);
    }
    for (Py_ssize_t place = 0; place < PyList_GET_SIZE(parts); place++) {
        PyObject *part = PyList_GET_ITEM(parts, place);
        Py_ssize_t size = PyUnicode_GET_LENGTH(part);
        if (size > 1 || (size == 1 && PyUnicode_READ_CHAR(part, 0) != '.')) {
            *sum = mix(*sum ^ number_of_text(PyObject_Hash(part)));
        }
    }
    Py_DECREF(parts);
    return true;
}

/* Of a path of this kind of system: by what it was made of, as what it is to be compared by may not be known yet. */
static bool
path_key(PyObject *key, const KeyFacts *facts, uint64_t *found)
{
    PyObject *parts = field_of(key, &facts->fields[0]);
    bool told = parts != NULL && PyList_CheckExact(parts);
    uint64_t sum = SALT_PATH;
    if (told) {
        HELD_STILL(parts)
        for (Py_ssize_t place = 0; told && place < PyList_GET_SIZE(parts); place++) {
            told = join_path(PyList_GET_ITEM(parts, place), &sum);
        }
        LET_GO
    }
    field_drop(parts);
    *found = mix(sum) | 1;
    return told;
}

/* Of a key that is none of the most frequent ones; false where it is to be told by its identity. */
static SLOW bool
other_key(PyObject *key, uint64_t *found, int depth)
{
    if (as_known && !shape_is_known(Py_TYPE(key))) {
        return false;
    }
    KeyFacts *facts = key_facts(Py_TYPE(key));
    switch (facts == NULL ? BY_IDENTITY : facts->rule) {
    case BY_TEXT:
        *found = number_of_text(PyUnicode_Type.tp_hash(key));
        return true;
    case BY_WHOLE:
        *found = whole_key(key);
        return true;
    case BY_REAL:
        return real_key(PyFloat_AS_DOUBLE(key), found);
    case BY_COMPLEX:
        return complex_key(key, found);
    case BY_BYTES:
        *found = number_of_bytes(key);
        return true;
    case BY_HASH:
        *found = mix((uint64_t)PyObject_Hash(key) ^ (uintptr_t)Py_TYPE(key)) | 1;
        return true;
    case BY_MOMENT:
        return moment_key(key, found);
    case BY_DECIMAL:
        return decimal_key(key, found);
    case BY_FRACTION:
        return fraction_of(key, facts, found);
    case BY_METHOD:
        return method_key(key, found);
    case BY_PATH:
        return path_key(key, facts, found);
    case BY_ITEMS:
        return depth < KEY_DEPTH && items_key(key, found, depth);
    case BY_MEMBERS:
        return depth < KEY_DEPTH && members_key(key, found, depth);
    case BY_FIELDS:
        return depth < KEY_DEPTH && fields_key(key, facts, found, depth);
    default:
        return false;
    }
}

/* The number that stands for a key, never 0. False when no number may stand for it. */
bool
key_of(PyObject *key, uint64_t *found, int depth)
{
    PyTypeObject *type = Py_TYPE(key);
    if (type == &PyUnicode_Type) {
        *found = number_of_text(PyObject_Hash(key));
        return true;
    }
    if (type == &PyLong_Type || type == &PyBool_Type) {
        *found = whole_key(key);
        return true;
    }
    if (type == &PyTuple_Type && depth < KEY_DEPTH) {
        return items_key(key, found, depth);
    }
    if (key == Py_None) {
        *found = UINT64_C(0x60bee2bee120fc15) | 1;
        return true;
    }
    if (type == &PyBytes_Type) {
        *found = number_of_bytes(key);
        return true;
    }
    if (type == &PyFloat_Type && real_key(PyFloat_AS_DOUBLE(key), found)) {
        return true;
    }
    return other_key(key, found, depth) || identity_key(key, found);
}

/* The same, of a key that a cell may have been made for; false for others. Allocates nothing that is collected. */
bool
key_as_known(PyObject *key, uint64_t *found)
{
    as_known = true;
    bool told = key_of(key, found, 0);
    as_known = false;
    return told;
}

/* Whether keys of a type that have no parts are compared and hashed without code of the program: those of builtin ones,
   and of classes that inherit how these do it. */
static bool
is_scalar(PyTypeObject *type)
{
    if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBytes_Type ||
        type == &PyBool_Type || type == &PyComplex_Type || type == Py_TYPE(Py_None)) {
        return true;
    }
    const KeyFacts *facts = type == &PyTuple_Type ? NULL : key_facts(type);
    return facts != NULL && facts->rule != BY_ITEMS && facts->rule <= BY_HASH;
}

static bool
is_tuple(PyObject *key)
{
    const KeyFacts *facts = PyTuple_Check(key) && !PyTuple_CheckExact(key) ? key_facts(Py_TYPE(key)) : NULL;
    return PyTuple_CheckExact(key) || (facts != NULL && facts->rule == BY_ITEMS);
}

/* Whether objects of this type are equal to themselves only. */
static bool
is_bare(const PyTypeObject *type)
{
    return type->tp_hash == PyBaseObject_Type.tp_hash && type->tp_richcompare == PyBaseObject_Type.tp_richcompare;
}

/* Whether a key is compared and hashed without code of the program: a scalar, an object that is equal to itself only,
   or a tuple of such. */
bool
key_is_plain(PyObject *key, int depth)
{
    if (is_bare(Py_TYPE(key)) || is_scalar(Py_TYPE(key))) {
        return true;
    }
    if (depth == KEY_DEPTH || !is_tuple(key)) {
        return false;
    }
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(key); place++) {
        if (!key_is_plain(PyTuple_GET_ITEM(key, place), depth + 1)) {
            return false;
        }
    }
    return true;
}

/* A key that can be told to people, of a long text the beginning, as a new reference; NULL for all others. */
PyObject *
key_shown(PyObject *key)
{
    const KeyFacts *facts = NULL;
    if (PyUnicode_CheckExact(key) ||
        (PyUnicode_Check(key) && (facts = key_facts(Py_TYPE(key))) != NULL && facts->rule == BY_TEXT)) {
        PyObject *shown = PyUnicode_Substring(key, 0, KEY_SHOWN + 1);
        PyErr_Clear();
        return shown;
    }
    if (PyLong_CheckExact(key) || PyBool_Check(key) || key == Py_None) {
        return Py_NewRef(key);
    }
    if (PyLong_Check(key) && (facts = key_facts(Py_TYPE(key))) != NULL && facts->rule == BY_WHOLE) {
        PyObject *shown = PyLong_Type.tp_as_number->nb_int(key);
        PyErr_Clear();
        return shown;
    }
    return NULL;
}
