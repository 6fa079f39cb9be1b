"""Replacement of a developer, host, foundation or version by another: what is replaced, by what,
and the mapping of each model in use, which users edit before the result is calculated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.catalog.models import NodeKind, Offering
from apps.common.time import now
from apps.exposure.actions.scenarios import change_scenario, queue_scenario_run, save_scenario
from apps.exposure.engine.scenarios import TablesNotBuiltError, day_of_tables
from apps.exposure.models import Layer, Scenario, ScenarioRun
from apps.exposure.node_names import NodeName, UnknownNodeError, find_nodes, node_names
from apps.exposure.queries.concentration import layer_tables, visible_team_ids
from apps.exposure.scenarios.operation_parser import InvalidOperationError
from apps.exposure.scenarios.replacement_targets import (
    REPLACEABLE_KINDS,
    FitCounts,
    MappedOffering,
    PossibleReplacement,
    UsedOffering,
    possible_replacements,
    propose_mapping,
    used_offerings,
)
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.scenarios.query_parameters import (
    describe_changes,
    describe_operations,
    hidden_fields,
)
from apps.web.views.scenarios.run_queue import enqueue_waiting_runs
from apps.web.wording import number

_LAYERS = (Layer.DEVELOPER, Layer.HOST, Layer.FOUNDATION, Layer.VERSION)
MAX_NODES_PER_LAYER = 40
MAX_REPLACEMENTS = 100
# candidates that the list of one model offers
MAX_OFFERED = 8
_FIELD = "target-"


@dataclass(frozen=True, slots=True)
class NodeOption:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class NodeGroup:
    label: str
    options: Sequence[NodeOption]


@dataclass(frozen=True, slots=True)
class TargetOption:
    """A candidate in the list of one model, with its fit in words."""

    offering_id: int
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class MappingRow:
    """A model in use, its candidates, and the fit of the proposed or stored target (None: it stays,
    or its fit is shown with the result)."""

    offering: Offering
    field: str
    n_dependencies: int
    n_applications: int
    options: Sequence[TargetOption]
    counts: FitCounts | None


@dataclass(frozen=True, slots=True)
class _Subject:
    """What the address names: both nodes, the other changes of the scenario, and the saved scenario
    that is edited."""

    node: NodeName | None
    by: NodeName | None
    changes: Sequence[tuple[str, str]]
    scenario: Scenario | None
    problem: str

    @property
    def stored_targets(self) -> Mapping[int, int | None] | None:
        """Return the mapping of the saved scenario, if it is about the same nodes."""
        op = node_replacement_of(self.scenario.ops) if self.scenario is not None else None
        if op is None or self.node is None or self.by is None or op.get("mapping") is None:
            return None
        if (op["node"], op["by"]) != (self.node.name, self.by.name):
            return None
        return {row["old"]: row["new"] for row in op["mapping"]}


def node_replacement_of(ops: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first operation that replaces a node; None without one."""
    return next((op for op in ops if op.get("op") == "replace" and "node" in op), None)


def edit_url(scenario: Scenario) -> str:
    """Return the page that edits the mapping of the scenario; empty if it replaces no node."""
    if node_replacement_of(scenario.ops) is None:
        return ""
    return f"{reverse('scenarios:replacement')}?scenario={scenario.pk}"


def _parse_subject(query: QueryDict, user: User) -> _Subject:
    """Read what the address names; at most five statements."""
    scenario = None
    if (pk := query.get("scenario", "")).isdecimal() and len(pk) < 19:
        scenario = Scenario.objects.visible_to(user).filter(pk=pk).first()
    op = node_replacement_of(scenario.ops) if scenario is not None else None
    names = [
        query.get(key, str(op[key]) if op is not None else "").replace("\x00", "")[:300]
        for key in ("node", "by")
    ]
    nodes: list[NodeName | None] = [None, None]
    problem = ""
    for place, name in enumerate(names):
        if not name:
            continue
        try:
            node_id = find_nodes([name])[name]
        except UnknownNodeError as error:
            problem = problem or str(error)
        else:
            nodes[place] = node_names([node_id]).get(node_id)
    node, by = nodes
    if node is not None and node.kind not in REPLACEABLE_KINDS:
        node, by = None, None
    if by is not None and (node is None or by.kind != node.kind or by == node):
        by = None
    return _Subject(node, by, hidden_fields(query), scenario, problem)


class MappingForm(forms.Form):
    """Name and sharing of the scenario; its targets are one field for each model in use."""

    name = forms.CharField(label="Name", max_length=200, required=False)
    note = forms.CharField(label="Note", max_length=500, required=False)
    shared = forms.BooleanField(label="Share with all users", required=False)

    def __init__(self, *args: Any, subject: _Subject, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = subject
        self.user = user

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        subject = self.subject
        if subject.node is None or subject.by is None:
            raise ValidationError("Select what is replaced, and by what.")
        changes = describe_changes(subject.changes, self.user)
        ops: list[dict[str, Any]] = [dict(change.op) for change in changes if not change.problem]
        ops.append(
            {
                "op": "replace",
                "node": subject.node.name,
                "by": subject.by.name,
                "mapping": _posted_mapping(self.data),
            }
        )
        name = cleaned.get("name") or " and ".join(describe_operations(ops, self.user)[:2])
        return cleaned | {"name": name[:200], "ops": ops}


def _posted_mapping(data: Mapping[str, Any]) -> list[dict[str, int | None]]:
    """Return the rows of the form; a model without a target stays as it is."""
    rows: list[dict[str, int | None]] = []
    for name in data:
        old, value = name.removeprefix(_FIELD), str(data[name])
        if not name.startswith(_FIELD) or not old.isdecimal() or len(old) > 18:
            continue
        is_id = value.isdecimal() and len(value) < 19
        rows.append({"old": int(old), "new": int(value) if is_id else None})
    return rows


@require_http_methods(["GET", "HEAD", "POST"])
def replacement_page(request: HttpRequest) -> HttpResponse:
    """Show the mapping; a POST saves it as a scenario and queues its run. The scenario that the
    address names is changed if it is the user's own."""
    user = signed_in_user(request)
    subject = _parse_subject(request.GET if request.method != "POST" else request.POST, user)

    def save(form: MappingForm) -> ScenarioRun:
        own = subject.scenario is not None and subject.scenario.created_by_id == user.pk
        try:
            if own and subject.scenario is not None:
                scenario = change_scenario(
                    scenario=subject.scenario, facts=form.cleaned_data, by=user
                )
            else:
                scenario = save_scenario(facts=form.cleaned_data, by=user)
        except InvalidOperationError as error:
            raise ValidationError(str(error)) from error
        run = queue_scenario_run(scenario=scenario, at=now(), by=user)
        enqueue_waiting_runs()
        return run

    return action_view(
        request,
        form=lambda: MappingForm(
            request.POST or None, subject=subject, user=user, initial=_initial(subject)
        ),
        action=save,
        done="",
        back=lambda run: reverse("scenario-runs:detail", args=[run.pk]),
        page=lambda form: _render(request, subject, form, user),
    )


def _initial(subject: _Subject) -> dict[str, Any]:
    scenario = subject.scenario
    if scenario is None:
        return {}
    return {"name": scenario.name, "note": scenario.note, "shared": scenario.shared}


def _render(request: HttpRequest, subject: _Subject, form: MappingForm, user: User) -> HttpResponse:
    team_ids = visible_team_ids(user)
    problem = subject.problem
    used: list[UsedOffering] = []
    replacements: list[PossibleReplacement] = []
    rows: list[MappingRow] = []
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    try:
        on = day_of_tables()
    except TablesNotBuiltError as error:
        problem = str(error)
    else:
        if subject.node is not None:
            used = used_offerings(subject.node.node_id, team_ids=team_ids)
            replacements = possible_replacements(
                subject.node, used, on=on, text=text, limit=MAX_REPLACEMENTS
            )
        if subject.node is not None and subject.by is not None:
            mapping = propose_mapping(
                subject.node.node_id, subject.by.node_id, team_ids=team_ids, on=on
            )
            posted = (
                {row["old"]: row["new"] for row in _posted_mapping(form.data) if row["old"]}
                if form.is_bound
                else None
            )
            rows = _build_rows(mapping, posted if posted is not None else subject.stored_targets)
    return render_page(
        request,
        "what-ifs/replacement.html",
        title="Replacement",
        crumbs=(("What-if scenarios", reverse("scenarios:preview")),),
        counts="Active dependencies in any role of applications in pilot or production",
        sentence=_headline(subject, used, rows),
        problem=problem,
        node=subject.node,
        by=subject.by,
        change_fields=subject.changes,
        changes=describe_changes(subject.changes, user),
        scenario=subject.scenario,
        groups=_node_groups(user, subject.node),
        n_used=len(used),
        words=text,
        replacements=[
            NodeOption(row.name.name, _describe_replacement(row), row.name == subject.by)
            for row in replacements
        ],
        rows=rows,
        form=form,
    )


def _node_groups(user: User, chosen: NodeName | None) -> list[NodeGroup]:
    """Return what the user's applications depend on, by layer; one statement."""
    groups = []
    is_listed = False
    for layer, table in layer_tables(layers=_LAYERS, user=user, limit=MAX_NODES_PER_LAYER).items():
        options = []
        for row in table.rows:
            value = f"{layer.node_kind.label}:{row.slug}"
            is_chosen = chosen is not None and value == chosen.name
            is_listed = is_listed or is_chosen
            options.append(
                NodeOption(
                    value, f"{row.name}, {_count(row.n_applications, 'application')}", is_chosen
                )
            )
        if options:
            groups.append(NodeGroup(str(layer.label), options))
    if chosen is not None and not is_listed:
        groups.append(NodeGroup("Selected", [NodeOption(chosen.name, chosen.label, True)]))
    return groups


def _describe_replacement(row: PossibleReplacement) -> str:
    served = f"serves {_count(row.n_served, 'model')}"
    if row.name.kind == NodeKind.HOST:
        return f"{row.name.label}: {served}, {number(row.n_same_versions)} of the versions in use"
    return f"{row.name.label}: {served}"


def _count(n: int, noun: str) -> str:
    return f"{number(n)} {noun if n == 1 else f'{noun}s'}"


def _build_rows(
    mapping: Sequence[MappedOffering], targets: Mapping[int, int | None] | None
) -> list[MappingRow]:
    """Return the rows with the target that is proposed, or that `targets` has; at most one
    statement, for targets that are not among the candidates."""
    stored = {pk for pk in (targets or {}).values() if pk is not None}
    listed = {choice.offering.pk for row in mapping for choice in row.choices[:MAX_OFFERED]}
    others = (
        Offering.objects.select_related("host").in_bulk(stored - listed) if stored - listed else {}
    )
    return [_build_row(row, targets, others) for row in mapping]


def _build_row(
    row: MappedOffering, targets: Mapping[int, int | None] | None, others: Mapping[int, Offering]
) -> MappingRow:
    target_id = row.target_id if targets is None else targets.get(row.offering.pk)
    choices = [
        choice
        for place, choice in enumerate(row.choices)
        if place < MAX_OFFERED or choice.offering.pk == target_id
    ]
    options = [
        TargetOption(
            choice.offering.pk,
            f"{choice.offering} – "
            + ("same version, " if choice.is_same_version else "")
            + describe_counts(choice.counts),
            choice.offering.pk == target_id,
        )
        for choice in choices
    ]
    other = others.get(target_id or 0)
    if other is not None and all(not option.is_chosen for option in options):
        options.append(TargetOption(other.pk, str(other), True))
    return MappingRow(
        row.offering,
        f"{_FIELD}{row.offering.pk}",
        len(row.used.dependency_ids),
        row.used.n_applications,
        options,
        next((choice.counts for choice in choices if choice.offering.pk == target_id), None),
    )


def describe_counts(counts: FitCounts) -> str:
    """Return the verdicts in words: `fits 3, breaks 1`."""
    parts = [
        f"{word} {number(n)}"
        for word, n in (
            ("fits", counts.n_fits),
            ("breaks", counts.n_breaks),
            ("unknown", counts.n_unknown),
        )
        if n
    ]
    return ", ".join(parts) or "not used"


def _headline(
    subject: _Subject, used: Sequence[UsedOffering], rows: Sequence[MappingRow]
) -> Headline:
    if subject.node is None:
        return Headline("Replace a developer, host, foundation or version by another.")
    name = subject.node.label
    if not used:
        return Headline(f"None of your applications calls a model of {name}.")
    models = f"{_count(len(used), 'model')} of {name}"
    verb = "is" if len(used) == 1 else "are"
    if subject.by is None:
        return Headline(f"{models} {verb} in use. Select what replaces {name}.")
    n_mapped = sum(any(option.is_chosen for option in row.options) for row in rows)
    n_left = len(rows) - n_mapped
    opening = f"{models} {verb} in use; {subject.by.label} has a target for {number(n_mapped)}"
    if not n_left:
        return Headline(f"{opening}.")
    stay = "stays as it is" if n_left == 1 else "stay as they are"
    return Headline(f"{opening}; ", f"{number(n_left)} {stay}", ".")
