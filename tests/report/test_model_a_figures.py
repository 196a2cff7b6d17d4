import numpy as np
import pytest
from matplotlib.figure import Figure

from nba_rank.models.model_a.list_losses import LIST_LOSSES
from nba_rank.report import model_a_figures
from nba_rank.report.labels import LOSS_LABELS
from nba_rank.report.model_a_figures import plot_diagnostics, plot_losses


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were drawn, in order; they are written all the same."""
    figures = []
    save = model_a_figures.save

    def keep(figure: Figure, path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(model_a_figures, "save", keep)
    return figures


def bold(ax):
    return [line for line in ax.lines if line.get_linewidth() > 1 and len(line.get_xdata()) > 1]


def thin(ax):
    return [line for line in ax.lines if line.get_linewidth() < 1]


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def is_png(path, width):
    content = path.read_bytes()
    return content[:8] == b"\x89PNG\r\n\x1a\n" and int.from_bytes(content[16:20]) >= width


# Losses.


def test_a_line_a_fit_over_its_networks(learning_curves, tmp_path, drawn):
    plot_losses(learning_curves, tmp_path / "losses.png", "ListMLE")
    assert is_png(tmp_path / "losses.png", 1200)
    train, validation = drawn[0].axes
    assert len(thin(train)) == 4
    assert [line.get_label() for line in bold(train)] == ["2021-22", "2022-23"]
    # Mean of 2 and 3, falling by .1 an epoch.
    np.testing.assert_allclose(bold(train)[0].get_ydata(), [2.5, 2.4, 2.3, 2.2])
    assert [line.get_label() for line in bold(validation)] == ["2021-22"]
    assert train.get_ylabel().startswith("ListMLE")


def test_a_single_network_has_no_thin_line(learning_curves, tmp_path, drawn):
    one = learning_curves[learning_curves["network"] == 0].assign(val_loss=np.nan)
    plot_losses(one, tmp_path / "losses.png", "ListMLE")
    assert len(drawn[0].axes) == 1
    assert thin(drawn[0].axes[0]) == []


def test_every_loss_has_words():
    assert set(LOSS_LABELS) == set(LIST_LOSSES)


def test_losses_of_one_epoch(learning_curves, tmp_path):
    plot_losses(learning_curves.head(1), tmp_path / "losses.png", "ListMLE")
    assert is_png(tmp_path / "losses.png", 1200)


# Diagnostics.


def test_every_panel_shows_each_network_and_their_mean(diagnostics, tmp_path, drawn):
    plot_diagnostics(diagnostics, tmp_path / "health.png")
    assert is_png(tmp_path / "health.png", 1600)
    axes = drawn[0].axes
    assert [len(thin(ax)) for ax in axes] == [4, 4, 4, 4, 8, 12]
    entropy = next(line for line in bold(axes[0]) if line.get_label() == "mean of the heads")
    assert entropy.get_xdata().tolist() == [-1, 0, 1, 2, 3]
    expected = diagnostics.groupby("epoch")["entropy_ratio"].mean()
    np.testing.assert_allclose(entropy.get_ydata(), expected)
    band = axes[0].collections[0].get_paths()[0].vertices
    heads = diagnostics.groupby("epoch")[["entropy_ratio_head_0", "entropy_ratio_head_1"]].mean()
    assert band[:, 1].min() == pytest.approx(heads.min(axis=None))
    assert band[:, 1].max() == pytest.approx(heads.max(axis=None))
    assert names(axes[5]) == ["attention", "encoder", "scorer"]
    assert [ax.get_yscale() for ax in axes] == ["linear"] * 4 + ["log"] * 2
    first = axes[3].get_xticklabels()[0]
    assert (first.get_text(), first.get_position()[0]) == ("before", -1)


def test_diagnostics_that_blow_up_are_drawn_as_far_as_they_go(diagnostics, tmp_path, drawn):
    late = diagnostics["epoch"] == 3
    diagnostics.loc[late, ["gradient_attention", "score_spread"]] = np.inf
    diagnostics.loc[late, ["entropy_ratio", "gradient_scorer"]] = np.nan
    diagnostics["gradient_encoder"] = 0.0
    diagnostics["fallback_share"] = 1.0
    plot_diagnostics(diagnostics, tmp_path / "health.png")
    assert is_png(tmp_path / "health.png", 1600)
    assert drawn[0].axes[2].get_ylim()[1] > 1


def test_diagnostics_of_one_epoch_of_one_network(diagnostics, tmp_path):
    plot_diagnostics(diagnostics.head(2), tmp_path / "health.png")
    assert is_png(tmp_path / "health.png", 1600)
