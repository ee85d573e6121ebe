"""Generic passes over terms: what is in them, rebuilding, and capture-avoiding substitution.

Each visits a shared part once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, Final, TypeVar

from symelbo.index import build
from symelbo.index.nodes import Memo, synthesized
from symelbo.index.terms import (
    Apply,
    Array,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Node,
    Origin,
    Symbol,
    Term,
)
from symelbo.limits import KEPT_REPLACED, WRITTEN_DEPTH, WRITTEN_SUBTERMS
from symelbo.words import fresh_name

__all__ = [
    "count_subterms",
    "count_written",
    "depth_of",
    "formal_indices",
    "free_indices",
    "indices_apart",
    "instantiate",
    "is_long",
    "map_parts",
    "map_terms",
    "mentions",
    "operands",
    "rebuild_named",
    "rename_indices",
    "replace_index",
    "replace_selector",
    "replace_symbols",
    "selectors_of",
    "symbols_of",
    "walk_parts",
]

N = TypeVar("N", bound=Node)

_APART: Final = "."  # between the name of an index and a number that sets it apart


# ---------------------------------------------------------------- what is in a term


@synthesized("_free")
def free_indices(item: Node) -> frozenset[Index]:
    """term -> the index variables that occur free in it."""
    if isinstance(item, Index):
        return frozenset((item,))
    inner = [free_indices(part) for part in item.parts()]
    found = inner[0] if len(inner) == 1 else frozenset().union(*inner)
    bound = item.bound()
    return found.difference(bound) if bound else found


@synthesized("_symbols")
def symbols_of(item: Node) -> frozenset[Symbol]:
    """term -> every symbol in it, abstract functions and selecting nodes included."""
    inner = [symbols_of(part) for part in item.parts()]
    own = item.heads()
    return inner[0] if len(inner) == 1 and not own else frozenset(own).union(*inner)


@synthesized("_size")
def count_subterms(item: Node) -> int:
    """The size of a term as a tree: itself and the terms in it; no arrays, no bare indices."""
    return 1 + sum(count_subterms(part) for part in item.parts() if isinstance(part, Term))


@synthesized("_written")
def count_written(item: Node) -> int:
    """The size of a term as it is written, as a tree: operations, symbols, places and arrays."""
    return 1 + sum(map(count_written, item.parts()))


@synthesized("_depth")
def depth_of(item: Node) -> int:
    """How deep operations are nested in a term; places do not count."""
    return 1 + max(map(depth_of, operands(item)), default=0)


def operands(item: Node) -> tuple[Node, ...]:
    """The terms and arrays immediately inside, no places."""
    parts = item.parts()
    return tuple(p for p in parts if isinstance(p, Array)) if item.selects else parts


def is_long(item: Node) -> bool:
    """Whether what is shared in a term counts more than how it reads when it is written out."""
    return count_written(item) > WRITTEN_SUBTERMS or depth_of(item) > WRITTEN_DEPTH


def walk_parts(item: Node, *, binders: bool = False) -> Iterator[Node]:
    """The item and everything in it, from outside in, each part once."""
    seen: set[Node] = set()
    stack = [item]
    while stack:
        top = stack.pop()
        if top not in seen:
            seen.add(top)
            yield top
            stack += reversed((*top.bound(), *top.parts()) if binders else top.parts())


def mentions(item: Node, test: Callable[[Symbol], bool]) -> bool:
    """Whether any symbol in the term satisfies the test."""
    return any(test(symbol) for symbol in symbols_of(item))


def selectors_of(item: Node) -> list[tuple[Entry, Extent]]:
    """mu[c, d] -> (c, the axis it selects from), for every category in an index place, in order."""
    found: dict[tuple[Entry, Extent], None] = {}
    for part in walk_parts(item):
        if isinstance(part, Entry | Apply):
            (head,) = part.heads()
            for axis, place in zip(head.shape, part.indices, strict=True):
                if isinstance(place, Entry):
                    found[place, axis] = None
    return list(found)


# ---------------------------------------------------------------- rebuilding


def map_parts(
    item: N,
    on_term: Callable[[Term], Term],
    on_index: Callable[[IndexTerm], IndexTerm],
    on_array: Callable[[Array], Array],
) -> N:
    """f(a, b), g -> f(g(a), g(b)), of the immediate parts; binders are the caller's concern.

    >>> show(map_parts(term("x + y"), lambda part: term("s"), lambda i: i, lambda a: a))
    2*s
    """
    on_other: Callable[..., Node] = on_index if item.selects else on_term
    parts = [on_array(p) if isinstance(p, Array) else on_other(p) for p in item.parts()]
    return build.rebuild(item, item.bound(), parts)


def map_terms(item: N, on_term: Callable[[Term], Term]) -> N:
    """f(a, b), g -> f(g(a), g(b)), of immediate terms and bodies of arrays; places stay.

    >>> show(map_terms(term("exp(x)"), lambda part: term("y")))
    exp(y)
    """
    parts = [
        Array(p.indices, on_term(p.body))
        if isinstance(p, Array)
        else p
        if item.selects
        else on_term(p)  # type: ignore[arg-type]
        for p in item.parts()
    ]
    return build.rebuild(item, item.bound(), parts)


def rebuild_named(name: Callable[[Term, Term], Term]) -> Callable[[Term], Term]:
    """term -> the term made again from the inside, `name(part, part made again)` for each part."""
    known: dict[Node, Any] = {}

    def visit(item: Term) -> Term:
        stack: list[Node] = [item]
        while stack:
            top = stack[-1]
            waiting = [part for part in operands(top) if part not in known]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if top in known:  # it was waited for twice
                continue
            made: Any = build.rebuild(top, top.bound(), [known.get(p, p) for p in top.parts()])
            known[top] = name(top, made) if isinstance(top, Term) else made
        return known[item]  # type: ignore[no-any-return]

    return visit


def rename_indices(term: Term, names: Mapping[Index, Index]) -> Term:
    """term, {i: j} -> the term with j for each free i at once.

    >>> show(rename_indices(term("W[d,h]*mu[e]"), {d: e, e: d}))
    W[e,h]*mu[d]
    """
    free = free_indices(term)
    own = {old: names[old] for old in free if names.get(old, old) != old}
    return _replace(term, own, {}) if own else term


def replace_index(term: N, index: Index, by: IndexTerm) -> N:
    """term, i, j -> term with every free i replaced by j.

    >>> show(replace_index(term("sum(W[d,j] for j in 1:H)"), d, Position(Extent("D"))))
    sum(W[D,j] for j in 1:H)
    """
    return term if index == by else _replace(term, {index: by}, {})


def instantiate(array: Array, indices: tuple[IndexTerm, ...]) -> Term:
    """(\\i. body), j -> body with i replaced by j.

    >>> show(instantiate(Array((d,), term("mu[d]*x")), (e,)))
    mu[e]*x
    """
    if len(indices) != len(array.indices):
        raise ValueError(f"{len(array.indices)} indices expected, {len(indices)} given")
    mapping = {old: new for old, new in zip(array.indices, indices, strict=True) if old != new}
    return _replace(array.body, mapping, {}) if mapping else array.body


def _replace(item: N, mapping: Mapping[Index, IndexTerm], known: dict[Node, Node]) -> N:
    """f(i), {i: j} -> f(j) for free i; `known`: what this mapping makes of parts met before."""
    if free_indices(item).isdisjoint(mapping):
        return item
    if isinstance(item, Index):
        return mapping[item]  # type: ignore[return-value]
    if item in known:
        return known[item]  # type: ignore[return-value]
    bound, inner, deeper = item.bound(), mapping, known
    if bound:
        bound, inner = _enter(item, mapping)
        deeper = known if inner == mapping else {}
    parts = [_replace(part, inner, deeper) for part in item.parts()]
    known[item] = result = build.rebuild(item, bound, parts)
    return result


def _enter(
    item: Node, mapping: Mapping[Index, IndexTerm]
) -> tuple[tuple[Index, ...], Mapping[Index, IndexTerm]]:
    """Push a replacement under a binder, renaming bound indices that would capture."""
    bound = item.bound()
    inner = {old: new for old, new in mapping.items() if old not in bound}
    incoming = {index for new in inner.values() for index in free_indices(new)}
    clashing = _namesakes(bound, incoming)
    if not clashing:
        return bound, inner
    number = max(map(_renamed, (item, *incoming)))
    renamed: list[Index] = []
    for index in bound:
        if index in clashing:
            number += 1
            inner[index] = index = _apart(index, number)
        renamed.append(index)
    return tuple(renamed), inner


def replace_symbols(term: Term, arrays: Mapping[Symbol, Array]) -> Term:
    """term, {x: \\i. body} -> term with every x[j] replaced by body[i := j].

    A symbol in an index place may only be replaced by another entry or an index in place of it.

    >>> show(replace_symbols(term("mu[e] + x"), {mu: Array((d,), term("s*mu[d]"))}))
    mu[e]*s + x
    """
    own = [(symbol, arrays[symbol]) for symbol in symbols_of(term) if symbol in arrays]
    return _replace_symbols(term, frozenset(own)) if own else term


@lru_cache(maxsize=KEPT_REPLACED)
def _replace_symbols(term: Term, pairs: frozenset[tuple[Symbol, Array]]) -> Term:
    """term, (x, \\i. body) -> term with every x[j] replaced by body[i := j]

    requires: all x are in the term
    """
    arrays = dict(pairs)
    incoming = frozenset().union(*map(free_indices, arrays.values()))

    def rule(replaced: Memo[tuple[Node, bool], Node], key: tuple[Node, bool]) -> Node:
        item, in_place = key
        if symbols_of(item).isdisjoint(arrays):
            return item
        bound, parts = _open(item, incoming)
        on_place = item.selects
        parts = tuple([replaced[p, on_place and not isinstance(p, Array)] for p in parts])
        if not isinstance(item, Entry) or item.symbol not in arrays:
            return build.rebuild(item, bound, parts)
        body = instantiate(arrays[item.symbol], parts)  # type: ignore[arg-type]
        if not in_place or isinstance(body, Entry):
            return body
        if isinstance(body, IndexValue):
            return body.index
        raise ValueError("an index can only be replaced by an index")

    return Memo(rule)[term, False]  # type: ignore[return-value]


def _open(item: Node, incoming: frozenset[Index]) -> tuple[tuple[Index, ...], tuple[Node, ...]]:
    """Rename the bound indices that would capture an index of what comes in."""
    bound, parts = item.bound(), item.parts()
    clashing = _namesakes(bound, incoming)
    if not clashing:
        return bound, parts
    number = max(map(_renamed, (item, *incoming)))
    renamed = {index: _apart(index, number + n) for n, index in enumerate(clashing, start=1)}
    known: dict[Node, Node] = {}
    return (
        tuple(renamed.get(index, index) for index in bound),
        tuple(_replace(part, renamed, known) for part in parts),
    )


def formal_indices(shape: Sequence[Extent], stem: str = "k") -> tuple[Index, ...]:
    """(D, H) -> k0 over D and k1 over H, which no place of a model has; stem: where arrays meet."""
    return tuple(Index(f"{stem}{n}", e, origin=Origin.FORMAL) for n, e in enumerate(shape))


def indices_apart(indices: Sequence[Index], taken: Set[str]) -> tuple[Index, ...]:
    """The indices, those by other letters that are called like what is taken, or like another."""
    found: list[Index] = []
    for index in indices:
        used = taken | {other.name for other in found}
        clashes = index.name in used
        found.append(index.like(fresh_name("i", used, *"jklmortuvw")) if clashes else index)
    return tuple(found)


@synthesized("_renamed")
def _renamed(item: Node) -> int:
    """The largest number by which an index in a term, free or bound, was set apart."""
    own = (
        int(i.name.partition(_APART)[2] or 0) for i in (*item.bound(), item) if isinstance(i, Index)
    )
    return max((*own, *map(_renamed, item.parts())), default=0)


def _namesakes(bound: Iterable[Index], incoming: Set[Index]) -> list[Index]:
    """The bound indices that are called like one that comes in, be it of another range.

    Those of another range capture nothing, but nobody could tell the two apart by their names.
    """
    names = {(index.name, index.origin) for index in incoming}
    return [index for index in bound if (index.name, index.origin) in names]


def _apart(index: Index, number: int) -> Index:
    """An index like this one, called by no name that a smaller number makes.

    Larger than all numbers inside, it clashes with none of them in turn: the whole of a nest of
    sums would be made again.
    """
    return index.like(f"{index.name.partition(_APART)[0]}{_APART}{number}")


def replace_selector(term: Term, entry: Entry, by: IndexTerm) -> Term:
    """term, c, k -> term with the category c replaced by k in every index place.

    >>> show(replace_selector(term("pi[cat]"), Entry(cat), c))
    pi[c]
    """

    def rule(replaced: Memo[tuple[Node, bool], Node], key: tuple[Node, bool]) -> Node:
        item, in_place = key
        if in_place and item is entry:
            return by
        on_place = item.selects
        parts = [replaced[p, on_place and not isinstance(p, Array)] for p in item.parts()]
        return build.rebuild(item, item.bound(), parts)

    return Memo(rule)[term, False]  # type: ignore[return-value]
