"""Every property of the operator is shown by a test, and the page that lists them is current."""

import re
from pathlib import Path

from hack import properties

REPOSITORY = Path(__file__).parents[2]


def test_every_property_is_shown_by_a_test_and_no_other_is_claimed() -> None:
    assert set(properties.marked(REPOSITORY)) == set(properties.SENTENCES) == set(range(1, 26))


def test_the_page_of_the_properties_is_current() -> None:
    text = properties.page(properties.marked(REPOSITORY))
    assert (REPOSITORY / properties.PAGE).read_text() == text, "run `make generate` and commit what it writes"


def test_the_page_names_each_property_once_with_its_tests() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \|$", (REPOSITORY / properties.PAGE).read_text(), re.MULTILINE)
    assert {int(number): sentence for number, sentence, _ in rows} == properties.SENTENCES
    assert len(rows) == len(properties.SENTENCES)
    assert all("](../tests/" in tests for _, _, tests in rows)


def test_marks_are_found_without_importing_the_tests(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_some.py").write_text(
        "import nothing_that_exists\n\n@pytest.mark.property(7)\n@pytest.mark.property(8)\ndef test_a(): ...\n"
        "@pytest.mark.slow(9)\ndef test_b(): ...\n"
    )
    name = "tests/test_some.py::test_a"
    assert properties.marked(tmp_path) == {7: [name], 8: [name]}
