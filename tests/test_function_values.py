"""Abstract functions by their values: which arrays there are, and where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import symelbo
from symelbo.code.function_values import FunctionValues
from symelbo.code.plan import Unsupported
from symelbo.criterion.motion import Motion
from symelbo.index.build import ZERO, add, number
from symelbo.index.substitute import symbols_of, walk_parts
from symelbo.index.terms import Apply, Array, Entry, Index, Offset, Role

ROOT = Path(__file__).resolve().parents[1]


PAIR = ("z[d] ~ Normal(0, s2) for d in 1:D", "x[d] ~ Normal(f(z, w)[d], s2) for d in 1:D")


def values_of(*model: str, **changed: Any) -> FunctionValues:
    spec = {
        "name": "Networks",
        "sizes": ["D", "T"],
        "parameters": {"w": "real", "v": "real[D]", "s2": "positive"},
        "inputs": {"u": "real[D]"},
        "functions": {"f": "real[D]"},
        "model": list(model),
        "observed": ["x"],
        **changed,
    }
    return FunctionValues(symelbo.derive(spec).model)


def shown(values: FunctionValues) -> dict[str, tuple[str, str, str]]:
    return {
        symbol.name: (text, symbol.role.value, ",".join(map(str, symbol.shape)))
        for symbol, text in values.shown.items()
    }


def test_one_array_where_a_function_has_one_argument() -> None:
    values = values_of(*PAIR)
    assert shown(values) == {"f": ("f(z, w)", "latent", "D")}
    (symbol,) = values.shown
    assert values.reads(symbol) == (False, True)


def test_one_array_for_each_of_its_arguments() -> None:
    values = values_of(
        "z[d] ~ Normal(0, s2) for d in 1:D",
        "a[d] = w*z[d] for d in 1:D",
        "x[d] ~ Normal(f(a, w)[d] + f(u, w)[d]*f(v, w)[d], s2) for d in 1:D",
        "y[d] ~ Normal(f(a, w)[d], s2) for d in 1:D",
        observed=["x", "y"],
    )
    found = shown(values)
    assert {text: role for text, role, _ in found.values()} == {
        "f(a, w)": "latent",
        "f(u, w)": "input",
        "f(v, w)": "constant",
    }
    assert [values.reads(symbol) for symbol in values.shown].count((False, True)) == 1


def test_an_axis_for_each_place_of_the_arguments() -> None:
    """f(z[t-1]) for t in 2:T has T-1 places, and at t stands in place t-1."""
    values = values_of(
        "z[1, d] ~ Normal(0, s2) for d in 1:D",
        "b[t, d] = z[t-1, d] for t in 2:T, d in 1:D",
        "z[t, d] ~ Normal(f(b[t])[d], s2) for t in 2:T, d in 1:D",
        "x[t, d] ~ Normal(z[t, d], s2) for t in 1:T, d in 1:D",
    )
    (shape,) = (shape for _, _, shape in shown(values).values())
    assert shape == "T-1,D"
    for statement in values.model.statements:
        for _, array in statement.arguments:
            for part in walk_parts(array.body):
                if isinstance(part, Apply):
                    entry = values.replace(part)
                    assert isinstance(entry, Entry)
                    place = entry.indices[0]
                    assert isinstance(place, Offset) and place.by == -1


def test_what_has_no_values() -> None:
    values = values_of(*PAIR)
    ((function, (first, second)),) = values.known
    d = Index("d", function.shape[0])
    assert values.replace(add(number(1), Entry(values.model.inputs[0], (d,)))) != ZERO
    other = Apply(function, (first, Array((), number(2))), (d,))
    slope = Apply(function, (first, second), (d,), ((1, ()),))
    for term in (other, slope):
        with pytest.raises(Unsupported):
            values.replace(term)


@pytest.mark.parametrize("stem", ["vae1", "vae2", "vae3", "vae_laplace", "vae_bernoulli"])
def test_the_motion_moves_nothing_inside_a_function(stem: str) -> None:
    derivation = symelbo.derive(ROOT / "models" / f"{stem}.yaml")
    values = FunctionValues(derivation.model)
    assert values.stand_still(derivation.motion)
    latents = {s for _, arrays in values.known for a in arrays for s in symbols_of(a)}
    if derivation.motion.latents and any(s.role is Role.LATENT for s in latents):
        alone = Motion(latents=derivation.motion.latents)
        assert not values.stand_still(alone)
