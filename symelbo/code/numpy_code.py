"""index terms -> NumPy expressions on named axes.

Every subterm becomes an expression with a known tuple of axes (index variables, batch axes first);
operands are transposed and given new axes as needed, sums become `@`, einsum or np.sum.  The law:
the expression, evaluated at arrays, equals the term at every place of its axes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from typing import Final

from symelbo.code.numpy_gamma import LOG_MULTINOMIAL
from symelbo.code.numpy_stable import LOG_SOFTMAX, SOFTMAX, stable_form
from symelbo.code.numpy_terms import Facts
from symelbo.index import build
from symelbo.index.build import ONE, has_minus_sign
from symelbo.index.normal import normal_array
from symelbo.index.range import POSITIVE
from symelbo.index.signs import domain_range
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
    Symbol,
    Term,
)

__all__ = ["Code", "Level", "Local", "NumpyPrinter", "Unsupported", "merge_logs"]


class Unsupported(Exception):
    """A term that has no numeric expression, with the reason."""


class Level(IntEnum):
    """How tightly the outermost operator of an expression binds."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


Axes = tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """An expression whose value has exactly these axes, each of full length."""

    text: str
    level: Level = Level.ATOM
    axes: Axes = ()

    def at(self, level: Level) -> str:
        """The text as an operand of an operator that binds at `level`."""
        return self.text if self.level >= level else f"({self.text})"


@dataclass(frozen=True, slots=True)
class Local:
    """The Python variable that holds a symbol: batch axes first, then the symbol's own."""

    name: str
    batch: Axes = ()


_NUMPY: Final = {
    "exp": "np.exp",
    "log": "np.log",
    "abs": "np.abs",
    "sign": "np.sign",
    "tanh": "np.tanh",
    "sin": "np.sin",
    "cos": "np.cos",
    "expm1": "np.expm1",
    "log1p": "np.log1p",
    "logzero": "_log",
    "entropyoflogit": "_entropy_of_logit",
    "logstirling": "_log_stirling",
    "logminusdigamma": "_log_minus_digamma",
    "deviance": "_deviance",
    "logchoose": "_log_choose",
    "logratio": "_log_ratio",
    "besselgap": "_bessel_gap",
    "versine": "_versine",
}
_SCIPY: Final = {
    "sigmoid": "expit",
    "loggamma": "gammaln",
    "digamma": "digamma",
    "polygamma": "polygamma",
    "erf": "erf",
    "entr": "entr",
    "xlogy": "xlogy",
    "exprel": "exprel",
}
_WHOLE: Final = {  # functions of an array over its last axis
    SOFTMAX: "special.softmax({}, axis=-1)",
    LOG_SOFTMAX: "_log_softmax({})",
    LOG_MULTINOMIAL: "np.sum(_log_choose({0}, np.cumsum({0}, axis=-1) - {0}), axis=-1)",
}
_CONSTANTS: Final = {"pi": "np.pi", "e": "np.e"}
_HUGGED = re.compile(r"[A-Za-z_][\w.]*|\d[\d.]*")


@dataclass
class NumpyPrinter:
    """Prints terms, and collects the symbols and sizes that it printed.

    locals: symbol -> variable (it may grow, never change); sizes: size -> variable; batch: the
    batch axes in their order, with the expressions of their lengths; functions: abstract function
    -> callable variable; matrices: normal arrays that have a variable already.
    """

    locals: Mapping[Symbol, Local]
    sizes: Mapping[str, str]
    batch: Mapping[Index, str] = field(default_factory=dict)
    functions: Mapping[Symbol, str] = field(default_factory=dict)
    matrices: dict[Array, str] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    used: set[Symbol] = field(default_factory=set)
    used_sizes: set[str] = field(default_factory=set)
    _known: dict[Term, Code] = field(default_factory=dict)

    # ------------------------------------------------------------------ scalars

    def expression(self, term: Term) -> Code:
        """term -> code"""
        if term not in self._known:
            self._known[term] = self._print(merge_logs(stable_form(term, self.facts)))
        return self._known[term]

    def _print(self, term: Term) -> Code:
        match term:
            case Number(value):
                return _signed(*_number(value))
            case Constant(name):
                return Code(_CONSTANTS[name])
            case Size(name):
                return Code(self._size(name))
            case IndexValue(place):
                return self._place_value(place)
            case Entry(symbol, places):
                return self._entry(symbol, places)
            case Add(terms):
                return self._sum_of(terms)
            case Mul() | Power():
                return _signed(*self._product(_factors(term)))
            case Call():
                return self._call(term)
            case Sum():
                return _signed(*self._product((term,)))
            case Delta(left, right):
                return self._delta(left, right)
            case Inverse(matrix, row, column):
                text, rest, extents = self._matrix(matrix)
                return self._select(f"np.linalg.inv({text})", rest, extents, (row, column))
            case LogDet(matrix):
                text, rest, _ = self._matrix(matrix)
                return Code(f"np.linalg.slogdet({text})[1]", Level.ATOM, rest)
            case Apply():
                return self._apply(term)
        raise Unsupported(f"no numeric form of {type(term).__name__}")

    def _size(self, name: str) -> str:
        self.used_sizes.add(name)
        return self.sizes[name]

    def length(self, extent: Extent, low: int = 1) -> Code:
        """low..extent -> its number of places"""
        return self.expression(build.extent_length(extent, low))

    def _sum_of(self, terms: Sequence[Term]) -> Code:
        signed = [self._product(_factors(term)) for term in terms]
        if len(signed) == 2 and isinstance(terms[0], Number) and not signed[1][0]:
            signed.reverse()  # x + 1
        first = next((n for n, (negative, _) in enumerate(signed) if not negative), 0)
        signed.insert(0, signed.pop(first))
        axes = self.union(code.axes for _, code in signed)
        text = ""
        for negative, code in signed:
            operand = self.align(code, axes).at(Level.PRODUCT)
            if not text:
                text = f"-{operand}" if negative else operand
            else:
                text += f" - {operand}" if negative else f" + {operand}"
        return Code(text, Level.SUM, axes)

    def _product(self, factors: Sequence[Term]) -> tuple[bool, Code]:
        """factors -> (negative, code of the absolute product)"""
        factors = _factors(build.mul(*map(merge_logs, factors)))
        scale = Fraction(1)
        above: list[Code] = []
        below: list[Code] = []
        for factor in factors:
            if isinstance(factor, Number):
                scale *= factor.value
            elif isinstance(factor, Power) and has_minus_sign(factor.exponent):
                below.append(self._power(factor.base, build.negate(factor.exponent)))
            elif isinstance(factor, Power):
                above.append(self._power(factor.base, factor.exponent))
            elif isinstance(factor, Sum):
                negative, code = self._contraction(factor)
                scale = -scale if negative else scale
                above.append(code)
            else:
                above.append(self.expression(factor))
        return scale < 0, self._quotient(abs(scale), above, below)

    def _quotient(self, scale: Fraction, above: list[Code], below: list[Code]) -> Code:
        axes = self.union(code.axes for code in (*above, *below))
        above = [self.align(code, axes) for code in above]
        below = [self.align(code, axes) for code in below]
        if scale != 1:
            _, number = _number(scale)
            if number.level is Level.ATOM:
                above.insert(0, number)
            else:
                if scale.numerator != 1:
                    above.insert(0, Code(str(scale.numerator)))
                below.append(Code(str(scale.denominator)))
        if len(above) == 1 and not below:
            return Code(above[0].text, above[0].level, axes)
        if not above:
            above = [Code("1")]
        text = above[0].at(Level.PRODUCT)
        for code in above[1:]:
            text += f" * {code.at(Level.POWER)}"
        if len(below) > 1 and all(not code.axes or code.axes == axes for code in below):
            text += f" / ({' * '.join(code.at(Level.POWER) for code in below)})"
        else:
            for code in below:
                text += f" / {code.at(Level.POWER)}"
        return Code(text, Level.PRODUCT, axes)

    def _power(self, base: Term, exponent: Term) -> Code:
        if exponent == ONE:
            return self.expression(base)
        code = self.expression(base)
        if exponent == Number(Fraction(1, 2)):
            return Code(f"np.sqrt({code.text})", Level.ATOM, code.axes)
        if isinstance(exponent, Number) and exponent.value.denominator == 2:
            whole = Code(str(exponent.value.numerator))
            root = Code(f"np.sqrt({code.text})", Level.ATOM, code.axes)
            return _raise(root, whole, code.axes)
        other = self.expression(exponent)
        axes = self.union((code.axes, other.axes))
        return _raise(self.align(code, axes), self.align(other, axes), axes)

    def _call(self, term: Call) -> Code:
        name = term.name
        if name == "log" and isinstance(term.arguments[0], Sum):
            code = self._log_sum_exp(term.arguments[0])
            if code is not None:
                return code
        if name == "log" and isinstance(term.arguments[0], Add) and ONE in term.arguments[0].terms:
            rest = build.subtract(term.arguments[0], ONE)
            code = self.expression(rest)
            return Code(f"np.log1p({code.text})", Level.ATOM, code.axes)
        codes = [self.expression(argument) for argument in term.arguments]
        axes = self.union(code.axes for code in codes)
        texts = ", ".join(self.align(code, axes).text for code in codes)
        if name == "softplus":
            return Code(f"np.logaddexp(0, {texts})", Level.ATOM, axes)
        if name == "raised":
            return _raise(self.align(codes[0], axes), codes[1], axes)
        if name == "over":
            left, right = (self.align(code, axes) for code in codes)
            text = f"{left.at(Level.PRODUCT)} / {right.at(Level.POWER)}"
            return Code(text, Level.PRODUCT, axes)
        if name == "logbesseli0e":
            return Code(f"np.log(special.i0e({texts}))", Level.ATOM, axes)
        if name in _NUMPY:
            return Code(f"{_NUMPY[name]}({texts})", Level.ATOM, axes)
        if name in _SCIPY:
            return Code(f"special.{_SCIPY[name]}({texts})", Level.ATOM, axes)
        if name == "besselratio":
            (code,) = codes
            text = f"special.i1e({code.text}) / special.i0e({code.text})"
            return Code(text, Level.PRODUCT, axes)
        if name == "logbesseli0":
            (code,) = codes
            text = f"np.log(special.i0e({code.text})) + np.abs({code.text})"
            return Code(text, Level.SUM, axes)
        raise Unsupported(f"no numeric form of {name}")

    def _log_sum_exp(self, term: Sum) -> Code | None:
        """log sum_k exp(f) without overflow."""
        if not isinstance(term.body, Call) or term.body.name != "exp":
            return None
        code = self.expression(term.body.arguments[0])
        if term.index not in code.axes:
            return None
        axes = tuple(axis for axis in code.axes if axis != term.index)
        where = _axis_argument(code.axes, (term.index,))
        return Code(f"special.logsumexp({code.text}{where})", Level.ATOM, axes)

    # ------------------------------------------------------------------ sums

    def _contraction(self, term: Sum) -> tuple[bool, Code]:
        """sum_i sum_j a b c -> @, einsum or np.sum; what does not need the sum stays outside."""
        indices: list[Index] = []
        body: Term = term
        while isinstance(body, Sum) and body.index not in indices:
            indices.append(body.index)
            body = body.body
        factors = _factors(body)
        outside = [f for f in factors if free_indices(f).isdisjoint(indices)]
        inside = [f for f in factors if not free_indices(f).isdisjoint(indices)]
        needed = frozenset().union(*(free_indices(f) for f in inside))
        for index in indices:
            if index not in needed:
                outside.append(build.extent_length(index.extent, index.low))
        summed = tuple(index for index in indices if index in needed)
        if not summed:
            return self._product(outside)
        negative, groups = self._grouped(inside)
        if len(inside) == 1 and (trace := self._trace(summed, inside[0])) is not None:
            code = trace
        else:
            code = self._contract(summed, groups)
        if not outside:
            return negative, code
        more, rest = self._product(outside)
        if rest.text == "1":
            return negative != more, code
        axes = self.union((rest.axes, code.axes))
        rest, code = self.align(rest, axes), self.align(code, axes)
        text = f"{rest.at(Level.PRODUCT)} * {code.at(Level.POWER)}"
        return negative != more, Code(text, Level.PRODUCT, axes)

    def _trace(self, summed: Axes, factor: Term) -> Code | None:
        """sum_i M[i,i] -> np.trace(M)"""
        if not isinstance(factor, Entry) or factor.indices != (*summed, *summed):
            return None
        local = self.locals.get(factor.symbol)
        if local is None or local.batch:
            return None
        self.used.add(factor.symbol)
        return Code(f"np.trace({local.name})")

    def _grouped(self, factors: Sequence[Term]) -> tuple[bool, list[Code]]:
        """Factors multiplied elementwise wherever this does not enlarge them."""
        groups: dict[frozenset[Index], list[Term]] = {}
        for factor in factors:
            groups.setdefault(self._axes_of(factor), []).append(factor)
        negative, codes = False, []
        for axes in sorted(groups, key=len):
            larger = [key for key in groups if axes < key]
            if larger:
                groups[min(larger, key=len)].extend(groups[axes])
        for axes, members in groups.items():
            if not any(axes < key for key in groups):
                flip, code = self._product(members)
                negative = negative != flip
                codes.append(code)
        return negative, codes

    def _axes_of(self, term: Term) -> frozenset[Index]:
        return frozenset(self.expression(term).axes)

    def _contract(self, summed: Axes, codes: list[Code]) -> Code:
        if len(codes) == 1:
            (code,) = codes
            kept = tuple(axis for axis in code.axes if axis not in summed)
            where = _axis_argument(code.axes, summed)
            return Code(f"np.sum({code.text}{where})", Level.ATOM, kept)
        if len(codes) == 2 and len(summed) == 1:
            product = self._matrix_product(summed[0], *codes)
            if product is not None:
                return product
        axes = self.union(code.axes for code in codes)
        kept = tuple(axis for axis in axes if axis not in summed)
        letters = _letters(axes)
        inputs = ",".join("".join(letters[axis] for axis in code.axes) for code in codes)
        output = "".join(letters[axis] for axis in kept)
        operands = ", ".join(code.text for code in codes)
        faster = ", optimize=True" if len(codes) > 2 else ""
        return Code(f'np.einsum("{inputs}->{output}", {operands}{faster})', Level.ATOM, kept)

    def _matrix_product(self, index: Index, left: Code, right: Code) -> Code | None:
        if max(len(left.axes), len(right.axes)) > 2 or set(left.axes) & set(right.axes) != {index}:
            return None
        if set(right.axes) & set(self.batch) and not set(left.axes) & set(self.batch):
            left, right = right, left
        kept = tuple(axis for axis in (*left.axes, *right.axes) if axis != index)
        first = _transposed(left) if left.axes[-1] != index else left.at(Level.PRODUCT)
        second = _transposed(right) if right.axes[0] != index else right.at(Level.POWER)
        return Code(f"{first} @ {second}", Level.PRODUCT, kept)

    # ------------------------------------------------------------------ axes

    def union(self, lists: Iterable[Axes]) -> Axes:
        """The axes of an elementwise combination: batch first, then as in the longest operand."""
        ordered = sorted(lists, key=lambda axes: -len(axes))
        found = dict.fromkeys(axis for axes in ordered for axis in axes)
        first = [axis for axis in self.batch if axis in found]
        return (*first, *(axis for axis in found if axis not in self.batch))

    def align(self, code: Code, axes: Axes) -> Code:
        """Transposed and with new axes, so that it broadcasts against `axes`."""
        if not code.axes or code.axes == axes:
            return code
        present = tuple(axis for axis in axes if axis in code.axes)
        text, level = code.text, code.level
        if present != code.axes:
            if len(present) == 2:
                text = _transposed(code)
            else:
                order = ", ".join(str(code.axes.index(axis)) for axis in present)
                text = f"{code.at(Level.ATOM)}.transpose({order})"
            level = Level.ATOM
        rest = axes[axes.index(present[0]) :]
        if any(axis not in present for axis in rest):
            places = ", ".join(":" if axis in present else "None" for axis in rest)
            text = text if level is Level.ATOM else f"({text})"
            return Code(f"{text}[{places}]", Level.ATOM, present)
        return Code(text, level, present)

    def full(self, code: Code, axes: Axes) -> str:
        """The code as an array that has exactly these axes."""
        if set(code.axes) == set(axes):
            return self.align(code, axes).text
        lengths = ", ".join(self._axis_length(axis) for axis in axes)
        comma = "," if len(axes) == 1 else ""
        return f"np.broadcast_to({self.align(code, axes).text}, ({lengths}{comma}))"

    def _axis_length(self, axis: Index) -> str:
        return self.batch.get(axis) or self.length(axis.extent, axis.low).text

    # ------------------------------------------------------------------ entries and places

    def _entry(self, symbol: Symbol, places: tuple[IndexTerm, ...]) -> Code:
        local = self.locals.get(symbol)
        if local is None:
            raise Unsupported(f"{symbol.name} has no value here")
        self.used.add(symbol)
        return self._select(local.name, local.batch, symbol.shape, places)

    def _select(
        self, text: str, batch: Axes, shape: tuple[Extent, ...], places: tuple[IndexTerm, ...]
    ) -> Code:
        """text[places] for an array with axes (*batch, *shape)."""
        plain = all(
            isinstance(place, Index) and place.low == 1 and place.extent == extent
            for place, extent in zip(places, shape, strict=True)
        )
        axes = (*batch, *(place for place in places if isinstance(place, Index)))
        if plain and len(set(axes)) == len(axes):
            return Code(text, Level.ATOM, axes)
        if plain:
            kept = tuple(dict.fromkeys(axes))
            letters = _letters(kept)
            inputs = "".join(letters[axis] for axis in axes)
            output = "".join(letters[axis] for axis in kept)
            return Code(f'np.einsum("{inputs}->{output}", {text})', Level.ATOM, kept)
        return self._subscript(text, batch, shape, places)

    def _subscript(
        self, text: str, batch: Axes, shape: tuple[Extent, ...], places: tuple[IndexTerm, ...]
    ) -> Code:
        """Slices and integers; index arrays where a category selects or an index is repeated."""
        variables = [_variable(place) for place in places]
        chosen = {
            n
            for n, place in enumerate(places)
            if isinstance(place, Entry)
            or (variables[n] is not None and variables.count(variables[n]) > 1)
        }
        selectors = {n: self._place_value(places[n]) for n in sorted(chosen)}
        inner = {axis for code in selectors.values() for axis in code.axes}
        shared = {n for n, v in enumerate(variables) if v is not None and v in inner} - chosen
        for n in sorted(shared):
            selectors[n] = self._place_value(places[n])
        batched = [axis for axis in batch if axis in inner]
        advanced = self.union((*(code.axes for code in selectors.values()), tuple(batched)))
        items: list[tuple[bool, str, Axes]] = []
        for axis in batch:
            if axis in batched:
                rows = self._align_arange(axis, advanced)
                items.append((True, rows, ()))
            else:
                items.append((False, ":", (axis,)))
        for n, (place, extent) in enumerate(zip(places, shape, strict=True)):
            if n in selectors:
                zero_based = self._minus_one(selectors[n])
                items.append((True, self.align(zero_based, advanced).text, ()))
            else:
                items.append(self._slice(place, extent))
        axes = _axes_after(items, advanced)
        texts = [item for _, item, _ in items]
        while texts and texts[-1] == ":":
            texts.pop()
        return Code(f"{text}[{', '.join(texts)}]" if texts else text, Level.ATOM, axes)

    def _align_arange(self, axis: Index, axes: Axes) -> str:
        return self.align(
            Code(f"np.arange({self._axis_length(axis)})", Level.ATOM, (axis,)), axes
        ).text

    def _minus_one(self, code: Code) -> Code:
        return Code(f"{code.at(Level.SUM)} - 1", Level.SUM, code.axes)

    def _slice(self, place: IndexTerm, extent: Extent) -> tuple[bool, str, Axes]:
        match place:
            case Index(_, upper, low):
                return False, self._range(low, upper, extent), (place,)
            case Offset(index, by):
                upper = Extent(index.extent.size, index.extent.offset + by)
                return False, self._range(index.low + by, upper, extent), (index,)
            case Position(where) if where == extent:
                return False, "-1", ()
            case Position(where):
                return False, self.length(Extent(where.size, where.offset - 1)).text, ()
        raise Unsupported("a place that is no index")

    def _range(self, low: int, upper: Extent, extent: Extent) -> str:
        start = "" if low == 1 else str(low - 1)
        if upper == extent:
            return f"{start}:"
        if upper.size == extent.size and upper.offset < extent.offset:
            return f"{start}:{upper.offset - extent.offset}"
        return f"{start}:{self.length(upper).text.replace(' ', '')}"

    def _place_value(self, place: IndexTerm) -> Code:
        """The place as a number, counted from 1 as in the spec."""
        match place:
            case Index(_, extent, low):
                stop = self.length(Extent(extent.size, extent.offset + 1)).text
                return Code(f"np.arange({low}, {stop})", Level.ATOM, (place,))
            case Offset(index, by):
                code = self._place_value(index)
                return Code(f"{code.text} {'+' if by > 0 else '-'} {abs(by)}", Level.SUM, code.axes)
            case Position(extent):
                return self.length(extent)
            case Entry(symbol, places):
                return self._entry(symbol, places)
        raise Unsupported("a place that is no index")

    def _delta(self, left: IndexTerm, right: IndexTerm) -> Code:
        if left == right:
            return Code("1")
        row, column = _variable(left), _variable(right)
        if row is not None and column is not None and row != column:
            lengths = [self.length(i.extent, i.low).text for i in (row, column)]
            shift = row.low - column.low
            shift += left.by if isinstance(left, Offset) else 0
            shift -= right.by if isinstance(right, Offset) else 0
            shape = lengths[0] if len(set(lengths)) == 1 else ", ".join(lengths)
            diagonal = f", k={shift}" if shift else ""
            return Code(f"np.eye({shape}{diagonal})", Level.ATOM, (row, column))
        codes = [self._place_value(left), self._place_value(right)]
        axes = self.union(code.axes for code in codes)
        texts = [self.align(code, axes).at(Level.SUM) for code in codes]
        return Code(f"np.equal({texts[0]}, {texts[1]}).astype(float)", Level.ATOM, axes)

    # ------------------------------------------------------------------ matrices and functions

    def _matrix(self, matrix: Array) -> tuple[str, Axes, tuple[Extent, ...]]:
        if self.matrices and normal_array(matrix) in self.matrices:
            known = self.matrices[normal_array(matrix)]
            return known, (), tuple(index.extent for index in matrix.indices)
        code = self.expression(matrix.body)
        rest = tuple(axis for axis in code.axes if axis not in matrix.indices)
        text = self.full(code, (*rest, *matrix.indices))
        return text, rest, tuple(index.extent for index in matrix.indices)

    def _apply(self, term: Apply) -> Code:
        if term.function in _WHOLE:
            return self._apply_whole(term)
        name = self.functions.get(term.function)
        if name is None or term.derivatives:
            raise Unsupported(f"{term.function.name} is an abstract function")
        codes = [self.expression(argument.body) for argument in term.arguments]
        found: dict[Index, None] = {}
        texts = []
        for argument, code in zip(term.arguments, codes, strict=True):
            rest = tuple(axis for axis in code.axes if axis not in argument.indices)
            if set(rest) - set(self.batch):
                raise Unsupported(f"{term.function.name} is applied once per index")
            found.update(dict.fromkeys(rest))
            texts.append(self.full(code, (*rest, *argument.indices)))
        batch = tuple(axis for axis in self.batch if axis in found)
        self.used.add(term.function)
        dims = [self.batch[axis] for axis in batch]
        dims += [self.length(extent).text.replace(" ", "") for extent in term.function.shape]
        call = f"{name}({', '.join(texts)})"
        called = f'_array("{name}", {call}, "{" ".join(dims)}", "real", sizes)'
        return self._select(called, batch, term.function.shape, term.indices)

    def _apply_whole(self, term: Apply) -> Code:
        """A function of the last axis of an array."""
        (array,) = term.arguments
        code = self.expression(array.body)
        rest = tuple(axis for axis in code.axes if axis not in array.indices)
        text = _WHOLE[term.function].format(self.full(code, (*rest, *array.indices)))
        if not term.indices:
            return Code(text, Level.ATOM, rest)
        return self._select(text, rest, tuple(i.extent for i in array.indices), term.indices)


def merge_logs(term: Term) -> Term:
    """k + k log 2 + k log a + k log b -> k log(2 e a) + k log b, in the outermost sum."""
    if not isinstance(term, Add):
        return term
    groups: dict[Term, list[Term]] = {}
    rest: list[Term] = []
    for part in term.terms:
        factors = _factors(part)
        logs = [f for f in factors if isinstance(f, Call) and f.name == "log"]
        if len(logs) == 1 and _is_plain(logs[0].arguments[0]):
            others = build.mul(*(f for f in factors if f is not logs[0]))
            groups.setdefault(others, []).append(logs[0].arguments[0])
        else:
            rest.append(part)
    merged = []
    for scale, arguments in groups.items():
        known = any(isinstance(a, (Number, Constant)) for a in arguments)
        if not known:
            merged += [build.mul(scale, build.log(a)) for a in arguments]
            continue
        if scale in rest:
            rest.remove(scale)
            arguments = [Constant("e"), *arguments]
        numbers = [a for a in arguments if isinstance(a, (Number, Constant))]
        entries = [a for a in arguments if a not in numbers]
        together = [build.mul(*numbers, *entries[:1]), *entries[1:]]
        merged += [build.mul(scale, build.log(a)) for a in together]
    return build.add(*rest, *merged)


def _is_plain(term: Term) -> bool:
    """A number or a positive entry, or a product of such."""
    if isinstance(term, Mul):
        return all(map(_is_plain, term.factors))
    if isinstance(term, Entry):
        return domain_range(term.symbol.domain) == POSITIVE
    return isinstance(term, (Number, Constant))


def _number(value: Fraction) -> tuple[bool, Code]:
    size = abs(value)
    if size.denominator == 1 and size < 2**53:
        return value < 0, Code(str(size.numerator))
    decimal = repr(float(size))
    if len(decimal) <= 6 and Fraction(decimal) == size:
        return value < 0, Code(decimal)
    if size.numerator < 1000 and size.denominator < 1000:
        return value < 0, Code(f"{size.numerator} / {size.denominator}", Level.PRODUCT)
    return value < 0, Code(decimal)


def _signed(negative: bool, code: Code) -> Code:
    if not negative:
        return code
    level = Level.ATOM if code.level is Level.POWER else Level.PRODUCT
    return Code(f"-{code.at(level)}", Level.SUM, code.axes)


def _factors(term: Term) -> tuple[Term, ...]:
    return term.factors if isinstance(term, Mul) else (term,)


def _raise(base: Code, exponent: Code, axes: Axes) -> Code:
    left, right = base.at(Level.ATOM), exponent.at(Level.ATOM)
    hugged = _HUGGED.fullmatch(left) and _HUGGED.fullmatch(right)
    return Code(f"{left}**{right}" if hugged else f"{left} ** {right}", Level.POWER, axes)


def _transposed(code: Code) -> str:
    return f"{code.at(Level.ATOM)}.T"


def _axis_argument(axes: Axes, summed: Axes) -> str:
    """The axis argument of np.sum: nothing if every axis is summed."""
    if set(axes) == set(summed):
        return ""
    places = sorted(axes.index(axis) for axis in summed)
    texts = [
        str(place - len(axes) if place >= len(axes) - len(places) else place) for place in places
    ]
    return f", axis={texts[0]}" if len(texts) == 1 else f", axis=({', '.join(texts)})"


def _letters(axes: Sequence[Index]) -> dict[Index, str]:
    """axis -> its einsum letter: the first of its name that is free."""
    chosen: dict[Index, str] = {}
    spare = iter("ijklmabdefghopqrtuvwxyzcns")
    for axis in axes:
        initial = axis.name[:1].lower()
        if not initial.isalpha() or initial in chosen.values():
            initial = next(letter for letter in spare if letter not in chosen.values())
        chosen[axis] = initial
    return chosen


def _variable(place: IndexTerm) -> Index | None:
    match place:
        case Index():
            return place
        case Offset(index, _):
            return index
    return None


def _axes_after(items: Sequence[tuple[bool, str, Axes]], advanced: Axes) -> Axes:
    """The axes of a[items] by NumPy's rule: index arrays stay in place if they are adjacent."""
    numbers = [n for n, (is_array, text, _) in enumerate(items) if is_array or _is_integer(text)]
    arrays = [n for n, (is_array, _, _) in enumerate(items) if is_array]
    if not arrays:
        return tuple(axis for _, _, axes in items for axis in axes)
    if numbers != list(range(numbers[0], numbers[-1] + 1)):
        return (*advanced, *(axis for _, _, axes in items for axis in axes))
    before = tuple(axis for _, _, axes in items[: numbers[0]] for axis in axes)
    after = tuple(axis for _, _, axes in items[numbers[0] :] for axis in axes)
    return (*before, *advanced, *after)


def _is_integer(text: str) -> bool:
    return ":" not in text
