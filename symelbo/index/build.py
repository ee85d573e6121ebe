"""Smart constructors: fold what is obvious (0, 1, nesting, equal factors), expand nothing.

add(a, 0, add(b, c)) -> a + b + c        mul(2, x, x) -> 2 x**2        power(x, 1) -> x
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from operator import is_
from typing import Any, TypeVar

from symelbo.index.terms import (
    Add,
    Call,
    Domain,
    Extent,
    Index,
    Mul,
    Node,
    Number,
    Power,
    Size,
    Sum,
    Term,
    sort_key,
)
from symelbo.limits import FOLDED_BITS

__all__ = [
    "MINUS_ONE",
    "ONE",
    "ZERO",
    "add",
    "add_multiples",
    "call",
    "category_extent",
    "divide",
    "exp",
    "extent_length",
    "extent_of",
    "has_minus_sign",
    "log",
    "mul",
    "negate",
    "number",
    "power",
    "rebuild",
    "subtract",
    "times_number",
    "total",
]

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))
MINUS_ONE = Number(Fraction(-1))
_F0, _F1 = ZERO.value, ONE.value
_WHOLE = {n: Number(Fraction(n)) for n in range(-2, 3)}  # what most numbers are

N = TypeVar("N", bound=Node)


def number(value: int | Fraction | str) -> Number:
    """An exact rational: 3, Fraction(1, 2), "1e-3"."""
    if type(value) is int:
        known = _WHOLE.get(value)
        return Number(Fraction(value)) if known is None else known
    return Number(value if type(value) is Fraction else Fraction(value))


def add(*terms: Term) -> Term:
    """a, b, ... -> a + b + ...: flattens, folds numbers, collects equal terms, orders.

    >>> show(add(term("x"), term("2"), term("y + x")))
    2*x + y + 2
    """
    return add_multiples([(term, _F1) for term in terms])


def add_multiples(multiples: Iterable[tuple[Term, Fraction]]) -> Term:
    """(a, p), (b, q), ... -> p a + q b + ...: as `add`.

    >>> show(add_multiples([(term("x"), Fraction(2)), (term("x"), Fraction(-3))]))
    -x
    """
    constant = _F0
    coefficients: dict[Term, Fraction] = {}
    stack = list(multiples)
    stack.reverse()
    while stack:
        term, scale = stack.pop()
        if type(term) is Number:  # sooner told than by isinstance
            value = term.value if scale is _F1 else scale * term.value
            constant = value if constant is _F0 else constant + value
            continue
        if type(term) is Mul and type(first := term.factors[0]) is Number:
            scale = first.value if scale is _F1 else scale * first.value
            rest = term.factors[1:]
            term = rest[0] if len(rest) == 1 else Mul(rest)
        if type(term) is Add and (scale is _F1 or scale == 1):
            stack.extend([(part, _F1) for part in reversed(term.terms)])
            continue
        known = coefficients.get(term)
        coefficients[term] = scale if known is None else known + scale
    collected = [
        rest if scale is _F1 or scale == 1 else times_number(rest, scale)
        for rest, scale in coefficients.items()
        if scale is _F1 or scale
    ]
    if len(collected) > 1:
        collected.sort(key=sort_key)
    if constant is not _F0 and constant:
        collected.insert(0, Number(constant))
    if not collected:
        return ZERO
    return collected[0] if len(collected) == 1 else Add(tuple(collected))


def times_number(term: Term, scale: Fraction) -> Term:
    """a, c -> c a

    >>> show(times_number(term("x/2"), Fraction(6)))
    3*x
    """
    if scale is _F1 or scale == 1:
        return term
    if type(term) is Number:
        return Number(scale * term.value)
    factors = term.factors if type(term) is Mul else (term,)
    if type(first := factors[0]) is Number:
        scale *= first.value
        factors = factors[1:]
        if scale == 1:
            return factors[0] if len(factors) == 1 else Mul(factors)
    return Mul((Number(scale), *factors)) if scale else ZERO


def mul(*factors: Term) -> Term:
    """a, b, ... -> a b ...: flattens, folds numbers, collects equal bases, orders.

    >>> show(mul(term("x"), term("2"), term("x*y")))
    2*x**2*y
    """
    scale = _F1
    alone: dict[Term, Term] = {}  # base -> the factor that has it
    merged: dict[Term, Term] = {}  # base -> the exponent, where several factors have it
    stack = list(factors)
    stack.reverse()
    while stack:
        factor = stack.pop()
        if type(factor) is Number:
            scale = factor.value if scale is _F1 else scale * factor.value
        elif type(factor) is Mul:
            stack.extend(reversed(factor.factors))
        else:
            base: Term = factor
            exponent: Term = ONE
            if type(factor) is Power:
                base, exponent = factor.base, factor.exponent
            first = alone.get(base)
            if first is None:
                alone[base] = factor
                continue
            if base not in merged:
                merged[base] = first.exponent if type(first) is Power else ONE
            merged[base] = add(merged[base], exponent)
    if scale is not _F1 and not scale:
        return ZERO
    collected = list(alone.values())
    if merged:
        collected = []
        for base, factor in alone.items():
            made = power(base, merged[base]) if base in merged else factor
            if type(made) is Number:
                scale *= made.value
            else:
                collected.append(made)
    if len(collected) > 1:
        collected.sort(key=sort_key)
    if collected and (scale is _F1 or scale == 1):
        return collected[0] if len(collected) == 1 else Mul(tuple(collected))
    if not collected:
        return Number(scale)
    return Mul((Number(scale), *collected))


def power(base: Term, exponent: Term | int | Fraction) -> Term:
    """base, exponent -> base ** exponent; numbers fold where the result is rational.

    >>> show(power(term("2*x"), 2))
    4*x**2
    >>> show(power(term("x^2"), Fraction(1, 2)))
    sqrt(x**2)
    """
    if not isinstance(exponent, Term):
        exponent = number(exponent)
    if exponent is ONE:
        return base
    if exponent is ZERO:
        return ONE
    if type(exponent) is Number:
        if type(base) is Number:
            folded = _fold_power(base.value, exponent.value)
            if folded is not None:
                return folded
        # (b**p)**n = b**(p n) needs n integer; other cases need b >= 0 and are left alone
        if type(base) is Power:
            if type(base.exponent) is Number and exponent.value.denominator == 1:
                return power(base.base, base.exponent.value * exponent.value)
        elif type(base) is Mul and exponent.value.denominator == 1:
            return mul(*[power(factor, exponent) for factor in base.factors])
    if base is ONE:
        return ONE
    return Power(base, exponent)


def has_minus_sign(term: Term) -> bool:
    """Whether the term is written -a: a negative number, alone or as the first factor."""
    lead = term.factors[0] if isinstance(term, Mul) else term
    return isinstance(lead, Number) and lead.value < 0


def negate(term: Term) -> Term:
    """a -> -a

    >>> show(negate(term("x + y")))
    -(x + y)
    """
    return mul(MINUS_ONE, term)


def subtract(left: Term, right: Term) -> Term:
    """a, b -> a - b

    >>> show(subtract(term("x + y"), term("x")))
    y
    """
    return add(left, negate(right))


def divide(left: Term, right: Term) -> Term:
    """a, b -> a / b

    >>> show(divide(term("x*y"), term("x")))
    y
    """
    return mul(left, power(right, -1))


def call(name: str, *arguments: Term) -> Term:
    """f, a -> f(a), with the trivial values folded (log 1 = 0, exp 0 = 1).

    >>> show(call("sqrt", term("s")))
    sqrt(s)
    >>> show(call("log", ONE))
    0
    """
    if len(arguments) == 1:
        (argument,) = arguments
        if name == "sqrt":
            return power(argument, Fraction(1, 2))
        if name == "log" and argument == ONE:
            return ZERO
        if name == "exp" and argument == ZERO:
            return ONE
        if name in ("tanh", "erf") and argument == ZERO:
            return ZERO
        if name == "abs" and isinstance(argument, Number):
            return Number(abs(argument.value))
        if name == "log1p":
            return call("log", add(ONE, argument))
    return Call(name, arguments)


def log(argument: Term) -> Term:
    """a -> log a

    >>> show(log(term("x")))
    log(x)
    """
    return call("log", argument)


def exp(argument: Term) -> Term:
    """a -> exp a

    >>> show(exp(ZERO))
    1
    """
    return call("exp", argument)


def total(index: Index, body: Term) -> Term:
    """i, a -> sum_i a

    >>> show(total(h, term("v[h]")))
    sum(v[h] for h in 1:H)
    """
    return ZERO if body == ZERO else Sum(index, body)


def extent_length(extent: Extent, low: int = 1) -> Term:
    """C-1 -> the number C - 1 of places low..extent.

    >>> show(extent_length(Extent("C", -1)))
    C - 1
    >>> show(extent_length(Extent("C"), 2))
    C - 1
    """
    count = number(extent.offset - low + 1)
    return count if extent.size is None else add(Size(extent.size), count)


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


def category_extent(domain: Domain) -> Extent | None:
    """1..C -> C, the axis on which a value is a place; None of what is no category."""
    return extent_of(domain.upper) if domain.is_place else None


def _fold_power(base: Fraction, exponent: Fraction) -> Number | None:
    if exponent.denominator == 1:
        if base == 0:
            return ZERO if exponent > 0 else None
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if size * abs(exponent.numerator) <= FOLDED_BITS:
            return Number(base**exponent.numerator)
    return None


_FOLDED: dict[type[Node], Callable[..., Node]] = {
    Add: lambda item, bound, parts: add(*parts),
    Mul: lambda item, bound, parts: mul(*parts),
    Power: lambda item, bound, parts: power(*parts),
    Call: lambda item, bound, parts: call(item.name, *parts),
    Sum: lambda item, bound, parts: total(*bound, *parts),
}


def rebuild(item: N, bound: tuple[Index, ...], parts: Sequence[Any]) -> N:
    """node, its binders and parts anew -> the node of these, folded where its class is above.

    >>> show(rebuild(term("x + y"), (), [term("x"), term("-x")]))
    0
    """
    if bound == item.bound() and all(map(is_, parts, item.parts())):
        return item
    folded = _FOLDED.get(type(item))
    made: Any = item.rebuilt(bound, parts) if folded is None else folded(item, bound, parts)
    return made  # type: ignore[no-any-return]
