"""`make screenshots`: pictures of every page in build/screenshots/, with index.html to look at them
side by side.

Every page of tests/web/routes.py as governance in light, dark, 360 pixels wide and as it prints, a
few as a viewer and as somebody who has not signed in. Four of them become the pictures of the
README.

Without URL= a demo is started on a data folder of its own, .data/screenshots, and ended again; it
is filled once and kept. URL=http://127.0.0.1:8000 takes a demo that runs on this machine, on
REGISTRY_DATA or .data/, as it is: pages of which it has nothing to show are named and left out.
"""

import html
import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import django
from playwright.sync_api import Browser, Page

from registry import embedded
from tests.chromium import chromium, driven
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.web.routes import Stop

TARGET = embedded.CHECKOUT / "build" / "screenshots"
README = embedded.CHECKOUT / "docs" / "images"

# what the README shows: its file, the picture it is cut from, how much of its height
PICTURES = {
    "home-light.png": ("governance", "home-overview", "light", 1450),
    "application-dark.png": ("governance", "applications-detail", "dark", 1010),
    "home-narrow.png": ("governance", "home-overview", "phone", 1150),
    "import-light.png": ("governance", "imports-values", "light", 900),
}
READER = frozenset(
    {"home:overview", "applications:list", "applications:detail", "alerts:list", "account:detail"}
)


@dataclass(frozen=True, slots=True)
class Look:
    """A way a page is looked at. Print is 190 mm wide, as on A4."""

    name: str
    width: int = 1440
    height: int = 900
    scheme: str = "light"
    media: str = "screen"


LOOKS = (
    Look("light"),
    Look("dark", scheme="dark"),
    Look("phone", width=360, height=740),
    Look("print", width=718, media="print"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """What one person looks at."""

    who: str
    session: str
    stops: "tuple[Stop, ...]"
    looks: tuple[Look, ...]


def main() -> int:
    if chromium() is None:
        print("No Chromium found: install one or set CHROMIUM=.", file=sys.stderr)
        return 1
    url = os.environ.get("URL", "").rstrip("/")
    with running(url) as address:
        visits = planned(furnished=not url)
        shutil.rmtree(TARGET, ignore_errors=True)
        TARGET.mkdir(parents=True)
        with driven() as browser:
            failed = [wrong for visit in visits for wrong in photographed(browser, address, visit)]
            cut_for_readme(browser)
    write_index(visits)
    for wrong in failed:
        print(wrong, file=sys.stderr)
    print(
        f"{sum(len(visit.stops) * len(visit.looks) for visit in visits)} pictures: "
        f"{TARGET / 'index.html'}"
    )
    return 1 if failed else 0


# ---------------------------------------------------------------- a filled registry


@contextmanager
def running(url: str) -> Iterator[str]:
    """The address of a filled registry, with Django set up on its data: the one at `url`, or a demo
    of our own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    os.environ.setdefault("REGISTRY_ENV", "demo")
    # one thread needs a connection, no pool
    os.environ.setdefault("DATABASE_POOL", "0")
    if url:
        set_up_django()
        yield url
        return
    os.environ.setdefault("REGISTRY_DATA", str(embedded.CHECKOUT / ".data" / "screenshots"))
    port = free_port()
    # without the pool that is ours alone
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_POOL"}
    demo = subprocess.Popen(
        [sys.executable, "-m", "registry.demo"],
        cwd=embedded.CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PORT": str(port)},
    )
    try:
        wait_until_ready(demo)
        set_up_django()
        yield f"http://127.0.0.1:{port}"
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def wait_until_ready(demo: "subprocess.Popen[str]") -> None:
    for line in demo.stdout or ():
        if line.startswith("READY"):
            return
    raise SystemExit("The demo did not start; its words stand above.")


def set_up_django() -> None:
    embedded.ensure(
        database=not os.environ.get("DATABASE_URL"), broker=not os.environ.get("BROKER_URL")
    )
    django.setup()


# ---------------------------------------------------------------- what is looked at


def planned(*, furnished: bool) -> list[Visit]:
    """Everything that is to be photographed, with sessions; nothing asks the database after this.
    Ends the command where a page is forgotten."""
    # they need a Django that is set up
    from apps.accounts.models import User
    from apps.accounts.roles import TeamRole
    from tests.http import session_of
    from tests.web.finders import NothingFound
    from tests.web.routes import ADMINISTRATION, entrance_stops, forgotten, stops
    from tests.worlds.organisation_extras import add_extras

    if missing := forgotten():
        raise SystemExit(f"Say in tests/web/finders.py what these pages show: {', '.join(missing)}")
    if furnished:
        add_extras()
    governance = (
        User.objects.filter(organisation_role="governance", is_active=True).order_by("pk").first()
    )
    reader = (
        User.objects.filter(
            organisation_role="", is_active=True, memberships__role=TeamRole.VIEWER.rank
        )
        .order_by("pk")
        .first()
    )
    admin = User.objects.filter(organisation_role="admin", is_active=True).order_by("pk").first()
    if governance is None or reader is None or admin is None:
        raise SystemExit(
            "Nobody to look at the pages as: the registry is not filled with the demo."
        )
    empty: list[str] | None = None if furnished else []
    try:
        visits = [
            Visit(
                "governance", session_of(governance), tuple(stops(governance, empty=empty)), LOOKS
            ),
            Visit(
                "administrator",
                session_of(admin),
                tuple(stops(admin, only=ADMINISTRATION, empty=empty)),
                LOOKS,
            ),
            Visit(
                "viewer",
                session_of(reader),
                tuple(stops(reader, only=READER, empty=empty)),
                LOOKS[:1],
            ),
            Visit("stranger", "", tuple(entrance_stops()), LOOKS),
        ]
    except NothingFound as nothing:
        raise SystemExit(f"A page has nothing to show: {nothing}") from None
    if empty:
        print(f"This registry has nothing to show on: {', '.join(empty)}", file=sys.stderr)
    return visits


# ---------------------------------------------------------------- pictures


def photographed(browser: Browser, address: str, visit: Visit) -> Iterator[str]:
    """Makes the pictures of one visit; what went wrong, page by page."""
    context = browser.new_context(base_url=address, reduced_motion="reduce", locale="en-GB")
    if visit.session:
        context.add_cookies([{"name": "sessionid", "value": visit.session, "url": address}])
    page = context.new_page()
    noted: list[str] = []
    page.on(
        "console", lambda message: noted.append(message.text) if message.type == "error" else None
    )
    for stop in visit.stops:
        noted.clear()
        look_like(page, visit.looks[0])
        page.goto(stop.path, wait_until="load")
        for look in visit.looks:
            look_like(page, look)
            page.screenshot(path=TARGET / picture(visit.who, stop.name, look.name), full_page=True)
        yield from (f"{visit.who} {stop.path}: {complaint}" for complaint in noted)
    context.close()


def look_like(page: Page, look: Look) -> None:
    page.set_viewport_size({"width": look.width, "height": look.height})
    page.emulate_media(media=look.media, color_scheme=look.scheme)  # type: ignore[arg-type]


def picture(who: str, stop: str, look: str) -> str:
    return f"{who}-{stop}-{look}.png"


# drawings and letters have few colours: the 256 most frequent ones make a third of the file, and no
# difference to see
CUT = """async ([source, most]) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const [width, height] = [image.naturalWidth, Math.min(most, image.naturalHeight)];
    const brush = new OffscreenCanvas(width, height).getContext("2d");
    brush.drawImage(image, 0, 0);
    const dots = new Uint32Array(brush.getImageData(0, 0, width, height).data.buffer);
    const counts = new Map();
    for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
    const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0,
    256).map(([dot]) => dot);
    const parts = (dot) => [dot & 255, (dot >> 8) & 255, (dot >> 16) & 255];
    const known = palette.map(parts);
    const places = new Map(palette.map((dot, place) => [dot, place]));
    const nearest = (dot) => {
        const [red, green, blue] = parts(dot);
        const far = known.map(([r, g, b]) => (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2);
        return far.indexOf(Math.min(...far));
    };
    for (const dot of counts.keys()) if (!places.has(dot)) places.set(dot, nearest(dot));
    const indices = Uint8Array.from(dots, (dot) => places.get(dot));
    let text = "";
    for (let at = 0; at < indices.length; at += 8192) text +=
    String.fromCharCode(...indices.subarray(at, at + 8192));
    return { width, height, palette: known.flat(), indices: btoa(text) };
}"""


def cut_for_readme(browser: Browser) -> None:
    """Tall pages say too much at once: the README shows their upper part."""
    page = browser.new_page()
    for name, (who, stop, look, height) in PICTURES.items():
        taken = b64encode((TARGET / picture(who, stop, look)).read_bytes()).decode()
        cut = page.evaluate(CUT, [f"data:image/png;base64,{taken}", height])
        colours, indices = bytes(cut["palette"]), b64decode(cut["indices"])
        (README / name).write_bytes(indexed_png(cut["width"], cut["height"], colours, indices))
    page.close()


def indexed_png(width: int, height: int, palette: bytes, indices: bytes) -> bytes:
    """A PNG of one byte a dot; `palette` holds three bytes a colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    # each row begins with its filter, 0 for none
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", palette),
            chunk(b"IDAT", zlib.compress(rows, 9)),
            chunk(b"IEND", b""),
        ]
    )


def write_index(visits: list[Visit]) -> None:
    """One row a page, its pictures side by side."""
    rows = []
    for visit in visits:
        for stop in visit.stops:
            names = [(look.name, picture(visit.who, stop.name, look.name)) for look in visit.looks]
            cells = "".join(
                f'<a href="{html.escape(name)}"><img loading="lazy" src="{html.escape(name)}" '
                f'alt="{look}"></a>'
                for look, name in names
            )
            rows.append(
                f"<h2>{html.escape(stop.name)} <small>{visit.who} "
                f"{html.escape(stop.path)}</small></h2>{cells}"
            )
    TARGET.joinpath("index.html").write_text(
        "<!doctype html><meta charset=utf-8><title>Every page</title><style>body{font:14px "
        "sans-serif;margin:1rem}"
        "img{height:420px;max-width:640px;object-fit:cover;object-position:top;border:1px solid "
        "#999}"
        "small{color:#666;font-weight:normal}</style>" + "\n".join(rows),
        encoding="utf-8",
    )


if __name__ == "__main__":
    sys.exit(main())
