/* Taps of names, G[g] and C[c]: globals and captured variables. See taps.c. */
#include "taps.h"

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

void
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
