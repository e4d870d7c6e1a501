"""Finds the system's Chromium for browser tests; they bring none of their own."""

import os
import shutil

# The same Chromium without the windows and menus around its pages comes first: a new page costs a third of the processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No graphics card, and nothing asked from the network but the pages under test: no other host has an address.
QUIET = (
    *("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
HOW_TO_GET_ONE = (
    "no Chromium was found; install one (Debian: apt-get install chromium-headless-shell, or chromium) or name its program in CHROMIUM"
)


def find() -> str | None:
    """The program named by CHROMIUM, else the first browser on the PATH, else None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def arguments() -> list[str]:
    """What this machine's Chromium needs: no sandbox under root, and no /dev/shm, which containers keep small."""
    return [*QUIET, "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
