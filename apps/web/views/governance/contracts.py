"""Contracts: the list, one contract, and what depends on its party. For organisation roles."""

from collections.abc import Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.models import Offering
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import party_applications, party_reach
from apps.inventory.governance.contract_record import CLAUSES, CONTRACT_FIELDS
from apps.inventory.governance.filters import ContractFilter
from apps.inventory.models import Contract
from apps.web.lists.columns import (
    Column,
    FileColumn,
    describe_distance,
    format_amount,
    format_day,
    format_days,
)
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries
from apps.web.wording import long_day, number

# leaves time to renegotiate or to migrate
SOON_DAYS = 120
MAX_APPLICATIONS = 25


def _count_unknown_clauses(contract: Contract) -> int:
    """Count the clauses whose presence is unknown."""
    return sum(not getattr(contract, name) for name in CLAUSES)


def _describe_unknown_clauses(contract: Contract) -> str:
    n_unknown = _count_unknown_clauses(contract)
    return f"{n_unknown} of {len(CLAUSES)} clauses unknown" if n_unknown else "complete"


def _is_ending(contract: Contract, today: date) -> bool:
    return contract.ends_on is not None and contract.ends_on <= today + timedelta(SOON_DAYS)


def _build_fact_column(name: str) -> FileColumn[Contract]:
    return FileColumn(CONTRACT_FIELDS.label(name), attrgetter(name))


class ContractList(ListPage[Contract, Contract]):
    """Contracts by the filters of the URL; empty for users who may not read contracts."""

    namespace = "contracts"
    title = "Contracts"
    nouns = ("contract", "contracts")
    counts = "Contracts on file"
    filterset_class = ContractFilter
    columns = (
        Column[Contract](
            "ref",
            "Reference",
            attrgetter("ref"),
            note=attrgetter("name"),
            url=lambda contract: reverse("contracts:detail", args=[contract.pk]),
        ),
        Column[Contract](
            "party",
            "Provider",
            attrgetter("party.name"),
            note=Contract.get_kind_display,
            url=lambda contract: reverse("providers:detail", args=[contract.party.slug]),
            order=("party__name", "ref", "pk"),
        ),
        Column[Contract](
            "ends",
            "Ends",
            attrgetter("ends_on"),
            format=lambda value: format_day(value) if value else "open-ended",
            note=lambda contract: describe_distance(contract.ends_on),
            css=lambda contract: "late" if _is_ending(contract, day_of(now())) else "",
            order=("ends_on", "party__name", "ref", "pk"),
        ),
        Column[Contract](
            "retirement_notice",
            "Retirement notice",
            attrgetter("deprecation_notice_days"),
            format=format_days,
            is_numeric=True,
        ),
        Column[Contract](
            "cost",
            "Annual cost",
            attrgetter("annual_cost"),
            format=format_amount,
            note=lambda contract: contract.currency if contract.annual_cost is not None else "",
            order=("-annual_cost", "pk"),
            requires="annual_cost",
            is_numeric=True,
        ),
        Column[Contract](
            "terms_read",
            "Terms read",
            attrgetter("terms_read_on"),
            format=format_day,
            note=_describe_unknown_clauses,
            width="opt-2",
        ),
    )
    file_columns = (
        *(
            _build_fact_column(name)
            for name in CONTRACT_FIELDS.names
            if name
            not in {
                "party",
                "ref",
                "ends_on",
                "deprecation_notice_days",
                "annual_cost",
                "overarching",
                "terms_read_on",
            }
        ),
        FileColumn[Contract](
            CONTRACT_FIELDS.label("overarching"),
            lambda contract: contract.overarching.ref if contract.overarching else "",
        ),
        FileColumn[Contract]("Changed at", attrgetter("updated_at")),
    )
    controls = (
        FilterControl("q", "Search", "search"),
        FilterControl("kind", "Type", choices=Contract.Kind.choices),
        FilterControl("ends_before", "Ends before", "date"),
    )
    default_order = ("ends", ())

    def get_queryset(self) -> "QuerySet[Contract]":
        return Contract.objects.visible_to(self.user).select_related("party", "overarching")

    def get_lead(self) -> Headline:
        if not self.user.can_read_all:
            return Headline("Only governance, auditors and administrators can view contracts.")
        return super().get_lead()

    def describe_all(self) -> Headline:
        """Return the number of contracts, and the one that ends next."""
        next_ending = (
            Contract.objects.filter(
                ends_on__gt=self.today, ends_on__lte=self.today + timedelta(SOON_DAYS)
            )
            .select_related("party")
            .order_by("ends_on", "pk")
            .first()
        )
        if next_ending is None or next_ending.ends_on is None:
            return Headline(f"{self.count_records()}; none ends within {SOON_DAYS} days.")
        expiry = f"that with {next_ending.party.name} ends on {long_day(next_ending.ends_on)}"
        return Headline(f"{self.count_records()}; ", expiry, ".")

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add contract", reverse("contracts:create"), is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        if not self.user.can_read_all:
            return EmptyState(
                "Contact one of these users about the terms of a contract.",
                "Approvals are visible to everyone: they say which models may be used.",
                "View approvals",
                reverse("approvals:list"),
            )
        return EmptyState(
            "Contracts say what a provider must do when a model retires.",
            "Record the notice period, exit, price protection and data location that were agreed "
            "with a host or developer. Comparisons and the DORA register use them, and show what "
            "is unknown as a gap.",
            *(("Add contract", reverse("contracts:create")) if self.user.is_governance else ()),
        )


@require_safe
def contract_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a contract, with the applications that depend on its provider."""
    user = signed_in_user(request)
    rows = Contract.objects.visible_to(user).select_related("party", "overarching__party")
    contract = get_object_or_404(rows, pk=pk)
    at = now()
    today = day_of(at)
    party = contract.party
    reach = party_reach(provider=party, user=user)
    applications = list(
        with_primary_stacks(
            party_applications(provider=party, user=user, limit=MAX_APPLICATIONS), on=today
        )
    )
    return render_page(
        request,
        "choosing/contract.html",
        title=contract.ref,
        crumbs=(
            ("Contracts", reverse("contracts:list")),
            (party.name, reverse("providers:detail", args=[party.slug])),
        ),
        counts="Active applications that depend on the provider in any role",
        as_of=at,
        contract=contract,
        is_ending=_is_ending(contract, today),
        sentence=_build_contract_headline(contract, today, reach.shown, reach.n),
        groups=_group_values(contract),
        below=Contract.objects.visible_to(user).filter(overarching=contract).order_by("ref"),
        reach=reach,
        standings=[application_summaries(row, today) for row in applications],
        n_offerings=Offering.objects.model_ids().filter(host=party).count(),
        n_foundations=party.foundations.count(),
        may_edit=user.is_governance,
    )


def _group_values(contract: Contract) -> list[tuple[str, list[tuple[str, Any, str]]]]:
    """Return [(section, [(label, value, kind)])]. The kind is day, money, address, days or text;
    the value is None if unknown."""
    groups = []
    for section in CONTRACT_FIELDS.sections:
        lines: list[tuple[str, Any, str]] = []
        for name in section.names:
            if name in {"party", "ref", "currency", "overarching"}:
                continue
            value = getattr(contract, name)
            kind = "text"
            if name.endswith("_on"):
                kind = "day"
            elif name == "annual_cost":
                kind = "money"
            elif name.endswith("_url"):
                kind = "address"
            elif "_days" in name:
                kind = "days"
            elif value:
                value = CONTRACT_FIELDS.display(name, value)
            lines.append((CONTRACT_FIELDS.label(name), None if value == "" else value, kind))
        groups.append((section.title, lines))
    return groups


def _build_contract_headline(contract: Contract, today: date, count_text: str, n: int) -> Headline:
    """Return the headline of a contract: its end and its dependents, of which `count_text` is the
    count as text."""
    name = contract.party.name
    dependents = (
        pluralize(
            n,
            f"{count_text} application depends on {name}",
            f"{count_text} applications depend on {name}",
        )
        if n
        else f"no application depends on {name}"
    )
    if contract.ends_on is None:
        return Headline(f"{contract.ref} has no end date; {dependents}.")
    if contract.ends_on <= today:
        return Headline(
            f"{contract.ref} ", f"ended on {long_day(contract.ends_on)}", f"; {dependents}."
        )
    days = (contract.ends_on - today).days
    expiry = f"ends on {long_day(contract.ends_on)}, in {number(days)} days"
    if days <= SOON_DAYS and n:
        return Headline(f"{contract.ref} ", expiry, f"; {dependents}.")
    return Headline(f"{contract.ref} {expiry}; {dependents}.")
