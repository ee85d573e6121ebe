"""A derivation as SymPy expressions: what `Derivation.sympy(**sizes)` gives."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType
from typing import Any

import sympy as sp

from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.answer.worked import WorkedForm
from symelbo.index.terms import Array, Symbol
from symelbo.model.least_sizes import find_least_sizes
from symelbo.sympy_edge.to_sympy import Writer, python_name
from symelbo.values import dataclass

__all__ = ["Expressions", "FactorExpressions", "express"]


@dataclass(frozen=True, slots=True)
class FactorExpressions:
    """One factor p(v | pa) = h exp(eta' T - A), and (U) of it.

    log_density: log p, summed over the plates, nats; log_partition (A) and log_base (log h) too,
    None where no form was found.
    natural_parameters, statistics: eta and T, block by block, each over (plates, block); a block
    without indices at a node without plates is a scalar.
    jacobians: block by block, parameter -> d eta / d parameter over (plates, block, parameter),
    of the parameters that move and enter; of a simplex[C] by its first C - 1 entries, the last
    being 1 minus the others; of a symmetric matrix by each entry of its own.
    base, entropy, divergence: b, H~ and d of log p - D log p = b - H~ + d, summed over the plates;
    None unless the criterion holds.
    """

    node: str
    log_density: Any
    natural_parameters: tuple[Any, ...]
    statistics: tuple[Any, ...]
    log_partition: Any
    log_base: Any
    jacobians: tuple[Mapping[str, Any], ...]
    base: Any
    entropy: Any
    divergence: Any


@dataclass(frozen=True, slots=True)
class Expressions:
    """The answer for one model, as ordinary SymPy expressions.

    symbols: name -> Symbol, or IndexedBase of an array, of parameters, constants, inputs, nodes and
    parameters of q (lambda and pi are called lambda_ and pi_, like all that hides a name of Python
    or of NumPy); sizes that stay symbolic and H_q, where it is used, come last.
    field: parameter -> its velocity, over its shape; latents and variational: likewise of what else
    moves.  What has a shape is an ImmutableDenseNDimArray at given sizes, else a Table.
    entropy_sum: what S is the mean of, over the data points and the latents under q_n; S itself
    where it mentions neither latents nor data.  H_q is the entropy of q_n where it has no closed
    form; a factor without an entropy takes part by its log-density.  None without any entropy.

    Places are counted from 0: the W[1, 2] of the specification is W[0, 1], as in NumPy, so that
    `sympy.lambdify([*result.symbols.values()], result.entropy_sum)` takes plain arrays.  Categories
    have the values 1..C.  Abstract functions are undefined functions m(place, entries of the
    arguments); at symbolic sizes m(place, whole arguments), whose derivatives m_1, m_2 by the first
    and second argument take the place in that argument after their own.
    """

    symbols: Mapping[str, Any]
    field: Mapping[str, Any]
    latents: Mapping[str, Any]
    variational: Mapping[str, Any]
    factors: tuple[FactorExpressions, ...]
    entropy_sum: Any

    def along(self, expression: Any) -> Any:
        """D f, the derivative of an expression along the whole motion; all sizes are to be given.

        >>> import symelbo
        >>> result = symelbo.derive({
        ...     "name": "scale", "parameters": {"s": "positive"},
        ...     "model": ["x ~ Exponential(1/s)"], "observed": ["x"]}).sympy()
        >>> result.factors[0].log_density, result.field
        (log(1/s) - x/s, mappingproxy({'s': -s}))
        >>> result.along(result.factors[0].log_density)
        -s*(-1/s + x/s**2)
        """
        moved = {**self.field, **self.latents, **self.variational}
        parts = []
        for name, velocity in moved.items():
            symbol = self.symbols[name]
            if not isinstance(symbol, sp.IndexedBase):
                parts.append(velocity * sp.diff(expression, symbol))
            elif isinstance(velocity, sp.NDimArray):
                for place in product(*map(range, velocity.shape)):
                    parts.append(velocity[place] * sp.diff(expression, symbol[place]))
            else:
                raise ValueError(f"{name} has a symbolic size: give the sizes")
        return sp.Add(*parts)


def express(derivation: Derivation, sizes: Mapping[str, int]) -> Expressions:
    """derivation, {size: number} -> SymPy expressions; sizes not given stay symbolic.

    ValueError for a size that the model has not, or below the least at which the model exists.
    """
    model = derivation.model
    least = find_least_sizes(model.all_statements)
    for name, number in sizes.items():
        if name not in model.sizes:
            known = ", ".join(model.sizes) or "none"
            raise ValueError(f"the model has no size {name}: {known}")
        if int(number) != number or number < 1:
            raise ValueError(f"{name} = {number}: a size is a positive integer")
        if name in least and number < least[name].value:
            need = least[name]
            raise ValueError(f"{name} = {number}: at least {need.value}, {need.needed_by} is used")
    nodes = dict.fromkeys(statement.node for statement in model.statements)
    named = (*model.parameters, *model.constants, *model.inputs, *nodes, *model.variational_symbols)
    taken = {symbol.name for symbol in (*named, *model.functions)} | set(model.sizes)
    writer = Writer(sizes, frozenset(map(python_name, taken)))
    symbols = {symbol.name: writer.symbol(symbol) for symbol in named}
    symbols |= {name: writer.size(name) for name in model.sizes if name not in sizes}
    name = "H_q" if "H_q" not in taken else "H_q_"
    entropy_of_q = sp.Symbol(name, real=True)
    factors = tuple(
        _express_factor(result, worked.form, writer)
        for result, worked in zip(derivation.factors, derivation.worked.factors, strict=True)
    )
    whole = _entropy_sum(derivation, factors, writer, entropy_of_q)
    if whole is not None and entropy_of_q in whole.free_symbols:
        symbols[name] = entropy_of_q
    motion = derivation.motion
    latents = {node: latent.velocity(node) for node, latent in motion.latents.items()}
    return Expressions(
        symbols=MappingProxyType(symbols),
        field=_arrays(motion.parameters, writer),
        latents=_arrays(latents, writer),
        variational=_arrays(motion.variational, writer),
        factors=factors,
        entropy_sum=whole,
    )


def _arrays(moved: Mapping[Symbol, Array], writer: Writer) -> Mapping[str, Any]:
    return MappingProxyType(
        {symbol.name: writer.array(array.indices, array.body) for symbol, array in moved.items()}
    )


def _express_factor(
    result: FactorResult, worked: WorkedForm | None, writer: Writer
) -> FactorExpressions:
    factor, form, identity = result.factor, result.form, result.identity
    plates = factor.plates

    def total(term: Any) -> Any:
        return writer.expression(factor.over_plates(term))

    blocks = () if form is None else form.blocks
    slopes = () if worked is None else worked.slopes
    jacobians: list[dict[str, Any]] = [{} for _ in blocks]
    for slope in slopes:
        indices = (*plates, *blocks[slope.block].indices, *slope.indices)
        jacobians[slope.block][slope.parameter.name] = writer.array(indices, slope.term)
    return FactorExpressions(
        node=result.node,
        log_density=total(factor.log_density),
        natural_parameters=tuple(
            writer.array((*plates, *block.indices), block.natural) for block in blocks
        ),
        statistics=tuple(
            writer.array((*plates, *block.indices), block.statistic) for block in blocks
        ),
        log_partition=None if form is None else total(form.log_partition),
        log_base=None if form is None else total(form.log_base),
        jacobians=tuple(map(MappingProxyType, jacobians)),
        base=None if identity is None else total(identity.base),
        entropy=None if identity is None else total(identity.entropy),
        divergence=None if identity is None else total(identity.divergence),
    )


def _entropy_sum(
    derivation: Derivation,
    factors: tuple[FactorExpressions, ...],
    writer: Writer,
    entropy_of_q: Any,
) -> Any:
    found = derivation.entropy_sum
    if found is None:
        return None
    if found.closed_form is not None:
        return writer.expression(found.closed_form)
    q = entropy_of_q if found.q_entropy is None else writer.expression(found.q_entropy)
    parts = [f.log_density if f.entropy is None else f.base - f.entropy for f in factors]
    return sp.Add(q, *parts)
