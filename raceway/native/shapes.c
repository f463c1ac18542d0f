/* Shapes: what is known of a type, and which cell of its instances' records belongs to which attribute. The twin of
   raceway/runtime/attributes.py. Only class dictionaries are read; nothing of the program is called.

   A shape belongs to the record of its type object and goes with it. What was worked out about the type holds while its
   version tag does; the places of attributes stay for as long as the type lives. */
#include "taps.h"

#include <opcode.h>
#include <stdlib.h>
#include <string.h>

static uint32_t shape_ids;
static Shape *shapes;

/* Whether a dictionary has had keys other than strings: looking up a name may then call the `__eq__` of such a key. */
static bool
has_other_keys(PyObject *dict)
{
    bool others = false;
#if RW_PEEK
    HELD_STILL(dict)
    others = !DK_IS_UNICODE(((PyDictObject *)dict)->ma_keys);
    LET_GO
#else
    (void)dict;
#endif
    return others;
}

/* The type of what such a dictionary has under `name`, found without calling anything; NULL when it has nothing. */
static SLOW PyTypeObject *
scan_kind(PyObject *dict, PyObject *name)
{
    PyTypeObject *kind = NULL;
    PyObject *key, *value;
    Py_ssize_t place = 0;
    HELD_STILL(dict)
    while (kind == NULL && PyDict_Next(dict, &place, &key, &value)) {
        if (key == name || (PyUnicode_CheckExact(key) && PyUnicode_Compare(key, name) == 0)) {
            kind = Py_TYPE(value);
        }
    }
    LET_GO
    return kind;
}

/* The type of what a class itself has under `name`, NULL when it has none. */
PyTypeObject *
class_holds(PyTypeObject *cls, PyObject *name)
{
    PyObject *namespace = PyType_Check((PyObject *)cls) ? type_dict(cls) : NULL;
    if (namespace == NULL) {
        return NULL;
    }
    if (unlikely(has_other_keys(namespace))) {
        return scan_kind(namespace, name);
    }
#if RW_FREE_THREADED
    PyObject *found; /* which another thread may take out of the class meanwhile */
    if (PyDict_GetItemRef(namespace, name, &found) != 1) {
        return NULL;
    }
    core_drop(found);
#else
    PyObject *found = PyDict_GetItemWithError(namespace, name);
#endif
    return found == NULL ? NULL : Py_TYPE(found);
}

/* The class in the resolution order that defines `name`, and the type of what it holds (both borrowed). */
bool
type_find(PyTypeObject *type, PyObject *name, PyTypeObject **where, PyTypeObject **kind)
{
    PyObject *order = type->tp_mro;
    if (order == NULL) {
        return false;
    }
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(order); place++) {
        PyTypeObject *cls = (PyTypeObject *)PyTuple_GET_ITEM(order, place);
        PyTypeObject *found = class_holds(cls, name);
        if (found != NULL) {
            if (where != NULL) {
                *where = cls;
            }
            if (kind != NULL) {
                *kind = found;
            }
            return true;
        }
        if (PyErr_Occurred()) {
            PyErr_Clear();
        }
    }
    return false;
}

/* What the classes in the resolution order have under `name`, a new reference, and which has it first. NULL where none
   has it, and where that cannot be told without code of the program. */
PyObject *
type_value(PyTypeObject *type, PyObject *name, PyTypeObject **where)
{
    PyObject *order = type->tp_mro;
    for (Py_ssize_t place = 0; order != NULL && place < PyTuple_GET_SIZE(order); place++) {
        PyTypeObject *cls = (PyTypeObject *)PyTuple_GET_ITEM(order, place);
        PyObject *namespace = PyType_Check((PyObject *)cls) ? type_dict(cls) : NULL;
        if (namespace == NULL || has_other_keys(namespace)) {
            return NULL;
        }
        PyObject *found = dict_item(namespace, name);
        PyErr_Clear();
        if (found != NULL) {
            if (where != NULL) {
                *where = cls;
            }
            return found;
        }
    }
    return NULL;
}

#if RW_PEEK

static PyObject *
value_among(PyDictKeysObject *keys, PyDictValues *values, PyObject *name)
{
    if (keys == NULL || !DK_IS_UNICODE(keys)) {
        return NULL;
    }
    PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    for (Py_ssize_t place = 0; place < keys->dk_nentries; place++) {
        if (entries[place].me_key == name) {
            return values->values[place];
        }
    }
    return NULL;
}

#endif

static PyObject *
plain_dict(PyObject *target)
{
    PyObject **place = _PyObject_GetDictPtr(target);
    return place == NULL ? NULL : *place;
}

/* What the object itself has under the name, borrowed; NULL too where only that it has something can be told. */
static PyObject *
held(PyObject *target, PyObject *name, bool *found)
{
    PyTypeObject *type = Py_TYPE(target);
    PyObject *dict = NULL, *value = NULL;
#if RW_PEEK
    if (PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT)) {
        PyDictKeysObject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
#if PY_VERSION_HEX >= 0x030D0000
        if (PyType_HasFeature(type, Py_TPFLAGS_INLINE_VALUES) && _PyObject_InlineValues(target)->valid) {
            value = value_among(keys, _PyObject_InlineValues(target), name);
            *found = value != NULL;
            return value;
        }
        dict = (PyObject *)_PyObject_GetManagedDict(target);
#elif PY_VERSION_HEX >= 0x030C0000
        PyDictOrValues either = *_PyObject_DictOrValuesPointer(target);
        if (_PyDictOrValues_IsValues(either)) {
            PyDictValues *values = _PyDictOrValues_GetValues(either);
            value = values == NULL ? NULL : value_among(keys, values, name);
            *found = value != NULL;
            return value;
        }
        dict = _PyDictOrValues_GetDict(either);
#else
        PyDictValues *values = *_PyObject_ValuesPointer(target);
        if (values != NULL) {
            value = value_among(keys, values, name);
            *found = value != NULL;
            return value;
        }
        dict = *_PyObject_ManagedDictPointer(target);
#endif
    }
    else {
        dict = plain_dict(target);
    }
#else
    (void)type;
    dict = plain_dict(target);
#endif
    *found = false;
    if (dict == NULL || !PyDict_Check(dict)) {
        return NULL;
    }
    if (unlikely(has_other_keys(dict))) {
        *found = scan_kind(dict, name) != NULL;
        return NULL;
    }
    value = PyDict_GetItemWithError(dict, name);
    PyErr_Clear();
    *found = value != NULL;
    return value;
}

/* Whether the object itself has the attribute, in its own dictionary, which is not made for this. */
bool
instance_holds(PyObject *target, PyObject *name)
{
    bool found;
    HELD_STILL(target) /* or another thread may give it another dictionary */
    held(target, name, &found);
    LET_GO
    return found;
}

/* What the object itself has under the name, borrowed: where another thread cannot take it out meanwhile. */
PyObject *
instance_value(PyObject *target, PyObject *name)
{
#if RW_FREE_THREADED
    (void)target;
    (void)name;
    return NULL;
#else
    bool found;
    return held(target, name, &found);
#endif
}

/* What the object itself has under the name, a new reference. */
PyObject *
instance_item(PyObject *target, PyObject *name)
{
    PyObject *value = NULL;
    bool found;
    HELD_STILL(target) /* or another thread may give it another dictionary */
#if RW_FREE_THREADED
    PyObject *dict = plain_dict(target);
    if (PyType_HasFeature(Py_TYPE(target), Py_TPFLAGS_MANAGED_DICT)) {
        dict = (PyObject *)_PyObject_GetManagedDict(target);
    }
    if (dict != NULL) { /* whose own lock is that of the values, wherever they stand */
        HELD_STILL(dict)
        value = Py_XNewRef(held(target, name, &found));
        LET_GO
    }
    else
#endif
    {
        value = Py_XNewRef(held(target, name, &found));
    }
    LET_GO
    return value;
}

static PyObject *string_getattribute, *string_setattr;

/* Whether the class has attribute access of its own, whose code says what is really touched. Many classes in C fill
   their slots with the functions that `object` has. */
static bool
hooks(PyTypeObject *type, PyObject *name)
{
    PyTypeObject *where = NULL, *kind = NULL;
    if (!type_find(type, name, &where, &kind)) {
        return true;
    }
    if (where == &PyBaseObject_Type || where == &PyType_Type || where == &PyModule_Type) {
        return false;
    }
    bool plain = name == string_setattr ? where->tp_setattro == PyObject_GenericSetAttr
                                        : where->tp_getattro == PyObject_GenericGetAttr;
    return kind != &PyWrapperDescr_Type || !plain;
}

/* Whether a `with` is in the code; true when memory is short. */
static bool
enters(PyCodeObject *code)
{
    PyObject *units = PyCode_GetCode(code);
    bool found = units == NULL;
    for (Py_ssize_t place = 0; units != NULL && place < PyBytes_GET_SIZE(units); place += 2) {
        found |= (uint8_t)PyBytes_AS_STRING(units)[place] == BEFORE_WITH;
    }
    PyErr_Clear();
    Py_XDECREF(units);
    return found;
}

/* Whether a function only passes on what it gets: no taps, so that nothing that it touches is seen, and no `with`, which
   may hold a lock meanwhile. */
static bool
passes_on(PyObject *function)
{
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(function);
    bool found = enters(code);
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(code->co_consts); place++) {
        found |= is_tap(PyTuple_GET_ITEM(code->co_consts, place));
    }
    return !found;
}

/* Whether attributes are stored by code that nobody sees, and read plainly. */
static bool
stores_unseen(PyTypeObject *type)
{
    if (!hooks(type, string_setattr) || hooks(type, string_getattribute)) {
        return false;
    }
    PyObject *hook = type_value(type, string_setattr, NULL);
    bool unseen = hook != NULL && (Py_IS_TYPE(hook, &PyWrapperDescr_Type) || (PyFunction_Check(hook) && passes_on(hook)));
    Py_XDECREF(hook);
    return unseen;
}

static bool
is_thread_local(PyTypeObject *type)
{
    PyObject *order = type->tp_mro;
    for (Py_ssize_t place = 0; order != NULL && place < PyTuple_GET_SIZE(order); place++) {
        if (strcmp(((PyTypeObject *)PyTuple_GET_ITEM(order, place))->tp_name, "_thread._local") == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_never(PyTypeObject *type)
{
    return type == &PyLong_Type || type == &PyUnicode_Type || type == &PyFloat_Type || type == &PyBytes_Type ||
           type == &PyBool_Type || type == &PyComplex_Type || type == Py_TYPE(Py_None) || type == &PyTuple_Type ||
           type == &PyRange_Type || type == &PySlice_Type || type == &PySuper_Type || type == &PyEllipsis_Type ||
           type == Py_TYPE(Py_NotImplemented);
}

static void
rows_free(Shape *shape)
{
    for (size_t place = 0; shape->rows.entries != NULL && place <= shape->rows.mask; place++) {
        free(shape->rows.entries[place].value);
    }
    table_free(&shape->rows);
}

static void
work_out(Shape *shape, PyTypeObject *type)
{
    shape->version = type_version(type); /* as it is before: what changes meanwhile is found out the next time */
    rows_free(shape);
    key_facts_drop(shape->keys);
    shape->keys = NULL;
    shape->container = 0;
    shape->sequence = shape->hooked = false;
    bool own_access = false;
    PyObject *order = type->tp_mro;
    for (Py_ssize_t place = 0; order != NULL && place < PyTuple_GET_SIZE(order); place++) {
        PyTypeObject *cls = (PyTypeObject *)PyTuple_GET_ITEM(order, place);
        uint8_t index = container_index(cls);
        if (index != 0) {
            if (shape->container == 0) {
                shape->container = index;
            }
            shape->sequence |= container_is_sequence(index);
        }
        else if (cls != &PyBaseObject_Type) {
            own_access |= class_holds(cls, string_getattribute) != NULL;
        }
    }
    shape->hooked = own_access;
    shape->is_module = PyType_IsSubtype(type, &PyModule_Type);
    shape->is_type = PyType_IsSubtype(type, &PyType_Type);
    shape->is_local = is_thread_local(type);
    shape->never = is_never(type);
    shape->hooks_load = hooks(type, string_getattribute);
    shape->hooks_store = hooks(type, string_setattr);
    shape->stores_unseen = !shape->is_type && !shape->is_module && stores_unseen(type);
    shape->known = true;
}

/* The shape of a type's instances, up to date. NULL when memory is short. */
Shape *
shape_of(PyTypeObject *type)
{
    if (string_getattribute == NULL) {
        string_getattribute = PyUnicode_InternFromString("__getattribute__");
        string_setattr = PyUnicode_InternFromString("__setattr__");
    }
    Object *object = object_of((PyObject *)type);
    Extra *extra = object == NULL ? NULL : object_extra(object);
    if (extra == NULL) {
        return NULL;
    }
    Shape *shape = extra->own_shape;
    if (shape == NULL) {
        shape = calloc(1, sizeof(Shape));
        if (shape == NULL) {
            return NULL;
        }
        shape->type = type;
        shape->label = type_label(type);
        shape->id = ++shape_ids;
        shape->next = shapes;
        if (shapes != NULL) {
            shapes->previous = shape;
        }
        shapes = shape;
        extra->own_shape = shape;
    }
    if (!shape->known || shape->version != type_version(type) || shape->version == 0) {
        if (type_version(type) == 0) {
            (void)_PyType_Lookup(type, string_getattribute); /* has the interpreter give out a tag */
        }
        work_out(shape, type);
        shape->first = shape->container != 0 ? 2 : type == &PyCell_Type ? 1 : 0;
    }
    return shape;
}

/* Whether `shape_of` would give what it gave before, without a look at the type. */
bool
shape_is_known(PyTypeObject *type)
{
    const Object *object = object_find(type);
    const Shape *shape = object != NULL && object->extra != NULL ? object->extra->own_shape : NULL;
    return shape != NULL && shape->known && shape->version != 0 && shape->version == type_version(type) &&
           shape->keys != NULL;
}

/* The cell of an attribute in records of this shape's instances. */
uint32_t
shape_cell(Shape *shape, PyObject *name)
{
    for (uint32_t place = 0; place < shape->count; place++) {
        if (shape->slots[place].name == name) {
            return shape->slots[place].cell;
        }
    }
    if (shape->count == shape->capacity) {
        uint32_t capacity = shape->capacity ? shape->capacity * 2 : 4;
        Slot *grown = realloc(shape->slots, capacity * sizeof(Slot));
        if (grown == NULL) {
            failures++;
            return UINT32_MAX;
        }
        shape->slots = grown;
        shape->capacity = capacity;
    }
    uint32_t cell = shape->first + shape->count;
    shape->slots[shape->count++] = (Slot){Py_NewRef(name), cell, false};
    return cell;
}

static void
tell_read(Shape *shape)
{
    for (uint32_t place = 0; place < shape->count; place++) {
        if (shape->slots[place].is_read) {
            variable_is_read(variable_of_attribute(shape->label, shape->slots[place].name));
            shape->slots[place].is_read = false;
        }
    }
}

PyObject *
variables_read_now(void)
{
    for (Shape *shape = shapes; shape != NULL; shape = shape->next) {
        tell_read(shape);
    }
    return variables_read();
}

void
shape_free(Shape *shape)
{
    tell_read(shape);
    rows_free(shape);
    key_facts_drop(shape->keys);
    if (shape->previous != NULL) {
        shape->previous->next = shape->next;
    }
    else {
        shapes = shape->next;
    }
    if (shape->next != NULL) {
        shape->next->previous = shape->previous;
    }
    for (uint32_t place = 0; place < shape->count; place++) {
        Py_DECREF(shape->slots[place].name);
    }
    Py_XDECREF(shape->label);
    free(shape->slots);
    free(shape);
}

/* The qualified name of a class, without the functions around it. A new reference, NULL with an error set. */
PyObject *
type_label(PyTypeObject *type)
{
    PyObject *name = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
                         ? Py_NewRef(((PyHeapTypeObject *)type)->ht_qualname)
                         : PyUnicode_FromString(strrchr(type->tp_name, '.') != NULL ? strrchr(type->tp_name, '.') + 1
                                                                                     : type->tp_name);
    if (name == NULL) {
        return NULL;
    }
    PyObject *short_name = without_locals(name);
    Py_DECREF(name);
    return short_name;
}
