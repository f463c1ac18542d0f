/* Call stacks, interned: a stack is its innermost frame (code object and offset) on top of the stack of its caller.

   Simple model: walk the frames from the outside in and look up each. In practice most frames are at the instructions
   that the thread saw last, so the outer part of the stack that is as it was is taken from a memo. Every frame is
   compared: one that returned and was entered again from elsewhere may have the same address. Only the frame that was
   looked at last has a mark in it that it loses then, so it may be asked again without a look at its callers. An instruction lies in one
   code object, and those of the memo are alive. Code objects are kept alive by the stacks that name them and are let go
   when nothing of ours runs (`releasing`): their death runs other code. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    PyCodeObject *code; /* owned */
    int32_t offset;
    Stack callers; /* owned */
    uint32_t references;
    uint32_t next; /* of the same hash, or of the free list */
} Node;

static Node *nodes;
static uint32_t node_count, node_capacity, free_nodes;
static uint32_t *buckets;
static uint32_t bucket_mask;

static PyCodeObject **leaving; /* owned code objects to let go of */
static size_t leaving_count, leaving_capacity;
static bool releasing;

static uint32_t
bucket_of(Stack callers, PyCodeObject *code, int offset)
{
    return (uint32_t)mix(((uintptr_t)code >> 4) ^ ((uint64_t)callers << 40) ^ ((uint64_t)(uint32_t)offset << 20)) &
           bucket_mask;
}

static bool
grow(void)
{
    uint32_t capacity = node_capacity ? node_capacity * 2 : 256;
    Node *grown = realloc(nodes, capacity * sizeof(Node));
    if (grown == NULL) {
        return false;
    }
    nodes = grown;
    uint32_t *fresh = calloc(capacity, sizeof(uint32_t));
    if (fresh == NULL) {
        return false;
    }
    free(buckets);
    buckets = fresh;
    bucket_mask = capacity - 1;
    node_capacity = capacity;
    for (uint32_t at = 1; at <= node_count; at++) {
        if (nodes[at].code != NULL) {
            uint32_t bucket = bucket_of(nodes[at].callers, nodes[at].code, nodes[at].offset);
            nodes[at].next = buckets[bucket];
            buckets[bucket] = at;
        }
    }
    return true;
}

/* The stack of a frame on top of its callers, as a new reference. 0 when memory is short. */
Stack
stack_push(Stack callers, PyCodeObject *code, int offset)
{
    if (buckets != NULL) {
        for (uint32_t at = buckets[bucket_of(callers, code, offset)]; at != 0; at = nodes[at].next) {
            if (nodes[at].callers == callers && nodes[at].code == code && nodes[at].offset == offset) {
                nodes[at].references++;
                return at;
            }
        }
    }
    uint32_t found = free_nodes;
    if (found != 0) {
        free_nodes = nodes[found].next;
    }
    else {
        if (node_count + 1 >= node_capacity && !grow()) {
            failures++;
            return 0;
        }
        found = ++node_count;
    }
    uint32_t bucket = bucket_of(callers, code, offset);
    Py_INCREF(code);
    stack_hold(callers);
    nodes[found] = (Node){code, offset, callers, 1, buckets[bucket]};
    buckets[bucket] = found;
    return found;
}

/* Whether this is what `stack_push` would give. */
bool
stack_is(Stack stack, Stack callers, PyCodeObject *code, int offset)
{
    const Node *node = &nodes[stack];
    return stack != 0 && node->callers == callers && node->code == code && node->offset == offset;
}

const PyCodeObject *
stack_code(Stack stack)
{
    return stack == 0 ? NULL : nodes[stack].code;
}

void
stack_hold(Stack stack)
{
    if (stack != 0) {
        nodes[stack].references++;
    }
}

static void
let_go(PyCodeObject *code)
{
    if (Py_REFCNT(code) > 1 || leaving_count == leaving_capacity) {
        if (Py_REFCNT(code) > 1) {
            Py_DECREF(code);
            return;
        }
        size_t capacity = leaving_capacity ? leaving_capacity * 2 : 16;
        PyCodeObject **grown = realloc(leaving, capacity * sizeof(PyCodeObject *));
        if (grown == NULL) {
            return; /* kept for ever rather than let go at the wrong moment */
        }
        leaving = grown;
        leaving_capacity = capacity;
    }
    leaving[leaving_count++] = code;
}

void
stack_drop(Stack stack)
{
    while (stack != 0 && --nodes[stack].references == 0) {
        Node *node = &nodes[stack];
        uint32_t *link = &buckets[bucket_of(node->callers, node->code, node->offset)];
        while (*link != stack) {
            link = &nodes[*link].next;
        }
        *link = node->next;
        let_go(node->code);
        Stack callers = node->callers;
        *node = (Node){NULL, 0, 0, 0, free_nodes};
        free_nodes = stack;
        stack = callers;
    }
}

/* The code objects that nothing names any longer. Called where no structure of ours is half changed. */
static void
release_codes(void)
{
    if (leaving_count == 0 || releasing) {
        return;
    }
    releasing = true;
    while (leaving_count != 0) {
        Py_DECREF(leaving[--leaving_count]);
    }
    releasing = false;
}

#if RW_PEEK

static PyObject *our_folder; /* owned */

/* Whether a frame belongs to what starts the program, not to the program. */
static bool
is_ours(Frame *frame)
{
    PyObject *file = frame_code(frame)->co_filename;
    return PyUnicode_CompareWithASCIIString(file, "<frozen runpy>") == 0 ||
           (our_folder != NULL && PyUnicode_Tailmatch(file, our_folder, 0, PY_SSIZE_T_MAX, -1) == 1);
}

/* Where the program begins: the outermost frames are those of the command line, which stay as they are. */
static void
find_base(StackMemo *memo, Frame *frame)
{
    Frame *frames[STACK_DEPTH];
    int depth = 0;
    for (; frame != NULL; frame = frame_skip(frame->previous)) {
        if (depth == STACK_DEPTH) {
            return; /* too deep to tell: looked for again another time */
        }
        frames[depth++] = frame;
    }
    memo->base_known = true;
    while (depth-- > 0 && is_ours(frames[depth])) {
        memo->base = frames[depth];
    }
}

/* The callers of `frame`, innermost first; of very deep stacks half, so that what is left out changes less often. */
static int
walk(StackMemo *memo, Frame *frame, Frame **callers, int limit)
{
    int depth = 0;
    if (unlikely(!memo->base_known)) {
        find_base(memo, frame);
    }
    for (frame = frame_skip(frame->previous); frame != NULL; frame = frame_skip(frame->previous)) {
        if (frame == memo->base) {
            return depth;
        }
        if (depth == limit) {
            return limit == STACK_DEPTH - 1 ? STACK_DEPTH / 2 : limit;
        }
        callers[depth++] = frame;
    }
    return depth;
}

/* Whether the callers of `frame` are where the `level` outermost ones of before were. Whole stacks that are too deep are
   always walked. */
static inline bool
are_as_before(const StackMemo *memo, Frame *frame, int level, int limit)
{
    frame = frame_skip(frame->previous);
    while (level > 0 && frame != NULL && memo->levels[level - 1].instruction == frame_instruction(frame)) {
        level--;
        frame = frame_skip(frame->previous);
    }
    bool cut = limit == memo->depth && limit < STACK_DEPTH - 1;
    return level == 0 && memo->base_known && (frame == memo->base || cut);
}

/* Mostly a function is called by the same caller from another place. False when more than that is new. */
static bool
caller_moved(StackMemo *memo, Frame *frame, int limit)
{
    Frame *caller = frame_skip(frame->previous);
    if (memo->depth == 0 || caller == NULL || caller == memo->base ||
        !are_as_before(memo, caller, memo->depth - 1, limit)) {
        return false;
    }
    Stack outer = memo->depth == 1 ? 0 : memo->levels[memo->depth - 2].stack;
    Stack found = stack_push(outer, frame_code(caller), frame_offset(caller));
    memo->levels[memo->depth - 1] = (StackLevel){caller, frame_instruction(caller), found};
    stack_drop(memo->callers);
    memo->callers = found;
    return true;
}

/* The stack of the callers of `frame`, borrowed from the memo. */
static __attribute__((noinline)) Stack
callers_anew(StackMemo *memo, Frame *frame, int limit)
{
    if (unlikely(leaving_count > 256)) {
        release_codes();
    }
    if (caller_moved(memo, frame, limit)) {
        return memo->callers;
    }
    Frame *callers[STACK_DEPTH];
    int depth = walk(memo, frame, callers, limit), same = 0;
    while (same < depth && same < memo->depth &&
           memo->levels[same].instruction == frame_instruction(callers[depth - 1 - same])) {
        same++;
    }
    if (same == depth && same == memo->depth) {
        return memo->callers;
    }
    Stack found = same == 0 ? 0 : memo->levels[same - 1].stack;
    stack_hold(found);
    for (; same < depth; same++) {
        Frame *caller = callers[depth - 1 - same];
        Stack inner = stack_push(found, frame_code(caller), frame_offset(caller));
        stack_drop(found); /* the inner one holds it */
        found = inner;
        memo->levels[same] = (StackLevel){caller, frame_instruction(caller), found};
    }
    stack_drop(memo->callers);
    memo->callers = found;
    memo->depth = depth;
    return found;
}

Stack
stack_callers(StackMemo *memo, Frame *frame, int limit)
{
    if (memo->marked == frame && frame_is_marked(frame)) {
        return memo->callers;
    }
    Stack found = likely(are_as_before(memo, frame, memo->depth, limit)) ? memo->callers : callers_anew(memo, frame, limit);
    memo->marked = NULL;
    if (limit == STACK_DEPTH - 1) { /* one memo only: another would take its mark for its own */
        frame_mark(frame);
        memo->marked = frame;
    }
    return found;
}

#else

static PyObject *our_folder; /* owned; not needed here */

Frame *
current_frame(void)
{
    return (Frame *)PyEval_GetFrame();
}

Frame *
frame_outer(Frame *frame)
{
    PyFrameObject *outer = PyFrame_GetBack((PyFrameObject *)frame);
    Py_XDECREF(outer); /* the inner frame holds it */
    return (Frame *)outer;
}

PyCodeObject *
frame_code(Frame *frame)
{
    PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)frame);
    Py_DECREF(code); /* the frame holds it */
    return code;
}

const void *
frame_instruction(Frame *frame)
{
    return (const void *)((uintptr_t)frame_code(frame) + (uintptr_t)frame_offset(frame));
}

int
frame_offset(Frame *frame)
{
    return PyFrame_GetLasti((PyFrameObject *)frame);
}

Stack
stack_callers(StackMemo *memo, Frame *frame, int limit)
{
    release_codes();
    stack_memo_clear(memo);
    PyFrameObject *frames[STACK_DEPTH];
    int depth = 0;
    for (PyFrameObject *at = PyFrame_GetBack((PyFrameObject *)frame); at != NULL && depth < limit;) {
        frames[depth++] = at;
        at = PyFrame_GetBack(at);
    }
    Stack found = 0;
    for (int level = depth - 1; level >= 0; level--) {
        Stack inner = stack_push(found, frame_code((Frame *)frames[level]), frame_offset((Frame *)frames[level]));
        stack_drop(found);
        found = inner;
        Py_DECREF(frames[level]);
    }
    memo->callers = found;
    return found;
}

#endif

/* The stack from `frame` outwards, as a new reference. */
Stack
stack_whole(Thread *thread, Frame *frame)
{
    Stack callers = stack_callers(&thread->memo, frame, STACK_DEPTH - 1);
    return stack_push(callers, frame_code(frame), frame_offset(frame));
}

/* Where files of Raceway lie: frames of theirs at the bottom of a stack are not the program's. */
void
stacks_start(PyObject *folder)
{
    Py_XSETREF(our_folder, Py_XNewRef(folder));
}

void
stack_memo_clear(StackMemo *memo)
{
    memo->base = NULL;
    memo->base_known = false;
    memo->marked = NULL;
    stack_drop(memo->callers);
    memo->callers = 0;
    memo->depth = 0;
    memo->access = 0;
}

/* The stack as people's tools want it: ((code, offset), ...), innermost first. */
PyObject *
stack_tuple(Stack stack)
{
    Py_ssize_t depth = 0;
    for (Stack at = stack; at != 0; at = nodes[at].callers) {
        depth++;
    }
    PyObject *found = PyTuple_New(depth);
    for (Py_ssize_t place = 0; found != NULL && place < depth; place++, stack = nodes[stack].callers) {
        PyObject *pair = Py_BuildValue("(Oi)", (PyObject *)nodes[stack].code, (int)nodes[stack].offset);
        if (pair == NULL) {
            Py_DECREF(found);
            return NULL;
        }
        PyTuple_SET_ITEM(found, place, pair);
    }
    return found;
}

void
stacks_reset(void)
{
    for (uint32_t at = 1; at <= node_count; at++) {
        if (nodes[at].code != NULL) {
            let_go(nodes[at].code);
        }
    }
    free(nodes);
    free(buckets);
    nodes = NULL;
    buckets = NULL;
    node_count = node_capacity = free_nodes = bucket_mask = 0;
    release_codes();
    free(leaving);
    leaving = NULL;
    leaving_count = leaving_capacity = 0;
}
