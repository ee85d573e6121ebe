"""Expectations under q in closed form: by its mean and covariance; |f| where q is normal."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symelbo.code.chain_of_q import Chain
from symelbo.code.draft import Draft
from symelbo.code.local_moments import (
    Places,
    declared_covariance,
    reads_related_places,
    spread_of,
)
from symelbo.code.moments_of_q import rows_of
from symelbo.code.ops import Axes
from symelbo.code.plan import Solve, Unsupported, Value
from symelbo.code.rearrange import fold_absolutes, has_latents, is_affine_in
from symelbo.code.setting import Variable
from symelbo.entropy.exact_posterior import is_quadratic, log_joint
from symelbo.index.build import (
    ZERO,
    add,
    call,
    divide,
    exp,
    mul,
    negate,
    number,
    power,
    total,
)
from symelbo.index.differentiate import derivative_by
from symelbo.index.domains import Real
from symelbo.index.normal import normal
from symelbo.index.signs import is_positive
from symelbo.index.substitute import (
    count_subterms,
    free_indices,
    instantiate,
    replace_index,
    replace_symbols,
    symbols_of,
)
from symelbo.index.terms import (
    Add,
    Array,
    Constant,
    Entry,
    Index,
    Inverse,
    Mul,
    Number,
    Power,
    Role,
    Sum,
    Symbol,
    Term,
)
from symelbo.index.tidy import tidy_residuals
from symelbo.limits import SHORT_SUBTERMS
from symelbo.values import dataclass, field

__all__ = ["Moments", "NotQuadratic"]


class NotQuadratic(Exception):
    """The expectation needs more than the mean and the covariance of q."""


@dataclass
class Moments:
    """The mean and the covariance of q, where both have a closed form; `means` is None elsewhere.

    exact: the variables of the mean and the covariance of an exact normal posterior.
    """

    draft: Draft
    means: dict[Symbol, Array] | None = None
    covariances: dict[Symbol, Array] = field(default_factory=dict)
    exact: tuple[Symbol, Symbol] | None = None
    chain: Chain | None = None  # of a real latent, with the marginals that are given
    q_is_normal: bool = False
    folded: bool = False  # whether a mean of an absolute value was used
    subject: str = ""  # the factor at hand
    expand_mode: Callable[[Term, Axes, Symbol], Array | None] | None = (
        None  # of the exact posterior
    )

    def __post_init__(self) -> None:
        setting = self.draft.setting
        if not setting.latents or setting.mixture is not None:
            return
        posterior = setting.derivation.posterior
        if posterior is not None:
            latent = posterior.latent
            mean = _real(f"mean_{latent.name}", latent)
            self.means = {latent: _whole(mean)}
            self.exact = (mean, _real(f"cov_{latent.name}", latent, latent))
        elif (closed := setting.moments) is not None:
            self.means = dict(closed.means)
            self.covariances = dict(closed.covariances)
            self.q_is_normal = closed.normal
        elif setting.chain is not None and setting.chain.spread is not None:
            self.chain = setting.chain
            self.means = {self.chain.node: _whole(self.chain.single)}

    # ------------------------------------------------------------------ expectations

    def expect(self, term: Term) -> tuple[Term, Term]:
        """E f = f(m) + tr(f'' C)/2 for a polynomial f of degree two, as two terms."""
        assert self.means is not None
        latents = frozenset(s for s in symbols_of(term) if s.role is Role.LATENT)
        if not latents <= self.means.keys() or not _is_polynomial(term):
            raise NotQuadratic
        if self.chain is not None or self._is_correlated(term, latents):
            self._check_quadratic(term, latents)
            spread = spread_of(term, latents, self._covariance)
            return replace_symbols(term, self.means), normal(spread)
        curved: list[Term] = []
        for latent in self.means:
            for other in self.means:
                rows, columns = rows_of(latent, "row"), rows_of(other, "column")
                second = normal(derivative_by(derivative_by(term, latent, rows), other, columns))
                if has_latents(second):
                    raise NotQuadratic
                if latent == other:
                    curved.append(self._trace(latent, Array((*rows, *columns), second)))
        return replace_symbols(term, self.means), normal(divide(add(*curved), number(2)))

    def _is_correlated(self, term: Term, latents: frozenset[Symbol]) -> bool:
        """Whether related places of a latent may have a covariance."""
        own = (
            latent for latent, c in self.covariances.items() if len(c.indices) > len(latent.shape)
        )
        return reads_related_places(term, latents & frozenset(own))

    def _check_quadratic(self, term: Term, latents: frozenset[Symbol]) -> None:
        if not all(is_quadratic(term, latent) for latent in latents):
            raise NotQuadratic

    def _covariance(self, latent: Symbol, rows: Places, columns: Places) -> Term:
        if self.chain is None:
            return declared_covariance(self.covariances)(latent, rows, columns)
        try:
            of_steps = self.chain.covariance((rows[0], columns[0]))
        except Unsupported:
            raise NotQuadratic from None
        return instantiate(of_steps, (*rows[1:], *columns[1:]))

    def _trace(self, latent: Symbol, second: Array) -> Term:
        """tr(f'' C) for one latent; C is block-diagonal over the plates of a declared q."""
        if second.body == ZERO:
            return ZERO
        covariance = self.covariances.get(latent)
        if covariance is None:  # the exact posterior: a full matrix
            self.use_exact()
            assert self.exact is not None
            indices, curved = second.indices, second.body
            if not free_indices(second):
                shape = tuple(i.extent for i in indices)
                name = f"curvature_{self.subject}"
                curvature = Symbol(name, Role.ARGUMENT, Real(), shape)
                curved = Entry(self.draft.define(curvature, second, symmetric=True), indices)
            part = mul(curved, Entry(self.exact[1], indices))
        else:
            indices = covariance.indices
            events = len(indices) - len(latent.shape)
            rows = indices[: len(latent.shape)]
            columns = (*indices[: len(latent.shape) - events], *indices[len(latent.shape) :])
            part = mul(instantiate(second, (*rows, *columns)), covariance.body)
        for index in indices:
            part = total(index, part)
        return part

    def fold(self, term: Term) -> Term:
        """|f(z)| -> its mean under a normal q, as a variable; f is a sum of latents.

        E|f| = sqrt(2 v/pi) exp(-m**2/(2 v)) + m erf(m/sqrt(2 v)), m and v mean and variance of f.
        """
        marks: dict[Symbol, None] = {}

        def replace(inside: Term, places: tuple[Index, ...]) -> Term:
            if isinstance(inside, Mul) and inside.factors[0] == number(-1):
                inside = negate(inside)
            mean = replace_symbols(inside, self.means or {})
            _, variance = self.expect(power(inside, 2))
            if not self.q_is_normal or not is_positive(variance):
                raise NotQuadratic
            pending = self.draft.pending
            self.draft.pending = "mean of the absolute value under q"

            def define(name: str, term: Term) -> Term:
                return self.draft.name_array(name, Real(), Array(places, term)).body

            if count_subterms(mean) > SHORT_SUBTERMS:
                mean = define("shift", mean)
            twice = mul(number(2), variance)
            ratio = define("ratio", divide(mean, power(twice, Fraction(1, 2))))
            bell = mul(
                power(divide(twice, Constant("pi")), Fraction(1, 2)), exp(negate(power(ratio, 2)))
            )
            absolute = define("absolute", add(bell, mul(mean, call("erf", ratio))))
            self.draft.pending = pending
            marks.update(dict.fromkeys(symbols_of(absolute)))
            return absolute

        folded = fold_absolutes(term, replace)
        if not marks:
            return term
        if not is_affine_in(folded, frozenset(marks)):
            raise NotQuadratic
        self.folded = True
        return folded

    # ------------------------------------------------------------------ the exact posterior

    def use_exact(self) -> bool:
        """Assign the mode and the covariance of the exact normal posterior, once."""
        posterior = self.draft.setting.derivation.posterior
        if posterior is None or self.exact is None or self.means is None:
            return False
        draft, (mean, covariance) = self.draft, self.exact
        if covariance in draft.variables:
            return True
        latent, model = posterior.latent, draft.setting.model
        rows = rows_of(latent, "row")
        zero = {latent: Array(rows_of(latent, "z"), ZERO)}
        gradient = derivative_by(log_joint(model.statements), latent, rows)
        at_zero = tidy_residuals(replace_symbols(gradient, zero))
        slope = draft.place(at_zero) if self.expand_mode is None else ZERO
        precision = draft.place(posterior.precision.body)
        pair = posterior.precision.indices
        batch = tuple(axis for axis in (draft.setting.data,) if axis in free_indices(precision))
        names = [draft.fresh(name) for name in ("precision", "covariance", "mode")]
        shape = tuple(axis.extent for axis in (*batch, *pair))
        matrix, inverse = (Symbol(name, Role.ARGUMENT, Real(), shape) for name in names[:2])
        mode = Symbol(names[2], Role.ARGUMENT, Real(), (draft.setting.data.extent, *latent.shape))
        draft.pending = f"exact posterior of {latent.name}: normal with this precision and mode"
        axes = (*batch, *pair)
        draft.write(matrix, axes, precision)
        draft.know_matrix(posterior.precision, Variable(matrix, batch))
        whole = Entry(matrix, axes)
        draft.write(inverse, axes, Inverse(Array(pair, whole), *pair) if pair else power(whole, -1))
        draft.variables[covariance] = Variable(inverse, batch)
        if self.expand_mode is not None:
            expanded = None if batch else self.expand_mode(at_zero, rows, covariance)
            if expanded is not None:
                self.means[latent] = expanded
                return True
            slope = draft.place(at_zero)
        solved: Value = Solve(matrix, rows, slope)
        if batch and pair:  # a matrix of its own for each data point
            at = pair[1]
            there = replace_index(slope, rows[0], at)
            solved = total(at, mul(Entry(inverse, (*batch, *rows, at)), there))
        draft.write(mode, (draft.setting.data, *rows), solved)
        draft.variables[mean] = Variable(mode, (draft.setting.data,))
        return True


def _real(name: str, *latents: Symbol) -> Symbol:
    shape = tuple(extent for latent in latents for extent in latent.shape)
    return Symbol(name, Role.ARGUMENT, Real(), shape)


def _whole(symbol: Symbol) -> Array:
    indices = rows_of(symbol, "i")
    return Array(indices, Entry(symbol, indices))


def _is_polynomial(term: Term) -> bool:
    """Whether the latents enter by sums, products and natural powers alone."""
    if not has_latents(term):
        return True
    match term:
        case Entry(_, places):
            return not any(isinstance(place, Entry) for place in places)
        case Add(parts) | Mul(parts):
            return all(map(_is_polynomial, parts))
        case Power(base, Number(value)):
            return value.denominator == 1 and value > 0 and _is_polynomial(base)
        case Sum(_, body):
            return _is_polynomial(body)
    return False
