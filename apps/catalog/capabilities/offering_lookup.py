"""Offerings by the host and model ID that a reader writes: in any case, with the prefixes of
gateways and regions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from django.db.models.functions import Lower

from apps.catalog.identity.hosts import host_slug
from apps.catalog.models import Assertion, Offering

# what hosts write before the ID in their own lists, and readers leave out
_OWN_PREFIXES = ("models/", "accounts/fireworks/models/")

type WrittenId = tuple[str, str]


def find_offerings(written: Collection[WrittenId]) -> dict[WrittenId, int]:
    """Return {(host, model ID) as written: offering ID} of those that the catalogue knows; two
    statements.

    The model ID of the host is tried first, then the name that a source writes for it at that host,
    then the ID without its prefixes, which name the host or the region. Of several regions and
    tiers the offering without any counts, unless the prefix names the region.
    """
    spellings = {key: list(dict.fromkeys(_spell_id(key[1]))) for key in written}
    slugs = {key: host_slug(key[0]) or key[0].strip().lower() for key in written}
    texts = {text for listed in spellings.values() for text, _region in listed}
    offerings = _find_by_model_id(set(slugs.values()), texts)
    names = {
        key: _source_names(key[0], slugs[key], listed[0][0]) for key, listed in spellings.items()
    }
    claimed = _find_by_source_id({name for listed in names.values() for name in listed})
    found: dict[WrittenId, int] = {}
    for key, listed in spellings.items():
        slug = slugs[key]
        if exact := offerings.get((slug, listed[0][0])):
            found[key] = _choose(exact, "")
            continue
        by_name = [pk for name in names[key] for pk in claimed.get((slug, name), ())]
        if by_name:
            found[key] = min(by_name)
            continue
        for text, region in listed[1:]:
            rows = offerings.get((slug, text), [])
            if region and host_slug(region) != slug:
                # what another prefix names, such as an image size, is not that offering
                rows = [row for row in rows if row[1].lower() == region]
            if rows:
                found[key] = _choose(rows, region)
                break
    return found


def _spell_id(text: str) -> Iterator[tuple[str, str]]:
    """Yield (spelling in lower case, region that its prefix may name), the most exact first."""
    text = text.strip().lower()
    yield text, ""
    for prefix in _OWN_PREFIXES:
        yield prefix + text, ""
    region = ""
    while "/" in text:
        region, _, text = text.partition("/")
        yield text, region


def _source_names(host: str, slug: str, text: str) -> tuple[str, ...]:
    """Return the names that a source may give the model ID at the host, in lower case."""
    return tuple(dict.fromkeys((text, f"{host.strip().lower()}/{text}", f"{slug}/{text}")))


def _find_by_model_id(
    slugs: Collection[str], texts: Collection[str]
) -> dict[tuple[str, str], list[tuple[int, str, str]]]:
    """Return {(host slug, model ID in lower case): [(offering ID, region, tier)]}."""
    rows = (
        Offering.objects.model_ids()
        .annotate(folded=Lower("api_id"))
        .filter(host__slug__in=slugs, folded__in=texts)
        .order_by("pk")
        .values_list("host__slug", "folded", "pk", "region_scope", "service_tier")
    )
    found: dict[tuple[str, str], list[tuple[int, str, str]]] = defaultdict(list)
    for slug, text, pk, region, tier in rows:
        found[slug, text].append((pk, region, tier))
    return found


def _find_by_source_id(names: Collection[str]) -> dict[tuple[str, str], list[int]]:
    """Return {(host slug, name of a source in lower case): offering IDs}."""
    rows = (
        Assertion.objects.standing()
        .annotate(folded=Lower("external_id"))
        .filter(folded__in=names, offering__kind="model_id")
        .order_by()
        .values_list("offering__host__slug", "folded", "offering_id")
        .distinct()
    )
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for slug, name, pk in rows:
        found[slug, name].append(pk)
    return found


def _choose(rows: Iterable[tuple[int, str, str]], region: str) -> int:
    """Return the offering in the region, else the one without region and tier, else the first."""
    return min(
        rows, key=lambda row: (row[1].lower() != region, row[1] != "", row[2] != "", row[0])
    )[0]
