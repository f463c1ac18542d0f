/* Keys that a container no longer has: the twin of raceway/runtime/gonekeys.py, which has the model.

   A cell stays for each key that was ever asked for, as somebody else may ask for it yet. A program that keeps sessions by
   number, or looks for keys that are not there, has ever new ones. So when a table is full that is large already, the keys
   that were there when one was full before, and that the container does not have, are let go of. Of containers whose keys
   cannot be told, as those of weak references are, all old ones are when there are very many. */
#include "core.h"

#include <stdlib.h>

#define LEAST 4096 /* places of a table that is worth it */
#define MOST 65536 /* places of a table of a container whose keys cannot be told */

static void
mark(const Keyed *keyed, uint8_t *present, PyObject *key)
{
    uint64_t number;
    if (key_as_known(key, &number)) {
        uint32_t place = keyed_place(keyed, number);
        if (keyed->entries[place].key != 0) {
            bit_set(present, place);
        }
    }
}

/* Mark the entries whose keys the container has; false where all are to stay: too few of them can have gone. */
static bool
mark_all(PyObject *container, const Keyed *keyed, uint8_t *present)
{
    bool told = keyed->mask + 1 >= MOST;
    Py_ssize_t enough = (Py_ssize_t)keyed->used * 2 / 3;
    HELD_STILL(container)
    if (PyDict_Check(container) && (told = ((PyDictObject *)container)->ma_used <= enough)) {
        PyObject *key, *value;
        Py_ssize_t position = 0;
        while (PyDict_Next(container, &position, &key, &value)) {
            mark(keyed, present, key);
        }
    }
    else if (PyAnySet_Check(container) && (told = PySet_GET_SIZE(container) <= enough)) {
        const PySetObject *set = (PySetObject *)container;
        for (Py_ssize_t place = 0; place <= set->mask; place++) {
            if (set->table[place].key != NULL && set->table[place].hash != -1) { /* -1: there was one */
                mark(keyed, present, set->table[place].key);
            }
        }
    }
    LET_GO
    return told;
}

/* Let go of the cells of keys that are gone, from a table that is full. False where that gives too little room. */
bool
gone_keys_make_room(PyObject *container, Keyed *keyed)
{
    uint32_t size = keyed->mask + 1;
    if (keyed->entries == NULL || size < LEAST) {
        return false;
    }
    uint8_t *present = calloc(1, size / 8 + 1);
    bool room = present != NULL && mark_all(container, keyed, present) && keyed_rebuild(keyed, size, present) &&
                keyed->used * 2 <= size;
    free(present);
    return room;
}
