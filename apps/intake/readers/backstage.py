"""Backstage catalogue files: applications, their owners, and the models that they declare.

Entities are identified by kind:namespace/name, regardless of case. A Component is an application. A
Resource of type ai-model (or llm, ml-model) is a local convention for a model: its name is resolved
like any other, and needs a user if it is unknown. The kind AiResource describes skills and rules;
Location, $text and similar refer to other files and are not followed. (backstage.io, descriptor
format.)"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from apps.intake.documents.records import (
    DescribedApplication,
    Document,
    Sighting,
    SkippedPart,
    UnreadableError,
    clean,
)
from apps.intake.models import Confidence
from apps.intake.readers.yaml_text import load_documents

MAX_ENTITIES = 20_000
_BACKSTAGE_API_VERSION = re.compile(r"backstage\.io/v1(alpha|beta)\d+")
_MODEL_TYPES = {"ai-model", "llm", "ml-model", "aimodel", "foundation-model"}
_STATUS = {
    "production": "production",
    "experimental": "pilot",
    "deprecated": "production",
    "proposed": "proposed",
}
_REFS = {
    "github.com/project-slug": "github",
    "gitlab.com/project-slug": "gitlab",
    "backstage.io/source-location": "source",
}


def read_backstage(body: bytes) -> Document:
    """Read the entities of a Backstage catalogue: its components as applications, and the models
    that they use. Raises UnreadableError without any entity or with too many."""
    document = Document(maker="backstage")
    entities: dict[str, tuple[Mapping[str, Any], str]] = {}
    for number, entity in enumerate(load_documents(body), 1):
        location = f"document {number}"
        ref = _build_ref(entity, location, document)
        if ref in entities:
            document.rejected.append(
                SkippedPart(location, f"{ref} is described twice; the first description is used.")
            )
        elif ref:
            entities[ref] = (entity, location)
    if len(entities) > MAX_ENTITIES:
        raise UnreadableError(
            f"The document has {len(entities):,} entities; at most {MAX_ENTITIES:,} can be read. "
            "Split it."
        )
    if not entities and not document.ignored:
        raise UnreadableError(
            "The document has no Backstage entity. An entity has an apiVersion, a kind and a "
            "metadata.name."
        )
    names = {
        ref: _title(entity)
        for ref, (entity, _) in entities.items()
        if ref.startswith(("group:", "user:"))
    }
    for ref, (entity, location) in entities.items():
        if ref.startswith("component:"):
            document.applications.append(_build_application(ref, entity, location, names, document))
    document.sightings = list(_find_sightings(entities))
    return document


def _build_ref(entity: Any, location: str, document: Document) -> str:
    """Return `kind:namespace/name` in lower case; empty, with the reason noted in `document`, for
    an unsupported or invalid entity."""
    if not isinstance(entity, Mapping):
        document.ignored.append(SkippedPart(location, "The entry is not an entity."))
        return ""
    kind, metadata = str(entity.get("kind", "")), _as_mapping(entity.get("metadata"))
    name = clean(metadata.get("name"))
    if not _BACKSTAGE_API_VERSION.fullmatch(str(entity.get("apiVersion", ""))):
        document.ignored.append(
            SkippedPart(
                location,
                f"{kind or 'The entity'} has an unsupported apiVersion: "
                f"{clean(entity.get('apiVersion'), 60)}.",
            )
        )
        return ""
    if kind.lower() in {"location", "airesource"}:
        reason = (
            "it refers to other files, which must be sent separately"
            if kind.lower() == "location"
            else ("skills and rules are not models")
        )
        document.ignored.append(SkippedPart(location, f"{kind} {name}: {reason}."))
        return ""
    if not name or not kind:
        document.rejected.append(
            SkippedPart(location, "The entity has no kind or no metadata.name.")
        )
        return ""
    return f"{kind}:{clean(metadata.get('namespace')) or 'default'}/{name}".lower()


def _build_application(
    ref: str, entity: Mapping[str, Any], location: str, names: Mapping[str, str], document: Document
) -> DescribedApplication:
    """Return the component as an application, with references to other systems from its
    annotations. A missing owner is noted in `document`. `names` is {reference of a group or user:
    its title}."""
    metadata, spec = _as_mapping(entity.get("metadata")), _as_mapping(entity.get("spec"))
    owner = _expand_ref(spec.get("owner"), ref, "group")
    if not owner:
        document.ignored.append(
            SkippedPart(
                location, f"{ref} has no owner: it is assigned to the team selected for the import."
            )
        )
    annotations = _as_mapping(metadata.get("annotations"))
    refs = {
        kind: clean(annotations[key], 300)
        for key, kind in _REFS.items()
        if isinstance(annotations.get(key), str)
    }
    purpose = metadata.get("description")
    return DescribedApplication(
        ref=ref,
        name=_title(entity),
        purpose=clean(purpose, 2_000) if isinstance(purpose, str) else "",
        owner=owner,
        owner_name=names.get(owner, ""),
        status=_STATUS.get(str(spec.get("lifecycle", "")).lower(), ""),
        refs={"backstage": ref, **refs},
        where=location,
    )


def _find_sightings(entities: Mapping[str, tuple[Mapping[str, Any], str]]) -> Iterator[Sighting]:
    """Yield one sighting per component and model that are connected, no matter which of the two
    entities declares it."""
    models = {
        ref: entity
        for ref, (entity, _) in entities.items()
        if ref.startswith("resource:")
        and str(_as_mapping(entity.get("spec")).get("type", "")).lower() in _MODEL_TYPES
    }
    seen_edges: set[tuple[str, str]] = set()
    for ref, (entity, location) in entities.items():
        spec = _as_mapping(entity.get("spec"))
        edges = [
            (ref, _expand_ref(reference, ref, "")) for reference in _as_list(spec.get("dependsOn"))
        ]
        edges += [
            (_expand_ref(reference, ref, ""), ref)
            for reference in _as_list(spec.get("dependencyOf"))
        ]
        for component, model in edges:
            if model in models and component in entities and component.startswith("component:"):
                if (component, model) in seen_edges:
                    continue
                seen_edges.add((component, model))
                metadata = _as_mapping(models[model].get("metadata"))
                labels = {
                    **_as_mapping(metadata.get("labels")),
                    **_as_mapping(metadata.get("annotations")),
                }
                yield Sighting(
                    requested=clean(
                        labels.get("model") or labels.get("ai/model") or metadata.get("name")
                    ),
                    provider=clean(labels.get("provider") or labels.get("ai/provider"), 120),
                    service=component,
                    confidence=Confidence.SHEET,
                    facts={"resource": model},
                    where=location,
                )


def _expand_ref(value: Any, referrer: str, kind: str) -> str:
    """Return the complete reference of `[kind:][namespace/]name`. A missing namespace is that of
    `referrer`, a missing kind is `kind`; empty without a name or a kind."""
    text = clean(value).lower() if isinstance(value, str) else ""
    if not text:
        return ""
    prefix, colon, path = text.rpartition(":")
    ref_kind = prefix if colon else kind
    if not ref_kind:
        return ""
    namespace, slash, name = path.rpartition("/")
    # by the descriptor format a missing namespace is `default`, but real files mean their own
    return (
        f"{ref_kind}:{namespace if slash else referrer.partition(':')[2].partition('/')[0]}/{name}"
    )


def _title(entity: Mapping[str, Any]) -> str:
    metadata = _as_mapping(entity.get("metadata"))
    profile = _as_mapping(_as_mapping(entity.get("spec")).get("profile"))
    return clean(profile.get("displayName") or metadata.get("title") or metadata.get("name"), 200)


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
