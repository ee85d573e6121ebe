"""derivation -> the source of a standalone numeric module in NumPy.

entropy_sum always; elbo, gap and profiled_scales where the expectations have a closed form or are
finite sums, and the last where every parameter that the field moves has a stationary value in
closed form that depends on no other of them.
The text is deterministic; every formula in it is printed from the terms of the derivation.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.numpy_body import Body, Setting
from symelbo.code.numpy_code import Unsupported
from symelbo.code.numpy_layout import WIDTH, lay_out, wrap_text
from symelbo.code.numpy_sizes import least_sizes
from symelbo.criterion.result import Holds
from symelbo.index.terms import Entry, Extent, Role, Symbol
from symelbo.page.summary import motion_texts, where_it_holds
from symelbo.resources import templates_directory
from symelbo.words import join_words

__all__ = ["render_python"]

_DOMAINS = {
    "real": "real",
    "positive": "positive",
    "unit": "strictly between 0 and 1",
    "simplex": "positive, summing to one over the last axis",
    "posdef": "symmetric positive definite in the last two axes",
    "binary": "0 or 1",
    "onehot": "0 or 1",
    "naturals": "whole numbers from 0 on",
    "interval": "between the bounds of its support",
    "counts": "whole numbers from 0 on, with a given sum over the last axis",
    "category": "a category, counted from 1",
    "weights": "non-negative, summing to one over the last axis",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """A keyword argument: dims such as "C D-1", a domain to check, and what the docstring says."""

    name: str
    dims: str
    domain: str
    text: str
    upper: str = ""
    optional: bool = False

    @property
    def annotation(self) -> str:
        """The annotation and default in the signature."""
        kind = {"size": "int", "value": "float", "function": "Callable[..., ArrayLike]"}
        found = kind.get(self.domain, "ArrayLike")
        return f"{found} | None = None" if self.optional else found

    @property
    def shape(self) -> str:
        """(C, D)"""
        dims = self.dims.split()
        return f"({', '.join(dims)}{',' if len(dims) == 1 else ''})"

    @property
    def check(self) -> str:
        """The call that checks the argument."""
        upper = f", {self.upper}" if self.upper else ""
        return f'_array("{self.name}", {self.name}, "{self.dims}", "{self.domain}", sizes{upper})'


@dataclass(frozen=True, slots=True)
class Function:
    """One public function of the module, as lines of source."""

    name: str
    arguments: tuple[Argument, ...]
    summary: tuple[str, ...]  # lines of the docstring before the arguments
    body: tuple[str, ...]
    returns: str = "float"

    @property
    def signature(self) -> str:
        """def name(*, ...) -> float:"""
        end = f") -> {self.returns}:"
        shown = [f"{a.name}: {a.annotation}" for a in self.arguments]
        head = f"def {self.name}("
        line = f"{head}{', '.join(['*', *shown])}{end}" if shown else f"{head}{end}"
        if len(line) <= WIDTH:
            return line
        return "\n".join([head, "    *,", *(f"    {text}," for text in shown), end])

    @property
    def described(self) -> list[str]:
        """The lines of the docstring on the arguments."""
        lines = []
        for argument in self.arguments:
            lines += wrap_text(f"{argument.name}: {argument.text}", 8, 4)
        return lines


def render_python(derivation: Derivation) -> str:
    """The source of the numeric module; "" if no factor has an entropy."""
    if derivation.entropy_sum is None:
        return ""
    setting = Setting(derivation)
    functions = [_entropy_function(setting)]
    try:
        elbo = _elbo_function(setting)
        functions.append(elbo)
        if not derivation.entropy_sum.remainders:
            functions.append(_gap_function(setting, elbo))
    except Unsupported:
        del functions[1:]
    if derivation.verdict == "proved":
        with suppress(Unsupported):
            functions.append(_profile_function(setting))
    return _render(derivation, setting, functions)


# ---------------------------------------------------------------- the functions


def _entropy_function(setting: Setting) -> Function:
    entropy_sum = setting.entropy_sum
    body = Body(setting)
    body.write_entropy_sum()
    if entropy_sum.remainders:
        missing = ", ".join(entropy_sum.remainders)
        summary = [
            "Entropies of q and of the factors that hold, per data point, in nats.",
            f"This is NOT the ELBO at stationary points: the factors of {missing} have no"
            " entropy term, and their mean log-densities are not included.",
        ]
        return _finish(setting, body, "entropy_terms", summary)
    summary = [
        "Entropy sum per data point, in nats.",
        f"Equal to the ELBO where the ELBO is stationary along the motion (see `gap`)"
        f"{_condition(setting.derivation)}; elsewhere it is not a bound.",
    ]
    return _finish(setting, body, "entropy_sum", summary)


def _elbo_function(setting: Setting) -> Function:
    body = Body(setting)
    body.write_elbo()
    summary = ["ELBO per data point, in nats.", body.how_averaged(), body.where_infinite()]
    return _finish(setting, body, "elbo", summary)


def _gap_function(setting: Setting, elbo: Function) -> Function:
    body = Body(setting)
    body.write_gap()
    summary = [
        "ELBO minus entropy sum, per data point, in nats.",
        "Computed as the derivative of the ELBO along the motion",
        *_motion_lines(setting.derivation),
        f"It vanishes at stationary points{where_it_holds(setting.derivation)}.",
        body.where_infinite(),
    ]
    return _finish(setting, body, "gap", summary, elbo.arguments)


def _profile_function(setting: Setting) -> Function:
    body = Body(setting)
    profiled = body.write_profiles()
    names = [setting.names[symbol] for symbol in profiled]
    summary = [
        f"{join_words(names)} where the ELBO is stationary in"
        f" {'it' if len(names) == 1 else 'them'}.",
        "All else is held fixed. `entropy_sum` at these values equals the ELBO there, whatever"
        " the other parameters and q are.",
    ]
    return _finish(setting, body, "profiled_scales", summary, profiled=profiled)


def _condition(derivation: Derivation) -> str:
    where = where_it_holds(derivation).removeprefix(" where ")
    return f" and {where}" if where else ""


def _motion_lines(derivation: Derivation) -> list[str]:
    return [f"    {text}" for text in motion_texts(derivation.worked.motion)]


def _finish(
    setting: Setting,
    body: Body,
    name: str,
    summary: Sequence[str],
    accepted: Sequence[Argument] = (),
    profiled: Sequence[Symbol] = (),
) -> Function:
    """A function with the arguments that its body needs, and those accepted besides."""
    arguments = _arguments(setting, body, name in ("elbo", "gap", "profiled_scales"), profiled)
    own = {argument.name: argument for argument in arguments}
    if accepted:
        others = tuple(own.get(a.name, _as_optional(a)) for a in accepted)
        known = {argument.name for argument in accepted}
        arguments = (*others, *(a for a in arguments if a.name not in known))
    lines = _body_lines(setting, body, arguments)
    if profiled:
        returned = lines.pop()
        for symbol in profiled:
            argument = _symbol_argument(setting, symbol)
            lines += lay_out(f"{argument.name} = {argument.check}", 4)
        lines.append(returned)
    shown: list[str] = []
    for number, paragraph in enumerate(filter(None, summary)):
        hanging = len(paragraph) - len(paragraph.lstrip())
        wrapped = wrap_text(paragraph, 4 + hanging, 4 if hanging else 0)
        shown += [wrapped[0].strip(), *wrapped[1:], ""] if number == 0 else wrapped
    while shown and not shown[-1]:
        shown.pop()
    returns = "dict[str, NDArray[np.float64]]" if profiled else "float"
    return Function(name, arguments, tuple(shown), tuple(lines), returns)


def _arguments(
    setting: Setting, body: Body, with_data: bool, profiled: Sequence[Symbol] = ()
) -> tuple[Argument, ...]:
    """What the body uses, in the order data, parameters, q; the rest of the parameters optional."""
    model, used = setting.model, set(body.printer.used)
    used |= {bound for symbol in used for bound in setting.bounding(symbol)}
    data = [_symbol_argument(setting, s) for s in setting.observed if s in used]
    inputs = [_symbol_argument(setting, s) for s in model.inputs if s in used]
    learned = [
        _symbol_argument(setting, s, optional=s not in used)
        for s in (*model.parameters, *model.constants)
        if s not in profiled
    ]
    functions = [_function_argument(setting, s) for s in model.functions if s in used]
    rest = [_symbol_argument(setting, s) for s in model.variational_symbols if s in used]
    if body.uses_weights and setting.mixture is not None and not setting.computes_q:
        dims = f"{setting.sizes['N!']} {_dims([setting.mixture.extent], setting)}"
        text = f"{_shape_text(dims)}; responsibilities: q[n, c] is the probability that data"
        text += " point n has category c; rows sum to one, zeros are allowed."
        rest.append(Argument(setting.q_name, dims, "weights", text))
    if body.asks_entropy_q:
        text = "mean entropy of q over the data, in nats."
        rest.append(Argument(setting.entropy_q_name, "", "value", text))
    for name, what in body.asked:
        text = f"mean {what}, in nats; its functions are abstract, so it has to be given."
        rest.append(Argument(name, "", "value", text))
    rest += [_symbol_argument(setting, s) for s in setting.latents if s in used]
    if body.uses_weights and setting.mixture is None:
        text = f"shape ({setting.sizes['S!']},) or ({setting.sizes['N!']}, {setting.sizes['S!']});"
        text += " weights of the samples, summing to one over the last axis; 1/S if not given."
        rest.append(Argument(setting.weights_name, "", "samples", text, optional=True))
    given = [*data, *inputs, *learned, *functions, *rest]
    sizes = _unknown_sizes(setting, body, given)
    if not with_data:
        given = [*learned, *sizes, *functions, *data, *inputs, *rest]
    else:
        given = [*data, *inputs, *learned, *sizes, *functions, *rest]
    return tuple(given)


def _unknown_sizes(setting: Setting, body: Body, given: Sequence[Argument]) -> list[Argument]:
    """The sizes that the formulas need and no array determines."""
    known: set[str] = set()
    for argument in given:
        if not argument.optional:
            known |= {dim.split("-")[0].split("+")[0] for dim in argument.dims.split()}
    text = "\n".join([_code_text(body), *(argument.upper for argument in given)])
    return [
        Argument(name, "", "size", "a positive integer; no array above determines it.")
        for size, name in setting.sizes.items()
        if name not in known and _mentions(text, name) and not size.endswith("!")
    ]


def _symbol_argument(setting: Setting, symbol: Symbol, *, optional: bool = False) -> Argument:
    name = setting.names[symbol]
    dims = _dims(symbol.shape, setting)
    if symbol.role in (Role.OBSERVED, Role.INPUT, Role.VARIATIONAL):
        dims = f"{setting.sizes['N!']} {dims}".strip()
    elif symbol.role is Role.LATENT:
        dims = f"{setting.sizes['S!']} {dims}".strip()
    kind = symbol.domain.kind if symbol.domain.kind in _DOMAINS else "real"
    kind = "weights" if symbol in setting.facts.zeros else kind
    upper = setting.upper_bound(symbol) if kind == "category" else ""
    lower, limit = setting.bounds(symbol)
    known = (lower, limit) != ("-np.inf", "np.inf")
    if symbol.domain.kind in ("interval", "angle") or (known and kind in ("positive", "real")):
        kind, upper = "interval", f"{limit}, {lower}"
    elif kind == "naturals" and limit != "np.inf":
        upper = limit
    elif kind == "counts" and not (upper := setting.total(symbol)):
        kind = "naturals"
    what = {
        Role.OBSERVED: "data, ",
        Role.INPUT: "covariates, ",
        Role.VARIATIONAL: "parameters of q, ",
        Role.LATENT: "samples or an enumeration of the latent, ",
        Role.CONSTANT: "a known constant, ",
    }.get(symbol.role, "")
    text = f"{_shape_text(dims)}; {what}{_DOMAINS[kind]}"
    if name != symbol.name:
        text += f" (`{symbol.name}` in the model)"
    text += ". Only checked: the value does not depend on it." if optional else "."
    if optional:
        kind = "real" if kind == "category" else kind
    return Argument(name, dims, kind, text, upper if not optional else "", optional)


def _as_optional(argument: Argument) -> Argument:
    if argument.optional:
        return argument
    text = argument.text.removesuffix(".") + ". Only checked: the value does not depend on it."
    domain = "real" if argument.upper else argument.domain
    return replace(argument, text=text, optional=True, domain=domain, upper="")


def _function_argument(setting: Setting, symbol: Symbol) -> Argument:
    shape = ", ".join(["S", *_dims(symbol.shape, setting).split()])
    text = f"callable; maps the arrays of its arguments to an array of shape ({shape}),"
    text += " the leading axis being that of the samples among them."
    return Argument(setting.names[symbol], "", "function", text)


def _dims(shape: Sequence[Extent], setting: Setting) -> str:
    dims = []
    for extent in shape:
        if extent.size is None:
            dims.append(str(extent.offset))
        else:
            offset = f"{extent.offset:+d}" if extent.offset else ""
            dims.append(setting.sizes[extent.size] + offset)
    return " ".join(dims)


def _shape_text(dims: str) -> str:
    parts = dims.split()
    if not parts:
        return "a number"
    return f"shape ({', '.join(parts)}{',' if len(parts) == 1 else ''})"


# ---------------------------------------------------------------- lines


def _code_text(body: Body) -> str:
    return "\n".join(re.sub(r'"[^"]*"', '""', line.code) for line in body.lines)


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


def _body_lines(setting: Setting, body: Body, arguments: Sequence[Argument]) -> list[str]:
    checks: list[str] = []
    sized = [a for a in arguments if a.domain == "size"]
    needs_sizes = any(a.domain != "value" for a in arguments)
    if needs_sizes:
        pairs = ", ".join(f'"{a.name}": _size("{a.name}", {a.name})' for a in sized)
        checks += lay_out(f"sizes: dict[str, int] = {{{pairs}}}", 4)
    late = [a for a in arguments if a.upper and not a.optional]
    required = [a for a in arguments if not a.optional and not a.upper]
    for argument in (*required, *late):
        if argument.domain == "value":
            checks += lay_out(f'{argument.name} = _number("{argument.name}", {argument.name})', 4)
        elif argument.domain not in ("size", "function"):
            checks += lay_out(f"{argument.name} = {argument.check}", 4)
    for argument in arguments:
        if argument.optional and argument.domain == "samples":
            call = f'_weights("{argument.name}", {argument.name}, "{setting.sizes["N!"]}",'
            call += f' "{setting.sizes["S!"]}", sizes)'
            checks += lay_out(f"{argument.name} = {call}", 4)
        elif argument.optional:
            checks.append(f"    if {argument.name} is not None:")
            check = argument.check
            if argument.domain == "value":
                check = f'_number("{argument.name}", {argument.name})'
            checks += lay_out(check, 8)
    text = _code_text(body)
    passed = {a.name for a in sized}
    checks += _size_checks(setting, [a for a in arguments if not a.optional])
    checks += _degree_checks(setting, [a for a in arguments if not a.optional])
    needed = [n for n in setting.sizes.values() if _mentions(text, n) and n not in passed]
    if needed:
        left = ", ".join(needed)
        right = ", ".join(f'sizes["{name}"]' for name in needed)
        checks += lay_out(f"{left} = {right}", 4)
    lines: list[str] = []
    for line in body.lines:
        if line.comment:
            lines += [f"    # {part.strip()}" for part in wrap_text(line.comment, 6)]
        lines += lay_out(line.code, 4)
    return [*checks, *lines]


def _size_checks(setting: Setting, required: Sequence[Argument]) -> list[str]:
    """A size at which a place of the model does not exist is refused; no place ever wraps."""
    known = {dim.split("-")[0].split("+")[0] for a in required for dim in a.dims.split()}
    known |= {a.name for a in required if a.domain == "size"}
    checks: list[str] = []
    for size, (least, what) in least_sizes(setting.model).items():
        name = setting.sizes[size]
        if name in known:
            checks.append(f'    if sizes["{name}"] < {least}:')
            text = f"{name} must be at least {least}, as the model uses {what}"
            checks += lay_out(f'raise ValueError("{text}")', 8)
    return checks


def _degree_checks(setting: Setting, required: Sequence[Argument]) -> list[str]:
    """The degrees of freedom of a Wishart matrix of K rows exceed K - 1."""
    checks: list[str] = []
    names = {argument.name for argument in required}
    for statement in setting.model.statements:
        if statement.family.name != "Wishart":
            continue
        degrees, rows = statement.argument("dof").body, dict(statement.extents)["K"]
        if not isinstance(degrees, Entry) or (name := setting.names[degrees.symbol]) not in names:
            continue
        least = str(rows.offset) if rows.size is None else f'sizes["{setting.sizes[rows.size]}"]'
        if rows.size is not None and rows.offset:
            least += f" {rows.offset:+d}"
        checks.append(f"    if np.any({name} <= {least} - 1):")
        text = f"{name} must exceed the rows of {statement.node.name} less one"
        checks += lay_out(f'raise ValueError("{text}")', 8)
    return checks


# ---------------------------------------------------------------- the module


def _render(derivation: Derivation, setting: Setting, functions: Sequence[Function]) -> str:
    helpers = _helpers_in("\n".join("\n".join(function.body) for function in functions))
    text = "\n".join([*("\n".join(function.body) for function in functions), *helpers])
    domains = {a.domain for f in functions for a in f.arguments}
    dims = " ".join(a.dims for f in functions for a in f.arguments)
    template = _environment().get_template("module.py.j2")
    return template.render(
        title=_escape(derivation.model.name),
        reference=_escape(derivation.model.reference),
        verdict=_verdict_text(derivation),
        renamed=[f"{new} is `{old}`" for old, new in setting.renamed()],
        version=symelbo.__version__,
        sha256=derivation.model.sha256,
        functions=functions,
        has_elbo=any(function.name == "elbo" for function in functions),
        domains=domains,
        offsets="-" in dims or "+" in dims,
        bounded=any(a.upper for f in functions for a in f.arguments),
        helpers=helpers,
        has_special="special." in text,
        has_zeros="_log(" in text,
        has_callable="function" in domains,
        has_arrays=bool(domains - {"size", "value"}),
        wrap=wrap_text,
    )


def _helpers_in(text: str) -> list[str]:
    """The sources of the helpers that a text calls, and of those that they call, in order."""
    sources, wanted = _helper_sources(), [text]
    found: set[str] = set()
    while wanted:
        called = set(re.findall(r"(?<![\w.])_\w+(?=\()", wanted.pop())) & sources.keys() - found
        wanted += [sources[name] for name in sorted(called)]
        found |= called
    return [source for name, source in sources.items() if name in found]


@lru_cache(maxsize=1)
def _helper_sources() -> dict[str, str]:
    """name -> source of every function that modules may need."""
    text = (templates_directory() / "python" / "helpers.py").read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


def _verdict_text(derivation: Derivation) -> str:
    if derivation.verdict == "proved":
        form = {1: "entropies", 2: "pseudo-entropies relative to the base measures"}
        return (
            f"Verdict: proved (Theorem {derivation.theorem}). The ELBO and the entropy sum, made of"
            f" {form[derivation.theorem or 1]}, are equal at stationary points"
            f"{where_it_holds(derivation)}."
        )
    failing = ", ".join(
        f"{r.node} ({r.verdict})" for r in derivation.factors if not isinstance(r.result, Holds)
    )
    return (
        f"Verdict: {derivation.verdict}. The ELBO is not shown to equal a sum of entropies at"
        f" stationary points; factors without an entropy: {failing}."
    )


def _escape(text: str) -> str:
    """Any text -> one printable line that cannot end a docstring, escape or continue a line."""
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return shown.replace("\\", "\\\\").replace('"', '\\"')


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(templates_directory() / "python"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
