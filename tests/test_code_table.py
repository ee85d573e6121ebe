"""Every node of the terms, in every place that code puts it in: printed, run, and evaluated.

The value of the printed operation is compared with `trial.evaluate`, entry by entry, on arrays
whose axes all differ in length.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from all_domains import DOMAINS
from defined import DEFINITIONS, define
from libraries import LIBRARIES, OTHERS, library

from symelbo.code import ops
from symelbo.code.gamma_rules import LOG_MULTINOMIAL
from symelbo.code.lower import Lowering
from symelbo.code.ops import FUNCTIONS, Op
from symelbo.code.plan import Average, Ratio, Solve, Total
from symelbo.code.print_arrays import ArrayPrinter
from symelbo.code.stable_rules import LOG_SOFTMAX, SOFTMAX, WHOLE
from symelbo.index import terms
from symelbo.index.build import ONE, add, divide, log, mul, number
from symelbo.index.domains import Category, PosDef, Real, Simplex
from symelbo.index.substitute import free_indices, symbols_of
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.trial.evaluate import World, evaluate

LENGTHS = {"N": 2, "K": 3, "D": 4, "H": 5, "S": 6, "T": 7}
N, K, D, H, S, T = (Extent(size) for size in LENGTHS)
n, s, d, h = Index("n", N), Index("s", S), Index("d", D), Index("h", H)
LEADING = (n, s)

# placements: the axes of the arrays that a term is made of
PLACES: dict[str, tuple[Index, ...]] = {
    "a number": (),
    "one axis": (d,),
    "two axes": (d, h),
    "data": (n, d),
    "samples": (s, h),
    "data and samples": (n, s),
    "all": (n, s, d),
}

Axes = tuple[Index, ...]
Build = Callable[[Axes], Term]


def entry(name: str, axes: Axes, domain: str = "positive") -> Entry:
    shape = tuple(axis.extent for axis in axes)
    return Entry(Symbol(name, Role.PARAMETER, DOMAINS[domain], shape), axes)


def array(name: str, shape: tuple[Extent, ...], *places: IndexTerm, domain: str = "real") -> Entry:
    return Entry(Symbol(name, Role.PARAMETER, DOMAINS[domain], shape), places)


def category(name: str, axes: Axes) -> Entry:
    """Categories from 1 to K"""
    shape = tuple(axis.extent for axis in axes)
    return Entry(Symbol(name, Role.LATENT, Category(Size("K")), shape), axes)


def scaled(term: Term) -> Build:
    """A term without axes, by itself or times an array"""
    return lambda axes: mul(term, entry("a", axes)) if axes else term


def last(axes: Axes) -> Index | Position:
    return axes[-1] if axes else Position(Extent(None, 2))


def spd(axes: Axes, name: str = "M") -> Array:
    """A positive definite matrix at every place of the axes"""
    i, j = Index("i", K), Index("j", K)
    inner = Index("r", H)
    left, right = (entry(name, (*axes, row, inner)) for row in (i, j))
    return Array((i, j), add(Delta(i, j), Sum(inner, mul(left, right))))


t, u = Index("t", T), Index("u", T)
later = Index("t", Extent("T", -1))  # 1:T-1
inside = Index("t", Extent("T", -1), 2)  # 2:T-1
k, k2 = Index("k", K), Index("k2", K)


def a(axes: Axes) -> Entry:
    return entry("a", axes)


def b(axes: Axes) -> Entry:
    """An array with the last of the axes alone"""
    return entry("b", axes[-1:])


def c(axes: Axes) -> Entry:
    """The axes the other way round"""
    return entry("c", axes[::-1])


TABLE: dict[type[Term], list[Build]] = {
    Number: [scaled(number(2)), scaled(number("-3/2")), scaled(number("1/3")), scaled(ONE)],
    Constant: [scaled(Constant("pi")), scaled(Constant("e"))],
    Size: [scaled(Size("D")), scaled(add(Size("D"), number(-1)))],
    IndexValue: [
        lambda x: mul(a(x), IndexValue(last(x))),
        lambda x: mul(a(x), IndexValue(category("z", x))),
        lambda x: mul(a(x), Sum(later, IndexValue(Offset(later, 1)))),
        lambda x: mul(a(x), IndexValue(Position(K))),
    ],
    Entry: [
        a,
        c,
        lambda x: array("v", (*(i.extent for i in x), T), *x, Position(T)),
        lambda x: array("v", (*(i.extent for i in x), T), *x, Position(Extent(None, 2))),
        lambda x: array("v", (*(i.extent for i in x), T), *x, Position(Extent("T", -2))),
        lambda x: array("w", (K, *(i.extent for i in x[-1:])), category("z", x[:1]), *x[-1:]),
        lambda x: array("w", (D, K), d, category("z", x)),
        lambda x: array("w", (K, D, K), category("y", x[:1]), d, category("z", x)),
        lambda x: array("w", (K, K), category("y", x), category("z", x[-1:])),
        lambda x: array("q", (D, D), d, d),
        lambda x: array("q", (*(i.extent for i in x), D, D), *x, d, d),
        lambda x: array("w", (D, K), Position(D), category("z", x)),
    ],
    Add: [
        lambda x: add(a(x), b(x)),
        lambda x: add(a(x), c(x), number(1)),
        lambda x: add(mul(number(-2), a(x)), b(x), number(-3)),
        lambda x: add(mul(number(-1), a(x)), mul(number(-1), b(x))),
        lambda x: add(entry("b", x[:1]), entry("c", x[1:])),
    ],
    Mul: [
        lambda x: mul(a(x), b(x)),
        lambda x: mul(number("-1/3"), a(x), c(x)),
        lambda x: mul(number("5/7"), entry("b", x[:1]), entry("c", x[1:])),
        lambda x: mul(add(a(x), ONE), add(b(x), number(2))),
        lambda x: divide(mul(number(2), a(x)), mul(b(x), c(x))),
        lambda x: divide(b(x), mul(number(3), a(x), c(x))),
        lambda x: divide(number(-1), add(a(x), ONE)),
    ],
    Power: [
        lambda x: Power(a(x), number(2)),
        lambda x: Power(a(x), number(-3)),
        lambda x: Power(a(x), number(Fraction(1, 2))),
        lambda x: Power(add(a(x), b(x)), number(Fraction(-3, 2))),
        lambda x: Power(a(x), b(x)),
        lambda x: Power(b(x), mul(number(-1), a(x))),
        lambda x: mul(number(-1), Power(a(x), number(2))),
    ],
    Call: [],  # below, one row per function
    Sum: [
        lambda x: Sum(t, entry("a", (*x, t))),
        lambda x: Sum(t, mul(entry("a", (*x, t)), entry("b", (t,)))),
        lambda x: Sum(t, mul(entry("a", (*x[:1], t)), entry("b", (*x[1:], t)))),
        lambda x: Sum(t, mul(entry("a", (t, *x[:1])), entry("b", (t, *x[1:])))),
        lambda x: Sum(t, Sum(k, mul(entry("a", (*x, t)), entry("b", (k, t)), entry("c", (k,))))),
        lambda x: Sum(t, a(x)),
        lambda x: Sum(t, mul(number("-1/2"), a(x), entry("b", (t,)))),
        lambda x: Sum(
            later, mul(array("b", (T,), later), array("b", (T,), Offset(later, 1)), a(x))
        ),
        lambda x: Sum(inside, mul(array("b", (T,), inside), a(x))),
        lambda x: mul(a(x), Sum(inside, array("b", (T,), Offset(inside, -1)))),
        lambda x: mul(a(x), Sum(k, array("w", (K, K), k, k))),
        lambda x: mul(a(x), Sum(k, array("w", (T, K, K), Position(T), k, k))),
        lambda x: Sum(k, divide(entry("a", (*x, k)), entry("b", (k,)))),
        lambda x: Sum(k, Sum(k, mul(entry("a", (*x, k)), number(2)))),
        lambda x: Sum(k, array("w", (K, K), k, category("z", x))),
        lambda x: Sum(t, array("w", (T, K), t, category("z", (*x[:1], t)))),
    ],
    Delta: [
        lambda x: mul(a(x), Sum(k, mul(Delta(k, category("z", x)), entry("b", (k,))))),
        lambda x: mul(a(x), Delta(category("z", x), Position(K))),
        lambda x: mul(a(x), Delta(category("z", x), category("y", x[-1:]))),
        lambda x: Sum(k, Sum(k2, mul(a(x), Delta(k, k2), entry("b", (k, k2))))),
        lambda x: Sum(later, Sum(u, mul(a(x), Delta(Offset(later, 1), u), entry("b", (u,))))),
        lambda x: mul(a(x), Delta(last(x), last(x))),
        lambda x: mul(a(x), Delta(last(x), Position(Extent(None, 2)))),
    ],
    Apply: [
        lambda x: Apply(SOFTMAX, (Array((k,), entry("a", (*x, k))),), (k,)),
        lambda x: Apply(LOG_SOFTMAX, (Array((k,), entry("a", (k, *x))),), (category("z", x[:1]),)),
        lambda x: Apply(LOG_SOFTMAX, (Array((k,), entry("b", (k,))),), (category("z", x),)),
        lambda x: Apply(LOG_MULTINOMIAL, (Array((k,), entry("a", (*x, k))),)),
    ],
    Inverse: [
        lambda x: Inverse(spd(x), Index("i", K), Index("j", K)),
        lambda x: Inverse(spd(x), Position(K), Position(Extent(None, 1))),
        lambda x: Inverse(spd(x), k, k),
        lambda x: Inverse(spd(()), category("z", x), k),
        lambda x: Sum(k, Sum(k2, mul(Inverse(spd(x), k, k2), entry("b", (k,)), entry("c", (k2,))))),
    ],
    LogDet: [lambda x: LogDet(spd(x)), lambda x: mul(number(-2), a(x), LogDet(spd(x[:1])))],
}
ARITY = {
    "xlogy": 2,
    "weigh": 2,
    "deviance": 3,
    "logchoose": 2,
    "logratio": 2,
    "over": 2,
    "ratio": 2,
}
PRINTED = sorted(FUNCTIONS - {"sqrt", "besseli0e", "besseli1e", "polygamma"})
LOWERED = ["logbesseli0", "logbesseli0e", "besselratio", "over"]


def _call(name: str) -> Build:
    def build(axes: Axes) -> Term:
        second = add(b(axes), ONE)
        arguments = (a(axes), second, log(second))
        return Call(name, arguments[: ARITY.get(name, 1)])

    return build


TABLE[Call] += [_call(name) for name in (*PRINTED, *LOWERED)]
TABLE[Call] += [
    lambda x: Call("polygamma", (number(1), a(x))),
    lambda x: Call("raised", (add(a(x), b(x)), number(3))),
    lambda x: Call("log", (add(ONE, a(x)),)),
    lambda x: Call("log", (Sum(k, Call("exp", (entry("a", (*x, k)),))),)),
    lambda x: Call("log", (Sum(k, entry("a", (*x, k))),)),
    lambda x: Call("exp", (mul(number(-1), add(a(x), b(x))),)),
]


CASES = [
    pytest.param(build, axes, id=f"{node.__name__}{number}, {where}")
    for node, builds in TABLE.items()
    for number, build in enumerate(builds)
    for where, axes in PLACES.items()
]


# ---------------------------------------------------------------- both values


def length(extent: Extent) -> int:
    return extent.offset + (LENGTHS[extent.size] if extent.size else 0)


def values_of(items: Sequence[Term]) -> dict[str, np.ndarray[Any, Any]]:
    """Random arrays for all symbols of some terms"""
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray[Any, Any]] = {}
    symbols = frozenset().union(*map(symbols_of, items))
    for symbol in sorted(symbols, key=lambda symbol: symbol.name):
        if symbol.role is Role.FUNCTION:
            continue
        shape = tuple(map(length, symbol.shape))
        if symbol.domain.kind == "category":
            found[symbol.name] = rng.integers(1, LENGTHS["K"] + 1, shape)
        else:
            found[symbol.name] = np.asarray(rng.uniform(0.2, 1.5, shape))
    return found


def world_of(values: dict[str, np.ndarray[Any, Any]]) -> World:
    entries = {
        (name, tuple(place + 1 for place in where)): float(value)
        for name, given in values.items()
        for where, value in np.ndenumerate(given)
    }

    return World(LENGTHS, entries)


@cache
def helpers() -> dict[str, Any]:
    path = Path(__file__).parents[1] / "templates" / "python" / "helpers.py"
    spec = importlib.util.spec_from_file_location("helpers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


def run(op: Op, values: dict[str, np.ndarray[Any, Any]], name: str = "numpy") -> Any:
    """The value of the printed operation, an array of that library"""
    chosen = library(name)
    given = {n: v if isinstance(v, int) else chosen.array(v) for n, v in values.items()}
    space = {**helpers(), **chosen.space, **LENGTHS, **given}
    printer = ArrayPrinter({size: size for size in (*LENGTHS, "sets")})
    return eval(printer.print_array(op).text, space)


def evaluated(term: Term, axes: Axes, values: dict[str, np.ndarray[Any, Any]]) -> Any:
    """The term at every place of its axes, by plain sums"""
    plain, world = define(term), world_of(values)
    ranges = [range(axis.low, length(axis.extent) + 1) for axis in axes]
    found = [
        evaluate(plain, world, dict(zip(axes, where, strict=True))).value
        for where in itertools.product(*ranges)
    ]
    return np.reshape(found, [len(r) for r in ranges])


# ---------------------------------------------------------------- the table


@pytest.mark.parametrize(("build", "axes"), CASES)
def test_node_in_its_place(build: Build, axes: Axes) -> None:
    term = build(axes)
    lowering = Lowering(LEADING)
    op = lowering.lower(term)
    assert set(op.axes) <= set(free_indices(term)) and len(set(op.axes)) == len(op.axes)
    values = values_of([term])
    found = run(op, values)
    wanted = evaluated(term, op.axes, values)
    assert np.shape(found) == wanted.shape
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-12)
    # asked for in another order, and with an axis more
    asked = (*op.axes[::-1], Index("more", H))
    whole = run(lowering.value(term, asked), values)
    again = np.broadcast_to(np.transpose(wanted)[..., None], np.shape(whole))
    assert np.allclose(whole, again, rtol=1e-9, atol=1e-12)
    assert np.shape(whole) == (*wanted.shape[::-1], LENGTHS["H"])


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("where", ["a number", "one axis", "all"])
@pytest.mark.parametrize("node", TABLE, ids=lambda node: node.__name__)
def test_node_in_another_library(node: type[Term], where: str, name: str) -> None:
    """The same text gives the same array there, of its dtype"""
    for build in TABLE[node]:
        term = build(PLACES[where])
        op = Lowering(LEADING).lower(term)
        values = values_of([term])
        found = run(op, values, name)
        assert found.dtype == library(name).float64
        # PyTorch's trigamma is exact to 1e-9
        rtol = 1e-8 if isinstance(op, ops.Call) and op.name == "polygamma" else 1e-11
        assert np.allclose(np.asarray(found), run(op, values), rtol=rtol, atol=1e-13)


@pytest.mark.parametrize(("build", "axes"), CASES)
def test_node_under_a_sum(build: Build, axes: Axes) -> None:
    """Summed over its first axis, times what has the axis and times what has not."""
    term = build(axes)
    free = sorted(free_indices(term), key=lambda index: index.name)
    if not free:
        free = [d]
    summed = Sum(free[0], mul(term, entry("m", (free[0],)), entry("o", tuple(free[1:2]))))
    op = Lowering(LEADING).lower(summed)
    values = values_of([summed])
    found, wanted = run(op, values), evaluated(summed, op.axes, values)
    assert np.shape(found) == wanted.shape
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_the_table_has_every_node_and_every_function() -> None:
    nodes = {node for node in vars(terms).values() if isinstance(node, type)}
    assert set(TABLE) == {node for node in nodes if issubclass(node, Term)} - {Term}
    called = {
        part.name for build in TABLE[Call] for part in [build((d,))] if isinstance(part, Call)
    }
    assert called >= (FUNCTIONS | DEFINITIONS.keys()) - {"sqrt", "besseli0e", "besseli1e"}
    applied = {part.function for build in TABLE[Apply] for part in _applies(build((d,)))}
    assert applied >= WHOLE.keys()


def _applies(term: Term) -> Iterator[Apply]:
    if isinstance(term, Apply):
        yield term
    for part in term.parts():
        if isinstance(part, Term):
            yield from _applies(part)


# ---------------------------------------------------------------- values of a plan


WEIGHTS = Symbol("q", Role.ARGUMENT, Simplex(), (N, S))
AVERAGED: list[tuple[Term, Axes]] = [
    (entry("a", ()), ()),
    (entry("a", (n,)), ()),
    (entry("a", (s,)), ()),
    (entry("a", (n, s)), ()),
    (entry("a", (s, d)), (d,)),
    (entry("a", (n, s, d)), (d,)),
    (entry("a", (n, d)), (d,)),
    (entry("a", (s, d, h)), (d, h)),
    (add(entry("a", (n, s)), entry("b", (s,))), ()),
    (ONE, (s,)),
    (entry("a", (s, d)), (s, d)),
    (entry("a", (n, s, d)), (s, d)),
    (entry("a", (n, d)), (s, d)),
    (mul(entry("a", (n, d)), entry("b", (n, h))), (s, d, h)),
    (mul(number(-2), entry("a", (n, h)), entry("b", (n, d))), (s, d, h)),
    (mul(entry("a", (n, d)), entry("b", (n, d)), entry("c", (n, h))), (s, d, h)),
    (mul(entry("a", (n, d, h)), entry("b", (n, h))), (s, d, h)),
]


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize(("value", "kept"), AVERAGED)
def test_averages_by_their_definition(value: Term, kept: Axes, guarded: bool, name: str) -> None:
    """(1/N) sum_n sum_s q[n,s] value"""
    needs_q = s in free_indices(value) or s in kept
    average = Average(value, n, s if needs_q else None, WEIGHTS if needs_q else None, kept, guarded)
    weighed = mul(Entry(WEIGHTS, (n, s)), value) if needs_q else value
    term = weighed if s in kept or not needs_q else Sum(s, weighed)
    meant = divide(Sum(n, term), Size("N"))
    values = values_of([meant, Entry(WEIGHTS, (n, s))])
    op = Lowering(LEADING).value(average)
    assert set(op.axes) <= set(kept)
    found, wanted = run(op, values, name), evaluated(meant, op.axes, values)
    assert np.allclose(np.asarray(found), wanted, rtol=1e-12)


def test_a_guarded_average_takes_out_what_has_no_weight() -> None:
    for axes in ((s,), (n, s)):
        value = entry("a", axes)
        op = Lowering(LEADING).value(Average(value, n, s, WEIGHTS, (), True))
        values = values_of([value, Entry(WEIGHTS, (n, s))])
        values["q"][:, 0] = 0
        values["a"][..., 0] = -np.inf
        with np.errstate(invalid="raise"):
            found = run(op, values)
        rest = values["q"][:, 1:] * values["a"][..., 1:]
        assert np.isclose(found, rest.sum(axis=1).mean())


SHARED: list[tuple[Term, Axes]] = [
    (entry("a", (n, s)), ()),
    (entry("a", (n, s, d)), (d,)),
    (mul(entry("a", (n, s, d)), entry("b", (d,))), (d,)),
]
POOLED: list[tuple[Term, Axes]] = [
    (ONE, (n, s)),
    (entry("a", (n,)), (n, s)),
    (entry("a", (n, d)), (n, s, d)),
    (mul(entry("a", (n, d)), entry("b", (n, h))), (n, s, d, h)),
]


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("value", "kept"), SHARED)
def test_averages_of_what_data_points_may_share(
    value: Term, kept: Axes, own: bool, guarded: bool
) -> None:
    """Of length one, or N, on the axis of data points; the weights too."""
    average = Average(value, n, s, WEIGHTS, kept, guarded, shared=True)
    op = Lowering(LEADING, ops.Length("sets")).value(average)
    whole = values_of([value, Entry(WEIGHTS, (n, s))])
    for even in (False, True):
        values = {**whole}
        values["a"] = whole["a"] if own else whole["a"][:1]
        values["q"] = whole["q"][:1] if even else whole["q"]
        found = run(op, {**values, "sets": len(values["a"])})
        term = values["a"] * whole.get("b", 1)
        weights = values["q"].reshape(*values["q"].shape, *(1 for _ in term.shape[2:]))
        wanted = (weights * term).sum(axis=1).mean(axis=0)
        assert np.allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("value", "kept"), POOLED)
def test_means_that_meet_what_data_points_may_share(value: Term, kept: Axes, own: bool) -> None:
    """sum_ns pooled[n,s] r[n,s] = (1/N) sum_n sum_s weights[n,s] value[n] r[n,s]"""
    op = Lowering(LEADING, ops.Length("sets")).value(Average(value, n, s, WEIGHTS, kept))
    assert op.axes == kept
    values = values_of([value, Entry(WEIGHTS, (n, s))])
    rest = entry("r", (n, s))
    shared = values_of([rest])["r"][: None if own else 1]
    found = run(op, {**values, "sets": len(shared)})
    assert len(found) == len(shared)
    placed = evaluated(mul(value, Entry(WEIGHTS, (n, s))), kept, values)
    shape = (*shared.shape, *(1 for _ in kept[2:]))
    wanted = (placed * shared.reshape(shape)).sum(axis=(0, 1)) / len(values["q"])
    assert np.allclose((found * shared.reshape(shape)).sum(axis=(0, 1)), wanted, rtol=1e-12)


@pytest.mark.parametrize("own", [False, True])
def test_the_centre_of_what_data_points_may_share(own: bool) -> None:
    value = entry("a", (n, d))
    op = Lowering(LEADING, ops.Length("sets")).value(Average(value, n, kept=(n, d)))
    values = values_of([value])
    found = run(op, {**values, "sets": len(values["a"]) if own else 1})
    mean = values["a"].mean(axis=0, keepdims=True)
    assert np.array_equal(found, values["a"]) if own else np.allclose(found, mean)


def test_totals_ratios_and_solutions() -> None:
    parts = [Average(entry(name, axes), n) for name, axes in (("a", (n,)), ("b", ()))]
    values = values_of([part.value for part in parts])
    mean = values["a"].mean()
    lowering = Lowering(LEADING)
    for signs in itertools.product((False, True), repeat=2):
        total = Total(tuple(zip(signs, parts, strict=True)))
        wanted = (-1) ** signs[0] * mean + (-1) ** signs[1] * values["b"]
        assert np.isclose(run(lowering.value(total), values), wanted)
    assert run(lowering.value(Total(())), {}) == 0
    ratio = Ratio(parts[0], Total(((True, parts[1]),)))
    assert np.isclose(run(lowering.value(ratio), values), -mean / values["b"])
    i = Index("i", K)
    matrix = Symbol("M", Role.ARGUMENT, PosDef(), (K, K))
    right = entry("r", (i, n))
    rng = np.random.default_rng(1)
    root = rng.normal(size=(3, 3))
    values = {"M": root @ root.T + np.eye(3), "r": rng.normal(size=(3, 2))}
    found = run(lowering.value(Solve(matrix, (i,), right), (n, i)), values)
    assert np.allclose(found, np.linalg.solve(values["M"], values["r"]).T)
    scalar = Symbol("m", Role.ARGUMENT, Real())
    found = run(
        lowering.value(Solve(scalar, (), entry("a", (n,))), (n,)),
        {"m": np.asarray(2.0), "a": np.arange(2.0)},
    )
    assert found.tolist() == [0.0, 0.5]


def test_every_operation_is_printed_here() -> None:
    """An operation that no row of the table makes could be printed wrong."""
    made: set[type[Any]] = set()
    for build, axes in ((case.values[0], case.values[1]) for case in CASES):
        lowering = Lowering(LEADING)
        op = lowering.value(build(axes), (*free_indices(build(axes)), Index("more", H)))
        made |= {type(part) for part in ops.walk(op)}
    # test_averages_by_their_definition and test_totals_ratios_and_solutions have the rest
    assert made | {ops.MeanWeights, ops.Pool, ops.Solve, ops.WeighData} == set(get_args(Op))
