"""The command line.  Nothing heavy is imported before a command runs, so that --help is instant.

Exit status of `derive`, for several files the worst in the order 1, 2, 4, 3, 0:
    1  a defect of symelbo: the other answers of the call may be affected too, so it comes first;
       or a worker process that was killed
    2  bad specification or usage, or output that cannot be written: there is no answer
    4  undecided: there is an answer, and it is "neither shown"
    3  --require was given, and the verdict is another (undecided included)
    0  a verdict was reached: proved, refuted or outside
An interrupt (Ctrl-C) ends with 130.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from symelbo import __version__
from symelbo.limits import GC_THRESHOLD
from symelbo.values import dataclass, replace

if TYPE_CHECKING:
    from symelbo.families.family import Family
    from symelbo.index.terms import Domain

__all__ = ["cli", "main", "program"]

DEFECT: Final = 1
BAD: Final = 2
OTHER_VERDICT: Final = 3
UNDECIDED: Final = 4
INTERRUPTED: Final = 130
WORST_FIRST: Final = (DEFECT, BAD, UNDECIDED, OTHER_VERDICT, 0)
MAX_WIDTH: Final = 100  # of the summary, however wide the terminal is

STARTER: Final = """\
# A specification for symelbo: factor analysis, as a start.  Change it, then run
#     symelbo derive {file}
name: My model
# reference: who described it, cited in the proof

sizes: [D, H]            # symbolic positive integers; a result holds for all of them

# What is learned.  Types: real, positive, unit (open interval (0,1)), simplex[C], posdef[D, D];
# real[D, H] is an array.  Known quantities go under `constants`, covariates under `inputs`, and
# abstract smooth functions (deep networks) under `functions`.
parameters:
  W: real[D, H]          # loadings
  mu: real[D]            # offsets
  tau: positive[H]       # prior variances
  sigma2: positive[D]    # noise variances

# The generative process for one data point, a statement per node, in any order.
# `symelbo families` lists the families; Normal takes a mean and a variance.
model:
  - z[h] ~ Normal(0, tau[h]) for h in 1:H
  - x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H) + mu[d], sigma2[d]) for d in 1:D

observed: [x]            # the data; all other nodes are latent

# any: H[q] stays as it is.  exact: the exact posterior, where it has a closed form.
# Or statements of q: - z[h] ~ Normal(nu[h], tau2[h]) for h in 1:H
variational: exact
"""


def program() -> NoReturn:
    """`main`, and the end of the process, at once.

    A derivation is many small objects: to take them apart one by one, as Python does at its end,
    costs a tenth of the whole run.
    """
    status = DEFECT
    try:
        main()
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else DEFECT
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()
    os._exit(status)


def main() -> NoReturn:
    """The commands: every failure ends in a message and an exit status, never a traceback."""
    gc.set_threshold(*GC_THRESHOLD)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # replaced by an object that is no text file
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = cli.main(prog_name="symelbo", standalone_mode=False)
        sys.stdout.flush()
    except click.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(DEFECT)
    except Exception as error:
        click.echo(_describe_defect(error), err=True)
        sys.exit(DEFECT)
    sys.exit(status if isinstance(status, int) else 0)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `symelbo new model.yaml`.",
)
@click.version_option(__version__, prog_name="symelbo")
def cli() -> None:
    """Does the ELBO of a model equal a sum of entropies at every stationary point?

    \b
    Examples:
      symelbo new model.yaml          a commented model to start from
      symelbo derive model.yaml       write the answer to output/model/
      symelbo derive *.yaml --jobs 4  many models, and a table at the end
      symelbo check output/model      prove the answer again, from its certificate alone
      symelbo families                the families a model can use
    """


# ---------------------------------------------------------------- derive


@dataclass(frozen=True, slots=True)
class _Task:
    """One file to derive, as it is sent to a worker process."""

    path: Path
    directory: Path
    pdf: bool
    require: str | None
    width: int
    color: bool
    repeats: str = ""  # an earlier file of the call that would write the same folder


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one file: its exit status, what to say on stderr, and what to show."""

    path: Path
    status: int
    errors: str = ""
    summary: str = ""
    name: str = ""
    verdict: str = ""
    theorem: int | None = None
    residual: float | None = None
    sum: str = ""


@cli.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "-o",
    "--output",
    "directory",
    type=click.Path(path_type=Path),
    default=Path("output"),
    metavar="DIR",
    help="Write DIR/STEM/ for each file STEM.yaml.  [default: output]",
)
@click.option(
    "--require",
    type=click.Choice(["proved", "refuted", "outside"]),
    help="Exit with status 3 if the verdict is another.",
)
@click.option("--no-pdf", is_flag=True, help="Do not run TeX on proof.tex.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Derive N files at a time.  [default: 1]",
)
def derive(
    files: tuple[Path, ...], directory: Path, require: str | None, no_pdf: bool, jobs: int
) -> int:
    """Derive the entropy sum of each model FILE, or show why there is none.

    Writes derivation.json, certificate.json, proof.tex, appendix.tex, STEM.py and (with TeX)
    proof.pdf to DIR/STEM/, all or nothing, and prints a summary.  manifest.json lists what was
    written: only these files are replaced later, and only if they are unchanged; all others in
    DIR/STEM/ stay as they are.

    \b
    Exit status:
      0  a verdict was reached: proved, refuted or outside
      1  a defect of symelbo, or a worker of --jobs that was killed
      2  bad specification or usage; nothing is written
      3  --require was given and the verdict is another
      4  undecided
    For several files the worst one counts, in the order 1, 2, 4, 3, 0.

    \b
    Examples:
      symelbo derive model.yaml
      symelbo derive model.yaml -o /tmp/answers --no-pdf
      symelbo derive models/*.yaml --require proved --jobs 4
    """
    width = _width()
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    tasks = _mark_repeats(
        [_Task(path, directory, not no_pdf, require, width, color) for path in files]
    )
    outcomes = []
    for outcome in _run(tasks, jobs):
        outcomes.append(outcome)
        if len(tasks) > 1 and sys.stderr.isatty():
            verdict = outcome.verdict or "failed"
            line = f"[{len(outcomes)}/{len(tasks)}] {_printable(outcome.path)}: {verdict}"
            click.echo(line, err=True)
        if outcome.errors:
            click.echo(outcome.errors, err=True)
    if len(tasks) == 1:
        click.echo(outcomes[0].summary, nl=False, color=color)
    else:
        click.echo(_table(outcomes, shutil.get_terminal_size().columns), nl=False)
    return min((outcome.status for outcome in outcomes), key=WORST_FIRST.index)


def _mark_repeats(tasks: Sequence[_Task]) -> list[_Task]:
    """Note where two files of a call would write the same folder; the first one gets it."""
    from symelbo.write_output import output_stem

    owners: dict[str, Path] = {}
    marked = []
    for task in tasks:
        stem = output_stem(task.path).casefold()  # not every file system tells A from a
        if stem in owners:
            task = replace(task, repeats=str(owners[stem]))
        owners.setdefault(stem, task.path)
        marked.append(task)
    return marked


def _run(tasks: Sequence[_Task], jobs: int) -> Iterator[_Outcome]:
    """The outcomes in the order of the tasks, whoever finishes first."""
    if jobs == 1 or len(tasks) == 1:
        yield from map(_derive_file, tasks)
        return
    from symelbo.map_in_workers import Killed, map_in_workers

    for task, outcome in zip(tasks, map_in_workers(_derive_file, tasks, jobs), strict=True):
        if isinstance(outcome, Killed):
            text = f"a worker process was killed ({outcome}); if memory ran out, try fewer --jobs"
            outcome = _Outcome(task.path, DEFECT, f"{_printable(task.path)}: {text}")
        yield outcome


def _derive_file(task: _Task) -> _Outcome:
    """One file from reading to writing; whatever goes wrong is in the outcome."""
    from symelbo.errors import SymelboError

    try:
        return _derive_task(task)
    except SymelboError as error:
        return _Outcome(task.path, BAD, _printable(error))
    except Exception as error:
        return _Outcome(task.path, DEFECT, _describe_defect(error, task.path))


def _derive_task(task: _Task) -> _Outcome:
    from symelbo.model.read_model import read_model
    from symelbo.page.summary import render_summary, sum_text
    from symelbo.pipeline import derive
    from symelbo.write_output import OutputError, output_stem, write_output

    stem = output_stem(task.path)
    if task.repeats:
        raise OutputError(
            f"{task.path}: would overwrite the output {task.directory / stem} of {task.repeats}; "
            "rename one of them, or derive it with another -o"
        )
    derivation = derive(read_model(task.path, stem=stem))
    written = write_output(derivation, task.directory, pdf=task.pdf)
    notes = [("wrote", f"{_printable(written.folder)}/: {', '.join(written.files)}")]
    if written.unproved:
        notes.append(("not proved", f"by the checker: {'; '.join(written.unproved)}"))
    if written.remark:
        notes.append(("note", written.remark))
    verdict = derivation.verdict
    status = 0
    if task.require is not None:
        status = OTHER_VERDICT if verdict != task.require else 0
    elif verdict == "undecided":
        status = UNDECIDED
    return _Outcome(
        path=task.path,
        status=status,
        summary=render_summary(derivation, width=task.width, color=task.color, notes=notes),
        name=derivation.model.name,
        verdict=verdict,
        theorem=derivation.theorem,
        residual=derivation.residual,
        sum=sum_text(derivation),
    )


def _table(outcomes: Sequence[_Outcome], width: int) -> str:
    """A line per file: model, verdict, theorem, largest residual, and the start of the sum."""
    from symelbo.page.derivation_json import residual_bound

    rows = [("model", "verdict", "theorem", "residual", "entropy sum")]
    for outcome in outcomes:
        bound = residual_bound(outcome.residual)
        rows.append(
            (
                _shorten(outcome.name or _printable(outcome.path), 28),
                outcome.verdict or "failed",
                str(outcome.theorem or "-"),
                f"< {bound:.0e}" if bound is not None else "-",
                outcome.sum or "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for row in rows:
        start = "  ".join(text.ljust(room) for text, room in zip(row[:4], widths, strict=True))
        lines.append(f"{start}  {_shorten(row[4], max(width - len(start) - 2, 16))}".rstrip())
    return "\n".join(lines) + "\n"


def _width() -> int:
    return min(shutil.get_terminal_size().columns, MAX_WIDTH)


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _printable(item: object) -> str:
    """Text for a terminal: what would move its cursor or change its colours is spelled out."""
    text = str(item).encode(errors="backslashreplace").decode()
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _describe_defect(error: Exception, path: Path | None = None) -> str:
    """What to report; the traceback only if SYMELBO_DEBUG is set."""
    where = f"{_printable(path)}: " if path is not None else ""
    text = (
        f"{where}a defect of symelbo {__version__}, not of your model: "
        f"{type(error).__name__}: {_printable(error)}\n"
        "Please report this line together with the model; SYMELBO_DEBUG=1 adds the traceback."
    )
    if os.environ.get("SYMELBO_DEBUG") == "1":
        from traceback import format_exception

        text = "".join(format_exception(error)) + text
    return text


# ---------------------------------------------------------------- the other commands


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
def check(paths: tuple[Path, ...]) -> int:
    """Prove what was derived again, from the certificate.json in each DIR alone.

    Says what was shown, and what is not proved by the checker; a file that is not the one written
    with the certificate is noticed.  `python -m symelbo.checker` does the same.

    \b
    Exit status:
      0  checked
      1  rejected: the first equation that fails is shown
      2  nothing to read
      4  partly checked: some parts of the result are not proved, or a file is missing
    For several DIRs the worst one counts, in the order 1, 2, 4, 0.

    \b
    Examples:
      symelbo check output/model
      symelbo check output/*
    """
    from symelbo.checker.report import check_paths

    status, text = check_paths(paths)
    click.echo(text, nl=False)
    return status


@cli.command()
def schema() -> None:
    """Print the JSON Schema of a model file, for editors.

    \b
    Example:
      symelbo schema > symelbo.schema.json
    """
    import json

    from symelbo.model.schema import spec_schema

    click.echo(json.dumps(spec_schema(), indent=2, ensure_ascii=False))


@cli.command()
def families() -> None:
    """List the families: arguments in all forms, support, log-density."""
    from symelbo.families.registry import FAMILIES

    texts = (_describe_family(FAMILIES[name], _width()) for name in sorted(FAMILIES))
    click.echo("\n\n".join(texts))


def _describe_family(family: Family, width: int) -> str:
    from textwrap import wrap

    lines = wrap(f"{family.name}: {family.summary}", width)
    value = family.value + (f"[{', '.join(family.shape)}]" if family.shape else "")
    lines.append(f"  support   {value}: {_describe_domain(family.support)}")
    for form in family.forms:
        arguments = ", ".join(
            argument.name
            + (f"[{', '.join(argument.shape)}]" if argument.shape else "")
            + (" (constant)" if argument.constant else "")
            for argument in form.arguments
        )
        lines.append(f"  {family.name}({arguments})")
        lines += wrap(
            form.log_density,
            width,
            initial_indent="    log p = ",
            subsequent_indent=" " * 12,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _describe_domain(domain: Domain) -> str:
    from symelbo.notation.print_text import print_text

    return domain.spelled(print_text)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> int:
    """Write a commented model to FILE to start from; an existing file is left alone.

    \b
    Example:
      symelbo new model.yaml
    """
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(STARTER.format(file=_printable(file)))
    except FileExistsError:
        click.echo(f"{_printable(file)}: exists already; choose another name", err=True)
        return BAD
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        click.echo(f"{_printable(file)}: cannot be written ({reason})", err=True)
        return BAD
    click.echo(f"wrote {_printable(file)}; next: symelbo derive {_printable(file)}")
    return 0
