"""Claims to the JSON of a certificate, and the check of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from symelbo.certify.certificate import (
    Case,
    Certificate,
    CertificateRow,
    Given,
    Moved,
    Place,
    Unknown,
)
from symelbo.certify.claim import DensityClaim, IdentityClaim, MotionClaim, MotionWithIdentities
from symelbo.certify.encode import Clash, Encoder, Json
from symelbo.checker.check import REJECTED, check_data
from symelbo.checker.statement import SCHEMA

__all__ = [
    "check_claim",
    "check_refutation",
    "encode_claim",
    "encode_density",
    "encode_identity",
    "encode_motion",
    "encode_refutation",
]

NAME: Final = "a part of a model"


def check_claim(
    claim: MotionWithIdentities,
    factors: Sequence[DensityClaim],
    q: Sequence[DensityClaim] = (),
    least: Mapping[str, int] | None = None,
) -> list[str]:
    """Reasons why (U) is not shown of the factors, and of q that it follows; empty if it is."""
    encoder = Encoder()
    try:
        data = {
            "verdict": "undecided",
            "unproved": ["the rest of the model"],
            "sizes": dict(sorted((least or {}).items())),
            "variational": "declared" if q else "any",
            "factors": [encode_density(encoder, factor) for factor in factors],
            "q": [encode_density(encoder, density) for density in q],
            "claims": [encode_claim(encoder, claim)],
        }
    except Clash as clash:
        return [str(clash)]
    return _reasons(encoder, data)


def check_refutation(
    certificate: Certificate,
    factors: Sequence[DensityClaim],
    model: Sequence[DensityClaim] = (),
    on_cut: Callable[[], None] = lambda: None,
) -> list[str]:
    """Reasons why the weights do not refute (U) of the factors together; empty if they do.

    model: all factors, whose conditions say which parameter values there are; on_cut: called where
    they might be shown to with more work.
    """
    encoder = Encoder()
    names = [factor.name for factor in factors]
    others = [other for other in model if other.conditions and other.name not in names]
    try:
        data = {
            "verdict": "refuted",
            "sizes": dict(certificate.sizes),  # places that exist there are enough
            "variational": "any",
            "factors": [
                *(encode_density(encoder, factor, arguments=True) for factor in factors),
                *(encode_density(encoder, other) for other in others),
            ],
            "undecided": [other.name for other in others],
            "refutations": [encode_refutation(encoder, certificate, names)],
        }
    except Clash as clash:
        return [str(clash)]
    return _reasons(encoder, data, on_cut)


def _reasons(encoder: Encoder, data: Json, on_cut: Callable[[], None] = lambda: None) -> list[str]:
    report = check_data({"schema": SCHEMA, "model": NAME, **data, **encoder.tables()})
    if report.cut:
        on_cut()
    return list(report.reasons) if report.status == REJECTED else []


# ---------------------------------------------------------------- densities and motions


def encode_density(encoder: Encoder, claim: DensityClaim, *, arguments: bool = False) -> Json:
    """One statement: where it stands, its log-density with the arguments put in, its conditions.

    arguments: list them too, as a refutation needs: it looks whether they lie in their domains.
    """
    support = claim.support
    listed = claim.arguments if arguments else ()
    return {
        "name": claim.name,
        "node": encoder.symbol(claim.node),
        "family": claim.family,
        "plates": [encoder.free_index(index) for index in claim.plates],
        "places": [encoder.place(place) for place in claim.places],
        "support": None if support is None else encoder.domain(support, claim.given),
        "arguments": [
            {"name": name, "domain": encoder.domain(domain), "value": encoder.array(array)}
            for name, domain, array in listed
        ],
        "log_density": encoder.term(claim.log_density, claim.given),
        "conditions": [
            {"kind": kind, "of": encoder.array(array)} for kind, array in claim.conditions
        ],
    }


def encode_motion(encoder: Encoder, motion: MotionClaim) -> Json:
    """Velocities, and r and s of the latents that move."""
    return {
        "parameters": encoder.arrays(motion.parameters),
        "rates": encoder.arrays(motion.rates),
        "shifts": encoder.arrays(motion.shifts),
        "variational": encoder.arrays(motion.variational),
    }


def encode_claim(encoder: Encoder, claim: MotionWithIdentities) -> Json:
    """A motion with (U) of the factors that it serves."""
    return {
        "motion": encode_motion(encoder, claim.motion),
        "nonzero": [encoder.term(term) for term in claim.nonzero],
        "identities": [encode_identity(encoder, identity) for identity in claim.identities],
        "q_follows": claim.q_follows,
    }


def encode_identity(encoder: Encoder, identity: IdentityClaim) -> Json:
    """b, H~ and d of a factor, as the checker reads them."""
    return {
        "factor": identity.factor,
        "base": encoder.term(identity.base),
        "entropy": encoder.term(identity.entropy),
        "divergence": encoder.term(identity.divergence),
        "base_change": encoder.term(identity.base_change),
    }


# ---------------------------------------------------------------- refutations


def encode_refutation(encoder: Encoder, certificate: Certificate, factors: Sequence[str]) -> Json:
    """Sizes, functions, points and cases; numbers are exact."""
    return {
        "factors": list(factors),
        "sizes": dict(certificate.sizes),
        "functions": {
            encoder.symbol(function): {
                "arguments": [encoder.symbol(formal) for formal in formals],
                **encoder.array(array),
            }
            for function, formals, array in certificate.functions
        },
        "constants": _values(certificate.constants),
        "points": [_values(point) for point in certificate.points],
        "inputs": [_values(inputs) for inputs in certificate.inputs],
        "latents_may_move": not certificate.still,
        "cases": [_case(encoder, case) for case in certificate.cases],
    }


def _case(encoder: Encoder, case: Case) -> Json:
    return {
        "moving": [_moved(entry) for entry in case.moving],
        "resting": [_moved(entry) for entry in case.resting],
        "shifted": [_moved(entry) for entry in case.shifted],
        "rows": [_row(row) for row in case.rows],
        "unknowns": [_unknown(unknown) for unknown in case.unknowns],
        "matrix": [[encoder.term(term) for term in line] for line in case.matrix],
        "dependent": [
            {**_unknown(unknown), "combination": [encoder.term(x) for x in combination]}
            for unknown, combination in case.dependent
        ],
    }


def _row(row: CertificateRow) -> Json:
    return {
        "factor": row.factor,
        "place": list(row.place),
        "point": row.point,
        "inputs": row.inputs,
        "parents": _values(row.parents),
        "value": _values(row.value),
        "weights": [str(weight) for weight in row.weights],
    }


def _unknown(unknown: Unknown) -> Json:
    return {
        "of": _place((unknown.name, unknown.place)),
        "point": unknown.point,
        "inputs": unknown.inputs,
    }


def _moved(entry: Moved) -> Json:
    at, inputs = entry
    return {"of": _place(at), "inputs": inputs}


def _place(at: Place) -> list[Any]:
    return [at[0], *at[1]]


def _values(values: Given) -> list[Any]:
    return [[_place(at), str(x)] for at, x in values]
