import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.dates import num2date
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nba_rank.report import odds_figures
from nba_rank.report.odds_figures import RACERS, percent, plot_odds_heatmap, plot_title_odds

TEAMS = [f"T{number:02}" for number in range(30)]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were drawn, in order; they are written all the same."""
    figures = []
    save = odds_figures.save

    def keep(figure: Figure, path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(odds_figures, "save", keep)
    return figures


def race(n_dates=5):
    """Title odds that fall with the number of the team; T10 leads on the second date alone."""
    share = 0.7 ** np.arange(30)
    parts = []
    for number, date in enumerate(pd.date_range("2023-10-24", periods=n_dates, freq="28D")):
        odds = share.copy()
        if number == 1:
            odds[10] = 2
        parts.append(pd.DataFrame({"as_of_date": date, "team": TEAMS, "title_prob": odds / 4}))
    return pd.concat(parts, ignore_index=True)


def odds_of_a_date(n=30):
    reach = {
        name: np.clip(scale * 0.85 ** np.arange(n), 0, 1)
        for name, scale in (("playoff", 1.2), ("round_1", 0.9), ("round_2", 0.6),
                            ("finals", 0.4), ("title", 0.2))
    }  # fmt: skip
    finishes = ["Finals", "Champion", "Conference finals", "Second round", "First round", "Play-in"]
    odds = pd.DataFrame({f"{name}_prob": values for name, values in reach.items()})
    finish = (finishes + ["Lottery"] * n)[:n]
    return odds.assign(team=TEAMS[:n], finish=finish, expected_wins=60.0 - np.arange(n))


def size_of(path):
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20])


def names(figure):
    return [text.get_text().split()[0] for text in figure.axes[0].texts]


def test_the_race_names_whoever_led_at_any_time(tmp_path, drawn):
    plot_title_odds(race(), tmp_path / "race.png", "2023-24", champion="T02")
    assert size_of(tmp_path / "race.png") >= 1400
    assert sorted(names(drawn[0])) == [*TEAMS[: RACERS - 1], "T10"]
    bold = [text for text in drawn[0].axes[0].texts if text.get_fontweight() == "bold"]
    assert [text.get_text().split() for text in bold] == [["T02", "12%"]]
    caption = drawn[0].get_supxlabel()
    assert "Bold: T02, the later champion. Thin: the other 22 teams." in caption
    assert caption.endswith("February 13, 2024.")


def test_names_do_not_overlap(tmp_path, drawn):
    plot_title_odds(race(), tmp_path / "race.png", "2023-24")
    ax = drawn[0].axes[0]
    places = np.sort([text.get_position()[1] for text in ax.texts])
    low, high = ax.get_ylim()
    assert np.diff(places).min() >= 0.0499 * (high - low)
    assert low - 1e-9 <= places[0] <= places[-1] <= high


def test_an_outsider_who_won_is_named_too(tmp_path, drawn):
    plot_title_odds(race(), tmp_path / "race.png", "2023-24", champion="T29")
    assert sorted(names(drawn[0])) == [*TEAMS[: RACERS - 1], "T10", "T29"]


def test_a_race_of_one_date(tmp_path, drawn):
    plot_title_odds(race(1), tmp_path / "race.png", "2023-24")
    first, last = (num2date(end) for end in drawn[0].axes[0].get_xlim())
    assert (last - first).days == 7
    assert "Bold" not in drawn[0].get_supxlabel()


def test_a_race_of_nobody_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no title odds to draw"):
        plot_title_odds(race().head(0), tmp_path / "race.png", "2023-24")
    with pytest.raises(ValueError, match="of the champion 'XYZ'"):
        plot_title_odds(race(), tmp_path / "race.png", "2023-24", champion="XYZ")


def test_the_table_has_the_favourite_first_and_frames_what_came_true(tmp_path, drawn):
    odds = odds_of_a_date()
    plot_odds_heatmap(odds.sample(frac=1, random_state=0), tmp_path / "odds.png", "2023-24")
    assert size_of(tmp_path / "odds.png") >= 1000
    ax = drawn[0].axes[0]
    teams = [text for text in ax.texts if text.get_text() in TEAMS]
    ordered = sorted(teams, key=lambda text: text.get_position()[1])
    assert [text.get_text() for text in ordered] == TEAMS
    (shades,) = [part for part in ax.collections if isinstance(part, QuadMesh)]
    np.testing.assert_allclose(shades.get_array()[:, -1], odds["title_prob"] ** 0.6)
    frames = [part for part in ax.patches if isinstance(part, Rectangle)]
    assert [round(part.get_width()) for part in frames] == [4, 5, 3, 2, 1]
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("Lottery") == 24
    assert {"Expected\nwins", "Actual\nfinish", "60", "20%"} <= set(texts)


def test_a_table_without_what_is_not_known(tmp_path, drawn):
    odds = odds_of_a_date().drop(columns=["finish", "expected_wins"])
    plot_odds_heatmap(odds, tmp_path / "odds.png", "2023-24")
    ax = drawn[0].axes[0]
    assert not ax.patches
    texts = {text.get_text() for text in ax.texts}
    assert not {"Expected\nwins", "Actual\nfinish"} & texts
    assert "Framed" not in drawn[0].get_supxlabel()


def test_a_table_of_nothing_is_refused(tmp_path):
    odds = odds_of_a_date()
    with pytest.raises(ValueError, match="no odds to draw"):
        plot_odds_heatmap(odds.head(0), tmp_path / "odds.png", "2023-24")
    with pytest.raises(ValueError, match=r"\['finals_prob'\] are missing"):
        plot_odds_heatmap(odds.drop(columns="finals_prob"), tmp_path / "odds.png", "2023-24")


@pytest.mark.parametrize(
    ("chance", "text"),
    [(0, "–"), (0.0004, "–"), (0.004, "<1%"), (0.0149, "1%"), (0.5, "50%"), (0.99, "99%"),  # noqa: RUF001
     (0.9951, ">99%"), (1.0, "100%"), (1 - 1e-12, "100%")],
)  # fmt: skip
def test_percents(chance, text):
    assert percent(chance) == text
