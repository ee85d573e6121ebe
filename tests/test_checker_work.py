"""The checker visits what is shared once, and gives up by counted work: no time is measured."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from benchmarks.benchmark_growth import KINDS
from symelbo.checker import check, work
from symelbo.checker.forms import Forms, Hypotheses
from symelbo.checker.prove import Ground, is_zero, prove_defined, prove_zero
from symelbo.checker.terms import (
    Instance,
    NotShown,
    Raw,
    RawIndex,
    derivative,
    map_indices,
    minus,
    put,
    sum_of,
    walk,
)
from symelbo.pipeline import derive

CERTIFICATE = Path(__file__).parents[1] / "output" / "ppca" / "certificate.json"


def v(name: str, *where: RawIndex) -> Raw:
    return ("v", name, ("real",), where)


def index(name: str) -> RawIndex:
    return ("i", name, 1, "D", 0)


def call(name: str, argument: Raw) -> Raw:
    return ("f", name, argument)


def reused(n: int) -> Raw:
    """a_k = tanh(w_k a_{k-1}) + v_k a_{k-1}: 2**n paths."""
    a = v("z")
    for k in range(n):
        a = sum_of(call("tanh", ("*", v(f"w{k}"), a)), ("*", v(f"v{k}"), a))
    return a


def dense(n: int) -> Raw:
    """a_k[i] = tanh(sum_j w_k[i,j] a_{k-1}[j]) + the same sum of exp(a_{k-1}[j])."""
    names = index("h0"), index("h1")
    a = v("z", names[0])
    for k in range(n):
        j, i = names[k % 2], names[1 - k % 2]
        left, right = (("S", j, ("*", v(w, i, j), b)) for w, b in (("w", a), ("v", call("exp", a))))
        a = sum_of(call("tanh", left), right)
    return a


def functions(n: int) -> Raw:
    """a_k = f(a_{k-1}) + g(a_{k-1}), abstract functions of a number."""
    a = v("z")
    for _ in range(n):
        a = sum_of(*(("A", name, ("real",), (((), a),), (), ()) for name in "fg"))
    return a


def work_of(action: Callable[[], object]) -> int:
    with work.bounded_work() as spent:
        action()
    return work.MAX_WORK - spent.left


FIELD = {"z": ((index("m"),), ("*", ("q", Fraction(2)), v("z", index("m"))))}
FIELD_OF_NUMBERS = {"z": ((), ("q", Fraction(1)))}
GIVEN = {
    name: (("a",), ((), sum_of(("*", v("a"), v("a")), ("q", Fraction(shift)), call("exp", v("a")))))
    for name, shift in (("f", 1), ("g", 2))
}
PASSES: dict[str, Callable[[int], object]] = {
    "bound indices get new names": lambda n: put(dense(n)),
    "an index is put in": lambda n: put(dense(n), {index(f"h{n % 2}"): index("x")}),
    "an index is replaced": lambda n: map_indices(dense(n), {index(f"h{n % 2}"): index("x")}),
    "the derivative of nested sums": lambda n: derivative(dense(n), FIELD),
    "the normal form of nested sums": lambda n: Forms({}, frozenset(), {}).poly(put(dense(n))),
    "abstract functions are read": lambda n: put(functions(n)),
    "functions are put in": lambda n: put(functions(n), None, Instance(functions=GIVEN)),
    "the derivative of abstract functions": lambda n: derivative(functions(n), FIELD_OF_NUMBERS),
    "a normal form": lambda n: Forms({}, frozenset(), {}).poly(functions(n)),
}


@pytest.mark.parametrize("name", PASSES)
def test_shared_parts_are_visited_once(name: str) -> None:
    """Twice the layers are four times the paths of a tree squared, and little more of a graph."""
    small, large = (work_of(lambda n=n: PASSES[name](n)) for n in (6, 12))  # type: ignore[misc]
    assert 10 < small < large < 5 * small


@pytest.mark.parametrize("make", [dense, reused, functions])
def test_what_is_put_in_stays_shared(make: Callable[[int], Raw]) -> None:
    small, large = (len(walk(put(make(n)))) for n in (10, 20))
    assert large < 2.5 * small


def test_bound_indices_are_told_apart_where_they_are_nested() -> None:
    """Siblings over one index may have one name, as they have nothing of each other in them."""

    def look(raw: Raw, around: frozenset[RawIndex]) -> None:
        for part in raw:
            if isinstance(part, tuple):
                inside = around | {raw[1]} if raw[0] == "S" else around
                assert not (raw[0] == "S" and raw[1] in around)
                look(part, inside)

    look(put(dense(5)), frozenset())


def test_what_is_equal_is_found_to_be_equal_through_all_layers() -> None:
    for n in (3, 10):
        one = ("S", index("h"), map_indices(dense(n), {index(f"h{n % 2}"): index("h")}))
        other = ("S", index("g"), map_indices(dense(n), {index(f"h{n % 2}"): index("g")}))
        assert is_zero(minus(put(one), put(other)))
        last = map_indices(dense(n), {index(f"h{n % 2}"): ("p", "D", 0)})
        assert not is_zero(minus(put(one), last))


def test_a_canonical_name_that_is_free_is_not_given_again() -> None:
    """sum_k w[k, #1.0], #1.0 being free: the sum may not be over both."""
    form = Forms({}, frozenset(), {})
    k, free = index("~k"), index("#1.0")
    poly = form.total([k], form.poly(v("w", k, free)))
    (((atom, _),),) = poly
    assert form.variables[atom] == {free}
    moved = form.replace(poly, {free: index("i")})
    assert moved == form.total([k], form.poly(v("w", k, index("i"))))
    table, _ = form.array((k,), form.poly(v("w", k, free)))
    assert free not in table


def test_an_index_that_is_put_under_a_sum_of_its_name_is_not_caught() -> None:
    form = Forms({}, frozenset(), {})
    k, i, name = index("~k"), index("i"), index("#1.0")
    poly = form.poly(("S", k, ("*", v("w", k, i), v("u", k))))
    moved = form.replace(poly, {i: name})
    (((atom, _),),) = moved
    assert form.variables[atom] == {name}
    assert form.replace(moved, {name: i}) == poly


# ---------------------------------------------------------------- the bound


def test_what_is_too_long_is_not_shown_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through layers that are reused, powers of sums of many terms are multiplied out."""
    slope = derivative(call("softplus", reused(8)), {f"w{k}": ((), v(f"w{k}")) for k in range(8)})
    with pytest.raises(NotShown, match="the polynomial is too long"):
        prove_zero(slope)
    monkeypatch.setattr(work, "MAX_WORK", 20_000)
    with pytest.raises(NotShown, match="a normal form: not shown within the bound on the work"):
        prove_zero(slope)
    with pytest.raises(NotShown, match="a derivative: not shown within the bound on the work"):
        derivative(sum_of(*(call("exp", v("z")) for _ in range(20_000))), FIELD_OF_NUMBERS)


def test_a_long_text_of_what_is_left_is_cut() -> None:
    with pytest.raises(NotShown) as reason:
        prove_zero(minus(call("softplus", reused(8)), v("y")))
    assert len(str(reason.value)) < 2100


def test_a_part_that_takes_too_long_is_rejected_and_never_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = CERTIFICATE.read_bytes()
    assert check.check_bytes(content).status == check.CHECKED
    bounds = [0, 1, 10, 100]
    proved = []
    for bound in bounds:
        monkeypatch.setattr(work, "MAX_WORK", bound)
        report = check.check_bytes(content)
        assert report.status == check.REJECTED
        assert "bound on the work" in report.reasons[0]
        proved.append(len(report.proved))
    assert proved == sorted(proved)


def test_what_is_left_over_of_a_part_is_not_used_by_the_next() -> None:
    with work.bounded_work() as first:
        first.spend(work.MAX_WORK, "all of it")
        with work.bounded_work() as second:
            assert second.left == work.MAX_WORK
        assert work.work_left() is first
        with pytest.raises(NotShown, match="one more"):
            work.work_left().spend(1, "one more")
        assert not is_zero(("q", Fraction(0)))  # a bound that was met is met from then on


def test_a_motion_that_takes_too_long_to_check_leaves_the_model_undecided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    specification = {"name": "reuse", **KINDS["reuse"](4)}
    assert derive(specification).verdict == "proved"
    monkeypatch.setattr(work, "MAX_WORK", 500)
    derivation = derive(specification)
    assert derivation.verdict == "undecided"


# ---------------------------------------------------------------- proofs on one ground


def test_what_several_proofs_share_is_put_in_normal_form_once() -> None:
    whole = dense(4)
    ground = Ground()
    left = []
    for term in (minus(whole, put(whole)), minus(put(whole), whole), minus(whole, whole)):
        with work.bounded_work() as mine:
            prove_zero(term, given=ground)
        left.append(work.MAX_WORK - mine.left)
    assert left[1] < left[0] and 5 * left[2] < left[0]


def test_what_one_proof_assumes_is_no_ground_for_the_next() -> None:
    """(sign x)^2 = 1 for almost all x; that it is defined so at all x does not follow."""
    x = v("x")
    square: Raw = ("^", call("sign", x), ("q", Fraction(2)))
    ground = Ground()
    prove_zero(minus(square, ("q", Fraction(1))), given=ground)
    assert not ground.kept
    with pytest.raises(NotShown, match="may be 0"):
        prove_defined(square, given=ground)
    given = Ground(Hypotheses(nonzero=(x,)))
    prove_defined(square, given=given)
    assert not given.kept and given.everywhere().kept


def test_forms_of_a_proof_that_fails_are_not_kept() -> None:
    ground = Ground()
    assert is_zero(minus(v("x"), v("x")), given=ground) and ground.kept
    assert not is_zero(minus(v("x"), v("y")), given=ground) and not ground.kept
