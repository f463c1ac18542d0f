/* Threads that switch often, where somebody wants that (`--switching often`): who has let go of a lock of the program lets
   others run for a moment, at each of the first times and then seldom. A switch interval alone does nothing for threads
   that are through before the next one is started. */
#include "core.h"

#include <time.h>

#define AT_FIRST 32
#define SELDOM 64
#define MOMENT_NS 20000

bool lingering;

/* A lock of the program was let go of. */
void
linger(void)
{
    static _Thread_local uint32_t times;
    if (times++ >= AT_FIRST && times % SELDOM != 0) {
        return;
    }
    const struct timespec moment = {.tv_nsec = MOMENT_NS};
    Py_BEGIN_ALLOW_THREADS
    nanosleep(&moment, NULL);
    Py_END_ALLOW_THREADS
}

/* lingering(often): whether threads linger from now on. */
PyObject *
native_lingering(PyObject *module, PyObject *often)
{
    (void)module;
    lingering = often == Py_True;
    Py_RETURN_NONE;
}
