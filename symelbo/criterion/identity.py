"""The identity (U) of one factor along a motion: log p - D log p = b - H~ + d."""

from __future__ import annotations

from symelbo.criterion.factor import Factor, generalize
from symelbo.criterion.motion import Motion
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel, base_share, respond, takes_base, value_at
from symelbo.expfam.separate_change import speed
from symelbo.index.build import ZERO, add, mul, negate, subtract, total
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import from_monomial, from_poly, monomials_of, normal
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Symbol, Term
from symelbo.values import dataclass

__all__ = ["Identity", "state_identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """(U) of a factor at one point of its plates, in the model's symbols.

    base: b, up to an additive constant the logarithm of the base measure; entropy: H~, the entropy
    where b = 0, else the pseudo-entropy for the base measure e^b; divergence: d, the sum of r over
    the value; formal and formal_base: H~ and b in the family's symbols, None where they were not
    derived so; base_change: D b, free of the value.
    """

    factor: Factor
    gauge: Gauge
    travel: Travel
    base: Term
    entropy: Term
    divergence: Term
    formal: Term | None
    formal_base: Term | None
    base_change: Term
    shares: tuple[tuple[Term, Term], ...] = ()  # (statistic, its share of the base measure)

    @property
    def name(self) -> str:
        """The label of the factor."""
        return self.factor.name

    @property
    def is_entropy(self) -> bool:
        """Whether H~ is the entropy of the density, b being constant (Theorem 1)."""
        return self.gauge is Gauge.CONSTANT


def state_identity(factor: Factor, gauge: Gauge, travel: Travel, motion: Motion) -> Identity:
    """b, H~ and d of a factor whose equations the motion solves.

    b = sum_k c_k' T_k with the constants c_k that the coefficients of log p - D log p come to (and
    with what is constant in the density), H~ = d - R, the rest, the arguments moving as they must.
    """
    velocities = motion.velocities()
    mapping = factor.moved(velocities, motion.latents)
    divergence = motion.divergence(factor.statement)
    summands, shares = [], []
    for part in factor.parts():
        share = base_share(factor.change, part, gauge, travel)
        share = replace_symbols(share, mapping)
        if gauge is Gauge.SHIFTED and takes_base(factor.change, part, travel):
            still = value_at(factor.value, travel)
            whole = replace_symbols(replace_symbols(part.coefficient, still), mapping)
            share = _known(whole)
        if share == ZERO:
            continue
        statistic = replace_symbols(part.statistic, mapping)
        shares.append((statistic, share))
        term = mul(share, statistic)
        for index in reversed(part.indices):
            term = total(index, term)
        summands.append(term)
    norm = _norm(factor, gauge)
    own_norm = replace_symbols(norm, mapping)
    base = normal(add(*summands, own_norm))
    formal = _formal_entropy(factor, gauge, travel)
    if formal is not None:
        entropy = normal(replace_symbols(formal, mapping))
    else:
        rest = subtract(replace_symbols(factor.change.rest, mapping), own_norm)
        entropy = normal(subtract(divergence, rest))
    change = normal(derivative_along(base, velocities))
    return Identity(
        factor,
        gauge,
        travel,
        base,
        entropy,
        divergence,
        formal,
        _formal_base(factor, gauge, travel),
        change,
        tuple(shares),
    )


def _known(term: Term) -> Term:
    """A coefficient as the constant that it is."""
    (expanded,) = generalize([term]) or (ZERO,)
    return normal(expanded)


def _norm(factor: Factor, gauge: Gauge) -> Term:
    """What is constant in the density, the share of R that a base measure takes along."""
    if gauge is Gauge.CONSTANT:
        return ZERO
    change = factor.change
    changing = {*change.density.arguments, change.density.value}
    kept = {
        monomial: scale
        for monomial, scale in monomials_of(change.density.term).items()
        if not changing & symbols_of(from_monomial(monomial))
    }
    return from_poly(kept)


def _formal_base(factor: Factor, gauge: Gauge, travel: Travel) -> Term | None:
    """sum_k c_k' T_k with the textbook shares, in the family's symbols."""
    if gauge is Gauge.SHIFTED:
        return None
    summands = []
    for part in factor.change.parts:
        term = mul(base_share(factor.change, part, gauge, travel), part.statistic)
        for index in reversed(part.indices):
            term = total(index, term)
        summands.append(term)
    return normal(add(*summands, _norm(factor, gauge)))


def _formal_entropy(factor: Factor, gauge: Gauge, travel: Travel) -> Term | None:
    """H~ in the arguments of the family, r and s; r and s cancel where b is 0."""
    response = respond(factor.change, gauge, travel)
    if response is None or gauge is Gauge.SHIFTED:
        return None
    change = factor.change
    values: dict[Symbol, Array] = {
        speed(argument): array for argument, array in response.values.items()
    }
    still = value_at(factor.value, travel)
    rest = add(change.divergence, negate(change.rest), _norm(factor, gauge))
    return normal(replace_symbols(replace_symbols(rest, values), still))
