"""The words of the text notation can never be read as names of the model."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from typing import Any

import pytest

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.index.build import add, call, mul, power
from symelbo.index.domains import Real
from symelbo.index.terms import (
    Apply,
    Array,
    Constant,
    Delta,
    Entry,
    Extent,
    Index,
    Inverse,
    LogDet,
    Position,
    Role,
    Symbol,
)
from symelbo.notation.print_text import TextNotation
from symelbo.page.derivation_json import derivation_data
from symelbo.page.summary import render_summary, sum_text

# What the notation has of its own that a model may take as a name: functions and derivatives, and,
# where sums and motions are written, averages, the entropy of q, the ELBO and a base measure.
OWN_WORDS = frozenset(
    {
        *("e", "psi", "polygamma", "cos", "sin", "besselratio", "logbesseli0"),
        *("delta", "inv", "logdet", "D"),
        *("mean", "E_q", "H", "q", "F", "d", "ds", "h"),
    }
)

OTHER = "zz"  # a name that is no word of the notation, nor sorted before one


def models(name: str) -> dict[str, dict[str, Any]]:
    """Models that use a name, whose answers use the words."""
    return {
        "a rate": {
            "name": "words",
            "sizes": ["K"],
            "parameters": {"a": "positive", name: "positive", "v": "positive", "w": "real"},
            "model": [
                f"z[k] ~ Gamma(a, {name}) for k in 1:K",
                "x ~ Normal(w*sum(z[k] for k in 1:K), v)",
            ],
            "observed": ["x"],
        },
        "a variance": {
            "name": "words",
            "parameters": {name: "positive", "w": "real"},
            "functions": {"m": "real"},
            "model": ["z ~ Normal(0, 1)", f"x ~ Normal(m(w*z), {name})"],
            "observed": ["x"],
        },
        "a latent": {
            "name": "words",
            "parameters": {"w": "real", "b": "real"},
            "model": [f"{name} ~ Normal(0, 1)", f"x ~ Poisson(log_rate=w*{name} + b)"],
            "observed": ["x"],
        },
        "a weight": {
            "name": "words",
            "parameters": {name: "real[2]", "v": "positive"},
            "model": [
                "z[k] ~ Normal(0, 1) for k in 1:2",
                f"x ~ Normal(sum({name}[k]*z[k] for k in 1:2), v)",
            ],
            "observed": ["x"],
            "variational": "exact",
        },
    }


def tokens(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_][A-Za-z0-9_]*|[^\sA-Za-z_]+", text)


def formulas(derivation: Derivation) -> list[str]:
    """Every formula in text: of the sum, of derivation.json, and of the terminal."""
    found = [sum_text(derivation)]

    def collect(data: Any) -> None:
        if isinstance(data, dict):
            if {"latex", "text"} <= data.keys():
                found.append(data["text"])
            for value in data.values():
                collect(value)
        elif isinstance(data, list):
            for value in data:
                collect(value)

    collect(json.loads(json.dumps(derivation_data(derivation))))
    lines = render_summary(derivation, width=10_000).splitlines()
    found += [line for line in lines if re.match(r"  _?F = |  along  |        ", line)]
    return found


@cache
def counted(kind: str, name: str) -> Counter[str]:
    texts = formulas(symelbo.derive(models(name)[kind]))
    return Counter(token for text in texts for token in tokens(text))


@pytest.mark.parametrize("name", sorted(OWN_WORDS - {"h"}))  # an index may be called h as well
@pytest.mark.parametrize("kind", models(OTHER))
def test_a_word_that_is_a_name_has_an_underscore(kind: str, name: str) -> None:
    """Everywhere where the twin that calls it otherwise has the word."""
    expected = Counter[str]()
    for token, count in counted(kind, OTHER).items():
        expected[{name: f"_{name}", OTHER: name}.get(token, token)] += count
    shown = counted(kind, name)
    letters = {t for t in shown | expected if re.match("[A-Za-z_]", t)}
    assert {t: shown[t] for t in letters} == {t: expected[t] for t in letters}


def test_a_base_measure_beside_a_name_h() -> None:
    model = models("h")["a latent"]
    assert "log _h = " in render_summary(symelbo.derive(model))


def test_the_words_are_used_and_marked() -> None:
    """So that the test above compares something."""
    texts = "\n".join(formulas(symelbo.derive(models("e")["a rate"])))
    assert "log(2*PI*_e*v)" in texts
    texts = "\n".join(formulas(symelbo.derive(models("psi")["a rate"])))
    assert "_psi(a)" in texts
    texts = "\n".join(formulas(symelbo.derive(models("mean")["a rate"])))
    assert "_mean H[q]" in texts
    texts = "\n".join(formulas(symelbo.derive(models("d")["a rate"])))
    assert "_d/ds v = -v" in texts


def test_every_word_of_a_term_is_marked() -> None:
    i, j, size = Index("i", Extent("K")), Index("j", Extent("K")), Extent("K")
    a = Symbol("a", Role.PARAMETER, Real(), (size, size))
    f = Symbol("f", Role.FUNCTION, Real())
    matrix = Array((i, j), Entry(a, (i, j)))
    x = Entry(Symbol("x", Role.PARAMETER, Real()))
    first = Position(Extent(None, 1))
    term = add(
        Constant("e"),
        *(call(n, x) for n in ("digamma", "cos", "sin", "besselratio", "logbesseli0")),
        call("polygamma", power(x, 2), x),
        mul(Delta(i, j), x),
        LogDet(matrix),
        Inverse(matrix, first, first),
        Apply(f, (Array((), x),), (), ((0, ()),)),
    )
    plain = TextNotation().print(term)
    marked = TextNotation(OWN_WORDS).print(term)
    used = {t for t in tokens(plain) if t in OWN_WORDS}
    assert used == OWN_WORDS - {*["H", "q", "F", "d", "ds", "h", "mean", "E_q"]}
    assert [t.removeprefix("_") for t in tokens(marked)] == tokens(plain)
    assert not OWN_WORDS & {*tokens(marked)}


@pytest.mark.parametrize("name", ["e", "F"])
def test_a_size_or_an_index_may_look_like_a_bare_word(name: str) -> None:
    model = {
        "name": "sizes",
        "sizes": ["K" if name == "e" else name],
        "parameters": {"w": "real", "s": "positive"},
        "model": [
            f"x[{'e' if name == 'e' else 'i'}] ~ Normal(w, s) for "
            f"{'e in 1:K' if name == 'e' else 'i in 1:F'}"
        ],
        "observed": ["x"],
    }
    text = render_summary(symelbo.derive(model))
    assert ("log(2*PI*_e*s)" if name == "e" else "_F = -F/2*log(2*PI*e*s)") in text


def test_a_size_called_like_a_bracketed_word_changes_nothing() -> None:
    model = {
        "name": "sizes",
        "sizes": ["H"],
        "parameters": {"s": "positive"},
        "model": ["z[h] ~ Normal(0, s) for h in 1:H", "x ~ Normal(sum(z[h] for h in 1:H), s)"],
        "observed": ["x"],
    }
    assert sum_text(symelbo.derive(model)).startswith("mean H[q] - ")
