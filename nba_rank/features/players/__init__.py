"""Players as of a date: their team, expected minutes, box vector and impact rating."""
