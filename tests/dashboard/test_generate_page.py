"""The pages Generate and Edit, without a browser."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from baselines.autoencoder import AutoencoderSettings
from dashboard import sampling, state, view
from data.images import read_png
from runtime.checkpoint import load_tensors, read_info, save_weights
from tests.dashboard.apps import choice, finished, generate, labelled, open_page, sampled


def test_what_is_chosen_is_generated_and_shown_as_a_command(tiny):
    app = generate(tiny)
    labelled(app.selectbox, "Head").set_value(choice("head", "Crown")).run()
    steps = labelled(app.number_input, "Steps")
    steps.set_value(3).run()
    assert "attrs=Crown" in app.code[-1].value and "steps=3" in app.code[-1].value
    sampled(app)
    assert not app.exception and not app.error
    (generation,) = app.session_state["history"]
    assert generation.images.shape == (2, 3, 24, 24) and generation.request == "Crown"
    app.number_input(key="generate.seed").set_value(9).run()
    sampled(app)
    first, second = app.session_state["history"]
    assert second.seeds == [9, 10] and not torch.equal(first.images, second.images)
    labelled(app.button, "Favourite").click().run()
    assert len(app.session_state["favourites"]) == 1 and not app.exception


def test_a_phrase_is_understood_and_what_is_not_is_said(tiny):
    app = generate(tiny, **{"generate.way": "phrase", "generate.phrase": "a face with a crown and a zeppelin"})
    sampled(app)
    assert "ignored" in app.warning[0].value and "zeppelin" in app.warning[0].value
    assert app.session_state["history"][0].request == "Crown"


@pytest.mark.parametrize("names", ["crwn", "crown,top hat", "crown * much", "${oc.env:HOME}", "crown:'"])
def test_what_cannot_be_generated_is_said_in_one_line(tiny, names):
    app = generate(tiny, **{"generate.way": "names", "generate.names": names})
    sampled(app)
    assert not app.exception and len(app.error) == 1 and "\n" not in app.error[0].value
    assert app.session_state["history"] == []


def test_weights_without_labels_generate_without_a_request(in_tmp, train_tiny):
    run = train_tiny("train.steps=1", "cfg=off", "run=runs/faces/off")
    app = open_page("generate", **{"generate.weights": run.weights.as_posix()})
    labelled(app.number_input, "Steps").set_value(2).run()
    sampled(app)
    assert not app.exception and not app.error and len(app.session_state["history"]) == 1


def test_weights_that_generate_nothing_by_themselves_are_not_offered(in_tmp, weights):
    """On the page Evaluate, upsamplers are: there are measures for them."""
    info, encoder = read_info(weights), AutoencoderSettings().plain()
    for name, change in (("plain", {}), ("enlarge", {"upsample": 2}), ("encoder", {"model": encoder})):
        path = Path(f"runs/faces/{name}/checkpoints/ema.safetensors")
        path.parent.mkdir(parents=True)
        save_weights(path, load_tensors(weights), replace(info, config={**info.config, **change}))
    state._weights.clear()
    offered = [
        {name for name in ("plain", "enlarge", "encoder") if any(name in option for option in lists.options)}
        for lists in (labelled(open_page(page).selectbox, "Weights") for page in ("generate", "evaluate"))
    ]
    assert offered == [{"plain"}, {"plain", "enlarge"}]


def test_pngs_are_encoded_when_they_are_downloaded_and_not_at_every_rerun(tiny, monkeypatch):
    encoded, png = [], view.png
    monkeypatch.setattr(view, "png", lambda image, scale=1, *args: encoded.append(scale) or png(image, scale, *args))
    app = generate(tiny)
    labelled(app.number_input, "Steps").set_value(2).run()
    sampled(app)
    app.number_input(key="generate.seed").set_value(9).run()
    assert set(encoded) == {1}  # those shown on the page, in their own size
    app.session_state["history"][0].archive()
    assert encoded.count(8) == 2


def test_two_visitors_do_not_see_each_other(tiny):
    one, other = generate(tiny), generate(tiny)
    sampled(one)
    other.run()
    assert len(one.session_state["history"]) == 1 and other.session_state["history"] == []


def test_a_picture_is_edited_from_a_noise_level(tiny):
    image = torch.zeros(3, 24, 24, dtype=torch.uint8)
    app = open_page("edit", **{"edit.weights": tiny, "edit.picture": image, "edit.way.True": "noise"})
    app.number_input(key="edit.n").set_value(1)
    labelled(app.number_input, "Steps").set_value(4).run()
    app.slider(key="edit.strength").set_value(0.0).run()
    assert not Path("samples").exists()  # nothing was asked for yet
    sampled(app, "edit")
    assert not app.error and not app.exception
    generation = app.session_state["edit.generation"]
    assert generation.record["strength"] == 0 and torch.equal(generation.init, image)
    (saved,) = Path("samples/edits").iterdir()
    assert torch.equal(read_png(saved), image)
    assert f"init={saved}" in app.code[-1].value and "strength=0" in app.code[-1].value
    assert app.session_state["history"] == [generation]


class Endless:
    """Sampling that goes on until it is cancelled, or told to end."""

    def __init__(self, monkeypatch):
        self.begin, self.told = sampling.begin, False
        monkeypatch.setattr(sampling, "begin", lambda overrides, load: self.endless(self.begin(overrides, load)))

    def endless(self, task):
        def sample(show):
            while not self.told:
                show(0.5, None, 8)
                time.sleep(0.01)
            return task(show)

        return sample


def test_widgets_that_are_changed_while_it_samples_lose_nothing(tiny, monkeypatch):
    endless, app = Endless(monkeypatch), generate(tiny)
    labelled(app.button, "Generate").click().run()
    assert labelled(app.button, "Cancel") and not app.session_state["history"]
    app.number_input(key="generate.seed").set_value(9).run()
    labelled(app.selectbox, "Head").set_value(choice("head", "Crown")).run()
    endless.told = True
    finished(app)
    (generation,) = app.session_state["history"]
    assert generation.seeds == [0, 1] and generation.request == "any"  # as it was when the button was pressed
    assert "seed=9" in app.code[-1].value and "attrs=Crown" in app.code[-1].value


def test_sampling_can_be_cancelled_and_leaves_what_was_there(tiny, monkeypatch):
    app = sampled(generate(tiny))
    Endless(monkeypatch)
    labelled(app.button, "Generate").click().run()
    labelled(app.button, "Cancel").click().run()
    finished(app)
    assert not app.error and len(app.session_state["history"]) == 1 and labelled(app.button, "Generate")


def test_pictures_of_an_earlier_request_are_not_shown_beneath_an_error(tiny):
    app = sampled(generate(tiny))
    assert app.get("bidi_component")
    app.segmented_control(key="generate.way").set_value("names").run()
    app.text_input(key="generate.names").set_value("crwn").run()
    sampled(app)
    assert len(app.error) == 1 and not app.get("bidi_component")
    app.text_input(key="generate.names").set_value("crown").run()
    sampled(app)
    assert not app.error and app.get("bidi_component") and len(app.session_state["history"]) == 2


def test_errors_mean_what_they_say_and_are_no_markdown(tiny):
    app = generate(tiny, **{"generate.way": "names", "generate.names": "$x_0$ *bold*"})
    sampled(app)
    shown = app.error[0].value
    assert r"\$x\_0\$ \*bold\*" in shown
    assert view.plain("a b 1") == "a b 1"


def test_a_first_visit_begins_with_a_picture_and_a_later_one_does_not(tiny):
    app = open_page("generate", **{"generate.weights": tiny, "welcome": True})
    finished(app)
    assert [generation.seeds for generation in app.session_state["history"]] == [[0]]
    app.session_state["history"].clear()
    assert "generate.work" not in app.run().session_state


def test_a_picture_becomes_a_favourite_and_ceases_to_be_one(tiny):
    app = sampled(generate(tiny))
    labelled(app.button, "Favourite").click().run()
    assert len(app.session_state["favourites"]) == 1 and labelled(app.button, "A favourite")
    assert "Favourites (1)" in app.segmented_control(key="generate.view").options
    app.segmented_control(key="generate.view").set_value("favourites").run()
    labelled(app.button, "A favourite").click().run()
    assert not app.session_state["favourites"] and not app.exception


def test_what_came_of_another_picture_is_not_shown_beside_this_one(tiny):
    """An upload once stood beside the results, and the "before", of the picture before it."""
    image, other = torch.zeros(3, 24, 24, dtype=torch.uint8), torch.full((3, 24, 24), 90, dtype=torch.uint8)
    app = open_page("edit", **{"edit.weights": tiny, "edit.picture": image, "edit.way.True": "noise"})
    app.number_input(key="edit.n").set_value(1)
    labelled(app.number_input, "Steps").set_value(2).run()
    sampled(app, "edit")
    assert "Edit this further" in [button.label for button in app.button]
    app.session_state["edit.picture"] = other
    app.run()
    assert "Edit this further" not in [button.label for button in app.button]
    app.session_state["edit.picture"] = image
    app.run()
    labelled(app.button, "Edit this further").click().run()
    made = app.session_state["edit.generation"].images[0]
    assert torch.equal(app.session_state["edit.picture"], made) and not app.exception


@pytest.mark.parametrize("chosen", [None, 0])
def test_the_picture_that_is_edited_stays_when_its_results_join_the_others(tiny, chosen):
    """Also one that was chosen: it stands among what was generated too, and once the newest was edited instead."""
    (generation,) = sampled(generate(tiny)).session_state["history"]
    before = generation.images[-1 if chosen is None else chosen]  # the newest, unless one was chosen
    given = {} if chosen is None else {"edit.picture": before}
    app = open_page("edit", **{"edit.weights": tiny, "history": [generation], "edit.way.True": "noise", **given})
    assert torch.equal(app.session_state["edit.picture"], before)
    app.number_input(key="edit.n").set_value(1)
    labelled(app.number_input, "Steps").set_value(2).run()
    sampled(app, "edit")
    assert torch.equal(app.session_state["edit.generation"].init, before)
    assert len(app.session_state["history"]) == 2 and torch.equal(app.session_state["edit.picture"], before)
    assert "Edit this further" in [button.label for button in app.button]  # the results, beside their picture
