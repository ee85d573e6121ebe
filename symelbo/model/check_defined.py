"""Where an argument has a value at all: what is a logarithm, a root or a quotient in it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from symelbo.errors import Place
from symelbo.index.build import power
from symelbo.index.domains import Positive
from symelbo.index.normal import normal
from symelbo.index.range import NONNEGATIVE, POSITIVE
from symelbo.index.signs import bounds, is_integer, is_nonzero, is_positive
from symelbo.index.substitute import free_indices, symbols_of, walk_parts
from symelbo.index.terms import Array, Call, Mul, Number, Power, Role, Term, sort_key
from symelbo.model.model import Condition
from symelbo.notation.print_text import print_text

__all__ = ["Need", "conditions_of_value", "find_never_defined", "parts_that_need"]

_OF_POSITIVE = ("log", "loggamma", "digamma")
_RANDOM = (Role.LATENT, Role.OBSERVED)


class Need(Enum):
    """What a part has to be for the whole to have a value."""

    POSITIVE = "positive"
    NONNEGATIVE = "nonnegative"
    NONZERO = "nonzero"


def parts_that_need(body: Term) -> Iterator[tuple[Term, Need]]:
    """The parts of a term that have to be something for it to have a value.

    log(a)/b -> (a, POSITIVE), (b, NONZERO);  sqrt(a) -> (a, NONNEGATIVE);  a**t, t a place -> none
    """
    for part in walk_parts(body):
        match part:
            case Call(name, (inner,)) if name in _OF_POSITIVE:
                yield inner, Need.POSITIVE
            case Power(inner, Number(by)) if by.denominator != 1:
                yield inner, Need.NONNEGATIVE if by > 0 else Need.POSITIVE
            case Power(inner, by) if not is_integer(by):
                yield inner, Need.NONNEGATIVE
            case Power(inner, by) if not bounds(by).within(NONNEGATIVE):
                for factor in inner.factors if isinstance(inner, Mul) else (inner,):
                    yield factor, Need.NONZERO


def find_never_defined(body: Term) -> Term | None:
    """A part that would have to be positive, or 0 at most, and never is positive."""
    needed = (part for part, need in parts_that_need(body) if need is not Need.NONZERO)
    return next((part for part in needed if bounds(part).misses(POSITIVE)), None)


def conditions_of_value(
    array: Array, reason: str, place: Place, *, stated: bool
) -> tuple[Condition, ...]:
    """What has to hold for an argument to have a value, of what no node enters: at some values of a
    node there is none, or at none, which is looked at elsewhere.

    stated: its sign is a condition already, so that it divides by nothing that is 0.
    a/(1 + b) -> 1 + b != 0, stated as 0 < (1 + b)^2, where the sign of 1 + b is not known
    """
    plates, body = free_indices(array), array.body
    needed = dict.fromkeys(parts_that_need(body))
    if stated:
        own = body.factors if isinstance(body, Mul) else (body,)
        for factor in own:
            if isinstance(factor, Power):
                needed.pop((factor.base, Need.NONZERO), None)
    found: dict[Condition, None] = {}
    for part, need in needed:
        positive = need is not Need.NONZERO
        if is_positive(part) or (not positive and is_nonzero(part)):
            continue
        if any(symbol.role in _RANDOM for symbol in symbols_of(part)):
            continue
        indices = tuple(sorted(free_indices(part), key=sort_key))
        loops = ", ".join(f"{i.name} in {i.low}:{i.extent}" for i in indices)
        source = print_text(normal(part))
        text = f"0 < {source}" if positive else f"{source} != 0"
        whole = text + (f" for {loops}" if loops else "")
        inner = tuple(i for i in indices if i not in plates)
        about = Array(inner, part if positive else power(part, 2))
        found[Condition(whole, reason, place, about, Positive())] = None
    return tuple(found)
