/* Who waits for which lock, for how long, and whether the actors of a cycle wait for each other: the twin of
   raceway/runtime/lockwaits.py, which has the rules. Only a wait reads a clock; a lock that is free costs a count. */
#include "core.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACES (1 << 14)
#define LONGEST 64 /* actors in a cycle of waits */

/* Actors that wait for each other. */
struct Cycle {
    Member *members; /* owned */
    int count;
    bool lasts;
    bool left;
    struct Cycle *next; /* in order of appearance */
};

/* Counts of one place that takes locks of one origin. */
struct Place {
    PyCodeObject *code; /* borrowed from `stack` */
    const void *instruction;
    Stack stack; /* owned: its frame alone */
    bool through; /* of `threading`, which takes locks for its callers */
    uint64_t acquisitions, waits, waited, longest, holds, held;
    struct Place *next;
};

/* Where locks were made. */
struct Origin {
    PyObject *file; /* owned; NULL: of the one lock `sync` */
    int line;
    uint64_t sync;
    struct Place *places; /* owned; the one reached last comes first */
    struct Origin *alike; /* of the same hash */
};

static struct Cycle *first_cycle, *last_cycle;
static Table origins;
static uint32_t place_count;
static PyObject *listener; /* owned: called with a deadlock that has lasted */

static uint64_t
now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* --- Places -------------------------------------------------------------------------------------------------------- */

static struct Origin *
origin_of(uint64_t sync, PyObject *file, int line)
{
    uint64_t hash = mix(file == NULL ? sync : (uint64_t)PyObject_Hash(file) ^ ((uint64_t)line << 32) ^ 1);
    struct Origin *known = table_get(&origins, hash);
    for (struct Origin *at = known; at != NULL; at = at->alike) {
        if (file == NULL ? at->file == NULL && at->sync == sync
                         : at->file != NULL && at->line == line && PyUnicode_Compare(at->file, file) == 0) {
            return at;
        }
    }
    struct Origin *made = place_count < PLACES ? calloc(1, sizeof(struct Origin)) : NULL;
    if (made == NULL) {
        return NULL;
    }
    *made = (struct Origin){.file = Py_XNewRef(file), .line = line, .sync = sync};
    if (known != NULL) {
        made->alike = known->alike;
        known->alike = made;
    }
    else if (!table_put(&origins, hash, made)) {
        Py_XDECREF(made->file);
        free(made);
        return NULL;
    }
    sync_name(sync);
    return made;
}

static struct Place *
find_place(struct Origin *origin, Frame *frame)
{
    PyCodeObject *code = frame_code(frame);
    const void *instruction = frame_instruction(frame);
    struct Place **link = &origin->places;
    for (struct Place *place = *link; place != NULL; link = &place->next, place = *link) {
        if (place->instruction == instruction && place->code == code) {
            *link = place->next;
            place->next = origin->places;
            origin->places = place;
            return place;
        }
    }
    struct Place *made = place_count < PLACES ? calloc(1, sizeof(struct Place)) : NULL;
    if (made == NULL) {
        return NULL;
    }
    made->code = code;
    made->instruction = instruction;
    made->stack = stack_push(0, code, frame_offset(frame));
    made->through = is_module(module_of(frame), "threading") && frame_outer(frame) != NULL;
    made->next = origin->places;
    origin->places = made;
    place_count++;
    return made;
}

/* The actor of the thread holds the lock from here on. */
void
lockwaits_taken(Thread *thread, LockUse *use, uint64_t sync, PyObject *file, int line, Frame *frame)
{
    Actor *actor = thread->actor;
    use->holder = actor->serial;
    uint64_t began = actor->waited;
    actor->waited = 0;
    if (frame == NULL || (use->origin == NULL && (use->origin = origin_of(sync, file, line)) == NULL)) {
        return;
    }
    struct Place *place = use->origin->places;
    if (place == NULL || place->instruction != frame_instruction(frame) || place->code != frame_code(frame) ||
        place->through) {
        place = find_place(use->origin, frame);
        while (place != NULL && place->through) {
            frame = frame_outer(frame);
            place = find_place(use->origin, frame);
        }
        if (place == NULL) {
            return;
        }
    }
    place->acquisitions++;
    if (unlikely(began != 0)) {
        uint64_t time = now(), waited = time - began;
        place->waits++;
        place->waited += waited;
        place->longest = waited > place->longest ? waited : place->longest;
        use->hold = place;
        use->hold_began = time;
    }
}

/* The lock is about to be free. */
void
lockwaits_freed(LockUse *use)
{
    use->holder = 0;
    if (unlikely(use->hold != NULL)) {
        use->hold->holds++;
        use->hold->held += now() - use->hold_began;
        use->hold = NULL;
    }
}

/* --- Waits --------------------------------------------------------------------------------------------------------- */

static Member
member_of(const Actor *actor)
{
    lockset_hold(actor->held);
    stack_hold(actor->wait_stack);
    return (Member){actor->serial, actor->waits_for, sync_holder(actor->waits_for), actor->held, actor->wait_stack};
}

/* The actors that wait for each other, from this one on; 0 when one of them waits for nothing. */
static int
ring_of(Actor *actor, Actor **ring)
{
    int count = 0;
    for (Actor *at = actor; count < LONGEST;) {
        ring[count++] = at;
        at = actor_find(sync_holder(at->waits_for));
        if (at == actor) {
            return count;
        }
        if (at == NULL || at->waits_for == 0 || at->wait_limited) {
            return 0;
        }
    }
    return 0;
}

/* The ring closes now: keep who waits for what. */
static void
close_ring(Actor **ring, int count)
{
    struct Cycle *cycle = calloc(1, sizeof(struct Cycle));
    Member *members = calloc((size_t)count, sizeof(Member));
    if (cycle == NULL || members == NULL) {
        free(cycle);
        free(members);
        failures++;
        return;
    }
    *cycle = (struct Cycle){.members = members, .count = count, .lasts = true};
    for (int place = 0; place < count; place++) {
        members[place] = member_of(ring[place]);
        ring[place]->cycle = cycle;
        ring[place]->named = true;
        sync_name(members[place].sync);
        for (uint32_t held = 0; held < lockset_length(members[place].held); held++) {
            sync_name(lockset_at(members[place].held, held));
        }
    }
    *(last_cycle == NULL ? &first_cycle : &last_cycle->next) = cycle;
    last_cycle = cycle;
}

/* The actor of the thread is about to wait for the lock at `frame`. Whether that closes a cycle of several. */
bool
lockwaits_begin(Thread *thread, uint64_t sync, bool limited, Frame *frame)
{
    Actor *actor = thread->actor, *ring[LONGEST];
    stack_drop(actor->wait_stack);
    actor->wait_stack = frame == NULL ? 0 : stack_whole(thread, frame);
    actor->waits_for = sync;
    actor->wait_limited = limited;
    actor->cycle = NULL;
    actor->waited = now();
    int count = limited ? 0 : ring_of(actor, ring);
    for (int place = 0; place < count; place++) {
        if (ring[place]->cycle != NULL) {
            return false;
        }
    }
    if (count != 0) {
        close_ring(ring, count);
    }
    return count > 1 && actor->cycle != NULL;
}

/* The wait of the thread's actor is over. */
void
lockwaits_end(Thread *thread, uint64_t sync, bool taken)
{
    Actor *actor = thread->actor;
    if (actor->waits_for != sync) {
        return;
    }
    struct Cycle *cycle = actor->cycle;
    if (cycle != NULL && !cycle->left) {
        cycle->left = true;
        cycle->lasts = !taken;
    }
    actor->cycle = NULL;
    actor->waits_for = 0;
    stack_drop(actor->wait_stack);
    actor->wait_stack = 0;
    if (!taken) {
        actor->waited = 0;
    }
}

/* (actor, sync, holder, held, stack) */
static PyObject *
member_tuple(const Member *member)
{
    return Py_BuildValue("(KKKNN)", (unsigned long long)member->actor, (unsigned long long)member->sync,
                         (unsigned long long)member->holder, locks_tuple(member->held), stack_tuple(member->stack));
}

static PyObject *
cycle_tuple(const struct Cycle *cycle)
{
    PyObject *found = PyTuple_New(cycle->count);
    for (int place = 0; found != NULL && place < cycle->count; place++) {
        PyObject *member = member_tuple(&cycle->members[place]);
        if (member == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyTuple_SET_ITEM(found, place, member);
    }
    return found;
}

/* The thread's actor has closed a cycle and has waited a while: tell of it if it lasts. Called outside the core. */
void
lockwaits_stuck(void)
{
    core_lock();
    struct Cycle *cycle = current_thread()->actor->cycle;
    PyObject *told = cycle == NULL || !cycle->lasts ? NULL : cycle_tuple(cycle);
    PyObject *whom = Py_XNewRef(listener);
    core_unlock();
    if (told != NULL && whom != NULL) {
        PyObject *result = PyObject_CallOneArg(whom, told);
        if (result == NULL) {
            PyErr_WriteUnraisable(whom);
        }
        Py_XDECREF(result);
    }
    PyErr_Clear();
    Py_XDECREF(told);
    Py_XDECREF(whom);
}

/* listen(function): called with a deadlock that has lasted, as a tuple of (actor, sync, holder, held, stack). */
PyObject *
lockwaits_listen(PyObject *module, PyObject *function)
{
    (void)module;
    core_lock();
    PyObject *before = listener;
    listener = function == Py_None ? NULL : Py_NewRef(function);
    core_unlock();
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

/* --- What is asked at the end --------------------------------------------------------------------------------------- */

static bool
append(PyObject *list, PyObject *row)
{
    bool done = row != NULL && PyList_Append(list, row) == 0;
    Py_XDECREF(row);
    return done;
}

/* Those that last, or lasted until an exception ended them. */
PyObject *
lockwaits_deadlocks(void)
{
    PyObject *found = PyList_New(0);
    for (struct Cycle *cycle = first_cycle; found != NULL && cycle != NULL; cycle = cycle->next) {
        if (cycle->lasts && !append(found, cycle_tuple(cycle))) {
            Py_CLEAR(found);
        }
    }
    return found;
}

static bool
add_waiting(Actor *actor, void *list)
{
    if (actor->waits_for == 0) {
        return true;
    }
    Member member = member_of(actor);
    bool done = append(list, member_tuple(&member));
    lockset_drop(member.held);
    stack_drop(member.stack);
    return done;
}

/* Who waits now. */
PyObject *
lockwaits_waiting(void)
{
    PyObject *found = PyList_New(0);
    if (found != NULL && !actors_each(add_waiting, found)) {
        Py_CLEAR(found);
    }
    return found;
}

/* [(sync, stack, acquisitions, waits, waited, longest, holds, held)] */
PyObject *
lockwaits_contention(void)
{
    PyObject *found = PyList_New(0);
    for (size_t index = 0; found != NULL && origins.entries != NULL && index <= origins.mask; index++) {
        for (struct Origin *origin = origins.entries[index].value; found != NULL && origin != NULL;
             origin = origin->alike) {
            for (struct Place *place = origin->places; found != NULL && place != NULL; place = place->next) {
                if (place->acquisitions != 0 &&
                    !append(found, Py_BuildValue("(KNKKKKKK)", (unsigned long long)origin->sync,
                                                 stack_tuple(place->stack), (unsigned long long)place->acquisitions,
                                                 (unsigned long long)place->waits, (unsigned long long)place->waited,
                                                 (unsigned long long)place->longest, (unsigned long long)place->holds,
                                                 (unsigned long long)place->held))) {
                    Py_CLEAR(found);
                }
            }
        }
    }
    return found;
}

void
lockwaits_reset(void)
{
    while (first_cycle != NULL) {
        struct Cycle *cycle = first_cycle;
        first_cycle = cycle->next;
        for (int place = 0; place < cycle->count; place++) {
            lockset_drop(cycle->members[place].held);
            stack_drop(cycle->members[place].stack);
        }
        free(cycle->members);
        free(cycle);
    }
    last_cycle = NULL;
    for (size_t index = 0; origins.entries != NULL && index <= origins.mask; index++) {
        struct Origin *origin = origins.entries[index].value;
        while (origin != NULL) {
            struct Origin *alike = origin->alike;
            while (origin->places != NULL) {
                struct Place *place = origin->places;
                origin->places = place->next;
                stack_drop(place->stack);
                free(place);
            }
            Py_XDECREF(origin->file);
            free(origin);
            origin = alike;
        }
    }
    table_free(&origins);
    place_count = 0;
}
