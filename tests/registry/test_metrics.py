"""What Prometheus reads at /metrics, and the line of the log for each request."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client, override_settings
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient
from structlog.testing import capture_logs

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.alerts.models import Delivery
from apps.catalog.models import Source
from apps.common import metrics as common_metrics
from apps.common.metrics import job_models, render_metrics
from apps.common.models import PeriodicJob
from apps.common.time import now
from apps.feeds.models import PollState
from registry.serving import MULTIPROCESS_FOLDER

pytestmark = pytest.mark.django_db
ALARMS = Path(settings.BASE_DIR) / "deploy/prometheus-alerts.yml"


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By (name, sorted labels)."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return samples(render_metrics("text/plain")[0].decode())


def value(name: str, **labels: str) -> float | None:
    return scraped().get((name, tuple(sorted(labels.items()))))


class TestWhoMayRead:
    def test_an_organisation_role_with_a_token_to_read(self, api: Callable[..., APIClient]) -> None:
        auditor = User.objects.create_user("auditor", organisation_role=OrganisationRole.AUDITOR)
        answer = api(auditor, "read").get(
            "/metrics", headers={"Accept": "text/plain;version=0.0.4"}
        )
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain")
        assert ("registry_deliveries_due", ()) in samples(answer.content.decode())

    def test_a_token_without_the_scope_is_refused(self, api: Callable[..., APIClient]) -> None:
        auditor = User.objects.create_user("auditor", organisation_role=OrganisationRole.AUDITOR)
        answer = api(auditor, "intake").get("/metrics", headers={"Accept": "text/plain"})
        assert answer.status_code == 403
        assert 'lacks the scope "read"' in answer.json()["detail"]

    def test_a_member_of_teams_only_is_refused(self, api: Callable[..., APIClient]) -> None:
        answer = api(User.objects.create_user("editor"), "read").get("/metrics")
        assert answer.status_code == 403
        assert "organisation role" in answer.json()["detail"]

    def test_strangers_are_refused(self, client: Client) -> None:
        assert client.get("/metrics").status_code == 401

    @pytest.mark.proof
    def test_a_network_of_the_setting_needs_no_token(self, client: Client, settings: Any) -> None:
        settings.METRICS_NETWORKS = [ip_network("127.0.0.0/8")]
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 401


class TestGauges:
    @pytest.mark.proof
    def test_the_oldest_message_that_is_due(self) -> None:
        user = User.objects.create_user("owner", email="owner@example.org")

        def deliver(name: str, due_minutes_ago: int, state: str = Delivery.State.QUEUED) -> None:
            Delivery.objects.create(
                user=user,
                address=user.email,
                message_id=f"<{name}@example.org>",
                subject=name,
                body_text=name,
                state=state,
                due_at=now() - timedelta(minutes=due_minutes_ago),
            )

        assert value("registry_delivery_oldest_due_age_seconds") == 0
        deliver("late", 20)
        deliver("later", 5)
        deliver("ahead", -60)
        deliver("sent", 500, Delivery.State.SENT)
        deliver("failed", 500, Delivery.State.FAILED)
        assert value("registry_delivery_oldest_due_age_seconds") == pytest.approx(1200, abs=30)
        assert value("registry_deliveries_due") == 2
        assert value("registry_deliveries_failed") == 1

    @pytest.mark.proof
    def test_a_source_that_was_read_three_hours_ago(self) -> None:
        source = Source.objects.create(
            slug="a-feed", name="A feed", kind="litellm", url="https://example.org/a"
        )
        assert value("registry_feed_age_seconds", source="a-feed") is None
        assert value("registry_feed_state", source="a-feed", state="never") == 1
        PollState.objects.create(source=source, last_success_at=now() - timedelta(hours=3))
        assert value("registry_feed_age_seconds", source="a-feed") == pytest.approx(10_800, abs=30)
        assert value("registry_feed_state", source="a-feed", state="never") == 0

    def test_a_job_of_the_schedule(self) -> None:
        PeriodicJob.objects.update_or_create(
            name="alerts.keep_alerts", defaults={"succeeded_at": now() - timedelta(minutes=7)}
        )
        assert value(
            "registry_periodic_job_age_seconds", job="alerts.keep_alerts"
        ) == pytest.approx(420, abs=30)
        assert value("registry_periodic_job_interval_seconds", job="alerts.keep_alerts") == 600

    def test_every_kind_of_job_is_counted(self) -> None:
        kinds = {
            label
            for name, labels in scraped()
            if name == "registry_jobs"
            for key, label in labels
            if key == "kind"
        }
        assert kinds == {model._meta.label_lower for model in job_models()}
        assert "exposure.lossrun" in kinds

    def test_a_broker_that_is_away_leaves_the_rest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "BROKER_CLIENT_URL", "redis://127.0.0.1:1/0")
        found = scraped()
        assert found["registry_metrics_available", (("part", "broker"),)] == 0
        assert found["registry_metrics_available", (("part", "deliveries"),)] == 1
        assert ("registry_deliveries_due", ()) in found

    def test_costs_the_same_statements_whatever_there_is(
        self, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(19):
            render_metrics("")

    def test_every_metric_of_the_alarms_exists(self, client: Client) -> None:
        client.get("/accounts/login/")
        families = text_string_to_metric_families(render_metrics("")[0].decode())
        known = {name for name, _ in scraped()} | {family.name for family in families}
        rules = [
            rule
            for group in yaml.safe_load(ALARMS.read_text())["groups"]
            for rule in group["rules"]
        ]
        assert any(
            rule["expr"] == "registry_delivery_oldest_due_age_seconds > 900" for rule in rules
        )
        for rule in rules:
            assert set(re.findall(r"registry_\w+", rule["expr"])) <= known
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["description"]

    def test_every_metric_is_documented(self) -> None:
        described = (Path(settings.BASE_DIR) / "docs/operator.md").read_text()
        for family in text_string_to_metric_families(render_metrics("")[0].decode()):
            assert family.name in described


class TestRequests:
    def test_are_counted_by_route_and_status(self, client: Client) -> None:
        def n() -> float:
            labels = {"method": "GET", "route": "accounts/login/", "status": "200"}
            return value("registry_http_requests_total", **labels) or 0

        before = n()
        client.get("/accounts/login/?next=/secret/")
        assert n() == before + 1
        assert value("registry_http_request_duration_seconds_count", interface="pages") is not None

    def test_an_invented_method_makes_no_series_of_its_own(self, client: Client) -> None:
        client.generic("BREW", "/accounts/login/")
        methods = {
            dict(labels)["method"]
            for name, labels in scraped()
            if name == "registry_http_requests_total"
        }
        assert "BREW" not in methods
        assert "other" in methods

    @override_settings(ACCESS_LOG=True)
    def test_write_a_line_with_route_status_time_and_user(self, client: Client) -> None:
        user = User.objects.create_user("lena", password="secret-7-secret")
        client.force_login(user)
        with capture_logs() as lines:
            client.get("/settings/?secret=1")
            client.get("/no/such/page/")
        first, second = (line for line in lines if line["event"] == "request")
        assert first | {"milliseconds": 0} == {
            "event": "request",
            "log_level": "info",
            "method": "GET",
            "route": "settings/",
            "status": 200,
            "milliseconds": 0,
            "user_id": user.pk,
        }
        assert (second["route"], second["status"]) == ("unmatched", 404)
        assert "secret" not in json.dumps(lines)

    @override_settings(ACCESS_LOG=True)
    def test_of_a_token_name_whose_it_is(self, api: Callable[..., APIClient]) -> None:
        user = User.objects.create_user("lena")
        with capture_logs() as lines:
            api(user, "read").get("/api/v1/applications/")
        [line] = [line for line in lines if line["event"] == "request"]
        assert (line["user_id"], line["status"]) == (user.pk, 200)
        assert "applications" in line["route"]

    @override_settings(ACCESS_LOG=True)
    def test_files_of_the_product_write_none(self, client: Client) -> None:
        with capture_logs() as lines:
            client.get(f"{settings.STATIC_URL}web/none.css")
        assert [line for line in lines if line["event"] == "request"] == []

    def test_a_name_of_the_library_is_the_one_the_server_sets(self) -> None:
        assert MULTIPROCESS_FOLDER == common_metrics.MULTIPROCESS_FOLDER
