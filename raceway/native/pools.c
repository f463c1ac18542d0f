/* Blocks of one size that come and go with objects, threads and connections of the program: some that nobody needs are
   kept. The allocator of C would take the longer way: `calloc` passes by what a thread has at hand, and what one thread
   takes and another gives back has to be moved. Used under the core's lock only. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 64

#if defined(__SANITIZE_ADDRESS__)
#define POOLED false /* a use after its end is to be noticed */
#else
#define POOLED true
#endif

/* A block of zeroes; NULL when memory is short. All blocks of a pool have this size. */
void *
pool_take(Pool *pool, size_t size)
{
    void *block = pool->first;
    if (block == NULL) {
        block = malloc(size);
    }
    else {
        memcpy(&pool->first, block, sizeof pool->first); /* they are linked through their beginnings */
        pool->count--;
    }
    return block == NULL ? NULL : memset(block, 0, size);
}

void
pool_give(Pool *pool, void *block)
{
    if (!POOLED || pool->count == KEPT || block == NULL) {
        free(block);
        return;
    }
    memcpy(block, &pool->first, sizeof pool->first);
    pool->first = block;
    pool->count++;
}
