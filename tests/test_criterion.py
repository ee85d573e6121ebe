"""What the criterion decides: fields, base measures, joint fields, refutations and their causes."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from typing import Any

import pytest

import symelbo
from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.criterion import explain_refutation
from symelbo.criterion.confirm import confirm_refutation
from symelbo.criterion.result import Closure, Holds, Outside, Refuted
from symelbo.expfam.form import Gauge
from symelbo.notation.names import name_indices
from symelbo.notation.print_text import print_text
from symelbo.page.documents import render_proof

SBN_PRIOR = "z[h] ~ Bernoulli(pi[h]) for h in 1:H"
NORMAL_PRIOR = "z[h] ~ Normal(0, 1) for h in 1:H"
LINEAR = "sum(W[d,h]*z[h] for h in 1:H) + mu[d]"
WEIGHTS = {"W": "real[D, H]", "mu": "real[D]"}


def spec(
    model: list[str],
    parameters: dict[str, str],
    sizes: tuple[str, ...] = ("H", "D"),
    **keys: Any,
) -> dict[str, Any]:
    observed = keys.pop("observed", ["x"])
    return {
        "name": "test model",
        "sizes": list(sizes),
        "parameters": parameters,
        "model": model,
        "observed": observed,
        **keys,
    }


def result_of(derivation: Derivation, node: str) -> FactorResult:
    return next(result for result in derivation.factors if result.node == node)


def fields_of(derivation: Derivation, node: str) -> dict[str, str]:
    """parameter -> field, with the array's indices written i, j, k."""
    fields = {}
    for parameter, array in result_of(derivation, node).field.items():
        text = print_text(name_indices(array.body))
        for index, letter in zip(array.indices, "ijk", strict=False):
            text = text.replace(index.name, letter)
        fields[parameter.name] = text
    return fields


HOLDS: dict[str, tuple[dict[str, Any], int, dict[str, dict[str, str]]]] = {
    "belief net": (
        spec(
            [SBN_PRIOR, f"x[d] ~ Bernoulli(logit={LINEAR}) for d in 1:D"],
            {"pi": "unit[H]", **WEIGHTS},
        ),
        1,
        {
            "z": {"pi": "pi[i]*(1 - pi[i])*log(pi[i]/(1 - pi[i]))"},
            "x": {"W": "W[i,j]", "mu": "mu[i]"},
        },
    ),
    "three layers": (
        spec(
            [
                SBN_PRIOR,
                "y[i] ~ Bernoulli(logit=sum(M[i,h]*z[h] for h in 1:H) + nu[i]) for i in 1:I",
                "x[d] ~ Bernoulli(logit=sum(W[d,i]*y[i] for i in 1:I) + mu[d]) for d in 1:D",
            ],
            {
                "pi": "unit[H]",
                "M": "real[I, H]",
                "nu": "real[I]",
                "W": "real[D, I]",
                "mu": "real[D]",
            },
            ("H", "I", "D"),
        ),
        1,
        {"y": {"M": "M[i,j]", "nu": "nu[i]"}, "x": {"W": "W[i,j]", "mu": "mu[i]"}},
    ),
    "variance as standard deviation": (
        spec(
            [SBN_PRIOR, f"x[d] ~ Normal({LINEAR}, s**2) for d in 1:D"],
            {"pi": "unit[H]", **WEIGHTS, "s": "positive"},
        ),
        1,
        {"x": {"s": "-s/2"}},
    ),
    "log-variance": (
        spec(
            [SBN_PRIOR, f"x[d] ~ Normal({LINEAR}, exp(v)) for d in 1:D"],
            {"pi": "unit[H]", **WEIGHTS, "v": "real"},
        ),
        1,
        {"x": {"v": "-1"}},
    ),
    "precision": (
        spec(
            [SBN_PRIOR, f"x[d] ~ Normal({LINEAR}, precision=t) for d in 1:D"],
            {"pi": "unit[H]", **WEIGHTS, "t": "positive"},
        ),
        1,
        {"x": {"t": "t"}},
    ),
    "a mean that is a multiple of a sum": (
        spec(
            [
                "c ~ Categorical(p)",
                "x ~ Normal(m*sum(g[k]*p[k] for k in 1:C), v[c])",
            ],
            {"p": "simplex[C]", "m": "real", "v": "positive[C]"},
            ("C",),
            constants={"g": "positive[C]"},
        ),
        1,
        {
            "x": {
                "m": "m*(sum(p[c]*log(p[c]) for c in 1:C) - 1/sum(g[c]*p[c] for c in 1:C)"
                "*sum(g[c]*p[c]*log(p[c]) for c in 1:C))",
                "p": "p[i]*(log(p[i]) - sum(p[c]*log(p[c]) for c in 1:C))",
                "v": "-v[i]",
            }
        },
    ),
    "means that are given place by place, each with a shift of its own": (
        spec(
            ["a[1] = w", "a[2] = 3*w + 1", "x[k] ~ Normal(a[k], 1) for k in 1:2"],
            {"w": "real"},
            (),
        ),
        2,
        {"x": {"w": "1/3*(3*w + 1)"}},
    ),
    "rates that are given place by place": (
        spec(
            ["a[1] = w", "a[2] = w + 1", "a[3] = 2*w + 3", "x[k] ~ Exponential(a[k]) for k in 1:3"],
            {"w": "positive"},
            (),
        ),
        2,
        {"x": {"w": "1/2*(2*w + 3)"}},
    ),
    "a covariance that is a product": (
        spec(
            [
                "Q[d,e] = sum(W[d,h]*W[e,h] for h in 1:H) for d in 1:D, e in 1:D",
                "x ~ MvNormal(m, Q)",
            ],
            {"W": "real[D, H]", "m": "real[D]"},
        ),
        1,
        {"x": {"W": "-W[i,j]/2"}},
    ),
    "diagonal covariance, abstract mean": (
        spec(
            [SBN_PRIOR, "x[d] ~ Normal(m(z, w)[d], s[d]) for d in 1:D"],
            {"pi": "unit[H]", "w": "real[P]", "s": "positive[D]"},
            ("H", "D", "P"),
            functions={"m": "real[D]"},
        ),
        1,
        {"x": {"s": "-s[i]"}},
    ),
    "variance by a network with a bias (VAE-3)": (
        spec(
            [SBN_PRIOR, "x[d] ~ Normal(m(z, w)[d], exp(v(z, w)[d] + b[d])) for d in 1:D"],
            {"pi": "unit[H]", "w": "real[P]", "b": "real[D]"},
            ("H", "D", "P"),
            functions={"m": "real[D]", "v": "real[D]"},
        ),
        1,
        {"x": {"b": "-1"}},
    ),
    "Poisson behind an exponential link": (
        spec(
            [SBN_PRIOR, f"x[d] ~ Poisson(exp({LINEAR})) for d in 1:D"],
            {"pi": "unit[H]", **WEIGHTS},
        ),
        2,
        {"x": {"W": "W[i,j]", "mu": "mu[i]"}},
    ),
    "exponential with a linear rate": (
        spec(
            ["c ~ Categorical(pi)", "x[d] ~ Exponential(r[d, c] + s[d]) for d in 1:D"],
            {"pi": "simplex[C]", "r": "positive[D, C]", "s": "positive[D]"},
            ("C", "D"),
        ),
        1,
        {"x": {"r": "r[i,j]", "s": "s[i]"}},
    ),
    "gamma mixture": (
        spec(
            ["c ~ Categorical(pi)", "x ~ Gamma(a[c], b[c])"],
            {"pi": "simplex[C]", "a": "positive[C]", "b": "positive[C]"},
            ("C",),
        ),
        1,
        {
            "c": {"pi": "pi[i]*(log(pi[i]) - sum(pi[c]*log(pi[c]) for c in 1:C))"},
            "x": {"a": "a[i] - 1", "b": "b[i]"},
        },
    ),
    "two categories": (
        spec(
            [
                "c ~ Categorical(p)",
                "k ~ Categorical(q)",
                "x[d] ~ Bernoulli(logit=u[c, d] + v[k, d]) for d in 1:D",
            ],
            {"p": "simplex[C]", "q": "simplex[K]", "u": "real[C, D]", "v": "real[K, D]"},
            ("C", "K", "D"),
        ),
        1,
        {"x": {"u": "u[i,j]", "v": "v[i,j]"}},
    ),
    "one hidden layer of tanh units": (
        spec(
            [
                SBN_PRIOR,
                "x[d] ~ Bernoulli(logit=sum(V[d,k]*tanh(sum(W[k,h]*z[h] for h in 1:H) + b[k])"
                " for k in 1:K) + a[d]) for d in 1:D",
            ],
            {"pi": "unit[H]", "V": "real[D, K]", "W": "real[K, H]", "b": "real[K]", "a": "real[D]"},
            ("H", "K", "D"),
        ),
        1,
        {"x": {"V": "V[i,j]", "a": "a[i]"}},
    ),
    "a variance shared by prior and observable": (
        spec(
            [
                "z[h] ~ Normal(0, s) for h in 1:H",
                "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
            ],
            {"W": "real[D, H]", "s": "positive"},
        ),
        1,
        {"z": {"s": "-s"}, "x": {"s": "-s"}},
    ),
    "known variance, linear mean": (
        spec([SBN_PRIOR, f"x[d] ~ Normal({LINEAR}, 1) for d in 1:D"], {"pi": "unit[H]", **WEIGHTS}),
        2,
        {"x": {"W": "W[i,j]", "mu": "mu[i]"}},
    ),
    "a known offset moves into the base measure": (
        spec(
            [SBN_PRIOR, "x[d] ~ Bernoulli(logit=sum(W[d,h]*z[h] for h in 1:H) + 2) for d in 1:D"],
            {"pi": "unit[H]", "W": "real[D, H]"},
        ),
        2,
        {"x": {"W": "W[i,j]"}},
    ),
    "Laplace with any location and a free scale": (
        spec(
            [SBN_PRIOR, "x[d] ~ Laplace(m(z, w)[d], b[d]) for d in 1:D"],
            {"pi": "unit[H]", "w": "real[P]", "b": "positive[D]"},
            ("H", "D", "P"),
            functions={"m": "real[D]"},
        ),
        1,
        {"x": {"b": "-b[i]"}},
    ),
    "a uniform prior needs no parameters": (
        spec(
            [
                "z[h] ~ Bernoulli(0.5) for h in 1:H",
                f"x[d] ~ Bernoulli(logit={LINEAR}) for d in 1:D",
            ],
            WEIGHTS,
        ),
        1,
        {"z": {}},
    ),
    "logistic regression": (
        spec(
            ["x ~ Bernoulli(logit=sum(w[k]*u[k] for k in 1:K) + b)"],
            {"w": "real[K]", "b": "real"},
            ("K",),
            inputs={"u": "real[K]"},
        ),
        1,
        {"x": {"w": "w[i]", "b": "b"}},
    ),
    "standard normal prior before a linear layer": (
        spec(
            [NORMAL_PRIOR, f"x[d] ~ Normal({LINEAR}, s) for d in 1:D"], {**WEIGHTS, "s": "positive"}
        ),
        1,
        {"x": {"W": "-W[i,j]/2", "s": "-s"}},
    ),
}


@pytest.mark.parametrize("name", HOLDS)
def test_criterion_holds_with_this_field(name: str) -> None:
    source, theorem, fields = HOLDS[name]
    derivation = symelbo.derive(source)
    assert (derivation.verdict, derivation.theorem) == ("proved", theorem)
    for node, expected in fields.items():
        assert fields_of(derivation, node) == expected
    assert derivation.residual is not None
    assert derivation.residual < 1e-10


# model, node, part of the cause, part of the remedy
REFUTED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "coupled weights": (
        spec(
            ["z ~ Bernoulli(pi)", "x ~ Bernoulli(logit=v*z)", "y ~ Bernoulli(logit=(v + 1)*z)"],
            {"pi": "unit", "v": "real"},
            (),
            observed=["x", "y"],
        ),
        "x",
        "share v",
        "parameters of its own",
    ),
    "curved normal": (
        spec(["x ~ Normal(m, m**2)"], {"m": "positive"}, ()),
        "x",
        "not together",
        "multiply the variance of x by a free positive factor",
    ),
    "abstract logits": (
        spec(
            [SBN_PRIOR, "x[d] ~ Bernoulli(logit=m(z, w)[d]) for d in 1:D"],
            {"pi": "unit[H]", "w": "real[P]"},
            ("H", "D", "P"),
            functions={"m": "real[D]"},
        ),
        "x",
        "the logit of x",
        "multiply the logit of x by a free factor, one for each d",
    ),
    "softplus link": (
        spec(
            [SBN_PRIOR, f"x[d] ~ Poisson(softplus({LINEAR})) for d in 1:D"],
            {"pi": "unit[H]", **WEIGHTS},
        ),
        "x",
        "the rate of x",
        "exp in place of softplus",
    ),
    "no bias behind the exponential variance": (
        spec(
            ["z ~ Normal(0, t)", "x ~ Normal(a*z, exp(v*z))"],
            {"t": "positive", "a": "real", "v": "real"},
            (),
        ),
        "x",
        "no motion of a and v",
        "multiply the variance of x by a free positive factor",
    ),
    "standard normal prior before a nonlinear layer": (
        spec(
            [NORMAL_PRIOR, "x[d] ~ Normal(m(z, w)[d], s) for d in 1:D"],
            {"w": "real[P]", "s": "positive"},
            ("H", "D", "P"),
            functions={"m": "real[D]"},
        ),
        "z",
        "has no parameters",
        "write the first layer linear: m(W z + c, w)",
    ),
}


@pytest.mark.parametrize("name", REFUTED)
def test_criterion_is_refuted_with_a_certificate(name: str) -> None:
    source, node, cause, remedy = REFUTED[name]
    derivation = symelbo.derive(source)
    assert derivation.verdict == "refuted"
    assert derivation.theorem is None
    result = result_of(derivation, node).result
    assert isinstance(result, Refuted)
    assert cause in result.cause
    assert remedy in result.remedy
    assert confirm_refutation(result.certificate, result.factors) == []


def test_latents_with_holding_priors_keep_their_entropies_in_a_refuted_model() -> None:
    derivation = symelbo.derive(REFUTED["coupled weights"][0])
    assert result_of(derivation, "z").verdict == "holds"
    assert derivation.entropy_sum is not None
    assert derivation.entropy_sum.remainders == ("x", "y")


def test_outside_names_the_piece() -> None:
    derivation = symelbo.derive(
        spec([SBN_PRIOR, f"x[d] ~ Laplace({LINEAR}, 1) for d in 1:D"], {"pi": "unit[H]", **WEIGHTS})
    )
    assert derivation.verdict == "outside"
    result = result_of(derivation, "x").result
    assert isinstance(result, Outside)
    assert result.piece is not None
    assert "abs" in print_text(result.piece)


def test_gamma_is_taken_with_a_constant_base_measure_where_that_works() -> None:
    derivation = symelbo.derive(HOLDS["gamma mixture"][0])
    result = result_of(derivation, "x").result
    assert isinstance(result, Holds)
    assert result.identity.gauge is Gauge.CONSTANT


def test_a_known_offset_moves_into_the_base_measure() -> None:
    offset = symelbo.derive(HOLDS["a known offset moves into the base measure"][0])
    shifted = result_of(offset, "x").result
    assert isinstance(shifted, Holds)
    assert shifted.identity.gauge is Gauge.SHIFTED


def test_laplace_with_a_free_scale_is_labelled_conditional() -> None:
    derivation = symelbo.derive(HOLDS["Laplace with any location and a free scale"][0])
    form = result_of(derivation, "x").form
    assert form is not None
    assert form.conditional


# ---------------------------------------------------------------- reparameterized priors


def vae(prior: str = "Normal(0, 1)", **keys: Any) -> dict[str, Any]:
    return spec(
        [
            f"z[h] ~ {prior} for h in 1:H",
            "a[k] = sum(V[k,h]*z[h] for h in 1:H) + b[k] for k in 1:K",
            "x[d] ~ Normal(m(a, w)[d], s) for d in 1:D",
        ],
        {"V": "real[K, H]", "b": "real[K]", "w": "real[P]", "s": "positive"},
        ("H", "D", "K", "P"),
        functions={"m": "real[D]"},
        **keys,
    )


@pytest.mark.parametrize("prior", ["Normal(0, 1)", "Normal(0, 0.25)", "Laplace(0, 1)"])
def test_a_linear_first_layer_frees_the_scale_of_the_prior(prior: str) -> None:
    derivation = symelbo.derive(vae(prior))
    assert derivation.verdict == "proved"
    assert derivation.closure is Closure.ASSUMED
    assert set(fields_of(derivation, "x")) == {"V", "s"}
    assert [latent.name for latent in derivation.motion.latents] == ["z"]


def test_a_declared_q_is_checked_for_scaling() -> None:
    free = symelbo.derive(vae(variational=["z[h] ~ Normal(nu[h], tau2[h]) for h in 1:H"]))
    assert free.verdict == "proved"
    assert free.closure is Closure.SHOWN
    fixed = symelbo.derive(vae(variational=["z[h] ~ Normal(nu[h], 0.5) for h in 1:H"]))
    assert fixed.verdict == "undecided"
    assert fixed.closure is Closure.BROKEN
    assert fixed.decision.broken == ("z",)
    assert "z" in fixed.summary()


@pytest.mark.parametrize(
    ("prior", "q", "follows"),
    [
        ("Normal(0, 1)", "Gamma(a, b)", True),  # z' = z/2 keeps z > 0
        ("Normal(0, 1)", "LogNormal(a, b)", True),
        ("Normal(1, 1)", "Gamma(a, b)", False),  # z' = (z - 1)/2 does not
        ("Normal(1, 1)", "Exponential(a)", False),
        ("Normal(0, 1)", "Beta(a, b)", False),  # nothing keeps both ends
        ("Laplace(0, 1)", "Gamma(a, 2)", False),  # no free scale
        ("Gamma(2, 1)", "Beta(a, b)", False),
    ],
)
def test_a_q_on_a_part_of_the_support_follows_where_the_motion_keeps_it(
    prior: str, q: str, follows: bool
) -> None:
    derivation = symelbo.derive(
        {
            "name": "A narrower q",
            "parameters": {"w": "real", "c": "real", "s": "positive"},
            "model": [f"z ~ {prior}", "x ~ Normal(w*z + c, s)"],
            "observed": ["x"],
            "variational": [f"z ~ {q}"],
        }
    )
    assert derivation.closure is (Closure.SHOWN if follows else Closure.BROKEN)
    assert derivation.verdict == ("proved" if follows else "undecided")


@pytest.mark.parametrize(
    ("mean", "holds"),
    [
        ("sum(W[d,h]*x[d] for d in 1:D) + nu[h]", True),
        ("sum(W[d,h]*x[d] for d in 1:D)", False),  # nothing takes up what W loses
        ("sum(W[d,h]*x[d] for d in 1:D) + exp(nu[h])", True),
    ],
)
def test_a_tied_encoder_follows_by_a_free_intercept_that_moves_with_the_data(
    mean: str, holds: bool
) -> None:
    model = {
        "name": "Tied encoder",
        "sizes": ["D", "H"],
        "parameters": {"W": "real[D,H]", "mu": "real[D]", "sigma2": "positive"},
        "model": [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H) + mu[d], sigma2) for d in 1:D",
        ],
        "observed": ["x"],
        "variational": [f"z[h] ~ Normal({mean}, tau2[h]) for h in 1:H"],
    }
    derivation = symelbo.derive(model)
    assert derivation.verdict == ("proved" if holds else "undecided")
    assert derivation.closure is (Closure.SHOWN if holds else Closure.BROKEN)
    if holds:
        velocity = next(a for s, a in derivation.motion.variational.items() if s.name == "nu")
        assert "x[d]" in print_text(velocity.body)


@pytest.mark.parametrize(
    ("prior", "q", "moving"),
    [
        ("Normal(0, 1)", "Normal(V[h]*x, tau[h])", {"V", "tau"}),
        ("Normal(0, 1)", "Normal(V[h]*x + c[h], tau[h])", {"V", "c", "tau"}),
        ("Normal(0, 1)", "Normal(V[h]*x, exp(c[h]*x + V2[h]))", {"V", "V2"}),
        ("Normal(1, 1)", "Normal(V[h]*x + c[h], tau[h])", {"V", "c", "tau"}),
        ("Normal(1, 1)", "Normal(V[h]*x, tau[h])", None),  # z' = (z - 1)/2 moves the intercept
        ("Normal(0, 1)", "Normal(V[h]*x, 0.5)", None),  # no free scale
        ("Normal(0, 1)", "Normal(V[h]*x, exp(c[h]*x))", None),  # c would depend on x
        ("Normal(0, 1)", "Normal(w[h]*x, tau[h])", None),  # w serves the model by w' = -w/2
    ],
)
def test_weights_of_an_encoder_move_alike_for_all_data(
    prior: str, q: str, moving: set[str] | None
) -> None:
    own = {"V": "real[H]", "V2": "real[H]", "c": "real[H]", "tau": "positive[H]"}
    derivation = symelbo.derive(
        {
            "name": "Amortised",
            "sizes": ["H"],
            "parameters": {
                "w": "real[H]",
                "b": "real",
                "s": "positive",
                **{name: domain for name, domain in own.items() if f"{name}[" in q},
            },
            "model": [
                f"z[h] ~ {prior} for h in 1:H",
                "x ~ Normal(sum(w[h]*z[h] for h in 1:H) + b, s)",
            ],
            "observed": ["x"],
            "variational": [f"z[h] ~ {q} for h in 1:H"],
        }
    )
    assert derivation.verdict == ("undecided" if moving is None else "proved")
    assert derivation.closure is (Closure.BROKEN if moving is None else Closure.SHOWN)
    names = {symbol.name for symbol in derivation.motion.parameters} & own.keys()
    assert names == (moving or set())
    if moving:
        theorem = render_proof(derivation).split("\\begin{theorem}")[1].split("vanish")[0]
        assert all(name in theorem for name in moving - {"V2"})
        assert "free for every data point" not in derivation.summary()


@pytest.mark.parametrize("density", ["log(v**2)", "2*log(abs(v))"])
@pytest.mark.parametrize(
    ("place", "likelihood", "verdict"),
    [
        ("0", "Normal(sum(w[h]*z[h] for h in 1:H), s)", "proved"),
        ("0", "Normal(sum(w[h]*z[h] for h in 1:H), 1)", "proved"),
        ("0", "Normal(sum(w[h]*z[h] for h in 1:H) + b, s)", "proved"),
        # z' = z/2 would move the intercept, and b = log|z|^2 allows no shift
        ("0", "Normal(sum(w[h]*(z[h] + 1) for h in 1:H), s)", "undecided"),
        ("0", "Normal(sum(z[h] for h in 1:H), s)", "undecided"),
        # log|z - 1| is no multiple of itself along z' = z/2
        ("1", "Normal(sum(w[h]*z[h] for h in 1:H), s)", "undecided"),
    ],
)
def test_the_base_measure_of_a_real_latent_that_scales_is_the_log_of_its_size(
    density: str, place: str, likelihood: str, verdict: str
) -> None:
    centred = density.replace("v", "(v - m)")
    derivation = symelbo.derive(
        {
            "name": "Two humps",
            "sizes": ["H"],
            "families": {
                "Humps": {
                    "value": "v",
                    "support": "real",
                    "parameters": {"m": "real"},
                    "log_density": f"{centred} - (v - m)**2/2 - log(2*PI)/2",
                }
            },
            "parameters": {"w": "real[H]", "b": "real", "s": "positive"},
            "model": [f"z[h] ~ Humps({place}) for h in 1:H", f"x ~ {likelihood}"],
            "observed": ["x"],
        }
    )
    assert derivation.verdict == verdict
    assert "were tried" not in derivation.summary()
    if verdict == "proved":
        (latent,) = derivation.motion.latents.values()
        assert print_text(latent.rate.body) == "1/2"
        assert derivation.theorem == 2


def test_reparameterization_can_be_forbidden() -> None:
    assert symelbo.derive(vae(reparameterize="never")).verdict == "refuted"


def test_weights_that_another_factor_reads_cannot_take_up_the_scale() -> None:
    shared = spec(
        [
            NORMAL_PRIOR,
            f"x[d] ~ Normal({LINEAR}, s) for d in 1:D",
            "y[d, h] ~ Normal(W[d,h], t) for d in 1:D, h in 1:H",
        ],
        {**WEIGHTS, "s": "positive", "t": "positive"},
        observed=["x", "y"],
    )
    assert symelbo.derive(shared).verdict == "refuted"


def test_ppca_has_the_right_sign() -> None:
    derivation = symelbo.derive(
        spec(
            [NORMAL_PRIOR, f"x[d] ~ Normal({LINEAR}, s) for d in 1:D"],
            {**WEIGHTS, "s": "positive"},
            variational="exact",
        )
    )
    assert derivation.entropy_sum is not None
    assert derivation.entropy_sum.closed_form is not None
    assert print_text(derivation.entropy_sum.closed_form) == (
        "-1/2*logdet([delta(h,i) + 1/s*sum(W[d,h]*W[d,i] for d in 1:D) for h in 1:H, i in 1:H])"
        " - D/2*log(2*PI*e*s)"
    )


def test_plates_and_events_of_the_same_size_are_kept_apart() -> None:
    derivation = symelbo.derive(
        spec(
            ["x[i] ~ MvNormal(mu[i], S[i]) for i in 1:D"],
            {"mu": "real[D, D]", "S": "posdef[D, D, D]"},
            ("D",),
        )
    )
    assert derivation.verdict == "proved"


def test_what_a_field_divides_by_is_an_assumption() -> None:
    derivation = symelbo.derive(spec(["x ~ Bernoulli(logit=1 + t**2)"], {"t": "real"}, ()))
    assert derivation.verdict == "proved"
    assert any(a.kind == "nonzero" and "t" in a.text for a in derivation.assumptions)


def test_an_abstract_family_is_assumed_to_have_an_invertible_jacobian() -> None:
    derivation = symelbo.derive(
        spec(
            ["c ~ Categorical(pi)", "x ~ F(theta[c])"],
            {"pi": "simplex[C]", "theta": "real[C, L]"},
            ("C", "L"),
            families={"F": {"abstract": "true", "parameters": {"t": "real[L]"}}},
        )
    )
    assert derivation.verdict == "proved"
    assert any("invertible" in a.text for a in derivation.assumptions)


def test_a_closed_form_holds_no_abbreviation() -> None:
    parameters = {"u": "real", "v": "real", "w": "real"}
    derivation = symelbo.derive(spec(["x ~ Bernoulli(logit=u + v*w)"], parameters, ()))
    assert derivation.entropy_sum is not None
    assert derivation.entropy_sum.closed_form is not None
    value = derivation.function().entropy_sum(u=0.2, v=0.5, w=-1.0)
    p = 1 / (1 + exp(0.3))  # sigmoid(u + v*w)
    assert value == pytest.approx(p * log(p) + (1 - p) * log(1 - p))


def test_a_factor_that_shares_its_field_with_one_outside_has_no_entropy_of_its_own() -> None:
    derivation = symelbo.derive(
        spec(
            ["z ~ Normal(0, s)", "x ~ Weibull(k, s)", "y ~ Normal(z, t)"],
            {"s": "positive", "k": "positive", "t": "positive"},
            (),
            observed=["x", "y"],
        )
    )
    assert derivation.verdict == "outside"
    assert derivation.entropy_sum is not None
    assert set(derivation.entropy_sum.remainders) == {"x", "z"}


def test_the_remedy_was_tried() -> None:
    """Doing what the refutation of the abstract logits says makes the model hold."""
    source = spec(
        [SBN_PRIOR, "x[d] ~ Bernoulli(logit=g[d]*m(z, w)[d]) for d in 1:D"],
        {"pi": "unit[H]", "w": "real[P]", "g": "real[D]"},
        ("H", "D", "P"),
        functions={"m": "real[D]"},
    )
    assert symelbo.derive(source).verdict == "proved"
    assert fields_of(symelbo.derive(source), "x") == {"g": "g[i]"}


@pytest.mark.parametrize(
    ("statements", "parameters", "more"),
    [
        # at one input the slopes by g and by a are proportional, by no rational number
        (["x ~ Normal(g*sigmoid(a*u), exp(b*u))"], "a g b", {"inputs": {"u": "real"}}),
        # exp(2 tanh(b) - 2 x) is exp(2 tanh(b)) exp(-2 x): dependent only by that
        (["z ~ Normal(0, 1)", "x ~ Gumbel(tanh(a*z + b), 0.5)"], "a b", {}),
        # K and P only have more parameters: at D = 3 there are more equations
        (
            [
                "z ~ Bernoulli(0.5)",
                "y[k] = V[k]*z + b[k] for k in 1:K",
                "x[d] ~ Normal(m(y, w)[d], 1) for d in 1:D",
            ],
            "",
            {"sizes": ("D", "K", "P"), "functions": {"m": "real[D]"}},
        ),
    ],
)
def test_refutations_that_need_the_right_rows(
    statements: list[str], parameters: str, more: dict[str, Any]
) -> None:
    arrays = {"V": "real[K]", "b": "real[K]", "w": "real[P]"}
    kinds = {name: "real" for name in parameters.split()} or arrays
    families = {
        "Gumbel": {
            "value": "v",
            "support": "real",
            "parameters": {"m": "real", "s": "positive"},
            "log_density": "-(v - m)/s - log(s) - exp(-(v - m)/s)",
        }
    }
    more = dict(more)
    sizes = more.pop("sizes", ())
    source = spec(statements, kinds, sizes, families=families, **more)
    assert symelbo.derive(source, explain=False).verdict in ("refuted", "outside")


def refutations(derivation: Derivation) -> list[Refuted]:
    return [r for r in derivation.decision.results if isinstance(r, Refuted)]


@pytest.mark.parametrize("bound", ["REMEDY_WORK", "HINT_WORK"])
def test_the_search_for_a_remedy_is_bounded_and_the_answer_is_not(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = spec(
        ["z ~ Bernoulli(r)", "y ~ Bernoulli(r)", "x ~ LogNormal(m, exp(2*z + b*y + g*z*y))"],
        {"r": "unit", "m": "real", "b": "real", "g": "real"},
        (),
    )
    whole = symelbo.derive(source)
    assert [r.remedy for r in refutations(whole)] != [""]
    monkeypatch.setattr(explain_refutation, bound, 0)
    short = symelbo.derive(source)
    assert [r.remedy for r in refutations(short)] == [""]
    assert short.verdict == whole.verdict == "refuted"
    bare = symelbo.derive(source, explain=False)
    assert [r.certificate for r in refutations(bare)] == [r.certificate for r in refutations(whole)]


def test_four_layers() -> None:
    layers = [("y", "I", "z", "H"), ("u", "J", "y", "I"), ("x", "D", "u", "J")]
    model = [SBN_PRIOR]
    parameters = {"pi": "unit[H]"}
    for node, size, parent, above in layers:
        i, j = size.lower(), above.lower()
        model.append(
            f"{node}[{i}] ~ Bernoulli(logit=sum(W{node}[{i},{j}]*{parent}[{j}]"
            f" for {j} in 1:{above}) + b{node}[{i}]) for {i} in 1:{size}"
        )
        parameters |= {f"W{node}": f"real[{size}, {above}]", f"b{node}": f"real[{size}]"}
    derivation = symelbo.derive(spec(model, parameters, ("H", "I", "J", "D")))
    assert (derivation.verdict, derivation.theorem) == ("proved", 1)
    assert derivation.entropy_sum is not None
    assert len(derivation.entropy_sum.entropies) == 4


# ---------------------------------------------------------------- densities of the user's own


def own(log_density: str, support: str = "real", **parameters: str) -> dict[str, Any]:
    return {
        "Own": {
            "value": "v",
            "support": support,
            "parameters": parameters,
            "log_density": log_density,
        }
    }


def test_an_exponential_of_a_sum_separates() -> None:
    """Gumbel with a known scale: T = exp(-v/2), eta = -exp(m/2)."""
    families = own("-(v - m)/2 - exp(-(v - m)/2) - log(2)", m="real")
    derivation = symelbo.derive(spec(["x ~ Own(m)"], {"m": "real"}, (), families=families))
    assert (derivation.verdict, derivation.theorem) == ("proved", 2)


def test_generalized_gaussian_with_any_location_is_conditional() -> None:
    families = own(
        "-(abs(v - m)/b)**p - log(2*b) - loggamma(1 + 1/p)", m="real", b="positive", p="positive"
    )
    derivation = symelbo.derive(
        spec(
            [SBN_PRIOR, "x[d] ~ Own(f(z, w)[d], b[d], p) for d in 1:D"],
            {"pi": "unit[H]", "w": "real[P]", "b": "positive[D]"},
            ("H", "D", "P"),
            constants={"p": "positive"},
            functions={"f": "real[D]"},
            families=families,
        )
    )
    assert derivation.verdict == "proved"
    form = result_of(derivation, "x").form
    assert form is not None
    assert form.conditional
    assert fields_of(derivation, "x") == {"b": "-b[i]/p"}


@pytest.mark.parametrize(
    ("name", "density", "support", "parameters", "reason"),
    [
        (
            "Student",
            "-2*log(1 + (v - m)**2/(3*s)) - log(s)/2 + log(2/PI) - log(3)/2",
            "real",
            {"m": "real", "s": "positive"},
            "no separation into parameter times statistic",
        ),
        (
            "logistic",
            "-(v - m)/s - log(s) - 2*log(1 + exp(-(v - m)/s))",
            "real",
            {"m": "real", "s": "positive"},
            "no separation into parameter times statistic",
        ),
        ("uniform", "-log(t)", "0..t", {"t": "positive"}, "support depends on a parameter"),
    ],
)
def test_no_exponential_family_is_refused_with_evidence(
    name: str, density: str, support: str, parameters: dict[str, str], reason: str
) -> None:
    families = own(density, support, **parameters)
    arguments = ", ".join(parameters)
    derivation = symelbo.derive(spec([f"x ~ Own({arguments})"], parameters, (), families=families))
    assert derivation.verdict == "outside"
    outside = result_of(derivation, "x").result
    assert isinstance(outside, Outside)
    assert reason in outside.reason
    if "support" not in reason:
        assert outside.certificate is not None
        assert confirm_refutation(outside.certificate, outside.factors) == []


def test_an_exponential_family_whose_criterion_fails_is_refuted_not_outside() -> None:
    """cos(v - m) separates into cos(m), sin(m): a circle of natural parameters, no cone."""
    families = own("2*cos(v - m) - log(2*PI) - logbesseli0(2)", "-PI..PI", m="real")
    derivation = symelbo.derive(spec(["x ~ Own(m)"], {"m": "real"}, (), families=families))
    assert derivation.verdict == "refuted"


# ---------------------------------------------------------------- regression


def test_regression_at_its_maximum_is_minus_the_entropies_of_its_predictions() -> None:
    """Canonical-link GLM: mean log-likelihood = -mean H[Bernoulli(p_n)] at the maximum."""
    import numpy as np
    from scipy.optimize import minimize
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    u = (data.data[:, :4] - data.data[:, :4].mean(0)) / data.data[:, :4].std(0)
    x = data.target.astype(float)
    source = spec(
        ["x ~ Bernoulli(logit=sum(w[k]*u[k] for k in 1:K) + b)"],
        {"w": "real[K]", "b": "real"},
        ("K",),
        inputs={"u": "real[K]"},
    )
    numeric = symelbo.derive(source).function()

    def loss(theta: Any) -> tuple[float, Any]:
        a = u @ theta[:4] + theta[4]
        residual = 1 / (1 + np.exp(-a)) - x
        slope = np.append(residual @ u, residual.sum()) / len(x)
        return float(np.mean(np.logaddexp(0, a) - x * a)), slope

    best = minimize(loss, np.zeros(5), jac=True, method="BFGS", options={"gtol": 1e-10})
    value = numeric.entropy_sum(w=best.x[:4], b=best.x[4], u=u)
    assert value == pytest.approx(-best.fun, abs=1e-8)
    elsewhere = numeric.entropy_sum(w=best.x[:4] + 0.3, b=best.x[4], u=u)
    assert abs(elsewhere + loss(np.append(best.x[:4] + 0.3, best.x[4]))[0]) > 1e-3


def test_a_search_that_costs_too_much_ends_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    source = REFUTED["coupled weights"][0]
    assert symelbo.derive(source).verdict == "refuted"
    monkeypatch.setattr("symelbo.criterion.refute.REFUTED_WORK", 0)
    assert symelbo.derive(source).verdict == "undecided"


@pytest.mark.parametrize("size", ["C", "3"])
def test_a_declared_category_has_its_entropy(size: str) -> None:
    derivation = symelbo.derive(
        spec(
            ["c ~ Categorical(p)", "x ~ Normal(mu[c], s2)"],
            {"p": f"simplex[{size}]", "mu": f"real[{size}]", "s2": "positive"},
            (size,) if size == "C" else (),
            variational=["c ~ Categorical(r)"],
        )
    )
    assert derivation.entropy_sum is not None and derivation.entropy_sum.q_entropy is not None
    text = print_text(name_indices(derivation.entropy_sum.q_entropy))
    assert text.replace("[c]", "[i]").replace("for c", "for i") == (
        f"-sum(r[i]*log(r[i]) for i in 1:{size})"
    )
    assert derivation.trial is not None and derivation.trial.printed_trials > 0


# ---------------------------------------------------------------- found by random models


def derive_spec(model: list[str], parameters: dict[str, str], **keys: Any) -> Derivation:
    return symelbo.derive(spec(model, parameters, tuple(keys.pop("sizes", ())), **keys))


def test_a_literal_range_says_how_large_a_size_is() -> None:
    derivation = derive_spec(
        ["z[t] ~ Normal(w[t], s) for t in 1:3", "x ~ Normal(z[1] + z[3], s)"],
        {"w": "real[T]", "s": "positive"},
        sizes=("T",),
    )
    assert derivation.verdict == "proved"
    assert "T >= 3 (w[3] is used)" in [a.text for a in derivation.assumptions]


def test_a_number_of_trials_for_every_place() -> None:
    derivation = derive_spec(
        ["x[d] ~ Binomial(n[d], p[d]) for d in 1:D"],
        {"p": "unit[D]"},
        sizes=("D",),
        constants={"n": "positive[D]"},
    )
    assert (derivation.verdict, derivation.theorem) == ("proved", 2)
    assert derivation.residual is not None and derivation.residual < 1e-12


def test_a_parent_with_a_known_number_of_trials() -> None:
    derivation = derive_spec(
        ["z ~ Binomial(n=n0, logit=mu)", "x ~ Normal(tanh(b*z + mu), 1)"],
        {"mu": "real", "b": "real"},
        constants={"n0": "positive"},
    )
    assert derivation.verdict == "refuted"


@pytest.mark.parametrize("operator", ["*", "/"])
def test_numerical_trials_draw_until_the_conditions_hold(operator: str) -> None:
    derivation = derive_spec(
        [f"x ~ Gamma(k, k{operator}sum(b[i]*u[i] for i in 1:B))"],
        {"k": "positive", "b": "real[B]"},
        sizes=("B",),
        inputs={"u": "real[B]"},
    )
    assert derivation.verdict == "proved"
    assert derivation.residual is not None and derivation.residual < 1e-12


def test_lost_digits_are_no_defect() -> None:
    # 1 - sigmoid(mu exp(..)) rounds to one unit in the last place
    derivation = derive_spec(
        ["z ~ Binomial(n=2, logit=k0)", "x ~ Bernoulli(sigmoid(mu*exp(mu*z + b) + w))"],
        {"mu": "real", "b": "real", "w": "real"},
        constants={"k0": "real"},
    )
    assert derivation.residual is not None and derivation.residual < 1e-8


def test_zero_in_disguise_has_no_content() -> None:
    derivation = derive_spec(
        ["z ~ Bernoulli(0.5)", "x ~ Bernoulli(logit=tanh(2*sigmoid(mu*z) + b))"],
        {"mu": "real", "b": "real"},
    )
    assert derivation.verdict in ("proved", "refuted")


@pytest.mark.parametrize(
    ("x", "parameters"),
    [
        ("Poisson(exp(z + k))", {"k": "real"}),  # log exp(a) is a
        ("NegativeBinomial(2, sigmoid(z*mu + b))", {"mu": "real", "b": "real"}),
        ("Geometric(sigmoid(mu*z + b*u + b))", {"mu": "real", "b": "real"}),
        ("VonMises(mu, exp(k*z + k))", {"mu": "real", "k": "real"}),  # sin^2 + cos^2
    ],
)
def test_functions_of_the_latent_are_told_apart(x: str, parameters: dict[str, str]) -> None:
    keys = {"inputs": {"u": "real"}} if "u + b" in x else {}
    derivation = derive_spec(
        ["z ~ Poisson(r)", f"x ~ {x}"], {"r": "positive", **parameters}, **keys
    )
    assert derivation.verdict == "refuted"


def test_one_plus_a_square_is_positive() -> None:
    derivation = derive_spec(
        ["z ~ Student(n, m, s2)", "x ~ Normal(w*z, t)"],
        {"n": "positive", "m": "real", "s2": "positive", "w": "real", "t": "positive"},
        families={
            "Student": {
                "value": "v",
                "support": "real",
                "parameters": {"n": "positive", "m": "real", "s2": "positive"},
                "log_density": "loggamma((n + 1)/2) - loggamma(n/2) - log(n*PI*s2)/2"
                " - (n + 1)/2*log1p((v - m)^2/(n*s2))",
            }
        },
    )
    assert derivation.verdict != "undecided"


def test_a_certificate_needs_a_case_for_rest_for_shifts_and_for_scalings() -> None:
    # y' = (y + 1)/2 with b = c y would serve r, but D b is not constant then
    derivation = derive_spec(
        ["y ~ Normal(0, 1)", "r ~ Binomial(n=2, logit=mu*y + mu)", "x ~ Normal(w*r, s)"],
        {"mu": "real", "w": "real", "s": "positive"},
    )
    refuted = next(f.result for f in derivation.factors if isinstance(f.result, Refuted))
    certificate, group = refuted.certificate, refuted.factors
    assert confirm_refutation(certificate, group) == []
    kinds = {(bool(c.moving), bool(c.resting), bool(c.shifted)) for c in certificate.cases}
    assert kinds == {(False, True, False), (True, False, False), (True, False, True)}
    for n, case in enumerate(certificate.cases):
        others = tuple(c for c in certificate.cases if c is not case)
        assert confirm_refutation(replace(certificate, cases=others), group)
        # a case for scalings must not stand for shifts, nor the other way round
        turned = replace(case, shifted=() if case.shifted else case.moving)
        if case.moving:
            cases = (*certificate.cases[:n], turned, *certificate.cases[n + 1 :])
            assert confirm_refutation(replace(certificate, cases=cases), group)
    nowhere = replace(certificate.cases[0], moving=(), shifted=((("y", ()), 0),))
    assert confirm_refutation(replace(certificate, cases=(nowhere,)), group)


def test_the_divergence_of_a_symmetric_matrix_counts_its_entries_once() -> None:
    derivation = derive_spec(
        ["X ~ Wishart(n, V)", "x ~ MvNormal(mu, X)"],
        {"n": "positive", "V": "posdef[D, D]", "mu": "real[D]"},
        sizes=("D",),
    )
    assert (derivation.verdict, derivation.theorem) == ("proved", 1)
    trial = derivation.trial
    assert trial is not None and trial.printed is not None and trial.printed < 1e-8


@pytest.mark.parametrize(
    ("x", "verdict"),
    [("VonMises(z, exp(w))", "proved"), ("Normal(0, exp(z))", "undecided")],
)
def test_an_angle_turns_only_where_all_is_periodic(x: str, verdict: str) -> None:
    """Else a jump at the end of (-pi, pi] is met, and F - S is not 0 at stationary points."""
    derivation = symelbo.derive(
        {
            "name": "angle",
            "parameters": {"m": "real", "k": "positive", **({"w": "real"} if "w" in x else {})},
            "model": ["z ~ VonMises(m, k)", f"x ~ {x}"],
            "observed": ["x"],
        }
    )
    assert derivation.verdict == verdict


def test_a_quotient_of_sines_and_cosines_has_a_normal_form() -> None:
    derivation = symelbo.derive(
        {
            "name": "angle",
            "parameters": {"mu": "real", "b": "real"},
            "model": ["z ~ Gamma(2, 2)", "x ~ VonMises(mu^3, exp(b*z + mu))"],
            "observed": ["x"],
        }
    )
    assert derivation.verdict == "refuted"


def test_a_place_that_was_solved_for_is_put_in_where_it_is_met_again() -> None:
    """z[1], z[t] and g[1], g[2]: the same unknown under two names."""
    gates = {
        "name": "gates",
        "parameters": {"r": "unit", "g": "positive[2]"},
        "model": ["z ~ Bernoulli(r)", "x ~ Poisson(g[1]*z + g[2]*(1 - z))"],
        "observed": ["x"],
    }
    assert symelbo.derive(gates).verdict == "proved"
    series = {
        "name": "series",
        "sizes": ["T"],
        "parameters": {"a": "real", "g": "real", "q": "positive", "p": "positive", "k": "real"},
        "model": [
            "z[1] ~ Normal(0, p)",
            "z[t] ~ Normal(a*z[t-1] + g, q) for t in 2:T",
            "x[t] ~ Poisson(exp(z[t] + 2*k + 1)) for t in 1:T",
        ],
        "observed": ["x"],
    }
    assert symelbo.derive(series).verdict == "proved"


OWN_NORMAL = "-(v - m)**2/(2*K) - log(2*PI*K)/2"


@pytest.mark.parametrize(
    ("prior", "noise", "support", "log_density", "verdict"),
    [
        ("Normal(0, 1)", "F(z)", "real", OWN_NORMAL, "refuted"),
        (
            "Normal(0, 1)",
            "F(z)",
            "real",
            OWN_NORMAL.replace("K", "sum(1/k for k in 1:K)"),
            "refuted",
        ),
        ("Normal(0, 1)", "Normal(z, K)", "real", OWN_NORMAL, "refuted"),
        ("F(1)", "Normal(z, 1)", "0..K", "-log(K) + 0*m", "undecided"),
    ],
)
def test_a_size_may_stand_in_a_density_alone(
    prior: str, noise: str, support: str, log_density: str, verdict: str
) -> None:
    """Small instances have a length for every size, also where no node has it as an extent."""
    source = {
        "name": "Sizes",
        "sizes": ["K"],
        "families": {
            "F": {
                "value": "v",
                "support": support,
                "parameters": {"m": "real"},
                "log_density": log_density,
            }
        },
        "model": [f"z ~ {prior}", f"x ~ {noise}"],
        "observed": ["x"],
    }
    assert symelbo.derive(source).verdict == verdict


def test_a_divisor_that_never_vanishes_is_no_condition() -> None:
    """(1 - tanh(v)**2) (1 - tanh(w + tanh(v))**2) comes expanded, with no sign of its own."""
    source = spec(
        ["z ~ Bernoulli(1/2)", "x ~ Normal(tanh(w*z + tanh(v*z)), 1)"],
        {"w": "real", "v": "real"},
        (),
    )
    assert symelbo.derive(source).decision.nonzero == ()
    # of which one factor can vanish: it alone is the condition
    source = spec(
        ["z ~ Bernoulli(1/2)", "x ~ Normal(tanh(w*z + v**3*z), 1)"],
        {"v": "real"},
        (),
        constants={"w": "real"},
    )
    derivation = symelbo.derive(source)
    assert derivation.verdict == "proved"
    assert [print_text(term) for term in derivation.decision.nonzero] == ["v"]


def test_a_refutation_is_of_sizes_at_which_the_model_exists() -> None:
    """x reads z[2], so that H = 1 refutes nothing, although z and y alone exist there."""
    source = spec(
        [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "x ~ Normal(w*z[2], s)",
            "y ~ Normal(sum(z[h] for h in 1:H), s)",
        ],
        {"w": "real", "s": "positive"},
        ("H",),
        observed=["x", "y"],
    )
    derivation = symelbo.derive(source)
    assert derivation.verdict == "refuted"
    assert "H >= 2 (z[2] is used)" in [a.text for a in derivation.assumptions]
    for result in refutations(derivation):
        assert dict(result.certificate.sizes)["H"] >= 2


@pytest.mark.parametrize(
    ("statements", "velocity"),
    [
        (["x ~ Normal(0, s**k)"], "-s/k"),
        (["x ~ Weibull(k, s)"], "-s/k"),
        (["z ~ Weibull(k, 1)", "x ~ Exponential(s*z)"], "s*(1 - 1/k)"),
        (["z ~ Bernoulli(1/2)", "x ~ Poisson(s**k*(1 + z))"], None),
    ],
)
def test_a_multiple_holds_at_every_value_of_a_constant(
    statements: list[str], velocity: str | None
) -> None:
    """A constant has one value in an instance: a number that fits there is no multiple."""
    derivation = derive_spec(statements, {"s": "positive"}, constants={"k": "positive"})
    if velocity is None:
        assert derivation.verdict != "proved"
        return
    assert derivation.verdict == "proved"
    assert {n: v for f in derivation.factors for n, v in fields_of(derivation, f.node).items()} == {
        "s": velocity
    }


DECIDED: dict[str, tuple[dict[str, Any], str]] = {
    "an even power is a condition": (
        spec(["x ~ Normal(0, (a - b)**2)"], {"a": "real", "b": "real"}, ()),
        "proved",
    ),
    "an even power in a plate is one for every place": (
        spec(
            ["x[d] ~ Normal(m[d], (a[d] - b[d])**2) for d in 1:D"], dict.fromkeys("abm", "real[D]")
        ),
        "proved",
    ),
    "the sole share is 1": (
        spec(
            ["c ~ Categorical(p)", "x ~ Normal(mu[c], s)"],
            {"mu": "real[1]", "s": "positive"},
            (),
            constants={"p": "simplex[1]"},
        ),
        "proved",
    ),
    "two places are finitely many values": (
        spec(
            ["c ~ Categorical(p)", "x ~ Poisson(log_rate=w*c**2 + 1)"],
            {"w": "real", "p": "simplex[2]"},
            (),
        ),
        "proved",
    ),
    "a prior about a known mean needs a bias": (
        spec(
            [
                "z ~ MvNormal(m0, S0)",
                "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
            ],
            {"W": "real[D, H]", "s": "positive"},
            constants={"m0": "real[H]", "S0": "posdef[H, H]"},
        ),
        "refuted",
    ),
    "with a bias it is moved": (
        spec(
            ["z ~ MvNormal(m0, S0)", f"x[d] ~ Normal({LINEAR}, s) for d in 1:D"],
            {**WEIGHTS, "s": "positive"},
            constants={"m0": "real[H]", "S0": "posdef[H, H]"},
        ),
        "proved",
    ),
    "a matrix read twice": (
        spec(
            ["x ~ MvNormal(m, S)", "y ~ Normal(1, S[1,1] + 1)"],
            {"m": "real[D]", "S": "posdef[D, D]"},
            ("D",),
            observed=["x", "y"],
        ),
        "refuted",
    ),
    "weights that are no small numbers": (
        spec(
            ["x ~ Poisson(a*u + b*v + c*w)"],
            dict.fromkeys("abc", "positive"),
            (),
            inputs=dict.fromkeys("uvw", "positive"),
        ),
        "refuted",
    ),
    "the square of a size": (
        spec(
            [NORMAL_PRIOR, "x[d] ~ Normal(abs(sum(V[d,h]*z[h] for h in 1:H)), s) for d in 1:D"],
            {"V": "real[D, H]", "s": "positive"},
        ),
        "proved",
    ),
}


@pytest.mark.parametrize("name", DECIDED)
def test_what_a_hand_decides_is_decided(name: str) -> None:
    given, verdict = DECIDED[name]
    assert symelbo.derive(given).verdict == verdict


TWO_SHARES = {
    "the probabilities of two events": (
        ["x ~ Bernoulli(p[1])", "y ~ Bernoulli(p[2])"],
        {"p": "simplex[2]"},
    ),
    "of two latent events": (
        ["z ~ Bernoulli(p[1])", "u ~ Bernoulli(p[2])", "x ~ Bernoulli(logit=w*z + v*u)"],
        {"p": "simplex[2]", "w": "real", "v": "real"},
    ),
    **{
        f"of a category and of event {k}": (
            ["c ~ Categorical(p)", f"z ~ Bernoulli(p[{k}])", "x ~ Normal(mu[c] + z, v)"],
            {"p": "simplex[2]", "mu": "real[2]", "v": "positive"},
        )
        for k in (1, 2)
    },
    "of a row that a category selects": (
        ["c ~ Categorical(p)", "x ~ Bernoulli(A[c, 1])", "y ~ Bernoulli(A[c, 2])"],
        {"A": "simplex[K, 2]", "p": "simplex[K]"},
    ),
    **{
        f"of a category of such a row, and of event {k}": (
            ["c ~ Categorical(p)", "x ~ Categorical(A[c])", f"y ~ Bernoulli(A[c, {k}])"],
            {"A": "simplex[K, 2]", "p": "simplex[K]"},
        )
        for k in (1, 2)
    },
    "of numbers of events": (
        ["x ~ Binomial(n, p[1])", "y ~ Binomial(m, p[2])"],
        {"p": "simplex[2]"},
    ),
    "as the weights of a vector of counts": (
        ["x ~ Multinomial(n, p)", "y ~ Bernoulli(p[2])"],
        {"p": "simplex[2]"},
    ),
}


@pytest.mark.parametrize("case", TWO_SHARES)
def test_of_two_shares_the_last_is_one_minus_the_first(case: str) -> None:
    """p_2 = 1 - p_1, so that p_1' = p_1 p_2 log(p_1/p_2) is a motion of both."""
    model, parameters = TWO_SHARES[case]
    nodes = {statement.split()[0] for statement in model}
    derivation = symelbo.derive(
        spec(
            model,
            parameters,
            ("K",) if "K]" in str(parameters) else (),
            constants={name: "positive" for name in "nm" if f"({name}, " in str(model)},
            observed=sorted(nodes & {"x", "y"}),
        )
    )
    assert derivation.verdict == "proved"
    assert derivation.residual is not None
    assert derivation.residual < 1e-9
