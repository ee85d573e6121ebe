"""A factor that holds -> log p, its derivative along the motion, and what they differ by."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.answer.worked import Step, WorkedIdentity
from symelbo.criterion.factor import Factor
from symelbo.criterion.identity import Identity
from symelbo.criterion.motion import Latent, Motion
from symelbo.entropy.summand import Summand
from symelbo.expfam.respond import respond, value_at
from symelbo.expfam.separate_change import rate_symbol, shift_symbol, value_velocity
from symelbo.index.build import add, negate
from symelbo.index.differentiate import derivative_along
from symelbo.index.name_parts import derivative_form
from symelbo.index.substitute import instantiate, replace_symbols
from symelbo.index.terms import Array, Symbol, Term
from symelbo.index.tidy import tidy, tidy_residuals, tidy_short
from symelbo.proof.abbreviate import Short, abbreviate
from symelbo.proof.quantity_names import QuantityNames

__all__ = ["work_identity"]


def work_identity(
    identity: Identity,
    motion: Motion,
    entropy: Summand | None,
    names: QuantityNames,
) -> tuple[WorkedIdentity, list[Step]]:
    """log p, D log p -> b - H~ + d, with the derivatives of the arguments that lead there.

    entropy: that of the factor in the sum, whose abbreviations are kept.
    """
    factor = identity.factor
    short = abbreviate(factor, entropy, names)
    velocities = motion.velocities()
    change = derivative_form(factor.log_density, velocities)
    shown = tidy(identity.entropy)
    if entropy is not None and entropy.pointwise is not None:
        shown = entropy.pointwise
    worked = WorkedIdentity(
        short.chosen,
        short.put_squares(factor.change.density.term),
        _speeds(short, names),
        _by_chain_rule(short, identity, motion.latents, change),
        tidy(identity.base),
        shown,
        tidy(identity.divergence),
    )
    result = add(identity.base, identity.divergence, negate(identity.entropy))
    return worked, [
        Step(
            "differentiate_density",
            factor.name,
            factor.log_density,
            change,
            "D log p along the motion",
        ),
        Step(
            "state_identity",
            factor.name,
            change,
            result,
            "log p - D log p = b - H~ + d",
            evidence="proved for all sizes by the kernel, and tried at random points",
        ),
    ]


def _speeds(short: Short, names: QuantityNames) -> tuple[tuple[Term, Term], ...]:
    """d/ds of every argument of the family, with the velocities of what it mentions."""
    found: dict[tuple[Term, Term], None] = {}  # Gamma(a, a) has one argument twice
    for argument, array in short.factor.arguments().items():
        shown = instantiate(short.mapping[argument], array.indices)
        found[shown, names.speed_of(array.body, shown)] = None
    return tuple(found)


def _by_chain_rule(
    short: Short, identity: Identity, latents: Mapping[Symbol, Latent], change: Term
) -> Term:
    """D log p in the abbreviated arguments; as it is where the family has no such response."""
    factor = short.factor
    response = respond(factor.change, identity.gauge, identity.travel)
    if response is None or identity.formal is None:
        return tidy_short(change)
    field = dict(response.values)
    own = value_velocity(factor.value)
    if own is not None:
        still = value_at(factor.value, identity.travel)
        field[factor.value] = Array(own.indices, replace_symbols(own.body, still))
    formal = derivative_along(factor.change.density.term, field)
    known = _numbers(factor, latents)
    return replace_symbols(tidy_residuals(replace_symbols(formal, known)), short.mapping)


def _numbers(factor: Factor, latents: Mapping[Symbol, Latent]) -> dict[Symbol, Array]:
    """r and s of the value as the motion has them."""
    moved = factor.moved({}, latents)
    symbols = rate_symbol(factor.value), shift_symbol(factor.value)
    return {symbol: moved[symbol] for symbol in symbols}
