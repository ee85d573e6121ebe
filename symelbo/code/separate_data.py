"""A term -> products of what varies with the data and what varies with the samples of q.

The mean over data points and samples (or categories) of such a product needs no array over both:
the data part is averaged first.  What is averaged are deviations from a centre of the data, so that
few digits are lost: about 2 log10(k) where a component lies k standard deviations away from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symelbo.code.ops import Axes
from symelbo.code.rearrange import summands_of, swap_term
from symelbo.index.build import ONE, ZERO, add, log, mul, subtract, total
from symelbo.index.signs import is_positive
from symelbo.index.substitute import free_indices, indices_apart, replace_index, walk_parts
from symelbo.index.terms import Add, Call, Entry, Index, Mul, Number, Power, Sum, Term
from symelbo.limits import DATA_DEGREE, DATA_PARTS
from symelbo.values import dataclass

__all__ = ["Inseparable", "Piece", "Separation", "separate_data"]


class Inseparable(Exception):
    """What varies with data and samples at once, in no way that can be taken apart."""


@dataclass(frozen=True, slots=True)
class Piece:
    """sum over `summed` of data * rest: the data part varies with the data alone, the rest not.

    vanishes: the data part is 0 at the centre.
    """

    data: Term
    rest: Term
    summed: Axes = ()
    vanishes: bool = False


@dataclass(frozen=True, slots=True)
class Separation:
    """What terms vary with, and where the data have their centre.

    varies: whether a term varies with the data, and with the rest (samples, or parameters);
    centre: a term, the data in it at their centre, and a term that varies with the data alone, less
    its value there; None where the data are taken as they are.
    """

    varies: Callable[[Term], tuple[bool, bool]]
    centre: tuple[Callable[[Term], Term], Callable[[Term], Term]] | None = None

    def at_centre(self, term: Term) -> Term:
        """What stands for a term that varies with the data alone, at their centre."""
        return ZERO if self.centre is None else self.centre[0](term)

    def deviation(self, term: Term) -> Term:
        """The term less that."""
        return term if self.centre is None else self.centre[1](term)


def separate_data(term: Term, how: Separation) -> list[Piece]:
    """term -> pieces that add up to it

    f(x) = f(0) + x (f(1) - f(0))  for x in {0, 1};
    sum_k D_k(x) R_k = sum_k D_k(c) R_k + sum_k (D_k(x) - D_k(c)) R_k: the first is f(c).
    requires: no index is bound twice on the way down.
    raises: Inseparable.
    """
    if how.varies(term) != (True, True):
        return _expand(term, how)
    if isinstance(term, Sum):
        return [_sum_over(term.index, piece) for piece in separate_data(term.body, how)]
    if isinstance(term, Add) and any(isinstance(part, Sum) for part in term.terms):
        return list(_collect(p for part in term.terms for p in separate_data(part, how)))
    if (bit := _only_bit(term, how)) is not None:
        at_one, at_zero = (swap_term(term, bit, value) for value in (ONE, ZERO))
        return [Piece(ONE, at_zero), Piece(bit, subtract(at_one, at_zero))]
    return _about_centre(term, how)


def _about_centre(term: Term, how: Separation) -> list[Piece]:
    """f -> f(c), and deviations of the data parts"""
    if how.centre is None:
        return list(_collect(_expand(term, how)))
    found = [Piece(ONE, how.at_centre(term))]
    for piece in _collect(_expand(term, how)):
        if piece.data == ONE:
            continue
        if not piece.vanishes:
            data = how.deviation(piece.data)
            piece = Piece(data, piece.rest, piece.summed, True)
        found.append(piece)
    return found


def _expand(term: Term, how: Separation) -> list[Piece]:
    """Sums, products and powers are multiplied out."""
    by_data, by_sample = how.varies(term)
    if not by_data:
        return [Piece(ONE, term)]
    if not by_sample:
        return [Piece(term, ONE)]
    match term:
        case Add(parts):
            return [piece for part in parts for piece in _expand(part, how)]
        case Sum(index, body):
            return [_sum_over(index, piece) for piece in _expand(body, how)]
        case Mul(factors):
            mixed = sum(how.varies(factor) == (True, True) for factor in factors)
            one = _expand_deviating if mixed > 1 else _expand
            return _multiply([one(factor, how) for factor in factors])
        case Power(base, Number(value)) if value.denominator == 1 and 1 < value <= DATA_DEGREE:
            return _multiply([_expand_deviating(base, how)] * int(value))
        case Call("log", (Mul(factors),)) if all(map(is_positive, factors)):
            return [piece for factor in factors for piece in _expand(log(factor), how)]
        case Call("log", (Power(base, exponent),)) if is_positive(base):
            return _multiply([_expand(exponent, how), _expand(log(base), how)])
    raise Inseparable(term)


def _expand_deviating(term: Term, how: Separation) -> list[Piece]:
    """x - m -> (x - c) + (c - m): products of these are no larger than they have to be."""
    if isinstance(term, Mul) and not any(isinstance(factor, Power) for factor in term.factors):
        return _multiply([_expand_deviating(factor, how) for factor in term.factors])
    parts = list(_flattened(term))
    own = [part for part in parts if how.varies(part) == (True, False)]
    fixed = [part for part in parts if not how.varies(part)[0]]
    mixed = [part for part in parts if how.varies(part) == (True, True)]
    found = [piece for part in mixed for piece in _expand(part, how)]
    data = add(*own)
    if own:
        vanishes = how.centre is not None
        found.append(Piece(how.deviation(data), ONE, vanishes=vanishes))
        fixed.append(how.at_centre(data))
    if (rest := add(*fixed)) != ZERO:
        found.append(Piece(ONE, rest))
    return found


def _flattened(term: Term) -> Iterable[Term]:
    """2 (a + b) + c -> 2 a, 2 b, c"""
    for part in summands_of(term):
        match part:
            case Mul((Number(), Add(terms)) as factors):
                yield from (p for inner in terms for p in _flattened(mul(factors[0], inner)))
            case _:
                yield part


def _only_bit(term: Term, how: Separation) -> Entry | None:
    """The entry of 0 or 1 without which a term does not vary with the data."""
    for part in walk_parts(term):
        if isinstance(part, Entry) and how.varies(part) == (True, False):
            is_bit = part.symbol.domain.is_bit and not part.symbol.domain.rank
            if not is_bit or not free_indices(part) <= free_indices(term):
                return None
            cases = (swap_term(term, part, value) for value in (ZERO, ONE))
            return None if any(how.varies(case)[0] for case in cases) else part
    return None


# ---------------------------------------------------------------- pieces


def _sum_over(index: Index, piece: Piece) -> Piece:
    """The index is summed by the side that has it alone."""
    data, rest, summed = piece.data, piece.rest, piece.summed
    in_data, in_rest = (index in free_indices(side) for side in (data, rest))
    if in_data and in_rest:
        return Piece(data, rest, (*summed, index), piece.vanishes)
    if in_data:
        return Piece(total(index, data), rest, summed, piece.vanishes)
    return Piece(data, total(index, rest), summed, piece.vanishes)


def _multiply(lists: list[list[Piece]]) -> list[Piece]:
    """The products of one piece of each."""
    found = [Piece(ONE, ONE)]
    for pieces in lists:
        found = [_times(one, other) for one in found for other in pieces]
        if len(found) > DATA_PARTS:
            raise Inseparable(f"more than {DATA_PARTS} products")
    return found


def _times(one: Piece, other: Piece) -> Piece:
    """The product, with names of its own for what is summed twice."""
    apart = indices_apart(other.summed, {index.name for index in one.summed})
    data, rest = other.data, other.rest
    for index, new in zip(other.summed, apart, strict=True):
        if index != new:
            data, rest = replace_index(data, index, new), replace_index(rest, index, new)
    return Piece(
        mul(one.data, data),
        mul(one.rest, rest),
        (*one.summed, *apart),
        one.vanishes or other.vanishes,
    )


def _collect(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """Pieces of the same data part together."""
    rests: dict[tuple[Term, Axes, bool], list[Term]] = {}
    for piece in pieces:
        rests.setdefault((piece.data, piece.summed, piece.vanishes), []).append(piece.rest)
    for (data, summed, vanishes), parts in rests.items():
        rest = add(*parts)
        if rest != ZERO:
            yield Piece(data, rest, summed, vanishes)
