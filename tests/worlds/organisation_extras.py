"""What the demo does not hold and some pages show: a feed that waits for a decision, a mail, a
webhook, an import."""

import json
import tempfile
from datetime import timedelta
from pathlib import Path

from celery import current_app
from django.db.models import Count

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.accounts.roles import Scope
from apps.accounts.service_accounts import add_service
from apps.alerts.models import Alert, Channel, Delivery, Webhook
from apps.alerts.models.deliveries import Notice
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import Assertion, Incident, Offering, Provider, Source
from apps.common.time import day_of, now
from apps.feeds.models import FeedRun
from apps.feeds.polls.pipeline import poll_source
from apps.intake.accounts.credentials import set_credentials
from apps.intake.models import AccountDeployment, CloudAccount, CloudPull, Import
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import choose_columns, receive_sheet, run_sheet_import
from apps.inventory.export_files import request_file, write_file
from apps.inventory.governance.use_cases.decisions import ask_question
from apps.inventory.governance.use_cases.links import create_link
from apps.inventory.models import ListExport, UseCaseLink
from apps.issues.models import Issue, Ticket, TicketConnection, TicketEvent
from apps.reports.models import EvidencePack
from apps.reports.packs.actions import make_pack, request_pack
from apps.web.file_exports import write_export
from tests.builders import make_incident, make_use_case


def add_extras() -> None:
    """Adds to a filled demo what its pages need to show everything they can. Safe to repeat."""
    if not FeedRun.objects.filter(source__slug="litellm").exists():
        _poll_a_feed_that_loses_most_rows()
        _contradict_it()
    if not Delivery.objects.exists():
        _send_a_mail_that_bounces()
    if not Webhook.objects.exists():
        Webhook.objects.create(
            name="Service desk",
            url="https://desk.calder-mutual.example/hooks/registry",
            created_by=_maren(),
        )
    if not Channel.objects.exists():
        Webhook.objects.create(
            name="On-call staff",
            service="pagerduty",
            destination="eu",
            role="governance",
            min_severity=5,
            created_by=_maren(),
        )
    if not User.objects.services().exists():
        _give_a_program_a_key()
    if not CloudAccount.objects.exists():
        _read_a_cloud_account_in_part()
    if not TicketConnection.objects.exists():
        _request_a_ticket()
    if not Import.objects.filter(format="csv").exists():
        _import_a_sheet_with_errors()
    ensure_named_models(
        [NamedModel("bedrock", "Haiku 3 / Bedrock", foundations=("anthropic/claude-3-haiku",))],
        at=now(),
    )
    if not EvidencePack.objects.exists():
        day = day_of(now())
        asked = request_pack(by=_maren(), at=now(), since=day - timedelta(90), until=day)
        make_pack(asked.pk, at=now())
    if not Incident.objects.exists():
        _report_incidents()
    if not UseCaseLink.objects.exists():
        _propose_use_cases()
    if not ListExport.objects.exists():
        file = request_file(
            kind="applications",
            query="",
            name=f"applications-{day_of(now())}.xlsx",
            by=_maren(),
            at=now(),
        )
        write_file(file.pk, write=write_export, at=now())
    current_app.loader.import_default_modules()
    for name in KEEPING:
        current_app.tasks[name]()


def _request_a_ticket() -> None:
    """A connection that was tested, with one ticket that Jira set to done, and one that it
    refused."""
    required = {"is_required": True, "type": "string", "items": "", "values": []}
    connection = TicketConnection.objects.create(
        kind="cloud",
        name="Jira of the platform",
        base_url="https://calder-mutual.atlassian.example",
        account="registry@calder-mutual.example",
        project="MODELS",
        enabled=True,
        status="works",
        checked_at=now(),
        polled_at=now(),
        create_fields=[
            {"id": "summary", "name": "Summary", "has_default": False, **required},
            {"id": "customfield_1", "name": "Cost centre", "has_default": False, **required},
        ],
    )
    done, refused = (
        Issue.objects.unresolved().filter(cause__kind="retirement").order_by("act_by", "pk")[:2]
    )
    facts = {"connection": connection, "requested_by": _maren(), "requested_at": now()}
    ticket = Ticket.objects.create(
        issue=done,
        summary="Migrate off the model",
        state="linked",
        key="MODELS-7",
        jira_id="10007",
        status="Done",
        status_category="done",
        progress="done",
        status_by="Ada Lovelace",
        status_at=now(),
        assignee="Ada Lovelace",
        seen_at=now(),
        **facts,
    )
    TicketEvent.objects.create(
        ticket=ticket,
        kind="ticket_comment",
        at=now(),
        author="Ada Lovelace",
        text="Switched on Tuesday.",
        external_id="comment:1",
    )
    Ticket.objects.create(
        issue=refused,
        summary="Migrate off the other model",
        state="refused",
        problem="Jira refused these fields. Cost centre (customfield_1): “Cost centre is "
        "required.” Create the ticket again with a value for each.",
        **facts,
    )


def _report_incidents() -> None:
    """One that is ongoing at the host of most applications, and one that is over."""
    host = (
        Provider.objects.filter(offerings__dependencies__application__status="production")
        .annotate(n=Count("pk"))
        .order_by("-n", "pk")[0]
    )
    make_incident(
        host,
        title="Elevated errors across all models",
        components=["API"],
        url="https://status.example.com/incidents/1",
        started_at=now() - timedelta(hours=2),
        first_seen=now() - timedelta(hours=2),
        changed_at=now() - timedelta(hours=1),
        updates=[
            {
                "at": (now() - timedelta(hours=1)).isoformat(),
                "status": "identified",
                "text": "The cause is known, and a fix is on its way.",
            }
        ],
    )
    make_incident(
        host,
        title="Slow answers",
        impact="minor",
        started_at=now() - timedelta(days=9),
        ended_at=now() - timedelta(days=9) + timedelta(hours=3),
        regions=["eu-central-1"],
    )


def _propose_use_cases() -> None:
    """One that waits for a decision, and one about which a question is asked."""
    maren = _maren()
    link = create_link(
        name="Claims department",
        expires_on=day_of(now()) + timedelta(90),
        max_submissions=20,
        by=maren,
        at=now(),
    )
    make_use_case(
        link,
        at=now(),
        name="Letters in plain language",
        model_text="Claude Sonnet 4.5",
        vendor_text="AWS Bedrock",
        affects_public=True,
    )
    asked = make_use_case(
        link,
        at=now(),
        name="Ranking of applicants",
        ai_act_area="employment",
        decisions_about_people="supports",
        model_text="Copilot",
    )
    ask_question(use_case=asked, question="Who decides at the end?", by=maren, at=now())


def _read_a_cloud_account_in_part() -> None:
    """Deployments of an account, one of them gone, and a pull that could not read a region."""
    account = CloudAccount.objects.create(
        kind="azure",
        name="Claims subscription",
        tenant="tenant",
        client="registry-reader",
        subscription="claims-production",
        link_rule="group",
    )
    set_credentials(
        account=account, values={"client_secret": "not a secret"}, by=_maren(), at=now()
    )
    for name, gone_at in (("chat-prod", None), ("chat-pilot", now())):
        AccountDeployment.objects.create(
            account=account,
            kind="deployment",
            scope="rg-claims/claims-openai",
            external_id=f"/accounts/claims-openai/deployments/{name}",
            name=name,
            model="gpt-4o",
            version="2024-11-20",
            region="westeurope",
            service="rg-claims",
            lifecycle={"status": "Deprecating", "retires_on": "2027-04-14"},
            first_seen_at=now() - timedelta(40),
            last_seen_at=now() - timedelta(2),
            gone_at=gone_at,
        )
    CloudPull.objects.create(
        account=account,
        queued_at=now(),
        finished_at=now(),
        state="done",
        n_found=1,
        n_gone=1,
        problems=[{"where": "models in swedencentral", "reason": "Azure does not permit it."}],
    )


def _give_a_program_a_key() -> None:
    maren = _maren()
    program = add_service(
        username="llm-gateway", about="Reports what applications call.", team=None, by=maren
    )
    issue_token(user=program, name="Production", scopes=[Scope.INTAKE], at=now(), by=maren)


# what beat does now and then beside a running demo: tables that lists and overviews read
KEEPING = (
    "exposure.refresh_exposure",
    "inventory.keep_findings",
    "exposure.keep_smallest_sets",
    "exposure.take_snapshot",
    "risks.refresh_risks",
    "risks.count_inherited_risk",
    "reports.keep_figures",
)


SHEET = """\
name;team;criticality;status;purpose
Fleet quotes;claims;important;production;Prices of car fleets
Fleet renewals;claims;urgent;production;Letters before a policy ends
Claims triage;claims;critical;production;Sorts what comes in by mail
"""


def _import_a_sheet_with_errors() -> None:
    """Once up to the columns, once up to the preview, in which one of three rows is refused."""
    for name in ("fleet.csv", "fleet-again.csv"):
        received = receive_sheet(content=SHEET.encode(), file_name=name, by=_maren(), at=now())
    mapping = BookMapping.from_json(received.mapping)
    choose_columns(import_=received, mapping=mapping, by=_maren(), at=now())
    run_sheet_import(received.pk)


def _maren() -> User:
    return User.objects.get(username="maren")


def _poll_a_feed_that_loses_most_rows() -> None:
    """Twenty models with dates, of which most are gone or moved ten hours later: a payload that
    guards hold."""
    source = Source.objects.get(slug="litellm")
    year = now().year + 2
    before = {
        "acme": {f"model-{n}": f"{year}-01-15" for n in range(10)},
        "zenith": {f"star-{n}": f"{year}-03-01" for n in range(10)},
    }
    after = {
        "acme": {f"model-{n}": f"{year}-01-15" for n in range(6, 10)},
        "zenith": {f"star-{n}": f"{year}-06-01" if n < 6 else f"{year}-03-01" for n in range(10)},
    }
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "map.json"
        for hours_ago, days in ((11, before), (1, after)):
            body.write_text(_price_map(days))
            poll_source(
                source, at=now() - timedelta(hours=hours_ago), url=body.as_uri(), trigger="test"
            )


def _contradict_it() -> None:
    """Another source tells an earlier end of a model that nobody calls. The days of the catalogue's
    own disagreements pass."""
    offering = Offering.objects.get(host__slug="zenith", api_id="star-9")
    moment = now() - timedelta(hours=9)
    Assertion.objects.create(
        source=Source.objects.get(slug="models-dev"),
        external_id="zenith/star-9",
        topic="lifecycle",
        offering=offering,
        value={"retires_on": f"{moment.year + 2}-02-01", "date_kind": "firm"},
        first_seen=moment,
        changed_at=moment,
    )
    reconcile_offerings([offering.pk], at=moment)


def _price_map(days: dict[str, dict[str, str]]) -> str:
    rows: dict[str, dict[str, object]] = {
        f"{provider}/{model}": {
            "litellm_provider": provider,
            "mode": "chat",
            "input_cost_per_token": 3e-06,
            "deprecation_date": day,
        }
        for provider, models in days.items()
        for model, day in models.items()
    }
    # a row that no parser can read waits in the quarantine
    rows["acme/broken"] = {
        "litellm_provider": "acme",
        "mode": "chat",
        "input_cost_per_token": "cheap",
    }
    return json.dumps(rows)


def _send_a_mail_that_bounces() -> None:
    user = User.objects.get(username="ilse")
    mail = Delivery.objects.create(
        user=user,
        address=user.email,
        message_id="<furnished@registry>",
        subject="2 things of yours need an answer",
        body_text="Claims triage stands on a model that ends.",
        due_at=now(),
        state="failed",
        reason="550 mailbox unavailable",
    )
    for notice in Notice.objects.filter(
        user=user, delivery=None, alert__in=Alert.objects.waiting()
    )[:2]:
        notice.delivery = mail
        notice.save()
