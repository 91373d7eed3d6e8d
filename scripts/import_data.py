"""Turn the published files of CelebA, CIFAR-10 or EDM into a zip file that dataset=folder reads.

python scripts/import_data.py source=cifar10 source.path=cifar-10-binary.tar.gz
"""

from cli.app import command
from data.importing import ImportSettings, import_data


@command(ImportSettings)
def main(settings: ImportSettings, overrides: list[str]) -> None:
    out, count = import_data(settings)
    print(f"written: {out.as_posix()}, {count:,} pictures")
    print(f"check them with: python scripts/check_data.py dataset.path={out.as_posix()}")


if __name__ == "__main__":
    main()
