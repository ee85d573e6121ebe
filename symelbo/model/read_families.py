"""The `families` of a specification: the user's own log-densities, and abstract families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from symelbo.errors import Place
from symelbo.families.family import Argument, Family, Form
from symelbo.families.registry import FAMILIES
from symelbo.index.build import subtract
from symelbo.index.domains import SUPPORTS, Interval, Real
from symelbo.index.range import POSITIVE
from symelbo.index.signs import bounds
from symelbo.index.terms import Domain, Extent, Role, Symbol, Term
from symelbo.language.density import read_density, resolve_density
from symelbo.language.fault import TextError, TextFault, closest, quote, suggest
from symelbo.language.parse import parse_expression
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Entity, SizeName
from symelbo.model.context import Context
from symelbo.model.model import OwnFamily
from symelbo.model.parse_type import parse_type
from symelbo.model.read_yaml import MappingNode, Node, Scalar

__all__ = ["read_families"]

_KEYS: Final = (
    "value",
    "support",
    "parameters",
    "log_density",
    "abstract",
    "base_measure",
    "reference",
)


def read_families(context: Context, node: Node) -> tuple[OwnFamily, ...]:
    """name: {value, support, parameters, log_density} -> families, their densities resolved."""
    if isinstance(node, Scalar) and not node.text:
        return ()
    if not isinstance(node, MappingNode):
        context.fault(node.place, "`families` that is no mapping", "a mapping name: density")
        return ()
    families: list[OwnFamily] = []
    for key, value in node.items:
        if key.text in FAMILIES:
            context.fault(
                key.place,
                f"the family {quote(key.text)}, which is built in",
                "a name of its own",
                f"write another name, as in `My{key.text}`",
            )
            continue
        if not context.declare(key.text, "a family", key.place):
            continue
        before = len(context.faults)
        own = _read_family(context, key, value)
        if own is not None and len(context.faults) == before:
            families.append(own)
            context.own[key.text] = own
        else:
            # its uses are not faults of their own
            context.broken_families.add(key.text)
    return tuple(families)


def _read_family(context: Context, key: Scalar, node: Node) -> OwnFamily | None:
    if not isinstance(node, MappingNode):
        context.fault(
            node.place,
            f"the family {quote(key.text)} that is no mapping",
            "the keys value, support, parameters and log_density",
        )
        return None
    texts: dict[str, Scalar] = {}
    parameters: Node | None = None
    present = {name.text for name, _ in node.items}
    for name, value in node.items:
        meant = name.text
        if meant not in _KEYS:
            meant = closest(meant, _KEYS)
            context.fault(
                name.place,
                f"unknown key {quote(name.text)} of a family",
                f"one of {', '.join(_KEYS)}",
                f"did you mean {quote(meant)}?" if meant else "",
            )
            if not meant or meant in present:
                continue
            present.add(meant)
        if meant == "parameters":
            parameters = value
        elif isinstance(value, Scalar):
            texts[meant] = value
        else:
            context.fault(value.place, f"{quote(name.text)} that is no text", "a text")
    abstract = _flag(context, texts.get("abstract"))
    required = ("parameters",) if abstract else ("value", "support", "parameters", "log_density")
    for needed in required:
        if needed not in present:
            context.fault(
                key.place,
                f"the family {quote(key.text)} without `{needed}`",
                f"the keys {', '.join(required)}",
            )
    if not abstract and "base_measure" in texts:
        context.fault(
            texts["base_measure"].place,
            "`base_measure` of a family with a density",
            "no such key",
            "the base measure is derived from log_density; only `abstract: true` needs it",
        )
    if abstract and "log_density" in texts:
        context.fault(
            texts["log_density"].place,
            "`log_density` of an abstract family",
            "either `abstract: true` or a density",
        )
    return _assemble(context, key, texts, parameters, abstract)


def _flag(context: Context, scalar: Scalar | None) -> bool:
    if scalar is None:
        return False
    if scalar.text.lower() not in ("true", "false"):
        context.fault(scalar.place, quote(f"abstract: {scalar.text}"), "true or false")
    return scalar.text.lower() == "true"


def _assemble(
    context: Context,
    key: Scalar,
    texts: dict[str, Scalar],
    parameters: Node | None,
    abstract: bool,
) -> OwnFamily | None:
    before = len(context.faults)
    value = texts.get("value")
    name = value.text.strip() if value is not None else "x"
    if value is not None:
        context.proper(name, "the value of a family", value.place)
    arguments, extents, shapes = _read_arguments(context, key, parameters, name)
    scope: dict[str, Entity] = {
        size: entity for size, entity in context.names.items() if isinstance(entity, SizeName)
    }
    for argument in arguments:
        scope[argument.name] = Symbol(
            argument.name, Role.ARGUMENT, argument.domain, shapes[argument.name]
        )
    support: Domain = Real()
    if "support" in texts:
        read = _read_support(context, texts["support"], scope)
        if read is not None:
            support = read
    constant_base = True
    if "base_measure" in texts:
        kind = texts["base_measure"]
        if kind.text not in ("constant", "any"):
            context.fault(kind.place, f"the base measure {quote(kind.text)}", "`constant` or `any`")
        constant_base = kind.text == "constant"
    density = texts.get("log_density")
    form = Form(tuple(arguments), "" if abstract or density is None else density.text)
    family = Family(
        name=key.text,
        summary="an abstract exponential family" if abstract else "a family of the user's own",
        value=name,
        support=support,
        forms=(form,),
        reference=texts["reference"].text if "reference" in texts else "",
        abstract=abstract,
        constant_base_measure=constant_base,
        builtin=False,
    )
    if abstract and len(arguments) > 1:
        context.fault(
            key.place,
            f"{len(arguments)} parameters of the abstract family {quote(key.text)}",
            "one, which its natural parameters are a function of",
            "write one array, as in {theta: real[L]}",
        )
    elif abstract and arguments and isinstance(parameters, MappingNode):
        _check_vector(context, key, arguments[0], dict(parameters.items))
    if len(context.faults) > before or not arguments:
        return None
    if abstract:
        for function in family.functions.values():
            context.declare(function, f"a function of the family {quote(family.name)}", key.place)
        resolved = resolve_density(family, form, extents)
        return OwnFamily(family, tuple(extents.items()), resolved, key.place)
    if density is None:
        return None
    if not density.text.strip():
        context.fault(density.place, "an empty `log_density`", "an expression")
        return None
    context.spend(density)
    sizes = {
        size: entity.extent
        for size, entity in context.names.items()
        if isinstance(entity, SizeName)
    }
    resolved = read_density(family, form, {**sizes, **extents}, context.reporter(density))
    return OwnFamily(family, tuple(extents.items()), resolved, density.place)


def _check_vector(
    context: Context, key: Scalar, argument: Argument, types: Mapping[Scalar, Node]
) -> None:
    """The parameter of an abstract family is one vector of free entries.

    eta has as many components, and a Jacobian in these entries that is invertible: the entries of a
    simplex or of a symmetric matrix are no coordinates.
    """
    if argument.domain.rank or len(argument.shape) != 1:
        (kind,) = (kind for name, kind in types.items() if name.text == argument.name)
        context.fault(
            kind.place,
            f"the parameter {quote(argument.name)} of the abstract family {quote(key.text)}",
            "one vector whose entries are free, of which the natural parameters are an invertible "
            "function",
            f"write its free coordinates as one vector, as in `{argument.name}: real[L]`",
        )


def _read_arguments(
    context: Context, key: Scalar, node: Node | None, value: str
) -> tuple[list[Argument], dict[str, Extent], dict[str, tuple[Extent, ...]]]:
    """The parameters of a family; their extents are sizes of the model, known by their text."""
    arguments: list[Argument] = []
    extents: dict[str, Extent] = {}
    shapes: dict[str, tuple[Extent, ...]] = {}
    if node is None:
        return arguments, extents, shapes
    if not isinstance(node, MappingNode) or not node.items:
        context.fault(
            node.place,
            f"no parameters of the family {quote(key.text)}",
            "a mapping name: type, as in {s2: positive}",
        )
        return arguments, extents, shapes
    for name, kind in node.items:
        if not context.proper(name.text, "a family's parameter", name.place):
            continue
        if name.text == value:
            context.fault(
                name.place,
                f"the parameter {quote(name.text)}, which is also the value",
                "a name of its own",
            )
            continue
        if isinstance(context.names.get(name.text), SizeName):
            context.fault(
                name.place,
                f"the parameter {quote(name.text)}, which is also a size",
                "a name of its own",
            )
            continue
        if not isinstance(kind, Scalar):
            context.fault(kind.place, f"the type of {quote(name.text)} that is no text", "a type")
            continue
        read = parse_type(kind.text, context.resolver(kind), context.reporter(kind))
        if read is None:
            continue
        domain, shape = read
        shapes[name.text] = shape
        extents.update((str(extent), extent) for extent in shape)
        arguments.append(Argument(name.text, domain, tuple(map(str, shape))))
    return arguments, extents, shapes


def _read_support(context: Context, scalar: Scalar, scope: dict[str, Entity]) -> Domain | None:
    text = scalar.text.strip()
    if text in SUPPORTS:
        return SUPPORTS[text]
    lower, found, upper = scalar.text.partition("..")
    if not found:
        context.fault(
            scalar.place,
            f"unknown support {quote(text)}",
            f"{', '.join(SUPPORTS)}, or bounds such as 1..oo",
            suggest(text, SUPPORTS),
        )
        return None
    before = len(context.faults)
    least = _read_bound(context, scalar, lower, 0, scope)
    most = _read_bound(context, scalar, upper, len(lower) + 2, scope)
    if least is not None and most is not None and bounds(subtract(most, least)).misses(POSITIVE):
        context.fault(scalar.place, f"the empty support {quote(text)}", "lower..upper, as 0..1")
    return Interval(least, most) if len(context.faults) == before else None


def _read_bound(
    context: Context, scalar: Scalar, text: str, offset: int, scope: dict[str, Entity]
) -> Term | None:
    """An expression, or None for an infinite bound."""
    place: Place = scalar.at(offset)
    bare = text.replace(" ", "")
    if bare in ("oo", "+oo", "-oo"):
        if (bare == "-oo") != (offset == 0):
            context.fault(place, f"the bound {quote(bare)}", "-oo..oo, 1..oo or -oo..0")
        return None

    def report(fault: TextFault) -> None:
        context.fault(scalar.at(offset + fault.at), fault.found, fault.expected, fault.hint)

    try:
        syntax = parse_expression(text)
    except TextError as error:
        report(error.fault)
        return None
    return Resolver(text, scope, report).scalar(syntax, {})
