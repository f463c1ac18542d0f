/* Objects that belong to an event loop, and who uses them: of the model in raceway/sync/loopobjects.py, C has the question
   whether anything is new, which it is not while the tasks of one loop use an object in one epoch. */
#include "core.h"

static PyObject *told; /* owned; called with an object, and whether it was made just now; NULL: nothing is */

/* Whether tasks of the calling thread were the last ones to use the object, in this epoch. */
static bool
is_known(PyObject *object)
{
    bool known = true;
    if (core_enter(0)) {
        Thread *thread = current_thread();
        Object *record = object_of(object);
        Extra *extra = record == NULL ? NULL : object_extra(record);
        if (extra == NULL) {
            known = false;
        }
        else if (thread->task == NULL) {
            extra->user = 0;
            known = false;
        }
        else {
            const Actor *actor = thread->actor;
            Number now = clock_get(&actor->clock, actor->slot);
            known = extra->user == actor->serial && extra->used == now;
            extra->user = actor->serial;
            extra->used = now;
        }
        core_unlock();
    }
    return known;
}

static void
used(PyObject *object, bool made)
{
    if (is_known(object)) {
        return;
    }
    core_lock();
    PyObject *function = Py_XNewRef(told);
    core_unlock();
    if (function != NULL) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(function, object, made ? Py_True : Py_False, NULL));
        Py_DECREF(function);
    }
}

/* loop_objects(told): call `told` with what is used; with None nothing is called any more. */
PyObject *
loop_objects(PyObject *module, PyObject *function)
{
    (void)module;
    core_lock();
    PyObject *before = told;
    told = function == Py_None ? NULL : Py_NewRef(function);
    core_unlock();
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

/* Who asks whether an event is set or a semaphore taken asks for a flag, which may be done anywhere. */
static bool
asks(Frame *frame)
{
    static const char *const names[] = {"is_set", "locked", "__repr__"};
    PyObject *name = frame == NULL ? NULL : frame_code(frame)->co_name;
    for (size_t place = 0; name != NULL && place < Py_ARRAY_LENGTH(names); place++) {
        if (PyUnicode_CompareWithASCIIString(name, names[place]) == 0) {
            return true;
        }
    }
    return false;
}

void
loop_object_read(PyObject *object, PyObject *value)
{
    (void)value;
    if (!asks(current_frame())) {
        used(object, false);
    }
}

bool
loop_object_written(PyObject *object, PyObject *old, PyObject *value)
{
    (void)value;
    used(object, old == NULL);
    return true;
}

/* loop_queue_taken(queue, item): something was taken out. */
PyObject *
loop_queue_taken(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    static PyObject *name;
    if (count > 0 && run_here() != 0 && (name != NULL || (name = PyUnicode_InternFromString("_finished")) != NULL)) {
        PyObject *values = PyObject_GenericGetDict(arguments[0], NULL);
        PyObject *finished = values == NULL ? NULL : dict_item(values, name);
        Py_XDECREF(values);
        if (finished != NULL) {
            used(finished, false);
            Py_DECREF(finished);
        }
    }
    return settled() ? Py_NewRef(Py_None) : NULL;
}

/* loop_waits(object): a task is about to wait for it. */
PyObject *
loop_waits(PyObject *module, PyObject *object)
{
    (void)module;
    if (run_here() != 0) {
        used(object, false);
    }
    return settled() ? Py_NewRef(Py_None) : NULL;
}

/* False: it is no task of a loop that uses the future, and Python tells. */
bool
loop_future_used(PyObject *future)
{
    (void)future;
    bool of_loop = true;
    if (core_enter(0)) {
        of_loop = current_thread()->task != NULL;
        core_unlock();
    }
    return of_loop;
}
