"""A function of a plan as lines of source: signature, documentation, checks and assignments."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from symelbo.code.lay_out_python import (
    WIDTH,
    Bracket,
    Expression,
    call,
    expression,
    lay_out,
    lay_out_error,
    wrap_text,
)
from symelbo.code.lower import Lowering
from symelbo.code.ops import dim_text
from symelbo.code.plan import Argument, Bound, Exceeds, Function, Least, Plan
from symelbo.code.print_arrays import ArrayPrinter, needs_of
from symelbo.code.python_template import HELPERS
from symelbo.index.terms import Extent
from symelbo.values import dataclass

__all__ = ["PrintedFunction"]

RAISES = (
    "an argument has a wrong shape, leaves its domain or is not finite; or a number on the way is"
    " undetermined or leaves the range of floats."
)


@dataclass(frozen=True)
class PrintedFunction:
    """A function as lines of source.

    returns: what it returns; made: the class that it makes of its fields; first: the field of it
    that the checks find, by which the others are multiplied; method: whether it is one of a class.
    """

    plan: Plan
    function: Function
    returns: str = "Array"
    made: str = ""
    first: str = ""
    method: bool = False

    @property
    def name(self) -> str:
        """As it is called."""
        return self.function.name

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Those that are given by their names."""
        return self.function.arguments

    @property
    def source(self) -> list[str]:
        """All of it."""
        lines = [*self.header, *self.body]
        return [f"    {line}" if line else "" for line in lines] if self.method else lines

    @property
    def header(self) -> list[str]:
        """Decorator, signature and documentation."""
        first, *more = self._summary()
        lines = ["@_within_floats", *self._signature()]
        if not more and not self.arguments:
            return [*lines, f'    """{first}"""']
        lines += [f'    """{first}', *more]
        if self.arguments:
            lines += ["", "    Args:"]
            for argument in self.arguments:
                lines += self._wrapped(f"{argument.name}: {argument.text}", 8, 4)
            lines += ["", "    Raises:"]
            lines += self._wrapped(f"ValueError: {RAISES}", 8, 4)
        return [*lines, '    """']

    def _wrapped(self, text: str, indent: int, hanging: int = 0) -> list[str]:
        """Words in lines, which are indented once more in a class."""
        if not self.method:
            return wrap_text(text, indent, hanging)
        return [line[4:] for line in wrap_text(text, indent + 4, hanging)]

    def _laid_out(self, head: str, body: Expression, indent: int = 4) -> list[str]:
        if not self.method:
            return lay_out(head, body, indent)
        return [line[4:] for line in lay_out(head, body, indent + 4)]

    def _signature(self) -> list[str]:
        """def name(*, ...) -> Array:"""
        returns = "dict[str, Array]" if self.function.results else self.returns
        end = f") -> {returns}:"
        own = ["self"] if self.method else []
        shown = [f"{a.name}: {_annotation(a)}" for a in self.arguments]
        given = [*own, *(["*", *shown] if shown else [])]
        line = f"def {self.name}({', '.join(given)}{end}"
        if len(line) + 4 * self.method <= WIDTH:
            return [line]
        return [f"def {self.name}(", *(f"    {text}," for text in given), end]

    def _summary(self) -> list[str]:
        """The lines of the docstring before the arguments."""
        lines: list[str] = []
        for number, paragraph in enumerate(self.function.summary):
            hanging = len(paragraph) - len(paragraph.lstrip())
            wrapped = self._wrapped(paragraph, 4 + hanging, 4 if hanging else 0)
            lines += [wrapped[0].strip(), *wrapped[1:], ""] if number == 0 else wrapped
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @cached_property
    def body(self) -> list[str]:
        """Checks, sizes, assignments, and what is returned."""
        function, numbers = self.function, set[str]()
        printer = ArrayPrinter(self.plan.sizes, numbers=numbers)
        lines = [*self._library(), *self._checks(), *self._conditions(), *self._sizes()]
        for line in function.lines:
            if printer.is_number(line.op):
                numbers.add(line.target)
            lines += self._comment(line.comment)
            lines += self._laid_out(f"{line.target} = ", printer.print(line.op))
        for result in function.results:
            lines += self._laid_out(f"{result.name} = ", self._check(result))
        if function.fields:
            fields = [(field.name, printer.print_array(field.op)) for field in function.fields]
            if self.first:
                values = tuple(value for _, value in fields)
                comma = "," if len(values) == 1 else ""
                lines += self._laid_out("means = ", expression(Bracket("()", values, comma)))
                made = f"{self.made}({self.first}, *({self.first} * mean for mean in means))"
                return [*lines, *self._laid_out("return ", expression(made))]
            named = [expression(f"{name}=", *value.parts) for name, value in fields]
            return [*lines, *self._laid_out("return ", call(self.made, *named))]
        if function.returned is None:
            shown = _dict_of((result.name, expression(result.name)) for result in function.results)
            return [*lines, *self._laid_out("return ", shown)]
        lines += self._comment(function.comment)
        return [*lines, *self._laid_out("return ", printer.print_array(function.returned))]

    @property
    def needs(self) -> frozenset[str]:
        """The helpers that it calls, and `special`."""
        ops = (line.op for line in self.function.lines)
        return needs_of((*ops, self.function.returned, *(f.op for f in self.function.fields)))

    @property
    def reads_special(self) -> bool:
        """Whether a formula names special functions."""
        needs = self.needs
        return "special" in needs.union(*(HELPERS[n][1] for n in needs & HELPERS.keys()))

    def _library(self) -> list[str]:
        """The library of the arguments."""
        given = ["*self"] if self.method else []
        given += [a.name for a in self.arguments if a.kind != "size"]
        lines = self._laid_out("xp, real = ", call("_library", *given))
        return [*lines, "    special = _special(xp)"] if self.reads_special else lines

    def _checks(self) -> list[str]:
        """Every argument is checked; first those that the bounds of others may name."""
        lines: list[str] = []
        if self.arguments or self.function.own:
            sized = [a.name for a in self.arguments if a.kind == "size"]
            given = call("_sizes", *(f"{name}={name}" for name in sized))
            found = given if sized else expression("{}")
            lines += self._laid_out("sizes: dict[str, int] = ", found)
        for argument in self.function.own:
            lines += self._laid_out(f"{argument.name} = ", self._check(argument))
        required = [a for a in self.arguments if not a.optional]
        for argument in sorted(required, key=lambda a: a.is_bounded):
            if argument.kind in ("array", "value"):
                lines += self._laid_out(f"{argument.name} = ", self._check(argument))
        for argument in self.arguments:
            name = argument.name
            if argument.kind == "data_weights":
                (data,) = (dim_text(extent, self.plan.sizes) for extent in argument.shape)
                found = call("_data_weights", "xp", "real", name, f'"{data}"', "sizes")
                lines += self._laid_out(f"{name}, {self.first} = ", found)
            elif argument.kind in ("samples", "centre"):
                lines += self._laid_out(f"{name} = ", self._check(argument))
            elif argument.optional and argument.kind != "size":
                lines.append(f"    if {name} is not None:")
                lines += self._laid_out("", self._check(argument), 8)
        for argument in self.arguments:
            if argument.kind == "size" and argument.optional and self._reads(argument):
                lines.append(f'    if "{argument.name}" not in sizes:')
                room = 4 * self.method
                text = f"{argument.name}, or an argument that has this size, must be given"
                lines += [line[room:] for line in lay_out_error(text, 8 + room)]
        return lines

    def _reads(self, size: Argument) -> bool:
        """Whether a formula names a size."""
        return any(self.plan.sizes[name] == size.name for name in self.function.reads)

    @cached_property
    def _own(self) -> frozenset[str]:
        """The names of what the object has itself."""
        return frozenset(argument.name for argument in self.function.own)

    def _check(self, argument: Argument) -> Expression:
        """The call that checks an argument."""
        name = argument.name
        value = f"self.{name}" if name in self._own else name
        dims = [dim_text(extent, self.plan.sizes) for extent in argument.shape]
        if argument.kind == "samples":
            data, samples = dims
            return call(
                "_weights", "xp", "real", f'"{name}"', name, f'"{data}"', f'"{samples}"', "sizes"
            )
        bounds = []
        if argument.is_bounded:
            # categories are counted, the other values are measured
            whole = argument.domain == "category"
            bounds.append(self._bound(argument.upper, "math.inf", whole=whole))
            if argument.domain == "interval":
                bounds.append(self._bound(argument.lower, "-math.inf"))
        shape, domain = f'"{" ".join(dims)}"', f'"{argument.domain}"'
        if argument.shared:
            bounds.insert(0, expression(f'"{argument.shared}"'))
        check = "_samples" if argument.shared else "_array"
        if argument.kind == "centre":
            return call("_center", "xp", "real", f'"{name}"', name, shape, "sizes")
        return call(check, "xp", "real", f'"{name}"', value, shape, domain, "sizes", *bounds)

    def _bound(self, bound: Bound, otherwise: str, *, whole: bool = False) -> Expression:
        if bound is None:
            return expression(otherwise)
        sizes = {size: f'sizes["{name}"]' for size, name in self.plan.sizes.items()}
        return ArrayPrinter(sizes, whole).print(Lowering().lower(bound))

    def _conditions(self) -> list[str]:
        lines: list[str] = []
        for condition in self.function.conditions:
            match condition:
                case Least(size, value, place):
                    name = self.plan.sizes[size]
                    lines.append(f'    if sizes["{name}"] < {value}:')
                    text = f"{name} must be at least {value}, as the model uses {place}"
                case Exceeds(name, extent):
                    lines.append(f"    if xp is np and np.any({name} <= {self._length(extent)}):")
                    text = f"{name} must exceed {dim_text(extent, self.plan.sizes)}"
            room = 4 * self.method
            lines += [line[room:] for line in lay_out_error(text, 8 + room)]
        return lines

    def _comment(self, text: str) -> list[str]:
        return [f"    # {part.strip()}" for part in self._wrapped(text, 6)] if text else []

    def _length(self, extent: Extent) -> str:
        if extent.size is None:
            return str(extent.offset)
        sign = "-" if extent.offset < 0 else "+"
        offset = f" {sign} {abs(extent.offset)}" if extent.offset else ""
        return f'sizes["{self.plan.sizes[extent.size]}"]{offset}'

    def _sizes(self) -> list[str]:
        """The sizes that the formulas name."""
        passed = {a.name for a in self.arguments if a.kind == "size" and not a.optional}
        names = [name for size, name in self.plan.sizes.items() if size in self.function.reads]
        needed = [name for name in names if name not in passed]
        if not needed:
            return []
        right = ", ".join(f'sizes["{name}"]' for name in needed)
        whole = f"    {', '.join(needed)} = {right}"
        return [whole] if len(whole) <= WIDTH else [f'    {n} = sizes["{n}"]' for n in needed]


def _annotation(argument: Argument) -> str:
    """The annotation and default in the signature."""
    found = "int" if argument.kind == "size" else "Array"
    return f"{found} | None = None" if argument.optional else found


def _dict_of(pairs: Iterable[tuple[str, Expression]]) -> Expression:
    """{"name": value, ...}"""
    items = (expression(f'"{name}": ', *value.parts) for name, value in pairs)
    return expression(Bracket("{}", tuple(items)))
