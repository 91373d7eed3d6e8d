"""From the weights of a training to the figures of its metrics file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from conditions.schema import UNKNOWN
from conditions.values import slots
from data.base import InMemoryDataset
from data.images import save_png, to_uint8
from diffusion.guidance.cfg import CFG
from diffusion.objective import Denoising
from diffusion.samplers import DPMSolverPP2M
from diffusion.sampling import SamplingOptions
from diffusion.spacing import Trailing
from evaluation.adherence import met, wholly_met
from evaluation.exact import wrong_pixels
from evaluation.memorisation import hits, nearest_of, novelty
from evaluation.requests import AS_REQUESTS, Requests
from inference.pipeline import Pipeline
from scripts.studies.readers import Reader, bits
from scripts.studies.variants import Measures

SAMPLER = {
    "sampler": DPMSolverPP2M(), "steps": 10, "spacing": Trailing(), "refine": 0, "complete": False, "guidance": CFG(),
}  # fmt: skip
SEEDS = {"requests": 1_000_000, "complete": 2_000_000, "pictures": 3_000_000, "sheet": 0}  # of the first picture
BATCH = {"cuda": 512, "cpu": 64}
LOSS_PICTURES = 500
NOISED_AT = 9  # columns of the strip of noised pictures


class Measurement:
    """Figures of one set of weights; every method returns those of one kind."""

    def __init__(self, pipe: Pipeline, reader: Reader, measures: Measures):
        self.pipe, self.reader, self.measures = pipe, reader, measures
        self.held_out = reader.splits.validation
        self.train = pipe.recipe.dataset.seen_in_training(reader.splits).train
        self.labelled = len(pipe.schema) > 0

    def figures(self, sheets: Path, name: str) -> dict[str, Any]:
        """All of them; sheets of pictures go into the folder `sheets`, where the measures want some."""
        wanted, found = self.measures, {}
        if self.labelled:
            found["requests"] = {f"{w:g}": self.requests(w) for w in wanted.w}
        if wanted.complete:
            found["complete"] = {f"{w:g}": self.complete(w) for w in wanted.guided}
        if wanted.diffuses and self.labelled:
            found["loss_by_label"] = self.loss_by_label()
        ws = wanted.guided if self.labelled else (1.0,)
        if wanted.pictures:
            found["distribution"] = {f"{w:g}": self.distribution(w) for w in ws}
        for w in ws if wanted.sheet else ():
            save_png(self.sheet(w), sheets / f"{name}-w{w:g}.png")
        if wanted.noising:
            save_png(self.noising(), sheets / f"{name}-noising.png")
        return found

    def sampled(self, labels: Tensor, first: int, w: float) -> Tensor:
        """One picture per row of `labels` (N, F), quantised: (N, C, H, W) uint8."""
        sampler = SAMPLER if self.measures.diffuses else {"complete": False}
        options = SamplingOptions(w=w, batch_size=BATCH.get(self.pipe.device.type, 64), **sampler)
        return self.pipe(labels, range(first, first + len(labels)), options)

    def requests(self, w: float) -> dict[str, Any]:
        """For each request, whether it is met; of pixel art whose true picture is known, whether the picture is one.

        met   : whether the value that the request is for is there; whole: all that is named
        valid : whether the picture is, pixel for pixel, that of the label that it shows; wrong_pixels: how many differ
        """
        schema = self.held_out.schema
        requests = Requests(*(column[: self.measures.requests] for column in self.reader.requests))
        began = time.perf_counter()
        images = self.sampled(requests.labels, SEEDS["requests"], w)
        seconds = time.perf_counter() - began
        read = self.reader.labels(images)
        found = {
            "met": bits(met(requests, read, schema, self.reader.hides)),
            "whole": bits(wholly_met(requests, read, schema, self.reader.hides)),
            "seconds_per_picture": round(seconds / len(images), 6),
        }
        right = self.reader.dataset.render(read)
        if right is not None:
            wrong = wrong_pixels(images[None], right)[0]
            found |= {"valid": bits(wrong == 0), "wrong_pixels": wrong.double().mean().item()}
        return found

    def complete(self, w: float) -> dict[str, Any]:
        """Pictures of complete held-out labels: which slots show what was asked for, and which pixels are right."""
        rows = torch.arange(min(self.measures.complete, len(self.held_out)))
        real = self.held_out.select(rows)
        images = self.sampled(real.labels, SEEDS["complete"], w)
        columns, schema = slots(real.schema), real.schema
        right = (self.reader.labels(images) == real.labels)[:, columns]
        wrong = wrong_pixels(images[None], real.images)[0]
        return {
            "n": len(rows),
            "slots": {schema.fields[f].name: int(right[:, k].sum()) for k, f in enumerate(columns)},
            "whole": bits(right.all(dim=1)),
            "exact": bits(wrong == 0),
            "wrong_pixels": wrong.double().mean().item(),
        }

    @torch.no_grad()
    def loss_by_label(self) -> dict[str, float]:
        """The held-out loss with the right labels, with those of other pictures, and with none."""
        real: InMemoryDataset = self.held_out.select(torch.arange(min(LOSS_PICTURES, len(self.held_out))))
        batch, device = real.to(self.pipe.device).batch(torch.arange(len(real))), self.pipe.device
        t, eps = (draw.to(device) for draw in Denoising(self.pipe.diffusion).held_out_draws(batch.x_0))

        def loss(cond: Tensor) -> float:
            parts = zip(*(x.split(BATCH.get(device.type, 64)) for x in (batch.x_0, cond, t, eps)), strict=True)
            losses = [self.pipe.diffusion.loss_at(self.pipe.denoiser, *part) for part in parts]
            return torch.cat(losses).mean().item()

        others, unknown = batch.cond.roll(1, dims=0), torch.full_like(batch.cond, UNKNOWN)
        return {"right": loss(batch.cond), "others": loss(others), "none": loss(unknown)}

    def distribution(self, w: float) -> dict[str, Any]:
        """FID and its kin against held-out pictures, and how often training pictures recur."""
        n = min(self.measures.pictures, len(self.held_out))
        generator = torch.Generator().manual_seed(0)
        if self.labelled:
            rows = torch.randint(len(self.train), (n,), generator=generator)
            labels = AS_REQUESTS(self.train.schema, self.train.labels[rows], generator)
        else:
            labels = self.pipe.schema.unknown(n)
        images = self.sampled(labels, SEEDS["pictures"], w)
        found = self.reader.compared(images)
        recurring = hits(images, self.train.images, self.held_out.images)
        if self.pipe.palette and self.labelled:
            found |= self.novelty(images)
        return found | {
            "copies": recurring["training"].value,
            "held_out": recurring["held_out"].value,
            "ratio": list(recurring["ratio"]),
            "nearest": list(nearest_of(images, self.train.images, self.held_out.images)),
        }

    def novelty(self, images: Tensor) -> dict[str, Any]:
        """Of samples (N, C, H, W) uint8, those with a label that no training picture has, and those of them that are
        right where the true picture is known."""
        read, columns = self.reader.labels(images), slots(self.held_out.schema)
        rendered = self.reader.dataset.render(read)
        labels, pictures = (self.held_out.labels, self.held_out.images) if rendered is None else (read, rendered)
        found = novelty(images, read[:, columns], self.train, (labels[:, columns], pictures))
        return {"novel": found["novel"].value, "novel_right": list(found["right"]) if found["right"].n else None}

    def sheet(self, w: float) -> Tensor:
        """(C, H, W) uint8: a row of pictures for each request of the sheet, without gaps."""
        requests, columns = self.measures.sheet, self.measures.columns
        schema = self.pipe.schema
        rows = [schema.encode(request) if self.labelled else schema.unknown(1)[0] for request in requests]
        labels = torch.stack(rows).repeat_interleave(columns, dim=0)
        return tiled(self.sampled(labels, SEEDS["sheet"], w), columns)

    def noising(self) -> Tensor:
        """(C, H, W) uint8: held-out pictures with more and more noise, a row each, from t = 0 to T."""
        schedule, rows = self.pipe.diffusion.schedule, torch.arange(4)
        x_0 = self.held_out.batch(rows).x_0
        eps = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(0))
        times = [schedule.T * k // (NOISED_AT - 1) for k in range(NOISED_AT)]
        noised = torch.stack([schedule.add_noise(x_0, t, eps) for t in times], dim=1)
        return tiled(to_uint8(noised.flatten(0, 1)), NOISED_AT)


def tiled(images: Tensor, columns: int) -> Tensor:
    """(R K, C, H, W) -> (C, R H, K W): `columns` pictures in each row, side by side."""
    return torch.cat([torch.cat(list(row), dim=2) for row in images.split(columns)], dim=1)


def untiled(sheet: Tensor, side: int) -> list[Tensor]:
    """The rows of `tiled`, of square pictures: (C, R side, K side) -> R of (K, C, side, side)."""
    return [torch.stack(row.split(side, dim=2)) for row in sheet.split(side, dim=1)]
