"""Statements that look true and are not, and files that would take for ever: none is accepted.

Each false statement stands beside a true one that differs in what makes it false.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from encoded import certificate_data
from sympy import Matrix, Rational, simplify
from write_certificate import Writer

import symelbo
from symelbo.checker import interval, work
from symelbo.checker.check import (
    CHECKED,
    CONSISTENCY,
    PARTLY,
    REJECTED,
    Part,
    Report,
    check_bytes,
    check_data,
)
from symelbo.checker.domains import DOMAINS
from symelbo.checker.interval import Intervals, Unbounded, enclose
from symelbo.checker.statement import Condition, Density, Symbol
from symelbo.checker.terms import ONE, Raw, minus
from symelbo.checker.witness import can_hold

Json = dict[str, Any]


def check(data: Json) -> Report:
    return check_bytes(json.dumps(data).encode())


def minus_(term: Any) -> Any:
    return ["*", -1, term]


def exponential(rate: Any, value: str) -> Any:
    return ["+", ["f", "log", rate], minus_(["*", rate, value])]


def entropy(rate: Any) -> Any:
    return ["+", 1, minus_(["f", "log", rate])]


# ---------------------------------------------------------------- supports and motions


def leaving(domain: str, support: Any, rate: int, shift: int) -> Json:
    """A latent of a constant log-density that moves."""
    w = Writer()
    given = w.ends(*support) if isinstance(support, tuple) else support
    factors = [w.density("z", 0, support=given), w.density("x", exponential("a", "x"))]
    claim = w.claim(
        w.identity("z", rate, divergence=rate),
        w.identity("x", entropy("a")),
        parameters={"a": "a"},
        rates={"z": rate},
        shifts={"z": shift},
    )
    symbols = {
        "a": ("parameter", "positive"),
        "x": ("observed", "positive"),
        "z": ("latent", domain),
    }
    return w.certificate(symbols, factors, claim)


@pytest.mark.parametrize(
    ("domain", "support", "rate", "shift"),
    [
        ("real", ("interval", 0, 1), 1, 0),
        ("positive", ("interval", 0, 1), 1, 0),
        ("real", "unit", 1, 0),
        ("real", "positive", 0, 1),
        ("real", ("interval", 2), 1, 0),
    ],
)
def test_a_latent_stays_in_the_support_of_its_own_density(
    domain: str, support: Any, rate: int, shift: int
) -> None:
    """The domain of the node is wider: of its values at all places together."""
    assert check(leaving(domain, None, rate, shift)).status == CHECKED
    assert check(leaving(domain, support, rate, shift)).status == REJECTED


def uniform_q(shift: int, ends: int) -> Json:
    """q uniform from l to h; z is shifted, l and h by as much or not."""
    w = Writer()
    width = ["+", "h", minus_("l")]
    q = w.density(
        "z",
        minus_(["f", "log", width]),
        support=w.ends("interval", "l", "h"),
        conditions=[("positive", width)],
    )
    claim = w.claim(
        w.identity("x", entropy("a")),
        parameters={"a": "a"},
        rates={"z": 0},
        shifts={"z": shift},
        variational={"l": ends, "h": ends},
        q_follows=True,
    )
    symbols = {
        "a": ("parameter", "positive"),
        "x": ("observed", "positive"),
        "z": ("latent", "real"),
        "l": ("variational", "real"),
        "h": ("variational", "real"),
    }
    factors = [w.density("z", ["*", "-1/2", ["^", "z", 2]]), w.density("x", exponential("a", "x"))]
    more = {"verdict": "undecided", "theorem": None, "undecided": ["z"], "q": [q]}
    return w.certificate(symbols, factors, claim, variational="declared", **more)


def test_the_ends_of_q_go_where_its_values_go() -> None:
    for shift in (0, 1, -2):
        assert check(uniform_q(shift, shift)).unproved == ("(U) of z",)
        assert check(uniform_q(shift, shift + 1)).failed == Part("q", "z", " follows the motion")


# ---------------------------------------------------------------- the entropy of q


def entropy_of_q(domain: str, value: str, **more: Any) -> Json:
    """q(z) exponential of the rate exp|w|; in formal arguments |r| is r where r is positive.

    Its entropy is 1 - |w|, and not 1 - w.
    """

    def density(rate: str, value: str) -> Any:
        size = ["f", "abs", rate]
        return ["+", size, minus_(["*", value, ["f", "exp", size]])]

    w = Writer()
    factors = [w.density("z", minus_("z")), w.density("x", exponential("a", "x"))]
    claim = w.claim(
        w.identity("z", 1, divergence=1),
        w.identity("x", entropy("a")),
        parameters={"a": "a"},
        rates={"z": 1},
        shifts={"z": 0},
        variational={"w": minus_(["f", "sign", "w"])},
        q_follows=True,
    )
    shown = [["+", 1, minus_("w")], 1, entropy("a")]
    whole = w.term(["+", shown[0], minus_(1), minus_(shown[2])])
    found = {
        "statement": "z",
        "density": w.density("y", density("r", "y"), **more),
        "motion": w.claim(parameters={"r": 1})["motion"],
        "entropy": w.term(["+", 1, minus_("r")]),
        "arguments": {"r": w.array("w")},
    }
    sums = {
        "q_entropy": w.term(shown[0]),
        "entropies": [
            {"factor": name, "display": w.term(term), "expanded": w.term(term)}
            for name, term in zip("zx", shown[1:], strict=True)
        ],
        "bases": {},
        "printed": [{"sign": 1, "display": whole}],
        "closed_form": None,
        "abbreviations": {},
        "definitions": {},
    }
    symbols = {
        "a": ("parameter", "positive"),
        "x": ("observed", "positive"),
        "z": ("latent", "positive"),
        "w": ("variational", domain),
        "r": ("argument", "positive"),
        "y": ("value", value),
    }
    q = [w.density("z", density("w", "z"))]
    more = {"q": q, "entropies_of_q": [found], "sum": sums}
    return w.certificate(symbols, factors, claim, variational="declared", **more)


def test_the_arguments_of_an_entropy_are_what_it_is_proved_for() -> None:
    assert check(entropy_of_q("positive", "positive")).status == CHECKED
    report = check(entropy_of_q("real", "positive"))
    assert report.reasons == ("the entropy of z: r is not shown to be positive",)
    report = check(entropy_of_q("positive", "unit"))
    assert "values that are not shown to be unit" in report.reasons[0]


def test_the_arguments_of_an_entropy_are_free_of_the_value() -> None:
    """As if q(z) were exponential of the rate exp|z|."""
    data = entropy_of_q("positive", "positive")
    data["terms"] += [["v", "z"]]
    data["entropies_of_q"][0]["arguments"]["r"]["body"] = len(data["terms"]) - 1
    assert "depends on the value itself" in str(check(data).reasons)


def test_nothing_is_counted_twice() -> None:
    """An entropy, and a statement of q with its own, each of them right."""
    data = entropy_of_q("positive", "positive")
    sums = data["sum"]
    twice = copy.deepcopy(data)
    twice["sum"]["entropies"].append(sums["entropies"][0])
    twice["sum"]["printed"].append({"sign": -1, "display": sums["entropies"][0]["display"]})
    assert "printed twice" in check(twice).reasons[0]
    twice = copy.deepcopy(data)
    twice["q"].append({**data["q"][0], "name": "z again"})
    twice["entropies_of_q"].append({**data["entropies_of_q"][0], "statement": "z again"})
    twice["terms"].append(["+", sums["q_entropy"], sums["q_entropy"]])
    twice["sum"]["q_entropy"] = len(twice["terms"]) - 1
    twice["sum"]["printed"].append({"sign": 1, "display": sums["q_entropy"]})
    assert "two statements of q of one node" in check(twice).reasons[0]


def test_an_entropy_of_q_has_no_conditions_of_its_own() -> None:
    data = entropy_of_q("positive", "positive")
    found = data["entropies_of_q"][0]
    found["density"]["conditions"] = [{"kind": "unit", "of": found["arguments"]["r"]}]
    assert "a density with conditions" in check(data).reasons[0]


def test_outside_is_what_has_a_factor_that_is() -> None:
    data = entropy_of_q("positive", "positive")
    assert check({**data, "verdict": "outside", "theorem": None}).status == REJECTED


# ---------------------------------------------------------------- refutations


POINTS = tuple(map(Rational, (1, 2, 3)))
VALUES = tuple(map(Rational, (1, 2, 3, 4, 5)))


def weights(
    density: Callable[[Any, Any], Any],
    slope: Callable[[Any, Any], Any],
    points: tuple[Any, ...],
    values: tuple[Any, ...],
) -> tuple[list[tuple[Any, Any, Any]], Any]:
    """Weights that annihilate b, H~ and the velocity, and not log p."""
    at = [(a, x) for a in points for x in values]
    rows = [[int(x == y) for _, x in at] for y in values]
    rows += [[int(a == b) for a, _ in at] for b in points]
    rows += [[slope(a, x) if a == b else 0 for a, x in at] for b in points]
    for vector in Matrix(rows).nullspace():
        total = simplify(sum(w * density(a, x) for w, (a, x) in zip(vector, at, strict=True)))
        if total:
            return [(a, x, w) for w, (a, x) in zip(vector, at, strict=True) if w], total
    raise AssertionError("the criterion can be satisfied")


def beyond(sign: int) -> Any:
    """Weights against a density that is exponential on one side of 0 of its value."""

    def density(a: Any, x: Any) -> Any:
        return -a * x + (a**2 * x + a**3 * x**2 if x < 0 else 0)

    def slope(a: Any, x: Any) -> Any:
        return -x + (2 * a * x + 3 * a**2 * x**2 if x < 0 else 0)

    return weights(density, slope, POINTS, (-3, -2, -1, *map(Rational, (1, 2))))


@pytest.mark.parametrize("support", ["positive", ("interval", 0, None)])
def test_a_value_outside_the_support_refutes_nothing(support: Any) -> None:
    """On the support the density is exponential."""

    def data(support: Any) -> Json:
        w = Writer()
        side = ["*", "1/2", ["+", 1, minus_(["f", "sign", "x"])]]
        other = ["+", ["*", ["^", "a", 2], "x"], ["*", ["^", "a", 3], ["^", "x", 2]]]
        given = w.ends(*support) if isinstance(support, tuple) else support
        factor = w.density("x", ["+", exponential("a", "x"), ["*", side, other]], support=given)
        found = w.refutation("x", "x", "a", beyond(1))
        more = {"verdict": "refuted", "theorem": None, "refutations": [found]}
        symbols = {"a": ("parameter", "positive"), "x": ("observed", "real")}
        return w.certificate(symbols, [factor], **more)

    assert check(data(None)).status == CHECKED
    assert "is not in its domain" in check(data(support)).reasons[0]


def test_a_parameter_value_that_the_conditions_exclude_refutes_nothing() -> None:
    """For m > 0 the density is exponential; the condition is on it, or on another factor."""

    def more(m: Any, x: Any) -> Any:
        return -2 * m * (m * x + m**2 * x**2) if m < 0 else 0

    def slope(m: Any, x: Any) -> Any:
        return -x + (-2 * (2 * m * x + 3 * m**2 * x**2) if m < 0 else 0)

    points = tuple(-a for a in POINTS)
    found = weights(lambda m, x: -m * x + more(m, x), slope, points, VALUES)

    def data(*, own: Any = (), other: Any = None) -> Json:
        w = Writer()
        negative = ["+", ["f", "abs", "m"], minus_("m")]
        square = ["+", ["*", "m", "x"], ["*", ["^", "m", 2], ["^", "x", 2]]]
        parts = [["f", "log", ["f", "abs", "m"]], minus_(["*", "m", "x"]), ["*", negative, square]]
        factors = [w.density("x", ["+", *parts], conditions=own)]
        symbols: dict[str, tuple[Any, ...]] = {
            "m": ("parameter", "real"),
            "v": ("parameter", "positive"),
            "u": ("parameter", "real"),
            "x": ("observed", "positive"),
            "y": ("observed", "positive"),
            "b": ("observed", "binary"),
        }
        more: Json = {"verdict": "refuted", "theorem": None}
        if other is not None:
            factors.append(w.density("y", minus_("y"), conditions=[("positive", other)]))
            more["undecided"] = ["y"]
        more["refutations"] = [w.refutation("x", "x", "m", found)]
        return w.certificate(symbols, factors, **more)

    assert check(data()).status == CHECKED
    for kind in ("positive", "unit"):
        assert "to lie in its domain" in check(data(own=[(kind, "m")])).reasons[0]
    for excluded in ("m", ["*", "m", "v"], ["+", "m", "b"], ["+", ["*", "m", "b"], "1/2"]):
        report = check(data(other=excluded))
        assert "conditions of the result are not shown to hold" in report.reasons[0], excluded
    for allowed in (
        minus_("m"),
        ["*", "m", minus_("v")],
        ["*", "m", "u"],
        ["+", 1, ["*", -1, "m", "b"]],
    ):
        report = check(data(other=allowed))
        assert (report.status, report.unproved) == (PARTLY, ("(U) of y",)), allowed


def test_no_model_is_refuted_where_its_conditions_do_not_hold() -> None:
    """y asks m w > 0, so that m > 0; there |m| - m = 0, and (U) holds."""
    model = ["y ~ Normal(0, m*w)", "x ~ Normal(abs(m) - m, exp(m))"]
    spec = {
        "name": "conditions",
        "observed": ["x", "y"],
        "variational": "any",
        "parameters": {"m": "real", "w": "positive"},
        "model": model,
    }
    assert symelbo.derive(spec).verdict == "undecided"
    elsewhere = {**spec, "model": ["y ~ Normal(0, w + exp(m))", model[1]]}
    assert symelbo.derive(elsewhere).verdict == "refuted"


# ---------------------------------------------------------------- conditions


def conditioned(*conditions: Any, nonzero: Any = (), domain: Any = "real") -> Json:
    """x exponential of the rate exp(m), with an entropy that is right for m > 0."""
    w = Writer()
    ends = w.ends(*domain) if isinstance(domain, tuple) else domain
    log_density = ["+", "m", minus_(["*", "x", ["f", "exp", "m"]])]
    factors = [w.density("x", log_density, conditions=conditions)]
    shown = ["+", 1, minus_(["f", "abs", "m"])]
    claim = w.claim(w.identity("x", shown), parameters={"m": 1}, nonzero=nonzero)
    symbols = {"m": ("parameter", ends), "x": ("observed", "positive")}
    return w.certificate(symbols, factors, claim)


POSITIVE = ("positive", "m")


def test_a_condition_is_used() -> None:
    assert check(conditioned()).status == REJECTED
    assert check(conditioned(POSITIVE)).status == CHECKED
    assert check(conditioned(POSITIVE, nonzero=["m", ["+", "m", -1]])).status == CHECKED
    assert check(conditioned(POSITIVE, ("positive", ["+", 1, minus_("m")]))).status == CHECKED
    assert check(conditioned(domain=("interval", 1, "3/2"))).status == CHECKED


@pytest.mark.parametrize(
    "data",
    [
        conditioned(POSITIVE, ("positive", ["+", -1, minus_("m")])),
        conditioned(POSITIVE, ("unit", minus_("m"))),
        conditioned(POSITIVE, ("positive", -1)),
        conditioned(POSITIVE, ("positive", minus_(["f", "exp", "m"]))),
        conditioned(POSITIVE, ("positive", ["+", 1, minus_("x")])),
        conditioned(domain=("interval", 2, 1)),
        conditioned(domain=("interval", 1, 1)),
    ],
    ids=range(7),
)
def test_conditions_that_contradict_each_other_are_said(data: Json) -> None:
    """Under these everything is proved."""
    report = check(data)
    assert (report.status, report.unproved) == (PARTLY, (CONSISTENCY,))


def test_what_is_said_to_differ_from_zero_may() -> None:
    for zero in (0, ["*", 0, "m"], ["+", "m", minus_("m")]):
        assert check(conditioned(POSITIVE, nonzero=[zero])).status == REJECTED


def test_a_derivation_says_that_its_conditions_contradict_each_other() -> None:
    spec = {
        "name": "conditions",
        "observed": ["x", "y"],
        "variational": "any",
        "parameters": {"m": "real"},
        "model": ["x ~ Normal(0, m**3)", "y ~ Normal(0, -m**3)"],
    }
    data = certificate_data(symelbo.derive(spec))
    assert CONSISTENCY in data["unproved"]
    assert check_data({**data, "unproved": []}).unproved[-1] == CONSISTENCY


def test_a_point_at_which_conditions_hold() -> None:
    v = Symbol("v", "parameter", DOMAINS["real"](), (("D", 0),))
    z = Symbol("z", "latent", DOMAINS["binary"]())
    d = ("i", "d", 1, "D", 0)
    entry: Raw = ("v", "v", v.kind, (d,))
    bit: Raw = ("v", "z", z.kind, ())
    symbols = {"v": v, "z": z}

    def held(*bodies: Raw, known: Mapping[Any, Fraction] | None = None) -> bool:
        conditions = tuple(Condition(DOMAINS["positive"](), ((), body)) for body in bodies)
        density = Density("x", z, (d,), (), z.domain, ONE, (), conditions)
        return can_hold([density], (), symbols, {"D": 2}, known)

    assert held(entry) and held(minus(ONE, entry)) and held(("+", ONE, ("*", entry, bit)))
    assert not held(entry, ("*", ("q", Fraction(-1)), entry))
    assert not held(minus(bit, entry), entry)  # it holds at z = 1 only
    at: dict[Any, Fraction] = {("v", (1,)): Fraction(1), ("v", (2,)): Fraction(-1)}
    assert not held(entry, known=at)


# ---------------------------------------------------------------- names, sizes, shapes


def named_like_a_category(name: str) -> Json:
    """d(c, i) k is k where c is i, and not always."""
    w = Writer()
    chosen = ["d", ["e", "c"], name]
    shown = ["+", minus_("k"), ["*", "k", ["d", ["e", "c"], ["p", "C"]]]]
    factors = [w.density("y", ["*", chosen, "k"], plates=[name]), w.density("c", 0)]
    claim = w.claim(w.identity("y", shown), w.identity("c", 0))
    symbols = {
        "c": ("observed", w.ends("category", None, ["n", "C"])),
        "y": ("observed", "unit", ["C"]),
        "k": ("constant", "real"),
    }
    sizes = {"sizes": {"C": 2}, "indices": {name: [1, ["C", -1]]}}
    return w.certificate(symbols, factors, claim, **sizes)


def test_no_index_has_a_name_that_the_checker_gives() -> None:
    for name in ("i", "category ('c', ())", "?('c', ())", "~1", "#1.0", ""):
        report = check(named_like_a_category(name))
        assert report.status == REJECTED, name
        reserved = name[:1] in "~#?"
        assert ("reserved name" in report.reasons[0]) is reserved, report


def sized(sizes: Json, size: str = "D") -> Json:
    """x exponential of the rate a/D."""
    w = Writer()
    rate = ["*", "a", ["^", ["n", size], -1]]
    claim = w.claim(w.identity("x", entropy(rate)), parameters={"a": "a"})
    symbols = {"a": ("parameter", "positive"), "x": ("observed", "positive")}
    return w.certificate(symbols, [w.density("x", exponential(rate, "x"))], claim, sizes=sizes)


def test_sizes_are_positive() -> None:
    assert check(sized({"D": 1})).status == CHECKED
    for sizes in ({"D": 0}, {"D": -3}, {"": 1}, {"?": 1}, {"D": True}, {"D": "1"}):
        assert check(sized(sizes)).status == REJECTED, sizes
    for size in ("", "?", "~D"):
        assert check(sized({}, size)).status == REJECTED, size


@pytest.mark.parametrize(
    ("domain", "shape"),
    [
        ("simplex", []),
        ("onehot", []),
        ("counts", []),
        ("posdef", []),
        ("posdef", [2]),
        ("posdef", [2, 3]),
        ("invertible", []),
        ({"kind": "angle", "lower": 0, "upper": 1}, []),
        ({"kind": "angle", "lower": 0}, []),
        ({"kind": "real", "lower": 0, "upper": 9}, []),
    ],
)
def test_a_domain_has_the_axes_and_the_ends_that_it_may_have(domain: Any, shape: Any) -> None:
    def data(domain: Any, shape: Any) -> Json:
        w = Writer()
        claim = w.claim(w.identity("x", 0))
        factors = [w.density("x", 0)]
        symbols = {"p": ("constant", domain, shape), "x": ("observed", "unit")}
        w.term(1)
        return w.certificate(symbols, factors, claim)

    kind = domain["kind"] if isinstance(domain, dict) else domain
    right = {"posdef": [2, 2], "angle": [], "real": []}.get(kind, [2])
    assert check(data(kind, right)).status == CHECKED
    assert check(data(domain, shape)).status == REJECTED


def test_a_category_has_a_known_number_of_places() -> None:
    def data(upper: Any) -> Json:
        w = Writer()
        chosen = ["v", "m", ["e", "c"]]
        more = {"sizes": {"C": 2}, "theorem": 2}
        symbols = {
            "c": ("observed", w.ends("category", None, upper)),
            "m": ("constant", "real", ["C"]),
            "x": ("observed", "real"),
        }
        factors = [w.density("x", chosen), w.density("c", 0)]
        claim = w.claim(w.identity("x", minus_(chosen)), w.identity("c", 0))
        return w.certificate(symbols, factors, claim, **more)

    assert check(data(["n", "C"])).status == CHECKED
    for upper in (["*", 2, ["n", "C"]], ["+", 1, ["n", "C"]], None):
        assert check(data(upper)).status == REJECTED


def test_a_sign_is_a_number() -> None:
    data = entropy_of_q("positive", "positive")
    for sign in (True, 0, 2, "1", None):
        changed = copy.deepcopy(data)
        changed["sum"]["printed"][0]["sign"] = sign
        assert check(changed).status == REJECTED, sign


# ---------------------------------------------------------------- what would take for ever


def of_x(log_density: Any, names: dict[str, str] | None = None, indices: Any = None) -> Json:
    w = Writer()
    claim = w.claim(w.identity("x", 0))
    symbols = {
        "x": ("observed", "real"),
        "a": ("parameter", "positive"),
        **{name: ("parameter", domain) for name, domain in (names or {}).items()},
    }
    factors = [w.density("x", log_density)]
    return w.certificate(symbols, factors, claim, indices=indices or {})


def squared(term: Any, times: int) -> Any:
    for _ in range(times):
        term = ["*", term, term]
    return term


def many(n: int) -> list[str]:
    return [f"v{k}" for k in range(n)]


def long_coefficients() -> Json:
    parts = [
        ["*", f"{10**1900 + 7 * k}/{10**1900 + 3 * k + 1}", name] for k, name in enumerate(many(12))
    ]
    return of_x(["^", ["+", "x", *parts], 6], dict.fromkeys(many(12), "real"))


def no_sum_of_squares() -> Json:
    names = many(30)
    squares = [["^", ["+", a, minus_(b)], 2] for a, b in zip(names, names[3:], strict=False)]
    products = [["*", a, b] for a, b in pairwise(names)]
    return of_x(["f", "log", ["+", 1, *squares, *products]], dict.fromkeys(names, "real"))


def many_enclosures() -> Json:
    def number(k: int) -> Any:
        less = minus_(["f", "exp", f"{k - 1}/7"])
        return ["+", ["f", "exp", f"{k}/7"], less, ["*", "-1/1000", ["f", "loggamma", f"{k}/3"]]]

    return of_x(["+", "x", *(["f", "log", number(k)] for k in range(1, 600))])


def many_factors_of_one_term() -> Json:
    w = Writer()
    shared = ["+", *(["f", "exp", ["*", k, "m"]] for k in range(6000))]
    names = [f"x{k}" for k in range(600)]
    symbols = {"m": ("parameter", "real"), **{name: ("observed", "real") for name in names}}
    claim = w.claim(*(w.identity(name, shared) for name in names), parameters={"m": 1})
    return w.certificate(symbols, [w.density(name, shared) for name in names], claim)


def many_conditions() -> Json:
    bounds = [["+", ["*", sign, "m"], -k] for sign in (1, -1) for k in range(1, 250)]
    return conditioned(*(("positive", bound) for bound in bounds))


def nested_sums(depth: int) -> Json:
    """A determinant of nested sums of 9000 places each."""
    data = of_x(0)
    w = Writer()
    names = [f"i{k}'" for k in range(depth)]
    term: Any = ["f", "exp", minus_(["+", *(["iv", name] for name in names)])]
    for name in names:
        term = ["S", name, term]
    data["indices"] = {name: [1, 9000] for name in names}
    found = w.refutation("x", "x", "a", ([(1, 1, 1)], 1))
    found["cases"][0]["matrix"] = [[w.term(term)]]
    factors = [w.density("x", ["*", "a", "x"])]
    more = {"verdict": "refuted", "theorem": None, "claims": [], "refutations": [found]}
    return {**data, "terms": w.terms, "factors": factors, **more}


ENDLESS: dict[str, Callable[[], Json]] = {
    "numbers that double": lambda: of_x(squared(["+", "x", "a", "9" * 3900], 8)),
    "fractions of long denominators": long_coefficients,
    "a form in many variables": no_sum_of_squares,
    "enclosures": many_enclosures,
    "one term in many factors": many_factors_of_one_term,
    "conditions": many_conditions,
    "sums in sums": lambda: nested_sums(5),
    "a factorial": lambda: of_x(["f", "polygamma", 10**9, ["+", "a", 1]]),
    "logarithms of large primes": lambda: of_x(
        ["+", "x", *(["f", "log", ["q", str(10**60 + k)]] for k in range(3000))]
    ),
    "a power of a power": lambda: of_x(["^", ["^", "x", "1" + "0" * 3900], 10**9]),
    "a sum of many powers": lambda: of_x(
        ["^", ["+", "x", *many(60)], 60], dict.fromkeys(many(60), "real")
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_takes_too_long_is_given_up(name: str) -> None:
    assert check(ENDLESS[name]()).status != CHECKED


def test_all_parts_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many parts, each within its own bound, the last ones are not shown."""

    def data(n: int) -> Json:
        w = Writer()
        names = [f"x{k}" for k in range(n)]
        symbols = {"a": ("parameter", "positive"), **{x: ("observed", "positive") for x in names}}
        # of the same polynomial, which is only seen when both are multiplied out
        powers = [["^", ["+", "a", k], 12] for k in range(1, n + 1)]
        squares = [["+", ["^", "a", 2], ["*", 2 * k, "a"], k * k] for k in range(1, n + 1)]
        shown = [
            ["+", entropy("a"), ["^", square, 6], minus_(power)]
            for square, power in zip(squares, powers, strict=True)
        ]
        claim = w.claim(*map(w.identity, names, shown), parameters={"a": "a"})
        return w.certificate(symbols, [w.density(x, exponential("a", x)) for x in names], claim)

    monkeypatch.setattr(work, "MAX_WORK", 5000)
    assert check(data(2)).status == CHECKED
    report = check(data(40))
    assert "bound on the work" in report.reasons[0] and len(report.proved) > 5, report


# ---------------------------------------------------------------- enclosures of sums


def over(name: str, most: int, body: Raw) -> Raw:
    return ("S", ("i", name, 1, "", most), body)


def place(name: str, most: int) -> Raw:
    return ("iv", ("i", name, 1, "", most))


def test_a_sum_that_does_not_depend_on_the_outer_index_is_enclosed_once() -> None:
    inner = over("~k", 300, ("^", place("~k", 300), ("q", Fraction(2))))
    low, high = enclose(over("~m", 300, ("+", place("~m", 300), inner)), 64)
    assert low <= 300 * 9_045_050 + 45_150 <= high and high - low < 1
    deep: Raw = ONE
    for n in range(12):
        deep = over(f"~{n}", 300, ("*", deep, ("^", place(f"~{n}", 300), ("q", Fraction(-1)))))
    with pytest.raises(Unbounded, match="too many numbers"):
        enclose(over("~a", 9000, over("~b", 9000, ("*", place("~a", 9000), place("~b", 9000)))))
    low, high = enclose(over("~x", 300, place("~x", 300)), 64)
    assert low == high == 45_150
    assert enclose(deep, 64)[0] > 0


def test_parts_that_occur_twice_under_a_sum_are_enclosed_once() -> None:
    body: Raw = place("~k", 5)
    for _ in range(60):
        body = ("+", body, body)
    low, high = enclose(over("~k", 5, body), 64)
    assert low == high == 15 * 2**60


def test_every_enclosure_has_work_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is kept for many is as good for the last as for the first."""
    monkeypatch.setattr(interval, "MAX_WORK", 2000)
    kept = Intervals(256)
    for k in range(2, 40):
        assert kept.bounds(("f", "log", ("q", Fraction(k))))[0] > 0
    with pytest.raises(Unbounded):
        kept.bounds(("+", *(("f", "log", ("q", Fraction(k, 41))) for k in range(42, 80))))
