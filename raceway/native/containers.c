/* What operations do to containers: which of their locations they address, and what people call the container. */
#include "core.h"

#include <stdlib.h>

static PyObject *zero; /* the key of the first item */
static PyObject *string_getitem, *string_setitem, *string_delitem, *string_appendleft;
static Table labels; /* (type, its version, attribute) -> variable of the container kept there */

bool
containers_start(void)
{
    table_free(&labels);
    zero = PyLong_FromLong(0);
    string_getitem = PyUnicode_InternFromString("__getitem__");
    string_setitem = PyUnicode_InternFromString("__setitem__");
    string_delitem = PyUnicode_InternFromString("__delitem__");
    string_appendleft = PyUnicode_InternFromString("appendleft");
    return zero != NULL && string_delitem != NULL && string_appendleft != NULL;
}

static uint32_t
label_of_attribute(PyTypeObject *owner, PyObject *name)
{
    uint64_t key = mix((uintptr_t)owner ^ ((uint64_t)type_version(owner) << 20)) ^ (uintptr_t)name;
    uintptr_t known = (uintptr_t)table_get(&labels, key);
    if (known == 0) {
        PyObject *label = type_label(owner);
        known = label == NULL ? 0 : variable_of_attribute(label, name);
        Py_XDECREF(label);
        if (known != 0) {
            table_put(&labels, key, (void *)known);
        }
    }
    return (uint32_t)known;
}

/* What people call a container: by the attribute it came from, else by its variable. */
static uint32_t
label_container(Reach *at, Object *object)
{
    Site *site = at->site;
    if (site->through != NULL && at->owner != NULL) {
        object->label = label_of_attribute(at->owner, site->through);
    }
    else if (site->is_self) {
        object->label = variable_intern(type_label(Py_TYPE(at->base)));
    }
    else if (object->label == 0) {
        object->label = variable_of_label(at->tap->site, at->namespace);
    }
    return object->label;
}

static void
touch_key(Reach *at, Shape *shape, PyObject *name, int op, int commute)
{
    Object *object = object_of(at->base);
    if (object == NULL) {
        return;
    }
    Location location = {.target = at->base, .name = name, .kind = AT_ITEM, .items = true};
    Cell *cell;
    Py_ssize_t index;
    if (shape->sequence && PyLong_CheckExact(at->key) && small_index(at->key, &index)) {
        if (index < 0) {
            index += Py_SIZE(at->base);
        }
        if (index < 0) {
            return;
        }
        cell = item_cell(at->base, &object, (size_t)index);
        location.key = (uint64_t)index + 1;
    }
    else {
        if (!key_of(at->key, &location.key, 0)) {
            return;
        }
        object = object_find(at->base);
        cell = object == NULL ? NULL : keyed_cell(at->base, &object, location.key, !shape->sequence);
    }
    if (cell == NULL) {
        return;
    }
    location.object = object;
    location.variable = label_container(at, object);
    if (op_reads(op)) {
        variable_is_read(location.variable);
    }
    touch(at, cell, &location, op, commute);
    remember_made(at->tap, MADE_ONE, op_mutates(op) ? cell->w : cell->r);
    object = object_grow(at->base, object, 2);
    if (object != NULL) {
        location.object = object;
        location.kind = AT_STRUCTURE;
        location.key = KEY_WHOLE;
        location.name = NULL;
        location.items = false; /* who changes all of it is told of by the container's own name */
        touch(at, &object->cells[1], &location, OP_READ, COMMUTE_NONE);
        remember_made(at->tap, MADE_ALL, object->cells[1].r);
    }
}

static void
touch_item(Reach *at, Shape *shape, int op, int commute)
{
    Py_ssize_t index = 0;
    bool from_end = shape->sequence && PyLong_CheckExact(at->key) && small_index(at->key, &index) && index < 0;
    PyObject *name = from_end ? PyLong_FromSsize_t(index + Py_SIZE(at->base)) : Py_NewRef(at->key);
    if (name == NULL) {
        PyErr_Clear();
    }
    touch_key(at, shape, name, op, commute);
    Py_XDECREF(name);
}

/* Whether there is nothing to walk over, told without code of the program. */
static bool
is_empty(PyObject *container)
{
    if (PyList_Check(container)) {
        return PyList_GET_SIZE(container) == 0;
    }
    if (PyDict_Check(container)) {
        return ((PyDictObject *)container)->ma_used == 0;
    }
    return PyAnySet_Check(container) && PySet_GET_SIZE(container) == 0;
}

static void
touch_structure(Reach *at, int op, int commute)
{
    if (op == OP_ITERATE && at->site->suspends && at->thread->task != NULL && is_empty(at->base)) {
        op = OP_READ; /* the walk is over: its awaits are not reached */
    }
    Object *object = object_of(at->base);
    object = object == NULL ? NULL : object_grow(at->base, object, 2);
    if (object == NULL) {
        return;
    }
    Location location = {.object = object, .target = at->base, .kind = AT_STRUCTURE, .key = KEY_STRUCTURE,
                         .variable = label_container(at, object)};
    if (op_reads(op)) {
        variable_is_read(location.variable);
    }
    touch(at, &object->cells[0], &location, op, commute);
    remember_made(at->tap, MADE_STRUCTURE, op_mutates(op) ? object->cells[0].w : object->cells[0].r);
    if (op_mutates(op) && (commute == COMMUTE_NONE || op == OP_DELETE)) {
        location.key = KEY_WHOLE;
        touch(at, &object->cells[1], &location, op, commute);
    }
}

/* A generator goes on: only one thread may be in its frame. A loop over it counts where it begins. */
void
generator_advances(Reach *at)
{
    Object *object = object_of(at->base);
    object = object == NULL ? NULL : object_grow(at->base, object, 2);
    if (object == NULL) {
        return;
    }
    at->thread->accesses++;
    Location location = {.object = object, .target = at->base, .kind = AT_STRUCTURE, .key = KEY_STRUCTURE,
                         .variable = label_container(at, object)};
    touch(at, &object->cells[0], &location, OP_STRUCTURAL_CHANGE, COMMUTE_NONE);
}

/* The ends of a deque: what was put in by one thread and taken out by another is ordered with it. The taking happens
   after this tap, so the order is drawn at the thread's next record. */
static void
hand_over(Reach *at, int side)
{
    uint64_t sync = sync_of_object(at->base);
    if (sync == 0) {
        return;
    }
    if (side == HANDOVER_RELEASE) {
        sync_release(at->thread, sync, true);
        return;
    }
    sync_acquire_later(at->thread, sync);
}

static int
worse(int found, int other)
{
    return found > other ? found : other;
}

/* Who takes an item out happens after those who put items in, as far as they did, but for attributes of the object that
   the container belongs to. */
static void
take_out(Reach *at, const Shape *shape)
{
    Object *object = alone || at->thread->hidden || is_empty(at->base) ? NULL : object_find(at->base);
    if (object == NULL || object->capacity < 2 || (at->key != NULL && has_key(at->base, at->key) == 0)) {
        return;
    }
    int found = cell_taken(at->thread, &object->cells[1]);
    const Cell *item = NULL;
    if (shape->sequence) {
        Py_ssize_t index = -1, length = Py_SIZE(at->base);
        bool known = at->key == NULL || (PyLong_CheckExact(at->key) && small_index(at->key, &index));
        index += index < 0 ? length : 0;
        item = known && index >= 0 ? item_find(object, (size_t)index) : NULL;
    }
    else if (at->key != NULL) {
        uint64_t key;
        item = key_of(at->key, &key, 0) ? keyed_find(object, key) : NULL;
    }
    if (item != NULL) {
        found = worse(found, cell_taken(at->thread, item));
    }
    if (shape->sequence || at->key == NULL) {
        found = worse(found, cell_taken(at->thread, &object->cells[0]));
    }
    Extra *extra = found != TAKEN_OWN ? object_extra(object) : NULL;
    if (extra == NULL) {
        return;
    }
    extra->handing = true;
    if (found == TAKEN_HANDED) {
        Object *holder = at->holder == NULL ? NULL : object_find(at->holder);
        Extra *held_by = holder == NULL ? NULL : object_extra(holder);
        if (held_by != NULL) {
            held_by->common = true;
        }
    }
}

static int
first_referent(PyObject *referent, void *found)
{
    *(PyObject **)found = referent;
    return 1;
}

/* The mapping that a view or proxy shows. */
static PyObject *
behind(PyObject *container)
{
    PyObject *found = NULL;
    if (Py_TYPE(container)->tp_traverse != NULL) {
        (void)Py_TYPE(container)->tp_traverse(container, first_referent, &found);
    }
    return found != NULL ? found : container;
}

/* Record every effect that the row names; no row means code that is instrumented itself. */
void
container_apply(Reach *at, Shape *shape, const Row *row)
{
    if (row == NULL) {
        return;
    }
    if (row->through) {
        at->base = behind(at->base);
        if (Py_TYPE(at->base) != shape->type && (shape = shape_of(Py_TYPE(at->base))) == NULL) {
            return;
        }
    }
    at->thread->accesses++;
    if (row->handover == HANDOVER_RELEASE || row->handover == HANDOVER_ACQUIRE) {
        hand_over(at, row->handover);
    }
    else if (row->handover == HANDOVER_TAKE) {
        take_out(at, shape);
    }
    const Effect *effects = row->effects;
    uint8_t count = row->effect_count;
    if (row->full_when != PRESENT_ANY && at->key != NULL) {
        int present = has_key(at->base, at->key);
        if (present >= 0 && present != (row->full_when == PRESENT_PRESENT)) {
            effects = row->otherwise;
            count = row->otherwise_count;
        }
    }
    bool mutates = false;
    for (uint8_t place = 0; place < count; place++) {
        mutates |= op_mutates(effects[place].operation);
        /* Whether something is in a list is one question to it, whatever the answer costs. */
        bool asked = effects[place].operation == OP_ITERATE && at->site->form == FORM_CONTAINS;
        int op = asked ? OP_READ : effects[place].operation;
        if (effects[place].target == TARGET_STRUCTURE) {
            touch_structure(at, op, effects[place].commute);
            continue;
        }
        if (effects[place].target == TARGET_FIRST) {
            at->key = zero;
        }
        if (at->key != NULL) {
            touch_item(at, shape, op, effects[place].commute);
        }
    }
    if (row->handover == HANDOVER_GIVE && mutates && !alone) {
        put_in(at->tap, at->thread, object_find(at->base));
    }
}

static int
key_shape(const Reach *at)
{
    if (at->site->form == FORM_ITEM && !at->site->keyed) {
        return SHAPE_SLICE;
    }
    if (at->key == NULL) {
        return SHAPE_KEY;
    }
    if (PySlice_Check(at->key)) {
        return SHAPE_SLICE;
    }
    Py_ssize_t index;
    return PyLong_CheckExact(at->key) && small_index(at->key, &index) && index < 0 ? SHAPE_NEGATIVE : SHAPE_KEY;
}

static const Row *
row_for(const Rows *rows, int shape)
{
    return rows->by_shape[shape] != NULL ? rows->by_shape[shape] : rows->by_shape[SHAPE_KEY];
}

/* Items of containers of this shape are found by the record alone: those by position and, of literal keys, by key. */
static void
fit_items(Tap *tap, Known *known, Shape *shape)
{
    known->has_ends = known->cell == SEES_SEQUENCE && contract_lookup(shape, string_appendleft)->by_shape[SHAPE_KEY] != NULL;
    bool by_key = known->cell == SEES_KEYS && tap->is_literal && tap->literal != 0 &&
                  (known->row == NULL || known->row->full_when != PRESENT_PRESENT);
    bool by_position = known->cell == SEES_SEQUENCE && !known->has_ends;
    if (known == &tap->learned->known && known->type != NULL && (by_position || by_key)) {
        Py_ssize_t index = INLINE_ITEMS;
        PyObject *key = tap->is_literal ? sites[tap->site].key : NULL;
        bool near = key != NULL && PyLong_CheckExact(key) && small_index(key, &index) && index >= 0 && index < INLINE_ITEMS;
        tap->fits = shape->id;
        tap->item_rank = known->rank;
        tap->item_stores = known->stores;
        tap->item_keyed = by_key;
        tap->item_index = near ? (uint8_t)index : INLINE_ITEMS;
    }
}

/* What the fast paths may do with the next operand of this type. */
Known *
container_learn(Reach *at, Shape *shape, const Row *row)
{
    PyTypeObject *type = Py_TYPE(at->base);
    int32_t sees = ASKS;
    if (row == NULL) {
        sees = SEES_NOTHING;
    }
    else if (!row->through && row->handover != HANDOVER_RELEASE && row->handover != HANDOVER_ACQUIRE &&
             row->effect_count != 0 &&
             row->effects[0].target != TARGET_FIRST) {
        bool by_key = row->effects[0].target == TARGET_KEY;
        sees = !by_key ? SEES_STRUCTURE : shape->sequence ? SEES_SEQUENCE : SEES_KEYS;
    }
    else if (row->handover == HANDOVER_RELEASE || row->handover == HANDOVER_ACQUIRE) {
        sees = row->full_when == PRESENT_ANY && row->effects[0].target == TARGET_STRUCTURE ? SEES_ENDS : ASKS;
    }
    Known *known = learn(at->tap, type, sees);
    known->row = row;
    known->shape = shape;
    if (row != NULL && row->effect_count != 0) {
        bool asked = row->effects[0].operation == OP_ITERATE && at->site->form == FORM_CONTAINS;
        int op = asked ? OP_READ : row->effects[0].operation;
        known->stores = op_mutates(op);
        known->rank = at->tap->rank == RANK_NEVER ? RANK_NEVER
                      : op_mutates(op)    ? (at->site->made                ? RANK_PLAIN
                                             : at->site->region_count != 0 ? RANK_REGION
                                                                           : RANK_STORE)
                      : op == OP_ITERATE  ? RANK_WALK
                      : at->site->is_head ? RANK_REGION
                                          : RANK_PLAIN;
    }
    fit_items(at->tap, known, shape);
    return known;
}

/* Whether the row is the plain one and a look at the structure. */
static bool
adds_a_look(const Row *row, const Row *plain)
{
    const Effect *effects = row->effects;
    return row->effect_count == 2 && row->full_when == PRESENT_ANY && row->handover == plain->handover &&
           plain->effect_count == 1 && plain->full_when == PRESENT_ANY && effects[0].target == TARGET_KEY &&
           effects[0].operation == plain->effects[0].operation && effects[0].commute == plain->effects[0].commute &&
           effects[1].target == TARGET_STRUCTURE && effects[1].operation == OP_READ &&
           effects[1].commute == COMMUTE_NONE;
}

void
container_operator(Reach *at, PyObject *name)
{
    Shape *shape = shape_of(Py_TYPE(at->base));
    if (shape == NULL || shape->never || shape->container == 0) {
        learn(at->tap, Py_TYPE(at->base), SEES_NOTHING);
        return;
    }
    const Rows *rows = contract_operator(shape, name);
    int key = key_shape(at);
    const Row *row = row_for(rows, key);
    PyTypeObject *type = Py_TYPE(at->base);
    PyObject *base = at->base;
    container_apply(at, shape, row);
    const Row *plain = row_for(rows, at->site->keyed ? SHAPE_KEY : key), *from_end = rows->by_shape[SHAPE_NEGATIVE];
    if (Py_TYPE(base) == type && (row == plain || key == SHAPE_NEGATIVE)) {
        at->base = base;
        container_learn(at, shape, plain)->from_end = plain != NULL && from_end != NULL && adds_a_look(from_end, plain);
    }
}

/* Whether `d[k] += 1` will fail, since there is no `d[k]`. False where that cannot be told without code of the program. */
bool
lacks_item(PyObject *base, PyObject *key)
{
    if (PyDict_CheckExact(base)) {
        return has_key(base, key) == 0;
    }
    Py_ssize_t index;
    return PyList_CheckExact(base) && PyLong_CheckExact(key) && small_index(key, &index) &&
           (index < 0 ? index + PyList_GET_SIZE(base) < 0 : index >= PyList_GET_SIZE(base));
}

/* The item, borrowed; NULL where it cannot be told without code of the program. */
PyObject *
item_value(PyObject *base, PyObject *key)
{
    PyObject *found = NULL;
#if !RW_FREE_THREADED /* another thread may take it out meanwhile */
    Py_ssize_t index;
    if (key != NULL && PyDict_CheckExact(base) && has_key(base, key) == 1) {
        found = PyDict_GetItemWithError(base, key);
        PyErr_Clear();
    }
    else if (key != NULL && PyList_CheckExact(base) && PyLong_CheckExact(key) && small_index(key, &index) &&
             index >= 0 && index < PyList_GET_SIZE(base)) {
        found = PyList_GET_ITEM(base, index);
    }
#else
    (void)base;
    (void)key;
#endif
    return found;
}

/* Subscripts. */
void
container_item(Reach *at)
{
    if (at->site->context != CONTEXT_AUGMENT) {
        container_operator(at, at->site->context == CONTEXT_LOAD    ? string_getitem
                     : at->site->context == CONTEXT_STORE ? string_setitem
                                                          : string_delitem);
        return;
    }
    Shape *shape = shape_of(Py_TYPE(at->base));
    if (shape == NULL || shape->never) {
        return;
    }
    const Row *get = contract_operator(shape, string_getitem)->by_shape[SHAPE_KEY];
    const Row *set = contract_operator(shape, string_setitem)->by_shape[SHAPE_KEY];
    if (get == NULL || set == NULL) {
        return;
    }
    if (at->tap->early && lacks_item(at->base, at->key)) {
        return;
    }
    at->thread->accesses++;
    if (at->key == NULL) { /* of a slice: later items may move */
        touch_structure(at, OP_STRUCTURAL_CHANGE, COMMUTE_NONE);
        return;
    }
    touch_item(at, shape, OP_READ_MODIFY_WRITE, COMMUTE_NONE);
    Known *known = learn(at->tap, Py_TYPE(at->base), shape->sequence ? SEES_SEQUENCE : SEES_KEYS);
    known->shape = shape;
    fit_items(at->tap, known, shape);
}
