"""Source locations relative to the repository: the folders of the machine that ran the scanner are
removed."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from apps.intake.documents.records import clean

_DRIVE = re.compile(r"^[A-Za-z]:/")
# checkout folders of GitHub Actions, GitLab, Azure Pipelines, Jenkins, CircleCI and Bitbucket
_CHECKOUTS = re.compile(
    r"^(/home/runner/work/[^/]+/[^/]+|/github/workspace|/builds/[^/]+/[^/]+|/home/vsts/work/\d+/s|[A-Za-z]:/a/\d+/s"
    r"|.*/jenkins_home/workspace/[^/]+|/home/circleci/project|/opt/atlassian/pipelines/agent/build)/"
)


class SourcePaths:
    """Locations relative to the root of a repository: the stated folder, else the folder that all
    absolute paths of the document share."""

    def __init__(self, paths: Iterable[str], *, root: str = "") -> None:
        """Collect the common root of `paths`; `root` is the scanned folder, if the document states
        it."""
        self._root = _normalise_path(root).rstrip("/")
        folders = [
            _normalise_path(path).rsplit("/", 1)[0].split("/")
            for path in paths
            if _is_absolute(_normalise_path(path))
        ]
        self._common = "/".join(_find_common_root(folders)) if folders else ""

    def place(self, path: str, line: object = None) -> str:
        """Return a location such as `app/chat.py:10`; empty for no path."""
        plain = _normalise_path(path)
        if not plain:
            return ""
        if _is_absolute(plain):
            plain = self._make_relative(plain)
        plain = plain.removeprefix("./")
        number = str(line) if isinstance(line, int | str) and str(line).isdigit() else ""
        return clean(f"{plain}:{number}" if number and number != "0" else plain, 300)

    def _make_relative(self, path: str) -> str:
        for root in (self._root, self._common):
            if root and path.startswith(f"{root}/"):
                return path[len(root) + 1 :]
        checkout = _CHECKOUTS.match(path)
        return path[checkout.end() :] if checkout else path.rsplit("/", 1)[-1]


def _normalise_path(path: str) -> str:
    path = path.strip().replace("\\", "/")
    if path.startswith("file://"):
        path = unquote(path[len("file://") :])
    return path


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or bool(_DRIVE.match(path))


def _find_common_root(folders: list[list[str]]) -> list[str]:
    """Return the leading segments that all folders share. The checkout folder of a pipeline is the
    root even if all paths share a deeper folder."""
    first_folder = "/".join(folders[0]) + "/"
    if (checkout := _CHECKOUTS.match(first_folder)) and all(
        ("/".join(folder) + "/").startswith(checkout.group()) for folder in folders
    ):
        return checkout.group().rstrip("/").split("/")
    common = folders[0]
    for folder in folders[1:]:
        n = 0
        while n < min(len(common), len(folder)) and common[n] == folder[n]:
            n += 1
        common = common[:n]
    return common
