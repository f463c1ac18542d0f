/* What is asked of the file system with every import of a module that is watched: the stored code, whether the source is
   still the one that it was made of, whether it is a link. raceway/files.py and raceway/autoinstrument/cache.py say the
   same; these make no object on the way. A file that cannot be had is no error here. */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <marshal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEAL = 8 };

/* All of a file, NULL when it cannot be read; to be freed with PyMem_RawFree. Called without the GIL. */
static char *
read_all(const char *path, size_t *length)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return NULL;
    }
    struct stat status;
    char *content = NULL;
    if (fstat(file, &status) == 0 && status.st_size > 0 && (content = PyMem_RawMalloc((size_t)status.st_size)) != NULL) {
        *length = 0;
        while (*length < (size_t)status.st_size) { /* what is added meanwhile is not ours: the digest would tell */
            ssize_t got = read(file, content + *length, (size_t)status.st_size - *length);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                break;
            }
            *length += (size_t)got;
        }
    }
    close(file);
    return content;
}

static bool
is_sealed(const char *content, size_t length, PyObject *version)
{
    uint64_t words[2] = {0};
    if (length <= SEAL || PyBytes_GET_SIZE(version) != sizeof(uint64_t)) {
        return false;
    }
    memcpy(&words[0], PyBytes_AS_STRING(version), sizeof(uint64_t));
    words[1] = digest_of((const uint8_t *)content + SEAL, length - SEAL);
    uint64_t seal = digest_of((const uint8_t *)words, sizeof(words));
    return memcmp(content, &seal, SEAL) == 0;
}

/* stored(path, version) -> what a file of the cache holds, None when it is not there, not whole, or of another version. */
PyObject *
native_stored(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    PyObject *path;
    if (count != 2 || !PyBytes_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "stored(path, version)");
        return NULL;
    }
    if (!PyUnicode_FSConverter(arguments[0], &path)) {
        return NULL;
    }
    char *content;
    size_t length = 0;
    Py_BEGIN_ALLOW_THREADS
    content = read_all(PyBytes_AS_STRING(path), &length);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    PyObject *found = NULL;
    if (content != NULL && is_sealed(content, length, arguments[1])) {
        found = PyMarshal_ReadObjectFromString(content + SEAL, (Py_ssize_t)length - SEAL);
    }
    PyMem_RawFree(content);
    if (found == NULL) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    return found;
}

#ifdef __APPLE__
#define MTIME st_mtimespec
#define CTIME st_ctimespec
#else
#define MTIME st_mtim
#define CTIME st_ctim
#endif

static PyObject *
nanoseconds(struct timespec time)
{
    return PyLong_FromLongLong((long long)time.tv_sec * 1000000000 + time.tv_nsec);
}

static bool
ask(PyObject *given, int (*asked)(const char *, struct stat *), struct stat *status)
{
    PyObject *path;
    if (!PyUnicode_FSConverter(given, &path)) {
        PyErr_Clear(); /* a null character in it, say: there is no such file */
        return false;
    }
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = asked(PyBytes_AS_STRING(path), status);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    return !failed;
}

/* stamp(path) -> size, times of the last change of content and of status; None when that cannot be told. */
PyObject *
native_stamp(PyObject *module, PyObject *path)
{
    (void)module;
    struct stat status;
    if (!ask(path, stat, &status)) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("(LNN)", (long long)status.st_size, nanoseconds(status.MTIME), nanoseconds(status.CTIME));
}

/* is_link(path) -> whether it is that of a symbolic link. */
PyObject *
native_is_link(PyObject *module, PyObject *path)
{
    (void)module;
    struct stat status;
    return PyBool_FromLong(ask(path, lstat, &status) && S_ISLNK(status.st_mode));
}
