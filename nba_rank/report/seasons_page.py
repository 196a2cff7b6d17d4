"""The front door of a folder of forecasts: a page that lists the seasons."""

from collections.abc import Sequence

from markupsafe import Markup

from nba_rank.report.render import templates


def seasons_page(seasons: Sequence[tuple[str, str, str, Markup]]) -> str:
    """Return the page as HTML.

    Args:
        seasons: Name, address of the newest page, its date, and its first words, newest first.
    """
    return templates().get_template("seasons.html.j2").render(seasons=seasons)
