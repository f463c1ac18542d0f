/* Accesses of what other actors had before, in order: the way past the rules for locations that go from hand to hand under
   a lock or through a queue, and for those that all read. What is recorded is what `record_at` would record, by sites that
   it knows no rule for but that of a race; whoever is not ordered is left to it, as is all that tasks do. */
#include "shadow.h"

/* Whether the rules know nothing of this site and object but who comes before whom. */
static inline bool
is_plain(const Tap *tap, const Thread *thread, const Object *object)
{
    return tap->is_simple && thread->task == NULL && !needs_rules(thread) && !telling && !sites[tap->site].flag &&
           !sites[tap->site].polled &&
           (object->extra == NULL || !object->extra->common);
}

/* Whether nothing that was done at `id` goes on, or is unordered with the present. */
static inline bool
is_past(uint32_t id, const Actor *actor)
{
    const Context *known = &contexts[id];
    return is_ordered(known, actor) && !known->walks;
}

static bool
are_past(const Entries *list, const Actor *actor)
{
    const Entry *entries = entries_of(list);
    for (uint8_t place = 0; place < list->count; place++) {
        if (!is_past(entries[place].context, actor)) {
            return false;
        }
    }
    return true;
}

/* Whether none of these is a walk that goes on over suspensions of its task. */
static bool
are_over(const Entries *list)
{
    const Entry *entries = entries_of(list);
    for (uint8_t place = 0; place < list->count; place++) {
        if (contexts[entries[place].context].walks) {
            return false;
        }
    }
    return true;
}

/* Whether one of these closed a region in which others can write. */
static bool
any_opens(const Entries *writes)
{
    for (uint8_t place = 0; place < writes->count; place++) {
        if (contexts[entries_of(writes)[place].context].opens) {
            return true;
        }
    }
    return false;
}

static bool
tells(const Entries *list, const Thread *thread, uint8_t rank)
{
    uint32_t last = list->count == 0 ? 0 : entries_of(list)[list->count - 1].context;
    return last != 0 && is_repeat(last, thread, rank) && contexts[last].commute == COMMUTE_NONE;
}

/* The context of a simple access: the one that its tap made last, if it would make the same again. */
static inline uint32_t
context_of(Tap *tap, int made, Thread *thread, Frame *frame, Effect effect, uint8_t rank, Stack callers)
{
    uint32_t id = made_before(tap, made, thread, frame, effect, rank, callers);
    if (id == 0) {
        const Context wanted = {.site = tap->site, .operation = effect.operation, .region = -1, .rank = rank};
        id = tap_learns(tap)->made[made] = context_make(thread, frame, &wanted);
    }
    return id;
}

/* The access takes the place of all that came before it. */
static void
write_over(const Thread *thread, Expansion *expansion, uint32_t id)
{
    Entries *writes = &expansion->writes;
    context_hold(id);
    for (uint8_t place = 0; place < writes->count; place++) {
        luck_keep(thread, expansion, place);
    }
    while (expansion->reads.count != 0) {
        entries_remove(&expansion->reads, (uint8_t)(expansion->reads.count - 1));
    }
    while (writes->count > 1) {
        entries_remove(writes, (uint8_t)(writes->count - 1));
    }
    if (writes->count == 1) {
        Entry *only = entries_of(writes);
        context_drop(only->context);
        *only = (Entry){id, ++sequence};
        return;
    }
    entries_append(writes, id, ++sequence);
    context_drop(id);
}

/* The read takes the place of those that happen before it. */
static void
read_after(Expansion *expansion, const Actor *actor, uint32_t id)
{
    Entries *reads = &expansion->reads;
    if (reads->count == 1 && is_past(entries_of(reads)[0].context, actor)) {
        Entry *only = entries_of(reads);
        context_replace(&only->context, id);
        only->sequence = ++sequence;
        return;
    }
    for (uint8_t place = reads->count; place-- > 0;) {
        if (is_past(entries_of(reads)[place].context, actor)) {
            entries_remove(reads, place);
        }
    }
    if (reads->count >= LIMIT) {
        entries_remove(reads, 0);
    }
    entries_append(reads, id, ++sequence);
}

/* Record a simple access, which does not commute with others, of a location that is in order; false, with nothing changed,
   when it is not, or the rules have to be asked. */
static bool
record_in_order(Tap *tap, int made, Thread *thread, Frame *frame, Cell *cell, Effect effect, uint8_t rank,
                Stack callers)
{
    const Actor *actor = thread->actor;
    bool mutates = op_mutates(effect.operation);
    Expansion *expansion = expansion_of(cell);
    if (expansion == NULL) {
        uint32_t w = cell->w, r = cell->r;
        bool foreign_write = w != 0 && contexts[w].slot != actor->slot;
        bool foreign_read = r != 0 && contexts[r].slot != actor->slot;
        if ((w != 0 && !is_past(w, actor)) || (r != 0 && !is_past(r, actor)) ||
            (foreign_read && !mutates && contexts[r].rank >= RANK_REGION)) {
            return false;
        }
        if (foreign_write) {
            if (mutates && contexts[w].opens) {
                return false;
            }
            hear(thread, &contexts[w]);
        }
        if (!mutates || (!foreign_write && !foreign_read)) {
            uint32_t id = context_of(tap, made, thread, frame, effect, rank, callers);
            if (id == 0) {
                return false;
            }
            if (!mutates) {
                shared_locations += foreign_write && (r == 0 || (foreign_read && contexts[w].slot == contexts[r].slot));
                context_replace(&cell->r, id);
                return true;
            }
            context_replace(&cell->w, id);
            context_drop(cell->r);
            cell->r = 0;
            return true;
        }
        if ((expansion = expand(cell)) == NULL) {
            return false;
        }
        shared_locations++;
    }
    else if (expansion->racy || is_news(expansion, actor->slot) || !are_past(&expansion->writes, actor) ||
             !(mutates ? are_past(&expansion->reads, actor) : are_over(&expansion->reads))) {
        return false;
    }
    else if (luck_asks(thread, expansion)) {
        return false;
    }
    else if ((mutates || tap->is_head) && any_opens(&expansion->writes)) {
        return false;
    }
    else if (tells(&expansion->writes, thread, rank) || (!mutates && tells(&expansion->reads, thread, rank))) {
        return true;
    }
    uint32_t id = context_of(tap, made, thread, frame, effect, rank, callers);
    if (id == 0) {
        return false;
    }
    hear_all(thread, &expansion->writes);
    if (mutates) {
        write_over(thread, expansion, id);
    }
    else {
        read_after(expansion, actor, id);
    }
    context_replace(&cell->r, id);
    return true;
}

/* A field of an instance, at the cell that the tap knows. */
bool
field_handed(Tap *tap, Thread *thread, Frame *frame, const Object *object, Cell *cell)
{
    if (!is_plain(tap, thread, object) || (tap->early && !cell_is_filled(cell))) {
        return false;
    }
    const Effect effect = {.operation = op_of_context[sites[tap->site].context]};
    return record_in_order(tap, MADE_ONE, thread, frame, cell, effect, tap->rank,
                           context_callers(thread, frame, tap->site));
}

/* A look at the structure of a container, or a change that does not commute with others: the items are changed with it. */
bool
structure_handed(Tap *tap, const Known *known, Thread *thread, Frame *frame, Object *object)
{
    Effect effect = known->row->effects[0];
    if (!is_plain(tap, thread, object) || effect.commute != COMMUTE_NONE || known->row->handover != HANDOVER_NONE) {
        return false;
    }
    if (effect.operation == OP_ITERATE && sites[tap->site].form == FORM_CONTAINS) {
        effect.operation = OP_READ;
    }
    Stack callers = context_callers(thread, frame, tap->site);
    return record_in_order(tap, MADE_STRUCTURE, thread, frame, &object->cells[0], effect, known->rank, callers) &&
           (!known->stores ||
            record_in_order(tap, MADE_STRUCTURE, thread, frame, &object->cells[1], effect, known->rank, callers));
}

/* An item that is there; who reads or writes it reads all. `row` is NULL for an augmented assignment. */
bool
item_handed(Tap *tap, const Known *known, Thread *thread, Frame *frame, Object *object, Cell *cell)
{
    const Row *row = known->row;
    if (!is_plain(tap, thread, object) || (tap->early && !cell_is_filled(cell)) ||
        (row != NULL && row->handover != HANDOVER_NONE && row->handover != HANDOVER_GIVE)) {
        return false;
    }
    const Effect effect = {.operation = row == NULL ? OP_READ_MODIFY_WRITE : row->effects[0].operation};
    const Effect reads = {.operation = OP_READ};
    Stack callers = context_callers(thread, frame, tap->site);
    return record_in_order(tap, MADE_ONE, thread, frame, cell, effect, known->rank, callers) &&
           (cell_repeats(&object->cells[1], thread, false, rank_of_look(tap), COMMUTE_NONE) ||
            record_in_order(tap, MADE_ALL, thread, frame, &object->cells[1], reads, rank_of_look(tap), callers));
}
