"""A plan -> an example for the documentation of its module, in the form of a session.

Small random arrays that lie in the domains of the arguments, and what holds at all of them: that
the ELBO is the sum of entropies and the gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from symelbo.code.lay_out_python import Expression, call, lay_out
from symelbo.code.lower import Lowering
from symelbo.code.plan import Argument, Bound, Exceeds, Function, Least, Plan
from symelbo.code.print_arrays import ArrayPrinter
from symelbo.code.setting import fresh
from symelbo.index.terms import Extent
from symelbo.values import dataclass

__all__ = ["print_example"]


def print_example(plan: Plan) -> list[str]:
    """The lines of the example."""
    functions = {function.name: function for function in plan.functions}
    shown = [functions[name] for name in ("elbo", "entropy_sum", "gap") if name in functions]
    if "gap" not in functions:
        shown = [plan.functions[0]]
    needed: dict[str, Argument] = {}
    for argument in chain.from_iterable(function.arguments for function in shown):
        if not argument.optional and argument.kind != "size":
            needed.setdefault(argument.name, argument)
    joint = {a.shape[0] for a in needed.values() if a.domain == "joint"}
    values = _Values(plan, _lengths(plan, shown), _floors(shown), frozenset(joint))
    lines = ["rng = np.random.default_rng(0)"]
    for argument in sorted(needed.values(), key=lambda a: a.is_bounded):
        lines.append(f"{argument.name} = {values.of(argument)}")
    session = [f">>> {line}" for line in lines]
    if "gap" not in functions:
        finite = call("bool", call("np.isfinite", _call(values, shown[0])))
        return [*session, *_statement("", finite), "True"]
    F, S, G = (fresh(name, set(needed)) for name in "FSG")
    for name, function in zip((F, S, G), shown, strict=True):
        session += _statement(f"{name} = ", _call(values, function))
    return [*session, f">>> bool(np.isclose({F}, {S} + {G}))", "True"]


def _call(values: _Values, function: Function) -> Expression:
    """A function at all that it needs."""
    given = [a for a in function.arguments if a.kind == "size" or not a.optional]
    shown = [f"{a.name}={values.length(a.name) if a.kind == 'size' else a.name}" for a in given]
    return call(function.name, *shown)


def _statement(head: str, body: Expression) -> list[str]:
    """A statement as lines of a session."""
    first, *rest = lay_out(head, body, 4)
    return [f">>> {first[4:]}", *(f"... {line[4:]}" for line in rest)]


def _lengths(plan: Plan, functions: list[Function]) -> dict[str, int]:
    """size -> a small length, no less than the model needs"""
    least = {
        condition.size: condition.value
        for function in functions
        for condition in function.conditions
        if isinstance(condition, Least)
    }
    return {size: max(least.get(size, 1), 2 + n % 3) for n, size in enumerate(plan.sizes)}


def _floors(functions: list[Function]) -> dict[str, Extent]:
    """argument -> what it has to exceed"""
    return {
        condition.argument: condition.extent
        for function in functions
        for condition in function.conditions
        if isinstance(condition, Exceeds)
    }


@dataclass(frozen=True)
class _Values:
    """Random values of arguments at some lengths.

    floors: what arguments have to exceed; joint: the first axes of joint probabilities, with which
    the single ones agree where both are the same everywhere.
    """

    plan: Plan
    lengths: Mapping[str, int]
    floors: Mapping[str, Extent]
    joint: frozenset[Extent]

    def length(self, name: str) -> int:
        """The length of a size, by its name in the module."""
        return next(self.lengths[size] for size, own in self.plan.sizes.items() if own == name)

    def of(self, argument: Argument) -> str:
        """An expression of its value."""
        if argument.kind != "array":
            return "0.5"
        lengths = [self._extent(extent) for extent in argument.shape]
        size = _size_argument(lengths)
        uniform = "rng.uniform({}, {}" + (f", {size})" if size else ")")
        if argument.name in self.floors:
            floor = self._extent(self.floors[argument.name])
            return uniform.format(floor + 1, floor + 2)
        low, high = self._bound(argument.lower), self._bound(argument.upper)
        last = lengths[-1] if lengths else 1
        match argument.domain:
            case "positive":
                return uniform.format(0.5, 2)
            case "unit":
                return uniform.format(0.1, 0.9)
            case "weights" if argument.shape[0] in self.joint:
                return f"np.full({tuple(lengths)}, {1 / last!r})"
            case "weights" | "simplex":
                return f"rng.dirichlet(np.ones({last}){_among(lengths[:-1])})"
            case "joint":
                return f"np.full({tuple(lengths)}, {1 / last**2!r})"
            case "posdef":
                eye = f"np.eye({last})"
                return eye if len(lengths) == 2 else f"np.broadcast_to({eye}, {tuple(lengths)})"
            case "binary":
                return f"rng.integers(0, 2{_among(lengths)})"
            case "naturals":
                return f"rng.integers({0 if high else 1}, {2 if high else 6}{_among(lengths)})"
            case "category":
                return f"rng.integers(1, {high} + 1{_among(lengths)})"
            case "counts":
                shares = f"np.full({last}, {1 / last!r})"
                return f"rng.multinomial({high}, {shares}{_among(lengths[:-1])})"
            case "interval":
                start = low or f"{high} - 1"
                width = f"({high} - {low})" if low and high else "1"
                return f"{start} + {width} * {uniform.format(0.1, 0.9)}"
        if any(extent.size and extent.offset for extent in argument.shape):
            # between neighbours of a chain: no covariance goes with any marginals
            return f"np.zeros({tuple(lengths)})"
        return f"rng.normal({size})"

    def _extent(self, extent: Extent) -> int:
        return extent.offset + (self.lengths[extent.size] if extent.size else 0)

    def _bound(self, bound: Bound) -> str:
        if bound is None:
            return ""
        sizes = {size: str(length) for size, length in self.lengths.items()}
        text = ArrayPrinter(sizes).text(Lowering().lower(bound))
        return text.replace("math.pi", "np.pi")


def _size_argument(lengths: list[int]) -> str:
    match lengths:
        case []:
            return ""
        case [one]:
            return f"size={one}"
    return f"size={tuple(lengths)}"


def _among(lengths: list[int]) -> str:
    size = _size_argument(lengths)
    return f", {size}" if size else ""
