/* Accesses of what an actor has to itself: the way past the rules for objects that are new, or reached again in a later
   epoch, whose type a tap knows. What they record is what `record_at` would; where they are not sure they say so. */
#include "core.h"

/* Whether a tap would make this context again: at the same instruction, called from the same places, in the same epoch,
   holding the same locks, without a region. */
static inline bool
would_make(uint32_t id, const Thread *thread, Frame *frame, Effect effect, uint8_t rank, Stack callers)
{
    const Context *known = &contexts[id];
    uint32_t tag = thread->tag + rank + (op_mutates(effect.operation) ? TAG_MUTATES : 0);
    return likely(context_tags[id] == tag) && known->operation == effect.operation &&
           known->commute == effect.commute && known->instruction == frame_instruction(frame) &&
           known->locks == thread->actor->held && known->callers == callers;
}

/* The context that the tap made before, if it would make the same again; 0 if not. */
uint32_t
made_before(const Tap *tap, int made, const Thread *thread, Frame *frame, Effect effect, uint8_t rank, Stack callers)
{
    uint32_t before = tap->learned->made[made];
    return would_make(before, thread, frame, effect, rank, callers) ? before : 0;
}

/* The same access again, by a tap that has made another context since, as it does in a function that is called from two
   places in turn: the one before, the cell's own brought up to date, or a new one. 0 if the cell is not the actor's own. */
static __attribute__((noinline)) uint32_t
context_for_other(Tap *tap, int made, Thread *thread, Frame *frame, const Cell *cell, Effect effect, uint8_t rank,
                  Stack callers)
{
    Learned *learned = tap_learns(tap);
    uint32_t last = learned->made[made];
    if (!cell_is_own(cell, thread->actor->slot)) {
        return 0;
    }
    if (made == MADE_ONE && would_make(learned->made_before, thread, frame, effect, rank, callers)) {
        learned->made[made] = learned->made_before;
        learned->made_before = last;
        return learned->made[made];
    }
    const Context wanted = {.site = tap->site, .operation = effect.operation, .commute = effect.commute, .region = -1,
                            .rank = rank};
    uint32_t kept = op_mutates(effect.operation) ? cell->w : cell->r;
    uint32_t id = kept == 0 ? 0 : context_renew(thread, frame, kept, &wanted, callers, 1);
    if (id == 0) {
        id = learned->made[made] = context_make(thread, frame, &wanted);
        learned->made_before = made == MADE_ONE ? last : learned->made_before;
    }
    return id;
}

/* The context of a simple access of a cell of one's own; 0 if it is not one's own. */
static inline uint32_t
context_for_own(Tap *tap, int made, Thread *thread, Frame *frame, const Cell *cell, Effect effect, uint8_t rank,
                Stack callers)
{
    if (unlikely(thread->task != NULL) && (thread->task->turn == 0 || walkers_count != 0) && op_reads(effect.operation)) {
        task_sees(thread, cell);
    }
    uint32_t id = made_before(tap, made, thread, frame, effect, rank, callers);
    return id != 0 ? id : context_for_other(tap, made, thread, frame, cell, effect, rank, callers);
}

/* As `record_own`; mostly nobody was at the cell before. */
static inline bool
record_first(Thread *thread, Cell *cell, uint32_t context, bool mutates)
{
    if (likely((cell->w | cell->r) == 0)) {
        context_hold(context);
        *(mutates ? &cell->w : &cell->r) = context;
        return true;
    }
    return record_own(thread, cell, context, mutates);
}

/* Keep the context that an access of this tap left in a cell. */
void
remember_made(Tap *tap, int made, uint32_t context)
{
    tap_learns(tap)->made[made] = (context & EXPANDED) == 0 && contexts[context].site == tap->site ? context : 0;
}

/* Whether the task may write here because of what it has read. */
static inline bool
may_rely(bool stores, const Thread *thread, const void *target, uint64_t key)
{
    return unlikely(thread->task != NULL) && stores && task_look_at(thread->task, target, key) != NULL;
}

/* A new object's fields are mostly stored one after the other by one activation, whose callers need to be looked at only
   once: it is the same activation if the same code runs in the same frame, called from the same instruction, and no
   other object was made known since. */
static inline void
remember_fresh(Thread *thread, Frame *frame, const Object *object, Stack callers)
{
#if RW_PEEK
    thread->fresh = object;
    thread->fresh_frame = frame;
    thread->fresh_code = frame_code(frame);
    thread->fresh_callers = callers;
#else
    (void)thread, (void)frame, (void)object, (void)callers;
#endif
}

static inline bool
is_fresh(const Thread *thread, Frame *frame, const Object *object)
{
#if RW_PEEK
    if (thread->fresh != object || thread->fresh_frame != frame || thread->fresh_code != frame_code(frame) ||
        thread->fresh_callers != thread->memo.callers || thread->memo.depth == 0) {
        return false;
    }
    const StackLevel *caller = &thread->memo.levels[thread->memo.depth - 1];
    Frame *outer = frame_skip(frame->previous);
    return outer == caller->frame && frame_instruction(outer) == caller->instruction;
#else
    (void)thread, (void)frame, (void)object;
    return false;
#endif
}

/* Whether an access of a cell of one's own is the same in all but its epoch as the one that this very site left there:
   then that one's context, which nothing else refers to, is brought up to date. `effect` is what the site does there. */
bool
renews(const Tap *tap, Thread *thread, Frame *frame, Cell *cell, Effect effect, uint8_t rank)
{
    bool mutates = op_mutates(effect.operation);
    uint32_t id = mutates ? cell->w : cell->r, beside = mutates ? cell->r : cell->w;
    if (((id | beside) & EXPANDED) != 0) {
        return false;
    }
    const Actor *actor = thread->actor;
    Context *known = &contexts[id];
    if (known->site != tap->site || known->references != 1 || known->actor != actor->serial ||
        known->locks != actor->held || known->operation != effect.operation || known->commute != effect.commute ||
        !tap->is_simple || thread->task != NULL || needs_rules(thread) ||
        (beside != 0 && contexts[beside].slot != actor->slot) || known->instruction != frame_instruction(frame) ||
        known->callers != context_callers(thread, frame, tap->site) || !context_joins(thread, id)) {
        return false;
    }
    known->number = clock_get(&actor->clock, actor->slot);
    known->rank = rank;
    context_tags[id] = thread->tag + rank + (mutates ? TAG_MUTATES : 0);
    claim(thread, known);
    if (mutates) {
        cell_drop_read(cell);
    }
    return true;
}

/* A field of an instance whose type the tap knows: its cell is known, and that nothing of the type stands between.
   False when the object's class was changed, or there is no room. */
bool
field_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *base)
{
    Shape *shape = known->shape;
    Object *object = object_find(base);
    Stack callers;
    if (object == NULL) {
        object = object_make(base, shape);
        callers = context_callers(thread, frame, tap->site);
        remember_fresh(thread, frame, object, callers);
    }
    else {
        callers = is_fresh(thread, frame, object) ? thread->fresh_callers : context_callers(thread, frame, tap->site);
    }
    if (object == NULL || object->shape != shape->id) {
        return false;
    }
    object = object_grow(base, object, (uint32_t)known->cell + 1);
    if (object == NULL) {
        return false;
    }
    int op = op_of_context[sites[tap->site].context];
    Cell *cell = &object->cells[known->cell];
    if (tap->early && !cell_is_filled(cell) && lacks_field(base, tap->name)) {
        return true;
    }
    thread->accesses++;
    if (op_reads(op)) {
        shape->slots[(uint32_t)known->cell - shape->first].is_read = true;
    }
    bool recorded = false;
    if (tap->is_simple && !needs_rules(thread) && (cell->w & EXPANDED) == 0 &&
        !may_rely(tap->stores, thread, base, (uintptr_t)tap->name)) {
        Effect effect = {.operation = (uint8_t)op};
        uint32_t again = context_for_own(tap, MADE_ONE, thread, frame, cell, effect, tap->rank, callers);
        recorded = again != 0 && record_first(thread, cell, again, tap->stores);
    }
    if (recorded || field_handed(tap, thread, frame, object, cell)) {
        if (tap->is_head) {
            note_head(thread, frame, frame_offset(frame), tap->site, base, (uintptr_t)tap->name);
        }
        if (unlikely(thread->task != NULL) && op == OP_READ) {
            task_look(thread, frame, tap->site, base, (uintptr_t)tap->name);
        }
        return true;
    }
    Location location = {.object = object, .tap = tap, .target = base, .activation = frame, .shape = shape, .name = tap->name,
                         .kind = AT_ATTRIBUTE, .key = (uintptr_t)tap->name};
    record_at(thread, frame, tap->site, cell, &location, op, COMMUTE_NONE);
    remember_made(tap, MADE_ONE, tap->stores ? cell->w : cell->r);
    return true;
}

/* What the actor does to an item that it has put in is not what it did before. To tell the two apart takes a new epoch.
   Containers that others take from are worth one each time; of all others it is not known whether they will be, so a
   site is given one the first time, the second, the fourth and so on. */
void
put_in(Tap *tap, Thread *thread, Object *object)
{
    bool handing = object != NULL && object->extra != NULL && object->extra->handing;
    uint32_t count = handing ? 0 : ++tap_learns(tap)->puts;
    if (unlikely((count & (count - 1)) == 0)) {
        actor_gave(thread);
    }
}

/* The record of a container that needs no better name than its site has; NULL where that must be looked into. */
static Object *
own_container(const Tap *tap, const Known *known, PyObject *container)
{
    Object *object = object_find(container);
    if (object == NULL && known->shape != NULL) {
        object = object_make(container, known->shape);
    }
    if (object == NULL || object->capacity < 2) {
        return NULL;
    }
    if (object->label == 0) {
        const Site *site = &sites[tap->site];
        if (site->through != NULL || site->is_self || site->variable == 0) {
            return NULL;
        }
        object->label = site->variable;
    }
    return object;
}

/* Whether a change of the structure takes the place of the last one, as far as conflicts go. */
static bool
may_follow(const Cell *structure, Effect effect)
{
    return structure->w == 0 || effect_covers(effect, &contexts[structure->w]);
}

/* Whether the row is one that a fast path knows of what others use, too: one effect on one key, or a store that may insert
   the key. */
static bool
is_plain_row(const Row *row)
{
    const Effect *effects = row->effects;
    if (row->full_when == PRESENT_ANY) {
        return row->effect_count == 1 && effects[0].commute == COMMUTE_NONE;
    }
    return row->full_when == PRESENT_ABSENT && row->effect_count == 2 && row->otherwise_count == 1 &&
           effects[0].operation == OP_WRITE && effects[0].commute == COMMUTE_NONE &&
           effects[1].target == TARGET_STRUCTURE && row->otherwise[0].operation == OP_WRITE &&
           row->otherwise[0].commute == COMMUTE_NONE;
}

/* Whether the row is one that a fast path knows of what is an actor's own: one effect on one key, or one for a key that is
   there and one for a key that is not, of which that by which it comes or goes changes the structure, too. */
static bool
is_own_row(const Row *row)
{
    const Effect *effects = row->effects;
    if (row->full_when == PRESENT_ANY) {
        return row->effect_count == 1 && effects[0].commute == COMMUTE_NONE;
    }
    return row->effect_count == 2 && row->otherwise_count == 1 && op_mutates(effects[0].operation) &&
           effects[1].target == TARGET_STRUCTURE && op_mutates(effects[1].operation) &&
           row->otherwise[0].target == TARGET_KEY;
}

/* An operation on the structure of a container that is this actor's own. False when the rules have to be asked. */
bool
structure_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container)
{
    const Row *row = known->row;
    if (!tap->is_simple || tap->is_head || needs_rules(thread) || row->effect_count != 1 ||
        row->full_when != PRESENT_ANY) {
        return false;
    }
    Object *object = own_container(tap, known, container);
    if (object == NULL) {
        return false;
    }
    if (!cell_is_own(&object->cells[0], thread->actor->slot) || !cell_is_own(&object->cells[1], thread->actor->slot)) {
        if (!structure_handed(tap, known, thread, frame, object)) {
            return false;
        }
        variable_is_read(known->stores ? 0 : object->label);
        thread->accesses++;
        return true;
    }
    if (may_rely(known->stores, thread, container, KEY_STRUCTURE)) {
        return false;
    }
    Stack callers = context_callers(thread, frame, tap->site);
    bool asked = row->effects[0].operation == OP_ITERATE && sites[tap->site].form == FORM_CONTAINS;
    Effect effect = {.operation = asked ? OP_READ : row->effects[0].operation, .commute = row->effects[0].commute};
    uint32_t again =
        context_for_own(tap, MADE_STRUCTURE, thread, frame, &object->cells[0], effect, known->rank, callers);
    if (again == 0 || (known->stores && !may_follow(&object->cells[0], effect))) {
        return false;
    }
    record_first(thread, &object->cells[0], again, known->stores);
    if (known->stores && changes_all(effect)) {
        record_first(thread, &object->cells[1], again, true);
    }
    if (!known->stores) {
        variable_is_read(object->label);
        if (unlikely(thread->task != NULL) && effect.operation == OP_READ) {
            task_look(thread, frame, tap->site, container, KEY_STRUCTURE);
        }
    }
    thread->accesses++;
    if (row->handover == HANDOVER_GIVE) {
        put_in(tap, thread, object);
    }
    return true;
}

/* An item of a container, reached by this site in an earlier epoch before: see `renews`. Who reads or writes an item reads
   all, too. */
bool
item_renews(const Tap *tap, const Known *known, Thread *thread, Frame *frame, const PyObject *container, Cell *cell)
{
    const Row *row = known->row; /* NULL: an augmented assignment */
    if (row != NULL && (row->effect_count != 1 || row->full_when != PRESENT_ANY ||
                        (row->handover == HANDOVER_GIVE && known->stores))) {
        return false;
    }
    Cell *all = &object_find(container)->cells[1];
    Effect effect = row == NULL ? (Effect){.operation = OP_READ_MODIFY_WRITE} : row->effects[0];
    return (repeats_look_at_all(tap, thread, all) ||
            renews(tap, thread, frame, all, (Effect){.operation = OP_READ}, rank_of_look(tap))) &&
           renews(tap, thread, frame, cell, effect, known->rank);
}

/* As `item_reached`, of a container that others use too. */
static bool
item_of_others(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
               uint64_t number)
{
    const Row *row = known->row;
    bool stores = row == NULL || known->stores;
    Object *object = row != NULL && !is_plain_row(row) ? NULL : own_container(tap, known, container);
    Cell *cell = object == NULL                    ? NULL
                 : known->cell == SEES_SEQUENCE ? item_find(object, (size_t)number - 1)
                                                : keyed_find(object, number);
    if (cell == NULL || (row != NULL && row->full_when == PRESENT_ABSENT && has_key(container, key) != 1) ||
        !item_handed(tap, known, thread, frame, object, cell)) {
        return false;
    }
    thread->accesses++;
    if (row == NULL || !stores) {
        variable_is_read(object->label);
    }
    if (tap->is_head) {
        note_head(thread, frame, frame_offset(frame), tap->site, container, number);
    }
    if (row != NULL && row->handover == HANDOVER_GIVE && stores) {
        put_in(tap, thread, object);
    }
    return true;
}

/* Whether an access of an own item takes the place of what was there, as far as conflicts go. */
static bool
may_join(const Cell *cell, Effect effect, uint32_t slot)
{
    uint32_t before = op_mutates(effect.operation) ? cell->w : cell->r;
    return effect.commute == COMMUTE_NONE || (cell->w | cell->r) == 0 ||
           (cell_is_own(cell, slot) && (before == 0 || effect_covers(effect, &contexts[before])));
}

/* The context of a change of the structure by which a key comes or goes, into `*made`; 0 where it repeats. False when it is
   not the actor's own, or the rules have to be asked. */
static bool
structure_changes(Tap *tap, const Known *known, Thread *thread, Frame *frame, Object *object, Stack callers,
                  uint32_t *made)
{
    Effect effect = known->row->effects[1];
    Cell *structure = &object->cells[0], *all = &object->cells[1];
    uint32_t slot = thread->actor->slot;
    if (repeats_change(object, thread, effect, known->rank)) {
        return true;
    }
    *made = context_for_own(tap, MADE_STRUCTURE, thread, frame, structure, effect, known->rank, callers);
    return *made != 0 && cell_is_own(structure, slot) && may_follow(structure, effect) &&
           (!changes_all(effect) || (cell_is_own(all, slot) && may_follow(all, effect)));
}

#if !RW_FREE_THREADED

/* What is done to the first item of a deque with an end of it, and the look at all items that is part of it: into the
   contexts of both, which are kept. False when they are not the actor's own. */
static bool
first_changes(Tap *tap, Thread *thread, Frame *frame, Object *object, Cell *first, Effect effect, uint8_t rank,
              Stack callers, uint32_t *made, uint32_t *all)
{
    uint32_t slot = thread->actor->slot;
    Cell *whole = &object->cells[1];
    if (!cell_is_own(first, slot) || !may_join(first, effect, slot)) {
        return false;
    }
    if (!cell_repeats(whole, thread, false, RANK_PLAIN, COMMUTE_NONE)) {
        *all = context_for_own(tap, MADE_ALL, thread, frame, whole, (Effect){.operation = OP_READ}, RANK_PLAIN, callers);
        if (*all == 0) {
            return false;
        }
        context_hold(*all);
    }
    *made = context_for_own(tap, MADE_ONE, thread, frame, first, effect, rank, callers);
    return *made != 0;
}

/* Putting in or taking out at an end of a deque that nobody else has used: what is put in is there for others from here on,
   and what is taken out was put in by the actor itself. Between this and the operation no other thread runs. False when
   the rules have to be asked. */
bool
end_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container)
{
    const Row *row = known->row;
    bool changes_first = row->effect_count == 2;
    Object *object = own_container(tap, known, container);
    uint64_t sync = object == NULL || object->extra == NULL ? 0 : object->extra->sync;
    uint32_t slot = thread->actor->slot;
    if (sync == 0 || !tap->is_simple || tap->is_head || needs_rules(thread) || thread->task != NULL || telling ||
        known->rank > RANK_STORE || row->effect_count > 2 || !sync_is_only_of(sync, thread->actor) ||
        (changes_first && row->effects[1].target != TARGET_FIRST)) {
        return false;
    }
    Cell *first = changes_first ? item_cell(container, &object, 0) : NULL;
    if (!cell_is_own(&object->cells[0], slot) || !cell_is_own(&object->cells[1], slot) ||
        !may_follow(&object->cells[0], row->effects[0]) || (changes_first && first == NULL)) {
        return false;
    }
    if (row->handover == HANDOVER_RELEASE) {
        sync_release(thread, sync, true);
    }
    Stack callers = context_callers(thread, frame, tap->site);
    uint32_t all = 0, of_first = 0, of_structure = context_for_own(tap, MADE_STRUCTURE, thread, frame, &object->cells[0],
                                                                   row->effects[0], known->rank, callers);
    if (of_structure == 0) {
        return false;
    }
    context_hold(of_structure);
    bool recorded = !changes_first ||
                    first_changes(tap, thread, frame, object, first, row->effects[1], known->rank, callers, &of_first, &all);
    if (recorded) {
        record_first(thread, &object->cells[0], of_structure, true);
        if (all != 0) {
            record_first(thread, &object->cells[1], all, false);
        }
        if (changes_first) {
            record_first(thread, first, of_first, true);
        }
        thread->accesses++;
    }
    context_drop(all);
    context_drop(of_structure);
    return recorded;
}

#else

bool
end_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container)
{
    (void)tap, (void)known, (void)thread, (void)frame, (void)container;
    return false;
}

#endif

/* As `item_reached`. The contexts of the cells for all items and for the structure are kept: no cell has them yet when
   another one is made, for which unused ones may be let go of. */
static inline bool
item_recorded(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
              uint64_t number, uint32_t *kept_all, uint32_t *kept_changes)
{
    const Row *row = known->row; /* NULL: an augmented assignment */
    bool stores = row == NULL || known->stores;
    Object *object;
    if (!tap->is_simple || needs_rules(thread) || (row != NULL && !is_own_row(row)) ||
        may_rely(stores, thread, container, number) || may_rely(stores, thread, container, KEY_STRUCTURE) ||
        (object = own_container(tap, known, container)) == NULL) {
        return false;
    }
    int present = row == NULL || row->full_when == PRESENT_ANY ? -1 : has_key(container, key);
    if (present < 0 && row != NULL && row->full_when != PRESENT_ANY) {
        return false;
    }
    bool comes_or_goes = present >= 0 && present == (row->full_when == PRESENT_PRESENT);
    Effect effect = row == NULL                         ? (Effect){.operation = OP_READ_MODIFY_WRITE}
                    : present >= 0 && !comes_or_goes ? row->otherwise[0]
                                                        : row->effects[0];
    bool mutates = op_mutates(effect.operation);
    Stack callers = context_callers(thread, frame, tap->site);
    uint32_t all = 0, changes = 0;
    if (!repeats_look_at_all(tap, thread, &object->cells[1])) { /* who reads or writes an item reads all */
        all = context_for_own(tap, MADE_ALL, thread, frame, &object->cells[1], (Effect){.operation = OP_READ},
                              rank_of_look(tap), callers);
        if (all == 0 || !cell_is_own(&object->cells[1], thread->actor->slot)) {
            return false;
        }
        context_hold(*kept_all = all);
    }
    if (comes_or_goes) {
        if (!structure_changes(tap, known, thread, frame, object, callers, &changes)) {
            return false;
        }
        if (changes != 0) {
            context_hold(*kept_changes = changes);
        }
    }
    Cell *cell;
    Py_ssize_t index;
    if (known->cell == SEES_SEQUENCE) {
        if (!PyLong_CheckExact(key) || !small_index(key, &index) || index < 0) {
            return false;
        }
        cell = item_cell(container, &object, (size_t)index);
    }
    else {
        cell = keyed_cell(container, &object, number, true);
    }
    if (tap->early && cell != NULL && !cell_is_filled(cell) && lacks_item(container, key)) {
        return true;
    }
    uint8_t rank = mutates == stores || known->rank == RANK_NEVER ? known->rank : tap->is_head ? RANK_REGION : RANK_PLAIN;
    if (cell == NULL || !may_join(cell, effect, thread->actor->slot)) {
        return false;
    }
    uint32_t again = context_for_own(tap, MADE_ONE, thread, frame, cell, effect, rank, callers);
    if (again == 0 || !record_first(thread, cell, again, mutates)) {
        return false;
    }
    if (all != 0) {
        record_first(thread, &object->cells[1], all, false);
    }
    if (changes != 0) {
        record_first(thread, &object->cells[0], changes, true);
        if (changes_all(row->effects[1])) {
            record_first(thread, &object->cells[1], changes, true);
        }
    }
    thread->accesses++;
    if (row == NULL || !mutates) {
        variable_is_read(object->label);
    }
    if (tap->is_head && !mutates) {
        note_head(thread, frame, frame_offset(frame), tap->site, container, number);
    }
    if (unlikely(thread->task != NULL) && effect.operation == OP_READ) {
        task_look(thread, frame, tap->site, container, number);
    }
    if (row != NULL && row->handover == HANDOVER_GIVE && mutates) {
        put_in(tap, thread, object);
    }
    return true;
}

/* An item of a container that is this actor's own, reached in this epoch before: what the rules would say is known.
   False when they have to be asked. */
bool
item_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
             uint64_t number)
{
    const Object *known_as = object_find(container);
    if (known_as != NULL && known_as->capacity >= 2 && !cell_is_own(&known_as->cells[1], thread->actor->slot)) {
        return item_of_others(tap, known, thread, frame, container, key, number);
    }
    uint32_t all = 0, changes = 0;
    bool recorded = item_recorded(tap, known, thread, frame, container, key, number, &all, &changes);
    context_drop(all);
    context_drop(changes);
    /* The container may be its own as a whole, and this item not: that others had it before. */
    return recorded || (known_as != NULL && item_of_others(tap, known, thread, frame, container, key, number));
}
