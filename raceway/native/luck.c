/* Order by the luck of a lock: the twin of raceway/detector/luck.py, which has the rule. */
#include "shadow.h"

/* A write of this thread is about to replace the one at that place, which happens before it. */
void
luck_keep(const Thread *thread, Expansion *expansion, uint32_t place)
{
    const Entry entry = entries_of(&expansion->writes)[place];
    const Context *write = &contexts[entry.context];
    if (write->locks != 0 && write->slot != thread->actor->slot && entry.context != expansion->passed.context) {
        context_replace(&expansion->passed.context, entry.context);
    }
}

/* Whether this actor has written under one of the locks that the other write was made under. */
static bool
knows(const Actor *actor, const Expansion *expansion, const Context *other)
{
    for (uint8_t at = 0; at < expansion->writes.count; at++) {
        const Context *write = &contexts[entries_of(&expansion->writes)[at].context];
        if (write->slot == actor->slot && hold_one_lock(write->locks, other->locks)) {
            return true;
        }
    }
    return false;
}

/* The context of the write of another one that only locks have ordered before this access, held; 0 if there is none. */
uint32_t
luck_find(const Access *access, const Expansion *expansion)
{
    const Thread *thread = access->thread;
    const Actor *actor = thread->actor;
    const Context *other = &contexts[expansion->passed.context];
    if (thread->tasked || !is_ordered(other, actor) || other->number <= clock_get(&actor->firm, other->slot) ||
        !contexts_conflict(other, &access->wanted, access->location->kind) || !knows(actor, expansion, other) ||
        !came_alone(thread, other)) {
        return 0;
    }
    context_hold(expansion->passed.context);
    return expansion->passed.context;
}
