/* Functions of C modules, and methods of their types, that something else is called for, at the pointer in their definition:
   the function itself stays what it is, wherever it is held: in the attributes of classes, by other modules, for `pickle`
   and `inspect`.

   A definition is given one of a fixed number of places, for good: a call may be under way when it is put back. Each place
   has functions of C for every way in which a function can be called, which find by their number what to call. */
#include "core.h"

#include <string.h>

typedef struct {
    PyMethodDef *method; /* of a module that never dies; NULL: the place is free */
    PyMethodDef plain; /* as it was */
    PyMethodDef another; /* that of a function beside it, which alone calls something else */
    PyObject *instead; /* owned; NULL: it is as it was. Guarded by the core's lock */
    bool method_of_type; /* called with its object first */
} Redirect;

#define PLACES 48
#define ARGUMENTS 8 /* with more a call needs memory */

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
    PyObject *arguments[] = {self, argument};
    size_t first = redirect->method_of_type ? 0 : 1, end = argument == NULL ? 1 : 2;
    PyObject *result = PyObject_Vectorcall(instead, arguments + first, end - first, NULL);
    Py_DECREF(instead);
    return result;
}

/* The arguments with the object first. */
static PyObject *
with_self(PyObject *self, PyObject *arguments)
{
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    PyObject *all = PyTuple_New(count + 1);
    if (all != NULL) {
        PyTuple_SET_ITEM(all, 0, Py_NewRef(self));
        for (Py_ssize_t place = 0; place < count; place++) {
            PyTuple_SET_ITEM(all, place + 1, Py_NewRef(PyTuple_GET_ITEM(arguments, place)));
        }
    }
    return all;
}

static PyObject *
call_tuple(Redirect *redirect, PyObject *self, PyObject *arguments, PyObject *names)
{
    PyObject *instead = instead_of(redirect);
    if (instead == NULL) {
        return redirect->plain.ml_flags & METH_KEYWORDS ? PLAIN(redirect, WithKeywords)(self, arguments, names)
                                                        : redirect->plain.ml_meth(self, arguments);
    }
    PyObject *all = redirect->method_of_type ? with_self(self, arguments) : Py_NewRef(arguments);
    PyObject *result = all == NULL ? NULL : PyObject_Call(instead, all, names);
    Py_XDECREF(all);
    Py_DECREF(instead);
    return result;
}

static PyObject *
call_with_self(PyObject *instead, PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t whole = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    PyObject *few[ARGUMENTS + 1], **all = whole > ARGUMENTS ? PyMem_New(PyObject *, (size_t)whole + 1) : few;
    if (all == NULL) {
        return PyErr_NoMemory();
    }
    all[0] = self;
    memcpy(all + 1, arguments, (size_t)whole * sizeof *all);
    PyObject *result = PyObject_Vectorcall(instead, all, (size_t)count + 1, names);
    if (all != few) {
        PyMem_Free(all);
    }
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
    PyObject *result = redirect->method_of_type ? call_with_self(instead, self, arguments, count, names)
                                                : PyObject_Vectorcall(instead, arguments, (size_t)count, names);
    Py_DECREF(instead);
    return result;
}

/* The same of a method that is given the class which defines it. */
static PyObject *
call_method(Redirect *redirect, PyObject *self, PyTypeObject *type, PyObject *const *arguments, Py_ssize_t count,
            PyObject *names)
{
    PyObject *instead = instead_of(redirect);
    if (instead == NULL) {
        return PLAIN(redirect, PyCMethod)(self, type, arguments, (size_t)count, names);
    }
    PyObject *result = call_with_self(instead, self, arguments, count, names);
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
    }                                                                                                                  \
    static PyObject *method_##number(PyObject *self, PyTypeObject *type, PyObject *const *arguments, size_t count,     \
                                     PyObject *names)                                                                  \
    {                                                                                                                  \
        return call_method(&redirects[number], self, type, arguments, (Py_ssize_t)count, names);                       \
    }

#define FOUR(macro, a, b, c, d) macro(a) macro(b) macro(c) macro(d)
#define ALL(macro)                                                                                                     \
    FOUR(macro, 0, 1, 2, 3) FOUR(macro, 4, 5, 6, 7) FOUR(macro, 8, 9, 10, 11) FOUR(macro, 12, 13, 14, 15)              \
    FOUR(macro, 16, 17, 18, 19) FOUR(macro, 20, 21, 22, 23) FOUR(macro, 24, 25, 26, 27) FOUR(macro, 28, 29, 30, 31)    \
    FOUR(macro, 32, 33, 34, 35) FOUR(macro, 36, 37, 38, 39) FOUR(macro, 40, 41, 42, 43) FOUR(macro, 44, 45, 46, 47)

ALL(PLACE)

typedef struct {
    PyCFunction single, tuple, tuple_named, fast, fast_named, method;
} Ours;

#define FUNCTION(function) ((PyCFunction)(void (*)(void))(function))
#define ROW(number)                                                                                                    \
    {single_##number, tuple_##number, FUNCTION(tuple_named_##number), FUNCTION(fast_##number),                         \
     FUNCTION(fast_named_##number), FUNCTION(method_##number)},

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
    case METH_METHOD | METH_FASTCALL | METH_KEYWORDS:
        return ours[place].method;
    default:
        return NULL;
    }
}

/* The definition of a function of a C module, or of a method of a type; NULL where it is no such. */
static PyMethodDef *
definition_of(PyObject *function)
{
    if (Py_IS_TYPE(function, &PyMethodDescr_Type)) {
        return ((PyMethodDescrObject *)function)->d_method;
    }
    if (!PyCFunction_CheckExact(function)) {
        return NULL;
    }
    PyObject *owner = PyCFunction_GET_SELF(function);
    return owner == NULL || PyModule_Check(owner) ? ((PyCFunctionObject *)function)->m_ml : NULL;
}

/* The place of such a function; NULL where it is no such, or there is none left. */
static Redirect *
place_of(PyObject *function)
{
    PyMethodDef *method = definition_of(function);
    if (method == NULL || our_function(0, method->ml_flags) == NULL) {
        return NULL;
    }
    for (Py_ssize_t place = 0; place < PLACES; place++) {
        Redirect *redirect = &redirects[place];
        if (&redirect->plain == method || &redirect->another == method) {
            return NULL; /* it is one of ours */
        }
        if (redirect->method == NULL) {
            redirect->plain = redirect->another = *method;
            redirect->another.ml_meth = our_function(place, method->ml_flags);
            redirect->method_of_type = !PyCFunction_Check(function);
            redirect->method = method;
        }
        if (redirect->method == method) {
            return redirect;
        }
    }
    return NULL;
}

/* A function like this one, of another definition. */
static PyObject *
made_of(PyMethodDef *definition, PyObject *function)
{
    if (!PyCFunction_Check(function)) {
        return PyDescr_NewMethod(PyDescr_TYPE(function), definition);
    }
    PyCFunctionObject *real = (PyCFunctionObject *)function;
    return PyCFunction_NewEx(definition, real->m_self, real->m_module);
}

/* original(function): what is called for a function of a C module now: a function that does as it did, unless something
   else is called for it already. None where nothing else can be called for it. */
PyObject *
native_original(PyObject *Py_UNUSED(native), PyObject *function)
{
    core_lock();
    Redirect *redirect = place_of(function);
    bool plain = redirect != NULL && redirect->method->ml_meth == redirect->plain.ml_meth;
    PyObject *found = redirect == NULL ? Py_NewRef(Py_None) : plain ? NULL : Py_XNewRef(redirect->instead);
    core_unlock();
    if (found != NULL) {
        return found;
    }
    return made_of(&redirect->plain, function);
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
        bool plain = definition_of(instead) == &redirect->plain;
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

/* alike(function, instead): a function that looks like it, for which `instead` is called; it stays as it is. Another one of
   the same function calls what the newest does. None where that cannot be. */
PyObject *
native_alike(PyObject *Py_UNUSED(native), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "alike(function, instead)");
        return NULL;
    }
    core_lock();
    Redirect *redirect = place_of(arguments[0]);
    bool free = redirect != NULL && redirect->method->ml_meth == redirect->plain.ml_meth;
    PyObject *before = free ? redirect->instead : NULL;
    if (free) {
        redirect->instead = Py_NewRef(arguments[1]);
    }
    core_unlock();
    Py_XDECREF(before);
    if (!free) {
        Py_RETURN_NONE;
    }
    return made_of(&redirect->another, arguments[0]);
}
