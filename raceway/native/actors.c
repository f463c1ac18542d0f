/* Actors, and what each thread keeps to itself between taps: the twin of raceway/runtime/actors.py and of the actors in
   raceway/detector/detector.py. */
#include "core.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ENDED_LIMIT 4096 /* ended actors that are remembered for a join that may still come */
#define WHOLE_LIMIT 16 /* of these, the ones whose clocks are kept whole */
#define LEARNED_LIMIT 16 /* who has learned more than so many numbers keeps its clock, whose chunks are shared */

/* Of a thread that has no part in the run: no context is of its epoch. Nothing is written here. */
static Thread nobody;
_Thread_local Thread *own_thread __attribute__((tls_model("initial-exec"))) = &nobody;

#define IDLE 8 /* states that are kept for threads to come: they are large */

static Thread *threads;
static Thread *idle; /* of no thread */
static int idle_count;
static Table actors;
static Pool pool; /* of actors */
static uint64_t ended[ENDED_LIMIT + 1]; /* a ring */
static uint32_t ended_first, ended_count;
static uint64_t accesses_of_ended;
static uint64_t seen;
static uint32_t next_tag = TAG_STEP;
static bool tags_wrapped; /* an idle thread may still have one that comes again */
static Actor *main_actor;
static pthread_key_t exit_key;
static bool exit_key_made;

static void
leave(void *thread)
{
    /* The GIL is not held here: the next thread that begins frees it. */
    __atomic_store_n(&((Thread *)thread)->over, true, __ATOMIC_RELEASE);
}

/* Nothing of what the thread had noted is left. */
static void
thread_clear(Thread *thread)
{
    contexts_end_epoch(thread);
    stack_memo_clear(&thread->memo);
    stack_memo_clear(&thread->near);
    for (uint32_t some = thread->heads_noted; some != 0; some &= some - 1) {
        Head *heads = &thread->heads[__builtin_ctz(some) * (HEADS / 32)];
        for (int place = 0; place < HEADS / 32; place++) {
            lockset_drop(heads[place].locks);
        }
        memset(heads, 0, HEADS / 32 * sizeof(Head));
    }
    thread->heads_noted = 0;
    thread->tasked = false;
    thread->claimed = thread->closed = 0;
    memset(thread->heard, 0, sizeof thread->heard);
    lockset_drop(thread->outer);
    thread->outer = 0;
    thread->task = NULL;
    thread->accesses = 0;
    thread->jobs = thread->asked = thread->doubtful = 0;
    thread->due_count = thread->apart = 0;
    thread->pending_count = 0;
}

static void
thread_free(Thread *thread)
{
    accesses_of_ended += thread->accesses;
    thread_clear(thread);
    if (thread->hidden) {
        pool_give(&pool, thread->actor);
    }
    else if (thread->actor != NULL) {
        thread->actor->references--;
    }
    if (idle_count < IDLE) { /* what is left in it is of epochs that are over */
        thread->actor = NULL;
        thread->owner = NULL;
        thread->fresh = NULL;
        thread->access = 0;
        thread->hidden = thread->replayed = thread->over = false;
        thread->next = idle;
        idle = thread;
        idle_count++;
        return;
    }
    free(thread->contexts);
    free(thread->due);
    free(thread);
}

/* The state of a thread that has done nothing yet, in the list of all; NULL when memory is short. */
static Thread *
thread_new(void)
{
    Thread *thread = idle;
    if (thread != NULL) {
        idle = thread->next;
        idle_count--;
    }
    else if ((thread = calloc(1, sizeof(Thread))) == NULL) {
        return NULL;
    }
    thread->next = threads;
    threads = thread;
    return thread;
}

static void
reap(void)
{
    Thread **link = &threads;
    while (*link != NULL) {
        Thread *thread = *link;
        if (__atomic_load_n(&thread->over, __ATOMIC_ACQUIRE)) {
            *link = thread->next;
            thread_free(thread);
        }
        else {
            link = &thread->next;
        }
    }
}

Actor *
actor_find(uint64_t serial)
{
    return table_get(&actors, serial);
}

/* The actor of this serial, made when nobody announced it. NULL when memory is short. */
Actor *
actor_get(uint64_t serial)
{
    Actor *actor = table_get(&actors, serial);
    if (actor != NULL) {
        return actor;
    }
    actor = pool_take(&pool, sizeof(Actor));
    if (actor == NULL || !table_put(&actors, serial, actor)) {
        pool_give(&pool, actor);
        failures++;
        return NULL;
    }
    Epoch epoch = slots_take();
    seen++;
    actor->serial = serial;
    actor->slot = epoch.slot;
    clock_set(&actor->clock, epoch.slot, epoch.number);
    clock_copy(&actor->inherited, &actor->clock);
    return actor;
}

static void
actor_free(Actor *actor)
{
    clock_free(&actor->clock);
    clock_free(&actor->inherited);
    free(actor->learned);
    clock_free(&actor->firm);
    clock_free(&actor->bare);
    lockset_drop(actor->held);
    stack_drop(actor->wait_stack);
    Py_XDECREF(actor->name);
    pool_give(&pool, actor);
}

/* The state of the calling thread, made when there is none; NULL when memory is short. */
static Thread *
thread_own(void)
{
    if (!exit_key_made) {
        exit_key_made = pthread_key_create(&exit_key, leave) == 0;
    }
    Thread *thread = own_thread;
    if (thread == &nobody && (thread = thread_new()) != NULL) {
        own_thread = thread;
        pthread_setspecific(exit_key, thread);
    }
    return thread;
}

/* The calling thread runs `serial` from here on; 0 stands for an actor that starts after all that main did so far. */
Thread *
thread_begin(uint64_t serial)
{
    reap();
    if (serial == 0) {
        serial = main_actor == NULL ? new_serial() : actor_fork(NULL, NULL);
    }
    Actor *actor = actor_get(serial);
    Thread *thread = thread_own();
    if (thread == NULL || actor == NULL) {
        Py_FatalError("raceway: no memory for the state of a thread");
    }
    if (thread->actor != NULL) {
        contexts_end_epoch(thread);
        thread->actor->references--;
    }
    thread->actor = actor;
    actor->references++;
    if (main_actor == NULL) {
        main_actor = actor;
    }
    thread->owner = NULL;
    thread_new_epoch(thread);
    return thread;
}

/* The calling thread runs an actor that nobody knows, of whom nothing is recorded. False when memory is short. */
bool
thread_hide(void)
{
    if (own_thread->hidden) {
        return true;
    }
    Actor *actor = pool_take(&pool, sizeof(Actor));
    Thread *thread = actor == NULL ? NULL : thread_own();
    if (thread == NULL) {
        pool_give(&pool, actor);
        return false;
    }
    actor->serial = new_serial();
    actor->slot = UINT32_MAX; /* nobody's */
    contexts_end_epoch(thread);
    if (thread->actor != NULL) {
        thread->actor->references--;
    }
    thread->actor = actor;
    thread->hidden = true;
    thread_new_epoch(thread);
    return true;
}

Thread *
thread_for(uint64_t serial)
{
    Actor *actor = actor_get(serial);
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread->actor == actor) {
            return thread;
        }
    }
    Thread *thread = actor == NULL ? NULL : thread_new();
    if (thread == NULL) {
        return NULL;
    }
    thread->replayed = true;
    thread->actor = actor;
    actor->references++;
    if (main_actor == NULL) {
        main_actor = actor;
    }
    thread_new_epoch(thread);
    return thread;
}

static bool
is_tag_of_other(const Thread *thread)
{
    for (const Thread *other = threads; other != NULL; other = other->next) {
        if (other != thread && other->tag == thread->tag) {
            return true;
        }
        for (int place = 0; place < other->paused_count; place++) {
            if (other->paused[place].tag == thread->tag) {
                return true;
            }
        }
    }
    return false;
}

/* No context has the tag that the thread gets. */
void
thread_new_tag(Thread *thread)
{
    do {
        thread->tag = next_tag;
        next_tag += TAG_STEP;
        if (next_tag == 0) {
            next_tag = TAG_STEP;
            tags_wrapped = true;
        }
    } while (unlikely(tags_wrapped) && is_tag_of_other(thread));
}

/* What was recorded before tells nothing of what comes now. */
void
thread_new_epoch(Thread *thread)
{
    contexts_end_epoch(thread);
    thread_new_tag(thread);
}

/* Nothing repeats any more: no tap finds at a glance what it looks for. */
void
threads_stop(void)
{
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        thread_new_epoch(thread);
    }
}

uint64_t
threads_accesses(void)
{
    uint64_t count = accesses_of_ended;
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        count += thread->accesses;
    }
    return count;
}

/* {actor: accesses} of the threads that are there. */
PyObject *
threads_activity(void)
{
    PyObject *found = PyDict_New();
    for (Thread *thread = threads; found != NULL && thread != NULL; thread = thread->next) {
        if (thread->over || thread->actor == NULL) {
            continue;
        }
        PyObject *serial = PyLong_FromUnsignedLongLong(thread->actor->serial);
        PyObject *count = PyLong_FromUnsignedLongLong(thread->accesses);
        if (serial == NULL || count == NULL || PyDict_SetItem(found, serial, count) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(serial);
        Py_XDECREF(count);
    }
    return found;
}

uint64_t
actors_seen(void)
{
    return seen + tasks_seen();
}

static void
set_held(Actor *actor, Lockset held)
{
    lockset_drop(actor->held);
    actor->held = held;
}

void
actor_hold_lock(Actor *actor, uint64_t sync)
{
    set_held(actor, lockset_with(actor->held, sync));
}

/* A lock may be freed by another actor than the one that took it. */
void
actor_drop_lock(Actor *actor, uint64_t sync)
{
    if (lockset_has(actor->held, sync)) {
        set_held(actor, lockset_without(actor->held, sync));
        return;
    }
    if (task_drop_lock(sync)) {
        return;
    }
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        if (lockset_has(thread->outer, sync)) {
            Lockset outer = lockset_without(thread->outer, sync);
            lockset_drop(thread->outer);
            thread->outer = outer;
            return;
        }
    }
    for (size_t place = 0; actors.entries != NULL && place <= actors.mask; place++) {
        Actor *other = actors.entries[place].value;
        if (other != NULL && lockset_has(other->held, sync)) {
            set_held(other, lockset_without(other->held, sync));
            return;
        }
    }
}

/* Leave in `clock` what whoever is ordered after this actor knows then, locks aside. */
void
actor_leave(Actor *actor, Clock *clock, bool merge)
{
    Number now = clock_get(&actor->clock, actor->slot);
    actor->version++;
    if (merge) {
        clock_join(clock, &actor->firm);
    }
    else {
        clock_copy(clock, &actor->firm);
    }
    if (clock_get(clock, actor->slot) < now) {
        clock_set(clock, actor->slot, now);
    }
}

/* The actor is ordered after what `clock` knows, by something else than a lock. */
void
actor_learn(Actor *actor, const Clock *clock)
{
    actor->version++;
    clock_join(&actor->firm, clock);
}

/* The order without hand-overs through plain containers, as the clock is now. */
const Clock *
actor_bare(Actor *actor)
{
    if (likely(clock_is_empty(&actor->bare))) {
        return &actor->clock;
    }
    clock_set(&actor->bare, actor->slot, clock_get(&actor->clock, actor->slot));
    return &actor->bare;
}

/* The actor is ordered after what `clock` knows; without hand-overs after what `bare` does, if that is not empty. */
void
actor_after(Actor *actor, const Clock *clock, const Clock *bare)
{
    if (unlikely(!clock_is_empty(bare) && clock_is_empty(&actor->bare))) {
        clock_copy(&actor->bare, &actor->clock);
    }
    if (unlikely(!clock_is_empty(&actor->bare))) {
        clock_join(&actor->bare, !clock_is_empty(bare) ? bare : clock);
    }
    jobs_hear(actor, clock_get(clock, actor->slot));
    clock_join(&actor->clock, clock);
}

/* Call `visit` with every actor until it gives false. */
bool
actors_each(bool (*visit)(Actor *actor, void *argument), void *argument)
{
    for (size_t place = 0; actors.entries != NULL && place <= actors.mask; place++) {
        if (actors.entries[place].value != NULL && !visit(actors.entries[place].value, argument)) {
            return false;
        }
    }
    return true;
}

static void
advance(Actor *actor)
{
    clock_set(&actor->clock, actor->slot, clock_get(&actor->clock, actor->slot) + 1);
}

static void
renew_epochs(const Actor *actor)
{
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread->actor == actor && !thread->over) {
            thread_new_epoch(thread);
        }
    }
}

/* A new actor with this serial that starts after all that the parent did so far; without a parent, after main. */
void
actor_fork_as(Thread *parent, PyObject *name, uint64_t serial)
{
    alone = false;
    Actor *from = parent != NULL && !parent->hidden ? parent->actor : main_actor;
    if (unlikely(telling)) {
        teller_edge(TELL_FORK, from, serial, name, NULL, 0);
    }
    Epoch epoch = slots_take();
    Actor *child = pool_take(&pool, sizeof(Actor));
    if (child == NULL || !table_put(&actors, serial, child)) {
        pool_give(&pool, child);
        failures++;
        return;
    }
    seen++;
    child->serial = serial;
    child->slot = epoch.slot;
    clock_copy(&child->clock, &from->clock);
    clock_set(&child->clock, epoch.slot, epoch.number);
    clock_copy(&child->inherited, &child->clock);
    actor_leave(from, &child->firm, false);
    if (unlikely(!clock_is_empty(&from->bare))) {
        clock_copy(&child->bare, actor_bare(from));
        clock_set(&child->bare, epoch.slot, epoch.number);
    }
    child->name = Py_XNewRef(name);
    advance(from);
    renew_epochs(from);
}

uint64_t
actor_fork(Thread *parent, PyObject *name)
{
    uint64_t serial = new_serial();
    actor_fork_as(parent, name, serial);
    return serial;
}

/* Keep of an ended actor's clock what it did not start with. */
static void
shrink(Actor *actor)
{
    if (actor->references != 0) {
        return; /* its thread still needs the clock */
    }
    uint32_t count = clock_changes(&actor->clock, &actor->inherited, NULL);
    Epoch *learned = count > LEARNED_LIMIT ? NULL : malloc((count + 1) * sizeof(Epoch));
    if (learned == NULL) {
        clock_free(&actor->inherited);
        return;
    }
    clock_changes(&actor->clock, &actor->inherited, learned);
    learned[count] = (Epoch){actor->slot, clock_get(&actor->clock, actor->slot)};
    actor->learned = learned;
    actor->learned_count = count + 1;
    clock_free(&actor->clock);
    clock_free(&actor->inherited);
    clock_free(&actor->bare);
    clock_free(&actor->firm); /* `learned` stands for it, too: an order too many invents nothing */
}

/* An actor that ended long ago and was never waited for: only its name may still be wanted. */
static void
forget(Actor *actor)
{
    if (actor->named || actor->references != 0) {
        clock_free(&actor->clock);
        clock_free(&actor->bare);
        clock_free(&actor->firm);
        actor->learned_count = 0;
    }
    else {
        table_pop(&actors, actor->serial);
        actor_free(actor);
    }
}

void
thread_end(Thread *thread)
{
    Actor *actor = thread->actor;
    thread->pending_count = 0;
    if (actor->ended || thread->hidden) {
        return;
    }
    tell_edge(TELL_END, actor, 0);
    actor->ended = true;
    set_held(actor, 0);
    slots_give_back(actor->slot, clock_get(&actor->clock, actor->slot));
    ended[(ended_first + ended_count) % (ENDED_LIMIT + 1)] = actor->serial;
    ended_count++;
    if (ended_count > WHOLE_LIMIT) {
        Actor *old = actor_find(ended[(ended_first + ended_count - WHOLE_LIMIT) % (ENDED_LIMIT + 1)]);
        if (old != NULL) {
            shrink(old);
        }
    }
    if (ended_count > ENDED_LIMIT) {
        Actor *oldest = actor_find(ended[ended_first]);
        ended_first = (ended_first + 1) % (ENDED_LIMIT + 1);
        ended_count--;
        if (oldest != NULL) {
            forget(oldest);
        }
    }
    thread_new_epoch(thread);
}

void
actor_join(Thread *thread, uint64_t serial)
{
    Actor *child = actor_find(serial);
    if (child == NULL || thread->hidden) {
        return;
    }
    tell_edge(TELL_JOIN, thread->actor, serial);
    static const Clock nothing;
    actor_after(thread->actor, &child->clock, !clock_is_empty(&child->bare) ? actor_bare(child) : &nothing);
    actor_learn(thread->actor, &child->firm);
    for (uint32_t place = 0; place < child->learned_count; place++) {
        if (!clock_is_empty(&thread->actor->bare)) {
            clock_raise(&thread->actor->bare, child->learned[place]);
        }
        clock_raise(&thread->actor->clock, child->learned[place]);
        clock_raise(&thread->actor->firm, child->learned[place]);
    }
    if (clock_get(&thread->actor->firm, child->slot) < clock_get(&child->clock, child->slot)) {
        clock_set(&thread->actor->firm, child->slot, clock_get(&child->clock, child->slot));
    }
    if (!child->ended) { /* what it does from here on is not part of what was waited for */
        advance(child);
        renew_epochs(child);
    }
}

/* The actor has put something into a container: what it does from here on is told apart from what it did before. */
void
actor_gave(Thread *thread)
{
    if (!thread->hidden) {
        advance(thread->actor);
        thread_new_epoch(thread);
    }
}

static Actor *
actor_of(const Context *context)
{
    if (!context->of_task) {
        return actor_find(context->actor);
    }
    return actor_find(actor_in_slot(context->slot));
}

/* The actor happens after this access of another one, and what that one did before. */
void
actor_follow(Thread *thread, const Context *other)
{
    Actor *actor = thread->actor, *by = actor_of(other);
    Epoch known = {other->slot, clock_get(&actor->clock, other->slot)};
    Epoch firm = {other->slot, clock_get(&actor->firm, other->slot)};
    if (clock_is_empty(&actor->bare)) {
        clock_copy(&actor->bare, &actor->clock);
    }
    if (by != NULL) {
        if (unlikely(telling)) {
            uint64_t handover = new_serial();
            teller_edge(TELL_RELEASE, by, handover, NULL, NULL, 0);
            teller_edge(TELL_ACQUIRE, actor, handover, NULL, NULL, 0);
        }
        jobs_hear(actor, clock_get(&by->clock, actor->slot));
        clock_join(&actor->clock, &by->clock);
        actor_learn(actor, &by->firm);
        for (uint32_t place = 0; place < by->learned_count; place++) {
            clock_raise(&actor->clock, by->learned[place]);
            clock_raise(&actor->firm, by->learned[place]);
        }
        if (!by->ended) {
            if (clock_get(&by->clock, by->slot) == other->number) {
                advance(by); /* what it does from here on is not part of it */
            }
            renew_epochs(by);
        }
    }
    clock_set(&actor->clock, known.slot, known.number > other->number ? known.number : other->number);
    clock_set(&actor->firm, firm.slot, firm.number > other->number ? firm.number : other->number);
}

/* The current actor happens after all that the other one has done so far. False when nothing is known of that. */
bool
actor_seen_now(Thread *thread, uint64_t serial)
{
    static const Clock nothing;
    Actor *other = actor_find(serial);
    if (other == NULL) {
        return false;
    }
    actor_after(thread->actor, &other->clock, !clock_is_empty(&other->bare) ? actor_bare(other) : &nothing);
    if (!other->ended) {
        advance(other); /* what it does from here on is not part of it */
        renew_epochs(other);
    }
    return true;
}

/* The current actor has seen what the other one did last in this epoch, and so all before that. False when the other
   one is no longer in it: then only what it did itself is known. */
bool
actor_seen(Thread *thread, uint64_t serial, Number number)
{
    const Actor *other = actor_find(serial);
    if (other == NULL || other->ended) {
        return false;
    }
    if (clock_get(&other->clock, other->slot) != number) {
        renew_epochs(other); /* an epoch that somebody has heard of does not go on */
        return false;
    }
    return actor_seen_now(thread, serial);
}

/* The present epoch of the actor, which is not joined to an earlier one any more. */
Epoch
actor_moment(Thread *thread)
{
    const Actor *actor = thread->actor;
    if (!thread->tasked) { /* whose epochs never go on */
        thread_new_tag(thread);
    }
    return (Epoch){actor->slot, clock_get(&actor->clock, actor->slot)};
}

uint64_t
actor_in_slot(uint32_t slot)
{
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread->actor != NULL && !thread->hidden && thread->actor->slot == slot) {
            return thread->actor->serial;
        }
    }
    return 0;
}

void
actor_rename(uint64_t serial, PyObject *name)
{
    if (task_rename(serial, name)) {
        return;
    }
    Actor *actor = actor_get(serial);
    if (actor != NULL) {
        PyObject *old = actor->name;
        actor->name = Py_NewRef(name);
        Py_XDECREF(old);
        if (unlikely(telling)) {
            teller_edge(TELL_RENAME, actor, serial, name, NULL, 0);
        }
    }
}

/* In a forked child the other threads are gone. */
void
actors_after_fork(void)
{
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread != own_thread) {
            thread->over = true;
        }
    }
    reap();
}

/* Let go of everything; threads find themselves anew. */
void
actors_reset(void)
{
    for (Thread *thread = threads; thread != NULL; thread = thread->next) {
        /* Its owner may be running: the state stays until it leaves, without anything of this run. */
        thread_clear(thread);
        memset(thread->recent, 0, sizeof thread->recent);
        thread->actor = thread->hidden ? thread->actor : NULL;
        thread->over |= thread->replayed;
    }
    reap();
    for (size_t place = 0; actors.entries != NULL && place <= actors.mask; place++) {
        if (actors.entries[place].value != NULL) {
            actor_free(actors.entries[place].value);
        }
    }
    table_free(&actors);
    tasks_reset();
    main_actor = NULL;
    ended_first = ended_count = 0;
    accesses_of_ended = 0;
    seen = 0;
    slots_reset();
}

/* {serial: (kind, name)} of all actors and tasks that are known; kind is a place in raceway.model.kinds.ActorKind. */
PyObject *
actors_dump(void)
{
    PyObject *found = PyDict_New();
    for (size_t place = 0; found != NULL && actors.entries != NULL && place <= actors.mask; place++) {
        Actor *actor = actors.entries[place].value;
        if (actor == NULL || actor->name == NULL) {
            continue;
        }
        PyObject *serial = PyLong_FromUnsignedLongLong(actor->serial);
        PyObject *row = Py_BuildValue("(iO)", 0, actor->name);
        if (serial == NULL || row == NULL || PyDict_SetItem(found, serial, row) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(serial);
        Py_XDECREF(row);
    }
    if (found != NULL && !tasks_dump(found)) {
        Py_CLEAR(found);
    }
    return found;
}
