/* Threads: the twin of the models in raceway/sync/threads.py, which says what they model and why. `starting` is beside a
   function in C, the others are called by wrappers. The actor of a thread stands in the record of its object. */
#include "core.h"

static Table known; /* actor -> itself, of the thread objects that are alive */
static PyObject *life_begun, *life_ended; /* owned, of raceway/sync/lifetimes.py; NULL outside of a run */
static PyObject *awaited; /* owned: called with the actors that the interpreter waits for */
static PyObject *is_alive; /* owned: the real one */
static PyObject *in_greenlet; /* owned: whether the calling thread is in another greenlet than its main one */
static bool lives_full; /* no more lives are kept */

/* Attributes that are asked for. */
enum { SELF, NAME, DAEMONIC, STARTED, FLAG, STOPPED, GREENLET, NAMES };
static const char *const texts[NAMES] = {"__self__", "_name", "_daemonic", "_started", "_flag", "_is_stopped", "greenlet"};
static PyObject *names[NAMES];

/* threads_install(begun, ended, awaited, is_alive, in_greenlet): what the models in C call. */
PyObject *
threads_install(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "threads_install(begun, ended, awaited, is_alive, in_greenlet)");
        return NULL;
    }
    for (int which = 0; which < NAMES; which++) {
        if (names[which] == NULL && (names[which] = PyUnicode_InternFromString(texts[which])) == NULL) {
            return NULL;
        }
    }
    Py_XSETREF(life_begun, Py_NewRef(arguments[0]));
    Py_XSETREF(life_ended, Py_NewRef(arguments[1]));
    Py_XSETREF(awaited, Py_NewRef(arguments[2]));
    Py_XSETREF(is_alive, Py_NewRef(arguments[3]));
    Py_XSETREF(in_greenlet, Py_NewRef(arguments[4]));
    lives_full = false;
    Py_RETURN_NONE;
}

PyObject *
threads_uninstall(PyObject *module, PyObject *nothing)
{
    (void)module, (void)nothing;
    core_lock();
    table_free(&known);
    core_unlock();
    Py_CLEAR(life_begun);
    Py_CLEAR(life_ended);
    Py_CLEAR(awaited);
    Py_CLEAR(is_alive);
    Py_CLEAR(in_greenlet);
    Py_RETURN_NONE;
}

/* The object died. */
void
thread_retired(uint64_t actor)
{
    table_pop(&known, actor);
}

static uint64_t
actor_of(PyObject *thread)
{
    Object *object = object_find(thread);
    return object == NULL || object->extra == NULL ? 0 : object->extra->actor;
}

static void
keep(PyObject *thread, uint64_t actor)
{
    Object *object = object_of(thread);
    Extra *extra = object == NULL ? NULL : object_extra(object);
    if (extra == NULL || actor == 0 || extra->actor == actor) {
        return;
    }
    if (extra->actor != 0) {
        thread_retired(extra->actor);
    }
    extra->actor = table_put(&known, actor, object) ? actor : 0;
}

/* An attribute, as a new reference; NULL with an exception. */
static PyObject *
attribute(PyObject *owner, int which)
{
    return PyObject_GetAttr(owner, names[which]);
}

/* The name of a thread, as a new reference; NULL with an exception. */
static PyObject *
name_of(PyObject *thread)
{
    PyObject *name = attribute(thread, NAME);
    if (name != NULL && !PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "the name of an actor is a string");
        Py_CLEAR(name);
    }
    return name;
}

static bool
is_true(PyObject *owned)
{
    bool found = owned != NULL && PyObject_IsTrue(owned) == 1;
    Py_XDECREF(owned);
    return found;
}

/* A thread is about to be started with its method `bootstrap`. */
bool
thread_starting(PyObject *bootstrap)
{
    PyObject *thread = attribute(bootstrap, SELF);
    PyObject *name = thread == NULL ? NULL : name_of(thread);
    if (name != NULL && core_enter(0)) {
        keep(thread, tell_fork(name));
        core_unlock();
    }
    Py_XDECREF(name);
    Py_XDECREF(thread);
    return true;
}

static void
life_begins(PyObject *thread, uint64_t actor)
{
    PyObject *name = lives_full || life_begun == NULL ? NULL : name_of(thread);
    PyObject *serial = name == NULL ? NULL : PyLong_FromUnsignedLongLong(actor);
    PyObject *kept = serial == NULL ? NULL : PyObject_CallFunctionObjArgs(life_begun, serial, name, NULL);
    if (kept != NULL) {
        core_lock();
        Object *object = object_find(thread);
        if (object != NULL && object->extra != NULL) {
            object->extra->lives = kept == Py_True;
        }
        lives_full = kept != Py_True;
        core_unlock();
    }
    Py_XDECREF(kept);
    Py_XDECREF(serial);
    Py_XDECREF(name);
}

/* The calling thread runs `thread` from here on. */
static void
begun(PyObject *thread, PyObject *nothing)
{
    (void)nothing;
    core_lock();
    uint64_t actor = actor_of(thread);
    if (actor != 0) {
        tell_begin(actor);
    }
    core_unlock();
    if (actor != 0) {
        life_begins(thread, actor);
    }
}

/* The interpreter waits for the thread before it runs exit handlers. */
static void
remember_awaited(uint64_t actor)
{
    PyObject *serial = awaited == NULL ? NULL : PyLong_FromUnsignedLongLong(actor);
    PyObject *result = serial == NULL ? NULL : PyObject_CallOneArg(awaited, serial);
    Py_XDECREF(result);
    Py_XDECREF(serial);
}

/* Whether the calling thread is in another greenlet than its main one; most programs have not imported greenlets. */
static bool
is_in_greenlet(void)
{
    PyObject *module = in_greenlet == NULL ? NULL : PyImport_GetModule(names[GREENLET]);
    if (module == NULL) {
        return false;
    }
    Py_DECREF(module);
    return is_true(PyObject_CallNoArgs(in_greenlet));
}

/* The calling thread has run `thread` to its end. */
static void
ended(PyObject *thread, PyObject *nothing)
{
    (void)nothing;
    if (is_in_greenlet()) {
        return;
    }
    PyObject *daemon = attribute(thread, DAEMONIC);
    bool waited_for = daemon != NULL && PyObject_IsTrue(daemon) == 0;
    Py_XDECREF(daemon);
    if (!core_enter(0)) {
        return;
    }
    uint64_t actor = tell_current();
    if (actor_of(thread) == 0) {
        keep(thread, actor);
    }
    Object *object = object_find(thread);
    bool lived = object != NULL && object->extra != NULL && object->extra->lives;
    tell_end();
    core_unlock();
    if (waited_for) {
        remember_awaited(actor);
    }
    PyObject *name = lived && life_ended != NULL ? name_of(thread) : NULL;
    if (name != NULL) {
        Py_XDECREF(PyObject_CallOneArg(life_ended, name));
        Py_DECREF(name);
    }
}

/* The current actor knows that `thread` is over. */
static void
over(PyObject *thread)
{
    if (core_enter(0)) {
        uint64_t actor = actor_of(thread);
        if (actor != 0) {
            tell_join(actor);
        }
        core_unlock();
    }
}

/* What the real `is_alive` looks at first, where it does: after most joins no more need be asked. */
static bool
has_stopped(PyObject *thread)
{
#if PY_VERSION_HEX < 0x030D0000
    return is_true(attribute(thread, STOPPED));
#else
    (void)thread;
    return false;
#endif
}

/* The current actor waited for `thread`, perhaps in vain. */
static void
joined(PyObject *thread, PyObject *nothing)
{
    (void)nothing;
    if (has_stopped(thread)) {
        over(thread);
        return;
    }
    PyObject *alive = is_alive == NULL ? NULL : PyObject_CallOneArg(is_alive, thread);
    if (alive != NULL && PyObject_IsTrue(alive) == 0) {
        over(thread);
    }
    Py_XDECREF(alive);
}

/* The current actor asked whether `thread` is alive. One that has not quite started is not over. */
static void
seen_alive(PyObject *thread, PyObject *alive)
{
    if (PyObject_IsTrue(alive) != 0) {
        return;
    }
    PyObject *started = attribute(thread, STARTED);
    if (started != NULL && is_true(attribute(started, FLAG))) {
        over(thread);
    }
    Py_XDECREF(started);
}

/* `thread` got another name. */
static void
renamed(PyObject *thread, PyObject *nothing)
{
    (void)nothing;
    PyObject *name = name_of(thread);
    core_lock();
    uint64_t actor = actor_of(thread);
    if (name != NULL && actor != 0) {
        tell_rename(actor, name);
    }
    core_unlock();
    Py_XDECREF(name);
}

typedef void (*Model)(PyObject *thread, PyObject *result);

static PyObject *
call(Model model, PyObject *const *arguments, Py_ssize_t count)
{
    if (count == 2 && run_here() != 0) {
        model(arguments[0], arguments[1]);
        if (!settled()) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

#define CALLED_WITH_RESULT(name, model)                                                                               \
    PyObject *name(PyObject *module, PyObject *const *arguments, Py_ssize_t count)                                    \
    {                                                                                                                 \
        (void)module;                                                                                                 \
        return call(model, arguments, count);                                                                         \
    }

CALLED_WITH_RESULT(thread_begun, begun)
CALLED_WITH_RESULT(thread_ended, ended)
CALLED_WITH_RESULT(thread_joined, joined)
CALLED_WITH_RESULT(thread_seen_alive, seen_alive)
CALLED_WITH_RESULT(thread_renamed, renamed)

/* The actor of a thread object, None when it has none. */
PyObject *
native_thread_actor(PyObject *module, PyObject *thread)
{
    (void)module;
    core_lock();
    uint64_t actor = actor_of(thread);
    core_unlock();
    if (actor == 0) {
        Py_RETURN_NONE;
    }
    return PyLong_FromUnsignedLongLong(actor);
}

/* thread_known(thread, actor): it was not announced. */
PyObject *
native_thread_known(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    uint64_t actor = 0;
    if (count != 2 || !serial_of(arguments[1], &actor)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "thread_known(thread, actor)");
        }
        return NULL;
    }
    core_lock();
    keep(arguments[0], actor);
    core_unlock();
    Py_RETURN_NONE;
}

/* The actors of all thread objects that are there. */
PyObject *
native_thread_actors(PyObject *module, PyObject *nothing)
{
    (void)module, (void)nothing;
    PyObject *found = PyList_New(0);
    core_lock();
    lives_full = false; /* asked in a forked child, where they are counted anew */
    for (size_t place = 0; found != NULL && known.entries != NULL && place <= known.mask; place++) {
        if (known.entries[place].value == NULL) {
            continue;
        }
        PyObject *serial = PyLong_FromUnsignedLongLong(known.entries[place].key);
        if (serial == NULL || PyList_Append(found, serial) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(serial);
    }
    core_unlock();
    return found;
}
