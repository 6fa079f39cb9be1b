"""Alerts: what was I told, what did I do, what do I want to hear; and the proof of who was told
what."""

from apps.web.views.alerts.inbox import alert_csv, answer_several, inbox
from apps.web.views.alerts.ledger import (
    delivery,
    delivery_csv,
    delivery_list,
    not_carried,
    not_carried_csv,
    resend,
)
from apps.web.views.alerts.lines import (
    add_webhook,
    alert_settings,
    new_secret,
    save_lines,
    save_policy,
    switch_webhook,
    test_webhook,
    webhook,
)
from apps.web.views.alerts.links import answer_by_link, unsubscribe
from apps.web.views.alerts.one import alert, answer, answers_to
from apps.web.views.alerts.subscribing import (
    add_subscription,
    drop_subscription,
    edit_subscription,
    foundations,
    preview,
)
from apps.web.views.alerts.wishes import (
    ask,
    lift_mute,
    make_calendar,
    preference,
    preference_of_team,
    revoke_calendar,
    subscriptions,
)

__all__ = [
    "add_subscription",
    "add_webhook",
    "alert",
    "alert_csv",
    "alert_settings",
    "answer",
    "answer_by_link",
    "answer_several",
    "answers_to",
    "ask",
    "delivery",
    "delivery_csv",
    "delivery_list",
    "drop_subscription",
    "edit_subscription",
    "foundations",
    "inbox",
    "lift_mute",
    "make_calendar",
    "new_secret",
    "not_carried",
    "not_carried_csv",
    "preference",
    "preference_of_team",
    "preview",
    "resend",
    "revoke_calendar",
    "save_lines",
    "save_policy",
    "subscriptions",
    "switch_webhook",
    "test_webhook",
    "unsubscribe",
    "webhook",
]
