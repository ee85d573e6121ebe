"""The parts of a plan: stationary values, means under q, and arguments."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from judge import is_true

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.draft import Draft
from symelbo.code.plan import Unsupported
from symelbo.code.plan_arguments import as_optional, list_arguments, symbol_argument
from symelbo.code.plan_expectations import Expectations, _less
from symelbo.code.plan_functions import plan_elbo, plan_entropy_sum
from symelbo.code.plan_moments import Moments, NotQuadratic
from symelbo.code.plan_profile import find_owner, profile_of_argument, profile_of_simplex
from symelbo.code.setting import Setting
from symelbo.index.build import ONE, add, call, divide, mul, negate, number, power, subtract, total
from symelbo.index.differentiate import derivative_by
from symelbo.index.substitute import formal_indices, instantiate, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Index

MODELS = Path(__file__).resolve().parents[1] / "models"


@cache
def derived(stem: str) -> Derivation:
    return symelbo.derive(MODELS / f"{stem}.yaml")


def alone(call: str, **parameters: str) -> Derivation:
    model = {"name": "alone", "parameters": parameters, "model": [f"x ~ {call}"], "observed": "x"}
    return symelbo.derive(model)


# ---------------------------------------------------------------- stationary values

# a parameter that is an argument by itself, and whether its score has a closed root
ARGUMENTS = {
    ("Normal(m, v)", "v"): True,
    ("Normal(m, v)", "m"): True,
    ("Exponential(m)", "m"): True,
    ("Gamma(v, m)", "m"): True,
    ("Gamma(v, m)", "v"): False,
    ("InverseGamma(v, m)", "m"): True,
    ("Poisson(m)", "m"): True,
    ("Rayleigh(m)", "m"): True,
    ("Laplace(0, m)", "m"): True,
    ("VonMises(0, m)", "m"): False,
}


@pytest.mark.parametrize(("text", "name"), ARGUMENTS)
def test_a_stationary_value_is_a_root_of_the_score(text: str, name: str) -> None:
    types = {n: "positive" for n in ("m", "v") if n in text}
    derivation = alone(text, **types)
    (parameter,) = (s for s in derivation.model.parameters if s.name == name)
    _, statement, argument = find_owner(derivation, parameter)
    if not ARGUMENTS[text, name]:
        with pytest.raises(Unsupported, match="no closed root"):
            profile_of_argument(parameter, statement, statement.density, argument)
        return
    profile = profile_of_argument(parameter, statement, statement.density, argument)
    (formal,) = (s for s in statement.density.arguments if s.name == argument)
    assert formal not in symbols_of(profile.above) | symbols_of(profile.below)
    score = derivative_by(statement.density.term, formal, ())
    root = {formal: Array((), divide(profile.above, profile.below))}
    assert is_true(replace_symbols(replace_symbols(score, root), statement.actual()))


def test_the_stationary_weights_are_means_of_the_statistic() -> None:
    derivation = derived("gmm_scalar")
    (weights,) = (s for s in derivation.model.parameters if s.domain.kind == "simplex")
    result, statement, name = find_owner(derivation, weights)
    profile = profile_of_simplex(weights, result, statement, name)
    index = profile.places[-1]
    assert isinstance(index, Index)
    whole = total(index, profile.above)
    assert is_true(subtract(whole, ONE)) and profile.below == ONE


def test_a_value_that_several_factors_share_has_no_owner() -> None:
    source: dict[str, Any] = {
        "name": "shared",
        "parameters": {"s": "positive"},
        "model": ["z ~ Normal(0, s)", "x ~ Normal(z, s)"],
        "observed": "x",
    }
    derivation = symelbo.derive(source)
    with pytest.raises(Unsupported, match="several places"):
        find_owner(derivation, derivation.model.parameters[0])
    own = {**source, "model": ["z ~ Normal(0, s)", "x ~ Normal(z, 1)"]}
    named = symelbo.derive({**own, "variational": ["z ~ Normal(nu, s)"]})
    with pytest.raises(Unsupported, match="q depends on s"):
        find_owner(named, named.model.parameters[0])


# ---------------------------------------------------------------- means under q


def test_the_mean_of_a_square_is_the_square_of_the_mean_and_the_variance() -> None:
    setting = Setting(derived("linear_vae"))
    moments = Moments(Draft(setting))
    assert moments.means is not None
    (latent,) = moments.means
    (h,) = formal_indices(latent.shape, "h")
    entry = Entry(latent, (h,))
    mean = instantiate(moments.means[latent], (h,))
    covariance = moments.covariances[latent]
    at = tuple(h for _ in covariance.indices)
    variance = instantiate(covariance, at)
    at_mean, curved = moments.expect(total(h, mul(number(3), power(entry, 2))))
    wanted = total(h, mul(number(3), add(power(mean, 2), variance)))
    assert is_true(subtract(add(at_mean, curved), wanted)) and not is_true(curved)
    assert moments.expect(total(h, entry))[1] == number(0)
    for term in (power(entry, 3), call("exp", entry), power(entry, -1)):
        with pytest.raises(NotQuadratic):
            moments.expect(total(h, term))


@pytest.mark.parametrize("stem", ["ppca", "poisson_mixture", "zero_inflated_counts"])
def test_what_is_averaged_for_the_gap_is_by_u_log_p_with_its_entropy(stem: str) -> None:
    for result in derived(stem).factors:
        identity = result.identity
        assert identity is not None
        log_p = result.factor.log_density
        found = _less(log_p, identity.entropy, identity.base)
        assert is_true(add(found, negate(log_p), negate(identity.entropy), identity.base))
        other = mul(number(2), log_p)  # a base measure that is no part of log p
        shifted = _less(log_p, identity.entropy, other)
        assert is_true(add(shifted, negate(log_p), negate(identity.entropy), other))


def test_samples_are_needed_where_no_mean_has_a_closed_form() -> None:
    setting = Setting(derived("linear_vae"))
    means = Expectations(setting)
    (latent,) = setting.latents
    (h,) = formal_indices(latent.shape, "h")
    square = total(h, power(Entry(latent, (h,)), 2))
    assert latent not in symbols_of(means.of_term(square, square, ())) and not means.by_samples
    curved = total(h, call("exp", Entry(latent, (h,))))
    assert latent in symbols_of(means.of_term(curved, curved, ())) and means.by_samples


# ---------------------------------------------------------------- arguments


def test_arguments_are_in_the_order_of_reading() -> None:
    setting = Setting(derived("linear_vae"))
    body = plan_elbo(setting)
    for data_first in (True, False):
        found = list_arguments(setting, body, frozenset(), data_first=data_first)
        names = [a.name for a in found]
        learned = [setting.names[s] for s in setting.model.parameters if setting.names[s] in names]
        data = [setting.names[s] for s in setting.observed if setting.names[s] in names]
        assert data and learned
        ahead, after = (data, learned) if data_first else (learned, data)
        assert names.index(ahead[-1]) < names.index(after[0])
        assert names[-1] not in {*data, *learned}  # parameters of q are last


def test_what_does_not_occur_is_only_checked() -> None:
    setting = Setting(derived("ppca"))
    body = plan_entropy_sum(setting)
    (mean,) = (s for s in setting.model.parameters if s.name == "mu")
    found = {a.name: a for a in list_arguments(setting, body, frozenset(), data_first=False)}
    assert found["mu"].optional and not found["sigma2"].optional
    whole = symbol_argument(setting, mean)
    once = as_optional(whole)
    assert once == as_optional(once) == symbol_argument(setting, mean, optional=True)
