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
enum { OPERAND_SELF = 1, OPERAND_LENT = 2, OPERAND_MADE = 4, OPERAND_WAITS = 8, OPERAND_SWITCHES = 16, OPERAND_POLLED = 32,
       OPERAND_GIVEN = 64, OPERAND_ANSWERS = 128 };

static PyObject *
interned(PyObject *text)
{
    Py_INCREF(text);
    if (!PyUnicode_CHECK_INTERNED(text)) {
        PyUnicode_InternInPlace(&text);
    }
    return text;
}

/* Look into the columns of a site table; what is found is borrowed from them. False with an exception. */
bool
columns_read(PyObject *given, Columns *columns)
{
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != COLUMNS || !PyBytes_Check(PyTuple_GET_ITEM(given, 0))) {
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

/* The number of a site's text in one of the columns of texts. */
Py_ssize_t
text_number(const Columns *columns, int column, Py_ssize_t place)
{
    const uint8_t *at = columns->numbers[column] + place * columns->width;
    Py_ssize_t number = at[0] | at[1] << 8;
    if (columns->width == 4) {
        number |= (Py_ssize_t)at[2] << 16 | (Py_ssize_t)at[3] << 24;
    }
    return number;
}

/* The text itself, borrowed. NULL with an exception. */
static PyObject *
text_of(const Columns *columns, int column, Py_ssize_t place)
{
    Py_ssize_t number = text_number(columns, column, place);
    if (number >= PyTuple_GET_SIZE(columns->texts)) {
        PyErr_SetString(PyExc_TypeError, "the texts of a site table are fewer than its sites name");
        return NULL;
    }
    return PyTuple_GET_ITEM(columns->texts, number);
}

static bool
read_regions(PyObject *heads, uint32_t first, Site *site)
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
            (RegionOf){.head = first + (uint32_t)(packed >> 9), .awaits = packed & 1, .takes_back = (packed & 2) != 0,
                       .splits = (packed & 4) != 0, .switches = (packed & 8) != 0, .instead = (packed & 16) != 0,
                       .lent = (packed & 32) != 0, .brings = (packed & 64) != 0,
                       .takes = (packed & 128) != 0, .fills = (packed & 256) != 0};
        site->awaits |= packed & 1;
        site->splits |= (packed & 4) != 0;
        site->takes |= (packed & 128) != 0;
    }
    return !PyErr_Occurred();
}

/* What few sites have. */
static bool
read_others(const Columns *columns, uint32_t first, Py_ssize_t place, Site *site)
{
    if (PyDict_GET_SIZE(columns->literals) == 0 && PyDict_GET_SIZE(columns->heads) == 0) {
        return true;
    }
    PyObject *index = PyLong_FromSsize_t(place);
    if (index == NULL) {
        return false;
    }
    PyObject *key = PyDict_GetItemWithError(columns->literals, index);
    site->key = Py_XNewRef(key);
    PyObject *heads = PyDict_GetItemWithError(columns->heads, index);
    Py_DECREF(index);
    return heads == NULL ? !PyErr_Occurred() : read_regions(heads, first, site);
}

/* Make a site from what the table says of it; `first` is the number of the table's first. False with an exception; what
   the site owns is then for `site_clear` all the same. */
bool
site_read(const Columns *columns, uint32_t first, Py_ssize_t place, Site *site)
{
    uint8_t flags = columns->numbers[COLUMN_FLAGS][place], operand = columns->numbers[COLUMN_OPERAND][place];
    PyObject *name = text_of(columns, COLUMN_NAME, place), *through = text_of(columns, COLUMN_THROUGH, place);
    PyObject *label = text_of(columns, COLUMN_LABEL, place);
    if (name == NULL || through == NULL || label == NULL) {
        *site = (Site){0};
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
        .is_self = (operand & OPERAND_SELF) != 0,
        .lent = (operand & OPERAND_LENT) != 0,
        .made = (operand & OPERAND_MADE) != 0,
        .waits = (operand & OPERAND_WAITS) != 0,
        .switches = (operand & OPERAND_SWITCHES) != 0,
        .polled = (operand & OPERAND_POLLED) != 0,
        .given = (operand & OPERAND_GIVEN) != 0,
        .answers = (operand & OPERAND_ANSWERS) != 0,
    };
    return read_others(columns, first, place, site);
}

void
site_clear(Site *site)
{
    free(site->regions);
    stack_drop(site->stack);
    Py_XDECREF(site->name);
    Py_XDECREF(site->key);
    Py_XDECREF(site->through);
    Py_XDECREF(site->label);
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
    memset(grown + capacity, 0, (wanted - capacity) * sizeof(Site));
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

/* Give out the numbers of so many sites, of which nothing is known yet. False with an exception. */
bool
sites_reserve(Py_ssize_t count, uint32_t *first)
{
    if (sites_count + (size_t)count > capacity) {
        uint32_t grown_capacity = capacity ? capacity : 1024;
        while (grown_capacity < sites_count + (size_t)count) {
            grown_capacity *= 2;
        }
        if (!grow(grown_capacity)) {
            PyErr_NoMemory();
            return false;
        }
    }
    *first = sites_count;
    sites_count += (uint32_t)count;
    return true;
}

/* Add all sites of a table; `first` is the number of the first. False with an exception. */
bool
sites_add(PyObject *table, uint32_t *first)
{
    Columns columns;
    if (!columns_read(table, &columns) || !sites_reserve(columns.count, first)) {
        return false;
    }
    for (Py_ssize_t place = 0; place < columns.count; place++) {
        if (!site_read(&columns, *first, place, &sites[*first + place])) {
            return false;
        }
    }
    return true;
}

void
sites_reset(void)
{
    for (uint32_t place = 0; place < sites_count; place++) {
        if (sites[place].name != NULL) { /* most are of code that never ran */
            site_clear(&sites[place]);
        }
    }
    let_go();
    sites = NULL;
    sites_count = capacity = 0;
}
