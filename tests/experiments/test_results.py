import json

import pandas as pd
import pytest
from made_runs import SEASONS, write_run

from nba_rank.report.labels import ABSENT
from nba_rank.results import main

COMPARISON = '{"kind": "ablation"}'
MARKET = {"features": {"market": {"enabled": True}}}
LAST_ROSTERS = {"data": {"opening_rosters": "last_season"}}
README = "# Title\n\n<!-- results -->\n{}<!-- end of results -->\n\nmore\n"


def test_results_come_from_run_folders(tmp_path):
    run = write_run(tmp_path / "run_001")
    manifest = json.loads((run / "manifest.json").read_text())
    overrides = ["data=nba", "data.raw_dir=/somewhere", "folds=walk_forward"]
    (run / "manifest.json").write_text(json.dumps({**manifest, "overrides": overrides}))
    other = tmp_path / "run_002"
    other.mkdir()
    (other / "manifest.json").write_text(COMPARISON)
    (other / "ANALYSIS_01.md").write_text("# Old\n")
    (other / "ANALYSIS_02.md").write_text("# Ablation\n\n![a figure](figures/a.png)\n\ntext\n")
    main([str(run), str(other), "--out", str(tmp_path / "RESULTS.md")])
    text = (tmp_path / "RESULTS.md").read_text()
    assert "`python -m nba_rank.train data=nba folds=walk_forward`" in text
    assert "| stack |" in text
    assert "/somewhere" not in text
    assert text.endswith("\n## Ablation\n\ntext\n")
    assert "Old" not in text


def test_a_folder_without_an_analysis_is_an_error(tmp_path, capsys):
    run, other = write_run(tmp_path / "run_001"), tmp_path / "run_002"
    other.mkdir()
    (other / "manifest.json").write_text(COMPARISON)
    with pytest.raises(SystemExit):
        main([str(run), str(other), "--out", str(tmp_path / "RESULTS.md")])
    assert "holds no ANALYSIS" in capsys.readouterr().out
    assert not (tmp_path / "RESULTS.md").exists()


@pytest.fixture
def runs(tmp_path):
    """A run, the same with the market's figures, and the same without opening rosters."""
    first = write_run(tmp_path / "run_001")
    metrics = pd.read_csv(first / "metrics.csv", dtype={"season": str, "as_of_point": str})
    stack = metrics[metrics["ranker"] == "stack"]
    priced = stack[stack["season"].isin(SEASONS[:4]) & (stack["scope"] == "league")]
    totals = priced.assign(ranker="market", value=1.111)
    totals = totals[(totals["metric"] != "champion_log_loss") | (totals["as_of_point"] == "open")]
    spreads = priced.assign(ranker="closing_spreads", value=0.222)
    spreads = spreads[spreads["as_of_point"] != "open"]
    pd.concat([metrics, totals, spreads]).to_csv(first / "metrics.csv", index=False)
    more = {"overrides": ["data=nba", "features/market=on"]}
    market = write_run(tmp_path / "run_002", 0.05, config=MARKET, manifest=more)
    return [first, market, write_run(tmp_path / "run_003", -0.05, config=LAST_ROSTERS)]


def table_after(text, heading):
    """Cells of the first table after a heading, by its first column."""
    rows = text.split(heading)[1].split("\n| ", 1)[1].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]
    return {row[0]: row[1:] for row in cells}


def test_variants_stand_beside_the_run(runs, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(README.format("old\n"))
    out = ["--out", str(tmp_path / "RESULTS.md"), "--readme", str(readme)]
    main([*map(str, runs), *out])
    text = (tmp_path / "RESULTS.md").read_text()
    # Seasons with lines: means of .70 to .76 by season, with and without .05 to .06 more.
    with_market = table_after(text, "## With the bookmakers")
    assert with_market["stack"] == ["0.730", "0.780", "0.830"]
    assert with_market["with the market"] == ["0.785", "0.835", "0.885"]
    assert with_market["closing spreads"] == [ABSENT, "0.222", "0.222"]
    assert with_market["bookmakers"] == ["1.111"] * 3
    assert "over the 4 seasons" in " ".join(text.split())
    assert "`python -m nba_rank.train data=nba features/market=on`" in text
    # All six seasons.
    opening = table_after(text, "## Opening night without")
    assert opening["stack"] == ["0.750", "0.800", "0.850"]
    assert opening["with last season's rosters"] == ["0.695", "0.745", "0.795"]

    written = readme.read_text()
    assert written.startswith("# Title\n\n<!-- results -->\n\n")
    assert written.endswith("\n<!-- end of results -->\n\nmore\n")
    assert "old" not in written
    assert table_after(written, "Spearman")["stack"] == ["0.750", "0.800", "0.850"]
    preseason = table_after(written, "Opening night of the 4 seasons")
    assert preseason["bookmakers"] == ["1.111", "1.111"]
    assert preseason["with the market"][0] == "0.785"
    assert set(preseason) >= {"stack", "standings", "with last season's rosters"}
    main([*map(str, runs), *out])
    assert readme.read_text() == written


def test_without_bookmakers_the_readme_has_one_table(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(README.format(""))
    run = write_run(tmp_path / "run_001")
    main([str(run), "--out", str(tmp_path / "RESULTS.md"), "--readme", str(readme)])
    assert "Opening night" not in readme.read_text()
    assert "## With the bookmakers" not in (tmp_path / "RESULTS.md").read_text()


def test_a_further_run_has_to_differ_in_one_known_option(tmp_path, capsys):
    first = write_run(tmp_path / "run_001")
    unpriced = write_run(tmp_path / "run_002", config=MARKET)
    deeper = write_run(tmp_path / "run_003", config={"model": {"xgb": {"max_depth": 5}}})
    same = write_run(tmp_path / "run_004")
    for folder, why in (
        (deeper, "in ['model.xgb.max_depth']"),
        (same, "in nothing"),
        (unpriced, "no season with closing spreads"),
    ):
        with pytest.raises(SystemExit):
            main([str(first), str(folder), "--out", str(tmp_path / "RESULTS.md")])
        assert why in " ".join(capsys.readouterr().out.split())


def test_a_readme_without_marks_is_an_error(tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n")
    with pytest.raises(SystemExit):
        main(
            [
                str(write_run(tmp_path / "run_001")),
                "--out",
                str(tmp_path / "R.md"),
                "--readme",
                str(readme),
            ]
        )
    assert "<!-- results -->" in capsys.readouterr().out
    assert not (tmp_path / "R.md").exists()
