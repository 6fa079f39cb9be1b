"""Retention of users, sessions and account events."""

from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import F

from apps.common.retention import (
    RetentionGroup,
    RetentionRule,
    TaskLimit,
    declare_retention,
    format_days,
    permanent_tables,
)

declare_retention(
    RetentionRule(Session, RetentionGroup.ACCOUNTS, ended=F("expire_date"), days=1),
    RetentionRule(EmailConfirmation, RetentionGroup.ACCOUNTS, ended=F("created"), days=30),
    RetentionRule(LogEntry, RetentionGroup.HISTORY, ended=F("action_time"), setting="HISTORY_DAYS"),
    TaskLimit(
        "accounts_accountevent",
        RetentionGroup.ACCOUNTS,
        "accounts.purge_account_events",
        lambda: format_days(settings.ACCOUNT_EVENT_DAYS),
    ),
    # metadata of sessions, deleted with the session
    TaskLimit(
        "usersessions_usersession",
        RetentionGroup.ACCOUNTS,
        "accounts.purge_account_events",
        lambda: format_days(settings.SESSION_MAX_DAYS),
    ),
    *permanent_tables(
        RetentionGroup.ACCOUNTS,
        (
            "users, teams and their roles; accounts are deactivated, not deleted, because "
            "decisions name them"
        ),
        "account_emailaddress",
        "accounts_delegation",
        "accounts_emailalias",
        "accounts_peoplesettings",
        "accounts_provisionedgroup",
        "accounts_provisionedmember",
        "accounts_provisioneduser",
        "accounts_provisioningstatus",
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
