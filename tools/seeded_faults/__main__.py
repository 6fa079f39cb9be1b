"""`python -m tools.seeded_faults`: apply each fault to a copy of the checkout and see what notices.

    --only 3,10-12   these faults by number, in the order of faults.toml
    --lane test      the lane whose tests are asked: test, proof or all
    --json FILE      keep results there after each fault; a fault that it holds is not run again
    --list           numbers, layers and names
    --without-fault  run the selections without any fault: all must pass
    --remove-copy    remove the copy, which is otherwise kept for the next run

Ends with 1 where a fault does not apply any more, before anything is run.
"""

import argparse
import json
import signal
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.seeded_faults.checkout import private_copy, remove_copy
from tools.seeded_faults.faults import Fault, load_faults, reason_not_applicable
from tools.seeded_faults.trials import LANES, run_tests, try_fault


def main(arguments: list[str]) -> int:
    """Return 0 where every chosen fault applies."""
    options = _parse_arguments(arguments)
    # the copy's file and servers are put right also where the run is told to end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    faults = load_faults()
    chosen_faults = _select_faults(options.only, faults)
    if options.list:
        for number, fault in chosen_faults.items():
            print(f"{number:3}  {fault.layer:10} {fault.name}")
        return 0
    if options.remove_copy:
        remove_copy()
        return 0
    reasons = [reason for fault in faults if (reason := reason_not_applicable(fault))]
    if reasons:
        print("\n".join(reasons), file=sys.stderr)
        return 1
    if options.without_fault:
        return _run_without_fault(chosen_faults, options.lane)
    results = _load(options.json)
    # a test that noticed a fault earlier is the first to be asked
    earlier_results = _load(Path(__file__).with_name("baseline.json")) | results
    sound: dict[str, bool] = {}
    with private_copy() as copy:
        for number, fault in chosen_faults.items():
            if fault.name in results:
                continue
            by: str = earlier_results.get(fault.name, {}).get("by", "")
            likely = [by.partition("::")[0], *fault.first]
            trial = try_fault(fault, copy, lane=options.lane, likely=likely, sound=sound)
            results[fault.name] = {"caught": trial.caught, **asdict(trial)}
            results[fault.name]["seconds"] = round(trial.seconds, 1)
            print(_format_result(number, fault, results[fault.name]), flush=True)
            _save(options.json, results, faults)
    _print_table(chosen_faults, results)
    return 0


def _parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.seeded_faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", metavar="N,N-M")
    parser.add_argument("--lane", choices=LANES, default="test")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--without-fault", action="store_true")
    parser.add_argument("--remove-copy", action="store_true")
    return parser.parse_args(arguments)


def _select_faults(only: str, faults: list[Fault]) -> dict[int, Fault]:
    """{number: fault}; all of them for an empty text."""
    numbered = dict(enumerate(faults, start=1))
    if not only:
        return numbered
    numbers: set[int] = set()
    for range_text in only.split(","):
        first_number, _, last_number = range_text.partition("-")
        try:
            numbers.update(range(int(first_number), int(last_number or first_number) + 1))
        except ValueError:
            sys.exit(f"'{range_text}' is not a number or a range such as 10-12.")
    return {number: fault for number, fault in numbered.items() if number in numbers}


def _run_without_fault(chosen_faults: dict[int, Fault], lane: str) -> int:
    """Run each distinct selection of tests once; 1 where one of them fails."""
    selections = dict.fromkeys(fault.tests for fault in chosen_faults.values())
    n_failed = 0
    with private_copy() as copy:
        for selection in selections:
            run = run_tests(copy, selection, lane=lane)
            outcome = "passes" if run.passes else run.failed or run.broken or "time limit"
            n_failed += not run.passes
            print(f"{run.seconds:7.1f} s  {' '.join(selection)}: {outcome}", flush=True)
    return 1 if n_failed else 0


def _load(path: Path | None) -> dict[str, Any]:
    if path is None or not path.is_file():
        return {}
    results: dict[str, Any] = json.loads(path.read_text())
    return results


def _save(path: Path | None, results: dict[str, Any], faults: list[Fault]) -> None:
    if path is None:
        return
    ordered_results = {fault.name: results[fault.name] for fault in faults if fault.name in results}
    path.write_text(json.dumps(ordered_results, indent=2, ensure_ascii=False) + "\n")


def _format_result(number: int, fault: Fault, result: dict[str, Any]) -> str:
    by = result["by"] or result["error"].replace("\n", " ")[-100:]
    outcome_text = f"{result['outcome']:9} {result['seconds']:7.1f} s"
    return f"{number:3}  {fault.layer:10} {outcome_text}  {fault.name}: {by}"


def _print_table(chosen_faults: dict[int, Fault], results: dict[str, Any]) -> None:
    tried_faults = {
        number: fault for number, fault in chosen_faults.items() if fault.name in results
    }
    print()
    for number, fault in tried_faults.items():
        print(_format_result(number, fault, results[fault.name]))
    outcome_counts = Counter(results[fault.name]["outcome"] for fault in tried_faults.values())
    counts_text = ", ".join(f"{n} {outcome}" for outcome, n in outcome_counts.most_common())
    print(f"\n{len(tried_faults)} of {len(chosen_faults)} faults: {counts_text or 'none tried'}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
