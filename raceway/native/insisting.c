/* A signal that ends the program unless it says otherwise has a handler of Python's while Raceway watches, which reports
   first. Such a handler runs when the main thread next looks for signals. Where the signal came just before that thread
   began to wait, or while it waits in C for what is not coming, or at another thread, that may be never.

   So the signal is sent again, at short intervals, until the handler has run: each time the wait is broken off, and
   signals are looked for. A main thread that is in C for longer than patience lasts is ended without a report, as it would
   have been at once without us. Timers are not inherited by forked children: there this begins anew. */
#include "core.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#define EVERY_NS 100000000
#define TIMES 80

static struct sigaction of_python;
static timer_t timer;
static pid_t owner; /* the process that the timer belongs to */
static volatile sig_atomic_t times;

static void
caught(int number)
{
    int before = errno;
    of_python.sa_handler(number);
    if (owner == getpid()) {
        if (times == 0) {
            const struct itimerspec each = {{.tv_nsec = EVERY_NS}, {.tv_nsec = EVERY_NS}};
            (void)timer_settime(timer, 0, &each, NULL);
        }
        if (++times > TIMES) {
            (void)signal(number, SIG_DFL); /* it is blocked meanwhile, and comes when we are through */
            (void)raise(number);
        }
    }
    errno = before;
}
#endif

/* Insist on a signal whose handler is Python's. */
PyObject *
insist(PyObject *Py_UNUSED(module), PyObject *signal_number)
{
    long number = PyLong_AsLong(signal_number);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
#ifdef __linux__
    struct sigaction now;
    if (sigaction((int)number, NULL, &now) != 0 || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN) {
        Py_RETURN_NONE;
    }
    if (owner != getpid()) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = (int)number};
        if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
            Py_RETURN_NONE;
        }
        times = 0;
        owner = getpid();
    }
    if (now.sa_handler != caught) {
        of_python = now;
        now.sa_handler = caught;
        (void)sigaction((int)number, &now, NULL);
    }
#endif
    Py_RETURN_NONE;
}

/* The handler runs. */
PyObject *
insist_no_more(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
#ifdef __linux__
    if (owner == getpid()) {
        const struct itimerspec never = {0};
        (void)timer_settime(timer, 0, &never, NULL);
        times = 0;
    }
#endif
    Py_RETURN_NONE;
}
