/* The verbs of synchronisation, for any thread: the twin of raceway/runtime/recorder.py. */
#include "core.h"

bool
serial_of(PyObject *value, uint64_t *serial)
{
    *serial = PyLong_AsUnsignedLongLong(value);
    return !(*serial == (uint64_t)-1 && PyErr_Occurred());
}

static PyObject *
recorder_new_sync(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"kind", "file", "line", "of", NULL};
    PyObject *kind, *file = NULL, *of = Py_None;
    int line = 0;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|UiO", keywords, &kind, &file, &line, &of)) {
        return NULL;
    }
    core_lock();
    uint64_t serial = of == Py_None ? sync_new(kind, file, line) : sync_of_object(of);
    core_unlock();
    return PyLong_FromUnsignedLongLong(serial);
}

PyObject *
with_sync(PyObject *value, void (*verb)(Thread *, uint64_t))
{
    uint64_t serial;
    if (!serial_of(value, &serial)) {
        return NULL;
    }
    ENTER_OR_NONE
    verb(current_thread(), serial);
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
recorder_acquire(PyObject *self, PyObject *sync)
{
    (void)self;
    return with_sync(sync, sync_acquire);
}

static PyObject *
recorder_lock_taken(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    uint64_t serial;
    if (count < 1 || count > 2) {
        PyErr_SetString(PyExc_TypeError, "lock_taken(sync, waits=True)");
        return NULL;
    }
    if (!serial_of(args[0], &serial)) {
        return NULL;
    }
    bool waits = count == 1 || PyObject_IsTrue(args[1]) == 1;
    ENTER_OR_NONE
    sync_lock_taken(current_thread(), serial, asker_of_verb(current_frame()), waits);
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
recorder_lock_freed(PyObject *self, PyObject *sync)
{
    (void)self;
    return with_sync(sync, sync_lock_freed);
}

static PyObject *
recorder_release(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    (void)self;
    uint64_t serial;
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (count + named < 1 || count + named > 2 || count < 1) {
        PyErr_SetString(PyExc_TypeError, "release(sync, merge=True)");
        return NULL;
    }
    if (!serial_of(args[0], &serial)) {
        return NULL;
    }
    bool merge = count + named == 1 || PyObject_IsTrue(args[1]) == 1;
    ENTER_OR_NONE
    sync_release(current_thread(), serial, merge);
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
recorder_fork(PyObject *self, PyObject *name)
{
    (void)self;
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "the name of an actor is a string");
        return NULL;
    }
    if (!core_enter(0)) {
        return PyLong_FromLong(0);
    }
    uint64_t serial = actor_fork(current_thread(), name);
    core_unlock();
    return PyLong_FromUnsignedLongLong(serial);
}

static PyObject *
recorder_begin(PyObject *self, PyObject *actor)
{
    (void)self;
    uint64_t serial;
    if (!serial_of(actor, &serial)) {
        return NULL;
    }
    if (serial != 0 && core_enter(0)) {
        thread_begin(serial);
        core_unlock();
    }
    Py_RETURN_NONE;
}

static PyObject *
recorder_end(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    ENTER_OR_NONE
    thread_end(current_thread());
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
recorder_join(PyObject *self, PyObject *actor)
{
    (void)self;
    return with_sync(actor, actor_join);
}

static PyObject *
recorder_rename(PyObject *self, PyObject *args)
{
    (void)self;
    unsigned long long actor;
    PyObject *name;
    if (!PyArg_ParseTuple(args, "KU", &actor, &name)) {
        return NULL;
    }
    core_lock();
    actor_rename(actor, name);
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
recorder_current(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (!core_enter(0)) {
        return PyLong_FromLong(0);
    }
    uint64_t serial = current_thread()->actor->serial;
    core_unlock();
    return PyLong_FromUnsignedLongLong(serial);
}

static PyObject *
recorder_retire_sync(PyObject *self, PyObject *sync)
{
    (void)self;
    uint64_t serial;
    if (!serial_of(sync, &serial)) {
        return NULL;
    }
    if (core_enter(0)) {
        sync_retire(serial);
        core_unlock();
    }
    Py_RETURN_NONE;
}

static PyMethodDef recorder_methods[] = {
    {"new_sync", (PyCFunction)(void (*)(void))recorder_new_sync, METH_VARARGS | METH_KEYWORDS,
     "A serial for a new synchronisation object."},
    {"acquire", recorder_acquire, METH_O, "The current actor happens after the releases of `sync`."},
    {"release", (PyCFunction)(void (*)(void))recorder_release, METH_FASTCALL | METH_KEYWORDS,
     "Later acquires happen after this point."},
    {"lock_taken", (PyCFunction)(void (*)(void))recorder_lock_taken, METH_FASTCALL, "The current actor holds the lock from here on."},
    {"lock_freed", recorder_lock_freed, METH_O, "The current actor is about to free the lock."},
    {"fork", recorder_fork, METH_O, "A new actor that starts after this point."},
    {"begin", recorder_begin, METH_O, "The calling thread is `actor`."},
    {"end", recorder_end, METH_NOARGS, "The current actor has made its last access."},
    {"join", recorder_join, METH_O, "The current actor happens after all that `actor` did."},
    {"rename", recorder_rename, METH_VARARGS, "The actor is called `name`."},
    {"current", recorder_current, METH_NOARGS, "Serial of the current actor."},
    {"retire_sync", recorder_retire_sync, METH_O, "The synchronisation object died."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Recorder_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Recorder",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_methods = recorder_methods,
    .tp_doc = "The verbs of synchronisation, for any thread.",
};

/* --- Waits: what models in Python tell of waits for locks -------------------------------------------------------- */

static PyObject *
waits_begin(PyObject *self, PyObject *args)
{
    (void)self;
    unsigned long long serial;
    int limited;
    PyObject *frame; /* the asker is found from here */
    if (!PyArg_ParseTuple(args, "KpO", &serial, &limited, &frame)) {
        return NULL;
    }
    bool closes = false;
    if (core_enter(0)) {
        closes = lockwaits_begin(current_thread(), serial, limited, asker_of_verb(current_frame()));
        core_unlock();
    }
    return PyBool_FromLong(closes);
}

static PyObject *
waits_end(PyObject *self, PyObject *args)
{
    (void)self;
    unsigned long long serial;
    int was_taken;
    if (!PyArg_ParseTuple(args, "Kp", &serial, &was_taken)) {
        return NULL;
    }
    ENTER_OR_NONE
    lockwaits_end(current_thread(), serial, was_taken);
    core_unlock();
    Py_RETURN_NONE;
}

static PyObject *
waits_stuck(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    if (recorded_run() != 0) {
        lockwaits_stuck();
    }
    Py_RETURN_NONE;
}

static PyMethodDef waits_methods[] = {
    {"begin", waits_begin, METH_VARARGS, "The current actor is about to wait for a lock that somebody has."},
    {"end", waits_end, METH_VARARGS, "The wait of the current actor is over."},
    {"stuck", waits_stuck, METH_NOARGS, "The current actor has closed a ring of waits and still waits."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Waits_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Waits",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_methods = waits_methods,
    .tp_doc = "The verbs of waits for locks.",
};

/* --- Moments: what happens before what --------------------------------------------------------------------------- */

static PyObject *
moments_now(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    Epoch now = {0};
    if (core_enter(0)) {
        now = actor_moment(current_thread());
        core_unlock();
    }
    return Py_BuildValue("(IK)", now.slot, (unsigned long long)now.number);
}

static PyObject *
moments_is_past(PyObject *self, PyObject *moment)
{
    (void)self;
    unsigned int slot;
    unsigned long long number;
    if (!PyTuple_Check(moment) || !PyArg_ParseTuple(moment, "IK", &slot, &number)) {
        PyErr_SetString(PyExc_TypeError, "is_past(moment)");
        return NULL;
    }
    bool after = true;
    if (core_enter(0)) {
        Thread *thread = current_thread();
        syncs_draw(thread);
        after = clock_get(&thread->actor->clock, slot) >= number;
        core_unlock();
    }
    return PyBool_FromLong(after);
}

static PyMethodDef moments_methods[] = {
    {"now", moments_now, METH_NOARGS, "The present moment of the current actor."},
    {"is_past", moments_is_past, METH_O, "Whether the current actor happens after that moment."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Moments_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Moments",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_methods = moments_methods,
    .tp_doc = "Questions of order.",
};

/* `Recorder.native` is where the sync models find their twins in C, `tasks`, `jobs`, `waits`, `imports` and `moments` have the verbs of
   those. */
bool
recorder_ready(PyObject *module)
{
    const struct {
        const char *name;
        PyTypeObject *type;
    } groups[] = {{"tasks", &Tasks_Type}, {"jobs", &Jobs_Type}, {"waits", &Waits_Type}, {"imports", &Imports_Type},
                  {"moments", &Moments_Type}};
    PyObject *dict = type_dict(&Recorder_Type);
    bool done = PyDict_SetItemString(dict, "native", module) == 0;
    for (size_t place = 0; done && place < Py_ARRAY_LENGTH(groups); place++) {
        PyTypeObject *type = groups[place].type;
        PyObject *group = PyType_Ready(type) < 0 ? NULL : type->tp_alloc(type, 0);
        done = group != NULL && PyDict_SetItemString(dict, groups[place].name, group) == 0;
        Py_XDECREF(group);
    }
    return done;
}
