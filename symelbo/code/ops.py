"""The operations of a backend, as data: what a printer of array code has to know.

Every node has named `axes`, in the order of its dimensions: the value is an array that has exactly
these, each of full length, except that an axis added by `Expand` is of length one and is not
named.  Operands of an elementwise node broadcast against its axes as they are: `lower` has put
transpositions and new axes where they are needed, so that a printer is a table from node to text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final, TypeAlias, get_args

from symelbo.index.terms import Extent, Index
from symelbo.values import dataclass, fields, replace

__all__ = [
    "AsReal",
    "At",
    "FUNCTIONS",
    "Axes",
    "Broadcast",
    "Call",
    "Combine",
    "Contract",
    "Equal",
    "Expand",
    "Eye",
    "Inverse",
    "Item",
    "Length",
    "Literal",
    "LogDet",
    "MatMul",
    "MeanWeights",
    "Named",
    "Negate",
    "Op",
    "Pool",
    "Product",
    "Raise",
    "Range",
    "Read",
    "Reduce",
    "Solve",
    "Span",
    "Subscript",
    "Trace",
    "Transpose",
    "WeighData",
    "Whole",
    "dim_text",
    "rebuild",
    "walk",
]

Axes: TypeAlias = tuple[Index, ...]

# What `Call` may name: functions of the terms, and of the rules for stable numbers.
FUNCTIONS: Final = frozenset(
    (
        *("exp", "log", "sqrt", "abs", "sign", "tanh", "sin", "cos", "expm1", "log1p", "softplus"),
        *("sigmoid", "loggamma", "digamma", "polygamma", "erf", "besseli0e", "besseli1e", "entr"),
        *("xlogy", "exprel", "logzero", "weigh", "entropyoflogit", "logstirling", "deviance"),
        *("logminusdigamma", "logchoose", "logratio", "besselgap", "versine", "ratio"),
    )
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A rational number that is not negative."""

    value: Fraction
    axes: Axes = ()


@dataclass(frozen=True, slots=True)
class Named:
    """pi or e."""

    name: str
    axes: Axes = ()


@dataclass(frozen=True, slots=True)
class Length:
    """A size as a number."""

    size: str
    axes: Axes = ()


@dataclass(frozen=True, slots=True)
class Read:
    """A variable; an axis that occurs twice is a diagonal to be taken by `Contract`."""

    name: str
    axes: Axes = ()


@dataclass(frozen=True, slots=True)
class Range:
    """start, start + 1, ..., stop - 1"""

    start: int
    stop: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class AsReal:
    """Whole numbers or truth values as real numbers."""

    operand: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Negate:
    """-a"""

    operand: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Combine:
    """+a - b ..., each term with whether it is subtracted."""

    terms: tuple[tuple[bool, Op], ...]
    axes: Axes


@dataclass(frozen=True, slots=True)
class Product:
    """scale above[0] above[1] ... / below[0] ...; the scale is positive."""

    scale: Fraction
    above: tuple[Op, ...]
    below: tuple[Op, ...]
    axes: Axes


@dataclass(frozen=True, slots=True)
class Raise:
    """base**exponent"""

    base: Op
    exponent: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Call:
    """A function of numbers, entry by entry; the names are those of the terms and of the rules."""

    name: str
    operands: tuple[Op, ...]
    axes: Axes


@dataclass(frozen=True, slots=True)
class Whole:
    """A function of the last axis as a whole: softmax and the like."""

    name: str
    operand: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Reduce:
    """sum, sum of squares, mean or logsumexp over some axes.

    leading: these are axes of data points or samples.  Leading axes are counted from the front,
    others from the back.
    """

    name: str
    operand: Op
    over: Axes
    axes: Axes
    leading: bool = False


@dataclass(frozen=True, slots=True)
class MeanWeights:
    """The mean weight, over the data, of each sample or category.

    sets: the number of sets of samples, one if data points share them, else one for each: then
    what is averaged is left as it is, divided by this number.  None for categories.
    """

    weights: Read
    axes: Axes
    sets: Length | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """The mean over the first axis, which is kept, where `sets` is one; else the operand."""

    operand: Op
    sets: Length
    axes: Axes


@dataclass(frozen=True, slots=True)
class WeighData:
    """(1/N) sum_n weights[n, k] left[n, ...] right[n, ...], N the number of data points.

    Left and right, if there are two, have no other axis in common.  sets: as in `MeanWeights`.
    """

    weights: Read
    values: tuple[Op, ...]
    axes: Axes
    sets: Length | None = None


@dataclass(frozen=True, slots=True)
class MatMul:
    """The sum over the last axis of `left` and the first of `right`, which have one or two."""

    left: Op
    right: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Contract:
    """The product of the operands, summed over the axes `among` theirs that are not in `axes`."""

    operands: tuple[Op, ...]
    among: Axes
    axes: Axes


@dataclass(frozen=True, slots=True)
class Trace:
    """The sum of the diagonal of a matrix."""

    operand: Op
    axes: Axes = ()


@dataclass(frozen=True, slots=True)
class Transpose:
    """The same axes in another order."""

    operand: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Expand:
    """New axes of length one where `among` has an axis that the operand has not."""

    operand: Op
    among: Axes
    axes: Axes


@dataclass(frozen=True, slots=True)
class Broadcast:
    """The operand repeated, so that it has all `axes`, of these lengths."""

    operand: Op
    lengths: tuple[Op, ...]
    axes: Axes


@dataclass(frozen=True, slots=True)
class Span:
    """start:stop in a subscript, counted from 0; a negative stop from the end, None to the end."""

    start: int
    stop: Op | int | None


@dataclass(frozen=True, slots=True)
class At:
    """One place in a subscript, counted from 0: a number, or an array of them; None is the last."""

    place: Op | None


Item: TypeAlias = Span | At


@dataclass(frozen=True, slots=True)
class Subscript:
    """operand[items]; arrays of places broadcast against each other, as in NumPy."""

    operand: Op
    items: tuple[Item, ...]
    axes: Axes


@dataclass(frozen=True, slots=True)
class Eye:
    """1 where column = row + shift, else 0."""

    rows: Op
    columns: Op
    shift: int
    axes: Axes


@dataclass(frozen=True, slots=True)
class Equal:
    """Whether two arrays are equal, at every place."""

    left: Op
    right: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Inverse:
    """The inverse of the matrices in the last two axes."""

    operand: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class LogDet:
    """log |det| of the matrices in the last two axes."""

    operand: Op
    axes: Axes


@dataclass(frozen=True, slots=True)
class Solve:
    """matrix^-1 right, over the last axis of `right`, for one symmetric matrix."""

    matrix: Op
    right: Op
    axes: Axes


Op: TypeAlias = (
    Literal
    | Named
    | Length
    | Read
    | Range
    | AsReal
    | Negate
    | Combine
    | Product
    | Raise
    | Call
    | Whole
    | Reduce
    | MeanWeights
    | Pool
    | WeighData
    | MatMul
    | Contract
    | Trace
    | Transpose
    | Expand
    | Broadcast
    | Subscript
    | Eye
    | Equal
    | Inverse
    | LogDet
    | Solve
)


def walk(item: object) -> Iterator[Op]:
    """Every operation in an operation, or in a tuple of them, the outer ones first."""
    stack = [item]
    while stack:
        top = stack.pop()
        if isinstance(top, tuple):
            stack += reversed(top)
        elif type(top) in _PARTS:
            if not isinstance(top, Span | At):
                yield top  # type: ignore[misc]
            stack += [getattr(top, name) for name in _PARTS[type(top)]]


def rebuild(op: Op, visit: Callable[[Op], Op]) -> Op:
    """The operation with those immediately inside mapped."""
    return _rebuild(op, visit)  # type: ignore[no-any-return]


def _rebuild(item: Any, visit: Callable[[Op], Op]) -> Any:
    changed = {}
    for name in _PARTS[type(item)]:
        part = getattr(item, name)
        new = tuple(_map(p, visit) for p in part) if isinstance(part, tuple) else _map(part, visit)
        if new != part:
            changed[name] = new
    return replace(item, **changed) if changed else item


def _map(part: Any, visit: Callable[[Op], Op]) -> Any:
    """An operation mapped; a tuple or an item of a subscript with the operations in it mapped."""
    if isinstance(part, tuple):
        return tuple(_map(inner, visit) for inner in part)
    if isinstance(part, Span | At):
        return _rebuild(part, visit)
    return visit(part) if type(part) in _PARTS else part


# What is not an operation, nor a tuple in which there are some.
_PLAIN = frozenset(("axes", "over", "among", "dims", "name", "size", "scale", "value", "shift"))
_PARTS: Final[Mapping[type, tuple[str, ...]]] = {
    kind: tuple(field.name for field in fields(kind)[::-1] if field.name not in _PLAIN)
    for kind in (*get_args(Op), Span, At)
}


def dim_text(extent: Extent, sizes: Mapping[str, str]) -> str:
    """C-1, by the names of the sizes in the module."""
    if extent.size is None:
        return str(extent.offset)
    return sizes[extent.size] + (f"{extent.offset:+d}" if extent.offset else "")
