"""What the cell beside a name says about the host, labelled by hand in six languages."""

import pytest

from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.places import OWN, read_host_cell


def host_of(cell: str) -> str | None:
    return read_host_cell(phrases.fold(phrases.clean(cell))).host


@pytest.mark.parametrize(
    "cell",
    ["12", "1 200 EUR", "€ 3.450,00", "2026-03-01", "01.04.2026", "a", "", "-", "x", "12/2025"],
)
def test_numbers_money_dates_and_letters_are_no_host(cell: str) -> None:
    assert host_of(cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        "Lokaal Bedrijf BV",
        "Local Government Services Ltd",
        "Inhouse Software GmbH",
        "In-House Legal AI",
        "Vor Ort Consulting GmbH",
        "Triton Digital",
        "Lokale Energie AG",
        "Lokalbank eG",
        "Private Cloud Solutions Inc.",
        "Propio Seguros S.A.",
        "Eigen Technologies",
        "Intern Systems SAS",
        "Haus & Grund e.V.",
        "Serwer Własny Sp. z o.o.",
        "Self Storage Group",
        "Onprem Labs Ltd",
        "Sur Site Conseil SARL",
        "Server Locali S.p.A.",
        "Our Own Hosting B.V.",
        "Local Motors",
    ],
)
def test_a_word_of_a_longer_name_is_no_host(cell: str) -> None:
    assert host_of(cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        "on-prem",
        "On premises",
        "own data centre",
        "own data centre Dublin",
        "our servers in Leeds",
        "self-hosted",
        "local",
        "locally (laptop)",
        "in-house",
        "internal cluster",
        "eigenes Rechenzentrum",
        "RZ",
        "lokal",
        "intern",
        "im eigenen Haus",
        "selbst gehostet (vLLM)",
        "lokaler Server",
        "Eigenbetrieb, Linz",
        "auto-hébergé",
        "en interne",
        "nos propres serveurs",
        "centre de données interne",
        "servidor propio",
        "infraestructura propia",
        "server interni",
        "nostri server",
        "własny serwer",
        "lokalnie",
        "lokaal",
        "eigen datacenter",
        "zelf gehost",
        "vLLM on H100 cluster",
        "Ollama",
    ],
)
def test_own_machines_are_read_where_the_whole_cell_says_so(cell: str) -> None:
    assert host_of(cell) == OWN
