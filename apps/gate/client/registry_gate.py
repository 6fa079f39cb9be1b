#!/usr/bin/env python3
"""registry-gate: release gate client, asks the foundation registry whether a build may be shipped.

One file, standard library only, Python 3.9 or newer. Exit codes: 0 pass or warn; 1 block; 2 wrong
use (arguments, token, application); 3 cannot decide (server unavailable, TLS, catalogue stale),
unless --on-unknown=pass."""

from __future__ import annotations

import argparse
import base64
import binascii
import datetime
import hashlib
import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NoReturn

VERSION = "1.3.0"
PASS, BLOCK, USAGE, UNKNOWN = 0, 1, 2, 3
ATTEMPTS = 4
# GitHub drops a summary above 1024k, as its runs say (read 2026-11-30):
# https://github.com/maplibre/flutter-maplibre-gl/actions/runs/9454698428/job/26042851364
SUMMARY_BYTES = 1_000_000
ACCEPT = {"sarif": "application/sarif+json", "junit": "application/junit+xml"}
# abbreviations that the registry treats as the same environment
SAME_ENVIRONMENT = {
    "prod": "production",
    "live": "production",
    "prd": "production",
    "stage": "staging",
    "dev": "development",
}
TITLES = {
    "FR001": "Model not approved",
    "FR002": "Model retired",
    "FR003": "Model retires soon",
    "FR004": "Ambiguous model name",
    "FR005": "Unknown model",
    "FR006": "Evidence missing or stale",
    "FR007": "Data class not allowed",
    "FR008": "Data classification not allowed",
    "FR009": "Wildcard route",
    "FR010": "Application without an owner",
    "FR011": "Model closed to new customers",
    "FR012": "Used capability missing",
}


class WrongUse(Exception):
    """An error for which a retry is pointless: the message says what to change."""


class CannotDecide(Exception):
    """An error because the registry could not be reached, or could not decide."""


def read_environment(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


class Parser(argparse.ArgumentParser):
    """Parser of the command line, whose usage errors are shown on the page of a GitHub run."""

    is_for_github = False

    def error(self, message: str) -> NoReturn:
        if self.is_for_github:
            show_on_github("Release gate cannot be used", message)
        super().error(message)


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line, with environment variables as defaults; invalid combinations end the
    program with a usage error."""
    parser = Parser(
        prog="registry-gate",
        description="Ask the foundation registry whether a build can be shipped.",
        epilog="Exit codes: 0 pass or warn, 1 block, 2 usage error, 3 cannot decide.",
    )
    arguments = sys.argv[1:] if argv is None else argv
    # before the options are parsed: the parser may fail at the first one
    after = arguments[arguments.index("--format") + 1 :] if "--format" in arguments else []
    parser.is_for_github = "--format=github" in arguments or after[:1] == ["github"]
    add = parser.add_argument
    add(
        "--url",
        default=read_environment("REGISTRY_URL"),
        help="URL of the registry (or REGISTRY_URL)",
    )
    add(
        "--token",
        default=read_environment("REGISTRY_TOKEN"),
        help="API token with the scope gate; preferably as REGISTRY_TOKEN",
    )
    add(
        "--application",
        default=read_environment("REGISTRY_APPLICATION"),
        help="slug (or REGISTRY_APPLICATION)",
    )
    add(
        "--environment",
        default=read_environment("REGISTRY_ENVIRONMENT"),
        help="target environment: production, staging, ...",
    )
    add(
        "--commit",
        default=read_environment(
            "GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "GIT_COMMIT"
        ),
    )
    add(
        "--ref",
        default=read_environment(
            "GITHUB_REF", "CI_COMMIT_REF_NAME", "BUILD_SOURCEBRANCH", "GIT_BRANCH"
        ),
    )
    add(
        "--bom",
        metavar="FILE",
        help="CycloneDX bill of materials in JSON; - reads standard input",
    )
    add(
        "--models",
        metavar="FILE",
        help="JSON list, or one model per line: NAME, or NAME HOST, or NAME HOST FILE:LINE",
    )
    add(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="one model; can be repeated",
    )
    add(
        "--host",
        default="",
        help="host of the models of --model, and of --models where a line has no host",
    )
    add(
        "--mode",
        choices=("enforce", "report"),
        default="enforce",
        help="report never fails the pipeline",
    )
    add("--baseline", choices=("last_released", "none"), default="last_released")
    add("--all", action="store_true", help="also block what was released before")
    add(
        "--import",
        action="store_true",
        dest="take_in",
        help="also import the bill of materials into the registry",
    )
    add(
        "--release",
        action="store_true",
        help="mark the build as released if the gate does not block it",
    )
    add("--format", choices=("text", "github", "sarif", "junit", "json"), default="text")
    add("--output", metavar="FILE", help="write to this file instead of standard output")
    add("--json", metavar="FILE", help="also write the decision to this file, as JSON")
    add("--sarif", metavar="FILE", help="also write the findings to this file, as SARIF")
    add(
        "--on-unknown",
        choices=("fail", "pass"),
        default="fail",
        help="result if the gate cannot decide",
    )
    add(
        "--timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="time limit for all requests together, in seconds",
    )
    add(
        "--bundle",
        metavar="FILE",
        help="signed bundle to use if the registry cannot be reached",
    )
    add(
        "--bundle-key",
        default=read_environment("REGISTRY_BUNDLE_KEY"),
        help="public key of the registry, 64 hex digits",
    )
    add(
        "--fetch-bundle",
        metavar="FILE",
        help="download the bundle of this application and environment, and exit",
    )
    add(
        "--ca",
        metavar="FILE",
        help="trusted certificates (PEM), if the registry uses a private certificate authority",
    )
    add("--version", action="version", version=f"registry-gate {VERSION}")
    options = parser.parse_args(arguments)
    # pull requests of forks have no token, so only the bundle can be used
    options.offline = bool(options.bundle) and not options.token
    if options.bundle and not re.fullmatch("[0-9a-fA-F]{64}", options.bundle_key):
        parser.error(
            "--bundle requires the public key of the registry, 64 hexadecimal digits: --bundle-key"
        )
    if not options.offline:
        if not options.url:
            parser.error("the URL of the registry is missing: set --url or REGISTRY_URL")
        if urllib.parse.urlsplit(options.url).scheme not in ("http", "https"):
            parser.error("--url must begin with https:// or http://")
        if not options.token:
            parser.error(
                "an API token with the scope gate is missing: set REGISTRY_TOKEN or --token"
            )
    if not options.application:
        parser.error("the application is missing: set --application or REGISTRY_APPLICATION")
    if options.fetch_bundle:
        return options
    if options.bom and (options.models or options.model):
        parser.error("use either --bom or --models and --model")
    if not (options.bom or options.models or options.model):
        parser.error("the models are missing: set --bom FILE, --models FILE or --model NAME")
    if options.offline and (
        options.format in ACCEPT or options.sarif or options.release or options.take_in
    ):
        parser.error("sarif, junit, --release and --import require the registry and an API token")
    if options.take_in and not options.bom:
        parser.error("--import requires --bom")
    if options.timeout <= 0:
        parser.error("--timeout must be above 0")
    return options


# --- request --------------------------------------------------------------------------------------


def build_request(options: argparse.Namespace) -> dict[str, Any]:
    """Return the body of the request: the models to check, or the bill of materials."""
    body: dict[str, Any] = {
        "application": options.application,
        "environment": options.environment,
        "commit": options.commit[:64],
        "ref": options.ref[:255],
        "mode": options.mode,
        "baseline": options.baseline,
        "all": options.all,
    }
    if options.bom:
        body["bom"] = read_bom(options.bom)
        body["import"] = options.take_in
    else:
        models = read_models(options.models, options.host) if options.models else []
        body["models"] = models + [
            build_model(name, options.host) for name in options.model if name
        ]
        if not body["models"]:
            raise WrongUse(f"{options.models or '--model'} contains no model. Add at least one.")
    return body


def read_bom(path: str) -> dict[str, Any]:
    text = read_text(path)
    if text.lstrip().startswith("<"):
        raise WrongUse(
            f"{path} is XML. Configure the scanner to write its bill of materials as JSON."
        )
    document = read_json(path, text)
    if not isinstance(document, dict):
        raise WrongUse(f"{path} is not a bill of materials: it contains no JSON object.")
    return document


def read_json(path: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise WrongUse(
            f"{path} is not JSON: {error}. Check whether the previous step wrote the complete file."
        ) from error
    except RecursionError as error:
        raise WrongUse(f"{path} is nested too deeply for a bill of materials.") from error


def read_models(path: str, host: str) -> list[dict[str, Any]]:
    """Read models from a JSON list, or from lines `model [host [file:line]]`; `host` is the
    default."""
    text = read_text(path)
    if text.lstrip().startswith("["):
        return [
            check_model(path, number, value, host)
            for number, value in enumerate(read_json(path, text), start=1)
        ]
    models = []
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        model = build_model(fields[0], fields[1] if len(fields) > 1 and fields[1] != "-" else host)
        if len(fields) > 2:
            file, _, number = fields[2].rpartition(":")
            if file and number.isdigit() and int(number):
                model.update(file=file, line=int(number))
            else:
                model["file"] = fields[2]
        models.append(model)
    return models


def check_model(path: str, number: int, value: Any, host: str) -> dict[str, Any]:
    """Validate a model of a JSON list: its name, or an object that names it."""
    if isinstance(value, str) and value:
        return build_model(value, host)
    if isinstance(value, dict) and isinstance(value.get("model"), str) and value["model"]:
        return {"host": host, **value} if host else value
    raise WrongUse(
        f'{path}: model {number} must be a name or an object such as {{"model": "NAME", '
        '"host": "HOST"}.'
    )


def build_model(name: str, host: str) -> dict[str, Any]:
    return {"model": name, "host": host} if host else {"model": name}


def read_text(path: str) -> str:
    """Read UTF-8; UTF-16 if the file has its byte order mark, as a file that PowerShell redirects
    into."""
    try:
        if path == "-":
            content = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                content = file.read()
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        text = content.decode(
            "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        )
    except UnicodeDecodeError as error:
        raise WrongUse(
            f"{path} is not a text file: byte {error.start + 1} is not UTF-8. Check the file."
        ) from error
    if not text.strip():
        raise WrongUse(f"{path} is empty. Check whether the previous step wrote it.")
    return text


# --- registry -------------------------------------------------------------------------------------


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A handler that refuses redirects: a token is sent to the given URL, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Registry:
    def __init__(self, options: argparse.Namespace) -> None:
        self.root = options.url.rstrip("/")
        self.token = options.token
        self.deadline: float = time.monotonic() + options.timeout
        context = ssl.create_default_context()
        if options.ca:
            try:
                context.load_verify_locations(options.ca)
            except (OSError, ssl.SSLError) as error:
                raise WrongUse(f"{options.ca} cannot be read as certificates: {error}") from error
        self.opener = urllib.request.build_opener(
            NoRedirects, urllib.request.HTTPSHandler(context=context)
        )

    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        accept: str = "application/json",
    ) -> tuple[int, bytes]:
        """Return (status, body). Retries if that may help, as long as there is time."""
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": accept,
            "User-Agent": f"registry-gate/{VERSION}",
        }
        if data is not None:
            headers["Content-Type"] = "application/json"
        reason_text = "the time limit is reached"
        for attempt in range(ATTEMPTS):
            if self.seconds_left() <= 0:
                break
            request = urllib.request.Request(  # noqa: S310 - http and https only, checked with the arguments
                f"{self.root}/api/v1/{path}", data=data, headers=headers, method=method
            )
            pause = float(2**attempt)
            try:
                with self.opener.open(
                    request, timeout=max(0.1, min(60.0, self.seconds_left()))
                ) as response:
                    return response.status, response.read()
            except urllib.error.HTTPError as error:
                text = error.read()
                if error.code == 429 or error.code >= 500:
                    reason_text = f"the registry responded with {error.code}: {format_error(text)}"
                    after = error.headers.get("Retry-After", "")
                    pause = float(after) if after.isdigit() else pause
                elif 300 <= error.code < 400:
                    location = error.headers.get("Location", "another URL")
                    raise WrongUse(
                        f"{self.root} redirects to {location}. Use that URL in --url."
                    ) from error
                else:
                    raise WrongUse(describe_rejection(error.code, format_error(text))) from error
            except (OSError, ValueError) as error:
                reason = getattr(error, "reason", error)
                if isinstance(reason, ssl.SSLCertVerificationError):
                    raise CannotDecide(
                        "the certificate of the registry is not trusted: "
                        f"{reason.verify_message}. Set --ca"
                    ) from error
                if isinstance(reason, ssl.SSLError):
                    raise CannotDecide(
                        f"{self.root} does not respond with TLS ({reason.reason}). Check --url"
                    ) from error
                reason_text = f"the registry at {self.root} cannot be reached: {reason}"
            if attempt + 1 < ATTEMPTS and self.seconds_left() > pause:
                time.sleep(pause)
            elif self.seconds_left() <= pause:
                break
        raise CannotDecide(reason_text)

    def request_run(self, body: dict[str, Any]) -> dict[str, Any]:
        """Request a decision and wait for it, as long as there is time. Raise CannotDecide without
        one."""
        status, text = self.send("POST", "gate/", body)
        response = parse_response(text)
        pause = 1.0
        while status == 202:
            if self.seconds_left() <= pause:
                raise CannotDecide(
                    "the registry is still evaluating the request; see "
                    f"{response.get('status_url', 'its pages')}"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 10.0)
            status, text = self.send("GET", f"gate/{int(response['id'])}/")
            response = parse_response(text)
        if response.get("decision") not in ("pass", "warn", "block", "unknown"):
            raise CannotDecide(
                "the response contains no decision; check whether --url is the URL of a registry"
            )
        return response


def parse_response(text: bytes) -> dict[str, Any]:
    try:
        response = json.loads(text)
    except ValueError as error:
        raise CannotDecide(
            "the response is not JSON; check whether --url is the URL of a registry"
        ) from error
    if not isinstance(response, dict):
        raise CannotDecide("the response is not a response of the release gate.")
    return response


def format_error(text: bytes) -> str:
    """Format an error response in one line."""
    try:
        problem = json.loads(text)
        sentences = [str(problem["detail"])]
        sentences += [
            f"{field_error['field']}: {field_error['detail']}"
            for field_error in problem.get("errors", [])[:5]
            if len(problem["errors"]) > 1
        ]
        return " ".join(sentences)
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(text.decode("utf-8", "replace").split())[:200] or "nothing"


def describe_rejection(code: int, detail: str) -> str:
    if code == 401:
        return f"The API token was rejected: {detail}"
    if code == 404:
        return (
            "Application not found. Check --url and --application, and that the API token has "
            "access."
        )
    return f"The registry rejected the request ({code}): {detail}"


# --- offline bundle -------------------------------------------------------------------------------

# Ed25519, RFC 8032 section 5.1, for checking only: nothing secret is computed here.
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME


def add_points(p: Any, q: Any) -> Any:
    """Add points, which are x, y, z and t of extended coordinates."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % PRIME
    b = (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c = 2 * p[3] * q[3] * CURVE % PRIME
    d = 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def multiply_point(number: int, point: Any) -> Any:
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add_points(total, point)
        point = add_points(point, point)
        number >>= 1
    return total


def decompress_point(encoded: bytes) -> Any:
    """Return the point, or None if the bytes encode none."""
    number = int.from_bytes(encoded, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def is_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    """Return whether the Ed25519 signature of the message is valid: scalar times base point equals
    commitment plus challenge times public key."""
    if len(signature) != 64 or len(key) != 32:
        return False
    public, commitment = decompress_point(key), decompress_point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or commitment is None or scalar >= ORDER:
        return False
    y = 4 * pow(5, -1, PRIME) % PRIME
    base = decompress_point(y.to_bytes(32, "little"))
    challenge = (
        int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    )
    scaled_base, expected = (
        multiply_point(scalar, base),
        add_points(commitment, multiply_point(challenge, public)),
    )
    same_x: bool = (scaled_base[0] * expected[2] - expected[0] * scaled_base[2]) % PRIME == 0
    return same_x and (scaled_base[1] * expected[2] - expected[1] * scaled_base[2]) % PRIME == 0


def open_bundle(options: argparse.Namespace) -> dict[str, Any]:
    """Return the content of a bundle with a valid signature; CannotDecide if the signature is not
    valid, or the bundle is for another application, or too old."""
    try:
        envelope = json.loads(read_text(options.bundle))
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signature"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise WrongUse(f"{options.bundle} is not a bundle of a registry: {error}") from error
    if not is_signed(payload, signature, bytes.fromhex(options.bundle_key)):
        raise CannotDecide("the bundle is not signed by the registry with this public key")
    bundle: dict[str, Any] = json.loads(payload)
    if bundle.get("format") != 1:
        raise CannotDecide("the bundle has a newer format; download a newer registry-gate")
    if bundle["application"] != options.application:
        raise CannotDecide(
            f"the bundle is for {bundle['application']}, not for {options.application}"
        )
    environment = options.environment.strip().lower()
    environment = SAME_ENVIRONMENT.get(environment, environment)
    if bundle["environment"] != environment:
        raise CannotDecide(
            f"the bundle is for the environment '{bundle['environment']}', not for "
            f"'{environment}'. Download a bundle for it"
        )
    until = bundle["valid_until"]
    now_utc = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017 - Python 3.9 as well
    if until is None and bundle.get("refusal"):
        raise CannotDecide(
            f"the registry could not decide when the bundle was downloaded. {bundle['refusal']}"
        )
    if until is None or datetime.datetime.fromisoformat(until) <= now_utc:
        raise CannotDecide("the bundle is too old; download it again with an API token")
    return bundle


def decide_by_bundle(options: argparse.Namespace, body: dict[str, Any]) -> dict[str, Any]:
    """Return the response as the registry would give it, as far as the bundle has the data."""
    bundle = open_bundle(options)
    models = body["models"] if "models" in body else models_of(body["bom"])
    about_application = (row for row in bundle["findings"] if not row[1])
    findings = [
        offline_finding(bundle, {"model": ""}, row[3], row[4], row[5]) for row in about_application
    ]
    for model in models:
        findings += findings_by_bundle(bundle, model)
    gravity = {"off": 0, "note": 1, "warning": 2, "error": 3}
    released = {(rule, subject): level for rule, subject, level in bundle["released"]}
    today = datetime.date.today().isoformat()  # noqa: DTZ011 - a day more or less of a waiver
    for finding in findings:
        names = {finding["model"].casefold(), (finding["resolved_id"] or "").casefold()} - {""}
        subject = (finding["resolved_id"] or finding["model"]).casefold()
        before = (
            released.get((finding["rule_id"], subject), "off")
            if options.baseline == "last_released"
            else "off"
        )
        finding["new_since_baseline"] = gravity[before] < gravity[finding["level"]]
        for rule, name, until in bundle["waivers"]:
            if (
                rule == finding["rule_id"]
                and until > today
                and (not name or name.casefold() in names)
            ):
                finding["waiver"] = {"id": None, "until": until}
    response: dict[str, Any] = {
        "mode": options.mode,
        "all": options.all,
        "findings": findings,
        "policy_version": bundle["policy_version"],
        "catalogue_as_of": bundle["catalogue_as_of"],
        "report_url": "",
        "application": options.application,
        "catalogue_sources": bundle.get("catalogue_sources", []),
        "horizon": bundle.get("horizon"),
    }
    open_findings = [
        finding
        for finding in findings
        if not finding["waiver"] and finding["level"] in ("error", "warning")
    ]
    blocking = [finding for finding in findings if is_blocking(finding, response)]
    response["decision"] = "block" if blocking else "warn" if open_findings else "pass"
    response["exit_code"] = BLOCK if blocking and options.mode == "enforce" else PASS
    count_text = (
        f"{len(blocking)} blocking findings"
        if blocking
        else f"{len(open_findings)} findings to review"
    )
    response["summary"] = (
        f"From the bundle of {bundle['as_of']}, {len(models)} models: {count_text}."
    )
    return response


def findings_by_bundle(bundle: dict[str, Any], model: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the findings of a model by the offline bundle."""
    name = model["model"]
    if "*" in name:
        explanation = f"'{name}' allows any model. Name the models."
        return [offline_finding(bundle, model, "FR009", bundle["levels"]["FR009"], explanation)]
    host = host_by_bundle(bundle, model.get("host", ""), name)
    if host is None:
        explanation = f"'{name}' is not a known model on that host. Check the spelling."
        return [offline_finding(bundle, model, "FR005", bundle["levels"]["FR005"], explanation)]
    return [
        offline_finding(bundle, model, rule, level, message, resolved_id, replacement, by_date)
        for host_slug, api_id, resolved_id, rule, level, message, replacement, by_date in bundle[
            "findings"
        ]
        if host_slug == host and api_id.lower() == name.lower()
    ]


def host_by_bundle(bundle: dict[str, Any], requested_host: str, name: str) -> str | None:
    """Return the host meant, if it offers the model; exact names only."""

    def normalise_name(text: str) -> str:
        return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")

    offering = [
        host
        for host, ids in bundle["known"].items()
        if name.lower() in (api_id.lower() for api_id in ids)
    ]
    if requested_host:
        requested_slug = normalise_name(requested_host)
        matching_hosts = [
            host
            for host in offering
            if requested_slug in (normalise_name(host), normalise_name(bundle["names"][host]))
        ]
        return matching_hosts[0] if matching_hosts else None
    developer_host = bundle["own"].get(name)
    return (
        developer_host
        if developer_host in offering
        else offering[0]
        if len(offering) == 1
        else None
    )


def offline_finding(
    bundle: dict[str, Any],
    model: dict[str, Any],
    rule: str,
    level: str,
    message: str,
    resolved_id: str = "",
    replacement: str = "",
    by_date: str | None = None,
) -> dict[str, Any]:
    """Return a finding in the form of the responses of the registry."""
    query = urllib.parse.urlencode({"rule": rule, "model": resolved_id or model["model"]})
    return {
        "rule_id": rule,
        "level": level,
        "model": model["model"],
        "resolved_id": resolved_id or None,
        "message": message,
        "waiver": None,
        "new_since_baseline": True,
        "location": {"file": model["file"], "line": model.get("line")}
        if model.get("file")
        else None,
        "fix": {"replacement": replacement or None, "by_date": by_date}
        if replacement or by_date
        else None,
        "ask_waiver_url": f"{bundle['ask_waiver_url']}&{query}",
    }


def models_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the models of a CycloneDX document by a simple reading; the registry itself handles
    the peculiarities of scanners better."""
    if document.get("bomFormat") != "CycloneDX":
        raise CannotDecide(
            "without the registry only CycloneDX can be read, and this file is not CycloneDX"
        )
    models = list(components_of(document))
    return models or list(services_of(document))


def components_of(component: dict[str, Any], depth: int = 0) -> Any:
    """Yield the models of a component and of its nested components."""
    if depth > 64:
        raise CannotDecide("the bill of materials is nested too deeply")
    for child in rows_of(component, "components"):
        properties = properties_of(child)
        # this scanner reports every import as a model; real models have a model name
        is_import = (
            any(name.startswith("trusera:") for name in properties)
            and "trusera:model_name" not in properties
        )
        if child.get("type") == "machine-learning-model" and not is_import:
            name = (
                properties.get("trusera:model_name")
                or properties.get("airom:model.id")
                or child.get("name")
            )
            host = (
                properties.get("trusera:provider")
                or properties.get("airom:model.provider")
                or child.get("publisher")
            )
            model = build_model(str(name or ""), str(host or ""))
            evidence = child.get("evidence")
            places = rows_of(evidence, "occurrences") if isinstance(evidence, dict) else []
            if places and places[0].get("location"):
                model.update(file=str(places[0]["location"]), line=places[0].get("line"))
            yield model
        yield from components_of(child, depth + 1)


def services_of(document: dict[str, Any]) -> Any:
    """Return models named by the services that serve them, for documents without a model
    component."""
    for service in rows_of(document, "services"):
        provider = service.get("provider")
        host = provider.get("name") if isinstance(provider, dict) else ""
        for row in rows_of(service, "properties"):
            if row.get("name") == "cdx:ai:modelId" and row.get("value"):
                yield build_model(str(row["value"]), str(host or ""))


def properties_of(component: dict[str, Any]) -> dict[str, Any]:
    return {str(row.get("name")): row.get("value") for row in rows_of(component, "properties")}


def rows_of(container: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list in a document; other values are left out."""
    rows = container.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


# --- output ---------------------------------------------------------------------------------------


def is_blocking(finding: dict[str, Any], response: dict[str, Any]) -> bool:
    return (
        finding["level"] == "error"
        and not finding["waiver"]
        and bool(finding["new_since_baseline"] or response.get("all"))
    )


def format_location(finding: dict[str, Any]) -> str:
    location = finding["location"]
    if not location:
        return ""
    return str(location["file"]) + (f":{location['line']}" if location["line"] else "")


def describe_status(finding: dict[str, Any], response: dict[str, Any]) -> str:
    if finding["waiver"]:
        return f"waived until {finding['waiver']['until']}"
    if finding["level"] == "error" and not is_blocking(finding, response):
        return "released before"
    return ""


def sort_findings(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Sort blocking findings first, then warnings, then the rest, each in the order of the
    requested models."""
    order = {"error": 1, "warning": 2, "note": 3}

    def gravity(finding: dict[str, Any]) -> int:
        return (
            0
            if is_blocking(finding, response)
            else 4
            if finding["waiver"]
            else order.get(finding["level"], 3)
        )

    return sorted(response["findings"], key=gravity)


def describe_basis(response: dict[str, Any]) -> str:
    """Describe the basis of the decision: when retirement dates were read and from where, the
    policy, and its horizon."""
    names = ", ".join(str(source["name"]) for source in response.get("catalogue_sources") or [])
    sentences = [
        f"Retirement dates as of {response['catalogue_as_of'] or 'never'}"
        + (f", from {names}" if names else "")
        + f"; policy {response['policy_version']}."
    ]
    horizon = response.get("horizon")
    if horizon:
        scope_text = (
            "other environments" if horizon["environment"] == "*" else horizon["environment"]
        )
        blocks = (
            f"blocks from {horizon['error_days']}" if horizon["error_days"] else "does not block"
        )
        sentences.append(
            f"A retirement warns from {horizon['warning_days']} days before its date and {blocks}"
            f" ({horizon['criticality']} applications, {scope_text})."
        )
    return " ".join(sentences)


def render_text(response: dict[str, Any]) -> str:
    """Render the response for the log of a pipeline."""
    lines = [f"{response['decision'].upper()}: {response['summary']}"]
    for finding in sort_findings(response):
        head = " ".join(
            text
            for text in (finding["rule_id"], finding["level"], format_location(finding))
            if text
        )
        note = describe_status(finding, response)
        lines.append(f"  {head}: {finding['message']}" + (f" ({note})" if note else ""))
        if is_blocking(finding, response):
            lines.append(f"    Request a waiver: {finding['ask_waiver_url']}")
    if response["mode"] == "report":
        lines.append("Report only: the pipeline is not stopped.")
    lines.append(describe_basis(response))
    if response["report_url"]:
        lines.append(f"Report: {response['report_url']}")
    return "\n".join(lines) + "\n"


def render_github(response: dict[str, Any]) -> str:
    """Render the response as commands of GitHub Actions, which annotate the changed lines."""
    lines = []
    for finding in sort_findings(response):
        command = {"error": "error", "warning": "warning"}.get(finding["level"], "notice")
        if finding["waiver"]:
            command = "notice"
        elif command == "error" and (
            not is_blocking(finding, response) or response["mode"] == "report"
        ):
            command = "warning"
        title = f"{finding['rule_id']} {TITLES.get(finding['rule_id'], '')}".strip()
        location = finding["location"]
        properties = []
        if location:
            properties.append(f"file={escape_property(location['file'])}")
            if location["line"]:
                properties.append(f"line={location['line']}")
        properties.append(f"title={escape_property(title)}")
        note = describe_status(finding, response)
        message = finding["message"] + (f" ({note})" if note else "")
        if is_blocking(finding, response):
            message += f"\nRequest a waiver: {finding['ask_waiver_url']}"
        lines.append(f"::{command} {','.join(properties)}::{escape_data(message)}")
    if response["decision"] == "unknown":
        lines.append(f"::error title=Cannot decide::{escape_data(response['summary'])}")
    lines.append(escape_data(describe_basis(response)))
    # the prefix keeps a summary that begins with two colons from being read as a command
    lines.append(f"Decision: {response['decision']}. {escape_data(response['summary'])}")
    if response["report_url"]:
        lines.append(f"Report: {response['report_url']}")
    return "\n".join(lines) + "\n"


def escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def write_step_summary(response: dict[str, Any]) -> None:
    """Render the findings as a table on the page of a GitHub run."""
    lines = [f"### Release gate: {response['decision']}", "", cell(response["summary"]), ""]
    if response["findings"]:
        lines += ["| Rule | Level | Model | Location | Finding |", "|---|---|---|---|---|"]
        n_bytes = 0
        for number, finding in enumerate(sort_findings(response)):
            row = [
                finding["rule_id"],
                describe_status(finding, response) or finding["level"],
                finding["model"],
                format_location(finding),
                finding["message"],
            ]
            line = "| " + " | ".join(cell(value) for value in row) + " |"
            n_bytes += len(line.encode()) + 1
            if n_bytes > SUMMARY_BYTES:
                n_left = len(response["findings"]) - number
                lines += ["", f"{n_left} more findings are in the report."]
                break
            lines.append(line)
        lines.append("")
    lines += [cell(describe_basis(response)), ""]
    lines += [f"[Report]({response['report_url']})" if response["report_url"] else "", ""]
    append_step_summary(lines)


def cell(value: Any) -> str:
    """Return a value as text of a cell in Markdown, on one line. Names come from the build: they
    open no link, no code and no further cell."""
    text = str(value).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\|\[`])", r"\\\1", " ".join(text.split()))


def append_step_summary(lines: list[str]) -> None:
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n".join(lines))
    except OSError as error:
        write_message(f"the summary cannot be written: {error}")


def write_output(text: str, path: str | None) -> None:
    if not path:
        sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error}") from error


def write_message(message: str) -> None:
    # on one line: GitHub and Azure Pipelines read each line of the log as a possible command
    sys.stderr.write(f"registry-gate: {' '.join(message.split())}\n")


def report_to_github(options: argparse.Namespace, title: str, message: str) -> None:
    if options.format == "github":
        show_on_github(title, message)


def show_on_github(title: str, message: str) -> None:
    """Show what happened instead of a decision, as an annotation and in the summary of the run."""
    sys.stdout.write(f"::error title={title}::{escape_data(message)}\n")
    append_step_summary([f"### {title}", "", cell(message), "", ""])


def exit_undecided(options: argparse.Namespace, message: str, *, reported: bool = False) -> int:
    """Handle a check that could not be decided; `reported` if the response was rendered."""
    if not reported:
        report_to_github(options, "Release gate cannot decide", message)
    write_message(f"cannot decide: {message}")
    if options.mode == "report" or options.on_unknown == "pass":
        write_message("passed anyway, as configured")
        return PASS
    return UNKNOWN


def fetch_bundle(options: argparse.Namespace) -> int:
    query = urllib.parse.urlencode(
        {"application": options.application, "environment": options.environment}
    )
    try:
        _, text = Registry(options).send("GET", f"gate/bundle/?{query}")
    except CannotDecide as error:
        return exit_undecided(options, str(error))
    write_output(text.decode("utf-8"), options.fetch_bundle)
    return PASS


def write_sarif(path: str, registry: Registry | None, response: dict[str, Any]) -> None:
    """Write the findings beside the decision. Without them the decision stays what it is."""
    if registry is None or "id" not in response:
        write_message(f"{path} was not written: only the registry can create SARIF")
        return
    try:
        _, text = registry.send("GET", f"gate/{int(response['id'])}/", accept=ACCEPT["sarif"])
    except CannotDecide as error:
        write_message(f"{path} was not written: {error}")
        return
    write_output(text.decode("utf-8"), path)


def request_decision(options: argparse.Namespace, registry: Registry | None) -> dict[str, Any]:
    """Return the registry's response, or the bundle's if there is no token or the registry cannot
    be reached."""
    body = build_request(options)
    if registry is None:
        return decide_by_bundle(options, body)
    try:
        return registry.request_run(body)
    except CannotDecide as error:
        if not options.bundle or options.format in ACCEPT or options.release:
            raise
        write_message(f"{error}; the bundle was used instead")
        return decide_by_bundle(options, body)


def run(options: argparse.Namespace) -> int:
    """Request the decision, write it in the requested format and return the exit code."""
    if options.fetch_bundle:
        return fetch_bundle(options)
    registry = None if options.offline else Registry(options)
    try:
        response = request_decision(options, registry)
        exit_code = int(response["exit_code"])
        if registry is not None and options.format in ACCEPT:
            _, text = registry.send(
                "GET", f"gate/{int(response['id'])}/", accept=ACCEPT[options.format]
            )
            write_output(text.decode("utf-8"), options.output)
        elif options.format == "json":
            write_output(json.dumps(response, indent=2) + "\n", options.output)
        else:
            write_output(
                render_github(response) if options.format == "github" else render_text(response),
                options.output,
            )
            if options.format == "github":
                write_step_summary(response)
        if options.json:
            write_output(json.dumps(response, indent=2) + "\n", options.json)
        if options.sarif:
            write_sarif(options.sarif, registry, response)
        if options.format in ("sarif", "junit", "json") or options.output:
            write_message(f"{response['decision']}: {response['summary']} {response['report_url']}")
        if registry is not None and options.release and response["decision"] in ("pass", "warn"):
            registry.send("POST", f"gate/{int(response['id'])}/released/")
            write_message("marked as released")
    except CannotDecide as error:
        return exit_undecided(options, str(error))
    if response["decision"] == "unknown":
        return exit_undecided(options, response["summary"], reported=not options.output)
    return exit_code


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the client and exit with its code; an unexpected error counts as undecided, not as
    blocked."""
    options = parse_arguments(argv)
    try:
        sys.exit(run(options))
    except WrongUse as error:
        report_to_github(options, "Release gate cannot be used", str(error))
        write_message(str(error))
        sys.exit(USAGE)
    except KeyboardInterrupt:
        write_message("interrupted")
        sys.exit(UNKNOWN)
    except Exception as error:  # noqa: BLE001 - Python would end with 1, which means that it was judged and blocked
        sys.exit(
            exit_undecided(
                options,
                f"registry-gate {VERSION} failed: {type(error).__name__}: {error}. Report this "
                "error",
            )
        )


if __name__ == "__main__":
    main()
