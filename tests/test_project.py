"""The project's own files agree with each other and with the house plan."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import belongs
import lines
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import course_lib
from course_lib.authoring import lessons, references, settings
from course_lib.authoring.header import MISSING_IN_COLAB, colab

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

# What a plain Colab runtime has; the setup cell of a notebook brings the rest.
COLAB_HAS = set(
    "torch numpy scipy matplotlib ipywidgets tqdm typer scikit-image pillow tifffile "
    "ipython traitlets cycler".split()
)

# What the extras bring to a room beside the dependencies; the peer has an environment of its own.
EXTRAS = {"authoring": ("lab", "site", "test"), "data": ("data",)}
PEER = {"deepinv"}

# DESIGN: upper floors import lower ones, never the reverse.
FLOORS = {
    **dict.fromkeys(
        ("_batched", "_checks", "_files", "_fingerprint", "_random", "_repr", "_scope"), 0
    ),
    **dict.fromkeys(("operators", "noise", "groups", "metrics"), 1),
    "symmetry": 2,
    **dict.fromkeys(("priors", "models", "data"), 2),
    "losses": 3,
    **dict.fromkeys(("assumptions", "checkpoint", "evaluation", "history"), 4),
    **dict.fromkeys(("training", "validation", "uncertainty"), 4),
    "experiments": 5,
    **dict.fromkeys(("viz", "exercises", "cli", "authoring"), 6),
}
HEAVY = set("torch numpy scipy matplotlib ipywidgets anywidget skimage typer IPython".split())


def constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): pin for pin in pins}


def requirements():
    """Every requirement of pyproject.toml, of the package and of its extras."""
    extras = PROJECT["optional-dependencies"]
    listed = [*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)]
    return [Requirement(line) for line in listed]


def test_conda_gets_python_and_pip_and_all_else_from_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, rest = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert rest == {"pip": ["-e .[all]"]}


def test_all_is_every_extra():
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == set(extras) - {"all"}


def test_constraints_pin_torch_and_agree_with_the_floors():
    pins = constraints()
    assert str(pins["torch"].specifier) == "==2.13.0"
    for wanted in requirements():
        pin = pins.get(canonicalize_name(wanted.name))
        if pin:
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert wanted.specifier.contains(exact.version), f"{pin} is below {wanted}"


def brought_by(name, extras, found):
    """All that `pip install name[extras]` brings, by what is installed here."""
    if (name, *sorted(extras)) in found:
        return
    found.add((name, *sorted(extras)))
    for line in importlib.metadata.requires(name) or []:
        part = Requirement(line)
        if any(part.marker is None or part.marker.evaluate({"extra": e}) for e in ("", *extras)):
            brought_by(canonicalize_name(part.name), part.extras, found)


def test_constraints_pin_all_that_is_installed():
    found = set()
    brought_by("course-lib", {"all"}, found)
    names = {name for name, *_ in found} - {"course-lib"}
    of_torch = ("nvidia-", "cuda-", "triton")  # those a build for GPUs pins itself
    assert len(names) > 100
    assert {name for name in names - set(constraints()) if not name.startswith(of_torch)} == set()
    for pin in constraints().values():
        assert [part.operator for part in pin.specifier] == ["=="], str(pin)


def test_make_installs_torch_and_what_it_needs_first_and_leaves_them_alone():
    """Another build of torch, TORCH_SPEC, comes with other versions of what it needs."""
    first, rest = (ROOT / "constraints.txt").read_text(encoding="utf-8").split("# The package\n")
    found = set()
    brought_by("torch", set(), found)
    pins = {canonicalize_name(line.split("==")[0]) for line in first.splitlines() if "==" in line}
    later = {canonicalize_name(line.split("==")[0]) for line in rest.splitlines() if "==" in line}
    assert "torch" in pins and not {name for name, *_ in found} & later
    assert "sed '1,/^# The package/d' constraints.txt" in make("--dry-run", "-B", "book").stdout


def test_dependencies_are_floors_only():
    for wanted in requirements():
        assert all(part.operator == ">=" for part in wanted.specifier), str(wanted)


def test_a_notebook_on_colab_gets_every_dependency():
    needed = {Requirement(line).name for line in PROJECT["dependencies"]}
    brought = [Requirement(line) for line in MISSING_IN_COLAB]
    assert needed <= COLAB_HAS | {pin.name for pin in brought}
    for pin in brought:
        assert pin.specifier == constraints()[canonicalize_name(pin.name)].specifier


def test_links_and_colab_lead_to_the_release_of_this_version():
    """A tag, which does not move; a commit's digits would do as well."""
    assert settings(ROOT)["release"] == f"v{course_lib.__version__}"


def test_package_data_is_installed():
    """Every file of the package that is not Python matches a pattern of package-data."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    patterns = tool["setuptools"]["package-data"]["*"]
    files = subprocess.run(
        ["git", "ls-files", "course_lib"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in files.stdout.split():
        path = Path(name)
        assert path.suffix == ".py" or any(path.match(p) for p in patterns), name


def test_importing_the_package_is_fast_and_loads_nothing_heavy():
    """Under 0.2 s by Python's own account, which leaves out the interpreter's start."""
    code = "import sys, course_lib; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & HEAVY
    microseconds = re.search(r"\|\s+(\d+) \|\s*course_lib$", done.stderr, re.M)
    assert int(microseconds[1]) < 200_000


def imports(path):
    """The modules of course_lib that a file imports, as dotted paths inside the package."""
    inside = path.relative_to(ROOT / "course_lib").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ("course_lib", *inside)
            base = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("course_lib."):
                yield name.split(".")[1]


def brought(path):
    """The modules of other packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        yield from {name.split(".")[0] for name in names} - {"course_lib", *sys.stdlib_module_names}


def undeclared():
    """What the package imports and pyproject.toml does not name: "file: module"."""
    owners, extras = importlib.metadata.packages_distributions(), PROJECT["optional-dependencies"]
    for path in sorted((ROOT / "course_lib").rglob("*.py")):
        room = path.relative_to(ROOT / "course_lib").parts[0]
        lists = [PROJECT["dependencies"], *(extras[e] for e in EXTRAS.get(room, ()))]
        declared = {canonicalize_name(Requirement(line).name) for part in lists for line in part}
        for module in set(brought(path)) - PEER:
            if not declared & {canonicalize_name(name) for name in owners.get(module, [module])}:
                yield f"{path.relative_to(ROOT)}: {module}"


def test_what_is_imported_is_declared(monkeypatch):
    assert list(undeclared()) == []
    monkeypatch.setitem(EXTRAS, "data", ())
    assert "course_lib/data/hdf5.py: h5py" in undeclared()


def test_the_licence_of_the_wheel_is_that_of_the_code_and_of_each_pack():
    table = (ROOT / "course_lib/data/LICENSES.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+\.npz) \| ([\w.-]+(?: AND [\w.-]+)*) \|", table, re.M))
    assert set(rows) == {path.name for path in (ROOT / "course_lib/data/packs").glob("*.npz")}
    told = {name for row in rows.values() for name in row.split(" AND ")}
    assert set(PROJECT["license"].split(" AND ")) == told | {"MIT"}
    assert PROJECT["license-files"] == ["LICENSE", "course_lib/data/LICENSES.md"]


def floor_violations():
    for path in sorted((ROOT / "course_lib").rglob("*.py")):
        own = path.relative_to(ROOT / "course_lib").with_suffix("").parts[0]
        if own == "__init__":
            continue
        assert own in FLOORS, f"course_lib/{own} is on no floor: add it to FLOORS and the plan"
        for name in imports(path):
            if name in FLOORS and FLOORS[name] > FLOORS[own]:
                yield f"{path.relative_to(ROOT)} (floor {FLOORS[own]}) imports {name}"


def test_upper_floors_import_lower_ones_never_the_reverse():
    assert list(floor_violations()) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pass_actionlint(path):
    actionlint = Path(sys.executable).with_name("actionlint")
    done = subprocess.run([actionlint, path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_use_actions_by_commit_and_keep_no_credentials(path):
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: *(.+)", text)
    assert uses and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", u) for u in uses)
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_actionlint_finds_mistakes(tmp_path):
    """The check above can fail."""
    broken = tmp_path / "broken.yml"
    broken.write_text("on: push\njobs:\n  a:\n    runs-on: nowhere\n    step: []\n")
    actionlint = Path(sys.executable).with_name("actionlint")
    assert subprocess.run([actionlint, broken], capture_output=True).returncode == 1


def test_both_workflows_exist_and_run_the_readmes_commands():
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "gpu.yml"]
    ci, gpu = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in WORKFLOWS)
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert {"ubuntu-latest", "macos-latest"} == set(ci["jobs"]["test"]["strategy"]["matrix"]["os"])
    assert {"make test", "make book"} <= {step.get("run") for step in ci["jobs"]["test"]["steps"]}
    runs = [step.get("run") for step in ci["jobs"]["lowest"]["steps"]]
    assert runs[-1] == "bash tools/lowest.sh .lowest" and (ROOT / "tools" / "lowest.sh").is_file()
    assert gpu["jobs"]["full"]["env"]["COURSE_SCALE"] == "full"


def test_the_readme_leads_to_every_lesson():
    """Its addresses are those of book.yml."""
    readme, addresses = (ROOT / "README.md").read_text(encoding="utf-8"), settings(ROOT)
    wanted = {
        colab(addresses, f"notebooks/{source.parent.name}/{source.stem}.ipynb")
        for source in lessons(ROOT)
    }
    found = re.findall(r"https://colab\.research\.google\.com/github/[^)\s]+", readme)
    assert set(found) == wanted
    for source in lessons(ROOT):
        assert str(source.relative_to(ROOT).with_suffix(".ipynb")) in readme


def test_the_readmes_links_lead_to_files_from_anywhere():
    """A package index shows the README too: its links are absolute, to the release of book.yml."""
    addresses = settings(ROOT)
    base = f"{addresses['repository']}/blob/{addresses['release']}/"
    for link in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert link.startswith((base, "https://colab.research.google.com/")), link
        if link.startswith(base):
            assert (ROOT / link.removeprefix(base)).exists(), link


def test_the_monograph_is_cited_as_in_the_bibliography():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    fields = references.load(ROOT / "solutions" / "references.bib")["tachella2026monograph"].fields
    assert fields["eprint"] in readme and fields["title"] in readme


def test_what_belongs_to_a_file():
    found = belongs.belongs(ROOT / "course_lib" / "losses" / "sure.py")
    tests = [path.relative_to(ROOT / "tests").as_posix() for path in found["tests"]]
    assert tests[0] == "losses/test_sure.py" and "losses/test_gradients.py" in tests
    assert ROOT / "solutions" / "part2" / "2_2_sure.md" in found["lessons"]


def test_the_package_tells_its_types():
    assert (ROOT / "course_lib" / "py.typed").is_file()


def test_no_registry_address_in_the_repository():
    """Where pip and others find packages is a setting of the machine, not of the course."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    hosts = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npmjs" + r"\.")))
    for name in files:
        path = ROOT / name
        if path.is_file() and path.suffix not in (".npz", ".png", ".js"):
            assert not hosts.search(path.read_text(encoding="utf-8", errors="ignore")), name


def make(*arguments):
    """make as a user calls it, also when these tests were themselves started by make."""
    command = ["make", "--no-print-directory", *arguments]
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)


@pytest.mark.parametrize("target", ["course", "test", "file", "nbval", "lab", "book", "bench"])
def test_make_sets_up_before_every_target(target):
    """A dry run of a stale tree installs torch before the rest, and only then goes on."""
    done = make("--dry-run", "--always-make", target)
    assert done.returncode == 0, done.stderr
    plan = done.stdout
    assert plan.index("-m venv") < plan.index("TORCH_SPEC") < plan.index("--editable")


@pytest.mark.parametrize(
    ("interpreter", "message"),
    [
        ("no-such-python", "No 'no-such-python' found: install Python 3.10 or newer"),
        ("old", "is older than Python 3.10: name a newer one with PYTHON="),
        ("bare", "has no venv module: install it (Debian and Ubuntu: apt-get install python3-"),
    ],
)
def test_make_says_in_one_line_what_python_lacks(tmp_path, interpreter, message):
    if interpreter != "no-such-python":
        fails = {"old": "*version_info*", "bare": "*ensurepip*"}[interpreter]
        fake = tmp_path / interpreter
        fake.write_text(f'#!/bin/sh\ncase "$2" in {fails}) exit 1;; esac\n')
        fake.chmod(0o755)
        interpreter = str(fake)
    done = make("--always-make", f"PYTHON={interpreter}", f"VENV={tmp_path / 'venv'}", "book")
    assert done.returncode != 0
    assert message in done.stdout
    assert len(done.stdout.strip().split("\n")) == 1
    assert not (tmp_path / "venv").exists()


CORE, GOAL = 4_900, 3_900  # code lines of the core, today's ceiling and what was aimed at


def test_the_package_stays_small():
    """Missed: the core had 4,503 lines before part 4 came, 3,900 were aimed at. Tried:
    libraries for the readers, makers of packs to tools/, one formula for what stood twice, facts
    instead of checks. What is left is features: recorded y, estimates of the noise, warnings."""
    found = lines.count()
    assert GOAL < lines.core(found) < CORE
    assert sum(found.values()) < 10_249  # what it was when that was aimed at
