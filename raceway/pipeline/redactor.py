"""What must not leave the process: secrets by the name of their field, by pattern, query strings and bodies.

A redactor is applied by the worker to every event before any plugin or sink sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from raceway.errors import ConfigError
from raceway.model.typing import Any

HIDDEN = "[REDACTED]"

SECRET_FIELDS = frozenset(
    "password passwd passphrase pwd secret clientsecret token accesstoken refreshtoken idtoken sessiontoken "
    "csrftoken "
    "xcsrftoken xsrftoken apitoken authtoken bearertoken privatetoken xapitoken xauthtoken xaccesstoken "
    "xsessiontoken xvaulttoken xamzsecuritytoken jwt apikey xapikey apisecret xracewaykey "
    "authorization proxyauthorization cookie setcookie "
    "sessionid sessionkey privatekey secretkey accesskey credential credentials creditcard cardnumber cvv cvc "
    "ssn".split()
)
"""Well-known names of fields that hold secrets, in lower case and without `_`, `-` and spaces."""

_SECRET_ENDS = ("password", "passwd", "passphrase", "secret", "apikey", "privatekey", "accesskey", "authtoken")
"""What names of secrets end in: `db_password`, `new_password`, `aws_secret_access_key`."""

SECRET_PATTERN = "|".join((
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # JSON web tokens
    r"\b(?:[Bb]earer|[Bb]asic) +[\w.~+/-]{8,}=*",
    r"\bAKIA[0-9A-Z]{16}\b",  # keys of Amazon web services
    r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}",
    r"\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",  # user and password of a URL, or a password alone
))  # fmt: skip
"""Well-known shapes of secrets."""

_QUERY = re.compile(r"(?<=[?&;#])([^=&;#]*)=([^&#]*)")
_ADDRESS = re.compile(r"(?:[A-Za-z][\w+.-]*://|[/.?])\S*[?#]")
"""What a header begins with that is an address with a query or fragment."""

_SEPARATORS = re.compile(r"[\s_-]+")
SMALL = 10**6
"""Integers below it are no card numbers: they are not spelled out for patterns to look at."""


class Redactor:
    """Replaces what is secret by `[REDACTED]`.

    `patterns` are regular expressions looked for in every text and number, `fields` names whose value is hidden
    wherever they stand: a key of arguments, a header, the last part of a variable. Both come on top of the well-known
    ones unless `defaults` is false. `query_strings` hides the values in URLs, `bodies` those of requests and responses.
    Raises ConfigError for a pattern that is no regular expression.
    """

    def __init__(
        self,
        patterns: Iterable[str] = (),
        fields: Iterable[str] = (),
        *,
        defaults: bool = True,
        query_strings: bool = True,
        bodies: bool = True,
    ) -> None:
        self._fields = frozenset(map(_plain, _several(fields))) | (SECRET_FIELDS if defaults else frozenset())
        self._ends = _SECRET_ENDS if defaults else ()
        known = (SECRET_PATTERN,) if defaults else ()
        self._patterns = tuple(map(_compiled, (*known, *_several(patterns))))
        self._query_strings = query_strings
        self._bodies = bodies
        # Names of variables, functions and places come again and again.
        self._is_secret = lru_cache(maxsize=2048)(self._looks_secret)
        self.name = lru_cache(maxsize=8192)(self.text)

    def hides(self, name: str) -> bool:
        """Whether the values of a field are hidden for its name's sake."""
        return self._is_secret(name)

    def text(self, text: str) -> str:
        """The text without what patterns find in it. `name` is the same for texts that are likely to come again."""
        for pattern in self._patterns:
            text = pattern.sub(HIDDEN, text)
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """A JSON value, copied where something is hidden; `name` is the field that holds it."""
        if name and value is not None and self._is_secret(name):
            return HIDDEN
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is dict:
            return {self.text(key): self.value(item, key) for key, item in value.items()}
        if kind is list:
            return [self.value(item) for item in value]
        if kind is int and not -SMALL < value < SMALL and self.text(str(value)) != str(value):
            return HIDDEN
        return value

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Headers of a request or response; some hold addresses, `Referer` and `Location` for example."""
        return {
            name: HIDDEN if self._is_secret(name) else self.url(value) if _ADDRESS.match(value) else self.text(value)
            for name, value in headers.items()
        }

    def url(self, url: str) -> str:
        """An address; of its query string the names stay."""
        if not self._query_strings:
            return self.text(url)
        start = min((at for at in map(url.find, "?#") if at >= 0), default=len(url))
        return self.text(url[:start]) + self.text(_QUERY.sub(rf"\1={HIDDEN}", url[start:]))

    def body(self, body: Any) -> Any:
        """The body of a request or response."""
        if self._bodies:
            return None if body is None else HIDDEN
        return self.value(body)

    def _looks_secret(self, name: str) -> bool:
        return any(
            plain in self._fields or plain.endswith(self._ends)
            for plain in (_plain(name), _plain(re.split(r"[.\[]", name)[-1]))
        )


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()


def _several(names: Iterable[str]) -> Iterable[str]:
    """One name that stands for itself is no iterable of letters."""
    return (names,) if isinstance(names, str) else names


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigError(f"redactor: {pattern!r} is not a regular expression: {error}") from None


NOTHING_HIDDEN = Redactor(defaults=False, query_strings=False, bodies=False)
