/* Contexts: one side of an access (who, when, at which site, called from where, holding what), without its location.

   All locations that one site touches in one epoch, on one stack, share one context, so a location's shadow is two
   numbers of four bytes. A context lives as long as some cell or race refers to it; those of the running epoch also
   stay while nobody does, since the next access probably wants them. */
#include "core.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CROWD 1024 /* contexts of one epoch after which unused ones are looked for */
#define MANY_STACKS 64 /* of one site in one epoch, as recursion makes them: then only the nearest callers are told apart */
#define NEAR_CALLERS 3

uint32_t *context_tags;
Context *contexts;

static uint32_t context_count, free_first, limit;

static void *
reserve(size_t size)
{
    void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return found == MAP_FAILED ? NULL : found;
}

/* Address space for as many contexts as a run may need; it costs memory only as it is used. */
bool
contexts_reset(void)
{
    if (contexts != NULL) {
        munmap(contexts, limit * sizeof(Context));
        munmap(context_tags, limit * sizeof(uint32_t));
        contexts = NULL;
        context_tags = NULL;
    }
    context_count = free_first = 0;
    for (limit = 1u << 24; limit >= 1u << 16; limit >>= 1) {
        contexts = reserve(limit * sizeof(Context));
        context_tags = reserve(limit * sizeof(uint32_t));
        if (contexts != NULL && context_tags != NULL) {
            return true;
        }
        if (contexts != NULL) {
            munmap(contexts, limit * sizeof(Context));
        }
        if (context_tags != NULL) {
            munmap(context_tags, limit * sizeof(uint32_t));
        }
        contexts = NULL;
        context_tags = NULL;
    }
    return false;
}

static uint32_t
take(void)
{
    if (free_first != 0) {
        uint32_t id = free_first;
        free_first = contexts[id].references; /* a free one's link */
        return id;
    }
    if (context_count + 1 >= limit) {
        return 0;
    }
    return ++context_count;
}

void
context_free(uint32_t id)
{
    Context *context = &contexts[id];
    stack_drop(context->stack);
    lockset_drop(context->locks);
    lockset_drop(context->head_locks);
    context_tags[id] = 0;
    context->stack = 0;
    context->locks = context->head_locks = 0;
    context->references = free_first;
    free_first = id;
}

/* The epoch of a context is over: it stays only where something refers to it. */
static inline void
end(uint32_t id)
{
    if (context_tags[id] != 0 && contexts[id].references == 0) {
        context_free(id);
    }
    context_tags[id] = 0;
}

/* The paused epochs are over. A context of theirs that was renewed since stands there again, and stays. */
void
contexts_end_paused(Thread *thread)
{
    for (uint32_t place = 0; place < thread->contexts_first; place++) {
        uint32_t id = thread->contexts[place];
        if (context_tags[id] - thread->tag >= TAG_STEP) {
            end(id);
        }
    }
    if (thread->contexts_first != 0) { /* else the list may not have been made */
        thread->contexts_count -= thread->contexts_first;
        memmove(thread->contexts, thread->contexts + thread->contexts_first, thread->contexts_count * sizeof(uint32_t));
        thread->contexts_first = 0;
    }
    thread->paused_count = 0;
}

static void
sweep(Thread *thread)
{
    contexts_end_paused(thread);
    uint32_t kept = 0;
    for (uint32_t place = 0; place < thread->contexts_count; place++) {
        uint32_t id = thread->contexts[place];
        if (context_tags[id] == 0) { /* let go of: it stood there twice, since the epoch it was renewed after went on */
            continue;
        }
        if (contexts[id].references == 0) {
            context_free(id);
        }
        else {
            thread->contexts[kept++] = id;
        }
    }
    thread->contexts_count = kept;
}

/* The thread's epoch is over, and those that were paused. */
void
contexts_end_epoch(Thread *thread)
{
    for (uint32_t place = 0; contexts != NULL && place < thread->contexts_count; place++) {
        end(thread->contexts[place]);
    }
    thread->contexts_first = thread->contexts_count = 0;
    thread->paused_count = 0;
}

static bool
remember(Thread *thread, uint32_t id)
{
    uint32_t crowd = thread->contexts_count - thread->contexts_first;
    if (crowd >= CROWD && (crowd & (crowd - 1)) == 0) {
        sweep(thread);
    }
    if (thread->contexts_count == thread->contexts_capacity) {
        uint32_t capacity = thread->contexts_capacity ? thread->contexts_capacity * 2 : 32;
        uint32_t *grown = realloc(thread->contexts, capacity * sizeof(uint32_t));
        if (grown == NULL) {
            return false;
        }
        thread->contexts = grown;
        thread->contexts_capacity = capacity;
    }
    thread->contexts[thread->contexts_count++] = id;
    return true;
}

/* A context of an earlier epoch becomes one of this epoch. False when memory is short. */
bool
context_joins(Thread *thread, uint32_t id)
{
    uint32_t tag = context_tags[id];
    return (tag != 0 && tag - thread->tag < TAG_STEP) || remember(thread, id);
}

static uint32_t
tag_of(const Thread *thread, const Context *context)
{
    return thread->tag + context->rank + (op_mutates(context->operation) ? TAG_MUTATES : 0);
}

static bool
same(const Context *known, const Context *wanted, const Thread *thread)
{
    return known->site == wanted->site && known->operation == wanted->operation &&
           known->commute == wanted->commute && known->region == wanted->region &&
           known->locks == thread->actor->held && known->head_offset == wanted->head_offset &&
           known->head_locks == wanted->head_locks && known->walks == wanted->walks;
}

/* The stack that a context of this site has below its innermost frame. */
Stack
context_callers(Thread *thread, Frame *frame, uint32_t site)
{
    bool near = unlikely(sites[site].stacks > MANY_STACKS) && sites[site].stacks_tag == thread->tag;
    StackMemo *memo = near ? &thread->near : &thread->memo;
    if (memo->access == thread->access) {
        return memo->callers;
    }
    Stack callers = stack_callers(memo, frame, near ? NEAR_CALLERS : STACK_DEPTH - 1);
    memo->access = thread->access;
    return callers;
}

/* The stack of a frame at this site, as a new reference: mostly the one that the site had last. */
static Stack
stack_of(Site *site, Stack callers, PyCodeObject *code, int offset)
{
    if (stack_is(site->stack, callers, code, offset)) {
        stack_hold(site->stack);
        return site->stack;
    }
    Stack found = stack_push(callers, code, offset);
    stack_hold(found);
    stack_drop(site->stack);
    site->stack = found;
    return found;
}

/* A context of the thread's present epoch with what is told in `wanted`: site, operation, commute, rank and region
   with its head. 0 when there is no room. The caller takes a reference if it keeps it. */
uint32_t
context_make(Thread *thread, Frame *frame, const Context *wanted)
{
    Stack callers = 0;
    PyCodeObject *code = NULL;
    int offset = 0;
    if (frame != NULL) {
        callers = context_callers(thread, frame, wanted->site);
        code = frame_code(frame);
        offset = frame_offset(frame);
    }
    uint64_t hash = mix(((uint64_t)wanted->site << 8) ^ ((uint64_t)callers << 36) ^ wanted->operation);
    uint32_t *recent = &thread->recent[(hash ^ (hash >> 20)) % HEADS];
    uint32_t id = *recent;
    if (id != 0 && !wanted->walks && context_tags[id] == tag_of(thread, wanted) && same(&contexts[id], wanted, thread) &&
        (frame == NULL || stack_is(contexts[id].stack, callers, code, offset))) {
        return id;
    }
    id = take();
    if (id == 0 || !remember(thread, id)) {
        failures++;
        return 0;
    }
    Context *context = &contexts[id];
    *context = *wanted;
    context->actor = whose(thread);
    context->of_task = thread->task != NULL;
    context->turn = thread->task != NULL ? thread->task->turn : 0;
    context->step = thread->step;
    context->slot = thread->actor->slot;
    context->number = clock_get(&thread->actor->clock, thread->actor->slot);
    context->references = 0;
    context->stack = frame == NULL ? 0 : stack_of(&sites[wanted->site], callers, code, offset);
    context->callers = callers;
    context->instruction = frame == NULL ? NULL : frame_instruction(frame);
    context->locks = thread->actor->held;
    lockset_hold(context->locks);
    lockset_hold(context->head_locks);
    context_tags[id] = tag_of(thread, wanted);
    claim(thread, context);
    *recent = id;
    Site *site = &sites[wanted->site];
    site->stacks = site->stacks_tag == thread->tag ? site->stacks + (site->stacks < UINT16_MAX) : 1;
    site->stacks_tag = thread->tag;
    return id;
}

/* The context of an earlier epoch, brought up to date, if it is the same in all but the time and nothing but the cell
   that asks refers to it (by so many `holders`): what a loop does under a lock again and again needs one context, not one for each epoch. */
uint32_t
context_renew(Thread *thread, Frame *frame, uint32_t before, const Context *wanted, Stack callers,
              uint32_t holders)
{
    Context *known = &contexts[before];
    if (known->references != holders || known->actor != whose(thread) || !same(known, wanted, thread)) {
        return 0;
    }
    if (frame == NULL ? known->stack != 0
                      : known->instruction != frame_instruction(frame) || known->stack == 0 ||
                            known->callers != callers) {
        return 0;
    }
    if (!context_joins(thread, before)) {
        return 0;
    }
    known->number = clock_get(&thread->actor->clock, thread->actor->slot);
    known->turn = thread->task != NULL ? thread->task->turn : 0;
    known->step = thread->step;
    known->rank = wanted->rank;
    known->opens = wanted->opens;
    context_tags[before] = tag_of(thread, wanted);
    claim(thread, known);
    return before;
}
