"""Steps of the import of a spreadsheet, as links at the head of each of its pages."""

from dataclasses import dataclass

from django.urls import reverse

from apps.intake.models import Import

FILE, COLUMNS, VALUES, PREVIEW, RESULT = "File", "Columns", "Values", "Preview", "Import"
_NAMES = (FILE, COLUMNS, VALUES, PREVIEW, RESULT)
# states in which the columns and values can still be changed
_EDITABLE = (Import.State.RECEIVED, Import.State.READ, Import.State.FAILED)
# key in the stored mapping: the last step that the user has finished
FINISHED_STEP = "finished_step"


@dataclass(frozen=True, slots=True)
class WizardStep:
    """Step of the import; `url` is empty if the step cannot be opened now."""

    name: str
    url: str
    is_current: bool
    is_done: bool


def wizard_steps(import_: Import, current: str, *, is_own: bool) -> tuple[WizardStep, ...]:
    """Return the 5 steps; those of a file of another user have no links to change it."""
    place = _NAMES.index(current)
    urls = {FILE: reverse("imports:list")}
    if is_own and import_.state in _EDITABLE:
        urls[COLUMNS] = reverse("imports:columns", args=[import_.pk])
    if import_.state == Import.State.READ:
        urls[PREVIEW] = reverse("imports:detail", args=[import_.pk])
        if is_own:
            urls[VALUES] = reverse("imports:values", args=[import_.pk])
    return tuple(
        WizardStep(
            name,
            "" if name == current else urls.get(name, ""),
            name == current,
            index < place or (name == RESULT and import_.state == Import.State.APPLIED),
        )
        for index, name in enumerate(_NAMES)
    )


def finish_step(import_: Import, step: str) -> None:
    """Remember that the user has finished a step, so that the file is continued after it."""
    Import.objects.filter(pk=import_.pk).update(mapping={**import_.mapping, FINISHED_STEP: step})


def continuation_url(import_: Import, *, is_own: bool, has_chosen: bool) -> str:
    """Return the address of the step at which the user left the file; `has_chosen`: the step
    "Values" was finished."""
    if (
        is_own
        and import_.kind == Import.Kind.SHEET
        and import_.state == Import.State.READ
        and not has_chosen
    ):
        return reverse("imports:values", args=[import_.pk])
    return reverse("imports:detail", args=[import_.pk])
