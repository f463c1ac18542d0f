/* Vector clocks and their slots: the twin of raceway/detector/clocks.py, which has the model. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define QUARANTINE 512 /* ended actors whose slots rest before they are used again */

static Epoch *resting; /* a queue: first in, first out */
static size_t resting_first, resting_count, resting_capacity;
static uint32_t next_slot;

static bool
reserve(Clock *clock, uint32_t length)
{
    if (length <= clock->capacity) {
        return true;
    }
    uint32_t capacity = clock->capacity ? clock->capacity : 4;
    while (capacity < length) {
        capacity *= 2;
    }
    Number *numbers = realloc(clock->numbers, capacity * sizeof(Number));
    if (numbers == NULL) {
        failures++;
        return false;
    }
    clock->numbers = numbers;
    clock->capacity = capacity;
    return true;
}

static bool
extend(Clock *clock, uint32_t length)
{
    if (length > clock->length) {
        if (!reserve(clock, length)) {
            return false;
        }
        memset(clock->numbers + clock->length, 0, (length - clock->length) * sizeof(Number));
        clock->length = length;
    }
    return true;
}

void
clock_set(Clock *clock, uint32_t slot, Number number)
{
    if (extend(clock, slot + 1)) {
        clock->numbers[slot] = number;
    }
}

void
clock_raise(Clock *clock, Epoch epoch)
{
    if (clock_get(clock, epoch.slot) < epoch.number) {
        clock_set(clock, epoch.slot, epoch.number);
    }
}

/* Programs that start a thread for each request have hundreds of slots, in each clock of which most are of threads that
   ended. */
#if defined(__x86_64__) && defined(__GNUC__)

typedef int64_t Four __attribute__((vector_size(32))); /* no actor has 2^63 epochs */

/* The greater ones of the first slots, four at a time; gives how many it did. */
static __attribute__((target("avx2"))) uint32_t
raise_fours(Number *numbers, const Number *other, uint32_t length)
{
    uint32_t slot = 0;
    for (; slot + 4 <= length; slot += 4) {
        Four mine, theirs;
        memcpy(&mine, &numbers[slot], sizeof mine);
        memcpy(&theirs, &other[slot], sizeof theirs);
        Four greater = theirs > mine;
        mine = (theirs & greater) | (mine & ~greater);
        memcpy(&numbers[slot], &mine, sizeof mine);
    }
    return slot;
}

static inline uint32_t
raise_first(Number *numbers, const Number *other, uint32_t length)
{
    return length >= 16 && __builtin_cpu_supports("avx2") ? raise_fours(numbers, other, length) : 0;
}

#else

static inline uint32_t
raise_first(Number *numbers, const Number *other, uint32_t length)
{
    (void)numbers, (void)other, (void)length;
    return 0;
}

#endif

/* Make `clock` the least upper bound of both. */
void
clock_join(Clock *clock, const Clock *other)
{
    if (!extend(clock, other->length)) {
        return;
    }
    for (uint32_t slot = raise_first(clock->numbers, other->numbers, other->length); slot < other->length; slot++) {
        if (other->numbers[slot] > clock->numbers[slot]) {
            clock->numbers[slot] = other->numbers[slot];
        }
    }
}

void
clock_copy(Clock *clock, const Clock *other)
{
    if (reserve(clock, other->length)) {
        if (other->length != 0) {
            memcpy(clock->numbers, other->numbers, other->length * sizeof(Number));
        }
        clock->length = other->length;
    }
}

void
clock_free(Clock *clock)
{
    free(clock->numbers);
    *clock = (Clock){0};
}

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
