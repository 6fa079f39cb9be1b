"""Puts the answers of a text together: what is in use, products, hosts, texts without a name."""

import re
from dataclasses import replace

from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.answers import Answer
from apps.catalog.identity.names.families import Families, is_number
from apps.catalog.identity.names.mentions import Scan
from apps.catalog.identity.names.passages import Passage
from apps.catalog.identity.names.places import OWN, HostCell, find_microsoft
from apps.catalog.identity.names.products import BY_SLUG as PRODUCTS
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.names.releases import Releases
from apps.catalog.identity.resolver.facts import words

_CLOUDS = frozenset({"Microsoft Azure", "Amazon Web Services", "Google Cloud", "Databricks"})
_SYSTEMS = words("chatbot bot bots agent agents assistant assistants app apps tool tools system")
_COMPANIES = {
    "azure": "microsoft",
    "amazon-bedrock": "amazon",
    "sagemaker": "amazon",
    "google-vertex": "google",
    "google": "google",
    "watsonx": "ibm",
    "nvidia": "nvidia",
}


class Assembly:
    """Makes one reading of the answers of a text."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def assemble(
        self, answers: list[Answer], text: Passage, scan: Scan, cell: HostCell, cell_text: str
    ) -> Reading:
        """Return the one reading of the cell."""
        dropped = [answer for answer in answers if answer.is_old or answer.is_negated]
        current = [answer for answer in answers if answer not in dropped]
        if any(not answer.is_future for answer in current):
            current = [answer for answer in current if not answer.is_future]
        products = self._read_products(text, answers, scan)
        if dropped and not current and not products:
            return self._read_negated(dropped, text)
        if not current and products:
            current, products = products, []
        elif products:
            current, products = self._join_products(products, current, text), []
        if not current:
            return self._read_nothing(text, scan, cell, cell_text)
        current = self._add_foreign_parts(current, text, scan)
        arrow = text.cleaned.find("→")
        placed = [self._place(answer, current, text, cell) for answer in current]
        if len(placed) == 1:
            return placed[0]
        if arrow >= 0:
            placed = [
                replace(reading, role="old")
                if answer.end <= arrow and not reading.role
                else reading
                for reading, answer in zip(placed, current, strict=True)
            ]
        return Reading(
            "",
            Kind.SEVERAL,
            parts=tuple(placed),
            regions=text.regions,
            host=placed[0].host if len({part.host for part in placed}) == 1 else None,
            why=f"The cell names {len(placed)} models or products. Each one is read by itself.",
        )

    def drop_repeated(self, answers: list[Answer], text: Passage) -> list[Answer]:
        """Drop a name that another one repeats more exactly (`Codex (code-davinci-002)`)."""
        kept: list[Answer] = []
        for number, answer in enumerate(answers):
            following = answers[number + 1].reading if number + 1 < len(answers) else None
            if (
                answer.reading.kind is Kind.FAMILY
                and following is not None
                and following.kind is Kind.RESOLVED
                and following.developer == answer.reading.developer
                and re.fullmatch(
                    r"\W*[(\[:=]\W*", text.folded[answer.end : answers[number + 1].start]
                )
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
            if any(
                other is not answer
                and _covers(other.reading, answer.reading, self._families)
                and (
                    not _covers(answer.reading, other.reading, self._families)
                    or other.start < answer.start
                )
                for other in answers
            ):
                continue
            kept.append(answer)
        return kept

    def mark(self, answer: Answer, answers: list[Answer], text: Passage) -> Answer:
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
        clause = re.split(r"[,;.]", before)[-1]
        after = text.folded[answer.end : next_start][:48]
        bracket = re.match(r"[^a-z0-9]*\(([^)]*)\)", after)
        remark = bracket[1] if bracket else ""
        has_next = next_start < len(text.folded)
        is_old = bool(
            phrases.PAST.search(clause[-32:])
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

    def _read_negated(self, dropped: list[Answer], text: Passage) -> Reading:
        reading = dropped[0].reading
        hint = reading.line or reading.hint
        if any(answer.is_old for answer in dropped) and (
            phrases.NO_MODEL.search(text.masked)
            or re.search(
                r"no longer|nicht mehr|not any ?more|decommission|abgelost|dropped", text.folded
            )
        ):
            return Reading(
                "",
                Kind.NOT_A_MODEL,
                hint=hint,
                why="The cell says that the model it names is no longer used, and names no other.",
            )
        return Releases.unknown(hint, "The cell says what is not used, and not what is used.")

    def _read_products(self, text: Passage, answers: list[Answer], scan: Scan) -> list[Answer]:
        result: list[Answer] = []
        for named in text.products:
            before = text.folded[: named.start]
            words = re.findall(r"[a-z0-9']+", before)[-1:]
            if any(phrases.NEGATION.fullmatch(word) for word in words):
                continue
            is_vendor = (
                named.product is not None
                and text.folded[named.start : named.end] == named.product.vendor.lower()
            )
            if is_vendor and not answers and phrases.METHOD.search(text.folded):
                continue  # `RPA bot (UiPath)`: the vendor is named, and what is used is no AI
            if is_vendor and not answers and any(map(_is_release, scan.fragments.values())):
                continue  # `ElevenLabs Multilingual v2`: a model of the vendor
            if named.product is None:
                names = [PRODUCTS[slug].name for slug in named.candidates]
                reading = Reading(
                    "",
                    Kind.PRODUCT,
                    candidates=named.candidates,
                    why=f"Several products have this name: {', '.join(names)}. Select one.",
                )
            else:
                reading = Reading(
                    "",
                    Kind.PRODUCT,
                    product=named.product.slug,
                    product_name=named.product.name,
                    candidates=(named.product.slug,),
                    why=f"{named.product.name} is a product of {named.product.vendor}. The vendor "
                    "states which models are inside.",
                )
            if any(
                other.reading.product and other.reading.product == reading.product
                for other in result
            ):
                continue
            result.append(Answer(reading, named.start, named.end))
        specific = [answer for answer in result if answer.reading.product]
        if specific and len(specific) < len(result):
            result = (
                specific
                if any("copilot" in answer.reading.product for answer in specific)
                else result
            )
        return result

    def _join_products(
        self, products: list[Answer], answers: list[Answer], text: Passage
    ) -> list[Answer]:
        """Return products and models of one cell: a model is inside a product, or beside it in a
        list."""
        listed: list[Answer] = []
        inside: list[Answer] = []
        for answer in answers:
            product = min(products, key=lambda each: abs(each.start - answer.start))
            first, second = sorted((product, answer), key=lambda each: each.start)
            between = text.folded[first.end : second.start]
            is_list = (
                bool(
                    re.search(
                        r"[+&;,→|]|(?<!\w)/(?!\w)|\s/\s|(?<![a-z])(?:and|und|et|oraz|or|oder|ou|"
                        r"plus)(?![a-z])",
                        between,
                    )
                )
                and "(" not in between
            )
            (listed if is_list else inside).append(answer)
        result = list(products)
        if inside:
            product = min(products, key=lambda each: abs(each.start - inside[0].start))
            index = result.index(product)
            if product.reading.product == "chatgpt" and inside[0].reading.kind is Kind.FAMILY:
                pass
            within = (
                inside[0].reading
                if len(inside) == 1
                else Reading(
                    "",
                    Kind.SEVERAL,
                    parts=tuple(answer.reading for answer in inside),
                    why="Several models are named.",
                )
            )
            result[index] = replace(product, reading=replace(product.reading, inside=within))
        return sorted([*result, *listed], key=lambda each: each.start)

    def _add_foreign_parts(self, answers: list[Answer], text: Passage, scan: Scan) -> list[Answer]:
        """Add the parts of a list that name a model outside the catalogue; drop tools."""
        if not answers:
            return answers
        taken = {answer.segment for answer in answers}
        added = list(answers)
        for number, segment in enumerate(scan.segments):
            if number in taken:
                continue
            end = segment.end
            body = text.masked[segment.start : end]
            match = phrases.OTHER_MODELS.search(body)
            if match is None or any(segment.start <= answer.start < end for answer in answers):
                continue
            reading = Releases.unknown("", f"“{body.strip(' ,;/+&|')}” is in no catalogue.")
            added.append(Answer(reading, segment.start, end, number))
        return sorted(added, key=lambda answer: answer.start)

    def _place(
        self, answer: Answer, answers: list[Answer], text: Passage, cell: HostCell
    ) -> Reading:
        """Return the reading with its host and the regions: the host in the text beside the name,
        else the host that all names share, else that of the cell."""
        reading = answer.reading
        host = reading.host
        is_product = reading.kind is Kind.PRODUCT
        if host is None:
            host = self._host_in_text(answer, answers, text)
        if host is None and not any(place.host for place in text.places):
            host = cell.host
            if host == "google" and reading.developer not in ("google", ""):
                host = "google-vertex"  # Google serves models of others on Vertex AI only
        if is_product and host is None and reading.product.startswith("azure-"):
            host = "azure"
        if is_product and not reading.product.startswith(("azure-", "platform:")):
            host = None
        return replace(
            reading,
            text=_balance(text.cleaned[answer.start : answer.end]) if len(answers) > 1 else "",
            host=host,
            regions=text.regions if len(answers) == 1 else (),
        )

    @staticmethod
    def _host_in_text(answer: Answer, answers: list[Answer], text: Passage) -> str | None:
        places = [place for place in text.places if place.host]
        if not places:
            microsoft = find_microsoft(text.folded)
            if microsoft and answer.reading.developer not in ("microsoft", ""):
                return "azure"
            return None
        if len(answers) == 1:
            own = next((place for place in places if place.host == OWN), None)
            following = [place for place in places if place.start >= answer.end]
            return (own or (following or places)[0]).host
        index = answers.index(answer)
        end = answers[index + 1].start if index + 1 < len(answers) else len(text.folded)
        owned = {
            place: following
            for place in places
            for following in answers
            if re.fullmatch(r"\W*[(:]\W*", text.folded[place.end : following.start])
        }  # `Azure (GPT-4o), AWS (Claude)`
        if before := [place for place, following in owned.items() if following is answer]:
            return before[0].host
        places = [place for place in places if place not in owned or len(owned) == 1]
        mine = [place for place in places if answer.end <= place.start < end]
        if mine:
            return mine[0].host
        if index == 0 and (first := [place for place in places if place.start < answer.start]):
            return first[0].host
        is_last = [place for place in places if place.start >= answers[-1].end]
        is_first = [place for place in places if place.end <= answers[0].start]
        shared = is_last or is_first
        return shared[0].host if len(shared) == len(places) and len(text.folded) < 90 else None

    def _read_nothing(self, text: Passage, scan: Scan, cell: HostCell, cell_text: str) -> Reading:
        """Return the reading of a text without the name of a model or product."""
        rest = text.masked.strip()
        folded = text.folded
        platform = next((place for place in text.places if place.platform), None)
        is_open = bool(
            phrases.NOT_STATED.search(rest)
            or phrases.ELSEWHERE.match(folded)
            or re.fullmatch(r"[\W_]*\?+[\W_]*", rest)
        )
        start = re.split(r"[(,;:/.-]", rest.lstrip("-_*. "))[0].strip()
        is_none = bool(
            phrases.METHOD.search(folded)
            or phrases.NONE.fullmatch(start)
            or (phrases.NO_MODEL.search(folded) and not is_open)
        )
        developer = text.developers[0][1] if text.developers else None
        if developer is not None and (
            words := re.findall(r"[a-z]+", folded[: text.developers[0][0]])
        ):
            developer = None if phrases.NEGATION.fullmatch(words[-1]) else developer
        if developer == "nvidia" and phrases.HARDWARE.search(folded):
            developer = None  # the machines are named, and no model
        is_none = is_none or bool(
            not developer
            and not scan.fragments
            and (phrases.TOOLS.search(folded) or phrases.HARDWARE.search(folded))
        )
        foreign = phrases.OTHER_MODELS.search(rest)
        if is_none and not platform and not developer and not foreign:
            return Reading("", Kind.NOT_A_MODEL, why="The cell names no AI model.")
        company = _COMPANIES.get(platform.host) if platform and platform.host else None
        if platform is not None and developer not in (None, company):
            platform = None  # a developer's model on a platform
        is_list = len(scan.segments) > 1
        platforms = list(dict.fromkeys(each.platform for each in text.places if each.platform))
        if len(platforms) > 1 and is_list and not foreign and not scan.fragments:
            hosts = {each.platform: each.host for each in text.places}
            named = [self._read_platform(each, hosts[each]) for each in platforms]
            return self._read_list(named, text, cell)
        if platform is not None and not foreign and not scan.fragments:
            host = self._place(
                Answer(Reading("", Kind.UNKNOWN), 0, 0),
                [Answer(Reading("", Kind.UNKNOWN), 0, 0)],
                text,
                cell,
            ).host
            if _is_platform_only(platform.platform, text, scan):
                return replace(
                    self._read_platform(platform.platform, platform.host),
                    host=host,
                    regions=text.regions,
                )
        if developer is not None and not foreign and not scan.fragments:
            families = [
                self._read_developer(each)
                for each in dict.fromkeys(slug for _start, slug in text.developers)
            ]
            named = [reading for reading in families if reading is not None]
            if len(named) > 1 and is_list:
                return self._read_list(named, text, cell)
            if named:
                return replace(named[0], host=self._host_of_cell(text, cell), regions=text.regions)
        if is_open:
            return Reading(
                "",
                Kind.NOT_A_MODEL,
                not_stated=True,
                host=self._host_of_cell(text, cell),
                why="The cell says that the model is not stated yet, so the question stays open.",
            )
        if is_none:
            return Reading("", Kind.NOT_A_MODEL, why="The cell names no AI model.")
        return Reading(
            "",
            Kind.UNKNOWN,
            host=self._host_of_cell(text, cell),
            regions=text.regions,
            why="The cell names no model that the catalogue knows.",
        )

    @staticmethod
    def _read_platform(name: str, host: str | None) -> Reading:
        return Reading(
            "",
            Kind.PRODUCT,
            product=f"platform:{host}",
            product_name=name,
            host=host,
            why=f"{name} is a platform. Select the model that is used there.",
        )

    def _read_developer(self, developer: str) -> Reading | None:
        """Return the family of all that a developer makes; None if the catalogue has nothing."""
        lines = self._families.of_developer(developer)
        if not lines:
            return None
        return Reading(
            "",
            Kind.FAMILY,
            developer=developer,
            candidates=lines,
            why=f"The cell names the developer {developer} and none of its models.",
        )

    def _read_list(self, parts: list[Reading], text: Passage, cell: HostCell) -> Reading:
        host = self._host_of_cell(text, cell)
        return Reading(
            "",
            Kind.SEVERAL,
            parts=tuple(
                replace(part, text=part.product_name or part.developer, host=part.host or host)
                for part in parts
            ),
            regions=text.regions,
            why=f"The cell names {len(parts)} developers or platforms. Each one is read by itself.",
        )

    def _host_of_cell(self, text: Passage, cell: HostCell) -> str | None:
        place = next((place for place in text.places if place.host), None)
        return place.host if place else cell.host


def _is_platform_only(platform: str, text: Passage, scan: Scan) -> bool:
    """Return whether a text says nothing but a platform. A cloud for everything needs to be alone,
    because a system on it says nothing of AI."""
    if any(scan.unknown_words.values()):
        return False
    if platform not in _CLOUDS:
        return True
    return not set(re.findall(r"[a-z]+", text.masked)) & _SYSTEMS


def _is_release(fragment: list[str]) -> bool:
    """Return whether words are those of a model's tier and number."""
    return any(map(is_number, fragment)) and not all(map(is_number, fragment))


def _balance(part: str) -> str:
    """Return a part of a text without brackets that it does not close."""
    return part if part.count("(") == part.count(")") else part.replace("(", "").replace(")", "")


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
