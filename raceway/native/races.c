/* Gathers the raw races of a run, folded by what looks alike: the twin of raceway/detector/races.py. */
#include "core.h"

#include <stdlib.h>

typedef struct Race {
    uint32_t earlier, later; /* contexts; owned references */
    uint32_t variable;
    uint32_t object; /* serial */
    uint32_t other; /* that of another one, while it is in doubt; 0: none was seen */
    uint8_t kind;
    bool items;
    uint32_t look; /* site of a read that the later side may depend on, where that lies in what was called */
    Stack look_stack; /* owned; 0 without one */
    PyObject *item; /* owned: the key that they are all about; NULL when there are several, or it cannot be told */
    uint64_t key;
    uint8_t told; /* bits: RACE_ */
    bool one_loop;
    uint64_t worker; /* an actor that could have had one of them; 0 while that is in doubt */
    uint32_t doubt; /* its number as a doubt */
    Epoch done; /* when the one actor did the earlier one, newest */
    PyObject *keys; /* owned: keys of items that can be told, of several the first two; NULL for none */
    uint64_t last_key; /* of those */
    uint64_t count;
    struct Race *next; /* in order of appearance */
    struct Race *alike; /* of the same hash */
} Race;

#define LINKS 512 /* races with a look that are kept, as in raceway/detector/races.py */

static Table table;
static Race *first_race, *last_race;
static uint64_t noted;
static uint32_t linked;
static uint32_t doubted, doubtful, doubt_changes;

static int
weight(uint32_t earlier, uint32_t later, int told)
{
    return (contexts[earlier].region >= 0) + (contexts[later].region >= 0) + ((told & RACE_OBSERVED) != 0);
}

static void
name_side(uint32_t id)
{
    const Context *context = &contexts[id];
    Actor *actor = actor_find(context->actor);
    if (actor != NULL) {
        actor->named = true;
    }
    task_name(context->actor);
    for (uint32_t place = 0; place < lockset_length(context->locks); place++) {
        sync_name(lockset_at(context->locks, place));
    }
    for (uint32_t place = 0; place < lockset_length(context->head_locks); place++) {
        sync_name(lockset_at(context->head_locks, place));
    }
}

static bool
is_alike(const Race *race, uint32_t earlier, uint32_t later, uint32_t variable, bool items, bool one_loop,
         bool one_worker, const Look *look)
{
    const Context *a = &contexts[race->earlier], *b = &contexts[race->later];
    const Context *c = &contexts[earlier], *d = &contexts[later];
    return a->site == c->site && b->site == d->site && a->operation == c->operation &&
           b->operation == d->operation && race->variable == variable && race->items == items &&
           race->one_loop == one_loop && ((race->told & RACE_ONE_WORKER) != 0) == one_worker &&
           (!one_worker || b->actor == d->actor) &&
           race->look_stack == (look == NULL ? 0 : look->stack) &&
           (look == NULL || (race->look == look->site && b->stack == d->stack));
}

/* A key that can be told; the texts are made by raceway/model/races.py. */
static PyObject *
plain_key(PyObject *key)
{
    return key == NULL ? NULL : key_shown(key);
}

/* The race, which is in doubt, was seen at this location. */
static void
note_place(Race *race, const Location *location)
{
    uint32_t object = location->object == NULL ? 0 : object_serial(location->object);
    if (race->other == 0 && object != race->object) {
        race->other = object;
        doubt_changes++;
    }
    if (location->kind != AT_ITEM || (race->keys != NULL && PyTuple_GET_SIZE(race->keys) > 1)) {
        return;
    }
    PyObject *key = plain_key(location->name), *known = race->keys;
    if (key != NULL && known == NULL) {
        race->keys = PyTuple_Pack(1, key);
        doubt_changes++;
    }
    else if (key != NULL && race->last_key != location->key) {
        race->keys = PyTuple_Pack(2, PyTuple_GET_ITEM(known, 0), key);
        doubt_changes++;
        Py_DECREF(known);
    }
    Py_XDECREF(key);
    race->last_key = location->key;
    if (PyErr_Occurred()) {
        PyErr_Clear();
    }
}

static void
add(uint32_t earlier, uint32_t later, int told, bool one_loop, const Location *location, const Look *look)
{
    bool one_worker = (told & RACE_ONE_WORKER) != 0;
    Epoch done = {contexts[earlier].slot, contexts[earlier].number};
    noted++;
    uint32_t variable = variable_of(location);
    uint64_t hash = mix(((uint64_t)contexts[earlier].site << 32 | contexts[later].site) ^ ((uint64_t)variable << 16));
    Race *known = table_get(&table, hash);
    Race *race = known;
    while (race != NULL && !is_alike(race, earlier, later, variable, location->items, one_loop, one_worker, look)) {
        race = race->alike;
    }
    context_hold(earlier);
    context_hold(later);
    name_side(earlier);
    name_side(later);
    if (race != NULL) {
        if (weight(earlier, later, told) > weight(race->earlier, race->later, race->told)) {
            uint32_t old = race->earlier;
            race->earlier = earlier;
            earlier = old;
            old = race->later;
            race->later = later;
            later = old;
        }
        race->told |= (uint8_t)told;
        race->count++;
        if (race->key != location->key) {
            Py_CLEAR(race->item);
        }
        if (unlikely(one_worker) && race->worker == 0) {
            race->done = done;
            note_place(race, location);
        }
        context_drop(earlier);
        context_drop(later);
        return;
    }
    linked += look != NULL;
    if (look != NULL && linked > LINKS) {
        context_drop(earlier);
        context_drop(later);
        return;
    }
    race = calloc(1, sizeof(Race));
    if (race == NULL) {
        failures++;
        return;
    }
    *race = (Race){.earlier = earlier, .later = later, .variable = variable, .kind = location->kind,
                   .items = location->items, .told = (uint8_t)told, .one_loop = one_loop, .count = 1,
                   .key = location->key, .item = location->items ? plain_key(location->name) : NULL,
                   .object = location->object == NULL ? 0 : object_serial(location->object)};
    if (look != NULL) {
        race->look = look->site;
        race->look_stack = look->stack;
        stack_hold(look->stack);
    }
    if (known != NULL) {
        race->alike = known->alike;
        known->alike = race;
    }
    else if (!table_put(&table, hash, race)) {
        stack_drop(race->look_stack);
        Py_XDECREF(race->item);
        free(race);
        return;
    }
    if (unlikely(one_worker)) {
        race->done = done;
        race->doubt = ++doubted;
        doubtful++;
        doubt_changes++;
        note_place(race, location);
    }
    if (last_race != NULL) {
        last_race->next = race;
    }
    else {
        first_race = race;
    }
    last_race = race;
    if (!one_worker) {
        notice_race();
    }
}

/* Note a race; of several alike the one that tells most about its regions is kept. */
void
race_add(uint32_t earlier, uint32_t later, int told, bool one_loop, const Location *location)
{
    add(earlier, later, told, one_loop, location, NULL);
}

/* Note that a task has written what it has read before another one wrote it, each in what it had called. Whether the
   write depends on the read is still to be asked. */
void
race_add_linked(uint32_t earlier, uint32_t later, const Look *look, const Location *location)
{
    add(earlier, later, RACE_OBSERVED, true, location, look);
}

/* 0 when nothing is in doubt; else what counts what became known of doubts. */
uint32_t
races_in_doubt(void)
{
    return doubtful == 0 ? 0 : doubt_changes;
}

/* (number, objects, kind, keys, codes of both sides) */
static PyObject *
doubt_row(const Race *race)
{
    PyObject *codes = PyList_New(0), *row = NULL;
    uint32_t sides[] = {race->earlier, race->later};
    for (int at = 0; codes != NULL && at < 2; at++) {
        PyObject *stack = stack_tuple(contexts[sides[at]].stack);
        if (stack != NULL && PyTuple_GET_SIZE(stack) != 0 &&
            PyList_Append(codes, PyTuple_GET_ITEM(PyTuple_GET_ITEM(stack, 0), 0)) < 0) {
            Py_CLEAR(codes);
        }
        Py_XDECREF(stack);
    }
    PyObject *keys = race->keys == NULL ? PyTuple_New(0) : Py_NewRef(race->keys);
    if (codes != NULL && keys != NULL) {
        PyObject *objects = race->other == 0 ? Py_BuildValue("(I)", race->object)
                                             : Py_BuildValue("(II)", race->object, race->other);
        row = objects == NULL ? NULL : Py_BuildValue("(INiOO)", race->doubt, objects, (int)race->kind, keys, codes);
    }
    Py_XDECREF(codes);
    Py_XDECREF(keys);
    return row;
}

/* What is still to be judged of this actor, in the order in which it was seen. */
PyObject *
doubts_dump(uint64_t actor)
{
    PyObject *found = PyList_New(0);
    for (const Race *race = doubtful == 0 ? NULL : first_race; found != NULL && race != NULL; race = race->next) {
        bool is_its = (race->told & RACE_ONE_WORKER) != 0 && race->worker == 0 && contexts[race->later].actor == actor;
        PyObject *row = is_its ? doubt_row(race) : NULL;
        if (row != NULL && PyList_Append(found, row) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(row);
        if (PyErr_Occurred()) {
            Py_CLEAR(found);
        }
    }
    return found;
}

/* This actor could have had one of the two jobs, unless it knew of the first one when it began, or now, if it is who
   calls. */
void
doubt_judge(uint64_t number, uint64_t worker)
{
    Actor *actor = actor_find(worker);
    for (Race *race = first_race; race != NULL && actor != NULL; race = race->next) {
        if ((race->told & RACE_ONE_WORKER) != 0 && race->doubt == number && race->worker == 0) {
            const Clock *known = actor == current_thread()->actor ? &actor->clock : &actor->inherited;
            if (contexts[race->later].actor != worker && clock_get(known, race->done.slot) >= race->done.number) {
                continue;
            }
            actor->named = true;
            race->worker = worker;
            doubtful--;
            notice_race();
        }
    }
}

/* How many races were noted, those alike each time. */
uint64_t
races_noted(void)
{
    return noted;
}

PyObject *
locks_tuple(Lockset locks)
{
    PyObject *found = PyTuple_New(lockset_length(locks));
    for (uint32_t place = 0; found != NULL && place < lockset_length(locks); place++) {
        PyObject *sync = PyLong_FromUnsignedLongLong(lockset_at(locks, place));
        if (sync == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyTuple_SET_ITEM(found, place, sync);
    }
    return found;
}

/* (actor, operation, commute, site, stack, locks, region, head site, head offset, head locks) */
static PyObject *
side_tuple(uint32_t id)
{
    const Context *context = &contexts[id];
    uint32_t head = context->region >= 0 ? sites[context->site].regions[context->region].head : 0;
    PyObject *stack = stack_tuple(context->stack);
    PyObject *locks = locks_tuple(context->locks);
    PyObject *head_locks = locks_tuple(context->head_locks);
    if (stack == NULL || locks == NULL || head_locks == NULL) {
        Py_XDECREF(stack);
        Py_XDECREF(locks);
        Py_XDECREF(head_locks);
        return NULL;
    }
    return Py_BuildValue("(KiiINNiIiN)", (unsigned long long)context->actor, (int)context->operation,
                         (int)context->commute, (unsigned int)context->site, stack, locks, (int)context->region,
                         (unsigned int)head, context->head_offset, head_locks);
}

static PyObject *
look_tuple(const Race *race)
{
    if (race->look_stack == 0) {
        return PyTuple_New(0);
    }
    PyObject *stack = stack_tuple(race->look_stack);
    return stack == NULL ? NULL : Py_BuildValue("(IN)", (unsigned int)race->look, stack);
}

/* [(earlier, later, variable, object, kind, bits of what is told, count, one loop, () or (key,), () or (site, stack) of a
   look, another worker or 0)], in the order in which they were first seen, without those in doubt. */
PyObject *
races_dump(void)
{
    PyObject *found = PyList_New(0);
    for (const Race *race = first_race; found != NULL && race != NULL; race = race->next) {
        if ((race->told & RACE_ONE_WORKER) != 0 && race->worker == 0) {
            continue;
        }
        PyObject *earlier = side_tuple(race->earlier);
        PyObject *later = side_tuple(race->later);
        PyObject *text = variable_text(race->variable, race->items);
        PyObject *item = race->item == NULL ? PyTuple_New(0) : PyTuple_Pack(1, race->item);
        PyObject *look = look_tuple(race), *row = NULL;
        if (earlier != NULL && later != NULL && text != NULL && item != NULL && look != NULL) {
            row = Py_BuildValue("(OOOIiiKOOOK)", earlier, later, text, (unsigned int)race->object, (int)race->kind,
                                (int)race->told, (unsigned long long)race->count,
                                race->one_loop ? Py_True : Py_False, item, look, (unsigned long long)race->worker);
        }
        Py_XDECREF(item);
        Py_XDECREF(look);
        Py_XDECREF(earlier);
        Py_XDECREF(later);
        Py_XDECREF(text);
        if (row == NULL || PyList_Append(found, row) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(row);
    }
    return found;
}

void
races_reset(void)
{
    while (first_race != NULL) {
        Race *race = first_race;
        first_race = race->next;
        context_drop(race->earlier);
        context_drop(race->later);
        stack_drop(race->look_stack);
        Py_XDECREF(race->item);
        Py_XDECREF(race->keys);
        free(race);
    }
    last_race = NULL;
    noted = 0;
    linked = doubted = doubtful = doubt_changes = 0;
    table_free(&table);
}
