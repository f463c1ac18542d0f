/* The slot functions of taps, one for each kind of place at which a tap may stand, and what they share. */
#ifndef RACEWAY_TAPS_H
#define RACEWAY_TAPS_H

#include "core.h"

PyObject *base_tap(PyObject *self, PyObject *operand);
PyObject *global_tap(PyObject *self, PyObject *operand);
PyObject *holding_tap(PyObject *self, PyObject *operand);
PyObject *revealing_tap(PyObject *self, PyObject *reveal);
PyObject *field_tap(PyObject *self, PyObject *operand);
PyObject *read_tap(PyObject *self, PyObject *operand);
PyObject *write_tap(PyObject *self, PyObject *operand);
PyObject *item_tap(PyObject *self, PyObject *operand);
PyObject *enter_tap(PyObject *self, PyObject *operand);
PyObject *leave_tap(PyObject *self, PyObject *operand);
bool is_tap(PyObject *constant);
bool is_leave_tap(PyObject *constant);
Py_hash_t tap_hash(PyObject *self);
extern PyMethodDef tap_methods[];
#if RW_PEEK
PyObject *key_tap(PyObject *self, PyObject *key);
PyObject *method_key_tap(PyObject *self, PyObject *key);
PyObject *contains_tap(PyObject *self, PyObject *container);
PyObject *augment_tap(PyObject *self, PyObject *value);
PyObject *attribute_call_tap(PyObject *self, PyObject *operand);
PyObject *cell_tap(PyObject *self, PyObject *operand);
#endif

/* --- taps.c ------------------------------------------------------------------------------------------------------- */

void reach(Tap *tap, Thread *thread, Frame *frame, PyObject *base, PyObject *key);
void base_reached(Tap *tap, PyObject *operand);
bool repeats_structure(const Known *known, Thread *thread, PyObject *operand);
const Known *known_before(const Tap *tap, const PyTypeObject *type);
void note_here(const Tap *tap, Thread *thread, const void *target, uint64_t key);

/* --- itemtaps.c --------------------------------------------------------------------------------------------------- */

bool repeats_cell_of_key(const Known *known, Thread *thread, const Cell *cell, PyObject *container, PyObject *key);
bool item_serves(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
                 uint64_t *number);

/* --- nametaps.c --------------------------------------------------------------------------------------------------- */

void variable_reached(Tap *tap, Frame *frame, PyObject *cell);

/* --- What every tap asks first ------------------------------------------------------------------------------------ */

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

#endif
