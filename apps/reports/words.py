"""The words beside values: how one was derived, or why a field does not apply. The database answers with a code and
numbers, `worst:3:5`, so that the sentence can be said in any language."""

from typing import Any

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Any] = {
    # does not apply
    "office": _("read by governance, auditors and administrators"),
    "not_subsequent": _("only for a contract under an overarching one"),
    "in_force": _("the contract is in force"),
    "not_critical": _("only for critical or important functions"),
    "not_stored": _("the service stores no data"),
    "follows": _("follows the identification, which is missing"),
    "rank_one": _("the provider is under contract itself"),
    "own_parent": _("the provider is its own ultimate parent"),
    "not_direct": _("not a direct provider"),
    "substitutable": _("only where it is hard to substitute"),
    "no_alternatives": _("no alternative is identified"),
    "no_fine_tune": _("no fine-tune is recorded"),
    "unplaced": _("until the model is identified"),
    "on_request": _("not asked yet"),
    "not_on_file": _("not on file"),
    "unasked": _("it was not asked for"),
    "fortnight": _("14 days after it was asked for"),
    "none": _("nothing noted"),
    "unanswered": _("not answered yet"),
    "direct": _("called directly"),
    "alone": _("no other model is called"),
    "evaluated": _("from the latest evaluation on record"),
    "decided": _("from the narrowest decision in force"),
    "not_a_model": _("not a model"),
    # derived
    "open_ended": _("open-ended"),
    "lei": _("the LEI is on record"),
    "spend": _("12 × the monthly spend recorded on %(a)s of %(b)s dependencies"),
    "contracts": _("contracts added up: %(a)s"),
    "classification": _("from the data classification of %(a)s of %(b)s applications"),
    "reliance_entered": _("entered for %(a)s of %(b)s primaries; the strongest"),
    "reliance": _(
        "primaries: %(b)s, of which %(a)s without a way out that avoids the provider, %(c)s with a tested one in date"
    ),
    "leans": _("in no primary role"),
    "subst": _("the hardest of the primaries: %(a)s entered, %(b)s derived from exit tests and fallbacks"),
    "subst_part": _(
        "the hardest of %(a)s of %(c)s primaries (%(b)s derived from exit tests and fallbacks); the others are unknown"
    ),
    "plans": _("primaries with an exit plan: %(a)s of %(b)s"),
    "alternatives": _("primaries with an alternative: %(a)s of %(b)s; entered: %(c)s"),
    "hosts": _("hosts of fallbacks, exit tests and exit plans, and what was entered"),
    "worst": _("the gravest of %(a)s of %(b)s applications"),
    "shortest": _("the shortest of %(a)s of %(b)s applications"),
    "latest": _("the latest of %(a)s of %(b)s applications"),
    "critical": _("critical or important: %(a)s of %(b)s applications"),
    "reasons": _("applications that say why: %(a)s"),
    "chain": _("from what is called"),
    "developer": _("developer behind the host"),
    "components": _("from the dependencies in other roles"),
    "evaluations": _("from %(a)s evaluations on record"),
    "changed": _("the latest change of the application or what it calls"),
    "retires": _("the announced end of the offering"),
    "annex": _("%(a)s of 11 documents of Annex XII on file"),
    "criticality": _("from criticality and users affected"),
    "adaptations": _("from the adaptations on record"),
    "risks": _("inherited risks on record"),
    "findings": _("from approvals and acceptances"),
    "planned": _("the next exit test or review"),
}


def sentence(code: str) -> str:
    """`plans:3:5` said; a word that is not known is shown as it is."""
    name, *numbers = code.split(":")
    said = WORDS.get(name)
    if said is None:
        return code
    return str(said) % dict(zip("abcd", numbers, strict=False)) if numbers else str(said).replace("%%", "%")
