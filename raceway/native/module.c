/* The module raceway._native: start and stop of a run, and what is asked of it at the end. */
#include "loops.h"

#include <pthread.h>
#include <string.h>

#if RW_FREE_THREADED

static PyMutex mutex;
static _Thread_local int depth;

#ifdef __SANITIZE_THREAD__ /* which sees no lock that the interpreter takes or hands over */
void __tsan_acquire(void *lock);
void __tsan_release(void *lock);
#define TSAN_TAKEN(lock) __tsan_acquire(lock)
#define TSAN_FREED(lock) __tsan_release(lock)
#else
#define TSAN_TAKEN(lock)
#define TSAN_FREED(lock)
#endif

/* Waiting lets go of the thread's state, so that who stops the world need not wait for us (PEP 703). A thread that is
   in the core already may come in again: letting go of an object frees it. */
void
core_lock(void)
{
    if (depth++ == 0) {
        PyMutex_Lock(&mutex);
        TSAN_TAKEN(&mutex);
        identity_settle();
    }
}

#define DROPPED 32

static _Thread_local PyObject *dropped[DROPPED]; /* owned */
static _Thread_local int dropped_count;

void
core_drop(PyObject *object)
{
    if (dropped_count == DROPPED) {
        Py_DECREF(object);
        return;
    }
    dropped[dropped_count++] = object;
}

void
core_unlock(void)
{
    if (--depth != 0) {
        return;
    }
    TSAN_FREED(&mutex);
    PyMutex_Unlock(&mutex);
    while (unlikely(dropped_count != 0)) {
        Py_DECREF(dropped[--dropped_count]);
    }
}

/* A child begins with the lock as it was when the process forked. os.fork() stops the world first: who holds the lock
   then is suspended within the core, and what it was about to change stays half changed in the child, which therefore
   records nothing. */
static _Thread_local bool held_for_fork;

static void
before_fork(void)
{
    uint8_t unlocked = 0;
    held_for_fork = depth != 0 || __atomic_compare_exchange_n(&mutex._bits, &unlocked, _Py_LOCKED, false,
                                                              __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void
after_fork_in_parent(void)
{
    if (held_for_fork && depth == 0) {
        PyMutex_Unlock(&mutex);
    }
}

static void
after_fork_in_child(void)
{
    mutex = (PyMutex){depth == 0 ? 0 : _Py_LOCKED};
    if (!held_for_fork) {
        __atomic_store_n(&recording, 0, __ATOMIC_RELAXED);
    }
}

bool
core_guard_forks(void)
{
    static bool guarded;
    guarded = guarded || pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
    return guarded;
}

#endif

static uint64_t runs;

static void
forget_all(void)
{
    __atomic_store_n(&recording, 0, __ATOMIC_RELAXED);
    replay_reset();
    races_reset();
    identity_stop();
    lockorder_reset();
    lockwaits_reset();
    actors_reset();
    syncs_reset();
    shadow_reset();
    variables_reset();
    sites_reset();
    contracts_reset();
    teller_reset();
    contexts_reset();
    locksets_reset();
    stacks_reset();
}

/* start(table, containers, sequences, folder of Raceway): begin a run. */
static PyObject *
native_start(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *table, *types, *sequences, *folder = NULL;
    if (!PyArg_ParseTuple(args, "O!O!O!|U", &PyTuple_Type, &table, &PyTuple_Type, &types, &PyTuple_Type, &sequences,
                          &folder)) {
        return NULL;
    }
    if (recording != 0) {
        PyErr_SetString(PyExc_RuntimeError, "a run of the native core is going on already");
        return NULL;
    }
    core_lock();
    forget_all(); /* what a run has left that nobody let go of */
    core_unlock();
    if (!contexts_reset() || !identity_start()) {
        PyErr_SetString(PyExc_MemoryError, "no address space for the shadow of the heap; is it limited (ulimit -v)?");
        return NULL;
    }
    if (!contracts_load(table, types, sequences) || !accesses_start()) {
        identity_stop();
        return NULL;
    }
    stacks_start(folder);
    failures = 0;
    alone = true;
    if (!teller_start()) {
        identity_stop();
        return NULL;
    }
    core_lock();
    __atomic_store_n(&recording, ++runs, __ATOMIC_RELAXED);
    uint64_t main = new_serial();
    thread_begin(main);
    imports_sync = sync_new(NULL, NULL, 0);
    core_unlock();
    return PyLong_FromUnsignedLongLong(main);
}

/* stop(): record no more; what was found stays until `forget`. */
static PyObject *
native_stop(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    __atomic_store_n(&recording, 0, __ATOMIC_RELAXED);
    threads_stop();
    core_unlock();
    Py_RETURN_NONE;
}

/* forget(): let go of all that the run knew. */
static PyObject *
native_forget(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    forget_all();
    core_unlock();
    Py_RETURN_NONE;
}

/* records(): the addresses of all objects that have records, and whether the allocator is wrapped; for tests. */
static PyObject *
native_records(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    PyObject *addresses = identity_addresses();
    bool at_allocator = deaths_at_allocator();
    core_unlock();
    return addresses == NULL ? NULL : Py_BuildValue("(NO)", addresses, at_allocator ? Py_True : Py_False);
}

/* add_sites(columns): number of the first; for replayed traces. */
static PyObject *
native_add_sites(PyObject *module, PyObject *columns)
{
    (void)module;
    uint32_t first;
    if (!PyTuple_Check(columns)) {
        PyErr_SetString(PyExc_TypeError, "add_sites(columns)");
        return NULL;
    }
    core_lock();
    bool done = sites_add(columns, &first);
    core_unlock();
    return done ? PyLong_FromUnsignedLong(first) : NULL;
}

static PyObject *
dumped(PyObject *(*dump)(void))
{
    core_lock();
    PyObject *found = dump();
    core_unlock();
    return found;
}

static PyObject *
native_races(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    return dumped(races_dump);
}

static PyObject *
native_noted(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    uint64_t noted = races_noted() + lockorder_noted();
    core_unlock();
    return PyLong_FromUnsignedLongLong(noted);
}

static PyObject *
native_activity(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    return dumped(threads_activity);
}

static PyObject *
native_actors(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    return dumped(actors_dump);
}

static PyObject *
native_variables_read(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    return dumped(variables_read_now);
}

static PyObject *
native_has_acted(PyObject *module, PyObject *site)
{
    (void)module;
    unsigned long number = PyLong_AsUnsignedLong(site);
    if (number == (unsigned long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    core_lock();
    bool acted = number < sites_count && sites[number].acted;
    core_unlock();
    return PyBool_FromLong(acted);
}

static PyObject *
native_lock_place(PyObject *module, PyObject *sync)
{
    (void)module;
    unsigned long long serial = PyLong_AsUnsignedLongLong(sync);
    if (serial == (unsigned long long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    core_lock();
    PyObject *place = sync_place(serial);
    core_unlock();
    return place;
}

/* locks(): (orders, signals, deadlocks, waiting, contention), as raceway/model/locks.py has them. */
static PyObject *
native_locks(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    PyObject *found = Py_BuildValue("(NNNNN)", lockorder_dump(), syncs_signals(), lockwaits_deadlocks(),
                                    lockwaits_waiting(), lockwaits_contention());
    core_unlock();
    return found;
}

/* counters(): (accesses, actors, shared locations, failures). */
static PyObject *
native_counters(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    PyObject *found = Py_BuildValue("(KKKK)", (unsigned long long)threads_accesses(), (unsigned long long)actors_seen(),
                                    (unsigned long long)shared_locations, (unsigned long long)failures);
    core_unlock();
    return found;
}

static PyObject *
native_after_fork(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    actors_after_fork();
    notice_after_fork();
    teller_after_fork();
    bool records = __atomic_load_n(&recording, __ATOMIC_RELAXED) != 0;
    core_unlock();
    return PyBool_FromLong(records);
}

static PyObject *
native_hide_thread(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    core_lock();
    bool done = thread_hide();
    core_unlock();
    if (!done) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

#define FASTCALL(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef module_methods[] = {
    {"start", native_start, METH_VARARGS, "Begin a run; gives the serial of the calling actor."},
    {"stop", native_stop, METH_NOARGS, "Record no more."},
    {"forget", native_forget, METH_NOARGS, "Let go of all that the run knew."},
    {"records", native_records, METH_NOARGS, "The addresses of objects with records, and whether the allocator is wrapped."},
    {"bind", FASTCALL(native_bind), METH_FASTCALL,
     "Put live taps into code at the places that are listed; gives the number of the first site."},
    {"stored", FASTCALL(native_stored), METH_FASTCALL,
     "What a file of the cache holds, None when it is not there, not whole, or of another version."},
    {"stamp", native_stamp, METH_O, "Size of a file and times of its changes, None when that cannot be told."},
    {"is_link", native_is_link, METH_O, "Whether a path is that of a symbolic link."},
    {"digest", native_digest, METH_O, "Eight bytes that tell whether other bytes have changed."},
    {"event_line", FASTCALL(native_event_line), METH_FASTCALL, "The line of an event from its parts."},
    {"access_tag", FASTCALL(native_access_tag), METH_FASTCALL, "The tag of a told access."},
    {"keep_arguments", FASTCALL(native_keep_arguments), METH_FASTCALL, "Copies of arguments, None where they are much."},
    {"keep_with", native_keep_with, METH_VARARGS, "What values are kept with, from here on."},
    {"keep", FASTCALL(native_keep), METH_FASTCALL, "A value so kept that it does not change any more."},
    {"mark_with", native_mark_with, METH_VARARGS, "What marks are made with, from here on."},
    {"mark", FASTCALL(native_mark), METH_FASTCALL, "Count an event of the flow that is calling, and tell what it was."},
    {"snapshot", FASTCALL(native_snapshot), METH_FASTCALL, "A copy of a value as JSON, and whether it is whole."},
    {"add_sites", native_add_sites, METH_O, "Register sites; gives the number of the first."},
    {"feed", replay_feed, METH_O, "Apply one record of a trace."},
    {"races", native_races, METH_NOARGS, "All raw races so far."},
    {"noted", native_noted, METH_NOARGS, "How many races and orders of locks were noted, those alike each time."},
    {"on_race", notice_listen, METH_O, "Have something called, on a thread of ours, when there are new races."},
    {"activity", native_activity, METH_NOARGS, "Accesses by actor, of threads that are still there."},
    {"actors", native_actors, METH_NOARGS, "Names of actors by serial."},
    {"variables_read", native_variables_read, METH_NOARGS, "Variables that an access read."},
    {"has_acted", native_has_acted, METH_O, "Whether the site was reached."},
    {"lock_place", native_lock_place, METH_O, "File and line where a lock was made."},
    {"locks", native_locks, METH_NOARGS, "What is known of locks beyond races."},
    {"listen", lockwaits_listen, METH_O, "Call this with a deadlock that has lasted; None: nobody."},
    {"counters", native_counters, METH_NOARGS, "Accesses, actors, shared locations, failures."},
    {"outermost", (PyCFunction)(void (*)(void))outermost, METH_FASTCALL, "Call something without callers of its own."},
    {"tell", native_tell, METH_VARARGS, "From the next start on, collect what `told` gives; every access, values too."},
    {"doubts_of", native_doubts_of, METH_O, "Rows of the races between two jobs of an actor that are to be judged."},
    {"jobs_judging", jobs_judging, METH_VARARGS, "Have these called when what is in doubt of a worker's jobs is to be judged."},
    {"told", native_told, METH_VARARGS, "What there is to tell since the last time, as values of the three classes."},
    {"untold", native_untold, METH_NOARGS, "How much was dropped since nobody asked in time."},
    {"hide_thread", native_hide_thread, METH_NOARGS, "The calling thread is one of ours: it is no actor."},
    {"after_fork", native_after_fork, METH_NOARGS, "In a forked child: the other threads are gone. Whether it records."},
    {"locks_install", locks_install, METH_VARARGS, "Observe Lock and RLock; False where their types are not known."},
    {"locks_uninstall", locks_uninstall, METH_NOARGS, "Put back the methods of Lock and RLock."},
    {"original", native_original, METH_O, "What is called for a function of a C module now; None where that is fixed."},
    {"redirect", FASTCALL(native_redirect), METH_FASTCALL, "Have something else called for a function of a C module."},
    {"alike", FASTCALL(native_alike), METH_FASTCALL, "A function that looks like one of a C module and calls something else."},
    {"caches_install", caches_install, METH_VARARGS, "Observe functools.lru_cache; False where its type is not known."},
    {"caches_uninstall", caches_uninstall, METH_NOARGS, "Put back the slots of functools.lru_cache."},
    {"event_setting", FASTCALL(event_setting), METH_FASTCALL, "An event is about to be set."},
    {"event_seen_set", FASTCALL(event_seen_set), METH_FASTCALL, "An event was looked at."},
    {"sockets_install", sockets_install, METH_O, "Have this called with sockets about to be closed that are not known to C."},
    {"sockets_called", FASTCALL(sockets_called), METH_FASTCALL, "This process has called these ports."},
    {"socket_closing", socket_closing, METH_O, "A socket is about to be closed."},
    {"pollers_install", pollers_install, METH_NOARGS, "Forget who has registered what with polling objects."},
    {"database_words", database_words, METH_O, "The first two words of a statement; for tests."},
    {"threads_install", FASTCALL(threads_install), METH_FASTCALL, "Have the models of threads call these."},
    {"threads_uninstall", threads_uninstall, METH_NOARGS, "Forget what was installed."},
    {"thread_begun", FASTCALL(thread_begun), METH_FASTCALL, "The calling thread runs the thread from here on."},
    {"thread_ended", FASTCALL(thread_ended), METH_FASTCALL, "The calling thread has run the thread to its end."},
    {"thread_joined", FASTCALL(thread_joined), METH_FASTCALL, "The thread was waited for, perhaps in vain."},
    {"thread_seen_alive", FASTCALL(thread_seen_alive), METH_FASTCALL, "It was asked whether the thread is alive."},
    {"thread_renamed", FASTCALL(thread_renamed), METH_FASTCALL, "The thread got another name."},
    {"thread_actor", native_thread_actor, METH_O, "The actor of a thread object, None when it has none."},
    {"thread_known", FASTCALL(native_thread_known), METH_FASTCALL, "The thread, not announced, is this actor."},
    {"thread_actors", native_thread_actors, METH_NOARGS, "The actors of all thread objects that are there."},
    {"lingering", native_lingering, METH_O, "Whether threads linger when they have let go of a lock."},
    {"locks_forked", locks_forked, METH_NOARGS, "In a forked child: tell of locks that were made anew."},
    {"limits_follow", limits_follow, METH_O, "The program has imported the module `resource`."},
    {"insist", insist, METH_O, "Send a signal again until its handler, which is Python's, has run."},
    {"insist_no_more", insist_no_more, METH_NOARGS, "The handler runs."},
    {"loop_objects", loop_objects, METH_O, "Whom to tell who uses what belongs to an event loop."},
    {"loop_waits", loop_waits, METH_O, "A task is about to wait for something of a loop."},
    {"loop_queue_taken", (PyCFunction)(void (*)(void))loop_queue_taken, METH_FASTCALL, "Something was taken out of a queue of a loop."},
    {"loop_release", loop_release, METH_O, "A callback is about to be handed to the loop."},
    {"eager_install", eager_install, METH_O, "Tell of the first steps of tasks that begin when they are made."},
    {"eager_uninstall", eager_uninstall, METH_NOARGS, "Tell of them no longer."},
    {"task_serial", task_serial, METH_O, "The serial of a task, 0 when it is not known."},
    {"task_note", task_note, METH_VARARGS, "A task has this serial; with 0 it is over."},
    {NULL, NULL, 0, NULL},
};

static int
module_exec(PyObject *module)
{
    main_interpreter = PyInterpreterState_Main();
    if (PyInterpreterState_Get() != main_interpreter) {
        PyErr_SetString(PyExc_ImportError, "raceway._native works in the main interpreter only; use the pure core");
        return -1;
    }
#if RW_FREE_THREADED
    if (!core_guard_forks()) {
        PyErr_NoMemory();
        return -1;
    }
#endif
    gets_ready();
    if (!taps_ready(module) || PyType_Ready(&Recorder_Type) < 0 || PyType_Ready(&PeekProbe_Type) < 0 ||
        PyType_Ready(&Around_Type) < 0 || PyType_Ready(&Intake_Type) < 0 || PyType_Ready(&Watched_Type) < 0 ||
        !recorder_ready(module) || !queues_ready() || !loops_ready(module) || !callbacks_ready(module) ||
        !steps_ready(module) || !databases_ready(module)) {
        return -1;
    }
    if (PyModule_AddObjectRef(module, "Recorder", (PyObject *)&Recorder_Type) < 0 ||
        PyModule_AddObjectRef(module, "PeekProbe", (PyObject *)&PeekProbe_Type) < 0 ||
        PyModule_AddObjectRef(module, "Channel", (PyObject *)&Channel_Type) < 0 ||
        PyModule_AddObjectRef(module, "Around", (PyObject *)&Around_Type) < 0 ||
        PyModule_AddObjectRef(module, "Intake", (PyObject *)&Intake_Type) < 0 ||
        PyModule_AddObjectRef(module, "Watched", (PyObject *)&Watched_Type) < 0 ||
        PyModule_AddIntConstant(module, "PEEK", RW_PEEK) < 0 ||
        PyModule_AddIntConstant(module, "FREE_THREADED", RW_FREE_THREADED) < 0 ||
        PyModule_AddIntConstant(module, "PROFILED", RW_PROFILED) < 0) {
        return -1;
    }
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "raceway._native",
    .m_doc = "The native detection core.",
    .m_methods = module_methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&module_definition);
}
