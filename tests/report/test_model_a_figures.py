import numpy as np
import pytest

from nba_rank.models.model_a.list_losses import LIST_LOSSES
from nba_rank.report.labels import LOSS_LABELS
from nba_rank.report.model_a_figures import plot_diagnostics, plot_losses
from nba_rank.report.style import save


def bold(ax):
    return [line for line in ax.lines if line.get_linewidth() > 1 and len(line.get_xdata()) > 1]


def n_thin(ax):
    """Number of thin lines, which gaps of NaN part."""
    thin = [line.get_ydata() for line in ax.lines if line.get_linewidth() < 1]
    return sum(int(np.isnan(line).sum()) for line in thin)


def test_losses_have_a_line_a_fit_over_its_networks(learning_curves):
    train, validation = plot_losses(learning_curves, "ListMLE").axes
    assert n_thin(train) == 4
    assert [line.get_label() for line in bold(train)] == ["2021-22", "2022-23"]
    # Mean of 2 and 3, falling by .1 an epoch.
    np.testing.assert_allclose(bold(train)[0].get_ydata(), [2.5, 2.4, 2.3, 2.2])
    assert [line.get_label() for line in bold(validation)] == ["2021-22"]
    assert train.get_ylabel().startswith("ListMLE")
    one = learning_curves[learning_curves["network"] == 0].assign(val_loss=np.nan)
    (train,) = plot_losses(one, "ListMLE").axes
    assert n_thin(train) == 0


def test_every_loss_has_words():
    assert set(LOSS_LABELS) == set(LIST_LOSSES)


def test_every_panel_of_the_diagnostics_shows_each_network_and_their_mean(diagnostics):
    axes = plot_diagnostics(diagnostics).axes
    assert [ax.get_yscale() for ax in axes] == ["linear"] * 6 + ["log"] * 2
    entropy = next(line for line in bold(axes[0]) if line.get_label() == "mean of the heads")
    assert entropy.get_xdata().tolist() == [-1, 0, 1, 2, 3]
    expected = diagnostics.groupby("epoch")[["entropy_ratio", "prior_kl"]].mean()
    np.testing.assert_allclose(entropy.get_ydata(), expected["entropy_ratio"])
    np.testing.assert_allclose(bold(axes[1])[0].get_ydata(), expected["prior_kl"])
    assert n_thin(axes[1]) == 4
    band = axes[0].collections[0].get_paths()[0].vertices
    heads = diagnostics.groupby("epoch")[["entropy_ratio_head_0", "entropy_ratio_head_1"]].mean()
    assert band[:, 1].min() == pytest.approx(heads.min(axis=None))
    assert band[:, 1].max() == pytest.approx(heads.max(axis=None))
    legend = [text.get_text() for text in axes[7].get_legend().get_texts()]
    assert legend == ["attention", "encoder", "scorer"]
    first = axes[3].get_xticklabels()[0]
    assert (first.get_text(), first.get_position()[0]) == ("before", -1)


def test_diagnostics_that_blow_up_are_drawn_as_far_as_they_go(diagnostics, tmp_path):
    late = diagnostics["epoch"] == 3
    diagnostics.loc[late, ["gradient_attention", "score_spread"]] = np.inf
    diagnostics.loc[late, ["entropy_ratio", "gradient_scorer"]] = np.nan
    diagnostics["gradient_encoder"] = 0.0
    diagnostics["fallback_share"] = 1.0
    for rows in (diagnostics, diagnostics.head(2)):
        save(plot_diagnostics(rows), tmp_path / "health.png")
        width = int.from_bytes((tmp_path / "health.png").read_bytes()[16:20])
        assert width >= 1600
