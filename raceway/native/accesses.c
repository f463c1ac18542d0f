/* What a committed site means: which locations its operands address, and what it does to them. The twin of
   raceway/runtime/accesses.py.

   What can be kept about the operand's type is kept in the tap (`type`, `version`, `cell`), for the fast paths. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

uint64_t names_generation = 1;
uint64_t imports_sync;

static PyObject *zero; /* the key of the first item */
static PyObject *string_getitem, *string_setitem, *string_delitem, *string_contains, *string_iter, *string_len;
static Table labels; /* (type, its version, attribute) -> variable of the container kept there */

static const uint8_t operations[] = {
    [CONTEXT_LOAD] = OP_READ, [CONTEXT_STORE] = OP_WRITE, [CONTEXT_DELETE] = OP_DELETE,
    [CONTEXT_AUGMENT] = OP_READ_MODIFY_WRITE, [CONTEXT_CALL] = OP_READ};

bool
accesses_start(void)
{
    table_free(&labels);
    zero = PyLong_FromLong(0);
    string_getitem = PyUnicode_InternFromString("__getitem__");
    string_setitem = PyUnicode_InternFromString("__setitem__");
    string_delitem = PyUnicode_InternFromString("__delitem__");
    string_contains = PyUnicode_InternFromString("__contains__");
    string_iter = PyUnicode_InternFromString("__iter__");
    string_len = PyUnicode_InternFromString("__len__");
    return string_len != NULL;
}

static bool
reads(int op)
{
    return op == OP_READ || op == OP_ITERATE || op == OP_READ_MODIFY_WRITE;
}

/* Keep what was found out about a type, for the fast paths. */
static Known *
learn(Tap *tap, PyTypeObject *type, int32_t cell)
{
    Known found = {.version = type_version(type), .cell = cell, .rank = tap->rank, .stores = tap->stores};
    found.type = found.version != 0 || !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ? type : NULL;
    Known *place = &tap->known;
    if (place->type != NULL && place->type != type) {
        if (tap->more == NULL && (tap->more = calloc(MORE_KNOWN, sizeof(Known))) == NULL) {
            return &tap->known;
        }
        place = &tap->more[tap->next];
        for (int other = 0; other < MORE_KNOWN; other++) {
            if (tap->more[other].type == type) {
                place = &tap->more[other];
            }
        }
        if (place == &tap->more[tap->next]) {
            tap->next = (uint8_t)((tap->next + 1) % MORE_KNOWN);
        }
    }
    *place = found;
    return place;
}

static void
touch(Reach *at, Cell *cell, const Location *location, int op, int commute)
{
    if (cell != NULL) {
        Location here = *location;
        here.activation = at->frame;
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
    if (reads(op)) {
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
    return kind->tp_descr_set != NULL || kind->tp_descr_get != NULL ? HOME_SKIP : HOME_CLASS;
}

static void
touch_field(Reach *at, Shape *shape, PyObject *name, int op)
{
    uint32_t number = shape->container == 0 ? shape_cell(shape, name) : UINT32_MAX;
    Object *object = object_of(at->base);
    if (object == NULL) {
        return;
    }
    Location location = {.object = object, .target = at->base, .shape = shape, .name = name, .kind = AT_ATTRIBUTE,
                         .key = (uintptr_t)name};
    if (number == UINT32_MAX) { /* a container's own attributes are few: by name */
        NameCell *named = name_cell(object, name, AT_ATTRIBUTE);
        variable_is_read(reads(op) ? variable_of(&location) : 0);
        touch(at, named == NULL ? NULL : &named->cell, &location, op, COMMUTE_NONE);
        return;
    }
    if (reads(op)) {
        shape->slots[number - shape->first].is_read = true;
    }
    if (object->shape != shape->id) { /* its class was changed: what was known was of other attributes */
        for (uint32_t cell = 0; cell < object->capacity; cell++) {
            cell_clear(&object->cells[cell]);
        }
        object->shape = shape->id;
    }
    object = object_grow(at->base, object, number + 1);
    if (object == NULL) {
        return;
    }
    location.object = object;
    touch(at, &object->cells[number], &location, op, COMMUTE_NONE);
    if (!at->site->keyed || at->site->form == FORM_METHOD) {
        learn(at->tap, Py_TYPE(at->base), (int32_t)number)->shape = shape;
    }
}

static void attribute_or_method(Reach *at);

/* The context of a simple access of a cell of one's own, as far as one of before serves; 0 if none does. */
static inline uint32_t
context_for_own(Tap *tap, int made, Thread *thread, Frame *frame, const Cell *cell, Effect effect, uint8_t rank,
                Stack callers)
{
    Context wanted = {.site = tap->site, .operation = effect.operation, .commute = effect.commute, .region = -1,
                      .rank = rank};
    uint32_t again = context_again(thread, frame, tap->made[made], &wanted, callers);
    uint32_t kept = op_mutates(effect.operation) ? cell->w : cell->r;
    if (again != 0 || kept == 0 || !cell_is_own(cell, thread->actor->slot)) {
        return again;
    }
    return context_renew(thread, frame, kept, &wanted, callers, 1);
}

/* Keep the context that an access of this tap left in a cell. */
static void
remember_made(Tap *tap, int made, uint32_t context)
{
    tap->made[made] = (context & EXPANDED) == 0 && contexts[context].site == tap->site ? context : 0;
}

/* A new object's fields are mostly stored one after the other by one activation, whose callers need to be looked at only
   once: it is the same activation if the same code runs in the same frame, called from the same instruction, and no
   other object was made known since. */
static inline void
remember_fresh(Thread *thread, Frame *frame, const Object *object, Stack callers)
{
#if RW_PEEK
    thread->fresh = object;
    thread->fresh_frame = frame;
    thread->fresh_code = frame_code(frame);
    thread->fresh_callers = callers;
#else
    (void)thread, (void)frame, (void)object, (void)callers;
#endif
}

static inline bool
is_fresh(const Thread *thread, Frame *frame, const Object *object)
{
#if RW_PEEK
    if (thread->fresh != object || thread->fresh_frame != frame || thread->fresh_code != frame_code(frame) ||
        thread->fresh_callers != thread->memo.callers || thread->memo.depth == 0) {
        return false;
    }
    const StackLevel *caller = &thread->memo.levels[thread->memo.depth - 1];
    Frame *outer = frame_skip(frame->previous);
    return outer == caller->frame && frame_instruction(outer) == caller->instruction;
#else
    (void)thread, (void)frame, (void)object;
    return false;
#endif
}

/* The name of a module or class is known again by the owner's address, while the class stays as it is. */
static void
learn_name(Reach *at, NameCell *cell)
{
    Tap *tap = at->tap;
    tap->names = at->base;
    tap->names_version = PyType_Check(at->base) ? type_version((PyTypeObject *)at->base) : 0;
    tap->named = cell;
    tap->named_generation = names_generation;
    learn(tap, Py_TYPE(at->base), SEES_NAME);
}

/* A field of an instance whose type the tap knows: its cell is known, and that nothing of the type stands between. */
void
field_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *base)
{
    Site *site = &sites[tap->site];
    Shape *shape = known->shape;
    Object *object = object_find(base);
    Stack callers;
    if (object == NULL) {
        object = object_make(base, shape);
        callers = context_callers(thread, frame, tap->site);
        remember_fresh(thread, frame, object, callers);
    }
    else {
        callers = is_fresh(thread, frame, object) ? thread->fresh_callers : context_callers(thread, frame, tap->site);
    }
    if (object == NULL || object->shape != shape->id) {
        Reach at = {.tap = tap, .site = site, .thread = thread, .frame = frame, .base = base, .key = site->key};
        attribute_or_method(&at);
        return;
    }
    object = object_grow(base, object, (uint32_t)known->cell + 1);
    if (object == NULL) {
        return;
    }
    int op = operations[site->context];
    Cell *cell = &object->cells[known->cell];
    thread->accesses++;
    if (reads(op)) {
        shape->slots[(uint32_t)known->cell - shape->first].is_read = true;
    }
    if (tap->is_simple && thread->due_count == 0) {
        Effect effect = {.operation = (uint8_t)op};
        uint32_t again = context_for_own(tap, MADE_ONE, thread, frame, cell, effect, tap->rank, callers);
        if (again != 0 && record_own(thread, cell, again, tap->stores)) {
            if (tap->is_head) {
                note_head(thread, frame, frame_offset(frame), tap->site, base, (uintptr_t)tap->name);
            }
            return;
        }
    }
    Location location = {.object = object, .target = base, .activation = frame, .shape = shape, .name = tap->name,
                         .kind = AT_ATTRIBUTE, .key = (uintptr_t)tap->name};
    record_at(thread, frame, tap->site, cell, &location, op, COMMUTE_NONE);
    remember_made(tap, MADE_ONE, tap->stores ? cell->w : cell->r);
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
        learn(at->tap, type, SEES_NOTHING);
        return;
    }
    if (shape->is_type) {
        learn_name(at, class_attribute(at, (PyTypeObject *)at->base, name, op));
        return;
    }
    int home = home_of(type, name, &where);
    if (home == HOME_SKIP) {
        learn(at->tap, type, SEES_NOTHING);
        return;
    }
    if (home == HOME_CLASS && op == OP_READ && !instance_holds(at->base, name)) {
        NameCell *cell = class_attribute(at, where, name, op);
        Known *known = learn(at->tap, type, SEES_CLASS);
        known->global = cell;
        known->names_generation = names_generation;
        return;
    }
    at->thread->accesses++;
    touch_field(at, shape, name, op);
    if (home == HOME_CLASS) {
        learn(at->tap, type, ASKS); /* the next instance may not have it */
    }
}

static void
attribute(Reach *at)
{
    PyObject *name = at->site->keyed ? at->key : at->site->name;
    Shape *shape = shape_of(Py_TYPE(at->base));
    at->thread->owner = Py_TYPE(at->base);
    at->thread->owner_name = name;
    if (shape == NULL || name == NULL || !PyUnicode_CheckExact(name) || PyUnicode_GET_LENGTH(name) == 0) {
        return;
    }
    if (shape->never) {
        learn(at->tap, Py_TYPE(at->base), SEES_NOTHING);
        return;
    }
    field(at, shape, name, operations[at->site->context]);
}

/* --- Containers ---------------------------------------------------------------------------------------------------- */

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
        object->labelled = true;
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
touch_item(Reach *at, Shape *shape, int op, int commute)
{
    Object *object = object_of(at->base);
    if (object == NULL) {
        return;
    }
    Location location = {.target = at->base, .kind = AT_ITEM, .items = true};
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
    if (reads(op)) {
        variable_is_read(location.variable);
    }
    touch(at, cell, &location, op, commute);
    remember_made(at->tap, MADE_ONE, op_mutates(op) ? cell->w : cell->r);
    object = object_grow(at->base, object, 2);
    if (object != NULL) {
        location.object = object;
        location.kind = AT_STRUCTURE;
        location.key = KEY_WHOLE;
        touch(at, &object->cells[1], &location, OP_READ, COMMUTE_NONE);
        remember_made(at->tap, MADE_ALL, object->cells[1].r);
    }
}

static void
touch_structure(Reach *at, int op, int commute)
{
    Object *object = object_of(at->base);
    object = object == NULL ? NULL : object_grow(at->base, object, 2);
    if (object == NULL) {
        return;
    }
    Location location = {.object = object, .target = at->base, .kind = AT_STRUCTURE, .key = KEY_STRUCTURE,
                         .variable = label_container(at, object)};
    if (reads(op)) {
        variable_is_read(location.variable);
    }
    touch(at, &object->cells[0], &location, op, commute);
    remember_made(at->tap, MADE_STRUCTURE, op_mutates(op) ? object->cells[0].w : object->cells[0].r);
    if (op_mutates(op) && commute == COMMUTE_NONE) {
        location.key = KEY_WHOLE;
        touch(at, &object->cells[1], &location, op, commute);
    }
}

/* The ends of a deque: what was put in by one thread and taken out by another is ordered with it. The taking happens
   after this tap, so the order is drawn at the thread's next record. */
static void
hand_over(Reach *at, int side)
{
    Object *object = object_of(at->base);
    Extra *extra = object == NULL ? NULL : object_extra(object);
    if (extra == NULL) {
        return;
    }
    if (extra->sync == 0) {
        extra->sync = sync_new(NULL, NULL, 0);
    }
    if (side == HANDOVER_RELEASE) {
        sync_release(at->thread, extra->sync, true);
        return;
    }
    Thread *thread = at->thread;
    if (thread->due_count == thread->due_capacity) {
        int capacity = thread->due_capacity ? thread->due_capacity * 2 : 8;
        uint64_t *grown = realloc(thread->due, (size_t)capacity * sizeof(uint64_t));
        if (grown == NULL) {
            failures++;
            return;
        }
        thread->due = grown;
        thread->due_capacity = capacity;
    }
    thread->due[thread->due_count++] = extra->sync;
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
static void
apply(Reach *at, Shape *shape, const Row *row)
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
    if (row->handover != HANDOVER_NONE) {
        hand_over(at, row->handover);
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
    for (uint8_t place = 0; place < count; place++) {
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

/* What the fast paths may do with the next operand of this type. */
static void
learn_container(Reach *at, Shape *shape, const Row *row)
{
    PyTypeObject *type = Py_TYPE(at->base);
    int32_t sees = ASKS;
    if (row == NULL) {
        sees = SEES_NOTHING;
    }
    else if (!row->through && row->handover == HANDOVER_NONE && row->effect_count != 0 &&
             row->effects[0].target != TARGET_FIRST) {
        bool by_key = row->effects[0].target == TARGET_KEY;
        sees = !by_key ? SEES_STRUCTURE : shape->sequence ? SEES_SEQUENCE : SEES_KEYS;
    }
    Known *known = learn(at->tap, type, sees);
    known->row = row;
    known->shape = shape;
    if (row != NULL && row->effect_count != 0) {
        bool asked = row->effects[0].operation == OP_ITERATE && at->site->form == FORM_CONTAINS;
        int op = asked ? OP_READ : row->effects[0].operation;
        known->stores = op_mutates(op);
        known->rank = op_mutates(op)      ? (at->site->region_count != 0 ? RANK_REGION : RANK_PLAIN)
                      : op == OP_ITERATE  ? RANK_WALK
                      : at->site->is_head ? RANK_REGION
                                          : RANK_PLAIN;
    }
}

static void
operator(Reach *at, PyObject *name)
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
    apply(at, shape, row);
    if (Py_TYPE(base) == type && row == row_for(rows, at->site->keyed ? SHAPE_KEY : key)) {
        at->base = base;
        learn_container(at, shape, row);
    }
}

static void
method(Reach *at)
{
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
        apply(at, shape, row);
        at->base = base;
        learn_container(at, shape, row);
    }
    else if (!shape->is_module && !shape->is_type) {
        if (!type_find(Py_TYPE(at->base), at->site->name, NULL, NULL)) {
            /* A call of something kept in the object, `self.callback()`, reads a field. */
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

static void
item(Reach *at)
{
    if (at->site->context != CONTEXT_AUGMENT) {
        operator(at, at->site->context == CONTEXT_LOAD    ? string_getitem
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
    at->thread->accesses++;
    if (at->key == NULL) { /* of a slice: later items may move */
        touch_structure(at, OP_STRUCTURAL_CHANGE, COMMUTE_NONE);
        return;
    }
    touch_item(at, shape, OP_READ_MODIFY_WRITE, COMMUTE_NONE);
    learn(at->tap, Py_TYPE(at->base), shape->sequence ? SEES_SEQUENCE : SEES_KEYS);
}

/* An argument of a built-in: `len` and `bool` ask the structure, all others walk over it. */
static void
function(Reach *at)
{
    bool counts = PyUnicode_CompareWithASCIIString(at->site->name, "len") == 0 ||
                  PyUnicode_CompareWithASCIIString(at->site->name, "bool") == 0;
    operator(at, counts ? string_len : string_iter);
}

static void
global_variable(Reach *at)
{
    at->thread->accesses++;
    NameCell *cell = touch_name(at, at->namespace, at->site->name, AT_GLOBAL, operations[at->site->context]);
    at->tap->names = at->namespace;
    at->tap->named = cell;
    at->tap->named_generation = names_generation;
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
    int op = operations[at->site->context];
    if (reads(op)) {
        variable_is_read(location.variable);
    }
    touch(at, &object->cells[0], &location, op, COMMUTE_NONE);
    learn(at->tap, Py_TYPE(at->base), SEES_STRUCTURE);
}

static void
attribute_or_method(Reach *at)
{
    at->site->form == FORM_METHOD ? method(at) : attribute(at);
}

/* The record of a container that needs no better name than its site has; NULL where that must be looked into. */
static Object *
own_container(const Tap *tap, const Known *known, PyObject *container)
{
    Object *object = object_find(container);
    if (object == NULL && known->shape != NULL) {
        object = object_make(container, known->shape);
    }
    if (object == NULL || object->capacity < 2) {
        return NULL;
    }
    if (object->label == 0) {
        const Site *site = &sites[tap->site];
        if (site->through != NULL || site->is_self || site->variable == 0) {
            return NULL;
        }
        object->label = site->variable;
    }
    return object;
}

/* Whether a change of the structure takes the place of the last one, as far as conflicts go. */
static bool
may_follow(const Cell *structure, int commute)
{
    return structure->w == 0 || commute == COMMUTE_NONE || contexts[structure->w].commute == commute;
}

/* Whether the row is one that a fast path knows: one effect on one key, or a store that may insert the key. */
static bool
is_plain_row(const Row *row)
{
    const Effect *effects = row->effects;
    if (row->full_when == PRESENT_ANY) {
        return row->effect_count == 1 && effects[0].commute == COMMUTE_NONE;
    }
    return row->full_when == PRESENT_ABSENT && row->effect_count == 2 && row->otherwise_count == 1 &&
           effects[0].operation == OP_WRITE && effects[0].commute == COMMUTE_NONE &&
           effects[1].target == TARGET_STRUCTURE && row->otherwise[0].operation == OP_WRITE &&
           row->otherwise[0].commute == COMMUTE_NONE;
}

/* An operation on the structure of a container that is this actor's own. False when the rules have to be asked. */
bool
structure_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container)
{
    const Row *row = known->row;
    if (!tap->is_simple || tap->is_head || thread->due_count != 0 || row->effect_count != 1 ||
        row->full_when != PRESENT_ANY) {
        return false;
    }
    Object *object = own_container(tap, known, container);
    if (object == NULL || !cell_is_own(&object->cells[0], thread->actor->slot) ||
        !cell_is_own(&object->cells[1], thread->actor->slot)) {
        return false;
    }
    Stack callers = context_callers(thread, frame, tap->site);
    bool asked = row->effects[0].operation == OP_ITERATE && sites[tap->site].form == FORM_CONTAINS;
    Effect effect = {.operation = asked ? OP_READ : row->effects[0].operation, .commute = row->effects[0].commute};
    uint32_t again =
        context_for_own(tap, MADE_STRUCTURE, thread, frame, &object->cells[0], effect, known->rank, callers);
    if (again == 0 || (known->stores && !may_follow(&object->cells[0], effect.commute))) {
        return false;
    }
    record_own(thread, &object->cells[0], again, known->stores);
    if (known->stores && row->effects[0].commute == COMMUTE_NONE) {
        record_own(thread, &object->cells[1], again, true);
    }
    if (!known->stores) {
        variable_is_read(object->label);
    }
    thread->accesses++;
    return true;
}

/* An item of a container that is this actor's own, reached in this epoch before: what the rules would say is known.
   False when they have to be asked. */
bool
item_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
             uint64_t number)
{
    const Row *row = known->row; /* NULL: an augmented assignment */
    bool stores = row == NULL || known->stores;
    Object *object;
    if (!tap->is_simple || thread->due_count != 0 || (row != NULL && !is_plain_row(row)) ||
        (object = own_container(tap, known, container)) == NULL) {
        return false;
    }
    Stack callers = context_callers(thread, frame, tap->site);
    uint32_t all = 0, inserts = 0;
    if (!is_own(&object->cells[1], thread)) { /* who reads or writes an item reads all of them, too */
        all = context_for_own(tap, MADE_ALL, thread, frame, &object->cells[1], (Effect){.operation = OP_READ},
                              tap->is_head ? RANK_REGION : RANK_PLAIN, callers);
        if (all == 0 || !cell_is_own(&object->cells[1], thread->actor->slot)) {
            return false;
        }
    }
    if (row != NULL && row->full_when == PRESENT_ABSENT) {
        int present = has_key(container, key);
        if (present == 0) {
            inserts = context_for_own(tap, MADE_STRUCTURE, thread, frame, &object->cells[0], row->effects[1],
                                      known->rank, callers);
        }
        if (present < 0 || (present == 0 && (inserts == 0 || !cell_is_own(&object->cells[0], thread->actor->slot) ||
                                             !may_follow(&object->cells[0], row->effects[1].commute)))) {
            return false;
        }
    }
    Cell *cell;
    Py_ssize_t index;
    if (known->cell == SEES_SEQUENCE) {
        if (!PyLong_CheckExact(key) || !small_index(key, &index) || index < 0) {
            return false;
        }
        cell = item_cell(container, &object, (size_t)index);
    }
    else {
        cell = keyed_cell(container, &object, number, true);
    }
    Effect effect = {.operation = row == NULL ? OP_READ_MODIFY_WRITE : row->effects[0].operation};
    uint8_t rank = row == NULL ? RANK_REGION : known->rank;
    uint32_t again =
        cell == NULL ? 0 : context_for_own(tap, MADE_ONE, thread, frame, cell, effect, rank, callers);
    if (again == 0 || !record_own(thread, cell, again, stores)) {
        return false;
    }
    if (all != 0) {
        record_own(thread, &object->cells[1], all, false);
    }
    if (inserts != 0) {
        record_own(thread, &object->cells[0], inserts, true);
    }
    thread->accesses++;
    if (row == NULL || !stores) {
        variable_is_read(object->label);
    }
    if (tap->is_head) {
        note_head(thread, frame, frame_offset(frame), tap->site, container, number);
    }
    return true;
}

/* Record what the site does to its operands. */
void
access_reached(Reach *at)
{
    switch (at->site->form) {
    case FORM_ATTRIBUTE:
        attribute(at);
        break;
    case FORM_METHOD:
        method(at);
        break;
    case FORM_ITEM:
        item(at);
        break;
    case FORM_CONTAINS:
        operator(at, string_contains);
        break;
    case FORM_ITERATE:
        operator(at, string_iter);
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
