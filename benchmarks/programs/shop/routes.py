"""The pages of the shop."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, g, jsonify, request

from benchmarks.programs.shop.orders import Orders
from benchmarks.programs.shop.stock import SoldOutError, Stock
from benchmarks.programs.shop.visits import Visits


@dataclass(frozen=True)
class Shop:
    """What the pages reach."""

    stock: Stock
    orders: Orders
    visits: Visits


def add_routes(app: Flask, shop: Shop) -> None:
    """Register all pages."""

    @app.before_request
    def begin() -> None:
        g.began = shop.visits.begin()

    @app.after_request
    def end(response: Response) -> Response:
        shop.visits.end(request.path.split("/")[1], g.began)
        return response

    @app.get("/articles")
    def articles() -> Response:
        start = int(request.args.get("start", "0"))
        return jsonify(articles=shop.stock.page(start, 20))

    @app.post("/orders")
    def order() -> tuple[Response, int]:
        document = request.get_json()
        lines = tuple((line["name"], int(line["number"])) for line in document["lines"])
        try:
            accepted = shop.orders.accept(document["customer"], lines)
        except (SoldOutError, KeyError) as error:
            return jsonify(error=str(error)), 409
        return jsonify(number=accepted.number, total=accepted.total), 201

    @app.get("/orders/<int:number>")
    def find(number: int) -> tuple[Response, int]:
        found = shop.orders.find(number)
        if found is None:
            return jsonify(error="no such order"), 404
        return jsonify(number=found.number, customer=found.customer, total=found.total), 200

    @app.get("/customers/<name>")
    def customer(name: str) -> Response:
        return jsonify(name=name, total=shop.orders.total(name))
