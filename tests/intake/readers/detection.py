"""What each scanner's documents tell of the models that small source trees really use, as our
readers read them.

    REGISTRY_ENV=test .venv/bin/python -m tests.intake.readers.detection ../shared/samples

prints the table of docs/intake.md: recall and precision a tool, and of all of them together.
"""

import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

FOLDERS = {"cyclonedx": ("*.json",), "spdx": ("*.json",)}


@dataclass(slots=True)
class Found:
    """Of one tool: model names by tree, and how many of the tree's names there are."""

    by_tree: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True, slots=True)
class Row:
    tool: str
    n_used: int
    n_right: int
    n_unused: int
    n_wrong: int

    @property
    def recall(self) -> float:
        return self.n_right / self.n_used

    @property
    def precision(self) -> float | None:
        n_told = self.n_right + self.n_unused + self.n_wrong
        return self.n_right / n_told if n_told else None


def measure(samples: Path) -> list[Row]:
    """A row a tool over the trees it was run on, then one of the union."""
    from apps.intake.documents.formats import FORMATS

    truth = json.loads((samples / "trees" / "truth.json").read_text())
    tools: dict[str, Found] = defaultdict(Found)
    for form, patterns in FOLDERS.items():
        for path in sorted(each for pattern in patterns for each in (samples / form).glob(pattern)):
            tree = next((name for name in truth if name in path.name), None)
            if tree is None:
                continue
            document = FORMATS[form].read(path.read_bytes())
            names = {folded(said.requested) for said in document.sightings}
            for tool in (document.maker, "all together"):
                tools[tool].by_tree[tree] |= names
    together = tools.pop("all together")
    return [
        *(_row(tool, found, truth) for tool, found in sorted(tools.items())),
        _row("all together", together, truth),
    ]


def _row(tool: str, found: Found, truth: dict[str, dict[str, list[str]]]) -> Row:
    n_used = n_right = n_unused = n_wrong = 0
    for tree, names in found.by_tree.items():
        used = {folded(name) for name in truth[tree]["used"]}
        unused = {folded(name) for name in truth[tree]["not_used"]}
        n_used += len(used)
        n_right += len(names & used)
        n_unused += len(names & unused)
        n_wrong += len(names - used - unused)
    return Row(tool, n_used, n_right, n_unused, n_wrong)


def folded(name: str) -> str:
    """Lenient on what stands in front: `mistral/mistral-large-latest` is `mistral-large-latest`."""
    return name.lower().rpartition("/")[2]


def table(rows: list[Row]) -> str:
    lines = [
        "| tool | used, in its trees | found | recall | named though unused | no model of the tree "
        "| precision |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        precision = "–" if row.precision is None else f"{row.precision:.0%}"
        lines.append(
            f"| {row.tool} | {row.n_used} | {row.n_right} | {row.recall:.0%} | {row.n_unused} | "
            f"{row.n_wrong} |"
            f" {precision} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    import django

    django.setup()
    print(table(measure(Path(sys.argv[1]))))
