"""Machinery that runs real workflows in real containers, made on this machine.

- `engine`: a container engine, started if none runs.
- `tools`, `compose`: pinned programs, built once.
- `images`: runner and service images from Debian packages, built once a recipe.
- `act`: `run_workflow`, which runs a caller's workflow and returns an `ActRun`.
- `interpreters`: the host's Pythons for a matrix.
- `standins/`: local replacements of third-party actions, by OWNER/REPO.

`python3 -m tests.harness setup` prepares a machine; the standard library is enough.
"""
