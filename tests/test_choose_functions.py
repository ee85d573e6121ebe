"""The functions that stand for abstract ones in a refutation are generic in their arguments."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import flint
import pytest

import symelbo
from symelbo.criterion.choose_functions import interpretations
from symelbo.criterion.confirm import confirm_refutation
from symelbo.criterion.factor import make_factor
from symelbo.criterion.result import Refuted
from symelbo.index.build import total
from symelbo.index.concretize import index_tuples
from symelbo.index.interpret import interpret_functions
from symelbo.index.modular import PRIME, Modular
from symelbo.index.solve import formal_indices
from symelbo.index.terms import Array, Entry, Index
from symelbo.model.read_model import read_model
from symelbo.notation.print_text import print_text


def spec(
    model: list[str], parameters: dict[str, str], functions: dict[str, str], sizes: str = ""
) -> dict[str, Any]:
    return {
        "name": "abstract",
        "sizes": sizes.split(),
        "parameters": parameters,
        "functions": functions,
        "model": model,
        "observed": [line[0] for line in model if line[0] in "xy"],
    }


def slopes(
    given: dict[str, Any], sizes: dict[str, int], choice: int
) -> tuple[list[list[int]], int]:
    """The slopes of all means by all entries of the parameters, at every value of binary latents;
    and the number of those entries.
    """
    model = read_model(given)
    factors = [make_factor(s) for s in model.statements if s.node not in set(model.latents)]
    factors = [factor for factor in factors if factor.node.name in given["observed"]]
    meaning = interpretations(factors)[choice](sizes)
    columns = [
        (symbol.name, at)
        for symbol in model.parameters
        for at in index_tuples(formal_indices(symbol.shape), sizes)
    ]
    entries = {
        at: Modular.rational(Fraction(3 * n + 2, 7))._replace(gradient={n: 1})
        for n, at in enumerate(columns)
    }
    latents = [
        (statement.node.name, at)
        for statement in model.latents
        for at in index_tuples(formal_indices(statement.node.shape), sizes)
    ]
    rows = []
    for bits in product((0, 1), repeat=len(latents)):
        entries.update(
            {at: Modular.rational(Fraction(b)) for at, b in zip(latents, bits, strict=True)}
        )
        machine = Modular(sizes, entries, 1)
        for factor in factors:
            mean = interpret_functions(factor.statement.arguments[0][1].body, meaning)
            for place in index_tuples(factor.plates, sizes):
                found = machine.term(mean, dict(zip(factor.plates, place, strict=True)))
                rows.append([found.slopes.get(n, 0) for n in range(len(columns))])
    return rows, len(columns)


Z = "z[h] ~ Bernoulli(0.5) for h in 1:H"
X = "x[d] ~ Normal(m({})[d], 1) for d in 1:D"
GENERIC: dict[str, tuple[dict[str, Any], list[dict[str, int]]]] = {
    "a scalar": (
        spec([Z, X.format("z, w")], {"w": "real"}, {"m": "real[D]"}, "D H"),
        [{"D": 1, "H": 1}, {"D": 2, "H": 2}],
    ),
    "an array": (
        spec([Z, X.format("z, w")], {"w": "real[P]"}, {"m": "real[D]"}, "D H P"),
        [
            {"D": d, "H": h, "P": p}
            for d, h, p in [
                (1, 1, 1),
                (1, 1, 2),
                (1, 1, 3),
                (2, 1, 3),
                (3, 1, 5),
                (1, 3, 8),
                (2, 2, 7),
            ]
        ],
    ),
    "several arrays": (
        spec(
            [Z, X.format("z, w, V, b")],
            {"w": "real[P]", "V": "real[P, D]", "b": "real"},
            {"m": "real[D]"},
            "D H P",
        ),
        [{"D": 1, "H": 2, "P": 1}, {"D": 2, "H": 2, "P": 1}, {"D": 2, "H": 1, "P": 2}],
    ),
    "no latent": (
        spec([X.format("w")], {"w": "real[P]"}, {"m": "real[D]"}, "D P"),
        [{"D": 1, "P": 3}, {"D": 3, "P": 2}, {"D": 4, "P": 4}],
    ),
    "a layer before": (
        spec(
            [
                Z,
                "a[k] = sum(W[k,h]*z[h] for h in 1:H) + b[k] for k in 1:K",
                X.format("a, w"),
            ],
            {"W": "real[K, H]", "b": "real[K]", "w": "real"},
            {"m": "real[D]"},
            "D H K",
        ),
        [{"D": 1, "H": 1, "K": 1}, {"D": 3, "H": 1, "K": 3}, {"D": 2, "H": 2, "K": 2}],
    ),
    "two functions of the same": (
        spec(
            [Z, X.format("z, w"), "y[d] ~ Normal(v(z, w)[d], 1) for d in 1:D"],
            {"w": "real[P]"},
            {"m": "real[D]", "v": "real[D]"},
            "D H P",
        ),
        [{"D": 1, "H": 1, "P": 4}, {"D": 2, "H": 1, "P": 7}],
    ),
    "arguments of either kind": (
        spec(
            [Z, "x ~ Normal(m(z[1], w), 1)", "y ~ Normal(m(u, z[1]), 1)"],
            {"w": "real", "u": "real"},
            {"m": "real"},
            "H",
        ),
        [{"H": 1}],
    ),
}


@pytest.mark.parametrize("choice", [0, 1])
@pytest.mark.parametrize("name", GENERIC)
def test_slopes_are_as_independent_as_those_of_any_function(name: str, choice: int) -> None:
    given, instances = GENERIC[name]
    for sizes in instances:
        rows, count = slopes(given, sizes, choice)
        rank = flint.nmod_mat(len(rows), count, [x for row in rows for x in row], PRIME).rank()
        assert rank == min(len(rows), count), sizes


@pytest.mark.parametrize(
    ("latents", "places", "slopes", "verdicts"),
    [
        # as many values of m as slopes by w: w moves m as it likes, whatever m is
        (1, 1, 2, {"undecided", "proved"}),
        (1, 1, 3, {"undecided", "proved"}),
        (1, 2, 4, {"undecided", "proved"}),
        (2, 1, 4, {"undecided", "proved"}),
        # more values: it cannot
        (1, 1, 1, {"refuted"}),
        (1, 2, 2, {"refuted"}),
        (2, 1, 1, {"refuted"}),
        (2, 1, 2, {"refuted"}),
        (2, 2, 3, {"refuted"}),
    ],
)
def test_an_array_of_parameters_is_known_by_its_entries(
    latents: int, places: int, slopes: int, verdicts: set[str]
) -> None:
    given = spec(
        [
            f"z[h] ~ Bernoulli(rho) for h in 1:{latents}",
            f"x[d] ~ Poisson(log_rate=m(z, w)[d]) for d in 1:{places}",
        ],
        {"rho": "unit", "w": f"real[{slopes}]"},
        {"m": f"real[{places}]"},
    )
    assert symelbo.derive(given).verdict in verdicts


def test_what_moves_two_functions_together_refutes_neither() -> None:
    """Two values of z, two functions of them: four slopes, and w has four entries."""
    model = ["z ~ Bernoulli(rho)", "x ~ Normal(m(z, w), exp(v(z, w)))"]
    functions = {"m": "real", "v": "real"}
    for slopes, verdicts in ((4, {"undecided", "proved"}), (2, {"refuted"})):
        given = spec(model, {"rho": "unit", "w": f"real[{slopes}]"}, functions)
        assert symelbo.derive(given).verdict in verdicts, slopes


def test_the_function_that_is_printed_is_the_one_that_was_checked() -> None:
    """With its sums over long axes, whose index is an exponent; and no other one in its place."""
    given = spec(
        [
            "z[h] ~ Bernoulli(pi[h]) for h in 1:5",
            "x[d] ~ Bernoulli(logit=m(z, w)[d]) for d in 1:2",
        ],
        {"pi": "unit[5]", "w": "real[4]"},
        {"m": "real[2]"},
    )
    derivation = symelbo.derive(given)
    (result,) = (f.result for f in derivation.factors if isinstance(f.result, Refuted))
    certificate = result.certificate
    assert certificate is not None
    ((function, formals, array),) = certificate.functions
    printed = print_text(array)
    assert "**j*" in printed and "for j in 1:4" in printed
    assert printed in " ".join(derivation.summary().split())
    assert confirm_refutation(certificate, result.factors) == []
    flat = Array(
        array.indices,
        total(
            Index("q", formals[1].shape[0]), Entry(formals[1], (Index("q", formals[1].shape[0]),))
        ),
    )
    other = replace(certificate, functions=((function, formals, flat),))
    assert confirm_refutation(other, result.factors)
