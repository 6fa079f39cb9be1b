"""Explanations of values: how one was derived, or why a field does not apply. The database returns
a code and numbers, `worst:3:5`, so that the sentence can be written in any language."""

EXPLANATIONS: dict[str, str] = {
    # does not apply
    "office": "read by governance, auditors and administrators",
    "not_subsequent": "only for a contract under an overarching one",
    "in_force": "the contract is in force",
    "not_critical": "only for critical or important functions",
    "not_stored": "the service stores no data",
    "follows": "follows the identification, which is missing",
    "rank_one": "the provider is under contract itself",
    "own_parent": "the provider is its own ultimate parent",
    "not_direct": "not a direct provider",
    "substitutable": "only where it is hard to substitute",
    "no_alternatives": "no alternative is identified",
    "no_fine_tune": "no fine-tune is recorded",
    "unplaced": "until the model is identified",
    "on_request": "not asked yet",
    "not_on_file": "not on file",
    "unasked": "it was not asked for",
    "fortnight": "14 days after it was asked for",
    "none": "nothing noted",
    "unanswered": "not answered yet",
    "direct": "called directly",
    "alone": "no other model is called",
    "evaluated": "from the latest evaluation on record",
    "decided": "from the narrowest decision in force",
    "not_a_model": "not a model",
    # derived
    "open_ended": "open-ended",
    "lei": "the LEI is on record",
    "spend": "12 × the monthly spend recorded on {a} of {b} dependencies",
    "contracts": "contracts added up: {a}",
    "classification": "from the data classification of {a} of {b} applications",
    "reliance_entered": "entered for {a} of {b} primaries; the strongest",
    "reliance": (
        "primaries: {b}, of which {a} without a way out that avoids the provider, {c} with a "
        "tested one in date"
    ),
    "leans": "in no primary role",
    "subst": "the hardest of the primaries: {a} entered, {b} derived from exit tests and fallbacks",
    "subst_part": (
        "the hardest of {a} of {c} primaries ({b} derived from exit tests and fallbacks); the "
        "others are unknown"
    ),
    "plans": "primaries with an exit plan: {a} of {b}",
    "alternatives": "primaries with an alternative: {a} of {b}; entered: {c}",
    "hosts": "hosts of fallbacks, exit tests and exit plans, and what was entered",
    "worst": "the gravest of {a} of {b} applications",
    "shortest": "the shortest of {a} of {b} applications",
    "latest": "the latest of {a} of {b} applications",
    "critical": "critical or important: {a} of {b} applications",
    "reasons": "applications that say why: {a}",
    "chain": "from what is called",
    "developer": "developer behind the host",
    "components": "from the dependencies in other roles",
    "evaluations": "from {a} evaluations on record",
    "changed": "the latest change of the application or what it calls",
    "retires": "the announced end of the offering",
    "annex": "{a} of 11 documents of Annex XII on file",
    "criticality": "from criticality and users affected",
    "adaptations": "from the adaptations on record",
    "risks": "inherited risks on record",
    "findings": "from approvals and acceptances",
    "planned": "the next exit test or review",
}


def explain_code(code: str) -> str:
    """Return the sentence of a code such as `plans:3:5`; an unknown code is returned unchanged."""
    name, *numbers = code.split(":")
    template = EXPLANATIONS.get(name)
    if template is None:
        return code
    return template.format(**dict(zip("abcd", numbers, strict=False))) if numbers else template
