"""The language of certificates as nested tuples, and the passes on it that decide nothing.

    index   ("i", name, low, size, offset)   ranges over low..size+offset; size "" is the integer
    offset
            ("o", index, by)   ("p", size, offset)   ("e", name, size, offset, indices): a category
    term    ("q", number) ("n", size) ("c", name) ("iv", index) ("v", name, kind, indices)
            ("+", ...) ("*", ...) ("^", base, exponent) ("f", name, ...) ("S", index, body)
            ("d", index, index) ("A", name, kind, arrays, indices, derivatives)
            ("Inv", array, row, column) ("LD", array)      with array = (indices, body)
    kind    (word,) of a domain, (word, lower, upper) with numbers, or (word, size, offset)

Terms are graphs: a part that occurs twice is one tuple, and every pass treats it once.  A bound
index has a name of a type of its own (`BoundName`), which no certificate can give, so that
substitution cannot capture; `put` gives new ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import count
from operator import is_ as _is
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from .work import NotShown, work_left

__all__ = [
    "FREE",
    "NOWHERE",
    "NUMBERED",
    "MAX_WRITTEN_OUT",
    "NO_ENTRIES",
    "ONE",
    "ZERO",
    "Array",
    "Field",
    "Instance",
    "NotShown",
    "Raw",
    "RawIndex",
    "bound_index",
    "children",
    "derivative",
    "formal_indices",
    "fresh",
    "has_bound",
    "is_bound",
    "is_reserved",
    "map_entries",
    "map_indices",
    "minus",
    "negative",
    "put",
    "readable",
    "shift",
    "slope_of",
    "sum_of",
    "walk",
]

Raw: TypeAlias = tuple[Any, ...]
RawIndex: TypeAlias = tuple[Any, ...]
Array: TypeAlias = tuple[tuple[RawIndex, ...], Raw]
Field: TypeAlias = Mapping[str, Array]

ZERO: Final[Raw] = ("q", Fraction(0))
ONE: Final[Raw] = ("q", Fraction(1))
BOUND, NUMBERED, FREE = "~", "#", "?"  # how names begin that no certificate gives
_FRESH = count()


NO_ENTRIES: Final[Mapping[Any, Any]] = MappingProxyType({})


class Instance(NamedTuple):
    """Concrete sizes, values of categories, and functions that replace abstract ones."""

    sizes: Mapping[str, int] = NO_ENTRIES
    categories: Mapping[tuple[str, tuple[int, ...]], int] = NO_ENTRIES
    functions: Mapping[str, tuple[tuple[str, ...], Array]] = NO_ENTRIES


NOWHERE: Final = Instance()
MAX_WRITTEN_OUT: Final = 1024  # terms of a sum


class BoundName(str):
    """The name of a bound index, which is known by this type; it equals no name of a certificate,
    as those do not begin like it.
    """

    __slots__ = ()


def bound_index(name: object, like: RawIndex, mark: str = BOUND) -> RawIndex:
    """A bound index of the range of another one; mark: NUMBERED in a normal form."""
    return ("i", BoundName(f"{mark}{name}"), *like[2:])


def is_reserved(name: str) -> bool:
    """Whether no certificate may give a name to an index or to a size."""
    return name.startswith((BOUND, NUMBERED, FREE))


def is_bound(item: Raw) -> bool:
    """Whether a part of a term is a bound index."""
    return len(item) == 5 and item[0] == "i" and type(item[1]) is BoundName


def has_bound(index: RawIndex) -> bool:
    """Whether a bound index stands in an index, or in the place of a category."""
    return any(map(is_bound, walk(index)))


def readable(reason: str) -> str:
    """The bound indices in a text, #1.0 and ~13n, as i1, i2, ..."""
    names: dict[str, str] = {}
    pattern = rf"[{BOUND}{NUMBERED}]\w+(?:\.\d+)?"
    return re.sub(pattern, lambda m: names.setdefault(m[0], f"i{len(names) + 1}"), reason)


def fresh(like: RawIndex) -> RawIndex:
    """An index of the same range under a name never used before."""
    return bound_index(next(_FRESH), like)


def formal_indices(shape: Sequence[tuple[str, int]]) -> tuple[RawIndex, ...]:
    """Bound indices over all axes of a shape."""
    return tuple(bound_index(f"f{n}", ("i", "", 1, *e)) for n, e in enumerate(shape))


def shift(index: RawIndex, by: int) -> RawIndex:
    """i, n -> i + n

    >>> shift(("o", ("i", "t", 1, "T", 0), -1), 1)
    ('i', 't', 1, 'T', 0)
    """
    if by == 0:
        return index
    if index[0] == "i":
        return ("o", index, by)
    if index[0] == "o":
        return shift(index[1], index[2] + by)
    if index[0] == "p":
        return ("p", index[1], index[2] + by)
    raise NotShown("an offset from a category")


def sum_of(*raws: Raw) -> Raw:
    """a, b, ... -> a + b + ..."""
    return ("+", *raws)


def negative(raw: Raw) -> Raw:
    """a -> -a"""
    return ("*", ("q", Fraction(-1)), raw)


def minus(left: Raw, right: Raw) -> Raw:
    """a, b -> a - b"""
    return ("+", left, negative(right))


def walk(item: Any) -> list[tuple[Any, ...]]:
    """Every tuple inside a term that has a head, once: terms and indices."""
    stack, seen, found = [item], set(), []
    while stack:
        part = stack.pop()
        if id(part) not in seen:
            seen.add(id(part))
            if part and type(part[0]) is str:
                found.append(part)
            stack += [inner for inner in part if type(inner) is tuple]
    work_left().spend(1 + len(seen) // 4, "a term that is read")
    return found


# ------------------------------------------------------------------------------ substitution


def map_index(index: RawIndex, what: Mapping[RawIndex, RawIndex]) -> RawIndex:
    """An index with free indices (or categories) replaced."""
    if index in what:
        return what[index]
    if index[0] == "o":
        return shift(map_index(index[1], what), index[2])
    if index[0] == "e":
        replaced = (*index[:4], tuple(map_index(i, what) for i in index[4]))
        return what.get(replaced, replaced)
    return index


def children(raw: Raw) -> Sequence[Raw]:
    """The terms that a term is made of."""
    head = raw[0]
    if head in ("+", "*", "^"):
        return raw[1:]
    if head == "f":
        return raw[2:]
    if head == "S":
        return raw[2:]
    if head in ("Inv", "LD"):
        return (raw[1][1],)
    if head == "A":
        return tuple(body for _, body in raw[3])
    return ()


def _each(function: Callable[[Any], Any], items: tuple[Any, ...]) -> tuple[Any, ...]:
    """A function of each item; the tuple itself where that changes none."""
    found = tuple(map(function, items))
    return items if all(map(_is, found, items)) else found


def _map_parts(
    raw: Raw, on_term: Callable[[Raw], Raw], on_index: Callable[[RawIndex], RawIndex]
) -> Raw:
    """A term with its parts mapped, itself where that changes none; bound indices stay."""
    head = raw[0]

    def on_array(array: Array) -> Array:
        body = on_term(array[1])
        return array if body is array[1] else (array[0], body)

    def on_slot(slot: Raw) -> Raw:
        where = _each(on_index, slot[1])
        return slot if where is slot[1] else (slot[0], where)

    if head in ("q", "n", "c"):
        return raw
    if head == "v":
        parts: tuple[Any, ...] = (*raw[:3], _each(on_index, raw[3]))
    elif head in ("+", "*", "^"):
        parts = (head, *map(on_term, raw[1:]))
    elif head == "f":
        parts = (head, raw[1], *map(on_term, raw[2:]))
    elif head == "S":
        parts = (head, raw[1], on_term(raw[2]))
    elif head in ("iv", "d"):
        parts = (head, *map(on_index, raw[1:]))
    elif head == "Inv":
        parts = (head, on_array(raw[1]), on_index(raw[2]), on_index(raw[3]))
    elif head == "LD":
        parts = (head, on_array(raw[1]))
    elif head == "A":
        slots = _each(on_slot, raw[5])
        slots = slots if slots is raw[5] else tuple(sorted(slots))
        parts = (*raw[:3], _each(on_array, raw[3]), _each(on_index, raw[4]), slots)
    else:
        raise NotShown(f"unknown head {head}")
    return raw if all(map(_is, parts, raw)) else parts


def map_indices(raw: Raw, what: Mapping[RawIndex, RawIndex]) -> Raw:
    """A term with free indices replaced; bound names are unique, so nothing is captured.

    A part in which none of them occurs is left as it is.
    """
    work = work_left()
    known: dict[int, Raw] = {}

    def on_index(index: RawIndex) -> RawIndex:
        moved = map_index(index, what)
        return index if moved == index else moved

    def on_term(part: Raw) -> Raw:
        found = known.get(id(part))
        if found is None:
            work.spend(len(part), "a term in which indices are replaced")
            found = known[id(part)] = _map_parts(part, on_term, on_index)
        return found

    return on_term(raw)


def map_entries(raw: Raw, entries: Mapping[Raw, Raw]) -> Raw:
    """A term with entries (free of bound indices) replaced by terms."""
    work = work_left()
    known: dict[int, Raw] = {}

    def on_term(part: Raw) -> Raw:
        if part[0] == "v":
            return entries.get(part, part)
        found = known.get(id(part))
        if found is None:
            work.spend(len(part), "a term in which entries are replaced")
            found = known[id(part)] = _map_parts(part, on_term, lambda index: index)
        return found

    return on_term(raw)


def _own_indices(raw: Raw) -> Sequence[RawIndex]:
    """The indices that a term itself names, and binds none of."""
    head = raw[0]
    if head == "v":
        return raw[3]  # type: ignore[no-any-return]
    if head in ("iv", "d"):
        return raw[1:]
    if head == "Inv":
        return raw[2:]
    if head == "A":
        return (*raw[4], *(i for _, where in raw[5] for i in where))
    return ()


_Env: TypeAlias = Mapping[RawIndex, RawIndex]


def _is_exponent(index: RawIndex, raw: Raw) -> bool:
    """Whether an index is mentioned in an exponent."""
    exponents = (item[2] for item in walk(raw) if item[0] == "^" and item[2][0] != "q")
    return any(index in walk(exponent) for exponent in exponents)


def put(
    raw: Raw,
    env: _Env | None = None,
    at: Instance = NOWHERE,
    arrays: Field | None = None,
) -> Raw:
    """A term with indices, concrete sizes, functions and whole arrays put in, capturing nothing.

    Every bound index gets a new name, the same for sums of one depth over one index, so that what
    they share stays shared; a sum over known places that raises to the power of its index is
    written out.  arrays: what the entries of a name stand for.
    """
    return _Put(at, arrays or {}, {}).term(raw, dict(env or {}))


class _Scope(NamedTuple):
    """Of a term: its free indices, in some order, and how deeply indices are bound in it."""

    free: tuple[RawIndex, ...]
    depth: int


_NO_SCOPE: Final = _Scope((), 0)


class _Put:
    """known: terms put in, by identity and by what is put for the indices that are free in them:
    what else an environment says makes no difference to them.
    """

    def __init__(self, at: Instance, arrays: Field, given: dict[Any, tuple[Array, Raw]]) -> None:
        self.at, self.arrays = at, arrays
        self.only_indices = at is NOWHERE and not arrays
        self.given = given  # arrays that were put in, at their places
        self.work = work_left()
        self.scopes: dict[int, _Scope] = {}
        self.known: dict[tuple[Any, ...], Raw] = {}
        self.names: dict[tuple[RawIndex, int], RawIndex] = {}

    def scope(self, raw: Raw) -> _Scope:
        """The scope of a term, found once."""
        found = self.scopes.get(id(raw))
        if found is None:
            found = self.scopes[id(raw)] = self.scope_of(raw)
        return found

    def scope_of(self, raw: Raw) -> _Scope:
        """That of its parts, less what it binds itself."""
        head = raw[0]
        self.work.spend(len(raw), "a term that is put in")
        if head in ("q", "c", "n"):
            return _NO_SCOPE
        free: dict[RawIndex, None] = {}
        depth = 0
        bound: Sequence[tuple[tuple[RawIndex, ...], Raw]]
        if head == "S":
            bound = (((raw[1],), raw[2]),)
        elif head in ("Inv", "LD"):
            bound = (raw[1],)
        elif head == "A":
            bound = raw[3]
        else:
            bound = [((), part) for part in children(raw)]
        for indices, body in bound:
            inner = self.scope(body)
            depth = max(depth, inner.depth + bool(indices))
            free.update(dict.fromkeys(i for i in inner.free if i not in indices))
        for index in _own_indices(raw):
            if index[0] == "i":
                free[index] = None
            else:
                free.update(dict.fromkeys(item for item in walk(index) if item[0] in ("i", "e")))
        self.work.spend(len(free), "a term that is put in")
        return _Scope(tuple(free), depth)

    def extent(self, size: str, offset: int) -> tuple[str, int]:
        """C - 1 -> 2, where C is given."""
        return ("", self.at.sizes[size] + offset) if size in self.at.sizes else (size, offset)

    def kind(self, kind: tuple[Any, ...]) -> tuple[Any, ...]:
        """The kind of an entry, with its extent where that is given."""
        extent = len(kind) == 3 and isinstance(kind[1], str)
        return (kind[0], *self.extent(*kind[1:])) if extent else kind

    def index(self, index: RawIndex, env: _Env) -> RawIndex:
        """An index or a category with what stands for it; a category that is given is its place."""
        found = env.get(index)
        if found is not None:
            return found
        head = index[0]
        if head == "i":
            return (*index[:3], *self.extent(*index[3:]))
        if head == "o":
            return shift(self.index(index[1], env), index[2])
        if head == "p":
            return ("p", *self.extent(*index[1:]))
        where = tuple(self.index(i, env) for i in index[4])
        if self.at.categories and all(i[:2] == ("p", "") for i in where):
            value = self.at.categories.get((index[1], tuple(i[2] for i in where)))
            if value is not None:
                return ("p", "", value)
        return ("e", index[1], *self.extent(*index[2:4]), where)

    def bind(
        self, indices: Sequence[RawIndex], body: Raw, env: _Env
    ) -> tuple[tuple[RawIndex, ...], _Env]:
        """New names for the indices of a body; bound in it are only those of less depth."""
        depth = self.scope(body).depth
        new = []
        for i in indices:
            if (i, depth) not in self.names:
                self.names[i, depth] = fresh(("i", "", i[2], *self.extent(*i[3:])))
            new.append(self.names[i, depth])
        return tuple(new), {**env, **dict(zip(indices, new, strict=True))}

    def array(self, array: Array, env: _Env) -> Array:
        """An array, its indices under new names."""
        indices, inner = self.bind(*array, env)
        return indices, self.term(array[1], inner)

    def term(self, raw: Raw, env: _Env) -> Raw:
        """A term with what is put in, once for each meaning of its free indices."""
        free, depth = self.scope(raw)
        places = [env.get(index) for index in free]
        if self.only_indices and not depth and not any(places):
            return raw
        key = (id(raw), *places)
        found = self.known.get(key)
        if found is None:
            self.work.spend(len(raw), "a term that is put in")
            found = self.known[key] = self.new(raw, env)
        return found

    def entry(self, name: str, where: tuple[RawIndex, ...]) -> Raw:
        """What an entry of an array stands for."""
        array = self.arrays[name]
        key = id(array[1]), array[0], where
        if key not in self.given:
            indices, body = array
            if len(indices) != len(where):
                raise NotShown(f"{name} has another shape than what is put there")
            put_in = _Put(self.at, {}, self.given)
            self.given[key] = array, put_in.term(body, dict(zip(indices, where, strict=True)))
        return self.given[key][1]

    def new(self, raw: Raw, env: _Env) -> Raw:
        """One step of it, by the head of the term."""
        head = raw[0]
        if head in ("q", "c"):
            return raw
        if head in ("+", "*", "^"):
            return (head, *(self.term(t, env) for t in raw[1:]))
        if head == "v":
            where = tuple(self.index(i, env) for i in raw[3])
            if raw[1] in self.arrays:
                return self.entry(raw[1], where)
            return ("v", raw[1], self.kind(raw[2]), where)
        if head == "f":
            return ("f", raw[1], *(self.term(t, env) for t in raw[2:]))
        if head == "S":
            (variable,), inner = self.bind((raw[1],), raw[2], env)
            body = self.term(raw[2], inner)
            if variable[3] == "" and _is_exponent(variable, body):
                if variable[4] > MAX_WRITTEN_OUT:
                    raise NotShown("a sum that is too long to be written out")
                places = (("p", "", k) for k in range(variable[2], variable[4] + 1))
                return sum_of(*(map_indices(body, {variable: place}) for place in places))
            return ("S", variable, body)
        if head == "n":
            return ("q", Fraction(self.at.sizes[raw[1]])) if raw[1] in self.at.sizes else raw
        if head == "iv":
            return ("iv", self.index(raw[1], env))
        if head == "d":
            return ("d", self.index(raw[1], env), self.index(raw[2], env))
        if head == "Inv":
            matrix = self.array(raw[1], env)
            return ("Inv", matrix, self.index(raw[2], env), self.index(raw[3], env))
        if head == "LD":
            return ("LD", self.array(raw[1], env))
        if head == "A":
            return self.apply(raw, env)
        raise NotShown(f"unknown head {head}")

    def apply(self, raw: Raw, env: _Env) -> Raw:
        """An abstract function, or what it is at the instance: that takes no derivatives."""
        _, name, kind, arrays, where, slots = raw
        given = tuple(self.array(array, env) for array in arrays)
        where = tuple(self.index(i, env) for i in where)
        if name in self.at.functions:
            formals, (indices, body) = self.at.functions[name]
            if slots or len(formals) != len(given) or len(indices) != len(where):
                raise NotShown(f"{name} is given another form")
            inner = dict(zip(indices, where, strict=True))
            arguments = dict(zip(formals, given, strict=True))
            return _Put(self.at, arguments, self.given).term(body, inner)
        moved = ((s, tuple(self.index(i, env) for i in w)) for s, w in slots)
        return ("A", name, self.kind(kind), given, where, tuple(sorted(moved)))


# ----------------------------------------------------------------------------------- derivative


def _inverse(raw: Raw) -> Raw:
    return ("^", raw, ("q", Fraction(-1)))


def slope_of(name: str, arguments: Sequence[Raw]) -> Raw:
    """f'(a); of polygamma the derivative by its last argument."""
    a = arguments[-1]
    call: Raw = ("f", name, *arguments)
    match name:
        case "exp":
            return call
        case "log":
            return _inverse(a)
        case "abs":
            return ("f", "sign", a)
        case "tanh":
            return minus(ONE, ("^", call, ("q", Fraction(2))))
        case "sigmoid":
            return ("*", call, minus(ONE, call))
        case "softplus":
            return ("f", "sigmoid", a)
        case "loggamma":
            return ("f", "digamma", a)
        case "digamma":
            return ("f", "polygamma", ONE, a)
        case "polygamma":
            return ("f", "polygamma", ("+", ONE, arguments[0]), a)
        case "sin":
            return ("f", "cos", a)
        case "cos":
            return ("*", ("q", Fraction(-1)), ("f", "sin", a))
        case "erf":
            square = ("^", a, ("q", Fraction(2)))
            gauss = ("f", "exp", ("*", ("q", Fraction(-1)), square))
            root = ("^", ("c", "pi"), ("q", Fraction(-1, 2)))
            return ("*", ("q", Fraction(2)), root, gauss)
        case "logbesseli0":
            return ("f", "besselratio", a)
        case "besselratio":  # I1/I0 = r: r' = 1 - r/a - r^2
            square = ("^", call, ("q", Fraction(2)))
            return minus(ONE, ("+", ("*", call, _inverse(a)), square))
    raise NotShown(f"no derivative rule for {name}")


def derivative(raw: Raw, field: Field) -> Raw:
    """d/ds of a term while every p[i] moves with velocity field[p][i]: J applied to the field.

    >>> x = ("v", "x", ("real",), ())
    >>> derivative(("f", "exp", x), {"x": ((), ONE)})
    ('*', ('f', 'exp', ('v', 'x', ('real',), ())), ('q', Fraction(1, 1)))
    """
    return _Derivative(field).of(raw) or ZERO


class _Derivative:
    """The derivatives of the parts of a term along one field; None is zero: nothing moves."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.work = work_left()
        self.known: dict[int, Raw | None] = {}
        self.velocities: dict[tuple[str, tuple[RawIndex, ...]], Raw] = {}

    def velocity(self, name: str, where: tuple[RawIndex, ...]) -> Raw:
        """The velocity of an entry; NotShown if the field has another shape."""
        formals, body = self.field[name]
        if len(formals) != len(where):
            raise NotShown(f"the field of {name} has {len(formals)} indices")
        if (name, where) not in self.velocities:
            self.velocities[name, where] = put(body, dict(zip(formals, where, strict=True)))
        return self.velocities[name, where]

    def of(self, t: Raw) -> Raw | None:
        """dt/ds, once for each part."""
        if id(t) not in self.known:
            self.work.spend(len(t), "a derivative")
            self.known[id(t)] = self.new(t)
        return self.known[id(t)]

    def new(self, t: Raw) -> Raw | None:
        """One step of it, by the head of the term."""
        head = t[0]
        if head in ("q", "n", "c", "iv", "d"):
            return None
        if head == "v":
            return self.velocity(t[1], t[3]) if t[1] in self.field else None
        if head == "+":
            parts = [dt for dt in map(self.of, t[1:]) if dt is not None]
            return ("+", *parts) if parts else None
        if head == "*":
            parts = []
            for k in range(1, len(t)):
                dt = self.of(t[k])
                if dt is not None:
                    self.work.spend(len(t), "a derivative")
                    parts.append(("*", *t[1:k], dt, *t[k + 1 :]))
            return ("+", *parts) if parts else None
        if head == "^":
            return self.power(t)
        if head == "f":
            moves = [self.of(a) for a in t[2:]]
            if any(m is not None for m in moves[:-1]):
                raise NotShown(f"derivative of {t[1]} by its order")
            return None if moves[-1] is None else ("*", slope_of(t[1], t[2:]), moves[-1])
        if head == "S":
            dt = self.of(t[2])
            return None if dt is None else ("S", t[1], dt)
        if head in ("Inv", "LD"):
            return self.matrix(t)
        if head == "A":
            return self.apply(t)
        raise NotShown(f"unknown head {head}")

    def power(self, t: Raw) -> Raw | None:
        """a**b -> b a**(b - 1) da + a**b log(a) db"""
        base, exponent = self.of(t[1]), self.of(t[2])
        parts: list[Raw] = []
        if base is not None:
            less: Raw = ("q", t[2][1] - 1) if t[2][0] == "q" else minus(t[2], ONE)
            lower = ("^", t[1], less)
            parts.append(("*", t[2], lower, base))
        if exponent is not None:
            parts.append(("*", t, ("f", "log", t[1]), exponent))
        return ("+", *parts) if parts else None

    def matrix(self, t: Raw) -> Raw | None:
        """log|det A| -> tr(A^-1 dA), A^-1 -> -A^-1 dA A^-1, under new names of the indices."""
        (i, j), body = t[1]
        moved = self.of(body)
        if moved is None:
            return None
        k, m = fresh(i), fresh(j)
        moved = map_indices(moved, {i: k, j: m})
        if t[0] == "LD":  # d log|det A| = tr(A^-1 dA)
            return ("S", k, ("S", m, ("*", ("Inv", t[1], m, k), moved)))
        left, right = ("Inv", t[1], t[2], k), ("Inv", t[1], m, t[3])
        return ("S", k, ("S", m, ("*", ("q", Fraction(-1)), left, moved, right)))

    def apply(self, t: Raw) -> Raw | None:
        """f(a) -> sum over the entries of a of df/da da"""
        parts: list[Raw] = []
        for slot, (variables, body) in enumerate(t[3]):
            moved = self.of(body)
            if moved is None:
                continue
            new = tuple(map(fresh, variables))
            moved = map_indices(moved, dict(zip(variables, new, strict=True)))
            part: Raw = ("*", (*t[:5], tuple(sorted((*t[5], (slot, new))))), moved)
            for variable in reversed(new):
                part = ("S", variable, part)
            parts.append(part)
        return ("+", *parts) if parts else None
