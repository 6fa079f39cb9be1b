"""The command `python -m tools.template_format`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.template_format.formatter import format_template
from tools.template_format.nodes import TemplateError
from tools.template_format.whitespace import TEMPLATES

SUFFIXES = (".html", ".svg")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.template_format")
    parser.add_argument("--check", action="store_true", help="change nothing, fail if needed")
    parser.add_argument("files", nargs="*", type=Path, help="all templates where none is named")
    given = parser.parse_args(arguments)
    paths = given.files or sorted(path for path in TEMPLATES.rglob("*") if path.suffix in SUFFIXES)
    changed = []
    n_failed = 0
    for path in paths:
        source = path.read_text(encoding="utf-8")
        try:
            formatted = format_template(source)
        except TemplateError as error:
            print(f"{path}: {error}", file=sys.stderr)
            n_failed += 1
            continue
        if formatted != source:
            changed.append(path)
            if not given.check:
                path.write_text(formatted, encoding="utf-8")
    for path in changed:
        print(f"{'would be formatted' if given.check else 'formatted'}: {path}")
    n_formatted = len(paths) - len(changed) - n_failed
    print(f"{n_formatted} of {len(paths)} templates were formatted already.")
    return 1 if n_failed or (given.check and changed) else 0


if __name__ == "__main__":
    sys.exit(main())
