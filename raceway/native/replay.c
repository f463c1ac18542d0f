/* Traces from a test or a file: records that name objects by serial, fed to the same rules as the taps. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

typedef struct Place {
    Cell cell;
    uint64_t object;
    uint64_t key;
    int kind;
    struct Place *next;
} Place;

static Place *places;
static Table commons; /* objects that hand-overs through containers do not order accesses of */

static Cell *
place_of(uint64_t object, int kind, uint64_t key)
{
    for (Place *place = places; place != NULL; place = place->next) {
        if (place->object == object && place->kind == kind && place->key == key) {
            return &place->cell;
        }
    }
    Place *made = calloc(1, sizeof(Place));
    if (made == NULL) {
        return NULL;
    }
    *made = (Place){.object = object, .key = key, .kind = kind, .next = places};
    places = made;
    return &made->cell;
}

static void
retire(uint64_t object)
{
    Place **link = &places;
    table_pop(&commons, object);
    while (*link != NULL) {
        Place *place = *link;
        if (place->object == object) {
            *link = place->next;
            cell_clear(&place->cell);
            free(place);
        }
        else {
            link = &place->next;
        }
    }
}

void
replay_reset(void)
{
    while (places != NULL) {
        retire(places->object);
    }
    table_free(&commons);
}

/* ("access", actor, operation, object, kind, key, whole, site, variable, commute, activation, task) */
static bool
feed_access(PyObject *record)
{
    const char *verb, *variable;
    unsigned long long actor, object, activation, task;
    int operation, kind, whole, commute;
    unsigned int site;
    PyObject *key;
    if (!PyArg_ParseTuple(record, "sKiKiOpIsiKK", &verb, &actor, &operation, &object, &kind, &key, &whole, &site,
                          &variable, &commute, &activation, &task)) {
        return false;
    }
    uint64_t number = KEY_WHOLE;
    if (!whole && !key_of(key, &number, 0)) {
        PyErr_SetString(PyExc_TypeError, "a key of a trace is a scalar");
        return false;
    }
    size_t length = strlen(variable);
    bool items = length > 5 && strcmp(variable + length - 5, "[...]") == 0;
    Location location = {
        .target = (const void *)(uintptr_t)(object + 1),
        .activation = (const void *)(uintptr_t)activation,
        .name = items && !whole ? key : NULL,
        .key = number,
        .kind = (uint8_t)kind,
        .items = items,
        .common = table_get(&commons, object) != NULL,
        .variable = variable_intern(PyUnicode_FromStringAndSize(variable, (Py_ssize_t)(length - (items ? 5 : 0)))),
    };
    Cell *cell = place_of(object, kind, number);
    Thread *thread = thread_for(actor);
    if (cell == NULL || thread == NULL || site >= sites_count) {
        PyErr_SetString(PyExc_ValueError, "the record cannot be fed");
        return false;
    }
    task_resume(thread, task);
    record_at(thread, NULL, site, cell, &location, operation, commute);
    return true;
}

/* ("take", actor, object, kind, key, whole, owner) */
static bool
feed_take(PyObject *record)
{
    const char *verb;
    unsigned long long actor, object, owner;
    int kind, whole;
    PyObject *key;
    uint64_t number = KEY_WHOLE;
    if (!PyArg_ParseTuple(record, "sKKiOpK", &verb, &actor, &object, &kind, &key, &whole, &owner)) {
        return false;
    }
    if (!whole && !key_of(key, &number, 0)) {
        PyErr_SetString(PyExc_TypeError, "a key of a trace is a scalar");
        return false;
    }
    Cell *cell = place_of(object, kind, number);
    Thread *thread = thread_for(actor);
    if (cell == NULL || thread == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (cell_taken(thread, cell) == TAKEN_HANDED) {
        table_put(&commons, owner, &commons);
    }
    return true;
}

/* ("suspend", actor, task, sites of the walks that are not over) */
static bool
feed_suspend(PyObject *record)
{
    const char *verb;
    unsigned long long actor, task;
    PyObject *sites;
    if (!PyArg_ParseTuple(record, "sKKO!", &verb, &actor, &task, &PyList_Type, &sites)) {
        return false;
    }
    Thread *thread = thread_for(actor);
    if (thread == NULL) {
        PyErr_NoMemory();
        return false;
    }
    task_resume(thread, 0);
    task_suspend(task, sites);
    return true;
}

/* (verb, actor, other, merge, held, task, yields) of the edges, where `merge` of a lock tells whether its taker would have
   waited, and `yields` whether others of its loop run meanwhile;
   (verb, actor, task, is it a greenlet, -, by whom) of what happens to tasks. */
static bool
feed_edge(PyObject *record, const char *verb)
{
    unsigned long long actor = 0, other = 0, task = 0;
    int merge = 0, held = 0, yields = 0;
    const char *unused;
    if (!PyArg_ParseTuple(record, "s|KKppKp", &unused, &actor, &other, &merge, &held, &task, &yields)) {
        return false;
    }
    if (strcmp(verb, "retire") == 0) {
        retire(actor);
        sync_retire(actor);
        return true;
    }
    Thread *thread = thread_for(actor);
    if (thread == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (strcmp(verb, "spawn") == 0) {
        task_spawn_as(other, NULL, task, merge ? TASK_GREEN : TASK_OF_LOOP);
        return true;
    }
    if (strcmp(verb, "done") == 0) {
        task_resume(thread, 0);
        task_done(other);
        return true;
    }
    if (strcmp(verb, "give") == 0) {
        actor_gave(thread);
        return true;
    }
    if (strcmp(verb, "wake") == 0 || strcmp(verb, "acquire") == 0 || strcmp(verb, "release") == 0) {
        task_resume(thread, task); /* other edges are the thread's, whichever of its tasks runs */
    }
    if (strcmp(verb, "wake") == 0) {
        task_wake(thread, other);
    }
    else if (strcmp(verb, "acquire") == 0) {
        held ? sync_lock_taken_as(thread, other, NULL, merge, yields) : sync_acquire(thread, other);
    }
    else if (strcmp(verb, "release") == 0) {
        held ? sync_lock_freed(thread, other) : sync_release(thread, other, merge);
    }
    else if (strcmp(verb, "job") == 0) {
        jobs_takes(thread, other);
    }
    else if (strcmp(verb, "fork") == 0) {
        actor_fork_as(thread, NULL, other);
    }
    else if (strcmp(verb, "join") == 0) {
        actor_join(thread, other);
    }
    else {
        thread_end(thread);
    }
    return true;
}

/* feed(record): apply one record of a trace. */
PyObject *
replay_feed(PyObject *module, PyObject *record)
{
    (void)module;
    if (!PyTuple_Check(record) || PyTuple_GET_SIZE(record) == 0) {
        PyErr_SetString(PyExc_TypeError, "a record is a tuple");
        return NULL;
    }
    const char *verb = PyUnicode_AsUTF8(PyTuple_GET_ITEM(record, 0));
    if (verb == NULL) {
        return NULL;
    }
    core_lock();
    alone = false;
    bool done = strcmp(verb, "access") == 0    ? feed_access(record)
                : strcmp(verb, "take") == 0    ? feed_take(record)
                : strcmp(verb, "suspend") == 0 ? feed_suspend(record)
                                               : feed_edge(record, verb);
    core_unlock();
    if (!done) {
        return NULL;
    }
    Py_RETURN_NONE;
}
