/* Binding: the placeholder constants of a module's code are replaced by live taps, in place. The code is fresh, from the
   compiler or from the cache, and nobody else has seen it; a tuple of constants with a placeholder in it is shared with
   no other code object, since every placeholder is unique. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *marker;
    Py_ssize_t marker_length;
    uint32_t first;
    uint32_t count;
    uint8_t *roles; /* by site: which taps it has */
    Table through; /* names of attributes from which containers were loaded */
} Binding;

static int
role_bit(int role)
{
    return role == ROLE_BASE ? 1 : role == ROLE_KEY ? 2 : role == ROLE_VALUE ? 4 : 8;
}

/* The site and role that a constant stands for, false when it is no placeholder: as raceway/model/placeholders.py. */
static bool
parse(const Binding *binding, PyObject *constant, uint32_t *site, int *role)
{
    if (!PyBytes_CheckExact(constant) || PyBytes_GET_SIZE(constant) != binding->marker_length + 4) {
        return false;
    }
    const char *text = PyBytes_AS_STRING(constant);
    if (memcmp(text, binding->marker, (size_t)binding->marker_length) != 0) {
        return false;
    }
    const uint8_t *tail = (const uint8_t *)text + binding->marker_length;
    *site = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16;
    *role = tail[3];
    return *site < binding->count;
}

static void
find_roles(Binding *binding, PyCodeObject *code)
{
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(code->co_consts); place++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, place);
        uint32_t site;
        int role;
        if (PyCode_Check(constant)) {
            find_roles(binding, (PyCodeObject *)constant);
        }
        else if (parse(binding, constant, &site, &role)) {
            binding->roles[site] |= (uint8_t)role_bit(role);
        }
    }
}

/* The place of a captured variable in frames of this code, -1 when it has none. */
static int
variable_place(PyCodeObject *code, PyObject *name)
{
#if RW_PEEK
    const char *kinds = PyBytes_AS_STRING(code->co_localspluskinds);
    for (int place = 0; place < code->co_nlocalsplus; place++) {
        PyObject *other = PyTuple_GET_ITEM(code->co_localsplusnames, place);
        if ((kinds[place] & (CO_FAST_CELL | CO_FAST_FREE)) != 0 && PyUnicode_Compare(other, name) == 0) {
            return place;
        }
    }
#else
    (void)code;
    (void)name;
#endif
    return -1;
}

static uint8_t
first_rank(const Site *site)
{
    if (site->suspends || site->opens || site->awaits) {
        return RANK_NEVER;
    }
    switch (site->context) {
    case CONTEXT_AUGMENT:
        return site->made ? RANK_PLAIN : RANK_REGION;
    case CONTEXT_STORE:
    case CONTEXT_DELETE:
        return site->made ? RANK_PLAIN : site->region_count != 0 ? RANK_REGION : RANK_STORE;
    default:
        return site->is_head ? RANK_REGION : RANK_PLAIN;
    }
}

static PyObject *
make_tap(Binding *binding, PyCodeObject *code, uint32_t index, int role)
{
    const Site *site = &sites[binding->first + index];
    static const uint8_t set_bits[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    int held = set_bits[binding->roles[index]] - 1;
    uint8_t rank = first_rank(site);
    bool early = site->context == CONTEXT_AUGMENT && role != site->commit && held == 0;
    bool commits = role == site->commit || early;
    bool names_owner = site->form == FORM_ATTRIBUTE && table_get(&binding->through, (uintptr_t)site->name) != NULL;
    bool is_head = site->is_head && !(site->form == FORM_ATTRIBUTE && site->context == CONTEXT_AUGMENT);
    bool is_plain = !is_head && !names_owner && rank != RANK_NEVER;
    Tap *tap = PyObject_New(Tap, tap_type(site, role, commits, held, is_plain));
    if (tap == NULL) {
        return NULL;
    }
    memset((char *)tap + sizeof(PyObject), 0, sizeof(Tap) - sizeof(PyObject));
    tap->run = recording != 0 ? recording : UINT64_MAX; /* bound after the end: never a part of a run */
    tap->fits = NO_SHAPE;
    tap->learned = &nothing_learned;
    tap->site = binding->first + index;
    tap->role = (uint8_t)role;
    tap->held = (uint8_t)held;
    tap->commits = commits;
    tap->is_head = is_head;
    tap->early = early;
    tap->stores = site->context == CONTEXT_STORE || site->context == CONTEXT_DELETE ||
                  site->context == CONTEXT_AUGMENT;
    tap->rank = rank;
    tap->name = site->name;
    tap->is_simple = site->region_count == 0 && !site->rechecked && !site->double_checked &&
                     tap->rank != RANK_NEVER && !teller_is_full() &&
                     !(site->context == CONTEXT_AUGMENT && teller_is_placed());
    tap->names_owner = names_owner;
    tap->is_item = site->form == FORM_ITEM;
    if (site->form == FORM_CELL) {
        tap->variable_place = variable_place(code, site->name);
    }
    else if (site->key != NULL && !key_of(site->key, &tap->literal, 0)) {
        tap->literal = 0;
    }
    return (PyObject *)tap;
}

static bool
replace_placeholders(Binding *binding, PyCodeObject *code)
{
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(code->co_consts); place++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, place);
        uint32_t site;
        int role;
        if (PyCode_Check(constant)) {
            if (!replace_placeholders(binding, (PyCodeObject *)constant)) {
                return false;
            }
        }
        else if (parse(binding, constant, &site, &role)) {
            PyObject *tap = make_tap(binding, code, site, role);
            if (tap == NULL) {
                return false;
            }
            PyTuple_SET_ITEM(code->co_consts, place, tap);
            Py_DECREF(constant);
        }
    }
    return true;
}

/* bind(code, marker, columns) -> number of the first site. The code is changed in place. */
PyObject *
native_bind(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 3 || !PyCode_Check(arguments[0]) || !PyBytes_Check(arguments[1]) || !PyTuple_Check(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "bind(code, marker, columns)");
        return NULL;
    }
    PyCodeObject *code = (PyCodeObject *)arguments[0];
    Binding binding = {.marker = PyBytes_AS_STRING(arguments[1]), .marker_length = PyBytes_GET_SIZE(arguments[1])};
    PyObject *result = NULL;
    core_lock();
    if (!sites_add(arguments[2], &binding.first, &binding.count)) {
        goto error;
    }
    binding.roles = calloc(binding.count + 1, 1);
    if (binding.roles == NULL) {
        PyErr_NoMemory();
        goto error;
    }
    for (uint32_t index = 0; index < binding.count; index++) {
        PyObject *name = sites[binding.first + index].through;
        if (name != NULL && table_get(&binding.through, (uintptr_t)name) == NULL) {
            table_put(&binding.through, (uintptr_t)name, name);
        }
    }
    find_roles(&binding, code);
    if (replace_placeholders(&binding, code)) {
        result = PyLong_FromUnsignedLong(binding.first);
    }
error:
    core_unlock();
    free(binding.roles);
    table_free(&binding.through);
    return result;
}
