"""docs/clients.md: other people's software at its own optimum has the entropy sum of its model."""

from __future__ import annotations

import re

import pytest

from docs.tabulate_clients import (
    CLIENTS,
    PAGE,
    Client,
    derived,
    dynamic_factor,
    measure,
    measure_fit,
    page_with,
    table,
)

LIBRARIES = {"scikit-learn": "sklearn", "hmmlearn": "hmmlearn", "statsmodels": "statsmodels"}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_entropy_sum_is_the_log_likelihood_of_the_client(client: Client) -> None:
    pytest.importorskip(LIBRARIES[client.name.split()[0]])
    assert derived(client.model).verdict == "proved"
    entropies, likelihood, gap = measure(client)
    assert abs(entropies - likelihood) < 10**-client.digits * (1 + abs(likelihood))
    assert abs(gap) < client.gap


def test_the_default_optimizer_stops_short_of_a_stationary_point() -> None:
    """What the page says of L-BFGS: the log-likelihood is there, and the gap is not."""
    pytest.importorskip("statsmodels")
    early, late = (measure_fit("dynamic_factor", dynamic_factor(on)) for on in (False, True))
    assert abs(late[1] - early[1]) < 1e-5
    assert abs(early[2]) > 100 * abs(late[2])


def test_the_page_has_the_table() -> None:
    assert page_with(table()) == PAGE.read_text(encoding="utf-8"), "python -m docs.tabulate_clients"


def test_the_links_of_the_page_exist() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(links) >= len(CLIENTS)
    for link in links:
        assert (PAGE.parent / link).is_file(), link
