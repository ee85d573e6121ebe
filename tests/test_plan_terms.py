"""Sums over data points: those of batches add up, and the ELBO, its parts and scales follow."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from test_code_plan import STEMS, derivation_of, plan_of, value_of

from symelbo.code.draft import Draft
from symelbo.code.lay_out_python import WIDTH
from symelbo.code.make_function import make_function
from symelbo.code.plan import Unsupported
from symelbo.code.plan_class import plan_class
from symelbo.code.plan_functions import Body
from symelbo.code.plan_sums import Sums
from symelbo.code.plan_terms import TOTALS, SumsBody, plan_terms
from symelbo.code.print_functions import PrintedFunction
from symelbo.code.print_sums import PrintedSums
from symelbo.code.setting import Setting
from symelbo.index.terms import Role

Values = dict[str, Any]


def body_of(setting: Setting) -> SumsBody | None:
    try:
        return plan_terms(setting)
    except Unsupported:
        return None


class Trial:
    """One model with random arguments, computed from its plan by definition."""

    def __init__(self, stem: str, body: SumsBody) -> None:
        self.derivation = derivation_of(stem)
        self.setting, self.body = Setting(self.derivation), body
        self.given = Arguments(self.derivation, 5, own=True)
        for symbol, name in self.setting.names.items():
            if symbol.domain.kind == "naturals":
                self.given[name] = self.given[name] + 1  # 0 log 0 has no plain value
            if symbol.role is Role.LATENT and symbol.domain.is_bit:
                self.given[name][:, 0] = 1 - self.given[name][:, 1]  # no mean is 0
        if "q" in self.given:
            q = self.given["q"] + 0.1
            self.given["q"] = q / q.sum(axis=1, keepdims=True)
        self.points, samples = self.given["weights"].shape
        self.sizes = {self.setting.sizes[n]: self.given[self.setting.sizes[n]] for n in self.model}
        self.samples = {str(self.setting.samples.extent): samples}
        rng = np.random.default_rng(0)
        self.centres = {
            centre.name: rng.normal(size=np.shape(self.given[self.setting.names[data]])[1:])
            for data, centre, _ in body.centres
        }

    @property
    def model(self) -> tuple[str, ...]:
        return tuple(self.derivation.model.sizes)

    def emitted(self, name: str) -> Any:
        function = getattr(self.derivation.function(), name)
        return function(**{n: self.given[n] for n in inspect.signature(function).parameters})

    def compute(self, body: Body, given: Values, points: int) -> Values:
        sizes = {**self.sizes, **self.samples, self.setting.sets: points}
        sizes[str(self.setting.data.extent)] = points
        values = {**self.given, **given}
        for statement in body.statements:
            value = value_of(statement.value, statement.axes, values, sizes)
            values[statement.target.name] = value
        found = {name: value_of(value, axes, values, sizes) for name, _, axes, value in body.fields}
        return found | {target.name: values[target.name] for target in body.profiled}

    def collect(self, rows: list[int], weights: Any = None) -> Values:
        """The sums over some data points."""
        batched = [v for v in self.setting.variables.values() if self.setting.data in v.batch]
        names = [v.symbol.name for v in batched] + ["weights", "q"]
        given = {n: np.asarray(self.given[n])[rows] for n in names if n in self.given}
        weights = np.ones(len(rows)) if weights is None else weights
        given[self.body.points.name] = weights.sum()
        given[self.body.weights.name] = weights / weights.mean()
        means = self.compute(self.body.collect, given | self.centres, len(rows))
        found = {name: mean * weights.sum() for name, mean in means.items()}
        return found | {self.body.points.name: weights.sum()}

    def terms(self, statistics: Values) -> Values:
        return self.compute(self.body.terms, statistics, 1)


def close(one: Values, other: Values) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert np.allclose(value, other[name], rtol=1e-8, atol=1e-9), name


WITH_SUMS = [s for s in STEMS if body_of(Setting(derivation_of(s))) is not None]


def test_most_models_have_sums() -> None:
    """All but those with a factor that has no entropy"""
    assert len(WITH_SUMS) >= 24


@pytest.mark.parametrize("stem", WITH_SUMS)
def test_sums_and_what_is_made_of_them(stem: str) -> None:
    body = body_of(Setting(derivation_of(stem)))
    assert body is not None
    trial = Trial(stem, body)
    every = list(range(trial.points))
    whole = trial.collect(every)
    terms = trial.terms(whole)
    for name in ("elbo", "entropy_sum", "gap"):
        assert np.isclose(terms[name], trial.emitted(name), rtol=1e-8, atol=1e-9), name
    parts = {n: v for n, v in terms.items() if n.startswith("gap_")}
    assert np.isclose(sum(parts.values()), terms["gap"], atol=1e-12)
    # batches add up
    batches = [trial.collect(every[:1]), trial.collect(every[1:])]
    added = {name: batches[0][name] + batches[1][name] for name in whole}
    close(added, whole)
    close(trial.terms(added), terms)
    # a weight is a number of copies
    weights = np.where(np.arange(trial.points) == 0, 3.0, 1.0)
    close(trial.collect(every, weights), trial.collect([0, 0, *every]))
    if body.profiles is not None:
        close(trial.compute(body.profiles, added, 1), trial.emitted("profiled_scales"))


def test_scales_of_sums_are_not_means_of_those_of_batches() -> None:
    body = body_of(Setting(derivation_of("gmm_diagonal")))
    assert body is not None and body.profiles is not None
    trial = Trial("gmm_diagonal", body)
    every = list(range(trial.points))
    batches = [trial.collect(every[:1]), trial.collect(every[1:])]
    sums = {name: batches[0][name] + batches[1][name] for name in batches[0]}
    found = [trial.compute(body.profiles, given, 1)["sigma2"] for given in (*batches, sums)]
    assert not np.allclose((found[0] + found[1]) / 2, found[2], rtol=1e-2)


def test_what_the_data_are_part_of() -> None:
    setting = Setting(derivation_of("gmm_diagonal"))
    sums = Sums(Draft(setting))
    names = {name: setting.variables[symbol].symbol for symbol, name in setting.names.items()}
    assert [sums.is_of_data(names[name]) for name in ("x", "mu", "sigma2")] == [True, False, False]
    assert sums.is_of_data(setting.weights)


def test_ratios_are_one_at_the_profiled_scales() -> None:
    body = body_of(Setting(derivation_of("gmm_diagonal")))
    assert body is not None
    trial = Trial("gmm_diagonal", body)
    sums = trial.collect(list(range(trial.points)))
    terms = trial.terms(sums)
    profiles = trial.emitted("profiled_scales")
    assert np.allclose(terms["ratio_sigma2"], trial.given["sigma2"] / profiles["sigma2"])
    trial.given.update(profiles)
    assert np.allclose(trial.terms(sums)["ratio_sigma2"], 1)
    assert np.isclose(trial.terms(sums)["gap"], 0, atol=1e-12)


@pytest.mark.parametrize(
    ("stem", "needed"),
    [
        ("gmm_full", set()),
        ("ppca", set()),
        ("factor_analysis", set()),
        ("linear_vae", set()),
        ("sparse_coding", set()),
        ("linear_dynamical_system", set()),
        ("sbn", {"W", "mu"}),
        ("poisson_regression", {"w", "b"}),
    ],
)
def test_parameters_are_needed_where_the_data_cannot_be_taken_apart(
    stem: str, needed: set[str]
) -> None:
    derivation = derivation_of(stem)
    body = body_of(Setting(derivation))
    assert body is not None
    read = {symbol.name for symbol in body.collect.reads}
    assert {p.name for p in derivation.model.parameters} & read == needed


def test_what_is_asked_for() -> None:
    """Sums are made of data, and everything else of sums and parameters."""
    sums = plan_class(Setting(derivation_of("gmm_diagonal")))
    printed = PrintedSums(plan_of(derivation_of("gmm_diagonal")), sums)
    asked = [[a.name for a in f.arguments] for f in printed.functions]
    assert asked == [["x", "q", "data_weights", "center_x"], ["pi", "mu", "sigma2"], ["mu"]]
    assert [a.name for a in sums.whole] == ["x", "pi", "mu", "sigma2", "q"]
    assert printed.terms[:3] == list(TOTALS) and printed.fields[0] == "sum_entropy_q"


def test_a_method_is_indented_and_no_longer_than_a_line() -> None:
    plan = plan_of(derivation_of("linear_dynamical_system"))
    assert plan.sums is not None
    method = PrintedFunction(plan, plan.sums.terms, "Terms", "Terms", method=True)
    assert method.source[0] == "    @_within_floats"
    assert all(len(line) <= WIDTH for line in method.source)


def test_a_size_that_a_method_needs_is_one_of_the_data() -> None:
    setting = Setting(derivation_of("vae1"))
    body = plan_terms(setting).terms
    asked = make_function(setting, body, "terms", ["Asked for."]).arguments
    assert "H" in [a.name for a in asked if a.kind == "size"]
    printed = PrintedSums(plan_of(derivation_of("vae1")), plan_class(setting))
    assert "H=np.shape(nu)[-1]" in "".join(printed.whole)
