"""The cost of notifying everybody: raising alerts, writing digests, handing mails over: part
`telling`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.test import override_settings

from apps.alerts.actions import maintain_alerts, queue_digests, raise_alerts, raise_due_alerts
from apps.alerts.delivery.dispatch import send_mails
from apps.alerts.models import Alert, Notice
from apps.catalog.models import ProviderEvent, Source
from apps.common.history.context import audit_context
from apps.common.time import day_of
from tools.benchmarks.measurement import BenchmarkLine, rolled_back, time_once

# Everybody owns a share of one team's applications, by the name that the applications carry.
_PEOPLE = """
WITH team AS (
    SELECT t.id, row_number() OVER (ORDER BY t.id) - 1 AS place, count(*) OVER () AS n
    FROM accounts_team t WHERE EXISTS (SELECT 1 FROM inventory_application a WHERE a.team_id = t.id)
),
person AS (
    INSERT INTO accounts_user (username, email, password, first_name, last_name, is_superuser,
        is_staff, is_active,
                               organisation_role, time_zone, digest_hour, date_joined)
    SELECT 'bench-' || g, 'bench-' || g || '@example.org', '', '', '', false, false, true, '',
        'UTC', 7, %(at)s
    FROM generate_series(0, %(n)s - 1) g
    RETURNING id, substr(username, 7)::bigint AS number
)
INSERT INTO accounts_membership (user_id, team_id, role, created_at)
-- one owner a team, who is told for it; the others work there
SELECT p.id, t.id, CASE WHEN p.number < t.n THEN 3 ELSE 2 END, %(at)s
FROM person p JOIN team t ON t.place = p.number %% t.n
"""

_OWNED = """
WITH owner AS (
    SELECT m.team_id, u.username, row_number() OVER own - 1 AS place,
        count(*) OVER (PARTITION BY m.team_id) AS n
    FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
        AND u.username LIKE 'bench-%%'
    WINDOW own AS (PARTITION BY m.team_id ORDER BY u.id)
)
UPDATE inventory_application a SET business_owner = o.username
FROM owner o WHERE o.team_id = a.team_id AND a.id %% o.n = o.place
"""


def measure_alerts(*, at: datetime, n_recipients: int) -> Iterator[BenchmarkLine]:
    """Let `n_recipients` people own all applications; then everything that is due is raised,
    written and sent.

    Nothing of it stays. The mail server is one that takes everything at once, so that what is
    measured is our own work; how fast a real one is sent to is the setting MAIL_PER_SECOND.
    """
    with rolled_back(), audit_context(job="bench"):
        with connection.cursor() as cursor:
            cursor.execute(_PEOPLE, {"at": at, "n": n_recipients})
            cursor.execute(_OWNED, {})
            cursor.execute("ANALYZE accounts_user, accounts_membership, inventory_application")
        yield BenchmarkLine("alerts of events, nothing new", time_once(lambda: raise_alerts(at=at)))
        for n_applications in _announce_ends(at):
            question = f"alerts of an end announced for {n_applications:,} applications"
            yield BenchmarkLine(question, time_once(lambda: raise_alerts(at=at)))
        yield BenchmarkLine(
            "alerts of days and states raised", time_once(lambda: raise_due_alerts(at=at))
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE alerts_alert, alerts_notice")
        counts = f"{Alert.objects.count():,} alerts, {Notice.objects.count():,} notices"
        yield BenchmarkLine(
            "the same again, nothing new", time_once(lambda: raise_due_alerts(at=at)), note=counts
        )
        yield BenchmarkLine(
            "alerts passed on, woken and ended",
            time_once(lambda: sum(maintain_alerts(at=at).values())),
        )
        writing_time = time_once(lambda: queue_digests(at=at, gather=timedelta(0)))
        yield BenchmarkLine(
            "digests written", writing_time, note=_time_each(writing_time.p50, writing_time.rows)
        )
        yield BenchmarkLine(
            "digests looked for, none due",
            time_once(lambda: queue_digests(at=at, gather=timedelta(0))),
        )
        with override_settings(
            MAILERS={"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}},
            MAIL_PER_SECOND=0,
        ):
            sending_time = time_once(lambda: send_mails(at=at))
        yield BenchmarkLine(
            "mails handed over", sending_time, note=_time_each(sending_time.p50, sending_time.rows)
        )


# Offerings that about 5, about 100 and a twentieth of the portfolio use.
_USED = """
WITH used AS (SELECT offering_id, count(DISTINCT application_id) AS n FROM exposure_activedependency
GROUP BY 1),
wanted(n) AS (SELECT unnest(ARRAY[5, 100, (SELECT count(*) / 20 FROM exposure_scopedapplication)]))
SELECT DISTINCT ON (w.n) u.offering_id, u.n FROM wanted w CROSS JOIN used u
ORDER BY w.n, abs(u.n - w.n), u.offering_id
"""


def _announce_ends(at: datetime) -> Iterator[int]:
    """Write an event each, as a poll would, and yield the number of applications that use its
    offering."""
    source = Source.objects.polled().order_by("pk").first()
    with connection.cursor() as cursor:
        cursor.execute(_USED)
        rows = cursor.fetchall()
    on = day_of(at) + timedelta(days=60)
    if source is None:
        return
    for offering_id, n_applications in rows:
        ProviderEvent.objects.create(
            key=f"bench {offering_id}",
            kind=ProviderEvent.Kind.ANNOUNCED,
            source=source,
            offering_id=offering_id,
            external_id=f"bench/{offering_id}",
            new=on.isoformat(),
            effective_on=on,
            detected_at=at,
        )
        yield n_applications


def _time_each(took_ms: float, n: int | None) -> str:
    return f"{took_ms / n:.2f} ms each" if n else ""
