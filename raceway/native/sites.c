/* Sites: what the transform says of every tapped place, as far as taps and rules ask. Numbered over all modules of a
   run; raceway/model/sites.py has the meaning of each field. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

Site *sites;
uint32_t sites_count;

static uint32_t capacity;

enum { FLAG_KEYED = 1, FLAG_HEAD = 2, FLAG_RECHECKED = 4, FLAG_DOUBLE_CHECKED = 8, FLAG_SUSPENDS = 64,
       FLAG_OPENS = 128 };

static PyObject *
interned(PyObject *text)
{
    Py_INCREF(text);
    PyUnicode_InternInPlace(&text);
    return text;
}

/* The columns of a site table, in the order of raceway/model/sitetable.py: four of numbers, one byte a site, and tuples
   of names, literal keys (`...` without), attributes that operands came from, labels, operands, heads of regions. */
enum { COLUMN_NAME = 4, COLUMN_KEY, COLUMN_THROUGH, COLUMN_LABEL, COLUMN_BASE, COLUMN_HEADS, COLUMNS };

static bool
check_columns(PyObject *columns, Py_ssize_t *count)
{
    if (PyTuple_GET_SIZE(columns) != COLUMNS || !PyBytes_Check(PyTuple_GET_ITEM(columns, 0))) {
        goto error;
    }
    *count = PyBytes_GET_SIZE(PyTuple_GET_ITEM(columns, 0));
    for (Py_ssize_t place = 0; place < COLUMNS; place++) {
        PyObject *column = PyTuple_GET_ITEM(columns, place);
        bool right = place < COLUMN_NAME ? PyBytes_Check(column) : PyTuple_Check(column);
        if (!right || Py_SIZE(column) != *count) {
            goto error;
        }
    }
    return true;
error:
    PyErr_SetString(PyExc_TypeError, "the columns of a site table: four of bytes and six of tuples, of one length");
    return false;
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
            (RegionOf){.head = first + (uint32_t)(packed >> 3), .awaits = packed & 1, .takes_back = (packed & 2) != 0,
                       .splits = (packed & 4) != 0};
        site->awaits |= packed & 1;
    }
    return !PyErr_Occurred();
}

static bool
read_site(PyObject *columns, Py_ssize_t place, uint32_t first, Site *site)
{
#define NUMBER(column) ((uint8_t)PyBytes_AS_STRING(PyTuple_GET_ITEM(columns, column))[place])
#define VALUE(column) PyTuple_GET_ITEM(PyTuple_GET_ITEM(columns, column), place)
    uint8_t flags = NUMBER(3);
    PyObject *name = VALUE(COLUMN_NAME), *through = VALUE(COLUMN_THROUGH), *label = VALUE(COLUMN_LABEL);
    PyObject *key = VALUE(COLUMN_KEY), *base = VALUE(COLUMN_BASE);
    if (!PyUnicode_Check(name) || !PyUnicode_Check(through) || !PyUnicode_Check(label) || !PyUnicode_Check(base)) {
        PyErr_SetString(PyExc_TypeError, "names of sites are strings");
        return false;
    }
    *site = (Site){.form = NUMBER(0), .context = NUMBER(1), .commit = NUMBER(2)};
    site->keyed = (flags & FLAG_KEYED) != 0;
    site->is_head = (flags & FLAG_HEAD) != 0;
    site->rechecked = (flags & FLAG_RECHECKED) != 0;
    site->double_checked = (flags & FLAG_DOUBLE_CHECKED) != 0;
    site->suspends = (flags & FLAG_SUSPENDS) != 0;
    site->opens = (flags & FLAG_OPENS) != 0;
    site->name = interned(name);
    site->key = key == Py_Ellipsis ? NULL : Py_NewRef(key);
    site->through = PyUnicode_GET_LENGTH(through) != 0 ? interned(through) : NULL;
    site->label = Py_NewRef(label);
    site->is_self = PyUnicode_CompareWithASCIIString(base, "self") == 0;
    return read_regions(VALUE(COLUMN_HEADS), first, site);
#undef NUMBER
#undef VALUE
}

/* Add the sites of a module; `first` is the number of the first, `count` how many there are. False with an exception. */
bool
sites_add(PyObject *columns, uint32_t *first, uint32_t *added)
{
    Py_ssize_t count;
    if (!check_columns(columns, &count)) {
        return false;
    }
    if (sites_count + (size_t)count > capacity) {
        uint32_t grown_capacity = capacity ? capacity : 256;
        while (grown_capacity < sites_count + (size_t)count) {
            grown_capacity *= 2;
        }
        Site *grown = realloc(sites, grown_capacity * sizeof(Site));
        if (grown == NULL) {
            PyErr_NoMemory();
            return false;
        }
        sites = grown;
        capacity = grown_capacity;
    }
    *first = sites_count;
    *added = (uint32_t)count;
    for (Py_ssize_t place = 0; place < count; place++) {
        Site site;
        if (!read_site(columns, place, *first, &site)) {
            return false;
        }
        sites[sites_count++] = site;
    }
    return true;
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
    free(sites);
    sites = NULL;
    sites_count = capacity = 0;
}
