"""Data parts taken apart add up to the term; what cannot be is refused; and few digits are lost."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf  # type: ignore[import-untyped]

import symelbo
from symelbo.code.separate_data import Inseparable, Piece, Separation, separate_data
from symelbo.index.build import ONE, add, call, divide, exp, log, mul, number, power, subtract
from symelbo.index.domains import Binary, Positive
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Extent, Index, Role, Sum, Symbol, Term
from symelbo.trial.evaluate import World, evaluate

D = Extent("D")
i, j = Index("i", D), Index("j", D)
x = Symbol("x", Role.OBSERVED, Positive(), (D,))  # data
y = Symbol("y", Role.OBSERVED, Binary(), (D,))
z = Symbol("z", Role.LATENT, Positive(), (D,))  # samples
w = Symbol("w", Role.PARAMETER, Positive(), (D,))
c = Symbol("c", Role.ARGUMENT, Positive(), (D,))  # the centre
DATA, SAMPLES = {x, y}, {z}


def varies(term: Term) -> tuple[bool, bool]:
    symbols = symbols_of(term)
    return not DATA.isdisjoint(symbols), not SAMPLES.isdisjoint(symbols)


def at_centre(term: Term) -> Term:
    centre = Array((i,), Entry(c, (i,)))
    return replace_symbols(term, {x: centre, y: centre})


HOW = Separation(varies, (at_centre, lambda term: subtract(term, at_centre(term))))


def value(term: Term, seed: int) -> float:
    rng = np.random.default_rng(seed)
    entries = {}
    for symbol, place in itertools.product((x, z, w, c), (1, 2, 3)):
        entries[symbol.name, (place,)] = float(rng.uniform(0.5, 2))
    entries |= {("y", (place,)): float(rng.integers(0, 2)) for place in (1, 2, 3)}
    return evaluate(term, World({"D": 3}, entries), {}).value


def whole(pieces: list[Piece]) -> Term:
    parts = []
    for piece in pieces:
        part = mul(piece.data, piece.rest)
        for index in piece.summed:
            part = Sum(index, part)
        parts.append(part)
    return add(*parts)


xi, xj, yi, zi, zj, wi = (
    Entry(s, (k,)) for s, k in ((x, i), (x, j), (y, i), (z, i), (z, j), (w, i))
)
residual = subtract(xi, mul(wi, zi))
SEPARABLE: dict[str, Term] = {
    "normal": Sum(i, divide(power(residual, 2), zi)),
    "fourth power": Sum(i, power(residual, 4)),
    "full normal": Sum(i, Sum(j, mul(zi, zj, residual, subtract(xj, zj)))),
    "poisson": Sum(
        i,
        add(mul(xi, log(mul(wi, zi))), mul(number(-1), zi), mul(number(-1), call("loggamma", xi))),
    ),
    "gamma": Sum(
        i,
        add(
            mul(zi, log(mul(zi, xi))),
            mul(number(-1), zi, xi),
            mul(number(-1), call("loggamma", zi)),
        ),
    ),
    "power in a logarithm": Sum(i, log(power(xi, zi))),
    "bit": Sum(i, subtract(mul(yi, zi), call("softplus", zi))),
    "bit in a function": Sum(i, call("tanh", mul(zi, subtract(yi, number(2))))),
    "sum of sums": add(Sum(i, mul(xi, zi)), Sum(i, mul(yi, zi)), ONE),
    "a sum squared": power(Sum(i, mul(xi, zi)), 2),
    "data and a bit": mul(Sum(i, mul(xi, zi)), Sum(j, Entry(y, (j,)))),
}


@pytest.mark.parametrize("name", SEPARABLE)
def test_pieces_add_up(name: str) -> None:
    term = SEPARABLE[name]
    pieces = separate_data(term, HOW)
    for piece in pieces:
        assert not varies(piece.data)[1] and not varies(piece.rest)[0]
    assert sum(piece.data == ONE for piece in pieces) <= 1
    for seed in range(3):
        assert np.isclose(value(whole(pieces), seed), value(term, seed), rtol=1e-12)


@pytest.mark.parametrize(
    "term",
    [
        Sum(i, exp(mul(xi, zi))),
        Sum(i, call("abs", residual)),
        Sum(i, log(add(xi, zi))),
        Sum(i, power(residual, 5)),
        Sum(i, power(xi, zi)),
    ],
)
def test_what_cannot_be_taken_apart(term: Term) -> None:
    with pytest.raises(Inseparable):
        separate_data(term, HOW)


def test_a_bit_is_taken_by_its_two_values() -> None:
    (rest, one) = separate_data(subtract(mul(yi, zi), call("softplus", zi)), HOW)
    assert (rest.data, rest.rest) == (ONE, mul(number(-1), call("softplus", zi)))
    assert (one.data, one.rest) == (yi, zi)


# ---------------------------------------------------------------- digits


def mixture(family: str, **parameters: str) -> Any:
    arguments = ", ".join(f"{name}[c]" for name in parameters)
    return symelbo.derive(
        {
            "name": family,
            "sizes": ["C"],
            "parameters": {"pi": "simplex[C]", **parameters},
            "model": ["c ~ Categorical(pi)", f"x ~ {family}({arguments})"],
            "observed": ["x"],
        }
    ).function()


def exactly(log_density: Any, xs: Any, pi: Any, q: Any) -> float:
    """The ELBO of a mixture in 60 digits"""
    with mp.workdps(60):
        total = mpf(0)
        for n, row in enumerate(q):
            for k, share in enumerate(row):
                if share:
                    share = mpf(float(share))
                    total += share * (mp.log(mpf(pi[k])) - mp.log(share))
                    total += share * log_density(mpf(float(xs[n])), k)
        return float(total / len(q))


PI = [0.25, 0.75]


def responsibilities(length: int) -> Any:
    q = np.random.default_rng(5).dirichlet([1, 1], length)
    q[0] = [0, 1]
    return q


@pytest.mark.parametrize(("shift", "digits"), [(1e0, 1e-13), (1e3, 1e-10), (1e6, 1e-4)])
def test_components_far_away(shift: float, digits: float) -> None:
    """About 2 log10(k) digits are lost k standard deviations away from the centre of the data."""
    mu, v = [0.3, shift], [1.0, 0.5]
    xs = np.random.default_rng(1).normal(size=9) + np.where(np.arange(9) % 2, shift, 0.0)
    q = np.where(np.arange(9)[:, None] % 2 == [[0, 1]], 1e-12, 1 - 1e-12)

    def density(value: mpf, k: int) -> mpf:
        return -mp.log(2 * mp.pi * mpf(v[k])) / 2 - (value - mpf(mu[k])) ** 2 / (2 * mpf(v[k]))

    wanted = exactly(density, xs, PI, q)
    found = mixture("Normal", mu="real[C]", v="positive[C]").elbo(x=xs, pi=PI, mu=mu, v=v, q=q)
    assert abs(found - wanted) <= digits * abs(wanted)


def test_data_far_from_zero() -> None:
    mu, v = [1e8, 1e8 + 2], [1.0, 0.5]
    xs = np.round(np.random.default_rng(1).normal(size=9) * 8) / 8 + 1e8
    q = responsibilities(9)

    def density(value: mpf, k: int) -> mpf:
        return -mp.log(2 * mp.pi * mpf(v[k])) / 2 - (value - mpf(mu[k])) ** 2 / (2 * mpf(v[k]))

    wanted = exactly(density, xs, PI, q)
    found = mixture("Normal", mu="real[C]", v="positive[C]").elbo(x=xs, pi=PI, mu=mu, v=v, q=q)
    assert np.isclose(found, wanted, rtol=1e-13)


@pytest.mark.parametrize(("size", "digits"), [(1e2, 1e-13), (1e6, 1e-8), (1e10, 1e-4)])
def test_large_counts(size: float, digits: float) -> None:
    """What loggamma of the counts loses: 1e-16 of size log(size)"""
    rates = [size, size + np.sqrt(size)]
    xs = np.random.default_rng(2).poisson(size, 9).astype(float)
    q = responsibilities(9)

    def density(value: mpf, k: int) -> mpf:
        return value * mp.log(mpf(rates[k])) - mpf(rates[k]) - mp.loggamma(value + 1)

    wanted = exactly(density, xs, PI, q)
    found = mixture("Poisson", rate="positive[C]").elbo(x=xs, pi=PI, rate=rates, q=q)
    assert abs(found - wanted) <= digits * abs(wanted)


@pytest.mark.parametrize(("shape", "digits"), [(1e2, 1e-13), (1e5, 1e-10), (1e8, 1e-7)])
def test_large_shapes(shape: float, digits: float) -> None:
    alpha, beta = [shape, 1.5 * shape], [shape / 2, 0.75 * shape]
    xs = 2 + 4 * np.random.default_rng(3).normal(size=9) / np.sqrt(shape)
    q = responsibilities(9)

    def density(value: mpf, k: int) -> mpf:
        a, b = mpf(alpha[k]), mpf(beta[k])
        return a * mp.log(b) + (a - 1) * mp.log(value) - b * value - mp.loggamma(a)

    wanted = exactly(density, xs, PI, q)
    emitted = mixture("Gamma", alpha="positive[C]", beta="positive[C]")
    found = emitted.elbo(x=xs, pi=PI, alpha=alpha, beta=beta, q=q)
    assert abs(found - wanted) <= digits * abs(wanted)


def test_constant_data_are_their_own_centre() -> None:
    emitted = mixture("Normal", mu="real[C]", v="positive[C]")
    xs, mu, v = np.full(4, 7.0), [7.0, 8.0], [1.0, 2.0]
    q = np.array([[0.5, 0.5]] * 4)
    wanted = exactly(
        lambda value, k: -mp.log(2 * mp.pi * v[k]) / 2 - (value - mu[k]) ** 2 / (2 * v[k]),
        xs,
        PI,
        q,
    )
    assert np.isclose(emitted.elbo(x=xs, pi=PI, mu=mu, v=v, q=q), wanted, rtol=1e-14)
