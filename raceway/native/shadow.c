/* Shadow state and the rules of a race: the twin of raceway/detector/shadow.py and of the access rule in
   raceway/detector/detector.py, which have the model.

   A location's shadow is two contexts, of its last write and its last read, for as long as one actor after the other
   owns it. When two actors share it, it is expanded: lists of writes and reads of which none happens before a later
   one of the same direction. Each entry then has its place in the run, which tells whether a write fell between the
   read and the write of another's region; while a location is not expanded no other actor can have done so.

   An access of the same actor and epoch as the one kept, that tells no more (`rank`), is a repetition and dropped:
   FastTrack's same-epoch rule (Flanagan and Freund, PLDI 2009). What the actor wrote covers what it reads: who is
   unordered with the one is with the other. Once a location has raced, each site counts
   for itself, so that the report names all places. */
#include "shadow.h"

#include <stdlib.h>

uint32_t sequence;
uint64_t shared_locations;

/* Whether a walk may still be going on in another task than that of the new access. */
static bool
is_walked(const Context *old, const Context *new)
{
    const Task *task = old->walks && old->actor != new->actor ? task_find(old->actor) : NULL;
    return task != NULL && !task->done;
}

/* Whether the new access conflicts with all that the old one does. */
static bool
covers(const Context *new, const Context *old)
{
    return effect_covers(effect_of(new), old) && !is_walked(old, new);
}

static bool
is_by_key(int commute)
{
    return commute == COMMUTE_INSERT_KEY || commute == COMMUTE_ADD || commute == COMMUTE_SETDEFAULT ||
           commute == COMMUTE_DISCARD;
}

/* Whether two unordered accesses of one location conflict: the twin of raceway/detector/conflicts.py. */
bool
contexts_conflict(const Context *first, const Context *second, int kind)
{
    if (!op_mutates(first->operation) && !op_mutates(second->operation)) {
        return false;
    }
    if (kind == AT_STRUCTURE && is_by_key(first->commute) && is_by_key(second->commute)) {
        return false;
    }
    return first->commute == COMMUTE_NONE || first->commute != second->commute;
}

void
shadow_reset(void)
{
    expansions_reset();
    sequence = 0;
    shared_locations = 0;
}

/* --- The access rule ----------------------------------------------------------------------------------------------- */

static void
check(const Access *access, uint32_t other, uint32_t place)
{
    const Context *known = &contexts[other], *now = &contexts[access->id];
    if (known->slot == now->slot || !contexts_conflict(known, now, access->location->kind)) {
        return;
    }
    bool between = access->head != NULL && op_mutates(known->operation) && place > access->head->sequence;
    race_add(other, access->id, between ? RACE_OBSERVED : 0, false, access->location);
}

/* Whether an access of another actor happens before this one. */
static bool
is_before(const Access *access, const Context *known)
{
    Actor *actor = access->thread->actor;
    return is_ordered(known, actor) &&
           likely(!access->location->common || known->number <= clock_get(actor_bare(actor), known->slot));
}

static bool
races_with(const Access *access, uint32_t other)
{
    const Context *known = &contexts[other];
    return other != 0 && known->slot != access->thread->actor->slot && !is_before(access, known) &&
           contexts_conflict(known, &access->wanted, access->location->kind);
}

static bool
outlived(const Access *access, uint32_t other)
{
    const Context *known = &contexts[other];
    return (known->slot == access->thread->actor->slot || is_ordered(known, access->thread->actor)) &&
           covers(&access->wanted, known);
}

/* Record into a cell that is not expanded; false when it has to be. */
static bool
record_compact(const Access *access, Cell *cell)
{
    bool mutates = op_mutates(access->wanted.operation);
    uint32_t slot = access->thread->actor->slot;
    bool foreign_write = cell->w != 0 && contexts[cell->w].slot != slot;
    bool foreign_read = cell->r != 0 && contexts[cell->r].slot != slot;
    if (races_with(access, cell->w) || (mutates && races_with(access, cell->r))) {
        return false;
    }
    if (!mutates) {
        if (cell->r != 0 && !outlived(access, cell->r)) {
            return false;
        }
        if (foreign_read && contexts[cell->r].rank >= RANK_REGION) {
            return false; /* its actor may yet close a region, and ask what fell in between */
        }
        if (foreign_write && (cell->r == 0 || foreign_read)) {
            shared_locations += cell->r == 0 || contexts[cell->w].slot == contexts[cell->r].slot;
        }
        context_replace(&cell->r, access->id);
        return true;
    }
    if (foreign_write || foreign_read || (cell->w != 0 && !outlived(access, cell->w))) {
        return false;
    }
    context_replace(&cell->w, access->id);
    if (cell->r != 0 && outlived(access, cell->r)) {
        context_drop(cell->r);
        cell->r = 0;
    }
    return true;
}

static void
thin(Entries *list, const Access *access)
{
    for (uint8_t place = list->count; place-- > 0;) {
        if (outlived(access, entries_of(list)[place].context)) {
            entries_remove(list, place);
        }
    }
}

/* Whether the list has but one access, which is the actor's own and need not be kept beside the new one. */
static bool
is_only_own(const Access *access, const Entries *list)
{
    return list->count == 1 && contexts[entries_of(list)[0].context].slot == access->thread->actor->slot &&
           outlived(access, entries_of(list)[0].context);
}

/* The access takes the place of the actor's last one, which is the only one of its direction that is kept: what an actor
   does under a lock that it takes again and again. The same as what follows does for all cases. */
static bool
takes_over(const Access *access, Cell *cell, Expansion *expansion)
{
    bool mutates = op_mutates(access->wanted.operation);
    Entries *list = mutates ? &expansion->writes : &expansion->reads, *writes = &expansion->writes;
    if (expansion->racy || access->wanted.commute != COMMUTE_NONE || !is_only_own(access, list)) {
        return false;
    }
    if (mutates && expansion->reads.count != 0) {
        if (!is_only_own(access, &expansion->reads)) {
            return false;
        }
        entries_remove(&expansion->reads, 0);
    }
    for (uint8_t at = 0; !mutates && at < writes->count; at++) {
        if (races_with(access, entries_of(writes)[at].context)) {
            return false;
        }
    }
    entries_of(list)[0].sequence = ++sequence;
    if (entries_of(list)[0].context != access->id) {
        context_replace(&entries_of(list)[0].context, access->id);
    }
    if (cell->r != access->id) {
        context_replace(&cell->r, access->id);
    }
    return true;
}

static void
record_expanded(const Access *access, Cell *cell, Expansion *expansion)
{
    bool mutates = op_mutates(access->wanted.operation);
    if (takes_over(access, cell, expansion)) {
        return;
    }
    uint32_t place = ++sequence;
    for (uint8_t at = 0; at < expansion->writes.count; at++) {
        if (races_with(access, entries_of(&expansion->writes)[at].context)) {
            expansion->racy = true;
            check(access, entries_of(&expansion->writes)[at].context, entries_of(&expansion->writes)[at].sequence);
        }
    }
    for (uint8_t at = 0; mutates && at < expansion->reads.count; at++) {
        if (races_with(access, entries_of(&expansion->reads)[at].context)) {
            expansion->racy = true;
            check(access, entries_of(&expansion->reads)[at].context, entries_of(&expansion->reads)[at].sequence);
        }
    }
    Entries *list = mutates ? &expansion->writes : &expansion->reads;
    for (uint8_t at = 0; mutates && at < list->count; at++) {
        if (outlived(access, entries_of(list)[at].context)) {
            luck_keep(access->thread, expansion, at);
        }
    }
    thin(list, access);
    if (mutates) {
        thin(&expansion->reads, access);
    }
    if (list->count >= LIMIT) {
        entries_remove(list, 0);
    }
    entries_append(list, access->id, place);
    if (!expansion->racy && (!mutates || access->wanted.commute == COMMUTE_NONE)) {
        context_replace(&cell->r, access->id);
    }
    else {
        context_drop(cell->r);
        cell->r = 0;
    }
}

static bool
tells(uint32_t kept, const Thread *thread, const Context *wanted)
{
    return kept != 0 && is_repeat(kept, thread, wanted->rank) &&
           (contexts[kept].commute == COMMUTE_NONE || contexts[kept].commute == wanted->commute);
}

/* Whether one of the last writes, all of the present epoch, tells of such an access, nobody else's having come after. */
static bool
writes_tell(const Entries *writes, const Thread *thread, int commute, uint32_t rank)
{
    for (uint8_t place = writes->count; place-- > 0;) {
        uint32_t kept = entries_of(writes)[place].context;
        if (!is_repeat(kept, thread, 0)) {
            return false;
        }
        if (is_repeat(kept, thread, rank) && (contexts[kept].commute == COMMUTE_NONE || contexts[kept].commute == commute)) {
            return true;
        }
    }
    return false;
}

/* Whether a write repeats at a location that is expanded, as one of an actor's own is where it comes and goes. */
bool
cell_tells_write(const Cell *cell, const Thread *thread, uint32_t rank, int commute)
{
    const Expansion *expansion = expansion_of(cell);
    return expansion != NULL && !expansion->racy && writes_tell(&expansion->writes, thread, commute, rank);
}

/* Whether the access repeats what this actor did to the location in this epoch, and nobody came in between. */
static bool
repeats(const Access *access, const Cell *cell, Expansion *expansion)
{
    const Thread *thread = access->thread;
    const Context *wanted = &access->wanted;
    if (expansion != NULL && expansion->racy) {
        uint64_t mark = (uint64_t)wanted->site << 8 | wanted->operation;
        return is_noted(expansion, thread->tag, mark) && wanted->region < 0;
    }
    bool mutates = op_mutates(wanted->operation);
    if (expansion != NULL) {
        const Entries *reads = &expansion->reads;
        uint32_t seen = reads->count != 0 ? entries_of(reads)[reads->count - 1].context : 0;
        return (!mutates && tells(seen, thread, wanted)) ||
               writes_tell(&expansion->writes, thread, mutates ? wanted->commute : COMMUTE_NONE, wanted->rank);
    }
    return mutates ? tells(cell->w, thread, wanted)
                   : tells(cell->r, thread, wanted) ||
                         (tells(cell->w, thread, wanted) && contexts[cell->w].commute == COMMUTE_NONE);
}

static uint8_t
rank_of(const Site *site, int op, bool in_region)
{
    if (op_mutates(op)) {
        return site->made ? RANK_PLAIN : in_region || op == OP_READ_MODIFY_WRITE ? RANK_REGION : RANK_STORE;
    }
    return op == OP_ITERATE ? RANK_WALK : site->is_head ? RANK_REGION : RANK_PLAIN;
}

static bool
is_foreign(uint32_t id, const Access *access)
{
    return id != 0 && contexts[id].slot != access->thread->actor->slot;
}

static bool
has_foreign(const Entries *list, const Access *access)
{
    for (uint8_t place = 0; place < list->count; place++) {
        if (is_foreign(entries_of(list)[place].context, access)) {
            return true;
        }
    }
    return false;
}

static void
tell_entries(const Entries *list, const Location *location)
{
    for (uint8_t place = 0; place < list->count; place++) {
        teller_access(entries_of(list)[place].context, location, NULL, entries_of(list)[place].sequence, true, NULL, NULL);
    }
}

/* Whether the access is to be told, before it joins the shadow; what is kept there and was not told is told first. */
static SLOW bool
tell_kept(const Access *access, const Cell *cell, Expansion *expansion)
{
    bool mutates = op_mutates(access->wanted.operation);
    if (teller_is_full()) {
        return true;
    }
    if (expansion == NULL) {
        if ((!is_foreign(cell->w, access) && !is_foreign(cell->r, access)) || (cell->w == 0 && !mutates)) {
            return false;
        }
        teller_kept(cell, access->location, access->thread->actor->slot);
        return true;
    }
    if (!expansion->told) {
        if ((!has_foreign(&expansion->writes, access) && !has_foreign(&expansion->reads, access)) ||
            (expansion->writes.count == 0 && !mutates)) {
            return false;
        }
        tell_entries(&expansion->writes, access->location);
        tell_entries(&expansion->reads, access->location);
        expansion->told = true;
    }
    return true;
}

/* Tell of an access, with its value where that is seen. */
static SLOW void
tell_access(const Access *access, Frame *frame)
{
    const Location *location = access->location;
    int op = access->wanted.operation;
    bool is_valued = location->tap != NULL && location->kind != AT_STRUCTURE && teller_sees_values() &&
                     (op == OP_WRITE || op == OP_READ_MODIFY_WRITE);
    PyObject *value = is_valued ? tap_value(location->tap, frame) : NULL;
    PyObject *key = value != NULL && location->kind == AT_ITEM ? tap_key(location->tap, frame) : NULL;
    teller_access(access->id, location, access->head, sequence, false, value, key);
}

/* Whether nobody but the actor of this slot has been at the location, as far as that matters. */
bool
cell_is_own(const Cell *cell, uint32_t slot)
{
    return (cell->w & EXPANDED) == 0 && (cell->w == 0 || contexts[cell->w].slot == slot) &&
           (cell->r == 0 || contexts[cell->r].slot == slot);
}

/* The actor takes out what was put in here: it happens after what others last wrote. Tells whether others did, and
   whether nothing else had ordered that. */
int
cell_taken(Thread *thread, const Cell *cell)
{
    const Expansion *expansion = expansion_of(cell);
    Entry only = {.context = expansion == NULL ? cell->w : 0};
    const Entry *writes = expansion == NULL ? &only : entries_of(&expansion->writes);
    uint8_t count = expansion == NULL ? cell->w != 0 : expansion->writes.count;
    int found = TAKEN_OWN;
    for (uint8_t place = 0; place < count; place++) {
        Context other = contexts[writes[place].context];
        if (other.slot == thread->actor->slot) {
            jobs_hear(thread->actor, other.number);
            continue;
        }
        if (!is_ordered(&other, thread->actor)) {
            actor_follow(thread, &other);
            found = TAKEN_HANDED;
        }
        found = found == TAKEN_OWN ? TAKEN_ORDERED : found;
    }
    return found;
}

/* The last write of a cell that is an actor's own is newer than the last read: that need not be kept beside it if who
   conflicts with the one does with the other. */
void
cell_drop_read(Cell *cell)
{
    if (cell->r != 0 && effect_covers(effect_of(&contexts[cell->w]), &contexts[cell->r])) {
        context_drop(cell->r);
        cell->r = 0;
    }
}

/* Put a context into a cell that is this actor's own; false when another actor was there. Nothing to compare with:
   one's own accesses are ordered. */
bool
record_own(Thread *thread, Cell *cell, uint32_t context, bool mutates)
{
    if (!cell_is_own(cell, thread->actor->slot)) {
        return false;
    }
    if (!mutates) {
        context_replace(&cell->r, context);
        return true;
    }
    context_replace(&cell->w, context);
    cell_drop_read(cell);
    return true;
}

/* The context that the actor left at this location in an earlier epoch, if it serves again; 0 if not. */
static uint32_t
renew(const Access *access, Frame *frame, const Cell *cell, const Expansion *expansion)
{
    bool mutates = op_mutates(access->wanted.operation);
    uint32_t before = mutates ? cell->w : cell->r;
    if (expansion != NULL) {
        const Entries *list = mutates ? &expansion->writes : &expansion->reads;
        before = 0;
        for (uint8_t place = 0; place < list->count; place++) {
            if (contexts[entries_of(list)[place].context].slot == access->thread->actor->slot) {
                before = entries_of(list)[place].context;
            }
        }
    }
    if (before == 0) {
        return 0;
    }
    Stack callers = frame == NULL ? 0 : context_callers(access->thread, frame, access->wanted.site);
    uint32_t holders = expansion != NULL && before == cell->r ? 2 : 1;
    return context_renew(access->thread, frame, before, &access->wanted, callers, holders);
}

bool
hold_one_lock(Lockset one, Lockset other)
{
    for (uint32_t place = 0; place < lockset_length(one); place++) {
        if (lockset_has(other, lockset_at(one, place))) {
            return true;
        }
    }
    return false;
}

/* A race of the access with what this context has; `told` are bits of RACE_. */
void
report(Access *access, Frame *frame, uint32_t other, int told, bool one_loop)
{
    if (access->id == 0) {
        access->id = context_make(access->thread, frame, &access->wanted);
    }
    if (access->id != 0) {
        race_add(other, access->id, told, one_loop, access->location);
    }
}

/* Whether the access closes a region of two critical sections. Who takes a place takes no other one of the same container. */
static bool
closes_split(const Access *access)
{
    const RegionOf *region = &sites[access->wanted.site].regions[access->wanted.region];
    return region->splits && !(region->brings && access->location->kind == AT_STRUCTURE);
}

/* Record an access of the calling thread, which no fast path could tell to be a repetition. */
void
record_at(Thread *thread, Frame *frame, uint32_t number, Cell *cell, const Location *location, int op, int commute)
{
    Site *site = &sites[number];
    Location here = *location;
    Access access = {.thread = thread, .location = &here};
    Expansion *expansion = expansion_of(cell);
    bool closes = false, looks = false; /* a region of two critical sections; whether others have closed it */
    if (expansion != NULL && unlikely(is_news(expansion, thread->actor->slot))) {
        expansion->own = 0;
        shared_locations++;
    }
    if (unlikely(thread->hidden)) {
        return;
    }
    while (thread->due_count != 0) {
        sync_acquire(thread, thread->due[--thread->due_count]);
    }
    if (site->double_checked && expansion != NULL && expansion->published != NULL) {
        actor_after(thread->actor, &expansion->published->clock, &(const Clock){0});
        tell_edge(TELL_ACQUIRE, thread->actor, expansion->published->handover);
    }
    site->acted = true;
    if (alone) {
        return;
    }
    if (here.object != NULL && here.object->extra != NULL) {
        here.common = here.object->extra->common;
    }
    access.wanted = (Context){.site = number, .operation = (uint8_t)op, .commute = (uint8_t)commute, .region = -1};
    bool misses = unlikely(site->takes) && op == OP_READ && thread->task != NULL;
    if (site->region_count != 0 && (op_mutates(op) || misses)) {
        access.head = find_head(thread, number, location, op_mutates(op), &access.wanted.region);
        if (access.head != NULL) {
            access.wanted.head_offset = access.head->offset;
            access.wanted.head_locks = access.head->locks;
        }
    }
    access.wanted.rank = rank_of(site, op, access.head != NULL);
    access.wanted.actor = whose(thread);
    if (unlikely(thread->task != NULL)) {
        access.wanted.walks = site->suspends && op == OP_ITERATE;
        /* The order of accesses is known of expanded locations only. */
        if (expansion == NULL && (access.wanted.walks || (site->opens && !(site->is_head && op_mutates(op))))) {
            expansion = expand(cell);
        }
        if (op_mutates(op) && (expansion != NULL || thread->task->green)) {
            check_gaps(&access, frame, cell, expansion);
        }
        else if (site->opens && site->is_head && !op_mutates(op) && expansion != NULL) {
            uint32_t other = closed_before(&access, expansion);
            if (unlikely(other != 0)) {
                report_between(&access, frame, other, false);
            }
        }
        else if (misses) {
            check_missed(&access, frame, cell, expansion);
        }
        if (op_reads(op) && (thread->task->turn == 0 || walkers_count != 0)) {
            task_sees(thread, cell);
        }
        if (op_mutates(op)) {
            task_store(thread, frame, number, location->target, location->key);
        }
        else if (unlikely(site->opens && !site->is_head) && op == OP_READ) {
            check_echo(&access, frame, expansion);
        }
        const Look *look = op_mutates(op) ? task_look_at(thread->task, location->target, location->key) : NULL;
        if (unlikely(look != NULL)) {
            if (access.head == NULL && (op == OP_WRITE || op == OP_DELETE) && look->turn != thread->task->turn) {
                check_link(&access, frame, cell, expansion, look);
            }
            task_forget_look(thread->task, location->target, location->key);
        }
    }
    else if (unlikely(access.head != NULL && closes_split(&access))) {
        closes = true;
        if (expansion == NULL && cell->w != 0 && contexts[cell->w].slot != thread->actor->slot) {
            shared_locations += cell->r == 0 || contexts[cell->r].slot == contexts[cell->w].slot;
            expansion = expand(cell);
        }
        split_close(&access, frame, expansion);
    }
    else if (op_mutates(op)) {
        split_ask(&access, frame, cell, expansion);
    }
    else if (site->is_head && expansion != NULL && location->kind != AT_STRUCTURE) {
        looks = split_look(&access, frame, expansion);
    }
    bool polled = unlikely(site->polled) && op_mutates(op) && is_polled(cell, thread->actor->slot);
    if (!repeats(&access, cell, expansion) || unlikely(access.wanted.walks)) { /* each walk has an end of its own */
        if (access.id == 0 && likely(!thread->apart)) {
            access.id = renew(&access, frame, cell, expansion);
        }
        if (access.id == 0) {
            access.id = context_make(thread, frame, &access.wanted);
        }
        if (access.id == 0) {
            return;
        }
        if (unlikely(access.wanted.walks)) {
            begin_walk(&access, expansion, ++sequence);
        }
        bool tell = unlikely(telling) && tell_kept(&access, cell, expansion);
        uint32_t lucky = expansion != NULL && luck_asks(thread, expansion) ? luck_find(&access, expansion) : 0;
        if (expansion != NULL) {
            hear_all(thread, &expansion->writes);
        }
        else if (cell->w != 0) {
            hear(thread, &contexts[cell->w]);
        }
        if (unlikely(thread->apart)) {
            check_jobs(&access, cell, expansion);
        }
        if (expansion == NULL && !record_compact(&access, cell)) {
            bool is_own = cell_is_own(cell, thread->actor->slot);
            expansion = expand(cell);
            shared_locations += !is_own;
            if (expansion != NULL) {
                expansion->told = tell;
                expansion->own = is_own ? thread->actor->slot + 1 : 0;
            }
        }
        if (expansion != NULL) {
            record_expanded(&access, cell, expansion);
        }
        if (unlikely(lucky != 0)) {
            race_add(lucky, access.id, 0, false, &here);
            context_drop(lucky);
        }
        if (unlikely(tell)) {
            tell_access(&access, frame);
            if (expansion == NULL) {
                teller_remember(cell);
            }
        }
        if (unlikely(access.wanted.opens)) {
            split_keep(&access, cell);
        }
    }
    if (unlikely(looks)) {
        context_replace(&cell->r, 0);
    }
    if (unlikely(thread->task != NULL) && op == OP_READ && location->key != KEY_WHOLE) {
        task_look(thread, frame, number, location->target, location->key);
    }
    if (site->is_head && !op_mutates(op) && location->key != KEY_WHOLE) {
        note_head(thread, location->activation, frame == NULL ? 0 : frame_offset(frame), number, location->target,
                  location->key);
    }
    if (!op_mutates(op)) {
        if (unlikely(site->flag)) {
            see_flag(thread, cell, site->waits);
        }
    }
    else if (unlikely(polled) || (site->rechecked && thread->actor->held != 0) ||
             (unlikely(site->flag) && has_others(cell, thread->actor->slot))) {
        publish(thread, cell);
    }
    if (unlikely(closes) || (unlikely(telling) && op == OP_READ_MODIFY_WRITE && teller_is_placed())) {
        actor_gave(thread); /* what comes after it is no repetition: see raceway/detector/predicting.py */
    }
}
