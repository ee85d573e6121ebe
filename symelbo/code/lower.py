"""terms on named axes -> operations, in one pass; no mathematics is done on the way.

The terms are those of a plan: every symbol is a variable, with the axes of data points and samples
among its own.  Law: the operation, evaluated at arrays, equals the term at every place of its axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Final

from symelbo.code import ops
from symelbo.code.ops import At, Axes, Item, Op, Read, Span
from symelbo.code.plan import Average, Ratio, Total, Value
from symelbo.code.plan import Solve as SolveValue
from symelbo.code.rearrange import factors_of
from symelbo.code.stable_rules import WHOLE
from symelbo.index import build
from symelbo.index.build import ONE, has_minus_sign
from symelbo.index.substitute import free_indices
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
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
    Term,
)
from symelbo.values import dataclass, field, replace

__all__ = ["Lowering"]

_UNIT: Final = ops.Literal(Fraction(1))
_HALF: Final = Fraction(1, 2)


@dataclass
class Lowering:
    """Lowers the terms of one function, each once.

    leading: the axes of data points, and of samples or categories, which come first in this order;
    sets: the length of the axis of data points of what varies with samples alone; by_data: the
    variables that vary with the data.
    """

    leading: Axes = ()
    sets: ops.Length | None = None
    by_data: frozenset[str] = frozenset()
    _known: dict[Term, Op] = field(default_factory=dict)

    # ------------------------------------------------------------------ values of a plan

    def value(self, value: Value, axes: Axes | None = None, *, symmetric: bool = False) -> Op:
        """value -> op, with these axes if any are given

        symmetric: the value is the same with its last two axes the other way round, so either
        will do.
        """
        match value:
            case Average():
                op = self._average(value)
            case Total(parts):
                op = self._total(parts)
            case Ratio():
                op = self._ratio(value, axes)
            case SolveValue():
                op = self._solve(value)
            case _:
                op = self.lower(value)
        if axes is None or (symmetric and op.axes == (*axes[:-2], *axes[:-3:-1])):
            return op
        return self.full(op, axes)

    def _average(self, average: Average) -> Op:
        """The mean over data and q: the weights meet the data before the sum over q is taken."""
        value = self.lower(average.value)
        data, over, kept = average.data, average.over, average.kept
        if over is None:
            if data in kept:
                assert self.sets is not None
                return ops.Pool(value, self.sets, value.axes)
            return self._mean(average, value) if data in value.axes else value
        assert average.weights is not None
        weights = Read(average.weights.name, (data, over))
        if data in value.axes and not average.shared:
            rest = tuple(axis for axis in value.axes if axis not in (data, over))
            if over in kept and over not in value.axes:
                return self._weigh_data(average, weights, (data, *rest))
            product = self._weigh(average, weights, value, (data, over, *rest))
            if over not in kept:
                product = self._reduce("sum", product, (over,))
            return self._reduce("mean", product, (data,))
        summed = (data, over) if average.shared or data in kept else (over,)
        rest = tuple(axis for axis in value.axes if axis not in summed)
        mean: Op = ops.MeanWeights(weights, summed, self.sets if data in summed else None)
        if len(average.weights.shape) == 1:
            mean = Read(average.weights.name, (over,))
        if over in kept:
            if value == _UNIT:
                return mean
            return self._product_of(Fraction(1), [mean, value], [], (*summed, *rest))
        if average.guarded:
            return self._reduce("sum", self._weigh(average, mean, value, (*summed, *rest)), summed)
        return self._contract(summed, [mean, self._align(value, (*summed, *rest))])

    def _mean(self, average: Average, value: Op) -> Op:
        """The mean over the data, of a product of two as a product of matrices."""
        data, body = average.data, average.value
        summed = [data]
        while isinstance(body, Sum) and body.index not in summed:
            summed.append(body.index)
            body = body.body
        by = [] if average.by is None else [Entry(average.by, (data,))]
        factors = factors_of(body)
        inside = [*by, *(f for f in factors if not free_indices(f).isdisjoint(summed))]
        if len(inside) == 1:
            return self._reduce("mean", value, (data,))
        negative, groups = self._grouped(inside)
        if by and len(groups) == 1:
            rest = self._grouped(inside[1:])
            negative, groups = rest[0], [self.lower(by[0]), *rest[1]]
        whole = {*summed} <= {axis for group in groups for axis in group.axes}
        if len(groups) != 2 or not whole or average.shared:
            weighed = self._product_of(Fraction(1), [*map(self.lower, by), value], [])
            return self._reduce("mean", weighed, (data,))
        product = self._contract(tuple(summed), groups)
        outside = [f for f in factors if free_indices(f).isdisjoint(summed)]
        flip, others = self._product(factors_of(build.mul(*outside)))
        count = self.length(data.extent)
        return _signed(negative != flip, self._product_of(Fraction(1), [others, product], [count]))

    def _weigh_data(self, average: Average, weights: Read, axes: Axes) -> Op:
        """The data part averaged, as a product of two where these share no axis but the data's."""
        data, *rest = axes
        assert average.over is not None
        first: Axes = (average.over,)
        sets = None
        if data in average.kept:
            first, sets = (data, average.over), self.sets
        negative, groups = self._grouped(factors_of(average.value))
        parts = [self._align(g, (data, *(i for i in rest if i in g.axes))) for g in groups]
        own = [set(part.axes) - {data} for part in parts]
        if len(parts) != 2 or not all(own) or own[0] & own[1]:
            whole = self._align(self.lower(average.value), axes)
            return ops.WeighData(weights, (whole,), (*first, *rest), sets)
        both = tuple(axis for part in parts for axis in part.axes if axis != data)
        op = ops.WeighData(weights, tuple(parts), (*first, *both), sets)
        return _signed(negative, op)

    def _weigh(self, average: Average, weights: Op, value: Op, axes: Axes) -> Op:
        if average.guarded:
            aligned = (self._align(weights, axes), self._align(value, axes))
            return ops.Call("weigh", aligned, axes)
        return self._product_of(Fraction(1), [weights, value], [], axes)

    def _reduce(self, name: str, op: Op, over: Axes) -> Op:
        axes = tuple(axis for axis in op.axes if axis not in over)
        if name == "sum" and isinstance(op, ops.Raise) and (len(over) == 1 or not axes):
            base = op.base
            if op.exponent == ops.Literal(Fraction(2)) and base.axes == op.axes:
                name, op = "squares", base  # no array of squares is made
        return ops.Reduce(name, op, over, axes, all(axis in self.leading for axis in over))

    def _total(self, parts: Sequence[tuple[bool, Average]]) -> Op:
        """What is added, then what is subtracted."""
        signed = [(n, self.value(part)) for n, part in sorted(parts, key=lambda part: part[0])]
        if not signed:
            return ops.Literal(Fraction(0))
        axes = self.union(op.axes for _, op in signed)
        return self._combine([(n, self._align(op, axes)) for n, op in signed], axes)

    def _ratio(self, ratio: Ratio, axes: Axes | None) -> Op:
        """With these axes, if both sides together have them."""
        above, below = self.value(ratio.above), self.value(ratio.below)
        negative = isinstance(above, ops.Negate)
        if isinstance(above, ops.Negate):
            above = above.operand
        own = self.union((above.axes, below.axes))
        if axes is not None and set(axes) == set(own):
            own = axes
        return _signed(negative, self._product_of(Fraction(1), [above], [below], own))

    def _solve(self, value: SolveValue) -> Op:
        right = self.full(self.lower(value.right), (*self.leading[:1], *value.rows))
        matrix = Read(value.matrix.name, (*value.rows, *value.rows))
        if not value.rows:
            return self._product_of(Fraction(1), [right], [matrix])
        return ops.Solve(matrix, right, right.axes)

    # ------------------------------------------------------------------ scalars

    def lower(self, term: Term) -> Op:
        """term -> op"""
        if term not in self._known:
            self._known[term] = self._lower(term)
        return self._known[term]

    def _lower(self, term: Term) -> Op:
        match term:
            case Number(value):
                return _signed(value < 0, ops.Literal(abs(value)))
            case Constant(name):
                return ops.Named(name)
            case Size(name):
                return ops.Length(name)
            case IndexValue(place):
                return _as_real(self._place_value(place))
            case Entry(symbol, places):
                return self._select(symbol.name, symbol.shape, places)
            case Add(terms):
                return self._sum_of(terms)
            case Mul() | Power():
                return _signed(*self._product(factors_of(term)))
            case Call():
                return self._call(term)
            case Sum():
                return _signed(*self._product((term,)))
            case Delta(left, right):
                return self._delta(left, right)
            case Inverse(matrix, row, column):
                op, rest = self._matrix(matrix)
                own, places = _among(matrix.indices, (row, column))
                return self._take(ops.Inverse(op, op.axes), rest, own, places)
            case LogDet(matrix):
                op, rest = self._matrix(matrix)
                return ops.LogDet(op, rest)
            case Apply():
                return self._apply(term)
        raise TypeError(f"no operation for {type(term).__name__}")

    def length(self, extent: Extent, low: int = 1) -> Op:
        """low..extent -> its number of places"""
        return self.lower(build.extent_length(extent, low))

    def _sum_of(self, terms: Sequence[Term]) -> Op:
        signed = [self._product(factors_of(term)) for term in terms]
        if len(signed) == 2 and isinstance(terms[0], Number) and not signed[1][0]:
            signed.reverse()  # x + 1
        first = next((n for n, (negative, _) in enumerate(signed) if not negative), 0)
        signed.insert(0, signed.pop(first))
        axes = self.union(op.axes for _, op in signed)
        return self._combine([(n, self._align(op, axes)) for n, op in signed], axes)

    def _combine(self, signed: Sequence[tuple[bool, Op]], axes: Axes) -> Op:
        if len(signed) == 1:
            return _signed(*signed[0])
        return ops.Combine(tuple(signed), axes)

    def _product(self, factors: Sequence[Term]) -> tuple[bool, Op]:
        """factors -> (negative, the absolute product)"""
        scale = Fraction(1)
        above: list[Op] = []
        below: list[Op] = []
        for factor in factors:
            if isinstance(factor, Number):
                scale *= factor.value
            elif isinstance(factor, Power) and has_minus_sign(factor.exponent):
                below.append(self._power(factor.base, build.negate(factor.exponent)))
            elif isinstance(factor, Power):
                above.append(self._power(factor.base, factor.exponent))
            elif isinstance(factor, Sum):
                negative, op = self._contraction(factor)
                scale = -scale if negative else scale
                if isinstance(op, ops.Product):  # what stands before the sum joins the product
                    scale *= op.scale
                    above += op.above
                    below += op.below
                else:
                    above.append(op)
            else:
                above.append(self.lower(factor))
        return scale < 0, self._product_of(abs(scale), above, below)

    def _product_of(
        self,
        scale: Fraction,
        above: Sequence[Op],
        below: Sequence[Op],
        axes: Axes | None = None,
    ) -> Op:
        """The operands aligned; a product of one is that one."""
        for op in above:
            scale *= op.value if isinstance(op, ops.Literal) else 1
        above = [op for op in above if not isinstance(op, ops.Literal)]
        below = [op for op in below if op != _UNIT]
        if axes is None:
            axes = self.union(op.axes for op in (*above, *below))
        above = [self._align(op, axes) for op in above]
        below = [self._align(op, axes) for op in below]
        if len(above) == 1 and not below and scale == 1:
            return above[0]
        if not above and not below:
            return ops.Literal(scale)
        return ops.Product(scale, tuple(above), tuple(below), axes)

    def _power(self, base: Term, exponent: Term) -> Op:
        if exponent == ONE:
            return self.lower(base)
        op = self.lower(base)
        if isinstance(exponent, Number) and exponent.value.denominator == 2:
            root = ops.Call("sqrt", (op,), op.axes)
            if exponent.value == _HALF:
                return root
            return ops.Raise(root, ops.Literal(Fraction(exponent.value.numerator)), op.axes)
        other = self.lower(exponent)
        axes = self.union((op.axes, other.axes))
        return ops.Raise(self._align(op, axes), self._align(other, axes), axes)

    def _call(self, term: Call) -> Op:
        name = term.name
        if name == "log":
            (argument,) = term.arguments
            if isinstance(argument, Sum) and (whole := self._log_sum_exp(argument)) is not None:
                return whole
            if isinstance(argument, Add) and ONE in argument.terms:
                rest = self.lower(build.subtract(argument, ONE))
                return ops.Call("log1p", (rest,), rest.axes)
        given = [self.lower(argument) for argument in term.arguments]
        axes = self.union(op.axes for op in given)
        aligned = tuple(self._align(op, axes) for op in given)
        match name:
            case "raised":
                return ops.Raise(aligned[0], given[1], axes)
            case "over":
                return ops.Product(Fraction(1), aligned[:1], aligned[1:], axes)
            case "logbesseli0e":
                return ops.Call("log", (ops.Call("besseli0e", aligned, axes),), axes)
            case "besselratio":
                parts = [ops.Call(f"besseli{n}e", aligned, axes) for n in (1, 0)]
                return ops.Product(Fraction(1), (parts[0],), (parts[1],), axes)
            case "logbesseli0":
                scaled = ops.Call("log", (ops.Call("besseli0e", aligned, axes),), axes)
                size = ops.Call("abs", aligned, axes)
                return ops.Combine(((False, scaled), (False, size)), axes)
        return ops.Call(name, aligned, axes)

    def _log_sum_exp(self, term: Sum) -> Op | None:
        """log sum_k exp(f) without overflow."""
        if not isinstance(term.body, Call) or term.body.name != "exp":
            return None
        op = self.lower(term.body.arguments[0])
        return self._reduce("logsumexp", op, (term.index,)) if term.index in op.axes else None

    # ------------------------------------------------------------------ sums

    def _contraction(self, term: Sum) -> tuple[bool, Op]:
        """sum_i sum_j a b c -> a contraction; what does not need the sum stays outside."""
        indices: list[Index] = []
        body: Term = term
        while isinstance(body, Sum) and body.index not in indices:
            indices.append(body.index)
            body = body.body
        factors = factors_of(body)
        outside = [f for f in factors if free_indices(f).isdisjoint(indices)]
        inside = [f for f in factors if not free_indices(f).isdisjoint(indices)]
        needed = frozenset().union(*(free_indices(f) for f in inside))
        for index in indices:
            if index not in needed:
                outside.append(build.extent_length(index.extent, index.low))
        summed = tuple(index for index in indices if index in needed)
        if not summed:
            return self._product(factors_of(build.mul(*outside)))
        negative, groups = self._grouped(inside)
        if len(inside) == 1 and (trace := self._trace(summed, inside[0])) is not None:
            op = trace
        else:
            op = self._contract(summed, groups)
        if not outside:
            return negative, op
        more, rest = self._product(factors_of(build.mul(*outside)))
        if rest == _UNIT:
            return negative != more, op
        return negative != more, self._product_of(Fraction(1), [rest, op], [])

    def _trace(self, summed: Axes, factor: Term) -> Op | None:
        """sum_i M[i,i] -> the trace of M"""
        if not isinstance(factor, Entry) or factor.indices != (*summed, *summed):
            return None
        return ops.Trace(Read(factor.symbol.name, (*summed, *summed)))

    def _grouped(self, factors: Sequence[Term]) -> tuple[bool, list[Op]]:
        """Factors multiplied elementwise wherever this does not enlarge them."""
        groups: dict[frozenset[Index], list[Term]] = {}
        for factor in factors:
            groups.setdefault(frozenset(self.lower(factor).axes), []).append(factor)
        negative, found = False, []
        for axes in sorted(groups, key=len):
            larger = [key for key in groups if axes < key]
            if larger:
                groups[min(larger, key=len)].extend(groups[axes])
        for axes, members in groups.items():
            if not any(axes < key for key in groups):
                flip, op = self._product(factors_of(build.mul(*members)))
                negative = negative != flip
                found.append(op)
        return negative, found

    def _contract(self, summed: Axes, operands: list[Op]) -> Op:
        if len(summed) > 1 and all({*op.axes} == {*summed} for op in operands):
            operands = [self._product_of(Fraction(1), operands, [])]
        if len(operands) == 1:
            return self._reduce("sum", operands[0], summed)
        for n, op in enumerate(operands):  # what one of them has alone is summed first
            others = {axis for k, other in enumerate(operands) if k != n for axis in other.axes}
            own = tuple(axis for axis in op.axes if axis in summed and axis not in others)
            if own:
                rest = [*operands[:n], self._reduce("sum", op, own), *operands[n + 1 :]]
                return self._contract(tuple(a for a in summed if a not in own), rest)
        if not summed:
            return self._product_of(Fraction(1), operands, [])
        if len(operands) == 2 and len(summed) == 1:
            product = self._matrix_product(summed[0], *operands)
            if product is not None:
                return product
        if len(operands) > 2:
            return self._contract_in_turn(summed, operands)
        axes = self.union(op.axes for op in operands)
        kept = tuple(axis for axis in axes if axis not in summed)
        return ops.Contract(tuple(operands), axes, kept)

    def _contract_in_turn(self, summed: Axes, operands: list[Op]) -> Op:
        """sum_ijk a b c -> sum_i a (sum_jk b c): first the two with the fewest axes together."""
        pairs = combinations(range(len(operands)), 2)
        first = min(pairs, key=lambda pair: len({a for n in pair for a in operands[n].axes}))
        rest = [op for n, op in enumerate(operands) if n not in first]
        needed = {axis for op in rest for axis in op.axes}
        own = tuple(axis for axis in summed if axis not in needed)
        product = self._contract(own, [operands[n] for n in first])
        return self._contract(tuple(axis for axis in summed if axis in needed), [product, *rest])

    def _matrix_product(self, index: Index, left: Op, right: Op) -> Op | None:
        if set(left.axes) & set(right.axes) != {index}:
            return None
        if self._leads(right) and not self._leads(left):
            left, right = right, left
        if len(right.axes) > 2 or (len(left.axes) > 2 and left.axes[-1] != index):
            return None
        kept = tuple(axis for axis in (*left.axes, *right.axes) if axis != index)
        if left.axes[-1] != index:
            left = ops.Transpose(left, left.axes[::-1])
        if right.axes[0] != index:
            right = ops.Transpose(right, right.axes[::-1])
        return ops.MatMul(left, right, kept)

    def _leads(self, op: Op) -> bool:
        return not set(self.leading).isdisjoint(op.axes)

    # ------------------------------------------------------------------ axes

    def union(self, lists: Iterable[Axes]) -> Axes:
        """The axes of an elementwise combination: leading first, then as in the longest operand."""
        ordered = sorted(lists, key=lambda axes: -len(axes))
        found = dict.fromkeys(axis for axes in ordered for axis in axes)
        first = [axis for axis in self.leading if axis in found]
        return (*first, *(axis for axis in found if axis not in self.leading))

    def _align(self, op: Op, axes: Axes) -> Op:
        """Transposed and with new axes, so that it broadcasts against `axes`."""
        if isinstance(op, ops.Expand):  # what was aligned elsewhere
            op = op.operand
        if not op.axes or op.axes == axes:
            return op
        present = tuple(axis for axis in axes if axis in op.axes)
        assert len(present) == len(op.axes), "an axis is left over"
        if present != op.axes:
            op = ops.Transpose(op, present)
        rest = axes[axes.index(present[0]) :]
        if any(axis not in present for axis in rest):
            return ops.Expand(op, rest, present)
        return op

    def full(self, op: Op, axes: Axes) -> Op:
        """The value as an array that has exactly these axes."""
        aligned = self._align(op, axes)
        if set(op.axes) == set(axes):
            return aligned
        lengths = tuple(
            self._length_in(op, axis) if axis in op.axes else self.length(axis.extent, axis.low)
            for axis in axes
        )
        return ops.Broadcast(aligned, lengths, axes)

    def _length_in(self, op: Op, axis: Index) -> Op:
        """The length of an axis that a value has: that of data points may be of length one."""
        if self.sets is not None and axis == self.leading[0]:
            reads = {part.name for part in ops.walk(op) if isinstance(part, Read)}
            if self.by_data.isdisjoint(reads):
                return self.sets
        return self.length(axis.extent, axis.low)

    # ------------------------------------------------------------------ entries and places

    def _select(self, name: str, shape: tuple[Extent, ...], places: tuple[IndexTerm, ...]) -> Op:
        """name[places]"""
        if _is_whole(shape, places):
            axes = tuple(place for place in places if isinstance(place, Index))
            kept = tuple(dict.fromkeys(axes))
            read = Read(name, axes)
            return read if kept == axes else ops.Contract((read,), kept, kept)
        return self._subscript(Read(name), shape, places)

    def _take(
        self, op: Op, rest: Axes, shape: tuple[Extent, ...], places: tuple[IndexTerm, ...]
    ) -> Op:
        """op[..., places], where the axes `rest` come first"""
        axes = (*rest, *(place for place in places if isinstance(place, Index)))
        if not _is_whole(shape, places):
            return self._subscript(op, shape, places, rest)
        kept = tuple(dict.fromkeys(axes))
        whole = replace(op, axes=axes)
        return whole if kept == axes else ops.Contract((whole,), kept, kept)

    def _subscript(
        self, op: Op, shape: tuple[Extent, ...], places: tuple[IndexTerm, ...], rest: Axes = ()
    ) -> Op:
        """Slices and numbers; arrays of places where a category selects or an index is repeated."""
        variables = [*rest, *map(_variable, places)]
        first = len(rest)
        selectors: dict[int, Op] = {}
        for n, place in enumerate(places, first):
            repeated = variables[n] is not None and variables[first:].count(variables[n]) > 1
            if isinstance(place, Entry) or repeated:
                selectors[n] = self._zero_based(place)
        inner = {axis for selector in selectors.values() for axis in selector.axes}
        for n, variable in enumerate(variables):
            if variable in inner and n not in selectors:
                every = ops.Range(0, self._length_in(op, variable), (variable,))
                own = n < first or variable in self.leading
                selectors[n] = every if own else self._zero_based(places[n - first])
        advanced = self.union(selectors[n].axes for n in sorted(selectors))
        items: list[tuple[Item, Axes]] = [(Span(0, None), (axis,)) for axis in rest]
        items += [self._slice(*pair) for pair in zip(places, shape, strict=True)]
        for n, selector in selectors.items():
            items[n] = (At(self._align(selector, advanced)), ())
        axes = _axes_after(items, advanced)
        kept = [item for item, _ in items]
        while kept and kept[-1] == Span(0, None):
            kept.pop()
        return ops.Subscript(op, tuple(kept), axes) if kept else replace(op, axes=axes)

    def _slice(self, place: IndexTerm, extent: Extent) -> tuple[Item, Axes]:
        match place:
            case Index(_, upper, low):
                return self._span(low, upper, extent), (place,)
            case Offset(index, by):
                upper = Extent(index.extent.size, index.extent.offset + by)
                return self._span(index.low + by, upper, extent), (index,)
            case Position(where) if where == extent:
                return At(None), ()
            case Position(where):
                return At(self.length(Extent(where.size, where.offset - 1))), ()
            case Entry():  # a selector takes its place
                return At(None), ()
        raise TypeError("a place that is no index")

    def _span(self, low: int, upper: Extent, extent: Extent) -> Span:
        if upper == extent:
            return Span(low - 1, None)
        if upper.size == extent.size and upper.offset < extent.offset:
            return Span(low - 1, upper.offset - extent.offset)
        return Span(low - 1, self.length(upper))

    def _zero_based(self, place: IndexTerm) -> Op:
        """The place, counted from 0."""
        return _shift(self._place_value(place), -1)

    def _place_value(self, place: IndexTerm) -> Op:
        """The place as a number, counted from 1 as in the spec."""
        match place:
            case Index(_, extent, low):
                stop = self.length(Extent(extent.size, extent.offset + 1))
                return ops.Range(low, stop, (place,))
            case Offset(index, by):
                return _shift(self._place_value(index), by)
            case Position(extent):
                return self.length(extent)
            case Entry(symbol, places):
                return self._select(symbol.name, symbol.shape, places)
        raise TypeError("a place that is no index")

    def _delta(self, left: IndexTerm, right: IndexTerm) -> Op:
        if left == right:
            return _UNIT
        row, column = _variable(left), _variable(right)
        if row is not None and column is not None and row != column:
            shift = row.low - column.low
            shift += left.by if isinstance(left, Offset) else 0
            shift -= right.by if isinstance(right, Offset) else 0
            lengths = [self.length(i.extent, i.low) for i in (row, column)]
            return ops.Eye(lengths[0], lengths[1], shift, (row, column))
        both = [self._place_value(left), self._place_value(right)]
        axes = self.union(op.axes for op in both)
        return _as_real(ops.Equal(self._align(both[0], axes), self._align(both[1], axes), axes))

    # ------------------------------------------------------------------ matrices and functions

    def _matrix(self, matrix: Array) -> tuple[Op, Axes]:
        op = self.lower(matrix.body)
        rest = tuple(axis for axis in op.axes if axis not in matrix.indices)
        return self.full(op, (*rest, *matrix.indices)), rest

    def _apply(self, term: Apply) -> Op:
        given = [self.lower(argument.body) for argument in term.arguments]
        found: dict[Index, None] = {}
        operands = []
        for argument, op in zip(term.arguments, given, strict=True):
            rest = tuple(axis for axis in op.axes if axis not in argument.indices)
            found.update(dict.fromkeys(rest))
            operands.append(self.full(op, (*rest, *argument.indices)))
        if term.function in WHOLE:
            return self._whole(term, operands[0], tuple(found))
        raise TypeError(f"{term.function.name} has no values")

    def _whole(self, term: Apply, operand: Op, rest: Axes) -> Op:
        """A function of the last axis of an array."""
        (array,) = term.arguments
        name = WHOLE[term.function]
        if not term.indices:
            return ops.Whole(name, operand, rest)
        own, places = _among(array.indices, term.indices)
        return self._take(ops.Whole(name, operand, operand.axes), rest, own, places)


def _signed(negative: bool, op: Op) -> Op:
    return ops.Negate(op, op.axes) if negative else op


def _as_real(op: Op) -> Op:
    """A size is a number of any kind as it is."""
    arrays = (Read, ops.Range, ops.Equal)
    return ops.AsReal(op, op.axes) if any(isinstance(o, arrays) for o in ops.walk(op)) else op


def _variable(place: IndexTerm) -> Index | None:
    match place:
        case Index():
            return place
        case Offset(index, _):
            return index
    return None


def _among(
    indices: Axes, places: tuple[IndexTerm, ...]
) -> tuple[tuple[Extent, ...], tuple[IndexTerm, ...]]:
    """(j in 2:C), (j) -> (C-1), (j-1): the lengths of an array over the indices alone, and there
    the places, counted from 1

    requires: a place that data hold is only given for an index that starts at 1.
    """
    lengths = tuple(Extent(i.extent.size, i.extent.offset + 1 - i.low) for i in indices)
    own = tuple(_moved(place, 1 - i.low) for i, place in zip(indices, places, strict=True))
    return lengths, own


def _moved(place: IndexTerm, by: int) -> IndexTerm:
    if not by:
        return place
    match place:
        case Index():
            return Offset(place, by)
        case Offset(index, other):
            return Offset(index, other + by) if other + by else index
        case Position(Extent(size, offset)):
            return Position(Extent(size, offset + by))
    raise TypeError("a place that data hold, in an array that does not start at 1")


def _is_whole(shape: tuple[Extent, ...], places: tuple[IndexTerm, ...]) -> bool:
    """Whether every axis is run through from end to end"""
    return all(
        isinstance(place, Index) and place.low == 1 and place.extent == extent
        for place, extent in zip(places, shape, strict=True)
    )


def _shift(op: Op, by: int) -> Op:
    """The value plus a whole number, with what was added before."""
    match op:
        case ops.Range(start, stop, axes):
            return ops.Range(start + by, _shift(stop, by), axes)
        case ops.Combine((*first, (negative, ops.Literal(value))), axes):
            total = by + (-value if negative else value)
            if not total and len(first) == 1 and not first[0][0]:
                return first[0][1]
            literal = ops.Literal(abs(Fraction(total)))
            return ops.Combine((*first, (total < 0, literal)), axes)
        case ops.Literal(value) if value + by >= 0:
            return ops.Literal(value + by)
    if not by:
        return op
    return ops.Combine(((False, op), (by < 0, ops.Literal(Fraction(abs(by))))), op.axes)


def _axes_after(items: Sequence[tuple[Item, Axes]], advanced: Axes) -> Axes:
    """The axes of a[items] by NumPy's rule: arrays of places stay in place if they are adjacent."""
    numbers = [n for n, (item, _) in enumerate(items) if isinstance(item, At)]
    arrays = [item for item, _ in items if isinstance(item, At) and item.place and item.place.axes]
    if not arrays:
        return tuple(axis for _, axes in items for axis in axes)
    if numbers != list(range(numbers[0], numbers[-1] + 1)):
        return (*advanced, *(axis for _, axes in items for axis in axes))
    before = tuple(axis for _, axes in items[: numbers[0]] for axis in axes)
    after = tuple(axis for _, axes in items[numbers[0] :] for axis in axes)
    return (*before, *advanced, *after)
