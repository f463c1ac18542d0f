/* Functions that are entered and left, for runs that tell of them. */
#ifndef RACEWAY_CALLS_H
#define RACEWAY_CALLS_H

#include "core.h"

/* --- calls.c ---------------------------------------------------------------------------------------------------------- */

#define ARGUMENTS 16 /* that are told of */

/* What is told of a function beside where and when: raceway.model.told.ToldCall. */
typedef struct Call {
    int64_t duration; /* nanoseconds; -1: entered */
    Value error; /* owned; a text, unseen for none */
    Value message; /* owned */
    Stack stack; /* owned */
    int8_t count; /* of the arguments, -1: not seen */
    PyObject *names[ARGUMENTS]; /* owned */
    Value values[ARGUMENTS]; /* owned */
} Call;

void call_drop(Call *call); /* frees it */
PyObject *call_arguments(Call *call);
void calls_reset(void);

/* --- values.c --------------------------------------------------------------------------------------------------------- */

Value value_name(PyTypeObject *type); /* the name of a type, as a text */

/* --- teller.c --------------------------------------------------------------------------------------------------------- */

bool teller_has_room_for_calls(void); /* false is counted */
void teller_call(const Thread *thread, uint32_t site, Call *call); /* steals the call */

#endif
