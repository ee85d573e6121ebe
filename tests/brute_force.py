"""The ELBO by brute force: quadrature and enumeration of a specification read anew.

Nothing of symelbo is used: statements are turned into Python with regular expressions, densities
are SciPy's, integrals are sums over nodes.  Only for specifications that the tests themselves hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from paper.family import FiniteFamily
from scipy import special, stats

Floats = NDArray[Any]
Values = dict[str, Any]


class Table:
    """An array counted from 1; with `nodes`, its last axis runs over the nodes."""

    def __init__(self, values: Any, nodes: bool = False) -> None:
        self.values, self.nodes = np.asarray(values), nodes

    def __getitem__(self, key: Any) -> Any:
        places = key if isinstance(key, tuple) else (key,)
        chosen: tuple[Any, ...] = tuple(np.asarray(k, dtype=int) - 1 for k in places)
        if self.nodes and any(k.ndim for k in chosen):  # a latent category selects
            chosen = (*chosen, np.arange(self.values.shape[-1]))
        return self.values[chosen]


def _plain(value: Any) -> Any:
    return value.values if isinstance(value, Table) else value


def _by_node(value: Any) -> Any:
    """A vector with its nodes first, as SciPy wants it."""
    if isinstance(value, Table):
        return np.moveaxis(value.values, -1, 0) if value.nodes else value.values
    return value


class Network:
    """An abstract smooth function of any arguments, with results of one shape."""

    def __init__(self, kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.kind, self.shape = kind, shape
        self.seed = int(rng.integers(10**9))

    def __call__(self, *arguments: Any) -> Any:
        rng = np.random.default_rng(self.seed)
        inner: Any = rng.normal(size=(*self.shape, 1)) / 2
        for argument in arguments:
            nodes = argument.nodes if isinstance(argument, Table) else True
            value = np.asarray(_plain(argument), dtype=float)
            if not nodes or value.ndim == 0:
                value = value[..., None]
            flat = value.reshape(-1, value.shape[-1])
            inner = inner + rng.normal(size=(*self.shape, len(flat))) @ flat
        result = rng.normal(size=(*self.shape, 1)) + np.tanh(inner)
        if self.kind == "positive":
            result = np.exp(result)
        return Table(result, nodes=True) if self.shape else result[()]


# ---------------------------------------------------------------- families

Law = Callable[[Any], Any]  # a value -> its log-density


def _normal(mean: Any, variance: Any = None, *, precision: Any = None) -> Law:
    scale = np.sqrt(variance) if precision is None else precision**-0.5
    return lambda v: stats.norm.logpdf(v, mean, scale)


def _mvnormal(mean: Any, covariance: Any) -> Law:
    mean, covariance = _by_node(mean), _by_node(covariance)

    def log_density(value: Any) -> Any:
        far = _by_node(value) - mean
        solved = np.linalg.solve(covariance, far[..., None])[..., 0]
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        return -(far * solved).sum(-1) / 2 - log_det / 2

    return log_density


def _bernoulli(p: Any = None, *, logit: Any = None) -> Law:
    if logit is None:
        return lambda v: special.xlogy(v, p) + special.xlog1py(1 - np.asarray(v), -p)
    return lambda v: v * np.asarray(logit) - np.logaddexp(0, logit)


def _binomial(n: Any, p: Any = None, *, logit: Any = None) -> Law:
    return lambda v: stats.binom.logpmf(v, n, special.expit(logit) if p is None else p)


def _poisson(rate: Any = None, *, log_rate: Any = None) -> Law:
    return lambda v: stats.poisson.logpmf(v, np.exp(log_rate) if rate is None else rate)


def _categorical(p: Any = None, *, logits: Any = None) -> Law:
    table = special.log_softmax(_plain(logits), axis=0) if p is None else np.log(_plain(p))
    if table.ndim == 1:  # the same at all nodes
        return lambda v: table[np.asarray(v, dtype=int) - 1]
    moved = table if isinstance(logits if p is None else p, Table) else table.T  # nodes last
    return lambda v: moved[np.asarray(v, dtype=int) - 1, np.arange(moved.shape[-1])]


LAWS: dict[str, Callable[..., Law]] = {
    "Normal": _normal,
    "MvNormal": _mvnormal,
    "Bernoulli": _bernoulli,
    "Binomial": _binomial,
    "Poisson": _poisson,
    "Categorical": _categorical,
    "Geometric": lambda p: lambda v: stats.geom.logpmf(v, p, -1),
    "NegativeBinomial": lambda r, p: lambda v: stats.nbinom.logpmf(v, r, p),
    "Laplace": lambda m, b: lambda v: stats.laplace.logpdf(v, m, b),
    "LogNormal": lambda m, s2: lambda v: stats.norm.logpdf(np.log(v), m, np.sqrt(s2)) - np.log(v),
    "Exponential": lambda rate: lambda v: np.log(rate) - rate * v,
    "Gamma": lambda a, b: lambda v: stats.gamma.logpdf(v, a, scale=1 / b),
    "InverseGamma": lambda a, b: lambda v: stats.invgamma.logpdf(v, a, scale=b),
    "InverseGaussian": lambda m, s: lambda v: stats.invgauss.logpdf(v, m / s, scale=s),
    "Weibull": lambda k, s: lambda v: stats.weibull_min.logpdf(v, k, scale=s),
    "Rayleigh": lambda s2: lambda v: stats.rayleigh.logpdf(v, scale=np.sqrt(s2)),
    "HalfNormal": lambda s2: lambda v: stats.halfnorm.logpdf(v, scale=np.sqrt(s2)),
    "ChiSquared": lambda k: lambda v: stats.chi2.logpdf(v, k),
    "Beta": lambda a, b: lambda v: stats.beta.logpdf(v, a, b),
    "VonMises": lambda m, k: lambda v: k * np.cos(v - m) - np.log(2 * np.pi * special.i0(k)),
    # a density of the user's own: the Maxwell distribution of the specification language
    "Maxwell": lambda s2: lambda v: stats.maxwell.logpdf(v, scale=np.sqrt(s2)),
}
MATHS: dict[str, Any] = {
    "PI": np.pi,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "abs": np.abs,
    "sigmoid": special.expit,
    "softplus": lambda u: np.logaddexp(0, u),
    "sum": sum,
    "span": lambda low, high: range(low, high + 1),
}


def _abstract(family: FiniteFamily) -> Callable[..., Law]:
    def law(theta: Any) -> Law:
        theta = _by_node(theta)

        def log_density(value: Any) -> Any:
            pairs = np.broadcast(np.asarray(value), np.empty(theta.shape[:-1]))
            rows = np.broadcast_to(theta, (*pairs.shape, theta.shape[-1]))
            points = np.broadcast_to(value, pairs.shape)
            found = [family.log_density(points[k], rows[k]) for k in np.ndindex(pairs.shape)]
            return np.reshape(found, pairs.shape)

        return log_density

    return law


# ---------------------------------------------------------------- statements


def _python(text: str) -> CodeType:
    text = re.sub(r"(?:\bfor|,)\s+(\w+) in ([^:,()]+):([^,()]+)", r" for \1 in span(\2, \3)", text)
    text = re.sub(r"\blambda\b", "lambda_", text.replace("^", "**").strip())
    return compile(text, "<specification>", "eval")


def _split(text: str) -> tuple[str, str]:
    """An expression and its plates: what follows a `for` outside all parentheses."""
    depth = 0
    for n, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if not depth and text[n:].startswith(" for "):
            return text[:n], text[n + 5 :]
    return text, ""


@dataclass(frozen=True)
class Sampling:
    """left ~ right, or left = right, for all places of the plates."""

    left: str
    right: CodeType
    place: CodeType
    plates: tuple[tuple[str, CodeType, CodeType], ...]
    family: str  # "" for a definition

    @property
    def node(self) -> str:
        return self.left.split("[")[0].strip()

    def everywhere(self, space: Values) -> Iterator[Values]:
        """The names at every place."""

        def inside(level: int, names: Values) -> Iterator[Values]:
            if level == len(self.plates):
                yield names
                return
            index, low, high = self.plates[level]
            for k in range(eval(low, names), eval(high, names) + 1):
                yield from inside(level + 1, {**names, index: k})

        yield from inside(0, space)


def read(statements: Sequence[str]) -> list[Sampling]:
    found = []
    for text in statements:
        sampled = "~" in text
        left, rest = text.split("~" if sampled else "=", 1)
        right, plates = _split(rest)
        ranges = [part.partition(" in ") for part in plates.split(",") if part]
        family = right.split("(")[0].strip() if sampled else ""
        found.append(
            Sampling(
                left.strip(),
                _python(right),
                _python(left),
                tuple(
                    (i.strip(), *(_python(end) for end in r.split(":")))  # type: ignore[misc]
                    for i, _, r in ranges
                ),
                family,
            )
        )
    return found


def log_density(statements: Sequence[Sampling], space: Values) -> Any:
    """The sum of all log-densities, at all nodes."""
    total: Any = 0.0
    names = dict(space)
    for statement in statements:
        if statement.family:
            for here in statement.everywhere(names):
                total = total + eval(statement.right, here)(eval(statement.place, here))
            continue
        parts = {}
        for here in statement.everywhere(names):
            at = re.findall(r"\[(.*)\]", statement.left)
            place = tuple(here[i.strip()] for i in at[0].split(",")) if at else ()
            parts[place] = np.asarray(eval(statement.right, here))
        if not statement.plates:
            names[statement.node] = parts[()]
            continue
        shape = tuple(max(place[k] for place in parts) for k in range(len(next(iter(parts)))))
        length = max(part.size for part in parts.values())
        table = np.empty((*shape, length))
        for place, part in parts.items():
            table[tuple(k - 1 for k in place)] = part
        names[statement.node] = Table(table, nodes=True)
    return total


# ---------------------------------------------------------------- nodes

SUPPORTS = {
    **dict.fromkeys(("Normal", "MvNormal", "Laplace"), "real"),
    **dict.fromkeys(("Bernoulli",), "binary"),
    **dict.fromkeys(("Poisson", "Geometric", "NegativeBinomial", "Binomial"), "naturals"),
    **dict.fromkeys(("Beta",), "unit"),
    **dict.fromkeys(("VonMises",), "angle"),
    **dict.fromkeys(("Categorical",), "category"),
    **dict.fromkeys(
        (
            *("LogNormal", "Exponential", "Gamma", "InverseGamma", "InverseGaussian", "Weibull"),
            *("Rayleigh", "HalfNormal", "ChiSquared", "Maxwell"),
        ),
        "positive",
    ),
}
PANEL = 8  # Gauss-Legendre nodes between two breaks
Axis = tuple[Floats, Floats]  # nodes and weights


def _panels(breaks: Floats) -> Axis:
    at, weights = np.polynomial.legendre.leggauss(PANEL)
    half, middle = np.diff(breaks) / 2, (breaks[1:] + breaks[:-1]) / 2
    return (middle[:, None] + half[:, None] * at).ravel(), (half[:, None] * weights).ravel()


def axis_of(
    support: str, *, top: int = 0, breaks: Sequence[float] = (), wide: bool = False
) -> Axis:
    """Nodes and weights of one entry; breaks: where a density may have a kink."""
    match support:
        case "binary":
            return np.array([0.0, 1.0]), np.ones(2)
        case "category":
            return np.arange(1, top + 1), np.ones(top)
        case "naturals":
            return np.arange(top + 1.0), np.ones(top + 1)
        case "real":
            line = np.arange(19.0)
            if wide:
                line = np.concatenate([line, 18 * 1.4 ** np.arange(1, 9)])
            return _panels(np.unique([*line, *-line, *breaks]))
        case "angle":
            return _panels(np.linspace(-np.pi, np.pi, 9))
        case "positive":
            u, weights = _panels(np.r_[-80.0:-20.0:4, -20:-3, -3:12.5:0.5])
            return np.exp(u), weights * np.exp(u)
        case "unit":
            u, weights = _panels(np.arange(-20.0, 21.0))
            return special.expit(u), weights * special.expit(u) * special.expit(-u)
    raise ValueError(support)


@dataclass(frozen=True)
class Nodes:
    """All combinations of the nodes of every entry of every latent."""

    weights: Floats
    values: Mapping[str, Floats]  # (*shape, nodes)

    def spaces(self, moved: Mapping[str, Floats] | None = None) -> Values:
        """The latents by name."""
        return {
            name: Table(value, nodes=True) if value.ndim > 1 else value
            for name, value in {**self.values, **(moved or {})}.items()
        }


def combine(shapes: Mapping[str, tuple[int, ...]], axes: Mapping[str, Axis]) -> Nodes:
    entries = [name for name, shape in shapes.items() for _ in range(int(np.prod(shape)))]
    grids = np.meshgrid(*(axes[name][0] for name in entries), indexing="ij")
    factors = np.meshgrid(*(axes[name][1] for name in entries), indexing="ij")
    weights = np.ones(1)
    for factor in factors:
        weights = weights * factor.ravel()
    rows = iter([grid.ravel() for grid in grids])
    values = {}
    for name, shape in shapes.items():
        parts = [next(rows) for _ in range(int(np.prod(shape)))]
        values[name] = np.reshape(parts, (*shape, len(weights)))
    return Nodes(weights, values)


# ---------------------------------------------------------------- random values


def parse_type(text: str, sizes: Mapping[str, int]) -> tuple[str, tuple[int, ...]]:
    """real[D, C-1] -> kind and shape."""
    kind, _, rest = text.partition("[")
    parts = [part for part in rest.rstrip("] ").split(",") if part.strip()]
    return kind.strip(), tuple(int(eval(part, {}, dict(sizes))) for part in parts)


def draw(kind: str, shape: tuple[int, ...], rng: np.random.Generator, top: int = 1) -> Any:
    match kind:
        case "positive":
            return rng.uniform(0.4, 1.8, shape)
        case "unit":
            return rng.uniform(0.15, 0.85, shape)
        case "simplex":
            parts = rng.uniform(0.2, 1, shape)
            return parts / parts.sum(-1, keepdims=True)
        case "posdef":
            root = rng.normal(size=shape)
            return root @ np.swapaxes(root, -1, -2) / shape[-1] + np.eye(shape[-1]) / 2
        case "binary":
            return rng.integers(0, 2, shape)
        case "naturals":
            return rng.integers(0, 5, shape)
        case "category":
            return rng.integers(1, top + 1, shape)
        case "angle":
            return rng.uniform(-3, 3, shape)
    return rng.normal(size=shape) * 0.8


def named(values: Mapping[str, Any]) -> Values:
    """Arrays as the statements use them."""
    spaces: Values = {}
    for name, value in values.items():
        key = "lambda_" if name == "lambda" else name
        spaces[key] = Table(value) if isinstance(value, np.ndarray) and value.ndim else value
    return spaces


def all_places(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return product(*(range(1, n + 1) for n in shape))
