"""What is kept of people and their sessions, and for how long."""

from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import F

from apps.common.retention import Group, RetentionRule, TaskLimit, days_in_words, declare, kept_tables

declare(
    RetentionRule(Session, Group.ACCOUNTS, ended=F("expire_date"), days=1),
    RetentionRule(EmailConfirmation, Group.ACCOUNTS, ended=F("created"), days=30),
    RetentionRule(LogEntry, Group.HISTORY, ended=F("action_time"), setting="HISTORY_DAYS"),
    TaskLimit(
        "accounts_accountevent",
        Group.ACCOUNTS,
        "accounts.forget_account_events",
        lambda: days_in_words(settings.ACCOUNT_EVENT_DAYS),
    ),
    # rows about sessions, which go with the session
    TaskLimit(
        "usersessions_usersession",
        Group.ACCOUNTS,
        "accounts.forget_account_events",
        lambda: days_in_words(settings.SESSION_MAX_DAYS),
    ),
    *kept_tables(
        Group.ACCOUNTS,
        "who may do what; accounts are closed, not deleted, since decisions name them",
        "account_emailaddress",
        "accounts_apitoken",
        "accounts_membership",
        "accounts_savedfilter",
        "accounts_team",
        "accounts_user",
        "accounts_user_groups",
        "accounts_user_user_permissions",
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "mfa_authenticator",
        "socialaccount_socialaccount",
        "socialaccount_socialapp",
        "socialaccount_socialtoken",
    ),
)
