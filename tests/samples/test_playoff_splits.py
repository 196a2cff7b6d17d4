import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_rank.samples.folds import FoldError
from nba_rank.samples.playoff_splits import (
    REFERENCE,
    WALK_FORWARD,
    PlayoffSplit,
    reference_split,
    walk_forward_splits,
)

SEASONS = [f"{year}-{(year + 1) % 100:02d}" for year in range(2000, 2026)]
properties = settings(deadline=None, derandomize=True)


def until(last):
    return [season for season in SEASONS if season <= last]


def test_the_reference_split_is_the_same_whatever_comes_later():
    for last in ("2024-25", "2025-26"):
        split = reference_split(until(last))
        assert split == PlayoffSplit(REFERENCE, SEASONS[15:23], "2023-24", "2024-25")
    assert (split.train[0], split.train[-1]) == ("2015-16", "2022-23")
    assert split.name == "reference_2024-25"


def test_without_the_last_season_the_reference_split_moves_back():
    split = reference_split(until("2023-24"))
    assert split == PlayoffSplit(REFERENCE, SEASONS[14:22], "2022-23", "2023-24")
    assert reference_split(until("2019-20")).test == "2019-20"
    # Training seasons that the data lacks are left out.
    assert reference_split(SEASONS[21:25]).train == ["2021-22", "2022-23"]


@pytest.mark.parametrize(
    "seasons",
    [
        [],
        ["2024-25"],
        ["2023-24", "2024-25"],
        ["2021-22", "2022-23", "2024-25"],  # nothing to validate on
        ["2025-26", "2026-27", "2027-28"],
    ],
)
def test_seasons_that_cannot_be_split_are_refused_with_the_remedy(seasons):
    with pytest.raises(FoldError, match=r"reference split .* add seasons"):
        reference_split(seasons)


def test_walking_forward_learns_from_all_but_the_last_earlier_season():
    first, second = walk_forward_splits(SEASONS, ["2015-16", "2016-17"])
    assert first == PlayoffSplit(WALK_FORWARD, SEASONS[:14], "2014-15", "2015-16")
    assert second == PlayoffSplit(WALK_FORWARD, SEASONS[:15], "2015-16", "2016-17")


def test_a_season_with_fewer_than_two_before_it_is_refused():
    assert walk_forward_splits(SEASONS, ["2002-03"])[0].train == ["2000-01"]
    with pytest.raises(FoldError, match="two or more seasons before 2001-02"):
        walk_forward_splits(SEASONS, ["2001-02"])


@properties
@given(st.sets(st.sampled_from(SEASONS[2:]), min_size=1))
def test_nothing_is_learned_from_the_season_forecast_or_later(tests):
    splits = [*walk_forward_splits(SEASONS, sorted(tests)), reference_split(SEASONS)]
    for split in splits:
        assert max(split.train) < split.validation < split.test
    assert len({split.name for split in splits}) == len(splits)
