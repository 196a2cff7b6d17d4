"""Tuning: trials judged on validation seasons, studies that many workers share, what they chose."""
