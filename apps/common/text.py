"""Words for numbers of things."""


def pluralize(n: float, singular: str, plural: str) -> str:
    """Choose the sentence for `n` things: `singular` where there is exactly one, else `plural`."""
    return singular if n == 1 else plural
