/* Models of primitives: what locks, queues, sockets, threads and event loops hand over. A part of core.h. */
#ifndef RACEWAY_MODELS_H
#define RACEWAY_MODELS_H

/* --- syncs.c: what synchronisation objects hand over -------------------------------------------------------------- */

uint64_t sync_new(PyObject *kind, PyObject *file, int line);
void sync_acquire(Thread *thread, uint64_t sync);
void sync_acquire_later(Thread *thread, uint64_t serial);
uint64_t sync_of_object(PyObject *target);
void sync_release(Thread *thread, uint64_t sync, bool merge);
void syncs_draw(Thread *thread);
void sync_lock_taken(Thread *thread, uint64_t sync, Frame *frame, bool waits);
void sync_lock_taken_as(Thread *thread, uint64_t serial, Frame *frame, bool waits, bool yields);
void sync_lock_freed(Thread *thread, uint64_t sync);
void sync_retire(uint64_t sync);
void syncs_reset(void);
PyObject *sync_place(uint64_t sync);
void sync_name(uint64_t sync);
uint32_t sync_taken_at(uint64_t sync); /* the place in the run of the last access before it was taken */
uint64_t sync_holder(uint64_t sync); /* the actor that has the lock, 0 for none */
bool sync_is_only_of(uint64_t sync, const Actor *actor);
PyObject *syncs_signals(void);
PyObject *locks_tuple(Lockset locks);

/* --- lockorder.c: which locks were taken while which were held ----------------------------------------------------- */

void lockorder_note(Thread *thread, Frame *frame, uint64_t taken, bool yields);
void marks_join(Marks *marks, const Marks *others);
void marks_clear(Marks *marks);
uint64_t lockorder_noted(void);
PyObject *lockorder_dump(void);
void lockorder_reset(void);

/* --- lockwaits.c: who waits for which lock, and for how long -------------------------------------------------------- */

/* What is known of the present use of a lock. */
typedef struct {
    uint64_t holder; /* actor, 0 while it is free */
    struct Origin *origin; /* borrowed; NULL until it is taken */
    struct Place *hold; /* borrowed: where the hold began that is timed */
    uint64_t hold_began;
} LockUse;

/* One actor of a cycle of waits. */
typedef struct {
    uint64_t actor, sync, holder;
    Lockset held; /* owned */
    Stack stack; /* owned */
} Member;

void lockwaits_taken(Thread *thread, LockUse *use, uint64_t sync, PyObject *file, int line, Frame *frame);
void lockwaits_freed(LockUse *use);
bool lockwaits_begin(Thread *thread, uint64_t sync, bool limited, Frame *frame);
void lockwaits_end(Thread *thread, uint64_t sync, bool taken);
void lockwaits_stuck(void);
PyObject *lockwaits_listen(PyObject *module, PyObject *function);
PyObject *lockwaits_deadlocks(void);
PyObject *lockwaits_waiting(void);
PyObject *lockwaits_contention(void);
void lockwaits_reset(void);

/* --- telling.c: whom models of primitives tell: the core, or, in tests, an object of Python ------------------------ */

bool telling_start(PyObject *listener); /* NULL: the core itself */
void telling_stop(void);
uint64_t tell_new(PyObject *kind, PyObject *file, int line);
void tell_taken(uint64_t sync, bool waits);
void tell_freed(uint64_t sync);
void tell_acquire(uint64_t sync);
void tell_release(uint64_t sync, bool merge);
bool tell_job(uint64_t queue);
bool tell_asking(void);
uint64_t tell_fork(PyObject *name);
void tell_begin(uint64_t actor);
uint64_t tell_current(void);
void tell_end(void);
void tell_join(uint64_t actor);
void tell_rename(uint64_t actor, PyObject *name);
bool tell_waiting(uint64_t sync, bool limited);
void tell_waited(uint64_t sync, bool was_taken);
bool tell_retired(uint64_t sync); /* false: the core knows it */

/* --- outermost.c: the program without the frames that started it ------------------------------------------------- */

PyObject *outermost(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* --- creation.c: who makes or uses a primitive, told from the calling frames -------------------------------------- */

typedef struct {
    PyObject *file; /* borrowed from `code`, NULL when nobody of the program asked */
    int line;
} Maker;

bool creation_start(PyObject *quiet, PyObject *passed, PyObject *uses);
void creation_stop(void);
PyObject *module_of(Frame *frame); /* borrowed; NULL without a name */
bool is_quiet(PyObject *module);
bool is_in_pool(Frame *frame);
bool is_chaining(Frame *frame);
bool is_module(PyObject *module, const char *name);
Frame *asker_of_lock(Frame *frame);
Frame *asker_of_rlock(Frame *frame);
Frame *asker_of_semaphore(Frame *frame);
Frame *taker_of_lock(Frame *frame);
bool is_used_by_queue(Frame *frame);
Frame *user_of_wrapper(Frame *frame);
bool is_within(Frame *frame, const char *first, const char *second);
Frame *asker_of_verb(Frame *frame);
Maker maker_of(Frame *frame);
void creation_first_use(PyObject *module);

/* --- locks.c: Lock and RLock, observed at their types -------------------------------------------------------------- */

enum { LOCK_KNOWN = 1, LOCK_MUTEX = 2, LOCK_LOUD = 4, LOCK_OUTSIDE = 8, LOCK_ASKS = 16 };

PyObject *locks_install(PyObject *module, PyObject *args);
PyObject *locks_uninstall(PyObject *module, PyObject *nothing);
PyObject *locks_forked(PyObject *module, PyObject *nothing);
void gets_ready(void);
PyObject *limits_follow(PyObject *native, PyObject *module);
PyObject *insist(PyObject *module, PyObject *signal_number);
PyObject *insist_no_more(PyObject *module, PyObject *nothing);

extern PyTypeObject *cached_property_type; /* NULL: not known yet */
PyObject *caches_install(PyObject *module, PyObject *args);
PyObject *caches_uninstall(PyObject *module, PyObject *nothing);
Extra *lock_extra(PyObject *lock);

/* The arguments of a call. */
typedef struct {
    PyObject *const *args; /* those with names last; the caller holds them */
    Py_ssize_t given; /* without names */
    PyObject *names; /* a tuple or NULL */
} Called;

/* --- queues.c: the channel beside a queue --------------------------------------------------------------------------- */

extern PyTypeObject Channel_Type;
bool queues_ready(void);
bool queue_put(PyObject *not_empty);
bool queue_got(PyObject *not_full);

/* --- lingering.c: threads that switch often ---------------------------------------------------------------------------- */

extern bool lingering;
void linger(void);
PyObject *native_lingering(PyObject *module, PyObject *often);

/* --- sockets.c: the two directions of connections within the process ------------------------------------------------ */

typedef struct Connection Connection;

void connection_free(Connection *connection);
bool socket_sending(PyObject *socket);
bool socket_received(PyObject *socket);
PyObject *sockets_install(PyObject *module, PyObject *otherwise);
PyObject *sockets_called(PyObject *module, PyObject *const *ports, Py_ssize_t count);
PyObject *socket_closing(PyObject *module, PyObject *socket);

/* --- pollers.c: who registers a descriptor with a polling object, and who is told of it ----------------------------- */

void poller_registering(PyObject *const *args, Py_ssize_t given, PyObject *names);
void poller_forgetting(PyObject *const *args, Py_ssize_t given, PyObject *names);
void poller_polled(const Called *called, PyObject *result);
PyObject *pollers_install(PyObject *module, PyObject *nothing);

/* --- databases.c: what was committed to files ------------------------------------------------------------------------ */

bool databases_ready(PyObject *module);
bool is_database(PyObject *object); /* a connection, which sqlite3 calls to make the statements that it keeps */
PyObject *database_words(PyObject *module, PyObject *sql);

/* --- futures.c: futures, told of what is written in them ------------------------------------------------------------ */

void future_state_read(PyObject *future, PyObject *state);
bool future_state_written(PyObject *future, PyObject *old, PyObject *state);
void future_waiters_read(PyObject *future, PyObject *waiters);
void future_callbacks_read(PyObject *future, PyObject *callbacks);

/* --- threads.c: actors of thread objects ------------------------------------------------------------------------------ */

bool thread_starting(PyObject *bootstrap);
void thread_retired(uint64_t actor);
PyObject *thread_begun(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_ended(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_joined(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_seen_alive(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_renamed(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *threads_install(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *threads_uninstall(PyObject *module, PyObject *nothing);
PyObject *native_thread_actor(PyObject *module, PyObject *thread);
PyObject *native_thread_known(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_thread_actors(PyObject *module, PyObject *nothing);

/* --- loopobjects.c: objects that belong to an event loop, and who uses them --------------------------------------------- */

PyObject *loop_objects(PyObject *module, PyObject *told);
PyObject *loop_queue_taken(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *loop_waits(PyObject *module, PyObject *object);
void loop_object_read(PyObject *object, PyObject *value);
bool loop_object_written(PyObject *object, PyObject *old, PyObject *value);
bool loop_future_used(PyObject *future);

/* --- semaphores.c: the counter of a semaphore, as far as C tells of it ------------------------------------------------ */

bool semaphore_counting(PyObject *semaphore, PyObject *old, PyObject *value);

/* --- events.c --------------------------------------------------------------------------------------------------------- */

PyObject *event_setting(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *event_seen_set(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* --- patching.c: models beside functions and attributes ------------------------------------------------------------- */

/* What every object begins with that stands in for a function. */
typedef struct {
    PyObject_HEAD
    PyObject *real; /* owned */
} StandIn;

bool settled(void); /* false: there is an exception that is not for us */
PyObject *stand_in_get(PyObject *self, PyObject *instance, PyObject *type);
PyObject *stand_in_getattr(PyObject *self, PyObject *name);
PyObject *stand_in_repr(PyObject *self);
PyObject *stand_in_doc(PyObject *self, void *nothing);
extern PyTypeObject Around_Type;
extern PyTypeObject Watched_Type;

/* --- builtins.c: functions of C that something else is called for ------------------------------------------------------ */

PyObject *native_original(PyObject *module, PyObject *function);
PyObject *native_redirect(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_alike(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* --- imports.c: what bodies of modules did ---------------------------------------------------------------------------- */

void module_imported(const Called *called, PyObject *module);
extern PyTypeObject Imports_Type;

/* --- loops.c: what event loops run -------------------------------------------------------------------------------- */

PyObject *loop_release(PyObject *module, PyObject *loop);
bool loops_ready(PyObject *module);

#endif
