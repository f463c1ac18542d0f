/* Sites: what the transform says of every tapped place, as far as taps and rules ask. Numbered over all modules of a
   run; raceway/model/sites.py has the meaning of each field. */
#include "core.h"

#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

Site *sites;
uint32_t sites_count;

static uint32_t capacity;

enum { FLAG_KEYED = 1, FLAG_HEAD = 2, FLAG_RECHECKED = 4, FLAG_DOUBLE_CHECKED = 8, FLAG_FLAG = 32,
       FLAG_SUSPENDS = 64, FLAG_OPENS = 128 };

static PyObject *
interned(PyObject *text)
{
    Py_INCREF(text);
    if (!PyUnicode_CHECK_INTERNED(text)) {
        PyUnicode_InternInPlace(&text);
    }
    return text;
}

/* The columns of a site table, in the order of raceway/model/sitetable.py. */
enum { COLUMN_FORM, COLUMN_CONTEXT, COLUMN_COMMIT, COLUMN_FLAGS, COLUMN_SELF, COLUMN_TEXTS, COLUMN_NAME,
       COLUMN_THROUGH, COLUMN_LABEL, COLUMN_LITERALS, COLUMN_HEADS, COLUMNS };

typedef struct {
    Py_ssize_t count;
    const uint8_t *numbers[COLUMNS]; /* of the columns that are bytes */
    Py_ssize_t width; /* bytes of the number of a text */
    PyObject *texts;
    PyObject *literals;
    PyObject *heads;
} Columns;

static bool
check_columns(PyObject *given, Columns *columns)
{
    if (PyTuple_GET_SIZE(given) != COLUMNS || !PyBytes_Check(PyTuple_GET_ITEM(given, 0))) {
        goto error;
    }
    columns->count = PyBytes_GET_SIZE(PyTuple_GET_ITEM(given, 0));
    for (Py_ssize_t place = 0; place < COLUMN_LITERALS; place++) {
        PyObject *column = PyTuple_GET_ITEM(given, place);
        if (place == COLUMN_TEXTS) {
            continue;
        }
        if (!PyBytes_Check(column)) {
            goto error;
        }
        if (place == COLUMN_NAME) {
            columns->width = PyBytes_GET_SIZE(column) == 4 * columns->count ? 4 : 2;
        }
        if (PyBytes_GET_SIZE(column) != (place < COLUMN_TEXTS ? 1 : columns->width) * columns->count) {
            goto error;
        }
        columns->numbers[place] = (const uint8_t *)PyBytes_AS_STRING(column);
    }
    columns->texts = PyTuple_GET_ITEM(given, COLUMN_TEXTS);
    columns->literals = PyTuple_GET_ITEM(given, COLUMN_LITERALS);
    columns->heads = PyTuple_GET_ITEM(given, COLUMN_HEADS);
    if (!PyTuple_Check(columns->texts) || !PyDict_Check(columns->literals) || !PyDict_Check(columns->heads)) {
        goto error;
    }
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(columns->texts); place++) {
        if (!PyUnicode_Check(PyTuple_GET_ITEM(columns->texts, place))) {
            goto error;
        }
    }
    return true;
error:
    PyErr_SetString(PyExc_TypeError, "the columns of a site table: see raceway/model/sitetable.py");
    return false;
}

/* The text of a site in one of the columns of texts, borrowed. NULL with an exception. */
static PyObject *
text_of(const Columns *columns, int column, Py_ssize_t place)
{
    const uint8_t *at = columns->numbers[column] + place * columns->width;
    Py_ssize_t number = at[0] | at[1] << 8;
    if (columns->width == 4) {
        number |= (Py_ssize_t)at[2] << 16 | (Py_ssize_t)at[3] << 24;
    }
    if (number >= PyTuple_GET_SIZE(columns->texts)) {
        PyErr_SetString(PyExc_TypeError, "the texts of a site table are fewer than its sites name");
        return NULL;
    }
    return PyTuple_GET_ITEM(columns->texts, number);
}

static bool
read_regions(PyObject *heads, uint32_t first, uint32_t added, Site *site)
{
    Py_ssize_t count = PyTuple_Check(heads) ? PyTuple_GET_SIZE(heads) : 0;
    count = count > INT8_MAX ? INT8_MAX : count;
    if (count == 0) {
        return true;
    }
    if ((site->regions = malloc((size_t)count * sizeof(RegionOf))) == NULL) {
        PyErr_NoMemory();
        return false;
    }
    site->region_count = (uint8_t)count;
    for (Py_ssize_t place = 0; place < count; place++) {
        unsigned long packed = PyLong_AsUnsignedLong(PyTuple_GET_ITEM(heads, place));
        site->regions[place] =
            (RegionOf){.head = first + (uint32_t)(packed >> 6), .awaits = packed & 1, .takes_back = (packed & 2) != 0,
                       .splits = (packed & 4) != 0, .switches = (packed & 8) != 0, .instead = (packed & 16) != 0,
                       .lent = (packed & 32) != 0};
        if ((packed & 8) != 0 && packed >> 6 < added) {
            sites[first + (packed >> 6)].switches = true;
        }
        site->awaits |= packed & 1;
    }
    return !PyErr_Occurred();
}

static bool
read_site(const Columns *columns, Py_ssize_t place, Site *site)
{
    uint8_t flags = columns->numbers[COLUMN_FLAGS][place];
    PyObject *name = text_of(columns, COLUMN_NAME, place), *through = text_of(columns, COLUMN_THROUGH, place);
    PyObject *label = text_of(columns, COLUMN_LABEL, place);
    if (name == NULL || through == NULL || label == NULL) {
        return false;
    }
    *site = (Site){
        .form = columns->numbers[COLUMN_FORM][place],
        .context = columns->numbers[COLUMN_CONTEXT][place],
        .commit = columns->numbers[COLUMN_COMMIT][place],
        .keyed = (flags & FLAG_KEYED) != 0,
        .is_head = (flags & FLAG_HEAD) != 0,
        .rechecked = (flags & FLAG_RECHECKED) != 0,
        .double_checked = (flags & FLAG_DOUBLE_CHECKED) != 0,
        .flag = (flags & FLAG_FLAG) != 0,
        .suspends = (flags & FLAG_SUSPENDS) != 0,
        .opens = (flags & FLAG_OPENS) != 0,
        .name = interned(name),
        .through = PyUnicode_GET_LENGTH(through) != 0 ? interned(through) : NULL,
        .label = Py_NewRef(label),
        .is_self = (columns->numbers[COLUMN_SELF][place] & 1) != 0,
        .lent = (columns->numbers[COLUMN_SELF][place] & 2) != 0,
        .made = (columns->numbers[COLUMN_SELF][place] & 4) != 0,
        .waits = (columns->numbers[COLUMN_SELF][place] & 8) != 0,
    };
    return true;
}

/* The site that a key of a dictionary of columns means, NULL with an exception. */
static Site *
site_of(PyObject *index, uint32_t first, Py_ssize_t count)
{
    Py_ssize_t place = PyLong_Check(index) ? PyLong_AsSsize_t(index) : -1;
    if (place < 0 || place >= count) {
        PyErr_SetString(PyExc_TypeError, "a site table tells of a site that it does not have");
        return NULL;
    }
    return &sites[first + (uint32_t)place];
}

/* What few sites have: literal keys, and regions. */
static bool
read_others(const Columns *columns, uint32_t first)
{
    PyObject *index, *value;
    for (Py_ssize_t at = 0; PyDict_Next(columns->literals, &at, &index, &value);) {
        Site *site = site_of(index, first, columns->count);
        if (site == NULL) {
            return false;
        }
        Py_XSETREF(site->key, Py_NewRef(value));
    }
    for (Py_ssize_t at = 0; PyDict_Next(columns->heads, &at, &index, &value);) {
        Site *site = site_of(index, first, columns->count);
        if (site == NULL || !read_regions(value, first, (uint32_t)columns->count, site)) {
            return false;
        }
    }
    return true;
}

#ifdef __linux__

/* There are megabytes of them: pages change their place, nothing is copied. */
static bool
grow(uint32_t wanted)
{
    size_t size = capacity * sizeof(Site), grown_size = wanted * sizeof(Site);
    void *grown = sites != NULL ? mremap(sites, size, grown_size, MREMAP_MAYMOVE)
                                : mmap(NULL, grown_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (grown == MAP_FAILED) {
        return false;
    }
    sites = grown;
    capacity = wanted;
    return true;
}

static void
let_go(void)
{
    if (sites != NULL) {
        munmap(sites, capacity * sizeof(Site));
    }
}

#else

static bool
grow(uint32_t wanted)
{
    Site *grown = realloc(sites, wanted * sizeof(Site));
    if (grown == NULL) {
        return false;
    }
    sites = grown;
    capacity = wanted;
    return true;
}

static void
let_go(void)
{
    free(sites);
}

#endif

/* Add the sites of a module; `first` is the number of the first, `count` how many there are. False with an exception. */
bool
sites_add(PyObject *given, uint32_t *first, uint32_t *added)
{
    Columns columns;
    if (!check_columns(given, &columns)) {
        return false;
    }
    if (sites_count + (size_t)columns.count > capacity) {
        uint32_t grown_capacity = capacity ? capacity : 1024;
        while (grown_capacity < sites_count + (size_t)columns.count) {
            grown_capacity *= 2;
        }
        if (!grow(grown_capacity)) {
            PyErr_NoMemory();
            return false;
        }
    }
    *first = sites_count;
    *added = (uint32_t)columns.count;
    for (Py_ssize_t place = 0; place < columns.count; place++) {
        if (!read_site(&columns, place, &sites[sites_count])) {
            return false;
        }
        sites_count++;
    }
    return read_others(&columns, *first);
}

void
sites_reset(void)
{
    for (uint32_t place = 0; place < sites_count; place++) {
        free(sites[place].regions);
        stack_drop(sites[place].stack);
        Py_XDECREF(sites[place].name);
        Py_XDECREF(sites[place].key);
        Py_XDECREF(sites[place].through);
        Py_XDECREF(sites[place].label);
    }
    let_go();
    sites = NULL;
    sites_count = capacity = 0;
}
