/* The digest by which a file of the cache is known to be whole: fast, for it is made of megabytes when a large package
   is imported, and no protection against somebody who means harm. Four lanes take eight bytes each in turn. Every step
   can be undone, so a change of one word always shows; others hardly ever fail to. */
#include "core.h"

#include <string.h>

enum { LANES = 4, BLOCK = LANES * (int)sizeof(uint64_t) };

static uint64_t
stirred(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 divided by the golden ratio, odd */
    return lane << 29 | lane >> 35;
}

static inline void
take_block(uint64_t lanes[LANES], const uint8_t *block)
{
    uint64_t words[LANES];
    memcpy(words, block, BLOCK);
    lanes[0] = stirred(lanes[0], words[0]);
    lanes[1] = stirred(lanes[1], words[1]);
    lanes[2] = stirred(lanes[2], words[2]);
    lanes[3] = stirred(lanes[3], words[3]);
}

uint64_t
digest_of(const uint8_t *content, size_t length)
{
    uint64_t lanes[LANES] = {1, 2, 3, 4};
    size_t left = length;
    for (; left >= BLOCK; left -= BLOCK, content += BLOCK) {
        take_block(lanes, content);
    }
    uint8_t rest[BLOCK] = {0};
    memcpy(rest, content, left);
    take_block(lanes, rest);
    uint64_t digest = length; /* which also tells the zeros of the rest from zeros of the content */
    for (int lane = 0; lane < LANES; lane++) {
        digest = stirred(digest, lanes[lane]);
    }
    return stirred(stirred(digest, digest >> 32), 0);
}

/* digest(content) -> eight bytes. */
PyObject *
native_digest(PyObject *module, PyObject *content)
{
    (void)module;
    Py_buffer buffer;
    if (PyObject_GetBuffer(content, &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    uint64_t digest = digest_of(buffer.buf, (size_t)buffer.len);
    PyBuffer_Release(&buffer);
    return PyBytes_FromStringAndSize((const char *)&digest, sizeof(digest));
}
