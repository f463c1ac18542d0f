/* The structures that the files of the core share, from addresses up to races. See docs/native.md for the picture.

   Ground rules
   - Nothing here calls code of the program, raises, or allocates objects of Python on the path of a tap.
   - On builds with a GIL the GIL guards everything. On free-threaded builds CORE_LOCK guards everything but what is
     marked thread-local, and is never held across a call into the interpreter that may wait.
   - A fast path may only skip work; it falls through to the one slow path. */
#ifndef RACEWAY_CORE_H
#define RACEWAY_CORE_H

#include "compat.h"

/* Values of raceway.model.kinds, by order of definition; tests compare them. */
enum { OP_READ, OP_WRITE, OP_READ_MODIFY_WRITE, OP_DELETE, OP_ITERATE, OP_STRUCTURAL_CHANGE };
enum { COMMUTE_NONE, COMMUTE_APPEND, COMMUTE_ADD, COMMUTE_SETDEFAULT, COMMUTE_DISCARD, COMMUTE_INSERT_KEY, COMMUTE_ENDS };
enum { AT_ATTRIBUTE = 1, AT_ITEM, AT_STRUCTURE, AT_GLOBAL, AT_CELL };

static inline bool
op_mutates(int op)
{
    return op != OP_READ && op != OP_ITERATE;
}

static inline bool
op_reads(int op)
{
    return op == OP_READ || op == OP_ITERATE || op == OP_READ_MODIFY_WRITE;
}

#if RW_FREE_THREADED
void core_lock(void);
void core_unlock(void);
void core_drop(PyObject *object); /* steals a reference, kept until the core is left: a death runs other code */
bool core_guard_forks(void);
#else
static inline void
core_lock(void)
{
}
static inline void
core_unlock(void)
{
}
#endif

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

/* --- identity.c: what is known of live objects, by address -------------------------------------------------------- */

/* Shadow of one location: the contexts of its last write and last read. A location that several actors share has
   EXPANDED set in `w`, whose rest is an index into the table of shadow.c; `r` is then the last access that needs no
   further look when it is repeated. Both own references. */
typedef struct {
    uint32_t w;
    uint32_t r;
} Cell;

#define EXPANDED 0x80000000u

struct Shape;
struct Keyed;
struct Items;

/* What only few objects need. */
typedef struct {
    struct Shape *own_shape; /* of a type object: that of its instances; owned */
    struct Keyed *keyed; /* cells by key; owned */
    struct Items *items; /* cells by position; owned */
    struct Connection *connection; /* of a socket; owned */
    PyObject *database; /* of a connection to one: what was committed there; owned */
    uint64_t sync; /* of hand-overs through a deque, of a lock, the life of a future: its serial */
    uint64_t channel; /* of the mutex of a queue: the sync of all its puts */
    uint64_t task; /* of a task of an event loop: its serial; of a handle: the task that made it */
    uint32_t made; /* of a handle: the place in the run where that was */
    uint64_t callbacks; /* of a future: the sync of its callbacks */
    uint64_t actor; /* of a thread: its serial */
    uint64_t user; /* of what belongs to an event loop: the actor whose tasks have used it last, 0 if somebody else did */
    Number used; /* and its number then */
    uint8_t lock; /* what is known of a lock: LOCK_ */
    bool lives; /* of a thread: its life is kept */
    bool begun; /* of a connection to a database: it has begun a transaction, and looked at nothing yet */
    bool quiet; /* of a semaphore: nothing it does is told */
    bool handing; /* of a container: another actor has taken out what was put in */
    bool common; /* a container of it hands over between actors that nothing else has ordered */
} Extra;

typedef struct Object {
    Extra *extra; /* owned, NULL until needed */
    uint32_t shape; /* number of the shape of its type when the cells were laid out */
    uint32_t serial; /* 0 until somebody asks */
    uint32_t label; /* variable of a container */
    uint16_t capacity;
    uint8_t small_keys; /* of a container by key: how many of its keys stand behind the first two cells */
    Cell cells[];
} Object;

/* Records, each by its place in steps of eight bytes. At 0 stands one that is nobody's, of no shape. */
extern char *identity_region;
#define NO_SHAPE UINT32_MAX /* of no record */
#define NOBODY_SHAPE (UINT32_MAX - 1) /* of the record that is nobody's, and no tap's */

extern uint32_t *identity_shadow; /* of all addresses, in one piece; NULL where the system does not give so much */
uint32_t *shadow_in_pieces(uintptr_t address);

/* The shadow of an address, NULL where nothing near is known. */
HOT uint32_t *
shadow_at(uintptr_t address)
{
    return likely(identity_shadow != NULL) ? &identity_shadow[address >> 4] : shadow_in_pieces(address);
}

/* What is known of the object at this address, NULL when nothing is. */
HOT Object *
object_find(const void *target)
{
    const uint32_t *place = shadow_at((uintptr_t)target);
    uint32_t reference = place == NULL ? 0 : __atomic_load_n(place, __ATOMIC_RELAXED);
    return unlikely(reference == 0) ? NULL : (Object *)(identity_region + ((size_t)reference << 3));
}

/* The same where the shadow is in one piece; the record that is nobody's when nothing is. */
HOT const Object *
object_near(const void *target)
{
    return (const Object *)(identity_region + ((size_t)identity_shadow[(uintptr_t)target >> 4] << 3));
}

Object *object_make(PyObject *target, struct Shape *shape);
Object *object_of(PyObject *target); /* made when there is none; NULL when memory is short or none is kept */
Object *object_grow(const void *target, Object *object, uint32_t cells);
Extra *object_extra(Object *object);
uint32_t object_serial(Object *object);
void object_retire(uintptr_t address);
bool identity_start(void);
size_t identity_reserved(void); /* bytes of address space */
PyObject *identity_addresses(void); /* of all objects that have records, as a new list; NULL with an error set */
void identity_settle(void); /* free-threaded: records of objects that died meanwhile go */
void identity_stop(void);

/* Beside a shadow in one piece: how many records there may be of objects in so much heap. Most of what dies stands
   where there is none, and its shadow need not be looked at, nor get memory. */
#define GRANULE_BITS 8 /* what a shop's requests let go of stands beside a record in one of five cases; at 10 in three */
#define BLOCK_STEPS (RW_FREE_THREADED ? 2 : 3) /* places of a block at which an object may begin, 16 bytes apart */

extern uint8_t *identity_granules;
extern bool identity_running; /* also read without the lock */
uint64_t new_serial(void);

/* --- deaths.c: how the deaths of objects are seen ----------------------------------------------------------------- */

bool deaths_start(void);
void deaths_follow(PyTypeObject *type); /* an object of this type is about to get a record */
bool deaths_at_allocator(void); /* whether the allocator is wrapped */
void deaths_stop(void);

/* --- shapes.c: where the attributes of a type's instances live ---------------------------------------------------- */

enum { HOME_FIELD, HOME_CLASS, HOME_SKIP, HOME_CACHED };

typedef struct {
    PyObject *name; /* owned */
    uint32_t cell;
    bool is_read;
} Slot;

typedef struct Shape {
    PyTypeObject *type; /* borrowed: the shape dies with it */
    PyObject *label; /* owned: what people call the type */
    uint32_t id;
    uint32_t count;
    uint32_t capacity;
    uint32_t first; /* cells before the attributes: structure and items of a container, contents of a cell */
    Slot *slots;
    uint32_t version; /* of the type when `kinds` was worked out */
    uint8_t container; /* index + 1 in the table of contracts, of the nearest one in the resolution order */
    bool sequence;
    bool hooked;
    bool is_module;
    bool is_type;
    bool is_local;
    bool never;
    bool hooks_load;
    bool hooks_store;
    bool stores_unseen; /* it hooks them by code that is not watched */
    bool known;
    bool mortal; /* deaths of the type's objects are seen */
    struct Shape *next, *previous; /* all that live */
    Table rows; /* resolved contracts, by name */
    struct KeyFacts *keys; /* what instances are told by that are keys; NULL until asked, owned */
} Shape;

Shape *shape_of(PyTypeObject *type); /* NULL when memory is short */
uint32_t shape_cell(Shape *shape, PyObject *name);
void shape_free(Shape *shape);
PyTypeObject *class_holds(PyTypeObject *cls, PyObject *name);
bool type_find(PyTypeObject *type, PyObject *name, PyTypeObject **where, PyTypeObject **kind);
bool instance_holds(PyObject *target, PyObject *name);
PyObject *instance_value(PyObject *target, PyObject *name);
PyObject *instance_item(PyObject *target, PyObject *name); /* a new reference */
PyObject *type_value(PyTypeObject *type, PyObject *name, PyTypeObject **where); /* a new reference */
PyObject *type_label(PyTypeObject *type);

/* --- keyrules.c: what keys are told by -------------------------------------------------------------------------------- */

/* What the keys of one type are told by. */
enum {
    BY_IDENTITY,
    BY_TEXT,
    BY_WHOLE,
    BY_REAL,
    BY_COMPLEX,
    BY_BYTES,
    BY_ITEMS, /* a tuple */
    BY_HASH, /* which C works out from all that is compared */
    BY_MOMENT, /* the same where the time zone is C's, too */
    BY_DECIMAL,
    BY_FRACTION,
    BY_MEMBERS, /* a frozen set */
    BY_METHOD,
    BY_PATH,
    BY_FIELDS,
};

typedef struct {
    PyObject *name; /* owned */
    Py_ssize_t offset; /* of the slot that holds it, 0 where that is the dictionary of the instance */
} KeyField;

typedef struct KeyFacts {
    uint8_t rule;
    uint16_t count;
    uint32_t users; /* let go of by the last of them */
    KeyField fields[];
} KeyFacts;

KeyFacts *key_facts(PyTypeObject *type); /* until the type changes; borrowed. NULL where it is their identity */
void key_facts_drop(KeyFacts *facts);
bool type_is_of_c(PyTypeObject *type);

/* --- keys.c: what stands for a key ------------------------------------------------------------------------------------ */

#define KEY_DEPTH 4 /* of keys within keys, as far as they are looked into */
bool key_of(PyObject *key, uint64_t *found, int depth); /* never 0 */
bool key_is_plain(PyObject *key, int depth);
PyObject *key_shown(PyObject *key);

/* --- keyed.c: cells by key and by position ------------------------------------------------------------------------ */

typedef struct {
    uint64_t key; /* 0 marks a free place */
    Cell cell;
} KeyedCell;

typedef struct Keyed {
    KeyedCell *entries;
    uint32_t mask;
    uint32_t used;
    struct NameCell *names; /* of globals and class attributes, by name; owned */
} Keyed;

typedef struct NameCell {
    Cell cell;
    PyObject *name; /* owned */
    struct NameCell *next;
    uint32_t variable;
    uint8_t kind;
} NameCell;

#define SMALL_KEYS 4 /* keys of a container that stand in the object itself */
#define CHUNK 64
#define INLINE_ITEMS 30 /* cells of the first items stand in the object itself, after structure and whole */

typedef struct Items {
    Cell **chunks; /* of CHUNK cells each, NULL where none was touched */
    size_t length;
} Items;

#define KEY_STRUCTURE UINT64_C(0x9e3779b97f4a7c15)
#define KEY_WHOLE UINT64_C(0xc2b2ae3d27d4eb4f)
#define KEY_CELL UINT64_C(0x165667b19e3779f9)

/* The numbers of the most frequent keys: strings by their hashes, and whole numbers. */
static inline uint64_t
number_of_text(Py_hash_t hash)
{
    return mix((uint64_t)hash) | 1;
}

static inline uint64_t
number_of_whole(uint64_t value)
{
    return mix(value + UINT64_C(0x51ed2701)) | 1;
}

Cell *keyed_find(const Object *object, uint64_t key);
Cell *keyed_cell(const void *target, Object **object, uint64_t key, bool small);
NameCell *name_cell(Object *object, PyObject *name, int kind); /* `variable` is 0 in a new one */
Cell *item_cell(PyObject *target, Object **object, size_t index);
void object_clear(Object *object);

static inline Cell *
item_find(Object *object, size_t index)
{
    if (index < INLINE_ITEMS) {
        return index + 2 < object->capacity ? &object->cells[index + 2] : NULL;
    }
    const Items *items = object->extra != NULL ? object->extra->items : NULL;
    index -= INLINE_ITEMS;
    if (items == NULL || index / CHUNK >= items->length || items->chunks[index / CHUNK] == NULL) {
        return NULL;
    }
    return &items->chunks[index / CHUNK][index % CHUNK];
}

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

/* --- syncs.c: what synchronisation objects hand over -------------------------------------------------------------- */

uint64_t sync_new(PyObject *kind, PyObject *file, int line);
void sync_acquire(Thread *thread, uint64_t sync);
void sync_acquire_later(Thread *thread, uint64_t serial);
uint64_t sync_of_object(PyObject *target);
void sync_release(Thread *thread, uint64_t sync, bool merge);
void syncs_draw(Thread *thread);
void sync_lock_taken(Thread *thread, uint64_t sync, Frame *frame, bool waits);
void sync_lock_taken_as(Thread *thread, uint64_t serial, Frame *frame, bool waits, bool yields);
void sync_lock_freed(Thread *thread, uint64_t sync);
void sync_retire(uint64_t sync);
void syncs_reset(void);
PyObject *sync_place(uint64_t sync);
void sync_name(uint64_t sync);
uint32_t sync_taken_at(uint64_t sync); /* the place in the run of the last access before it was taken */
uint64_t sync_holder(uint64_t sync); /* the actor that has the lock, 0 for none */
PyObject *syncs_signals(void);
PyObject *locks_tuple(Lockset locks);

/* --- lockorder.c: which locks were taken while which were held ----------------------------------------------------- */

void lockorder_note(Thread *thread, Frame *frame, uint64_t taken, bool yields);
void marks_join(Marks *marks, const Marks *others);
void marks_clear(Marks *marks);
uint64_t lockorder_noted(void);
PyObject *lockorder_dump(void);
void lockorder_reset(void);

/* --- lockwaits.c: who waits for which lock, and for how long -------------------------------------------------------- */

/* What is known of the present use of a lock. */
typedef struct {
    uint64_t holder; /* actor, 0 while it is free */
    struct Origin *origin; /* borrowed; NULL until it is taken */
    struct Place *hold; /* borrowed: where the hold began that is timed */
    uint64_t hold_began;
} LockUse;

/* One actor of a cycle of waits. */
typedef struct {
    uint64_t actor, sync, holder;
    Lockset held; /* owned */
    Stack stack; /* owned */
} Member;

void lockwaits_taken(Thread *thread, LockUse *use, uint64_t sync, PyObject *file, int line, Frame *frame);
void lockwaits_freed(LockUse *use);
bool lockwaits_begin(Thread *thread, uint64_t sync, bool limited, Frame *frame);
void lockwaits_end(Thread *thread, uint64_t sync, bool taken);
void lockwaits_stuck(void);
PyObject *lockwaits_listen(PyObject *module, PyObject *function);
PyObject *lockwaits_deadlocks(void);
PyObject *lockwaits_waiting(void);
PyObject *lockwaits_contention(void);
void lockwaits_reset(void);

/* --- telling.c: whom models of primitives tell: the core, or, in tests, an object of Python ------------------------ */

bool telling_start(PyObject *listener); /* NULL: the core itself */
void telling_stop(void);
uint64_t tell_new(PyObject *kind, PyObject *file, int line);
void tell_taken(uint64_t sync, bool waits);
void tell_freed(uint64_t sync);
void tell_acquire(uint64_t sync);
void tell_release(uint64_t sync, bool merge);
bool tell_job(uint64_t queue);
bool tell_asking(void);
uint64_t tell_fork(PyObject *name);
void tell_begin(uint64_t actor);
uint64_t tell_current(void);
void tell_end(void);
void tell_join(uint64_t actor);
void tell_rename(uint64_t actor, PyObject *name);
bool tell_waiting(uint64_t sync, bool limited);
void tell_waited(uint64_t sync, bool was_taken);
bool tell_retired(uint64_t sync); /* false: the core knows it */

/* --- outermost.c: the program without the frames that started it ------------------------------------------------- */

PyObject *outermost(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* --- creation.c: who makes or uses a primitive, told from the calling frames -------------------------------------- */

typedef struct {
    PyObject *file; /* borrowed from `code`, NULL when nobody of the program asked */
    int line;
} Maker;

bool creation_start(PyObject *quiet, PyObject *passed, PyObject *uses);
void creation_stop(void);
PyObject *module_of(Frame *frame); /* borrowed; NULL without a name */
bool is_quiet(PyObject *module);
bool is_in_pool(Frame *frame);
bool is_chaining(Frame *frame);
bool is_module(PyObject *module, const char *name);
Frame *asker_of_lock(Frame *frame);
Frame *asker_of_rlock(Frame *frame);
Frame *asker_of_semaphore(Frame *frame);
Frame *taker_of_lock(Frame *frame);
bool is_used_by_queue(Frame *frame);
Frame *user_of_wrapper(Frame *frame);
bool is_within(Frame *frame, const char *first, const char *second);
Frame *asker_of_verb(Frame *frame);
Maker maker_of(Frame *frame);
void creation_first_use(PyObject *module);

/* --- locks.c: Lock and RLock, observed at their types -------------------------------------------------------------- */

enum { LOCK_KNOWN = 1, LOCK_MUTEX = 2, LOCK_LOUD = 4, LOCK_OUTSIDE = 8, LOCK_ASKS = 16 };

PyObject *locks_install(PyObject *module, PyObject *args);
PyObject *locks_uninstall(PyObject *module, PyObject *nothing);
PyObject *locks_forked(PyObject *module, PyObject *nothing);
void gets_ready(void);
PyObject *limits_follow(PyObject *native, PyObject *module);
PyObject *insist(PyObject *module, PyObject *signal_number);
PyObject *insist_no_more(PyObject *module, PyObject *nothing);

extern PyTypeObject *cached_property_type; /* NULL: not known yet */
PyObject *caches_install(PyObject *module, PyObject *args);
PyObject *caches_uninstall(PyObject *module, PyObject *nothing);
Extra *lock_extra(PyObject *lock);

/* The arguments of a call. */
typedef struct {
    PyObject *const *args; /* those with names last; the caller holds them */
    Py_ssize_t given; /* without names */
    PyObject *names; /* a tuple or NULL */
} Called;

/* --- queues.c: the channel beside a queue --------------------------------------------------------------------------- */

extern PyTypeObject Channel_Type;
bool queues_ready(void);
bool queue_put(PyObject *not_empty);
bool queue_got(PyObject *not_full);

/* --- lingering.c: threads that switch often ---------------------------------------------------------------------------- */

extern bool lingering;
void linger(void);
PyObject *native_lingering(PyObject *module, PyObject *often);

/* --- sockets.c: the two directions of connections within the process ------------------------------------------------ */

typedef struct Connection Connection;

void connection_free(Connection *connection);
bool socket_sending(PyObject *socket);
bool socket_received(PyObject *socket);
PyObject *sockets_install(PyObject *module, PyObject *otherwise);
PyObject *sockets_called(PyObject *module, PyObject *const *ports, Py_ssize_t count);
PyObject *socket_closing(PyObject *module, PyObject *socket);

/* --- pollers.c: who registers a descriptor with a polling object, and who is told of it ----------------------------- */

void poller_registering(PyObject *const *args, Py_ssize_t given, PyObject *names);
void poller_forgetting(PyObject *const *args, Py_ssize_t given, PyObject *names);
void poller_polled(const Called *called, PyObject *result);
PyObject *pollers_install(PyObject *module, PyObject *nothing);

/* --- databases.c: what was committed to files ------------------------------------------------------------------------ */

bool databases_ready(PyObject *module);
bool is_database(PyObject *object); /* a connection, which sqlite3 calls to make the statements that it keeps */
PyObject *database_words(PyObject *module, PyObject *sql);

/* --- futures.c: futures, told of what is written in them ------------------------------------------------------------ */

void future_state_read(PyObject *future, PyObject *state);
bool future_state_written(PyObject *future, PyObject *old, PyObject *state);
void future_waiters_read(PyObject *future, PyObject *waiters);
void future_callbacks_read(PyObject *future, PyObject *callbacks);

/* --- threads.c: actors of thread objects ------------------------------------------------------------------------------ */

bool thread_starting(PyObject *bootstrap);
void thread_retired(uint64_t actor);
PyObject *thread_begun(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_ended(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_joined(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_seen_alive(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *thread_renamed(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *threads_install(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *threads_uninstall(PyObject *module, PyObject *nothing);
PyObject *native_thread_actor(PyObject *module, PyObject *thread);
PyObject *native_thread_known(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_thread_actors(PyObject *module, PyObject *nothing);

/* --- loopobjects.c: objects that belong to an event loop, and who uses them --------------------------------------------- */

PyObject *loop_objects(PyObject *module, PyObject *told);
PyObject *loop_queue_taken(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *loop_waits(PyObject *module, PyObject *object);
void loop_object_read(PyObject *object, PyObject *value);
bool loop_object_written(PyObject *object, PyObject *old, PyObject *value);
bool loop_future_used(PyObject *future);

/* --- semaphores.c: the counter of a semaphore, as far as C tells of it ------------------------------------------------ */

bool semaphore_counting(PyObject *semaphore, PyObject *old, PyObject *value);

/* --- events.c --------------------------------------------------------------------------------------------------------- */

PyObject *event_setting(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *event_seen_set(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* --- patching.c: models beside functions and attributes ------------------------------------------------------------- */

/* What every object begins with that stands in for a function. */
typedef struct {
    PyObject_HEAD
    PyObject *real; /* owned */
} StandIn;

bool settled(void); /* false: there is an exception that is not for us */
PyObject *stand_in_get(PyObject *self, PyObject *instance, PyObject *type);
PyObject *stand_in_getattr(PyObject *self, PyObject *name);
PyObject *stand_in_repr(PyObject *self);
PyObject *stand_in_doc(PyObject *self, void *nothing);
extern PyTypeObject Around_Type;
extern PyTypeObject Watched_Type;

/* --- builtins.c: functions of C that something else is called for ------------------------------------------------------ */

PyObject *native_original(PyObject *module, PyObject *function);
PyObject *native_redirect(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_alike(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* --- imports.c: what bodies of modules did ---------------------------------------------------------------------------- */

void module_imported(const Called *called, PyObject *module);
extern PyTypeObject Imports_Type;

/* --- loops.c: what event loops run -------------------------------------------------------------------------------- */

PyObject *loop_release(PyObject *module, PyObject *loop);
bool loops_ready(PyObject *module);

/* --- contracts.c: what operations of containers do ---------------------------------------------------------------- */

enum { TARGET_STRUCTURE, TARGET_KEY, TARGET_FIRST };
enum { SHAPE_KEY, SHAPE_NEGATIVE, SHAPE_SLICE, SHAPES };
enum { PRESENT_ANY, PRESENT_ABSENT, PRESENT_PRESENT };
enum { HANDOVER_NONE, HANDOVER_RELEASE, HANDOVER_ACQUIRE, HANDOVER_GIVE, HANDOVER_TAKE };

typedef struct {
    uint8_t target;
    uint8_t operation;
    uint8_t commute;
} Effect;

static inline Effect
effect_of(const Context *access)
{
    return (Effect){.operation = access->operation, .commute = access->commute};
}

/* Whether who conflicts with the access before conflicts with this one of the same actor, too. What is put in spoils less
   than what is taken out. */
static inline bool
effect_covers(Effect effect, const Context *before)
{
    bool spares = before->operation == OP_DELETE && effect.operation != OP_DELETE;
    return effect.commute == COMMUTE_NONE || (effect.commute == before->commute && !spares);
}

#define EFFECTS 3

typedef struct {
    Effect effects[EFFECTS];
    Effect otherwise[EFFECTS];
    uint8_t effect_count;
    uint8_t otherwise_count;
    uint8_t full_when;
    uint8_t handover;
    bool through;
} Row;

typedef struct {
    const Row *by_shape[SHAPES];
} Rows;

bool contracts_load(PyObject *table, PyObject *containers, PyObject *sequences);
uint8_t container_index(PyTypeObject *type);
bool container_is_sequence(uint8_t index);
const Rows *contract_lookup(Shape *shape, PyObject *name);
const Rows *contract_operator(Shape *shape, PyObject *name);
void contracts_reset(void);

/* --- accesses.c: what a committed site does to its operands ------------------------------------------------------- */

/* What a tap knows of the type it was last used on; in `cell`, or the cell of an attribute. */
enum { SEES_NOTHING = -1, SEES_CLASS = -2, SEES_SEQUENCE = -3, SEES_KEYS = -4, SEES_STRUCTURE = -5, SEES_NAME = -6,
       ASKS = -7 };

typedef struct {
    PyTypeObject *type; /* borrowed with `version`, NULL when nothing is known */
    uint32_t version;
    int32_t cell;
    const Row *row; /* containers: what is done with an ordinary key */
    Shape *shape; /* borrowed: that of the type */
    NameCell *global; /* attributes of the class: borrowed while `names_generation` is this */
    uint64_t names_generation;
    uint8_t rank;
    bool stores;
} Known;

#define MORE_KNOWN 7

enum { MADE_ONE, MADE_ALL, MADE_STRUCTURE };

/* What a tap has found out. Most taps of a program are never used, so it is made at the first use. */
typedef struct {
    Known known; /* the type it was first used on */
    Known *more; /* owned, MORE_KNOWN others; NULL until there is a second type */
    uint32_t puts; /* items put into containers that nobody else was known to take from */
    uint32_t made[3]; /* the contexts that it last made: of a field or item, of all items, of a structure */
    uint32_t made_before; /* of a field or item, before the last */
    PyObject *names; /* borrowed address: the namespace, module or class whose name was last used */
    NameCell *named; /* borrowed: that name, while `named_generation` is `names_generation` */
    uint64_t named_generation;
    uint32_t names_version; /* of that class */
    uint8_t next; /* of `more` to be replaced */
} Learned;

/* Small, as there are tens of thousands. */
typedef struct Tap {
    PyObject_HEAD
    uint64_t run; /* the run that it belongs to */
    uint32_t fits; /* shape of the records whose cell the next number is, NO_SHAPE while none is known */
    union {
        uint32_t cell;
        struct { /* of items: by position or, of literal keys, by key */
            uint8_t item_rank;
            bool item_stores;
            bool item_keyed;
            uint8_t item_index; /* of a literal position; INLINE_ITEMS without */
        };
    };
    const Learned *learned; /* owned, unless it is `nothing_learned` */
    const void *home; /* the code it was last found in, to compare with */
    PyObject *name; /* borrowed from the site */
    union {
        uint64_t literal; /* number of a literal key, 0 without */
        int64_t variable_place; /* of a captured variable: its place in localsplus, -1 unknown */
    };
    uint32_t site;
    uint8_t rank;
    uint8_t role;
    uint8_t held; /* operands that other taps of the site hold for this one */
    bool is_simple : 1; /* no region, no publication: an access of an object of one's own needs no look at the rules */
    bool commits : 1;
    bool early : 1; /* of an augmented assignment, before the old value is read */
    bool is_head : 1;
    bool stores : 1;
    bool is_item : 1; /* an item is accessed, no attribute */
    bool is_literal : 1; /* of an item by a literal key, at its container */
    bool names_owner : 1; /* a site near by asks which class the attribute was loaded from */
} Tap;

typedef struct {
    Tap *tap;
    Site *site;
    Thread *thread;
    Frame *frame;
    PyObject *base;
    PyObject *key; /* NULL without */
    PyTypeObject *owner; /* borrowed; the class that the base was just loaded from, NULL unknown */
    const void *holder; /* an address: the object of that class, or itself */
    PyObject *namespace; /* borrowed; globals of the frame */
} Reach;

extern const Learned nothing_learned;
Learned *tap_learns(Tap *tap);
PyObject *tap_value(Tap *tap, Frame *frame);
PyObject *tap_key(Tap *tap, Frame *frame);
bool accesses_start(void);
void access_reached(Reach *at);

/* making.c */
void note_making(Reach *at);
bool is_being_made(const Reach *at);
extern const uint8_t op_of_context[];
Known *learn(Tap *tap, PyTypeObject *type, int32_t cell);
bool lacks_field(PyObject *base, PyObject *name);
void touch(Reach *at, Cell *cell, const Location *location, int op, int commute);

/* --- containers.c ------------------------------------------------------------------------------------------------- */

bool containers_start(void);
void container_apply(Reach *at, Shape *shape, const Row *row);
void container_learn(Reach *at, Shape *shape, const Row *row);
void container_operator(Reach *at, PyObject *name);
void generator_advances(Reach *at);
void container_item(Reach *at);
bool lacks_item(PyObject *base, PyObject *key);
PyObject *item_value(PyObject *base, PyObject *key);

/* --- handover.c: what other actors had before, in order ---------------------------------------------------------------- */

bool field_handed(Tap *tap, Thread *thread, Frame *frame, const Object *object, Cell *cell);
bool structure_handed(Tap *tap, const Known *known, Thread *thread, Frame *frame, Object *object);
bool item_handed(Tap *tap, const Known *known, Thread *thread, Frame *frame, Object *object, Cell *cell);

/* --- own.c: what an actor has to itself ------------------------------------------------------------------------------ */

uint32_t made_before(const Tap *tap, int made, const Thread *thread, Frame *frame, Effect effect, uint8_t rank,
                     Stack callers);
bool renews(const Tap *tap, Thread *thread, Frame *frame, Cell *cell, Effect effect, uint8_t rank);
void remember_made(Tap *tap, int made, uint32_t context);
void put_in(Tap *tap, Thread *thread, Object *object);
bool field_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *base);
bool structure_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container);
bool item_renews(const Tap *tap, const Known *known, Thread *thread, Frame *frame, const PyObject *container, Cell *cell);
bool item_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container, PyObject *key,
                  uint64_t number);
int has_key(PyObject *base, PyObject *key); /* -1: cannot be told without code of the program */
extern uint64_t names_generation; /* changes when names of a namespace or class are forgotten */
extern uint64_t recording; /* number of the run, 0 while none is; read without the lock too, by `recorded_run` */
extern bool alone; /* there has been one actor only: all it did comes before all that others will do */
extern PyInterpreterState *main_interpreter; /* the only one that is watched */
extern uint64_t imports_sync;
extern uint64_t failures;

static inline uint64_t
recorded_run(void)
{
    return __atomic_load_n(&recording, __ATOMIC_RELAXED);
}

/* Whether the calling thread runs code of the main interpreter. Methods are observed where their types define them, which
   other interpreters (PEP 554, PEP 684) share: they have a GIL of their own, and what they have dies with them. */
static inline bool
in_main_interpreter(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyThreadState *state = PyThreadState_GetUnchecked();
#else
    PyThreadState *state = _PyThreadState_UncheckedGet();
#endif
    return state == NULL || state->interp == main_interpreter;
}

/* The run that a call of an observed method belongs to, 0 for none. */
static inline uint64_t
run_here(void)
{
    uint64_t now = recorded_run();
    return now != 0 && in_main_interpreter() ? now : 0;
}

/* Lock the core if this run (0: any, where something else than a tap asks) is going on, which may end while the lock is
   waited for. */
static inline bool
core_enter(uint64_t run)
{
    uint64_t now = recorded_run();
    if (unlikely(now == 0 || (run != 0 ? run != now : muted || !in_main_interpreter()))) {
        return false;
    }
    core_lock();
#if RW_FREE_THREADED
    if (unlikely(recorded_run() != now)) {
        core_unlock();
        return false;
    }
#endif
    return true;
}

/* --- Python types and functions ------------------------------------------------------------------------------------ */

extern PyTypeObject Recorder_Type;
extern PyTypeObject Intake_Type;
extern PyTypeObject Waits_Type;
extern PyTypeObject Tasks_Type;
extern PyTypeObject Jobs_Type;
bool serial_of(PyObject *value, uint64_t *serial);
PyObject *with_sync(PyObject *value, void (*verb)(Thread *, uint64_t));

#define ENTER_OR_NONE                                                                                                 \
    if (!core_enter(0)) {                                                                                             \
        Py_RETURN_NONE;                                                                                               \
    }

bool recorder_ready(PyObject *module);
uint64_t digest_of(const uint8_t *content, size_t length);
PyObject *native_digest(PyObject *module, PyObject *content);
PyObject *native_stored(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_stamp(PyObject *module, PyObject *path);
PyObject *native_is_link(PyObject *module, PyObject *path);
PyObject *native_event_line(PyObject *module, PyObject *const *part, Py_ssize_t count);
PyObject *native_snapshot(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_keep_arguments(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_keep_with(PyObject *module, PyObject *args);
PyObject *native_keep(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_mark_with(PyObject *module, PyObject *args);
PyObject *native_mark(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_access_tag(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_bind(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
typedef struct Binding Binding;
Binding *binding_hold(Binding *binding);
uint64_t binding_run(const Binding *binding);
void binding_drop(Binding *binding);
bool bind_code(Binding *binding, PyCodeObject *code, const uint8_t *at);
bool taps_ready(PyObject *module);
extern PyTypeObject First_Type, Later_Type;
void unbound_make(void);
PyObject *unbound_first(Binding *binding, const uint8_t *at, Py_ssize_t place);
PyObject *unbound_later(Py_ssize_t constant);
bool is_unbound(PyObject *constant);
PyTypeObject *tap_type(const Site *site, int role, bool commits, int held, bool is_plain);
PyObject *replay_feed(PyObject *module, PyObject *record);
extern PyTypeObject PeekProbe_Type;
void replay_reset(void);

#endif
