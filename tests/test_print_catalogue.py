"""Representative terms, exactly as they are printed; every one keeps its value and compiles."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from math import prod
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy import special  # type: ignore[import-untyped]

from symelbo.index.build import add, call, divide, exp, log, mul, negate, number, power, subtract
from symelbo.index.domains import Binary, Category, Naturals, PosDef, Positive, Real, Simplex, Unit
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.notation import arrange, names
from symelbo.notation.break_lines import break_lines
from symelbo.notation.names import escape_latex, name_indices
from symelbo.notation.print_latex import (
    LATEX,
    LINE_WIDTH,
    latex_array,
    latex_summands,
    latex_width,
    print_latex,
)
from symelbo.notation.print_text import print_text

REAL, POSITIVE = Real(), Positive()
C, D, H, K, P = (Extent(size) for size in "CDHKP")
SIZES = {"C": 3, "D": 4, "H": 2, "K": 3, "P": 2, "N": 5}


def _symbol(
    name: str, *shape: Extent, domain: Domain = REAL, role: Role = Role.PARAMETER
) -> Symbol:
    return Symbol(name, role, domain, shape)


W = _symbol("W", D, H)
V = _symbol("V", K, H)
B = _symbol("b", K)
MU = _symbol("mu", D)
MU_C = _symbol("mu", C, D)
PI = _symbol("pi", H, domain=Unit())
PI_C = _symbol("pi", C, domain=Simplex())
ZETA = _symbol("zeta", C)
SIGMA2 = _symbol("sigma2", domain=POSITIVE)
SIGMA2_D = _symbol("sigma2", D, domain=POSITIVE)
SIGMA2_CD = _symbol("sigma2", C, D, domain=POSITIVE)
TAU2 = _symbol("tau2", H, domain=POSITIVE, role=Role.VARIATIONAL)
ALPHA2 = _symbol("alpha2", H, domain=POSITIVE)
TAU = _symbol("tau", H, domain=POSITIVE)
LAMBDA = _symbol("lambda", H, domain=POSITIVE)
LAMBDA_D = _symbol("lambda", D, domain=POSITIVE)
RATE = _symbol("log_rate", D)
COVARIANCE = _symbol("Sigma", C, D, D, domain=PosDef())
MATRIX = _symbol("M", H, H, domain=PosDef())
A = _symbol("a", domain=POSITIVE)
SHAPE_B = _symbol("b", domain=POSITIVE)
V_D = _symbol("v", D)
NET = _symbol("w", P)
SCALAR = _symbol("t", domain=POSITIVE)
MU0 = _symbol("mu0", D)
GAMMA = _symbol("gamma", H)
PRECISION = _symbol("psi", D, domain=POSITIVE)
Z = _symbol("z", H, role=Role.LATENT)
Z1 = _symbol("z", domain=Binary(), role=Role.LATENT)
CAT = _symbol("c", domain=Category(), role=Role.LATENT)
X = _symbol("x", D, role=Role.OBSERVED)
COUNT = _symbol("x", D, domain=Naturals(), role=Role.OBSERVED)
MEAN = _symbol("m", D, role=Role.FUNCTION)
NU = _symbol("nu", domain=REAL)

c, d, h, i, j, k, p = (
    Index(name, extent) for name, extent in zip("cdhijkp", (C, D, H, C, C, K, P), strict=True)
)
# bound names as machines make them: the printer has to find the letters
_0, _1, _2, _9 = (Index(f"#{n}", e) for n, e in ((0, D), (1, H), (2, H), (9, C)))
d1, d2 = Index("i", D), Index("j", D)
pi_, e_ = Constant("pi"), Constant("e")
HALF = number(Fraction(1, 2))


def at(symbol: Symbol, *indices: IndexTerm) -> Entry:
    return Entry(symbol, indices)


def half(term: Term) -> Term:
    return mul(HALF, term)


def entropy_of_bernoulli(p: Term) -> Term:
    q = subtract(number(1), p)
    return negate(add(mul(p, log(p)), mul(q, log(q))))


def gram(weight: Term, rows: tuple[Index, Index] = (_1, _2)) -> Array:
    """delta_hk + sum_d W_dh W_dk * weight"""
    left, right = rows
    summand = mul(at(W, _0, left), at(W, _0, right), weight)
    return Array(rows, add(Delta(left, right), Sum(_0, summand)))


s2, s2_d, s2_cd = at(SIGMA2), at(SIGMA2_D, d), at(SIGMA2_CD, at(CAT), d)
TWO_PI_E = mul(number(2), pi_, e_)
linear = add(Sum(_1, mul(at(W, d, _1), at(Z, _1))), at(MU, d))
whole_w = Array((p,), at(NET, p))
whole_z = Array((_1,), at(Z, _1))
hidden = Array((k,), add(Sum(_1, mul(at(V, k, _1), at(Z, _1))), at(B, k)))
pi_h, one_minus_pi = at(PI, h), subtract(number(1), at(PI, h))
lam = at(LAMBDA_D, d)
alpha = mul(at(PI_C, i), subtract(at(ZETA, i), Sum(_9, mul(at(PI_C, _9), at(ZETA, _9)))))
covariance = Array((d1, d2), at(COVARIANCE, at(CAT), d1, d2))

TERMS: dict[str, Term] = {
    "one": number(1),
    "negative": number(-3),
    "rational": number(Fraction(-7, 2)),
    "euler": log(mul(number(2), pi_, e_)),
    "simple-sbn-zeta": log(divide(at(PI, h), one_minus_pi)),
    "simple-sbn-joined": subtract(log(pi_h), log(one_minus_pi)),
    "simple-sbn-alpha": mul(pi_h, one_minus_pi, subtract(log(pi_h), log(one_minus_pi))),
    "simple-sbn-eta": mul(at(V_D, d), at(Z1)),
    "bernoulli-entropy": entropy_of_bernoulli(pi_h),
    "sbn-entropy": Sum(_1, entropy_of_bernoulli(at(PI, _1))),
    "simple-sbn-observed": Sum(_0, entropy_of_bernoulli(call("sigmoid", mul(at(V_D, _0), at(Z1))))),
    "sbn-eta": linear,
    "sbn-observed": subtract(call("softplus", linear), mul(linear, call("sigmoid", linear))),
    "softplus-short": call("softplus", at(A)),
    "gaussian-eta-1": divide(at(MU, d), s2_d),
    "gaussian-eta-2": mul(number(Fraction(-1, 2)), power(s2_d, -1)),
    "gaussian-log-density": add(
        mul(number(Fraction(-1, 2)), power(s2_d, -1), power(subtract(at(X, d), at(MU, d)), 2)),
        mul(number(Fraction(-1, 2)), log(mul(number(2), pi_, s2_d))),
    ),
    "gaussian-entropy": add(HALF, half(log(mul(number(2), pi_, s2_d)))),
    "ppca-noise": mul(HALF, Size("D"), log(mul(number(2), pi_, e_, s2))),
    "ppca-noise-split": add(
        mul(HALF, Size("D")),
        mul(HALF, Size("D"), log(mul(number(2), pi_))),
        mul(HALF, Size("D"), log(s2)),
    ),
    "diagonal-entropy": Sum(_0, half(log(mul(TWO_PI_E, at(SIGMA2_D, _0))))),
    "fa-alpha": negate(at(TAU, h)),
    "fa-zeta": mul(number(Fraction(-1, 2)), power(at(TAU, h), -1)),
    "ppca": add(
        mul(number(Fraction(-1, 2)), LogDet(gram(power(s2, -1)))),
        mul(number(Fraction(-1, 2)), Size("D"), log(mul(TWO_PI_E, s2))),
    ),
    "fa": add(
        mul(number(Fraction(-1, 2)), LogDet(gram(power(at(SIGMA2_D, _0), -1)))),
        negate(Sum(_0, half(log(mul(TWO_PI_E, at(SIGMA2_D, _0)))))),
    ),
    "fa-precision": LogDet(gram(at(PRECISION, _0))),
    "vae-1": subtract(
        half(Sum(_1, log(at(TAU2, _1)))), mul(HALF, Size("D"), log(mul(TWO_PI_E, s2)))
    ),
    "vae-2": half(Sum(_1, subtract(log(at(TAU2, _1)), log(at(ALPHA2, _1))))),
    "vae-2-data": divide(
        Sum(_1, log(divide(at(TAU2, _1), at(ALPHA2, _1)))), mul(number(2), Size("N"))
    ),
    "vae-3": subtract(
        mul(number(Fraction(-1, 2)), Size("D"), log(TWO_PI_E)),
        Sum(_0, log(Apply(MEAN, (whole_z,), (_0,)))),
    ),
    "laplace-zeta": negate(power(at(LAMBDA, h), -1)),
    "laplace-entropy": Sum(_1, add(number(1), log(mul(number(2), at(LAMBDA, _1))))),
    "laplace-density": subtract(
        negate(divide(call("abs", subtract(at(Z, h), at(GAMMA, h))), at(LAMBDA, h))),
        log(mul(number(2), at(LAMBDA, h))),
    ),
    "mixture-zeta": log(divide(at(PI_C, i), at(PI_C, Position(C)))),
    "mixture-jacobian": add(divide(Delta(i, j), at(PI_C, i)), power(at(PI_C, Position(C)), -1)),
    "mixture-alpha": alpha,
    "mixture-entropy": mul(
        at(PI_C, i), add(log(at(PI_C, i)), negate(Sum(_9, mul(at(PI_C, _9), log(at(PI_C, _9))))))
    ),
    "mixture-last": subtract(
        number(1), Sum(Index("#4", Extent("C", -1)), at(PI_C, Index("#4", Extent("C", -1))))
    ),
    "mixture-mean": at(MU_C, at(CAT), d),
    "mixture-previous": at(MU_C, at(CAT), Offset(d, -1)),
    "mixture-scale": mul(HALF, log(mul(TWO_PI_E, s2_cd))),
    "full-entropy": half(add(LogDet(covariance), mul(Size("D"), log(TWO_PI_E)))),
    "full-scaled": half(LogDet(Array((d1, d2), mul(TWO_PI_E, at(COVARIANCE, at(CAT), d1, d2))))),
    "inverse": Inverse(covariance, d1, d2),
    "inverse-gram": Inverse(gram(power(s2, -1)), h, h),
    "inverse-general": Inverse(Array((_1, _2), exp(mul(at(MATRIX, _1, _2), at(GAMMA, _1)))), h, h),
    "logdet-general": LogDet(Array((_1, _2), exp(mul(at(MATRIX, _1, _2), at(GAMMA, _1))))),
    "quadratic-form": mul(
        number(Fraction(-1, 2)),
        Sum(
            d1,
            Sum(
                d2,
                mul(
                    subtract(at(X, d1), at(MU, d1)),
                    Inverse(covariance, d1, d2),
                    subtract(at(X, d2), at(MU, d2)),
                ),
            ),
        ),
    ),
    "gamma-entropy": add(
        at(A),
        negate(log(at(SHAPE_B))),
        call("loggamma", at(A)),
        mul(subtract(number(1), at(A)), call("digamma", at(A))),
    ),
    "gamma-eta": subtract(at(A), number(1)),
    "trigamma": mul(subtract(at(A), number(1)), call("polygamma", number(1), at(A))),
    "polygamma-3": call("polygamma", number(3), at(A)),
    "poisson-beta": mul(lam, log(lam)),
    "poisson-pseudo": Sum(_0, mul(at(LAMBDA_D, _0), subtract(number(1), log(at(LAMBDA_D, _0))))),
    "poisson-base": negate(Sum(_0, call("loggamma", add(at(COUNT, _0), number(1))))),
    "poisson-density": add(
        mul(at(COUNT, d), at(RATE, d)),
        negate(exp(at(RATE, d))),
        negate(call("loggamma", add(at(COUNT, d), number(1)))),
    ),
    "network": Apply(MEAN, (hidden, whole_w), (d,)),
    "network-slot": Apply(MEAN, (whole_z, whole_w), (d,), ((1, (p,)),)),
    "network-hidden-slot": Apply(MEAN, (hidden, whole_w), (d,), ((0, (k,)), (1, (p,)))),
    "network-residual": divide(
        power(subtract(at(X, d), Apply(MEAN, (whole_z, whole_w), (d,))), 2),
        mul(number(2), s2),
    ),
    "softmax": divide(exp(at(ZETA, i)), Sum(_9, exp(at(ZETA, _9)))),
    "logsumexp": subtract(at(ZETA, i), log(Sum(_9, exp(at(ZETA, _9))))),
    "gauss-kernel": exp(mul(number(Fraction(-1, 2)), power(at(NU), 2), power(s2, -1))),
    "velychko": add(
        mul(
            power(mul(number(2), power(pi_, -1)), HALF),
            at(A),
            exp(mul(number(Fraction(-1, 2)), power(at(NU), 2), power(at(A), -2))),
        ),
        mul(at(NU), call("erf", divide(at(NU), mul(at(A), power(number(2), HALF))))),
    ),
    "long-exponent": exp(linear),
    "sigma": power(s2, HALF),
    "sigma-squared-squared": power(s2_d, 2),
    "inverse-square": divide(power(at(MU, d), 2), power(s2_d, 2)),
    "half-power": power(at(A), number(Fraction(3, 2))),
    "inverse-root": power(at(A), number(Fraction(-1, 2))),
    "nested-sums": Sum(_0, Sum(_1, mul(power(at(W, _0, _1), 2), at(TAU2, _1)))),
    "squared-residual": Sum(
        _0, power(subtract(at(X, _0), Sum(_1, mul(at(W, _0, _1), at(Z, _1)))), 2)
    ),
    "product-of-sums": mul(Sum(_1, at(Z, _1)), Sum(_1, power(at(Z, _1), 2))),
    "prior-mean": subtract(at(MU0, d), at(MU, d)),
    "index-value": mul(IndexValue(h), at(LAMBDA, h)),
    "log-squared": power(log(at(A)), 2),
    "tanh": subtract(number(1), power(call("tanh", at(A)), 2)),
    "word-product": mul(number(2), at(RATE, d), at(X, d)),
    "vae-3-entropy": add(
        mul(HALF, Size("D")),
        mul(HALF, Size("D"), log(mul(number(2), pi_))),
        Sum(_0, log(Apply(MEAN, (whole_z,), (_0,)))),
    ),
    "lognormal-entropy": add(at(NU), HALF, half(log(mul(number(2), pi_, s2)))),
    "no-join-sign": subtract(HALF, half(log(mul(number(2), pi_, s2)))),
    "no-join-alone": add(number(1), log(s2)),
    "no-join-many": add(log(at(A)), log(at(SCALAR)), log(number(2))),
    "negative-join": negate(add(HALF, half(log(mul(number(2), pi_, s2))))),
    "general-power": power(at(A), negate(at(SCALAR))),
}

TEXT_AND_LATEX: dict[str, tuple[str, str]] = {
    "one": (
        "1",
        "1",
    ),
    "negative": (
        "-3",
        "-3",
    ),
    "rational": (
        "-7/2",
        r"-\frac{7}{2}",
    ),
    "euler": (
        "log(2*PI*e)",
        r"\log(2 \pi e)",
    ),
    "simple-sbn-zeta": (
        "log(pi[h]/(1 - pi[h]))",
        r"\log\frac{\pi_{h}}{1 - \pi_{h}}",
    ),
    "simple-sbn-joined": (
        "log(pi[h]/(1 - pi[h]))",
        r"\log\frac{\pi_{h}}{1 - \pi_{h}}",
    ),
    "simple-sbn-alpha": (
        "pi[h]*(1 - pi[h])*log(pi[h]/(1 - pi[h]))",
        r"\pi_{h} (1 - \pi_{h}) \log\frac{\pi_{h}}{1 - \pi_{h}}",
    ),
    "simple-sbn-eta": (
        "v[d]*z",
        "v_{d} z",
    ),
    "bernoulli-entropy": (
        "-(pi[h]*log(pi[h]) + (1 - pi[h])*log(1 - pi[h]))",
        r"-\bigl[\pi_{h} \log\pi_{h} + (1 - \pi_{h}) \log(1 - \pi_{h})\bigr]",
    ),
    "sbn-entropy": (
        "-sum(pi[h]*log(pi[h]) + (1 - pi[h])*log(1 - pi[h]) for h in 1:H)",
        r"-\sum_{h=1}^{H} \bigl[\pi_{h} \log\pi_{h} + (1 - \pi_{h}) \log(1 - \pi_{h})\bigr]",
    ),
    "simple-sbn-observed": (
        (
            "-sum(sigmoid(v[d]*z)*log(sigmoid(v[d]*z)) + (1 - sigmoid(v[d]*z))*log(1 - "
            "sigmoid(v[d]*z)) for d in 1:D)"
        ),
        (
            r"-\sum_{d=1}^{D} \Bigl[\operatorname{sigmoid}(v_{d} z) \log\operatorname{sigmoid}"
            r"(v_{d} z) + \bigl[1 - \operatorname{sigmoid}(v_{d} z)\bigr] "
            r"\log\bigl(1 - \operatorname{sigmoid}(v_{d} z)\bigr)\Bigr]"
        ),
    ),
    "sbn-eta": (
        "sum(W[d,h]*z[h] for h in 1:H) + mu[d]",
        r"\sum_{h=1}^{H} W_{dh} z_{h} + \mu_{d}",
    ),
    "sbn-observed": (
        (
            "softplus(sum(W[d,h]*z[h] for h in 1:H) + mu[d]) - (sum(W[d,h]*z[h] for h in 1:H) + "
            "mu[d])*sigmoid(sum(W[d,h]*z[h] for h in 1:H) + mu[d])"
        ),
        (
            r"\log\biggl(1 + \exp\Bigl(\sum_{h=1}^{H} W_{dh} z_{h} + \mu_{d}\Bigr)\biggr) - "
            r"\Bigl(\sum_{h=1}^{H} W_{dh} z_{h} + \mu_{d}\Bigr) \operatorname{sigmoid}"
            r"\Bigl(\sum_{h=1}^{H} "
            r"W_{dh} z_{h} + \mu_{d}\Bigr)"
        ),
    ),
    "softplus-short": (
        "softplus(a)",
        r"\log(1 + e^{a})",
    ),
    "gaussian-eta-1": (
        "mu[d]/sigma2[d]",
        r"\frac{\mu_{d}}{\sigma^{2}_{d}}",
    ),
    "gaussian-eta-2": (
        "-1/(2*sigma2[d])",
        r"-\frac{1}{2 \sigma^{2}_{d}}",
    ),
    "gaussian-log-density": (
        "-(x[d] - mu[d])**2/(2*sigma2[d]) - 1/2*log(2*PI*sigma2[d])",
        (
            r"-\frac{(x_{d} - \mu_{d})^{2}}{2 \sigma^{2}_{d}} - \frac{1}{2} \log(2 \pi "
            r"\sigma^{2}_{d})"
        ),
    ),
    "gaussian-entropy": (
        "1/2*log(2*PI*e*sigma2[d])",
        r"\frac{1}{2} \log(2 \pi e \sigma^{2}_{d})",
    ),
    "ppca-noise": (
        "D/2*log(2*PI*e*sigma2)",
        r"\frac{D}{2} \log(2 \pi e \sigma^{2})",
    ),
    "ppca-noise-split": (
        "D/2*log(2*PI*e*sigma2)",
        r"\frac{D}{2} \log(2 \pi e \sigma^{2})",
    ),
    "diagonal-entropy": (
        "sum(1/2*log(2*PI*e*sigma2[d]) for d in 1:D)",
        r"\sum_{d=1}^{D} \frac{1}{2} \log(2 \pi e \sigma^{2}_{d})",
    ),
    "fa-alpha": (
        "-tau[h]",
        r"-\tau_{h}",
    ),
    "fa-zeta": (
        "-1/(2*tau[h])",
        r"-\frac{1}{2 \tau_{h}}",
    ),
    "ppca": (
        (
            "-1/2*logdet([delta(h,i) + sum(W[d,h]*W[d,i]/sigma2 for d in 1:D) for h in 1:H, i in "
            "1:H]) - D/2*log(2*PI*e*sigma2)"
        ),
        (
            r"-\frac{1}{2} \log\det\Bigl(I + \frac{1}{\sigma^{2}} W^{\top} W\Bigr) - \frac{D}{2} "
            r"\log(2 \pi e \sigma^{2})"
        ),
    ),
    "fa": (
        (
            "-1/2*logdet([delta(h,i) + sum(W[d,h]*W[d,i]/sigma2[d] for d in 1:D) for h in 1:H, i "
            "in 1:H]) - sum(1/2*log(2*PI*e*sigma2[d]) for d in 1:D)"
        ),
        (
            r"-\frac{1}{2} \log\det\bigl(I + W^{\top} \operatorname{diag}(\sigma^{-2}) W\bigr) - "
            r"\sum_{d=1}^{D} \frac{1}{2} \log(2 \pi e \sigma^{2}_{d})"
        ),
    ),
    "fa-precision": (
        "logdet([delta(h,i) + sum(W[d,h]*W[d,i]*psi[d] for d in 1:D) for h in 1:H, i in 1:H])",
        r"\log\det\bigl(I + W^{\top} \operatorname{diag}(\psi) W\bigr)",
    ),
    "vae-1": (
        "1/2*sum(log(tau2[h]) for h in 1:H) - D/2*log(2*PI*e*sigma2)",
        r"\frac{1}{2} \sum_{h=1}^{H} \log\tau^{2}_{h} - \frac{D}{2} \log(2 \pi e \sigma^{2})",
    ),
    "vae-2": (
        "1/2*sum(log(tau2[h]/alpha2[h]) for h in 1:H)",
        r"\frac{1}{2} \sum_{h=1}^{H} \log\frac{\tau^{2}_{h}}{\alpha^{2}_{h}}",
    ),
    "vae-2-data": (
        "1/(2*N)*sum(log(tau2[h]/alpha2[h]) for h in 1:H)",
        r"\frac{1}{2 N} \sum_{h=1}^{H} \log\frac{\tau^{2}_{h}}{\alpha^{2}_{h}}",
    ),
    "vae-3": (
        "-sum(log(m(z)[d]) for d in 1:D) - D/2*log(2*PI*e)",
        r"-\sum_{d=1}^{D} \log m_{d}(z) - \frac{D}{2} \log(2 \pi e)",
    ),
    "laplace-zeta": (
        "-1/lambda[h]",
        r"-\frac{1}{\lambda_{h}}",
    ),
    "laplace-entropy": (
        "sum(log(2*e*lambda[h]) for h in 1:H)",
        r"\sum_{h=1}^{H} \log(2 e \lambda_{h})",
    ),
    "laplace-density": (
        "-abs(z[h] - gamma[h])/lambda[h] - log(2*lambda[h])",
        r"-\frac{|z_{h} - \gamma_{h}|}{\lambda_{h}} - \log(2 \lambda_{h})",
    ),
    "mixture-zeta": (
        "log(pi[i]/pi[C])",
        r"\log\frac{\pi_{i}}{\pi_{C}}",
    ),
    "mixture-jacobian": (
        "delta(i,j)/pi[i] + 1/pi[C]",
        r"\frac{\delta_{ij}}{\pi_{i}} + \frac{1}{\pi_{C}}",
    ),
    "mixture-alpha": (
        "pi[i]*(zeta[i] - sum(pi[c]*zeta[c] for c in 1:C))",
        r"\pi_{i} \Bigl(\zeta_{i} - \sum_{c=1}^{C} \pi_{c} \zeta_{c}\Bigr)",
    ),
    "mixture-entropy": (
        "pi[i]*(log(pi[i]) - sum(pi[c]*log(pi[c]) for c in 1:C))",
        r"\pi_{i} \Bigl(\log\pi_{i} - \sum_{c=1}^{C} \pi_{c} \log\pi_{c}\Bigr)",
    ),
    "mixture-last": (
        "1 - sum(pi[c] for c in 1:C-1)",
        r"1 - \sum_{c=1}^{C-1} \pi_{c}",
    ),
    "mixture-mean": (
        "mu[c,d]",
        r"\mu_{cd}",
    ),
    "mixture-previous": (
        "mu[c,d-1]",
        r"\mu_{c,d-1}",
    ),
    "mixture-scale": (
        "1/2*log(2*PI*e*sigma2[c,d])",
        r"\frac{1}{2} \log(2 \pi e \sigma^{2}_{cd})",
    ),
    "full-entropy": (
        "1/2*(logdet(Sigma[c]) + D*log(2*PI*e))",
        r"\frac{1}{2} \bigl[\log\det\Sigma_{c} + D \log(2 \pi e)\bigr]",
    ),
    "full-scaled": (
        "1/2*logdet([2*PI*e*Sigma[c,i,j] for i in 1:D, j in 1:D])",
        r"\frac{1}{2} \log\det(2 \pi e \Sigma_{c})",
    ),
    "inverse": (
        "inv(Sigma[c])[i,j]",
        r"(\Sigma^{-1}_{c})_{ij}",
    ),
    "inverse-gram": (
        ("inv([delta(i,j) + sum(W[d,i]*W[d,j]/sigma2 for d in 1:D) for i in 1:H, j in 1:H])[h,h]"),
        r"\Bigl[\Bigl(I + \frac{1}{\sigma^{2}} W^{\top} W\Bigr)^{-1}\Bigr]_{hh}",
    ),
    "inverse-general": (
        "inv([exp(M[i,j]*gamma[i]) for i in 1:H, j in 1:H])[h,h]",
        r"\bigl[(e^{M_{ij} \gamma_{i}})_{ij}^{-1}\bigr]_{hh}",
    ),
    "logdet-general": (
        "logdet([exp(M[h,i]*gamma[h]) for h in 1:H, i in 1:H])",
        r"\log\det (e^{M_{hi} \gamma_{h}})_{h,i=1}^{H}",
    ),
    "quadratic-form": (
        "-1/2*sum(inv(Sigma[c])[i,j]*(x[i] - mu[i])*(x[j] - mu[j]) for i in 1:D, j in 1:D)",
        (
            r"-\frac{1}{2} \sum_{i=1}^{D}\sum_{j=1}^{D} (\Sigma^{-1}_{c})_{ij} (x_{i} - \mu_{i}) "
            r"(x_{j} - \mu_{j})"
        ),
    ),
    "gamma-entropy": (
        "a - log(b) + loggamma(a) + (1 - a)*psi(a)",
        r"a - \log b + \log\Gamma(a) + (1 - a) \psi(a)",
    ),
    "gamma-eta": (
        "a - 1",
        "a - 1",
    ),
    "trigamma": (
        "(a - 1)*polygamma(1, a)",
        r"(a - 1) \psi'(a)",
    ),
    "polygamma-3": (
        "polygamma(3, a)",
        r"\psi^{(3)}(a)",
    ),
    "poisson-beta": (
        "lambda[d]*log(lambda[d])",
        r"\lambda_{d} \log\lambda_{d}",
    ),
    "poisson-pseudo": (
        "sum(lambda[d]*(1 - log(lambda[d])) for d in 1:D)",
        r"\sum_{d=1}^{D} \lambda_{d} (1 - \log\lambda_{d})",
    ),
    "poisson-base": (
        "-sum(loggamma(x[d] + 1) for d in 1:D)",
        r"-\sum_{d=1}^{D} \log x_{d}!",
    ),
    "poisson-density": (
        "log_rate[d]*x[d] - loggamma(x[d] + 1) - exp(log_rate[d])",
        r"\mathit{log\_rate}_{d} \, x_{d} - \log x_{d}! - e^{\mathit{log\_rate}_{d}}",
    ),
    "network": (
        "m([sum(V[k,h]*z[h] for h in 1:H) + b[k] for k in 1:K], w)[d]",
        "m_{d}(V z + b, w)",
    ),
    "network-slot": (
        "D(m(z, w)[d], w[p])",
        r"\partial_{w_{p}} m_{d}(z, w)",
    ),
    "network-hidden-slot": (
        (
            "D(D(m([sum(V[i,h]*z[h] for h in 1:H) + b[i] for i in 1:K], w)[d], [sum(V[i,h]*z[h] "
            "for h in 1:H) + b[i] for i in 1:K][k]), w[p])"
        ),
        r"\partial_{1,k}\partial_{w_{p}} m_{d}(V z + b, w)",
    ),
    "network-residual": (
        "(x[d] - m(z, w)[d])**2/(2*sigma2)",
        r"\frac{\bigl[x_{d} - m_{d}(z, w)\bigr]^{2}}{2 \sigma^{2}}",
    ),
    "softmax": (
        "exp(zeta[i])/sum(exp(zeta[c]) for c in 1:C)",
        r"\frac{e^{\zeta_{i}}}{\sum_{c=1}^{C} e^{\zeta_{c}}}",
    ),
    "logsumexp": (
        "zeta[i] - log(sum(exp(zeta[c]) for c in 1:C))",
        r"\zeta_{i} - \log\Bigl(\sum_{c=1}^{C} e^{\zeta_{c}}\Bigr)",
    ),
    "gauss-kernel": (
        "exp(-nu**2/(2*sigma2))",
        r"e^{-\nu^{2}/(2 \sigma^{2})}",
    ),
    "velychko": (
        "nu*erf(nu/(sqrt(2)*a)) + sqrt(2/PI)*a*exp(-nu**2/(2*a**2))",
        (
            r"\nu \operatorname{erf}\Bigl(\frac{\nu}{\sqrt{2} a}\Bigr) + \sqrt{\frac{2}{\pi}} a "
            r"e^{-\nu^{2}/(2 a^{2})}"
        ),
    ),
    "long-exponent": (
        "exp(sum(W[d,h]*z[h] for h in 1:H) + mu[d])",
        r"\exp\Bigl(\sum_{h=1}^{H} W_{dh} z_{h} + \mu_{d}\Bigr)",
    ),
    "sigma": (
        "sqrt(sigma2)",
        r"\sigma",
    ),
    "sigma-squared-squared": (
        "sigma2[d]**2",
        r"\sigma^{4}_{d}",
    ),
    "inverse-square": (
        "mu[d]**2/sigma2[d]**2",
        r"\frac{\mu^{2}_{d}}{\sigma^{4}_{d}}",
    ),
    "half-power": (
        "a**(3/2)",
        "a^{3/2}",
    ),
    "inverse-root": (
        "1/sqrt(a)",
        r"\frac{1}{\sqrt{a}}",
    ),
    "nested-sums": (
        "sum(W[d,h]**2*tau2[h] for d in 1:D, h in 1:H)",
        r"\sum_{d=1}^{D}\sum_{h=1}^{H} W^{2}_{dh} \tau^{2}_{h}",
    ),
    "squared-residual": (
        "sum((x[d] - sum(W[d,h]*z[h] for h in 1:H))**2 for d in 1:D)",
        r"\sum_{d=1}^{D} \Bigl(x_{d} - \sum_{h=1}^{H} W_{dh} z_{h}\Bigr)^{2}",
    ),
    "product-of-sums": (
        "sum(z[h] for h in 1:H)*sum(z[h]**2 for h in 1:H)",
        r"\Bigl(\sum_{h=1}^{H} z_{h}\Bigr) \sum_{h=1}^{H} z^{2}_{h}",
    ),
    "prior-mean": (
        "mu0[d] - mu[d]",
        r"\mu_{0,d} - \mu_{d}",
    ),
    "index-value": (
        "h*lambda[h]",
        r"h \lambda_{h}",
    ),
    "log-squared": (
        "log(a)**2",
        r"(\log a)^{2}",
    ),
    "tanh": (
        "1 - tanh(a)**2",
        r"1 - \tanh(a)^{2}",
    ),
    "word-product": (
        "2*log_rate[d]*x[d]",
        r"2 \, \mathit{log\_rate}_{d} \, x_{d}",
    ),
    "vae-3-entropy": (
        "sum(log(m(z)[d]) for d in 1:D) + D/2*log(2*PI*e)",
        r"\sum_{d=1}^{D} \log m_{d}(z) + \frac{D}{2} \log(2 \pi e)",
    ),
    "lognormal-entropy": (
        "nu + 1/2*log(2*PI*e*sigma2)",
        r"\nu + \frac{1}{2} \log(2 \pi e \sigma^{2})",
    ),
    "no-join-sign": (
        "1/2 - 1/2*log(2*PI*sigma2)",
        r"\frac{1}{2} - \frac{1}{2} \log(2 \pi \sigma^{2})",
    ),
    "no-join-alone": (
        "1 + log(sigma2)",
        r"1 + \log\sigma^{2}",
    ),
    "no-join-many": (
        "log(2) + log(a) + log(t)",
        r"\log 2 + \log a + \log t",
    ),
    "negative-join": (
        "-1/2*log(2*PI*e*sigma2)",
        r"-\frac{1}{2} \log(2 \pi e \sigma^{2})",
    ),
    "general-power": (
        "1/a**t",
        r"\frac{1}{a^{t}}",
    ),
}


@pytest.mark.parametrize("name", TERMS)
def test_prints_exactly(name: str) -> None:
    assert (print_text(TERMS[name]), print_latex(TERMS[name])) == TEXT_AND_LATEX[name]


@pytest.mark.parametrize("name", TERMS)
def test_text_is_one_line_of_ascii(name: str) -> None:
    text = print_text(TERMS[name])
    assert text.isascii() and text.isprintable()


# -- a display has the value of its term -----------------------------------------------------------

_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "digamma": special.digamma,
    "erf": special.erf,
    "exp": np.exp,
    "log": np.log,
    "loggamma": special.gammaln,
    "polygamma": special.polygamma,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(0, x),
    "tanh": np.tanh,
}
_Places = dict[Index, int]


def _length(extent: Extent) -> int:
    return (SIZES[extent.size] if extent.size else 0) + extent.offset


@cache
def _values(symbol: Symbol) -> np.ndarray:
    """Random entries in the domain of the symbol, the same at every call."""
    shape = tuple(map(_length, symbol.shape))
    random = np.random.default_rng(list(f"{symbol.name}{shape}".encode()))
    match symbol.domain.kind:
        case "posdef":
            root = random.normal(size=shape)
            return root @ np.swapaxes(root, -1, -2) + np.eye(shape[-1])
        case "simplex":
            return random.dirichlet(np.ones(shape[-1]), size=shape[:-1])
        case "category" | "binary" | "naturals":
            return random.integers(1, 2, size=shape)
        case "unit":
            return random.uniform(0.1, 0.9, size=shape)
    return random.uniform(0.5, 1.5, size=shape)


def _place(index: IndexTerm, at: _Places) -> int:
    match index:
        case Index():
            return at[index]
        case Offset(inner, by):
            return at[inner] + by
        case Position(extent):
            return _length(extent)
        case Entry(symbol, indices):
            return int(_values(symbol)[_places(indices, at)])


def _places(indices: tuple[IndexTerm, ...], at: _Places) -> tuple[int, ...]:
    return tuple(_place(index, at) - 1 for index in indices)


def _ranges(indices: tuple[Index, ...], at: _Places) -> Iterator[_Places]:
    ranges = (range(index.low, _length(index.extent) + 1) for index in indices)
    return (at | dict(zip(indices, chosen, strict=True)) for chosen in product(*ranges))


def _array(indices: tuple[Index, ...], body: Any, at: _Places) -> np.ndarray:
    shape = tuple(_length(index.extent) for index in indices)
    return np.array([value(body, inner) for inner in _ranges(indices, at)]).reshape(shape)


def _tabulated(table: Array | arrange.Table, at: _Places) -> np.ndarray:
    entries = _array(table.indices, table.body, at)
    if isinstance(table, arrange.Table) and table.form is not None:
        np.testing.assert_allclose(form(table.form, at, len(entries)), entries)
    return entries


def form(display: Any, at: _Places, rows: int) -> Any:
    """The value of matrix notation."""
    match display:
        case arrange.Whole(symbol, indices, transposed):
            entries = _values(symbol)[_places(indices, at)]
            return entries.T if transposed else entries
        case arrange.Identity():
            return np.eye(rows)
        case arrange.Diagonal(vector, exponent):
            return np.diag(form(vector, at, rows) ** float(exponent))
        case arrange.Chain(factors):
            return reduce(np.matmul, [form(factor, at, rows) for factor in factors])
        case arrange.Total(terms):
            return sum(form(term, at, rows) for term in terms)
        case arrange.Product(_, _, _, (*_, last)):
            scalar = replace(display, after=display.after[:-1])
            return value(scalar, at) * form(last, at, rows)
    raise TypeError(display)


def value(item: Any, at: _Places) -> Any:
    """The value of a term or of a display, at the given places of the free indices."""
    match item:
        case Number(fraction):
            return float(fraction)
        case Constant(name):
            return {"pi": np.pi, "e": np.e}[name]
        case Size(name):
            return SIZES[name]
        case IndexValue(index):
            return _place(index, at)
        case Entry(symbol, indices):
            return _values(symbol)[_places(indices, at)]
        case Add(parts) | arrange.Total(parts):
            return sum(value(part, at) for part in parts)
        case Mul(factors):
            return prod(value(factor, at) for factor in factors)
        case arrange.Product(negative, above, below, after):
            over = prod(value(factor, at) for factor in above + after)
            return (-1) ** negative * over / prod(value(factor, at) for factor in below)
        case Power(base, exponent) | arrange.Raised(base, exponent):
            return value(base, at) ** value(exponent, at)
        case arrange.Root(radicand):
            return np.sqrt(value(radicand, at))
        case Call("polygamma", (Number(order), argument)):
            return special.polygamma(int(order), value(argument, at))
        case arrange.Function("polygamma", (Number(order), argument)):
            return special.polygamma(int(order), value(argument, at))
        case Call(name, arguments) | arrange.Function(name, arguments):
            return _FUNCTIONS[name](*(value(argument, at) for argument in arguments))
        case Sum(index, body):
            return sum(value(body, inner) for inner in _ranges((index,), at))
        case arrange.Summation(indices, body):
            return sum(value(body, inner) for inner in _ranges(indices, at))
        case Delta(left, right):
            return float(_place(left, at) == _place(right, at))
        case Inverse(matrix, row, column) | arrange.Inverted(matrix, row, column):
            return np.linalg.inv(_tabulated(matrix, at))[_places((row, column), at)]
        case LogDet(matrix) | arrange.Determinant(matrix):
            return np.linalg.slogdet(_tabulated(matrix, at))[1]
        case Apply(_, arguments, indices, slots) | arrange.Applied(_, arguments, indices, slots):
            shown = [float(_tabulated(argument, at).sum()) for argument in arguments]
            where = [_places(places, at) for _, places in slots]
            return 2 + np.sin(
                np.dot(shown, [1, 2][: len(shown)])
                + sum(_places(indices, at))
                + sum(map(sum, where))
            )
    raise TypeError(item)


FREE = {index: 2 for index in (d, h, i, j, k, p, d1, d2)} | {j: 3}


@pytest.mark.parametrize("name", TERMS)
def test_a_display_keeps_the_value(name: str) -> None:
    display = arrange.arrange(name_indices(TERMS[name]))
    np.testing.assert_allclose(value(display, FREE), value(TERMS[name], FREE))


def _random_term(random: Random, depth: int) -> Term:
    """Sums, products, powers, logarithms and exponentials of positive things."""
    if not depth:
        return random.choice(
            [number(random.randint(1, 3)), number(Fraction(1, 2)), pi_, e_, Size("D"), s2, at(A),
             at(SCALAR), at(LAMBDA, h), at(TAU2, h)]
        )  # fmt: skip
    parts = [_random_term(random, depth - 1) for _ in range(random.randint(2, 3))]
    match random.randint(0, 7):
        case 0 | 1:
            return add(*(mul(number(random.choice(["1", "1", "2", "1/2"])), p) for p in parts))
        case 2 | 3:
            return mul(*parts)
        case 4:
            return power(parts[0], number(random.choice(["-2", "-1", "2", "1/2", "-3/2"])))
        case 5:
            half_or_one = number(random.choice(["1", "1/2"]))
            return exp(mul(half_or_one, log(add(number(1), mul(*parts)))))
        case 6:
            return power(add(number(2), exp(negate(parts[0])), negate(exp(negate(parts[1])))), -1)
    logs = [mul(number(random.choice([-1, 1])), log(part)) for part in parts]
    return add(number(1), power(add(number(random.choice([-1, 1])), *logs), 2))


@pytest.mark.parametrize("seed", range(300))
def test_random_terms_keep_their_value_as_display_and_as_text(seed: int) -> None:
    term = _random_term(Random(seed), 3)
    with np.errstate(all="ignore"):
        expected = value(term, FREE)
        assume_finite = np.isfinite(expected)
        if not assume_finite:
            pytest.skip("the random term overflows")
        np.testing.assert_allclose(value(arrange.arrange(term), FREE), expected, rtol=1e-8)
        names = {"PI": np.pi, "e": np.e, "D": SIZES["D"], "exp": np.exp, "log": np.log}
        names |= {"sqrt": np.sqrt, "sigma2": value(s2, FREE), "a": value(at(A), FREE)}
        names |= {"t": value(at(SCALAR), FREE), "h": 1}
        names |= {"lambda_": _values(LAMBDA), "tau2": _values(TAU2)}
        read = eval(print_text(term).replace("lambda", "lambda_"), {}, names)
        np.testing.assert_allclose(read, expected, rtol=1e-8)
    assert print_latex(term).count("{") == print_latex(term).count("}")


# -- the pages -------------------------------------------------------------------------------------

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{amsmath,amsthm}
\usepackage[margin=1in]{geometry}
\allowdisplaybreaks
\begin{document}
"""

LONG_TERMS: dict[str, Term] = {
    "catalogue": add(*(term for name, term in TERMS.items() if "logdet" not in name)),
    "sum-of-many": Sum(
        _0,
        add(
            *(
                mul(power(at(W, _0, h), n), call("tanh", mul(number(n), at(X, _0))))
                for n in range(2, 22)
            )
        ),
    ),
    "coefficient": mul(
        number(Fraction(-1, 2)),
        at(A),
        add(*(call("sigmoid", mul(number(n), linear)) for n in range(2, 9))),
    ),
}


def compile_latex(folder: Path, body: str) -> str:
    """The log of pdflatex for a document of this body; fails on an error."""
    (folder / "page.tex").write_text(PREAMBLE + body + "\n\\end{document}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
    output = run.stdout.decode("latin-1")
    assert run.returncode == 0, output[-3000:]
    return output


needs_pdflatex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed"
)


def in_lines(term: Term) -> list[str]:
    return break_lines(latex_summands(term), LINE_WIDTH, LATEX)


def _display(lines: list[str]) -> str:
    rows = (r" \\" + "\n& \\quad ").join(lines)
    return r"\begin{align}" + f"\nF & = {rows}\n" + r"\end{align}" + "\n"


@needs_pdflatex
def test_every_term_compiles_without_overfull_boxes(tmp_path: Path) -> None:
    terms = TERMS | LONG_TERMS
    log_text = compile_latex(tmp_path, "".join(_display(in_lines(t)) for t in terms.values()))
    assert "Overfull" not in log_text
    assert "Warning" not in log_text


@needs_pdflatex
def test_every_t1_character_compiles(tmp_path: Path) -> None:
    hostile = "".join(map(chr, range(32, 127))) + "".join(sorted(names._T1))
    log_text = compile_latex(tmp_path, r"\raggedright " + " ".join(map(escape_latex, hostile)))
    assert "Warning" not in log_text


@pytest.mark.parametrize("name", LONG_TERMS)
def test_lines_hold_what_the_whole_holds(name: str) -> None:
    lines = in_lines(LONG_TERMS[name])
    assert len(lines) > 1
    assert " ".join(lines).replace("{}", "") == print_latex(LONG_TERMS[name])
    assert all(latex_width(line) <= 36 for line in lines)


def test_arrays() -> None:
    assert latex_array(Array((p,), at(NET, p))) == "w"
    assert latex_array(hidden) == "V z + b"
    assert latex_array(Array((d1,), negate(at(SIGMA2_D, d1)))) == r"-\sigma^{2}"
    assert latex_array(Array((), s2)) == r"\sigma^{2}"
    assert latex_array(Array((_1,), mul(at(PI, _1), log(at(PI, _1))))) == (
        r"(\pi_{h} \log\pi_{h})_{h=1}^{H}"
    )
    assert latex_array(Array((_0, _1), exp(at(W, _0, _1)))) == (r"(e^{W_{dh}})_{d \le D, h \le H}")
    assert print_text(hidden) == "[sum(V[k,h]*z[h] for h in 1:H) + b[k] for k in 1:K]"
    assert print_text(Array((_0, _1), at(W, _0, _1))) == "W"


def test_indices() -> None:
    assert print_latex(Offset(d, -1)) == "d-1"
    assert print_latex(Position(Extent("C", -1))) == "C-1"
    assert (print_latex(h), print_text(h)) == ("h", "h")
    assert print_text(IndexValue(Offset(d, 1))) == "d+1"
    assert print_text(mul(number(2), IndexValue(Offset(d, 1)))) == "2*(d+1)"
