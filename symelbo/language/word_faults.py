"""What is said of a faulty expression: what was found, what belongs there, what was meant.

One method for each mistake that `resolve` can find; none decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Final

from symelbo.index.terms import Array, Entry, Extent, Index, IndexTerm, Offset, Role, Symbol, Term
from symelbo.language.fault import TextFault, quote, suggest
from symelbo.language.scope import (
    DENSITY_FUNCTIONS,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    Deterministic,
    Entity,
    Loops,
    Reach,
    SizeName,
    array_shape,
)
from symelbo.language.syntax import (
    AddSyntax,
    CallSyntax,
    Expression,
    MulSyntax,
    NameSyntax,
    PowerSyntax,
    RangeSyntax,
    SubscriptSyntax,
    names_used,
    parts_of,
)
from symelbo.words import fresh_name

__all__ = ["Wording", "shape_text"]

# Functions that people coming from elsewhere write, and how they are written here.
_ELSEWHERE: Final = {
    "ln": "write `log(a)`",
    "pow": "write `a**b`",
    "square": "write `a**2`",
    "max": "write `(a + b + abs(a - b))/2` for max(a, b)",
    "min": "write `(a + b - abs(a - b))/2` for min(a, b)",
    "relu": "write `(a + abs(a))/2`, or `softplus(a)`, which is smooth",
    "logit": "write `log(p/(1 - p))`",
    "inv_logit": "write `sigmoid(a)`",
    "expit": "write `sigmoid(a)`",
    "logistic": "write `sigmoid(a)`",
    "log1p_exp": "write `softplus(a)`",
    "gammaln": "write `loggamma(a)`",
    "lgamma": "write `loggamma(a)`",
    "softmax": "write `Categorical(logits=a)`",
    "dot": "write `sum(a[d]*b[d] for d in 1:D)`",
    "matmul": "write `sum(W[d,h]*z[h] for h in 1:H)`",
    "mean": "write `sum(z[h] for h in 1:H)/H`",
    "prod": "write `exp(sum(log(a[h]) for h in 1:H))` for a product of positive numbers",
    "diag": "a diagonal covariance is `x[d] ~ Normal(mu[d], s[d]) for d in 1:D`",
    "eye": "a diagonal covariance is `x[d] ~ Normal(mu[d], s) for d in 1:D`",
    "delta": "a diagonal covariance is `x[d] ~ Normal(mu[d], s[d]) for d in 1:D`",
}


def shape_text(name: str, shape: Iterable[Extent]) -> str:
    """name, shape -> how to write an entry: `W[d, h]` for extents D, H."""
    taken: list[str] = []
    for extent in shape:
        base = (extent.size or "i").lower()
        while base in taken:
            base += "2"
        taken.append(base)
    return f"{name}[{', '.join(taken)}]" if taken else name


class Wording:
    """The faults of one text, as they are found; `count` says how many were reported.

    names: what is declared, for hints; density: whether the text is the log-density of a family.
    """

    def __init__(
        self,
        text: str,
        names: Mapping[str, Entity],
        report: Callable[[TextFault], None],
        *,
        density: bool,
    ) -> None:
        self._text = text
        self._names = names
        self._report = report
        self._density = density
        self.count = 0

    def source(self, node: Expression | RangeSyntax) -> str:
        """What was written there."""
        return self._text[node.at : node.end]

    def _quoted(self, node: Expression | RangeSyntax) -> str:
        return quote(self.source(node))

    def _fault(
        self, at: int, found: str, expected: str = "", hint: str = "", missing: str = ""
    ) -> None:
        self.count += 1
        self._report(TextFault(at, found, expected, hint, missing))

    # -- sizes, ranges

    def no_such_size(self, node: Expression) -> None:
        """A number that is no length: 0, 1/2."""
        expected = "a positive integer or the name of a size"
        self._fault(node.at, f"the size {self._quoted(node)}", expected)

    def no_size(self, node: Expression) -> None:
        """An expression that is neither a size nor a size shifted by an integer."""
        self._fault(
            node.at,
            f"the size {self._quoted(node)}",
            "the name of a size, a positive integer, or a size plus or minus an integer",
            "as in 1:H, 1:3 or 1:C-1",
        )

    def unknown_size(self, node: NameSyntax) -> None:
        """A name in the place of a size that is none, or that nobody declared."""
        name = node.name
        if name in self._names:
            self._fault(node.at, f"{quote(name)} is no size", "a name listed under `sizes`")
            return
        sizes = self._sizes()
        close = suggest(name, sizes)
        hint = close or f"declare it: `sizes: [{', '.join([*sizes, name][:9])}]`"
        found, missing = f"unknown size {quote(name)}", "" if close else name
        self._fault(node.at, found, "a name listed under `sizes`", hint, missing)

    def _sizes(self) -> list[str]:
        return [name for name, entity in self._names.items() if isinstance(entity, SizeName)]

    def taken_index_name(self, item: RangeSyntax) -> None:
        """A loop variable that is called like something declared."""
        self._fault(
            item.at,
            f"the index variable {quote(item.variable)} has the name of something declared",
            "a name of its own",
            "use another letter for the index",
        )

    def index_in_use(self, item: RangeSyntax) -> None:
        """A loop variable that is called like one further out."""
        self._fault(
            item.at,
            f"the index variable {quote(item.variable)} is already in use here",
            "a name of its own",
            "use another letter for the inner index",
        )

    def no_start(self, low: Expression) -> None:
        """A range that does not start at a positive integer."""
        self._fault(
            low.at,
            f"a range that starts at {self._quoted(low)}",
            "a positive integer",
            "places are counted from 1, as in `for h in 1:H`",
        )

    def range_of_an_index(
        self, end: Expression, variable: str, within: Index, of_itself: str
    ) -> None:
        """for s in 1:t-1; of_itself: the name of the statement, if places of it are summed."""
        whole = f"{within.low}:{within.extent}"
        hint = (
            f"take the whole range, with a constant array that is 0 outside of yours: declare "
            f'`constants: {{L: "real[{within.extent}, {within.extent}]"}}` and write '
            f"`sum(L[{variable},k]*... for k in {whole})`"
        )
        if of_itself:
            hint = (
                "name the earlier places one by one: a fixed number of them, as in "
                f"`{of_itself}[{variable}-1]` and `{of_itself}[{variable}-2]`, or, where the "
                "length is a number, all of them in a statement for every place: "
                f"`{of_itself}[1] ~ ...`, `{of_itself}[2] ~ ... {of_itself}[1] ...`"
            )
        self._fault(
            end.at,
            f"the end {self._quoted(end)} of a range, which depends on the index {quote(variable)}",
            "ends that are the same for every value of the other indices",
            hint,
        )

    def empty_range(self, low: Expression, start: object, high: Extent) -> None:
        """A range from beyond its end."""
        self._fault(low.at, f"the empty range {quote(f'{start}:{high}')}", "a place in it")

    def late_start(self, low: Expression, start: object, most: int) -> None:
        """A range that starts at an absurd number."""
        self._fault(low.at, f"a range that starts at {start}", f"at most {most}")

    # -- indices

    def no_place(self, node: Expression) -> None:
        """A number that counts no place: 0, 1/2."""
        expected = "a positive integer"
        self._fault(
            node.at, f"the index {self._quoted(node)}", expected, "places are counted from 1"
        )

    def no_index(self, node: Expression) -> None:
        """An expression that cannot stand in an index place."""
        self._fault(
            node.at,
            f"the index {self._quoted(node)}",
            "an index variable, an integer, a size (its last place), one of them plus or minus an "
            "integer, or a category",
        )

    def shifted_category(self, node: Expression) -> None:
        """c + 1 in an index place."""
        self._fault(
            node.at,
            f"the index {self._quoted(node)}",
            "a category by itself",
            "only index variables and sizes can be shifted",
        )

    def unknown_index(self, node: NameSyntax, loops: Loops) -> None:
        """A name in an index place that nobody declared."""
        name = node.name
        hint = suggest(name, [*loops, *self._names])
        if not hint:
            sizes = self._sizes()
            high = next((size for size in sizes if size == name.upper()), (*sizes, "3")[0])
            hint = f"give it a range: `for {name} in 1:{high}`"
        expected = "a variable of a `for`, or a size"
        self._fault(node.at, f"unknown index {quote(name)}", expected, hint)

    def selects_nothing(self, node: Expression, term: Term) -> None:
        """A term in an index place that is no category."""
        hint = "a node selects only if it is Categorical (values 1..C)"
        if isinstance(term, Entry) and term.symbol.domain.is_bit:
            bit = self.source(node)
            hint = f"choose by a bit as by a number: `mu[1]*(1 - {bit}) + mu[2]*{bit}`"
        elif isinstance(term, Entry) and term.symbol.role is Role.INPUT:
            hint = (
                "an input selects as one-hot numbers: declare `u: real[C]` under `inputs` and write"
                " `sum(mu[k]*u[k] for k in 1:C)`"
            )
        self._fault(
            node.at,
            f"{self._quoted(node)} as an index",
            "an index variable, an integer, a size or a category",
            hint,
        )

    def reaches_below(
        self, at: int, place: IndexTerm, low: int, first: int, extent: Extent, what: str, axis: int
    ) -> None:
        """An index that reaches a place before the first: 0, or what no statement defines."""
        hint = ""
        if isinstance(place, Index | Offset):
            index, by = (place.index, place.by) if isinstance(place, Offset) else (place, 0)
            start = first - by
            hint = f"start the range at {start}: `for {index.name} in {start}:{index.extent}`"
        where = _places_of(extent, what, axis, first)
        self._fault(at, f"an index that reaches {low}", where, hint)

    def no_whole(self, node: Expression, what: str, first: int) -> None:
        """All of a deterministic quantity that has no first place."""
        self._fault(
            node.at,
            f"all of {quote(what)}, which begins at place {first}",
            "an array whose places are counted from 1",
            f"give its first places a statement too, as `{what}[1] = ...`",
        )

    def reaches_beyond(
        self,
        at: int,
        place: IndexTerm,
        reach: Reach,
        first: int,
        extent: Extent,
        what: str,
        axis: int,
    ) -> None:
        """An index that may exceed the extent of its axis."""
        shown = f"an index that reaches {reach.high}"
        if isinstance(place, Index):
            shown = f"the index {quote(place.name)} in {place.low}:{reach.high}"
        self._fault(at, shown, _places_of(extent, what, axis, first))

    def too_many_indices(self, at: int, given: int, shape: tuple[Extent, ...], what: str) -> None:
        """More indices than the array has axes."""
        expected = "no index: it is a scalar"
        if shape:
            wanted = quote(shape_text(what, shape))
            expected = f"{_count(len(shape), 'index', 'indices')}, as in {wanted}"
        self._fault(at, f"{_count(given, 'index', 'indices')} on {quote(what)}", expected)

    # -- numbers

    def division_by_zero(self, node: Expression) -> None:
        """x/0, 0**-1"""
        self._fault(node.at, "a division by zero", "another divisor")

    def large_exponent(self, node: PowerSyntax, most: int) -> None:
        """x**1001"""
        self._fault(
            node.exponent.at,
            f"the exponent {self._quoted(node.exponent)}",
            f"at most {most} in size",
            "a numeric power tower is refused",
        )

    def no_real_power(self, node: Expression) -> None:
        """(-1)**(1/2)"""
        found = f"{self._quoted(node)}, which is not a real number"
        self._fault(node.at, found, "a base above 0")

    def large_power(self, node: Expression, bits: int) -> None:
        """9**999"""
        self._fault(
            node.at,
            f"the number {self._quoted(node)}",
            f"at most {bits} bits",
            "a numeric power tower is refused",
        )

    def grown_exponent(self, node: Expression, exponent: object, most: int) -> None:
        """An exponent that became too large while powers were joined."""
        found = f"the exponent {exponent} in {self._quoted(node)}"
        self._fault(node.at, found, f"at most {most} in size")

    def grown_number(self, node: Expression, bits: int) -> None:
        """A number that became too large while numbers were joined."""
        self._fault(node.at, f"a number in {self._quoted(node)}", f"at most {bits} bits")

    # -- names

    def no_number(self, node: Expression, left: Array) -> None:
        """An array, given with fewer indices than it has axes, where a number belongs."""
        base, given = node, 0
        if isinstance(node, SubscriptSyntax):
            base, given = node.base, len(node.indices)
        shape = (*(Extent("I") for _ in range(given)), *array_shape(left))
        match self._names.get(base.name) if isinstance(base, NameSyntax) else None:
            case Symbol() as symbol:
                shape = symbol.shape
            case Deterministic() as quantity:
                shape = quantity.shape
        self._fault(
            node.at,
            f"{self._quoted(node)}, an array where a number belongs",
            f"{_count(len(shape), 'index', 'indices')}, not {given}",
            f"write {quote(shape_text(self.source(base), shape))}",
        )

    def formula_of_arrays(
        self, node: Expression, arrays: Sequence[tuple[Expression, Array]], loops: Loops
    ) -> None:
        """S + U where an array belongs; arrays: those in it, left to right."""
        shapes = {array_shape(array) for _, array in arrays}
        hint = "an array that is calculated is an argument of its own"
        if not self._density:
            shape = max(shapes, key=len)
            outer = [loops[name] for name in dict.fromkeys(names_used(node)) if name in loops]
            taken = {*loops, *self._names}
            inner: list[Index] = []
            for extent in shape:
                letter = fresh_name((extent.size or "i").lower()[:1], taken, *"ijkl")
                taken.add(letter)
                inner.append(Index(letter, extent))
            name = fresh_name("V" if len(shape) > 1 else "a", taken)
            body = "..."
            if len(shapes) == 1 and _is_entrywise(node, {id(part) for part, _ in arrays}):
                body = self._at_places(node, arrays, [index.name for index in inner])
            left = ",".join(index.name for index in (*outer, *inner))
            ranges = ", ".join(f"{i.name} in {i.low}:{i.extent}" for i in (*outer, *inner))
            own = f"[{','.join(index.name for index in outer)}]" if outer else ""
            hint = (
                f"name it first, entry by entry: `{name}[{left}] = {body} for {ranges}`, "
                f"and write {quote(name + own)}"
            )
        self._fault(
            node.at, f"{self._quoted(node)}, a formula of arrays", "the name of an array", hint
        )

    def _at_places(
        self, node: Expression, arrays: Sequence[tuple[Expression, Array]], places: Sequence[str]
    ) -> str:
        """S + U[c] -> S[d,e] + U[c,d,e]"""
        text, at = "", node.at
        for part, _ in arrays:
            open_at = part.end - 1 if isinstance(part, SubscriptSyntax) else part.end
            before = "," if open_at < part.end else "["
            text += self._text[at:open_at] + before + ",".join(places) + "]"
            at = part.end
        return text + self._text[at : node.end]

    def index_without_name(self, base: Expression) -> None:
        """(a + b)[k]"""
        self._fault(
            base.at,
            f"an index on {self._quoted(base)}",
            "a name before the bracket",
            "name it first with a deterministic statement `a[k] = ... for k in 1:K`",
        )

    def index_on_number(self, base: Expression, loops: Loops) -> None:
        """h[1] of a loop variable, D[1] of a size, PI[1], exp(x)[1]"""
        shown = self._quoted(base)
        match base:
            case NameSyntax(name=name) if name in loops:
                shown = f"the index variable {shown}"
            case NameSyntax(name="PI"):
                shown = f"the number {shown}"
            case NameSyntax():
                shown = f"the size {shown}"
            case _:
                shown += ", a number"
        self._fault(base.at, f"an index on {shown}", "an array")

    def bare_function(self, node: NameSyntax, shape: tuple[Extent, ...]) -> None:
        """A function of the model without its arguments."""
        self._fault(
            node.at,
            f"the function {quote(node.name)} without arguments",
            f"`{node.name}(...)` with its arguments",
            f"write {quote(shape_text(f'{node.name}(z)', shape))}",
        )

    def too_large_model(self, node: NameSyntax, most: int) -> None:
        """A deterministic quantity whose copies make all texts together too large."""
        self._fault(
            node.at,
            f"{quote(node.name)}, which makes more than {most:,} operations of the model when the "
            "deterministic quantities are written out",
            f"at most {most:,}",
        )

    def unknown_name(self, node: NameSyntax, loops: Loops) -> None:
        """A name that nobody declared."""
        name = node.name
        known = [*loops, *self._names, "PI"]
        hint, missing = suggest(name, known), ""
        if name == "pi":
            hint = "the number is written `PI`"
        elif name in FUNCTIONS:
            hint = f"write `{name}(...)` with its argument"
        elif self._density:
            hint = hint or f"known here: {', '.join(known[:12])}"
        elif not hint:
            hint, missing = "declare it under `parameters`, or give it a statement in `model`", name
        self._fault(node.at, f"unknown name {quote(name)}", "a declared name", hint, missing)

    # -- calls

    def wrong_number_of_arguments(self, node: CallSyntax, arity: int) -> None:
        """log(a, b)"""
        given = _count(len(node.arguments), "argument", "arguments")
        self._fault(node.at, f"{given} of `{node.name}`", f"{arity}")

    def no_real_value(self, node: CallSyntax) -> None:
        """log(0), sqrt(-1)"""
        bound = {"sqrt": "at least 0", "log1p": "above -1"}.get(node.name, "above 0")
        found = f"{self._quoted(node)}, which is not a real number"
        self._fault(node.at, found, f"an argument {bound}")

    def no_function(self, node: CallSyntax) -> None:
        """a(b) where a is an array or an index."""
        self._fault(
            node.at,
            f"{quote(node.name)} called as a function",
            "a function",
            "index an array with [ ], write a product with `*`",
        )

    def unknown_function(self, node: CallSyntax) -> None:
        """A call of something that nobody declared."""
        own = [
            name
            for name, entity in self._names.items()
            if isinstance(entity, Symbol) and entity.role is Role.FUNCTION
        ]
        functions = [*FUNCTIONS, *own]
        if self._density:
            functions.extend((*DENSITY_FUNCTIONS, *MATRIX_FUNCTIONS))
        hint = _ELSEWHERE.get(node.name, "") or suggest(node.name, functions)
        if not hint:
            hint = f"known: {', '.join(functions[:16])}"
            if node.name in MATRIX_FUNCTIONS:
                hint = f"`{node.name}` stands only in the log-density of a family"
        self._fault(node.at, f"unknown function {quote(node.name)}", "", hint)

    def function_of_nothing(self, node: CallSyntax) -> None:
        """m()"""
        self._fault(node.at, f"the function {quote(node.name)} of nothing", "an argument")

    def other_arguments(
        self,
        node: CallSyntax,
        shapes: tuple[tuple[Extent, ...], ...],
        known: tuple[tuple[Extent, ...], ...],
    ) -> None:
        """A function of the model with other arguments than where it is used first."""
        self._fault(
            node.at,
            f"{quote(node.name)} called with {_shapes(shapes)}",
            f"{_shapes(known)}, as where it is used first",
            "a function takes the same arguments everywhere; declare another one",
        )

    def no_single_matrix(self, node: CallSyntax) -> None:
        """inv(A, B)"""
        self._fault(node.at, f"{len(node.arguments)} arguments of `{node.name}`", "a matrix")

    def no_square_matrix(self, node: CallSyntax) -> None:
        """logdet of a vector, of a matrix that is not square"""
        (argument,) = node.arguments
        self._fault(argument.at, f"{self._quoted(argument)} in `{node.name}`", "a square matrix")

    def index_on_determinant(self, node: CallSyntax) -> None:
        """logdet(A)[k]"""
        self._fault(node.at, "an index on `logdet(...)`, a number", "an array")


def _is_entrywise(node: Expression, arrays: Container[int]) -> bool:
    """Whether a formula of arrays says the same of their entries: sums and multiples do.

    arrays: the nodes (by identity) that are arrays.
    """
    if id(node) in arrays:
        return True
    match node:
        case AddSyntax(terms=terms):
            return all(_is_entrywise(part, arrays) for _, part in terms)
        case MulSyntax(factors=factors):
            within = [pair for pair in factors if _holds(pair[1], arrays)]
            return len(within) < 2 and all(
                not divides and _is_entrywise(part, arrays) for divides, part in within
            )
    return not _holds(node, arrays)


def _holds(node: Expression, arrays: Container[int]) -> bool:
    return any(id(part) in arrays for part in parts_of(node))


def _places_of(extent: Extent, what: str, axis: int, first: int) -> str:
    return f"{first} to {extent}, the places of index {axis} of {quote(what)}"


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _shapes(shapes: tuple[tuple[Extent, ...], ...]) -> str:
    texts = [f"[{', '.join(map(str, shape))}]" if shape else "a number" for shape in shapes]
    return f"({', '.join(texts)})"
