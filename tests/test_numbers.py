"""Numbers: the exact identity at large, and entropy sums against fitted models.

Every test fits or draws by code of its own (EM, Newton, scikit-learn, enumeration) and asks the
emitted module for the entropy sum alone.  Run with -rP to see what was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from math import isclose, isfinite
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import test_family_roles as roles
from numpy.typing import NDArray
from scipy import optimize, special, stats

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.criterion.express_form import FactorForm
from symelbo.criterion.factor import Factor
from symelbo.criterion.result import Closure, Decision, Holds
from symelbo.expfam.form import Gauge
from symelbo.index.build import ZERO, add, mul, negate, number, total
from symelbo.index.terms import Array, Domain, Term
from symelbo.trial.evaluate import World, evaluate
from symelbo.trial.identity import identity_residual

Floats = NDArray[np.float64]
MODELS = sorted((Path(__file__).resolve().parents[1] / "models").glob("*.yaml"))
SEEDS = range(1000, 1010)  # derive() itself uses 0, 1, 2, ...: the number of the factor


@cache
def model(stem: str) -> Derivation:
    return symelbo.derive(next(path for path in MODELS if path.stem == stem))


def emitted(stem: str) -> ModuleType:
    """The numeric module of a model."""
    return model(stem).function()


# ---------------------------------------------------------------- the exact identity


def _as_prior(key: str) -> dict[str, Any]:
    source = roles.specify(*roles.CASES[key], "v")
    source["parameters"].update(w="real[P]", s="positive")
    source["functions"] = {"m": "real[D]"}
    source["model"].append("x[d] ~ Normal(m(v, w)[d], s) for d in 1:D")
    return {**source, "observed": ["x"]}


def _known_offset(statement: str) -> dict[str, Any]:
    """A natural parameter with a known part that no motion scales."""
    binary = "z[1]" in statement
    prior = "Bernoulli(rho[h])" if binary else "Normal(0, t[h])"
    return {
        "name": "Known offset",
        "sizes": ["D", "H", "K"],
        "parameters": {
            **({"w": "real", "rho": "unit[H]"} if binary else {"t": "positive[H]"}),
            "r": "positive",
            "W": "real[D,H]",
        },
        "constants": {"k": "real[D]", "V": "posdef[K,K]", "S": "posdef[D,D]"},
        "model": [
            f"z[h] ~ {prior} for h in 1:H",
            "m[d] = sum(W[d,h]*z[h] for h in 1:H) + k[d] for d in 1:D",
            statement,
        ],
        "observed": ["x"],
    }


SHIFTED = (
    "x[d] ~ Bernoulli(logit=m[d]) for d in 1:D",
    "x[d] ~ Poisson(log_rate=m[d]) for d in 1:D",
    "x[d] ~ Normal(m[d], 1) for d in 1:D",
    "x[d] ~ LogNormal(m[d], 1) for d in 1:D",
    "x ~ MvNormal(m, S)",
    "x ~ Categorical(logits=m)",
    "x ~ Exponential(exp(w*z[1]))",
    "x ~ Gamma(exp(w*z[1]) + 2, r)",
    "x ~ ChiSquared(exp(w*z[1]) + 6)",
    "x ~ Wishart(exp(w*z[1]) + 6, V)",
)


def _known_prior(prior: str, noise: str = "s") -> dict[str, Any]:
    """A linear layer under a prior without parameters."""
    return {
        "name": "Known prior",
        "sizes": ["D", "H"],
        "parameters": {"W": "real[D,H]", "b": "real[D]", "s": "positive"},
        "constants": {"m0": "real[H]", "t0": "positive[H]", "S0": "posdef[H,H]"},
        "model": [
            prior,
            f"x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H) + b[d], {noise}) for d in 1:D",
        ],
        "observed": ["x"],
    }


def _motion_model(parameters: dict[str, str], *model: str, **keys: Any) -> dict[str, Any]:
    sizes = ["C", "D", "H", "J", "T"]
    given = {"name": "Motion", "sizes": sizes, "parameters": parameters, "observed": ["x"]}
    return {**given, "model": list(model), **keys}


# theory, section 6: these hold by a motion of their latents alone
KNOWN_PRIORS: dict[str, dict[str, Any]] = {
    family: _known_prior(f"z[h] ~ {family} for h in 1:H")
    for family in (
        "Normal(1, 1)",
        "Normal(m0[h], t0[h])",
        "Laplace(0, 1)",
        "HalfNormal(1)",
        "Rayleigh(1)",
        "Exponential(1)",
        "Gamma(2, 2)",
        "InverseGamma(2, 3)",
        "ChiSquared(4)",
    )
}
KNOWN_PRIORS |= {
    "MvNormal(m0, S0)": _known_prior("z ~ MvNormal(m0, S0)"),
    "linear dynamical system": _motion_model(
        {"A": "real[H,H]", "Q": "positive[H]", "C0": "real[D,H]", "R": "positive[D]"},
        "z[h,1] ~ Normal(0, 1) for h in 1:H",
        "z[h,t+1] ~ Normal(sum(A[h,k]*z[k,t] for k in 1:H), Q[h]) for h in 1:H, t in 1:T-1",
        "x[d,t] ~ Normal(sum(C0[d,h]*z[h,t] for h in 1:H), R[d]) for d in 1:D, t in 1:T",
    ),
    "mixture of factor analysers": _motion_model(
        {"p": "simplex[C]", "W": "real[C,D,H]", "m": "real[C,D]", "s": "positive[C,D]"},
        "c ~ Categorical(p)",
        "z[h] ~ Normal(0, 1) for h in 1:H",
        "x[d] ~ Normal(sum(W[c,d,h]*z[h] for h in 1:H) + m[c,d], s[c,d]) for d in 1:D",
    ),
    "effects": _motion_model(
        {"m": "real", "t": "real", "s": "positive"},
        "z[j] ~ Normal(0, 1) for j in 1:J",
        "x[j] ~ Normal(m + t*z[j], s) for j in 1:J",
    ),
    "Rasch": _motion_model(
        {"t": "positive", "b": "real[D]"},
        "z ~ Normal(0, t)",
        "x[d] ~ Bernoulli(logit=z - b[d]) for d in 1:D",
    ),
    "stochastic volatility": _motion_model(
        {"l": "real", "s": "positive"},
        "h[1] ~ Normal(l, s)",
        "h[t+1] ~ Normal(l + phi*(h[t] - l), s) for t in 1:T-1",
        "x[t] ~ Normal(0, exp(h[t])) for t in 1:T",
        constants={"phi": "real"},
    ),
    "eight schools": _motion_model(
        {"m": "real", "t": "positive"},
        "z[j] ~ Normal(m, t) for j in 1:J",
        "x[j] ~ Normal(z[j], s2[j]) for j in 1:J",
        constants={"s2": "positive[J]"},
    ),
    "exponentials": _motion_model({}, "z ~ Exponential(1)", "x ~ Exponential(z)"),
}


def _sources(role: str) -> dict[str, Any]:
    """What to derive, by name."""
    cases = roles.CASES
    match role:
        case "models":
            return {path.stem: path for path in MODELS}
        case "shifted":  # a known part of eta is moved into the base measure
            return {statement: _known_offset(statement) for statement in SHIFTED}
        case "known":  # the latents move; by theorem 2, and by theorem 1 with a motion: Student
            student = ("u ~ Gamma(nu/2, nu/2)", "x ~ Normal(m, s/u)")
            parameters = {"nu": "positive", "m": "real", "s": "positive"}
            return {**KNOWN_PRIORS, "Student": _motion_model(parameters, *student)}
        case "alone":
            return {key: roles.specify(*case, "v") for key, case in cases.items()}
        case "component":
            return {key: roles.specify(*case, "v", component=True) for key, case in cases.items()}
        case "prior":
            return {key: _as_prior(key) for key in cases if not key.startswith("Categorical")}
    linked = [pair for pair in roles.LINKED if pair in roles.PROVED_LINKS]
    return {f"{key}, {a}": roles.specify(*cases[key], "v", link=a) for key, a in linked}


@cache
def _derived(role: str) -> dict[str, Derivation]:
    return {name: symelbo.derive(source) for name, source in _sources(role).items()}


def _decisions(derivation: Derivation) -> list[Decision]:
    """The result, and the same sum by theorem 1 where the result is by theorem 2."""
    other = derivation.decision.alternative
    return [derivation.decision, *([] if other is None else [other])]


def _residuals(decision: Decision, seed: int, *, error: int = 0) -> list[float]:
    """The relative residual of every factor that holds; with `error` nats added to H."""
    found = []
    for result in decision.results:
        if isinstance(result, Holds):
            factor, identity = result.factor, result.identity
            found.append(
                identity_residual(
                    factor.over_plates(factor.log_density),
                    add(factor.over_plates(identity.entropy), number(error)),
                    factor.over_plates(add(identity.base, identity.divergence)),
                    decision.motion.velocities(),
                    _conditions(factor),
                    seed=seed,
                    trials=3,
                )
            )
    assert all(map(isfinite, found)), "no point to try it at"
    return found


def _conditions(factor: Factor) -> list[tuple[Array, Domain]]:
    return [(c.array, c.domain) for c in factor.statement.conditions]


ROLES = ["models", "shifted", "known", "alone", "component", "prior", "link"]


@pytest.mark.parametrize("role", ROLES)
def test_exact_identity(role: str, record_property: Callable[[str, object], None]) -> None:
    """F = S + dF/ds along the motion, per factor: sizes 1..3, ten seeds of three draws each."""
    worst, where, tried = 0.0, "", 0
    for name, derivation in _derived(role).items():
        for decision, seed in product(_decisions(derivation), SEEDS):
            for residual in _residuals(decision, seed):
                tried += 3
                if residual >= worst:
                    worst, where = residual, name
    record_property("largest_relative_residual", worst)
    print(f"{role}: {tried} draws, largest relative residual {worst:.1e} ({where})")
    assert tried >= 120
    assert worst <= 1e-8, f"largest relative residual {worst:.1e} at {where}"


@pytest.mark.parametrize("stem", ["ppca", "gamma_mixture", "sbn_deep", "vae3"])
def test_exact_identity_notices_a_wrong_entropy(stem: str) -> None:
    """One nat too much is seen at every factor and every seed."""
    for seed in SEEDS:
        assert min(_residuals(model(stem).decision, seed, error=1)) > 1e-4


@pytest.mark.parametrize("name", KNOWN_PRIORS)
def test_exact_identity_needs_the_motion_of_the_latents(name: str) -> None:
    """With all latents at rest it fails somewhere, at every seed."""
    decision = _derived("known")[name].decision
    assert decision.motion.latents
    still = replace(decision, motion=replace(decision.motion, latents={}))
    for seed in SEEDS:
        assert max(_residuals(still, seed)) > 1e-4


def test_base_measures_are_shifted_by_what_is_known() -> None:
    """The role `shifted` is about what its name says."""
    for name, derivation in _derived("shifted").items():
        assert (derivation.verdict, derivation.theorem) == ("proved", 2), name
        identity = derivation.factors[-1].identity
        assert identity is not None
        assert identity.gauge is Gauge.SHIFTED, name


def test_student_noise_has_two_motions() -> None:
    """By theorem 2 at rest, and by theorem 1 as in theory, section 6, with a condition on q."""
    decision = _derived("known")["Student"].decision
    other = decision.alternative
    assert other is not None
    assert not decision.motion.latents
    assert [node.name for node in other.motion.latents] == ["u"]
    assert all(isinstance(r, Holds) and r.identity.is_entropy for r in other.results)
    for seed in SEEDS:
        assert max(_residuals(other, seed)) < 1e-12
        mixed = replace(other, motion=decision.motion)
        assert max(_residuals(mixed, seed)) > 1e-4


def _linear(form: FactorForm) -> Term:
    """eta' T at one point of the plates."""
    parts = []
    for block in form.blocks:
        part = mul(block.natural, block.statistic)
        for index in reversed(block.indices):
            part = total(index, part)
        parts.append(part)
    return add(*parts)


@pytest.mark.parametrize("role", ROLES)
def test_the_form_is_the_density_and_scales(role: str) -> None:
    """log p = eta' T - A + log h, and D (eta' T) = eta' T where the value rests and T is free of
    parents: eta -> e^s eta with the base measure that the identity has.
    """
    scaled = 0
    for name, derivation in _derived(role).items():
        velocities = derivation.motion.velocities()
        for result in derivation.factors:
            assert result.form is not None, name
            factor, form, linear = result.factor, result.form, _linear(result.form)
            whole = add(linear, negate(form.log_partition), form.log_base)
            given: dict[str, Any] = {"conditions": _conditions(factor), "seed": 7}
            density, stated = factor.over_plates(factor.log_density), factor.over_plates(whole)
            assert identity_residual(density, ZERO, stated, {}, **given) < 1e-10, name
            rests = factor.node not in derivation.motion.latents
            if rests and result.identity is not None and not form.conditional:
                scaled += 1
                eta_T = factor.over_plates(linear)
                assert identity_residual(eta_T, ZERO, ZERO, velocities, **given) < 1e-10, name
    assert scaled >= 5


@pytest.mark.parametrize(
    ("prior", "q", "expected"),
    [
        ("Pareto(1, 2)", "Pareto(1, t)", stats.pareto(2.5).entropy()),
        ("Pareto(2, 3)", "Pareto(2, 3)", stats.pareto(3, scale=2).entropy()),
        ("VonMises(0, 2)", "VonMises(m, t)", stats.vonmises(2.5).entropy()),
        ("Gamma(3, 3)", "Gamma(t, 3)", stats.gamma(2.5, scale=1 / 3).entropy()),
        ("Beta(3, 2)", "Beta(t, 2)", stats.beta(2.5, 2).entropy()),
    ],
)
def test_entropy_of_a_declared_density(prior: str, q: str, expected: float) -> None:
    """H[q] of supports with a bound, of an angle, and with arguments that are known."""
    source = {
        "name": "Declared q",
        "parameters": {"w": "real", "s": "positive"},
        "model": [f"z ~ {prior}", "x ~ Normal(w*z, s)"],
        "observed": ["x"],
        "variational": [f"z ~ {q}"],
    }
    whole = symelbo.derive(source).entropy_sum
    assert whole is not None
    assert whole.q_entropy is not None
    world = World({}, {("t", ()): 2.5, ("m", ()): 0.3})
    assert isclose(evaluate(whole.q_entropy, world).value, expected, rel_tol=1e-9)


# ---------------------------------------------------------------- linear models of data


def _normal_log_likelihood(x: Floats, covariance: Floats) -> float:
    """The mean log-density of centred data."""
    scatter = x.T @ x / len(x)
    log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
    return float(-0.5 * log_det - 0.5 * np.trace(np.linalg.solve(covariance, scatter)))


def _polish_factors(x: Floats, W: Floats, s: Floats) -> tuple[Floats, Floats, float]:
    """EM of factor analysis, and the largest gradient of the mean log-likelihood at the end."""
    scatter = x.T @ x / len(x)
    for _ in range(8000):
        B = np.linalg.solve(W @ W.T + np.diag(s), W).T
        W = scatter @ B.T @ np.linalg.inv(np.eye(W.shape[1]) - B @ W + B @ scatter @ B.T)
        s = np.diag(scatter - W @ B @ scatter).copy()
    inverse = np.linalg.inv(W @ W.T + np.diag(s))
    slope = inverse - inverse @ scatter @ inverse
    return W, s, float(max(np.abs(slope @ W).max(), np.abs(np.diag(slope)).max() / 2))


def test_factor_analysis_of_the_wines() -> None:
    """Three factors (no Heywood case): the sum is scikit-learn's score, and after EM to gradients
    below 1e-10 the log-likelihood to rounding."""
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = pytest.importorskip("sklearn.datasets").load_wine().data
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    fitted = decomposition.FactorAnalysis(3, tol=1e-14, max_iter=100_000, svd_method="lapack")
    fitted.fit(x)
    W, s = fitted.components_.T, fitted.noise_variance_
    assert s.min() > 0.05, f"a Heywood case: {s.min()}"
    entropy_sum, score = emitted("factor_analysis").entropy_sum, fitted.score(x)
    value = entropy_sum(W=W, sigma2=s)
    print(f"score {score:.12f}, entropy sum {value:.12f}, difference {value - score:.1e}")
    assert isclose(value, score, rel_tol=1e-7), f"{value} and scikit-learn's {score}"
    W, s, gradient = _polish_factors(x, W, s)
    value, exact = entropy_sum(W=W, sigma2=s), _normal_log_likelihood(x, W @ W.T + np.diag(s))
    print(f"polished: gradient {gradient:.1e}, difference {value - exact:.1e}")
    assert gradient < 1e-10
    assert isclose(value, exact, rel_tol=1e-12), f"{value} and the log-likelihood {exact}"


@pytest.mark.parametrize("H", [1, 5, 20])
def test_linear_vae_at_its_optimum_is_ppca(H: int) -> None:
    """In the principal axes the posterior is diagonal, with variances sigma2 / eigenvalue."""
    datasets = pytest.importorskip("sklearn.datasets")
    x = datasets.load_digits().data
    x = x[:, x.std(axis=0) > 0]
    mu, (N, D) = x.mean(axis=0), x.shape
    values, axes = np.linalg.eigh((x - mu).T @ (x - mu) / N)
    values, axes = values[::-1], axes[:, ::-1]
    sigma2 = values[H:].mean()
    W = axes[:, :H] * np.sqrt(values[:H] - sigma2)
    nu, tau2 = (x - mu) @ W / values[:H], np.tile(sigma2 / values[:H], (N, 1))
    exact = _normal_log_likelihood(x - mu, W @ W.T + sigma2 * np.eye(D))
    module = emitted("linear_vae")
    value = module.entropy_sum(sigma2=sigma2, D=D, tau2=tau2)
    assert isclose(value, exact, rel_tol=1e-12), f"{value} and p-PCA's log-likelihood {exact}"
    assert isclose(emitted("ppca").entropy_sum(W=W, sigma2=sigma2), exact, rel_tol=1e-12)
    given = {"W": W, "mu": mu, "sigma2": sigma2, "nu": nu, "tau2": tau2}
    assert isclose(module.elbo(x=x, **given), exact, rel_tol=1e-12)


# ---------------------------------------------------------------- binary latents, enumerated

H = 8
STATES = ((np.arange(2**H)[:, None] >> np.arange(H)) & 1).astype(float)


def _belief_net(
    theta: Floats, patterns: Floats, frequencies: Floats
) -> tuple[float, Floats, Floats]:
    """-log-likelihood of an SBN, its gradient by (logit pi, W, mu), and the posterior."""
    D = patterns.shape[1]
    a, W, mu = theta[:H], theta[H : H + D * H].reshape(D, H), theta[H + D * H :]
    logits = STATES @ W.T + mu
    prior = STATES @ a - np.logaddexp(0, a).sum()
    joint = patterns @ logits.T + prior - np.logaddexp(0, logits).sum(axis=1)
    likelihood = special.logsumexp(joint, axis=1)
    posterior = np.exp(joint - likelihood[:, None])
    weights = posterior * frequencies[:, None]
    excess = weights.T @ patterns - weights.sum(axis=0)[:, None] * special.expit(logits)
    of_a = weights.sum(axis=0) @ STATES - special.expit(a)
    gradient = np.concatenate([of_a, (excess.T @ STATES).ravel(), excess.sum(axis=0)])
    return -float(frequencies @ likelihood), -gradient, posterior


@pytest.mark.parametrize("seed", [0, 1])
def test_belief_net_by_enumeration(seed: int) -> None:
    """H = 8, D = 5, N = 2000: all 32 patterns occur, so the maximum is interior, and it is the
    saturated one: the ELBO is also minus the entropy of the empirical distribution."""
    rng = np.random.default_rng(seed)
    D, N = 5, 2000
    pi, W = rng.uniform(0.2, 0.6, H), rng.normal(size=(D, H))
    mu = -W @ pi + rng.normal(size=D) * 0.3
    z = rng.uniform(size=(N, H)) < pi
    x = (rng.uniform(size=(N, D)) < special.expit(z @ W.T + mu)).astype(float)
    patterns, inverse, counts = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    data = (patterns, counts / N)
    theta = np.concatenate([special.logit(pi), W.ravel(), mu])
    options = {"maxiter": 3000, "maxcor": 50, "ftol": 0, "gtol": 1e-7}
    found = optimize.minimize(
        lambda t: _belief_net(t, *data)[:2], theta, jac=True, method="L-BFGS-B", options=options
    )
    theta, step = found.x, 1e-5
    for _ in range(3):  # Newton; the maximum is not isolated, hence the pseudo-inverse
        ahead = np.array([_belief_net(theta + step * e, *data)[1] for e in np.eye(len(theta))])
        behind = np.array([_belief_net(theta - step * e, *data)[1] for e in np.eye(len(theta))])
        hessian = (ahead - behind) / (2 * step)
        slope = _belief_net(theta, *data)[1]
        theta = theta - np.linalg.pinv((hessian + hessian.T) / 2, rcond=1e-6) @ slope
    value, gradient, posterior = _belief_net(theta, *data)
    norm = float(np.linalg.norm(gradient))
    assert norm < 1e-8, f"gradient norm {norm:.1e}"
    assert np.abs(theta).max() < 20  # interior
    posterior = posterior[inverse.ravel()]
    given = {
        "pi": special.expit(theta[:H]),
        "W": theta[H : H + D * H].reshape(D, H),
        "mu": theta[H + D * H :],
        "entropy_q": special.entr(posterior).sum(axis=1).mean(),
        "z": STATES,
        "weights": posterior,
    }
    total = emitted("sbn").entropy_sum(**given)
    print(
        f"gradient norm {norm:.1e}, ELBO {-value:.12f}, entropy sum less ELBO {total + value:.1e}"
    )
    assert isclose(total, -value, rel_tol=1e-7), f"{total} and the log-likelihood {-value}"
    assert isclose(total, -special.entr(counts / N).sum(), rel_tol=1e-7)
    started = {**given, "pi": pi, "W": W, "mu": mu}
    assert abs(emitted("sbn").entropy_sum(**started) + value) > 1e-3  # elsewhere it is off


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_binary_latents_and_a_linear_decoder_by_enumeration(seed: int) -> None:
    """H = 8, D = 6, N = 400, m(z) = W z + b, fitted by EM with the exact posterior."""
    rng = np.random.default_rng(seed)
    D, N = 6, 400
    pi, W, sigma2 = rng.uniform(0.2, 0.6, H), rng.normal(size=(D, H)), 0.1
    x = (rng.uniform(size=(N, H)) < pi) @ W.T + rng.normal(size=(N, D)) * np.sqrt(sigma2)
    inputs, B = np.c_[STATES, np.ones(2**H)], np.c_[W, np.zeros(D)]

    def expect(pi: Floats, B: Floats, sigma2: float) -> tuple[float, Floats, Floats]:
        """log-likelihood, posterior and squared distances"""
        means = inputs @ B.T
        far = (x**2).sum(axis=1)[:, None] - 2 * x @ means.T + (means**2).sum(axis=1)
        joint = STATES @ special.logit(pi) + np.log1p(-pi).sum() - far / (2 * sigma2)
        joint -= D / 2 * np.log(2 * np.pi * sigma2)
        value = special.logsumexp(joint, axis=1)
        return float(value.mean()), np.exp(joint - value[:, None]), far

    for _ in range(4000):
        value, posterior, far = expect(pi, B, sigma2)
        mean = posterior.mean(axis=0)
        slope_B = (posterior.T @ x / N).T @ inputs - B @ (inputs.T * mean) @ inputs
        slope_pi = (mean @ STATES - pi) / (pi * (1 - pi))
        spread = float((posterior * far).sum() / (N * D))
        slopes = [slope_B.ravel() / sigma2, slope_pi, [D * (spread / sigma2 - 1) / (2 * sigma2)]]
        norm = float(np.linalg.norm(np.concatenate(slopes)))
        if norm < 1e-9:
            break
        pi = mean @ STATES
        B = np.linalg.solve((inputs.T * mean) @ inputs, inputs.T @ (posterior.T @ x / N)).T
        means = inputs @ B.T
        far = (x**2).sum(axis=1)[:, None] - 2 * x @ means.T + (means**2).sum(axis=1)
        sigma2 = float((posterior * far).sum() / (N * D))
    assert norm < 1e-8, f"gradient norm {norm:.1e}"
    assert pi.min() > 0.05 and pi.max() < 0.95 and sigma2 > 0.01  # interior
    entropy_q = special.entr(posterior).sum(axis=1).mean()
    assert entropy_q > 0.05  # a posterior that is not a point
    total = emitted("vae_bernoulli").entropy_sum(pi=pi, sigma2=sigma2, D=D, entropy_q=entropy_q)
    print(f"gradient norm {norm:.1e}, ELBO {value:.12f}, entropy sum less ELBO {total - value:.1e}")
    assert isclose(total, value, rel_tol=1e-7), f"{total} and the log-likelihood {value}"
    wrong = emitted("vae_bernoulli").entropy_sum(
        pi=pi, sigma2=1.1 * sigma2, D=D, entropy_q=entropy_q
    )
    assert abs(wrong - value) > 0.1


# ---------------------------------------------------------------- sparse coding


@pytest.mark.parametrize("seed", range(5))
def test_sparse_coding_at_its_profiled_scales(seed: int) -> None:
    """Random W, nu, tau2: with lambda and sigma2 at their closed forms (theory, section 7) the ELBO
    is the sum, although nothing else is stationary."""
    rng = np.random.default_rng(seed)
    N, D, H = 7, 4, 3
    x, W, nu = rng.normal(size=(N, D)), rng.normal(size=(D, H)), rng.normal(size=(N, H))
    tau2 = rng.uniform(0.05, 2.0, (N, H))
    s = np.sqrt(tau2)
    absolute = np.sqrt(2 / np.pi) * s * np.exp(-(nu**2) / (2 * tau2))
    absolute = (absolute + nu * special.erf(nu / (s * np.sqrt(2)))).mean(axis=0)
    squared = (tau2 @ (W**2).sum(axis=0) + ((x - nu @ W.T) ** 2).sum(axis=1)).mean()

    def elbo(scale: Floats, sigma2: float) -> float:
        entropy_q = 0.5 * np.log(2 * np.pi * np.e * tau2).sum(axis=1).mean()
        log_z = -np.sum(absolute / scale + np.log(2 * scale))
        return float(
            entropy_q + log_z - squared / (2 * sigma2) - D / 2 * np.log(2 * np.pi * sigma2)
        )

    scale, sigma2 = absolute, float(squared / D)
    entropy_sum = emitted("sparse_coding").entropy_sum
    value, exact = entropy_sum(lambda_=scale, sigma2=sigma2, D=D, tau2=tau2), elbo(scale, sigma2)
    assert isclose(value, exact, rel_tol=1e-12, abs_tol=1e-12), f"{value} and the ELBO {exact}"
    wider = {"lambda_": 1.3 * scale, "sigma2": sigma2}
    assert abs(entropy_sum(**wider, D=D, tau2=tau2) - elbo(1.3 * scale, sigma2)) > 0.01


# ---------------------------------------------------------------- where the sum is wrong


def _fit_with_fixed_covariance(x: Floats, H: int) -> tuple[float, float, float]:
    """p-PCA with q_n = N(m_n, 1/2): ELBO, sigma2 and the largest gradient by W, mu, sigma2, m."""
    rng = np.random.default_rng(1)
    (N, D), covariance = x.shape, 0.5 * np.eye(H)
    W, mu, sigma2 = rng.normal(size=(D, H)), x.mean(axis=0), 1.0
    for _ in range(4000):
        precision = W.T @ W / sigma2 + np.eye(H)
        m = (x - mu) @ W @ np.linalg.inv(precision) / sigma2
        mu = (x - m @ W.T).mean(axis=0)
        W = np.linalg.solve(m.T @ m / N + covariance, m.T @ (x - mu) / N).T
        rest = x - mu - m @ W.T
        squared = float((rest**2).sum() / N + np.trace(W @ covariance @ W.T))
        sigma2 = squared / D
    slopes = (
        (rest.T @ m / N - W @ covariance) / sigma2,
        rest.mean(axis=0) / sigma2,
        squared / (2 * sigma2**2) - D / (2 * sigma2),
        rest @ W / sigma2 - m,
    )
    entropy_q = H / 2 * np.log(2 * np.pi * np.e * 0.5)
    log_z = -0.5 * ((m**2).sum() / N + 0.5 * H) - H / 2 * np.log(2 * np.pi)
    elbo = entropy_q + log_z - squared / (2 * sigma2) - D / 2 * np.log(2 * np.pi * sigma2)
    return float(elbo), sigma2, max(float(np.abs(slope).max()) for slope in slopes)


@pytest.mark.parametrize("seed", range(3))
def test_fixed_covariance_of_q_is_a_counterexample(seed: int) -> None:
    """Theory, section 6: every gradient vanishes, the sum is off, and symelbo refuses."""
    rng = np.random.default_rng(seed)
    N, D, H = 60, 5, 2
    x = 1.5 * rng.normal(size=(N, H)) @ rng.normal(size=(H, D)) + 0.7 * rng.normal(size=(N, D))
    elbo, sigma2, gradient = _fit_with_fixed_covariance(x, H)
    assert gradient < 1e-8, f"largest gradient {gradient:.1e}"
    total = emitted("linear_vae").entropy_sum(sigma2=sigma2, D=D, tau2=np.full((N, H), 0.5))
    print(f"largest gradient {gradient:.1e}, ELBO less sum {elbo - total:.3f} nats")
    assert abs(elbo - total) > 0.1, f"the sum is off by {elbo - total} nats only"
    source = dict(model("linear_vae").model.normalized)
    assert symelbo.derive(source).verdict == "proved"
    refused = symelbo.derive({**source, "variational": ["z[h] ~ Normal(nu[h], 0.5) for h in 1:H"]})
    assert refused.verdict == "undecided"
    assert refused.closure is Closure.BROKEN
    assert refused.decision.broken == ("z",)
    assert refused.decision.holds  # (U) does: what fails is that q follows its motion
