/* Synchronisation objects: the clocks that releases leave for acquires. The twin of the edges in
   raceway/detector/detector.py. */
#include "core.h"

#include <stdlib.h>

typedef struct {
    Clock clock;
    PyObject *kind; /* owned; NULL for one that nobody named */
    PyObject *file; /* owned */
    int line;
    uint64_t releaser; /* actor that released it last, whose clock this is; 0 when it is that of several */
    bool released;
    bool named; /* a finding will name it: its place stays */
} Sync;

static Table syncs;

static Sync *
sync_of(uint64_t serial)
{
    Sync *sync = table_get(&syncs, serial);
    if (sync == NULL) {
        sync = calloc(1, sizeof(Sync));
        if (sync == NULL || !table_put(&syncs, serial, sync)) {
            free(sync);
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
    return serial;
}

/* The actor now happens after every release of `sync` so far. */
void
sync_acquire(Thread *thread, uint64_t serial)
{
    Sync *sync = table_get(&syncs, serial);
    /* What the actor itself left there it knows. */
    if (sync != NULL && sync->released && sync->releaser != thread->actor->serial) {
        clock_join(&thread->actor->clock, &sync->clock);
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

/* Later acquires of `sync` happen after this point. */
void
sync_release(Thread *thread, uint64_t serial, bool merge)
{
    Sync *sync = sync_of(serial);
    if (sync == NULL) {
        return;
    }
    while (thread->due_count != 0) {
        sync_acquire(thread, thread->due[--thread->due_count]);
    }
    Actor *actor = thread->actor;
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
    thread_new_epoch(thread);
}

void
sync_lock_taken(Thread *thread, uint64_t serial)
{
    sync_acquire(thread, serial);
    actor_hold_lock(thread->actor, serial);
}

void
sync_lock_freed(Thread *thread, uint64_t serial)
{
    sync_release(thread, serial, false);
    actor_drop_lock(thread->actor, serial);
}

static void
sync_free(Sync *sync)
{
    clock_free(&sync->clock);
    Py_XDECREF(sync->kind);
    Py_XDECREF(sync->file);
    free(sync);
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
    if (sync->named) {
        clock_free(&sync->clock);
        sync->released = false;
        return;
    }
    table_pop(&syncs, serial);
    sync_free(sync);
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
}
