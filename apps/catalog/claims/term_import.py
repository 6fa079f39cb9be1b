"""Import of data terms from rows of a spreadsheet: a plan that writes nothing, then one change."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import transaction

from apps.accounts.models import User
from apps.catalog.capabilities.fields import DATA_TERM_FIELDS, DATA_TERMS
from apps.catalog.claims.data_terms import (
    TermStatement,
    TermsWrite,
    build_term_facts,
    record_data_terms,
)
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.claims.stated_values import refuse_without_role
from apps.catalog.claims.term_rows import ALL_MODELS, RowError, TermRow, TermTable
from apps.catalog.models import Assertion, Offering, Provider
from apps.common.errors import ConflictError, DomainError

# a value of one offering each; rows for all offerings of a host count many times
MAX_VALUES = 50_000
_MAX_NAMED = 8
_SHOWN_LENGTH = 60


@dataclass(frozen=True, slots=True)
class TermChange:
    """What the import changes of one offering: {field: fact} as recorded and as it will be."""

    offering: Offering
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(slots=True)
class TermsPlan:
    """What an import would do. It is carried out only without errors. `statements` are ordered,
    the narrower ones last."""

    changes: list[TermChange] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    statements: list[TermStatement] = field(default_factory=list)
    n_unchanged: int = 0

    @property
    def digest(self) -> str:
        """Return a digest of all changes, which differs if another user changed them meanwhile."""
        lines = [
            (change.offering.pk, dict(change.before), dict(change.after)) for change in self.changes
        ]
        return hashlib.sha256(orjson.dumps(lines, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Scope:
    """The offerings of a row. A narrower scope outranks a wider one in the same file."""

    row: TermRow
    offering_ids: Sequence[int]

    @property
    def rank(self) -> tuple[bool, int]:
        row = self.row
        return row.model_id != ALL_MODELS, bool(row.region) + bool(row.tier)


def plan_terms_import(table: TermTable, *, by: User) -> TermsPlan:
    """Return what the rows would change, with the errors of all rows; writes nothing, and takes a
    fixed number of statements of SQL.

    Raises DomainError if the rows concern too many offerings, ForbiddenError without the governance
    role.
    """
    refuse_without_role(by)
    plan = TermsPlan(errors=list(table.errors))
    scopes = sorted(_find_scopes(table.rows, plan.errors, by=by), key=lambda scope: scope.rank)
    if sum(len(scope.offering_ids) for scope in scopes) > MAX_VALUES:
        raise DomainError(
            f"The file states more than {MAX_VALUES:,} values, one for each offering and term. "
            "Split it."
        )
    facts: dict[int, dict[str, Any]] = defaultdict(dict)
    set_by: dict[tuple[int, str], _Scope] = {}
    for scope in scopes:
        row = scope.row
        statement = TermStatement(
            offering_ids=scope.offering_ids,
            values={row.field: row.value},
            at=row.at,
            source_url=row.source_url,
            note=row.note,
        )
        try:
            entered = build_term_facts(statement, by=by)
        except DomainError as error:
            plan.errors.append(RowError(row.number, _column_of(error), str(error)))
            continue
        rival = _find_rival(scope, set_by)
        if rival is not None:
            plan.errors.append(_describe_rival(row, rival.row))
            continue
        plan.statements.append(statement)
        for offering_id in scope.offering_ids:
            set_by[offering_id, row.field] = scope
            facts[offering_id] |= entered
    plan.errors.sort(key=lambda error: error.number)
    _compare(facts, plan)
    return plan


@transaction.atomic
def apply_terms_import(
    table: TermTable, *, by: User, digest: str, reason: str = "data terms imported"
) -> TermsWrite:
    """Carry out what `plan_terms_import` showed, all of it in one change.

    Raises DomainError if a row has an error, ConflictError if the changes are no longer those of
    `digest`.
    """
    catalogue_lock()
    plan = plan_terms_import(table, by=by)
    if plan.errors:
        raise DomainError("Nothing was imported. Correct the rows below and upload the file again.")
    if plan.digest != digest:
        raise ConflictError(
            "The data terms were changed after this preview. Check the changes below and import "
            "them again."
        )
    return record_data_terms(statements=plan.statements, by=by, reason=reason)


def _find_scopes(rows: Sequence[TermRow], errors: list[RowError], *, by: User) -> list[_Scope]:
    """Return the offerings of each row; rows without any become errors."""
    providers = _find_providers(by)
    hosts: dict[int, Provider] = {}
    for row in rows:
        found = providers.get(row.host.casefold(), [])
        if len(found) == 1:
            hosts[row.number] = found[0]
        elif found:
            errors.append(
                RowError(
                    row.number,
                    "host",
                    f"{len(found)} hosts have the name {_quote(row.host)}. Enter the slug: "
                    f"{_list(host.slug for host in found)}.",
                )
            )
        else:
            errors.append(
                RowError(
                    row.number,
                    "host",
                    f"There is no host {_quote(row.host)}. Copy its name from the list of "
                    "providers.",
                )
            )
    offerings: dict[int, list[Offering]] = defaultdict(list)
    for offering in (
        Offering.objects.model_ids()
        .visible_to(by)
        .filter(host__in={host.pk for host in hosts.values()})
        .only("api_id", "region_scope", "service_tier", "host")
    ):
        offerings[offering.host_id].append(offering)
    by_model: dict[tuple[int, str], list[Offering]] = defaultdict(list)
    for host_id, served in offerings.items():
        by_model[host_id, ALL_MODELS] = served
        for offering in served:
            by_model[host_id, offering.api_id].append(offering)
    scopes = []
    for row in rows:
        if row.number not in hosts:
            continue
        host = hosts[row.number]
        candidates = by_model.get((host.pk, row.model_id), [])
        found_ids = [
            offering.pk
            for offering in candidates
            if row.region.casefold() in ("", offering.region_scope.casefold())
            and row.tier.casefold() in ("", offering.service_tier.casefold())
        ]
        if found_ids:
            scopes.append(_Scope(row, found_ids))
        else:
            errors.append(_describe_absence(row, host, candidates))
    return scopes


def _find_providers(by: User) -> dict[str, list[Provider]]:
    """Return the providers by slug, and those by name that no slug equals; one statement."""
    known = list(Provider.objects.visible_to(by).only("name", "slug").order_by("name", "pk"))
    found: dict[str, list[Provider]] = defaultdict(list)
    for provider in known:
        found[provider.name.casefold()].append(provider)
    return {**found, **{provider.slug: [provider] for provider in known}}


def _describe_absence(row: TermRow, host: Provider, candidates: Sequence[Offering]) -> RowError:
    """Return why no offering matches a row: its model ID, its region or its tier."""
    if not candidates:
        if row.model_id == ALL_MODELS:
            return RowError(row.number, "host", f"{host.name} has no offering with a model ID.")
        return RowError(
            row.number,
            "model_id",
            f"{host.name} has no offering with the model ID {_quote(row.model_id)}. Copy it from "
            "the page of the offering, or enter * for all offerings of the host.",
        )
    of_model = "its offerings" if row.model_id == ALL_MODELS else "this model ID"
    regions = {offering.region_scope for offering in candidates}
    if row.region and row.region.casefold() not in {region.casefold() for region in regions}:
        return RowError(
            row.number,
            "region",
            _say_known(host, of_model, "region", row.region, regions),
        )
    tiers = {
        offering.service_tier
        for offering in candidates
        if row.region.casefold() in ("", offering.region_scope.casefold())
    }
    return RowError(row.number, "tier", _say_known(host, of_model, "tier", row.tier, tiers))


def _say_known(host: Provider, of_model: str, noun: str, text: str, known: set[str]) -> str:
    named = sorted(filter(None, known))
    if not named:
        return f"{host.name} states no {noun} for {of_model}. Leave the cell empty."
    return f"{host.name} has no {noun} {_quote(text)} for {of_model}. Known: {_list(named)}."


def _find_rival(scope: _Scope, set_by: Mapping[tuple[int, str], _Scope]) -> _Scope | None:
    """Return an equally narrow scope that states another value for one of the offerings."""
    for offering_id in scope.offering_ids:
        other = set_by.get((offering_id, scope.row.field))
        if other and other.rank == scope.rank and other.row.value != scope.row.value:
            return other
    return None


def _describe_rival(row: TermRow, other: TermRow) -> RowError:
    return RowError(
        row.number,
        "value",
        f"Row {other.number} states another value of {DATA_TERM_FIELDS[row.field].label!r} for "
        "the same offering. Keep one of them.",
    )


def _compare(facts: Mapping[int, Mapping[str, Any]], plan: TermsPlan) -> None:
    """Add the offerings that change to the plan, in the order of their host and model ID."""
    claims = Assertion.objects.filter(
        source__slug=MANUAL, topic=DATA_TERMS, offering__in=facts, withdrawn_at=None
    )
    recorded: dict[int, Mapping[str, Any]] = dict(claims.values_list("offering_id", "value"))
    changed = {
        offering_id: {
            name: fact
            for name, fact in entered.items()
            if recorded.get(offering_id, {}).get(name) != fact
        }
        for offering_id, entered in facts.items()
    }
    plan.n_unchanged = sum(not entered for entered in changed.values())
    for offering in (
        Offering.objects.filter(pk__in=[pk for pk, entered in changed.items() if entered])
        .select_related("host")
        .order_by("host__name", "api_id", "region_scope", "service_tier", "pk")
    ):
        before = recorded.get(offering.pk, {})
        after = changed[offering.pk]
        plan.changes.append(
            TermChange(offering, {name: before[name] for name in after if name in before}, after)
        )


def _column_of(error: DomainError) -> str:
    return error.field if error.field in ("at", "source_url", "note") else "value"


def _quote(text: str) -> str:
    return f"'{text[:_SHOWN_LENGTH]}'"


def _list(names: Any) -> str:
    listed = list(names)
    more = f" and {len(listed) - _MAX_NAMED} more" if len(listed) > _MAX_NAMED else ""
    return ", ".join(listed[:_MAX_NAMED]) + more
