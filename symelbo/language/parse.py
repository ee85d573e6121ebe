"""Recursive descent: text -> frozen syntax tree.  Nothing is evaluated, ever.

expression  product (("+" | "-") product)*
product     factor (("*" | "/") factor)*
factor      ("-" | "+") factor  |  postfix (("**" | "^") factor)?
postfix     atom ("[" expression ("," expression)* "]")?
atom        number | name | name "(" arguments ")" | "(" expression ")"
            | "sum" "(" expression "for" ranges ")"
ranges      name "in" expression ":" expression ("," ...)*
statement   name ("[" ... "]")? ("~" name "(" arguments ")" | "=" expression) ("for" ranges)?
"""

from __future__ import annotations

from fractions import Fraction

from symelbo.language.fault import TextError, TextFault, quote
from symelbo.language.syntax import (
    AddSyntax,
    ArgumentSyntax,
    Assignment,
    CallSyntax,
    Expression,
    MulSyntax,
    NameSyntax,
    NumberSyntax,
    PowerSyntax,
    RangeSyntax,
    Sampling,
    StatementSyntax,
    SubscriptSyntax,
    SumSyntax,
    TypeSyntax,
)
from symelbo.language.tokens import Token, exact_number, tokenize, too_deep
from symelbo.limits import TEXT_DEPTH

__all__ = ["parse_expression", "parse_statement", "parse_type"]

_STATEMENT_HINT = (
    "write `x[d] ~ Family(arguments) for d in 1:D` or `a[k] = expression for k in 1:K`"
)
_ONE_FAMILY_HINT = (
    "a node has one family, whose arguments hold all else: a mixture has a latent category, as in "
    "`x ~ Normal(mu[c], s)`; a truncated density is a family of your own"
)
_RANGE_HINT = "write a range as `for h in 1:H`"


def parse_expression(text: str) -> Expression:
    """Text -> expression; TextError where it is none."""
    parser = _Parser(text)
    expression = parser.expression()
    parser.expect_end("an operator or the end of the expression")
    return expression


def parse_statement(text: str) -> StatementSyntax:
    """Text -> `x[d] ~ Family(...) for d in 1:D` or `a[k] = ... for k in 1:K`."""
    return _Parser(text).statement()


def parse_type(text: str) -> TypeSyntax:
    """Text -> `real[D, H]`; which bases exist is for the reader to say."""
    parser = _Parser(text)
    name = parser.name("a type such as `real[D, H]` or `positive`")
    extents = parser.subscript() if parser.peek("[") else ()
    parser.expect_end("the end of the type", "an array is `real[D, H]`")
    return TypeSyntax(name.at, name.text, extents)


class _Parser:
    """A cursor over tokens; every method consumes what its name says."""

    def __init__(self, text: str) -> None:
        self._tokens = tokenize(text)
        self._next = 0
        self._depth = 0

    # -- the cursor

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    @property
    def _last_end(self) -> int:
        return self._tokens[self._next - 1].end

    def peek(self, *texts: str) -> bool:
        return self._token.kind == "op" and self._token.text in texts

    def _take(self) -> Token:
        token = self._token
        self._next += 1
        return token

    def _accept(self, text: str) -> bool:
        if self.peek(text):
            self._next += 1
            return True
        return False

    def _expect(self, text: str, expected: str, hint: str = "") -> Token:
        if not self.peek(text):
            raise self._unexpected(expected, hint)
        return self._take()

    def name(self, expected: str, hint: str = "") -> Token:
        if self._token.kind != "name":
            raise self._unexpected(expected, hint)
        return self._take()

    def expect_end(self, expected: str, hint: str = "") -> None:
        if self._token.kind != "end":
            raise self._unexpected(expected, hint or self._operator_hint())

    def _unexpected(self, expected: str, hint: str = "") -> TextError:
        token = self._token
        if token.kind == "end":
            return TextError(TextFault(token.at, "the end of the text", expected, hint))
        if token.text in ("for", "in", "sum") and not hint:
            hint = f"`{token.text}` is a reserved word and cannot be a name"
        return TextError(TextFault(token.at, quote(token.text), expected, hint))

    def _operator_hint(self) -> str:
        if self._token.text in ("if", "else"):
            return "choose by a bit `b` of values 0 and 1: `a*b + c*(1 - b)`"
        if self._token.kind == "name" and self._token.text.startswith("_"):
            return "numbers are written without `_`"
        if self._token.kind in ("name", "number"):
            return "write a product with `*`"
        if self.peek("("):
            return "write a product with `*`; only names can be called, as in log(x)"
        return ""

    def _nest(self, at: int) -> None:
        self._depth += 1
        if self._depth > TEXT_DEPTH + 1:  # the expression itself is level 0
            raise TextError(too_deep(at))

    # -- expressions

    def expression(self) -> Expression:
        at = self._token.at
        terms = [(False, self._product())]
        while self.peek("+", "-"):
            subtracted = self._take().text == "-"
            terms.append((subtracted, self._product()))
        return terms[0][1] if len(terms) == 1 else AddSyntax(at, self._last_end, tuple(terms))

    def _product(self) -> Expression:
        at = self._token.at
        factors = [(False, self._factor())]
        while self.peek("*", "/"):
            divides = self._take().text == "/"
            factors.append((divides, self._factor()))
        return factors[0][1] if len(factors) == 1 else MulSyntax(at, self._last_end, tuple(factors))

    def _factor(self) -> Expression:
        at = self._token.at
        self._nest(at)
        try:
            if self.peek("+", "-"):
                negative = self._take().text == "-"
                operand = self._factor()
                if not negative:
                    return operand
                if isinstance(operand, NumberSyntax):
                    return NumberSyntax(at, operand.end, -operand.value)
                minus_one = NumberSyntax(at, at + 1, Fraction(-1))
                return MulSyntax(at, operand.end, ((False, minus_one), (False, operand)))
            base = self._postfix()
            if self.peek("**", "^"):
                self._take()
                exponent = self._factor()
                return PowerSyntax(at, exponent.end, base, exponent)
            return base
        finally:
            self._depth -= 1

    def _postfix(self) -> Expression:
        base = self._atom()
        if not self.peek("["):
            return base
        indices = self.subscript()
        return SubscriptSyntax(base.at, self._last_end, base, indices)

    def subscript(self) -> tuple[Expression, ...]:
        self._expect("[", "`[`")
        indices = [self._index()]
        while self._accept(","):
            indices.append(self._index())
        self._expect("]", "`,` or `]`", self._operator_hint())
        if self.peek("["):
            raise self._unexpected("one pair of brackets", "write both indices as `W[d, h]`")
        return tuple(indices)

    def _index(self) -> Expression:
        index = None if self.peek(":") else self.expression()
        if index is None or self.peek(":"):
            raise self._unexpected(
                "an index", "name a whole row by leaving its last indices out: `mu[c]`"
            )
        return index

    def _atom(self) -> Expression:
        token = self._token
        if token.kind == "number":
            self._take()
            return NumberSyntax(token.at, token.end, exact_number(token))
        if self.peek("sum"):
            return self._sum()
        if self._accept("("):
            inner = self.expression()
            self._expect(")", "`)`", self._operator_hint())
            return inner
        self.name("a number, a name or `(`")
        if not self._accept("("):
            return NameSyntax(token.at, token.end, token.text)
        arguments: list[Expression] = []
        if not self.peek(")"):
            arguments.append(self.expression())
            while self._accept(","):
                arguments.append(self.expression())
        self._expect(")", "`,` or `)`", self._operator_hint())
        return CallSyntax(token.at, self._last_end, token.text, tuple(arguments))

    def _sum(self) -> Expression:
        at = self._take().at
        self._expect("(", "`(`", "write `sum(W[d,h]*z[h] for h in 1:H)`")
        body = self.expression()
        self._expect("for", "`for`", "write `sum(W[d,h]*z[h] for h in 1:H)`")
        ranges = self._ranges()
        self._expect(")", "`,` or `)`")
        return SumSyntax(at, self._last_end, body, ranges)

    def _ranges(self) -> tuple[RangeSyntax, ...]:
        ranges = [self._range()]
        while self._accept(",") or self._accept("for"):
            ranges.append(self._range())
        return tuple(ranges)

    def _range(self) -> RangeSyntax:
        variable = self.name("an index variable", _RANGE_HINT)
        self._expect("in", "`in`", _RANGE_HINT)
        low = self.expression()
        self._expect(":", "`:` and the last place of the range", _RANGE_HINT)
        high = self.expression()
        return RangeSyntax(variable.at, self._last_end, variable.text, low, high)

    # -- statements

    def statement(self) -> StatementSyntax:
        target = self.name("the name of a node", _STATEMENT_HINT)
        indices = self.subscript() if self.peek("[") else ()
        if self._accept("="):
            body = self.expression()
            ranges = self._statement_ranges()
            return Assignment(target.at, target.text, indices, body, ranges)
        self._expect("~", "`~` or `=`", _STATEMENT_HINT)
        if self.peek("(") or self._token.kind == "number":
            raise self._unexpected("the name of a family", _ONE_FAMILY_HINT)
        family = self.name("the name of a family", _STATEMENT_HINT)
        hint = _ONE_FAMILY_HINT if self.peek("+", "-", "*", "/", "[") else _STATEMENT_HINT
        self._expect("(", "`(` and the arguments of the family", hint)
        arguments: list[ArgumentSyntax] = []
        if not self.peek(")"):
            arguments.append(self._argument())
            while self._accept(","):
                arguments.append(self._argument())
        self._expect(")", "`,` or `)`", self._operator_hint())
        if self._token.kind != "end" and not self.peek("for"):
            raise self._unexpected("`for` or the end of the statement", _ONE_FAMILY_HINT)
        ranges = self._statement_ranges()
        return Sampling(
            target.at,
            target.text,
            indices,
            family.text,
            family.at,
            tuple(arguments),
            ranges,
        )

    def _argument(self) -> ArgumentSyntax:
        at = self._token.at
        following = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        if self._token.kind == "name" and following.text == "=":
            name = self._take().text
            self._take()
            return ArgumentSyntax(at, name, self.expression())
        return ArgumentSyntax(at, None, self.expression())

    def _statement_ranges(self) -> tuple[RangeSyntax, ...]:
        ranges = self._ranges() if self._accept("for") else ()
        self.expect_end("`for` or the end of the statement")
        return ranges
