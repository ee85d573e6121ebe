"""Each rule for printing holds as a law, and what is printed by it keeps its digits."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import itertools
import random
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from all_domains import DOMAINS
from libraries import library
from mpmath import mp, mpf

import symelbo
from symelbo.code import gamma_rules, stable_rules
from symelbo.code.facts import Facts
from symelbo.code.gamma_rules import LOG_MULTINOMIAL
from symelbo.code.lower import Lowering
from symelbo.code.print_arrays import ArrayPrinter
from symelbo.code.stable_form import settle, stable_form
from symelbo.code.stable_rules import FACT_RULES, LOG_SOFTMAX, RULES, name_share
from symelbo.index.domains import Category, Naturals, Positive, Real, Simplex
from symelbo.index.substitute import map_parts
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Entry,
    Extent,
    Index,
    IndexValue,
    Mul,
    Number,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.language.parse import parse_expression
from symelbo.language.resolve import Resolver
from symelbo.language.scope import SizeName

DIGITS = 400
K = Extent("K")
_DOMAINS = {
    "real": ("a", "b", "m", "v"),
    "positive": ("r", "s", "t", "u"),
    "unit": ("p", "g"),
    "naturals": ("x", "n"),
    "binary": ("y",),
}
SYMBOLS = {
    name: Symbol(name, Role.OBSERVED if name in "xyv" else Role.PARAMETER, DOMAINS[kind])
    for kind, names in _DOMAINS.items()
    for name in names
}
SYMBOLS["w"] = Symbol("w", Role.OBSERVED, Positive())  # from u on
SYMBOLS["l"] = Symbol("l", Role.PARAMETER, Real(), (K,))
SYMBOLS["q"] = Symbol("q", Role.PARAMETER, Simplex(), (K,))
SYMBOLS["k"] = Symbol("k", Role.OBSERVED, Naturals(), (K,))
SYMBOLS["h"] = Symbol("h", Role.OBSERVED, Naturals(), (K,))
SYMBOLS["c"] = Symbol("c", Role.OBSERVED, Category(Size("K")))
SYMBOLS["d"] = Symbol("d", Role.PARAMETER, Positive(), (K,))
FACTS = Facts(
    frozenset((SYMBOLS["q"],)),
    ((SYMBOLS["k"], Array((), Entry(SYMBOLS["n"]))),),
    ((SYMBOLS["w"], (Array((), Entry(SYMBOLS["u"])), None)),),
)


def term(text: str) -> Term:
    """A term of the language, in the symbols above; K is a size."""

    def report(fault: object) -> None:
        raise AssertionError(fault)

    names = {**SYMBOLS, "K": SizeName(K)}
    text = text.replace("ratio(", "logbesseli0(2*")  # besselratio is no name of the language
    syntax = parse_expression(text)
    return _restore(Resolver(text, names, report, density=True, categories=K).scalar(syntax, {}))


def _restore(item: Term) -> Term:
    match item:
        case Call("logbesseli0", (Mul((Number(), argument)),)):
            return Call("besselratio", (argument,))
        case Call():
            return item
    return map_parts(item, _restore, lambda place: place, lambda array: array)


# ---------------------------------------------------------------- values in mpmath


def sigmoid(a: mpf) -> mpf:
    return mp.exp(a) / (1 + mp.exp(a)) if a < 0 else 1 / (1 + mp.exp(-a))


def softplus(a: mpf) -> mpf:
    return mp.log1p(mp.exp(-abs(a))) + max(a, mpf(0))


def xlogy(x: mpf, y: mpf) -> mpf:
    return x * mp.log(y) if x else mpf(0)


FUNCTIONS: dict[str, Callable[..., mpf]] = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": lambda a: mp.log(a) if a else mpf("-inf"),
    "logzero": lambda a: mp.log(a) if a else mpf("-inf"),
    "tanh": mp.tanh,
    "cos": mp.cos,
    "sin": mp.sin,
    "abs": abs,
    "loggamma": mp.loggamma,
    "digamma": mp.digamma,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "logbesseli0": lambda k: mp.log(mp.besseli(0, k)),
    "besselratio": lambda k: mp.besseli(1, k) / mp.besseli(0, k),
    # what the rules write
    "entropyoflogit": lambda a: softplus(a) - a * sigmoid(a),
    "logstirling": lambda x: mp.loggamma(x + 1) - xlogy(x, x) + x,
    "logminusdigamma": lambda x: mp.log(x) - mp.digamma(x),
    "deviance": lambda x, m, level: xlogy(x, x) - (x * level if x else 0) - x + m,
    "logchoose": lambda x, y: mp.loggamma(x + y + 1) - mp.loggamma(x + 1) - mp.loggamma(y + 1),
    "logratio": lambda x, y: mp.log(x / y),
    "logbesseli0e": lambda k: mp.log(mp.besseli(0, k)) - k,
    "besselgap": lambda k: 1 - mp.besseli(1, k) / mp.besseli(0, k),
    "versine": lambda a: 1 - mp.cos(a),
    "xlogy": xlogy,
    "entr": lambda p: -xlogy(p, p),
    "exprel": lambda x: mp.expm1(x) / x if x else mpf(1),
    "raised": lambda x, n: x**n,
    "over": lambda x, y: x / y,
}


def value(item: Term, given: Mapping[str, Any], at: Mapping[Index, int] | None = None) -> mpf:
    """A term in mpmath, from the definitions of the functions alone."""
    at = at or {}
    match item:
        case Number(number):
            return mpf(number.numerator) / number.denominator
        case Constant(name):
            return mp.pi if name == "pi" else mp.e
        case Size("K"):
            return mpf(len(given["q"]))
        case IndexValue(Index() as index):
            return mpf(at[index])
        case Entry(symbol, ()):
            return given[symbol.name]
        case Entry(symbol, (place,)):
            return given[symbol.name][position(place, given, at) - 1]
        case Add(terms):
            return mp.fsum(value(t, given, at) for t in terms)
        case Mul(factors):
            values = [value(f, given, at) for f in factors]
            return mpf(0) if 0 in values else mp.fprod(values)
        case Power(base, exponent):
            return value(base, given, at) ** value(exponent, given, at)
        case Call(name, arguments):
            return FUNCTIONS[name](*(value(a, given, at) for a in arguments))
        case Sum(index, body):
            places = range(index.low, len(given["q"]) + index.extent.offset + 1)
            return mp.fsum(value(body, given, {**at, index: n}) for n in places)
        case Apply(function, (array,), indices):
            (index,) = array.indices
            entries = [value(array.body, given, {**at, index: n + 1}) for n in range(3)]
            if function == LOG_MULTINOMIAL:
                parts = mp.fsum(mp.loggamma(e + 1) for e in entries)
                return mp.loggamma(mp.fsum(entries) + 1) - parts
            weights = [mp.exp(e) for e in entries]
            share = weights[position(indices[0], given, at) - 1] / mp.fsum(weights)
            return mp.log(share) if function == LOG_SOFTMAX else share
    raise TypeError(f"no value of {item!r}")


def position(place: Any, given: Mapping[str, Any], at: Mapping[Index, int]) -> int:
    match place:
        case Index():
            return at[place]
        case Entry(symbol, ()):
            return int(given[symbol.name])
    return len(given["q"]) + int(place.extent.offset)  # the last place K


# ---------------------------------------------------------------- samples of the rules

# what a rule applies to, and the symbols that take extreme values
SAMPLES: dict[str, list[str]] = {
    "expand_logarithm": [
        "log(2*PI*s*t)",
        "log(s**2)",
        "log(s**2*t/3)",
        "log(exp(a))",
        "log(sigmoid(a))",
        "log(3*exp(a)*s)",
        "log(s*sigmoid(a))",
    ],
    "merge_exponentials": ["exp(a)**2", "1/exp(a)", "exp(a)**(-3/2)"],
    "cancel_exponential": ["exp(log(s))", "exp(log(q[c]))"],
    "shift_exponential": ["1 - exp(a)", "1 - exp(-r)"],
    "reflect_sigmoid": ["1 - sigmoid(a)", "x - n*sigmoid(a)", "n*sigmoid(a) - x", "y - sigmoid(a)"],
    "rewrite_tanh": ["1 + tanh(a)", "1 - tanh(a)"],
    "fold_binary_softplus": ["y*a - softplus(a)", "y*a*r - softplus(a*r)", "s*y*a - s*softplus(a)"],
    "name_entropy_of_logit": [
        "softplus(a) - a*sigmoid(a)",
        "r*softplus(a*b) - r*a*b*sigmoid(a*b)",
        "sigmoid(-a)*softplus(a) + sigmoid(a)*softplus(-a)",
        "s*sigmoid(-a)*softplus(a) + s*sigmoid(a)*softplus(-a) - b",
    ],
    "reflect_softplus": ["softplus(a) - a", "r*softplus(a) - r*a", "softplus(a) - softplus(-a)"],
    "divide_softplus": ["softplus(a)/sigmoid(a) - a", "r*softplus(a)/sigmoid(a) - r*a + b"],
    "cancel_reciprocal": ["1 - 1/p", "x + r - r/p", "1 - 1/sigmoid(a)", "x + r - r/sigmoid(a)"],
    "distribute_softplus": ["softplus(a)*(x - r*exp(-a))"],
    "name_softplus_ratio": ["softplus(a)*exp(-a)", "r*softplus(a)*exp(-a)"],
    "shift_softmax": [
        "log(sum(exp(l[i]) for i in 1:K)) -"
        " sum(l[i]*exp(l[i]) for i in 1:K)/sum(exp(l[i]) for i in 1:K)",
        "g*sum(l[i]*exp(l[i]) for i in 1:K)/sum(exp(l[i]) for i in 1:K) - g*l[c]",
    ],
    "name_softmax": [
        "sum(d[i]*exp(l[i]) for i in 1:K)/sum(exp(l[i]) for i in 1:K)",
        "r*sum(exp(l[i])*l[i] for i in 1:K)/sum(exp(l[i]) for i in 1:K)",
    ],
    "name_log_softmax": [
        "l[c] - log(sum(exp(l[i]) for i in 1:K))",
        "s*log(sum(exp(l[i]) for i in 1:K)) - s*l[c] + a",
    ],
    "name_share": [
        "exp(l[c])/sum(exp(l[i]) for i in 1:K)",
        "r*exp(l[c])*d[c]/sum(exp(l[i]) for i in 1:K)",
    ],
    "measure_angle": [
        "cos(a)*cos(b) + sin(a)*sin(b)",
        "s*cos(a)*cos(b) + s*sin(a)*sin(b) - r",
        "s*cos(a - b) - r",
    ],
    "subtract_bessel": ["log(2*PI) + logbesseli0(s) - s*ratio(s)", "s - logbesseli0(s)"],
    "raise_quotient": ["r**s/t**s", "b*r**3/t**3"],
    "measure_excess": [
        "log(s) + s*log(u) - (s + 1)*log(w)",
        "(s + 1)*log(u) - (s + 1)*log(w) + 1/s",
    ],
    "standardize_square": [
        "(v - m)**2/s",
        "-s*(v - m)**2/2",
        "t*(v - m)**2/(s**2*r)",
        "v**2*exp(-a)",
    ],
    "collect_polynomial": ["p*x - x + p*(n - x)", "x*sigmoid(a) - x + sigmoid(a)*(n - x)"],
    "turn_signs": ["-a*(-x - s)"],
    "sum_indices": ["sum(i for i in 1:K)"],
    "complete_counts": [
        "n*log(d[K]) + sum(k[i]*(log(d[i]) - log(d[K])) for i in 1:K-1)",
        "n*log(d[K]) - log(d[K])*sum(k[i] for i in 1:K-1) + sum(k[i]*log(d[i]) for i in 1:K-1)",
    ],
    "condense_gammas": [
        "x*log(r) - r - loggamma(x + 1)",
        "x*a - exp(a) - loggamma(x + 1)",
        "s*log(r) - loggamma(s) + (s - 1)*log(t) - r*t",
        "s*log(r) - loggamma(s) - (s + 1)*log(t) - r/t",
        "s - log(r) + loggamma(s) + (1 - s)*digamma(s)",
        "s + log(r) + loggamma(s) - (1 + s)*digamma(s)",
        "loggamma(s/2) - s*digamma(s/2)/2",
        "(s/2 - 1)*log(t) - t/2 - s*log(2)/2 - loggamma(s/2)",
        "loggamma(s + t) - loggamma(s) - loggamma(t) + (s - 1)*log(p) + (t - 1)*log(1 - p)",
        "loggamma(s) + loggamma(t) - loggamma(s + t) - (s - 1)*digamma(s) - (t - 1)*digamma(t)"
        " + (s + t - 2)*digamma(s + t)",
        "loggamma(n + 1) - loggamma(x + 1) - loggamma(n - x + 1) + x*log(p) + (n - x)*log(1 - p)",
        "loggamma(n + 1) - loggamma(x + 1) - loggamma(n - x + 1) + x*a - n*softplus(a)",
        "loggamma(n + 1) - loggamma(x + 1) - loggamma(n - x + 1)",
        "loggamma(x + s) - loggamma(s) - loggamma(x + 1)",
        "loggamma(x + s) - loggamma(s) - loggamma(x + 1) + s*log(p) + x*log(1 - p)",
        "sum((d[i] - 1)*log(q[i]) - loggamma(d[i]) for i in 1:K)"
        " + loggamma(sum(d[i] for i in 1:K))",
        "loggamma(n + 1) - sum(loggamma(k[i] + 1) for i in 1:K)",
        "K*loggamma(n + 1) - sum(loggamma(h[i] + 1) + loggamma(n - h[i] + 1) for i in 1:K)",
        "loggamma(n + 1) - sum(loggamma(k[i] + 1) for i in 1:K) + sum(k[i]*log(q[i]) for i in 1:K)",
    ],
    "weigh_logarithm": ["q[c]*log(q[c])", "x*log(q[c])", "-2*x*log(q[c])"],
    "mark_zero": ["log(q[c])"],
}
ALL = {rule.__name__: rule for rule in (*RULES, *FACT_RULES, name_share)}
LARGE_ANGLE = 1e4
EXTREMES: dict[str, list[float]] = {
    "a": [0.0, -1e-8, 36.0, -37.0, 690.0, -690.0],
    "b": [1.0, -3.0, 300.0],
    "m": [0.0, 1e-100, 1e100, -1e8],
    "v": [0.0, 1e-100, 1e100, 2.0],
    "r": [1e-100, 1e-8, 1.0, 1e8],
    "s": [1e-100, 1e-8, 0.5, 9.99, 10.01, 1e8],
    "t": [1e-100, 1e-8, 1.0, 1e8],
    "u": [1e-100, 1.0, 1e100],
    "p": [1e-300, 1e-16, 0.5, 1 - 2.0**-53],
    "n": [1.0, 9.0, 1e8],
    "y": [0.0, 1.0],
}


def draw(rng: random.Random, *, extreme: bool) -> dict[str, Any]:
    """Values of all symbols, as floats"""

    def pick(name: str, ordinary: float) -> float:
        return rng.choice(EXTREMES[name]) if extreme else ordinary

    given: dict[str, Any] = {
        "a": pick("a", rng.gauss(0, 2)),
        "b": pick("b", rng.gauss(0, 2)),
        "m": pick("m", rng.gauss(0, 2)),
        "v": pick("v", rng.gauss(0, 2)),
        "p": pick("p", rng.uniform(0.1, 0.9)),
        "g": rng.uniform(0.1, 0.9),
        "n": pick("n", float(rng.randint(1, 12))),
        "y": float(rng.randint(0, 1)),
        "c": float(rng.randint(1, 3)),
    }
    given |= {name: pick(name, rng.uniform(0.2, 3.0)) for name in "rstu"}
    given["w"] = given["u"] * rng.choice([1.0, 1 + 1e-8, 1.5, 1e8])
    given["x"] = float(rng.randint(0, int(given["n"])))
    first = rng.randint(0, int(given["n"]))
    second = rng.randint(0, int(given["n"]) - first)
    given["k"] = [float(first), float(second), given["n"] - first - second]
    given["h"] = [float(rng.randint(0, int(given["n"]))) for _ in range(3)]
    weights = [rng.uniform(0.1, 1.0) for _ in range(3)]
    given["q"] = [0.25, 0.25, 0.5] if extreme else [w / sum(weights) for w in weights]
    given["l"] = [rng.choice([-1e3, 0.0, 1e3, -40.0]) if extreme else w for w in weights]
    given["d"] = [rng.choice(EXTREMES["s"]) if extreme else w for w in weights]
    return given


def exact(given: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, number in given.items():
        result[name] = [mpf(v) for v in number] if isinstance(number, list) else mpf(number)
    total = mp.fsum(result["q"])
    result["q"] = [p / total for p in result["q"]]
    return result


def apply(name: str, item: Term) -> Term | None:
    rule: Any = ALL[name]
    found: Term | None = rule(item, FACTS) if rule in FACT_RULES else rule(item)
    return found


def test_every_rule_has_samples_and_a_law() -> None:
    assert SAMPLES.keys() == ALL.keys()
    for rule in ALL.values():
        assert "->" in (rule.__doc__ or "")


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, ts in SAMPLES.items() for t in ts])
def test_law(name: str, text: str) -> None:
    """left = right, by the definitions of the functions"""
    before = term(text)
    after = apply(name, before)
    assert after is not None and after != before, f"{name} does not apply to {text}"
    final = stable_form(before, FACTS)
    rng = random.Random(text)
    with mp.workdps(DIGITS):
        for n in range(24):
            given = exact(draw(rng, extreme=n % 2 == 1))
            wanted = value(before, given)
            size = 1 + abs(wanted)
            for found in (value(after, given), value(final, given)):
                same = found == wanted or abs(found - wanted) <= mpf(10) ** -40 * size
                assert same, (n, given, mp.nstr(wanted, 20), mp.nstr(found, 20))


# ---------------------------------------------------------------- what is printed


@cache
def helper_module() -> ModuleType:
    path = Path(__file__).parents[1] / "templates" / "python" / "helpers.py"
    spec = importlib.util.spec_from_file_location("helpers", path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def helpers() -> SimpleNamespace:
    """The helpers in NumPy"""
    space = library("numpy").space
    bound = {}
    for name, function in vars(helper_module()).items():
        if isinstance(function, FunctionType):
            libraries = [space[n] for n in inspect.signature(function).parameters if n in space]
            bound[name] = partial(function, *libraries)
    return SimpleNamespace(**bound)


def printed(item: Term, given: Mapping[str, Any]) -> float:
    """The expression for a term in NumPy, at the given numbers."""
    code = ArrayPrinter({"K": "K"}).text(Lowering().lower(settle(item, FACTS)))
    space = {**vars(helper_module()), **library("numpy").space, "K": 3}
    for name, number in given.items():
        array = np.asarray(number)
        space[name] = array.astype(int) if name == "c" else array
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        return float(eval(code, space))


def condition(item: Term, given: dict[str, Any]) -> mpf:
    """sum |v df/dv| over all numbers"""
    step, own = mpf(10) ** -60, exact(given)
    base, total = value(item, own), mpf(0)
    for name, number in own.items():
        if name in "xnykch":
            continue
        entries = number if isinstance(number, list) else [number]
        for n, entry in enumerate(entries):
            moved = [*entries[:n], entry * (1 + step), *entries[n + 1 :]]
            ahead = {**own, name: moved if isinstance(number, list) else moved[0]}
            total += abs(value(item, ahead) - base) / step
    return total


@pytest.mark.parametrize("text", [t for ts in SAMPLES.values() for t in ts])
def test_printed_numbers(text: str) -> None:
    """To 1e-10, or to the last place of the arguments; not a float: FloatingPointError."""
    item, rng, tried = term(text), random.Random(text), 0
    with mp.workdps(DIGITS):
        for _ in range(40):
            given = draw(rng, extreme=True)
            wanted = value(item, exact(given))
            try:
                found = printed(item, given)
            except FloatingPointError:
                assert abs(wanted) > mpf(10) ** 300 or "sin" in text, (given, mp.nstr(wanted, 9))
                continue
            if abs(wanted) > mpf(10) ** 300:
                continue
            tried += 1
            error = abs(mpf(found) - wanted)
            if error > mpf("1e-10") * abs(wanted) and error > mpf("1e-300"):
                bound = 64 * mpf(2) ** -53 * (16 + condition(item, given))
                assert error <= bound, (given, mp.nstr(wanted, 17), found)
    assert tried > 4


# ---------------------------------------------------------------- the helpers themselves

GRID = [0.0, 1e-300, 1e-16, 1e-8, 1e-3, 0.3, 1.0, 2.0, 5.0, 9.99, 10.0, 10.01, 30.0, 199.0, 201.0]
GRID += [1e3, 1e8, 1e15, 1e100, 1e300]
MEANS = [1e-300, 1e-8, 0.3, 1.0, 9.9, 10.0, 1e8, 1e8 + 1e4, 1.1e8, 1e15, 1e300]


def close(found: Any, wanted: mpf, floor: float = 1e-15) -> bool:
    return bool(abs(mpf(float(found)) - wanted) <= mpf("1e-12") * abs(wanted) + mpf(floor))


def test_helpers_by_definition(helpers: SimpleNamespace) -> None:
    with mp.workdps(DIGITS), np.errstate(over="raise", divide="raise", invalid="raise"):
        for x in GRID:
            array, number = np.asarray(x), mpf(x)
            assert close(helpers._log_stirling(array), FUNCTIONS["logstirling"](number)), x
            assert close(helpers._entropy_of_logit(array), FUNCTIONS["entropyoflogit"](number)), x
            assert helpers._entropy_of_logit(-array) == helpers._entropy_of_logit(array)
            if x:
                wanted = FUNCTIONS["logminusdigamma"](number)
                assert close(helpers._log_minus_digamma(array), wanted, 0), x
                assert helpers._log(array) == np.log(x)
            if x < 1e4:  # sin loses the digits of large angles
                assert close(helpers._versine(array), FUNCTIONS["versine"](number), 0), x
            if 0 < x < 2000:
                assert close(helpers._bessel_gap(array), FUNCTIONS["besselgap"](number), 0), x
        assert helpers._log(np.asarray(0.0)) == -np.inf
        assert np.allclose(helpers._bessel_gap(np.array([1e8, 1e300])) * 2e8, [1, 0], rtol=1e-7)


def test_a_ratio_is_one_where_nothing_is_known(helpers: SimpleNamespace) -> None:
    found = helpers._ratio(np.array([3.0, 0.0, 2.0]), np.array([2.0, 0.0, 0.0]))
    assert found.tolist() == [1.5, 1.0, np.inf]


def test_deviance_by_definition(helpers: SimpleNamespace) -> None:
    with mp.workdps(700), np.errstate(over="raise", divide="raise", invalid="raise"):
        for x, mean in itertools.product([*GRID, 1e8 + 1e4, 1e8 * (1 + 1e-8)], MEANS):
            level = np.log(mean)
            found = helpers._deviance(np.asarray(x), np.asarray(mean), level)
            wanted = FUNCTIONS["deviance"](mpf(x), mpf(mean), mp.log(mpf(mean)))
            # the last place of the mean is worth |x - mean|
            slack = abs(mpf(x) - mpf(mean)) * mpf(2) ** -52
            assert abs(mpf(float(found)) - wanted) <= mpf("1e-12") * wanted + slack, (x, mean)
        zero = np.asarray(0.0)
        assert helpers._deviance(zero, zero, -np.inf) == 0
        assert helpers._deviance(np.asarray(2.0), zero, -np.inf) == np.inf


def test_coefficients_by_definition(helpers: SimpleNamespace) -> None:
    with mp.workdps(700), np.errstate(over="raise", divide="raise", invalid="raise"):
        for x, y in itertools.product([0.0, 1e-8, 1.0, 3.0, 1e3, 1e8, 1e12], repeat=2):
            found = helpers._log_choose(np.asarray(x), np.asarray(y))
            assert close(found, FUNCTIONS["logchoose"](mpf(x), mpf(y)), 1e-14), (x, y)
        for x, y in itertools.product([1e-300, 1.0, 1 + 1e-15, 1.4, 1.6, 2.0, 1e300], repeat=2):
            found = helpers._log_ratio(np.asarray(x), np.asarray(y))
            assert close(found, mp.log(mpf(x) / mpf(y)), 0), (x, y)


def test_softmax_by_definition(helpers: SimpleNamespace) -> None:
    for a in ([0.0, 0.0], [0.0, -40.0], [1e3, -1e3], [1e300, -1e300], [1e8, 1e8, 1e8 - 1], [7.0]):
        with mp.workdps(DIGITS), np.errstate(over="raise", divide="raise", invalid="raise"):
            found = helpers._log_softmax(np.asarray(a))
            top = max(a)
            total = mp.log(mp.fsum(mp.exp(mpf(v) - mpf(top)) for v in a))
            for entry, v in zip(found, a, strict=True):
                assert close(entry, mpf(v) - mpf(top) - total, 0), a


def test_weights_of_zero(helpers: SimpleNamespace) -> None:
    weights, values = np.array([[0.0, 0.25], [0.5, 0.0]]), np.array([-np.inf, 3.0])
    with np.errstate(invalid="raise"):
        found = helpers._weigh(weights, values)
    assert found.tolist() == [[0.0, 0.75], [-np.inf, 0.0]]


ROOT = Path(__file__).resolve().parents[1]


def test_no_helper_is_emitted_that_nothing_calls() -> None:
    """Nor is one called that is not there; and no warning is silenced."""
    used: set[str] = set()
    for path in sorted((ROOT / "models").glob("*.yaml")):
        source = symelbo.derive(path).python()
        if not source:
            continue
        tree = ast.parse(source)
        defined = {f.name for f in tree.body if isinstance(f, ast.FunctionDef) if f.name[0] == "_"}
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert defined == {name for name in names - {"__all__"} if name[0] == "_"}, path
        used |= defined
        assert not re.search(r"ignore|catch_warnings|nan_to_num", source)
    assert {"_log", "_weigh", "_entropy_of_logit", "_deviance", "_log_stirling"} <= used


def test_the_table_of_rules_is_complete() -> None:
    """A function with a law that is in no table would be tested, and never used."""
    with_law = {
        name
        for module in (stable_rules, gamma_rules)
        for name, f in vars(module).items()
        if getattr(f, "__module__", "") == module.__name__
        and "->" in (f.__doc__ or "")
        and name[0] != "_"
    }
    assert with_law == ALL.keys()
