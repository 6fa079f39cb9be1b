"""The level of a risk on a dependency, adjusted by its adaptations."""

from collections.abc import Collection

from apps.inventory.models import Adaptation
from apps.risks.levels import AdaptationStep, Level, adjust_level
from apps.risks.models import FoundationRisk, Layer, Modifier

IN_THE_WEIGHTS = frozenset({Layer.TRAINING_DATA, Layer.WEIGHTS, Layer.ALIGNMENT})


def levels_on(*, risk: FoundationRisk, dependency_ids: Collection[int]) -> dict[int, Level]:
    """Return {dependency: the risk's inherent level there, adaptations applied}; two statements."""
    kinds: dict[int, set[str]] = {}
    built = (
        Adaptation.objects.filter(dependency_id__in=dependency_ids)
        .order_by()
        .values_list("dependency_id", "kind")
    )
    for dependency_id, kind in built:
        kinds.setdefault(dependency_id, set()).add(kind)
    inherent = Level(risk.likelihood, risk.impact)
    template = risk.template
    if template is None:
        return dict.fromkeys(dependency_ids, inherent)
    steps = steps_of([template.pk]).get(template.pk, [])
    deep = template.layer in IN_THE_WEIGHTS
    return {
        pk: adjust_level(inherent, steps, kinds.get(pk, frozenset()), in_the_weights=deep).level
        for pk in dependency_ids
    }


def steps_of(template_ids: Collection[int]) -> dict[int, list[AdaptationStep]]:
    """Return {template: the steps of its modifiers}; one statement."""
    steps: dict[int, list[AdaptationStep]] = {}
    for modifier in Modifier.objects.filter(template_id__in=template_ids).order_by("pk"):
        step = AdaptationStep(
            modifier.adaptation, modifier.likelihood, modifier.impact, modifier.rationale
        )
        steps.setdefault(modifier.template_id, []).append(step)
    return steps
