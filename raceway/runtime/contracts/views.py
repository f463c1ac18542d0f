"""Contracts of dictionary views and `mappingproxy`: what they do is done to the mapping behind them."""

from __future__ import annotations

from raceway.model.struct import replace
from raceway.runtime.contracts.dicts import READING
from raceway.runtime.contracts.terms import COMPARISONS, ITERATION, LENGTH, WHOLE, WHOLE_BOTH, Contract, rows


def _behind(like: Contract) -> Contract:
    return replace(like, through=True)


# Without the GIL the elements are looked at one by one, each lookup by itself.
_BOTH = _behind(replace(WHOLE_BOTH, atomic_free_threaded=False, note="one C call on GIL builds; item by item without"))
_ALGEBRA = "__and__ __or__ __sub__ __xor__ __rand__ __ror__ __rsub__ __rxor__ isdisjoint"


def _view(container: str) -> tuple[Contract, ...]:
    return (
        *rows(container, "__len__", _behind(LENGTH)),
        *rows(container, "__iter__ __reversed__", _behind(ITERATION)),
        *rows(container, "__repr__", _behind(WHOLE)),
    )


def _ordered(container: str) -> tuple[Contract, ...]:
    return (
        *rows(container, "__iter__ __reversed__", _behind(ITERATION)),
        *rows(container, "__repr__", _behind(replace(WHOLE, atomic_free_threaded=False))),
    )


VIEWS = (
    *_view("dict_keys"),
    *rows("dict_keys", "__contains__", _behind(READING)),
    *rows("dict_keys", _ALGEBRA, _BOTH),
    *rows("dict_keys", COMPARISONS, _BOTH),
    *_view("dict_items"),
    *rows("dict_items", _ALGEBRA, _BOTH),
    *rows("dict_items", COMPARISONS, _BOTH),
    *_view("dict_values"),
    *rows("dict_values", "__contains__", replace(_BOTH, walks_arguments=False)),
    *_ordered("odict_keys"),
    *_ordered("odict_items"),
    *_ordered("odict_values"),
)

MAPPING_PROXY = (
    *rows("mappingproxy", "__getitem__ get __contains__", _behind(READING)),
    *rows("mappingproxy", "__len__", _behind(LENGTH)),
    *rows("mappingproxy", "__iter__ __reversed__ keys values items", _behind(ITERATION)),
    *rows("mappingproxy", "copy __repr__ __str__", _behind(WHOLE)),
    *rows("mappingproxy", "__or__ __ror__", _behind(WHOLE_BOTH)),
    *rows("mappingproxy", "__eq__ __ne__ __lt__ __le__ __gt__ __ge__", _behind(WHOLE_BOTH)),
)
