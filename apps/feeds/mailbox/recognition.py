"""What the text of a received notice names: models, hosts, the retirement date, the successor and
the source. Two readers of one notice find the same, and a user checks all of it before anything is
announced."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from django.db.models import Q, TextField, Value
from django.db.models.functions import Lower

from apps.catalog.models import DateKind, Foundation, Offering, Provider, Version
from apps.catalog.retirements.coverage import Subject, hosts_of
from apps.catalog.retirements.notice import retirement_date_in, url_in
from apps.feeds.models import ReceivedNotice
from apps.feeds.provider_notices import known_names_in

MAX_MODEL_NAMES = 50
MAX_SUBJECTS = 20
_MIN_NAME_LENGTH = 4
# a text that names more models is a catalogue; the shortest names are left out
_MAX_NAMES = 300
_QUOTE_MARKS = re.compile(r"^(?:[ \t]*>)+[ \t]?", re.M)
# also where an item of a list begins
_SENTENCE_END = re.compile(r"[.!?;](?=\s)|\n[ \t]*(?:[*•-]|\n)")
# words before the name of a successor, in the same sentence
_SUCCESSOR = re.compile(
    r"\b(?:recommend\w*|suggest\w*|successors?|replacements?|(?:replaced|superseded) (?:by|with)"
    r"|(?:migrat|mov|switch|upgrad|transition|chang)\w*\s+(?:\S+\s+){0,8}?(?:to|onto)"
    r"|redirected to)\b",
    re.I,
)
_FROM = re.compile(r"\b(?:from|off|instead of)\s+(?:the\s+)?\W*\Z", re.I)
_USE = re.compile(r"\buse\s+(?:the\s+)?\W*\Z", re.I)
_INSTEAD = re.compile(r"\W{0,5}instead\b", re.I)
_DIGIT_OR_SPACE = re.compile(r"[\d\s]")
# a name between such characters is a part of another one
_INSIDE_BEFORE = re.compile(r"[\w./:@-]")
_INSIDE_AFTER = re.compile(r"[\w:@/]|[.-]\w")
_LINES_TO_SPACES = str.maketrans("\n\t", "  ")
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_GAP = re.compile(r"(?:'s)?\s*")
_SUCCESSOR_COLUMN = re.compile(r"replac|success|recommend|alternative", re.I)
_LOWER_BOUND = re.compile(
    r"\b(?:no|not) (?:sooner|earlier) than\b|\bnot before\b|\bat the earliest\b"
    r"|\bearliest (?:retirement|possible)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class NoticeContents:
    """What was recognised. `model_names` are IDs and names as the text writes them, without the
    successor; `date_kind` is empty without a date. `successor` is None where several model IDs fit
    its name."""

    model_names: tuple[str, ...]
    host_slugs: tuple[str, ...]
    retires_on: date | None
    date_kind: str
    successor: Offering | None
    successor_name: str
    source_url: str


@dataclass(frozen=True, slots=True)
class ProposedSubject:
    """What a notice might retire. `model_ids` and `hosts` narrow it; empty: all."""

    subject: Subject
    model_ids: tuple[str, ...] = ()
    hosts: tuple[Provider, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mention:
    name: str
    start: int
    end: int


def read_contents(*, subject: str, text: str, received_on: date) -> NoticeContents:
    """Return what the subject line and the text of a notice name; about six statements.

    The date is the only day later than the receipt, as for a pasted notice.
    """
    prose = f"{subject}\n\n{_QUOTE_MARKS.sub('', text)}"
    mentions = _find_models(prose)
    successor_mentions = [mention for mention in mentions if _is_successor(prose, mention)]
    retiring = _distinct(mention.name for mention in mentions if mention not in successor_mentions)
    successors = [
        name
        for name in _distinct(mention.name for mention in successor_mentions)
        if name.lower() not in {other.lower() for other in retiring}
    ]
    host_slugs = _find_hosts(prose, mentions)
    retires_on = retirement_date_in(prose, after=received_on)
    bound = DateKind.NOT_BEFORE if _LOWER_BOUND.search(prose) else DateKind.FIRM
    return NoticeContents(
        model_names=tuple(retiring[:MAX_MODEL_NAMES]),
        host_slugs=host_slugs,
        retires_on=retires_on,
        date_kind=str(bound) if retires_on else "",
        successor=_find_successor(successors, retiring, host_slugs),
        successor_name=successors[0][:200] if len(successors) == 1 else "",
        source_url=url_in(text)[:1000],
    )


def proposed_subjects(notice: ReceivedNotice) -> list[ProposedSubject]:
    """Return what the notice might retire, in the order of its text, at most MAX_SUBJECTS; five
    statements and one for each subject."""
    names = list(notice.model_names)
    if not names:
        return []
    offerings = _offerings_named(names)
    versions = _versions_named(names)
    foundations = {
        foundation.name.lower(): foundation
        for foundation in Foundation.objects.alias(lower=Lower("name")).filter(
            lower__in=[name.lower() for name in names]
        )
    }
    model_ids: dict[Subject, list[str]] = {}
    whole_subjects: set[Subject] = set()
    for name in names:
        for subject in _subjects_of(name, offerings, versions, foundations):
            known_ids = model_ids.setdefault(subject, [])
            if any(offering.api_id == name for offering in offerings):
                known_ids.append(name)
            else:
                whole_subjects.add(subject)
    versions_of = {subject.foundation_id for subject in model_ids if isinstance(subject, Version)}
    proposals = []
    for subject, known_ids in model_ids.items():
        if isinstance(subject, Foundation) and subject.pk in versions_of:
            # its version is proposed, which says more
            continue
        ids = () if subject in whole_subjects or isinstance(subject, Offering) else known_ids
        proposals.append(
            ProposedSubject(subject, tuple(ids), _named_hosts(subject, notice.host_slugs))
        )
        if len(proposals) == MAX_SUBJECTS:
            break
    return proposals


def _subjects_of(
    name: str,
    offerings: Sequence[Offering],
    versions: Sequence[Version],
    foundations: dict[str, Foundation],
) -> list[Subject]:
    """Return what one name stands for: the versions behind a model ID or a name, else the
    foundation of that name."""
    subjects: list[Subject] = [
        offering.version or offering for offering in offerings if offering.api_id == name
    ]
    if not subjects:
        subjects += [
            version
            for version in versions
            if name == version.identifier
            or name in version.aliases
            or name.lower() == version.name.lower()
        ]
    if not subjects and name.lower() in foundations:
        subjects.append(foundations[name.lower()])
    return list(dict.fromkeys(subjects))


def _named_hosts(subject: Subject, slugs: Sequence[str]) -> tuple[Provider, ...]:
    """Return the hosts of the subject that the notice names; empty if it names all of them."""
    if isinstance(subject, Offering) or not slugs:
        return ()
    hosts = list(hosts_of(subject))
    named = [host for host in hosts if host.slug in slugs]
    return tuple(named) if len(named) < len(hosts) else ()


def _offerings_named(names: Sequence[str]) -> list[Offering]:
    return list(
        Offering.objects.model_ids()
        .filter(api_id__in=names, not_a_model=False)
        .select_related("host", "version__foundation")
        .order_by("host__name", "region_scope", "service_tier", "pk")
    )


def _versions_named(names: Sequence[str]) -> list[Version]:
    return list(
        Version.objects.alias(lower=Lower("name"))
        .filter(
            Q(identifier__in=names)
            | Q(aliases__overlap=list(names))
            | Q(lower__in=[name.lower() for name in names])
        )
        .select_related("foundation")
        .order_by("identifier")
    )


# --- mentions -------------------------------------------------------------------------------------


def _find_models(prose: str) -> list[_Mention]:
    """Return where the text names models, by exact IDs and by the names of foundations and
    versions. A name inside a longer one is not a mention: "Claude Sonnet 4" in "Claude Sonnet
    4.5"."""
    ids = known_names_in([prose])
    names = {*_names_in(Foundation, prose), *_names_in(Version, prose)}
    # plain words are IDs and names too, but in prose they usually are ordinary words
    names = {name for name in names if _DIGIT_OR_SPACE.search(name)}
    spans: dict[tuple[int, int], str] = {}
    longest_first = sorted({*ids, *names}, key=lambda name: (-len(name), name))
    for name in longest_first[:_MAX_NAMES]:
        for start in _occurrences(prose, name, exact=name in ids):
            end = start + len(name)
            if not any(start < other_end and other_start < end for other_start, other_end in spans):
                spans[start, end] = name
    return [_Mention(name, start, end) for (start, end), name in sorted(spans.items())]


def _occurrences(prose: str, name: str, *, exact: bool) -> Iterator[int]:
    """Yield where the name begins as a whole word; `exact`: an ID, whose case counts. A line end in
    the text counts as a space."""
    text = prose.translate(_LINES_TO_SPACES)
    if not exact:
        # of the same length as the text, which `lower` does not promise
        text, name = text.translate(_ASCII_LOWER), name.translate(_ASCII_LOWER)
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        before, after = text[start - 1 : start], text[end : end + 2]
        is_inside = _INSIDE_BEFORE.match(before) or _INSIDE_AFTER.match(after)
        if not is_inside:
            yield start
        start = text.find(name, start + 1)


def _names_in(model: type[Foundation] | type[Version] | type[Provider], prose: str) -> list[str]:
    """Return the names of records that the text contains, in any case; the caller checks where
    words begin."""
    text = Value(" ".join(prose.lower().split()), output_field=TextField())
    records: Any = model._default_manager.alias(prose=text)
    names = records.filter(prose__contains=Lower("name")).values_list("name", flat=True).distinct()
    return [name for name in names if len(name) >= _MIN_NAME_LENGTH]


def _is_successor(prose: str, mention: _Mention) -> bool:
    """Return whether the sentence recommends the mentioned model, or the model is in a column of
    replacements."""
    if "|" in _line_of(prose, mention):
        return bool(_SUCCESSOR_COLUMN.search(_column_header(prose, mention)))
    before = prose[max(0, mention.start - 200) : mention.start]
    sentence = _SENTENCE_END.split(before)[-1]
    if _USE.search(sentence) and _INSTEAD.match(prose, mention.end):
        return True
    return bool(_SUCCESSOR.search(sentence)) and not _FROM.search(sentence)


def _line_of(prose: str, mention: _Mention) -> str:
    end = prose.find("\n", mention.end)
    return prose[prose.rfind("\n", 0, mention.start) + 1 : end if end >= 0 else len(prose)]


def _column_header(prose: str, mention: _Mention) -> str:
    """Return the cell above the mention in the first line of its table, whose columns are separated
    by "|"."""
    lines = prose[: mention.start].split("\n")
    column = lines[-1].count("|")
    first = len(lines) - 1
    while first > 0 and "|" in lines[first - 1]:
        first -= 1
    cells = (lines[first] if first < len(lines) - 1 else "").split("|")
    return cells[column] if column < len(cells) else ""


def _find_hosts(prose: str, mentions: Sequence[_Mention]) -> tuple[str, ...]:
    """Return the slugs of the hosts that the text names. A name within that of a model, or directly
    before it, is that of its developer: "Anthropic Claude Sonnet 4.6"."""
    slugs = []
    providers = Provider.objects.hosts().filter(name__in=_names_in(Provider, prose))
    for provider in providers.order_by("name", "pk"):
        for start in _occurrences(prose, provider.name, exact=False):
            gap = _GAP.match(prose, start + len(provider.name))
            end = gap.end() if gap else start + len(provider.name)
            if not any(mention.start <= end and start < mention.end for mention in mentions):
                slugs.append(provider.slug)
                break
    return tuple(slugs)


def _find_successor(
    names: Sequence[str], retiring: Sequence[str], host_slugs: Sequence[str]
) -> Offering | None:
    """Return the offering that the only recommended name stands for, on the hosts of the retiring
    model IDs, else on those that the notice names; None if several model IDs fit."""
    if len(names) != 1:
        return None
    offerings = Offering.objects.model_ids().filter(not_a_model=False).select_related("host")
    candidates = list(offerings.filter(api_id=names[0]))
    if not candidates:
        versions = _versions_named(names)
        candidates = list(offerings.filter(version__in=versions)[:200]) if versions else []
    id_hosts = {offering.host.slug for offering in _offerings_named(retiring)}
    hosts = (id_hosts & set(host_slugs)) or id_hosts or set(host_slugs)
    if hosts:
        candidates = [offering for offering in candidates if offering.host.slug in hosts]
    if len({(offering.host_id, offering.api_id) for offering in candidates}) != 1:
        return None
    return min(
        candidates, key=lambda offering: (offering.region_scope, offering.service_tier, offering.pk)
    )


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


__all__ = ["NoticeContents", "ProposedSubject", "proposed_subjects", "read_contents"]
