"""Risk taxonomies: the registry's own kinds of risk, their mapping to public taxonomies, and which
entries have open risks here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.time import day_of, now
from apps.inventory.models import Adaptation
from apps.risks.filters import RiskTemplateFilter
from apps.risks.levels import Level
from apps.risks.models import (
    FoundationRisk,
    Layer,
    RiskTemplate,
    Taxonomy,
    TaxonomyEntry,
    TemplateMapping,
)
from apps.risks.queries.counts import count_basis
from apps.risks.queries.node_names import with_node_names
from apps.risks.queries.reach import RiskReach
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks import presenters
from apps.web.views.risks.foundation_risks import reach_of

MAX_ENTRIES = 30
Match = TemplateMapping.Match


@dataclass
class TaxonomyCoverage:
    """Coverage of a taxonomy: how many of its stored entries are mapped to a template, and have an
    open risk here."""

    taxonomy: Taxonomy
    n_entries: int = 0
    n_mapped: int = 0
    n_open: int = 0


@dataclass
class EntryRow:
    """Entry of a taxonomy with the templates mapped to it: (template, kind of mapping, open
    risks)."""

    entry: TaxonomyEntry
    templates: list[tuple[RiskTemplate, str, int]] = field(default_factory=list)

    @property
    def n_open(self) -> int:
        return sum(n for _template, _kind, n in self.templates)


def _open_by_template() -> Counter[int]:
    """{template: its open risks that are handed on}; one statement."""
    rows = (
        FoundationRisk.objects.handed_on()
        .filter(template__isnull=False)
        .values_list("template_id", flat=True)
    )
    return Counter(rows.order_by())


def taxonomy_coverage(
    mappings: Iterable[TemplateMapping], n_open: Counter[int]
) -> list[TaxonomyCoverage]:
    """One statement, beside the mappings."""
    found: dict[int, TaxonomyCoverage] = {
        taxonomy.pk: TaxonomyCoverage(taxonomy) for taxonomy in Taxonomy.objects.order_by("name")
    }
    sizes = Counter(TaxonomyEntry.objects.order_by().values_list("taxonomy_id", flat=True))
    mapped: dict[int, set[int]] = {}
    opened: dict[int, set[int]] = {}
    for mapping in mappings:
        mapped.setdefault(mapping.entry.taxonomy_id, set()).add(mapping.entry_id)
        if n_open[mapping.template_id]:
            opened.setdefault(mapping.entry.taxonomy_id, set()).add(mapping.entry_id)
    for pk, coverage in found.items():
        coverage.n_entries = sizes[pk]
        coverage.n_mapped = len(mapped.get(pk, ()))
        coverage.n_open = len(opened.get(pk, ()))
    return list(found.values())


@require_safe
def crosswalk(request: HttpRequest) -> HttpResponse:
    at = now()
    signed_in_user(request)
    found = RiskTemplateFilter(request.GET, RiskTemplate.objects.order_by("code"), request=request)
    templates: Sequence[RiskTemplate] = list(found.qs)
    mappings = list(
        TemplateMapping.objects.select_related("entry__taxonomy").order_by("entry__code")
    )
    n_open = _open_by_template()
    coverage = taxonomy_coverage(mappings, n_open)
    chosen = next(
        (each for each in coverage if each.taxonomy.slug == request.GET.get("taxonomy")), None
    )
    return render_page(
        request,
        "risks/crosswalk.html",
        fragment="listing",
        title="Risk templates and crosswalk",
        crumbs=(("Risks", reverse("inherited-risks:list")),),
        counts="Templates, and open foundation risks that are handed on",
        as_of=at,
        sentence=_sentence(templates, chosen, n_open),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl(
                    "taxonomy",
                    "Crosswalk",
                    choices=[(c.taxonomy.slug, c.taxonomy.name) for c in coverage],
                ),
                FilterControl("layer", "Layer", choices=Layer.choices),
            ],
        ),
        coverage=coverage,
        chosen=chosen,
        entries=_entries(chosen, templates, mappings, n_open) if chosen else [],
        taxonomies=[each.taxonomy for each in coverage if each.n_mapped],
        rows=_rows(templates, mappings, n_open, coverage),
        severities=presenters.SEVERITIES,
        is_filtered=any(request.GET.values()),
    )


def _sentence(
    templates: Sequence[RiskTemplate], chosen: TaxonomyCoverage | None, n_open: Counter[int]
) -> Headline:
    if chosen:
        return presenters.coverage_headline(chosen.taxonomy.name, chosen.n_open, chosen.n_entries)
    n_used = sum(1 for template in templates if n_open[template.pk])
    return Headline(
        f"{n_used} of {len(templates)} kinds of risk are open on something the catalogue knows."
    )


def _entries(
    chosen: TaxonomyCoverage,
    templates: Sequence[RiskTemplate],
    mappings: Iterable[TemplateMapping],
    n_open: Counter[int],
) -> list[EntryRow]:
    by_pk = {template.pk: template for template in templates}
    rows = {entry.pk: EntryRow(entry) for entry in chosen.taxonomy.entries.order_by("code")}
    for mapping in mappings:
        if mapping.entry_id in rows and mapping.template_id in by_pk:
            rows[mapping.entry_id].templates.append(
                (
                    by_pk[mapping.template_id],
                    mapping.get_predicate_display(),
                    n_open[mapping.template_id],
                )
            )
    return sorted(
        rows.values(), key=lambda row: (row.n_open == 0, not row.templates, row.entry.code)
    )


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """Risk template; `cells` are, per mapped taxonomy, the entries with the kind of mapping."""

    template: RiskTemplate
    severity: int
    severity_words: str
    n_open: int
    cells: list[list[tuple[TaxonomyEntry, str]]]


def _rows(
    templates: Sequence[RiskTemplate],
    mappings: Iterable[TemplateMapping],
    n_open: Counter[int],
    coverage: Sequence[TaxonomyCoverage],
) -> list[TemplateRow]:
    by_template: dict[int, dict[int, list[tuple[TaxonomyEntry, str]]]] = {}
    for mapping in mappings:
        cells = by_template.setdefault(mapping.template_id, {})
        cells.setdefault(mapping.entry.taxonomy_id, []).append(
            (mapping.entry, mapping.get_predicate_display())
        )
    shown = [each.taxonomy.pk for each in coverage if each.n_mapped]
    rows = []
    for template in templates:
        level = Level(template.usual_likelihood, template.usual_impact)
        mapped = by_template.get(template.pk, {})
        rows.append(
            TemplateRow(
                template,
                level.severity,
                presenters.describe_severity(level),
                n_open[template.pk],
                [mapped.get(pk, []) for pk in shown],
            )
        )
    return rows


@require_safe
def crosswalk_csv(request: HttpRequest) -> StreamingHttpResponse:
    """A row a mapping, in the terms of SSSOM, of the templates and the taxonomy that the filters
    leave."""
    signed_in_user(request)
    found = RiskTemplateFilter(request.GET, RiskTemplate.objects.all(), request=request)
    mappings = TemplateMapping.objects.select_related("template", "entry__taxonomy").filter(
        template__in=found.qs.order_by().values("pk")
    )
    if request.GET.get("taxonomy"):
        mappings = mappings.filter(entry__taxonomy__slug=request.GET["taxonomy"])
    n_open = _open_by_template()

    def cells(mapping: TemplateMapping) -> list[Any]:
        entry = mapping.entry
        return [
            mapping.template.code,
            mapping.template.title,
            f"skos:{mapping.predicate}",
            entry.taxonomy.slug,
            entry.code,
            entry.name,
            mapping.justification,
            mapping.author,
            entry.taxonomy.version,
            entry.taxonomy.licence,
            entry.taxonomy.source_url,
            n_open[mapping.template_id],
        ]

    return csv_response(
        "risk-crosswalk",
        [
            "subject_id",
            "subject_label",
            "predicate_id",
            "object_source",
            "object_id",
            "object_label",
            "mapping_justification",
            "author_label",
            "object_source_version",
            "licence",
            "source",
            "open risks here",
        ],
        mappings.order_by("template__code", "entry__taxonomy__slug", "entry__code"),
        cells,
    )


@require_safe
def template_detail(request: HttpRequest, code: str) -> HttpResponse:
    user, at = signed_in_user(request), now()
    found = get_object_or_404(RiskTemplate.objects.all(), code=code)
    open_ = (
        FoundationRisk.objects.handed_on().filter(template=found).select_related("node", "owner")
    )
    risks = list(with_node_names(open_.order_by("-inherent", "pk"))[:MAX_ENTRIES])
    reach = reach_of(user, day_of(at), [risk.pk for risk in risks], stored=count_basis(user).stored)
    level = Level(found.usual_likelihood, found.usual_impact)
    return render_page(
        request,
        "risks/template.html",
        title=f"{found.code} {found.title}",
        crumbs=(
            ("Risks", reverse("inherited-risks:list")),
            ("Templates", reverse("risk-templates:crosswalk")),
        ),
        counts="Open foundation risks of this kind, and live dependencies that inherit them",
        as_of=at,
        sentence=Headline(f"{found.title}."),
        kind=found,
        level=level,
        level_words=presenters.describe_level(level),
        severity=presenters.describe_severity(level),
        modifiers=[
            (
                Adaptation.Kind(row.adaptation).label,
                presenters.describe_steps(row.likelihood),
                presenters.describe_steps(row.impact),
                row.rationale,
            )
            for row in found.modifiers.all()
        ],
        mappings=list(
            TemplateMapping.objects.filter(template=found)
            .select_related("entry__taxonomy")
            .order_by("entry__taxonomy__name", "entry__code")
        ),
        risks=[
            (risk, reach.get(risk.pk, RiskReach()), Level(risk.likelihood, risk.impact))
            for risk in risks
        ],
        severities=presenters.SEVERITIES,
        stale_by=[word.replace("_", " ") for word in found.stale_by],
    )
