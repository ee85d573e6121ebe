"""The JSON Schema agrees with the reader on every key."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from symelbo.errors import SpecError
from symelbo.model.read_model import KEYS, read_model
from symelbo.model.schema import spec_schema

GOOD: dict[str, Any] = {
    "name": "Good",
    "reference": "Someone (2025)",
    "description": "Two lines\nof text.",
    "sizes": ["D", "H"],
    "parameters": {"W": "real[D, H]", "s": "positive", "S": "posdef[D, D]"},
    "constants": {"c": "real"},
    "functions": {"m": "real[D]"},
    "inputs": {"u": "real[H]"},
    "families": {
        "Mine": {
            "value": "v",
            "support": "0..oo",
            "parameters": {"a": "positive"},
            "log_density": "log(a) - a*v",
        },
        "F": {"abstract": True, "parameters": {"t": "real[D]"}, "base_measure": "constant"},
    },
    "model": ["z[h] ~ Normal(u[h], s) for h in 1:H", "x[d] ~ Normal(m(z)[d], c^2+1) for d in 1:D"],
    "observed": ["x"],
    "variational": ["z[h] ~ Normal(nu[h], t[h]) for h in 1:H"],
    "reparameterize": "never",
}


def is_valid(source: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(spec_schema()).is_valid(source))


def test_the_schema_is_a_schema_and_describes_every_key() -> None:
    schema = spec_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert tuple(schema["properties"]) == KEYS
    assert all(value["description"] for value in schema["properties"].values())


def test_a_good_specification_passes_both() -> None:
    assert is_valid(GOOD)
    model = read_model(GOOD)
    assert is_valid(dict(model.normalized))


@pytest.mark.parametrize(
    "change",
    [
        {"nam": "x"},
        {"name": ""},
        {"name": "x" * 201},
        {"sizes": ["for"]},
        {"sizes": {"D": 1}},
        {"parameters": {"W": "rael[D]"}},
        {"parameters": {"W": "simplex"}},
        {"parameters": ["W"]},
        {"parameters": {"2W": "real"}},
        {"model": "x ~ Normal(0, 1)"},
        {"model": ["x"]},
        {"observed": [["x"]]},
        {"variational": "exakt"},
        {"reparameterize": "always"},
        {"families": {"Mine": {"value": "v", "parameters": {"a": "real"}}}},
        {"families": {"F": {"abstract": True, "parameters": {}, "log_density": "0"}}},
        {
            "families": {
                "F": {"abstract": True, "parameters": {"a": "real"}, "base_measure": "some"}
            }
        },
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(change: dict[str, Any]) -> None:
    source = {**GOOD, **change}
    assert not is_valid(source)
    with pytest.raises(SpecError):
        read_model(source)


@pytest.mark.parametrize("key", ["name", "model", "observed"])
def test_required_keys(key: str) -> None:
    source = {name: value for name, value in GOOD.items() if name != key}
    assert not is_valid(source)
    with pytest.raises(SpecError):
        read_model(source)
