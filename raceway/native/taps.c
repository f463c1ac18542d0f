/* Taps: the live objects behind the placeholder constants of instrumented code. `tap[operand]` and `tap @ operand` give
   back the operand and note the access. The evaluation loop reaches their slots without a check for switching threads.

   Each fast path answers one question, "did this actor do this, or more, to this location in this epoch already?", and
   falls through to `access_reached`, which answers it for all cases. What the operand's type says is kept in the tap
   (`Known`), what was done to the object in its shadow.

   Operands that a committing tap needs beside its own stand on the value stack of the frame ("peek"); where CPython's
   frames are unknown, other taps of the site hold them (`held`). */
#include "taps.h"

#include <stdlib.h>
#include <string.h>

uint64_t recording;
bool alone;
PyInterpreterState *main_interpreter;
uint64_t failures;

static SLOW void
reach(Tap *tap, Thread *thread, Frame *frame, PyObject *base, PyObject *key)
{
    if (unlikely(frame == NULL)) { /* called by the program, from no frame */
        return;
    }
    Site *site = &sites[tap->site];
    Reach at = {.tap = tap, .site = site, .thread = thread, .frame = frame, .base = base, .key = key};
    if (site->through != NULL && thread->owner != NULL && thread->owner_name == site->through) {
        at.owner = thread->owner;
        at.holder = thread->holder;
    }
#if RW_PEEK
    at.namespace = frame->f_globals;
#else
    at.namespace = PyEval_GetGlobals();
#endif
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    access_begins(thread);
    access_reached(&at);
    PyErr_Restore(type, value, traceback);
}

static inline PyObject *
key_operand(const Tap *tap, PyObject *key)
{
    return key != NULL ? key : sites[tap->site].key;
}

/* Whether the core is locked for a tap of the run that is going on. */
static inline bool
entered(const Tap *tap)
{
    return likely(tap->run != 0 && core_enter(tap->run));
}

static __attribute__((noinline)) const Known *
known_before(const Tap *tap, const PyTypeObject *type)
{
    for (int place = 0; tap->learned->more != NULL && place < MORE_KNOWN; place++) {
        if (tap->learned->more[place].type == type && tap->learned->more[place].version == type_version((PyTypeObject *)type)) {
            return &tap->learned->more[place];
        }
    }
    return NULL;
}

/* What is known of the operand's type at this site, NULL when that is nothing or no longer true. */
static inline const Known *
known_of(const Tap *tap, const PyObject *operand)
{
    PyTypeObject *type = Py_TYPE(operand);
    if (likely(tap->learned->known.type == type && tap->learned->known.version == type_version(type))) {
        return &tap->learned->known;
    }
    return known_before(tap, type);
}

/* A read that a later write may depend on is noted each time, repeated or not. */
static __attribute__((noinline)) void
note_here(const Tap *tap, Thread *thread, const void *target, uint64_t key)
{
    Frame *frame = current_frame();
    if (frame != NULL) {
        note_head(thread, frame, frame_offset(frame), tap->site, target, key);
    }
}

static inline void
note(const Tap *tap, Thread *thread, const void *target, uint64_t key)
{
    if (unlikely(tap->is_head)) {
        note_here(tap, thread, target, key);
    }
}

/* Whether an access of a name, or of a captured variable, repeats: they know no operations that commute. */
static inline bool
repeats_plainly(const Tap *tap, const Thread *thread, const Cell *cell)
{
    return tap->stores ? repeats_write(cell, thread, tap->rank) : repeats_read(cell, thread, tap->rank);
}

static inline void
own(const Tap *tap, Thread *thread, PyObject *operand)
{
    if (tap->names_owner) {
        thread->owner = Py_TYPE(operand);
        thread->owner_name = tap->name;
        thread->holder = operand;
    }
}

/* --- Attributes of instances: S[o].x ------------------------------------------------------------------------------ */

static inline bool
repeats_attribute(const Known *known, Thread *thread, PyObject *operand)
{
    Object *object = object_find(operand);
    if (object == NULL || (uint32_t)known->cell >= object->capacity) {
        return false;
    }
    const Cell *cell = &object->cells[known->cell];
    return known->stores ? repeats_write(cell, thread, known->rank) : repeats_read(cell, thread, known->rank);
}

static __attribute__((noinline)) bool
repeats_class_attribute(const Tap *tap, const Known *known, Thread *thread, PyObject *operand)
{
    if (known->names_generation != names_generation || known->global == NULL || tap->names_owner ||
        instance_holds(operand, tap->name)) {
        return false;
    }
    return repeats_read(&known->global->cell, thread, known->rank);
}

/* mod.x and Class.x: a method or other descriptor of a class has no cell, and nothing to see. */
static __attribute__((noinline)) bool
repeats_name(const Tap *tap, Thread *thread, PyObject *owner)
{
    if (tap->learned->names != owner || tap->learned->named_generation != names_generation || tap->names_owner ||
        (PyType_Check(owner) && tap->learned->names_version != type_version((PyTypeObject *)owner))) {
        return false;
    }
    return tap->learned->named == NULL || alone ||
           repeats_plainly(tap, thread, &tap->learned->named->cell);
}

/* --- Containers: one effect on the structure, or on one key ------------------------------------------------------- */

static __attribute__((noinline)) bool
repeats_structure(const Known *known, Thread *thread, PyObject *operand)
{
    const Row *row = known->row;
    Object *object = row->effect_count == 1 && row->full_when == PRESENT_ANY ? object_find(operand) : NULL;
    if (object == NULL || object->capacity < 2) {
        return false;
    }
    Effect effect = row->effects[0];
    bool is_whole = known->stores && (effect.commute == COMMUTE_NONE || effect.operation == OP_DELETE);
    return cell_repeats(&object->cells[0], thread, known->stores, known->rank, effect.commute) &&
           (!is_whole || cell_repeats(&object->cells[1], thread, true, known->rank, effect.commute));
}

static bool
repeats_cell_of_key(const Known *known, Thread *thread, const Cell *cell)
{
    const Row *row = known->row;
    if (row == NULL) { /* an augmented assignment */
        return cell_repeats(cell, thread, true, RANK_REGION, COMMUTE_NONE);
    }
    if (cell_repeats(cell, thread, known->stores, known->rank, row->effects[0].commute)) {
        return true;
    }
    return row->otherwise_count == 1 && !op_mutates(row->otherwise[0].operation) &&
           cell_repeats(cell, thread, false, RANK_PLAIN, row->otherwise[0].commute);
}

/* The number of a key as most of them are; see `key_of` for all. */
static inline bool
key_at_hand(const Tap *tap, PyObject *key, uint64_t *number)
{
    Py_ssize_t small;
    if (tap->literal != 0) {
        *number = tap->literal;
        return true;
    }
    if (PyUnicode_CheckExact(key) && ((PyASCIIObject *)key)->hash != -1) {
        *number = number_of_text(((PyASCIIObject *)key)->hash);
        return true;
    }
    if (PyLong_CheckExact(key) && small_index(key, &small)) {
        *number = number_of_whole((uint64_t)small);
        return true;
    }
    return false;
}

/* The cell of an item that is accessed by key, NULL when there is none yet; `number` tells which key it was, 0 for one that
   cannot be told. */
static __attribute__((noinline)) Cell *
cell_of_key(const Tap *tap, const Known *known, PyObject *container, PyObject *key, uint64_t *number)
{
    Object *object = object_find(container);
    if (known->cell == SEES_SEQUENCE) {
        Py_ssize_t index;
        if (!PyLong_CheckExact(key) || !small_index(key, &index) || index < 0) {
            return NULL;
        }
        *number = (uint64_t)index + 1;
        return object == NULL ? NULL : item_find(object, (size_t)index);
    }
    if (*number == 0 && !key_at_hand(tap, key, number) && !key_of(key, number, 0)) {
        return NULL;
    }
    return object == NULL ? NULL : keyed_find(object, *number);
}

/* Whether an access of an item is done with: it repeats, or is the same as in an earlier epoch. */
static bool
item_serves(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
            uint64_t *number)
{
    Cell *cell = cell_of_key(tap, known, container, key, number);
    return cell != NULL && (repeats_cell_of_key(known, thread, cell) ||
                            item_renews(tap, known, thread, frame, container, cell));
}

/* --- S[operand]: the operand is the base -------------------------------------------------------------------------- */

/* All but the repeated access of a field. */
static __attribute__((noinline)) void
base_otherwise(Tap *tap, const Known *known, Thread *thread, PyObject *operand)
{
    bool repeats = false;
    uint64_t number = 0;
    Frame *frame = current_frame();
    if (unlikely(frame == NULL)) {
        return;
    }
    if (alone && known != NULL && known->cell != SEES_NAME && known->cell != ASKS) {
        thread->accesses++;
        return;
    }
    access_begins(thread);
    switch (known == NULL ? ASKS : known->cell) {
    case SEES_CLASS:
        repeats = (!tap->is_head || thread->task == NULL) && repeats_class_attribute(tap, known, thread, operand);
        number = (uintptr_t)tap->name; /* what may be stored because of it is stored in the instance */
        break;
    case SEES_STRUCTURE:
        repeats = repeats_structure(known, thread, operand);
        number = KEY_STRUCTURE;
        if (!repeats && structure_reached(tap, known, thread, current_frame(), operand)) {
            return;
        }
        break;
    case SEES_NAME:
        repeats = repeats_name(tap, thread, operand);
        break;
    default:
        break;
    }
    if (repeats) {
        thread->accesses++;
        note(tap, thread, operand, number);
        return;
    }
    reach(tap, thread, frame, operand, key_operand(tap, NULL));
}

static __attribute__((noinline)) void
base_reached(Tap *tap, PyObject *operand)
{
    Thread *thread = current_thread();
    const Known *known = known_of(tap, operand);
    if (known != NULL && known->cell >= SEES_NOTHING) {
        own(tap, thread, operand);
        if (known->cell == SEES_NOTHING) {
            return;
        }
        if (alone) {
            thread->accesses++;
            return;
        }
        if (repeats_attribute(known, thread, operand)) {
            thread->accesses++;
            note(tap, thread, operand, (uintptr_t)tap->name);
            return;
        }
        Frame *frame = current_frame();
        if (unlikely(frame == NULL)) {
            return;
        }
        access_begins(thread);
        if (!field_reached(tap, known, thread, frame, operand)) {
            reach(tap, thread, frame, operand, key_operand(tap, NULL));
        }
        return;
    }
    base_otherwise(tap, known, thread, operand);
}

#if !RW_FREE_THREADED /* under the core's lock there is nothing to gain by the following */

/* The cell of the operand's attribute if its record has one for this tap; NULL if not. The record's shape stands for the
   type and the run: a number is given out once. What was recorded there in the present epoch was done to this attribute
   of this object, whatever has become of its class since. */
HOT const Cell *
cell_at_hand(const Tap *tap, const PyObject *operand)
{
    if (unlikely(identity_shadow == NULL)) {
        return NULL;
    }
    const Object *object = object_near(operand);
    return likely(object->shape == tap->fits && tap->cell < object->capacity) ? &object->cells[tap->cell] : NULL;
}

#endif

PyObject *
base_tap(PyObject *self, PyObject *operand)
{
    Tap *tap = (Tap *)self;
    if (likely(tap->run == recorded_run()) && core_enter(tap->run)) {
        Thread *thread = own_thread;
        if (tap->learned->known.type == Py_TYPE(operand) && tap->learned->known.version == type_version(Py_TYPE(operand)) &&
            tap->learned->known.cell == SEES_NOTHING && thread->actor != NULL) {
            own(tap, thread, operand);
        }
        else {
            base_reached(tap, operand);
        }
        core_unlock();
    }
    return Py_NewRef(operand);
}

/* --- S[operand].x ---------------------------------------------------------------------------------------------------- */

#if RW_FREE_THREADED

PyObject *
field_tap(PyObject *self, PyObject *operand)
{
    return base_tap(self, operand);
}

PyObject *
read_tap(PyObject *self, PyObject *operand)
{
    return base_tap(self, operand);
}

PyObject *
write_tap(PyObject *self, PyObject *operand)
{
    return base_tap(self, operand);
}

#else

/* A field that was accessed before, but not in this epoch. Then it counts what the operand's class is by now. */
static __attribute__((noinline)) PyObject *
field_anew(Tap *tap, Thread *thread, Cell *cell, PyObject *operand)
{
    Frame *frame = current_frame();
    const Known *known = known_of(tap, operand);
    if (unlikely(thread->actor == NULL || frame == NULL || known == NULL || known->cell < 0)) {
        return base_tap((PyObject *)tap, operand);
    }
    access_begins(thread);
    Effect effect = {.operation = op_of_context[sites[tap->site].context]};
    if (!renews(tap, thread, frame, cell, effect, tap->rank) &&
        !field_handed(tap, thread, frame, object_near(operand), cell)) {
        return base_tap((PyObject *)tap, operand);
    }
    own(tap, thread, operand);
    thread->accesses++;
    if (unlikely(tap->is_head)) {
        note_head(thread, frame, frame_offset(frame), tap->site, operand, (uintptr_t)tap->name);
    }
    return Py_NewRef(operand);
}

PyObject *
field_tap(PyObject *self, PyObject *operand)
{
    const Tap *tap = (Tap *)self;
    Thread *thread = own_thread;
    const Cell *cell = cell_at_hand(tap, operand);
    if (likely(cell != NULL) &&
        (tap->stores ? repeats_write(cell, thread, tap->rank) : repeats_read(cell, thread, tap->rank))) {
        own(tap, thread, operand);
        thread->accesses++;
        note(tap, thread, operand, (uintptr_t)tap->name);
        return Py_NewRef(operand);
    }
    bool was_there = cell != NULL && (cell->w | cell->r) != 0;
    return was_there ? field_anew((Tap *)self, thread, (Cell *)cell, operand) : base_tap(self, operand);
}

/* Of sites that note nothing but the access. */
PyObject *
read_tap(PyObject *self, PyObject *operand)
{
    Thread *thread = own_thread;
    const Cell *cell = cell_at_hand((Tap *)self, operand);
    if (likely(cell != NULL) && repeats_read(cell, thread, RANK_PLAIN)) {
        thread->accesses++;
        return Py_NewRef(operand);
    }
    bool was_there = cell != NULL && (cell->w | cell->r) != 0;
    return was_there ? field_anew((Tap *)self, thread, (Cell *)cell, operand) : base_tap(self, operand);
}

PyObject *
write_tap(PyObject *self, PyObject *operand)
{
    const Tap *tap = (Tap *)self;
    Thread *thread = own_thread;
    const Cell *cell = cell_at_hand(tap, operand);
    if (likely(cell != NULL) && repeats_write(cell, thread, tap->rank)) {
        thread->accesses++;
        return Py_NewRef(operand);
    }
    bool was_there = cell != NULL && (cell->w | cell->r) != 0;
    return was_there ? field_anew((Tap *)self, thread, (Cell *)cell, operand) : base_tap(self, operand);
}

#endif

/* --- S[d]["k"], S[l][0], S[d].get("k"): items by literal keys ------------------------------------------------------------ */

static __attribute__((noinline)) void
literal_reached(Tap *tap, PyObject *container)
{
    Thread *thread = current_thread();
    const Known *known = known_of(tap, container);
    if (known == NULL || (known->cell != SEES_SEQUENCE && known->cell != SEES_KEYS) || alone) {
        base_reached(tap, container);
        return;
    }
    Frame *frame = current_frame();
    PyObject *key = sites[tap->site].key;
    uint64_t number = 0;
    if (unlikely(frame == NULL)) {
        return;
    }
    access_begins(thread);
    if (item_serves(tap, known, thread, frame, container, key, &number)) {
        thread->accesses++;
        note(tap, thread, container, number);
    }
    else if (number == 0 || !item_reached(tap, known, thread, frame, container, key, number)) {
        reach(tap, thread, frame, container, key);
    }
}

#if !RW_FREE_THREADED

/* Whether an access of an item repeats whose container's shape the tap knows. */
HOT bool
repeats_literal(const Tap *tap, const Thread *thread, const PyObject *container)
{
    if (unlikely(identity_shadow == NULL)) {
        return false;
    }
    const Object *object = object_near(container);
    if (object->shape != tap->fits) {
        return false;
    }
    if (tap->item_keyed) {
        const Cell *cell = keyed_find(object, tap->literal);
        return cell != NULL && cell_repeats(cell, thread, tap->item_stores, tap->item_rank, COMMUTE_NONE);
    }
    if (tap->item_index >= INLINE_ITEMS || tap->item_index + 2 >= object->capacity) {
        return false;
    }
    const Cell *cell = &object->cells[tap->item_index + 2];
    return tap->item_stores ? repeats_write(cell, thread, tap->item_rank) : repeats_read(cell, thread, tap->item_rank);
}

#else

HOT bool
repeats_literal(const Tap *tap, const Thread *thread, const PyObject *container)
{
    (void)tap, (void)thread, (void)container;
    return false;
}

#endif

PyObject *
item_tap(PyObject *self, PyObject *container)
{
    Tap *tap = (Tap *)self;
    if (likely(repeats_literal(tap, own_thread, container)) && !tap->is_head) {
        own_thread->accesses++;
    }
    else if (entered(tap)) {
        literal_reached(tap, container);
        core_unlock();
    }
    return Py_NewRef(container);
}

#if RW_PEEK

/* --- Taps that look below themselves on the value stack ------------------------------------------------------------ */

/* A program that looks through constants of code may use the taps it finds in code of its own. */
static __attribute__((noinline)) bool
is_home(Tap *tap, PyCodeObject *code)
{
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(code->co_consts); place++) {
        if (PyTuple_GET_ITEM(code->co_consts, place) == (PyObject *)tap) {
            tap->home = code;
            return true;
        }
    }
    return false;
}

/* The place of the running tap on the value stack of its frame, with so many slots below: all of them are live. NULL if
   it is not there. */
static inline PyObject **
own_place(Frame *frame, PyObject *tap, int below)
{
    if (unlikely(frame == NULL)) {
        return NULL;
    }
    PyCodeObject *code = frame_code(frame);
    if (unlikely(((Tap *)tap)->home != code) && !is_home((Tap *)tap, code)) {
        return NULL;
    }
    PyObject **place = frame->localsplus + code->co_nlocalsplus + below;
    PyObject **end = place + code->co_stacksize - below;
    for (; place < end; place++) {
        if (*place == tap) {
            return place;
        }
    }
    return NULL;
}

/* Whether an access by position repeats; items know no operations that commute. */
static inline bool
repeats_index(const Known *known, const Thread *thread, PyObject *container, PyObject *key, uint64_t *number)
{
    Py_ssize_t index;
    if (!PyLong_CheckExact(key) || !small_index(key, &index) || index < 0) {
        return false;
    }
    *number = (uint64_t)index + 1;
    Object *object = object_find(container);
    if (unlikely(object == NULL)) {
        return false;
    }
    const Cell *cell = item_find(object, (size_t)index);
    if (cell == NULL) {
        return false;
    }
    return known->row == NULL || known->stores ? repeats_write(cell, thread, known->rank)
                                               : repeats_read(cell, thread, known->rank);
}

static __attribute__((noinline)) void
keyed_otherwise(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
                uint64_t number)
{
    if (known != NULL) {
        bool repeats = false;
        if (known->cell == SEES_NOTHING) {
            return;
        }
        if (alone && known->cell != ASKS) {
            thread->accesses++;
            return;
        }
        access_begins(thread);
        if (known->cell == SEES_KEYS || known->cell == SEES_SEQUENCE) {
            repeats = item_serves(tap, known, thread, frame, container, key, &number);
        }
        else if (known->cell == SEES_STRUCTURE) {
            repeats = repeats_structure(known, thread, container);
            number = KEY_STRUCTURE;
            if (!repeats && structure_reached(tap, known, thread, frame, container)) {
                return;
            }
        }
        if (repeats) {
            thread->accesses++;
            if (tap->is_head) {
                note_head(thread, frame, frame_offset(frame), tap->site, container, number);
            }
            return;
        }
        if ((known->cell == SEES_SEQUENCE || known->cell == SEES_KEYS) && number != 0 &&
            item_reached(tap, known, thread, frame, container, key, number)) {
            return;
        }
    }
    reach(tap, thread, frame, container, key);
}

#if !RW_FREE_THREADED

/* An item by position, near the beginning, of a container whose shape the tap knows. */
HOT bool
repeats_near_item(const Tap *tap, const Thread *thread, PyObject *container, PyObject *key)
{
    Py_ssize_t index;
    if (unlikely(identity_shadow == NULL) || !PyLong_CheckExact(key) || !small_index(key, &index)) {
        return false;
    }
    const Object *object = object_near(container);
    if (object->shape != tap->fits || (size_t)index >= INLINE_ITEMS || index + 2 >= object->capacity) {
        return false;
    }
    const Cell *cell = &object->cells[index + 2];
    return tap->item_stores ? repeats_write(cell, thread, tap->item_rank) : repeats_read(cell, thread, tap->item_rank);
}

#else

HOT bool
repeats_near_item(const Tap *tap, const Thread *thread, PyObject *container, PyObject *key)
{
    (void)tap, (void)thread, (void)container, (void)key;
    return false;
}

#endif

static inline void
keyed_reached(Tap *tap, Frame *frame, PyObject *container, PyObject *key)
{
    if (likely(repeats_near_item(tap, own_thread, container, key)) && !tap->is_head) {
        own_thread->accesses++;
        return;
    }
    Thread *thread = current_thread();
    const Known *known = known_of(tap, container);
    uint64_t number = 0;
    if (likely(known != NULL) && known->cell == SEES_SEQUENCE &&
        repeats_index(known, thread, container, key, &number)) {
        thread->accesses++;
        if (unlikely(tap->is_head)) {
            note_head(thread, frame, frame_offset(frame), tap->site, container, number);
        }
        return;
    }
    if (likely(known != NULL) && known->cell == SEES_KEYS && key_at_hand(tap, key, &number)) {
        const Object *object = object_find(container);
        const Cell *cell = object == NULL ? NULL : keyed_find(object, number);
        if (cell != NULL && repeats_cell_of_key(known, thread, cell)) {
            thread->accesses++;
            if (unlikely(tap->is_head)) {
                note_head(thread, frame, frame_offset(frame), tap->site, container, number);
            }
            return;
        }
    }
    keyed_otherwise(tap, known, thread, frame, container, key, number);
}

/* d[K[k]]: the container stands right below. */
PyObject *
key_tap(PyObject *self, PyObject *key)
{
    Tap *tap = (Tap *)self;
    if (entered(tap)) {
        Frame *frame = current_frame();
        PyObject **place = own_place(frame, self, 1);
        if (likely(place != NULL && place[-1] != NULL)) {
            keyed_reached(tap, frame, place[-1], key);
        }
        core_unlock();
    }
    return Py_NewRef(key);
}

/* K of S[d].get(K[k]): the method's object stands below, or the method is bound. */
PyObject *
method_key_tap(PyObject *self, PyObject *key)
{
    Tap *tap = (Tap *)self;
    if (entered(tap)) {
        Frame *frame = current_frame();
        PyObject **place = own_place(frame, self, 2);
        PyObject *base = place == NULL ? NULL : place[-1];
        if (place != NULL && (base == NULL || place[-2] == NULL)) {
            PyObject *bound = base == NULL ? place[-2] : base;
            base = bound != NULL && PyCFunction_Check(bound) ? PyCFunction_GET_SELF(bound) : NULL;
        }
        if (base != NULL) {
            keyed_reached(tap, frame, base, key);
        }
        core_unlock();
    }
    return Py_NewRef(key);
}

/* k in S[d]: the key stands right below. */
PyObject *
contains_tap(PyObject *self, PyObject *container)
{
    Tap *tap = (Tap *)self;
    if (entered(tap)) {
        Frame *frame = current_frame();
        PyObject *key = sites[tap->site].key;
        if (key == NULL) {
            PyObject **place = own_place(frame, self, 1);
            key = place == NULL ? NULL : place[-1];
        }
        if (key != NULL) {
            keyed_reached(tap, frame, container, key);
        }
        core_unlock();
    }
    return Py_NewRef(container);
}

/* d[k] += W[v]: container, key and old value stand below; o.x += W[v]: object and old value. */
PyObject *
augment_tap(PyObject *self, PyObject *value)
{
    Tap *tap = (Tap *)self;
    if (entered(tap)) {
        Frame *frame = current_frame();
        bool is_item = tap->is_item;
        PyObject **place = own_place(frame, self, is_item ? 3 : 2);
        if (unlikely(place == NULL || place[-2] == NULL || (is_item && place[-3] == NULL))) {
            failures++;
        }
        else if (is_item) {
            keyed_reached(tap, frame, place[-3], place[-2]);
        }
        else {
            PyObject *object = place[-2];
            Thread *thread = current_thread();
            const Known *known = known_of(tap, object);
            if (known != NULL && known->cell >= 0) {
                if (likely(repeats_attribute(known, thread, object)) || alone) {
                    thread->accesses++;
                }
                else {
                    access_begins(thread);
                    if (!field_reached(tap, known, thread, frame, object)) {
                        reach(tap, thread, frame, object, NULL);
                    }
                }
            }
            else if (known == NULL || known->cell != SEES_NOTHING) {
                reach(tap, thread, frame, object, NULL);
            }
        }
        core_unlock();
    }
    return Py_NewRef(value);
}

/* setattr(o, n, W[v]) and getattr(o, K[n]): the object stands two or one below. */
PyObject *
attribute_call_tap(PyObject *self, PyObject *operand)
{
    Tap *tap = (Tap *)self;
    if (entered(tap)) {
        Frame *frame = current_frame();
        bool by_value = tap->role == ROLE_VALUE;
        PyObject **place = own_place(frame, self, by_value ? 2 : 1);
        if (place != NULL && place[-1] != NULL && place[by_value ? -2 : -1] != NULL) {
            PyObject *key = by_value ? place[-1] : operand;
            reach(tap, current_thread(), frame, place[by_value ? -2 : -1], key);
        }
        core_unlock();
    }
    return Py_NewRef(operand);
}

#endif

#if RW_PEEK

/* What an augmented assignment is about to find. Borrowed; NULL where it cannot be told. */
static PyObject *
value_to_find(const Tap *tap, PyObject **place)
{
    const Site *site = &sites[tap->site];
    PyObject *base = tap->role == ROLE_KEY ? place[-1] : place[1];
    return site->form == FORM_ATTRIBUTE ? instance_value(base, site->name)
                                        : item_value(base, tap->role == ROLE_KEY ? place[1] : site->key);
}

#endif

/* What the running tap's place is about to write or, of an augmented assignment, what that finds: it stands on the value
   stack, or will be read next. Borrowed; NULL where it cannot be seen. */
PyObject *
tap_value(Tap *tap, Frame *frame)
{
#if RW_PEEK
    int context = sites[tap->site].context;
    bool augments = context == CONTEXT_AUGMENT;
    if ((context != CONTEXT_STORE && !augments) || tap->role == ROLE_STATEMENT) {
        return NULL;
    }
    /* v S o, v d K k; of `setattr(o, n, W[v])` and `g = G[v]` the operand; of `g += G[v]` what stands below. */
    int below = tap->role == ROLE_KEY ? 2 : tap->role == ROLE_BASE || augments ? 1 : 0;
    PyObject **place = own_place(frame, (PyObject *)tap, tap->early ? below - 1 : below);
    if (place == NULL) {
        return NULL;
    }
    return tap->early ? value_to_find(tap, place) : place[below == 0 ? 1 : -below];
#else
    (void)tap;
    (void)frame;
    return NULL;
#endif
}

/* The key of the item that the running tap's place writes. Borrowed; NULL where it cannot be seen. */
PyObject *
tap_key(Tap *tap, Frame *frame)
{
    if (sites[tap->site].key != NULL || tap->role == ROLE_BASE) {
        return sites[tap->site].key;
    }
#if RW_PEEK
    int below = tap->role == ROLE_KEY ? 1 : 2;
    PyObject **place = own_place(frame, (PyObject *)tap, below);
    return place == NULL ? NULL : place[tap->role == ROLE_KEY ? 1 : -2];
#else
    (void)frame;
    return NULL;
#endif
}

/* --- G[g] and C[c]: names ------------------------------------------------------------------------------------------ */

static void
global_reached(Tap *tap)
{
    Thread *thread = current_thread();
    Frame *frame = current_frame();
    if (unlikely(frame == NULL)) {
        return;
    }
#if RW_PEEK
    PyObject *namespace = frame->f_globals;
#else
    PyObject *namespace = PyEval_GetGlobals();
#endif
    if (tap->learned->names == namespace && tap->learned->named_generation == names_generation && tap->learned->named != NULL &&
        (repeats_plainly(tap, thread, &tap->learned->named->cell) || alone)) {
        thread->accesses++;
        if (tap->is_head) {
            note_head(thread, frame, frame_offset(frame), tap->site, namespace, (uintptr_t)tap->name);
        }
        return;
    }
    reach(tap, thread, frame, NULL, NULL);
}

PyObject *
global_tap(PyObject *self, PyObject *operand)
{
    if (entered((Tap *)self)) {
        global_reached((Tap *)self);
        core_unlock();
    }
    return Py_NewRef(operand);
}

static void
variable_reached(Tap *tap, Frame *frame, PyObject *cell)
{
    Thread *thread = current_thread();
    const Object *object = object_find(cell);
    if ((object != NULL && repeats_plainly(tap, thread, &object->cells[0])) || (alone && tap->learned->known.type != NULL)) {
        thread->accesses++;
        if (tap->is_head) {
            note_head(thread, frame, frame_offset(frame), tap->site, cell, KEY_CELL);
        }
        return;
    }
    reach(tap, thread, frame, cell, NULL);
}

#if RW_PEEK

PyObject *
cell_tap(PyObject *self, PyObject *operand)
{
    Tap *tap = (Tap *)self;
    if (tap->variable_place >= 0 && entered(tap)) {
        Frame *frame = current_frame();
        PyObject *cell = frame != NULL && tap->variable_place < frame_code(frame)->co_nlocalsplus
                             ? frame->localsplus[tap->variable_place]
                             : NULL;
        if (cell != NULL && PyCell_Check(cell)) {
            variable_reached(tap, frame, cell);
        }
        core_unlock();
    }
    return Py_NewRef(operand);
}

#endif

/* --- Operands that are held for the commit ------------------------------------------------------------------------- */

static void
hold(Thread *thread, Tap *tap, Frame *frame, PyObject *value)
{
    if (thread->pending_count == PENDING) { /* what exceptions left behind */
        memmove(thread->pending, thread->pending + PENDING / 2, PENDING / 2 * sizeof(Pending));
        thread->pending_count = PENDING / 2;
    }
    bool owned = thread->owner != NULL && thread->owner_name == sites[tap->site].through;
    thread->pending[thread->pending_count++] =
        (Pending){.frame = frame, .value = value, .site = tap->site, .owner = owned ? thread->owner : NULL,
                  .holder = thread->holder};
}

/* The operands held for this commit, oldest first; NULL when they are lost. Younger ones of other frames stay:
   coroutines take turns between their operands. */
static const Pending *
take(Thread *thread, const Tap *tap, Frame *frame)
{
    for (int place = thread->pending_count - 1; place >= 0; place--) {
        const Pending *found = &thread->pending[place];
        if (found->frame == frame && found->site == tap->site) {
            int first = place - tap->held + 1;
            bool whole = first >= 0 && tap->held <= MOST_HELD;
            first = first > 0 ? first : 0;
            for (int at = first; at <= place && whole; at++) {
                whole = thread->pending[at].site == tap->site;
                thread->taken[at - first] = thread->pending[at];
            }
            memmove(&thread->pending[first], &thread->pending[place + 1],
                    (size_t)(thread->pending_count - place - 1) * sizeof(Pending));
            thread->pending_count -= place + 1 - first;
            return whole ? thread->taken : NULL;
        }
    }
    return NULL;
}

static void
commit(Tap *tap, Thread *thread, Frame *frame, PyObject *operand)
{
    const Site *site = &sites[tap->site];
    PyObject *base = operand, *key = site->key;
    if (tap->held != 0) {
        const Pending *held = take(thread, tap, frame);
        if (held == NULL) {
            return;
        }
        if (site->form == FORM_CONTAINS) {
            key = held[0].value;
        }
        else {
            base = held[0].value;
            if (site->through != NULL) {
                thread->owner = held[0].owner;
                thread->owner_name = site->through;
                thread->holder = held[0].holder;
            }
            key = tap->held > 1 ? held[1].value : site->commit == ROLE_KEY ? operand : key;
        }
    }
    if (site->form == FORM_CELL) {
        variable_reached(tap, frame, base);
        return;
    }
    reach(tap, thread, frame, base, key);
}

PyObject *
holding_tap(PyObject *self, PyObject *operand)
{
    Tap *tap = (Tap *)self;
    if (entered(tap)) {
        Thread *thread = current_thread();
        Frame *frame = current_frame();
        if (tap->commits) {
            commit(tap, thread, frame, operand);
        }
        else {
            hold(thread, tap, frame, operand);
        }
        core_unlock();
    }
    return Py_NewRef(operand);
}

/* (C @ (lambda: name))[operand], where frames are unknown: the lambda tells the cell, the tap gives itself. */
PyObject *
revealing_tap(PyObject *self, PyObject *reveal)
{
    Tap *tap = (Tap *)self;
    if (PyFunction_Check(reveal)) {
        PyObject *closure = PyFunction_GET_CLOSURE(reveal);
        if (closure != NULL && PyTuple_GET_SIZE(closure) == 1 && entered(tap)) {
            hold(current_thread(), tap, current_frame(), PyTuple_GET_ITEM(closure, 0));
            core_unlock();
        }
    }
    return Py_NewRef(self);
}
