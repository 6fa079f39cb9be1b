"""Mail into a folder, as the demo has it: while nothing can be written there, nothing is lost."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from apps.alerts.models import Delivery
from tests.alerts.faults.crowd import announce, make_crowd
from tests.alerts.faults.drill import Drill, make_worker
from tests.alerts.faults.sums import assert_ledger, ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

N = 4


@contextmanager
def drill_into(drill: Drill, spool: Path, tmp_path: Path) -> Iterator[Drill]:
    """The same with a worker that writes mail into `spool`, alone with its queue."""
    with make_worker(
        drill.broker,
        drill.server,
        tmp_path / "log",
        queue="folder",
        EMAIL_URL=f"filemail://{spool}",
    ) as worker:
        yield Drill(drill.broker, drill.server, worker, queue="folder")


def fill(hog: Path) -> None:
    """Write until the disk is full."""
    with hog.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(b"x" * 1024)


def written(spool: Path) -> Counter[str]:
    """{Message-ID: files}"""
    messages = [
        message_from_bytes(file.read_bytes(), policy=policy.default) for file in spool.glob("*.eml")
    ]
    return Counter(str(message["Message-ID"]) for message in messages)


def test_a_disk_that_fills_up_in_the_middle_of_a_run_keeps_the_rest_until_there_is_room(
    drill: Drill, small_disk: Path, tmp_path: Path
) -> None:
    spool, hog = small_disk / "mail", small_disk / "hog"
    make_crowd(N)
    announce()
    with drill_into(drill, spool, tmp_path) as into:
        # room for some of the mails and not for all
        hog.write_bytes(b"x" * 24_576)
        into.beat()
        counts = ledger()
        assert counts.keys() == {"sent", "queued"}
        assert "No space left" in Delivery.objects.get(state="queued", attempts=1).reason
        assert len(written(spool)) == counts["sent"]
        assert not list(spool.glob(".*"))

        hog.unlink()
        subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
        into.go_on()

    assert_ledger()
    assert written(spool) == dict.fromkeys(
        Delivery.objects.filter(state="sent").values_list("message_id", flat=True), 1
    )
    assert ledger() == {"sent": N}


def test_a_folder_that_cannot_be_written_to_loses_nothing(drill: Drill, tmp_path: Path) -> None:
    spool = tmp_path / "mail"
    # root may write anywhere but into a file
    spool.write_text("This is no folder.")
    make_crowd(N)
    announce()
    with drill_into(drill, spool, tmp_path) as into:
        into.beat()
        assert ledger() == {"queued": N}
        assert "mail" in Delivery.objects.get(attempts=1).reason

        spool.unlink()
        into.go_on()

    assert_ledger()
    assert ledger() == {"sent": N}
    assert set(written(spool).values()) == {1}
    assert len(written(spool)) == N
