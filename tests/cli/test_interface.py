"""The verb `interface`: a table, one file, one report, faults in one line."""

import kapitza
from kapitza import cli
from kapitza.routes import Routes
from printed_json import printed


def test_all_routes_in_one_command(tmp_path, capsys):
    save, plot, report = (tmp_path / name for name in ("r.json", "r.png", "r.html"))
    words = ["interface", "Al", "Si", "-T", "300", "--budget", "0.001s", "--save", save, "--plot", plot]
    assert cli.main([str(word) for word in (*words, "--report", report)]) == 0
    out, err = capsys.readouterr()
    assert "Al | Si at 300 K" in out
    assert "σ apart" in out
    assert "calibrated estimate: " in err  # told as soon as it was known
    assert "AGF: the budget of 0.001 s is spent" in err
    found = kapitza.load(save)
    assert isinstance(found, Routes)
    assert sum(one.title in out for one in found.rows) == len(found.rows)
    page = report.read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "http" not in page.replace("https://doi.org", "")
    assert all(one.title.replace("&", "&amp;") in page for one in found.rows)
    assert "prefers-color-scheme: dark" in page
    assert "<script" not in page
    assert all(
        f'href="https://doi.org/{one.conductance.source}"' in page for one in found.rows if one.kind == "experiment"
    )
    assert plot.stat().st_size > 10_000

    again = [*words[:7], "--with", save, "--json"]
    assert cli.main([str(word) for word in again]) == 0
    fields = printed(capsys.readouterr().out)["fields"]
    assert len(fields["rows"]) == 2 * len(found.rows)


def test_faults_are_one_line(capsys):
    for words, message in (
        (("--budget", "10"), "expected a time above 0 with its unit, such as 30s, 10min or 1h"),
        (("--budget", "1.2.3s"), "expected a time above 0"),
        (("--report", "a.pdf"), "a.pdf"),
        (("--with", "none.json"), "none.json"),
    ):
        assert cli.main(["interface", "Al", "Si", *words]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert message in err
