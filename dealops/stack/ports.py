"""Says before anything is started whether the ports are free, and which others are."""

import errno
import socket

from dealops.stack.errors import StackError


def check_free(host: str, port: int, variable: str) -> None:
    """StackError, with a free port to use instead, when `host:port` cannot be listened on."""
    problem = _problem(host, port)
    if problem is None:
        return
    if isinstance(problem, socket.gaierror) or problem.errno == errno.EADDRNOTAVAIL:
        raise StackError(f"HOST={host} is not an address of this machine. Use HOST=127.0.0.1, or HOST=0.0.0.0 for every network.")
    if isinstance(problem, PermissionError):
        raise StackError(f"Port {port} may not be used by this account. Choose one above 1023: make run {variable}={port + 8000}")
    free = next((other for other in range(port + 1, min(port + 100, 65535)) if _problem(host, other) is None), port + 1000)
    raise StackError(
        f"Port {port} on {host} is taken by another program. Stop that program, or choose another port: make run {variable}={free}"
    )


def _problem(host: str, port: int) -> OSError | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as error:
        return error
    return None
