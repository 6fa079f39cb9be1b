import sys

from registry.embedded import EmbeddedError, ensure, stop


def main(arguments: list[str]) -> int:
    """Run `python -m registry.embedded start|stop`."""
    try:
        if arguments == ["start"]:
            places = ensure()
            print(f"DATABASE_URL={places.database_url}\nBROKER_URL={places.broker_url}")
        elif arguments == ["stop"]:
            print(f"stopped {' and '.join(stop()) or 'nothing: no server runs here'}")
        else:
            print("usage: python -m registry.embedded start|stop", file=sys.stderr)
            return 2
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
