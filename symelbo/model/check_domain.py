"""An argument against the domain of its family: shown inside, shown outside, or a condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product

from symelbo.errors import Place
from symelbo.families.family import Argument, Family
from symelbo.index.build import ZERO, extent_length, negate, number, subtract, total
from symelbo.index.domains import Positive
from symelbo.index.normal import is_zero, monomials_of, normal
from symelbo.index.range import POSITIVE
from symelbo.index.signs import bounds, domain_range, is_integer, is_posdef, is_positive
from symelbo.index.substitute import (
    formal_indices,
    replace_selector,
    replace_symbols,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Array,
    Domain,
    Entry,
    Extent,
    Node,
    Number,
    Position,
    Role,
    Symbol,
    Term,
    sort_key,
)
from symelbo.language.fault import quote
from symelbo.language.syntax import ArgumentSyntax, Sampling
from symelbo.limits import VARIED_NODES
from symelbo.model.check_defined import (
    Need,
    conditions_of_value,
    find_never_defined,
    parts_that_need,
)
from symelbo.model.context import Context
from symelbo.model.least_sizes import is_inside, lengthen_shares
from symelbo.model.model import Condition
from symelbo.model.read_yaml import Scalar
from symelbo.notation.print_text import print_text
from symelbo.values import dataclass
from symelbo.words import fresh_name

__all__ = ["check_argument", "check_bound"]

_NODES = (Role.LATENT, Role.OBSERVED)
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
    if (at := _undefined_at(array.body)) is not None:
        context.fault(
            place,
            f"{quote(source)} as {formal.name} of {family.name}, which is not defined at {at}",
            f"an expression that has a value at every value of {at.first}",
            _own_case(context, at.first) if at.values in ((0,), (1,)) else "",
        )
        return
    if (never := find_never_defined(array.body)) is not None:
        context.fault(
            place,
            f"{quote(source)} as {formal.name} of {family.name}, which has no value:"
            f" {print_text(never)} is never positive",
            "a positive number in a logarithm or a root",
        )
        return
    found = _place_value(array, domain)
    if found.outside:
        where = "" if found.at is None else f", which is {found.value} at {found.at}"
        context.fault(
            place,
            f"{quote(source)} as {formal.name} of {family.name}{where}",
            domain.in_words,
            _plain_hint(array, domain) if found.at is None else _hint(context, found, found.at),
        )
        return
    reason = f"{formal.name} of {family.name} at {syntax.target}"
    if not found.inside:
        loops = ", ".join(" ".join(scalar.text[r.at : r.end].split()) for r in syntax.ranges)
        text = domain.condition(source) + (f" for {loops}" if loops else "")
        context.conditions.append(Condition(text, reason, place, array, domain))
    context.conditions += conditions_of_value(array, reason, place, stated=not found.inside)


def _plain_hint(array: Array, domain: Domain) -> str:
    if isinstance(array.body, Number):
        return ""
    body = array.body
    if isinstance(body, Entry) and body.symbol.role in (Role.PARAMETER, Role.CONSTANT):
        return f"declare {body.symbol.name} `{domain.kind}`"
    return domain.hint


def _hint(context: Context, found: _Found, at: _At) -> str:
    """How to write what was meant, where an argument leaves its domain at a value of a parent."""
    if not found.binary:
        return "write exp(...) or softplus(...) of it"
    return _own_case(context, at.first)


def _own_case(context: Context, name: str) -> str:
    taken = {*context.declared}
    one = fresh_name("a", taken)
    other = fresh_name("b", taken | {one})
    return f"give that case a value of its own, as in {one}*{name} + {other}*(1 - {name})"


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
        context.conditions.append(Condition(text, reason, place, Array((), margin), Positive()))


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


@dataclass(frozen=True, slots=True)
class _At:
    """Values of some nodes; without values: some value of a node."""

    names: tuple[str, ...]
    values: tuple[int | str, ...] = ()

    @property
    def first(self) -> str:
        return self.names[0]

    def __str__(self) -> str:
        if not self.values:
            return f"some {self.first}"
        return " and ".join(f"{n} = {x}" for n, x in zip(self.names, self.values, strict=True))


@dataclass(frozen=True, slots=True)
class _Found:
    """Where the values of an argument lie; `at`: a value of a node at which they lie outside."""

    inside: bool = False
    outside: bool = False
    at: _At | None = None
    value: str = ""
    binary: bool = False


def _place_value(array: Array, domain: Domain) -> _Found:
    """Whether an argument is inside its domain, or outside, for all parameters or at some value of
    its parents: no parameters make up for those.
    """
    inside = _is_inside(array, domain)
    if inside is None:
        return _Found(outside=True)
    if inside:
        return _Found(inside=True)
    body = array.body
    if isinstance(body, Entry) and body.symbol.role in (Role.PARAMETER, Role.CONSTANT):
        # a name that could be declared as what is wanted
        return _Found(outside=_tells_by_range(domain))
    if not _tells_by_range(domain):
        return _Found()
    nodes = [s for s in symbols_of(body) if s.role in _NODES]
    finite = [s for s in nodes if s.domain.is_bit and not s.domain.rank]
    all_inside = len(finite) == len(nodes) > 0
    wanted: list[Term] = []
    for values, at in _assignments(nodes):
        there = normal(_put(body, values))
        interval = bounds(there)
        if interval.misses(domain_range(domain)) or normal(negate(there)) in wanted:
            shown = str(there.value) if isinstance(there, Number) else "not"
            shown = shown if shown != "not" else "outside its domain"
            return _Found(outside=True, at=at, value=shown, binary=bool(finite))
        wanted.append(there)
        all_inside = all_inside and interval.within(domain_range(domain))
    for node in nodes:
        if node.domain.is_line and _is_odd(body, node):
            return _Found(outside=True, at=_At((node.name,)), value="negative")
    if all_inside and all(_is_affine_in_entry(body, s) for s in finite):
        return _Found(inside=True)
    return _Found()


def _tells_by_range(domain: Domain) -> bool:
    """Whether a value lies in the domain exactly if it lies in its range."""
    return not domain.rank and not domain.is_integer


def _assignments(nodes: list[Symbol]) -> Iterator[tuple[dict[Symbol, Array], _At]]:
    """Values at which all entries of each node may be at once: the ends of its support."""
    chosen = sorted(nodes, key=lambda s: s.name)[:VARIED_NODES]
    options = [node.domain.probes() or (None,) for node in chosen]
    for choice in product(*options):
        at = [(n, value) for n, value in zip(chosen, choice, strict=True) if value is not None]
        given = {node: Array(formal_indices(node.shape), number(value)) for node, value in at}
        if given:
            yield given, _At(tuple(n.name for n in given), tuple(value for _, value in at))


def _put(body: Term, values: Mapping[Symbol, Array]) -> Term:
    """The body with nodes at these values; a category is a place, and a number."""
    others = {}
    for node, value in values.items():
        if not node.domain.is_place or not isinstance(value.body, Number):
            others[node] = value
            continue
        place = Position(Extent(None, int(value.body.value)))
        for entry in sorted(_places_of(body, node), key=sort_key):
            body = replace_selector(body, entry, place)
    return replace_symbols(body, others)


def _places_of(item: Node, node: Symbol) -> set[Entry]:
    return {p for p in walk_parts(item) if isinstance(p, Entry) and p.symbol == node}


def _undefined_at(body: Term) -> _At | None:
    """A value of the parents at which a logarithm, a root or a quotient has no value."""
    nodes = [s for s in symbols_of(body) if s.role in _NODES]
    for values, at in _assignments(nodes):
        for inner, need in parts_that_need(body):
            if not set(nodes) & symbols_of(inner):
                continue
            try:
                there = normal(_put(inner, values))
            except ZeroDivisionError:
                return at
            if there == ZERO:
                if need is not Need.NONNEGATIVE:
                    return at
            elif need is not Need.NONZERO and bounds(there).misses(POSITIVE):
                return at
    return None


def _is_odd(body: Term, node: Symbol) -> bool:
    """Whether a polynomial in a real node has odd degree, so that it takes both signs."""
    degree = 0
    for monomial in monomials_of(body):
        own = 0
        for atom, exponent in monomial.factors:
            if isinstance(atom, Entry) and atom.symbol == node and exponent.denominator == 1:
                own += int(exponent)
            elif node in symbols_of(atom):
                return False
        degree = max(degree, own)
    return degree % 2 == 1


def _is_affine_in_entry(body: Term, node: Symbol) -> bool:
    """Whether one entry of a binary node occurs, so that its two values are all there is."""
    entries = {atom for m in monomials_of(body) for a, _ in m.factors for atom in _entries(a, node)}
    return len(entries) == 1


def _entries(term: Term, node: Symbol) -> set[Entry]:
    @cache
    def visit(item: Term) -> frozenset[Entry]:
        if isinstance(item, Entry):
            return frozenset((item,) if item.symbol == node else ())
        return frozenset().union(*(visit(p) for p in item.parts() if isinstance(p, Term)))

    return set(visit(term))


def _is_share(array: Array, domain: Domain) -> bool:
    """Whether entries are shown to be positive and to have the sum that is wanted of them."""
    if domain.entry_sum is None or domain_range(domain).lower != 0:
        return False
    body, index = array.body, array.indices[-1]
    whole = subtract(total(index, body), number(domain.entry_sum))
    return is_positive(body) and is_zero(whole)


def _is_inside(array: Array, domain: Domain) -> bool | None:
    """True if shown inside, None if shown outside, False if neither."""
    body = array.body
    if rank := domain.rank:
        if isinstance(body, Number):
            return None
        if isinstance(body, Entry) and body.symbol.domain == domain:
            # the whole last axes, not a section across them
            return body.indices[-rank:] == array.indices[-rank:]
        if domain.is_definite:
            return is_posdef(Array(array.indices[-rank:], normal(body)))
        return _is_share(array, domain)
    if domain.is_integer and isinstance(body, Number) and body.value.denominator != 1:
        return None
    interval, allowed = bounds(body), domain_range(domain)
    if interval.misses(allowed):
        return None
    if domain.is_integer and not is_integer(body):
        return False
    return is_inside(body, domain) or is_inside(lengthen_shares(body)[0], domain)
