/* Locations that several actors share: which of their accesses are kept, and where. */
#include "shadow.h"

#include <stdlib.h>
#include <string.h>

Expansion *expansions;

static uint32_t expansion_count, expansion_capacity, expansion_free;

static bool
make_room(Entries *list)
{
    uint8_t capacity = list->capacity == 0 ? 2 : list->capacity * 2;
    Entry *grown = realloc(list->capacity == 0 ? NULL : list->many, capacity * sizeof(Entry));
    if (grown == NULL) {
        failures++;
        return false;
    }
    if (list->capacity == 0) {
        grown[0] = list->only;
    }
    list->many = grown;
    list->capacity = capacity;
    return true;
}

bool
entries_append(Entries *list, uint32_t context, uint32_t place)
{
    if (list->count >= (list->capacity == 0 ? 1 : list->capacity) && !make_room(list)) {
        return false;
    }
    context_hold(context);
    entries_of(list)[list->count++] = (Entry){context, place};
    return true;
}

void
entries_remove(Entries *list, uint8_t place)
{
    Entry *entries = entries_of(list);
    uint32_t context = entries[place].context;
    memmove(entries + place, entries + place + 1, (list->count - place - 1u) * sizeof(Entry));
    list->count--;
    context_drop(context);
}

static void
empty(Entries *list)
{
    while (list->count != 0) {
        entries_remove(list, (uint8_t)(list->count - 1));
    }
    if (list->capacity != 0) {
        free(list->many);
    }
    *list = (Entries){0};
}

static bool
make_room_to_note(Expansion *expansion)
{
    uint32_t capacity = expansion->noted == NULL ? 4 : expansion->noted->capacity * 2;
    bool is_new = expansion->noted == NULL;
    Noted *grown = realloc(expansion->noted, sizeof(Noted) + capacity * sizeof(uint64_t));
    if (grown == NULL) {
        failures++;
        return false;
    }
    if (is_new) {
        *grown = (Noted){0};
    }
    grown->capacity = capacity;
    expansion->noted = grown;
    return true;
}

/* Whether the epoch of this tag, which was the last one here, has made this access before; it has from here on. */
bool
is_noted(Expansion *expansion, uint32_t tag, uint64_t access)
{
    Noted *noted = expansion->noted;
    if (noted != NULL && noted->tag != tag) {
        noted->count = 0;
    }
    for (uint32_t at = 0; noted != NULL && at < noted->count; at++) {
        if (noted->accesses[at] == access) {
            return true;
        }
    }
    if (noted == NULL || noted->count == noted->capacity) {
        if (!make_room_to_note(expansion)) {
            return false;
        }
        noted = expansion->noted;
    }
    noted->tag = tag;
    noted->accesses[noted->count++] = access;
    return false;
}

Expansion *
expand(Cell *cell)
{
    uint32_t index = expansion_free;
    if (index != 0) {
        expansion_free = expansions[index].next_free;
    }
    else {
        if (expansion_count + 1 >= expansion_capacity) {
            uint32_t capacity = expansion_capacity ? expansion_capacity * 2 : 64;
            Expansion *grown = realloc(expansions, capacity * sizeof(Expansion));
            if (grown == NULL) {
                failures++;
                return NULL;
            }
            expansions = grown;
            expansion_capacity = capacity;
        }
        index = ++expansion_count;
    }
    Expansion *made = &expansions[index];
    *made = (Expansion){0};
    if (cell->w != 0) {
        entries_append(&made->writes, cell->w, 0);
        context_drop(cell->w);
    }
    if (cell->r != 0) {
        entries_append(&made->reads, cell->r, 0);
        context_drop(cell->r);
    }
    cell->w = EXPANDED | index;
    cell->r = 0;
    return made;
}

/* Whether what was last written there, as far as it is known, is there. */
bool
cell_is_filled(const Cell *cell)
{
    const Expansion *expansion = expansion_of(cell);
    uint32_t last = expansion == NULL                ? cell->w
                    : expansion->writes.count == 0 ? 0
                                                   : entries_of(&expansion->writes)[expansion->writes.count - 1].context;
    return last != 0 && contexts[last].operation != OP_DELETE;
}

void
cell_clear(Cell *cell)
{
    Expansion *expansion = expansion_of(cell);
    if (expansion != NULL) {
        empty(&expansion->writes);
        empty(&expansion->reads);
        context_drop(expansion->opened.context);
        context_drop(expansion->passed.context);
        if (expansion->published != NULL) {
            clock_free(&expansion->published->clock);
            free(expansion->published);
        }
        expansion->published = NULL;
        walked_free(expansion->walked);
        expansion->walked = NULL;
        free(expansion->noted);
        expansion->next_free = expansion_free;
        expansion_free = cell->w & ~EXPANDED;
    }
    else {
        context_drop(cell->w);
    }
    context_drop(cell->r);
    cell->w = cell->r = 0;
}

void
expansions_reset(void)
{
    free(expansions);
    expansions = NULL;
    expansion_count = expansion_capacity = expansion_free = 0;
}

/* From here on it is known in which order the cell was accessed. */
void
cell_keep_order(Cell *cell)
{
    if (expansion_of(cell) == NULL) {
        expand(cell);
    }
}
