"""Costly operations of one variable are done once, whatever their axes are called."""

from __future__ import annotations

from symelbo.code.ops import Combine, Inverse, LogDet, MeanWeights, Op, Product, Read, walk
from symelbo.code.plan import Line
from symelbo.code.share_operations import share_operations
from symelbo.index.terms import Extent, Index

i, j, k, n, s = (Index(name, Extent(size)) for name, size in zip("ijkns", "DDDNS", strict=True))


def inverse(*axes: Index) -> Op:
    return Inverse(Read("A", axes), axes)


def test_the_second_inverse_is_read() -> None:
    lines = (
        Line("a", inverse(i, j), "first"),
        Line("b", Combine(((True, inverse(k, j)),), (k, j))),
    )
    (a, b), returned = share_operations(lines, inverse(j, k), {"A"})
    assert a == lines[0]
    assert b.op == Combine(((True, Read("a", (k, j))),), (k, j))
    assert returned == Read("a", (j, k))


def test_what_is_inside_twice_becomes_a_variable_before() -> None:
    both = Combine(((False, inverse(i, j)), (True, inverse(i, j))), (i, j))
    (a, b), returned = share_operations((Line("b", both, "of A"),), None, {"A", "inverse_A"})
    assert (a.target, a.comment) == ("inverse_A_", "of A")
    assert b == Line(
        "b",
        Combine(
            ((False, Read("inverse_A_", (i, j))),) * 1 + ((True, Read("inverse_A_", (i, j))),),
            (i, j),
        ),
    )
    assert returned is None


def test_what_is_there_once_stays() -> None:
    weights = Read("q", (n, s))
    lines = (Line("a", LogDet(Read("A", (i, j)), ())),)
    returned = Product(1, (MeanWeights(weights, (s,)),), (), (s,))  # type: ignore[arg-type]
    assert share_operations(lines, returned, set()) == (lines, returned)


def test_only_what_is_of_a_variable_is_shared() -> None:
    """The inverse of a product is named by the plan, or stays where it is."""
    product = Combine(((False, Read("A", (i, j))), (False, Read("B", (i, j)))), (i, j))
    twice = Combine(((False, Inverse(product, (i, j))),) * 2, (i, j))
    lines, returned = share_operations((), twice, set())
    assert lines == () and returned == twice
    assert sum(isinstance(op, Inverse) for op in walk(returned)) == 2
