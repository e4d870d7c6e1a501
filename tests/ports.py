"""Where a server of a test can listen."""

import socket


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]
