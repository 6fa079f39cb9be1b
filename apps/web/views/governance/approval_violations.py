"""Approval violations: uses that contradict an approval in force; a list to page through, not
counted beyond need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db.models import Model, QuerySet
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.common.text import pluralize
from apps.inventory.governance.approvals import APPROVAL_RELATIONS, TARGET_COLUMNS
from apps.inventory.governance.violations import (
    ApprovalViolation,
    ApprovalViolations,
    approval_violations,
)
from apps.inventory.models import Application, Approval, Dependency
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.computed_rows import PagedRows
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import MAX_COUNTED_ROWS, PRINT_PAGE_SIZE
from apps.web.pages.page import Headline
from apps.web.views.governance.approval_targets import (
    SelectedTarget,
    load_target,
    requested_target,
)
from apps.web.wording import day

_NODE_KINDS: dict[str, tuple[NodeKind, ...]] = {
    "provider": (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY),
    "foundation": (NodeKind.FOUNDATION,),
    "version": (NodeKind.VERSION,),
    "offering": (NodeKind.OFFERING,),
}


class ViolationPages:
    """Violations by page, which are counted by the statement that reads a page: `offset` and
    `limit` are those of the page that is shown."""

    def __init__(self, read: Callable[..., ApprovalViolations], *, limit: int, offset: int) -> None:
        self._read = read
        self._shown = (limit, offset)
        self._found: dict[tuple[int, int], ApprovalViolations] = {}

    def count(self, *, limit: int) -> int:
        page_size, offset = self._shown
        n_total = self._load(page_size, offset).n_total
        if not n_total and offset:
            # beyond the last page there is no row that says how many there are
            n_total = self._load(page_size, 0).n_total
        return min(n_total, limit)

    def page(self, *, limit: int, offset: int = 0) -> Sequence[ApprovalViolation]:
        return self._load(limit, offset).rows

    def _load(self, limit: int, offset: int) -> ApprovalViolations:
        if (limit, offset) not in self._found:
            self._found[limit, offset] = self._read(limit=limit, offset=offset)
        return self._found[limit, offset]


@dataclass(frozen=True, slots=True)
class ViolationRow:
    violation: ApprovalViolation
    target: SelectedTarget

    @property
    def dependency(self) -> Dependency:
        return self.violation.dependency

    @property
    def application(self) -> Application:
        return self.violation.dependency.application

    @property
    def approval(self) -> Approval:
        return self.violation.approval


def _describe_approval(row: ViolationRow) -> str:
    decision = row.approval.get_decision_display().lower()
    expires_on = row.approval.expires_on
    return f"{decision}, expires {day(expires_on)}" if expires_on else decision


class ViolationList(ListPage[Any, ViolationRow]):
    """Active dependencies that violate a block or a restriction, most critical applications
    first."""

    namespace = "approvals"
    route = "violations"
    title = "Approval violations"
    nouns = ("approval violation", "approval violations")
    counts = "Active dependencies in any role, once for each approval"
    columns = (
        Column[ViolationRow](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda row: reverse("applications:detail", args=[row.application.slug]),
        ),
        Column[ViolationRow](
            "criticality",
            "Criticality",
            lambda row: row.application.get_criticality_display(),
            css=lambda row: f"crit crit-{row.application.get_criticality_display().lower()}",
        ),
        Column[ViolationRow](
            "model",
            "Model ID",
            attrgetter("dependency.offering.api_id"),
            note=lambda row: (
                f"{row.dependency.get_role_display()} on {row.dependency.offering.host.name}"
            ),
            url=lambda row: reverse("offerings:detail", args=[row.dependency.offering_id]),
            css=lambda row: "id",
        ),
        Column[ViolationRow](
            "approval",
            "Approval of",
            attrgetter("target.name"),
            note=_describe_approval,
            url=lambda row: reverse("approvals:detail", args=[row.approval.pk]),
        ),
        Column[ViolationRow](
            "reason",
            "Reason",
            lambda row: " ".join(row.violation.why),
            note=lambda row: (
                ""
                if row.violation.certain
                else "Only missing data might clear it: complete the application."
            ),
            width="whole",
        ),
    )
    file_columns = (
        FileColumn[ViolationRow]("Application ID", attrgetter("application.slug")),
        FileColumn[ViolationRow]("Team", attrgetter("application.team.name")),
        FileColumn[ViolationRow]("Role", lambda row: row.dependency.get_role_display()),
        FileColumn[ViolationRow]("Host", attrgetter("dependency.offering.host.name")),
        FileColumn[ViolationRow]("Status", lambda row: row.approval.get_decision_display()),
        FileColumn[ViolationRow]("Type", attrgetter("target.kind")),
        FileColumn[ViolationRow]("Certain", attrgetter("violation.certain")),
        FileColumn[ViolationRow]("Decided by", attrgetter("approval.approver")),
        FileColumn[ViolationRow]("Decided", attrgetter("approval.decided_on")),
    )
    template = "choosing/against.html"

    def check_access(self) -> None:
        _ = self.scope

    @cached_property
    def scope(self) -> tuple[Model | None, Approval | None]:
        """The target or the approval that the address names."""
        return _load_scope(self.request.GET, self.user)

    @cached_property
    def target(self) -> SelectedTarget | None:
        target, approval = self.scope
        if approval is not None:
            return load_target(approval.target)
        return load_target(target) if target is not None else None  # type: ignore[arg-type]

    def get_queryset(self) -> "QuerySet[Any]":
        return Dependency.objects.none()

    def narrow(self, queryset: "QuerySet[Any]") -> Any:
        size = PRINT_PAGE_SIZE if self.request.GET.get("print") == "all" else self.page_size
        page = self.request.GET.get("page", "1")
        number = int(page) if page.isdecimal() and len(page) < 7 else 1
        pages = ViolationPages(
            self._read,
            limit=size,
            offset=min(max(number - 1, 0), MAX_COUNTED_ROWS // size) * size,
        )
        return PagedRows(pages)

    def _read(self, *, limit: int, offset: int) -> ApprovalViolations:
        target, approval = self.scope
        kinds = _NODE_KINDS[TARGET_COLUMNS[type(target)]] if target is not None else ()
        return approval_violations(
            user=self.user,
            on=self.today,
            nodes=[(kind, target.pk) for kind in kinds] if target is not None else (),
            approval=approval.pk if approval else None,
            limit=limit,
            offset=offset,
        )

    def build_rows(self, records: Sequence[ApprovalViolation]) -> Sequence[ViolationRow]:
        return [ViolationRow(row, load_target(row.approval.target)) for row in records]

    def get_lead(self) -> Headline:
        of = f" of {self.target.name}" if self.target else ""
        if not self.listing.n_found:
            return Headline(f"No dependency violates an approval{of}.")
        violations = pluralize(
            self.listing.n_found,
            f"{self.listing.count} dependency violates",
            f"{self.listing.count} dependencies violate",
        )
        return Headline("", violations, f" an approval{of}.")

    def get_basis(self) -> str:
        return (
            "A violation stops no application. Migrate the application, complete its record, or "
            "change the approval."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if self.target is None:
            return ()
        return (PageAction("View all violations", reverse("approvals:violations")),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No dependency violates an approval.",
            "Valid blocks and restrictions are compared with every active dependency. Those "
            "outside an approval are listed here.",
            "View approvals",
            reverse("approvals:list"),
        )

    @cached_property
    def is_filtered(self) -> bool:
        # an address with a target is about it: its page is empty because nothing violates
        return False


def _load_scope(query: QueryDict, user: User) -> tuple[Model | None, Approval | None]:
    """Return (target, approval) that the query names, at most one of them; 404 if it does not
    exist."""
    pk = query.get("approval", "")
    if pk:
        approval = (
            Approval.objects.visible_to(user)
            .select_related(*APPROVAL_RELATIONS)
            .filter(pk=pk)
            .first()
            if pk.isdecimal() and len(pk) < 19
            else None
        )
        if approval is None:
            raise Http404
        return None, approval
    target = requested_target(query, user=user)
    if target is None and any(query.get(name) for name in _NODE_KINDS):
        raise Http404
    return target, None
