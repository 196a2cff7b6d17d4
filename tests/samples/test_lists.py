import numpy as np
import pandas as pd
import pytest
import torch

from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.samples.lists import (
    ColumnScaler,
    DateSampler,
    ListDataModule,
    ListTensors,
    Vocabulary,
    list_tensors,
)

P, F = 3, 2


def scaled(columns, other=None):
    """Fit on rows (and transform others, if given)."""
    stats = np.array(columns, dtype=np.float32).T
    scaler = ColumnScaler.fit(stats, [str(number) for number in range(stats.shape[1])])
    return scaler.transform(stats if other is None else np.array(other, dtype=np.float32))


# Scaler.


def test_known_values_are_standardised_and_unknown_ones_are_the_mean_and_flagged():
    got = scaled([[1, 3, np.nan, 5], [10, 20, 30, 40]])
    spread = np.sqrt(8 / 3)
    assert got[:, 2].tolist() == [0, 0, 1, 0]
    np.testing.assert_allclose(got[:, 0], [-2 / spread, 0, 0, 2 / spread], rtol=1e-6)
    assert got[:, 1].mean() == pytest.approx(0, abs=1e-6)
    assert got[:, 1].std() == pytest.approx(1, rel=1e-6)
    assert got.dtype == np.float32


def test_only_columns_that_training_knows_sometimes_are_flagged():
    unknown = np.nan
    stats = np.array([[1, 2, unknown], [1, 2, 3], [unknown] * 3, [unknown, 5, 5]]).T
    scaler = ColumnScaler.fit(stats.astype(np.float32), ["some", "all", "none", "constant"])
    assert scaler.flagged == ["some", "constant"]
    assert scaler.outputs == [
        "some", "all", "none", "constant", "some_unknown", "constant_unknown",
    ]  # fmt: skip
    got = scaler.transform(np.array([[1.5, unknown, 7, unknown]], dtype=np.float32))
    # A column that was always, never or constantly known in training teaches nothing.
    np.testing.assert_array_equal(got, [[0, 0, 0, 0, 0, 1]])
    got = scaler.transform(np.array([[1.5, 2, 900, -5]], dtype=np.float32))
    assert got[0, 2:].tolist() == [0, 0, 0, 0]


def test_transform_keeps_the_shape_and_uses_the_fitted_seasons():
    got = scaled([[0, 2]], np.full((2, 4, 3, 1), 5.0))
    np.testing.assert_array_equal(got, np.full((2, 4, 3, 1), 4.0))


def test_large_means_do_not_drown_small_spreads():
    got = scaled([[1e6 - 1, 1e6, 1e6 + 1]])
    np.testing.assert_allclose(got[:, 0], [-1.2247, 0, 1.2247], atol=1e-3)


def test_columns_that_are_not_finite_are_named():
    with pytest.raises(UserError, match=r"\['1'\]"):
        scaled([[1, np.nan], [np.inf, 1]])


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


def made(sets, scope):
    vocabulary = Vocabulary.of(sets.player_id)
    scaler = ColumnScaler.fit(sets.stats.reshape(-1, F), sets.columns)
    relevance = np.linspace(0.1, 1, len(sets.frame)).astype(np.float32)
    lists = list_tensors(sets, prior_of(sets), relevance, scope, scaler, vocabulary)
    return lists, relevance, scaler, vocabulary


def prior_of(sets):
    """Two prior columns that tell the first player of each row."""
    return np.stack([sets.player_id[:, 0], -sets.player_id[:, 0]], axis=1).astype(np.float32)


@pytest.mark.parametrize(("scope", "n_lists", "longest"), [("conference", 6, 3), ("league", 3, 5)])
def test_every_row_is_in_one_list_of_its_date(sets, scope, n_lists, longest):
    lists = made(sets, scope)[0]
    assert lists.row.shape == (len(lists), longest) == (n_lists, longest)
    taken = lists.row[lists.row >= 0]
    assert sorted(taken) == list(range(len(sets.frame)))
    by = ["season", "as_of_date"] + (["conference"] if scope == "conference" else [])
    for row in lists.row:
        assert len(sets.frame.iloc[row[row >= 0]][by].drop_duplicates()) == 1


def test_tensors_hold_the_rows_and_padding_is_masked(sets):
    lists, relevance, scaler, vocabulary = made(sets, "conference")
    tensors = lists.tensors
    mask = tensors["team_mask"].numpy()
    np.testing.assert_array_equal(mask, lists.row >= 0)
    assert sorted(mask.sum(axis=1)) == [2, 2, 2, 3, 3, 3]
    assert (tensors["relevance"].numpy()[~mask] == 0).all()
    row = lists.row[mask]
    expected = {
        "stats": scaler.transform(sets.stats)[row],
        "player": vocabulary.rows(sets.player_id)[row],
        "player_mask": sets.player_id[row] != 0,
        "minutes_share": sets.minutes_share[row],
        "team_prior": prior_of(sets)[row],
        "relevance": relevance[row],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(tensors[name].numpy()[mask], values, err_msg=name)
    dtypes = {name: tensor.dtype for name, tensor in tensors.items()}
    assert dtypes == {
        "stats": torch.float32,
        "player": torch.int64,
        "player_mask": torch.bool,
        "minutes_share": torch.float32,
        "team_prior": torch.float32,
        "relevance": torch.float32,
        "team_mask": torch.bool,
    }


def test_a_player_without_minutes_is_still_a_player(sets):
    sets.minutes_share[0, 0] = 0
    sets.player_id[1, 2] = 0
    lists = made(sets, "league")[0]
    mask = lists.tensors["player_mask"][lists.row >= 0]
    assert mask[lists.row[lists.row >= 0] == 0].all()
    assert mask.sum() == len(sets.frame) * P - 1


@pytest.mark.parametrize("order", [np.arange(15), np.arange(15)[::-1]], ids=["sorted", "reversed"])
def test_lists_know_their_season_and_the_order_of_its_dates(sets, order):
    shuffled = sets.take(order)
    conference, league = (made(shuffled, scope)[0] for scope in ("conference", "league"))
    assert (league.season.tolist(), league.date.tolist()) == ([0, 0, 1], [0, 1, 0])
    assert conference.season.tolist() == [0, 0, 0, 0, 1, 1]
    assert conference.date.tolist() == [0, 0, 1, 1, 0, 0]
    assert {conference.season.dtype, conference.date.dtype} == {np.dtype(np.int64)}


def test_lists_do_not_depend_on_the_order_of_rows(sets):
    lists = made(sets, "conference")[0]
    order = np.random.default_rng(1).permutation(len(sets.frame))
    shuffled = made(sets.take(order), "conference")[0]
    for row, other in zip(lists.row, shuffled.row, strict=True):
        assert set(order[other[other >= 0]]) == set(row[row >= 0])


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


def drawn(lists, dates_per_season, seed=1, epochs=1):
    generator = torch.Generator().manual_seed(seed)
    sampler = DateSampler(lists, dates_per_season)
    return [sampler.draw(generator).numpy() for _ in range(epochs)]


@pytest.mark.parametrize("per_season", [1, 3, 4, 7, 10])
def test_each_stretch_of_each_season_gives_one_date_with_all_its_lists(per_season):
    lists = dated([20, 7, 31])
    for epoch in drawn(lists, per_season, epochs=20):
        assert len(set(epoch)) == len(epoch)
        for season, n_dates in enumerate([20, 7, 31]):
            dates = lists.date[epoch[lists.season[epoch] == season]]
            chosen, n_lists = np.unique(dates, return_counts=True)
            assert (n_lists == 2).all()
            assert len(chosen) == min(per_season, n_dates)
            if per_season <= n_dates:
                edges = np.arange(per_season + 1) * n_dates // per_season
                assert ((edges[:-1] <= chosen) & (chosen < edges[1:])).all()


def test_every_list_comes_up_over_epochs_and_none_is_favoured():
    lists = dated([20, 7])
    counts = np.bincount(np.concatenate(drawn(lists, 5, epochs=400)), minlength=len(lists))
    longer = counts[lists.season == 0] / 400
    np.testing.assert_allclose(longer, 5 / 20, atol=0.09)
    assert (counts > 0).all()


@pytest.mark.parametrize("per_season", [0, 31, 1000])
def test_zero_or_many_dates_are_all_lists(per_season):
    lists = dated([20, 7, 31])
    for epoch in drawn(lists, per_season, epochs=3):
        assert sorted(epoch) == list(range(len(lists)))


def test_the_draw_repeats_by_seed_and_changes_by_epoch():
    lists = dated([20, 7, 31])
    first, again = (drawn(lists, 5, seed=3, epochs=3) for _ in range(2))
    other = drawn(lists, 5, seed=4, epochs=3)
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert set(one) != set(different)
    assert set(first[0]) != set(first[1])


# Data module.


def module(n_lists=10, lists_per_batch=4, dates_per_season=0, seed=1, validation=None):
    train = dated([n_lists], lists_per_date=1)
    made = ListDataModule(
        train,
        validation and train,
        lists_per_batch=lists_per_batch,
        dates_per_season=dates_per_season,
        seed=seed,
    )
    made.setup("fit")
    return made


def epochs(data, n):
    loader = data.train_dataloader()
    served = [list(loader) for _ in range(n)]
    for batch in (batch for batches in served for batch in batches):
        torch.testing.assert_close(batch["twice"], 2 * batch["relevance"])
    return [[batch["relevance"].ravel().tolist() for batch in batches] for batches in served]


def test_an_epoch_serves_every_list_once_in_batches():
    for batches in epochs(module(), 3):
        assert [len(batch) for batch in batches] == [4, 3, 3]
        assert sorted(number for batch in batches for number in batch) == list(range(10))


def test_an_epoch_of_some_dates_serves_their_lists_only():
    for batches in epochs(module(dates_per_season=5), 3):
        assert [len(batch) for batch in batches] == [3, 2]
        numbers = sorted(number for batch in batches for number in batch)
        assert [number // 2 for number in numbers] == [0, 1, 2, 3, 4]


def test_the_order_changes_by_epoch_and_repeats_by_seed():
    first = epochs(module(seed=1), 3)
    assert first[0] != first[1]
    assert first[1] != first[2]
    assert epochs(module(seed=1), 3) == first
    assert epochs(module(seed=2), 3) != first


def test_validation_is_whole_in_order_and_only_where_there_is_one():
    assert module().val_dataloader() == []
    loader = module(validation=True, dates_per_season=2).val_dataloader()
    for _ in range(2):
        seen = torch.cat([batch["relevance"].ravel() for batch in loader])
        assert seen.tolist() == list(range(10))
