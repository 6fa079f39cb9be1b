"""Why an alert was resolved and why a notice was not sent become codes; sentences that no code stands for stay as text.

A reworded sentence therefore changes nothing that was stored before, and queries compare codes alone.
"""

import json
from typing import Any

import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

SKIP_CODES = {
    "It was resolved before a message was due.": "resolved",
    "Somebody answered before a message was due.": "answered",
    "The assignment was taken back before a message was due.": "unassigned",
    "It had passed before a message was due.": "passed",
    "It had passed before a mail was due.": "passed",
    "Told at once instead, as its recipient asked where things stand.": "requested",
    "None of the applications concerned belongs to the recipient any more.": "not_concerned",
    "This person is no longer active.": "inactive_user",
    "No address: this person has none.": "no_user_email",
    "No address: the team has no mailbox, and neither it nor a team above has an owner with one.": (
        "no_team_email"
    ),
    "No mail is wanted at this address.": "no_email_wanted",
    "Only what is urgent is mailed to this address.": "urgent_only",
    "The webhook is switched off.": "webhook_disabled",
}
RESOLUTION_CODES = {
    "A later change has overtaken it.": "overtaken",
    "None of these applications stands on it any more.": "not_concerned",
    "Its applications fall to others now, who are told instead.": "rerouted",
    "Nothing of it waits for a decision any more.": "hold_decided",
    "The feed is read again, or not polled any more.": "feed_restored",
    "Somebody has decided about the flag.": "flag_decided",
    "It has gone on since.": "flag_continued",
    "It is under tolerance again.": "within_tolerance",
    "The next milestone has come, or the day itself.": "next_milestone",
    "Its day has come.": "day_come",
    "None of these applications ends with it on that day any more.": "not_retiring",
    "The acceptance was renewed, revoked or ended.": "acceptance_changed",
    "The test was repeated, or its dependency ended.": "exit_test_repeated",
    "The waiver was renewed, or the task went on.": "deferral_changed",
    "The waiver was renewed or withdrawn.": "waiver_changed",
    "The decision was renewed or revoked.": "approval_changed",
    "The review has another day.": "review_moved",
    "The treatment was done, or has another day.": "treatment_changed",
    "The mute ended or was lifted.": "mute_ended",
    "The key was renewed or revoked.": "token_changed",
    "It ends on another day.": "retirement_moved",
    "There is enough time again, or it no longer ends with it.": "time_regained",
    "They have been assessed anew, or what they are about has ended.": "reassessed",
    "It has been declared.": "declared",
    "Somebody said that it may stay as it is.": "dismissed",
    "It has ended, or no longer holds.": "not_observed",
}
type Statement = tuple[str, dict[str, str]]

# what the history said of answers whose reason the registry gave itself
ANSWER_CODES = [
    ("^alert acknowledged$", "acknowledge"),
    ("^alert snoozed until ", "snooze"),
    ("^(alert assigned to .*|assignment taken back)$", "assign"),
    ("^answer taken back$", "undo"),
]
MUTED = r"^Muted until \d{4}-\d{2}-\d{2}\.$"

_NOTICES = """
UPDATE alerts_notice
SET skip_reason = coalesce(
        %(codes)s::jsonb ->> skipped, CASE WHEN skipped ~ %(muted)s THEN 'muted' ELSE 'other' END),
    skip_details = CASE
        WHEN %(codes)s::jsonb ? skipped THEN '{}'::jsonb
        WHEN skipped ~ %(muted)s THEN jsonb_build_object('until', substr(skipped, 13, 10))
        ELSE jsonb_build_object('text', skipped) END
WHERE skipped <> ''
"""
_NOTICES_BACK = """
UPDATE alerts_notice
SET skipped = coalesce(
    %(sentences)s::jsonb ->> skip_reason, 'Muted until ' || (skip_details ->> 'until') || '.',
    skip_details ->> 'text', '')
WHERE skip_reason <> ''
"""
_DELIVERIES = """
UPDATE alerts_delivery
SET skip_reason = coalesce(%(codes)s::jsonb ->> reason, 'other'),
    reason = CASE WHEN %(codes)s::jsonb ? reason THEN '' ELSE reason END
WHERE state = 'skipped' AND reason <> ''
"""
_DELIVERIES_BACK = """
UPDATE alerts_delivery SET reason = coalesce(%(sentences)s::jsonb ->> skip_reason, reason)
WHERE skip_reason <> ''
"""
# what a user wrote stays as it is, also where the registry has the same sentence
_ALERTS = """
UPDATE {table}
SET resolution = CASE WHEN resolved_by_id IS NOT NULL THEN 'by_user'
        ELSE coalesce(%(codes)s::jsonb ->> resolved_why, 'other') END,
    resolution_text = CASE WHEN resolved_by_id IS NULL AND %(codes)s::jsonb ? resolved_why
        THEN '' ELSE resolved_why END
WHERE resolved_why <> ''
"""
_ALERTS_BACK = """
UPDATE {table}
SET resolved_why = coalesce(%(sentences)s::jsonb ->> resolution, resolution_text)
WHERE resolution <> ''
"""
_ANSWERS = """
UPDATE pghistory_context c
SET metadata = c.metadata || jsonb_build_object('code', %(code)s::text, 'note', '')
WHERE c.metadata ->> 'reason' ~ %(pattern)s
  AND EXISTS (SELECT 1 FROM alerts_alerthistory h WHERE h.pgh_context_id = c.id)
"""

# the history takes no changes from anybody else
_OPEN_HISTORY: Statement = ("ALTER TABLE alerts_alerthistory DISABLE TRIGGER USER", {})
_CLOSE_HISTORY: Statement = ("ALTER TABLE alerts_alerthistory ENABLE TRIGGER USER", {})


def sentences_of(codes: dict[str, str]) -> str:
    """The latest sentence of each code, as JSON."""
    found: dict[str, str] = {}
    for sentence, code in codes.items():
        found.setdefault(code, sentence)
    return json.dumps(found)


FORWARDS: list[Statement] = [
    (_NOTICES, {"codes": json.dumps(SKIP_CODES), "muted": MUTED}),
    (_DELIVERIES, {"codes": json.dumps(SKIP_CODES)}),
    _OPEN_HISTORY,
    *(
        (_ALERTS.format(table=table), {"codes": json.dumps(RESOLUTION_CODES)})
        for table in ("alerts_alert", "alerts_alerthistory")
    ),
    _CLOSE_HISTORY,
    *((_ANSWERS, {"pattern": pattern, "code": code}) for pattern, code in ANSWER_CODES),
]
BACKWARDS: list[Statement] = [
    (_NOTICES_BACK, {"sentences": sentences_of(SKIP_CODES)}),
    (_DELIVERIES_BACK, {"sentences": sentences_of(SKIP_CODES)}),
    _OPEN_HISTORY,
    *(
        (_ALERTS_BACK.format(table=table), {"sentences": sentences_of(RESOLUTION_CODES)})
        for table in ("alerts_alert", "alerts_alerthistory")
    ),
    _CLOSE_HISTORY,
]


def convert(cursor: Any) -> None:
    """Give every stored sentence its code; the old and the new columns are both there."""
    for statement, values in FORWARDS:
        cursor.execute(statement, values)


def convert_back(cursor: Any) -> None:
    for statement, values in BACKWARDS:
        cursor.execute(statement, values)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_account_events"),
        ("alerts", "0012_mailbox_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="alert",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="alert",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="alert",
            name="delete_delete",
        ),
        migrations.RemoveIndex(
            model_name="notice",
            name="notice_owed",
        ),
        migrations.AddField(
            model_name="alert",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("by_user", "Resolved by a user"),
                    ("overtaken", "Overtaken by a later change"),
                    ("not_concerned", "No application concerned"),
                    ("rerouted", "Routed to others"),
                    ("hold_decided", "Nothing on hold"),
                    ("feed_restored", "Feed read again"),
                    ("flag_decided", "Flag decided"),
                    ("flag_continued", "Flag changed"),
                    ("within_tolerance", "Within tolerance"),
                    ("next_milestone", "Next milestone"),
                    ("day_come", "Day reached"),
                    ("not_retiring", "No application affected that day"),
                    ("acceptance_changed", "Acceptance changed"),
                    ("exit_test_repeated", "Exit test repeated"),
                    ("deferral_changed", "Deferral changed"),
                    ("waiver_changed", "Waiver changed"),
                    ("approval_changed", "Approval changed"),
                    ("review_moved", "Review moved"),
                    ("treatment_changed", "Treatment changed"),
                    ("mute_ended", "Mute ended"),
                    ("token_changed", "API token changed"),
                    ("retirement_moved", "Retirement date moved"),
                    ("time_regained", "Enough time"),
                    ("reassessed", "Reassessed"),
                    ("declared", "Declared"),
                    ("dismissed", "Dismissed"),
                    ("not_observed", "No longer observed"),
                    ("other", "Other"),
                ],
                max_length=18,
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="resolution_text",
            field=models.CharField(
                blank=True, help_text="What the user wrote who resolved it.", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="alerthistory",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("by_user", "Resolved by a user"),
                    ("overtaken", "Overtaken by a later change"),
                    ("not_concerned", "No application concerned"),
                    ("rerouted", "Routed to others"),
                    ("hold_decided", "Nothing on hold"),
                    ("feed_restored", "Feed read again"),
                    ("flag_decided", "Flag decided"),
                    ("flag_continued", "Flag changed"),
                    ("within_tolerance", "Within tolerance"),
                    ("next_milestone", "Next milestone"),
                    ("day_come", "Day reached"),
                    ("not_retiring", "No application affected that day"),
                    ("acceptance_changed", "Acceptance changed"),
                    ("exit_test_repeated", "Exit test repeated"),
                    ("deferral_changed", "Deferral changed"),
                    ("waiver_changed", "Waiver changed"),
                    ("approval_changed", "Approval changed"),
                    ("review_moved", "Review moved"),
                    ("treatment_changed", "Treatment changed"),
                    ("mute_ended", "Mute ended"),
                    ("token_changed", "API token changed"),
                    ("retirement_moved", "Retirement date moved"),
                    ("time_regained", "Enough time"),
                    ("reassessed", "Reassessed"),
                    ("declared", "Declared"),
                    ("dismissed", "Dismissed"),
                    ("not_observed", "No longer observed"),
                    ("other", "Other"),
                ],
                max_length=18,
            ),
        ),
        migrations.AddField(
            model_name="alerthistory",
            name="resolution_text",
            field=models.CharField(
                blank=True, help_text="What the user wrote who resolved it.", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("resolved", "Alert resolved"),
                    ("answered", "Alert answered"),
                    ("unassigned", "Assignment taken back"),
                    ("passed", "Cause gone"),
                    ("requested", "Included in a requested summary"),
                    ("muted", "Muted"),
                    ("not_concerned", "Recipient no longer concerned"),
                    ("inactive_user", "User inactive"),
                    ("no_user_email", "User without email address"),
                    ("no_team_email", "Team without email address"),
                    ("no_email_wanted", "No email wanted"),
                    ("urgent_only", "Only urgent alerts wanted"),
                    ("webhook_disabled", "Webhook disabled"),
                    ("other", "Other"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="skip_details",
            field=models.JSONField(
                blank=True, default=dict, help_text="`until` of a mute; `text` of another reason."
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("resolved", "Alert resolved"),
                    ("answered", "Alert answered"),
                    ("unassigned", "Assignment taken back"),
                    ("passed", "Cause gone"),
                    ("requested", "Included in a requested summary"),
                    ("muted", "Muted"),
                    ("not_concerned", "Recipient no longer concerned"),
                    ("inactive_user", "User inactive"),
                    ("no_user_email", "User without email address"),
                    ("no_team_email", "Team without email address"),
                    ("no_email_wanted", "No email wanted"),
                    ("urgent_only", "Only urgent alerts wanted"),
                    ("webhook_disabled", "Webhook disabled"),
                    ("other", "Other"),
                ],
                help_text="Why no message carries it.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="reason",
            field=models.CharField(blank=True, help_text="Why it failed.", max_length=500),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.RemoveField(
            model_name="alert",
            name="resolved_why",
        ),
        migrations.RemoveField(
            model_name="alerthistory",
            name="resolved_why",
        ),
        migrations.RemoveField(
            model_name="notice",
            name="skipped",
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("delivery__isnull", True), ("skip_reason", "")),
                fields=["user", "team", "webhook", "owed_at"],
                include=("urgent",),
                name="notice_owed",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alert",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alerthistory" ("acknowledged_at", "acknowledged_by_id", "application_ids", "assigned_to_id", "details", "due_on", "escalate_at", "escalation", "event_id", "flag_id", "id", "key", "kind", "milestone", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "resolution", "resolution_text", "resolved_at", "resolved_by_id", "run_id", "severity", "snoozed_by_id", "snoozed_until", "source_id", "state", "subject_id", "subject_kind", "team_id", "urgent", "user_id") SELECT new_values."acknowledged_at", new_values."acknowledged_by_id", new_values."application_ids", new_values."assigned_to_id", new_values."details", new_values."due_on", new_values."escalate_at", new_values."escalation", new_values."event_id", new_values."flag_id", new_values."id", new_values."key", new_values."kind", new_values."milestone", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."raised_at", new_values."resolution", new_values."resolution_text", new_values."resolved_at", new_values."resolved_by_id", new_values."run_id", new_values."severity", new_values."snoozed_by_id", new_values."snoozed_until", new_values."source_id", new_values."state", new_values."subject_id", new_values."subject_kind", new_values."team_id", new_values."urgent", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4d76d3e2b844a4c9f2a30092ccbc9da90ca7e4c0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_607e3",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_alert",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alert",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alerthistory" ("acknowledged_at", "acknowledged_by_id", "application_ids", "assigned_to_id", "details", "due_on", "escalate_at", "escalation", "event_id", "flag_id", "id", "key", "kind", "milestone", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "resolution", "resolution_text", "resolved_at", "resolved_by_id", "run_id", "severity", "snoozed_by_id", "snoozed_until", "source_id", "state", "subject_id", "subject_kind", "team_id", "urgent", "user_id") SELECT new_values."acknowledged_at", new_values."acknowledged_by_id", new_values."application_ids", new_values."assigned_to_id", new_values."details", new_values."due_on", new_values."escalate_at", new_values."escalation", new_values."event_id", new_values."flag_id", new_values."id", new_values."key", new_values."kind", new_values."milestone", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."raised_at", new_values."resolution", new_values."resolution_text", new_values."resolved_at", new_values."resolved_by_id", new_values."run_id", new_values."severity", new_values."snoozed_by_id", new_values."snoozed_until", new_values."source_id", new_values."state", new_values."subject_id", new_values."subject_kind", new_values."team_id", new_values."urgent", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="2eab518fa400145e50a5dc202dca4888d0931423",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_953db",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_alert",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alert",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alerthistory" ("acknowledged_at", "acknowledged_by_id", "application_ids", "assigned_to_id", "details", "due_on", "escalate_at", "escalation", "event_id", "flag_id", "id", "key", "kind", "milestone", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "resolution", "resolution_text", "resolved_at", "resolved_by_id", "run_id", "severity", "snoozed_by_id", "snoozed_until", "source_id", "state", "subject_id", "subject_kind", "team_id", "urgent", "user_id") SELECT old_values."acknowledged_at", old_values."acknowledged_by_id", old_values."application_ids", old_values."assigned_to_id", old_values."details", old_values."due_on", old_values."escalate_at", old_values."escalation", old_values."event_id", old_values."flag_id", old_values."id", old_values."key", old_values."kind", old_values."milestone", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."raised_at", old_values."resolution", old_values."resolution_text", old_values."resolved_at", old_values."resolved_by_id", old_values."run_id", old_values."severity", old_values."snoozed_by_id", old_values."snoozed_until", old_values."source_id", old_values."state", old_values."subject_id", old_values."subject_kind", old_values."team_id", old_values."urgent", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="b7bbdae25f00b5d154e594aab3e1e117cdf92da0",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_2fa4e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_alert",
                    when="AFTER",
                ),
            ),
        ),
    ]
