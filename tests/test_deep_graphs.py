"""Graphs beyond two layers: time series, several observed nodes, covariates, mixtures."""

from __future__ import annotations

from typing import Any

import pytest

import symelbo

BINARY = "z[h] ~ Bernoulli(pi[h]) for h in 1:H"
NORMAL = "z[h] ~ Normal(0, 1) for h in 1:H"
LINEAR = "sum(W[d,h]*z[h] for h in 1:H) + b[d]"
LINEAR_TYPES = {"W": "real[D, H]", "b": "real[D]"}

# sizes, parameters, model, observed, verdict, theorem; then further keys
GRAPHS: dict[str, tuple[str, dict[str, str], list[str], str, str, int | None, dict[str, Any]]] = {
    "hidden Markov, Poisson": (
        "C T",
        {"p0": "simplex[C]", "A": "simplex[C, C]", "r": "positive[C]"},
        [
            "k[1] ~ Categorical(p0)",
            "k[t] ~ Categorical(A[k[t-1]]) for t in 2:T",
            "x[t] ~ Poisson(r[k[t]]) for t in 1:T",
        ],
        "x",
        "proved",
        2,
        {},
    ),
    "linear dynamics": (
        "T",
        {"a": "real", "q": "positive", "q0": "positive", "s": "positive", "c": "real"},
        [
            "z[1] ~ Normal(0, q0)",
            "z[t] ~ Normal(a*z[t-1], q) for t in 2:T",
            "x[t] ~ Normal(c*z[t], s) for t in 1:T",
        ],
        "x",
        "proved",
        1,
        {},
    ),
    "linear dynamics with a tied variance": (
        "T",
        {"a": "real", "q": "positive", "s": "positive"},
        [
            "z[1] ~ Normal(0, q)",
            "z[t] ~ Normal(a*z[t-1], q) for t in 2:T",
            "x[t] ~ Normal(z[t], s) for t in 1:T",
        ],
        "x",
        "proved",
        1,
        {},
    ),
    "hidden Markov, shared covariance": (
        "C D T",
        {"p0": "simplex[C]", "A": "simplex[C, C]", "mu": "real[C, D]", "S": "posdef[D, D]"},
        [
            "k[1] ~ Categorical(p0)",
            "k[t] ~ Categorical(A[k[t-1]]) for t in 2:T",
            "x[t] ~ MvNormal(mu[k[t]], S) for t in 1:T",
        ],
        "x",
        "proved",
        1,
        {},
    ),
    "two observed nodes under different plates": (
        "C D E",
        {"pi": "simplex[C]", "m": "real[C, D]", "s": "positive[C]", "r": "positive[C, E]"},
        [
            "c ~ Categorical(pi)",
            "x[d] ~ Normal(m[c,d], s[c]) for d in 1:D",
            "y[e] ~ Poisson(r[c,e]) for e in 1:E",
        ],
        "x y",
        "proved",
        2,
        {},
    ),
    "mixture of experts": (
        "C K",
        {"V": "real[C, K]", "W": "real[C, K]", "s": "positive[C]"},
        [
            "l[c] = sum(V[c,k]*u[k] for k in 1:K) for c in 1:C",
            "e ~ Categorical(logits=l)",
            "x ~ Normal(sum(W[e,k]*u[k] for k in 1:K), s[e])",
        ],
        "x",
        "proved",
        1,
        {"inputs": {"u": "real[K]"}},
    ),
    "regression with an offset by covariate": (
        "K",
        {"w": "real[K]", "b": "real"},
        ["x ~ Poisson(log_rate=sum(w[k]*u[k] for k in 1:K) + b + log(e))"],
        "x",
        "proved",
        2,
        {"inputs": {"u": "real[K]", "e": "positive"}},
    ),
    "softmax regression": (
        "C K",
        {"W": "real[C, K]", "b": "real[C]"},
        ["l[c] = sum(W[c,k]*u[k] for k in 1:K) + b[c] for c in 1:C", "x ~ Categorical(logits=l)"],
        "x",
        "proved",
        1,
        {"inputs": {"u": "real[K]"}},
    ),
    "beta regression": (
        "D H",
        {"pi": "unit[H]", **LINEAR_TYPES, "phi": "positive"},
        [
            BINARY,
            f"m[d] = sigmoid({LINEAR}) for d in 1:D",
            "x[d] ~ Beta(m[d]*phi, (1 - m[d])*phi) for d in 1:D",
        ],
        "x",
        "proved",
        2,
        {},
    ),
    "logistic PCA": (
        "D H",
        LINEAR_TYPES,
        [NORMAL, f"x[d] ~ Bernoulli(logit={LINEAR}) for d in 1:D"],
        "x",
        "proved",
        1,
        {},
    ),
    "a noise floor": (
        "D H",
        {"pi": "unit[H]", **LINEAR_TYPES, "s": "positive"},
        [BINARY, f"x[d] ~ Normal({LINEAR}, 1 + s) for d in 1:D"],
        "x",
        "proved",
        1,
        {},
    ),
    "different noise floors": (
        "D H",
        {"pi": "unit[H]", **LINEAR_TYPES, "s": "positive"},
        [BINARY, f"x[d] ~ Normal({LINEAR}, c[d] + s) for d in 1:D"],
        "x",
        "refuted",
        None,
        {"constants": {"c": "positive[D]"}},
    ),
    "more holds on a finite support": (
        "",
        {"pi": "unit", "w": "positive"},
        ["z ~ Bernoulli(pi)", "x ~ Bernoulli(logit=log(1 + w*z))"],
        "x",
        "proved",
        1,
        {},
    ),
    "the same on the reals": (
        "",
        {"t": "positive", "w": "positive"},
        ["z ~ HalfNormal(t)", "x ~ Bernoulli(logit=log(1 + w*z))"],
        "x",
        "refuted",
        None,
        {},
    ),
    "a scaled known covariance": (
        "D",
        {"mu": "real[D]", "s": "positive"},
        ["S[i,j] = s*S0[i,j] for i in 1:D, j in 1:D", "x ~ MvNormal(mu, S)"],
        "x",
        "proved",
        1,
        {"constants": {"S0": "posdef[D, D]"}},
    ),
    "a known prior of a latent with no way to scale it": (
        "D H P",
        {**LINEAR_TYPES, "s": "positive", "w": "real[P]", "t": "positive"},
        [NORMAL, f"x[d] ~ Normal({LINEAR}, s) for d in 1:D", "y ~ Normal(m(z, w), t)"],
        "x y",
        "refuted",
        None,
        {"functions": {"m": "real"}},
    ),
    "a square and its root": (
        "",
        {"p": "unit", "r": "unit", "w": "real"},
        ["z ~ Bernoulli(p)", "y ~ Bernoulli(r)", "x ~ Bernoulli(logit=w**2*z + w*y)"],
        "x",
        "refuted",
        None,
        {},
    ),
    "rates on a simplex": (
        "D",
        {"th": "simplex[D]"},
        ["x[d] ~ Poisson(th[d]) for d in 1:D"],
        "x",
        "refuted",
        None,
        {},
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name: str) -> None:
    sizes, parameters, model, observed, verdict, theorem, keys = GRAPHS[name]
    derivation = symelbo.derive(
        {
            "name": name,
            "sizes": sizes.split(),
            "parameters": parameters,
            "model": model,
            "observed": observed.split(),
            **keys,
        }
    )
    assert (derivation.verdict, derivation.theorem) == (verdict, theorem)
    if verdict == "proved":
        assert derivation.residual is not None
        assert derivation.residual < 1e-9
        assert derivation.python()
    assert derivation.latex()
    assert derivation.summary()
