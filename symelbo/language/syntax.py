"""The syntax tree: what was written, with 0-based offsets [at, end) into the text."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symelbo.values import dataclass

__all__ = [
    "AddSyntax",
    "ArgumentSyntax",
    "Assignment",
    "CallSyntax",
    "Expression",
    "MulSyntax",
    "NameSyntax",
    "NumberSyntax",
    "PowerSyntax",
    "RangeSyntax",
    "Sampling",
    "StatementSyntax",
    "SubscriptSyntax",
    "SumSyntax",
    "TypeSyntax",
    "names_used",
    "parts_of",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """Base of all expressions."""

    at: int
    end: int


@dataclass(frozen=True, slots=True)
class NumberSyntax(Expression):
    """2, 0.5, 1e-3: exactly"""

    value: Fraction


@dataclass(frozen=True, slots=True)
class NameSyntax(Expression):
    """A name that stands alone, PI too."""

    name: str


@dataclass(frozen=True, slots=True)
class SubscriptSyntax(Expression):
    """base[indices]"""

    base: Expression
    indices: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class CallSyntax(Expression):
    """name(arguments)"""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AddSyntax(Expression):
    """A whole chain of + and -; each term with True where it is subtracted."""

    terms: tuple[tuple[bool, Expression], ...]


@dataclass(frozen=True, slots=True)
class MulSyntax(Expression):
    """A whole chain of * and /; each factor with True where it divides."""

    factors: tuple[tuple[bool, Expression], ...]


@dataclass(frozen=True, slots=True)
class PowerSyntax(Expression):
    """base**exponent"""

    base: Expression
    exponent: Expression


@dataclass(frozen=True, slots=True)
class RangeSyntax:
    """variable in low:high"""

    at: int
    end: int
    variable: str
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class SumSyntax(Expression):
    """sum(body for ranges)"""

    body: Expression
    ranges: tuple[RangeSyntax, ...]


@dataclass(frozen=True, slots=True)
class ArgumentSyntax:
    """An argument of a family, by position (name None) or by name."""

    at: int
    name: str | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Sampling:
    """target[indices] ~ family(arguments) for ranges"""

    at: int
    target: str
    indices: tuple[Expression, ...]
    family: str
    family_at: int
    arguments: tuple[ArgumentSyntax, ...]
    ranges: tuple[RangeSyntax, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """target[indices] = body for ranges"""

    at: int
    target: str
    indices: tuple[Expression, ...]
    body: Expression
    ranges: tuple[RangeSyntax, ...]


StatementSyntax = Sampling | Assignment


@dataclass(frozen=True, slots=True)
class TypeSyntax:
    """base[extents]; no brackets is a scalar."""

    at: int
    base: str
    extents: tuple[Expression, ...]


def names_used(expression: Expression) -> Iterator[str]:
    """Every name that an expression mentions and does not bind, functions too, with repetitions."""
    stack: list[tuple[Expression, frozenset[str]]] = [(expression, frozenset())]
    while stack:
        node, bound = stack.pop()
        match node:
            case NameSyntax(name=name):
                if name not in bound:
                    yield name
            case CallSyntax(name=name):
                yield name
            case SumSyntax(body=body, ranges=ranges):
                stack.append((body, bound.union(item.variable for item in ranges)))
                stack += [(end, bound) for item in ranges for end in (item.low, item.high)]
                continue
        stack += [(part, bound) for part in _inside(node)]


def parts_of(expression: Expression) -> Iterator[Expression]:
    """The expression and all that it consists of."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        stack += _inside(node)


def _inside(node: Expression) -> tuple[Expression, ...]:
    match node:
        case SubscriptSyntax(base=base, indices=indices):
            return (base, *indices)
        case CallSyntax(arguments=arguments):
            return arguments
        case AddSyntax(terms=parts) | MulSyntax(factors=parts):
            return tuple(part for _, part in parts)
        case PowerSyntax(base=base, exponent=exponent):
            return (base, exponent)
        case SumSyntax(body=body, ranges=ranges):
            return (body, *(end for item in ranges for end in (item.low, item.high)))
    return ()
