/* What fell into the suspensions of tasks: between a read and the write that depends on it, into a walk, between what a task
   has stored and reads back. The twin of raceway/detector/openwalks.py and of the rules in raceway/detector/tasks.py. */
#include "shadow.h"

/* The write of another task that came between the read and the write of the region that the access closes, if its task
   was suspended there and did not ask for it; 0 if none. */
static uint32_t
between(const Access *access, const Cell *cell, const Expansion *expansion)
{
    const Task *task = access->thread->task;
    const Head *head = access->head;
    const RegionOf *region = head == NULL ? NULL : &sites[access->wanted.site].regions[access->wanted.region];
    if (region == NULL || !may_pause(task, region) || head->turn == task->turn) {
        return 0;
    }
    Entry only = {.context = expansion == NULL ? cell->w : 0}; /* its place in the run is not known, but its step */
    const Entry *writes = expansion == NULL ? &only : entries_of(&expansion->writes);
    uint8_t count = expansion == NULL ? cell->w != 0 : expansion->writes.count;
    for (uint8_t at = 0; at < count; at++) {
        const Entry *entry = &writes[at];
        const Context *other = &contexts[entry->context];
        bool later = expansion == NULL ? other->step > head->step : entry->sequence > head->sequence;
        if (other->of_task && other->slot == access->thread->actor->slot && other->actor != access->wanted.actor &&
            later && !task_asked(other->actor, task, head->sequence) &&
            (region->takes_back || !task_was_told(other->actor, task, entry->sequence, other->step))) {
            return entry->context;
        }
    }
    return 0;
}

/* The write of another task that closed a region with an await, while the task was waiting for its first step, in which it
   now opens one; 0 if none. */
uint32_t
closed_before(const Access *access, const Expansion *expansion)
{
    const Thread *thread = access->thread;
    const Task *task = thread->task;
    if (task->turn != 0 || task->passing || task->green || expansion->writes.count == 0) {
        return 0;
    }
    const Entry *entry = &entries_of(&expansion->writes)[expansion->writes.count - 1];
    const Context *other = &contexts[entry->context];
    const RegionOf *region = other->region < 0 ? NULL : &sites[other->site].regions[other->region];
    if (region == NULL || !region->awaits || region->lent || !other->of_task || other->actor == task->serial ||
        other->slot != thread->actor->slot || task->born >= entry->sequence ||
        task->seen >= other->step || hold_one_lock(other->locks, thread->actor->held)) {
        return 0;
    }
    const Task *by = task_find(other->actor);
    return by != NULL && task_asked(task->serial, by, 0) ? 0 : entry->context;
}

/* The task of the thread reads what is there: it comes after who wrote it. */
void
task_sees(Thread *thread, const Cell *cell)
{
    Task *task = thread->task;
    const Expansion *expansion = expansion_of(cell);
    uint32_t last = expansion == NULL ? cell->w
                    : expansion->writes.count == 0 ? 0 : entries_of(&expansion->writes)[expansion->writes.count - 1].context;
    const Context *other = &contexts[last];
    if (last == 0 || other->slot != thread->actor->slot || other->actor == task->serial) {
        return;
    }
    if (task->turn == 0 && other->step > task->seen) {
        task->seen = other->step;
    }
    if (other->of_task) {
        task_follow(task, other->actor, other->step);
    }
}

/* Whether another task is suspended in a walk. */
static bool
is_suspended_walk(const Access *access, const Context *walk)
{
    if (!walk->walks || walk->slot != access->thread->actor->slot || walk->actor == access->wanted.actor) {
        return false;
    }
    const Task *task = task_find(walk->actor);
    return task != NULL && !task->done && task->turn > walk->turn;
}

void
report_between(Access *access, Frame *frame, uint32_t other, bool observed)
{
    int told = (observed ? RACE_OBSERVED : 0) | (contexts[other].paused ? RACE_PAUSED : 0);
    if (contexts_conflict(&contexts[other], &access->wanted, access->location->kind)) {
        report(access, frame, other, told, true);
    }
}

/* The write of another task that came between a read of the task and this write, each in what it had called, if the task
   was suspended there and did not ask for it. Whether the write depends on the read is told later. */
void
check_link(Access *access, Frame *frame, const Cell *cell, const Expansion *expansion, const Look *look)
{
    const Task *task = access->thread->task;
    const Object *object = access->location->object;
    if (object == NULL || object->serial != look->serial) { /* that died, and another one has its address */
        return;
    }
    Entry only = {.context = expansion == NULL ? cell->w : 0};
    const Entry *writes = expansion == NULL ? &only : entries_of(&expansion->writes);
    uint8_t count = expansion == NULL ? cell->w != 0 : expansion->writes.count;
    for (uint8_t at = 0; at < count; at++) {
        const Context *other = &contexts[writes[at].context];
        if (!other->of_task || other->slot != access->thread->actor->slot || other->actor == access->wanted.actor ||
            other->step <= look->step || task_asked(other->actor, task, look->sequence) ||
            task_was_told(other->actor, task, writes[at].sequence, other->step)) {
            continue;
        }
        if (contexts_conflict(other, &access->wanted, access->location->kind)) {
            access->id = access->id != 0 ? access->id : context_make(access->thread, frame, &access->wanted);
            if (access->id != 0) {
                race_add_linked(writes[at].context, access->id, look, access->location);
            }
        }
        return;
    }
}

/* A change that could have fallen into the walk that came before: nothing has ordered it after that. */
static void
check_walked(Access *access, Frame *frame, Walked *walked)
{
    const Thread *thread = access->thread;
    const Task *task = thread->task;
    const Context *walk = &contexts[walked->walk];
    if (walked->walk == 0 || walk->actor == access->wanted.actor || walk->slot != thread->actor->slot ||
        access->wanted.commute == COMMUTE_APPEND || sites[access->wanted.site].made || is_suspended_walk(access, walk) ||
        hold_one_lock(walk->locks, thread->actor->held) || !walked_beside(task, walk) ||
        !contexts_conflict(walk, &access->wanted, access->location->kind)) {
        return;
    }
    if (access->id == 0) {
        access->id = context_make(access->thread, frame, &access->wanted);
    }
    if (access->id == 0) {
        return;
    }
    walked_passed(walked, access->id);
    if (!task->passing && !task->green && task->turn == 0 && task->born < walked->place) {
        report_between(access, frame, walked->walk, false);
    }
}

/* A walk was begun, at this place in the run: if one at the same place in the source came before, and a change after that, more
   than once, the program goes on with both. */
void
begin_walk(const Access *access, Expansion *expansion, uint32_t place)
{
    Task *task = access->thread->task;
    Walked *walked = expansion == NULL ? NULL : expansion->walked;
    if (walked != NULL && walked->passed != 0 && contexts[walked->passed].site == access->wanted.site) {
        int told = RACE_RECURS | (contexts[walked->passed].paused ? RACE_PAUSED : 0);
        if (++walked->turns > 1) {
            race_add(walked->passed, walked->change, told, true, access->location);
        }
        context_replace(&walked->passed, 0);
        context_replace(&walked->change, 0);
    }
    task_begin_walk(task, access->id);
    if (expansion != NULL) {
        walked_begin(expansion, task, access->id, place);
    }
}

/* Whether one of the locks was taken after that place in the run. */
static bool
took_since(Lockset held, uint32_t place)
{
    for (uint32_t at = 0; at < lockset_length(held); at++) {
        if (sync_taken_at(lockset_at(held, at)) >= place) {
            return true;
        }
    }
    return false;
}

/* What another task has stored at the place where this one, or one that has made it, had stored something of its own: by
   the same line, so that it is of the same sort. Who has taken a lock since asks for what is there by then. */
void
check_echo(Access *access, Frame *frame, const Expansion *expansion)
{
    const Task *task = access->thread->task, *owner = task;
    const Location *location = access->location;
    const Look *own = NULL;
    uint32_t born = sequence;
    while (owner != NULL && (own = task_own_at(owner, location->target, location->key)) == NULL) {
        born = owner->born;
        owner = task_find(owner->parent);
    }
    if (own == NULL || expansion->writes.count == 0 || own->sequence > born || location->object == NULL ||
        object_serial(location->object) != own->serial) {
        return;
    }
    const Entry last = entries_of(&expansion->writes)[expansion->writes.count - 1];
    const Context *other = &contexts[last.context];
    if (!other->of_task || other->slot != access->thread->actor->slot || other->site != own->site ||
        other->actor == owner->serial || other->step <= own->step || task_asked(other->actor, owner, own->sequence) ||
        task_was_told(other->actor, task, 0, other->step) || took_since(access->thread->actor->held, last.sequence)) {
        return;
    }
    access->id = access->id != 0 ? access->id : context_make(access->thread, frame, &access->wanted);
    if (access->id != 0) {
        race_add_linked(last.context, access->id, own, location);
    }
}

void
check_gaps(Access *access, Frame *frame, const Cell *cell, const Expansion *expansion)
{
    uint32_t other = between(access, cell, expansion);
    if (other != 0 && !sites[access->wanted.site].regions[access->wanted.region].takes_back) {
        report(access, frame, other, RACE_OBSERVED, true); /* what was tested is no more so, whether the writes conflict or not */
    }
    else if (other != 0) {
        report_between(access, frame, other, true);
    }
    if (expansion == NULL) {
        return;
    }
    for (uint8_t at = 0; at < expansion->reads.count; at++) {
        uint32_t walk = entries_of(&expansion->reads)[at].context;
        if (unlikely(is_suspended_walk(access, &contexts[walk]))) {
            report_between(access, frame, walk, true);
        }
    }
    if (unlikely(expansion->walked != NULL)) {
        check_walked(access, frame, expansion->walked);
    }
}

/* The access has found gone what it was to take out: its task has found it, before it was suspended. */
void
check_missed(Access *access, Frame *frame, const Cell *cell, const Expansion *expansion)
{
    uint32_t other = between(access, cell, expansion);
    if (other != 0) {
        report(access, frame, other, RACE_OBSERVED, true);
    }
}
