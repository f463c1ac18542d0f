/* Sets of held locks, in the order taken. Equal ones are one number, so that a context holds four bytes. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t *syncs; /* owned */
    uint32_t length;
    uint32_t references;
    uint32_t next; /* of the same hash, or of the free list */
} Held;

#define BUCKETS 1024

static Held *known;
static uint32_t known_count, known_capacity, free_list;
static uint32_t buckets[BUCKETS];

static uint32_t
bucket_of(const uint64_t *syncs, uint32_t length)
{
    uint64_t hash = length;
    for (uint32_t place = 0; place < length; place++) {
        hash = mix(hash ^ syncs[place]);
    }
    return hash % BUCKETS;
}

/* The number of this set, with a reference that the caller owns. Takes over `syncs`. */
static Lockset
intern(uint64_t *syncs, uint32_t length)
{
    if (length == 0) {
        free(syncs);
        return 0;
    }
    uint32_t bucket = bucket_of(syncs, length);
    for (uint32_t at = buckets[bucket]; at != 0; at = known[at].next) {
        if (known[at].length == length && memcmp(known[at].syncs, syncs, length * sizeof(uint64_t)) == 0) {
            known[at].references++;
            free(syncs);
            return at;
        }
    }
    uint32_t found = free_list;
    if (found != 0) {
        free_list = known[found].next;
    }
    else {
        if (known_count + 1 >= known_capacity) {
            uint32_t capacity = known_capacity ? known_capacity * 2 : 64;
            Held *grown = realloc(known, capacity * sizeof(Held));
            if (grown == NULL) {
                free(syncs);
                failures++;
                return 0;
            }
            known = grown;
            known_capacity = capacity;
        }
        found = ++known_count;
    }
    known[found] = (Held){syncs, length, 1, buckets[bucket]};
    buckets[bucket] = found;
    return found;
}

/* The last steps from a set to the one with a lock more, so that taking and freeing the same locks again allocates
   nothing. Both sets stay meanwhile. */
typedef struct {
    Lockset base; /* owned */
    Lockset grown; /* owned; 0 marks a free place */
    uint64_t sync;
} Step;

#define STEPS 256

static Step steps[STEPS];

static Step *
step_of(uint64_t sync)
{
    return &steps[mix(sync) % STEPS];
}

/* The set with one lock more, as a new reference. */
static Lockset
with_one(Lockset base, uint64_t sync)
{
    uint32_t length = lockset_length(base);
    uint64_t *syncs = malloc((length + 1) * sizeof(uint64_t));
    if (syncs == NULL) {
        failures++;
        return 0;
    }
    if (length != 0) {
        memcpy(syncs, known[base].syncs, length * sizeof(uint64_t));
    }
    syncs[length] = sync;
    return intern(syncs, length + 1);
}

Lockset
lockset_with(Lockset base, uint64_t sync)
{
    Step *step = step_of(sync);
    if (step->grown != 0 && step->base == base && step->sync == sync) {
        lockset_hold(step->grown);
        return step->grown;
    }
    Lockset grown = with_one(base, sync);
    if (grown != 0 && !lockset_has(base, sync)) {
        Step old = *step;
        lockset_hold(base);
        lockset_hold(grown);
        *step = (Step){base, grown, sync};
        lockset_drop(old.base);
        lockset_drop(old.grown);
    }
    return grown;
}

/* The set without the first of this lock, as a new reference. */
Lockset
lockset_without(Lockset base, uint64_t sync)
{
    Step *step = step_of(sync);
    if (step->grown == base && base != 0 && step->sync == sync) {
        lockset_hold(step->base);
        return step->base;
    }
    uint32_t length = lockset_length(base), kept = 0;
    if (length <= 1) {
        if (length == 1 && known[base].syncs[0] != sync) {
            lockset_hold(base);
            return base;
        }
        return 0;
    }
    uint64_t *syncs = malloc(length * sizeof(uint64_t));
    if (syncs == NULL) {
        failures++;
        return 0;
    }
    bool dropped = false;
    for (uint32_t place = 0; place < length; place++) {
        if (!dropped && known[base].syncs[place] == sync) {
            dropped = true;
        }
        else {
            syncs[kept++] = known[base].syncs[place];
        }
    }
    return intern(syncs, kept);
}

bool
lockset_has(Lockset set, uint64_t sync)
{
    for (uint32_t place = 0; place < lockset_length(set); place++) {
        if (known[set].syncs[place] == sync) {
            return true;
        }
    }
    return false;
}

void
lockset_hold(Lockset set)
{
    if (set != 0) {
        known[set].references++;
    }
}

void
lockset_drop(Lockset set)
{
    if (set == 0 || --known[set].references != 0) {
        return;
    }
    uint32_t *link = &buckets[bucket_of(known[set].syncs, known[set].length)];
    while (*link != set) {
        link = &known[*link].next;
    }
    *link = known[set].next;
    free(known[set].syncs);
    known[set] = (Held){NULL, 0, 0, free_list};
    free_list = set;
}

uint32_t
lockset_length(Lockset set)
{
    return set == 0 ? 0 : known[set].length;
}

uint64_t
lockset_at(Lockset set, uint32_t place)
{
    return known[set].syncs[place];
}

void
locksets_reset(void)
{
    for (uint32_t place = 1; place <= known_count; place++) {
        free(known[place].syncs);
    }
    memset(steps, 0, sizeof steps);
    free(known);
    known = NULL;
    known_count = known_capacity = free_list = 0;
    memset(buckets, 0, sizeof buckets);
}
