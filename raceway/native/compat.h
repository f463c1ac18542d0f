/* What differs between CPython versions. The only file with #if on the version, and the door to CPython's internals.

   Frames: Include/internal/pycore_frame.h. Taps look at the value stack of the frame that runs them ("peek"); where a
   version's layout is not known, RW_PEEK is 0 and operands are held in the thread's state instead. */
#ifndef RACEWAY_COMPAT_H
#define RACEWAY_COMPAT_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_BUILD_CORE_MODULE
#define Py_BUILD_CORE_MODULE 1
#endif
#include <Python.h>
#include <structmember.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#if PY_VERSION_HEX < 0x030E0000 && PY_VERSION_HEX >= 0x030B0000
#define RW_PEEK 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <internal/pycore_frame.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_object.h>
#pragma GCC diagnostic pop
typedef _PyInterpreterFrame Frame;
#else
#define RW_PEEK 0
typedef struct Frame Frame; /* unknown: never looked into */
#endif

#define HOT static inline __attribute__((always_inline)) /* on the path of each access */
#define likely(x) __builtin_expect(!!(x), 1)
#define SLOW __attribute__((noinline, cold)) /* kept out of the fast paths that fall through to it */
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifdef Py_GIL_DISABLED
#define RW_FREE_THREADED 1
#else
#define RW_FREE_THREADED 0
#endif

#ifndef RW_PROFILED /* whether the compiler knew what a run does (setup.py) */
#define RW_PROFILED 0
#endif

#if RW_PEEK

static inline PyCodeObject *
frame_code(Frame *frame)
{
#if PY_VERSION_HEX >= 0x030D0000
    return (PyCodeObject *)frame->f_executable;
#else
    return frame->f_code;
#endif
}

/* The instruction a frame is at, as an address that tells one place from another. */
static inline const void *
frame_instruction(Frame *frame)
{
#if PY_VERSION_HEX >= 0x030D0000
    return frame->instr_ptr;
#else
    return frame->prev_instr;
#endif
}

/* The offset in bytes that `frame.f_lasti` tells. */
static inline int
frame_offset(Frame *frame)
{
    return _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT);
}

/* A frame that runs has no depth of its stack written down, only some number below 0. The depth is there again as soon as
   the frame makes a call that the same loop runs, yields, returns, or is entered anew. So a number of ours lasts as long
   as the frame has gone on without that: whoever has called it is where he was. */
#define FRAME_MARK (-0x52ace)

static inline bool
frame_is_marked(const Frame *frame)
{
    return frame->stacktop == FRAME_MARK;
}

static inline void
frame_mark(Frame *frame)
{
    if (frame->stacktop < 0) {
        frame->stacktop = FRAME_MARK;
    }
}

/* Frames of C code (3.12 and later) have no code; one that waits for a specialised call of `__init__` (3.13) has no
   function, and nothing but garbage for its globals. */
static inline bool
frame_is_python(Frame *frame)
{
#if PY_VERSION_HEX >= 0x030D0000
    return frame->owner != FRAME_OWNED_BY_CSTACK && frame->f_funcobj != Py_None;
#elif PY_VERSION_HEX >= 0x030C0000
    return frame->owner != FRAME_OWNED_BY_CSTACK;
#else
    (void)frame;
    return true;
#endif
}

static inline Frame *
frame_skip(Frame *frame)
{
    while (frame != NULL && !frame_is_python(frame)) {
        frame = frame->previous;
    }
    return frame;
}

static inline Frame *
frame_of(PyThreadState *state)
{
#if PY_VERSION_HEX >= 0x030D0000
    return state->current_frame;
#else
    return state->cframe->current_frame;
#endif
}

static inline void
frame_of_set(PyThreadState *state, Frame *frame)
{
#if PY_VERSION_HEX >= 0x030D0000
    state->current_frame = frame;
#else
    state->cframe->current_frame = frame;
#endif
}

#if PY_VERSION_HEX >= 0x030D0000
#define C_DEPTH_LIMIT Py_C_RECURSION_LIMIT
#elif PY_VERSION_HEX >= 0x030C0000
#define C_DEPTH_LIMIT C_RECURSION_LIMIT
#endif

/* The calls that a thread is in: their frames, and how deep they are in Python and, counted apart from 3.12 on, in C. */
typedef struct {
    Frame *frame;
    int depth;
    int c_depth;
} Callers;

/* From here on the thread looks as if nothing had been called, as it does when it begins; the next call of `in_c` counts
   for nothing either. */
static inline Callers
callers_hidden(PyThreadState *state, bool in_c)
{
    Callers callers = {frame_of(state), 0, 0};
    frame_of_set(state, NULL);
#if PY_VERSION_HEX >= 0x030C0000
    callers.depth = state->py_recursion_limit - state->py_recursion_remaining;
    state->py_recursion_remaining += callers.depth;
    callers.c_depth = Py_MAX(C_DEPTH_LIMIT - state->c_recursion_remaining, 0) + in_c;
    state->c_recursion_remaining += callers.c_depth;
#else
    callers.depth = state->recursion_limit - state->recursion_remaining + in_c;
    state->recursion_remaining += callers.depth;
#endif
    return callers;
}

static inline void
callers_shown(PyThreadState *state, Callers callers)
{
    frame_of_set(state, callers.frame);
#if PY_VERSION_HEX >= 0x030C0000
    state->py_recursion_remaining -= callers.depth;
    state->c_recursion_remaining -= callers.c_depth;
#else
    state->recursion_remaining -= callers.depth;
#endif
}

/* The frame that called this one. */
static inline Frame *
frame_outer(Frame *frame)
{
    return frame_skip(frame->previous);
}

/* The frame that runs the tap: a slot reached from the evaluation loop has no frame of its own. */
static inline Frame *
current_frame(void)
{
    return frame_skip(frame_of(_PyThreadState_GET()));
}

#else /* the frame is known by its frame object only */

Frame *current_frame(void);
Frame *frame_outer(Frame *frame);
const void *frame_instruction(Frame *frame);
PyCodeObject *frame_code(Frame *frame);
int frame_offset(Frame *frame);

#endif

/* Between these no other thread changes the container. Where that asks for its lock: whoever waits for anything, our lock
   too, lets go of such locks meanwhile (PEP 703), so they may be asked for within the core. */
#if RW_FREE_THREADED
#define HELD_STILL(container) Py_BEGIN_CRITICAL_SECTION(container);
#define LET_GO Py_END_CRITICAL_SECTION();
#else
#define HELD_STILL(container) {
#define LET_GO }
#endif

/* The dictionary of a class; static built-in types keep theirs with the interpreter from 3.12 on. Borrowed. */
static inline PyObject *
type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *found = PyType_GetDict(type);
    Py_XDECREF(found); /* the type holds it */
    return found;
#else
    return type->tp_dict;
#endif
}

/* An item of a dictionary by a string, as a new reference; NULL without an error when it is not there. */
static inline PyObject *
dict_item(PyObject *values, PyObject *name)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *found = NULL;
    (void)PyDict_GetItemRef(values, name, &found);
    return found;
#else
    return Py_XNewRef(PyDict_GetItemWithError(values, name));
#endif
}

/* What a weak reference refers to, as a new reference; NULL without an error when it is gone. */
static inline PyObject *
weak_target(PyObject *reference)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *found = NULL;
    (void)PyWeakref_GetRef(reference, &found);
    return found;
#else
    PyObject *found = PyWeakref_GetObject(reference);
    return found == Py_None ? NULL : Py_XNewRef(found);
#endif
}

static inline bool
type_is_immutable(PyTypeObject *type)
{
    return (PyType_GetFlags(type) & Py_TPFLAGS_IMMUTABLETYPE) != 0;
}

/* Changes whenever the class or one of its bases does; 0 when the interpreter gave out no tag. */
static inline uint32_t
type_version(PyTypeObject *type)
{
    return (uint32_t)type->tp_version_tag;
}

/* A number in the range that is addressed by position, without a call. */
static inline bool
small_index(PyObject *number, Py_ssize_t *value)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyLongObject *known = (PyLongObject *)number;
    if (!PyUnstable_Long_IsCompact(known)) {
        return false;
    }
    *value = PyUnstable_Long_CompactValue(known);
    return true;
#else
    Py_ssize_t size = Py_SIZE(number);
    if (size < -1 || size > 1) {
        return false;
    }
    *value = size == 0 ? 0 : size * (Py_ssize_t)((PyLongObject *)number)->ob_digit[0];
    return true;
#endif
}

#endif
