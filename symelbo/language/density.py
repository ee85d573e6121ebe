"""A family's log-density text -> a term in its value and arguments; `model/` alone calls this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from symelbo.families.density import Density
from symelbo.families.family import Argument, Family, Form
from symelbo.index.build import ZERO, add, call, mul, negate, total
from symelbo.index.domains import Invertible, Positive, Real
from symelbo.index.substitute import formal_indices
from symelbo.index.terms import Apply, Array, Domain, Entry, Extent, Role, Symbol
from symelbo.language.fault import TextError, TextFault
from symelbo.language.parse import parse_expression
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Entity, SizeName
from symelbo.limits import KEPT_DENSITIES

__all__ = ["read_density", "resolve_density"]


def resolve_density(family: Family, form: Form, extents: Mapping[str, Extent]) -> Density:
    """family, form, formal extent -> extent here: the log-density, resolved once for them.

    Raises TextError if the text has a fault.
    """
    return _resolve_once(family, form, tuple(extents.items()))


@lru_cache(maxsize=KEPT_DENSITIES)
def _resolve_once(family: Family, form: Form, extents: tuple[tuple[str, Extent], ...]) -> Density:
    faults: list[TextFault] = []
    density = read_density(family, form, dict(extents), faults.append)
    if faults:
        raise TextError(faults[0])
    return density


def read_density(
    family: Family, form: Form, extents: Mapping[str, Extent], report: Callable[[TextFault], None]
) -> Density:
    """As `resolve_density`, but every fault is reported; the term is meaningless after one."""
    if family.abstract:
        return _abstract_density(family, form, extents)
    shape = tuple(extents[name] for name in family.shape)
    value = Symbol(family.value, Role.VALUE, family.support_of(extents), shape)
    arguments = tuple(_formal_symbol(argument, extents) for argument in form.arguments)
    names: dict[str, Entity] = {name: SizeName(extent) for name, extent in extents.items()}
    names.update((argument.name, argument) for argument in arguments)
    names[value.name] = value
    categories = extents.get(family.categories)
    resolver = Resolver(form.log_density, names, report, density=True, categories=categories)
    try:
        syntax = parse_expression(form.log_density)
    except TextError as error:
        report(error.fault)
        return Density(value, arguments, ZERO)
    return Density(value, arguments, resolver.scalar(syntax, {}))


def _formal_symbol(argument: Argument, extents: Mapping[str, Extent]) -> Symbol:
    shape = tuple(extents[name] for name in argument.shape)
    return Symbol(argument.name, Role.ARGUMENT, argument.domain, shape)


def _abstract_density(family: Family, form: Form, extents: Mapping[str, Extent]) -> Density:
    """F(theta) -> sum_l eta_l(theta) T_l(x) - A(theta) (+ log h(x)), all of them abstract
    functions.

    eta has as many components as theta, and a Jacobian that is invertible everywhere
    (Warnken et al. (2025), Definition 5 and Propositions 4 and 5).
    """
    (argument,) = form.arguments
    theta = _formal_symbol(argument, extents)
    value = Symbol(family.value, Role.VALUE, family.support)
    places = formal_indices(theta.shape, "l")
    whole = Array(places, Entry(theta, places))
    given = Array((), Entry(value))

    def abstract(letter: str, domain: Domain, over: tuple[Extent, ...]) -> Symbol:
        return Symbol(family.functions[letter], Role.FUNCTION, domain, over)

    natural = Apply(abstract("eta", Invertible(), theta.shape), (whole,), places)
    statistic = Apply(abstract("T", Real(), theta.shape), (given,), places)
    linear = mul(natural, statistic)
    for place in reversed(places):
        linear = total(place, linear)
    term = add(linear, negate(Apply(abstract("A", Real(), ()), (whole,))))
    if not family.constant_base_measure:
        term = add(term, call("log", Apply(abstract("h", Positive(), ()), (given,))))
    return Density(value, (theta,), term)
