"""The sections of docs/REPORT.md that are no ablations: the phases, the lesson, three families."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.intervals import Estimate
from runtime.plots import Dots, Panel, curves, intervals, shares, table
from scripts.studies.figures import Pooled, spread
from scripts.studies.measure import SAMPLER
from scripts.studies.runs import DIGITS, FACES, PUNKS
from scripts.studies.sections import (
    REQUESTED,
    Page,
    Rows,
    by_w,
    details,
    distribution_cells,
    needed,
    provenance,
    real_cells,
    request_cells,
    requests_table,
    seeds_in_words,
    sheet_figure,
)

FACE, DIGIT = 24, 16  # sides of pictures
PER_CENT = "share of pictures that show every slot as asked for"


def losses(rows: Rows, page: Page, caption: str) -> str:
    """Loss curves of training and held-out pictures."""
    name = f"{rows.study.key}-loss.png"
    panels = [
        Panel(title, "steps", {row: pooled.loss(curve) for row, pooled in rows.rows.items()}, share=False)
        for title, curve in (("training loss", "train"), ("held-out loss, EMA weights", "held_out"))
    ]
    curves(page.images / name, panels, caption)
    return page.link(name, "loss curves")


def distribution_table(rows: Rows) -> str:
    """FID, precision, recall and memorisation, of pictures without a request or of requests at w = 1."""
    lines = []
    for name, pooled in rows.rows.items():
        found = [record["distribution"]["1"] for record in pooled.records]
        ratio = found[0]["nearest"]
        lines.append([
            name, f"{pooled.records[0]['parameters'] / 1e6:.2f} M",
            *(spread([f[metric] for f in found], form)
              for metric, form in (("fid", ".1f"), ("precision", ".3f"), ("recall", ".3f"))),
            spread([100 * f["copies"] for f in found], ".1f"), f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})",
            pooled.minutes,
        ])  # fmt: skip
    floor = next(iter(rows.rows.values())).reference["floor"]
    lines.append(
        ["real pictures", "", f"{floor['fid']:.1f}", f"{floor['precision']:.3f}", f"{floor['recall']:.3f}", "", "", ""]
    )
    header = ("", "parameters", "FID", "precision", "recall", "copies of training pictures, %",
              "nearest-neighbour ratio, training to held-out", "minutes")  # fmt: skip
    return table(header, lines)


def phase_1(rows: Rows, page: Page) -> str:
    noising = "Noise added to four held-out digits: t = 0, T/8, ... T (Ho et al. 2020, equation 4)."
    strip = sheet_figure(page, "phase1-noising.png", "phase1-0-noising.png", DIGIT, [""] * 4, noising)
    sampled = "Forty digits, without a label."
    sheet = sheet_figure(page, "phase1-digits.png", "phase1-0-w1.png", DIGIT, [""] * 4, sampled)
    curve = losses(rows, page, "MNIST, 16 x 16, unconditional.")
    return f"{strip}\n{curve}\n{sheet}\n{distribution_table(rows)}\n{provenance(rows)}"


def phase_2(rows: Rows, page: Page) -> str:
    sheets = [
        sheet_figure(page, f"{pooled.variant.name}.png", f"{pooled.variant.name}-0-w1.png", FACE, [""] * 4, name)
        for name, pooled in rows.rows.items()
    ]
    curve = losses(rows, page, "CryptoPunks, unconditional, three sizes, as many pictures each.")
    return f"{distribution_table(rows)}\n{curve}\n{stacked(sheets)}{provenance(rows)}"


def phase_3(rows: Rows, page: Page) -> str:
    sheets = [
        sheet_figure(page, f"{pooled.variant.name}.png", f"{pooled.variant.name}-0-w1.png", DIGIT, DIGITS,
                     f"The class {name}, w = 1: ten digits, ten seeds.")
        for name, pooled in rows.rows.items()
    ]  # fmt: skip
    curve = losses(rows, page, "MNIST, 16 x 16, with classes.")
    return f"{requests_table(rows, (1.0, 2.0, 3.0))}\n{curve}\n{stacked(sheets)}{provenance(rows)}"


def phase_4(rows: Rows, page: Page) -> str:
    sheets = [
        sheet_figure(
            page, f"phase4-w{w}.png", f"phase4-0-w{w}.png", FACE, PUNKS, f"Requests, eight seeds each, w = {w}."
        )
        for w in (1, 3)
    ]
    curve = losses(rows, page, "CryptoPunks, with attributes and label dropout.")
    asked = requests_table(rows, (1.0, 2.0, 3.0, 5.0))
    return f"{asked}\n{stacked(sheets)}{curve}\n{provenance(rows)}"


# -- the lesson -------------------------------------------------------------------------------------------------------


def lesson(rows: Rows, page: Page) -> str:
    """Complete labels first, which every network has been trained on; then requests."""
    key, dataset = rows.study.key, next(iter(rows.rows.values())).records[0]["dataset"]
    seeds = seeds_in_words(rows)
    side_note = f"{dataset}, {seeds}; 300 complete labels of held-out pictures."
    first = next(iter(rows.rows.values())).slots(1.0)
    values = [[pooled.slots(1.0)[slot].value for pooled in rows.rows.values()] for slot in first]
    caption = f"{side_note} Per cent of pictures that show the slot as asked for, w = 1."
    shares(page.images / f"{key}-slots.png", list(first), rows.names, values, caption)
    learning(rows, page, side_note)
    weights(rows, page, f"{dataset}, {seeds}. Requests name one to five things.")
    sheets = [
        sheet_figure(page, f"{pooled.variant.name}-w{w}.png", f"{pooled.variant.name}-0-w{w}.png", FACE,
                     FACES if dataset == "pixelfaces" else PUNKS, f"{name}, w = {w}")
        for name, pooled in rows.rows.items() for w in (1, 3) if pooled.variant.shown
    ]  # fmt: skip
    return "\n".join([
        complete_table(rows), page.link(f"{key}-slots.png", "slots that are as asked for"), slot_tables(rows),
        page.link(f"{key}-learning.png", "loss and adherence while training"),
        guidance_table(rows), page.link(f"{key}-w.png", "requests met against w"), *sheets,
        provenance(rows),
    ])  # fmt: skip


def complete_table(rows: Rows) -> str:
    """How far the label is used: pictures of complete labels, and the loss with the right and with other labels."""
    lines = []
    for name, pooled in rows.rows.items():
        gap = pooled.numbers(lambda record: record["loss_by_label"]["others"] / record["loss_by_label"]["right"] - 1)
        lines.append([
            name, *(pooled.complete(w).percent for w in (1.0, 3.0)), pooled.complete(1.0, "exact").percent,
            spread(pooled.numbers(lambda r: r["complete"]["1"]["wrong_pixels"]), ".1f"),
            spread(pooled.numbers(lambda r: r["loss_by_label"]["right"]), ".4f"),
            spread([100 * g for g in gap], "+.0f"),
        ])  # fmt: skip
    header = ("", "every slot as asked for, w = 1", "w = 3", "exact, w = 1", "wrong pixels, w = 1", "held-out loss",
              "loss with shuffled labels: increase, %")  # fmt: skip
    return table(header, lines)


def slot_tables(rows: Rows) -> str:
    """Of each slot, the share of pictures that show it as asked for, with and without guidance."""
    tables = []
    for w in (1.0, 3.0):
        found = {name: pooled.slots(w) for name, pooled in rows.rows.items()}
        lines = [[slot, *(of[slot].percent for of in found.values())] for slot in next(iter(found.values()))]
        tables.append(f"w = {w:g}:\n\n{table(['', *found], lines)}")
    return details("Slot by slot, with intervals", "\n".join(tables))


def guidance_table(rows: Rows) -> str:
    """Requests met at every w, and the distribution at w = 1 and 3."""
    ws = next(iter(rows.rows.values())).ws()
    lines = [
        [name, *(pooled.requests(w, "met").percent for w in ws), *(pooled.requests(w, "whole").percent for w in ws),
         *(spread(pooled.distribution(w, "fid"), ".1f") for w in (1.0, 3.0))]
        for name, pooled in rows.rows.items()
    ]  # fmt: skip
    real = next(iter(rows.rows.values()))
    ceiling = [real.real(key).percent if w == ws[0] else "" for key in ("met", "whole") for w in ws]
    lines.append(["real pictures", *ceiling, f"{real.reference['floor']['fid']:.1f}", ""])
    header = ["", *(f"asked for, met, w = {w:g}" for w in ws), *(f"whole requests, w = {w:g}" for w in ws)]
    return table([*header, "FID, w = 1", "w = 3"], lines)


def learning(rows: Rows, page: Page, note: str) -> None:
    """Held-out loss and adherence of the same kept weights, step by step."""
    lines = {
        "loss": {name: p.progress(lambda r: r["loss_by_label"]["right"]) for name, p in rows.rows.items()},
        "adherence": {name: p.progress(_adherence) for name, p in rows.rows.items()},
    }
    panels = [
        Panel("held-out loss", "steps", lines["loss"], share=False),
        Panel("slots as asked for, w = 1", "steps", lines["adherence"]),
    ]
    curves(page.images / f"{rows.study.key}-learning.png", panels, f"{note} Means over seeds.")


def _adherence(record: dict) -> float:
    found = record["complete"]["1"]
    return sum(found["slots"].values()) / found["n"] / len(found["slots"])


def weights(rows: Rows, page: Page, note: str) -> None:
    """Requests met against w, and FID."""
    panels = []
    for title, key in (("asked for, met", "met"), ("whole requests met", "whole")):
        lines = {name: (p.ws(), [p.requests(w, key).value for w in p.ws()]) for name, p in rows.rows.items()}
        panels.append(Panel(title, "guidance w", lines))
    curves(page.images / f"{rows.study.key}-w.png", panels, note)


# -- three families ---------------------------------------------------------------------------------------------------


def families(rows: Rows, page: Page) -> str:
    header = ["", "w", *REQUESTED, "FID", "recall", "copies, %", "nearest-neighbour ratio, training to held-out",
              "parameters", "minutes", "evaluations"]  # fmt: skip
    lines = []
    for name, pooled in rows.rows.items():
        for w in pooled.ws():
            found = [record["distribution"][f"{w:g}"] for record in pooled.records]
            evaluations = SAMPLER["steps"] * (1 if w == 1 else 2) if pooled.variant.measures.diffuses else 1
            lines.append([
                name, f"{w:g}", *request_cells(pooled, w), *distribution_cells(pooled, w),
                spread([100 * f["copies"] for f in found], ".1f"), spread([f["nearest"][0] for f in found], ".2f"),
                f"{pooled.records[0]['parameters'] / 1e6:.2f} M", pooled.minutes, evaluations,
            ])  # fmt: skip
    sheets = [family_sheet(page, name, pooled) for name, pooled in rows.rows.items()]
    return f"{table(header, lines)}\n{stacked(sheets)}{provenance(rows)}"


def family_sheet(page: Page, name: str, pooled: Pooled) -> str:
    w = f"{pooled.ws()[-1]:g}"
    file = f"{pooled.variant.name}.png"
    return sheet_figure(
        page, file, f"{pooled.variant.name}-0-w{w}.png", FACE, FACES, f"{name}, w = {w}, eight seeds each"
    )


# -- few pictures -----------------------------------------------------------------------------------------------------


def few(rows: Rows, page: Page) -> str:
    """Exact pictures, requests met, novelty and memorisation by the number of training pictures."""
    header = ["training pictures", "complete labels, exact", "wrong pixels", "asked for, met, w = 3",
              "whole requests, w = 3", "novel, %", "exact, of the novel whose picture is known", "copies, %",
              "nearest-neighbour ratio, training to held-out", "steps", "minutes"]  # fmt: skip
    first = next(iter(rows.rows.values()))
    real = ["real pictures", "", "", *real_cells(first)[:2], *[""] * 6]
    lines = [*([name, *few_cells(pooled)] for name, pooled in rows.rows.items()), real]
    panels = [
        Dots("complete labels, exact", by_w(lambda w: rows.dots(lambda p: p.complete(w, "exact")))),
        Dots("whole requests met", by_w(lambda w: rows.dots(lambda p: p.requests(w, "whole")))),
    ]
    key, caption = rows.study.key, f"{first.reference['dataset']}, {seeds_in_words(rows)}, 95 % intervals."
    intervals(page.images / f"{key}.png", rows.names, panels, caption)
    parts = [table(header, lines), page.link(f"{key}.png", "by the number of training pictures")]
    return "\n".join([*parts, needed(rows), provenance(rows)])


def few_cells(pooled: Pooled) -> list[str]:
    """Where no w stands above, w = 1."""
    record = pooled.records[0]
    found, wrong = record["distribution"]["1"], record["complete"]["1"]["wrong_pixels"]
    right = Estimate(*found["novel_right"]).percent if found["novel_right"] else ""
    return [
        pooled.complete(1.0, "exact").percent, f"{wrong:.1f}", pooled.requests(3.0, "met").percent,
        pooled.requests(3.0, "whole").percent, f"{100 * found['novel']:.1f}", right, f"{100 * found['copies']:.1f}",
        Estimate(*found["nearest"]).number, f"{record['steps']:,}", pooled.minutes,
    ]  # fmt: skip


def stacked(figures: Sequence[str]) -> str:
    return "".join(f"{figure}\n" for figure in figures if figure)
