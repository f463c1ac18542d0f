/* Stores that others wait for or ask for, and their tests: double-checked locking and flags. The twin of
   raceway/detector/flags.py. */
#include "shadow.h"

#include <stdlib.h>

/* Double-checked locking: the write after the second test releases, the first test acquires. So do stores of flags that
   others ask for. CPython's memory is sequentially consistent, so who sees the value written sees all that came before
   it. */
void
publish(Thread *thread, Cell *cell)
{
    Expansion *expansion = expansion_of(cell);
    if (expansion == NULL && (expansion = expand(cell)) == NULL) {
        return;
    }
    if (expansion->published == NULL && (expansion->published = calloc(1, sizeof(Published))) == NULL) {
        failures++;
        return;
    }
    Actor *actor = thread->actor;
    if (unlikely(telling)) {
        Published *published = expansion->published;
        published->handover = published->handover != 0 ? published->handover : new_serial();
        teller_edge(TELL_RELEASE, actor, published->handover, NULL, NULL, 0);
    }
    clock_copy(&expansion->published->clock, &actor->clock);
    clock_set(&actor->clock, actor->slot, clock_get(&actor->clock, actor->slot) + 1);
    thread_new_epoch(thread);
}

/* Whether an actor of another slot has been at the location, as far as that is known. */
bool
has_others(const Cell *cell, uint32_t slot)
{
    const Expansion *expansion = expansion_of(cell);
    if (expansion == NULL) {
        return !cell_is_own(cell, slot);
    }
    for (int writes = 0; writes < 2; writes++) {
        const Entries *list = writes ? &expansion->writes : &expansion->reads;
        for (uint8_t place = 0; place < list->count; place++) {
            if (contexts[entries_of(list)[place].context].slot != slot) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a store of what loops poll is one that others may wait for: another actor has been here before, in order or
   not, or a store has been published. */
bool
is_polled(const Cell *cell, uint32_t slot)
{
    const Expansion *expansion = expansion_of(cell);
    return has_others(cell, slot) || (expansion != NULL && expansion->published != NULL);
}

/* The test of a loop reads a flag that another actor stored, or it only waits for what another actor did there: what came
   before the store comes before this. Of a flag that nobody else had asked for when it was stored, less is known: the present of its writer if that has released
   nothing since, else what the writer itself did. */
void
see_flag(Thread *thread, const Cell *cell, bool waits)
{
    static const Clock nothing;
    const Expansion *expansion = expansion_of(cell);
    const Entries *writes = expansion == NULL ? NULL : &expansion->writes;
    if (writes == NULL ? cell->w == 0 : writes->count == 0) {
        return;
    }
    const Context *write = &contexts[writes == NULL ? cell->w : entries_of(writes)[writes->count - 1].context];
    Clock *known = &thread->actor->clock;
    if (write->slot == thread->actor->slot) {
        jobs_hear(thread->actor, write->number);
    }
    if (write->slot == thread->actor->slot || (!waits && !sites[write->site].flag) ||
        write->number <= clock_get(known, write->slot)) {
        return;
    }
    if (expansion != NULL && expansion->published != NULL && clock_get(&expansion->published->clock, write->slot) == write->number) {
        actor_after(thread->actor, &expansion->published->clock, &nothing);
        tell_edge(TELL_ACQUIRE, thread->actor, expansion->published->handover);
        return;
    }
    uint64_t writer = write->of_task ? actor_in_slot(write->slot) : write->actor;
    if (!actor_seen(thread, writer, write->number)) {
        clock_set(known, write->slot, write->number);
        if (!clock_is_empty(&thread->actor->bare)) {
            clock_set(&thread->actor->bare, write->slot, write->number);
        }
    }
}
