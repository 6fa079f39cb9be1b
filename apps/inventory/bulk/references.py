"""References of rows to recorded data: offerings and dependencies by ID or by name, the rest by
slug."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.models import Offering, Provider
from apps.inventory.bulk.merge import Merge, RejectedRowError, SourceRow, read_text
from apps.inventory.models import Application, Dependency

# of a row that names an offering
OFFERING_NAMES = ("offering", "host", "api_id", "region", "tier")
_MAX_CACHED_OFFERINGS = 100_000


@dataclass(frozen=True, slots=True)
class KnownApplication:
    id: int
    team_id: int
    status: str
    is_merged: bool


class OfferingLookup:
    """The offerings that a block's rows name; what was found stays for the blocks that follow."""

    def __init__(self, rows: Sequence[SourceRow], merge: Merge, prefix: str = "") -> None:
        self._prefix = prefix
        self._kept = merge.offerings
        if len(self._kept) > _MAX_CACHED_OFFERINGS:
            self._kept.clear()
        named = [row.value for row in rows if isinstance(row.value, dict)]
        wanted: list[Any] = [row.get(self._name("offering")) for row in named]
        ids = {given for given in wanted if _is_id(given) and given not in self._kept}
        for pk in (
            Offering.objects.filter(pk__in=list(ids)).values_list("pk", flat=True) if ids else ()
        ):
            self._kept[pk] = pk
        models = {
            given
            for row in named
            if isinstance(given := row.get(self._name("api_id")), str)
            and given not in self._kept
            and "\x00" not in given
        }
        if models:
            offerings_by_model: dict[str, list[tuple[int, str, str, str]]] = {
                model: [] for model in models
            }
            for pk, host, model, region, tier in Offering.objects.filter(
                api_id__in=models
            ).values_list("pk", "host__slug", "api_id", "region_scope", "service_tier"):
                offerings_by_model[model].append((pk, host, region, tier))
            self._kept.update(offerings_by_model)

    def _name(self, name: str) -> str:
        return self._prefix + name

    def needed(self, rest: dict[str, Any]) -> int:
        """As `of`, of a row that has to name one."""
        offering = self.of(rest)
        if offering is None:
            raise RejectedRowError("Identify the offering by host and api_id, or by its id.")
        return offering

    def of(self, rest: dict[str, Any]) -> int | None:
        """Return the offering that a row names; None if it names none. Rejected if there is none,
        or several."""
        pk = rest.get(self._name("offering"))
        if pk is not None:
            if not _is_id(pk) or pk not in self._kept:
                raise RejectedRowError(
                    f"{self._name('offering')}: Offering {str(pk)[:40]} was not found. Check "
                    "the id under offerings/."
                )
            return int(pk)
        host, model = read_text(rest, self._name("host")), read_text(rest, self._name("api_id"))
        if not host and not model:
            return None
        if not host or not model:
            raise RejectedRowError("Identify the offering by host and api_id, or by its id.")
        fitting = [each for each in self._kept.get(model, ()) if each[1] == host]
        for place, name in ((2, "region"), (3, "tier")):
            if self._name(name) in rest:
                fitting = [
                    each for each in fitting if each[place] == (rest[self._name(name)] or "")
                ]
        if len(fitting) > 1:
            # the one that is tied to no region and no tier is what the plain name means
            fitting = [each for each in fitting if not each[2] and not each[3]] or fitting
        if not fitting:
            raise RejectedRowError(
                f"Offering '{model[:80]}' on '{host[:80]}' was not found. Search with "
                "offerings/?host=&api_id=."
            )
        if len(fitting) > 1:
            raise RejectedRowError(
                f"'{model[:80]}' on '{host[:80]}' is offered by region or tier. Add the "
                "region or tier."
            )
        return int(fitting[0][0])


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**63


def find_providers(rows: Sequence[SourceRow], name: str) -> dict[str, int]:
    """{slug: id} of the providers that the rows name in this field."""
    slugs = {
        given
        for row in rows
        if isinstance(row.value, dict) and isinstance(given := row.value.get(name), str)
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
    """Lock the applications that the rows name and the caller can view, by slug; other changes of
    them or their dependencies wait."""
    slugs = {
        given
        for row in rows
        if isinstance(row.value, dict) and isinstance(given := row.value.get("application"), str)
    }
    applications = (
        Application.objects.select_for_update(of=("self",))
        .filter(merge.seen("team"), slug__in=[slug for slug in slugs if "\x00" not in slug])
        .order_by("pk")
        .values_list("slug", "pk", "team_id", "status", "merged_into_id")
    )
    return {
        slug: KnownApplication(pk, team, status, merged is not None)
        for slug, pk, team, status, merged in applications
    }


def editable_application(
    rest: dict[str, Any], known: dict[str, KnownApplication], merge: Merge
) -> KnownApplication:
    slug = read_text(rest, "application", "application: Enter the slug of an application.")
    application = known.get(slug)
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
    """What the applications of a block use, by (application, offering, role)."""

    columns: tuple[str, ...] = ("id", "via_party_id", "since", "until")

    def __init__(self, application_ids: Iterable[int], more: Sequence[str] = ()) -> None:
        self._by_key: dict[tuple[int, int, str], list[dict[str, Any]]] = defaultdict(list)
        self.ids: set[int] = set()
        rows = (
            Dependency.objects.filter(application_id__in=set(application_ids))
            .order_by("pk")
            .values("application_id", "offering_id", "role", *self.columns, *more)
        )
        for row in rows:
            self._by_key[row["application_id"], row["offering_id"], row["role"]].append(row)
            self.ids.add(row["id"])

    def at(
        self, application_id: int, offering_id: int, role: str, since: date, until: date | None
    ) -> list[Any]:
        """Those of this key whose time overlaps [since, until)."""
        return [
            row
            for row in self._by_key.get((application_id, offering_id, role), ())
            if (row["until"] is None or row["until"] > since)
            and (until is None or row["since"] < until)
        ]
