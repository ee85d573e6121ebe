"""Long literal lengths: taken for any lengths where something is sought, kept as sums where it is
checked, and never written out; what is said holds at the lengths that are given."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isnan
from typing import Any

import pytest
from encoded import is_zero

from symelbo.criterion import sample
from symelbo.criterion.factor import make_factor
from symelbo.criterion.open_factors import close_motion, find_opening, has_many_entries, open_factor
from symelbo.criterion.result import Undecided
from symelbo.index.build import ONE, add, mul, number, subtract, total
from symelbo.index.domains import Binary, Category, Real, Simplex
from symelbo.index.open_lengths import open_lengths
from symelbo.index.substitute import walk_parts
from symelbo.index.terms import (
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    Offset,
    Position,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.model.read_model import read_model
from symelbo.pipeline import derive
from symelbo.trial.identity import identity_residual


def length(n: int) -> Extent:
    return Extent(None, n)


def array(name: str, *lengths: int, role: Role = Role.PARAMETER, domain: Any = None) -> Symbol:
    return Symbol(name, role, domain or Real(), tuple(map(length, lengths)))


def linear(rows: int | str, columns: int | str, scale: str = "sigma2") -> dict[str, Any]:
    """x[d] of a linear function of z, with a variance."""
    sizes = [n for n in (rows, columns) if isinstance(n, str)]
    return {
        "name": "linear",
        **({"sizes": sizes} if sizes else {}),
        "parameters": {
            "sigma2": "positive",
            "v": f"positive[{rows}]",
            "w": f"real[{rows}, {columns}]",
        },
        "model": [
            f"z[h] ~ Normal(0, 1) for h in 1:{columns}",
            f"x[d] ~ Normal(sum(w[d,h]*z[h] for h in 1:{columns}), {scale}) for d in 1:{rows}",
        ],
        "observed": ["x"],
    }


# ---------------------------------------------------------------- opened, and closed again


def everything() -> Term:
    """A term of every kind in which a length stands."""
    i, j = Index("i", length(150)), Index("j", length(149), 2)
    x, y = array("x", 150), array("y", 40, 150)
    c = array("c", domain=Category(number(150)), role=Role.LATENT)
    k = Index("k", length(40))
    return add(
        total(i, mul(Entry(x, (i,)), Delta(i, Position(length(150))))),
        total(j, Entry(x, (Offset(j, 1),))),
        total(k, Entry(y, (k, Entry(c)))),
        Entry(x, (Position(length(3)),)),
    )


def test_what_is_opened_is_closed_again() -> None:
    term = everything()
    opening = open_lengths([term])
    assert opening is not None
    assert opening.close(opening.open(term)) is term


def test_no_long_length_is_left_and_short_places_stay() -> None:
    opening = open_lengths([everything()])
    assert opening is not None
    opened = opening.open(everything())
    extents: set[Extent] = set()
    for part in walk_parts(opened, binders=True):
        match part:
            case Index(_, extent) | Position(extent):
                extents.add(extent)
            case Entry(symbol):
                extents.update(symbol.shape)
                if isinstance(symbol.domain, Category):
                    assert symbol.domain.upper == Size("150")
    assert extents == {Extent("150"), Extent("150", -1), Extent("40"), length(3)}


@pytest.mark.parametrize(
    "term",
    [
        Entry(array("x", 8), (Position(length(3)),)),
        Entry(array("x", 150), (Position(length(100)),)),
        total(Index("i", length(150), 51), Entry(array("x", 150), (Index("i", length(150), 51),))),
    ],
    ids=["short", "a place far inside", "a range that starts far inside"],
)
def test_what_no_axis_of_any_length_has_is_not_opened(term: Term) -> None:
    assert open_lengths([term]) is None


# ---------------------------------------------------------------- factors


def test_an_opened_factor_is_that_of_a_model_without_numbers() -> None:
    given = [make_factor(s) for s in read_model(linear(150, 80)).statements]
    opening = find_opening(given)
    assert opening is not None
    for factor in given:
        opened = open_factor(factor, opening)
        assert find_opening([opened]) is None
        assert not has_many_entries([opened])
        assert opening.close(opened.log_density) is factor.log_density
    assert has_many_entries(given)


def test_the_motion_of_opened_factors_is_closed() -> None:
    decision = derive(linear(150, 80)).decision
    opening = find_opening([result.factor for result in decision.results])
    assert opening is not None
    assert close_motion(decision.motion, opening) == decision.motion  # which has no open length


# ---------------------------------------------------------------- whole models


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pass lists the places of an array of many entries."""
    listed = sample.index_tuples

    def counted(indices: Any, sizes: Any) -> Iterable[tuple[int, ...]]:
        found = listed(indices, sizes)
        assert len(found) <= 64
        return found

    monkeypatch.setattr(sample, "index_tuples", counted)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("sizes", [(12, 9), (150, 80), (1000, 400)])
def test_a_literal_size_has_the_motion_of_a_symbolic_one(sizes: tuple[int, int]) -> None:
    given, any_size = derive(linear(*sizes)), derive(linear("D", "H"))
    assert given.verdict == any_size.verdict == "proved"
    assert given.theorem == any_size.theorem
    symbols = {s.name: a for s, a in given.decision.motion.parameters.items()}
    assert symbols.keys() == {s.name for s in any_size.decision.motion.parameters}
    assert symbols["w"].indices[0].extent == length(sizes[0])


@pytest.mark.usefixtures("small")
def test_lengths_beside_a_length_are_opened_with_it() -> None:
    """T and T - 1 of a time series of 200 points."""
    spec = {
        "name": "walk",
        "parameters": {"tau": "positive", "sigma2": "positive"},
        "model": [
            "z[1] ~ Normal(0, tau)",
            "z[t] ~ Normal(z[t-1], tau) for t in 2:200",
            "x[t] ~ Normal(z[t], sigma2) for t in 1:200",
        ],
        "observed": ["x"],
    }
    assert derive(spec).verdict == "proved"


def test_a_refutation_is_one_at_the_lengths_that_are_given() -> None:
    """Of ten latents two vary: the certificate is checked at all of them."""
    scale = "1 + v[d]*z[1]**2"
    given = derive(linear(12, 10, scale), explain=False)
    assert given.verdict == derive(linear("D", "H", scale), explain=False).verdict == "refuted"


def test_too_many_entries_for_a_certificate_end_undecided_with_the_cause() -> None:
    (_, x) = derive(linear(300, 100, "1 + v[d]*z[1]**2"), explain=False).factors
    assert isinstance(x.result, Undecided)
    assert "too many entries" in x.result.missing


def test_a_trial_of_many_entries_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Any:
        raise AssertionError("drawn")

    monkeypatch.setattr("symelbo.trial.identity._draw", refuse)
    w = array("w", 1000, 400)
    first = Entry(w, (Position(length(1)), Position(length(1))))
    assert isnan(identity_residual(first, first, first, {}, seed=0))


# ---------------------------------------------------------------- sums that the checker keeps

LONG = 1000
I, J = (Index(name, length(LONG)) for name in "ij")
X = array("x", LONG)


def over(last: int, body: Any) -> Term:
    """sum over k in 1..last of body(k)"""
    k = Index("k", length(last))
    return total(k, body(k))


def entry(index: Any) -> Term:
    return Entry(X, (index,))


PI = array("pi", LONG, domain=Simplex())
Z = array("z", LONG, role=Role.LATENT, domain=Binary())

TRUE = {
    "sums of one name": subtract(total(I, entry(I)), total(J, entry(J))),
    "a constant": subtract(total(I, ONE), number(LONG)),
    "a delta": subtract(over(LONG, lambda k: mul(Delta(k, J), entry(k))), entry(J)),
    "a delta at a place": subtract(
        over(LONG, lambda k: mul(Delta(k, Position(length(7))), entry(k))),
        entry(Position(length(7))),
    ),
    "a simplex": subtract(over(LONG, lambda k: Entry(PI, (k,))), ONE),
    "bits": over(LONG, lambda k: subtract(mul(Entry(Z, (k,)), Entry(Z, (k,))), Entry(Z, (k,)))),
    "a product of sums": subtract(
        total(I, total(J, mul(entry(I), entry(J)))),
        mul(total(I, entry(I)), total(J, entry(J))),
    ),
    "few places, one by one": subtract(
        over(12, entry), add(*(entry(Position(length(n))) for n in range(1, 13)))
    ),
}
FALSE = {
    "another length": subtract(over(LONG, entry), over(LONG - 1, entry)),
    "a delta beyond the range": subtract(
        over(LONG - 1, lambda k: mul(Delta(k, J), entry(k))), entry(J)
    ),
    "a place beyond the range": subtract(
        over(LONG - 1, lambda k: mul(Delta(k, Position(length(LONG))), entry(k))),
        entry(Position(length(LONG))),
    ),
    "one too few": subtract(total(I, ONE), number(LONG - 1)),
    "a part of a simplex": subtract(over(LONG - 1, lambda k: Entry(PI, (k,))), ONE),
    "a square": subtract(
        total(I, mul(entry(I), entry(I))), mul(total(I, entry(I)), total(I, entry(I)))
    ),
    "few places, one missing": subtract(
        over(12, entry), add(*(entry(Position(length(n))) for n in range(1, 12)))
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_what_holds_of_a_long_sum_is_shown(name: str) -> None:
    assert is_zero(TRUE[name])


@pytest.mark.parametrize("name", FALSE)
def test_what_does_not_hold_of_a_long_sum_is_not(name: str) -> None:
    assert not is_zero(FALSE[name])


def test_opened_arrays_close_with_their_indices() -> None:
    whole = Array((I,), mul(number(Fraction(1, 2)), entry(I)))
    opening = open_lengths([whole])
    assert opening is not None
    assert opening.close(opening.open(whole)) is whole
    assert opening.close_symbol(opening.open_symbol(X)) is X
