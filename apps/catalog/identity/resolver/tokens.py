"""Reading a model name as a sequence of facts.

`qwen3-235b-a22b-2507`, `Qwen3 235B A22B 2507` and `qwen-3-235B-A22B_2507` all read as `("qwen",
"3", "235b", "a22b", "2507")`: two names with the same facts name the same model, whatever their
punctuation. Only spellings are folded here; no fact is dropped and none is invented, so an unknown
snapshot, size or version stays a different sequence.

- version numbers: `3.5`, `3-5`, `3_5`, `3p5` are one token; `.0` is silent (`4.0` is `4`); `v3` is
  `3`.
- sizes (`70b`, `8x22b`, `a22b`, `e4b`, `32k`) stay whole, so a size is never read as a version.
- dates: `2024-08-06`, `20240806` and `240806` are `=20240806`; `03-2025` is `=202503`; two
  two-digit numbers in a row (`05-20`, `25-08`) are one four-digit code.
- `it` is `instruct`; `hf` (weights converted for the transformers library) is silent; `+` is
  `plus`.
"""

import re
from functools import lru_cache

Tokens = tuple[str, ...]

_SEPARATOR = re.compile(r"[^a-z0-9.]+")
_LONE_DOT = re.compile(r"(?<!\d)\.|\.(?!\d)")
_P_DECIMAL = re.compile(r"(?<=\d)p(?=\d)")
_DASHED_P = re.compile(r"(\d)-p(\d)(?![\da-z])")
_RUN = re.compile(r"[a-z]+|\d+(?:\.\d+)*")
# patterns begin at the first digit or letter of a run, so that a long run is searched only once
_WHOLE = re.compile(
    r"(?<!\d)(?:"
    r"\d+(?:\.\d+)?[bmkt]"  # a size or a context length
    r"|\d+x\d+(?:\.\d+)?[bm]"  # experts times size
    r"|\d+e|\d+bit)"
    r"|[ae]\d+(?:\.\d+)?b"  # active or effective parameters
    r"|(?:nv|mx)?fp\d+(?:v\d+)?|bf16|int\d|w\d+a\d+|i?q\d|exl\d"
    r"|[a-z]\d+[a-z]"  # i2v, t2v
)
_LETTERS_THEN_SIZE = re.compile(r"(?<![a-z])([a-z]+)(\d+(?:\.\d+)?[bkt]|\d+x\d+b)")
_LETTER_REVISION = re.compile(r"00\d")
NUMBER = re.compile(r"[a-z]\d+(?:\.\d+)*")
_DATE8 = re.compile(r"20[12]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_DATE6 = re.compile(r"2[3-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_YEAR = re.compile(r"20[12]\d")
_TWO = re.compile(r"\d\d")
_MONTH = re.compile(r"0[1-9]|1[0-2]")
_RELEASE_CODE = re.compile(r"(2[3-9])\.(0[1-9]|1[0-2])")  # 25.08, as names write 2508
_ONE_DIGIT = re.compile(r"[a-z]?\d")
_SHORT = re.compile(r"\d{1,2}")
_V_NUMBER = re.compile(r"v\d+(?:\.\d+)*")  # not split until numbers are joined: 4-v1 is not 4.1
SIZE = re.compile(r"(?<!\d)(?:\d+(?:\.\d+)?[btm]|\d+x\d+(?:\.\d+)?b)|e\d+(?:\.\d+)?b")
ACTIVE = re.compile(r"a\d+(?:\.\d+)?b|(?<!\d)\d+e")
CODE = re.compile(r"\d{4}")
REVISION = re.compile(r"00\d")
NUMBER = re.compile(r"[a-z]?\d+(?:\.\d+)*")
CONTEXT = re.compile(r"(?<!\d)\d+k|[12]m")

_FOLDED = {"it": "instruct", "experimental": "exp"}


@lru_cache(maxsize=32768)
def _split_chunk(chunk: str) -> Tokens:
    """Return the tokens of one chunk of letters, digits and dots between digits."""
    if not chunk:
        return ()
    if "p" in chunk:
        chunk = _P_DECIMAL.sub(".", chunk)
    if chunk.isalpha():
        return () if chunk == "hf" else (_FOLDED.get(chunk, chunk),)
    if _WHOLE.fullmatch(chunk):
        return (chunk,)
    if match := _LETTERS_THEN_SIZE.fullmatch(chunk):
        return (*_split_chunk(match[1]), match[2])
    runs = _RUN.findall(chunk)
    tokens: list[str] = []
    i = 0
    while i < len(runs):
        run = runs[i]
        next_run = runs[i + 1] if i + 1 < len(runs) else ""
        if run.isalpha():
            if len(run) == 1 and next_run and not next_run.isalpha():
                tokens.append(run + _normalize_number(next_run))
                i += 2
                continue
            tokens.append(run)
        elif next_run in ("o", "n", "v") or _WHOLE.fullmatch(
            run + next_run
        ):  # gpt-4o, gemma-3n, glm-4.5v
            tokens.append(run + next_run)
            i += 2
            continue
        else:
            tokens.append(_normalize_number(run))
        i += 1
    return tuple(tokens)


def _normalize_number(run: str) -> str:
    if "." in run:
        if match := _RELEASE_CODE.fullmatch(run):
            return match[1] + match[2]
        if run.endswith(".0") and run.count(".") == 1:
            return run[:-2]
    return run


def _join_numbers(tokens: list[str]) -> list[str]:
    """Join the parts of dates and of dashed decimals that separators have split."""
    result: list[str] = []
    i, n = 0, len(tokens)
    while i < n:
        token = tokens[i]
        if not token[-1].isdigit():
            result.append(token)
            i += 1
            continue
        next_part = tokens[i + 1] if i + 1 < n else ""
        two = tokens[i + 2] if i + 2 < n else ""
        if _DATE8.fullmatch(token):
            result.append("=" + token)
            i += 1
        elif _DATE6.fullmatch(token):
            result.append("=20" + token)
            i += 1
        elif _YEAR.fullmatch(token) and _TWO.fullmatch(next_part) and _TWO.fullmatch(two):
            result.append("=" + token + next_part + two)
            i += 3
        elif _MONTH.fullmatch(token) and _YEAR.fullmatch(next_part):
            result.append("=" + next_part + token)
            i += 2
        elif _TWO.fullmatch(token) and _TWO.fullmatch(next_part):
            result.append(token + next_part)
            i += 2
        elif (
            _ONE_DIGIT.fullmatch(token)
            and _SHORT.fullmatch(next_part)
            and not (_TWO.fullmatch(next_part) and _TWO.fullmatch(two))
        ):
            if len(next_part) == 2 and next_part[0] == "0":  # speech 2 02: not a decimal
                result.append(token)
                i += 1
                continue
            number = f"{token}.{next_part}"
            i += 2
            if len(next_part) == 1 and len(two) == 1 and two.isdigit():
                number = f"{number}.{two}"
                i += 1
            elif next_part == "0":
                number = token
            result.append(number)
        else:
            result.append(token)
            i += 1
    return result


@lru_cache(maxsize=32768)
def tokens_of(text: str) -> Tokens:
    """Return the tokens of a lower-case model name, in their order."""
    text = _DASHED_P.sub(r"\1.\2", text.replace("+", "-plus"))
    tokens: list[str] = []
    for chunk in _SEPARATOR.split(text):
        if "." in chunk:
            for part in _LONE_DOT.split(chunk):
                tokens.extend(_split_chunk(part))
        else:
            tokens.extend(_split_chunk(chunk))
    if tokens[:2] == ["stable", "diffusion"]:
        tokens[:2] = ["sd"]
    return tuple(
        token[1:] if _V_NUMBER.fullmatch(token) else token for token in _join_numbers(tokens)
    )


def sizes_of(tokens: Tokens) -> frozenset[str]:
    """Return the size tokens among `tokens`: total, active and effective parameters."""
    return frozenset(token for token in tokens if SIZE.fullmatch(token) or ACTIVE.fullmatch(token))
