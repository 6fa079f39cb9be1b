"""Known IDs and identity decisions from the database, in the form that the resolver takes."""

from datetime import date

from apps.catalog.identity.names.reader import NameReader
from apps.catalog.identity.resolver.index import KnownId
from apps.catalog.identity.resolver.resolve import Resolver
from apps.catalog.models import Alias, IdentityDecision, Version

_DIGITS = {"day": 10, "month": 7, "year": 4}


def known_ids_from_database() -> list[KnownId]:
    """Return every version and alias as a known ID, ordered by ID; two statements.

    The kind of an alias comes from the catalogue: a synonym is another spelling of a fixed release,
    an alias a name that the developer can move, a family a name for several releases. Synonyms of
    one model share `same_as`.
    """
    versions = Version.objects.order_by().values_list(
        "identifier",
        "foundation__developer__slug",
        "foundation__line",
        "moving",
        "released_on",
        "released_precision",
        "names",
        "aliases",
        "repositories",
    )
    known_ids = [
        KnownId(
            id=identifier,
            developer=developer,
            line=line,
            kind="alias" if is_alias else "pinned",
            entity=identifier,
            same_as=identifier,
            released=_format_release(released_on, precision),
            names=tuple(names),
            aliases=tuple(aliases),
            repositories=tuple(repositories),
        )
        for (
            identifier,
            developer,
            line,
            is_alias,
            released_on,
            precision,
            names,
            aliases,
            repositories,
        ) in versions
    ]
    aliases_and_synonyms = Alias.objects.order_by().values_list(
        "identifier",
        "foundation__developer__slug",
        "foundation__line",
        "kind",
        "version__identifier",
        "synonym_of",
        "names",
        "aliases",
        "repositories",
    )
    known_ids += [
        KnownId(
            id=identifier,
            developer=developer,
            line=line,
            kind="pinned" if kind == Alias.Kind.SYNONYM else kind,
            entity=entity or identifier,
            same_as=synonym_of or identifier,
            # A synonym is its version, so it does not point to it.
            points_to=entity if kind != Alias.Kind.SYNONYM and synonym_of != entity else None,
            names=tuple(names),
            aliases=tuple(aliases),
            repositories=tuple(repositories),
        )
        for (
            identifier,
            developer,
            line,
            kind,
            entity,
            synonym_of,
            names,
            aliases,
            repositories,
        ) in aliases_and_synonyms
    ]
    return sorted(known_ids, key=lambda known_id: known_id.id)


def _format_release(day: date | None, precision: str) -> str | None:
    return day.isoformat()[: _DIGITS[precision]] if day else None


def decisions_from_database() -> dict[tuple[str, str], str | None]:
    """Return {(host slug or "", raw string in lower case): ID chosen by a user, None for "not a
    model"}."""
    active_decisions = IdentityDecision.objects.filter(revoked_at__isnull=True).values_list(
        "host__slug", "raw", "version__identifier", "alias__identifier"
    )
    return {
        (host or "", raw.strip().lower()): version or alias
        for host, raw, version, alias in active_decisions
    }


def build_resolver() -> Resolver:
    """Return a resolver with the current content of the database. Takes tens of milliseconds, so
    build one per batch of strings."""
    return Resolver(known_ids_from_database(), decisions_from_database())


def build_name_reader() -> NameReader:
    """Return a reader of names as people write them, with the current content of the database.
    Takes about 0.2 seconds, so build one per file."""
    return NameReader(build_resolver())
