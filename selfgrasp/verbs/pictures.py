"""`selfgrasp pictures`: a folder of labelled pictures from anywhere as a dataset, from which
methods that know categories learn what things look like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from selfgrasp.core.bounds import PicturePx, Seed


@dataclass(frozen=True)
class Args:
    """Make a dataset of pictures: FOLDER/spoon/*.png, FOLDER/pen/*.jpg and so on, one thing in the
    middle of each.

    Each picture stands for an attempt that held up what it shows, with a motion drawn at random;
    nothing is learned of the motion (Jang et al. 2017, S1). Then: selfgrasp train
    semantic:attention_pictures --data datasets/mine datasets/pictures --out runs/mine

    Attributes:
        folder: with one folder of PNG, JPEG or WebP files for each category.
        out: folder of the dataset.
        by: who says what they show.
        picture_px: side of the pictures that are kept, cut square from their middle.
        seed: of the motions.
    """

    folder: Positional[Path]
    out: Path
    by: str = "folder names"
    picture_px: PicturePx = 224
    seed: Seed = 0


def run(args: Args) -> int:
    """Write the dataset, and say how many pictures of what."""
    from selfgrasp.papers.semantic.pictures import pictures_by_category, write_pictures

    given = pictures_by_category(args.folder)
    written = write_pictures(
        given,
        args.out,
        folder=args.folder.name,
        author=args.by,
        picture_px=args.picture_px,
        seed=args.seed,
    )
    counts = ", ".join(f"{len(files)} of {name}" for name, files in given.items() if files)
    print(f"{args.out}: {written} new pictures; given were {counts}")
    return 0
