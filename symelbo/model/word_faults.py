"""What is said of a faulty statement: what was found, what belongs there, what was meant.

One function for each mistake that the readers of statements can find; none decides anything.
"""

from __future__ import annotations

from typing import Final

from symelbo.families.family import Argument, Family
from symelbo.families.registry import FAMILIES
from symelbo.index.terms import Extent
from symelbo.language.fault import quote, suggest
from symelbo.language.syntax import (
    ArgumentSyntax,
    Assignment,
    Expression,
    NameSyntax,
    Sampling,
    SubscriptSyntax,
)
from symelbo.model.context import Context, Parsed
from symelbo.model.order_places import PlaceCycle
from symelbo.model.read_yaml import MappingNode, Node, Scalar, Sequence
from symelbo.words import join_words

__all__ = [
    "argument_without_name",
    "cycle",
    "late_first_place",
    "no_form",
    "no_left_index",
    "no_statement",
    "no_statements",
    "other_argument_rank",
    "other_kind",
    "other_left_indices",
    "other_length",
    "other_rank",
    "own_cycle",
    "parts_that_do_not_meet",
    "place_cycle",
    "quantity_of_itself",
    "second_argument",
    "second_statement",
    "split_statement",
    "too_large",
    "too_many_statements",
    "unknown_argument",
    "unknown_family",
]

# What people coming from elsewhere write.
_ALIASES: Final = {
    "Gaussian": "Normal",
    "N": "Normal",
    "normal": "Normal",
    "MultivariateNormal": "MvNormal",
    "multi_normal": "MvNormal",
    "Exp": "Exponential",
    "Multi": "Multinomial",
    "Discrete": "Categorical",
    "Cat": "Categorical",
    "Chi2": "ChiSquared",
    "InvGamma": "InverseGamma",
    "Wald": "InverseGaussian",
    "dnorm": "Normal",
    "dmnorm": "MvNormal",
    "dbern": "Bernoulli",
    "dbin": "Binomial",
    "dpois": "Poisson",
    "dexp": "Exponential",
    "dgamma": "Gamma",
    "dbeta": "Beta",
    "dcat": "Categorical",
    "dmulti": "Multinomial",
    "ddirch": "Dirichlet",
    "dlnorm": "LogNormal",
    "dweib": "Weibull",
    "dpar": "Pareto",
    "dnegbin": "NegativeBinomial",
    "dchisqr": "ChiSquared",
    "dwish": "Wishart",
    "ddexp": "Laplace",
    "double_exponential": "Laplace",
}
# The arguments by which a spread is given elsewhere.
_DEVIATIONS: Final = ("std", "sd", "sigma", "stddev", "scale", "standard_deviation")


def _source(item: Parsed, node: Expression) -> str:
    return quote(item.scalar.text[node.at : node.end])


# -- the list of statements


def no_statements(context: Context, node: Node, key: str) -> None:
    """Something that is no list under `model` or `variational`."""
    if isinstance(node, Scalar) and not node.text:
        context.fault(node.place, f"nothing under `{key}`", "a list of statements, each after `- `")
        return
    found = quote(node.text) if isinstance(node, Scalar) else "a mapping"
    context.fault(
        node.place,
        f"{found} under `{key}`",
        "a list of statements",
        "begin each with `- `, as in `- z[h] ~ Normal(0, 1) for h in 1:H`",
    )


def too_many_statements(context: Context, node: Sequence, most: int) -> None:
    """A list longer than any model."""
    context.fault(node.place, f"{len(node.items):,} statements", f"at most {most}")


def no_statement(context: Context, node: Node) -> None:
    """A list or a mapping where a statement belongs."""
    found, hint = "a list", "put the statement in quotes"
    if isinstance(node, MappingNode):
        found = "a mapping"
        hint = "write ranges without a space, as in 1:H, or put the statement in quotes"
    context.fault(node.place, f"{found} where a statement belongs", "one text", hint)


def split_statement(context: Context, item: Scalar) -> None:
    """[x ~ Normal(0, 1)]: in YAML a list of `x ~ Normal(0` and `1)`."""
    context.fault(
        item.place,
        f"{quote(item.text)}, which YAML has split at a comma",
        "one text",
        "begin each statement with `- ` on a line of its own, or put it in quotes",
    )


# -- cycles


_ORDER: Final = "every node to depend on earlier ones only"


def cycle(context: Context, item: Parsed, names: list[str], chain: str) -> None:
    """Names that need each other, in the direction of influence; `item` defines the first.

    chain: an array among them, which may be given a start.
    """
    hint = (
        "only an array may refer to earlier places of itself: `z[t] ~ ... z[t-1] ... for t in 2:T`"
    )
    if chain and len(names) > 2:
        hint = (
            f"a chain needs a start that mentions none of them: `{chain}[1] ~ ...` and "
            f"`{chain}[t] ~ ... for t in 2:T`"
        )
    context.fault(item.place, f"the cycle {' -> '.join(names)}", _ORDER, hint)


def own_cycle(context: Context, item: Parsed, name: str) -> None:
    """A random array that has no statement without reference to itself."""
    context.fault(
        item.place,
        f"the cycle {name} -> {name}",
        _ORDER,
        f"a chain needs a start: `{name}[1] ~ ...` and "
        f"`{name}[t] ~ ... {name}[t-1] ... for t in 2:T`",
    )


def quantity_of_itself(context: Context, item: Parsed, name: str) -> None:
    """A deterministic quantity on both sides of its statements."""
    context.fault(
        item.place,
        f"the cycle {name} -> {name}",
        _ORDER,
        "a deterministic quantity cannot refer to itself, nor to other places of itself: "
        "write these out, or give them names of their own",
    )


def place_cycle(context: Context, found: PlaceCycle) -> None:
    """Places of arrays that depend on each other, at some sizes or as far as was seen."""
    names = list(dict.fromkeys(quote(s.node.name) for s in found.statements))
    shown = f"the cycle {' -> '.join(found.path)}"
    if not found.path:
        shown = f"places of {join_words(names)} that refer to each other in no order that was found"
    is_array = any(statement.places for statement in found.statements)
    context.fault(
        found.statements[0].place,
        shown,
        "every place to depend on earlier ones only",
        "a place may refer to those of other statements, and along one index to earlier ones: "
        "`z[t] ~ ... z[t-1] ... for t in 2:T`"
        if is_array
        else "",
    )


# -- the left-hand side


def no_left_index(context: Context, item: Parsed, node: Expression) -> None:
    """A size, a category or a shifted one as an index on the left."""
    sign = "=" if isinstance(item.syntax, Assignment) else "~"
    context.fault(
        item.scalar.at(node.at),
        f"the index {_source(item, node)} left of the {sign}",
        "a variable of the `for`, or an integer" + (", or a size" if sign == "~" else ""),
    )


def other_left_indices(context: Context, item: Parsed, used: list[str], wanted: list[str]) -> None:
    """Loop variables that are not on the left, or in another order."""
    target = item.syntax.target
    missing = [name for name in wanted if name not in used]
    found = f"the indices {', '.join(used)} of {quote(target)}"
    if missing:
        found = f"no index {quote(missing[0])} on {quote(target)}"
    left = f"{target}[{', '.join(wanted)}]" if wanted else target
    context.fault(
        item.place,
        found,
        "the variables of the `for`, each once and in the same order",
        f"write {quote(left)}",
    )


def _second(
    context: Context, name: str, item: Parsed, first: Parsed, what: str, how: str, wanted: str
) -> None:
    context.fault(
        item.place,
        f"the name {quote(name)} a second time, {how}",
        wanted,
        f"it is {what} {context.where(first.place)}",
    )


def other_rank(context: Context, name: str, item: Parsed, first: Parsed, what: str) -> None:
    """z[1] and z[1, 2] on the left of two statements."""
    _second(context, name, item, first, what, "with another number of indices", "each name once")


def parts_that_do_not_meet(
    context: Context, name: str, item: Parsed, first: Parsed, what: str
) -> None:
    """z[1] and z[3]; z[1:H] and z[1]."""
    sign = "=" if isinstance(item.syntax, Assignment) else "~"
    wanted = (
        f"each name once, or parts that meet: `z[1] {sign} ...` and `z[t] {sign} ... for t in 2:T`"
    )
    _second(context, name, item, first, what, "at places that overlap or leave a gap", wanted)


def second_statement(context: Context, name: str, item: Parsed, first: Parsed, what: str) -> None:
    """Two statements of the same places, or parts along two axes."""
    _second(context, name, item, first, what, f"for {what}", "each name once")


def late_first_place(context: Context, name: str, first: Parsed, low: int | None) -> None:
    """z[2], and no z[1]."""
    context.fault(
        first.place,
        f"{quote(name)} from place {low} on",
        "places from 1 on",
        f"give its first places a statement too, as `{name}[1] ~ ...`"
        if low and low > 1
        else "places are counted from 1",
    )


# -- deterministic quantities, random nodes


def too_large(
    context: Context, item: Parsed, size: int, height: int, most: int, highest: int
) -> None:
    """A statement of more operations, or nested deeper, than can be worked on."""
    shown = f"{size:,}" if size <= most else f"more than {most:,}"
    context.fault(
        item.place,
        f"{quote(item.syntax.target)}, which has {shown} operations, nested {height} "
        "deep, when the deterministic quantities are written out",
        f"at most {most:,}, nested at most {highest} deep",
    )


def other_kind(context: Context, item: Parsed, syntax: Sampling) -> None:
    """The parts of one array from families of other values or shapes."""
    context.fault(
        item.scalar.at(syntax.family_at),
        f"{quote(syntax.target)} from another kind of family than in its first statement",
        "the same values and the same shape in every part",
    )


# -- families and their arguments


def unknown_family(context: Context, item: Parsed, syntax: Sampling) -> None:
    """A family that is neither built in nor declared."""
    names = context.family_names()
    alias = _ALIASES.get(syntax.family, "")
    close = suggest(syntax.family, [*names, *_ALIASES])
    for other, name in _ALIASES.items():
        close = close.replace(f"`{other}`", f"`{name}`")
    # other languages have other arguments: the second of a normal is its variance here
    hint = f"did you mean {_usage(FAMILIES[alias])}?" if alias in FAMILIES else close
    context.fault(
        item.scalar.at(syntax.family_at),
        f"unknown family {quote(syntax.family)}",
        "a family of the language or of `families`",
        hint or f"known: {', '.join(sorted(names))}",
    )


def _usage(family: Family) -> str:
    return " or ".join(
        f"`{family.name}({', '.join(a.name for a in form.arguments)})`" for form in family.forms
    )


def argument_without_name(
    context: Context, item: Parsed, family: Family, argument: ArgumentSyntax
) -> None:
    """Normal(mean=0, 1)"""
    found = "an argument without a name after one with a name"
    context.fault(item.scalar.at(argument.at), found, "its name", _usage(family))


def unknown_argument(
    context: Context, item: Parsed, family: Family, argument: ArgumentSyntax, name: str
) -> None:
    """Normal(0, sd=1)"""
    known = {argument.name for form in family.forms for argument in form.arguments}
    context.fault(
        item.scalar.at(argument.at),
        f"unknown argument {quote(name)} of {family.name}",
        _usage(family),
        f"write `variance={name}**2` for a standard deviation `{name}`"
        if name in _DEVIATIONS and "variance" in known
        else suggest(name, known),
    )


def second_argument(context: Context, item: Parsed, argument: ArgumentSyntax, name: str) -> None:
    """Normal(mean=0, mean=1)"""
    found = f"the argument {quote(name)} a second time"
    context.fault(item.scalar.at(argument.at), found, "one value")


def no_form(
    context: Context, item: Parsed, syntax: Sampling, family: Family, shown: list[str]
) -> None:
    """Arguments that no form of the family has together; `shown`: their names, or _."""
    given = syntax.arguments
    numbers = sorted({len(form.arguments) for form in family.forms})
    found = f"{len(given)} argument{'' if len(given) == 1 else 's'} of {family.name}"
    if len(given) in numbers and any(argument.name is not None for argument in given):
        found = f"the arguments ({', '.join(shown)}) of {family.name}"
    at = syntax.family_at
    if len(given) > max(numbers):
        at = given[max(numbers)].at
    context.fault(item.scalar.at(at), found, _usage(family))


def other_argument_rank(
    context: Context,
    item: Parsed,
    family: Family,
    formal: Argument,
    value: ArgumentSyntax,
    rank: int,
) -> None:
    """A number where a vector belongs, a matrix where a vector belongs."""
    vector = len(formal.shape) == 1
    arrays = "`mu` or `mu[c]`" if vector else "`Sigma` or `Sigma[c]`"
    hint = f"name an array there, or one of its rows: {arrays}"
    if not rank and not isinstance(value.value, NameSyntax | SubscriptSyntax):
        hint = (
            "define it first, as in `a[d] = ... for d in 1:D`, and write `a`; "
            "a number does not stretch to an array"
        )
    found = f"an array of {rank} indices" if rank else "a number"
    context.fault(
        item.scalar.at(value.value.at),
        f"{_source(item, value.value)}, {found}, as {formal.name} of {family.name}",
        "a vector" if vector else "a matrix",
        hint,
    )


def other_length(
    context: Context,
    item: Parsed,
    family: Family,
    formal: Argument,
    value: ArgumentSyntax,
    extent: Extent,
    known: Extent,
) -> None:
    """Arguments whose lengths do not agree."""
    context.fault(
        item.scalar.at(value.value.at),
        f"{_source(item, value.value)} of length {extent} as {formal.name} of {family.name}",
        f"the length {known}",
    )
