"""A family's log-density text -> a term in its value and arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symelbo.families.family import Family, Form
from symelbo.index.build import add, call, mul, negate, total
from symelbo.index.domains import Invertible, Positive, Real
from symelbo.index.terms import (
    Apply,
    Array,
    Domain,
    Entry,
    Extent,
    Index,
    Role,
    Symbol,
    Term,
)
from symelbo.language.fault import TextError, TextFault
from symelbo.language.parse import parse_expression
from symelbo.language.resolve import Entity, Resolver, SizeName

__all__ = ["Density", "density_term", "read_density"]


@dataclass(frozen=True, slots=True)
class Density:
    """log p(value; arguments) as a term in Entry(value, ...) and Entry(argument, ...).

    The extents are those of the statement that uses the family; a category value stands in index
    places as Entry(value).
    """

    value: Symbol  # role VALUE, domain = the family's support
    arguments: tuple[Symbol, ...]  # role ARGUMENT, in the order of the form
    term: Term


def density_term(family: Family, form: Form, extents: Mapping[str, Extent]) -> Density:
    """family, form, formal extent -> extent here: the log-density; TextError if it has a fault."""
    faults: list[TextFault] = []
    density = read_density(family, form, extents, faults.append)
    if faults:
        raise TextError(faults[0])
    return density


def read_density(
    family: Family, form: Form, extents: Mapping[str, Extent], report: Callable[[TextFault], None]
) -> Density:
    """As `density_term`, but every fault is reported; the term is meaningless after one."""
    if family.abstract:
        return _abstract_density(family, form, extents)
    value = Symbol(
        family.value,
        Role.VALUE,
        family.support,
        tuple(extents[name] for name in family.shape),
    )
    arguments = tuple(
        Symbol(
            argument.name,
            Role.ARGUMENT,
            argument.domain,
            tuple(extents[name] for name in argument.shape),
        )
        for argument in form.arguments
    )
    names: dict[str, Entity] = {name: SizeName(extent) for name, extent in extents.items()}
    names.update((argument.name, argument) for argument in arguments)
    names[value.name] = value
    resolver = Resolver(form.log_density, names, report, density=True, categories=extents.get("K"))
    try:
        syntax = parse_expression(form.log_density)
    except TextError as error:
        report(error.fault)
        return Density(value, arguments, resolver.scalar(parse_expression("0"), {}))
    return Density(value, arguments, resolver.scalar(syntax, {}))


def _abstract_density(family: Family, form: Form, extents: Mapping[str, Extent]) -> Density:
    """F(theta) -> sum_l eta_l(theta) T_l(x) - A(theta) (+ log h(x)), all of them abstract
    functions.

    eta has as many components as theta, and a Jacobian that is invertible everywhere
    (Warnken et al. (2025), Definition 5 and Propositions 4 and 5).
    """
    (argument,) = form.arguments
    shape = tuple(extents[name] for name in argument.shape)
    theta = Symbol(argument.name, Role.ARGUMENT, argument.domain, shape)
    value = Symbol(family.value, Role.VALUE, family.support)
    places = tuple(Index(f"l{n}", extent) for n, extent in enumerate(shape))
    whole = Array(places, Entry(theta, places))
    given = Array((), Entry(value))

    def abstract(letter: str, domain: Domain, over: tuple[Extent, ...]) -> Symbol:
        return Symbol(f"{letter}_{family.name}", Role.FUNCTION, domain, over)

    natural = Apply(abstract("eta", Invertible(), shape), (whole,), places)
    statistic = Apply(abstract("T", Real(), shape), (given,), places)
    linear = mul(natural, statistic)
    for place in reversed(places):
        linear = total(place, linear)
    term = add(linear, negate(Apply(abstract("A", Real(), ()), (whole,))))
    if not family.constant_base_measure:
        term = add(term, call("log", Apply(abstract("h", Positive(), ()), (given,))))
    return Density(value, (theta,), term)
