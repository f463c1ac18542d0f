/* What a thread may have to itself, and what it has come upon of others: the twin of raceway/detector/claims.py. */
#include "shadow.h"

/* Whether the operation puts something in, whatever else is there. */
static bool
puts_in(int commute)
{
    return commute == COMMUTE_APPEND || commute == COMMUTE_ADD || commute == COMMUTE_INSERT_KEY;
}

/* Whether the write `other` may undo what the write `own` relies on, which closes a region of two critical sections. */
bool
breaks(const Context *other, const Context *own, int kind)
{
    return contexts_conflict(other, own, kind) || other->operation == OP_DELETE || !puts_in(other->commute);
}

/* The thread has written. */
void
claim(Thread *thread, const Context *context)
{
    int op = context->operation, commute = context->commute;
    if (!op_mutates(op) || context->locks == 0 || context->number <= thread->claimed) {
        return;
    }
    bool takes = (op == OP_STRUCTURAL_CHANGE && !puts_in(commute)) || op == OP_DELETE;
    if (context->region >= 0 ? !sites[context->site].regions[context->region].takes_back : takes) {
        thread->claimed = context->number;
    }
}

/* The thread has come upon what this context wrote, if that is another one's. */
void
hear(Thread *thread, const Context *other)
{
    Heard *heard = &thread->heard[other->slot % HEARD];
    if (other->slot == thread->actor->slot) {
        return;
    }
    if (heard->slot != other->slot || heard->number < other->number) {
        *heard = (Heard){.number = other->number, .slot = other->slot, .site = other->site};
    }
    else if (heard->number == other->number && heard->site != other->site) {
        heard->site = NO_SITE;
    }
}

void
hear_all(Thread *thread, const Entries *writes)
{
    for (uint8_t place = 0; place < writes->count; place++) {
        hear(thread, &contexts[entries_of(writes)[place].context]);
    }
}

/* Whether nothing tells that the thread has what the other one wrote to itself. */
bool
shares(const Thread *thread, const Context *other)
{
    const Heard *heard = &thread->heard[other->slot % HEARD];
    return thread->claimed <= thread->closed && heard->slot == other->slot && heard->number == other->number &&
           heard->site == other->site;
}

/* The same of a thread that need not have come upon that write itself. */
bool
may_share(const Thread *thread, const Context *other)
{
    const Heard *heard = &thread->heard[other->slot % HEARD];
    bool unheard = heard->number == 0 || (heard->slot == other->slot && heard->number < other->number);
    return shares(thread, other) || (thread->claimed <= thread->closed && unheard);
}
