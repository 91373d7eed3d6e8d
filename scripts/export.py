"""Export weights for use without Python: a page in one file that samples in any browser, or the network as ONNX.

python scripts/export.py checkpoint=checkpoints/cryptopunks.safetensors format=html out=punks.html
python scripts/export.py dataset=mnist format=onnx out=mnist-onnx
"""

from cli.app import command
from inference.export.settings import ExportSettings
from inference.export.write import exported
from inference.output import line
from inference.weights import from_here


@command(ExportSettings)
def main(settings: ExportSettings, overrides: list[str]) -> None:
    for path in exported(settings):
        print(line("written", f"{from_here(path).as_posix()}, {path.stat().st_size / 1e6:.1f} MB"))


if __name__ == "__main__":
    main()
