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
    options = parser.parse_args(arguments)
    paths = options.files or sorted(
        path for path in TEMPLATES.rglob("*") if path.suffix in SUFFIXES
    )
    changed_paths = []
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
            changed_paths.append(path)
            if not options.check:
                path.write_text(formatted, encoding="utf-8")
    for path in changed_paths:
        print(f"{'would be formatted' if options.check else 'formatted'}: {path}")
    n_formatted = len(paths) - len(changed_paths) - n_failed
    print(f"{n_formatted} of {len(paths)} templates were formatted already.")
    return 1 if n_failed or (options.check and changed_paths) else 0


if __name__ == "__main__":
    sys.exit(main())
