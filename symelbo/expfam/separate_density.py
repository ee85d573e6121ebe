"""log p(v; a) -> sum_k eta_k(a)' T_k(v) - A(a) + log h(v)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symelbo.expfam.form import Block, ExponentialForm, Gauge, Inseparable, Separation
from symelbo.expfam.group_by_value import (
    Group,
    first_place,
    gather,
    is_symmetric,
    select_by_indicator,
    split_exponentials,
    split_monomial,
    symbols_of_monomial,
)
from symelbo.families.density import Density
from symelbo.index.build import add, mul, negate, total
from symelbo.index.normal import Monomial, Poly, from_monomial, from_poly, monomials_of, normal
from symelbo.index.substitute import (
    free_indices,
    replace_index,
    symbols_of,
)
from symelbo.index.terms import (
    Role,
    Symbol,
    Term,
)
from symelbo.values import replace

__all__ = ["absorb_base", "separate_density"]


def separate_density(
    density: Density, moving: tuple[Symbol, ...], fixed: tuple[Symbol, ...] = ()
) -> Separation | Inseparable:
    """log-density -> exponential-family forms in its moving arguments.

    fixed: arguments that depend on parents or parameters but do not move (the conditional form):
    they may enter eta, T and A, not h.  All other arguments are known constants.
    Source: Warnken et al. (2025), Definition 1 and Eqn 40; Luecke & Warnken (2022), Definition B.
    """
    value = density.value
    domain = value.domain
    for bound in (domain.lower, domain.upper):
        if bound is not None and symbols_of(bound) & {*moving, *fixed}:
            return Inseparable("the support depends on a parameter", bound)
    rest, selected = select_by_indicator(density.term, value)
    pieces: list[Group] = []
    base: Poly = {}
    constants: Poly = {}
    partition: Poly = {}
    for joined, scale in monomials_of(rest).items():
        monomial = split_exponentials(joined, value, frozenset(moving))
        mixed = next((a for a, _ in monomial.factors if _mixes(a, value, moving)), None)
        if mixed is not None:
            reason = "no separation into parameter times statistic was found"
            return Inseparable(reason, mixed, searched=True)
        symbols = symbols_of_monomial(monomial)
        has_value, has_moving = value in symbols, bool(symbols & set(moving))
        if has_value and not has_moving:
            if symbols & set(fixed):
                return Inseparable(
                    "the base measure would contain a parameter or a parent",
                    from_monomial(monomial, scale),
                )
            base[monomial] = scale
        elif has_value:
            pieces.append(split_monomial(monomial, scale, value))
        elif has_moving or symbols & set(fixed):
            partition[monomial] = scale
        else:
            constants[monomial] = scale
    if selected is not None:
        (index,) = selected.indices
        for monomial, scale in monomials_of(selected.coefficient).items():
            part = from_monomial(monomial, scale)
            if symbols_of_monomial(monomial) & {*moving, *fixed}:
                pieces.append(replace(selected, coefficient=part))
            else:
                base.update(monomials_of(total(index, mul(selected.statistic, part))))
    blocks = tuple(
        Block(g.indices, g.coefficient, g.statistic, is_symmetric(g.indices, g.coefficient))
        for g in gather(pieces)
    )
    log_partition = normal(negate(from_poly(partition)))
    known = normal(negate(from_poly(constants)))
    textbook = ExponentialForm(
        density,
        moving,
        blocks,
        log_partition,
        normal(add(from_poly(base), from_poly(constants))),
        Gauge.TEXTBOOK,
    )
    absorbed, left = _absorb(blocks, base)
    if left:
        return Separation((textbook,))
    constant = ExponentialForm(
        density,
        moving,
        absorbed,
        normal(add(log_partition, known)),
        add(),
        Gauge.CONSTANT,
    )
    if absorbed == blocks:
        return Separation((constant,))
    return Separation((constant, textbook))


def absorb_base(form: ExponentialForm) -> tuple[ExponentialForm, Term]:
    """The same density with log h in eta as far as there are statistics for it, so that log h keeps
    constants; and what of log h that leaves over.
    """
    base: Poly = {}
    constants: Poly = {}
    for monomial, scale in monomials_of(form.log_base).items():
        symbols = frozenset().union(*(symbols_of(a) for a, _ in monomial.factors))
        (base if form.density.value in symbols else constants)[monomial] = scale
    blocks, left = _absorb(form.blocks, base)
    return replace(form, blocks=blocks, log_base=from_poly(constants)), from_poly(left)


def _mixes(atom: Term, value: Symbol, moving: tuple[Symbol, ...]) -> bool:
    symbols = symbols_of(atom)
    return value in symbols and bool(symbols & set(moving))


def _absorb(blocks: tuple[Block, ...], base: Poly) -> tuple[tuple[Block, ...], Poly]:
    """log h = sum_k c_k' T_k + rest -> eta_k + c_k, and the rest.

    A constant base measure exists iff log h lies in the span of 1 and the statistics.
    """
    naturals = [block.natural for block in blocks]
    left: Poly = {}
    for monomial, scale in base.items():
        for number, block in enumerate(blocks):
            shift = _match_statistic(block, monomial, scale)
            if shift is not None:
                naturals[number] = normal(add(naturals[number], shift))
                break
        else:
            left[monomial] = scale
    absorbed = tuple(
        Block(block.indices, natural, block.statistic, block.symmetric)
        for block, natural in zip(blocks, naturals, strict=True)
    )
    return absorbed, left


def _match_statistic(block: Block, monomial: Monomial, scale: Fraction) -> Term | None:
    """The constant c with c' T = the monomial, if there is one."""
    statistic: Callable[[Symbol], bool] = lambda s: s.role is Role.VALUE  # noqa: E731
    mine = [f for f in monomial.factors if any(statistic(s) for s in symbols_of(f[0]))]
    rest = tuple(f for f in monomial.factors if f not in mine)
    bound = [b for b in monomial.bound if any(b in free_indices(a) for a, _ in mine)]
    if len(bound) != len(block.indices):
        return None
    coefficient = from_monomial(Monomial((), rest), scale)
    if free_indices(coefficient) - set(bound) or len(monomial.bound) != len(bound):
        return None
    term = from_monomial(Monomial((), tuple(mine)))
    for old, new in zip(
        sorted(bound, key=lambda b: first_place(b, mine)), block.indices, strict=True
    ):
        if (old.extent, old.low) != (new.extent, new.low):
            return None
        term = replace_index(term, old, new)
        coefficient = replace_index(coefficient, old, new)
    return coefficient if normal(term) == normal(block.statistic) else None
