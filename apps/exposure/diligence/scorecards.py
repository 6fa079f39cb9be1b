"""Scorecards of providers and foundations, one fact at a time, and candidates side by side."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from apps.catalog.models import Foundation, Provider
from apps.catalog.providers.earliest_retirement import PublishedMinimum
from apps.catalog.providers.track_record import MIN_ANNOUNCEMENTS, TrackRecord, notice_days
from apps.common.errors import ConflictError
from apps.common.time import day_of
from apps.exposure.diligence.offering_facts import OfferingFacts, offering_facts, outage_fact
from apps.exposure.diligence.scorecard_data import (
    YEAR,
    ChangeCounts,
    DependentCounts,
    ScorecardData,
    load_scorecard_data,
)
from apps.exposure.diligence.scorecard_facts import (
    ORGANISATION_ROLE,
    OWN,
    REGISTRY,
    Comparison,
    Scorecard,
    ScorecardFact,
    compare_scorecards,
    hidden_fact,
    inapplicable_fact,
    unknown_fact,
)
from apps.inventory.governance.annex_documents import ON_FILE
from apps.inventory.models import AnnexItem, Contract

MAX_CANDIDATES = 20
N_ITEMS = len(AnnexItem.Item.values)


def foundation_scorecards(*, foundations: Collection[int], user: Any, on: date) -> list[Scorecard]:
    """Return scorecards in the given order; unknown IDs are left out."""
    return scorecards(foundations=foundations, providers=(), user=user, on=on)[0]


def provider_scorecards(*, providers: Collection[int], user: Any, on: date) -> list[Scorecard]:
    return scorecards(foundations=(), providers=providers, user=user, on=on)[1]


def offering_scorecards(*, offerings: Collection[int], user: Any, on: date) -> list[Scorecard]:
    return scorecards(foundations=(), providers=(), offerings=offerings, user=user, on=on)[2]


def scorecards(
    *,
    foundations: Collection[int],
    providers: Collection[int],
    offerings: Collection[int] = (),
    user: Any,
    on: date,
) -> tuple[list[Scorecard], list[Scorecard], list[Scorecard]]:
    """Return scorecards of foundations, of providers and of offerings, each in the given order;
    unknown IDs are left out. All cost as many statements as one of them."""
    data = load_scorecard_data(
        foundations=foundations, providers=providers, offerings=offerings, user=user, on=on
    )
    rows = {row.pk: row for row in data.foundations}
    return (
        [
            _foundation_card(rows[pk], data, user, on)
            for pk in dict.fromkeys(foundations)
            if pk in rows
        ],
        [
            _provider_card(data.providers[pk], data, user, on)
            for pk in dict.fromkeys(providers)
            if pk in data.providers
        ],
        [
            _offering_card(data.offerings[pk], data, user, on)
            for pk in dict.fromkeys(offerings)
            if pk in data.offerings
        ],
    )


def compare(
    *,
    user: Any,
    on: date,
    foundations: Collection[int] = (),
    providers: Collection[int] = (),
    offerings: Collection[int] = (),
) -> Comparison:
    """Compare foundations, providers or offerings side by side: rows of facts, columns of
    candidates. Raises ConflictError for several kinds, for none and for more than
    `MAX_CANDIDATES`."""
    if sum(bool(ids) for ids in (foundations, providers, offerings)) != 1:
        raise ConflictError(
            "Compare foundations, providers or offerings, not several of these. Select at least "
            "one."
        )
    if len({*foundations, *providers, *offerings}) > MAX_CANDIDATES:
        raise ConflictError(f"At most {MAX_CANDIDATES} candidates can be compared. Select fewer.")
    if foundations:
        return compare_scorecards(foundation_scorecards(foundations=foundations, user=user, on=on))
    if offerings:
        return compare_scorecards(offering_scorecards(offerings=offerings, user=user, on=on))
    return compare_scorecards(provider_scorecards(providers=providers, user=user, on=on))


def _foundation_card(row: Foundation, data: ScorecardData, user: Any, on: date) -> Scorecard:
    """Return the scorecard of a foundation: facts about itself, its developer, its hosts, and the
    applications that `user` can view."""
    developer = row.developer
    hosts = data.hosts[row.pk]
    host_ids = [
        developer.pk,
        *(pk for host in hosts for pk in host.provider_ids if pk != developer.pk),
    ]
    source_fields: dict[str, Any] = {
        "source": "Catalogue",
        "source_url": row.source_url,
        "as_of": row.source_on,
    }
    facts = [
        ScorecardFact(
            "independent_hosts",
            "Independent hosts",
            len(hosts),
            unit="companies",
            detail=", ".join(host.name for host in hosts),
            source=REGISTRY,
            as_of=on,
        ),
        unknown_fact("open_weights", "Open weights", "Not recorded.")
        if row.open_weights is None
        else ScorecardFact("open_weights", "Open weights", row.open_weights, **source_fields),
        ScorecardFact("licence", "Licence", row.licence, **source_fields)
        if row.licence
        else unknown_fact("licence", "Licence", "Not recorded."),
        *offering_facts(data.served[row.pk], on=on, with_open_weights=False),
        *_notice_facts(developer, data.records[developer.pk], data.policies.get(developer.pk, ())),
        outage_fact(developer.name, data.outages.get(developer.pk)),
        *_change_facts(data.change_counts.get(("foundation", row.pk), ChangeCounts()), on),
        *_contract_facts(
            [contract for pk in host_ids for contract in data.contracts.get(pk, ())], user, on
        ),
        _annex_fact([row], data, user, on),
        *_party_facts(developer),
        *_dependent_facts(data.dependents.get(("foundation", row.pk), DependentCounts()), user, on),
    ]
    return Scorecard(
        "foundation", row.pk, row.slug, row.name, on, bool(user.can_read_all), tuple(facts)
    )


def _offering_card(row: OfferingFacts, data: ScorecardData, user: Any, on: date) -> Scorecard:
    """Return the scorecard of an offering: its own facts, and the notices and outages of its
    host."""
    offering = row.offering
    host = data.providers[offering.host_id]
    facts = [
        *offering_facts([row], on=on, with_open_weights=True),
        *_notice_facts(host, data.records[host.pk], data.policies.get(host.pk, ())),
        outage_fact(host.name, data.outages.get(host.pk)),
    ]
    name = f"{offering.api_id} on {host.name}"
    return Scorecard(
        "offering", offering.pk, str(offering.pk), name, on, bool(user.can_read_all), tuple(facts)
    )


def _provider_card(row: Provider, data: ScorecardData, user: Any, on: date) -> Scorecard:
    foundations = data.foundations_by_developer.get(row.pk, [])
    facts = [
        *_development_facts(foundations, data, on),
        *_notice_facts(row, data.records[row.pk], data.policies.get(row.pk, ())),
        outage_fact(row.name, data.outages.get(row.pk)),
        *_change_facts(data.change_counts.get(("provider", row.pk), ChangeCounts()), on),
        *_contract_facts(data.contracts.get(row.pk, ()), user, on),
        _annex_fact(foundations, data, user, on),
        *_party_facts(row),
        *_dependent_facts(data.dependents.get(("provider", row.pk), DependentCounts()), user, on),
    ]
    return Scorecard(
        "provider", row.pk, row.slug, row.name, on, bool(user.can_read_all), tuple(facts)
    )


def _development_facts(
    foundations: Sequence[Foundation], data: ScorecardData, on: date
) -> Iterable[ScorecardFact]:
    """Yield facts about the foundations that a provider develops, as counts of those with the
    property."""
    labels = {
        "independent_hosts": "Foundations on two or more independent hosts",
        "open_weights": "Foundations with open weights",
        "licence": "Licences",
    }
    if not foundations:
        yield from (
            inapplicable_fact(key, label, "No foundations of this provider are recorded.")
            for key, label in labels.items()
        )
        return
    n = len(foundations)
    n_spread = sum(len(data.hosts[row.pk]) >= 2 for row in foundations)
    yield ScorecardFact(
        "independent_hosts",
        labels["independent_hosts"],
        n_spread,
        unit=f"of {n}",
        source=REGISTRY,
        as_of=on,
    )
    open_weights = [row.open_weights for row in foundations if row.open_weights is not None]
    if not open_weights:
        yield unknown_fact("open_weights", labels["open_weights"], f"Not recorded for any of {n}.")
    else:
        silent = f"not recorded for {n - len(open_weights)}" if len(open_weights) < n else ""
        yield ScorecardFact(
            "open_weights",
            labels["open_weights"],
            sum(open_weights),
            unit=f"of {n}",
            detail=silent,
            source=REGISTRY,
            as_of=on,
        )
    licences = sorted({row.licence for row in foundations if row.licence})
    if not licences:
        yield unknown_fact("licence", labels["licence"], f"Not recorded for any of {n}.")
    else:
        n_silent = sum(not row.licence for row in foundations)
        yield ScorecardFact(
            "licence",
            labels["licence"],
            licences,
            detail=f"not recorded for {n_silent}" if n_silent else "",
            source=REGISTRY,
            as_of=on,
        )


def _notice_facts(
    host: Provider, record: TrackRecord, policies: Sequence[PublishedMinimum]
) -> Iterable[ScorecardFact]:
    """Yield promised and observed notice periods; for a foundation, those of its developer as a
    host."""
    promises = [compliance for compliance in record.kept if compliance.what == "notice"]
    yield _promised_notice_fact(host, policies)
    if record.notices is None:
        yield unknown_fact(
            "observed_notice",
            "Observed notice period",
            (
                f"{record.n_announcements} announcements of {host.name} are recorded. At least "
                f"{MIN_ANNOUNCEMENTS} are needed."
            ),
        )
        yield unknown_fact(
            "shortest_notice",
            "Shortest observed notice period",
            "Too few announcements are recorded.",
        )
    else:
        notice = record.notices
        at_least = "at least, " if notice.is_bound else ""
        yield ScorecardFact(
            "observed_notice",
            "Observed notice period",
            notice.median_days,
            unit="days, median",
            detail=f"{at_least}{notice.n_models} models in {notice.n_announcements} announcements "
            f"of {host.name}",
            source=REGISTRY,
            as_of=max((end.announced_on for end in record.told if end.announced_on), default=None),
        )
        shortest = notice.shortest
        yield ScorecardFact(
            "shortest_notice",
            "Shortest observed notice period",
            notice_days(shortest),
            unit="days",
            detail=shortest.model,
            source=shortest.told_by or shortest.source,
            source_url=shortest.source_url,
            as_of=shortest.announced_on,
        )
    if not promises:
        yield unknown_fact(
            "notice_kept",
            "Notice promises kept",
            "No promise is recorded, or no retirement to compare it with.",
        )
    else:
        n, n_kept = (
            sum(compliance.n for compliance in promises),
            sum(compliance.n_kept for compliance in promises),
        )
        last_missed_on = max(
            (compliance.last_miss_on for compliance in promises if compliance.last_miss_on),
            default=None,
        )
        yield ScorecardFact(
            "notice_kept",
            "Notice promises kept",
            n_kept,
            unit=f"of {n}",
            detail=f"last missed {last_missed_on:%Y-%m-%d}" if last_missed_on else "",
            source=REGISTRY,
            source_url=promises[0].policy.source_url,
            as_of=promises[0].policy.source_on,
        )


def _promised_notice_fact(host: Provider, published: Sequence[PublishedMinimum]) -> ScorecardFact:
    """Return the shortest notice period that the host promises, in days: of its published policies,
    else the recorded one."""
    policies = [policy for policy in published if policy.notice_days is not None]
    if policies:
        shortest = min(policies, key=lambda policy: policy.notice_days or 0)
        scoped_minimums = (
            ", ".join(f"{policy.scope} {policy.notice_days}" for policy in policies)
            if len(policies) > 1
            else ""
        )
        return ScorecardFact(
            "promised_notice",
            "Promised notice period",
            shortest.notice_days,
            unit="days, at least",
            detail=scoped_minimums,
            source=f"Policy of {host.name}",
            source_url=shortest.source_url,
            as_of=shortest.source_on,
        )
    if host.promised_notice_days is not None:
        return ScorecardFact(
            "promised_notice",
            "Promised notice period",
            host.promised_notice_days,
            unit="days, at least",
            source=f"Policy of {host.name}",
            source_url=host.deprecation_policy_url,
            as_of=host.source_on,
        )
    return unknown_fact(
        "promised_notice", "Promised notice period", f"No promise of {host.name} is recorded."
    )


def _change_facts(change_counts: ChangeCounts, on: date) -> Iterable[ScorecardFact]:
    """Yield facts about price changes of the last year, retirements and announced retirements."""
    if not change_counts.n_priced or change_counts.read_since is None:
        yield unknown_fact(
            "price_moves", "Price changes in 12 months", "No feed provides its price."
        )
    else:
        since = day_of(change_counts.read_since)
        short = f"recorded only since {since:%Y-%m-%d}" if since > on - YEAR else ""
        yield ScorecardFact(
            "price_moves",
            "Price changes in 12 months",
            change_counts.n_price_moves,
            unit=f"on {change_counts.n_priced} priced rows",
            detail=short,
            source=REGISTRY,
            as_of=on,
        )
    yield ScorecardFact(
        "retired", "Retired releases", change_counts.n_ended, source=REGISTRY, as_of=on
    )
    next_end = (
        f"the next on {change_counts.next_end_on:%Y-%m-%d}" if change_counts.next_end_on else ""
    )
    yield ScorecardFact(
        "ending",
        "Releases with an announced retirement",
        change_counts.n_ending,
        detail=next_end,
        source=REGISTRY,
        as_of=on,
    )


_CLAUSES = {
    "notice_days_theirs": ("Contractual notice period for the provider", "days"),
    "deprecation_notice_days": ("Contractual notice of a model's retirement", "days"),
    "price_protection": ("Price protection", ""),
    "exit_clause": ("Exit clause", ""),
    "termination_assistance": ("Termination assistance", ""),
    "audit_right": ("Audit right", ""),
    "ip_indemnity": ("IP indemnity", ""),
    "training_use": ("Use of our data for training", ""),
}


def _contract_facts(contracts: Sequence[Contract], user: Any, on: date) -> Iterable[ScorecardFact]:
    """Yield the facts of the contracts in force, the developer's before those of hosts; for
    organisation roles."""
    labels = {
        "contract": "Recorded contract",
        "terms": "Terms last read",
        **{key: clause[0] for key, clause in _CLAUSES.items()},
    }
    if not user.can_read_all:
        yield from (hidden_fact(key, label) for key, label in labels.items())
        return
    contracts_in_force = [
        contract
        for contract in contracts
        if (contract.starts_on is None or contract.starts_on <= on)
        and (contract.ends_on is None or contract.ends_on > on)
    ]
    if not contracts_in_force:
        yield from (
            unknown_fact(key, label, "No valid contract is recorded.", scope=ORGANISATION_ROLE)
            for key, label in labels.items()
        )
        return
    yield ScorecardFact(
        "contract",
        labels["contract"],
        [contract.ref for contract in contracts_in_force],
        source=REGISTRY,
        as_of=max((day_of(contract.updated_at) for contract in contracts_in_force), default=on),
        scope=ORGANISATION_ROLE,
    )
    contracts_read = [contract for contract in contracts_in_force if contract.terms_read_on]
    if contracts_read:
        latest = max(contracts_read, key=lambda contract: contract.terms_read_on or date.min)
        yield _contract_fact(
            latest,
            "terms",
            labels["terms"],
            latest.terms_read_on.isoformat() if latest.terms_read_on else "",
        )
    else:
        yield unknown_fact(
            "terms",
            labels["terms"],
            "No reading date is recorded.",
            scope=ORGANISATION_ROLE,
        )
    for key, (label, unit) in _CLAUSES.items():
        source_contract = next(
            (
                contract
                for contract in contracts_in_force
                if getattr(contract, key) not in {None, ""}
            ),
            None,
        )
        if source_contract is None:
            yield unknown_fact(
                key,
                label,
                "Not recorded for the contract.",
                scope=ORGANISATION_ROLE,
            )
        else:
            value = getattr(source_contract, key)
            get_display = getattr(source_contract, f"get_{key}_display", None)
            yield _contract_fact(
                source_contract, key, label, get_display() if get_display else value, unit
            )


def _contract_fact(
    contract: Contract, key: str, label: str, value: Any, unit: str = ""
) -> ScorecardFact:
    return ScorecardFact(
        key,
        label,
        value,
        unit=unit,
        source=f"Contract {contract.ref}",
        source_url=contract.terms_url,
        as_of=contract.terms_read_on or day_of(contract.updated_at),
        scope=ORGANISATION_ROLE,
    )


def _annex_fact(
    foundations: Sequence[Foundation], data: ScorecardData, user: Any, on: date
) -> ScorecardFact:
    """Return how many Annex XII items are on file, with those that are open, overdue or refused;
    for organisation roles."""
    key, label = "annex_items", "Annex XII items received"
    if not user.can_read_all:
        return hidden_fact(key, label)
    if not foundations:
        return inapplicable_fact(
            key, label, "No foundations of this provider are recorded.", scope=ORGANISATION_ROLE
        )
    items = [item for row in foundations for item in data.annex.get(row.pk, ())]
    if not items:
        return unknown_fact(
            key, label, "No items are requested or recorded.", scope=ORGANISATION_ROLE
        )
    n_open = sum(item.status == AnnexItem.Status.REQUESTED for item in items)
    n_late = sum(
        item.status == AnnexItem.Status.REQUESTED and item.due_on is not None and item.due_on < on
        for item in items
    )
    n_refused = sum(item.status == AnnexItem.Status.REFUSED for item in items)
    counts = [(n_open, "requested"), (n_late, "overdue"), (n_refused, "refused")]
    return ScorecardFact(
        key,
        label,
        sum(item.status in ON_FILE for item in items),
        unit=f"of {N_ITEMS * len(foundations)}",
        detail=", ".join(f"{n} {label}" for n, label in counts if n),
        source=REGISTRY,
        as_of=max(day_of(item.updated_at) for item in items),
        scope=ORGANISATION_ROLE,
    )


def _party_facts(party: Provider) -> Iterable[ScorecardFact]:
    """Return the facts of a party; of a foundation, those of its developer."""
    source_fields: dict[str, Any] = {
        "source": "Catalogue",
        "source_url": party.source_url,
        "as_of": party.source_on,
    }
    if party.status_page_url:
        yield ScorecardFact("status_page", "Status page", party.status_page_url, **source_fields)
    else:
        yield unknown_fact(
            "status_page", "Status page", f"No status page of {party.name} is recorded."
        )
    if party.critical_third_party is None:
        yield unknown_fact(
            "critical_third_party",
            "Critical third party (DORA)",
            f"Not recorded for {party.name}.",
        )
    else:
        yield ScorecardFact(
            "critical_third_party",
            "Critical third party (DORA)",
            party.critical_third_party,
            source="Designation",
            source_url=party.critical_third_party_source,
            as_of=party.source_on,
        )


def _dependent_facts(dependents: DependentCounts, user: Any, on: date) -> Iterable[ScorecardFact]:
    """Yield how many applications depend on the candidate, and the share of them with a tested
    exit."""
    subject = "Our applications" if user.can_read_all else "Applications of your teams"
    n = dependents.n_applications
    yield ScorecardFact(
        "applications", f"{subject} that depend on it", n, source=REGISTRY, as_of=on, scope=OWN
    )
    label = f"{subject} with a tested exit"
    if not n:
        yield inapplicable_fact("tested_exits", label, "No application depends on it.", scope=OWN)
    else:
        yield ScorecardFact(
            "tested_exits",
            label,
            dependents.n_with_exit / n,
            unit="share",
            detail=f"{dependents.n_with_exit} of {n}",
            source=REGISTRY,
            as_of=on,
            scope=OWN,
        )
