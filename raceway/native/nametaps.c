/* Taps of names, G[g] and C[c]: globals and captured variables. See taps.c. */
#include "taps.h"

HOT PyObject *
namespace_of(const Frame *frame)
{
#if RW_PEEK
    return frame->f_globals;
#else
    (void)frame;
    return PyEval_GetGlobals();
#endif
}

HOT bool
repeats_global(const Tap *tap, const Thread *thread, const PyObject *namespace)
{
    return tap->learned->names == namespace && tap->learned->named_generation == names_generation &&
           tap->learned->named != NULL &&
           (repeats_plainly(tap, thread, &tap->learned->named->cell) || (alone && thread->actor != NULL));
}

/* The core is entered, and let go of. A call at the end, so that a repetition saves no registers. */
static __attribute__((noinline)) PyObject *
global_otherwise(Tap *tap, PyObject *operand, Frame *frame)
{
    Thread *thread = current_thread();
    if (likely(frame != NULL)) {
        PyObject *namespace = namespace_of(frame);
        if (repeats_global(tap, thread, namespace)) {
            thread->accesses++;
            note_head(thread, frame, frame_offset(frame), tap->site, namespace, (uintptr_t)tap->name);
        }
        else {
            reach(tap, thread, frame, NULL, NULL);
        }
    }
    core_unlock();
    return Py_NewRef(operand);
}

PyObject *
global_tap(PyObject *self, PyObject *operand)
{
    Tap *tap = (Tap *)self;
    if (likely(entered(tap))) {
        Frame *frame = current_frame();
        Thread *thread = own_thread;
        if (unlikely(frame == NULL || tap->is_head) || unlikely(!repeats_global(tap, thread, namespace_of(frame)))) {
            return global_otherwise(tap, operand, frame);
        }
        thread->accesses++;
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

/* The core is entered, and let go of. */
static __attribute__((noinline)) PyObject *
cell_otherwise(Tap *tap, PyObject *operand, Frame *frame, PyObject *cell)
{
    if (cell != NULL && PyCell_Check(cell)) {
        variable_reached(tap, frame, cell);
    }
    core_unlock();
    return Py_NewRef(operand);
}

PyObject *
cell_tap(PyObject *self, PyObject *operand)
{
    Tap *tap = (Tap *)self;
    if (likely(tap->variable_place >= 0) && likely(entered(tap))) {
        Frame *frame = current_frame();
        PyObject *cell = frame != NULL && tap->variable_place < frame_code(frame)->co_nlocalsplus
                             ? frame->localsplus[tap->variable_place]
                             : NULL;
        const Object *object = cell != NULL && PyCell_Check(cell) ? object_find(cell) : NULL;
        Thread *thread = own_thread;
        if (unlikely(object == NULL || tap->is_head) || unlikely(!repeats_plainly(tap, thread, &object->cells[0]))) {
            return cell_otherwise(tap, operand, frame, cell);
        }
        thread->accesses++;
        core_unlock();
    }
    return Py_NewRef(operand);
}

#endif
