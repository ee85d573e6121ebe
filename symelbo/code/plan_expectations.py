"""Means of terms over q, for every way of averaging.

mixture    one categorical latent: a sum over the categories with the responsibilities
moments    expectations of polynomials of degree two by the mean and covariance of q, and of
           absolute values where q is normal
samples    a weighted sum over samples (or an enumeration) of the latents
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symelbo.answer.derivation import FactorResult
from symelbo.code.draft import Draft
from symelbo.code.ops import Axes
from symelbo.code.plan import Average
from symelbo.code.plan_moments import Moments, NotQuadratic
from symelbo.code.plan_statistics import Statistics
from symelbo.code.plan_sums import Sums
from symelbo.code.rearrange import has_latents, summands_of
from symelbo.code.separate_data import Inseparable
from symelbo.code.setting import Setting
from symelbo.index.build import ZERO, add, negate
from symelbo.index.normal import from_poly, monomials_of
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Index, Symbol, Term
from symelbo.index.tidy import sum_over, tidy, tidy_residuals
from symelbo.model.model import Statement
from symelbo.values import dataclass, field

__all__ = ["Expectations"]


@dataclass
class Expectations:
    """How the terms of one function are averaged: by moments where these close, else by samples.

    A factor is averaged in one way in all functions: where its log-density needs samples, so does
    its entropy, or ELBO, entropy sum and gap would not agree on the same samples.
    by_sums: whether the data enter by sums alone, which are found.
    """

    setting: Setting
    by_sums: bool = False
    draft: Draft = field(init=False)
    moments: Moments = field(init=False)
    statistics: Statistics = field(init=False)
    sums: Sums | None = field(init=False)
    by_samples: bool = False  # how the factor at hand is averaged
    sampled: bool = False  # whether any was averaged by samples
    exactly: bool = False  # whether any was averaged by moments

    def __post_init__(self) -> None:
        self.draft = Draft(self.setting)
        self.moments = Moments(self.draft)
        self.sums = Sums(self.draft) if self.by_sums else None
        by_categories = self.setting.chain is not None and self.setting.chain.spread is None
        self.statistics = self.sums or (
            Sums(self.draft, own=True) if by_categories else Statistics(self.draft)
        )
        if self.sums is not None:
            self.moments.expand_mode = self.sums.expand_mode

    def turn_to(self, statement: Statement, subject: str = "") -> None:
        """From here on, means are those of a factor."""
        self.moments.subject = subject or statement.label
        if self.setting.mixture is None:
            self._use_samples(not self._closes(statement))

    def _use_samples(self, by_samples: bool) -> None:
        self.by_samples = by_samples
        self.draft.given = {} if by_samples or not self.moments.means else self.moments.means

    def _closes(self, statement: Statement) -> bool:
        """Whether the mean of a log-density needs no samples."""
        known = self.setting.closed
        if self.setting.chain is not None or self.moments.exact is not None:
            return True
        if self.moments.means is None:
            return False
        if statement.label not in known:
            scratch = Expectations(self.setting)
            scratch._use_samples(False)
            scratch.of_formal(statement, statement.density.term)
            known[statement.label] = not scratch.by_samples
        return known[statement.label]

    def average_terms(
        self, name: str, make: Callable[[], Sequence[Term]], kept: Axes = ()
    ) -> list[Average]:
        """The means of a term, and of a correction by the covariance of q if there is one."""
        draft, names, pending = self.draft, (name, f"{name}_spread"), self.draft.pending
        if self.sums is not None:
            return self.sums.average_terms(names, make, kept)
        draft.apart = True
        try:
            pairs = zip(names, make(), strict=False)
            return [self.statistics.average(n, t, kept) for n, t in pairs]
        except Inseparable:
            draft.apart, draft.pending = False, pending
            return [draft.assign(n, t, kept) for n, t in zip(names, make(), strict=False)]
        finally:
            draft.apart = False

    def of_term(
        self, term: Term, display: Term, abbreviations: Sequence[tuple[Symbol, Array]]
    ) -> Term:
        """A term at every data point and category or sample, or its expectation by moments.

        display: the same term as it is to be written, in symbols that stand for long arrays.
        """
        setting = self.setting
        if setting.chain is not None and setting.chain.spread is None:
            return setting.chain.average_categories(term)
        if has_latents(term) and setting.mixture is None:
            if not self.by_samples:
                try:
                    self.moments.use_exact()
                    found = tidy(add(*self.moments.expect(setting.values.replace(term))))
                except NotQuadratic:
                    self._use_samples(True)
                else:
                    self.exactly = True
                    return found
            self.sampled = True
        named = {}
        for symbol, array in abbreviations:
            body = Array((), array.body)
            short = self.draft.abbreviate(symbol.name, symbol.domain, body, array.indices)
            named[symbol] = Array(array.indices, short.body)
        return replace_symbols(display, named)

    def of_formal(
        self,
        statement: Statement,
        term: Term,
        *,
        only_at_mean: bool = False,
        plates: tuple[Index, ...] | None = None,
    ) -> list[Term]:
        """E_q of a term in a family's own symbols, and the correction by the covariance.

        Summed over `plates`, by default over all plates of the statement.
        """
        plates = statement.plates if plates is None else plates
        point = self.setting.values.replace(replace_symbols(term, statement.actual()))
        chain = self.setting.chain
        if chain is not None and chain.spread is None and chain.node in symbols_of(point):
            self.exactly = True
            return [chain.average_categories(sum_over(plates, point))]
        if not has_latents(sum_over(plates, point)) or self.setting.mixture is not None:
            return [self.draft.formal(statement, term, plates)]
        if not self.by_samples:
            try:
                found = self._by_moments(statement, term, point, plates, only_at_mean)
            except NotQuadratic:
                self._use_samples(True)
            else:
                self.exactly = True
                return found
        self.sampled = True
        return [self.draft.formal(statement, term, plates)]

    def _by_moments(
        self,
        statement: Statement,
        term: Term,
        point: Term,
        plates: tuple[Index, ...],
        only_at_mean: bool,
    ) -> list[Term]:
        if only_at_mean:
            return [self.draft.formal(statement, term, plates)]
        folded = self.moments.fold(point)
        at_mean, curved = self.moments.expect(sum_over(plates, folded))
        if folded != point:
            return [tidy(add(at_mean, curved))]
        terms = [self.draft.formal(statement, term, plates)]
        return terms if curved == ZERO else [*terms, tidy(curved)]

    def of_change(self, statement: Statement, result: FactorResult) -> list[Term]:
        """E_q (D log p + d) along the motion, in the family's symbols where H~ is known in them.

        By (U) it is log p + H~ - b, which has the shape of log p.
        """
        identity = result.identity
        assert identity is not None
        if identity.formal is not None and identity.formal_base is not None:
            own = result.factor.change.density
            term = tidy_residuals(_less(own.term, identity.formal, identity.formal_base))
            if symbols_of(term) <= set(statement.actual()):
                return self.of_formal(statement, term)
        factor = result.factor
        whole = _less(factor.log_density, identity.entropy, identity.base)
        term = sum_over(factor.plates, tidy_residuals(whole))
        return [self.of_term(term, term, ())]


def _less(log_density: Term, entropy: Term, base: Term) -> Term:
    """log p + H~ - b: the summands of b go, the others stay as they are written."""
    left, kept = monomials_of(base), []
    for summand in summands_of(log_density):
        poly = monomials_of(summand)
        if all(left.get(monomial) == scale for monomial, scale in poly.items()):
            left = {m: scale for m, scale in left.items() if m not in poly}
        else:
            kept.append(summand)
    return add(*kept, entropy, negate(from_poly(left)))
