"""The reduced echelon form: by rows against the library, and against its definition."""

from __future__ import annotations

from random import Random

import pytest

from symelbo.index import echelon
from symelbo.index.echelon import Echelon, echelon_of
from symelbo.index.modular import PRIME


def draw_rows(random: Random) -> tuple[list[dict[int, int]], int]:
    """Rows of which some depend on others, and how many columns there are."""
    width = random.randint(1, 9)
    rows = [
        {n: random.randint(-3, 3) for n in range(width) if random.random() < 0.6}
        for _ in range(random.randint(0, 6))
    ]
    for _ in range(random.randint(0, 4) if rows else 0):
        one, other = random.choice(rows), random.choice(rows)
        c = random.randrange(PRIME)
        rows.append({n: one.get(n, 0) + c * other.get(n, 0) for n in one.keys() | other.keys()})
    random.shuffle(rows)
    return rows, width


@pytest.mark.parametrize("seed", range(60))
def test_rows_are_reduced_as_the_library_reduces_them(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, _ = draw_rows(Random(seed))
    found = echelon_of(rows)
    monkeypatch.setattr(echelon, "ELIMINATION_STEPS", -1)
    assert echelon_of(rows) == found
    assert list(echelon_of(rows)) == list(found) == sorted(found)


@pytest.mark.parametrize("seed", range(60))
def test_the_form_spans_what_the_rows_span(seed: int) -> None:
    random = Random(seed)
    rows, width = draw_rows(random)
    found = echelon_of(rows)
    for start, row in found.items():
        assert all(n > start and n not in found and 0 < x < PRIME for n, x in row.items())
    for given in rows:  # each row is what it has at the starts, times the rows of these
        made = [0] * width
        for start, row in found.items():
            c = given.get(start, 0)
            for n, x in {**row, start: 1}.items():
                made[n] = (made[n] + c * x) % PRIME
        assert made == [given.get(n, 0) % PRIME for n in range(width)]
    assert len(found) == rank_of(rows, width)
    random.shuffle(rows)
    assert echelon_of(rows) == found


def rank_of(rows: list[dict[int, int]], width: int) -> int:
    """By elimination on whole lists, column after column."""
    table = [[row.get(n, 0) % PRIME for n in range(width)] for row in rows]
    rank = 0
    for n in range(width):
        lead = next((line for line in table[rank:] if line[n]), None)
        if lead is None:
            continue
        table.remove(lead)
        table.insert(rank, lead)
        inverse = pow(lead[n], -1, PRIME)
        for i in range(rank + 1, len(table)):
            factor = table[i][n] * inverse
            table[i] = [(x - factor * y) % PRIME for x, y in zip(table[i], lead, strict=True)]
        rank += 1
    return rank


def test_without_rows_there_is_no_form() -> None:
    empty: Echelon = {}
    assert echelon_of([]) == echelon_of([{}, {3: 0, 4: PRIME}]) == empty
