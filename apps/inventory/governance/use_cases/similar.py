"""Proposals and applications with a similar name, so that governance does not decide twice."""

from dataclasses import dataclass

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models.functions import Upper

from apps.accounts.models import User
from apps.inventory.models import Application, ProposedUseCase

MIN_SIMILARITY = 0.35
MAX_SIMILAR = 5


@dataclass(frozen=True, slots=True)
class Similar:
    use_cases: tuple[ProposedUseCase, ...]
    applications: tuple[Application, ...]


def find_similar(use_case: ProposedUseCase, *, user: User) -> Similar:
    """Return the most similar names that the user can view; two statements."""
    name = use_case.name.upper()
    use_cases = (
        ProposedUseCase.objects.visible_to(user)
        .exclude(pk=use_case.pk)
        .annotate(similarity=TrigramSimilarity(Upper("name"), name))
        .filter(similarity__gte=MIN_SIMILARITY)
        .order_by("-similarity", "-pk")
    )
    applications = (
        # the index of names finds the candidates
        Application.objects.visible_to(user)
        .alias(upper_name=Upper("name"))
        .filter(upper_name__trigram_similar=name, proposed_use_case__isnull=True)
        .annotate(similarity=TrigramSimilarity(Upper("name"), name))
        .filter(similarity__gte=MIN_SIMILARITY)
        .select_related("team")
        .order_by("-similarity", "pk")
    )
    return Similar(tuple(use_cases[:MAX_SIMILAR]), tuple(applications[:MAX_SIMILAR]))
