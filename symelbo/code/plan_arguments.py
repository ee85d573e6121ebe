"""What the arguments of a function are called, how they are checked, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symelbo.code.ops import Length, dim_text, walk
from symelbo.code.plan import Argument, Exceeds, Least, Line
from symelbo.code.plan_functions import Body
from symelbo.code.setting import Setting
from symelbo.index.build import category_extent, extent_length
from symelbo.index.domains import Interval, Naturals
from symelbo.index.substitute import walk_parts
from symelbo.index.terms import Entry, Extent, Role, Size, Symbol, Term
from symelbo.model.least_sizes import find_least_sizes
from symelbo.values import replace
from symelbo.words import join_words

__all__ = [
    "as_optional",
    "conditions_on",
    "let_sizes_follow",
    "list_arguments",
    "shape_text",
    "sizes_in",
    "symbol_argument",
]

WEIGHTS = "non-negative, summing to one over the last axis"
_ONLY_CHECKED = "Only checked: the value does not depend on it."


def list_arguments(
    setting: Setting,
    body: Body,
    reads: frozenset[str],
    *,
    data_first: bool,
    known: Sequence[Argument] = (),
) -> tuple[Argument, ...]:
    """What the body reads, in the order data, parameters, q; the other parameters optional.

    reads: the sizes that the body needs as numbers; known: arrays that are there besides.
    """
    model, read = setting.model, body.reads
    used = {s for s in setting.names if setting.variables[s].symbol in read}
    used |= {bound for symbol in used for bound in setting.bounding(symbol)}
    data = [symbol_argument(setting, s) for s in setting.observed if s in used]
    inputs = [symbol_argument(setting, s) for s in model.inputs if s in used]
    learned = [
        symbol_argument(setting, s, optional=s not in used)
        for s in (*model.parameters, *model.constants)
        if setting.variables[s].symbol not in body.profiled
    ]
    rest = [symbol_argument(setting, s) for s in setting.variational if s in used]
    by_weights = setting.weights in read
    if by_weights and setting.mixture is not None and not setting.computes_q:
        shape = (setting.data.extent, setting.mixture.extent)
        text = f"{shape_text(shape, setting)}; responsibilities: q[n, c] is the probability that"
        text += " data point n has category c; rows sum to one, zeros are allowed."
        rest.append(Argument(setting.q_name, "array", text, shape, "weights"))
    if setting.entropy_q in read and not any(
        statement.target == setting.entropy_q for statement in body.statements
    ):
        text = "mean entropy of q over the data, in nats."
        rest.append(Argument(setting.entropy_q_name, "value", text))
    for symbol, what in body.asked:
        text = f"mean {what}, in nats; its functions are abstract, so it has to be given."
        rest.append(Argument(symbol.name, "value", text))
    sampled = (*setting.latents, *setting.functions)
    rest += [symbol_argument(setting, s) for s in sampled if s in used]
    if by_weights and setting.mixture is None:
        shape = (setting.data.extent, setting.samples.extent)
        text = f"{shape_text(shape[1:], setting)} or {_tuple_text(shape, setting)};"
        text += " weights of the samples, summing to one over the last axis; 1/S if not given."
        weights = Argument(setting.weights_name, "samples", text, shape, "weights", optional=True)
        rest.append(weights)
    given = [*data, *inputs, *learned, *rest]
    sizes = _unknown_sizes(setting, reads, given, known)
    if not data_first:
        return (*learned, *sizes, *data, *inputs, *rest)
    return (*data, *inputs, *learned, *sizes, *rest)


def sizes_in(lines: Sequence[Line], returned: object) -> frozenset[str]:
    """The sizes that operations need as numbers."""
    found = [op for line in lines for op in walk(line.op)]
    return frozenset(op.size for op in (*found, *walk(returned)) if isinstance(op, Length))


def _unknown_sizes(
    setting: Setting,
    reads: frozenset[str],
    given: Sequence[Argument],
    others: Sequence[Argument],
) -> list[Argument]:
    """The sizes that the formulas need and no array determines."""
    known = _determined(argument for argument in (*given, *others) if not argument.optional)
    wanted = reads.union(*(_sizes_of(argument) for argument in given))
    return [
        Argument(name, "size", "a positive integer; no array above determines it.")
        for size, name in setting.sizes.items()
        if size not in known and size in wanted and size in setting.model.sizes
    ]


def let_sizes_follow(setting: Setting, arguments: Sequence[Argument]) -> tuple[Argument, ...]:
    """The same, sizes optional that follow from an optional argument."""
    bounds = frozenset().union(*(_sizes_of(argument) for argument in arguments))
    own = {name: size for size, name in setting.sizes.items()}
    found = []
    for argument in arguments:
        size = own.get(argument.name) if argument.kind == "size" else None
        has = [a.name for a in arguments if a.optional and size in _determined(iter((a,)))]
        if size is not None and size not in bounds and has and not argument.optional:
            text = f"a positive integer; not needed where {join_words(has, 'or')} is given."
            argument = replace(argument, text=text, optional=True)
        found.append(argument)
    return tuple(found)


def _determined(arguments: Iterator[Argument]) -> set[str]:
    extents = (e for a in arguments for e in a.shape[bool(a.shared) :])
    return {e.size for e in extents if e.size is not None}


def _sizes_of(argument: Argument) -> frozenset[str]:
    """The sizes in the bounds of an argument."""
    bounds = (bound for bound in (argument.lower, argument.upper) if bound is not None)
    parts = (part for bound in bounds for part in walk_parts(bound))
    return frozenset(part.name for part in parts if isinstance(part, Size))


def symbol_argument(setting: Setting, symbol: Symbol, *, optional: bool = False) -> Argument:
    """The argument that holds a symbol of the model."""
    variable, shared = setting.variables[symbol].symbol, setting.variables[symbol].shared
    domain = symbol.domain
    check, described = domain.check, domain.described
    if symbol in setting.facts.zeros:
        check, described = "weights", WEIGHTS
    lower, upper = setting.bounds(symbol)
    limits: tuple[Term | None, Term | None] = (None, None)
    if (extent := category_extent(domain)) is not None:
        limits = (None, extent_length(extent))
    known = (lower, upper) != (None, None)
    if check == "interval" or (known and check in ("positive", "real")):
        check, described, limits = "interval", Interval.described, (lower, upper)
    elif check == "naturals":
        limits = (None, upper)
    elif check == "counts":
        limits = (None, setting.total(symbol))
        if limits[1] is None:
            check, described = "naturals", Naturals.described
    what = {
        Role.OBSERVED: "data, ",
        Role.INPUT: "covariates, ",
        Role.VARIATIONAL: "parameters of q, ",
        Role.LATENT: "samples or an enumeration of the latent, ",
        Role.CONSTANT: "a known constant, ",
    }.get(symbol.role, "")
    if setting.chain is not None and symbol in setting.chain.symbols:
        check, what, described = setting.chain.describe(symbol)
    if symbol in setting.functions:
        what = f"values of {setting.values.shown[symbol]}, "
    text = f"{shape_text(variable.shape, setting)}; {what}{described}"
    if shared:
        text = f"shape {_tuple_text(variable.shape[1:], setting)} or {text.removeprefix('shape ')}"
    if variable.name != symbol.name:
        text += f" (`{symbol.name}` in the model)"
    text += f". {_ONLY_CHECKED}" if optional else "."
    if optional:
        check = "real" if domain.is_place else check
        limits = (None, None)
    sets = setting.sets if shared else ""
    return Argument(variable.name, "array", text, variable.shape, check, *limits, optional, sets)


def as_optional(argument: Argument) -> Argument:
    """The same argument, only checked."""
    if argument.optional:
        return argument
    text = f"{argument.text.removesuffix('.')}. {_ONLY_CHECKED}"
    domain = "real" if argument.is_bounded else argument.domain
    return replace(argument, text=text, optional=True, domain=domain, lower=None, upper=None)


def shape_text(shape: Sequence[Extent], setting: Setting) -> str:
    """shape (N, D)"""
    return f"shape {_tuple_text(shape, setting)}" if shape else "a number"


def _tuple_text(shape: Sequence[Extent], setting: Setting) -> str:
    parts = [dim_text(extent, setting.sizes) for extent in shape]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


# ---------------------------------------------------------------- conditions on several arguments


def conditions_on(setting: Setting, arguments: Sequence[Argument]) -> tuple[Exceeds | Least, ...]:
    """What has to hold of sizes, so that no place ever wraps, and of arguments above a size."""
    required = [argument for argument in arguments if not argument.optional]
    known = _determined(iter(required))
    named = {argument.name for argument in required}
    sized = {a.name for a in arguments if a.kind == "size"}
    known |= {size for size, name in setting.sizes.items() if name in sized}
    found: list[Exceeds | Least] = [
        Least(size, least, what)
        for size, (least, what) in find_least_sizes(setting.model.all_statements).items()
        if size in known
    ]
    for statement in setting.model.statements:
        for formal, (_, array) in zip(statement.form.arguments, statement.arguments, strict=True):
            if formal.above is None or not isinstance(array.body, Entry):
                continue
            name, (size, by) = setting.names[array.body.symbol], formal.above
            if name in named:
                extent = dict(statement.extents)[size]
                found.append(Exceeds(name, Extent(extent.size, extent.offset + by)))
    return tuple(found)
