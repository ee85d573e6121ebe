"""An argument against the domain of its family: shown inside, shown outside, or a condition."""

from __future__ import annotations

from symelbo.errors import Place
from symelbo.families.family import Argument, Family
from symelbo.index.build import extent_length, subtract
from symelbo.index.normal import normal
from symelbo.index.signs import POSITIVE, bounds, domain_interval, is_integer
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Array, Domain, Entry, Extent, Number, Role
from symelbo.language.fault import quote
from symelbo.language.syntax import ArgumentSyntax, Sampling
from symelbo.spec.context import Context
from symelbo.spec.model import Condition
from symelbo.spec.read_yaml import Scalar

__all__ = ["check_argument", "check_bound"]

_WANTED = {
    "positive": "a positive number",
    "unit": "a number between 0 and 1, both excluded",
    "naturals": "a natural number",
    "simplex": "a vector of type simplex",
    "posdef": "a matrix of type posdef",
}
_HINTS = {
    "positive": "declare it `positive`, or write exp(...) or softplus(...)",
    "unit": "declare it `unit`, or write sigmoid(...)",
}
_LEARNED_OR_RANDOM = (Role.PARAMETER, Role.LATENT, Role.OBSERVED, Role.VARIATIONAL)


def check_argument(
    context: Context,
    scalar: Scalar,
    syntax: Sampling,
    family: Family,
    formal: Argument,
    value: ArgumentSyntax,
    array: Array,
) -> None:
    """Report an argument that cannot be in its domain; note a condition where it only might be."""
    node = value.value
    source = " ".join(scalar.text[node.at : node.end].split())
    place = scalar.at(node.at)
    if formal.constant:
        _check_constant(context, place, source, family, formal, array)
    domain = formal.domain
    inside = _is_inside(array, domain)
    if inside is None:
        kind = domain.kind
        context.fault(
            place,
            f"{quote(source)} as {formal.name} of {family.name}",
            _WANTED.get(kind, _range_text(domain)),
            _HINTS.get(kind, "") if not isinstance(array.body, Number) else "",
        )
    elif not inside:
        loops = ", ".join(" ".join(scalar.text[r.at : r.end].split()) for r in syntax.ranges)
        text = _condition(source, domain) + (f" for {loops}" if loops else "")
        reason = f"{formal.name} of {family.name} at {syntax.target}"
        context.conditions.append(Condition(text, reason, place, array, domain.kind))


def check_bound(
    context: Context,
    scalar: Scalar,
    syntax: Sampling,
    family: Family,
    formal: Argument,
    value: ArgumentSyntax,
    array: Array,
    extent: Extent,
) -> None:
    """As `check_argument`, for an argument that has to exceed an extent (Wishart: dof > K - 1)."""
    node = value.value
    source = " ".join(scalar.text[node.at : node.end].split())
    place = scalar.at(node.at)
    margin = normal(subtract(array.body, extent_length(extent)))
    interval = bounds(margin)
    if interval.misses(POSITIVE):
        context.fault(
            place, f"{quote(source)} as {formal.name} of {family.name}", f"more than {extent}"
        )
    elif not interval.within(POSITIVE):
        reason = f"{formal.name} of {family.name} at {syntax.target}"
        text = f"{extent} < {source}"
        context.conditions.append(Condition(text, reason, place, Array((), margin), "positive"))


def _check_constant(
    context: Context, place: Place, source: str, family: Family, formal: Argument, array: Array
) -> None:
    varying = sorted(
        symbol.name for symbol in symbols_of(array) if symbol.role in _LEARNED_OR_RANDOM
    )
    if varying:
        context.fault(
            place,
            f"{quote(source)} as {formal.name} of {family.name}, which depends on "
            f"{quote(varying[0])}",
            "a known constant",
            "write a number or a size, or declare it under `constants`",
        )


def _is_inside(array: Array, domain: Domain) -> bool | None:
    """True if shown inside, None if shown outside, False if neither."""
    body = array.body
    if domain.kind in ("simplex", "posdef"):
        rank = 1 if domain.kind == "simplex" else 2
        if isinstance(body, Number):
            return None
        if isinstance(body, Entry) and body.symbol.domain.kind == domain.kind:
            # the whole last axes, not a section across them
            return body.indices[-rank:] == array.indices[-rank:]
        return False
    if domain.kind == "naturals" and isinstance(body, Number) and body.value.denominator != 1:
        return None
    interval, allowed = bounds(body), domain_interval(domain)
    if interval.misses(allowed):
        return None
    if domain.kind == "naturals" and not is_integer(body):
        return False
    return interval.within(allowed)


def _condition(source: str, domain: Domain) -> str:
    match domain.kind:
        case "positive":
            return f"0 < {source}"
        case "unit":
            return f"0 < {source} < 1"
        case "naturals":
            return f"{source} is a natural number"
        case "simplex":
            return f"{source} is positive and sums to one"
        case "posdef":
            return f"{source} is symmetric positive definite"
    return f"{source} lies in {_range_text(domain)}"


def _range_text(domain: Domain) -> str:
    if domain.kind != "interval":
        return f"a value of type {domain.kind}"

    def show(bound: object, infinite: str) -> str:
        if bound is None:
            return infinite
        return str(bound.value) if isinstance(bound, Number) else "its bound"

    return f"{show(domain.lower, '-oo')}..{show(domain.upper, 'oo')}"
