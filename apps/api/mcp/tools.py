"""Tools: questions that programs ask, each answered by resources of REST.

Arguments and answers are typed, so that a program reads them from the schemas. Identifiers of the
registry (slugs, IDs, words of an enumeration, URLs of pages) are plain; all other texts are
`UntrustedText`.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from apps.api.catalog.catalog import (
    FoundationViewSet,
    OfferingViewSet,
    ProviderViewSet,
    VersionViewSet,
)
from apps.api.catalog.products import ProductViewSet
from apps.api.exposure.blast_radius import (
    FoundationBlastRadiusView,
    OfferingBlastRadiusView,
    ProviderBlastRadiusView,
    VersionBlastRadiusView,
)
from apps.api.exposure.concentration import ConcentrationView
from apps.api.inventory.applications import ApplicationViewSet
from apps.api.inventory.findings import FindingsView
from apps.api.inventory.fit import FitView
from apps.api.inventory.runways import RunwaysView
from apps.api.issues.issues import IssueViewSet
from apps.api.mcp.answers import (
    DEFAULT_ROWS,
    MAX_ROWS,
    NOTICE,
    Extent,
    UntrustedText,
    cut_rows,
    page_url,
    read_fitting_page,
    untrusted,
)
from apps.api.mcp.rest_reads import Caller, RestRefusalError, read_record
from apps.catalog.models import Offering

type Rows = Annotated[
    int, Meta(ge=1, le=MAX_ROWS, description=f"Rows of the answer, at most {MAX_ROWS}.")
]
type Cursor = Annotated[
    str, Meta(max_length=500, description="`next_cursor` of the previous answer; empty at first.")
]
type Slug = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[-a-zA-Z0-9_]+$")]
type Word = Annotated[str, Meta(max_length=200)]
type Kind = Literal["application", "foundation", "version", "offering", "provider", "product"]
type Json = Any


# --- search ---------------------------------------------------------------------------------------


class SearchArguments(msgspec.Struct):
    text: Annotated[
        str,
        Meta(min_length=2, max_length=200, description="Part of a name, model ID or identifier."),
    ]
    kind: Annotated[Kind | None, Meta(description="Type of record; all types if absent.")] = None
    limit: Rows = DEFAULT_ROWS
    cursor: Annotated[str, Meta(max_length=500, description="Only together with `kind`.")] = ""


class SearchHit(msgspec.Struct):
    """`key` is the argument of other tools: a slug, or an ID."""

    kind: Kind
    key: str
    name: UntrustedText
    note: UntrustedText
    url: str


class SearchAnswer(msgspec.Struct):
    notice: str
    results: list[SearchHit]
    extent: Extent


_SEARCHED: dict[Kind, tuple[Any, str, str, str, str]] = {
    # view, key, name, note and route of the page
    "application": (ApplicationViewSet, "slug", "name", "team", "applications:detail"),
    "foundation": (FoundationViewSet, "slug", "name", "developer", "foundations:detail"),
    "version": (VersionViewSet, "id", "identifier", "name", "versions:detail"),
    "offering": (OfferingViewSet, "id", "api_id", "host", "offerings:detail"),
    "provider": (ProviderViewSet, "slug", "name", "legal_name", "providers:detail"),
    "product": (ProductViewSet, "slug", "name", "vendor", "products:detail"),
}


def search(caller: Caller, asked: SearchArguments) -> SearchAnswer:
    if asked.cursor and asked.kind is None:
        raise RestRefusalError("A cursor belongs to one kind. Send `kind` as well.")
    kinds: list[Kind] = [asked.kind] if asked.kind else list(_SEARCHED)
    limit = asked.limit if asked.kind else max(asked.limit // len(kinds), 1)
    hits: list[SearchHit] = []
    extents: list[Extent] = []
    for kind in kinds:
        found, extent, _ = read_fitting_page(
            caller,
            _SEARCHED[kind][0],
            {"q": asked.text},
            lambda row, kind=kind: _build_hit(kind, row),  # type: ignore[misc]
            limit=limit,
            cursor=asked.cursor,
            narrower="A longer text finds fewer.",
        )
        hits += found
        extents.append(extent)
    if asked.kind:
        return SearchAnswer(NOTICE, hits, extents[0])
    left_out = sum(extent.left_out or 0 for extent in extents)
    return SearchAnswer(
        NOTICE,
        hits,
        Extent(
            shown=len(hits),
            left_out=left_out,
            is_at_least=any(extent.is_at_least for extent in extents),
            next_cursor="",
            advice="Name one `kind` to see more of it, or send a longer text." if left_out else "",
        ),
    )


def _build_hit(kind: Kind, row: dict[str, Any]) -> SearchHit:
    _, key, name, note, route = _SEARCHED[kind]
    return SearchHit(
        kind=kind,
        key=str(row[key]),
        name=untrusted(row[name]),
        note=untrusted(row.get(note)),
        url=page_url(route, row[key]),
    )


# --- applications ---------------------------------------------------------------------------------


class ApplicationArguments(msgspec.Struct):
    application: Annotated[Slug, Meta(description="Slug of an application, from `search`.")]


class StackRow(msgspec.Struct):
    """A dependency of the application. `model_id` is what it calls; the lifecycle is that of the
    offering that answers, after redirects."""

    dependency: int
    role: str
    fallback_order: int
    offering: int
    model_id: UntrustedText
    host: str | None
    version: UntrustedText | None
    foundation: str | None
    developer: str | None
    lifecycle: str
    retires_on: date | None
    days_left: int | None
    is_earliest: bool
    replacement: int | None
    url: str


class StackAnswer(msgspec.Struct):
    notice: str
    application: str
    name: UntrustedText
    team: str
    criticality: str | None
    url: str
    results: list[StackRow]
    extent: Extent


def application_stack(caller: Caller, asked: ApplicationArguments) -> StackAnswer:
    record = read_record(caller, ApplicationViewSet, action="retrieve", slug=asked.application)
    rows = read_record(caller, ApplicationViewSet, action="stack", slug=asked.application)
    results, extent = cut_rows(
        [_build_stack_row(row) for row in rows],
        limit=MAX_ROWS,
        narrower="Open `url` for the complete list.",
    )
    return StackAnswer(
        notice=NOTICE,
        application=record["slug"],
        name=untrusted(record["name"]),
        team=record["team"],
        criticality=record["criticality"],
        url=page_url("applications:detail", record["slug"]),
        results=results,
        extent=extent,
    )


def _build_stack_row(row: dict[str, Any]) -> StackRow:
    return StackRow(
        dependency=row["dependency"],
        role=row["role"],
        fallback_order=row["fallback_order"],
        offering=row["offering"],
        model_id=untrusted(row["api_id"]),
        host=row["host"],
        version=untrusted(row["version"]) if row["version"] else None,
        foundation=row["foundation"],
        developer=row["developer"],
        lifecycle=row["lifecycle"],
        retires_on=_day(row["retires_on"]),
        days_left=row["days_left"],
        is_earliest=row["at_least"],
        replacement=row["replacement"],
        url=page_url("offerings:detail", row["offering"]),
    )


def _day(value: Any) -> date | None:
    """Return a date that REST answers as such, or as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


# --- blast radius ---------------------------------------------------------------------------------


class BlastRadiusArguments(msgspec.Struct):
    kind: Annotated[
        Literal["provider", "foundation", "version", "offering"], Meta(description="Type of item.")
    ]
    key: Annotated[
        Slug,
        Meta(description="Slug of a provider or foundation, ID of a version or offering."),
    ]
    threat: Annotated[Word | None, Meta(description="Failure mode; the usual one if absent.")] = (
        None
    )
    limit: Rows = DEFAULT_ROWS
    cursor: Cursor = ""


class AffectedRow(msgspec.Struct):
    """An application that depends on the item. `state` is its exposure state if the item fails."""

    application: str
    name: UntrustedText
    team: str
    criticality: str | None
    roles: list[str]
    state: str
    affected_share: float
    url: str


class StateCount(msgspec.Struct):
    state: str
    n: int
    n_critical: int


class BlastRadiusAnswer(msgspec.Struct):
    notice: str
    kind: str
    name: UntrustedText
    threat: str | None
    as_of: date | None
    whole_organisation: bool
    n_applications: int
    n_critical: int
    n_may_depend: int
    states: list[StateCount]
    results: list[AffectedRow]
    extent: Extent


_BLAST_RADIUS_VIEWS: dict[str, tuple[Any, str]] = {
    "provider": (ProviderBlastRadiusView, "slug"),
    "foundation": (FoundationBlastRadiusView, "slug"),
    "version": (VersionBlastRadiusView, "pk"),
    "offering": (OfferingBlastRadiusView, "pk"),
}


def blast_radius(caller: Caller, asked: BlastRadiusArguments) -> BlastRadiusAnswer:
    view_class, keyword = _BLAST_RADIUS_VIEWS[asked.kind]
    key: Any = asked.key
    if keyword == "pk":
        if not (key.isascii() and key.isdecimal() and len(key) <= 18):
            raise RestRefusalError(
                f"key: '{asked.key}' is not a valid ID. Find the {asked.kind} with `search` "
                "and send its `key`."
            )
        key = int(key)
    query = {"threat": asked.threat} if asked.threat else {}
    body = read_record(caller, view_class, {**query, "page_size": 1}, **{keyword: key})
    results, extent, _ = read_fitting_page(
        caller,
        view_class,
        query,
        _build_affected_row,
        limit=asked.limit,
        cursor=asked.cursor,
        narrower="A narrower item, such as one offering, has fewer applications.",
        **{keyword: key},
    )
    return BlastRadiusAnswer(
        notice=NOTICE,
        kind=body["kind"],
        name=untrusted(body["name"]),
        threat=body["threat"],
        as_of=_day(body["on"]),
        whole_organisation=body["whole_organisation"],
        n_applications=body["n_applications"],
        n_critical=body["n_critical"],
        n_may_depend=body["n_may_stand"],
        states=[
            StateCount(state, counts["n"], counts["n_critical"])
            for state, counts in body["states"].items()
        ],
        results=results,
        extent=msgspec.structs.replace(
            extent, left_out=max(body["n_applications"] - extent.shown, 0)
        ),
    )


def _build_affected_row(row: dict[str, Any]) -> AffectedRow:
    return AffectedRow(
        application=row["application"],
        name=untrusted(row["name"]),
        team=row["team"],
        criticality=row["criticality"],
        roles=[str(role) for role in row["roles"]],
        state=str(row["state"]),
        affected_share=float(row["hit_share"]),
        url=page_url("applications:detail", row["application"]),
    )


# --- retirements ----------------------------------------------------------------------------------


class PageArguments(msgspec.Struct):
    limit: Rows = DEFAULT_ROWS
    cursor: Cursor = ""


class RetirementRow(msgspec.Struct):
    """A primary model in use that retires. `runway_days` are the days left minus the days that the
    migration takes; null if unknown."""

    application: str
    dependency: int
    offering: int
    model_id: UntrustedText
    host: str
    retires_on: date | None
    days_left: int | None
    is_earliest: bool
    effort_days: Decimal | None
    runway_days: Decimal | None
    why_unknown: str | None
    replacement: int | None
    url: str


class RetirementsAnswer(msgspec.Struct):
    notice: str
    results: list[RetirementRow]
    extent: Extent


def retirements(caller: Caller, asked: PageArguments) -> RetirementsAnswer:
    rows, extent, _ = read_fitting_page(
        caller,
        RunwaysView,
        {},
        dict,
        limit=asked.limit,
        cursor=asked.cursor,
        narrower="`application_stack` has those of one application.",
    )
    offerings = Offering.objects.select_related("host").in_bulk({row["offering"] for row in rows})
    return RetirementsAnswer(
        notice=NOTICE,
        results=[
            _build_retirement_row(row, offerings[row["offering"]])
            for row in rows
            if row["offering"] in offerings
        ],
        extent=extent,
    )


def _build_retirement_row(row: dict[str, Any], offering: Offering) -> RetirementRow:
    return RetirementRow(
        application=row["application"],
        dependency=row["dependency"],
        offering=offering.pk,
        model_id=untrusted(offering.api_id),
        host=offering.host.slug,
        retires_on=row["retires_on"],
        days_left=row["days_left"],
        is_earliest=row["at_least"],
        effort_days=row["effort_days"],
        runway_days=row["runway"],
        why_unknown=row["why"],
        replacement=offering.replacement_id,
        url=page_url("offerings:detail", offering.pk),
    )


# --- exposure -------------------------------------------------------------------------------------


class ExposureArguments(msgspec.Struct):
    layer: Annotated[
        Literal["developer", "host", "gateway", "vendor", "foundation", "version", "region"],
        Meta(description="Layer of the stack."),
    ] = "developer"
    weight: Annotated[
        str, Meta(max_length=30, description="Weight: `count` weights applications equally.")
    ] = "count"
    limit: Rows = DEFAULT_ROWS


class ExposureRow(msgspec.Struct):
    """An item of the layer, with the share of the weight on it."""

    slug: UntrustedText
    name: UntrustedText
    share: float
    n_applications: int
    n_critical: int
    tolerance: float | None
    is_above_tolerance: bool


class ExposureAnswer(msgspec.Struct):
    """`hhi` is the concentration index, 0 to 1. `unknown` is the share on models that are not
    identified."""

    notice: str
    layer: str
    weight: str
    as_of: date | None
    whole_organisation: bool
    n_applications: int
    n_critical: int
    unknown: float | None
    hhi: float | None
    effective_number: float | None
    url: str
    results: list[ExposureRow]
    extent: Extent


def exposure(caller: Caller, asked: ExposureArguments) -> ExposureAnswer:
    body = read_record(caller, ConcentrationView, {"layer": asked.layer, "weight": asked.weight})
    results, extent = cut_rows(
        [_build_exposure_row(row) for row in body["rows"]],
        limit=asked.limit,
        narrower="Send a larger `limit`, or open `url` for all items.",
    )
    return ExposureAnswer(
        notice=NOTICE,
        layer=body["layer"],
        weight=body["weight"],
        as_of=_day(body["on"]),
        whole_organisation=body["whole_organisation"],
        n_applications=body["n_applications"],
        n_critical=body["n_critical"],
        unknown=body["unknown"],
        hhi=body["hhi"],
        effective_number=body["n2"],
        url=page_url("exposure:concentration"),
        results=results,
        extent=extent,
    )


def _build_exposure_row(row: dict[str, Any]) -> ExposureRow:
    return ExposureRow(
        slug=untrusted(row["slug"]),
        name=untrusted(row["name"]),
        share=float(row["share"]),
        n_applications=row["n_applications"],
        n_critical=row["n_critical"],
        tolerance=None if row["tolerance"] is None else float(row["tolerance"]),
        is_above_tolerance=row["over"],
    )


# --- fit ------------------------------------------------------------------------------------------


class FitArguments(msgspec.Struct):
    dependency: Annotated[
        int, Meta(ge=1, le=2**63 - 1, description="ID of a dependency, from `application_stack`.")
    ]
    candidate: Annotated[
        int, Meta(ge=1, le=2**63 - 1, description="ID of an offering, from `search`.")
    ]


class FitRow(msgspec.Struct):
    """A capability that the dependency uses. `source` says where the candidate's value is from."""

    capability: str
    needed: Json
    candidate_has: Json
    verdict: str
    source: UntrustedText


class FitBreak(msgspec.Struct):
    kind: str
    detail: UntrustedText


class FitAnswer(msgspec.Struct):
    notice: str
    dependency: int
    candidate: int
    verdict: str
    monthly_cost: str | None
    candidate_monthly_cost: str | None
    currency: str | None
    breaks: list[FitBreak]
    url: str
    results: list[FitRow]
    extent: Extent


def fit(caller: Caller, asked: FitArguments) -> FitAnswer:
    body = read_record(
        caller, FitView, {"dependency": asked.dependency, "candidate": asked.candidate}
    )
    results, extent = cut_rows(
        [
            FitRow(
                row["field"],
                row["needed"],
                row["new"],
                str(row["verdict"]),
                untrusted(row["source"]),
            )
            for row in body["items"]
        ],
        limit=MAX_ROWS,
        narrower="Open `url` for the page of the candidate.",
    )
    cost = body["monthly_cost"]
    return FitAnswer(
        notice=NOTICE,
        dependency=body["dependency"],
        candidate=body["candidate"],
        verdict=str(body["verdict"]),
        monthly_cost=cost["current"],
        candidate_monthly_cost=cost["candidate"],
        currency=cost["currency"],
        breaks=[FitBreak(str(row["kind"]), untrusted(row["detail"])) for row in body["breaks"]],
        url=page_url("offerings:detail", body["candidate"]),
        results=results,
        extent=extent,
    )


# --- findings and issues --------------------------------------------------------------------------


class FindingsArguments(msgspec.Struct):
    application: Annotated[Word | None, Meta(description="Slug; all applications if absent.")] = (
        None
    )
    severity: Annotated[
        Literal["error", "warning", "note"] | None, Meta(description="All severities if absent.")
    ] = None
    code: Annotated[Word | None, Meta(description="Code of the finding.")] = None
    limit: Rows = DEFAULT_ROWS
    cursor: Annotated[str, Meta(max_length=500, description="Only without `application`.")] = ""


class FindingRow(msgspec.Struct):
    """A finding. `detail` says how to fix it."""

    code: str
    severity: str
    detail: UntrustedText
    application: str
    dependency: int | None
    url: str


class FindingsAnswer(msgspec.Struct):
    notice: str
    results: list[FindingRow]
    extent: Extent


def findings(caller: Caller, asked: FindingsArguments) -> FindingsAnswer:
    if asked.application is not None:
        rows = [
            _build_finding_row(row)
            for row in read_record(
                caller, ApplicationViewSet, action="findings", slug=asked.application
            )
            if asked.severity in {None, row["severity"]} and asked.code in {None, row["code"]}
        ]
        results, extent = cut_rows(
            rows, limit=asked.limit, narrower="Send `severity` or `code` for fewer."
        )
        return FindingsAnswer(NOTICE, results, extent)
    query = {
        name: value
        for name, value in (("severity", asked.severity), ("code", asked.code))
        if value is not None
    }
    results, extent, _ = read_fitting_page(
        caller,
        FindingsView,
        query,
        _build_finding_row,
        limit=asked.limit,
        cursor=asked.cursor,
        narrower="Send `application`, `severity` or `code` for fewer.",
    )
    return FindingsAnswer(NOTICE, results, extent)


def _build_finding_row(row: dict[str, Any]) -> FindingRow:
    return FindingRow(
        code=str(row["code"]),
        severity=str(row["severity"]),
        detail=untrusted(row["detail"]),
        application=row["application"],
        dependency=row["dependency"],
        url=page_url("applications:detail", row["application"]),
    )


class IssuesArguments(msgspec.Struct):
    application: Annotated[Word | None, Meta(description="Slug; all applications if absent.")] = (
        None
    )
    owner: Annotated[Word | None, Meta(description="Username, `me` or `unassigned`.")] = None
    urgency: Annotated[Word | None, Meta(description="Urgency; all of them if absent.")] = None
    kind: Annotated[Word | None, Meta(description="Kind of the cause.")] = None
    limit: Rows = DEFAULT_ROWS
    cursor: Cursor = ""


class IssueRow(msgspec.Struct):
    """An issue that an owner must act on. `subject` is the type and ID of what its cause is
    about."""

    id: int
    kind: str
    subject: str
    application: str | None
    criticality: str | None
    team: str | None
    owner: str | None
    state: str
    urgency: str
    due_on: date | None
    is_earliest: bool
    start_by: date | None
    finish_by: date | None
    url: str


class IssuesAnswer(msgspec.Struct):
    notice: str
    results: list[IssueRow]
    extent: Extent


def issues(caller: Caller, asked: IssuesArguments) -> IssuesAnswer:
    query = {
        name: value
        for name in ("application", "owner", "urgency", "kind")
        if (value := getattr(asked, name)) is not None
    }
    results, extent, _ = read_fitting_page(
        caller,
        IssueViewSet,
        query,
        lambda row: IssueRow(
            **{
                name: row[name]
                for name in IssueRow.__struct_fields__
                if name not in {"url", "kind", "state", "urgency"}
            },
            kind=str(row["kind"]),
            state=str(row["state"]),
            urgency=str(row["urgency"]),
            url=page_url("issues:detail", row["id"]),
        ),
        limit=asked.limit,
        cursor=asked.cursor,
        narrower="Send `application`, `owner`, `urgency` or `kind` for fewer.",
    )
    return IssuesAnswer(NOTICE, results, extent)


# --- list of the tools ----------------------------------------------------------------------------


class ToolEntry(msgspec.Struct, frozen=True):
    """A tool: its function, the types of arguments and answer, and its description for
    programs."""

    function: Callable[[Caller, Any], Any]
    arguments: type[msgspec.Struct]
    answer: type[msgspec.Struct]
    title: str
    description: str


TOOLS = (
    ToolEntry(
        search,
        SearchArguments,
        SearchAnswer,
        "Search",
        "Find applications, models, offerings, providers and products by a part of their name. "
        "The `key` of a hit is the argument of the other tools.",
    ),
    ToolEntry(
        application_stack,
        ApplicationArguments,
        StackAnswer,
        "Stack of an application",
        "The models that an application uses today, with host, developer, lifecycle and "
        "retirement date: primary models, fallbacks in order, then other roles.",
    ),
    ToolEntry(
        blast_radius,
        BlastRadiusArguments,
        BlastRadiusAnswer,
        "Blast radius",
        "The applications that depend on a provider, foundation, version or offering, and their "
        "exposure state if it fails; most critical first.",
    ),
    ToolEntry(
        retirements,
        PageArguments,
        RetirementsAnswer,
        "Retirements of models in use",
        "Primary models in use that retire: shortest runway first, which is the days left minus "
        "the days that the migration takes.",
    ),
    ToolEntry(
        exposure,
        ExposureArguments,
        ExposureAnswer,
        "Exposure",
        "Concentration of the portfolio on the items of a layer, such as developers or hosts, "
        "with tolerances.",
    ),
    ToolEntry(
        fit,
        FitArguments,
        FitAnswer,
        "Fit of a candidate",
        "Whether a candidate does what a dependency uses, item by item, with cost and what the "
        "choice would break.",
    ),
    ToolEntry(
        findings,
        FindingsArguments,
        FindingsAnswer,
        "Findings",
        "Errors, warnings and notes about the records of applications, and how to fix them; most "
        "critical applications first.",
    ),
    ToolEntry(
        issues,
        IssuesArguments,
        IssuesAnswer,
        "Issues",
        "What owners must act on: kind, application, owner, urgency and due date.",
    ),
)
