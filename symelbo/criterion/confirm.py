"""What was found, handed to the checkers: a motion counts only if (U) is proved along it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from symelbo.certify.certificate import Certificate, RefutedFactor, check_certificate
from symelbo.certify.criterion import (
    FactorClaim,
    MotionClaim,
    check_closure,
    check_factor,
    check_motion,
)
from symelbo.certify.kernel import Hypotheses
from symelbo.criterion.factor import Factor, is_parent
from symelbo.criterion.find_motion import Proposal
from symelbo.criterion.identity import Identity, state_identity
from symelbo.criterion.motion import Motion
from symelbo.index.build import ONE, ZERO, add, negate
from symelbo.index.domains import Naturals
from symelbo.index.solve import formal_indices
from symelbo.index.substitute import part_names, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Extent, IndexTerm, Term, literal_place
from symelbo.model.model import Statement
from symelbo.trial.evaluate import walk

__all__ = [
    "claim_factor",
    "claim_motion",
    "confirm_component",
    "confirm_refutation",
    "first_confirmed",
    "hypotheses",
    "least_sizes",
]


MAX_PROPOSALS = 3  # of certificates that the checker looks at
MAX_NODES = 3  # binary ones in a condition, of which both values are used


def confirm_component(proposal: Proposal) -> list[str]:
    """Reasons why the motion of a component is not proved; empty if it is."""
    attempt, motion = proposal.attempt, proposal.motion
    claim = claim_motion(motion)
    statements = [f.statement for f in (*attempt.factors, *attempt.variational)]
    given = hypotheses(statements, proposal.nonzero)
    reasons = check_motion(claim, given)
    if reasons:
        return reasons
    for factor, gauge in zip(attempt.factors, attempt.gauges, strict=True):
        identity = state_identity(factor, gauge, factor.travel(attempt.moving), motion)
        reasons += check_factor(claim_factor(factor, identity), claim, given)
    for q in attempt.variational:
        reasons += check_closure(claim_factor(q), claim, given)
    return reasons


def confirm_refutation(certificate: Certificate, factors: Sequence[Factor]) -> list[str]:
    """Reasons why a certificate is not accepted; empty if it is."""
    return check_certificate(certificate, [_refuted(factor) for factor in factors])


def first_confirmed(
    proposals: Iterable[Certificate], factors: Sequence[Factor]
) -> Certificate | None:
    """The first proposal that the checker accepts, of a few."""
    for certificate in islice(proposals, MAX_PROPOSALS):
        if not confirm_refutation(certificate, factors):
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


def claim_factor(factor: Factor, identity: Identity | None = None) -> FactorClaim:
    """A factor with its b, H~ and d as the checker reads it; without, a statement of q."""
    terms: tuple[Term, ...] = (ZERO, ZERO, ZERO, ZERO)
    if identity is not None:
        terms = (identity.base, identity.entropy, identity.divergence, identity.base_change)
    plates = frozenset(index.name for index in factor.plates)
    stated = (part_names(term, plates) for term in (factor.log_density, *terms))
    return FactorClaim(factor.name, factor.node, factor.statement.places, *stated)


def hypotheses(statements: Sequence[Statement], nonzero: Sequence[Term]) -> Hypotheses:
    """The printed conditions: on arguments, on what is divided by, on sizes."""
    conditions = [c for statement in statements for c in statement.conditions]
    positive = [term for c in conditions for term in c.domain.margins(c.array.body)]
    positive = [case for term in positive for case in _at_all_values(term)]
    positive += [term for statement in statements for term in _below_the_top(statement)]
    definite = [c.array for c in conditions if c.domain.is_definite]
    return Hypotheses.of(nonzero, positive, definite, least_sizes(statements))


def _below_the_top(statement: Statement) -> list[Term]:
    """n + 1 - v > 0 of a natural number up to n, where n varies from place to place."""
    top = statement.family.support.upper
    if statement.node.domain != Naturals() or top is None:
        return []
    formal = {s: array for s in symbols_of(top) for n, array in statement.arguments if n == s.name}
    value = Entry(statement.node, statement.places)
    return [add(replace_symbols(top, formal), ONE, negate(value))]


def _at_all_values(term: Term) -> list[Term]:
    """A condition holds whatever the nodes are: at both values of a binary one as well."""
    nodes = sorted(
        (s for s in symbols_of(term) if is_parent(s) and s.domain.is_bit and not s.domain.rank),
        key=lambda s: s.name,
    )[:MAX_NODES]
    cases = [term]
    for node in nodes:
        for value in (ZERO, ONE):
            constant = {node: Array(formal_indices(node.shape), value)}
            cases += [replace_symbols(case, constant) for case in list(cases)]
    return list(dict.fromkeys(cases))


def least_sizes(statements: Sequence[Statement]) -> dict[str, int]:
    """The smallest sizes at which every literal place exists: z[2] needs H >= 2."""
    least: dict[str, int] = {}

    def need(place: IndexTerm, extent: Extent) -> None:
        last = literal_place(place)
        if last is not None and extent.size is not None and last - extent.offset > 1:
            least[extent.size] = max(least.get(extent.size, 1), last - extent.offset)

    for statement in statements:
        for place, extent in zip(statement.places, statement.node.shape, strict=False):
            need(place, extent)
        arrays: list[Array] = [array for _, array in statement.arguments]
        for item in walk(arrays):
            if isinstance(item, Entry):
                for place, extent in zip(item.indices, item.symbol.shape, strict=True):
                    need(place, extent)
    return least


def _refuted(factor: Factor) -> RefutedFactor:
    statement = factor.statement
    arguments = tuple(
        (formal.domain, array)
        for formal, (_, array) in zip(statement.form.arguments, statement.arguments, strict=True)
    )
    return RefutedFactor(
        factor.name,
        factor.node,
        factor.plates,
        statement.places,
        factor.log_density,
        arguments,
    )
