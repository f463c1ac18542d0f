/* What a committed site means: which locations its operands address, and what it does to them. The twin of
   raceway/runtime/accesses.py.

   What can be kept about the operand's type is kept in the tap (`type`, `version`, `cell`), for the fast paths. */
#include "taps.h"

#include <stdlib.h>
#include <string.h>

uint64_t names_generation = 1;

static PyObject *string_contains, *string_getattr, *string_iter, *string_len, *string_repr;

const uint8_t op_of_context[] = {
    [CONTEXT_LOAD] = OP_READ, [CONTEXT_STORE] = OP_WRITE, [CONTEXT_DELETE] = OP_DELETE,
    [CONTEXT_AUGMENT] = OP_READ_MODIFY_WRITE, [CONTEXT_CALL] = OP_READ};

bool
accesses_start(void)
{
    string_contains = PyUnicode_InternFromString("__contains__");
    string_getattr = PyUnicode_InternFromString("__getattr__");
    string_iter = PyUnicode_InternFromString("__iter__");
    string_len = PyUnicode_InternFromString("__len__");
    string_repr = PyUnicode_InternFromString("__repr__");
    return string_len != NULL && string_repr != NULL && containers_start();
}

const Learned nothing_learned;

/* Where to write down what the tap finds out. */
Learned *
tap_learns(Tap *tap)
{
    static Learned lost; /* memory is short: it will be found out again */
    if (tap->learned == &nothing_learned) {
        Learned *made = calloc(1, sizeof(Learned));
        if (made == NULL) {
            failures++;
            lost = nothing_learned;
            return &lost;
        }
        tap->learned = made;
    }
    return (Learned *)tap->learned;
}

/* Keep what was found out about a type, for the fast paths. */
Known *
learn(Tap *tap, PyTypeObject *type, int32_t cell)
{
    static Known nothing; /* of what depends on who has called, nothing can be kept */
    if (unlikely(sites[tap->site].given)) {
        return &nothing;
    }
    Known found = {.version = type_version(type), .cell = cell, .rank = tap->rank, .stores = tap->stores};
    found.type = found.version != 0 || !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ? type : NULL;
    Learned *learned = tap_learns(tap);
    Known *place = &learned->known;
    if (place->type != NULL && place->type != type) {
        if (learned->more == NULL && (learned->more = calloc(MORE_KNOWN, sizeof(Known))) == NULL) {
            return place;
        }
        place = &learned->more[learned->next];
        for (int other = 0; other < MORE_KNOWN; other++) {
            if (learned->more[other].type == type) {
                place = &learned->more[other];
            }
        }
        if (place == &learned->more[learned->next]) {
            learned->next = (uint8_t)((learned->next + 1) % MORE_KNOWN);
        }
    }
    if (place == &learned->known) {
        tap->fits = NO_SHAPE;
    }
    *place = found;
    return place;
}

void
touch(Reach *at, Cell *cell, const Location *location, int op, int commute)
{
    if (cell != NULL) {
        Location here = *location;
        here.activation = at->frame;
        here.tap = at->tap;
        record_at(at->thread, at->frame, at->tap->site, cell, &here, op, commute);
    }
}

/* --- Names: globals and attributes of classes --------------------------------------------------------------------- */

static NameCell *
touch_name(Reach *at, PyObject *owner, PyObject *name, int kind, int op)
{
    Object *object = object_of(owner);
    NameCell *cell = object == NULL ? NULL : name_cell(object, name, kind);
    if (cell == NULL) {
        return NULL;
    }
    if (cell->variable == 0) {
        PyObject *label = NULL;
        if (kind == AT_GLOBAL) {
            cell->variable = variable_of_global(owner, cell->name);
        }
        else if ((label = type_label((PyTypeObject *)owner)) != NULL) {
            cell->variable = variable_of_attribute(label, cell->name);
            Py_DECREF(label);
        }
    }
    if (op_reads(op)) {
        variable_is_read(cell->variable);
    }
    Location location = {.object = object, .target = owner, .variable = cell->variable, .kind = (uint8_t)kind,
                         .key = (uintptr_t)cell->name};
    touch(at, &cell->cell, &location, op, COMMUTE_NONE);
    return cell;
}

/* An attribute of a class object lives where the resolution order finds it, or where it is stored. */
static NameCell *
class_attribute(Reach *at, PyTypeObject *cls, PyObject *name, int op)
{
    PyTypeObject *where = NULL, *kind = NULL;
    at->thread->owner = cls;
    at->thread->owner_name = name;
    at->thread->holder = cls;
    if (op == OP_READ && type_find(cls, name, &where, &kind)) {
        cls = where;
        if (kind->tp_descr_get != NULL) {
            return NULL;
        }
    }
    at->thread->accesses++;
    return touch_name(at, (PyObject *)cls, name, AT_ATTRIBUTE, op);
}

/* --- Attributes ---------------------------------------------------------------------------------------------------- */

static int
home_of(PyTypeObject *type, PyObject *name, PyTypeObject **where)
{
    PyTypeObject *kind = NULL;
    if (!type_find(type, name, where, &kind) || kind == &PyMemberDescr_Type) {
        return HOME_FIELD;
    }
    if (kind->tp_descr_set == NULL && cached_property_type != NULL && PyType_IsSubtype(kind, cached_property_type)) {
        return HOME_CACHED;
    }
    return kind->tp_descr_set != NULL || kind->tp_descr_get != NULL ? HOME_SKIP : HOME_CLASS;
}

/* Whether `o.x += 1` will fail, since there is no `o.x`. */
bool
lacks_field(PyObject *base, PyObject *name)
{
    return !instance_holds(base, name) && !type_find(Py_TYPE(base), name, NULL, NULL) &&
           !type_find(Py_TYPE(base), string_getattr, NULL, NULL);
}

/* The cell of a field and where it is; its number in the shape, UINT32_MAX for one by name. NULL when memory is short. */
static Cell *
field_cell(Reach *at, Shape *shape, PyObject *name, Location *location, uint32_t *number)
{
    *number = shape->container == 0 ? shape_cell(shape, name) : UINT32_MAX;
    Object *object = object_of(at->base);
    if (object == NULL) {
        return NULL;
    }
    *location = (Location){.object = object, .target = at->base, .shape = shape, .name = name, .kind = AT_ATTRIBUTE,
                           .key = (uintptr_t)name};
    if (*number == UINT32_MAX) { /* a container's own attributes are few: by name */
        NameCell *named = name_cell(object, name, AT_ATTRIBUTE);
        return named == NULL ? NULL : &named->cell;
    }
    if (object->shape != shape->id) { /* its class was changed: what was known was of other attributes */
        for (uint32_t cell = 0; cell < object->capacity; cell++) {
            cell_clear(&object->cells[cell]);
        }
        object->shape = shape->id;
    }
    location->object = object = object_grow(at->base, object, *number + 1);
    return object == NULL ? NULL : &object->cells[*number];
}

/* Gives the number of the field's cell in the shape, -1 where it has none. */
static int32_t
touch_field(Reach *at, Shape *shape, PyObject *name, int op)
{
    Location location;
    uint32_t number;
    Cell *cell = field_cell(at, shape, name, &location, &number);
    if (cell == NULL) {
        return -1;
    }
    if (number == UINT32_MAX) {
        variable_is_read(op_reads(op) ? variable_of(&location) : 0);
        touch(at, cell, &location, op, COMMUTE_NONE);
        return -1;
    }
    if (op_reads(op)) {
        shape->slots[number - shape->first].is_read = true;
    }
    touch(at, cell, &location, op, COMMUTE_NONE);
    if (!at->site->keyed || at->site->form == FORM_METHOD) {
        Known *known = learn(at->tap, Py_TYPE(at->base), (int32_t)number);
        known->shape = shape;
        if (known == &at->tap->learned->known && !at->tap->is_literal) {
            at->tap->fits = shape->id;
            at->tap->cell = number;
        }
    }
    return (int32_t)number;
}

/* A read found something in the class, and because of it something may be stored in the instance. */
static void
note_field(Reach *at, Shape *shape, PyObject *name)
{
    note_head(at->thread, at->frame, frame_offset(at->frame), at->tap->site, at->base, (uintptr_t)name);
    Location location;
    uint32_t number;
    Cell *cell = at->thread->task != NULL && at->site->opens ? field_cell(at, shape, name, &location, &number) : NULL;
    if (cell != NULL) {
        cell_keep_order(cell);
    }
}

/* The name of a module or class is known again by the owner's address, while the class stays as it is. */
static void
learn_name(Reach *at, NameCell *cell)
{
    Tap *tap = at->tap;
    Learned *learned = tap_learns(tap);
    learned->names = at->base;
    learned->names_version = PyType_Check(at->base) ? type_version((PyTypeObject *)at->base) : 0;
    learned->named = cell;
    learned->named_generation = names_generation;
    learn(tap, Py_TYPE(at->base), SEES_NAME);
}

/* What is stored goes through code of the class that is not watched. If the object has the name already, that is where it
   goes; else nobody knows: it may belong to another object, for which this one stands. */
static void
store_unseen(Reach *at, Shape *shape, PyObject *name, int op)
{
    PyTypeObject *kind = NULL;
    bool is_member = type_find(Py_TYPE(at->base), name, NULL, &kind) && kind == &PyMemberDescr_Type;
    if (is_member || (kind == NULL && instance_holds(at->base, name))) {
        at->thread->accesses++;
        touch_field(at, shape, name, op);
    }
    learn(at->tap, Py_TYPE(at->base), ASKS);
}

/* What the tap knows of a name that instances may have beside their class. */
static Known
known_either(const Reach *at)
{
    const Known *known = known_of(at->tap, at->base);
    return known != NULL && known->cell == SEES_CLASS ? *known : (Known){.cell = SEES_CLASS, .field = -1};
}

static void
learn_either(Reach *at, Shape *shape, const Known *found)
{
    Known *known = learn(at->tap, Py_TYPE(at->base), SEES_CLASS);
    known->global = found->global;
    known->names_generation = found->names_generation;
    known->field = found->field;
    known->shape = shape;
}

static void
field(Reach *at, Shape *shape, PyObject *name, int op)
{
    PyTypeObject *type = Py_TYPE(at->base), *where = NULL;
    if (shape->is_module) {
        PyObject *namespace = PyModule_GetDict(at->base);
        if (namespace != NULL) {
            at->thread->accesses++;
            learn_name(at, touch_name(at, namespace, name, AT_GLOBAL, op));
        }
        return;
    }
    if ((op_mutates(op) ? shape->hooks_store : shape->hooks_load) || shape->is_local) {
        if (at->site->made && op_mutates(op)) {
            note_making(at);
            return;
        }
        if (op_mutates(op) && shape->stores_unseen && !shape->is_local) {
            store_unseen(at, shape, name, op);
            return;
        }
        learn(at->tap, type, SEES_NOTHING);
        return;
    }
    if (shape->is_type) {
        learn_name(at, class_attribute(at, (PyTypeObject *)at->base, name, op));
        return;
    }
    int home = home_of(type, name, &where);
    if (home == HOME_SKIP) {
        if (at->site->made && op_mutates(op)) {
            note_making(at);
            return;
        }
        learn(at->tap, type, SEES_NOTHING);
        return;
    }
    if (home == HOME_CACHED) {
        Object *object = op == OP_READ ? object_find(at->base) : NULL;
        if (object != NULL && object->extra != NULL && object->extra->sync != 0) {
            sync_acquire_later(at->thread, object->extra->sync);
        }
        learn(at->tap, type, ASKS);
        return;
    }
    Known either = home == HOME_CLASS && op == OP_READ ? known_either(at) : (Known){.cell = SEES_NOTHING};
    if (either.cell == SEES_CLASS && !instance_holds(at->base, name)) {
        either.global = class_attribute(at, where, name, op);
        either.names_generation = names_generation;
        learn_either(at, shape, &either);
        if (at->tap->is_head) {
            note_field(at, shape, name);
        }
        return;
    }
    if (at->tap->early && home == HOME_FIELD && lacks_field(at->base, name)) {
        return;
    }
    at->thread->accesses++;
    int32_t number = touch_field(at, shape, name, op);
    if (either.cell == SEES_CLASS) { /* the next instance may not have it; what is stored goes to the instance */
        either.field = number;
        learn_either(at, shape, &either);
    }
}

static void
named(Reach *at, PyObject *name)
{
    Shape *shape = shape_of(Py_TYPE(at->base));
    at->thread->owner = Py_TYPE(at->base);
    at->thread->owner_name = name;
    at->thread->holder = at->base;
    if (shape == NULL || name == NULL || !PyUnicode_CheckExact(name) || PyUnicode_GET_LENGTH(name) == 0) {
        return;
    }
    if (shape->never) {
        learn(at->tap, Py_TYPE(at->base), SEES_NOTHING);
        return;
    }
    field(at, shape, name, op_of_context[at->site->context]);
}

/* Names are told apart by their address, so one that the program makes at run time is looked up among the interned
   ones, as the interpreter does when it stores the attribute. */
static void
attribute(Reach *at)
{
    if (!at->site->keyed) {
        named(at, at->site->name);
        return;
    }
    PyObject *name = Py_XNewRef(at->key);
    if (name != NULL && PyUnicode_CheckExact(name) && !PyUnicode_CHECK_INTERNED(name)) {
        PyUnicode_InternInPlace(&name);
    }
    named(at, name);
    Py_XDECREF(name);
}

/* --- The forms ------------------------------------------------------------------------------------------------------ */

static bool
spells(const Reach *at, const char *name)
{
    return PyUnicode_CompareWithASCIIString(at->site->name, name) == 0;
}

static void
method(Reach *at)
{
    if (PyGen_CheckExact(at->base)) {
        if (spells(at, "send") || spells(at, "throw") || spells(at, "close") || spells(at, "__next__")) {
            generator_advances(at);
        }
        return;
    }
    Shape *shape = shape_of(Py_TYPE(at->base));
    if (shape == NULL) {
        return;
    }
    if (shape->never) {
        learn(at->tap, Py_TYPE(at->base), SEES_NOTHING);
        return;
    }
    if (shape->container != 0) {
        const Row *row = contract_lookup(shape, at->site->name)->by_shape[SHAPE_KEY];
        PyObject *base = at->base;
        container_apply(at, shape, row);
        at->base = base;
        container_learn(at, shape, row);
    }
    else if (!shape->is_module && !shape->is_type) {
        PyTypeObject *kind;
        if (!type_find(Py_TYPE(at->base), at->site->name, NULL, &kind) || kind == &PyMemberDescr_Type) {
            /* A call of something kept in the object, `self.callback()`, reads a field; so does one of a slot. */
            field(at, shape, at->site->name, OP_READ);
        }
        else {
            learn(at->tap, Py_TYPE(at->base), SEES_NOTHING);
        }
    }
    else {
        learn(at->tap, Py_TYPE(at->base), SEES_NOTHING);
    }
}

/* Whether a built-in function, or what does the same, goes over an object of this very type in one step, as its `__repr__` does. The twin of
   `whole` in raceway/runtime/contracts/table.py. */
static bool
is_whole(const Reach *at)
{
    static const char *const functions[] = {"list", "dict", "sorted", "repr", "ascii", "str", "format", "print"};
    for (size_t place = 0; place < sizeof functions / sizeof *functions; place++) {
        if (spells(at, functions[place])) {
            return container_index(Py_TYPE(at->base)) != 0;
        }
    }
    if (spells(at, "tuple")) {
        return PyList_CheckExact(at->base);
    }
    return (spells(at, "set") || spells(at, "frozenset")) && (Py_IS_TYPE(at->base, &PySet_Type) || PyDict_CheckExact(at->base));
}

/* An argument of a built-in: `next` advances a generator, `len` and `bool` ask the structure, what copies it whole looks
   at it as `repr` does, all others walk over it: of a generator some take items at once, some later, so that they tell
   nothing of it. */
static void
function(Reach *at)
{
    bool is_next = spells(at, "next");
    if (is_next && PyGen_CheckExact(at->base)) {
        generator_advances(at);
        return;
    }
    if (is_next || PyGen_CheckExact(at->base)) {
        learn(at->tap, Py_TYPE(at->base), SEES_NOTHING);
        return;
    }
    bool counts = spells(at, "len") || spells(at, "bool");
    container_operator(at, counts ? string_len : is_whole(at) ? string_repr : string_iter);
}

static void
global_variable(Reach *at)
{
    at->thread->accesses++;
    NameCell *cell = touch_name(at, at->namespace, at->site->name, AT_GLOBAL, op_of_context[at->site->context]);
    Learned *learned = tap_learns(at->tap);
    learned->names = at->namespace;
    learned->named = cell;
    learned->named_generation = names_generation;
}

static void
captured_variable(Reach *at)
{
    Object *object = object_of(at->base);
    object = object == NULL ? NULL : object_grow(at->base, object, 1);
    if (object == NULL) {
        return;
    }
    at->thread->accesses++;
    Location location = {.object = object, .target = at->base, .kind = AT_CELL, .key = KEY_CELL,
                         .variable = variable_of_label(at->tap->site, at->namespace)};
    int op = op_of_context[at->site->context];
    if (op_reads(op)) {
        variable_is_read(location.variable);
    }
    touch(at, &object->cells[0], &location, op, COMMUTE_NONE);
    learn(at->tap, Py_TYPE(at->base), SEES_STRUCTURE);
}

/* Record what the site does to its operands. */
void
access_reached(Reach *at)
{
    if (unlikely(at->site->given) && is_being_made(at)) {
        if (PyUnicode_GET_LENGTH(at->site->name) == 0 && at->site->form == FORM_ATTRIBUTE) {
            note_making(at); /* it is passed on */
        }
        return;
    }
    switch (at->site->form) {
    case FORM_ATTRIBUTE:
        attribute(at);
        break;
    case FORM_METHOD:
        method(at);
        break;
    case FORM_ITEM:
        container_item(at);
        break;
    case FORM_CONTAINS:
        container_operator(at, string_contains);
        break;
    case FORM_ITERATE:
        if (PyGen_CheckExact(at->base)) {
            generator_advances(at);
        }
        else {
            container_operator(at, is_whole(at) ? string_repr : string_iter);
        }
        break;
    case FORM_FUNCTION:
        function(at);
        break;
    case FORM_GLOBAL:
        global_variable(at);
        break;
    case FORM_CELL:
        captured_variable(at);
        break;
    default:
        sync_acquire(at->thread, imports_sync);
    }
}
