"""The world of a dependency that needs a successor: what it uses, what could take its place, and
what each candidate would break."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from apps.accounts.models import Team
from apps.catalog.models import Offering, SettledClaims
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import rebuild
from apps.inventory.models import Application, Criticality, Dependency, Requirement
from tests.builders import (
    make_application,
    make_approval,
    make_dependency,
    make_exit_test,
    make_foundation,
    make_offering,
    make_price,
    make_provider,
    make_team,
    make_version,
)

NEEDS: dict[str, Any] = {
    "vision": True,
    "pdf": True,
    "tool_calling": False,
    "context_window": 231_000,
}


@dataclass
class SuccessorWorld:
    """`gemini` retires in 4 days. `gpt` keeps everything, `replacement` judges itself and promises
    no region, `mistral` lacks PDF input, `grok` is blocked, `elsewhere` is the same version on a
    host without approval, `flash` is the fallback and retires on the same day."""

    team: Team
    application: Application
    hidden: Application
    dependency: Dependency
    gemini: Offering
    gpt: Offering
    replacement: Offering
    mistral: Offering
    grok: Offering
    elsewhere: Offering
    flash: Offering


def make_successor_world() -> SuccessorWorld:
    today = day_of(now())
    retires_on = today + timedelta(days=4)
    team = make_team("Motor claims")
    google = make_provider("google", roles=("developer", "host"), name="Google")
    azure = make_provider("azure", name="Microsoft Azure")
    old = _version("google", "gemini-2.5-pro", "Gemini 2.5 Pro")
    gemini = _offering(
        "gemini-2.5-pro", google, old, "1.25", "10", retires_on=retires_on, date_kind="firm"
    )
    make_price(gemini, "input", "2.5", above=200_000)
    make_price(gemini, "output", "15", above=200_000)
    flash = _offering(
        "gemini-2.5-flash",
        google,
        _version("google", "gemini-2.5-flash", "Gemini 2.5 Flash"),
        "0.3",
        "2.5",
        retires_on=retires_on,
        date_kind="firm",
    )
    replacement = _offering(
        "gemini-3.8-flash",
        google,
        _version("google", "gemini-3.8-flash", "Gemini 3.8 Flash"),
        "0.5",
        "3",
        region_scope="global",
    )
    Offering.objects.filter(pk=gemini.pk).update(replacement=replacement)
    gpt = _offering(
        "gpt-5.4",
        azure,
        _version("openai", "gpt-5.4", "GPT-5.4"),
        "2.75",
        "16.5",
        region_scope="eu",
        retires_on=today + timedelta(days=280),
        date_kind="firm",
    )
    mistral_host = make_provider("mistral", roles=("developer", "host"), name="Mistral AI")
    mistral = _offering(
        "mistral-large",
        mistral_host,
        _version("mistral", "mistral-large", "Mistral Large"),
        "1.5",
        "6",
        region_scope="eu",
    )
    grok_host = make_provider("xai", roles=("developer", "host"), name="xAI")
    grok = _offering("grok-4.3", grok_host, _version("xai", "grok-4.3", "Grok 4.3"), "3", "15")
    elsewhere = _offering(
        "google/gemini-2.5-pro", make_provider("deepinfra", name="DeepInfra"), old, "1", "8"
    )
    application = make_application(
        "Motor damage estimator",
        team=team,
        criticality=Criticality.CRITICAL,
        data_classification="confidential",
        geography="DE, AT",
    )
    dependency = make_dependency(
        application,
        gemini,
        monthly_input_tokens=2_900_000_000,
        monthly_output_tokens=640_000_000,
        typical_request_tokens=231_000,
    )
    make_dependency(application, flash, "fallback", fallback_order=1)
    make_dependency(application, replacement, "judge")
    hidden = make_application("Underwriting copilot", criticality=Criticality.CRITICAL)
    other = make_dependency(hidden, mistral)
    make_dependency(hidden, gpt, "fallback", fallback_order=1)
    make_exit_test(other, gpt, tested_on=today - timedelta(days=20))
    make_approval("blocked", provider=grok_host, decided_on=today - timedelta(days=30))
    make_approval("approved", provider=azure, decided_on=today - timedelta(days=30))
    for field, value in NEEDS.items():
        Requirement.objects.create(dependency=dependency, field=field, value=value)
    for offering in (gemini, gpt, replacement, grok, elsewhere, flash):
        settle(offering, vision=True, pdf=True, context_window=400_000)
    settle(mistral, vision=True, pdf=False, context_window=256_000)
    rebuild(on=today)
    return SuccessorWorld(
        team,
        application,
        hidden,
        dependency,
        Offering.objects.get(pk=gemini.pk),
        gpt,
        replacement,
        mistral,
        grok,
        elsewhere,
        flash,
    )


def settle(offering: Offering, topic: str = "capability", **values: Any) -> None:
    """State values of the offering, as a list of capabilities would."""
    SettledClaims.objects.update_or_create(
        offering=offering,
        topic=topic,
        defaults={
            "values": {
                field: {"value": value, "source": "LiteLLM", "at": "2026-11-24", "agreed": 1}
                for field, value in values.items()
            },
            "changed_at": now(),
        },
    )


def _version(developer: str, line: str, name: str) -> Any:
    maker = make_provider(developer, roles=("developer",))
    foundation = make_foundation(f"{developer}/{line}", developer=maker, name=name)
    return make_version(f"{developer}/{line}", foundation=foundation)


def _offering(
    api_id: str, host: Any, version: Any, price_in: str, price_out: str, **fields: Any
) -> Offering:
    offering = make_offering(
        api_id, host=host, version=version, category="chat", **{"lifecycle": "active", **fields}
    )
    make_price(offering, "input", price_in)
    make_price(offering, "output", price_out)
    return offering
