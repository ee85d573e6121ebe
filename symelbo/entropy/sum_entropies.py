"""factor entropies -> the entropy sum, with its closed form where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symelbo.criterion.factor import Factor, is_parent, parameters_of
from symelbo.criterion.reparameterize_prior import Reparameterization
from symelbo.criterion.result import Solution
from symelbo.derivation import EntropySum, FactorEntropy, FactorResult
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.expfam.derive_radial import derive_entropy, derive_radial
from symelbo.expfam.form import Gauge, Inseparable
from symelbo.expfam.separate_density import separate_density
from symelbo.index.build import ZERO, add, negate, subtract, total
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import normal
from symelbo.index.substitute import count_subterms, replace_symbols, symbols_of
from symelbo.index.terms import Apply, Array, Domain, Entry, Index, Role, Symbol, Term
from symelbo.index.tidy import tidy
from symelbo.language.density import density_term
from symelbo.spec.model import Model, Statement

__all__ = ["entropy_of", "entropy_of_statement", "sum_entropies"]


def entropy_of(factor: Factor, field: Mapping[Symbol, Array]) -> Term:
    """H~ = A - eta' grad A at one point of the plates; by the field where no radial field exists.

    eta' grad A = beta' J' grad A = dA/ds along the field (Warnken et al. (2025), Eqn 51).
    """
    if factor.entropy is not None:
        return factor.entropy
    change = derivative_along(factor.log_partition, field)
    return normal(subtract(factor.log_partition, change))


def fix_scale(term: Term, result: FactorResult) -> Term:
    """A learnable scale that stands for a known one -> the known value."""
    change = result.reparameterization
    if not isinstance(change, Reparameterization) or change.scale not in symbols_of(term):
        return term
    indices = tuple(Index(f"s{n}", extent) for n, extent in enumerate(change.scale.shape))
    return normal(replace_symbols(term, {change.scale: Array(indices, change.value)}))


def sum_entropies(
    model: Model, results: Sequence[FactorResult], posterior: ExactPosterior | None
) -> EntropySum | None:
    """S = mean H[q] - sum_f E H_f + sum_f E log h_f over the factors that hold.

    None if no factor holds.  Source: Warnken et al. (2025), Eqns 3, 49 and 50.
    """
    entropies: list[FactorEntropy] = []
    bases: list[tuple[str, Term]] = []
    remainders: list[str] = []
    taken = _taken_names(model)
    open_parameters = frozenset().union(
        *(
            parameters_of(statement)
            for statement, result in zip(model.statements, results, strict=True)
            if not isinstance(result.result, Solution)
        )
    )
    for result in results:
        # a field that also moves a factor without an entropy says nothing about this one alone
        if not isinstance(result.result, Solution) or open_parameters & set(result.field):
            remainders.append(result.node)
            continue
        factor = result.result.factor
        whole = entropy_of(factor, result.result.field)
        term = fix_scale(normal(factor.over_plates(whole)), result)
        parents = tuple(sorted((s for s in symbols_of(term) if is_parent(s)), key=lambda s: s.name))
        pointwise, abbreviations = abbreviate_arguments(
            factor, tidy(fix_scale(whole, result)), taken
        )
        taken |= {symbol.name for symbol, _ in abbreviations}
        entropies.append(
            FactorEntropy(
                result.node,
                term,
                result.entropy_kind,
                parents,
                factor.plates,
                pointwise,
                abbreviations,
            )
        )
        if factor.gauge is not Gauge.CONSTANT:
            bases.append((result.node, normal(factor.over_plates(factor.log_base))))
    if not entropies:
        return None
    q_entropy, depends = _entropy_of_q(model, posterior)
    closed = None
    fixed = not any(entropy.parents for entropy in entropies) and not bases and not remainders
    if q_entropy is not None and not depends and fixed:
        closed = _close(model, q_entropy, entropies)
    return EntropySum(q_entropy, depends, tuple(entropies), tuple(bases), closed, tuple(remainders))


def _close(model: Model, q_entropy: Term, entropies: Sequence[FactorEntropy]) -> Term:
    """H[q] - sum_f H_f with what cancels cancelled; the entropies of the data are kept whole."""
    data = [e for e in entropies if e.node.split("[")[0] in model.observed]
    others = [e for e in entropies if e not in data]
    rest = normal(add(q_entropy, *(negate(e.term) for e in others)))
    # an abbreviation has no meaning outside its own entropy
    whole = (tidy(e.term) if e.abbreviations else e.display for e in data)
    return add(tidy(rest), *map(negate, whole))


_SHORT_NAMES = {"logit": "a", "logits": "a", "log_rate": "a", "mean": "m", "location": "m"}


def abbreviate_arguments(
    factor: Factor, whole: Term, taken: frozenset[str]
) -> tuple[Term, tuple[tuple[Symbol, Array], ...]]:
    """H(eta(long expression)) -> H(a), a := long expression, where that is shorter to read."""
    if factor.radial is None:
        return whole, ()
    if factor.statement.family.abstract:
        (given,) = factor.arguments().values()
        function = Symbol(f"H_{factor.statement.family.name}", Role.FUNCTION, Domain("real"))
        return Apply(function, (given,)), ()
    formal = derive_entropy(factor.form, factor.radial)
    mapping: dict[Symbol, Array] = {}
    chosen: list[tuple[Symbol, Array]] = []
    length = 0
    for argument, array in factor.arguments().items():
        if argument not in symbols_of(formal):
            continue
        if count_subterms(array.body) <= 3:
            mapping[argument] = array
            continue
        name = _SHORT_NAMES.get(argument.name, argument.name)
        while name in taken:
            name += f"_{factor.statement.node.name}"
        shape = tuple(i.extent for i in (*factor.plates, *array.indices))
        symbol = Symbol(name, Role.ARGUMENT, argument.domain, shape)
        mapping[argument] = Array(array.indices, Entry(symbol, (*factor.plates, *array.indices)))
        chosen.append((symbol, Array((*factor.plates, *array.indices), array.body)))
        length += count_subterms(array.body)
    short = tidy(normal(replace_symbols(formal, mapping)))
    if not chosen or count_subterms(whole) <= count_subterms(short) + length:
        return whole, ()
    return short, tuple(chosen)


def _taken_names(model: Model) -> frozenset[str]:
    symbols = (*model.parameters, *model.constants, *model.inputs, *model.functions)
    names = {s.name for s in (*symbols, *model.variational_symbols)}
    return frozenset(names | set(model.sizes) | {s.node.name for s in model.statements})


def _entropy_of_q(model: Model, posterior: ExactPosterior | None) -> tuple[Term | None, bool]:
    """H[q_n] in closed form and whether it varies with n."""
    if not model.latents:
        return ZERO, False
    if isinstance(model.variational, str):
        return (posterior.entropy, False) if posterior is not None else (None, True)
    covered = {statement.node for statement in model.variational}
    if covered != {statement.node for statement in model.latents}:
        return None, True
    parts = []
    for statement in model.variational:
        entropy = entropy_of_statement(statement)
        if entropy is None:
            return None, True
        parts.append(entropy)
    whole = normal(add(*parts))
    varies = any(
        s.role in (Role.VARIATIONAL, Role.LATENT, Role.INPUT, Role.OBSERVED)
        for s in symbols_of(whole)
    )
    return whole, varies


def entropy_of_statement(statement: Statement) -> Term | None:
    """The entropy of a declared density over its plates, in nats; None if it is not derived."""
    density = density_term(statement.family, statement.form, dict(statement.extents))
    singles = tuple((argument,) for argument in density.arguments[::-1])
    for moving in dict.fromkeys((density.arguments, *singles)):
        separation = separate_density(density, moving)
        if isinstance(separation, Inseparable) or separation.forms[0].gauge is not Gauge.CONSTANT:
            continue
        radial = derive_radial(separation.forms[0])
        if radial is None:
            continue
        given = dict(statement.arguments)
        mapping = {symbol: given[symbol.name] for symbol in density.arguments}
        term = replace_symbols(derive_entropy(separation.forms[0], radial), mapping)
        for index in reversed(statement.plates):
            term = total(index, term)
        return normal(term)
    return None
