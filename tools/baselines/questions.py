"""Questions of a newcomer, and whether one search for a plain word leads to the answer.

The rule stands at the top of questions.md, beside the questions that this module reads.
"""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("questions.md")
FOLDERS = ("apps", "registry", "templates")
# what a newcomer opens before trying another word
MAX_LOOKED_AT = 10
_QUESTION = re.compile(
    r"^## (?P<number>\d+)\. (?P<text>.+?)\n.*?"
    r"^- Search: `(?P<word>[^`]+)`\n.*?^- Marker: `(?P<marker>[^`]+)`$",
    re.MULTILINE | re.DOTALL,
)
_NAMES = re.compile(r"^\s*(?:async def|def|class)\s.*", re.MULTILINE)


class MarkerError(Exception):
    """The line by which an answer is found is in no file, or in several."""


@dataclass(frozen=True, slots=True)
class Question:
    """`word` is what a newcomer searches for, `marker` a text in the file that answers."""

    number: int
    text: str
    word: str
    marker: str


@dataclass(frozen=True, slots=True)
class Hit:
    """Where the answer is, and its place among the files a search shows, from 1; None beyond."""

    question: Question
    file: str
    place_by_path: int | None
    place_by_name: int | None

    @property
    def is_hit(self) -> bool:
        return self.place_by_path is not None or self.place_by_name is not None


def read_questions(text: str) -> list[Question]:
    """Read the questions in the order of the file."""
    return [
        Question(int(match["number"]), match["text"], match["word"], match["marker"])
        for match in _QUESTION.finditer(text)
    ]


def searched(questions: Iterable[Question], checkout: Path = CHECKOUT) -> list[Hit]:
    """Search for the word of each question and see where the answer's file stands."""
    texts = {name: (checkout / name).read_text() for name in _files(checkout)}
    lines = {name: _NAMES.findall(text) for name, text in texts.items() if name.endswith(".py")}
    return [_search_answer(question, texts, lines) for question in questions]


def _search_answer(question: Question, texts: dict[str, str], lines: dict[str, list[str]]) -> Hit:
    answer_files = [name for name, text in texts.items() if question.marker in text]
    if len(answer_files) != 1:
        files_text = ", ".join(answer_files) or "no file"
        raise MarkerError(f"Question {question.number}: `{question.marker}` is in {files_text}.")
    # the words of a phrase are joined by whatever joins them in paths and names
    pattern = re.compile(r"[\s_/.-]?".join(map(re.escape, question.word.split())), re.IGNORECASE)
    by_path = [name for name in sorted(texts) if pattern.search(name)]
    n_matches = {
        name: sum(bool(pattern.search(line)) for line in definitions)
        for name, definitions in lines.items()
    }
    matching_names = [name for name, n in n_matches.items() if n]
    by_name = sorted(matching_names, key=lambda name: (-n_matches[name], name))
    file = answer_files[0]
    return Hit(question, file, _place(file, by_path), _place(file, by_name))


def _place(file: str, files: list[str]) -> int | None:
    looked_at = files[:MAX_LOOKED_AT]
    return looked_at.index(file) + 1 if file in looked_at else None


def _files(checkout: Path) -> list[str]:
    """Tracked files of the product, without migrations and what is no text."""
    command = ["git", "ls-files", "-z", *FOLDERS]
    output = subprocess.run(command, cwd=checkout, check=True, capture_output=True).stdout.decode()
    suffixes = (".py", ".html", ".txt", ".sql", ".svg")
    return [
        name
        for name in output.split("\0")
        if name.endswith(suffixes) and "/migrations/" not in name and (checkout / name).is_file()
    ]
