"""Collects the figures of `make proof` and prints them, as one JSON object, on the very last line.

Every test marked `proof` is a figure. `@pytest.mark.proof("G13 numbers under load")` names it; otherwise the test's own name does. Tests of
one name are added up. A test says what it did with pytest's `record_property`: `cases` (how many it tried) and whatever else is worth a
number; `..._per_second` is the slowest, other numbers are sums. Seconds and failures are counted here. What is known so far also stands in
var/proof.json, after every test, so that a run that is stopped is not lost.
"""

import json
import time
from pathlib import Path

import pytest

FIGURE = "figure"


class Figures:
    def __init__(self, path):
        self.path, self.began, self.found = path, time.monotonic(), {}

    def pytest_collection_modifyitems(self, items):
        for item in items:
            mark = item.get_closest_marker("proof")
            if mark:
                ids = [name for req in item.iter_markers("req") for name in req.args]
                item.user_properties.append((FIGURE, (mark.args[0] if mark.args else item.originalname, ids)))

    def pytest_runtest_logreport(self, report):
        told = dict(report.user_properties)
        if FIGURE not in told or (report.when != "call" and not report.failed and not report.skipped):
            return
        name, ids = told.pop(FIGURE)
        figure = self.found.setdefault(name, {"ids": ids, "tests": 0, "failures": 0, "skipped": 0, "seconds": 0.0})
        figure["tests"] += 1
        figure["failures"] += report.failed
        figure["skipped"] += report.skipped
        figure["seconds"] = round(figure["seconds"] + report.duration, 1)
        figure["ids"] = sorted({*figure["ids"], *ids})
        for key, number in told.items():
            if key.endswith("_per_second"):
                figure[key] = min(figure.get(key, number), number)
            elif isinstance(number, (int, float)):
                figure[key] = figure.get(key, 0) + number
            else:
                figure[key] = number
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(self.as_json())

    def as_json(self):
        figures = dict(sorted(self.found.items()))
        failures = sum(figure["failures"] for figure in figures.values())
        return json.dumps({"figures": figures, "failures": failures, "seconds": round(time.monotonic() - self.began)}, ensure_ascii=False)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        print(self.as_json(), flush=True)


def pytest_configure(config):
    if not config.option.collectonly:
        config.pluginmanager.register(Figures(Path(config.rootpath) / "var" / "proof.json"), "figures")
