"""Terms are graphs of interned nodes, and every pass follows what a class of nodes declares."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from symelbo.certify.encode import Encoder
from symelbo.code.lower import Lowering
from symelbo.index import build
from symelbo.index.canonical_names import height
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Real
from symelbo.index.modular import Modular, NoResidue
from symelbo.index.nodes import Memo, Node, node
from symelbo.index.normal import RING
from symelbo.index.signs import bounds
from symelbo.index.substitute import (
    count_subterms,
    free_indices,
    instantiate,
    replace_index,
    replace_symbols,
    symbols_of,
    walk_parts,
)
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
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Origin,
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
    sort_key,
)
from symelbo.notation.arrange import arrange
from symelbo.sympy_edge.to_sympy import Writer
from symelbo.trial.evaluate import Smooth, World, evaluate

D = Extent("D")
I, J, K = (Index(name, D) for name in "ijk")
X = Symbol("x", Role.PARAMETER, Real(), (D,))
Y = Symbol("y", Role.PARAMETER, Real(), (D,))
F = Symbol("f", Role.FUNCTION, Real(), (D,))
XI, XJ = Entry(X, (I,)), Entry(X, (J,))
TWO = Number(Fraction(2))
MATRIX = Array((J, K), build.mul(XJ, Delta(J, K)))

NODES: tuple[Node, ...] = (
    I,
    Offset(I, 1),
    Position(D),
    TWO,
    Constant("pi"),
    Size("D"),
    IndexValue(I),
    XI,
    Add((XI, XJ)),
    Mul((XI, XJ)),
    Power(XI, TWO),
    Call("exp", (XI,)),
    Sum(J, Mul((XI, XJ))),
    Delta(I, J),
    Array((J,), Add((XI, XJ))),
    Apply(F, (Array((J,), XJ),), (I,), ((0, (K,)),)),
    Inverse(MATRIX, I, I),
    LogDet(MATRIX),
)


@pytest.mark.parametrize("item", NODES, ids=lambda item: type(item).__name__)
def test_equal_data_are_one_object(item: Any) -> None:
    fields = [getattr(item, name) for name in type(item).__match_args__]
    assert type(item)(*fields) is item
    assert replace(item) is item
    assert pickle.loads(pickle.dumps(item)) is item
    with pytest.raises(AttributeError):
        item.rank = 0


@pytest.mark.parametrize("item", NODES, ids=lambda item: type(item).__name__)
def test_a_node_is_made_again_of_its_parts(item: Node) -> None:
    assert item.rebuilt(item.bound(), item.parts()) is item
    assert build.rebuild(item, item.bound(), item.parts()) is item


def test_every_class_of_nodes_is_tried_and_has_a_place_in_the_order() -> None:
    def below(kind: type[Node]) -> list[type[Node]]:
        return [kind, *(inner for sub in kind.__subclasses__() for inner in below(sub))]

    gc.collect()  # a class with slots is made anew, of one that is only gone when collected
    declared = {kind for kind in below(Node) if kind.__module__ == "symelbo.index.terms"}
    assert declared - {Term} == {type(item) for item in NODES}
    ranks = [type(item).rank for item in NODES]
    assert len(set(ranks)) == len(ranks)
    assert len({sort_key(item) for item in NODES}) == len(NODES)


def test_the_table_of_nodes_forgets() -> None:
    gc.collect()
    table: Any = Call._interned[2]  # type: ignore[attr-defined]
    before = len(table)
    kept = [Call("exp", (Number(Fraction(n, 10**9 + 7)),)) for n in range(1, 100)]
    assert len(table) == before + 99
    del kept
    gc.collect()
    assert len(table) == before


def test_fields_are_checked() -> None:
    with pytest.raises(TypeError, match="fields size, offset"):
        Extent()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="fields size, offset"):
        Extent("D", 1, 2)  # type: ignore[call-arg]
    assert Extent(size="D") is D


TERMS = [item for item in NODES if isinstance(item, Term)]
ENTRIES = {(name, (n,)): 0.5 + n for name in "xy" for n in (1, 2)}
WORLD = World({"D": 2}, ENTRIES, functions={"f": Smooth(F, lambda extent: 2, 3)})


def residue(term: Term) -> object:
    points = {place: Modular.rational(Fraction(value)) for place, value in ENTRIES.items()}
    try:
        return Modular({"D": 2}, points, 0).term(term, {I: 1, J: 2, K: 2})
    except NoResidue as reason:  # said of abstract functions alone
        return isinstance(term, Apply) and reason


def lowered(term: Term) -> object:
    try:
        return Lowering().lower(term)
    except TypeError as reason:  # said of abstract functions alone: a plan has arrays for these
        return isinstance(term, Apply) and reason


PASSES: dict[str, Callable[[Term], object]] = {
    "ring": RING.to_poly,
    "differentiate": lambda term: derivative_along(term, {X: Array((K,), Entry(Y, (K,)))}),
    "signs": bounds,
    "arrange": arrange,
    "evaluate": lambda term: evaluate(term, WORLD, {I: 1, J: 2, K: 2}),
    "lower": lowered,
    "encode": Encoder().term,
    "modular": residue,
    "sympy": lambda term: Writer({"D": 2}, frozenset()).array((I, J, K), term),
}


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("item", TERMS, ids=lambda item: type(item).__name__)
def test_every_pass_of_the_recipe_knows_every_node(item: Term, name: str) -> None:
    found = PASSES[name](item)
    assert found is not None and found is not False


@node
class Reach(Term):
    """max over `index` of body - a node that the package does not know."""

    rank = 99
    index: Index
    body: Term

    def bound(self) -> tuple[Index, ...]:
        return (self.index,)

    def parts(self) -> tuple[Node, ...]:
        return (self.body,)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Reach:
        (index,), (body,) = bound, parts
        return Reach(index, body)


def test_passes_need_to_know_no_node() -> None:
    reach = Reach(J, build.mul(XI, XJ))
    assert free_indices(reach) == {I}
    assert symbols_of(reach) == {X}
    assert count_subterms(reach) == 4
    assert height(Reach(J.canonical(3), XI)) == 3
    assert list(walk_parts(reach, binders=True))[:2] == [reach, J]
    assert sort_key(reach)[0] == 99
    assert replace_index(reach, I, K) == Reach(J, build.mul(Entry(X, (K,)), XJ))
    captured = replace_index(reach, I, J)
    assert isinstance(captured, Reach) and captured.index != J
    assert free_indices(captured) == {J}
    square = {X: Array((K,), build.power(Entry(Y, (K,)), 2))}
    squared = build.power(build.mul(Entry(Y, (I,)), Entry(Y, (J,))), 2)
    assert replace_symbols(reach, square) == Reach(J, squared)
    assert instantiate(Array((I,), reach), (K,)) == replace_index(reach, I, K)


def test_shared_parts_are_visited_once() -> None:
    """A graph of 400 layers, as a tree of 2**400 leaves."""
    term: Term = XI
    for _ in range(400):
        term = Add((Call("exp", (term,)), Call("sin", (term,))))
    assert free_indices(term) == {I} and symbols_of(term) == {X}
    assert count_subterms(term) == 4 * 2**400 - 3
    assert len(list(walk_parts(term))) == 3 * 400 + 2
    assert sort_key(term)[0] == Add.rank


@pytest.mark.parametrize("origin", list(Origin)[1:])
def test_an_index_of_a_pass_is_another_one_than_its_namesake(origin: Origin) -> None:
    hidden = I.like(I.name, origin)
    assert hidden != I and sort_key(hidden) != sort_key(I)
    assert replace_index(XI, hidden, J) is XI
    assert free_indices(build.total(hidden, build.mul(XI, Entry(X, (hidden,))))) == {I}


def test_a_symbol_of_a_pass_is_another_one_than_its_namesake() -> None:
    hidden = Symbol("f", Role.HIDDEN, Real(), (D,))
    argument = (Array((J,), XJ),)
    named, other = (Apply(symbol, argument, (I,)) for symbol in (F, hidden))
    assert named != other and sort_key(named) != sort_key(other)
    assert build.add(named, other) == build.add(other, named)


# ---------------------------------------------------------------- what a pass remembers


def test_a_memo_asks_its_rule_once_and_is_gone_with_its_pass() -> None:
    asked: list[int] = []

    class Value:
        pass

    def rule(memo: Memo[int, Value], n: int) -> Value:
        asked.append(n)
        for part in range(n):
            memo[part]
        return Value()

    memo = Memo(rule)
    value = weakref.ref(memo[4])
    assert memo[4] is value() and sorted(asked) == [0, 1, 2, 3, 4]
    gc.disable()  # without a search for circles
    try:
        del memo
        assert value() is None
    finally:
        gc.enable()
