/* Binding: live taps are put among the constants of a module's code, in place, where a list says so. The code is fresh,
   from the compiler or from the cache, and nobody else has seen it; a tuple of constants with a place in it is shared
   with no other code object.

   Most functions of a large package are never called. So what an import puts into the code of each are taps that are not
   bound yet (unbound.c), and the first of them that is reached, once there is more than one actor, has the taps of its
   code object made, and their sites. Without a GIL all are made at once: another thread might be reading the constants. */
#include "core.h"

#include <marshal.h>
#include <stdlib.h>
#include <string.h>

#define LAZY (RW_PEEK && !RW_FREE_THREADED)

/* What the taps of a module are made from. Held by those that are not bound yet. The columns of its sites stay packed
   until a tap is made. */
struct Binding {
    size_t references;
    uint64_t run;
    uint32_t first; /* number of the first site */
    uint32_t count; /* of sites */
    PyObject *packed; /* owned: the columns as bytes, of raceway/model/sitetable.py */
    PyObject *table; /* owned, NULL while packed */
    Columns columns; /* of `table` */
    PyObject *places; /* owned: the list of raceway/model/placeholders.py */
    bool *through; /* by number of the text: whether containers were loaded from attributes of that name */
};

enum { WORD = 8 };

/* Where one tap goes. `held`: how many other taps the site has. */
typedef struct {
    Py_ssize_t constant;
    uint32_t site;
    int role;
    int held;
} Place;

Binding *
binding_hold(Binding *binding)
{
    binding->references++;
    return binding;
}

void
binding_drop(Binding *binding)
{
    if (--binding->references == 0) {
        Py_XDECREF(binding->packed);
        Py_XDECREF(binding->table);
        Py_XDECREF(binding->places);
        free(binding->through);
        free(binding);
    }
}

uint64_t
binding_run(const Binding *binding)
{
    return binding->run;
}

/* Read the columns. No collection is let in: it would run code of the program in the middle of an access. False with an
   exception. */
static bool
open_columns(Binding *binding)
{
    if (binding->table != NULL) {
        return true;
    }
    int collects = PyGC_Disable();
    PyObject *table = PyMarshal_ReadObjectFromString(PyBytes_AS_STRING(binding->packed), PyBytes_GET_SIZE(binding->packed));
    if (collects) {
        PyGC_Enable();
    }
    Columns *columns = &binding->columns;
    if (table == NULL || !columns_read(table, columns) || columns->count != binding->count) {
        goto error;
    }
    Py_ssize_t texts = PyTuple_GET_SIZE(columns->texts);
    if ((binding->through = calloc((size_t)texts + 1, sizeof(bool))) == NULL) {
        PyErr_NoMemory();
        goto error;
    }
    for (Py_ssize_t place = 0; place < columns->count; place++) {
        for (int column = COLUMN_NAME; column <= COLUMN_LABEL; column++) {
            if (text_number(columns, column, place) >= texts) {
                PyErr_SetString(PyExc_TypeError, "the texts of a site table are fewer than its sites name");
                goto error;
            }
        }
        binding->through[text_number(columns, COLUMN_THROUGH, place)] = true;
    }
    binding->table = table;
    Py_CLEAR(binding->packed);
    return true;
error:
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "a site table has other sites than it says");
    }
    Py_XDECREF(table);
    free(binding->through);
    binding->through = NULL;
    return false;
}

static uint64_t
word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if PY_BIG_ENDIAN
    word = __builtin_bswap64(word);
#endif
    return word;
}

static Place
place_at(const uint8_t *at)
{
    static const uint8_t roles[4] = {ROLE_BASE, ROLE_KEY, ROLE_VALUE, ROLE_STATEMENT};
    uint64_t word = word_at(at);
    return (Place){.constant = (Py_ssize_t)(word >> 32), .site = (uint32_t)word & 0xffffff,
                   .role = roles[word >> 24 & 3], .held = (int)(word >> 26 & 3)};
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
    if (site->suspends || site->opens || site->awaits || site->splits || site->given) {
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
make_tap(const Binding *binding, PyCodeObject *code, const Place *place, const Site *site)
{
    int role = place->role, held = place->held;
    uint8_t rank = first_rank(site);
    bool early = site->context == CONTEXT_AUGMENT && role != site->commit && held == 0;
    bool commits = role == site->commit || early;
    bool names_owner = site->form == FORM_ATTRIBUTE &&
                       binding->through[text_number(&binding->columns, COLUMN_NAME, place->site)];
    bool is_head = site->is_head && !(site->form == FORM_ATTRIBUTE && site->context == CONTEXT_AUGMENT);
    bool is_plain = !is_head && !names_owner && rank != RANK_NEVER;
    Tap *tap = PyObject_New(Tap, tap_type(site, role, commits, held, is_plain));
    if (tap == NULL) {
        return NULL;
    }
    memset((char *)tap + sizeof(PyObject), 0, sizeof(Tap) - sizeof(PyObject));
    tap->run = binding->run;
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

/* A tap for this place. Its site is made with the first one that it has; after the end of the run there are no sites, and
   what the tap keeps of it is never asked for. NULL with an exception. */
static PyObject *
tap_for(const Binding *binding, PyCodeObject *code, const Place *place)
{
    Site ended, *site = binding->run == recording ? &sites[binding->first + place->site] : &ended;
    PyObject *tap = NULL;
    if ((site != &ended && site->name != NULL) || site_read(&binding->columns, binding->first, place->site, site)) {
        tap = make_tap(binding, code, place, site);
    }
    if (site == &ended) {
        site_clear(site);
    }
    return tap;
}

/* Make the taps of one code object; `at` is where the list tells of it. A copy of the code may have other constants: its
   taps are put only where they are waited for. False with an exception. */
bool
bind_code(Binding *binding, PyCodeObject *code, const uint8_t *at)
{
    uint64_t taps = word_at(at);
    if (taps != 0 && !open_columns(binding)) {
        return false;
    }
    for (at += WORD; taps != 0; taps--, at += WORD) {
        Place place = place_at(at);
        if (place.constant >= PyTuple_GET_SIZE(code->co_consts)) {
            continue;
        }
        PyObject *before = PyTuple_GET_ITEM(code->co_consts, place.constant);
        if (before != Py_None && !is_unbound(before)) {
            continue;
        }
        PyObject *tap = tap_for(binding, code, &place);
        if (tap == NULL) {
            return false;
        }
        PyTuple_SET_ITEM(code->co_consts, place.constant, tap);
        Py_DECREF(before);
    }
    return true;
}

/* Put taps into the code and into the code in it. `next` is where the list goes on. False with an exception. */
static bool
put_taps(Binding *binding, PyCodeObject *code, const uint8_t **next)
{
    const uint8_t *at = *next, *end = (const uint8_t *)PyBytes_AS_STRING(binding->places) + PyBytes_GET_SIZE(binding->places);
    Py_ssize_t constants = PyTuple_GET_SIZE(code->co_consts);
    if (end - at < WORD || word_at(at) > (uint64_t)(end - at) / WORD - 1) {
        PyErr_SetString(PyExc_TypeError, "the list of places ends before the code does");
        return false;
    }
    *next += WORD * (word_at(at) + 1);
    bool lazy = LAZY;
    for (const uint8_t *word = at + WORD; word < *next; word += WORD) {
        Place place = place_at(word);
        if (place.constant >= constants || place.site >= binding->count) {
            PyErr_SetString(PyExc_TypeError, "the list of places tells of what is not there");
            return false;
        }
        lazy = lazy && (word == at + WORD || unbound_later(place.constant) != NULL);
    }
    if (!lazy && !bind_code(binding, code, at)) {
        return false;
    }
    for (const uint8_t *word = at + WORD; lazy && word < *next; word += WORD) {
        Py_ssize_t constant = place_at(word).constant;
        PyObject *tap = word == at + WORD ? unbound_first(binding, at, constant) : Py_NewRef(unbound_later(constant));
        if (tap == NULL) {
            return false;
        }
        PyObject *before = PyTuple_GET_ITEM(code->co_consts, constant);
        PyTuple_SET_ITEM(code->co_consts, constant, tap);
        Py_DECREF(before);
    }
    for (Py_ssize_t place = 0; place < constants; place++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, place);
        if (PyCode_Check(constant) && !put_taps(binding, (PyCodeObject *)constant, next)) {
            return false;
        }
    }
    return true;
}

/* A binding of what `bind` was given. NULL with an exception. */
static Binding *
binding_make(PyObject *places, Py_ssize_t count, PyObject *packed)
{
    Binding *binding = calloc(1, sizeof(Binding));
    if (binding == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    binding->references = 1;
    binding->run = recording != 0 ? recording : UINT64_MAX; /* bound after the end: never a part of a run */
    binding->places = Py_NewRef(places);
    binding->packed = Py_NewRef(packed);
    binding->count = (uint32_t)count;
    if (!sites_reserve(count, &binding->first)) {
        binding_drop(binding);
        return NULL;
    }
    return binding;
}

/* bind(code, places, count of sites, their columns packed) -> number of the first site. The code is changed in place. */
PyObject *
native_bind(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    Py_ssize_t sites_wanted = count == 4 && PyLong_Check(arguments[2]) ? PyLong_AsSsize_t(arguments[2]) : -1;
    if (sites_wanted < 0 || sites_wanted > INT32_MAX || !PyCode_Check(arguments[0]) || !PyBytes_Check(arguments[1]) ||
        !PyBytes_Check(arguments[3])) {
        PyErr_SetString(PyExc_TypeError, "bind(code, places, count, columns)");
        return NULL;
    }
    PyObject *result = NULL;
    core_lock();
    Binding *binding = binding_make(arguments[1], sites_wanted, arguments[3]);
    if (binding != NULL) {
        const uint8_t *next = (const uint8_t *)PyBytes_AS_STRING(binding->places);
        if (put_taps(binding, (PyCodeObject *)arguments[0], &next)) {
            result = PyLong_FromUnsignedLong(binding->first);
        }
        binding_drop(binding);
    }
    core_unlock();
    return result;
}
