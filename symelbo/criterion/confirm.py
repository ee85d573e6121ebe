"""What was found, handed to the checkers: a motion counts only if (U) is proved along it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from symelbo.certify.certificate import Certificate
from symelbo.certify.claim import (
    DensityClaim,
    IdentityClaim,
    MotionClaim,
    MotionWithIdentities,
    state_density,
)
from symelbo.certify.state import check_claim, check_refutation
from symelbo.criterion.factor import Factor
from symelbo.criterion.find_motion import Proposal
from symelbo.criterion.identity import Identity, state_identity
from symelbo.criterion.motion import Motion
from symelbo.criterion.refute import Budget
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Role
from symelbo.limits import PROPOSALS
from symelbo.words import join_words

__all__ = [
    "claim_identity",
    "claim_motion",
    "confirm_component",
    "confirm_refutation",
    "first_confirmed",
]

_BOUND = (Role.PARAMETER, Role.LATENT, Role.OBSERVED, Role.VARIATIONAL)


def confirm_component(proposal: Proposal) -> list[str]:
    """Reasons why the motion of a component is not proved; empty if it is."""
    attempt, motion = proposal.attempt, proposal.motion
    identities = [
        state_identity(factor, gauge, factor.travel(attempt.moving), motion)
        for factor, gauge in zip(attempt.factors, attempt.gauges, strict=True)
    ]
    unknown = [reason for identity in identities for reason in _name_bound(identity)]
    if unknown:
        return unknown
    claim = MotionWithIdentities(
        claim_motion(motion),
        tuple(map(claim_identity, identities)),
        proposal.nonzero,
        bool(attempt.variational),
    )
    statements = [f.statement for f in attempt.factors]
    q = [f.statement for f in attempt.variational]
    return check_claim(
        claim,
        [state_density(statement) for statement in statements],
        [state_density(statement) for statement in q],
        attempt.least,
    )


def _name_bound(identity: Identity) -> list[str]:
    """What stands in a base measure that is found to be free of it, which nobody could check."""
    bound = sorted(
        symbol.name
        for symbol in symbols_of(identity.base)
        if symbol.role in _BOUND and symbol != identity.factor.node
    )
    if not bound:
        return []
    return [f"the base measure of {identity.name} is not written without {join_words(bound)}"]


def confirm_refutation(
    certificate: Certificate, factors: Sequence[Factor], model: Sequence[Factor] = ()
) -> list[str]:
    """Reasons why a certificate against some factors of a model is not accepted; empty if it is."""
    return check_refutation(certificate, _stated(factors), _stated(model))


def _stated(factors: Sequence[Factor]) -> list[DensityClaim]:
    return [state_density(factor.statement) for factor in factors]


def first_confirmed(
    proposals: Iterable[Certificate],
    factors: Sequence[Factor],
    budget: Budget,
    model: Sequence[Factor] = (),
) -> Certificate | None:
    """The first proposal that the checker accepts, of a few; the budget pays for a check that is
    cut.
    """
    chosen, every = _stated(factors), _stated(model)
    for certificate in islice(proposals, PROPOSALS):
        if not check_refutation(certificate, chosen, every, budget.pay_for_cut):
            return certificate
    return None


def claim_motion(motion: Motion) -> MotionClaim:
    """The motion as the checker reads it."""
    return MotionClaim(
        motion.parameters,
        {node: latent.rate for node, latent in motion.latents.items()},
        {node: latent.shift for node, latent in motion.latents.items()},
        motion.variational,
    )


def claim_identity(identity: Identity) -> IdentityClaim:
    """(U) of a factor as the checker reads it."""
    return IdentityClaim(
        identity.name,
        identity.base,
        identity.entropy,
        identity.divergence,
        identity.base_change,
    )
