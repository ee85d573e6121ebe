"""What used to explode does not: counted work, no time."""

from __future__ import annotations

import re
from fractions import Fraction
from math import isnan
from random import Random
from typing import Any

import pytest

from benchmarks.benchmark_growth import KINDS
from symelbo.checker.polynomial import Polynomials
from symelbo.criterion.decide_criterion import decide_criterion
from symelbo.criterion.result import Undecided
from symelbo.index import canonical_names, solve, sparse
from symelbo.index.build import add, call, mul, number, power, total
from symelbo.index.canonical_names import name_canonically
from symelbo.index.domains import Real
from symelbo.index.modular import PRIME
from symelbo.index.normal import is_zero, monomials_of, normal, to_poly
from symelbo.index.solve import Found, find_by_elimination
from symelbo.index.terms import (
    Entry,
    Extent,
    Index,
    IndexValue,
    Number,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.index.work import TooLong
from symelbo.model.read_model import read_model
from symelbo.notation import print_latex, print_text
from symelbo.page.derivation_json import render_json
from symelbo.pipeline import derive
from symelbo.trial.evaluate import World
from symelbo.trial.identity import identity_residual
from symelbo.trial.operations import count_operations
from symelbo.write_output import render_files


class Counter:
    """A function that says how often it was called."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *given: Any) -> Any:
        self.calls += 1
        return self.function(*given)


def chain(n: int, of: str = "") -> Term:
    """sum_{i0 .. in} W1[i1, i0] ... Wn[in, in-1] v[i0], n maps one after the other."""
    extents = [Extent(f"{of}K{k}") for k in range(n + 1)]
    at = [Index(f"i{k}", extent) for k, extent in enumerate(extents)]
    v = Symbol(f"{of}v", Role.PARAMETER, Real(), (extents[0],))
    maps = [
        Symbol(f"{of}W{k}", Role.PARAMETER, Real(), (extents[k], extents[k - 1]))
        for k in range(1, n + 1)
    ]
    term = mul(
        Entry(v, (at[0],)),
        *(Entry(w, (at[k], at[k - 1])) for k, w in enumerate(maps, 1)),
    )
    for index in at:
        term = total(index, term)
    return term


# ---------------------------------------------------------------- names of bound indices


@pytest.mark.parametrize("n", [1, 4, 12])
def test_a_squared_tower_is_named_at_once(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """2**n orders of its indices look the same at first, of which two are looked at."""
    counter = Counter(canonical_names._ranks)
    monkeypatch.setattr(canonical_names, "_ranks", counter)
    found = to_poly(power(chain(n), Number(Fraction(2))))
    assert counter.calls <= 100
    assert found == to_poly(mul(chain(n), chain(n)))


def test_independent_squares_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each can be exchanged by itself: 2**8 symmetries, which are not listed."""
    counter = Counter(canonical_names._ranks)
    monkeypatch.setattr(canonical_names, "_ranks", counter)
    squares = [power(chain(1, of=f"m{k}"), Number(Fraction(2))) for k in range(8)]
    found = to_poly(mul(*squares))
    assert len(found) == 1
    assert counter.calls < 2500
    assert found == to_poly(mul(*squares[::-1]))


def test_names_do_not_depend_on_those_before() -> None:
    """A random graph on indices of one range, its indices renamed and its edges shuffled."""
    random = Random(7)
    extent = Extent("K")
    w = Symbol("W", Role.PARAMETER, Real(), (extent, extent))
    for _ in range(60):
        count = random.randint(2, 6)
        edges = [
            (random.randrange(count), random.randrange(count))
            for _ in range(random.randint(1, count + 2))
        ]
        names = set()
        for _ in range(4):
            order = random.sample(range(count), count)
            at = [Index(f"a{order[k]}", extent) for k in range(count)]
            factors: dict[Term, Fraction] = {}
            for i, j in random.sample(edges, len(edges)):
                atom = Entry(w, (at[i], at[j]))
                factors[atom] = factors.get(atom, Fraction(0)) + 1
            bound = tuple(i for i in random.sample(at, count))
            names.add(name_canonically(bound, factors, lambda atom: atom))
        assert len(names) == 1, edges


# ---------------------------------------------------------------- sparse equations


def test_sparse_elimination_agrees_with_a_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(1)
    answers = set()
    for _ in range(2000):
        n, count = random.randint(1, 8), random.randint(1, 12)
        rows = [
            {
                k: random.choice([1, PRIME - 1, 2, 0, random.randrange(PRIME)])
                for k in random.sample(range(n), random.randint(0, min(n, 3)))
            }
            for _ in range(count)
        ]
        x = [random.randrange(PRIME) for _ in range(n)] if random.random() < 0.5 else None
        for row in rows:
            known = -sum(slope * x[k] for k, slope in row.items()) % PRIME if x else 0
            row[n] = known if x else random.choice([0, 0, 1, 5])
        monkeypatch.setattr(sparse, "DENSE_GAIN", random.choice([0, 1, 50]))
        expected = sparse._is_dense_consistent(rows, list(range(n)), n)
        assert sparse.is_consistent(rows, n) is expected
        answers.add(expected)
    assert answers == {True, False}


@pytest.mark.parametrize("solvable", [True, False])
def test_a_chain_of_equations_needs_no_large_matrix(
    solvable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """x[k+1] = 2 x[k], with x[0] = 1 and an end that follows or does not."""
    dense = sparse._is_dense_consistent

    def small(rows: Any, unknowns: Any, end: int) -> bool:
        assert len(rows) < 20
        return dense(rows, unknowns, end)

    monkeypatch.setattr(sparse, "_is_dense_consistent", small)
    n = 3000
    rows: list[dict[int, int]] = [{k: PRIME - 2, k + 1: 1} for k in range(n - 1)]
    last = pow(2, n - 1, PRIME) if solvable else 7
    rows += [{0: 1, n: PRIME - 1}, {n - 1: 1, n: PRIME - last}]
    assert sparse.is_consistent(rows, n) is solvable


# ---------------------------------------------------------------- whole models


def test_chained_sums_over_one_letter() -> None:
    """An inner sum over j of another range: a certificate tells the two apart."""
    files = render_files(derive({"name": "tower", **KINDS["tower"](3)}))
    assert "certificate.json" in files


def test_a_tower_of_sixteen_maps_is_proved_and_tried() -> None:
    """Squared it is a sum over 34 indices: the checker names them; numbers are tried at size 1."""
    derivation = derive({"name": "tower", **KINDS["tower"](16)})
    assert derivation.verdict == "proved"
    assert derivation.trial is not None
    assert derivation.trial.residual < 1e-9


@pytest.mark.parametrize("n", [5, 8, 20])
def test_of_many_inputs_a_few_are_varied(n: int) -> None:
    """1 + sum_k w_k v_k**2: with one v_k alone it is refuted, the others being 0."""
    assert derive({"name": "scale", **KINDS["scale"](n)}, explain=False).verdict == "refuted"


def test_many_families_are_decided() -> None:
    """The rows of a model grow with its factors, and so does the work that is allowed."""
    derivation = derive({"name": "families", **KINDS["families"](48)}, explain=False)
    assert derivation.verdict == "refuted"


# ---------------------------------------------------------------- what is printed


def test_a_formula_that_is_shared_is_set_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the parameters: twice the parts of formulas, although each holds all parameters."""
    calls = []
    for n in (16, 32):
        derivation = derive({"name": "saturated", **KINDS["saturated"](n)})
        for kept in (print_latex._set_once, print_latex._print, print_text._make_once):
            kept.cache_clear()
        counter = Counter(print_latex._Setter._set)
        monkeypatch.setattr(
            print_latex._Setter, "_set", lambda *given, count=counter: count(*given)
        )
        render_json(derivation)
        monkeypatch.undo()
        calls.append(counter.calls)
    assert calls[1] < 2.5 * calls[0]


# ---------------------------------------------------------------- numerical trials


def test_operations_are_counted_as_they_are_evaluated() -> None:
    """sum_i0 sum_i1 (...), each with three places."""
    world = World({"K0": 3, "K1": 3}, {})
    k0, k1 = (Index(name, Extent(name.upper())) for name in ("k0", "k1"))
    v = Symbol("v", Role.PARAMETER, Real(), (k0.extent, k1.extent))
    inner = total(k1, Entry(v, (k0, k1)))  # 3 times 1 + 2 of an entry and its places
    assert count_operations([inner], world) == 3 * (1 + 3)
    assert count_operations([total(k0, inner)], world) == 3 * (1 + 3 * (1 + 3))


def test_a_trial_without_an_end_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum over ten places inside a sum over ten places, forty times."""

    def refuse(*_: object) -> Any:
        raise AssertionError("evaluated")

    monkeypatch.setattr("symelbo.trial.identity.evaluate", refuse)
    term: Term = Entry(Symbol("x", Role.PARAMETER, Real()), ())
    for n in range(40):
        index = Index(f"i{n}", Extent(None, 10))
        term = total(index, add(call("tanh", term), IndexValue(index)))
    assert isnan(identity_residual(term, term, term, {}, seed=0))


# ---------------------------------------------------------------- formulas that expand

NAMES = [f"a{n}" for n in range(45)], [f"b{n}" for n in range(45)]
PRODUCT = "*".join(f"({'+'.join(names)})" for names in NAMES)  # of 2025 monomials
LOGARITHMS = [f"log(1 + exp(a{n}))" for n in range(30)]
LONG = {
    "a mean": [f"x ~ Normal({PRODUCT}*z, s)"],
    "a variance": [f"x ~ Normal(z, exp({PRODUCT}))"],
    "a rate": [f"x ~ Poisson(exp({PRODUCT}*z))"],
    "a sum of logarithms": [f"x ~ Normal(z, {' + '.join(LOGARITHMS)})"],
    "a product of logarithms": [f"x ~ Normal(z, {'*'.join(LOGARITHMS)})"],
    "a condition": [f"x ~ Normal(z, 1 + ({PRODUCT})**2)"],
}


@pytest.mark.parametrize("variational", ["any", "exact"])
@pytest.mark.parametrize("what", LONG)
def test_what_would_expand_without_an_end_has_an_answer(what: str, variational: str) -> None:
    """Above all no crash, wherever the normal form meets its bound."""
    (statement,) = LONG[what]
    words = set(re.findall(r"\w+", statement))
    spec = {
        "parameters": {name: "real" for name in [*NAMES[0], *NAMES[1]] if name in words}
        | ({"s": "positive"} if "s" in words else {}),
        "model": ["z ~ Normal(0, 1)", statement],
        "observed": ["x"],
        "variational": variational,
    }
    derivation = derive({"name": "long", **spec})
    held = what == "a mean"  # what stands still need not be multiplied out to be seen
    assert derivation.verdict in (("proved",) if held else ("undecided", "refuted"))


def test_no_polynomial_is_very_long() -> None:
    entries = [Entry(Symbol(f"a{n}", Role.PARAMETER, Real())) for n in range(50)]
    square = power(add(*entries), 2)
    with pytest.raises(TooLong):
        to_poly(square)
    (only,) = monomials_of(square)  # in one piece
    assert only.factors == ((square, 1),)
    assert normal(square) == square
    assert not is_zero(square)


def test_no_sum_is_very_long() -> None:
    place = Symbol("a", Role.PARAMETER, Real(), (Extent(None, 3000),))
    entries = [Entry(place, (Position(Extent(None, n)),)) for n in range(1, 3001)]
    to_poly(add(*entries[:1000]))
    with pytest.raises(TooLong):
        to_poly(add(*entries))


def test_an_elimination_that_outgrows_its_equations_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solution of a dense system is longer than its equations."""
    n = 6
    unknowns = [Symbol(f"u{k}", Role.UNKNOWN, Real()) for k in range(n)]
    given = [
        [Entry(Symbol(f"c{i}_{j}", Role.PARAMETER, Real())) for j in range(n)] for i in range(n)
    ]
    equations = [
        add(*(mul(c, Entry(u)) for c, u in zip(row, unknowns, strict=True)), number(1))
        for row in given
    ]
    assert isinstance(find_by_elimination(equations[:2], unknowns[:2]), Found)
    with pytest.raises(TooLong, match="an elimination"):
        find_by_elimination(equations, unknowns)
    monkeypatch.setattr(solve, "ELIMINATION_GROWTH", 10**6)
    with pytest.raises(TooLong, match="the normal form"):
        find_by_elimination(equations, unknowns)


def test_a_refutation_is_checked_in_as_much_work_as_there_are_functions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Products of slopes were multiplied out: of 6 nested functions no certificate was accepted."""
    counts = []
    for n in (8, 16):
        products = Counter(Polynomials.merge)
        monkeypatch.setattr(Polynomials, "merge", lambda *given, own=products: own(*given))
        assert derive({"name": "deep", **KINDS["refutation"](n)}).verdict == "refuted"
        counts.append(products.calls)
    assert counts[1] < 2.2 * counts[0]


@pytest.mark.parametrize("kind", ("decoder", "reuse_functions"))
def test_a_search_that_is_cut_says_so(kind: str) -> None:
    """The work of a row is that of its density and of its slopes: as deep as the model is."""
    decision = decide_criterion(read_model({"name": kind, **KINDS[kind](96)}))
    missing = [result.missing for result in decision.results if isinstance(result, Undecided)]
    assert missing and all("within the bound on the work" in text for text in missing)
