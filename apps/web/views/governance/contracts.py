"""Contracts: the list, one contract, and what depends on its party. For organisation roles."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.catalog.models import Offering, Provider
from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import party_applications, party_reach
from apps.inventory.governance.contracts import change_contract, register_contract
from apps.inventory.governance.filters import ContractFilter
from apps.inventory.models import Contract
from apps.reports.dora.templates import SERVICE_TYPES
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries
from apps.web.views.governance.contract_forms import (
    GROUPS,
    ContractForm,
    NewContractForm,
    group_names,
    label_of,
)
from apps.web.wording import long_day, number

# leaves time to renegotiate or to migrate
SOON_DAYS = 120
MAX_APPLICATIONS = 25
CLAUSES = (
    "price_protection",
    "exit_clause",
    "termination_assistance",
    "audit_right",
    "ip_indemnity",
    "training_use",
)
ORDERS = Sorting(
    {
        "ends": ("Ends", ("ends_on", "party__name", "ref", "pk")),
        "party": ("With", ("party__name", "ref", "pk")),
        "cost": ("Cost a year", ("-annual_cost", "pk")),
    }
)


def _filter_contracts(request: HttpRequest) -> tuple[ContractFilter, "QuerySet[Contract]"]:
    filterset = ContractFilter(
        request.GET, Contract.objects.visible_to(request.user), request=request
    )
    queryset = filterset.qs
    if ORDERS.chosen(request)[0] == "cost":
        queryset = queryset.filter(annual_cost__isnull=False)
    return filterset, ORDERS.apply(request, queryset.select_related("party", "overarching"))


@require_safe
def contract_list(request: HttpRequest) -> HttpResponse:
    """Show the contracts, by the filters of the URL; empty for users who may not read contracts."""
    user = signed_in_user(request)
    today = day_of(now())
    filterset, queryset = _filter_contracts(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "choosing/contracts.html",
        fragment="listing",
        title="Contracts",
        counts="Contracts on file",
        sentence=_build_list_headline(listing, user.can_read_all, today),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("kind", "Kind", choices=Contract.Kind.choices),
                FilterControl("ends_before", "Ends before", "date"),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=[(row, _count_unknown_clauses(row), _is_ending(row, today)) for row in listing.rows],
        n_clauses=len(CLAUSES),
        may_read=user.can_read_all,
    )


def _count_unknown_clauses(contract: Contract) -> int:
    """Count the clauses whose presence is unknown."""
    return sum(not getattr(contract, name) for name in CLAUSES)


def _is_ending(contract: Contract, today: date) -> bool:
    return contract.ends_on is not None and contract.ends_on <= today + timedelta(SOON_DAYS)


def _build_list_headline(listing: PaginatedList[Contract], may_read: bool, today: date) -> Headline:
    """Return the headline: the contracts that match, or the one that ends next. `may_read` is False
    for users who may not read contracts."""
    if not may_read:
        return Headline("Contracts are read by governance, auditors and administrators.")
    if listing.is_filtered:
        return Headline(
            pluralize(
                listing.n_found,
                f"{listing.count} contract matches the filters.",
                f"{listing.count} contracts match the filters.",
            )
        )
    if not listing.n_found:
        return Headline("No contract is on file.")
    total = pluralize(
        listing.n_found,
        f"{listing.count} contract is on file",
        f"{listing.count} contracts are on file",
    )
    next_ending = (
        Contract.objects.filter(ends_on__gt=today, ends_on__lte=today + timedelta(SOON_DAYS))
        .select_related("party")
        .order_by("ends_on", "pk")
        .first()
    )
    if next_ending is None or next_ending.ends_on is None:
        return Headline(f"{total}; none ends within {SOON_DAYS} days.")
    expiry = f"that with {next_ending.party.name} ends on {long_day(next_ending.ends_on)}"
    return Headline(f"{total}; ", expiry, ".")


@require_safe
def contract_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all contracts that match the filters."""
    _found, queryset = _filter_contracts(request)
    names = [name for _group, members in GROUPS for name in members]

    def cells(row: Contract) -> list[Any]:
        values = [getattr(row, name) for name in names if name != "overarching"]
        return [
            row.party.name,
            *values,
            row.overarching.ref if row.overarching else "",
            row.updated_at,
        ]

    heads = [
        "party",
        *(name for name in names if name != "overarching"),
        "overarching",
        "changed at",
    ]
    return csv_response("contracts", heads, queryset.iterator(chunk_size=500), cells)


@require_http_methods(["GET", "HEAD", "POST"])
def new_contract(request: HttpRequest) -> HttpResponse:
    """Record a contract."""
    user = governance_user(request, "You need the governance role to add contracts.")
    party = Provider.objects.visible_to(user).filter(slug=request.GET.get("party", "")).first()
    form = NewContractForm(request.POST or None, initial={"party": party.pk if party else None})
    if request.method == "POST" and form.is_valid():
        facts = form.facts()
        try:
            contract = register_contract(
                party=form.cleaned_data["party"], ref=facts.pop("ref"), facts=facts, by=user
            )
        except (ConflictError, ValidationError) as error:
            _add_errors(form, error)
        else:
            flash_success(request, "The contract was saved.")
            return redirect("contracts:detail", pk=contract.pk)
    return render_page(
        request,
        "choosing/contract-new.html",
        title="New contract",
        crumbs=(("Contracts", reverse("contracts:list")),),
        status=422 if form.errors else 200,
        sentence=Headline("What was agreed, and with whom?"),
        form=form,
    )


@require_safe
def contract_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _render_contract(request, _get_contract(request, pk))


@require_http_methods(["POST"])
@transaction.atomic
def edit_contract(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a contract. The row is locked and compared with the version on the page, so that no
    other change is overwritten."""
    user = governance_user(request, "You need the governance role to change contracts.")
    get_object_or_404(Contract.objects.visible_to(user).select_for_update().only("pk"), pk=pk)
    contract = _get_contract(request, pk)
    form = ContractForm(request.POST, row=contract)
    if form.is_valid():
        try:
            change_contract(contract=contract, facts=form.facts(), by=user)
        except (ConflictError, ValidationError) as error:
            _add_errors(form, error)
        else:
            flash_success(request, "Saved.")
            return redirect("contracts:detail", pk=pk)
    return _render_contract(request, contract, form)


def _add_errors(form: ContractForm, error: ConflictError | ValidationError) -> None:
    """Add the action's errors to the fields they name, or to the form."""
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        for name, errors in error.error_dict.items():
            form.add_error(name if name in form.fields else None, errors)
    else:
        form.add_error(None, error if isinstance(error, ValidationError) else str(error))


def _get_contract(request: HttpRequest, pk: int) -> Contract:
    rows = Contract.objects.visible_to(request.user).select_related("party", "overarching__party")
    return get_object_or_404(rows, pk=pk)


def _render_contract(
    request: HttpRequest, contract: Contract, form: ContractForm | None = None
) -> HttpResponse:
    """Render the page of a contract, with the applications that depend on its provider."""
    user = signed_in_user(request)
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
        counts="Live applications that rest on the party in any role",
        as_of=at,
        status=422 if form and form.errors else 200,
        contract=contract,
        is_ending=_is_ending(contract, today),
        sentence=_build_contract_headline(contract, today, reach.shown, reach.n),
        groups=_group_values(contract),
        below=Contract.objects.visible_to(user).filter(overarching=contract).order_by("ref"),
        reach=reach,
        standings=[application_summaries(row, today) for row in applications],
        n_offerings=Offering.objects.filter(host=party).count(),
        n_foundations=party.foundations.count(),
        form=form or (ContractForm(row=contract) if user.is_governance else None),
    )


def _group_values(contract: Contract) -> list[tuple[str, list[tuple[str, Any, str]]]]:
    """Return [(group, [(label, value, kind)])]. The kind is day, money, address, days or text; the
    value is None if unknown."""
    names = group_names()
    groups = []
    for group, members in GROUPS:
        lines: list[tuple[str, Any, str]] = []
        for name in members:
            if name in {"ref", "currency", "overarching"}:
                continue
            field = Contract._meta.get_field(name)
            value = getattr(contract, name)
            if getattr(field, "flatchoices", None) and value:
                value = dict(field.flatchoices)[value]  # type: ignore[union-attr]
            kind = "text"
            if name.endswith("_on"):
                kind = "day"
            elif name == "annual_cost":
                kind = "money"
            elif name.endswith("_url"):
                kind = "address"
            elif "_days" in name:
                kind = "days"
            if name == "ict_service_type":
                value = SERVICE_TYPES.get(value, value)
            lines.append((label_of(name), None if value == "" else value, kind))
        groups.append((names[group], lines))
    return groups


def _build_contract_headline(contract: Contract, today: date, count_text: str, n: int) -> Headline:
    """Return the headline of a contract: its end and its dependents, of which `count_text` is the
    count as text."""
    name = contract.party.name
    dependents = (
        pluralize(
            n,
            f"{count_text} application rests on {name}",
            f"{count_text} applications rest on {name}",
        )
        if n
        else f"nothing rests on {name}"
    )
    if contract.ends_on is None:
        return Headline(f"{contract.ref} has no end; {dependents}.")
    if contract.ends_on <= today:
        return Headline(
            f"{contract.ref} ", f"ended on {long_day(contract.ends_on)}", f"; {dependents}."
        )
    days = (contract.ends_on - today).days
    expiry = f"ends on {long_day(contract.ends_on)}, in {number(days)} days"
    if days <= SOON_DAYS and n:
        return Headline(f"{contract.ref} ", expiry, f"; {dependents}.")
    return Headline(f"{contract.ref} {expiry}; {dependents}.")
