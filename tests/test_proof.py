"""What is worked out for the reader is what the passes found: every formula has its law."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from judge import is_true

import symelbo
from symelbo.answer.derivation import Derivation, FactorResult
from symelbo.answer.worked import Abbreviations, WorkedFactor, WorkedIdentity
from symelbo.criterion.result import Refuted, Undecided
from symelbo.index.build import add, mul, negate, subtract, total
from symelbo.index.differentiate import derivative_along, derivative_by
from symelbo.index.substitute import instantiate, replace_symbols, symbols_of
from symelbo.index.terms import Term
from symelbo.proof.abbreviate import abbreviate
from symelbo.proof.quantity_names import QuantityNames
from symelbo.proof.verify_jacobian import differentiate_blocks
from symelbo.proof.work_form import work_form
from symelbo.proof.work_identity import work_identity
from symelbo.proof.work_motion import work_motion
from symelbo.proof.work_out import work_out
from symelbo.proof.work_refutation import work_refutation

MODELS = Path(__file__).resolve().parents[1] / "models"
# a latent that moves, a simplex, a matrix, long arguments, an argument that occurs twice
STEMS = ("ppca", "sbn", "gmm_full", "poisson_regression", "student_noise", "linear_vae")


@cache
def derived(stem: str) -> Derivation:
    return symelbo.derive(MODELS / f"{stem}.yaml")


def holding() -> list[tuple[str, int]]:
    return [
        (stem, number)
        for stem in STEMS
        for number, factor in enumerate(derived(stem).factors)
        if factor.identity is not None
    ]


def written_out(term: Term, chosen: Abbreviations) -> Term:
    return replace_symbols(term, dict(chosen))


def parts(stem: str, number: int) -> tuple[Derivation, FactorResult, WorkedFactor]:
    derivation = derived(stem)
    return derivation, derivation.factors[number], derivation.worked.factors[number]


def identity_of(worked: WorkedFactor) -> WorkedIdentity:
    assert worked.identity is not None
    return worked.identity


@pytest.mark.parametrize(("stem", "number"), holding())
def test_the_identity_that_is_printed_is_the_one_that_holds(stem: str, number: int) -> None:
    derivation, result, worked = parts(stem, number)
    factor, printed = result.factor, identity_of(worked)
    entropy = derivation.entropies[result.node]
    terms = (printed.logarithm, printed.change, printed.base, printed.entropy, printed.divergence)
    log_p, change, base, of_factor, divergence = (
        written_out(term, (*printed.abbreviations, *entropy.abbreviations)) for term in terms
    )
    velocities = derivation.motion.velocities()
    assert is_true(subtract(log_p, factor.log_density))
    assert is_true(subtract(change, derivative_along(factor.log_density, velocities)))
    assert is_true(add(log_p, negate(change), negate(base), of_factor, negate(divergence)))
    assert not is_true(add(log_p, negate(change), negate(base), negate(divergence)))


@pytest.mark.parametrize(("stem", "number"), holding())
def test_every_argument_that_moves_has_its_speed(stem: str, number: int) -> None:
    derivation, result, worked = parts(stem, number)
    printed = identity_of(worked)
    velocities = derivation.motion.velocities()
    assert len(printed.speeds) == len({array for array in result.factor.arguments().values()})
    for argument, speed in printed.speeds:
        meant = derivative_along(written_out(argument, printed.abbreviations), velocities)
        assert is_true(subtract(meant, speed))


@pytest.mark.parametrize(("stem", "number"), holding())
def test_the_jacobian_takes_the_motion_to_what_is_printed(stem: str, number: int) -> None:
    _, _, worked = parts(stem, number)
    if worked.form is None or worked.form.jacobian is None:
        return
    form, jacobian = worked.form, worked.form.jacobian
    for entry in jacobian.entries:
        free = entry.parameter.domain.free_shape(entry.parameter.shape)
        assert len(free) == len(entry.indices)
    for product in jacobian.products:
        whole: list[Term] = []
        for free, slope, velocity in product.summands:
            part = mul(slope, velocity)
            for index in reversed(free):
                part = total(index, part)
            whole.append(part)
        result = form.blocks[product.block].natural if product.result is None else product.result
        shown = written_out(subtract(add(*whole), result), form.abbreviations)
        assert is_true(shown)
    for moved in jacobian.tangent:
        assert is_true(total(moved.indices[-1], moved.velocity))
    if jacobian.centred is not None:
        assert jacobian.centred.index != jacobian.centred.other


@pytest.mark.parametrize("stem", STEMS)
def test_a_motion_is_printed_as_it_was_found(stem: str) -> None:
    decision = derived(stem).decision
    worked, steps = work_motion(decision.motion, decision.nonzero)
    found = worked.velocities()
    assert found.keys() == decision.motion.velocities().keys() and len(steps) == len(found)
    for symbol, array in decision.motion.velocities().items():
        assert is_true(subtract(instantiate(found[symbol], array.indices), array.body))


def test_long_arguments_are_abbreviated_and_nothing_else_changes() -> None:
    derivation, result, _ = parts("sbn", 1)
    factor = result.factor
    names = QuantityNames.of(derivation.model, derivation.motion.velocities())
    short = abbreviate(factor, None, names)
    assert short.chosen and not {symbol.name for symbol, _ in short.chosen} & names.taken
    for argument, array in factor.arguments().items():
        shown = instantiate(short.mapping[argument], array.indices)
        assert is_true(subtract(written_out(shown, short.chosen), array.body))
    moved = frozenset(derivation.motion.parameters)
    kept = abbreviate(factor, None, names, moved)
    assert not any(symbols_of(array) & moved for _, array in kept.chosen)


def test_slopes_are_derivatives_by_the_parameters_that_move() -> None:
    derivation, result, worked = parts("gmm_full", 1)
    assert result.form is not None and worked.form is not None
    slopes = differentiate_blocks(result.form.blocks, derivation.motion.parameters)
    assert slopes == worked.form.slopes and slopes
    for slope in slopes:
        natural = result.form.blocks[slope.block].natural
        other = derivative_by(natural, slope.parameter, slope.indices)
        assert is_true(subtract(slope.term, other))
    names = QuantityNames.of(derivation.model, derivation.motion.velocities())
    again = work_form(result.factor, result.form, result.motion, None, names)
    for block, shown in zip(result.form.blocks, again.blocks, strict=True):
        meant = written_out(shown.natural, again.abbreviations)
        assert is_true(subtract(meant, block.natural))


def test_what_is_refuted_or_left_open_has_a_step_and_its_cases() -> None:
    source = {
        "name": "softplus",
        "sizes": ["D", "H"],
        "parameters": {"pi": "unit[H]", "W": "real[D,H]", "b": "real[D]"},
        "model": [
            "z[h] ~ Bernoulli(pi[h]) for h in 1:H",
            "x[d] ~ Poisson(softplus(sum(W[d,h]*z[h] for h in 1:H) + b[d])) for d in 1:D",
        ],
        "observed": "x",
    }
    _, result = symelbo.derive(source, explain=False).factors
    assert isinstance(result.result, Refuted)
    cases, step = work_refutation(result.result)
    given = result.result.certificate.cases
    assert len(given[0].matrix) > 1
    assert len(cases) == len(given) and step.rule == "refute_criterion" and step.reason
    for shown, case in zip(cases, given, strict=True):
        for line, other in zip(shown.matrix, case.matrix, strict=True):
            assert all(is_true(subtract(a, b)) for a, b in zip(line, other, strict=True))
    left = Undecided(result.factor, result.factor.log_density, "a motion")
    assert work_refutation(left)[0] == () and work_refutation(left)[1].after == left.residual


def test_the_whole_is_worked_out_factor_by_factor() -> None:
    derivation = derived("ppca")
    worked = work_out(
        derivation.model,
        derivation.decision,
        derivation.factors,
        derivation.entropy_sum,
        derivation.posterior,
    )
    assert len(worked.factors) == len(derivation.factors)
    assert {step.subject for step in worked.steps} >= {factor.node for factor in derivation.factors}
    assert worked.shorthand.definitions == ()
    first = identity_of(worked.factors[1])
    result = derivation.factors[1]
    assert result.identity is not None
    entropy = derivation.entropies[result.node]
    names = QuantityNames.of(derivation.model, derivation.motion.velocities())
    alone, steps = work_identity(result.identity, derivation.motion, entropy, names)
    assert alone == first and [s.rule for s in steps] == ["differentiate_density", "state_identity"]
