"""What we ship of others: named, licensed, unaltered."""

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


def test_the_manifest_names_every_file_with_its_sum():
    named = {name: digest for entry in MANIFEST for name, digest in entry["files"].items()}
    there = {str(p.relative_to(VENDOR)): hashlib.sha256(p.read_bytes()).hexdigest() for p in VENDOR.rglob("*") if p.is_file()}
    there.pop("manifest.json")
    assert named == there


def test_every_entry_has_a_version_and_a_licence_with_its_text():
    for entry in MANIFEST:
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"]), entry["name"]
        assert entry["licence"], entry["name"]
        assert any(name.endswith("LICENSE") for name in entry["files"]), entry["name"]


def test_sortable_is_the_published_file():
    sums = next(entry["files"] for entry in MANIFEST if entry["package"] == "sortablejs")
    assert sums["sortablejs/Sortable.min.js"].startswith("bf4241bc73fe")


def test_every_icon_a_template_names_is_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "lucide" / "icons.svg").read_text()))
    used = set()
    for path in [*(ROOT / "templates").rglob("*.html")]:
        used |= set(re.findall(r'{% icon "([^"]+)"', path.read_text())) | set(re.findall(r'icon="([a-z0-9-]+)"', path.read_text()))
    for path in [*(ROOT / "billing").rglob("*.py"), *(ROOT / "expansion").rglob("*.py")]:
        used |= set(re.findall(r'icon_html\(["\']([a-z0-9-]+)["\']', path.read_text()))
    assert used <= sprite, f"not in the sprite: {sorted(used - sprite)}"


def test_no_page_asks_another_host_and_no_script_is_inline():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r'(src|href)="(https?:)?//', text), path
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag or 'type="application/json"' in tag, f"{path}: {tag}"
        assert not re.search(r"\son[a-z]+=\"", text), f"{path}: an inline handler"


def test_at_most_three_of_unfolds_templates_are_replaced_and_those_we_derived_from_are_unchanged():
    import unfold

    theirs = Path(unfold.__file__).parent / "templates"
    replaced = sorted(
        str(path.relative_to(ROOT / "templates"))
        for path in (ROOT / "templates").rglob("*.html")
        if (theirs / path.relative_to(ROOT / "templates")).exists()
    )
    assert replaced == ["admin/base.html", "admin/index.html", "unfold/layouts/skeleton.html"]
    # When Unfold changes these, look at its changes, take over what matters, then put the new sums here.
    sums = {name: hashlib.sha256((theirs / name).read_bytes()).hexdigest()[:16] for name in replaced}
    assert sums == DERIVED_FROM


DERIVED_FROM = {
    "admin/base.html": "2ce9250b3c649e3a",
    "admin/index.html": "9fdb849b7da18ccd",
    "unfold/layouts/skeleton.html": "66af9f0bb45f98ba",
}
