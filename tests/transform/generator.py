"""Makes random programs whose every operation is logged and may fail: what the fuzzer runs plain and tapped."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

PRELUDE = """\
log = []
fuse = [{fuse}]

class Boom(Exception): pass

def spark(*what):
    log.append(" ".join(map(str, what)))
    fuse[0] -= 1
    if not fuse[0]: raise Boom(log[-1])
    if len(log) > 2000: raise SystemExit("enough")

class L:
    made = 0
    def __new__(cls, *args):
        L.made += 1
        self = object.__new__(cls)
        object.__setattr__(self, "_", "L%d" % L.made)
        object.__setattr__(self, "fields", {{}})
        return self
    def __repr__(self): return object.__getattribute__(self, "_")
    def __getattr__(self, name):
        if name[:2] == "__": raise AttributeError(name)
        spark(self, "get", name)
        fields = object.__getattribute__(self, "fields")
        if name not in fields: fields[name] = L()
        return fields[name]
    def __setattr__(self, name, value): spark(self, "set", name, kind(value)); self.fields[name] = value
    def __delattr__(self, name): spark(self, "del", name); self.fields.pop(name, None)
    def __getitem__(self, key): spark(self, "[]", kind(key)); return self.fields.setdefault("item", L())
    def __setitem__(self, key, value): spark(self, "[]=", kind(key), kind(value)); self.fields["item"] = value
    def __delitem__(self, key): spark(self, "del[]", kind(key)); self.fields.pop("item", None)
    def __call__(self, *args, **kwargs): spark(self, "()", *map(kind, args), *kwargs); return L()
    def __iter__(self): spark(self, "iter"); yield L(); spark(self, "next"); yield 1
    def __contains__(self, item): spark(self, "in", kind(item)); return L.made % 2 == 0
    def __bool__(self): spark(self, "bool"); return L.made % 3 > 0
    def __len__(self): spark(self, "len"); return 2
    def __add__(self, other): spark(self, "+", kind(other)); return L()
    def __radd__(self, other): spark(kind(other), "+", self); return L()
    def __iadd__(self, other): spark(self, "+=", kind(other)); return L() if L.made % 2 else self
    def __matmul__(self, other): spark(self, "@", kind(other)); return L()
    def __rmatmul__(self, other): spark(kind(other), "@", self); return L()
    def __lt__(self, other): spark(self, "<", kind(other)); return L.made % 2 == 0
    def __gt__(self, other): spark(self, ">", kind(other)); return L.made % 2 == 0
    def __eq__(self, other): spark(self, "==", kind(other)); return self is other
    def __hash__(self): spark(self, "hash"); return 1
    def __format__(self, spec): spark(self, "format", spec); return "text"
    def __enter__(self): spark(self, "enter"); return L()
    def __exit__(self, *args): spark(self, "exit", args[0]); return L.made % 5 == 0
    def __await__(self): spark(self, "await"); yield; return L()
    def __aiter__(self): spark(self, "aiter"); self.fields["left"] = 2; return self
    async def __anext__(self):
        spark(self, "anext"); self.fields["left"] -= 1
        if self.fields["left"] < 0: raise StopAsyncIteration
        return L()
    async def __aenter__(self): spark(self, "aenter"); return L()
    async def __aexit__(self, *args): spark(self, "aexit", args[0]); return False
    def __del__(self): log.append("gone %r" % self)
    def keys(self): spark(self, "keys"); return ["k"]

def kind(value): return value if isinstance(value, (L, int, str, type(None))) else type(value).__name__

def note(failure):
    import traceback
    log.append("".join(traceback.format_exception(failure)))

rounds = [0]
def again(): rounds[0] += 1; return rounds[0] < 9

def complete(coroutine):
    try:
        while True: coroutine.send(None)
    except StopIteration as end: return end.value

g, h, k = L(), L(), L()
n = m = p = q = r = L()
"""

END = """\
for name, part in parts.items():
    try: print(name, kind(part()))
    except Exception as error:
        print(name, type(error))
        if name == last: raise
    finally:
        print("\\n".join(log))
        log.clear()
"""

LOCALS = ("p", "q", "r")
_CELLS = ("n", "m")
_GLOBALS = ("g", "h", "k")
_FIELDS = ("x", "y", "__z", "pop", "get")
_LITERALS = ("0", "1", "-1", "None", "True", "'a'", "()", "[]", "{}", "...", "(1, 2)", "'a' 'b'", "b'\\x00raceway:0:S'")
_BUILTINS = ("len", "list", "getattr", "hasattr", "sorted", "any", "iter", "kind")
CAUGHT = ("Boom", "(Boom, TypeError) as r", "Exception as m", "AttributeError as g", "TypeError as n")


class Generator:
    """One random program. The flags say what is allowed at this place."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.walrus = True
        self.in_async = False
        self.in_loop = False

    def choose(self, options: tuple[Callable[[int], str], ...], depth: int) -> str:
        """One of the productions, a level deeper."""
        return self.random.choice(options)(depth - 1)

    def rarely(self) -> bool:
        """One time in ten."""
        return self.random.random() < 0.1

    def name(self) -> str:
        """Any name: a local, a captured variable, a global."""
        return self.random.choice((*LOCALS, *_CELLS, *_GLOBALS))

    def field(self) -> str:
        """The name of an attribute."""
        return self.random.choice(_FIELDS)

    def expression(self, depth: int = 3) -> str:
        """An expression that needs no parentheses around it."""
        if depth <= 0:
            return self.random.choice(_LITERALS) if self.rarely() else self.name()
        return self.choose((*self.places(), *self.operators(), *self.displays()), depth)

    def places(self) -> tuple[Callable[[int], str], ...]:
        """Attributes, items, calls."""
        return (
            lambda d: f"{self.operand(d)}.{self.field()}",
            lambda d: f"{self.operand(d)}.{self.field()}",
            lambda d: f"{self.operand(d)}[{self.key(d)}]",
            lambda d: f"{self.operand(d)}.{self.field()}({self.arguments(d)})",
            lambda d: f"{self.operand(d)}({self.arguments(d)})",
            lambda d: f"{self.operand(d)}\\\n  .{self.field()}\\\n  .{self.field()}",
            lambda d: f"{self.operand(d)}\\\n  .{self.field()}({self.arguments(d)})\\\n  .{self.field()}()",
            lambda d: f"{self.random.choice(_BUILTINS)}({self.arguments(d)})",
        )

    def operators(self) -> tuple[Callable[[int], str], ...]:
        """Operators, conditions, lambdas, and what is only allowed in places."""
        return (
            lambda d: f"({self.expression(d)} {self.random.choice(('+', '@', '<', '=='))} {self.operand(d)})",
            lambda d: f"({self.expression(d)} {self.random.choice(('and', 'or'))} {self.operand(d)})",
            lambda d: f"({self.operand(d)} {self.random.choice(('in', 'not in', 'is'))} {self.operand(d)})",
            lambda d: f"({self.operand(d)} < {self.operand(d)} == {self.operand(d)})",
            lambda d: f"(not {self.expression(d)})",
            lambda d: f"({self.expression(d)} if {self.expression(d)} else {self.expression(d)})",
            self.function_expression,
            self.named,
            self.awaited,
        )

    def displays(self) -> tuple[Callable[[int], str], ...]:
        """Displays, comprehensions, f-strings."""
        return (
            lambda d: f"[{self.elements(d)}]",
            lambda d: f"({self.expression(d)}, {self.elements(d)})",
            lambda d: f"{{{self.expression(d)}: {self.expression(d)}, **{self.operand(d)}}}",
            lambda d: f"{{{self.elements(d)}}}",
            lambda d: f"f'{{{self.quoted(d)}}} {{{self.quoted(d)}!r:{{{self.quoted(0)}}}}}'",
            self.comprehension,
        )

    def operand(self, depth: int) -> str:
        """An expression that a `.`, `[` or `(` may follow."""
        text = self.expression(depth)
        return f"({text})" if text[0].isdigit() or text[0] in "-'b." or "\n" in text else text

    def quoted(self, depth: int) -> str:
        """A name or a chain of attributes: what every Python allows in an f-string."""
        return self.name() + "".join(f".{self.field()}" for _ in range(self.random.randint(0, depth + 1)))

    def key(self, depth: int) -> str:
        """What stands between brackets."""
        return self.choose(
            (
                self.expression,
                self.expression,
                lambda _d: self.random.choice(("0", "'a'", "-1", "None")),
                lambda d: f"{self.expression(d)}:{self.expression(d)}",
                lambda d: f"::{self.expression(d)}",
                lambda d: f"{self.expression(d)}, {self.random.choice((':', '0', self.expression(d)))}",
                lambda d: f"*{self.operand(d)}",
            ),
            depth,
        )

    def arguments(self, depth: int) -> str:
        """Arguments of a call."""
        kinds: tuple[Callable[[int], str], ...] = (self.expression, self.expression, lambda d: f"*{self.operand(d)}")
        positional = [self.choose(kinds, depth) for _ in range(self.random.randint(0, 2))]
        named = [f"a={self.expression(depth - 1)}", f"**{self.operand(depth - 1)}"]
        return ", ".join([*positional, *self.random.sample(named, self.random.choice((0, 0, 1, 2)))])

    def elements(self, depth: int) -> str:
        """Elements of a display."""
        return ", ".join(
            f"*{self.operand(depth - 1)}" if self.random.random() < 0.3 else self.expression(depth - 1)
            for _ in range(self.random.randint(1, 3))
        )

    def comprehension(self, depth: int) -> str:
        """A comprehension of any sort, or a generator that is consumed."""
        walrus, self.walrus = self.walrus, False
        target = self.random.choice((*LOCALS, "(p, *q)", f"{self.name()}.{self.field()}", f"{self.name()}[0]"))
        clause = f"for {target} in {self.operand(depth)}"
        if self.random.random() < 0.3:
            clause += f" if {self.operand(depth)}"
        if self.random.random() < 0.3:
            clause += f" for {self.random.choice(LOCALS)} in {self.operand(depth)}"
        element = self.operand(depth)
        self.walrus = walrus
        forms = ("[{e} {c}]", "{{{e} {c}}}", "{{{e}: {e} {c}}}", "list({e} {c})", "(lambda: [{e} {c}])()")
        return self.random.choice(forms).format(e=element, c=clause)

    def named(self, depth: int) -> str:
        """An assignment expression where it is allowed."""
        if not self.walrus:
            return self.expression(depth)
        return f"({self.random.choice((*LOCALS, *_CELLS, 'g'))} := {self.expression(depth)})"

    def function_expression(self, depth: int) -> str:
        """A lambda, at times called."""
        in_async, self.in_async = self.in_async, False
        body = self.expression(depth)
        self.in_async = in_async
        if self.random.random() < 0.5:
            return f"(lambda: {body})()"
        return f"(lambda {self.random.choice(LOCALS)}={self.expression(depth)}: {body})"

    def awaited(self, depth: int) -> str:
        """An await in coroutines."""
        return f"(await {self.operand(depth)})" if self.in_async and self.walrus else self.expression(depth)

    def target(self, depth: int, nested: bool = True) -> str:
        """What can be assigned to."""
        options: tuple[Callable[[int], str], ...] = (
            lambda _d: self.name(),
            lambda d: f"{self.operand(d)}.{self.field()}",
            lambda d: f"{self.operand(d)}[{self.key(d)}]",
        )
        if nested:
            options += (lambda d: f"({self.target(d, False)}, *{self.target(d, False)})",)
        return self.choose(options, depth)
