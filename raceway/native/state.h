/* Clocks, locksets, stacks, actors, tasks and contexts: who did something, when, and holding what. A part of core.h. */
#ifndef RACEWAY_STATE_H
#define RACEWAY_STATE_H

/* --- clocks.c: vector clocks ------------------------------------------------------------------------------------ */

typedef uint64_t Number;

#define SPAN 32 /* slots of a chunk */

/* The numbers of some slots next to each other; those beyond `capacity` are 0. Written to by a single owner only. */
typedef struct {
    uint32_t references;
    uint32_t capacity;
    Number numbers[];
} Chunk;

typedef struct {
    Chunk *first; /* owned, as the others; NULL where all numbers are 0 */
    Chunk **more; /* owned; of the slots from SPAN on */
    uint32_t more_count;
} Clock;

typedef struct {
    uint32_t slot;
    Number number;
} Epoch;

void clock_set(Clock *clock, uint32_t slot, Number number);
void clock_raise(Clock *clock, Epoch epoch);
void clock_join(Clock *clock, const Clock *other);
void clock_copy(Clock *clock, const Clock *other);
void clock_free(Clock *clock);
uint32_t clock_changes(const Clock *clock, const Clock *before, Epoch *changes);

static inline Chunk *
chunk_at(const Clock *clock, uint32_t place)
{
    return place == 0 ? clock->first : place <= clock->more_count ? clock->more[place - 1] : NULL;
}

static inline Number
clock_get(const Clock *clock, uint32_t slot)
{
    const Chunk *chunk = chunk_at(clock, slot / SPAN);
    return chunk != NULL && slot % SPAN < chunk->capacity ? chunk->numbers[slot % SPAN] : 0;
}

static inline bool
clock_is_empty(const Clock *clock)
{
    return clock->first == NULL && clock->more_count == 0;
}

Epoch slots_take(void);
void slots_give_back(uint32_t slot, Number number);
void slots_reset(void);

/* --- tables.c: hash tables from numbers to pointers ------------------------------------------------------------- */

typedef struct {
    uint64_t key;
    void *value; /* NULL marks a free place */
} TableEntry;

typedef struct {
    TableEntry *entries;
    size_t mask;
    size_t used;
} Table;

void *table_get(const Table *table, uint64_t key);
bool table_put(Table *table, uint64_t key, void *value);
void *table_pop(Table *table, uint64_t key);
void table_free(Table *table);

/* --- pools.c: blocks of one size -------------------------------------------------------------------------------- */

typedef struct {
    void *first; /* of those that nobody needs; each leads to the next */
    int count;
} Pool;

void *pool_take(Pool *pool, size_t size);
void pool_give(Pool *pool, void *block);

static inline bool
bit_is_set(const uint8_t *bits, uint32_t place)
{
    return (bits[place / 8] >> place % 8 & 1) != 0;
}

static inline void
bit_set(uint8_t *bits, uint32_t place)
{
    bits[place / 8] |= (uint8_t)(1u << place % 8);
}

static inline uint64_t
mix(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    return value;
}

/* --- locksets.c: sets of held locks, interned -------------------------------------------------------------------- */

typedef uint32_t Lockset; /* 0 is the empty one */

Lockset lockset_with(Lockset known, uint64_t sync);
Lockset lockset_without(Lockset known, uint64_t sync);
bool lockset_has(Lockset known, uint64_t sync);
void lockset_hold(Lockset known);
void lockset_drop(Lockset known);
uint32_t lockset_length(Lockset known);
uint64_t lockset_at(Lockset known, uint32_t place);
void locksets_reset(void);

/* --- stacks.c: call stacks, interned from the outside in -------------------------------------------------------- */

typedef uint32_t Stack; /* 0 is the empty one */

#define STACK_DEPTH 48

/* One caller, as it was when its stack was looked up. */
typedef struct {
    const Frame *frame;
    const void *instruction; /* of code that `stack` keeps alive */
    Stack stack; /* up to here from the outermost; kept alive by the one inside */
} StackLevel;

/* The callers that were met last, outermost first, so that the next look only compares. Thread-local. */
typedef struct {
    StackLevel levels[STACK_DEPTH];
    int depth;
    Stack callers; /* owned */
    uint32_t access; /* of the thread, at which they were looked at; 0 never */
    const Frame *marked; /* whose callers they are, as long as it has its mark */
    const Frame *base; /* what starts the program, below all of its frames; NULL without */
    bool base_known;
} StackMemo;

void stacks_start(PyObject *folder);

Stack stack_callers(StackMemo *memo, Frame *frame, int limit);
Stack stack_push(Stack callers, PyCodeObject *code, int offset);
const PyCodeObject *stack_code(Stack stack); /* of the innermost frame; NULL of the empty one */
bool stack_is(Stack stack, Stack callers, PyCodeObject *code, int offset);
void stack_hold(Stack stack);
void stack_drop(Stack stack);
PyObject *stack_tuple(Stack stack);
void stacks_reset(void);
void stack_memo_clear(StackMemo *memo);
struct Thread;
Stack stack_whole(struct Thread *thread, Frame *frame);

/* --- actors.c: actors, and what each thread keeps to itself ------------------------------------------------------ */

/* The jobs that an actor takes from a queue: see raceway/detector/jobs.py. */
typedef struct {
    uint64_t queue;
    uint32_t count;
    Number first, began, aware;
} Jobs;

typedef struct {
    uint64_t serial;
    Clock clock;
    Clock inherited; /* the clock it started with, until it is shrunk */
    Epoch *learned; /* owned; once it is shrunk, in place of `clock`: what it did not start with */
    uint32_t learned_count;
    Lockset held;
    uint32_t slot;
    int references; /* of threads that run it */
    Clock firm; /* of the order that locks have no part in, without its own slot */
    uint32_t version; /* counts the changes of that clock */
    Clock bare; /* of the order that hand-overs through plain containers have no part in; empty: no other than `clock` */
    Jobs jobs;
    bool ended;
    bool named; /* a finding will name it */
    bool wait_limited;
    uint64_t waits_for; /* a lock, 0 while it waits for none */
    uint64_t waited; /* when that wait began, until the lock is told as taken */
    Stack wait_stack; /* owned */
    struct Cycle *cycle; /* the deadlock that its wait is part of */
    PyObject *name; /* owned */
} Actor;

/* An epoch that the release of a lock has ended, unless it goes on: see epochs.c. */
typedef struct {
    uint64_t lock;
    Number number; /* of the epoch */
    uint32_t tag; /* of the epoch */
    uint32_t tag_after; /* of the one that began with the release */
    uint32_t first; /* place of its first context in `contexts` */
} Paused;

#define PAUSED 4
#define HEADS 256
#define HEARD 16
#define PENDING 64
#define MOST_HELD 2 /* operands of a site beside the one that commits */

/* A read that a later write of its activation may depend on. */
typedef struct {
    uint32_t site;
    Lockset locks; /* owned */
    const void *frame;
    uintptr_t object;
    uint64_t key;
    int offset;
    uint32_t sequence;
    uint32_t turn; /* of its task */
    uint32_t order; /* of the thread's heads */
    uint32_t step; /* of its thread */
} Head;

/* An operand that a tap held for the tap that commits; borrowed, on the value stack of `frame`. */
typedef struct {
    const void *frame;
    PyObject *value;
    PyTypeObject *owner;
    const void *holder;
    uint32_t site;
} Pending;

/* A task of an event loop, a callback that one runs, or a greenlet: the twin of raceway/detector/tasks.py. */
#define TASK_HEADS 16
#define TASK_WALKS 8
#define TASK_LOOKS 32
#define TASK_OWN 8 /* places remembered of a task in which it has stored something of its own */
#define LOOKS_NEAR 4 /* of these a location has so many places */
#define WAKERS 4
#define WALKERS 8 /* as in raceway/detector/openwalks.py */

typedef struct {
    uint64_t by;
    uint32_t sequence;
    uint32_t step;
} Waker;

/* A read of a task, for what it calls later because of the answer. */
typedef struct {
    uintptr_t object; /* 0: none */
    uint32_t serial; /* of what was at that address */
    uint32_t site;
    uint64_t key;
    Stack stack; /* owned */
    uint32_t sequence;
    uint32_t turn;
    uint32_t step;
} Look;

/* A set of small numbers. */
typedef struct {
    uint64_t *words; /* owned */
    uint32_t count; /* of words */
} Marks;

typedef struct {
    uint64_t serial;
    uint64_t parent; /* task that made it, 0 outside any */
    uint32_t born; /* place in the run */
    uint32_t turn; /* how often it was suspended */
    uint32_t seen; /* the newest step in which others wrote what it has read in its first one */
    Lockset held; /* while no thread works for it */
    bool passing; /* a callback */
    bool green; /* a greenlet: it may let others run at any call */
    bool limited; /* waits for nothing without limit */
    bool done;
    bool named; /* a finding will name it */
    uint8_t heads_count;
    uint8_t heads_next;
    uint8_t wakers_next;
    uint8_t walks_count;
    Waker wakers[WAKERS];
    uint32_t after[WALKERS]; /* the place in the run of each of those who walk that it comes after */
    uint32_t walks[TASK_WALKS]; /* contexts, owned references: of walks that it is at, or has begun since it went on, in order */
    Head *heads; /* owned: TASK_HEADS of them, NULL until needed */
    Look *looks; /* owned: TASK_LOOKS of them, NULL until needed */
    Look *own; /* owned: TASK_OWN of them, NULL until needed: what it has stored of its own, the oldest first */
    uint8_t own_count;
    Marks marks; /* of the takings of locks that come before what it does now */
    Marks ended; /* and of those of tasks that it has made and that are over */
    uint32_t version; /* another one whenever others know more of it, or it of others */
    PyObject *name; /* owned */
} Task;

/* A store in an object that the frame is making, which may have called code of the program. */
typedef struct {
    const void *object; /* only compared */
    const void *frame;
    int line;
} Making;

/* The newest write of another actor that a thread came upon. */
typedef struct {
    Number number;
    uint32_t slot;
    uint32_t site; /* NO_SITE: it came upon writes at several, of that number */
    uint32_t given_site;
    Number given; /* of the newest that puts something in; `number` and `site` are those of the others */
} Heard;

#define NO_SITE UINT32_MAX

typedef struct Thread {
    uint32_t tag; /* of the actor's present epoch: a multiple of TAG_STEP, unique in the process */
    int due_count;
    int apart; /* whether it does a job that is told apart from the ones before */
    uint64_t accesses;
    PyTypeObject *owner; /* borrowed, the class that an attribute was last loaded from; only its name is read */
    PyObject *owner_name; /* borrowed, that attribute */
    const void *holder; /* the instance or class itself: an address, only looked up */
    Making making;
    Actor *actor;
    Task *task; /* that it works for, NULL outside any */
    uint32_t step; /* tells apart what it did for one task and for the next: the place in the run where that began */
    Lockset outer; /* what the actor holds outside of its tasks, while it works for one */
    int pending_count;
    struct Thread *next;
    uint32_t *contexts; /* made in the paused epochs, and from `contexts_first` on in this one */
    uint32_t contexts_first;
    uint32_t contexts_count;
    uint32_t contexts_capacity;
    int paused_count;
    bool tasked; /* it has worked for a task */
    Paused paused[PAUSED]; /* the oldest first */
    uint32_t jobs; /* items that it has taken from queues, as far as they are counted */
    uint32_t asked; /* how often it asked what is to be judged of those because there was something new */
    uint32_t doubtful; /* what was known of doubts when it asked last */
    uint64_t *due; /* syncs to acquire before the next record */
    int due_capacity;
    bool over;
    bool replayed; /* made for a trace: no thread will leave it */
    uint32_t access; /* counts accesses that are recorded: within one, the callers stay where they are; never 0 */
    bool hidden; /* a thread of ours: nothing it does is recorded */
    StackMemo memo;
    StackMemo near; /* of the nearest callers only */
    const struct Object *fresh; /* made last, by `fresh_frame`, when that was at its first access of it */
    const Frame *fresh_frame;
    PyCodeObject *fresh_code; /* borrowed, compared only */
    Stack fresh_callers; /* borrowed from the memo, as long as they are the memo's */
    uint32_t heads_noted; /* a bit for HEADS / 32 heads next to each other: some were noted */
    uint32_t heads_order; /* counts them */
    Number claimed; /* when it last claimed something under a lock; as `closed` and `heard` see raceway/detector/claims.py */
    Number closed; /* when it last wrote what it had read in another critical section */
    Heard heard[HEARD]; /* by slot; 0 is no number */
    Pending pending[PENDING];
    Pending taken[MOST_HELD];
    Head heads[HEADS];
    uint32_t recent[HEADS]; /* contexts of this epoch, by site and stack */
} Thread;

/* Whether the next access is one for the rules, whatever is known of its cell. */
static inline bool
needs_rules(const Thread *thread)
{
    return unlikely((thread->due_count | thread->apart) != 0);
}

extern _Thread_local Thread *own_thread __attribute__((tls_model("initial-exec")));

Thread *thread_begin(uint64_t actor); /* 0: a new one that nobody announced */
bool thread_hide(void); /* the calling thread is one of ours */
Thread *thread_for(uint64_t actor); /* for replayed traces: the state of an actor that no thread runs */
void thread_new_epoch(Thread *thread);
void thread_new_tag(Thread *thread);
void thread_end(Thread *thread);
void threads_stop(void);
uint64_t threads_accesses(void);
PyObject *threads_activity(void);
Actor *actor_get(uint64_t serial);
Actor *actor_find(uint64_t serial);
void actor_hold_lock(Actor *actor, uint64_t sync);
void actor_drop_lock(Actor *actor, uint64_t sync);
uint64_t actor_fork(Thread *parent, PyObject *name);
void actor_fork_as(Thread *parent, PyObject *name, uint64_t serial);
void actor_join(Thread *thread, uint64_t child);
bool actor_seen(Thread *thread, uint64_t serial, Number number);
bool actor_seen_now(Thread *thread, uint64_t serial);
Epoch actor_moment(Thread *thread);
void actor_gave(Thread *thread);
uint64_t actor_in_slot(uint32_t slot); /* 0 when it is not running */
void actor_rename(uint64_t serial, PyObject *name);
uint64_t actors_seen(void);
void actors_reset(void);
void actors_after_fork(void);
void actor_leave(Actor *actor, Clock *clock, bool merge);
void actor_learn(Actor *actor, const Clock *clock);
const Clock *actor_bare(Actor *actor);
void actor_after(Actor *actor, const Clock *clock, const Clock *bare);
bool actors_each(bool (*visit)(Actor *actor, void *argument), void *argument);
PyObject *actors_dump(void);

/* Another access is recorded. */
static inline void
access_begins(Thread *thread)
{
    thread->access = thread->access == UINT32_MAX ? 1 : thread->access + 1;
}

/* Serial of whom a report names for what the thread does: its task, if it works for one, else its actor. */
static inline uint64_t
whose(const Thread *thread)
{
    return thread->task != NULL ? thread->task->serial : thread->actor->serial;
}

/* The state of the calling thread. */
static inline Thread *
current_thread(void)
{
    Thread *thread = own_thread;
    return likely(thread->actor != NULL) ? thread : thread_begin(0);
}

/* --- epochs.c: epochs that go on when nobody heard of their end ----------------------------------------------------- */

void epoch_pause(Thread *thread, uint64_t lock);
bool epoch_goes_on(Thread *thread, uint64_t lock);

/* --- values.c: values that a run tells of --------------------------------------------------------------------------- */

enum { VALUE_UNSEEN, VALUE_NONE, VALUE_BOOL, VALUE_WHOLE, VALUE_REAL, VALUE_TEXT, VALUE_OBJECT };

struct ValueText;

typedef struct {
    union {
        int64_t whole;
        double real;
        struct ValueText *text; /* owned; of an object the name of its type */
    };
    Py_ssize_t size; /* of an object, -1 without */
    uint8_t kind;
} Value;

Value value_of(PyObject *value);
void value_drop(Value *value);
PyObject *value_take(Value *value);

/* --- teller.c: a run told while it goes on -------------------------------------------------------------------------- */

/* Values of raceway.model.kinds.Verb. */
enum {
    TELL_TAKEN = 1, TELL_FREED, TELL_ACQUIRE, TELL_RELEASE, TELL_MERGE, TELL_FORK, TELL_JOIN, TELL_END, TELL_RETIRE,
    TELL_NAME, TELL_RENAME, TELL_SPAWN, TELL_DONE
};

extern bool telling; /* somebody asks */
bool teller_start(void);
bool teller_is_full(void); /* and for every access that is no repetition */
bool teller_is_placed(void); /* stacks of accesses, and where locks are taken */
bool teller_sees_values(void); /* on the value stack of frames */
void teller_reset(void);
void teller_after_fork(void);
void teller_edge(int verb, const Actor *actor, uint64_t other, PyObject *text, PyObject *file, int line);
void teller_taken(const Actor *actor, uint64_t sync, Frame *frame);
void teller_task(int verb, uint64_t parent, uint64_t task, PyObject *name);
PyObject *native_tell(PyObject *module, PyObject *args);
PyObject *native_told(PyObject *module, PyObject *args);
PyObject *native_untold(PyObject *module, PyObject *nothing);

static inline void
tell_edge(int verb, const Actor *actor, uint64_t other)
{
    if (unlikely(telling)) {
        teller_edge(verb, actor, other, NULL, NULL, 0);
    }
}

/* --- tasks.c: the tasks that event loops run in turn ---------------------------------------------------------------- */

Task *task_find(uint64_t serial);
enum { TASK_OF_LOOP, TASK_PASSING, TASK_GREEN };
uint64_t task_spawn(PyObject *name, uint64_t parent, int sort, uint32_t born);
void task_spawn_as(uint64_t serial, PyObject *name, uint64_t parent, int sort);
uint64_t task_resume(Thread *thread, uint64_t serial);
void task_suspend(uint64_t serial, PyObject *sites);
void task_wake(Thread *thread, uint64_t serial);
void task_done(uint64_t serial);
bool task_rename(uint64_t serial, PyObject *name);
void task_name(uint64_t serial);
bool task_drop_lock(uint64_t sync);
void task_begin_walk(Task *task, uint32_t context);
PyObject *task_walks(const Task *task);
void task_note_head(Task *task, const Head *head);
void task_look(Thread *thread, Frame *frame, uint32_t site, const void *target, uint64_t key);
void task_store(Thread *thread, Frame *frame, uint32_t site, const void *target, uint64_t key);
const Look *task_own_at(const Task *task, const void *target, uint64_t key);
void task_forget_look(Task *task, const void *target, uint64_t key);
const Head *task_find_head(const Task *task, const Head *wanted);
bool task_asked(uint64_t by, const Task *task, uint32_t since);
bool task_was_told(uint64_t by, const Task *task, uint32_t since, uint32_t since_step);
bool tasks_dump(PyObject *found);
uint64_t tasks_seen(void);
void tasks_reset(void);

/* The first of the places for a look at this location. */
static inline Look *
task_looks_near(const Task *task, const void *target, uint64_t key)
{
    return &task->looks[mix((uintptr_t)target ^ mix(key)) % (TASK_LOOKS / LOOKS_NEAR) * LOOKS_NEAR];
}

/* What the task has read there, for what it calls later; NULL without. */
static inline const Look *
task_look_at(const Task *task, const void *target, uint64_t key)
{
    if (task->looks == NULL) {
        return NULL;
    }
    const Look *look = task_looks_near(task, target, key);
    for (int place = 0; place < LOOKS_NEAR; place++, look++) {
        if (look->object == (uintptr_t)target && look->key == key) {
            return look;
        }
    }
    return NULL;
}

/* --- contexts.c: one side of an access, shared by all locations it was made to in one epoch ----------------------- */

typedef struct {
    Number number;
    uint64_t actor; /* whom a report names: the task, if there is one */
    uint32_t slot;
    uint32_t site;
    Stack stack; /* owned */
    Stack callers; /* borrowed from `stack` */
    Lockset locks; /* owned */
    Lockset head_locks; /* owned */
    int head_offset;
    const void *instruction; /* of the innermost frame */
    uint32_t references;
    uint32_t turn; /* how often the task had been suspended */
    uint32_t step; /* of the thread */
    int8_t region; /* index in the site's regions, -1 without */
    uint8_t operation;
    uint8_t commute;
    uint8_t rank;
    bool of_task;
    bool walks; /* it goes on over suspensions of its task */
    bool paused; /* a walk in which its task was suspended */
    bool opens; /* it closes a region of two critical sections in which others can write */
} Context;


extern uint32_t *context_tags; /* tag of the thread's epoch + rank + TAG_MUTATES; 0 when that is over */
extern Context *contexts;

#define TAG_STEP 16
#define TAG_RANK 7
#define TAG_MUTATES 8 /* its operation does */

Stack context_callers(Thread *thread, Frame *frame, uint32_t site);
uint32_t context_make(Thread *thread, Frame *frame, const Context *wanted);
uint32_t context_renew(Thread *thread, Frame *frame, uint32_t before, const Context *wanted, Stack callers,
                       uint32_t holders);
bool context_joins(Thread *thread, uint32_t id);
void context_free(uint32_t id);
void actor_follow(Thread *thread, const Context *other);
void contexts_end_epoch(Thread *thread);
void contexts_end_paused(Thread *thread);
bool contexts_reset(void);

/* --- claims.c: what a thread may have to itself, and has come upon of others -------------------------------------- */

void claim(Thread *thread, const Context *context);

static inline void
context_hold(uint32_t id)
{
    contexts[id].references++;
}

static inline void
context_drop(uint32_t id)
{
    if (id != 0 && --contexts[id].references == 0 && (context_tags[id] & TAG_RANK) == 0) {
        context_free(id);
    }
}

#endif
