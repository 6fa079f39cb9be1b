"""The settings of a worker in a hurry: two seconds of patience with a mail server instead of
twenty."""

from registry.environment import mailer
from registry.settings import *  # noqa: F403
from registry.settings import EMAIL_URL

MAILERS = {"default": mailer(EMAIL_URL, timeout_seconds=2)}
