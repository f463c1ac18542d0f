/* Tasks of asyncio that begin in the middle of a step of another one (`eager_start`, since CPython 3.12): the twin of
   `Inner` in raceway/sync/eventloops.py. Their first step is run by the making of the task, of which no handle tells. The
   type is of C and cannot be changed by Python, so its slot is swapped, and what `super().__init__()` reaches with it. */
#include "loops.h"

#if RW_PEEK && PY_VERSION_HEX >= 0x030C0000

static Handling *steps; /* owned; NULL when nothing was ever installed. It outlives a run, whose threads may be using it */
static PyTypeObject *swapped; /* owned: the type whose slot is ours */
static initproc real; /* stays, since types that were derived meanwhile keep the slot */
static PyObject *text_eager;

static Step
begin(PyObject *task)
{
    Step step = {.owner = Py_NewRef(task)};
    if (core_enter(0)) {
        Thread *thread = current_thread();
        Object *object = object_of(task);
        Extra *extra = object == NULL ? NULL : object_extra(object);
        if (extra != NULL) {
            alone = false;
            step.run = recording;
            step.serial = task_spawn(NULL, thread->task == NULL ? 0 : thread->task->serial, TASK_OF_LOOP, 0);
            step.before = task_resume(thread, step.serial);
            extra->task = step.serial;
        }
        core_unlock();
    }
    return step;
}

static int
eager_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (kwargs == NULL || run_here() == 0 || steps == NULL || PyDict_GetItem(kwargs, text_eager) != Py_True) {
        return real(self, args, kwargs);
    }
    Handling *handling = (Handling *)Py_NewRef(steps);
    Step step = begin(self);
    int result = real(self, args, kwargs);
    if (result < 0) {
        Py_CLEAR(step.owner); /* it is no task: nothing can be asked of it */
    }
    else if (step.run != 0) {
        step_name(handling, self, step.serial);
    }
    step_finish(handling, &step);
    Py_DECREF(handling);
    return result;
}

/* The wrapper of the slot in the type's namespace, NULL when it is another one. */
static PyWrapperDescrObject *
wrapper_of(const PyTypeObject *type)
{
    PyObject *found = PyDict_GetItemString(type->tp_dict, "__init__");
    return found != NULL && Py_IS_TYPE(found, &PyWrapperDescr_Type) ? (PyWrapperDescrObject *)found : NULL;
}

static void
put_back(void)
{
    PyWrapperDescrObject *wrapper = swapped == NULL ? NULL : wrapper_of(swapped);
    if (wrapper != NULL && wrapper->d_wrapped == (void *)eager_init) {
        wrapper->d_wrapped = (void *)real;
    }
    if (swapped != NULL && swapped->tp_init == eager_init) {
        swapped->tp_init = real;
    }
    Py_CLEAR(swapped);
}

/* eager_install(handling): tell of the first steps of eager tasks of its type, if that is of C. */
PyObject *
eager_install(PyObject *module, PyObject *handling)
{
    (void)module;
    if (!Py_IS_TYPE(handling, &Handling_Type)) {
        PyErr_SetString(PyExc_TypeError, "not a Handling");
        return NULL;
    }
    put_back();
    PyTypeObject *type = (PyTypeObject *)((Handling *)handling)->task_type;
    PyWrapperDescrObject *wrapper = wrapper_of(type);
    if (text_eager == NULL && (text_eager = PyUnicode_InternFromString("eager_start")) == NULL) {
        return NULL;
    }
    if (wrapper != NULL && wrapper->d_wrapped == (void *)type->tp_init && (real == NULL || real == type->tp_init)) {
        real = type->tp_init;
        type->tp_init = eager_init;
        wrapper->d_wrapped = (void *)eager_init;
        swapped = (PyTypeObject *)Py_NewRef(type);
        Py_XSETREF(steps, (Handling *)Py_NewRef(handling));
    }
    Py_RETURN_NONE;
}

/* eager_uninstall(): put the slot back. */
PyObject *
eager_uninstall(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    put_back();
    Py_RETURN_NONE;
}

#else

PyObject *
eager_install(PyObject *module, PyObject *handling)
{
    (void)module;
    (void)handling;
    Py_RETURN_NONE;
}

PyObject *
eager_uninstall(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    Py_RETURN_NONE;
}

#endif
