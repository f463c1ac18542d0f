/* The tasks that event loops run in turn, greenlets, and what one relies on over a suspension: the twin of
   raceway/detector/tasks.py, which has the rules. Their thread is the actor of all of them. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define ENDED_LIMIT 4096 /* tasks that are over and may still be named, or be the origin of what is going on */

static Table tasks;
static uint64_t ended[ENDED_LIMIT + 1]; /* a ring */
static uint32_t ended_first, ended_count;
static uint64_t seen;

Task *
task_find(uint64_t serial)
{
    return serial == 0 ? NULL : table_get(&tasks, serial);
}

/* Some walks go on, of several at one site the last ones: those at the sites in the list. The others are over. */
static void
end_walks(Task *task, PyObject *sites)
{
    Py_ssize_t count = sites == NULL ? 0 : PyList_GET_SIZE(sites);
    bool met[TASK_WALKS] = {false};
    uint32_t kept[TASK_WALKS];
    uint8_t left = TASK_WALKS;
    while (task->walks_count != 0) {
        uint32_t id = task->walks[--task->walks_count];
        Py_ssize_t place = 0;
        while (place < count && (met[place] || PyLong_AsUnsignedLong(PyList_GET_ITEM(sites, place)) != contexts[id].site)) {
            place++;
        }
        contexts[id].walks = place < count;
        if (place < count) {
            met[place] = true;
            contexts[id].paused = true;
            kept[--left] = id;
        }
        else {
            context_drop(id);
        }
    }
    task->walks_count = TASK_WALKS - left;
    memcpy(task->walks, kept + left, task->walks_count * sizeof(uint32_t));
}

/* A walk that goes on over suspensions was begun. */
void
task_begin_walk(Task *task, uint32_t context)
{
    if (task->walks_count == TASK_WALKS) {
        contexts[task->walks[0]].walks = false;
        context_drop(task->walks[0]);
        memmove(task->walks, task->walks + 1, --task->walks_count * sizeof(uint32_t));
    }
    context_hold(context);
    task->walks[task->walks_count++] = context;
}

/* [(site, code, offset, again)] of the walks that the task is at or has begun since it went on, `again`: it has been
   suspended in it before; NULL with an exception. */
PyObject *
task_walks(const Task *task)
{
    PyObject *found = PyList_New(0);
    for (uint8_t place = 0; found != NULL && place < task->walks_count; place++) {
        const Context *walk = &contexts[task->walks[place]];
        PyObject *stack = stack_tuple(walk->stack);
        PyObject *frame = stack != NULL && PyTuple_GET_SIZE(stack) != 0 ? PyTuple_GET_ITEM(stack, 0) : NULL;
        PyObject *row = frame == NULL ? NULL
                                      : Py_BuildValue("(IOOO)", (unsigned int)walk->site, PyTuple_GET_ITEM(frame, 0),
                                                      PyTuple_GET_ITEM(frame, 1),
                                                      task->turn > walk->turn ? Py_True : Py_False);
        if ((row == NULL && PyErr_Occurred()) || (row != NULL && PyList_Append(found, row) < 0)) {
            Py_CLEAR(found);
        }
        Py_XDECREF(row);
        Py_XDECREF(stack);
    }
    return found;
}

static void
forget_looks(Task *task)
{
    for (int place = 0; task->looks != NULL && place < TASK_LOOKS; place++) {
        stack_drop(task->looks[place].stack);
    }
    free(task->looks);
    task->looks = NULL;
}

static void
forget_own(Task *task)
{
    for (uint8_t place = 0; place < task->own_count; place++) {
        stack_drop(task->own[place].stack);
    }
    free(task->own);
    task->own = NULL;
    task->own_count = 0;
}

static void
task_free(Task *task)
{
    forget_own(task);
    end_walks(task, NULL);
    for (uint8_t place = 0; place < task->heads_count; place++) {
        lockset_drop(task->heads[place].locks);
    }
    free(task->heads);
    forget_looks(task);
    lockset_drop(task->held);
    marks_clear(&task->marks);
    marks_clear(&task->ended);
    Py_XDECREF(task->name);
    free(task);
}

/* A task was made, at the place `born` in the run, 0 for here. */
static void
spawn(uint64_t serial, PyObject *name, uint64_t parent, int sort, uint32_t born)
{
    Task *task = calloc(1, sizeof(Task));
    sequence++;
    if (task == NULL || !table_put(&tasks, serial, task)) {
        free(task);
        failures++;
        return;
    }
    *task = (Task){.serial = serial, .parent = parent, .born = born != 0 ? born : sequence,
                   .passing = sort == TASK_PASSING, .green = sort == TASK_GREEN, .name = Py_XNewRef(name)};
    task_follow(task, parent, task->born);
    seen += !task->passing;
    Task *maker = task_find(parent);
    if (maker != NULL) {
        marks_join(&task->marks, &maker->marks);
        maker->version++;
    }
    if (unlikely(telling) && !task->passing) {
        teller_task(TELL_SPAWN, parent, serial, name);
    }
}

void
task_spawn_as(uint64_t serial, PyObject *name, uint64_t parent, int sort)
{
    spawn(serial, name, parent, sort, 0);
}

/* A new task, a callback that the loop runs once, or a greenlet; made at the place `born` in the run, 0 for here. */
uint64_t
task_spawn(PyObject *name, uint64_t parent, int sort, uint32_t born)
{
    uint64_t serial = new_serial();
    spawn(serial, name, parent, sort, born);
    return serial;
}

/* The thread works for this task from here on, for none if it is 0; the one before. What it records from here on is
   another side of an access, so nothing that it did before tells it. */
uint64_t
task_resume(Thread *thread, uint64_t serial)
{
    Task *before = thread->task, *task = task_find(serial);
    Actor *actor = thread->actor;
    if (task == before) {
        return before == NULL ? 0 : before->serial;
    }
    if (before == NULL) {
        thread->outer = actor->held;
    }
    else {
        before->held = actor->held;
    }
    if (task == NULL) {
        actor->held = thread->outer;
        thread->outer = 0;
    }
    else {
        actor->held = task->held;
        task->held = 0;
    }
    thread->task = task;
    thread->step = ++sequence;
    thread->tasked |= task != NULL;
    thread_new_epoch(thread);
    return before == NULL ? 0 : before->serial;
}

/* The task lets others run; `sites` (a list of numbers, NULL for none) are those of the walks that are not over. */
void
task_suspend(uint64_t serial, PyObject *sites)
{
    Task *task = task_find(serial);
    if (task != NULL) {
        end_walks(task, sites);
        task->turn++;
    }
}

/* Whether `by` is the callback that ends a sleep of the task. */
static bool
has_slept(const Task *task, const Task *by)
{
    return by != NULL && by->parent == task->serial && by->name != NULL && PyUnicode_Check(by->name) &&
           PyUnicode_CompareWithASCIIString(by->name, "callback _set_result_unless_cancelled") == 0;
}

/* The task goes on after what `by` has done; and, unless it has only slept, after all of the tasks that it has made which
   is over, as who awaits what is over is not suspended. */
static void
order(Task *by, Task *task)
{
    bool slept = has_slept(task, by);
    task->version++;
    if (by != NULL) {
        by->version++;
        marks_join(&task->marks, &by->marks);
    }
    if (!slept) {
        marks_join(&task->marks, &task->ended);
        marks_clear(&task->ended);
    }
}

/* What the thread's task has just done is why this one will go on. */
void
task_wake(Thread *thread, uint64_t serial)
{
    Task *task = task_find(serial);
    if (task != NULL) {
        task->wakers[task->wakers_next] = (Waker){thread->task == NULL ? 0 : thread->task->serial, ++sequence,
                                                    thread->step};
        task->wakers_next = (uint8_t)((task->wakers_next + 1) % WAKERS);
        task_follow(task, thread->task == NULL ? 0 : thread->task->serial, sequence);
        order(thread->task, task);
    }
}

static void
forget_oldest(void)
{
    Task *oldest = task_find(ended[ended_first]);
    ended_first = (ended_first + 1) % (ENDED_LIMIT + 1);
    ended_count--;
    if (oldest != NULL && !oldest->named) {
        table_pop(&tasks, oldest->serial);
        task_free(oldest);
    }
}

void
task_done(uint64_t serial)
{
    Task *task = task_find(serial);
    if (task == NULL || task->done) {
        return;
    }
    task->done = true;
    Task *maker = task->passing ? NULL : task_find(task->parent);
    if (maker != NULL) {
        marks_join(&maker->ended, &task->marks);
        marks_join(&maker->ended, &task->ended);
    }
    end_walks(task, NULL);
    if (unlikely(telling) && !task->passing) {
        teller_task(TELL_DONE, 0, serial, NULL);
    }
    for (uint8_t place = 0; place < task->heads_count; place++) {
        lockset_drop(task->heads[place].locks);
    }
    free(task->heads);
    task->heads = NULL;
    task->heads_count = 0;
    forget_looks(task);
    forget_own(task);
    lockset_drop(task->held);
    task->held = 0;
    ended[(ended_first + ended_count) % (ENDED_LIMIT + 1)] = serial;
    if (++ended_count > ENDED_LIMIT) {
        forget_oldest();
    }
}

bool
task_rename(uint64_t serial, PyObject *name)
{
    Task *task = task_find(serial);
    if (task == NULL) {
        return false;
    }
    PyObject *old = task->name;
    task->name = Py_NewRef(name);
    if (unlikely(telling)) {
        teller_task(TELL_RENAME, 0, serial, name);
    }
    Py_XDECREF(old);
    return true;
}

/* A finding will name it. */
void
task_name(uint64_t serial)
{
    Task *task = task_find(serial);
    if (task != NULL) {
        task->named = true;
    }
}

/* A lock that some suspended task holds is freed by somebody else; false if none does. */
bool
task_drop_lock(uint64_t sync)
{
    for (size_t place = 0; tasks.entries != NULL && place <= tasks.mask; place++) {
        Task *task = tasks.entries[place].value;
        if (task != NULL && lockset_has(task->held, sync)) {
            Lockset held = lockset_without(task->held, sync);
            lockset_drop(task->held);
            task->held = held;
            return true;
        }
    }
    return false;
}

static bool
same_place(const Head *head, const Head *other)
{
    return head->site == other->site && head->frame == other->frame && head->object == other->object &&
           head->key == other->key;
}

/* Remember a read that a write after a suspension may depend on; a copy of `head` is kept. */
void
task_note_head(Task *task, const Head *head)
{
    if (task->heads == NULL && (task->heads = calloc(TASK_HEADS, sizeof(Head))) == NULL) {
        failures++;
        return;
    }
    uint8_t place = 0;
    while (place < task->heads_count && !same_place(&task->heads[place], head)) {
        place++;
    }
    if (place == TASK_HEADS) {
        place = task->heads_next;
        task->heads_next = (uint8_t)((place + 1) % TASK_HEADS);
    }
    else if (place == task->heads_count) {
        task->heads_count++;
    }
    lockset_hold(head->locks);
    lockset_drop(task->heads[place].locks);
    task->heads[place] = *head;
    task->heads[place].turn = task->turn;
}

const Head *
task_find_head(const Task *task, const Head *wanted)
{
    for (uint8_t place = 0; place < task->heads_count; place++) {
        if (same_place(&task->heads[place], wanted)) {
            return &task->heads[place];
        }
    }
    return NULL;
}

/* What the task has read there is out of date. */
void
task_forget_look(Task *task, const void *target, uint64_t key)
{
    Look *look = (Look *)task_look_at(task, target, key);
    if (look != NULL) {
        stack_drop(look->stack);
        *look = (Look){0};
    }
}

/* The task has read a location: what it read there before is out of date. What a function answers is asked for by the
   coroutine that has called it, what a coroutine asks for by itself or by who has. */
void
task_look(Thread *thread, Frame *frame, uint32_t site, const void *target, uint64_t key)
{
    Task *task = thread->task;
    task_forget_look(task, target, key);
    if (!sites[site].answers || frame == NULL) {
        return;
    }
    PyCodeObject *code = frame_code(frame);
    Frame *outer = (code->co_flags & CO_COROUTINE) != 0 ? frame : frame_outer(frame);
    if (outer == NULL || (frame_code(outer)->co_flags & CO_COROUTINE) == 0) {
        return;
    }
    if (task->looks == NULL && (task->looks = calloc(TASK_LOOKS, sizeof(Look))) == NULL) {
        failures++;
        return;
    }
    Object *object = object_find(target);
    Stack stack = stack_push(context_callers(thread, frame, site), code, frame_offset(frame));
    Look *near = task_looks_near(task, target, key), *look = near;
    for (int place = 1; place < LOOKS_NEAR && look->object != 0; place++) {
        look = near[place].object == 0 || near[place].sequence < look->sequence ? &near[place] : look;
    }
    stack_drop(look->stack);
    *look = (Look){.object = (uintptr_t)target, .serial = object == NULL ? 0 : object_serial(object), .site = site,
                   .key = key, .stack = stack, .sequence = sequence, .turn = task->turn, .step = thread->step};
}

static void
drop_own(Task *task, uint8_t place)
{
    stack_drop(task->own[place].stack);
    memmove(&task->own[place], &task->own[place + 1], (size_t)(--task->own_count - place) * sizeof(Look));
}

/* The task has stored something at a location, of its own if the site says so. */
void
task_store(Thread *thread, Frame *frame, uint32_t site, const void *target, uint64_t key)
{
    Task *task = thread->task;
    for (uint8_t place = 0; place < task->own_count; place++) {
        if (task->own[place].object == (uintptr_t)target && task->own[place].key == key) {
            drop_own(task, place);
            break;
        }
    }
    if (!sites[site].opens || frame == NULL) {
        return;
    }
    if (task->own == NULL && (task->own = calloc(TASK_OWN, sizeof(Look))) == NULL) {
        failures++;
        return;
    }
    if (task->own_count == TASK_OWN) {
        drop_own(task, 0);
    }
    Object *object = object_find(target);
    Stack stack = stack_push(context_callers(thread, frame, site), frame_code(frame), frame_offset(frame));
    task->own[task->own_count++] = (Look){.object = (uintptr_t)target,
                                          .serial = object == NULL ? 0 : object_serial(object), .site = site, .key = key,
                                          .stack = stack, .sequence = ++sequence, .step = thread->step};
}

/* What this task has stored there of its own, NULL without. */
const Look *
task_own_at(const Task *task, const void *target, uint64_t key)
{
    for (uint8_t place = 0; place < task->own_count; place++) {
        const Look *own = &task->own[place];
        if (own->object == (uintptr_t)target && own->key == key) {
            return own;
        }
    }
    return NULL;
}

/* Whether `task` started the other one after that place in the run, or started who did. */
bool
task_asked(uint64_t by, const Task *task, uint32_t since)
{
    for (const Task *child = task_find(by); child != NULL; child = task_find(child->parent)) {
        if (child->parent == task->serial) {
            return child->born > since;
        }
    }
    return false;
}

/* Whether the other one has woken `task` after that place in the run or, where that is not known (0), in that step or
   later; callbacks act for who had them called. */
bool
task_was_told(uint64_t by, const Task *task, uint32_t since, uint32_t since_step)
{
    for (int place = 0; place < WAKERS; place++) {
        const Waker *waker = &task->wakers[place];
        bool later = since != 0 ? waker->sequence > since : waker->step >= since_step;
        uint64_t origin = later ? waker->by : 0;
        while (origin != 0) {
            if (origin == by) {
                return true;
            }
            const Task *known = task_find(origin);
            origin = known != NULL && known->passing ? known->parent : 0;
        }
    }
    return false;
}

/* Add {serial: (kind, name)} of all tasks that are known; kind is a place in raceway.model.kinds.ActorKind. */
bool
tasks_dump(PyObject *found)
{
    for (size_t place = 0; tasks.entries != NULL && place <= tasks.mask; place++) {
        const Task *task = tasks.entries[place].value;
        if (task == NULL || task->name == NULL) {
            continue;
        }
        PyObject *serial = PyLong_FromUnsignedLongLong(task->serial);
        PyObject *row = Py_BuildValue("(iO)", task->passing ? 2 : task->green ? 4 : 1, task->name);
        bool done = serial != NULL && row != NULL && PyDict_SetItem(found, serial, row) == 0;
        Py_XDECREF(serial);
        Py_XDECREF(row);
        if (!done) {
            return false;
        }
    }
    return true;
}

uint64_t
tasks_seen(void)
{
    return seen;
}

/* Let go of everything; threads were told before. */
void
tasks_reset(void)
{
    for (size_t place = 0; tasks.entries != NULL && place <= tasks.mask; place++) {
        if (tasks.entries[place].value != NULL) {
            task_free(tasks.entries[place].value);
        }
    }
    table_free(&tasks);
    walkers_reset();
    ended_first = ended_count = 0;
    seen = 0;
}
