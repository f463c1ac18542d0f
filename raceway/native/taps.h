/* The slot functions of taps, one for each kind of place at which a tap may stand. */
#ifndef RACEWAY_TAPS_H
#define RACEWAY_TAPS_H

#include "core.h"

PyObject *base_tap(PyObject *self, PyObject *operand);
PyObject *global_tap(PyObject *self, PyObject *operand);
PyObject *holding_tap(PyObject *self, PyObject *operand);
PyObject *revealing_tap(PyObject *self, PyObject *reveal);
PyObject *field_tap(PyObject *self, PyObject *operand);
PyObject *read_tap(PyObject *self, PyObject *operand);
PyObject *write_tap(PyObject *self, PyObject *operand);
PyObject *item_tap(PyObject *self, PyObject *operand);
PyObject *enter_tap(PyObject *self, PyObject *operand);
PyObject *leave_tap(PyObject *self, PyObject *operand);
bool is_leave_tap(PyObject *constant);
#if RW_PEEK
PyObject *key_tap(PyObject *self, PyObject *key);
PyObject *method_key_tap(PyObject *self, PyObject *key);
PyObject *contains_tap(PyObject *self, PyObject *container);
PyObject *augment_tap(PyObject *self, PyObject *value);
PyObject *attribute_call_tap(PyObject *self, PyObject *operand);
PyObject *cell_tap(PyObject *self, PyObject *operand);
#endif

#endif
