"""Production refuses to start half configured, and passes Django's own deployment checks."""

import pytest

from tests.production import PRODUCTION_ENVIRONMENT, output_of, run_manage, setting_of


@pytest.mark.proof
def test_the_deployment_check_is_clean_in_production() -> None:
    done = run_manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION_ENVIRONMENT)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "BROKER_URL", "EMAIL_URL"]
)
def test_production_names_the_variable_it_lacks(name: str) -> None:
    done = run_manage(
        "check", **{key: value for key, value in PRODUCTION_ENVIRONMENT.items() if key != name}
    )

    assert done.returncode != 0
    assert f"Set {name}" in done.stderr


def test_production_is_the_default() -> None:
    done = run_manage("migrate", **{**PRODUCTION_ENVIRONMENT, "REGISTRY_ENV": "", "SECRET_KEY": ""})

    assert "Set SECRET_KEY" in done.stderr


def test_an_unknown_environment_is_refused() -> None:
    assert (
        "REGISTRY_ENV must be production, demo or test"
        in run_manage("check", REGISTRY_ENV="staging").stderr
    )


def test_another_database_engine_is_refused() -> None:
    done = run_manage("check", **{**PRODUCTION_ENVIRONMENT, "DATABASE_URL": "sqlite:///file.db"})

    assert "Other databases are not supported" in done.stderr


@pytest.mark.proof
def test_the_database_has_a_pool_in_production_and_its_password_is_decoded() -> None:
    assert setting_of("DATABASES['default']['PASSWORD']", **PRODUCTION_ENVIRONMENT) == "p@ss"
    assert (
        setting_of("DATABASES['default']['OPTIONS']['pool']['max_size']", **PRODUCTION_ENVIRONMENT)
        == "8"
    )
    assert (
        setting_of(
            "DATABASES['default']['OPTIONS'].get('pool')",
            **PRODUCTION_ENVIRONMENT,
            DATABASE_POOL="0",
        )
        == "None"
    )


@pytest.mark.proof
def test_without_prepared_statements_no_cursor_outlasts_its_transaction_either() -> None:
    cursors = "DATABASES['default'].get('DISABLE_SERVER_SIDE_CURSORS', False)"

    assert setting_of(cursors, **PRODUCTION_ENVIRONMENT) == "False"
    assert setting_of(cursors, **PRODUCTION_ENVIRONMENT, DATABASE_PREPARE="false") == "True"


def options_of(kind: str, **environment: str) -> str:
    declared = f"process_kind.declare_process(process_kind.ProcessKind({kind!r}))"
    program = (
        f"from registry import process_kind; {declared}; from registry import settings;"
        " print(settings.DATABASES['default']['OPTIONS'].get('options'), "
        "settings.CELERY_BROKER_TRANSPORT_OPTIONS)"
    )
    return output_of(program, **(PRODUCTION_ENVIRONMENT | environment))


@pytest.mark.proof
def test_web_workers_and_commands_have_time_limits_of_their_own() -> None:
    web, worker, command = (options_of(kind) for kind in ("web", "worker", "command"))

    assert (
        "statement_timeout=30000 -c lock_timeout=1000 -c idle_in_transaction_session_timeout=60000"
        in web
    )
    assert (
        "statement_timeout=600000 -c lock_timeout=60000 -c "
        "idle_in_transaction_session_timeout=600000" in worker
    )
    assert "statement_timeout" not in command
    assert "lock_timeout=60000" in command
    assert "'socket_timeout': 0.5" in web
    assert "'socket_timeout': 30" in worker


@pytest.mark.proof
def test_the_operators_own_options_come_last_and_a_pooler_is_sent_none() -> None:
    address = f"{PRODUCTION_ENVIRONMENT['DATABASE_URL']}?options=-c%20lock_timeout%3D3s"

    assert "-c lock_timeout=1000" in options_of("web", DATABASE_URL=address)
    assert options_of("web", DATABASE_URL=address).split(" {")[0].endswith("-c lock_timeout=3s")
    assert options_of("web", DATABASE_PREPARE="false").startswith("None ")


@pytest.mark.proof
@pytest.mark.parametrize(
    ("entry", "kind"),
    [("registry.wsgi", "web"), ("registry.asgi", "web"), ("registry.celery", "worker")],
)
def test_an_entry_point_names_the_kind_of_its_process(entry: str, kind: str) -> None:
    program = (
        f"import django, {entry}; from django.conf import settings; "
        "print(settings.DATABASE_LIMITS.statement)"
    )

    assert output_of(program, **PRODUCTION_ENVIRONMENT) == {"web": "30", "worker": "600"}[kind]


@pytest.mark.proof
def test_the_policy_allows_no_inline_script_and_no_foreign_host() -> None:
    policy = setting_of("SECURE_CSP", **PRODUCTION_ENVIRONMENT)

    assert "unsafe" not in policy
    assert "http" not in policy


def test_every_schedule_names_its_cadence_and_expires_with_it() -> None:
    from django.conf import settings

    for words, entry in settings.CELERY_BEAT_SCHEDULE.items():
        assert words.startswith("every ")
        assert entry["options"]["expires"] == entry["schedule"].total_seconds()


def test_every_scheduled_task_exists() -> None:
    from django.conf import settings

    from registry.celery import AFTER_POLL, POLL, app

    app.loader.import_default_modules()
    wanted = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} | {
        POLL,
        *AFTER_POLL,
    }

    assert wanted - set(app.tasks) == set()


def test_the_visibility_timeout_outlasts_every_task() -> None:
    """A shorter one would hand a running task to a second worker."""
    from django.conf import settings

    assert (
        settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
        > settings.CELERY_TASK_TIME_LIMIT
    )


@pytest.mark.proof
def test_a_process_keeps_the_kind_by_which_its_settings_were_made() -> None:
    program = (
        "from registry.process_kind import ProcessKind, declare_process, process_kind;"
        " declare_process(ProcessKind.COMMAND); import registry.wsgi; print(process_kind().value)"
    )

    assert output_of(program, **PRODUCTION_ENVIRONMENT) == "command"


@pytest.mark.proof
def test_a_proxy_for_outbound_calls_is_read_without_a_trace_of_its_password() -> None:
    environment = {
        **PRODUCTION_ENVIRONMENT,
        "OUTBOUND_PROXY": "http://registry:pass%40word@proxy.example.org:8080",
        "OUTBOUND_NO_PROXY": "intranet.example.org,10.0.0.0/8",
    }

    shown = setting_of("OUTBOUND_PROXY", **environment)

    assert "host='proxy.example.org', port=8080" in shown
    assert "intranet.example.org" in shown
    assert "word" not in shown
    assert setting_of("OUTBOUND_PROXY", **PRODUCTION_ENVIRONMENT) == "None"


@pytest.mark.proof
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "OUTBOUND_PROXY",
            "https://me:hidden@proxy.example.org",
            "OUTBOUND_PROXY must be http://host:port",
        ),
        (
            "OUTBOUND_NO_PROXY",
            "example.org http://x",
            "OUTBOUND_NO_PROXY: 'http://x' is not a valid entry",
        ),
        ("OUTBOUND_ALLOWED_NETWORKS", "10.0.0.1/8", "'10.0.0.1/8' is not a valid network"),
    ],
)
def test_a_setting_of_outbound_calls_that_cannot_be_read_stops_the_start(
    name: str, value: str, says: str
) -> None:
    environment = {
        **PRODUCTION_ENVIRONMENT,
        "OUTBOUND_PROXY": "http://proxy.example.org",
        name: value,
    }

    done = run_manage("check", **environment)

    assert done.returncode != 0
    assert says in done.stderr
    assert "hidden" not in done.stderr
