"""Every numbered equation is audited, and the conditions of the propositions are stated."""

from __future__ import annotations

import pytest

import symelbo
from paper import test_section_1, test_section_2, test_section_3, test_section_4
from paper.point import Point, derive_model
from symelbo.criterion.result import Holds

NOT_FORMULAS = {
    22: "names the prior p_Psi(z) of Definition 3; Eqn 24 is audited with the abstract prior F",
    30: "names the prior p_Psi(z) of Definition 4; Eqn 32 is audited with the abstract prior F",
}


SECTIONS = (test_section_1, test_section_2, test_section_3, test_section_4)


def test_every_equation_is_audited_or_states_no_formula() -> None:
    tests = [name for section in SECTIONS for name in vars(section) if name.startswith("test_eqn_")]
    audited = [int(name.split("_")[2]) for name in tests]
    assert len(audited) == len(set(audited))
    assert set(audited) & set(NOT_FORMULAS) == set()
    assert set(audited) | set(NOT_FORMULAS) == set(range(6, 63))
    assert all(NOT_FORMULAS.values())


@pytest.mark.parametrize(
    "stem", ["mixture_constant", "mixture_general", "gaussian_scalar", "gaussian_diagonal"]
)
def test_the_invertible_jacobian_of_propositions_4_and_5_is_stated(stem: str) -> None:
    """The field of an abstract family contains the inverse: without it nothing is proved."""
    derivation = derive_model(stem)
    stated = [a.text for a in derivation.assumptions] + list(derivation.conditions)
    assert any("invertible" in text for text in stated)


def test_the_invertible_jacobian_of_propositions_4_and_5_is_needed() -> None:
    """Where it is singular, every data set makes the ELBO stationary, and the sum is wrong."""
    spec = {
        "name": "singular",
        "parameters": {"t": "real"},
        "model": ["x ~ Bernoulli(logit=1 + t**2)"],
        "observed": ["x"],
    }
    point = Point(symelbo.derive(spec), {}, {"t": 0.0, "x": 0.0}, {})
    result = point.result("x").result
    assert isinstance(result, Holds)
    assert [point.number(term) for term in result.nonzero] == [0.0]
    assert point.natural_along("x", {"t": 1.0}) == [0.0]
    assert abs(point.log_density("x") + point.entropy("x")) > 0.5
