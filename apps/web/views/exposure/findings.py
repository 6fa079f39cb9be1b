"""The sentences that head the pages of exposure. Plain Python: counts and names in, a sentence out."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.exposure.layers import LayerTable
from apps.exposure.portability import Portability
from apps.web.page import Sentence
from apps.web.wording import number, share, spelled

_ONE = {
    "developer": lambda: _("one developer"),
    "host": lambda: _("one host"),
    "foundation": lambda: _("one foundation"),
    "version": lambda: _("one version"),
    "region": lambda: _("one region"),
    "gateway": lambda: _("one gateway"),
    "vendor": lambda: _("one vendor's product"),
}


def of_concentration(table: LayerTable, found: Portability) -> Sentence:
    """The largest share of the layer in red where it is over the line, then how many could leave."""
    if table.as_of is None:
        return Sentence(_("What stands on what is being worked out; look again in a few minutes."))
    if not table.n_applications:
        return Sentence(_("No application is in pilot or production, so nothing is correlated."))
    if not table.rows:
        return Sentence(_("No application reaches its model through anything of this layer.") + _leaving(found))
    top = table.rows[0]
    if table.n_critical and top.n_critical:
        part = _("%(share)s of critical applications") % {"share": share(top.critical_share)}
    else:
        part = _("%(share)s of applications") % {"share": share(top.share)}
    rest = _(" rest on %(one)s, %(name)s") % {"one": _ONE[table.layer](), "name": top.name} + _leaving(found)
    return Sentence("", part, rest) if top.over else Sentence(f"{part}{rest}")


def _leaving(found: Portability) -> str:
    if not found.n:
        return "."
    if not found.n_tested:
        return _("; none of the %(n)s critical ones has a tested way out.") % {"n": number(found.n)}
    words = {"tested": number(found.n_tested), "n": number(found.n)}
    return (
        ngettext(
            "; %(tested)s of %(n)s critical ones has a way out that is tested and in date.",
            "; %(tested)s of %(n)s critical ones have a way out that is tested and in date.",
            found.n_tested,
        )
        % words
    )


def of_ways_out(found: Portability) -> Sentence:
    if not found.n:
        return Sentence(_("No critical application has a live primary, so there is nothing to leave."))
    if not found.n_tested:
        return Sentence("", _("No critical application"), _(" has a tested way out of the model it stands on."))
    part = _("%(share)s of critical applications") % {"share": share(found.n_tested / found.n)}
    rest = _(" have a tested way out in date; %(n)s would also outlast their developer.") % {
        "n": spelled(found.n_outlasting)
    }
    return Sentence(f"{part}{rest}")


def of_single_points(n: int, top: str, n_critical: int, n_total: int, *, bounded: bool = False) -> Sentence:
    if not n:
        return Sentence(_("Nothing alone can stop an application: every primary has a tested way out."))
    first = ngettext("%(n)s thing alone can stop an application", "%(n)s things can each stop an application alone", n)
    first %= {"n": f"{number(n)}+" if bounded else number(n)}
    if not n_critical:
        return Sentence(f"{first}.")
    return Sentence(
        f"{first}; ",
        _("%(top)s stops %(n)s of %(total)s critical ones")
        % {"top": top, "n": number(n_critical), "total": number(n_total)},
        ".",
    )


def of_node(name: str, verb: str, n: str, n_any: int, exposed: int, exposed_critical: int) -> Sentence:
    if not n_any:
        return Sentence(_("Nothing stands or leans on %(name)s.") % {"name": name})
    stands = ngettext(
        "%(n)s application stands or leans on %(name)s", "%(n)s applications stand or lean on %(name)s", n_any
    ) % {"n": n, "name": name}
    if not exposed:
        return Sentence(f"{stands}; " + _("none is exposed if it %(verb)s.") % {"verb": verb})
    part = ngettext("%(n)s is exposed", "%(n)s are exposed", exposed) % {"n": number(exposed)}
    after = _(" if it %(verb)s") % {"verb": verb}
    if exposed_critical:
        after += _(", %(n)s of them critical") % {"n": number(exposed_critical)}
    return Sentence(f"{stands}; ", part, f"{after}.")


def of_flags(n_open: int, n_accepted: int, n_acknowledged: int, *, filtered: bool, n_found: str) -> Sentence:
    if filtered:
        return Sentence(_("%(n)s flags match the filters.") % {"n": n_found})
    if not n_open and not n_accepted and not n_acknowledged:
        return Sentence(_("No line is crossed."))
    parts = []
    if n_acknowledged:
        parts.append(_("%(n)s acknowledged") % {"n": spelled(n_acknowledged)})
    if n_accepted:
        parts.append(_("%(n)s accepted until a day") % {"n": spelled(n_accepted)})
    rest = f"; {', '.join(parts)}." if parts else "."
    if not n_open:
        return Sentence(_("No flag is open") + rest)
    opened = ngettext("%(n)s flag is open", "%(n)s flags are open", n_open) % {"n": spelled(n_open)}
    return Sentence("", opened[:1].upper() + opened[1:], rest)


def of_losses(expected: str, one_in_100: str, times: float | None, drivers: Sequence[str]) -> Sentence:
    before = _("A usual year costs %(expected)s, one in a hundred ") % {"expected": expected}
    after = ""
    if times and times > 1.05:
        after = _(", %(times)s times what independent failures would") % {"times": f"{times:.1f}"}
    if drivers:
        after += _("; %(who)s carries most of it") % {"who": drivers[0]}
    return Sentence(before, _("%(loss)s or more") % {"loss": one_in_100}, f"{after}.")
