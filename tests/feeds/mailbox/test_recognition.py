"""What a notice names: models, date, successor, hosts and source; nothing is guessed."""

import os
import re
from datetime import date
from pathlib import Path

import pytest

from apps.catalog.models import Foundation, Provider
from apps.feeds.mailbox.recognition import proposed_subjects, read_contents
from apps.feeds.models import ReceivedNotice
from tests.builders import NOW, make_offering, make_provider, make_version
from tests.feeds.mailbox.emails import NOTICE

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
SHARED = Path(os.environ.get("SHARED") or Path(__file__).resolve().parents[4] / "shared")


class Catalogue:
    """One retiring version at two hosts, and its successor."""

    def __init__(self):
        self.azure, self.bedrock = make_provider("azure"), make_provider("bedrock")
        Provider.objects.filter(pk=self.azure.pk).update(name="Azure OpenAI")
        Provider.objects.filter(pk=self.bedrock.pk).update(name="Amazon Bedrock")
        self.old = make_version("acme/acme-big-1", name="Acme Big 1")
        self.new = make_version("acme/acme-big-2", name="Acme Big 2")
        self.offerings = [
            make_offering("acme-big-1", host=self.azure, version=self.old),
            make_offering("eu.acme-big-1", host=self.bedrock, version=self.old),
        ]
        self.successor = make_offering("acme-big-2", host=self.azure, version=self.new)


@pytest.fixture
def catalogue(db):
    return Catalogue()


def read(text, *, subject="", on=TODAY):
    return read_contents(subject=subject, text=text, received_on=on)


def stored(contents):
    return ReceivedNotice(
        received_at=NOW,
        model_names=list(contents.model_names),
        host_slugs=list(contents.host_slugs),
    )


def test_a_forwarded_notice_is_read_as_a_whole(catalogue):
    contents = read(NOTICE)
    assert contents.model_names == ("acme-big-1",)
    assert contents.successor == catalogue.successor
    assert (contents.retires_on, contents.date_kind) == (date(2027, 4, 8), "firm")
    assert contents.source_url == "https://acme.example/deprecations#acme-big-1"
    (proposal,) = proposed_subjects(stored(contents))
    assert (proposal.subject, proposal.model_ids, proposal.hosts) == (
        catalogue.old,
        ("acme-big-1",),
        (),
    )


def test_names_without_ids_are_recognised_with_the_host(catalogue):
    contents = read(
        "Acme Big 1 will reach end of life in Amazon Bedrock EU regions\n> on January 27,\n> 2027. "
        "We recommend Acme Big 2."
    )
    assert contents.model_names == ("Acme Big 1",)
    assert contents.retires_on == date(2027, 1, 27)
    assert contents.host_slugs == ("bedrock",)
    # its successor is not served there, so that it is not proposed
    assert (contents.successor, contents.successor_name) == (None, "Acme Big 2")
    (proposal,) = proposed_subjects(stored(contents))
    assert (proposal.subject, proposal.model_ids, proposal.hosts) == (
        catalogue.old,
        (),
        (catalogue.bedrock,),
    )


def test_a_name_within_a_longer_one_is_no_mention(catalogue):
    make_version("acme/acme-big-1.5", name="Acme Big 1.5")
    assert read("Acme Big 1.5 and xacme-big-1 and acme-big-1-mini retire.").model_names == (
        "Acme Big 1.5",
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "We recommend acme-big-2.",
        "Please migrate your workloads to acme-big-2",
        "The replacement is acme-big-2.",
        "acme-big-1 will be replaced by acme-big-2.",
        "Please use acme-big-2 instead.",
        "We recommend migrating from acme-big-1 to acme-big-2.",
        "Requests are redirected to acme-big-2.",
        "| Retires | Model | Recommended replacement |\n|---|---|---|\n"
        "| Jan 20, 2027 | acme-big-1 | acme-big-2 |",
    ],
)
def test_a_recommended_model_is_the_successor(catalogue, sentence):
    contents = read(f"acme-big-1 retires on 2027-01-20. {sentence}")
    assert contents.successor == catalogue.successor
    assert contents.model_names == ("acme-big-1",)


@pytest.mark.parametrize(
    "sentence",
    [
        "We are moving from acme-big-2 to something else.",
        "We recommend to act now. acme-big-2 retires, too.",
        "acme-big-2",
    ],
)
def test_a_model_that_is_not_recommended_retires(catalogue, sentence):
    contents = read(f"acme-big-1 retires. {sentence}")
    assert contents.successor is None
    assert set(contents.model_names) == {"acme-big-1", "acme-big-2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no sooner than 2027-04-08", ("2027-04-08", "not_before")),
        ("on 2027-04-08 at the earliest", ("2027-04-08", "not_before")),
        ("legacy on 2027-01-01, retired on 2027-04-08", ("None", "")),
        ("announced on 2026-11-01, retires on 2027-04-08", ("2027-04-08", "firm")),
        ("retired on 2026-01-01", ("None", "")),
        ("soon", ("None", "")),
    ],
)
def test_only_one_later_date_is_taken(text, expected):
    contents = read(text)
    assert (str(contents.retires_on), contents.date_kind) == expected


def test_a_foundation_is_proposed_where_no_version_has_the_name(catalogue):
    Foundation.objects.filter(pk=catalogue.old.foundation_id).update(name="Acme Huge 9")
    (proposal,) = proposed_subjects(stored(read("Acme Huge 9 retires.")))
    assert proposal.subject == catalogue.old.foundation


def test_a_text_without_a_known_model_proposes_nothing(catalogue):
    contents = read("Our office is closed on 2027-01-01.")
    assert contents.model_names == ()
    assert proposed_subjects(stored(contents)) == []


def test_reading_costs_the_same_for_one_and_for_many_models(
    catalogue, django_assert_max_num_queries
):
    for n in range(20):
        make_offering(f"acme-small-{n}", host=catalogue.azure)
    text = "\n".join(f"acme-small-{n} retires on 2027-04-08." for n in range(20))
    with django_assert_max_num_queries(9):
        assert len(read(text).model_names) == 20


# --- recorded announcements -----------------------------------------------------------------------


def section(page, heading):
    """A section of a recorded page: what the provider wrote to its customers by email, too."""
    text = (SHARED / "pages" / page).read_text()
    return re.split(r"\n#{2,3} ", text[text.index(heading) :])[0]


@pytest.mark.shared
def test_a_recorded_announcement_of_openai(db):
    host = make_provider("openai")
    names = ["gpt-realtime", "gpt-audio", "gpt-4o-audio", "gpt-realtime-mini", "gpt-audio-mini"]
    for name in [*names, "gpt-realtime-2.1", "gpt-audio-1.5", "gpt-realtime-2.1-mini"]:
        make_offering(name, host=host)
    text = section("openai/2026-08-20.md", "2026-07-20: Legacy audio")
    contents = read(text, on=date(2026, 7, 21))
    assert sorted(contents.model_names) == sorted(names)
    assert (contents.retires_on, contents.date_kind) == (date(2027, 1, 20), "firm")
    assert contents.successor is None
    assert len(proposed_subjects(stored(contents))) == len(names)


@pytest.mark.shared
def test_a_recorded_announcement_of_anthropic(db):
    host = make_provider("anthropic")
    for name in ("claude-3-haiku-20240307", "claude-haiku-4-5-20251001"):
        make_offering(name, host=host, version=make_version(f"anthropic/{name}"))
    text = section("anthropic/2026-02-20.md", "2026-02-19")
    contents = read(text, on=date(2026, 2, 20))
    assert contents.model_names == ("claude-3-haiku-20240307",)
    assert contents.successor is not None
    assert contents.successor.api_id == "claude-haiku-4-5-20251001"
    assert contents.retires_on is not None


@pytest.mark.shared
def test_a_recorded_announcement_of_cohere(db):
    host = make_provider("cohere")
    for name in ("embed-english-v2.0", "c4ai-aya-vision-8b"):
        make_offering(name, host=host)
    text = section("cohere/2026-08-20.md", "2026-04-04: Embed")
    contents = read(text, on=date(2026, 1, 5))
    assert set(contents.model_names) == {"embed-english-v2.0", "c4ai-aya-vision-8b"}
    assert contents.retires_on == date(2026, 4, 4)
