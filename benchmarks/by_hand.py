"""What a careful person writes in NumPy for the ELBO and its slope: nothing is checked.

Each function has the arguments of the emitted one.  They are compared with it, in value and in
time, by `benchmark_numeric`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

__all__ = ["BY_HAND"]

Values = Any
BY_HAND: dict[str, Any] = {}


def by_hand(function: Any) -> Any:
    """Listed as model.function"""
    model, _, name = function.__name__.rpartition("_")
    BY_HAND[f"{model}.{name}"] = function
    return function


def _prior(q: Values, pi: Values) -> float:
    """Entropy of q, and the mean log-probability of the category"""
    return float(special.entr(q).sum() / len(q) + q.mean(axis=0) @ np.log(pi))


def _slope_of_prior(q: Values, pi: Values) -> float:
    return float(q.mean(axis=0) @ np.log(pi) + special.entr(pi).sum())


def _standardized(x: Values, mu: Values, sigma2: Values, q: Values) -> Values:
    """E (x - mu)^2/sigma2 for each component and dimension"""
    count = len(x)
    mean, square = q.T @ x / count, q.T @ (x * x) / count
    weight = q.mean(axis=0)[:, None]
    return (square - 2 * mean * mu + weight * mu**2) / sigma2


@by_hand
def gmm_diagonal_elbo(*, x: Values, pi: Values, mu: Values, sigma2: Values, q: Values) -> float:
    spread = _standardized(x, mu, sigma2, q).sum()
    level = q.mean(axis=0) @ np.log(2 * np.pi * sigma2).sum(axis=1)
    return float(_prior(q, pi) - 0.5 * (level + spread))


@by_hand
def gmm_diagonal_gap(*, x: Values, pi: Values, mu: Values, sigma2: Values, q: Values) -> float:
    spread = _standardized(x, mu, sigma2, q).sum()
    return float(_slope_of_prior(q, pi) + 0.5 * (x.shape[1] - spread))


@by_hand
def gmm_scalar_elbo(*, x: Values, pi: Values, mu: Values, sigma2: Values, q: Values) -> float:
    wide = np.repeat(sigma2[:, None], x.shape[1], axis=1)
    return float(gmm_diagonal_elbo(x=x, pi=pi, mu=mu, sigma2=wide, q=q))


@by_hand
def gmm_scalar_gap(*, x: Values, pi: Values, mu: Values, sigma2: Values, q: Values) -> float:
    return float(gmm_diagonal_gap(x=x, pi=pi, mu=mu, sigma2=sigma2[:, None], q=q))


def _mahalanobis(x: Values, mu: Values, precision: Values, q: Values) -> float:
    total = 0.0
    for weights, centre, inverse in zip(q.T, mu, precision, strict=True):
        residual = x - centre
        total += np.sum(((weights[:, None] * residual).T @ residual) * inverse)
    return float(total / len(x))


@by_hand
def gmm_full_elbo(*, x: Values, pi: Values, mu: Values, Sigma: Values, q: Values) -> float:
    level = q.mean(axis=0) @ np.linalg.slogdet(2 * np.pi * Sigma)[1]
    return float(_prior(q, pi) - 0.5 * (level + _mahalanobis(x, mu, np.linalg.inv(Sigma), q)))


@by_hand
def gmm_full_gap(*, x: Values, pi: Values, mu: Values, Sigma: Values, q: Values) -> float:
    spread = _mahalanobis(x, mu, np.linalg.inv(Sigma), q)
    return float(_slope_of_prior(q, pi) + 0.5 * (x.shape[1] - spread))


@by_hand
def poisson_mixture_elbo(*, x: Values, pi: Values, lambda_: Values, q: Values) -> float:
    fit = np.sum(q.T @ x * np.log(lambda_)) / len(x) - q.mean(axis=0) @ lambda_.sum(axis=1)
    return float(_prior(q, pi) + fit - special.gammaln(x + 1).sum() / len(x))


@by_hand
def poisson_mixture_gap(*, x: Values, pi: Values, lambda_: Values, q: Values) -> float:
    rates = q.mean(axis=0)[:, None] * lambda_
    return float(_slope_of_prior(q, pi) + np.sum((q.T @ x / len(x) - rates) * np.log(lambda_)))


@by_hand
def gamma_mixture_elbo(*, x: Values, pi: Values, alpha: Values, beta: Values, q: Values) -> float:
    level = alpha * np.log(beta) - special.gammaln(alpha)
    data = q.T @ np.log(x) @ (alpha - 1) - q.T @ x @ beta
    return float(_prior(q, pi) + q.mean(axis=0) @ level + data / len(x))


@by_hand
def negative_binomial_elbo(*, x: Values, pi: Values, p: Values, r: Values, q: Values) -> float:
    data = (special.gammaln(x + r) - special.gammaln(x + 1)).sum() / len(x)
    level = q.mean(axis=0) @ (r * np.log(p) - special.gammaln(r)).sum(axis=1)
    return float(_prior(q, pi) + data + level + np.sum(q.T @ x / len(x) * np.log1p(-p)))


def _softplus(a: Values) -> Values:
    return np.logaddexp(0, a)


@by_hand
def sbn_elbo(
    *,
    x: Values,
    pi: Values,
    W: Values,
    mu: Values,
    entropy_q: float,
    z: Values,
    weights: Values,
) -> float:
    a, share = z @ W.T + mu, weights.mean(axis=0)
    prior = z @ np.log(pi) + (1 - z) @ np.log1p(-pi)
    fit = np.sum(weights.T @ x * a) / len(x) - share @ _softplus(a).sum(axis=1)
    return float(entropy_q + share @ prior + fit)


@by_hand
def sbn_gap(
    *,
    x: Values,
    pi: Values,
    W: Values,
    mu: Values,
    entropy_q: float,
    z: Values,
    weights: Values,
) -> float:
    a, share = z @ W.T + mu, weights.mean(axis=0)
    prior = (z - pi) @ special.logit(pi)
    fit = np.sum(weights.T @ x * a) / len(x) - share @ (a * special.expit(a)).sum(axis=1)
    return float(share @ prior + fit)


@by_hand
def rasch_elbo(
    *, x: Values, tau: float, b: Values, entropy_q: float, z: Values, weights: Values
) -> float:
    a, share = z[:, None] - b, weights.mean(axis=0)
    prior = -0.5 * (np.log(2 * np.pi * tau) + z**2 / tau)
    fit = np.sum(weights.T @ x * a) / len(x) - share @ _softplus(a).sum(axis=1)
    return float(entropy_q + share @ prior + fit)


@by_hand
def zero_inflated_counts_elbo(
    *,
    x: Values,
    r: Values,
    on: Values,
    off: Values,
    entropy_q: float,
    z: Values,
    weights: Values,
) -> float:
    rate, share = on * z + off * (1 - z), weights.mean(axis=0)
    prior = z @ np.log(r) + (1 - z) @ np.log1p(-r)
    fit = np.sum(weights.T @ x * np.log(rate)) / len(x) - share @ rate.sum(axis=1)
    return float(entropy_q + share @ prior + fit - special.gammaln(x + 1).sum() / len(x))


def _residuals(x: Values, W: Values, mu: Values, sigma2: Values) -> tuple[Values, Values, Values]:
    """Residuals at the mean of the posterior, these means, and the precision"""
    residual = x - mu
    scaled = W / np.atleast_1d(sigma2)[:, None]
    precision = np.eye(W.shape[1]) + W.T @ scaled
    mode = np.linalg.solve(precision, (residual @ scaled).T).T
    residual -= mode @ W.T
    return residual, mode, precision


def _likelihood(x: Values, W: Values, mu: Values, sigma2: Values) -> float:
    residual, mode, precision = _residuals(x, W, mu, sigma2)
    square = np.einsum("nd,nd->d", residual, residual)
    spread = np.sum(square / sigma2) + np.einsum("nh,nh->", mode, mode)
    level = np.sum(np.log(2 * np.pi * np.broadcast_to(sigma2, x.shape[1:])))
    return float(-0.5 * (level + np.linalg.slogdet(precision)[1] + spread / len(x)))


@by_hand
def ppca_elbo(*, x: Values, W: Values, mu: Values, sigma2: float) -> float:
    return _likelihood(x, W, mu, sigma2)


@by_hand
def factor_analysis_elbo(*, x: Values, W: Values, mu: Values, sigma2: Values) -> float:
    return _likelihood(x, W, mu, sigma2)


@by_hand
def linear_vae_elbo(
    *, x: Values, W: Values, mu: Values, sigma2: float, nu: Values, tau2: Values
) -> float:
    residual = x - mu
    residual -= nu @ W.T
    count, length = nu.shape
    inner = np.einsum("nd,nd->", residual, residual) + tau2.sum(axis=0) @ (W**2).sum(axis=0)
    prior = np.einsum("nh,nh->", nu, nu) + tau2.sum()
    level = x.shape[1] * np.log(2 * np.pi * sigma2)
    entropy = 0.5 * (np.log(tau2).sum() / count + length)
    return float(entropy - 0.5 * (prior / count + level + inner / sigma2 / count))


@by_hand
def linear_vae_gap(
    *, x: Values, W: Values, mu: Values, sigma2: float, nu: Values, tau2: Values
) -> float:
    residual = x - mu
    residual -= nu @ W.T
    count, length = nu.shape
    inner = np.einsum("nd,nd->", residual, residual) + tau2.sum(axis=0) @ (W**2).sum(axis=0)
    prior = np.einsum("nh,nh->", nu, nu) + tau2.sum()
    return float(0.5 * (length - prior / count + x.shape[1] - inner / sigma2 / count))


@by_hand
def sparse_coding_elbo(
    *, x: Values, W: Values, lambda_: Values, sigma2: float, nu: Values, tau2: Values
) -> float:
    residual = x - nu @ W.T
    count, length = nu.shape
    inner = np.einsum("nd,nd->", residual, residual) + tau2.sum(axis=0) @ (W**2).sum(axis=0)
    ratio = nu / np.sqrt(2 * tau2)
    folded = np.sqrt(2 * tau2 / np.pi) * np.exp(-(ratio**2)) + nu * special.erf(ratio)
    prior = folded.mean(axis=0) @ (1 / lambda_) + np.log(2 * lambda_).sum()
    level = 0.5 * x.shape[1] * np.log(2 * np.pi * sigma2)
    entropy = 0.5 * (np.log(tau2).sum() / count + length * np.log(2 * np.pi * np.e))
    return float(entropy - prior - level - 0.5 * inner / sigma2 / count)


@by_hand
def logistic_regression_elbo(*, x: Values, a: Values, w: Values, b: float) -> float:
    logit = a @ w + b
    return float(x @ logit / len(x) - _softplus(logit).mean())


@by_hand
def poisson_regression_elbo(*, x: Values, a: Values, w: Values, b: float) -> float:
    log_rate = a @ w + b
    return float(x @ log_rate / len(x) - np.exp(log_rate).mean() - special.gammaln(x + 1).mean())
