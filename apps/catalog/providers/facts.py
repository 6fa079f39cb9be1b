"""Forms in which facts about a provider are stored, and their checks."""

from django.core.exceptions import ValidationError


def read_lei(text: str) -> str:
    """Return the LEI without spaces."""
    return "".join(text.split()).upper()


def read_country(text: str) -> str:
    """Return the code in the stored form, in capitals."""
    return text.strip().upper()


def validate_country(country: str) -> None:
    """Raise ValidationError unless the code is empty or has two letters."""
    if country and (len(country) != 2 or not country.isascii() or not country.isalpha()):
        raise ValidationError({"country": "Enter the country as two letters, such as IE."})


def validate_lei(lei: str) -> None:
    """Raise ValidationError unless the LEI is empty or its two check digits match (ISO 17442, by
    ISO 7064 MOD 97-10): read as a number with A = 10, the remainder is 1."""
    if not lei:
        return
    if len(lei) != 20 or not lei.isascii() or not lei.isalnum() or lei != lei.upper():
        raise ValidationError(
            {"lei": ("An LEI has 18 letters or digits followed by 2 check digits. Correct it.")}
        )
    if int("".join(str(int(sign, 36)) for sign in lei)) % 97 != 1:
        raise ValidationError(
            {
                "lei": (
                    "The check digits of the LEI do not match, so one of its 20 characters "
                    "is wrong. Copy it again."
                )
            }
        )
