"""Gamma functions whose large parts cancel -> functions of what is left.

    log x!    = x log x - x + logstirling(x)
    digamma x = log x - logminusdigamma(x)
    x log m - m - (x log x - x) = -deviance(x, m, log m)

The parts that grow like x log x are cancelled as polynomials; if some are left, nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symelbo.code.facts import Facts
from symelbo.code.rearrange import swap_term
from symelbo.index.build import (
    ONE,
    add,
    call,
    exp,
    log,
    mul,
    negate,
    power,
    subtract,
    total,
)
from symelbo.index.domains import Naturals, Real
from symelbo.index.normal import (
    Monomial,
    Poly,
    from_monomial,
    from_poly,
    is_zero,
    monomials_of,
    normal,
)
from symelbo.index.signs import is_positive
from symelbo.index.substitute import (
    free_indices,
    instantiate,
    map_parts,
    rename_indices,
    replace_index,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Entry,
    Extent,
    Index,
    Mul,
    Node,
    Number,
    Origin,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.index.tidy import tidy

__all__ = ["LOG_MULTINOMIAL", "complete_counts", "condense_gammas", "has_power_of_sum"]

LOG_MULTINOMIAL = Symbol("logmultinomial", Role.HIDDEN, Real())
_GAMMAS = ("loggamma", "digamma")
Counts = dict[Term, Sum]  # n -> sum_k x_k
_REST = Symbol("rest", Role.HIDDEN, Naturals())


def condense_gammas(term: Term, facts: Facts) -> Term | None:
    """log x! + ... -> logstirling(x) - deviance(x, m, log m) + ..., logchoose(x, y) + ...

    Holds for x >= 0; applies where everything of the order x log x cancels, or where a sum of
    logarithms of factorials is a binomial or multinomial coefficient.
    """
    if not isinstance(term, Add) or not any(_is_gamma(part) for part in _functions(term)):
        return None
    kept = [part for part in term.terms if has_power_of_sum(part)]
    rest = add(*(part for part in term.terms if part not in kept))
    if not any(_is_gamma(part) for part in _functions(rest)):
        return None
    named, difference = _name_difference(rest)
    counts = _counts_in(named, facts)
    found = _cancel_growth(named, facts, counts)
    if found is None:
        found = _collect_coefficients(named, counts)
    if found is None:
        return _condense_each(term, facts)
    if difference is not None:
        found = swap_term(found, Entry(_REST), difference)
    return add(*kept, found)


def _condense_each(term: Term, facts: Facts) -> Term | None:
    """sum_d f_d + D g -> sum_d (f_d + g), where the sum over one place can be condensed"""
    poly = monomials_of(term)
    for extent in dict.fromkeys(i.extent for m in poly for i in m.bound if i.low == 1):
        index, parts = Index("d", extent, origin=Origin.PASSING), []
        for monomial, value in poly.items():
            own = [i for i in monomial.bound if i.extent == extent and i.low == 1]
            if len(own) == 1:
                others = tuple(i for i in monomial.bound if i not in own)
                inner = from_monomial(Monomial(others, monomial.factors), value)
                parts.append(replace_index(inner, own[0], index))
            elif not own and (Size(str(extent)), Fraction(1)) in monomial.factors:
                rest = tuple(f for f in monomial.factors if f[0] != Size(str(extent)))
                parts.append(from_monomial(Monomial(monomial.bound, rest), value))
        found = condense_gammas(add(*parts), facts) if len(parts) == len(poly) else None
        if found is not None:
            return Sum(index, found)
    return None


# ---------------------------------------------------------------- factorials


def _cancel_growth(term: Term, facts: Facts, counts: Counts) -> Term | None:
    """The terms of the order x log x are gone, or None."""
    poly = monomials_of(_expand_gammas(term, counts))
    arguments = list(dict.fromkeys(_stirling_arguments(poly)))
    deviances, left = _collect_deviances(poly, arguments, facts)
    for bound, argument in arguments:
        growth = monomials_of(_total(bound, mul(counts.get(argument, argument), log(argument))))
        grown = {m for m in growth if any(isinstance(atom, Entry) for atom, _ in m.factors)}
        if not (grown or growth.keys()).isdisjoint(left):
            return None
    return add(*map(negate, deviances), tidy(from_poly(_restore_totals(left, facts))))


def _expand_gammas(term: Term, counts: Counts) -> Term:
    """loggamma(x + 1) -> x log x - x + logstirling(x);  digamma x -> log x - logminusdigamma(x)"""

    def on_term(part: Term) -> Term:
        match part:
            case Call("loggamma", (argument,)):
                base, shifted = _factorial_argument(argument)
                stirling = Call("logstirling", (base,))
                growth = mul(counts.get(base, base), log(base))
                whole = add(growth, negate(base), stirling)
                return whole if shifted else subtract(whole, log(base))
            case Call("digamma", (argument,)):
                return subtract(log(argument), Call("logminusdigamma", (argument,)))
            case Call():
                return part
        return map_parts(part, on_term, lambda place: place, lambda array: array)

    return on_term(term)


def _factorial_argument(argument: Term) -> tuple[Term, bool]:
    """x + 1 -> x, True: loggamma(x + 1) = log x!;  a -> a, False: loggamma(a) = log a! - log a"""
    if isinstance(argument, Add) and ONE in argument.terms:
        return subtract(argument, ONE), True
    if isinstance(argument, Number) and argument.value > 1:
        return subtract(argument, ONE), True
    return argument, False


def _counts_in(term: Term, facts: Facts) -> Counts:
    """n -> sum_k x_k, where the counts x in the term have the total n"""
    totals, counts = dict(facts.totals), {}
    for entry in _entries(term):
        if entry.symbol in totals:
            places = entry.indices[:-1]
            index = Index("k", entry.symbol.shape[-1], origin=Origin.PASSING)
            whole = instantiate(totals[entry.symbol], places)
            counts[whole] = Sum(index, Entry(entry.symbol, (*places, index)))
    return counts


def _total(bound: tuple[Index, ...], term: Term) -> Term:
    for index in bound:
        term = total(index, term)
    return term


def _restore_totals(poly: Poly, facts: Facts) -> Poly:
    """sum_k x_k -> n for counts, sum_k p_k -> 1 for probabilities"""
    result: Poly = {}
    for monomial, value in poly.items():
        replaced = _restore_total(monomial, facts)
        extra = (
            {monomial: value} if replaced is None else monomials_of(mul(Number(value), replaced))
        )
        for key, scale in extra.items():
            result[key] = result.get(key, Fraction(0)) + scale
    return {monomial: value for monomial, value in result.items() if value}


def _restore_total(monomial: Monomial, facts: Facts) -> Term | None:
    totals = dict(facts.totals)
    for index in monomial.bound:
        own = [f for f in monomial.factors if index in free_indices(f[0])]
        if len(own) != 1 or own[0][1] != 1 or not isinstance(own[0][0], Entry):
            continue
        entry = own[0][0]
        whole = index.low == 1 and entry.symbol.shape and index.extent == entry.symbol.shape[-1]
        if not whole or entry.indices[-1] != index or index in entry.indices[:-1]:
            continue
        rest = Monomial(
            tuple(i for i in monomial.bound if i != index),
            tuple(f for f in monomial.factors if f != own[0]),
        )
        if entry.symbol.domain.entry_sum == 1:
            return from_monomial(rest)
        if entry.symbol in totals:
            return mul(instantiate(totals[entry.symbol], entry.indices[:-1]), from_monomial(rest))
    return None


def _stirling_arguments(poly: Poly) -> Iterator[tuple[tuple[Index, ...], Term]]:
    """The bound indices and arguments of the functions that replaced gamma functions."""
    for monomial in poly:
        for atom, _ in monomial.factors:
            if isinstance(atom, Call) and atom.name in ("logstirling", "logminusdigamma"):
                own = tuple(i for i in monomial.bound if i in free_indices(atom))
                yield own, atom.arguments[0]


def _collect_deviances(
    poly: Poly, arguments: list[tuple[tuple[Index, ...], Term]], facts: Facts
) -> tuple[list[Term], Poly]:
    """x (l - log x) + x - exp l -> -deviance(x, exp l, l), for all arguments or for none."""
    found: list[Term] = []
    shift: list[Term] = []
    left = dict(poly)
    for bound, argument in arguments:
        slopes = _slopes(left, bound, argument)
        if not slopes:
            continue
        slope = add(*(mul(Number(value), term) for _, value, term in slopes))
        level = normal(add(slope, log(argument)))
        deviance = Call("deviance", (argument, _mean_of(level), level))
        found.append(_total(bound, deviance))
        shift.append(_total(bound, subtract(exp(_open_softplus(level)), argument)))
        for monomial, _, _ in slopes:
            del left[monomial]
    excesses = [_restore_totals(monomials_of(excess), facts) for excess in shift]
    raw = {monomial for excess in excesses for monomial in excess}
    linear = {m: v for m, v in _restore_totals(left, facts).items() if m in raw}
    if not found or not is_zero(add(from_poly(linear), *map(from_poly, excesses))):
        return [], poly
    left = _restore_totals(left, facts)
    return found, {m: v for m, v in left.items() if m not in linear}


def _slopes(
    poly: Poly, bound: tuple[Index, ...], argument: Term
) -> list[tuple[Monomial, Fraction, Term]]:
    """The monomials that are the argument times a logarithm, divided by the argument."""
    own = monomials_of(argument)
    if len(own) != 1:
        return []
    ((unit, scale),) = own.items()
    if not unit.factors or unit.bound:
        return []
    found = []
    for monomial, value in poly.items():
        if len(bound) > 1 and monomial.bound != bound:
            continue
        if [(i.extent, i.low) for i in monomial.bound] != [(i.extent, i.low) for i in bound]:
            continue
        names = dict(zip(monomial.bound, bound, strict=True))
        factors = {rename_indices(atom, names): e for atom, e in monomial.factors}
        if any(factors.get(atom) != exponent for atom, exponent in unit.factors):
            continue
        rest = [f for f in factors.items() if f not in unit.factors]
        if rest and all(_is_level(atom) for atom, _ in rest):
            quotient = mul(*(power(atom, exponent) for atom, exponent in rest))
            found.append((monomial, value / scale, quotient))
    return found


def _is_level(atom: Term) -> bool:
    """A logarithm, or a part of one that is given as such: a real number."""
    if isinstance(atom, Call):
        return atom.name in ("log", "softplus")
    return isinstance(atom, Entry) and not is_positive(atom)


def _mean_of(level: Term) -> Term:
    """log u + a - softplus(b) -> u exp(a) sigmoid(-b): exp of the level, nothing expanded"""
    factors: list[Term] = []
    rest: list[Term] = []
    flipped: list[Term] = []
    for part in level.terms if isinstance(level, Add) else (level,):
        match part:
            case Call("log", (inner,)):
                factors.append(inner)
            case Mul((Number(scale), Call("log", (inner,)))):
                factors.append(power(inner, scale))
            case Mul((Number(scale), Call("softplus", (inner,)))) if scale == -1:
                flipped.append(inner)
            case _:
                rest.append(part)
    for inner in flipped:
        own = inner.terms if isinstance(inner, Add) else (inner,)
        if all(part in rest for part in own):
            rest = [part for part in rest if part not in own]
            factors.append(call("sigmoid", inner))
        else:
            factors.append(call("sigmoid", negate(inner)))
    return mul(*factors, exp(add(*rest)))


def _open_softplus(term: Term) -> Term:
    """softplus(a) -> log(1 + exp(a)), to compare"""
    match term:
        case Call("softplus", (argument,)):
            return log(add(ONE, exp(argument)))
        case Call():
            return term
    return map_parts(term, _open_softplus, lambda place: place, lambda array: array)


# ---------------------------------------------------------------- coefficients


def _collect_coefficients(term: Term, counts: Counts) -> Term | None:
    """log (x + y)! - log x! - log y! -> logchoose(x, y), and the like of several counts."""
    if any(part.name == "digamma" for part in _functions(term)):
        return None
    poly = dict(monomials_of(_name_factorials(term)))
    alone: dict[Term, Monomial] = {}  # x -> the monomial that is log x!
    for monomial in poly:
        match monomial.factors:
            case ((Call("logfactorial", (argument,)), exponent),) if exponent == 1:
                alone[argument] = monomial
    for whole, monomial in alone.items():
        choices: list[tuple[set[Monomial], Term]] = []
        for part, other in alone.items():
            rest = normal(subtract(whole, part))
            third = alone.get(rest)
            bound = (*monomial.bound, *other.bound)
            if third is not None and third != other and not (bound or third.bound):
                choices.append(({other, third}, Call("logchoose", (part, rest))))
        if whole in counts:
            parts = Array((counts[whole].index,), counts[whole].body)
            factorials = monomials_of(Sum(counts[whole].index, Call("logfactorial", (parts.body,))))
            choices.append((set(factorials), Apply(LOG_MULTINOMIAL, (parts,))))
        for below, coefficient in choices:
            scale = poly[monomial]
            if all(poly.get(m) == -scale for m in below):
                left = {m: value for m, value in poly.items() if m not in (monomial, *below)}
                return add(mul(Number(scale), coefficient), _close_factorials(from_poly(left)))
    return None


def _name_factorials(term: Term) -> Term:
    """loggamma(x + 1) -> logfactorial(x);  loggamma(a) -> logfactorial(a) - log a"""
    match term:
        case Call("loggamma", (argument,)):
            base, shifted = _factorial_argument(argument)
            whole = Call("logfactorial", (base,))
            return whole if shifted else subtract(whole, log(base))
        case Call():
            return term
    return map_parts(term, _name_factorials, lambda place: place, lambda array: array)


def _close_factorials(term: Term) -> Term:
    """logfactorial(x) -> loggamma(x + 1)"""
    match term:
        case Call("logfactorial", (argument,)):
            return Call("loggamma", (add(argument, ONE),))
        case Call():
            return term
    return map_parts(term, _close_factorials, lambda place: place, lambda array: array)


def complete_counts(term: Term, facts: Facts) -> Term | None:
    """n f_K + sum_(k<K) x_k (f_k - f_K) -> sum_k x_k f_k, for counts x with the total n"""
    if not isinstance(term, Add) or symbols_of(term).isdisjoint(dict(facts.totals)):
        return None
    poly = monomials_of(term)
    parts: list[Term] = []
    for monomial, value in poly.items():
        whole = from_monomial(monomial, value)
        for symbol, _ in facts.totals:
            short = [
                i
                for i in monomial.bound
                if i.low == 1
                and Extent(i.extent.size, i.extent.offset + 1) == symbol.shape[-1]
                and any(
                    isinstance(a, Entry) and a.symbol == symbol and a.indices[-1] == i
                    for a, _ in monomial.factors
                )
            ]
            if len(monomial.bound) == 1 and short:
                whole = _extend(monomial, value, symbol.shape[-1])
        parts.append(whole)
    completed = _restore_totals(monomials_of(add(*parts)), facts)
    return tidy(from_poly(completed)) if len(completed) < len(poly) else None


def _extend(monomial: Monomial, value: Fraction, extent: Extent) -> Term:
    """sum_(k<K) f_k -> sum_k f_k - f_K"""
    (index,) = monomial.bound
    body = from_monomial(Monomial((), monomial.factors), value)
    longer = Index(index.name, extent)
    return subtract(
        Sum(longer, replace_index(body, index, longer)),
        replace_index(body, index, Position(extent)),
    )


# ---------------------------------------------------------------- terms


def _functions(term: Term) -> Iterator[Call]:
    """The function values in a term, but not those inside their arguments."""
    if isinstance(term, Call):
        yield term
        return
    for part in term.parts():
        if isinstance(part, Term):
            yield from _functions(part)


def _entries(item: Node) -> Iterator[Entry]:
    return (part for part in walk_parts(item) if isinstance(part, Entry))


def _is_gamma(part: Call) -> bool:
    return part.name in _GAMMAS


def has_power_of_sum(term: Term) -> bool:
    """Whether a power of a sum is a factor or a summand."""
    if isinstance(term, Power) and isinstance(term.base, Add):
        return True
    if isinstance(term, Call):
        return False
    return any(has_power_of_sum(part) for part in term.parts() if isinstance(part, Term))


def _name_difference(term: Term) -> tuple[Term, Term | None]:
    """log (n - x)!, x and n -> log y!, x and x + y"""
    for part in _functions(term):
        if part.name != "loggamma":
            continue
        base, _ = _factorial_argument(part.arguments[0])
        if not isinstance(base, Add) or len(base.terms) != 2:
            continue
        for whole in base.terms:
            less = normal(subtract(whole, base))
            free = free_indices(base) <= free_indices(term)
            if free and isinstance(whole, Entry | Size) and isinstance(less, Entry):
                named = swap_term(term, whole, add(less, Entry(_REST)))
                return named, subtract(whole, less)
    return term, None
