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
    asked = _parsed(arguments)
    # the copy's file and servers are put right also where the run is told to end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    faults = load_faults()
    chosen = _chosen(asked.only, faults)
    if asked.list:
        for number, fault in chosen.items():
            print(f"{number:3}  {fault.layer:10} {fault.name}")
        return 0
    if asked.remove_copy:
        remove_copy()
        return 0
    reasons = [reason for fault in faults if (reason := reason_not_applicable(fault))]
    if reasons:
        print("\n".join(reasons), file=sys.stderr)
        return 1
    if asked.without_fault:
        return _run_without_fault(chosen, asked.lane)
    results = _load(asked.json)
    # a test that noticed a fault earlier is the first to be asked
    earlier = _load(Path(__file__).with_name("baseline.json")) | results
    sound: dict[str, bool] = {}
    with private_copy() as copy:
        for number, fault in chosen.items():
            if fault.name in results:
                continue
            by: str = earlier.get(fault.name, {}).get("by", "")
            likely = [by.partition("::")[0], *fault.first]
            trial = try_fault(fault, copy, lane=asked.lane, likely=likely, sound=sound)
            results[fault.name] = {"caught": trial.caught, **asdict(trial)}
            results[fault.name]["seconds"] = round(trial.seconds, 1)
            print(_line(number, fault, results[fault.name]), flush=True)
            _save(asked.json, results, faults)
    _print_table(chosen, results)
    return 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
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


def _chosen(only: str, faults: list[Fault]) -> dict[int, Fault]:
    """{number: fault}; all of them for an empty text."""
    numbered = dict(enumerate(faults, start=1))
    if not only:
        return numbered
    wanted: set[int] = set()
    for part in only.split(","):
        first, _, last = part.partition("-")
        try:
            wanted.update(range(int(first), int(last or first) + 1))
        except ValueError:
            sys.exit(f"'{part}' is not a number or a range such as 10-12.")
    return {number: fault for number, fault in numbered.items() if number in wanted}


def _run_without_fault(chosen: dict[int, Fault], lane: str) -> int:
    """Run each distinct selection of tests once; 1 where one of them fails."""
    selections = dict.fromkeys(fault.tests for fault in chosen.values())
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
    ordered = {fault.name: results[fault.name] for fault in faults if fault.name in results}
    path.write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n")


def _line(number: int, fault: Fault, result: dict[str, Any]) -> str:
    by = result["by"] or result["error"].replace("\n", " ")[-100:]
    told = f"{result['outcome']:9} {result['seconds']:7.1f} s"
    return f"{number:3}  {fault.layer:10} {told}  {fault.name}: {by}"


def _print_table(chosen: dict[int, Fault], results: dict[str, Any]) -> None:
    done = {number: fault for number, fault in chosen.items() if fault.name in results}
    print()
    for number, fault in done.items():
        print(_line(number, fault, results[fault.name]))
    counted = Counter(results[fault.name]["outcome"] for fault in done.values())
    words = ", ".join(f"{n} {outcome}" for outcome, n in counted.most_common())
    print(f"\n{len(done)} of {len(chosen)} faults: {words or 'none tried'}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
