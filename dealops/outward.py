"""Which addresses of other systems production may be pointed at (F93). Pure: nothing is looked up, so nothing can answer twice.

Only settings name an address that is called; whoever writes them may still be tricked, or copy the address of a tunnel. What is refused
here leads back into the machine, into its network or its cloud, or is written so that people read another host than programs do.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

PORTS = {None, 443, 8443}
# Names of the machine itself and of what a cloud tells its machines.
ITSELF = ("localhost", "localdomain", "metadata.google.internal", "metadata.goog", "instance-data.ec2.internal")
# Names that only the network around the machine knows.
INSIDE = ("local", "internal", "intranet", "lan", "home", "corp", "home.arpa", "svc")
# Public names that answer with whatever address is written into them, or another one each time.
ECHOES = ("nip.io", "sslip.io", "xip.io", "rbndr.us", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "1u.ms")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# 127.0.0.1, 2130706433, 0x7f.1, 0177.0.0.1: for a program every name whose last label is a number is an address.
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")


def why_not(address: str, *, inside: bool = False) -> str:
    """Why this address is not called, as the end of a sentence that begins with its name; "" for one that may be.

    With `inside` it may be a name of the company's own network, as its sign-in often is.
    """
    if re.search(r"[\x00-\x20\x7f\\]", address) or not address.isascii():
        return "holds a space, a backslash or a letter that is not plain. Write the address in plain letters."
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return "is no address. Write https:// and the name of the host."
    if parts.scheme != "https":
        return "is not https. Who answers there is believed because of where the answer comes from: use TLS."
    if "@" in parts.netloc or parts.fragment:
        return "names a person or a place in a page. Write the host and the path alone."
    return _why_not_host(host, inside) or ("" if port in PORTS else f"leads to port {port}. Use 443 or 8443.")


def _why_not_host(host: str, inside: bool) -> str:
    labels = host.split(".")
    if ":" in host or "[" in host or _NUMBER.fullmatch(labels[-1]):
        return "names a number. Write the name of the host, the one its certificate is for."
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "is no address. Write https:// and the name of the host."
    if len(labels) == 1 or _is_below(host, ITSELF if inside else ITSELF + INSIDE):
        return "is a name of this machine or its network. Write the full public name of the host."
    if _is_below(host, ECHOES):
        return "is a name that answers with any address one likes. Write the host's own name."
    return ""


def _is_below(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)
