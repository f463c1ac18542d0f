/* What an operation does to its operands, and what an actor has to itself: the ways from a tap to the rules. A part of core.h. */
#ifndef RACEWAY_OPERATIONS_H
#define RACEWAY_OPERATIONS_H

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

/* Whether a change of the structure is one of all items, too. */
static inline bool
changes_all(Effect effect)
{
    return effect.commute == COMMUTE_NONE || effect.operation == OP_DELETE;
}

static inline bool
change_repeats_at(const Cell *cell, const Thread *thread, uint8_t rank, int commute)
{
    return cell_repeats(cell, thread, true, rank, commute) || cell_tells_write(cell, thread, rank, commute);
}

/* Whether a change of the structure repeats. No region leads to the cell of all items. */
static inline bool
repeats_change(const Object *object, const Thread *thread, Effect effect, uint8_t rank)
{
    uint8_t of_all = rank < RANK_STORE ? rank : RANK_STORE;
    return change_repeats_at(&object->cells[0], thread, rank, effect.commute) &&
           (!changes_all(effect) || change_repeats_at(&object->cells[1], thread, of_all, effect.commute));
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
       ASKS = -7, SEES_ENDS = -8 };

typedef struct {
    PyTypeObject *type; /* borrowed with `version`, NULL when nothing is known */
    uint32_t version;
    int32_t cell;
    const Row *row; /* containers: what is done with an ordinary key */
    Shape *shape; /* borrowed: that of the type */
    NameCell *global; /* attributes of the class: borrowed while `names_generation` is this */
    uint64_t names_generation;
    int32_t field; /* of SEES_CLASS: the cell for instances that have an attribute of that name themselves; -1 unknown */
    uint8_t rank;
    bool stores;
    bool has_ends; /* of SEES_SEQUENCE: operations on an end change an item in a way that commutes */
    bool from_end; /* of SEES_SEQUENCE: an item by a negative position is that item and a look at the length */
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

/* How much the look at all items tells that every access of one is. */
static inline uint8_t
rank_of_look(const Tap *tap)
{
    return tap->is_head ? RANK_REGION : RANK_PLAIN;
}

static inline bool
repeats_look_at_all(const Tap *tap, const Thread *thread, const Cell *all)
{
    return (!tap->is_head && is_own(all, thread)) || cell_repeats(all, thread, false, rank_of_look(tap), COMMUTE_NONE);
}

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
Known *container_learn(Reach *at, Shape *shape, const Row *row);
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
bool end_reached(Tap *tap, const Known *known, Thread *thread, Frame *frame, PyObject *container);
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

#endif
