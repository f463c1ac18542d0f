/* Functions that are entered and left, for runs that tell of them: the twin of raceway/runtime/calltaps.py. The first tap
   of a body and the last one know each other by the frame that they are in, which no other activation has meanwhile. */
#include "calls.h"
#include "taps.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEEPEST 64 /* frames between where an exception was raised and the function that it leaves first */

static Table open_calls; /* when a function was told as entered that has not been left, by its frame */

static int64_t
ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static Call *
new_call(int64_t duration)
{
    Call *call = calloc(1, sizeof(Call));
    if (call != NULL) {
        call->duration = duration;
        call->count = -1;
    }
    return call;
}

void
call_drop(Call *call)
{
    value_drop(&call->error);
    value_drop(&call->message);
    stack_drop(call->stack);
    for (int place = 0; place < call->count; place++) {
        value_drop(&call->values[place]);
        Py_DECREF(call->names[place]);
    }
    free(call);
}

/* The arguments as pairs of name and value, None where they were not seen. They are the call's no longer. */
PyObject *
call_arguments(Call *call)
{
    if (call->count < 0) {
        return Py_NewRef(Py_None);
    }
    PyObject *found = PyTuple_New(call->count);
    for (int place = 0; found != NULL && place < call->count; place++) {
        PyObject *value = value_take(&call->values[place]);
        PyObject *pair = value == NULL ? NULL : PyTuple_Pack(2, call->names[place], value);
        Py_XDECREF(value);
        if (pair == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyTuple_SET_ITEM(found, place, pair);
    }
    return found;
}

#if RW_PEEK

static bool
is_owner(PyObject *name)
{
    return PyUnicode_CompareWithASCIIString(name, "self") == 0 || PyUnicode_CompareWithASCIIString(name, "cls") == 0;
}

/* What the function was called with: its first local variables. What a method is called on is left out. */
static void
see_arguments(Call *call, Frame *frame)
{
    PyCodeObject *code = frame_code(frame);
    const char *kinds = PyBytes_AS_STRING(code->co_localspluskinds);
    int count = code->co_argcount + code->co_kwonlyargcount + ((code->co_flags & CO_VARARGS) != 0) +
                ((code->co_flags & CO_VARKEYWORDS) != 0);
    call->count = 0;
    for (int place = 0; place < count && call->count < ARGUMENTS; place++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, place), *value = frame->localsplus[place];
        if (place == 0 && is_owner(name)) {
            continue;
        }
        if (value != NULL && (kinds[place] & CO_FAST_CELL) != 0 && PyCell_Check(value)) {
            value = PyCell_GET(value);
        }
        if (value != NULL) {
            call->names[call->count] = Py_NewRef(name);
            call->values[call->count++] = value_of(value);
        }
    }
}

static bool
is_in(PyTracebackObject *traceback, Frame *frame)
{
    return traceback->tb_frame->f_frame == frame;
}

#else

static void
see_arguments(Call *call, Frame *frame)
{
    (void)call, (void)frame;
}

static bool
is_in(PyTracebackObject *traceback, Frame *frame)
{
    return (Frame *)traceback->tb_frame == frame;
}

#endif

/* The exception that the frame is about to raise, NULL for none; borrowed from who handles it. */
static PyBaseExceptionObject *
failing(Frame *frame)
{
    PyObject *error = PyErr_GetHandledException();
    if (error == NULL) {
        return NULL;
    }
    Py_DECREF(error);
    PyObject *traceback = ((PyBaseExceptionObject *)error)->traceback;
    bool is_ours = traceback != NULL && PyTraceBack_Check(traceback) && is_in((PyTracebackObject *)traceback, frame);
    return is_ours ? (PyBaseExceptionObject *)error : NULL;
}

/* Whether it is one by which iterators and generators end: no error. */
static bool
is_end(PyBaseExceptionObject *error)
{
    PyTypeObject *type = Py_TYPE(error);
    return PyType_IsSubtype(type, (PyTypeObject *)PyExc_StopIteration) ||
           PyType_IsSubtype(type, (PyTypeObject *)PyExc_StopAsyncIteration) ||
           PyType_IsSubtype(type, (PyTypeObject *)PyExc_GeneratorExit);
}

/* Whether an exception has left a function with such taps before it came here. */
static bool
was_told(PyTracebackObject *traceback)
{
    for (; traceback != NULL; traceback = traceback->tb_next) {
        PyCodeObject *code = PyFrame_GetCode(traceback->tb_frame);
        bool found = false;
        for (Py_ssize_t place = 0; !found && place < PyTuple_GET_SIZE(code->co_consts); place++) {
            found = is_leave_tap(PyTuple_GET_ITEM(code->co_consts, place));
        }
        Py_DECREF(code);
        if (found) {
            return true;
        }
    }
    return false;
}

/* What an exception says, where that is a plain text; its own `__str__` is not called. */
static Value
message_of(PyBaseExceptionObject *error)
{
    PyObject *arguments = error->args;
    for (Py_ssize_t place = 0; arguments != NULL && place < PyTuple_GET_SIZE(arguments); place++) {
        if (PyUnicode_CheckExact(PyTuple_GET_ITEM(arguments, place))) {
            return value_of(PyTuple_GET_ITEM(arguments, place));
        }
    }
    PyObject *nothing = PyUnicode_FromString(""); /* the one that is always there */
    Value found = value_of(nothing);
    Py_XDECREF(nothing);
    return found;
}

/* From where an exception was raised outwards, as a new reference. */
static Stack
stack_of(Thread *thread, Frame *frame, PyTracebackObject *traceback)
{
    access_begins(thread);
    Stack found = stack_callers(&thread->memo, frame, STACK_DEPTH - 1);
    stack_hold(found);
    for (int depth = 0; traceback != NULL && depth < DEEPEST; traceback = traceback->tb_next, depth++) {
        PyCodeObject *code = PyFrame_GetCode(traceback->tb_frame);
        Stack inner = stack_push(found, code, traceback->tb_lasti);
        Py_DECREF(code);
        stack_drop(found); /* the inner one holds it */
        found = inner;
    }
    return found;
}

static void
call_entered(Tap *tap, Thread *thread, Frame *frame)
{
    table_pop(&open_calls, (uintptr_t)frame); /* of one that is gone */
    if (!teller_has_room_for_calls()) {
        return;
    }
    Call *call = new_call(-1);
    if (call == NULL || !table_put(&open_calls, (uintptr_t)frame, (void *)(uintptr_t)ticks())) {
        free(call);
        failures++;
        return;
    }
    see_arguments(call, frame);
    teller_call(thread, tap->site, call);
}

static void
call_left(Tap *tap, Thread *thread, Frame *frame)
{
    int64_t began = (int64_t)(uintptr_t)table_pop(&open_calls, (uintptr_t)frame);
    Call *call = began == 0 ? NULL : new_call(ticks() - began);
    if (call == NULL) {
        return;
    }
    PyBaseExceptionObject *error = failing(frame);
    if (error != NULL && !is_end(error)) {
        PyTracebackObject *traceback = (PyTracebackObject *)error->traceback;
        call->error = value_name(Py_TYPE(error));
        if (!was_told(traceback->tb_next)) {
            call->message = message_of(error);
            call->stack = stack_of(thread, frame, traceback);
        }
    }
    teller_call(thread, tap->site, call);
}

static PyObject *
noted(PyObject *self, PyObject *operand, void (*note)(Tap *, Thread *, Frame *))
{
    Tap *tap = (Tap *)self;
    if (tap->run != 0 && core_enter(tap->run)) {
        Thread *thread = telling ? current_thread() : NULL;
        Frame *frame = current_frame();
        if (thread != NULL && !thread->hidden && frame != NULL) {
            note(tap, thread, frame);
        }
        core_unlock();
    }
    return Py_NewRef(operand);
}

/* S @ 0, the first that a function does. */
PyObject *
enter_tap(PyObject *self, PyObject *operand)
{
    return noted(self, operand, call_entered);
}

/* W @ 0, the last. */
PyObject *
leave_tap(PyObject *self, PyObject *operand)
{
    return noted(self, operand, call_left);
}

/* What is open is told as left no more. */
void
calls_reset(void)
{
    table_free(&open_calls);
}
