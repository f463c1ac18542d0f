"""Mutants that take away a happens-before edge, or draw one that no primitive promises."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_THREADS = (
    Mutant(
        "thread-start", "the edge from start() to the thread",
        "detector/detector.py", "clock = dict(parent.clock)", "clock: Clock = {}", "norace/thread_start.py",
    ),
    Mutant(
        "thread-start-end", "that what the parent does after start() is not before the thread",
        "detector/detector.py", "parent.advance()", "pass", "race/made_by_base.py",
    ),
    Mutant(
        "thread-announced", "the actor that start() announces",
        "sync/threads.py", "actors.put(thread, recorder.fork(thread._name))", "pass", "norace/thread_nested.py",
    ),
    Mutant(
        "thread-begun", "that a thread knows which actor was announced for it",
        "sync/threads.py", "recorder.begin(actor)", "pass", "norace/thread_join.py",
    ),
    Mutant(
        "thread-join", "the edge from the end of a thread to join()",
        "sync/threads.py", "if not real_is_alive(thread):", "if False:", "norace/thread_join.py",
    ),
    Mutant(
        "thread-join-timeout", "that a join() which timed out gives no edge",
        "sync/threads.py", "if not real_is_alive(thread):", "if True:", "race/thread_join_in_vain.py",
    ),
    Mutant(
        "thread-is-alive", "the edge from the end of a thread to is_alive() that found it over",
        "sync/threads.py", "if not alive and thread._started._flag:", "if False:", "norace/thread_is_alive.py",
    ),
    Mutant(
        "thread-raw", "the edge to a thread of _thread.start_new_thread",
        "sync/threads.py", "recorder.begin(self._actor)", "pass", "norace/thread_raw.py",
    ),
)  # fmt: skip

_IMPORTS = (
    Mutant(
        "import-called", "the edge from the body of a module to who asks for it by a call",
        "runtime/recorder.py", "self._recorder.acquire(body)", "pass", "norace/import_called",
    ),
    Mutant(
        "import-called-other", "that a module asked for by a call is not any module",
        "runtime/recorder.py", "self._bodies.get(name)) is not None", "self._all) is not None",
        "race/import_dunder",
    ),
    Mutant(
        "import-submodules", "that a call is given the submodules that it names",
        "sync/imports.py", "for one in wanted if", "for one in () if", "norace/import_dunder",
    ),
)  # fmt: skip

_LOCKS = (
    Mutant(
        "lock", "the edge from freeing a Lock to taking it",
        "sync/locks.py", "        self._record.taken(waits)", "        pass", "norace/lock_acquire_release.py",
    ),
    Mutant(
        "lock-try", "that a try which did not get the lock gives no edge",
        "sync/locks.py", "        if taken:\n            try:", "        if True:\n            try:",
        "race/lock_try.py",
    ),
    Mutant(
        "lock-heard", "that an epoch of which another actor has heard does not go on",
        "detector/syncs.py", "self._releasers.get(lock) is actor and ", "", "race/lock_heard_between.py",
    ),
    Mutant(
        "lock-between", "that what an actor did in between joins the epoch that goes on",
        "detector/pauses.py", "for entry in last.since:", "for entry in last.since[:0]:",
        "norace/lock_heard_between.py",
    ),
    Mutant(
        "lock-each", "that two locks are two",
        "detector/syncs.py", "clock, releaser = self._clocks.get(sync), ",
        "clock, releaser = next(reversed(self._clocks.values()), None), ", "race/lock_two_locks.py",
    ),
    Mutant(
        "rlock", "the edge from freeing an RLock to taking it",
        "sync/rlocks.py", "self._raceway_record.taken(waits)", "pass", "norace/rlock_reentrant.py",
    ),
    Mutant(
        "rlock-outermost", "that an RLock is freed at its outermost level",
        "sync/rlocks.py", "self._raceway_depth <= 1", "self._raceway_depth > 1", "norace/rlock_reentrant.py",
    ),
    Mutant(
        "condition-wait", "the edge from the notifier to who waited",
        "sync/rlocks.py", "self._raceway_entered(False)", "pass", "norace/condition_woken.py",
    ),
)  # fmt: skip

_SIGNALS = (
    Mutant(
        "event-set", "the edge from set()",
        "sync/events.py", "recorder.release(serials.number(recorder, event))", "pass", "norace/event.py",
    ),
    Mutant(
        "event-wait", "the edge to wait()",
        "sync/events.py", 'patches.around(threading.Event, "wait", after=seen_set)', "pass", "norace/event.py",
    ),
    Mutant(
        "event-job", "the edge to a wait() that is all that a job does",
        "sync/events.py", " or frame.f_code.co_qualname in _CALLERS", "", "norace/event_job.py",
    ),
    Mutant(
        "event-is-set", "the edge to is_set() that found it set",
        "sync/events.py", 'patches.around(threading.Event, "is_set", after=seen_set)', "pass", "norace/event_is_set.py",
    ),
    Mutant(
        "event-timeout", "that a wait() which timed out gives no edge",
        "sync/events.py", "if result and not _internal_use():", "if not _internal_use():", "race/event_cleared.py",
    ),
    Mutant(
        "semaphore-release", "the edge from release() of a semaphore",
        "sync/semaphores.py", "            places.give_back(recorder, new - old)", "            pass",
        "norace/semaphore_signal.py",
    ),
    Mutant(
        "semaphore-acquire", "the edge to acquire() of a semaphore",
        "sync/semaphores.py", "            places.take(recorder, old - new)", "            pass",
        "norace/semaphore_places.py",
    ),
    Mutant(
        "semaphore-places", "that who comes in takes the place that is free longest",
        "sync/semaphores.py", "        fresh = min(count, self.untouched)", "        fresh = 0",
        "race/semaphore_places.py",
    ),
    Mutant(
        "barrier-arrive", "the edge from arriving at a barrier",
        "sync/barriers.py", 'patches.around(threading.Barrier, "_enter", after=arrived)', "pass", "norace/barrier.py",
    ),
    Mutant(
        "barrier-all", "that all arrivals count, not the last one only",
        "sync/barriers.py", "merge=later_than_first", "merge=False", "norace/barrier.py",
    ),
    Mutant(
        "barrier-leave", "the edge to leaving a barrier",
        "sync/barriers.py", 'patches.around(threading.Barrier, "_wait", after=departed)', "pass",
        "norace/barrier_phases.py",
    ),
    Mutant(
        "barrier-action", "the edge from a barrier's action to those who leave",
        "sync/barriers.py", "before=complete, after=acted", "before=complete", "norace/barrier_action.py",
    ),
)  # fmt: skip

_QUEUES = (
    Mutant(
        "queue-fifo", "the edge from put() of a Queue to get() of that item",
        "sync/queues.py", "self._items.popleft()", 'Serial(recorder, "queue")', "norace/queue_fifo.py",
    ),
    Mutant(
        "queue-lifo", "the edge from put() of a LifoQueue to get() of that item",
        "sync/queues.py", "else self._items.pop()", 'else Serial(recorder, "queue")', "norace/queue_lifo.py",
    ),
    Mutant(
        "queue-priority", "the edge from put() of a PriorityQueue to get()",
        "sync/queues.py", "self._items.clear()\n            recorder.acquire(self._everything.number)",
        "self._items.clear()", "norace/queue_priority.py",
    ),
    Mutant(
        "queue-item", "that get() is ordered after the put() of its own item only",
        "sync/queues.py", 'return "fifo"', 'return ""', "race/queue_next_item.py",
    ),
    Mutant(
        "queue-room", "the edge from get() of a bounded queue to the put() that found room",
        "sync/queues.py", "            self._take_room(recorder)", "            pass", "norace/queue_bounded.py",
    ),
    Mutant(
        "queue-task-done", "the edge from task_done()",
        "sync/queues.py", "recorder.release(tasks.number(recorder, owner))", "pass", "norace/queue_task_done.py",
    ),
    Mutant(
        "queue-join", "the edge to join() of a queue",
        "sync/queues.py", 'patches.around(queue.Queue, "join", after=joined)', "pass", "norace/queue_task_done.py",
    ),
    Mutant(
        "queue-mutex", "that the lock inside a queue orders nobody",
        "sync/queues.py", "self._outside = self.loud", "self._outside = True",
        "race/queue_two_producers.py",
    ),
    Mutant(
        "simple-queue-put", "the edge from put() of a SimpleQueue",
        "sync/simplequeues.py", "putting(recorder, self.serial)", "pass", "norace/queue_simple.py",
    ),
    Mutant(
        "simple-queue-get", "the edge to get() of a SimpleQueue",
        "sync/simplequeues.py", "got(recorder, self.serial)", "pass", "norace/queue_simple.py",
    ),
    Mutant(
        "deque-put", "the edge from putting into a deque",
        "runtime/accesses.py", "self._recorder.release(entry.sync, merge=True)", "pass", "norace/deque_handover.py",
    ),
    Mutant(
        "deque-take", "the edge to taking out of a deque",
        "runtime/accesses.py", "at.state.due.append(entry.sync)", "pass", "norace/deque_handover.py",
    ),
    Mutant(
        "container-take", "the edge from putting into a list, dict or set to taking out",
        "detector/detector.py", "hand_over(actor, self.actors.get(other.access.actor), other)", "pass",
        "norace/handover_dict.py",
    ),
    Mutant(
        "container-take-item", "that what is taken out by its key is ordered after the store under that key",
        "runtime/accesses.py", "places.append((LocationKind.ITEM, self._keys.of(key)))", "pass",
        "norace/handover_dict.py",
    ),
    Mutant(
        "container-give", "that what is done to an item after it was put in is told apart",
        "runtime/accesses.py", "self.log.edge(at.state, Give(at.state.actor))", "pass", "race/handover_dict.py",
    ),
    Mutant(
        "container-kept", "that what a giver does after the take is told apart",
        "detector/syncs.py", "by.advance() if by.clock[by.slot] == stored.number else by.begin_epoch()", "pass",
        "race/handover_set.py",
    ),
    Mutant(
        "container-owner", "that attributes of what a container belongs to are judged without hand-overs",
        "detector/detector.py", "self._common.add(record.owner)", "pass", "race/handover_pool.py",
    ),
)  # fmt: skip

_POOLS = (
    Mutant(
        "pool-submit", "the edge from submit() to the job",
        "sync/executors.py", "elif new == _PENDING or _is_done(new):", "elif _is_done(new):",
        "norace/pool_submit_warm.py",
    ),
    Mutant(
        "pool-job-start", "the edge to the start of a job",
        "sync/executors.py", "        recorder.acquire(number)", "        pass", "norace/pool_submit_warm.py",
    ),
    Mutant(
        "pool-job-end", "the edge from the end of a job",
        "sync/executors.py", "elif new == _PENDING or _is_done(new):", "elif new == _PENDING:", "norace/pool_result.py",
    ),
    Mutant(
        "pool-result", "the edge to result()",
        "sync/executors.py", "recorder.acquire(lives.number(recorder, future))", "pass", "norace/pool_result.py",
    ),
    Mutant(
        "pool-wait", "the edge to wait() for futures that finish meanwhile",
        "sync/executors.py", "(STATE, WAITERS, CALLBACKS)", "(STATE, CALLBACKS)", "norace/pool_wait_early.py",
    ),
    Mutant(
        "pool-callback", "the edge from add_done_callback() to the callback",
        "sync/executors.py", "(STATE, WAITERS, CALLBACKS)", "(STATE, WAITERS)",
        "norace/pool_callback_start.py",
    ),
    Mutant(
        "pool-shutdown", "the edge from the end of a pool's threads to shutdown()",
        "sync/threads.py", "        recorder.join(actor)\n\n\ndef renamed", "        pass\n\n\ndef renamed",
        "norace/pool_shutdown.py",
    ),
    Mutant(
        "pool-idle", "that a pool's count of idle threads orders nobody",
        "sync/semaphores.py", "internal.put(semaphore, True)", "pass", "race/pool_next_job.py",
    ),
    Mutant(
        "pool-locks", "that the locks inside a pool order nobody",
        "sync/creation.py", "return name in _quiet", "return False", "race/pool_next_job.py",
    ),
)  # fmt: skip

_OTHERS = (
    Mutant(
        "tls-sent", "the edge from who sends something over TLS",
        "sync/tls.py", '_SENDING = ("send", "write")', "_SENDING = ()", "norace/socket_tls.py",
    ),
    Mutant(
        "tls-received", "the edge to who receives something over TLS",
        "sync/tls.py", "(_RECEIVING, *_BOTH)", "_BOTH", "norace/socket_tls.py",
    ),
    Mutant(
        "import-run", "the edge from a module that has run",
        "runtime/recorder.py", "self._recorder.release(self._all)", "pass", "norace/import_lazy",
    ),
    Mutant(
        "import-statement", "the edge to an import statement",
        "runtime/accesses.py", "self._recorder.bodies.stated()", "pass", "norace/import_lazy",
    ),
    Mutant(
        "home-made-release", "the edge from raceway.sync.release()",
        "sync/handmade.py", "recorder.release(number(recorder, obj))", "pass", "norace/home_made.py",
    ),
    Mutant(
        "home-made-acquire", "the edge to raceway.sync.acquire()",
        "sync/handmade.py", "recorder.acquire(number(recorder, obj))", "pass", "norace/home_made.py",
    ),
    Mutant(
        "queue-pickled", "the edge from who puts into a queue of processes to the thread that pickles it",
        "sync/mp_queues.py", "recorder.acquire(items.number(recorder, self._buffer))", "pass",
        "norace/mp_queue_pickled.py",
    ),
    Mutant(
        "process-asked", "the edge from what is sent to processes",
        "sync/abroad.py", "recorder.release(serial.number)", "pass", "norace/mp_dispatch.py",
    ),
    Mutant(
        "process-answered", "the edge to what comes from one",
        "sync/abroad.py", "recorder.acquire(serial.number)", "pass", "norace/mp_pool_pickled.py",
    ),
    Mutant(
        "loop-object-ordered", "that what is done before is no use of two threads",
        "sync/loopobjects.py", " and not recorder.moments.is_past(last.moment):", ":",
        "norace/loop_nobody_waits.py",
    ),
    Mutant(
        "loop-object-flag", "that whoever asks for a flag uses nothing",
        "sync/loopobjects.py", "co_name not in _FLAGS", "co_name not in ()", "norace/loop_nobody_waits.py",
    ),
    Mutant(
        "loop-object-taken", "what is taken out of a queue of a loop",
        "sync/loopobjects.py", "    if finished is not None:", "    if False:", "race/loop_nobody_waits.py",
    ),
    Mutant(
        "loop-future-used", "futures and transports that another thread uses",
        "sync/loopfutures.py", "strayed(loop, owner, Evidence.FUTURE)", "pass", "race/loop_nobody_waits.py",
    ),
    Mutant(
        "poll-registered", "the edge from who registers a descriptor",
        "sync/pollers.py", "recorder.release(serial.number)", "pass", "norace/poll_registered.py",
    ),
    Mutant(
        "poll-told", "the edge to whoever is told of it",
        "sync/pollers.py", "recorder.acquire(found[1].number)", "pass", "norace/poll_registered.py",
    ),
    Mutant(
        "database-commit", "the edge from what commits",
        "sync/databases.py", "if commits or self._script:", "if False:", "norace/database_lock.py",
    ),
    Mutant(
        "database-look", "the edge to what looks",
        "sync/databases.py", "elif is_first and self._word not in _ENDING:", "elif False:", "norace/database_lock.py",
    ),
    Mutant(
        "database-looking", "that who only looks commits nothing",
        "sync/databases.py", "commits = by_itself and self._word not in _SILENT", "commits = by_itself",
        "race/database_lock.py",
    ),
    Mutant(
        "database-statements", "that the statements which a connection keeps order nobody",
        "sync/caches.py", "if args and _is_connection(args[0]):", "if False:", "race/database_statements.py",
    ),
)  # fmt: skip

EDGES: tuple[Mutant, ...] = (*_THREADS, *_IMPORTS, *_LOCKS, *_SIGNALS, *_QUEUES, *_POOLS, *_OTHERS)
