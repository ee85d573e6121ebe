"""The sums over the data from which functions are computed: statistics that add up.

Here a term is taken apart into what the data are part of (the observed, covariates, the latents or
what stands for them, q) and what the parameters are part of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symelbo.code.moments_of_q import rows_of
from symelbo.code.ops import Axes
from symelbo.code.plan import Assignment, Average, Value, symbols_in
from symelbo.code.plan_statistics import Statistics
from symelbo.code.rearrange import own_places
from symelbo.code.separate_data import Inseparable, Piece, Separation, separate_data
from symelbo.code.setting import Variable
from symelbo.index.build import ONE, add, mul, subtract, total
from symelbo.index.domains import Real
from symelbo.index.substitute import free_indices, replace_index, replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Index, Origin, Role, Symbol, Term
from symelbo.values import dataclass, field

__all__ = ["Sums"]

Sides = tuple[bool, bool]  # of the data, of the parameters


@dataclass
class Sums(Statistics):
    """The means over data points that functions of parameters alone need, and no other data.

    found: their variables, with their axes; centres: data -> the variable of their centre, which
    is that of the data themselves where they are `own`, and else given.
    """

    own: bool = False

    found: dict[Symbol, Axes] = field(default_factory=dict)
    centres: dict[Symbol, Symbol] = field(default_factory=dict)
    _sides: dict[Symbol, Sides] = field(default_factory=dict)  # of variables
    _deviations: dict[Symbol, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        setting = self.draft.setting
        for symbol, variable in setting.variables.items():
            fixed = symbol.role in (Role.PARAMETER, Role.CONSTANT)
            self._sides[variable.symbol] = (not fixed, fixed)
        for symbol in (setting.weights, setting.entropy_q):
            self._sides[symbol] = (True, False)

    # ------------------------------------------------------------------ means

    def average_terms(
        self, names: Sequence[str], make: Callable[[], Sequence[Term]], kept: Axes = ()
    ) -> list[Average]:
        """The means of terms of the model: made of sums of data parts, else sums as a whole.

        make: the terms, written out where `draft.apart`.
        """
        draft = self.draft
        pending = draft.pending
        blocks = Statistics(draft)

        def whole(name: str, term: Term, kept: Axes) -> Average:
            return self.keep(name, blocks.average(name, term, kept), kept)

        def plain(name: str, term: Term, kept: Axes) -> Average:
            return self.keep(name, draft.assign(name, term, kept), kept)

        for average in (self.average, whole, plain):
            draft.apart, draft.pending = average is not plain, pending
            draft.written_out = self._is_mixed if average == self.average else None
            try:
                return [average(n, t, kept) for n, t in zip(names, make(), strict=False)]
            except Inseparable:
                continue
            finally:
                draft.apart, draft.written_out = False, None
        raise AssertionError("a term as it stands is not taken apart")

    def average(self, name: str, term: Term, kept: Axes = ()) -> Average:
        """name = the mean of a term of the model over the data and q, of variables `found` and
        parameters.  Raises Inseparable.
        """
        draft, over = self.draft, self.draft.setting.over
        term = draft.stated(term)
        sides = self._varies(term)
        if not sides[0]:
            return self.fixed(draft.assign_placed(name, draft.place(term), kept), kept)
        if sides == (True, False) and over not in kept:
            return self.keep(name, draft.assign(name, term, kept), kept)
        pieces = separate_data(self._about_centres(term), Separation(self._varies))
        whole = add(*(self._join(piece, kept) for piece in pieces))
        return Average(draft.assign_placed(name, whole, kept), draft.setting.data, kept=kept)

    def keep(self, name: str, average: Average, kept: Axes = ()) -> Average:
        """A mean over the data by the name of a variable, which is found."""
        draft = self.draft
        over = (average.over,) if average.over in kept else ()
        free = free_indices(average.value).union(over)
        axes = tuple(axis for axis in kept if axis in free)
        shape, places = own_places(axes)
        variable = Symbol(
            draft.fresh(f"mean_{name.removeprefix('sum_')}"), Role.ARGUMENT, Real(), shape
        )
        draft.write(variable, axes, average)
        if average.guarded:
            draft.infinite.add(variable)
        self._find(variable, axes)
        return Average(Entry(variable, places), draft.setting.data, kept=kept)

    def name_mean(self, stem: str, term: Term, over: Axes = ()) -> Entry:
        entry = super().name_mean(stem, term, over)
        variable = self.draft.variables[entry.symbol].symbol
        if variable not in self.found:
            (axes,) = (s.axes for s in self.draft.statements if s.target == variable)
            self._find(variable, axes)
        return entry

    def _find(self, variable: Symbol, axes: Axes) -> None:
        self.found[variable] = axes
        self._sides[variable] = (False, True)

    def fixed(self, value: Term, kept: Axes) -> Average:
        """The mean of what the data are no part of, over the categories of q if it varies there."""
        setting = self.draft.setting
        data, over = setting.data, setting.over
        if over not in kept and over not in free_indices(value):
            return Average(value, data, kept=kept)
        mean = self.name_mean("mean", ONE, (over,))
        weights = self.draft.variables[mean.symbol].symbol
        guarded = isinstance(value, Entry) and value.symbol in self.draft.infinite
        return Average(value, data, over, weights, kept, guarded)

    # ------------------------------------------------------------------ sides

    def is_of_data(self, variable: Symbol) -> bool:
        """Whether the data are part of a variable."""
        return self._side_of(variable)[0]

    def reads_data(self, statements: Sequence[Assignment], values: Sequence[Value]) -> bool:
        """Whether statements and values read the data beside what is given as their sums."""
        read = frozenset().union(*map(symbols_in, (*values, *(s.value for s in statements))))
        return any(self.is_of_data(s) for s in read - {s.target for s in statements})

    def _is_mixed(self, term: Term) -> bool:
        return self._varies(term) == (True, True)

    def _varies(self, term: Term) -> Sides:
        """Whether the data are part of a term of the model, and whether parameters are."""
        setting, known = self.draft.setting, self.draft.variables
        sides = [self._side_of(known[s].symbol) for s in symbols_of(term) if s in known]
        categories = setting.mixture is not None and setting.mixture in free_indices(term)
        return any(data for data, _ in sides), categories or any(fixed for _, fixed in sides)

    def _side_of(self, variable: Symbol) -> Sides:
        if variable.role is Role.HIDDEN:  # a function of the module
            return False, False
        if variable not in self._sides:
            (statement,) = (s for s in self.draft.statements if s.target == variable)
            sides = [self._side_of(s) for s in symbols_in(statement.value) if s != variable]
            categories = self.draft.setting.mixture in statement.axes
            of_data = any(data for data, _ in sides)
            self._sides[variable] = of_data, categories or any(fixed for _, fixed in sides)
        return self._sides[variable]

    # ------------------------------------------------------------------ centres and modes

    def _about_centres(self, term: Term) -> Term:
        """x -> (x - c) + c  for data on the line"""
        found = {}
        for symbol in sorted(symbols_of(term), key=lambda symbol: symbol.name):
            if symbol.role in (Role.OBSERVED, Role.INPUT) and symbol.domain.is_line:
                found[symbol] = self._about_centre(symbol)
        return replace_symbols(term, found)

    def _about_centre(self, symbol: Symbol) -> Array:
        if symbol not in self._deviations:
            draft = self.draft
            name = draft.variables[symbol].symbol.name
            rows = rows_of(symbol, "row")
            centre = Symbol(draft.fresh(f"center_{name}"), Role.ARGUMENT, Real(), symbol.shape)
            named = Symbol(f"{centre.name}'", Role.ARGUMENT, Real(), symbol.shape)
            draft.variables[named] = Variable(centre)
            self.centres[symbol] = centre
            self._sides[centre] = (False, True)
            fixed = Entry(named, rows)
            if self.own:
                mean = Average(draft.place(Entry(symbol, rows)), draft.setting.data, kept=rows)
                draft.write(centre, rows, mean)
            array = Array(rows, subtract(Entry(symbol, rows), fixed))
            own = draft.name_array(f"deviation_{name}", Real(), array).body
            assert isinstance(own, Entry)
            self._sides[draft.variables[own.symbol].symbol] = (True, False)
            self._deviating[own.symbol] = name
            self._deviations[symbol] = Array(rows, add(own, fixed))
        return self._deviations[symbol]

    def expand_mode(self, slope: Term, rows: Axes, covariance: Symbol) -> Array | None:
        """sum_j C[i,j] slope[j] -> sum_d gain[i,d] x[d] + offset[i];  None where it is no such sum

        slope: over `rows`, linear in the data parts; C is made of parameters.
        """
        try:
            pieces = separate_data(self._about_centres(slope), Separation(self._varies))
        except Inseparable:
            return None
        place = tuple(map(_of_mode, rows))
        entry = Entry(covariance, (*place, *rows))
        return Array(place, add(*(self._gain(piece, rows, place, entry) for piece in pieces)))

    def _gain(self, piece: Piece, rows: Axes, place: Axes, covariance: Entry) -> Term:
        """C rest, by the name of a variable, times the data part, over indices of its own"""
        inside = tuple(row for row in rows if row in free_indices(piece.data))
        gain, part = mul(covariance, piece.rest), piece.data
        for row in rows:
            if row not in inside:
                gain = total(row, gain)
        summed = (*inside, *piece.summed)
        name = "offset" if piece.data == ONE else "gain"
        part = mul(self.draft.name_array(name, Real(), Array((*place, *summed), gain)).body, part)
        for index in reversed(summed):
            part = total(_of_mode(index, 1), replace_index(part, index, _of_mode(index, 1)))
        return part


def _of_mode(index: Index, number: int = 0) -> Index:
    """An index that no term of the model has."""
    return index.like(f"mode_{index.name}", Origin.PLANNED, number)
