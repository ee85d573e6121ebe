"""Operations as expressions of any array library: one table from node to text, and what each needs.

In the text `xp` is the library, by the names of the array API standard, `special` its special
functions, and `real` the dtype and device of its real numbers; see `templates/python`.  What no
array enters is a number of Python, which goes with every library and every dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from fractions import Fraction
from functools import partial
from typing import Any, Final, NamedTuple

from symelbo.code import ops
from symelbo.code.lay_out_python import (
    Bracket,
    Expression,
    Level,
    call,
    chain,
    expression,
    negative,
)
from symelbo.code.ops import Op
from symelbo.code.python_template import HELPERS
from symelbo.index.terms import Index
from symelbo.values import dataclass

__all__ = ["ArrayPrinter", "needs_of"]


class Written(NamedTuple):
    """How a function is written, and what it needs: helpers, or `special`."""

    of: Callable[..., Expression]
    needs: tuple[str, ...] = ()


def _array(name: str) -> Written:
    return Written(partial(call, f"xp.{name}"))


def _special(name: str) -> Written:
    return Written(partial(call, f"special.{name}"), ("special",))


def _helper(name: str) -> Written:
    return Written(partial(call, name, *_libraries(name)), (name,))


def _libraries(helper: str) -> list[str]:
    """What a helper takes before its arrays."""
    return [name for name in ("xp", "special", "real") if name in HELPERS[helper][1]]


def _log_multinomial(counts: Expression) -> Expression:
    """Sum of log((n_1 + ... + n_k)! / ((n_1 + ... + n_(k-1))! n_k!))"""
    others = chain(
        Level.SUM,
        [("", call("xp.cumulative_sum", counts, "axis=-1")), ("-", counts.at(Level.PRODUCT))],
    )
    return call("xp.sum", _helper("_log_choose").of(counts, others), "axis=-1")


_FUNCTIONS: Final[Mapping[str, Written]] = {
    "exp": _array("exp"),
    "log": _array("log"),
    "sqrt": _array("sqrt"),
    "abs": _array("abs"),
    "sign": _array("sign"),
    "tanh": _array("tanh"),
    "sin": _array("sin"),
    "cos": _array("cos"),
    "expm1": _array("expm1"),
    "log1p": _array("log1p"),
    "softplus": _helper("_softplus"),
    "sigmoid": _special("expit"),
    "loggamma": _special("gammaln"),
    "digamma": _special("digamma"),
    "polygamma": _special("polygamma"),
    "erf": _special("erf"),
    "besseli0e": _special("i0e"),
    "besseli1e": _special("i1e"),
    "entr": _special("entr"),
    "xlogy": _special("xlogy"),
    "exprel": _helper("_exprel"),
    "logzero": _helper("_log"),
    "weigh": _helper("_weigh"),
    "entropyoflogit": _helper("_entropy_of_logit"),
    "logstirling": _helper("_log_stirling"),
    "logminusdigamma": _helper("_log_minus_digamma"),
    "deviance": _helper("_deviance"),
    "logchoose": _helper("_log_choose"),
    "logratio": _helper("_log_ratio"),
    "besselgap": _helper("_bessel_gap"),
    "versine": _helper("_versine"),
    "ratio": _helper("_ratio"),
    # of the last axis as a whole
    "softmax": _helper("_softmax"),
    "logsoftmax": _helper("_log_softmax"),
    "logmultinomial": Written(_log_multinomial, ("_log_choose",)),
}
# of numbers of Python
_OF_NUMBERS: Final[Mapping[str, str]] = {
    **{name: f"math.{name}" for name in ("exp", "log", "sqrt", "tanh", "sin", "cos", "erf")},
    **{"expm1": "math.expm1", "log1p": "math.log1p", "loggamma": "math.lgamma", "abs": "abs"},
}
# the axes follow
_REDUCTIONS: Final[Mapping[str, Written]] = {
    "sum": _array("sum"),
    "squares": _helper("_sum_squares"),
    "mean": _array("mean"),
    "logsumexp": _special("logsumexp"),
}
# by the number of factors, for categories and for samples
_WEIGHED: Final[Mapping[int, tuple[str, str]]] = {
    1: ("_weighted_mean", "_sampled_mean"),
    2: ("_weighted_products", "_sampled_products"),
}
_CONSTANTS: Final = {"pi": "math.pi", "e": "math.e"}
_SIMPLE = (ops.Read, ops.Literal, ops.Named, ops.Length)  # a power of these has no spaces in it
_ARITHMETIC = (
    *(ops.Literal, ops.Named, ops.Length, ops.Negate, ops.Combine, ops.Product, ops.Raise),
    *(ops.AsReal, ops.Equal),
)


def needs_of(item: object) -> frozenset[str]:
    """op -> the helpers that its text calls, and `special` where it calls special functions."""
    found: set[str] = set()
    for op in ops.walk(item):
        match op:
            case ops.Call(name) | ops.Whole(name):
                found.update(_FUNCTIONS[name].needs)
            case ops.WeighData():
                found.add(_weighed(op))
            case ops.MeanWeights(sets=ops.Length()):
                found.add("_mean_weights")
            case ops.Pool():
                found.add("_pool")
            case ops.Reduce(name):
                found.update(_REDUCTIONS[name].needs)
    return frozenset(found)


def _weighed(op: ops.WeighData) -> str:
    """The helper that an operation calls."""
    return _WEIGHED[len(op.values)][op.sets is not None]


@dataclass(frozen=True)
class ArrayPrinter:
    """sizes: size -> how it is written; whole: a whole number is written as one, not as 2.0;
    numbers: the variables that hold a number of Python.
    """

    sizes: Mapping[str, str]
    whole: bool = True
    numbers: Set[str] = frozenset()

    def text(self, op: Op) -> str:
        """op -> its expression in one line"""
        return self.print(op).text

    def print(self, op: Op) -> Expression:
        """op -> its expression"""
        return _TABLE[type(op)](self, op)

    def is_number(self, op: Op) -> bool:
        """Whether no array enters, so that the text is a number of Python"""
        return all(map(self._is_arithmetic, ops.walk(op)))

    def _is_arithmetic(self, op: Op) -> bool:
        match op:
            case ops.Read(name):
                return name in self.numbers
            case ops.Call(name):
                return name in _OF_NUMBERS
        return isinstance(op, _ARITHMETIC)

    def print_array(self, op: Op) -> Expression:
        """op -> its expression, an array also where it is a number"""
        printed = self.print(op)
        return call("xp.asarray", printed, "**real") if self.is_number(op) else printed

    def _all(self, operands: Iterable[Op]) -> tuple[Expression, ...]:
        return tuple(map(self.print, operands))

    def _arrays(self, operands: Iterable[Op]) -> tuple[Expression, ...]:
        return tuple(map(self.print_array, operands))

    # ------------------------------------------------------------------ node by node

    def _literal(self, op: ops.Literal) -> Expression:
        return _number(op.value) if self.whole else expression(repr(float(op.value)))

    def _named(self, op: ops.Named) -> Expression:
        return expression(_CONSTANTS[op.name])

    def _length(self, op: ops.Length) -> Expression:
        return expression(self.sizes[op.size])

    def _read(self, op: ops.Read) -> Expression:
        return expression(op.name)

    def _range(self, op: ops.Range) -> Expression:
        start = (str(op.start),) if op.start else ()
        return call("xp.arange", *start, self.print(op.stop))

    def _as_real(self, op: ops.AsReal) -> Expression:
        if self.is_number(op.operand):
            return call("float", self.print(op.operand))
        printed = self.print(op.operand)
        if isinstance(op.operand, ops.Range):
            name, arguments = printed.parts
            assert isinstance(name, str) and isinstance(arguments, Bracket)
            return call(name, *arguments.items, "**real")
        return call("xp.astype", printed, 'real["dtype"]')

    def _negate(self, op: ops.Negate) -> Expression:
        return negative(self.print(op.operand).at(Level.PRODUCT))

    def _combine(self, op: ops.Combine) -> Expression:
        terms = [(sign, self.print(term).at(Level.PRODUCT)) for sign, term in op.terms]
        (minus, first), *rest = terms
        signed = (("-" if sign else "+", term) for sign, term in rest)
        return chain(Level.SUM, [("", negative(first) if minus else first), *signed])

    def _product(self, op: ops.Product) -> Expression:
        above, below = list(self._all(op.above)), list(self._all(op.below))
        if op.scale != 1:
            number = _number(op.scale)
            if number.level is Level.ATOM:
                above.insert(0, number)
            else:
                if op.scale.numerator != 1:
                    above.insert(0, expression(str(op.scale.numerator)))
                below.append(expression(str(op.scale.denominator)))
        first, *others = above or [expression("1")]
        factors = [("", first.at(Level.PRODUCT))]
        factors += [("*", operand.at(Level.POWER)) for operand in others]
        # what has to be spread over more axes divides alone: it is small
        if all(not operand.axes or operand.axes == op.axes for operand in op.below):
            divisors = [("*" if n else "", d.at(Level.POWER)) for n, d in enumerate(below)]
            below = [chain(Level.PRODUCT, divisors)] if divisors else []
        factors += [("/", operand.at(Level.POWER)) for operand in below]
        return chain(Level.PRODUCT, factors)

    def _raise(self, op: ops.Raise) -> Expression:
        left, right = self.print(op.base), self.print(op.exponent)
        simple = isinstance(op.base, _SIMPLE) and isinstance(op.exponent, _SIMPLE)
        base, exponent = left.at(Level.ATOM), right.at(Level.ATOM)
        if simple and left.level is right.level is Level.ATOM:
            return expression(f"{base.text}**{exponent.text}", level=Level.POWER)
        return chain(Level.POWER, [("", base), ("**", exponent)])

    def _call(self, op: ops.Call) -> Expression:
        if self.is_number(op):
            return call(_OF_NUMBERS[op.name], *self._all(op.operands))
        if op.name == "polygamma":  # of an order, which is a whole number
            order, argument = op.operands
            return _FUNCTIONS[op.name].of(self.print(order), self.print_array(argument))
        return _FUNCTIONS[op.name].of(*self._arrays(op.operands))

    def _whole(self, op: ops.Whole) -> Expression:
        return _FUNCTIONS[op.name].of(self.print(op.operand))

    def _reduce(self, op: ops.Reduce) -> Expression:
        return _REDUCTIONS[op.name].of(self.print(op.operand), *_axis_argument(op))

    def _mean_weights(self, op: ops.MeanWeights) -> Expression:
        if op.sets is not None:
            return _helper("_mean_weights").of(*self._all((op.weights, op.sets)))
        return call("xp.mean", self.print(op.weights), "axis=0")

    def _pool(self, op: ops.Pool) -> Expression:
        return _helper("_pool").of(*self._all((op.operand, op.sets)))

    def _weigh_data(self, op: ops.WeighData) -> Expression:
        sets = () if op.sets is None else (op.sets,)
        return _helper(_weighed(op)).of(*self._all((op.weights, *op.values, *sets)))

    def _mat_mul(self, op: ops.MatMul) -> Expression:
        left, right = self.print(op.left), self.print(op.right)
        return chain(Level.PRODUCT, [("", left.at(Level.PRODUCT)), ("@", right.at(Level.POWER))])

    def _contract(self, op: ops.Contract) -> Expression:
        letters = _letters(op.among)
        inputs = ",".join("".join(letters[a] for a in operand.axes) for operand in op.operands)
        output = "".join(letters[axis] for axis in op.axes)
        return call("xp.einsum", f'"{inputs}->{output}"', *self._all(op.operands))

    def _trace(self, op: ops.Trace) -> Expression:
        return call("xp.linalg.trace", self.print(op.operand))

    def _follow(self, op: Op, *parts: str | Bracket) -> Expression:
        """a.name, a[...]: what follows an operand"""
        return expression(*self.print(op).at(Level.ATOM).parts, *parts)

    def _transpose(self, op: ops.Transpose) -> Expression:
        if len(op.axes) == 2:
            return self._follow(op.operand, ".T")
        order = _items(*(str(op.operand.axes.index(axis)) for axis in op.axes))
        return call("xp.permute_dims", self.print(op.operand), expression(order))

    def _expand(self, op: ops.Expand) -> Expression:
        places = (":" if axis in op.axes else "None" for axis in op.among)
        return self._follow(op.operand, _items(*places, ends="[]"))

    def _broadcast(self, op: ops.Broadcast) -> Expression:
        comma = "," if len(op.lengths) == 1 else ""
        shape = expression(Bracket("()", self._all(op.lengths), comma))
        return call("xp.broadcast_to", self.print_array(op.operand), shape)

    def _subscript(self, op: ops.Subscript) -> Expression:
        return self._follow(op.operand, _items(*map(self._item, op.items), ends="[]"))

    def _item(self, item: ops.Item) -> str:
        if isinstance(item, ops.At):
            return "-1" if item.place is None else self.text(item.place)
        start = str(item.start) if item.start else ""
        if item.stop is None or isinstance(item.stop, int):
            return f"{start}:{'' if item.stop is None else item.stop}"
        return f"{start}:{self.text(item.stop).replace(' ', '')}"

    def _eye(self, op: ops.Eye) -> Expression:
        lengths = (op.rows,) if op.rows == op.columns else (op.rows, op.columns)
        diagonal = (f"k={op.shift}",) if op.shift else ()
        return call("xp.eye", *self._all(lengths), *diagonal, "**real")

    def _equal(self, op: ops.Equal) -> Expression:
        left, right = (self.print(side).at(Level.SUM) for side in (op.left, op.right))
        return chain(Level.SUM, [("", left), ("==", right)])

    def _inverse(self, op: ops.Inverse) -> Expression:
        return call("xp.linalg.inv", self.print(op.operand))

    def _log_det(self, op: ops.LogDet) -> Expression:
        found = call("xp.linalg.slogdet", self.print(op.operand))
        return expression(*found.parts, _items("1", ends="[]"))

    def _solve(self, op: ops.Solve) -> Expression:
        solved = call("xp.linalg.solve", self.print(op.matrix), self._follow(op.right, ".T"))
        return expression(*solved.parts, ".T")


_TABLE: Final[Mapping[type, Callable[[ArrayPrinter, Any], Expression]]] = {
    ops.Literal: ArrayPrinter._literal,
    ops.Named: ArrayPrinter._named,
    ops.Length: ArrayPrinter._length,
    ops.Read: ArrayPrinter._read,
    ops.Range: ArrayPrinter._range,
    ops.AsReal: ArrayPrinter._as_real,
    ops.Negate: ArrayPrinter._negate,
    ops.Combine: ArrayPrinter._combine,
    ops.Product: ArrayPrinter._product,
    ops.Raise: ArrayPrinter._raise,
    ops.Call: ArrayPrinter._call,
    ops.Whole: ArrayPrinter._whole,
    ops.Reduce: ArrayPrinter._reduce,
    ops.MeanWeights: ArrayPrinter._mean_weights,
    ops.Pool: ArrayPrinter._pool,
    ops.WeighData: ArrayPrinter._weigh_data,
    ops.MatMul: ArrayPrinter._mat_mul,
    ops.Contract: ArrayPrinter._contract,
    ops.Trace: ArrayPrinter._trace,
    ops.Transpose: ArrayPrinter._transpose,
    ops.Expand: ArrayPrinter._expand,
    ops.Broadcast: ArrayPrinter._broadcast,
    ops.Subscript: ArrayPrinter._subscript,
    ops.Eye: ArrayPrinter._eye,
    ops.Equal: ArrayPrinter._equal,
    ops.Inverse: ArrayPrinter._inverse,
    ops.LogDet: ArrayPrinter._log_det,
    ops.Solve: ArrayPrinter._solve,
}


def _number(value: Fraction) -> Expression:
    """A number that is not negative, as a decimal where that is exact and short."""
    if value.denominator == 1 and value < 2**53:
        return expression(str(value.numerator))
    decimal = repr(float(value))
    if len(decimal) <= 6 and Fraction(decimal) == value:
        return expression(decimal)
    if value.numerator < 1000 and value.denominator < 1000:
        above, below = (expression(str(n)) for n in value.as_integer_ratio())
        return chain(Level.PRODUCT, [("", above), ("/", below)])
    return expression(decimal)


def _items(*texts: str, ends: str = "()") -> Bracket:
    return Bracket(ends, tuple(map(expression, texts)))


def _axis_argument(op: ops.Reduce) -> list[str]:
    """axis=..., none if every axis is summed."""
    axes = op.operand.axes
    if set(axes) == set(op.over) and op.name != "logsumexp":
        return []
    places = sorted(axes.index(axis) for axis in op.over)
    last = len(axes) if op.leading else len(axes) - len(places)  # counted from the back from here
    texts = [str(place - len(axes) if place >= last else place) for place in places]
    return [f"axis={texts[0]}" if len(texts) == 1 else f"axis=({', '.join(texts)})"]


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
