r"""Proofs and appendices: what they must say, what TeX says of them, and that names stay text."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.answer.worked import name_velocities
from symelbo.certify.certificate import Case
from symelbo.criterion.result import Refuted, Undecided
from symelbo.index.build import add, number, power, subtract
from symelbo.index.normal import is_zero
from symelbo.index.substitute import instantiate
from symelbo.index.terms import Entry
from symelbo.index.tidy import tidy
from symelbo.notation.names import RESERVED
from symelbo.page import documents
from symelbo.page.document_notation import choose_notation
from symelbo.page.documents import render_documents, render_headline, render_proof
from symelbo.values import replace

ROOT = Path(__file__).parents[1]
MODELS = sorted((ROOT / "models").glob("*.yaml"))
PDFLATEX = shutil.which("pdflatex")
HOSTILE = r"\input{/etc/passwd} $x$ % \write18{ls} {}_^~# & ü — 名 \end{document}"


def spec(model: list[str], parameters: dict[str, str], sizes: str = "", **keys: Any) -> Any:
    observed = keys.pop("observed", ["x"])
    name = keys.pop("name", "test")
    return {
        "name": name,
        "sizes": sizes.split(),
        "parameters": parameters,
        "model": model,
        "observed": observed,
        **keys,
    }


BINARY = "z[h] ~ Bernoulli(pi[h]) for h in 1:H"
LINEAR = [
    "z[h] ~ Normal(0, 1) for h in 1:H",
    "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
]
EXTRA = {
    "shown": spec(
        LINEAR,
        {"W": "real[D, H]", "s": "positive"},
        "D H",
        variational=["z[h] ~ Normal(m[h], v[h]) for h in 1:H"],
    ),
    "not-shown": spec(
        LINEAR,
        {"W": "real[D, H]", "s": "positive"},
        "D H",
        variational=["z[h] ~ Normal(m[h], 1) for h in 1:H"],
    ),
    "exact-posterior": spec(
        LINEAR, {"W": "real[D, H]", "s": "positive"}, "D H", variational="exact"
    ),
    "conditional": spec(
        [BINARY, "x[d] ~ Laplace(m(z, w)[d], b[d]) for d in 1:D"],
        {"pi": "unit[H]", "w": "real[P]", "b": "positive[D]"},
        "D H P",
        functions={"m": "real[D]"},
    ),
    "known-variance": spec(
        [BINARY, "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), 1) for d in 1:D"],
        {"pi": "unit[H]", "W": "real[D, H]"},
        "D H",
    ),
    "offset": spec(
        [BINARY, "x[d] ~ Bernoulli(logit=sum(W[d,h]*z[h] for h in 1:H) + 2) for d in 1:D"],
        {"pi": "unit[H]", "W": "real[D, H]"},
        "D H",
    ),
    "tied": spec(
        [
            "z[h] ~ Normal(0, s) for h in 1:H",
            "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
        ],
        {"W": "real[D, H]", "s": "positive"},
        "D H",
    ),
    "curved": spec(["x ~ Normal(m, m**2)"], {"m": "positive"}),
    "abstract-logits": spec(
        [BINARY, "x[d] ~ Bernoulli(logit=m(z, w)[d]) for d in 1:D"],
        {"pi": "unit[H]", "w": "real[P]"},
        "D H P",
        functions={"m": "real[D]"},
    ),
    "softplus": spec(
        [BINARY, "x[d] ~ Poisson(softplus(sum(W[d,h]*z[h] for h in 1:H) + b[d])) for d in 1:D"],
        {"pi": "unit[H]", "W": "real[D, H]", "b": "real[D]"},
        "D H",
    ),
    "outside": spec(
        [BINARY, "x ~ Laplace(sum(w[h]*z[h] for h in 1:H), 1)"],
        {"pi": "unit[H]", "w": "real[H]"},
        "H",
    ),
    "fixed-prior": spec(
        ["z[h] ~ Normal(0, 1) for h in 1:H", "x[d] ~ Normal(m(z, w)[d], s) for d in 1:D"],
        {"w": "real[P]", "s": "positive"},
        "D H P",
        functions={"m": "real[D]"},
    ),
    "half-normal": spec(
        [
            "z[h] ~ HalfNormal(1) for h in 1:H",
            "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
        ],
        {"W": "real[D, H]", "s": "positive"},
        "D H",
    ),
    "regression": spec(
        ["y ~ Poisson(log_rate=sum(w[k]*u[k] for k in 1:K) + b)"],
        {"w": "real[K]", "b": "real"},
        "K",
        inputs={"u": "real[K]"},
        observed=["y"],
    ),
    "hidden-markov": spec(
        [
            "k[1] ~ Categorical(p0)",
            "k[t] ~ Categorical(A[k[t-1]]) for t in 2:T",
            "x[t] ~ Poisson(r[k[t]]) for t in 1:T",
        ],
        {"p0": "simplex[C]", "A": "simplex[C, C]", "r": "positive[C]"},
        "C T",
    ),
    "wishart": spec(
        ["c ~ Categorical(pi)", "X ~ Wishart(n[c], V[c])"],
        {"pi": "simplex[C]", "n": "positive[C]", "V": "posdef[C, D, D]"},
        "C D",
        observed=["X"],
    ),
    "nonzero": spec(["x ~ Bernoulli(logit=1 + t**2)"], {"t": "real"}),
    "hostile": spec(["x ~ Exponential(r)"], {"r": "positive"}, name=HOSTILE, description=HOSTILE),
    "letters": spec(
        [
            "A[h] ~ Bernoulli(p[h]) for h in 1:N",
            "x[n] ~ Bernoulli(logit=sum(q[n,h]*A[h] for h in 1:N) + s[n]) for n in 1:D",
        ],
        {"p": "unit[N]", "q": "real[D, N]", "s": "real[D]"},
        "N D",
    ),
    "more-letters": spec(
        [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "x[d] ~ Normal(sum(a[d,h]*z[h] for h in 1:H) + r[d] + v[d] + c*f, b) for d in 1:D",
        ],
        {"a": "real[D, H]", "r": "real[D]", "v": "real[D]", "c": "real", "f": "real"}
        | {"b": "positive"},
        "D H",
    ),
    "partly-tied": spec(
        [
            "z[h] ~ Normal(m, s) for h in 1:H",
            "x ~ Laplace(sum(w[h]*z[h] for h in 1:H)/s, 1)",
        ],
        {"w": "real[H]", "m": "real", "s": "positive"},
        "H",
    ),
    "long-names": spec(
        [
            "hidden_causes[h] ~ Bernoulli(prior_probability_of_a_cause[h]) for h in 1:H",
            "observed_quantity[d] ~ Normal(sum(matrix_of_weights[d,h]*hidden_causes[h]"
            " for h in 1:H) + offset_of_the_observed_quantity[d], variance_of_the_noise)"
            " for d in 1:D",
        ],
        {
            "prior_probability_of_a_cause": "unit[H]",
            "matrix_of_weights": "real[D, H]",
            "offset_of_the_observed_quantity": "real[D]",
            "variance_of_the_noise": "positive",
        },
        "D H",
        observed=["observed_quantity"],
    ),
    "many-statements": spec(
        ["z1[d] ~ Normal(m1[d], v1[d]) for d in 1:D"]
        + [f"z{k}[d] ~ Normal(m{k}[d]*z{k - 1}[d], v{k}[d]) for d in 1:D" for k in range(2, 8)],
        {f"m{k}": "real[D]" for k in range(1, 8)} | {f"v{k}": "positive[D]" for k in range(1, 8)},
        "D",
        observed=["z7"],
    ),
}


@cache
def derivation_of(key: str) -> Derivation:
    if key in EXTRA:
        return symelbo.derive({**EXTRA[key], "name": EXTRA[key]["name"]})
    return symelbo.derive(ROOT / "models" / f"{key}.yaml")


KEYS = [path.stem for path in MODELS] + list(EXTRA)


def run_tex(folder: Path, name: str, runs: int = 2) -> str:
    """The log of the last run; the test fails if TeX does."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", name]
    for _ in range(runs):
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    return (folder / name).with_suffix(".log").read_text(errors="replace")


def complaints(log: str) -> list[str]:
    return [line for line in log.splitlines() if re.search(r"Warning|Overfull|Underfull", line)]


@pytest.mark.skipif(PDFLATEX is None, reason="needs pdflatex to see what TeX says")
def test_all_appendices_in_one_paper_compile_without_a_complaint(tmp_path: Path) -> None:
    head = render_proof(derivation_of("sbn")).split(r"\begin{document}")[0]
    body = []
    for part, key in enumerate(KEYS):
        # as many papers would have it: the stems differ
        text = render_documents(derivation_of(key))[1].replace("symelbo:test:", f"symelbo:{part}:")
        (tmp_path / f"part{part}.tex").write_text(text)
        body.append(rf"\clearpage\input{{part{part}}}")
    paper = head + "\\begin{document}\n" + "\n".join(body) + "\n\\end{document}\n"
    (tmp_path / "paper.tex").write_text(paper)
    assert complaints(run_tex(tmp_path, "paper.tex", runs=3)) == []


@pytest.mark.skipif(PDFLATEX is None, reason="needs pdflatex to see what TeX says")
@pytest.mark.parametrize("key", KEYS)
def test_proof_compiles_alone(key: str, tmp_path: Path) -> None:
    (tmp_path / "proof.tex").write_text(render_proof(derivation_of(key)))
    assert complaints(run_tex(tmp_path, "proof.tex")) == []


@pytest.mark.parametrize("key", KEYS)
def test_no_bound_is_claimed_off_stationary_points(key: str) -> None:
    text = render_proof(derivation_of(key))
    assert r"\geq" not in text
    assert r"\ge " not in text
    if derivation_of(key).verdict == "proved":
        assert "stationary point" in text
        assert "no bound" in text


@pytest.mark.parametrize("key", KEYS)
def test_the_verdict_decides_the_sections(key: str) -> None:
    verdict = derivation_of(key).verdict
    text = render_proof(derivation_of(key))
    assert (r"\begin{theorem}" in text) == (verdict == "proved")
    shown = [
        r.result.certificate for r in derivation_of(key).factors if hasattr(r.result, "certificate")
    ]
    assert (r"\section{Why there is no motion}" in text) == any(shown)
    assert (r"\section{Outside the theorem}" in text) == (verdict == "outside")


def test_ppca_has_equation_29_with_a_minus_sign() -> None:
    headline = render_headline(derivation_of("ppca"))
    assert headline == (
        r"\mathcal{F} = -\frac{1}{2} \log\det\Bigl(I + \frac{1}{\sigma^{2}} W^{\top} W\Bigr)"
        r" - \frac{D}{2} \log(2 \pi e \sigma^{2})"
    )
    text = render_proof(derivation_of("ppca"))
    assert r"\delta_{hk} + \frac{1}{\sigma^{2}} \sum_{d=1}^{D} W_{dh} W_{dk}" in text


def test_categorical_prior_field_in_natural_parameters() -> None:
    text = render_proof(derivation_of("gmm_full"))
    assert r"\pi_{k} \Bigl(\log\pi_{k} - \sum_{c=1}^{C} \pi_{c} \log\pi_{c}\Bigr)" in text
    assert r"\frac{\delta_{ik}}{\pi_{i}} + \frac{1}{\pi_{C}}" in text


def test_poisson_mixture_keeps_the_factorial() -> None:
    text = render_proof(derivation_of("poisson_mixture"))
    assert r"\log x^{(n)}_{d}!" in text
    assert r"\lambda_{cd} (1 - \log\lambda_{cd})" in text


REFUTED = [key for key in KEYS if derivation_of(key).verdict == "refuted"]


def test_a_model_is_refuted_with_one_number_and_one_with_a_determinant() -> None:
    lines = {len(case.matrix) for _, case in cases_of(REFUTED)}
    assert 1 in lines
    assert max(lines) > 1


def cases_of(keys: list[str]) -> Iterator[tuple[str, Case]]:
    for key in keys:
        for result in derivation_of(key).factors:
            if isinstance(result.result, Refuted):
                yield from ((key, case) for case in result.result.certificate.cases)


@pytest.mark.parametrize("key", REFUTED)
def test_certificates_are_printed_in_full(key: str) -> None:
    """Sizes, functions, parameter values, every row with its weights, and what they leave."""
    text = render_proof(derivation_of(key))
    section = text.partition(r"\section{Why there is no motion}")[2].partition(r"\section")[0]
    notation = choose_notation(derivation_of(key).model)
    for result in derivation_of(key).factors:
        if not isinstance(result.result, Refuted):
            continue
        certificate = result.result.certificate
        for name, size in certificate.sizes:
            assert f"{name} = {size}" in section
        assert section.count(":=") == len(certificate.functions)
        for _, value in (pair for point in certificate.points for pair in point):
            assert f" = {notation.term(number(value))}" in section
        for case in certificate.cases:
            for row in case.rows:
                weights = " & ".join(f"${notation.term(number(w))}$" for w in row.weights)
                assert f" & {weights} " in section
            for unknown in case.unknowns:
                assert rf"\dot{{{unknown.of}}}" in section
            if case.unknowns:
                assert "the determinant is" in section
            else:
                assert rf"{notation.term(tidy(case.matrix[0][0]))} \neq 0" in section


def test_a_certificate_of_many_combinations_numbers_its_rows() -> None:
    """What does not fit as columns is written out: (1) - (2) - (3) + (4)."""
    ((_, case),) = cases_of(["softplus"])
    text = render_proof(derivation_of("softplus"))
    assert "Weigh the rows" not in text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "MAX_COLUMNS", 2)
        text = render_proof(derivation_of("softplus"))
    assert f"Weigh the rows in {len(case.matrix)} ways" in text
    assert {abs(row.weights[0]) for row in case.rows} == {0, 1}
    signed = [(row.weights[0], n + 1) for n, row in enumerate(case.rows) if row.weights[0]]
    # each a formula of its own: TeX breaks a long list between them
    shown = " ".join(f"${{}}{'-' if weight < 0 else '+'} ({n})$" for weight, n in signed)
    assert signed[0][0] > 0
    assert shown.replace("{}+ ", "", 1) in text


def test_a_system_that_fits_in_no_line_is_not_printed() -> None:
    """Neither a matrix of more columns than amsmath sets, nor weights of twenty digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "MAX_MATRIX", 1)
        text = render_proof(derivation_of("softplus"))
        assert "pmatrix" not in text
        assert "equations for these,\nwhose coefficients are stored beside this document" in text
        assert "the determinant is" in text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "TABLE", 3.0)
        text = render_proof(derivation_of("softplus"))
        assert "Weigh the rows" in text
        assert "pmatrix" not in text


def test_the_assumption_on_q_is_printed() -> None:
    text = render_proof(derivation_of("half-normal"))
    assert r"\emph{assumes} that the family of $q$ is closed under the motion" in text
    text = " ".join(render_proof(derivation_of("shown")).split())
    assert r"The theorem \emph{assumes}" not in text
    assert "This was shown for the declared $q$" in text
    text = " ".join(render_proof(derivation_of("not-shown")).split())
    assert r"\begin{theorem}" not in text
    assert "no motion of the parameters of $q$ was found" in text


def test_what_must_not_vanish_is_part_of_the_theorem() -> None:
    text = render_proof(derivation_of("nonzero"))
    theorem = text.partition(r"\begin{theorem}")[2].partition(r"\end{theorem}")[0]
    assert r"let $t \neq 0$" in theorem
    assert r"(defined where $t \neq 0$)" in text
    assert "The motion divides by t, which must not be 0." in text


def test_conditional_form_is_labelled() -> None:
    text = render_proof(derivation_of("conditional"))
    assert "an exponential family only at given" in text


@pytest.mark.parametrize("key", KEYS)
def test_every_velocity_is_printed_as_derived(key: str) -> None:
    """d theta/ds = velocity, for every parameter that moves."""
    text = render_proof(derivation_of(key))
    criterion = text.partition(r"\section{The criterion}")[2]
    section = bare(criterion.partition(r"\section")[0])
    notation = choose_notation(derivation_of(key).model)
    motion, worked = derivation_of(key).motion, derivation_of(key).worked.motion
    assert worked.parameters.keys() == motion.parameters.keys()
    for moved in name_velocities(worked.parameters, (*RESERVED, *notation.taken)):
        array = motion.parameters[moved.symbol]
        assert is_zero(subtract(moved.velocity, instantiate(array, moved.indices)))
        rate = rf"{notation.term(moved.entry)}}}{{{notation['d']}{notation['s']}}}"
        assert bare(f"{rate} = {notation.term(moved.velocity)}") in section


def bare(latex: str) -> str:
    """Without line breaks, alignment and the signs that stand between the factors of a product."""
    return re.sub(r"\\\\\*?|&|\\qquad|\{\}|\\cdot(?![A-Za-z])|\\,|\s", "", latex)


@pytest.mark.parametrize("key", KEYS)
def test_every_reference_is_a_command(key: str) -> None:
    """A label never stands in the text without the command that reads it."""
    for text in render_documents(derivation_of(key)):
        for match in re.finditer(r"(\\?\w*)\{symelbo:", text):
            assert match[1] in (r"\ref", r"\eqref", r"\label", r"\cite", r"\bibitem"), match
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)


def test_the_variational_distributions_are_stated() -> None:
    text = render_proof(derivation_of("vae1"))
    assert r"\nu^{(n)}_{h}" in text
    assert r"The variational distributions are" in text
    text = render_proof(derivation_of("ppca"))
    assert r"exact posteriors, $q^{(n)}(z) = p(z \mid x)$ at data point $n$" in text
    assert "derivatives of the log-likelihood" in text
    assert "exact posteriors" not in render_proof(derivation_of("sbn"))


def test_domains_are_stated() -> None:
    text = render_proof(derivation_of("gmm_full"))
    assert r"$\pi_{c} > 0$ with $\sum_{c=1}^{C} \pi_{c} = 1$" in text
    assert r"symmetric positive definite $\Sigma_{c} \in \mathbb{R}^{D \times D}$" in text
    assert "varied independently" in text


def test_a_partial_result_says_what_holds_at_stationary_points() -> None:
    text = render_proof(derivation_of("sbn_rigid"))
    assert r"\mathcal{F} = \mathcal{S} + \mathcal{F}_{x_{1}} + \mathcal{F}_{x_{2}}$" in text
    assert r"\pi \log\pi + (1 - \pi) \log(1 - \pi)" in text
    text = render_proof(derivation_of("partly-tied"))
    assert r"\mathcal{S}" not in text  # its motion also moves the factor without an entropy


def test_an_abstract_family_is_introduced() -> None:
    text = render_proof(derivation_of("mixture_general"))
    name = derivation_of("mixture_general").model.statements[1].family.name
    assert rf"$H_{{{name}}} := A_{{{name}}} - " in text


def test_letters_of_the_document_give_way_to_those_of_the_model() -> None:
    text = render_proof(derivation_of("more-letters"))
    assert r"p(\mathbf{v} \mid" in text
    assert "a velocity" in text


def test_a_velocity_on_a_simplex_is_printed_whatever_letters_the_model_leaves() -> None:
    spec = {
        "name": "letters",
        "sizes": ["C"],
        "parameters": {"pi": "simplex[C]", **{name: "real" for name in "jklm"}},
        "model": ["c ~ Categorical(pi)", "x ~ Normal(c*(j + k + l + m), 1)"],
        "observed": "x",
    }
    assert r"\sum_{j_{1}=1}^{C-1} \pi_{j_{1}}" in symelbo.derive(spec).latex()


def test_the_abstract_has_the_headline() -> None:
    text = render_proof(derivation_of("ppca"))
    abstract = text.partition(r"\begin{abstract}")[2].partition(r"\end{abstract}")[0]
    assert render_headline(derivation_of("ppca")).partition("= ")[2] in abstract
    assert r"\begin{abstract}" not in render_proof(derivation_of("sbn_rigid"))
    assert r"\begin{abstract}" not in render_documents(derivation_of("ppca"))[1]


def test_hostile_text_stays_text() -> None:
    for text in render_documents(derivation_of("hostile")):
        assert r"\input{/etc" not in text
        assert r"\write18{" not in text
        assert text.count(r"\end{document}") <= 1


def test_documents_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "import symelbo, hashlib; d = symelbo.derive('models/gmm_full.yaml');"
        "print(hashlib.sha256((d.latex() + repr(d._repr_latex_())).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(digests) == 1


def test_stationarity_counts_what_q_contributes_where_it_names_a_parameter() -> None:
    """At fixed q alone F - S need not vanish: q moves with the parameter."""
    tied = symelbo.derive(
        spec(
            ["z ~ Normal(0, 1)", "x[d] ~ Normal(w[d]*z, 1/l) for d in 1:D"],
            {"w": "real[D]", "l": "positive"},
            "D",
            variational=["z ~ Normal(nu, l)"],
        )
    )
    text = " ".join(render_proof(tied).split())
    assert "taken at fixed $q$, except those by $l$" in text
    assert "the derivatives by $l$ include what they contribute through $q$" in text


def test_the_identity_is_no_sum_of_total_derivatives_where_q_names_a_parameter() -> None:
    """No latent moves: q stays, while derivatives by s count what s contributes through q."""
    tied = symelbo.derive(
        spec(
            ["z ~ Normal(0, t)", "x ~ Normal(w*z, s)"],
            {"w": "real", "s": "positive", "t": "positive"},
            variational=["z ~ Normal(nu, s*k)"],
        )
    )
    text = " ".join(render_proof(tied).split())
    assert "except those by $s$" in text
    assert r"\frac{\partial \mathcal{F}}{\partial s}" not in text
    assert "while the parameters move and every $q^{(n)}$ stays as it is" in text


def test_where_a_velocity_divides_the_code_says_so() -> None:
    source = " ".join(derivation_of("nonzero").python().split())
    assert "It vanishes at stationary points where t is not 0." in source
    assert "stationary along the motion (see `gap`) and t is not 0" in source


def test_a_factor_in_which_nothing_moves_is_named() -> None:
    idle = symelbo.derive(
        spec(["z ~ Bernoulli(1/3)", "x ~ Normal(a*z, s)"], {"a": "real", "s": "positive"})
    )
    text = " ".join(render_proof(idle).split())
    assert "Nothing moves in $p(z)$, whose density would have to be constant" in text


def test_a_refutation_is_for_the_values_of_its_constants() -> None:
    """At m = 0 there is a motion: z is scaled about 0, and no bias is needed."""
    statements = ["z ~ Normal(m, 1)", "x ~ Normal(w*z, s)"]
    source = spec(statements, {"w": "real", "s": "positive"})
    refuted = symelbo.derive({**source, "constants": {"m": "real"}})
    (value,) = [x for _, x in refuted.factors[0].result.certificate.constants]
    assert value != 0
    assert f"(U) for m = {value}, latents" in " ".join(refuted.summary().split())
    text = " ".join(render_proof(refuted).split())
    assert rf"for $p(z)$ and $p(x \mid z)$ if $m = {value}$." in text
    at_zero = spec(["z ~ Normal(0, 1)", statements[1]], {"w": "real", "s": "positive"})
    assert symelbo.derive(at_zero).verdict == "proved"


def test_many_constants_are_named_without_their_values() -> None:
    source = spec(
        ["z ~ Poisson(l)", "x ~ Poisson(z + v + sum(m[h] for h in 1:9))"],
        {"l": "positive", "v": "positive"},
    )
    refuted = symelbo.derive({**source, "constants": {"m": "positive[9]"}})
    assert "(U) for some m: the" in " ".join(refuted.summary().split())
    assert "the other constants are certain numbers" in " ".join(render_proof(refuted).split())


def test_theorem_1_beside_theorem_2_is_under_a_condition_that_a_declared_q_is_shown_to_meet() -> (
    None
):
    source = spec(
        ["z ~ Normal(m, 1)", "x ~ Normal(w*z, s)"], {"m": "real", "w": "real", "s": "positive"}
    )
    free = symelbo.derive(source)
    assert "if the family of q is closed under it checked" in " ".join(free.summary().split())
    assert "If the family of $q$ is closed" in render_proof(free)
    shown = symelbo.derive({**source, "variational": ["z ~ Normal(n, g)"]})
    assert "closed under it, as is shown for the declared q" in " ".join(shown.summary().split())
    assert "The declared family of $q$ is closed" in render_proof(shown)


def test_of_a_long_sum_that_is_left_over_the_first_terms_are_shown() -> None:
    """All of them are in derivation.json."""
    source = spec(["z ~ Normal(0, 1)", "x ~ Normal(a*z, v)"], {"a": "real", "v": "positive"})
    found = symelbo.derive(source)
    for count, shown in ((12, ""), (13, "1 term more"), (30, "18 terms more")):
        v = Entry(found.model.parameters[-1])
        residual = add(*(power(v, number(k)) for k in range(1, count + 1)))
        factors = tuple(
            replace(factor, result=Undecided(factor.factor, residual, "a rule"))
            for factor in found.factors
        )
        long = replace(
            found, factors=factors, verdict="undecided", theorem=None, entropy_sum=None, trial=None
        )
        for text in (long.summary(), render_proof(long)):
            assert (shown in text) if shown else ("more" not in text)
