"""Model cards of versions (CycloneDX `modelCard`): what is stored about a model, with its sources.

A field that nobody recorded is absent. Ethical considerations, training data and environmental
figures are not recorded, so no card has them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from apps.accounts.models import User
from apps.catalog.models import NodeKind, Offering, Version
from apps.inventory.models import Application
from apps.reports.models import ModelStatement
from apps.risks.models import Evidence, FoundationRisk

# per document
_MAX_EVIDENCE = 500
_MAX_RISKS = 2_000
_TASKS = {
    "chat": "text-generation",
    "completion": "text-generation",
    "embedding": "feature-extraction",
    "rerank": "text-ranking",
    "image_generation": "text-to-image",
    "audio_transcription": "automatic-speech-recognition",
    "audio_speech": "text-to-speech",
    "moderation": "text-classification",
}
# types of references to evidence; the others are "evidence"
_REFERENCE_TYPES = {
    Evidence.Kind.PROVIDER_CARD: "model-card",
    Evidence.Kind.OWN_EVALUATION: "quality-metrics",
    Evidence.Kind.BENCHMARK: "quality-metrics",
}


@dataclass(frozen=True, slots=True)
class ModelCardFacts:
    """What is stored about the models of a document, by (kind of record, ID)."""

    evidence: Mapping[tuple[str, int], Sequence[Evidence]]
    risks: Mapping[tuple[int, int], Sequence[FoundationRisk]]
    # {application ID: statement of its owners}
    statements: Mapping[int, ModelStatement]
    # {version ID: applications of the document that use it}
    users: Mapping[int, Sequence[Application]] = field(default_factory=dict)

    def evidence_of(self, row: Version, offerings: Iterable[Offering]) -> list[Evidence]:
        """Return the evidence on the version, then that on its offerings."""
        return [
            *self.evidence.get(("version", row.pk), []),
            *(
                result
                for offering in offerings
                for result in self.evidence.get(("offering", offering.pk), [])
            ),
        ]


def load_model_facts(
    user: User,
    applications: Sequence[Application],
    versions: Mapping[int, Version],
    offerings: Collection[int],
    users: Mapping[int, Sequence[Application]],
) -> ModelCardFacts:
    """Load the facts in three statements; only evidence that the user can view."""
    return ModelCardFacts(
        _load_evidence(user, applications, versions, offerings),
        _load_risks(versions.values()),
        {
            row.application_id: row
            for row in ModelStatement.objects.filter(application__in=applications)
        },
        users,
    )


def _load_evidence(
    user: User,
    applications: Sequence[Application],
    versions: Iterable[int],
    offerings: Iterable[int],
) -> dict[tuple[str, int], list[Evidence]]:
    """Return evidence with a value or a link on these models, of these applications or of none, the
    latest first."""
    by_subject: dict[tuple[str, int], list[Evidence]] = defaultdict(list)
    rows = (
        Evidence.objects.visible_to(user)
        .filter(Q(application__in=applications) | Q(application__isnull=True))
        .filter(Q(value__isnull=False) | ~Q(link=""))
        .filter(Q(version__in=list(versions)) | Q(offering__in=list(offerings)))
        .order_by("-run_on", "-pk")[:_MAX_EVIDENCE]
    )
    for row in rows:
        key = (
            ("offering", row.offering_id)
            if row.offering_id is not None
            else ("version", row.version_id or 0)
        )
        by_subject[key].append(row)
    return by_subject


def _load_risks(versions: Iterable[Version]) -> dict[tuple[int, int], list[FoundationRisk]]:
    """Return the open risks of the versions and their foundations, the gravest first."""
    versions = list(versions)
    by_node: dict[tuple[int, int], list[FoundationRisk]] = defaultdict(list)
    rows = (
        FoundationRisk.objects.open()
        .filter(
            Q(node__kind=NodeKind.VERSION, node__ref__in=[row.pk for row in versions])
            | Q(
                node__kind=NodeKind.FOUNDATION,
                node__ref__in={row.foundation_id for row in versions},
            )
        )
        .select_related("node", "template")
        .order_by("-inherent", "pk")[:_MAX_RISKS]
    )
    for row in rows:
        by_node[row.node.kind, row.node.ref].append(row)
    return by_node


def build_model_card(
    row: Version, offerings: Sequence[Offering], facts: ModelCardFacts
) -> dict[str, Any]:
    """Return the model card; the task is that of the first offering with a known category."""
    task = next(
        (_TASKS[offering.category] for offering in offerings if offering.category in _TASKS), None
    )
    return without_empty(
        {
            "bom-ref": f"model-card:{row.identifier}",
            "modelParameters": without_empty(
                {
                    "task": task,
                    "architectureFamily": row.foundation.family,
                    "modelArchitecture": row.foundation.line,
                    "inputs": [{"format": modality} for modality in row.foundation.modalities],
                    "outputs": [{"format": "text"}] if task == "text-generation" else [],
                }
            ),
            "quantitativeAnalysis": without_empty(
                {
                    "performanceMetrics": [
                        without_empty(
                            {
                                "type": result.metric or result.get_kind_display(),
                                "value": f"{result.value.normalize():f}",
                                "slice": result.dataset,
                            }
                        )
                        for result in facts.evidence_of(row, offerings)
                        if result.value is not None
                    ],
                }
            ),
            "considerations": _considerations(row, facts),
        }
    )


def _considerations(row: Version, facts: ModelCardFacts) -> dict[str, Any]:
    """Return what the owners of the applications state, and the open risks of the model."""
    statements = [
        (application, facts.statements[application.pk])
        for application in facts.users.get(row.pk, ())
        if application.pk in facts.statements
    ]
    risks = [
        *facts.risks.get((NodeKind.VERSION, row.pk), ()),
        *facts.risks.get((NodeKind.FOUNDATION, row.foundation_id), ()),
    ]
    return without_empty(
        {
            "useCases": [
                f"{application.name}: {statement.intended_use}"
                for application, statement in statements
                if statement.intended_use
            ],
            "technicalLimitations": [
                *(
                    f"{application.name}: {statement.limitations}"
                    for application, statement in statements
                    if statement.limitations
                ),
                *(_describe_risk(risk) for risk in risks),
            ],
        }
    )


def _describe_risk(risk: FoundationRisk) -> str:
    """Return the title of a risk with what it rests on."""
    template = risk.template
    title = risk.title or (template.title if template is not None else "")
    basis = risk.facts or risk.description
    return f"{title.rstrip('.')}. {basis}".strip() if basis else title


def list_references(
    row: Version, offerings: Sequence[Offering], facts: ModelCardFacts
) -> list[dict[str, Any]]:
    """Return the sources of the version and links to the evidence on it, each once."""
    references = [
        *own_references(row),
        *(
            without_empty(
                {
                    "type": _REFERENCE_TYPES.get(Evidence.Kind(result.kind), "evidence"),
                    "url": result.link,
                    "comment": f"{result.get_kind_display()}, {result.run_on}",
                    "hashes": [{"alg": "SHA-256", "content": result.digest}]
                    if result.digest
                    else [],
                }
            )
            for result in facts.evidence_of(row, offerings)
            if result.link
        ),
    ]
    return list({(one["type"], one["url"]): one for one in reversed(references)}.values())[::-1]


def own_references(row: Version) -> list[dict[str, Any]]:
    """Return the source of the version, or of its foundation, and the terms of use."""
    foundation = row.foundation
    url = row.source_url or foundation.source_url
    read_on = row.source_on if row.source_url else foundation.source_on
    return [
        *(
            [
                without_empty(
                    {
                        "type": "documentation",
                        "url": url,
                        "comment": f"Source of the release, read on {read_on}" if read_on else "",
                    }
                )
            ]
            if url
            else []
        ),
        *(
            [{"type": "license", "url": foundation.acceptable_use_url}]
            if foundation.acceptable_use_url
            else []
        ),
    ]


def without_empty(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
