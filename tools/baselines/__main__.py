"""`python -m tools.baselines openapi|routes|questions|functions`: the present beside what is kept.

    openapi    the OpenAPI document: paths, operations, parameters, schemas, properties, values
    routes     addresses, their names and views, and who gets what there
    questions  whether a newcomer's word leads to the answer
    functions  thirty functions drawn at random, with their code

`openapi` and `routes` write the present to build/, print what no line of renames.toml explains, and
end with 1 where there is something; `--accept` makes the present the baseline.
"""

import argparse
import json
import os
import sys
import tomllib
from pathlib import Path

from tools.baselines import questions
from tools.baselines.functions import drawn
from tools.baselines.questions import MarkerError, read_questions, searched

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
MAX_LINES = 2_000
# descriptions and the like; of a route its name and its view
UNCOUNTED = ("text", "name", "view")


def main(arguments: list[str]) -> int:
    """Return 1 where the present differs from the baseline, or an answer cannot be found."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.baselines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["openapi", "routes", "questions", "functions"])
    parser.add_argument(
        "--accept", action="store_true", help="save the current state as the baseline"
    )
    options = parser.parse_args(arguments)
    match options.what:
        case "openapi" | "routes":
            return _compare(options.what, accept=options.accept)
        case "questions":
            return _print_hits()
        case _:
            return _print_functions()


def _compare(baseline_name: str, *, accept: bool) -> int:
    _set_up_django()
    # they read models and views, which need the settings
    from tools.baselines import openapi, routes  # noqa: PLC0415
    from tools.baselines.differences import Facts, compared  # noqa: PLC0415

    renames = openapi.Renames(**tomllib.loads((HERE / "renames.toml").read_text()))
    before: Facts
    if baseline_name == "openapi":
        baseline_file, document = openapi.FILE, openapi.present_document()
        text = openapi.written(document)
        before = openapi.facts_of(openapi.renamed(json.loads(baseline_file.read_text()), renames))
        after = openapi.facts_of(json.loads(text))
    else:
        baseline_file, present_routes = routes.FILE, routes.present_routes()
        text = routes.written(present_routes)
        before = routes.facts_of(routes.renamed(json.loads(baseline_file.read_text()), renames))
        after = routes.facts_of(present_routes)
    build = CHECKOUT / "build"
    build.mkdir(exist_ok=True)
    (build / baseline_file.name).write_text(text)
    if accept:
        baseline_file.write_text(text)
        print(f"{baseline_file.relative_to(CHECKOUT)} now contains the current state.")
        return 0
    differences = compared(
        {key: fact for key, fact in before.items() if key[0] not in UNCOUNTED},
        {key: fact for key, fact in after.items() if key[0] not in UNCOUNTED},
    )
    for number, line in enumerate(differences.lines()):
        if number == MAX_LINES:
            print("... and more")
            break
        print(line)
    # what may change with every rename, of things that are there
    for kind in UNCOUNTED:
        changed_texts = [
            (name, before[kind, name].text, after[kind, name].text)
            for fact_kind, name in sorted(before.keys() & after.keys())
            if fact_kind == kind and before[kind, name] != after[kind, name]
        ]
        if changed_texts:
            print(f"{kind}: {len(changed_texts)} changed (not counted as differences)")
        for name, old_text, new_text in changed_texts if kind == "name" else ():
            print(f"  ~ {old_text}  ->  {new_text}  {name}")
    print("There are differences." if differences else "There are no differences.")
    return 1 if differences else 0


def _print_hits() -> int:
    try:
        hits = searched(read_questions(questions.FILE.read_text()))
    except MarkerError as error:
        print(error, file=sys.stderr)
        return 1
    for hit in hits:
        places = [
            f"{search_kind} {place}"
            for search_kind, place in (("path", hit.place_by_path), ("name", hit.place_by_name))
            if place is not None
        ]
        result = f"hit ({', '.join(places)})" if hit.is_hit else "miss"
        print(f"{hit.question.number:3}  {hit.question.word:24} {result:18} {hit.file}")
    print(f"\n{sum(hit.is_hit for hit in hits)} of {len(hits)} answers are hit.")
    return 0


def _print_functions() -> int:
    for number, function in enumerate(drawn(), start=1):
        print(f"--- {number}. {function.name} ({function.place})\n{function.code}\n")
    return 0


def _set_up_django() -> None:
    """Load the project as the tests do; no database is asked."""
    os.environ.setdefault("REGISTRY_ENV", "test")
    os.environ.setdefault("DATABASE_URL", "postgres://127.0.0.1:1/none")
    os.environ["DJANGO_SETTINGS_MODULE"] = "registry.settings"
    import django  # noqa: PLC0415

    django.setup()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
