"""The expression language of the specifications: tokens, a recursive-descent parser, a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction


class SpecFault(Exception):
    """The oracle cannot read this specification."""


@dataclass(frozen=True)
class Number:
    value: Fraction


@dataclass(frozen=True)
class Name:
    name: str
    indices: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Node, ...]
    indices: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Negative:
    inner: Node


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Range:
    """name in first:last"""

    name: str
    first: Node
    last: Node


@dataclass(frozen=True)
class Sum:
    body: Node
    ranges: tuple[Range, ...]


Node = Number | Name | Call | Negative | Binary | Sum


@dataclass(frozen=True)
class Statement:
    """`target ~ family(positional, named)` or, with family None, `target = positional[0]`."""

    target: Name
    family: str | None
    positional: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...]
    ranges: tuple[Range, ...]
    text: str


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<symbol>\*\*|\.\.|[-+*/^()\[\],=:~]))"
)


def tokenize(text: str) -> list[tuple[str, str]]:
    """(kind, text) of every token, and an end."""
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise SpecFault(f"cannot read {text[at:]!r}")
        kind = match.lastgroup or ""
        tokens.append((kind, match.group(kind)))
        at = match.end()
    return [*tokens, ("end", "")]


class Parser:
    """One line of text; each method reads one rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at][1]

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def accept(self, *symbols: str) -> str | None:
        return self.take() if self.next in symbols and self.next else None

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            raise SpecFault(f"{self.text!r}: expected {symbol!r}, found {self.next!r}")

    def name(self) -> str:
        if self.tokens[self.at][0] != "name":
            raise SpecFault(f"{self.text!r}: expected a name, found {self.next!r}")
        return self.take()

    def end(self) -> None:
        if self.tokens[self.at][0] != "end":
            raise SpecFault(f"{self.text!r}: unexpected {self.next!r}")

    def expression(self) -> Node:
        left = self.product()
        while operator := self.accept("+", "-"):
            left = Binary(operator, left, self.product())
        return left

    def product(self) -> Node:
        left = self.signed()
        while operator := self.accept("*", "/"):
            left = Binary(operator, left, self.signed())
        return left

    def signed(self) -> Node:
        if self.accept("-"):
            return Negative(self.signed())
        if self.accept("+"):
            return self.signed()
        base = self.atom()
        if self.accept("**", "^"):
            return Binary("**", base, self.signed())
        return base

    def atom(self) -> Node:
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.tokens[self.at][0] == "number":
            return Number(Fraction(self.take()))
        name = self.name()
        if name == "sum":
            self.expect("(")
            body = self.expression()
            ranges = self.ranges()
            self.expect(")")
            return Sum(body, ranges)
        if self.accept("("):
            arguments = self.listed(")")
            return Call(name, arguments, self.indices())
        return Name(name, self.indices())

    def indices(self) -> tuple[Node, ...]:
        return self.listed("]") if self.accept("[") else ()

    def listed(self, closing: str) -> tuple[Node, ...]:
        found = []
        while not self.accept(closing):
            found.append(self.expression())
            if not self.accept(","):
                self.expect(closing)
                break
        return tuple(found)

    def ranges(self) -> tuple[Range, ...]:
        found: list[Range] = []
        while self.accept("for") or (found and self.accept(",")):
            self.accept("for")
            name = self.name()
            self.expect("in")
            first = self.expression()
            self.expect(":")
            found.append(Range(name, first, self.expression()))
        return tuple(found)

    def statement(self) -> Statement:
        target = Name(self.name(), self.indices())
        family: str | None = None
        positional: list[Node] = []
        named: list[tuple[str, Node]] = []
        if self.accept("="):
            positional.append(self.expression())
        else:
            self.expect("~")
            family = self.name()
            self.expect("(")
            while not self.accept(")"):
                if self.tokens[self.at][0] == "name" and self.tokens[self.at + 1][1] == "=":
                    key = self.take()
                    self.expect("=")
                    named.append((key, self.expression()))
                else:
                    positional.append(self.expression())
                if not self.accept(","):
                    self.expect(")")
                    break
        ranges = self.ranges()
        self.end()
        return Statement(target, family, tuple(positional), tuple(named), ranges, self.text)


def parse_expression(text: str) -> Node:
    parser = Parser(text)
    found = parser.expression()
    parser.end()
    return found


def parse_statement(text: str) -> Statement:
    return Parser(text).statement()


@dataclass(frozen=True)
class Type:
    """real, positive, unit, simplex or posdef, and the extents."""

    base: str
    extents: tuple[Node, ...] = ()


def parse_type(text: str) -> Type:
    parser = Parser(text)
    found = Type(parser.name(), parser.indices())
    parser.end()
    if found.base not in ("real", "positive", "unit", "simplex", "posdef"):
        raise SpecFault(f"unknown type {text!r}")
    return found


def names(node: Node) -> set[str]:
    """All names in an expression that no sum binds; functions are not among them."""
    match node:
        case Number():
            return set()
        case Name(name, indices):
            return {name}.union(*(names(i) for i in indices))
        case Call(_, arguments, indices):
            return set().union(*(names(a) for a in (*arguments, *indices)))
        case Negative(inner):
            return names(inner)
        case Binary(_, left, right):
            return names(left) | names(right)
        case Sum(body, ranges):
            outer = set().union(*(names(e) for r in ranges for e in (r.first, r.last)))
            return outer | (names(body) - {r.name for r in ranges})
