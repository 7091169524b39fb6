#!/usr/bin/env bash
# The tests on the lowest versions that pyproject.toml allows: of everything but torch, whose build
# is TORCH_SPEC or the pinned one. torch's own floor, 2.4, is what the operators ask of autocast.
# usage: bash tools/lowest.sh [DIR [TEST ...]]      default .lowest and all tests; PYTHON=... as in make
set -euo pipefail
V=${1:-.lowest}
"${PYTHON:-python3}" -m venv --clear "$V"
"$V/bin/python" - > "$V/floors.txt" <<'PY'
import re, pathlib
for name, floor in re.findall(r'"([\w-]+)>=([\d.]+)', pathlib.Path("pyproject.toml").read_text()):
    if name not in ("torch", "setuptools"):
        print(f"{name}=={floor}")
PY
pip() { "$V/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip "${TORCH_SPEC:-$(grep '^torch==' constraints.txt)}"
pip --only-binary :all: --constraint "$V/floors.txt" --editable '.[all]'
"$V/bin/python" -m pytest -q -n auto --dist loadfile "${@:2}"
