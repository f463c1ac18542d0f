/* Whether a dictionary or set has a key, asked without code of the program: where an entry of equal hash has a key
   whose `__eq__` could be the program's, the answer is that it cannot be told. Without a GIL the container is held still meanwhile.

   The probing is that of Objects/dictobject.c (`do_lookup`) and Objects/setobject.c (`set_lookkey`). */
#include "core.h"

static int
same_key(PyObject *known, PyObject *key)
{
    if (known == key) {
        return 1;
    }
    return key_is_plain(known, 0) ? PyObject_RichCompareBool(known, key, Py_EQ) : -1;
}

#if RW_PEEK

static Py_ssize_t
index_at(const PyDictKeysObject *keys, size_t place)
{
    int log2 = keys->dk_log2_size;
    if (log2 < 8) {
        return ((const int8_t *)keys->dk_indices)[place];
    }
    if (log2 < 16) {
        return ((const int16_t *)keys->dk_indices)[place];
    }
    if (log2 < 32) {
        return ((const int32_t *)keys->dk_indices)[place];
    }
    return (Py_ssize_t)((const int64_t *)keys->dk_indices)[place];
}

static int
dict_has(PyDictObject *dict, PyObject *key)
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (DK_IS_UNICODE(keys)) {
        if (!PyUnicode_CheckExact(key)) {
            return dict->ma_used == 0 ? 0 : -2; /* asked the ordinary way: all keys are strings */
        }
        return -2;
    }
    Py_hash_t hash = PyObject_Hash(key);
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash;
    size_t place = (size_t)hash & mask;
    const PyDictKeyEntry *entries = DK_ENTRIES(keys);
    for (;;) {
        Py_ssize_t index = index_at(keys, place);
        if (index == -1) { /* DKIX_EMPTY */
            return 0;
        }
        if (index >= 0 && entries[index].me_hash == hash) {
            int same = same_key(entries[index].me_key, key);
            if (same != 0) {
                return same;
            }
        }
        perturb >>= 5;
        place = (place * 5 + perturb + 1) & mask;
    }
}

#else

static int
dict_has(PyDictObject *dict, PyObject *key)
{
    (void)dict;
    (void)key;
    return -1;
}

#endif

static int
set_has(PySetObject *set, PyObject *key)
{
    Py_hash_t hash = PyObject_Hash(key);
    size_t mask = (size_t)set->mask;
    size_t perturb = (size_t)hash;
    size_t place = (size_t)hash & mask;
    for (;;) {
        setentry *entry = &set->table[place];
        int probes = place + 9 <= mask ? 9 : 0;
        do {
            if (entry->hash == 0 && entry->key == NULL) {
                return 0;
            }
            if (entry->hash == hash && entry->key != NULL) {
                int same = same_key(entry->key, key);
                if (same != 0) {
                    return same;
                }
            }
            entry++;
        } while (probes--);
        perturb >>= 5;
        place = (place * 5 + 1 + perturb) & mask;
    }
}

/* 1 or 0; -1 where it cannot be told. */
int
has_key(PyObject *base, PyObject *key)
{
    if (!key_is_plain(key, 0)) {
        return -1;
    }
    int found = -1;
    HELD_STILL(base)
    if (PyDict_Check(base)) {
        found = dict_has((PyDictObject *)base, key);
    }
    else if (PyAnySet_Check(base)) {
        found = set_has((PySetObject *)base, key);
    }
    LET_GO
    if (found == -2) {
        found = PyDict_Contains(base, key);
    }
    if (found < 0) {
        PyErr_Clear();
    }
    return found;
}
