/* The structures that the files of the core share, from addresses up to races. See docs/native.md for the picture.

   Ground rules
   - Nothing here calls code of the program, raises, or allocates objects of Python on the path of a tap.
   - On builds with a GIL the GIL guards everything. On free-threaded builds CORE_LOCK guards everything but what is
     marked thread-local, and is never held across a call into the interpreter that may wait.
   - A fast path may only skip work; it falls through to the one slow path. */
#ifndef RACEWAY_CORE_H
#define RACEWAY_CORE_H

#include "compat.h"

/* Values of raceway.model.kinds, by order of definition; tests compare them. */
enum { OP_READ, OP_WRITE, OP_READ_MODIFY_WRITE, OP_DELETE, OP_ITERATE, OP_STRUCTURAL_CHANGE };
enum { COMMUTE_NONE, COMMUTE_APPEND, COMMUTE_ADD, COMMUTE_SETDEFAULT, COMMUTE_DISCARD, COMMUTE_INSERT_KEY, COMMUTE_ENDS };
enum { AT_ATTRIBUTE = 1, AT_ITEM, AT_STRUCTURE, AT_GLOBAL, AT_CELL };

static inline bool
op_mutates(int op)
{
    return op != OP_READ && op != OP_ITERATE;
}

static inline bool
op_reads(int op)
{
    return op == OP_READ || op == OP_ITERATE || op == OP_READ_MODIFY_WRITE;
}

#if RW_FREE_THREADED
void core_lock(void);
void core_unlock(void);
void core_drop(PyObject *object); /* steals a reference, kept until the core is left: a death runs other code */
bool core_guard_forks(void);
#else
static inline void
core_lock(void)
{
}
static inline void
core_unlock(void)
{
}
#endif

#include "state.h"
#include "objects.h"
#include "rules.h"
#include "models.h"
#include "operations.h"

/* --- Python types and functions ------------------------------------------------------------------------------------ */

extern PyTypeObject Recorder_Type;
extern PyTypeObject Intake_Type;
extern PyTypeObject Waits_Type;
extern PyTypeObject Tasks_Type;
extern PyTypeObject Jobs_Type;
bool serial_of(PyObject *value, uint64_t *serial);
PyObject *with_sync(PyObject *value, void (*verb)(Thread *, uint64_t));

#define ENTER_OR_NONE                                                                                                 \
    if (!core_enter(0)) {                                                                                             \
        Py_RETURN_NONE;                                                                                               \
    }

bool recorder_ready(PyObject *module);
uint64_t digest_of(const uint8_t *content, size_t length);
PyObject *native_digest(PyObject *module, PyObject *content);
PyObject *native_stored(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_stamp(PyObject *module, PyObject *path);
PyObject *native_is_link(PyObject *module, PyObject *path);
PyObject *native_event_line(PyObject *module, PyObject *const *part, Py_ssize_t count);
PyObject *native_snapshot(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_keep_arguments(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_keep_with(PyObject *module, PyObject *args);
PyObject *native_keep(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_mark_with(PyObject *module, PyObject *args);
PyObject *native_mark(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_access_tag(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_bind(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
typedef struct Binding Binding;
Binding *binding_hold(Binding *binding);
uint64_t binding_run(const Binding *binding);
void binding_drop(Binding *binding);
bool bind_code(Binding *binding, PyCodeObject *code, const uint8_t *at);
bool taps_ready(PyObject *module);
extern PyTypeObject First_Type, Later_Type;
void unbound_make(void);
PyObject *unbound_first(Binding *binding, const uint8_t *at, Py_ssize_t place);
PyObject *unbound_later(Py_ssize_t constant);
bool is_unbound(PyObject *constant);
PyTypeObject *tap_type(const Site *site, int role, bool commits, int held, bool is_plain);
PyObject *replay_feed(PyObject *module, PyObject *record);
extern PyTypeObject PeekProbe_Type;
void replay_reset(void);

#endif
