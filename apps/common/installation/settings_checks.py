"""Checks of the settings and of the machine: risky settings, static files, temporary folder."""

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import cast

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core import checks

from apps.common.installation.diagnosis import Diagnosis, error, ok, warning

# bodies of requests and answers on their way, for each web worker: docs/operator.md
MIN_TEMPORARY_GIB = 3
# connections, files and pipes of a web worker
MIN_OPEN_FILES = 4096
_GIB = 1024**3


def check_settings(at: datetime) -> Iterator[Diagnosis]:
    """Repeat what Django's deployment check says, with what it cannot know."""
    found = False
    for message in checks.run_checks(include_deployment_checks=settings.PRODUCTION):
        if message.is_silenced() or message.level < checks.WARNING:
            continue
        found = True
        make = error if message.is_serious() else warning
        yield make(" ".join(message.msg.split()), message.hint or "See docs/operator.md.")
    if settings.PRODUCTION and not settings.PUBLIC_URL.startswith("https://"):
        found = True
        yield error(
            f"PUBLIC_URL is {settings.PUBLIC_URL}, without https.",
            "Set it to the address that users enter. Cookies are sent over https only.",
        )
    if settings.PRODUCTION and not settings.TRUSTED_PROXIES:
        found = True
        yield warning(
            "TRUSTED_PROXIES is 0, so every request counts as plain HTTP from the proxy's address.",
            "Set it to the number of proxies in front of the web server, usually 1.",
        )
    if not found:
        yield ok("The settings are complete and none of them is risky.")


def check_files(at: datetime) -> Iterator[Diagnosis]:
    """Check the collected static files, the temporary folder, and the limit of open files."""
    yield _check_static_files()
    yield from _check_temporary_folder(Path(tempfile.gettempdir()))
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if open_files != resource.RLIM_INFINITY and open_files < MIN_OPEN_FILES:
        yield warning(
            f"A process can open {open_files} files.",
            f"Set the limit to {MIN_OPEN_FILES} or more: LimitNOFILE of systemd, or ulimit -n.",
        )


def _check_static_files() -> Diagnosis:
    if not settings.PRODUCTION:
        return ok("Static files are read from the checkout.")
    storage = cast("ManifestFilesMixin", staticfiles_storage)
    missing_names, changed_names = [], []
    for name, source in _own_static_files():
        stored_name = storage.hashed_files.get(storage.hash_key(name), "")
        if not stored_name or not staticfiles_storage.exists(stored_name):
            missing_names.append(name)
        # stylesheets are rewritten when they are collected, scripts are not
        elif source.suffix == ".js":
            with staticfiles_storage.open(stored_name) as collected:
                if source.read_bytes() != collected.read():
                    changed_names.append(name)
    if missing_names:
        return error(
            f"{len(missing_names)} static files are not in {settings.STATIC_ROOT}, such as "
            f"{missing_names[0]}.",
            "Run manage.py collectstatic --no-input with the same REGISTRY_DATA, and restart the "
            "web server.",
        )
    if changed_names:
        return error(
            f"The static files in {settings.STATIC_ROOT} are those of another version.",
            "Run manage.py collectstatic --no-input, and restart the web server.",
        )
    return ok("The static files are those of this version.")


def _own_static_files() -> Iterator[tuple[str, Path]]:
    """Yield (name, file) of the stylesheets, scripts and pictures of the pages."""
    folder = settings.BASE_DIR / "apps" / "web" / "static"
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file


def _check_temporary_folder(folder: Path) -> Iterator[Diagnosis]:
    free_gib = shutil.disk_usage(folder).free / _GIB
    if not os.access(folder, os.W_OK):
        yield error(f"{folder} is not writable.", "Set TMPDIR to a folder that is.")
    elif free_gib < MIN_TEMPORARY_GIB:
        yield warning(
            f"{folder} has {free_gib:.1f} GiB left for bodies of requests and long answers.",
            f"Set TMPDIR to a folder on a disk with {MIN_TEMPORARY_GIB} GiB for each web worker.",
        )
    else:
        yield ok(f"{folder} has {free_gib:.0f} GiB left for bodies of requests.")
