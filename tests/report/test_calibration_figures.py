import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from nba_rank.evaluation.calibration import reliability_table
from nba_rank.report import calibration_figures
from nba_rank.report.calibration_figures import plot_reliability


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were drawn, in order; they are written all the same."""
    figures = []
    save = calibration_figures.save

    def keep(figure: Figure, path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(calibration_figures, "save", keep)
    return figures


@pytest.fixture
def tables():
    """Calibrated forecasts, overconfident ones, and ones of a rare event."""
    rng = np.random.default_rng(0)
    odds = rng.normal(scale=2, size=600)
    happened = rng.random(600) < 1 / (1 + np.exp(-odds))
    rare = rng.beta(0.5, 12, size=600)
    return {
        "Playoffs": reliability_table(1 / (1 + np.exp(-odds)), happened),
        "Boastful": reliability_table(1 / (1 + np.exp(-3 * odds)), happened),
        "Title": reliability_table(rare, rng.random(600) < rare),
        "Uniform": reliability_table(np.full(600, 1 / 30), rng.random(600) < 1 / 30),
    }


def is_png(path, width):
    content = path.read_bytes()
    return content[:8] == b"\x89PNG\r\n\x1a\n" and int.from_bytes(content[16:20]) >= width


def points(ax):
    """Positions and areas of the points on and off the diagonal."""
    shown = [part for part in ax.collections if isinstance(part, PathCollection)]
    return [(part.get_offsets(), part.get_sizes()) for part in shown]


def test_a_panel_a_table_with_every_bin(tables, tmp_path, drawn):
    plot_reliability(tables, tmp_path / "reliability.png", "Calibration")
    assert is_png(tmp_path / "reliability.png", 1500)
    axes = [ax for ax in drawn[0].axes if ax.axison]
    assert [ax.get_title(loc="left") for ax in axes] == list(tables)
    for ax, table in zip(axes, tables.values(), strict=True):
        both = np.vstack([place for place, _ in points(ax)])
        shown = both[np.argsort(both[:, 0])]
        np.testing.assert_allclose(shown, table[["mean_p", "frequency"]])
        assert ax.get_xlim() == ax.get_ylim()
    assert len(points(axes[0])[1][0]) < 3
    assert len(points(axes[1])[1][0]) > 4
    assert axes[0].texts[0].get_text() == "600 forecasts\n10 bins of 60\n" + (
        f"{np.average(tables['Playoffs']['frequency']):.0%} happened"
    )
    assert "1 bin\n" in axes[3].texts[0].get_text()


def test_a_rare_event_is_seen_up_close(tables, tmp_path, drawn):
    plot_reliability(tables, tmp_path / "reliability.png", "Calibration")
    ends = [ax.get_xlim()[1] for ax in drawn[0].axes if ax.axison]
    assert ends[0] == ends[1] > 1
    assert ends[3] < ends[2] < 0.7
    for end, table in zip(ends, tables.values(), strict=True):
        assert end > table[["mean_p", "high"]].max(axis=None)


def test_area_goes_by_count(tmp_path, drawn):
    p = np.repeat([0.2, 0.8], [300, 100])
    table = reliability_table(p, np.arange(400) % 5 == 0, n_bins=4)
    assert table["count"].tolist() == [300, 100]
    plot_reliability({"Finals": table}, tmp_path / "reliability.png", "Calibration")
    assert is_png(tmp_path / "reliability.png", 700)
    ax = drawn[0].axes[0]
    (_, on), (_, off) = points(ax)
    assert on.item() == pytest.approx(3 * off.item())
    assert "2 bins of 100 to 300" in ax.texts[0].get_text()


def test_nothing_to_draw_is_refused(tables, tmp_path):
    with pytest.raises(ValueError, match="no bins to draw"):
        plot_reliability({}, tmp_path / "reliability.png", "Calibration")
    with pytest.raises(ValueError, match=r"no bins to draw for \['Title'\]"):
        plot_reliability(
            tables | {"Title": tables["Title"].head(0)}, tmp_path / "r.png", "Calibration"
        )
