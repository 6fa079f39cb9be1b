"""Words for numbers of things."""


def pluralize(n: float, one: str, many: str) -> str:
    """Choose the sentence for `n` things: `one` where there is exactly one, else `many`."""
    return one if n == 1 else many
