"""The shop's server: `python -m benchmarks.programs.shop.app` prints its port and serves until its input ends.

All that it has is in memory, so that most of what a request costs is werkzeug and Flask.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from benchmarks.programs.serving import serve
from benchmarks.programs.shop.orders import Orders
from benchmarks.programs.shop.routes import Shop, add_routes
from benchmarks.programs.shop.stock import Stock
from benchmarks.programs.shop.visits import Visits


def make() -> tuple[Flask, Callable[[], int]]:
    """A shop with its stock filled."""
    stock = Stock(100)
    shop = Shop(stock, Orders(stock), Visits())
    app = Flask("shop")
    add_routes(app, shop)
    return app, shop.visits.total


if __name__ == "__main__":
    serve(__doc__, make)
