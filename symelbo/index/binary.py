"""Functions of finite entries: f(z) -> f(0) + (f(1) - f(0)) z on {0, 1}; f(z) -> sum_k z[k] f(e_k)
for a one-hot vector z.
"""

from __future__ import annotations

from symelbo.index.build import ONE, ZERO, add, mul, subtract, total
from symelbo.index.nodes import Memo
from symelbo.index.substitute import free_indices, map_terms, symbols_of, walk_parts
from symelbo.index.terms import (
    Call,
    Delta,
    Entry,
    Index,
    Node,
    Power,
    Symbol,
    Term,
)
from symelbo.limits import BINARY_ENTRIES
from symelbo.words import fresh_name

__all__ = ["binary_entries", "expand_binary"]


def expand_binary(term: Term) -> Term:
    """log(1 + w z) -> z log(1 + w) for binary z: exact on the support, not on the reals.

    Only functions of at most three binary entries at free places are expanded, and functions of one
    one-hot vector.

    >>> show(expand_binary(term("exp(x*z[1])")))
    1 + z[1]*(exp(x) - 1)
    """
    if not any(symbol.domain.is_bit for symbol in symbols_of(term)):
        return term

    def rule(expanded: Memo[Term, Term], part: Term) -> Term:
        if isinstance(part, Call | Power):
            entries = binary_entries(part)
            if entries and len(entries) <= BINARY_ENTRIES:
                return _interpolate(part, entries)
            vectors = [s for s in symbols_of(part) if s.domain.is_one_hot]
            if len(vectors) == 1 and len(vectors[0].shape) == 1:
                return expanded[_select(part, vectors[0])]
        return map_terms(part, expanded.__getitem__)

    return Memo(rule)[term]


def _select(part: Term, vector: Symbol) -> Term:
    """f(z) -> sum_k z[k] f(e_k)"""
    # of no sum inside, into which it is put
    taken = {p.name for p in walk_parts(part, binders=True) if isinstance(p, Index)}
    index = Index(fresh_name("o", taken), vector.shape[-1])
    return total(index, mul(Entry(vector, (index,)), _put_vector(part, vector, index)))


def _put_vector(term: Term, vector: Symbol, index: Index) -> Term:
    """z[j] -> delta(j, k)"""

    def rule(put: Memo[Term, Term], part: Term) -> Term:
        if isinstance(part, Entry) and part.symbol == vector:
            return Delta(part.indices[-1], index)
        return map_terms(part, put.__getitem__)

    return Memo(rule)[term]


def _interpolate(part: Term, entries: tuple[Entry, ...]) -> Term:
    """f(z) -> f(0) + (f(1) - f(0)) z, for each of the entries z."""
    first, *others = entries
    at_zero = _put(part, {first: ZERO})
    at_one = _put(part, {first: ONE})
    if others:
        rest = tuple(others)
        at_zero, at_one = _interpolate(at_zero, rest), _interpolate(at_one, rest)
    return add(at_zero, mul(first, subtract(at_one, at_zero)))


def binary_entries(term: Term) -> tuple[Entry, ...]:
    """The binary entries of a term; () if one of them stands under a sum, where it is many."""
    found: dict[Entry, None] = {}

    def rule(
        stand_free: Memo[tuple[Node, frozenset[Index]], bool], key: tuple[Node, frozenset[Index]]
    ) -> bool:
        item, bound = key
        if isinstance(item, Entry) and item.symbol.domain.is_bit:
            if free_indices(item) & bound:
                return False
            found[item] = None
            return True
        inner = bound.union(item.bound())
        return all(stand_free[part, inner] for part in item.parts())

    return tuple(found) if Memo(rule)[term, frozenset()] else ()


def _put(term: Term, values: dict[Entry, Term]) -> Term:
    """f(z), {z: a} -> f(a)"""

    def rule(put: Memo[Term, Term], part: Term) -> Term:
        if isinstance(part, Entry) and part in values:
            return values[part]
        return map_terms(part, put.__getitem__)

    return Memo(rule)[term]
