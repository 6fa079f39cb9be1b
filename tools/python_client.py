"""`python -m tools.python_client [FOLDER]`: write the Python client of the REST API as a package.

The package is generated from the OpenAPI document of this checkout by openapi-python-client, and
gets `clients/python/`: the module written by hand, the examples, the metadata. FOLDER is
build/registry-client/ by default, and is replaced.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = CHECKOUT / "clients" / "python"
PACKAGE = "registry_client"
TEMPLATES = "templates"
# a warning of the generator
LEFT_OUT = re.compile(
    r"^WARNING parsing (\w+ \S+) within .{1,80}\n\n.{0,200}?Unsupported content.type ([\w/+-]+)",
    re.MULTILINE,
)
FOLDER = CHECKOUT / "build" / "registry-client"


def write_document(file: Path) -> None:
    """Write the OpenAPI document as JSON; the settings of Django are in place."""
    # reads views, which need the settings
    from drf_spectacular.generators import SchemaGenerator  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = SchemaGenerator().get_schema(request=None, public=True)
    file.write_text(json.dumps(document, default=str))


def write_package(folder: Path) -> list[str]:
    """Write the package to a folder, which is replaced once everything was generated. Return what
    the generator left out, one sentence each."""
    with tempfile.TemporaryDirectory() as place:
        document, config = Path(place) / "schema.json", Path(place) / "config.yml"
        write_document(document)
        # formatting would only take time
        config.write_text("post_hooks: []\n")
        made = Path(place) / "client"
        made.mkdir()
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "openapi_python_client",
                "generate",
                "--path",
                str(document),
                "--meta",
                "none",
                "--output-path",
                str(made / PACKAGE),
                "--config",
                str(config),
                # classes are imported when they are used
                "--custom-template-path",
                str(SOURCES / TEMPLATES),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        shutil.copytree(SOURCES, made, dirs_exist_ok=True, ignore=shutil.ignore_patterns(TEMPLATES))
        (made / PACKAGE / "py.typed").touch()
        shutil.copy(CHECKOUT / "LICENSE", made)
        metadata = made / "pyproject.toml"
        version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
        text = metadata.read_text().partition("\n")[2]
        metadata.write_text(text.replace('version = "0"', f'version = "{version}"'))
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, folder)
    return [
        f"Not in the client: {kind} of {operation}"
        for operation, kind in LEFT_OUT.findall(done.stdout + done.stderr)
    ]


def main(arguments: list[str]) -> None:
    """Write the package and print its folder."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    import django  # noqa: PLC0415

    django.setup()
    folder = Path(arguments[0]).resolve() if arguments else FOLDER
    for sentence in write_package(folder):
        print(sentence)
    print(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
