/* Binding: live taps are put among the constants of a module's code, in place, where a list says so. The code is fresh,
   from the compiler or from the cache, and nobody else has seen it; a tuple of constants with a place in it is shared
   with no other code object. */
#include "core.h"

#include <string.h>

typedef struct {
    const uint8_t *at; /* in the list of places: see raceway/model/placeholders.py */
    const uint8_t *end;
    uint32_t first;
    uint32_t count;
    Table through; /* names of attributes from which containers were loaded */
} Binding;

enum { WORD = 8 };

/* Where one tap goes. `held`: how many other taps the site has. */
typedef struct {
    Py_ssize_t constant;
    uint32_t site;
    int role;
    int held;
} Place;

/* The next number of the list. False with an exception when there is none. */
static bool
next_word(Binding *binding, uint64_t *word)
{
    if (binding->end - binding->at < WORD) {
        PyErr_SetString(PyExc_TypeError, "the list of places ends before the code does");
        return false;
    }
    *word = 0;
    for (int byte = 0; byte < WORD; byte++) {
        *word |= (uint64_t)binding->at[byte] << 8 * byte;
    }
    binding->at += WORD;
    return true;
}

static bool
next_place(Binding *binding, Py_ssize_t constants, Place *place)
{
    static const uint8_t roles[4] = {ROLE_BASE, ROLE_KEY, ROLE_VALUE, ROLE_STATEMENT};
    uint64_t word;
    if (!next_word(binding, &word)) {
        return false;
    }
    *place = (Place){.constant = (Py_ssize_t)(word >> 32), .site = (uint32_t)word & 0xffffff,
                     .role = roles[word >> 24 & 3], .held = (int)(word >> 26 & 3)};
    if (place->constant >= constants || place->site >= binding->count) {
        PyErr_SetString(PyExc_TypeError, "the list of places tells of what is not there");
        return false;
    }
    return true;
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
make_tap(const Binding *binding, PyCodeObject *code, const Place *place)
{
    const Site *site = &sites[binding->first + place->site];
    int role = place->role, held = place->held;
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
    tap->site = binding->first + place->site;
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
    tap->is_literal = site->key != NULL && role == ROLE_BASE && (site->form == FORM_ITEM || site->form == FORM_METHOD);
    if (site->form == FORM_CELL) {
        tap->variable_place = variable_place(code, site->name);
    }
    else if (site->key != NULL && !key_of(site->key, &tap->literal, 0)) {
        tap->literal = 0;
    }
    return (PyObject *)tap;
}

static bool
put_taps(Binding *binding, PyCodeObject *code)
{
    Py_ssize_t constants = PyTuple_GET_SIZE(code->co_consts);
    uint64_t taps;
    if (!next_word(binding, &taps)) {
        return false;
    }
    for (; taps != 0; taps--) {
        Place place;
        PyObject *tap = next_place(binding, constants, &place) ? make_tap(binding, code, &place) : NULL;
        if (tap == NULL) {
            return false;
        }
        PyObject *before = PyTuple_GET_ITEM(code->co_consts, place.constant);
        PyTuple_SET_ITEM(code->co_consts, place.constant, tap);
        Py_DECREF(before);
    }
    for (Py_ssize_t place = 0; place < constants; place++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, place);
        if (PyCode_Check(constant) && !put_taps(binding, (PyCodeObject *)constant)) {
            return false;
        }
    }
    return true;
}

/* bind(code, places, columns) -> number of the first site. The code is changed in place. */
PyObject *
native_bind(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 3 || !PyCode_Check(arguments[0]) || !PyBytes_Check(arguments[1]) || !PyTuple_Check(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "bind(code, places, columns)");
        return NULL;
    }
    const uint8_t *places = (const uint8_t *)PyBytes_AS_STRING(arguments[1]);
    Binding binding = {.at = places, .end = places + PyBytes_GET_SIZE(arguments[1])};
    PyObject *result = NULL;
    core_lock();
    if (sites_add(arguments[2], &binding.first, &binding.count)) {
        for (uint32_t index = 0; index < binding.count; index++) {
            PyObject *name = sites[binding.first + index].through;
            if (name != NULL && table_get(&binding.through, (uintptr_t)name) == NULL) {
                table_put(&binding.through, (uintptr_t)name, name);
            }
        }
        if (put_taps(&binding, (PyCodeObject *)arguments[0])) {
            result = PyLong_FromUnsignedLong(binding.first);
        }
    }
    core_unlock();
    table_free(&binding.through);
    return result;
}
