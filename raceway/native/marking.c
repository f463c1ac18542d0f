/* Marks of tracking calls: the twin of `mark` in raceway/client/context.py and of `current_flow` in raceway/client/flows.py,
   which say what they mean. Here the common case is done; tasks of trio and new flows are left to Python. */
#include "core.h"

#include <time.h>

static struct {
    PyObject *mark, *variable, *forked, *flows; /* owned, as all here; `flows` is the namespace of the module */
    PyObject *current_flow, *kept, *modules, *no_loop;
} with;

static struct {
    PyObject *harvest, *token, *asyncio, *trio, *running_loop, *current_task;
} names;

/* A slot of a class, read and written where it is. */
typedef struct {
    PyObject *name;
    PyTypeObject *type; /* borrowed: the slot lives as long as the class; NULL: the slot is asked for by its name */
    Py_ssize_t offset;
} Place;

static Place actor_of, last_of; /* of contexts */
static Place flow_of, children_of, count_of, learned_of; /* of actors */

static PyObject *one;

static bool
intern(PyObject **name, const char *text)
{
    return *name != NULL || (*name = PyUnicode_InternFromString(text)) != NULL;
}

static bool
ready(void)
{
    return intern(&names.harvest, "harvest") && intern(&names.token, "token") && intern(&names.asyncio, "asyncio") &&
           intern(&names.trio, "trio.lowlevel") && intern(&names.running_loop, "_running_loop") &&
           intern(&names.current_task, "_current_task") && (one != NULL || (one = PyLong_FromLong(1)) != NULL);
}

/* Without a GIL a read needs more care than there is time for here: the interpreter takes it. */
static bool
find_place(Place *at, PyObject *class, const char *name)
{
    PyObject *slot = intern(&at->name, name) ? PyObject_GetAttr(class, at->name) : NULL;
    if (slot == NULL) {
        return false;
    }
    at->type = NULL;
    if (!RW_FREE_THREADED && Py_IS_TYPE(slot, &PyMemberDescr_Type)) {
        PyMemberDef *found = ((PyMemberDescrObject *)slot)->d_member;
        at->type = found->type == T_OBJECT_EX ? PyDescr_TYPE(slot) : NULL;
        at->offset = found->offset;
    }
    Py_DECREF(slot);
    return true;
}

static PyObject **
place_in(PyObject *owner, const Place *at)
{
    return at->type != NULL && PyObject_TypeCheck(owner, at->type) ? (PyObject **)((char *)owner + at->offset) : NULL;
}

/* What is in a slot, as a new reference. */
static PyObject *
get(PyObject *owner, const Place *at)
{
    PyObject **place = place_in(owner, at);
    return place != NULL && *place != NULL ? Py_NewRef(*place) : PyObject_GetAttr(owner, at->name);
}

static bool
set(PyObject *owner, const Place *at, PyObject *value)
{
    PyObject **place = place_in(owner, at);
    if (place == NULL) {
        return PyObject_SetAttr(owner, at->name, value) == 0;
    }
    Py_XSETREF(*place, Py_NewRef(value));
    return true;
}

static bool
take(PyObject **place, PyObject *flows, const char *name)
{
    PyObject *found = PyMapping_GetItemString(flows, name);
    Py_XSETREF(*place, found);
    return found != NULL;
}

/* mark_with(Mark, Actor, variable, forked, namespace of flows): what marks are made with. */
PyObject *
native_mark_with(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *mark, *actor, *variable, *forked, *flows;
    if (!ready() ||
        !PyArg_ParseTuple(args, "OOO!OO!", &mark, &actor, &PyContextVar_Type, &variable, &forked, &PyDict_Type, &flows) ||
        !find_place(&actor_of, mark, "actor") || !find_place(&last_of, mark, "last") ||
        !find_place(&flow_of, actor, "flow") || !find_place(&children_of, actor, "children") ||
        !find_place(&count_of, actor, "count") || !find_place(&learned_of, actor, "others") ||
        !take(&with.current_flow, flows, "current_flow") || !take(&with.kept, flows, "_kept") ||
        !take(&with.modules, flows, "_modules") || !take(&with.no_loop, flows, "_no_loop")) {
        return NULL;
    }
    Py_XSETREF(with.variable, Py_NewRef(variable));
    Py_XSETREF(with.forked, Py_NewRef(forked));
    Py_XSETREF(with.flows, Py_NewRef(flows));
    Py_XSETREF(with.mark, Py_NewRef(mark));
    Py_RETURN_NONE;
}

static bool
is_imported(PyObject *name)
{
    PyObject *found = dict_item(with.modules, name);
    Py_XDECREF(found);
    return found != NULL;
}

/* The task of asyncio that is running, None where there is none, as a new reference. */
static PyObject *
current_task(void)
{
    PyObject *ask = dict_item(with.flows, names.running_loop), *loop = NULL, *task = NULL;
    if (ask != NULL && ask == with.no_loop && !is_imported(names.asyncio)) { /* as it would find itself */
        loop = Py_NewRef(Py_None);
    }
    else if (ask != NULL) {
        loop = PyObject_CallNoArgs(ask);
    }
    Py_XDECREF(ask);
    if (loop == NULL || loop == Py_None) {
        return loop;
    }
    if ((ask = dict_item(with.flows, names.current_task)) != NULL) {
        task = PyObject_CallOneArg(ask, loop);
        Py_DECREF(ask);
    }
    Py_DECREF(loop);
    return task;
}

/* The task or the thread that is calling, as a new reference. */
static PyObject *
flow_of_caller(void)
{
    if (is_imported(names.trio)) {
        return PyObject_CallNoArgs(with.current_flow);
    }
    PyObject *found = current_task();
    if (found != Py_None) {
        return found;
    }
    Py_DECREF(found);
    found = PyObject_GetAttr(with.kept, names.token);
    if (found == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        return PyObject_CallNoArgs(with.current_flow);
    }
    return found;
}

/* The context that the flow goes on from, as a new reference: the one given, or that of an actor of its own. */
static PyObject *
context_of_flow(PyObject *context, PyObject *actor)
{
    PyObject *flow = flow_of_caller(), *reference = flow == NULL ? NULL : get(actor, &flow_of), *found = NULL;
    PyObject *known = reference == NULL ? NULL : weak_target(reference);
    if (known == flow && flow != NULL) {
        PyObject *children = get(actor, &children_of);
        Py_ssize_t waiting = children == NULL ? -1 : PyObject_Size(children);
        PyObject *harvested = waiting > 0 ? PyObject_CallMethodNoArgs(actor, names.harvest) : NULL;
        found = waiting == 0 || harvested != NULL ? Py_NewRef(context) : NULL;
        Py_XDECREF(harvested);
        Py_XDECREF(children);
    }
    else if (reference != NULL) {
        found = PyObject_CallFunctionObjArgs(with.forked, context, flow, NULL);
    }
    Py_XDECREF(known);
    Py_XDECREF(reference);
    Py_XDECREF(flow);
    return found;
}

static PyObject *
now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_REALTIME, &time);
    return PyLong_FromLongLong((long long)time.tv_sec * 1000000000 + time.tv_nsec);
}

/* Count one event of the actor: the number, as a new reference. */
static PyObject *
counted(PyObject *actor)
{
    PyObject *before = get(actor, &count_of), *count = before == NULL ? NULL : PyNumber_Add(before, one);
    if (count != NULL && !set(actor, &count_of, count)) {
        Py_CLEAR(count);
    }
    Py_XDECREF(before);
    return count;
}

/* The mark at the next point of the actor, which is that of the context; made the current one. */
static PyObject *
marked(PyObject *context, PyObject *actor, PyObject *const *told)
{
    enum { ACTOR, COUNT, OTHERS, LAST, BEFORE, TIME, KIND, PLACE, VALUES, DURATION, FIELDS };
    PyObject *count = counted(actor), *others = NULL, *before = NULL, *time = NULL, *made = NULL, *token = NULL;
    if (count != NULL && (others = get(actor, &learned_of)) != NULL && (before = get(context, &last_of)) != NULL &&
        (time = now()) != NULL) {
        PyObject_GC_UnTrack(told[2]); /* what it holds was kept: the collector need not look for cycles */
        PyObject *fields[FIELDS] = {
            [ACTOR] = actor, [COUNT] = count, [OTHERS] = others, [LAST] = count, [BEFORE] = before, [TIME] = time,
            [KIND] = told[0], [PLACE] = told[1], [VALUES] = told[2], [DURATION] = told[3],
        };
        made = PyObject_Vectorcall(with.mark, fields, FIELDS, NULL);
    }
    if (made != NULL && (token = PyContextVar_Set(with.variable, made)) == NULL) {
        Py_CLEAR(made);
    }
    Py_XDECREF(token);
    Py_XDECREF(count);
    Py_XDECREF(others);
    Py_XDECREF(before);
    Py_XDECREF(time);
    return made;
}

/* mark(context, kind, place, values, duration_ns=None) -> the mark. */
PyObject *
native_mark(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count < 4 || count > 5 || with.mark == NULL || !PyTuple_CheckExact(arguments[3])) {
        PyErr_SetString(PyExc_TypeError, "mark(context, kind, place, values, duration_ns)");
        return NULL;
    }
    PyObject *told[] = {arguments[1], arguments[2], arguments[3], count == 5 ? arguments[4] : Py_None};
    PyObject *actor = get(arguments[0], &actor_of);
    PyObject *context = actor == NULL ? NULL : context_of_flow(arguments[0], actor), *made = NULL;
    if (context != NULL && context != arguments[0]) {
        Py_SETREF(actor, get(context, &actor_of));
    }
    if (context != NULL && actor != NULL) {
        made = marked(context, actor, told);
    }
    Py_XDECREF(context);
    Py_XDECREF(actor);
    return made;
}
