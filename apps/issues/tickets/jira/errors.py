"""Errors of calls to Jira. The text of each is a sentence for users that says what to do."""

from collections.abc import Mapping


class JiraError(Exception):
    """A call that did not succeed."""


class JiraUnavailableError(JiraError):
    """Jira could not be reached or failed. Jira may have done what the call asked."""


class JiraLimitedError(JiraError):
    """Jira limits the number of calls; `seconds` until the next one is allowed."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Jira limits the number of calls. The registry continues in {seconds} seconds."
        )
        self.seconds = seconds


class JiraCredentialsError(JiraError):
    """Jira rejected the account or its token (401)."""

    def __init__(self) -> None:
        super().__init__(
            "Jira rejected the account or its token: it is wrong, expired or revoked. Create a new "
            "token in Jira, and enter it on the page of the ticket connection."
        )


class JiraForbiddenError(JiraError):
    """The account lacks a permission (403)."""


class JiraMissingError(JiraError):
    """What was requested does not exist, or the account cannot see it (404, 410): Jira does not
    say which."""


class JiraRefusedError(JiraError):
    """Jira refused what was sent (400, 409, 422); `fields` are its reasons by field ID."""

    def __init__(self, message: str, fields: Mapping[str, str]) -> None:
        super().__init__(message)
        self.fields = dict(fields)
