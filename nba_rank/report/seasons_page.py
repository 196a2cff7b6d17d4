"""The front door of a folder of forecasts: a page that lists the seasons."""

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

from nba_rank.report.render import templates


def seasons_page(seasons: Sequence[tuple[str, str, str, Markup]]) -> str:
    """Return the page as HTML.

    Args:
        seasons: Name, address of the newest page, its date as `2024-01-15`, and its first words,
            newest first.
    """
    days = [f"{date.fromisoformat(day):%B %-d, %Y}" for _, _, day, _ in seasons]
    listed = [(*season, day) for season, day in zip(seasons, days, strict=True)]
    return templates().get_template("seasons.html.j2").render(seasons=listed)
