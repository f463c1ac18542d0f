"""Ping-pong: two threads take turns, half of the turns through a condition, half through a pair of events."""

from __future__ import annotations

import threading

from benchmarks.programs.measuring import main

SIZES = {"tiny": 10, "small": 300, "full": 12_000}
"""Turns of each thread, of each sort."""


class Table:
    """Whose turn it is, and how often the ball went over; the condition guards both."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.turn = 0
        self.strokes = 0

    def play(self, player: int, turns: int) -> None:
        """Wait for the turn, play, give the turn to the other."""
        for _ in range(turns):
            with self.changed:
                while self.turn != player:
                    self.changed.wait()
                self.strokes += 1
                self.turn = 1 - player
                self.changed.notify()


class Handover:
    """A value that goes to and fro between two events."""

    def __init__(self) -> None:
        self.events = (threading.Event(), threading.Event())
        self.value = 0

    def play(self, player: int, turns: int) -> None:
        """Wait for one's own event, count, set the other's."""
        own, other = self.events[player], self.events[1 - player]
        for _ in range(turns):
            own.wait()
            own.clear()
            self.value += 1
            other.set()


def work(turns: int) -> None:
    """Both games, one after the other."""
    table, handover = Table(), Handover()
    handover.events[0].set()
    for game in (table, handover):
        players = [threading.Thread(target=game.play, args=(player, turns)) for player in range(2)]
        for player in players:
            player.start()
        for player in players:
            player.join()
    assert table.strokes == handover.value == 2 * turns


if __name__ == "__main__":
    main(work, SIZES, __doc__)
