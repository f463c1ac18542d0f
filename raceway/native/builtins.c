/* Functions of C modules that something else is called for, at the pointer in their definition: the function itself stays
   what it is, wherever it is held: in the attributes of classes, by other modules, for `pickle` and `inspect`.

   A definition is given one of a fixed number of places, for good: a call may be under way when it is put back. Each place
   has functions of C for every way in which a function can be called, which find by their number what to call. */
#include "core.h"

typedef struct {
    PyMethodDef *method; /* of a module that never dies; NULL: the place is free */
    PyMethodDef plain; /* as it was */
    PyObject *instead; /* owned; NULL: it is as it was. Guarded by the core's lock */
} Redirect;

#define PLACES 32

static Redirect redirects[PLACES];

/* What is to be called; a new reference, NULL for the plain one. Other interpreters share the definition. */
static PyObject *
instead_of(Redirect *redirect)
{
    if (!in_main_interpreter()) {
        return NULL;
    }
    core_lock();
    PyObject *instead = Py_XNewRef(redirect->instead);
    core_unlock();
    return instead;
}

#define PLAIN(redirect, type) ((type)(void (*)(void))(redirect)->plain.ml_meth)

typedef PyObject *(*WithKeywords)(PyObject *, PyObject *, PyObject *);
typedef PyObject *(*Fast)(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *(*FastWithKeywords)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

static PyObject *
call_single(Redirect *redirect, PyObject *self, PyObject *argument)
{
    PyObject *instead = instead_of(redirect);
    if (instead == NULL) {
        return redirect->plain.ml_meth(self, argument);
    }
    PyObject *result = argument == NULL ? PyObject_CallNoArgs(instead) : PyObject_CallOneArg(instead, argument);
    Py_DECREF(instead);
    return result;
}

static PyObject *
call_tuple(Redirect *redirect, PyObject *self, PyObject *arguments, PyObject *names)
{
    PyObject *instead = instead_of(redirect);
    if (instead == NULL) {
        return redirect->plain.ml_flags & METH_KEYWORDS ? PLAIN(redirect, WithKeywords)(self, arguments, names)
                                                        : redirect->plain.ml_meth(self, arguments);
    }
    PyObject *result = PyObject_Call(instead, arguments, names);
    Py_DECREF(instead);
    return result;
}

static PyObject *
call_fast(Redirect *redirect, PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *instead = instead_of(redirect);
    if (instead == NULL) {
        return redirect->plain.ml_flags & METH_KEYWORDS ? PLAIN(redirect, FastWithKeywords)(self, arguments, count, names)
                                                        : PLAIN(redirect, Fast)(self, arguments, count);
    }
    PyObject *result = PyObject_Vectorcall(instead, arguments, (size_t)count, names);
    Py_DECREF(instead);
    return result;
}

/* The functions of one place. */
#define PLACE(number)                                                                                                  \
    static PyObject *single_##number(PyObject *self, PyObject *argument)                                               \
    {                                                                                                                  \
        return call_single(&redirects[number], self, argument);                                                        \
    }                                                                                                                  \
    static PyObject *tuple_##number(PyObject *self, PyObject *arguments)                                               \
    {                                                                                                                  \
        return call_tuple(&redirects[number], self, arguments, NULL);                                                  \
    }                                                                                                                  \
    static PyObject *tuple_named_##number(PyObject *self, PyObject *arguments, PyObject *names)                        \
    {                                                                                                                  \
        return call_tuple(&redirects[number], self, arguments, names);                                                 \
    }                                                                                                                  \
    static PyObject *fast_##number(PyObject *self, PyObject *const *arguments, Py_ssize_t count)                       \
    {                                                                                                                  \
        return call_fast(&redirects[number], self, arguments, count, NULL);                                            \
    }                                                                                                                  \
    static PyObject *fast_named_##number(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) \
    {                                                                                                                  \
        return call_fast(&redirects[number], self, arguments, count, names);                                           \
    }

#define FOUR(macro, a, b, c, d) macro(a) macro(b) macro(c) macro(d)
#define ALL(macro)                                                                                                     \
    FOUR(macro, 0, 1, 2, 3) FOUR(macro, 4, 5, 6, 7) FOUR(macro, 8, 9, 10, 11) FOUR(macro, 12, 13, 14, 15)              \
    FOUR(macro, 16, 17, 18, 19) FOUR(macro, 20, 21, 22, 23) FOUR(macro, 24, 25, 26, 27) FOUR(macro, 28, 29, 30, 31)

ALL(PLACE)

typedef struct {
    PyCFunction single, tuple, tuple_named, fast, fast_named;
} Ours;

#define FUNCTION(function) ((PyCFunction)(void (*)(void))(function))
#define ROW(number)                                                                                                    \
    {single_##number, tuple_##number, FUNCTION(tuple_named_##number), FUNCTION(fast_##number),                         \
     FUNCTION(fast_named_##number)},

static const Ours ours[PLACES] = {ALL(ROW)};

/* Ours for a function that is called like this, NULL where we know none. */
static PyCFunction
our_function(Py_ssize_t place, int flags)
{
    switch (flags) {
    case METH_NOARGS:
    case METH_O:
        return ours[place].single;
    case METH_VARARGS:
        return ours[place].tuple;
    case METH_VARARGS | METH_KEYWORDS:
        return ours[place].tuple_named;
    case METH_FASTCALL:
        return ours[place].fast;
    case METH_FASTCALL | METH_KEYWORDS:
        return ours[place].fast_named;
    default:
        return NULL;
    }
}

/* The place of a function of a C module; NULL where it is no such, or there is none left. */
static Redirect *
place_of(PyObject *function)
{
    if (!PyCFunction_CheckExact(function)) {
        return NULL;
    }
    PyObject *owner = PyCFunction_GET_SELF(function);
    PyMethodDef *method = ((PyCFunctionObject *)function)->m_ml;
    if ((owner != NULL && !PyModule_Check(owner)) || our_function(0, method->ml_flags) == NULL) {
        return NULL;
    }
    for (Py_ssize_t place = 0; place < PLACES; place++) {
        Redirect *redirect = &redirects[place];
        if (&redirect->plain == method) {
            return NULL; /* it is the plain one */
        }
        if (redirect->method == NULL) {
            redirect->plain = *method;
            redirect->method = method;
        }
        if (redirect->method == method) {
            return redirect;
        }
    }
    return NULL;
}

/* original(function): what is called for a function of a C module now: a function that does as it did, unless something
   else is called for it already. None where nothing else can be called for it. */
PyObject *
native_original(PyObject *Py_UNUSED(native), PyObject *function)
{
    core_lock();
    Redirect *redirect = place_of(function);
    PyObject *found = redirect == NULL ? Py_NewRef(Py_None) : Py_XNewRef(redirect->instead);
    core_unlock();
    if (found != NULL) {
        return found;
    }
    PyCFunctionObject *real = (PyCFunctionObject *)function;
    return PyCFunction_NewEx(&redirect->plain, real->m_self, real->m_module);
}

/* redirect(function, instead): `instead` is called for it from now on. With what `original` gave it is as it was then. */
PyObject *
native_redirect(PyObject *Py_UNUSED(native), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "redirect(function, instead)");
        return NULL;
    }
    PyObject *function = arguments[0], *instead = arguments[1], *before = NULL;
    core_lock();
    Redirect *redirect = place_of(function);
    if (redirect != NULL) {
        bool plain = PyCFunction_CheckExact(instead) && ((PyCFunctionObject *)instead)->m_ml == &redirect->plain;
        PyCFunction our = our_function(redirect - redirects, redirect->plain.ml_flags);
        before = redirect->instead;
        redirect->instead = plain ? NULL : Py_NewRef(instead);
        if (!plain) {
            redirect->method->ml_meth = our;
        }
        else if (redirect->method->ml_meth == our) { /* what somebody else put there after us is theirs */
            redirect->method->ml_meth = redirect->plain.ml_meth;
        }
    }
    core_unlock();
    Py_XDECREF(before);
    if (redirect == NULL) {
        PyErr_SetString(PyExc_ValueError, "nothing else can be called for this");
        return NULL;
    }
    Py_RETURN_NONE;
}
