/* Runs a program as the outermost call of its thread: the frames that called it, ours, are in no stack that it looks at,
   and count for no limit. What it leaves on, a tracer or a profiler, sees nothing of us after it either. */
#include "core.h"

#if RW_PEEK

typedef struct {
    Py_tracefunc function;
    PyObject *object; /* owned */
} Hook;

/* Put aside when the program was left, for what is yet to be run of it. The command line's thread alone comes here. */
static Hook tracer, profiler;

static Hook
hook_taken(Py_tracefunc function, PyObject *object, Hook before, void (*set)(Py_tracefunc, PyObject *))
{
    if (function == NULL || (function == before.function && object == before.object)) {
        return (Hook){NULL, NULL}; /* what was on before the program began stays on */
    }
    Hook hook = {function, Py_XNewRef(object)};
    set(NULL, NULL);
    return hook;
}

static void
hook_put_back(Hook *hook, void (*set)(Py_tracefunc, PyObject *))
{
    if (hook->function != NULL) {
        set(hook->function, hook->object);
        Py_CLEAR(hook->object);
        hook->function = NULL;
    }
}

PyObject *
outermost(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    PyThreadState *state = PyThreadState_Get();
    Hook no_tracer = {state->c_tracefunc, state->c_traceobj}, no_profiler = {state->c_profilefunc, state->c_profileobj};
    Callers callers = callers_hidden(state, PyCFunction_Check(arguments[0]));
    hook_put_back(&tracer, PyEval_SetTrace);
    hook_put_back(&profiler, PyEval_SetProfile);
    PyObject *result = PyObject_Vectorcall(arguments[0], arguments + 1, (size_t)count - 1, NULL);
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    tracer = hook_taken(state->c_tracefunc, state->c_traceobj, no_tracer, PyEval_SetTrace);
    profiler = hook_taken(state->c_profilefunc, state->c_profileobj, no_profiler, PyEval_SetProfile);
    PyErr_Restore(type, value, trace);
    callers_shown(state, callers);
    return result;
}

#else /* frames are not known: those of ours stay in sight */

PyObject *
outermost(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    return PyObject_Vectorcall(arguments[0], arguments + 1, (size_t)count - 1, NULL);
}

#endif
