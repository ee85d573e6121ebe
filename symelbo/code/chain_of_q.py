"""q of latents that form a chain, by what a smoother gives: the marginals of places and neighbours.

Where every factor reads one step of a latent, or two that follow each other, its expectation needs
no more of q than that; among all q with these marginals, H[q] is that of the Markov chain.
"""

from __future__ import annotations

from symelbo.code.plan import Unsupported
from symelbo.entropy.exact_posterior import is_quadratic
from symelbo.index.build import (
    ONE,
    add,
    call,
    category_extent,
    divide,
    extent_length,
    log,
    mul,
    number,
    power,
    subtract,
    total,
)
from symelbo.index.domains import PosDef, Positive, Real
from symelbo.index.substitute import free_indices, replace_selector, symbols_of, walk_parts
from symelbo.index.terms import (
    Add,
    Array,
    Constant,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Inverse,
    LogDet,
    Mul,
    Offset,
    Origin,
    Position,
    Role,
    Sum,
    Symbol,
    Term,
)
from symelbo.model.model import Model
from symelbo.values import dataclass

__all__ = ["Chain", "find_chain"]


@dataclass(frozen=True)
class Chain:
    """The first axis of a node, along which q is a Markov chain.

    single: the probabilities of the categories of a step, or the mean of a step; spread: the
    covariance of a step that is real; pair: the joint probabilities of a step and the next, or the
    covariance of a step with the one before.
    """

    node: Symbol
    single: Symbol
    spread: Symbol | None
    pair: Symbol

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What the caller gives."""
        found = (self.single, self.spread, self.pair)
        return tuple(symbol for symbol in found if symbol is not None)

    def describe(self, symbol: Symbol) -> tuple[str, str, str]:
        """How an array is checked and what it is, with what is said of its values."""
        node, last = self.node.name, "summing to one over the last"
        if self.spread is None:
            if symbol == self.single:
                return "weights", f"q of each step of {node}, ", f"non-negative, {last} axis"
            what = f"q of each step of {node} and the next, "
            return "joint", what, f"non-negative, {last} two axes"
        if symbol == self.single:
            return symbol.domain.check, f"means of {node} under q, ", symbol.domain.described
        what = f"covariances under q of each step of {node}"
        if symbol == self.pair:
            what += " (rows) with the one before" * bool(self.node.shape[1:])
            what += " with the one before" * (not self.node.shape[1:])
        return symbol.domain.check, f"{what}, ", symbol.domain.described

    @property
    def entropy(self) -> Term:
        """H[q]: of the first step, and of every other given the one before."""
        length = self.node.shape[0]
        first, later = Index("t", length), Index("t", length, 2)
        before = Offset(later, -1)
        if self.spread is None:
            i, j = self._states()
            steps = total(first, total(i, _entr(self.single, first, i)))
            joint = total(i, total(j, _entr(self.pair, before, i, j)))
            alone = [total(i, _entr(self.single, place, i)) for place in (before, later)]
            return add(steps, total(later, subtract(joint, add(*alone))))
        start = self._normal_entropy(self.covariance((Position(Extent(None, 1)),) * 2))
        return add(start, total(later, self._normal_entropy(self._conditional(later, before))))

    def covariance(self, steps: tuple[IndexTerm, IndexTerm]) -> Array:
        """Of two steps, over the entries of both; Unsupported where these do not follow."""
        assert self.spread is not None
        rows, columns = self._entries("row"), self._entries("column")
        one, other = steps
        if one == other:
            return Array((*rows, *columns), Entry(self.spread, (one, *rows, *columns)))
        if _follows(one, other):  # stands at the later step, of which there are one less
            return Array((*rows, *columns), Entry(self.pair, (other, *rows, *columns)))
        if _follows(other, one):
            return Array((*rows, *columns), Entry(self.pair, (one, *columns, *rows)))
        raise Unsupported("steps that are no neighbours")

    def average_categories(self, term: Term) -> Term:
        """f(z[t-1], z[t]) -> sum_ij xi[t-1,i,j] f(i, j), inside sums and products."""
        if self.node not in symbols_of(term):
            return term
        entries = _entries_in(term, self.node)
        if all(free_indices(entry) <= free_indices(term) for entry in entries):
            if len(entries) == 1:
                return self._weigh(term, self.single, entries, entries[0].indices[0])
            if len(entries) == 2:
                if _follows(entries[0].indices[0], entries[1].indices[0]):
                    entries.reverse()
                before, later = (entry.indices[0] for entry in entries)
                if _follows(later, before):
                    return self._weigh(term, self.pair, entries, before)
        match term:
            case Add(parts):
                return add(*map(self.average_categories, parts))
            case Sum(index, body):
                return total(index, self.average_categories(body))
            case Mul(factors):
                own = [f for f in factors if self.node in symbols_of(f)]
                if len(own) == 1:
                    rest = (f for f in factors if f is not own[0])
                    return mul(*rest, self.average_categories(own[0]))
        raise Unsupported("steps that are no neighbours")

    def _weigh(self, term: Term, weights: Symbol, entries: list[Entry], place: IndexTerm) -> Term:
        states = self._states()[: len(entries)]
        for entry, state in zip(entries, states, strict=True):
            term = replace_selector(term, entry, state)
        if self.node in symbols_of(term):
            raise Unsupported("a category that is a number")
        term = mul(Entry(weights, (place, *states)), term)
        for state in reversed(states):
            term = total(state, term)
        return term

    def _states(self) -> tuple[Index, Index]:
        extent = category_extent(self.node.domain)
        assert extent is not None
        return (
            Index("state", extent, origin=Origin.PLANNED),
            Index("next", extent, origin=Origin.PLANNED),
        )

    def _entries(self, stem: str) -> tuple[Index, ...]:
        shape = self.node.shape[1:]
        return tuple(Index(f"{stem}{n}", e, origin=Origin.FORMAL) for n, e in enumerate(shape))

    def _conditional(self, later: IndexTerm, before: IndexTerm) -> Array:
        """V[t] - L[t] V[t-1]^-1 L[t]'"""
        whole, cross = self.covariance((later, later)), self.covariance((later, before))
        past = self.covariance((before, before))
        if not whole.indices:
            explained = mul(power(cross.body, 2), power(past.body, -1))
            return Array((), subtract(whole.body, explained))
        row, column = whole.indices
        a, b = self._entries("a")[0], self._entries("b")[0]
        assert self.spread is not None
        left, right = (Entry(self.pair, (before, *pair)) for pair in ((row, a), (column, b)))
        explained = mul(left, Inverse(past, a, b), right)
        return Array((row, column), subtract(whole.body, total(a, total(b, explained))))

    def _normal_entropy(self, covariance: Array) -> Term:
        size: Term = ONE
        if not covariance.indices:
            determinant = log(covariance.body)
        else:
            size, determinant = extent_length(self.node.shape[1]), LogDet(covariance)
        two_pi_e = add(log(mul(number(2), Constant("pi"))), number(1))
        return divide(add(mul(size, two_pi_e), determinant), number(2))


def find_chain(model: Model) -> Chain | None:
    """model -> its only latent, where q is any and the factors close by the marginals of a chain"""
    nodes = list(dict.fromkeys(statement.node for statement in model.latents))
    if model.variational != "any" or len(nodes) != 1 or not nodes[0].shape:
        return None
    (node,) = nodes
    most = 1 if node.domain.is_place else 2 * node.domain.is_line
    if len(node.shape) > most:
        return None
    name, (length, *events) = node.name, node.shape
    less = Extent(length.size, length.offset - 1)
    if node.domain.is_place:
        extent = category_extent(node.domain)
        if extent is None:
            return None
        single = Symbol("gamma", Role.VARIATIONAL, Real(), (length, extent))
        chain = Chain(node, single, None, Symbol("xi", single.role, Real(), (less, extent, extent)))
    else:
        shape, positive = (length, *events, *events), Positive() if not events else PosDef()
        chain = Chain(
            node,
            Symbol(f"mean_{name}", Role.VARIATIONAL, Real(), node.shape),
            Symbol(f"cov_{name}", Role.VARIATIONAL, positive, shape),
            Symbol(f"lag_cov_{name}", Role.VARIATIONAL, Real(), (less, *events, *events)),
        )
    return chain if _is_closed(model, chain) else None


def _is_closed(model: Model, chain: Chain) -> bool:
    """Whether every factor reads one step, or two that follow, some two, and none is more than
    quadratic in a real latent.
    """
    pairs, node = 0, chain.node
    for statement in model.statements:
        term, plates = statement.log_density, set(statement.plates)
        steps = list(_steps_in(term, node))
        bound = any(not free_indices(step) <= plates for step in steps)
        if bound or len(steps) > 2:
            return False
        if len(steps) == 2:
            pairs += 1
            if not (_follows(steps[0], steps[1]) or _follows(steps[1], steps[0])):
                return False
        try:
            if chain.spread is None:
                chain.average_categories(term)
            elif not is_quadratic(term, node) or _in_function(term, node):
                return False
        except Unsupported:
            return False
    return pairs > 0


def _in_function(term: Term, node: Symbol) -> bool:
    functions = any(s.role is Role.FUNCTION for s in symbols_of(term))
    return functions and node in symbols_of(term)


def _steps_in(term: Term, node: Symbol) -> dict[IndexTerm, None]:
    """The places on the first axis of a node."""
    return dict.fromkeys(entry.indices[0] for entry in _entries_in(term, node))


def _entries_in(term: Term, node: Symbol) -> list[Entry]:
    return [p for p in walk_parts(term) if isinstance(p, Entry) and p.symbol == node]


def _follows(one: IndexTerm, other: IndexTerm) -> bool:
    """Whether the first place is certainly the one after the other."""
    (base, by), (other_base, other_by) = _split(one), _split(other)
    return base == other_base and by == other_by + 1


def _split(place: IndexTerm) -> tuple[object, int]:
    match place:
        case Offset(index, by):
            return index, by
        case Position(Extent(size, offset)):
            return size, offset
    return place, 0


def _entr(symbol: Symbol, *places: IndexTerm) -> Term:
    return call("entr", Entry(symbol, places))
