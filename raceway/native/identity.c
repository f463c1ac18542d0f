/* What is known of live objects, by address: a shadow of the heap with four bytes for every sixteen.

   An address leads to its place in the shadow of all addresses, which is reserved in one piece and costs memory only where
   records are; a number there leads to the object's record in another reserved region. Where a limit on address space
   (ulimit -v) forbids that much, the shadow is made in pieces of one MiB of heap, found through two tables. Nothing is
   kept alive: a record goes when its object dies (deaths.c).

   No record is kept for tuples, floats, slices and contexts, which free lists keep and whose identity means nothing. */
#include "core.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PIECE_BYTES ((size_t)(1 << 16) * sizeof(uint32_t))
#if defined(__x86_64__)
#define USER_ADDRESS_BITS 47 /* of what a process may have */
#else
#define USER_ADDRESS_BITS 48
#endif
#define SHADOW_BYTES ((size_t)1 << (USER_ADDRESS_BITS - 2))
#define GRANULES ((size_t)1 << (USER_ADDRESS_BITS - GRANULE_BITS))
#define SIZES 72

static Object nobody = {.shape = NOBODY_SHAPE};
char *identity_region = (char *)&nobody;
uint32_t *identity_shadow;

/* Beside a shadow in one piece: how many records stand in the granule, or in a block that begins there; twice for one that
   does both. At most 34 do. Most of what is freed stands where there is none, and its shadow need not be looked at, nor
   get memory. Without a GIL it is never less, as records go at a time of their own. */
uint8_t *identity_granules;

static uint32_t **roots[1 << 14]; /* the pieces of the shadow where records are, by the top of the address in two steps */

static size_t region_size, region_used;
static uint32_t free_records[SIZES]; /* by size class: references to the first free record */
static uint64_t serials;
static Pool extras;
bool identity_running;

uint64_t
new_serial(void)
{
    return ++serials;
}

static void *
reserve(size_t size)
{
    void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (found == MAP_FAILED) {
        return NULL;
    }
#ifdef MADV_DONTDUMP
    (void)madvise(found, size, MADV_DONTDUMP); /* a core dump would look at each page of it */
#endif
    return found;
}

static bool
reserve_region(void)
{
    for (region_size = (size_t)1 << 34; region_size >= (size_t)1 << 26; region_size >>= 1) {
        char *found = reserve(region_size);
        if (found != NULL) {
            memcpy(found, &nobody, sizeof nobody);
            identity_region = found;
            region_used = 64;
            return true;
        }
    }
    return false;
}

/* The shadow of all addresses; it stays for good, since taps look into it without asking. */
static void
reserve_shadow(void)
{
    static bool tried;
    if (!tried) {
        tried = true;
        identity_granules = reserve(GRANULES);
        identity_shadow = identity_granules == NULL ? NULL : reserve(SHADOW_BYTES);
#ifdef MADV_NOHUGEPAGE
        if (identity_shadow != NULL) { /* a huge page would lie under eight MiB of heap, or two GiB */
            (void)madvise(identity_shadow, SHADOW_BYTES, MADV_NOHUGEPAGE);
            (void)madvise(identity_granules, GRANULES, MADV_NOHUGEPAGE);
        }
#endif
    }
}

static uint32_t *
piece_at(uintptr_t top)
{
    uint32_t **middle = top >> 28 == 0 ? __atomic_load_n(&roots[top >> 14], __ATOMIC_ACQUIRE) : NULL;
    return middle == NULL ? NULL : __atomic_load_n(&middle[top & 0x3fff], __ATOMIC_ACQUIRE);
}

uint32_t *
shadow_in_pieces(uintptr_t address)
{
    uint32_t *piece = piece_at(address >> 20);
    return piece == NULL ? NULL : &piece[(address & 0xfffff) >> 4];
}

static inline void
granule_changes(uintptr_t address, int by)
{
    uint8_t *granule = &identity_granules[address >> GRANULE_BITS];
    uint8_t known = __atomic_load_n(granule, __ATOMIC_RELAXED);
    if (RW_FREE_THREADED) {
        __atomic_store_n(granule, 1, __ATOMIC_RELAXED);
    }
    else if (by > 0 || known != 0) { /* none is left where the run has ended */
        __atomic_store_n(granule, (uint8_t)(known + by), __ATOMIC_RELAXED);
    }
}

/* An object with a record begins here, or did so; its block begins here, or up to 32 bytes ahead. */
static inline void
granules_change(uintptr_t address, int by)
{
    granule_changes(address, by);
    granule_changes(address - 16 * (BLOCK_STEPS - 1), by);
}

/* The place of an address in the shadow, made where there is none. NULL when there is no memory. */
static uint32_t *
shadow_made(uintptr_t address)
{
    uint32_t *known = shadow_in_pieces(address);
    if (known != NULL || address >> USER_ADDRESS_BITS != 0) {
        return known;
    }
    uint32_t ***root = &roots[address >> 34];
    if (*root == NULL) {
        uint32_t **middle = calloc(1 << 14, sizeof(uint32_t *));
        if (middle == NULL) {
            return NULL;
        }
        __atomic_store_n(root, middle, __ATOMIC_RELEASE);
    }
    uint32_t *piece = identity_shadow != NULL ? &identity_shadow[address >> 20 << 16] : reserve(PIECE_BYTES);
    if (piece == NULL) {
        return NULL;
    }
    __atomic_store_n(&(*root)[(address >> 20) & 0x3fff], piece, __ATOMIC_RELEASE);
    return shadow_in_pieces(address);
}

/* Records come in sizes of two cells' steps up to 128 cells, then in powers of two. */
static uint32_t
size_class(uint32_t cells, uint32_t *capacity)
{
    if (cells <= 128) {
        *capacity = cells < 2 ? 2 : (cells + 1) & ~1u;
        return *capacity / 2;
    }
    uint32_t size = 65;
    *capacity = 256;
    while (*capacity < cells) {
        *capacity *= 2;
        size++;
    }
    return size;
}

static uint32_t
take_record(uint32_t cells)
{
    uint32_t capacity, size = size_class(cells, &capacity);
    if (size >= SIZES || capacity > UINT16_MAX) {
        return 0;
    }
    uint32_t reference = free_records[size];
    Object *object;
    if (reference != 0) {
        object = (Object *)(identity_region + ((size_t)reference << 3));
        free_records[size] = object->serial; /* a free one's link */
    }
    else {
        size_t bytes = sizeof(Object) + capacity * sizeof(Cell);
        if (region_used + bytes > region_size) {
            failures++;
            return 0;
        }
        reference = (uint32_t)(region_used >> 3);
        object = (Object *)(identity_region + region_used);
        region_used += bytes;
    }
    memset(object, 0, sizeof(Object) + capacity * sizeof(Cell));
    object->capacity = (uint16_t)capacity;
    return reference;
}

static void
give_record(uint32_t reference, Object *object)
{
    uint32_t capacity;
    uint32_t size = size_class(object->capacity, &capacity);
    object->serial = free_records[size];
    free_records[size] = reference;
}

static bool
keeps_none(PyTypeObject *type)
{
    return type == &PyTuple_Type || type == &PyFloat_Type || type == &PySlice_Type || type == &PyLong_Type ||
           type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyBool_Type || type == &PyContext_Type;
}

/* A record for an object that has none, with cells for the attributes that its type is known to have. */
Object *
object_make(PyObject *target, Shape *shape)
{
    if (!RW_FREE_THREADED && unlikely(shape == NULL || !shape->mortal)) {
        deaths_follow(Py_TYPE(target));
        if (shape != NULL) {
            shape->mortal = true;
        }
    }
    uint32_t *place = shadow_made((uintptr_t)target);
    if (place == NULL) {
        failures++;
        return NULL;
    }
    uint32_t cells = shape == NULL ? 2 : shape->container != 0 ? 6 : shape->first + shape->count;
    uint32_t reference = take_record(cells > 64 ? 64 : cells);
    if (reference == 0) {
        return NULL;
    }
    if (identity_shadow != NULL) {
        granules_change((uintptr_t)target, 1);
    }
    *place = reference;
    Object *object = (Object *)(identity_region + ((size_t)reference << 3));
    object->shape = shape == NULL ? 0 : shape->id;
    return object;
}

Object *
object_of(PyObject *target)
{
    Object *known = object_find(target);
    if (known != NULL) {
        return known;
    }
    if (!identity_running || keeps_none(Py_TYPE(target))) {
        return NULL;
    }
    /* The type's shape first: it may make a record of its own. */
    return object_make(target, PyType_Check(target) ? NULL : shape_of(Py_TYPE(target)));
}

/* The record with room for so many cells; it may move. NULL when there is none. */
Object *
object_grow(const void *target, Object *object, uint32_t cells)
{
    if (cells <= object->capacity) {
        return object;
    }
    uint32_t *place = shadow_at((uintptr_t)target);
    uint32_t reference = take_record(cells + cells / 4);
    if (reference == 0 || place == NULL) {
        return NULL;
    }
    Object *grown = (Object *)(identity_region + ((size_t)reference << 3));
    uint16_t capacity = grown->capacity;
    memcpy(grown, object, sizeof(Object) + object->capacity * sizeof(Cell));
    grown->capacity = capacity;
    give_record(*place, object);
    *place = reference;
    return grown;
}

Extra *
object_extra(Object *object)
{
    if (object->extra == NULL && (object->extra = pool_take(&extras, sizeof(Extra))) == NULL) {
        failures++;
    }
    return object->extra;
}

uint32_t
object_serial(Object *object)
{
    if (object->serial == 0) {
        object->serial = (uint32_t)new_serial();
    }
    return object->serial;
}

static void
retire_record(uint32_t reference, Object *object)
{
    object_clear(object);
    if (object->extra != NULL) {
        if (object->extra->own_shape != NULL) {
            shape_free(object->extra->own_shape);
        }
        if (object->extra->sync != 0) {
            sync_retire(object->extra->sync);
        }
        if (object->extra->callbacks != 0) {
            sync_retire(object->extra->callbacks);
        }
        if (object->extra->actor != 0) {
            thread_retired(object->extra->actor);
        }
        if (object->extra->connection != NULL) {
            connection_free(object->extra->connection);
        }
        Py_XDECREF(object->extra->database); /* whose end runs no code of anybody else */
        pool_give(&extras, object->extra);
    }
    give_record(reference, object);
}

static void
retire(uint32_t *place)
{
    uint32_t reference = __atomic_exchange_n(place, 0, __ATOMIC_ACQ_REL);
    if (reference != 0) {
        if (!RW_FREE_THREADED && identity_shadow != NULL) {
            granules_change((uintptr_t)(place - identity_shadow) << 4, -1);
        }
        retire_record(reference, (Object *)(identity_region + ((size_t)reference << 3)));
    }
}

#if RW_FREE_THREADED

/* Memory is given back under locks of the interpreter, where ours must not be waited for: the shadow forgets at once,
   and the record goes when the core is entered next. A free record's link is its label, until it is taken. */
static uint32_t dead;
static uint32_t letting_go; /* threads that are about to tell of a death */

static void
let_go(uint32_t *place)
{
    __atomic_add_fetch(&letting_go, 1, __ATOMIC_ACQ_REL);
    uint32_t reference = __atomic_exchange_n(place, 0, __ATOMIC_ACQ_REL);
    if (reference != 0) {
        Object *object = (Object *)(identity_region + ((size_t)reference << 3));
        uint32_t first = __atomic_load_n(&dead, __ATOMIC_RELAXED);
        do {
            object->label = first;
        } while (!__atomic_compare_exchange_n(&dead, &first, reference, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    }
    __atomic_sub_fetch(&letting_go, 1, __ATOMIC_RELEASE);
}

void
identity_settle(void)
{
    uint32_t reference = __atomic_exchange_n(&dead, 0, __ATOMIC_ACQUIRE);
    while (reference != 0) {
        Object *object = (Object *)(identity_region + ((size_t)reference << 3));
        uint32_t next = object->label;
        retire_record(reference, object);
        reference = next;
    }
}

#else

static void
let_go(uint32_t *place)
{
    retire(place);
}

void
identity_settle(void)
{
}

#endif

/* The object at this address died. */
void
object_retire(uintptr_t address)
{
    uint32_t *place = shadow_at(address);
    if (place != NULL && __atomic_load_n(place, __ATOMIC_RELAXED) != 0) {
        let_go(place);
    }
}

size_t
identity_reserved(void)
{
    bool region = identity_region != (char *)&nobody;
    return (region ? region_size : 0) + (identity_shadow != NULL ? SHADOW_BYTES + GRANULES : 0);
}

/* Begin to follow the lives of objects. False when there is no address space. */
bool
identity_start(void)
{
    if (identity_region == (char *)&nobody && !reserve_region()) {
        return false;
    }
    reserve_shadow();
    if (!deaths_start()) {
        return false;
    }
    __atomic_store_n(&identity_running, true, __ATOMIC_RELAXED);
    return true;
}

/* Retire what is recorded in a piece; in one that is part of a whole shadow, granule by granule. */
static void
clear_piece(uint32_t *piece)
{
    const size_t count = (size_t)1 << (GRANULE_BITS - 4);
    for (size_t first = 0; first < 1 << 16; first += count) {
        uint8_t *granule = identity_shadow == NULL ? NULL : &identity_granules[(size_t)(piece + first - identity_shadow) / count];
        if (granule != NULL && *granule == 0) {
            continue;
        }
        for (size_t index = first; index < first + count; index++) {
            if (__atomic_load_n(&piece[index], __ATOMIC_RELAXED) != 0) {
                retire(&piece[index]);
            }
        }
#if !RW_FREE_THREADED
        if (granule != NULL) {
            *granule = 0;
        }
#endif
    }
}

/* Forget all objects. */
static void
clear_shadow(void)
{
    for (size_t top = 0; top < 1 << 14; top++) {
        for (size_t middle = 0; roots[top] != NULL && middle < 1 << 14; middle++) {
            uint32_t *shadow = roots[top][middle];
            if (shadow == NULL) {
                continue;
            }
            clear_piece(shadow);
#if !RW_FREE_THREADED /* where another thread may be about to look into it */
            roots[top][middle] = NULL;
            if (identity_shadow == NULL) {
                munmap(shadow, PIECE_BYTES);
            }
            else {
                (void)madvise(shadow, PIECE_BYTES, MADV_DONTNEED);
            }
#endif
        }
#if !RW_FREE_THREADED
        free(roots[top]);
        roots[top] = NULL;
#endif
    }
}

static bool
list_piece(PyObject *list, const uint32_t *piece, uintptr_t first)
{
    for (size_t index = 0; index < PIECE_BYTES / sizeof *piece; index++) {
        if (__atomic_load_n(&piece[index], __ATOMIC_RELAXED) != 0) {
            PyObject *address = PyLong_FromVoidPtr((void *)(first + (index << 4)));
            if (address == NULL || PyList_Append(list, address) < 0) {
                Py_XDECREF(address);
                return false;
            }
            Py_DECREF(address);
        }
    }
    return true;
}

PyObject *
identity_addresses(void)
{
    PyObject *list = PyList_New(0);
    for (uintptr_t top = 0; list != NULL && top < (uintptr_t)1 << 28; top++) {
        if ((top & 0x3fff) == 0 && roots[top >> 14] == NULL) {
            top |= 0x3fff;
            continue;
        }
        const uint32_t *piece = piece_at(top);
        if (piece != NULL && !list_piece(list, piece, top << 20)) {
            Py_CLEAR(list);
        }
    }
    return list;
}

void
identity_stop(void)
{
    if (!identity_running) {
        return;
    }
    __atomic_store_n(&identity_running, false, __ATOMIC_RELAXED);
    clear_shadow();
#if RW_FREE_THREADED
    while (__atomic_load_n(&letting_go, __ATOMIC_ACQUIRE) != 0) { /* a handful of instructions */
        sched_yield();
    }
    identity_settle();
#endif
    deaths_stop();
    memset(free_records, 0, sizeof free_records);
    munmap(identity_region, region_size);
    identity_region = (char *)&nobody;
}
