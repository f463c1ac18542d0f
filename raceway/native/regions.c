/* Regions: the reads that later writes of the same location may depend on. The twin of raceway/detector/regions.py. */
#include "shadow.h"

static Head *
head_place(Thread *thread, uint32_t site, const void *activation, const void *target, uint64_t key)
{
    uint64_t location = key ^ mix((uintptr_t)target);
    return &thread->heads[mix((site ^ ((uint64_t)(uintptr_t)activation << 16)) + location) % HEADS];
}

/* The activation that called this one. That of a replayed trace is a number, and calls nothing. */
static const void *
caller_of(const Thread *thread, const void *activation)
{
#if RW_PEEK
    return thread->replayed || activation == NULL ? NULL : frame_outer((Frame *)activation);
#else
    (void)thread, (void)activation;
    return NULL;
#endif
}

static void
remember_head(Thread *thread, const void *activation, int offset, uint32_t site, const void *target, uint64_t key)
{
    Head *head = head_place(thread, site, activation, target, key);
    thread->heads_noted |= 1u << ((head - thread->heads) / (HEADS / 32));
    if (head->locks != thread->actor->held) {
        lockset_hold(thread->actor->held);
        lockset_drop(head->locks);
        head->locks = thread->actor->held;
    }
    head->site = site;
    head->frame = activation;
    head->object = (uintptr_t)target;
    head->key = key;
    head->offset = offset;
    head->sequence = ++sequence; /* a lock that is held was taken before, one that is taken anew is after */
    head->order = ++thread->heads_order;
    const Task *task = thread->task;
    head->turn = task == NULL ? 0 : task->turn;
    head->step = thread->step;
    if (unlikely(task != NULL) && (sites[site].opens || (sites[site].switches && task->green))) {
        task_note_head(thread->task, head);
    }
}

/* A read was reached that a later write may depend on, of its own activation or of another one that its caller calls. */
void
note_head(Thread *thread, const void *activation, int offset, uint32_t site, const void *target, uint64_t key)
{
    remember_head(thread, activation, offset, site, target, key);
    const void *caller = unlikely(sites[site].lent) ? caller_of(thread, activation) : NULL;
    if (caller != NULL) {
        remember_head(thread, caller, offset, site, target, key);
    }
}

/* Whether the task can let others run inside the region: at an await or, as a greenlet, at any call. */
bool
may_pause(const Task *task, const RegionOf *region)
{
    return region->awaits || (region->switches && task->green);
}

static const Head *
head_at(Thread *thread, const RegionOf *region, const Location *location)
{
    const void *activation = likely(!region->lent) ? location->activation : caller_of(thread, location->activation);
    const Head known = {.site = region->head, .frame = activation, .object = (uintptr_t)location->target,
                        .key = location->key};
    if (region->lent && activation == NULL) {
        return NULL;
    }
    if (thread->task != NULL && may_pause(thread->task, region)) {
        const Head *kept = task_find_head(thread->task, &known);
        if (kept != NULL || region->awaits) {
            return kept;
        }
    }
    const Head *head = head_place(thread, known.site, known.frame, location->target, known.key);
    return head->site == known.site && head->frame == known.frame && head->object == known.object &&
                   head->key == known.key && head->object != 0
               ? head
               : NULL;
}

/* The read that the write at `site` depends on, if it was reached in this activation, and which region that is. An access
   that changes nothing may be one that finds gone what it takes out. */
const Head *
find_head(Thread *thread, uint32_t site, const Location *location, bool mutates, int8_t *region)
{
    const Head *found = NULL;
    for (uint8_t number = 0; number < sites[site].region_count; number++) {
        const RegionOf *here = &sites[site].regions[number];
        if (found != NULL && !here->instead) {
            break;
        }
        const Head *head = mutates || here->takes ? head_at(thread, here, location) : NULL;
        if (head != NULL && (found == NULL || (int32_t)(head->order - found->order) > 0)) {
            *region = (int8_t)number;
            found = head;
        }
    }
    return found;
}
