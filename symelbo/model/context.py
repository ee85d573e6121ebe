"""What the passes over a specification share: the names in scope and the faults so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from symelbo.errors import Fault, Place, SpecError
from symelbo.families.family import Family
from symelbo.families.registry import FAMILIES
from symelbo.index.terms import Extent, Term
from symelbo.language.fault import TextFault, quote
from symelbo.language.resolve import Resolver
from symelbo.language.scope import FUNCTIONS, Broken, Budget, Deterministic, Entity
from symelbo.language.syntax import StatementSyntax
from symelbo.language.tokens import RESERVED_WORDS
from symelbo.limits import FAULTS, NAME_LENGTH, SPEC_CHARACTERS, TEXT_CHARACTERS
from symelbo.model.model import Condition, OwnFamily
from symelbo.model.read_yaml import Scalar
from symelbo.values import dataclass, field

__all__ = ["Context", "Parsed"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement's text and its syntax tree."""

    scalar: Scalar
    syntax: StatementSyntax

    @property
    def place(self) -> Place:
        """Where the statement stands in the specification."""
        return self.scalar.at(self.syntax.at)


@dataclass(slots=True)
class Context:
    """The only mutable value of the reader; it does not outlive one reading."""

    names: dict[str, Entity] = field(default_factory=dict)
    declared: dict[str, tuple[str, Place]] = field(default_factory=dict)  # name -> (what, where)
    own: dict[str, OwnFamily] = field(default_factory=dict)  # families of the specification
    broken_families: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    arities: dict[str, tuple[tuple[Extent, ...], ...]] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    written: dict[Term, Term] = field(default_factory=dict)  # see `Model.written`
    characters: int = 0  # of the expressions read so far
    faulty: set[str] = field(default_factory=set)  # names of which something cannot be read
    missing: set[str] = field(default_factory=set)  # names that were reported as undeclared

    def fault(self, place: Place, found: str, expected: str = "", hint: str = "") -> None:
        """Record a fault; stop reading where there are too many."""
        self.faults.append(Fault(place, found, expected, hint))
        if len(self.faults) >= FAULTS:
            raise SpecError(self.faults)

    def spend(self, scalar: Scalar) -> None:
        """Count the characters of an expression; SpecError at once where they are too many."""
        # a single text over its own limit is refused by the language, with a better message
        self.characters += len(scalar.text) if len(scalar.text) <= TEXT_CHARACTERS else 0
        if self.characters > SPEC_CHARACTERS:
            self.faults.append(
                Fault(
                    scalar.place,
                    f"more than {SPEC_CHARACTERS:,} characters of statements and densities",
                    "a smaller specification",
                )
            )
            raise SpecError(self.faults)

    def is_no_size(self, name: str) -> bool:
        """Whether the name is declared, but as something else than a size."""
        return name in self.declared and self.declared[name][0] != "a size"

    def family(self, name: str) -> Family | None:
        """The family of that name, the user's or a built-in one."""
        own = self.own.get(name)
        return FAMILIES.get(name) if own is None else own.family

    def family_names(self) -> list[str]:
        """The names of all families, the user's last."""
        return [*FAMILIES, *self.own]

    def quantities(self) -> tuple[Deterministic, ...]:
        """The deterministic quantities, inner first."""
        return tuple(q for q in self.names.values() if isinstance(q, Deterministic))

    def reporter(self, scalar: Scalar) -> Callable[[TextFault], None]:
        """Turn the offsets of faults in a text into places of the file.

        That a name is nowhere declared is one fault, however often it is used.
        """

        def report(fault: TextFault) -> None:
            if fault.missing in self.missing:
                return
            if fault.missing:
                self.missing.add(fault.missing)
            self.fault(scalar.at(fault.at), fault.found, fault.expected, fault.hint)

        return report

    def resolver(
        self, scalar: Scalar, names: Mapping[str, Entity] | None = None, target: str = ""
    ) -> Resolver:
        """A resolver of this text, a statement about `target`, in the names of the model."""
        return Resolver(
            scalar.text,
            self.names if names is None else names,
            self.reporter(scalar),
            arities=self.arities,
            budget=self.budget,
            target=target,
        )

    def declare(self, name: str, what: str, place: Place) -> bool:
        """Take a name, once; whether it is a proper name and was free.

        A name that is no proper one, or that was declared twice, is broken: its uses are not
        reported as well.
        """
        if not self.proper(name, what, place):
            self.break_name(name)
            return False
        earlier = self.declared.get(name)
        if earlier is not None:
            kind, where = earlier
            hint = f"it is {kind} {self.where(where)}"
            if (kind, what) == ("a parameter", "a node"):
                hint += ": what has a distribution is a latent node, and is not declared"
            self.fault(
                place, f"the name {quote(name)} a second time, for {what}", "each name once", hint
            )
            self.break_name(name)
            return False
        self.declared[name] = (what, place)
        return True

    def break_name(self, name: str) -> None:
        """What is said of a name is faulty, and reported: nothing that follows from it is."""
        self.names[name] = Broken()
        self.faulty.add(name)

    def where(self, place: Place) -> str:
        """How a message refers to another place of the same specification."""
        return f"at {place.path}" if place.path else f"in line {place.line}"

    def proper(self, name: str, what: str, place: Place) -> bool:
        """Whether a text can be a name; a fault if not."""
        if name == "PI":
            self.fault(place, f"the name `PI` of {what}", "another name", "`PI` is the number pi")
        elif name in RESERVED_WORDS:
            self.fault(
                place,
                f"the name {quote(name)} of {what}",
                "another name",
                "`for`, `in` and `sum` are reserved words",
            )
        elif name in FUNCTIONS:
            self.fault(
                place,
                f"the name {quote(name)} of {what}",
                "another name",
                f"`{name}` is a function of the language",
            )
        elif not _NAME.match(name) or len(name) > NAME_LENGTH:
            self.fault(
                place,
                f"the name {quote(name)} of {what}",
                f"a letter A-Z or a-z, then letters, digits and _, at most {NAME_LENGTH} in all",
            )
        else:
            return True
        return False

    def proper_quietly(self, name: str) -> bool:
        """Whether a text can be a name that nobody declared."""
        return bool(_NAME.match(name)) and self.family(name) is None
