"""A term -> products of what varies with the data and what varies with the samples of q.

The mean over data points and samples (or categories) of such a product needs no array over both:
the data part is averaged first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from symelbo.code.ops import Axes
from symelbo.code.rearrange import summands_of, swap_term
from symelbo.index.build import ONE, ZERO, add, log, mul, negate, subtract, total
from symelbo.index.signs import is_positive
from symelbo.index.substitute import free_indices, indices_apart, replace_index, walk_parts
from symelbo.index.terms import Add, Call, Entry, Index, Mul, Number, Power, Sum, Term
from symelbo.values import dataclass

__all__ = ["Inseparable", "Piece", "separate_data"]


class Inseparable(Exception):
    """What varies with data and samples at once, in no way that can be taken apart."""


@dataclass(frozen=True, slots=True)
class Piece:
    """sum over `summed` of data * rest: the data part varies with the data alone, the rest not."""

    data: Term
    rest: Term
    summed: Axes = ()


Varies = Callable[[Term], tuple[bool, bool]]
Centre = Callable[[Term], Term]
MOST = 64  # pieces


def separate_data(term: Term, varies: Varies, centre: Centre) -> list[Piece]:
    """term -> pieces that add up to it

    varies: whether a term varies with the data, and with the samples; centre: a term that varies
    with the data alone -> its mean over them, as a term that does not.
    requires: no index is bound twice on the way down.
    raises: Inseparable.
    """

    def split(term: Term) -> list[Piece]:
        by_data, by_sample = varies(term)
        if not by_data:
            return [Piece(ONE, term)]
        if not by_sample:
            return split_alone(term)
        if (bit := _only_bit(term, varies)) is not None:
            at_one, at_zero = (swap_term(term, bit, value) for value in (ONE, ZERO))
            return [Piece(bit, at_one), Piece(subtract(ONE, bit), at_zero)]
        match term:
            case Add(parts):
                return _merge(piece for part in parts for piece in split(part))
            case Sum(index, body):
                return [_sum_over(index, piece) for piece in split(body)]
            case Mul(factors):
                together = sum(varies(factor) == (True, True) for factor in factors) > 1
                return multiply([split_centred(f) if together else split(f) for f in factors])
            case Power(base, Number(value)) if value.denominator == 1 and 1 < value <= 4:
                return multiply([split_centred(base)] * int(value))
            case Call("log", (Mul(factors),)) if all(map(is_positive, factors)):
                return [piece for f in factors for piece in split(log(f))]
            case Call("log", (Power(base, exponent),)) if is_positive(base):
                return multiply([split(exponent), split(log(base))])
        raise Inseparable(term)

    def split_alone(term: Term) -> list[Piece]:
        """What does not vary at all stands outside; products and powers are not expanded."""
        match term:
            case Add(parts):
                return _merge(piece for part in parts for piece in split(part))
            case Sum(index, body):
                return [_sum_over(index, piece) for piece in split(body)]
            case Mul(factors):
                own = [factor for factor in factors if varies(factor)[0]]
                rest = [factor for factor in factors if factor not in own]
                if len(own) == 1 and rest:
                    return multiply([split_alone(own[0]), [Piece(ONE, mul(*rest))]])
                return [Piece(mul(*own), mul(*rest))]
        return [Piece(term, ONE)]

    def split_centred(term: Term) -> list[Piece]:
        """x - m -> (x - c) + (c - m), c the mean of x: their squares are not larger than needed."""
        own = [part for part in summands_of(term) if varies(part) == (True, False)]
        others = [part for part in summands_of(term) if part not in own]
        if not own or any(varies(part)[0] for part in others):
            return split(term)
        data, rest = add(*own), add(*others)
        middle = centre(data)
        return [Piece(add(data, negate(middle)), ONE), Piece(ONE, add(rest, middle))]

    def multiply(lists: list[list[Piece]]) -> list[Piece]:
        found = [Piece(ONE, ONE)]
        for pieces in lists:
            found = [_times(one, other) for one in found for other in pieces]
            if len(found) > MOST:
                raise Inseparable
        return found

    return list(_collect(split(term)))


def _only_bit(term: Term, varies: Varies) -> Entry | None:
    """An entry of 0 or 1 without which a term does not vary with the data.

    f(x) = x f(1) + (1 - x) f(0), of which neither part cancels the other.
    """
    for part in walk_parts(term):
        if isinstance(part, Entry) and varies(part) == (True, False):
            is_bit = part.symbol.domain.is_bit and not part.symbol.domain.rank
            if not is_bit or not free_indices(part) <= free_indices(term):
                return None
            return None if varies(swap_term(term, part, ZERO))[0] else part
    return None


def _sum_over(index: Index, piece: Piece) -> Piece:
    """The index is summed by the side that has it alone."""
    in_data, in_rest = (index in free_indices(side) for side in (piece.data, piece.rest))
    if in_data and in_rest:
        return Piece(piece.data, piece.rest, (*piece.summed, index))
    if in_data:
        return Piece(total(index, piece.data), piece.rest, piece.summed)
    return Piece(piece.data, total(index, piece.rest), piece.summed)


def _merge(pieces: Iterable[Piece]) -> list[Piece]:
    """Data parts that only differ by a number are one, whose summands may cancel."""
    found, plain = [], []
    for piece in pieces:
        if isinstance(piece.rest, Number) and not piece.summed and piece.data != ONE:
            plain.append(mul(piece.rest, piece.data))
        else:
            found.append(piece)
    return [Piece(add(*plain), ONE), *found] if plain else found


def _times(one: Piece, other: Piece) -> Piece:
    taken = {index.name for index in one.summed}
    apart = indices_apart(other.summed, taken)
    for index, new in zip(other.summed, apart, strict=True):
        if index != new:
            data, rest = (replace_index(t, index, new) for t in (other.data, other.rest))
            other = Piece(data, rest, other.summed)
    other = Piece(other.data, other.rest, apart)
    return Piece(
        mul(one.data, other.data), mul(one.rest, other.rest), (*one.summed, *other.summed)
    )


def _collect(pieces: list[Piece]) -> Iterator[Piece]:
    """Pieces of the same data part together."""
    rests: dict[tuple[Term, Axes], list[Term]] = {}
    for piece in pieces:
        rests.setdefault((piece.data, piece.summed), []).append(piece.rest)
    for (data, summed), parts in rests.items():
        rest = add(*parts)
        if rest != ZERO:
            yield Piece(data, rest, summed)
