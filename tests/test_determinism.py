"""The same input gives the same bytes, whatever PYTHONHASHSEED, directory, time zone and locale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from symelbo.resources import models_directory

ROOT = Path(__file__).resolve().parents[1]


def derive(directory: Path, models: list[str], seed: str, *options: str) -> dict[str, bytes]:
    """Everything a run writes, and what it prints."""
    directory.mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": seed,
        "TZ": "Asia/Tokyo" if seed == "1" else "America/Lima",
        "LC_ALL": "C.UTF-8" if seed == "1" else "C",
    }
    done = subprocess.run(
        [sys.executable, "-m", "symelbo", "derive", *models, *options],
        cwd=directory,
        env=environment,
        capture_output=True,
        check=True,
    )
    files = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
    return {**files, "stdout": done.stdout, "stderr": done.stderr}


def assert_same(first: dict[str, bytes], second: dict[str, bytes]) -> None:
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_every_model_whatever_the_hash_seed(tmp_path: Path) -> None:
    models = [str(path) for path in sorted(models_directory().glob("*.yaml"))]
    first = derive(tmp_path / "one", models, "1", "--no-pdf", "--jobs", "2")
    second = derive(tmp_path / "two", models, "2024", "--no-pdf", "--jobs", "2")
    assert len(first) > 3 * len(models)
    assert_same(first, second)


def test_the_pdf_and_the_summary_too(tmp_path: Path) -> None:
    models = [str(models_directory() / "ppca.yaml")]
    first = derive(tmp_path / "one", models, "1")
    assert_same(first, derive(tmp_path / "two", models, "2024"))


def test_again_in_the_same_folder(tmp_path: Path) -> None:
    model = str(models_directory() / "sbn_rigid.yaml")
    first = derive(tmp_path / "one", [model], "1", "--no-pdf")
    (tmp_path / "one").rename(tmp_path / "moved")
    assert_same(first, derive(tmp_path / "one", [model], "7", "--no-pdf"))
