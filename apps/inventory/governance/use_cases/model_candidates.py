"""What the words of a proposal for model and vendor name in the catalogue, for governance only."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from apps.catalog.identity.known_ids import build_name_reader
from apps.catalog.identity.named_models import HOST_NOT_STATED, NamedModel, collapse_name
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.reading_references import StoredModelIds, build_named_model, host_of
from apps.catalog.models import Lifecycle, Offering, Version
from apps.inventory.models import ProposedUseCase

MAX_CANDIDATES = 8
MAX_VERSIONS = 6
_RELATIONS = ("host", "version__foundation__developer", "replacement")
_SENTENCES = {
    Kind.CHOOSE: "The words name a model, but not its version.",
    Kind.FAMILY: "The words name a family of models, but not the model.",
    Kind.NOT_A_MODEL: "The words name no model.",
    Kind.UNKNOWN: "The catalogue has no model of this name.",
}


@dataclass(frozen=True, slots=True)
class ModelReading:
    """What the words name: `sentence` says it, `offerings` are the candidates, those of the host
    that the words name first. `is_cut`: there are more."""

    sentence: str
    versions: tuple[Version, ...]
    offerings: tuple[Offering, ...]
    is_cut: bool = False
    # the words as a dependency without a model ID; None if they name no model, or several
    named: NamedModel | None = None

    @property
    def offering_ids(self) -> list[int]:
        return [offering.pk for offering in self.offerings]


def read_planned_model(use_case: ProposedUseCase) -> ModelReading:
    """Return what the proposal names as its model. About ten statements and 0.2 seconds, most of
    them for the names in the catalogue."""
    if not use_case.model_text.strip() and not use_case.vendor_text.strip():
        return ModelReading("The proposal names no model.", (), ())
    reading = build_name_reader().read_name(use_case.model_text, use_case.vendor_text)
    versions, lines = _named_versions(reading)
    offerings = _candidate_offerings(versions, lines, reading.host)
    rows = list(offerings[: MAX_CANDIDATES + 1])
    found = tuple(
        Version.objects.filter(identifier__in=versions)
        .select_related("foundation__developer")
        .order_by("identifier")[:MAX_VERSIONS]
    )
    return ModelReading(
        _describe(reading, found),
        found,
        tuple(rows[:MAX_CANDIDATES]),
        is_cut=len(rows) > MAX_CANDIDATES,
        named=_name_planned_model(use_case, reading),
    )


def _name_planned_model(use_case: ProposedUseCase, reading: Reading) -> NamedModel | None:
    text = collapse_name(use_case.model_text)
    if not text:
        return None
    host = host_of(reading) or HOST_NOT_STATED
    return build_named_model(reading, text=text, host=host, model_ids=StoredModelIds())


def _named_versions(reading: Reading) -> tuple[set[str], set[str]]:
    """Return the identifiers of the versions, and of the lines, that the words name or may
    name."""
    versions: set[str] = set()
    lines: set[str] = set()
    for part in _parts(reading):
        if part.version:
            versions.add(part.version)
        elif part.kind == Kind.CHOOSE:
            versions.update(part.candidates)
        elif part.kind == Kind.FAMILY:
            lines.update(part.candidates)
    return versions, lines


def _parts(reading: Reading) -> Iterator[Reading]:
    """Yield the reading and the readings inside of it."""
    yield reading
    for part in reading.parts:
        yield from _parts(part)
    if reading.inside is not None:
        yield from _parts(reading.inside)


def _candidate_offerings(
    versions: set[str], lines: set[str], host: str | None
) -> QuerySet[Offering]:
    """Select the model IDs of the versions; those of the host first, retired ones last."""
    if not versions and not lines:
        return Offering.objects.none()
    offerings = Offering.objects.model_ids().filter(
        Q(version__identifier__in=versions) | Q(version__foundation__line__in=lines),
        not_a_model=False,
    )
    is_of_host = Q(host__slug=host) | Q(host__parent__slug=host)
    return (
        offerings.select_related(*_RELATIONS)
        .annotate(
            place=Case(
                When(lifecycle=Lifecycle.RETIRED, then=Value(2)),
                *([When(is_of_host, then=Value(0))] if host else []),
                default=Value(1),
                output_field=IntegerField(),
            )
        )
        .order_by("place", "host__name", "api_id", "pk")
    )


def _describe(reading: Reading, versions: tuple[Version, ...]) -> str:
    if reading.kind == Kind.RESOLVED:
        name = versions[0].name or versions[0].identifier if versions else reading.version
        return f"The words name {name}."
    if reading.kind == Kind.PRODUCT:
        product = reading.product_name or reading.text
        return f"The words name the product {product}. Ask its vendor which models are inside."
    if reading.kind == Kind.SEVERAL:
        return "The words name several models."
    if reading.not_stated:
        return "The proposal names no model."
    return _SENTENCES[reading.kind]
