"""CycloneDX bill of materials (ECMA-424) of the models that applications depend on; version 1.7, or
1.6 on request.

Hosted models are services of their host; the releases behind them are machine-learning-model
components with a model card and their lineage as pedigree; adaptations are data or model
components. Facts of the registry for which the standard has no field are properties named
`registry:...`."""

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from apps.accounts.models import User
from apps.catalog.capabilities.fields import DATA_TERMS
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import Derivation, Offering, Version
from apps.inventory.models import Adaptation, Application, Dependency
from apps.reports.model_cards import (
    ModelCardFacts,
    build_model_card,
    list_references,
    load_model_facts,
    own_references,
    without_empty,
)

SPEC_VERSION = "1.7"
SPEC_VERSIONS = (SPEC_VERSION, "1.6")
MEDIA_TYPE = "application/vnd.cyclonedx+json"
_TOOL_REF = "tool:foundation-registry"
# per document, because readers load it into memory
MAX_APPLICATIONS = 1_000
_NAMESPACE = uuid.UUID("6d0f8f5e-6a0b-5d0e-9b0a-0c5b2c1f7a11")
_MAX_GENERATIONS = 8
# names of licences in the catalogue that are SPDX ids
_SPDX = frozenset(
    {
        "Apache-2.0",
        "MIT",
        "BSD-3-Clause",
        "BSD-2-Clause",
        "CC-BY-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "GPL-3.0-only",
        "AGPL-3.0-only",
        "MPL-2.0",
    }
)
_KINDS = {
    Adaptation.Kind.FINE_TUNE: "machine-learning-model",
    Adaptation.Kind.PROMPT: "data",
    Adaptation.Kind.FEW_SHOT: "data",
    Adaptation.Kind.RETRIEVAL: "data",
    Adaptation.Kind.AGENTIC_TOOLS: "data",
}


def build_bom(
    applications: Sequence[Application],
    *,
    user: User,
    name: str,
    ref: str,
    on: date,
    at: datetime,
    spec: str = SPEC_VERSION,
) -> Any:
    """Build the document of these applications, which the caller can view and has loaded with their
    teams; about ten statements for any number. `name` and `ref` are those of the subject of the
    document, `spec` is one of SPEC_VERSIONS."""
    dependencies = list(
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=on), application__in=applications, since__lte=on
        )
        .select_related(
            "offering__host",
            "offering__gateway",
            "offering__version__foundation__developer",
            "offering__replacement",
            "offering__alias",
            "via_party",
        )
        .order_by("application_id", "role", "fallback_order", "pk")
    )
    offerings = {row.offering.pk: row.offering for row in dependencies}
    versions = {
        row.version.pk: row.version for row in offerings.values() if row.version is not None
    }
    parents, ancestors = _load_lineage(versions)
    adaptations = list(
        Adaptation.objects.filter(dependency__in=dependencies).order_by("dependency", "pk")
    )
    facts = load_model_facts(
        user, applications, versions, offerings, _list_users(applications, dependencies)
    )
    terms = settled_values(list(offerings), DATA_TERMS)
    only_application = applications[0] if len(applications) == 1 else None
    components = [
        *([] if only_application else [_application_component(row) for row in applications]),
        *(
            _model_component(row, parents, ancestors, facts, offerings.values(), spec)
            for row in versions.values()
        ),
        *(_adaptation_component(row) for row in adaptations),
    ]
    services = [
        _build_service(row, _data_classes(row, dependencies, applications), terms.get(row.pk, {}))
        for row in offerings.values()
    ]
    subject = (
        _application_component(only_application)
        if only_application
        else {"type": "application", "bom-ref": ref, "name": name}
    )
    body = {
        "components": components,
        "services": services,
        "dependencies": list(
            _build_edges(
                ref,
                applications,
                dependencies,
                adaptations,
                versions,
                offerings,
                sole=only_application is not None,
            )
        ),
        **(
            without_empty({"citations": _list_citations(components, versions)})
            if spec == SPEC_VERSION
            else {}
        ),
    }
    digest = hashlib.sha256(
        json.dumps([ref, body], sort_keys=True, default=str).encode()
    ).hexdigest()
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec,
        # the same content has the same number, so that repeated imports are recognised
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "lifecycles": [{"phase": "operations"}],
            "tools": {
                "components": [
                    {"type": "application", "bom-ref": _TOOL_REF, "name": "Foundation Registry"}
                ]
            },
            "component": subject,
            **(
                {"supplier": {"name": settings.ORGANISATION_NAME}}
                if settings.ORGANISATION_NAME
                else {}
            ),
        },
        **body,
    }


def _build_edges(
    ref: str,
    applications: Sequence[Application],
    dependencies: Sequence[Dependency],
    adaptations: Sequence[Adaptation],
    versions: dict[int, Version],
    offerings: dict[int, Offering],
    *,
    sole: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the dependencies of each component: applications on services and adaptations, services
    on models."""
    adaptation_refs: dict[int, list[str]] = defaultdict(list)
    for row in adaptations:
        adaptation_refs[row.dependency_id].append(f"adaptation:{row.pk}")
    refs_by_application: dict[int, dict[str, None]] = {row.pk: {} for row in applications}
    offering_by_dependency = {use.pk: use.offering_id for use in dependencies}
    for use in dependencies:
        refs_by_application[use.application_id].update(
            dict.fromkeys([f"offering:{use.offering_id}", *adaptation_refs[use.pk]])
        )
    if not sole:
        yield {"ref": ref, "dependsOn": [f"application:{row.slug}" for row in applications]}
    for application in applications:
        yield {
            "ref": f"application:{application.slug}",
            "dependsOn": list(refs_by_application[application.pk]),
        }
    for adaptation in adaptations:
        offering = offering_by_dependency[adaptation.dependency_id]
        yield {"ref": f"adaptation:{adaptation.pk}", "dependsOn": [f"offering:{offering}"]}
    for offering_ in offerings.values():
        version_refs = [_version_ref(offering_.version)] if offering_.version is not None else []
        yield {"ref": f"offering:{offering_.pk}", "dependsOn": version_refs}
    for version in versions.values():
        yield {"ref": _version_ref(version), "dependsOn": []}


def _version_ref(version: Version) -> str:
    return f"version:{version.identifier}"


# --- components -----------------------------------------------------------------------------------


def _application_component(row: Application) -> dict[str, Any]:
    """Return the application as a CycloneDX component."""
    facts = {
        "team": row.team.slug,
        "criticality": row.get_criticality_display().lower(),
        "status": row.status,
        "ai-act-class": row.ai_act_class,
        "ai-act-role": row.ai_act_role,
        "data-classification": row.data_classification,
        "personal-data": row.personal_data,
        "business-function": row.business_function,
    }
    return without_empty(
        {
            "type": "application",
            "bom-ref": f"application:{row.slug}",
            "name": row.name,
            "description": row.purpose,
            "properties": _build_properties(facts),
        }
    )


def _model_component(
    row: Version,
    parents: dict[int, list[Derivation]],
    ancestors: dict[int, Version],
    facts: ModelCardFacts,
    offerings: Iterable[Offering],
    spec: str,
) -> dict[str, Any]:
    """Return the version as a CycloneDX component, with its ancestors, sources and model card."""
    version_offerings = [offering for offering in offerings if offering.version_id == row.pk]
    lineage = _pedigree(row, parents, ancestors)
    return without_empty(
        {
            **_basic_model_component(row),
            "externalReferences": list_references(row, version_offerings, facts),
            "pedigree": lineage,
            "modelCard": build_model_card(row, version_offerings, facts),
            # the host runs a model without weights
            "isExternal": True
            if spec == SPEC_VERSION and row.access == Version.Access.API
            else None,
            "properties": _build_properties(
                {
                    "released-on": row.released_on,
                    "knowledge-cutoff": row.knowledge_cutoff,
                    "context-window-tokens": row.context_window,
                    "access": row.access,
                    "moving": row.moving or None,
                    "open-weights": row.foundation.open_weights,
                    "family": row.foundation.family,
                    "source-on": row.source_on,
                    "repositories": ", ".join(row.repositories[:5]),
                }
            ),
        }
    )


def _basic_model_component(row: Version, *, with_ref: bool = True) -> dict[str, Any]:
    """Return the names, licences and links of a version. `with_ref` is False for ancestors, since a
    reference must be unique in the document."""
    foundation = row.foundation
    return without_empty(
        {
            "type": "machine-learning-model",
            "bom-ref": _version_ref(row) if with_ref else None,
            "supplier": {"name": foundation.developer.name},
            "group": foundation.developer.slug,
            "name": foundation.name,
            "version": row.identifier,
            "licenses": _licences(foundation.licence),
            "externalReferences": own_references(row),
        }
    )


def _licences(licence: str) -> list[dict[str, Any]]:
    if not licence:
        return []
    return [{"license": {"id": licence} if licence in _SPDX else {"name": licence}}]


def _pedigree(
    row: Version, parents: dict[int, list[Derivation]], ancestors: dict[int, Version]
) -> dict[str, Any]:
    """Return its ancestors, the nearest first, and the edges to them."""
    ancestor_ids: dict[int, None] = {}
    edges: list[str] = []
    frontier = [row.pk]
    while frontier:
        parent_edges = [
            edge
            for pk in frontier
            for edge in parents.get(pk, [])
            if edge.parent_id not in ancestor_ids
        ]
        edges += [
            f"{edge.child.identifier} is a {edge.get_kind_display().lower()} of "
            f"{edge.parent.identifier}."
            for edge in parent_edges
        ]
        frontier = list(dict.fromkeys(edge.parent_id for edge in parent_edges))
        ancestor_ids.update(dict.fromkeys(frontier))
    if not ancestor_ids:
        return {}
    return {
        "ancestors": [_basic_model_component(ancestors[pk], with_ref=False) for pk in ancestor_ids],
        "notes": " ".join(edges),
    }


def _adaptation_component(row: Adaptation) -> dict[str, Any]:
    """Return the adaptation as a CycloneDX component."""
    kind = _KINDS[Adaptation.Kind(row.kind)]
    return without_empty(
        {
            "type": kind,
            "bom-ref": f"adaptation:{row.pk}",
            "name": row.name or row.get_kind_display(),
            "description": row.note,
            "data": [{"type": "other", "name": row.get_kind_display()}] if kind == "data" else [],
            "properties": _build_properties(
                {
                    "adaptation": row.kind,
                    "artefact": row.artefact_ref,
                    "moves": row.moves,
                    "invested-days": row.invested_days,
                }
            ),
        }
    )


def _build_service(
    row: Offering, data_classes: Sequence[str], terms: Mapping[str, SettledValue]
) -> dict[str, Any]:
    """Return the offering as a CycloneDX service that receives data of these classes on these
    terms."""
    return without_empty(
        {
            "bom-ref": f"offering:{row.pk}",
            "provider": without_empty(
                {"name": row.host.name, "url": [url for url in [row.host.terms_url] if url]}
            ),
            "group": row.host.slug,
            "name": row.api_id,
            "version": row.version.identifier if row.version else None,
            "x-trust-boundary": True,
            "data": [
                {"flow": "bi-directional", "classification": data_class}
                for data_class in data_classes
            ],
            "externalReferences": [
                {"type": kind, "url": url}
                for kind, url in (
                    ("other", row.host.deprecation_policy_url),
                    ("other", row.host.status_page_url),
                )
                if url
            ],
            "properties": _build_properties(
                {
                    "lifecycle": row.lifecycle,
                    "announced-on": row.announced_on,
                    "retires-on": row.retires_on,
                    "date-kind": row.date_kind,
                    "end-behaviour": row.end_behaviour,
                    "binding": row.binding,
                    "region": row.region_scope,
                    "tier": row.service_tier,
                    "category": row.category,
                    "gateway": row.gateway.slug if row.gateway else None,
                    "alias": row.alias.identifier if row.alias else None,
                    "replacement": row.replacement.api_id
                    if row.replacement
                    else row.replacement_text,
                    "identity-confidence": row.identity_confidence,
                    **_term_facts(terms),
                }
            ),
        }
    )


def _term_facts(terms: Mapping[str, SettledValue]) -> dict[str, Any]:
    """Return the known data terms and the source of each."""
    facts: dict[str, Any] = {}
    for name, term in terms.items():
        if term.value is None:
            continue
        label = f"data-term:{name.replace('_', '-')}"
        facts[label] = ", ".join(term.value) if isinstance(term.value, list) else term.value
        facts[f"{label}:source"] = f"{term.source}, {term.at}" if term.at else term.source
    return facts


def _data_classes(
    row: Offering, dependencies: Sequence[Dependency], applications: Sequence[Application]
) -> list[str]:
    classes = {application.pk: application.data_classification for application in applications}
    return sorted(
        {
            data_class
            for dependency in dependencies
            if dependency.offering_id == row.pk
            and (data_class := classes[dependency.application_id])
        }
    )


# --- queries --------------------------------------------------------------------------------------


def _load_lineage(
    versions: dict[int, Version],
) -> tuple[dict[int, list[Derivation]], dict[int, Version]]:
    """Return ({child: edges to its parents}, every ancestor), up to eight generations, with one
    statement each."""
    parents: dict[int, list[Derivation]] = defaultdict(list)
    ancestors: dict[int, Version] = {}
    frontier = set(versions)
    for _ in range(_MAX_GENERATIONS):
        if not frontier:
            break
        edges = list(
            Derivation.objects.filter(child__in=frontier)
            .select_related("child", "parent__foundation__developer")
            .order_by("child", "parent", "kind")
        )
        for edge in edges:
            parents[edge.child_id].append(edge)
        frontier = {edge.parent_id for edge in edges} - ancestors.keys()
        ancestors.update({edge.parent_id: edge.parent for edge in edges})
    return parents, ancestors


def _list_users(
    applications: Sequence[Application], dependencies: Sequence[Dependency]
) -> dict[int, list[Application]]:
    """Return {version ID: applications that depend on it}, each once."""
    by_id = {application.pk: application for application in applications}
    users: dict[int, dict[int, Application]] = defaultdict(dict)
    for use in dependencies:
        if use.offering.version_id is not None:
            users[use.offering.version_id][use.application_id] = by_id[use.application_id]
    return {version: list(rows.values()) for version, rows in users.items()}


def _list_citations(
    components: Sequence[dict[str, Any]], versions: dict[int, Version]
) -> list[dict[str, Any]]:
    """Return a citation for each component whose source and day are stored: this registry supplied
    it, as read there."""
    places = {component.get("bom-ref"): at for at, component in enumerate(components)}
    return [
        {
            "pointers": [f"/components/{places[_version_ref(row)]}"],
            "timestamp": f"{row.source_on}T00:00:00Z",
            "attributedTo": _TOOL_REF,
            "note": f"Read at {row.source_url}",
        }
        for row in versions.values()
        if row.source_url and row.source_on is not None
    ]


def _build_properties(facts: dict[str, Any]) -> list[dict[str, str]]:
    """Return the known facts as properties; booleans as words, dates as dates."""
    return [
        {
            "name": f"registry:{name}",
            "value": str(value).lower() if isinstance(value, bool) else str(value),
        }
        for name, value in facts.items()
        if value is not None and value != ""
    ]
