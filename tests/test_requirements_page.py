"""The table of requirements is made from the markers of the tests."""

from tests import requirements_page as made


def test_every_requirement_is_read_once_with_its_title():
    rows = made.requirements()
    assert len({row.number for row in rows}) == len(rows) > 100
    assert all(row.priority in {"P0", "P1"} and row.title for row in rows)


def test_a_marker_names_the_test_it_stands_on():
    tests = made.shown()["S3-22"]
    assert any(test.startswith("tests/expansion/web/test_plays.py::test_the_builder") for test in tests)


def test_what_has_no_test_is_listed_plainly():
    page = made.page({"S0-01": ["tests/test_x.py::test_it"]})
    assert "- S0-02 (P0, CORE)" in page and "1 of " in page
    assert "| S0-01 | P0 |" in page


def test_no_requirement_loses_its_test():
    """The committed page is the promise: whatever it does not list as missing has a test that carries its id."""
    promised = made.PAGE.read_text(encoding="utf-8").split("## With a test")[0]
    found = made.shown()
    lost = [row.number for row in made.requirements() if row.number not in found and f"- {row.number} (" not in promised]
    assert not lost, f"no test is marked with {', '.join(lost)}; write one, or put the lost marker back"
