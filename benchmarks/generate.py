"""Write the same catalog as an offerkit project and as a Terraform project, for the benchmark.

Example::

    python benchmarks/generate.py --offers 10000 --dir build/bench
    python benchmarks/generate.py --offers 10000 --dir build/bench --edit 1  # one title changes, on both
    python benchmarks/generate.py --offers 10000 --dir build/bench --edit 0  # and back

writes ``offerkit/`` and ``terraform/`` in the directory, and prints what it wrote as JSON. The same arguments
always give the same bytes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import catalog
import offerkit_project
import terraform_project
from catalog import Shape

SIDES = ("offerkit", "terraform")


def edited_offer(shape: Shape) -> int:
    """Return the offer that an edit changes: one in the middle, so that neither end is favoured."""
    return shape.offers // 2


def edit(directory: Path, shape: Shape, revision: int, side: str) -> None:
    """Give one offer another title, in the one file that holds it; revision 0 is the title of before."""
    project = offerkit_project if side == "offerkit" else terraform_project
    project.write_offer_file(directory / side, shape, edited_offer(shape), revision)


def count_references(shape: Shape) -> int:
    """Return the number of references between resources: the edges of both graphs."""
    small = sum(len(each.references) for each in terraform_project.small_resources(shape))
    tree = sum(len(each.references) for each in catalog.categories(shape))
    return small + tree + sum(len(catalog.offer(shape, number).references) for number in range(shape.offers))


def size_of(root: Path) -> dict[str, int]:
    """Return the number of configuration files and lines, state not counted."""
    files = [path for pattern in ("*.yaml", "*.tf") for path in root.rglob(pattern)]
    return {"files": len(files), "lines": sum(path.read_bytes().count(b"\n") for path in files)}


def main() -> None:
    """Write the projects that the command line asks for."""
    parser = argparse.ArgumentParser(description="Write a benchmark catalog for offerkit and for Terraform.")
    parser.add_argument("--offers", type=int, required=True, metavar="N")
    parser.add_argument("--dir", type=Path, required=True, help="where offerkit/ and terraform/ are written")
    parser.add_argument("--only", choices=SIDES, help="write one side only")
    parser.add_argument(
        "--edit", type=int, metavar="REVISION", help="change one offer's title instead; 0 changes it back"
    )
    parser.add_argument(
        "--terraform-state", metavar="VERSION", help="write the state an apply by this Terraform leaves"
    )
    options = parser.parse_args()
    shape = Shape(options.offers)
    report: dict[str, object] = {"resources": shape.resources, "references": count_references(shape)}
    for side in [options.only] if options.only else SIDES:
        root = options.dir / side
        if options.edit is not None:
            edit(options.dir, shape, options.edit, side)
        elif side == "offerkit":
            offerkit_project.write_project(root, shape)
        else:
            terraform_project.write_project(root, shape)
            if options.terraform_state:
                terraform_project.write_state(root, shape, options.terraform_state)
        report[side] = size_of(root)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
