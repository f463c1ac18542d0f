/* What the files share that hold the rules of a race: the shadow of a location that several actors share, and the regions
   that its accesses close. */
#ifndef RACEWAY_SHADOW_H
#define RACEWAY_SHADOW_H

#include "core.h"

#define LIMIT 16 /* unordered accesses kept per location and direction */

/* Mostly there is but one. */
typedef struct {
    union {
        Entry only; /* while there is room for one */
        Entry *many; /* owned */
    };
    uint8_t count;
    uint8_t capacity; /* of `many`, 0 without */
} Entries;

/* What double-checked locking, or the store of a flag, hands over. */
typedef struct {
    Clock clock;
    uint64_t handover; /* the serial under which it is told of */
} Published;

/* The last walk of a task with awaits, one that a change has come after, contexts, owned references; and how often another
   walk came after that. */
typedef struct {
    uint32_t walk;
    uint32_t place; /* of it in the run */
    uint32_t passed;
    uint32_t change;
    uint32_t turns;
} Walked;

/* What the epoch that touched a racy location last, of this tag, did there. */
typedef struct {
    uint32_t tag;
    uint32_t count;
    uint32_t capacity;
    uint64_t accesses[]; /* their sites and operations */
} Noted;

typedef struct {
    Entries writes;
    Entries reads;
    Published *published; /* owned */
    Walked *walked; /* owned */
    union {
        Noted *noted; /* owned */
        uint32_t next_free;
    };
    Entry passed; /* the newest write under locks that one of another actor has replaced; its context is owned */
    Entry opened; /* the newest write that `opens`, whatever came since; its context is owned */
    uint32_t own; /* 1 + the slot of the only actor that has been here, if that is so; 0 otherwise */
    bool racy;
    bool told; /* what is kept here */
} Expansion;

extern Expansion *expansions;

static inline Expansion *
expansion_of(const Cell *cell)
{
    return (cell->w & EXPANDED) != 0 ? &expansions[cell->w & ~EXPANDED] : NULL;
}

static inline Entry *
entries_of(const Entries *list)
{
    return list->capacity == 0 ? (Entry *)&list->only : list->many;
}

/* Whether the actor of this slot is the second one here. */
static inline bool
is_news(const Expansion *expansion, uint32_t slot)
{
    return expansion->own != 0 && expansion->own - 1 != slot;
}

Expansion *expand(Cell *cell); /* NULL when memory is short */
void walked_begin(Expansion *expansion, const Task *task, uint32_t context, uint32_t place);
void walked_passed(Walked *walked, uint32_t change);
bool walked_beside(const Task *task, const Context *walk);
void walked_free(Walked *walked);
bool entries_append(Entries *list, uint32_t context, uint32_t place);
void entries_remove(Entries *list, uint8_t place);
bool is_noted(Expansion *expansion, uint32_t tag, uint64_t access);

static inline bool
is_ordered(const Context *context, const Actor *actor)
{
    return context->number <= clock_get(&actor->clock, context->slot);
}

/* The context at `place` is `id` from here on. */
static inline void
context_replace(uint32_t *place, uint32_t id)
{
    uint32_t before = *place;
    context_hold(id);
    *place = id;
    context_drop(before);
}

/* An access that is being recorded. */
typedef struct {
    Thread *thread;
    const Location *location;
    const Head *head;
    Context wanted;
    uint32_t id;
} Access;

void report(Access *access, Frame *frame, uint32_t other, int told, bool one_loop);

/* flags.c */
void publish(Thread *thread, Cell *cell);
bool has_others(const Cell *cell, uint32_t slot);
bool is_polled(const Cell *cell, uint32_t slot);
void see_flag(Thread *thread, const Cell *cell, bool waits);

/* gaps.c */
uint32_t closed_before(const Access *access, const Expansion *expansion);
void report_between(Access *access, Frame *frame, uint32_t other, bool observed);
void check_link(Access *access, Frame *frame, const Cell *cell, const Expansion *expansion, const Look *look);
void begin_walk(const Access *access, Expansion *expansion, uint32_t place);
void check_echo(Access *access, Frame *frame, const Expansion *expansion);
void check_gaps(Access *access, Frame *frame, const Cell *cell, const Expansion *expansion);
void check_missed(Access *access, Frame *frame, const Cell *cell, const Expansion *expansion);

bool may_pause(const Task *task, const RegionOf *region);
const Head *find_head(Thread *thread, uint32_t site, const Location *location, bool mutates, int8_t *region);

bool hold_one_lock(Lockset one, Lockset other);
void hear(Thread *thread, const Context *other);
void hear_all(Thread *thread, const Entries *writes);
bool breaks(const Context *other, const Context *own, const RegionOf *region, int kind);
bool puts_in(const Context *write);
bool finds(const Thread *thread, const Context *other);
bool shares(const Thread *thread, const Context *other, const Entries *writes, bool alike);

bool came_alone(const Thread *thread, const Context *other);

void luck_keep(const Thread *thread, Expansion *expansion, uint32_t place);
uint32_t luck_find(const Access *access, const Expansion *expansion);

/* Whether an access that is made now may be one that only the luck of a lock orders after what is kept. */
static inline bool
luck_asks(const Thread *thread, const Expansion *expansion)
{
    const Context *other = &contexts[expansion->passed.context];
    return unlikely(expansion->passed.context != 0) && other->slot != thread->actor->slot &&
           !hold_one_lock(other->locks, thread->actor->held);
}

void check_jobs(const Access *access, const Cell *cell, const Expansion *expansion);

void split_close(Access *access, Frame *frame, Expansion *expansion);
void split_keep(const Access *access, Cell *cell);
void split_put_back(const Access *access, Expansion *expansion);
void split_opened(Access *access, Frame *frame, uint32_t id);
void split_tested(Access *access, Frame *frame, uint32_t id);

/* The access changes the location: could it have come into a region of two critical sections that another actor closed? */
static inline void
split_ask(Access *access, Frame *frame, const Cell *cell, Expansion *expansion)
{
    const Entry only = {.context = cell->w}, *writes = expansion == NULL ? &only : entries_of(&expansion->writes);
    uint8_t count = expansion == NULL ? 1 : expansion->writes.count;
    for (uint8_t at = 0; at < count; at++) {
        if (unlikely(contexts[writes[at].context].opens)) {
            split_opened(access, frame, writes[at].context);
        }
    }
    if (expansion != NULL && unlikely(expansion->opened.context != 0)) {
        split_put_back(access, expansion);
    }
}

/* The access asks what a region of two critical sections may begin with: has another actor closed one that began so? True
   if it has to be looked at again when it is repeated, since another function may ask then. */
static inline bool
split_look(Access *access, Frame *frame, const Expansion *expansion)
{
    bool looks = false;
    for (uint8_t at = 0; at < expansion->writes.count; at++) {
        uint32_t id = entries_of(&expansion->writes)[at].context;
        if (unlikely(contexts[id].opens)) {
            split_tested(access, frame, id);
            looks = true;
        }
    }
    return looks;
}

#endif
