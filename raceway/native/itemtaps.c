/* Taps of items: what repeats at a key, and the places whose key is a literal. See taps.c. */
#include "taps.h"

/* Whether the structure, too, was changed before as it is when the key goes, or the key is not there. A key that comes
   asks for nothing: it came in this epoch, or it has gone again in it, of which the structure tells. */
static bool
repeats_going(const Known *known, const Thread *thread, PyObject *container, PyObject *key)
{
    const Row *row = known->row;
    const Object *object = object_find(container);
    if (row->full_when != PRESENT_PRESENT || row->effect_count < 2 || object == NULL || object->capacity < 2) {
        return true;
    }
    return repeats_change(object, thread, row->effects[1], known->stores ? known->rank : RANK_STORE) ||
           has_key(container, key) == 0;
}

bool
repeats_cell_of_key(const Known *known, Thread *thread, const Cell *cell, PyObject *container, PyObject *key)
{
    const Row *row = known->row;
    if (row == NULL) { /* an augmented assignment */
        return cell_repeats(cell, thread, true, RANK_REGION, COMMUTE_NONE);
    }
    if (cell_repeats(cell, thread, known->stores, known->rank, row->effects[0].commute) &&
        repeats_going(known, thread, container, key)) {
        return true;
    }
    return row->otherwise_count == 1 && !op_mutates(row->otherwise[0].operation) &&
           cell_repeats(cell, thread, false, RANK_PLAIN, row->otherwise[0].commute) &&
           has_key(container, key) == (row->full_when == PRESENT_ABSENT);
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

/* Whether an access of an item that is counted from the end repeats, and the look at the length with it. */
static bool
repeats_from_end(const Tap *tap, const Known *known, const Thread *thread, PyObject *container, PyObject *key)
{
    Py_ssize_t index;
    if (known->cell != SEES_SEQUENCE || (known->row != NULL && !known->from_end) || tap->is_head ||
        !PyLong_CheckExact(key) || !small_index(key, &index) || index >= 0) {
        return false;
    }
    index += Py_SIZE(container);
    Object *object = index < 0 ? NULL : object_find(container);
    const Cell *cell = object == NULL ? NULL : item_find(object, (size_t)index);
    if (cell == NULL || known->row == NULL) { /* an augmented assignment does not ask for the length */
        return cell != NULL && cell_repeats(cell, thread, true, RANK_REGION, COMMUTE_NONE);
    }
    return cell_repeats(cell, thread, known->stores, known->rank, known->row->effects[0].commute) &&
           cell_repeats(&object->cells[0], thread, false, RANK_PLAIN, COMMUTE_NONE);
}

/* Whether an access of an item is done with: it repeats, or is the same as in an earlier epoch. */
bool
item_serves(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
            uint64_t *number)
{
    Cell *cell = cell_of_key(tap, known, container, key, number);
    if (*number == 0) {
        return repeats_from_end(tap, known, thread, container, key);
    }
    return cell != NULL && (repeats_cell_of_key(known, thread, cell, container, key) ||
                            item_renews(tap, known, thread, frame, container, cell));
}

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

static __attribute__((noinline)) PyObject *
item_otherwise(PyObject *self, PyObject *container)
{
    if (entered((Tap *)self)) {
        literal_reached((Tap *)self, container);
        core_unlock();
    }
    return Py_NewRef(container);
}

PyObject *
item_tap(PyObject *self, PyObject *container)
{
    const Tap *tap = (Tap *)self;
    if (likely(repeats_literal(tap, own_thread, container)) && !tap->is_head) {
        own_thread->accesses++;
        return Py_NewRef(container);
    }
    return item_otherwise(self, container);
}
