"""Hostile input: refused at once, with a message, never by a crash or a long wait."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from at_once import at_once

from symelbo.errors import SpecError
from symelbo.model.read_model import read_model

SECONDS = 30.0  # what takes as long waits for ever; speed is for the benchmarks
MIB = 1 << 20
posix = pytest.mark.skipif(sys.platform == "win32", reason="no pipes and sockets among the files")


def statement(text: str) -> bytes:
    return f"name: a\nparameters: {{q: real}}\nmodel:\n  - {text}\nobserved: [x]\n".encode()


def bomb() -> bytes:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for last, this in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{this}: &{this} [{', '.join(['*' + last] * 9)}]")
    return "\n".join(lines).encode()


def growing() -> bytes:
    lines = ["  - a0 = 1 + exp(q)"]
    lines += [
        f"  - a{n} = exp(a{n - 1}) + log(a{n - 1}) + a{n - 1}**2*tanh(a{n - 1})"
        for n in range(1, 200)
    ]
    body = "\n".join(lines)
    text = f"name: a\nparameters: {{q: real}}\nmodel:\n{body}\n  - x ~ Normal(a199, 1)\n"
    return (text + "observed: [x]\n").encode()


def megabyte() -> bytes:
    lines = [f"  - y{n} = " + "+".join(["exp(q*2)"] * 1_000) for n in range(110)]
    body = "\n".join(lines)
    text = f"name: a\nparameters: {{q: real}}\nmodel:\n{body}\n  - x ~ Normal(bad, 1)\n"
    return (text + "observed: [x]\n").encode()


def copies() -> bytes:
    body = "+".join(f"exp(v[d]*{n})" for n in range(600))
    uses = "\n".join(f"  - y{n} = " + "+".join(["a[1]", "a[2]", "a[3]"]) for n in range(450))
    head = "name: a\nsizes: [D]\nparameters:\n  v: real[D]\nmodel:\n"
    text = f"{head}  - a[d] = {body} for d in 1:D\n{uses}\n  - x ~ Normal(y1, 1)\n"
    return (text + "observed: [x]\n").encode()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "over 1 MiB": (lambda: b"a" * (MIB + 1), "a file over 1 MiB"),
    "brackets": (lambda: b"[" * 100_000, "nested deeper than 16"),
    "braces": (lambda: b"{a: " * 100_000, "nested deeper than 16"),
    "dashes": (lambda: b"- " * 100_000, "nested deeper than 16"),
    "question marks": (lambda: b"? " * 100_000, "nested deeper than 16"),
    "alias bomb": (bomb, "YAML aliases are refused"),
    "many keys": (lambda: b"".join(b"k%d: v\n" % n for n in range(60_000)), "10,000"),
    "many items": (lambda: b"a: [" + b"b," * 400_000, "10,000"),
    "one long scalar": (lambda: b"a" * MIB, "a single value"),
    "long folded scalar": (lambda: b"a: " + b"x y\n  " * 150_000, "unknown key"),
    "long quoted scalar": (lambda: b'a: "' + b"\\x41" * 200_000 + b'"', "unknown key"),
    "blank lines": (lambda: b"\n" * MIB, "an empty file"),
    "directives": (lambda: b"%FOO\n" * 100_000, "cannot be read"),
    "tags": (lambda: b"a: " + b"!" * 100_000, "tag"),
    "nul bytes": (lambda: b"a: \x00\x00", "the character `\\x00`"),
    "utf-16": (lambda: "name: a".encode("utf-16"), "not UTF-8"),
    "lone surrogate": (lambda: b'name: "\\ud800"\n', "`name`"),
    "parentheses": (lambda: statement("x ~ Normal(" + "(" * 9_000 + ", 1)"), "deeper than 100"),
    "100,000 parentheses": (
        lambda: statement("x ~ Normal(" + "(" * 100_000 + "1" + ")" * 100_000 + ", 1)"),
        "an expression of 200,",
    ),
    "signs": (lambda: statement("x ~ Normal(" + "-" * 9_000 + "1, 1)"), "deeper than 100"),
    "powers": (lambda: statement("x ~ Normal(" + "q**" * 3_000 + "1, 1)"), "deeper than 100"),
    "calls": (lambda: statement("x ~ Normal(" + "exp(" * 2_000 + ", 1)"), "deeper than 100"),
    "subscripts": (lambda: statement("x ~ Normal(" + "q[" * 4_000 + ", 1)"), "deeper than 100"),
    "long expression": (lambda: statement(f"x ~ Normal({'q+' * 6_000}1, 1)"), "12,0"),
    "power tower": (lambda: statement("x ~ Normal(9**9**9**9, 1)"), "power tower"),
    "power tower by ^": (lambda: statement("x ~ Normal(((9^9)^9)^9, 1)"), "power tower"),
    "product of powers": (
        lambda: statement("x ~ Normal(" + "*".join(["2**1000"] * 900) + ", 1)"),
        "at most 1024 bits",
    ),
    "power of a product": (
        lambda: statement("x ~ Normal((((3*q)**900)**900)**900, 1)"),
        "at most 1024 bits",
    ),
    "large exponent": (lambda: statement("x ~ Normal(1e999999999, 1)"), "at most 300 digits"),
    "many digits": (lambda: statement(f"x ~ Normal({'9' * 5_000}, 1)"), "at most 300 digits"),
    "long name": (lambda: statement(f"x ~ Normal({'q' * 5_000}, 1)"), "at most 64"),
    "growing definitions": (growing, "written out"),
    "a megabyte of expressions": (megabyte, "100,000 characters"),
    "many copies of a definition": (copies, "40,000 operations of the model"),
    "many statements": (
        lambda: b"name: a\nobserved: x\nmodel:\n" + b"  - x ~ Normal(0, 1)\n" * 9_000,
        "9,000 statements",
    ),
    "many faults": (
        lambda: (
            b"name: a\nobserved: x\nmodel:\n  - y = " + b"+".join(b"u%d" % n for n in range(1_500))
        ),
        "unknown name `u0`",
    ),
    "python": (lambda: statement("x ~ Normal(__import__('os').system('x'), 1)"), "`'`"),
    "object tag": (
        lambda: b"name: !!python/object/apply:os.system ['touch /tmp/symelbo-owned']\n",
        "the tag",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_at_once(case: str, tmp_path: Path) -> None:
    make, message = HOSTILE[case]
    path = tmp_path / "hostile.yaml"
    path.write_bytes(make())
    with at_once(SECONDS), pytest.raises(SpecError) as caught:
        read_model(path)
    assert message in str(caught.value)
    assert all(str(fault).startswith(f"{path}:") for fault in caught.value.faults)
    assert all(len(str(fault)) < 2_000 for fault in caught.value.faults)


def test_a_dict_that_contains_itself_is_refused() -> None:
    source: dict[str, Any] = {"name": "a"}
    source["model"] = source
    with pytest.raises(SpecError, match="nested too deeply"):
        read_model(source)


@pytest.mark.parametrize("value", [object(), b"x", {1: "x"}, [{"a"}]])
def test_a_dict_of_foreign_values_is_refused(value: object) -> None:
    with pytest.raises(SpecError):
        read_model({"name": "a", "model": value, "observed": ["x"]})


def make_special(path: Path, kind: str) -> Path:
    """A file of this kind at `path`, or a link to one."""
    if kind == "a directory":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    return path


@posix
@pytest.mark.parametrize("kind", ["a directory", "a pipe", "a socket", "a character device"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = make_special(tmp_path / "m.yaml", kind)
    with at_once(SECONDS), pytest.raises(SpecError) as caught:
        read_model(path)
    assert str(caught.value) == f"{path}:1:1: no file to read ({kind}); expected a YAML file"


@posix
def test_a_pipe_is_not_even_opened(tmp_path: Path) -> None:
    path = make_special(tmp_path / "m.yaml", "a pipe")
    with at_once(SECONDS), subprocess.Popen(["sh", "-c", f"echo > {path}; echo done"]) as writer:
        time.sleep(0.2)
        with pytest.raises(SpecError):
            read_model(path)
        time.sleep(0.2)
        assert writer.poll() is None, "the writer met a reader"
        writer.kill()


@posix
@pytest.mark.parametrize("kind", ["a pipe", "a character device"])
def test_a_file_that_becomes_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = make_special(tmp_path / "m.yaml", kind)
    regular = os.stat(__file__)
    with (
        at_once(SECONDS),
        pytest.raises(SpecError, match=rf"\({kind}\)"),
        monkeypatch.context() as patch,
    ):
        patch.setattr(os, "stat", lambda path, **options: regular)
        read_model(path)


def test_the_deepest_allowed_expression_is_read() -> None:
    deep = "exp(" * 99 + "q" + ")" * 99
    model = read_model(
        {
            "name": "deep",
            "parameters": {"q": "real"},
            "model": [f"x ~ Normal({deep}, 1)"],
            "observed": "x",
        }
    )
    assert len(model.statements) == 1


def test_the_longest_allowed_expression_is_read() -> None:
    terms = "+".join(f"q*{n}**2*exp(q/{n})" for n in range(1, 500))
    with at_once(SECONDS):
        model = read_model(
            {
                "name": "long",
                "parameters": {"q": "real"},
                "model": [f"x ~ Normal({terms}, 1)"],
                "observed": "x",
            }
        )
    assert len(model.statements) == 1
