/* Epochs that go on when nobody heard of their end: the twin of raceway/detector/pauses.py, which has the model.

   What was recorded under a lock before has the epoch's tag, so that it is found at a glance when the epoch goes on. The
   contexts of the paused epochs stand before those of the present one in the thread's list; what was recorded in between
   gets the number and the tag of the epoch that goes on.

   A second epoch of one number is never told apart from the first, so nobody may have learned that number: releases,
   forks and joins raise the number, and who is ordered after an access itself gives its actor a new tag. */
#include "core.h"

/* What the actor did since the release joins the epoch before. */
static void
join(Thread *thread, const Paused *before)
{
    for (uint32_t place = thread->contexts_first; place < thread->contexts_count; place++) {
        uint32_t id = thread->contexts[place], rank = context_tags[id] - thread->tag;
        if (rank < TAG_STEP) {
            context_tags[id] = before->tag + rank;
            contexts[id].number = before->number;
        }
    }
    thread->tag = before->tag;
    thread->contexts_first = before->first;
}

/* The thread's actor has released a lock and raised its number: another epoch begins. */
void
epoch_pause(Thread *thread, uint64_t lock)
{
    const Actor *actor = thread->actor;
    Number number = clock_get(&actor->clock, actor->slot) - 1;
    const Paused *last = thread->paused_count == 0 ? NULL : &thread->paused[thread->paused_count - 1];
    if (last != NULL && (last->tag_after != thread->tag || last->number + 1 != number)) {
        contexts_end_paused(thread); /* none of them will go on */
    }
    if (thread->paused_count == PAUSED) {
        contexts_end_paused(thread);
    }
    Paused *paused = &thread->paused[thread->paused_count++];
    *paused = (Paused){.lock = lock, .number = number, .tag = thread->tag, .first = thread->contexts_first};
    thread->contexts_first = thread->contexts_count;
    thread_new_tag(thread);
    paused->tag_after = thread->tag;
}

/* The thread's actor takes the lock that it released last, of which nobody else has heard: its epoch of then goes on.
   False when it cannot. */
bool
epoch_goes_on(Thread *thread, uint64_t lock)
{
    Actor *actor = thread->actor;
    const Paused *last = thread->paused_count == 0 ? NULL : &thread->paused[thread->paused_count - 1];
    if (last == NULL || last->lock != lock || last->tag_after != thread->tag ||
        clock_get(&actor->clock, actor->slot) != last->number + 1) {
        return false;
    }
    join(thread, last);
    clock_set(&actor->clock, actor->slot, last->number);
    thread->paused_count--;
    return true;
}
