"""`make train`: every model, or those named as arguments."""

import argparse
from collections.abc import Callable
from pathlib import Path

from tests.evaluation.data import data_folder
from tests.training import citations, entities, header, names, network, references
from tests.training.model import Card

MODELS: dict[str, Callable[[Path], Card]] = {
    "header": header.train,
    "names": names.train,
    "references": references.train,
    "citations": citations.train,
    "entities": entities.train,
    "entities-scierc": entities.train_own,
}
APART: dict[str, Callable[[Path], Card]] = {"entities-scierc-neural": network.train_own}
"""Made only when named: takes packages that nothing else does."""


def main() -> None:
    every = MODELS | APART
    parser = argparse.ArgumentParser(prog="make train", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"one or more of {', '.join(every)}")
    names = parser.parse_args().models or list(MODELS)
    if unknown := set(names) - set(every):
        parser.error(f"no such model: {', '.join(sorted(unknown))}. There are {', '.join(every)}.")
    folder = data_folder()
    for name in names:
        card = every[name](folder)
        print(f"{name}: {card.write()}")
        for what, figure in card.figures.items():
            print(f"  {what}: {figure}")


if __name__ == "__main__":
    main()
