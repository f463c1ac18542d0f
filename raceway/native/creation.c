/* Who makes or uses a primitive, told from the calling frames: the twin of raceway/sync/creation.py, which says which
   locks stay quiet and which line names a lock. */
#include "core.h"

#include <string.h>

static PyObject *quiet_modules; /* owned, a frozenset of names */
static PyObject *passed_for_naming; /* owned, a frozenset of names */
static PyObject *first_uses; /* owned, a dictionary from module to what to call when it first makes an RLock */
static PyObject *name_key, *prefix;
static PyObject *threading_globals, *queue_globals; /* owned; NULL until they are met */

bool
creation_start(PyObject *quiet, PyObject *passed, PyObject *uses)
{
    if (name_key == NULL && (name_key = PyUnicode_InternFromString("__name__")) == NULL) {
        return false;
    }
    if (prefix == NULL && (prefix = PyUnicode_InternFromString("raceway.")) == NULL) {
        return false;
    }
    core_lock();
    Py_XSETREF(quiet_modules, Py_NewRef(quiet));
    Py_XSETREF(passed_for_naming, Py_NewRef(passed));
    Py_XSETREF(first_uses, Py_NewRef(uses));
    core_unlock();
    return true;
}

void
creation_stop(void)
{
    core_lock();
    Py_CLEAR(quiet_modules);
    Py_CLEAR(passed_for_naming);
    Py_CLEAR(first_uses);
    Py_CLEAR(threading_globals);
    Py_CLEAR(queue_globals);
    core_unlock();
}

static bool
contains(PyObject *names, PyObject *name)
{
    if (names == NULL || name == NULL) {
        return false;
    }
    int found = PySet_Contains(names, name);
    if (found < 0) {
        PyErr_Clear();
    }
    return found == 1;
}

static inline bool
is_text(PyObject *text, const char *expected)
{
    size_t length = strlen(expected);
    return text != NULL && PyUnicode_Check(text) && PyUnicode_IS_COMPACT_ASCII(text) &&
           (size_t)PyUnicode_GET_LENGTH(text) == length && memcmp(PyUnicode_DATA(text), expected, length) == 0;
}

#if RW_PEEK

PyObject *
module_of(Frame *frame)
{
    PyObject *globals = frame == NULL ? NULL : frame->f_globals;
    if (globals == NULL || name_key == NULL || !PyDict_Check(globals)) {
        return NULL;
    }
    PyObject *name = PyDict_GetItemWithError(globals, name_key);
    if (name == NULL) {
        PyErr_Clear();
        return NULL;
    }
    return PyUnicode_CheckExact(name) ? name : NULL;
}

static Frame *
outer(Frame *frame)
{
    return frame_skip(frame->previous);
}

static PyObject *
function_of(Frame *frame)
{
    return frame_code(frame)->co_qualname;
}

Maker
maker_of(Frame *frame)
{
    for (; frame != NULL; frame = outer(frame)) {
        PyCodeObject *code = frame_code(frame);
        bool generated = is_text(code->co_name, "__init__") && PyUnicode_GET_LENGTH(code->co_filename) > 0 &&
                         PyUnicode_READ_CHAR(code->co_filename, 0) == '<'; /* by dataclasses, attrs */
        if (!generated && !contains(passed_for_naming, module_of(frame))) {
            int line = PyCode_Addr2Line(code, frame_offset(frame));
            return (Maker){code->co_filename, line < 0 ? 0 : line};
        }
    }
    return (Maker){NULL, 0};
}

#else

PyObject *
module_of(Frame *frame)
{
    (void)frame;
    return NULL;
}

static Frame *
outer(Frame *frame)
{
    (void)frame;
    return NULL;
}

static PyObject *
function_of(Frame *frame)
{
    (void)frame;
    return NULL;
}

Maker
maker_of(Frame *frame)
{
    (void)frame;
    return (Maker){NULL, 0};
}

#endif

bool
is_module(PyObject *module, const char *name)
{
    return is_text(module, name);
}

/* Whether locks of the module are an internal matter: of a primitive, of the import system, or ours. */
bool
is_quiet(PyObject *module)
{
    if (contains(quiet_modules, module)) {
        return true;
    }
    Py_ssize_t length = 0;
    const char *text = module == NULL ? NULL : PyUnicode_AsUTF8AndSize(module, &length);
    if (text == NULL) {
        PyErr_Clear();
        return false;
    }
    return strncmp(text, "raceway.", 8) == 0;
}

Frame *
asker_of_lock(Frame *frame)
{
    return frame;
}

/* `threading.RLock` and `Condition` ask on behalf of their callers. */
Frame *
asker_of_rlock(Frame *frame)
{
    while (frame != NULL && is_text(module_of(frame), "threading") &&
           (is_text(function_of(frame), "RLock") || is_text(function_of(frame), "Condition.__init__"))) {
        frame = outer(frame);
    }
    return frame;
}

Frame *
asker_of_semaphore(Frame *frame)
{
    while (frame != NULL && is_text(module_of(frame), "threading") &&
           (is_text(function_of(frame), "Semaphore.__init__") ||
            is_text(function_of(frame), "BoundedSemaphore.__init__"))) {
        frame = outer(frame);
    }
    return frame;
}

/* Whether a method of a future is called for the worker of a pool of threads that has its job. */
bool
is_in_pool(Frame *frame)
{
    for (int step = 0; step < 4 && frame != NULL; step++, frame = outer(frame)) {
        if (is_text(function_of(frame), "_WorkItem.run")) {
            return is_text(module_of(frame), "concurrent.futures.thread");
        }
    }
    return false;
}

/* Whether asyncio has a future of its own follow one: that this is done is seen by who it is called soon for. */
bool
is_chaining(Frame *frame)
{
    return frame != NULL && is_text(function_of(frame), "Future.add_done_callback") &&
           is_text(module_of(outer(frame)), "asyncio.futures");
}

static bool
is_of_condition(PyObject *function)
{
    const char *text = function == NULL ? NULL : PyUnicode_AsUTF8(function);
    return text != NULL && strncmp(text, "Condition.", 10) == 0;
}

/* Whether the frame's function belongs to one of two classes, given with a dot. */
bool
is_within(Frame *frame, const char *first, const char *second)
{
    PyObject *function = frame == NULL ? NULL : function_of(frame);
    const char *text = function == NULL ? NULL : PyUnicode_AsUTF8(function);
    return text != NULL &&
           (strncmp(text, first, strlen(first)) == 0 || strncmp(text, second, strlen(second)) == 0);
}

/* Who called the wrapper, a function of Python, that asks a model in C. */
Frame *
user_of_wrapper(Frame *frame)
{
    return frame == NULL ? NULL : outer(frame);
}

/* A condition takes its lock on behalf of its caller. */
Frame *
taker_of_lock(Frame *frame)
{
    while (frame != NULL && is_of_condition(function_of(frame)) && is_text(module_of(frame), "threading")) {
        frame = outer(frame);
    }
    return frame;
}

#if RW_PEEK

/* Whether the frame runs code of the module `name`; `known` are the globals of which that was found out. */
static bool
is_code_of(const Frame *frame, const char *name, PyObject **known)
{
    if (likely(frame->f_globals == *known)) {
        return true;
    }
    if (!is_text(module_of((Frame *)frame), name)) {
        return false;
    }
    if (*known == NULL) {
        *known = Py_NewRef(frame->f_globals);
    }
    return true;
}

#endif

/* Whether the mutex of a queue is used by the module `queue` itself, perhaps through a condition. */
bool
is_used_by_queue(Frame *frame)
{
#if RW_PEEK
    while (frame != NULL && is_code_of(frame, "threading", &threading_globals)) {
        Frame *next = outer(frame);
        if (next == NULL) {
            break;
        }
        frame = next;
    }
    return frame != NULL && is_code_of(frame, "queue", &queue_globals);
#else
    (void)frame;
    return false;
#endif
}

static bool
is_of_locks(PyObject *module)
{
    static const char *const names[] = {"asyncio.locks", "asyncio.mixins", "trio._sync", "anyio._backends._asyncio",
                                        "anyio._core._synchronization"};
    for (size_t place = 0; place < sizeof names / sizeof *names; place++) {
        if (is_module(module, names[place])) {
            return true;
        }
    }
    return false;
}

/* Who is behind the models in Python that call the recorder, and behind locks of tasks. */
Frame *
asker_of_verb(Frame *frame)
{
    while (frame != NULL) {
        PyObject *module = module_of(frame);
        bool ours = module != NULL && PyUnicode_Check(module) && PyUnicode_GET_LENGTH(module) >= 8 &&
                    PyUnicode_Tailmatch(module, prefix, 0, PY_SSIZE_T_MAX, -1) == 1;
        if (!ours && !is_of_locks(module)) {
            return frame;
        }
        frame = outer(frame);
    }
    return NULL;
}

/* The module makes an RLock: whoever waits for its first is told. */
void
creation_first_use(PyObject *module)
{
    core_lock();
    PyObject *uses = Py_XNewRef(first_uses); /* the run may end meanwhile */
    core_unlock();
    PyObject *action =
        uses == NULL || module == NULL || PyDict_GET_SIZE(uses) == 0 ? NULL : PyDict_GetItemWithError(uses, module);
    if (action == NULL) {
        PyErr_Clear();
        Py_XDECREF(uses);
        return;
    }
    Py_INCREF(action); /* called before it is struck off: another thread must not go on without it */
    Py_INCREF(module);
    PyObject *result = PyObject_CallNoArgs(action);
    if (result == NULL) {
        PyErr_WriteUnraisable(action);
    }
    Py_XDECREF(result);
    if (PyDict_GetItemWithError(uses, module) == action && PyDict_DelItem(uses, module) < 0) {
        PyErr_Clear();
    }
    Py_DECREF(uses);
    Py_DECREF(module);
    Py_DECREF(action);
}
