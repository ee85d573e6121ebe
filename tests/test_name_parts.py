"""Long terms part by part: the same answers, each part asked once."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest

from benchmarks.benchmark_growth import KINDS
from symelbo.certify.state_derivation import render_certificate
from symelbo.errors import SpecError
from symelbo.index.build import ONE, ZERO, add, call, mul, negate, number, power, total
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Positive, Real
from symelbo.index.name_parts import PartNamer, derivative_form
from symelbo.index.substitute import count_subterms, replace_symbols, symbols_of, walk_parts
from symelbo.index.terms import Array, Entry, Extent, Index, Role, Symbol, Term
from symelbo.limits import NAMED_PART, STATEMENT_HEIGHT
from symelbo.pipeline import derive
from symelbo.trial.evaluate import World, evaluate
from symelbo.trial.remember import remember

K = Extent("K")
Z = Symbol("z", Role.LATENT, Real(), (K,))


def parameter(name: str, *shape: Extent) -> Symbol:
    return Symbol(name, Role.PARAMETER, Real(), shape)


def reused(n: int, i: Index) -> Term:
    """a_k[i] = tanh(w_k a_{k-1}[i]) + v_k a_{k-1}[i], a_0 = z"""
    a: Term = Entry(Z, (i,))
    for k in range(n):
        w, v = Entry(parameter(f"w{k}")), Entry(parameter(f"v{k}"))
        a = add(call("tanh", mul(w, a)), mul(v, a))
    return a


def dense(n: int) -> Term:
    """sum_i a_n[i], a_k[i] = tanh(sum_j W_k[i,j] a_{k-1}[j]) + a_{k-1}[i]"""
    names = Index("i", K), Index("j", K)
    a: Term = Entry(Z, (names[0],))
    here = names[0]
    for k in range(n):
        there = names[1] if here is names[0] else names[0]
        inner = total(here, mul(Entry(parameter(f"W{k}", K, K), (there, here)), a))
        a = add(call("tanh", inner), call("sin", inner), Entry(Z, (there,)))
        here = there
    return total(here, a)


def value(term: Term, seed: int = 0) -> float:
    """The value of a term at a random point, what is shared in it evaluated once."""
    (again,) = remember({"f": term}).values()
    return evaluate(again, world_of(term, seed=seed)).value


def world_of(*terms: Term, seed: int = 0) -> World:
    """Random values of all symbols, at K = 2."""
    random = Random(seed)
    values: dict[tuple[str, tuple[int, ...]], float] = {}
    for symbol in sorted(set().union(*map(symbols_of, terms)), key=lambda s: s.name):
        places: list[tuple[int, ...]] = [()]
        for _ in symbol.shape:
            places = [(*at, k) for at in places for k in (1, 2)]
        values |= {(symbol.name, at): random.uniform(0.2, 1.2) for at in places}
    return World({"K": 2}, values)


# no term is printed where a test fails: as a tree it is too large
DEEP: dict[str, Callable[[], Term]] = {
    "reused": lambda: reused(60, Index("i", K)),
    "dense": lambda: dense(30),
}


@pytest.mark.parametrize("name", DEEP)
def test_with_what_the_names_stand_for_a_term_is_what_it_was(name: str) -> None:
    term = DEEP[name]()
    namer = PartNamer()
    named = namer.put(term)
    assert len(namer.definitions) > 3
    opened = replace_symbols(named, namer.meanings())
    assert symbols_of(opened) == symbols_of(term)
    i = Index("i", K)
    assert math.isclose(value(total(i, opened)), value(total(i, term)), rel_tol=1e-9)


@pytest.mark.parametrize("name", DEEP)
def test_parts_are_short(name: str) -> None:
    term = DEEP[name]()
    namer = PartNamer()
    sizes = [count_subterms(namer.put(term))]
    sizes += [count_subterms(array.body) for array in namer.definitions.values()]
    assert max(sizes) < 6 * NAMED_PART
    assert sum(sizes) < 12 * sum(1 for _ in walk_parts(term))


def test_parts_that_differ_in_their_indices_are_entries_of_one_array() -> None:
    i, j = Index("i", K), Index("j", K)
    namer = PartNamer()
    left, right = namer.put(reused(40, i)), namer.put(reused(40, j))
    assert symbols_of(left) == symbols_of(right)
    assert left is not right
    for symbol, array in namer.definitions.items():
        assert symbol.shape == (K,) == tuple(index.extent for index in array.indices)


def test_a_short_term_has_no_names_and_what_never_varies_neither() -> None:
    known = Symbol("c", Role.CONSTANT, Real())
    deep: Term = Entry(known)
    for _ in range(200):
        deep = call("tanh", add(deep, ONE))
    for term in (reused(3, Index("i", K)), deep):
        namer = PartNamer()
        same = namer.put(term) is term
        assert same
        assert not namer.definitions


def test_names_know_their_signs() -> None:
    """Of which logarithms and roots are taken."""
    w = Entry(parameter("w"))
    term: Term = w
    for _ in range(60):
        term = call("log", add(ONE, ONE, power(term, number(Fraction(2))), call("exp", term)))
    namer = PartNamer()
    namer.put(term)
    assert {type(symbol.domain) for symbol in namer.definitions} == {Positive}


# ---------------------------------------------------------------- derivatives


def field(*, moving: bool) -> dict[Symbol, Array]:
    """z' = (1 + c) z, w0' = -w0 - c w0, v0' likewise, by which a_1 stands still, as its normal form
    shows; else v30 moves as well.
    """
    c = Entry(Symbol("c", Role.CONSTANT, Real()))
    i = Index("k0", K)
    found = {Z: Array((i,), mul(add(ONE, c), Entry(Z, (i,))))}
    for name in ("w0", "v0", "v30") if moving else ("w0", "v0"):
        own = Entry(parameter(name))
        found[own.symbol] = Array((), negate(add(own, mul(c, own))))
    return found


def test_what_stands_still_is_found_to_do_so_however_deep_it_is() -> None:
    term = reused(60, Index("i", K))
    unseen = derivative_along(term, field(moving=False)) is not ZERO
    seen = derivative_form(term, field(moving=False)) is ZERO
    assert unseen
    assert seen


def test_the_derivative_of_parts_is_the_derivative() -> None:
    term = total(Index("i", K), reused(40, Index("i", K)))
    found = derivative_form(term, field(moving=True))
    whole = derivative_along(term, field(moving=True))
    assert symbols_of(found) == symbols_of(whole)
    assert value(found) != 0
    assert math.isclose(value(found), value(whole), rel_tol=1e-9)


def test_the_derivative_of_a_short_term_is_its_normal_form() -> None:
    x = Entry(parameter("x"))
    velocities = {x.symbol: Array((), ONE)}
    assert derivative_form(mul(x, add(x, ONE)), velocities) == add(ONE, mul(number(2), x))


# ---------------------------------------------------------------- whole models


@pytest.mark.parametrize("kind", ["reuse", "reuse_vectors", "calls", "tower"])
def test_a_deep_model_is_proved_and_its_formulas_are_short(kind: str) -> None:
    """Deeper than Python's calls may be nested at first; written as it was, not multiplied out."""
    lengths = []
    for n in (24, 48):
        derivation = derive({"name": kind, **KINDS[kind](n)}, explain=False)
        assert derivation.verdict == "proved"
        form = derivation.factors[-1].form
        assert form is not None
        lengths.append(sum(len(list(walk_parts(block.natural))) for block in form.blocks))
    assert lengths[1] < 2.5 * lengths[0]


def test_a_statement_of_the_greatest_height_is_decided() -> None:
    """One that is higher is refused, and none runs into Python's own bound on nested calls."""
    n = STATEMENT_HEIGHT // 3 - 1
    derivation = derive({"name": "high", **KINDS["calls"](n)}, explain=False)
    assert derivation.verdict == "proved"
    assert render_certificate(derivation, {})  # a density is higher than its arguments
    with pytest.raises(SpecError, match="nested"):
        derive({"name": "higher", **KINDS["calls"](n + 8)})
