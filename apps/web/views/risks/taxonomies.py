"""Risk taxonomies: the registry's own kinds of risk, their mapping to public taxonomies, and which
entries have open risks here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
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
from apps.web.lists.columns import NO_VALUE, Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import PRINT_PAGE_SIZE
from apps.web.pages.filter_controls import FilterControl, FilterControls, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks import presenters
from apps.web.views.risks.foundation_risks import reach_of
from apps.web.wording import number

MAX_ENTRIES = 30
# the framework that the page shows without a choice
DEFAULT_TAXONOMY = "owasp-llm-2025"


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


def _matches_entry(entry: TaxonomyEntry, text: str) -> bool:
    """Return whether the code is `text`, or the code or name contains it."""
    return text.lower() in f"{entry.code} {entry.name}".lower()


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
    n_open: int
    entries: list[tuple[TaxonomyEntry, str]]

    @property
    def level(self) -> Level:
        return Level(self.template.usual_likelihood, self.template.usual_impact)


@dataclass(frozen=True, slots=True)
class MappingRow:
    """Row of the file: a mapping, and the open risks of its template."""

    mapping: TemplateMapping
    n_open: int


class Crosswalk(ListPage[RiskTemplate, TemplateRow]):
    """Risk templates by the filters of the URL, with their entries of one framework, and the
    entries of the framework with their templates. Its files are mappings in the terms of SSSOM."""

    namespace = "risk-templates"
    route = "crosswalk"
    title = "Templates and crosswalk"
    nouns = ("risk template", "risk templates")
    crumbs = (("Inherited risks", "inherited-risks:list"),)
    counts = "Templates, and open foundation risks that dependencies inherit"
    filterset_class = RiskTemplateFilter
    columns = (
        Column[TemplateRow](
            "template",
            "Template",
            lambda row: f"{row.template.code} {row.template.title}",
            url=lambda row: reverse("risk-templates:detail", args=[row.template.code]),
        ),
        Column[TemplateRow]("layer", "Layer", lambda row: row.template.get_layer_display()),
        Column[TemplateRow](
            "severity",
            "Usual severity",
            lambda row: presenters.describe_severity(row.level),
            css=lambda row: f"sev sev-{row.level.severity}",
        ),
        Column[TemplateRow](
            "open",
            "Open",
            attrgetter("n_open"),
            format=lambda value: number(value) if value else NO_VALUE,
            url=lambda row: (
                f"{reverse('foundation-risks:list')}?template={row.template.code}"
                if row.n_open
                else ""
            ),
            is_numeric=True,
        ),
        Column[TemplateRow](
            "entries", "Entries", attrgetter("entries"), template="risks/entries-cell.html"
        ),
    )
    file_columns = (
        FileColumn[MappingRow]("subject_id", attrgetter("mapping.template.code")),
        FileColumn[MappingRow]("subject_label", attrgetter("mapping.template.title")),
        FileColumn[MappingRow]("predicate_id", lambda row: f"skos:{row.mapping.predicate}"),
        FileColumn[MappingRow]("object_source", attrgetter("mapping.entry.taxonomy.slug")),
        FileColumn[MappingRow]("object_id", attrgetter("mapping.entry.code")),
        FileColumn[MappingRow]("object_label", attrgetter("mapping.entry.name")),
        FileColumn[MappingRow]("mapping_justification", attrgetter("mapping.justification")),
        FileColumn[MappingRow]("author_label", attrgetter("mapping.author")),
        FileColumn[MappingRow](
            "object_source_version", attrgetter("mapping.entry.taxonomy.version")
        ),
        FileColumn[MappingRow]("licence", attrgetter("mapping.entry.taxonomy.licence")),
        FileColumn[MappingRow]("source", attrgetter("mapping.entry.taxonomy.source_url")),
        FileColumn[MappingRow]("open risks here", attrgetter("n_open")),
    )
    has_details_in_files = True
    default_order = ("", ("code",))
    # the templates are few, and the entries of the framework need all of them
    page_size = PRINT_PAGE_SIZE
    table_css = "crosswalk"
    template = "risks/crosswalk.html"
    listing_template = "risks/crosswalk-rows.html"

    def get_queryset(self) -> "QuerySet[RiskTemplate]":
        return RiskTemplate.objects.all()

    def narrow(self, queryset: "QuerySet[RiskTemplate]") -> "QuerySet[RiskTemplate]":
        if not self.entry_text or self.selected is None:
            return queryset
        return queryset.filter(pk__in={mapping.template_id for mapping in self.selected_mappings})

    @cached_property
    def mappings(self) -> Sequence[TemplateMapping]:
        return list(
            TemplateMapping.objects.select_related("entry__taxonomy").order_by("entry__code")
        )

    @cached_property
    def n_open(self) -> Counter[int]:
        return _count_open_risks()

    @cached_property
    def coverages(self) -> Sequence[TaxonomyCoverage]:
        return taxonomy_coverage(self.mappings, self.n_open)

    @cached_property
    def selected(self) -> TaxonomyCoverage | None:
        """The framework of the URL, otherwise DEFAULT_TAXONOMY or the first with mappings."""
        by_slug = {coverage.taxonomy.slug: coverage for coverage in self.coverages}
        return (
            by_slug.get(self.request.GET.get("taxonomy", ""))
            or by_slug.get(DEFAULT_TAXONOMY)
            or next((coverage for coverage in self.coverages if coverage.n_mapped), None)
        )

    @property
    def entry_text(self) -> str:
        """The entry that the URL names, by its code or name."""
        return " ".join(self.request.GET.get("entry", "").split())[:80]

    @cached_property
    def selected_mappings(self) -> Sequence[TemplateMapping]:
        """The mappings to entries of the selected framework that the URL names."""
        return [
            mapping
            for mapping in self.mappings
            if self.selected
            and mapping.entry.taxonomy_id == self.selected.taxonomy.pk
            and _matches_entry(mapping.entry, self.entry_text)
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        taxonomies = [coverage.taxonomy for coverage in self.coverages]
        return (
            FilterControl(
                "taxonomy",
                "Framework",
                choices=[(taxonomy.slug, taxonomy.name) for taxonomy in taxonomies],
            ),
            FilterControl("entry", "Entry, such as LLM09", "search"),
            FilterControl("layer", "Layer", choices=Layer.choices),
        )

    @cached_property
    def filters(self) -> FilterControls:
        shown = {"taxonomy": self.selected.taxonomy.slug if self.selected else ""}
        return build_filter_controls(self.request, self.filterset, self.get_controls(), shown)

    def build_rows(self, records: Sequence[RiskTemplate]) -> Sequence[TemplateRow]:
        taxonomy_id = self.selected.taxonomy.pk if self.selected else 0
        by_template: dict[int, list[tuple[TaxonomyEntry, str]]] = {}
        for mapping in self.mappings:
            if mapping.entry.taxonomy_id == taxonomy_id:
                entry = (mapping.entry, mapping.get_predicate_display())
                by_template.setdefault(mapping.template_id, []).append(entry)
        return [
            TemplateRow(template, self.n_open[template.pk], by_template.get(template.pk, []))
            for template in records
        ]

    @cached_property
    def entries(self) -> Sequence[EntryRow]:
        """The entries of the selected framework with their templates, those with open risks
        first."""
        if self.selected is None:
            return ()
        rows = _build_entry_rows(self.selected, self.listing.rows, self.mappings, self.n_open)
        return [row for row in rows if _matches_entry(row.entry, self.entry_text)]

    def build_file_rows(self, records: Sequence[RiskTemplate]) -> Iterable[MappingRow]:
        mappings = TemplateMapping.objects.filter(template__in=records)
        if self.entry_text:
            mappings = mappings.filter(pk__in=[mapping.pk for mapping in self.selected_mappings])
        elif self.request.GET.get("taxonomy"):
            mappings = mappings.filter(entry__taxonomy__slug=self.request.GET["taxonomy"])
        ordered = mappings.select_related("template", "entry__taxonomy").order_by(
            "template__code", "entry__taxonomy__slug", "entry__code"
        )
        return [MappingRow(mapping, self.n_open[mapping.template_id]) for mapping in ordered]

    def get_lead(self) -> Headline:
        """Return the coverage of the framework, or the templates with open risks."""
        if self.selected:
            coverage = self.selected
            return presenters.coverage_headline(
                coverage.taxonomy.name, coverage.n_open, coverage.n_entries
            )
        n_used = sum(1 for row in self.rows if row.n_open)
        return Headline(
            f"{n_used} of {len(self.rows)} risk templates have open risks on catalogue records."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add template", reverse("records:create", args=["risk-templates"])),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No risk templates yet.",
            "Templates are types of risk that dependencies inherit. The command manage.py "
            "load_catalogue adds the built-in ones.",
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
