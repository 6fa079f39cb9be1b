"""Backstage catalogue files: applications, their owners, and the models that they declare.

Entities are identified by kind:namespace/name, regardless of case. A Component is an application. A
Resource of type ai-model (or llm, ml-model) is a local convention for a model: its name is looked
up like any other, and waits for a user if it is unknown. The kind AiResource describes skills and
rules, and Location, $text and the like point elsewhere: neither is followed. (backstage.io,
descriptor format.)"""

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
_OWN_KINDS = re.compile(r"backstage\.io/v1(alpha|beta)\d+")
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
    document = Document(maker="backstage")
    entities: dict[str, tuple[Mapping[str, Any], str]] = {}
    for number, entity in enumerate(load_documents(body), 1):
        where = f"document {number}"
        ref = _own_ref(entity, where, document)
        if ref in entities:
            document.rejected.append(
                SkippedPart(where, f"{ref} is described twice; the first description is used.")
            )
        elif ref:
            entities[ref] = (entity, where)
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
    for ref, (entity, where) in entities.items():
        if ref.startswith("component:"):
            document.applications.append(_application(ref, entity, where, names, document))
    document.sightings = list(_sightings(entities))
    return document


def _own_ref(entity: Any, where: str, document: Document) -> str:
    """Return `kind:namespace/name` in lower case; empty, with the reason noted, if the entity is of
    no kind that is read."""
    if not isinstance(entity, Mapping):
        document.ignored.append(SkippedPart(where, "The entry is not an entity."))
        return ""
    kind, metadata = str(entity.get("kind", "")), _mapping(entity.get("metadata"))
    name = clean(metadata.get("name"))
    if not _OWN_KINDS.fullmatch(str(entity.get("apiVersion", ""))):
        document.ignored.append(
            SkippedPart(
                where,
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
        document.ignored.append(SkippedPart(where, f"{kind} {name}: {reason}."))
        return ""
    if not name or not kind:
        document.rejected.append(SkippedPart(where, "The entity has no kind or no metadata.name."))
        return ""
    return f"{kind}:{clean(metadata.get('namespace')) or 'default'}/{name}".lower()


def _application(
    ref: str, entity: Mapping[str, Any], where: str, names: Mapping[str, str], document: Document
) -> DescribedApplication:
    metadata, spec = _mapping(entity.get("metadata")), _mapping(entity.get("spec"))
    owner = _full_ref(spec.get("owner"), ref, "group")
    if not owner:
        document.ignored.append(
            SkippedPart(
                where, f"{ref} has no owner: it is assigned to the team selected for the import."
            )
        )
    annotations = _mapping(metadata.get("annotations"))
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
        where=where,
    )


def _sightings(entities: Mapping[str, tuple[Mapping[str, Any], str]]) -> Iterator[Sighting]:
    """Return an edge between a component and a model, whichever of the two declares it."""
    models = {
        ref: entity
        for ref, (entity, _) in entities.items()
        if ref.startswith("resource:")
        and str(_mapping(entity.get("spec")).get("type", "")).lower() in _MODEL_TYPES
    }
    seen: set[tuple[str, str]] = set()
    for ref, (entity, where) in entities.items():
        spec = _mapping(entity.get("spec"))
        edges = [(ref, _full_ref(each, ref, "")) for each in _listed(spec.get("dependsOn"))]
        edges += [(_full_ref(each, ref, ""), ref) for each in _listed(spec.get("dependencyOf"))]
        for component, model in edges:
            if model in models and component in entities and component.startswith("component:"):
                if (component, model) in seen:
                    continue
                seen.add((component, model))
                metadata = _mapping(models[model].get("metadata"))
                labels = {
                    **_mapping(metadata.get("labels")),
                    **_mapping(metadata.get("annotations")),
                }
                yield Sighting(
                    requested=clean(
                        labels.get("model") or labels.get("ai/model") or metadata.get("name")
                    ),
                    provider=clean(labels.get("provider") or labels.get("ai/provider"), 120),
                    service=component,
                    confidence=Confidence.SHEET,
                    facts={"resource": model},
                    where=where,
                )


def _full_ref(said: Any, near: str, kind: str) -> str:
    """Expand `[kind:][namespace/]name`; a missing namespace is that of the referring entity, a
    missing kind is `kind`."""
    text = clean(said).lower() if isinstance(said, str) else ""
    if not text:
        return ""
    before, colon, rest = text.rpartition(":")
    own = before if colon else kind
    if not own:
        return ""
    space, slash, name = rest.rpartition("/")
    # the descriptor format: a namespace left out is `default`; files in the wild mean their own
    return f"{own}:{space if slash else near.partition(':')[2].partition('/')[0]}/{name}"


def _title(entity: Mapping[str, Any]) -> str:
    metadata = _mapping(entity.get("metadata"))
    profile = _mapping(_mapping(entity.get("spec")).get("profile"))
    return clean(profile.get("displayName") or metadata.get("title") or metadata.get("name"), 200)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
