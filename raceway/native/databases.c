/* Databases in a file: the twin of raceway/sync/databases.py, which says what it models and why. What was committed to a
   file is known by its path in Python, and stands in the records of the connections to it. */
#include "core.h"

#include <string.h>

#define NAMES 4096 /* of files at most, that are known without asking Python where they lead */

/* --- What was committed to a file ----------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    uint64_t run; /* 0: none */
    uint64_t sync;
} DatabaseFile;

static PyObject *
file_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    static PyObject *kind;
    if (!PyArg_ParseTuple(args, "") || (kind == NULL && (kind = PyUnicode_InternFromString("database")) == NULL)) {
        return NULL;
    }
    DatabaseFile *file = (DatabaseFile *)type->tp_alloc(type, 0);
    if (file != NULL && core_enter(0)) {
        file->run = recording;
        file->sync = tell_new(kind, NULL, 0);
        core_unlock();
    }
    return (PyObject *)file;
}

static void
file_dealloc(DatabaseFile *file)
{
    if (file->run != 0 && core_enter(file->run)) {
        sync_retire(file->sync);
        core_unlock();
    }
    Py_TYPE(file)->tp_free((PyObject *)file);
}

static PyTypeObject DatabaseFile_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.DatabaseFile",
    .tp_basicsize = sizeof(DatabaseFile),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = file_new,
    .tp_dealloc = (destructor)file_dealloc,
};

/* With the core locked: what is known of a connection to a file, NULL of any other. */
static Extra *
known_connection(PyObject *connection)
{
    Object *object = object_find(connection);
    return object == NULL || object->extra == NULL || object->extra->database == NULL ? NULL : object->extra;
}

static uint64_t
sync_of(const Extra *extra)
{
    return ((DatabaseFile *)extra->database)->sync;
}

/* --- What a statement is -------------------------------------------------------------------------------------------- */

typedef enum { OTHER, LOOKING, NEUTRAL, CHANGING, ENDING, BEGINNING } Kind;

#define LONGEST 12

/* In capitals, with zeroes behind it. */
typedef struct {
    char letters[LONGEST];
} Word;

static const Word immediate = {"IMMEDIATE"}, exclusive = {"EXCLUSIVE"};

static const struct {
    Word word;
    Kind kind;
} kinds[] = {
    {{"SELECT"}, LOOKING},   {{"INSERT"}, CHANGING},   {{"UPDATE"}, CHANGING}, {{"DELETE"}, CHANGING},
    {{"PRAGMA"}, NEUTRAL},   {{"BEGIN"}, BEGINNING},   {{"COMMIT"}, ENDING},   {{"ROLLBACK"}, NEUTRAL},
    {{"WITH"}, LOOKING},     {{"REPLACE"}, CHANGING},  {{"END"}, ENDING},      {{"RELEASE"}, ENDING},
    {{"VALUES"}, LOOKING},   {{"SAVEPOINT"}, NEUTRAL}, {{"ATTACH"}, NEUTRAL},  {{"DETACH"}, NEUTRAL},
    {{"EXPLAIN"}, NEUTRAL},
};

typedef struct {
    int width;
    const void *letters;
    Py_ssize_t length;
    Py_ssize_t place;
} Text;

static inline Py_UCS4
letter_at(const Text *text, Py_ssize_t place)
{
    return place < text->length ? PyUnicode_READ(text->width, text->letters, place) : 0;
}

static inline bool
begins_with(const Text *text, char first, char second)
{
    return letter_at(text, text->place) == (Py_UCS4)first && letter_at(text, text->place + 1) == (Py_UCS4)second;
}

static void
pass_space(Text *text)
{
    while (text->place < text->length && Py_UNICODE_ISSPACE(letter_at(text, text->place))) {
        text->place++;
    }
}

/* Pass by a comment that has begun; one without an end takes the rest. */
static void
pass_comment(Text *text)
{
    bool is_line = letter_at(text, text->place) == '-';
    for (text->place += 2; text->place < text->length; text->place++) {
        if (is_line ? letter_at(text, text->place) == '\n' : begins_with(text, '*', '/')) {
            text->place += is_line ? 1 : 2;
            return;
        }
    }
}

/* A longer one than any that means something is cut off. */
static Word
word_taken(Text *text)
{
    Word word = {""};
    for (int count = 0;; count++, text->place++) {
        Py_UCS4 lower = letter_at(text, text->place) | 0x20;
        if (lower < 'a' || lower > 'z') {
            return word;
        }
        if (count < LONGEST) {
            word.letters[count] = (char)(lower - 'a' + 'A');
        }
    }
}

static inline bool
is_word(const Word *word, const Word *known)
{
    return memcmp(word, known, sizeof *word) == 0;
}

/* The first two words of a statement, as far as there are any. False with an error set. */
static bool
statement_begins(PyObject *sql, Word *first, Word *second)
{
    Text text = {.length = PyUnicode_GetLength(sql)};
    if (text.length < 0) {
        return false;
    }
    text.width = (int)PyUnicode_KIND(sql);
    text.letters = PyUnicode_DATA(sql);
    pass_space(&text);
    while (begins_with(&text, '-', '-') || begins_with(&text, '/', '*')) {
        pass_comment(&text);
        pass_space(&text);
    }
    *first = word_taken(&text);
    *second = (Word){""};
    Py_ssize_t end = text.place;
    pass_space(&text);
    if (first->letters[0] != 0 && text.place != end) {
        *second = word_taken(&text);
    }
    return true;
}

static Kind
kind_of(const Word *word)
{
    for (size_t place = 0; place < Py_ARRAY_LENGTH(kinds); place++) {
        if (is_word(word, &kinds[place].word)) {
            return kinds[place].kind;
        }
    }
    return OTHER;
}

/* database_words(sql): the first two words of a statement, as they are compared; for tests. */
PyObject *
database_words(PyObject *module, PyObject *sql)
{
    (void)module;
    Word first, second;
    if (!PyUnicode_Check(sql)) {
        return PyErr_Format(PyExc_TypeError, "a statement is a str, not %.50s", Py_TYPE(sql)->tp_name);
    }
    if (!statement_begins(sql, &first, &second)) {
        return NULL;
    }
    return Py_BuildValue("(s#s#)", first.letters, (Py_ssize_t)strnlen(first.letters, LONGEST), second.letters,
                         (Py_ssize_t)strnlen(second.letters, LONGEST));
}

/* --- Methods of connections and cursors ----------------------------------------------------------------------------- */

/* What stands for `sqlite3.connect`, or for a method. All is owned. */
typedef struct {
    PyObject_HEAD
    PyObject *real; /* first, as in StandIn */
    vectorcallfunc vectorcall;
    PyTypeObject *connections, *cursors; /* of the module `sqlite3` */
    PyObject *of_cursor, *in_transaction, *isolation_level; /* attributes, past what a subclass may make of them */
    PyObject *names; /* of `connect`: what was committed, by the name that was given */
    PyObject *file_of; /* the same for a name that is not there */
} DatabaseCall;

typedef struct {
    PyObject *connection; /* owned; NULL: nothing is told of it */
    uint64_t run;
    Kind kind;
    bool deferred; /* it begins a transaction that takes no lock */
    bool inside; /* of a transaction */
} Statement;

static PyObject *
attribute(PyObject *descriptor, PyObject *object)
{
    return Py_TYPE(descriptor)->tp_descr_get(descriptor, object, (PyObject *)Py_TYPE(object));
}

/* The connection of a cursor, a connection itself, as a new reference. NULL without an error where there is none. */
static PyObject *
connection_of(const DatabaseCall *call, PyObject *owner)
{
    if (PyObject_TypeCheck(owner, call->connections)) {
        return Py_NewRef(owner);
    }
    PyObject *found = PyObject_TypeCheck(owner, call->cursors) ? attribute(call->of_cursor, owner) : NULL;
    if (found == NULL) {
        PyErr_Clear(); /* a cursor that was not made whole */
    }
    else if (!PyObject_TypeCheck(found, call->connections)) {
        Py_CLEAR(found);
    }
    return found;
}

/* Whether the attribute is this one of the few objects of its kind; -1 of a closed connection, of which the real method
   will tell. */
static int
is_asked(PyObject *descriptor, PyObject *connection, PyObject *answer)
{
    PyObject *found = attribute(descriptor, connection);
    if (found == NULL) {
        PyErr_Clear();
        return -1;
    }
    int same = found == answer;
    Py_DECREF(found);
    return same;
}

static void
release(uint64_t run, PyObject *connection)
{
    if (core_enter(run)) {
        const Extra *extra = known_connection(connection);
        if (extra != NULL) {
            tell_release(sync_of(extra), true);
        }
        core_unlock();
    }
}

/* Whether it commits something, by itself or at the end of a transaction; -1 as above. */
static int
commits(const DatabaseCall *call, const Statement *statement)
{
    switch (statement->kind) {
    case ENDING:
        return 1;
    case CHANGING:
        return statement->inside ? 0 : is_asked(call->isolation_level, statement->connection, Py_None);
    case OTHER:
        return !statement->inside;
    default:
        return 0;
    }
}

/* Whether it is a connection to a file; `begun` as its record has it. */
static bool
is_known(uint64_t run, PyObject *connection, bool *begun)
{
    if (!core_enter(run)) {
        return false;
    }
    const Extra *extra = known_connection(connection);
    *begun = extra != NULL && extra->begun;
    core_unlock();
    return extra != NULL;
}

/* Tell what a statement commits; a script commits before. False when nothing is to be told of it, now or later, perhaps
   with an error set. */
static bool
told_ahead(const DatabaseCall *call, Statement *statement, PyObject *sql, bool script)
{
    Word first, second;
    bool begun;
    if (!is_known(statement->run, statement->connection, &begun) || !statement_begins(sql, &first, &second)) {
        return false;
    }
    statement->kind = kind_of(&first);
    if (statement->kind == NEUTRAL && !begun && !script) {
        return false;
    }
    statement->deferred =
        statement->kind == BEGINNING && !is_word(&second, &immediate) && !is_word(&second, &exclusive);
    int inside = is_asked(call->in_transaction, statement->connection, Py_True);
    if (inside < 0) {
        return false;
    }
    statement->inside = inside != 0 && !script;
    int ends = commits(call, statement);
    if (ends > 0 || script) {
        release(statement->run, statement->connection);
    }
    return ends >= 0;
}

/* It was executed: hear of what was committed before, if it is the first one of its transaction. */
static void
statement_done(const Statement *statement)
{
    if (!core_enter(statement->run)) {
        return;
    }
    Extra *extra = known_connection(statement->connection);
    if (extra != NULL) {
        bool is_first = statement->inside ? extra->begun : statement->kind != NEUTRAL;
        if (statement->inside) {
            extra->begun = false;
        }
        if (statement->deferred) {
            extra->begun = true;
        }
        else if (is_first && statement->kind != ENDING) {
            tell_acquire(sync_of(extra));
        }
    }
    core_unlock();
}

static inline PyObject *
execute_as(PyObject *self, PyObject *const *args, size_t flags, PyObject *names, bool script)
{
    const DatabaseCall *call = (DatabaseCall *)self;
    Statement statement = {.connection = NULL};
    if (PyVectorcall_NARGS(flags) > 1 && PyUnicode_Check(args[1]) && (statement.run = run_here()) != 0 &&
        (statement.connection = connection_of(call, args[0])) != NULL) {
        if (!told_ahead(call, &statement, args[1], script)) {
            Py_CLEAR(statement.connection);
        }
        if (unlikely(!settled())) {
            Py_XDECREF(statement.connection);
            return NULL;
        }
    }
    PyObject *result = PyObject_Vectorcall(call->real, args, flags, names);
    if (statement.connection != NULL) {
        if (result != NULL) {
            statement_done(&statement);
            if (unlikely(!settled())) {
                Py_CLEAR(result);
            }
        }
        Py_DECREF(statement.connection);
    }
    return result;
}

static PyObject *
call_execute(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    return execute_as(self, args, flags, names, false);
}

static PyObject *
call_script(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    return execute_as(self, args, flags, names, true);
}

/* The connection is about to end its transaction, if it is in one. */
static void
committing(const DatabaseCall *call, PyObject *connection)
{
    uint64_t run = run_here();
    bool begun;
    if (run != 0 && PyObject_TypeCheck(connection, call->connections) && is_known(run, connection, &begun) &&
        is_asked(call->in_transaction, connection, Py_True) > 0) {
        release(run, connection);
    }
}

static PyObject *
call_end(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    const DatabaseCall *call = (DatabaseCall *)self;
    if (PyVectorcall_NARGS(flags) > 0) {
        committing(call, args[0]);
        if (unlikely(!settled())) {
            return NULL;
        }
    }
    return PyObject_Vectorcall(call->real, args, flags, names);
}

/* --- `sqlite3.connect`, which tells the path ------------------------------------------------------------------------ */

/* The name of a database as bytes, as a new reference; NULL, perhaps with an error set, of what is no path. */
static PyObject *
name_of(PyObject *database)
{
    PyObject *name = NULL;
    if (!PyUnicode_FSConverter(database, &name)) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
        }
        return NULL;
    }
    if (!PyBytes_CheckExact(name)) { /* it may say by itself what it is like */
        Py_SETREF(name, PyBytes_FromStringAndSize(PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)));
    }
    return name;
}

static PyObject *
file_unknown(const DatabaseCall *call, PyObject *name)
{
    PyObject *found = PyObject_CallOneArg(call->file_of, name);
    if (found != NULL && !Py_IS_TYPE(found, &DatabaseFile_Type)) {
        Py_CLEAR(found);
    }
    if (found == NULL) {
        return NULL;
    }
    if (PyDict_GET_SIZE(call->names) >= NAMES) {
        PyDict_Clear(call->names);
    }
    if (PyDict_SetItem(call->names, name, found) < 0) {
        Py_CLEAR(found);
    }
    return found;
}

/* What was committed to a database, as a new reference; NULL, perhaps with an error set, of one in memory. */
static PyObject *
file_named(const DatabaseCall *call, PyObject *database)
{
    PyObject *name = name_of(database);
    if (name == NULL) {
        return NULL;
    }
    PyObject *found = NULL;
    const char *text = PyBytes_AS_STRING(name);
    if (*text != 0 && strcmp(text, ":memory:") != 0 && strncmp(text, "file:", 5) != 0) {
        found = dict_item(call->names, name);
        if (found == NULL && !PyErr_Occurred()) {
            found = file_unknown(call, name);
        }
    }
    Py_DECREF(name);
    return found;
}

/* The connection was made. */
static void
opened(const DatabaseCall *call, PyObject *connection, PyObject *database)
{
    if (!PyObject_TypeCheck(connection, call->connections)) {
        return;
    }
    PyObject *file = file_named(call, database), *before = NULL;
    if (core_enter(0)) {
        if (file != NULL && ((DatabaseFile *)file)->run != recording) {
            Py_CLEAR(file);
        }
        Object *object = file == NULL ? object_find(connection) : object_of(connection);
        Extra *extra = object == NULL || (file == NULL && object->extra == NULL) ? NULL : object_extra(object);
        if (extra != NULL) {
            before = extra->database; /* who had its address before died unseen */
            extra->database = Py_XNewRef(file);
            extra->begun = false;
        }
        core_unlock();
    }
    Py_XDECREF(before);
    Py_XDECREF(file);
}

/* The argument `database`, borrowed; NULL without one. */
static PyObject *
database_of(PyObject *const *args, size_t flags, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (count > 0) {
        return args[0];
    }
    for (Py_ssize_t place = 0; names != NULL && place < PyTuple_GET_SIZE(names); place++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, place), "database") == 0) {
            return args[count + place];
        }
    }
    return NULL;
}

static PyObject *
call_connect(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    const DatabaseCall *call = (DatabaseCall *)self;
    PyObject *connection = PyObject_Vectorcall(call->real, args, flags, names);
    PyObject *database = connection == NULL || run_here() == 0 ? NULL : database_of(args, flags, names);
    if (database != NULL) {
        opened(call, connection, database);
        if (unlikely(!settled())) {
            Py_CLEAR(connection);
        }
    }
    return connection;
}

/* --- What stands in for them ---------------------------------------------------------------------------------------- */

static PyTypeObject *connection_type; /* owned; NULL before the first run with the module */

bool
is_database(PyObject *object)
{
    PyTypeObject *known = __atomic_load_n(&connection_type, __ATOMIC_ACQUIRE);
    return known != NULL && PyObject_TypeCheck(object, known);
}

static PyTypeObject *
type_in(PyObject *module, const char *name)
{
    PyObject *found = PyObject_GetAttrString(module, name);
    if (found != NULL && !PyType_Check(found)) {
        PyErr_Format(PyExc_TypeError, "sqlite3.%s is no type", name);
        Py_CLEAR(found);
    }
    return (PyTypeObject *)found;
}

static PyObject *
descriptor_in(PyTypeObject *type, const char *name)
{
    PyObject *found = PyObject_GetAttrString((PyObject *)type, name);
    if (found != NULL && Py_TYPE(found)->tp_descr_get == NULL) {
        PyErr_Format(PyExc_TypeError, "sqlite3 has another %s", name);
        Py_CLEAR(found);
    }
    return found;
}

static DatabaseCall *
call_made(PyTypeObject *type, PyObject *real, vectorcallfunc function)
{
    DatabaseCall *call = (DatabaseCall *)type->tp_alloc(type, 0);
    if (call == NULL) {
        return NULL;
    }
    call->real = Py_NewRef(real);
    call->vectorcall = function;
    PyObject *module = PyImport_ImportModule("sqlite3");
    if (module == NULL || (call->connections = type_in(module, "Connection")) == NULL ||
        (call->cursors = type_in(module, "Cursor")) == NULL ||
        (call->of_cursor = descriptor_in(call->cursors, "connection")) == NULL ||
        (call->in_transaction = descriptor_in(call->connections, "in_transaction")) == NULL ||
        (call->isolation_level = descriptor_in(call->connections, "isolation_level")) == NULL) {
        Py_CLEAR(call);
    }
    Py_XDECREF(module);
    return call;
}

static PyObject *
method_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"real", "role", NULL};
    static const struct {
        const char *name;
        vectorcallfunc function;
    } roles[] = {{"execute", call_execute}, {"script", call_script}, {"end", call_end}};
    PyObject *real;
    const char *name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Os", keywords, &real, &name)) {
        return NULL;
    }
    for (size_t place = 0; place < Py_ARRAY_LENGTH(roles); place++) {
        if (strcmp(roles[place].name, name) == 0) {
            return (PyObject *)call_made(type, real, roles[place].function);
        }
    }
    return PyErr_Format(PyExc_ValueError, "no role is called %s", name);
}

static PyObject *
connect_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"real", "file_of", NULL};
    PyObject *real, *file_of;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", keywords, &real, &file_of)) {
        return NULL;
    }
    DatabaseCall *call = call_made(type, real, call_connect);
    if (call != NULL) {
        call->file_of = Py_NewRef(file_of);
        if ((call->names = PyDict_New()) == NULL) {
            Py_CLEAR(call);
        }
        else if (connection_type != call->connections) {
            Py_INCREF(call->connections); /* one of before stays, for others may be looking at it */
            __atomic_store_n(&connection_type, call->connections, __ATOMIC_RELEASE);
        }
    }
    return (PyObject *)call;
}

static int
call_traverse(DatabaseCall *call, visitproc visit, void *arg)
{
    Py_VISIT(call->real);
    Py_VISIT(call->connections);
    Py_VISIT(call->cursors);
    Py_VISIT(call->of_cursor);
    Py_VISIT(call->in_transaction);
    Py_VISIT(call->isolation_level);
    Py_VISIT(call->names);
    Py_VISIT(call->file_of);
    return 0;
}

static void
call_dealloc(DatabaseCall *call)
{
    PyObject_GC_UnTrack(call);
    Py_XDECREF(call->real);
    Py_XDECREF(call->connections);
    Py_XDECREF(call->cursors);
    Py_XDECREF(call->of_cursor);
    Py_XDECREF(call->in_transaction);
    Py_XDECREF(call->isolation_level);
    Py_XDECREF(call->names);
    Py_XDECREF(call->file_of);
    Py_TYPE(call)->tp_free((PyObject *)call);
}

static PyGetSetDef call_getset[] = {
    {"__doc__", stand_in_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef call_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(DatabaseCall, real), READONLY, "What it stands for."},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject DatabaseMethod_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.DatabaseMethod",
    .tp_basicsize = sizeof(DatabaseCall),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = method_new,
    .tp_dealloc = (destructor)call_dealloc,
    .tp_traverse = (traverseproc)call_traverse,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(DatabaseCall, vectorcall),
    .tp_descr_get = stand_in_get,
    .tp_getattro = stand_in_getattr,
    .tp_members = call_members,
    .tp_getset = call_getset,
    .tp_repr = stand_in_repr,
};

/* No method of a class that has it as an attribute, as the real one is none. */
static PyTypeObject DatabaseConnect_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "raceway._native.DatabaseConnect",
    .tp_basicsize = sizeof(DatabaseCall),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = connect_new,
    .tp_dealloc = (destructor)call_dealloc,
    .tp_traverse = (traverseproc)call_traverse,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(DatabaseCall, vectorcall),
    .tp_getattro = stand_in_getattr,
    .tp_members = call_members,
    .tp_getset = call_getset,
    .tp_repr = stand_in_repr,
};

bool
databases_ready(PyObject *module)
{
    return PyType_Ready(&DatabaseFile_Type) == 0 && PyType_Ready(&DatabaseMethod_Type) == 0 &&
           PyType_Ready(&DatabaseConnect_Type) == 0 &&
           PyModule_AddObjectRef(module, "DatabaseFile", (PyObject *)&DatabaseFile_Type) == 0 &&
           PyModule_AddObjectRef(module, "DatabaseMethod", (PyObject *)&DatabaseMethod_Type) == 0 &&
           PyModule_AddObjectRef(module, "DatabaseConnect", (PyObject *)&DatabaseConnect_Type) == 0;
}
