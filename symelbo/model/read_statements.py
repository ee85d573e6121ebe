"""Parsed statements -> resolved statements and definitions, parents first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from symelbo.errors import Place
from symelbo.families.density import Density
from symelbo.families.family import Argument, Family, Form
from symelbo.index.build import extent_length
from symelbo.index.domains import Category
from symelbo.index.signs import is_positive
from symelbo.index.substitute import free_indices, replace_symbols, symbols_of
from symelbo.index.terms import (
    Array,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Offset,
    Position,
    Role,
    Symbol,
)
from symelbo.language.density import resolve_density
from symelbo.language.fault import TextError, quote, suggest
from symelbo.language.measure import measure
from symelbo.language.parse import parse_statement
from symelbo.language.resolve import (
    Broken,
    Deterministic,
    Loops,
    Reach,
    Resolver,
    array_shape,
    is_sound,
    is_tainted,
)
from symelbo.language.syntax import (
    ArgumentSyntax,
    Assignment,
    Expression,
    NameSyntax,
    Sampling,
    StatementSyntax,
    SubscriptSyntax,
    names_used,
)
from symelbo.model.check_domain import check_argument, check_bound
from symelbo.model.context import Context
from symelbo.model.model import Condition, Statement
from symelbo.model.read_yaml import MappingNode, Node, Scalar, Sequence

__all__ = ["Parsed", "bind_call", "parse_statements", "resolve_model", "target_places"]

MAX_STATEMENTS: Final = 500
MAX_OPERATIONS: Final = 20_000  # of one statement, deterministic quantities written out
MAX_HEIGHT: Final = 200

# A support up to 1 -> the same by its own name.

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
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement's text and its syntax tree."""

    scalar: Scalar
    syntax: StatementSyntax

    @property
    def place(self) -> Place:
        return self.scalar.at(self.syntax.at)


def parse_statements(context: Context, node: Node, key: str) -> list[Parsed]:
    """The list under `model` or `variational` -> its statements that parse."""
    if isinstance(node, Scalar) and not node.text:
        context.fault(node.place, f"nothing under `{key}`", "a list of statements, each after `- `")
        return []
    if not isinstance(node, Sequence):
        context.fault(
            node.place,
            f"{'a mapping' if isinstance(node, MappingNode) else quote(node.text)} under `{key}`",
            "a list of statements",
            "begin each with `- `, as in `- z[h] ~ Normal(0, 1) for h in 1:H`",
        )
        return []
    if len(node.items) > MAX_STATEMENTS:
        context.fault(
            node.place, f"{len(node.items):,} statements", f"at most {MAX_STATEMENTS}", ""
        )
        return []
    result: list[Parsed] = []
    for item in node.items:
        if not isinstance(item, Scalar):
            hint = "put the statement in quotes"
            if isinstance(item, MappingNode):
                hint = "write ranges without a space, as in 1:H, or put the statement in quotes"
            found = "a mapping" if isinstance(item, MappingNode) else "a list"
            context.fault(item.place, f"{found} where a statement belongs", "one text", hint)
            continue
        context.spend(item)
        try:
            result.append(Parsed(item, parse_statement(item.text)))
        except TextError as error:
            context.reporter(item)(error.fault)
    return result


def resolve_model(
    context: Context, parsed: list[Parsed], observed: Iterable[str]
) -> tuple[Statement, ...]:
    """Every statement of the model, parents first; faults go to the context."""
    groups = _declare_targets(context, parsed)
    data = frozenset(observed)
    statements: list[Statement] = []
    for name in _in_order(context, groups):
        group = groups[name]
        first = group[0].syntax
        if isinstance(first, Assignment):
            _define(context, group[0], first)
        else:
            statements.extend(_sample(context, name, group, name in data))
    return tuple(statements)


# -- names and order


def _declare_targets(context: Context, parsed: list[Parsed]) -> dict[str, list[Parsed]]:
    """Statements by the name they define; several only for the parts of one random array."""
    groups: dict[str, list[Parsed]] = {}
    for item in parsed:
        name = item.syntax.target
        group = groups.get(name)
        parts = group and all(isinstance(p.syntax, Sampling) for p in (*group, item))
        if group and parts and item.syntax.indices:
            group.append(item)
            continue
        what = "a node" if isinstance(item.syntax, Sampling) else "a deterministic quantity"
        if context.declare(name, what, item.place):
            groups[name] = [item]
    # until it is resolved, a name is known but has no meaning
    for name in groups:
        context.names[name] = Broken()
    return groups


def _expressions(syntax: StatementSyntax) -> Iterator[Expression]:
    if isinstance(syntax, Assignment):
        yield syntax.body
    else:
        for argument in syntax.arguments:
            yield argument.value


def _mentions(syntax: StatementSyntax) -> set[str]:
    return {name for node in _expressions(syntax) for name in names_used(node)}


def _in_order(context: Context, groups: dict[str, list[Parsed]]) -> list[str]:
    """Names, parents first and else in the order of the file; cycles are reported and come last."""
    parents: dict[str, list[str]] = {}
    for name, group in groups.items():
        used = set().union(*(_mentions(item.syntax) for item in group))
        if isinstance(group[0].syntax, Sampling):
            used.discard(name)  # z[t-1] in z[t]: judged where the indices are known
        parents[name] = [parent for parent in groups if parent in used]
    children: dict[str, list[str]] = {name: [] for name in groups}
    for name, above in parents.items():
        for parent in above:
            children[parent].append(name)
    waiting = {name: len(above) for name, above in parents.items()}
    import heapq

    rank = {name: n for n, name in enumerate(groups)}
    ready = [rank[name] for name, count in waiting.items() if not count]
    names = list(groups)
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for child in children[name]:
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(ready, rank[child])
    done = set(order)
    left = [name for name in names if name not in done]
    _report_cycles(context, groups, parents, left)
    return order + left


def _report_cycles(
    context: Context,
    groups: dict[str, list[Parsed]],
    parents: dict[str, list[str]],
    left: list[str],
) -> None:
    """Every name left over has a parent left over, so walking up must come round."""
    pending = set(left)
    settled: set[str] = set()
    for start in left:
        path: list[str] = []
        name = start
        while name not in settled and name not in path:
            path.append(name)
            name = next(parent for parent in parents[name] if parent in pending)
        if name in path:
            cycle = [*path[path.index(name) :], name]
            cycle.reverse()  # in the direction of influence, parent -> child
            top = min(cycle, key=left.index)
            turn = cycle.index(top)
            cycle = [*cycle[turn:-1], *cycle[:turn], top]
            context.fault(
                groups[top][0].place,
                f"the cycle {' -> '.join(cycle)}",
                "every node to depend on earlier ones only",
                "only an array may refer to earlier places of itself: "
                "`z[t] ~ ... z[t-1] ... for t in 2:T`",
            )
        settled.update(path)


# -- the left-hand side


def target_places(
    context: Context, item: Parsed, resolver: Resolver
) -> tuple[Loops, tuple[IndexTerm, ...] | None]:
    """`z[t, d]` with `for t in 2:T, d in 1:D` -> loop variables and left-hand indices.

    The indices are None after a fault; the loop variables then serve to find faults further right.
    Every loop variable stands on the left exactly once, in the order of the ranges.
    """
    syntax = item.syntax
    loops = resolver.ranges(syntax.ranges, {})
    sound = is_sound(loops)
    places: list[IndexTerm] = []
    used: list[str] = []
    for node in syntax.indices:
        place = resolver.index(node, loops)
        match place:
            case None:
                sound = False
                continue
            case Index(name):
                used.append(name)
            case Offset(Index(name), _):
                used.append(name)
            case Position(Extent(None, _)):
                pass
            case _:
                context.fault(
                    item.scalar.at(node.at),
                    f"the index {quote(item.scalar.text[node.at : node.end])} left of the "
                    f"{'=' if isinstance(syntax, Assignment) else '~'}",
                    "a variable of the `for`, or an integer",
                )
                sound = False
                continue
        places.append(place)
    if not sound:
        return loops, None
    wanted = list(loops)
    if used != wanted:
        missing = [name for name in wanted if name not in used]
        left = f"{syntax.target}[{', '.join(wanted)}]" if wanted else syntax.target
        found = f"the indices {', '.join(used)} of {quote(syntax.target)}"
        if missing:
            found = f"no index {quote(missing[0])} on {quote(syntax.target)}"
        context.fault(
            item.place,
            found,
            "the variables of the `for`, each once and in the same order",
            f"write {quote(left)}",
        )
        return loops, None
    return loops, tuple(places)


def _plate_shape(
    context: Context, name: str, group: list[tuple[Parsed, tuple[Reach, ...]]]
) -> tuple[Extent, ...] | None:
    """The extents of a node from the places its statements cover, evidently without overlap."""
    first, reaches = group[0]
    ranks = {len(reach) for _, reach in group}
    if len(ranks) > 1:
        odd = next(item for item, reach in group if len(reach) != len(reaches))
        context.fault(
            odd.place,
            f"the name {quote(name)} a second time, with another number of indices",
            "each name once",
            f"it is a node {context.where(first.place)}",
        )
        return None
    shape: list[Extent] = []
    parted = 0
    for axis in range(len(reaches)):
        parts = {(reach[axis].low, reach[axis].high): item for item, reach in group}
        if len(parts) == 1:
            if reaches[axis].low != 1:
                low = reaches[axis].low
                context.fault(
                    first.place,
                    f"{quote(name)} from place {low} on",
                    "places from 1 on",
                    f"give its first places a statement too, as `{name}[1] ~ ...`"
                    if low and low > 1
                    else "places are counted from 1",
                )
                return None
            shape.append(reaches[axis].high)
            continue
        parted += 1
        end = 0  # the last place covered so far
        ordered = sorted(parts.items(), key=lambda part: (part[0][0] or 0, part[0][1].size or ""))
        for n, ((low, high), item) in enumerate(ordered):
            last = n == len(ordered) - 1
            if low != end + 1 or (high.size is not None and not last):
                context.fault(
                    item.place,
                    f"the name {quote(name)} a second time, at places that overlap or leave a gap",
                    "each name once, or parts that meet: `z[1] ~ ...` and "
                    "`z[t] ~ ... for t in 2:T`",
                    f"it is a node {context.where(first.place)}",
                )
                return None
            end = high.offset
        shape.append(ordered[-1][0][1])
    if len(group) > 1 and parted != 1:
        second = group[1][0]
        context.fault(
            second.place,
            f"the name {quote(name)} a second time, for a node",
            "each name once",
            f"it is a node {context.where(first.place)}",
        )
        return None
    return tuple(shape)


# -- deterministic quantities


def _define(context: Context, item: Parsed, syntax: Assignment) -> None:
    """Let the name of a deterministic quantity stand for its array; broken after a fault."""
    before = len(context.faults)
    resolver = context.resolver(item.scalar)
    loops, places = target_places(context, item, resolver)
    body = resolver.scalar(syntax.body, loops)
    if places is None:
        return
    indices = tuple(place for place in places if isinstance(place, Index) and place.low == 1)
    if len(indices) != len(places):
        context.fault(
            item.place,
            f"{quote(syntax.target)} at some places only",
            "a deterministic quantity for all places, as in `a[k] = ... for k in 1:K`",
        )
        return
    array = Array(indices, body)
    if len(context.faults) == before and not is_tainted(array) and _fits(context, item, [array]):
        context.names[syntax.target] = Deterministic(array, measure(array, context.measures)[0])


def _fits(context: Context, item: Parsed, arrays: Iterable[Array]) -> bool:
    """Whether a statement stays of a size that can be worked on."""
    for array in arrays:
        size, height = measure(array, context.measures)
        if size > MAX_OPERATIONS or height > MAX_HEIGHT:
            context.fault(
                item.place,
                f"{quote(item.syntax.target)}, which has {size:,} operations, nested {height} "
                "deep, when the deterministic quantities are written out",
                f"at most {MAX_OPERATIONS:,}, nested at most {MAX_HEIGHT} deep",
            )
            return False
    return True


# -- random nodes


@dataclass(frozen=True, slots=True)
class Call:
    """A family with its actual arguments."""

    family: Family
    form: Form
    arguments: tuple[tuple[str, Array], ...]
    extents: tuple[tuple[str, Extent], ...]
    density: Density
    conditions: tuple[Condition, ...] = ()

    @property
    def event(self) -> tuple[Extent, ...]:
        bound = dict(self.extents)
        return tuple(bound[name] for name in self.family.shape)

    @property
    def domain(self) -> Domain:
        if self.family.support.is_place:
            return Category(extent_length(dict(self.extents)["K"]))
        return _actual_support(self.family.support, dict(self.arguments))


def _actual_support(support: Domain, arguments: Mapping[str, Array]) -> Domain:
    """The support with the statement's arguments in its bounds; wider where these vary by place."""
    bounds = [support.lower, support.upper]
    for number, bound in enumerate(bounds):
        if bound is None:
            continue
        formal = {s: arguments[s.name] for s in symbols_of(bound) if s.name in arguments}
        actual = replace_symbols(bound, formal)
        if free_indices(actual):
            return support.without_ends(number == 0 and is_positive(actual))
        bounds[number] = actual
    return support.with_ends(*bounds)


def _sample(
    context: Context, name: str, group: list[Parsed], observed: bool
) -> Iterator[Statement]:
    lefts: list[tuple[Parsed, Loops, tuple[IndexTerm, ...], Resolver]] = []
    for item in group:
        resolver = context.resolver(item.scalar)
        loops, places = target_places(context, item, resolver)
        if places is not None:
            lefts.append((item, loops, places, resolver))
        elif isinstance(item.syntax, Sampling):
            bind_call(context, item, item.syntax, resolver, loops)  # for its own faults
    if len(lefts) != len(group):
        return
    reached: list[tuple[Parsed, tuple[Reach, ...]]] = []
    for item, _, places, resolver in lefts:
        reaches = [resolver.reach(place) for place in places]
        reached.append((item, tuple(reach for reach in reaches if reach is not None)))
    plates = _plate_shape(context, name, reached)

    # A statement that does not refer to its own node says what the node's entries are.
    lefts.sort(key=lambda left: name in _mentions(left[0].syntax))
    if name in _mentions(lefts[0][0].syntax):
        if plates is not None:
            _self_fault(context, lefts[0][0], name)
        return
    role = Role.OBSERVED if observed else Role.LATENT
    node: Symbol | None = None
    results: list[tuple[int, Statement]] = []
    for item, loops, places, resolver in lefts:
        assert isinstance(item.syntax, Sampling)
        before = len(context.faults)
        call = bind_call(context, item, item.syntax, resolver, loops)
        if call is None or plates is None or len(context.faults) > before:
            continue
        this = Symbol(name, role, call.domain, (*plates, *call.event))
        if node is None:
            node = this
            context.names[name] = node
        elif this.shape != node.shape or this.domain != node.domain:
            context.fault(
                item.scalar.at(item.syntax.family_at),
                f"{quote(name)} from another kind of family than in its first statement",
                "the same values and the same shape in every part",
            )
            continue
        arrays = [array for _, array in call.arguments]
        if not _fits(context, item, arrays) or not _looks_back(context, item, node, places, arrays):
            continue
        statement = Statement(
            node=node,
            plates=tuple(loops.values()),
            family=call.family,
            form=call.form,
            arguments=call.arguments,
            extents=call.extents,
            density=call.density,
            place=item.place,
            places=places,
            conditions=call.conditions,
        )
        results.append((group.index(item), statement))
    yield from (statement for _, statement in sorted(results, key=lambda pair: pair[0]))


def _self_fault(context: Context, item: Parsed, name: str) -> None:
    context.fault(
        item.place,
        f"the cycle {name} -> {name}",
        "every node to depend on earlier ones only",
        f"a chain needs a start: `{name}[1] ~ ...` and "
        f"`{name}[t] ~ ... {name}[t-1] ... for t in 2:T`",
    )


def _looks_back(
    context: Context,
    item: Parsed,
    node: Symbol,
    places: tuple[IndexTerm, ...],
    arrays: Iterable[Array],
) -> bool:
    """z[t] may depend on z[t-1]: one index strictly earlier, in every reference to itself."""
    for entry in _entries(arrays, node):
        earlier = any(
            _is_earlier(there, here) for there, here in zip(entry.indices, places, strict=False)
        )
        if not earlier:
            _self_fault(context, item, node.name)
            return False
    return True


def _is_earlier(there: IndexTerm, here: IndexTerm) -> bool:
    def split(place: IndexTerm) -> tuple[object, int]:
        match place:
            case Offset(index, by):
                return index, by
            case Position(extent):
                return extent.size, extent.offset
        return place, 0

    base, by = split(there)
    other, shift = split(here)
    return base == other and by < shift


def _entries(arrays: Iterable[Array], node: Symbol) -> Iterator[Entry]:
    """Every entry of a symbol in some terms, index places included."""
    from dataclasses import fields

    stack: list[object] = list(arrays)
    while stack:
        item = stack.pop()
        if isinstance(item, Entry) and item.symbol == node:
            yield item
        if isinstance(item, tuple):
            stack.extend(item)
        elif hasattr(item, "__dataclass_fields__") and not isinstance(item, Symbol | Extent):
            stack.extend(getattr(item, field.name) for field in fields(item))  # type: ignore[arg-type]


# -- families and their arguments


def bind_call(
    context: Context,
    item: Parsed,
    syntax: Sampling,
    resolver: Resolver,
    loops: Loops,
    about: tuple[tuple[Extent, ...], Extent | None] | None = None,
) -> Call | None:
    """`Normal(mean, precision=p)` -> the family, its form and the actual arguments.

    `about`: event shape and number of categories of the node that a statement of q is about.
    """
    family = context.family(syntax.family)
    if family is None and syntax.family in context.broken_families:
        return None
    if family is None:
        names = context.family_names()
        alias = _ALIASES.get(syntax.family, "")
        close = suggest(syntax.family, [*names, *_ALIASES])
        for other, name in _ALIASES.items():
            close = close.replace(f"`{other}`", f"`{name}`")
        hint = f"did you mean `{alias}`?" if alias in names else close
        context.fault(
            item.scalar.at(syntax.family_at),
            f"unknown family {quote(syntax.family)}",
            "a family of the language or of `families`",
            hint or f"known: {', '.join(sorted(names))}",
        )
        # its arguments may hold faults of their own
        for argument in syntax.arguments:
            resolver.array(argument.value, loops)
        return None
    chosen = _choose_form(context, item, syntax, family)
    if chosen is None:
        for argument in syntax.arguments:
            resolver.array(argument.value, loops)
        return None
    form, values = chosen
    extents: dict[str, Extent] = {}
    if about is not None:
        event, categories = about
        extents.update(zip(family.shape, event, strict=False))
        if family.support.is_place and categories is not None:
            extents["K"] = categories
    own = context.own.get(family.name)
    if own is not None:
        extents.update(own.extents)  # sizes of the model, not free
    arguments: list[tuple[str, Array]] = []
    before = len(context.conditions)
    for formal, value in zip(form.arguments, values, strict=True):
        array = _argument(context, item, family, formal, value, resolver, loops, extents)
        if array is not None:
            check_argument(context, item.scalar, syntax, family, formal, value, array)
            arguments.append((formal.name, array))
    for formal, value, (_, array) in zip(form.arguments, values, arguments, strict=False):
        if formal.above is not None and formal.above[0] in extents:
            extent, by = extents[formal.above[0]], formal.above[1]
            limit = Extent(extent.size, extent.offset + by)
            check_bound(context, item.scalar, syntax, family, formal, value, array, limit)
    unbound = {name for formal in form.arguments for name in formal.shape} - set(extents)
    unbound |= set(family.shape) - set(extents)
    if len(arguments) != len(form.arguments) or unbound:
        return None
    conditions = tuple(context.conditions[before:])
    density = resolve_density(family, form, extents) if own is None else own.density
    return Call(family, form, tuple(arguments), tuple(extents.items()), density, conditions)


def _choose_form(
    context: Context, item: Parsed, syntax: Sampling, family: Family
) -> tuple[Form, tuple[ArgumentSyntax, ...]] | None:
    """The form that the names select, and its arguments in order."""
    forms = family.forms
    usage = " or ".join(
        f"`{family.name}({', '.join(a.name for a in form.arguments)})`" for form in forms
    )
    given = syntax.arguments
    named: dict[str, ArgumentSyntax] = {}
    positional: list[ArgumentSyntax] = []
    known = {argument.name for form in forms for argument in form.arguments}
    for argument in given:
        place = item.scalar.at(argument.at)
        if argument.name is None:
            if named:
                context.fault(
                    place, "an argument without a name after one with a name", "its name", usage
                )
                return None
            positional.append(argument)
        elif argument.name not in known:
            context.fault(
                place,
                f"unknown argument {quote(argument.name)} of {family.name}",
                usage,
                suggest(argument.name, known),
            )
            return None
        elif argument.name in named:
            context.fault(place, f"the argument {quote(argument.name)} a second time", "one value")
            return None
        else:
            named[argument.name] = argument
    for form in forms if named else forms[:1]:
        names = [argument.name for argument in form.arguments]
        rest = names[len(positional) :]
        if len(given) == len(names) and set(rest) == set(named):
            return form, (*positional, *(named[name] for name in rest))
    numbers = sorted({len(form.arguments) for form in forms})
    found = f"{len(given)} argument{'' if len(given) == 1 else 's'} of {family.name}"
    if len(given) in numbers and named:
        shown = [*("_" for _ in positional), *named]
        found = f"the arguments ({', '.join(shown)}) of {family.name}"
    at = syntax.family_at
    if len(given) > max(numbers):
        at = given[max(numbers)].at
    context.fault(item.scalar.at(at), found, usage)
    return None


def _argument(
    context: Context,
    item: Parsed,
    family: Family,
    formal: Argument,
    value: ArgumentSyntax,
    resolver: Resolver,
    loops: Loops,
    extents: dict[str, Extent],
) -> Array | None:
    """One actual argument, its shape checked against (or binding) the formal extents."""
    if not formal.shape:
        before = len(context.faults)
        term = resolver.scalar(value.value, loops)
        return Array((), term) if len(context.faults) == before else None
    array = resolver.array(value.value, loops)
    if array is None:
        return None
    shape = array_shape(array)
    source = item.scalar.text[value.value.at : value.value.end]
    kind = "a vector" if len(formal.shape) == 1 else "a matrix"
    place = item.scalar.at(value.value.at)
    if len(shape) != len(formal.shape):
        hint = f"name an array there, or one of its rows: {_array_hint(len(formal.shape))}"
        if not shape and not isinstance(value.value, NameSyntax | SubscriptSyntax):
            hint = (
                "define it first, as in `a[d] = ... for d in 1:D`, and write `a`; "
                "a number does not stretch to an array"
            )
        found = "a number" if not shape else f"an array of {len(shape)} indices"
        context.fault(
            place, f"{quote(source)}, {found}, as {formal.name} of {family.name}", kind, hint
        )
        return None
    for name, extent in zip(formal.shape, shape, strict=True):
        known = extents.setdefault(name, extent)
        if known != extent:
            context.fault(
                place,
                f"{quote(source)} of length {extent} as {formal.name} of {family.name}",
                f"the length {known}",
            )
            return None
    return array


def _array_hint(rank: int) -> str:
    return "`mu` or `mu[c]`" if rank == 1 else "`Sigma` or `Sigma[c]`"
