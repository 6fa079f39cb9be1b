"""Reads the words around a name: no longer used, planned, a fallback, or named once more."""

import re
from dataclasses import replace

from apps.catalog.identity.hosts import developer_slug
from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.passages import Passage
from apps.catalog.identity.names.reading import Answer, Kind, Reading


def mark_answer(answer: Answer, answers: list[Answer], text: Passage) -> Answer:
    """Return the answer with what the words around it say: no longer, planned, fallback."""
    previous_end = max(
        (other.end for other in answers if other.end <= answer.start and other is not answer),
        default=0,
    )
    next_start = min(
        (other.start for other in answers if other.start >= answer.end and other is not answer),
        default=len(text.folded),
    )
    before = text.folded[previous_end : answer.start][-48:]
    has_next = next_start < len(text.folded)
    clause = re.split(r"[,;.]", before)[-1]
    after = text.folded[answer.end : next_start][:48]
    bracket = re.match(r"[^a-z0-9(]*\(([^()]*)\)", after)
    remark = bracket[1] if bracket else ""
    between = text.folded[answer.end : next_start][:80] if has_next else ""
    past = phrases.PAST.search(between)
    now_follows = phrases.NOW.search(between, past.end() if past else 0) is not None
    is_until = bool(phrases.UNTIL.search(before)) and (previous_end > 0 or now_follows)
    is_until |= (
        has_next
        and phrases.UNTIL.search(remark) is not None
        and phrases.NOW.search(text.folded[answer.end :][:80]) is not None
    )  # `GPT-4 (until 2024), GPT-4o (now)`
    rest = text.folded[answer.end : next_start]
    is_followed = (
        has_next
        and phrases.SINCE.search(rest) is not None
        and phrases.SINCE.search(f",{before}") is None
    )
    is_old = bool(
        is_until
        or is_followed
        or (now_follows and past)
        or phrases.PAST.search(clause[-32:])
        or clause.strip() in ("before", "davor", "vorher", "avant", "antes", "prima")
        or (has_next and phrases.REPLACED_BY.search(after))
        or (
            len(answers) > 1
            and re.search(
                r"(?<![a-z])(?:old|alt|retired|replaced|abgelost|decommissioned|legacy|eingestellt|abgeschaltet|"
                r"ancien)(?![a-z])",
                remark,
            )
        )
    ) and not phrases.REPLACED_BY.search(before)
    last_word = re.findall(r"[a-z0-9']+", before)[-2:]
    is_negated = any(phrases.NEGATION.fullmatch(word) for word in last_word[-1:]) or (
        len(last_word) == 2
        and phrases.NEGATION.fullmatch(last_word[0]) is not None
        and last_word[1] in ("the", "a", "an", "any", "using", "use", "openai", "ein", "das")
    )
    is_future = bool(
        phrases.FUTURE.search(clause[-24:])
        or (remark and phrases.FUTURE.search(remark))
        or (len(answers) > 1 and phrases.FUTURE.match(after.lstrip(" :-")))
    )
    role = answer.reading.role
    directly_after = after.lstrip(" :-")
    if (
        phrases.FALLBACK.search(before)
        or (remark and phrases.FALLBACK.search(remark))
        or (len(answers) > 1 and phrases.FALLBACK.match(directly_after))
    ):
        role = "fallback"
    return replace(
        answer,
        reading=replace(answer.reading, role=role),
        is_old=is_old,
        is_future=is_future,
        is_negated=is_negated,
    )


def drop_repeated(answers: list[Answer], text: Passage, families: Families) -> list[Answer]:
    """Drop a name that another one repeats more exactly (`Codex (code-davinci-002)`)."""
    kept: list[Answer] = []
    for number, answer in enumerate(answers):
        following = answers[number + 1].reading if number + 1 < len(answers) else None
        if (
            answer.reading.kind is Kind.FAMILY
            and following is not None
            and following.kind is Kind.RESOLVED
            and following.developer == answer.reading.developer
            and re.fullmatch(r"\W*[(\[:=]\W*", text.folded[answer.end : answers[number + 1].start])
        ):
            continue  # the ID in brackets says which one
        if (
            answer.reading.kind is Kind.FAMILY
            and following is not None
            and following.kind in (Kind.RESOLVED, Kind.CHOOSE)
            and following.developer == answer.reading.developer
            and answer.end - answer.start < 12
            and re.fullmatch(r"[\s-]*", text.folded[answer.end : answers[number + 1].start])
        ):
            continue  # `GPT o3` is o3
        if (
            answer.reading.kind is Kind.FAMILY
            and following is not None
            and following.developer == answer.reading.developer
            and re.fullmatch(r"(?:[ -]ai)?/", text.folded[answer.end : answers[number + 1].start])
            and developer_slug(text.folded[answer.start : answer.end])
        ):
            continue  # `Qwen/Qwen3 VL 30B`: the organisation of a repository
        if any(
            other is not answer
            and _covers(other.reading, answer.reading, families)
            and (not _covers(answer.reading, other.reading, families) or other.start < answer.start)
            for other in answers
        ):
            continue
        kept.append(answer)
    return kept


def _covers(reading: Reading, other: Reading, families: Families) -> bool:
    """Return whether one reading says all that the other says: the same line, or a line of its
    family."""
    if other.kind is Kind.RESOLVED:
        return reading.version == other.version
    if other.kind is Kind.CHOOSE:
        return reading.line == other.line
    if other.kind is Kind.FAMILY:
        if reading.kind is Kind.FAMILY:
            return set(reading.candidates) <= set(other.candidates)
        return (
            bool(reading.line)
            and reading.developer == other.developer
            and (reading.line in other.candidates)
        )
    return False
