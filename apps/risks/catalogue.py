"""Loader of the built-in risk catalogue in `fixtures/risks/`: templates, modifiers, taxonomies and
mappings.

These rows belong to the release: a newer release replaces them, and loading one release twice
writes nothing. Own templates are unchanged even under a built-in code. Only modifiers and mappings
that the release no longer has are deleted.
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
    """Yield the records of `<name>.jsonl`; a record omits its empty fields."""
    for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        if line:
            yield json.loads(line)


def load_risk_catalogue(*, folder: Path = CATALOGUE_FOLDER) -> dict[str, int]:
    """Update the database to the built-in risk catalogue; return {kind of record: rows written}."""
    with audit_context(job="load_risk_catalogue"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        counts: dict[str, int] = {}
        taxonomies = [
            _build_row(Taxonomy, record, _TAXONOMY) for record in read_records("taxonomies", folder)
        ]
        counts["taxonomies"] = _synchronise_rows(Taxonomy, ("slug",), taxonomies)
        taxonomy = dict(Taxonomy.objects.values_list("slug", "pk"))
        entries = [
            {
                "taxonomy_id": taxonomy[record["taxonomy"]],
                **_build_row(TaxonomyEntry, record, _ENTRY),
            }
            for record in read_records("entries", folder)
        ]
        counts["entries"] = _synchronise_rows(TaxonomyEntry, ("taxonomy_id", "code"), entries)

        templates = list(read_records("templates", folder))
        custom_codes = set(
            RiskTemplate.objects.filter(built_in=False).values_list("code", flat=True)
        )
        built_in_rows = [
            {**_build_row(RiskTemplate, record, _TEMPLATE), "built_in": True}
            for record in templates
            if record["code"] not in custom_codes
        ]
        counts["templates"] = _synchronise_rows(RiskTemplate, ("code",), built_in_rows)
        template = dict(RiskTemplate.objects.filter(built_in=True).values_list("code", "pk"))
        modifiers = [
            {"template_id": template[record["code"]], **modifier}
            for record in templates
            if record["code"] in template
            for modifier in record.get("modifiers", [])
        ]
        counts["modifiers"] = _synchronise_rows(
            Modifier, ("template_id", "adaptation"), modifiers, template_ids=template.values()
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
        counts["mappings"] = _synchronise_rows(
            TemplateMapping, ("template_id", "entry_id"), mappings, template_ids=template.values()
        )
        return counts


def _build_row(
    model: type[models.Model], record: Mapping[str, Any], names: Iterable[str]
) -> Record:
    """Return these fields of the record, with the model's default for missing ones."""
    row = {}
    for name in names:
        field: Any = model._meta.get_field(name)
        row[name] = record[name] if name in record else field.get_default()
    return row


def _synchronise_rows(
    model: type[models.Model],
    key: tuple[str, ...],
    rows: list[Record],
    *,
    template_ids: Iterable[int] | None = None,
) -> int:
    """Insert missing rows and update changed ones by `key`; return the number of rows written.

    With `template_ids`, delete other rows of these templates.
    """
    manager = model._default_manager
    columns = ["pk", *key, *(name for name in (rows[0] if rows else {}) if name not in key)]
    queryset = (
        manager.order_by()
        if template_ids is None
        else manager.order_by().filter(template_id__in=list(template_ids))
    )
    stored_rows = {tuple(row[name] for name in key): row for row in queryset.values(*columns)}
    new_rows = [row for row in rows if tuple(row[name] for name in key) not in stored_rows]
    manager.bulk_create([model(**row) for row in new_rows])
    changes: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        stored_row = stored_rows.get(tuple(row[name] for name in key))
        if stored_row is not None and any(stored_row[name] != value for name, value in row.items()):
            changes[stored_row["pk"]] = {
                name: value for name, value in row.items() if stored_row[name] != value
            }
    n_written = len(new_rows) + update_rows(model, changes)
    if template_ids is not None:
        keys = {tuple(row[name] for name in key) for row in rows}
        obsolete_ids = [row["pk"] for identity, row in stored_rows.items() if identity not in keys]
        if obsolete_ids:
            n_written += manager.filter(pk__in=obsolete_ids).delete()[0]
    return n_written
