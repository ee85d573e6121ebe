"""The kernel's own term language: nested tuples, made from `Term` data, and their derivative.

    index   ("i", name, low, size, offset)   ranges over low..size+offset; size "" is the integer
    offset
            ("o", index, by)   ("p", size, offset)   ("e", name, size, offset, indices): a category
    term    ("q", number) ("n", size) ("c", name) ("iv", index) ("v", name, kind, indices)
            ("+", ...) ("*", ...) ("^", base, exponent) ("f", name, ...) ("S", index, body)
            ("d", index, index) ("A", name, kind, arrays, indices, derivatives)
            ("Inv", array, row, column) ("LD", array)      with array = (indices, body)

Every bound index gets a name of its own when a term is encoded, so that substitution cannot
capture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any, TypeAlias

from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Size,
    Sum,
    Symbol,
    Term,
)

__all__ = [
    "Field",
    "Instance",
    "NotShown",
    "Raw",
    "RawIndex",
    "derivative",
    "encode",
    "encode_array",
    "map_entries",
    "map_indices",
    "minus",
    "shift",
    "walk_raw",
]

Raw: TypeAlias = tuple[Any, ...]
RawIndex: TypeAlias = tuple[Any, ...]
Field: TypeAlias = Mapping[str, tuple[tuple[Index, ...], Term]]

ZERO: Raw = ("q", Fraction(0))
ONE: Raw = ("q", Fraction(1))
_FRESH = count()


class NotShown(Exception):
    """The kernel cannot show what was asked; never means that it is false."""


@dataclass(frozen=True, slots=True)
class Instance:
    """Concrete sizes, category values and functions that replace symbolic ones; empty by
    default.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    categories: Mapping[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)
    functions: Mapping[str, tuple[tuple[Symbol, ...], Array]] = field(default_factory=dict)


_SYMBOLIC = Instance()


def fresh(like: RawIndex) -> RawIndex:
    """An index of the same range under a name never used before."""
    return ("i", f"~{next(_FRESH)}", *like[2:])


def shift(index: RawIndex, by: int) -> RawIndex:
    """i, n -> i + n"""
    if by == 0:
        return index
    if index[0] == "i":
        return ("o", index, by)
    if index[0] == "o":
        return shift(index[1], index[2] + by)
    if index[0] == "p":
        return ("p", index[1], index[2] + by)
    raise NotShown("an offset from a category")


def minus(left: Raw, right: Raw) -> Raw:
    """a, b -> a - b"""
    return ("+", left, ("*", ("q", Fraction(-1)), right))


# ------------------------------------------------------------------------------------- encoding


def encode(
    term: Term, env: Mapping[Index, RawIndex] | None = None, instance: Instance = _SYMBOLIC
) -> Raw:
    """Term -> nested tuples; `env` says what free indices stand for."""
    return _Encoder(instance).term(term, dict(env or {}), {})


def encode_array(array: Array) -> tuple[tuple[RawIndex, ...], Raw]:
    """Array -> (indices, body) as nested tuples."""
    return _Encoder(_SYMBOLIC).array(array, {}, {})


_Env: TypeAlias = dict[Index, RawIndex]
_Closures: TypeAlias = dict[str, tuple[Array, _Env, Any]]


class _Encoder:
    def __init__(self, instance: Instance) -> None:
        self.at = instance

    def extent(self, extent: Extent) -> tuple[str, int]:
        if extent.size is None:
            return "", extent.offset
        if extent.size in self.at.sizes:
            return "", self.at.sizes[extent.size] + extent.offset
        return extent.size, extent.offset

    def variable(self, index: Index, name: str) -> RawIndex:
        return ("i", name, index.low, *self.extent(index.extent))

    def bind(self, index: Index, env: _Env) -> tuple[RawIndex, _Env]:
        for other in env:
            if other.name == index.name and other != index:
                # the inner index shadows the outer: an occurrence of the outer one would be wrong
                env = {key: value for key, value in env.items() if key != other}
        variable = fresh(self.variable(index, ""))
        return variable, {**env, index: variable}

    def index(self, index: IndexTerm, env: _Env, closures: _Closures) -> RawIndex:
        match index:
            case Index():
                if index in env:
                    return env[index]
                if any(other.name == index.name for other in env):
                    raise NotShown(f"index {index.name} has two ranges")
                if index.name[:1] in "#~":
                    raise NotShown(f"reserved index name {index.name}")
                return self.variable(index, index.name)
            case Offset(base, by):
                return shift(self.index(base, env, closures), by)
            case Position(extent):
                return ("p", *self.extent(extent))
            case Entry(symbol, indices):
                where = tuple(self.index(i, env, closures) for i in indices)
                size, offset = self.category(symbol.domain)
                key = (symbol.name, tuple(i[2] for i in where))
                if all(i[0] == "p" and i[1] == "" for i in where) and key in self.at.categories:
                    return ("p", "", self.at.categories[key])
                return ("e", symbol.name, size, offset, where)

    def category(self, domain: Domain) -> tuple[str, int]:
        """The extent of a category, "?" where its domain does not say."""
        match domain.upper:
            case Size(name):
                return self.extent(Extent(name))
            case Number(value) if value.denominator == 1:
                return "", value.numerator
            case Add((Number(value), Size(name))) | Add((Size(name), Number(value))):
                if value.denominator == 1:
                    return self.extent(Extent(name, value.numerator))
        return "?", 0

    def kind(self, symbol: Symbol) -> tuple[Any, ...]:
        domain = symbol.domain
        if domain.kind in ("simplex", "invertible") and symbol.shape:
            return (domain.kind, *self.extent(symbol.shape[-1]))
        if domain.kind in ("interval", "angle"):
            ends = (domain.lower, domain.upper)
            if any(isinstance(end, Number) for end in ends):
                return ("interval", *(e.value if isinstance(e, Number) else None for e in ends))
            return ("real",)
        return (domain.kind,)

    def array(
        self, array: Array, env: _Env, closures: _Closures
    ) -> tuple[tuple[RawIndex, ...], Raw]:
        variables: list[RawIndex] = []
        for index in array.indices:
            variable, env = self.bind(index, env)
            variables.append(variable)
        return tuple(variables), self.term(array.body, env, closures)

    def term(self, term: Term, env: _Env, closures: _Closures) -> Raw:
        match term:
            case Number(value):
                return ("q", value)
            case Constant("e"):
                return ("f", "exp", ONE)
            case Constant(name):
                return ("c", name)
            case Size(name):
                if name in self.at.sizes:
                    return ("q", Fraction(self.at.sizes[name]))
                return ("n", name)
            case IndexValue(index):
                return ("iv", self.index(index, env, closures))
            case Entry(symbol, indices) if symbol.name in closures:
                array, outer, deeper = closures[symbol.name]
                where = [self.index(i, env, closures) for i in indices]
                inner = {**outer, **dict(zip(array.indices, where, strict=True))}
                return self.term(array.body, inner, deeper)
            case Entry(symbol, indices):
                if symbol.domain.kind == "category":
                    return ("iv", self.index(term, env, closures))
                if len(indices) != len(symbol.shape):
                    raise NotShown(f"{symbol.name} needs {len(symbol.shape)} indices")
                where_ = tuple(self.index(i, env, closures) for i in indices)
                where_ = tuple(
                    i if i[0] != "e" or i[2] != "?" else (*i[:2], *self.extent(extent), i[4])
                    for i, extent in zip(where_, symbol.shape, strict=True)
                )
                return ("v", symbol.name, self.kind(symbol), where_)
            case Add(terms):
                return ("+", *(self.term(t, env, closures) for t in terms))
            case Mul(factors):
                return ("*", *(self.term(t, env, closures) for t in factors))
            case Power(base, exponent):
                return ("^", self.term(base, env, closures), self.term(exponent, env, closures))
            case Call(name, arguments):
                return ("f", name, *(self.term(t, env, closures) for t in arguments))
            case Sum(index_, body):
                variable, inner = self.bind(index_, env)
                return ("S", variable, self.term(body, inner, closures))
            case Delta(left, right):
                return ("d", self.index(left, env, closures), self.index(right, env, closures))
            case Inverse(matrix, row, column):
                return (
                    "Inv",
                    self.array(matrix, env, closures),
                    self.index(row, env, closures),
                    self.index(column, env, closures),
                )
            case LogDet(matrix):
                return ("LD", self.array(matrix, env, closures))
            case Apply():
                return self.apply(term, env, closures)
        raise NotShown(f"unknown term {type(term).__name__}")

    def apply(self, term: Apply, env: _Env, closures: _Closures) -> Raw:
        where = tuple(self.index(i, env, closures) for i in term.indices)
        name = term.function.name
        if name in self.at.functions:
            formals, array = self.at.functions[name]
            if term.derivatives or len(formals) != len(term.arguments):
                raise NotShown(f"{name} is given another form")
            inner: _Closures = {
                formal.name: (argument, env, closures)
                for formal, argument in zip(formals, term.arguments, strict=True)
            }
            return self.term(array.body, dict(zip(array.indices, where, strict=True)), inner)
        derivatives = tuple(
            sorted(
                (slot, tuple(self.index(i, env, closures) for i in places))
                for slot, places in term.derivatives
            )
        )
        arrays = tuple(self.array(a, env, closures) for a in term.arguments)
        return ("A", name, self.kind(term.function), arrays, where, derivatives)


def walk_raw(raw: Any) -> Iterator[tuple[Any, ...]]:
    """Every tuple inside a raw term: terms, indices, arrays."""
    stack = [raw]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            if item and isinstance(item[0], str):
                yield item
            stack.extend(item)


# ------------------------------------------------------------------------------ index substitution


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


def map_indices(raw: Raw, what: Mapping[RawIndex, RawIndex]) -> Raw:
    """A term with free indices replaced; bound names are unique, so nothing is captured."""
    head = raw[0]
    if head in ("q", "n", "c"):
        return raw
    if head == "iv":
        return ("iv", map_index(raw[1], what))
    if head == "v":
        return (*raw[:3], tuple(map_index(i, what) for i in raw[3]))
    if head in ("+", "*", "^"):
        return (head, *(map_indices(t, what) for t in raw[1:]))
    if head == "f":
        return ("f", raw[1], *(map_indices(t, what) for t in raw[2:]))
    if head == "S":
        return ("S", raw[1], map_indices(raw[2], what))
    if head == "d":
        return ("d", map_index(raw[1], what), map_index(raw[2], what))
    if head == "Inv":
        array = (raw[1][0], map_indices(raw[1][1], what))
        return ("Inv", array, map_index(raw[2], what), map_index(raw[3], what))
    if head == "LD":
        return ("LD", (raw[1][0], map_indices(raw[1][1], what)))
    if head == "A":
        arrays = tuple((v, map_indices(b, what)) for v, b in raw[3])
        where = tuple(map_index(i, what) for i in raw[4])
        slots = tuple((s, tuple(map_index(i, what) for i in w)) for s, w in raw[5])
        return (*raw[:3], arrays, where, tuple(sorted(slots)))
    raise NotShown(f"unknown head {head}")


def map_entries(raw: Raw, entries: Mapping[Raw, Raw]) -> Raw:
    """A term with entries (free of bound indices) replaced by terms."""
    head = raw[0]
    if head == "v":
        return entries.get(raw, raw)
    if head in ("+", "*", "^"):
        return (head, *(map_entries(t, entries) for t in raw[1:]))
    if head == "f":
        return ("f", raw[1], *(map_entries(t, entries) for t in raw[2:]))
    if head == "S":
        return ("S", raw[1], map_entries(raw[2], entries))
    if head == "Inv":
        return ("Inv", (raw[1][0], map_entries(raw[1][1], entries)), *raw[2:])
    if head == "LD":
        return ("LD", (raw[1][0], map_entries(raw[1][1], entries)))
    if head == "A":
        arrays = tuple((v, map_entries(b, entries)) for v, b in raw[3])
        return (*raw[:3], arrays, *raw[4:])
    return raw


# ----------------------------------------------------------------------------------- derivative


def _half(raw: Raw) -> Raw:
    return ("*", ("q", Fraction(1, 2)), raw)


def _inverse(raw: Raw) -> Raw:
    return ("^", raw, ("q", Fraction(-1)))


def _slope(name: str, arguments: Sequence[Raw]) -> Raw:
    """f'(a); of polygamma the derivative by its last argument."""
    a = arguments[-1]
    call: Raw = ("f", name, *arguments)
    match name:
        case "exp":
            return call
        case "expm1":
            return ("f", "exp", a)
        case "log":
            return _inverse(a)
        case "log1p":
            return _inverse(("+", ONE, a))
        case "sqrt":
            return _half(_inverse(call))
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


def derivative(raw: Raw, field_: Field, instance: Instance = _SYMBOLIC) -> Raw:
    """d/ds of a term while every p[i] moves with velocity field[p][i]: J applied to the field."""

    def velocity(name: str, where: tuple[RawIndex, ...]) -> Raw:
        formals, body = field_[name]
        if len(formals) != len(where):
            raise NotShown(f"the field of {name} has {len(formals)} indices")
        return encode(body, dict(zip(formals, where, strict=True)), instance)

    def d(t: Raw) -> Raw | None:
        """None is zero: nothing in t moves."""
        head = t[0]
        if head in ("q", "n", "c", "iv", "d"):
            return None
        if head == "v":
            return velocity(t[1], t[3]) if t[1] in field_ else None
        if head == "+":
            parts = [dt for dt in map(d, t[1:]) if dt is not None]
            return ("+", *parts) if parts else None
        if head == "*":
            parts = []
            for k in range(1, len(t)):
                dt = d(t[k])
                if dt is not None:
                    parts.append(("*", *t[1:k], dt, *t[k + 1 :]))
            return ("+", *parts) if parts else None
        if head == "^":
            return power(t)
        if head == "f":
            moves = [d(a) for a in t[2:]]
            if any(m is not None for m in moves[:-1]):
                raise NotShown(f"derivative of {t[1]} by its order")
            return None if moves[-1] is None else ("*", _slope(t[1], t[2:]), moves[-1])
        if head == "S":
            dt = d(t[2])
            return None if dt is None else ("S", t[1], dt)
        if head in ("Inv", "LD"):
            return matrix(t)
        if head == "A":
            return apply(t)
        raise NotShown(f"unknown head {head}")

    def power(t: Raw) -> Raw | None:
        base, exponent = d(t[1]), d(t[2])
        parts: list[Raw] = []
        if base is not None:
            less: Raw = ("q", t[2][1] - 1) if t[2][0] == "q" else minus(t[2], ONE)
            lower = ("^", t[1], less)
            parts.append(("*", t[2], lower, base))
        if exponent is not None:
            parts.append(("*", t, ("f", "log", t[1]), exponent))
        return ("+", *parts) if parts else None

    def matrix(t: Raw) -> Raw | None:
        (i, j), body = t[1]
        moved = d(body)
        if moved is None:
            return None
        k, m = fresh(i), fresh(j)
        moved = map_indices(moved, {i: k, j: m})
        if t[0] == "LD":  # d log|det A| = tr(A^-1 dA)
            return ("S", k, ("S", m, ("*", ("Inv", t[1], m, k), moved)))
        left, right = ("Inv", t[1], t[2], k), ("Inv", t[1], m, t[3])
        return ("S", k, ("S", m, ("*", ("q", Fraction(-1)), left, moved, right)))

    def apply(t: Raw) -> Raw | None:
        parts: list[Raw] = []
        for slot, (variables, body) in enumerate(t[3]):
            moved = d(body)
            if moved is None:
                continue
            new = tuple(map(fresh, variables))
            moved = map_indices(moved, dict(zip(variables, new, strict=True)))
            part: Raw = ("*", (*t[:5], tuple(sorted((*t[5], (slot, new))))), moved)
            for variable in reversed(new):
                part = ("S", variable, part)
            parts.append(part)
        return ("+", *parts) if parts else None

    return d(raw) or ZERO
