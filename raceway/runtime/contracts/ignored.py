"""What container types offer beyond the contract table, each with the reason why it needs no row."""

from __future__ import annotations


def _because(reason: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), reason)


_CLASS = "belongs to the class, not to the container"
_ATTRIBUTE = "attributes are recorded as attributes"
_ORDERINGS = "__lt__ __le__ __gt__ __ge__"
_IDENTITY = "compares identities, not contents"
_UNDEFINED = "dictionaries have no order: raises, reads nothing"
_PAIR = "the key it looks up is inside the pair"

IGNORED: dict[str, dict[str, str]] = {
    "object": {
        **_because("makes an object that no other thread knows yet", "__new__ __init__ __init_subclass__"),
        **_because(_CLASS, "__class_getitem__ __subclasshook__ __class__ __doc__ __module__ __slots__ __hash__"),
        **_because(_CLASS, "__abstractmethods__ __static_attributes__ __firstlineno__"),
        **_because(_ATTRIBUTE, "__getattribute__ __setattr__ __delattr__ __dir__ __dict__ __weakref__"),
        **_because("called by copy and pickle, never by name", "__reduce__ __reduce_ex__ __getstate__ __setstate__"),
        **_because("memory, not content", "__sizeof__ __release_buffer__"),
        **_because("str() and format() are in the table of calls", "__str__ __format__"),
    },
    "dict": {
        **_because("makes a new dictionary", "fromkeys"),
        **_because(_UNDEFINED, _ORDERINGS),
    },
    "collections.OrderedDict": _because("makes a new dictionary", "fromkeys"),
    "collections.defaultdict": _because("an attribute, recorded as one", "default_factory"),
    "collections.Counter": {
        **_because("gives 0 and stores nothing", "__missing__"),
        **_because("raises", "fromkeys"),
    },
    "weakref.WeakKeyDictionary": {
        **_because("makes a list of references", "keyrefs"),
        **_because("copies, in several steps", "__copy__ __deepcopy__"),
        **_because(_UNDEFINED, _ORDERINGS),
    },
    "weakref.WeakValueDictionary": {
        **_because("makes a list of references", "valuerefs itervaluerefs"),
        **_because("copies, in several steps", "__copy__ __deepcopy__"),
        **_because(_UNDEFINED, _ORDERINGS),
    },
    "collections.ChainMap": {
        **_because("makes a new ChainMap over the same maps", "new_child parents"),
        **_because("makes a new ChainMap", "fromkeys"),
        **_because("raises", "__missing__"),
        **_because(_UNDEFINED, _ORDERINGS),
    },
    "collections.deque": _because("never changes", "maxlen"),
    "bytearray": {
        **_because("makes a new object", "fromhex maketrans"),
        **_because("memory, not content", "__alloc__"),
    },
    "array.array": _because("never changes", "typecode itemsize"),
    "dict_keys": _because("gives the mapping, reads nothing of it", "mapping"),
    "dict_items": {
        **_because("gives the mapping, reads nothing of it", "mapping"),
        **_because(_PAIR, "__contains__"),
    },
    "dict_values": {
        **_because("gives the mapping, reads nothing of it", "mapping"),
        **_because(_IDENTITY, f"__eq__ __ne__ {_ORDERINGS}"),
    },
    "mappingproxy": _because("raises: the proxy is read-only", "__ior__"),
}
"""Container -> name -> reason. Those of `object` hold for every container."""
