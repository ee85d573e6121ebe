"""Which places may depend on which: earlier ones in one order, for all sizes; and q likewise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest

import symelbo
from symelbo.errors import SpecError
from symelbo.index.build import add
from symelbo.index.normal import to_poly
from symelbo.index.substitute import replace_index
from symelbo.index.terms import Array, Entry, Extent, Index, Offset, Position, Symbol
from symelbo.model.model import Model, Statement
from symelbo.model.order_places import find_place_cycle
from symelbo.model.read_model import read_model
from symelbo.model.strong_components import find_way_round, strong_components
from symelbo.trial.evaluate import World, evaluate
from symelbo.values import replace
from tests.oracle.compare import disagreement, run_symelbo
from tests.oracle.rank import decide
from tests.oracle.spec import read
from tests.tiled import tiled_series


def spec(*model: str, observed: str = "x", **more: Any) -> dict[str, Any]:
    return {
        "name": "order",
        "sizes": ["T", "D"],
        "parameters": {"w": "real", "v": "real", "s": "positive"},
        "model": list(model),
        "observed": observed.split(),
        **more,
    }


# statements, and the order in which they are in the model
IN_ORDER: dict[str, tuple[tuple[str, ...], str]] = {
    "a chain": (("x[1] ~ Normal(0, s)", "x[t] ~ Normal(w*x[t-1], s) for t in 2:T"), "x[1] x[t]"),
    "the start last": (
        ("x[t] ~ Normal(w*x[t-1], s) for t in 2:T", "x[1] ~ Normal(0, s)"),
        "x[t] x[1]",
    ),
    "a star": (("x[1] ~ Normal(0, s)", "x[t] ~ Normal(w*x[1], s) for t in 2:T"), "x[1] x[t]"),
    "literal places": (
        ("x[1] ~ Normal(x[3], s)", "x[2] ~ Normal(x[1] + x[3], s)", "x[3] ~ Normal(0, s)"),
        "x[1] x[2] x[3]",
    ),
    "later places": (
        ("x[4] ~ Normal(0, s)", "x[t] ~ Normal(w*x[t+1], s) for t in 1:3"),
        "x[4] x[t]",
    ),
    "a sum over the first places": (
        (
            "x[t] ~ Normal(0, s) for t in 1:2",
            "x[t] ~ Normal(sum(x[k] for k in 1:2), s) for t in 3:T",
        ),
        "x[1:2] x[3:T]",
    ),
    "across two arrays": (
        (
            "x[1] ~ Normal(0, s)",
            "y[1] ~ Normal(0, s)",
            "x[t] ~ Normal(w*y[t-1], s) for t in 2:T",
            "y[t] ~ Normal(v*x[t-1], s) for t in 2:T",
        ),
        "x[1] y[1] x[t] y[t]",
    ),
    "two arrays, one of them at once": (
        (
            "y[t] ~ Normal(v*x[t], s) for t in 1:T",
            "x[1] ~ Normal(0, s)",
            "x[t] ~ Normal(w*y[t-1], s) for t in 2:T",
        ),
        "y x[1] x[t]",
    ),
    "ahead in one array, behind in the other": (
        (
            "x[t] ~ Normal(0, s) for t in 1:3",
            "y[t] ~ Normal(x[t+2], s) for t in 1:T-2",
            "x[t] ~ Normal(y[t-3], s) for t in 4:T",
        ),
        "x[1:3] y x[4:T]",
    ),
    "through a deterministic quantity": (
        (
            "a[t] = w*x[t-1] for t in 2:T",
            "x[1] ~ Normal(0, s)",
            "x[t] ~ Normal(a[t], s) for t in 2:T",
        ),
        "x[1] x[t]",
    ),
    "through a quantity that has a start": (
        (
            "a[1] = w",
            "a[t] = w*x[t-1] for t in 2:T",
            "x[1] ~ Normal(a[1], s)",
            "x[t] ~ Normal(a[t], s) for t in 2:T",
        ),
        "x[1] x[t]",
    ),
    "through a quantity that is read at all places": (
        (
            "x[t] ~ Normal(a[t], s) for t in 1:T",
            "a[1] = w",
            "a[t] = w*x[t-1] for t in 2:T",
        ),
        "x",
    ),
    "through two quantities": (
        (
            "a[1] = w",
            "a[t] = b[t] + v for t in 2:T",
            "b[t] = w*x[t-1] for t in 2:T",
            "x[t] ~ Normal(a[t], exp(a[t])) for t in 1:T",
        ),
        "x",
    ),
    "a grid": (
        (
            "x[1,d] ~ Normal(0, s) for d in 1:D",
            "x[t,d] ~ Normal(sum(x[t-1,e] for e in 1:D), s) for t in 2:T, d in 1:D",
        ),
        "x[1,d] x[t,d]",
    ),
    "one axis after the other": (
        (
            "x[1,d] ~ Normal(0, s) for d in 1:D",
            "y[t,1] ~ Normal(x[t,1], s) for t in 1:T",
            "y[t,d] ~ Normal(y[t,d-1] + x[t,d], s) for t in 1:T, d in 2:D",
            "x[t,d] ~ Normal(y[t-1,D], s) for t in 2:T, d in 1:D",
        ),
        "x[1,d] y[t,1] y[t,d] x[t,d]",
    ),
    "a border of its own": (
        (
            "x[1,1] ~ Normal(0, s)",
            "x[t,1] ~ Normal(w*x[t-1,1], s) for t in 2:T",
            "x[1,d] ~ Normal(w*x[1,d-1], s) for d in 2:D",
            "x[t,d] ~ Normal(w*x[t-1,d] + v*x[t,d-1], s) for t in 2:T, d in 2:D",
        ),
        "x[1,1] x[t,1] x[1,d] x[t,d]",
    ),
    "rows first": (
        (
            "x[t,d] ~ Normal(x[1,1] + x[t-1,D], s) for t in 2:T, d in 1:D",
            "x[1,1] ~ Normal(0, s)",
            "x[1,d] ~ Normal(x[1,d-1], s) for d in 2:D",
        ),
        "x[t,d] x[1,1] x[1,d]",
    ),
    "backward": (
        ("x[t] ~ Normal(w*x[t+1], s) for t in 1:T-1", "x[T] ~ Normal(0, s)"),
        "x[t] x[T]",
    ),
    "from both ends": (
        (
            "x[1] ~ Normal(0, s)",
            "x[t] ~ Normal(w*(x[t-1] + x[T]), s) for t in 2:T-1",
            "x[T] ~ Normal(x[1], s)",
        ),
        "x[1] x[t] x[T]",
    ),
    "a category of the place before": (
        (
            "c[1] ~ Categorical(p)",
            "c[t] ~ Categorical(A[c[t-1]]) for t in 2:T",
            "x[t] ~ Normal(m[c[t]], s) for t in 1:T",
        ),
        "c[1] c[t] x",
    ),
}


@pytest.mark.parametrize("name", IN_ORDER)
def test_places_in_an_order(name: str) -> None:
    statements, labels = IN_ORDER[name]
    parameters = {"p": "simplex[3]", "A": "simplex[3,3]", "m": "real[3]"}
    model = spec(*statements, parameters=parameters | spec()["parameters"])
    model["observed"] = sorted({text.split("[")[0] for text in statements if "~" in text} & {*"xy"})
    read = read_model(model)
    assert [statement.label for statement in read.statements] == labels.split()


# statements, and what is said of them
CYCLES: dict[str, tuple[tuple[str, ...], str]] = {
    "each reads the other": (
        (
            "x[1] ~ Normal(0, s)",
            "x[t] ~ Normal(y[t], s) for t in 2:T",
            "y[t] ~ Normal(x[t], s) for t in 1:T",
        ),
        "the cycle x[2] -> y[2] -> x[2]; expected every place to depend on earlier ones only",
    ),
    "itself": (
        ("x[1] ~ Normal(0, s)", "x[t] ~ Normal(w*x[t], s) for t in 2:T"),
        "the cycle x[2] -> x[2]",
    ),
    "the last place": (
        ("x[1] ~ Normal(0, s)", "x[t] ~ Normal(w*x[T], s) for t in 2:T"),
        "the cycle x[2] -> x[2]",
    ),
    "all places": (
        ("x[1] ~ Normal(0, s)", "x[t] ~ Normal(sum(x[k] for k in 1:T), s) for t in 2:T"),
        "the cycle x[2] -> x[2]",
    ),
    "literal places": (
        (
            "x[1] ~ Normal(x[2], s)",
            "x[2] ~ Normal(x[3], s)",
            "x[3] ~ Normal(x[1], s)",
            "x[4] ~ Normal(0, s)",
        ),
        "the cycle x[1] -> x[3] -> x[2] -> x[1]",
    ),
    "a category of its own place": (
        (
            "c[1] ~ Categorical(p)",
            "c[t] ~ Categorical(A[c[t]]) for t in 2:T",
            "x[t] ~ Normal(m[c[t]], s) for t in 1:T",
        ),
        "the cycle c[2] -> c[2]",
    ),
    "a quantity of the same place": (
        (
            "a[1] = w",
            "a[t] = w*x[t] for t in 2:T",
            "x[t] ~ Normal(a[t], s) for t in 1:T",
        ),
        "the cycle x[2] -> x[2]",
    ),
    "a loop of a quantity that is called like one of the statement": (
        (
            "x[t,1] ~ Normal(0, s) for t in 1:T",
            "a[t] = sum(w*x[t,k-1] for k in 2:3) for t in 1:T",
            "x[t,k] ~ Normal(a[t], s) for t in 1:T, k in 2:3",
        ),
        "the cycle x[1,2] -> x[1,2]",
    ),
    "names alone": (
        ("x[t] ~ Normal(y[t], s) for t in 1:T", "y[t] ~ Normal(x[t], s) for t in 1:T"),
        "the cycle x -> y -> x; expected every node to depend on earlier ones only; a chain needs a"
        " start that mentions none of them: `x[1] ~ ...` and `x[t] ~ ... for t in 2:T`",
    ),
    "an array without a start": (
        ("x[t] ~ Normal(sum(x[k] for k in 1:T), s) for t in 1:T",),
        "the cycle x -> x; expected every node to depend on earlier ones only; a chain needs a"
        " start: `x[1] ~ ...` and `x[t] ~ ... x[t-1] ... for t in 2:T`",
    ),
    "a quantity of itself": (
        ("a[1] = w", "a[t] = v*a[t-1] for t in 2:T", "x[t] ~ Normal(a[t], s) for t in 1:T"),
        "the cycle a -> a; expected every node to depend on earlier ones only; a deterministic "
        "quantity cannot refer to itself, nor to other places of itself: write these out, or give "
        "them names of their own",
    ),
}


@pytest.mark.parametrize("name", CYCLES)
def test_places_in_a_cycle(name: str) -> None:
    statements, message = CYCLES[name]
    parameters = {"p": "simplex[3]", "A": "simplex[3,3]", "m": "real[3]"}
    model = spec(*statements, parameters=parameters | spec()["parameters"])
    with pytest.raises(SpecError) as caught:
        read_model(model)
    (fault,) = caught.value.faults
    assert message in str(fault)


# ---------------------------------------------------------------- against all places, one by one


def reads_of_places(
    statements: tuple[Statement, ...], size: int
) -> dict[tuple[str, tuple[int, ...]], list[tuple[str, tuple[int, ...]]]]:
    """place -> the places that it reads, by instantiating every statement at T = size"""

    def last(extent: Extent) -> int:
        return extent.offset + (0 if extent.size is None else size)

    def value(place: Any, env: dict[Index, int]) -> int:
        match place:
            case Index():
                return env[place]
            case Offset(index, by):
                return env[index] + by
            case Position(extent):
                return last(extent)
        raise AssertionError(place)

    graph: dict[Any, list[Any]] = {}
    for statement in statements:
        ranges = [range(plate.low, last(plate.extent) + 1) for plate in statement.plates]
        for chosen in product(*ranges):
            env = dict(zip(statement.plates, chosen, strict=True))
            here = statement.node.name, tuple(value(p, env) for p in statement.places)
            mean = statement.argument("mean").body
            entries = [e for e in (mean, *mean.parts()) if isinstance(e, Entry)]
            entries += [e for part in mean.parts() for e in part.parts() if isinstance(e, Entry)]
            graph[here] = [
                (e.symbol.name, tuple(value(p, env) for p in e.indices))
                for e in entries
                if e.symbol.name in "xy"
            ]
    return graph


def random_statements(random: Random) -> list[str]:
    """Two arrays that begin with literal places, and read each other at random shifts."""
    model = []
    for name in "xy":
        model += [f"{name}[{t}] ~ Normal({_literals(random, t)}, s)" for t in (1, 2)]
        low = 3
        reads = []
        for _ in range(random.randint(1, 2)):
            other = random.choice("xy")
            by = random.choice((-2, -1, -1, 0))
            reads.append(
                random.choice([f"w*{other}[t{by:+d}]", f"w*{other}[{random.randint(1, 2)}]"])
                if by
                else f"w*{other}[t]"
            )
        model.append(f"{name}[t] ~ Normal({' + '.join(reads)}, s) for t in {low}:T")
    random.shuffle(model)
    return model


def _literals(random: Random, t: int) -> str:
    if random.random() < 0.4:
        return "0"
    return f"w*{random.choice('xy')}[{random.randint(1, 2)}]"


def test_the_answer_is_that_of_all_places_one_by_one() -> None:
    random = Random(5)
    answers = []
    for _ in range(300):
        statements = random_statements(random)
        accepted: Model | None = None
        message = ""
        try:
            accepted = read_model(spec(*statements, observed="x y"))
        except SpecError as error:
            message = str(error)
        answers.append(accepted is not None)
        if accepted is not None:
            for size in (3, 4, 6):
                assert find_way_round(reads_of_places(accepted.statements, size)) is None
            continue
        assert "the cycle" in message, statements
        if "[" in message.split(";")[0].split("the cycle")[1]:
            shown = message.split("the cycle ")[1].split(";")[0].split(" -> ")
            texts = "\n".join(statements).replace(" ", "")
            assert shown[0] == shown[-1]
            assert all(place.split("[")[0] in texts for place in shown)
    assert 60 < sum(answers) < 240


def quantities() -> Iterator[tuple[list[str], dict[int, bool]]]:
    """Statements of an array x and a quantity a of it in two parts; T -> whether x has an order."""
    for first, by, shift, low in product((1, 2), (-2, -1, 0), (-1, 0), (1, 2)):
        if first + 1 + by < 1 or low + shift < 1:
            continue  # a place 0
        start = f"a[t] = w for t in 1:{first}" if first > 1 else "a[1] = w"
        model = [
            start,
            f"a[t] = w + v*x[t{by:+d}] for t in {first + 1}:T",
            *(["x[1] ~ Normal(a[1], s)"] if low > 1 else []),
            f"x[t] ~ Normal(a[t{shift:+d}], s) for t in {low}:T",
        ]
        orders = {}
        for size in range(first + 1, 6):
            graph: dict[int, list[int]] = {}
            for t in range(1, size + 1):
                read = t + shift if t >= low else 1
                graph[t] = [read + by] if read > first else []
            orders[size] = find_way_round(graph) is None
        yield [text.replace("+0]", "]") for text in model], orders


def test_quantities_and_nodes_that_need_each_other() -> None:
    answers = []
    for statements, orders in quantities():
        try:
            read_model(spec(*statements))
            answers.append(True)
        except SpecError as error:
            assert "the cycle x[" in str(error), statements
            answers.append(False)
        assert answers[-1] == all(orders.values()), statements
    assert set(answers) == {True, False}


def test_a_sum_of_places_that_decreases() -> None:
    """No axis decreases in every read, their sum does."""
    chain = ("x[1] ~ Normal(0, s)", "x[t] ~ Normal(x[t-1], s) for t in 2:T")
    first = read_model(spec(*chain)).statements[1]
    i, j = Index("i", Extent(None, 9)), Index("j", Extent(None, 9))
    grid = Symbol("x", first.node.role, first.node.domain, (i.extent, j.extent))

    def statement(*there: tuple[Any, Any]) -> Statement:
        mean = Array((), add(*(Entry(grid, places) for places in there)))
        given = tuple((n, mean if n == "mean" else a) for n, a in first.arguments)
        return replace(first, node=grid, plates=(i, j), places=(i, j), arguments=given)

    both = statement((Offset(i, -2), Offset(j, 1)), (Offset(i, 1), Offset(j, -2)))
    assert find_place_cycle([both]) is None
    swapped = statement((Offset(j, -1), Offset(i, -1)))
    assert find_place_cycle([swapped]) is None
    cycle = find_place_cycle(
        [statement((Offset(i, -1), Offset(j, 1)), (Offset(i, 1), Offset(j, -1)))]
    )
    assert cycle is not None
    assert cycle.path[0] == cycle.path[-1] != ""


def test_components_and_ways_round() -> None:
    graph = {"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": ["e"], "e": ["d"], "f": []}
    assert strong_components(graph) == [["d", "e"], ["a", "b", "c"], ["f"]]
    assert find_way_round(graph) == ["d", "e", "d"]
    assert find_way_round({"a": ["b", "c"], "b": ["c"], "c": []}) is None
    assert find_way_round({"a": ["a"]}) == ["a", "a"]


# ---------------------------------------------------------------- q is a density


LATENTS = (
    "z[h] ~ Normal(0, s) for h in 1:D",
    "y ~ Normal(0, s)",
    "x ~ Normal(y + sum(z[h] for h in 1:D), s)",
)
NO_DENSITIES = {
    "a latent twice": (
        ("z[h] ~ Normal(a, b) for h in 1:D", "y ~ Normal(a, b)", "y ~ Normal(c, b)"),
        "the name `y` a second time, for a latent of q; expected each name once",
    ),
    "an array twice": (
        ("z[h] ~ Normal(a, b) for h in 1:D",) * 2 + ("y ~ Normal(a, b)",),
        "the name `z` a second time, for a latent of q",
    ),
    "overlapping parts": (
        ("z[1] ~ Normal(a, b)", "z[h] ~ Normal(a, b) for h in 1:D", "y ~ Normal(a, b)"),
        "the name `z` a second time, at places that overlap or leave a gap",
    ),
    "the first place alone": (
        ("z[1] ~ Normal(a, b)", "y ~ Normal(a, b)"),
        "index 1 of `z` up to 1; expected 1 to D, as in `model`",
    ),
    "no first place": (
        ("z[h] ~ Normal(a, b) for h in 2:D", "y ~ Normal(a, b)"),
        "`z` from place 2 on; expected places from 1 on",
    ),
    "each depends on the other": (
        ("z[h] ~ Normal(a*y, b) for h in 1:D", "y ~ Normal(c*z[1], b)"),
        "the cycle z[1] -> y -> z[1]",
    ),
    "it depends on itself": (
        ("z[h] ~ Normal(a*z[h], b) for h in 1:D", "y ~ Normal(c, b)"),
        "the cycle z[1] -> z[1]",
    ),
}


@pytest.mark.parametrize("name", NO_DENSITIES)
def test_what_is_no_density_is_no_q(name: str) -> None:
    statements, message = NO_DENSITIES[name]
    with pytest.raises(SpecError) as caught:
        read_model(spec(*LATENTS, variational=list(statements)))
    (fault,) = caught.value.faults
    assert message in str(fault)


def test_a_q_in_parts_that_depend_on_earlier_ones() -> None:
    chain = ["z[1] ~ Normal(a, b)", "z[h] ~ Normal(c*z[h-1] + d*y, b) for h in 2:D"]
    derivation = symelbo.derive(spec(*LATENTS, variational=[*chain, "y ~ Normal(a, b)"]))
    assert [s.label for s in derivation.model.declared] == ["z[1]", "z[h]", "y"]
    assert derivation.verdict == "proved"


# ---------------------------------------------------------------- labels


def test_statements_of_the_same_indices_have_labels_of_their_own() -> None:
    parts = ("x[t] ~ Normal(0, s) for t in 1:2", "x[t+1] ~ Normal(v, 1) for t in 2:T-1")
    derivation = symelbo.derive(spec(*parts))
    assert [factor.node for factor in derivation.factors] == ["x[t]", "x[t+1]"]
    parts = ("x[t] ~ Normal(v, s) for t in 1:2", "x[t] ~ Normal(0, 1) for t in 3:T")
    derivation = symelbo.derive(spec(*parts))
    assert [factor.node for factor in derivation.factors] == ["x[1:2]", "x[3:T]"]
    assert derivation.verdict == "refuted"
    assert [type(factor.result).__name__ for factor in derivation.factors] == ["Holds", "Refuted"]


NO_TILINGS = {
    "a hole": ("x[1,1] ~ Normal(0, s)", "x[t,d] ~ Normal(0, s) for t in 2:T, d in 2:D"),
    "a corner twice": (
        "x[t,1] ~ Normal(0, s) for t in 1:T",
        "x[1,d] ~ Normal(0, s) for d in 1:D",
        "x[t,d] ~ Normal(0, s) for t in 2:T, d in 2:D",
    ),
    "another length": (
        "x[1,d] ~ Normal(0, s) for d in 1:3",
        "x[t,d] ~ Normal(0, s) for t in 2:T, d in 1:D",
    ),
    "beyond the last place": ("x[t] ~ Normal(0, s) for t in 1:T", "x[T] ~ Normal(0, s)"),
    "the last place alone": ("x[T] ~ Normal(0, s)",),
    "the last place and the first": ("x[1] ~ Normal(0, s)", "x[T] ~ Normal(0, s)"),
}


@pytest.mark.parametrize("name", NO_TILINGS)
def test_places_that_do_not_tile_an_array(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_model(spec(*NO_TILINGS[name]))
    (fault,) = caught.value.faults
    assert re.search("overlap or leave a gap|from place", str(fault))


def test_a_deterministic_quantity_in_parts_along_two_axes() -> None:
    """Read over all of its places; the part with the last place is not the last of the parts."""
    statements = (
        "m[t,1] = w for t in 1:2",
        "m[t,1] = v for t in 3:T",
        "m[t,d] = w*v for t in 1:T, d in 2:D",
        "x[t,d] ~ Normal(m[t,d], s) for t in 1:T, d in 1:D",
    )
    model = read_model(spec(*statements))
    (mean,) = {statement.argument("mean").body for statement in model.statements}
    x = model.statements[0].plates
    values = {"w": 2.0, "v": 3.0, "s": 1.0}
    world = World({"T": 4, "D": 3}, {(name, ()): value for name, value in values.items()}, {}, {})
    found = [
        [evaluate(mean, world, dict(zip(x, place, strict=True))).value for place in row]
        for row in ([(t, d) for d in (1, 2, 3)] for t in (1, 2, 3, 4))
    ]
    assert found == [[2, 6, 6], [2, 6, 6], [3, 6, 6], [3, 6, 6]]
    assert symelbo.derive(spec(*statements)).verdict == "proved"


# ---------------------------------------------------------------- what is made of such models

_Z = "z[1] ~ Normal(0, 1)"
_X = "x[t] ~ Normal(v*z[t], s) for t in 1:T"
ANSWERS: dict[str, tuple[tuple[str, ...], str]] = {
    "a star": (("x[1] ~ Normal(0, s)", "x[t] ~ Normal(w*x[1], s) for t in 2:T"), "proved"),
    "a star of fixed start": (
        ("x[1] ~ Normal(0, 1)", "x[t] ~ Normal(w*x[1], s) for t in 2:T"),
        "refuted",
    ),
    "a star of latents": ((_Z, "z[t] ~ Normal(w*z[1], 1) for t in 2:T", _X), "proved"),
    "a curved star of latents": ((_Z, "z[t] ~ Normal(w*z[1]**2, 1) for t in 2:T", _X), "proved"),
    "two chains of latents": (
        (
            _Z,
            "y[1] ~ Normal(0, 1)",
            "z[t] ~ Normal(a*z[t-1] + b*y[t-1], 1) for t in 2:T",
            "y[t] ~ Normal(c*y[t-1] + k*z[t-1], 1) for t in 2:T",
            "x[t] ~ Normal(v*z[t] + w*y[t], s) for t in 1:T",
        ),
        "proved",
    ),
    "two chains of latents, one of them seen as it is": (
        (
            _Z,
            "y[1] ~ Normal(0, 1)",
            "z[t] ~ Normal(a*z[t-1] + b*y[t-1], 1) for t in 2:T",
            "y[t] ~ Normal(c*y[t-1] + k*z[t-1], 1) for t in 2:T",
            "x[t] ~ Normal(v*z[t] + y[t], s) for t in 1:T",
        ),
        "refuted",
    ),
    "backward": (
        ("z[T] ~ Normal(0, 1)", "z[t] ~ Normal(w*z[t+1], 1) for t in 1:T-1", _X),
        "proved",
    ),
    "backward, seen as it is": (
        (
            "z[T] ~ Normal(0, 1)",
            "z[t] ~ Normal(w*z[t+1], 1) for t in 1:T-1",
            "x[t] ~ Normal(z[t], s) for t in 1:T",
        ),
        "refuted",
    ),
    "parts of a mean": (
        (
            "g[1] = w",
            "g[t] = v*z for t in 2:T",
            "z ~ Normal(0, 1)",
            "x[t] ~ Normal(g[t], s) for t in 1:T",
        ),
        "proved",
    ),
    "parts of a mean, one without a weight": (
        (
            "g[1] = z",
            "g[t] = v*z for t in 2:T",
            "z ~ Normal(0, 1)",
            "x[t] ~ Normal(g[t], s) for t in 1:T",
        ),
        "refuted",
    ),
    "parts of a variance, one known": (
        ("g[1] = 1", "g[t] = s for t in 2:T", "x[t] ~ Normal(w, g[t]) for t in 1:T"),
        "refuted",
    ),
    "a shifted range": (
        ("x[1] ~ Normal(0, s)", "x[t+1] ~ Normal(w, 1) for t in 1:T-1"),
        "proved",
    ),
    "a causal field": (
        (
            "x[1,1] ~ Normal(0, s)",
            "x[t,1] ~ Normal(w*x[t-1,1], s) for t in 2:T",
            "x[t,d] ~ Normal(w*x[t-1,d] + v*x[t,d-1], s) for t in 2:T, d in 2:D",
            "x[1,d] ~ Normal(v*x[1,d-1], s) for d in 2:D",
        ),
        "proved",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_verdict_and_sum_are_those_of_the_oracle(name: str) -> None:
    """(U) by numeric rank, and F - dF/ds - S, both from the text of the specification alone."""
    statements, verdict = ANSWERS[name]
    parameters = {**dict.fromkeys(["a", "b", "c", "k", "v", "w"], "real"), "s": "positive"}
    used = {n: kind for n, kind in parameters.items() if re.search(rf"\b{n}\b", str(statements))}
    model = spec(*statements, parameters=used)
    said = run_symelbo(model, explain=False)
    assert said.verdict == verdict
    assert disagreement(said, decide(read(model))) == ""
    if verdict == "proved":
        assert said.gap is not None
        assert said.gap < 1e-12


# ---------------------------------------------------------------- tiles, from the least sizes on


@pytest.mark.parametrize("lag", [False, True])
@pytest.mark.parametrize("latent", [False, True])
@pytest.mark.parametrize(("head", "tail"), [(1, 1), (2, 1), (1, 2), (3, 1), (2, 2), (5, 3)])
def test_a_tiled_series_is_tried_where_its_places_exist(
    head: int, tail: int, latent: bool, lag: bool
) -> None:
    derivation = symelbo.derive(tiled_series(head, tail, latent=latent, lag=lag))
    assert (derivation.verdict, derivation.theorem) == ("proved", 1)
    assert derivation.trial is not None and not derivation.trial.untried
    assert derivation.trial.printed is not None and derivation.trial.printed < 1e-12
    least = head + tail  # the range between may be empty; below, two statements meet
    sizes = dict(a.size for a in derivation.assumptions if a.size is not None)
    assert sizes == {"T": least}


@pytest.mark.parametrize(("head", "tail"), [(1, 1), (2, 1), (2, 2), (3, 2)])
def test_the_oracle_starts_at_the_least_sizes(head: int, tail: int) -> None:
    answers = decide(tiled_series(head, tail, latent=False, lag=True))
    assert [answer.verdict for answer in answers] == ["HOLDS"] * len(answers)
    tried = [answer.sizes["T"] for answer in answers]
    assert tried[0] == min(tried) == head + tail and max(tried) > head + tail


# the letters that passes give to the axes of the arrays that they make
@pytest.mark.parametrize("stem", ["k", "v", "e", "f", "a", "r", "t", "l", "p", "row", "column"])
def test_no_index_of_a_model_is_one_of_a_pass(stem: str) -> None:
    """x[v0,k] is not x[k,k]: an axis of an array that is made captures no place of the model."""

    def read(name: str) -> Statement:
        spec = {
            "name": "plates",
            "sizes": ["D"],
            "parameters": {"A": "real[D,D]", "S": "posdef[D,D]"},
            "model": [f"x[{name}] ~ MvNormal(A[{name}], S) for {name} in 1:D"],
            "observed": "x",
        }
        return read_model(spec).statements[0]

    for name in (f"{stem}0", f"{stem}1"):
        other, found = read("d"), read(name)
        (index,), (wanted,) = other.plates, found.plates
        renamed = replace_index(other.log_density, index, wanted)
        assert to_poly(found.log_density) == to_poly(renamed)
