"""Version of the product, as in pyproject.toml and CHANGELOG.md; plain Python, no Django."""

VERSION = "1.0.0"
