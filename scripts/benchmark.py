"""Time training, sampling and the programs, beside public peers and what a matrix product reaches.

python scripts/benchmark.py
python scripts/benchmark.py parts=[training,sampling] rounds=9 threads=1
"""

from pathlib import Path

from cli.app import command
from inference.weights import from_here
from runtime.device import pick_device, pick_precision
from runtime.folders import new_folder
from runtime.settings import command_line, key_of
from scripts.speed.bench import Bench, threads, usual_threads
from scripts.speed.report import PARTS, lines, machine, write
from scripts.speed.settings import BenchmarkSettings
from scripts.speed.timing import Stopwatch


@command(BenchmarkSettings)
def main(settings: BenchmarkSettings, overrides: list[str]) -> None:
    device = pick_device(settings.device)
    precision, count = pick_precision(settings.precision, device), settings.threads or usual_threads()
    parts = [name for name in PARTS if name in settings.parts]
    measurements = sum(PARTS[name].MEASUREMENTS for name in parts)
    stopwatch = Stopwatch(device, settings.rounds, 60 * settings.minutes, measurements)
    bench = Bench(settings, device, precision, count, stopwatch)
    typed = [override for override in overrides if key_of(override) != "out"]
    record = {
        "command": command_line("scripts/benchmark.py", typed),
        "machine": machine(bench),
        "rounds": settings.rounds,
        "parts": {},
    }
    name = "all" if len(parts) == len(PARTS) else "-".join(parts)
    with new_folder(settings.out, Path("benchmarks"), name) as out, threads(count):
        for name in parts:
            record["parts"][name] = PARTS[name].measure(bench)
            write(out, record)  # so far, so that a stop loses nothing
        print(*lines(record), sep="\n")
    print(f"written: {from_here(out.resolve()).as_posix()}/benchmark.md, benchmark.json and plots")


if __name__ == "__main__":
    main()
