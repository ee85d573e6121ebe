"""The classes of a module as lines of source: sums over the data, and the parts of the ELBO."""

from __future__ import annotations

from symelbo.code.lay_out_python import call, lay_out, wrap_text
from symelbo.code.ops import dim_text
from symelbo.code.plan import Argument, Field, Function, Plan, Sums
from symelbo.code.print_functions import PrintedFunction
from symelbo.values import dataclass

__all__ = ["PrintedSums"]


@dataclass(frozen=True)
class PrintedSums:
    """The class of sums, what makes it and what is made of it."""

    plan: Plan
    sums: Sums

    @property
    def names(self) -> list[str]:
        """Those that are public."""
        return ["Statistics", "Terms", "statistics", "terms"]

    @property
    def collect(self) -> PrintedFunction:
        """The function that makes one."""
        sums = self.sums
        return PrintedFunction(self.plan, sums.collect, "Statistics", "Statistics", sums.points)

    @property
    def methods(self) -> list[PrintedFunction]:
        """What is made of one and of parameters."""
        found = [PrintedFunction(self.plan, self.sums.terms, "Terms", "Terms", method=True)]
        if self.sums.profiles is not None:
            found.append(PrintedFunction(self.plan, self.sums.profiles, method=True))
        return found

    @property
    def functions(self) -> list[PrintedFunction]:
        """All of these."""
        return [self.collect, *self.methods]

    @property
    def points(self) -> str:
        """The first field."""
        return self.sums.points

    @property
    def weights(self) -> str:
        """The argument that holds weights of data points."""
        (name,) = (a.name for a in self.sums.collect.arguments if a.kind == "data_weights")
        return name

    @property
    def fields(self) -> list[str]:
        """Those of the sums, the first of them left out."""
        return [field.name for field in self.sums.collect.fields]

    @property
    def centres(self) -> list[str]:
        """The fields that are sums of centres."""
        return [name for name, _, _ in self.sums.centres]

    @property
    def terms(self) -> list[str]:
        """The fields of the parts."""
        return [field.name for field in self.sums.terms.fields]

    @property
    def described_fields(self) -> list[str]:
        """What each of the sums is."""
        return [line for field in self.sums.collect.fields for line in self._described(field)]

    @property
    def described_terms(self) -> list[str]:
        """What each of the parts is."""
        return [line for field in self.sums.terms.fields for line in self._described(field)]

    def _described(self, field: Field) -> list[str]:
        dims = [dim_text(extent, self.plan.sizes) for extent in field.shape]
        shape = f"shape ({', '.join(dims)}{',' * (len(dims) == 1)})" if dims else ""
        text = "; ".join(filter(None, (shape, field.text))) or "a number"
        return wrap_text(f"{field.name}: {text}.", 8, 4)

    @property
    def whole(self) -> list[str]:
        """The function that makes the parts of the data."""
        summary = (
            "The ELBO and its parts, per data point, in nats.",
            "They are made of sums about the mean of the data: about 2 log10(k) digits are lost"
            " where values are k standard deviations away from it. `elbo` and `gap` keep more.",
        )
        function = Function("terms", summary, self.sums.whole, (), (), None, (), None, frozenset())
        header = PrintedFunction(self.plan, function, "Terms").header
        needed = [
            a for a in self.sums.collect.arguments if a.kind not in ("data_weights", "centre")
        ]
        named = [f"{a.name}={self._given(a)}" for a in needed]
        named += [f"{centre}=_mean({data})" for _, centre, data in self.sums.centres]
        parts = [f"{a.name}={self._given(a)}" for a in self.sums.terms.arguments]
        lines = lay_out("sums = ", call("statistics", *named), 4)
        return [*header, *lines, *lay_out("return ", call("sums.terms", *parts), 4)]

    def _given(self, argument: Argument) -> str:
        """An argument of the function that makes the parts of the data, or a length of one."""
        if any(argument.name == other.name for other in self.sums.whole):
            return argument.name
        for other in (a for a in self.sums.whole if not a.optional):
            for at, extent in enumerate(other.shape):
                if extent.size is not None and self.plan.sizes[extent.size] == argument.name:
                    length = f"np.shape({other.name})[{at - len(other.shape)}]"
                    sign = "-" if extent.offset > 0 else "+"
                    return f"{length} {sign} {abs(extent.offset)}" if extent.offset else length
        raise AssertionError("a size that no array has")
