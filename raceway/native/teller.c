/* Tells others of a run while it goes on: the twin of raceway/detector/teller.py, which has the rule. Rows wait in a
   buffer until they are asked for; what finds no room is counted.

   A location that is not expanded has no place to remember what was told of it. A table of the last ones does: where
   that forgot, an access is told late once more, which tells nothing wrong. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOLD_LIMIT (1u << 16)
#define CALLS_LIMIT (TOLD_LIMIT / 2)
#define MEMORY (1u << 14)

typedef struct {
    int64_t time;
    uint64_t actor;
    uint64_t number;
    uint64_t other; /* of an access: serial of the object */
    uint64_t task; /* or callback that the actor works for, 0 for none */
    PyObject *text; /* owned; of an edge */
    PyObject *file; /* owned; of an edge */
    uint64_t key;
    uint32_t site;
    uint32_t variable;
    uint32_t sequence;
    uint32_t since;
    uint32_t head;
    Lockset locks; /* owned */
    Stack stack; /* owned; of an access, if that is wanted */
    Value value; /* owned; of an access: what was written, or what an augmented assignment found */
    Value name; /* owned; of an item with a value: its key, when that is a text */
    Call *call; /* owned; of a function that is entered or left, else NULL */
    int32_t line;
    int8_t region;
    uint8_t verb; /* 0: an access */
    uint8_t operation;
    uint8_t commute;
    uint8_t kind;
    bool items;
    bool late;
} Told;

typedef struct {
    const Cell *cell;
    Number write_number, read_number;
    uint32_t write, read;
} Remembered;

bool telling;
static bool wanted, wants_full, full, sees_values, placed;
static Told *rows, *spare; /* owned */
static uint32_t count;
static uint64_t dropped;
static Remembered *memory; /* owned */

void
teller_want(bool all)
{
    wanted = true;
    wants_full = all;
}

/* At the start of a run: tell of it if that was asked for. */
bool
teller_start(void)
{
    if (!wanted) {
        return true;
    }
    wanted = false;
    rows = calloc(TOLD_LIMIT, sizeof(Told));
    spare = calloc(TOLD_LIMIT, sizeof(Told));
    memory = calloc(MEMORY, sizeof(Remembered));
    if (rows == NULL || spare == NULL || memory == NULL) {
        PyErr_NoMemory();
        return false;
    }
    full = wants_full;
    telling = true;
    alone = !full;
    return true;
}

bool
teller_is_full(void)
{
    return telling && full;
}

bool
teller_is_placed(void)
{
    return telling && placed;
}

bool
teller_sees_values(void)
{
    return sees_values;
}

static void
let_go(void)
{
    for (uint32_t place = 0; rows != NULL && place < count; place++) {
        Py_XDECREF(rows[place].text);
        Py_XDECREF(rows[place].file);
        lockset_drop(rows[place].locks);
        stack_drop(rows[place].stack);
        value_drop(&rows[place].value);
        value_drop(&rows[place].name);
        if (rows[place].call != NULL) {
            call_drop(rows[place].call);
        }
    }
    count = 0;
}

void
teller_reset(void)
{
    telling = full = false;
    let_go();
    calls_reset();
    free(rows);
    free(spare);
    free(memory);
    rows = spare = NULL;
    memory = NULL;
    dropped = 0;
}

/* In a forked child: what waits is the parent's to tell, and what it was about to make values of it has. */
void
teller_after_fork(void)
{
    let_go();
    calls_reset();
    spare = NULL;
    dropped = 0;
}

static Told *
new_row(void)
{
    if (count == TOLD_LIMIT) {
        dropped++;
        return NULL;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    Told *row = &rows[count++];
    *row = (Told){.time = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, .region = -1};
    return row;
}

/* An edge that the actor draws in its present epoch; text and file are borrowed, NULL without. */
SLOW void
teller_edge(int verb, const Actor *actor, uint64_t other, PyObject *text, PyObject *file, int line)
{
    Told *row = new_row();
    if (row == NULL) {
        return;
    }
    row->verb = (uint8_t)verb;
    row->other = other;
    row->text = Py_XNewRef(text);
    row->file = Py_XNewRef(file);
    row->line = line;
    if (actor != NULL) {
        row->actor = actor->serial;
        row->number = clock_get(&actor->clock, actor->slot);
        row->task = own_thread != NULL && own_thread->actor == actor && own_thread->task != NULL
                        ? own_thread->task->serial
                        : 0;
    }
}

/* The actor took a lock at `frame`, NULL in a replayed trace. */
SLOW void
teller_taken(const Actor *actor, uint64_t sync, Frame *frame)
{
    PyCodeObject *code = placed && frame != NULL ? frame_code(frame) : NULL;
    teller_edge(TELL_TAKEN, actor, sync, NULL, code == NULL ? NULL : code->co_filename,
                code == NULL ? 0 : PyCode_Addr2Line(code, frame_offset(frame)));
}

/* A task of an event loop was made by `parent`, has a name or is over. */
SLOW void
teller_task(int verb, uint64_t parent, uint64_t task, PyObject *name)
{
    Told *row = new_row();
    if (row != NULL) {
        row->verb = (uint8_t)verb;
        row->task = parent;
        row->other = task;
        row->text = Py_XNewRef(name);
    }
}

/* Whether functions may be told as entered: what races are made of goes first. */
bool
teller_has_room_for_calls(void)
{
    dropped += count >= CALLS_LIMIT;
    return count < CALLS_LIMIT;
}

/* A function that the thread has entered or is leaving. */
void
teller_call(const Thread *thread, uint32_t site, Call *call)
{
    Told *row = new_row();
    if (row == NULL) {
        call_drop(call);
        return;
    }
    row->actor = thread->actor->serial;
    row->number = clock_get(&thread->actor->clock, thread->actor->slot);
    row->task = thread->task != NULL ? thread->task->serial : 0;
    row->site = site;
    row->call = call;
}

/* An access with this context; the value that it is about and the key of its item are NULL where they were not seen. Of
   a late one nothing is known of its head but what the context has. */
SLOW void
teller_access(uint32_t id, const Location *location, const Head *head, uint32_t at, bool late, PyObject *value,
              PyObject *key)
{
    const Context *context = &contexts[id];
    uint64_t actor = context->of_task ? actor_in_slot(context->slot) : context->actor;
    Told *row = actor == 0 ? NULL : new_row();
    if (row == NULL) {
        return;
    }
    row->actor = actor;
    row->number = context->number;
    row->task = context->of_task ? context->actor : 0;
    row->other = location->object == NULL ? (uintptr_t)location->target : object_serial(location->object);
    row->key = location->key;
    row->kind = location->kind;
    row->items = location->items;
    row->site = context->site;
    row->variable = variable_of(location);
    row->operation = context->operation;
    row->commute = context->commute;
    row->sequence = at;
    row->locks = context->locks;
    lockset_hold(row->locks);
    row->stack = placed ? context->stack : 0;
    stack_hold(row->stack);
    row->late = late;
    row->value = value_of(value);
    row->name = value_of(key != NULL && PyUnicode_CheckExact(key) ? key : NULL);
    row->region = context->region;
    if (context->region >= 0) {
        row->head = head != NULL ? head->site : sites[context->site].regions[context->region].head;
        row->since = head != NULL ? head->sequence : at;
    }
}

static Remembered *
remembered(const Cell *cell)
{
    Remembered *place = &memory[mix((uintptr_t)cell) % MEMORY];
    if (place->cell != cell) {
        *place = (Remembered){.cell = cell};
    }
    return place;
}

static bool
was_told(uint32_t id, uint32_t known, Number number)
{
    return id == 0 || (id == known && contexts[id].number == number);
}

/* What another actor left in a location that is not expanded, unless it was told. */
void
teller_kept(const Cell *cell, const Location *location, uint32_t slot)
{
    Remembered *known = remembered(cell);
    if (!was_told(cell->w, known->write, known->write_number) && contexts[cell->w].slot != slot) {
        teller_access(cell->w, location, NULL, 0, true, NULL, NULL);
    }
    if (!was_told(cell->r, known->read, known->read_number) && contexts[cell->r].slot != slot) {
        teller_access(cell->r, location, NULL, 0, true, NULL, NULL);
    }
}

/* All that is in the location now was told. */
void
teller_remember(const Cell *cell)
{
    *remembered(cell) = (Remembered){.cell = cell,
                                     .write = cell->w,
                                     .write_number = contexts[cell->w].number,
                                     .read = cell->r,
                                     .read_number = contexts[cell->r].number};
}

static PyObject *
locks_of(Lockset locks)
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

/* A value of a class of raceway.model.struct, which is a tuple; steals the items, NULL among them is an error. */
static PyObject *
value(PyTypeObject *type, PyObject **items, Py_ssize_t length)
{
    PyObject *made = type->tp_alloc(type, length);
    bool whole = made != NULL;
    for (Py_ssize_t place = 0; place < length; place++) {
        whole = whole && items[place] != NULL;
        if (made != NULL) {
            PyTuple_SET_ITEM(made, place, items[place]);
        }
        else {
            Py_XDECREF(items[place]);
        }
    }
    if (!whole) {
        Py_CLEAR(made);
    }
    else {
        PyObject_GC_UnTrack(made); /* numbers and texts: nothing that a collector could find a cycle in */
    }
    return made;
}

static PyObject *
edge_value(PyTypeObject *type, Told *row)
{
    PyObject *empty = PyUnicode_FromString("");
    PyObject *items[] = {
        PyLong_FromLong(row->verb),
        PyLong_FromLongLong(row->time),
        PyLong_FromUnsignedLongLong(row->actor),
        PyLong_FromUnsignedLongLong(row->number),
        PyLong_FromUnsignedLongLong(row->other),
        row->text != NULL ? row->text : Py_XNewRef(empty),
        row->file != NULL ? row->file : Py_XNewRef(empty),
        PyLong_FromLong(row->line),
        PyLong_FromUnsignedLongLong(row->task),
    };
    row->text = row->file = NULL;
    Py_XDECREF(empty);
    return value(type, items, 9);
}

static PyObject *
access_value(PyTypeObject *type, Told *row)
{
    core_lock();
    PyObject *variable = variable_text(row->variable, row->items);
    PyObject *locks = locks_of(row->locks);
    PyObject *stack = row->stack != 0 ? stack_tuple(row->stack) : PyTuple_New(0);
    lockset_drop(row->locks);
    stack_drop(row->stack);
    core_unlock();
    PyObject *items[] = {
        PyLong_FromLongLong(row->time),
        PyLong_FromUnsignedLongLong(row->actor),
        PyLong_FromUnsignedLongLong(row->number),
        PyLong_FromUnsignedLong(row->site),
        PyLong_FromLong(row->operation),
        PyLong_FromLong(row->commute),
        PyLong_FromUnsignedLongLong(row->other),
        PyLong_FromLong(row->kind - 1),
        PyLong_FromUnsignedLongLong(row->key),
        variable,
        PyLong_FromUnsignedLong(row->sequence),
        locks,
        PyLong_FromLong(row->region),
        PyLong_FromUnsignedLong(row->head),
        PyLong_FromUnsignedLong(row->since),
        PyBool_FromLong(row->late),
        value_take(&row->value),
        value_take(&row->name),
        PyLong_FromUnsignedLongLong(row->task),
        stack,
    };
    return value(type, items, 20);
}

static PyObject *
call_value(PyTypeObject *type, Told *row)
{
    Call *call = row->call;
    row->call = NULL;
    core_lock();
    PyObject *stack = stack_tuple(call->stack);
    core_unlock();
    PyObject *items[] = {
        PyLong_FromLongLong(row->time),
        PyLong_FromUnsignedLongLong(row->actor),
        PyLong_FromUnsignedLongLong(row->number),
        PyLong_FromUnsignedLong(row->site),
        PyLong_FromUnsignedLongLong(row->task),
        PyLong_FromLongLong(call->duration),
        call_arguments(call),
        call->error.kind == VALUE_UNSEEN ? PyUnicode_FromString("") : value_take(&call->error),
        value_take(&call->message),
        stack,
    };
    core_lock();
    call_drop(call);
    core_unlock();
    return value(type, items, 10);
}

static PyTypeObject *
tuple_class(PyObject *type)
{
    return PyType_Check(type) && PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type) ? (PyTypeObject *)type : NULL;
}

/* told(class of edges, class of accesses, class of calls): values for all that waits. By one thread at a time. */
PyObject *
native_told(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *edges, *accesses, *calls;
    if (!PyArg_ParseTuple(args, "OOO", &edges, &accesses, &calls)) {
        return NULL;
    }
    PyTypeObject *edge = tuple_class(edges), *access = tuple_class(accesses), *call = tuple_class(calls);
    if (edge == NULL || access == NULL || call == NULL) {
        PyErr_SetString(PyExc_TypeError, "told(class of edges, class of accesses, class of calls)");
        return NULL;
    }
    core_lock(); /* what is told from here on goes to the other buffer: making values may run code of the program */
    if (rows != NULL && spare == NULL) {
        spare = calloc(TOLD_LIMIT, sizeof(Told));
    }
    if (spare == NULL) {
        core_unlock();
        return PyList_New(0);
    }
    uint32_t length = count;
    Told *taken = rows;
    rows = spare;
    spare = NULL;
    count = 0;
    core_unlock();
    PyObject *found = PyList_New(0);
    for (uint32_t place = 0; place < length; place++) {
        Told *row = &taken[place];
        PyObject *made = row->call != NULL   ? call_value(call, row)
                         : row->verb != 0 ? edge_value(edge, row)
                                          : access_value(access, row);
        if (made == NULL || found == NULL || PyList_Append(found, made) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(made);
    }
    core_lock();
    if (rows != NULL && spare == NULL) {
        spare = taken;
        taken = NULL;
    }
    core_unlock();
    free(taken);
    return found;
}

PyObject *
native_untold(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    return PyLong_FromUnsignedLongLong(dropped);
}

/* tell(all, sees values, with places): in the next run. */
PyObject *
native_tell(PyObject *module, PyObject *args)
{
    (void)module;
    int all, values, places;
    if (!PyArg_ParseTuple(args, "ppp", &all, &values, &places)) {
        return NULL;
    }
    teller_want(all);
    sees_values = values;
    placed = places;
    Py_RETURN_NONE;
}
