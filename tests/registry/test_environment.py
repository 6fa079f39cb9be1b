"""Addresses of outside services, read from one line each."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from registry.environment import BadAddress, kept_secret, mailer, redis_client_url
from registry.sign_on import sign_on
from registry.variables import Variables


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp://mail.example.org", {"host": "mail.example.org"}),
        ("smtp://mail.example.org:2525", {"host": "mail.example.org", "port": 2525}),
        (
            "smtp+tls://u%40x:p%2Fw@h:587",
            {"host": "h", "port": 587, "username": "u@x", "password": "p/w", "use_tls": True},
        ),
        ("submission+tls://h", {"host": "h", "use_tls": True}),
        ("smtps://h:465", {"host": "h", "port": 465, "use_ssl": True}),
    ],
)
def test_smtp_addresses_become_options_with_a_time_limit(
    url: str, options: dict[str, object]
) -> None:
    made = mailer(url)

    assert made["BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert made["OPTIONS"] == {**options, "timeout": 20}


def test_a_mail_folder_may_have_spaces() -> None:
    assert mailer("filemail:///srv/my mail")["OPTIONS"] == {"folder": "/srv/my mail"}
    assert mailer("filemail:///srv/my%20mail")["OPTIONS"] == {"folder": "/srv/my mail"}


@pytest.mark.parametrize("url", ["", "mail.example.org", "smtp://", "http://mail.example.org"])
def test_other_mail_addresses_are_refused_with_the_forms_that_work(url: str) -> None:
    with pytest.raises(BadAddress, match="smtp"):
        mailer(url)


@pytest.mark.parametrize(
    ("broker", "database", "client"),
    [
        ("redis://h:6379/0", None, "redis://h:6379/0"),
        ("redis://h:6379", 1, "redis://h:6379/1"),
        (
            "rediss://:pw@h:6380/0?ssl_cert_reqs=required",
            1,
            "rediss://:pw@h:6380/1?ssl_cert_reqs=required",
        ),
        ("redis+socket:///run/v.sock?virtual_host=2", None, "unix:///run/v.sock?db=2"),
        ("redis+socket:///run/v.sock?virtual_host=0", 1, "unix:///run/v.sock?db=1"),
    ],
)
def test_the_client_reads_the_brokers_address(
    broker: str, database: int | None, client: str
) -> None:
    assert redis_client_url(broker, database=database) == client


def test_another_kind_of_broker_is_refused() -> None:
    with pytest.raises(BadAddress, match="redis://"):
        redis_client_url("amqp://h")


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secret"

    first = kept_secret(file)

    assert len(first) > 50
    assert kept_secret(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_a_variable_that_cannot_be_read_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Variables, "ENVIRON", {"DATABASE_POOL": "many", "OIDC_SESSION_HOURS": "8"})

    assert Variables().int("OIDC_SESSION_HOURS", default=12) == 8
    with pytest.raises(
        ImproperlyConfigured, match="DATABASE_POOL must be a whole number, not 'many'"
    ):
        Variables().int("DATABASE_POOL", default=8)


def test_certificates_for_sign_on_that_are_not_there_are_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {
        "OIDC_ISSUER": "https://login.example.org",
        "OIDC_CLIENT_ID": "registry",
        "OIDC_CA_FILE": "/none/ca.pem",
    }
    monkeypatch.setattr(Variables, "ENVIRON", said)

    with pytest.raises(ImproperlyConfigured, match="OIDC_CA_FILE is"):
        sign_on(Variables(), production=True)
