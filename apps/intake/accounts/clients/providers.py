"""OpenAI, Anthropic and Mistral: models that an organisation can use, its own models, and the
models that it used by project or workspace and day.

Sources, read on 29 November 2026: developers.openai.com/api/docs/guides/admin-apis and the types of
github.com/openai/openai-python (`UsageCompletionsResponse`);
platform.claude.com/docs/en/api/admin/usage_report/retrieve_messages and the types of
github.com/anthropics/anthropic-sdk-python (`ModelInfo`); the types of
github.com/mistralai/client-python (`BaseModelCard`, `FTModelCard`). Anthropic states tokens and no
number of calls; Mistral states no usage."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from apps.intake.accounts.clients.addresses import address_of
from apps.intake.accounts.clients.session import CloudSession, Headers, encode_query
from apps.intake.accounts.clients.values import day_text, lifecycle, stated, whole_number
from apps.intake.accounts.records import (
    AccountAccess,
    FoundDeployment,
    FoundUsage,
    Listing,
    PartUnreadableError,
    PullFailedError,
    PullProblem,
)
from apps.intake.models import AccountDeployment
from apps.intake.readers.json_text import as_mapping, as_mappings, as_moment, as_text

# whole days before today; both providers return at most 31 days on a page
USAGE_DAYS = 30
USAGE, MODELS = "usage", "models"
ANTHROPIC_VERSION = "2023-06-01"
_FINE_TUNED = "ft:"

type Parameters = list[tuple[str, str]]


class _ProviderClient:
    """Calls with one key, which is sent in a header."""

    def __init__(
        self, service: str, access: AccountAccess, session: CloudSession, headers: Headers
    ) -> None:
        self._address = address_of(service)
        self._access, self._session, self._headers = access, session, headers

    def _sign(self, _method: str, _url: str, _body: bytes) -> Headers:
        return self._headers

    def rows(
        self, path: str, parameters: Parameters, *, cursor: str, after: str
    ) -> list[Mapping[str, Any]]:
        """Return the rows of all pages. `after` is the field of a page with the value for the
        parameter `cursor` of the next one."""

        def url_of(extra: Parameters) -> str:
            query = encode_query([*parameters, *extra])
            return f"{self._address}{path}{'?' if query else ''}{query}"

        def next_url(page: Mapping[str, Any]) -> str:
            value = as_text(page.get(after), 4_000)
            return url_of([(cursor, value)]) if page.get("has_more") is True and value else ""

        pages = self._session.pages(url_of([]), self._sign, next_url)
        return [row for page in pages for row in as_mappings(page.get("data"))]


def read_openai_organisation(access: AccountAccess, session: CloudSession) -> Listing:
    """Read the usage of the organisation with an admin key, and its own models with a project's
    key. Raises PullFailedError if nothing can be read."""
    organisation = {"OpenAI-Organization": access.organisation} if access.organisation else {}
    listing = Listing()
    parts = _Parts(access, listing)
    if "admin_key" in access.credentials.names:
        headers = {"Authorization": f"Bearer {access.credentials['admin_key']}", **organisation}
        client = _ProviderClient("openai", access, session, headers)
        _openai_usage(client, access, parts)
    if "api_key" in access.credentials.names:
        headers = {"Authorization": f"Bearer {access.credentials['api_key']}", **organisation}
        models_client = _ProviderClient("openai", access, session, headers)
        parts.read("models", lambda: _openai_models(models_client, listing))
    return parts.result()


def read_anthropic_organisation(access: AccountAccess, session: CloudSession) -> Listing:
    """Read the usage report with an admin key, and the models with an API key. Raises
    PullFailedError if nothing can be read."""
    version = {"anthropic-version": ANTHROPIC_VERSION}
    listing = Listing()
    parts = _Parts(access, listing)
    lifecycles: dict[str, dict[str, str]] = {}
    if "api_key" in access.credentials.names:
        headers = {"x-api-key": access.credentials["api_key"], **version}
        client = _ProviderClient("anthropic", access, session, headers)
        parts.read("models", lambda: lifecycles.update(_anthropic_models(client, listing)))
    if "admin_key" in access.credentials.names:
        headers = {"x-api-key": access.credentials["admin_key"], **version}
        admin = _ProviderClient("anthropic", access, session, headers)
        _anthropic_usage(admin, access, parts, lifecycles)
    return parts.result()


def read_mistral_organisation(access: AccountAccess, session: CloudSession) -> Listing:
    """Read the models of a workspace, its fine-tuned ones included."""
    headers = {"Authorization": f"Bearer {access.credentials['api_key']}"}
    client = _ProviderClient("mistral", access, session, headers)
    listing = Listing()
    parts = _Parts(access, listing)
    parts.read("models", lambda: _mistral_models(client, listing))
    return parts.result()


class _Parts:
    """Parts of an organisation that are read one after the other; a part that cannot be read is a
    problem of the listing."""

    def __init__(self, access: AccountAccess, listing: Listing) -> None:
        self._access, self.listing = access, listing
        self._n_read = 0

    def read(self, title: str, read: Any) -> bool:
        self._access.report(title)
        try:
            read()
        except PartUnreadableError as error:
            self.listing.problems.append(PullProblem(title, str(error)))
            return False
        self._n_read += 1
        return True

    def result(self) -> Listing:
        if not self._n_read and self.listing.problems:
            raise PullFailedError(self.listing.problems[0].reason)
        return self.listing


# --- OpenAI ---------------------------------------------------------------------------------------


def _openai_usage(client: _ProviderClient, access: AccountAccess, parts: _Parts) -> None:
    names: dict[str, str] = {}

    def read_projects() -> None:
        rows = client.rows(
            "/v1/organization/projects", [("limit", "100")], cursor="after", after="last_id"
        )
        names.update({as_text(row.get("id")): as_text(row.get("name")) for row in rows})

    # without names, projects are shown by their IDs
    parts.read("projects", read_projects)
    start, end = _usage_window(access.at)
    usage: list[FoundUsage] = []
    n_complete = 0
    for kind in ("completions", "embeddings"):
        parameters = [
            ("start_time", str(int(start.timestamp()))),
            ("end_time", str(int(end.timestamp()))),
            ("bucket_width", "1d"),
            ("limit", "31"),
            ("group_by[]", "model"),
            ("group_by[]", "project_id"),
            *([("project_ids[]", access.project)] if access.project else []),
        ]

        def read_usage(kind: str = kind, parameters: Parameters = parameters) -> None:
            buckets = client.rows(
                f"/v1/organization/usage/{kind}", parameters, cursor="page", after="next_page"
            )
            for bucket in buckets:
                usage.extend(_openai_bucket(bucket, names))

        n_complete += parts.read(f"usage of {kind}", read_usage)
    _add_usage(parts.listing, usage, {}, is_complete=n_complete == 2)


def _openai_bucket(bucket: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[FoundUsage]:
    day = day_text(bucket.get("start_time"))
    for row in as_mappings(bucket.get("results")):
        model = as_text(row.get("model"))
        n_calls = whole_number(row.get("num_model_requests"))
        if day and model and n_calls != 0:
            project = as_text(row.get("project_id"))
            yield FoundUsage(
                project=names.get(project) or project,
                model=model,
                day=date.fromisoformat(day),
                n_calls=n_calls,
                input_tokens=whole_number(row.get("input_tokens")),
                output_tokens=whole_number(row.get("output_tokens")),
            )


def _openai_models(client: _ProviderClient, listing: Listing) -> None:
    rows = client.rows("/v1/models", [], cursor="after", after="last_id")
    listing.n_models += len(rows)
    listing.complete_scopes.add(MODELS)
    for row in rows:
        model_id = as_text(row.get("id"))
        if model_id.startswith(_FINE_TUNED):
            listing.deployments.append(
                _own_model(model_id, base=model_id.split(":")[1], made_on=row.get("created"))
            )


# --- Anthropic ------------------------------------------------------------------------------------


def _anthropic_models(client: _ProviderClient, listing: Listing) -> dict[str, dict[str, str]]:
    """Return {model ID: lifecycle as the API states it}."""
    rows = client.rows("/v1/models", [("limit", "1000")], cursor="after_id", after="last_id")
    listing.n_models += len(rows)
    return {
        as_text(row.get("id")): lifecycle(
            status=as_text(row.get("lifecycle"), 60),
            announced_on=day_text(row.get("deprecated_at")),
            retires_on=day_text(row.get("retires_at")),
        )
        for row in rows
    }


def _anthropic_usage(
    client: _ProviderClient,
    access: AccountAccess,
    parts: _Parts,
    lifecycles: Mapping[str, Mapping[str, str]],
) -> None:
    names: dict[str, str] = {}

    def read_workspaces() -> None:
        rows = client.rows(
            "/v1/organizations/workspaces",
            [("limit", "100")],
            cursor="after_id",
            after="last_id",
        )
        names.update({as_text(row.get("id")): as_text(row.get("name")) for row in rows})

    parts.read("workspaces", read_workspaces)
    start, end = _usage_window(access.at)
    parameters = [
        ("starting_at", _instant(start)),
        ("ending_at", _instant(end)),
        ("bucket_width", "1d"),
        ("limit", "31"),
        ("group_by[]", "model"),
        ("group_by[]", "workspace_id"),
    ]
    usage: list[FoundUsage] = []

    def read_usage() -> None:
        buckets = client.rows(
            "/v1/organizations/usage_report/messages",
            parameters,
            cursor="page",
            after="next_page",
        )
        for bucket in buckets:
            usage.extend(_anthropic_bucket(bucket, names))

    is_complete = parts.read("usage of messages", read_usage)
    _add_usage(parts.listing, usage, lifecycles, is_complete=is_complete)


def _anthropic_bucket(bucket: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[FoundUsage]:
    start = as_moment(bucket.get("starting_at"))
    for row in as_mappings(bucket.get("results")):
        created = as_mapping(row.get("cache_creation"))
        inputs = [
            whole_number(value)
            for value in (
                row.get("uncached_input_tokens"),
                row.get("cache_read_input_tokens"),
                *created.values(),
            )
        ]
        output = whole_number(row.get("output_tokens"))
        model = as_text(row.get("model"))
        n_input = sum(number for number in inputs if number is not None)
        if start and model and (n_input or output):
            workspace = as_text(row.get("workspace_id"))
            yield FoundUsage(
                # a row without a workspace is of the default one
                project=names.get(workspace) or workspace or "Default workspace",
                model=model,
                day=start.astimezone(UTC).date(),
                n_calls=None,
                input_tokens=n_input,
                output_tokens=output,
            )


# --- Mistral --------------------------------------------------------------------------------------


def _mistral_models(client: _ProviderClient, listing: Listing) -> None:
    rows = client.rows("/v1/models", [], cursor="after", after="last_id")
    listing.n_models += len(rows)
    listing.complete_scopes.add(MODELS)
    for row in rows:
        model_id = as_text(row.get("id"))
        if model_id and as_text(row.get("job")) and row.get("archived") is not True:
            ends = lifecycle(deprecated_on=day_text(row.get("deprecation")))
            listing.deployments.append(
                _own_model(
                    model_id,
                    base=as_text(row.get("root")),
                    made_on=row.get("created"),
                    lifecycle_facts=ends,
                )
            )


# --- shared ---------------------------------------------------------------------------------------


def _own_model(
    model_id: str, *, base: str, made_on: Any, lifecycle_facts: Mapping[str, str] | None = None
) -> FoundDeployment:
    """Return a fine-tuned model of the organisation."""
    return FoundDeployment(
        kind=AccountDeployment.Kind.CUSTOM_MODEL,
        scope=MODELS,
        external_id=model_id,
        name=model_id,
        model=base,
        facts=stated({"made_on": day_text(made_on)}),
        lifecycle=lifecycle_facts or {},
    )


def _add_usage(
    listing: Listing,
    usage: list[FoundUsage],
    lifecycles: Mapping[str, Mapping[str, str]],
    *,
    is_complete: bool,
) -> None:
    """Add the usage, with one entry for each project and model."""
    listing.usage += usage
    if is_complete:
        listing.complete_scopes.add(USAGE)
    by_use: dict[tuple[str, str], list[FoundUsage]] = defaultdict(list)
    for row in usage:
        by_use[row.project, row.model].append(row)
    for (project, model), rows in sorted(by_use.items()):
        calls = [row.n_calls for row in rows if row.n_calls is not None]
        listing.deployments.append(
            FoundDeployment(
                kind=AccountDeployment.Kind.USAGE,
                scope=USAGE,
                external_id=f"{project}/{model}",
                name=model,
                model=model,
                project=project,
                facts=stated(
                    {
                        "last_used_on": max(row.day for row in rows).isoformat(),
                        "n_days": len({row.day for row in rows}),
                        "n_calls": sum(calls) if calls else None,
                        "n_input_tokens": sum(row.input_tokens or 0 for row in rows),
                        "n_output_tokens": sum(row.output_tokens or 0 for row in rows),
                    }
                ),
                lifecycle=lifecycles.get(model, {}),
            )
        )


def _usage_window(at: datetime) -> tuple[datetime, datetime]:
    """Return the first and the end of the days to read: whole days, because a day that is not over
    would change with every pull."""
    end = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    return end - timedelta(days=USAGE_DAYS), end


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
