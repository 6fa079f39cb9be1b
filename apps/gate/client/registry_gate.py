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

VERSION = "1.2.0"
PASS, BLOCK, USAGE, UNKNOWN = 0, 1, 2, 3
ATTEMPTS = 4
ACCEPT = {"sarif": "application/sarif+json", "junit": "application/junit+xml"}
# what the registry takes for the same environment
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
}


class WrongUse(Exception):
    """An error for which a retry is pointless: the message says what to change."""


class CannotDecide(Exception):
    """An error because the registry could not be reached, or could not decide."""


def environment(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="registry-gate",
        description="Ask the foundation registry whether a build can be shipped.",
        epilog="Exit codes: 0 pass or warn, 1 block, 2 usage error, 3 cannot decide.",
    )
    add = parser.add_argument
    add(
        "--url",
        default=environment("REGISTRY_URL"),
        help="URL of the registry (or REGISTRY_URL)",
    )
    add(
        "--token",
        default=environment("REGISTRY_TOKEN"),
        help="API token with the scope gate; preferably as REGISTRY_TOKEN",
    )
    add(
        "--application",
        default=environment("REGISTRY_APPLICATION"),
        help="slug (or REGISTRY_APPLICATION)",
    )
    add(
        "--environment",
        default=environment("REGISTRY_ENVIRONMENT"),
        help="target environment: production, staging, ...",
    )
    add(
        "--commit",
        default=environment("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "GIT_COMMIT"),
    )
    add(
        "--ref",
        default=environment("GITHUB_REF", "CI_COMMIT_REF_NAME", "BUILD_SOURCEBRANCH", "GIT_BRANCH"),
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
        default=environment("REGISTRY_BUNDLE_KEY"),
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
    asked = parser.parse_args(argv)
    # without a secret, as in pull requests of forks, a bundle is all there is
    asked.offline = bool(asked.bundle) and not asked.token
    if asked.bundle and not re.fullmatch("[0-9a-fA-F]{64}", asked.bundle_key):
        parser.error(
            "--bundle requires the public key of the registry, 64 hexadecimal digits: --bundle-key"
        )
    if not asked.offline:
        if not asked.url:
            parser.error("the URL of the registry is missing: set --url or REGISTRY_URL")
        if urllib.parse.urlsplit(asked.url).scheme not in ("http", "https"):
            parser.error("--url must begin with https:// or http://")
        if not asked.token:
            parser.error(
                "an API token with the scope gate is missing: set REGISTRY_TOKEN or --token"
            )
    if not asked.application:
        parser.error("the application is missing: set --application or REGISTRY_APPLICATION")
    if asked.fetch_bundle:
        return asked
    if asked.bom and (asked.models or asked.model):
        parser.error("use either --bom or --models and --model")
    if not (asked.bom or asked.models or asked.model):
        parser.error("the models are missing: set --bom FILE, --models FILE or --model NAME")
    if asked.offline and (asked.format in ACCEPT or asked.release or asked.take_in):
        parser.error("sarif, junit, --release and --import require the registry and an API token")
    if asked.take_in and not asked.bom:
        parser.error("--import requires --bom")
    if asked.timeout <= 0:
        parser.error("--timeout must be above 0")
    return asked


# --- what is asked --------------------------------------------------------------------------------


def question(asked: argparse.Namespace) -> dict[str, Any]:
    body: dict[str, Any] = {
        "application": asked.application,
        "environment": asked.environment,
        "commit": asked.commit[:64],
        "ref": asked.ref[:255],
        "mode": asked.mode,
        "baseline": asked.baseline,
        "all": asked.all,
    }
    if asked.bom:
        body["bom"] = read_bom(asked.bom)
        body["import"] = asked.take_in
    else:
        models = read_models(asked.models, asked.host) if asked.models else []
        body["models"] = models + [named(name, asked.host) for name in asked.model if name]
        if not body["models"]:
            raise WrongUse(f"{asked.models or '--model'} contains no model. Add at least one.")
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
    text = read_text(path)
    if text.lstrip().startswith("["):
        return [
            checked(path, number, each, host)
            for number, each in enumerate(read_json(path, text), start=1)
        ]
    found = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        model = named(words[0], words[1] if len(words) > 1 and words[1] != "-" else host)
        if len(words) > 2:
            file, _, number = words[2].rpartition(":")
            if file and number.isdigit() and int(number):
                model.update(file=file, line=int(number))
            else:
                model["file"] = words[2]
        found.append(model)
    return found


def checked(path: str, number: int, given: Any, host: str) -> dict[str, Any]:
    """Validate a model of a JSON list: its name, or an object that names it."""
    if isinstance(given, str) and given:
        return named(given, host)
    if isinstance(given, dict) and isinstance(given.get("model"), str) and given["model"]:
        return {"host": host, **given} if host else given
    raise WrongUse(
        f'{path}: model {number} must be a name or an object such as {{"model": "NAME", '
        '"host": "HOST"}.'
    )


def named(name: str, host: str) -> dict[str, Any]:
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


# --- how it is asked ------------------------------------------------------------------------------


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A handler that refuses redirects: a token is sent to the given URL, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Registry:
    def __init__(self, asked: argparse.Namespace) -> None:
        self.root = asked.url.rstrip("/")
        self.token = asked.token
        self.deadline: float = time.monotonic() + asked.timeout
        context = ssl.create_default_context()
        if asked.ca:
            try:
                context.load_verify_locations(asked.ca)
            except (OSError, ssl.SSLError) as error:
                raise WrongUse(f"{asked.ca} cannot be read as certificates: {error}") from error
        self.opener = urllib.request.build_opener(
            NoRedirects, urllib.request.HTTPSHandler(context=context)
        )

    def left(self) -> float:
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
        why = "the time limit is reached"
        for attempt in range(ATTEMPTS):
            if self.left() <= 0:
                break
            request = urllib.request.Request(  # noqa: S310 - http and https only, checked with the arguments
                f"{self.root}/api/v1/{path}", data=data, headers=headers, method=method
            )
            pause = float(2**attempt)
            try:
                with self.opener.open(request, timeout=max(0.1, min(60.0, self.left()))) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                text = error.read()
                if error.code == 429 or error.code >= 500:
                    why = f"the registry responded with {error.code}: {sentence(text)}"
                    after = error.headers.get("Retry-After", "")
                    pause = float(after) if after.isdigit() else pause
                elif 300 <= error.code < 400:
                    to = error.headers.get("Location", "another URL")
                    raise WrongUse(
                        f"{self.root} redirects to {to}. Use that URL in --url."
                    ) from error
                else:
                    raise WrongUse(refusal(error.code, sentence(text))) from error
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
                why = f"the registry at {self.root} cannot be reached: {reason}"
            if attempt + 1 < ATTEMPTS and self.left() > pause:
                time.sleep(pause)
            elif self.left() <= pause:
                break
        raise CannotDecide(why)

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        status, text = self.send("POST", "gate/", body)
        answer = parsed(text)
        pause = 1.0
        while status == 202:
            if self.left() <= pause:
                raise CannotDecide(
                    "the registry is still evaluating the request; see "
                    f"{answer.get('status_url', 'its pages')}"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 10.0)
            status, text = self.send("GET", f"gate/{int(answer['id'])}/")
            answer = parsed(text)
        if answer.get("decision") not in ("pass", "warn", "block", "unknown"):
            raise CannotDecide(
                "the response contains no decision; check whether --url is the URL of a registry"
            )
        return answer


def parsed(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise CannotDecide(
            "the response is not JSON; check whether --url is the URL of a registry"
        ) from error
    if not isinstance(answer, dict):
        raise CannotDecide("the response is not a response of the release gate.")
    return answer


def sentence(text: bytes) -> str:
    """Format an error response in one line."""
    try:
        told = json.loads(text)
        parts = [str(told["detail"])]
        parts += [
            f"{each['field']}: {each['detail']}"
            for each in told.get("errors", [])[:5]
            if len(told["errors"]) > 1
        ]
        return " ".join(parts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(text.decode("utf-8", "replace").split())[:200] or "nothing"


def refusal(code: int, words: str) -> str:
    if code == 401:
        return f"The API token was rejected: {words}"
    if code == 404:
        return (
            "Application not found. Check --url and --application, and that the API token has "
            "access."
        )
    return f"The registry rejected the request ({code}): {words}"


# --- without the registry -------------------------------------------------------------------------

# Ed25519, RFC 8032 section 5.1, for checking only: nothing secret is computed here.
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME


def add_points(one: Any, two: Any) -> Any:
    """Add points, which are x, y, z and t of extended coordinates."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % PRIME
    b = (one[1] + one[0]) * (two[1] + two[0]) % PRIME
    c = 2 * one[3] * two[3] * CURVE % PRIME
    d = 2 * one[2] * two[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def times(number: int, point: Any) -> Any:
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add_points(total, point)
        point = add_points(point, point)
        number >>= 1
    return total


def decompressed(encoded: bytes) -> Any:
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
    if len(signature) != 64 or len(key) != 32:
        return False
    public, commitment = decompressed(key), decompressed(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or commitment is None or scalar >= ORDER:
        return False
    y = 4 * pow(5, -1, PRIME) % PRIME
    base = decompressed(y.to_bytes(32, "little"))
    challenge = (
        int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    )
    left, right = times(scalar, base), add_points(commitment, times(challenge, public))
    same_x: bool = (left[0] * right[2] - right[0] * left[2]) % PRIME == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % PRIME == 0


def open_bundle(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the content of a bundle with a valid signature; CannotDecide if the signature is not
    valid, or the bundle is for another application, or too old."""
    try:
        envelope = json.loads(read_text(asked.bundle))
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signature"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise WrongUse(f"{asked.bundle} is not a bundle of a registry: {error}") from error
    if not is_signed(payload, signature, bytes.fromhex(asked.bundle_key)):
        raise CannotDecide("the bundle is not signed by the registry with this public key")
    bundle: dict[str, Any] = json.loads(payload)
    if bundle.get("format") != 1:
        raise CannotDecide("the bundle has a newer format; download a newer registry-gate")
    if bundle["application"] != asked.application:
        raise CannotDecide(
            f"the bundle is for {bundle['application']}, not for {asked.application}"
        )
    environment = asked.environment.strip().lower()
    environment = SAME_ENVIRONMENT.get(environment, environment)
    if bundle["environment"] != environment:
        raise CannotDecide(
            f"the bundle is for the environment '{bundle['environment']}', not for "
            f"'{environment}'. Download a bundle for it"
        )
    until = bundle["valid_until"]
    now = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017 - Python 3.9 as well
    if until is None and bundle.get("refusal"):
        raise CannotDecide(
            f"the registry could not decide when the bundle was downloaded. {bundle['refusal']}"
        )
    if until is None or datetime.datetime.fromisoformat(until) <= now:
        raise CannotDecide("the bundle is too old; download it again with an API token")
    return bundle


def judged_by_bundle(asked: argparse.Namespace, body: dict[str, Any]) -> dict[str, Any]:
    """Return the response as the registry would give it, as far as the bundle has the data."""
    bundle = open_bundle(asked)
    models = body["models"] if "models" in body else models_of(body["bom"])
    about_application = (row for row in bundle["findings"] if not row[1])
    found = [
        offline_finding(bundle, {"model": ""}, row[3], row[4], row[5]) for row in about_application
    ]
    for model in models:
        found += findings_by_bundle(bundle, model)
    gravity = {"off": 0, "note": 1, "warning": 2, "error": 3}
    released = {(rule, subject): level for rule, subject, level in bundle["released"]}
    today = datetime.date.today().isoformat()  # noqa: DTZ011 - a day more or less of a waiver
    for each in found:
        names = {each["model"].casefold(), (each["resolved_id"] or "").casefold()} - {""}
        subject = (each["resolved_id"] or each["model"]).casefold()
        before = (
            released.get((each["rule_id"], subject), "off")
            if asked.baseline == "last_released"
            else "off"
        )
        each["new_since_baseline"] = gravity[before] < gravity[each["level"]]
        for rule, name, until in bundle["waivers"]:
            if rule == each["rule_id"] and until > today and (not name or name.casefold() in names):
                each["waiver"] = {"id": None, "until": until}
    answer: dict[str, Any] = {
        "mode": asked.mode,
        "all": asked.all,
        "findings": found,
        "policy_version": bundle["policy_version"],
        "catalogue_as_of": bundle["catalogue_as_of"],
        "report_url": "",
        "application": asked.application,
        "catalogue_sources": bundle.get("catalogue_sources", []),
        "horizon": bundle.get("horizon"),
    }
    heard = [each for each in found if not each["waiver"] and each["level"] in ("error", "warning")]
    blocking = [each for each in found if stops(each, answer)]
    answer["decision"] = "block" if blocking else "warn" if heard else "pass"
    answer["exit_code"] = BLOCK if blocking and asked.mode == "enforce" else PASS
    what = f"{len(blocking)} blocking findings" if blocking else f"{len(heard)} findings to review"
    answer["summary"] = f"From the bundle of {bundle['as_of']}, {len(models)} models: {what}."
    return answer


def findings_by_bundle(bundle: dict[str, Any], model: dict[str, Any]) -> list[dict[str, Any]]:
    name = model["model"]
    if "*" in name:
        words = f"'{name}' allows any model. Name the models."
        return [offline_finding(bundle, model, "FR009", bundle["levels"]["FR009"], words)]
    host = host_by_bundle(bundle, model.get("host", ""), name)
    if host is None:
        words = f"'{name}' is not a known model on that host. Check the spelling."
        return [offline_finding(bundle, model, "FR005", bundle["levels"]["FR005"], words)]
    return [
        offline_finding(bundle, model, rule, level, message, resolved_id, replacement, by_date)
        for at, api_id, resolved_id, rule, level, message, replacement, by_date in bundle[
            "findings"
        ]
        if at == host and api_id.lower() == name.lower()
    ]


def host_by_bundle(bundle: dict[str, Any], said: str, name: str) -> str | None:
    """Return the host meant, if it offers the model; exact names only."""

    def folded(text: str) -> str:
        return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")

    offering = [
        host
        for host, ids in bundle["known"].items()
        if name.lower() in (each.lower() for each in ids)
    ]
    if said:
        wanted = folded(said)
        meant = [
            host for host in offering if wanted in (folded(host), folded(bundle["names"][host]))
        ]
        return meant[0] if meant else None
    own = bundle["own"].get(name)
    return own if own in offering else offering[0] if len(offering) == 1 else None


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
    found = list(components_of(document))
    return found or list(services_of(document))


def components_of(component: dict[str, Any], depth: int = 0) -> Any:
    if depth > 64:
        raise CannotDecide("the bill of materials is nested too deeply")
    for each in rows_of(component, "components"):
        said = properties_of(each)
        # of this scanner every import is a model; those that are one say so
        is_import = (
            any(name.startswith("trusera:") for name in said) and "trusera:model_name" not in said
        )
        if each.get("type") == "machine-learning-model" and not is_import:
            name = said.get("trusera:model_name") or said.get("airom:model.id") or each.get("name")
            host = (
                said.get("trusera:provider")
                or said.get("airom:model.provider")
                or each.get("publisher")
            )
            model = named(str(name or ""), str(host or ""))
            evidence = each.get("evidence")
            places = rows_of(evidence, "occurrences") if isinstance(evidence, dict) else []
            if places and places[0].get("location"):
                model.update(file=str(places[0]["location"]), line=places[0].get("line"))
            yield model
        yield from components_of(each, depth + 1)


def services_of(document: dict[str, Any]) -> Any:
    """Return models named by the services that serve them, for documents without a model
    component."""
    for each in rows_of(document, "services"):
        provider = each.get("provider")
        host = provider.get("name") if isinstance(provider, dict) else ""
        for row in rows_of(each, "properties"):
            if row.get("name") == "cdx:ai:modelId" and row.get("value"):
                yield named(str(row["value"]), str(host or ""))


def properties_of(component: dict[str, Any]) -> dict[str, Any]:
    return {str(row.get("name")): row.get("value") for row in rows_of(component, "properties")}


def rows_of(thing: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list in a document; other values are left out."""
    rows = thing.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


# --- what is said ---------------------------------------------------------------------------------


def stops(finding: dict[str, Any], answer: dict[str, Any]) -> bool:
    return (
        finding["level"] == "error"
        and not finding["waiver"]
        and bool(finding["new_since_baseline"] or answer.get("all"))
    )


def place(finding: dict[str, Any]) -> str:
    location = finding["location"]
    if not location:
        return ""
    return str(location["file"]) + (f":{location['line']}" if location["line"] else "")


def remark(finding: dict[str, Any], answer: dict[str, Any]) -> str:
    if finding["waiver"]:
        return f"waived until {finding['waiver']['until']}"
    if finding["level"] == "error" and not stops(finding, answer):
        return "released before"
    return ""


def by_gravity(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Sort blocking findings first, then warnings, then the rest, each in the order of the
    requested models."""
    order = {"error": 1, "warning": 2, "note": 3}

    def gravity(finding: dict[str, Any]) -> int:
        return (
            0
            if stops(finding, answer)
            else 4
            if finding["waiver"]
            else order.get(finding["level"], 3)
        )

    return sorted(answer["findings"], key=gravity)


def basis(answer: dict[str, Any]) -> str:
    """Describe the basis of the decision: when retirement dates were read and from where, the
    policy, and its horizon."""
    names = ", ".join(str(source["name"]) for source in answer.get("catalogue_sources") or [])
    sentences = [
        f"Retirement dates as of {answer['catalogue_as_of'] or 'never'}"
        + (f", from {names}" if names else "")
        + f"; policy {answer['policy_version']}."
    ]
    horizon = answer.get("horizon")
    if horizon:
        where = "other environments" if horizon["environment"] == "*" else horizon["environment"]
        blocks = (
            f"blocks from {horizon['error_days']}" if horizon["error_days"] else "does not block"
        )
        sentences.append(
            f"A retirement warns from {horizon['warning_days']} days before its date and {blocks}"
            f" ({horizon['criticality']} applications, {where})."
        )
    return " ".join(sentences)


def as_text(answer: dict[str, Any]) -> str:
    lines = [f"{answer['decision'].upper()}: {answer['summary']}"]
    for finding in by_gravity(answer):
        head = " ".join(
            part for part in (finding["rule_id"], finding["level"], place(finding)) if part
        )
        note = remark(finding, answer)
        lines.append(f"  {head}: {finding['message']}" + (f" ({note})" if note else ""))
        if stops(finding, answer):
            lines.append(f"    Request a waiver: {finding['ask_waiver_url']}")
    if answer["mode"] == "report":
        lines.append("Report only: the pipeline is not stopped.")
    lines.append(basis(answer))
    if answer["report_url"]:
        lines.append(f"Report: {answer['report_url']}")
    return "\n".join(lines) + "\n"


def as_github(answer: dict[str, Any]) -> str:
    lines = []
    for finding in by_gravity(answer):
        command = {"error": "error", "warning": "warning"}.get(finding["level"], "notice")
        if finding["waiver"]:
            command = "notice"
        elif command == "error" and (not stops(finding, answer) or answer["mode"] == "report"):
            command = "warning"
        title = f"{finding['rule_id']} {TITLES.get(finding['rule_id'], '')}".strip()
        location = finding["location"]
        properties = []
        if location:
            properties.append(f"file={property_of(location['file'])}")
            if location["line"]:
                properties.append(f"line={location['line']}")
        properties.append(f"title={property_of(title)}")
        note = remark(finding, answer)
        words = finding["message"] + (f" ({note})" if note else "")
        if stops(finding, answer):
            words += f"\nRequest a waiver: {finding['ask_waiver_url']}"
        lines.append(f"::{command} {','.join(properties)}::{data_of(words)}")
    if answer["decision"] == "unknown":
        lines.append(f"::error title=Cannot decide::{data_of(answer['summary'])}")
    lines.append(data_of(basis(answer)))
    # on a line of its own, a summary that begins with two colons would be read as a command
    lines.append(f"Decision: {answer['decision']}. {data_of(answer['summary'])}")
    if answer["report_url"]:
        lines.append(f"Report: {answer['report_url']}")
    return "\n".join(lines) + "\n"


def data_of(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_of(text: str) -> str:
    return data_of(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(answer: dict[str, Any]) -> None:
    """Render the findings as a table on the page of a GitHub run."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return

    def cell(value: Any) -> str:
        text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
        return " ".join(text.split())

    lines = [f"### Release gate: {answer['decision']}", "", cell(answer["summary"]), ""]
    if answer["findings"]:
        lines += ["| Rule | Level | Model | Location | Finding |", "|---|---|---|---|---|"]
        for each in by_gravity(answer):
            row = [
                each["rule_id"],
                remark(each, answer) or each["level"],
                each["model"],
                place(each),
                each["message"],
            ]
            lines.append("| " + " | ".join(cell(value) for value in row) + " |")
        lines.append("")
    lines += [cell(basis(answer)), ""]
    lines += [f"[Report]({answer['report_url']})" if answer["report_url"] else "", ""]
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n".join(lines))
    except OSError as error:
        complain(f"the summary cannot be written: {error}")


def give_out(text: str, path: str | None) -> None:
    if not path:
        sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error}") from error


def complain(words: str) -> None:
    sys.stderr.write(f"registry-gate: {words}\n")


def cannot(asked: argparse.Namespace, words: str) -> int:
    """Handle a check that could not be decided."""
    if asked.format == "github":
        sys.stdout.write(f"::error title=Release gate cannot decide::{data_of(words)}\n")
    complain(f"cannot decide: {words}")
    if asked.mode == "report" or asked.on_unknown == "pass":
        complain("passed anyway, as configured")
        return PASS
    return UNKNOWN


def fetch_bundle(asked: argparse.Namespace) -> int:
    query = urllib.parse.urlencode(
        {"application": asked.application, "environment": asked.environment}
    )
    try:
        _, text = Registry(asked).send("GET", f"gate/bundle/?{query}")
    except CannotDecide as error:
        return cannot(asked, str(error))
    give_out(text.decode("utf-8"), asked.fetch_bundle)
    return PASS


def ask_somebody(asked: argparse.Namespace, registry: Registry | None) -> dict[str, Any]:
    """Return the registry's response, or the bundle's if there is no token or the registry cannot
    be reached."""
    body = question(asked)
    if registry is None:
        return judged_by_bundle(asked, body)
    try:
        return registry.ask(body)
    except CannotDecide as error:
        if not asked.bundle or asked.format in ACCEPT or asked.release:
            raise
        complain(f"{error}; the bundle was used instead")
        return judged_by_bundle(asked, body)


def run(asked: argparse.Namespace) -> int:
    if asked.fetch_bundle:
        return fetch_bundle(asked)
    registry = None if asked.offline else Registry(asked)
    try:
        answer = ask_somebody(asked, registry)
        exit_code = int(answer["exit_code"])
        if registry is not None and asked.format in ACCEPT:
            _, text = registry.send(
                "GET", f"gate/{int(answer['id'])}/", accept=ACCEPT[asked.format]
            )
            give_out(text.decode("utf-8"), asked.output)
        elif asked.format == "json":
            give_out(json.dumps(answer, indent=2) + "\n", asked.output)
        else:
            give_out(
                as_github(answer) if asked.format == "github" else as_text(answer), asked.output
            )
            if asked.format == "github":
                step_summary(answer)
        if asked.format in ("sarif", "junit", "json") or asked.output:
            complain(f"{answer['decision']}: {answer['summary']} {answer['report_url']}")
        if registry is not None and asked.release and answer["decision"] in ("pass", "warn"):
            registry.send("POST", f"gate/{int(answer['id'])}/released/")
            complain("marked as released")
    except CannotDecide as error:
        return cannot(asked, str(error))
    if answer["decision"] == "unknown":
        return cannot(asked, answer["summary"])
    return exit_code


def main(argv: list[str] | None = None) -> NoReturn:
    asked = arguments(argv)
    try:
        sys.exit(run(asked))
    except WrongUse as error:
        complain(str(error))
        sys.exit(USAGE)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(UNKNOWN)
    except Exception as error:  # noqa: BLE001 - Python would end with 1, which means that it was judged and blocked
        sys.exit(
            cannot(
                asked,
                f"registry-gate {VERSION} failed: {type(error).__name__}: {error}. Report this "
                "error",
            )
        )


if __name__ == "__main__":
    main()
