"""The rates and losses a new organisation begins with: what was counted, what is assumed, what is a placeholder.

Rates are those of apps/exposure/loss/rates.py when this was written; a rate that somebody has changed stays.
"""

from django.db import migrations

# kind, node kind, events a year, low, high, once, spread of severity, assumed, source
RATES = [
    (
        "retirement",
        "offering",
        0.74,
        0.5,
        1.02,
        True,
        0.0,
        False,
        "Shutdowns of the developers' own offerings, per offering-year on the market (2026-01-01 to 2026-11-24). Counted from the providers' pages of August 2026, modeldeprecations.dev, deprecations.info, LiteLLM's price map and models.dev, as of 2026-11-24: OpenAI, Anthropic, Google, Mistral, xAI, Cohere, DeepSeek, Moonshot. The pace has roughly doubled every year (0.17, 0.35, 0.74). Offerings of one developer end in batches: taken as independent, the variance is about five times too small.",
    ),
    (
        "repricing",
        "offering",
        0.037,
        0.025,
        0.053,
        False,
        1.0,
        False,
        "Rises of more than 10 % of a developer's own offering, per model-year, as published (2024-11-24 to 2026-11-24). Counted from the history of LiteLLM's price map (github.com/BerriAI/litellm) up to 2026-11-24. An upper bound: 8 of the 22 rises look like the list correcting itself.",
    ),
    (
        "developer_failure",
        "developer",
        0.01,
        0.001,
        0.1,
        True,
        0.0,
        True,
        "The developer stops serving, or may not be used any more. An assumption of this project; nobody counted it. Replace it by what your status pages and contracts say.",
    ),
    (
        "outage",
        "host",
        1.0,
        0.1,
        10.0,
        False,
        1.5,
        True,
        "Outages of a host that last long enough to cost something. An assumption of this project; nobody counted it. Replace it by what your status pages and contracts say.",
    ),
    (
        "outage",
        "region",
        0.5,
        0.05,
        5.0,
        False,
        1.5,
        True,
        "Outages of one region of a host that last long enough to cost something. An assumption of this project; nobody counted it. Replace it by what your status pages and contracts say.",
    ),
    (
        "outage",
        "gateway",
        1.0,
        0.1,
        10.0,
        False,
        1.5,
        True,
        "Outages of a gateway that last long enough to cost something. An assumption of this project; nobody counted it. Replace it by what your status pages and contracts say.",
    ),
    (
        "outage",
        "vendor",
        1.0,
        0.1,
        10.0,
        False,
        1.5,
        True,
        "Outages of a vendor's product that last long enough to cost something. An assumption of this project; nobody counted it. Replace it by what your status pages and contracts say.",
    ),
    (
        "regression",
        "version",
        0.2,
        0.02,
        2.0,
        False,
        1.0,
        True,
        "A fault of the model comes to light that all who use it share. An assumption of this project; nobody counted it. Replace it by what your status pages and contracts say.",
    ),
]

# by criticality, gravest first; in units of an outage of an application of low criticality
LOSSES = {
    "outage": [8.0, 4.0, 2.0, 1.0],
    "retirement": [40.0, 20.0, 10.0, 5.0],
    "developer_failure": [80.0, 40.0, 20.0, 10.0],
    "regression": [16.0, 8.0, 4.0, 2.0],
    "repricing": [8.0, 4.0, 2.0, 1.0],
    "shutdown_day": [40.0, 20.0, 10.0, 5.0],
    "short_notice": [80.0, 40.0, 20.0, 10.0],
}
# (chance a year, loss) of trouble an application has alone
OWN = [(0.1, 8.0), (0.1, 4.0), (0.1, 2.0), (0.1, 1.0)]


def add(apps, schema_editor):
    rate = apps.get_model("exposure", "EventRate")
    loss = apps.get_model("exposure", "BaseLoss")
    for kind, node_kind, value, low, high, once, cv, assumed, source in RATES:
        facts = {"rate": value, "low": low, "high": high, "once": once, "severity_cv": cv}
        rate.objects.get_or_create(
            kind=kind,
            node_kind=node_kind,
            node=None,
            defaults={**facts, "assumption": assumed, "source": source},
        )
    for kind, amounts in LOSSES.items():
        for criticality, amount in enumerate(amounts):
            loss.objects.get_or_create(
                kind=kind, criticality=criticality, defaults={"amount": amount}
            )
    for criticality, (chance, amount) in enumerate(OWN):
        loss.objects.get_or_create(
            kind="own", criticality=criticality, defaults={"amount": amount, "chance": chance}
        )


def remove_untouched(apps, schema_editor):
    rate = apps.get_model("exposure", "EventRate")
    for kind, node_kind, value, *_ in RATES:
        rate.objects.filter(kind=kind, node_kind=node_kind, node=None, rate=value).delete()
    apps.get_model("exposure", "BaseLoss").objects.filter(placeholder=True).delete()


class Migration(migrations.Migration):
    dependencies = [("exposure", "0006_rates_and_losses_say_more")]

    operations = [migrations.RunPython(add, remove_untouched)]
