"""A register under drill: one worker, and what beat, the broker and the mail server see of it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from apps.alerts.models import Delivery
from registry.celery import app
from tests.alerts.delivery.smtp import Peer, Server
from tests.alerts.faults.crowd import time_passes
from tests.processes import Worker, nobody_is_at_work, nothing_is_queued, wait_until

RAISE = "alerts.raise_alerts"
SEND = "alerts.send_due_digests"


# longer than any backoff, and than a claim holds
LONG_ENOUGH = timedelta(hours=2)


@dataclass
class Drill:
    """What beat, the broker and the mail server see of a register with one worker."""

    broker: str
    server: Server
    worker: Worker
    queue: str = "default"

    @property
    def peer(self) -> Peer:
        return self.server.peer

    def beat(self, *tasks: str) -> None:
        """Send tasks, and wait until all that are queued have run. First the database is given time
        to notice who was killed: in life it has until the next minute."""
        wait_until(
            nobody_is_at_work, "the database has let go of whoever was killed", self.worker.log
        )
        for name in tasks or (SEND,):
            app.send_task(name, queue=self.queue)
        wait_until(
            lambda: nothing_is_queued(self.broker, self.queue),
            "every task has run",
            self.worker.log,
        )

    def go_on(self, rounds: int = 10) -> None:
        """Let hours pass and beat, until nothing is on its way."""
        for _ in range(rounds):
            if not Delivery.objects.filter(
                state__in=[Delivery.State.QUEUED, Delivery.State.SENDING]
            ).exists():
                return
            time_passes(LONG_ENOUGH)
            self.beat()
        raise AssertionError(
            f"Still on its way: {list(Delivery.objects.values_list('address', 'state', 'reason'))}"
        )


def make_worker(
    broker: str, server: Server, log: Path, *, queue: str = "default", **environment: str
) -> Worker:
    """In a hurry: nothing gathers, and it waits for a mail server for two seconds only."""
    return Worker(
        broker,
        log,
        queue=queue,
        **{
            "DJANGO_SETTINGS_MODULE": "tests.alerts.faults.patient",
            "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
            "ALERT_GATHER_SECONDS": "0",
            "MAIL_PER_SECOND": "0",
            **environment,
        },
    )
