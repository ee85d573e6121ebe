"""Means over data and q whose data parts are averaged first: the statistics of a function."""

from __future__ import annotations

from symelbo.code.draft import Draft, may_be_infinite
from symelbo.code.ops import Axes
from symelbo.code.plan import Average
from symelbo.code.rearrange import factors_of, own_places
from symelbo.code.separate_data import Inseparable, Piece, Separation, separate_data
from symelbo.code.setting import Variable
from symelbo.index.build import ONE, add, mul, subtract
from symelbo.index.domains import Real
from symelbo.index.signs import is_positive
from symelbo.index.substitute import (
    formal_indices,
    free_indices,
    replace_index,
    replace_symbols,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Array,
    Call,
    Entry,
    Index,
    Number,
    Offset,
    Origin,
    Power,
    Role,
    Sum,
    Symbol,
    Term,
)
from symelbo.values import dataclass, field

__all__ = ["Statistics"]


@dataclass
class Statistics:
    """The means of data parts that a function needs, each a variable of its draft."""

    draft: Draft
    _known: dict[Average, Symbol] = field(default_factory=dict)
    _deviating: dict[Symbol, str] = field(default_factory=dict)  # x - c -> x

    def average(self, name: str, term: Term, kept: Axes = ()) -> Average:
        """name = the mean of a term of the model over the data and q, data parts averaged first.

        With the axis of q among `kept`, not summed over it.  Raises Inseparable; what was assigned
        until then is left to `live_statements`.
        """
        draft = self.draft
        term = draft.stated(term)
        if self._varies(term) != (True, True):
            return draft.assign(name, term, kept)
        pieces = separate_data(term, Separation(self._varies, (self._at_centre, self._deviation)))
        whole = add(*(self._join(piece, kept) for piece in pieces))
        return Average(draft.assign_placed(name, whole, kept), draft.setting.data, kept=kept)

    def _varies(self, term: Term) -> tuple[bool, bool]:
        """Whether a term of the model varies with the data, and with samples or categories."""
        known, by_data = self.draft.variables, self.draft.by_data
        varying = any(known[s].symbol in by_data for s in symbols_of(term) if s in known)
        return varying, self.draft.setting.over in self.axes_of(term)

    def axes_of(self, term: Term) -> frozenset[Index]:
        """The indices that are free in a term of the model once it is placed."""
        known = self.draft.variables
        batches = (known[symbol].batch for symbol in symbols_of(term) if symbol in known)
        return free_indices(term).union(*batches)

    def _at_centre(self, term: Term) -> Term:
        """A term of the model, each of the data at its mean over the data points."""
        means = {}
        for symbol in sorted(symbols_of(term), key=lambda symbol: symbol.name):
            rows = formal_indices(symbol.shape)
            by_data, by_sample = self._varies(Entry(symbol, rows))
            if by_data and by_sample:
                raise Inseparable(symbol)
            if by_data:
                means[symbol] = Array(rows, self._name_centre(Entry(symbol, rows)))
        return replace_symbols(term, means)

    def _deviation(self, term: Term) -> Term:
        """A term that varies with the data alone, less its value at the centre of the data."""
        match term:
            case Entry(symbol, places):
                rows = formal_indices(symbol.shape)
                each = Entry(symbol, rows)
                array = Array(rows, subtract(each, self._at_centre(each)))
                named = self.draft.name_array(f"deviation_{symbol.name}", Real(), array).body
                assert isinstance(named, Entry)
                self._deviating[named.symbol] = symbol.name
                return Entry(named.symbol, places)
            case Call("log", (inner,)) if is_positive(inner):
                return Call("logratio", (inner, self._at_centre(inner)))
        return subtract(term, self._at_centre(term))

    def _join(self, piece: Piece, kept: Axes) -> Term:
        """The sum of the mean of a data part times the rest, placed.

        The rest is placed by itself: rules for stable numbers see nothing else in it.
        """
        draft, setting = self.draft, self.draft.setting
        weighed = setting.over in kept or setting.over in self.axes_of(piece.rest)
        over = ((setting.over,) if setting.mixture else draft.leading) if weighed else ()
        joint = draft.place(piece.rest)
        if piece.data != ONE or weighed:
            mean = draft.place(self.name_mean("mean", piece.data, over))
            if setting.chain is not None and may_be_infinite(joint):
                joint = Call("weigh", (mean, joint))  # no sum over samples or categories guards it
            else:
                joint = mul(mean, joint)
        summed = tuple(axis for axis in over if axis not in kept)
        for index in reversed((*summed, *piece.summed)):
            joint = Sum(index, joint)
        return joint

    def _name_centre(self, entry: Entry) -> Entry:
        """The centre of the data, by its name.

        Where data points have samples of their own, these are close to the data point: it is its
        own centre, so that no digits are lost.
        """
        setting = self.draft.setting
        return self.name_mean("center", entry, () if setting.mixture else (setting.data,))

    def name_mean(self, stem: str, term: Term, over: Axes = ()) -> Entry:
        """The mean of a data part over the data, and under q or weighed for each of `over`, by its
        name.

        The same mean has one name, whatever its indices are called.
        """
        draft, setting = self.draft, self.draft.setting
        placed = draft.place(term)
        entries = (part for part in walk_parts(placed) if isinstance(part, Entry))
        free = free_indices(placed) - set(draft.leading)
        named = (place for entry in entries for place in entry.indices)
        found = dict.fromkeys(p.index if isinstance(p, Offset) else p for p in named)
        rows = tuple(place for place in found if isinstance(place, Index) and place in free)
        kept: Axes = over
        for index in rows:
            row = Index(f"row{len(kept)}", index.extent, index.low, Origin.PLANNED)
            placed, kept = replace_index(placed, index, row), (*kept, row)
        summed = setting.over if setting.over in {*over, *free_indices(placed)} else None
        weights, shared = setting.weights if summed else None, draft.is_shared(placed)
        value = Average(placed, setting.data, summed, weights, kept, shared=shared)
        symbol = self._known.get(value)
        if symbol is None:
            shape, _ = own_places(kept)
            data = self._name_data(term) or setting.weights.name
            variable = Symbol(draft.fresh(f"{stem}_{data}"), Role.ARGUMENT, Real(), shape)
            draft.write(variable, kept, value)
            symbol = Symbol(f"{variable.name}'", Role.ARGUMENT, Real(), shape[len(over) :])
            draft.variables[symbol] = Variable(variable, over, setting.data in over)
            self._known[value] = symbol
        _, places = own_places(rows)
        return Entry(symbol, places)

    def _name_data(self, term: Term) -> str:
        """x, and of x - c too; xx of a product of two"""
        names: list[str] = []
        while isinstance(term, Sum):
            term = term.body
        for factor in factors_of(term):
            base, times = factor, 1
            if isinstance(factor, Power) and isinstance(factor.exponent, Number):
                base, times = factor.base, max(int(factor.exponent.value), 1)
            known = self.draft.variables
            own = {
                self._deviating.get(symbol, known[symbol].symbol.name)
                for symbol in symbols_of(base)
                if symbol in known and known[symbol].symbol in self.draft.by_data
            }
            names += ["_".join(sorted(own))] * times if own else []
        short = all(len(name) == 1 for name in names)
        return ("" if short else "_").join(names)
