"""The templates as plain Python modules: python -m tests.compile_templates

Jinja parses them here, once, and what it parsed is written as functions that need no Jinja:
importing it and compiling the templates took a quarter of every run.  What the templates use of its
language is what `_Writer` knows; anything else is an error.  A test compares modules and templates.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, nodes

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "templates"
OPTIONS: dict[str, Any] = {
    "undefined": StrictUndefined,
    "autoescape": False,  # text of users is escaped before it gets here
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}
LATEX = Environment(
    **OPTIONS,
    block_start_string="<%",
    block_end_string="%>",
    variable_start_string="<<",
    variable_end_string=">>",
    comment_start_string="<#",
    comment_end_string="#>",
)
PYTHON = Environment(**OPTIONS)
# module -> how its templates are written, and template -> name of its function
MODULES: dict[Path, tuple[Environment, dict[str, str]]] = {
    ROOT / "symelbo/page/latex_templates.py": (
        LATEX,
        {
            "latex/body.tex.j2": "fill_body",
            "latex/proof.tex.j2": "fill_proof",
            "latex/appendix.tex.j2": "fill_appendix",
        },
    ),
    ROOT / "symelbo/code/python_template.py": (PYTHON, {"python/module.py.j2": "fill_module"}),
}
HEAD = '''"""Generated from {sources} by `python -m tests.compile_templates`; do not edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symelbo.fill import Loop, attribute, batch, join, order

__all__ = [{names}]
'''


class _Writer:
    """One template as the lines of a function of its context `c`."""

    def __init__(self, includes: dict[str, str]) -> None:
        self.includes = includes
        self.lines: list[str] = []
        self.scopes: list[dict[str, str]] = [{}]
        self.count = 0

    # ------------------------------------------------------------ statements

    def write(self, body: list[nodes.Node], depth: int) -> None:
        start = len(self.lines)
        for node in body:
            getattr(self, f"write_{type(node).__name__.lower()}")(node, depth)
        if len(self.lines) == start:
            self.line(depth, "pass")

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def write_output(self, node: nodes.Output, depth: int) -> None:
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                self.line(depth, f"w({part.data!r})")
            else:
                self.line(depth, f"w(str({self.value(part)}))")

    def write_if(self, node: nodes.If, depth: int) -> None:
        self.line(depth, f"if {self.value(node.test)}:")
        self.write(node.body, depth + 1)
        for other in node.elif_:
            self.line(depth, f"elif {self.value(other.test)}:")
            self.write(other.body, depth + 1)
        if node.else_:
            self.line(depth, "else:")
            self.write(node.else_, depth + 1)

    def write_for(self, node: nodes.For, depth: int) -> None:
        assert isinstance(node.target, nodes.Name) and not node.else_ and not node.recursive
        assert node.test is None
        items = self.value(node.iter)
        self.count += 1
        name, loop = f"{node.target.name}_{self.count}", f"loop_{self.count}"
        self.scopes.append({node.target.name: name, "loop": loop})
        self.line(depth, f"for {loop}, {name} in Loop.over({items}):")
        start = len(self.lines)
        self.write(node.body, depth + 1)
        if not any(loop in line for line in self.lines[start:]):
            self.lines[start - 1] = "    " * depth + f"for {name} in {items}:"
        self.scopes.pop()

    def write_assign(self, node: nodes.Assign, depth: int) -> None:
        """A name that is set belongs to the loop around it."""
        assert isinstance(node.target, nodes.Name)
        value = self.value(node.node)
        name = node.target.name
        if name not in self.scopes[-1]:
            self.count += 1
            self.scopes[-1][name] = f"{name}_{self.count}"
        self.line(depth, f"{self.scopes[-1][name]} = {value}")

    def write_include(self, node: nodes.Include, depth: int) -> None:
        assert isinstance(node.template, nodes.Const)
        assert self.scopes == [{}], "what is included sees the context alone"
        self.line(depth, f"w({self.includes[node.template.value]}(c))")

    # ------------------------------------------------------------ expressions

    def value(self, node: nodes.Expr) -> str:
        return str(getattr(self, f"value_{type(node).__name__.lower()}")(node))

    def value_name(self, node: nodes.Name) -> str:
        for scope in reversed(self.scopes):
            if node.name in scope:
                return scope[node.name]
        return "range" if node.name == "range" else f"c[{node.name!r}]"

    def value_const(self, node: nodes.Const) -> str:
        return repr(node.value)

    def value_getattr(self, node: nodes.Getattr) -> str:
        if isinstance(node.node, nodes.Name) and node.node.name == "loop":
            return f"{self.value(node.node)}.{node.attr}"
        return f"attribute({self.value(node.node)}, {node.attr!r})"

    def value_getitem(self, node: nodes.Getitem) -> str:
        return f"{self.value(node.node)}[{self.value(node.arg)}]"

    def value_slice(self, node: nodes.Slice) -> str:
        ends = (node.start, node.stop)
        return ":".join("" if end is None else self.value(end) for end in ends)

    def value_call(self, node: nodes.Call) -> str:
        arguments = [self.value(argument) for argument in node.args]
        arguments += [f"{k.key}={self.value(k.value)}" for k in node.kwargs]
        return f"{self.value(node.node)}({', '.join(arguments)})"

    def value_list(self, node: nodes.List) -> str:
        return f"[{', '.join(map(self.value, node.items))}]"

    def value_tuple(self, node: nodes.Tuple) -> str:
        return f"({''.join(self.value(item) + ', ' for item in node.items)})"

    def value_concat(self, node: nodes.Concat) -> str:
        return f"join([{', '.join(map(self.value, node.nodes))}])"

    def value_condexpr(self, node: nodes.CondExpr) -> str:
        other = "''" if node.expr2 is None else self.value(node.expr2)
        return f"({self.value(node.expr1)} if {self.value(node.test)} else {other})"

    def value_compare(self, node: nodes.Compare) -> str:
        signs = {
            "eq": "==",
            "ne": "!=",
            "lt": "<",
            "lteq": "<=",
            "gt": ">",
            "gteq": ">=",
            "in": "in",
            "notin": "not in",
        }
        rest = (f" {signs[o.op]} {self.value(o.expr)}" for o in node.ops)
        return f"({self.value(node.expr)}{''.join(rest)})"

    def value_neg(self, node: nodes.Neg) -> str:
        return f"(-{self.value(node.node)})"

    def value_not(self, node: nodes.Not) -> str:
        return f"(not {self.value(node.node)})"

    def value_filter(self, node: nodes.Filter) -> str:
        value = self.value(node.node)
        arguments = [self.value(argument) for argument in node.args]
        named = {k.key: self.value(k.value) for k in node.kwargs}
        match node.name, arguments, named:
            case "join", [*separator], {}:
                return f"join({', '.join([value, *separator])})"
            case "length", [], {}:
                return f"len({value})"
            case "list", [], {}:
                return f"list({value})"
            case "batch", [size], {}:
                return f"batch({value}, {size})"
            case "selectattr", [name], {}:
                return f"(item for item in {value} if attribute(item, {name}))"
            case "sort", [], {"attribute": name}:
                return f"order({value}, {name})"
        raise NotImplementedError(f"the filter {node.name} with {arguments} {named}")

    def _binary(sign: str) -> Callable[[_Writer, nodes.BinExpr], str]:  # type: ignore[misc]
        return lambda self, node: f"({self.value(node.left)} {sign} {self.value(node.right)})"

    value_and, value_or = _binary("and"), _binary("or")
    value_add, value_sub, value_mul = _binary("+"), _binary("-"), _binary("*")


def function(name: str, tree: nodes.Template, includes: dict[str, str]) -> Iterator[str]:
    writer = _Writer(includes)
    writer.write(tree.body, 1)
    yield f"\n\ndef {name}(c: Mapping[str, Any]) -> str:"
    yield "    parts: list[str] = []"
    yield "    w = parts.append"
    yield from writer.lines
    yield '    return "".join(parts)'


def helpers() -> Iterator[str]:
    """The table of the functions that a module may be given, with the names that each needs."""
    text = (TEMPLATES / "python" / "helpers.py").read_text(encoding="utf-8")
    yield "\n"
    yield "HELPERS: Mapping[str, tuple[str, frozenset[str]]] = {"
    for tree in ast.parse(text).body:
        if isinstance(tree, ast.FunctionDef):
            named = sorted({part.id for part in ast.walk(tree) if isinstance(part, ast.Name)})
            source = ast.get_source_segment(text, tree)
            yield f"    {tree.name!r}: ({source!r}, frozenset({named!r})),"
    yield "}"


def compile_module(path: Path) -> str:
    """The text of a module, from its templates."""
    environment, functions = MODULES[path]
    folder = next(iter(functions)).split("/")[0]
    public = [*functions.values(), *(["HELPERS"] if environment is PYTHON else [])]
    names = ", ".join(f'"{name}"' for name in public)
    lines = [HEAD.format(sources=f"templates/{folder}", names=names).rstrip("\n")]
    includes = {source.split("/")[1]: name for source, name in functions.items()}
    for source, name in functions.items():
        tree = environment.parse((TEMPLATES / source).read_text(encoding="utf-8"))
        lines.extend(function(name, tree, includes))
    if environment is PYTHON:
        lines.extend(helpers())
    text = "\n".join(lines) + "\n"
    used = [
        n
        for n in ("Loop", "attribute", "batch", "join", "order")
        if f"{n}(" in text or f"{n}." in text
    ]
    return text.replace("Loop, attribute, batch, join, order", ", ".join(used))


def main() -> None:
    for path in MODULES:
        path.write_text(compile_module(path), encoding="utf-8")


if __name__ == "__main__":
    main()
