"""Risk templates of the organisation, with their modifiers and mappings. Those of the release are
read-only: a newer release replaces them."""

from typing import Any

from django.db import models

from apps.catalog.models import ProviderEvent
from apps.common.errors import ConflictError
from apps.common.records.field_set import FieldSection, FieldSet
from apps.common.records.record_type import RecordType
from apps.risks.actions.counts import request_count
from apps.risks.models import Modifier, RiskTemplate, TaxonomyEntry, TemplateMapping

_BUILT_IN_SENTENCE = (
    "This template is part of the release, and a newer release replaces it. Add a template of your "
    "own instead."
)
# causes that make assessments stale
STALENESS_CAUSES = [*ProviderEvent.Kind.choices, ("exit_test_expired", "Exit test expired")]
RECORD_KEYS: dict[type[models.Model], str] = {RiskTemplate: "code", TaxonomyEntry: "pk"}


class RiskTemplateRecord(RecordType[RiskTemplate]):
    """Risk templates. The code stays, since URLs name it."""

    field_set = FieldSet(
        model=RiskTemplate,
        sections=(
            FieldSection("Risk", ("code", "title", "description", "layer")),
            FieldSection(
                "Inheritance",
                (
                    "usual_likelihood",
                    "usual_impact",
                    "inherits_by_default",
                    "applies_when",
                    "stale_by",
                ),
            ),
            FieldSection("Suggestions", ("suggested_tests", "suggested_treatments")),
            FieldSection("Source", ("sources",)),
        ),
        fixed=frozenset({"code"}),
        required=frozenset({"sources"}),
        labels={
            "inherits_by_default": "Inherited by default",
            "applies_when": "Condition",
            "stale_by": "Assessments become stale by",
        },
        help_texts={
            "code": "Short and unique, such as ACME-1.",
            "suggested_tests": "One per line.",
            "suggested_treatments": "One per line.",
            "sources": "Links or titles of what describes this risk. One per line.",
        },
        choices={"stale_by": STALENESS_CAUSES},
    )

    def refuse_unless_editable(self, row: RiskTemplate) -> None:
        refuse_built_in(row)

    def after_write(
        self, row: RiskTemplate, *, before: Any, changed: frozenset[str], by: Any
    ) -> None:
        """Request new counts: a condition decides which dependencies inherit a risk."""
        request_count()


class ModifierRecord(RecordType[Modifier]):
    """Modifiers: the effect of adaptations on the risks of a template."""

    field_set = FieldSet(
        model=Modifier,
        sections=(
            FieldSection(
                "Modifier", ("template", "adaptation", "likelihood", "impact", "rationale")
            ),
        ),
        fixed=frozenset({"template"}),
        help_texts={
            "likelihood": "Steps by which the adaptation changes it, from -2 to 2.",
            "impact": "Steps by which the adaptation changes it, from -2 to 2.",
        },
        keys=RECORD_KEYS,
    )

    def refuse_unless_editable(self, row: Modifier) -> None:
        refuse_built_in(row.template)

    def validate(self, row: Modifier) -> None:
        refuse_built_in(row.template)


class TemplateMappingRecord(RecordType[TemplateMapping]):
    """Mappings of templates to entries of public taxonomies."""

    field_set = FieldSet(
        model=TemplateMapping,
        sections=(
            FieldSection("Mapping", ("template", "entry", "predicate", "justification", "author")),
        ),
        fixed=frozenset({"template", "entry"}),
        labels={"entry": "Entry of the taxonomy", "predicate": "Relationship"},
        help_texts={
            "justification": "Of SSSOM, such as semapv:ManualMappingCuration.",
            "author": "Name of the person who compared them.",
        },
        keys=RECORD_KEYS,
    )

    def refuse_unless_editable(self, row: TemplateMapping) -> None:
        refuse_built_in(row.template)

    def validate(self, row: TemplateMapping) -> None:
        refuse_built_in(row.template)


def refuse_built_in(template: RiskTemplate) -> None:
    """Raise ConflictError for a template of the release."""
    if template.built_in:
        raise ConflictError(_BUILT_IN_SENTENCE)
