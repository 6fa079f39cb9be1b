"""Fit of a candidate as every page shows it: items kept, lost or unknown, each with what is needed,
what the candidate offers, and who states it."""

from dataclasses import dataclass

from apps.catalog.capabilities.fit import Fit, FitItem, FitVerdict, ItemVerdict
from apps.catalog.capabilities.phrases import (
    NOTHING_KNOWN,
    describe_losses,
    describe_need,
    describe_source,
    describe_unknowns,
    format_value,
)

_LABELS: dict[FitVerdict, str] = {
    FitVerdict.FITS: "Fits",
    FitVerdict.BREAKS: "Breaks",
    FitVerdict.UNKNOWN: "Unknown",
}
_MARKS: dict[FitVerdict, ItemVerdict] = {
    FitVerdict.FITS: ItemVerdict.KEPT,
    FitVerdict.BREAKS: ItemVerdict.LOST,
    FitVerdict.UNKNOWN: ItemVerdict.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class FitLine:
    """One used item: `verdict` is kept, lost or unknown; `text` says it in a few words, `sentence`
    with what the candidate offers and who states it."""

    field: str
    verdict: str
    text: str
    sentence: str


@dataclass(frozen=True, slots=True)
class FitSummary:
    """The fit of one candidate: `label` is one word, `sentence` the whole of it. `lines` are the
    used items, lost ones first, then unknown ones; `not_used` says what is not needed."""

    verdict: str
    label: str
    sentence: str
    lines: tuple[FitLine, ...]
    not_used: str

    @property
    def n_kept(self) -> int:
        return sum(line.verdict == ItemVerdict.KEPT for line in self.lines)


_ORDER = (ItemVerdict.LOST, ItemVerdict.UNKNOWN, ItemVerdict.KEPT)


def present_fit(fit: Fit) -> FitSummary:
    """Return the fit as `components/fit.html` shows it."""
    unused = fit.with_verdict(ItemVerdict.NOT_USED)
    return FitSummary(
        verdict=str(fit.verdict),
        label=_LABELS[fit.verdict],
        sentence=describe_fit(fit),
        lines=tuple(
            _present_item(item) for verdict in _ORDER for item in fit.with_verdict(verdict)
        ),
        not_used=", ".join(describe_need(item) for item in unused),
    )


def describe_fit(fit: Fit) -> str:
    """Return the whole fit in one sentence."""
    n_used = sum(item.verdict != ItemVerdict.NOT_USED for item in fit.items)
    if not n_used:
        return NOTHING_KNOWN
    if fit.verdict == FitVerdict.FITS:
        return "Keeps everything that this dependency is recorded to use."
    losses, unknowns = describe_losses(fit), describe_unknowns(fit)
    sentence = f"Breaks: {losses}." if losses else ""
    if unknowns:
        sentence = f"{sentence} Unknown: {unknowns}.".strip()
    return sentence


def fit_phrase(fit: Fit) -> str:
    """Return the fit as a phrase for a list of candidates: `breaks: has no image input`, `fits`,
    `unknown: PDF input`; of a use of which nothing is known `fit unknown`."""
    if fit.verdict == FitVerdict.FITS:
        return "fits"
    if losses := describe_losses(fit):
        return f"breaks: {losses}"
    unknowns = describe_unknowns(fit)
    return f"unknown: {unknowns}" if unknowns else "fit unknown"


@dataclass(frozen=True, slots=True)
class FitMark:
    """The fit in a list of candidates: `verdict` is that of `components/fit.html` (kept, lost or
    unknown), `phrase` says it."""

    verdict: str
    phrase: str


def mark_fit(fit: Fit) -> FitMark:
    return FitMark(str(_MARKS[fit.verdict]), fit_phrase(fit))


def _present_item(item: FitItem) -> FitLine:
    needed = "not known" if item.needed is None else format_value(item.field, item.needed)
    offered = format_value(item.field, item.new.value)
    return FitLine(
        field=item.field,
        verdict=str(item.verdict),
        text=f"{describe_need(item)} {item.verdict}",
        sentence=f"Needed: {needed}. Candidate: {offered} ({describe_source(item.new)}).",
    )
