"""Python statements in lines of at most 88 columns, broken as a formatter would."""

from __future__ import annotations

import re
from textwrap import wrap

__all__ = ["WIDTH", "lay_out", "lay_out_error", "wrap_text"]

WIDTH = 88
_OPENING, _CLOSING = "([{", ")]}"
_OPERATORS = ((" + ", " - "), (" * ", " / ", " @ "))


def lay_out(statement: str, indent: int) -> list[str]:
    """`name = expression`, `return expression` or `name += expression` as indented lines."""
    pad = " " * indent
    if indent + len(statement) <= WIDTH:
        return [pad + statement]
    match = re.match(r"(return |\w+ [+-]?= )(.*)", statement)
    if match is None:
        return _break_call(statement, indent)
    head, body = match.groups()
    if _is_call(body) or _ends_in_call(body):
        lines = _break_call(body, indent)
        return [pad + head + lines[0].lstrip(), *lines[1:]]
    return [f"{pad}{head.rstrip()} (", *_break(body, indent + 4), f"{pad})"]


def lay_out_error(text: str, indent: int) -> list[str]:
    """`raise ValueError("text")`, a long text as several literals, which Python joins."""
    pad = " " * indent
    whole = f'{pad}raise ValueError("{text}")'
    if len(whole) <= WIDTH:
        return [whole]
    room = WIDTH - indent - len('    " "')
    *first, last = wrap(text, room, break_long_words=False, break_on_hyphens=False)
    literals = [f'{pad}    "{part} "' for part in first]
    return [f"{pad}raise ValueError(", *literals, f'{pad}    "{last}"', f"{pad})"]


def wrap_text(text: str, indent: int, hanging: int = 0) -> list[str]:
    """Words -> lines of at most 88 columns."""
    lines, line = [], " " * indent
    for word in text.split():
        if len(line) + 1 + len(word) > WIDTH and line.strip():
            lines.append(line)
            line = " " * (indent + hanging)
        line += word if not line.strip() else f" {word}"
    return [*lines, line]


def _break(expression: str, indent: int, more: int = 0) -> list[str]:
    """An expression inside brackets; `more` columns are taken by what stands around it."""
    pad = " " * indent
    if indent + len(expression) + more <= WIDTH:
        return [pad + expression]
    for signs in _OPERATORS:
        pieces = _split(expression, signs)
        if pieces:
            first = [line for piece in pieces[:-1] for line in _break_piece(piece, indent)]
            return [*first, *_break_piece(pieces[-1], indent, more)]
    return _break_call(expression, indent)


def _break_piece(piece: str, indent: int, more: int = 0) -> list[str]:
    """An operand with the operator before it."""
    if indent + len(piece) + more <= WIDTH:
        return [" " * indent + piece]
    match = re.match(r"([-+*/@] |-)(.*)", piece)
    sign, body = match.groups() if match else ("", piece)
    lines = _break(body, indent, len(sign) + more)
    return [" " * indent + sign + lines[0].lstrip(), *lines[1:]]


def _break_call(expression: str, indent: int) -> list[str]:
    """prefix(arguments)rest: the last bracket that is not empty is opened."""
    spans = [span for span in _brackets(expression) if span[1] - span[0] > 2]
    pad = " " * indent
    if not spans:
        return [pad + expression]
    fitting = [span for span in spans if indent + span[0] < WIDTH]
    start, end = fitting[-1] if fitting else spans[0]
    inner, after = expression[start + 1 : end], expression[end:]
    arguments = _split(inner, (", ",)) or [inner]
    if indent + 4 + len(inner) <= WIDTH:
        lines = [" " * (indent + 4) + inner]
    else:
        lines = []
        for argument in arguments:
            broken = _break(argument.removeprefix(", "), indent + 4, int(len(arguments) > 1))
            lines += broken
            if len(arguments) > 1:
                lines[-1] += ","
    return [pad + expression[: start + 1], *lines, pad + after]


def _is_call(text: str) -> bool:
    """Whether one bracket at the end holds everything but a plain prefix."""
    spans = _brackets(text)
    return (
        bool(spans)
        and spans[0][1] == len(text) - 1
        and re.match(r"[\w.]+[(\[]|\{", text) is not None
    )


def _ends_in_call(text: str) -> bool:
    """a - f(...): with one operator, it is the bracket at the end that is opened."""
    spans = _brackets(text)
    if not spans or not text.endswith(")") or spans[-1][1] - spans[-1][0] < 2:
        return False
    pieces = next(filter(None, (_split(text, signs) for signs in _OPERATORS)), [])
    return len(pieces) <= 2


def _brackets(text: str) -> list[tuple[int, int]]:
    """The outermost pairs of brackets."""
    spans, depth, start, quoted = [], 0, 0, False
    for n, character in enumerate(text):
        quoted ^= character == '"'
        if quoted:
            continue
        if character in _OPENING:
            start = n if depth == 0 else start
            depth += 1
        elif character in _CLOSING:
            depth -= 1
            if depth == 0:
                spans.append((start, n))
    return spans


def _split(text: str, signs: tuple[str, ...]) -> list[str]:
    """a + b - c -> [a, + b, - c], split outside brackets and quotes; [] if no sign is there."""
    spans = _brackets(text)
    cuts = []
    for sign in signs:
        cuts += [match.start() for match in re.finditer(re.escape(sign), text)]
    quoted = (cut for cut in sorted(cuts) if text.count('"', 0, cut) % 2 == 0)
    cuts = [cut for cut in quoted if not any(a < cut < b for a, b in spans)]
    if not cuts:
        return []
    ends = [*cuts[1:], len(text)]
    return [text[: cuts[0]], *(text[a:b].lstrip() for a, b in zip(cuts, ends, strict=True))]
