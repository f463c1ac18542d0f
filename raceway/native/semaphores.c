/* Semaphores: of the model in raceway/sync/semaphores.py, C has the question which are quiet, as the one that counts the
   idle workers of a pool is at every job; all others are told by the model in Python. */
#include "core.h"

/* The counter is about to change, for the first time when `old` is NULL. False: Python tells. */
bool
semaphore_counting(PyObject *semaphore, PyObject *old, PyObject *value)
{
    (void)value;
    if (old != NULL) {
        core_lock();
        Object *object = object_find(semaphore);
        bool quiet = object != NULL && object->extra != NULL && object->extra->quiet;
        core_unlock();
        return quiet;
    }
    if (!is_quiet(module_of(asker_of_semaphore(current_frame())))) {
        return false;
    }
    core_lock();
    Object *object = object_of(semaphore);
    Extra *extra = object == NULL ? NULL : object_extra(object);
    if (extra != NULL) {
        extra->quiet = true;
    }
    core_unlock();
    return extra != NULL;
}
