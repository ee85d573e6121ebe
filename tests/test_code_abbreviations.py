"""Modules whose long parts stand at an index of the statement and at one that is bound in a sum.

A softmax with covariates is one: exp(a[k])/sum_j exp(a[j]).  Their values are those of the
specification, term by term, at sizes that are all different, and at equal ones.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Mapping
from functools import cache
from math import isclose, log
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from test_code_plan import computed, plan_of

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.setting import Setting
from symelbo.index.terms import Symbol
from symelbo.model.model import Statement
from symelbo.trial.evaluate import World, evaluate

Spec = dict[str, Any]

LEVELS = {  # of category {k}; with a covariate or a latent {u}, which may stand in plates
    "two terms": ("V[{k}]*{u} + b[{k}]", {"V": "real[C]", "b": "real[C]"}),
    "a product": ("V[{k}]*{u}", {"V": "real[C]"}),
    "three terms": ("V[{k}]*{u} + b[{k}]*{u}**2 + e[{k}]", dict.fromkeys("Vbe", "real[C]")),
    "a call": ("V[{k}]*softplus({u} + r) + b[{k}]", {"V": "real[C]", "b": "real[C]", "r": "real"}),
    "an inner sum": (
        "sum(V[{k},i]*e[i]*{u} for i in 1:E) + b[{k}]",
        {"V": "real[C,E]", "b": "real[C]", "e": "real[E]"},
    ),
    "inner calls": (
        "sum(V[{k},i]*tanh(e[i]*{u} + h[i]) for i in 1:E)",
        {"V": "real[C,E]", "e": "real[E]", "h": "real[E]"},
    ),
}


def _spec(model: list[str], parameters: Mapping[str, str], **more: Any) -> Spec:
    spec = {"name": "m", "parameters": dict(parameters), "model": model, "observed": ["x"], **more}
    text = " ".join([*model, *spec["parameters"].values(), *spec.get("inputs", {}).values()])
    sizes = [size for size in "CDEHT" if any(f"{by}{size}" in text for by in ":[,")]
    return {**spec, "sizes": sizes}


def _softmax(name: str, k: str, u: str, last: str = "1:C") -> str:
    level = LEVELS[name][0]
    return f"exp({level.format(k=k, u=u)})/sum(exp({level.format(k='j', u=u)}) for j in {last})"


def _softmaxes() -> dict[str, Spec]:
    found: dict[str, Spec] = {}
    gauss = {"v": "positive", "t2": "positive"}
    for name, (_, level) in LEVELS.items():
        real = {"inputs": {"u": "real"}}
        found[f"{name}, categories"] = _spec(
            [f"p[k] = {_softmax(name, 'k', 'u')} for k in 1:C", "x ~ Categorical(p)"], level, **real
        )
        found[f"{name}, categories in plates"] = _spec(
            [
                f"p[t,k] = {_softmax(name, 'k', 'u[t]')} for t in 1:T, k in 1:C",
                "x[t] ~ Categorical(p[t]) for t in 1:T",
            ],
            level,
            inputs={"u": "real[T]"},
        )
        found[f"{name}, plates like categories"] = _spec(
            [
                f"p[t,k] = {_softmax(name, 'k', 'u[t]')} for t in 1:C, k in 1:C",
                "x[t] ~ Categorical(p[t]) for t in 1:C",
            ],
            level,
            inputs={"u": "real[C]"},
        )
        found[f"{name}, three categories"] = _spec(
            [
                f"p[k] = {_softmax(name, 'k', 'u', '1:3')} for k in 1:3".replace("C", "3"),
                "x ~ Categorical(p)",
            ],
            {n: kind.replace("C", "3") for n, kind in level.items()},
            **real,
        )
        found[f"{name}, a gated mixture"] = _spec(
            [
                f"p[k] = {_softmax(name, 'k', 'u')} for k in 1:C",
                "c ~ Categorical(p)",
                "x[d] ~ Normal(mu[c,d], s2[c]) for d in 1:D",
            ],
            {**level, "mu": "real[C,D]", "s2": "positive[C]"},
            **real,
        )
        found[f"{name}, means by a latent"] = _spec(
            ["z ~ Normal(0, t2)", f"x[k] ~ Normal({_softmax(name, 'k', 'z')}, v) for k in 1:C"],
            {**level, **gauss},
        )
        found[f"{name}, latents in plates"] = _spec(
            [
                "z[t] ~ Normal(0, t2) for t in 1:T",
                f"p[t,k] = {_softmax(name, 'k', 'z[t]')} for t in 1:T, k in 1:C",
                "x[t] ~ Categorical(p[t]) for t in 1:T",
            ],
            {**level, "t2": "positive"},
        )
    return found


def _means() -> dict[str, Spec]:
    """x ~ Normal(mean, v), where the mean has a link at its own index and at bound ones."""
    pairs = dict.fromkeys("Vb", "real[D]")
    own, other = "V[d]*u + b[d]", "V[j]*u + b[j]"
    far = dict.fromkeys("ae", "real[E]")
    means: dict[str, tuple[str, Mapping[str, str]]] = {
        f"{link} and its sum": (f"{link}({own}) + sum({link}({other}) for j in 1:D)", pairs)
        for link in ("exp", "sigmoid", "softplus", "tanh")
    }
    means |= {
        "another range": (f"exp({own})*sum(sigmoid(a[j]*u + e[j]) for j in 1:E)", {**pairs, **far}),
        "two links": (
            f"exp({own})*sum(sigmoid({other}) + softplus(2*u*V[j] - b[j]) for j in 1:D)",
            pairs,
        ),
        "the sum alone": (
            "w[d]*sum(softplus(a[j]*u + e[j]) for j in 1:E)",
            {**far, "w": "real[D]"},
        ),
        "two sums": (
            f"sum(sigmoid(sum(W[i,j]*u for j in 1:D) + e[i])/E for i in 1:E)*exp({own})",
            {**pairs, "W": "real[E,D]", "e": "real[E]"},
        ),
        "a sum in a link": (
            "tanh(sum(softplus(W[d,j]*u + e[j]) for j in 1:E))/(1 + b[d]**2)",
            {"W": "real[D,E]", "e": "real[E]", "b": "real[D]"},
        ),
        "a grid": (
            "exp(V[d]*u + b[d])/sum(exp(V[j]*u + b[j] + e[i]) for j in 1:D, i in 1:E)",
            {**pairs, "e": "real[E]"},
        ),
        "attention": (
            "sum(W[d,j]*exp(a[j]*u + e[j]) for j in 1:E)/sum(exp(a[j]*u + e[j]) for j in 1:E)",
            {**far, "W": "real[D,E]"},
        ),
        "attention from 2": (
            "sum(W[d,j]*exp(a[j]*u + e[j]) for j in 2:3)/sum(exp(a[j]*u + e[j]) for j in 2:3)",
            {"a": "real[3]", "e": "real[3]", "W": "real[D,3]"},
        ),
        "attention of numbers from 2": (
            "sum(W[d,j]*exp(a[j]) for j in 2:3)/sum(exp(a[j]) for j in 2:3)",
            {"a": "real[3]", "W": "real[D,3]"},
        ),
        "attention from 3": (
            "sum(W[d,j]*exp(a[j]) for j in 3:5)/sum(exp(a[j]) for j in 3:5)",
            {"a": "real[5]", "W": "real[D,5]"},
        ),
        "a first term": ("exp(V[d]*u + b[d])/(1 + sum(exp(V[j]*u + b[j]) for j in 2:D))", pairs),
    }
    found: dict[str, Spec] = {}
    for name, (mean, parameters) in means.items():
        line = f"x[d] ~ Normal({mean}, v[d]) for d in 1:D"
        values = {**parameters, "v": "positive[D]"}
        found[name] = _spec([line], values, inputs={"u": "real"})
        latent = line.replace("*u", "*z")
        if latent != line:
            found[f"{name}, by a latent"] = _spec(
                ["z ~ Normal(0, t2)", latent], {**values, "t2": "positive"}
            )
        plates = line.replace("x[d]", "x[t,d]").replace("*u", "*u[t]")
        found[f"{name}, in plates"] = _spec(
            [plates.removesuffix("for d in 1:D") + "for t in 1:T, d in 1:D"],
            values,
            inputs={"u": "real[T]"},
        )
    return found


SPECS = {**_softmaxes(), **_means()}


@cache
def derived(name: str) -> Derivation:
    return symelbo.derive(SPECS[name])


def _settings(derivation: Derivation) -> Iterator[tuple[Arguments, dict[str, int]]]:
    """Arguments at sizes that are all different, and at equal ones."""
    setting = Setting(derivation)
    names = list(setting.sizes.values())
    for seed, first in enumerate((2, 3)):
        upwards = range(first, first + len(names)) if not seed else [first] * len(names)
        lengths = dict(zip(names, upwards, strict=True))
        given = Arguments(derivation, seed, lengths=lengths, own=True)
        lengths[setting.sets] = lengths[str(setting.data.extent)]
        if setting.mixture is not None:  # no zeros: 0 log 0 has no plain value
            q = given[setting.q_name] + 0.1
            given[setting.q_name] = q / q.sum(axis=1, keepdims=True)
        yield given, lengths


def _log_density(statement: Statement, world: World) -> float:
    ranges = [range(i.low, world.length(i.extent) + 1) for i in statement.plates]
    settings = (dict(zip(statement.plates, at, strict=True)) for at in itertools.product(*ranges))
    return sum(evaluate(statement.log_density, world, places).value for places in settings)


def elbo_of(derivation: Derivation, given: Arguments, sizes: dict[str, int]) -> float:
    """The mean log-density by the specification, and the entropy of q: nothing of the module."""
    setting = Setting(derivation)
    total = 0.0
    weights = given[setting.weights_name if setting.mixture is None else setting.q_name]
    if not setting.latents:
        weights = np.ones((len(weights), 1))
    for n, s in np.ndindex(weights.shape):
        values: dict[tuple[str, tuple[int, ...]], float] = {}
        for symbol, name in setting.names.items():
            if name in given:
                array = np.asarray(given[name], dtype=float)
                for at, value in np.ndenumerate(_here(setting, symbol, array, n, s)):
                    values[symbol.name, tuple(i + 1 for i in at)] = float(value)
        world = World(sizes, values)
        value = sum(_log_density(statement, world) for statement in derivation.model.statements)
        if setting.mixture is not None:
            value -= log(weights[n, s])
        total += weights[n, s] * value / len(weights)
    sampled = setting.latents and setting.mixture is None
    return float(total + (given[setting.entropy_q_name] if sampled else 0))


def _here(setting: Setting, symbol: Symbol, array: Any, n: int, s: int) -> Any:
    if symbol in setting.latents:
        if setting.mixture is not None:
            return np.asarray(s + 1.0)
        own = array.ndim == len(symbol.shape) + 2  # samples of each data point
        return array[n, s] if own else array[s]
    return array[n] if setting.variables[symbol].batch else array


@pytest.mark.parametrize("name", SPECS)
def test_the_module_is_the_specification(name: str) -> None:
    derivation = derived(name)
    assert derivation.verdict == "proved"
    module, plan = derivation.function(), plan_of(derivation)
    for given, sizes in _settings(derivation):
        values = {}
        for function in plan.functions:
            for argument in function.arguments:
                assert argument.name in given
            known = {a.name: given[a.name] for a in function.arguments}
            wanted = getattr(module, function.name)(**known)
            found = computed(function, dict(given), sizes)
            values[function.name] = found
            for key in wanted if isinstance(wanted, dict) else ():
                assert np.allclose(found[key], wanted[key], rtol=1e-9)
            if not isinstance(wanted, dict):
                assert isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
        elbo = elbo_of(derivation, given, sizes)
        assert isclose(values["elbo"], elbo, rel_tol=1e-9, abs_tol=1e-12)
        total = values["entropy_sum"] + values["gap"]
        assert isclose(total, elbo, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("name", _softmaxes())
def test_a_softmax_does_not_overflow(name: str) -> None:
    """exp of the levels would exceed the floats."""
    derivation = derived(name)
    module, plan = derivation.function(), plan_of(derivation)
    for given, sizes in _settings(derivation):
        large = {**given, "V": 1e4 * given["V"]}
        for function in plan.functions:
            known = {a.name: large[a.name] for a in function.arguments}
            assert np.isfinite(list(_numbers(getattr(module, function.name)(**known)))).all()
        if "categories" in name:
            plates = sizes.get("T", sizes["C"]) if "plates" in name else 1
            known = {a: large[a] for a in inspect.signature(module.entropy_sum).parameters}
            categories = 3 if "three" in name else sizes["C"]
            assert -plates * log(categories) <= module.entropy_sum(**known) <= 1e-12


def _numbers(value: Any) -> Iterator[Any]:
    for part in value.values() if isinstance(value, dict) else [value]:
        yield from np.ravel(part)
