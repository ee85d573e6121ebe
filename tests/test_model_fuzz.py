"""Whatever the text: a Model or a SpecError, and nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from symelbo.errors import SpecError
from symelbo.language.fault import TextError
from symelbo.language.parse import parse_expression, parse_statement, parse_type
from symelbo.model.model import Model
from symelbo.model.read_model import read_model

TOKENS = [
    "x",
    "z",
    "c",
    "d",
    "h",
    "t",
    "k",
    "W",
    "mu",
    "pi",
    "s",
    "H",
    "D",
    "C",
    "T",
    "1",
    "2",
    "0",
    "-1",
    "1.5",
    "1e-3",
    "+",
    "-",
    "*",
    "/",
    "**",
    "^",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "=",
    "~",
    "for",
    "in",
    "sum",
    "exp",
    "log",
    "sqrt",
    "abs",
    "Normal",
    "Bernoulli",
    "Categorical",
    "MvNormal",
    "Poisson",
    "PI",
    "f",
    "inv",
    "logdet",
    "9",
    "precision=",
    "p=",
]
expressions = st.lists(st.sampled_from(TOKENS), max_size=30).map(" ".join)
statements = st.one_of(
    expressions,
    st.builds("x ~ Normal({}, {})".format, expressions, expressions),
    st.builds("x[d] ~ Normal({}, 1) for d in 1:D".format, expressions),
    st.builds("z[h] ~ Normal({}, s) for h in 1:{}".format, expressions, expressions),
    st.builds("a[k] = {} for k in 1:H".format, expressions),
    st.just("c ~ Categorical(pi)"),
    st.text(max_size=40),
)


def read(source: Any) -> None:
    try:
        assert isinstance(read_model(source), Model)
    except SpecError as error:
        assert error.faults
        assert "\n" not in "".join(map(str, error.faults))


@given(st.one_of(st.text(max_size=200), expressions))
@example("9**9**9**9")
@example("__import__('os').system('x')")
@settings(max_examples=300, deadline=None)
def test_any_text_as_an_expression(text: str) -> None:
    for parse in (parse_expression, parse_statement, parse_type):
        try:
            parse(text)
        except TextError as error:
            assert 0 <= error.fault.at <= len(text)


@given(
    model=st.lists(statements, max_size=5),
    q=st.one_of(st.just("exact"), st.lists(statements, min_size=1, max_size=3)),
    support=st.one_of(st.just("real"), expressions),
    density=expressions,
    kind=st.one_of(st.just("real[D, H]"), expressions),
)
@settings(max_examples=400, deadline=None)
def test_any_texts_in_a_specification(
    model: list[str], q: object, support: str, density: str, kind: str
) -> None:
    read(
        {
            "name": "fuzz",
            "sizes": ["D", "H", "C"],
            "parameters": {
                "W": kind,
                "mu": "real[D]",
                "pi": "simplex[C]",
                "s": "positive",
            },
            "functions": {"f": "real[D]"},
            "families": {
                "Mine": {
                    "value": "v",
                    "support": support,
                    "parameters": {"p": "unit"},
                    "log_density": density,
                }
            },
            "model": [*model, "y ~ Mine(1/2)"],
            "observed": ["x", "y"],
            "variational": q,
        }
    )


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = [
    "name",
    "reference",
    "description",
    "sizes",
    "parameters",
    "constants",
    "functions",
    "inputs",
    "families",
    "model",
    "observed",
    "variational",
    "reparameterize",
]


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
@settings(max_examples=300, deadline=None)
def test_any_values_under_the_keys(source: dict[str, object]) -> None:
    read(source)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.text(alphabet="ab:- \n\t[]{},&*!|>'\"%@?#~", max_size=120).map(str.encode),
    )
)
@example(b"%YAML 1.")
@example(b"&")
@example(b"!")
@example(b"%TAG")
@example(b"? !")
@example(b'"\\x')
@example(b'"\\UFFFFFFFF"')
@settings(max_examples=600, deadline=None)
def test_any_bytes_as_a_file(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "fuzz.yaml"
        path.write_bytes(data)
        read(path)
