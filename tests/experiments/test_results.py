import json

import pytest
from made_runs import write_run

from nba_rank.results import main


def test_results_come_from_run_folders(tmp_path):
    run = write_run(tmp_path / "run_001")
    manifest = json.loads((run / "manifest.json").read_text())
    overrides = ["data=nba", "data.raw_dir=/somewhere", "folds=walk_forward"]
    (run / "manifest.json").write_text(json.dumps({**manifest, "overrides": overrides}))
    other = tmp_path / "run_002"
    other.mkdir()
    (other / "manifest.json").write_text("{}")
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
    (other / "manifest.json").write_text("{}")
    with pytest.raises(SystemExit):
        main([str(run), str(other), "--out", str(tmp_path / "RESULTS.md")])
    assert "holds no ANALYSIS" in capsys.readouterr().out
    assert not (tmp_path / "RESULTS.md").exists()
