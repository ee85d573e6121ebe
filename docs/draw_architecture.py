"""The picture of the rooms, drawn from the imports: python -m docs.draw_architecture [--sizes]

Writes docs/architecture.svg.  A box is a room, with the first line of its docstring; an arrow leads
from what is imported to who imports it, so that values flow upwards; arrows that follow from others
are left out.  --sizes prints the non-blank lines of each room instead.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from textwrap import wrap

from tests.test_layers import MODULES, PACKAGE, RANK, floor, imports

HERE = Path(__file__).parent
PICTURE = HERE / "architecture.svg"

WIDTH, MARGIN = 1180, 30
GAP, STOREY, HEIGHT = 22, 56, 80  # between boxes, between floors, of a box
THREAD = 16  # of an arrow that passes a floor
WIDEST, LETTER = 300, 6.3  # of a box; of a letter of its text, in pixels
# room -> colour of its box; what finds, what checks, what prints, what surrounds
COLOURS = {
    **dict.fromkeys(("index", "families", "language", "model"), ("#e8f0fb", "#3b6fb6")),
    **dict.fromkeys(("expfam", "criterion", "entropy"), ("#e6f4f1", "#2a8a78")),
    **dict.fromkeys(("checker", "certify", "trial"), ("#fdeeee", "#c0504d")),
    **dict.fromkeys(("answer",), ("#fff6d9", "#b8860b")),
    **dict.fromkeys(("notation", "code", "page", "proof", "sympy_edge"), ("#f4ecfa", "#7d4fa8")),
}
OTHERS = ("#f2f2f0", "#77756d")
LEGEND = {
    "what a model says": "index",
    "what finds": "criterion",
    "what checks": "certify",
    "what is found": "answer",
    "what writes it down": "page",
    "what runs it": "",
}


def room(module: str) -> str:
    """symelbo.index.terms -> index; a module of its own is one room with those on its floor."""
    parts = module.split(".")
    if len(parts) > 2 or (PACKAGE / parts[-1]).is_dir():
        return parts[1]
    return parts[-1]


def members(name: str) -> list[str]:
    """The modules of a room."""
    return [module for module in MODULES if module != "symelbo" and room(module) == name]


def purpose(name: str) -> str:
    """The first line of the docstring of a room."""
    head = MODULES[f"symelbo.{name}"]
    text = (ast.get_docstring(head) or "").split("\n\n")[0].replace("\n", " ")
    return text.split(".  ")[0].rstrip(".")


ROOMS = [name for name in dict.fromkeys(map(room, MODULES)) if name not in ("symelbo", "__main__")]


def imported_rooms(name: str) -> set[str]:
    """The rooms that a room imports, all of them."""
    ours = {o for m in members(name) for o in imports(m) if o in MODULES and o != "symelbo"}
    return {room(module) for module in ours} - {name}


# modules that import no folder, such as `errors`: they stand aside
GROUND = {
    name
    for name in ROOMS
    if not (PACKAGE / name).is_dir()
    and not any((PACKAGE / other).is_dir() for other in imported_rooms(name))
}


def rank(name: str) -> int:
    """The floor of a room, as the tests have it."""
    return RANK.get(f"symelbo.{name}") or max(RANK[floor(module)] for module in members(name))


def below(name: str) -> set[str]:
    """The rooms that a room imports; the exceptions of the tests go upwards and are left out."""
    return {o for o in imported_rooms(name) - GROUND if rank(o) < rank(name)}


@cache
def level(name: str) -> int:
    """One above the highest room that it imports."""
    return max((level(other) + 1 for other in below(name)), default=0)


@cache
def reachable(name: str) -> frozenset[str]:
    """What a room imports, directly or not."""
    direct = below(name)
    return frozenset(direct).union(*map(reachable, direct))


def arrows() -> list[tuple[str, str]]:
    """(imported, importing), without those that follow from others."""
    return [
        (other, name)
        for name in drawn()
        for other in sorted(below(name))
        if not any(other in reachable(third) for third in below(name) if third != other)
    ]


def drawn() -> list[str]:
    """The rooms with a box."""
    return [name for name in ROOMS if name not in GROUND]


@dataclass(frozen=True, slots=True)
class Bend:
    """Where an arrow passes a level between two boxes."""

    low: str
    high: str
    level: int


Item = str | Bend


def bends(low: str, high: str) -> list[Bend]:
    """The levels that an arrow passes, upwards."""
    return [Bend(low, high, n) for n in range(level(low) + 1, level(high))]


def storeys() -> list[list[Item]]:
    """Boxes and bends of each level, lowest first, ordered so that arrows are short."""
    top = max(map(level, drawn()))
    rows: list[list[Item]] = [
        [name for name in drawn() if level(name) == n] for n in range(top + 1)
    ]
    near: dict[Item, list[Item]] = {}
    for low, high in arrows():
        way: list[Item] = [low, *bends(low, high), high]
        for bend in bends(low, high):
            rows[bend.level].append(bend)
        for one, other in pairwise(way):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    place: dict[Item, float] = {}

    def middle(item: Item) -> float:
        known = [place[other] for other in near.get(item, ()) if other in place]
        return sum(known) / len(known) if known else 0.5

    for row in (*rows, *reversed(rows)) * 8:
        row.sort(key=lambda item: (middle(item), str(item)))
        weights = [1.0 if isinstance(item, str) else 0.3 for item in row]
        for n, item in enumerate(row):
            place[item] = (sum(weights[:n]) + weights[n] / 2) / sum(weights)
    return rows


def boxes() -> dict[Item, tuple[float, float, float]]:
    """box or bend -> left, top, width."""
    rows = storeys()
    found: dict[Item, tuple[float, float, float]] = {}
    for n, row in enumerate(rows):
        bent = sum(isinstance(item, Bend) for item in row)
        count = len(row) - bent
        space = WIDTH - 2 * MARGIN - GAP * (len(row) - 1) - THREAD * bent
        width = min(WIDEST, space / max(count, 1))
        between = (WIDTH - 2 * MARGIN - width * count - THREAD * bent) / (len(row) + 1)
        top, left = 70.0 + (len(rows) - 1 - n) * (HEIGHT + STOREY), float(MARGIN)
        for item in row:
            left += between
            wide = width if isinstance(item, str) else THREAD
            found[item] = (left, top, wide)
            left += wide
    return found


def text(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(words)}</text>'


def draw_box(name: str, place: tuple[float, float, float]) -> Iterable[str]:
    left, top, width = place
    fill, line = COLOURS.get(name, OTHERS)
    yield (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{HEIGHT}" rx="9"'
        f' fill="{fill}" stroke="{line}" stroke-width="1.4"/>'
    )
    title = f"{name}/" if (PACKAGE / name).is_dir() else name
    yield (
        f'<text x="{left + 12:.1f}" y="{top + 23:.1f}" class="name" fill="{line}">{escape(title)}'
        "</text>"
    )
    lines = wrap(purpose(name), int((width - 22) / LETTER))
    for n, words in enumerate(lines):
        yield text(left + 12, top + 41 + 15 * n, words, "purpose")


def draw_arrow(points: Sequence[tuple[float, float, float]], start: float, end: float) -> str:
    """From the top of a box, past the bends, to the bottom of a box; start, end: where on it."""
    first, *passed, last = points
    x, y = first[0] + first[2] * start, first[1]
    parts = [f"M {x:.1f} {y:.1f}"]
    for left, top, _ in passed:
        parts.append(curve(x, y, left, top + HEIGHT) + f" L {left:.1f} {top:.1f}")
        x, y = left, top
    parts.append(curve(x, y, last[0] + last[2] * end, last[1] + HEIGHT + 7))
    return f'<path d="{" ".join(parts)}" class="arrow" marker-end="url(#tip)"/>'


def curve(x0: float, y0: float, x1: float, y1: float) -> str:
    """Up from one point to another, upright at both."""
    bend = 0.55 * (y0 - y1)
    return f"C {x0:.1f} {y0 - bend:.1f}, {x1:.1f} {y1 + bend:.1f}, {x1:.1f} {y1:.1f}"


def draw_arrows(found: dict[Item, tuple[float, float, float]]) -> Iterable[str]:
    """All arrows, parted where several meet a box."""
    ways = [(low, *bends(low, high), high) for low, high in arrows()]
    for way in ways:
        out = sorted((w for w in ways if w[0] == way[0]), key=lambda w: found[w[1]][0])
        into = sorted((w for w in ways if w[-1] == way[-1]), key=lambda w: found[w[-2]][0])
        start = (out.index(way) + 1) / (len(out) + 1)
        end = (into.index(way) + 1) / (len(into) + 1)
        yield draw_arrow([found[item] for item in way], start, end)


def draw() -> str:
    """The picture, the same for the same package."""
    found = boxes()
    height = max(top for _, top, _ in found.values()) + HEIGHT + 74
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' width="{WIDTH}" height="{height:.0f}" role="img"'
        ' aria-label="The rooms of symelbo and what flows between them">',
        "<style>",
        "text { font-family: 'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif; }",
        ".name { font-size: 15px; font-weight: bold; }",
        ".purpose { font-size: 11px; fill: #3c3c3c; }",
        ".legend { font-size: 12px; fill: #3c3c3c; }",
        ".arrow { fill: none; stroke: #8d8b84; stroke-width: 1.5; }",
        "</style>",
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="4" refY="4" orient="auto">'
        '<path d="M 0 0 L 9 4 L 0 8 z" fill="#8d8b84"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    left = float(MARGIN)
    for words, name in LEGEND.items():
        fill, line = COLOURS.get(name, OTHERS)
        parts.append(
            f'<rect x="{left:.1f}" y="22" width="16" height="16" rx="4" fill="{fill}"'
            f' stroke="{line}" stroke-width="1.4"/>'
        )
        parts.append(text(left + 24, 35, words, "legend"))
        left += 56 + 7.2 * len(words)
    parts.extend(draw_arrows(found))
    for name in drawn():
        parts.extend(draw_box(name, found[name]))
    foot = f"Beside them, used anywhere: {', '.join(sorted(GROUND))}"
    parts.append(text(MARGIN, height - 30, foot, "legend"))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def print_sizes() -> None:
    """Non-blank lines by room."""
    total = 0
    for name in ROOMS:
        folder = PACKAGE / name
        paths = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
        lines = sum(bool(line.strip()) for p in paths for line in p.read_text("utf-8").splitlines())
        total += lines
        print(f"{name:16} {lines:6}")
    print(f"{'together':16} {total:6}")


if __name__ == "__main__":
    if "--sizes" in sys.argv[1:]:
        print_sizes()
    else:
        PICTURE.write_text(draw(), encoding="utf-8")
