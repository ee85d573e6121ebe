"""The names that the user gave to deterministic quantities, in the steps of a result."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.index.build import ZERO, mul, power
from symelbo.index.known_arrays import KnownArrays
from symelbo.index.name_parts import derivative_form
from symelbo.index.substitute import (
    count_subterms,
    instantiate,
    is_long,
    replace_symbols,
    symbols_of,
)
from symelbo.index.terms import Array, Entry, Number, Role, Symbol, Term
from symelbo.index.tidy import tidy, tidy_short
from symelbo.model.model import Model
from symelbo.model.names import names_in
from symelbo.values import dataclass

__all__ = ["QuantityNames"]


@dataclass(frozen=True, slots=True)
class QuantityNames:
    """taken: every name of the model; known: which quantity a term is.

    written: argument of a statement -> the same in names; inside: what each quantity is made of;
    formulas: those that one formula defines, in the names of others; velocities, speeds: of the
    model's symbols along the motion, and so of the quantities, in the names of others.
    """

    taken: frozenset[str]
    known: KnownArrays
    written: Mapping[Term, Term]
    inside: Mapping[Symbol, frozenset[Symbol]]
    formulas: Mapping[Symbol, Array]
    velocities: Mapping[Symbol, Array]
    speeds: Mapping[Symbol, Array]

    @classmethod
    def of(cls, model: Model, velocities: Mapping[Symbol, Array]) -> QuantityNames:
        """Those of a model along a motion."""
        inside: dict[Symbol, frozenset[Symbol]] = {}
        for symbol, array in model.definitions:
            inside[symbol] = inside.get(symbol, frozenset()) | symbols_of(array)
        speeds: dict[Symbol, Array] = {}
        parts: dict[Symbol, list[Array]] = {}
        for symbol, array in model.formulas:
            parts.setdefault(symbol, []).append(array)
        for symbol, arrays in parts.items():
            if any(not _quantities_in(a.body, inside) <= speeds.keys() for a in arrays):
                continue
            field = {**velocities, **speeds}
            found = {tidy_short(derivative_form(array.body, field)) for array in arrays}
            # parts that move have no common formula
            if len(arrays) == 1 or found == {ZERO}:
                (speed,) = found
                if not is_long(speed):
                    speeds[symbol] = Array(arrays[0].indices, speed)
        formulas = {symbol: arrays[0] for symbol, arrays in parts.items() if len(arrays) == 1}
        known = KnownArrays(model.quantities)
        return cls(names_in(model), known, model.written, inside, formulas, velocities, speeds)

    def without(self, term: Term, moved: frozenset[Symbol]) -> Term | None:
        """An argument in the names of quantities that have none of these symbols in them.

        None where no such name is left.
        """
        written = self.written.get(term)
        while written is not None:
            names = _quantities_in(written, self.inside)
            moving = {name for name in names if self.inside[name] & moved}
            if not moving:
                return written if names else None
            if not moving <= self.formulas.keys():
                return None
            written = replace_symbols(written, {name: self.formulas[name] for name in moving})
        return None

    def speed_of(self, term: Term, shown: Term) -> Term:
        """The derivative of an argument along the motion; in names where it is shorter so.

        shown: what is printed for the argument.
        """
        whole = tidy_short(derivative_form(term, self.velocities))
        written = self.written.get(term)
        if written is None or not _quantities_in(written, self.inside) <= self.speeds.keys():
            return whole
        formula = written
        if isinstance(written, Entry) and written.symbol in self.formulas:
            formula = instantiate(self.formulas[written.symbol], written.indices)
        speed = tidy_short(derivative_form(written, {**self.velocities, **self.speeds}))
        rate = mul(speed, power(tidy(formula), -1))
        if isinstance(rate, Number):
            speed = mul(rate, shown)
        return min(whole, speed, key=count_subterms)


def _quantities_in(term: Term, among: Mapping[Symbol, object]) -> set[Symbol]:
    return {s for s in symbols_of(term) if s.role is Role.ARGUMENT and s in among}
