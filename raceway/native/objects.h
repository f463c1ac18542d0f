/* What is known of live objects: their records by address, the shapes of their types, their keys. A part of core.h. */
#ifndef RACEWAY_OBJECTS_H
#define RACEWAY_OBJECTS_H

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
bool shape_is_known(PyTypeObject *type);
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
bool key_as_known(PyObject *key, uint64_t *found);
bool key_is_plain(PyObject *key, int depth);
PyObject *key_shown(PyObject *key);

/* --- keyed.c: cells by key and by position ------------------------------------------------------------------------ */

typedef struct {
    uint64_t key; /* 0 marks a free place */
    Cell cell;
} KeyedCell;

typedef struct Keyed {
    KeyedCell *entries;
    uint8_t *old; /* owned: a bit for each entry that was there when gone keys were looked for; NULL while none is */
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
bool keyed_rebuild(Keyed *keyed, uint32_t size, const uint8_t *present);
Cell *keyed_cell(const void *target, Object **object, uint64_t key, bool small);
NameCell *name_cell(Object *object, PyObject *name, int kind); /* `variable` is 0 in a new one */
Cell *item_cell(PyObject *target, Object **object, size_t index);
void object_clear(Object *object);

static inline uint32_t
keyed_place(const Keyed *keyed, uint64_t key)
{
    uint32_t place = (uint32_t)(key >> 1) & keyed->mask;
    while (keyed->entries[place].key != 0 && keyed->entries[place].key != key) {
        place = (place + 1) & keyed->mask;
    }
    return place;
}

/* --- gonekeys.c: keys that a container no longer has ---------------------------------------------------------------- */

bool gone_keys_make_room(PyObject *container, Keyed *keyed);

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

#endif
