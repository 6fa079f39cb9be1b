"""Write the applications that depend on a foundation to a CSV file.

    REGISTRY_URL=https://registry.example.org REGISTRY_TOKEN=fr_... python blast_radius.py SLUG FILE

SLUG is that of the foundation, as in its URL. The token needs the scope `read`.
"""

import csv
import sys

from httpx import HTTPError
from registry_client.api.foundations import foundation_blast_radius
from registry_client.connection import RegistryProblem, connect, expect, rows
from registry_client.models import BlastRadius

HEADER = ("application", "name", "team", "criticality", "roles", "state", "hit_share")


def main(slug: str, path: str) -> None:
    client = connect()
    # read before the file is opened: a file that is there is complete
    reached = list(
        rows(BlastRadius, foundation_blast_radius.sync, slug, client=client, page_size=200)
    )
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for row in reached:
            cells = (
                row.application,
                row.name,
                row.team,
                row.criticality,
                " ".join(row.roles),
                row.state,
                row.hit_share,
            )
            writer.writerow(as_text(value) for value in cells)
    whole = expect(BlastRadius, foundation_blast_radius.sync(slug, client=client, page_size=1))
    scope = "of the organisation" if whole.whole_organisation else "of your teams"
    print(
        f"{whole.n_applications} applications {scope} depend on {whole.name}, "
        f"{whole.n_critical} of them critical."
    )


def as_text(value: object) -> str:
    """Return the text of a cell that no spreadsheet runs as a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (RegistryProblem, HTTPError, OSError, ValueError) as problem:
        sys.exit(str(problem))
