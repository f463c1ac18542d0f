"""Suppressions: how they are spelled, what they match, and what is said of those that do nothing."""

from __future__ import annotations

import pytest

from raceway.errors import ConfigError, SuppressionError
from raceway.findings.known import Known, read_rules
from raceway.findings.suppress import Rule, comments, parse, parse_file, split
from raceway.model.baseline import IN_BASELINE, of_report
from raceway.model.findings import Note
from raceway.model.struct import replace
from tests.report import samples

TODAY = "2030-06-15"

FINDING = samples.LOST_UPDATE
"""A lost update on Account.balance, in bank.py, between Account.withdraw (line 12) and Account.reset (line 107)."""


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ("lost-update", True),
        ("*", True),
        ("write-write", False),
        ("lost-update variable=Account.balance", True),
        ("lost-update variable=Account.*", True),
        ("lost-update variable=account.*", False),
        ("* file=bank.py function=Account.reset", True),
        ("* file=bank.py function=Account.close", False),
        ("* file=shop/*.py", False),
        ("* fingerprint=3f2a90c1", True),
        ("* fingerprint=3f2a90c", False),
        ("* until=2030-06-15", True),
        ("* until=2030-06-14", False),
        ("lost-update variable=Account.* # counted twice a day", True),
    ],
)
def test_a_rule_matches_what_it_says(rule: str, matches: bool) -> None:
    kept, suppressed, used = split([FINDING], [parse(rule, "here")], TODAY)
    assert (len(kept), len(suppressed), len(used)) == ((0, 1, 1) if matches else (1, 0, 0))


def test_a_variable_with_brackets_matches_itself() -> None:
    item = replace(FINDING, variable="Shop.stock[...]")
    assert parse("* variable=Shop.stock[...]", "here").matches(item)
    assert not parse("* variable=Shop.stock[...]", "here").matches(FINDING)


def test_the_finding_says_what_suppresses_it() -> None:
    _, suppressed, _ = split([FINDING], [parse("* # it is only a demo", "pyproject.toml")], TODAY)
    assert suppressed[0].suppressed == "pyproject.toml: it is only a demo"
    assert suppressed[0].fingerprint == FINDING.fingerprint


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("lost-updates", "'lost-updates' is no kind of finding (did you mean lost-update?)"),
        ("", "'' is no kind of finding (`raceway explain` lists them)"),
        ("lost-update balance", "'balance' is not one of its parts"),
        ("lost-update variable=", "'variable=' is not one of its parts"),
        ("lost-update colour=red", "'colour=red' is not one of its parts"),
        ("lost-update file=a file=b", "'file=b' is not one of its parts"),
        ("lost-update until=tomorrow", "until=tomorrow is no date"),
        ("lost-update until=20300101", "until=20300101 is no date"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_one_line(rule: str, complaint: str) -> None:
    with pytest.raises(SuppressionError) as caught:
        parse(rule, "rules.txt:3")
    text = str(caught.value)
    assert text.startswith(f"rules.txt:3: cannot read the suppression {rule!r}: {complaint}")
    assert text.endswith("; write KIND [variable=GLOB] [file=GLOB] [function=GLOB] [fingerprint=HEX] "
                         "[until=YYYY-MM-DD] [# reason]")  # fmt: skip
    assert "\n" not in text


def test_a_file_has_one_rule_a_line() -> None:
    rules = parse_file("# ours\n\nlost-update # one\n  write-write file=a.py\n", "rules.txt")
    assert [(rule.where, sorted(rule.kinds), rule.reason) for rule in rules] == [
        ("rules.txt:3", ["lost-update"], "one"),
        ("rules.txt:4", ["write-write"], ""),
    ]


def test_a_suppression_file_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"cannot read the suppressions /no/such\.txt: No such file or directory"):
        read_rules((), "/no/such.txt")


SOURCE = """\
class Account:
    def withdraw(self):
        self.balance -= 1  # raceway: ignore[lost-update] counted elsewhere
        text = "# raceway: ignore[write-write] no comment"
    # raceway: ignore[read-write,write-write] until=2031-01-01
    def reset(self):
        self.balance = 0  # raceway: ignore[*]
        self.limit = 0  # raceway: ignore
        self.name = ""  # raceway: ignore[lost-updates] oops
        self.old = 1  #raceway:ignore[write-write]until=2030-01-01 see above
"""


def found(source: str = SOURCE) -> list[Rule | Note]:
    return list(comments(source.splitlines(keepends=True), "bank.py"))


def test_comments_are_read_and_nothing_else() -> None:
    rules = [one for one in found() if isinstance(one, Rule)]
    assert [(sorted(one.lines), sorted(one.kinds), one.until, one.reason) for one in rules[:3]] == [
        ([3], ["lost-update"], "", "counted elsewhere"),
        ([6], ["read-write", "write-write"], "2031-01-01", ""),
        ([7], [], "", ""),
    ]


def test_a_comment_holds_for_all_lines_of_its_statement() -> None:
    source = (
        "x = [\n    a.b,  # raceway: ignore[*] inside\n    # raceway: ignore[*] alone inside\n    c,\n]\n"
        "y = (\n    1\n)  # raceway: ignore[*] behind\n\n"
        "# raceway: ignore[*] above\n\nif (\n    y\n):\n    z = 1\n"
        "# raceway: ignore[*] at the end\n"
    )
    rules = {one.reason: sorted(one.lines) for one in found(source) if isinstance(one, Rule)}
    assert rules == {
        "inside": [1, 2, 3, 4, 5],
        "alone inside": [1, 2, 3, 4, 5],
        "behind": [6, 7, 8],
        "above": [12, 13, 14],
        "at the end": [16],
    }
    (behind,) = found("x = 1  # noqa: E501  # raceway: ignore[*] behind another\n")
    assert isinstance(behind, Rule)
    assert behind.reason == "behind another"


def test_comments_that_do_not_parse_are_noted_where_they_stand() -> None:
    notes = [one for one in found() if isinstance(one, Note)]
    assert [(one.state, one.where) for one in notes] == [
        ("suppression-unreadable", "bank.py:8"),
        ("suppression-unreadable", "bank.py:9"),
    ]
    assert "write # raceway: ignore[KIND] reason" in notes[0].text
    assert "'lost-updates' is no kind" in notes[1].text


@pytest.mark.parametrize("word", ["ignor", "Ignore", "noqa", "suppress", "ignore-race"])
def test_a_comment_with_brackets_and_another_word_is_noted(word: str) -> None:
    (note,) = found(f"x.y = 1  # raceway: {word}[lost-update] seen\n")
    assert isinstance(note, Note)
    assert note.text == f"'{word}[lost-update] seen': write # raceway: ignore[KIND] reason"
    assert found("x.y = 1  # raceway: see the list [1]\nx.z = 2  # raceway: guarded-by(self.locks[0])\n") == []


def test_a_file_that_is_no_python_to_its_end_gives_what_comes_before() -> None:
    assert len(found("x = 1  # raceway: ignore[write-write]\n(((\n'''")) == 1


def test_a_comment_holds_for_either_side_and_its_kinds_only() -> None:
    for line, kinds, expected in (
        (12, {"lost-update"}, True),
        (107, {"lost-update"}, True),
        (107, {"write-write"}, False),
    ):
        rule = Rule("bank.py:1", "", frozenset(kinds), file="bank.py", lines=frozenset({line}))
        assert rule.matches(FINDING) is expected
    assert not Rule("a.py:12", "", frozenset(), file="a.py", lines=frozenset({12})).matches(FINDING)


def test_what_did_nothing_is_noted_and_what_is_over_suppresses_nothing() -> None:
    rules = [parse(text, "suppress") for text in ("lost-update until=2001-01-01", "write-write", "* variable=stats.*")]
    sifted = Known("", rules).sift((FINDING, samples.COUNTER), ())
    assert sifted.kept == (FINDING,)
    assert [one.suppressed for one in sifted.suppressed] == ["suppress"]
    assert [(note.state, note.text) for note in sifted.notes] == [
        ("suppression-expired", "lost-update until=2001-01-01"),
        ("suppression-unused", "write-write"),
    ]


def test_a_baseline_leaves_what_is_new() -> None:
    known = Known("", (), of_report(samples.report(samples.COUNTER)))
    sifted = known.sift((FINDING, samples.COUNTER), ())
    assert sifted.kept == (FINDING,)
    assert [one.suppressed for one in sifted.suppressed] == [IN_BASELINE]
    assert sifted.notes == ()
