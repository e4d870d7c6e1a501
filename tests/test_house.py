"""The house (docs/architecture.md): imports go one way, the domain is pure, effects outside are rows."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("billing", "expansion")
# Lower rooms first; a file may import its own room and those before it.
ROOMS = ("domain", "models", "reads", "operations", "doors")
ROOM_OF = {
    "domain": "domain",
    "models": "models",
    "queries": "reads",
    "rules": "reads",
    "rules_motion": "reads",
    "scope": "reads",
    "matrix": "reads",
    "clock": "reads",
    "connections": "reads",
    "operations": "operations",
    "handlers": "doors",
    "web": "doors",
    "admin": "doors",
    "api": "doors",
    "tasks": "doors",
    "demo": "doors",
    "management": "doors",
    "templatetags": "doors",
    "pdf": "doors",
    "apps": "doors",
}


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts]


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(module: str) -> str | None:
    parts = module.split(".")
    return ROOM_OF.get(parts[1]) if len(parts) > 1 and parts[0] in APPS else None


def test_the_table_of_rooms_names_every_folder_and_file():
    unnamed = {
        path.stem if path.is_file() else path.name
        for app in APPS
        for path in (ROOT / app).iterdir()
        if (path.suffix == ".py" or path.is_dir()) and path.name not in {"__init__.py", "__pycache__", "migrations", "adapters"}
    } - set(ROOM_OF)
    assert not unnamed, f"say in ROOM_OF which room these are: {sorted(unnamed)}"


@pytest.mark.parametrize("path", sources(*APPS), ids=lambda p: str(p.relative_to(ROOT)))
def test_inside_an_app_imports_go_one_way(path):
    here = room(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if here is None:
        return
    above = {name for name in imports(path) if (there := room(name)) and ROOMS.index(there) > ROOMS.index(here)}
    assert not above, f"{path.relative_to(ROOT)} ({here}) imports from a room above it: {sorted(above)}"


@pytest.mark.parametrize("path", sources("billing/domain", "expansion/domain"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_domain_is_pure(path):
    allowed = {"billing", "expansion", "babel"}
    foreign = {name.split(".")[0] for name in imports(path)} - allowed
    assert not foreign & {"django", "rest_framework", "celery", "requests", "dealops"}, (
        "the domain knows the standard library and Babel only"
    )
    clock = re.findall(r"\b(date\.today|datetime\.now|datetime\.utcnow|timezone\.now|time\.time)\(", path.read_text())
    assert not clock, "the domain takes the time as an argument"


def test_billing_has_never_heard_of_a_deal():
    guilty = [p for p in sources("billing") if any(name.split(".")[0] == "expansion" for name in imports(p))]
    assert not guilty


def test_the_foundation_has_no_business_words():
    folders = ("dealops/accounts", "dealops/audit", "dealops/outbox", "dealops/rest")
    guilty = [p for p in sources(*folders) if any(name.split(".")[0] in APPS for name in imports(p))]
    assert not guilty


def test_adapters_know_domain_values_only():
    guilty = {
        str(p.relative_to(ROOT)): sorted(
            n for n in imports(p) if n.split(".")[0] in {"django", "dealops"} or room(n) not in {None, "domain"}
        )
        for p in sources("billing/adapters", "expansion/adapters")
    }
    assert not {path: names for path, names in guilty.items() if names}


def test_only_the_bell_rings():
    """A task is only ever sent after commit, through dealops/outbox/bell.py (F22)."""
    pattern = re.compile(r"\.(delay|apply_async|delay_on_commit|send_task)\(")
    guilty = [str(p.relative_to(ROOT)) for p in sources("dealops", *APPS) if pattern.search(p.read_text()) and p.name != "bell.py"]
    assert not guilty


def test_the_network_is_reached_from_adapters_and_handlers_only():
    """No operation, view or query talks to the outside: effects are outbox rows (F10)."""
    clients = {"requests", "urllib3", "urllib.request", "http.client", "slack_sdk", "xero_python", "smtplib", "httpx"}
    allowed = ("adapters", "handlers", "handlers.py", "stack", "embedded", "demo")
    guilty = [
        str(p.relative_to(ROOT))
        for p in sources("dealops", *APPS)
        if not set(p.relative_to(ROOT).parts) & set(allowed) and any(n == c or n.startswith(f"{c}.") for n in imports(p) for c in clients)
    ]
    assert not guilty


def test_no_bag_of_leftovers():
    names = {"utils", "helpers", "common", "services"}
    assert not [str(p.relative_to(ROOT)) for p in sources("dealops", *APPS) if p.stem in names or set(p.parts) & names]


def test_the_top_level_is_the_one_people_expect():
    expected = {"manage.py", "dealops", "billing", "expansion", "templates", "tests", "requirements.txt", "docker-compose.yml"}
    assert expected <= {path.name for path in ROOT.iterdir()}


def test_every_migration_has_a_title():
    untitled = [
        str(p) for app in ("dealops", *APPS) for p in (ROOT / app).rglob("migrations/0*.py") if re.match(r"\d{4}_(auto|alter)_?\d*", p.stem)
    ]
    assert not untitled
