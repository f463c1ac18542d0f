/* Vector clocks and their slots: the twin of raceway/detector/clocks.py, which has the model.

   Simple model: an array of numbers by slot. Programs that start a thread for each request have a hundred slots, most of
   threads that ended, on whose last numbers all clocks agree. So a clock is made of chunks of 32 slots, which clocks share
   until one of them writes there: to copy a clock or to take one over costs a look at each chunk, and at the numbers of
   those alone that differ. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define QUARANTINE 64 /* ended actors whose slots rest before they are used again */

static Epoch *resting; /* a queue: first in, first out */
static size_t resting_first, resting_count, resting_capacity;
static uint32_t next_slot;

/* --- Chunks --------------------------------------------------------------------------------------------------------- */

/* Chunks that nobody has, by capacity: of 4, 8, 16 and 32 numbers. They are linked through their first number. */
#define SORTS 4
#define SPARE 64

static Chunk *spare[SORTS];
static int spare_count[SORTS];

static int
sort_of(uint32_t capacity)
{
    return capacity <= 4 ? 0 : capacity <= 8 ? 1 : capacity <= 16 ? 2 : 3;
}

/* An empty chunk for so many numbers at least; NULL when memory is short. */
static Chunk *
chunk_new(uint32_t capacity)
{
    int sort = sort_of(capacity);
    size_t size = sizeof(Number) * (4u << sort);
    Chunk *chunk = spare[sort];
    if (chunk != NULL) {
        memcpy(&spare[sort], chunk->numbers, sizeof(Chunk *));
        spare_count[sort]--;
    }
    else if ((chunk = malloc(sizeof(Chunk) + size)) == NULL) {
        failures++;
        return NULL;
    }
    chunk->references = 1;
    chunk->capacity = 4u << sort;
    memset(chunk->numbers, 0, size);
    return chunk;
}

static void
chunk_drop(Chunk *chunk)
{
    if (chunk == NULL || --chunk->references != 0) {
        return;
    }
    int sort = sort_of(chunk->capacity);
    if (spare_count[sort] == SPARE) {
        free(chunk);
        return;
    }
    memcpy(chunk->numbers, &spare[sort], sizeof(Chunk *));
    spare[sort] = chunk;
    spare_count[sort]++;
}

/* Have `*place` be `chunk`, which may be NULL. */
static void
chunk_share(Chunk **place, Chunk *chunk)
{
    if (chunk != NULL) {
        chunk->references++;
    }
    chunk_drop(*place);
    *place = chunk;
}

/* The chunk at `place`, nobody else's and with room for so many numbers; NULL when memory is short. */
static Chunk *
chunk_own(Chunk **place, uint32_t capacity)
{
    Chunk *chunk = *place;
    if (chunk != NULL && chunk->references == 1 && chunk->capacity >= capacity) {
        return chunk;
    }
    Chunk *made = chunk_new(chunk != NULL && chunk->capacity > capacity ? chunk->capacity : capacity);
    if (made != NULL && chunk != NULL) {
        memcpy(made->numbers, chunk->numbers, chunk->capacity * sizeof(Number));
    }
    if (made != NULL) {
        chunk_drop(chunk);
        *place = made;
    }
    return made;
}

/* What one of two chunks has that the other has not: some greater number. */
enum { MINE = 1, THEIRS = 2 };

#if defined(__x86_64__) && defined(__GNUC__)

typedef int64_t Four __attribute__((vector_size(32))); /* no actor has 2^63 epochs */

static __attribute__((target("avx2"))) int
compare_fours(const Number *mine, const Number *theirs, uint32_t count)
{
    Four more = {0}, less = {0};
    for (uint32_t slot = 0; slot < count; slot += 4) {
        Four first, second;
        memcpy(&first, &mine[slot], sizeof first);
        memcpy(&second, &theirs[slot], sizeof second);
        more |= first > second;
        less |= second > first;
    }
    return ((more[0] | more[1] | more[2] | more[3]) != 0 ? MINE : 0) |
           ((less[0] | less[1] | less[2] | less[3]) != 0 ? THEIRS : 0);
}

static __attribute__((target("avx2"))) void
raise_fours(Number *mine, const Number *theirs, uint32_t count)
{
    for (uint32_t slot = 0; slot < count; slot += 4) {
        Four first, second;
        memcpy(&first, &mine[slot], sizeof first);
        memcpy(&second, &theirs[slot], sizeof second);
        Four greater = second > first;
        first = (second & greater) | (first & ~greater);
        memcpy(&mine[slot], &first, sizeof first);
    }
}

static inline bool
by_fours(uint32_t count)
{
    return count >= 8 && __builtin_cpu_supports("avx2");
}

#else

static inline int
compare_fours(const Number *mine, const Number *theirs, uint32_t count)
{
    (void)mine, (void)theirs, (void)count;
    return 0;
}

static inline void
raise_fours(Number *mine, const Number *theirs, uint32_t count)
{
    (void)mine, (void)theirs, (void)count;
}

static inline bool
by_fours(uint32_t count)
{
    (void)count;
    return false;
}

#endif

static bool
has_numbers(const Chunk *chunk, uint32_t from)
{
    for (uint32_t slot = from; slot < chunk->capacity; slot++) {
        if (chunk->numbers[slot] != 0) {
            return true;
        }
    }
    return false;
}

static int
chunk_compare(const Chunk *mine, const Chunk *theirs)
{
    uint32_t both = mine->capacity < theirs->capacity ? mine->capacity : theirs->capacity;
    int found = (has_numbers(mine, both) ? MINE : 0) | (has_numbers(theirs, both) ? THEIRS : 0);
    if (by_fours(both)) {
        return found | compare_fours(mine->numbers, theirs->numbers, both);
    }
    for (uint32_t slot = 0; slot < both; slot++) {
        found |= mine->numbers[slot] > theirs->numbers[slot] ? MINE : 0;
        found |= theirs->numbers[slot] > mine->numbers[slot] ? THEIRS : 0;
    }
    return found;
}

/* Which chunk is kept when one has all that the other has: theirs, so that clocks come to share what they agree on. */
static void
chunk_join(Chunk **place, Chunk *theirs)
{
    if (*place == theirs || theirs == NULL) {
        return;
    }
    int found = *place == NULL ? 0 : chunk_compare(*place, theirs);
    if ((found & MINE) == 0) {
        chunk_share(place, theirs);
    }
    else if (found & THEIRS) {
        Chunk *mine = chunk_own(place, theirs->capacity);
        if (mine == NULL) {
            return;
        }
        if (by_fours(theirs->capacity)) {
            raise_fours(mine->numbers, theirs->numbers, theirs->capacity);
            return;
        }
        for (uint32_t slot = 0; slot < theirs->capacity; slot++) {
            if (theirs->numbers[slot] > mine->numbers[slot]) {
                mine->numbers[slot] = theirs->numbers[slot];
            }
        }
    }
}

static void
chunk_copy(Chunk **place, Chunk *theirs)
{
    Chunk *mine = *place;
    if (mine == theirs) {
        return;
    }
    if (mine == NULL || theirs == NULL || mine->references != 1 || theirs->references != 1 ||
        mine->capacity < theirs->capacity) {
        chunk_share(place, theirs);
        return;
    }
    /* Both are written to: a shared one would have to be copied by the next to write. */
    memcpy(mine->numbers, theirs->numbers, theirs->capacity * sizeof(Number));
    memset(mine->numbers + theirs->capacity, 0, (mine->capacity - theirs->capacity) * sizeof(Number));
}

/* --- Clocks --------------------------------------------------------------------------------------------------------- */

static bool
extend(Clock *clock, uint32_t count)
{
    if (count <= clock->more_count) {
        return true;
    }
    Chunk **more = realloc(clock->more, count * sizeof(Chunk *));
    if (more == NULL) {
        failures++;
        return false;
    }
    memset(more + clock->more_count, 0, (count - clock->more_count) * sizeof(Chunk *));
    clock->more = more;
    clock->more_count = count;
    return true;
}

void
clock_set(Clock *clock, uint32_t slot, Number number)
{
    uint32_t place = slot / SPAN;
    if (place != 0 && !extend(clock, place)) {
        return;
    }
    Chunk *chunk = chunk_own(place == 0 ? &clock->first : &clock->more[place - 1], slot % SPAN + 1);
    if (chunk != NULL) {
        chunk->numbers[slot % SPAN] = number;
    }
}

void
clock_raise(Clock *clock, Epoch epoch)
{
    if (clock_get(clock, epoch.slot) < epoch.number) {
        clock_set(clock, epoch.slot, epoch.number);
    }
}

/* Make `clock` the least upper bound of both. */
void
clock_join(Clock *clock, const Clock *other)
{
    chunk_join(&clock->first, other->first);
    if (other->more_count != 0 && extend(clock, other->more_count)) {
        for (uint32_t place = 0; place < other->more_count; place++) {
            chunk_join(&clock->more[place], other->more[place]);
        }
    }
}

void
clock_copy(Clock *clock, const Clock *other)
{
    chunk_copy(&clock->first, other->first);
    if (clock->more_count == 0 && other->more_count == 0) {
        return;
    }
    bool fits = extend(clock, other->more_count);
    for (uint32_t place = 0; place < clock->more_count; place++) {
        chunk_copy(&clock->more[place], fits && place < other->more_count ? other->more[place] : NULL);
    }
}

void
clock_free(Clock *clock)
{
    chunk_drop(clock->first);
    for (uint32_t place = 0; place < clock->more_count; place++) {
        chunk_drop(clock->more[place]);
    }
    free(clock->more);
    *clock = (Clock){0};
}

/* The epochs of `clock` that `before` has not, into `changes` if that is not NULL; gives how many. */
uint32_t
clock_changes(const Clock *clock, const Clock *before, Epoch *changes)
{
    uint32_t count = 0;
    for (uint32_t place = 0; place <= clock->more_count; place++) {
        const Chunk *chunk = chunk_at(clock, place), *old = chunk_at(before, place);
        if (chunk == NULL || chunk == old) {
            continue;
        }
        uint32_t known = old == NULL ? 0 : old->capacity;
        for (uint32_t slot = 0; slot < chunk->capacity; slot++) {
            Number number = chunk->numbers[slot];
            if (number != (slot < known ? old->numbers[slot] : 0)) {
                if (changes != NULL) {
                    changes[count] = (Epoch){place * SPAN + slot, number};
                }
                count++;
            }
        }
    }
    return count;
}

/* --- Slots ---------------------------------------------------------------------------------------------------------- */

/* A slot and the first number that its actor may use. */
Epoch
slots_take(void)
{
    if (resting_count > QUARANTINE) {
        Epoch found = resting[resting_first];
        resting_first = (resting_first + 1) % resting_capacity;
        resting_count--;
        found.number++;
        return found;
    }
    return (Epoch){next_slot++, 1};
}

/* The actor that used `slot` up to `number` has ended. */
void
slots_give_back(uint32_t slot, Number number)
{
    if (resting_count == resting_capacity) {
        size_t capacity = resting_capacity ? resting_capacity * 2 : 64;
        Epoch *grown = malloc(capacity * sizeof(Epoch));
        if (grown == NULL) {
            return; /* the slot is not used again */
        }
        for (size_t place = 0; place < resting_count; place++) {
            grown[place] = resting[(resting_first + place) % resting_capacity];
        }
        free(resting);
        resting = grown;
        resting_first = 0;
        resting_capacity = capacity;
    }
    resting[(resting_first + resting_count) % resting_capacity] = (Epoch){slot, number};
    resting_count++;
}

void
slots_reset(void)
{
    free(resting);
    resting = NULL;
    resting_first = resting_count = resting_capacity = 0;
    next_slot = 0;
}
