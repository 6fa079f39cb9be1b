"""Subjects of causes: the records that `Cause.subject` names, with their labels."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from apps.accounts.models import ApiToken
from apps.catalog.models import Foundation, Incident, Offering, Provider, Source, Version
from apps.exposure.models import Campaign, ExposureFlag, Policy
from apps.exposure.node_names import node_names
from apps.intake.models import Discrepancy
from apps.inventory.models import (
    Application,
    Approval,
    Contract,
    Dependency,
    ProposedUseCase,
    Selection,
)
from apps.risks.models import Assessment, FoundationRisk


@dataclass(frozen=True, slots=True)
class Subject:
    """The record that a cause is about. `type` and `pk` find it; `name` is for readers, `canonical`
    for programs (`version:openai/gpt-4.1-2025-04-14`)."""

    type: str
    pk: int
    name: str
    canonical: str
    exists: bool = True


def split_subject(subject: str) -> tuple[str, int]:
    """Return the type and ID of `version:12` or `application:4/review`."""
    record = subject.partition("/")[0]
    kind, _, pk = record.partition(":")
    return kind, int(pk)


def load_subjects(subjects: Iterable[str]) -> dict[str, Subject]:
    """Return {subject: its record}; one statement for each type. A record that no longer exists is
    called by its type."""
    by_type: dict[str, set[int]] = defaultdict(set)
    wanted = set(subjects)
    for subject in wanted:
        kind, pk = split_subject(subject)
        by_type[kind].add(pk)
    names = {kind: _LOADERS[kind](ids) for kind, ids in by_type.items() if kind in _LOADERS}
    loaded = {}
    for subject in wanted:
        kind, pk = split_subject(subject)
        found = names.get(kind, {}).get(pk)
        name, identifier = found or (f"a deleted {_label(kind)}", str(pk))
        qualifier = subject.partition("/")[2]
        canonical = f"{kind}:{identifier}" + (f"/{qualifier}" if qualifier else "")
        loaded[subject] = Subject(kind, pk, name, canonical, exists=found is not None)
    return loaded


def _label(kind: str) -> str:
    return {
        "flag": "exposure flag",
        "source": "feed",
        "token": "API token",
        "use_case": "proposed use case",
    }.get(kind, kind)


# {ID: (name for readers, identifier for programs)}
type _Names = Mapping[int, tuple[str, str]]


def _load_versions(ids: Collection[int]) -> _Names:
    versions = Version.objects.filter(pk__in=ids).select_related("foundation")
    return {version.pk: (_version_name(version), version.identifier) for version in versions}


def _version_name(version: Version) -> str:
    return version.name or version.identifier


def _load_offerings(ids: Collection[int]) -> _Names:
    offerings = Offering.objects.filter(pk__in=ids).select_related("host")
    return {
        offering.pk: (offering.label, f"{offering.host.slug}/{offering.api_id}")
        for offering in offerings
    }


def _load_dependencies(ids: Collection[int]) -> _Names:
    dependencies = Dependency.objects.filter(pk__in=ids).select_related("offering__host")
    return {
        dependency.pk: (str(dependency.offering), str(dependency.pk)) for dependency in dependencies
    }


def _load_applications(ids: Collection[int]) -> _Names:
    rows = Application.objects.filter(pk__in=ids).values_list("pk", "name", "slug")
    return {pk: (name, slug) for pk, name, slug in rows}


def _load_flags(ids: Collection[int]) -> _Names:
    flags = list(ExposureFlag.objects.filter(pk__in=ids).select_related("policy"))
    nodes = node_names([flag.node_id for flag in flags if flag.node_id is not None])
    names = {}
    for flag in flags:
        name = str(flag.policy)
        if flag.node_id is not None and flag.node_id in nodes:
            name = f"{name}: {nodes[flag.node_id].label}"
        names[flag.pk] = (name, str(flag.pk))
    return names


def _load_approvals(ids: Collection[int]) -> _Names:
    approvals = Approval.objects.filter(pk__in=ids).select_related(
        "provider", "foundation", "version", "offering__host"
    )
    names = {}
    for approval in approvals:
        version = approval.version
        name = _version_name(version) if version is not None else str(approval.target)
        names[approval.pk] = (name, str(approval.pk))
    return names


def _load_risks(ids: Collection[int]) -> _Names:
    risks = FoundationRisk.objects.filter(pk__in=ids).select_related("template")
    return {
        risk.pk: (
            f"{risk.template.code}, {risk.title or risk.template.title}"
            if risk.template
            else risk.title,
            str(risk.pk),
        )
        for risk in risks
    }


def _load_assessments(ids: Collection[int]) -> _Names:
    rows = Assessment.objects.filter(pk__in=ids).values_list("pk", "risk_id")
    risks = _load_risks({risk for _, risk in rows})
    return {pk: (risks[risk][0], str(pk)) for pk, risk in rows if risk in risks}


def _load_discrepancies(ids: Collection[int]) -> _Names:
    names = {}
    for row in Discrepancy.objects.filter(pk__in=ids):
        label, details = row.get_kind_display(), row.details
        model = details.get("api_id") or details.get("called") or details.get("now")
        names[row.pk] = (f"{label}: {model}" if model else label, str(row.pk))
    return names


def _load_sources(ids: Collection[int]) -> _Names:
    rows = Source.objects.filter(pk__in=ids).values_list("pk", "name", "slug")
    return {pk: (name, slug) for pk, name, slug in rows}


def _load_campaigns(ids: Collection[int]) -> _Names:
    rows = Campaign.objects.filter(pk__in=ids).values_list("pk", "title")
    return {pk: (title, str(pk)) for pk, title in rows}


def _load_policies(ids: Collection[int]) -> _Names:
    rows = Policy.objects.filter(pk__in=ids).values_list("pk", "name", "slug")
    return {pk: (name, slug) for pk, name, slug in rows}


def _load_providers(ids: Collection[int]) -> _Names:
    rows = Provider.objects.filter(pk__in=ids).values_list("pk", "name", "slug")
    return {pk: (name, slug) for pk, name, slug in rows}


def _load_foundations(ids: Collection[int]) -> _Names:
    rows = Foundation.objects.filter(pk__in=ids).values_list("pk", "name", "slug")
    return {pk: (name, slug) for pk, name, slug in rows}


def _load_confirmation_settings(ids: Collection[int]) -> _Names:
    return dict.fromkeys(ids, ("decisions that a second person confirms", "settings"))


def _load_contracts(ids: Collection[int]) -> _Names:
    contracts = Contract.objects.filter(pk__in=ids).select_related("party")
    return {
        contract.pk: (f"{contract.name or contract.ref} with {contract.party}", contract.ref)
        for contract in contracts
    }


def _load_selections(ids: Collection[int]) -> _Names:
    rows = Selection.objects.filter(pk__in=ids).values_list("pk", "title")
    return {pk: (title, str(pk)) for pk, title in rows}


def _load_tokens(ids: Collection[int]) -> _Names:
    tokens = ApiToken.objects.filter(pk__in=ids).select_related("user")
    return {token.pk: (f"{token.name} of {token.user}", str(token.pk)) for token in tokens}


def _load_incidents(ids: Collection[int]) -> _Names:
    rows = Incident.objects.filter(pk__in=ids).values_list(
        "pk", "host__name", "title", "host__slug", "external_id"
    )
    return {
        pk: (f"{host}: {title}", f"{slug}/{external_id}")
        for pk, host, title, slug, external_id in rows
    }


def _load_use_cases(ids: Collection[int]) -> _Names:
    rows = ProposedUseCase.objects.filter(pk__in=ids).values_list("pk", "name", "reference")
    return {pk: (name, reference) for pk, name, reference in rows}


_LOADERS: dict[str, Callable[[Collection[int]], _Names]] = {
    "version": _load_versions,
    "offering": _load_offerings,
    "dependency": _load_dependencies,
    "application": _load_applications,
    "flag": _load_flags,
    "approval": _load_approvals,
    "risk": _load_risks,
    "assessment": _load_assessments,
    "source": _load_sources,
    "discrepancy": _load_discrepancies,
    "campaign": _load_campaigns,
    "contract": _load_contracts,
    "selection": _load_selections,
    "token": _load_tokens,
    "policy": _load_policies,
    "provider": _load_providers,
    "foundation": _load_foundations,
    "confirmation": _load_confirmation_settings,
    "use_case": _load_use_cases,
    "incident": _load_incidents,
}
