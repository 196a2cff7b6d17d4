"""Names of levels, parts and measures, for those who tell of them."""

MOVED_SCORE, PLACES, WINS = "moved_score", "moved_places", "moved_wins"
"""Levels: how much more the score, the places gained and the expected wins are than before."""

RESULTS, OTHERS_RESULTS, OTHERS = "new_results", "results_of_others", "strength_of_others"
OTHERS_SCORES = "scores_of_others"
"""Where nothing tells results from strengths, the part of both."""

SEASON, SMALL = "weight_of_the_season", "small_parts"

PLAYER = "player"
PLAYER_STATES = {
    "back": f"{PLAYER}_is_back", "out": f"{PLAYER}_is_out",
    "came": f"{PLAYER}_has_come", "left": f"{PLAYER}_has_gone",
}  # fmt: skip
"""Parts of players who were not there before, or are not now."""

SHAP, PERMUTATION, PART = "mean_absolute_shap", "spearman_lost", "mean_absolute_part"
"""Measures: of a group's SHAP values against the average team of the date; how much lower the rank
correlation with the outcome is where the group's values are dealt to the teams of a date anew; and
of an input's part of the stack's score against the average team."""

BY_FEATURE = "mean_absolute_shap_by_feature"
"""The first of these of a single feature instead of a group."""

CHANGE, ABLATION = "mean_absolute_change", "spearman_lost_without"
"""Measures of inputs of model A that every player, or every team of a date, has at the average:
how far scores move, and how much lower the rank correlation with the outcome is."""
