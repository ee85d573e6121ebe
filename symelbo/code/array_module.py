"""derivation -> the source of a standalone numeric module for any array library: plan and template.

The text is deterministic; every formula in it is printed from the terms of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.lay_out_python import WIDTH, wrap_text
from symelbo.code.plan import Plan
from symelbo.code.plan_module import plan_module
from symelbo.code.print_example import print_example
from symelbo.code.print_functions import PrintedFunction
from symelbo.code.print_sums import PrintedSums
from symelbo.code.python_template import HELPERS, fill_module

__all__ = ["render_plan", "render_python"]


def render_python(derivation: Derivation) -> str:
    """The source of the numeric module; "" if no factor has an entropy."""
    plan = plan_module(derivation)
    return "" if plan is None else render_plan(plan)


def render_plan(plan: Plan) -> str:
    """A plan as the source of a module."""
    sums = None if plan.sums is None else PrintedSums(plan, plan.sums)
    functions = [PrintedFunction(plan, function) for function in plan.functions]
    printed = functions if sums is None else [*functions, *sums.functions]
    needs = frozenset().union(*(f.needs for f in printed))
    helpers = _with_callees(needs & HELPERS.keys())
    arguments = [a for f in printed for a in (*f.arguments, *f.function.results, *f.function.own)]
    kinds = {a.kind for a in arguments}
    public = {"check", *(f.name for f in functions), *(() if sums is None else sums.names)}
    names = [f'"{name}"' for name in sorted(public)]
    text = "".join(line for function in printed for line in function.body)
    sources = [source for name, (source, _) in HELPERS.items() if name in helpers]
    domains = {a.domain for a in arguments if a.kind == "array"}
    return fill_module(
        dict(
            title=_escape(plan.title),
            reference=_escape(plan.reference),
            verdict=plan.verdict,
            renamed=[f"{new} is `{old}`" for old, new in plan.renamed],
            example=print_example(plan),
            version=symelbo.__version__,
            sha256=plan.sha256,
            functions=functions,
            sums=sums,
            public=_lay_out_list("__all__", names),
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


def _lay_out_list(name: str, items: list[str]) -> list[str]:
    """name = [items], in one line or each on its own"""
    line = f"{name} = [{', '.join(items)}]"
    return [line] if len(line) <= WIDTH else [f"{name} = [", *(f"    {i}," for i in items), "]"]


def _escape(text: str) -> str:
    """Any text -> one printable line that cannot end a docstring, escape or continue a line."""
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return shown.replace("\\", "\\\\").replace('"', '\\"')
