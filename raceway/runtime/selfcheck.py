"""The canary: a race that a core must find in itself, or what it says of the program is worth nothing.

Two actors that nothing orders count up one attribute, through taps, recorder and rules as any code would. Both are
played by the calling thread, one after the other, so there is no thread that the program could see; the race, its
actors and its accesses are left out of what the core tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CodeType, FunctionType

from raceway.model import placeholders
from raceway.model.races import RawRace
from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.model.sitetable import single
from raceway.model.struct import values
from raceway.model.typing import Any
from raceway.originals import sleep
from raceway.runtime.contract import Counters, Names, Recorder

FILE = "<raceway self-check>"

MARKER = b"\x00raceway:self-check:"
SOURCE = "def step(canary):\n    {base}[canary].steps += {value} @ 1\n"
SITE = Site(
    0, SiteForm.ATTRIBUTE, Context.AUGMENT, Role.VALUE, "steps", "canary", "step.canary", "step", 2, 4, 2, 16, once=True
)
"""What the transform says of the statement."""

_ATTEMPTS, _PAUSE_S = 50, 0.01

Bind = Callable[[CodeType, Sequence[Site], bytes, str], CodeType]


class _Canary:
    """What the two actors share."""

    def __init__(self) -> None:
        self.steps = 0


class SelfCheck:
    """The checks of one core. `races`, `counters` and `noted` tell all, the canary's own included."""

    def __init__(
        self,
        recorder: Recorder,
        bind: Bind,
        names: Names,
        races: Callable[[], list[RawRace]],
        counters: Callable[[], Counters],
    ) -> None:
        self._recorder = recorder
        self._bind = bind
        self._names = names
        self._races = races
        self._counters = counters
        self._hidden = Counters(0, 0, 0, 0, 0)

    def passes(self) -> bool:
        """Run the race now; False when it was not found, for whatever cause. The core must be recording."""
        before = self._counters()
        try:
            self._run()
            attempts = _ATTEMPTS
            while not (found := self._is_found(before)) and attempts:
                attempts -= 1
                sleep(_PAUSE_S)  # a thread of the program may be feeding the detector, with what the check made
            after = self._counters()
        except Exception:  # a core that cannot even be asked
            return False
        rows = zip(values(self._hidden), values(after), values(before), strict=True)
        self._hidden = Counters(*(hidden + late - early for hidden, late, early in rows))
        return found

    def _is_found(self, before: Counters) -> bool:
        return self._counters().noted > before.noted and any(map(self._is_own, self._races()))

    def races(self) -> list[RawRace]:
        """The races of the program."""
        return [race for race in self._races() if not self._is_own(race)]

    def counters(self) -> Counters:
        """The counts of the program."""
        rows = zip(values(self._counters()), values(self._hidden), strict=True)
        return Counters(*(every - hidden for every, hidden in rows))

    def _run(self) -> None:
        recorder, step, canary = self._recorder, self._step(), _Canary()
        caller, task = recorder.current(), recorder.tasks.resume(0)
        actors = recorder.fork("self-check"), recorder.fork("self-check")
        try:
            for actor in actors:
                recorder.begin(actor)
                step(canary)
                recorder.end()
        finally:
            recorder.begin(caller)
            recorder.tasks.resume(task)

    def _step(self) -> Callable[[object], None]:
        base, value = (placeholders.spell(MARKER, 0, role) for role in (Role.BASE, Role.VALUE))
        names: dict[str, Any] = {"__name__": __name__}
        exec(SOURCE.format(base=base, value=value), names)  # as text: `compile` makes the types of trees, 200 KiB
        step: FunctionType = names["step"]
        code, places = placeholders.take_out(step.__code__.replace(co_filename=FILE), MARKER)
        step.__code__ = self._bind(code, single(SITE), places, FILE)
        return step

    def _is_own(self, race: RawRace) -> bool:
        return self._names.site_file(race.earlier.access.site) == FILE
