/* The dependencies between locks, gathered for the search for cycles in raceway/detector/lockorder.py, which has the
   model: this is the twin of `LockOrders`. Reached only when an actor takes a lock while it holds another. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 8 /* times kept of one dependency: half of them the first ones, the others the last */
#define OF_A_TASK 2 /* times of one task at most that are kept of one dependency, if it has marks */
#define MARKS (1 << 12) /* marks there are */
#define DEPENDENCIES (1 << 14)

typedef struct {
    uint64_t actor;
    uint32_t version;
    uint32_t slot;
    Number number;
    Clock clock; /* owned */
    int mark; /* -1: none */
    Marks known; /* those before */
} Time;

/* One place that took one lock under one set of locks. */
typedef struct Dependency {
    Lockset held; /* owned */
    uint64_t taken;
    PyCodeObject *code; /* borrowed from `stack` */
    const void *instruction;
    Stack stack; /* owned */
    uint64_t count;
    Time times[KEPT];
    int time_count;
    struct Dependency *alike; /* of the same hash */
    struct Dependency *next; /* in order of appearance */
} Dependency;

static Table table;
static Dependency *first, *last;
static uint32_t dependency_count;
static uint64_t noted;
static int mark_count;

/* Add all that are in `others`. */
void
marks_join(Marks *marks, const Marks *others)
{
    if (marks->count < others->count) {
        uint64_t *grown = realloc(marks->words, others->count * sizeof(uint64_t));
        if (grown == NULL) {
            failures++;
            return;
        }
        memset(grown + marks->count, 0, (others->count - marks->count) * sizeof(uint64_t));
        *marks = (Marks){grown, others->count};
    }
    for (uint32_t place = 0; place < others->count; place++) {
        marks->words[place] |= others->words[place];
    }
}

void
marks_clear(Marks *marks)
{
    free(marks->words);
    *marks = (Marks){0};
}

/* A mark for what the task does now, -1 if there are no more; those that come before are added to `known`. */
static int
mark_of(Task *task, Marks *known)
{
    if (mark_count == MARKS) {
        failures++;
        return -1;
    }
    marks_join(known, &task->marks);
    marks_join(known, &task->ended);
    int mark = mark_count++;
    uint64_t words[MARKS / 64] = {0};
    words[mark / 64] = UINT64_C(1) << (mark % 64);
    marks_join(&task->marks, &(Marks){words, (uint32_t)mark / 64 + 1});
    return mark;
}

/* Whether one more time of the task is to be kept. */
static bool
has_room(const Dependency *known, const Task *task)
{
    int of_task = 0;
    for (int place = 0; place < known->time_count; place++) {
        of_task += known->times[place].actor == task->serial;
    }
    return known->time_count < KEPT && of_task < OF_A_TASK;
}

static Dependency *
find(uint64_t hash, Lockset held, uint64_t taken, PyCodeObject *code, const void *instruction)
{
    Dependency *known = table_get(&table, hash);
    while (known != NULL && !(known->held == held && known->taken == taken && known->code == code &&
                              known->instruction == instruction)) {
        known = known->alike;
    }
    return known;
}

static Dependency *
add(uint64_t hash, Lockset held, uint64_t taken, Thread *thread, Frame *frame, PyCodeObject *code)
{
    Dependency *made = dependency_count < DEPENDENCIES ? calloc(1, sizeof(Dependency)) : NULL;
    if (made == NULL) {
        failures++;
        return NULL;
    }
    made->held = held;
    made->taken = taken;
    made->code = code;
    made->instruction = frame == NULL ? NULL : frame_instruction(frame);
    Dependency *known = table_get(&table, hash);
    if (known != NULL) {
        made->alike = known->alike;
        known->alike = made;
    }
    else if (!table_put(&table, hash, made)) {
        failures++;
        free(made);
        return NULL;
    }
    lockset_hold(held);
    made->stack = frame == NULL ? 0 : stack_whole(thread, frame);
    sync_name(taken);
    for (uint32_t place = 0; place < lockset_length(held); place++) {
        sync_name(lockset_at(held, place));
    }
    *(last == NULL ? &first : &last->next) = made;
    last = made;
    dependency_count++;
    return made;
}

/* The actor of the thread took a lock at `frame` while it held others; `yields`: others of its loop run while it waits. */
void
lockorder_note(Thread *thread, Frame *frame, uint64_t taken, bool yields)
{
    Actor *actor = thread->actor;
    Task *task = yields ? thread->task : NULL;
    uint32_t version = actor->version + (task == NULL ? 0 : task->version);
    PyCodeObject *code = frame == NULL ? NULL : frame_code(frame);
    const void *instruction = frame == NULL ? NULL : frame_instruction(frame);
    uint64_t hash = mix(((uint64_t)actor->held << 40) ^ mix(taken) ^ (uintptr_t)instruction);
    Dependency *known = find(hash, actor->held, taken, code, instruction);
    if (known == NULL && (known = add(hash, actor->held, taken, thread, frame, code)) == NULL) {
        return;
    }
    known->count++;
    Time *times = known->times;
    int count = known->time_count;
    if (count != 0 && times[count - 1].actor == whose(thread) && times[count - 1].version == version) {
        return;
    }
    if (task != NULL && !has_room(known, task)) {
        return;
    }
    if (count == KEPT) {
        clock_free(&times[KEPT / 2].clock);
        marks_clear(&times[KEPT / 2].known);
        memmove(&times[KEPT / 2], &times[KEPT / 2 + 1], (KEPT / 2 - 1) * sizeof(Time));
        count--;
    }
    times[count] = (Time){.actor = whose(thread), .version = version, .slot = actor->slot, .mark = -1,
                          .number = clock_get(&actor->clock, actor->slot)};
    if (task != NULL) {
        times[count].mark = mark_of(task, &times[count].known);
    }
    clock_copy(&times[count].clock, &actor->firm);
    noted++;
    known->time_count = count + 1;
    actor->named = true;
    task_name(whose(thread));
}

static PyObject *
clock_tuple(const Clock *clock)
{
    static const Clock nothing;
    uint32_t count = clock_changes(clock, &nothing, NULL);
    Epoch *epochs = malloc((count + 1) * sizeof(Epoch));
    if (epochs == NULL) {
        return PyErr_NoMemory();
    }
    clock_changes(clock, &nothing, epochs);
    PyObject *pairs = PyTuple_New(count);
    for (uint32_t place = 0; pairs != NULL && place < count; place++) {
        PyObject *pair = Py_BuildValue("(IK)", (unsigned int)epochs[place].slot, (unsigned long long)epochs[place].number);
        if (pair == NULL) {
            Py_CLEAR(pairs);
        }
        else {
            PyTuple_SET_ITEM(pairs, place, pair);
        }
    }
    free(epochs);
    return pairs;
}

static PyObject *
marks_number(const Marks *marks)
{
    return _PyLong_FromByteArray((const unsigned char *)marks->words, marks->count * sizeof(uint64_t), PY_LITTLE_ENDIAN, 0);
}

/* [(actor, held, taken, stack, slot, number, clock, count, mark, known)], as raceway/model/locks.py has it. */
PyObject *
lockorder_dump(void)
{
    PyObject *found = PyList_New(0);
    for (const Dependency *one = first; found != NULL && one != NULL; one = one->next) {
        for (int place = 0; found != NULL && place < one->time_count; place++) {
            const Time *time = &one->times[place];
            PyObject *row = Py_BuildValue("(KNKNIKNKiN)", (unsigned long long)time->actor, locks_tuple(one->held),
                                          (unsigned long long)one->taken, stack_tuple(one->stack),
                                          (unsigned int)time->slot, (unsigned long long)time->number,
                                          clock_tuple(&time->clock), (unsigned long long)one->count, time->mark,
                                          marks_number(&time->known));
            if (row == NULL || PyList_Append(found, row) < 0) {
                Py_CLEAR(found);
            }
            Py_XDECREF(row);
        }
    }
    return found;
}

/* How many times were noted, those alike each time. */
uint64_t
lockorder_noted(void)
{
    return noted;
}

void
lockorder_reset(void)
{
    while (first != NULL) {
        Dependency *one = first;
        first = one->next;
        for (int place = 0; place < one->time_count; place++) {
            clock_free(&one->times[place].clock);
            marks_clear(&one->times[place].known);
        }
        lockset_drop(one->held);
        stack_drop(one->stack);
        free(one);
    }
    last = NULL;
    dependency_count = 0;
    noted = 0;
    mark_count = 0;
    table_free(&table);
}
