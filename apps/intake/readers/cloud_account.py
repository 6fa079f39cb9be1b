"""Content of a cloud account as the pull of the account writes it
(apps/intake/accounts/reports.py)."""

from datetime import date
from typing import Any

from apps.intake.documents.records import (
    DailyUsage,
    DescribedDeployment,
    Document,
    ReportedUsage,
    Sighting,
    UnreadableError,
)
from apps.intake.models import Confidence
from apps.intake.readers.json_text import (
    as_list,
    as_mapping,
    as_mappings,
    as_moment,
    as_text,
    load_json,
)


def read_cloud_account(body: bytes) -> Document:
    """Read the deployments of an account, and the usage that it states by day. Raises
    UnreadableError for any other document."""
    data = as_mapping(load_json(body))
    maker, host = as_text(data.get("account"), 60), as_text(data.get("host"), 60)
    if not maker or not host:
        raise UnreadableError("The document is not the content of a cloud account.")
    document = Document(
        maker=maker,
        natural_key=natural_key_of_account(body),
        made_at=as_moment(data.get("read_at")),
    )
    for row in as_mappings(data.get("deployments")):
        name, model = as_text(row.get("name")), as_text(row.get("model"))
        place = as_text(row.get("place"), 300)
        if row.get("has_own_name") is True and model:
            document.deployments.append(
                DescribedDeployment(
                    host=host,
                    account=as_text(row.get("account")),
                    name=name,
                    model=model,
                    version=as_text(row.get("version"), 60),
                    upgrades=row.get("upgrades") is True,
                    where=place,
                )
            )
        base_model = as_text(row.get("base_model"))
        document.sightings.append(
            Sighting(
                requested=name,
                provider=host,
                region=as_text(row.get("region"), 60),
                service=as_text(row.get("service")),
                confidence=Confidence.IAC,
                places=(place,) if place else (),
                facts={"base_model": base_model} if base_model else {},
                where=place,
            )
        )
    for row in as_mappings(data.get("usage")):
        days = {
            date.fromisoformat(as_text(day, 10)): DailyUsage(
                _as_count(values[0]) or 0, _as_count(values[1]), _as_count(values[2]), None
            )
            for day, values in as_mapping(row.get("days")).items()
            if len(as_list(values)) == 3
        }
        if days:
            document.usage.append(
                ReportedUsage(
                    Sighting(
                        requested=as_text(row.get("model")),
                        provider=host,
                        service=as_text(row.get("service")),
                        confidence=Confidence.GATEWAY_LOG,
                    ),
                    days,
                )
            )
    return document


def natural_key_of_account(body: bytes) -> str:
    """Return `account/number`: each content that differs from the one before has the next
    number."""
    data = as_mapping(load_json(body))
    return f"{as_text(data.get('account'), 60)}/{as_text(data.get('number'), 20)}"


def _as_count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
