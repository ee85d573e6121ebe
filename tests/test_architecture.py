"""The picture of the rooms is the one that the imports give, and its page names every room."""

from __future__ import annotations

import re

from docs.draw_architecture import GROUND, PICTURE, ROOMS, arrows, draw, drawn, level


def test_the_picture_is_drawn_from_the_imports() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw(), "python -m docs.draw_architecture"


def test_arrows_go_up_and_every_room_is_reached() -> None:
    assert all(level(low) < level(high) for low, high in arrows())
    ends = {name for arrow in arrows() for name in arrow}
    assert ends == set(drawn()) == set(ROOMS) - GROUND


def test_the_page_names_every_room() -> None:
    text = PICTURE.with_suffix(".md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(drawn())
