"""What an item of a container is called: by its key where that is plain and the same in all that was folded."""

from __future__ import annotations

import pytest

from raceway.findings.merge import merge_findings
from raceway.findings.suppress import parse
from raceway.model.races import key_text
from raceway.model.struct import replace
from raceway.pytesting.tests import allows
from raceway.report import decode_json, encode_json
from tests.conftest import RunRaceway
from tests.report import samples

PROGRAM = """\
import threading

class Name(str):
    def __repr__(self):
        print("asked")

items = {"a": 0, 1: 0}
line = [0, 0, 0]
names = {Name("x"): 0}
pairs = {(1, 2): 0}
odd, cut, low, high = {}, {}, {}, {}
slots = [0] * 9

def fee():
    return 1

def work():
    items["a"] = items["a"] + fee()
    items[None] = items.get(None, 0) + fee()
    items[True] = items[True] + fee()
    line[-1] = line[-1] + fee()
    for key in "pq":
        odd[key] = odd.get(key, 0) + fee()
    cut["it's " * 20] = cut.get("it's " * 20, 0) + fee()
    odd["\\ud800\\n"] = odd.get("\\ud800\\n", 0) + fee()
    low[-(2 ** 63)] = low.get(-(2 ** 63), 0) + fee()
    high[10 ** 5000] = high.get(10 ** 5000, 0) + fee()
    for index in (7,):
        slots[index] = slots[index] + fee()
    for name in names:
        names[name] = names[name] + fee()
    pairs[1, 2] = pairs.get((1, 2)) + fee()

threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""

CALLED = [
    "items['a']",
    "items[None]",
    "items[True]",
    "line[2]",
    "odd[...]",
    'cut["' + "it's " * 8 + '..."]',
    r"odd['\ud800\n']",
    "low[...]",
    "high[...]",
    "slots[...]",
    "names['x']",
    "pairs[...]",
]


def test_an_item_is_called_by_its_key_where_that_is_plain_and_the_only_one(core: str, run_raceway: RunRaceway) -> None:
    run_raceway.write("app.py", PROGRAM)
    finished = run_raceway("--core", core, "app.py")
    assert finished.stdout == ""
    updates = [one for one in finished.findings if one["kind"] == "lost-update"]
    assert [one["variable"] for one in updates] == CALLED
    assert all(f"lost-update on {name} " in finished.stderr for name in CALLED)
    assert all(one["variable"] in one["message"] and one["variable"] in one["fix"] for one in updates)
    named = [one for one in updates if not one["variable"].endswith("[...]")]
    assert all(one["variable"].endswith(f"[{one['key']}]") for one in named)
    assert [one for one in updates if "key" in one] == named


@pytest.mark.parametrize("key", [3.5, b"x", (1,), 2**63, object(), type("Text", (str,), {})("x"), ...])
def test_what_could_be_code_of_the_program_or_is_long_is_not_told(key: object) -> None:
    assert key_text(key) == ""


COUNT = replace(
    samples.COUNTER,
    variable="Stats.hits['a[0]']",
    key="'a[0]'",
    message="Ada and Grace read and write back Stats.hits['a[0]'].",
    fix="Hold one lock around the whole update of Stats.hits['a[0]'].",
)


def test_whatever_names_the_variable_may_leave_the_key_out() -> None:
    assert (COUNT.any_key, samples.COUNTER.any_key) == ("Stats.hits[...]", samples.COUNTER.variable)
    for glob in ("Stats.hits[...]", COUNT.variable, "Stats.hits*"):
        assert parse(f"* variable={glob}", "here").matches(COUNT)
        assert allows([glob], COUNT)
    assert not parse("* variable=Stats.hits", "here").matches(COUNT)
    assert not allows(["Stats.hits"], COUNT)


def test_processes_that_met_at_other_keys_have_one_finding_without_a_key() -> None:
    other = replace(COUNT, variable="Stats.hits['b']", key="'b'", message="Stats.hits['b']", fix="Stats.hits['b']")
    (merged,) = merge_findings([COUNT, other])
    assert (merged.variable, merged.key) == ("Stats.hits[...]", "")
    assert (merged.message, merged.fix) == (
        "Ada and Grace read and write back Stats.hits[...].",
        "Hold one lock around the whole update of Stats.hits[...].",
    )
    (same,) = merge_findings([COUNT, COUNT])
    assert same == replace(COUNT, count=2 * COUNT.count)
    assert decode_json(encode_json(samples.report(COUNT))).findings == (COUNT,)
