#!/usr/bin/env bash
# An environment in which the reference library (deepinv 0.5.0) runs on a CPU beside this course.
# usage: bash tests/peer.sh [DIR]      default DIR=.peer; `make bench` calls it
set -euo pipefail
V=${1:-.peer}
[ -f "$V/.complete" ] && exit 0
[ -d "$V" ] || python3 -m venv "$V"
pip() { "$V/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
torch=$(grep '^torch==' constraints.txt)
pip "$torch"
pip --no-deps torchvision==0.28.0 deepinv==0.5.0 torchmetrics lightning-utilities
pip "$torch" numpy matplotlib tqdm einops requests h5py natsort pillow scipy scikit-image packaging typer
pip --no-deps --editable .
# torchvision's wheel is a CUDA build: without libc10_cuda.so no C++ op is registered, and its import
# fails at @register_fake("torchvision::nms"). deepinv uses only its pure-Python part, so declare the
# schemas of those ops, in this environment only.
"$V/bin/python" - <<'PY'
import pathlib, re, sysconfig
f = pathlib.Path(sysconfig.get_paths()["purelib"]) / "torchvision" / "_meta_registrations.py"
s = f.read_text()
if "PEERFIX" not in s:
    guard = "if not torchvision.extension._has_ops():  # PEERFIX\n"
    guard += "    _peer_lib = torch.library.Library('torchvision', 'DEF')\n"
    for op in sorted(set(re.findall(r'register_fake\("torchvision::(\w+)"\)', s))):
        guard += f"    _peer_lib.define('{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
    line = "import torchvision.extension  # noqa: F401\n"
    f.write_text(s.replace(line, line + "\n" + guard, 1))
PY
"$V/bin/python" -W ignore -c "import deepinv; print('deepinv', deepinv.__version__)"
touch "$V/.complete"
