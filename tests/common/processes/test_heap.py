"""A web process takes what it has loaded out of the garbage collector's sight."""

import subprocess
import sys
from pathlib import Path

LOADED = "import gc, registry.wsgi; print(gc.get_freeze_count(), gc.isenabled())"


def test_objects_of_the_loaded_site_are_frozen_and_later_ones_still_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )

    n_frozen, enabled = done.stdout.split()
    assert int(n_frozen) > 100_000
    assert enabled == "True"
