"""`variational`: any, exact, or statements whose undeclared names are parameters of q."""

from __future__ import annotations

from collections.abc import Iterator

from symelbo.families.family import Argument, Family
from symelbo.index.build import category_extent
from symelbo.index.domains import Real
from symelbo.index.range import POSITIVE
from symelbo.index.signs import domain_range, is_positive
from symelbo.index.terms import (
    Domain,
    Entry,
    Extent,
    IndexTerm,
    Mul,
    Number,
    Power,
    Role,
    Symbol,
    Term,
)
from symelbo.language.fault import TextFault, quote, suggest
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Reach
from symelbo.language.syntax import Assignment, Expression, NameSyntax, Sampling, SubscriptSyntax
from symelbo.model import word_faults
from symelbo.model.bind_call import bind_call
from symelbo.model.context import Context, Parsed
from symelbo.model.model import Statement, tell_apart
from symelbo.model.order_places import find_place_cycle
from symelbo.model.parse_statements import parse_statements
from symelbo.model.read_left_side import plate_shape, target_places
from symelbo.model.read_yaml import Node, Scalar
from symelbo.values import dataclass, field

__all__ = ["read_variational"]

_REAL: Domain = Real()


@dataclass(slots=True)
class _Seen:
    """What the uses of an undeclared name say about it."""

    reaches: list[list[Reach]] = field(default_factory=list)  # per axis, every use
    event: tuple[Extent, ...] = ()
    domain: Domain = _REAL


def read_variational(
    context: Context, node: Node | None, statements: tuple[Statement, ...], observed: frozenset[str]
) -> tuple[str | tuple[Statement, ...], tuple[Symbol, ...]]:
    """The key `variational` -> "any", "exact", or the statements of q and their symbols."""
    if node is None:
        return "any", ()
    if isinstance(node, Scalar):
        if node.text in ("any", "exact"):
            return node.text, ()
        context.fault(
            node.place,
            quote(f"variational: {node.text}"),
            "`any`, `exact`, or a list of statements",
            suggest(node.text, ("any", "exact")),
        )
        return "any", ()
    parsed, unread = parse_statements(context, node, "variational")
    nodes: dict[str, list[Statement]] = {}
    for statement in statements:
        nodes.setdefault(statement.node.name, []).append(statement)
    kept = [item for item in parsed if _is_about_latent(context, item, nodes, observed)]
    symbols = _infer_signs(context, kept, _infer_symbols(context, kept, nodes))
    names = {**context.names, **symbols}
    before = len(context.faults)
    result: list[Statement] = []
    for item in kept:
        resolved = _resolve(context, item, nodes, context.resolver(item.scalar, names))
        if resolved is not None:
            result.append(resolved)
    # a statement of a family that is faulty itself is no fault of its own, and yet not here
    if len(context.faults) == before and len(result) == len(kept):
        _check_density(context, kept, result)
    about = {item.syntax.target for item in parsed} | unread
    for name in nodes:
        if name not in observed and name not in about and len(kept) == len(parsed):
            context.fault(
                node.place,
                f"no statement of q for the latent {quote(name)}",
                "one for every latent",
                f"add `- {name} ~ Family(...)`, or write `variational: any`",
            )
    return tell_apart(result), tuple(symbols[name] for name in symbols)


def _check_density(context: Context, parsed: list[Parsed], statements: list[Statement]) -> None:
    """q is a density of every place of its latents: each has one statement, none depends on itself.

    requires: the statements are those that were parsed.
    """
    groups: dict[Symbol, list[tuple[Parsed, tuple[Reach, ...]]]] = {}
    for item, statement in zip(parsed, statements, strict=True):
        resolver = context.resolver(item.scalar)
        reaches = tuple(r for r in map(resolver.reach, statement.places) if r is not None)
        groups.setdefault(statement.node, []).append((item, reaches))
    for node, group in groups.items():
        shape = plate_shape(context, node.name, group, "a latent of q")
        for axis, extent in enumerate(shape or ()):
            if extent != node.shape[axis]:
                _other_reach(context, group[-1][0], node, axis + 1, extent)
    cycle = find_place_cycle(statements)
    if cycle is not None:
        word_faults.place_cycle(context, cycle)


def _other_reach(context: Context, item: Parsed, node: Symbol, axis: int, last: Extent) -> None:
    context.fault(
        item.place,
        f"index {axis} of {quote(node.name)} up to {last}",
        f"1 to {node.shape[axis - 1]}, as in `model`",
    )


def _is_about_latent(
    context: Context,
    item: Parsed,
    nodes: dict[str, list[Statement]],
    observed: frozenset[str],
) -> bool:
    name = item.syntax.target
    latents = [node for node in nodes if node not in observed]
    if isinstance(item.syntax, Assignment):
        context.fault(item.place, "a deterministic quantity in q", "`latent ~ Family(...)`")
    elif name in observed:
        context.fault(item.place, f"the observed node {quote(name)} in q", "a latent node")
    elif name not in nodes:
        if name in context.faulty or context.declared.get(name, ("",))[0] == "a node":
            return False  # its own statement is faulty
        context.fault(
            item.place,
            f"unknown latent {quote(name)}",
            "a latent node of `model`",
            suggest(name, latents) or (f"latent here: {', '.join(latents)}" if latents else ""),
        )
    else:
        return True
    return False


def _infer_symbols(
    context: Context, parsed: list[Parsed], nodes: dict[str, list[Statement]]
) -> dict[str, Symbol]:
    """Every undeclared name, its shape from the indices it is used with."""
    seen: dict[str, _Seen] = {}
    for item in parsed:
        assert isinstance(item.syntax, Sampling)
        _collect(context, item, item.syntax, nodes, seen)
    symbols: dict[str, Symbol] = {}
    for name, uses in seen.items():
        if name in context.declared:  # by no specification: a function of an abstract family
            context.declare(name, "a parameter of q", parsed[0].place)
        shape = tuple(_extent(axis) for axis in uses.reaches)
        symbols[name] = Symbol(name, Role.VARIATIONAL, uses.domain, (*shape, *uses.event))
    return symbols


def _ignore(_: TextFault) -> None:
    """A fault that comes again."""


def _collect(
    context: Context,
    item: Parsed,
    syntax: Sampling,
    nodes: dict[str, list[Statement]],
    seen: dict[str, _Seen],
) -> None:
    """A first resolution, only to see how undeclared names are used; its faults come again."""

    event: tuple[Extent, ...] = ()
    domain = _REAL
    direct = ""

    def note(name: str, places: tuple[IndexTerm, ...]) -> Symbol | None:
        if not context.proper_quietly(name):
            return None
        uses = seen.setdefault(name, _Seen())
        for axis, place in enumerate(places):
            reach = resolver.reach(place)
            if axis == len(uses.reaches):
                uses.reaches.append([])
            if reach is not None:
                uses.reaches[axis].append(reach)
        if name == direct:
            uses.event = event
            if uses.domain.is_line:
                uses.domain = domain
        return None

    resolver = Resolver(item.scalar.text, context.names, _ignore, undeclared=note)
    loops = resolver.ranges(syntax.ranges, {})
    family = context.family(syntax.family)
    if family is None:
        return
    node = nodes[syntax.target][0].node
    bound = dict(zip(family.shape, _event(syntax, node), strict=False))
    categories = category_extent(node.domain)
    if family.categories and categories is not None:
        bound[family.categories] = categories
    own = context.own.get(family.name)
    if own is not None:
        bound.update(own.extents)
    for formal, value in _given(family, syntax):
        direct, event, domain = "", (), _REAL
        if formal is not None and all(name in bound for name in formal.shape):
            direct = _base_name(value)
            event = tuple(bound[name] for name in formal.shape)
            domain = formal.domain
        resolver.array(value, loops)


def _given(family: Family, syntax: Sampling) -> Iterator[tuple[Argument | None, Expression]]:
    """What is given for which argument of the family, if it has such a one."""
    by_name = {a.name: a for form in family.forms for a in form.arguments}
    first = family.forms[0].arguments
    for position, argument in enumerate(syntax.arguments):
        formal = by_name.get(argument.name or "")
        if argument.name is None and position < len(first):
            formal = first[position]
        yield formal, argument.value


def _infer_signs(
    context: Context, parsed: list[Parsed], symbols: dict[str, Symbol]
) -> dict[str, Symbol]:
    """v*s[h] where a positive number is wanted, with v > 0 -> s is positive

    as it is where it is given alone: no other value of it would do.
    """
    for item in parsed:
        assert isinstance(item.syntax, Sampling)
        family = context.family(item.syntax.family)
        names = {**context.names, **symbols}
        resolver = Resolver(item.scalar.text, names, _ignore)
        loops = resolver.ranges(item.syntax.ranges, {})
        for formal, value in () if family is None else _given(family, item.syntax):
            if formal is None or formal.domain.rank or domain_range(formal.domain) != POSITIVE:
                continue
            array = resolver.array(value, loops)
            symbol = None if array is None else _factor_of_unknown_sign(array.body)
            if symbol is not None and symbols.get(symbol.name) == symbol:
                positive = Symbol(symbol.name, symbol.role, formal.domain, symbol.shape)
                return _infer_signs(context, parsed, {**symbols, symbol.name: positive})
    return symbols


def _factor_of_unknown_sign(term: Term) -> Symbol | None:
    """v s**3 -> s, the sign of which is that of the product"""
    factors = term.factors if isinstance(term, Mul) else (term,)
    match [factor for factor in factors if not is_positive(factor)]:
        case [Entry(symbol, _)]:
            pass
        case [Power(Entry(symbol, _), Number(by))] if by.denominator == 1 and by % 2:
            pass
        case _:
            return None
    return symbol if symbol.domain.is_line else None


def _event(syntax: Sampling, node: Symbol) -> tuple[Extent, ...]:
    return node.shape[len(syntax.indices) :]


def _base_name(node: Expression) -> str:
    base = node.base if isinstance(node, SubscriptSyntax) else node
    return base.name if isinstance(base, NameSyntax) else ""


def _extent(reaches: list[Reach]) -> Extent:
    """The smallest declared extent that holds every use: a symbolic one if there is any."""
    highs = [reach.high for reach in reaches]
    symbolic = [high for high in highs if high.size is not None]
    if symbolic:
        size = symbolic[0].size
        return Extent(size, max(high.offset for high in symbolic if high.size == size))
    return Extent(None, max((high.offset for high in highs), default=1))


def _resolve(
    context: Context, item: Parsed, nodes: dict[str, list[Statement]], resolver: Resolver
) -> Statement | None:
    syntax = item.syntax
    assert isinstance(syntax, Sampling)
    loops, places = target_places(context, item, resolver)
    if places is None:
        return None
    node = nodes[syntax.target][0].node
    rank = len(nodes[syntax.target][0].places)
    family = context.family(syntax.family)
    if family is not None and family.shape:  # its values are those of several places together
        rank -= min(len(family.shape), rank - len(places))
    if len(places) != rank:
        context.fault(
            item.place,
            f"{len(places)} indices on {quote(node.name)}",
            f"{rank}, as in `model`",
            f"a family of vectors is q of several places together: `{node.name} ~ MvNormal(...)`"
            if len(places) < rank
            else "",
        )
        return None
    for axis, (place, extent) in enumerate(zip(places, node.shape, strict=False), start=1):
        reach = resolver.reach(place)
        if (
            reach is not None
            and (reach.high.size != extent.size or reach.high.offset > extent.offset)
            and reach.high.size is not None
        ):
            _other_reach(context, item, node, axis, reach.high)
            return None
    call = bind_call(
        context, item, syntax, resolver, loops, (node.shape[rank:], category_extent(node.domain))
    )
    if call is None:
        return None
    support, wanted = call.family.support, node.domain
    if call.event != node.shape[rank:] or not support.fits(wanted):
        context.fault(
            item.scalar.at(syntax.family_at),
            f"q of {quote(node.name)} with {support.kind} values",
            f"a family whose values lie in the support of the prior ({wanted.kind})",
        )
        return None
    most = wanted.upper
    if wanted.is_integer and not wanted.is_place and most is not None and call.domain.upper != most:
        context.fault(
            item.scalar.at(syntax.family_at),
            f"q of {quote(node.name)} with other values than the prior, which has a greatest one",
            "a family with the same number of trials",
        )
        return None
    return call.statement(item, node, loops, places)
