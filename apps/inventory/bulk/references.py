"""References of rows to recorded data: offerings and dependencies by ID or by name, everything else
by slug."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.models import FEATURE_KINDS, Offering, Provider
from apps.inventory.bulk.merge import Merge, RejectedRowError, SourceRow, read_text
from apps.inventory.models import Application, Dependency

# the fields of a row that identify an offering
OFFERING_NAMES = ("offering", "host", "api_id", "region", "tier")
_MAX_CACHED_OFFERINGS = 100_000


@dataclass(frozen=True, slots=True)
class KnownApplication:
    id: int
    team_id: int
    status: str
    is_merged: bool


class OfferingLookup:
    """The offerings that the rows of a block identify; the results are reused for later blocks."""

    def __init__(self, rows: Sequence[SourceRow], merge: Merge, prefix: str = "") -> None:
        """Load the offerings that the rows name by ID or by model ID. They are cached in `merge`
        for later blocks of the same request; `prefix` is that of the names of the fields."""
        self._prefix = prefix
        self._offerings = merge.offerings
        if len(self._offerings) > _MAX_CACHED_OFFERINGS:
            self._offerings.clear()
        row_values = [row.value for row in rows if isinstance(row.value, dict)]
        offering_ids: list[Any] = [row.get(self._prefixed_name("offering")) for row in row_values]
        ids = {
            offering_id
            for offering_id in offering_ids
            if _is_id(offering_id) and offering_id not in self._offerings
        }
        for pk in (
            Offering.objects.filter(pk__in=list(ids))
            .exclude(kind__in=FEATURE_KINDS)
            .values_list("pk", flat=True)
            if ids
            else ()
        ):
            self._offerings[pk] = pk
        models = {
            api_id
            for row in row_values
            if isinstance(api_id := row.get(self._prefixed_name("api_id")), str)
            and api_id not in self._offerings
            and "\x00" not in api_id
        }
        if models:
            offerings_by_model: dict[str, list[tuple[int, str, str, str]]] = {
                model: [] for model in models
            }
            for pk, host, model, region, tier in (
                Offering.objects.filter(api_id__in=models)
                .exclude(kind__in=FEATURE_KINDS)
                .values_list("pk", "host__slug", "api_id", "region_scope", "service_tier")
            ):
                offerings_by_model[model].append((pk, host, region, tier))
            self._offerings.update(offerings_by_model)

    def _prefixed_name(self, name: str) -> str:
        return self._prefix + name

    def required(self, other_values: dict[str, Any]) -> int:
        """Return the offering as `of` does; raise RejectedRowError if the row identifies none."""
        offering = self.of(other_values)
        if offering is None:
            raise RejectedRowError("Identify the offering by host and api_id, or by its id.")
        return offering

    def of(self, other_values: dict[str, Any]) -> int | None:
        """Return the ID of the offering that a row identifies, or None without such fields. Raises
        RejectedRowError if no or several offerings match."""
        pk = other_values.get(self._prefixed_name("offering"))
        if pk is not None:
            if not _is_id(pk) or pk not in self._offerings:
                raise RejectedRowError(
                    f"{self._prefixed_name('offering')}: Offering {str(pk)[:40]} was not found. "
                    "Check the id under offerings/."
                )
            return int(pk)
        host, model = (
            read_text(other_values, self._prefixed_name("host")),
            read_text(other_values, self._prefixed_name("api_id")),
        )
        if not host and not model:
            return None
        if not host or not model:
            raise RejectedRowError("Identify the offering by host and api_id, or by its id.")
        matches = [
            candidate for candidate in self._offerings.get(model, ()) if candidate[1] == host
        ]
        for position, name in ((2, "region"), (3, "tier")):
            if self._prefixed_name(name) in other_values:
                matches = [
                    candidate
                    for candidate in matches
                    if candidate[position] == (other_values[self._prefixed_name(name)] or "")
                ]
        if len(matches) > 1:
            # a plain name means the offering without region and tier
            matches = [
                candidate for candidate in matches if not candidate[2] and not candidate[3]
            ] or matches
        if not matches:
            raise RejectedRowError(
                f"Offering '{model[:80]}' on '{host[:80]}' was not found. Search with "
                "offerings/?host=&api_id=."
            )
        if len(matches) > 1:
            raise RejectedRowError(
                f"'{model[:80]}' on '{host[:80]}' is offered by region or tier. Add the "
                "region or tier."
            )
        return int(matches[0][0])


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**63


def find_providers(rows: Sequence[SourceRow], name: str) -> dict[str, int]:
    """Return {slug: ID} of the providers in field `name` of the rows."""
    slugs = {
        slug
        for row in rows
        if isinstance(row.value, dict) and isinstance(slug := row.value.get(name), str)
    }
    valid_slugs = [slug for slug in slugs if "\x00" not in slug]
    return (
        dict(Provider.objects.filter(slug__in=valid_slugs).values_list("slug", "pk"))
        if valid_slugs
        else {}
    )


def lock_applications_by_slug(
    rows: Sequence[SourceRow], merge: Merge
) -> dict[str, KnownApplication]:
    """Lock the applications that the rows name and the caller can view, and return them by slug;
    other changes of them or their dependencies wait."""
    slugs = {
        slug
        for row in rows
        if isinstance(row.value, dict) and isinstance(slug := row.value.get("application"), str)
    }
    applications = (
        Application.objects.select_for_update(of=("self",))
        .filter(merge.visible_rows("team"), slug__in=[slug for slug in slugs if "\x00" not in slug])
        .order_by("pk")
        .values_list("slug", "pk", "team_id", "status", "merged_into_id")
    )
    return {
        slug: KnownApplication(pk, team, status, merged_into_id is not None)
        for slug, pk, team, status, merged_into_id in applications
    }


def editable_application(
    other_values: dict[str, Any], applications: dict[str, KnownApplication], merge: Merge
) -> KnownApplication:
    """Return the application of the row. Raise RejectedRowError if it is missing, hidden or not
    editable."""
    slug = read_text(other_values, "application", "application: Enter the slug of an application.")
    application = applications.get(slug)
    if application is None:
        raise RejectedRowError(
            f"application: Application '{slug[:120]}' was not found. It does not exist or you "
            "do not have access."
        )
    if application.team_id not in merge.editable:
        raise RejectedRowError(
            f"You need the editor role on {merge.team_slugs[application.team_id]} to change this "
            "application."
        )
    return application


class DependencyIndex:
    """The dependencies of a block's applications, by (application, offering, role)."""

    columns: tuple[str, ...] = ("id", "via_party_id", "since", "until")

    def __init__(self, application_ids: Iterable[int], extra_fields: Sequence[str] = ()) -> None:
        self._by_key: dict[tuple[int, int, str], list[dict[str, Any]]] = defaultdict(list)
        self.ids: set[int] = set()
        rows = (
            Dependency.objects.filter(application_id__in=set(application_ids))
            .order_by("pk")
            .values("application_id", "offering_id", "role", *self.columns, *extra_fields)
        )
        for row in rows:
            self._by_key[row["application_id"], row["offering_id"], row["role"]].append(row)
            self.ids.add(row["id"])

    def at(
        self, application_id: int, offering_id: int, role: str, since: date, until: date | None
    ) -> list[Any]:
        """Return the rows of this key whose period overlaps with [since, until)."""
        return [
            row
            for row in self._by_key.get((application_id, offering_id, role), ())
            if (row["until"] is None or row["until"] > since)
            and (until is None or row["since"] < until)
        ]
