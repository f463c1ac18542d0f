/* `dict.get` of CPython 3.13 without a GIL. It holds the dictionary's lock, and its look-up asks for that lock again where
   the dictionary or the value was made by another thread: it then gives up the processor forty times before it sees that
   it holds the lock itself. Beside busy threads that is a quarter of a second for one `get`, and a report, made on a thread
   of its own, has thousands. The look-up needs no lock around it: without that it is the same function. 3.14 has it so. */
#include "core.h"

#if RW_FREE_THREADED && PY_VERSION_HEX < 0x030E0000

static PyObject *(*real_get)(PyObject *, PyObject *const *, Py_ssize_t);

static PyObject *
prompt_get(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (unlikely(count < 1 || count > 2)) {
        return real_get(self, args, count); /* it has the words for it */
    }
    PyObject *found;
    if (PyDict_GetItemRef(self, args[0], &found) != 0) {
        return found; /* NULL with an exception of the key's */
    }
    return Py_NewRef(count == 2 ? args[1] : Py_None);
}

/* From now on, for good: nothing else can be seen of it. */
void
gets_ready(void)
{
    PyObject *method = PyDict_GetItemString(type_dict(&PyDict_Type), "get");
    if (method == NULL || !Py_IS_TYPE(method, &PyMethodDescr_Type)) {
        return;
    }
    PyMethodDef *definition = ((PyMethodDescrObject *)method)->d_method;
    if (definition->ml_flags == METH_FASTCALL) {
        real_get = (PyObject * (*)(PyObject *, PyObject *const *, Py_ssize_t))(void (*)(void)) definition->ml_meth;
        definition->ml_meth = (PyCFunction)(void (*)(void))prompt_get;
    }
}

#else

void
gets_ready(void)
{
}

#endif
