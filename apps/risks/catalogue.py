"""Loads the built-in risk catalogue of `fixtures/risks/`: templates, modifiers, taxonomies and what
maps to what.

These rows are the release's: a newer one replaces them, and a second run of one release writes
nothing. An own template under a code of ours stays as it is. Only modifiers and mappings that the
release has dropped are deleted.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

from apps.common.database.bulk_writes import update_rows
from apps.common.history.context import audit_context
from apps.risks.models import Modifier, RiskTemplate, Taxonomy, TaxonomyEntry, TemplateMapping

CATALOGUE_FOLDER: Path = settings.BASE_DIR / "fixtures" / "risks"
_LOCK = 7_201_804_428

type Record = dict[str, Any]

_TAXONOMY = ("slug", "name", "version", "licence", "attribution", "source_url", "coverage")
_ENTRY = ("code", "name", "text", "url")
_TEMPLATE = (
    "code",
    "title",
    "description",
    "layer",
    "inherits_by_default",
    "applies_when",
    "usual_likelihood",
    "usual_impact",
    "stale_by",
    "suggested_tests",
    "suggested_treatments",
    "sources",
)


def read_records(name: str, folder: Path = CATALOGUE_FOLDER) -> Iterator[Record]:
    """The records of `<name>.jsonl`; empty parts are left out there."""
    for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        if line:
            yield json.loads(line)


def load_risk_catalogue(*, folder: Path = CATALOGUE_FOLDER) -> dict[str, int]:
    """Bring the database up to the built-in risk catalogue; {kind of record: rows written}."""
    with audit_context(job="load_risk_catalogue"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        counts: dict[str, int] = {}
        taxonomies = [
            _build_row(Taxonomy, record, _TAXONOMY) for record in read_records("taxonomies", folder)
        ]
        counts["taxonomies"] = _synchronise(Taxonomy, ("slug",), taxonomies)
        taxonomy = dict(Taxonomy.objects.values_list("slug", "pk"))
        entries = [
            {
                "taxonomy_id": taxonomy[record["taxonomy"]],
                **_build_row(TaxonomyEntry, record, _ENTRY),
            }
            for record in read_records("entries", folder)
        ]
        counts["entries"] = _synchronise(TaxonomyEntry, ("taxonomy_id", "code"), entries)

        templates = list(read_records("templates", folder))
        custom_codes = set(
            RiskTemplate.objects.filter(built_in=False).values_list("code", flat=True)
        )
        built_in_rows = [
            {**_build_row(RiskTemplate, record, _TEMPLATE), "built_in": True}
            for record in templates
            if record["code"] not in custom_codes
        ]
        counts["templates"] = _synchronise(RiskTemplate, ("code",), built_in_rows)
        template = dict(RiskTemplate.objects.filter(built_in=True).values_list("code", "pk"))
        modifiers = [
            {"template_id": template[record["code"]], **modifier}
            for record in templates
            if record["code"] in template
            for modifier in record.get("modifiers", [])
        ]
        counts["modifiers"] = _synchronise(
            Modifier, ("template_id", "adaptation"), modifiers, of=template.values()
        )

        entry = {
            (slug, code): pk
            for slug, code, pk in TaxonomyEntry.objects.values_list("taxonomy__slug", "code", "pk")
        }
        mappings = [
            {
                "template_id": template[record["template"]],
                "entry_id": entry[record["taxonomy"], record["entry"]],
                "predicate": record["predicate"],
                "justification": record["justification"],
                "author": record["author"],
            }
            for record in read_records("mappings", folder)
            if record["template"] in template
        ]
        counts["mappings"] = _synchronise(
            TemplateMapping, ("template_id", "entry_id"), mappings, of=template.values()
        )
        return counts


def _build_row(
    model: type[models.Model], record: Mapping[str, Any], names: Iterable[str]
) -> Record:
    """These fields of the record; what it leaves out is the model's default."""
    row = {}
    for name in names:
        field: Any = model._meta.get_field(name)
        row[name] = record[name] if name in record else field.get_default()
    return row


def _synchronise(
    model: type[models.Model],
    key: tuple[str, ...],
    rows: list[Record],
    *,
    of: Iterable[int] | None = None,
) -> int:
    """Insert what is missing and write what differs, by `key`; with `of`, drop other rows of these
    templates."""
    manager = model._default_manager
    columns = ["pk", *key, *(name for name in (rows[0] if rows else {}) if name not in key)]
    queryset = (
        manager.order_by() if of is None else manager.order_by().filter(template_id__in=list(of))
    )
    stored_rows = {tuple(row[name] for name in key): row for row in queryset.values(*columns)}
    new = [row for row in rows if tuple(row[name] for name in key) not in stored_rows]
    manager.bulk_create([model(**row) for row in new])
    changes: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        stored_row = stored_rows.get(tuple(row[name] for name in key))
        if stored_row is not None and any(stored_row[name] != value for name, value in row.items()):
            changes[stored_row["pk"]] = {
                name: value for name, value in row.items() if stored_row[name] != value
            }
    n_written = len(new) + update_rows(model, changes)
    if of is not None:
        keys = {tuple(row[name] for name in key) for row in rows}
        obsolete_ids = [row["pk"] for identity, row in stored_rows.items() if identity not in keys]
        if obsolete_ids:
            n_written += manager.filter(pk__in=obsolete_ids).delete()[0]
    return n_written
