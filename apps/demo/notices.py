"""Demo notices: emails that colleagues forwarded, as drafts of announcements."""

from email.message import EmailMessage

from apps.accounts.models import User
from apps.demo.fixtures import LoadingDay, Record, read_fixture, was_never_used
from apps.feeds.mailbox.decisions import change_notice_mail_settings
from apps.feeds.mailbox.receipt import receive_message
from apps.feeds.models import ReceivedNotice


def load_notices(*, day: LoadingDay) -> None:
    """Allow the organisation's domain, and receive the emails as its mail server would pass them
    on. Does nothing if a notice was ever received."""
    if not was_never_used(ReceivedNotice):
        return
    fixture = read_fixture("notices")
    server = fixture["receiving_server"]
    change_notice_mail_settings(
        allowed_senders=fixture["allowed_senders"],
        requires_dkim=True,
        receiving_server=server,
        by=User.objects.get(username=fixture["by"]),
    )
    for number, row in enumerate(fixture["notices"], start=1):
        raw = _build_email(row, number, server, day)
        receive_message(raw, where=f"demo notice {number}", at=day.moment(row["received"]))


def _build_email(row: Record, number: int, server: str, day: LoadingDay) -> bytes:
    name, address = row["sender"]
    retires_on = day.on(row["retires_on"])
    message = EmailMessage()
    message["Authentication-Results"] = f"{server}; dkim=pass header.d={address.partition('@')[2]}"
    message["Message-ID"] = f"<demo-notice-{number}@calder-mutual.example>"
    message["From"] = f"{name} <{address}>"
    message["Subject"] = row["subject"]
    message.set_content(
        row["text"].format(retires_on=f"{retires_on:%B} {retires_on.day}, {retires_on:%Y}")
    )
    return message.as_bytes()
