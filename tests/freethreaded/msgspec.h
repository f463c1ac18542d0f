/* Lets msgspec 0.20.0 be compiled for free-threaded CPython 3.13: CFLAGS="-include .../msgspec.h".

   msgspec refuses free-threaded builds older than 3.14. This release asks for 3.14 only where it lays out two static objects, and
   their layout is the same in 3.13t: a flag's field was padding. So the version that msgspec sees is raised, after Python.h
   was read with the real one. The page on it in docs/decisions tells more. */

#include <Python.h>

#if defined(Py_GIL_DISABLED) && PY_VERSION_HEX < 0x030E0000
#undef PY_VERSION_HEX
#define PY_VERSION_HEX 0x030E0000
#define _Py_STATICALLY_ALLOCATED_FLAG 0
#endif
