"""What the shop has: articles with prices and numbers, under one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass


class SoldOutError(Exception):
    """There are not enough of an article."""


@dataclass
class Article:
    """One sort of thing that is sold."""

    name: str
    price: int
    left: int
    sold: int = 0


class Stock:
    """All articles."""

    def __init__(self, articles: int) -> None:
        self._lock = threading.Lock()
        self._articles = {
            f"article-{number}": Article(f"article-{number}", 10 + number, 10**9) for number in range(articles)
        }

    def page(self, start: int, length: int) -> list[dict[str, object]]:
        """Some of the articles, as documents."""
        with self._lock:
            names = sorted(self._articles)[start : start + length]
            articles = [self._articles[name] for name in names]
            return [{"name": one.name, "price": one.price, "left": one.left} for one in articles]

    def take(self, name: str, number: int) -> int:
        """Take some of an article out of the stock; gives what they cost. KeyError when there is no such article."""
        with self._lock:
            article = self._articles[name]
            if article.left < number:
                raise SoldOutError(name)
            article.left -= number
            article.sold += number
            return article.price * number

    def sold(self) -> int:
        """How many things were sold."""
        with self._lock:
            return sum(article.sold for article in self._articles.values())
