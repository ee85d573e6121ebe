"""log p(v; a) -> sum_k eta_k(a)' T_k(v) - A(a) + log h(v)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from symelbo.expfam.form import Block, ExponentialForm, Gauge, Inseparable, Separation
from symelbo.families.density import Density
from symelbo.index.build import add, exp, mul, negate, subtract, total
from symelbo.index.normal import Monomial, Poly, from_monomial, from_poly, normal, to_poly
from symelbo.index.substitute import (
    free_indices,
    replace_index,
    replace_selector,
    selectors_of,
    symbols_of,
)
from symelbo.index.terms import (
    Call,
    Delta,
    Extent,
    Index,
    Position,
    Role,
    Symbol,
    Term,
    sort_key,
)

__all__ = ["absorb_base", "separate_density"]

_BLOCK_NAMES = ("i", "j", "k", "l")


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
    rest, selected = _select_by_indicator(density.term, value)
    poly = to_poly(rest)
    grouped: dict[tuple[tuple[Term, Fraction], ...], tuple[tuple[Index, ...], list[Term]]] = {}
    base: Poly = {}
    constants: Poly = {}
    partition: Poly = {}
    for joined, scale in poly.items():
        monomial = _split_exponentials(joined, value, moving)
        mixed = next((a for a, _ in monomial.factors if _mixes(a, value, moving)), None)
        if mixed is not None:
            reason = "no separation into parameter times statistic was found"
            return Inseparable(reason, mixed, searched=True)
        symbols = frozenset().union(*(symbols_of(a) for a, _ in monomial.factors))
        has_value, has_moving = value in symbols, bool(symbols & set(moving))
        if has_value and not has_moving:
            if symbols & set(fixed):
                return Inseparable(
                    "the base measure would contain a parameter or a parent",
                    from_monomial(monomial, scale),
                )
            base[monomial] = scale
        elif has_value:
            indices, statistic, natural = _split_monomial(monomial, scale, value)
            grouped.setdefault(statistic, (indices, []))[1].append(natural)
        elif has_moving or symbols & set(fixed):
            partition[monomial] = scale
        else:
            constants[monomial] = scale
    if selected is not None:
        index, change, indicator = selected
        term = from_monomial(Monomial((), ((indicator, Fraction(1)),)))
        for monomial, scale in to_poly(change).items():
            symbols = frozenset().union(*(symbols_of(a) for a, _ in monomial.factors))
            part = from_monomial(monomial, scale)
            if symbols & {*moving, *fixed}:
                grouped.setdefault(((term, Fraction(1)),), ((index,), []))[1].append(part)
            else:
                base.update(to_poly(total(index, mul(term, part))))
    blocks = []
    for statistic, (indices, naturals) in grouped.items():
        natural = normal(add(*naturals))
        if natural == add():
            continue
        term = from_monomial(Monomial((), statistic))
        blocks.append(Block(indices, natural, term, _is_symmetric(indices, natural)))
    blocks = _fold_sums(blocks)
    blocks.sort(key=lambda b: (len(b.indices), _degree(b.statistic), sort_key(b.statistic)))
    log_partition = normal(negate(from_poly(partition)))
    known = normal(negate(from_poly(constants)))
    textbook = ExponentialForm(
        density,
        moving,
        tuple(blocks),
        log_partition,
        normal(add(from_poly(base), from_poly(constants))),
        Gauge.TEXTBOOK,
    )
    absorbed, left = _absorb(tuple(blocks), base)
    if left:
        return Separation((textbook,), _describe_rest())
    constant = ExponentialForm(
        density,
        moving,
        absorbed,
        normal(add(log_partition, known)),
        add(),
        Gauge.CONSTANT,
    )
    if absorbed == tuple(blocks):
        return Separation((constant,))
    return Separation((constant, textbook))


def absorb_base(form: ExponentialForm) -> tuple[ExponentialForm, Term]:
    """The same density with log h in eta as far as there are statistics for it, so that log h keeps
    constants; and what of log h that leaves over.
    """
    base: Poly = {}
    constants: Poly = {}
    for monomial, scale in to_poly(form.log_base).items():
        symbols = frozenset().union(*(symbols_of(a) for a, _ in monomial.factors))
        (base if form.density.value in symbols else constants)[monomial] = scale
    blocks, left = _absorb(form.blocks, base)
    return replace(form, blocks=blocks, log_base=from_poly(constants)), from_poly(left)


def _fold_sums(blocks: list[Block]) -> list[Block]:
    """eta' T + b sum_i T_i -> (eta + b)' T: the statistics stay linearly independent."""
    result = list(blocks)
    for vector in blocks:
        if not vector.indices:
            continue
        whole = vector.statistic
        for index in reversed(vector.indices):
            whole = total(index, whole)
        whole = normal(whole)
        for scalar in blocks:
            if not scalar.indices and normal(scalar.statistic) == whole:
                natural = normal(add(vector.natural, scalar.natural))
                folded = Block(vector.indices, natural, vector.statistic, vector.symmetric)
                result = [folded if b is vector else b for b in result if b is not scalar]
                vector = folded
    return result


def _describe_rest() -> str:
    return "no constant base measure exists, since log h is no combination of 1 and the statistics"


def _select_by_indicator(
    term: Term, value: Symbol
) -> tuple[Term, tuple[Index, Term, Delta] | None]:
    """f(v) -> f(K), (i, f(i) - f(K), delta(v, i)): f(v) = f(K) + sum_{i<K} delta(v, i) (...).

    The minimal form of a density that a category v enters as an index (Eqn 40 of the paper).
    """
    selectors = [(e, axis) for e, axis in selectors_of(term) if e.symbol == value]
    if not selectors:
        return term, None
    entry, extent = selectors[0]
    index = Index("i", Extent(extent.size, extent.offset - 1))
    at_last = replace_selector(term, entry, Position(extent))
    change = subtract(replace_selector(term, entry, index), at_last)
    return at_last, (index, change, Delta(entry, index))


def _mixes(atom: Term, value: Symbol, moving: tuple[Symbol, ...]) -> bool:
    symbols = symbols_of(atom)
    return value in symbols and bool(symbols & set(moving))


def _split_exponentials(monomial: Monomial, value: Symbol, moving: tuple[Symbol, ...]) -> Monomial:
    """exp(a(v) + b(theta)) -> exp(a(v)) exp(b(theta)), which the normal form keeps joined."""
    factors: list[tuple[Term, Fraction]] = []
    for atom, exponent in monomial.factors:
        if isinstance(atom, Call) and atom.name == "exp" and _mixes(atom, value, moving):
            of_value: list[Term] = []
            rest: list[Term] = []
            for part, scale in to_poly(atom.arguments[0]).items():
                term = from_monomial(part, scale)
                (of_value if value in symbols_of(term) else rest).append(term)
            if not any(_mixes(term, value, moving) for term in of_value):
                factors += [(exp(add(*terms)), exponent) for terms in (of_value, rest) if terms]
                continue
        factors.append((atom, exponent))
    return Monomial(monomial.bound, tuple(factors))


def _split_monomial(
    monomial: Monomial, scale: Fraction, value: Symbol
) -> tuple[tuple[Index, ...], tuple[tuple[Term, Fraction], ...], Term]:
    """c sum_i a_i t_i -> (i), t_i, c a_i with block indices named i, j, k."""
    statistic = [f for f in monomial.factors if value in symbols_of(f[0])]
    natural = tuple(f for f in monomial.factors if value not in symbols_of(f[0]))
    needed = [b for b in monomial.bound if any(b in free_indices(a) for a, _ in statistic)]
    inner = tuple(b for b in monomial.bound if b not in needed)
    # an index that only the statistic needs is summed within it
    shared = [b for b in needed if any(b in free_indices(a) for a, _ in natural)]
    summed = tuple(b for b in needed if b not in shared)
    if summed:
        own = [f for f in statistic if free_indices(f[0]) & set(summed)]
        term = normal(from_monomial(Monomial(summed, tuple(own))))
        statistic = [f for f in statistic if f not in own] + [(term, Fraction(1))]
    shared.sort(key=lambda b: _first_place(b, statistic))
    names = {b: Index(_BLOCK_NAMES[n], b.extent, b.low) for n, b in enumerate(shared)}
    coefficient = from_monomial(Monomial(inner, natural), scale)
    for old, new in names.items():
        coefficient = replace_index(coefficient, old, new)
        statistic = [(replace_index(a, old, new), e) for a, e in statistic]
    key = tuple(sorted(statistic, key=lambda f: sort_key(f[0])))
    return tuple(names.values()), key, coefficient


def _first_place(index: Index, factors: list[tuple[Term, Fraction]]) -> tuple[int, str]:
    for position, (atom, _) in enumerate(sorted(factors, key=lambda f: sort_key(f[0]))):
        if index in free_indices(atom):
            return position, index.name
    return len(factors), index.name


def _is_symmetric(indices: tuple[Index, ...], natural: Term) -> bool:
    if len(indices) != 2 or indices[0].extent != indices[1].extent:
        return False
    i, j = indices
    spare = Index("swap", i.extent, i.low)
    swapped = replace_index(replace_index(replace_index(natural, i, spare), j, i), spare, j)
    return to_poly(swapped) == to_poly(natural)


def _degree(statistic: Term) -> int:
    """x before x**2: the number of factors counted with their powers."""
    total_degree = Fraction(0)
    for monomial in to_poly(statistic):
        total_degree += sum((abs(e) for _, e in monomial.factors), Fraction(0))
    return int(total_degree)


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
        sorted(bound, key=lambda b: _first_place(b, mine)), block.indices, strict=True
    ):
        if (old.extent, old.low) != (new.extent, new.low):
            return None
        term = replace_index(term, old, new)
        coefficient = replace_index(coefficient, old, new)
    return coefficient if normal(term) == normal(block.statistic) else None
