"""Raw columns of any dtype as ids, numbers, seconds and dates; what cannot be read is null."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from nba_rank.core.seasons import season_of_game

_ISO = r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_NAMED_MONTH = r"([A-Za-z]{3} \d{1,2}, \d{4})"
_SLASHES = r"(\d{1,2}/\d{1,2}/(?:\d{4}|\d{2}))(?: \d{1,2}:\d{2}(?::\d{2})?)?"
_CLOCK = r"(-)?(?:PT)?(\d+)[:M]([0-5]?\d(?:\.\d+)?)S?"

ISO, NAMED_MONTH, MONTH_DAY, DAY_MONTH = "ISO", "month by name", "month/day", "day/month"
_FORMS = {
    ISO: (_ISO, "%Y-%m-%d"),
    NAMED_MONTH: (_NAMED_MONTH, "%b %d, %Y"),
    MONTH_DAY: (_SLASHES, ""),
}


def text(values: pd.Series) -> pd.Series:
    """Return a column as stripped text; empty text is null."""

    def strip(distinct: pd.Series) -> pd.Series:
        stripped = distinct.astype("str").str.strip()
        return stripped.where(stripped != "")

    return _each_distinct(values, strip).astype("str")


def present(values: pd.Series) -> pd.Series:
    """Mark values that are neither null nor empty text."""
    return values.notna() if pd.api.types.is_numeric_dtype(values) else text(values).notna()


def digits(values: pd.Series, width: int = 1) -> pd.Series:
    """Return whole non-negative numbers as text of at least `width` digits."""

    def extract(distinct: pd.Series) -> pd.Series:
        whole = text(distinct).str.extract(r"^0*(\d+?)(?:\.0+)?$", expand=False)
        return whole.str.zfill(width)

    return _each_distinct(values, extract)


def numbers(values: pd.Series) -> pd.Series:
    """Return a column as float64; text that is no finite number is null."""
    if not pd.api.types.is_numeric_dtype(values):
        values = _each_distinct(values, lambda each: pd.to_numeric(text(each), errors="coerce"))
    plain = values.to_numpy(dtype="float64", na_value=np.nan)
    return pd.Series(np.where(np.isfinite(plain), plain, np.nan), index=values.index)


def truths(values: pd.Series) -> pd.Series:
    """Return a column of booleans, 0/1 or their text as bool; null is False."""
    return _each_distinct(
        values, lambda each: text(each).str.lower().map({"true": 1.0, "1": 1.0, "1.0": 1.0})
    ).eq(1.0)


def seconds(values: pd.Series) -> pd.Series:
    """Return whole seconds (float64) of minutes like `34`, `34.2`, `34:12` or `PT34M12.00S`."""
    minutes = numbers(values)
    result = (minutes * 60).round()
    clock = minutes.isna() & values.notna()
    if clock.any():
        parts = text(values[clock]).str.extract(f"^{_CLOCK}$")
        total = parts[1].astype("float64") * 60 + parts[2].astype("float64")
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


def dates(values: pd.Series, start_years: pd.Series | None) -> tuple[pd.Series, str, bool]:
    """Read the dates of one file, all in one format that is decided from all of its values.

    A datetime column is taken as it is. Text is ISO (`2023-10-24`, with or without a time, of which
    the day as written counts), a month by name (`OCT 24, 2023`) or two numbers and a year between
    slashes, whichever fits most values; a value of another format is null. Slashes are month/day,
    as American spreadsheets write them, if every value is then a day of its season (or any day,
    where seasons are not known). Only if that fails, and every value is such a day when read as
    day/month, are they day/month. If both fit every value, it is month/day, and undecided.

    Returns:
        Dates (datetime64[us], midnight), the name of the format, and whether the order of day and
        month is undecided.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.dt.tz_localize(None).dt.normalize().astype("datetime64[us]"), ISO, False
    written = text(values)
    found: dict[str, pd.Series] = {}
    for name, (form, _) in _FORMS.items():
        found[name] = _extract(written, form)
        if found[name].notna().all():
            break
    name = max(found, key=lambda form: found[form].notna().sum())
    if name != MONTH_DAY:
        return _parse(found[name], _FORMS[name][1]), name, False
    fitting = {}
    for order, form in ((MONTH_DAY, "%m/%d"), (DAY_MONTH, "%d/%m")):
        short = _parse(found[MONTH_DAY], f"{form}/%y")
        parsed = short.fillna(_parse(found[MONTH_DAY], f"{form}/%Y"))
        fits = parsed.notna().eq(values.notna())
        if start_years is not None:
            fits &= ~outside_season(parsed, start_years)
        fitting[order] = (parsed, bool(fits.all()))
    if fitting[DAY_MONTH][1] and not fitting[MONTH_DAY][1]:
        return fitting[DAY_MONTH][0], DAY_MONTH, False
    undecided = fitting[DAY_MONTH][1] and not fitting[DAY_MONTH][0].equals(fitting[MONTH_DAY][0])
    return fitting[MONTH_DAY][0], MONTH_DAY, undecided


def _extract(written: pd.Series, form: str) -> pd.Series:
    return _each_distinct(written, lambda each: each.str.extract(f"^{form}$", expand=False))


def _parse(written: pd.Series, form: str) -> pd.Series:
    days = _each_distinct(written, lambda each: pd.to_datetime(each, format=form, errors="coerce"))
    return days.astype("datetime64[us]")


def seasons(game_ids: pd.Series) -> pd.Series:
    """Return the season of each ten-digit game id."""
    return _each_distinct(game_ids.str[:5], lambda each: each.map(season_of_game)).astype("str")


def start_years(game_ids: pd.Series) -> pd.Series:
    """Return the year in which the season of each ten-digit game id starts."""
    return seasons(game_ids).str[:4].astype("int64")
