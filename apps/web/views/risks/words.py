"""Risks in words: the findings that head the pages, levels, states, and where a node has its page."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Region, Version
from apps.risks.queries import Reach
from apps.risks.scoring import Level
from apps.web.page import Sentence
from apps.web.wording import long_day, number

SEVERITIES = {
    5: gettext_lazy("Very high"),
    4: gettext_lazy("High"),
    3: gettext_lazy("Moderate"),
    2: gettext_lazy("Low"),
    1: gettext_lazy("Very low"),
}
LIKELIHOODS = {
    1: gettext_lazy("Rare"),
    2: gettext_lazy("Unlikely"),
    3: gettext_lazy("Possible"),
    4: gettext_lazy("Likely"),
    5: gettext_lazy("Almost certain"),
}
IMPACTS = {
    1: gettext_lazy("Negligible"),
    2: gettext_lazy("Minor"),
    3: gettext_lazy("Moderate"),
    4: gettext_lazy("Major"),
    5: gettext_lazy("Severe"),
}
STATES = {
    "unassessed": gettext_lazy("Unassessed"),
    "stale": gettext_lazy("Stale"),
    "assessed": gettext_lazy("Assessed"),
    "not_applicable": gettext_lazy("Not applicable"),
}
# how a state is drawn, by the stylesheet
MARKS = {"unassessed": "open", "stale": "stale", "assessed": "done", "not_applicable": "done"}
VIAS = {
    "direct": gettext_lazy("directly"),
    "one_of": gettext_lazy("as one of several it may be"),
    "weights": gettext_lazy("by its weights"),
    "behaviour": gettext_lazy("by its behaviour"),
}


def of_register(reach: Reach, *, whose: str = "", is_counted: bool = True) -> Sentence:
    """What is inherited, and how much of it is not assessed. `whose`: the one application asked for."""
    if not is_counted:
        return Sentence(_("Inherited risks have not been counted yet. The figures follow within two minutes."))
    of_whom = _(" by %(name)s") % {"name": whose} if whose else ""
    if reach.n_inherited == 0:
        if whose:
            return Sentence(_("Nothing is inherited by %(name)s today.") % {"name": whose})
        return Sentence(_("Nothing is inherited yet: no open risk lies on anything your applications stand on."))
    start = ngettext(
        "One risk is inherited%(whom)s, and ", "%(n)s risks are inherited%(whom)s; ", reach.n_inherited
    ) % {"n": number(reach.n_inherited), "whom": of_whom}  # fmt: skip
    stale = ""
    if reach.n_stale:
        stale = ngettext(
            "; the assessment of %(n)s is stale", "; the assessments of %(n)s are stale", reach.n_stale
        ) % {"n": number(reach.n_stale)}  # fmt: skip
    if reach.n_unassessed == 0:
        looked = _("all of them are assessed") if reach.n_inherited > 1 else _("it is assessed")
        return Sentence(f"{start}{looked}{stale}.")
    if reach.n_unassessed == reach.n_inherited:
        mark = _("none of them is assessed") if reach.n_inherited > 1 else _("it is not assessed")
    else:
        mark = ngettext("%(n)s is not assessed", "%(n)s are not assessed", reach.n_unassessed) % {
            "n": number(reach.n_unassessed)
        }
    grave = ""
    if reach.n_critical_unassessed:
        grave = _(", of which %(n)s on critical applications") % {"n": number(reach.n_critical_unassessed)}
    return Sentence(start, mark, f"{grave}{stale}.")


def of_foundation_risk(name: str, node: str, reach: Reach, *, open_: bool, is_counted: bool = True) -> Sentence:
    if not open_:
        return Sentence(_("%(name)s on %(node)s is over: nothing inherits it.") % {"name": name, "node": node})
    if not is_counted:
        return Sentence(
            _("%(name)s lies on %(node)s. Who inherits it is counted within two minutes.")
            % {"name": name, "node": node}
        )
    if reach.n_inherited == 0:
        return Sentence(
            _("%(name)s lies on %(node)s; no application of yours inherits it.") % {"name": name, "node": node}
        )
    start = ngettext(
        "%(name)s on %(node)s is inherited by one dependency",
        "%(name)s on %(node)s is inherited by %(n)s dependencies",
        reach.n_inherited,
    ) % {"name": name, "node": node, "n": number(reach.n_inherited)}  # fmt: skip
    if reach.n_unassessed == 0:
        return Sentence(_("%(start)s, all of them assessed.") % {"start": start})
    left = ngettext("%(n)s is not assessed", "%(n)s are not assessed", reach.n_unassessed) % {
        "n": number(reach.n_unassessed)
    }
    return Sentence(f"{start}; ", left, ".")


def of_inherited(title: str, application: str, node: str, state: str, *, stale: str, until: date | None) -> Sentence:
    start = _("%(application)s inherits “%(title)s” from %(node)s") % {
        "application": application, "title": title, "node": node,
    }  # fmt: skip
    if state == "unassessed":
        return Sentence(f"{start}; ", _("nobody has looked at it"), ".")
    if state == "stale":
        return Sentence(f"{start}; ", _("what was decided is stale"), f": {stale}" if stale else ".")
    if state == "not_applicable":
        return Sentence(_("%(start)s; it was found not to matter here.") % {"start": start})
    if until:
        return Sentence(_("%(start)s; accepted until %(day)s.") % {"start": start, "day": long_day(until)})
    return Sentence(_("%(start)s; it has been assessed.") % {"start": start})


def of_coverage(taxonomy: str, n_open: int, n_entries: int) -> Sentence:
    return Sentence(
        _("%(n)s of the %(of)s entries of %(taxonomy)s on record have open risks here.")
        % {"n": n_open, "of": n_entries, "taxonomy": taxonomy}
    )


def level_words(level: Level | None) -> str:
    """`4 likely x 5 severe`."""
    if level is None:
        return "–"
    return f"{level.likelihood} {LIKELIHOODS[level.likelihood]} × {level.impact} {IMPACTS[level.impact]}".lower()


def severity_words(level: Level | None) -> str:
    return str(SEVERITIES[level.severity]) if level else "–"


def steps_words(n: int) -> str:
    """`+1`, `−2`, `0`."""
    return "0" if n == 0 else f"{n:+d}".replace("-", "−")


_MODELS: dict[str, type[Any]] = {"offering": Offering, "version": Version, "foundation": Foundation, "region": Region}


# columns by which people name things
_SAID_AS = {
    "offering": ("api_id",),
    "version": ("identifier",),
    "foundation": ("slug", "line", "name"),
    "region": ("name",),
}


def page_of_node(kind: str, thing: Any) -> str:
    """The page of an offering, foundation, version or provider; regions are shown by their host."""
    match kind:
        case "offering":
            return reverse("offering", args=[thing.pk])
        case "version":
            return reverse("foundation", args=[thing.foundation.slug])
        case "foundation":
            return reverse("foundation", args=[thing.slug])
        case "region":
            return reverse("provider", args=[thing.host.slug])
    return reverse("provider", args=[thing.slug])


def thing_on(kind: str, ref: int) -> Any | None:
    """What a node stands for; one statement."""
    related = {"offering": ("host", "version"), "version": ("foundation",), "region": ("host",)}
    things = _MODELS.get(kind, Provider)._default_manager.filter(pk=ref)
    if kind in related:
        things = things.select_related(*related[kind])
    return things.first()


def find_thing(kind: NodeKind, words: str) -> tuple[Any | None, Sequence[str]]:
    """What people mean by `words`, a slug, name, identifier or id; or some of what it may be. Two statements."""
    model = _MODELS.get(kind.label, Provider)
    exact = _SAID_AS.get(kind.label, ("slug", "name"))
    manager = model._default_manager
    if words.isdecimal() and len(words) < 18:
        found = list(manager.filter(pk=int(words))[:1])
    else:
        found = []
        for column in exact:
            found = list(manager.filter(**{f"{column}__iexact": words})[:6])
            if found:
                break
    if len(found) == 1:
        return found[0], ()
    if found:
        return None, [f"{thing} ({thing.pk})" for thing in found]
    near = manager.filter(**{f"{exact[-1]}__icontains": words}).order_by(exact[-1])[:5]
    return None, [f"{thing} ({thing.pk})" for thing in near]
