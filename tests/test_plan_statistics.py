"""Statistics: one variable for each mean of a data part, and none over data and samples at once."""

from __future__ import annotations

from pathlib import Path

import pytest

import symelbo
from symelbo.code.draft import Draft
from symelbo.code.plan import Average, symbols_in
from symelbo.code.plan_module import plan_module
from symelbo.code.plan_statistics import Statistics
from symelbo.code.separate_data import Inseparable
from symelbo.code.setting import Setting
from symelbo.index.build import call, mul, number, power, subtract
from symelbo.index.substitute import free_indices
from symelbo.index.terms import Entry, Index, Sum, Symbol

ROOT = Path(__file__).resolve().parents[1]
STEMS = sorted(path.stem for path in (ROOT / "models").glob("*.yaml"))


@pytest.fixture
def statistics() -> Statistics:
    return Statistics(Draft(Setting(symelbo.derive(ROOT / "models" / "sbn.yaml"))))


def symbols(statistics: Statistics) -> dict[str, Symbol]:
    return {symbol.name: symbol for symbol in statistics.draft.setting.names}


def assigned(statistics: Statistics) -> dict[str, object]:
    return {s.target.name: s.value for s in statistics.draft.statements}


def test_the_same_mean_has_one_name(statistics: Statistics) -> None:
    known = symbols(statistics)
    x, mu = known["x"], known["mu"]
    d, e = (Index(name, x.shape[0]) for name in "de")
    z = Entry(known["z"], (Index("h", known["z"].shape[0]),))
    for name, index in (("one", d), ("two", e)):
        entry = Entry(x, (index,))
        term = Sum(index, mul(entry, Entry(mu, (index,)), Sum(z.indices[0], z)))  # type: ignore[arg-type]
        average = statistics.average(name, term)
        assert average.over is None and not free_indices(average.value)
    names = list(assigned(statistics))
    assert names.count("mean_x") == 1 and names[-1] == "two"
    assert isinstance(assigned(statistics)["mean_x"], Average)


def test_what_does_not_meet_the_samples_is_averaged_as_before(statistics: Statistics) -> None:
    x = symbols(statistics)["x"]
    d = Index("d", x.shape[0])
    average = statistics.average("own", Sum(d, power(Entry(x, (d,)), 2)))
    setting = statistics.draft.setting
    assert free_indices(average.value) == {setting.data}


def test_what_cannot_be_taken_apart(statistics: Statistics) -> None:
    """At x[f] = 0 nothing is left of the data in it, but at 1 there is."""
    known = symbols(statistics)
    x, z = known["x"], known["z"]
    e, f, h = Index("e", x.shape[0]), Index("f", x.shape[0]), Index("h", z.shape[0])
    inside = subtract(Entry(x, (e,)), mul(number(2), Sum(h, Entry(z, (h,)))))
    term = call("tanh", mul(inside, Entry(x, (f,))))
    with pytest.raises(Inseparable):
        statistics.average("no", Sum(e, Sum(f, term)))


@pytest.mark.parametrize("stem", STEMS)
def test_no_statement_has_data_samples_and_more(stem: str) -> None:
    """An array over data points, samples and entries is what made modules slow."""
    derivation = symelbo.derive(ROOT / "models" / f"{stem}.yaml")
    plan = plan_module(derivation)
    assert plan is not None
    setting = Setting(derivation)
    both = {setting.data, setting.over}
    for function in plan.functions:
        if function.name == "entropy_sum":
            continue
        by_data = {
            variable.symbol
            for variable in setting.variables.values()
            if setting.data in variable.batch and not variable.shared
        }
        for statement in function.statements:
            value = statement.value
            pooled = isinstance(value, Average) and setting.data in value.kept
            read = not by_data.isdisjoint(symbols_in(value))
            if setting.data in statement.axes and read and not pooled:
                by_data.add(statement.target)
            assert not both <= set(statement.axes) or statement.target not in by_data
