"""What `import symelbo` gives: `derive`, and the derivation with its methods that print."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from symelbo import pipeline
from symelbo.answer import derivation
from symelbo.model.model import Model
from symelbo.values import dataclass, fields

if TYPE_CHECKING:
    from symelbo.sympy_edge.express import Expressions

__all__ = ["Derivation", "derive"]


@dataclass(frozen=True)
class Derivation(derivation.Derivation):
    """The answer for one model, as data, and printed; `derive` makes it."""

    def latex(self) -> str:
        """The complete proof document."""
        from symelbo.page.documents import render_proof

        return render_proof(self)

    def python(self) -> str:
        """The source of the standalone numeric module; "" if there is no entropy sum to compute."""
        from symelbo.code.array_module import render_python

        return render_python(self)

    def function(self) -> ModuleType:
        """The numeric module, compiled: `.entropy_sum(...)`, `.elbo(...)`, `.gap(...)`."""
        return self._module

    @cached_property
    def _module(self) -> ModuleType:
        module = ModuleType(self.model.stem)
        exec(compile(self.python(), f"{self.model.stem}.py", "exec"), module.__dict__)
        return module

    def sympy(self, **sizes: int) -> Expressions:
        """As SymPy expressions, written out for the sizes that are given; needs SymPy."""
        from symelbo.sympy_edge.express import express

        return express(self, sizes)

    def summary(self) -> str:
        """What the command line prints, without colours."""
        from symelbo.page.summary import render_summary

        return render_summary(self)

    def _repr_latex_(self) -> str:
        from symelbo.page.documents import render_headline

        return f"$\\displaystyle {render_headline(self)}$"


def derive(
    source: str | Path | Mapping[str, object] | Model, *, explain: bool = True
) -> Derivation:
    """A model file, dict or Model -> its derivation.

    explain: seek the causes of refutations and changes that cure them, which may take as long as
    the answer.

    Raises SpecError for a bad specification (all faults at once), CheckFailed for a defect.
    """
    found = pipeline.derive(source, explain=explain)
    return Derivation(**{field.name: getattr(found, field.name) for field in fields(found)})
