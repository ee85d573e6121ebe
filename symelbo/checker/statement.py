"""JSON to the statement of a certificate: everything is validated before anything is computed.

The format is described in docs/certificate.md.  Sizes, depths and numbers are bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from .domains import DOMAINS, Domain, Kind
from .functions import FUNCTIONS
from .terms import NO_ENTRIES, Array, Raw, RawIndex, children, is_reserved, put, shift
from .work import work_left

__all__ = [
    "MAX_BYTES",
    "SCHEMA",
    "Case",
    "Claim",
    "Condition",
    "Density",
    "Entropy",
    "EntropyOfQ",
    "Given",
    "Identity",
    "Malformed",
    "Motion",
    "Place",
    "Posterior",
    "Refutation",
    "Row",
    "Sums",
    "Statement",
    "Reader",
    "Terms",
    "Unknown",
    "parse_json",
    "read_statement",
]

SCHEMA: Final = "symelbo/certificate/1"
MAX_BYTES: Final = 1 << 26
MAX_TERMS: Final = 300_000
MAX_DEPTH: Final = 500
MAX_NAME: Final = 300
MAX_OFFSET: Final = 10_000
MAX_AXES: Final = 8
MAX_PARTS: Final = 2000  # of a statement
MAX_ROWS: Final = 5000  # of a case
ROLES: Final = (
    *("parameter", "constant", "input", "latent", "observed", "variational", "function"),
    *("argument", "value", "unknown"),
)
Place: TypeAlias = tuple[str, tuple[int, ...]]
Given: TypeAlias = tuple[tuple[Place, Fraction], ...]
Moved: TypeAlias = tuple[Place, int]  # a latent entry, at one of the values of the inputs
T = TypeVar("T")


class Malformed(Exception):
    """What was read is no certificate."""


# ---------------------------------------------------------------- what is read


class Symbol(NamedTuple):
    """What a certificate says of a name: its role, the domain of its entries, its shape."""

    name: str
    role: str
    domain: Domain
    shape: tuple[tuple[str, int], ...] = ()  # extents: size and offset

    @property
    def kind(self) -> Kind:
        """The kind of an entry, as terms carry it."""
        return self.domain.kind(self.shape)


class Condition(NamedTuple):
    """What an argument has to satisfy although the specification does not imply it."""

    domain: Domain
    array: Array


class Density(NamedTuple):
    """node[places] ~ exp(log_density), independent over the plates.

    arguments: (domain, what the model puts there) of the family; support: of the value, its ends
    with the arguments put in.
    """

    name: str
    node: Symbol
    plates: tuple[RawIndex, ...]
    places: tuple[RawIndex, ...]
    support: Domain
    log_density: Raw
    arguments: tuple[tuple[Domain, Array], ...]
    conditions: tuple[Condition, ...]


class Motion(NamedTuple):
    """Velocities of parameters and of q's parameters; r and s of each latent that moves.

    A latent moves with velocity r (z - lower) + s, lower being the end of its support (0 if none).
    """

    parameters: Mapping[str, Array] = NO_ENTRIES
    rates: Mapping[str, Array] = NO_ENTRIES
    shifts: Mapping[str, Array] = NO_ENTRIES
    variational: Mapping[str, Array] = NO_ENTRIES

    def arrays(self) -> list[tuple[str, Array]]:
        """Every name with what moves it."""
        every = (self.parameters, self.rates, self.shifts, self.variational)
        return [item for arrays in every for item in arrays.items()]


class Identity(NamedTuple):
    """(U) of one factor: log p - D log p = base - entropy + divergence, D base = base_change."""

    factor: str
    base: Raw
    entropy: Raw
    divergence: Raw
    base_change: Raw


class Claim(NamedTuple):
    """(U) of some factors along one motion; nonzero: what its velocities divide by.

    q_follows: the declared q is closed under the motion; symbols: those that only this claim knows.
    """

    motion: Motion
    nonzero: tuple[Raw, ...]
    identities: tuple[Identity, ...]
    q_follows: bool


class Entropy(NamedTuple):
    """The entropy of a factor as it is printed, summed over the plates; expanded: written out."""

    factor: str
    display: Raw
    expanded: Raw


class EntropyOfQ(NamedTuple):
    """The entropy of a statement of q, by (U) along a motion of its formal arguments, with b = 0.

    density: of the value in the formal arguments; arguments: what the model puts there.
    """

    statement: str
    density: Density
    motion: Motion
    entropy: Raw
    arguments: Mapping[str, Array]


class Posterior(NamedTuple):
    """log p(x, z) is quadratic in z, with minus its second derivative the precision."""

    latent: Symbol
    precision: Array


class Sums(NamedTuple):
    """The entropy sum: H[q], entropies, base measures; and as it is printed.

    printed: (sign, term) of what is averaged and has a closed form; abbreviations: what names in
    it stand for; definitions: functions in it; closed_form: the whole, where it is the same for
    all data.
    """

    q_entropy: Raw | None
    entropies: tuple[Entropy, ...]
    bases: Mapping[str, Raw] | None
    printed: tuple[tuple[int, Raw], ...] | None
    closed_form: Raw | None
    abbreviations: Mapping[str, Array]
    definitions: Mapping[str, tuple[tuple[str, ...], Array]]


class Row(NamedTuple):
    """(U) of one factor at one point, with its weight in each of the combinations.

    place: the values of the factor's plate indices; point: which parameter value; inputs: which
    value of the inputs; parents and value: what the nodes are.
    """

    factor: str
    place: tuple[int, ...]
    point: int
    inputs: int
    parents: Given
    value: Given
    weights: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)  # no tuple: it is a key beside tuples, and equals none
class Unknown:
    """A number that a combination of rows may leave: a velocity at a parameter value, r or s at
    one and a value of the inputs, or the factor c of the base measure of a latent that moves, at a
    value of the inputs.

    point, inputs: None where it is the same for all.
    """

    name: str
    place: tuple[int, ...]
    point: int | None
    inputs: int | None


class Case(NamedTuple):
    """Rows that contradict (U) if the entries in `moving` move at some of the parameter values and
    those in `resting` at none; each at one value of the inputs.

    shifted: those of `moving` that are real and have r = 0 at all parameter values; the other real
    ones have r different from 0 at some.

    matrix: one line for each combination of the rows: what it leaves of the unknowns, and last the
    weighted sum of log p.  It is square, and its determinant is not 0; without unknowns it is one
    number.  dependent: other unknowns, which occur in the same combination of these everywhere; its
    coefficients are closed terms.
    """

    moving: tuple[Moved, ...]
    resting: tuple[Moved, ...]
    rows: tuple[Row, ...]
    unknowns: tuple[Unknown, ...]
    matrix: tuple[tuple[Raw, ...], ...]
    dependent: tuple[tuple[Unknown, tuple[Raw, ...]], ...] = ()
    shifted: tuple[Moved, ...] = ()


class Refutation(NamedTuple):
    """Everything needed to see that no motion satisfies (U) of some factors together.

    functions: what is put for the abstract ones; constants, points and inputs: known numbers, the
    values of the parameters, and those of the inputs; still: that no latent may move is given.
    """

    factors: tuple[str, ...]
    sizes: Mapping[str, int]
    functions: Mapping[str, tuple[tuple[str, ...], Array]]
    constants: Given
    points: tuple[Given, ...]
    inputs: tuple[Given, ...]
    cases: tuple[Case, ...]
    still: bool


class Statement(NamedTuple):
    """Everything that a certificate says of one model."""

    name: str
    verdict: str
    theorem: int | None
    sizes: Mapping[str, int]  # and the least value of each
    symbols: Mapping[str, Symbol]
    variational: str  # any, exact or declared
    factors: tuple[Density, ...]
    q: tuple[Density, ...]
    claims: tuple[Claim, ...]
    sums: Sums | None
    entropies_of_q: tuple[EntropyOfQ, ...]
    posterior: Posterior | None
    refutations: tuple[Refutation, ...]
    undecided: tuple[str, ...]  # factors of which nothing is claimed
    unproved: tuple[str, ...]  # parts of the result that are not claimed
    files: Mapping[str, str] | None  # sha256 of what was written with it


# ---------------------------------------------------------------- JSON


def parse_json(content: bytes) -> Any:
    """Bytes -> JSON data without floats and without repeated keys; Malformed if they are none."""
    if len(content) > MAX_BYTES:
        raise Malformed("the file is too large")
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"no JSON: {type(error).__name__}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key that occurs twice")
    return found


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no exact number")


def _dict(data: Any, what: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Malformed(f"{what} is no object")
    return data


def _list(data: Any, what: str, most: int = MAX_TERMS) -> list[Any]:
    if not isinstance(data, list) or len(data) > most:
        raise Malformed(f"{what} is no list, or too long")
    work_left().spend(1 + len(data) // 2, "what is read")
    return data


def _pair(data: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(data, list) or len(data) != 2:
        raise Malformed(f"{what} is no pair")
    return data[0], data[1]


def _name(data: Any, what: str = "a name") -> str:
    if not isinstance(data, str) or len(data) > MAX_NAME:
        raise Malformed(f"{what} is no text, or too long")
    return data


def _int(data: Any, what: str, most: int = MAX_OFFSET) -> int:
    if not isinstance(data, int) or isinstance(data, bool) or abs(data) > most:
        raise Malformed(f"{what} is no small whole number")
    return data


def _number(data: Any) -> Fraction:
    """3 or "-1/2"."""
    if isinstance(data, int) and not isinstance(data, bool):
        return Fraction(data)
    if isinstance(data, str) and len(data) <= 4000:
        top, slash, bottom = data.partition("/")
        if top.removeprefix("-").isdecimal() and (bottom.isdecimal() or not slash):
            if slash and int(bottom) == 0:
                raise Malformed("a number with the denominator 0")
            return Fraction(int(top), int(bottom) if slash else 1)
    raise Malformed("a number is neither whole nor a quotient")


def _one_of(data: Any, choices: Sequence[str], what: str) -> str:
    if not isinstance(data, str) or data not in choices:
        raise Malformed(f"{what} is none of {', '.join(choices)}")
    return data


def _extent(data: Any) -> tuple[str, int]:
    """ "C", 3 or ["C", -1]."""
    if isinstance(data, str):
        return _size(data), 0
    if isinstance(data, list) and len(data) == 2:
        return _size(data[0]), _int(data[1], "an offset")
    return "", _int(data, "an extent")


def _size(data: Any) -> str:
    """The name of a size; "" and "?" are none."""
    name = _name(data, "a size")
    if not name or is_reserved(name):
        raise Malformed("a reserved name of a size")
    return name


def _known(data: Mapping[str, Any], keys: str, what: str) -> None:
    """A key that is not known would be a part that is not checked."""
    unknown = sorted(set(data) - set(keys.split()))
    if unknown:
        raise Malformed(f"{what} has a part that is not known: {unknown[0][:MAX_NAME]}")


# ---------------------------------------------------------------- terms


class Terms:
    """The symbols, indices and terms of a certificate, read once; later terms name earlier ones."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.indices: dict[str, RawIndex] = {}
        for name, rest in _dict(data.get("indices", {}), "indices").items():
            low, extent = _pair(rest, "an index")
            if is_reserved(_name(name)) or not name:
                raise Malformed("a reserved name of an index")
            self.indices[name] = ("i", name, _int(low, "a range"), *_extent(extent))
        sizes = _dict(data.get("sizes", {}), "sizes")
        self.least = {_size(name): _int(k, "a size") for name, k in sizes.items()}
        if any(k < 1 for k in self.least.values()):
            raise Malformed("a size whose least value is not positive")
        self.symbols: dict[str, Symbol] = {}
        self.raws: list[Raw] = []
        self.depth_of: dict[int, int] = {}  # by identity
        symbols = _dict(data.get("symbols", {}), "symbols")
        bounded = {}
        for name, rest in symbols.items():
            rest = _dict(rest, f"the symbol {name}")
            _known(rest, "role domain shape", "a symbol")
            role = _one_of(rest.get("role"), ROLES, "a role")
            shape = tuple(map(_extent, _list(rest.get("shape", []), "a shape", MAX_AXES)))
            if isinstance(rest.get("domain"), dict):
                bounded[name] = rest["domain"]
            word = bounded[name].get("kind") if name in bounded else rest.get("domain")
            domain = _domain(word)()
            if not domain.fits(shape):
                raise Malformed(f"{name} has not the axes of a {word}")
            self.symbols[_name(name)] = Symbol(name, role, domain, shape)
        self.bounded = bounded
        self.waiting: dict[int, list[str]] = {}
        for name, domain_data in bounded.items():
            ends = [domain_data.get(key) for key in ("lower", "upper")]
            last = max([-1, *(_int(e, "an end", MAX_TERMS) for e in ends if e is not None)])
            self.waiting.setdefault(last, []).append(name)
        self.settle(-1)
        for entry in _list(data.get("terms", []), "terms"):
            self.read(entry)
            self.settle(len(self.raws) - 1)
        if self.waiting:
            raise Malformed("the end of a domain is no term")
        self.ready: dict[int, Raw] = {}

    def settle(self, number: int) -> None:
        """Domains whose ends are known by now."""
        for name in self.waiting.pop(number, []):
            symbol = self.symbols[name]
            domain = self.domain(self.bounded[name])
            self.symbols[name] = Symbol(name, symbol.role, domain, symbol.shape)

    def domain(self, data: Any) -> Domain:
        """ "real" or {"kind": ..., "lower": term, "upper": term}."""
        if isinstance(data, str):
            return _domain(data)()
        data = _dict(data, "a domain")
        _known(data, "kind lower upper", "a domain")
        ends = (data.get("lower"), data.get("upper"))
        domain = _domain(data.get("kind"))(*(None if e is None else self.part(e) for e in ends))
        if not domain.has_known_ends:
            raise Malformed(f"{domain.word} with ends of a form that is not known")
        return domain

    def part(self, data: Any) -> Raw:
        """An earlier term, as it stands in the table."""
        number = _int(data, "a term", MAX_TERMS)
        if not 0 <= number < len(self.raws):
            raise Malformed("a term that is no earlier one")
        return self.raws[number]

    def term(self, data: Any) -> Raw:
        """A term with bound indices of its own."""
        number = _int(data, "a term", MAX_TERMS)
        if number not in self.ready:
            self.ready[number] = put(self.part(number))
        return self.ready[number]

    def index_variable(self, data: Any) -> RawIndex:
        """An index by its name."""
        if not isinstance(data, str) or data not in self.indices:
            raise Malformed("an index that is not listed")
        return self.indices[data]

    def index(self, data: Any) -> RawIndex:
        """ "h", ["o", "h", 1], ["p", extent] or ["e", name, index...]."""
        if isinstance(data, str):
            return self.index_variable(data)
        head, *rest = _list(data, "an index", MAX_AXES + 2) or [None]
        if head == "o" and len(rest) == 2:
            return shift(self.index_variable(rest[0]), _int(rest[1], "an offset"))
        if head == "p" and len(rest) == 1:
            return ("p", *_extent(rest[0]))
        if head == "e" and rest:
            symbol = self.symbol(rest[0])
            if not symbol.domain.is_place:
                raise Malformed(f"{symbol.name} is no category")
            where = self.places(symbol, rest[1:])
            return ("e", symbol.name, *_places_of(symbol.domain), where)
        raise Malformed("an index of no known form")

    def symbol(self, data: Any) -> Symbol:
        """A symbol by its name."""
        if not isinstance(data, str) or data not in self.symbols:
            raise Malformed("a symbol that is not listed")
        return self.symbols[data]

    def places(self, symbol: Symbol, data: Sequence[Any], most: int = 0) -> tuple[RawIndex, ...]:
        """Indices of a symbol, each of them within its axis; `most`: how many may be missing."""
        where = tuple(map(self.index, data))
        if not len(symbol.shape) - most <= len(where) <= len(symbol.shape):
            raise Malformed(f"{symbol.name} needs {len(symbol.shape)} indices")
        for index, extent in zip(where, symbol.shape, strict=False):
            if not self.exists(index, extent):
                raise Malformed(f"{symbol.name} has no such entry at every size")
        return where

    def exists(self, index: RawIndex, extent: tuple[str, int]) -> bool:
        """Whether every value of an index is a place of the axis, at every size."""
        size, offset = extent
        by = index[2] if index[0] == "o" else 0
        if index[0] == "e":
            first, (over, last) = 1, index[2:4]  # the axis may be longer
        elif index[0] == "p":
            over, last = index[1:]
            first = last + (self.least.get(over, 1) if over else 0)
        else:
            low, over, last = (index[1] if index[0] == "o" else index)[2:]
            first, last = low + by, last + by
        if over == size:
            return bool(first >= 1 and last <= offset)
        # a fixed number of places: there at every size only if at the smallest
        return bool(not over and first >= 1 and last <= self.least.get(size, 1) + offset)

    def entry(self, symbol: Symbol, data: Sequence[Any]) -> Raw:
        """An entry of a symbol."""
        where = self.places(symbol, data)
        if symbol.domain.is_place:
            return ("iv", ("e", symbol.name, *_places_of(symbol.domain), where))
        return ("v", symbol.name, symbol.kind, where)

    def matrix(self, indices: Any, body: Any) -> Array:
        """Two indices and a term."""
        found = tuple(map(self.index_variable, _list(indices, "the indices of a matrix", 2)))
        if len(found) != 2 or found[0] == found[1]:
            raise Malformed("a matrix has two indices")
        return found, self.part(body)

    def read(self, data: Any) -> None:
        """One entry of the table."""
        head, *rest = _list(data, "a term") or [None]
        raw = self.make(head, rest)
        depth = 1 + max((self.depth_of[id(part)] for part in children(raw)), default=0)
        if depth > MAX_DEPTH:
            raise Malformed("a term that is nested too deeply")
        self.depth_of[id(raw)] = depth
        self.raws.append(raw)

    def make(self, head: Any, rest: list[Any]) -> Raw:
        """A term by its head."""
        match head, rest:
            case "q", [value]:
                return ("q", _number(value))
            case "n", [name]:
                return ("n", _size(name))
            case "c", ["pi"]:
                return ("c", "pi")
            case "iv", [index]:
                return ("iv", self.index(index))
            case "v", [name, *where]:
                return self.entry(self.symbol(name), where)
            case "+" | "*", [_, *_]:
                return (head, *map(self.part, rest))
            case "^", [base, exponent]:
                return ("^", self.part(base), self.part(exponent))
            case "f", [str(name), *arguments] if FUNCTIONS.get(name) == len(arguments):
                return ("f", name, *map(self.part, arguments))
            case "S", [index, body]:
                return ("S", self.index_variable(index), self.part(body))
            case "d", [left, right]:
                return ("d", self.index(left), self.index(right))
            case "Inv", [indices, body, row, column]:
                matrix = self.matrix(indices, body)
                return ("Inv", matrix, self.index(row), self.index(column))
            case "LD", [indices, body]:
                return ("LD", self.matrix(indices, body))
            case "A", [name, arrays, where, slots]:
                return self.apply(self.symbol(name), arrays, where, slots)
        raise Malformed("a term of no known form")

    def apply(self, symbol: Symbol, arrays: Any, where: Any, slots: Any) -> Raw:
        """An abstract function of arrays, at a place, with partial derivatives."""
        if symbol.role != "function":
            raise Malformed(f"{symbol.name} is no function")
        given = tuple(
            (tuple(map(self.index_variable, _list(v, "indices", MAX_AXES))), self.part(body))
            for v, body in (_pair(pair, "an array") for pair in _list(arrays, "arrays"))
        )
        place = self.places(symbol, _list(where, "a place", MAX_AXES))
        moved = []
        for slot, at in (_pair(pair, "a derivative") for pair in _list(slots, "derivatives")):
            moved.append((_int(slot, "an argument"), tuple(map(self.index, _list(at, "a place")))))
            if not 0 <= moved[-1][0] < len(given) or len(given[moved[-1][0]][0]) != len(at):
                raise Malformed(f"{symbol.name} has no such argument")
        return ("A", symbol.name, symbol.kind, given, place, tuple(sorted(moved)))

    def array(self, data: Any) -> Array:
        """{"indices": [...], "body": term}: an array."""
        data = _dict(data, "an array")
        _known(data, "indices body", "an array")
        names = _list(data.get("indices", []), "indices", MAX_AXES)
        indices = tuple(map(self.index_variable, names))
        if len(set(indices)) != len(indices):
            raise Malformed("an array with one index twice")
        return indices, self.term(data.get("body"))

    def arrays(self, data: Any) -> dict[str, Array]:
        """{name: array}"""
        found = _dict(data, "arrays")
        return {self.symbol(name).name: self.array(array) for name, array in found.items()}


def _domain(word: Any) -> type[Domain]:
    return DOMAINS[_one_of(word, tuple(DOMAINS), "a domain")]


def _places_of(domain: Domain) -> tuple[str, int]:
    """The extent of a category."""
    match domain.upper:
        case ("n", str(size)):
            return size, 0
        case ("q", Fraction() as number) if number.denominator == 1:
            return "", int(number)
        case ("+", ("q", Fraction() as number), ("n", str(size))) | (
            "+",
            ("n", str(size)),
            ("q", Fraction() as number),
        ) if number.denominator == 1:
            return size, int(number)
    raise Malformed("a category of which it is not known how many places it has")


# ---------------------------------------------------------------- the parts of a certificate


class Reader:
    """Reads the parts of a certificate; Malformed says what is none."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.terms = Terms(data)

    def each(
        self, data: Any, read: Callable[[Any], T], what: str, most: int = MAX_PARTS
    ) -> tuple[T, ...]:
        """A list of parts; none where there is no list."""
        return tuple(map(read, _list([] if data is None else data, what, most)))

    def optional(self, data: Any) -> Raw | None:
        """A term, or none."""
        return None if data is None else self.terms.term(data)

    def density(self, data: Any) -> Density:
        """One statement of the model or of q."""
        data = _dict(data, "a factor")
        keys = "name node family plates places support log_density arguments conditions"
        _known(data, keys, "a factor")
        node = self.terms.symbol(data.get("node"))
        given = _list(data.get("places", []), "places", MAX_AXES)
        places = self.terms.places(node, given, len(node.shape))
        if any(p[0] == "e" for p in places):
            raise Malformed(f"{node.name} has no such places")
        plates = self.each(data.get("plates"), self.terms.index_variable, "plates")
        bases = [p[1] if p[0] == "o" else p for p in places if p[0] != "p"]
        if sorted(bases) != sorted(plates) or len(set(plates)) != len(plates):
            raise Malformed(f"the places of {node.name} are not its plates, each of them once")
        support = data.get("support")
        return Density(
            _name(data.get("name")),
            node,
            plates,
            places,
            node.domain if support is None else self.terms.domain(support),
            self.terms.term(data.get("log_density")),
            self.each(data.get("arguments"), self.argument, "arguments"),
            self.each(data.get("conditions"), self.condition, "conditions"),
        )

    def argument(self, data: Any) -> tuple[Domain, Array]:
        """An argument of a family: its domain, and what stands there."""
        data = _dict(data, "an argument")
        _known(data, "name domain value", "an argument")
        return self.terms.domain(data.get("domain")), self.terms.array(data.get("value"))

    def condition(self, data: Any) -> Condition:
        """A condition on an argument."""
        data = _dict(data, "a condition")
        _known(data, "kind of", "a condition")
        return Condition(_domain(data.get("kind"))(), self.terms.array(data.get("of")))

    def motion(self, data: Any) -> Motion:
        """What moves."""
        data = _dict(data, "a motion")
        keys = ("parameters", "rates", "shifts", "variational")
        _known(data, " ".join(keys), "a motion")
        return Motion(*(self.terms.arrays(data.get(key, {})) for key in keys))

    def identity(self, data: Any) -> Identity:
        """(U) of one factor."""
        data = _dict(data, "an identity")
        keys = ("base", "entropy", "divergence", "base_change")
        _known(data, "factor " + " ".join(keys), "an identity")
        factor = _name(data.get("factor"))
        return Identity(factor, *(self.terms.term(data.get(key)) for key in keys))

    def claim(self, data: Any) -> Claim:
        """(U) along one motion."""
        data = _dict(data, "a claim")
        _known(data, "motion nonzero identities q_follows", "a claim")
        follows = data.get("q_follows", False)
        if not isinstance(follows, bool):
            raise Malformed("q_follows is neither true nor false")
        return Claim(
            self.motion(data.get("motion")),
            self.each(data.get("nonzero"), self.terms.term, "nonzero"),
            self.each(data.get("identities"), self.identity, "identities"),
            follows,
        )

    def functions(self, data: Any) -> dict[str, tuple[tuple[str, ...], Array]]:
        """What abstract functions stand for."""
        found = {}
        for name, rest in _dict(data, "functions").items():
            symbol = self.terms.symbol(name)
            rest = _dict(rest, "a function")
            _known(rest, "arguments indices body", "a function")
            formals = tuple(
                self.terms.symbol(a).name for a in _list(rest.get("arguments"), "arguments", 100)
            )
            array = self.terms.array({"indices": rest.get("indices", []), "body": rest.get("body")})
            found[symbol.name] = formals, array
        return found

    def entropy(self, data: Any) -> Entropy:
        """A printed entropy."""
        data = _dict(data, "an entropy")
        _known(data, "factor display expanded", "an entropy")
        return Entropy(
            _name(data.get("factor")),
            self.terms.term(data.get("display")),
            self.terms.term(data.get("expanded")),
        )

    def summand(self, data: Any) -> tuple[int, Raw]:
        """A printed summand."""
        data = _dict(data, "a summand")
        _known(data, "sign display", "a summand")
        sign = _int(data.get("sign"), "a sign", 1)
        if not sign:
            raise Malformed("a sign is 1 or -1")
        return sign, self.terms.term(data.get("display"))

    def sums(self, data: Any) -> Sums:
        """The printed sum."""
        data = _dict(data, "the sum")
        keys = "q_entropy entropies bases printed closed_form abbreviations definitions"
        _known(data, keys, "the sum")
        bases, printed = data.get("bases"), data.get("printed")
        return Sums(
            self.optional(data.get("q_entropy")),
            self.each(data.get("entropies"), self.entropy, "entropies"),
            None
            if bases is None
            else {_name(n): self.terms.term(term) for n, term in _dict(bases, "bases").items()},
            None if printed is None else self.each(printed, self.summand, "summands"),
            self.optional(data.get("closed_form")),
            self.terms.arrays(data.get("abbreviations", {})),
            self.functions(data.get("definitions", {})),
        )

    def entropy_of_q(self, data: Any) -> EntropyOfQ:
        """The entropy of one statement of q."""
        data = _dict(data, "an entropy of q")
        _known(data, "statement density motion entropy arguments", "an entropy of q")
        return EntropyOfQ(
            _name(data.get("statement")),
            self.density(data.get("density")),
            self.motion(data.get("motion")),
            self.terms.term(data.get("entropy")),
            self.terms.arrays(data.get("arguments")),
        )

    def posterior(self, data: Any) -> Posterior:
        """The exact posterior."""
        data = _dict(data, "the posterior")
        _known(data, "latent precision", "the posterior")
        latent = self.terms.symbol(data.get("latent"))
        return Posterior(latent, self.terms.array(data.get("precision")))

    # ------------------------------------------------------------ refutations

    def place(self, data: Any) -> Place:
        """An entry, by name and numbers: ["z", 1, 2]."""
        name, *at = _list(data, "a place", MAX_AXES + 1) or [None]
        return _name(name), tuple(_int(k, "a place") for k in at)

    def given(self, data: Any) -> Given:
        """Values of entries: [["z", 1], "1/2"], each entry once."""
        pairs = (_pair(item, "a value") for item in _list(data, "values"))
        found = tuple((self.place(at), _number(x)) for at, x in pairs)
        if len({at for at, _ in found}) != len(found):
            raise Malformed("an entry with two values")
        return found

    def row(self, data: Any) -> Row:
        """One row of a case."""
        data = _dict(data, "a row")
        _known(data, "factor place point inputs parents value weights", "a row")
        return Row(
            _name(data.get("factor")),
            tuple(_int(k, "a place") for k in _list(data.get("place"), "a place", MAX_AXES)),
            _int(data.get("point"), "a point"),
            _int(data.get("inputs"), "a value of the inputs"),
            self.given(data.get("parents")),
            self.given(data.get("value")),
            tuple(map(_number, _list(data.get("weights"), "weights", 100))),
        )

    def unknown(self, data: Any) -> Unknown:
        """An unknown that is left: {"of": ["rate of z", 1], "point": 0, "inputs": 0}."""
        data = _dict(data, "an unknown")
        _known(data, "of point inputs combination", "an unknown")
        numbers = (data.get(key) for key in ("point", "inputs"))
        which = (None if k is None else _int(k, "a point") for k in numbers)
        return Unknown(*self.place(data.get("of")), *which)

    def moved(self, data: Any) -> Moved:
        """A latent entry at a value of the inputs: {"of": ["z", 1], "inputs": 0}."""
        data = _dict(data, "an entry")
        _known(data, "of inputs", "an entry")
        return self.place(data.get("of")), _int(data.get("inputs"), "a value of the inputs")

    def dependent(self, data: Any) -> tuple[Unknown, tuple[Raw, ...]]:
        """An unknown that depends on others."""
        unknown = self.unknown(data)
        combination = _list(data.get("combination"), "a combination", 100)
        return unknown, tuple(map(self.terms.term, combination))

    def case(self, data: Any) -> Case:
        """One case of a refutation."""
        data = _dict(data, "a case")
        _known(data, "moving resting shifted rows unknowns matrix dependent", "a case")
        matrix = _list(data.get("matrix"), "a matrix", 64)
        return Case(
            self.each(data.get("moving"), self.moved, "entries"),
            self.each(data.get("resting"), self.moved, "entries"),
            self.each(data.get("rows"), self.row, "rows", MAX_ROWS),
            self.each(data.get("unknowns"), self.unknown, "unknowns"),
            tuple(tuple(map(self.terms.term, _list(line, "a line", 64))) for line in matrix),
            self.each(data.get("dependent"), self.dependent, "unknowns"),
            self.each(data.get("shifted"), self.moved, "entries"),
        )

    def refutation(self, data: Any) -> Refutation:
        """A refutation."""
        data = _dict(data, "a refutation")
        keys = "factors sizes functions constants points inputs cases latents_may_move"
        _known(data, keys, "a refutation")
        sizes = _dict(data.get("sizes", {}), "sizes")
        may_move = data.get("latents_may_move", True)
        if not isinstance(may_move, bool):
            raise Malformed("latents_may_move is neither true nor false")
        return Refutation(
            self.each(data.get("factors"), _name, "factors"),
            {_name(name): _int(k, "a size", 64) for name, k in sizes.items()},
            self.functions(data.get("functions", {})),
            self.given(data.get("constants", [])),
            self.each(data.get("points"), self.given, "points"),
            self.each(data.get("inputs"), self.given, "inputs"),
            self.each(data.get("cases"), self.case, "cases"),
            not may_move,
        )


def read_statement(data: Any) -> Statement:
    """JSON data -> the statement; Malformed if it is none."""
    data = _dict(data, "a certificate")
    if data.get("schema") != SCHEMA:
        raise Malformed(f"the schema is not {SCHEMA}")
    _known(
        data,
        "schema symelbo_version model spec_sha256 verdict theorem sizes symbols indices terms"
        " variational factors q claims sum entropies_of_q posterior refutations undecided unproved"
        " files",
        "a certificate",
    )
    reader = Reader(data)
    files = data.get("files")
    theorem = data.get("theorem")
    if theorem is not None:
        _int(theorem, "the theorem", 2)
    return Statement(
        _name(data.get("model"), "the name of the model"),
        _one_of(data.get("verdict"), ("proved", "refuted", "outside", "undecided"), "a verdict"),
        theorem,
        reader.terms.least,
        reader.terms.symbols,
        _one_of(data.get("variational"), ("any", "exact", "declared"), "the form of q"),
        reader.each(data.get("factors"), reader.density, "factors"),
        reader.each(data.get("q"), reader.density, "statements of q"),
        reader.each(data.get("claims"), reader.claim, "claims"),
        None if data.get("sum") is None else reader.sums(data["sum"]),
        reader.each(data.get("entropies_of_q"), reader.entropy_of_q, "entropies of q"),
        None if data.get("posterior") is None else reader.posterior(data["posterior"]),
        reader.each(data.get("refutations"), reader.refutation, "refutations"),
        reader.each(data.get("undecided"), _name, "factors"),
        reader.each(data.get("unproved"), _name, "parts"),
        None if files is None else {_name(n): _name(h) for n, h in _dict(files, "files").items()},
    )
