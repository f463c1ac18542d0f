/* Synchronisation objects: the clocks that releases leave for acquires. The twin of the edges in
   raceway/detector/detector.py. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    Clock clock;
    PyObject *kind; /* owned; NULL for one that nobody named */
    PyObject *file; /* owned */
    Clock bare; /* what releases leave without hand-overs through plain containers; empty: no other than `clock` */
    Clock firm; /* what releases leave that are not those of a lock, or of one that others than its taker free */
    LockUse use;
    int line;
    bool signal; /* another actor than its taker freed it */
    uint32_t taken_at; /* place in the run */
    uint64_t releaser; /* actor that released it last, whose clock this is; 0 when it is that of several */
    bool released;
    bool heard; /* another actor is ordered after that release */
    bool goes_on; /* its releaser took it again, in the epoch that the release had ended */
    bool named; /* a finding will name it: its place stays */
} Sync;

static Table syncs;
static Pool pool;

#define REMEMBERED 4096 /* of raceway/detector/syncs.py */

/* Dead ones whose places stay for a while: what was done under them can still race. A ring, the oldest is forgotten. */
static uint64_t dead[REMEMBERED];
static uint32_t dead_count;

static Sync *
sync_of(uint64_t serial)
{
    Sync *sync = table_get(&syncs, serial);
    if (sync == NULL) {
        sync = pool_take(&pool, sizeof(Sync));
        if (sync == NULL || !table_put(&syncs, serial, sync)) {
            pool_give(&pool, sync);
            failures++;
            return NULL;
        }
    }
    return sync;
}

uint64_t
sync_new(PyObject *kind, PyObject *file, int line)
{
    uint64_t serial = new_serial();
    Sync *sync = sync_of(serial);
    if (sync != NULL) {
        sync->kind = Py_XNewRef(kind);
        sync->file = Py_XNewRef(file);
        sync->line = line;
    }
    if (unlikely(telling)) {
        teller_edge(TELL_NAME, NULL, serial, kind, file, line);
    }
    return serial;
}

/* Take over what was left at `sync`; false when there is nothing that the actor did not leave there itself. */
static bool
take_over(Thread *thread, uint64_t serial, bool lock)
{
    Sync *sync = table_get(&syncs, serial);
    if (sync == NULL) {
        return false;
    }
    if (unlikely(!clock_is_empty(&sync->firm))) {
        actor_learn(thread->actor, &sync->firm);
    }
    if (sync->releaser == thread->actor->serial) {
        if (unlikely(thread->apart) && sync->released) {
            jobs_hear_own(thread->actor, clock_get(&sync->clock, thread->actor->slot), lock);
        }
        return false;
    }
    if (unlikely(sync->goes_on)) { /* somebody asks who does not take the lock */
        return actor_seen_now(thread, sync->releaser);
    }
    if (!sync->released) {
        return false;
    }
    sync->heard = true;
    actor_after(thread->actor, &sync->clock, &sync->bare);
    return true;
}

/* The actor now happens after every release of `sync` so far. */
void
sync_acquire(Thread *thread, uint64_t serial)
{
    if (!thread->hidden && take_over(thread, serial, false)) {
        tell_edge(TELL_ACQUIRE, thread->actor, serial);
    }
}

/* The same, drawn at the thread's next record: what it waits for happens after this tap. */
void
sync_acquire_later(Thread *thread, uint64_t serial)
{
    if (thread->due_count == thread->due_capacity) {
        int capacity = thread->due_capacity ? thread->due_capacity * 2 : 8;
        uint64_t *grown = realloc(thread->due, (size_t)capacity * sizeof(uint64_t));
        if (grown == NULL) {
            failures++;
            return;
        }
        thread->due = grown;
        thread->due_capacity = capacity;
    }
    thread->due[thread->due_count++] = serial;
}

/* The sync under which an object hands over; 0 when memory is short. */
uint64_t
sync_of_object(PyObject *target)
{
    Object *object = object_of(target);
    Extra *extra = object == NULL ? NULL : object_extra(object);
    if (extra != NULL && extra->sync == 0) {
        extra->sync = sync_new(NULL, NULL, 0);
    }
    return extra == NULL ? 0 : extra->sync;
}

/* What is left without hand-overs, where it is not the same. */
static void
leave_bare(Actor *actor, Sync *sync, bool merges)
{
    if (!merges || (clock_is_empty(&sync->bare) && clock_is_empty(&actor->bare))) {
        clock_free(&sync->bare);
        if (!clock_is_empty(&actor->bare)) {
            clock_copy(&sync->bare, actor_bare(actor));
        }
        return;
    }
    if (clock_is_empty(&sync->bare)) {
        clock_copy(&sync->bare, &sync->clock);
    }
    clock_join(&sync->bare, actor_bare(actor));
}

/* Leave the actor's clock, and raise its number. The caller sees to the thread's epoch, which has ended. */
static void
release(Thread *thread, Sync *sync, bool merge)
{
    Actor *actor = thread->actor;
    sync->heard = sync->goes_on = false;
    if (unlikely(!clock_is_empty(&sync->bare) || !clock_is_empty(&actor->bare))) {
        leave_bare(actor, sync, merge && sync->released);
    }
    if (merge && sync->released) {
        if (sync->releaser != actor->serial) {
            clock_join(&sync->clock, &actor->clock);
            sync->releaser = 0;
        }
        else {
            clock_copy(&sync->clock, &actor->clock);
        }
    }
    else {
        clock_copy(&sync->clock, &actor->clock);
        sync->releaser = actor->serial;
    }
    sync->released = true;
    clock_set(&actor->clock, actor->slot, clock_get(&actor->clock, actor->slot) + 1);
}

/* Whether the actor took what it had left there itself, and nobody else has heard of: then the epoch before goes on. */
static bool
takes_back(Thread *thread, Sync *sync, uint64_t serial)
{
    if (sync->releaser != thread->actor->serial || !sync->released || sync->heard || telling ||
        !epoch_goes_on(thread, serial)) {
        return false;
    }
    clock_free(&sync->bare);
    sync->released = false; /* what is left of the clock is room for that of the next release */
    sync->goes_on = true;
    return true;
}

/* Acquires that waited for what went before are drawn first. */
void
syncs_draw(Thread *thread)
{
    while (thread->due_count != 0) {
        sync_acquire(thread, thread->due[--thread->due_count]);
    }
}

/* Whether what was left there is all of this actor, if anything was, and as it has left it. */
bool
sync_is_only_of(uint64_t serial, const Actor *actor)
{
    const Sync *sync = table_get(&syncs, serial);
    return sync != NULL && !sync->goes_on && (!sync->released || sync->releaser == actor->serial);
}

/* Later acquires of `sync` happen after this point. */
void
sync_release(Thread *thread, uint64_t serial, bool merge)
{
    Sync *sync = thread->hidden ? NULL : sync_of(serial);
    if (sync == NULL) {
        return;
    }
    syncs_draw(thread);
    tell_edge(merge ? TELL_MERGE : TELL_RELEASE, thread->actor, serial);
    actor_leave(thread->actor, &sync->firm, merge);
    release(thread, sync, merge);
    thread_new_epoch(thread);
}

/* The actor took the lock at `frame`; `waits`: it would have waited without limit, `yields`: while its loop goes on. */
void
sync_lock_taken_as(Thread *thread, uint64_t serial, Frame *frame, bool waits, bool yields)
{
    Sync *sync = thread->hidden ? NULL : sync_of(serial);
    if (sync == NULL) {
        return;
    }
    if (!takes_back(thread, sync, serial)) {
        take_over(thread, serial, true);
    }
    if (unlikely(telling)) {
        teller_taken(thread->actor, serial, frame);
    }
    if (unlikely(thread->actor->held != 0) && waits && !alone) {
        lockorder_note(thread, frame, serial, yields);
    }
    lockwaits_taken(thread, &sync->use, serial, sync->file, sync->line, frame);
    sync->taken_at = sequence;
    actor_hold_lock(thread->actor, serial);
}

void
sync_lock_taken(Thread *thread, uint64_t serial, Frame *frame, bool waits)
{
    sync_lock_taken_as(thread, serial, frame, waits, false);
}

void
sync_lock_freed(Thread *thread, uint64_t serial)
{
    Sync *sync = thread->hidden ? NULL : sync_of(serial);
    if (sync == NULL) {
        return;
    }
    syncs_draw(thread);
    tell_edge(TELL_FREED, thread->actor, serial);
    if (unlikely(sync->signal || !lockset_has(thread->actor->held, serial))) {
        sync->signal = true;
        actor_leave(thread->actor, &sync->firm, false);
    }
    lockwaits_freed(&sync->use);
    release(thread, sync, false);
    if (likely(!sync->signal && !telling && !thread->tasked)) {
        epoch_pause(thread, serial);
    }
    else {
        thread_new_epoch(thread);
    }
    actor_drop_lock(thread->actor, serial);
}

uint32_t
sync_taken_at(uint64_t serial)
{
    const Sync *sync = table_get(&syncs, serial);
    return sync == NULL ? 0 : sync->taken_at;
}

uint64_t
sync_holder(uint64_t serial)
{
    Sync *sync = table_get(&syncs, serial);
    return sync == NULL ? 0 : sync->use.holder;
}

/* [serial] of the locks that were freed by another actor than their taker. */
PyObject *
syncs_signals(void)
{
    PyObject *found = PyList_New(0);
    for (size_t place = 0; found != NULL && syncs.entries != NULL && place <= syncs.mask; place++) {
        Sync *sync = syncs.entries[place].value;
        if (sync != NULL && sync->signal) {
            PyObject *serial = PyLong_FromUnsignedLongLong(syncs.entries[place].key);
            if (serial == NULL || PyList_Append(found, serial) < 0) {
                Py_CLEAR(found);
            }
            Py_XDECREF(serial);
        }
    }
    return found;
}

static void
sync_free(Sync *sync)
{
    clock_free(&sync->clock);
    clock_free(&sync->firm);
    clock_free(&sync->bare);
    Py_XDECREF(sync->kind);
    Py_XDECREF(sync->file);
    pool_give(&pool, sync);
}

static void
forget(uint64_t serial)
{
    Sync *sync = serial == 0 ? NULL : table_get(&syncs, serial);
    if (sync != NULL && !sync->named) {
        table_pop(&syncs, serial);
        sync_free(sync);
    }
}

/* The synchronisation object died. */
void
sync_retire(uint64_t serial)
{
    if (unlikely(tell_retired(serial))) {
        return;
    }
    Sync *sync = table_get(&syncs, serial);
    if (sync == NULL) {
        return;
    }
    tell_edge(TELL_RETIRE, NULL, serial);
    if (!sync->named && sync->line == 0) {
        forget(serial);
        return;
    }
    clock_free(&sync->clock);
    clock_free(&sync->firm);
    clock_free(&sync->bare);
    sync->released = false;
    if (!sync->named) {
        uint64_t *oldest = &dead[dead_count++ % REMEMBERED];
        forget(*oldest);
        *oldest = serial;
    }
}

void
sync_name(uint64_t serial)
{
    Sync *sync = table_get(&syncs, serial);
    if (sync != NULL) {
        sync->named = true;
    }
}

/* (file, line) where it was made, ("", 0) when that is not known. */
PyObject *
sync_place(uint64_t serial)
{
    Sync *sync = table_get(&syncs, serial);
    if (sync == NULL || sync->file == NULL) {
        return Py_BuildValue("(si)", "", 0);
    }
    return Py_BuildValue("(Oi)", sync->file, sync->line);
}

void
syncs_reset(void)
{
    for (size_t place = 0; syncs.entries != NULL && place <= syncs.mask; place++) {
        if (syncs.entries[place].value != NULL) {
            sync_free(syncs.entries[place].value);
        }
    }
    table_free(&syncs);
    memset(dead, 0, sizeof dead);
    dead_count = 0;
}
