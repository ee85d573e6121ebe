"""The long arguments of a factor, abbreviated by symbols."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.answer.worked import Abbreviations
from symelbo.criterion.factor import Factor
from symelbo.entropy.sum_entropies import SHORT_NAMES, name_argument
from symelbo.entropy.summand import Summand
from symelbo.index.known_arrays import KnownArrays
from symelbo.index.substitute import count_subterms, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Role, Symbol, Term
from symelbo.index.tidy import tidy_residuals, tidy_short
from symelbo.limits import SHORT_SUBTERMS
from symelbo.values import dataclass

__all__ = ["Short", "abbreviate"]


@dataclass(frozen=True, slots=True)
class Short:
    """A factor whose long arguments are abbreviated by symbols: what each argument is now."""

    factor: Factor
    mapping: Mapping[Symbol, Array]
    chosen: Abbreviations

    def put(self, term: Term) -> Term:
        """A term in the family's symbols, with the abbreviations put in."""
        return tidy_short(replace_symbols(term, self.mapping))

    def put_squares(self, term: Term) -> Term:
        """The same, squares of differences kept as they are."""
        return replace_symbols(tidy_residuals(term), self.mapping)


def abbreviate(
    factor: Factor,
    entropy: Summand | None,
    taken: frozenset[str],
    quantities: KnownArrays,
    keep: frozenset[Symbol] = frozenset(),
) -> Short:
    """f(long expression) -> f(a), a := long expression, unless a symbol of `keep` is in it.

    What the entropy abbreviates has the same symbol here; quantities: those that the user named.
    """
    known = dict(entropy.abbreviations) if entropy is not None else {}
    mapping: dict[Symbol, Array] = dict(factor.actual())
    chosen: list[tuple[Symbol, Array]] = []
    names = {*taken, *(symbol.name for symbol in known)}
    for argument, array in factor.arguments().items():
        if count_subterms(array.body) <= SHORT_SUBTERMS or symbols_of(array) & keep:
            continue
        places = (*factor.plates, *array.indices)
        named = name_argument(quantities, argument, array, factor.plates)
        meanings = [Array(places, array.body), *([named[1]] if named else [])]
        pair = next(((s, a) for s, a in known.items() if a in meanings), named)
        if pair is None:
            name = SHORT_NAMES.get(argument.name, argument.name[0])
            while name in names:
                name = f"{name[0]}_{factor.name}" if "_" not in name else f"{name}x"
            shape = tuple(index.extent for index in places)
            symbol = Symbol(name, Role.ARGUMENT, argument.domain, shape)
            pair = symbol, Array(places, array.body)
        symbol, meaning = pair
        names.add(symbol.name)
        mapping[argument] = Array(array.indices, Entry(symbol, meaning.indices))
        chosen.append(pair)
    return Short(factor, mapping, tuple(chosen))
