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
# the framework that the page shows without a choice
DEFAULT_TAXONOMY = "owasp-llm-2025"
Match = TemplateMapping.Match


@dataclass
class TaxonomyCoverage:
    """Coverage of a taxonomy: its entries, those mapped to a template, and those with an open
    risk."""

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


def _count_open_risks() -> Counter[int]:
    """Return {template ID: number of its open, inherited risks}; one statement."""
    rows = (
        FoundationRisk.objects.handed_on()
        .filter(template__isnull=False)
        .values_list("template_id", flat=True)
    )
    return Counter(rows.order_by())


def taxonomy_coverage(
    mappings: Iterable[TemplateMapping], n_open: Counter[int]
) -> list[TaxonomyCoverage]:
    """Return the coverage of each taxonomy; two statements."""
    coverages: dict[int, TaxonomyCoverage] = {
        taxonomy.pk: TaxonomyCoverage(taxonomy) for taxonomy in Taxonomy.objects.order_by("name")
    }
    sizes = Counter(TaxonomyEntry.objects.order_by().values_list("taxonomy_id", flat=True))
    mapped_entries: dict[int, set[int]] = {}
    open_entries: dict[int, set[int]] = {}
    for mapping in mappings:
        mapped_entries.setdefault(mapping.entry.taxonomy_id, set()).add(mapping.entry_id)
        if n_open[mapping.template_id]:
            open_entries.setdefault(mapping.entry.taxonomy_id, set()).add(mapping.entry_id)
    for pk, coverage in coverages.items():
        coverage.n_entries = sizes[pk]
        coverage.n_mapped = len(mapped_entries.get(pk, ()))
        coverage.n_open = len(open_entries.get(pk, ()))
    return list(coverages.values())


@require_safe
def crosswalk(request: HttpRequest) -> HttpResponse:
    """Show the risk templates, and which entries of the taxonomies they cover."""
    at = now()
    signed_in_user(request)
    filterset = RiskTemplateFilter(
        request.GET, RiskTemplate.objects.order_by("code"), request=request
    )
    templates: Sequence[RiskTemplate] = list(filterset.qs)
    mappings = list(
        TemplateMapping.objects.select_related("entry__taxonomy").order_by("entry__code")
    )
    n_open = _count_open_risks()
    coverages = taxonomy_coverage(mappings, n_open)
    selected = _selected_coverage(request, coverages)
    entry = " ".join(request.GET.get("entry", "").split())[:80]
    if selected and entry:
        templates = _templates_of_entry(templates, mappings, selected, entry)
    return render_page(
        request,
        "risks/crosswalk.html",
        fragment="listing",
        title="Risk templates and crosswalk",
        crumbs=(("Inherited risks", reverse("inherited-risks:list")),),
        counts="Templates, and open foundation risks that dependencies inherit",
        as_of=at,
        sentence=_build_headline(templates, selected, n_open),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl(
                    "taxonomy",
                    "Framework",
                    choices=[(c.taxonomy.slug, c.taxonomy.name) for c in coverages],
                ),
                FilterControl("entry", "Entry, such as LLM09", "search"),
                FilterControl("layer", "Layer", choices=Layer.choices),
            ],
            {"taxonomy": selected.taxonomy.slug if selected else ""},
        ),
        coverage=coverages,
        chosen=selected,
        entries=[
            row
            for row in _build_entry_rows(selected, templates, mappings, n_open)
            if _matches_entry(row.entry, entry)
        ]
        if selected
        else [],
        rows=_build_template_rows(
            templates, mappings, n_open, selected.taxonomy.pk if selected else 0
        ),
        severities=presenters.SEVERITIES,
        is_filtered=any(request.GET.values()),
    )


def _selected_coverage(
    request: HttpRequest, coverages: Sequence[TaxonomyCoverage]
) -> TaxonomyCoverage | None:
    """Return the framework of the URL, otherwise DEFAULT_TAXONOMY or the first with mappings."""
    by_slug = {coverage.taxonomy.slug: coverage for coverage in coverages}
    return (
        by_slug.get(request.GET.get("taxonomy", ""))
        or by_slug.get(DEFAULT_TAXONOMY)
        or next((coverage for coverage in coverages if coverage.n_mapped), None)
    )


def _matches_entry(entry: TaxonomyEntry, text: str) -> bool:
    """Return whether the code is `text`, or the code or name contains it."""
    return text.lower() in f"{entry.code} {entry.name}".lower()


def _templates_of_entry(
    templates: Iterable[RiskTemplate],
    mappings: Iterable[TemplateMapping],
    coverage: TaxonomyCoverage,
    text: str,
) -> list[RiskTemplate]:
    template_ids = {
        mapping.template_id
        for mapping in mappings
        if mapping.entry.taxonomy_id == coverage.taxonomy.pk and _matches_entry(mapping.entry, text)
    }
    return [template for template in templates if template.pk in template_ids]


def _build_headline(
    templates: Sequence[RiskTemplate], selected: TaxonomyCoverage | None, n_open: Counter[int]
) -> Headline:
    if selected:
        return presenters.coverage_headline(
            selected.taxonomy.name, selected.n_open, selected.n_entries
        )
    n_used = sum(1 for template in templates if n_open[template.pk])
    return Headline(
        f"{n_used} of {len(templates)} risk templates have open risks on catalogue records."
    )


def _build_entry_rows(
    coverage: TaxonomyCoverage,
    templates: Sequence[RiskTemplate],
    mappings: Iterable[TemplateMapping],
    n_open: Counter[int],
) -> list[EntryRow]:
    """Return the entries of a taxonomy with their templates, those with open risks first. `n_open`
    is {template: open risks}."""
    by_pk = {template.pk: template for template in templates}
    rows = {entry.pk: EntryRow(entry) for entry in coverage.taxonomy.entries.order_by("code")}
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
    """Row of a risk template; `entries` are its entries of the selected framework, each with the
    kind of mapping."""

    template: RiskTemplate
    severity: int
    severity_words: str
    n_open: int
    entries: list[tuple[TaxonomyEntry, str]]


def _build_template_rows(
    templates: Sequence[RiskTemplate],
    mappings: Iterable[TemplateMapping],
    n_open: Counter[int],
    taxonomy_id: int,
) -> list[TemplateRow]:
    """Return the templates with their entries of one taxonomy."""
    by_template: dict[int, list[tuple[TaxonomyEntry, str]]] = {}
    for mapping in mappings:
        if mapping.entry.taxonomy_id == taxonomy_id:
            by_template.setdefault(mapping.template_id, []).append(
                (mapping.entry, mapping.get_predicate_display())
            )
    rows = []
    for template in templates:
        level = Level(template.usual_likelihood, template.usual_impact)
        rows.append(
            TemplateRow(
                template,
                level.severity,
                presenters.describe_severity(level),
                n_open[template.pk],
                by_template.get(template.pk, []),
            )
        )
    return rows


@require_safe
def crosswalk_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send one row per mapping, in the terms of SSSOM, for the templates and the taxonomy that
    match the filters."""
    signed_in_user(request)
    filterset = RiskTemplateFilter(request.GET, RiskTemplate.objects.all(), request=request)
    mappings = TemplateMapping.objects.select_related("template", "entry__taxonomy").filter(
        template__in=filterset.qs.order_by().values("pk")
    )
    if request.GET.get("taxonomy"):
        mappings = mappings.filter(entry__taxonomy__slug=request.GET["taxonomy"])
    n_open = _count_open_risks()

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
    """Show a risk template with its mappings and open risks."""
    user, at = signed_in_user(request), now()
    template = get_object_or_404(RiskTemplate.objects.all(), code=code)
    open_risks = (
        FoundationRisk.objects.handed_on().filter(template=template).select_related("node", "owner")
    )
    risks = list(with_node_names(open_risks.order_by("-inherent", "pk"))[:MAX_ENTRIES])
    reach = reach_of(
        user, day_of(at), [risk.pk for risk in risks], is_stored=count_basis(user).stored
    )
    level = Level(template.usual_likelihood, template.usual_impact)
    return render_page(
        request,
        "risks/template.html",
        title=f"{template.code} {template.title}",
        crumbs=(
            ("Inherited risks", reverse("inherited-risks:list")),
            ("Templates and crosswalk", reverse("risk-templates:crosswalk")),
        ),
        counts="Open foundation risks of this template, and active dependencies that inherit them",
        as_of=at,
        sentence=Headline(f"{template.title}."),
        kind=template,
        level=level,
        level_words=presenters.describe_level(level),
        severity=presenters.describe_severity(level),
        modifiers=[
            (
                row,
                Adaptation.Kind(row.adaptation).label,
                presenters.describe_steps(row.likelihood),
                presenters.describe_steps(row.impact),
                row.rationale,
            )
            for row in template.modifiers.all()
        ],
        mappings=list(
            TemplateMapping.objects.filter(template=template)
            .select_related("entry__taxonomy")
            .order_by("entry__taxonomy__name", "entry__code")
        ),
        risks=[
            (risk, reach.get(risk.pk, RiskReach()), Level(risk.likelihood, risk.impact))
            for risk in risks
        ],
        severities=presenters.SEVERITIES,
        stale_by=[event.replace("_", " ") for event in template.stale_by],
    )
