/* How the deaths of objects are seen: at the deallocators of those types whose objects have records.

   Instances of classes that are written in Python die through `subtype_dealloc` (Objects/typeobject.c), whose last step
   is the deallocator of the nearest base that has another one: for most that of `object`. So one deallocator that is
   swapped sees them all, after finalizers, callbacks and resurrection. The deallocators of `object`, list and dict are
   swapped when a run starts; those of other types of the interpreter and of its own C modules when the first of their
   objects gets a record, each with a function that knows which one it stands before. Deallocators of anybody else are
   never touched: Cython compares that of a type with its own. When an object of such a type gets a record, the allocator
   of objects is wrapped, which sees all deaths and costs something at each. Records made before have deallocators that
   tell of them.

   Free-threaded builds always wrap the allocator, and of deallocators swap those of list and dict alone, which wait on
   free lists of their own. A block handed to free begins 0, 16 or 32 bytes before the object: with a collector's header
   and with a managed dictionary (Objects/obmalloc.c, Include/internal/pycore_object.h). Free-threaded builds know no
   such header.

   All is put back when the run ends. Another tool may wrap the allocator after us (tracemalloc), and types made meanwhile
   may have inherited a deallocator: then ours stays, and only passes on. */
#include "core.h"

#include <string.h>

#define TRASHCAN_LIMIT 50 /* levels: `_PyTrash_UNWIND_LEVEL` in Objects/object.c */

static inline bool
is_followed(void)
{
    return __atomic_load_n(&identity_running, __ATOMIC_RELAXED);
}

/* --- the allocator ------------------------------------------------------------------------------------------------ */

static PyMemAllocatorEx allocator; /* the one we wrapped */
static bool wrapped;

/* Some object began in this block; or the block ends a MiB, and it may begin in the next. */
static __attribute__((noinline)) void
retire_in_block(uintptr_t address)
{
    for (size_t step = 0; step < BLOCK_STEPS; step++) {
        object_retire(address + 16 * step);
    }
}

static inline uint32_t
known_at(const uint32_t *place)
{
    return __atomic_load_n(place, __ATOMIC_RELAXED);
}

/* Whether it is known at a glance that no object with a record began in the block. */
static inline bool
is_unknown(const void *block)
{
    uintptr_t address = (uintptr_t)block;
    if (likely(identity_shadow != NULL) &&
        likely(__atomic_load_n(&identity_granules[address >> GRANULE_BITS], __ATOMIC_RELAXED) == 0)) {
        return true;
    }
    const uint32_t *shadow = shadow_at(address);
    if (unlikely(shadow == NULL)) {
        return true;
    }
    if (unlikely(identity_shadow == NULL && (address & 0xfffff) > 0xfffff - 16 * (BLOCK_STEPS - 1))) {
        return false;
    }
    return (known_at(shadow) | known_at(shadow + 1) | known_at(shadow + BLOCK_STEPS - 1)) == 0;
}

static inline void
block_freed(void *block)
{
    if (unlikely(!is_unknown(block))) {
        retire_in_block((uintptr_t)block);
    }
}

static __attribute__((noinline)) void
free_known(void *context, void *block)
{
    if (is_followed()) {
        retire_in_block((uintptr_t)block);
    }
    allocator.free(context, block);
}

/* Every object of the program comes by here. */
static void
watching_free(void *context, void *block)
{
    if (likely(is_unknown(block))) { /* nothing is known of NULL */
        allocator.free(context, block);
    }
    else {
        free_known(context, block);
    }
}

static void *
watching_realloc(void *context, void *block, size_t size)
{
#if RW_FREE_THREADED
    /* Afterwards another thread may have made something of the old block. No object that has a record is resized. */
    if (is_followed() && block != NULL) {
        block_freed(block);
    }
    return allocator.realloc(context, block, size);
#else
    void *moved = allocator.realloc(context, block, size);
    if (is_followed() && block != NULL && moved != NULL && moved != block) {
        block_freed(block);
    }
    return moved;
#endif
}

static PyObject *is_tracing; /* owned: the function of tracemalloc */
static bool over_another; /* when we came, tracemalloc was on */

static void
wrap_allocator(void)
{
    PyMemAllocatorEx current;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &current);
    if (current.free != watching_free) {
        PyObject *tracing = is_tracing == NULL ? NULL : PyObject_CallNoArgs(is_tracing);
        over_another = tracing == Py_True;
        Py_XDECREF(tracing);
        allocator = current;
        current.free = watching_free;
        current.realloc = watching_realloc;
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &current);
    }
    wrapped = true;
}

static void
unwrap_allocator(void)
{
    PyMemAllocatorEx current;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &current);
    if (current.free == watching_free) {
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &allocator);
        wrapped = over_another = false;
    }
}

/* A tracemalloc that was started before us puts back, when it stops, the allocator that it had found: ours is out, and
   goes in again. One that was started after us lies over ours and leaves it where it was. */
static PyMethodDef *stop_method;
static PyCFunction real_stop;

static PyObject *
watched_stop(PyObject *module, PyObject *nothing)
{
    PyObject *result = real_stop(module, nothing);
    if (over_another) {
        over_another = false;
        wrapped = false;
        if (identity_running) {
            wrap_allocator();
        }
    }
    return result;
}

static void
watch_tracemalloc(void)
{
    PyObject *module = PyImport_ImportModule("_tracemalloc");
    PyObject *stop = module == NULL ? NULL : PyObject_GetAttrString(module, "stop");
    if (module != NULL && is_tracing == NULL) {
        is_tracing = PyObject_GetAttrString(module, "is_tracing");
    }
    if (is_tracing != NULL && !PyCFunction_CheckExact(is_tracing)) { /* not the function that was there */
        Py_CLEAR(is_tracing);
    }
    if (stop != NULL && PyCFunction_CheckExact(stop)) {
        PyMethodDef *method = ((PyCFunctionObject *)stop)->m_ml;
        if (method->ml_flags == METH_NOARGS && method->ml_meth != watched_stop) {
            stop_method = method;
            real_stop = method->ml_meth;
            method->ml_meth = watched_stop;
        }
    }
    PyErr_Clear();
    Py_XDECREF(stop);
    Py_XDECREF(module);
}

static void
leave_tracemalloc(void)
{
    if (stop_method != NULL && stop_method->ml_meth == watched_stop && !wrapped) {
        stop_method->ml_meth = real_stop;
        stop_method = NULL;
    }
    Py_CLEAR(is_tracing);
}

/* --- deallocators ------------------------------------------------------------------------------------------------- */

/* Containers within containers are let go of level by level until the trashcan takes the rest (Include/cpython/object.h).
   The deallocators of list and dict ask for it only where they are their type's own, which ours are now: so ours ask in
   their place, as they would. */
static __attribute__((noinline)) void
let_go_at_the_limit(PyObject *container, destructor ours, destructor real)
{
    PyObject_GC_UnTrack(container); /* the trashcan has no other place to link them */
    Py_TRASHCAN_BEGIN(container, ours)
    real(container);
    Py_TRASHCAN_END
}

static inline void
let_go_of(PyObject *container, destructor ours, destructor real)
{
#if PY_VERSION_HEX < 0x030D0000 && RW_PEEK
    PyThreadState *state = _PyThreadState_GET();
#if PY_VERSION_HEX < 0x030C0000
    int *nesting = &state->trash_delete_nesting;
    PyObject **later = &state->trash_delete_later;
#else
    int *nesting = &state->trash.delete_nesting;
    PyObject **later = &state->trash.delete_later;
#endif
    if (likely(*nesting < TRASHCAN_LIMIT && Py_TYPE(container)->tp_dealloc == ours)) {
        ++*nesting;
        real(container);
        if (likely(*later == NULL)) {
            --*nesting;
        }
        else {
            _PyTrash_end(state); /* the same, and it lets go of those that wait */
        }
        return;
    }
#endif
    let_go_at_the_limit(container, ours, real);
}

/* The object at this address dies. */
static inline void
object_dies(const void *object)
{
    uintptr_t address = (uintptr_t)object;
    bool none =
        identity_shadow != NULL && __atomic_load_n(&identity_granules[address >> GRANULE_BITS], __ATOMIC_RELAXED) == 0;
    if (!none && is_followed()) {
        object_retire(address);
    }
}

static destructor list_dealloc, dict_dealloc;

static void
watching_list_dealloc(PyObject *list)
{
    object_dies(list);
    let_go_of(list, watching_list_dealloc, list_dealloc);
}

static void
watching_dict_dealloc(PyObject *dict)
{
    object_dies(dict);
    let_go_of(dict, watching_dict_dealloc, dict_dealloc);
}

#define SWAPPED 64 /* types at most at a time */

typedef struct {
    PyTypeObject *type; /* owned where it is made at run time */
    destructor real, ours;
} Swap;

static Swap swaps[SWAPPED];
static size_t swap_count;

/* False when there is no room. */
static bool
swap(PyTypeObject *type, destructor real, destructor ours)
{
    if (swap_count == SWAPPED) {
        return false;
    }
    if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
        Py_INCREF(type);
    }
    swaps[swap_count++] = (Swap){type, real, ours};
    type->tp_dealloc = ours;
    return true;
}

/* Unless somebody has put his own before ours, which then still calls it. */
static bool
swap_always(PyTypeObject *type, destructor *real, destructor ours)
{
    if (*real == NULL) {
        *real = type->tp_dealloc;
    }
    return type->tp_dealloc != *real || swap(type, *real, ours);
}

static void
put_back(void)
{
    while (swap_count != 0) {
        Swap *last = &swaps[--swap_count];
        if (last->type->tp_dealloc == last->ours) {
            last->type->tp_dealloc = last->real;
        }
        if (PyType_HasFeature(last->type, Py_TPFLAGS_HEAPTYPE)) {
            Py_DECREF(last->type);
        }
    }
}

#if RW_FREE_THREADED

void
deaths_follow(PyTypeObject *type)
{
    (void)type;
}

static bool
start_deallocators(void)
{
    wrap_allocator();
    return true;
}

#else

static destructor object_dealloc, exception_dealloc, subtype_dealloc;

static void
watching_object_dealloc(PyObject *object)
{
    object_dies(object);
    object_dealloc(object);
}

/* When a record goes: before the real deallocator; before it, and it uses the trashcan; after it, for it runs code that
   may look at the object, or make it live on without its record, and its last step gives back the memory. */
typedef enum { BEFORE = 1, IN_TURNS, AFTER } When;

typedef struct {
    destructor real; /* for good, once it is given out: types may have inherited ours */
    destructor ours;
    When when;
} Place;

static void
dies_at(PyObject *object, const Place *place)
{
    destructor real = place->real;
    if (place->when == AFTER) {
        real(object);
        object_dies(object);
        return;
    }
    object_dies(object);
    if (place->when == IN_TURNS) {
        let_go_of(object, place->ours, real);
    }
    else {
        real(object);
    }
}

/* A deallocator does not say which one was called, and base ones are called by others: each place has its own function.
   They are counted in octal. */
#define FOUR(each, tens, a, b, c, d) each(tens##a) each(tens##b) each(tens##c) each(tens##d)
#define EIGHT(each, tens) FOUR(each, tens, 0, 1, 2, 3) FOUR(each, tens, 4, 5, 6, 7)
#define ALL(each) EIGHT(each, 0) EIGHT(each, 1) EIGHT(each, 2) EIGHT(each, 3)
#define FUNCTION(number)                                                                                                \
    static void dealloc_##number(PyObject *object)                                                                      \
    {                                                                                                                   \
        dies_at(object, &places[0##number]);                                                                            \
    }
#define PLACE(number) [0##number] = {.ours = dealloc_##number},
#define PLACES 32

#define DECLARED(number) static void dealloc_##number(PyObject *object);
ALL(DECLARED)
static Place places[PLACES] = {ALL(PLACE)};
ALL(FUNCTION)

/* Static types of the interpreter, besides exceptions. */
static const struct {
    PyTypeObject *type;
    When when;
} own_types[] = {
    {&PyType_Type, BEFORE},
    {&PySet_Type, IN_TURNS},
    {&PyFrozenSet_Type, IN_TURNS},
    {&PyFunction_Type, BEFORE},
    {&PyMethod_Type, BEFORE},
    {&PyCFunction_Type, IN_TURNS},
    {&PyCell_Type, BEFORE},
    {&PyModule_Type, BEFORE},
    {&PyByteArray_Type, BEFORE},
    {&PyGen_Type, AFTER},
    {&PyCoro_Type, AFTER},
    {&PyAsyncGen_Type, AFTER},
};

/* Types of its C modules, by the name that the type has, and where they stand. */
static const struct {
    const char *name, *module, *attribute;
    When when;
} module_types[] = {
    {"collections.deque", "_collections", "deque", BEFORE},
    {"_thread.lock", "_thread", "LockType", BEFORE},
    {"_thread.RLock", "_thread", "RLock", BEFORE},
    {"_thread._local", "_thread", "_local", BEFORE},
    {"_queue.SimpleQueue", "_queue", "SimpleQueue", BEFORE},
    {"functools.partial", "_functools", "partial", BEFORE},
    {"functools._lru_cache_wrapper", "_functools", "_lru_cache_wrapper", BEFORE},
    {"_asyncio.Future", "_asyncio", "Future", AFTER},
    {"_asyncio.Task", "_asyncio", "Task", AFTER},
    {"_socket.socket", "_socket", "socket", AFTER},
    {"sqlite3.Connection", "_sqlite3", "Connection", AFTER},
    {"sqlite3.Cursor", "_sqlite3", "Cursor", AFTER},
    {"array.array", "array", "array", BEFORE},
    {"_io.BytesIO", "_io", "BytesIO", AFTER},
    {"_io.StringIO", "_io", "StringIO", AFTER},
    {"_io.TextIOWrapper", "_io", "TextIOWrapper", AFTER},
    {"_io.BufferedReader", "_io", "BufferedReader", AFTER},
    {"_io.BufferedWriter", "_io", "BufferedWriter", AFTER},
};

/* Whether the type is what the module, if it was imported, has under the name. */
static bool
stands_in(const char *name, const char *attribute, const PyTypeObject *type)
{
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), name);
    return module != NULL && PyModule_CheckExact(module) &&
           PyDict_GetItemString(PyModule_GetDict(module), attribute) == (const PyObject *)type;
}

/* When records of such a type's objects can be let go of; 0 when the type is not one of the interpreter's that we know. */
static When
when_of(PyTypeObject *type)
{
    for (size_t number = 0; number < Py_ARRAY_LENGTH(own_types); number++) {
        if (own_types[number].type == type) {
            return own_types[number].when;
        }
    }
    if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) && PyType_IsSubtype(type, (PyTypeObject *)PyExc_BaseException)) {
        /* Those that keep more than any exception have deallocators of their own, without the trashcan. */
        bool plain = type->tp_dealloc == exception_dealloc;
        return !stands_in("builtins", type->tp_name, type) ? 0 : plain ? IN_TURNS : BEFORE;
    }
    for (size_t number = 0; number < Py_ARRAY_LENGTH(module_types); number++) {
        if (strcmp(type->tp_name, module_types[number].name) == 0) {
            bool found = stands_in(module_types[number].module, module_types[number].attribute, type);
            return found ? module_types[number].when : 0;
        }
    }
    return 0;
}

/* Whether its deallocator ends with that of dict, as it finds it at that type. */
static bool
ends_as_dict(const PyTypeObject *type)
{
    return type == &PyODict_Type || (strcmp(type->tp_name, "collections.defaultdict") == 0 &&
                                     stands_in("_collections", "defaultdict", type));
}

static bool
is_ours(destructor dealloc)
{
    if (dealloc == watching_object_dealloc || dealloc == watching_list_dealloc || dealloc == watching_dict_dealloc) {
        return true;
    }
    for (size_t number = 0; number < PLACES; number++) {
        if (dealloc == places[number].ours) {
            return true;
        }
    }
    return false;
}

static bool
swap_one(PyTypeObject *type, When when)
{
    for (size_t number = 0; number < PLACES; number++) {
        Place *place = &places[number];
        if (place->real == NULL || (place->real == type->tp_dealloc && place->when == when)) {
            place->real = type->tp_dealloc;
            place->when = when;
            return swap(type, place->real, place->ours);
        }
    }
    return false;
}

/* Whether deallocators tell of the deaths of the type's objects; if need be from now on. */
static bool
is_told(PyTypeObject *type)
{
    while (type->tp_dealloc == subtype_dealloc && type->tp_base != NULL) {
        type = type->tp_base;
    }
    if (is_ours(type->tp_dealloc) || ends_as_dict(type)) {
        return true;
    }
    When when = when_of(type);
    return when != 0 && swap_one(type, when);
}

/* An object of this type is about to get a record: its death must be seen. */
void
deaths_follow(PyTypeObject *type)
{
    if (!is_told(type) && !wrapped) {
        wrap_allocator();
    }
}

/* That of all classes that are written in Python; of a module that is always there one is known. */
static void
find_subtype_dealloc(void)
{
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "_frozen_importlib");
    PyObject *found = module == NULL || !PyModule_CheckExact(module)
                          ? NULL
                          : PyDict_GetItemString(PyModule_GetDict(module), "ModuleSpec");
    if (found != NULL && PyType_CheckExact(found) && PyType_HasFeature((PyTypeObject *)found, Py_TPFLAGS_HEAPTYPE)) {
        subtype_dealloc = ((PyTypeObject *)found)->tp_dealloc;
    }
}

static bool
start_deallocators(void)
{
    if (subtype_dealloc == NULL) {
        find_subtype_dealloc();
        exception_dealloc = ((PyTypeObject *)PyExc_BaseException)->tp_dealloc;
    }
    return swap_always(&PyBaseObject_Type, &object_dealloc, watching_object_dealloc);
}

#endif

bool
deaths_at_allocator(void)
{
    return wrapped;
}

bool
deaths_start(void)
{
    watch_tracemalloc();
    return swap_always(&PyList_Type, &list_dealloc, watching_list_dealloc) &&
           swap_always(&PyDict_Type, &dict_dealloc, watching_dict_dealloc) && start_deallocators();
}

void
deaths_stop(void)
{
    put_back();
    unwrap_allocator();
    leave_tracemalloc();
}
