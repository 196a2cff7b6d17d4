"""Why a team is ranked where it is: parts of scores and strengths that sum to the whole."""
