"""Emitted sums over data points: batches add up, and the ELBO, its parts and scales follow."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arguments import Arguments

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.setting import Setting

ROOT = Path(__file__).resolve().parents[1]
Values = dict[str, Any]


@cache
def derivation_of(stem: str) -> Derivation:
    return symelbo.derive(ROOT / "models" / f"{stem}.yaml")


def module_of(stem: str) -> Any:
    return derivation_of(stem).function()


STEMS = sorted(path.stem for path in (ROOT / "models").glob("*.yaml"))
WITH_SUMS = [stem for stem in STEMS if hasattr(module_of(stem), "statistics")]


def call(function: Any, given: Values, **more: Any) -> Any:
    values = {**given, **more}
    return function(**{n: values[n] for n in inspect.signature(function).parameters if n in values})


class Case:
    """Random arguments of one model, with samples that data points share or that they do not."""

    def __init__(self, stem: str, *, own: bool) -> None:
        self.module, self.setting = module_of(stem), Setting(derivation_of(stem))
        self.own = own
        self.given = next(filter(self.has_scales, self._draw(stem)))
        self.points = len(self.given[self.setting.names[self.setting.observed[0]]])

    def _draw(self, stem: str) -> Iterator[Values]:
        for seed in itertools.count(5):
            yield dict(Arguments(derivation_of(stem), seed, own=self.own))

    def has_scales(self, given: Values) -> bool:
        """Whether few data have stationary scales inside their domains, if any are profiled."""
        try:
            if hasattr(self.module, "profiled_scales"):
                call(self.module.profiled_scales, given)
        except ValueError:
            return False
        return True

    def rows(self, rows: Sequence[int]) -> Values:
        """The arguments, of some data points alone."""
        found = dict(self.given)
        for variable in self.setting.variables.values():
            is_batched = variable.batch[:1] == (self.setting.data,)
            if is_batched and (self.own or not variable.shared):
                found[variable.symbol.name] = np.asarray(found[variable.symbol.name])[list(rows)]
        for name in ("q", "weights"):
            if np.ndim(found.get(name)) == 2:
                found[name] = np.asarray(found[name])[list(rows)]
        return found

    def collect(self, rows: Sequence[int], **more: Any) -> Any:
        return call(self.module.statistics, self.rows(rows), **more)


@pytest.fixture(params=[(s, own) for s in WITH_SUMS for own in (True, False)], ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    stem, own = request.param
    return Case(stem, own=own)


def close(one: Any, other: Any) -> None:
    for name, left, right in zip(one._fields, one, other, strict=True):
        assert np.allclose(left, right, rtol=1e-8, atol=1e-8), name


def test_all_proved_models_have_sums() -> None:
    """But those whose family is abstract"""
    proved = {s for s in STEMS if derivation_of(s).verdict == "proved"}
    abstract = {"gaussian_diagonal", "gaussian_scalar", "mixture_constant", "mixture_general"}
    assert set(WITH_SUMS) == proved - abstract


def test_terms_are_what_the_functions_compute(case: Case) -> None:
    terms = call(case.module.terms, case.given)
    for name in ("elbo", "entropy_sum", "gap"):
        wanted = call(getattr(case.module, name), case.given)
        assert np.isclose(getattr(terms, name), wanted, rtol=1e-8, atol=1e-9), name
    slopes = [v for n, v in terms._asdict().items() if n.startswith("gap_")]
    assert np.isclose(sum(slopes), terms.gap, atol=1e-9)


def test_sums_of_batches_are_those_of_the_whole(case: Case) -> None:
    order = np.random.default_rng(1).permutation(case.points)
    whole = case.collect(range(case.points))
    parts = [case.collect(rows) for rows in np.array_split(order, case.points)]
    added = sum(parts)
    close(added, whole)
    close(call(added.terms, case.given), call(case.module.terms, case.given))
    if hasattr(whole, "profiled_scales"):
        found = call(added.profiled_scales, case.given)
        wanted = call(case.module.profiled_scales, case.given)
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert np.allclose(found[name], value, rtol=1e-8), name


def test_a_weight_is_a_number_of_copies(case: Case) -> None:
    weights = np.ones(case.points)
    weights[0], weights[-1] = 3, 0
    copies = [0, 0, *range(case.points - 1)]
    close(case.collect(range(case.points), data_weights=weights), case.collect(copies))


def test_profiled_scales_of_batches_are_no_scales_of_the_whole() -> None:
    case = Case("gmm_diagonal", own=True)
    rng = np.random.default_rng(0)
    shape = (30, *case.given["x"].shape[1:])
    x, q = rng.normal(size=shape), rng.dirichlet(np.ones(case.given["q"].shape[1]), 30)
    parts = [case.module.statistics(x=x[k : k + 5], q=q[k : k + 5]) for k in range(0, 30, 5)]
    mu = case.given["mu"]
    mean = np.mean([part.profiled_scales(mu=mu)["sigma2"] for part in parts], axis=0)
    exact = case.module.profiled_scales(x=x, q=q, mu=mu)["sigma2"]
    assert np.allclose(sum(parts).profiled_scales(mu=mu)["sigma2"], exact)
    assert not np.allclose(mean, exact, rtol=0.01)


def test_sums_about_different_centers_are_refused() -> None:
    case = Case("gmm_diagonal", own=True)
    here, there = (
        case.collect([0], center_x=c + np.zeros_like(case.given["mu"][0])) for c in (1, 2)
    )
    with pytest.raises(ValueError, match="different centers"):
        here + there
    assert np.allclose((here + here).sum_center_x, 2)


def test_a_center_keeps_digits() -> None:
    case = Case("linear_vae", own=True)
    away = {**case.given, "x": case.given["x"] + 1e6, "mu": case.given["mu"] + 1e6}
    center = away["x"].mean(axis=0)
    near = call(case.module.statistics, away, center_x=center)
    found = call(near.terms, away).elbo
    wanted = call(case.module.elbo, away)
    assert np.isclose(found, wanted, rtol=1e-9)
    assert not np.isclose(
        call(call(case.module.statistics, away).terms, away).elbo, wanted, rtol=1e-9
    )


@pytest.mark.parametrize("weights", [[-1.0, 1.0], [0.0, 0.0], [1.0]])
def test_weights_of_data_points_are_checked(weights: list[float]) -> None:
    case = Case("gmm_diagonal", own=True)
    with pytest.raises(ValueError, match="data_weights"):
        case.collect([0, 1], data_weights=weights)


def test_a_scale_at_its_stationary_value_has_ratio_one() -> None:
    case = Case("gmm_diagonal", own=True)
    scales = call(case.module.profiled_scales, case.given)
    terms = call(case.module.terms, case.given)
    assert np.allclose(terms.ratio_sigma2, case.given["sigma2"] / scales["sigma2"])
    there = call(case.module.terms, {**case.given, **scales})
    assert np.allclose(there.ratio_sigma2, 1) and np.isclose(there.gap, 0, atol=1e-12)


def test_parameters_of_sums_are_named() -> None:
    assert "W" in inspect.signature(module_of("sbn").statistics).parameters
    assert "cannot be taken apart" not in str(module_of("ppca").statistics.__doc__)
    text = " ".join(str(module_of("sbn").statistics.__doc__).split())
    assert "these are sums at W and mu" in text
