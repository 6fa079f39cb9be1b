"""Puts the answers of a text together: what is in use, products, hosts, texts without a name."""

import re
from dataclasses import replace

from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.mentions import Scan
from apps.catalog.identity.names.passages import Passage
from apps.catalog.identity.names.places import OWN, HostCell, find_microsoft
from apps.catalog.identity.names.products import BY_SLUG as PRODUCTS
from apps.catalog.identity.names.reading import Answer, Kind, Reading
from apps.catalog.identity.names.releases import Releases
from apps.catalog.identity.names.unnamed import UnnamedReader
from apps.catalog.identity.names.vocabulary import is_number


class Assembly:
    """Makes one reading of the answers of a text."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self._unnamed = UnnamedReader(families)

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
        if not answers and phrases.NO_AI.search(text.folded):
            return Reading("", Kind.NOT_A_MODEL, why="The cell says that no AI is used.")
        if not current and products:
            current, products = products, []
        elif products:
            current, products = self._join_products(products, current, text), []
        if not current:
            return self._unnamed.read_unnamed(text, scan, cell)
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
            if _is_role(body) and (segment.mark in ",;" or _has_kind(answers)):
                continue  # `voyage 3 large, embeddings for RAG`: what the model is for
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
        if reading.kind is Kind.FAMILY and host == OWN:
            reading = self._keep_open(reading)
        if is_product and host is None and reading.product.startswith("azure-"):
            host = "azure"
        if is_product and not reading.product.startswith(("azure-", "platform:")):
            host = None
        return replace(
            reading,
            text=_balance(text.cleaned[answer.start : answer.end]).strip()
            if len(answers) > 1
            else "",
            host=host,
            regions=text.regions if len(answers) == 1 else (),
        )

    def _keep_open(self, reading: Reading) -> Reading:
        """Return a family on own machines with the models only whose weights are published."""
        lines = self._families.keep_open(reading.candidates)
        if len(lines) == len(reading.candidates):
            return reading
        return replace(
            reading,
            candidates=lines,
            why="The name leaves the model open. Own machines need published weights, and "
            + ("one model has them." if len(lines) == 1 else f"{len(lines)} models have them."),
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


def _is_role(body: str) -> bool:
    """Return whether words say what a model is for: a kind of model without a name or number."""
    rest = phrases.KIND_OF_MODEL.sub(" ", body)
    return rest != body and not re.search(r"\d", rest) and not phrases.OTHER_MODELS.search(rest)


def _has_kind(answers: list[Answer]) -> bool:
    """Return whether one of the names is that of a model for embeddings or for ranking."""
    return any(phrases.KIND_OF_MODEL.search(answer.reading.line) for answer in answers)


def _is_release(fragment: list[str]) -> bool:
    """Return whether words are those of a model's tier and number."""
    return any(map(is_number, fragment)) and not all(map(is_number, fragment))


def _balance(part: str) -> str:
    """Return a part of a text without brackets that it does not close."""
    return part if part.count("(") == part.count(")") else part.replace("(", "").replace(")", "")
