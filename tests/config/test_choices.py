from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from nba_rank.config import choices
from nba_rank.config.choices import Choices
from nba_rank.core.errors import ConfigError

TESTS = ["2008-09", "2009-10", "2010-11", "2014-15", "2015-16", "2016-17"]
FILE = {
    "development": "2009-10",
    "validation": "2014-15",
    "choices": {
        "features.impact.update_ridge": {
            "value": 50.0, "chosen_on": ["2003-04", "2009-10"],
            "checked_on": ["2010-11", "2014-15"], "measured": "flat",
        },
        "model.model_a.learning_rate": {
            "value": 0.0005, "chosen_on": ["2015-16", "2023-24"], "checked_on": [],
            "measured": "early",
        },
    },
}  # fmt: skip


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads choices from a file with some entries of one choice changed."""

    def made(**change):
        content = OmegaConf.create(FILE)
        content["choices"]["features.impact.update_ridge"].update(change)
        OmegaConf.save(content, tmp_path / "choices.yaml")
        monkeypatch.setattr(choices, "PATH", tmp_path / "choices.yaml")
        return Choices.read()

    return made


def test_the_file_holds_the_defaults_and_says_of_each_what_was_measured(compose_as_is):
    config, found = compose_as_is("data=nba"), Choices.read()
    assert len(found.made) > 10
    assert {c.key: c.current(config) for c in found.made} == {c.key: c.value for c in found.made}
    assert all(len(choice.measured) > 10 for choice in found.made)
    for choice in found.made:
        for first, last in filter(None, (choice.chosen_on, choice.checked_on)):
            assert first <= last, choice.key


def test_a_run_says_which_test_seasons_choices_have_seen(read, compose_as_is):
    config = compose_as_is()
    rate = replace(config.model.model_a, learning_rate=0.0005)
    config = replace(config, model=replace(config.model, model_a=rate))
    seen = read(value=config.features.impact.update_ridge).seen(TESTS, config)
    assert seen.development == TESTS[:2]
    assert seen.validation == TESTS[2:4]
    assert seen.reported == TESTS[4:]
    assert (seen.late, seen.changed) == (["model.model_a.learning_rate"], [])
    assert seen.line.startswith("Test seasons 2015-16 to 2016-17: seen by choices of defaults, 1 ")
    changed = read(value=1.0).seen(TESTS[:5], config)
    assert changed.changed == ["features.impact.update_ridge"]
    assert "2015-16: seen" in changed.line
    assert "Every test season" in read().seen(TESTS[:4], config).line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chosen_on": ["2003"]}, "no first and last season"),
        ({"checked_on": ["2003-04", "later"]}, "no first and last season"),
        ({"seasons": []}, "lacks something"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(read, change, message):
    with pytest.raises(ConfigError, match=message):
        read(**change)


def test_a_choice_of_nothing_is_refused(read, compose_as_is):
    [choice, _] = read().made
    for key in ("features.impact.no_such", "nba_rank.odds.monte_carlo.NO_SUCH", "seeds"):
        with pytest.raises(ConfigError, match=f"no option or constant {key}"):
            replace(choice, key=key).current(compose_as_is())
    assert replace(choice, key="nba_rank.core.names.ALL").current(compose_as_is()) == "all"
