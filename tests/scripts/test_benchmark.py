"""The benchmark: what it counts, what it writes, and the command on networks that take no time."""

import json
import sys

import psutil
import pytest
import torch
from torch import nn

from inference.weights import PRETRAINED
from runtime.checkpoint import read_info
from scripts.speed import programs, sampling, scaling, training
from scripts.speed.bench import flops, random_pictures
from scripts.speed.peers import PEERS
from scripts.speed.profile import ModuleClock, shares
from scripts.speed.report import PARTS, lines, markdown, write
from scripts.speed.settings import BenchmarkSettings
from tests.evaluation.test_table import cells
from tests.programs import run_program
from tests.scripts.benches import TINY_NETWORKS, bench_of

SPREAD = {"median": 10.0, "low": 8.0, "high": 12.0, "n": 5}


def spread(factor: float) -> dict:
    return {key: value if key == "n" else factor * value for key, value in SPREAD.items()}


# -- what is counted -----------------------------------------------------------------------------------------------


def test_flops_of_a_linear_layer_and_its_gradients():
    """Forward, and gradients by weights and inputs: a product of (5, 7) and (7, 3) each, two operations a term."""
    layer, x = nn.Linear(7, 3, bias=False), torch.randn(5, 7, requires_grad=True)
    assert flops(lambda: layer(x).sum().backward()) == 3 * 2 * 5 * 7 * 3


def test_flops_of_attention_are_counted_though_its_kernel_is_fused():
    """Scores and their use: two products of (N, D) and (D, N) for each of 2 x 3 heads."""
    q, k, v = torch.randn(3, 2, 3, 10, 4)
    with torch.no_grad():
        assert flops(lambda: nn.functional.scaled_dot_product_attention(q, k, v)) == 2 * 2 * (2 * 3) * 10 * 10 * 4


def test_flops_of_a_training_step_are_three_times_those_of_the_forward_pass_of_a_convolution():
    layer, x = nn.Conv2d(4, 6, 3, padding=1), torch.randn(2, 4, 8, 8, requires_grad=True)
    forward = 2 * 2 * 6 * 64 * 4 * 9
    assert flops(lambda: layer(x)) == forward and flops(lambda: layer(x).sum().backward()) == 3 * forward


def test_a_matrix_product_counts_two_operations_a_term():
    assert training.matrix_product(bench_of()).count == 2 * 1024**3 / 1e9


class Waiting(nn.Module):
    """Takes `seconds` of a clock, and then what its children take."""

    def __init__(self, clock: list[float], seconds: float, *children: nn.Module):
        super().__init__()
        self.clock, self.seconds, self.inner = clock, seconds, nn.ModuleList(children)

    def forward(self, x):
        self.clock[0] += self.seconds
        for child in self.inner:
            x = child(x)
        return x


class Leaf(Waiting):
    """The same of another kind."""


def test_a_module_is_charged_with_its_own_time_and_not_with_that_of_modules_within_it():
    now = [0.0]
    model = Waiting(now, 1.0, Leaf(now, 10.0), Waiting(now, 2.0, Leaf(now, 20.0)))
    clock = ModuleClock(lambda: now[0])
    with clock.on(model):
        model(torch.zeros(1))
    assert clock.seconds == {"Waiting": 3.0, "Leaf": 30.0}
    model(torch.zeros(1))  # its hooks are gone
    assert sum(clock.seconds.values()) == 33.0


def test_shares_of_a_profile_add_up_and_small_ones_stand_together():
    found = shares({"modules": {f"Kind{i}": spread(8 - i) for i in range(8)}})
    assert list(found) == [*(f"Kind{i}" for i in range(6)), "others"]
    assert sum(found.values()) == pytest.approx(1) and found["others"] == pytest.approx(3 / 36)


def test_pictures_are_those_of_the_weights_in_shape_colours_and_labels():
    info, data = read_info(PRETRAINED / "cryptopunks.safetensors"), random_pictures(16, 5)
    assert data.images.shape == (5, 3, 16, 16) and data.schema.to_json() == info.schema
    colours = {tuple(colour) for colour in info.palette}
    assert {tuple(pixel) for pixel in data.images.permute(0, 2, 3, 1).reshape(-1, 3).tolist()} <= colours
    sizes = torch.tensor(data.schema.cardinalities)
    assert ((data.labels >= 0) & (data.labels < sizes)).all()
    assert torch.equal(data.images, random_pictures(16, 5).images)


# -- processes beside ----------------------------------------------------------------------------------------------


def test_a_busy_process_runs_for_as_long_as_it_is_needed():
    before = {child.pid for child in psutil.Process().children()}
    with sampling.busy_process():
        (busy,) = [child for child in psutil.Process().children() if child.pid not in before]
        assert busy.is_running()
    assert not busy.is_running()


def test_a_program_that_ends_otherwise_than_it_should_is_an_error_in_one_line(tmp_path):
    program = tmp_path / "fails.py"
    program.write_text("import sys\nprint('fails.py: not today', file=sys.stderr)\nprint('='*9, file=sys.stderr)\n"
                       "sys.exit(3)")  # fmt: skip
    programs.run_python([str(program)], 1, status=3)
    with pytest.raises(ValueError, match=r"^fails\.py: ended with status 3 and not 0: fails\.py: not today$"):
        programs.run_python([str(program)], 1)


def test_programs_run_with_the_threads_that_they_are_given(tmp_path):
    program = tmp_path / "threads.py"
    program.write_text("import os, sys\nsys.exit(int(os.environ['OMP_NUM_THREADS']))")
    programs.run_python([str(program)], 3, status=3)


def test_errors_of_programs_are_those_that_a_person_sees(tmp_path, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")  # as the benchmark's own command line does while it runs
    program = tmp_path / "inherits.py"
    program.write_text("import os, sys\nsys.exit('HYDRA_FULL_ERROR' in os.environ)")
    programs.run_python([str(program)], 1)


@pytest.mark.slow
def test_the_commands_end_as_they_should(tmp_path):
    for command in programs.COMMANDS:
        programs.run(command, tmp_path, 1)
    assert len(list((tmp_path / "samples/cryptopunks").glob("*/seed-*.png"))) == 16


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_images_a_second_of_processes(count, tmp_path):
    assert scaling.images_per_second(count, bench_of(batch_size=8), tmp_path / "run") > 0


# -- what is written -----------------------------------------------------------------------------------------------

TRAINING = {
    "batch_size": 64,
    "side": 24,
    "rows": [
        {"name": "model=unet", "optimizer": "adamw", "parameters": 5_400_000, "gflop_per_image": 2.0,
         "images_per_second": SPREAD, "share_of_ceiling": 0.4},
    ],
    "not_installed": {"diffusers": 'python -m pip install "diffusers>=0.32,<1"'},
    "gflops_of_a_matrix_product": {"size": 1024, **spread(5)},
}  # fmt: skip
SCALING = {
    "images in a batch": {
        "what": "Training step of model=unet",
        "rows": [
            {"x": 8, "images": 8, "seconds": spread(0.1)},
            {"x": 32, "images": 32, "seconds": spread(0.3)},
        ],
    },
    "processes": {
        "what": "Training by train.py, with torchrun",
        "rows": [{"x": n, "images": 16, "images_per_second": spread(n)} for n in (1, 2)],
    },
}


def record(**parts) -> dict:
    machine = {"hardware": "A CPU, 2 cores", "device": "cpu", "threads": 2, "precision": "fp32", "torch": "2.11",
               "python": "3.11", "system": "Linux", "code": "0.1.0"}  # fmt: skip
    return {"command": "python scripts/benchmark.py", "machine": machine, "rounds": 5, "parts": parts}


def test_the_report_has_the_figures_with_their_quartiles_and_says_what_is_missing():
    text = markdown(record(training=TRAINING))
    head, _, ours, missing = cells(text.partition("## Training")[2])
    assert head[3] == "images/s, median of 5 (quartiles)"
    assert ours == ["`model=unet`", "adamw", "5.40 M", "**10 (8 to 12)**", "2", "40.0 %"]
    assert missing[0] == "`diffusers`" and 'pip install "diffusers>=0.32,<1"' in missing[3]
    assert "1024 x 1024: 50 (40 to 60) GFLOP/s" in text and "A CPU, 2 cores" in text


def test_the_report_of_scaling_has_images_a_second_for_each_cost():
    batches, processes = markdown(record(scaling=SCALING)).partition("## Scaling")[2].split("\n\nTraining by train.py")
    assert cells(batches)[2:] == [["8", "8", "1 (0.8 to 1.2)", "8"], ["32", "32", "3 (2.4 to 3.6)", "10.7"]]
    assert cells(processes)[2:] == [["1", "16", "10 (8 to 12)"], ["2", "16", "20 (16 to 24)"]]


def test_the_folder_has_everything_and_the_terminal_a_line_for_each_part(tmp_path):
    whole = record(training=TRAINING, scaling=SCALING)
    write(tmp_path, whole)
    assert json.loads((tmp_path / "benchmark.json").read_text()) == whole
    assert (tmp_path / "benchmark.md").read_text() == markdown(whole)
    assert {path.name for path in tmp_path.glob("*.png")} == {"training.png", "scaling.png"}
    machine, *parts = lines(whole)
    assert "A CPU, 2 cores" in machine and [line.partition(":")[0] for line in parts] == ["training", "scaling"]
    assert "images in a batch 8 to 32: 3.0 times the seconds" in parts[1]
    assert "processes 1 to 2: 2.0 times the images/s" in parts[1]


# -- the command ---------------------------------------------------------------------------------------------------


def test_the_parts_that_can_be_asked_for_are_those_that_there_are():
    assert list(PARTS) == BenchmarkSettings().parts


def test_the_command_on_tiny_networks(in_tmp, capsys, monkeypatch):
    monkeypatch.setattr(training, "NETWORKS", TINY_NETWORKS)
    monkeypatch.setattr(training, "SIZE", 64)
    run_program("scripts/benchmark.py", "parts=[training]", "rounds=1", "batch_size=2", "threads=1", "device=cpu")
    printed = capsys.readouterr().out
    (folder,) = (in_tmp / "benchmarks").iterdir()
    assert printed.splitlines()[-1].startswith(f"written: benchmarks/{folder.name}/")
    assert len(printed.splitlines()) == 3
    found = json.loads((folder / "benchmark.json").read_text())
    assert found["command"].startswith("python scripts/benchmark.py") and found["machine"]["threads"] == 1
    figures = found["parts"]["training"]
    installed = [peer.package for peer in PEERS if peer.is_installed()]
    assert [row["name"] for row in figures["rows"]] == [*TINY_NETWORKS, *installed]
    ceiling = figures["gflops_of_a_matrix_product"]["median"]
    for row in figures["rows"]:
        speed = row["images_per_second"]
        assert speed["n"] == 1 and speed["median"] > 0
        assert row["share_of_ceiling"] == pytest.approx(speed["median"] * row["gflop_per_image"] / ceiling)
    assert (folder / "benchmark.md").exists() and (folder / "training.png").stat().st_size > 1000


def test_without_peers_their_rows_say_how_to_install_them_and_the_rest_goes_on(monkeypatch):
    monkeypatch.setattr(training, "NETWORKS", TINY_NETWORKS)
    monkeypatch.setattr("scripts.speed.peers.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(training, "SIZE", 64)
    figures = training.measure(bench_of(batch_size=2))
    assert [row["name"] for row in figures["rows"]] == list(TINY_NETWORKS)
    assert set(figures["not_installed"]) == {peer.package for peer in PEERS}
    assert 'pip install "denoising-diffusion-pytorch>=' in training.report(figures)


def test_sampling_is_timed_alone_and_beside_a_busy_process(weights, monkeypatch):
    monkeypatch.setattr(sampling, "WEIGHTS", weights)
    monkeypatch.setattr(sampling, "REQUEST", "top hat")
    monkeypatch.setattr(sampling, "OPTIONS", sampling.OPTIONS.replace(steps=2, refine=0))
    figures = sampling.measure(bench_of())
    assert [(row["threads"], row["beside"]) for row in figures["rows"]] == [(1, sampling.ALONE), (1, sampling.BESIDE)]
    assert figures["nfe"] == 4 and all(row["seconds"]["median"] > 0 for row in figures["rows"])
    assert "NFE 4 per picture" in sampling.report(figures) and "NFE 4" in sampling.summary(figures)


def test_a_curve_has_a_training_step_for_each_point():
    points = {8: {"width": 8, "batch_size": 1}, 24: {"width": 24, "side": 16, "batch_size": 2}}
    rows = scaling.training(bench_of(), points)["rows"]
    assert [(row["x"], row["images"]) for row in rows] == [(8, 1), (24, 2)]


def test_nfe_is_that_of_the_steps(weights, monkeypatch):
    monkeypatch.setattr(scaling, "WEIGHTS", weights)
    monkeypatch.setattr(scaling, "REQUEST", "top hat")
    monkeypatch.setattr(sampling, "REQUEST", "top hat")
    monkeypatch.setattr(scaling, "SAMPLER_STEPS", (1, 3))
    assert [row["x"] for row in scaling.by_nfe(bench_of())["rows"]] == [2, 6]


def test_a_misspelt_part_is_refused_in_one_line(in_tmp, capsys):
    with pytest.raises(SystemExit) as ended:
        run_program("scripts/benchmark.py", "parts=[trainning]")
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and "parts=['trainning']" in line and "training, sampling, programs" in line
    assert not list(in_tmp.iterdir()) and "trainning" not in sys.argv
