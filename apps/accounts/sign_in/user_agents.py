"""Short description of a user agent, such as "Firefox on Windows"."""

MAX_USER_AGENT = 200
# the first match counts: most browsers also name older ones in their user agent
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """Return browser and system, or the client's own name if it is not a browser. Empty without a
    user agent."""
    program = next((name for mark, name in _PROGRAMS if mark in user_agent), "")
    if not program:
        return user_agent.split("/", 1)[0].split(" ", 1)[0][:40]
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{program} on {system}" if system else program
