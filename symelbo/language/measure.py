"""How large a term is when written out as a tree (shared parts counted every time)."""

from __future__ import annotations

from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Inverse,
    LogDet,
    Mul,
    Power,
    Sum,
    Term,
)

__all__ = ["Measure", "measure"]

Measure = tuple[int, int]  # (nodes of the tree, its height)


def measure(item: Term | Array, memo: dict[Term | Array, Measure]) -> Measure:
    """Term -> (size, height); `memo` carries the measures of shared parts, so a DAG is cheap."""
    known = memo.get(item)
    if known is not None:
        return known
    parts: tuple[Term | Array, ...] = ()
    match item:
        case Add(terms):
            parts = terms
        case Mul(factors):
            parts = factors
        case Power(base, exponent):
            parts = (base, exponent)
        case Call(_, arguments):
            parts = arguments
        case Sum(_, body) | Array(_, body):
            parts = (body,)
        case Apply(_, arrays, _, _):
            parts = arrays
        case Inverse(matrix, _, _) | LogDet(matrix):
            parts = (matrix,)
    measures = [measure(part, memo) for part in parts]
    result = (
        1 + sum(size for size, _ in measures),
        1 + max((height for _, height in measures), default=0),
    )
    memo[item] = result
    return result
