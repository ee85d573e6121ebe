"""Long gradients are what short ones are."""

from __future__ import annotations

from random import Random

import pytest

from symelbo.index import gradient as module
from symelbo.index.gradient import Gradient, combine, keep, slopes_of
from symelbo.limits import SHORT_GRADIENT

P = 10_007


def test_they_are_sums_of_others() -> None:
    random = Random(2)
    tables: list[dict[int, int]] = [{n: 1 + n} for n in range(3 * SHORT_GRADIENT)]
    made: list[Gradient] = list(tables)
    for step in range(400):
        chosen = [
            random.randrange(len(tables) // 2, len(tables)) for _ in range(random.choice((1, 2, 3)))
        ]
        factors = [random.randrange(P) for _ in chosen]
        sums: dict[int, int] = {}
        for n, factor in zip(chosen, factors, strict=True):
            for column, slope in tables[n].items():
                sums[column] = (sums.get(column, 0) + factor * slope) % P
        made.append(combine([(f, made[n]) for n, f in zip(chosen, factors, strict=True)], P))
        tables.append(sums)
        if step % 5 == 0:
            keep(made[-1])
    long = [n for n, one in enumerate(made) if not isinstance(one, dict)]
    assert len(long) > 100
    random.shuffle(long)
    for n in (*long, *range(len(made))):
        found = {column: slope for column, slope in slopes_of(made[n], P).items() if slope}
        assert found == {column: slope for column, slope in tables[n].items() if slope}


@pytest.mark.parametrize("kept", (False, True))
def test_each_part_is_looked_at_once(kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of which every link is used twice."""
    links = 200
    top = combine([(1, {n: 1 for n in range(SHORT_GRADIENT + 1)}), (1, {0: 1})], P)
    for _ in range(links):
        top = combine([(1, top), (2, top)], P)
        if kept:
            keep(top)
    seen = 0
    original = module._order

    def order(whole: module._Chain) -> list[module._Chain]:
        nonlocal seen
        found = original(whole)
        seen += len(found)
        return found

    monkeypatch.setattr(module, "_order", order)
    assert slopes_of(top, P)[1] == pow(3, links, P)
    assert seen == links + 1
