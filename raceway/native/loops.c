/* What event loops of asyncio run: the twin of raceway/sync/eventloops.py, which has the model. A handle that is made
   tells who made it, and one that is run tells for whom; both stand in place of functions of asyncio.events.Handle. */
#include "loops.h"

#if RW_PEEK

#include <string.h>

static PyObject *text_thread, *text_callback, *text_loop, *text_self, *text_done, *text_name;

static bool
texts_ready(void)
{
    text_callback = PyUnicode_InternFromString("_callback");
    text_loop = PyUnicode_InternFromString("_loop");
    text_self = PyUnicode_InternFromString("__self__");
    text_done = PyUnicode_InternFromString("done");
    text_name = PyUnicode_InternFromString("__name__");
    text_thread = PyUnicode_InternFromString("_thread_id");
    return text_thread != NULL && text_callback != NULL && text_loop != NULL && text_self != NULL && text_done != NULL && text_name != NULL;
}

static PyObject *
attribute(PyObject *owner, PyObject *name)
{
    PyObject *found = PyObject_GetAttr(owner, name);
    if (found == NULL) {
        PyErr_Clear();
    }
    return found;
}

static bool
is_step_name(PyObject *name)
{
    return PyUnicode_Check(name) && (PyUnicode_CompareWithASCIIString(name, "__step") == 0 ||
                                     PyUnicode_CompareWithASCIIString(name, "__wakeup") == 0);
}

/* The task that a callback is a step of, as a new reference; NULL for any other callback. */
static PyObject *
task_of(PyObject *callback)
{
    static PyTypeObject *step_type;
    PyTypeObject *type = Py_TYPE(callback);
    if (PyCFunction_CheckExact(callback)) {
        PyCFunctionObject *function = (PyCFunctionObject *)callback;
        bool wakes = strcmp(function->m_ml->ml_name, "task_wakeup") == 0 && function->m_self != NULL;
        return wakes ? Py_NewRef(function->m_self) : NULL;
    }
    if (type == step_type || strcmp(type->tp_name, "TaskStepMethWrapper") == 0 ||
        strcmp(type->tp_name, "_asyncio.TaskStepMethWrapper") == 0) {
        step_type = type;
        return attribute(callback, text_self);
    }
    if (PyMethod_Check(callback) && PyFunction_Check(PyMethod_GET_FUNCTION(callback))) {
        PyFunctionObject *function = (PyFunctionObject *)PyMethod_GET_FUNCTION(callback);
        bool steps = is_step_name(function->func_name) && is_module(function->func_module, "asyncio.tasks");
        return steps ? Py_NewRef(PyMethod_GET_SELF(callback)) : NULL;
    }
    return NULL;
}

static Extra *
extra_of(PyObject *owner)
{
    Object *object = object_of(owner);
    return object == NULL ? NULL : object_extra(object);
}

/* What is known of a task or a handle, NULL when nothing is. */
static Extra *
known_extra(const PyObject *owner)
{
    const Object *object = object_find(owner);
    return object == NULL ? NULL : object->extra;
}

uint64_t
task_known(const PyObject *owner)
{
    const Extra *extra = known_extra(owner);
    return extra == NULL ? 0 : extra->task;
}

static bool
named(PyObject *name, const char *text)
{
    return PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, text) == 0;
}

/* Whether the frame is of a module that wakes on behalf of others. */
static bool
is_passed(PyObject *module)
{
    static const char core[] = "trio._core.";
    const char *text = module == NULL ? NULL : PyUnicode_AsUTF8(module);
    if (text == NULL) {
        PyErr_Clear();
        return false;
    }
    return strncmp(text, core, sizeof core - 1) == 0 || strcmp(text, "asyncio.base_events") == 0 ||
           strcmp(text, "asyncio.events") == 0;
}

bool
hands_on(Frame *frame)
{
    for (; frame != NULL; frame = frame_skip(frame->previous)) {
        PyObject *module = module_of(frame), *name = frame_code(frame)->co_name;
        if (is_passed(module)) {
            continue;
        }
        bool locks = is_module(module, "asyncio.locks"), backend = is_module(module, "anyio._backends._asyncio");
        bool trio = is_module(module, "trio._sync");
        if ((locks || backend || trio || is_module(module, "anyio._backends._trio")) && named(name, "set")) {
            continue;
        }
        bool releases = named(name, "release");
        return (locks && (named(name, "_wake_up_first") || named(name, "_wake_up_next"))) ||
               (backend && (releases || named(name, "_notify_next_waiter"))) ||
               (trio && (releases || named(name, "_wake_waiters"))) ||
               (releases && is_module(module, "anyio._core._synchronization"));
    }
    return false;
}

/* Whether `wait_for()`, which made tasks before CPython 3.12, makes one behind this frame. */
static bool
is_limited(Frame *frame)
{
    for (; frame != NULL; frame = frame_skip(frame->previous)) {
        PyObject *module = module_of(frame);
        const char *text = module == NULL || !PyUnicode_Check(module) ? NULL : PyUnicode_AsUTF8(module);
        if (text == NULL || strncmp(text, "asyncio.", 8) != 0) {
            PyErr_Clear();
            return false;
        }
        if (named(frame_code(frame)->co_name, "wait_for")) {
            return true;
        }
    }
    return false;
}

void
handle_made(PyObject *handle, PyObject *callback)
{
    PyObject *owner = task_of(callback);
    Frame *frame = current_frame();
    if (core_enter(0)) {
        Thread *thread = current_thread();
        uint64_t by = thread->task == NULL ? 0 : thread->task->serial;
        Extra *extra = owner != NULL || by != 0 ? extra_of(owner != NULL ? owner : handle) : NULL;
        if (extra != NULL && owner == NULL) {
            extra->task = by;
            extra->made = ++sequence;
        }
        else if (extra != NULL && extra->task == 0) {
            alone = false;
            extra->task = task_spawn(NULL, by, TASK_OF_LOOP, 0);
            Task *made = task_find(extra->task);
            if (made != NULL) {
                made->limited = is_limited(frame);
            }
        }
        else if (extra != NULL && !hands_on(frame)) {
            task_wake(thread, extra->task);
        }
        core_unlock();
    }
    Py_XDECREF(owner);
}

/* Tell if the loop runs in another thread: the twin of `is_foreign` in raceway/sync/strays.py. */
static void
tell_foreign(const Handling *handling, PyObject *handle, PyObject *callback)
{
    PyObject *loop = attribute(handle, text_loop);
    PyObject *ident = loop == NULL ? NULL : attribute(loop, text_thread);
    if (ident != NULL && PyLong_CheckExact(ident)) {
        unsigned long thread = PyLong_AsUnsignedLong(ident);
        if (PyErr_Occurred()) {
            PyErr_Clear();
        }
        else if (unlikely(thread != PyThread_get_thread_ident())) {
            Py_XDECREF(PyObject_CallFunctionObjArgs(handling->strayed, loop, callback, NULL));
            PyErr_Clear();
        }
    }
    Py_XDECREF(ident);
    Py_XDECREF(loop);
}

static PyObject *
made_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    PyObject *handle = PyVectorcall_NARGS(flags) > 0 ? args[0] : NULL; /* the caller holds it */
    PyObject *result = PyObject_Vectorcall(((Handling *)self)->real, args, flags, names);
    PyObject *callback = result != NULL && run_here() != 0 && handle != NULL ? attribute(handle, text_callback) : NULL;
    if (callback != NULL) {
        tell_foreign((Handling *)self, handle, callback);
        handle_made(handle, callback);
        Py_DECREF(callback);
    }
    return result;
}

static PyObject *
name_of_callback(PyObject *callback)
{
    PyObject *name = PyCFunction_Check(callback) || PyMethod_Check(callback) || PyFunction_Check(callback)
                         ? attribute(callback, text_name)
                         : NULL;
    PyObject *text = name != NULL && PyUnicode_Check(name) ? PyUnicode_FromFormat("callback %U", name) : NULL;
    Py_XDECREF(name);
    return text != NULL ? text : PyUnicode_FromString("callback");
}

static bool
is_plain_task(const Handling *handling, PyObject *owner)
{
    return PyType_Check(handling->task_type) && PyObject_TypeCheck(owner, (PyTypeObject *)handling->task_type);
}

/* Tasks get their names when they have been made, so one is asked when it first runs. */
void
step_name(const Handling *handling, PyObject *owner, uint64_t serial)
{
    PyObject *name = is_plain_task(handling, owner) ? PyObject_CallOneArg(handling->name_of, owner) : NULL;
    if (name == NULL || !PyUnicode_Check(name)) {
        PyErr_Clear();
        Py_XSETREF(name, PyUnicode_FromString("task"));
    }
    if (name != NULL && core_enter(0)) {
        task_rename(serial, name);
        core_unlock();
    }
    Py_XDECREF(name);
}

static void
acquire_loop(Thread *thread, PyObject *loop)
{
    const Extra *extra = loop == NULL ? NULL : known_extra(loop);
    if (extra != NULL && extra->sync != 0) {
        sync_acquire(thread, extra->sync);
    }
}

Step
step_begin(const Handling *handling, PyObject *handle, PyObject *callback, PyObject *loop)
{
    Step step = {0};
    step.owner = callback == NULL ? NULL : task_of(callback);
    if (core_enter(0)) {
        step.run = recording;
        step.serial = step.owner == NULL ? 0 : task_known(step.owner);
        bool is_named = step.serial == 0 || task_find(step.serial) == NULL || task_find(step.serial)->name != NULL;
        core_unlock();
        if (!is_named) {
            step_name(handling, step.owner, step.serial);
        }
    }
    PyObject *name = step.run != 0 && step.serial == 0 && callback != NULL ? name_of_callback(callback) : NULL;
    if (step.run != 0 && core_enter(step.run)) {
        Thread *thread = current_thread();
        acquire_loop(thread, loop);
        if (step.serial == 0) {
            Py_CLEAR(step.owner);
            const Extra *made = known_extra(handle);
            step.serial = task_spawn(name, task_known(handle), TASK_PASSING, made == NULL ? 0 : made->made);
        }
        step.before = task_resume(thread, step.serial);
        core_unlock();
    }
    else {
        step.run = 0;
    }
    Py_XDECREF(name);
    return step;
}

static bool
is_over(const Handling *handling, PyObject *owner)
{
    PyObject *answer = is_plain_task(handling, owner) ? PyObject_CallOneArg(handling->is_done, owner)
                                                      : PyObject_CallMethodNoArgs(owner, text_done);
    bool over = answer == Py_True;
    if (answer == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(answer);
    return over;
}

/* The sites of the walks that a task, which is suspended, is in, as a new list; NULL when it is in none. `going_on` is
   called with the task itself and its walks. */
PyObject *
walked_on(uint64_t run, uint64_t serial, PyObject *going_on, PyObject *owner)
{
    PyObject *walks = NULL;
    if (core_enter(run)) {
        const Task *task = task_find(serial);
        walks = task == NULL || task->walks_count == 0 ? NULL : task_walks(task);
        core_unlock();
    }
    PyObject *sites = walks == NULL ? NULL : PyObject_CallFunctionObjArgs(going_on, owner, walks, NULL);
    PyErr_Clear();
    Py_XDECREF(walks);
    if (sites != NULL && !PyList_CheckExact(sites)) {
        Py_CLEAR(sites);
    }
    return sites;
}

void
step_finish(const Handling *handling, Step *step)
{
    if (step->run == 0) {
        Py_XDECREF(step->owner);
        return;
    }
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    bool over = step->owner == NULL || is_over(handling, step->owner);
    PyObject *sites = over ? NULL : walked_on(step->run, step->serial, handling->going_on, step->owner);
    if (core_enter(step->run)) {
        task_resume(current_thread(), step->before);
        if (!over) {
            task_suspend(step->serial, sites);
        }
        else {
            task_done(step->serial);
            Extra *extra = step->owner == NULL ? NULL : known_extra(step->owner);
            if (extra != NULL) {
                extra->task = 0;
            }
        }
        core_unlock();
    }
    Py_XDECREF(sites);
    PyErr_Restore(type, value, trace);
    Py_XDECREF(step->owner);
}

static PyObject *
run_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    Handling *handling = (Handling *)self;
    if (run_here() == 0 || PyVectorcall_NARGS(flags) == 0) {
        return PyObject_Vectorcall(handling->real, args, flags, names);
    }
    PyObject *callback = attribute(args[0], text_callback), *loop = attribute(args[0], text_loop);
    Step step = step_begin(handling, args[0], callback, loop);
    Py_XDECREF(callback);
    Py_XDECREF(loop);
    PyObject *result = PyObject_Vectorcall(handling->real, args, flags, names);
    step_finish(handling, &step);
    return result;
}

/* Handling(real, runs, asyncio.tasks.Task, strayed, going_on): in place of Handle._run if it `runs`, else of Handle.__init__. */
static PyObject *
handling_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *real, *task_type, *strayed, *going_on;
    int runs;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OpO!OO", &real, &runs, &PyType_Type, &task_type, &strayed, &going_on)) {
        return NULL;
    }
    Handling *handling = (Handling *)type->tp_alloc(type, 0);
    if (handling != NULL) {
        handling->real = Py_NewRef(real);
        handling->call = runs ? run_call : made_call;
        handling->task_type = Py_NewRef(task_type);
        handling->strayed = Py_NewRef(strayed);
        handling->going_on = Py_NewRef(going_on);
        handling->name_of = PyObject_GetAttrString(task_type, "get_name");
        handling->is_done = PyObject_GetAttrString(task_type, "done");
        if (handling->name_of == NULL || handling->is_done == NULL) {
            Py_CLEAR(handling);
        }
    }
    return (PyObject *)handling;
}

static int
handling_traverse(Handling *handling, visitproc visit, void *arg)
{
    Py_VISIT(handling->real);
    Py_VISIT(handling->task_type);
    Py_VISIT(handling->name_of);
    Py_VISIT(handling->is_done);
    Py_VISIT(handling->strayed);
    Py_VISIT(handling->going_on);
    return 0;
}

static void
handling_dealloc(Handling *handling)
{
    PyObject_GC_UnTrack(handling);
    Py_XDECREF(handling->real);
    Py_XDECREF(handling->task_type);
    Py_XDECREF(handling->name_of);
    Py_XDECREF(handling->is_done);
    Py_XDECREF(handling->strayed);
    Py_XDECREF(handling->going_on);
    Py_TYPE(handling)->tp_free((PyObject *)handling);
}

static PyGetSetDef handling_doc[] = {
    {"__doc__", stand_in_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject Handling_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.Handling",
    .tp_basicsize = sizeof(Handling),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = handling_new,
    .tp_dealloc = (destructor)handling_dealloc,
    .tp_traverse = (traverseproc)handling_traverse,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Handling, call),
    .tp_descr_get = stand_in_get,
    .tp_getattro = stand_in_getattr,
    .tp_repr = stand_in_repr,
    .tp_getset = handling_doc,
};

/* loop_release(loop): a callback is about to be handed to the loop, by this thread or another. */
PyObject *
loop_release(PyObject *module, PyObject *loop)
{
    (void)module;
    if (core_enter(0)) {
        Object *object = object_of(loop);
        Extra *extra = object == NULL ? NULL : object_extra(object);
        if (extra != NULL) {
            extra->sync = extra->sync != 0 ? extra->sync : sync_new(NULL, NULL, 0);
            sync_release(current_thread(), extra->sync, true);
        }
        core_unlock();
    }
    Py_RETURN_NONE;
}

/* task_serial(task): the serial of a task, 0 when it is not known. */
PyObject *
task_serial(PyObject *module, PyObject *task)
{
    (void)module;
    uint64_t serial = 0;
    if (core_enter(0)) {
        serial = task_known(task);
        core_unlock();
    }
    return PyLong_FromUnsignedLongLong(serial);
}

/* task_note(task, serial): the task has this serial; with 0 it is over. */
PyObject *
task_note(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *task;
    unsigned long long serial;
    if (!PyArg_ParseTuple(args, "OK", &task, &serial)) {
        return NULL;
    }
    if (core_enter(0)) {
        Extra *extra = serial == 0 ? known_extra(task) : extra_of(task);
        if (extra != NULL) {
            extra->task = serial;
        }
        core_unlock();
    }
    Py_RETURN_NONE;
}

bool
loops_ready(PyObject *module)
{
    return texts_ready() && PyType_Ready(&Handling_Type) == 0 &&
           PyModule_AddObjectRef(module, "Handling", (PyObject *)&Handling_Type) == 0;
}

#else

PyObject *
loop_release(PyObject *module, PyObject *loop)
{
    (void)module;
    (void)loop;
    Py_RETURN_NONE;
}

PyObject *
task_serial(PyObject *module, PyObject *task)
{
    (void)module;
    (void)task;
    return PyLong_FromLong(0);
}

PyObject *
task_note(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    Py_RETURN_NONE;
}

bool
loops_ready(PyObject *module)
{
    return PyModule_AddObjectRef(module, "Handling", Py_None) == 0;
}

#endif
