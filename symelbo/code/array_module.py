"""derivation -> the source of a standalone numeric module for any array library: plan and template.

The text is deterministic; every formula in it is printed from the terms of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable

import symelbo
from symelbo.answer.derivation import Derivation
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
from symelbo.code.plan_module import plan_module
from symelbo.code.print_arrays import ArrayPrinter, needs_of
from symelbo.code.python_template import HELPERS, fill_module
from symelbo.index.terms import Extent
from symelbo.values import dataclass

__all__ = ["render_plan", "render_python"]


def render_python(derivation: Derivation) -> str:
    """The source of the numeric module; "" if no factor has an entropy."""
    plan = plan_module(derivation)
    return "" if plan is None else render_plan(plan)


def render_plan(plan: Plan) -> str:
    """A plan as the source of a module."""
    needs = frozenset().union(
        *(needs_of((*(line.op for line in f.lines), f.returned)) for f in plan.functions)
    )
    helpers = _with_callees(needs & HELPERS.keys())
    arguments = [a for f in plan.functions for a in (*f.arguments, *f.results)]
    kinds = {a.kind for a in arguments}
    printed = [_Printed(plan, function) for function in plan.functions]
    text = "".join(line for function in printed for line in function.body)
    sources = [source for name, (source, _) in HELPERS.items() if name in helpers]
    domains = {a.domain for a in arguments if a.kind == "array"}
    return fill_module(
        dict(
            title=_escape(plan.title),
            reference=_escape(plan.reference),
            verdict=plan.verdict,
            renamed=[f"{new} is `{old}`" for old, new in plan.renamed],
            version=symelbo.__version__,
            sha256=plan.sha256,
            functions=printed,
            has_elbo=any(function.name == "elbo" for function in plan.functions),
            kinds=kinds,
            domains=domains,
            offsets=any(e.size is not None and e.offset for a in arguments for e in a.shape),
            bounded=any(a.is_bounded for a in arguments),
            shared=any(a.shared for a in arguments),
            helpers=sources,
            has_special=any(function.reads_special for function in printed),
            has_math="math." in "".join((text, *sources)),
            has_polynomial="_polynomial" in helpers,
            has_zeros="_log" in helpers,
            has_arrays=bool(kinds - {"size"}),
            wrap=wrap_text,
        )
    )


# ---------------------------------------------------------------- one function


@dataclass(frozen=True)
class _Printed:
    """A function as lines of source, for the template."""

    plan: Plan
    function: Function

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return self.function.arguments

    @property
    def signature(self) -> str:
        """def name(*, ...) -> Array:"""
        returns = "dict[str, Array]" if self.function.results else "Array"
        end = f") -> {returns}:"
        shown = [f"{a.name}: {_annotation(a)}" for a in self.arguments]
        head = f"def {self.name}("
        line = f"{head}{', '.join(['*', *shown])}{end}" if shown else f"{head}{end}"
        if len(line) <= WIDTH:
            return line
        return "\n".join([head, "    *,", *(f"    {text}," for text in shown), end])

    @property
    def summary(self) -> list[str]:
        """The lines of the docstring before the arguments."""
        lines: list[str] = []
        for number, paragraph in enumerate(self.function.summary):
            hanging = len(paragraph) - len(paragraph.lstrip())
            wrapped = wrap_text(paragraph, 4 + hanging, 4 if hanging else 0)
            lines += [wrapped[0].strip(), *wrapped[1:], ""] if number == 0 else wrapped
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def is_short(self) -> bool:
        """Whether the docstring is one line."""
        return not self.arguments and len(self.summary) == 1

    @property
    def described(self) -> list[str]:
        """The lines of the docstring on the arguments."""
        lines = []
        for argument in self.arguments:
            lines += wrap_text(f"{argument.name}: {argument.text}", 8, 4)
        return lines

    @property
    def body(self) -> list[str]:
        """Checks, sizes, assignments, and what is returned."""
        function, numbers = self.function, set[str]()
        printer = ArrayPrinter(self.plan.sizes, numbers=numbers)
        lines = [*self._library(), *self._checks(), *self._conditions(), *self._sizes()]
        for line in function.lines:
            if printer.is_number(line.op):
                numbers.add(line.target)
            lines += _comment(line.comment)
            lines += lay_out(f"{line.target} = ", printer.print(line.op), 4)
        for result in function.results:
            lines += lay_out(f"{result.name} = ", self._check(result), 4)
        if function.returned is None:
            shown = _dict_of((result.name, expression(result.name)) for result in function.results)
            return [*lines, *lay_out("return ", shown, 4)]
        lines += _comment(function.comment)
        return [*lines, *lay_out("return ", printer.print_array(function.returned), 4)]

    @property
    def reads_special(self) -> bool:
        """Whether a formula names special functions."""
        needs = needs_of((*(line.op for line in self.function.lines), self.function.returned))
        return "special" in needs.union(*(HELPERS[n][1] for n in needs & HELPERS.keys()))

    def _library(self) -> list[str]:
        """The library of the arguments."""
        given = [a.name for a in self.arguments if a.kind not in ("size", "function")]
        lines = lay_out("xp, real = ", call("_library", *given), 4)
        return [*lines, "    special = _special(xp)"] if self.reads_special else lines

    def _checks(self) -> list[str]:
        """Every argument is checked; first those that the bounds of others may name."""
        lines: list[str] = []
        if self.arguments:
            sized = [a.name for a in self.arguments if a.kind == "size"]
            pairs = _dict_of((name, call("_size", f'"{name}"', name)) for name in sized)
            lines += lay_out("sizes: dict[str, int] = ", pairs, 4)
        required = [a for a in self.arguments if not a.optional]
        for argument in sorted(required, key=lambda a: a.is_bounded):
            if argument.kind in ("array", "value"):
                lines += lay_out(f"{argument.name} = ", self._check(argument), 4)
        for argument in self.arguments:
            if argument.kind == "samples":
                lines += lay_out(f"{argument.name} = ", self._check(argument), 4)
            elif argument.optional:
                lines.append(f"    if {argument.name} is not None:")
                lines += lay_out("", self._check(argument), 8)
        return lines

    def _check(self, argument: Argument) -> Expression:
        """The call that checks an argument."""
        name = argument.name
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
        return call(check, "xp", "real", f'"{name}"', name, shape, domain, "sizes", *bounds)

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
            lines += lay_out_error(text, 8)
        return lines

    def _length(self, extent: Extent) -> str:
        if extent.size is None:
            return str(extent.offset)
        sign = "-" if extent.offset < 0 else "+"
        offset = f" {sign} {abs(extent.offset)}" if extent.offset else ""
        return f'sizes["{self.plan.sizes[extent.size]}"]{offset}'

    def _sizes(self) -> list[str]:
        """The sizes that the formulas name."""
        passed = {a.name for a in self.arguments if a.kind == "size"}
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


def _comment(text: str) -> list[str]:
    return [f"    # {part.strip()}" for part in wrap_text(text, 6)] if text else []


# ---------------------------------------------------------------- helpers


def _with_callees(names: Iterable[str]) -> frozenset[str]:
    """The helpers, and those that they call."""
    found, wanted = set[str](), list(names)
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += HELPERS[name][1] & HELPERS.keys()
    return frozenset(found)


def _escape(text: str) -> str:
    """Any text -> one printable line that cannot end a docstring, escape or continue a line."""
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return shown.replace("\\", "\\\\").replace('"', '\\"')
