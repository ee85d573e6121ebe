"""Operations as NumPy expressions: one table from node to text, and what each needs to be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symelbo.code import ops
from symelbo.code.ops import Op, dim_text
from symelbo.index.terms import Index
from symelbo.values import dataclass

__all__ = ["NumpyPrinter", "Text", "needs_of"]


class Level(IntEnum):
    """How tightly the outermost operator of an expression binds."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


@dataclass(frozen=True, slots=True)
class Text:
    """An expression, and how tightly its outermost operator binds."""

    text: str
    level: Level = Level.ATOM

    def at(self, level: Level) -> str:
        """The text as an operand of an operator that binds at `level`."""
        return self.text if self.level >= level else f"({self.text})"


class Written(NamedTuple):
    """How a function is written, and what it needs: helpers, or `special` of SciPy."""

    form: str
    needs: tuple[str, ...] = ()


def _numpy(name: str) -> Written:
    return Written(f"np.{name}({{}})")


def _special(name: str) -> Written:
    return Written(f"special.{name}({{}})", ("special",))


def _helper(name: str) -> Written:
    return Written(f"{name}({{}})", (name,))


_FUNCTIONS: Final[Mapping[str, Written]] = {
    "exp": _numpy("exp"),
    "log": _numpy("log"),
    "sqrt": _numpy("sqrt"),
    "abs": _numpy("abs"),
    "sign": _numpy("sign"),
    "tanh": _numpy("tanh"),
    "sin": _numpy("sin"),
    "cos": _numpy("cos"),
    "expm1": _numpy("expm1"),
    "log1p": _numpy("log1p"),
    "softplus": Written("np.logaddexp(0, {})"),
    "sigmoid": _special("expit"),
    "loggamma": _special("gammaln"),
    "digamma": _special("digamma"),
    "polygamma": _special("polygamma"),
    "erf": _special("erf"),
    "besseli0e": _special("i0e"),
    "besseli1e": _special("i1e"),
    "entr": _special("entr"),
    "xlogy": _special("xlogy"),
    "exprel": _special("exprel"),
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
    # of the last axis as a whole
    "softmax": Written("special.softmax({}, axis=-1)", ("special",)),
    "logsoftmax": _helper("_log_softmax"),
    "logmultinomial": Written(
        "np.sum(_log_choose({0}, np.cumsum({0}, axis=-1) - {0}), axis=-1)", ("_log_choose",)
    ),
}
# the axes follow
_REDUCTIONS: Final[Mapping[str, Written]] = {
    "sum": _numpy("sum"),
    "mean": _numpy("mean"),
    "logsumexp": _special("logsumexp"),
}
_CONSTANTS: Final = {"pi": "np.pi", "e": "np.e"}
_SIMPLE = (ops.Read, ops.Literal, ops.Named, ops.Length)  # a power of these has no spaces in it


def needs_of(item: object) -> frozenset[str]:
    """op -> the helpers that its text calls, and `special` where it calls SciPy's."""
    found: set[str] = set()
    for op in ops.walk(item):
        match op:
            case ops.Call(name) | ops.Whole(name):
                found.update(_FUNCTIONS[name].needs)
            case ops.WeighData():
                found.add("_weighted_mean")
            case ops.Reduce(name):
                found.update(_REDUCTIONS[name].needs)
    return frozenset(found)


@dataclass(frozen=True)
class NumpyPrinter:
    """sizes: size -> how it is written; whole: a whole number is written as one, not as 2.0."""

    sizes: Mapping[str, str]
    whole: bool = True

    def text(self, op: Op) -> str:
        """op -> its expression"""
        return self.print(op).text

    def print(self, op: Op) -> Text:
        """op -> its expression, to be put into another one"""
        return _TABLE[type(op)](self, op)

    def _texts(self, operands: Iterable[Op]) -> str:
        return ", ".join(map(self.text, operands))

    # ------------------------------------------------------------------ node by node

    def _literal(self, op: ops.Literal) -> Text:
        return _number(op.value) if self.whole else Text(repr(float(op.value)))

    def _named(self, op: ops.Named) -> Text:
        return Text(_CONSTANTS[op.name])

    def _length(self, op: ops.Length) -> Text:
        return Text(self.sizes[op.size])

    def _read(self, op: ops.Read) -> Text:
        return Text(op.name)

    def _range(self, op: ops.Range) -> Text:
        start = f"{op.start}, " if op.start else ""
        return Text(f"np.arange({start}{self.text(op.stop)})")

    def _negate(self, op: ops.Negate) -> Text:
        operand = self.print(op.operand)
        level = Level.ATOM if operand.level is Level.POWER else Level.PRODUCT
        return Text(f"-{operand.at(level)}", Level.SUM)

    def _combine(self, op: ops.Combine) -> Text:
        text = ""
        for negative, term in op.terms:
            operand = self.print(term).at(Level.PRODUCT)
            if text:
                text += f" - {operand}" if negative else f" + {operand}"
            else:
                text = f"-{operand}" if negative else operand
        return Text(text, Level.SUM)

    def _product(self, op: ops.Product) -> Text:
        above = [self.print(operand) for operand in op.above]
        below = [self.print(operand) for operand in op.below]
        if op.scale != 1:
            number = _number(op.scale)
            if number.level is Level.ATOM:
                above.insert(0, number)
            else:
                if op.scale.numerator != 1:
                    above.insert(0, Text(str(op.scale.numerator)))
                below.append(Text(str(op.scale.denominator)))
        first, *others = above or [Text("1")]
        text = first.at(Level.PRODUCT)
        for operand in others:
            text += f" * {operand.at(Level.POWER)}"
        # what has to be spread over more axes divides alone: it is small
        together = all(not operand.axes or operand.axes == op.axes for operand in op.below)
        if len(below) > 1 and together:
            text += f" / ({' * '.join(operand.at(Level.POWER) for operand in below)})"
        else:
            for operand in below:
                text += f" / {operand.at(Level.POWER)}"
        return Text(text, Level.PRODUCT)

    def _raise(self, op: ops.Raise) -> Text:
        left, right = self.print(op.base), self.print(op.exponent)
        simple = isinstance(op.base, _SIMPLE) and isinstance(op.exponent, _SIMPLE)
        space = "" if simple and left.level is right.level is Level.ATOM else " "
        text = f"{left.at(Level.ATOM)}{space}**{space}{right.at(Level.ATOM)}"
        return Text(text, Level.POWER)

    def _call(self, op: ops.Call) -> Text:
        return Text(_FUNCTIONS[op.name].form.format(self._texts(op.operands)))

    def _whole(self, op: ops.Whole) -> Text:
        return Text(_FUNCTIONS[op.name].form.format(self.text(op.operand)))

    def _reduce(self, op: ops.Reduce) -> Text:
        where = _axis_argument(op)
        text = self.text(op.operand)
        return Text(_REDUCTIONS[op.name].form.format(f"{text}, {where}" if where else text))

    def _mean_weights(self, op: ops.MeanWeights) -> Text:
        return Text(f"{self.text(op.weights)}.mean(axis=0)")

    def _weigh_data(self, op: ops.WeighData) -> Text:
        return Text(f"_weighted_mean({self._texts((op.weights, op.values))})")

    def _mat_mul(self, op: ops.MatMul) -> Text:
        left, right = self.print(op.left), self.print(op.right)
        return Text(f"{left.at(Level.PRODUCT)} @ {right.at(Level.POWER)}", Level.PRODUCT)

    def _contract(self, op: ops.Contract) -> Text:
        letters = _letters(op.among)
        inputs = ",".join("".join(letters[a] for a in operand.axes) for operand in op.operands)
        output = "".join(letters[axis] for axis in op.axes)
        faster = ", optimize=True" if len(op.operands) > 2 else ""
        return Text(f'np.einsum("{inputs}->{output}", {self._texts(op.operands)}{faster})')

    def _trace(self, op: ops.Trace) -> Text:
        return Text(f"np.trace({self.text(op.operand)})")

    def _transpose(self, op: ops.Transpose) -> Text:
        operand = self.print(op.operand).at(Level.ATOM)
        if len(op.axes) == 2:
            return Text(f"{operand}.T")
        order = ", ".join(str(op.operand.axes.index(axis)) for axis in op.axes)
        return Text(f"{operand}.transpose({order})")

    def _expand(self, op: ops.Expand) -> Text:
        places = ", ".join(":" if axis in op.axes else "None" for axis in op.among)
        return Text(f"{self.print(op.operand).at(Level.ATOM)}[{places}]")

    def _broadcast(self, op: ops.Broadcast) -> Text:
        comma = "," if len(op.lengths) == 1 else ""
        shape = f"({self._texts(op.lengths)}{comma})"
        return Text(f"np.broadcast_to({self.text(op.operand)}, {shape})")

    def _subscript(self, op: ops.Subscript) -> Text:
        items = ", ".join(map(self._item, op.items))
        return Text(f"{self.print(op.operand).at(Level.ATOM)}[{items}]")

    def _item(self, item: ops.Item) -> str:
        if isinstance(item, ops.At):
            return "-1" if item.place is None else self.text(item.place)
        start = str(item.start) if item.start else ""
        if item.stop is None or isinstance(item.stop, int):
            return f"{start}:{'' if item.stop is None else item.stop}"
        return f"{start}:{self.text(item.stop).replace(' ', '')}"

    def _eye(self, op: ops.Eye) -> Text:
        lengths = (op.rows,) if op.rows == op.columns else (op.rows, op.columns)
        diagonal = f", k={op.shift}" if op.shift else ""
        return Text(f"np.eye({self._texts(lengths)}{diagonal})")

    def _equal(self, op: ops.Equal) -> Text:
        return Text(f"np.equal({self._texts((op.left, op.right))}).astype(float)")

    def _inverse(self, op: ops.Inverse) -> Text:
        return Text(f"np.linalg.inv({self.text(op.operand)})")

    def _log_det(self, op: ops.LogDet) -> Text:
        return Text(f"np.linalg.slogdet({self.text(op.operand)})[1]")

    def _solve(self, op: ops.Solve) -> Text:
        right = self.print(op.right).at(Level.ATOM)
        return Text(f"np.linalg.solve({self.text(op.matrix)}, {right}.T).T")

    def _evaluate(self, op: ops.Evaluate) -> Text:
        dims = " ".join(dim_text(extent, self.sizes) for extent in op.dims)
        called = f"{op.name}({self._texts(op.operands)})"
        return Text(f'_array("{op.name}", {called}, "{dims}", "real", sizes)')


_TABLE: Final[Mapping[type, Callable[[NumpyPrinter, Any], Text]]] = {
    ops.Literal: NumpyPrinter._literal,
    ops.Named: NumpyPrinter._named,
    ops.Length: NumpyPrinter._length,
    ops.Read: NumpyPrinter._read,
    ops.Range: NumpyPrinter._range,
    ops.Negate: NumpyPrinter._negate,
    ops.Combine: NumpyPrinter._combine,
    ops.Product: NumpyPrinter._product,
    ops.Raise: NumpyPrinter._raise,
    ops.Call: NumpyPrinter._call,
    ops.Whole: NumpyPrinter._whole,
    ops.Reduce: NumpyPrinter._reduce,
    ops.MeanWeights: NumpyPrinter._mean_weights,
    ops.WeighData: NumpyPrinter._weigh_data,
    ops.MatMul: NumpyPrinter._mat_mul,
    ops.Contract: NumpyPrinter._contract,
    ops.Trace: NumpyPrinter._trace,
    ops.Transpose: NumpyPrinter._transpose,
    ops.Expand: NumpyPrinter._expand,
    ops.Broadcast: NumpyPrinter._broadcast,
    ops.Subscript: NumpyPrinter._subscript,
    ops.Eye: NumpyPrinter._eye,
    ops.Equal: NumpyPrinter._equal,
    ops.Inverse: NumpyPrinter._inverse,
    ops.LogDet: NumpyPrinter._log_det,
    ops.Solve: NumpyPrinter._solve,
    ops.Evaluate: NumpyPrinter._evaluate,
}


def _number(value: Fraction) -> Text:
    """A number that is not negative, as a decimal where that is exact and short."""
    if value.denominator == 1 and value < 2**53:
        return Text(str(value.numerator))
    decimal = repr(float(value))
    if len(decimal) <= 6 and Fraction(decimal) == value:
        return Text(decimal)
    if value.numerator < 1000 and value.denominator < 1000:
        return Text(f"{value.numerator} / {value.denominator}", Level.PRODUCT)
    return Text(decimal)


def _axis_argument(op: ops.Reduce) -> str:
    """axis=..., empty if every axis is reduced."""
    axes = op.operand.axes
    if set(axes) == set(op.over):
        return ""
    places = sorted(axes.index(axis) for axis in op.over)
    last = len(axes) if op.leading else len(axes) - len(places)  # counted from the back from here
    texts = [str(place - len(axes) if place >= last else place) for place in places]
    return f"axis={texts[0]}" if len(texts) == 1 else f"axis=({', '.join(texts)})"


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
