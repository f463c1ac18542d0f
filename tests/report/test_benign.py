"""What is explained away: the reason is said once, and there is nothing to change."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from raceway.model.findings import Finding, Report
from raceway.model.kinds import Severity
from raceway.model.struct import replace
from raceway.report import render_text
from raceway.report.github import pieces as github
from raceway.report.json import encode
from raceway.report.markdown import pieces as markdown
from raceway.report.page import pieces as page
from raceway.report.sarif import pieces as sarif
from tests.report import samples

REASON = "a stop flag"
BENIGN = replace(samples.STOP_FLAG, reason=REASON, message=f"worker reads it. Benign: {REASON}.")


def text(report: Report) -> str:
    """The text with all findings."""
    stream = io.StringIO()
    render_text(report, stream, show=Severity.INFO, fail_on=Severity.ERROR)
    return stream.getvalue()


FORMS: dict[str, Callable[[Report], str]] = {
    "text": text,
    "page": lambda report: "".join(page(report)),
    "markdown": lambda report: "".join(markdown(report)),
    "github": lambda report: "".join(github(report)),
    "sarif": lambda report: "".join(sarif(report)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (BENIGN, False),
        (replace(BENIGN, severity=Severity.WARNING), True),
        (samples.STOP_FLAG, True),
    ],
)
def test_only_what_is_not_explained_away_has_a_fix(form: str, finding: Finding, told: bool) -> None:
    shown = FORMS[form](samples.report(finding))
    assert ("Use threading.Event" in shown.replace("\\", "")) is told
    assert ("nothing to change" in shown) is (not told and form not in ("github", "sarif"))


def test_the_page_does_not_say_that_a_lock_is_lacking() -> None:
    first, second = BENIGN.accesses
    sides = (replace(first, locks=("Worker.lock",)), second)
    guarded = replace(BENIGN, accesses=sides, guard="Worker.lock")
    for finding, told in ((guarded, False), (replace(guarded, reason=""), True)):
        shown = FORMS["page"](samples.report(finding))
        assert ("would have helped" in shown, 'class="lacks"' in shown) == (told, told)


def test_its_reason_is_said_once_and_json_keeps_all() -> None:
    assert text(samples.report(BENIGN)).count(REASON) == 1
    assert BENIGN.fix.encode() in encode(samples.report(BENIGN))
