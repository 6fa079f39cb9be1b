from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from apps.issues.evaluation import EvaluationCounts, evaluate_issues
from apps.issues.models import Issue
from tests.builders import NOW
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world


@pytest.fixture
@kept_world
def world(db: None) -> SmallWorld:
    """One critical application on Gemini 2.5 Pro, which retires on 15 January 2027."""
    return make_small_world()


@pytest.fixture
def evaluate(db: None) -> Callable[..., EvaluationCounts]:
    """Evaluate everything, by default at the builders' time."""

    def run(at: datetime = NOW, **options: Any) -> EvaluationCounts:
        return evaluate_issues(at=at, **options)

    return run


@pytest.fixture
def issue(world: SmallWorld, evaluate: Callable[..., EvaluationCounts]) -> Issue:
    """The retirement of the world's model for its application."""
    evaluate()
    return Issue.objects.select_related("cause", "team").get(cause__kind="retirement")
