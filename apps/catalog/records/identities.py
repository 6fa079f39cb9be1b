"""Foundations, versions, aliases and derivations: models as developers publish them."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.utils.text import slugify

from apps.catalog.claims.manual_values import manual_row, manual_source
from apps.catalog.ingestion.change_detection.records import IDENTITY, CatalogueFact
from apps.catalog.ingestion.events import insert_events
from apps.catalog.models import (
    Alias,
    Derivation,
    Foundation,
    NodeKind,
    Offering,
    OfferingCandidate,
    Version,
)
from apps.catalog.records.base import RECORD_KEYS, CatalogueRecord, offerings_on_nodes
from apps.common.records.field_set import SOURCE_FIELDS, SOURCE_SECTION, FieldSection, FieldSet
from apps.common.time import day_of, now

_NAMES_HELP = {
    "names": "Names under which the developer publishes it. One per line.",
    "aliases": "Other spellings that mean exactly this. One per line.",
    "repositories": "Repositories with the weights, such as org/model. One per line.",
}
_NAMES = FieldSection("Names", ("names", "aliases", "repositories"))


class FoundationRecord(CatalogueRecord[Foundation]):
    """Foundations. Their slug is made from the line and stays, since URLs contain it."""

    field_set = FieldSet(
        model=Foundation,
        sections=(
            FieldSection("Foundation", ("line", "name", "developer", "family")),
            FieldSection(
                "Properties", ("modalities", "licence", "open_weights", "acceptable_use_url")
            ),
            SOURCE_SECTION,
        ),
        fixed=frozenset({"line"}),
        required=frozenset(SOURCE_FIELDS),
        labels={"acceptable_use_url": "Acceptable use policy"},
        help_texts={"modalities": "Such as text, image, audio. One per line."},
        keys=RECORD_KEYS,
    )
    derived_columns = ("slug",)
    node_kinds = frozenset({NodeKind.FOUNDATION})
    footing_columns = frozenset({"developer"})

    def derive(self, row: Foundation) -> None:
        """Set the slug of a new foundation; one that is taken gets a number."""
        if row.slug:
            return
        base = slugify(row.line.replace("/", "-"))[:150] or "foundation"
        slug, number = base, 1
        while Foundation.objects.filter(slug=slug).exists():
            number += 1
            slug = f"{base}-{number}"
        row.slug = slug


class VersionRecord(CatalogueRecord[Version]):
    """Versions. The identifier stays, since feeds and the built-in catalogue name it."""

    field_set = FieldSet(
        model=Version,
        sections=(
            FieldSection("Version", ("identifier", "name", "foundation", "predecessor")),
            FieldSection(
                "Properties",
                (
                    "released_on",
                    "released_precision",
                    "knowledge_cutoff",
                    "context_window",
                    "access",
                    "moving",
                ),
            ),
            _NAMES,
            SOURCE_SECTION,
        ),
        fixed=frozenset({"identifier"}),
        required=frozenset(SOURCE_FIELDS),
        labels={
            "released_precision": "Known to the",
            "moving": "Published only under an alias",
            "predecessor": "Previous version",
        },
        help_texts={
            "identifier": "developer/name, such as anthropic/claude-sonnet-4-5-20250929.",
            "released_on": "If only the month or year is known, enter its first day.",
            "knowledge_cutoff": "As published, such as 2025-03.",
            "predecessor": "Identifier of the version that it follows.",
            **_NAMES_HELP,
        },
        keys=RECORD_KEYS,
    )
    node_kinds = frozenset({NodeKind.VERSION})
    footing_columns = frozenset({"foundation"})

    def affected_by(self, row: Version) -> set[int]:
        """Include the names and products that may be any version of its foundation."""
        names = OfferingCandidate.objects.filter(foundation=row.foundation_id)
        return super().affected_by(row) | set(names.values_list("offering_id", flat=True))

    def validate(self, row: Version) -> None:
        if row.pk and row.predecessor_id == row.pk:
            raise ValidationError(
                {"predecessor": "A version cannot follow itself. Enter another version."}
            )


class AliasRecord(CatalogueRecord[Alias]):
    """Aliases. An alias that points to another version moves its offerings, which is an event of
    each."""

    field_set = FieldSet(
        model=Alias,
        sections=(
            FieldSection("Alias", ("identifier", "foundation", "kind", "version", "synonym_of")),
            _NAMES,
            SOURCE_SECTION,
        ),
        fixed=frozenset({"identifier"}),
        required=frozenset(SOURCE_FIELDS),
        help_texts={
            "identifier": "developer/name, such as anthropic/claude-sonnet-latest.",
            "kind": "A family covers several versions and points to none.",
            "version": "Identifier of the version to which it points.",
            **_NAMES_HELP,
        },
        keys=RECORD_KEYS,
    )
    footing_columns = frozenset({"version"})

    def validate(self, row: Alias) -> None:
        if row.version is not None and row.version.foundation_id != row.foundation_id:
            raise ValidationError(
                {"version": f"{row.version} is a version of another foundation. Enter one of it."}
            )

    def affected_by(self, row: Alias) -> set[int]:
        return set(Offering.objects.filter(alias=row).values_list("pk", flat=True))

    def after_write(self, row: Alias, *, before: Any, changed: frozenset[str], by: Any) -> None:
        if "version" in changed and before is not None:
            self._move_offerings(row)
        super().after_write(row, before=before, changed=changed, by=by)

    def _move_offerings(self, row: Alias) -> None:
        """Point the offerings with this alias to its version, and raise the events."""
        at, source = now(), manual_source()
        target = row.version.identifier if row.version else None
        offerings = list(
            Offering.objects.filter(alias=row)
            .exclude(version=row.version_id)
            .select_related("version")
        )
        facts = [
            (
                CatalogueFact(
                    "alias_moved",
                    manual_row(offering.pk),
                    IDENTITY,
                    offering.version.identifier if offering.version else None,
                    target,
                    day_of(at),
                    at,
                ),
                offering.pk,
                None,
            )
            for offering in offerings
        ]
        Offering.objects.filter(pk__in=[offering.pk for offering in offerings]).update(
            version=row.version
        )
        insert_events(source, facts)


class DerivationRecord(CatalogueRecord[Derivation]):
    """Derivations between versions. All kinds but the next generation hand on risks."""

    field_set = FieldSet(
        model=Derivation,
        sections=(FieldSection("Derivation", ("child", "kind", "parent")), SOURCE_SECTION),
        required=frozenset(SOURCE_FIELDS),
        labels={"child": "Version", "parent": "Made from"},
        help_texts={
            "child": "Identifier of the version that was made.",
            "parent": "Identifier of the version from which it was made.",
        },
        keys=RECORD_KEYS,
    )
    footing_columns: ClassVar[frozenset[str]] = frozenset({"child", "parent", "kind"})

    def affected_by(self, row: Derivation) -> set[int]:
        return offerings_on_nodes({NodeKind.VERSION}, row.child_id)

    def validate(self, row: Derivation) -> None:
        """Raise ValidationError if the parent descends from the version."""
        passed: set[int] = set()
        ancestors = {row.parent_id}
        while ancestors:
            if row.child_id in ancestors:
                raise ValidationError(
                    {
                        "parent": (
                            f"{row.parent} was itself made from {row.child}. Enter another version."
                        )
                    }
                )
            passed |= ancestors
            ancestors = (
                set(
                    Derivation.objects.filter(child__in=ancestors)
                    .exclude(pk=row.pk)
                    .values_list("parent_id", flat=True)
                )
                - passed
            )
