"""Growth in depth: what is shared is worked on once, in every pass from the text to the documents.

Work is counted, never timed.  A quantity that each of n layers uses twice is a tree of 3**n.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from benchmarks.benchmark_growth import KINDS
from symelbo import derive
from symelbo.answer.shorthand import rebuild_named, shorten
from symelbo.criterion.choose_functions import interpretations
from symelbo.criterion.factor import make_factor
from symelbo.criterion.probe import allow_probes
from symelbo.criterion.search_motion import Search
from symelbo.index.build import add, call, mul, power, subtract
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Real
from symelbo.index.normal import is_zero
from symelbo.index.substitute import count_written, depth_of, replace_symbols, walk_parts
from symelbo.index.terms import Apply, Array, Entry, Extent, Index, Number, Role, Sum, Symbol, Term
from symelbo.index.tidy import shorter_form
from symelbo.index.work import Allowance, TooLong
from symelbo.language.measure import count_operations
from symelbo.limits import WRITTEN_DEPTH, WRITTEN_SUBTERMS
from symelbo.model.read_model import read_model
from symelbo.notation import print_latex as printer
from symelbo.page.derivation_json import derivation_data
from symelbo.proof.find_shorthand import find_shorthand
from symelbo.trial import identity
from symelbo.trial.evaluate import World, evaluate
from symelbo.trial.identity import identity_residual
from symelbo.trial.operations import count_operations as count_evaluated
from symelbo.trial.remember import remember

X = Symbol("x", Role.PARAMETER, Real())
ONE = Number(Fraction(1))


def specification(kind: str, n: int) -> dict[str, Any]:
    return {"name": f"{kind} {n}", **KINDS[kind](n)}


def reused(n: int) -> Term:
    """tanh(a) + a**2, n times: a graph of about 3 n nodes, a tree of 2**n."""
    term: Term = Entry(X)
    for _ in range(n):
        term = add(call("tanh", term), power(term, 2))
    return term


def bounded(n: int) -> Term:
    """The same with logarithms and roots, whose arguments are differences that may lose digits."""
    term: Term = Entry(X)
    for _ in range(n):
        inner = add(ONE, call("tanh", term))
        term = add(call("log", inner), power(inner, Fraction(1, 2)))
    return term


def nodes(*terms: Term) -> int:
    return len({node for term in terms for node in walk_parts(term)})


# ---------------------------------------------------------------- text to model


def test_operations_of_a_statement_are_counted_as_a_graph() -> None:
    def mean(n: int) -> Array:
        return read_model(specification("reuse", n)).statements[-1].argument("mean")

    small, large = (count_operations(mean(n), 10**9) for n in (15, 30))
    assert large < 2.1 * small
    assert count_operations(mean(30), 50) == 51  # no further than one more


def test_copies_are_counted() -> None:
    """With its own indices a quantity is shared, with others it is copied."""
    body = " + ".join(f"exp(v[d]*{n})" for n in range(600))

    def model(use: str, loop: str) -> dict[str, Any]:
        lines = [f"y{n}[{loop}] = a[{use}] for {loop} in 1:D" for n in range(60)]
        return {
            "name": "copies",
            "sizes": ["D"],
            "parameters": {"v": "real[D]"},
            "model": [f"a[d] = {body} for d in 1:D", *lines, "x ~ Normal(y1[1], 1)"],
            "observed": ["x"],
        }

    with pytest.raises(Exception, match="operations of the model"):
        read_model(model("k", "k"))
    assert read_model(model("d", "d")).statements


# ---------------------------------------------------------------- terms


def test_derivatives_and_substitutions_grow_with_the_graph() -> None:
    field = {X: Array((), Entry(X))}
    found = [nodes(derivative_along(reused(n), field)) for n in (20, 40)]
    assert found[1] < 2.2 * found[0]
    other = {X: Array((), Entry(Symbol("y", Role.PARAMETER, Real())))}
    assert nodes(replace_symbols(reused(40), other)) == nodes(reused(40))


def test_depth_counts_operations() -> None:
    assert depth_of(Entry(X)) == 1
    assert depth_of(call("exp", mul(Entry(X), call("tanh", Entry(X))))) == 4
    assert depth_of(reused(300)) == 601  # without recursion


def test_what_is_read_is_not_longer_than_what_is_shared() -> None:
    """(a + b) c, repeated, expands into a power of two; a short product is expanded."""
    symbols = [Entry(Symbol(f"a{n}", Role.PARAMETER, Real())) for n in range(24)]
    long = mul(*(add(ONE, symbol) for symbol in symbols))
    assert shorter_form(long) is long
    short = mul(*(add(ONE, symbol) for symbol in symbols[:2]))
    assert shorter_form(short) is not short
    assert is_zero(subtract(shorter_form(short), short))


# ---------------------------------------------------------------- documents


def undone(term: Term, chosen: Any) -> Term:
    for symbol, array in reversed(chosen):
        term = replace_symbols(term, {symbol: array})
    return term


def test_repeated_parts_have_names_and_mean_the_same() -> None:
    term = reused(40)
    shorthand = find_shorthand([term], frozenset({"t9"}))
    chosen = shorthand.definitions
    assert all(symbol.name.startswith("u") for symbol, _ in chosen)  # t means something else
    every = frozenset({"shared", *"tuyghkacdfwvbs"})
    assert find_shorthand([term], every).definitions[0][0].name not in every
    assert len(chosen) < 2 * 40
    short = rebuild_named(lambda part, made: shorthand.entries.get(part, made))(term)
    assert count_written(short) + sum(count_written(a.body) for _, a in chosen) < 40 * 40
    assert undone(short, chosen) is term
    assert find_shorthand([reused(3)], frozenset()).definitions == ()


def test_what_is_nested_deep_has_names() -> None:
    term: Term = Entry(X)
    for _ in range(150):
        term = call("tanh", add(ONE, term))
    chosen = find_shorthand((term,), frozenset()).definitions
    assert 150 * 2 // WRITTEN_DEPTH <= len(chosen) <= 150 * 2 // WRITTEN_DEPTH + 2
    assert max(depth_of(array.body) for _, array in chosen) <= WRITTEN_DEPTH


def test_names_keep_their_indices() -> None:
    extent = Extent("D")
    index = Index("d", extent)
    term: Term = Entry(Symbol("v", Role.PARAMETER, Real(), (extent,)), (index,))
    for _ in range(12):
        term = add(call("tanh", term), power(term, 2))
    total = Sum(index, term)
    chosen = find_shorthand({"a": total}, frozenset()).definitions
    assert chosen
    assert all(array.indices == (index,) for _, array in chosen)
    assert all(symbol.shape == (extent,) for symbol, _ in chosen)


def test_what_the_user_named_keeps_its_name() -> None:
    """In LaTeX, in text, in JSON and in Python, whatever its own places are called."""
    spec = specification("reuse_vectors", 8)
    spec["model"][-1] = spec["model"][-1].replace("[i]", "[j]").replace("for i", "for j")
    derivation = derive(spec)
    shorthand = derivation.worked.shorthand
    own = dict(derivation.model.quantities)
    users = [symbol.name for symbol, _ in shorthand.definitions if symbol in own]
    assert users == [f"a{n}" for n in range(1, 9)]
    for symbol, array in shorthand.definitions:
        if symbol in own:
            assert undone(array.body, shorthand.definitions) is own[symbol].body
    assert derivation_data(derivation)["shorthand"]["a2"]["text"] == "a1[i]*v2[i] + t1[i]"
    assert r"t_{2,j} & = \tanh(a_{2,j} w_{3,j})" in derivation.latex()
    assert "a2 = xp.tanh(a1 * w2) + a1 * v2" in derivation.python()


def test_a_long_argument_goes_by_the_name_that_the_user_gave_it() -> None:
    derivation = derive(
        {
            "name": "named",
            "sizes": ["D", "H"],
            "parameters": {"W": "real[D, H]", "b": "real[D]", "p": "unit[H]"},
            "model": [
                "z[h] ~ Bernoulli(p[h]) for h in 1:H",
                "drive[j] = sum(W[j,h]*z[h] for h in 1:H) + b[j] for j in 1:D",
                "x[d] ~ Bernoulli(logit=drive[d]) for d in 1:D",
                "y[d] ~ Poisson(log_rate=drive[d+1]) for d in 1:D-1",
            ],
            "observed": ["x", "y"],
        }
    )
    meaning = "drive[j] = sum(W[j,h]*z[h] for h in 1:H) + b[j]"
    assert derivation.summary().count(f"with {meaning}") == 1  # where it is first needed
    assert "exp(drive[d+1])" in derivation.summary()
    assert r"\mathit{drive}" in derivation.latex()
    assert "drive = b + z @ W.T" in derivation.python()
    for factor in derivation_data(derivation)["factors"][1:]:
        assert list(factor["abbreviations"]) == ["drive"]


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What LaTeX is made of, each time that it is made."""
    made: list[object] = []
    plain = printer._Setter._set

    def counted(self: Any, display: Any) -> Any:
        made.append(display)
        return plain(self, display)

    monkeypatch.setattr(printer._Setter, "_set", counted)
    printer._print.cache_clear()
    yield made
    printer._print.cache_clear()


def test_the_inside_of_brackets_is_set_once(sets: list[object]) -> None:
    """x (1 + x (1 + ...)), and exp(exp(...)), which may or may not stand as an exponent."""
    counts = []
    for n in (12, 24):
        term: Term = Entry(X)
        for k in range(n):
            symbol = Entry(Symbol(f"a{k}", Role.PARAMETER, Real()))
            term = mul(symbol, add(ONE, call("exp", mul(symbol, add(symbol, term)))))
        sets.clear()
        assert printer.print_latex(term)
        counts.append(len(sets))
    assert counts[1] < 2.5 * counts[0]


def test_documents_of_a_deep_model_grow_with_its_graph() -> None:
    sizes = []
    for n in (8, 16):
        derivation = derive(specification("reuse", n))
        assert derivation.verdict == "proved"
        assert derivation.trial is not None
        assert derivation.trial.untried == ()
        assert derivation.trial.printed is not None  # F too was integrated
        data = derivation_data(derivation)
        assert data["shorthand"]
        sizes.append(len(json.dumps(data)))
        assert "has a name, here and below" in derivation.latex()
        assert derivation.python()
    assert sizes[1] < 4 * sizes[0]


def test_short_formulas_have_no_shorthand() -> None:
    derivation = derive(specification("reuse", 2))
    assert shorten(derivation) is derivation
    assert "shorthand" not in derivation_data(derivation)
    assert "has a name, here" not in derivation.latex()


# ---------------------------------------------------------------- numerical trials


def test_what_is_remembered_is_evaluated_once() -> None:
    counts = []
    for n in (30, 60):
        world = World({}, {("x", ()): 0.3}, {("x", ()): 1.0}, careful=True)
        (term,) = remember({"f": bounded(n)}).values()
        counts.append(count_evaluated([term], world))
        evaluate(term, world)
        assert len(world._kept) < 3 * n
    assert counts[1] < 2.1 * counts[0]


def test_what_a_shared_array_holds_is_remembered() -> None:
    """f(a) + g(a): the argument is an array that both have, and its body has one parent."""
    f, g = (Symbol(name, Role.FUNCTION, Real()) for name in "fg")

    def nested(n: int) -> Term:
        term: Term = Entry(X)
        for _ in range(n):
            arguments = (Array((), term),)
            term = add(Apply(f, arguments), Apply(g, arguments))
        return term

    world = World({}, {("x", ()): 0.3})
    counts = [count_evaluated(remember({"f": nested(n)}).values(), world) for n in (20, 40)]
    assert counts[1] < 2.1 * counts[0]
    assert len(find_shorthand([nested(40)], frozenset()).definitions) < 3 * 40


def test_remembering_changes_no_number() -> None:
    world = World({}, {("x", ()): 0.3}, {("x", ()): 1.0})
    (term,) = remember({"f": bounded(12)}).values()
    assert term is not bounded(12)
    assert evaluate(term, world) == evaluate(bounded(12), world)
    still = world.along({})
    assert evaluate(term, still).value == evaluate(term, world).value
    assert evaluate(term, still).tangent == 0.0


def test_what_is_remembered_depends_on_its_indices() -> None:
    extent = Extent("D")
    index = Index("d", extent)
    vector = Symbol("v", Role.PARAMETER, Real(), (extent,))
    term = replace_symbols(reused(12), {X: Array((), Entry(vector, (index,)))})
    world = World({"D": 2}, {("v", (1,)): 0.1, ("v", (2,)): 0.4})
    (kept,) = remember({"f": Sum(index, term)}).values()
    assert evaluate(kept, world).value == pytest.approx(evaluate(Sum(index, term), world).value)


def test_a_shared_graph_is_tried() -> None:
    """2**40 operations as a tree."""
    term = bounded(40)
    field = {X: Array((), Entry(Symbol("y", Role.PARAMETER, Real())))}
    change = derivative_along(term, field)
    rest = add(term, mul(Number(Fraction(-1)), change))
    assert identity_residual(term, Number(Fraction(0)), rest, field, seed=0) < 1e-9
    wrong = add(rest, Number(Fraction(1, 10)))
    assert identity_residual(term, Number(Fraction(0)), wrong, field, seed=0) > 1e-3


def test_a_trial_that_is_skipped_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "IDENTITY_OPERATIONS", 8)
    derivation = derive(
        {
            "name": "skipped",
            "parameters": {"p": "unit", "w": "real", "s": "positive"},
            "model": ["z ~ Bernoulli(p)", "x ~ Normal(w*z, s)"],
            "observed": ["x"],
        }
    )
    assert derivation.trial is not None
    assert derivation.trial.untried == ("z", "x")
    assert derivation.residual is None
    data = derivation_data(derivation)
    assert (data["untried"], data["trials"], data["residual"]) == (["z", "x"], 0, None)
    assert "not tried in numbers: (U) of z and x" in " ".join(derivation.summary().split())
    assert "was proved, but not tried in numbers" in derivation.latex()


# ---------------------------------------------------------------- criterion


def test_a_scaling_mean_beside_a_variance_that_does_not_scale() -> None:
    """Groups of equations that share no unknown are solved apart: at no depth are both in one."""
    derivation = derive(specification("beside", 16))
    assert (derivation.verdict, derivation.theorem) == ("proved", 1)


@pytest.mark.parametrize("n", [4, 5, 16])
def test_a_decoder_is_refuted_at_any_depth(n: int) -> None:
    """Of nested functions the innermost alone is curved; numbers stay small enough to be shown."""
    derivation = derive(specification("decoder", n))
    assert derivation.verdict == "refuted"
    assert "inf" not in derivation.summary().split()
    assert derivation.latex()


def test_a_refutation_speaks_of_what_a_name_stands_for() -> None:
    """The velocity of w1 is in the certificate, and w1 only behind a name of a repeated part."""
    derivation = derive(specification("reuse_functions", 8))
    assert derivation.verdict == "refuted"
    assert derivation.worked.shorthand.definitions
    assert r"\dot{w}_{1}" in derivation.latex()


def test_interpretations_of_nested_functions_grow_with_their_number() -> None:
    written = []
    for n in (8, 16):
        factors = [make_factor(s) for s in read_model(specification("decoder", n)).statements]
        sizes = dict.fromkeys(specification("decoder", n)["sizes"], 1)
        first = interpretations(factors)[0](sizes)
        assert len(first) == n
        written.append(sum(count_written(meaning.array) for meaning in first.values()))
    assert written[1] < 2.2 * written[0]


def probed(kind: str, n: int) -> int:
    work = allow_probes()
    model = read_model(specification(kind, n))
    search = Search(tuple(map(make_factor, model.statements)), (), probes=work)
    search.decide({}, with_q=False)
    return work.spent


def test_the_work_of_probes_is_counted_and_is_the_same_each_time() -> None:
    """Degrees say nothing of the whole, since its variance does not scale."""
    small, again, large = (probed("beside", n) for n in (8, 8, 16))
    assert 100 < small == again
    assert large < 8 * small


def test_a_probe_that_comes_to_its_bound_names_itself() -> None:
    work = Allowance(3, "a pass")
    work.spend(3)
    with pytest.raises(TooLong, match="a pass"):
        work.spend(1)


def test_a_cut_probe_leaves_the_criterion_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symelbo.criterion.probe.PROBE_WORK", 100)
    derivation = derive(specification("beside", 4))
    assert derivation.verdict == "undecided"
    assert "the probe of equations at random points" in " ".join(derivation.summary().split())


def test_bounds_of_what_is_written() -> None:
    assert WRITTEN_SUBTERMS > 1000
    assert 20 < WRITTEN_DEPTH < 60  # LaTeX takes up to eight frames of the stack for each
