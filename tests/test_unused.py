"""What is declared and does nothing is named to the reader, and is no fault."""

from __future__ import annotations

from pathlib import Path

import symelbo
from symelbo.page.derivation_json import derivation_data
from symelbo.page.summary import render_summary

SPEC = """\
name: Unused
sizes: [D]
parameters:
  w: real
  V: real[D]
  lost: real
  vanishing: real
  defined: real
constants: {k: real}
inputs: {u: real, v: real}
functions: {g: real, f: real}
model:
  - a = 2*defined
  - z ~ Normal(0, 1)
  - x[d] ~ Normal(w*z + f(v) + 0*vanishing, 1) for d in 1:D
observed: [x]
variational:
  - z ~ Normal(sum(V[d]*x[d] for d in 1:D), tau)
"""


def test_what_no_density_depends_on_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "unused.yaml"
    path.write_text(SPEC)
    derivation = symelbo.derive(path)
    named = [
        ("lost", "a parameter", "parameter", 6, 3),
        ("vanishing", "a parameter", "parameter", 7, 3),
        ("defined", "a parameter", "parameter", 8, 3),
        ("k", "a constant", "constant", 9, 13),
        ("u", "an input", "input", 10, 10),
        ("g", "a function", "function", 11, 13),
    ]
    assert derivation_data(derivation)["unused"] == [
        {"name": name, "kind": kind, "line": line, "column": column}
        for name, _, kind, line, column in named
    ]
    summary = " ".join(render_summary(derivation, width=10**6).split())
    for name, what, _, line, column in named:
        assert f"no density depends on `{name}`, {what} ({path}:{line}:{column})" in summary
    assert summary.count("no density depends on") == len(named)


def test_where_all_is_used_nothing_is_said() -> None:
    derivation = symelbo.derive(
        {
            "name": "used",
            "parameters": {"w": "real", "p": "simplex[3]"},
            "model": ["c ~ Categorical(p)", "x ~ Normal(w*c, 1)"],
            "observed": ["x"],
        }
    )
    assert "unused" not in derivation_data(derivation)
    assert "no density depends" not in derivation.summary()
