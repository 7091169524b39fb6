"""The command line: `course notebooks`, `course run`, `course site`, `course table NAME`."""

import functools
import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode=None)


def _known(scale):
    if scale not in ("quick", "full"):
        raise typer.BadParameter(f"{scale!r} is neither quick nor full.")
    return scale


Scale = Annotated[
    str,
    typer.Option(
        envvar="COURSE_SCALE", callback=_known, help="quick: minutes on a CPU; full: for a GPU"
    ),
]

JsonFile = Annotated[Path | None, typer.Option("--json", help="write the figures to this file")]
Recorded = Annotated[bool, typer.Option("--recorded", help="print the run that is kept")]


def _plain_errors(command):
    """A mistake, or a file that fails, is one sentence on stderr and status 1, no traceback."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        from course_lib.authoring import AuthoringError

        try:
            return command(*args, **kwargs)
        except (BrokenPipeError, typer.Exit, typer.Abort):  # `course table … | head`; done already
            raise
        except ModuleNotFoundError as error:
            message = f"the package {error.name} is missing: pip install -e '.[all]'."
        except OSError as error:
            message = f"{error.filename}: {error.strerror}." if error.strerror else str(error)
        except (AuthoringError, ValueError, ImportError, RuntimeError) as error:
            message = str(error)
        typer.echo(f"Error: {message}", err=True)
        raise typer.Exit(1)

    return run


@app.command()
@_plain_errors
def notebooks(
    check: Annotated[bool, typer.Option("--check", help="change nothing, fail on drift")] = False,
):
    """Generate the notebooks from solutions/<part>/<lesson>.md."""
    from course_lib.authoring import AuthoringError, find_root
    from course_lib.authoring import notebooks as author

    root = find_root()
    if check and (messages := author.drift(root)):
        raise AuthoringError("\n".join(messages))
    for path in [] if check else author.write(root):
        typer.echo(f"wrote {path.relative_to(root)}")
    typer.echo("The notebooks are what their sources say.")


@app.command()
@_plain_errors
def run(scale: Scale = "quick"):
    """Execute every lesson that has changed, and print the table of results."""
    from course_lib.authoring import execute, find_root, report

    root = find_root()
    results = execute.run(root, scale)
    typer.echo(report.table(results))
    if any(result.error for result in results):
        raise typer.Exit(1)


@app.command()
@_plain_errors
def site(
    scale: Scale = "quick",
    output: Annotated[Path, typer.Option(help="where the pages go")] = Path("_build/html"),
    strict: Annotated[bool, typer.Option(help="a warning is an error")] = True,
):
    """Build the site; lessons already executed are not executed again."""
    from course_lib.authoring import find_root
    from course_lib.authoring import site as pages

    root = find_root()
    os.environ["COURSE_SCALE"] = scale
    page = pages.build(root, output=root / output, strict=strict)
    typer.echo(f"\nThe page to open: {page}")


@app.command()
@_plain_errors
def table(
    name: Annotated[str, typer.Argument(help="which table, for example denoising")],
    scale: Scale = "quick",
    seeds: Annotated[int | None, typer.Option(min=1, help="default: 1 or 3, by table")] = None,
    json: JsonFile = None,
    recorded: Recorded = False,
    kspace: Annotated[Path | None, typer.Option(help="a folder of fastMRI .h5 files")] = None,
    images: Annotated[Path | None, typer.Option(help="a folder of your own images")] = None,
):
    """Measure a table of methods and print it."""
    from course_lib import experiments

    own = [(k, path) for k, path in (("kspace", kspace), ("images", images)) if path is not None]
    if len(own) > 1:
        raise ValueError("--kspace and --images are two tables; give one of them.")
    if recorded:
        if seeds or json or own:
            raise ValueError("--recorded prints the run that is kept; leave the other options out.")
        experiments.show(name, experiments.recorded(name, scale))
    else:
        own = own[0] if own else None
        experiments.run_table(name, scale=scale, seeds=seeds, json_path=json, own=own)


@app.command()
@_plain_errors
def bench(scale: Scale = "quick", json: JsonFile = None, recorded: Recorded = False):
    """Time operators and training steps beside the reference library; see `make bench`."""
    table("bench", scale, json=json, recorded=recorded)


@app.command()
@_plain_errors
def answers():
    """Answer every exercise, rightly and wrongly, and count what its check says."""
    import runpy

    from course_lib.authoring import AuthoringError, find_root

    script = find_root() / "tests" / "exercises" / "answers.py"
    if not script.is_file():
        raise AuthoringError(f"{script} is missing: run this inside a clone of the course.")
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    app()
