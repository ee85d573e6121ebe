"""How an equation of the paper is audited: what it prints against what symelbo derives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import pi

from paper.case import Check, Draw

DRAWS = 6


TWO_PI_E = 2 * pi * np.e


Audit = Callable[[Draw], Iterator[Check]]


def assert_equal(what: str, printed: Any, derived: Any) -> None:
    """Agreement to 1e-10, relatively; 1e-12 where the sum is 0."""
    assert np.shape(printed) == np.shape(derived), what
    np.testing.assert_allclose(derived, printed, rtol=1e-10, atol=1e-12, err_msg=what)


def audited(audit: Audit) -> Callable[[], None]:
    """The audit of an equation -> the test that runs it at several random draws."""

    def test() -> None:
        for seed in range(DRAWS):
            checks = list(audit(Draw(seed)))
            assert checks
            for what, printed, derived in checks:
                assert_equal(f"{test.__name__}, draw {seed}: {what}", printed, derived)

    test.__name__ = audit.__name__
    test.__doc__ = audit.__doc__
    return test
