"""What workers need, imported once in the process that they are forked from."""

from nba_rank.core.startup import importing

with importing():
    from nba_rank.experiments import run  # noqa: F401
    from nba_rank.models.model_a import fit  # noqa: F401
