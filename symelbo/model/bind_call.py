"""`Normal(mean, precision=p)` -> the family, its form and the actual arguments."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.families.density import Density
from symelbo.families.family import Argument, Family, Form
from symelbo.index.signs import is_positive
from symelbo.index.substitute import formal_indices, free_indices, replace_symbols, symbols_of
from symelbo.index.terms import Array, Domain, Entry, Extent, IndexTerm, Symbol
from symelbo.language.density import resolve_density
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Loops, array_shape, is_tainted
from symelbo.language.syntax import ArgumentSyntax, Sampling
from symelbo.model import word_faults
from symelbo.model.check_domain import check_argument, check_bound
from symelbo.model.context import Context, Parsed
from symelbo.model.model import Condition, Statement
from symelbo.values import dataclass, replace

__all__ = ["Call", "bind_call", "foresee_domain"]


@dataclass(frozen=True, slots=True)
class Call:
    """A family with its actual arguments; `extents`: of its arguments and its value, here."""

    family: Family
    form: Form
    arguments: tuple[tuple[str, Array], ...]
    extents: tuple[tuple[str, Extent], ...]
    density: Density
    conditions: tuple[Condition, ...] = ()

    def statement(
        self, item: Parsed, node: Symbol, loops: Loops, places: tuple[IndexTerm, ...]
    ) -> Statement:
        """node[places] ~ this call, for all values of the loop variables."""
        return Statement(
            node=node,
            plates=tuple(loops.values()),
            family=self.family,
            form=self.form,
            arguments=self.arguments,
            extents=self.extents,
            density=_put_on_support(self.density, node.domain),
            place=item.place,
            places=places,
            conditions=self.conditions,
        )

    @property
    def event(self) -> tuple[Extent, ...]:
        """The shape of one value: () of a scalar, (D,) of a vector."""
        bound = dict(self.extents)
        return tuple(bound[name] for name in self.family.shape)

    @property
    def domain(self) -> Domain:
        """The support of the value, with the statement's own arguments in its bounds."""
        support = self.family.support_of(dict(self.extents))
        return _actual_support(support, dict(self.arguments))


def _put_on_support(density: Density, of_node: Domain) -> Density:
    """The family's density, of a value with the support that it has in a statement.

    A bound that varies from place to place stays formal.
    """
    support, events = density.value.domain, formal_indices(density.value.shape)
    if not support.is_integer and type(of_node) is not type(support):
        return density
    value = replace(density.value, domain=of_node)
    term = replace_symbols(density.term, {density.value: Array(events, Entry(value, events))})
    return Density(value, density.arguments, term)


def _actual_support(support: Domain, arguments: Mapping[str, Array]) -> Domain:
    """The support with the statement's arguments in its bounds; wider where these vary by place."""
    bounds = [support.lower, support.upper]
    for number, bound in enumerate(bounds):
        if bound is None:
            continue
        formal = {s: arguments[s.name] for s in symbols_of(bound) if s.name in arguments}
        actual = replace_symbols(bound, formal)
        if free_indices(actual):
            return support.without_ends(number == 0 and is_positive(actual))
        bounds[number] = actual
    return support.with_ends(*bounds)


def foresee_domain(context: Context, syntax: Sampling) -> Domain | None:
    """The support of a node before its arguments are read; None where it depends on them."""
    family = context.family(syntax.family)
    if family is None or family.shape or family.support.is_place:
        return None
    bounds = [family.support.lower, family.support.upper]
    if any(bound is not None and symbols_of(bound) for bound in bounds):
        return None
    return _actual_support(family.support, {})


def bind_call(
    context: Context,
    item: Parsed,
    syntax: Sampling,
    resolver: Resolver,
    loops: Loops,
    about: tuple[tuple[Extent, ...], Extent | None] | None = None,
) -> Call | None:
    """`Normal(mean, precision=p)` -> the family, its form and the actual arguments.

    `about`: event shape and number of categories of the node that a statement of q is about.
    """
    family = context.family(syntax.family)
    if family is None and syntax.family in context.broken_families:
        return None
    if family is None:
        word_faults.unknown_family(context, item, syntax)
        # its arguments may hold faults of their own
        for argument in syntax.arguments:
            resolver.array(argument.value, loops)
        return None
    chosen = _choose_form(context, item, syntax, family)
    if chosen is None:
        for argument in syntax.arguments:
            resolver.array(argument.value, loops)
        return None
    form, values = chosen
    extents: dict[str, Extent] = {}
    if about is not None:
        event, categories = about
        extents.update(zip(family.shape, event, strict=False))
        if family.categories and categories is not None:
            extents[family.categories] = categories
    own = context.own.get(family.name)
    if own is not None:
        extents.update(own.extents)  # sizes of the model, not free
    arguments: list[tuple[str, Array]] = []
    before = len(context.conditions)
    for formal, value in zip(form.arguments, values, strict=True):
        array = _argument(context, item, family, formal, value, resolver, loops, extents)
        if array is not None:
            if not is_tainted(array):
                check_argument(context, item.scalar, syntax, family, formal, value, array)
            arguments.append((formal.name, array))
            named = resolver.in_names(value.value, loops)
            if named is not None and named.indices == array.indices:
                context.written.setdefault(array.body, named.body)
    for formal, value, (_, array) in zip(form.arguments, values, arguments, strict=False):
        if formal.above is not None and formal.above[0] in extents:
            extent, by = extents[formal.above[0]], formal.above[1]
            limit = Extent(extent.size, extent.offset + by)
            check_bound(context, item.scalar, syntax, family, formal, value, array, limit)
    unbound = {name for formal in form.arguments for name in formal.shape} - set(extents)
    unbound |= set(family.shape) - set(extents)
    if len(arguments) != len(form.arguments) or unbound:
        return None
    conditions = tuple(context.conditions[before:])
    density = resolve_density(family, form, extents) if own is None else own.density
    return Call(family, form, tuple(arguments), tuple(extents.items()), density, conditions)


def _choose_form(
    context: Context, item: Parsed, syntax: Sampling, family: Family
) -> tuple[Form, tuple[ArgumentSyntax, ...]] | None:
    """The form that the names select, and its arguments in order."""
    forms = family.forms
    given = syntax.arguments
    named: dict[str, ArgumentSyntax] = {}
    positional: list[ArgumentSyntax] = []
    known = {argument.name for form in forms for argument in form.arguments}
    for argument in given:
        if argument.name is None:
            if named:
                word_faults.argument_without_name(context, item, family, argument)
                return None
            positional.append(argument)
        elif argument.name not in known:
            word_faults.unknown_argument(context, item, family, argument, argument.name)
            return None
        elif argument.name in named:
            word_faults.second_argument(context, item, argument, argument.name)
            return None
        else:
            named[argument.name] = argument
    for form in forms if named else forms[:1]:
        names = [argument.name for argument in form.arguments]
        rest = names[len(positional) :]
        if len(given) == len(names) and set(rest) == set(named):
            return form, (*positional, *(named[name] for name in rest))
    word_faults.no_form(context, item, syntax, family, [*("_" for _ in positional), *named])
    return None


def _argument(
    context: Context,
    item: Parsed,
    family: Family,
    formal: Argument,
    value: ArgumentSyntax,
    resolver: Resolver,
    loops: Loops,
    extents: dict[str, Extent],
) -> Array | None:
    """One actual argument, its shape checked against (or binding) the formal extents."""
    if not formal.shape:
        before = len(context.faults)
        term = resolver.scalar(value.value, loops)
        return Array((), term) if len(context.faults) == before else None
    array = resolver.array(value.value, loops)
    if array is None:
        return None
    shape = array_shape(array)
    if len(shape) != len(formal.shape):
        word_faults.other_argument_rank(context, item, family, formal, value, len(shape))
        return None
    for name, extent in zip(formal.shape, shape, strict=True):
        known = extents.setdefault(name, extent)
        if known != extent:
            word_faults.other_length(context, item, family, formal, value, extent, known)
            return None
    return array
