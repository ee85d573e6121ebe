"""Lists in a sentence, and names that are free."""

from __future__ import annotations

import pytest

from symelbo.words import count_of, fresh_name, join_words


def test_words_are_joined_as_in_a_sentence() -> None:
    assert [join_words(list(w)) for w in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert join_words(["a", "b"], "or") == "a or b"
    assert [count_of(n, "point") for n in (0, 1, 2)] == ["0 points", "1 point", "2 points"]


@pytest.mark.parametrize(
    ("taken", "found"),
    [(set(), "t"), ({"t"}, "u"), ({"t", "u"}, "t1"), ({"t", "u", "t1", "t2"}, "t3")],
)
def test_a_free_name_is_the_first_that_nobody_has(taken: set[str], found: str) -> None:
    assert fresh_name("t", taken, "u") == found
