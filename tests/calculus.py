"""Helpers for tests of the calculus: a small vocabulary of symbols, and random worlds."""

from __future__ import annotations

from random import Random

from symelbo.index.domains import Binary, PosDef, Positive, Real, Simplex, Unit
from symelbo.index.substitute import free_indices
from symelbo.index.terms import Array, Domain, Entry, Extent, Index, Role, Symbol, Term
from symelbo.trial.evaluate import World, evaluate, places

REAL, POSITIVE, UNIT = Real(), Positive(), Unit()
C, D, H = Extent("C"), Extent("D"), Extent("H")
c, c2 = Index("c", C), Index("k", C)
d, d2, d3 = Index("d", D), Index("e", D), Index("f", D)
h, h2 = Index("h", H), Index("g", H)
inner = Index("i", Extent("C", -1))


def parameter(name: str, domain: Domain = REAL, *shape: Extent) -> Symbol:
    """A learned parameter."""
    return Symbol(name, Role.PARAMETER, domain, shape)


x, y = parameter("x"), parameter("y")
s, t = parameter("s", POSITIVE), parameter("t", POSITIVE)
p = parameter("p", UNIT)
W = parameter("W", REAL, D, H)
v = parameter("v", POSITIVE, H)
mu = parameter("mu", REAL, D)
pi = parameter("pi", Simplex(), C)
Sigma = parameter("Sigma", PosDef(), D, D)
z = Symbol("z", Role.LATENT, Binary(), (H,))
SYMBOLS = (x, y, s, t, p, W, v, mu, pi, Sigma, z)


def matrix() -> Array:
    """Sigma as an array."""
    return Array((d, d2), Entry(Sigma, (d, d2)))


def draw_world(random: Random, sizes: dict[str, int] | None = None) -> World:
    """Random sizes in 1..3 (C in 2..3) and admissible values of all symbols."""
    sizes = sizes or {
        "C": random.randint(2, 3),
        "D": random.randint(1, 3),
        "H": random.randint(1, 3),
    }
    values: dict[tuple[str, tuple[int, ...]], float] = {}
    world = World(sizes, values)
    for symbol in SYMBOLS:
        for place in places(world, symbol.shape):
            match symbol.domain.kind:
                case "positive":
                    value = random.uniform(0.3, 2.0)
                case "unit":
                    value = random.uniform(0.1, 0.9)
                case "binary":
                    value = float(random.randint(0, 1))
                case _:
                    value = random.gauss(0.0, 1.0)
            values[symbol.name, place] = value
    weights = [random.uniform(0.2, 1.0) for _ in range(sizes["C"])]
    n = sizes["D"]
    root = [[random.gauss(0, 1) for _ in range(n)] for _ in range(n)]
    for k, weight in enumerate(weights):
        values["pi", (k + 1,)] = weight / sum(weights)
    for i in range(n):
        for j in range(n):
            entry = sum(root[i][k] * root[j][k] for k in range(n)) + (1.0 if i == j else 0.0)
            values["Sigma", (i + 1, j + 1)] = entry
    return world


def value_of(term: Term, world: World) -> float:
    """The value with every free index at its first place."""
    return evaluate(term, world, {i: i.low for i in free_indices(term)}).value
