"""The long arguments of a factor, abbreviated by symbols."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.answer.worked import Abbreviations
from symelbo.criterion.factor import Factor
from symelbo.entropy.sum_entropies import SHORT_NAMES, name_argument
from symelbo.entropy.summand import Summand
from symelbo.index.substitute import count_subterms, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Role, Symbol, Term
from symelbo.index.tidy import tidy_residuals, tidy_short
from symelbo.limits import SHORT_SUBTERMS
from symelbo.proof.quantity_names import QuantityNames
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
    names: QuantityNames,
    keep: frozenset[Symbol] = frozenset(),
    opened: frozenset[Symbol] = frozenset(),
) -> Short:
    """f(long expression) -> f(a), a := long expression, unless a symbol of `keep` is in it.

    What the entropy abbreviates has the same symbol here; in what is not abbreviated the user's
    quantities keep their names, unless a symbol of `opened` is in them.
    """
    known = dict(entropy.abbreviations) if entropy is not None else {}
    mapping: dict[Symbol, Array] = dict(factor.actual())
    chosen: dict[Symbol, Array] = {}
    used = {*names.taken, *(symbol.name for symbol in known)}
    for argument, array in factor.arguments().items():
        short = names.without(array.body, opened)
        if (
            count_subterms(array.body) <= SHORT_SUBTERMS
            or symbols_of(array) & keep
            or isinstance(short, Entry)
        ):
            mapping[argument] = array if short is None else Array(array.indices, short)
            continue
        places = (*factor.plates, *array.indices)
        meaning = Array(places, array.body)
        named = name_argument(names.known, argument, array)
        symbol = next((s for s, a in known.items() if a == meaning), None)
        other = next((s for s in chosen if named and s.name == named[0].name), None)
        if symbol is None and named is not None and other in (None, named[0]):
            symbol, meaning, entry = named
        elif symbol is None:
            name = SHORT_NAMES.get(argument.name, argument.name[0])
            while name in used:
                name = f"{name[0]}_{factor.name}" if "_" not in name else f"{name}x"
            symbol = Symbol(name, Role.ARGUMENT, argument.domain, tuple(i.extent for i in places))
            entry = Entry(symbol, places)
        else:
            entry = Entry(symbol, places)
        used.add(symbol.name)
        mapping[argument] = Array(array.indices, entry)
        chosen[symbol] = meaning
    return Short(factor, mapping, tuple(chosen.items()))
