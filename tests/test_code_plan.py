"""The plan of a module: evaluated as it stands it is what the module computes; and its parts."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from defined import define

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.array_module import render_plan
from symelbo.code.draft import Draft
from symelbo.code.facts import find_facts
from symelbo.code.lay_out_python import (
    WIDTH,
    Expression,
    Level,
    call,
    chain,
    expression,
    lay_out,
    lay_out_error,
    negative,
    wrap_text,
)
from symelbo.code.lower import Lowering
from symelbo.code.moments_of_q import find_moments_of_q
from symelbo.code.ops import Axes
from symelbo.code.plan import (
    Average,
    Exceeds,
    Function,
    Least,
    Plan,
    Ratio,
    Solve,
    Total,
    Unsupported,
    Value,
    symbols_in,
    terms_in,
)
from symelbo.code.plan_module import plan_module
from symelbo.code.print_arrays import ArrayPrinter
from symelbo.code.print_example import print_example
from symelbo.code.rearrange import is_affine_in, map_unfolded
from symelbo.code.setting import Setting
from symelbo.index.build import ONE, add, mul, number, power
from symelbo.index.domains import Real
from symelbo.index.name_residuals import name_residuals
from symelbo.index.normal import is_zero
from symelbo.index.substitute import free_indices, replace_symbols
from symelbo.index.terms import (
    Add,
    Array,
    Call,
    Entry,
    Extent,
    Index,
    Mul,
    Number,
    Origin,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.model.least_sizes import find_least_sizes
from symelbo.trial.evaluate import World, evaluate

ROOT = Path(__file__).resolve().parents[1]
STEMS = sorted(path.stem for path in (ROOT / "models").glob("*.yaml"))
Spec = dict[str, Any]
Values = dict[str, Any]


@cache
def derivation_of(stem: str) -> Derivation:
    return symelbo.derive(ROOT / "models" / f"{stem}.yaml")


def plan_of(derivation: Derivation) -> Plan:
    plan = plan_module(derivation)
    assert plan is not None
    return plan


# ---------------------------------------------------------------- a plan is evaluated as it stands


def _world(values: Values, sizes: dict[str, int]) -> World:
    entries = {
        (name, tuple(place + 1 for place in where)): float(value)
        for name, given in values.items()
        for where, value in np.ndenumerate(np.asarray(given))
    }
    return World(sizes, entries)


def _at_every_place(term: Term, axes: Axes, values: Values, sizes: dict[str, int]) -> Any:
    plain, world = define(term), _world(values, sizes)
    ranges = [range(a.low, world.length(a.extent) + 1) for a in axes]
    found = [
        evaluate(plain, world, dict(zip(axes, where, strict=True))).value
        for where in itertools.product(*ranges)
    ]
    return np.reshape(found, [len(places) for places in ranges])


def value_of(value: Value, axes: Axes, values: Values, sizes: dict[str, int]) -> Any:
    """By the definitions in `plan`, from plain sums"""
    match value:
        case Average(term, data, over, weights, kept, _, by):
            rest = (a for a in axes if a not in (data, over))
            inner = (data, *(() if over is None else (over,)), *rest)
            found = _at_every_place(term, inner, values, sizes)
            if by is not None:
                found = np.moveaxis(np.moveaxis(found, 0, -1) * values[by.name], -1, 0)
            if weights is None:
                return found if data in kept else found.mean(axis=0)
            q = values[weights.name]
            q = q if q.ndim == 2 else np.tile(q, (len(found), 1))  # means over the data already
            weighed = q.reshape(*q.shape, *(1 for _ in inner[2:])) * found
            if data in kept:  # no samples are shared: the terms of the sum over n
                return np.transpose(weighed, [inner.index(a) for a in axes]) / len(q)
            if over in kept:
                order = [a for a in inner if a != data]
                mean = weighed.mean(axis=0)
                return np.transpose(mean, [order.index(a) for a in axes])
            return weighed.sum(axis=1).mean(axis=0)
        case Total(parts):
            signs = [-1 if negative else 1 for negative, _ in parts]
            found = [value_of(part, axes, values, sizes) for _, part in parts]
            return sum(sign * part for sign, part in zip(signs, found, strict=True))
        case Ratio(above, below):
            return value_of(above, axes, values, sizes) / value_of(below, axes, values, sizes)
        case Solve(matrix, _, right):
            found = _at_every_place(right, axes, values, sizes)
            inverse = np.linalg.inv(np.atleast_2d(values[matrix.name]))
            return (np.atleast_2d(found.T).T @ inverse).reshape(found.shape)
    assert isinstance(value, Term)
    return _at_every_place(value, axes, values, sizes)


def computed(function: Function, given: Values, sizes: dict[str, int]) -> Any:
    """What a function returns, from its statements alone"""
    values = dict(given)
    for statement in function.statements:
        found = value_of(statement.value, statement.axes, values, sizes)
        assert np.shape(found) == tuple(
            _world({}, sizes).length(a.extent) - a.low + 1 for a in statement.axes
        )
        values[statement.target.name] = found
    if function.result is None:
        return {result.name: values[result.name] for result in function.results}
    return float(value_of(function.result, (), values, sizes))


@pytest.mark.parametrize("stem", STEMS)
def test_a_plan_is_what_the_module_computes(stem: str) -> None:
    derivation = derivation_of(stem)
    given, plan = Arguments(derivation, 3, own=True), plan_of(derivation)
    q = np.random.default_rng(0).uniform(0.1, 1, np.shape(given.get("q", ())))
    if "q" in given:
        given["q"] = q / q.sum(axis=-1, keepdims=True)
    for symbol, name in Setting(derivation).names.items():
        if symbol.domain.kind == "naturals":
            given[name] = given[name] + 1  # 0 log 0 has no plain value
    sizes = {size: given[name] for size, name in plan.sizes.items() if name in given}
    setting = Setting(derivation)
    for axis, length in zip((setting.data, setting.samples), given["weights"].shape, strict=True):
        sizes[str(axis.extent)] = length
    sizes[setting.sets] = sizes[str(setting.data.extent)]
    for function in plan.functions:
        for argument in function.arguments:
            given.setdefault(argument.name, 0.7)  # the mean of what is abstract
        emitted = getattr(derivation.function(), function.name)
        wanted = emitted(**{a.name: given[a.name] for a in function.arguments})
        found = computed(function, given, sizes)
        if isinstance(found, dict):
            assert found.keys() == wanted.keys()
            for name, value in found.items():
                assert np.allclose(value, wanted[name], rtol=1e-9)
        else:
            assert np.isclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize("stem", STEMS)
def test_a_plan_is_closed(stem: str) -> None:
    """Only arguments and what was assigned before is read; every required array is read."""
    derivation = derivation_of(stem)
    plan, setting = plan_of(derivation), Setting(derivation)
    for function in plan.functions:
        known = {argument.name for argument in function.arguments}
        read: set[str] = set()
        values = [(s.value, s.axes) for s in function.statements]
        values += [] if function.result is None else [(function.result, ())]
        for n, (value, axes) in enumerate(values):
            names = {s.name for s in symbols_in(value) if s.role is not Role.HIDDEN}
            assert names <= known
            read |= names
            if n < len(function.statements):
                statement = function.statements[n]
                assert len(axes) == len(statement.target.shape)
                known.add(statement.target.name)
            for term in terms_in(value):
                assert free_indices(term) <= {*axes, setting.data, setting.samples, setting.over}
        for statement in function.statements:
            assert statement.target.name in read | {r.name for r in function.results}
        bounds = {
            part.symbol.name
            for a in function.arguments
            for bound in (a.lower, a.upper)
            if isinstance(bound, Entry)
            for part in (bound,)
        }
        for argument in function.arguments:
            needed = argument.kind == "size" or argument.name in read | bounds
            may_be_left_out = argument.kind in ("samples", "size")
            assert needed != argument.optional or may_be_left_out, argument.name


@pytest.mark.parametrize("stem", STEMS)
def test_what_is_imported_is_used(stem: str) -> None:
    source = render_plan(plan_of(derivation_of(stem)))
    tree = ast.parse(source)
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert imported - {"annotations"} <= names
    assert all(len(line) <= WIDTH for line in source.splitlines())


def test_an_example_gives_what_is_needed_and_no_more() -> None:
    """Each function at its own arguments; those that are only checked are left out."""
    lines = print_example(plan_of(derivation_of("ppca")))
    assigned = [line.removeprefix(">>> ").partition(" = ")[0] for line in lines if " = " in line]
    assert assigned == ["rng", "x", "W", "mu", "sigma2", "F", "S", "G"]
    assert ">>> S = entropy_sum(W=W, sigma2=sigma2)" in lines
    assert lines[-2:] == [">>> bool(np.isclose(F, S + G))", "True"]


# ---------------------------------------------------------------- settings and facts


def derive(**changed: Any) -> Derivation:
    spec: Spec = {
        "name": "Normal",
        "sizes": ["D"],
        "parameters": {"mu": "real[D]", "s2": "positive"},
        "model": ["x[d] ~ Normal(mu[d], s2) for d in 1:D"],
        "observed": ["x"],
        **changed,
    }
    return symelbo.derive(spec)


def test_names_are_free_in_the_module() -> None:
    derivation = derive(
        sizes=["N"],
        parameters={"np": "real[N]", "lambda": "positive"},
        model=["special[d] ~ Normal(np[d], lambda) for d in 1:N"],
        observed=["special"],
    )
    setting = Setting(derivation)
    assert sorted(setting.names.values()) == ["lambda_", "np_", "special_"]
    assert setting.sizes == {"N": "N", "N_": "N_", "S": "S", "sets": "sets"}
    assert setting.renamed() == (("np", "np_"), ("lambda", "lambda_"), ("special", "special_"))
    (data,) = (v for s, v in setting.variables.items() if s.role is Role.OBSERVED)
    assert data.batch == (setting.data,) and data.symbol.shape == (setting.data.extent, Extent("N"))
    x = np.array([[1.0, 2.0], [0.0, 1.0]])
    given = {"special_": x, "np_": [0.5, 0.5], "lambda_": 2.0}
    wanted = np.mean(np.sum(-0.5 * np.log(4 * np.pi) - (x - 0.5) ** 2 / 4, axis=1))
    assert np.isclose(derivation.function().elbo(**given), wanted)


def test_the_axis_of_categories() -> None:
    mixture = Setting(derivation_of("gmm_scalar"))
    assert mixture.mixture == Index("c", Extent("C"), origin=Origin.PLANNED) == mixture.over
    assert mixture.weights.shape == (mixture.data.extent, Extent("C"))
    sampled = Setting(derivation_of("sbn"))
    assert sampled.over == sampled.samples
    assert not mixture.computes_q


def test_facts_of_simplexes_totals_and_bounds() -> None:
    facts = find_facts(derivation_of("gmm_scalar").model)
    assert {symbol.name for symbol in facts.zeros} == {"pi"}
    counts = derive(
        sizes=["K"],
        parameters={"p": "simplex[K]"},
        model=["x ~ Multinomial(9, p)"],
    )
    facts = find_facts(counts.model)
    ((symbol, total),) = facts.totals
    assert symbol.name == "x" and total.body == number(9)
    assert {s.name for s in facts.zeros} == {"p"}
    pareto = derive(
        parameters={"a": "positive"},
        constants={"m": "positive"},
        model=["x[d] ~ Pareto(m, a) for d in 1:D"],
    )
    (bounds,) = (ends for s, ends in find_facts(pareto.model).bounds if s.name == "x")
    assert bounds[0] is not None and bounds[0].body == Entry(pareto.model.constants[0])
    assert bounds[1] is None
    x = Setting(pareto)
    assert {s.name for s in x.bounding(x.observed[0])} == {"m"}
    # a simplex that is an argument of another kind has entries that are not 0
    other = derive(parameters={"mu": "simplex[D]", "s2": "positive"})
    assert not find_facts(other.model).zeros


def test_least_sizes_of_places_and_ranges() -> None:
    series = derive(
        sizes=["T"],
        parameters={"a": "real", "s2": "positive"},
        model=[
            "x[1] ~ Normal(0, s2)",
            "x[2] ~ Normal(a, s2)",
            "x[t] ~ Normal(a*x[t-2], s2) for t in 3:T",
        ],
    )
    least = find_least_sizes(series.model.statements)
    assert least["T"][0] == 2 and least.keys() == {"T"}
    conditions = plan_of(series).functions[0].conditions
    assert [c for c in conditions if isinstance(c, Least)] == [Least("T", *least["T"])]
    assert find_least_sizes(derivation_of("ppca").model.statements) == {}


def test_least_sizes_of_a_density_of_the_users_own() -> None:
    tail = derive(
        sizes=["D"],
        parameters={"b": "real[D]"},
        families={
            "Tail": {
                "parameters": {"m": "real[D]"},
                "value": "x",
                "support": "real",
                "log_density": "-(x - sum(m[j] for j in 4:D))**2/2 - log(2*PI)/2",
            }
        },
        model=["x ~ Tail(b)"],
    )
    assert tail.verdict == "proved"
    assert find_least_sizes(tail.model.statements) == {"D": (3, "the range 4:D")}


def test_degrees_of_freedom_exceed_the_rows() -> None:
    wishart = derive(
        sizes=["K"],
        parameters={"V": "posdef[K,K]", "nu": "positive"},
        model=["x ~ Wishart(nu, V)"],
    )
    plan = plan_of(wishart)
    elbo = next(f for f in plan.functions if f.name == "elbo")
    assert Exceeds("nu", Extent("K", -1)) in elbo.conditions


def test_moments_of_a_declared_q() -> None:
    closed = find_moments_of_q(derivation_of("linear_vae").model)
    assert closed is not None and closed.normal
    ((latent, mean),), ((_, covariance),) = closed.means, closed.covariances
    assert latent.name == "z" and len(mean.indices) == 1 and len(covariance.indices) == 1
    assert find_moments_of_q(derivation_of("ppca").model) is None  # exact, not declared
    assert find_moments_of_q(derivation_of("sbn").model) is None


# ---------------------------------------------------------------- terms


D = Extent("D")
d = Index("d", D)


def symbol(name: str, role: Role = Role.PARAMETER, shape: tuple[Extent, ...] = (D,)) -> Symbol:
    return Symbol(name, role, Real(), shape)


def test_placed_terms_have_the_axes_of_data_and_samples() -> None:
    setting = Setting(derivation_of("sbn"))
    draft = Draft(setting)
    for node, variable in setting.variables.items():
        index = tuple(Index(f"k{n}", extent) for n, extent in enumerate(node.shape))
        placed = draft.place(Entry(node, index))
        assert free_indices(placed) == {*variable.batch, *index}
    with pytest.raises(Unsupported, match="has no value here"):
        draft.place(Entry(symbol("unheard_of"), (d,)))


def test_a_variable_is_assigned_once_per_value() -> None:
    setting = Setting(derivation_of("ppca"))
    draft = Draft(setting)
    (x,) = setting.observed
    whole = Array((d,), add(Entry(x, (d,)), ONE))
    names = [draft.name_array("m", Real(), whole).body for _ in range(2)]
    assert names[0] == names[1] and len(draft.statements) == 1
    (statement,) = draft.statements
    assert statement.axes == (setting.data, d) and statement.target.name == "m"
    other = Array((d,), add(Entry(x, (d,)), number(2)))
    draft.name_array("m", Real(), other)
    assert [s.target.name for s in draft.statements] == ["m", "m_"]
    mean = draft.assign("unused", ONE)
    assert [s.target.name for s in draft.live_statements([mean])] == ["unused"]


def nested(leaf: Term, layers: int) -> Term:
    """t -> tanh(t) + t sin(t), so many times: a graph of few nodes, a tree of very many"""
    for _ in range(layers):
        leaf = add(Call("tanh", (leaf,)), mul(leaf, Call("sin", (leaf,))))
    return leaf


def test_a_graph_is_planned_as_a_graph() -> None:
    """What is repeated in a large term is assigned once; the text grows with the layers."""
    setting = Setting(derivation_of("ppca"))
    (mu,) = (symbol for symbol in setting.names if symbol.name == "mu")
    printer, lengths = ArrayPrinter(setting.sizes), {}
    for layers in (8, 16, 32):
        draft = Draft(setting)
        index = Index("d", mu.shape[0])
        result = draft.assign_placed(
            "result", draft.place(nested(Entry(mu, (index,)), layers)), (index,)
        )
        statements = draft.live_statements([result])
        lowering, values = Lowering(draft.leading), {"xp": np, "mu": np.array([0.3, -1.2])}
        lengths[layers] = 0
        for statement in statements:
            text = printer.text(lowering.value(statement.value, statement.axes))
            lengths[layers] += len(text)
            values[statement.target.name] = eval(text, values)
        wanted = values["mu"]
        for _ in range(layers):
            wanted = np.tanh(wanted) + wanted * np.sin(wanted)
        assert np.allclose(values["result"], wanted)
    assert lengths[32] - lengths[16] < 2.2 * (lengths[16] - lengths[8])
    assert lengths[8] < 2000


def test_residuals_by_name_and_back() -> None:
    x, mu = Entry(symbol("x", Role.OBSERVED), (d,)), Entry(symbol("mu"), (d,))
    residual = add(x, mul(number(-1), mu))
    named, found = name_residuals(mul(number(3), power(residual, 2)))
    ((name, array),) = found.items()
    assert named == mul(number(3), power(Entry(name, (d,)), 2))
    assert is_zero(add(residual, mul(number(-1), replace_symbols(Entry(name, (d,)), found))))
    assert len(array.indices) == 1
    assert name_residuals(add(mu, ONE)) == (add(mu, ONE), {})
    # an argument of a family of the user's own has the name, and keeps it
    own = Entry(Symbol(name.name, Role.ARGUMENT, Real()))
    named, found = name_residuals(mul(own, power(add(x, mul(number(-1), own)), 2)))
    assert found.keys().isdisjoint({own.symbol}) and own in named.parts()


def test_affine_in_marked_symbols() -> None:
    mark, other = symbol("m", shape=()), symbol("o", shape=())
    latent = symbol("z", Role.LATENT, ())
    marks = frozenset((mark,))
    m, o, z = Entry(mark), Entry(other), Entry(latent)
    assert is_affine_in(add(m, mul(o, z)), marks)
    assert is_affine_in(mul(number(2), o, add(m, ONE)), marks)
    assert not is_affine_in(mul(m, z), marks)
    assert not is_affine_in(power(m, 2), marks)


def test_mapping_without_folding() -> None:
    """Parts are mapped, and stay in their order, even where `build` would fold them."""
    a, b = Entry(symbol("a", shape=())), Entry(symbol("b", shape=()))
    whole = Mul((b, a, Add((b, a))))
    assert map_unfolded(whole, lambda part: part) == whole
    assert map_unfolded(Mul((a, b)), lambda part: Number(number(1).value)) == Mul((ONE, ONE))
    assert map_unfolded(Size("D"), lambda part: ONE) == Size("D")


# ---------------------------------------------------------------- lines


BINARY: dict[type[ast.operator], tuple[str, Level]] = {
    ast.Add: ("+", Level.SUM),
    ast.Sub: ("-", Level.SUM),
    ast.Mult: ("*", Level.PRODUCT),
    ast.Div: ("/", Level.PRODUCT),
    ast.MatMult: ("@", Level.PRODUCT),
    ast.Pow: ("**", Level.POWER),
}


def tree(node: ast.expr) -> Expression:
    """What Python reads, as a tree that can be laid out."""
    match node:
        case ast.BinOp(left, operator, right):
            sign, level = BINARY[type(operator)]
            first, second = tree(left), tree(right)
            if isinstance(left, ast.Name) and level is Level.POWER:
                return expression(f"{first.text}**{second.text}", level=level)
            if level is Level.POWER:
                return chain(level, [("", first.at(Level.ATOM)), (sign, second.at(Level.ATOM))])
            if isinstance(left, ast.BinOp) and BINARY[type(left.op)][1] is level is Level.SUM:
                return chain(level, [*first.operands, (sign, second.at(Level.PRODUCT))])
            if first.text.startswith("-"):  # the sign of the whole product
                first = first._replace(level=Level.PRODUCT)
            return chain(level, [("", first.at(level)), (sign, second.at(Level(level + 1)))])
        case ast.UnaryOp(ast.USub(), operand):
            return negative(tree(operand).at(Level.PRODUCT))
        case ast.Call(function, arguments, keywords):
            items = [*map(tree, arguments), *(f"{k.arg}={tree(k.value).text}" for k in keywords)]
            brackets = call("", *items).parts[1:]
            return expression(*tree(function).parts, *brackets)
        case ast.Attribute(operand, name):
            return expression(*tree(operand).parts, f".{name}")
        case ast.Subscript(operand):
            place = ast.unparse(node).removeprefix(ast.unparse(operand))
            return expression(*tree(operand).parts, place)
    return expression(ast.unparse(node).replace("'", '"'))


STATEMENTS = [
    "x = a + b",
    f"value = {' + '.join(f'term{n} * factor{n}' for n in range(12))}",
    f"value = np.sum({' - '.join(f'np.log(term{n}[:, None])' for n in range(9))}, axis=-1)",
    f"value = float({' * '.join(f'(first{n} + second{n})' for n in range(7))} - other / more)",
    f'value = -{"long" * 8}.mean(axis=0) @ np.einsum("nci,ncj->nij", residual, {"m" * 40})',
    f"value = -({'base' * 9}**power) * np.exp({'long' * 9}) / (np.sqrt(one) * np.sqrt(other))",
    f"value = one + ({' + '.join(f'np.log(term{n})' for n in range(9))}) ** power - other",
    f"value = first * second - np.logaddexp({'long' * 9}, {'base' * 9}[:, None])",
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("indent", [4, 8])
def test_lines_are_those_of_a_formatter(statement: str, indent: int) -> None:
    (read,) = ast.parse(statement).body
    assert isinstance(read, ast.Assign)
    body = tree(read.value)
    assert ast.dump(ast.parse(body.text)) == ast.dump(ast.parse(statement.partition(" = ")[2]))
    head = statement.partition(" = ")[0] + " = "
    lines = lay_out(head, body, indent)
    assert all(len(line) <= WIDTH for line in lines)
    assert formatted(lines, indent) == lines


def formatted(lines: Sequence[str], indent: int) -> list[str]:
    """The lines as a formatter leaves them."""
    blocks = ["    " * n + "if True:\n" for n in range(indent // 4)]
    source = "".join(blocks) + "\n".join(lines) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={WIDTH}", "-"]
    shown = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[len(blocks) :]


def test_written_modules_are_as_a_formatter_leaves_them() -> None:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={WIDTH}"]
    modules = sorted(Path(__file__).parents[1].glob("output/*/*.py"))
    assert len(modules) > 20
    subprocess.run([*command, "--check", *map(str, modules)], check=True)


LONG = " * ".join(["residual"] * 6)
WIDER = f"{LONG} + {'a' * 32}"
STATEMENTS = [
    f"-0.5 * ({LONG}) ** 2 - 0.5 * ({LONG}) ** 2",
    f"-0.5 * ({LONG}) ** 2 - 0.5 * ({LONG})",
    f"-np.sum({LONG}) - np.sum({LONG})",
    f"np.sum({LONG}) - 0.5 * np.sum({LONG}) / s",
    f"a * np.sum({LONG}) * np.sum({LONG})",
    f"np.sum({LONG}) * np.sum({LONG} + {LONG})",
    f"np.sum({LONG} + {LONG}) * np.sum({LONG} + {LONG})",
    f"np.sum({WIDER})[None] - np.sum({LONG} + {LONG})",
    f"np.sum({WIDER}) - np.sum({LONG}) * {'b' * 20}",
    f"np.sum({WIDER}) - {'b' * 20}",
    f"{'b' * 20} - np.sum({WIDER}) * c",
    f"np.sum({WIDER}) * c - {'b' * 20}",
    f"np.sum({LONG}, axis={'a' * 22}) * (c - {'b' * 20}) - 0.5 * np.sum({'d' * 73}) + c",
]


def test_statements_are_broken_as_a_formatter_breaks_them() -> None:
    lines = ["def f():\n"]
    for text in STATEMENTS:
        (read,) = ast.parse(text).body
        assert isinstance(read, ast.Expr)
        lines += [f"{line}\n" for line in lay_out("value = ", tree(read.value), 4)]
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={WIDTH}", "-"]
    given = "".join(lines)
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    assert given.splitlines() == done.stdout.splitlines()


@pytest.mark.parametrize("count", [1, 5, 30])
def test_a_message_is_whole_whatever_is_in_it(count: int) -> None:
    text = ", ".join([f"the size_{'x' * 40} must be at least 2 - 1"] * count)
    lines = lay_out_error(text, 8)
    (statement,) = ast.parse("\n".join(line[8:] for line in lines)).body
    assert isinstance(statement, ast.Raise) and isinstance(statement.exc, ast.Call)
    assert ast.literal_eval(statement.exc.args[0]) == text
    assert all(len(line) <= WIDTH for line in lines)


def test_long_names_of_sizes_give_a_module_that_compiles() -> None:
    size = "a_very_long_name_of_a_size_that_is_allowed"
    spec = {
        "name": "long names",
        "sizes": [size],
        "parameters": {"mu": f"real[{size}]"},
        "model": [f"x ~ Normal(sum(mu[i] for i in 12:{size}), 1)"],
        "observed": "x",
    }
    module = symelbo.derive(spec).function()
    with pytest.raises(ValueError, match=f"{size} must be at least 11, as the model uses"):
        module.elbo(x=[0.0], mu=np.zeros(3))


def test_words_are_wrapped() -> None:
    text = "one two three " * 20
    lines = wrap_text(text, 4, 2)
    assert " ".join(lines).split() == text.split()
    assert lines[0].startswith("    o") and all(line.startswith(" " * 6) for line in lines[1:])
    assert max(map(len, lines)) <= WIDTH and wrap_text("", 3) == ["   "]
