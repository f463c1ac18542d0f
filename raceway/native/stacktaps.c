/* Taps that look below themselves on the value stack: for containers of keys, objects of attributes, and for what is about
   to be written. See taps.c. */
#include "taps.h"

#if RW_PEEK

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

/* The same, and noted as an access. */
HOT bool
passes_near_item(const Tap *tap, PyObject *container, PyObject *key)
{
    if (unlikely(tap->is_head) || !repeats_near_item(tap, own_thread, container, key)) {
        return false;
    }
    own_thread->accesses++;
    return true;
}

/* In place, whatever a profile says: for programs that mostly reach items the call is a part of the cost. */
static inline __attribute__((always_inline)) void
keyed_reached(Tap *tap, Frame *frame, PyObject *container, PyObject *key)
{
    Thread *thread = current_thread();
    const Known *known = known_of(tap, container);
    uint64_t number = 0;
    if (likely(known != NULL) && known->cell == SEES_SEQUENCE && !known->has_ends &&
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
        if (cell != NULL && repeats_cell_of_key(known, thread, cell, container, key)) {
            thread->accesses++;
            if (unlikely(tap->is_head)) {
                note_head(thread, frame, frame_offset(frame), tap->site, container, number);
            }
            return;
        }
    }
    keyed_otherwise(tap, known, thread, frame, container, key, number);
}

/* The core is entered, and let go of. A call at the end, so that a repetition saves no registers. */
static __attribute__((noinline)) PyObject *
key_otherwise(Tap *tap, PyObject *key, Frame *frame, PyObject *container)
{
    if (likely(container != NULL)) {
        keyed_reached(tap, frame, container, key);
    }
    core_unlock();
    return Py_NewRef(key);
}

/* d[K[k]]: the container stands right below. */
PyObject *
key_tap(PyObject *self, PyObject *key)
{
    Tap *tap = (Tap *)self;
    if (likely(entered(tap))) {
        Frame *frame = current_frame();
        PyObject **place = own_place(frame, self, 1);
        PyObject *container = place == NULL ? NULL : place[-1];
        if (unlikely(container == NULL) || !passes_near_item(tap, container, key)) {
            return key_otherwise(tap, key, frame, container);
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
        if (base != NULL && !passes_near_item(tap, base, key)) {
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
        if (key != NULL && !passes_near_item(tap, container, key)) {
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
            if (!passes_near_item(tap, place[-3], place[-2])) {
                keyed_reached(tap, frame, place[-3], place[-2]);
            }
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
