"""The tables of the report on the page Compare: what scripts/report.py wrote, and nothing else."""

import pytest

from dashboard import reports
from dashboard.pages import report
from dashboard.reports import Details, Figure, Table, Text
from runtime.plots import table
from scripts.studies.sections import details
from tests.dashboard.apps import open_page

WRITTEN = f"""# Report

- **FID**: of [the study](study), see [Ho et al.](https://arxiv.org/abs/2006.11239).

## One or two?

A *question*.

{table(("", "w", "met"), [("one", 1, "50.0 % (40.0 to 60.0)"), ("two", 3, "")])}
![a figure](images/one.png)

{details("Commands", table(("", "command"), [("one", "`python train.py`")]))}
## Not measured yet

Much.
"""


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "REPORT.md"
    path.write_text(WRITTEN, encoding="utf-8")
    return path


def test_a_report_is_read_as_it_was_written(written):
    sections = reports.read(written)
    assert sections == {
        "": [Text("- **FID**: of the study, see [Ho et al.](https://arxiv.org/abs/2006.11239).")],
        "One or two?": [
            Text("A *question*."),
            Table(["w", "met"], [("one", ["1", "50.0 % (40.0 to 60.0)"]), ("two", ["3", ""])]),
            Figure(written.parent / "images/one.png", "a figure"),
            Details("Commands", [Table(["command"], [("one", ["python train.py"])])]),
        ],
        "Not measured yet": [Text("Much.")],
    }
    assert reports.tabulated(sections) == ["One or two?"]
    assert reports.read(written.with_name("none.md")) == {}


def test_every_table_of_the_report_has_all_its_cells_and_every_figure_is_there():
    sections = reports.read(report.PATH)
    titles = reports.tabulated(sections)
    parts = [part for title in titles for part in sections[title]]
    folded = [part for details in parts if isinstance(details, Details) for part in details.parts]
    tables = [part for part in parts + folded if isinstance(part, Table)]
    assert len(titles) >= 6 and all(len(cells) == len(t.heads) for t in tables for _, cells in t.rows)
    assert all(part.path.is_file() for part in parts if isinstance(part, Figure))
    lines = report.PATH.read_text(encoding="utf-8").splitlines()
    assert len(tables) == sum(line.startswith("| ---") for line in lines)


def test_a_question_shows_its_table_figure_and_commands(written, in_tmp, monkeypatch):
    monkeypatch.setattr(report, "PATH", written)
    app = open_page("compare")
    assert "No such file" in app.error[0].value  # the figure is not there yet
    (written.parent / "images").mkdir()
    (written.parent / "images/one.png").write_bytes(b"PNG")
    app.run()
    assert not app.error and not app.exception
    html = "".join(block.proto.body for block in app.get("html"))
    assert "<th>two</th><td>3</td>" in html and "50.0\xa0% (40.0\xa0to\xa060.0)" in html and "a figure" in html
    assert "<td>python train.py</td>" in html
    written.unlink()
    assert "No report yet" in app.run().info[-1].value
