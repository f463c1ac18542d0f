"""The HTML report: one file that is well formed, lets no text of the program act, and works in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings

from raceway.model.findings import Actor, Life, Note, NotSeen, Related, Report
from raceway.model.struct import replace
from raceway.report.files import write_file
from raceway.report.page import pieces
from raceway.report.page.markup import highlighted, marked
from tests.report import samples
from tests.report.browser import Page, browser, chromium
from tests.report.strategies import reports

CHROMIUM = chromium()
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium here: the page is not tried in a browser (Debian: chromium)"
)

HOSTILE = "</script><script>hacked=1</script><img src=x onerror=hacked=1>\"' onload='hacked=1 \u202e"


class _Parsed(HTMLParser):
    """Tags, attributes and text of a page; `faults` has tags that close what is not open."""

    VOID = frozenset({"meta", "link", "input", "rect", "path", "wbr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.faults += [f"{tag} is not closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"{tag} closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(report: Report) -> str:
    """The page as text."""
    return "".join(pieces(report))


def hostile() -> Report:
    """A report in which every text that a program can choose is an attack."""
    finding = samples.LOST_UPDATE
    sides = tuple(
        replace(
            side,
            file=HOSTILE,
            function=HOSTILE,
            source=HOSTILE,
            context=(HOSTILE, f"'''{HOSTILE}", f"# {HOSTILE}"),
            context_line=side.line - 1,
            actor=Actor("thread", HOSTILE),
            locks=(HOSTILE,),
            stack=tuple(replace(frame, function=HOSTILE, file=HOSTILE) for frame in side.stack),
        )
        for side in finding.accesses
    )
    steps = tuple(replace(step, file=HOSTILE, source=HOSTILE, value=HOSTILE, harm=HOSTILE) for step in finding.steps)
    bad = replace(finding, variable=HOSTILE, message=HOSTILE, fix=HOSTILE, accesses=sides, steps=steps, guard=HOSTILE)
    bad = replace(bad, also=((sides[0].stack[0],),), related=(Related(HOSTILE, HOSTILE),))
    cycle = replace(samples.LOCK_CYCLE, variable=HOSTILE, accesses=(replace(sides[0], operation=HOSTILE), sides[1]))
    return replace(
        samples.report(bad, cycle, replace(cycle, fingerprint="2"), not_seen=(NotSeen(HOSTILE, HOSTILE),)),
        run=replace(samples.RUN, command=(HOSTILE,)),
        suppressed=(replace(bad, suppressed=HOSTILE),),
        notes=(Note(HOSTILE, HOSTILE, HOSTILE),),
        lives=(Life(Actor("thread", HOSTILE), 0.0),),
    )


@settings(max_examples=40, deadline=None)
@given(reports())
def test_any_report_is_a_well_formed_page_with_one_script(report: Report) -> None:
    parsed = _Parsed(page_of(report))
    assert parsed.faults == []
    assert [tag for tag, _ in parsed.tags].count("script") == 1
    assert sum(attributes.get("data-severity") is not None for _, attributes in parsed.tags) == len(report.findings)


def test_a_hostile_text_stays_text() -> None:
    plain, bad = _Parsed(page_of(samples.EVERYTHING)), _Parsed(page_of(hostile()))
    assert bad.faults == []
    assert {tag for tag, _ in bad.tags} <= {tag for tag, _ in plain.tags} | {"wbr"}
    names = {name for _, attributes in bad.tags for name in attributes}
    assert not any(name.startswith("on") for name in names)
    assert "hacked=1" in bad.text
    assert "\u202e" not in page_of(hostile())


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    parsed = _Parsed(page_of(samples.EVERYTHING))
    links = {value for _, attributes in parsed.tags for name, value in attributes.items() if name in ("src", "href")}
    assert all(link is not None and link.startswith(("#", "data:")) for link in links)
    policy = next(a["content"] for tag, a in parsed.tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_a_finding_shows_all_that_is_known_of_it() -> None:
    text = " ".join(_Parsed(page_of(samples.report(samples.LOST_UPDATE))).text.split())
    for words in (
        "lost-update Account.balance",
        samples.LOST_UPDATE.message,
        samples.LOST_UPDATE.fix,
        "stores 0",
        "the write of MainThread is lost",
        "lacks Bank.lock",
        "Bank.lock would have helped",
        "def withdraw(self, amount):",
        "bank.py:205",
        "3f2a90c1",
        "what lost-update means",
    ):
        assert words in text


def test_the_lock_order_of_cycles_is_drawn() -> None:
    page = page_of(samples.report(samples.LOCK_CYCLE))
    assert page.count('class="arrow"') == 3
    assert page.count('class="node"') == 3
    assert "<h2>Lock order</h2>" not in page
    alone = replace(samples.LOCK_CYCLE.accesses[0], operation="acquire Bank.lock")
    loop = page_of(samples.report(replace(samples.LOCK_CYCLE, accesses=(alone,))))
    assert (loop.count('class="arrow"'), loop.count('class="node"')) == (1, 1)
    twice = replace(samples.LOCK_CYCLE, fingerprint="other")
    assert "<h2>Lock order</h2>" in page_of(samples.report(samples.LOCK_CYCLE, twice))


def test_the_timeline_has_a_lane_for_each_thread_and_leads_to_its_findings() -> None:
    page = page_of(samples.EVERYTHING)
    lanes = re.findall(
        r'<tr[^>]*><th scope="row"[^>]*>(.*?)</th>.*?</td><td>(.*?)</td>', page.partition('id="timeline"')[2]
    )
    assert [name for name, _ in lanes] == ["MainThread", "teller-1", "idle"]
    assert lanes[1][1] == '<a href="#finding-1">1</a>'
    assert lanes[2][1] == ""


def test_threads_of_one_name_share_a_lane() -> None:
    twin = Life(Actor("thread", "teller-1"), 2.0, 2.5)
    page = page_of(replace(samples.EVERYTHING, lives=(*samples.LIVES, twin))).partition('id="timeline"')[2]
    lane = page.partition('title="teller-1">')[2].partition("</tr>")[0]
    assert lane.startswith("teller-1 <small>2 threads</small>")
    assert lane.count("<rect ") == 2
    assert "2.000 s to 2.500 s" in lane
    assert page.count('<th scope="row"') == len(samples.LIVES)


def test_a_thread_of_very_many_findings_leads_to_the_first_of_them() -> None:
    name = samples.LOST_UPDATE.accesses[0].actor.name
    many = [replace(samples.LOST_UPDATE, fingerprint=f"{number:08x}") for number in range(40)]
    report = replace(samples.report(*many), lives=(Life(Actor("thread", name), 0.0),))
    lanes = page_of(report).partition('id="timeline"')[2].partition("</table>")[0]
    assert lanes.count('<a href="#finding-') == 9
    assert "and 31 more" in lanes


def test_a_long_path_is_broken_behind_its_folders() -> None:
    side = replace(samples.LOST_UPDATE.accesses[0], file="application/services/renewal.py", line=7)
    page = page_of(samples.report(replace(samples.LOST_UPDATE, accesses=(side, side))))
    assert "application/<wbr>services/<wbr>renewal.py:7" in page


def test_a_timeline_of_very_many_threads_keeps_those_that_matter() -> None:
    many = tuple(Life(Actor("thread", f"worker-{n}"), 0.001 * n, 1.0) for n in range(500))
    report = replace(samples.EVERYTHING, lives=(*many, *samples.LIVES))
    lanes = re.findall(r'<tr[^>]*><th scope="row"[^>]*>(.*?)</th>', page_of(report).partition('id="timeline"')[2])
    assert len(lanes) == 24
    assert {"MainThread", "teller-1"} <= set(lanes)
    assert "and 479 threads more" in page_of(report)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (samples.QUIET, "No races found"),
        (replace(samples.QUIET, summary=replace(samples.WATCHED, actors=1)), "Nothing ran concurrently"),
        (replace(samples.QUIET, summary=replace(samples.WATCHED, modules=0)), "Nothing was watched"),
        (replace(samples.QUIET, summary=replace(samples.WATCHED, self_check="failed")), "do not rely on this report"),
    ],
)
def test_a_report_without_findings_says_what_that_means(report: Report, words: str) -> None:
    assert words in _Parsed(page_of(report)).text


def test_source_is_coloured_word_by_word() -> None:
    line = highlighted("def f(x): return f'{x}' + 10  # why")
    assert '<span class="t-keyword">def</span> <span class="t-def">f</span>(x)' in line
    assert '<span class="t-string">f&#x27;{x}&#x27;</span>' in line
    assert '<span class="t-number">10</span>  <span class="t-comment"># why</span>' in line
    assert marked("a.b = 1", 0, 3).startswith("<mark>a.b</mark>")
    assert "<mark>" not in marked("a.b = 1", 5, 90)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a running browser."""
    assert CHROMIUM is not None
    with browser(CHROMIUM) as opened:
        yield opened


def open_report(page: Page, report: Report, directory: Path, fragment: str = "") -> None:
    """Write the report and load it. Nothing else is asked for, and the console stays empty."""
    path = directory / "report.html"
    write_file(report, "html", str(path))
    page.open("about:blank")
    page.open(path.as_uri() + fragment)
    assert {one["request"]["url"].partition("#")[0] for one in page.of("Network.requestWillBeSent")} == {path.as_uri()}
    assert page.of("Runtime.consoleAPICalled") == []
    assert page.of("Log.entryAdded") == []
    assert page.of("Runtime.exceptionThrown") == []


SHOWN = "[...document.querySelectorAll('.finding')].filter(e => e.offsetParent).map(e => e.dataset.kind).join()"


@needs_chromium
def test_the_filter_shows_what_is_asked_for(page: Page, tmp_path: Path) -> None:
    page.show(1280, 900, dark=False)
    open_report(page, samples.EVERYTHING, tmp_path)
    everything = "lost-update,lost-update,await-gap,lock-order-cycle,read-write"
    assert page.run(SHOWN) == everything
    assert page.run("document.getElementById('shown').textContent") == "5 findings"
    for act, shown in (
        ("query.value = 'bank.lock withdraw'", "lost-update"),
        ("query.value = 'no such thing'", ""),
        ("query.value = ''", everything),
        ("kind.value = 'await-gap'", "await-gap"),
        ("kind.value = ''", everything),
        ("document.querySelector('[value=info]').checked = false", "lost-update,lost-update,await-gap"),
    ):
        page.run(
            "(() => { const query = document.getElementById('query'), kind = document.getElementById('kind');"
            f"{act}; document.getElementById('filter').dispatchEvent(new Event('input')); }})()"
        )
        assert page.run(SHOWN) == shown
        assert page.run("!document.getElementById('empty').hidden") is (shown == "")
    assert page.run("location.hash") == "#severity=error%2Cwarning"
    assert page.run("document.querySelectorAll('.outline li:not([hidden])').length") == 3
    page.run("document.getElementById('reset').click()")
    assert page.run(SHOWN) == everything
    assert page.of("Runtime.exceptionThrown") == []


@needs_chromium
def test_a_link_keeps_the_filter_and_leads_to_a_finding(page: Page, tmp_path: Path) -> None:
    open_report(page, samples.EVERYTHING, tmp_path, "#q=cache&severity=error")
    assert page.run(SHOWN) == "await-gap"
    open_report(page, samples.EVERYTHING, tmp_path, "#finding-5")
    assert page.run("document.querySelector('#finding-5 details').open") is True
    page.run("document.getElementById('fold').click()")
    assert page.run("document.querySelectorAll('.finding > details[open]').length") == 0
    # Pictures of the whole page have what is out of sight.
    assert page.run("getComputedStyle(document.querySelector('#finding-5')).contentVisibility") == "visible"


@needs_chromium
def test_the_theme_follows_the_reader_until_one_is_chosen(page: Page, tmp_path: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    page.show(1280, 900, dark=True)
    open_report(page, samples.EVERYTHING, tmp_path)
    dark = page.run(background)
    page.run("document.getElementById('theme').click()")
    light = page.run(background)
    assert dark != light
    page.show(1280, 900, dark=False)
    page.run("document.getElementById('theme').click()")
    assert page.run(background) == dark
    page.run("document.getElementById('theme').click()")
    assert page.run(background) == light
    page.run("localStorage.clear()")


@needs_chromium
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_hangs_over_the_edge(width: int, page: Page, tmp_path: Path) -> None:
    page.show(width, 900, dark=False)
    open_report(page, samples.EVERYTHING, tmp_path)
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.run("document.documentElement.scrollWidth") <= width


@needs_chromium
@pytest.mark.parametrize("width", [360, 1400])
def test_no_cell_runs_into_the_next_one(width: int, page: Page, tmp_path: Path) -> None:
    page.show(width, 900, dark=False)
    long = "WarehouseInventoryReservationCoordinator.reservation_bookkeeping_lock #1"
    steps = tuple(replace(step, operation=f"hold {long}") for step in samples.LOCK_CYCLE.steps)
    open_report(page, samples.report(replace(samples.LOCK_CYCLE, variable=long, steps=steps)), tmp_path)
    over = "[...document.querySelectorAll('.steps td')].filter(cell => cell.scrollWidth > cell.clientWidth).length"
    assert page.run(over) == 0
    assert page.run("document.getElementById('shown').textContent") == "1 finding"


@needs_chromium
def test_no_script_of_the_program_runs(page: Page, tmp_path: Path) -> None:
    open_report(page, hostile(), tmp_path)
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.run("typeof hacked") == "undefined"
    assert page.run("document.querySelectorAll('img').length") == 0


@needs_chromium
def test_the_policy_stops_even_what_gets_in(page: Page, tmp_path: Path) -> None:
    open_report(page, samples.QUIET, tmp_path)
    image = json.dumps("<img src=x onerror=hacked=1>")
    page.run(
        "(() => { const made = document.createElement('script'); made.textContent = 'hacked = 1';"
        f" document.body.append(made); document.body.insertAdjacentHTML('beforeend', {image});"
        " return new Promise(done => setTimeout(done, 0)); })()"
    )
    assert page.run("typeof hacked") == "undefined"
