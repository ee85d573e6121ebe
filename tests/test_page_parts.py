"""How a factor and a summand are called in a document."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.answer.shorthand import shorten
from symelbo.notation.break_lines import join_pieces
from symelbo.notation.print_latex import LATEX
from symelbo.page.document_factors import (
    entry_of,
    joint_symbol,
    make_factor_part,
    parent_symbols,
    parents_of,
    process_row,
)
from symelbo.page.document_notation import choose_notation
from symelbo.page.document_result import ResultPrinter
from symelbo.page.documents import render_documents

MODELS = Path(__file__).resolve().parents[1] / "models"


@cache
def derived(stem: str) -> Derivation:
    return shorten(symelbo.derive(MODELS / f"{stem}.yaml"))


def printer(derivation: Derivation) -> ResultPrinter:
    notation = choose_notation(derivation.model)
    parts = tuple(
        make_factor_part(notation, derivation, n, derivation.entropies.get(factor.node))
        for n, factor in enumerate(derivation.factors)
    )
    return ResultPrinter(notation, derivation, parts)


def test_a_chain_names_its_places() -> None:
    """z[1], and z[t] for t in 2:T given z[t-1]."""
    model = derived("linear_dynamical_system").model
    notation = choose_notation(model)
    first, later = (s for s in model.statements if s.node.name == "z")
    assert joint_symbol(notation, first) == "z_{1}" and "1" in notation.term(entry_of(first))
    assert joint_symbol(notation, later) == "z_{2:T}"
    assert [p for p in parents_of(notation, later) if "t-1" in p]
    assert [s.name for s in parent_symbols(later)] == ["z"]


def test_parts_say_what_a_factor_is_and_whether_it_counts() -> None:
    refuted = derived("sbn_rigid")
    parts = printer(refuted).parts
    assert [p.label for p in parts] == [f.node for f in refuted.factors]
    for part, factor in zip(parts, refuted.factors, strict=True):
        assert part.summed == part.holds == (factor.verdict == "holds")
        assert (part.jacobian == "") == (
            factor.motion.parameters == {} or bool(factor.motion.latents)
        )
    (x,) = [p for p in printer(derived("ppca")).parts if p.observed]
    assert x.density == r"p(x_{d} \mid z)" and x.joint == r"p(x \mid z)"
    row = process_row(choose_notation(derived("ppca").model), derived("ppca").model.statements[1])
    assert row.relation == r"\sim" and row.left == "x_{d}" and "d = 1" in row.tail


def test_averages_are_those_of_what_a_summand_depends_on() -> None:
    found = printer(derived("gmm_scalar"))
    model = derived("gmm_scalar").model
    (latent,) = (s.node for s in model.latents)
    (data,) = (s.node for s in model.statements if s.node != latent)
    assert found.expectation([]) == ("", "", "")
    under_q, mean, both = (
        found.expectation(symbols)[0] for symbols in ([latent], [data], [data, latent])
    )
    assert r"\mathbb{E}" in under_q and r"\mathbb{E}" not in mean
    assert both.startswith(mean) and r"\mathbb{E}" in both


def test_a_sum_in_names_has_an_entropy_for_each_factor_that_holds() -> None:
    for stem, whole in (("ppca", True), ("sbn_rigid", False)):
        shown = printer(derived(stem))
        general = join_pieces(shown.general(), LATEX)
        holding = [f for f in derived(stem).factors if f.verdict == "holds"]
        assert general.count(r"- ") >= len(holding)
        assert (len(holding) == len(derived(stem).factors)) is whole
        assert general.count(r"\mathcal{H}") + general.count(r"\widetilde{\mathcal{H}}") >= len(
            holding
        )
        assert join_pieces(shown.explicit(), LATEX) != general


@pytest.mark.parametrize(
    "source",
    [
        {"parameters": {"pi": "simplex[1]"}, "model": ["x ~ Categorical(pi)"]},
        {"parameters": {"a": "positive[1]"}, "model": ["x ~ Dirichlet(a)"]},
        {
            "parameters": {"w": "real", "s": "positive"},
            "families": {
                "U": {
                    "value": "v",
                    "support": "0..2",
                    "parameters": {"q": "real"},
                    "log_density": "-log(2)",
                }
            },
            "model": ["z ~ U(1)", "x ~ Normal(w*z, s)"],
        },
    ],
    ids=["one category", "one share", "a fixed density"],
)
def test_a_density_without_statistics_has_a_document(source: dict[str, Any]) -> None:
    """Natural parameters and statistics are none, A and h are shown."""
    derivation = symelbo.derive({"name": "m", "observed": ["x"], **source})
    assert derivation.verdict == "proved"
    proof, _ = render_documents(derivation)
    assert "= -0" not in proof
