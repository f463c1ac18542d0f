/* Sockets of one process that are connected with each other: the twin of raceway/sync/sockets.py, which says what it
   models and why. The two directions of a connection stand in the record of each socket; a direction is known by its two
   addresses while a socket at either end lives. */
#include "core.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    struct sockaddr_storage address;
    socklen_t length;
} End;

typedef struct Direction {
    End from, to;
    uint64_t sync;
    uint32_t holders;
    bool heard_apart;       /* another thread has heard what came back from elsewhere */
    unsigned long asker;    /* the thread of this process that has sent something last, 0 before */
    struct Direction *next; /* of the same hash */
} Direction;

struct Connection {
    Direction *out, *in;
};

static PyObject *closing_otherwise; /* owned; NULL before the first run */

static Connection nowhere; /* of sockets whose other end is not in this process */
static uint64_t called[(1 << 16) / 64]; /* a bit for each port that this process has called */
static bool any_called; /* or it has made a pair */

static Table directions; /* hash -> the first of a list */
static Pool pool; /* of directions */
static Pool connections;

static uint64_t
hash_of(const End *from, const End *to)
{
    uint64_t hash = 0;
    const End *ends[] = {from, to};
    for (int end = 0; end < 2; end++) {
        const char *bytes = (const char *)&ends[end]->address; /* zeroes follow the address */
        for (socklen_t place = 0; place < ends[end]->length; place += sizeof(uint64_t)) {
            uint64_t some;
            memcpy(&some, bytes + place, sizeof some);
            hash = mix(hash ^ some);
        }
    }
    return hash;
}

static bool
same_end(const End *first, const End *second)
{
    return first->length == second->length && memcmp(&first->address, &second->address, first->length) == 0;
}

static Direction *
direction_held(const End *from, const End *to)
{
    uint64_t hash = hash_of(from, to);
    Direction *first = table_get(&directions, hash);
    for (Direction *known = first; known != NULL; known = known->next) {
        if (same_end(&known->from, from) && same_end(&known->to, to)) {
            known->holders++;
            return known;
        }
    }
    Direction *made = pool_take(&pool, sizeof(Direction));
    static PyObject *kind;
    if (made == NULL || (kind == NULL && (kind = PyUnicode_InternFromString("socket")) == NULL)) {
        pool_give(&pool, made);
        return NULL;
    }
    *made = (Direction){.from = *from, .to = *to, .sync = tell_new(kind, NULL, 0), .holders = 1};
    if (first != NULL) {
        made->next = first->next;
        first->next = made;
    }
    else if (!table_put(&directions, hash, made)) {
        sync_retire(made->sync);
        pool_give(&pool, made);
        return NULL;
    }
    return made;
}

static void
direction_dropped(Direction *direction)
{
    if (direction == NULL || --direction->holders != 0) {
        return;
    }
    uint64_t hash = hash_of(&direction->from, &direction->to);
    Direction *first = table_pop(&directions, hash);
    Direction **link = &first;
    while (*link != direction) {
        link = &(*link)->next;
    }
    *link = direction->next;
    if (first != NULL) {
        table_put(&directions, hash, first); /* there is room: one was just taken out */
    }
    sync_retire(direction->sync);
    pool_give(&pool, direction);
}

void
connection_free(Connection *connection)
{
    if (connection == &nowhere) {
        return;
    }
    direction_dropped(connection->out);
    direction_dropped(connection->in);
    pool_give(&connections, connection);
}

/* The descriptor, asked past what a subclass may make of `fileno`; -1 of one that is closed, or no socket. */
static int
descriptor_of(PyObject *socket)
{
    static PyObject *fileno; /* of the base in C */
    if (fileno == NULL) {
        PyObject *module = PyImport_ImportModule("_socket");
        PyObject *base = module == NULL ? NULL : PyObject_GetAttrString(module, "socket");
        fileno = base == NULL ? NULL : PyObject_GetAttrString(base, "fileno");
        Py_XDECREF(base);
        Py_XDECREF(module);
    }
    PyObject *number = fileno == NULL ? NULL : PyObject_CallOneArg(fileno, socket);
    long found = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    return found < 0 || found > INT32_MAX ? -1 : (int)found;
}

/* Both addresses. False when it is not connected, or not any more. */
static bool
is_connected(int descriptor, End *here, End *there)
{
    memset(here, 0, sizeof *here);
    memset(there, 0, sizeof *there);
    here->length = there->length = sizeof here->address;
    return getsockname(descriptor, (struct sockaddr *)&here->address, &here->length) == 0 &&
           getpeername(descriptor, (struct sockaddr *)&there->address, &there->length) == 0 &&
           here->length <= sizeof here->address && there->length <= sizeof there->address;
}

static bool
has_address(const End *end)
{
    return end->length > offsetof(struct sockaddr, sa_data);
}

/* The port of an address, -1 of one that has none. */
static int
port_of(const End *end)
{
    switch (end->address.ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)&end->address)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)&end->address)->sin6_port);
    default:
        return -1;
    }
}

static bool
is_called(int port)
{
    return (called[port / 64] >> (port % 64) & 1) != 0;
}

/* Whether both ends may be in this process. */
static bool
may_meet(const End *here, const End *there)
{
    int first = port_of(here), second = port_of(there);
    return first < 0 || second < 0 || is_called(first) || is_called(second);
}

static Connection *
known_connection(PyObject *socket)
{
    Object *object = object_find(socket);
    return object == NULL || object->extra == NULL ? NULL : object->extra->connection;
}

static Connection *
connection_made(PyObject *socket, const End *here, const End *there)
{
    Object *object = object_of(socket);
    Extra *extra = object == NULL ? NULL : object_extra(object);
    if (extra != NULL && !may_meet(here, there)) {
        return extra->connection = &nowhere;
    }
    Connection *made = extra == NULL ? NULL : pool_take(&connections, sizeof(Connection));
    if (made == NULL) {
        return NULL;
    }
    made->out = direction_held(here, there);
    made->in = direction_held(there, here);
    if (made->out == NULL || made->in == NULL) {
        connection_free(made);
        failures++;
        return NULL;
    }
    extra->connection = made;
    return made;
}

/* With the core locked: the connection itself; NULL, and not locked, of one whose other end is not here. */
static Connection *
within(Connection *connection)
{
    if (connection != &nowhere) {
        return connection;
    }
    core_unlock();
    return NULL;
}

/* The socket's connection, with the core locked; NULL, and not locked, when it has none in this process. `*elsewhere` is
   set when it is connected, but has no addresses: raceway/sync/sockets.py knows whose pair it is. */
static Connection *
connection_entered(PyObject *socket, bool *elsewhere)
{
    core_lock();
    Connection *known = any_called ? known_connection(socket) : &nowhere;
    if (likely(known != NULL)) {
        return within(known);
    }
    core_unlock(); /* the interpreter is asked */
    End here, there;
    int descriptor = descriptor_of(socket);
    if (descriptor < 0 || !is_connected(descriptor, &here, &there)) {
        return NULL;
    }
    *elsewhere = !has_address(&here) || !has_address(&there);
    if (*elsewhere) {
        return NULL;
    }
    core_lock();
    known = known_connection(socket);
    if (known == NULL && (known = connection_made(socket, &here, &there)) == NULL) {
        core_unlock();
        return NULL;
    }
    return within(known);
}

/* Something is about to be sent. False: it is for the model in Python to tell. */
bool
socket_sending(PyObject *socket)
{
    bool elsewhere = false;
    Connection *connection = connection_entered(socket, &elsewhere);
    if (connection != NULL) {
        connection->out->asker = PyThread_get_thread_ident();
        tell_release(connection->out->sync, true);
        core_unlock();
    }
    return !elsewhere;
}

/* Something was received, or the other end was found closed. False as above. */
bool
socket_received(PyObject *socket)
{
    bool elsewhere = false;
    Connection *connection = connection_entered(socket, &elsewhere);
    if (connection != NULL) {
        Direction *asked = connection->out;
        tell_acquire(connection->in->sync);
        if (connection->in->asker == 0) { /* it comes from elsewhere */
            asked->heard_apart |= asked->asker != 0 && asked->asker != PyThread_get_thread_ident();
            if (asked->heard_apart) {
                tell_acquire(asked->sync);
            }
        }
        core_unlock();
    }
    return !elsewhere;
}

/* sockets_install(otherwise): what is called with a socket that is about to be closed, when it is not known here. */
PyObject *
sockets_install(PyObject *module, PyObject *otherwise)
{
    (void)module;
    core_lock();
    memset(called, 0, sizeof called);
    any_called = false;
    core_unlock();
    Py_XSETREF(closing_otherwise, Py_NewRef(otherwise));
    Py_RETURN_NONE;
}

/* sockets_called(*ports): this process has called these ports; none: it has made a pair, or called by another name. */
PyObject *
sockets_called(PyObject *module, PyObject *const *ports, Py_ssize_t count)
{
    (void)module;
    core_lock();
    any_called = true;
    for (Py_ssize_t place = 0; place < count; place++) {
        long port = PyLong_Check(ports[place]) ? PyLong_AsLong(ports[place]) : -1;
        if (port >= 0 && port < 1 << 16) {
            called[port / 64] |= UINT64_C(1) << (port % 64);
        }
    }
    PyErr_Clear(); /* a number that is no port */
    core_unlock();
    Py_RETURN_NONE;
}

/* socket_closing(end): it is about to be closed, in a method written in Python. */
PyObject *
socket_closing(PyObject *module, PyObject *socket)
{
    (void)module;
    if (run_here() == 0 || socket_sending(socket) || closing_otherwise == NULL) {
        Py_RETURN_NONE;
    }
    return PyObject_CallOneArg(closing_otherwise, socket);
}
