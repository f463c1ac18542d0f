/* Walks that no other task came into in this run, though one could have: the twin of raceway/detector/openwalks.py, which
   has the rules. What tells the order here is the step of a thread, which is a place in the run like any other. */
#include "shadow.h"

#include <stdlib.h>

uint8_t walkers_count;

static uint64_t walkers[WALKERS]; /* the last tasks that have walked so */
static uint8_t next_walker;

static int
place_of_walker(uint64_t serial)
{
    for (int place = 0; place < walkers_count; place++) {
        if (walkers[place] == serial) {
            return place;
        }
    }
    return -1;
}

/* The task comes after what another one, 0 for none, did up to that place in the run. */
void
task_follow(Task *task, uint64_t serial, uint32_t until)
{
    if (likely(walkers_count == 0) || serial == 0) {
        return;
    }
    const Task *other = task_find(serial);
    for (int place = 0; place < walkers_count; place++) {
        uint32_t known = other == NULL || walkers[place] == serial || other->after[place] > until ? until : other->after[place];
        task->after[place] = task->after[place] > known ? task->after[place] : known;
    }
}

/* A walk over a container that is not empty was begun, in this context, at this place in the run. */
void
walked_begin(Expansion *expansion, const Task *task, uint32_t context, uint32_t place)
{
    if (expansion->walked == NULL && (expansion->walked = calloc(1, sizeof(Walked))) == NULL) {
        failures++;
        return;
    }
    Walked *walked = expansion->walked;
    if (task->passing || task->green) {
        return;
    }
    context_replace(&walked->walk, context);
    walked->place = place;
    if (place_of_walker(task->serial) >= 0) {
        return;
    }
    if (walkers_count < WALKERS) {
        walkers[walkers_count++] = task->serial;
    }
    else {
        walkers[next_walker] = task->serial;
        next_walker = (uint8_t)((next_walker + 1) % WALKERS);
    }
}

/* A change, in this context, could have fallen into the walk that came before. */
void
walked_passed(Walked *walked, uint32_t change)
{
    if (walked->passed == 0 || contexts[walked->passed].site != contexts[walked->walk].site) {
        context_replace(&walked->passed, walked->walk);
        context_replace(&walked->change, change);
    }
}

/* Whether the task comes after nothing that was done in the step of the walk or later. */
bool
walked_beside(const Task *task, const Context *walk)
{
    int place = place_of_walker(walk->actor);
    return place >= 0 && task->after[place] < walk->step;
}

void
walked_free(Walked *walked)
{
    if (walked != NULL) {
        context_drop(walked->walk);
        context_drop(walked->passed);
        context_drop(walked->change);
        free(walked);
    }
}

void
walkers_reset(void)
{
    walkers_count = next_walker = 0;
}
