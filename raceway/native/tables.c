/* Hash tables from numbers to pointers: open addressing, linear probing, no tombstones. */
#include "core.h"

#include <stdlib.h>

static bool
resize(Table *table, size_t size)
{
    TableEntry *entries = calloc(size, sizeof(TableEntry));
    if (entries == NULL) {
        failures++;
        return false;
    }
    for (size_t place = 0; table->entries != NULL && place <= table->mask; place++) {
        if (table->entries[place].value != NULL) {
            size_t target = mix(table->entries[place].key) & (size - 1);
            while (entries[target].value != NULL) {
                target = (target + 1) & (size - 1);
            }
            entries[target] = table->entries[place];
        }
    }
    free(table->entries);
    table->entries = entries;
    table->mask = size - 1;
    return true;
}

void *
table_get(const Table *table, uint64_t key)
{
    if (table->entries == NULL) {
        return NULL;
    }
    size_t place = mix(key) & table->mask;
    while (table->entries[place].value != NULL) {
        if (table->entries[place].key == key) {
            return table->entries[place].value;
        }
        place = (place + 1) & table->mask;
    }
    return NULL;
}

/* Put in a key that is not there. False when memory is short. */
bool
table_put(Table *table, uint64_t key, void *value)
{
    size_t size = table->entries == NULL ? 0 : table->mask + 1;
    if ((table->used + 1) * 3 > size * 2 && !resize(table, size ? size * 2 : 16)) {
        return false;
    }
    size_t place = mix(key) & table->mask;
    while (table->entries[place].value != NULL) {
        place = (place + 1) & table->mask;
    }
    table->entries[place] = (TableEntry){key, value};
    table->used++;
    return true;
}

void *
table_pop(Table *table, uint64_t key)
{
    if (table->entries == NULL) {
        return NULL;
    }
    size_t place = mix(key) & table->mask;
    while (table->entries[place].value != NULL && table->entries[place].key != key) {
        place = (place + 1) & table->mask;
    }
    void *found = table->entries[place].value;
    if (found == NULL) {
        return NULL;
    }
    /* Close the gap: later entries of the same run move up (Knuth, volume 3, 6.4, algorithm R). */
    size_t gap = place;
    for (;;) {
        table->entries[gap].value = NULL;
        size_t next = gap;
        for (;;) {
            next = (next + 1) & table->mask;
            if (table->entries[next].value == NULL) {
                table->used--;
                return found;
            }
            size_t home = mix(table->entries[next].key) & table->mask;
            if (gap <= next ? (home <= gap || home > next) : (home <= gap && home > next)) {
                break;
            }
        }
        table->entries[gap] = table->entries[next];
        gap = next;
    }
}

void
table_free(Table *table)
{
    free(table->entries);
    *table = (Table){0};
}
