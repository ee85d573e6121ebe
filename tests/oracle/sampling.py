"""The linear system of criterion (U) at sample points.

A *block* holds one factor: at every parameter point (axis T), input (axis U), value of the parents
(axis P) and own value (axis V) the number log p and its exact derivatives, as columns: one per
parameter entry, and per latent entry that may move, and input, z dlog p/dz ("r") and dlog p/dz
("s"): r and s may depend on the inputs, velocities of parameters may not.
Centring over V removes the unknown H~(parents, Theta, inputs).  Finite supports are enumerated.
A block of a declared q has log q with left side 0 (q must be carried along), velocities of q's own
parameters per data point on axis U, and no base measure.

Everything is evaluated in 100 digits: a probability of 1 - 1e-15 must not cost the answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from tests.oracle import tape
from tests.oracle.families import Value, cholesky, log_det
from tests.oracle.language import (
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    SpecFault,
    Statement,
    Sum,
    names,
)
from tests.oracle.spec import (
    Factor,
    Index,
    Instance,
    Loops,
    Model,
    OutOfRange,
    Support,
    Unsupported,
    World,
    boxed,
    draw,
    static,
)
from tests.oracle.tape import Array, Num

# ("p", parameter, place), ("r" or "s", node, place, input), ("g", parameter of q, place, point),
# ("w", node, place, k, l, input): X' = B X + X B' of a positive definite X
Column = tuple[Any, ...]
Samples = dict[Factor, tuple[Array, int]]  # values and their axis

MOVABLE = {
    "real": "real",
    "vector": "vector",
    "positive": "positive",
    "lower": "positive",
    "angle": "angle",
    "posdef": "posdef",
}
MOST = 128  # most combinations of discrete parents
DATA_POINTS = 3  # for a declared q
BEYOND = 4.0  # times as large are real parameters at every second point, on both sides of a kink
INPUTS = 7  # most values of the inputs at which latents move


@dataclass
class Block:
    """The rows of one factor; arrays have the axes T, U, P, V."""

    label: str
    factor: Factor | None  # None: of q, or a support that must stand still
    kind: str  # how its value may move: a value of MOVABLE, or "rest", or "pareto"
    y: Array
    columns: dict[Column, Array]
    valid: Array  # T, U, P
    bases: dict[str, list[Array]]  # base measures of a moving value, on axis V
    centered: bool = True
    trivial: bool = False  # log p = b(v) - H~ as it is: nothing moves in it
    constant: bool = False  # its density is constant on the support
    singular: bool = False  # log p may be infinite inside the real line

    @property
    def unit(self) -> tuple[str, Index]:
        """The latent that is its own value."""
        assert self.factor is not None
        return self.factor.node, self.factor.place


def sample_values(support: Support, count: int, rng: np.random.Generator) -> Array:
    """Points of a support, (count, *event); a finite support whole."""
    match support.kind:
        case "binary":
            return np.array([0.0, 1.0])
        case "category":
            return np.arange(1.0, support.size + 1)
        case "upto":
            return np.arange(support.size + 1.0)
        case "counts":
            grid = itertools.product(range(support.size + 1), repeat=support.event[0])
            return np.array([g for g in grid if sum(g) == support.size], dtype=float)
        case "naturals":
            return np.arange(float(count))
        case "real":
            return _spread(-2.4, 2.4, count, rng)
        case "angle":
            return _spread(-3.0, 3.0, count, rng)
        case "positive" | "lower":
            return np.asarray(support.lower + np.exp(_spread(-1.4, 1.4, count, rng)))
        case "pareto":
            return np.asarray(np.exp(_spread(1.0, 2.5, count, rng)))
        case "unit":
            return _spread(0.05, 0.95, count, rng)
        case "interval":
            return _spread(support.lower, support.upper, count, rng)
        case "vector":
            return rng.uniform(-2, 2, (count, *support.event))
        case "simplex" | "posdef":
            return draw(rng, support.kind, support.event, (count,))
    raise SpecFault(f"unknown support {support.kind}")


def has_kink(model: Model) -> bool:
    """Whether a statement has an absolute value, written out or in the density of a Laplace."""

    def calls(node: object) -> Iterator[str]:
        if isinstance(node, Call):
            yield node.name
        if isinstance(node, tuple):
            for part in node:
                yield from calls(part)
        elif is_dataclass(node):
            for each in fields(node):
                yield from calls(getattr(node, each.name))

    densities = (model.statements, tuple(model.families.values()))
    return any(s.family == "Laplace" for s in model.statements) or "abs" in calls(densities)


def _spread(low: float, high: float, count: int, rng: np.random.Generator) -> Array:
    """One random point in each of `count` equal cells, in random order."""
    cells = (np.arange(count) + rng.uniform(0.15, 0.85, count)) / count
    return rng.permutation(low + (high - low) * cells)


def on_axis(values: Array, axis: int) -> Array:
    """A vector of samples with its length on one of the axes T, U, P, V."""
    shape = [1] * 4
    shape[axis] = len(values)
    return values.reshape(shape)


def entry_of(samples: Array, place: Index) -> Array:
    """One entry of every sample: samples[:, *place]."""
    key: Any = (slice(None), *place)
    return np.asarray(samples[key])


def leaves(tag: str, name: str, base: str, shape: Index, samples: Array, axis: int) -> Value:
    """The entries of a parameter as leaves, in coordinates tangent to its constraint.

    samples: (count, *shape).  The last entry of a simplex is one minus the others; a symmetric
    matrix has one leaf per pair.
    """

    def one(place: Index) -> Num:
        x = on_axis(entry_of(samples, place), axis)
        return tape.leaf(x, (tag, name, tuple(i + 1 for i in place)))

    if not shape:
        return one(())
    out = np.empty(shape, dtype=object)
    if base == "simplex":
        for row in np.ndindex(shape[:-1]):
            free = [one((*row, i)) for i in range(shape[-1] - 1)]
            for i, n in enumerate([*free, tape.constant(1) - tape.total(free)]):
                out[(*row, i)] = n
    elif base == "posdef":
        for row in np.ndindex(shape[:-2]):
            for i, j in itertools.product(range(shape[-1]), repeat=2):
                if i <= j:
                    out[(*row, i, j)] = out[(*row, j, i)] = one((*row, i, j))
    else:
        for place in np.ndindex(shape):
            out[place] = one(place)
    return out


class Sampler:
    """Draws the sample points of an instance and evaluates its blocks there.

    All draws are keyed by names.  `effort` multiplies the numbers of points.
    """

    def __init__(self, instance: Instance, points: int, effort: float = 1.0) -> None:
        self.instance = instance
        self.model = instance.model
        self.points = points
        self.effort = effort
        self.entry_of = {(f.node, e): f for f in instance.factors for e in f.entries}
        self.nodes = {f.node for f in instance.factors}
        self.thetas = {name: self.draw_points(name) for name in self.model.parameters}
        self.fixed: dict[str, Value] = {
            name: leaves("p", name, kind.base, instance.shapes[name], self.thetas[name], 0)
            for name, kind in self.model.parameters.items()
        }
        self.fixed.update({name: boxed(v) for name, v in instance.constants.items()})
        self.moving_values: dict[tuple[str, Index], Array] = {}

    def draw_points(self, name: str) -> Array:
        """Values of a parameter at all points.

        Where a model has a kink, every second one is larger: of |b u + k| with |k| above |b u| the
        sign is that of k at all inputs, and on one side of a kink more holds.
        """
        drawn = self.instance.draw_parameter(self.instance.rng("theta", name), name, (self.points,))
        if self.model.parameters[name].base == "real" and has_kink(self.model):
            drawn[1::2] *= BEYOND
        return drawn

    # Worlds.

    def moves(self, factor: Factor) -> str:
        """How the value of a factor may move."""
        kind = factor.support.kind
        if kind == "pareto" and not factor.observed:
            return "pareto"
        return "rest" if factor.observed else MOVABLE.get(kind, "rest")

    def world(self, samples: Samples, inputs: int, extra: dict[str, Value]) -> World:
        """Sampled entries on their axes; other nodes at anything admissible."""
        values = {**self.fixed, **extra}
        for name in self.model.inputs:
            shape = self.instance.shapes[name]
            base = self.model.inputs[name].base
            # the first ones are the same whatever their number: r and s are sought at these
            rngs = [self.instance.rng("input", name, u) for u in range(inputs)]
            drawn = np.stack([draw(rng, base, shape, ()) for rng in rngs])
            values[name] = _nameless(drawn, shape)
        self.moving_values = {}
        for factor in self.instance.factors:
            self._place_node(factor, samples.get(factor), values)
        return World(values, self.instance)

    def _place_node(
        self, factor: Factor, known: tuple[Array, int] | None, values: dict[str, Value]
    ) -> None:
        shape = self.instance.shapes[factor.node]
        if known is None:
            rng = self.instance.rng("any", factor.node, factor.place)
            points, axis = sample_values(factor.support, 3, rng)[:1], 2
        else:
            points, axis = known
        moving = known is not None and self.moves(factor) in MOVABLE.values()
        matrix = factor.support.kind == "posdef"
        if shape and factor.node not in values:
            values[factor.node] = np.full(shape, None, dtype=object)
        target = values.get(factor.node)
        for entry in factor.entries:
            tail = tuple(i - 1 for i in entry[len(factor.place) :])
            if matrix and tail[0] > tail[1]:
                continue
            x = on_axis(entry_of(points, tail), axis)
            key = ("z", factor.node, entry)
            made = tape.leaf(x, key) if moving else tape.constant(x)
            if moving:
                self.moving_values[factor.node, entry] = made.x
            if target is None or isinstance(target, Num):
                values[factor.node] = made
                continue
            target[tuple(i - 1 for i in entry)] = made
            if matrix:
                turned = (*entry[:-2], entry[-1], entry[-2])
                target[tuple(i - 1 for i in turned)] = made

    # Blocks of the model.

    def blocks(self) -> list[Block]:
        return [b for f in self.instance.factors for b in self.block(f)]

    def block(self, factor: Factor) -> list[Block]:
        """The factor; and, for a support that depends on something, that it stands still."""
        instance, scale = self.instance, self.effort
        world = self.world({}, 1, {})
        instance.arguments(factor.statement, factor.loops, world)
        parents = self.parents(world.reads)
        width = self.width(world.reads, [*parents, factor])
        continuous = any(not p.support.finite for p in parents)
        with_inputs = any(name in self.model.inputs for name, _ in world.reads)
        n_inputs = 1
        if with_inputs:
            n_inputs = 3 if continuous else int(scale * (width + 5))
        if self.model.inputs and any(self.moves(f) in MOVABLE.values() for f in [*parents, factor]):
            n_inputs = self.inputs()
        samples, n_parents = self.draw_parents(parents, int(scale * (width + 5)))
        n_values = int(scale * (7 if continuous or with_inputs else width + 6))
        if factor.support.event:
            n_values = max(n_values, int(scale * (width + 6)))
        rng = instance.rng("value", factor.node, factor.place)
        values = sample_values(factor.support, n_values, rng)
        samples[factor] = (values, 3)
        world = self.world(samples, n_inputs, {})
        density, valid = instance.log_density(factor.statement, factor.loops, factor.place, world)
        shape = (self.points, n_inputs, n_parents, len(values))
        block = self.finish(factor.label, factor, density, valid, shape)
        block.kind = self.moves(factor)
        block.bases = self.base_measures(factor, values)
        if block.kind == "real" and factor.statement.family in self.model.families:
            block.singular = self.is_singular(factor)
        if factor.support.kind != "pareto":
            return [block]
        minimum = instance.arguments(factor.statement, factor.loops, world)[0][1]
        assert isinstance(minimum, Num)
        still = self.finish(f"{factor.label}: support", None, minimum, valid, (*shape[:3], 1))
        still.y = still.y * 0
        return [block, still]

    def inputs(self) -> int:
        """At how many inputs a latent moves: more than velocities could fit by accident."""
        shapes = (self.instance.shapes[name] for name in self.model.parameters)
        return min(INPUTS, 3 + sum(map(prod, shapes)))

    def parents(self, reads: set[tuple[str, Index]]) -> list[Factor]:
        found: dict[Factor, None] = {}
        for name, entry in sorted(reads):
            if name in self.nodes:
                if (name, entry) not in self.entry_of:
                    raise OutOfRange(f"{name}{list(entry)} is not defined")
                found[self.entry_of[name, entry]] = None
        return list(found)

    def width(self, reads: set[tuple[str, Index]], around: list[Factor]) -> int:
        """How many velocities a density can depend on."""
        moving = [f for f in around if self.moves(f) in MOVABLE.values()]
        return sum(name in self.model.parameters for name, _ in reads) + sum(
            2 * prod(f.support.event) for f in moving
        )

    def draw_parents(self, parents: list[Factor], wanted: int) -> tuple[Samples, int]:
        """Every combination of the finite parents, each with random values of the others."""
        rng = self.instance.rng("parents", *((p.node, p.place) for p in parents))
        finite = [p for p in parents if p.support.finite]
        others = [p for p in parents if not p.support.finite]
        choices = [sample_values(p.support, 0, rng) for p in finite]
        cells = list(itertools.product(*(range(len(c)) for c in choices)))
        if len(cells) > MOST:
            chosen = rng.choice(len(cells), MOST, replace=False)
            cells = [cells[i] for i in sorted(chosen)]
        if others:
            repeat = -(-wanted // len(cells)) + (3 if len(cells) > 1 else 0)
            cells = [c for c in cells for _ in range(repeat)]
        samples: Samples = {}
        for i, p in enumerate(finite):
            samples[p] = (choices[i][[c[i] for c in cells]], 2)
        for p in others:
            samples[p] = (rng.permutation(sample_values(p.support, len(cells), rng)), 2)
        return samples, len(cells)

    def finish(
        self, label: str, factor: Factor | None, density: Num, valid: Array, shape: Index
    ) -> Block:
        """Values and columns on all axes, centred, with inadmissible groups taken out."""
        columns = self.columns(tape.gradient(density), shape[1])
        with np.errstate(all="ignore"):
            y = np.broadcast_to(density.x, shape)
            arrays = {c: np.broadcast_to(a, shape) for c, a in columns.items()}
            good = np.broadcast_to(valid, shape) & _finite(y)
            for a in arrays.values():
                good = good & _finite(a)
        groups = np.asarray(good.all(-1))
        centered = shape[-1] > 1 or (factor is not None)
        y = _center(y, groups, centered)
        arrays = {c: _center(a, groups, centered) for c, a in arrays.items()}
        block = Block(label, factor, "rest", y, arrays, groups, {}, centered)
        if factor is not None:
            _classify(block)
        return block

    def columns(self, slopes: dict[Hashable, Array], n_inputs: int) -> dict[Column, Array]:
        """Derivatives by parameters as they are, by latents as r and s columns."""
        found: dict[Column, Array] = {}

        def add(column: Column, a: Array) -> None:
            found[column] = found[column] + a if column in found else a

        for key, slope in slopes.items():
            assert isinstance(key, tuple)
            tag, name, place = key
            if tag == "p":
                found[key] = slope
            elif tag == "g":  # one velocity per data point
                for u in range(n_inputs):
                    mask = tape.field(on_axis(np.arange(n_inputs) == u, 1).astype(float))
                    found[(*key, u)] = slope * mask
            else:
                for u in range(n_inputs):
                    mask = tape.field(on_axis(np.arange(n_inputs) == u, 1).astype(float))
                    for column, speed in self.motions(name, place):
                        add((*column, u), speed * slope * mask)
        return found

    def motions(self, name: str, place: Index) -> Iterator[tuple[Column, Array]]:
        """How an entry of a latent may move."""
        factor, z = self.entry_of[name, place], self.moving_values[name, place]
        match factor.support.kind:
            case "real" | "vector":
                yield ("r", name, place), z
                yield ("s", name, place), z**0
            case "angle":
                yield ("s", name, place), z**0
            case "positive" | "lower":
                yield ("r", name, place), z - tape.field(factor.support.lower)[()]
            case "posdef":
                yield ("r", name, factor.place), z
                yield from self.congruence(factor, place)

    def congruence(self, factor: Factor, entry: Index) -> Iterator[tuple[Column, Array]]:
        """How an entry (i, j) of X moves by X' = B X + X B', for every entry of B."""
        i, j = entry[-2:]
        size = factor.support.event[0]

        def x(a: int, b: int) -> Array:
            return self.moving_values[factor.node, (*factor.place, min(a, b), max(a, b))]

        for m, n in itertools.product(range(1, size + 1), repeat=2):
            if m in (i, j):
                speed = (x(n, j) if m == i else 0) + (x(i, n) if m == j else 0)
                yield ("w", factor.node, factor.place, m, n), np.asarray(speed)

    def base_measures(self, factor: Factor, values: Array) -> dict[str, list[Array]]:
        """b(v) with D b constant, for values that move: c v, c log|v|, c sign(v), c log det."""
        match self.moves(factor):
            case "real":
                v = tape.field(values)
                size = np.asarray(tape.absolute(Num(v)).x)
                return {
                    "linear": [v],
                    "log": [np.asarray(tape.log(Num(size)).x), v / size],
                }
            case "positive":
                v = tape.field(values) - tape.field(factor.support.lower)[()]
                return {"log": [np.asarray(tape.log(Num(v)).x)]}
            case "vector":
                return {"linear": [tape.field(values[:, i]) for i in range(values.shape[1])]}
            case "posdef":
                side = factor.support.event[0]
                matrix = np.empty((side, side), dtype=object)
                for i, j in np.ndindex(side, side):
                    matrix[i, j] = tape.constant(values[:, i, j])
                return {"log": [np.asarray(log_det(cholesky(matrix)).x)]}
        return {}

    def is_singular(self, factor: Factor) -> bool:
        """Whether a density of the user's may be infinite at a finite real value.

        Something that is divided by, logged or raised to a power passes through 0 there.
        """
        user = self.model.families[factor.statement.family or ""]
        given = self.instance.arguments(factor.statement, factor.loops, self.world({}, 1, {}))
        local: dict[str, Value] = dict(zip(user.parameters, (v for _, v in given), strict=True))
        local[user.value] = tape.constant(on_axis(np.linspace(-6, 6, 481), 3))
        world = World(local, self.instance.bare)
        for node in _risky(user.log_density, user.value):
            with np.errstate(all="ignore"):
                value = world.evaluate(node, {})
            assert isinstance(value, Num)
            x = np.abs(np.asarray(value.x, dtype=float))
            signs = np.sign(np.asarray(value.x, dtype=float))
            if not np.isfinite(x).all() or np.min(x) < 0.05 or np.ptp(signs) > 0:
                return True
        return False

    # Blocks of a declared q.

    def q_blocks(self) -> list[Block]:
        """One block per statement of q and place."""
        own = self.q_parameters()
        extra: dict[str, Value] = {}
        for name, (base, shape) in own.items():
            drawn = draw(self.instance.rng("q", name), base, shape, (DATA_POINTS,))
            extra[name] = leaves("g", name, base, shape, drawn, 1)
        return [
            self.q_block(s, loops, extra)
            for s in self.model.q
            for loops in self.instance.loop(s.ranges, {})
        ]

    def q_block(self, s: Statement, loops: Loops, extra: dict[str, Value]) -> Block:
        instance = self.instance
        place = tuple(instance.integer(i, loops) for i in s.target.indices)
        world = self.world({}, 1, extra)
        instance.arguments(s, loops, world)
        read = self.parents(world.reads)
        latent = [p for p in read if not p.observed]
        owner = next(
            (f for f in instance.factors if (f.node, f.place) == (s.target.name, place)), None
        )
        if owner is None or owner.observed:
            raise Unsupported(f"q: {s.text}")
        width = self.width(world.reads, [*latent, owner])
        width += sum(name in extra for name, _ in world.reads)
        samples, n_parents = self.draw_parents(latent, int(self.effort * (width + 5)))
        for p in read:
            if p.observed:
                rng = instance.rng("data", p.node, p.place)
                points = sample_values(p.support, DATA_POINTS, rng)
                samples[p] = (points[np.arange(DATA_POINTS) % len(points)], 1)
        rng = instance.rng("q value", s.target.name, place)
        values = sample_values(owner.support, int(self.effort * (width + 6)), rng)
        samples[owner] = (values, 3)
        world = self.world(samples, DATA_POINTS, extra)
        density, valid = instance.log_density(s, loops, place, world)
        shape = (self.points, DATA_POINTS, n_parents, len(values))
        block = self.finish(f"q: {owner.label}", None, density, valid, shape)
        block.y = block.y * 0
        return block

    def q_parameters(self) -> dict[str, tuple[str, Index]]:
        """Types of the parameters that only q names, from where they stand."""
        known = {*self.fixed, *self.model.inputs, *self.instance.sizes, *self.instance.derived}
        known |= self.nodes
        found: dict[str, tuple[str, Index]] = {}
        for s in self.model.q:
            slots = self.instance.form(s).slots
            placed = dict(zip((n for n, _ in slots), s.positional, strict=False))
            placed.update(s.named)
            event = self.instance.shapes.get(s.target.name, ())[len(s.target.indices) :]
            for loops in self.instance.loop(s.ranges, {}):
                for slot, domain in slots:
                    for node, bound in _named(placed[slot], loops, self.instance):
                        if node.name in known or node.name in bound or node.name == "PI":
                            continue
                        whole = node is placed[slot]
                        base, tail = self._q_type(domain, s, event) if whole else ("real", ())
                        place = tuple(self.instance.integer(i, bound) for i in node.indices)
                        before = found.get(node.name, (base, (0,) * len(place + tail)))
                        shape = tuple(
                            max(a, b) for a, b in zip(before[1], place + tail, strict=True)
                        )
                        found[node.name] = (before[0] if before[0] != "real" else base, shape)
        return found

    def _q_type(self, domain: str, s: Statement, event: Index) -> tuple[str, Index]:
        if domain in ("simplex", "vector", "positives") and s.family == "Categorical":
            owner = next(f for f in self.instance.factors if f.node == s.target.name)
            return ("simplex" if domain == "simplex" else "real"), (owner.support.size,)
        match domain:
            case "vector":
                return "real", event
            case "positives":
                return "positive", event
            case "simplex" | "posdef":
                return domain, (event * 2 if s.family == "MvNormal" else event)
            case "count":
                raise Unsupported("a count that q declares")
        return domain, ()


def _named(node: Node, loops: Loops, instance: Instance) -> Iterator[tuple[Name, dict[str, int]]]:
    """Every name in an expression, with the values of all indices around it."""
    match node:
        case Name(_, indices):
            yield node, dict(loops)
            for i in indices:
                yield from _named(i, loops, instance)
        case Call(_, arguments, indices):
            for a in (*arguments, *indices):
                yield from _named(a, loops, instance)
        case Negative(inner):
            yield from _named(inner, loops, instance)
        case Binary(_, left, right):
            yield from _named(left, loops, instance)
            yield from _named(right, loops, instance)
        case Sum(body, ranges):
            for more in instance.loop(ranges, loops):
                yield from _named(body, {**loops, **more}, instance)


def _risky(node: Node, value: str) -> Iterator[Node]:
    """What is divided by, raised to a power, or an argument of a function with a pole."""
    match node:
        case Call(name, arguments, _):
            for a in arguments:
                if name in ("log", "loggamma", "digamma") and value in names(a):
                    yield a
                elif name == "log1p" and value in names(a):
                    yield Binary("+", a, Number(Fraction(1)))
                yield from _risky(a, value)
        case Negative(inner):
            yield from _risky(inner, value)
        case Binary(operator, left, right):
            if operator == "/" and value in names(right):
                yield right
            exponent = static(right, {}) if operator == "**" else None
            whole = exponent is not None and exponent.denominator == 1 and exponent >= 0
            if operator == "**" and value in names(node) and not whole:
                yield left
            yield from _risky(left, value)
            yield from _risky(right, value)
        case Sum(body, _):
            yield from _risky(body, value)


def _nameless(samples: Array, shape: Index) -> Value:
    """Inputs on axis U."""
    if not shape:
        return tape.constant(on_axis(samples, 1))
    out = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        out[place] = tape.constant(on_axis(entry_of(samples, place), 1))
    return out


def _finite(x: Array) -> Array:
    """Numbers of a size to calculate with: exp(exp(..)) at a far point is of no use."""
    return np.asarray(_usable(x), dtype=bool)


_usable = np.frompyfunc(lambda a: a.is_finite() and abs(a) < 1e60, 1, 1)


def floats(x: Array) -> Array:
    """Rounded to float64."""
    return np.asarray(x, dtype=float)


def _center(x: Array, groups: Array, centered: bool) -> Array:
    """Less its mean over V, and 0 where a group is not admissible."""
    out = np.where(groups[..., None], x, tape.field(0)[()])
    if centered:
        out = out - out.sum(-1, keepdims=True) / out.shape[-1]
    return np.asarray(out)


def _classify(block: Block) -> None:
    """Whether the density is fixed, and whether it is constant on the support."""
    y = floats(block.y)
    largest = float(np.max(np.abs(y), initial=0))
    tolerance = 1e-12 * (1 + largest)
    block.constant = largest < tolerance
    block.trivial = True
    for u in range(y.shape[1]):
        rows = y[:, u][block.valid[:, u]]
        if len(rows) and np.max(np.abs(rows - rows[0])) > tolerance:
            block.trivial = False
