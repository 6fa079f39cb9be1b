"""The built-in risk catalogue: complete, sourced, loaded once and not twice."""

import json
from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command

from apps.catalog.models import ProviderEvent
from apps.inventory.models import Adaptation
from apps.risks.catalogue import load_risk_catalogue, read_records
from apps.risks.models import (
    Layer,
    Modifier,
    Predicate,
    RiskTemplate,
    Taxonomy,
    TaxonomyEntry,
    TemplateMapping,
)
from apps.risks.queries.levels import IN_THE_WEIGHTS
from apps.risks.rules.definitions import RULES
from tests.builders import make_modifier, make_template


class TestTheFiles:
    def test_there_are_32_templates_in_every_layer_each_with_tests_treatments_and_modifiers(self):
        templates = list(read_records("templates"))

        assert [row["code"] for row in templates] == [f"FR-{number:02}" for number in range(1, 33)]
        assert {row["layer"] for row in templates} == set(Layer)
        for row in templates:
            assert all(
                row[part]
                for part in ("description", "suggested_tests", "suggested_treatments", "modifiers")
            )
            assert 1 <= row["usual_likelihood"] <= 5
            assert 1 <= row["usual_impact"] <= 5

    def test_every_modifier_says_why_and_names_a_kind_of_adaptation(self):
        for row in read_records("templates"):
            kinds = [modifier["adaptation"] for modifier in row["modifiers"]]
            assert len(set(kinds)) == len(kinds)
            assert set(kinds) <= set(Adaptation.Kind)
            assert all(modifier["rationale"] for modifier in row["modifiers"])

    def test_prompting_alone_lowers_no_risk_that_sits_in_the_weights(self):
        for row in read_records("templates"):
            if row["layer"] in IN_THE_WEIGHTS:
                for modifier in row["modifiers"]:
                    assert modifier["adaptation"] != "prompt" or modifier["likelihood"] >= 0, row[
                        "code"
                    ]

    def test_what_makes_a_template_stale_is_an_event_or_an_exit_test(self):
        known = {*ProviderEvent.Kind, "exit_test_expired"}

        assert all(set(row["stale_by"]) <= known for row in read_records("templates"))
        assert {row.get("applies_when", "") for row in read_records("templates")} <= {
            "",
            *Predicate,
        }

    def test_nist_comes_with_text_and_share_alike_names_without(self):
        entries = Counter(
            (row["taxonomy"], bool(row.get("text"))) for row in read_records("entries")
        )

        assert entries["nist-ai-600-1", True] == 12
        assert entries["finos-aigf", True] == 23
        assert entries["owasp-llm-2025", False] == 10
        assert entries["ibm-risk-atlas", False] == 99
        assert not any(
            with_text
            for taxonomy, with_text in entries
            if taxonomy.startswith(("owasp", "ibm", "credo", "iso", "mit"))
        )

    def test_every_taxonomy_names_licence_attribution_and_source(self):
        for row in read_records("taxonomies"):
            assert all(row[part] for part in ("licence", "attribution", "coverage"))
            assert row["source_url"].startswith("https://")

    def test_every_mapping_points_at_an_entry_and_says_how_and_by_whom(self):
        entries = {(row["taxonomy"], row["code"]) for row in read_records("entries")}

        for row in read_records("mappings"):
            assert (row["taxonomy"], row["entry"]) in entries
            assert row["predicate"] in TemplateMapping.Match
            assert all(row[part] for part in ("author", "justification"))

    def test_every_rule_has_its_template(self):
        assert {rule.template for rule in RULES} <= {
            row["code"] for row in read_records("templates")
        }


@pytest.mark.django_db
class TestLoading:
    def test_the_command_loads_everything_and_a_second_run_writes_nothing(self):
        first, second = StringIO(), StringIO()
        call_command("load_risk_catalogue", stdout=first)
        call_command("load_risk_catalogue", stdout=second)

        assert json.loads(first.getvalue())["written"] == {
            "taxonomies": Taxonomy.objects.count(),
            "entries": TaxonomyEntry.objects.count(),
            "templates": 32,
            "modifiers": Modifier.objects.count(),
            "mappings": TemplateMapping.objects.count(),
        }
        assert set(json.loads(second.getvalue())["written"].values()) == {0}

    def test_a_newer_release_replaces_its_own_rows_and_only_those_that_differ(self):
        load_risk_catalogue()
        RiskTemplate.objects.filter(code="FR-01").update(title="as an older release said it")
        template = RiskTemplate.objects.get(code="FR-20")
        template.modifiers.filter(adaptation="retrieval").update(likelihood=-2)
        dropped = TaxonomyEntry.objects.exclude(mappings__template=template).first()
        TemplateMapping.objects.create(
            template=template, entry=dropped, predicate="relatedMatch", author="before"
        )

        written = load_risk_catalogue()

        assert written == {
            "taxonomies": 0,
            "entries": 0,
            "templates": 1,
            "modifiers": 1,
            "mappings": 1,
        }
        assert template.modifiers.get(adaptation="retrieval").likelihood == 1
        assert not template.mappings.filter(entry=dropped).exists()

    def test_an_own_template_stays_also_under_a_code_of_ours(self):
        own = make_template("FR-05", title="Our own words")
        make_modifier(own, "prompt", 2)
        other = make_template("OWN-1")
        make_modifier(other, "prompt", 1)

        load_risk_catalogue()

        own.refresh_from_db()
        assert own.title == "Our own words"
        assert list(own.modifiers.values_list("likelihood", flat=True)) == [2]
        assert other.modifiers.count() == 1
        assert RiskTemplate.objects.filter(built_in=True).count() == 31
