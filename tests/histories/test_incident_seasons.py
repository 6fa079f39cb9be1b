"""Made-up incidents through the pipeline: each once, with start, end, impact and components right
after every poll, whatever the status page does."""

import os
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from apps.catalog.models import Incident, IncidentEnd, Source
from apps.feeds.polls.replay import RecordedResponse, replay_history
from tests.builders import make_provider, make_source
from tests.histories.incident_truth import KnownIncident, KnownIncidents
from tests.histories.status_pages import (
    START,
    STATUS_FORMS,
    InventedTroubles,
    StatusForm,
    Trouble,
    Update,
)

pytestmark = pytest.mark.django_db

# SEEDS=1,2,3 in the environment measures other seasons
SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "11").split(",")]
_LOGIN = b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>"
_NONE = b'{"page": {"id": "acme", "name": "Acme"}, "incidents": []}'


@dataclass
class Stage:
    """A status page that is looked at. `problems` are the differences between what is stored and
    what an ideal reader knows, each once."""

    troubles: list[Trouble]
    folder: Path
    source: Source = field(init=False)
    problems: list[str] = field(default_factory=list)
    n_compared: int = 0

    def __post_init__(self) -> None:
        self.source = make_source("status-acme", kind="status", host=make_provider("acme"))
        self.truth = KnownIncidents(self.troubles)

    def look(self, form: StatusForm, at: datetime, *, body: bytes = b"", status: int = 200) -> str:
        """Poll once; a `body` of another kind, or another status, tells nothing. Return the status
        of the run."""
        file = self.folder / "body"
        file.write_bytes(body or form.render(self.troubles, at))
        answer = RecordedResponse(at, status, file if status == 200 else None)
        (polled,) = replay_history(Source.objects.get(pk=self.source.pk), [answer])
        if not body and status == 200:
            self.truth.look(form, at)
        self._compare(at)
        return str(polled.run.status)

    def _compare(self, at: datetime) -> None:
        numbers = {
            form.id_of(trouble): trouble.number
            for form in STATUS_FORMS.values()
            for trouble in self.troubles
        }
        stored: dict[int, list[Incident]] = {}
        for row in Incident.objects.filter(source=self.source).order_by("pk"):
            if row.end_reason != IncidentEnd.DUPLICATE:
                stored.setdefault(numbers[row.external_id], []).append(row)
        for number, known in self.truth.known.items():
            self.n_compared += 1
            rows = stored.pop(number, [])
            wanted = 0 if known.is_duplicate else 1
            if len(rows) != wanted:
                self._add(f"{number}: told {len(rows)} times instead of {wanted}", at)
            elif rows and _known(rows[0]) != _known_of(known):
                self._add(f"{number}: {_known(rows[0])}, wanted {_known_of(known)}", at)
        for number in stored:
            self._add(f"{number}: told though nobody posted it", at)

    def _add(self, problem: str, at: datetime) -> None:
        if not any(known.endswith(problem) for known in self.problems):
            self.problems.append(f"{at:%m-%d %H:%M} {problem}")


def _known(row: Incident) -> tuple[object, ...]:
    components = frozenset(row.components)
    return (
        f"{row.started_at:%m-%d %H:%M:%S}",
        f"{row.ended_at:%m-%d %H:%M:%S}" if row.ended_at else None,
        row.impact,
        row.highest_impact,
        components,
        row.backfilled,
    )


def _known_of(known: KnownIncident) -> tuple[object, ...]:
    return (
        f"{known.started_at:%m-%d %H:%M:%S}",
        f"{known.ended_at:%m-%d %H:%M:%S}" if known.ended_at else None,
        known.impact,
        known.highest_impact,
        known.components,
        known.backfilled,
    )


def season(stage: Stage, world: InventedTroubles, forms: list[StatusForm]) -> None:
    """Look twice a day and some minutes after whatever changes. With two forms the page moves to
    the second in the middle. Now and then the status page itself is down, or sends what it is
    not."""
    rng = random.Random(world.seed + 1)
    end = START + timedelta(days=world.days)
    moments = {START + timedelta(hours=12 * n) for n in range(2 * world.days)}
    for trouble in world.troubles:
        moments |= {at + timedelta(minutes=rng.uniform(0.5, 6)) for at in trouble.moments()}
    moves_at = world.quiet_moment(START + timedelta(days=world.days // 2))
    bad: list[tuple[datetime, bytes, int]] = []
    for body, status in ((_LOGIN, 200), (_NONE, 200), (b"{", 200), (b"", 503), (b"", 429)):
        for hours in (1, 9):
            at = START + timedelta(days=rng.uniform(5, world.days - 5))
            bad.append((at, body, status))
            moments |= {at + timedelta(minutes=1), at + timedelta(hours=hours)}
    for at in sorted(moments):
        if not START <= at <= end:
            continue
        form = forms[0] if at < moves_at else forms[-1]
        fault = next((b for b in bad if b[0] <= at <= b[0] + timedelta(hours=3)), None)
        if fault is None:
            stage.look(form, at)
        elif fault[1] == _NONE and form.name == "atom":
            continue
        else:
            stage.look(form, at, body=fault[1], status=fault[2])


def trouble(number: int, at: datetime, *steps: tuple[int, str], **fields: object) -> Trouble:
    """An incident whose updates are (minutes from `at`, status)."""
    updates = [Update(at + timedelta(minutes=m), status, f"{status}.") for m, status in steps]
    made = Trouble(number, f"Errors {number}", ("API",), updates, [(at, "major")], at)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


# --- small histories ------------------------------------------------------------------------------


def test_a_day_of_incidents_is_known_exactly(tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    troubles = [
        trouble(0, START - 9 * hour, (0, "investigating"), (50, "resolved")),
        trouble(1, START + hour, (0, "investigating"), (30, "monitoring"), (60, "resolved")),
        trouble(
            2,
            START + 3 * hour,
            (0, "investigating"),
            (20, "resolved"),
            (90, "investigating"),
            (140, "resolved"),
        ),
        trouble(3, START + 5 * hour, (0, "investigating"), removed_at=START + 5.5 * hour),
        trouble(
            4, START + 4 * hour, (0, "investigating"), (9, "resolved"), created_at=START + 8 * hour
        ),
    ]
    troubles[1].impacts.append((START + 1.25 * hour, "critical"))
    troubles[1].impacts.append((START + 1.75 * hour, "minor"))
    stage = Stage(troubles, tmp_path)
    form = STATUS_FORMS["statuspage"]

    for half_hours in range(20):
        stage.look(form, START + (0.5 * half_hours + 0.1) * hour)
    down = stage.look(form, START + 10.5 * hour, body=_LOGIN)
    empty = stage.look(form, START + 11 * hour, body=_NONE)

    assert stage.problems == []
    assert (down, empty) == ("failed", "failed")
    assert Incident.objects.filter(source=stage.source).told().count() == 4


def test_an_incident_open_while_the_page_moves_to_another_operator_stays_one(
    tmp_path: Path,
) -> None:
    hour = timedelta(hours=1)
    troubles = [
        trouble(0, START - 9 * hour, (0, "investigating"), (50, "resolved")),
        trouble(1, START + hour, (0, "investigating"), (180, "resolved")),
    ]
    stage = Stage(troubles, tmp_path)
    before, after = STATUS_FORMS["statuspage"], STATUS_FORMS["incident.io"]
    stage.look(before, START)
    stage.look(before, START + 1.1 * hour)

    stage.look(after, START + 2 * hour)
    ongoing = list(Incident.objects.filter(source=stage.source).told().ongoing())
    stage.look(after, START + 5 * hour)

    assert [row.title for row in ongoing] == ["Errors 1"]
    told = Incident.objects.filter(source=stage.source, title="Errors 1").told().get()
    assert told.started_at == START + hour
    assert told.ended_at == START + 4 * hour


# --- months of everything -------------------------------------------------------------------------


@pytest.mark.proof
@pytest.mark.parametrize(
    "forms", [["statuspage"], ["incident.io"], ["atom"], ["statuspage", "incident.io"]]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_months_of_incidents_are_known_exactly(forms: list[str], seed: int, tmp_path: Path) -> None:
    world = InventedTroubles(seed)
    stage = Stage(world.troubles, tmp_path)

    season(stage, world, [STATUS_FORMS[name] for name in forms])

    assert len(stage.truth.known) >= 70
    assert stage.problems == [], f"{forms} {seed}: {len(stage.problems)} of {stage.n_compared}"
