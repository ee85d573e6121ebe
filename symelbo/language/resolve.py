"""Syntax tree + scope -> term: names, numbers of indices, ranges and shapes are checked here.

A resolver works on one text.  It reports each mistake with its offset and goes on with a stand-in,
so that one run finds every independent fault of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from symelbo.index.build import (
    ZERO,
    add,
    call,
    extent_length,
    mul,
    negate,
    number,
    power,
    total,
)
from symelbo.index.domains import Real
from symelbo.index.substitute import instantiate, symbols_of
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Constant,
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
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.language.fault import TextFault, quote, suggest
from symelbo.language.syntax import (
    AddSyntax,
    CallSyntax,
    Expression,
    MulSyntax,
    NameSyntax,
    NumberSyntax,
    PowerSyntax,
    RangeSyntax,
    SubscriptSyntax,
    SumSyntax,
)

__all__ = [
    "DENSITY_FUNCTIONS",
    "FUNCTIONS",
    "Broken",
    "Budget",
    "Deterministic",
    "Entity",
    "Loops",
    "Reach",
    "Resolver",
    "SizeName",
    "Undeclared",
    "array_shape",
    "category_extent",
    "extent_of",
    "is_sound",
    "is_tainted",
    "shape_text",
]

# name -> number of arguments
FUNCTIONS: Final[Mapping[str, int]] = {
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "abs": 1,
    "tanh": 1,
    "sigmoid": 1,
    "softplus": 1,
    "log1p": 1,
    "loggamma": 1,
    "digamma": 1,
    "erf": 1,
}
# only in the log-density of a family
DENSITY_FUNCTIONS: Final[Mapping[str, int]] = {
    "polygamma": 2,
    "logbesseli0": 1,
    "cos": 1,
    "sin": 1,
}
MATRIX_FUNCTIONS: Final = ("inv", "logdet")

MAX_EXPONENT: Final = 1000
MAX_BITS: Final = 1024  # of a number; no double holds more
MAX_EXTENT: Final = 10**6  # of an integer used as a size or an index
MAX_WRITTEN_OUT: Final = 40_000  # of all texts together, copied with other indices
MAX_INLINED: Final = 20_000  # operations of one text, deterministic quantities written out


@dataclass(frozen=True, slots=True)
class SizeName:
    """A size, or in a density a formal extent bound to the extent it has here."""

    extent: Extent


@dataclass(frozen=True, slots=True)
class Deterministic:
    """A deterministic quantity: its array, and how many operations that holds."""

    array: Array
    operations: int


@dataclass(slots=True)
class Budget:
    """Operations that may still be written out for all texts together; bounds the time taken."""

    left: int = MAX_WRITTEN_OUT


@dataclass(frozen=True, slots=True)
class Broken:
    """A name that is declared by a faulty line; its uses are not reported again."""


Entity: TypeAlias = SizeName | Symbol | Deterministic | Broken
Loops: TypeAlias = Mapping[str, Index]
# What to do with a name nobody declared: (name, indices, trailing shape or None) -> its symbol.
Undeclared: TypeAlias = Callable[[str, tuple[IndexTerm, ...]], Symbol | None]

# Stands for a term that could not be resolved; never leaves the reader.
_STAND_IN: Final = Entry(Symbol("?", Role.UNKNOWN, Real()))
_UNKNOWN_EXTENT: Final = Extent("?")  # of a loop variable whose range is faulty


@dataclass(frozen=True, slots=True)
class Reach:
    """The places an index takes: low..high, where low is an integer, or equal to high if None."""

    low: int | None
    high: Extent


def extent_of(length: Term | None) -> Extent | None:
    """The term of a length (C, C - 1, 3) -> its extent; None where it is no such term."""
    match length:
        case Size(name):
            return Extent(name)
        case Number(value) if value.denominator == 1:
            return Extent(None, int(value))
        case Add((Number(value), Size(name))) if value.denominator == 1:
            return Extent(name, int(value))
    return None


def category_extent(symbol: Symbol) -> Extent | None:
    """A category node -> its number of categories."""
    return extent_of(symbol.domain.upper)


def array_shape(array: Array) -> tuple[Extent, ...]:
    """The extents of an array's own indices."""
    return tuple(index.extent for index in array.indices)


def shape_text(name: str, shape: Iterable[Extent]) -> str:
    """name, shape -> how to write an entry: `W[d, h]` for extents D, H."""
    taken: list[str] = []
    for extent in shape:
        base = (extent.size or "i").lower()
        while base in taken:
            base += "2"
        taken.append(base)
    return f"{name}[{', '.join(taken)}]" if taken else name


class Resolver:
    """Terms of one text.

    names: what every declared name stands for; report: receives each fault;
    density: whether the functions of family densities are available;
    categories: the number of categories of a formal category value, where it is known;
    undeclared: makes the symbol of an undeclared entry (variational parameters), or None.
    """

    def __init__(
        self,
        text: str,
        names: Mapping[str, Entity],
        report: Callable[[TextFault], None],
        *,
        density: bool = False,
        categories: Extent | None = None,
        undeclared: Undeclared | None = None,
        arities: dict[str, tuple[tuple[Extent, ...], ...]] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._text = text
        self._names = names
        self._report = report
        self._density = density
        self._categories = categories
        self._undeclared = undeclared
        self._arities = {} if arities is None else arities
        self._inlined = 0
        self._budget = Budget() if budget is None else budget

    # -- faults

    def _fault(self, at: int, found: str, expected: str = "", hint: str = "") -> Term:
        self._report(TextFault(at, found, expected, hint))
        return _STAND_IN

    def _source(self, node: Expression | RangeSyntax) -> str:
        return self._text[node.at : node.end]

    # -- sizes, ranges

    def extent(self, node: Expression) -> Extent | None:
        """H, 3, C-1 -> the extent; reports and returns None where it is none."""
        match node:
            case NumberSyntax(value=value):
                if value.denominator != 1 or not 1 <= value <= MAX_EXTENT:
                    self._fault(
                        node.at,
                        f"the size {quote(self._source(node))}",
                        "a positive integer or the name of a size",
                    )
                    return None
                return Extent(None, int(value))
            case NameSyntax(name=name):
                entity = self._names.get(name)
                if isinstance(entity, SizeName):
                    return entity.extent
                if not isinstance(entity, Broken):
                    self._unknown_size(node.at, name, entity)
                return None
            case AddSyntax(terms=((False, NameSyntax() as base), (minus, NumberSyntax(value=by)))):
                extent = self.extent(base)
                if extent is None:
                    return None
                if by.denominator == 1 and abs(by) <= MAX_EXTENT:
                    shift = -int(by) if minus else int(by)
                    return Extent(extent.size, extent.offset + shift)
        self._fault(
            node.at,
            f"the size {quote(self._source(node))}",
            "the name of a size, a positive integer, or a size plus or minus an integer",
            "as in 1:H, 1:3 or 1:C-1",
        )
        return None

    def _unknown_size(self, at: int, name: str, entity: Entity | None) -> None:
        sizes = [known for known, value in self._names.items() if isinstance(value, SizeName)]
        if entity is None:
            hint = suggest(name, sizes) or f"declare it: `sizes: [{', '.join([*sizes, name][:9])}]`"
            self._fault(at, f"unknown size {quote(name)}", "a name listed under `sizes`", hint)
        else:
            self._fault(at, f"{quote(name)} is no size", "a name listed under `sizes`")

    def ranges(self, items: Iterable[RangeSyntax], loops: Loops) -> Loops:
        """`for h in 1:H, k in 1:K` -> the loop variables in scope.

        After a fault the variable stands for an index of unknown range, see `is_sound`.
        """
        result = dict(loops)
        for item in items:
            index = self._range(item, result)
            result[item.variable] = index or Index(item.variable, _UNKNOWN_EXTENT)
        return result

    def _range(self, item: RangeSyntax, loops: Loops) -> Index | None:
        name = item.variable
        if name in self._names or name in FUNCTIONS or name == "PI":
            self._fault(
                item.at,
                f"the index variable {quote(name)} has the name of something declared",
                "a name of its own",
                "use another letter for the index",
            )
            return None
        if name in loops:
            self._fault(
                item.at,
                f"the index variable {quote(name)} is already in use here",
                "a name of its own",
                "use another letter for the inner index",
            )
            return None
        high = self.extent(item.high)
        low = item.low
        if not isinstance(low, NumberSyntax) or low.value.denominator != 1 or low.value < 1:
            self._fault(
                low.at,
                f"a range that starts at {quote(self._source(low))}",
                "a positive integer",
                "places are counted from 1, as in `for h in 1:H`",
            )
            return None
        if high is None:
            return None
        if high.size is None and high.offset < low.value:
            self._fault(low.at, f"the empty range {quote(f'{low.value}:{high}')}", "a place in it")
            return None
        if low.value > MAX_EXTENT:
            self._fault(low.at, f"a range that starts at {low.value}", f"at most {MAX_EXTENT}")
            return None
        return Index(name, high, int(low.value))

    # -- indices

    def index(self, node: Expression, loops: Loops) -> IndexTerm | None:
        """h, 2, C, t-1, c or k[t] in an index place; reports and returns None where it is none."""
        match node:
            case NumberSyntax(value=value):
                if value.denominator == 1 and 1 <= value <= MAX_EXTENT:
                    return Position(Extent(None, int(value)))
                self._fault(
                    node.at,
                    f"the index {quote(self._source(node))}",
                    "a positive integer",
                    "places are counted from 1",
                )
                return None
            case NameSyntax(name=name) if name in loops:
                return loops[name]
            case NameSyntax(name=name):
                entity = self._names.get(name)
                if isinstance(entity, SizeName):
                    return Position(entity.extent)
                if entity is None:
                    self._unknown_index(node.at, name, loops)
                    return None
                return self._category(node, loops)
            case SubscriptSyntax():
                return self._category(node, loops)
            case AddSyntax(terms=((False, base), (minus, NumberSyntax(value=by)))) if (
                by.denominator == 1 and abs(by) <= MAX_EXTENT
            ):
                shift = -int(by) if minus else int(by)
                inner = self.index(base, loops)
                match inner:
                    case None:
                        return None
                    case Index():
                        return Offset(inner, shift) if shift else inner
                    case Position(extent):
                        return Position(Extent(extent.size, extent.offset + shift))
                    case Entry():
                        self._fault(
                            node.at,
                            f"the index {quote(self._source(node))}",
                            "a category by itself",
                            "only index variables and sizes can be shifted",
                        )
                        return None
        self._fault(
            node.at,
            f"the index {quote(self._source(node))}",
            "an index variable, an integer, a size (its last place), one of them plus or minus an "
            "integer, or a category",
        )
        return None

    def _unknown_index(self, at: int, name: str, loops: Loops) -> None:
        hint = suggest(name, [*loops, *self._names])
        if not hint:
            sizes = [size for size, e in self._names.items() if isinstance(e, SizeName)]
            high = next((size for size in sizes if size == name.upper()), (*sizes, "3")[0])
            hint = f"give it a range: `for {name} in 1:{high}`"
        self._fault(at, f"unknown index {quote(name)}", "a variable of a `for`, or a size", hint)

    def _category(self, node: Expression, loops: Loops) -> IndexTerm | None:
        """A term that selects: an entry of a category."""
        term = self._faultless_scalar(node, loops)
        if term is None or term == _STAND_IN:
            return None
        if isinstance(term, IndexValue):
            return term.index
        self._fault(
            node.at,
            f"{quote(self._source(node))} as an index",
            "an index variable, an integer, a size or a category",
            "a node selects only if it is Categorical (values 1..C)",
        )
        return None

    def reach(self, place: IndexTerm) -> Reach | None:
        """The places an index takes; None where that is not known."""
        match place:
            case Index(extent=extent) | Offset(index=Index(extent=extent)) if (
                extent == _UNKNOWN_EXTENT
            ):
                return None
            case Index(_, extent, low):
                return Reach(low, extent)
            case Offset(Index(_, extent, low), by):
                return Reach(low + by, Extent(extent.size, extent.offset + by))
            case Position(extent):
                return Reach(extent.offset if extent.size is None else None, extent)
            case Entry(symbol, _):
                upper = category_extent(symbol)
                if upper is None and symbol.role is Role.VALUE:
                    upper = self._categories
                return None if upper is None else Reach(1, upper)

    def _check_reach(self, at: int, place: IndexTerm, extent: Extent, what: str, axis: int) -> None:
        """An index must stay within the declared extent, as far as that can be decided."""
        reach = self.reach(place)
        if reach is None:
            return
        where = f"1 to {extent}, the places of index {axis} of {quote(what)}"
        if reach.low is not None and reach.low < 1:
            hint = ""
            if isinstance(place, Offset):
                first = 1 - place.by
                name = place.index.name
                hint = f"start the range at {first}: `for {name} in {first}:{place.index.extent}`"
            self._fault(at, f"an index that reaches {reach.low}", where, hint)
            return
        high = reach.high
        # a symbolic size may exceed any other
        beyond = high.offset > extent.offset if high.size == extent.size else bool(high.size)
        if beyond:
            shown = f"an index that reaches {high}"
            if isinstance(place, Index):
                shown = f"the index {quote(place.name)} in {place.low}:{high}"
            self._fault(at, shown, where)

    # -- scalars

    def scalar(self, node: Expression, loops: Loops) -> Term:
        """Expression -> term; after a fault a stand-in."""
        match node:
            case NumberSyntax(value=value):
                return number(value)
            case NameSyntax() | SubscriptSyntax():
                return self._entry(node, loops)
            case AddSyntax(terms=terms):
                parts = [
                    negate(self.scalar(part, loops)) if minus else self.scalar(part, loops)
                    for minus, part in terms
                ]
                return self._bounded(node, add(*parts))
            case MulSyntax(factors=factors):
                return self._product(node, factors, loops)
            case PowerSyntax(base=base, exponent=exponent):
                return self._power(node, self.scalar(base, loops), self.scalar(exponent, loops))
            case CallSyntax():
                return self._call(node, loops)
            case SumSyntax(body=body, ranges=ranges):
                inner = self.ranges(ranges, loops)
                term = self.scalar(body, inner)
                if not is_sound(inner):
                    return _STAND_IN
                for item in reversed(ranges):
                    term = total(inner[item.variable], term)
                return term
        raise TypeError(f"no expression: {node!r}")

    def _product(
        self, node: Expression, factors: tuple[tuple[bool, Expression], ...], loops: Loops
    ) -> Term:
        parts: list[Term] = []
        for divides, factor in factors:
            part = self.scalar(factor, loops)
            if divides and part == ZERO:
                part = self._fault(factor.at, "a division by zero", "another divisor")
            parts.append(power(part, -1) if divides else part)
        return self._bounded(node, mul(*parts))

    def _power(self, node: PowerSyntax, base: Term, exponent: Term) -> Term:
        if isinstance(exponent, Number) and abs(exponent.value) > MAX_EXPONENT:
            return self._fault(
                node.exponent.at,
                f"the exponent {quote(self._source(node.exponent))}",
                f"at most {MAX_EXPONENT} in size",
                "a numeric power tower is refused",
            )
        if isinstance(base, Number) and isinstance(exponent, Number):
            if base == ZERO and exponent.value < 0:
                return self._fault(node.at, "a division by zero", "another divisor")
            if base.value < 0 and exponent.value.denominator != 1:
                return self._fault(
                    node.at,
                    f"{quote(self._source(node))}, which is not a real number",
                    "a base above 0",
                )
            value = base.value
            bits = max(value.numerator.bit_length(), value.denominator.bit_length())
            if bits * abs(exponent.value) > MAX_BITS and abs(value) != 1:
                return self._fault(
                    node.at,
                    f"the number {quote(self._source(node))}",
                    f"at most {MAX_BITS} bits",
                    "a numeric power tower is refused",
                )
        return self._bounded(node, power(base, exponent))

    def _bounded(self, node: Expression, term: Term) -> Term:
        """Refuse numbers that grow beyond any use."""
        power_of = term.factors[-1] if isinstance(term, Mul) else term
        exponent = power_of.exponent if isinstance(power_of, Power) else None
        if isinstance(exponent, Number) and abs(exponent.value) > MAX_EXPONENT:
            return self._fault(
                node.at,
                f"the exponent {exponent.value} in {quote(self._source(node))}",
                f"at most {MAX_EXPONENT} in size",
            )
        first = term
        if isinstance(term, Add):
            first = term.terms[0]
        if isinstance(first, Mul):
            first = first.factors[0]
        if isinstance(first, Number):
            value = first.value
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
                return self._fault(
                    node.at, f"a number in {quote(self._source(node))}", f"at most {MAX_BITS} bits"
                )
        return term

    def _entry(self, node: Expression, loops: Loops) -> Term:
        array = self._selected(node, loops)
        if array is None:
            return _STAND_IN
        if array.indices:
            return self._rank_fault(node, array)
        return array.body

    def _rank_fault(self, node: Expression, array: Array) -> Term:
        base = node.base if isinstance(node, SubscriptSyntax) else node
        given = len(node.indices) if isinstance(node, SubscriptSyntax) else 0
        shape = self._full_shape(base, array, given)
        what = self._source(base)
        return self._fault(
            node.at,
            f"{quote(self._source(node))}, an array where a number belongs",
            f"{_count(len(shape), 'index', 'indices')}, not {given}",
            f"write {quote(shape_text(what, shape))}",
        )

    def _full_shape(self, base: Expression, array: Array, given: int) -> tuple[Extent, ...]:
        if isinstance(base, NameSyntax):
            entity = self._names.get(base.name)
            if isinstance(entity, Symbol):
                return entity.shape
            if isinstance(entity, Deterministic):
                return array_shape(entity.array)
        return (*(Extent("I") for _ in range(given)), *array_shape(array))

    def _selected(self, node: Expression, loops: Loops) -> Array | None:
        """A name or (partial) indexing -> the array that is left; None after a fault."""
        base = node.base if isinstance(node, SubscriptSyntax) else node
        given = node.indices if isinstance(node, SubscriptSyntax) else ()
        if isinstance(base, CallSyntax):
            return self._selected_call(node, base, given, loops)
        if not isinstance(base, NameSyntax):
            self._fault(
                base.at,
                f"an index on {quote(self._source(base))}",
                "a name before the bracket",
                "name it first with a deterministic statement `a[k] = ... for k in 1:K`",
            )
            return None
        name = base.name
        if name in loops:
            if given:
                self._fault(base.at, f"an index on the index variable {quote(name)}", "an array")
                return None
            return Array((), IndexValue(loops[name]))
        entity = self._names.get(name)
        if entity is None:
            return self._unnamed(node, base, given, loops)
        match entity:
            case Broken():
                self._places(given, (), name, loops, check=False)
                return None
            case SizeName(extent):
                if given:
                    self._fault(base.at, f"an index on the size {quote(name)}", "an array")
                    return None
                return Array((), extent_length(extent))
            case Deterministic(array, operations):
                shape = array_shape(array)
                places = self._places(given, shape, name, loops, at=node.at)
                if places is None:
                    return None
                if not self._write_out(base.at, name, operations, copied=bool(shape)):
                    return None
                rest = self._fresh(shape[len(places) :], loops)
                return Array(rest, instantiate(array, (*places, *rest)))
            case Symbol(role=Role.FUNCTION):
                self._fault(
                    base.at,
                    f"the function {quote(name)} without arguments",
                    f"`{name}(...)` with its arguments",
                    f"write {quote(shape_text(f'{name}(z)', entity.shape))}",
                )
                return None
            case Symbol():
                places = self._places(given, entity.shape, name, loops, at=node.at)
                if places is None:
                    return None
                rest = self._fresh(entity.shape[len(places) :], loops)
                return Array(rest, _value(entity, (*places, *rest)))

    def _write_out(self, at: int, name: str, operations: int, *, copied: bool) -> bool:
        """Spend the operations of a deterministic quantity; False where there are too many."""
        self._inlined += operations
        if copied:
            self._budget.left -= operations
        if self._inlined <= MAX_INLINED and self._budget.left >= 0:
            return True
        limit, what = MAX_INLINED, "this text"
        if self._budget.left < 0:
            limit, what = MAX_WRITTEN_OUT, "the model"
        self._fault(
            at,
            f"{quote(name)}, which makes more than {limit:,} operations of {what} when the "
            "deterministic quantities are written out",
            f"at most {limit:,}",
        )
        return False

    def _unnamed(
        self, node: Expression, base: NameSyntax, given: tuple[Expression, ...], loops: Loops
    ) -> Array | None:
        name = base.name
        if name == "PI":
            if given:
                self._fault(base.at, "an index on the number `PI`", "an array")
                return None
            return Array((), Constant("pi"))
        if self._undeclared is not None and name not in FUNCTIONS:
            places = self._places(given, (), name, loops, check=False)
            if places is None:
                return None
            symbol = self._undeclared(name, places)
            if symbol is None:
                return None
            if len(places) > len(symbol.shape):
                self._places(given, symbol.shape, name, loops, at=node.at)
                return None
            rest = self._fresh(symbol.shape[len(places) :], loops)
            return Array(rest, Entry(symbol, (*places, *rest)))
        known = [*loops, *self._names, "PI"]
        hint = suggest(name, known)
        if name == "pi":
            hint = "the number is written `PI`"
        elif name in FUNCTIONS:
            hint = f"write `{name}(...)` with its argument"
        elif not hint:
            hint = "declare it under `parameters`, or give it a statement in `model`"
            if self._density:
                hint = f"known here: {', '.join(known[:12])}"
        self._fault(base.at, f"unknown name {quote(name)}", "a declared name", hint)
        return None

    def _places(
        self,
        given: tuple[Expression, ...],
        shape: tuple[Extent, ...],
        name: str,
        loops: Loops,
        *,
        at: int = 0,
        check: bool = True,
    ) -> tuple[IndexTerm, ...] | None:
        places = [self.index(node, loops) for node in given]
        if check and len(given) > len(shape):
            expected = "no index: it is a scalar"
            if shape:
                expected = f"{_count(len(shape), 'index', 'indices')}, as in " + quote(
                    shape_text(name, shape)
                )
            self._fault(at, f"{_count(len(given), 'index', 'indices')} on {quote(name)}", expected)
            return None
        if check:
            for axis, (node, place, extent) in enumerate(
                zip(given, places, shape, strict=False), start=1
            ):
                if place is not None:
                    self._check_reach(node.at, place, extent, name, axis)
        sound = tuple(place for place in places if place is not None)
        return sound if len(sound) == len(places) else None

    def _fresh(self, shape: tuple[Extent, ...], loops: Loops) -> tuple[Index, ...]:
        """Bound indices over a shape, by names that mean nothing else here."""
        result: list[Index] = []
        taken = {*loops, *self._names}
        for extent in shape:
            names = ("i", "j", "k", "l", *(f"i{n}" for n in range(1, 1 + len(taken) + len(shape))))
            name = next(name for name in names if name not in taken)
            taken.add(name)
            result.append(Index(name, extent))
        return tuple(result)

    # -- calls

    def _call(self, node: CallSyntax, loops: Loops) -> Term:
        array = self._selected_call(node, node, (), loops)
        if array is None:
            return _STAND_IN
        return self._rank_fault(node, array) if array.indices else array.body

    def _selected_call(
        self, node: Expression, base: CallSyntax, given: tuple[Expression, ...], loops: Loops
    ) -> Array | None:
        name = base.name
        if self._density and name in MATRIX_FUNCTIONS:
            return self._matrix(node, base, given, loops)
        arity = FUNCTIONS.get(name)
        if arity is None and self._density:
            arity = DENSITY_FUNCTIONS.get(name)
        entity = self._names.get(name)
        if isinstance(entity, Broken):
            return None
        if arity is None and isinstance(entity, Symbol) and entity.role is Role.FUNCTION:
            return self._apply(node, base, entity, given, loops)
        if arity is None:
            self._unknown_function(base, entity, loops)
            return None
        if given:
            self._fault(base.at, f"an index on {quote(self._source(base))}, a number", "an array")
            return None
        if len(base.arguments) != arity:
            self._fault(
                base.at,
                f"{_count(len(base.arguments), 'argument', 'arguments')} of `{name}`",
                f"{arity}",
            )
            return None
        arguments = [self.scalar(argument, loops) for argument in base.arguments]
        self._check_real(base, arguments[0])
        return Array((), self._bounded(base, call(name, *arguments)))

    def _check_real(self, node: CallSyntax, argument: Term) -> None:
        if not isinstance(argument, Number):
            return
        value = argument.value
        undefined = (
            (node.name == "log" and value <= 0)
            or (node.name == "sqrt" and value < 0)
            or (node.name == "log1p" and value <= -1)
            or (node.name in ("loggamma", "digamma") and value <= 0)
        )
        if undefined:
            bound = {"sqrt": "at least 0", "log1p": "above -1"}.get(node.name, "above 0")
            found = f"{quote(self._source(node))}, which is not a real number"
            self._fault(node.at, found, f"an argument {bound}")

    def _unknown_function(self, node: CallSyntax, entity: Entity | None, loops: Loops) -> None:
        functions = [
            *FUNCTIONS,
            *(
                known
                for known, value in self._names.items()
                if isinstance(value, Symbol) and value.role is Role.FUNCTION
            ),
        ]
        if self._density:
            functions.extend((*DENSITY_FUNCTIONS, *MATRIX_FUNCTIONS))
        hint = suggest(node.name, functions)
        if entity is not None or node.name in loops:
            self._fault(
                node.at,
                f"{quote(node.name)} called as a function",
                "a function",
                "index an array with [ ], write a product with `*`",
            )
            return
        if not hint:
            hint = f"known: {', '.join(functions[:16])}"
            if node.name in ("inv", "logdet"):
                hint = f"`{node.name}` stands only in the log-density of a family"
        self._fault(node.at, f"unknown function {quote(node.name)}", "", hint)

    def _apply(
        self,
        node: Expression,
        base: CallSyntax,
        function: Symbol,
        given: tuple[Expression, ...],
        loops: Loops,
    ) -> Array | None:
        arguments = [self.array(argument, loops) for argument in base.arguments]
        shown = f"{function.name}(...)"
        places = self._places(given, function.shape, shown, loops, at=node.at)
        sound = [argument for argument in arguments if argument is not None]
        if places is None or len(sound) != len(arguments):
            return None
        if not sound:
            self._fault(base.at, f"the function {quote(function.name)} of nothing", "an argument")
            return None
        shapes = tuple(array_shape(argument) for argument in sound)
        known = self._arities.setdefault(function.name, shapes)
        if known != shapes:
            self._fault(
                base.at,
                f"{quote(function.name)} called with {_shapes(shapes)}",
                f"{_shapes(known)}, as where it is used first",
                "a function takes the same arguments everywhere; declare another one",
            )
            return None
        rest = self._fresh(function.shape[len(places) :], loops)
        return Array(rest, Apply(function, tuple(sound), (*places, *rest)))

    def _matrix(
        self, node: Expression, base: CallSyntax, given: tuple[Expression, ...], loops: Loops
    ) -> Array | None:
        if len(base.arguments) != 1:
            self._fault(base.at, f"{len(base.arguments)} arguments of `{base.name}`", "a matrix")
            return None
        matrix = self.array(base.arguments[0], loops)
        if matrix is None:
            return None
        shape = array_shape(matrix)
        if len(shape) != 2 or shape[0] != shape[1]:
            self._fault(
                base.arguments[0].at,
                f"{quote(self._source(base.arguments[0]))} in `{base.name}`",
                "a square matrix",
            )
            return None
        if base.name == "logdet":
            if given:
                self._fault(base.at, "an index on `logdet(...)`, a number", "an array")
                return None
            return Array((), LogDet(matrix))
        places = self._places(given, shape, self._source(base), loops, at=node.at)
        if places is None:
            return None
        rest = self._fresh(shape[len(places) :], loops)
        both: tuple[IndexTerm, ...] = (*places, *rest)
        return Array(rest, Inverse(matrix, both[0], both[1]))

    # -- arrays

    def array(self, node: Expression, loops: Loops) -> Array | None:
        """An argument -> whole array where it names one, else a scalar; None after a fault."""
        if isinstance(node, NameSyntax | SubscriptSyntax):
            return self._selected(node, loops)
        if isinstance(node, CallSyntax):
            return self._selected_call(node, node, (), loops)
        term = self._faultless_scalar(node, loops)
        return None if term is None else Array((), term)

    def _faultless_scalar(self, node: Expression, loops: Loops) -> Term | None:
        """The scalar that is written here; None if a fault was reported on the way."""
        faults = 0

        def count(fault: TextFault) -> None:
            nonlocal faults
            faults += 1
            report(fault)

        report, self._report = self._report, count
        try:
            term = self.scalar(node, loops)
        finally:
            self._report = report
        return None if faults else term


def is_sound(loops: Loops) -> bool:
    """Whether every loop variable has a range."""
    return all(index.extent != _UNKNOWN_EXTENT for index in loops.values())


def is_tainted(array: Array) -> bool:
    """Whether a faulty or broken part stands in a term: it is fit for further checks only."""
    return _STAND_IN.symbol in symbols_of(array)


def _value(symbol: Symbol, indices: tuple[IndexTerm, ...]) -> Term:
    entry = Entry(symbol, indices)
    return IndexValue(entry) if symbol.domain.is_place else entry


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _shapes(shapes: tuple[tuple[Extent, ...], ...]) -> str:
    texts = [f"[{', '.join(map(str, shape))}]" if shape else "a number" for shape in shapes]
    return f"({', '.join(texts)})"
