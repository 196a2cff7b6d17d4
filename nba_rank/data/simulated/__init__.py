"""A simulated league: players with careers, a schedule, games with box scores, playoffs."""
