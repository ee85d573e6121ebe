"""The sigmoid belief nets of Section 2, as the paper prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy import exp, log

from paper.case import Case, Check, Draw, make_case
from paper.point import Point, Values, Vector


def sigmoid(a: Any) -> Any:
    return 1 / (1 + exp(-a))


def bernoulli(v: Any, p: Any) -> Any:
    """prod Bern(v; p), Bern(z; pi) = pi^z (1 - pi)^(1 - z)"""
    return np.prod(p**v * (1 - p) ** (1 - v))


def binary(n: int) -> list[Vector]:
    """{0, 1}^n"""
    return [np.array(bits, dtype=float) for bits in product((0, 1), repeat=n)]


def bernoulli_entropy(p: Vector) -> float:
    """-sum_v p(v) log p(v) over all states, by definition."""
    masses = np.array([bernoulli(v, p) for v in binary(len(p))])
    return float(-np.sum(masses * log(masses)))


def belief_net(draw: Draw) -> Case:
    """Definition 2."""
    sizes, rng = draw.sizes("H", "D"), draw.rng
    H, D = sizes["H"], sizes["D"]
    zs, xs = binary(H), [rng.integers(0, 2, D).astype(float) for _ in range(4)]
    parameters = {
        "pi": rng.uniform(0.1, 0.9, H),
        "W": rng.normal(size=(D, H)),
        "mu": rng.normal(size=D),
    }

    def log_prior(v: Values) -> Any:
        return np.array([log(bernoulli(z, v["pi"])) for z in zs])

    def log_likelihood(v: Values) -> Any:
        means = [sigmoid(v["W"] @ z + v["mu"]) for z in zs]
        return np.array([[log(bernoulli(x, p)) for p in means] for x in xs])

    def entropies(v: Values) -> dict[str, Vector]:
        return {
            "z": np.full(len(zs), bernoulli_entropy(v["pi"])),
            "x": np.array([bernoulli_entropy(sigmoid(v["W"] @ z + v["mu"])) for z in zs]),
        }

    return make_case(
        "sbn",
        sizes,
        parameters,
        [{"z": z} for z in zs],
        [{"x": x} for x in xs],
        rng,
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        entropies=entropies,
    )


def deep_belief_net(draw: Draw) -> Case:
    """Eqns 18 to 20."""
    sizes, rng = draw.sizes("H", "I", "D"), draw.rng
    H, I, D = sizes["H"], sizes["I"], sizes["D"]
    states = list(product(binary(H), binary(I)))
    xs = [rng.integers(0, 2, D).astype(float) for _ in range(3)]
    parameters = {
        "pi": rng.uniform(0.1, 0.9, H),
        "M": rng.normal(size=(I, H)),
        "nu": rng.normal(size=I),
        "W": rng.normal(size=(D, I)),
        "mu": rng.normal(size=D),
    }

    def log_prior(v: Values) -> Any:
        return np.array(
            [
                log(bernoulli(z, v["pi"])) + log(bernoulli(y, sigmoid(v["M"] @ z + v["nu"])))
                for z, y in states
            ]
        )

    def log_likelihood(v: Values) -> Any:
        means = [sigmoid(v["W"] @ y + v["mu"]) for _, y in states]
        return np.array([[log(bernoulli(x, p)) for p in means] for x in xs])

    def entropies(v: Values) -> dict[str, Vector]:
        return {
            "z": np.full(len(states), bernoulli_entropy(v["pi"])),
            "y": np.array([bernoulli_entropy(sigmoid(v["M"] @ z + v["nu"])) for z, _ in states]),
            "x": np.array([bernoulli_entropy(sigmoid(v["W"] @ y + v["mu"])) for _, y in states]),
        }

    return make_case(
        "sbn_deep",
        sizes,
        parameters,
        [{"z": z, "y": y} for z, y in states],
        [{"x": x} for x in xs],
        rng,
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        entropies=entropies,
    )


def sums(case: Case) -> Iterator[Check]:
    """The entropies and their sum, as printed and as derived; the theorem through the identity."""
    for node in case.entropies(case.parameters):
        yield f"entropy of {node}", case.printed_entropy(node), case.derived_entropy(node)
    yield "entropy sum", case.printed_sum(), case.derived_sum() - case.derived_bases()
    yield from case.identity()


def bernoulli_layer(case: Case, node: str, logits: Callable[[Point], Any]) -> Iterator[Check]:
    """A layer's derived exponential family is the printed product of Bernoulli distributions."""
    for point in case.points():
        printed = bernoulli(point.values[node], sigmoid(logits(point)))
        yield f"p({node})", printed, exp(point.log_density(node))


def columns_of_paper(point: Point) -> list[int]:
    """W[d, h] row by row, then mu -> w_1 ... w_H, mu (Eqn 11)."""
    H, D = point.sizes["H"], point.sizes["D"]
    return [d * H + h for h in range(H) for d in range(D)] + [H * D + d for d in range(D)]
