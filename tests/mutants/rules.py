"""Mutants that take away a rule of detection: what conflicts, what commutes, what is one place, what is one object."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_DETECTION = (
    Mutant(
        "write-write", "that two unordered writes conflict",
        "detector/shadow.py", "for other in self.writes:",
        "for other in [] if entry.access.operation.mutates else self.writes:", "race/write_attribute.py",
    ),
    Mutant(
        "write-read", "that a read conflicts with an earlier write",
        "detector/shadow.py", "for other in self.writes:",
        "for other in self.writes if entry.access.operation.mutates else []:", "race/publication.py",
    ),
    Mutant(
        "read-write", "that a write conflicts with an earlier read",
        "detector/shadow.py", "for other in self.reads:", "for other in []:", "race/delete_attribute.py",
    ),
    Mutant(
        "readers-all", "that all unordered readers of a location are kept, not the last one only",
        "detector/shadow.py", "self.reads = _kept(self.reads, entry, clock)", "self.reads = [entry]",
        "race/two_readers.py",
    ),
    Mutant(
        "luck", "that a lock which was forgotten once is found in whatever order threads come",
        "detector/luck.py", "        yield other", "        yield from ()", "race/lock_forgotten.py",
    ),
    Mutant(
        "luck-told", "that who has been told something by others may know that it is its turn",
        "detector/luck.py", " and actor.claims.came_alone(other, actor.firm):", ":", "norace/lock_forgotten.py",
    ),
    Mutant(
        "epoch", "that an access is ordered by its own epoch",
        "detector/shadow.py", "return self.number <= clock.get(self.slot, 0)", "return self.slot in clock",
        "race/thread_start.py",
    ),
    Mutant(
        "release-ends-epoch", "that what comes after a release is not released",
        "detector/syncs.py", "or told:\n            actor.advance()", "or told:\n            pass",
        "race/queue_fifo.py",
    ),
    Mutant(
        "release-replaces", "that a release replaces earlier ones where it must",
        "detector/syncs.py", "if merge and known is not None:", "if known is not None:",
        "race/queue_used_again.py",
    ),
    Mutant(
        "release-merges", "that a release adds to earlier ones where it must",
        "detector/syncs.py", "if merge and known is not None:", "if False:", "norace/barrier.py",
    ),
    Mutant(
        "acquire-joins", "that an acquire keeps what the actor knew",
        "detector/actors.py", "join(self.clock, clock)", "self.clock.update(clock)", "norace/lock_after_event.py",
    ),
    Mutant(
        "same-epoch-place", "that a repeated access is dropped only at the same place",
        "detector/detector.py", "shadow = self._shadows.get(place[0], {}).get(place[1:])",
        "shadow = next((known for of in self._shadows.values() for known in of.values()), None)",
        "race/iterate_replace.py",
    ),
    Mutant(
        "same-epoch-ends", "that an edge ends the epoch of which accesses are dropped",
        "detector/actors.py", "self.clock[self.slot] += 1\n        self.begin_epoch()", "self.clock[self.slot] += 1",
        "race/repeated_access.py",
    ),
    Mutant(
        "same-address", "that an address tells nothing any more when an object has died",
        "runtime/log.py", "            state.repeated.clear()\n", "", "race/identity_reused.py",
    ),
    Mutant(
        "identity", "that a new object at the address of a dead one is another",
        "runtime/identity.py",
        "entry.reference = weakref.ref(target, died)", "entry.reference = weakref.ref(target)",
        "norace/identity_counted.py",
    ),
    Mutant(
        "identity-held", "the same of objects that do not allow weak references",
        "runtime/identity.py",
        "            elif self._entries.pop(address, None) is entry:\n                self._retired(entry.serial)\n",
        "            else:\n", "norace/identity_counted_slots.py",
    ),
    Mutant(
        "identity-kept-alive", "that no object is kept alive",
        "runtime/identity.py", "            entry.reference = weakref.ref(target, died)",
        "            entry.reference = weakref.ref(target, died)\n            entry.held = target",
        "race/weakref_death.py",
    ),
)  # fmt: skip

_DOUBLE_CHECKED = (
    Mutant(
        "double-checked-write", "that the write after the second test publishes what came before it",
        "detector/detector.py", "shadow.published = dict(actor.clock)", "pass", "norace/lazy_rechecked.py",
    ),
    Mutant(
        "double-checked-test", "that the first test of a published value acquires what came before the write",
        "detector/detector.py", "if site.double_checked and shadow.published is not None:", "if False:",
        "norace/lazy_rechecked.py",
    ),
    Mutant(
        "double-checked-known", "that a test repeated under a lock is known",
        "transform/flow.py", "draft.rechecked = True", "pass", "norace/lazy_rechecked.py",
    ),
)  # fmt: skip

_COMMUTE = (
    Mutant(
        "commute", "that atomic operations of one class commute",
        "detector/conflicts.py", "return first.commute is Commute.NONE or first.commute is not second.commute",
        "return True", "norace/list_appends.py",
    ),
    Mutant(
        "commute-append", "that append commutes with append",
        "runtime/contracts/terms.py", "Operation.STRUCTURAL_CHANGE, Commute.APPEND)", "Operation.STRUCTURAL_CHANGE)",
        "norace/list_appends.py",
    ),
    Mutant(
        "commute-add", "that add() of a set commutes with add()",
        "runtime/contracts/terms.py", "Operation.STRUCTURAL_CHANGE, Commute.ADD)", "Operation.STRUCTURAL_CHANGE)",
        "norace/set_adds.py",
    ),
    Mutant(
        "commute-setdefault", "that setdefault() commutes with setdefault()",
        "runtime/contracts/dicts.py", "Effect(Target.KEY, Operation.WRITE, Commute.SETDEFAULT)",
        "Effect(Target.KEY, Operation.WRITE)", "norace/lazy_groups.py",
    ),
    Mutant(
        "commute-insert", "that inserting one key commutes with inserting another",
        "runtime/contracts/terms.py", "Operation.STRUCTURAL_CHANGE, Commute.INSERT_KEY)",
        "Operation.STRUCTURAL_CHANGE)", "norace/dict_keys.py",
    ),
    Mutant(
        "commute-discard", "that discarding one key commutes with discarding another",
        "runtime/contracts/terms.py", "Operation.STRUCTURAL_CHANGE, Commute.DISCARD)", "Operation.STRUCTURAL_CHANGE)",
        "norace/dict_dels.py",
    ),
    Mutant(
        "commute-by-key", "that changes of single keys commute whatever they do",
        "detector/conflicts.py", "first.commute in _BY_KEY and second.commute in _BY_KEY", "False",
        "norace/dict_insert_pop.py",
    ),
    Mutant(
        "commute-covers", "that an append does not hide an earlier access that conflicts with more",
        "detector/shadow.py", "commutes = new.access.commute in (Commute.NONE, old.access.commute)", "commutes = True",
        "race/clear_release_append.py",
    ),
    Mutant(
        "not-commute", "that append does not commute with clear",
        "detector/conflicts.py", "return first.commute is Commute.NONE or first.commute is not second.commute",
        "return False", "race/list_appends.py",
    ),
)  # fmt: skip

_LOCATIONS = (
    Mutant(
        "item-key", "that items of different keys are different places",
        "runtime/accesses.py", "self._keys.of(_position(at.base, at.key))", '""', "norace/list_slots.py",
    ),
    Mutant(
        "item-key-inherited", "that keys of a class which inherits how it compares are told by value",
        "runtime/keyrules.py", "if inherited and issubclass(tp, base):", "if False:", "race/keys_made_anew.py",
    ),
    Mutant(
        "item-key-fields", "that keys of a dataclass are told by their fields",
        "runtime/keyrules.py", "if eq[0] is hashed[0] else IDENTITY", "and IDENTITY", "race/keys_made_anew.py",
    ),
    Mutant(
        "item-key-class", "that keys of two dataclasses are different keys",
        "runtime/keys.py", '"fields", self._identity.of(type(key)).serial,', '"fields",', "norace/keys_made_anew.py",
    ),
    Mutant(
        "item-key-plain", "that a dictionary is asked for keys of a class which inherits how it compares",
        "runtime/keys.py", "or facts.rule in (Rule.COPY, Rule.VALUE)", "", "norace/keys_made_anew.py",
    ),
    Mutant(
        "item-negative", "that an index counted from the end is the place it means",
        "runtime/accesses.py", "return key + _length(base)", "return key", "race/list_negative.py",
    ),
    Mutant(
        "split", "that a lock which is let go of inside a region does not hold it together",
        "detector/splits.py", "yield other, True", "pass", "race/split_update.py",
    ),
    Mutant(
        "split-unseen", "that others may write where a lock is let go of, though nobody did in this run",
        "detector/splits.py", "yield other, False", "pass", "race/split_unseen.py",
    ),
    Mutant(
        "split-later", "that others may write where a lock is let go of, though they did so only later",
        "detector/splits.py", "if not other.opens or ", "if True or ", "race/split_later.py",
    ),
    Mutant(
        "split-take", "that who takes out what a test has found relies on nobody having taken it",
        "detector/splits.py", " or not puts(other)", "", "race/split_pop.py",
    ),
    Mutant(
        "split-handled", "that who handles that there is nothing relies on no test",
        "transform/rewriting.py", "draft.takes and not all(call.tried for call in calls)", "draft.takes",
        "norace/split_pop.py",
    ),
    Mutant(
        "split-supply", "that who puts something in takes nothing from who takes",
        "findings/waited.py", "supplies = _takes(race.later, site_of) and ", "supplies = False and ",
        "norace/split_take.py",
    ),
    Mutant(
        "split-gain", "that who leaves more takes nothing from who has asked how much there is",
        "findings/directions.py", "if not harmless or ", "if True or ", "norace/split_refill.py",
    ),
    Mutant(
        "split-gain-way", "that who takes less, too, breaks a test of how much there is",
        "findings/directions.py", "Way.DOWN: frozenset({Way.UP, Way.SET}),", "Way.DOWN: frozenset(Way),",
        "race/split_refill.py",
    ),
    Mutant(
        "split-within", "that another lock may hold a region together which lets go of one",
        "detector/splits.py", "> head.sequence for lock in common)", ">= 0 for lock in common)",
        "norace/split_unseen.py",
    ),
    Mutant(
        "split-claimed", "that who has marked something under a lock may have it to itself",
        "detector/claims.py", "return self.claimed > self.closed", "return False", "norace/split_claimed.py",
    ),
    Mutant(
        "split-turns", "that who has read what the other one wrote since may have been told to go on",
        "detector/claims.py", "return not told and ", "return ",
        "norace/split_turns.py",
    ),
    Mutant(
        "split-hidden", "that who has acted on a test stays known, though somebody has written there since",
        "detector/splits.py", "last is None or last in shadow.writes", "True", "race/split_topped.py",
    ),
    Mutant(
        "split-back", "that what was put back tells nobody that it is their turn",
        "detector/splits.py", "alike = other.opens and", "alike = False and", "race/split_pool.py",
    ),
    Mutant(
        "split-ring", "that what goes back in the same section is never missing",
        "detector/splits.py", "        last.opens = False\n        shadow.opened = None\n", "        pass\n",
        "norace/split_pool.py",
    ),
    Mutant(
        "split-tested", "that who asks for a place may find it empty, too",
        "detector/splits.py", "for other in _tested(entry, shadow, actor, site_of):", "for other in ():",
        "race/split_taken.py",
    ),
    Mutant(
        "split-tested-for", "that who asks for something else takes no place",
        "detector/splits.py", "alike = not region.calls or ", "alike = True or ", "norace/split_shown.py",
    ),
    Mutant(
        "split-tested-told", "that who has read what the other one wrote since comes in turn",
        "detector/splits.py", " and actor.claims.finds(other):", ":", "norace/split_told.py",
    ),
    Mutant(
        "split-acquire", "that release() ends what acquire() has begun",
        "transform/flow.py", 'elif name == "release":', "elif False:", "race/split_acquire.py",
    ),
    Mutant(
        "split-brings", "that who stores what was there before has not made what was missing",
        "transform/helpers.py", "if bound < test.order", "", "norace/split_known.py",
    ),
    Mutant(
        "split-brings-own", "that who takes a place in another critical section of its own function relies on the test",
        "transform/flow.py", "brings = self._brings(draft, read) and", "brings = False and", "race/split_owner.py",
    ),
    Mutant(
        "jobs", "that another worker could have had one of two jobs",
        "sync/queues.py", "if recorder.jobs.take(self._everything.number) and", "if", "race/jobs_one_worker.py",
    ),
    Mutant(
        "jobs-aware", "that a job comes after what its worker released before and acquires again",
        "detector/syncs.py", "actor.jobs.hear_own(clock.get(actor.slot, 0), held)", "pass", "norace/jobs_in_order.py",
    ),
    Mutant(
        "jobs-lock", "that a lock which is held in both jobs keeps them apart",
        "detector/shadow.py", " and not set(other.locks) & set(entry.locks)", "", "norace/jobs_in_order.py",
    ),
    Mutant(
        "jobs-queue", "that workers may have queues of their own",
        "sync/workers.py", " or not Ways([work.function, *work.given]).lead_to(owner)", "", "norace/jobs_in_order.py",
    ),
    Mutant(
        "jobs-alike", "that workers with objects of their own have other work",
        "sync/works.py", "all(mine is theirs for mine, theirs", "all(True for mine, theirs",
        "norace/jobs_own_state.py",
    ),
    Mutant(
        "jobs-own-item", "that an item may be the worker's own, found by its number",
        "sync/workers.py", " or any(_stands_in(doubt.keys[0], code) for code in doubt.codes)", " or True",
        "norace/jobs_own_state.py",
    ),
    Mutant(
        "jobs-own-object", "that what lies in a container may be the worker's own",
        "sync/workers.py", "several = len(doubt.serials) > 1 and ", "several = ", "norace/jobs_own_state.py",
    ),
    Mutant(
        "jobs-own-key", "that an item may be the worker's own, found by the worker's name",
        "sync/workers.py", "(*scalars, *names)", "scalars", "norace/pool_own_state.py",
    ),
    Mutant(
        "jobs-item", "that a job leads any worker that has it to the same objects",
        "sync/workers.py", ", *parts(item)]", "]", "race/jobs_simple_queue.py",
    ),
    Mutant(
        "jobs-simple", "that workers take jobs from simple queues",
        "sync/simplequeues.py", "if counts and recorder.jobs.asks():", "if False:", "race/mp_thread_pool_one_worker.py",
    ),
    Mutant(
        "jobs-late", "that a worker that begins later could have begun earlier",
        "sync/works.py", "for doubt in known.doubts:", "for doubt in ():", "race/jobs_late_worker.py",
    ),
    Mutant(
        "jobs-late-known", "that a worker which begins because a job is done could not have had it",
        "detector/races.py", "if key[-1] != worker and known.get(slot, 0) >= done:", "if False:",
        "norace/jobs_late_worker.py",
    ),
    Mutant(
        "jobs-late-like", "that a worker which begins later may have objects of its own",
        "sync/works.py", "return self._reference() is other", "return True", "norace/jobs_late_worker.py",
    ),
    Mutant(
        "jobs-late-address", "that an object may lie where one lay that is no more",
        "sync/works.py", " and self._serial == recorder.jobs.serial_of(other)", "", "norace/jobs_late_worker.py",
    ),
    Mutant(
        "pool-jobs", "that another worker of a pool could have had one of two jobs",
        "sync/executors.py", "            recorder.jobs.take(POOL)\n", "            pass\n", "race/pool_one_worker.py",
    ),
    Mutant(
        "pool-room", "that the other workers of a pool may have no time",
        "sync/workers.py", "return idle or len(workers) < most", "return True", "norace/pool_own_state.py",
    ),
    Mutant(
        "pool-own", "that what a job comes to may be its worker's own",
        "sync/workers.py", "known = 0 not in doubt.serials and (", "known = True or (", "norace/pool_own_state.py",
    ),
    Mutant(
        "pool-text", "that a key is anyone's that a job was given",
        "sync/workers.py", "doubt.keys[0] in texts or ", "", "race/pool_one_worker.py",
    ),
    Mutant(
        "pool-following", "that asyncio does not wait for a job whose end it finds",
        "sync/executors.py", " and not _is_chaining(sys._getframe(2))", "", "race/pool_one_worker_tasks.py",
    ),
    Mutant(
        "copy-order", "the edge from a changed copy to who finds it",
        "transform/rewriting.py", "            draft.rechecked = True\n", "", "norace/copy_changed_by_caller.py",
    ),
    Mutant(
        "copy-lent", "that a copy is given to functions to change it",
        "transform/making.py", "self._fresh |= {_LENT + name for name in lent}", "pass",
        "norace/copy_changed_by_caller.py",
    ),
    Mutant(
        "split-wait", "that a test may be relied on although a condition was waited for since",
        "transform/flow.py", "draft.rely_on_wait(read, [look for look, _vain in later])", "pass", "race/split_wait.py",
    ),
    Mutant(
        "split-wait-decides", "that a second look counts if it decides about the act",
        "transform/flow.py", "if all(vain for _read, vain in later) and", "if not later and",
        "race/split_wait_closed.py",
    ),
    Mutant(
        "split-wait-decided", "that a test of which one side suffices decides",
        "transform/polarity.py", "if isinstance(test.operator, cst.And) is not outcome:", "if True:",
        "norace/split_wait_closed.py",
    ),
    Mutant(
        "split-wait-tried", "that who expects to find nothing relies on nothing",
        "transform/flow.py", "if self.waits and not self.tried:", "if self.waits:", "norace/split_wait.py",
    ),
    Mutant(
        "split-wait-anew", "that a second test which was reached counts for more than the one before the wait",
        "transform/rewriting.py", "return region.waits, not", "return False, not", "norace/split_wait.py",
    ),
    Mutant(
        "split-wait-supply", "that who puts something in is who was waited for",
        "findings/waited.py", "supplies = not any(one.waits", "supplies = False and any(one.waits",
        "norace/split_wait.py",
    ),
    Mutant(
        "split-test", "that a test may be relied on once its lock was let go of",
        "transform/flow.py", "spans, awaits, splits, acted, instead, *how)",
        "spans, awaits, False, acted, instead, how[0])", "race/split_check.py",
    ),
    Mutant(
        "split-anew", "that who looks anew once it has the lock again relies on that",
        "transform/flow.py", "and not any(inside & set(other.blocks) for other in anew)", "", "norace/split_check.py",
    ),
    Mutant(
        "split-asked", "that what is made because it is missing may be made twice",
        "transform/flow.py", "takes or read not in flow.asked", "True", "norace/split_cache.py",
    ),
    Mutant(
        "split-acted", "that who has acted on a test under its lock relies on it no more",
        "transform/flow.py", "and not self._acted_inside(read)", "", "norace/split_give_back.py",
    ),
    Mutant(
        "items-all", "that a change of a whole container concerns every item",
        "runtime/accesses.py", "if operation.mutates and (commute is Commute.NONE or", "if operation.mutates and (",
        "race/item_clear.py",
    ),
    Mutant(
        "key-present", "that a store under a present key leaves the structure alone",
        "runtime/contracts/dicts.py", "effects=(WRITE_KEY, INSERT_KEY),\n    full_when=Presence.ABSENT,",
        "effects=(WRITE_KEY, INSERT_KEY),", "norace/iterate_replace.py",
    ),
    Mutant(
        "delete", "that a deletion is a write",
        "runtime/accesses.py", "Context.DELETE: Operation.DELETE", "Context.DELETE: Operation.READ",
        "race/delete_attribute.py",
    ),
    Mutant(
        "iteration", "that walking over a container is an access of its structure",
        "runtime/contracts/terms.py", "WALK = Effect(Target.STRUCTURE, Operation.ITERATE)",
        "WALK = Effect(Target.STRUCTURE, Operation.READ)", "race/iterate_dict.py",
    ),
    Mutant(
        "attribute-hooks", "that the attributes of a thread-local object are not shared",
        "runtime/accesses.py", "self._attributes.hooks(tp, operation.mutates) or issubclass(tp, _thread._local)",
        "False", "norace/thread_local.py",
    ),
    Mutant(
        "property", "that a property is no place",
        "runtime/attributes.py", "if _is_data_descriptor(value):\n            return Home.SKIP",
        "if _is_data_descriptor(value):\n            return Home.FIELD", "norace/property_lock.py",
    ),
    Mutant(
        "setattr-hook", "that a class with a __setattr__ of its own decides what is stored",
        "runtime/accesses.py", "self._attributes.hooks(tp, operation.mutates)", "False", "norace/setattr_guard.py",
    ),
    Mutant(
        "slots", "that an attribute in a slot is a place",
        "runtime/attributes.py", "if isinstance(value, types.MemberDescriptorType):", "if False:",
        "race/counter_slots.py",
    ),
    Mutant(
        "class-attribute", "that an attribute read through an instance may be its class's",
        "runtime/accesses.py", "operation is Operation.READ and not holds(at.base, name)", "False",
        "race/class_attribute_read.py",
    ),
    Mutant(
        "class-object", "that an attribute of a class is a place",
        "runtime/accesses.py", "            self._class_attribute(at, base, name, operation)", "            pass",
        "race/counter_class_attribute.py",
    ),
    Mutant(
        "module-attribute", "that a variable of another module is a global",
        "runtime/accesses.py", "            self._record(at, operation, place, _global_name(namespace, name))",
        "            pass", "race/module_attribute",
    ),
)  # fmt: skip

_LOCK_ORDERS = (
    Mutant(
        "lock-order-gate", "that a lock held on both sides lets in one at a time",
        "detector/lockorder.py", " or held & set(order.held):", ":", "norace/lock_order_gate.py",
    ),
    Mutant(
        "lock-order-ordered", "that sides of which one comes before the other never meet",
        "detector/lockorder.py", "return not (before or after)", "return True", "norace/lock_order_joined.py",
    ),
    Mutant(
        "lock-order-event", "that an event orders the sides of a cycle",
        "detector/syncs.py", "join(left, actor.left())", "pass", "norace/lock_order_event.py",
    ),
    Mutant(
        "lock-order-try", "that a lock which was only tried begins no deadlock",
        "runtime/recorder.py", "if waits and state.holds else ()", "if state.holds else ()",
        "norace/lock_order_try.py",
    ),
    Mutant(
        "lock-order-whole", "that a cycle of three is one",
        "detector/lockorder.py", "elif len(longer) < LONGEST:", "elif False:", "race/lock_order_three.py",
    ),
    Mutant(
        "lock-order-tasks", "that tasks of one loop which nothing orders may meet",
        "detector/lockorder.py", "            return marked and not", "            return False and not",
        "race/task_lock_order.py",
    ),
    Mutant(
        "lock-order-woken", "that a task comes after what has woken it",
        "detector/tasks.py", "(0 if by is None else by.marks) | ", "", "norace/task_lock_order_event.py",
    ),
    Mutant(
        "lock-order-over", "that who awaits a task which is over comes after it",
        "detector/tasks.py", "parent.ended |= task.marks | task.ended", "pass", "norace/task_lock_order_awaited.py",
    ),
    Mutant(
        "lock-order-slept", "that who has only slept need not have awaited anybody",
        "detector/tasks.py", "(0 if slept else task.ended)", "task.ended", "race/task_lock_order_awaited.py",
    ),
    Mutant(
        "lock-order-limited", "that who waits for a lock with a time limit goes on",
        "sync/asynclocks.py", "serial.number, not is_limited()", "serial.number", "norace/task_lock_order_timeout.py",
    ),
    Mutant(
        "lock-order-wait-for", "that a task which is given up after a time goes on",
        "sync/eventloops.py", "        made_limited(task, sys._getframe(1))\n", "",
        "norace/task_lock_order_wait_for.py",
    ),
)  # fmt: skip

_CALLS = (
    Mutant(
        "calls-open", "that a test relies on what it has called, though it does not come to that in this run",
        "findings/classify.py", "if one.here or not (", "if not (", "race/check_calls.py",
    ),
    Mutant(
        "calls-absent", "that what is called because something is missing initialises it",
        "transform/rewriting.py", "if here and initialises(draft)", "if False and initialises(draft)",
        "race/check_calls.py",
    ),
    Mutant(
        "calls-marks", "that a mark which is set relies on no answer",
        "transform/rewriting.py", "if relies or not here:", "if True:", "race/check_calls.py",
    ),
    Mutant(
        "calls-functions", "that functions of the module are called because of tests of its variables",
        "transform/answers.py", "self._acts.append(_Act(test, name, arguments, call))", "pass", "race/check_calls.py",
    ),
)  # fmt: skip

RULES: tuple[Mutant, ...] = (*_LOCK_ORDERS, *_CALLS, *_DETECTION, *_DOUBLE_CHECKED, *_COMMUTE, *_LOCATIONS)
