/* Limits on address space that the program sets for itself (`resource`) are for what it asked for, not for what the core
   has reserved: that is added to what the system is told, and taken off what the program is told.

   The functions are observed where they are defined, as those of locks are: they stay the objects that they were. They
   stay observed after a run, since what is reserved stays too. In a forked child nothing is added: it may be about to
   become another program (`preexec_fn`), which has its limits from here. */
#include "core.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef PyObject *(*Fast)(PyObject *, PyObject *const *, Py_ssize_t);

typedef struct {
    int resource;
    bool told;
    struct rlimit asked, set; /* what the program asked for last, and what came of it */
} Limit;

#ifdef RLIMIT_AS
static Limit limits[] = {{.resource = RLIMIT_AS}, {.resource = RLIMIT_DATA}};
static PyCFunction real_getrlimit;
static Fast real_setrlimit, real_prlimit;
static pid_t process;

static Limit *
limit_of(PyObject *resource)
{
    if (process != getpid() || !PyLong_CheckExact(resource)) {
        return NULL;
    }
    long number = PyLong_AsLong(resource);
    PyErr_Clear();
    for (size_t i = 0; i < Py_ARRAY_LENGTH(limits); i++) {
        if (limits[i].resource == number) {
            return &limits[i];
        }
    }
    return NULL;
}

/* A number as the system takes it, -1 for no limit. False: none, the real function shall judge it. */
static bool
number_of(PyObject *one, rlim_t *found)
{
    int overflow;
    long long number = PyLong_CheckExact(one) ? PyLong_AsLongLongAndOverflow(one, &overflow) : -2;
    *found = number == -1 ? RLIM_INFINITY : (rlim_t)number;
    return number >= -1;
}

static bool
pair_of(PyObject *given, struct rlimit *found)
{
    if (!PyTuple_CheckExact(given) || PyTuple_GET_SIZE(given) != 2) {
        return false;
    }
    return number_of(PyTuple_GET_ITEM(given, 0), &found->rlim_cur) &&
           number_of(PyTuple_GET_ITEM(given, 1), &found->rlim_max);
}

static PyObject *
pair_from(const struct rlimit *limit)
{
    return Py_BuildValue("LL", (long long)limit->rlim_cur, (long long)limit->rlim_max);
}

static rlim_t
raised(rlim_t limit, rlim_t most)
{
    rlim_t more = limit + identity_reserved();
    return limit == RLIM_INFINITY ? limit : more < limit || more > most ? most : more;
}

/* What to ask for in place of `given`, a new reference; NULL: for what was given. */
static PyObject *
asked_instead(const Limit *limit, PyObject *given, struct rlimit *asked, struct rlimit *set)
{
    struct rlimit now;
    if (limit == NULL || !pair_of(given, asked) || getrlimit(limit->resource, &now) != 0) {
        return NULL;
    }
    bool as_now = limit->told && asked->rlim_max == limit->asked.rlim_max;
    if (!as_now && asked->rlim_max > now.rlim_max) {
        return NULL; /* to be refused, or allowed, as ever */
    }
    set->rlim_max = as_now ? now.rlim_max : raised(asked->rlim_max, now.rlim_max);
    set->rlim_cur = asked->rlim_cur > asked->rlim_max ? RLIM_INFINITY : raised(asked->rlim_cur, set->rlim_max);
    return pair_from(set);
}

/* What the program shall hear where the system says `result`, which is taken over. */
static PyObject *
heard(const Limit *limit, PyObject *result)
{
    struct rlimit found;
    if (result == NULL || limit == NULL || !limit->told || !pair_of(result, &found) ||
        memcmp(&found, &limit->set, sizeof found) != 0) {
        return result;
    }
    Py_DECREF(result);
    return pair_from(&limit->asked);
}

static PyObject *
watched_getrlimit(PyObject *module, PyObject *resource)
{
    return heard(limit_of(resource), real_getrlimit(module, resource));
}

/* Set a limit by a real function whose last argument is the pair; the one before it is the resource. */
static PyObject *
set_limit(Fast real, PyObject *module, PyObject *const *args, Py_ssize_t count, Limit *limit)
{
    struct rlimit asked, set;
    PyObject *instead = asked_instead(limit, args[count - 1], &asked, &set);
    if (instead == NULL) {
        PyErr_Clear();
        return heard(limit, real(module, args, count));
    }
    PyObject *changed[3];
    memcpy(changed, args, (size_t)count * sizeof *args);
    changed[count - 1] = instead;
    PyObject *result = real(module, changed, count);
    Py_DECREF(instead);
    result = heard(limit, result);
    if (result != NULL) {
        limit->told = true;
        limit->asked = asked;
        limit->set = set;
    }
    return result;
}

static PyObject *
watched_setrlimit(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Limit *limit = count == 2 ? limit_of(args[0]) : NULL;
    return limit == NULL ? real_setrlimit(module, args, count) : set_limit(real_setrlimit, module, args, count, limit);
}

static PyObject *
watched_prlimit(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    long of = count >= 2 && PyLong_CheckExact(args[0]) ? PyLong_AsLong(args[0]) : -1;
    PyErr_Clear();
    Limit *limit = of == 0 || of == (long)getpid() ? limit_of(args[1]) : NULL;
    if (limit != NULL && count == 3) {
        return set_limit(real_prlimit, module, args, count, limit);
    }
    return heard(limit, real_prlimit(module, args, count));
}

/* Before 3.12 it takes a tuple. */
static PyCFunction real_prlimit_of_tuple;

static PyObject *
prlimit_of_tuple(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    }
    PyObject *result = real_prlimit_of_tuple(module, tuple);
    Py_DECREF(tuple);
    return result;
}

static PyObject *
watched_prlimit_of_tuple(PyObject *module, PyObject *tuple)
{
    return watched_prlimit(module, &PyTuple_GET_ITEM(tuple, 0), PyTuple_GET_SIZE(tuple));
}

static PyCFunction
observed(PyObject *module, const char *name, int flags, PyCFunction ours)
{
    PyObject *function = PyObject_GetAttrString(module, name);
    PyCFunction real = NULL;
    if (function != NULL && PyCFunction_CheckExact(function)) {
        PyMethodDef *method = ((PyCFunctionObject *)function)->m_ml;
        if (method->ml_flags == flags && method->ml_meth != ours) {
            real = method->ml_meth;
            method->ml_meth = ours;
        }
    }
    Py_XDECREF(function);
    PyErr_Clear();
    return real;
}
#endif

/* The program has imported `resource`, which is given. */
PyObject *
limits_follow(PyObject *Py_UNUSED(native), PyObject *module)
{
#ifdef RLIMIT_AS
    PyCFunction found;
    process = getpid();
    if ((found = observed(module, "getrlimit", METH_O, watched_getrlimit)) != NULL) {
        real_getrlimit = found;
    }
    if ((found = observed(module, "setrlimit", METH_FASTCALL, (PyCFunction)(void (*)(void))watched_setrlimit)) != NULL) {
        real_setrlimit = (Fast)(void (*)(void))found;
    }
    if ((found = observed(module, "prlimit", METH_FASTCALL, (PyCFunction)(void (*)(void))watched_prlimit)) != NULL) {
        real_prlimit = (Fast)(void (*)(void))found;
    }
    if ((found = observed(module, "prlimit", METH_VARARGS, watched_prlimit_of_tuple)) != NULL) {
        real_prlimit_of_tuple = found;
        real_prlimit = prlimit_of_tuple;
    }
#else
    (void)module;
#endif
    Py_RETURN_NONE;
}
