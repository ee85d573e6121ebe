"""The verdict of a model is the weakest of its factors, and lists what it rests on."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from pathlib import Path

import pytest

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.conclude import Conclusion, conclude
from symelbo.criterion.result import Closure, Decision, Holds, Outside, Refuted, Result, Undecided
from symelbo.expfam.form import Gauge
from symelbo.index.build import ONE
from symelbo.values import replace

MODELS = Path(__file__).resolve().parents[1] / "models"


@cache
def derived(stem: str) -> Derivation:
    return symelbo.derive(MODELS / f"{stem}.yaml")


def concluded(derivation: Derivation, decision: Decision) -> Conclusion:
    return conclude(derivation.model, decision, derivation.worked)


def results() -> dict[str, Result]:
    """One of each kind, weakest first."""
    (holding,) = [r for r in derived("sbn_rigid").decision.results if isinstance(r, Holds)][:1]
    refuted = next(r for r in derived("sbn_rigid").decision.results if isinstance(r, Refuted))
    return {
        "refuted": refuted,
        "outside": Outside(holding.factor, "a reason", None, None, ()),
        "undecided": Undecided(holding.factor, ONE, "a motion"),
        "proved": holding,
    }


@pytest.mark.parametrize(
    "names", list(permutations(("refuted", "outside", "undecided", "proved"), 3))
)
def test_the_weakest_factor_decides(names: tuple[str, ...]) -> None:
    known = results()
    decision = replace(derived("sbn_rigid").decision, results=tuple(known[name] for name in names))
    found = concluded(derived("sbn_rigid"), decision)
    assert found.verdict == next(name for name in known if name in names)
    assert (found.theorem is None) == (found.verdict != "proved")


def test_theorem_1_needs_entropies_and_a_q_that_follows() -> None:
    normal = derived("ppca")
    assert (normal.verdict, normal.theorem) == ("proved", 1)
    broken = concluded(normal, replace(normal.decision, closure=Closure.BROKEN))
    assert (broken.verdict, broken.theorem) == ("undecided", None)
    first, *rest = normal.decision.results
    assert isinstance(first, Holds)
    based = replace(first, identity=replace(first.identity, gauge=Gauge.TEXTBOOK))
    pseudo = concluded(normal, replace(normal.decision, results=(based, *rest)))
    assert (pseudo.verdict, pseudo.theorem) == ("proved", 2)


def test_what_a_result_rests_on_is_listed() -> None:
    def kinds(stem: str, closure: Closure | None = None) -> dict[str, list[str]]:
        derivation = derived(stem)
        decision = derivation.decision
        decision = decision if closure is None else replace(decision, closure=closure)
        found: dict[str, list[str]] = {}
        for assumption in concluded(derivation, decision).assumptions:
            found.setdefault(assumption.kind, []).append(assumption.text)
        return found

    assert len(kinds("ppca")["standing"]) == 4
    assert "variational" not in kinds("ppca", Closure.NOT_NEEDED)
    said = {c: " ".join(kinds("linear_vae", c).get("variational", [])) for c in Closure}
    assert len(set(said.values())) == len(Closure)
    assert "NOT shown" in said[Closure.BROKEN] and "exact posterior" in said[Closure.EXACT]
    unproved = replace(
        derived("ppca").decision,
        results=tuple(Undecided(r.factor, ONE, "") for r in derived("ppca").decision.results),
    )
    assert concluded(derived("ppca"), unproved).assumptions == ()
