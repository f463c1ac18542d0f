/* Sites, races, and what the rules keep beside them. A part of core.h. */
#ifndef RACEWAY_RULES_H
#define RACEWAY_RULES_H

/* --- sites.c: what the transform says of every tapped place ------------------------------------------------------- */

enum {
    FORM_ATTRIBUTE, FORM_METHOD, FORM_ITEM, FORM_GLOBAL, FORM_CELL, FORM_ITERATE, FORM_CONTAINS, FORM_FUNCTION,
    FORM_IMPORT, FORM_BODY
};
enum { CONTEXT_LOAD, CONTEXT_STORE, CONTEXT_DELETE, CONTEXT_AUGMENT, CONTEXT_CALL };
enum { ROLE_BASE = 'S', ROLE_KEY = 'K', ROLE_VALUE = 'W', ROLE_STATEMENT = 'G' };

typedef struct {
    uint32_t head; /* serial of the reading site */
    bool awaits; /* an await lies between the read and the write */
    bool takes_back; /* the write is made from what was read */
    bool splits; /* a lock may have been let go of between the read and the write */
    bool lent; /* the head lies in another function, called by the same activation */
    bool brings; /* the write stores what was there before the test */
    bool fills; /* the write puts something in where the test has found room */
    bool takes; /* it takes out what the test has found, and fails if that is gone */
    bool instead; /* a short circuit may have passed by the read of the region before this one */
    bool switches; /* a greenlet may have let others run there */
} RegionOf;

typedef struct {
    uint8_t form;
    uint8_t context;
    uint8_t commit;
    bool keyed;
    bool is_head;
    bool rechecked;
    bool double_checked;
    bool flag;
    bool suspends; /* a walk with an await between its steps */
    bool opens; /* an await lies between this read and a write that depends on it */
    bool switches; /* a greenlet may let others run there */
    bool acted;
    bool awaits; /* one of its regions has an await inside */
    bool splits; /* one of its regions may be of two critical sections */
    bool takes; /* one of its regions takes out what its test has found */
    bool answers; /* what the function gives back depends on this read, or something that the coroutine does */
    uint8_t region_count;
    RegionOf *regions; /* owned */
    PyObject *name; /* owned; NULL of a site that no bound code has */
    PyObject *key; /* owned, NULL without a literal key */
    PyObject *through; /* owned, NULL when the operand is no attribute */
    PyObject *label; /* owned */
    bool is_self; /* the operand is plain `self` */
    bool lent; /* it is part of a region that the callers of its function make */
    bool made; /* the operand is still being made by the function, which has handed it to nobody */
    bool waits; /* a read in the test of a loop that does nothing but wait, or at the end of one that polls */
    bool polled; /* a store of what such a loop asks for */
    bool given; /* the operand is still being made if a store in it has called the function */
    uint16_t stacks; /* from which contexts were made in the epoch `stacks_tag` */
    uint32_t stacks_tag;
    Stack stack; /* owned: of the context made last */
    uint32_t variable; /* of a container without a better name, 0 until asked for */
} Site;

extern Site *sites;
extern uint32_t sites_count;

/* The columns of a site table, in the order of raceway/model/sitetable.py. */
enum { COLUMN_FORM, COLUMN_CONTEXT, COLUMN_COMMIT, COLUMN_FLAGS, COLUMN_OPERAND, COLUMN_TEXTS, COLUMN_NAME,
       COLUMN_THROUGH, COLUMN_LABEL, COLUMN_LITERALS, COLUMN_HEADS, COLUMNS };

typedef struct {
    Py_ssize_t count;
    const uint8_t *numbers[COLUMNS]; /* of the columns that are bytes */
    Py_ssize_t width; /* bytes of the number of a text */
    PyObject *texts;
    PyObject *literals;
    PyObject *heads;
} Columns;

bool columns_read(PyObject *table, Columns *columns);
Py_ssize_t text_number(const Columns *columns, int column, Py_ssize_t place);
bool site_read(const Columns *columns, uint32_t first, Py_ssize_t place, Site *site);
void site_clear(Site *site);
bool sites_reserve(Py_ssize_t count, uint32_t *first);
bool sites_add(PyObject *table, uint32_t *first);
void sites_reset(void);

/* --- shadow.c and races.c: the rules ------------------------------------------------------------------------------ */

/* Where an access goes, and what is needed to name it if it races. */
typedef struct {
    Object *object;
    const void *target; /* address of what it belongs to, or a serial in a replayed trace */
    const void *activation; /* frame that accesses it, or a number in a replayed trace */
    Shape *shape; /* borrowed; with `name`, of an attribute of an instance */
    PyObject *name; /* borrowed; of an item its key, where that can be told */
    uint64_t key; /* tells locations of one object apart */
    uint32_t variable; /* 0: of shape and name */
    uint8_t kind;
    bool items; /* the variable is that of a container, this is an item of it or all of them */
    bool common; /* hand-overs through containers do not order accesses of it */
    struct Tap *tap; /* borrowed: what reached it; NULL in a replayed trace */
} Location;

#define RANK_PLAIN 1 /* of reads, and of writes to what is still being made */
#define RANK_STORE 2
#define RANK_REGION 3
#define RANK_WALK 4
#define RANK_NEVER 5 /* of taps whose accesses the rules look at each time */

typedef struct {
    uint32_t context; /* owned reference */
    uint32_t sequence;
} Entry;

extern uint32_t sequence;
extern uint64_t shared_locations;

extern uint8_t walkers_count; /* tasks whose walks are known */
void task_sees(Thread *thread, const Cell *cell); /* it reads there */
void task_follow(Task *task, uint64_t serial, uint32_t until);
void walkers_reset(void);
void record_at(Thread *thread, Frame *frame, uint32_t site, Cell *cell, const Location *location, int op,
               int commute);
bool cell_is_own(const Cell *cell, uint32_t slot);
bool cell_tells_write(const Cell *cell, const Thread *thread, uint32_t rank, int commute);
enum { TAKEN_OWN, TAKEN_ORDERED, TAKEN_HANDED };
int cell_taken(Thread *thread, const Cell *cell);
bool cell_is_filled(const Cell *cell);
bool record_own(Thread *thread, Cell *cell, uint32_t context, bool mutates);
void cell_clear(Cell *cell);
void cell_drop_read(Cell *cell);
void cell_keep_order(Cell *cell);
void shadow_reset(void);
void expansions_reset(void);
void note_head(Thread *thread, const void *activation, int offset, uint32_t site, const void *target, uint64_t key);
bool contexts_conflict(const Context *first, const Context *second, int kind);

void teller_access(uint32_t id, const Location *location, const Head *head, uint32_t at, bool late, PyObject *value,
                   PyObject *key);
void teller_kept(const Cell *cell, const Location *location, uint32_t slot);
void teller_remember(const Cell *cell);

enum { RACE_OBSERVED = 1, RACE_RECURS = 2, RACE_PAUSED = 4, RACE_ONE_WORKER = 8 }; /* what is told of a race, as bits: see raceway/model/races.py */
void race_add(uint32_t earlier, uint32_t later, int told, bool one_loop, const Location *location);
uint32_t races_in_doubt(void);
PyObject *doubts_dump(uint64_t actor);
void doubt_judge(uint64_t number, uint64_t worker);
void race_add_linked(uint32_t earlier, uint32_t later, const Look *look, const Location *location);
PyObject *races_dump(void);
uint64_t races_noted(void);

/* --- jobs.c: what one worker does in two jobs ---------------------------------------------------------------------- */

#define POOL 0 /* stands for the queue of the pool that a worker belongs to */

bool jobs_take(Thread *thread, uint64_t queue);
bool jobs_ask(Thread *thread);
bool jobs_may_ask(const Thread *thread);
bool jobs_judge(PyObject *future);
PyObject *jobs_judging(PyObject *module, PyObject *args);
bool jobs_takes(Thread *thread, uint64_t queue); /* the same, for traces: whether it is told apart */
PyObject *native_doubts_of(PyObject *module, PyObject *actor);

/* The present job comes after what the actor did up to this number. */
static inline void
jobs_hear(Actor *actor, Number number)
{
    if (unlikely(actor->jobs.began != 0) && number > actor->jobs.aware) {
        actor->jobs.aware = number;
    }
}

/* The present job acquires what the actor released at this number. */
static inline void
jobs_hear_own(Actor *actor, Number number, bool lock)
{
    if (!lock || number < actor->jobs.began) {
        jobs_hear(actor, number);
    }
}
void races_reset(void);

/* --- notice.c: tells that there are new races --------------------------------------------------------------------- */

extern _Thread_local bool muted; /* this thread is one of ours: what it does to locks is not recorded */

void notice_race(void);
void notice_after_fork(void);
PyObject *notice_listen(PyObject *module, PyObject *called);

/* Whether the context at `id` was made by this thread in this epoch, and tells at least as much as `rank` asks. */
HOT bool
is_repeat(uint32_t id, const Thread *thread, uint32_t rank)
{
    uint32_t distance = context_tags[id] - thread->tag;
    return distance < TAG_STEP && (distance & TAG_RANK) >= rank;
}

/* The same of a write. */
HOT bool
is_repeated_write(uint32_t id, const Thread *thread, uint32_t rank)
{
    uint32_t distance = context_tags[id] - thread->tag - TAG_MUTATES;
    return distance <= TAG_RANK && distance >= rank;
}

/* Whether the actor read the location in this epoch, and nobody else was there since. */
static inline bool
is_own(const Cell *cell, const Thread *thread)
{
    return (cell->w & EXPANDED) == 0 && is_repeat(cell->r, thread, RANK_PLAIN);
}

/* Whether the actor wrote there in this epoch, told by the last write; a shared location keeps that beside the last read,
   when nobody came after. */
HOT bool
repeats_write(const Cell *cell, const Thread *thread, uint32_t rank)
{
    return is_repeated_write(likely((cell->w & EXPANDED) == 0) ? cell->w : cell->r, thread, rank);
}

/* What the actor wrote in this epoch covers its reads, too. */
HOT bool
repeats_read(const Cell *cell, const Thread *thread, uint32_t rank)
{
    return likely(is_repeat(cell->r, thread, rank)) || repeats_write(cell, thread, rank);
}

/* The same where some operations commute. */
static inline bool
cell_repeats(const Cell *cell, const Thread *thread, bool stores, uint32_t rank, int commute)
{
    if (!stores && is_repeat(cell->r, thread, rank) &&
        (contexts[cell->r].commute == COMMUTE_NONE || contexts[cell->r].commute == commute)) {
        return true;
    }
    uint32_t kept = (cell->w & EXPANDED) == 0 ? cell->w : cell->r;
    return is_repeated_write(kept, thread, rank) &&
           (contexts[kept].commute == COMMUTE_NONE || (stores && contexts[kept].commute == commute));
}

/* --- variables.c: what people call locations ---------------------------------------------------------------------- */

uint32_t variable_intern(PyObject *text); /* steals a reference; 0 when memory is short */
uint32_t variable_of(const Location *location);
PyObject *variable_text(uint32_t variable, bool items); /* a new reference */
void variable_is_read(uint32_t variable);
PyObject *variables_read(void);
PyObject *variables_read_now(void); /* those of live shapes too */
void variables_reset(void);
uint32_t variable_of_attribute(PyObject *label, PyObject *name);
uint32_t variable_of_global(PyObject *namespace, PyObject *name);
uint32_t variable_of_label(uint32_t site, PyObject *namespace);
PyObject *without_locals(PyObject *label); /* a new reference */

#endif
