"""Board of a migration: its tasks as cards in four states, each with the same time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Count, Q

from apps.exposure.models import CampaignTask, TaskStep
from apps.exposure.models.campaigns import CampaignTaskQuerySet
from apps.web.wording import day, describe_timing

State = CampaignTask.State
MAX_CARDS_PER_COLUMN = 10
MAX_BOARD_TASKS = 500
_COLUMNS = ("Not started", "Testing", "Switched, to be signed", "Signed")
_MARGIN_DAYS = 7


@dataclass(frozen=True, slots=True)
class TimeBar:
    """Bar from start to finish on the axis of the board; lengths are percentages, None for a date
    that is unknown."""

    start: float | None
    width: float | None
    finish: float | None
    retirement: float | None
    today: float


@dataclass(frozen=True, slots=True)
class TaskCard:
    task: CampaignTask
    n_steps: int
    n_steps_done: int
    late: str
    is_switched: bool
    bar: TimeBar


@dataclass
class BoardColumn:
    """Column of a state; `n` tasks, of which the most urgent are shown as cards."""

    name: str
    n: int = 0
    cards: list[TaskCard] = field(default_factory=list)

    @property
    def n_hidden(self) -> int:
        return self.n - len(self.cards)


@dataclass(frozen=True, slots=True)
class MigrationBoard:
    """`n_obsolete` tasks are in no column; `is_cut`: further tasks are only in the table."""

    columns: Sequence[BoardColumn]
    first_day: str
    last_day: str
    n_obsolete: int
    is_cut: bool


def build_board(tasks: CampaignTaskQuerySet, *, today: date) -> MigrationBoard:
    """Return the board of the tasks, most urgent first; two statements."""
    rows = list(tasks[: MAX_BOARD_TASKS + 1])
    is_cut = len(rows) > MAX_BOARD_TASKS
    rows = rows[:MAX_BOARD_TASKS]
    shown: list[list[CampaignTask]] = [[] for _ in _COLUMNS]
    columns = [BoardColumn(name) for name in _COLUMNS]
    for task in rows:
        if task.state == State.OBSOLETE:
            continue
        number = _column_of(task)
        columns[number].n += 1
        if len(shown[number]) < MAX_CARDS_PER_COLUMN:
            shown[number].append(task)
    cards = [task for tasks_of_column in shown for task in tasks_of_column]
    steps = _count_steps([task.pk for task in cards])
    axis = _time_axis(cards, today)
    for column, tasks_of_column in zip(columns, shown, strict=True):
        column.cards = [_build_card(task, steps, axis, today) for task in tasks_of_column]
    return MigrationBoard(
        columns,
        day(axis[0], today=today),
        day(axis[1], today=today),
        sum(task.state == State.OBSOLETE for task in rows),
        is_cut,
    )


def _column_of(task: CampaignTask) -> int:
    if task.state == State.DONE:
        return 3
    if task.state == State.READY or task.successor_id is not None:
        return 2
    return 1 if task.state == State.IN_PROGRESS else 0


def _count_steps(task_ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
    """Return {task: (required steps, those done)}; one statement."""
    rows = (
        TaskStep.objects.filter(task__in=task_ids, required=True)
        .order_by()
        .values_list("task")
        .annotate(n=Count("pk"), n_done=Count("pk", filter=Q(done_on__isnull=False)))
    )
    return {task: (n, n_done) for task, n, n_done in rows}


def _time_axis(tasks: Sequence[CampaignTask], today: date) -> tuple[date, date]:
    dates = [
        one
        for task in tasks
        for one in (task.start_by, task.finish_by, task.dependency.offering.retires_on)
        if one is not None
    ]
    margin = timedelta(days=_MARGIN_DAYS)
    return min([today, *dates]) - margin, max([today, *dates]) + margin


def _build_card(
    task: CampaignTask,
    steps: Mapping[int, tuple[int, int]],
    axis: tuple[date, date],
    today: date,
) -> TaskCard:
    n_steps, n_done = steps.get(task.pk, (0, 0))
    first, last = axis

    def position(one: date | None) -> float | None:
        return None if one is None else round(100 * (one - first).days / (last - first).days, 1)

    start, finish = position(task.start_by), position(task.finish_by)
    return TaskCard(
        task,
        n_steps,
        n_done,
        describe_timing(task.timing(today)),
        task.successor_id is not None or task.state in (State.READY, State.DONE),
        TimeBar(
            start,
            None if start is None or finish is None else max(round(finish - start, 1), 0.5),
            finish,
            position(task.dependency.offering.retires_on),
            position(today) or 0,
        ),
    )
