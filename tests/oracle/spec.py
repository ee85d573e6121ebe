"""A specification as numbers: log p of every statement at every place, for given sizes.

Own reader of the YAML language (`shared/spec-language.md`); nothing of symelbo is used.  `read`
makes a `Model`, `Instance(model, sizes)` lists its factors, and `Instance.log_density` evaluates
one of them in a `World` of arrays, with derivatives.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from tests.oracle import tape
from tests.oracle.families import FAMILIES, Family, Form, Value, k
from tests.oracle.language import (
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    Range,
    SpecFault,
    Statement,
    Sum,
    Type,
    names,
    parse_expression,
    parse_statement,
    parse_type,
)
from tests.oracle.tape import Array, Num, constant

Index = tuple[int, ...]
Loops = Mapping[str, int]


class Unsupported(Exception):
    """What the oracle does not decide: abstract families, empty domains."""


class OutOfRange(SpecFault):
    """An index beyond an extent: these sizes are not admissible."""


class _Unresolved(Exception):
    """A node whose shape is not known yet."""


@dataclass(frozen=True)
class UserFamily:
    value: str
    family: Family
    lower: Fraction | None
    upper: Fraction | None
    parameters: dict[str, Type]
    log_density: Node


@dataclass(frozen=True)
class Model:
    name: str
    sizes: tuple[str, ...]
    parameters: dict[str, Type]
    constants: dict[str, Type]
    functions: dict[str, Type]
    inputs: dict[str, Type]
    families: dict[str, UserFamily]
    statements: tuple[Statement, ...]
    observed: tuple[str, ...]
    variational: str
    q: tuple[Statement, ...]
    reparameterize: bool


Source = Mapping[str, Any] | Path | str


def read(source: Source) -> Model:
    """A mapping, a path, or the text of a specification."""
    if isinstance(source, Path):
        source = source.read_text(encoding="utf-8")
    if isinstance(source, str):
        source = YAML(typ="safe").load(source)
    if not isinstance(source, Mapping):
        raise SpecFault("a specification is a mapping")

    def types(key: str) -> dict[str, Type]:
        return {str(name): parse_type(str(text)) for name, text in (source.get(key) or {}).items()}

    given = source.get("variational", "any")
    listed = isinstance(given, list)
    return Model(
        name=str(source["name"]),
        sizes=tuple(str(s) for s in source.get("sizes") or ()),
        parameters=types("parameters"),
        constants=types("constants"),
        functions=types("functions"),
        inputs=types("inputs"),
        families={n: _user_family(f) for n, f in (source.get("families") or {}).items()},
        statements=tuple(parse_statement(s) for s in source["model"]),
        observed=tuple(source.get("observed") or ()),
        variational="declared" if listed else str(given),
        q=tuple(parse_statement(s) for s in given) if listed else (),
        reparameterize=source.get("reparameterize", "auto") != "never",
    )


def _user_family(raw: Mapping[str, Any]) -> UserFamily:
    if raw.get("abstract"):
        raise Unsupported("an abstract family")
    support, lower, upper = str(raw["support"]), None, None
    if ".." in support:
        ends = [e.strip() for e in support.split("..")]
        numbers = [None if e in ("oo", "-oo") else _fraction(parse_expression(e)) for e in ends]
        lower, upper = numbers[0], numbers[1]
        if lower is None:
            raise Unsupported(f"support {support}")
        support = "lower" if upper is None else "interval"
    parameters = {str(n): parse_type(str(t)) for n, t in (raw.get("parameters") or {}).items()}
    slots = tuple((n, t.base) for n, t in parameters.items())
    return UserFamily(
        value=str(raw["value"]),
        family=Family(support, (Form(slots, k),)),
        lower=lower,
        upper=upper,
        parameters=parameters,
        log_density=parse_expression(str(raw["log_density"])),
    )


def _fraction(node: Node) -> Fraction:
    value = static(node, {})
    if value is None:
        raise SpecFault("a number is needed")
    return value


def static(node: Node, known: Mapping[str, int]) -> Fraction | None:
    """The value of an expression of numbers, sizes and loop indices; else None."""
    match node:
        case Number(value):
            return value
        case Name(name, ()):
            return Fraction(known[name]) if name in known else None
        case Negative(inner):
            positive = static(inner, known)
            return None if positive is None else -positive
        case Binary(operator, left, right):
            a, b = static(left, known), static(right, known)
            if a is None or b is None:
                return None
            if operator == "**":
                return a**b.numerator if b.denominator == 1 and abs(b) < 100 else None
            return (
                a + b
                if operator == "+"
                else a - b
                if operator == "-"
                else (a * b if operator == "*" else a / b)
            )
    return None


@dataclass(frozen=True)
class Support:
    """Where a value lives: kind as in `Family.support`; `size` is C, or n of a count."""

    kind: str
    lower: float = 0.0
    upper: float = 0.0
    size: int = 0
    event: Index = ()

    @property
    def finite(self) -> bool:
        return self.kind in ("binary", "category", "upto", "counts")

    @property
    def discrete(self) -> bool:
        return self.finite or self.kind == "naturals"


@dataclass(frozen=True, eq=False)
class Factor:
    """One statement at one place.  `place` are its indices, without those of a vector value."""

    node: str
    place: Index
    statement: Statement
    loops: dict[str, int]
    order: int
    support: Support
    observed: bool

    @property
    def entries(self) -> list[Index]:
        """The indices of the scalar entries of its value."""
        return [self.place + tail for tail in _places(self.support.event)]

    @property
    def label(self) -> str:
        return self.node + (f"[{','.join(map(str, self.place))}]" if self.place else "")


def _places(shape: Index) -> list[Index]:
    return list(itertools.product(*(range(1, n + 1) for n in shape)))


def _inside(place: Index, shape: Index) -> bool:
    """Whether an index (perhaps of fewer axes) is in range."""
    if len(place) > len(shape):
        return False
    return all(1 <= i <= n for i, n in zip(place, shape, strict=False))


def _bounds(places: Iterable[Index]) -> Index:
    """The extents that hold all places."""
    return tuple(max(axis) for axis in zip(*places, strict=True))


class World:
    """Values of all names, and a record of which entries were read."""

    def __init__(self, values: dict[str, Value], instance: Instance) -> None:
        self.values = values
        self.instance = instance
        self.reads: set[tuple[str, Index]] = set()
        self._derived: dict[tuple[str, Index], Value] = {}

    def entry(self, name: str, place: Index) -> Value:
        """One entry (or, where indices are left out, the array of the rest)."""
        if name in self.instance.derived:
            return self._derived_entry(name, place)
        if name not in self.values:
            raise SpecFault(f"unknown name {name}")
        value = self.values[name]
        shape = () if isinstance(value, Num) else value.shape
        if not _inside(place, shape):
            raise OutOfRange(f"{name}{list(place)}")
        if isinstance(value, Num):
            self.reads.add((name, ()))
            return value
        found: Value = value[tuple(i - 1 for i in place)]
        rest = () if isinstance(found, Num) or found is None else found.shape
        self.reads.update((name, place + tail) for tail in _places(rest))
        inside = [found] if isinstance(found, Num) or found is None else found.ravel()
        if any(e is None for e in inside):
            raise OutOfRange(f"{name}{list(place)} is not defined")
        return found

    def _derived_entry(self, name: str, place: Index) -> Value:
        known, shape = self.instance.derived[name]
        if len(place) < len(shape):
            parts = [self._derived_entry(name, (*place, i + 1)) for i in range(shape[len(place)])]
            return _stack(parts)
        key, tail = place[: len(shape)], place[len(shape) :]
        if (name, key) not in self._derived:
            if key not in known:
                raise OutOfRange(f"{name}{list(key)}")
            self._derived[name, key] = self.evaluate(*known[key])
        value = self._derived[name, key]
        if not tail:
            return value
        if isinstance(value, Num):
            raise SpecFault(f"too many indices of {name}")
        if not _inside(tail, value.shape):
            raise OutOfRange(f"{name}{list(place)}")
        found: Value = value[tuple(i - 1 for i in tail)]
        return found

    def select(self, name: str, indices: list[int | Num]) -> Value:
        """An entry; an index that is a latent category chooses sample by sample."""
        for position, index in enumerate(indices):
            if isinstance(index, Num):
                head = [i for i in indices[:position] if isinstance(i, int)]
                extent = self.extent(name, position)
                tail = indices[position + 1 :]
                options = [self.select(name, [*head, i + 1, *tail]) for i in range(extent)]
                return _each(lambda *o, index=index: tape.choose(index, list(o)), *options)
        return self.entry(name, tuple(i for i in indices if isinstance(i, int)))

    def extent(self, name: str, position: int) -> int:
        if name in self.instance.derived:
            shape = self.instance.derived[name][1]
            if position < len(shape):
                return shape[position]
            value = self.entry(name, (1,) * len(shape))
            return 0 if isinstance(value, Num) else int(value.shape[position - len(shape)])
        value = self.values[name]
        if isinstance(value, Num) or position >= value.ndim:
            raise SpecFault(f"too many indices of {name}")
        return int(value.shape[position])

    def evaluate(self, node: Node, loops: Loops) -> Value:
        """The value of an expression, all samples at once."""
        match node:
            case Number(value):
                return k(value)
            case Name(name, indices):
                if not indices:
                    if name in loops:
                        return k(loops[name])
                    if name not in self.values and name not in self.instance.derived:
                        if name in self.instance.sizes:
                            return k(self.instance.sizes[name])
                        if name == "PI":
                            return Num(tape.pi())
                return self.select(name, self.indices(indices, loops))
            case Negative(inner):
                return _each(lambda a: -a, self.evaluate(inner, loops))
            case Binary("**", left, right):
                exponent = static(right, {**self.instance.sizes, **loops})
                base = self.evaluate(left, loops)
                if exponent is not None:
                    return _each(lambda a: tape.power(a, exponent), base)
                return _each(lambda a, b: a**b, base, self.evaluate(right, loops))
            case Binary(operator, left, right):
                return _each(
                    _OPERATIONS[operator], self.evaluate(left, loops), self.evaluate(right, loops)
                )
            case Sum(body, ranges):
                turns = self.instance.loop(ranges, loops)
                parts = [self.evaluate(body, {**loops, **more}) for more in turns]
                return _each(lambda *p: tape.total(list(p)), *parts) if parts else k(0)
            case Call(name, arguments, indices):
                values = [self.evaluate(a, loops) for a in arguments]
                if name in self.instance.model.functions:
                    index = self.indices(indices, loops)
                    return self.instance.abstract(name, values, index)
                if name not in tape.FUNCTIONS or len(values) != 1 or indices:
                    raise SpecFault(f"unknown function {name}")
                return _each(tape.FUNCTIONS[name], values[0])

    def indices(self, nodes: tuple[Node, ...], loops: Loops) -> list[int | Num]:
        found: list[int | Num] = []
        for node in nodes:
            value = static(node, {**self.instance.sizes, **loops})
            if value is not None:
                if value.denominator != 1:
                    raise SpecFault("an index is an integer")
                found.append(int(value))
            else:
                index = self.evaluate(node, loops)
                if not isinstance(index, Num):
                    raise SpecFault("an index is a number")
                found.append(index)
        return found


_OPERATIONS: dict[str, Callable[[Num, Num], Num]] = {
    "+": Num.__add__,
    "-": Num.__sub__,
    "*": Num.__mul__,
    "/": Num.__truediv__,
}


def _each(function: Callable[..., Num], *values: Value) -> Value:
    """Entry by entry; a number goes with every entry of an array."""
    arrays = [v for v in values if not isinstance(v, Num)]
    if not arrays:
        return function(*values)
    if any(a.shape != arrays[0].shape for a in arrays):
        raise SpecFault("shapes differ")
    out = np.empty(arrays[0].shape, dtype=object)
    for i in np.ndindex(out.shape):
        out[i] = function(*(v if isinstance(v, Num) else v[i] for v in values))
    return out


def _stack(parts: list[Value]) -> Array:
    inner = () if isinstance(parts[0], Num) else parts[0].shape
    out = np.empty((len(parts), *inner), dtype=object)
    for i, part in enumerate(parts):
        if inner:
            out[i] = part
        else:
            out[i : i + 1] = [part]
    return out


class Instance:
    """A model at concrete sizes."""

    def __init__(
        self,
        model: Model,
        sizes: Mapping[str, int],
        seed: int = 0,
        known: Mapping[str, float] | None = None,  # values of scalar constants
    ) -> None:
        self.model = model
        self.known = dict(known or {})
        self.sizes = dict(sizes)
        self.seed = seed
        self._refuse_double_names()
        self.derived: dict[str, tuple[dict[Index, tuple[Node, dict[str, int]]], Index]] = {}
        for statement in model.statements:
            if statement.family is None:
                self._derive(statement)
        self.shapes: dict[str, Index] = {}
        self.types: dict[str, str] = {}
        for group in (model.parameters, model.constants, model.inputs):
            for name, kind in group.items():
                self.shapes[name] = self.extents(kind)
                self.types[name] = kind.base
        self.constants = self._draw_constants()
        self.factors = self._list_factors()

    def _refuse_double_names(self) -> None:
        model = self.model
        groups = (model.parameters, model.constants, model.functions, model.inputs)
        declared = [n for g in groups for n in g] + list(model.sizes)
        random = {s.target.name for s in model.statements if s.family is not None}
        derived = {s.target.name for s in model.statements if s.family is None}
        everything = [*declared, *random, *derived]
        if len(set(everything)) < len(everything):
            raise SpecFault("a name is used twice")
        if set(model.observed) - random:
            raise SpecFault("an observed name that no statement defines")

    # Sizes, loops, shapes.

    def integer(self, node: Node, loops: Loops) -> int:
        value = static(node, {**self.sizes, **loops})
        if value is None or value.denominator != 1:
            raise SpecFault("an integer is needed")
        return int(value)

    def extents(self, kind: Type) -> Index:
        found = tuple(self.integer(e, {}) for e in kind.extents)
        if min(found, default=0) < 0 or (kind.base == "simplex" and found[-1] == 0):
            raise OutOfRange(f"{kind.base}{list(found)}")
        return found

    def loop(self, ranges: tuple[Range, ...], loops: Loops) -> Iterator[dict[str, int]]:
        """All values of the indices, outermost first."""
        if not ranges:
            yield {}
            return
        first, *rest = ranges
        start, stop = self.integer(first.first, loops), self.integer(first.last, loops)
        if stop < start - 1:
            raise OutOfRange(f"{first.name} in {start}:{stop}")
        for i in range(start, stop + 1):
            here = {first.name: i}
            for more in self.loop(tuple(rest), {**loops, **here}):
                yield {**here, **more}

    def _place(self, target: Name, loops: Loops) -> Index:
        return tuple(self.integer(i, loops) for i in target.indices)

    def _derive(self, statement: Statement) -> None:
        name = statement.target.name
        known, _ = self.derived.get(name, ({}, ()))
        for loops in self.loop(statement.ranges, {}):
            known[self._place(statement.target, loops)] = (statement.positional[0], loops)
        self.derived[name] = (known, _bounds(known))

    # Constants and abstract functions: drawn once, from the seed and the name.

    def rng(self, *key: Any) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(repr(key).encode())])

    def _draw_constants(self) -> dict[str, Array]:
        counts = {
            node.name
            for s in (*self.model.statements, *self.model.q)
            if s.family in ("Binomial", "Multinomial")
            for node in (*s.positional[:1], *(n for key, n in s.named if key == "n"))
            if isinstance(node, Name)
        }
        drawn = {}
        for name, kind in self.model.constants.items():
            rng, shape = self.rng("constant", name), self.extents(kind)
            if name in self.known:
                drawn[name] = np.asarray(self.known[name], dtype=float)
            elif name in counts:
                drawn[name] = rng.integers(2, 4, size=shape).astype(float)
            else:
                drawn[name] = draw(rng, kind.base, shape, ())
        return drawn

    def draw_parameter(self, rng: np.random.Generator, name: str, lead: Index) -> Array:
        """Random admissible values; degrees of freedom of a Wishart are large enough."""
        dofs = {
            node.name
            for s in self.model.statements
            if s.family == "Wishart"
            for node in (*s.positional[:1], *(n for key, n in s.named if key == "dof"))
            if isinstance(node, Name)
        }
        drawn = draw(rng, self.model.parameters[name].base, self.shapes[name], lead)
        return drawn + 3 if name in dofs else drawn

    def abstract(self, name: str, arguments: list[Value], index: list[int | Num]) -> Value:
        """A function of the user's: sum_i a_i tanh(b_i . arguments + c_i), drawn by its name."""
        kind = self.model.functions[name]
        shape = self.extents(kind)
        flat = [n for a in arguments for n in ([a] if isinstance(a, Num) else a.ravel())]
        if any(isinstance(i, Num) for i in index) or kind.base in ("simplex", "posdef"):
            whole = self._whole(name, kind.base, shape, flat)
            if not index:
                return whole
            holder = World({name: whole}, self)
            return holder.select(name, index)
        place = tuple(i for i in index if isinstance(i, int))
        if not _inside(place, shape):
            raise OutOfRange(f"{name}(...){list(place)}")
        rest = shape[len(place) :]
        if not rest:
            return _LINKS[kind.base](self._smooth(name, place, flat))
        out = np.empty(rest, dtype=object)
        for tail in _places(rest):
            at = tuple(i - 1 for i in tail)
            out[at] = _LINKS[kind.base](self._smooth(name, place + tail, flat))
        return out

    def _whole(self, name: str, base: str, shape: Index, flat: list[Num]) -> Array:
        raw = np.empty(shape, dtype=object)
        for place in _places(shape):
            raw[tuple(i - 1 for i in place)] = self._smooth(name, place, flat)
        if base == "simplex":
            for row in np.ndindex(shape[:-1]):
                powers = [tape.exp(n) for n in raw[row]]
                norm = tape.total(powers)
                raw[row] = _stack([p / norm for p in powers])
        elif base == "posdef":
            for row in np.ndindex(shape[:-2]):
                a, size = raw[row].copy(), shape[-1]
                for i, j in np.ndindex(size, size):
                    dots = [a[i, m] * a[j, m] for m in range(size)]
                    raw[(*row, i, j)] = tape.total([*dots, k(1 if i == j else 0)])
        else:
            for place in np.ndindex(shape):
                raw[place] = _LINKS[base](raw[place])
        return raw

    def _smooth(self, name: str, place: Index, flat: list[Num]) -> Num:
        rng = self.rng("function", name, place, len(flat))
        terms = []
        for _ in range(len(flat) + 3):
            weights = rng.normal(size=len(flat)) * 1.3 / np.sqrt(max(1, len(flat)))
            inner = tape.affine(list(weights), flat, float(rng.normal()))
            terms.append(tape.tanh(inner))
        return tape.affine(list(rng.normal(size=len(terms))), terms, float(rng.normal()))

    # Factors.

    @cached_property
    def nodes(self) -> dict[str, Support]:
        """A support per random node (that of its first statement)."""
        found: dict[str, Support] = {}
        for factor in self.factors:
            found.setdefault(factor.node, factor.support)
        return found

    def _list_factors(self) -> list[Factor]:
        random = [s for s in self.model.statements if s.family is not None]
        listed = [(s, list(self.loop(s.ranges, {}))) for s in random]
        places: dict[str, list[Index]] = {}
        for s, loops in listed:
            places.setdefault(s.target.name, []).extend(self._place(s.target, l) for l in loops)
        for name, found in places.items():
            if len(set(found)) < len(found):
                raise SpecFault(f"{name} is defined twice at a place")
        dims = {name: _bounds(found) for name, found in places.items()}
        factors: list[Factor] = []
        pending = list(listed)
        while pending:
            later = []
            for s, loops in pending:
                try:
                    made = [
                        Factor(
                            s.target.name,
                            self._place(s.target, l),
                            s,
                            l,
                            random.index(s),
                            self._support(s, l),
                            s.target.name in self.model.observed,
                        )
                        for l in loops
                    ]
                except _Unresolved:
                    later.append((s, loops))
                    continue
                factors.extend(made)
                if made:
                    name = s.target.name
                    self.shapes[name] = dims[name] + made[0].support.event
            if len(later) == len(pending):
                raise SpecFault("cyclic or undefined names")
            pending = later
        return sorted(factors, key=lambda f: (f.order, f.place))

    def _dummy(self) -> World:
        """Ones everywhere: enough to find shapes."""
        one = k(1)

        def ones(shape: Index) -> Value:
            return np.full(shape, one, dtype=object) if shape else one

        values = {name: ones(shape) for name, shape in self.shapes.items()}
        for name, value in self.constants.items():
            values[name] = boxed(value)
        return World(values, self)

    def _argument(self, statement: Statement, loops: Loops, slot: str, slots: list[str]) -> Value:
        """One argument with ones for everything unknown."""
        named = dict(statement.named)
        if slot in named:
            node = named[slot]
        else:
            position = slots.index(slot)
            if position >= len(statement.positional):
                raise _Unresolved
            node = statement.positional[position]
        for name in names(node):
            random = any(s.target.name == name and s.family for s in self.model.statements)
            if random and name not in self.shapes:
                raise _Unresolved
        try:
            return self._dummy().evaluate(node, loops)
        except SpecFault:
            if any(s.target.name not in self.shapes for s in self.model.statements if s.family):
                raise _Unresolved from None
            raise

    def _support(self, s: Statement, loops: Loops) -> Support:
        user = self.model.families.get(s.family or "")
        if user is not None:
            return Support(user.family.support, float(user.lower or 0), float(user.upper or 0))
        if s.family not in FAMILIES:
            raise SpecFault(f"unknown family {s.family}")
        kind = FAMILIES[s.family].support
        form = self.form(s)
        slots = [name for name, _ in form.slots]

        def length(slot: str) -> Index:
            value = self._argument(s, loops, slot, slots)
            if isinstance(value, Num):
                raise SpecFault(f"{s.text}: {slot} is a vector")
            shape: Index = value.shape
            return shape

        if kind == "category":
            return Support(kind, size=length(slots[0])[-1])
        if kind in ("upto", "counts"):
            count = self._argument(s, loops, "n", slots)
            assert isinstance(count, Num)
            size = int(float(count.x))
            return Support(kind, size=size, event=length("p")[-1:] if kind == "counts" else ())
        if kind == "simplex":
            return Support(kind, event=length(slots[0])[-1:])
        if kind == "vector":
            return Support(kind, event=length("covariance")[-1:])
        if kind == "posdef":
            return Support(kind, event=length("scale")[-2:])
        if kind == "pareto":
            fixed = self._constant_minimum(s, loops)
            return Support(kind) if fixed is None else Support("lower", lower=fixed)
        return Support(kind)

    def _constant_minimum(self, s: Statement, loops: Loops) -> float | None:
        """The minimum of a Pareto where it is a known number."""
        node = dict(s.named).get("minimum", s.positional[0] if s.positional else None)
        if node is None or names(node) - set(loops) - set(self.sizes) - set(self.constants):
            return None
        value = self._dummy().evaluate(node, loops)
        return float(value.x) if isinstance(value, Num) else None

    def form(self, s: Statement) -> Form:
        """The parameterization that the names of the arguments choose."""
        assert s.family is not None
        user = self.model.families.get(s.family)
        family = user.family if user else FAMILIES[s.family]
        given = {key for key, _ in s.named}
        for form in family.forms:
            slots = [name for name, _ in form.slots]
            if given <= set(slots[len(s.positional) :]) and len(slots) == len(given) + len(
                s.positional
            ):
                return form
        raise SpecFault(f"{s.text}: wrong arguments")

    def arguments(self, s: Statement, loops: Loops, world: World) -> list[tuple[str, Value]]:
        """(domain, value) of every argument, in the order of the form."""
        form = self.form(s)
        named = dict(s.named)
        found = []
        for position, (slot, domain) in enumerate(form.slots):
            node = named[slot] if slot in named else s.positional[position]
            found.append((domain, world.evaluate(node, loops)))
        return found

    def log_density(
        self, s: Statement, loops: Loops, place: Index, world: World
    ) -> tuple[Num, Array]:
        """log p of the statement at a place, and where its arguments are in their domains."""
        given = self.arguments(s, loops, world)
        valid: Array = np.asarray(True)
        for domain, value in given:
            valid = valid & _in_domain(domain, value)
        reads = set(world.reads)
        own = world.entry(s.target.name, place)
        world.reads = reads
        assert s.family is not None
        user = self.model.families.get(s.family)
        if user is None:
            density = self.form(s).log_density(own, *(v for _, v in given))
            if s.family == "Pareto":
                assert isinstance(own, Num) and isinstance(given[0][1], Num)
                valid = valid & np.asarray(own.x >= given[0][1].x, dtype=bool)
            if s.family == "Wishart":
                dof, scale = given[0][1], given[1][1]
                assert isinstance(dof, Num) and not isinstance(scale, Num)
                valid = valid & np.asarray(dof.x > len(scale) - 1, dtype=bool)
            return density, valid
        local = dict(zip(user.parameters, (v for _, v in given), strict=True))
        local[user.value] = own
        inner = World(local, self.bare)
        result = inner.evaluate(user.log_density, {})
        assert isinstance(result, Num)
        return result, valid

    @cached_property
    def bare(self) -> Instance:
        """An instance without names of its own, for the densities of the user."""
        bare = object.__new__(Instance)
        bare.model, bare.sizes, bare.seed, bare.derived = self.model, self.sizes, self.seed, {}
        return bare


def _in_domain(domain: str, value: Value) -> Array:
    parts = [value] if isinstance(value, Num) else list(value.ravel())
    valid: Array = np.asarray(True)
    if domain in ("positive", "positives", "unit", "simplex"):
        for n in parts:
            valid = valid & np.asarray(n.x > 0, dtype=bool)
            if domain == "unit":
                valid = valid & np.asarray(n.x < 1, dtype=bool)
    if domain == "simplex":
        total = np.asarray(tape.total(parts).x - 1)
        valid = valid & np.asarray(abs(total) < 1e-9, dtype=bool)
    return valid


_LINKS: dict[str, Callable[[Num], Num]] = {
    "real": lambda n: n,
    "positive": tape.exp,
    "unit": tape.sigmoid,
}


def boxed(value: Any) -> Value:
    """Plain numbers as constants."""
    value = np.asarray(value)
    if value.ndim == 0:
        return constant(value[()])
    out = np.empty(value.shape, dtype=object)
    for place in np.ndindex(value.shape):
        out[place] = constant(value[place])
    return out


def draw(rng: np.random.Generator, base: str, shape: Index, lead: Index) -> Array:
    """Random admissible values: `lead` independent copies of an array of the given shape."""
    full = lead + shape
    if base == "real":
        return np.asarray(rng.uniform(0.25, 1.6, full) * rng.choice([-1.0, 1.0], full))
    if base == "positive":
        return np.asarray(np.exp(rng.uniform(-0.9, 0.9, full)))
    if base == "unit":
        return rng.uniform(0.1, 0.9, full)
    if base == "simplex":
        powers = np.exp(rng.uniform(-1, 1, full))
        return np.asarray(powers / powers.sum(-1, keepdims=True))
    if base == "posdef":
        a = rng.uniform(-1, 1, full)
        return np.asarray(a @ np.swapaxes(a, -1, -2) + 0.4 * np.eye(shape[-1]))
    raise SpecFault(f"unknown type {base}")
