/* The channel beside a queue: the twin of `Channel` in raceway/sync/queues.py, which says what it models and why.
   All of it is used under the queue's mutex only. */
#include "core.h"

#include <stdlib.h>

#define LIMIT 4096 /* so many waiting items have syncs of their own at most */

typedef struct {
    uint64_t *syncs; /* owned, a ring */
    size_t first, count, capacity; /* capacity: a power of two */
} Ring;

enum { ORDER_SECRET, ORDER_FIFO, ORDER_LIFO };

typedef struct {
    PyObject_HEAD
    PyObject *owner; /* owned, a weak reference to the queue */
    PyObject *mutex; /* owned */
    uint64_t run;
    uint64_t everything;
    Ring items; /* beside the items waiting */
    Ring rooms; /* places that a get made and no put used yet */
    Ring spare;
    long long free; /* places that were there from the beginning */
    PyTypeObject *known; /* borrowed with `version`: the class whose order is known */
    uint32_t version;
    int order;
    bool plain; /* of that class: what a queue has under its names stands in the queue itself */
} Channel;

static PyObject *deque_type;
static PyObject *text_maxsize, *text_queue, *text_put, *text_get, *text_channel, *text_kind;

bool
queues_ready(void)
{
    text_maxsize = PyUnicode_InternFromString("maxsize");
    text_queue = PyUnicode_InternFromString("queue");
    text_put = PyUnicode_InternFromString("_put");
    text_get = PyUnicode_InternFromString("_get");
    text_channel = PyUnicode_InternFromString("_raceway_channel");
    text_kind = text_queue;
    PyObject *module = PyImport_ImportModule("_collections");
    deque_type = module == NULL ? NULL : PyObject_GetAttrString(module, "deque");
    Py_XDECREF(module);
    return deque_type != NULL && text_maxsize != NULL && text_queue != NULL && text_put != NULL && text_get != NULL &&
           text_channel != NULL && PyType_Ready(&Channel_Type) == 0;
}

static bool
ring_push(Ring *ring, uint64_t sync)
{
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity ? ring->capacity * 2 : 16;
        uint64_t *grown = malloc(capacity * sizeof *grown);
        if (grown == NULL) {
            failures++;
            return false;
        }
        for (size_t place = 0; place < ring->count; place++) {
            grown[place] = ring->syncs[(ring->first + place) & (ring->capacity - 1)];
        }
        free(ring->syncs);
        *ring = (Ring){grown, 0, ring->count, capacity};
    }
    ring->syncs[(ring->first + ring->count++) & (ring->capacity - 1)] = sync;
    return true;
}

static uint64_t
ring_first(Ring *ring)
{
    uint64_t sync = ring->syncs[ring->first];
    ring->first = (ring->first + 1) & (ring->capacity - 1);
    ring->count--;
    return sync;
}

static uint64_t
ring_last(Ring *ring)
{
    return ring->syncs[(ring->first + --ring->count) & (ring->capacity - 1)];
}

/* Let go of its syncs, as long as they are known to the run. */
static void
ring_retire(Ring *ring, bool current)
{
    while (ring->count != 0) {
        uint64_t sync = ring_last(ring);
        if (current) {
            sync_retire(sync);
        }
    }
}

static uint64_t
released(Channel *channel)
{
    uint64_t sync = channel->spare.count != 0 ? ring_last(&channel->spare) : tell_new(text_kind, NULL, 0);
    tell_release(sync, false);
    return sync;
}

static void
acquired(Channel *channel, uint64_t sync)
{
    tell_acquire(sync);
    ring_push(&channel->spare, sync);
}

/* Begin anew: a queue of an earlier run, of which no place is known to be free. */
static void
renew(Channel *channel)
{
    ring_retire(&channel->items, false);
    ring_retire(&channel->rooms, false);
    ring_retire(&channel->spare, false);
    channel->free = 0;
    channel->run = recording;
    channel->everything = tell_new(text_kind, NULL, 0);
}

/* Whether `type` has the hooks of the class `name` of the module `queue`. */
static bool
has_hooks_of(PyObject *put, PyObject *get, PyObject *module, const char *name)
{
    PyObject *cls = PyObject_GetAttrString(module, name);
    PyObject *known_put = cls == NULL ? NULL : PyObject_GetAttr(cls, text_put);
    PyObject *known_get = cls == NULL ? NULL : PyObject_GetAttr(cls, text_get);
    bool same = known_put != NULL && known_get != NULL && put == known_put && get == known_get;
    Py_XDECREF(known_put);
    Py_XDECREF(known_get);
    Py_XDECREF(cls);
    return same;
}

static int
order_of_class(PyTypeObject *type)
{
    PyObject *module = PyImport_ImportModule("queue");
    PyObject *put = PyObject_GetAttr((PyObject *)type, text_put);
    PyObject *get = PyObject_GetAttr((PyObject *)type, text_get);
    int order = ORDER_SECRET;
    if (module != NULL && put != NULL && get != NULL) {
        order = has_hooks_of(put, get, module, "Queue") ? ORDER_FIFO
                : has_hooks_of(put, get, module, "LifoQueue") ? ORDER_LIFO
                                                               : ORDER_SECRET;
    }
    Py_XDECREF(put);
    Py_XDECREF(get);
    Py_XDECREF(module);
    PyErr_Clear();
    return order;
}

/* A new reference to what the queue has under the name; NULL, without an exception, where it has nothing. */
static PyObject *
own_value(const Channel *channel, PyObject *owner, PyObject *name)
{
    PyObject *value = channel->plain ? instance_value(owner, name) : NULL;
    if (value != NULL) {
        return Py_NewRef(value);
    }
    value = PyObject_GetAttr(owner, name);
    if (value == NULL) {
        PyErr_Clear();
    }
    return value;
}

/* In which order the items of `owner` leave, and how many there are. */
static int
order_of(Channel *channel, PyObject *owner, size_t *length)
{
    PyTypeObject *type = Py_TYPE(owner);
    if (channel->known != type || channel->version != type_version(type) || channel->version == 0) {
        channel->order = order_of_class(type);
        channel->known = type;
        channel->version = type_version(type);
        channel->plain = !type_find(type, text_queue, NULL, NULL) && !type_find(type, text_maxsize, NULL, NULL);
    }
    PyObject *items = channel->order == ORDER_SECRET ? NULL : own_value(channel, owner, text_queue);
    int order = ORDER_SECRET;
    if (items != NULL) {
        if (channel->order == ORDER_LIFO ? PyList_CheckExact(items) : (PyObject *)Py_TYPE(items) == deque_type) {
            order = channel->order;
            *length = (size_t)Py_SIZE(items);
        }
        Py_DECREF(items);
    }
    return order;
}

static bool
is_bounded(const Channel *channel, PyObject *owner)
{
    PyObject *maxsize = own_value(channel, owner, text_maxsize);
    long size = maxsize == NULL || !PyLong_Check(maxsize) ? 0 : PyLong_AsLong(maxsize);
    if (size == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        size = 1; /* more than fits */
    }
    Py_XDECREF(maxsize);
    return size > 0;
}

/* An item was just put in. */
static void
channel_put(Channel *channel, PyObject *owner)
{
    size_t length = 0;
    int order = order_of(channel, owner, &length);
    bool bounded = is_bounded(channel, owner);
    core_lock();
    if (bounded) {
        if (channel->free > 0) {
            channel->free--;
        }
        else if (channel->rooms.count != 0) {
            acquired(channel, ring_first(&channel->rooms));
        }
        else { /* made by hand, or `maxsize` was raised */
            tell_acquire(channel->everything);
        }
    }
    tell_release(channel->everything, true);
    if (order != ORDER_SECRET && length == channel->items.count + 1 && length <= LIMIT) {
        ring_push(&channel->items, released(channel));
    }
    core_unlock();
}

/* An item was just taken out. */
static void
channel_get(Channel *channel, PyObject *owner)
{
    size_t length = 0;
    int order = order_of(channel, owner, &length);
    bool bounded = is_bounded(channel, owner);
    core_lock();
    bool asks = tell_job(channel->everything);
    if (order != ORDER_SECRET && channel->items.count != 0 && length == channel->items.count - 1) {
        acquired(channel, order == ORDER_FIFO ? ring_first(&channel->items) : ring_last(&channel->items));
    }
    else {
        ring_retire(&channel->items, true);
        tell_acquire(channel->everything);
    }
    if (bounded) {
        ring_push(&channel->rooms, released(channel));
    }
    if (unlikely(asks) && lock_extra(channel->mutex) != NULL) {
        lock_extra(channel->mutex)->lock |= LOCK_ASKS;
    }
    core_unlock();
}

static void
tell(Channel *channel, bool puts)
{
    PyObject *owner = PyObject_CallNoArgs(channel->owner);
    if (owner != NULL && owner != Py_None) {
        if (channel->run != run_here()) {
            core_lock();
            renew(channel);
            core_unlock();
        }
        if (puts) {
            channel_put(channel, owner);
        }
        else {
            channel_get(channel, owner);
        }
    }
    Py_XDECREF(owner);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        failures++;
    }
}

/* Channel(owner, mutex, free, loud): of a queue that was just made. */
static PyObject *
channel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *owner, *mutex;
    long long places;
    int loud;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OOLp", &owner, &mutex, &places, &loud)) {
        return NULL;
    }
    Channel *channel = (Channel *)type->tp_alloc(type, 0);
    if (channel == NULL) {
        return NULL;
    }
    channel->owner = Py_NewRef(owner);
    channel->mutex = Py_NewRef(mutex);
    channel->free = places;
    if (run_here() != 0) {
        core_lock();
        channel->run = recording;
        channel->everything = tell_new(text_kind, NULL, 0);
        Extra *extra = lock_extra(mutex);
        if (extra != NULL && extra->lock & LOCK_MUTEX) {
            extra->channel = channel->everything;
            extra->lock |= loud ? LOCK_LOUD : 0;
        }
        core_unlock();
    }
    return (PyObject *)channel;
}

static void
channel_dealloc(Channel *channel)
{
    /* At the interpreter's end, when no run goes on, a daemon thread may have been stopped as it got the lock. */
    bool current = channel->run != 0 && core_enter(channel->run);
    ring_retire(&channel->items, current);
    ring_retire(&channel->rooms, current);
    ring_retire(&channel->spare, current);
    if (current) {
        sync_retire(channel->everything);
        core_unlock();
    }
    free(channel->items.syncs);
    free(channel->rooms.syncs);
    free(channel->spare.syncs);
    Py_XDECREF(channel->owner);
    Py_XDECREF(channel->mutex);
    Py_TYPE(channel)->tp_free((PyObject *)channel);
}

PyTypeObject Channel_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Channel",
    .tp_basicsize = sizeof(Channel),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = channel_new,
    .tp_dealloc = (destructor)channel_dealloc,
    .tp_doc = "The edges through one queue.",
};

/* A condition of a queue was notified: the caller holds the mutex. */
static void
notified(PyObject *condition, bool puts)
{
    PyObject *channel = PyObject_GetAttr(condition, text_channel);
    if (channel == NULL) {
        PyErr_Clear();
    }
    else if (Py_IS_TYPE(channel, &Channel_Type)) {
        tell((Channel *)channel, puts);
    }
    Py_XDECREF(channel);
}

bool
queue_put(PyObject *not_empty)
{
    notified(not_empty, true);
    return true;
}

bool
queue_got(PyObject *not_full)
{
    notified(not_full, false);
    return true;
}
