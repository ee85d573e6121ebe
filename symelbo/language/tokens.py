"""Text -> tokens, with the limits that make every later step safe on hostile input."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from symelbo.language.fault import TextError, TextFault, quote
from symelbo.limits import NAME_LENGTH, NUMBER_DIGITS, TEXT_CHARACTERS, TEXT_DEPTH
from symelbo.values import dataclass

__all__ = [
    "RESERVED_WORDS",
    "Token",
    "exact_number",
    "tokenize",
]

RESERVED_WORDS: Final = frozenset({"for", "in", "sum"})

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<op>\*\*|[-+*/^()\[\],:~=])
    """,
    re.VERBOSE,
)
_HINTS: Final = {
    "{": "group with parentheses ( )",
    "}": "group with parentheses ( )",
    "<": "a node is written `x ~ Family(...)`, a deterministic quantity `a = expression`",
    "|": "write the conditional distribution of one node per statement: `x ~ Family(...)`",
    "#": "put the comment on a line of its own",
    ".": "numbers are written 0.5 or 1e-3, ranges 1:H",
    "'": "strings have no place in an expression",
    '"': "strings have no place in an expression",
    ";": "a statement is an entry of the list by itself, begun with `- `; nothing ends it",
    "?": "choose by a bit `b` of values 0 and 1: `a*b + c*(1 - b)`",
    "%": "there is no remainder; write out what differs from place to place",
    "!": "numbers have factorials as `exp(loggamma(n + 1))`",
    "@": "write a product of arrays as sum(W[d,h]*z[h] for h in 1:H)",
}
_OPENING: Final = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class Token:
    """kind: number, name, op (an operator, a bracket or a reserved word) or end."""

    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


def tokenize(text: str) -> tuple[Token, ...]:
    """text -> its tokens and a final `end`; TextError on a foreign character or a broken limit.

    Brackets are balanced and nested at most TEXT_DEPTH deep afterwards, so a parser may recurse.
    """
    if len(text) > TEXT_CHARACTERS:
        raise TextError(
            TextFault(
                0,
                f"an expression of {len(text):,} characters",
                f"at most {TEXT_CHARACTERS:,}",
                "name its parts with deterministic statements `a[k] = ...`",
            )
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise TextError(_foreign(text, at))
        kind = match.lastgroup or ""
        if kind == "name" and match.group() in RESERVED_WORDS:
            kind = "op"
        if kind == "name" and len(match.group()) > NAME_LENGTH:
            raise TextError(
                TextFault(
                    at,
                    f"the name {quote(match.group())}, {len(match.group()):,} characters long",
                    f"at most {NAME_LENGTH}",
                )
            )
        if kind != "space":
            tokens.append(Token(kind, match.group(), at))
        at = match.end()
    tokens.append(Token("end", "", len(text.rstrip())))
    _check_brackets(tokens)
    return tuple(tokens)


def exact_number(token: Token) -> Fraction:
    """The exact value of a number token (1e-3 is 1/1000); refuses what no double can hold."""
    mantissa, _, exponent = token.text.lower().partition("e")
    if (
        len(mantissa) > NUMBER_DIGITS
        or len(exponent) > 6
        or abs(int(exponent or 0)) > NUMBER_DIGITS
    ):
        raise TextError(
            TextFault(
                token.at,
                f"the number {quote(token.text)}",
                f"at most {NUMBER_DIGITS} digits and an exponent of at most {NUMBER_DIGITS}",
            )
        )
    return Fraction(token.text)


def _foreign(text: str, at: int) -> TextFault:
    character = text[at]
    hint = _HINTS.get(character, "")
    if not hint and character.isalpha():
        hint = "names are written in the letters A-Z, a-z, digits and _, as in `sigma2`"
    return TextFault(at, f"the character {quote(character)}", "an expression", hint)


def _check_brackets(tokens: list[Token]) -> None:
    open_tokens: list[Token] = []
    for token in tokens:
        if token.text in _OPENING:
            open_tokens.append(token)
            if len(open_tokens) > TEXT_DEPTH:
                raise TextError(too_deep(token.at))
        elif token.text in _OPENING.values():
            if not open_tokens:
                raise TextError(
                    TextFault(token.at, f"a closing `{token.text}` without an opening one")
                )
            opening = open_tokens.pop()
            closing = _OPENING[opening.text]
            if closing != token.text:
                raise TextError(
                    TextFault(
                        token.at,
                        f"`{token.text}`",
                        f"`{closing}` to close the `{opening.text}` of column offset "
                        f"{opening.at + 1} of this text",
                    )
                )
    if open_tokens:
        opening = open_tokens[-1]
        raise TextError(
            TextFault(
                opening.at,
                f"a `{opening.text}` that is never closed",
                f"a matching `{_OPENING[opening.text]}`",
            )
        )


def too_deep(at: int) -> TextFault:
    """The fault of an expression nested beyond TEXT_DEPTH."""
    return TextFault(
        at,
        f"an expression nested deeper than {TEXT_DEPTH} levels",
        f"at most {TEXT_DEPTH}",
        "name its parts with deterministic statements `a[k] = ...`",
    )
