/* Cells of containers, by the number of a key and by position, and of globals and class attributes, by name. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

/* The keys of a small container stand one after the other behind its first two cells. */
static KeyedCell *
small_keys(const Object *object)
{
    return (KeyedCell *)&object->cells[2];
}

Cell *
keyed_find(const Object *object, uint64_t key)
{
    for (uint8_t place = 0; place < object->small_keys; place++) {
        if (small_keys(object)[place].key == key) {
            return &small_keys(object)[place].cell;
        }
    }
    const Keyed *keyed = object->extra != NULL ? object->extra->keyed : NULL;
    if (keyed == NULL || keyed->entries == NULL) {
        return NULL;
    }
    KeyedCell *found = &keyed->entries[keyed_place(keyed, key)];
    return found->key == 0 ? NULL : &found->cell;
}

/* The entries in a table of this size, a power of two. Given which of them are `present` in the container, old ones that are
   not are let go of, and all others are old from now on. False when memory is short. */
bool
keyed_rebuild(Keyed *keyed, uint32_t size, const uint8_t *present)
{
    bool aged = present != NULL || keyed->old != NULL;
    Keyed built = {.entries = calloc(size, sizeof(KeyedCell)), .mask = size - 1, .names = keyed->names,
                   .old = aged ? calloc(1, size / 8 + 1) : NULL};
    if (built.entries == NULL || (aged && built.old == NULL)) {
        free(built.entries);
        free(built.old);
        failures++;
        return false;
    }
    for (uint32_t place = 0; keyed->entries != NULL && place <= keyed->mask; place++) {
        KeyedCell *entry = &keyed->entries[place];
        if (entry->key == 0) {
            continue;
        }
        bool old = keyed->old != NULL && bit_is_set(keyed->old, place);
        if (old && present != NULL && !bit_is_set(present, place)) {
            cell_clear(&entry->cell);
            continue;
        }
        uint32_t target = keyed_place(&built, entry->key);
        built.entries[target] = *entry;
        built.used++;
        if (aged && (old || present != NULL)) {
            bit_set(built.old, target);
        }
    }
    free(keyed->entries);
    free(keyed->old);
    *keyed = built;
    return true;
}

static Keyed *
keyed_of(Object *object)
{
    Extra *extra = object_extra(object);
    if (extra != NULL && extra->keyed == NULL) {
        extra->keyed = calloc(1, sizeof(Keyed));
    }
    return extra == NULL ? NULL : extra->keyed;
}

/* The cell of a key of a container, made when there is none; the record may move. It stays in place until another key
   comes in. `small`: its first keys may stand in the record, which then has no cells by position. */
Cell *
keyed_cell(const void *target, Object **place_of_object, uint64_t key, bool small)
{
    Object *object = *place_of_object;
    Cell *found = keyed_find(object, key);
    if (found == NULL && small && object->small_keys < SMALL_KEYS) {
        object = object_grow(target, object, 2 + 2 * (object->small_keys + 1u));
        if (object == NULL) {
            return NULL;
        }
        *place_of_object = object;
        KeyedCell *made = &small_keys(object)[object->small_keys++];
        *made = (KeyedCell){.key = key};
        return &made->cell;
    }
    Keyed *keyed = found == NULL ? keyed_of(object) : NULL;
    if (keyed == NULL) {
        return found;
    }
    uint32_t size = keyed->entries == NULL ? 0 : keyed->mask + 1;
    if ((keyed->used + 1) * 4 > size * 3 && !gone_keys_make_room((PyObject *)target, keyed) &&
        !keyed_rebuild(keyed, size ? size * 2 : 4, NULL)) {
        return NULL;
    }
    uint32_t place = keyed_place(keyed, key);
    keyed->entries[place].key = key;
    keyed->used++;
    return &keyed->entries[place].cell;
}

/* The cell of a global of a namespace or of an attribute of a class; it stays where it is until the owner dies. */
NameCell *
name_cell(Object *object, PyObject *name, int kind)
{
    Keyed *keyed = keyed_of(object);
    if (keyed == NULL) {
        return NULL;
    }
    for (NameCell *cell = keyed->names; cell != NULL; cell = cell->next) {
        if (cell->name == name && cell->kind == kind) {
            return cell;
        }
    }
    NameCell *cell = calloc(1, sizeof(NameCell));
    if (cell == NULL) {
        failures++;
        return NULL;
    }
    cell->name = Py_NewRef(name);
    cell->kind = (uint8_t)kind;
    cell->next = keyed->names;
    keyed->names = cell;
    return cell;
}

/* The cell of an item by position, made when there is none; the record may move. */
Cell *
item_cell(PyObject *target, Object **object, size_t index)
{
    if (index < INLINE_ITEMS) {
        Object *grown = object_grow(target, *object, (uint32_t)index + 3);
        if (grown == NULL) {
            return NULL;
        }
        *object = grown;
        return &grown->cells[index + 2];
    }
    Extra *extra = object_extra(*object);
    if (extra == NULL) {
        return NULL;
    }
    if (extra->items == NULL && (extra->items = calloc(1, sizeof(Items))) == NULL) {
        return NULL;
    }
    Items *items = extra->items;
    index -= INLINE_ITEMS;
    size_t chunk = index / CHUNK;
    if (chunk >= items->length) {
        size_t length = items->length ? items->length : 1;
        while (length <= chunk) {
            length *= 2;
        }
        Cell **grown = realloc(items->chunks, length * sizeof(Cell *));
        if (grown == NULL) {
            failures++;
            return NULL;
        }
        memset(grown + items->length, 0, (length - items->length) * sizeof(Cell *));
        items->chunks = grown;
        items->length = length;
    }
    if (items->chunks[chunk] == NULL && (items->chunks[chunk] = calloc(CHUNK, sizeof(Cell))) == NULL) {
        failures++;
        return NULL;
    }
    return &items->chunks[chunk][index % CHUNK];
}

static void
keyed_free(Extra *extra)
{
    if (extra->keyed != NULL) {
        for (uint32_t place = 0; extra->keyed->entries != NULL && place <= extra->keyed->mask; place++) {
            cell_clear(&extra->keyed->entries[place].cell);
        }
        while (extra->keyed->names != NULL) {
            NameCell *cell = extra->keyed->names;
            extra->keyed->names = cell->next;
            cell_clear(&cell->cell);
            Py_DECREF(cell->name);
            free(cell);
            names_generation++;
        }
        free(extra->keyed->entries);
        free(extra->keyed->old);
        free(extra->keyed);
        extra->keyed = NULL;
    }
    if (extra->items != NULL) {
        for (size_t chunk = 0; chunk < extra->items->length; chunk++) {
            for (size_t place = 0; extra->items->chunks[chunk] != NULL && place < CHUNK; place++) {
                cell_clear(&extra->items->chunks[chunk][place]);
            }
            free(extra->items->chunks[chunk]);
        }
        free(extra->items->chunks);
        free(extra->items);
        extra->items = NULL;
    }
}

/* As `cell_clear`, where nobody will look into the cell again. */
static inline void
let_go_of_cell(Cell *cell)
{
    if (unlikely((cell->w & EXPANDED) != 0)) {
        cell_clear(cell);
        return;
    }
    context_drop(cell->w);
    context_drop(cell->r);
}

/* Let go of all that the cells of a record refer to, and of what it owns. The record is dead. */
void
object_clear(Object *object)
{
    uint32_t plain = object->small_keys != 0 ? 2 : object->capacity;
    for (uint32_t cell = 0; cell < plain; cell++) {
        let_go_of_cell(&object->cells[cell]);
    }
    for (uint8_t place = 0; place < object->small_keys; place++) {
        let_go_of_cell(&small_keys(object)[place].cell);
    }
    if (object->extra != NULL) {
        keyed_free(object->extra);
    }
}
