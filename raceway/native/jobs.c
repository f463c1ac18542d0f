/* Jobs that one worker takes from a queue: the twin of raceway/detector/jobs.py, and of PureJobs in
   raceway/runtime/recorder.py. */
#include "shadow.h"

#define JOBS 64 /* as in raceway/detector/jobs.py */
#define ASKED 16

static PyObject *judging_taken, *judging_ended; /* owned */

/* The actor takes its next job from this queue; false where that is not told apart from what it did before. */
bool
jobs_takes(Thread *thread, uint64_t queue)
{
    Jobs *jobs = &thread->actor->jobs;
    if (jobs->count == 0) {
        jobs->queue = queue;
    }
    if (thread->hidden || queue != jobs->queue || jobs->count > JOBS) {
        return false;
    }
    jobs->count++;
    actor_gave(thread);
    Number number = clock_get(&thread->actor->clock, thread->actor->slot);
    jobs->first = jobs->first != 0 ? jobs->first : number;
    jobs->began = jobs->count <= JOBS ? number : jobs->first;
    jobs->aware = 0;
    thread->apart = jobs->began > jobs->first;
    return true;
}

/* Whether the thread takes jobs that are counted, or may begin to. */
bool
jobs_may_ask(const Thread *thread)
{
    return thread->task == NULL && thread->jobs <= JOBS + 1;
}

/* The same for the calling thread, unless it works for a task. True as long as there may be something to judge. */
bool
jobs_take(Thread *thread, uint64_t queue)
{
    if (!jobs_may_ask(thread)) {
        return false;
    }
    if (thread->jobs <= JOBS) {
        jobs_takes(thread, queue);
    }
    thread->jobs++;
    return races_in_doubt() != 0 && thread->jobs <= JOBS + 1;
}

static bool
is_due(uint32_t taken, bool changed, uint32_t asked)
{
    return taken <= 8 || ((taken - 1) & (taken - 2)) == 0 || (changed && asked < ASKED);
}

/* Whether what is in doubt is to be judged now. */
bool
jobs_ask(Thread *thread)
{
    uint32_t now = races_in_doubt();
    bool changed = now != thread->doubtful;
    if (now == 0 || thread->jobs == 0 || !jobs_may_ask(thread) || thread->actor->held != 0 ||
        !is_due(thread->jobs, changed, thread->asked)) {
        return false;
    }
    thread->asked += changed;
    thread->doubtful = now;
    return true;
}

/* Have it judged, if it is to be: the calling thread has taken an item of a queue, or has done the job of this future.
   It holds nothing. False with an exception that is not for us. */
bool
jobs_judge(PyObject *future)
{
    PyObject *called = future == NULL ? judging_taken : judging_ended;
    if (called == NULL || run_here() == 0) {
        return true;
    }
    core_lock();
    bool due = tell_asking();
    core_unlock();
    if (!due) {
        return true;
    }
    Py_INCREF(called);
    Py_XDECREF(future == NULL ? PyObject_CallNoArgs(called) : PyObject_CallOneArg(called, future));
    Py_DECREF(called);
    return settled();
}

/* jobs_judging(taken, ended): have these called then, of raceway/sync/workers.py. None: no longer. */
PyObject *
jobs_judging(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *taken, *ended;
    if (!PyArg_ParseTuple(args, "OO", &taken, &ended)) {
        return NULL;
    }
    Py_XSETREF(judging_taken, taken == Py_None ? NULL : Py_NewRef(taken));
    Py_XSETREF(judging_ended, ended == Py_None ? NULL : Py_NewRef(ended));
    Py_RETURN_NONE;
}

/* Whether another worker could have done at the same time what the actor did with this context. */
static bool
is_of_other_job(const Actor *actor, const Context *context)
{
    const Jobs *jobs = &actor->jobs;
    return context->slot == actor->slot && context->number >= jobs->first && context->number < jobs->began &&
           context->number > jobs->aware;
}

/* What the actor did at the location in earlier jobs, of which another worker could have had one. */
void
check_jobs(const Access *access, const Cell *cell, const Expansion *expansion)
{
    const Actor *actor = access->thread->actor;
    for (int reads = 0; reads <= op_mutates(access->wanted.operation); reads++) {
        Entry only = {.context = expansion != NULL ? 0 : reads ? cell->r : cell->w};
        const Entries *list = expansion == NULL ? NULL : reads ? &expansion->reads : &expansion->writes;
        const Entry *entries = list == NULL ? &only : entries_of(list);
        for (uint8_t at = 0; at < (list == NULL ? only.context != 0 : list->count); at++) {
            const Context *other = &contexts[entries[at].context];
            if (is_of_other_job(actor, other) && contexts_conflict(other, &access->wanted, access->location->kind) &&
                !hold_one_lock(other->locks, actor->held)) {
                race_add(entries[at].context, access->id, RACE_ONE_WORKER, false, access->location);
            }
        }
    }
}

static PyObject *
take(PyObject *self, PyObject *queue)
{
    (void)self;
    uint64_t serial;
    if (!serial_of(queue, &serial)) {
        return NULL;
    }
    if (!core_enter(0)) {
        Py_RETURN_FALSE;
    }
    bool asks = jobs_take(current_thread(), serial);
    core_unlock();
    return PyBool_FromLong(asks);
}

static PyObject *
asks(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (!core_enter(0)) {
        Py_RETURN_FALSE;
    }
    bool due = jobs_ask(current_thread());
    core_unlock();
    return PyBool_FromLong(due);
}

static PyObject *
doubts(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (!core_enter(0)) {
        return PyList_New(0);
    }
    PyObject *found = doubts_dump(current_thread()->actor->serial);
    core_unlock();
    return found;
}

/* doubts_of(actor): the same of any actor, after a trace. */
PyObject *
native_doubts_of(PyObject *module, PyObject *actor)
{
    uint64_t serial;
    (void)module;
    if (!serial_of(actor, &serial)) {
        return NULL;
    }
    core_lock();
    PyObject *found = doubts_dump(serial);
    core_unlock();
    return found;
}

static PyObject *
judge(PyObject *self, PyObject *args)
{
    (void)self;
    unsigned long long number, worker;
    if (!PyArg_ParseTuple(args, "KK", &number, &worker)) {
        return NULL;
    }
    ENTER_OR_NONE
    doubt_judge(number, worker);
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
serial_of_object(PyObject *self, PyObject *target)
{
    (void)self;
    if (!core_enter(0)) {
        return PyLong_FromLong(0);
    }
    const Object *object = object_find(target);
    uint32_t serial = object == NULL ? 0 : object->serial;
    core_unlock();
    return PyLong_FromUnsignedLong(serial);
}

static PyMethodDef jobs_methods[] = {
    {"take", take, METH_O, "The current actor is about to take its next job from this queue."},
    {"asks", asks, METH_NOARGS, "Whether the doubts are to be judged now."},
    {"doubts", doubts, METH_NOARGS, "Rows of the races between two jobs of one actor that are to be judged."},
    {"judge", judge, METH_VARARGS, "In the doubt of this number, that actor could have had one of the two jobs."},
    {"serial_of", serial_of_object, METH_O, "The serial of an object as doubts have it, 0 when nothing is known of it."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Jobs_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Jobs",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = jobs_methods,
    .tp_doc = "The verbs of jobs, for any thread.",
};
