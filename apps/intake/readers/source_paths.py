"""Source locations relative to the repository: the folders of the machine that ran the scanner are
removed."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from apps.intake.documents.records import clean

_DRIVE = re.compile(r"^[A-Za-z]:/")
# where pipelines check out: GitHub Actions, GitLab, Azure Pipelines, Jenkins, CircleCI, Bitbucket
_CHECKOUTS = re.compile(
    r"^(/home/runner/work/[^/]+/[^/]+|/github/workspace|/builds/[^/]+/[^/]+|/home/vsts/work/\d+/s|[A-Za-z]:/a/\d+/s"
    r"|.*/jenkins_home/workspace/[^/]+|/home/circleci/project|/opt/atlassian/pipelines/agent/build)/"
)


class SourcePaths:
    """Paths of a document, made of all its absolute paths: what they have in common is the root,
    unless a better one is known."""

    def __init__(self, paths: Iterable[str], *, root: str = "") -> None:
        """Take the scanned folder as `root`, if the document states it."""
        self._root = _plain(root).rstrip("/")
        folders = [
            _plain(path).rsplit("/", 1)[0].split("/")
            for path in paths
            if _is_absolute(_plain(path))
        ]
        self._common = "/".join(_common(folders)) if folders else ""

    def place(self, path: str, line: object = None) -> str:
        """Return a location such as `app/chat.py:10`; empty for no path."""
        plain = _plain(path)
        if not plain:
            return ""
        if _is_absolute(plain):
            plain = self._within(plain)
        plain = plain.removeprefix("./")
        number = str(line) if isinstance(line, int | str) and str(line).isdigit() else ""
        return clean(f"{plain}:{number}" if number and number != "0" else plain, 300)

    def _within(self, path: str) -> str:
        for root in (self._root, self._common):
            if root and path.startswith(f"{root}/"):
                return path[len(root) + 1 :]
        checked_out = _CHECKOUTS.match(path)
        return path[checked_out.end() :] if checked_out else path.rsplit("/", 1)[-1]


def _plain(path: str) -> str:
    path = path.strip().replace("\\", "/")
    if path.startswith("file://"):
        path = unquote(path[len("file://") :])
    return path


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or bool(_DRIVE.match(path))


def _common(folders: list[list[str]]) -> list[str]:
    """Return the common leading segments of all paths; a checkout of a pipeline is a root by
    itself, however little is in it."""
    first = "/".join(folders[0]) + "/"
    if (checked_out := _CHECKOUTS.match(first)) and all(
        ("/".join(each) + "/").startswith(checked_out.group()) for each in folders
    ):
        return checked_out.group().rstrip("/").split("/")
    shared = folders[0]
    for each in folders[1:]:
        n = 0
        while n < min(len(shared), len(each)) and shared[n] == each[n]:
            n += 1
        shared = shared[:n]
    return shared
