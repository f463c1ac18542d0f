/* Taps that hold their operands for the one that commits, where frames are unknown. See taps.c. */
#include "taps.h"

#include <string.h>

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
