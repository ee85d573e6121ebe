"""A certificate -> what its weights leave, as it is read."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.answer.worked import Step, WorkedCase
from symelbo.certify.certificate import Certificate
from symelbo.criterion.explain_refutation import find_idle
from symelbo.criterion.factor import Factor
from symelbo.criterion.result import Outside, Refuted, Undecided
from symelbo.index.tidy import tidy

__all__ = ["work_refutation"]


def work_refutation(
    result: Refuted | Outside | Undecided,
) -> tuple[tuple[WorkedCase, ...], Step]:
    """Why a factor does not hold -> the cases of the certificate, if there is one, and the step."""
    node = result.factor.name
    match result:
        case Refuted(certificate=certificate, factors=factors, cause=cause):
            value = certificate.cases[0].matrix[0][-1]
            evidence = "certificate re-checked in exact arithmetic"
            step = Step("refute_criterion", node, None, value, cause, evidence=evidence)
            return _cases(certificate, factors), step
        case Outside(reason=reason, piece=piece, certificate=found):
            step = Step("separate_density", node, None, piece, reason)
            return () if found is None else _cases(found, (result.factor,)), step
        case Undecided(residual=residual, missing=missing):
            return (), Step("find_motion", node, None, residual, missing)


def _cases(certificate: Certificate, factors: Sequence[Factor]) -> tuple[WorkedCase, ...]:
    return tuple(
        WorkedCase(
            tuple(tuple(map(tidy, line)) for line in case.matrix),
            tuple(f.name for f in find_idle(case, factors, still=certificate.still)),
        )
        for case in certificate.cases
    )
