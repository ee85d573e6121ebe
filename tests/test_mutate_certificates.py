"""A sample of the one-token changes of the committed certificates: what is false is rejected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from encoded import certificate_data
from judge import Verdict
from mutate_certificates import OUTPUT, Judge, Mutation, mutations, sweep

import symelbo
from symelbo.checker.check import CHECKED, REJECTED, check_data

STEMS = sorted(path.parent.name for path in OUTPUT.glob("*/certificate.json"))
EVERY = 61  # of the changes, about ten of each certificate


def data_of(stem: str) -> Any:
    return json.loads((OUTPUT / stem / "certificate.json").read_bytes())


@pytest.mark.parametrize("stem", STEMS)
def test_no_false_change_is_accepted(stem: str) -> None:
    tried, _, wrong = sweep(data_of(stem), EVERY, start=len(stem))
    assert tried > 4
    assert [f"{mutation} ({reason})" for mutation, reason in wrong] == []


def test_the_judge_sees_what_is_false() -> None:
    """The checker rejects, and the judge agrees: in what both can say."""
    data = data_of("ppca")
    seen = 0
    for mutation in mutations(data):
        if mutation.path[0] not in ("claims", "sum") or mutation.kind.endswith("without one"):
            continue
        changed = mutation.apply(data)
        try:
            false = any(found is Verdict.FALSE for _, found in Judge().verdicts(changed))
        except (AssertionError, KeyError):
            continue  # it has no meaning
        if false:
            assert check_data(changed).status == REJECTED, str(mutation)
            seen += 1
        if seen == 12:
            break
    assert seen == 12


def test_domains_are_needed() -> None:
    """Without the sign of a variance or a rate an answer is rejected."""
    needed = {"sigma2": ("ppca", "vae1", "linear_vae"), "lambda": ("poisson_mixture",)}
    for name, stems in needed.items():
        for stem in stems:
            data = data_of(stem)
            found = next(n for n in data["symbols"] if n.startswith(name))
            dropped = Mutation("", ("symbols", found, "domain"), "real").apply(data)
            assert check_data(dropped).status == REJECTED, (stem, found)


CONDITIONED: dict[str, Any] = {
    "a variance": {
        "parameters": {"rho": "unit", "w": "real", "v": "positive"},
        "model": ["z ~ Bernoulli(rho)", "x[d] ~ Normal(0, w + z*v) for d in 1:D"],
    },
    "a divisor": {
        "constants": {"w": "real"},
        "parameters": {"v": "real"},
        "model": ["z ~ Bernoulli(1/2)", "x[d] ~ Normal(tanh(w*z + v**3*z), 1) for d in 1:D"],
    },
}


@pytest.mark.parametrize("name", CONDITIONED)
def test_conditions_are_needed(name: str) -> None:
    """Without a condition on an argument, or the term that is not 0, an answer is rejected."""
    source = {"name": name, "sizes": ["D"], "observed": ["x"], "variational": "any"}
    derivation = symelbo.derive({**source, **CONDITIONED[name]})
    data = certificate_data(derivation)
    assert (derivation.verdict, check_data(data).status) == ("proved", CHECKED)
    paths = [
        ("factors", n, "conditions", k)
        for n, factor in enumerate(data["factors"])
        for k in range(len(factor["conditions"]))
    ]
    paths += [("claims", 0, "nonzero", k) for k in range(len(data["claims"][0]["nonzero"]))]
    assert paths
    for path in paths:
        assert check_data(Mutation("", path, Mutation.DROP).apply(data)).status == REJECTED
