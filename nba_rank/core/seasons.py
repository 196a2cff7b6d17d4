"""The text of a season, such as `2023-24`."""


def season_label(start_year: int) -> str:
    """Return the text of the season that starts in a year, such as `2023-24` for 2023."""
    return f"{start_year}-{(start_year + 1) % 100:02d}"


def season_start_year(season: str) -> int:
    """Return the year in which a season starts.

    Raises:
        ValueError: The text is not of the form `2023-24`.
    """
    start, _, end = season.partition("-")
    if not (len(start) == 4 and start.isdigit() and season == season_label(int(start)) and end):
        raise ValueError(f"season {season!r} is not of the form '2023-24'")
    return int(start)


def is_season(text: object) -> bool:
    """Whether a value is the text of a season, of the form `2023-24`."""
    try:
        return isinstance(text, str) and season_start_year(text) > 0
    except ValueError:
        return False


def season_of_game(game_id: str) -> str:
    """Return the season named by digits 4 and 5 of a ten-digit game id (1946 to 2045)."""
    year = int(game_id[3:5])
    return season_label(2000 + year if year < 46 else 1900 + year)
