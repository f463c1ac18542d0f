/* Taps that are not bound yet: what stands in the constants of code until it runs when there is more than one actor. The
   one of them that is reached first then has the taps of the whole code object made (binding.c) and passes on to the one
   in its own place. Until then nothing that is done can be part of a race: accesses are counted, and that is all, unless
   somebody is told of the run.

   The first of a code object knows what those taps are made from. The others know nothing and cost nothing: there is one
   for each place among constants, which all code objects share. What they need they find in the code that runs them. So
   copies of code (`code.replace`) work, and whoever calls one by hand gets back his operand. */
#include "core.h"
#include "taps.h"

typedef struct {
    PyObject_HEAD
    Binding *binding; /* held */
    const uint8_t *at; /* where the binding's list tells of the code */
    Py_ssize_t place; /* its own among the constants */
} First;

#define FIRST_RUN 1 /* while it is recorded there is no code of earlier runs */
#define PLACES 1024 /* of constants; code that has taps beyond is bound at once */

typedef struct {
    PyObject_HEAD
} Later;

static Later later[PLACES];

static void
first_dealloc(PyObject *self)
{
    binding_drop(((First *)self)->binding);
    Py_TYPE(self)->tp_free(self);
}

static First *
first_of(PyCodeObject *code)
{
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(code->co_consts); place++) {
        if (Py_IS_TYPE(PyTuple_GET_ITEM(code->co_consts, place), &First_Type)) {
            return (First *)PyTuple_GET_ITEM(code->co_consts, place);
        }
    }
    return NULL;
}

/* Whether a tap of this binding, NULL when it need not be asked, may stay unbound for now. A thread that nobody announced
   is met here, too, and ends the rest. */
static bool
rests(const Binding *binding)
{
    return alone && !telling && (binding == NULL ? recording == FIRST_RUN : binding_run(binding) == recording) &&
           current_thread() != NULL && alone;
}

/* The tap that has taken the place of this one, borrowed; NULL when no code that runs here has it, or while there is no
   need. This one may have been on the stack already when another was reached, and its place was taken. */
static PyObject *
bound(PyObject *self)
{
    Frame *frame = current_frame();
    if (frame == NULL) {
        return NULL;
    }
    PyCodeObject *code = frame_code(frame);
    Py_ssize_t place = Py_IS_TYPE(self, &First_Type) ? ((First *)self)->place : (Later *)self - later;
    if (place >= PyTuple_GET_SIZE(code->co_consts)) {
        return NULL;
    }
    First *first = PyTuple_GET_ITEM(code->co_consts, place) == self ? first_of(code) : NULL;
    if (first != NULL && rests(first->binding)) {
        own_thread->accesses++;
        return NULL;
    }
    if (first != NULL) {
        Binding *binding = binding_hold(first->binding); /* `first` goes with its place */
        if (!bind_code(binding, code, first->at)) {
            failures++;
            PyErr_Clear();
        }
        binding_drop(binding);
    }
    PyObject *tap = PyTuple_GET_ITEM(code->co_consts, place);
    return is_tap(tap) ? tap : NULL;
}

/* Where this one stands on the value stack of the running frame: taps that look below themselves look for themselves.
   NULL if it is not there. */
static PyObject **
standing(PyObject *self)
{
#if RW_PEEK
    Frame *frame = current_frame();
    PyCodeObject *code = frame_code(frame);
    PyObject **stack = frame->localsplus + code->co_nlocalsplus;
    for (PyObject **slot = stack; slot < stack + code->co_stacksize; slot++) {
        if (*slot == self) {
            return slot;
        }
    }
#else
    (void)self;
#endif
    return NULL;
}

/* What the tap gives, with it in the place of this one meanwhile; the evaluation loop lets go of this one afterwards. */
static PyObject *
passed_on(PyObject *self, PyObject *operand, bool product)
{
    if (rests(NULL)) {
        own_thread->accesses++;
        return Py_NewRef(operand);
    }
    PyObject *tap = bound(self);
    if (tap == NULL) {
        return Py_NewRef(operand);
    }
    PyObject **slot = standing(self);
    if (slot != NULL) {
        *slot = tap;
    }
    PyObject *result = product ? Py_TYPE(tap)->tp_as_number->nb_matrix_multiply(tap, operand)
                               : Py_TYPE(tap)->tp_as_mapping->mp_subscript(tap, operand);
    if (slot != NULL) {
        *slot = self;
    }
    return result;
}

static PyObject *
pass_on(PyObject *self, PyObject *operand)
{
    return passed_on(self, operand, false);
}

static PyObject *
pass_on_product(PyObject *left, PyObject *right)
{
    return is_unbound(left) ? passed_on(left, right, true) : Py_NewRef(Py_NotImplemented);
}

static PyObject *
unbound_repr(PyObject *self)
{
    (void)self;
    return PyUnicode_FromString("<raceway tap>");
}

static PyMappingMethods unbound_mapping = {.mp_subscript = pass_on};
static PyNumberMethods unbound_number = {.nb_matrix_multiply = pass_on_product};

#define UNBOUND_TYPE(size, death)                                                                                     \
    {                                                                                                                 \
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway.tap",                                                       \
        .tp_basicsize = size,                                                                                         \
        .tp_dealloc = death,                                                                                          \
        .tp_repr = unbound_repr,                                                                                      \
        .tp_hash = tap_hash,                                                                                          \
        .tp_as_mapping = &unbound_mapping,                                                                            \
        .tp_as_number = &unbound_number,                                                                              \
        .tp_methods = tap_methods,                                                                                    \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,                \
        .tp_doc = "Notes an access and gives back its operand.",                                                      \
    }

PyTypeObject First_Type = UNBOUND_TYPE(sizeof(First), first_dealloc);

/* Theirs are in no memory that could be given back. */
static void
later_dealloc(PyObject *self)
{
    Py_SET_REFCNT(self, 1);
}

PyTypeObject Later_Type = UNBOUND_TYPE(sizeof(PyObject), later_dealloc);

bool
is_unbound(PyObject *constant)
{
    return Py_IS_TYPE(constant, &First_Type) || Py_IS_TYPE(constant, &Later_Type);
}

/* The first tap of a code object, a new reference. NULL with an exception. */
PyObject *
unbound_first(Binding *binding, const uint8_t *at, Py_ssize_t place)
{
    First *first = PyObject_New(First, &First_Type);
    if (first != NULL) {
        first->binding = binding_hold(binding);
        first->at = at;
        first->place = place;
    }
    return (PyObject *)first;
}

/* Another one, for this place among the constants, borrowed; NULL when there is none. */
PyObject *
unbound_later(Py_ssize_t constant)
{
    return constant < PLACES ? (PyObject *)&later[constant] : NULL;
}

/* Make those that are shared. Again for another interpreter's module: they are the same. */
void
unbound_make(void)
{
    static const Later fresh = {PyObject_HEAD_INIT(&Later_Type)};
    for (size_t place = 0; place < PLACES && Py_TYPE(&later[place]) == NULL; place++) {
        later[place] = fresh;
    }
}
