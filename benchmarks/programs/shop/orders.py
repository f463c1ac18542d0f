"""What was ordered: the most recent orders by number, and totals by customer."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from benchmarks.programs.shop.stock import Stock

KEPT = 500


@dataclass(frozen=True)
class Order:
    """An order that was accepted."""

    number: int
    customer: str
    lines: tuple[tuple[str, int], ...]
    total: int


class Orders:
    """Accepts orders."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._lock = threading.Lock()
        self._next = 1
        self._orders: dict[int, Order] = {}
        self._totals: dict[str, int] = {}

    def accept(self, customer: str, lines: tuple[tuple[str, int], ...]) -> Order:
        """Take the things out of the stock and note the order."""
        total = 0
        for name, number in lines:
            total += self._stock.take(name, number)
        with self._lock:
            order = Order(self._next, customer, lines, total)
            self._next += 1
            self._orders[order.number] = order
            self._orders.pop(order.number - KEPT, None)
            self._totals[customer] = self._totals.get(customer, 0) + total
        return order

    def find(self, number: int) -> Order | None:
        """An order that is still kept."""
        with self._lock:
            return self._orders.get(number)

    def total(self, customer: str) -> int:
        """What a customer has spent."""
        with self._lock:
            return self._totals.get(customer, 0)
