"""Reader of inspect_ai's log, as .json or as .eval, a zip file of which only header.json and
summaries.json are read (0.3; log version 2).

The scores of single samples are kept for the figures that are their mean. Members of a .eval file
are compressed with Zstandard, which the standard library supports from Python 3.14 on.
"""

import io
import struct
import zipfile
from collections.abc import Iterable
from typing import Any

import zstandard

from apps.intake.readers.json_text import load_json
from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    ItemCollector,
    SkippedPart,
    UnreadableError,
    as_list,
    as_mapping,
    clean,
    digest_of_answer,
    item_id,
    load_object,
    parse_count,
    parse_number,
    parse_score,
    parse_time,
)

MAX_HEADER_BYTES = 20 * 1024 * 1024
_SAMPLES = "summaries.json"
_ZSTD = 93
# figures that are the mean of the scores of the samples
_MEANS = {"accuracy", "mean"}
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def read_run(body: bytes) -> EvaluationRun:
    """Read a log of inspect_ai, as JSON or as .eval archive; raise UnreadableError for other files.
    Each metric of each scorer is a result."""
    is_archive = body[:4] == b"PK\x03\x04"
    document = load_object(_read_member(body, "header.json") if is_archive else body)
    about, results = as_mapping(document.get("eval")), as_mapping(document.get("results"))
    if "version" not in document or "task" not in about or "model" not in about:
        raise UnreadableError(
            "This is not a log of inspect_ai, which has a version and an eval with task and "
            "model. Send the log file."
        )
    status = clean(document.get("status"), 20)
    stats = as_mapping(document.get("stats"))
    run = EvaluationRun(
        "inspect_ai",
        clean(as_mapping(about.get("packages")).get("inspect_ai"), 60),
        clean(about.get("run_id") or about.get("eval_id"), 200),
        made_at=parse_time(stats.get("completed_at")) or parse_time(about.get("created")),
        note=""
        if status == "success"
        else f"The run ended with status '{status}', so it is incomplete.",
    )
    provider, slash, model = clean(about["model"]).partition("/")
    host, model = (provider, model) if slash else ("", provider)
    task = clean(about["task"], 180)
    version = clean(about.get("task_version"), 18)
    dataset = f"{task} v{version}" if version not in {"", "0"} else task
    n_all = parse_count(results.get("total_samples"))
    samples = _read_summaries(body, run) if is_archive else as_list(document.get("samples"))
    items = _collect_items(samples)
    for position, item in enumerate(as_list(results.get("scores"))):
        score = as_mapping(item)
        n = parse_count(score.get("scored_samples"))
        for name, metric in as_mapping(score.get("metrics")).items():
            value = parse_number(as_mapping(metric).get("value"))
            if name == "stderr" or value is None:
                continue
            scorer = clean(score.get("name", "score"), 100)
            error = parse_number(
                as_mapping(as_mapping(score.get("metrics")).get("stderr")).get("value")
            )
            run.add(
                EvaluationResult(
                    model,
                    host,
                    dataset,
                    clean(f"{scorer} {name}", 120),
                    value,
                    n if n is not None else n_all,
                    note=f"standard error {error:.4g}" if error is not None else "",
                    where=f"/results/scores/{position}",
                    items=items[scorer].as_results()
                    if name in _MEANS and scorer in items
                    else None,
                )
            )
    return run


def _read_summaries(body: bytes, run: EvaluationRun) -> list[Any]:
    """Return the summaries of the samples of an .eval archive; none, with the reason, if they are
    too large."""
    try:
        return as_list(load_json(_read_member(body, _SAMPLES)))
    except KeyError:
        return []
    except UnreadableError:
        run.rejected.append(
            SkippedPart(
                f"/{_SAMPLES}",
                "The summaries of the samples cannot be read, so the figures were recorded without "
                "the results of single samples.",
            )
        )
        return []


def _collect_items(samples: Iterable[Any]) -> dict[str, ItemCollector]:
    """Return the scores of the samples by scorer. An answer counts as one of the choices only if
    the sample has choices."""
    items: dict[str, ItemCollector] = {}
    for each in samples:
        sample = as_mapping(each)
        sample_id = sample.get("id")
        if not isinstance(sample_id, str | int):
            continue
        identity = item_id(sample_id)
        n_options = len(as_list(sample.get("choices")))
        for name, stated_score in as_mapping(sample.get("scores")).items():
            score = as_mapping(stated_score)
            items.setdefault(clean(name, 100), ItemCollector()).add(
                identity,
                identity,
                parse_score(score.get("value")),
                answer=digest_of_answer(score.get("answer")),
                n_options=n_options,
            )
    return items


def _read_member(body: bytes, name: str) -> bytes:
    """Return a member of an .eval archive, at most MAX_HEADER_BYTES. Zstandard members are
    decompressed here, since zipfile does not support them. Raise KeyError if `name` is absent and
    not the header."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            member = archive.getinfo(name)
            if member.file_size > MAX_HEADER_BYTES:
                raise UnreadableError(
                    f"The header of the log is larger than {MAX_HEADER_BYTES // 1024 // 1024} "
                    "MiB. Send a log with fewer samples."
                )
            if member.compress_type != _ZSTD:
                with archive.open(member) as stream:
                    return _check_size(stream.read(MAX_HEADER_BYTES + 1))
        start = member.header_offset
        local = _LOCAL_HEADER.unpack_from(body, start)
        start += _LOCAL_HEADER.size + local[-2] + local[-1]
        compressed = io.BytesIO(body[start : start + member.compress_size])
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(compressed) as stream:
            return _check_size(stream.read(MAX_HEADER_BYTES + 1))
    except KeyError:
        if name == _SAMPLES:
            raise
        raise UnreadableError(
            "The .eval file has no header.json, so the run was not finished. Finish the run first."
        ) from None
    except (
        zipfile.BadZipFile,
        zstandard.ZstdError,
        struct.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise UnreadableError(f"The .eval file cannot be opened: {error}.") from None


def _check_size(content: bytes) -> bytes:
    if len(content) > MAX_HEADER_BYTES:
        raise UnreadableError(
            "The header of the log is larger than "
            f"{MAX_HEADER_BYTES // 1024 // 1024} MiB. Send a log with fewer "
            "samples."
        )
    return content
