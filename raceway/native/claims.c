/* What a thread may have to itself, and what it has come upon of others: the twin of raceway/detector/claims.py. */
#include "shadow.h"

/* Whether it is of a class that puts something in, or of that class takes something out. */
static bool
is_of_puts(int commute)
{
    return commute == COMMUTE_APPEND || commute == COMMUTE_ADD || commute == COMMUTE_INSERT_KEY;
}

/* Whether the write puts something in, whatever else is there. */
bool
puts_in(const Context *write)
{
    return write->operation != OP_DELETE && is_of_puts(write->commute);
}

/* Whether the write `other` may undo what the write `own` relies on, which closes a region of two critical sections. */
bool
breaks(const Context *other, const Context *own, const RegionOf *region, int kind)
{
    if (region->fills) {
        return puts_in(other) || other->site == own->site;
    }
    return contexts_conflict(other, own, kind) || !puts_in(other);
}

/* The thread has written. */
void
claim(Thread *thread, const Context *context)
{
    int op = context->operation, commute = context->commute;
    if (!op_mutates(op) || context->locks == 0 || context->number <= thread->claimed) {
        return;
    }
    bool takes = (op == OP_STRUCTURAL_CHANGE && !is_of_puts(commute)) || op == OP_DELETE;
    if (context->region >= 0 ? !sites[context->site].regions[context->region].takes_back : takes) {
        thread->claimed = context->number;
    }
}

static void
hear_newest(Number *number, uint32_t *site, const Context *other)
{
    if (*number < other->number) {
        *number = other->number;
        *site = other->site;
    }
    else if (*number == other->number && *site != other->site) {
        *site = NO_SITE;
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
    if (heard->slot != other->slot) {
        *heard = (Heard){.slot = other->slot};
    }
    if (unlikely(puts_in(other))) {
        hear_newest(&heard->given, &heard->given_site, other);
    }
    else {
        hear_newest(&heard->number, &heard->site, other);
    }
}

void
hear_all(Thread *thread, const Entries *writes)
{
    for (uint8_t place = 0; place < writes->count; place++) {
        hear(thread, &contexts[entries_of(writes)[place].context]);
    }
}

static bool
is_newer(Number number, uint32_t site, const Context *other)
{
    return number > other->number || (number == other->number && site != other->site);
}

/* Whether nothing tells that the thread comes to what the other one wrote in turn: of what that wrote then or later it has
   come upon no more than this very write. */
bool
finds(const Thread *thread, const Context *other)
{
    const Heard *heard = &thread->heard[other->slot % HEARD];
    if (thread->claimed > thread->closed) {
        return false;
    }
    if (heard->slot != other->slot) {
        return heard->number == 0 && heard->given == 0;
    }
    return !is_newer(heard->number, heard->site, other) && !is_newer(heard->given, heard->given_site, other);
}

/* Whether nothing tells that the thread comes after what the other one wrote for a reason: it has claimed nothing, and of all
   that others wrote, and that locks alone order before it, it has come upon no more than what this very site writes. */
bool
came_alone(const Thread *thread, const Context *other)
{
    if (thread->claimed > thread->closed) {
        return false;
    }
    for (int place = 0; place < HEARD; place++) {
        const Heard *heard = &thread->heard[place];
        Number firm = clock_get(&thread->actor->firm, heard->slot);
        if ((heard->number > firm && heard->site != other->site) ||
            (heard->given > firm && heard->given_site != other->site)) {
            return false;
        }
    }
    return true;
}

/* Whether the newest of what the other one has put in, as far as the thread has come upon it, is one of these writes. */
static bool
is_given(const Heard *heard, const Entries *writes)
{
    for (uint8_t place = 0; writes != NULL && place < writes->count; place++) {
        const Context *write = &contexts[entries_of(writes)[place].context];
        if (write->slot == heard->slot && write->number == heard->given && write->site == heard->given_site &&
            puts_in(write)) {
            return true;
        }
    }
    return false;
}

/* Whether nothing tells that the thread has what the other one wrote to itself, but for what that has put in by `writes`,
   which may be NULL, in the same epoch or, if the two take `alike`, later. */
bool
shares(const Thread *thread, const Context *other, const Entries *writes, bool alike)
{
    const Heard *heard = &thread->heard[other->slot % HEARD];
    Number number = other->number;
    if (thread->claimed > thread->closed) {
        return false;
    }
    if (heard->slot != other->slot) {
        return heard->number == 0 && heard->given == 0; /* it has come upon nobody there */
    }
    bool later = heard->given == number || (alike && heard->given > number);
    bool told = heard->number >= number && (heard->number != number || heard->site != other->site);
    return !told && (heard->given < number || (later && is_given(heard, writes)));
}
