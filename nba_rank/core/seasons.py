"""Season labels such as `2023-24`."""


def season_label(start_year: int) -> str:
    """Return the label of the season that starts in a year: `2023-24` for 2023."""
    return f"{start_year}-{(start_year + 1) % 100:02d}"


def season_start_year(season: str) -> int:
    """Return the year in which a season starts.

    Raises:
        ValueError: The label is not of the form `2023-24`.
    """
    start = season[:4]
    if not (start.isdecimal() and season == season_label(int(start))):
        raise ValueError(f"season {season!r} is not of the form '2023-24'")
    return int(start)


def is_season(text: object) -> bool:
    """Whether a value is a season label."""
    try:
        return isinstance(text, str) and season_start_year(text) > 0
    except ValueError:
        return False


def season_of_game(game_id: str) -> str:
    """Return the season in digits 4 and 5 of a ten-digit game id (1946 to 2045)."""
    year = int(game_id[3:5])
    return season_label(2000 + year if year < 46 else 1900 + year)
