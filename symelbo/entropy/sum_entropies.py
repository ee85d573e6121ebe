"""factor entropies -> the entropy sum, with its closed form where there is one."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.answer.derivation import EntropySum, FactorEntropy, FactorResult
from symelbo.criterion.factor import Factor, is_parent
from symelbo.criterion.identity import Identity
from symelbo.entropy.entropy_of_density import entropy_of_statement
from symelbo.entropy.exact_posterior import ExactPosterior
from symelbo.index.build import ZERO, add, negate
from symelbo.index.domains import Real
from symelbo.index.normal import normal
from symelbo.index.substitute import count_subterms, replace_symbols, symbols_of
from symelbo.index.terms import Apply, Array, Entry, Role, Symbol, Term
from symelbo.index.tidy import tidy
from symelbo.model.model import Model

__all__ = ["sum_entropies"]

_SHORT_NAMES = {"logit": "a", "logits": "a", "log_rate": "a", "mean": "m", "location": "m"}


def sum_entropies(
    model: Model, results: Sequence[FactorResult], posterior: ExactPosterior | None
) -> EntropySum | None:
    """S = mean H[q] - sum_f E H_f + sum_f E b_f over the factors that hold.

    None if no factor holds.  Source: the exact identity F = S + dF/ds of the criterion (U);
    Warnken et al. (2025), Eqns 3, 49 and 50.
    """
    entropies: list[FactorEntropy] = []
    bases: list[tuple[str, Term]] = []
    remainders: list[str] = []
    taken = _taken_names(model)
    for result in results:
        identity = result.identity
        if identity is None:
            remainders.append(result.node)
            continue
        factor = result.factor
        term = normal(factor.over_plates(identity.entropy))
        parents = tuple(sorted((s for s in symbols_of(term) if is_parent(s)), key=lambda s: s.name))
        pointwise, abbreviations = abbreviate_arguments(
            factor, identity, tidy(identity.entropy), taken
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
        if identity.base != ZERO:
            bases.append((result.node, normal(factor.over_plates(identity.base))))
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


def abbreviate_arguments(
    factor: Factor, identity: Identity, whole: Term, taken: frozenset[str]
) -> tuple[Term, tuple[tuple[Symbol, Array], ...]]:
    """H(eta(long expression)) -> H(a), a := long expression, where that is shorter to read."""
    formal = identity.formal
    if formal is None:
        return whole, ()
    if factor.statement.family.abstract:
        (given,) = factor.arguments().values()
        function = Symbol(f"H_{factor.statement.family.name}", Role.FUNCTION, Real())
        return Apply(function, (given,)), ()
    mapping: dict[Symbol, Array] = dict(factor.actual())
    chosen: list[tuple[Symbol, Array]] = []
    length = 0
    for argument, array in factor.arguments().items():
        if argument not in symbols_of(formal) or count_subterms(array.body) <= 3:
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
