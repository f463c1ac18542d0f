/* Taps: the live objects behind the placeholder constants of instrumented code. `tap[operand]` and `tap @ operand` give
   back the operand and note the access. The evaluation loop reaches their slots without a check for switching threads.

   Each fast path answers one question, "did this actor do this, or more, to this location in this epoch already?", and
   falls through to `access_reached`, which answers it for all cases. What the operand's type says is kept in the tap
   (`Known`), what was done to the object in its shadow.

   Operands that a committing tap needs beside its own stand on the value stack of the frame ("peek"); where CPython's
   frames are unknown, other taps of the site hold them (`held`). */
#include "taps.h"

uint64_t recording;
bool alone;
PyInterpreterState *main_interpreter;
uint64_t failures;

/* Ask the rules: they know of every access. */
SLOW void
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

__attribute__((noinline)) const Known *
known_before(const Tap *tap, const PyTypeObject *type)
{
    for (int place = 0; tap->learned->more != NULL && place < MORE_KNOWN; place++) {
        if (tap->learned->more[place].type == type && tap->learned->more[place].version == type_version((PyTypeObject *)type)) {
            return &tap->learned->more[place];
        }
    }
    return NULL;
}

/* A read that a later write may depend on is noted each time, repeated or not. */
__attribute__((noinline)) void
note_here(const Tap *tap, Thread *thread, const void *target, uint64_t key)
{
    Frame *frame = current_frame();
    if (frame != NULL) {
        note_head(thread, frame, frame_offset(frame), tap->site, target, key);
    }
}

/* --- Attributes of classes and modules ------------------------------------------------------------------------------- */

static __attribute__((noinline)) bool
repeats_class_attribute(const Tap *tap, const Known *known, const Thread *thread)
{
    if (known->names_generation != names_generation || known->global == NULL || tap->names_owner) {
        return false;
    }
    return repeats_read(&known->global->cell, thread, known->rank);
}

/* o.x, where the object has an `x` of its own and its class has one, too, as dataclasses with defaults do. */
static __attribute__((noinline)) bool
own_attribute_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *operand)
{
    Known field = *known;
    field.cell = known->field;
    own(tap, thread, operand);
    if (repeats_attribute(&field, thread, operand)) {
        thread->accesses++;
        note(tap, thread, operand, (uintptr_t)tap->name);
        return true;
    }
    return field_reached(tap, &field, thread, frame, operand);
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

/* --- Containers: one effect on the structure -------------------------------------------------------------------------- */

__attribute__((noinline)) bool
repeats_structure(const Known *known, Thread *thread, PyObject *operand)
{
    const Row *row = known->row;
    Object *object = row->effect_count == 1 && row->full_when == PRESENT_ANY ? object_find(operand) : NULL;
    if (object == NULL || object->capacity < 2) {
        return false;
    }
    Effect effect = row->effects[0];
    return known->stores ? repeats_change(object, thread, effect, known->rank)
                         : cell_repeats(&object->cells[0], thread, false, known->rank, effect.commute);
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
        if (instance_holds(operand, tap->name)) {
            if (known->field < 0 || !own_attribute_reached(tap, known, thread, frame, operand)) {
                break;
            }
            return;
        }
        repeats = (!tap->is_head || thread->task == NULL) && repeats_class_attribute(tap, known, thread);
        number = (uintptr_t)tap->name; /* what may be stored because of it is stored in the instance */
        break;
    case SEES_STRUCTURE:
        repeats = repeats_structure(known, thread, operand);
        number = KEY_STRUCTURE;
        if (!repeats && structure_reached(tap, known, thread, current_frame(), operand)) {
            return;
        }
        break;
    case SEES_ENDS:
        if (end_reached(tap, known, thread, frame, operand)) {
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

__attribute__((noinline)) void
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
   of this object, whatever has become of its class since. Asked where the shadow is in one piece: see `tap_type`. */
HOT const Cell *
cell_at_hand(const Tap *tap, const PyObject *operand)
{
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

/* What follows ends in calls of these, so that a repetition saves no registers. */
static __attribute__((noinline)) PyObject *
field_otherwise(PyObject *self, PyObject *operand)
{
    const Cell *cell = cell_at_hand((Tap *)self, operand);
    bool was_there = cell != NULL && (cell->w | cell->r) != 0;
    return was_there ? field_anew((Tap *)self, own_thread, (Cell *)cell, operand) : base_tap(self, operand);
}

static __attribute__((noinline)) PyObject *
field_noted(PyObject *self, PyObject *operand)
{
    note_here((Tap *)self, own_thread, operand, (uintptr_t)((Tap *)self)->name);
    return Py_NewRef(operand);
}

PyObject *
field_tap(PyObject *self, PyObject *operand)
{
    const Tap *tap = (Tap *)self;
    Thread *thread = own_thread;
    const Cell *cell = cell_at_hand(tap, operand);
    if (likely(cell != NULL) && likely(repeats_plainly(tap, thread, cell))) {
        own(tap, thread, operand);
        thread->accesses++;
        return tap->is_head ? field_noted(self, operand) : Py_NewRef(operand);
    }
    return field_otherwise(self, operand);
}

/* Of sites that note nothing but the access. */
PyObject *
read_tap(PyObject *self, PyObject *operand)
{
    Thread *thread = own_thread;
    const Cell *cell = cell_at_hand((Tap *)self, operand);
    if (likely(cell != NULL) && likely(repeats_read(cell, thread, RANK_PLAIN))) {
        thread->accesses++;
        return Py_NewRef(operand);
    }
    return field_otherwise(self, operand);
}

PyObject *
write_tap(PyObject *self, PyObject *operand)
{
    const Tap *tap = (Tap *)self;
    Thread *thread = own_thread;
    const Cell *cell = cell_at_hand(tap, operand);
    if (likely(cell != NULL) && likely(repeats_write(cell, thread, tap->rank))) {
        thread->accesses++;
        return Py_NewRef(operand);
    }
    return field_otherwise(self, operand);
}

#endif
