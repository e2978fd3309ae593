"""`python -m sandbox`: serve the stand-ins for GitHub, Loomio, mail and chat until interrupted."""

import os
import signal
import sys

from sandbox.serving import Server
from sandbox.settings import read_settings


def main() -> None:
    """Read the settings, say one line, serve."""
    settings = read_settings(sys.argv[1:], os.environ)
    server = Server(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.end)
    sys.stdout.write(f"The sandbox is ready at {server.url}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
