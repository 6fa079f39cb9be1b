"""Reader of inspect_ai's log, as .json or as .eval, a zip file of which only header.json is read
(0.3; log version 2).

Members of a .eval file are compressed with Zstandard, which the standard library supports from
Python 3.14 on.
"""

import io
import struct
import zipfile

import zstandard

from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    UnreadableError,
    as_list,
    as_mapping,
    clean,
    load_object,
    parse_count,
    parse_number,
    parse_time,
)

MAX_HEADER_BYTES = 20 * 1024 * 1024
_ZSTD = 93
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def read_run(body: bytes) -> EvaluationRun:
    """Read a log of inspect_ai, as JSON or as .eval archive; raise UnreadableError for other files.
    Each metric of each scorer is a result."""
    document = load_object(_read_header(body) if body[:4] == b"PK\x03\x04" else body)
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
    for position, item in enumerate(as_list(results.get("scores"))):
        score = as_mapping(item)
        n = parse_count(score.get("scored_samples"))
        for name, metric in as_mapping(score.get("metrics")).items():
            value = parse_number(as_mapping(metric).get("value"))
            if name == "stderr" or value is None:
                continue
            error = parse_number(
                as_mapping(as_mapping(score.get("metrics")).get("stderr")).get("value")
            )
            run.add(
                EvaluationResult(
                    model,
                    host,
                    dataset,
                    clean(f"{score.get('name', 'score')} {name}", 120),
                    value,
                    n if n is not None else n_all,
                    note=f"standard error {error:.4g}" if error is not None else "",
                    where=f"/results/scores/{position}",
                )
            )
    return run


def _read_header(body: bytes) -> bytes:
    """Return header.json of an .eval archive, at most MAX_HEADER_BYTES. Zstandard members are
    decompressed here, since zipfile does not support them."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            member = archive.getinfo("header.json")
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
