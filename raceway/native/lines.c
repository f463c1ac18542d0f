/* The lines of events, for those who make many: the twin of raceway/pipeline/lines.py and of the tag of an access in
   raceway/pipeline/accesstag.py, which say what is written and why. A line is gathered on the stack and copied once. */
#include "core.h"

#include <string.h>
#include <time.h>

enum { SHORT = 4096, DIGITS = 20, STAMP = 32, BEFORE_KIND = 10, TAGGED = 16 };

typedef struct {
    char *at;
    char *end;
    char *heap; /* owned; NULL while what is written fits into `local` */
    char *start;
    char local[SHORT];
} Text;

static void
text_begin(Text *text)
{
    text->heap = NULL;
    text->at = text->start = text->local;
    text->end = text->local + SHORT;
}

static void
text_drop(Text *text)
{
    PyMem_Free(text->heap);
}

/* Have room for so many bytes more. */
static bool
text_room(Text *text, size_t length)
{
    if (likely((size_t)(text->end - text->at) >= length)) {
        return true;
    }
    size_t used = (size_t)(text->at - text->start), size = 2 * (used + length);
    char *grown = PyMem_Realloc(text->heap, size);
    if (grown == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (text->heap == NULL) {
        memcpy(grown, text->local, used);
    }
    text->heap = text->start = grown;
    text->at = grown + used;
    text->end = grown + size;
    return true;
}

static bool
put_bytes(Text *text, const char *bytes, size_t length)
{
    if (!text_room(text, length)) {
        return false;
    }
    memcpy(text->at, bytes, length);
    text->at += length;
    return true;
}

#define PUT(text, literal) put_bytes(text, literal, sizeof(literal) - 1)

static bool
put_text(Text *text, PyObject *value)
{
    if (likely(PyUnicode_CheckExact(value) && PyUnicode_IS_COMPACT_ASCII(value))) {
        return put_bytes(text, (const char *)PyUnicode_DATA(value), (size_t)PyUnicode_GET_LENGTH(value));
    }
    Py_ssize_t length;
    const char *bytes = PyUnicode_AsUTF8AndSize(value, &length); /* TypeError for what is no text */
    return bytes != NULL && put_bytes(text, bytes, (size_t)length);
}

static bool
put_whole(Text *text, long long whole)
{
    char digits[DIGITS];
    char *first = digits + DIGITS;
    unsigned long long rest = whole < 0 ? 0ULL - (unsigned long long)whole : (unsigned long long)whole;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    return (whole >= 0 || PUT(text, "-")) && put_bytes(text, first, (size_t)(digits + DIGITS - first));
}

static bool
put_number(Text *text, PyObject *number)
{
    long long whole = PyLong_AsLongLong(number);
    return !(whole == -1 && PyErr_Occurred()) && put_whole(text, whole);
}

/* A text as it is, or a whole number in decimals. */
static bool
put_piece(Text *text, PyObject *piece)
{
    return PyUnicode_Check(piece) ? put_text(text, piece) : put_number(text, piece);
}

/* A time in nanoseconds since 1970 as RFC 3339 has it, microseconds kept. */
static bool
put_stamp(Text *text, PyObject *nanoseconds)
{
    static _Thread_local long long known = -1;
    static _Thread_local char second_text[STAMP];
    static _Thread_local size_t length;
    long long time = PyLong_AsLongLong(nanoseconds);
    if (time < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "the time is before 1970");
        }
        return false;
    }
    long long second = time / 1000000000;
    if (second != known) {
        time_t since = (time_t)second;
        struct tm parts;
        gmtime_r(&since, &parts);
        length = strftime(second_text, sizeof second_text, "%Y-%m-%dT%H:%M:%S.", &parts);
        known = second;
    }
    char fraction[6];
    unsigned rest = (unsigned)(time % 1000000000 / 1000);
    for (int place = 5; place >= 0; place--) {
        fraction[place] = (char)('0' + rest % 10);
        rest /= 10;
    }
    return put_bytes(text, second_text, length) && put_bytes(text, fraction, sizeof fraction) && PUT(text, "Z");
}

static bool
put_parent(Text *text, PyObject *parent, PyObject *ids)
{
    if (parent == Py_None) {
        return true;
    }
    return PUT(text, ",\"parent_id\":\"") && (PyUnicode_Check(parent) || put_text(text, ids)) &&
           put_piece(text, parent) && PUT(text, "\"");
}

static bool
put_event(Text *text, PyObject *const *part, Py_ssize_t count)
{
    bool done = PUT(text, "{\"trace_id\":\"") && put_text(text, part[0]) && PUT(text, "\",\"causality_vector\":") &&
                put_text(text, part[1]) && put_number(text, part[2]) && put_text(text, part[3]) &&
                PUT(text, ",\"metadata\":") && put_text(text, part[4]) && PUT(text, ",\"lock_set\":") &&
                put_text(text, part[5]) && put_parent(text, part[6], part[7]) && PUT(text, ",\"id\":\"") &&
                put_text(text, part[7]) && put_number(text, part[8]) && PUT(text, "\",\"timestamp\":\"") &&
                put_stamp(text, part[9]) && PUT(text, "\",\"kind\":");
    for (Py_ssize_t place = BEFORE_KIND; done && place < count; place++) {
        done = put_piece(text, part[place]);
    }
    return done && PUT(text, "}");
}

/* event_line(trace_id, own, count, rest, metadata, lock_set, parent, ids, number, nanoseconds, *kind) */
PyObject *
native_event_line(PyObject *module, PyObject *const *part, Py_ssize_t count)
{
    (void)module;
    if (count < BEFORE_KIND) {
        PyErr_SetString(PyExc_TypeError, "an event has ten parts and its kind");
        return NULL;
    }
    Text text;
    text_begin(&text);
    PyObject *line =
        put_event(&text, part, count) ? PyBytes_FromStringAndSize(text.start, text.at - text.start) : NULL;
    text_drop(&text);
    return line;
}

static bool
put_hexadecimal(Text *text, PyObject *number)
{
    unsigned long long rest = PyLong_AsUnsignedLongLong(number);
    if (rest == (unsigned long long)-1 && PyErr_Occurred()) {
        return false;
    }
    char digits[16];
    char *first = digits + sizeof digits;
    do {
        *--first = "0123456789abcdef"[rest & 15];
        rest >>= 4;
    } while (rest != 0);
    return put_bytes(text, first, (size_t)(digits + sizeof digits - first));
}

/* access_tag(row, words): the row is a ToldAccess. */
PyObject *
native_access_tag(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 2 || !PyTuple_Check(arguments[0]) || PyTuple_GET_SIZE(arguments[0]) < TAGGED) {
        PyErr_SetString(PyExc_TypeError, "access_tag(row, words)");
        return NULL;
    }
    PyObject *const *row = &PyTuple_GET_ITEM(arguments[0], 0);
    Text text;
    text_begin(&text);
    bool done = put_number(&text, row[6]) && PUT(&text, ".") && put_number(&text, row[7]) && PUT(&text, ".") &&
                put_hexadecimal(&text, row[8]) && put_text(&text, arguments[1]) && put_number(&text, row[10]);
    long long region = done ? PyLong_AsLongLong(row[12]) : -1;
    if (region >= 0) {
        done = PUT(&text, " ") && put_whole(&text, region) && PUT(&text, " ") && put_number(&text, row[13]) &&
               PUT(&text, " ") && put_number(&text, row[14]);
    }
    done = done && (row[15] != Py_True || PUT(&text, " late"));
    PyObject *tag = done && !PyErr_Occurred() ? PyUnicode_DecodeUTF8(text.start, text.at - text.start, NULL) : NULL;
    text_drop(&text);
    return tag;
}
