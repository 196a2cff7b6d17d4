"""Raw columns of any dtype as ids, numbers, seconds and dates; what cannot be read is null."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.seasons import season_of_game

_TIME = (
    r"^(?P<day>.*?\d)(?:(?:T|,? +)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?"
    r" ?(?P<half>[ap]m?)?\.? ?(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2}|e[sd]?t)?)?$"
)
_DAY = r"(?:[A-Za-z]{3,9},? )?"
_FORMS = {
    "ISO": r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
    "year/month/day": r"(?P<year>\d{4})[/.](?P<month>\d{1,2})[/.](?P<day>\d{1,2})",
    "year, month and day without a sign": (
        r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?:\.0+)?"
    ),
    "month by name": _DAY + r"(?P<month>[A-Za-z]{3})[a-z]*\.? (?P<day>\d{1,2}),? (?P<year>\d{4})",
    "day and month by name": (
        _DAY + r"(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3})[a-z]*\.?,?[ -](?P<year>\d{4}|\d\d)"
    ),
    "month/day": r"(?P<month>\d{1,2})[/.-](?P<day>\d{1,2})[/.-](?P<year>\d{4}|\d\d)",
    "day/month": r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4}|\d\d)",
}
MONTH_DAY, DAY_MONTH = "month/day", "day/month"
_REFUSED = {
    r"[34]\d{4}(?:\.0+)?": "the serial number of a spreadsheet; format the column as a date",
    r"\d{9,10}(?:\.0+)?|\d{12,19}": "seconds or the like since 1970; write days",
    r"\d{1,2}[/.-]\d{1,2}|\d{3,4}|\d{1,2}-[A-Za-z]{3}": "without its year",
    r"(?:[A-Za-z]{3,9},? )?[A-Za-z]{3,9}\.? \d{1,2}": "without its year",
    r".*\d:\d\d.* [A-Za-z]{2,5}": "a time of an unknown zone; write it like -05:00 or Z",
    r"\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}.*": "a day that does not exist, or another order",
}
"""What a value is that cannot be read as a date, by its form."""

LEAGUE_ZONE = "America/New_York"
"""Games belong to the day on which they begin there."""

EARLIEST_TIP = 6
"""No game begins there in the hours of the day up to this one, after midnight."""

MAX_ODD_TIPS = 0.05
"""A greater share of times in those hours is of another zone."""

_DAY_MS = 24 * 60 * 60 * 1000

MIN_EPOCH_DAYS = 20
"""So many different days tell days from times, where they are counted since 1970."""

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "<NA>", "-", "--", "\\N")
"""Texts that stand for no value."""

_CLOCK = r"(-)?(?:PT)?(?:0?0:)?(\d+)(?:\.0+)?(?:[:M]([0-5]?\d(?:\.\d+)?)S?|M)(?::00)?"


@dataclass(frozen=True)
class Dates:
    """Dates of one file.

    Attributes:
        days: The league's days (datetime64[us], midnight), null where a value is of another form.
        form: Name of the form.
        undecided: Whether month/day and day/month both fit every value.
        zone: What was done with the times, or empty.
        odd: The times are of no known zone.
    """

    days: pd.Series
    form: str
    undecided: bool = False
    zone: str = ""
    odd: bool = False


def text(values: pd.Series) -> pd.Series:
    """Return a column as stripped text; text that stands for no value is null."""

    def strip(distinct: pd.Series) -> pd.Series:
        stripped = distinct.astype("str").str.strip()
        return stripped.where(~stripped.isin(MISSING))

    return _each_distinct(values, strip).astype("str")


def present(values: pd.Series) -> pd.Series:
    """Mark values that are neither null nor empty text."""
    return values.notna() if pd.api.types.is_numeric_dtype(values) else text(values).notna()


def digits(values: pd.Series, width: int = 1) -> pd.Series:
    """Return whole non-negative numbers as text of at least `width` digits."""

    def extract(distinct: pd.Series) -> pd.Series:
        # Spreadsheets guard leading zeros as `'0022300001` or `="0022300001"`.
        form = r"""^(?:'|=?")?0*(\d+?)(?:\.0+)?"?$"""
        whole = text(distinct).str.extract(form, expand=False)
        return whole.str.zfill(width)

    return _each_distinct(values, extract)


def numbers(values: pd.Series) -> pd.Series:
    """Return a column as float64; text that is no finite number is null."""
    if not pd.api.types.is_numeric_dtype(values):
        values = _each_distinct(values, lambda each: pd.to_numeric(text(each), errors="coerce"))
    plain = values.to_numpy(dtype="float64", na_value=np.nan)
    return pd.Series(np.where(np.isfinite(plain), plain, np.nan), index=values.index)


def odds(values: pd.Series) -> pd.Series:
    """Return bookmakers' figures without their signs.

    `pk` is 0, `NL` is none, `+1½` is 1.5, `-3.5 (-110)` is -3.5, `1,85` is 1.85, and fractional
    odds of `10/11` are 1.909 in decimal ones.
    """
    if pd.api.types.is_numeric_dtype(values):
        return values
    return _each_distinct(values, _plain_odds)


def _plain_odds(values: pd.Series) -> pd.Series:
    plain = text(values).str.replace("[\N{MINUS SIGN}\N{EN DASH}\N{HYPHEN}]", "-", regex=True)
    plain = plain.str.replace(r"(?<=\S)(?: +[+-]\d{3,4}| *\([^()]*\))$", "", regex=True)
    plain = plain.str.replace(
        r"(\d?)(?:½|(?<=\d) 1/2)$", lambda half: f"{half[1] or 0}.5", regex=True
    )
    plain = plain.str.replace(r"^([+-]?\d+),(\d\d?)$", r"\1.\2", regex=True)
    plain = plain.str.replace(r"^([+-]?\d{1,2}),(\d{3})$", r"\1\2", regex=True)
    parts = plain.str.extract(r"^(\d+)(?:/(\d+))?$").astype("float64")
    fractions = parts[1].gt(0)
    even = "100"
    if fractions.any():
        # Among fractions `2` is 2/1.
        fractions |= parts[0].gt(0) if 2 * fractions.sum() >= len(values) else False
        plain = plain.mask(fractions, (1 + parts[0] / parts[1].fillna(1)).astype("str"))
        even = "2"
    upper = plain.str.upper().str.replace(r"[^A-Z]", "", regex=True)
    known = {
        **dict.fromkeys(("PK", "PICK", "PICKEM"), "0"),
        **dict.fromkeys(("EV", "EVEN", "EVENS"), even),
        **dict.fromkeys(("NL", "OFF", "OTB")),
    }
    return plain.mask(plain.notna() & upper.isin([*known]), upper.map(known))


def truths(values: pd.Series) -> pd.Series:
    """Return a column of booleans, 0/1 or their text as bool; null is False."""
    return _each_distinct(
        values, lambda each: text(each).str.lower().map({"true": 1.0, "1": 1.0, "1.0": 1.0})
    ).eq(1.0)


def seconds(values: pd.Series) -> pd.Series:
    """Return whole seconds (float64) of minutes: `34.2`, `34:12`, `34.00:12` or `PT34M12.00S`.

    Also of `34:12:00` and `0:34:12`, which spreadsheets make of `34:12`.
    """
    minutes = numbers(values)
    result = (minutes * 60).round()
    clock = minutes.isna() & values.notna()
    if clock.any():
        parts = text(values[clock]).str.extract(f"^{_CLOCK}$")
        total = parts[1].astype("float64") * 60
        total += parts[2].astype("float64").fillna(0)
        result[clock] = total.where(parts[0].isna(), -total).round()
    return result


def _each_distinct(values: pd.Series, function: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Apply a function to the distinct values only: logs repeat most of theirs."""
    codes, distinct = pd.factorize(values)
    # Nulls have the code -1, which is in no index, and so stay null.
    return function(pd.Series(distinct)).reindex(codes).set_axis(values.index)


def outside_season(dates: pd.Series, start_years: pd.Series) -> pd.Series:
    """Mark dates that no game of a season has: before September or after October a year later."""
    months = (dates.dt.year - start_years) * 12 + dates.dt.month
    return dates.notna() & ~months.between(9, 22)


def dates(values: pd.Series, start_years: pd.Series | None) -> Dates:
    """Read the dates of one file, all in one form that is decided from all of its values.

    It is the form of `_FORMS` that fits most values. Three numbers whose last is the year are
    month/day, as American spreadsheets write them, if every value is then a day of its season (or
    any day, where seasons are not known). Only if that fails, and every value is such a day when
    read as day/month, are they day/month. If both fit every value, it is month/day, and undecided.

    A time with a zone is turned into the league's day. Times without one are the league's, unless
    too many are at night there: they are then taken for UTC. Midnight throughout is no time.
    """
    codes, distinct = pd.factorize(values)
    if pd.api.types.is_datetime64_any_dtype(values):
        parts = _clock_of(pd.Series(distinct))
        days, form, undecided = (
            pd.Series(distinct).dt.tz_localize(None).dt.normalize(),
            "ISO",
            False,
        )
    else:
        lower = _days_of_epoch(text(pd.Series(distinct)))
        parts = lower.str.extract(_TIME, flags=re.IGNORECASE)
        several = _in_every_form(parts["day"])
        rows = {
            form: found.reindex(codes).set_axis(values.index) for form, found in several.items()
        }
        form, undecided = _choose(rows, start_years)
        days = several[form]
    days, zone, odd = _league_days(days.astype("datetime64[us]"), parts, codes)
    return Dates(days.reindex(codes).set_axis(values.index), form, undecided, zone, odd)


def _days_of_epoch(written: pd.Series) -> pd.Series:
    """Return milliseconds since 1970, as pandas writes days in JSON, as days.

    Distinct ones that are all whole days are no times of games: many begin at midnight in UTC, but
    not all.
    """
    count = numbers(written).where(written.str.fullmatch(r"\d{12,13}").eq(True))
    if len(count) < MIN_EPOCH_DAYS or not count.mod(_DAY_MS).eq(0).all():
        return written
    return pd.to_datetime(count, unit="ms").dt.strftime("%Y-%m-%d")


def refusal(written: str) -> str:
    """Say what a value is that is no date."""
    fits = (what for form, what in _REFUSED.items() if re.fullmatch(form, written.strip()))
    return next(fits, "not understood")


def _clock_of(times: pd.Series) -> pd.DataFrame:
    parts = pd.DataFrame({"hour": times.dt.hour, "minute": times.dt.minute, "half": None})
    parts["offset"] = pd.Series(pd.NaT, times.index, dtype="timedelta64[us]")
    if times.dt.tz is not None:
        utc = times.dt.tz_convert("UTC").dt.tz_localize(None)
        parts["offset"] = times.dt.tz_localize(None) - utc
    return parts


def _in_every_form(written: pd.Series) -> dict[str, pd.Series]:
    """Return the days of each form that is worth a look, null where a value has another."""
    found: dict[str, pd.Series] = {}
    for name, form in _FORMS.items():
        part = written.str.extract(f"^{form}$")
        year = part["year"].where(part["year"].str.len() != 2, "20" + part["year"])
        month = part["month"].str.capitalize()
        style = "%Y-%b-%d" if "name" in name else "%Y-%m-%d"
        day = pd.to_datetime(year + "-" + month + "-" + part["day"], format=style, errors="coerce")
        found[name] = day
        if day.notna().sum() == written.notna().sum() and name not in (MONTH_DAY, DAY_MONTH):
            break
    return found


def _choose(found: dict[str, pd.Series], start_years: pd.Series | None) -> tuple[str, bool]:
    """Return the form of the values of one file, and whether day and month are undecided."""
    form = max(found, key=lambda name: found[name].notna().sum())
    if form not in (MONTH_DAY, DAY_MONTH):
        return form, False
    known = pd.concat(found, axis=1).notna().any(axis=1)
    fits = {}
    for order in (MONTH_DAY, DAY_MONTH):
        days = found[order]
        outside = False if start_years is None else outside_season(days, start_years)
        fits[order] = bool((days.notna().eq(known) & ~pd.Series(outside, days.index)).all())
    if fits[DAY_MONTH] and not fits[MONTH_DAY]:
        return DAY_MONTH, False
    return MONTH_DAY, fits[DAY_MONTH] and not found[DAY_MONTH].equals(found[MONTH_DAY])


def _league_days(
    days: pd.Series, parts: pd.DataFrame, codes: npt.NDArray[np.intp]
) -> tuple[pd.Series, str, bool]:
    """Turn days with times into the league's days; also what was done, and whether it is odd."""
    minutes = parts["hour"].astype("float64") * 60 + parts["minute"].astype("float64")
    half = parts["half"].astype("str").str[:1].str.lower()
    minutes = minutes % 720 + 720 * half.eq("p") if half.isin(["a", "p"]).any() else minutes
    timed = minutes.notna() & days.notna()
    if not minutes[timed].gt(0).any():
        return days, "", False
    local = pd.Series(False, index=days.index)
    if "zone" in parts:
        zone = parts["zone"].astype("str").str.lower()
        local, parts = zone.str.startswith("e").eq(True), parts.assign(offset=_offsets(zone))
    offset = pd.to_timedelta(parts["offset"])
    zoned = timed & offset.notna()
    weight = pd.Series(codes).value_counts().reindex(days.index, fill_value=0)
    naive = timed & ~zoned & ~local
    told = "times with a zone were turned into days of US Eastern time" if zoned.any() else ""
    night = naive & minutes.between(1, EARLIEST_TIP * 60 - 1)
    if weight[night].sum() > MAX_ODD_TIPS * weight[naive].sum():
        zoned, offset = zoned | naive, offset.fillna(pd.Timedelta(0))
        told = "times at night are taken for UTC and turned into days of US Eastern time"
    moment = days + pd.to_timedelta(minutes, unit="min") - offset
    moment = moment[zoned].dt.tz_localize("UTC").dt.tz_convert(LEAGUE_ZONE).dt.tz_localize(None)
    odd = naive & moment.dt.hour.between(1, EARLIEST_TIP).reindex(days.index, fill_value=False)
    many = bool(weight[odd].sum() > MAX_ODD_TIPS * weight[naive].sum())
    return days.mask(zoned, moment.dt.normalize()), told, many


def _offsets(zones: pd.Series) -> pd.Series:
    """Return the time east of UTC of zones like `z` or `-05:00`, null where there is none."""
    parts = zones.str.extract(r"^([+-])(\d{2}):?(\d{2})$")
    minutes = parts[1].astype("float64") * 60 + parts[2].astype("float64")
    minutes = minutes.mask(parts[0].eq("-"), -minutes).mask(zones.isin(["z", "utc", "gmt"]), 0.0)
    return pd.to_timedelta(minutes, unit="min")


def seasons(game_ids: pd.Series) -> pd.Series:
    """Return the season of each ten-digit game id."""
    return _each_distinct(game_ids.str[:5], lambda each: each.map(season_of_game)).astype("str")


def start_years(game_ids: pd.Series) -> pd.Series:
    """Return the year in which the season of each ten-digit game id starts."""
    return seasons(game_ids).str[:4].astype("int64")
