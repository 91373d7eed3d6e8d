"""What is said before a training: how large, how long, and whether the pictures are enough."""

import pytest

from data import PixelFaces
from models import UNetSettings
from runtime.distributed import CPU, Processes
from training import forecast as module
from training.forecast import Forecast, forecast, in_words
from training.settings import Loop, TrainSettings

SMALL = TrainSettings(
    dataset=PixelFaces(count=100),
    model=UNetSettings(channels=8, channel_mults=[1, 2], blocks=1, attention_levels=[], head_dim=8, map_channels=0),
    precision="fp32",
    train=Loop(steps=3000, batch_size=4),
)


def test_steps_are_timed_and_the_network_is_counted(monkeypatch):
    clock = iter([0.0, 9.0, 10.0, 10.5, 20.0, 20.4])  # the first step, which warms up, does not count
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    splits = SMALL.dataset.load()
    shares = []
    found = forecast(SMALL, splits, Processes(0, 1, CPU), shares.append)
    assert shares == pytest.approx([0, 1 / 3, 2 / 3])
    model = SMALL.model.build(splits.train.image_shape, splits.train.schema.cardinalities)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.pictures == 85 and found.minutes == pytest.approx(0.4 * 3000 / 60)
    text = found.to_markdown()
    assert "20 min" in text and f"{found.parameters / 85:,.0f} for each" in text and "Fewer than 1,000" in text


@pytest.mark.parametrize(
    ("side", "pixel_art", "typed", "said"),
    [
        (24, True, {}, "diffusion.prediction=palette"),
        (96, True, {}, "diffusion.prediction=palette"),
        (64, False, {}, "model=auto with diffusion.prediction=x_0"),
        (32, False, {}, None),
        (64, False, {"prediction": "x_0"}, None),
        (24, True, {"prediction": "palette"}, None),
    ],
)
def test_what_would_learn_sooner_is_said(side, pixel_art, typed, said):
    settings = SMALL.replace(diffusion=SMALL.diffusion.replace(**typed))
    text = Forecast(settings, 10**6, 1000, 0.1, "cpu", side, pixel_art).to_markdown()
    assert ("much sooner" in text) == (said is not None) and (said or "") in text


def test_enough_pictures_need_no_warning():
    assert "Fewer" not in Forecast(SMALL, 10**6, 1000, 0.1, "cpu").to_markdown()


@pytest.mark.parametrize(
    ("minutes", "words"), [(0.2, "a minute"), (12.4, "12 min"), (61, "1 h"), (119, "2 h"), (259, "4 h 20 min")]
)
def test_durations(minutes, words):
    assert in_words(minutes) == words
