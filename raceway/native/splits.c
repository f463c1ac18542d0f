/* Critical sections that are split: the twin of raceway/detector/splits.py, which has the rules. What a thread may have to
   itself, and what it has come upon, is asked of claims.c. */
#include "shadow.h"

/* Whether the read, the other write and this one were each made under one lock, which was taken anew after the other. */
static bool
is_under_one_lock(const Access *access, const Context *other, uint32_t place)
{
    Lockset held = access->thread->actor->held;
    for (uint32_t at = 0; at < lockset_length(held); at++) {
        uint64_t lock = lockset_at(held, at);
        if (lockset_has(access->head->locks, lock) && lockset_has(other->locks, lock) && sync_taken_at(lock) >= place) {
            return true;
        }
    }
    return false;
}

/* Whether all locks that the read, the write and what was made under `locks` have in common, one at least, were taken anew
   after the read. */
static bool
lets_go(const Access *access, Lockset locks)
{
    Lockset held = access->thread->actor->held;
    bool found = false;
    for (uint32_t at = 0; at < lockset_length(held); at++) {
        uint64_t lock = lockset_at(held, at);
        if (lockset_has(access->head->locks, lock) && lockset_has(locks, lock)) {
            if (sync_taken_at(lock) < access->head->sequence) {
                return false;
            }
            found = true;
        }
    }
    return found;
}

/* Whether nothing tells that the thread has the place to itself. What the other one has put back since it took there, as
   this thread does, tells nothing. */
static bool
is_shared(const Access *access, const Context *other, const Expansion *expansion)
{
    bool alike = other->opens && other->site == access->wanted.site && access->wanted.operation == OP_DELETE;
    return shares(access->thread, other, &expansion->writes, alike);
}

/* The write of another one that came between the read and the write of the region that the access closes, or could have
   come: a lock orders them, but was let go of in between. Who was ordered by anything else was asked for it. */
static void
check_split(Access *access, Frame *frame, const Expansion *expansion, Entry entry)
{
    const Actor *actor = access->thread->actor;
    const Context *other = &contexts[entry.context];
    bool same = other->opens && other->site == access->wanted.site;
    const RegionOf *region = &sites[access->wanted.site].regions[access->wanted.region];
    if (other->slot == actor->slot || !is_ordered(other, actor) ||
        other->number <= clock_get(&actor->firm, other->slot) ||
        !(region->brings ? same : breaks(other, &access->wanted, region, access->location->kind))) {
        return;
    }
    if (entry.sequence > access->head->sequence) {
        if (is_under_one_lock(access, other, entry.sequence)) {
            report(access, frame, entry.context, RACE_OBSERVED, false);
        }
    }
    else if (is_shared(access, other, expansion) && lets_go(access, other->locks)) {
        report(access, frame, entry.context, 0, false);
    }
}

/* Who puts something back in the section in which it was taken has taken nothing that others would miss. */
void
split_put_back(const Access *access, Expansion *expansion)
{
    const Entry opened = expansion->opened;
    Context *last = &contexts[opened.context];
    Lockset held = access->thread->actor->held;
    if (opened.context == 0 || last->slot != access->thread->actor->slot || !puts_in(&access->wanted)) {
        return;
    }
    for (uint32_t at = 0; at < lockset_length(held); at++) {
        uint64_t lock = lockset_at(held, at);
        if (lockset_has(last->locks, lock) && sync_taken_at(lock) < opened.sequence) {
            last->opens = false;
            expansion->opened = (Entry){0};
            context_drop(opened.context);
            return;
        }
    }
}

/* The thread writes what it had read in another section: the write has an epoch of its own. */
void
split_close(Access *access, Frame *frame, Expansion *expansion)
{
    Thread *thread = access->thread;
    bool claimed = thread->claimed > thread->closed; /* before what is reported here counts as a claim */
    if (expansion != NULL) {
        bool kept = expansion->opened.context == 0;
        for (uint8_t at = 0; at < expansion->writes.count; at++) {
            const Entry entry = entries_of(&expansion->writes)[at];
            kept = kept || entry.context == expansion->opened.context;
            check_split(access, frame, expansion, entry);
        }
        if (!kept) {
            check_split(access, frame, expansion, expansion->opened);
        }
        split_put_back(access, expansion);
    }
    access->wanted.opens = !claimed && lets_go(access, thread->actor->held);
    actor_gave(thread);
    access->id = 0; /* of the one before */
    thread->closed = clock_get(&thread->actor->clock, thread->actor->slot);
}

/* The access, which has been recorded, closes a region in which others can write: that stays known. */
void
split_keep(const Access *access, Cell *cell)
{
    Expansion *expansion = expansion_of(cell);
    if (expansion == NULL) {
        if ((expansion = expand(cell)) == NULL) {
            return;
        }
        expansion->own = access->thread->actor->slot + 1;
        sequence++;
    }
    context_replace(&expansion->opened.context, access->id);
    expansion->opened.sequence = sequence;
}

/* The region that a write has closed. */
static const RegionOf *
closed_by(const Context *write)
{
    return &sites[write->site].regions[write->region];
}

/* Whether the access is made under a lock that the region which `other` closes was read and written under. */
static bool
is_under_its_lock(const Access *access, const Context *other)
{
    Lockset held = access->thread->actor->held;
    for (uint32_t at = 0; at < lockset_length(held); at++) {
        uint64_t lock = lockset_at(held, at);
        if (lockset_has(other->locks, lock) && lockset_has(other->head_locks, lock)) {
            return true;
        }
    }
    return false;
}

static void
report_later(Access *access, Frame *frame, uint32_t id)
{
    if (access->id == 0) {
        access->id = context_make(access->thread, frame, &access->wanted);
    }
    if (access->id != 0) {
        race_add(access->id, id, 0, false, access->location);
    }
}

/* The write of another actor that closed such a region, in which this write could have come as well. */
void
split_opened(Access *access, Frame *frame, uint32_t id)
{
    const Thread *thread = access->thread;
    const Context *other = &contexts[id];
    if (other->slot == thread->actor->slot || !is_ordered(other, thread->actor) ||
        other->number <= clock_get(&thread->actor->firm, other->slot) || closed_by(other)->brings ||
        !shares(thread, other, NULL, false) || !breaks(&access->wanted, other, closed_by(other), access->location->kind)) {
        return;
    }
    if (is_under_its_lock(access, other)) {
        report_later(access, frame, id);
    }
}

/* The write of another actor that has taken the place because of the very test that is made now, for the same function, and
   before which it could have been made as well. */
void
split_tested(Access *access, Frame *frame, uint32_t id)
{
    const Thread *thread = access->thread;
    const Context *other = &contexts[id];
    const RegionOf *region = closed_by(other);
    if (!region->brings || region->head != access->wanted.site || other->slot == thread->actor->slot ||
        !is_ordered(other, thread->actor) || other->number <= clock_get(&thread->actor->firm, other->slot) ||
        !finds(thread, other) || !is_under_its_lock(access, other)) {
        return;
    }
    Stack callers = frame == NULL ? 0 : context_callers(access->thread, frame, access->wanted.site);
    if (!region->lent || stack_code(callers) == stack_code(other->callers)) {
        report_later(access, frame, id);
    }
}
