"""deploy/: units of systemd, manifests of Kubernetes and nginx in front, held against compose.yaml
and tried with the programs that read them. No cluster is needed."""

import getpass
import re
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from registry.version import VERSION
from tests.certificates import self_signed
from tests.ports import free_port
from tests.proof.senders.installation import python_client
from tests.web_server import answer_of, head_of, wait_until, web_server

CHECKOUT = Path(__file__).resolve().parents[2]
DEPLOY = CHECKOUT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROCESSES = ("web", "worker", "beat")
# a web application that returns what it was asked, for the proxy in front of it
ECHO = """
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    names = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_HOST")
    lines = [f"{name}={environ.get(name)}" for name in names] + [f"n_bytes={len(body)}"]
    answer = "\\n".join(lines).encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
"""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((CHECKOUT / "compose.yaml").read_text())


def manifests() -> list[dict[str, Any]]:
    """Return all objects that `kubectl apply -f deploy/kubernetes/` reads, and the example of the
    secret."""
    folder = DEPLOY / "kubernetes"
    files = [*sorted(folder.glob("*.yaml")), folder / "secrets.yaml.example"]
    return [part for file in files for part in yaml.safe_load_all(file.read_text())]


def workloads() -> dict[str, dict[str, Any]]:
    """Return {process: its pod} of the job and the deployments."""
    return {
        manifest["spec"]["template"]["spec"]["containers"][0]["name"]: manifest["spec"]["template"][
            "spec"
        ]
        for manifest in manifests()
        if manifest["kind"] in {"Job", "Deployment"}
    }


def test_each_process_starts_in_the_same_way_everywhere(compose):
    image = re.findall(r"^CMD (\[.*\])$", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    assert yaml.safe_load(image[-1])[1:3] == ["-m", "registry.serving"]
    for name in ("worker", "beat"):
        expected = compose["services"][name]["command"]
        assert workloads()[name]["containers"][0]["command"] == expected
        unit = (DEPLOY / "systemd" / f"registry-{name}.service").read_text()
        assert f"ExecStart=/srv/registry/.venv/bin/{' '.join(expected)}\n" in unit
    # the image's own command
    assert "command" not in workloads()["web"]["containers"][0]
    assert (
        workloads()["migrate"]["containers"][0]["command"]
        == (compose["services"]["migrate"]["command"])
    )


def test_pods_have_the_rights_and_limits_of_the_containers_of_compose(compose):
    assert set(workloads()) == {"migrate", *PROCESSES}
    for name, pod in workloads().items():
        container = pod["containers"][0]
        limit = container["resources"]["limits"]["memory"]
        n_mib = int(limit[:-2]) * (1024 if limit.endswith("Gi") else 1)
        unit = {"m": 1, "g": 1024}
        text = compose["services"][name].get("mem_limit", "512m")
        assert n_mib == int(text[:-1]) * unit[text[-1]], name
        assert pod["securityContext"]["runAsUser"] == 10001, name
        assert pod["automountServiceAccountToken"] is False, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["image"].endswith(f":{VERSION}"), name


def test_traffic_goes_to_pods_that_are_ready_and_only_pods_that_hang_are_restarted():
    web = workloads()["web"]["containers"][0]

    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["startupProbe"]["httpGet"]["path"] == "/healthz"
    worker = workloads()["worker"]["containers"][0]
    assert worker["livenessProbe"]["exec"]["command"][1:] == [
        "-m",
        "registry.container_checks",
        "worker",
    ]
    replicas = {
        manifest["metadata"]["name"]: manifest["spec"]["replicas"]
        for manifest in manifests()
        if manifest["kind"] == "Deployment"
    }
    assert replicas == {"registry-web": 2, "registry-worker": 2, "registry-beat": 1}


def test_the_migration_has_the_name_of_its_version():
    names = [m["metadata"]["name"] for m in manifests() if m["kind"] == "Job"]

    assert names == [f"registry-migrate-{VERSION.replace('.', '-')}"]


def test_every_variable_of_the_examples_is_documented():
    text = (CHECKOUT / "docs" / "operator.md").read_text()
    used = {
        name
        for manifest in manifests()
        if manifest["kind"] in {"ConfigMap", "Secret"}
        for name in (manifest.get("data") or manifest["stringData"])
    }
    example = (DEPLOY / "systemd" / "registry.env.example").read_text()
    used |= set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))

    assert {"SECRET_KEY", "DATABASE_URL", "BROKER_URL", "PUBLIC_URL", "EMAIL_URL"} <= used
    assert [name for name in sorted(used) if f"`{name}`" not in text] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_accepts_the_units(tmp_path):
    """The commands of the checkout stand for those of an installation."""
    for unit in [*UNITS, DEPLOY / "systemd" / "registry.target"]:
        text = unit.read_text()
        text = re.sub(r"/srv/registry/\.venv/bin/\w+", sys.executable, text)
        (tmp_path / unit.name).write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert len(UNITS) == 4


@pytest.mark.proof
def test_the_schemas_of_kubernetes_accept_the_manifests():
    program = python_client("kubernetes-validate") / "kubernetes-validate"
    folder = DEPLOY / "kubernetes"
    files = [*sorted(folder.glob("*.yaml")), folder / "secrets.yaml.example"]

    done = subprocess.run(
        [str(program), "--strict", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count(" passed ") == len(manifests()) == 12, said


# Debian puts it where only root looks
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@pytest.mark.proof
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_holds_bodies_back_and_says_who_asks(tmp_path):
    """A real nginx with the example, in front of a real web server."""
    (tmp_path / "echo.py").write_text(ECHO)
    certificate = self_signed("registry.example.org", tmp_path)
    plain, secure = free_port(), free_port()
    with web_server(tmp_path, "echo:application", "--workers", "1") as server:
        text = (DEPLOY / "nginx" / "registry.conf").read_text()
        for old, new in {
            "127.0.0.1:8000": f"127.0.0.1:{server.port}",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
            "/etc/ssl/registry/fullchain.pem": str(certificate),
            "/etc/ssl/registry/privkey.pem": str(certificate),
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        text = re.sub(r"^ *listen \[::\].*$", "", text, flags=re.MULTILINE)
        (tmp_path / "registry.conf").write_text(text)
        folders = "\n".join(
            f"{name}_temp_path {tmp_path / name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            # its workers read the folders of this test
            f"user {getpass.getuser()}; pid {tmp_path}/nginx.pid; daemon off;\n"
            f"error_log {tmp_path}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {folders} include registry.conf; }}\n"
        )
        nginx = subprocess.Popen(
            [str(NGINX), "-p", str(tmp_path), "-c", "nginx.conf"], stderr=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: _is_listening(secure) or nginx.poll() is not None)
            assert nginx.poll() is None, (tmp_path / "error.log").read_text()
            trusted = ssl.create_default_context(cafile=str(certificate))
            self_said = {
                "HTTP_X_FORWARDED_FOR": "127.0.0.1",
                "HTTP_X_FORWARDED_PROTO": "https",
                "HTTP_HOST": "registry.example.org",
                "n_bytes": "65536",
            }
            with _connect(secure, trusted) as connection:
                connection.sendall(
                    _head("POST /api/v1/x/ HTTP/1.1\nX-Forwarded-For: 192.0.2.9", 65_536)
                    + b"a" * 65_536
                )
                status, _, body = answer_of(connection)
            assert (status, _fields(body)) == (200, self_said)
            # a body that has not arrived occupies no thread of the web server
            slow = [_connect(secure, trusted) for _ in range(8)]
            for connection in slow:
                connection.sendall(_head("POST /slow HTTP/1.1", 65_536) + b"a")
            status, _, body = _ask(secure, trusted, "GET / HTTP/1.1")
            assert (status, _fields(body)["n_bytes"]) == (200, "0")
            for connection in slow:
                connection.close()
            assert _ask(secure, trusted, "GET /metrics HTTP/1.1")[0] == 404
            # beyond the body of any page, but not of rows in bulk
            too_long = 65 * 1024**2
            for path, expected in (("/feeds/", 413), ("/api/v1/applications/bulk/", None)):
                with _connect(secure, trusted) as connection:
                    connection.sendall(_head(f"POST {path} HTTP/1.1", too_long))
                    connection.settimeout(1)
                    try:
                        got = answer_of(connection)[0]
                    except TimeoutError:
                        got = None
                assert got == expected, path
            status, headers, _ = _ask(plain, None, "GET /teams/ HTTP/1.1")
            assert (status, headers["location"]) == (301, "https://registry.example.org/teams/")
            assert _ask(plain, None, "GET /api/v1/teams/ HTTP/1.1")[0] == 403
        finally:
            nginx.terminate()
            nginx.wait(30)


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _connect(port: int, trusted: ssl.SSLContext | None) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    if trusted is None:
        return connection
    return trusted.wrap_socket(connection, server_hostname="registry.example.org")


def _head(head: str, n_bytes: int) -> bytes:
    whole = head_of(f"{head}\nContent-Length: {n_bytes}")
    return whole.replace(b"Host: 127.0.0.1", b"Host: registry.example.org")


def _ask(port: int, trusted: ssl.SSLContext | None, head: str) -> tuple[int, dict[str, str], bytes]:
    with _connect(port, trusted) as connection:
        connection.sendall(_head(head, 0))
        return answer_of(connection)


def _fields(body: bytes) -> dict[str, str]:
    return dict(line.split("=", 1) for line in body.decode().splitlines())
