"""What must not change a result: names, order, coordinates of the parameters, literal sizes, and
factors beside the model.  Verdict, theorem and the value of S are compared.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from math import e, isclose, log, pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from ruamel.yaml import YAML

import symelbo
from symelbo.answer.derivation import Derivation

ROOT = Path(__file__).parents[1]
Spec = dict[str, Any]
Values = dict[str, Any]
Mapped = tuple[Spec, Callable[[Values], Values]]  # a new spec, and the values of its arguments

EXTRA: dict[str, Spec] = {
    "softplus": {
        "sizes": ["D", "H"],
        "parameters": {"p": "unit[H]", "W": "real[D,H]", "b": "real[D]"},
        "model": [
            "z[h] ~ Bernoulli(p[h]) for h in 1:H",
            "x[d] ~ Poisson(softplus(sum(W[d,h]*z[h] for h in 1:H) + b[d])) for d in 1:D",
        ],
        "observed": ["x"],
    },
    "square": {
        "parameters": {"m": "positive"},
        "model": ["x ~ Normal(m, m**2)"],
        "observed": ["x"],
    },
    "curved": {
        "parameters": {"w": "real", "s": "positive"},
        "model": ["z ~ Normal(0, 1)", "x ~ Normal(sin_like(z, w), s)"],
        "functions": {"sin_like": "real"},
        "observed": ["x"],
    },
    "moving_rate": {
        "sizes": ["D"],
        "parameters": {"r": "positive", "w": "positive[D]"},
        "model": ["z ~ Exponential(1)", "x[d] ~ Gamma(2, r*w[d]*z) for d in 1:D"],
        "observed": ["x"],
    },
    "declared_q": {
        "sizes": ["D", "H"],
        "parameters": {"W": "real[D,H]", "s": "positive"},
        "model": [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
        ],
        "variational": ["z[h] ~ Normal(nu[h], t[h]) for h in 1:H"],
        "observed": ["x"],
    },
    "fixed_q": {
        "sizes": ["D", "H"],
        "parameters": {"W": "real[D,H]", "s": "positive"},
        "model": [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
        ],
        "variational": ["z[h] ~ Normal(nu[h], 1) for h in 1:H"],
        "observed": ["x"],
    },
    "outside": {
        "parameters": {"k": "positive", "a": "positive"},
        "model": ["x ~ Pareto(k, a)"],
        "observed": ["x"],
    },
    "shifted": {
        "parameters": {"rho": "unit", "w": "real"},
        "model": ["z ~ Bernoulli(rho)", "x ~ Exponential(exp(w*z))"],
        "observed": ["x"],
    },
}


def _shifted_by(shift: str, **parameters: str) -> Spec:
    """z ~ Normal(1, 1) and x[d] ~ Normal(w[d] z + shift, s): with z scaled, the shift moves."""
    vectors = dict.fromkeys(("a", "w", "b"), "real[D]")
    return {
        "sizes": ["D"],
        "parameters": vectors | {"s": "positive"} | parameters,
        "constants": {"t": "real[D]"},
        "model": ["z ~ Normal(1, 1)", f"x[d] ~ Normal(w[d]*z + {shift}, s) for d in 1:D"],
        "observed": ["x"],
    }


def _alone(line: str, **parameters: str) -> Spec:
    """One statement without plates."""
    return {"parameters": parameters, "model": [line], "observed": ["x"]}


# solved for the velocity of another parameter, these would divide by what may be 0
PIVOTS: dict[str, Spec] = {
    "constant": _shifted_by("a[d]*t[d] + b[d]"),
    "product": _shifted_by("a[d]*g[d] + b[d]", g="real[D]"),
    "squared": _shifted_by("a[d]**2 + b[d]"),
    "exponential": _shifted_by("exp(a[d])*b[d] + b[d]"),
    "shared": _shifted_by("c*t[d] + b[d]", c="real"),
    "input": {
        "sizes": ["D"],
        "parameters": dict.fromkeys(("a", "w", "b"), "real[D]") | {"s": "positive"},
        "inputs": {"u": "real"},
        "model": ["z ~ Normal(u, 1)", "x[d] ~ Normal(w[d]*z + a[d]**2*u + b[d]*u, s) for d in 1:D"],
        "observed": ["x"],
    },
    "two_rows": {
        "parameters": {n: "real" for n in "abcwv"} | {"s": "positive"},
        "constants": {"t": "real", "u": "real"},
        "model": [
            "z ~ Normal(1, 1)",
            "x ~ Normal(w*z + a*t + b, s)",
            "y ~ Normal(v*z + a*u + b + c, s)",
        ],
        "observed": ["x", "y"],
    },
    "logit": _alone("x ~ Bernoulli(logit=exp(d) + c**2)", c="real", d="real"),
    "logit_product": _alone("x ~ Bernoulli(logit=b*a**2 + exp(b))", a="real", b="real"),
    "power": _alone("x ~ Normal(m, s**k)", m="real", s="positive", k="positive"),
    "rate": {
        **_alone("x ~ Exponential(s**k*u)", s="positive", k="positive"),
        "inputs": {"u": "positive"},
    },
    "power_in_plate": {
        "sizes": ["D"],
        "parameters": {"r": "positive[D]", "a": "positive[D]", "m": "real[D]"},
        "model": ["x[d] ~ Normal(m[d], r[d]**a[d]) for d in 1:D"],
        "observed": ["x"],
    },
}


def _read(path: Path) -> Spec:
    plain = YAML(typ="safe", pure=True).load(path.read_text())
    assert isinstance(plain, dict)
    return plain


SPECS: dict[str, Spec] = {p.stem: _read(p) for p in sorted((ROOT / "models").glob("*.yaml"))} | {
    name: {"name": name, **spec} for name, spec in EXTRA.items()
}


@cache
def derived(name: str) -> Derivation:
    return symelbo.derive(SPECS[name])


# ---------------------------------------------------------------- S, as emitted


def values_of(derivation: Derivation) -> Values | None:
    """Random values of all arguments; None if no numeric sum is emitted, or it asks for more."""
    module = derivation.function()
    if not hasattr(module, "entropy_sum"):
        return None
    values = Arguments(derivation, 1)
    given = inspect.signature(module.entropy_sum).parameters
    return values if given.keys() <= values.keys() else None


def sum_at(derivation: Derivation, values: Values) -> float:
    given = Arguments(derivation, 1)
    return given.call(derivation.function().entropy_sum, **values)


def agree(name: str, changed: Mapped) -> bool:
    """Verdict, theorem and S; whether S was compared."""
    before, (spec, mapped) = derived(name), changed
    after = symelbo.derive(spec)
    assert (after.verdict, after.theorem) == (before.verdict, before.theorem), spec
    assert len(after.decision.nonzero) == len(before.decision.nonzero), spec
    values = values_of(before)
    if values is None:
        return False
    wanted = sum_at(before, values)
    found = sum_at(after, {**values, **mapped(values)})
    assert isclose(wanted, found, rel_tol=1e-9, abs_tol=1e-9), (wanted, found, spec)
    return True


def _same(values: Values) -> Values:
    return {}


# ---------------------------------------------------------------- transformations


def substitute(text: str, names: Mapping[str, str]) -> str:
    """Names -> names, where they are no keyword of a call."""

    def put(match: re.Match[str]) -> str:
        word = match[0]
        rest = text[match.end() :].lstrip()
        inside = text[: match.start()].count("(") > text[: match.start()].count(")")
        is_keyword = rest.startswith("=") and inside
        is_called = rest.startswith("(") and word not in names
        return word if is_keyword or is_called else names.get(word, word)

    return re.sub(r"[A-Za-z_]\w*", put, text)


def statements(spec: Spec, change: Callable[[str], str]) -> None:
    spec["model"] = [change(text) for text in spec["model"]]
    if isinstance(spec.get("variational"), list):
        spec["variational"] = [change(text) for text in spec["variational"]]


def rename(spec: Spec) -> Mapped:
    """Every size, parameter, constant, covariate, function, node and index gets another name."""
    spec = deepcopy(spec)
    declared = [*spec.get("sizes", ())]
    for key in ("parameters", "constants", "inputs", "functions"):
        declared += list(spec.get(key, {}))
    lines = [*spec["model"], *(v for v in [spec.get("variational")] if isinstance(v, list))]
    nodes = [re.match(r"\w+", str(text)) for text in spec["model"]]
    declared += [m[0] for m in nodes if m]
    indices = set(re.findall(r"(\w+)\s+in\b", " ".join(map(str, lines))))
    # the alphabetical order turns around: nothing may hang on it
    ordered = sorted({*declared, *indices}, reverse=True)
    names = {old: f"v{n:02d}{old}" for n, old in enumerate(ordered)}
    for key in ("parameters", "constants", "inputs", "functions", "families"):
        if key in spec and key != "families":
            spec[key] = {names[n]: substitute(t, names) for n, t in spec[key].items()}
    for family in spec.get("families", {}).values():
        family["parameters"] = {n: substitute(t, names) for n, t in family["parameters"].items()}
    spec["sizes"] = [names[n] for n in spec.get("sizes", ())]
    spec["observed"] = [names[n] for n in spec["observed"]]
    statements(spec, lambda text: substitute(text, names))

    def mapped(values: Values) -> Values:
        return {names.get(n.rstrip("_"), n): v for n, v in values.items()}

    return spec, mapped


def reverse(spec: Spec) -> Mapped:
    """Everything is declared in the opposite order."""
    spec = deepcopy(spec)
    for key in ("parameters", "constants", "inputs", "functions"):
        if key in spec:
            spec[key] = dict(reversed(spec[key].items()))
    spec["sizes"] = spec.get("sizes", [])[::-1]
    spec["model"] = spec["model"][::-1]
    if isinstance(spec.get("variational"), list):
        spec["variational"] = spec["variational"][::-1]
    return spec, _same


CHARTS: dict[str, list[tuple[str, str, Callable[[Any], Any]]]] = {
    "positive": [
        ("real", "exp({})", np.log),
        ("positive", "1/{}", lambda v: 1 / np.asarray(v)),
        ("positive", "{}**2", np.sqrt),
    ],
    "unit": [
        ("real", "sigmoid({})", lambda p: np.log(p / (1 - np.asarray(p)))),
        ("unit", "(1 - {})", lambda p: 1 - np.asarray(p)),
    ],
    "real": [("real", "(2*{} + 1)", lambda v: (np.asarray(v) - 1) / 2)],
}


def reparameterize(spec: Spec, chart: int) -> Mapped | None:
    """Every parameter in other coordinates; None if there is no such chart for any of them."""
    spec = deepcopy(spec)
    inverse: dict[str, Callable[[Any], Any]] = {}
    functions = spec.get("functions", {})
    handed = " ".join(
        re.findall(rf"(?:{'|'.join(functions) or 'no function'})\([^)]*\)", str(spec))
    )
    abstract = " ".join(f for f, d in spec.get("families", {}).items() if d.get("abstract"))
    for name, kind in list(spec.get("parameters", {}).items()):
        base = re.match(r"\w+", kind)
        assert base is not None
        charts = CHARTS.get(base[0], [])
        if (
            chart >= len(charts)
            or is_whole(spec, name, kind)
            or re.search(rf"\b{name}\b", handed)
            or abstract
        ):
            continue
        new, shown, back = charts[chart]
        spec["parameters"][name] = kind.replace(base[0], new)
        inverse[name] = back
        entry = re.compile(rf"\b{name}\b(?!\s*=)(\[(?:[^\[\]]|\[[^\[\]]*\])*\])?")
        statements(
            spec,
            lambda text, entry=entry, shown=shown: entry.sub(lambda m: shown.format(m[0]), text),
        )

    def mapped(values: Values) -> Values:
        names = {n: argument(values, n) for n in inverse}
        return {names[n]: back(values[names[n]]) for n, back in inverse.items()}

    return (spec, mapped) if inverse else None


def is_whole(spec: Spec, name: str, kind: str) -> bool:
    """Whether the parameter is somewhere used without all its indices."""
    rank = kind.count(",") + 1 if "[" in kind else 0
    found = re.findall(rf"\b{name}\b(\[(?:[^\[\]]|\[[^\[\]]*\])*\])?", " ".join(spec["model"]))
    return any((text.count(",") + 1 if text else 0) != rank for text in found)


def argument(values: Values, name: str) -> str:
    """The argument of a parameter: a name that Python takes gets an underscore."""
    return name if name in values else f"{name}_"


def make_literal(spec: Spec, sizes: Mapping[str, int]) -> Mapped:
    """Numbers for the sizes."""
    spec = deepcopy(spec)
    for name in spec.pop("sizes", ()):
        numbers = {name: str(sizes[name])}
        for key in ("parameters", "constants", "inputs", "functions"):
            if key in spec:
                spec[key] = {n: substitute(t, numbers) for n, t in spec[key].items()}
        for family in spec.get("families", {}).values():
            family["parameters"] = {
                n: substitute(t, numbers) for n, t in family["parameters"].items()
            }
        statements(spec, lambda text, numbers=numbers: substitute(text, numbers))
    return spec, _same


def split_plate(spec: Spec) -> Mapped | None:
    """x[d] ~ p(W[d]) for d in 1:2 -> x[1] ~ p(W[1]) and x[2] ~ p(W[2])"""
    spec = deepcopy(spec)
    lines, done = [], False
    for text in spec["model"]:
        plate = re.fullmatch(r"(\w+)\[(\w+)\] ~ (.*) for \2 in 1:2", text)
        if not plate or re.search(rf"\bfor {plate[2]} in", plate[3]):
            lines.append(text)
            continue
        done = True
        for n in ("1", "2"):
            lines.append(substitute(f"{plate[1]}[{plate[2]}] ~ {plate[3]}", {plate[2]: n}))
    spec["model"] = lines
    return (spec, _same) if done else None


def add_unused(spec: Spec) -> Spec:
    """An observable that shares nothing with the model."""
    spec = deepcopy(spec)
    spec["parameters"] = {**spec.get("parameters", {}), "aside_m": "real", "aside_v": "positive"}
    spec["model"] = ["aside ~ Normal(aside_m, aside_v)", *spec["model"]]
    spec["observed"] = [*spec["observed"], "aside"]
    return spec


def add_twins(spec: Spec, copies: int) -> Spec:
    """Every observable again, given the same parents and parameters."""
    spec = deepcopy(spec)
    for node in list(spec["observed"]):
        own = [text for text in spec["model"] if re.match(rf"{node}\b", text)]
        for copy in range(copies):
            twin = {node: f"{node}_twin{copy}"}
            spec["model"] += [substitute(text, twin) for text in own]
            spec["observed"] = [*spec["observed"], twin[node]]
    return spec


# ---------------------------------------------------------------- tests

NAMES = sorted(SPECS)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_order_do_not_matter(name: str) -> None:
    agree(name, rename(SPECS[name]))
    agree(name, reverse(SPECS[name]))


@pytest.mark.parametrize("name", sorted(PIVOTS))
def test_no_condition_is_needed_whatever_the_names_are(name: str) -> None:
    spec = {"name": name, **PIVOTS[name]}
    for derivation in map(symelbo.derive, (spec, rename(spec)[0], reverse(spec)[0])):
        assert (derivation.theorem, derivation.decision.nonzero) == (1, ()), spec


@pytest.mark.parametrize("chart", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_coordinates_do_not_matter(name: str, chart: int) -> None:
    changed = reparameterize(SPECS[name], chart)
    if changed is not None:
        agree(name, changed)


@pytest.mark.parametrize("name", [n for n in NAMES if SPECS[n].get("sizes")])
def test_literal_sizes_are_instances(name: str) -> None:
    sizes = {size: 3 for size in SPECS[name]["sizes"]}
    changed, _ = make_literal(SPECS[name], sizes)
    after = symelbo.derive(changed)
    before = derived(name)
    assert (after.verdict, after.theorem) == (before.verdict, before.theorem)
    # at sizes of two a plate can be written out
    two, _ = make_literal(SPECS[name], {size: 2 for size in SPECS[name]["sizes"]})
    split = split_plate(two)
    if split is not None:
        whole, parts = symelbo.derive(two), symelbo.derive(split[0])
        assert (whole.verdict, whole.theorem) == (parts.verdict, parts.theorem)
        values = values_of(whole)
        if values is not None and hasattr(parts.function(), "entropy_sum"):
            assert isclose(sum_at(whole, values), sum_at(parts, values), rel_tol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_factor_beside_the_model_adds_its_own_entropy(name: str) -> None:
    before, after = derived(name), symelbo.derive(add_unused(SPECS[name]))
    assert (after.verdict, after.theorem) == (before.verdict, before.theorem)
    values = values_of(before)
    if values is None:
        return
    more = {"aside_m": 0.3, "aside_v": 0.7, "aside": np.zeros(len(next(iter_data(before, values))))}
    extra = sum_at(after, {**values, **more}) - sum_at(before, values)
    if before.theorem is not None:
        assert isclose(extra, -log(2 * pi * e * 0.7) / 2, rel_tol=1e-9)


def iter_data(derivation: Derivation, values: Values) -> Any:
    """The arrays of data."""
    return (np.atleast_1d(values[argument(values, n)]) for n in derivation.model.observed)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_observation_counts_once_more(name: str) -> None:
    """S of three copies, two copies and one differ by the same amount."""
    if SPECS[name].get("variational") == "exact":
        return  # another posterior, another sum
    models = [derived(name), *(symelbo.derive(add_twins(SPECS[name], n)) for n in (1, 2))]
    assert len({(m.verdict, m.theorem) for m in models}) == 1
    values = values_of(models[0])
    if values is None or models[0].theorem is None:
        return
    sums = []
    for copies, model in enumerate(models):
        more = {
            f"{node}_twin{copy}": values[argument(values, node)]
            for node in models[0].model.observed
            for copy in range(copies)
            if argument(values, node) in values
        }
        sums.append(sum_at(model, {**values, **more}))
    assert isclose(sums[2] - sums[1], sums[1] - sums[0], rel_tol=1e-9, abs_tol=1e-12)
    assert sums[1] != sums[0]


def test_most_sums_were_compared() -> None:
    """The tests above compare values, not verdicts alone; and a wrong sum would be seen."""
    compared = sum(agree(name, rename(SPECS[name])) for name in NAMES)
    assert compared > len(NAMES) / 2
    spec, _ = rename(SPECS["ppca"])
    with pytest.raises(AssertionError):
        agree("ppca", (spec, wrong))


def wrong(values: Values) -> Values:
    """All arguments under their new names, but with another variance."""
    _, mapped = rename(SPECS["ppca"])
    found = mapped(values)
    return {n: 2 * v if n.endswith("sigma2") else v for n, v in found.items()}
