from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd
import pytest
import torch

from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.samples.list_data import DateSampler, ListDataModule
from nba_rank.samples.lists import ColumnScaler, ListTensors, Vocabulary, list_tensors

P, F = 3, 2


# Scaler.


def fitted(columns):
    """A scaler fitted on columns `0`, `1`, ..., and their values transformed."""
    values = np.array(columns, dtype=np.float32).T
    scaler = ColumnScaler.fit(values, [str(number) for number in range(values.shape[1])])
    return scaler, scaler.transform(values)


def test_known_values_are_standardised_and_unknown_ones_become_the_mean_and_flagged():
    scaler, got = fitted([[1, 3, np.nan, 5], [10, 20, 30, 40], [1e6 - 1, 1e6, 1e6 + 1, 1e6]])
    assert scaler.outputs == ["0", "1", "2", "0_unknown"]
    spread = np.sqrt(8 / 3)
    np.testing.assert_allclose(got[:, 0], [-2 / spread, 0, 0, 2 / spread], rtol=1e-6)
    assert got[:, 3].tolist() == [0, 0, 1, 0]
    np.testing.assert_allclose(got[:, 1:3].mean(axis=0), 0, atol=1e-6)
    # A large mean does not drown a small spread.
    np.testing.assert_allclose(got[:, 1:3].std(axis=0), 1, rtol=1e-3)
    assert got.dtype == np.float32
    # Other rows, of any shape, are scaled as the rows fitted on.
    other = scaler.transform(np.full((2, 4, 3), 5.0, dtype=np.float32))
    np.testing.assert_allclose(other[..., 0], 2 / spread, rtol=1e-6)
    assert other.shape == (2, 4, 4)


def test_only_columns_that_training_knows_sometimes_are_flagged():
    unknown = np.nan
    some, always, never, constant = [1, 2, unknown], [1, 2, 3], [unknown] * 3, [unknown, 5, 5]
    scaler, _ = fitted([some, always, never, constant])
    assert scaler.flagged == ["0", "3"]
    got = scaler.transform(np.array([[1.5, unknown, 7, unknown]], dtype=np.float32))
    # A column that was always, never or constantly known in training teaches nothing.
    np.testing.assert_array_equal(got, [[0, 0, 0, 0, 0, 1]])
    got = scaler.transform(np.array([[1.5, 2, 900, -5]], dtype=np.float32))
    assert got[0, 2:].tolist() == [0, 0, 0, 0]


def test_columns_that_are_not_finite_are_named():
    with pytest.raises(UserError, match=r"\['1'\]"):
        fitted([[1, np.nan], [np.inf, 1]])


# Vocabulary.


def test_unknown_players_share_row_zero():
    vocabulary = Vocabulary.of(np.array([[30, 10, 0], [20, 10, -4]]))
    assert len(vocabulary) == 5
    ids = np.array([[-4, 10, 20], [30, 0, 11], [-9, 31, 10**12]])
    np.testing.assert_array_equal(vocabulary.rows(ids), [[1, 2, 3], [4, 0, 0], [0, 0, 0]])
    nobody = Vocabulary.of(np.zeros((2, 2), dtype=np.int64))
    assert len(nobody) == 1
    np.testing.assert_array_equal(nobody.rows(np.array([0, 5])), [0, 0])


# Lists.

CONFERENCES = ["East", "West", "West", "East", "West"]


@pytest.fixture
def sets():
    """Two dates of one season and one of the next: two teams in the East, three in the West."""
    dates = [("2021-22", "2022-01-01"), ("2021-22", "2022-01-08"), ("2022-23", "2023-01-01")]
    frame = pd.DataFrame(
        [
            (season, pd.Timestamp(date), team, conference)
            for season, date in dates
            for team, conference in enumerate(CONFERENCES, start=1)
        ],
        columns=["season", "as_of_date", "team_id", "conference"],
    )
    n = len(frame)
    rng = np.random.default_rng(4)
    return PlayerSets(
        frame=frame,
        player_id=np.arange(n * P, dtype=np.int64).reshape(n, P) + 1,
        minutes_share=rng.dirichlet(np.ones(P), n).astype(np.float32),
        stats=rng.normal(size=(n, P, F)).astype(np.float32),
        columns=["a", "b"],
        dates_left_out=0,
    )


def prior_of(sets):
    """Two prior columns that tell the first player of each row."""
    return np.stack([sets.player_id[:, 0], -sets.player_id[:, 0]], axis=1).astype(np.float32)


def made(sets, scope):
    """Lists, and what each of their tensors should hold by row of the sets."""
    vocabulary = Vocabulary.of(sets.player_id)
    scaler = ColumnScaler.fit(sets.stats.reshape(-1, F), sets.columns)
    relevance = np.linspace(0.1, 1, len(sets.frame)).astype(np.float32)
    expected = {
        "stats": scaler.transform(sets.stats),
        "player": vocabulary.rows(sets.player_id),
        "player_mask": sets.player_id != 0,
        "minutes_share": sets.minutes_share,
        "team_prior": prior_of(sets),
        "relevance": relevance,
    }
    lists = list_tensors(sets, prior_of(sets), relevance, scope, scaler, vocabulary)
    return lists, expected


@pytest.mark.parametrize(("scope", "n_lists", "longest"), [("conference", 6, 3), ("league", 3, 5)])
def test_every_row_is_in_one_list_of_its_date(sets, scope, n_lists, longest):
    lists, _ = made(sets, scope)
    assert lists.row.shape == (len(lists), longest) == (n_lists, longest)
    assert sorted(lists.row[lists.row >= 0]) == list(range(len(sets.frame)))
    by = ["season", "as_of_date"] + (["conference"] if scope == "conference" else [])
    for row in lists.row:
        assert len(sets.frame.iloc[row[row >= 0]][by].drop_duplicates()) == 1


def test_tensors_hold_the_rows_and_padding_is_masked(sets):
    sets.minutes_share[0, 0] = 0  # still a player
    sets.player_id[1, 2] = 0
    lists, expected = made(sets, "conference")
    tensors = {name: tensor.numpy() for name, tensor in lists.tensors.items()}
    mask = tensors.pop("team_mask")
    np.testing.assert_array_equal(mask, lists.row >= 0)
    assert sorted(mask.sum(axis=1)) == [2, 2, 2, 3, 3, 3]
    assert (tensors["relevance"][~mask] == 0).all()
    assert tensors.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(tensors[name][mask], values[lists.row[mask]], err_msg=name)
        assert tensors[name].dtype == values.dtype, name


def test_lists_know_their_season_and_its_dates_whatever_the_order_of_rows(sets):
    order = np.random.default_rng(1).permutation(len(sets.frame))
    for rows in (np.arange(len(order)), order):
        conference, league = (made(sets.take(rows), scope)[0] for scope in ("conference", "league"))
        assert (league.season.tolist(), league.date.tolist()) == ([0, 0, 1], [0, 1, 0])
        assert conference.season.tolist() == [0, 0, 0, 0, 1, 1]
        assert conference.date.tolist() == [0, 0, 1, 1, 0, 0]
        teams = [sorted(rows[row[row >= 0]].tolist()) for row in conference.row]
        assert teams == [[0, 3], [1, 2, 4], [5, 8], [6, 7, 9], [10, 13], [11, 12, 14]]


# Sampling.


def dated(n_dates, lists_per_date=2):
    """Lists of seasons with some numbers of dates; each list's only value is its number."""
    season = np.repeat(np.arange(len(n_dates)), n_dates).repeat(lists_per_date)
    date = np.concatenate([np.arange(n) for n in n_dates]).repeat(lists_per_date)
    number = torch.arange(len(season), dtype=torch.float32)[:, None]
    return ListTensors(
        row=np.zeros((len(season), 1), dtype=np.int64),
        season=season,
        date=date,
        tensors={"relevance": number, "twice": 2 * number},
    )


def drawn(lists, dates_per_epoch, epochs):
    generator, sampler = torch.Generator().manual_seed(1), DateSampler(lists, dates_per_epoch)
    return [sampler.draw(generator).numpy() for _ in range(epochs)]


@pytest.mark.parametrize("n_drawn", [0, 1, 3, 7, 29, 58, 1000])
def test_each_stretch_of_the_seasons_gives_one_date_with_all_its_lists(n_drawn):
    n_dates = np.array([20, 7, 31])
    lists = dated(n_dates)
    for epoch in drawn(lists, n_drawn, epochs=20):
        assert len(set(epoch)) == len(epoch)
        date, n_lists = np.unique(
            [lists.season[epoch], lists.date[epoch]], axis=1, return_counts=True
        )
        assert (n_lists == 2).all()
        n_of_season = np.bincount(date[0], minlength=3)
        total = min(n_drawn or 58, 58)
        assert n_of_season.sum() == total
        assert (np.abs(n_of_season - n_dates * total / 58) < 1).all()
        for season, (n, of_season) in enumerate(zip(n_of_season, n_dates, strict=True)):
            edges, chosen = np.arange(n + 1) * of_season // max(n, 1), date[1, date[0] == season]
            assert ((edges[:-1] <= chosen) & (chosen < edges[1:])).all()


def test_all_dates_of_a_stretch_are_drawn_alike():
    lists = dated([20, 10])
    counts = np.bincount(np.concatenate(drawn(lists, 6, epochs=400)), minlength=len(lists))
    np.testing.assert_allclose(counts / 400, 6 / 30, atol=0.09)


def test_seasons_may_be_missing_between_others():
    lists = dated([4, 6])
    gaps = replace(lists, season=2 * lists.season + 3)
    for with_gaps, without in zip(drawn(gaps, 5, 3), drawn(lists, 5, 3), strict=True):
        assert np.array_equal(with_gaps, without)


# Data module.


def module(dates_per_epoch=0, seed=1, validation=None):
    """Ten lists of one season in batches of four."""
    train = dated([10], lists_per_date=1)
    options = {"lists_per_batch": 4, "dates_per_epoch": dates_per_epoch, "seed": seed}
    made = ListDataModule(train, validation and train, **options)
    made.setup("fit")
    return made


def epochs(data, n=3):
    """The numbers of the lists in each batch of each epoch."""
    loader = data.train_dataloader()
    served = [list(loader) for _ in range(n)]
    for batch in (batch for batches in served for batch in batches):
        torch.testing.assert_close(batch["twice"], 2 * batch["relevance"])
    return [[batch["relevance"].ravel().tolist() for batch in batches] for batches in served]


def test_an_epoch_serves_its_lists_once_in_batches():
    for batches in epochs(module()):
        assert [len(batch) for batch in batches] == [4, 3, 3]
        assert sorted(chain(*batches)) == list(range(10))
    # Five of ten dates: one of each two neighbours.
    for batches in epochs(module(dates_per_epoch=5)):
        assert [len(batch) for batch in batches] == [3, 2]
        assert [number // 2 for number in sorted(chain(*batches))] == [0, 1, 2, 3, 4]


def test_draw_and_order_change_by_epoch_and_repeat_by_seed():
    for dates_per_epoch in (0, 5):
        first, again, other = (epochs(module(dates_per_epoch, seed)) for seed in (1, 1, 2))
        assert first[0] != first[1] != first[2]
        assert first == again != other


def test_validation_serves_all_lists_in_order_if_there_are_any():
    assert module().val_dataloader() == []
    loader = module(validation=True, dates_per_epoch=2).val_dataloader()
    for _ in range(2):
        seen = torch.cat([batch["relevance"].ravel() for batch in loader])
        assert seen.tolist() == list(range(10))
