"""A derivation as the files of DIR/STEM/, and what that folder is called."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from symelbo import derive
from symelbo.replace_folder import replace_folder
from symelbo.resources import models_directory
from symelbo.write_output import output_stem, write_output


@pytest.mark.parametrize("pdf", [True, False])
def test_the_manifest_lists_every_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pdf: bool
) -> None:
    monkeypatch.setattr("symelbo.compile_pdf.compile_pdf", lambda source: b"%PDF" + source)
    written = write_output(derive(models_directory() / "sbn_rigid.yaml"), tmp_path, pdf=pdf)
    names = [
        "appendix.tex",
        "certificate.json",
        "derivation.json",
        "manifest.json",
        "proof.tex",
        "sbn_rigid.py",
    ]
    assert written.files == tuple(sorted([*names, *(["proof.pdf"] if pdf else [])]))
    assert sorted(os.listdir(written.folder)) == list(written.files)
    listed = json.loads((written.folder / "manifest.json").read_text())["sha256"]
    files = [path for path in written.folder.iterdir() if path.name != "manifest.json"]
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_pdf_that_is_no_longer_written_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symelbo.compile_pdf.compile_pdf", lambda source: b"%PDF")
    derivation = derive(models_directory() / "sbn_rigid.yaml")
    assert "proof.pdf" in write_output(derivation, tmp_path).files
    folder = write_output(derivation, tmp_path, pdf=False).folder
    assert not (folder / "proof.pdf").exists()


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("../../x.yaml", "x"),
        ("..yaml", "_"),
        ("a b.yaml", "a_b"),
        (".hidden", "_hidden"),
        ("$(rm -rf ~).yaml", "__rm_-rf___"),
        ("Lücke.yml", "L_cke"),
        ("a" * 300 + ".yaml", "a" * 120),
        ("a\nb.yaml", "a_b"),
    ],
)
def test_stems_are_made_safe(tmp_path: Path, path: str, stem: str) -> None:
    assert output_stem(Path(path)) == stem
    replace_folder({"proof.tex": b""}, tmp_path, stem)
    assert os.listdir(tmp_path) == [stem]
