"""Steps of a task: five standard ones, and more for the adaptations of the dependency."""

from dataclasses import dataclass

from django.db import connection

from apps.inventory.models import Adaptation, Dependency

CHOOSE_TARGET = "choose_target"
RECORD_ADAPTATIONS = "record_adaptations"
OWN_EVALUATION = "own_evaluation"
UPDATE_EXIT = "update_exit"
SWITCH = "switch"
WATCH = "watch"
TEAM_STEP = "own"  # added by a user

# completed by a choice, by evidence and by the migration, and not by hand
AUTOMATIC_STEPS = frozenset({CHOOSE_TARGET, OWN_EVALUATION, SWITCH})


@dataclass(frozen=True, slots=True)
class StepTemplate:
    """A step of tasks.

    `adaptation` limits it to these adaptations, one step for each, `role` to dependencies in this
    role. With `if_ending` it is required only if the subject retires; otherwise the application may
    stay. Steps are shown in the order of `position`.
    """

    kind: str
    position: int
    title: str
    adaptation: str = ""
    role: str = ""
    required: bool = True
    if_ending: bool = False


KINDS = Adaptation.Kind
STEP_TEMPLATES: tuple[StepTemplate, ...] = (
    StepTemplate(CHOOSE_TARGET, 10, "Choose the target", if_ending=True),
    StepTemplate(
        RECORD_ADAPTATIONS,
        15,
        "Record adaptations: prompts, fine-tunes, indexes",
        required=False,
    ),
    StepTemplate("retest_prompt", 20, "Retest the prompt on the target", adaptation=KINDS.PROMPT),
    StepTemplate(
        "recheck_few_shot",
        21,
        "Check that the few-shot examples still work",
        adaptation=KINDS.FEW_SHOT,
    ),
    StepTemplate(
        "rerun_fine_tune", 22, "Repeat the fine-tune on the target", adaptation=KINDS.FINE_TUNE
    ),
    StepTemplate(
        "evaluate_fine_tune",
        23,
        "Compare the new fine-tune with the old one",
        adaptation=KINDS.FINE_TUNE,
    ),
    StepTemplate(
        "rebuild_retrieval",
        24,
        "Rebuild embeddings and indexes, then retest retrieval",
        adaptation=KINDS.RETRIEVAL,
    ),
    StepTemplate(
        "retest_tools",
        25,
        "Retest every tool call and its limits",
        adaptation=KINDS.AGENTIC_TOOLS,
    ),
    StepTemplate(
        "rebuild_vectors",
        30,
        "Rebuild all stored vectors, because vectors of two models are not comparable",
        role=Dependency.Role.EMBEDDING,
    ),
    StepTemplate(
        "recalibrate_judge",
        31,
        "Compare the judge with human ratings again",
        role=Dependency.Role.JUDGE,
    ),
    StepTemplate(
        "retest_guardrail",
        32,
        "Recalibrate the thresholds of the guardrail",
        role=Dependency.Role.GUARDRAIL,
    ),
    StepTemplate(OWN_EVALUATION, 40, "Run your own evaluation on the target"),
    StepTemplate(UPDATE_EXIT, 50, "Update fallback and exit test"),
    StepTemplate(SWITCH, 60, "Switch", if_ending=True),
    StepTemplate(WATCH, 70, "Monitor in production"),
)

# Steps of every task by the role of its dependency (the step that asks for adaptations only if none
# is recorded), and one step for each adaptation; without those that the task has already.
_INSERT = """
WITH step AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(places)s::int[], %(titles)s::text[],
        %(adaptations)s::text[],
                         %(roles)s::text[], %(required)s::boolean[])
        AS s(kind, place, title, adaptation, role, required)
),
due AS (
    SELECT t.id AS task_id, s.place, s.kind, s.title, NULL::bigint AS adaptation_id, s.required
    FROM exposure_campaigntask t
    JOIN inventory_dependency d ON d.id = t.dependency_id
    JOIN step s ON s.adaptation = '' AND s.role IN ('', d.role)
    WHERE t.campaign_id = %(campaign)s AND t.state = ANY (%(unfinished)s)
      AND NOT (s.kind = %(record_adaptations)s
               AND EXISTS (SELECT 1 FROM inventory_adaptation a WHERE a.dependency_id = d.id))
    UNION ALL
    SELECT t.id, s.place, s.kind, left(s.title || CASE WHEN a.name = '' THEN ''
        ELSE ': ' || a.name END, 300),
           a.id, s.required
    FROM exposure_campaigntask t
    JOIN inventory_adaptation a ON a.dependency_id = t.dependency_id
    JOIN step s ON s.adaptation = a.kind
    WHERE t.campaign_id = %(campaign)s AND t.state = ANY (%(unfinished)s)
)
INSERT INTO exposure_taskstep (task_id, place, kind, title, adaptation_id, required, note)
SELECT due.task_id, due.place, due.kind, due.title, due.adaptation_id, due.required, ''
FROM due
WHERE NOT EXISTS (
    SELECT 1 FROM exposure_taskstep had
    WHERE had.task_id = due.task_id AND had.kind = due.kind AND had.adaptation_id IS NOT DISTINCT
    FROM due.adaptation_id
)
ORDER BY due.task_id, due.place, due.adaptation_id
"""


def add_missing_steps(
    *, campaign_id: int, subject_retires: bool, unfinished_states: tuple[str, ...]
) -> int:
    """Add the missing steps to every unfinished task of the campaign; return their number. One
    statement.

    The caller has locked the campaign's row, so that concurrent calls do not add a step twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "campaign": campaign_id,
                "unfinished": list(unfinished_states),
                "record_adaptations": RECORD_ADAPTATIONS,
                "kinds": [step.kind for step in STEP_TEMPLATES],
                "places": [step.position for step in STEP_TEMPLATES],
                "titles": [step.title for step in STEP_TEMPLATES],
                "adaptations": [str(step.adaptation) for step in STEP_TEMPLATES],
                "roles": [str(step.role) for step in STEP_TEMPLATES],
                "required": [
                    step.required and (subject_retires or not step.if_ending)
                    for step in STEP_TEMPLATES
                ],
            },
        )
        n_added: int = cursor.rowcount
    return n_added
