"""certificate.json: its form, that it is proved again elsewhere, and everything hostile."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from encoded import certificate_data

import symelbo
from symelbo.checker.check import CHECKED, PARTLY, REJECTED, check_bytes, check_data, check_file
from symelbo.checker.domains import DOMAINS
from symelbo.checker.report import check_paths
from tests.oracle import rank as oracle

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "output").glob("*/certificate.json"))
SCHEMA = json.loads((ROOT / "docs" / "certificate.schema.json").read_text(encoding="utf-8"))


def data_of(stem: str) -> Any:
    return json.loads((ROOT / "output" / stem / "certificate.json").read_bytes())


# ---------------------------------------------------------------- what is written


def test_every_model_has_a_certificate() -> None:
    assert {folder.name for folder in FOLDERS} == {p.stem for p in (ROOT / "models").glob("*.yaml")}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_certificates_have_the_documented_form_and_are_checked(folder: Path) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(data_of(folder.name))
    report = check_file(folder)
    assert (report.status, report.reasons, report.unproved) == (CHECKED, (), ())
    claimed = data_of(folder.name)
    for claim in claimed["claims"]:
        for identity in claim["identities"]:
            assert f"(U) of {identity['factor']}" in report.proved


def test_the_kinds_of_the_form_are_those_that_the_checker_knows() -> None:
    assert set(SCHEMA["$defs"]["kind"]["enum"]) == set(DOMAINS)


def test_the_checker_works_where_its_folder_is_copied_to(tmp_path: Path) -> None:
    shutil.copytree(Path(symelbo.__file__).parent / "checker", tmp_path / "checker")
    command = [sys.executable, "-S", "-m", "checker", *map(str, FOLDERS[:4])]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={"PATH": ""}, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.count(": checked\n") == 4


def test_python_m_and_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "symelbo.checker"]
    file = FOLDERS[0] / "certificate.json"
    run = subprocess.run([*command, file], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0 and run.stdout.startswith(f"{file}: checked\n")
    run = subprocess.run(
        [*command, "--help"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.returncode == 0 and "exit" in run.stdout
    assert subprocess.run(command, capture_output=True, cwd=ROOT, check=False).returncode == 2


# ---------------------------------------------------------------- files beside it


@pytest.fixture
def ppca(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "output" / "ppca", tmp_path / "ppca"))


def test_a_changed_file_is_noticed(ppca: Path) -> None:
    assert check_file(ppca).status == CHECKED
    module = ppca / "ppca.py"
    module.write_text(module.read_text() + "\n")
    report = check_file(ppca)
    assert report.status == REJECTED
    assert report.reasons == ("ppca.py is not the file that was written with the certificate",)


def test_documents_of_another_model_are_noticed(ppca: Path) -> None:
    for name in ("proof.tex", "derivation.json", "appendix.tex"):
        shutil.copy(ROOT / "output" / "sbn" / name, ppca / name)
        assert check_file(ppca).status == REJECTED
        shutil.copy(ROOT / "output" / "ppca" / name, ppca / name)
    assert check_file(ppca).status == CHECKED


def test_a_missing_file_is_said(ppca: Path) -> None:
    (ppca / "proof.tex").unlink()
    report = check_file(ppca)
    assert (report.status, report.unproved) == (PARTLY, ("proof.tex, which is missing",))


def test_no_file_elsewhere_is_read(ppca: Path) -> None:
    data = json.loads((ppca / "certificate.json").read_bytes())
    data["files"] = {"../../secret": "0" * 64, "/etc/passwd": "0" * 64, "..": "0" * 64}
    (ppca / "certificate.json").write_text(json.dumps(data))
    report = check_file(ppca)
    assert report.status == PARTLY and len(report.unproved) == 3


def test_the_worst_status_counts(ppca: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "certificate.json").write_text("{}")
    partly = tmp_path / "partly"
    shutil.copytree(ppca, partly)
    os.remove(partly / "ppca.py")
    good, bad, none = ppca, tmp_path / "bad", tmp_path / "none"
    assert check_paths([good])[0] == 0
    assert check_paths([good, partly])[0] == 4
    assert check_paths([partly, none])[0] == 2
    status, text = check_paths([good, none, bad, partly])
    assert status == 1
    assert "cannot be read" in text and "rejected\n  the schema is not" in text
    assert "not proved by the checker: ppca.py, which is missing" in text


# ---------------------------------------------------------------- lies


def test_a_false_part_is_named() -> None:
    data = data_of("ppca")
    data["sum"]["closed_form"] = data["sum"]["entropies"][1]["display"]
    report = check_data(data)
    assert report.status == REJECTED and str(report.failed) == "the closed form of the sum"
    data = data_of("ppca")
    data["claims"][0]["identities"][1]["entropy"] = data["claims"][0]["identities"][0]["entropy"]
    report = check_data(data)
    assert str(report.failed) == "(U) of x" and "not shown to be zero" in report.reasons[0]


def test_a_verdict_needs_its_parts() -> None:
    def rejected(stem: str, reason: str, **changes: Any) -> None:
        report = check_data({**data_of(stem), **changes})
        assert report.status == REJECTED and reason in "; ".join(report.reasons), report

    rejected("ppca", "nothing is said of", claims=[], sum=None)
    rejected("ppca", "no theorem", theorem=None)
    rejected("ppca", "a theorem, although", verdict="refuted")
    rejected("poisson_mixture", "base measure of x is not constant", theorem=1)
    names = [factor["name"] for factor in data_of("sbn_rigid")["factors"]]
    rejected("sbn_rigid", "nothing is refuted", refutations=[], undecided=names)
    rejected("sbn_rigid", "not every factor", verdict="proved", theorem=1)
    rejected("linear_vae", "not said to follow", claims=follows(data_of("linear_vae"), False))
    rejected("ppca", "there is no q", claims=follows(data_of("ppca"), True))


def follows(data: Any, value: bool) -> Any:
    return [{**claim, "q_follows": value} for claim in data["claims"]]


def test_what_is_not_claimed_is_listed() -> None:
    data = {**data_of("ppca"), "unproved": ["that the sky is blue"]}
    report = check_data(data)
    assert (report.status, report.unproved) == (PARTLY, ("that the sky is blue",))


# ---------------------------------------------------------------- hostile files

TEXTS = (
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"null",
    b"[]",
    b"{}",
    b'{"schema": "symelbo/certificate/1", "schema": "symelbo/certificate/1"}',
    b'{"schema": NaN}',
    b'{"schema": 1e999}',
    b"1" * 100_000,
    b'{"schema": "symelbo/certificate/2"}',
)


@pytest.mark.parametrize("content", TEXTS, ids=range(len(TEXTS)))
def test_what_is_no_certificate_is_rejected(content: bytes) -> None:
    assert check_bytes(content).status == REJECTED


def with_terms(*terms: Any, log_density: int | None = None) -> Any:
    data = data_of("sbn_simple")
    shift = len(data["terms"])
    moved = [
        [t[0], *(p + shift if isinstance(p, int) and t[0] in "+*^" else p for p in t[1:])]
        for t in terms
    ]
    data["terms"] += moved
    if log_density is not None:
        data["factors"][0]["log_density"] = shift + log_density
    return data


HOSTILE: dict[str, Any] = {
    "a graph of 2^200 paths": with_terms(
        ["n", "D"], *(["+", k, k] for k in range(200)), log_density=200
    ),
    "a polynomial of 2^200 terms": with_terms(
        ["n", "A"],
        ["n", "B"],
        ["+", 0, 1],
        *(["*", k, k] for k in range(2, 30)),
        log_density=30,
    ),
    "a tower of powers": with_terms(["q", 9], *(["^", k, k] for k in range(20)), log_density=20),
    "a high power": with_terms(["q", 10**9], ["n", "A"], ["^", 1, 0], ["^", 2, 0], log_density=3),
    "a negative power": with_terms(["q", -(10**9)], ["q", 7], ["^", 1, 0], log_density=2),
    "a deep term": with_terms(["n", "D"], *(["+", k] for k in range(5000)), log_density=10),
    "a later term": with_terms(["+", 5], ["n", "D"]),
    "itself": with_terms(["+", 0]),
    "a long number": with_terms(["q", "9" * 5000]),
    "a number by zero": with_terms(["q", "1/0"]),
    "an unknown function": with_terms(["f", "system", 0]),
    "an unknown head": with_terms(["?", 0]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_terms_are_rejected(name: str) -> None:
    assert check_data(HOSTILE[name]).status == REJECTED


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all parts."""
    yield path
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, part in items:
        yield from leaves(part, (*path, key))


def put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(data)
    part = changed
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return changed


@pytest.mark.parametrize("stem", ["sbn_simple", "sbn_rigid", "vae1"])
def test_junk_in_any_place_is_no_defect(stem: str) -> None:
    """A sample of all places, with every kind of junk: an answer, never an exception."""
    data = data_of(stem)
    paths = [path for path in leaves(data) if path]
    for number, path in enumerate(paths[:: max(1, len(paths) // 120)]):
        junk = (None, -1, 10**30, "", "x", [], {}, [None], {"x": []}, True)[number % 10]
        assert check_data(put(data, path, junk)).status in (CHECKED, PARTLY, REJECTED)


def test_an_instance_at_which_the_model_does_not_exist_refutes_nothing() -> None:
    """The sizes of a refutation are at least those that the whole model needs."""
    spec = {
        "name": "place",
        "sizes": ["H"],
        "parameters": {"s": "positive"},
        "model": [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "y ~ Normal(sum(z[h] for h in 1:H), s)",
            "x ~ Normal(z[2], s)",
        ],
        "observed": ["x", "y"],
    }
    data = certificate_data(symelbo.derive(spec))
    (refutation,) = data["refutations"]
    assert data["sizes"]["H"] == 2 and refutation["sizes"]["H"] >= 2
    assert check_data(data).status != REJECTED
    data["sizes"]["H"] = refutation["sizes"]["H"] + 1
    report = check_data(data)
    assert report.status == REJECTED and "but the model needs" in str(report.reasons)
    data["sizes"], refutation["sizes"] = {}, {"H": 2, "J": 0}  # of a size that nothing names
    assert check_data(data).status == REJECTED


# ---------------------------------------------------------------- axes longer than a category

# sizes, the axis, how many categories select from it; the least size, and axes that are too short
AXES: dict[str, tuple[list[str], str, str, dict[str, int], list[list[Any]]]] = {
    "both are fixed": ([], "4", "2", {}, [[1], ["K"], [["K", 1]]]),
    "a fixed number of a size": (["K"], "K", "3", {"K": 3}, [[2], [["K", -1]]]),
    "the same size": (["K"], "K", "K-1", {"K": 2}, [[2], [["K", -2]], ["D"]]),
}


@pytest.mark.parametrize("case", AXES)
def test_an_axis_may_be_longer_than_the_category_that_selects(case: str) -> None:
    sizes, axis, categories, least, short = AXES[case]
    spec = {
        "name": "axes",
        "sizes": sizes,
        "parameters": {
            "p": f"simplex[{categories}]",
            "m": f"real[{axis}]",
            "q": f"positive[{axis}]",
        },
        "model": ["s ~ Categorical(p)", "x ~ Normal(m[s], q[s])"],
        "observed": ["x"],
    }
    derivation = symelbo.derive(spec)
    assert (derivation.verdict, derivation.theorem) == ("proved", 1)
    assert dict(a.size for a in derivation.assumptions if a.size is not None) == least
    data = json.loads(json.dumps(certificate_data(derivation)))
    assert check_data(data).status == CHECKED
    for shape in short:
        changed = copy.deepcopy(data)
        changed["sizes"] |= {"D": 9, "K": changed["sizes"].get("K", 1)}
        changed["symbols"]["q"]["shape"] = shape
        report = check_data(changed)
        assert report.status == REJECTED, shape
        assert report.reasons == ("q has no such entry at every size",), shape
    if least:
        changed = copy.deepcopy(data)
        changed["sizes"]["K"] = least["K"] - 1
        fixed = categories.isdigit()  # else K - 1 of K is a place wherever there is one
        assert (check_data(changed).status == REJECTED) is fixed
    answers = oracle.decide(spec)
    assert [(a.verdict, a.theorem) for a in answers] == [("HOLDS", 1)] * len(answers)
