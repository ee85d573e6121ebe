"""What the README shows is what the program does."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from update_output import EXAMPLE, MODELS, OUTPUT, README, ROOT, models_table, run_example

from symelbo import derive
from symelbo.index.domains import TYPES
from symelbo.model.read_model import KEYS, read_model

TEXT = README.read_text(encoding="utf-8")
HINT = "regenerate it: python -m tests.update_output"


def part(name: str) -> str:
    (found,) = re.findall(rf"<!-- begin {name} -->\n(.*?)\n<!-- end {name} -->", TEXT, re.DOTALL)
    return str(found)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="the example writes a PDF")
def test_the_first_screen_is_the_real_output() -> None:
    assert f"    symelbo {' '.join(EXAMPLE)}\n" in TEXT.partition("## ")[0]
    assert part("example") == f"```text\n{run_example()}```", HINT


def test_the_table_of_models_is_current() -> None:
    assert part("models") == models_table({path.stem: derive(path) for path in MODELS}), HINT


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(links) > len(MODELS)
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_specification_derives(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    (tmp_path / "model.yaml").write_text(text, encoding="utf-8")
    derivation = derive(tmp_path / "model.yaml")
    assert derivation.verdict == "proved"
    assert derivation.entropy_sum == derive(ROOT / "models" / "sbn.yaml").entropy_sum


def test_the_python_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("numpy")
    monkeypatch.chdir(ROOT)
    first, second = blocks("python")
    names: dict[str, object] = {}
    exec(compile(first, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert printed.startswith("proved 1\n")
    elbo, sum_and_gap = map(float, printed.splitlines()[-1].split())
    assert elbo == pytest.approx(sum_and_gap, rel=1e-12)
    assert str(names["latex"]).startswith("\\documentclass")
    pytest.importorskip("sklearn")
    exec(compile(second, "README.md", "exec"), names)
    assert capsys.readouterr().out.startswith("GaussianMixture as ")


def test_every_key_of_a_specification_is_explained() -> None:
    for key in KEYS:
        assert f"`{key}`" in TEXT, key


def test_every_type_is_listed() -> None:
    (row,) = re.findall(r"^\| `parameters` .*", TEXT, re.MULTILINE)
    (listed,) = re.findall(r"Types: (.*), with a shape", row)
    assert re.findall(r"`(\w+)", listed) == list(TYPES)


def test_every_file_of_an_output_is_explained() -> None:
    for path in OUTPUT.rglob("*"):
        if path.is_file():
            name = "STEM.py" if path.suffix == ".py" else path.name
            assert f"`{name}`" in TEXT, path


def test_the_commands_are_those_of_the_project() -> None:
    assert "    pip install . && symelbo derive models/ppca.yaml\n" in TEXT
    tests = "pip install '.[test,arrays]' && pytest -n auto"
    assert f"    {tests}\n" in TEXT
    # continuous integration runs this very command, in quiet
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.sub(r" --quiet --disable-pip-version-check", "", ci).rstrip().endswith(tests)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"test", "numeric"} <= set(extras["optional-dependencies"])


def test_the_sum_is_never_called_a_bound() -> None:
    shown = [README, *OUTPUT.rglob("*.tex"), *OUTPUT.rglob("*.py"), *OUTPUT.rglob("*.json")]
    for path in shown:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(\\mathcal\{?[LF]\}?|\bF|\bL|ELBO)\s*(>=|\\geq?\b)", text), path


def test_models_are_read_without_faults_by_their_own_names() -> None:
    assert [read_model(path).stem for path in MODELS] == [path.stem for path in MODELS]
