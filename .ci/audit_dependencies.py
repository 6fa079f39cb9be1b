"""Ask whether a pinned version has a known vulnerability. Ends with 1 if one has, with 0 if none is
known.

Without a network nothing can be asked: a line says so, and the check passes.
"""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

LOCKS = ("requirements.txt", "requirements-dev.txt")
TIMEOUT_SECONDS = 300
# advisories that do not concern the product: the last day on which that was looked at, and why
ACCEPTED: dict[str, tuple[date, str]] = {}


def audit(report: Path) -> str:
    """Have pip-audit write its report; what it said where it could not."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--require-hashes",
        "--timeout",
        "15",
    ]
    command += ["--progress-spinner", "off", "--format", "json", "--output", str(report)]
    for lock in LOCKS:
        command += ["--requirement", lock]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT_SECONDS} seconds"
    return done.stderr


def accepted(advisory: dict[str, Any], today: date) -> bool:
    names = {advisory["id"], *advisory.get("aliases", [])}
    return any(name in ACCEPTED and today <= ACCEPTED[name][0] for name in names)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "audit.json"
        trouble = audit(report)
        try:
            packages = json.loads(report.read_text())["dependencies"]
        except (OSError, ValueError, KeyError):
            last = trouble.strip().splitlines()[-1:] or ["no reason was given"]
            print(f"audit skipped: the advisories cannot be asked for ({last[0][:300]})")
            return 0
    today = datetime.now(UTC).date()
    asked = {
        (one["name"], one["version"]): one["vulns"] for one in packages if "skip_reason" not in one
    }
    unknown = sorted({one["name"] for one in packages if "skip_reason" in one})
    n_vulnerable = 0
    for (name, version), advisories in sorted(asked.items()):
        for advisory in advisories:
            if accepted(advisory, today):
                continue
            n_vulnerable += 1
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            print(f"VULNERABLE {name} {version}: {advisory['id']}, fixed in {fixed}")
    if not asked:
        print(
            "audit skipped: the package index in use publishes no advisories, or cannot be reached"
        )
        return 0
    print(f"audit: {len(asked)} pinned packages asked about, {n_vulnerable} known vulnerabilities")
    if unknown:
        print(
            f"audit incomplete: nothing could be learned of {len(unknown)} packages: "
            f"{', '.join(unknown)}"
        )
    return 1 if n_vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
