"""Bulk changes over REST, through the whole handler: part `bulk`; nothing of it stays."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from time import perf_counter
from typing import Any

import orjson
from celery import current_app
from django.conf import settings
from django.test import Client

from apps.accounts.actions import issue_token
from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole
from apps.catalog.models import Offering
from apps.common.time import now
from tools.benchmarks.http import RequestFailedError, host_headers
from tools.benchmarks.measurement import BenchmarkLine, Timing, rolled_back

_ROWS = 50_000
_LINES = "application/x-ndjson"
_ROLES = ("primary", "fallback", "judge", "embedding", "guardrail")


def measure_bulk(*, with_jobs: bool) -> Iterator[BenchmarkLine]:
    """Measure new, unchanged and changed rows, 50,000 a request.

    With `with_jobs` also 100,000 applications with 500,000 dependencies as two jobs."""
    with rolled_back():
        client = _client()
        team = Team.objects.create(name="Bench", slug="bench-bulk")
        offerings = list(Offering.objects.order_by("pk").values_list("pk", flat=True)[:1_000])
        applications = list(_applications(team, _ROWS))
        uses = list(_uses(_ROWS, offerings, per_application=1))
        for description, address, rows in (
            ("50,000 new applications", "applications", applications),
            ("the same again", "applications", applications),
            (
                "50,000 changed applications",
                "applications",
                [{**row, "purpose": "Other"} for row in applications],
            ),
            ("50,000 new dependencies", "dependencies", uses),
            (
                "50,000 changed dependencies",
                "dependencies",
                [{**row, "monthly_requests": 9} for row in uses],
            ),
        ):
            yield _build_line(
                f"REST bulk, {description}",
                len(rows),
                _post_rows(client, address, rows, prefer="wait=600"),
            )
    if with_jobs:
        with rolled_back():
            yield _build_line(
                "REST bulk, 100,000 applications with 500,000 dependencies, as jobs",
                600_000,
                import_applications(100_000),
            )


def import_applications(n: int) -> float:
    """Import `n` applications with five dependencies each as two jobs, in the transaction of the
    caller; return the seconds."""
    client = _client()
    team = Team.objects.create(name="Bench", slug="bench-bulk")
    offerings = list(Offering.objects.order_by("pk").values_list("pk", flat=True)[:1_000])
    began_at = perf_counter()
    _post_rows(client, "applications", _applications(team, n), prefer="respond-async")
    _post_rows(
        client, "dependencies", _uses(n, offerings, per_application=5), prefer="respond-async"
    )
    # a worker does so at its start
    current_app.loader.import_default_modules()
    current_app.tasks["api.carry_out_waiting_jobs"].apply().get()
    return perf_counter() - began_at


def _client() -> Client:
    user = User.objects.create(username="bench-bulk", organisation_role=OrganisationRole.GOVERNANCE)
    _, token = issue_token(
        user=user,
        name="bench",
        scopes=["read", "write"],
        at=now(),
        by=None,
        lifetime=timedelta(hours=1),
    )
    return Client(headers={**host_headers(), "authorization": f"Bearer {token}"})


def _applications(team: Team, n: int) -> Iterator[dict[str, Any]]:
    for number in range(n):
        yield {
            "slug": f"bench-bulk-{number}",
            "name": f"Bench application {number}",
            "team": team.slug,
            "purpose": "Sorts what comes in.",
            "criticality": ("critical", "important", "standard")[number % 3],
            "status": "production",
            "users_affected": number,
            "monthly_spend": f"{number % 1000}.50",
            "external_refs": {"cmdb": f"APP-{number}"},
        }


def _uses(n: int, offerings: Sequence[int], *, per_application: int) -> Iterator[dict[str, Any]]:
    for number in range(n):
        for k in range(per_application):
            yield {
                "application": f"bench-bulk-{number}",
                "offering": offerings[(number + 7 * k) % len(offerings)],
                "role": _ROLES[k],
                "since": "2026-01-01",
                "monthly_input_tokens": 1_000_000 + number,
            }


def _post_rows(
    client: Client, resource: str, rows: Iterable[dict[str, Any]], *, prefer: str
) -> float:
    """Return the seconds of the request; its body is built before."""
    body = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    began = perf_counter()
    response = client.post(
        f"/api/v1/{resource}/bulk/",
        body,
        content_type=_LINES,
        secure=settings.SECURE_SSL_REDIRECT,
        headers={"Prefer": prefer},
    )
    took = perf_counter() - began
    if response.status_code not in {200, 202}:
        raise RequestFailedError(
            f"{resource}/bulk/ answered {response.status_code}: {response.content[:200]!r}"
        )
    if response.json()["n_rejected"]:
        raise RequestFailedError(
            f"{resource}/bulk/ rejected rows: {response.json()['rejected'][:2]}"
        )
    return took


def _build_line(description: str, n_rows: int, seconds: float) -> BenchmarkLine:
    milliseconds = seconds * 1_000
    return BenchmarkLine(
        description,
        Timing(milliseconds, milliseconds, n_rows, 0),
        note=f"{n_rows / seconds:,.0f} objects a second",
    )
