"""Tasks by name, for modules that their tasks import."""

from celery import signature

SEND_EMAILS = signature("accounts.send_account_emails")
