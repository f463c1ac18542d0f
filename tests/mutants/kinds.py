"""Mutants that take away a rule by which a race gets its kind: regions, segments, benign classes, folding, names."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_REGIONS = (
    Mutant(
        "region-value", "that a write may depend on an earlier read by its value",
        "transform/flow.py",
        "draft.add_region(read, RegionKind.VALUE, *self._between(read), self._splits(read, value))", "pass",
        "race/rmw_straight.py",
    ),
    Mutant(
        "region-test", "that a write may depend on an earlier read by a test",
        "transform/flow.py",
        "draft.add_region(read, RegionKind.TEST, spans, awaits, splits, acted, instead, *how)",
        "pass", "race/check_stock_call.py",
    ),
    Mutant(
        "region-lazy", "that a store of what was found missing is an initialisation",
        "transform/flow.py", "draft.add_region(read, RegionKind.LAZY_INIT, spans, awaits, instead=instead)", "pass",
        "race/lazy_attribute.py",
    ),
    Mutant(
        "region-cache", "that an item stored because it was missing, and used, is an initialisation",
        "transform/flow.py", "if used or returned:", "if False:", "race/lazy_cache.py",
    ),
    Mutant(
        "region-not-cache", "that an item stored because it was missing, and not used, is a check and an act",
        "transform/flow.py", "if used or returned:", "if True:", "race/check_early_return.py",
    ),
    Mutant(
        "region-answer", "that who stores the answer of a method relies on what that read",
        "transform/helpers.py", "read.lent = True", "pass", "race/answer_stored.py",
    ),
    Mutant(
        "region-answer-anew", "that who looks anew does not rely on the answer alone",
        "transform/helpers.py", "splits = one.apart and", "splits =", "norace/answer_stored.py",
    ),
    Mutant(
        "region-named", "that an attribute is known by the value that is its name",
        "transform/calls.py", "else planner.flow.item_path(target, attribute)", 'else ""', "race/lazy_named.py",
    ),
    Mutant(
        "region-same-place", "that a region's read and write are of one place",
        "transform/flow.py", "return any(path in write.paths for path in read.paths)", "return True",
        "race/publication.py",
    ),
    Mutant(
        "region-order", "that the test says more than the value",
        "transform/rewriting.py", "bool(region.calls), region.kind is RegionKind.VALUE",
        "bool(region.calls), region.kind is not RegionKind.VALUE", "race/check_stock_early_return.py",
    ),
    Mutant(
        "region-activation", "that a region's read and write are of one activation",
        "detector/regions.py", "head = heads.get(place) if task is None",
        "head = {head.access.site: head for head in heads.values()}.get(base + region.head) if task is None",
        "race/recursion.py",
    ),
    Mutant(
        "region-newest", "that of several reads of one test the newest counts",
        "detector/regions.py", "head.sequence > entry.head.sequence", "False", "norace/task_reconnect.py",
    ),
    Mutant(
        "region-passed-by", "that a short circuit may pass by the last read of a test",
        "transform/expressions.py", "read.passed_by = True", "pass", "race/lazy_or.py",
    ),
    Mutant(
        "guard-either", "that what one side of a test compares with others is not made anew",
        "transform/polarity.py", "- _compared(planner, test.right)", "", "race/check_or_larger.py",
    ),
    Mutant(
        "helper-test", "that an act in one method may rely on a test in another one",
        "transform/helpers.py",
        "write.rely(read, replace(relying, fills=fills))", "pass",
        "race/split_helpers.py",
    ),
    Mutant(
        "helper-read", "that who asks for the same function begins what the other one has ended",
        "findings/classify.py", "if lent and asks is not None and asks is caller_of(write.stack):",
        "if False:", "race/property_update.py",
    ),
    Mutant(
        "helper-anew", "that a method which looks anew relies on nobody",
        "transform/flow.py", "if all(region.kind is RegionKind.VALUE for region in draft.regions):", "if True:",
        "norace/split_helpers.py",
    ),
    Mutant(
        "helper-caller", "that the caller is one whose test decides",
        "findings/calls.py", "naming.line_at(code, offset) in region.calls", "True", "norace/split_helpers.py",
    ),
    Mutant(
        "gap-latent", "that a task could have begun before another one was through",
        "detector/tasks.py", "yield found, False", "pass", "race/task_first_look.py",
    ),
    Mutant(
        "gap-latent-flag", "that a task which has read what was written meanwhile would have found something else",
        "detector/tasks.py", " and task.seen < other.began", "", "norace/task_first_look.py",
    ),
    Mutant(
        "gap-latent-born", "that a task which was made later comes later",
        "detector/tasks.py", "task.born < other.sequence and ", "", "norace/task_first_look.py",
    ),
    Mutant(
        "gap-latent-lock", "that a lock which both hold keeps them apart",
        "detector/tasks.py", " and set(other.locks).isdisjoint(entry.locks)", "", "norace/task_first_look.py",
    ),
    Mutant(
        "gap-latent-same", "that two tasks must be after the same",
        "findings/beginnings.py", "(same or closed.region is opened.region is RegionKind.LAZY_INIT)", "True",
        "norace/task_first_look.py",
    ),
    Mutant(
        "gap-latent-sure", "that an await in a branch need not have been reached",
        "findings/beginnings.py", "region.sure and ", "", "norace/task_first_look.py",
    ),
    Mutant(
        "gap-latent-stored", "that an await of which nothing comes may be one that suspends nobody",
        "transform/flow.py", "if stored and ", "if ", "norace/task_first_look.py",
    ),
    Mutant(
        "gap-latent-first", "that a task which has awaited something may have waited for the other one",
        "findings/beginnings.py", "return before == awaits", "return True", "norace/task_first_look.py",
    ),
    Mutant(
        "link", "that what a task calls may act on what something else that it has called has read",
        "detector/tasks.py", "yield linked, True", "pass", "race/task_helpers_apart/main.py",
    ),
    Mutant(
        "link-lines", "that the one call is made because of the answer of the other one",
        "findings/links.py", "if value is None or not same:", "if not same:", "norace/task_helpers_apart/main.py",
    ),
    Mutant(
        "link-itself", "that no call acts on its own answer",
        "findings/links.py", " and acting != asking:", ":", "norace/task_evicted.py",
    ),
    Mutant(
        "link-takes", "that who has found nothing takes nothing out because of that",
        "findings/links.py", "if not (takes and finds_nothing(path, self._site_of(head.site), line)):", "if True:",
        "norace/task_evicted.py",
    ),
    Mutant(
        "link-answer", "that an answer must depend on a read",
        "findings/links.py", "[: ASKED if answers else 1]", "[:ASKED]", "norace/task_helpers_apart/main.py",
    ),
    Mutant(
        "link-mark", "that a mark which is set relies on no answer",
        "findings/links.py", " or site.literal", "", "norace/task_helpers_apart/main.py",
    ),
    Mutant(
        "link-count", "that what counts on looks anew",
        "detector/tasks.py", "not in (Operation.WRITE, Operation.DELETE)", "is Operation.READ",
        "norace/task_helpers_apart/main.py",
    ),
    Mutant(
        "link-asked", "that a task may have been asked to write",
        "detector/tasks.py", "if not asked and not self._woke(by, task, other.sequence):", "if True:",
        "norace/task_helpers_apart/main.py",
    ),
    Mutant(
        "same-lines-order", "that what a `with` statement calls at its end does not repeat what it calls first",
        "findings/folding.py", "return reading.access.stack[1][1] < writing.access.stack[1][1]",
        "return reading.access.stack[1][1] != writing.access.stack[1][1]",
        "race/with_shared.py",
    ),
    Mutant(
        "function-answer", "that who stores the answer of a function relies on what that read",
        "transform/answers.py", "read.lent = True", "pass", "race/function_update.py",
    ),
    Mutant(
        "function-given", "that a function which is given the answer of another one relies on what that read",
        "transform/answers.py", "if read in self._arguments and read.name != name:", "if False:",
        "race/function_update.py",
    ),
    Mutant(
        "function-named", "that a function knows what it is given by another name",
        "transform/answers.py", "yield given + rest", "yield path", "race/function_update.py",
    ),
    Mutant(
        "made-of", "that who makes a value of the one that was there relies on that",
        "transform/flow.py", " or flow.works.made(value, read)", "", "race/split_made_of.py",
    ),
    Mutant(
        "split-half", "that a method which takes the lock anew ends the section of the read",
        "transform/rewriting.py", "and (not here or all(call.apart for call in calls))", "and not here",
        "race/split_through_a_setter.py",
    ),
    Mutant(
        "split-half-tested", "that a test in a section is relied on by a method which takes the lock anew",
        "transform/answers.py", "apart=here and is_split(flow, test)", "apart=False", "race/split_tested_inline.py",
    ),
    Mutant(
        "split-half-cache", "that who asks whether a value is there at all makes it twice at most",
        "transform/flow.py", "left and (takes or read not in flow.asked or flow.works.made(value, read))", "left",
        "norace/split_through_a_setter.py",
    ),
    Mutant(
        "split-told", "that what a method tells is relied on in a section of its own",
        "transform/helpers.py", "splits = adds and test.apart and bool(read.blocks)",
        "splits = False and bool(read.blocks)", "race/split_asked_method.py",
    ),
    Mutant(
        "room-of-all", "that who asks for one item asks for no room",
        "transform/flow.py", "bool(read.paths) and all(path.endswith(STRUCTURE)",
        "bool(read.paths) and any(path.endswith(STRUCTURE)", "norace/split_cache_expires.py",
    ),
    Mutant(
        "made-of-it", "that who hands on a value, or makes another one, relies on nothing",
        "transform/flow.py", "or flow.works.made(value, read)", "or bool(value)", "norace/split_made_of.py",
    ),
    Mutant(
        "made-of-read", "that what a call reads is no value that is made of it",
        "transform/calls.py", "works.on(taint, planner.flow.blocks)", "works.on(taint)", "norace/split_made_of.py",
    ),
    Mutant(
        "links-of-module", "that a coroutine without accesses of its own tells what it does because of what",
        "transform/planner.py", "self.flow.links.add_to(self.plan.links)", "pass", "race/task_functions.py",
    ),
    Mutant(
        "helper-apart", "that a write after an await may rely on what a property has told before it",
        "transform/helpers.py", "            self._note_guarded(flow, write)", "            pass",
        "race/task_property.py",
    ),
    Mutant(
        "fills", "that what was tested for room is full when somebody else has put something in",
        "detector/tasks.py", "(self._tests(entry) or conflict(between.access, entry.access))",
        "conflict(between.access, entry.access)", "race/task_room.py",
    ),
    Mutant(
        "fills-only", "that who does not ask for room leaves others to put something in, too",
        "findings/filling.py", "if not either or (region is not None and (", "if True or (region is not None and (",
        "norace/task_room.py",
    ),
    Mutant(
        "takes", "that what was found is gone when somebody else has taken it out",
        "findings/filling.py", "(region.fills or (region.takes", "(region.fills or (False", "race/task_pool_taken.py",
    ),
    Mutant(
        "takes-only", "that who puts something in takes nothing from who has asked whether there is anything",
        "findings/filling.py", "and _takes(race.earlier, site_of))", "and True)", "norace/task_pool_taken.py",
    ),
    Mutant(
        "takes-vainly", "that who finds gone what it was to take out has relied on a test",
        "detector/tasks.py", "                yield gone, True", "                pass", "race/task_key_gone.py",
    ),
    Mutant(
        "takes-tried", "that who handles exceptions bears that something has gone",
        "transform/calls.py", "len(node.args) < 2 and not planner.flow.tried", "len(node.args) < 2",
        "norace/task_pool_taken.py",
    ),
    Mutant(
        "takes-suppressed", "that `suppress()` handles exceptions",
        "transform/statements.py", "planner.flow.tried += suppresses", "planner.flow.tried += 0",
        "norace/task_key_gone.py",
    ),
    Mutant(
        "fills-nothing", "that who asks whether there is anything asks for no room",
        "transform/accesses.py", "sides.isdisjoint(_NEXT_TO_NOTHING)", "True", "norace/task_room.py",
    ),
    Mutant(
        "walk-ends", "that a walk is over when its task is suspended elsewhere",
        "detector/tasks.py", "task.stay(record.walks)", "task.begun.clear()", "norace/task_walk_ends.py",
    ),
    Mutant(
        "walk-again", "that a walk goes on over more suspensions than one",
        "runtime/recorder.py", "kept.append((site, code, offset, True))", "pass", "race/task_walk_later.py",
    ),
    Mutant(
        "walk-again-other", "that who is in a loop again may walk over something else",
        "sync/walks.py", "return any(type(held).__name__ in _ITERATORS for held in gc.get_referents(coroutine))",
        "return True", "norace/task_walk_later.py",
    ),
    Mutant(
        "walk-again-told", "that where it cannot be told a walk is over at the next suspension",
        "sync/walks.py", "return sum(not again for _site, _code, _begun, again in alike)", "return len(alike)",
        "norace/task_walk_later.py",
    ),
    Mutant(
        "walk-open", "that who was there before a walk could have come into it",
        "detector/openwalks.py", "            yield walk\n", "            yield from ()\n", "race/task_walk_first.py",
    ),
    Mutant(
        "walk-open-turns", "that walks and changes which come by turns could meet",
        "detector/openwalks.py", "yield shadow.passed", "yield from ()", "race/task_walk_outside.py",
    ),
    Mutant(
        "walk-open-once", "that what was early the first time need not be so again",
        "detector/openwalks.py", "if shadow.turns > 1:", "if True:", "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-lock", "that a lock which both hold keeps a change out of a walk",
        "detector/openwalks.py", "set(walk.locks).isdisjoint(entry.locks) and ", "", "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-append", "that who adds to a row spoils no walk",
        "detector/openwalks.py", " and access.commute is not Commute.APPEND", "", "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-read", "that who reads what was written after the walk comes after it",
        "detector/tasks.py", "self.walkers.follow(task, other.access.task, other.sequence)", "pass",
        "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-made", "that who was made after the walk comes after it",
        "detector/tasks.py", "self.walkers.follow(task, record.parent, sequence)", "pass", "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-woken", "that who was woken after the walk comes after it",
        "detector/tasks.py", "self.walkers.follow(task, record.by, sequence)", "pass", "norace/task_walk_outside.py",
    ),
    Mutant(
        "walk-open-entered", "that what both have entered may keep a change out of a walk",
        "findings/beginnings.py", " and not enter_one(walk.stack, change.stack)", "", "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-quiet", "that a coroutine which awaits nothing suspends nobody",
        "findings/awaits.py", "any(name not in self._quiet for name in names)", "bool(names)",
        "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-rounds", "that an await in a branch need not have been reached in the walk",
        "transform/statements.py", "awaited(node.body) if each else ()", "awaited(node.body)",
        "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-open-first", "that a task which has awaited something may have waited for the walk",
        "findings/beginnings.py", "race.recurs or is_beginning(change.stack)", "True", "norace/task_walk_open.py",
    ),
    Mutant(
        "walk-each", "that of walks at one place each has an end of its own",
        "detector/tasks.py", "left.remove(walk.access.site)", "pass", "norace/task_walk_ends.py",
    ),
    Mutant(
        "region-head", "that a write looks for the read it depends on",
        "detector/detector.py", "if site.regions and (access.operation.mutates or misses(access, site)):", "if False:",
        "race/lazy_serial.py",
    ),
    Mutant(
        "region-opening", "that a read is known by the region it can open",
        "findings/classify.py", "if opening is not None:", "if False:", "race/lazy_serial.py",
    ),
    Mutant(
        "guard-exit", "that an early exit guards what follows",
        "transform/statements.py", "flow.guards.extend(rest)", "pass", "race/check_early_return.py",
    ),
    Mutant(
        "guard-raise", "that raising unless it is missing is a refusal, not an initialisation",
        "transform/statements.py", "Guard(reads, CLEAN if raises else absent, refuses=raises, open",
        "Guard(reads, absent, refuses=raises, open", "race/check_owner_raise.py",
    ),
    Mutant(
        "guard-else", "that what is done in the else of a try relies on what was found",
        "transform/statements.py", "Guard(_found(tried, node.handlers), CLEAN)", "Guard(CLEAN, CLEAN)",
        "race/check_else.py",
    ),
    Mutant(
        "guard-counted", "that what is counted after an await relies on the property that was tested before",
        "transform/assignments.py",
        "planner.flow.write(draft, taint, *paths)\n    planner.helpers.answered(planner.flow, draft, taint)",
        "planner.flow.write(draft, taint, *paths)", "race/task_property.py",
    ),
    Mutant(
        "guard-except", "that what a try block read guards its handlers",
        "transform/statements.py", "flow.guards.append(Guard(tried, tried))\n        before",
        "flow.guards.append(Guard(CLEAN, CLEAN))\n        before", "race/lazy_try.py",
    ),
    Mutant(
        "guard-or", "that the right side of `or` runs under the test of the left",
        "transform/expressions.py", "planner.flow.guards.append(Guard(taint, absent))",
        "planner.flow.guards.append(Guard(CLEAN, CLEAN))", "race/check_or.py",
    ),
    Mutant(
        "guard-conditional", "that both sides of `a if test else b` run under the test",
        "transform/expressions.py", "planner.flow.guards.append(Guard(test, true_absent))",
        "planner.flow.guards.append(Guard(CLEAN, CLEAN))", "race/check_conditional.py",
    ),
    Mutant(
        "guard-while", "that the test of a loop guards its body",
        "transform/statements.py",
        "flow.guards.append(Guard(reads, true_absent, loops=True))\n    if not _loop_body(planner, node.body):",
        "flow.guards.append(Guard(CLEAN, CLEAN))\n    if not _loop_body(planner, node.body):",
        "race/check_while.py",
    ),
    Mutant(
        "guard-not", "that `not` turns a test round",
        "transform/polarity.py", "return when_false, when_true", "return when_true, when_false",
        "race/lazy_falsy.py",
    ),
    Mutant(
        "guard-none", "that `is None` finds what is missing",
        "transform/polarity.py",
        "none = isinstance(target.comparator, cst.Name) and target.comparator.value in {\"None\", \"False\"}",
        "none = False", "race/lazy_attribute.py",
    ),
    Mutant(
        "used-by-return", "that what is returned is used",
        "transform/statements.py", "planner.flow.returns.append((planner.flow.clock, taint))", "pass",
        "race/lazy_get_return.py",
    ),
)  # fmt: skip

_SEGMENTS = (
    Mutant(
        "segment-call", "that another thread may run at a call",
        "transform/calls.py", "    planner.flow.switch()\n    for one in answer", "    for one in answer",
        "race/rmw_local_call.py",
    ),
    Mutant(
        "segment-yield", "that another thread may run at a yield",
        "transform/expressions.py", "        planner.visit(node.value)\n    planner.flow.give()",
        "        planner.visit(node.value)", "race/rmw_generator.py",
    ),
    Mutant(
        "segment-loop", "that another thread may run between the rounds of a loop",
        "transform/statements.py",
        '    planner.flow.switch()\n    store(planner, node.target, taint, node, None, "body")',
        '    store(planner, node.target, taint, node, None, "body")', "race/rmw_loop.py",
    ),
    Mutant(
        "segment-with", "that another thread may run when a block is entered",
        "transform/statements.py", "taint = planner.visit(item.item)\n        planner.flow.switch()",
        "taint = planner.visit(item.item)", "race/rmw_before_lock.py",
    ),
    Mutant(
        "segment-augmented", "that `o.x += f()` reads before the call",
        "transform/assignments.py",
        "taint = planner.visit(node.value)\n    draft.spans = planner.flow.segment != segment",
        "taint = planner.visit(node.value)", "race/rmw_augmented_call.py",
    ),
    Mutant(
        "segment-augmented-name", "that `g += f()` reads before the call",
        "transform/assignments.py",
        "Context.AUGMENT)\n    draft.spans = planner.flow.segment != segment", "Context.AUGMENT)",
        "race/rmw_global_augmented.py",
    ),
    Mutant(
        "segment-none", "that a straight stretch is one segment",
        "findings/judge.py", "Verdict.HARMFUL if spans else Verdict.LATENT", "Verdict.HARMFUL", "race/rmw_straight.py",
    ),
    Mutant(
        "segment-walk", "that the body of a loop runs between the steps of the walk",
        "transform/expressions.py", "draft.spans = True", "pass", "race/iterate_dict.py",
    ),
    Mutant(
        "segment-view", "that a view may be walked over step by step",
        "transform/calls.py", "draft.spans = name in VIEWS", "pass", "race/iterate_items.py",
    ),
)  # fmt: skip

_JUDGING = (
    Mutant(
        "wrong-thread", "that a loop knows the thread that runs it",
        "sync/strays.py", "type(thread) is int and thread != get_ident()", "False", "race/loop_wrong_thread.py",
    ),
    Mutant(
        "wrong-thread-safe", "that call_soon_threadsafe() is for other threads",
        "sync/strays.py", '"call_soon_threadsafe", ', "", "norace/loop_wrong_thread.py",
    ),
    Mutant(
        "benign-stop-flag", "that a stop flag is benign",
        "findings/judge.py", "if reader.flag and writer.flag and writer.literal:", "if False:",
        "race/stop_global.py",
    ),
    Mutant(
        "benign-not-flag", "that only a test of a loop is one of a stop flag",
        "findings/judge.py", "if reader.flag and writer.flag and writer.literal:",
        "if writer.flag and writer.literal:", "race/flag_once.py",
    ),
    Mutant(
        "benign-waits", "that a loop asks again until something has changed",
        "findings/judge.py", "if reader.waits or reader.polled:", "if False:", "norace/poll_state.py",
    ),
    Mutant(
        "polled-end", "that the end of a loop says what its last test has read",
        "transform/statements.py", 'planner.tap(end, Role.BASE, node, "orelse")', "pass", "norace/poll_counts.py",
    ),
    Mutant(
        "polled-stores", "that stores of what loops poll are published, all of them",
        "detector/detector.py", "polled = site.polled and", "polled = False and", "norace/poll_counts.py",
    ),
    Mutant(
        "polled-end-only", "that only the end of a loop comes after what it polls",
        "transform/statements.py", "draft.polled |= draft.anchor is place and draft.name == attribute",
        "draft.polled = draft.waits = draft.polled or draft.anchor is place", "race/poll_counts.py",
    ),
    Mutant(
        "fold-explained", "that what is explained away hides nothing",
        "findings/folding.py", "strong.judgement.severity.rank > weak.judgement.severity.rank and", "False and",
        "race/owner_shown.py",
    ),
    Mutant(
        "benign-copies", "that a changed copy may replace a container under a lock",
        "findings/judge.py", "if writer.whole and", "if False and", "norace/copy_on_write.py",
    ),
    Mutant(
        "benign-one-copy", "that only who reads once has one of the copies",
        "findings/judge.py", "writer.whole and reader.once and", "writer.whole and", "race/copy_on_write.py",
    ),
    Mutant(
        "made-in-private", "that nothing races with what is made",
        "findings/making.py", "if not earlier.made or", "if True or", "norace/made_published.py",
    ),
    Mutant(
        "unmade-in-private", "that nothing races with what a finalizer does to its object",
        "findings/unmaking.py", "or not _is_last(", "or True or not _is_last(", "norace/deleted_last.py",
    ),
    Mutant(
        "unmade-methods", "that what a finalizer asks of its object is as private",
        "findings/unmaking.py", "return bool(asked) and all(", "return False and all(", "norace/deleted_last.py",
    ),
    Mutant(
        "unmade-by-hand", "that a finalizer which is called by hand is a method like any other",
        "findings/unmaking.py", "return not _is_called(access.stack[index:])", "return True", "race/deleted_last.py",
    ),
    Mutant(
        "unmade-others", "that only the finalizer's own object is private",
        "findings/unmaking.py", "if site.base != operand or not", "if not",
        "race/deleted_last.py",
    ),
    Mutant(
        "unmade-class", "that a class stays when an object of it goes",
        "findings/unmaking.py", "or of_class or", "or", "race/deleted_last.py",
    ),
    Mutant(
        "made-then-changed", "that what is made says nothing of what is stored later",
        "detector/shadow.py", "if site.made:", "if False:", "race/made_and_changed.py",
    ),
    Mutant(
        "made-by-setter", "that what a setter does to an object in the making is part of that",
        "transform/making.py", "if given := _given(node):", 'if given := "":', "norace/made_by_setter.py",
    ),
    Mutant(
        "made-by-setter-any", "that only a store in an object in the making calls for it",
        "runtime/making.py", "if at.site.made and operation.mutates:", "if operation.mutates:",
        "race/made_by_setter.py",
    ),
    Mutant(
        "made-base-init", "that the constructor of a base does not hand out the object",
        "transform/making.py", 'in _MAKERS | {"__set__"}', 'in {"__set__"}', "norace/made_by_setter.py",
    ),
    Mutant(
        "made-by-base", "that the constructor of a base may hand out the object",
        "transform/making.py", "if node in self._found.handing:", "if False:", "race/made_by_base.py",
    ),
    Mutant(
        "made-by-base-asked", "that a base which only looks at the object hands out nothing",
        "transform/handing.py", "return name not in _KEEPING", "return True", "norace/made_by_base.py",
    ),
    Mutant(
        "made-settled", "that a copy which nobody can change may be handed out before it is stored",
        "transform/making.py", ", _SETTLED + value.id", "", "norace/copy_settled.py",
    ),
    Mutant(
        "made-settled-anew", "that a name of such a copy may get another value",
        "transform/making.py", "self._fresh -= {_SETTLED + path, _LENT + path}", "pass", "race/copy_settled.py",
    ),
    Mutant(
        "loop-flag-again", "that a flag stored as the end of a loop has found it relies on nothing",
        "transform/flow.py", "if self._repeats(draft):", "if False:", "norace/stop_flag_reset.py",
    ),
    Mutant(
        "loop-flag-contrary", "that only what was found is stored again",
        "transform/flow.py", '"True": self.present}', '"True": self.absent}', "race/stop_flag_reset.py",
    ),
    Mutant(
        "made-constant", "that what the class gives a constant hands out nothing",
        "transform/making.py", "self._stored = set(found.constants.get(node, ()))", "self._stored = set[str]()",
        "norace/made_defaults.py",
    ),
    Mutant(
        "made-branch", "that what a branch hands out that leaves the function is of no concern after it",
        "transform/making.py", "if self._guarded or not _leaves(body):", "if True:", "norace/made_defaults.py",
    ),
    Mutant(
        "made-branch-on", "that a branch that goes on hands out",
        "transform/making.py", "if self._guarded or not _leaves(body):", "if False:", "race/made_defaults.py",
    ),
    Mutant(
        "benign-told", "that a value that only goes into a log, and a number of items given back, are benign",
        "findings/judge.py", "if reader.told and", "if False and", "norace/told_only.py",
    ),
    Mutant(
        "benign-told-last", "that only the last read of what is logged is told",
        "transform/telling.py", "        case ast.Name() | ast.Attribute():\n            yield node",
        "        case ast.Attribute(value=part):\n            yield node\n            yield from _ends(part)",
        "race/told_only.py",
    ),
    Mutant(
        "made-class-methods", "that methods of classes do not hand out the object",
        "transform/making.py", "(without | _OF_THREADS)", "_OF_THREADS", "norace/made_by_setter.py",
    ),
    Mutant(
        "made-passed-on", "that a descriptor passes on whether the object is in the making",
        "transform/calls.py", 'if name == "__set__" and node.args', 'if name == "" and node.args',
        "norace/made_by_setter.py",
    ),
    Mutant(
        "benign-double-checked", "that the outer test of double-checked locking is benign",
        "findings/judge.py", "if reader.double_checked and", "if False and",
        "norace/lock_double_checked_late.py",
    ),
    Mutant(
        "benign-put", "that a test for something to take bears others putting something in",
        "findings/judge.py", "if taking.takes and", "if False and", "norace/handover_single_consumer.py",
    ),
    Mutant(
        "benign-same-value", "that storing the same literal twice is benign",
        "findings/judge.py", "sites[0].literal and sites[0].literal == sites[1].literal", "False",
        "norace/same_value.py",
    ),
    Mutant(
        "handed-out-early", "that an object which is filled after it was handed out is found as it is",
        "findings/published.py", "return Early(line, name, False,", "return None and (", "race/published_early.py",
    ),
    Mutant(
        "flag-set-early", "that a flag which is set before what it stands for is found set",
        "findings/published.py", "return Early(statement.lineno, flag, True,", "return None and (",
        "race/published_early.py",
    ),
    Mutant(
        "published-started", "that a constructor may start a thread before it has stored all",
        "findings/published.py", "or _begun(path, target, function, before) or", "or",
        "race/start_incomplete.py",
    ),
    Mutant(
        "published-started-there", "that what has been there before is old, and not missing",
        "findings/begun.py", "or sum(_stores(one, target.attr) for one in family) != 1", "",
        "race/start_incomplete.py",
    ),
    Mutant(
        "use-after-test", "that a use which relies on a test is one with it",
        "findings/groups.py", "first, second = uses.joined(race, parts, site_of, file_of)", "first, second = parts",
        "race/check_use.py",
    ),
    Mutant(
        "use-spans", "that threads switch between a test and a use",
        "findings/uses.py", "region=RegionKind.TEST, spans=found.spans", "region=RegionKind.TEST, spans=False",
        "race/check_use.py",
    ),
    Mutant(
        "use-latent", "that without a call they do not",
        "findings/uses.py", "region=RegionKind.TEST, spans=found.spans", "region=RegionKind.TEST, spans=True",
        "race/check_use.py",
    ),
    Mutant(
        "benign-never-read", "that a value which nothing reads is benign",
        "findings/judge.py", "if kind is FindingKind.WRITE_WRITE and not read:", "if False:", "norace/never_read.py",
    ),
    Mutant(
        "benign-read", "that reads are noted",
        "detector/detector.py", 'self.read.add(access.variable.removesuffix("[...]"))', "pass", "race/never_read.py",
    ),
    Mutant(
        "kind-iteration", "that a change during a walk has a kind of its own",
        "findings/classify.py", "if Operation.ITERATE in operations and", "if False and", "race/iterate_dict.py",
    ),
    Mutant(
        "kind-double-init", "that a lazy initialisation has a kind of its own",
        "findings/classify.py", "return FindingKind.DOUBLE_INIT", "return FindingKind.CHECK_THEN_ACT",
        "race/lazy_attribute.py",
    ),
    Mutant(
        "kind-check", "that a test and an act have a kind of their own",
        "findings/classify.py", "if regions & {RegionKind.LAZY_INIT, RegionKind.TEST}:", "if False:",
        "race/check_stock_call.py",
    ),
    Mutant(
        "kind-lost-update", "that a read-modify-write has a kind of its own",
        "findings/classify.py", "return FindingKind.LOST_UPDATE if RegionKind.VALUE in regions else",
        "return", "race/counter_attribute.py",
    ),
    Mutant(
        "kind-one-lazy-side", "that a lazy initialisation against another sort of write is a check and an act",
        "findings/classify.py", "writer.region is not RegionKind.LAZY_INIT", "False", "race/lazy_reset.py",
    ),
    Mutant(
        "augmented-region", "that an augmented assignment is a region of its own",
        "findings/classify.py", "if operation is Operation.READ_MODIFY_WRITE:", "if False:",
        "race/counter_attribute.py",
    ),
    Mutant(
        "fold", "that a finding which only repeats a stronger one is dropped",
        "findings/folding.py", "if not any(_repeats(group, strong, site_of) for strong in kept):", "if True:",
        "race/lazy_groups.py",
    ),
    Mutant(
        "accessors", "that a line updates by two functions",
        "findings/accessors.py", "return place if _updates(*place) else None", "return None", "race/accessor_update.py",
    ),
    Mutant(
        "read-back", "that a thread may read back what another one has stored",
        "findings/readback.py", "return self.store_of(group, race) >= 0", "return False", "race/read_back.py",
    ),
    Mutant(
        "list-replaced", "that what is put into a list which is replaced is lost",
        "findings/readers.py", "return looks and writer.spans and bool(changes(*reader))", "return False",
        "race/list_replaced.py",
    ),
    Mutant(
        "fold-methods", "that a value one method read and another wrote in one line is one update",
        "findings/folding.py", "or _same_lines(weak, strong):", "or False:", "race/methods_imported",
    ),
    Mutant(
        "fold-method", "that a read and a write of one method are no such update",
        "findings/folding.py", "stack[1][1] < writing.access", "stack[1][1] <= writing.access",
        "race/lock_lru_cache.py",
    ),
    Mutant(
        "fold-variable", "that findings on different variables are different",
        "findings/groups.py",
        "key = (kind, variable, lines, race.one_loop, luck)", "key = kind",
        "race/unpack_targets.py",
    ),
    Mutant(
        "name-through", "that a container is called by the attribute it came from",
        "runtime/accesses.py", "if site.through and at.owner is not None:", "if False:", "race/len_insert.py",
    ),
)  # fmt: skip

KINDS: tuple[Mutant, ...] = (*_REGIONS, *_SEGMENTS, *_JUDGING)
