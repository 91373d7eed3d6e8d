"""The sampler of a page, in Node.js, beside that of Python: the same seed gives the same picture.

A closed form stands in the place of the network, in both languages.
"""

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conditions.prior import LabelPrior
from conditions.schema import ConditionSchema
from data.images import read_png, read_settings, to_uint8
from data.palette import Palette
from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.sampling import ImageNoise, SamplingOptions
from inference.export.description import describe
from inference.export.page import packed, planes
from inference.pipeline import Pipeline
from inference.weights import PRETRAINED
from runtime.checkpoint import read_info
from tests.inference.export.javascript import run

FORMULA = """
const area = given.model.image_shape[1] * given.model.image_shape[2];
const outputs = given.outputs;
const network = async (x_t, t, labels) => {
  const size = x_t.length / labels.length;
  const output = new Float32Array(labels.length * outputs * area);
  labels.forEach((label, b) => {
    const asked = label.reduce((sum, value, f) => sum + (value + 1) * ((f % 3) - 1), 0);
    for (let k = 0; k < outputs; k++) {
      for (let i = 0; i < area; i++) {
        const x = x_t[b * size + (k % given.model.image_shape[0]) * area + i];
        output[(b * outputs + k) * area + i] = 0.6 * x * ((k % 5) - 1.5) + 0.05 * asked * ((k % 7) - 3) + t / 900;
      }
    }
  });
  return output;
};
"""
SAMPLE = """
const model = prepared(given.model);
const pictures = [];
for (const request of given.requests) {
  const steps = [];
  const { pixels, frames, ...beside } = await samplePicture(model, network, request, async (n) => steps.push(n));
  const guesses = frames.slice(0, -1).map(({ x_0 }) => Array.from(x_0));
  pictures.push({ pixels: Array.from(pixels), times: frames.map(({ t }) => t), guesses, steps, ...beside });
}
return pictures;
"""
FILES = ["names.js", "noise.js", "prior.js", "sampler.js"]


def formula(outputs: int, channels: int):
    """The same as FORMULA."""

    def network(x_t: torch.Tensor, t: torch.Tensor, cond: torch.Tensor) -> torch.Tensor:
        k = torch.arange(outputs)
        weights = torch.tensor([(f % 3) - 1 for f in range(cond.shape[1])])
        asked = ((cond + 1) * weights).sum(dim=1).view(-1, 1, 1, 1).float()
        each = x_t[:, k % channels] * ((k % 5) - 1.5).view(1, -1, 1, 1)
        return 0.6 * each + 0.05 * asked * ((k % 7) - 3).view(1, -1, 1, 1) + t.view(-1, 1, 1, 1) / 900

    return network


def check(pipe: Pipeline, weights: Path, outputs: int, asked: list[tuple[str, float, int]], folder: Path) -> None:
    """That a page samples what Python does for each (names, w, seed), the formula in the place of the network."""
    pipe = replace(pipe, denoiser=formula(outputs, pipe.image_shape[0]))
    model = describe(pipe, weights)
    requests = [{"label": pipe.schema.encode(names).tolist(), "w": w, "seed": seed} for names, w, seed in asked]
    found = run(FILES, FORMULA + SAMPLE, {"model": model, "requests": requests, "outputs": outputs}, folder)
    for (names, w, seed), there in zip(asked, found, strict=True):
        options, guesses = SamplingOptions(w=w), []
        here = pipe(names, [seed], options, on_step=lambda done, s, x_s, x_0: guesses.append(to_uint8(x_0[0])))[0]  # noqa: B023
        assert (torch.tensor(there["guesses"]) - torch.stack(guesses).flatten(1).int()).abs().max() <= 1
        label = pipe.branches(names, [seed], options).labels[0][0]
        assert there["label"] == label.tolist()
        different = (torch.tensor(there["pixels"]).view(here.shape) != here).any(dim=0).float().mean()
        assert different <= 0.002, (names, w)  # a colour half-way between two may fall either way
        assert len(here.flatten(1).unique(dim=1).T) > 2, (names, w)
        assert there["evaluations"] == pipe.evaluations(names, options)
        chosen = model["sampling"]["complete" if w > 0 else "open"]
        assert there["times"] == chosen["times"][:-1] + chosen["renoising"] + [0]
        assert there["steps"] == list(range(1, pipe.total_steps(pipe.resolved(options, names)) + 1))


@pytest.mark.parametrize("prediction", ["eps", "x_0", "v", "palette"])
def test_a_page_samples_the_same_pictures_as_python(prediction, pipe, weights, tmp_path):
    """Complete labels and open ones, which the prior completes; with guidance, without, and without the request."""
    colours = pipe.palette.colours if prediction == "palette" else None
    diffusion = GaussianDiffusion(pipe.diffusion.schedule, Objective(prediction=prediction), colours)
    asked = [
        ("top hat,shades", 3.0, 5),
        ("any", 1.0, 2**32 - 1),
        ("-hat", 0.0, 7),
        ("crown", 0.5, 11),
        ("crown", 7.5, 11),
    ]
    check(replace(pipe, diffusion=diffusion), weights, len(colours) if colours is not None else 3, asked, tmp_path)


def test_a_page_samples_transparent_pictures_that_are_not_square(pipe, weights, tmp_path):
    """In colours with an alpha channel, 24 rows of 32 pixels."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(2, (40, 4, 24, 32), generator=generator).mul(255).to(torch.uint8)
    palette = Palette.of(images).per_pixel(images)
    diffusion = GaussianDiffusion(pipe.diffusion.schedule, Objective(prediction="palette"), palette.colours)
    pipe = replace(pipe, diffusion=diffusion, palette=palette, image_shape=(4, 24, 32))
    check(pipe, weights, len(palette), [("crown", 3.0, 5), ("any", 0.0, 6)], tmp_path)


def test_labels_are_completed_as_in_python(tmp_path):
    """By the label prior of the pretrained weights, with the numbers that a weights file has."""
    info = read_info(PRETRAINED / "cryptopunks.safetensors")
    schema, prior = ConditionSchema.from_json(info.schema), LabelPrior.from_json(info.prior)
    code = "return given.asked.map(([label, seed]) => completed(given.prior, given.fields, label, seed));"
    labels = torch.stack([schema.encode(names) for names in ("any", "male,glasses", "zombie,-hat", "hat")])
    labels, seeds = labels.repeat(50, 1), range(2**32 - 200, 2**32)
    asked = [[label, seed] for label, seed in zip(labels.tolist(), seeds, strict=True)]
    data = {"prior": json.loads(info.prior), "fields": json.loads(info.schema)["fields"], "asked": asked}
    found = run(["names.js", "noise.js", "prior.js"], code, data, tmp_path)
    assert found == prior.complete_by_seed(schema, labels, seeds).tolist()


def test_noise_of_a_seed_is_that_of_python(tmp_path):
    sizes, seeds = [16, 20, 24 * 24 * 3, 1001], [0, 1, 2**31, 2**32 - 1]
    code = "return given.map(([seed, count]) => Array.from(normalNoise(new MersenneTwister(seed), count)));"
    asked = [[seed, count] for seed in seeds for count in sizes]
    for (seed, count), noise in zip(asked, run(["noise.js"], code, asked, tmp_path), strict=True):
        assert torch.allclose(torch.tensor(noise), ImageNoise([seed], (count,))()[0], atol=2e-6)


def test_the_forward_process_is_that_of_the_schedule(pipe, weights, tmp_path):
    """t = 0 is the picture, and t = T noise with a trace of it."""
    picture = torch.randint(0, 256, (3, 24, 24), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    model, T = describe(pipe, weights), pipe.diffusion.schedule.T
    code = "return given.times.map((t) => Array.from(noised(given.model, given.pixels, 3, t)));"
    times = [0, T // 2, T]
    data = {"model": model, "pixels": picture.flatten().tolist(), "times": times}
    noise = ImageNoise([3], (3, 24, 24))()
    for t, found in zip(times, run(["names.js", "noise.js", "sampler.js"], code, data, tmp_path), strict=True):
        x_t = pipe.diffusion.schedule.add_noise(picture[None].float() / 127.5 - 1, t, noise)
        levels = ((x_t.clamp(-1, 1) + 1) * 127.5).flatten()
        assert float((torch.tensor(found) - levels).abs().max()) <= 0.501


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_downloaded_picture_holds_its_settings(channels, tmp_path):
    """As sample.py stores them, whatever the names are."""
    picture = np.random.default_rng(0).integers(0, 256, (channels, 5, 7), dtype=np.uint8)
    if channels == 4:
        picture = np.minimum(picture, picture[3])  # colours are multiplied by their alpha
    settings = {"attrs": 'chapeau "d\'été", 帽', "w": 2.5}
    code = """
    const file = await encodePng(given.pixels, given.shape, 3, given.settings);
    return Buffer.from(await file.arrayBuffer()).toString("base64");
    """
    data = {"pixels": picture.flatten().tolist(), "shape": picture.shape, "settings": settings}
    (tmp_path / "a.png").write_bytes(base64.b64decode(run(["png.js"], code, data, tmp_path)))
    assert read_settings(tmp_path / "a.png") == settings
    assert read_png(tmp_path / "a.png").equal(torch.from_numpy(picture).repeat_interleave(3, 1).repeat_interleave(3, 2))


def test_bytes_come_out_of_the_page_as_they_went_in(tmp_path):
    contents = [b"", b"\0\r<", bytes(range(256)) * 5 + b"!", np.random.default_rng(1).bytes(4001)]
    code = """
    const results = [];
    for (const text of given) results.push(Array.from(interleaved(await unpacked(text))));
    return results;
    """
    texts = [packed(planes(content)) for content in contents]
    assert not any(set("\0\r<") & set(text) for text in texts)
    assert [bytes(found) for found in run(["packing.js"], code, texts, tmp_path)] == contents
    assert json.loads(json.dumps(texts)) == texts
