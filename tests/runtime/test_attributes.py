"""Where attributes live: whose classes have access of their own, and that what is known of a class goes with it."""

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict
from types import MappingProxyType, SimpleNamespace

import pytest

from raceway.runtime.attributes import Attributes
from raceway.runtime.identity import Identity


@pytest.fixture
def attributes() -> Attributes:
    return Attributes(Identity(lambda _serial: None))


@pytest.mark.parametrize("tp", [dict, OrderedDict, Exception, SimpleNamespace, int, tuple, set])
@pytest.mark.parametrize("store", [False, True])
def test_classes_in_c_access_attributes_as_object_does(attributes: Attributes, tp: type, store: bool) -> None:
    assert not attributes.hooks(tp, store)


def test_other_ways_are_the_business_of_their_code(attributes: Attributes) -> None:
    assert attributes.hooks(super, store=False)
    assert attributes.hooks(type(weakref.proxy(attributes)), store=False)
    assert not attributes.hooks(MappingProxyType, store=False)


def test_a_class_is_not_kept_alive(attributes: Attributes) -> None:
    plain = weakref.ref(type("Plain", (), {}))
    gc.collect()
    if plain() is not None:
        pytest.skip("this interpreter keeps classes itself: free-threaded 3.13 does once a thread was started")
    cls = type("Short", (), {"__setattr__": object.__setattr__, "__getattribute__": object.__getattribute__})
    assert not attributes.hooks(cls, store=True)
    assert not attributes.hooks(cls, store=False)
    alive = weakref.ref(cls)
    del cls
    gc.collect()
    assert alive() is None
