"""Section 1: the parameterization criterion."""

from __future__ import annotations

from collections.abc import Iterator

from paper.audit import audited
from paper.case import Check, Draw
from paper.criterion import criterion


@audited
def test_eqn_06_criterion_of_the_prior(draw: Draw) -> Iterator[Check]:
    yield from criterion(draw, of_prior=True)


@audited
def test_eqn_07_criterion_of_the_observable(draw: Draw) -> Iterator[Check]:
    yield from criterion(draw, of_prior=False)
