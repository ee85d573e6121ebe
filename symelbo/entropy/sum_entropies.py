"""Results of the factors -> the entropy sum, as the theorem has it and as it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symelbo.criterion.factor import Factor
from symelbo.criterion.identity import Identity
from symelbo.criterion.result import Holds, Result
from symelbo.entropy.entropy_of_density import entropy_of_statement
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.entropy.summand import Average, EntropySum, Kind, Summand, varying
from symelbo.index.build import ZERO, add, mul, negate, number
from symelbo.index.domains import Real
from symelbo.index.known_arrays import KnownArrays
from symelbo.index.normal import normal
from symelbo.index.substitute import count_subterms, replace_symbols, symbols_of
from symelbo.index.terms import Add, Apply, Array, Entry, Role, Symbol, Term
from symelbo.index.tidy import tidy
from symelbo.limits import SHORT_SUBTERMS
from symelbo.model.model import Model
from symelbo.notation.arrange import split_sign
from symelbo.values import replace

__all__ = ["SHORT_NAMES", "name_argument", "sum_entropies"]

SHORT_NAMES = {"logit": "a", "logits": "a", "log_rate": "a", "mean": "m", "location": "m"}


def sum_entropies(
    model: Model, results: Sequence[Result], posterior: ExactPosterior | None
) -> EntropySum | None:
    """S = mean H[q] - sum_f E H_f + sum_f E b_f over the factors that hold.

    None if no factor holds.  Source: the exact identity F = S + dF/ds of the criterion (U);
    Warnken et al. (2025), Eqns 3, 49 and 50.
    """
    entropies: list[Summand] = []
    bases: list[Summand] = []
    remainders: list[Summand] = []
    taken = _taken_names(model)
    quantities = KnownArrays(model.quantities)
    chosen: dict[str, tuple[Symbol, Array]] = {}
    for result in results:
        factor = result.factor
        if not isinstance(result, Holds):
            remainders.append(_cross_entropy(factor))
            continue
        identity = result.identity
        entropies.append(_entropy(factor, identity, taken, quantities, chosen))
        chosen |= {pair[0].name: pair for pair in entropies[-1].abbreviations}
        if identity.base != ZERO:
            bases.append(_base(factor, identity))
    if not entropies:
        return None
    of_q = [_entropy_of_q(model, posterior)] if model.latents else []
    summands = (*of_q, *entropies, *bases, *remainders)
    data = [s.label for s in model.statements if s.node.role is Role.OBSERVED]
    return EntropySum(summands, merge_summands(summands, data))


def _entropy(
    factor: Factor,
    identity: Identity,
    taken: frozenset[str],
    quantities: KnownArrays,
    earlier: Mapping[str, tuple[Symbol, Array]],
) -> Summand:
    term = normal(factor.over_plates(identity.entropy))
    kind = Kind.ENTROPY if identity.is_entropy else Kind.PSEUDO_ENTROPY
    whole = tidy(identity.entropy)
    pointwise, short = abbreviate_arguments(factor, identity, whole, taken, quantities, earlier)
    return Summand(kind, -1, (factor.name,), varying(term), term, pointwise, factor.plates, short)


def _base(factor: Factor, identity: Identity) -> Summand:
    term = normal(factor.over_plates(identity.base))
    return Summand(Kind.BASE, 1, (factor.name,), varying(term), term, tidy(term))


def _cross_entropy(factor: Factor) -> Summand:
    return Summand(Kind.REMAINDER, 1, (factor.name,), varying(factor.log_density), None)


def merge_summands(summands: Sequence[Summand], data: Sequence[str]) -> tuple[Summand, ...]:
    """H[q] - H_z - H_x - E H_y + .. -> (H[q] - H_z) - H_x - E H_y + ..: what cancels between q and
    the latents is cancelled, the entropies of the data stay whole, equal summands are one.

    data: the factors of observed nodes.

    requires: all are of one sum; ensures: the sum is the same; what is averaged, and what is no sum
    of its own, is read without a minus in front.
    """
    merged: list[Summand] = []
    rest = list(summands)
    if rest[0].kind is Kind.OF_Q and rest[0].term is not None:
        fixed = [s for s in rest if s.is_entropy and s.average is Average.NONE]
        taken = [s for s in fixed if s.node not in data]
        whole = normal(add(rest[0].term, *(negate(s.known) for s in taken)))
        merged = _by_average(tuple(s.node for s in taken), whole)
        rest = [s for s in rest[1:] if s not in taken]
    rest.sort(key=_place)
    found = [*merged, *_merge_equal(rest)]
    found = [s for s in found if s.term != ZERO] or found[:1]
    if all(s.average is Average.NONE for s in found):
        # an abbreviation has no meaning in a closed form
        found = [_expand(s) if s.abbreviations else s for s in found]
    return tuple(map(_orient, found))


def _place(summand: Summand) -> int:
    """H[q], fixed entropies, averaged entropies, base measures, cross-entropies."""
    order = {Kind.OF_Q: 0, Kind.BASE: 3, Kind.REMAINDER: 4}
    return order.get(summand.kind, 1 if summand.average is Average.NONE else 2)


def _by_average(nodes: tuple[str, ...], term: Term) -> list[Summand]:
    """a(n) + b(z) + c -> mean a(n), E_q b(z), c, apart from what is 0."""
    parts: dict[Average, list[Term]] = {Average.DATA: [], Average.Q: [], Average.NONE: []}
    for part in term.terms if isinstance(term, Add) else (term,):
        over = varying(part)
        parts[Summand(Kind.MERGED, 1, nodes, over, part).average].append(part)
    found = []
    for group in parts.values():
        whole = add(*group)
        if whole != ZERO:
            found.append(Summand(Kind.MERGED, 1, nodes, varying(whole), whole, tidy(whole)))
    return found


def _merge_equal(summands: Sequence[Summand]) -> list[Summand]:
    """-H - H -> -2 H, the first of them keeping its place."""
    found: dict[object, list[Summand]] = {}
    for summand in summands:
        same = (summand.kind, summand.sign, summand.known) if summand.term is not None else summand
        found.setdefault(same, []).append(summand)
    return [_together(group) for group in found.values()]


def _together(group: Sequence[Summand]) -> Summand:
    first = group[0]
    if len(group) == 1:
        return first
    count = number(len(group))
    nodes = tuple(node for summand in group for node in summand.nodes)
    return replace(
        first,
        nodes=nodes,
        term=normal(mul(count, first.known)),
        pointwise=mul(count, first.display),
        plates=(),
    )


def _expand(summand: Summand) -> Summand:
    return replace(summand, pointwise=tidy(summand.known), plates=(), abbreviations=())


def _orient(summand: Summand) -> Summand:
    """-(-a) -> a; a fixed sum has a sign for each of its terms instead."""
    if summand.term is None:
        return summand
    display = summand.display
    if summand.average is Average.NONE and isinstance(display, Add):
        return summand
    sign, body = split_sign(display)
    if sign > 0:
        return summand
    return replace(
        summand, sign=-summand.sign, term=normal(negate(summand.known)), pointwise=body, plates=()
    )


def name_argument(
    quantities: KnownArrays, argument: Symbol, array: Array
) -> tuple[Symbol, Array, Entry] | None:
    """A long argument as the user named it: the symbol, what it stands for, and its entry here.

    quantities: those of the user; None where the argument is none of them.
    """
    entry = quantities.entry_of(array.body)
    if entry is None:
        return None
    known = quantities.arrays[entry.symbol]
    symbol = Symbol(entry.symbol.name, Role.ARGUMENT, argument.domain, entry.symbol.shape)
    return symbol, known, Entry(symbol, entry.indices)


def abbreviate_arguments(
    factor: Factor,
    identity: Identity,
    whole: Term,
    taken: frozenset[str],
    quantities: KnownArrays,
    earlier: Mapping[str, tuple[Symbol, Array]],
) -> tuple[Term, tuple[tuple[Symbol, Array], ...]]:
    """H(eta(long expression)) -> H(a), a := long expression, where that is shorter to read.

    taken: names that mean something else; earlier: those that other factors chose.
    """
    formal = identity.formal
    if formal is None:
        return whole, ()
    if factor.statement.family.abstract:
        (given,) = factor.arguments().values()
        function = Symbol(factor.statement.family.functions["H"], Role.FUNCTION, Real())
        return Apply(function, (given,)), ()
    mapping: dict[Symbol, Array] = dict(factor.actual())
    known, chosen = dict(earlier), dict[Symbol, Array]()
    length = 0
    for argument, array in factor.arguments().items():
        if argument not in symbols_of(formal) or count_subterms(array.body) <= SHORT_SUBTERMS:
            continue
        named = name_argument(quantities, argument, array)
        if named is None or known.get(named[0].name, named[:2]) != named[:2]:
            name = SHORT_NAMES.get(argument.name, argument.name)
            while name in taken or name in known:
                name += f"_{factor.statement.node.name}"
            places = (*factor.plates, *array.indices)
            shape = tuple(index.extent for index in places)
            symbol = Symbol(name, Role.ARGUMENT, argument.domain, shape)
            named = symbol, Array(places, array.body), Entry(symbol, places)
        symbol, meaning, entry = named
        mapping[argument] = Array(array.indices, entry)
        known[symbol.name], chosen[symbol] = (symbol, meaning), meaning
        length += count_subterms(array.body)
    short = tidy(normal(replace_symbols(formal, mapping)))
    if not chosen or count_subterms(whole) <= count_subterms(short) + length:
        return whole, ()
    return short, tuple(chosen.items())


def _taken_names(model: Model) -> frozenset[str]:
    symbols = (*model.parameters, *model.constants, *model.inputs, *model.functions)
    names = {s.name for s in (*symbols, *model.variational_symbols, *dict(model.definitions))}
    return frozenset(names | set(model.sizes) | {s.node.name for s in model.statements})


def _entropy_of_q(model: Model, posterior: ExactPosterior | None) -> Summand:
    """H[q_n], in closed form where it has one."""
    term = None
    if isinstance(model.variational, str):
        term = posterior.entropy if posterior is not None else None
    elif {s.node for s in model.variational} == {s.node for s in model.latents}:
        parts = [entropy_of_statement(statement) for statement in model.variational]
        known = [part for part in parts if part is not None]
        term = normal(add(*known)) if len(known) == len(parts) else None
    if term is None:
        return Summand(Kind.OF_Q, 1, (), (), None)
    return Summand(Kind.OF_Q, 1, (), varying(term), term, tidy(term))
