"""Approval violations: uses that contradict an approval in force; a list to page through, not
counted beyond need."""

from typing import Any

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.models import NodeKind
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.governance.approvals import APPROVAL_RELATIONS, TARGET_COLUMNS
from apps.inventory.governance.violations import (
    ApprovalViolation,
    ApprovalViolations,
    approval_violations,
)
from apps.inventory.models import Approval
from apps.web.pages.list_page import (
    MAX_COUNTED_ROWS,
    PAGE_SIZE,
    PRINT_PAGE_SIZE,
    changed_query,
    csv_response,
)
from apps.web.pages.page import Headline, render_page
from apps.web.views.governance.approval_targets import load_target, requested_target
from apps.web.wording import number

_NODES: dict[str, tuple[NodeKind, ...]] = {
    "provider": (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY),
    "foundation": (NodeKind.FOUNDATION,),
    "version": (NodeKind.VERSION,),
    "offering": (NodeKind.OFFERING,),
}


class ViolationPages:
    """Page of violations, with the URLs that `components/pager.html` needs."""

    def __init__(self, request: HttpRequest, size: int = PAGE_SIZE) -> None:
        asked = request.GET.get("page", "1")
        self.request = request
        self.size = PRINT_PAGE_SIZE if request.GET.get("print") == "all" else size
        self.number = (
            min(max(int(asked), 1), MAX_COUNTED_ROWS // self.size)
            if asked.isdecimal() and len(asked) < 7
            else 1
        )
        self.rows: tuple[ApprovalViolation, ...] = ()
        self.n_found = 0

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        return self.offset + 1

    @property
    def last(self) -> int:
        return self.offset + len(self.rows)

    @property
    def count(self) -> str:
        return number(self.n_found)

    @property
    def is_cut(self) -> bool:
        return False

    @property
    def previous(self) -> str:
        return changed_query(self.request, page=self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        return changed_query(self.request, page=self.number + 1) if self.last < self.n_found else ""

    def hold(self, found: ApprovalViolations) -> None:
        self.rows, self.n_found = found.rows, found.n_total


@require_safe
def violation_list(request: HttpRequest) -> HttpResponse:
    """List every live dependency that violates a block or a restriction, the most critical
    applications first."""
    at = now()
    target, decision = _narrowed(request)
    sheets = ViolationPages(request)
    sheets.hold(_found(request, target, decision, limit=sheets.size, offset=sheets.offset))
    if sheets.number > 1 and not sheets.rows:
        raise Http404
    of = load_target(decision.target) if decision else load_target(target) if target else None  # type: ignore[arg-type]
    return render_page(
        request,
        "choosing/against.html",
        title="Against decisions",
        crumbs=(("Approvals", reverse("approvals:list")),),
        counts="Live dependencies of yours, in any role, each once for every decision",
        as_of=at,
        sentence=_sentence(sheets.n_found, of.name if of else ""),
        sheets=sheets,
        of=of,
        decision=decision,
        rows=[(row, load_target(row.approval.target)) for row in sheets.rows],
    )


@require_safe
def violation_csv(request: HttpRequest) -> StreamingHttpResponse:
    target, decision = _narrowed(request)
    found = _found(request, target, decision, limit=MAX_COUNTED_ROWS, offset=0)

    def cells(row: ApprovalViolation) -> list[Any]:
        dependency, target = row.dependency, load_target(row.approval.target)
        return [
            dependency.application.name,
            dependency.application.slug,
            dependency.application.team.name,
            dependency.application.get_criticality_display().lower(),
            dependency.get_role_display().lower(),
            dependency.offering.api_id,
            dependency.offering.host.name,
            row.approval.decision,
            target.kind,
            target.name,
            " ".join(row.why),
            "yes" if row.certain else "no",
            row.approval.approver,
            row.approval.decided_on,
        ]

    heads = [
        "application",
        "slug",
        "team",
        "criticality",
        "role",
        "api id",
        "host",
        "decision",
        "on",
        "name",
        "why",
        "certain",
        "approver",
        "decided on",
    ]
    return csv_response("against-decisions", heads, found.rows, cells)


def _narrowed(request: HttpRequest) -> tuple[Model | None, Approval | None]:
    """The thing, or the decision, that the address asks about; an unknown one is not found."""
    pk = request.GET.get("approval", "")
    if pk:
        decision = (
            Approval.objects.visible_to(request.user)
            .select_related(*APPROVAL_RELATIONS)
            .filter(pk=pk)
            .first()
            if pk.isdecimal() and len(pk) < 19
            else None
        )
        if decision is None:
            raise Http404
        return None, decision
    target = requested_target(request.GET, user=request.user)
    if target is None and any(request.GET.get(name) for name in _NODES):
        raise Http404
    return target, None


def _found(
    request: HttpRequest, target: Any, decision: Approval | None, *, limit: int, offset: int
) -> ApprovalViolations:
    kinds = _NODES[TARGET_COLUMNS[type(target)]] if target is not None else ()
    return approval_violations(
        user=request.user,
        on=day_of(now()),
        nodes=[(kind, target.pk) for kind in kinds],
        approval=decision.pk if decision else None,
        limit=limit,
        offset=offset,
    )


def _sentence(n: int, name: str) -> Headline:
    if not n:
        return Headline(
            f"Nothing of yours stands on {name} against a decision."
            if name
            else "Nothing of yours stands against a decision."
        )
    words = pluralize(
        n,
        f"{number(n)} dependency stands against a decision",
        f"{number(n)} dependencies stand against a decision",
    )
    on = f" on {name}" if name else ""
    return Headline("", words, f"{on}.")
