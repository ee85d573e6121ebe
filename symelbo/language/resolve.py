"""Syntax tree + scope -> term: names, numbers of indices, ranges and shapes are checked here.

A resolver works on one text.  It has each mistake worded (`word_faults`) and goes on with a
stand-in, so that one run finds every independent fault of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy

from symelbo.index.build import ZERO, add, call, extent_length, mul, negate, number, power, total
from symelbo.index.signs import place_bounds
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
    Symbol,
    Term,
)
from symelbo.language.fault import TextFault
from symelbo.language.scope import (
    DENSITY_FUNCTIONS,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    STAND_IN,
    UNKNOWN_EXTENT,
    Broken,
    Budget,
    Deterministic,
    Entity,
    Loops,
    Reach,
    SizeName,
    Undeclared,
    array_shape,
    is_sound,
    value_of,
)
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
    names_used,
)
from symelbo.language.word_faults import Wording
from symelbo.limits import (
    COPIED_OPERATIONS,
    EXPONENT,
    INTEGER_EXTENT,
    NUMBER_BITS,
)
from symelbo.words import fresh_name

__all__ = ["Resolver"]


class Resolver:
    """Terms of one text.

    names: what every declared name stands for; report: receives each fault;
    density: whether the functions of family densities are available;
    categories: the number of categories of a formal category value, where it is known;
    undeclared: makes the symbol of an undeclared entry (variational parameters), or None;
    arities: the shapes of the arguments that the model's functions were called with so far;
    target: the name that the statement is about.
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
        target: str = "",
    ) -> None:
        self._names = names
        self._target = target
        self._arrays: list[tuple[Expression, Array]] | None = None  # of a formula, see `array`
        self._fault = Wording(text, names, report, density=density)
        self._functions = {**FUNCTIONS, **DENSITY_FUNCTIONS} if density else FUNCTIONS
        self._matrix_functions = MATRIX_FUNCTIONS if density else ()
        self._categories = categories
        self._undeclared = undeclared
        self._arities = {} if arities is None else arities
        self._budget = Budget() if budget is None else budget

    # -- sizes, ranges

    def extent(self, node: Expression) -> Extent | None:
        """H, 3, C-1 -> the extent; reports and returns None where it is none."""
        match node:
            case NumberSyntax(value=value):
                if value.denominator == 1 and 1 <= value <= INTEGER_EXTENT:
                    return Extent(None, int(value))
                self._fault.no_such_size(node)
                return None
            case NameSyntax(name=name):
                entity = self._names.get(name)
                if isinstance(entity, SizeName):
                    return entity.extent
                if not isinstance(entity, Broken):
                    self._fault.unknown_size(node)
                return None
            case AddSyntax(terms=((False, NameSyntax() as base), (minus, NumberSyntax(value=by)))):
                extent = self.extent(base)
                if extent is None:
                    return None
                if by.denominator == 1 and abs(by) <= INTEGER_EXTENT:
                    shift = -int(by) if minus else int(by)
                    return Extent(extent.size, extent.offset + shift)
        self._fault.no_size(node)
        return None

    def ranges(
        self, items: Iterable[RangeSyntax], loops: Loops, body: Expression | None = None
    ) -> Loops:
        """`for h in 1:H, k in 1:K` -> the loop variables in scope; body: what is summed.

        After a fault the variable stands for an index of unknown range, see `is_sound`.
        """
        result = dict(loops)
        of_itself = body is not None and self._target in names_used(body)
        for item in items:
            index = self._range(item, result, self._target if of_itself else "")
            result[item.variable] = index or Index(item.variable, UNKNOWN_EXTENT)
        return result

    def _range(self, item: RangeSyntax, loops: Loops, of_itself: str) -> Index | None:
        name, low = item.variable, item.low
        if name in self._names or name in FUNCTIONS or name == "PI":
            self._fault.taken_index_name(item)
            return None
        if name in loops:
            self._fault.index_in_use(item)
            return None
        for end in (low, item.high):
            others = [name for name in names_used(end) if name in loops]
            if others:
                self._fault.range_of_an_index(end, others[0], loops[others[0]], of_itself)
                return None
        high = self.extent(item.high)
        if not isinstance(low, NumberSyntax) or low.value.denominator != 1 or low.value < 1:
            self._fault.no_start(low)
            return None
        if high is None:
            return None
        if high.size is None and high.offset < low.value:
            self._fault.empty_range(low, low.value, high)
            return None
        if low.value > INTEGER_EXTENT:
            self._fault.late_start(low, low.value, INTEGER_EXTENT)
            return None
        return Index(name, high, int(low.value))

    # -- indices

    def index(self, node: Expression, loops: Loops) -> IndexTerm | None:
        """h, 2, C, t-1, c or k[t] in an index place; reports and returns None where it is none."""
        match node:
            case NumberSyntax(value=value):
                if value.denominator == 1 and 1 <= value <= INTEGER_EXTENT:
                    return Position(Extent(None, int(value)))
                self._fault.no_place(node)
                return None
            case NameSyntax(name=name) if name in loops:
                return loops[name]
            case NameSyntax(name=name):
                entity = self._names.get(name)
                if isinstance(entity, SizeName):
                    return Position(entity.extent)
                if entity is not None:
                    return self._category(node, loops)
                self._fault.unknown_index(node, loops)
                return None
            case SubscriptSyntax():
                return self._category(node, loops)
            case AddSyntax(terms=((False, base), (minus, NumberSyntax(value=by)))) if (
                by.denominator == 1 and abs(by) <= INTEGER_EXTENT
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
                        self._fault.shifted_category(node)
                        return None
        self._fault.no_index(node)
        return None

    def _category(self, node: Expression, loops: Loops) -> IndexTerm | None:
        """A term that selects: an entry of a category."""
        outer, self._arrays = self._arrays, None
        term = self._faultless_scalar(node, loops)
        self._arrays = outer
        if term is None or term == STAND_IN:
            return None
        if isinstance(term, IndexValue):
            return term.index
        self._fault.selects_nothing(node, term)
        return None

    def reach(self, place: IndexTerm) -> Reach | None:
        """The places an index takes; None where that is not known."""
        match place:
            case Index(extent=extent) | Offset(index=Index(extent=extent)) if (
                extent == UNKNOWN_EXTENT
            ):
                return None
            case Entry(symbol) if symbol.domain.upper is None and symbol.role is Role.VALUE:
                return None if self._categories is None else Reach(1, self._categories)
        ends = place_bounds(place)
        if ends is None:
            return None
        least, most = ends
        return Reach(least.offset if least.size is None else None, most)

    def _check_reach(
        self, at: int, place: IndexTerm, first: int, extent: Extent, what: str, axis: int
    ) -> None:
        """An index must stay within the places that there are, as far as that can be decided."""
        reach = self.reach(place)
        if reach is None:
            return
        if reach.low is not None and reach.low < first:
            self._fault.reaches_below(at, place, reach.low, first, extent, what, axis)
            return
        high = reach.high
        # a symbolic size may exceed any other
        beyond = high.offset > extent.offset if high.size == extent.size else bool(high.size)
        if beyond:
            self._fault.reaches_beyond(at, place, reach, first, extent, what, axis)

    def _places(self, given: tuple[Expression, ...], loops: Loops) -> tuple[IndexTerm | None, ...]:
        return tuple(self.index(node, loops) for node in given)

    def _places_on(
        self,
        node: Expression,
        given: tuple[Expression, ...],
        shape: tuple[Extent, ...],
        what: str,
        loops: Loops,
        first: tuple[int, ...] = (),
    ) -> tuple[IndexTerm, ...] | None:
        """Indices on an array of this shape, at most as many as it has axes; None after a fault.

        first: the first place of each axis, where that may be another than 1.
        """
        places = self._places(given, loops)
        if len(given) > len(shape):
            self._fault.too_many_indices(node.at, len(given), shape, what)
            return None
        lows = first or (1,) * len(shape)
        numbered = enumerate(zip(given, places, lows, shape, strict=False), start=1)
        for axis, (written, place, low, extent) in numbered:
            if place is not None:
                self._check_reach(written.at, place, low, extent, what, axis)
        return _all_sound(places)

    def _fresh(self, shape: tuple[Extent, ...], loops: Loops) -> tuple[Index, ...]:
        """Bound indices over a shape, by names that mean nothing else here."""
        result: list[Index] = []
        taken = {*loops, *self._names}
        for extent in shape:
            name = fresh_name("i", taken, "j", "k", "l")
            taken.add(name)
            result.append(Index(name, extent))
        return tuple(result)

    # -- numbers

    def scalar(self, node: Expression, loops: Loops) -> Term:
        """Expression -> term; after a fault a stand-in."""
        match node:
            case NumberSyntax(value=value):
                return number(value)
            case NameSyntax() | SubscriptSyntax():
                return self._number(node, self._selected(node, loops))
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
                return self._number(node, self._selected_call(node, node, (), loops))
            case SumSyntax(body=body, ranges=ranges):
                inner = self.ranges(ranges, loops, body)
                term = self.scalar(body, inner)
                if not is_sound(inner):
                    return STAND_IN
                for item in reversed(ranges):
                    term = total(inner[item.variable], term)
                return term
        raise TypeError(f"no expression: {node!r}")

    def _number(self, node: Expression, array: Array | None) -> Term:
        """What was selected, where a number belongs."""
        if array is None:
            return STAND_IN
        if array.indices:
            if self._arrays is None:
                self._fault.no_number(node, array)
            else:
                self._arrays.append((node, array))
            return STAND_IN
        return array.body

    def _product(
        self, node: Expression, factors: tuple[tuple[bool, Expression], ...], loops: Loops
    ) -> Term:
        parts: list[Term] = []
        for divides, factor in factors:
            part = self.scalar(factor, loops)
            if divides and part == ZERO:
                self._fault.division_by_zero(factor)
                part = STAND_IN
            parts.append(power(part, -1) if divides else part)
        return self._bounded(node, mul(*parts))

    def _power(self, node: PowerSyntax, base: Term, exponent: Term) -> Term:
        if isinstance(exponent, Number) and abs(exponent.value) > EXPONENT:
            self._fault.large_exponent(node, EXPONENT)
            return STAND_IN
        if isinstance(base, Number) and isinstance(exponent, Number):
            if base == ZERO and exponent.value < 0:
                self._fault.division_by_zero(node)
                return STAND_IN
            if base.value < 0 and exponent.value.denominator != 1:
                self._fault.no_real_power(node)
                return STAND_IN
            if _bits(base) * abs(exponent.value) > NUMBER_BITS and abs(base.value) != 1:
                self._fault.large_power(node, NUMBER_BITS)
                return STAND_IN
        return self._bounded(node, power(base, exponent))

    def _bounded(self, node: Expression, term: Term) -> Term:
        """Refuse numbers that grow beyond any use."""
        power_of = term.factors[-1] if isinstance(term, Mul) else term
        exponent = power_of.exponent if isinstance(power_of, Power) else None
        if isinstance(exponent, Number) and abs(exponent.value) > EXPONENT:
            self._fault.grown_exponent(node, exponent.value, EXPONENT)
            return STAND_IN
        first = term.terms[0] if isinstance(term, Add) else term
        first = first.factors[0] if isinstance(first, Mul) else first
        if isinstance(first, Number) and _bits(first) > NUMBER_BITS:
            self._fault.grown_number(node, NUMBER_BITS)
            return STAND_IN
        return term

    def _faultless_scalar(self, node: Expression, loops: Loops) -> Term | None:
        """The scalar that is written here; None if a fault was reported on the way."""
        before = self._fault.count
        term = self.scalar(node, loops)
        return term if self._fault.count == before else None

    # -- arrays

    def array(self, node: Expression, loops: Loops) -> Array | None:
        """An argument -> whole array where it names one, else a scalar; None after a fault.

        A formula of arrays is no array: it is named first, entry by entry.
        """
        outer, self._arrays = self._arrays, []
        if isinstance(node, NameSyntax | SubscriptSyntax | CallSyntax):
            result = self._selected(node, loops)
        else:
            term = self._faultless_scalar(node, loops)
            result = None if term is None else Array((), term)
        arrays, self._arrays = self._arrays, outer
        if arrays:
            self._fault.formula_of_arrays(node, arrays, loops)
            return None
        return result

    def in_names(self, node: Expression, loops: Loops) -> Array | None:
        """The same as `array` in the names of the deterministic quantities that are mentioned.

        requires: it has no faults.  None where none is mentioned, and where one does what a number
        cannot: it selects, or has the places of a node.
        """
        entities = {name: self._names.get(name) for name in names_used(node)}
        quantities = [e for e in entities.values() if isinstance(e, Deterministic)]
        if not quantities:
            return None
        named = {quantity.name: quantity.symbol for quantity in quantities}
        twin = copy(self)
        twin._names = {**self._names, **named}
        twin._fault = Wording("", twin._names, lambda _: None, density=False)
        return twin.array(node, loops)

    def _selected(self, node: Expression, loops: Loops) -> Array | None:
        """A name or call, indexed or not -> the array that is left; None after a fault."""
        base = node.base if isinstance(node, SubscriptSyntax) else node
        given = node.indices if isinstance(node, SubscriptSyntax) else ()
        if isinstance(base, CallSyntax):
            return self._selected_call(node, base, given, loops)
        if not isinstance(base, NameSyntax):
            self._fault.index_without_name(base)
            return None
        name = base.name
        if name in loops:
            return self._unindexed(base, given, IndexValue(loops[name]), loops)
        match self._names.get(name):
            case None:
                return self._unnamed(node, base, given, loops)
            case Broken():
                self._places(given, loops)  # for their own faults
                return None
            case SizeName(extent):
                return self._unindexed(base, given, extent_length(extent), loops)
            case Deterministic(_, parts, _, operations, shape) as quantity:
                first = quantity.first
                places = self._places_on(node, given, shape, name, loops, first)
                if places is None:
                    return None
                late = [low for low in first[len(places) :] if low > 1]
                if late:
                    self._fault.no_whole(node, name, late[0])
                    return None
                rest = self._fresh(shape[len(places) :], loops)
                at = (*places, *rest)
                shared = len(parts) == 1 and at == parts[0].indices
                if not shared and not self._copy(base, operations):
                    return None
                return Array(rest, quantity.at(at))
            case Symbol(role=Role.FUNCTION, shape=shape):
                self._fault.bare_function(base, shape)
                return None
            case Symbol(shape=shape) as symbol:
                places = self._places_on(node, given, shape, name, loops)
                if places is None:
                    return None
                rest = self._fresh(shape[len(places) :], loops)
                return Array(rest, value_of(symbol, (*places, *rest)))

    def _unindexed(
        self, base: Expression, given: tuple[Expression, ...], value: Term, loops: Loops
    ) -> Array | None:
        """A number that takes no index."""
        if given:
            self._fault.index_on_number(base, loops)
            return None
        return Array((), value)

    def _unnamed(
        self, node: Expression, base: NameSyntax, given: tuple[Expression, ...], loops: Loops
    ) -> Array | None:
        """A name that nobody declared: PI, or a parameter of q."""
        name = base.name
        if name == "PI":
            return self._unindexed(base, given, Constant("pi"), loops)
        if self._undeclared is None or name in FUNCTIONS:
            self._fault.unknown_name(base, loops)
            return None
        places = _all_sound(self._places(given, loops))
        symbol = None if places is None else self._undeclared(name, places)
        if places is None or symbol is None:
            return None
        if len(places) > len(symbol.shape):
            self._fault.too_many_indices(node.at, len(places), symbol.shape, name)
            return None
        rest = self._fresh(symbol.shape[len(places) :], loops)
        return Array(rest, Entry(symbol, (*places, *rest)))

    def _copy(self, base: NameSyntax, operations: int) -> bool:
        """Spend the operations of a deterministic quantity that is copied with other indices; False
        where there are too many.  With its own indices it is shared, however often it is used.
        """
        self._budget.left -= operations
        if self._budget.left < 0:
            self._fault.too_large_model(base, COPIED_OPERATIONS)
            return False
        return True

    # -- calls

    def _selected_call(
        self, node: Expression, base: CallSyntax, given: tuple[Expression, ...], loops: Loops
    ) -> Array | None:
        name = base.name
        if name in self._matrix_functions:
            return self._matrix(node, base, given, loops)
        entity = self._names.get(name)
        arity = self._functions.get(name)
        if isinstance(entity, Broken) and arity is None:
            return None
        if arity is None and isinstance(entity, Symbol) and entity.role is Role.FUNCTION:
            return self._apply(node, base, entity, given, loops)
        if arity is None:
            if entity is not None or name in loops:
                self._fault.no_function(base)
            else:
                self._fault.unknown_function(base)
            return None
        if given:
            self._fault.index_on_number(base, loops)
            return None
        if len(base.arguments) != arity:
            self._fault.wrong_number_of_arguments(base, arity)
            return None
        arguments = [self.scalar(argument, loops) for argument in base.arguments]
        if not _is_defined(name, arguments[0]):
            self._fault.no_real_value(base)
        return Array((), self._bounded(base, call(name, *arguments)))

    def _apply(
        self,
        node: Expression,
        base: CallSyntax,
        function: Symbol,
        given: tuple[Expression, ...],
        loops: Loops,
    ) -> Array | None:
        """A function of the model, at arrays or numbers."""
        arguments = [self.array(argument, loops) for argument in base.arguments]
        places = self._places_on(node, given, function.shape, f"{function.name}(...)", loops)
        sound = tuple(argument for argument in arguments if argument is not None)
        if places is None or len(sound) != len(arguments):
            return None
        if not sound:
            self._fault.function_of_nothing(base)
            return None
        shapes = tuple(array_shape(argument) for argument in sound)
        known = self._arities.setdefault(function.name, shapes)
        if known != shapes:
            self._fault.other_arguments(base, shapes, known)
            return None
        rest = self._fresh(function.shape[len(places) :], loops)
        return Array(rest, Apply(function, sound, (*places, *rest)))

    def _matrix(
        self, node: Expression, base: CallSyntax, given: tuple[Expression, ...], loops: Loops
    ) -> Array | None:
        """inv(S)[i, j], logdet(S)"""
        if len(base.arguments) != 1:
            self._fault.no_single_matrix(base)
            return None
        matrix = self.array(base.arguments[0], loops)
        if matrix is None:
            return None
        shape = array_shape(matrix)
        if len(shape) != 2 or shape[0] != shape[1]:
            self._fault.no_square_matrix(base)
            return None
        if base.name == "logdet":
            if given:
                self._fault.index_on_determinant(base)
                return None
            return Array((), LogDet(matrix))
        places = self._places_on(node, given, shape, self._fault.source(base), loops)
        if places is None:
            return None
        rest = self._fresh(shape[len(places) :], loops)
        both: tuple[IndexTerm, ...] = (*places, *rest)
        return Array(rest, Inverse(matrix, *both))


def _all_sound(places: tuple[IndexTerm | None, ...]) -> tuple[IndexTerm, ...] | None:
    sound = tuple(place for place in places if place is not None)
    return sound if len(sound) == len(places) else None


def _bits(value: Number) -> int:
    return max(value.value.numerator.bit_length(), value.value.denominator.bit_length())


def _is_defined(function: str, argument: Term) -> bool:
    """Whether a function has a real value at its first argument, if that is a number."""
    if not isinstance(argument, Number):
        return True
    match function:
        case "log" | "loggamma" | "digamma":
            return argument.value > 0
        case "sqrt":
            return argument.value >= 0
        case "log1p":
            return argument.value > -1
    return True
