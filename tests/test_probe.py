"""Linear equations at random points: which have no solution, and which multiples solve them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from symelbo.criterion.factor import Equations, make_factor
from symelbo.criterion.find_motion import is_spectator
from symelbo.criterion.probe import allow_probes, find_multiples, is_solvable_somewhere
from symelbo.criterion.sample import _shares
from symelbo.index.build import ONE, add, call, mul, negate, power, subtract, total
from symelbo.index.domains import Real
from symelbo.index.normal import is_zero, normal, to_poly
from symelbo.index.solve import Found, find_by_elimination, unknown_like
from symelbo.index.terms import Array, Entry, Index, Role, Symbol, Term
from symelbo.index.tidy import tidy
from symelbo.index.work import TooLong
from symelbo.model.read_model import read_model

MODEL = read_model(
    {
        "name": "probed",
        "sizes": ["H"],
        "parameters": {"W": "real[H]", "b": "real", "s": "positive"},
        "model": [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "x ~ Normal(sum(W[h]*z[h] for h in 1:H) + b, s)",
        ],
        "observed": ["x"],
    }
)
FACTORS = tuple(make_factor(statement) for statement in MODEL.statements)
W, B, S = MODEL.parameters
(Z,) = (statement.node for statement in MODEL.latents)
I = Index("i", W.shape[0])
UNKNOWN = {symbol: unknown_like(symbol, "beta ") for symbol in (W, B, S)}
UW, UB, US = (UNKNOWN[symbol] for symbol in (W, B, S))
WI, ZI, B0, S0 = Entry(W, (I,)), Entry(Z, (I,)), Entry(B), Entry(S)
BASES = {
    UW: Array((I,), WI),
    UB: Array((), B0),
    US: Array((), ONE),
}


def over_h(term: Term) -> Term:
    """sum over h"""
    return total(I, term)


MEAN = add(over_h(mul(WI, ZI)), B0)
MOVED = add(over_h(mul(Entry(UW, (I,)), ZI)), Entry(UB))


def test_multiples_are_found() -> None:
    """What the equations leave open is 0; both sides of the mean grow with its parameters."""
    shrinks = find_multiples(FACTORS, [add(Entry(US), ONE)], BASES, allow_probes())
    assert shrinks == {UW: Fraction(0), UB: Fraction(0), US: Fraction(-1)}
    sinh = subtract(call("exp", B0), call("exp", negate(B0)))
    grows = subtract(mul(sinh, MOVED), mul(sinh, MEAN, power(add(ONE, ONE), -1)))
    half = Fraction(1, 2)
    assert find_multiples(FACTORS, [grows], BASES, allow_probes()) == {UW: half, UB: half, US: 0}


def test_what_is_no_multiple_is_none() -> None:
    """beta b = 1 is no multiple of b."""
    assert find_multiples(FACTORS, [subtract(Entry(UB), ONE)], BASES, allow_probes()) is None


@pytest.mark.parametrize(
    "equation",
    [
        subtract(MOVED, MEAN),
        subtract(MOVED, over_h(mul(ZI, ZI))),  # no velocity depends on z
        subtract(Entry(UB), call("tanh", B0)),
        subtract(mul(Entry(US), power(S0, -1)), over_h(ZI)),
        add(Entry(UW, (I,)), negate(mul(WI, B0))),
        subtract(over_h(Entry(UW, (I,))), call("tanh", MEAN)),
    ],
)
def test_solvable_is_what_elimination_solves(equation: Term) -> None:
    unknowns = tuple(BASES)
    found = find_by_elimination([equation], unknowns, is_spectator)
    solvable = is_solvable_somewhere(FACTORS, Equations((equation,)), unknowns, allow_probes())
    assert solvable is isinstance(found, Found)


def test_up_to_a_constant() -> None:
    """f = c is asked of some c: b' = 1 has a solution then, tanh(sum z) = c has none."""
    unknowns = tuple(BASES)
    free = Equations((), (subtract(Entry(UB), ONE), call("tanh", B0)))
    assert is_solvable_somewhere(FACTORS, free, unknowns, allow_probes())
    bound = Equations((), (call("tanh", over_h(ZI)),))
    assert not is_solvable_somewhere(FACTORS, bound, unknowns, allow_probes())


def test_combinations_come_in_order_and_lazily() -> None:
    """All of 0, 1, 2 for each name, by their sum; of 40 names the first ones at once."""
    expected = sorted(product((0, 1, 2), repeat=3), key=lambda c: (sum(c), c))
    assert [c for n in range(7) for c in _shares(n, [1] * 3)] == expected
    assert next(_shares(1, [1] * 40)) == (*[0] * 39, 1)


def test_a_long_product_is_refused_and_left_as_it_is() -> None:
    symbols = [Symbol(f"a{n}", Role.PARAMETER, Real()) for n in range(60)]
    long = add(*(Entry(symbol) for symbol in symbols))
    squared = mul(long, call("exp", B0), add(long, ONE))
    with pytest.raises(TooLong, match="the normal form"):
        to_poly(squared)
    assert normal(squared) is squared
    assert tidy(squared) is squared
    assert not is_zero(squared)


def test_one_row_shows_a_contradiction_among_many_unknowns() -> None:
    """1 + sum_k U_k z_k = 0 for all z: not where all z are 0, however many unknowns there are."""
    spent = []
    for n in (30, 60):
        latents = [f"z{k}" for k in range(n)]
        model = read_model(
            {
                "name": "wide",
                "parameters": {f"w{k}": "real" for k in range(n)},
                "model": [
                    *(f"{z} ~ Normal(0, 1)" for z in latents),
                    f"x ~ Normal({' + '.join(f'w{k}*{z}' for k, z in enumerate(latents))}, 1)",
                ],
                "observed": ["x"],
            }
        )
        factors = tuple(make_factor(statement) for statement in model.statements)
        unknowns = {s: unknown_like(s, "beta ") for s in model.parameters}
        pairs = zip(unknowns.values(), (s.node for s in model.latents), strict=True)
        equation = add(ONE, *(mul(Entry(u), Entry(z)) for u, z in pairs))
        bases = {u: Array((), Entry(s)) for s, u in unknowns.items()}
        work = allow_probes()
        assert find_multiples(factors, [equation], bases, work) is None
        everything = tuple(unknowns.values())
        assert not is_solvable_somewhere(factors, Equations((equation,)), everything, work)
        spent.append(work.spent)
    assert spent[1] < 2.2 * spent[0]
