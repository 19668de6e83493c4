"""`selfgrasp find`: where in one picture the object of another one is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Args:
    """Find an object in a picture by another picture of it: two photographs of your own in, the
    place out.

    For example, a bin of mugs and bottles from above, and the mug alone on any plain ground:

    selfgrasp find --scene bin.jpg --object mug.jpg --out found

    prints the place in px of bin.jpg and how similar it is, and writes found/found.png: the mug,
    the bin, and the bin under the similarity of its places. Nobody tells the policy what a mug is:
    it has learned vectors of pictures from what grasps took away (Jang et al. 2018), and compares
    them. It has seen bins that fill the picture, and objects that fill most of it: cut yours so,
    too. Without anything trained, --policy color_histogram compares colors.

    Attributes:
        scene: picture of what lies there: PNG, JPEG, WebP, BMP, TIFF or GIF, of any size. Its
            pixels count as they lie in the file, without transparency or a turn by EXIF.
        object: picture of the object alone, likewise.
        policy: a run's folder, a checkpoint, or a name: of shipped weights, or color_histogram,
            untrained, imagenet:FILE.
        out: folder of the picture found.png; without it nothing is written.
    """

    scene: Path
    object: Path
    policy: str = "grasp2vec"
    out: Path | None = None


def run(args: Args) -> int:
    """Read both pictures, say where the object is, and draw it."""
    from selfgrasp.rollout.find import find_in_picture, read_embedding, read_picture
    from selfgrasp.viz.found import found_picture
    from selfgrasp.viz.overlay import write_picture

    scene, shown = read_picture(args.scene, "scene"), read_picture(args.object, "object")
    found = find_in_picture(read_embedding(args.policy), scene, shown)
    x, y = found.px
    print(
        f"{args.object} in {args.scene}: at ({x:.0f}, {y:.0f}) px, similarity "
        f"{found.similarity:.3g}"
    )
    if found.threshold is not None:
        said = "there: at least" if found.there else "not there: below"
        print(f"{said} the threshold of {found.threshold:.3g}")
    if args.out is not None:
        path = args.out / "found.png"
        write_picture(path, found_picture(scene, shown, found.heat))
        print(f"picture: {path}")
    return 0
