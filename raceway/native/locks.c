/* Lock and RLock, observed at their types: the twin of raceway/sync/locks.py and rlocks.py.

   The types of `_thread` refuse new attributes, so the function pointers in their method tables are swapped: methods
   that were bound before, and C code that looks methods up, come through here too. Each of ours calls the original with
   the same arguments, and tells the core after a lock was taken or just before it is freed, at the outermost level.
   What is known of a lock stands in the record of its object; it goes when the lock's memory does.

   A lock made in the run is quiet or loud by who made it. One from before the run, or made in C, is judged by who uses
   it first, and has no name. */
#include "core.h"

#include <stdlib.h>
#include <unistd.h>

typedef PyObject *(*WithKeywords)(PyObject *, PyObject *, PyObject *);

typedef struct {
    PyMethodDef *method; /* of a type or module that never dies */
    PyCFunction real;
    PyCFunction ours;
} Swap;

#define SWAPS 32

static Swap swaps[SWAPS];
static int swap_count;
static PyTypeObject *lock_type, *rlock_type; /* owned once known */
static newfunc lock_new, rlock_new;
static bool swapped;
static PyObject *kind_lock, *text_blocking, *text_timeout;
static PyObject *without_waiting, *patiently; /* arguments of `acquire` */

#define PATIENCE_S 1.0 /* as in raceway/sync/waiting.py */
#define LONGEST_WAIT_S 1e9 /* more may be refused */

/* The originals; kept after the run, since a method may be under way, or copied by somebody. */
static WithKeywords lock_acquire, rlock_acquire;
static PyCFunction lock_release, lock_reinit, lock_locked, allocate;
static PyCFunction rlock_release, rlock_reinit, rlock_save, rlock_restore, rlock_count;

static uint64_t *remade; /* held locks that a forked child made anew before it was ready */
static size_t remade_count, remade_capacity;
static pid_t ready_in; /* the process that the core records */

static Extra *
new_extra(PyObject *lock)
{
    Object *object = object_of(lock);
    return object == NULL ? NULL : object_extra(object);
}

/* What is known of a lock that was just made. */
static void
made(PyObject *lock, bool reentrant)
{
    Frame *frame = current_frame();
    frame = reentrant ? asker_of_rlock(frame) : asker_of_lock(frame);
    PyObject *module = module_of(frame);
    if (reentrant) {
        creation_first_use(module);
    }
    core_lock();
    Extra *extra = new_extra(lock);
    if (extra != NULL) {
        uint8_t lock_flags = LOCK_KNOWN;
        bool quiet = is_quiet(module);
        if (quiet && !reentrant && is_module(module, "queue")) {
            lock_flags |= LOCK_MUTEX;
            quiet = false;
        }
        if (!quiet) {
            Maker maker = maker_of(frame);
            extra->sync = tell_new(kind_lock, maker.file, maker.line);
        }
        extra->lock = lock_flags;
    }
    core_unlock();
}

/* A lock of before the run, or made in C, is used for the first time. */
static Extra *
get_to_know(PyObject *lock)
{
    Extra *extra = new_extra(lock);
    if (extra != NULL && extra->lock == 0) {
        if (!is_quiet(module_of(taker_of_lock(current_frame())))) {
            extra->sync = tell_new(kind_lock, NULL, 0);
        }
        extra->lock = LOCK_KNOWN;
    }
    return extra;
}

/* What is known of the lock; NULL when memory is short. */
Extra *
lock_extra(PyObject *lock)
{
    Object *object = object_find(lock);
    return likely(object != NULL && object->extra != NULL && object->extra->lock != 0) ? object->extra
                                                                                      : get_to_know(lock);
}

/* The mutex of a queue is quiet while only `queue` itself uses it; who takes it outside guards something by it, also
   against what the queue does. Whoever frees it, what was not told as taken is not told as freed. */
static void
mutex_taken(Extra *extra, bool waits)
{
    if ((extra->lock & LOCK_LOUD) == 0 && is_used_by_queue(current_frame())) {
        extra->lock &= ~LOCK_OUTSIDE;
        return;
    }
    extra->lock |= LOCK_OUTSIDE | LOCK_LOUD;
    tell_taken(extra->sync, waits);
    if (extra->channel != 0) {
        tell_acquire(extra->channel);
    }
}

/* Whether to ask what is to be judged, once the mutex is free. */
static bool
mutex_freed(Extra *extra)
{
    bool asks = (extra->lock & LOCK_ASKS) != 0;
    extra->lock &= ~LOCK_ASKS;
    if (extra->lock & LOCK_OUTSIDE) {
        if (extra->channel != 0) {
            tell_release(extra->channel, true);
        }
        tell_freed(extra->sync);
    }
    return asks;
}

static void
taken(PyObject *lock, bool waits)
{
    core_lock();
    Extra *extra = lock_extra(lock);
    if (extra != NULL && extra->sync != 0) {
        if (likely((extra->lock & LOCK_MUTEX) == 0)) {
            tell_taken(extra->sync, waits);
        }
        else {
            mutex_taken(extra, waits);
        }
    }
    core_unlock();
}

/* Whether to ask, once it is, what is to be judged. */
static bool
freed(PyObject *lock)
{
    bool asks = false;
    core_lock();
    Extra *extra = lock_extra(lock);
    if (extra != NULL && extra->sync != 0) {
        if (likely((extra->lock & LOCK_MUTEX) == 0)) {
            tell_freed(extra->sync);
        }
        else {
            asks = mutex_freed(extra);
        }
    }
    core_unlock();
    return asks;
}

/* Whether it is one of the program's. */
static bool
is_told(PyObject *lock)
{
    bool told = false;
    if (core_enter(0)) {
        const Object *object = object_find(lock);
        const Extra *extra = object == NULL ? NULL : object->extra;
        told = extra != NULL && extra->sync != 0 && (extra->lock & LOCK_MUTEX) == 0;
        core_unlock();
    }
    return told;
}

static bool
is_locked(PyObject *lock)
{
    PyObject *answer = lock_locked(lock, NULL);
    Py_XDECREF(answer);
    return answer == Py_True;
}

/* How often the calling thread holds it. */
static unsigned long
depth_of(PyObject *rlock)
{
    PyObject *answer = rlock_count(rlock, NULL);
    unsigned long depth = answer == NULL ? 0 : PyLong_AsUnsignedLong(answer);
    Py_XDECREF(answer);
    return depth;
}

/* --- Acquiring ------------------------------------------------------------------------------------------------------ */

enum { TRIES, LIMITED, WAITS };

static bool
is_number(PyObject *value)
{
    return PyBool_Check(value) || PyLong_CheckExact(value) || PyFloat_CheckExact(value);
}

/* What `acquire(*args, **kwargs)` asks for; TRIES also for what it will refuse. */
static int
mode_of(PyObject *args, PyObject *kwargs)
{
    Py_ssize_t count = PyTuple_GET_SIZE(args), named = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    if (likely(count + named == 0)) {
        return WAITS;
    }
    PyObject *blocking = count > 0 ? PyTuple_GET_ITEM(args, 0) : NULL;
    PyObject *timeout = count > 1 ? PyTuple_GET_ITEM(args, 1) : NULL;
    Py_ssize_t known = count;
    if (named != 0 && blocking == NULL && (blocking = PyDict_GetItem(kwargs, text_blocking)) != NULL) {
        known++;
    }
    if (named != 0 && timeout == NULL && (timeout = PyDict_GetItem(kwargs, text_timeout)) != NULL) {
        known++;
    }
    if (known != count + named || count > 2 || (blocking != NULL && !is_number(blocking)) ||
        (timeout != NULL && !is_number(timeout)) || (blocking != NULL && PyObject_IsTrue(blocking) != 1)) {
        return TRIES;
    }
    double limit = timeout == NULL ? -1 : PyFloat_AsDouble(timeout);
    if (limit == -1) {
        PyErr_Clear();
        return WAITS;
    }
    return limit > 0 && limit < LONGEST_WAIT_S ? LIMITED : TRIES;
}

/* The serial of the lock if a wait for it is worth telling: the mutex of a queue is not, unless it guards hooks. */
static uint64_t
told_as(PyObject *lock)
{
    Extra *extra = lock_extra(lock);
    return extra == NULL || ((extra->lock & LOCK_MUTEX) != 0 && (extra->lock & LOCK_LOUD) == 0) ? 0 : extra->sync;
}

/* Wait for a lock that somebody has. */
static PyObject *
wait_for(PyObject *lock, WithKeywords acquire, PyObject *args, PyObject *kwargs, bool limited)
{
    uint64_t run = run_here();
    core_lock();
    uint64_t sync = told_as(lock);
    bool closes = sync != 0 && tell_waiting(sync, limited);
    core_unlock();
    PyObject *result = NULL;
    if (unlikely(closes)) { /* another thread may yet free a lock of the ring: said only when it does not */
        result = acquire(lock, patiently, NULL);
        if (result == Py_False) {
            lockwaits_stuck();
            Py_CLEAR(result);
            result = acquire(lock, args, kwargs);
        }
    }
    else {
        result = acquire(lock, args, kwargs);
    }
    if (sync != 0 && core_enter(run)) {
        tell_waited(sync, result == Py_True);
        core_unlock();
    }
    return result;
}

/* Acquire; whether the lock is free is tried first, so that only a wait is timed. The real lock does the same. */
static inline PyObject *
acquire_watching(PyObject *lock, WithKeywords acquire, PyObject *args, PyObject *kwargs, int mode)
{
    if (mode == TRIES) {
        return acquire(lock, args, kwargs);
    }
    PyObject *result = acquire(lock, without_waiting, NULL);
    if (likely(result != Py_False)) {
        return result;
    }
    Py_DECREF(result);
    return wait_for(lock, acquire, args, kwargs, mode == LIMITED);
}

static PyObject *
our_lock_acquire(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (unlikely(run_here() == 0)) {
        return lock_acquire(self, args, kwargs);
    }
    int mode = mode_of(args, kwargs);
    PyObject *result;
#if RW_FREE_THREADED
    result = acquire_watching(self, lock_acquire, args, kwargs, mode);
#else
    /* With a GIL nobody takes or frees it in between: whether there is a wait to time need not be tried. */
    if (likely(mode == TRIES || !is_locked(self))) {
        result = lock_acquire(self, args, kwargs);
    }
    else {
        result = wait_for(self, lock_acquire, args, kwargs, mode == LIMITED);
    }
#endif
    if (result == Py_True && run_here() != 0) {
        taken(self, mode == WAITS);
    }
    return result;
}

static PyObject *
our_lock_release(PyObject *self, PyObject *args)
{
    bool asks = run_here() != 0 && is_locked(self) && freed(self);
    PyObject *result = lock_release(self, args);
    if (unlikely(asks) && result != NULL && !jobs_judge(NULL)) {
        Py_CLEAR(result);
    }
    if (unlikely(lingering) && result != NULL && is_told(self)) {
        linger();
    }
    return result;
}

static PyObject *
our_rlock_acquire(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (unlikely(run_here() == 0)) {
        return rlock_acquire(self, args, kwargs);
    }
    int mode = mode_of(args, kwargs);
    PyObject *result = acquire_watching(self, rlock_acquire, args, kwargs, mode);
    if (result == Py_True && run_here() != 0 && depth_of(self) == 1) {
        taken(self, mode == WAITS);
    }
    return result;
}

static PyObject *
our_rlock_release(PyObject *self, PyObject *args)
{
    if (run_here() != 0 && depth_of(self) == 1) {
        freed(self);
    }
    PyObject *result = rlock_release(self, args);
    if (unlikely(lingering) && result != NULL && is_told(self) && depth_of(self) == 0) {
        linger();
    }
    return result;
}

static PyObject *
our_rlock_save(PyObject *self, PyObject *args)
{
    if (run_here() != 0 && depth_of(self) != 0) {
        freed(self);
    }
    return rlock_save(self, args);
}

static PyObject *
our_rlock_restore(PyObject *self, PyObject *args)
{
    PyObject *result = rlock_restore(self, args);
    if (run_here() != 0 && result != NULL && depth_of(self) != 0) {
        taken(self, true);
    }
    return result;
}

/* The lock was held and is made anew in a forked child, where the core may not be ready yet: handlers of forks run in
   the order in which they were registered. */
static void
remade_anew(PyObject *lock)
{
    if (ready_in == getpid()) {
        freed(lock);
        return;
    }
    Object *object = object_find(lock);
    if (object == NULL || object->extra == NULL || object->extra->sync == 0) {
        return;
    }
    if (object->extra->lock & LOCK_MUTEX && !(object->extra->lock & LOCK_OUTSIDE)) {
        return;
    }
    if (remade_count == remade_capacity) {
        size_t capacity = remade_capacity ? remade_capacity * 2 : 8;
        uint64_t *grown = realloc(remade, capacity * sizeof *remade);
        if (grown == NULL) {
            return;
        }
        remade = grown;
        remade_capacity = capacity;
    }
    remade[remade_count++] = object->extra->sync;
}

static PyObject *
our_lock_reinit(PyObject *self, PyObject *args)
{
    if (run_here() != 0 && is_locked(self)) {
        remade_anew(self);
    }
    return lock_reinit(self, args);
}

static PyObject *
our_rlock_reinit(PyObject *self, PyObject *args)
{
    if (run_here() != 0 && depth_of(self) != 0) {
        remade_anew(self);
    }
    return rlock_reinit(self, args);
}

static PyObject *
our_allocate(PyObject *module, PyObject *args)
{
    PyObject *lock = allocate(module, args);
    if (run_here() != 0 && lock != NULL) {
        made(lock, false);
    }
    return lock;
}

static PyObject *
our_lock_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *lock = lock_new(type, args, kwargs);
    if (run_here() != 0 && lock != NULL) {
        made(lock, false);
    }
    return lock;
}

static PyObject *
our_rlock_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *lock = rlock_new(type, args, kwargs);
    if (run_here() != 0 && lock != NULL) {
        made(lock, true);
    }
    return lock;
}

/* --- swapping ------------------------------------------------------------------------------------------------------- */

#define CALLED_WITH_KEYWORDS (METH_VARARGS | METH_KEYWORDS)

typedef struct {
    const char *name;
    int flags;
    PyCFunction ours; /* NULL: only called by us */
    PyCFunction *real;
} Wanted;

#define FUNCTION(function) ((PyCFunction)(void (*)(void))(function))
#define PLACE(pointer) ((PyCFunction *)(void *)&(pointer))

static const Wanted lock_methods[] = {
    {"acquire", CALLED_WITH_KEYWORDS, FUNCTION(our_lock_acquire), PLACE(lock_acquire)},
    {"acquire_lock", CALLED_WITH_KEYWORDS, FUNCTION(our_lock_acquire), PLACE(lock_acquire)},
    {"__enter__", CALLED_WITH_KEYWORDS, FUNCTION(our_lock_acquire), PLACE(lock_acquire)},
    {"release", METH_NOARGS, our_lock_release, &lock_release},
    {"release_lock", METH_NOARGS, our_lock_release, &lock_release},
    {"__exit__", METH_VARARGS, our_lock_release, &lock_release},
    {"_at_fork_reinit", METH_NOARGS, our_lock_reinit, &lock_reinit},
    {"locked", METH_NOARGS, NULL, &lock_locked},
};

static const Wanted rlock_methods[] = {
    {"acquire", CALLED_WITH_KEYWORDS, FUNCTION(our_rlock_acquire), PLACE(rlock_acquire)},
    {"__enter__", CALLED_WITH_KEYWORDS, FUNCTION(our_rlock_acquire), PLACE(rlock_acquire)},
    {"release", METH_NOARGS, our_rlock_release, &rlock_release},
    {"__exit__", METH_VARARGS, our_rlock_release, &rlock_release},
    {"_release_save", METH_NOARGS, our_rlock_save, &rlock_save},
    {"_acquire_restore", METH_VARARGS, our_rlock_restore, &rlock_restore},
    {"_at_fork_reinit", METH_NOARGS, our_rlock_reinit, &rlock_reinit},
    {"_recursion_count", METH_NOARGS, NULL, &rlock_count},
};

/* Take note of the method; false when it is not as expected. Those that share a function of ours share an original. */
static bool
note(PyMethodDef *method, const Wanted *wanted)
{
    if (method == NULL || method->ml_flags != wanted->flags || swap_count == SWAPS) {
        return false;
    }
    if (method->ml_meth == wanted->ours) { /* somebody put ours back in an earlier run */
        return false;
    }
    if (*wanted->real != NULL && *wanted->real != method->ml_meth) {
        return false;
    }
    *wanted->real = method->ml_meth;
    if (wanted->ours != NULL) {
        swaps[swap_count++] = (Swap){method, method->ml_meth, wanted->ours};
    }
    return true;
}

static bool
note_methods(PyTypeObject *type, const Wanted *wanted, size_t count)
{
    for (size_t place = 0; place < count; place++) {
        PyObject *found = PyDict_GetItemString(type_dict(type), wanted[place].name);
        if (found == NULL || !Py_IS_TYPE(found, &PyMethodDescr_Type) ||
            !note(((PyMethodDescrObject *)found)->d_method, &wanted[place])) {
            return false;
        }
    }
    return true;
}

static bool
note_function(PyObject *real, const char *name)
{
    static const Wanted wanted = {NULL, METH_NOARGS, our_allocate, &allocate};
    PyObject *function = PyDict_GetItemString(real, name);
    return function != NULL && PyCFunction_CheckExact(function) &&
           note(((PyCFunctionObject *)function)->m_ml, &wanted);
}

/* Find all that is to be swapped. False, with nothing changed, where it is not as we know it. */
static bool
find_all(PyObject *real)
{
    swap_count = 0;
    PyObject *first = PyDict_GetItemString(real, "LockType");
    PyObject *second = PyDict_GetItemString(real, "RLock");
    if (!RW_PEEK || first == NULL || second == NULL || !PyType_Check(first) || !PyType_Check(second)) {
        return false;
    }
    Py_XSETREF(lock_type, (PyTypeObject *)Py_NewRef(first));
    Py_XSETREF(rlock_type, (PyTypeObject *)Py_NewRef(second));
    return note_methods(lock_type, lock_methods, sizeof lock_methods / sizeof *lock_methods) &&
           note_methods(rlock_type, rlock_methods, sizeof rlock_methods / sizeof *rlock_methods) &&
           note_function(real, "allocate_lock") && note_function(real, "allocate");
}

/* In classes derived from an RLock too: they took over the pointer, and `__new__` compares. */
static void
swap_new(PyTypeObject *type, newfunc from, newfunc to)
{
    if (type->tp_new == from) {
        type->tp_new = to;
    }
    static PyObject *subclasses; /* a new string each time would stay in the cache of attributes */
    if (subclasses == NULL) {
        subclasses = PyUnicode_InternFromString("__subclasses__");
    }
    PyObject *derived = subclasses == NULL ? NULL : PyObject_CallMethodNoArgs((PyObject *)type, subclasses);
    for (Py_ssize_t place = 0; derived != NULL && place < PyList_GET_SIZE(derived); place++) {
        swap_new((PyTypeObject *)PyList_GET_ITEM(derived, place), from, to);
    }
    if (derived == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(derived);
}

static void
put_back(void)
{
    for (int place = 0; place < swap_count; place++) {
        Swap *swap = &swaps[place];
        if (swap->method->ml_meth == swap->ours) { /* what somebody else put there after us is theirs */
            swap->method->ml_meth = swap->real;
        }
    }
    if (lock_new != NULL) {
        swap_new(lock_type, our_lock_new, lock_new);
    }
    swap_new(rlock_type, our_rlock_new, rlock_new);
    swapped = false;
}

static bool
texts_ready(void)
{
    if (kind_lock == NULL) {
        text_blocking = PyUnicode_InternFromString("blocking");
        text_timeout = PyUnicode_InternFromString("timeout");
        without_waiting = Py_BuildValue("(O)", Py_False);
        patiently = Py_BuildValue("(Od)", Py_True, PATIENCE_S);
        kind_lock = text_blocking == NULL || text_timeout == NULL || without_waiting == NULL || patiently == NULL
                        ? NULL
                        : PyUnicode_InternFromString("lock");
    }
    return kind_lock != NULL;
}

/* locks_install(listener, quiet, passed, first_uses, real): False where the types are not as we know them. `real` has
   what `_thread` had before the program replaced any of it. */
PyObject *
locks_install(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *to, *quiet, *passed, *uses, *real;
    if (!PyArg_ParseTuple(args, "OO!O!O!O!", &to, &PyFrozenSet_Type, &quiet, &PyFrozenSet_Type, &passed, &PyDict_Type,
                          &uses, &PyDict_Type, &real)) {
        return NULL;
    }
    if (!texts_ready()) {
        return NULL;
    }
    if (!creation_start(quiet, passed, uses) || !telling_start(to == Py_None ? NULL : to)) {
        return NULL;
    }
    if (!swapped) {
        if (!find_all(real)) {
            creation_stop();
            telling_stop();
            Py_RETURN_FALSE;
        }
        for (int place = 0; place < swap_count; place++) {
            swaps[place].method->ml_meth = swaps[place].ours;
        }
        if (lock_type->tp_new != NULL) {
            lock_new = lock_type->tp_new;
            swap_new(lock_type, lock_new, our_lock_new);
        }
        rlock_new = rlock_type->tp_new;
        swap_new(rlock_type, rlock_new, our_rlock_new);
        swapped = true;
        ready_in = getpid();
    }
    Py_RETURN_TRUE;
}

/* locks_uninstall(): the methods are as they were. */
PyObject *
locks_uninstall(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (swapped) {
        put_back();
        creation_stop();
        telling_stop();
        remade_count = 0;
    }
    Py_RETURN_NONE;
}

/* locks_forked(): locks that were made anew are held no longer. */
PyObject *
locks_forked(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    core_lock();
    ready_in = getpid();
    while (remade_count != 0) {
        uint64_t sync = remade[--remade_count];
        if (run_here() != 0) {
            tell_freed(sync);
        }
    }
    core_unlock();
    Py_RETURN_NONE;
}
