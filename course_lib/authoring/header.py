"""How every notebook begins: a badge that opens it in Colab, and a cell that sets it up there."""

from nbformat.v4 import new_code_cell, new_markdown_cell

# What course_lib needs and Colab may lack, as pinned in constraints.txt. Without --no-deps pip may
# exchange torch, numpy or ipywidgets under a running kernel.
MISSING_IN_COLAB = ("anywidget==0.11.0", "psygnal==0.16.1", "mrcfile==1.5.4")
SETUP = """\
import importlib.util, os, subprocess, sys
if importlib.util.find_spec("course_lib") is None:  # on Colab, once; does nothing where it is there
    source = os.environ.get("COURSE_LIB_SOURCE", "git+{repository}@{release}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.check_call([*pip, source, {packages}])
    importlib.invalidate_caches()"""


def colab(addresses, path):
    """The address that opens a notebook in Colab, of the release whose package it installs."""
    name = addresses["repository"].split("/", 3)[3]
    return f"https://colab.research.google.com/github/{name}/blob/{addresses['release']}/{path}"


def head(addresses, path):
    """The first two cells of the notebook at `path`, with the addresses of book.yml."""
    image = "https://colab.research.google.com/assets/colab-badge.svg"
    badge = f"[![Open in Colab]({image})]({colab(addresses, path)})"
    setup = SETUP.format(
        repository=addresses["repository"],
        release=addresses["release"],
        packages=", ".join(f'"{name}"' for name in MISSING_IN_COLAB),
    )
    code = new_code_cell(setup, id="setup", metadata={"tags": ["setup"]})
    return [new_markdown_cell(badge, id="colab-badge"), code]
