"""A factor in exponential-family form, in the model's symbols: for reading and for other programs.

The criterion (U) does not need it; the papers state theirs in these terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symelbo.criterion.factor import Factor, open_density
from symelbo.criterion.identity import Identity
from symelbo.expfam.derive_moments import derive_means
from symelbo.expfam.form import Block, ExponentialForm, Gauge, Inseparable
from symelbo.expfam.separate_density import absorb_base, separate_density
from symelbo.index.build import ONE, ZERO, add, mul, negate, subtract, total
from symelbo.index.normal import Poly, from_monomial, from_poly, monomials_of, normal
from symelbo.index.substitute import (
    indices_apart,
    instantiate,
    is_long,
    replace_symbols,
    symbols_of,
)
from symelbo.index.terms import Array, Symbol, Term
from symelbo.index.tidy import shorter_form
from symelbo.values import dataclass, replace

__all__ = ["FactorForm", "express_form", "put_arguments"]


@dataclass(frozen=True, slots=True)
class FactorForm:
    """p(v | pa) = h exp(eta' T - A) at one point of the plates.

    blocks, log_partition, log_base: in the model's symbols; formal: the same in the family's;
    held: arguments that T depends on, so that the form is conditional on them; means: E[T] per
    block, None where they were not derived.
    """

    formal: ExponentialForm
    gauge: Gauge
    blocks: tuple[Block, ...]
    log_partition: Term
    log_base: Term
    held: tuple[Symbol, ...]
    means: tuple[Array, ...] | None

    @property
    def conditional(self) -> bool:
        """Whether T depends on parents or parameters through some argument."""
        return bool(self.held)


def express_form(factor: Factor, identity: Identity | None) -> FactorForm | Inseparable:
    """The form with the base measure of the identity; conditional where no other is found.

    Without an identity, the form with the strongest base measure.
    """
    density = factor.change.density
    if not density.arguments:  # known altogether: its natural parameters are numbers
        density = open_density(factor.statement)
    arguments = density.arguments
    separation = separate_density(density, arguments)
    held: tuple[Symbol, ...] = ()
    if isinstance(separation, Inseparable):
        for moving in arguments[::-1]:  # a scale comes after a location in every family here
            others = tuple(a for a in arguments if a != moving)
            conditional = separate_density(density, (moving,), others)
            if not isinstance(conditional, Inseparable):
                separation, held = conditional, others
                break
        else:
            return separation
    assert not isinstance(separation, Inseparable)
    form = separation.forms[0]
    left: Term = ZERO
    based = identity is not None and identity.gauge is not Gauge.CONSTANT
    if based:
        form, left = absorb_base(separation.forms[-1])
    log_base = put_arguments(factor, form.log_base, normal)
    blocks = tuple(
        _actual_block(block, factor, {index.name for index in factor.plates})
        for block in form.blocks
    )
    means = derive_means(form)
    if based:
        assert identity is not None
        blocks, taken = _take_base(identity, blocks)
        over = add(log_base, replace_symbols(left, factor.actual()), taken, negate(identity.base))
        known, constant = _split(normal(over), factor.node)
        log_base = normal(add(identity.base, constant))
        # a statistic that no argument is multiplied with, and that e^b does not hold
        if known != ZERO:
            block = Block((), ONE, known)
            blocks, means = (*blocks, block), None
            form = replace(form, blocks=(*form.blocks, block))
    actual = None
    if means is not None:
        bodies = [put_arguments(factor, m.body) for m in means]
        actual = tuple(Array(m.indices, body) for m, body in zip(means, bodies, strict=True))
    return FactorForm(
        form,
        form.gauge if identity is None else identity.gauge,
        blocks,
        put_arguments(factor, form.log_partition),
        log_base,
        held,
        actual,
    )


def put_arguments(
    factor: Factor, formal: Term, normalize: Callable[[Term], Term] = shorter_form
) -> Term:
    """A term in the family's symbols -> its normal form in the model's.

    Arguments that are long are put in last, as they are: what is shared in them stays shared.
    """
    mapping = factor.actual()
    long = {symbol: array for symbol, array in mapping.items() if is_long(array.body)}
    short = {symbol: array for symbol, array in mapping.items() if symbol not in long}
    return replace_symbols(normalize(replace_symbols(formal, short)), long)


def _actual_block(block: Block, factor: Factor, taken: set[str]) -> Block:
    places = indices_apart(block.indices, taken)
    natural, statistic = (
        instantiate(Array(block.indices, term), places) for term in (block.natural, block.statistic)
    )
    return Block(
        places,
        put_arguments(factor, natural),
        put_arguments(factor, statistic, normal),
        block.symmetric,
    )


def _split(term: Term, value: Symbol) -> tuple[Term, Term]:
    """The summands with the value, and those without."""
    parts: tuple[Poly, Poly] = ({}, {})
    for monomial, scale in monomials_of(term).items():
        parts[value not in symbols_of(from_monomial(monomial))][monomial] = scale
    return from_poly(parts[0]), from_poly(parts[1])


def _take_base(identity: Identity, blocks: Sequence[Block]) -> tuple[tuple[Block, ...], Term]:
    """eta -> eta - c for the shares c of b, and c' T, what they are of b."""
    shares = {normal(statistic): share for statistic, share in identity.shares}
    left, taken = [], []
    for block in blocks:
        share = shares.get(normal(block.statistic), ZERO)
        left.append(replace(block, natural=normal(subtract(block.natural, share))))
        part = mul(share, block.statistic)
        for index in reversed(block.indices):
            part = total(index, part)
        taken.append(part)
    return tuple(left), add(*taken)
