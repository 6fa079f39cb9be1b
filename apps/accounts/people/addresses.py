"""Email addresses as people write them."""

from dataclasses import dataclass
from email.utils import parseaddr

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

MAX_ADDRESS_LENGTH = 254
MAX_NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class NamedAddress:
    """An address in lower case; `name` is what was written beside it."""

    address: str
    name: str = ""


def read_address(text: str) -> NamedAddress | None:
    """Return the one email address that `text` consists of, with or without a name
    (`Ilse Brandt <ilse@example.org>`); None where it is anything else."""
    text = text.strip()
    if text.count("@") != 1 or len(text) > MAX_ADDRESS_LENGTH + MAX_NAME_LENGTH:
        return None
    name, address = parseaddr(text)
    if not address or (address != text and not text.endswith(">")):
        return None
    try:
        validate_email(address)
    except ValidationError:
        return None
    if len(address) > MAX_ADDRESS_LENGTH:
        return None
    return NamedAddress(address.lower(), name.strip())


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def guess_name(address: str) -> tuple[str, str]:
    """Return first and last name as the address gives them: `Ilse`, `Brandt` of ilse.brandt@….

    Without a dot, the part before the sign is the first name: a contact must have some name, and
    the address itself is not shown to everybody.
    """
    local = address.partition("@")[0].partition("+")[0]
    words = [word for word in local.replace("_", ".").split(".") if word]
    if len(words) > 1 and all(word.replace("-", "").isalpha() for word in words):
        words = ["-".join(part.capitalize() for part in word.split("-")) for word in words]
        return words[0][:MAX_NAME_LENGTH], " ".join(words[1:])[:MAX_NAME_LENGTH]
    return (local or "contact")[:MAX_NAME_LENGTH], ""


def split_name(name: str) -> tuple[str, str]:
    """Return first and last name of a whole name; `Brandt, Ilse` is turned round."""
    last, comma, first = name.partition(",")
    if comma and "," not in first:
        return first.strip()[:MAX_NAME_LENGTH], last.strip()[:MAX_NAME_LENGTH]
    words = name.split()
    return " ".join(words[:1])[:MAX_NAME_LENGTH], " ".join(words[1:])[:MAX_NAME_LENGTH]
