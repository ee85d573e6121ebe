"""q of chains: which models have one, and what its marginals give."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symelbo
from symelbo.code.chain_of_q import find_chain
from symelbo.code.local_moments import declared_covariance, reads_related_places, spread_of
from symelbo.code.moments_of_q import find_moments_of_q
from symelbo.code.plan import Unsupported
from symelbo.index.build import add, mul, power, total
from symelbo.index.domains import Real
from symelbo.index.terms import Entry, Extent, Index, Offset, Position, Role, Symbol, Term
from symelbo.trial.evaluate import World, evaluate

ROOT = Path(__file__).resolve().parents[1]
T, K = Extent("T"), Extent("K")
PAST = {"s0": "positive", "s2": "positive", "w": "real"}


def chain_of(*model: str, **changed: Any) -> list[str]:
    spec = {
        "name": "Chain",
        "sizes": ["T"],
        "parameters": PAST,
        "model": list(model),
        "observed": ["x"],
        **changed,
    }
    chain = find_chain(symelbo.derive(spec).model)
    return [] if chain is None else [symbol.name for symbol in chain.symbols]


START, NOISE = "z[1] ~ Normal(0, s0)", "x[t] ~ Normal(z[t], s2) for t in 1:T"
STEP = "z[t] ~ Normal(w*z[t-1], s2) for t in 2:T"


def test_chains_of_models() -> None:
    found = {}
    for path in sorted((ROOT / "models").glob("*.yaml")):
        chain = find_chain(symelbo.derive(path).model)
        if chain is not None:
            found[path.stem] = [symbol.name for symbol in chain.symbols]
    assert found == {
        "hidden_markov": ["gamma", "xi"],
        "linear_dynamical_system": ["mean_z", "cov_z", "lag_cov_z"],
    }


@pytest.mark.parametrize(
    ("model", "changed"),
    [
        ((START, STEP, NOISE), {"variational": ["z[t] ~ Normal(m[t], v[t]) for t in 1:T"]}),
        (("z[t] ~ Normal(0, s0) for t in 1:T", NOISE), {}),  # no two are read together
        ((START, "z[t] ~ Normal(tanh(z[t-1]), s2) for t in 2:T", NOISE), {}),
        ((START, STEP, "x ~ Normal(sum(z[t] for t in 1:T), s2)"), {}),
        ((START, STEP, "x ~ Normal(w*z[1] + z[T], s2)"), {}),
        (
            (
                START,
                "z[2] ~ Normal(0, s0)",
                "z[t] ~ Normal(w*z[t-2], s2) for t in 3:T",
                NOISE,
            ),
            {},
        ),
        ((START, STEP, NOISE, "y ~ Normal(0, s0)", "v ~ Normal(y, s2)"), {"observed": ["x", "v"]}),
    ],
)
def test_what_is_no_chain(model: tuple[str, ...], changed: dict[str, Any]) -> None:
    assert chain_of(*model, **changed) == []


def test_a_chain_written_forwards_or_backwards() -> None:
    forwards = "z[t+1] ~ Normal(w*z[t], s2) for t in 1:T-1"
    assert chain_of(START, forwards, NOISE) == ["mean_z", "cov_z", "lag_cov_z"]
    assert chain_of(START, STEP, NOISE) == ["mean_z", "cov_z", "lag_cov_z"]


def test_covariances_of_steps_that_are_no_neighbours_are_not_known() -> None:
    spec = {
        "name": "Chain",
        "sizes": ["T"],
        "parameters": PAST,
        "model": [START, STEP, NOISE],
        "observed": ["x"],
    }
    chain = find_chain(symelbo.derive(spec).model)
    assert chain is not None
    t = Index("t", T)
    assert chain.covariance((t, t)).body == Entry(chain.symbols[1], (t,))
    pair = Entry(chain.pair, (Offset(t, -1),))
    assert chain.covariance((t, Offset(t, -1))).body == pair
    assert chain.covariance((Offset(t, -1), t)).body == pair
    for steps in ((t, Offset(t, -2)), (t, Position(Extent(None, 1)))):
        with pytest.raises(Unsupported):
            chain.covariance(steps)


# ---------------------------------------------------------------- spreads


def number_of(term: Term, values: dict[str, Any], length: int) -> float:
    entries = {
        (name, tuple(place + 1 for place in where)): float(value)
        for name, array in values.items()
        for where, value in np.ndenumerate(array)
    }
    return evaluate(term, World({"T": length}, entries)).value


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_the_spread_of_a_sum_over_neighbours(length: int) -> None:
    """E f - f(E z) for sum_t (z[t] + w z[t-1])**2 + (sum_t z[t])**2, with a full covariance"""
    z, w = Symbol("z", Role.LATENT, Real(), (T,)), Symbol("w", Role.PARAMETER, Real())
    t, u, later = Index("t", T), Index("u", T), Index("t", T, 2)
    step = add(Entry(z, (later,)), mul(Entry(w), Entry(z, (Offset(later, -1),))))
    term = add(total(later, power(step, 2)), power(total(u, Entry(z, (u,))), 2))
    assert reads_related_places(term, frozenset((z,)))
    assert not reads_related_places(total(t, power(Entry(z, (t,)), 2)), frozenset((z,)))
    cov = Symbol("S", Role.VARIATIONAL, Real(), (T, T))
    found = spread_of(term, frozenset((z,)), lambda _, rows, columns: Entry(cov, (*rows, *columns)))
    rng = np.random.default_rng(length)
    root = rng.normal(size=(length, length))
    S, slope = root @ root.T, 0.7
    got = number_of(found, {"S": S, "w": np.asarray(slope)}, length)
    bands = np.eye(length)[1:] + slope * np.eye(length)[:-1]
    wanted = np.trace(bands @ S @ bands.T) + S.sum()
    assert got == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("length", [1, 2, 4])
def test_places_of_a_declared_q_are_independent(length: int) -> None:
    spec = {
        "name": "Chain",
        "sizes": ["T"],
        "parameters": PAST,
        "model": [START, STEP, NOISE],
        "observed": ["x"],
        "variational": ["z[t] ~ Normal(m[t], v[t]) for t in 1:T"],
    }
    moments = find_moments_of_q(symelbo.derive(spec).model)
    assert moments is not None
    ((z, _),) = moments.covariances
    covariance = declared_covariance(dict(moments.covariances))
    v = np.arange(1.0, length + 1)
    for one, other in itertools.product(range(1, length + 1), repeat=2):
        places = [(Position(Extent(None, p)),) for p in (one, other)]
        found = number_of(covariance(z, *places), {"v": v}, length)
        assert found == (v[one - 1] if one == other else 0.0)
