/* Code of the program that a store in an object calls, while the object is being made: the twin of
   raceway/runtime/making.py, which says when what that stores is part of the making. */
#include "core.h"

static int
line_of(Frame *frame)
{
    return PyCode_Addr2Line(frame_code(frame), frame_offset(frame));
}

void
note_making(Reach *at)
{
    at->thread->making = (Making){.object = at->base, .frame = at->frame, .line = line_of(at->frame)};
}

/* Whether what is stored in `at` is stored in the object itself, or by the name `__dict__`. */
bool
is_being_made(const Reach *at)
{
    const Making *making = &at->thread->making;
    Frame *outer = making->object == NULL ? NULL : frame_outer(at->frame);
    if (outer == NULL || outer != making->frame || line_of(outer) != making->line) {
        return false;
    }
    if (at->site->through == NULL) {
        return at->base == making->object;
    }
#if RW_PEEK
    PyObject *made = NULL; /* it is alive, if a parameter of its maker still has it */
    for (int place = 0; place < frame_code(outer)->co_argcount && place < 2; place++) {
        made = outer->localsplus[place] == making->object ? outer->localsplus[place] : made;
    }
    PyObject *dict = made == NULL ? NULL : PyObject_GenericGetDict(made, NULL);
    if (dict == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(dict);
    return dict == at->base;
#else
    return at->holder == making->object;
#endif
}
