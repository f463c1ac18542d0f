"""Mutants that take away a benign class which is told from the source of both sides, or what bounds it."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SOURCED = (
    Mutant(
        "drained-as-counted", "that who counts what there is takes no more out than that",
        "findings/sourced.py", "if emptying.takes_as_many(", "if False and emptying.takes_as_many(",
        "norace/drained_as_counted.py",
    ),
    Mutant(
        "drained-otherwise", "that the number may be used for something else than taking as many out",
        "findings/emptying.py", "return len(mentions) == 1 and any(", "return True or any(",
        "race/drained_as_counted.py",
    ),
    Mutant(
        "benign-by-key", "that who only takes out what was there writes nothing back",
        "findings/sourced.py", "and emptying.writes_nothing_back", "and False and emptying.writes_nothing_back",
        "norace/evict_by_keys.py",
    ),
    Mutant(
        "benign-by-value", "that what is removed one at a time leaves what is put in",
        "findings/sourced.py", "and emptying.leaves_what_is_put_in", "and False and emptying.leaves_what_is_put_in",
        "norace/drained_one_by_one.py",
    ),
    Mutant(
        "benign-looked-again", "that who looks again under a lock acts on no old answer",
        "findings/sourced.py", "if asking.looks_again(", "if False and asking.looks_again(",
        "norace/lock_looked_again.py",
    ),
    Mutant(
        "benign-ticket", "that who asks by a key was given it after the store",
        "findings/sourced.py", "and tickets.is_asked_by_ticket(", "and False and tickets.is_asked_by_ticket(",
        "norace/ticket_store.py",
    ),
    Mutant(
        "benign-ticket-early", "that a key which is given away before the store tells nothing",
        "findings/tickets.py", "all(_follows(use, item)", "all(True or _follows(use, item)", "race/ticket_store.py",
    ),
    Mutant(
        "benign-ticket-guessed", "that others may ask for the count",
        "findings/tickets.py", "_asked(tree, name) == _asked(function, name)", "True", "race/ticket_store.py",
    ),
    Mutant(
        "condition-of-wait", "that the condition of a call that waits is read as the test of a loop",
        "transform/expressions.py", "if node in planner.conditions:", "if False:", "norace/poll_condition.py",
    ),
    Mutant(
        "finalizer-container", "that a finalizer works on containers of its own object",
        "findings/unmaking.py", "not held or _is_made_for_each(code, held)", "not held", "norace/deleted_container.py",
    ),
    Mutant(
        "finalizer-container-shared", "that a container may be one of the class, or of others",
        "findings/unmaking.py", "not held or _is_made_for_each(code, held)", "True", "race/deleted_container.py",
    ),
    Mutant(
        "benign-taken-out", "that two who only take items out are benign",
        "findings/sourced.py", "if emptying.only_empties(", "if False and emptying.only_empties(",
        "norace/take_out.py",
    ),
    Mutant(
        "benign-taken-out-whatever", "that only what is not used is taken out whatever it is",
        "findings/emptying.py", "and _unused_with_default(path, site)", "", "race/take_out.py",
    ),
    Mutant(
        "benign-taken-out-part", "that only all items are taken out whatever they are",
        "findings/emptying.py", "and _is_whole(path, site)", "", "race/take_out.py",
    ),
    Mutant(
        "benign-claimed", "that two who take one item out, and bear that it is gone, are benign",
        "findings/sourced.py", "if kind in _PLAIN and emptying.both_claim(", "if False and emptying.both_claim(",
        "norace/dict_claim.py",
    ),
    Mutant(
        "benign-claimed-handled", "that a handler may bear that the item is gone",
        "findings/emptying.py", "return innermost is not None and any(", "return False and any(",
        "norace/dict_claim.py",
    ),
    Mutant(
        "benign-claimed-by-both", "that both sides must take the item out",
        "findings/emptying.py", "_claims(*earlier) and _claims(*later)", "_claims(*earlier)", "race/dict_claim.py",
    ),
    Mutant(
        "benign-claimed-there", "that who must find the item there does not bear that it is gone",
        "findings/emptying.py", "case (ast.Call(args=[_, _], keywords=[]),):", "case (ast.Call(),):",
        "race/dict_claim.py",
    ),
    Mutant(
        "benign-walks-again", "that a walk may be begun anew when it is told of a change",
        "findings/sourced.py", "if rewalking.begins_anew(", "if False and rewalking.begins_anew(",
        "norace/walk_again.py",
    ),
    Mutant(
        "benign-walks-list", "that a list tells nobody that it has changed",
        "findings/rewalking.py", "if not (_tells(changer) or", "if False and not (_tells(changer) or",
        "race/walk_again.py",
    ),
    Mutant(
        "benign-walks-once", "that the walk is begun anew",
        "findings/rewalking.py", "return _is_round(nodes[index + 1 :], next(filter(_bears, handlers)))", "return True",
        "race/walk_again.py",
    ),
    Mutant(
        "benign-walks-done", "that nothing is done before the walk, or in it",
        "findings/rewalking.py", "case ast.Try(body=[first, *_], handlers=handlers, finalbody=[]) if first is node:",
        "case ast.Try(handlers=handlers):", "race/walk_again.py",
    ),
    Mutant(
        "benign-walks-loop", "that nothing is done in the walk",
        "findings/rewalking.py", "case ast.For(iter=walked) | ast.AsyncFor(iter=walked) if walked is node:",
        "case ast.For(iter=walked) if False:", "race/walk_again.py",
    ),
    Mutant(
        "benign-stamps", "that two time stamps are benign",
        "findings/sourced.py", "moments.both_stamp(", "False and moments.both_stamp(", "norace/time_stamp.py",
    ),
    Mutant(
        "benign-stamps-given", "that a time that was given is no reading of a clock",
        "findings/moments.py", "and not given", "", "race/time_stamp.py",
    ),
    Mutant(
        "benign-left", "that a stop flag in the midst of a loop, or None as one, is benign",
        "findings/sourced.py", "if leaving.is_left(", "if False and leaving.is_left(", "norace/stop_flag_left.py",
    ),
    Mutant(
        "benign-left-first", "that nothing is done because of a stop flag but leaving",
        "findings/leaving.py", "and _leaves(parent)", "", "race/stop_flag_left.py",
    ),
    Mutant(
        "benign-left-once", "that a stop flag is asked for in a loop",
        "findings/leaving.py", "and _in_loop(nodes[index + 1 :])", "", "race/stop_flag_left.py",
    ),
    Mutant(
        "benign-left-stored", "that what is stored has the loop left",
        "findings/leaving.py", "return bool(outcome) and", "return", "race/stop_flag_left.py",
    ),
    Mutant(
        "benign-asked-again", "that a test which another function repeats under the lock is benign",
        "findings/sourced.py", "if asking.asks_again(", "if False and asking.asks_again(",
        "norace/lock_asked_again.py",
    ),
    Mutant(
        "benign-asked-again-only", "that nothing is done because of the test but calling that function",
        "findings/asking.py", "_only_calls(branch, name) for", "True for", "race/lock_asked_again.py",
    ),
    Mutant(
        "benign-asked-again-locked", "that the function takes the lock before it tests",
        "findings/asking.py", "and all(line < test.line for line in begun)", "", "race/lock_asked_again.py",
    ),
    Mutant(
        "lost-wake", "that who clears an event after the look at what it announces misses something",
        "findings/lostwakes.py", "            return event\n", "            return \"\"\n",
        "race/event_cleared_late.py",
    ),
    Mutant(
        "lost-wake-after", "that who clears it before the look misses nothing",
        "findings/lostwakes.py", "min(waits) < min(lines) <= max(lines) < cleared", "min(waits) < min(lines)",
        "norace/event_cleared_late.py",
    ),
    Mutant(
        "counter-missing", "that a missing item of a Counter is looked for by code of Python",
        "findings/missing.py", 'return called == "Counter"', "return False", "race/counter_missing_key.py",
    ),
    Mutant(
        "benign-gone", "that who takes out what it has found and bears that it has gone is benign",
        "findings/sourced.py", "expecting.expects_gone(", "False and expecting.expects_gone(",
        "norace/check_gone.py",
    ),
    Mutant(
        "benign-gone-only", "that nothing else is done with what was found",
        "findings/expecting.py", "and first <= test.line <= act.line", "", "race/check_gone.py",
    ),
    Mutant(
        "benign-gone-stored", "that the other side stores nothing anew",
        "findings/expecting.py", "            if not _takes_out(site):\n                return False\n", "",
        "race/check_gone.py",
    ),
    Mutant(
        "benign-shown", "that what only goes into __repr__ is benign",
        "transform/telling.py", "found.update((part, SHOWN)", "found.update((part, SHOWN) if False else (part, \"\")",
        "norace/told_only.py",
    ),
)
