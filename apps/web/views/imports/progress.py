"""Progress of a worker that processes an import."""

from typing import Any

from django.urls import reverse

from apps.intake.import_progress import progress_of
from apps.intake.models import Import


def progress_words(import_: Import) -> dict[str, Any]:
    """Return the context of the progress component; empty unless a worker processes the import."""
    if not import_.is_waiting:
        return {}
    progress = progress_of(import_.pk)
    label = {
        Import.State.READING: "Reading rows",
        Import.State.APPLYING: "Saving",
        Import.State.UNDOING: "Undoing the import",
    }[Import.State(import_.state)]
    return {
        "words": label,
        "value": progress.n_done if progress else 0,
        "max": progress.n_total if progress and progress.n_total else None,
        "progress_url": reverse("imports:progress", args=[import_.pk]),
    }
