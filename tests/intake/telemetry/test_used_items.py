"""What calls prove to use: read from traces and gateway records without their texts, and observed
as requirements of dependencies."""

import json
from datetime import date, datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection

from apps.common.time import day_of, now
from apps.intake.models import Observation, UsageDay
from apps.intake.observations.requirements import OBSERVED_DAYS, observe_requirements
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.ingest import ingest_calls
from apps.intake.telemetry.litellm import read_records
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.recorded_requests import ingest_recorded_request
from apps.intake.telemetry.used_items import items_of, uses_in_parts
from apps.inventory.models import Dependency, Requirement
from tests.builders import make_application, make_dependency, make_offering
from tests.intake.telemetry.span_builders import (
    PROMPT,
    as_json,
    as_protobuf,
    call,
    read_both,
    request,
)
from tests.kept_worlds import kept_world


def parts(*kinds: dict[str, object]) -> str:
    content = [{"type": "text", "content": PROMPT}, *kinds]
    return json.dumps([{"role": "user", "parts": content}])


def items_in(**attributes: object) -> list[str]:
    (found,) = read_both(request(call(**attributes)))
    assert PROMPT not in repr(found)
    return items_of(found.uses)


class TestSpans:
    @pytest.mark.parametrize(
        ("attributes", "items"),
        [
            ({}, []),
            ({"gen_ai.tool.definitions": json.dumps([{"name": PROMPT}])}, ["tool_calling"]),
            ({"gen_ai.tool.definitions": "[]"}, []),
            ({"gen_ai.response.finish_reasons": ["stop", "tool_calls"]}, ["tool_calling"]),
            ({"gen_ai.response.finish_reasons": ["stop"]}, []),
            ({"gen_ai.output.type": "json"}, ["structured_output"]),
            ({"gen_ai.output.type": "text"}, []),
            ({"gen_ai.output.type": "image"}, ["image_output"]),
            ({"gen_ai.output.type": "speech"}, ["audio_output"]),
            ({"gen_ai.usage.cache_read.input_tokens": 8}, ["caching"]),
            ({"gen_ai.usage.cache_read.input_tokens": 0}, []),
            # its last byte is that of the digit 0 in a text
            ({"gen_ai.usage.cache_read.input_tokens": 48}, ["caching"]),
            ({"gen_ai.usage.cache_creation.input_tokens": 300}, ["caching"]),
            ({"gen_ai.usage.reasoning.output_tokens": 70_000}, ["reasoning"]),
            ({"gen_ai.usage.reasoning_tokens": 2}, ["reasoning"]),
            (
                {"gen_ai.input.messages": parts({"type": "blob", "modality": "image"})},
                ["vision"],
            ),
            (
                {"gen_ai.input.messages": parts({"type": "uri", "mime_type": "application/pdf"})},
                ["pdf"],
            ),
            (
                {"gen_ai.output.messages": parts({"type": "blob", "modality": "audio"})},
                ["audio_output"],
            ),
            (
                {"gen_ai.output.messages": parts({"type": "tool_call", "name": "x"})},
                ["tool_calling"],
            ),
        ],
    )
    def test_opentelemetry(self, attributes, items):
        assert items_in(**attributes) == items

    @pytest.mark.parametrize(
        ("attributes", "items"),
        [
            ({"llm.tools.0.tool.json_schema": "{}x"}, ["tool_calling"]),
            ({"llm.request.functions.0.name": "find"}, ["tool_calling"]),
            (
                {"llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "find"},
                ["tool_calling"],
            ),
            (
                {"llm.input_messages.0.message.contents.1.message_content.image.image.url": "d:x"},
                ["vision"],
            ),
            ({"llm.token_count.prompt_details.cache_read": 8}, ["caching"]),
            ({"llm.token_count.completion_details.reasoning": 5}, ["reasoning"]),
            ({"llm.input_messages.0.message.content": PROMPT}, []),
            (
                {
                    "llm.invocation_parameters": json.dumps(
                        {
                            "tools": [{"name": PROMPT}],
                            "response_format": {"type": "json_schema"},
                            "reasoning_effort": "low",
                        }
                    )
                },
                ["tool_calling", "structured_output", "reasoning"],
            ),
            (
                {
                    "llm.invocation_parameters": json.dumps(
                        {"tools": [], "response_format": {"type": "text"}, "tool_choice": "none"}
                    )
                },
                [],
            ),
        ],
    )
    def test_openinference_and_openllmetry(self, attributes, items):
        assert items_in(**attributes) == items

    def test_a_prompt_cannot_pretend_to_be_a_part(self):
        told = json.dumps([{"role": "user", "content": '{"type": "image", "modality": "image"}'}])

        assert uses_in_parts(told) == uses_in_parts(told.encode()) == 0

    def test_what_a_failed_call_asked_for_was_not_used(self, db):
        made = as_json(
            request(
                call(error=True, **{"gen_ai.output.type": "json"}),
                call(**{"gen_ai.output.type": "json"}),
            )
        )
        take(read_traces(made, is_json=True))

        days = UsageDay.objects.all()
        assert sum(day.n_calls + day.n_errors for day in days) >= 2
        assert [day.uses for day in days if day.uses] == [{"structured_output": 1}]


class TestGatewayRecords:
    @pytest.mark.parametrize(
        ("fields", "items"),
        [
            ({}, []),
            ({"model_parameters": {"tools": [{"x": PROMPT}]}}, ["tool_calling"]),
            ({"model_parameters": {"tool_choice": "none"}}, []),
            (
                {"model_parameters": {"response_format": {"type": "json_object"}}},
                ["structured_output"],
            ),
            ({"model_parameters": {"thinking": {"type": "enabled"}}}, ["reasoning"]),
            ({"model_parameters": {"thinking": {"type": "disabled"}}}, []),
            ({"response": {"choices": [{"message": {"tool_calls": [PROMPT]}}]}}, ["tool_calling"]),
            (
                {
                    "messages": [
                        {
                            "role": "user",
                            "content": [
                                {"type": "text", "text": PROMPT},
                                {"type": "image_url", "image_url": {"url": PROMPT}},
                                {"type": "file", "file": {"file_data": PROMPT}},
                                {"type": "input_audio"},
                            ],
                        }
                    ]
                },
                ["vision", "pdf", "audio_input"],
            ),
            (
                {
                    "metadata": {
                        "usage_object": {
                            "prompt_tokens_details": {"cached_tokens": 5, "image_tokens": 3},
                            "completion_tokens_details": {"reasoning_tokens": 1},
                        }
                    }
                },
                ["reasoning", "vision", "caching"],
            ),
            ({"call_type": "aimage_generation"}, ["image_output"]),
            ({"call_type": "aspeech"}, ["audio_output"]),
            ({"call_type": "acreate_batch"}, ["batch"]),
            ({"standard_built_in_tools_params": {"file_search": None}}, []),
            ({"messages": 5, "response": [], "model_parameters": "x", "metadata": 3}, []),
            ({"messages": [5, {"content": [7, {"type": 8}]}]}, []),
        ],
    )
    def test_items(self, fields, items):
        record = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
        body = json.dumps([record | fields]).encode()
        (found,) = read_records(body, gateway="litellm").calls

        assert items_of(found.uses) == items
        assert PROMPT not in repr(found)


def take(read, *, application: int | None = None, at: datetime | None = None) -> None:
    ingest_calls(request=read, stream="otlp", token=None, at=at or now(), application=application)
    aggregate_waiting(at=at or now())


def test_a_day_adds_up_what_calls_use_and_keeps_the_largest(db):
    sizes = [(900, 40), (231_000, 8), (12, 8_100)]
    for size, output in sizes:
        made = request(
            call(
                **{
                    "gen_ai.usage.input_tokens": size,
                    "gen_ai.usage.output_tokens": output,
                    "gen_ai.usage.cache_read.input_tokens": 4,
                    "gen_ai.output.type": "json" if size == 12 else "text",
                }
            )
        )
        take(read_traces(as_protobuf(made), is_json=False))
    take(read_traces(as_json(request(call())), is_json=True))

    day = UsageDay.objects.get()
    assert day.uses == {"caching": 3, "structured_output": 1}
    assert (day.longest_input, day.largest_output, day.n_calls) == (231_000, 8_100, 4)


@pytest.fixture
@kept_world
def dependency(db) -> Dependency:
    offering = make_offering(api_id="gpt-4o")
    return make_dependency(make_application(), offering, since=date(2026, 1, 1))


def use(
    dependency: Dependency, day: date, *, stream: str = "otlp", n_calls: int = 10, **facts: object
) -> None:
    """A day of calls of an observation of its own."""
    moment = now()
    observation = Observation.objects.create(
        key=f"00000000-0000-4000-8000-{Observation.objects.count():012}",
        stream=stream,
        application=dependency.application,
        confidence=7,
        state=Observation.State.MATCHED,
        offering=dependency.offering,
        dependency=dependency,
        first_seen_at=moment,
        last_seen_at=moment,
    )
    UsageDay.objects.create(
        observation=observation,
        day=day,
        n_calls=n_calls,
        first_seen_at=moment,
        last_seen_at=moment,
        **facts,
    )


def observed(dependency: Dependency) -> dict[str, tuple[object, date, date, int]]:
    return {
        row.field: (row.value, row.first_seen_on, row.last_seen_on, row.n_requests)
        for row in dependency.requirements.filter(origin="observed")
    }


def n_entries() -> int:
    return Requirement.history.rel.related_model.objects.count()


class TestRequirements:
    AT = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
    TODAY = day_of(AT)

    def test_calls_become_requirements_with_days_and_numbers(self, dependency):
        today = self.TODAY
        use(dependency, today, uses={"vision": 3, "image_output": 1}, longest_input=231_000)
        use(dependency, today - timedelta(4), uses={"vision": 2}, longest_input=900)
        # the same calls, as the gateway reports them
        use(dependency, today, stream="litellm:x", uses={"vision": 4}, largest_output=8_000)

        assert observe_requirements(at=self.AT) == 4
        assert observed(dependency) == {
            "vision": (True, today - timedelta(4), today, 5),
            "output_modalities": (["image"], today, today, 1),
            "context_window": (231_000, today - timedelta(4), today, 20),
            "max_output": (8_000, today, today, 10),
        }

    def test_nothing_new_writes_nothing_and_a_later_day_is_no_change_of_the_history(
        self, dependency
    ):
        use(dependency, self.TODAY, uses={"vision": 3})
        observe_requirements(at=self.AT)
        assert observe_requirements(at=self.AT) == 0
        assert n_entries() == 1

        use(dependency, self.TODAY + timedelta(1), uses={"vision": 3})
        assert observe_requirements(at=self.AT + timedelta(1)) == 1
        assert n_entries() == 1
        assert observed(dependency)["vision"][2:] == (self.TODAY + timedelta(1), 6)

    def test_a_number_grows_and_lapses_and_a_flag_stays(self, dependency):
        use(dependency, self.TODAY, longest_input=90_000, uses={"pdf": 1})
        observe_requirements(at=self.AT)
        use(dependency, self.TODAY + timedelta(1), longest_input=120_000)
        observe_requirements(at=self.AT + timedelta(1))
        assert observed(dependency)["context_window"][0] == 120_000

        # without later calls everything stays
        late = timedelta(OBSERVED_DAYS + 5)
        assert observe_requirements(at=self.AT + late) == 0
        assert observed(dependency)["context_window"][0] == 120_000

        use(dependency, self.TODAY + late, longest_input=5_000)
        observe_requirements(at=self.AT + late)
        assert observed(dependency)["context_window"][0] == 5_000
        assert observed(dependency)["pdf"][0] is True

    def test_what_a_replacement_took_along_stays_in_its_window(self, dependency):
        Requirement.objects.create(
            dependency=dependency,
            field="context_window",
            value=231_000,
            origin="observed",
            first_seen_on=self.TODAY - timedelta(30),
            last_seen_on=self.TODAY - timedelta(20),
        )
        use(dependency, self.TODAY, longest_input=900)
        observe_requirements(at=self.AT)
        assert observed(dependency)["context_window"][0] == 231_000

    def test_an_ended_dependency_is_left_alone(self, dependency):
        use(dependency, self.TODAY, uses={"vision": 3})
        Dependency.objects.filter(pk=dependency.pk).update(until=self.TODAY)
        assert observe_requirements(at=self.AT) == 0

    def test_unknown_items_of_a_later_version_are_left_out(self, dependency):
        use(dependency, self.TODAY, uses={"telepathy": 3})
        assert observe_requirements(at=self.AT) == 0

    def test_the_size_of_the_inventory_does_not_change_the_number_of_statements(
        self, dependency, django_assert_num_queries
    ):
        use(dependency, self.TODAY, uses={"vision": 3})
        with django_assert_num_queries(4):
            observe_requirements(at=self.AT)


def text_of_database() -> str:
    """Every row of every table as text."""
    texts = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.managed and not model._meta.proxy:
                cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t')
                texts += [row for (row,) in cursor.fetchall()]
    return "\n".join(texts)


def test_no_text_of_a_prompt_reaches_the_database(dependency):
    made = request(
        call(
            requested="gpt-4o",
            **{
                "gen_ai.input.messages": parts(
                    {"type": "blob", "modality": "image", "content": PROMPT}
                ),
                "gen_ai.output.messages": parts({"type": "tool_call", "arguments": PROMPT}),
                "gen_ai.tool.definitions": json.dumps([{"name": PROMPT}]),
                "gen_ai.system_instructions": PROMPT,
                "llm.input_messages.0.message.content": PROMPT,
                "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": PROMPT,
                "gen_ai.prompt.0.content": PROMPT,
                "gen_ai.response.finish_reasons": ["tool_calls", PROMPT],
                "llm.invocation_parameters": json.dumps({"tools": [PROMPT], "stop": PROMPT}),
            },
        )
    )
    ingest_recorded_request(as_protobuf(made), application=dependency.application.pk, at=now())
    record = {
        "model": "openai/gpt-4o",
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": PROMPT}]}],
        "response": {"choices": [{"message": {"content": PROMPT, "tool_calls": [PROMPT]}}]},
        "model_parameters": {"tools": [PROMPT], "stop": PROMPT},
    }
    take(
        read_records(json.dumps([record]).encode(), gateway="litellm"),
        application=dependency.application.pk,
    )

    assert {"vision", "tool_calling"} <= set(Requirement.objects.values_list("field", flat=True))
    text = text_of_database()
    assert "gpt-4o" in text
    assert PROMPT not in text
    assert "4711" not in text.replace(PROMPT, "")


@pytest.mark.shared
class TestRecordedPayloads:
    @pytest.mark.parametrize(
        ("file", "items"),
        [
            ("openllmetry.traces.bin", {"caching", "reasoning"}),
            ("openinference.traces.bin", {"caching", "reasoning"}),
            ("openai_v2_240_latest.traces.bin", set()),
            ("openllmetry_anthropic.traces.bin", {"caching"}),
        ],
    )
    def test_traces(self, file, items, shared):
        body = (shared / "samples" / "otlp" / file).read_bytes()
        found = read_traces(body, is_json=False).calls
        assert {item for made in found for item in items_of(made.uses)} == items

    def test_the_newest_convention_in_json(self, shared):
        body = (shared / "samples" / "otlp" / "genai_openai_13_json.traces.otlp.json").read_bytes()
        found = read_traces(body, is_json=True).calls
        assert {item for made in found for item in items_of(made.uses)} == {"caching", "reasoning"}

    def test_gateway_records(self, shared):
        body = (shared / "samples" / "litellm" / "generic_api.payload.json").read_bytes()
        found = read_records(body, gateway="litellm").calls
        items = {item for made in found for item in items_of(made.uses)}
        assert items <= {"caching", "reasoning"}
