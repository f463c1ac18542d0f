/* Sites: what the transform says of every tapped place, as far as taps and rules ask. Numbered over all modules of a
   run; raceway/model/sites.py has the meaning of each field. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

Site *sites;
uint32_t sites_count;

static uint32_t capacity;

enum { FLAG_KEYED = 1, FLAG_HEAD = 2, FLAG_RECHECKED = 4, FLAG_DOUBLE_CHECKED = 8 };

static PyObject *
interned(PyObject *text)
{
    Py_INCREF(text);
    PyUnicode_InternInPlace(&text);
    return text;
}

/* One row: (form, context, commit, flags, name, key or ..., through, label, base, heads of regions). */
static bool
read_site(PyObject *row, uint32_t first, Site *site)
{
    int form, context, commit, flags;
    PyObject *name, *key, *through, *label, *base, *heads;
    if (!PyArg_ParseTuple(row, "iiiiUOUUUO!", &form, &context, &commit, &flags, &name, &key, &through, &label, &base,
                          &PyTuple_Type, &heads)) {
        return false;
    }
    Py_ssize_t regions = PyTuple_GET_SIZE(heads);
    *site = (Site){.form = (uint8_t)form, .context = (uint8_t)context, .commit = (uint8_t)commit};
    site->keyed = (flags & FLAG_KEYED) != 0;
    site->is_head = (flags & FLAG_HEAD) != 0;
    site->rechecked = (flags & FLAG_RECHECKED) != 0;
    site->double_checked = (flags & FLAG_DOUBLE_CHECKED) != 0;
    if (regions > 100) {
        regions = 100;
    }
    if (regions != 0 && (site->regions = malloc((size_t)regions * sizeof(RegionOf))) == NULL) {
        PyErr_NoMemory();
        return false;
    }
    site->region_count = (uint8_t)regions;
    for (Py_ssize_t place = 0; place < regions; place++) {
        site->regions[place].head = first + (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(heads, place));
    }
    site->name = interned(name);
    site->key = key == Py_Ellipsis ? NULL : Py_NewRef(key);
    site->through = PyUnicode_GET_LENGTH(through) != 0 ? interned(through) : NULL;
    site->label = interned(label);
    site->is_self = PyUnicode_CompareWithASCIIString(base, "self") == 0;
    return !PyErr_Occurred();
}

/* Add the sites of a module; `first` is the number of the first. False with an exception set. */
bool
sites_add(PyObject *rows, uint32_t *first)
{
    Py_ssize_t count = PyTuple_GET_SIZE(rows);
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
    for (Py_ssize_t place = 0; place < count; place++) {
        Site site;
        if (!read_site(PyTuple_GET_ITEM(rows, place), *first, &site)) {
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
        Py_XDECREF(sites[place].name);
        Py_XDECREF(sites[place].key);
        Py_XDECREF(sites[place].through);
        Py_XDECREF(sites[place].label);
    }
    free(sites);
    sites = NULL;
    sites_count = capacity = 0;
}
