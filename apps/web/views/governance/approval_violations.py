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

_NODE_KINDS: dict[str, tuple[NodeKind, ...]] = {
    "provider": (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY),
    "foundation": (NodeKind.FOUNDATION,),
    "version": (NodeKind.VERSION,),
    "offering": (NodeKind.OFFERING,),
}


class ViolationPages:
    """Pager of violations, with the URLs that `components/pager.html` needs."""

    def __init__(self, request: HttpRequest, size: int = PAGE_SIZE) -> None:
        page = request.GET.get("page", "1")
        self.request = request
        self.size = PRINT_PAGE_SIZE if request.GET.get("print") == "all" else size
        self.number = (
            min(max(int(page), 1), MAX_COUNTED_ROWS // self.size)
            if page.isdecimal() and len(page) < 7
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

    def set_violations(self, violations: ApprovalViolations) -> None:
        self.rows, self.n_found = violations.rows, violations.n_total


@require_safe
def violation_list(request: HttpRequest) -> HttpResponse:
    """List the active dependencies that violate a block or a restriction, most critical
    applications first."""
    at = now()
    target, decision = _load_scope(request)
    pages = ViolationPages(request)
    pages.set_violations(
        _find_violations(request, target, decision, limit=pages.size, offset=pages.offset)
    )
    if pages.number > 1 and not pages.rows:
        raise Http404
    selected_target = None
    if decision is not None:
        selected_target = load_target(decision.target)
    elif target is not None:
        selected_target = load_target(target)  # type: ignore[arg-type]
    return render_page(
        request,
        "choosing/against.html",
        title="Approval violations",
        crumbs=(("Approvals", reverse("approvals:list")),),
        counts="Live dependencies of yours, in any role, each once for every decision",
        as_of=at,
        sentence=_build_headline(pages.n_found, selected_target.name if selected_target else ""),
        sheets=pages,
        of=selected_target,
        decision=decision,
        rows=[(row, load_target(row.approval.target)) for row in pages.rows],
    )


@require_safe
def violation_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export the approval violations of visible applications in the scope of the URL."""
    target, decision = _load_scope(request)
    violations = _find_violations(request, target, decision, limit=MAX_COUNTED_ROWS, offset=0)

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
    return csv_response("against-decisions", heads, violations.rows, cells)


def _load_scope(request: HttpRequest) -> tuple[Model | None, Approval | None]:
    """Return (target, approval) that the URL names, at most one of them; 404 if it does not
    exist."""
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
    if target is None and any(request.GET.get(name) for name in _NODE_KINDS):
        raise Http404
    return target, None


def _find_violations(
    request: HttpRequest, target: Any, decision: Approval | None, *, limit: int, offset: int
) -> ApprovalViolations:
    kinds = _NODE_KINDS[TARGET_COLUMNS[type(target)]] if target is not None else ()
    return approval_violations(
        user=request.user,
        on=day_of(now()),
        nodes=[(kind, target.pk) for kind in kinds],
        approval=decision.pk if decision else None,
        limit=limit,
        offset=offset,
    )


def _build_headline(n_violations: int, name: str) -> Headline:
    if not n_violations:
        return Headline(
            f"Nothing of yours stands on {name} against a decision."
            if name
            else "Nothing of yours stands against a decision."
        )
    violation_text = pluralize(
        n_violations,
        f"{number(n_violations)} dependency stands against a decision",
        f"{number(n_violations)} dependencies stand against a decision",
    )
    on = f" on {name}" if name else ""
    return Headline("", violation_text, f"{on}.")
