"""The settings of a production installation, read in processes of their own."""

import os
import subprocess
import sys

from registry.embedded import CHECKOUT

PRODUCTION_ENVIRONMENT = {
    "REGISTRY_ENV": "production",
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "PUBLIC_URL": "https://registry.example.org",
    "DATABASE_URL": "postgres://registry:p%40ss@db.example.org:6432/registry",
    "BROKER_URL": "rediss://:secret@broker.example.org:6380/0",
    "EMAIL_URL": "smtp+tls://user:pass@mail.example.org:587",
}


def run_manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py in this environment and no other; it may fail."""
    return _run_python("manage.py", *arguments, environment=environment, timeout=120)


def output_of(program: str, **environment: str) -> str:
    """Return what a program prints in this environment and no other; it must succeed."""
    done = _run_python("-c", program, environment=environment, timeout=60)
    done.check_returncode()
    return done.stdout.strip()


def setting_of(expression: str, **environment: str) -> str:
    """Return a setting, as text, of the project in this environment."""
    return output_of(f"from registry import settings; print(settings.{expression})", **environment)


def _run_python(
    *arguments: str, environment: dict[str, str], timeout: float
) -> "subprocess.CompletedProcess[str]":
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
