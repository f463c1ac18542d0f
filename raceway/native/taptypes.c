/* The Python types of taps: which slot function serves which place, and what a tap is in the hands of a program that
   looks into its own code objects. */
#include "calls.h"
#include "taps.h"

#include <stdlib.h>

static void
tap_dealloc(PyObject *self)
{
    const Learned *learned = ((Tap *)self)->learned;
    if (learned != &nothing_learned) {
        free(learned->more);
        free((Learned *)learned);
    }
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
tap_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<raceway tap %u>", ((Tap *)self)->site);
}

/* In another process, or in a copy, a tap gives back its operand and notes nothing. */
static PyObject *
tap_reduce(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    PyObject *module = PyImport_ImportModule("raceway.runtime.plaintaps");
    PyObject *make = module == NULL ? NULL : PyObject_GetAttrString(module, "plain_tap");
    Py_XDECREF(module);
    return make == NULL ? NULL : Py_BuildValue("(N())", make);
}

static PyObject *
tap_copy(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    return Py_NewRef(self);
}

/* The same for all: a code object is hashed with its constants, and must be found again after its taps were bound. */
Py_hash_t
tap_hash(PyObject *self)
{
    (void)self;
    return 0x7ac3;
}

PyMethodDef tap_methods[] = {
    {"__reduce__", tap_reduce, METH_NOARGS, "A tap that notes nothing."},
    {"__copy__", tap_copy, METH_NOARGS, "The tap itself."},
    {"__deepcopy__", tap_copy, METH_O, "The tap itself."},
    {NULL, NULL, 0, NULL},
};

#define TAP_TYPE(variable, function)                                                                                  \
    static PyMappingMethods variable##_mapping = {.mp_subscript = function};                                         \
    static PyObject *variable##_matmul(PyObject *left, PyObject *right);                                             \
    static PyNumberMethods variable##_number = {.nb_matrix_multiply = variable##_matmul};                            \
    static PyTypeObject variable = {                                                                                  \
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway.tap",                                                       \
        .tp_basicsize = sizeof(Tap),                                                                                  \
        .tp_dealloc = tap_dealloc,                                                                                    \
        .tp_repr = tap_repr,                                                                                          \
        .tp_hash = tap_hash,                                                                                          \
        .tp_as_mapping = &variable##_mapping,                                                                         \
        .tp_as_number = &variable##_number,                                                                           \
        .tp_methods = tap_methods,                                                                                    \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,                \
        .tp_doc = "Notes an access and gives back its operand.",                                                      \
    };                                                                                                                \
    static PyObject *variable##_matmul(PyObject *left, PyObject *right)                                              \
    {                                                                                                                 \
        return Py_IS_TYPE(left, &variable) ? function(left, right) : Py_NewRef(Py_NotImplemented);                    \
    }

TAP_TYPE(BaseTap_Type, base_tap)
TAP_TYPE(GlobalTap_Type, global_tap)
TAP_TYPE(HoldingTap_Type, holding_tap)
TAP_TYPE(FieldTap_Type, field_tap)
TAP_TYPE(ReadTap_Type, read_tap)
TAP_TYPE(WriteTap_Type, write_tap)
TAP_TYPE(ItemTap_Type, item_tap)
TAP_TYPE(EnterTap_Type, enter_tap)
TAP_TYPE(LeaveTap_Type, leave_tap)
#if RW_PEEK
TAP_TYPE(KeyTap_Type, key_tap)
TAP_TYPE(MethodKeyTap_Type, method_key_tap)
TAP_TYPE(ContainsTap_Type, contains_tap)
TAP_TYPE(AugmentTap_Type, augment_tap)
TAP_TYPE(AttributeCallTap_Type, attribute_call_tap)
TAP_TYPE(CellTap_Type, cell_tap)
#endif

static PyMappingMethods revealing_mapping = {.mp_subscript = holding_tap};
static PyObject *
revealing_matmul(PyObject *left, PyObject *right);
static PyNumberMethods revealing_number = {.nb_matrix_multiply = revealing_matmul};
static PyTypeObject RevealingTap_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway.tap",
    .tp_basicsize = sizeof(Tap),
    .tp_dealloc = tap_dealloc,
    .tp_repr = tap_repr,
    .tp_hash = tap_hash,
    .tp_as_mapping = &revealing_mapping,
    .tp_as_number = &revealing_number,
    .tp_methods = tap_methods,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "Notes an access of a captured variable and gives back its operand.",
};

static PyObject *
revealing_matmul(PyObject *left, PyObject *right)
{
    return Py_IS_TYPE(left, &RevealingTap_Type) ? revealing_tap(left, right) : Py_NewRef(Py_NotImplemented);
}

bool
is_tap(PyObject *constant)
{
    return Py_TYPE(constant)->tp_dealloc == tap_dealloc;
}

bool
is_leave_tap(PyObject *constant)
{
    return Py_IS_TYPE(constant, &LeaveTap_Type);
}

/* Which slot function serves a tap of this site and role. A plain one notes nothing but the access. */
PyTypeObject *
tap_type(const Site *site, int role, bool commits, int held, bool is_plain)
{
    if (site->form == FORM_BODY) {
        return role == ROLE_BASE ? &EnterTap_Type : &LeaveTap_Type;
    }
    bool is_item = site->form == FORM_ITEM || site->form == FORM_METHOD;
    if (commits && held == 0 && is_item && role == ROLE_BASE && site->key != NULL) {
        return &ItemTap_Type;
    }
    if (commits && held == 0 && site->form == FORM_ATTRIBUTE && role == ROLE_BASE) {
        if (identity_shadow == NULL) { /* it is in pieces, or no run was ever begun */
            return &BaseTap_Type;
        }
        return !is_plain ? &FieldTap_Type : site->context == CONTEXT_LOAD ? &ReadTap_Type : &WriteTap_Type;
    }
#if RW_PEEK
    if (commits && held == 0) {
        switch (site->form) {
        case FORM_GLOBAL:
            return &GlobalTap_Type;
        case FORM_CELL:
            return &CellTap_Type;
        case FORM_CONTAINS:
            return &ContainsTap_Type;
        case FORM_ATTRIBUTE:
            return site->context == CONTEXT_AUGMENT ? &AugmentTap_Type : &AttributeCallTap_Type;
        case FORM_METHOD:
            return role == ROLE_KEY ? &MethodKeyTap_Type : &BaseTap_Type;
        case FORM_ITEM:
            return role == ROLE_KEY ? &KeyTap_Type : role == ROLE_VALUE ? &AugmentTap_Type : &BaseTap_Type;
        default:
            return &BaseTap_Type;
        }
    }
#endif
    if (site->form == FORM_CELL) {
        return &RevealingTap_Type;
    }
    if (commits && held == 0) {
        return site->form == FORM_GLOBAL ? &GlobalTap_Type : &BaseTap_Type;
    }
    return &HoldingTap_Type;
}

/* Make the types ready. False with an exception set. */
bool
taps_ready(PyObject *module)
{
    PyTypeObject *types[] = {
        &BaseTap_Type, &GlobalTap_Type, &HoldingTap_Type, &RevealingTap_Type, &FieldTap_Type, &ReadTap_Type,
        &WriteTap_Type, &ItemTap_Type, &EnterTap_Type, &LeaveTap_Type, &First_Type, &Later_Type,
#if RW_PEEK
        &KeyTap_Type, &MethodKeyTap_Type, &ContainsTap_Type, &AugmentTap_Type, &AttributeCallTap_Type, &CellTap_Type,
#endif
    };
    unbound_make();
    Py_ssize_t count = sizeof types / sizeof *types;
    PyObject *all = PyTuple_New(count);
    for (Py_ssize_t place = 0; all != NULL && place < count; place++) {
        if (PyType_Ready(types[place]) < 0) {
            Py_CLEAR(all);
            break;
        }
        PyTuple_SET_ITEM(all, place, Py_NewRef(types[place]));
    }
    bool ready = all != NULL && PyModule_AddObjectRef(module, "TAPS", all) == 0;
    Py_XDECREF(all);
    return ready;
}
