/* Polling objects of the kernel, who registers a descriptor -> who is told of it: the twin of raceway/sync/pollers.py, which
   says what it models and why. Remembered are so many registrations as it keeps, the oldest are forgotten. */
#include "core.h"

#include <pythread.h>
#include <string.h>

#define KEPT 4096 /* as in raceway/sync/serials.py */

typedef struct Registration {
    uint64_t key, sync;
    unsigned long thread; /* which one has registered it */
    struct Registration *older, *newer;
} Registration;

static Table registrations; /* key -> registration */
static Registration *oldest, *newest;
static Pool pool;

/* The polling object and the descriptor; the object may be dead, and another one at its address. */
static uint64_t
registration_key(const PyObject *poller, long descriptor)
{
    return mix((uint64_t)(uintptr_t)poller ^ mix((uint64_t)descriptor + 1));
}

static void
registration_dropped(Registration *known)
{
    table_pop(&registrations, known->key);
    *(known->older == NULL ? &oldest : &known->older->newer) = known->newer;
    *(known->newer == NULL ? &newest : &known->newer->older) = known->older;
    sync_retire(known->sync);
    pool_give(&pool, known);
}

static void
registration_kept(uint64_t key)
{
    static PyObject *kind;
    Registration *known = table_get(&registrations, key);
    if (known != NULL) { /* perhaps of a polling object that is long gone */
        registration_dropped(known);
    }
    Registration *made = pool_take(&pool, sizeof(Registration));
    if (made == NULL || (kind == NULL && (kind = PyUnicode_InternFromString("poller")) == NULL) ||
        !table_put(&registrations, key, made)) {
        pool_give(&pool, made);
        return;
    }
    *made = (Registration){.key = key, .sync = tell_new(kind, NULL, 0), .thread = PyThread_get_thread_ident(), .older = newest};
    *(newest == NULL ? &oldest : &newest->newer) = made;
    newest = made;
    tell_release(made->sync, true);
    if (registrations.used > KEPT) {
        registration_dropped(oldest);
    }
}

/* Whether objects of the type may be asked for their descriptor: a `fileno()` of the program's would be called twice. */
static bool
is_file(PyTypeObject *type)
{
    static const char *const modules[] = {"socket", "_socket", "_io", "io", "ssl"};
    PyObject *name = PyObject_GetAttrString((PyObject *)type, "__module__");
    bool found = false;
    for (size_t place = 0; name != NULL && PyUnicode_Check(name) && place < Py_ARRAY_LENGTH(modules); place++) {
        found |= PyUnicode_CompareWithASCIIString(name, modules[place]) == 0;
    }
    Py_XDECREF(name);
    return found;
}

static long
number_of(PyObject *number)
{
    return number != NULL && PyLong_CheckExact(number) ? PyLong_AsLong(number) : -1;
}

/* The descriptor that a method was given, as its first argument or by name; -1 when there is none that we know. */
static long
descriptor_given(PyObject *const *args, Py_ssize_t given, PyObject *names)
{
    PyObject *file = given > 1 ? args[1] : NULL;
    for (Py_ssize_t place = 0; file == NULL && names != NULL && place < PyTuple_GET_SIZE(names); place++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, place), "fd") == 0) {
            file = args[given + place];
        }
    }
    if (file == NULL || PyLong_CheckExact(file) || !is_file(Py_TYPE(file))) {
        return number_of(file);
    }
    PyObject *number = PyObject_CallMethod(file, "fileno", NULL);
    long found = number_of(number);
    Py_XDECREF(number);
    return found;
}

/* The current actor is about to register a descriptor, or to say anew what is waited for. */
void
poller_registering(PyObject *const *args, Py_ssize_t given, PyObject *names)
{
    long descriptor = descriptor_given(args, given, names);
    if (descriptor >= 0) {
        core_lock();
        registration_kept(registration_key(args[0], descriptor));
        core_unlock();
    }
}

/* The descriptor is about to be taken out. */
void
poller_forgetting(PyObject *const *args, Py_ssize_t given, PyObject *names)
{
    long descriptor = descriptor_given(args, given, names);
    if (descriptor < 0) {
        return;
    }
    core_lock();
    Registration *known = table_get(&registrations, registration_key(args[0], descriptor));
    if (known != NULL) {
        registration_dropped(known);
    }
    core_unlock();
}

/* The polling object has told of these: a list of descriptors, each with what happened. */
void
poller_polled(const Called *called, PyObject *result)
{
    if (called->given == 0 || !PyList_CheckExact(result) || registrations.used == 0) {
        return;
    }
    PyObject *poller = called->args[0];
    unsigned long me = PyThread_get_thread_ident();
    for (Py_ssize_t place = 0; place < PyList_GET_SIZE(result); place++) {
        PyObject *each = PyList_GET_ITEM(result, place);
        long descriptor = PyTuple_Check(each) && PyTuple_GET_SIZE(each) > 0 ? number_of(PyTuple_GET_ITEM(each, 0)) : -1;
        core_lock();
        Registration *known = descriptor < 0 ? NULL : table_get(&registrations, registration_key(poller, descriptor));
        if (known != NULL && known->thread != me) {
            tell_acquire(known->sync);
        }
        core_unlock();
    }
}

/* A run begins: what an earlier one knew means nothing to it. */
PyObject *
pollers_install(PyObject *module, PyObject *nothing)
{
    (void)module, (void)nothing;
    core_lock();
    for (Registration *next; oldest != NULL; oldest = next) {
        next = oldest->newer;
        table_pop(&registrations, oldest->key);
        pool_give(&pool, oldest);
    }
    newest = NULL;
    core_unlock();
    Py_RETURN_NONE;
}
