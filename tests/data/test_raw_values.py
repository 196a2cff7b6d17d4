import datetime

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values


def years(values, year=2012):
    return pd.Series(year, index=values.index)


NOVEMBER = [pd.Timestamp(2012, 10, 30), pd.Timestamp(2013, 4, 5)]


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["2012-10-30", "2013-04-05"], "ISO"),
        (["2012-10-30T00:00:00", "2013-04-05T00:00:00.000Z"], "ISO"),
        (["2012-10-30 00:00:00", "2013-04-05"], "ISO"),
        (["2012-10-30T19:30:00", "2013-04-05T22:00:00"], "ISO"),
        (["2012/10/30", "2013/04/05"], "year/month/day"),
        (["20121030", "20130405"], "year, month and day without a sign"),
        ([20121030, 20130405], "year, month and day without a sign"),
        (["10/30/12", "4/5/13"], "month/day"),
        (["10/30/2012", "04/05/2013 0:00"], "month/day"),
        (["10-30-2012", "04-05-2013"], "month/day"),
        (["30/10/2012", "05/04/2013"], "day/month"),
        (["30.10.2012", "05.04.2013"], "day/month"),
        (["OCT 30, 2012", "Apr 05, 2013"], "month by name"),
        (["Tue, Oct 30, 2012", "Friday, April 5, 2013"], "month by name"),
        (["30-Oct-12", "5 April 2013"], "day and month by name"),
        (pd.to_datetime(["2012-10-30", "2013-04-05"]), "ISO"),
        (pd.to_datetime(["2012-10-30", "2013-04-05"], utc=True), "ISO"),
        ([datetime.date(2012, 10, 30), datetime.date(2013, 4, 5)], "ISO"),
    ],
)
def test_dates_are_read_in_the_one_form_of_their_file(values, form):
    column = pd.Series(values, index=[7, 3])
    found = raw_values.dates(column, years(column))
    assert found.form == form
    assert not found.undecided
    assert not found.zone
    assert found.days.dtype == "datetime64[us]"
    assert found.days.index.tolist() == [7, 3]
    assert found.days.tolist() == NOVEMBER


UTC = pd.to_datetime(["2012-10-31T00:30Z", "2013-04-06T03:00Z"])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["2012-10-31T00:30:00Z", "2013-04-06T00:00:00Z"], "with a zone"),
        (["2012-10-30T20:30:00-04:00", "2013-04-06 03:00:00+0000"], "with a zone"),
        (["2012-10-30T23:30:00Z", "2013-04-05T17:00:00.000Z"], "with a zone"),
        (["31/10/2012 00:30", "06/04/2013 02:00"], "taken for UTC"),
        (["31/10/2012 12:30 AM", "05/04/2013 11:00 PM"], "taken for UTC"),
        (UTC, "with a zone"),
        (UTC.tz_convert("Asia/Tokyo"), "with a zone"),
        (UTC.tz_localize(None), "taken for UTC"),
        (["2012-10-30 7:30 pm ET", "2013-04-05 10:00 pm ET"], ""),
    ],
)
def test_times_are_turned_into_the_days_of_the_league(values, told):
    found = raw_values.dates(pd.Series(values), None)
    assert found.days.tolist() == NOVEMBER
    assert told in found.zone
    assert bool(told) == bool(found.zone)
    assert not found.odd


def test_times_of_an_unknown_zone_are_told():
    """Evening games as they are written in China."""
    hours = [f"2012-10-31 {hour:02d}:00" for hour in (7, 8, 8, 9, 10, 4)]
    assert raw_values.dates(pd.Series(hours), None).odd


@pytest.mark.parametrize(
    ("values", "season_known", "form", "undecided", "first"),
    [
        # One late day settles the order for the whole file.
        (["11/12/12", "12/11/12", "10/30/12"], True, "month/day", False, "2012-11-12"),
        (["11/12/12", "12/11/12"], True, "month/day", True, "2012-11-12"),
        # In May 2012 the season had not begun.
        (["5/11/12", "6/11/12"], True, "day/month", False, "2012-11-05"),
        (["5/11/12"], False, "month/day", True, "2012-05-11"),
        (["7/15/12", "7/16/12"], False, "month/day", False, "2012-07-15"),
        (["15/7/12", "5/7/12"], False, "day/month", False, "2012-07-15"),
    ],
)
def test_order_of_day_and_month(values, season_known, form, undecided, first):
    column = pd.Series(values)
    found = raw_values.dates(column, years(column) if season_known else None)
    assert (found.form, found.undecided) == (form, undecided)
    assert found.days[0] == pd.Timestamp(first)


@pytest.mark.parametrize("odd", ["10/30/12", "soon", "2012-13-45", None, ""])
def test_a_value_of_another_form_is_null(odd):
    column = pd.Series(["2012-10-30", odd, "2012-10-31"])
    assert raw_values.dates(column, years(column)).days.isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("45233", "serial number of a spreadsheet"),
        ("45233.0", "serial number of a spreadsheet"),
        ("1699056000", "since 1970"),
        ("1699056000000", "since 1970"),
        ("11/03", "without its year"),
        ("1103", "without its year"),
        ("30/10/2012", "another order"),
        ("soon", "not understood"),
    ],
)
def test_a_value_that_is_no_date_is_refused_with_its_reason(value, why):
    assert why in raw_values.refusal(value)
    assert raw_values.dates(pd.Series([value, "2012-10-30", "2012-10-31"]), None).days.isna()[0]


def test_text_that_stands_for_no_value_is_null():
    written = ["NA", "N/A", "-", "None", " ", "nan", "\\N", "Nan", "Bo"]
    assert raw_values.text(pd.Series(written)).notna().tolist() == [False] * 7 + [True] * 2


def test_season_windows_run_from_september_to_october():
    dates = pd.Series(pd.to_datetime(["2019-08-31", "2019-09-01", "2020-10-11", "2020-11-01"]))
    outside = raw_values.outside_season(dates, pd.Series(2019, index=dates.index))
    assert outside.tolist() == [True, False, False, True]


def test_minutes_in_every_form_become_whole_seconds():
    written = ["34", "34.2", "34:12", "PT34M12.00S", "0", "-3:30", "-2", "x", "34:72", None]
    expected = [2040, 2052, 2052, 2052, 0, -210, -120, np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(raw_values.seconds(pd.Series(written)), expected)
    as_float32 = pd.Series([37.37, np.nan], dtype="float32")
    np.testing.assert_array_equal(raw_values.seconds(as_float32), [2242, np.nan])


def test_ids_in_every_dtype_become_the_same_text():
    for values in (["0022300001"], [22300001], [22300001.0], [" 22300001.0 "]):
        assert raw_values.digits(pd.Series(values), width=10).tolist() == ["0022300001"]
    nullable = raw_values.digits(pd.Series([22300001, None], dtype="Int64"), width=10)
    assert nullable.iloc[0] == "0022300001"
    assert nullable.isna().tolist() == [False, True]
    assert raw_values.digits(pd.Series(["0", "-5", "1.5", "x"])).isna().tolist() == [
        False, True, True, True,
    ]  # fmt: skip


def test_numbers_refuse_text_and_infinity():
    numbers = raw_values.numbers(pd.Series(["3", "x", "inf", None]))
    np.testing.assert_array_equal(numbers, [3, np.nan, np.nan, np.nan])
    nullable = raw_values.numbers(pd.Series([3, None], dtype="Int16"))
    np.testing.assert_array_equal(nullable, [3, np.nan])


@pytest.mark.parametrize(
    "written",
    [[2544, 0, np.nan, 1.5, -3], ["2544", "0", None, "1.5", "-3"]],
    ids=["number", "text"],
)
def test_player_ids_are_whole_numbers_however_they_are_written(written):
    issues = IngestIssues()
    frame = pd.DataFrame({"file": "players.csv", "row": range(1, 6), "PLAYER_ID": written})
    ids = columns.player_ids(frame, issues)
    np.testing.assert_array_equal(ids, [2544, np.nan, np.nan, np.nan, np.nan])
    (error,) = issues.errors
    assert error.count == 2


@pytest.mark.parametrize(("late", "n_read"), [(0, 20), (1, 0)])
def test_milliseconds_since_1970_are_days_if_all_are_whole(late, n_read):
    days = pd.Series(pd.date_range("2023-10-24", periods=20))
    written = days.astype("datetime64[ms]").astype("int64")
    written.iloc[-1] += late * 3_600_000
    found = raw_values.dates(written, None).days
    assert found.eq(days).sum() == n_read
    assert raw_values.dates(written.head(19), None).days.isna().all()
