"""Deterministic quantities keep the names that the user gave them: in text, LaTeX and Python."""

from __future__ import annotations

import re
from functools import cache
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from arguments import Arguments
from test_code_abbreviations import elbo_of

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.array_module import render_python
from symelbo.code.setting import Setting
from symelbo.index.build import subtract
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import is_zero
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Role, Term
from symelbo.model.model import Model
from symelbo.page.documents import render_proof
from symelbo.page.summary import abbreviations, render_summary
from symelbo.proof.quantity_names import QuantityNames

ROOT = Path(__file__).resolve().parents[1]


def _spec(parameters: dict[str, str], *model: str, **more: Any) -> dict[str, Any]:
    text = " ".join([*model, *parameters.values(), *more.get("inputs", {}).values()])
    sizes = [size for size in "DHT" if f":{size}" in text or f"[{size}]" in text]
    return {
        "name": "m",
        "sizes": sizes,
        "parameters": parameters,
        "model": list(model),
        "observed": ["x"],
        **more,
    }


NESTED = _spec(
    {"W": "real[D,H]", "b": "real[D]", "u": "real[D]", "c": "real", "s": "positive"},
    "z[h] ~ Normal(0, 1) for h in 1:H",
    "hidden[d] = tanh(sum(W[d,h]*z[h] for h in 1:H) + b[d]) for d in 1:D",
    "mean = sum(u[d]*hidden[d] for d in 1:D) + c*sum(hidden[d]**2 for d in 1:D)",
    "scale = s*(1 + mean**2)",
    "x ~ Normal(mean, scale)",
)
SPECS = {
    "nested": NESTED,
    "in plates": _spec(
        {"W": "real[D,H]", "b": "real[D]", "s": "positive[D]"},
        "z[h] ~ Normal(0, 1) for h in 1:H",
        "m[d] = tanh(sum(W[d,h]*z[h] for h in 1:H)) + b[d]**3 for d in 1:D",
        "g[d] = s[d]*(m[d]**2 + 1) for d in 1:D",
        "x[d] ~ Normal(m[d], g[d]) for d in 1:D",
    ),
    "at shifted places": _spec(
        {"a": "real", "v": "positive", "s": "positive"},
        "z[1] ~ Normal(0, v)",
        "drift[t] = tanh(z[t] + 1) + a for t in 1:T-1",
        "z[t] ~ Normal(drift[t-1], v*(1 + drift[t-1]**2)) for t in 2:T",
        "x[t] ~ Normal(z[t], s) for t in 1:T",
    ),
    "in two factors": _spec(
        {"W": "real[H]", "s": "positive", "r": "positive"},
        "z[h] ~ Normal(0, 1) for h in 1:H",
        "m = tanh(sum(W[h]*z[h] for h in 1:H)) + sum(W[h]*z[h] for h in 1:H)**2",
        "x ~ Normal(m, s*(1 + m**2))",
        "y ~ Normal(2*m, r*(1 + m**2))",
        observed=["x", "y"],
    ),
    "in several statements": _spec(
        {"a": "real", "b": "real", "v": "positive", "s": "positive"},
        "z[1] ~ Normal(0, v)",
        "z[t] ~ Normal(a*z[t-1], v) for t in 2:T",
        "level[1] = tanh(b*z[1])",
        "level[t] = tanh(b*z[t]) + b*z[t-1] for t in 2:T",
        "gain[t] = s*(1 + level[t]**2) for t in 1:T",
        "x[t] ~ Normal(level[t], gain[t]) for t in 1:T",
    ),
    "in q": _spec(
        {"W": "real[D,H]", "v": "positive", "s": "positive"},
        "base[h] = tanh(u[h] + 2*u[h]**2) for h in 1:H",
        "z[h] ~ Normal(base[h], v) for h in 1:H",
        "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
        inputs={"u": "real[H]"},
        variational=["z[h] ~ Normal(nu[h] + base[h], tau[h]) for h in 1:H"],
    ),
    "in a sum": _spec(
        {"a": "real", "b": "real", "v": "positive", "s": "positive", "r": "positive"},
        "z ~ Normal(0, v)",
        "m = tanh(a + b*z) + z**2",
        "x ~ Normal(m + a, s)",
        "y ~ Normal(m - b, r*(1 + m**2))",
        observed=["x", "y"],
    ),
    "behind a link": _spec(
        {"w": "real[D]", "w0": "real"},
        "rate = exp(sum(w[d]*u[d] for d in 1:D) + w0)",
        "x ~ Exponential(rate)",
        "y ~ Exponential(2*rate)",
        inputs={"u": "real[D]"},
        observed=["x", "y"],
    ),
}


@cache
def derived(name: str) -> Derivation:
    derivation = symelbo.derive(SPECS[name])
    assert derivation.verdict == "proved"
    return derivation


def _process(derivation: Derivation) -> str:
    proof = render_proof(derivation)
    found = re.search(r"generative process is\n\\begin\{.*?\n(.*?)\\end\{", proof, re.S)
    assert found is not None
    return found[1]


def _written_out(model: Model, term: Term) -> Term:
    """The quantities of one formula, outer ones first, by their formulas."""
    for symbol, array in reversed(model.formulas):
        if sum(other == symbol for other, _ in model.formulas) == 1:
            term = replace_symbols(term, {symbol: array})
    return term


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("name", [name for name in SPECS if name != "in several statements"])
def test_what_is_written_in_names_is_what_the_model_means(name: str) -> None:
    model = derived(name).model
    pairs = [(whole.body, short.body) for (_, whole), (_, short) in _definitions(model)]
    pairs += model.written.items()
    assert any(whole != short for whole, short in pairs)
    for whole, short in pairs:
        assert is_zero(subtract(_written_out(model, short), whole))


def _definitions(model: Model) -> list[Any]:
    return list(zip(model.definitions, model.formulas, strict=True))


def test_a_quantity_of_several_statements_keeps_its_name() -> None:
    model = derived("in several statements").model
    (_, gain) = model.formulas[-1]
    assert {s.name for s in symbols_of(gain.body)} == {"s", "level"}
    for whole, short in model.written.items():
        assert {s.role for s in symbols_of(short)} == {Role.ARGUMENT}
        assert Role.ARGUMENT not in {s.role for s in symbols_of(whole)}


def test_a_quantity_that_selects_is_written_out() -> None:
    """A name that stands for a category selects, which a number cannot."""
    model = symelbo.derive(
        _spec(
            {"pi": "simplex[3]", "mu": "real[3]", "s": "positive"},
            "c ~ Categorical(pi)",
            "k = c",
            "x ~ Normal(mu[k], s)",
        )
    ).model
    assert not model.written


# ---------------------------------------------------------------- text


def test_the_sum_explains_each_name_once() -> None:
    assert abbreviations(derived("nested")) == [
        "scale = s*(mean**2 + 1)",
        "mean = c*sum(hidden[d]**2 for d in 1:D) + sum(hidden[d]*u[d] for d in 1:D)",
        "hidden[d] = tanh(sum(W[d,h]*z[h] for h in 1:H) + b[d])",
    ]
    text = render_summary(derived("nested"))
    for name in ("scale", "mean", "hidden[d]"):
        assert text.count(f"with {name} = ") == 1


def test_several_statements_are_explained_in_their_order() -> None:
    text = render_summary(derived("in several statements"))
    lines = [line.strip() for line in text.splitlines() if "with " in line]
    assert [line.partition(" = ")[0] for line in lines[:3]] == [
        "with gain[t]",
        "with level[1]",
        "with level[t]",
    ]


def test_a_long_list_of_names_is_left_to_the_specification() -> None:
    deep = ["a0 = tanh(w*z + z**2)"]
    deep += [f"a{n} = tanh(a{n - 1} + w*a{n - 1}**2)" for n in range(1, 15)]
    model = ["z ~ Normal(0, 1)", *deep, "x ~ Normal(a14, s*(1 + a14**2))"]
    derivation = symelbo.derive(_spec({"w": "real", "s": "positive"}, *model))
    assert abbreviations(derivation) == ["variance = s*(a14**2 + 1)"]
    rows = _process(derivation)
    assert [rows.count(rf"\mathit{{a}}_{{{n}}} & =") + rows.count(f"a{n}") for n in (3, 7)]


# ---------------------------------------------------------------- LaTeX


def test_definitions_stand_among_the_statements_in_their_order() -> None:
    rows = [line.strip() for line in _process(derived("nested")).splitlines()]
    assert [row.split("&")[0].strip() for row in rows] == [
        "z_{h}",
        r"\mathit{hidden}_{d}",
        r"\mathit{mean}",
        r"\mathit{scale}",
        "x",
    ]
    assert r"\mathit{hidden}_{d} & = \tanh" in rows[1] and rows[1].endswith(r"d = 1, \dots, D , \\")
    assert rows[3] == r"\mathit{scale} & = s \, (\mathit{mean}^{2} + 1) , \\"
    assert rows[4] == r"x & \sim \mathrm{Normal}(\mathit{mean},\, \mathit{scale}) ,"


def test_one_place_is_a_place_and_no_range() -> None:
    rows = _process(derived("in several statements"))
    assert r"\mathit{level}_{1} & = \tanh(b z_{1}) ," in rows
    assert r"\mathit{level}_{t} & = b z_{t-1} + \tanh(b z_{t}) ,\qquad t = 2, \dots, T" in rows


def test_a_shifted_place_is_shifted_in_the_name() -> None:
    assert r"\mathit{drift}_{t-1}" in _process(derived("at shifted places"))


def test_quantities_in_q_belong_to_a_data_point() -> None:
    proof = render_proof(derived("in q"))
    assert r"\mathrm{Normal}(\mathit{base}^{(n)}_{h} + \nu^{(n)}_{h},\, \tau^{(n)}_{h})" in proof
    assert proof.count(r"\mathit{base}_{h} & = \tanh") == 1


@pytest.mark.parametrize("name", [name for name in SPECS if name != "behind a link"])
def test_from_its_definition_on_a_name_is_never_written_out(name: str) -> None:
    proof = render_proof(derived(name))
    _, model = proof.split(r"\section{Model}")
    assert model.count(r"\tanh") == sum(line.count("tanh") for line in SPECS[name]["model"])


def test_parts_that_rest_let_a_quantity_rest() -> None:
    rate = r"\frac{d}{d\mathbf{s}} \mathit{%s}_{t} & = %s ,"
    proof = render_proof(derived("in several statements"))
    assert rate % ("level", "0") in proof
    assert rate % ("gain", r"-\mathit{gain}_{t}") in proof


def test_the_derivative_of_a_name_is_stated_where_it_is_used() -> None:
    proof = render_proof(derived("nested"))
    rate = r"\frac{\mathrm{d}}{\mathrm{d}\mathbf{s}} \mathit{%s} & = %s ,"
    assert rate % ("mean", "0") in proof
    assert rate % ("scale", r"-\mathit{scale}") in proof


@pytest.mark.parametrize("name", [name for name in SPECS if name != "in several statements"])
def test_speeds_of_quantities_are_derivatives(name: str) -> None:
    derivation = derived(name)
    model, velocities = derivation.model, derivation.motion.velocities()
    names = QuantityNames.of(model, velocities)
    assert names.speeds.keys() == dict(model.quantities).keys()
    for symbol, array in model.quantities:
        speed = _written_out(model, names.speeds[symbol].body)
        assert is_zero(subtract(speed, derivative_along(array.body, velocities)))


@pytest.mark.parametrize("name", [name for name in SPECS if name != "in several statements"])
def test_printed_speeds_are_derivatives_of_the_arguments(name: str) -> None:
    derivation = derived(name)
    model, velocities = derivation.model, derivation.motion.velocities()
    for result, worked in zip(derivation.factors, derivation.worked.factors, strict=True):
        assert worked.identity is not None
        chosen = dict(worked.identity.abbreviations)
        for argument, speed in worked.identity.speeds:
            whole = _meant(model, replace_symbols(argument, chosen))
            meant = _meant(model, replace_symbols(speed, chosen))
            assert is_zero(subtract(meant, derivative_along(whole, velocities))), result.node


def _meant(model: Model, term: Term) -> Term:
    """A printed term, names by what they stand for; their domain does not matter."""
    named = {s.name: array for s, array in model.quantities}
    inside = {s: named[s.name] for s in symbols_of(term) if s.name in named}
    return replace_symbols(term, {s: a for s, a in inside.items() if s.role is Role.ARGUMENT})


# ---------------------------------------------------------------- Python


def _functions(derivation: Derivation) -> dict[str, str]:
    parts = re.split(r"\ndef (\w+)\(", render_python(derivation))
    return {name: body for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_a_quantity_used_several_times_is_computed_once() -> None:
    bodies = _functions(derived("nested"))
    for name in ("entropy_sum", "elbo", "gap"):
        assert bodies[name].count("xp.tanh(") == 1
        assert bodies[name].count("hidden = ") == bodies[name].count("mean = ") == 1
        assert "scale = s * (mean**2 + 1)\n" in bodies[name]


def test_two_factors_read_one_variable() -> None:
    body = _functions(derived("in two factors"))["elbo"]
    assert body.count("xp.tanh(") == 1 and body.count(" m = ") == 1


def test_a_variable_holds_the_places_of_its_quantity() -> None:
    body = _functions(derived("at shifted places"))["elbo"]
    assert body.count("xp.tanh(") == 1 and body.count("drift = ") == 1


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("first", [2, 3])
def test_the_module_is_the_specification(name: str, first: int) -> None:
    derivation = derived(name)
    lengths = {size: first + n for n, size in enumerate(Setting(derivation).sizes.values())}
    given = Arguments(derivation, first, lengths=lengths)
    module = derivation.function()

    def value(function: str) -> float:
        names = getattr(module, function).__wrapped__.__kwdefaults__ or {}
        needed = getattr(module, function).__wrapped__.__annotations__.keys() - {"return"}
        return float(
            getattr(module, function)(
                **{n: given[n] for n in needed if n in given or n not in names}
            )
        )

    elbo = value("elbo")
    if name != "in q":  # expectations under a declared q are taken by its moments
        assert isclose(elbo, elbo_of(derivation, given, lengths), rel_tol=1e-9, abs_tol=1e-12)
    assert isclose(value("entropy_sum") + value("gap"), elbo, rel_tol=1e-9, abs_tol=1e-12)
