"""The trees of docs/architecture.md are those of the checkout, with three to six words a folder."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT = CHECKOUT / "docs" / "architecture.md"
APPS = sorted(path.name for path in (CHECKOUT / "apps").iterdir() if (path / "apps.py").exists())
ROOTS = [*(f"apps/{name}" for name in APPS), "registry", "tools"]
# what has no behaviour to look for, and what Django finds by its place
HIDDEN = {"__pycache__", "migrations", "static"}
WIDTH = 100
WORDS_COLUMN = 34
FOLDER_LINE = re.compile(r"^( *)([\w/]+)/(?: +(.*))?$")


def documented_words(text: str) -> dict[str, str]:
    """The words of each folder in the trees, by its path."""
    words: dict[str, str] = {}
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language:
            continue
        parents: list[str] = []
        lines = block.splitlines()
        # other blocks show commands, or the layers in brief
        for line in lines if lines[0].split("/ ")[0] in ROOTS else []:
            folder = FOLDER_LINE.match(line)
            if folder is None:
                continue
            parents = [*parents[: len(folder[1]) // 2], folder[2]]
            words["/".join(parents)] = folder[3] or ""
    return words


def tree(root: str, words: dict[str, str]) -> list[str]:
    """The lines of a tree: a folder with its words, its modules, its folders."""
    return list(_lines(CHECKOUT / root, root, root, "", words))


def _lines(folder: Path, path: str, name: str, indent: str, words: dict[str, str]) -> Iterator[str]:
    yield f"{indent}{name}/".ljust(WORDS_COLUMN) + words.get(path, "TODO")
    modules = sorted(
        file.stem
        for pattern in ("*.py", "*.sql")
        for file in folder.glob(pattern)
        if file.stem not in {"__init__", "apps"}
    )
    if modules:
        margin = f"{indent}    "
        yield from wrap(
            "  ".join(modules),
            WIDTH,
            initial_indent=margin,
            subsequent_indent=margin,
            break_on_hyphens=False,
        )
    for below in sorted(child for child in folder.iterdir() if child.is_dir()):
        if below.name in HIDDEN or not any(below.rglob("*.py")) | any(below.rglob("*.sql")):
            continue
        if below.name == "management":
            # Django's own path to an app's commands
            yield from _lines(
                below / "commands",
                f"{path}/management/commands",
                "management/commands",
                f"{indent}  ",
                words,
            )
        else:
            yield from _lines(below, f"{path}/{below.name}", below.name, f"{indent}  ", words)


@pytest.mark.parametrize("root", ROOTS)
def test_a_tree_shows_the_folders_and_modules_of_today(root: str) -> None:
    text = DOCUMENT.read_text()

    assert "\n".join(tree(root, documented_words(text))) in text


def test_every_folder_has_three_to_six_words() -> None:
    words = documented_words(DOCUMENT.read_text())
    shown = {path: text for path, text in words.items() if path.split("/")[0] in {"apps", "tools"}}

    assert shown
    assert not {path: text for path, text in shown.items() if not 3 <= len(text.split()) <= 6}
