"""What a run of the lessons has to say: how long, how many claims, which figures."""

import re

import nbformat


def title(notebook):
    """The first heading of the lesson."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^# (.+)$", cell.source, re.M)):
            return found[1].strip()
    return "untitled"


def claims(notebook):
    """How many claims the notebook checks: its `assert` statements."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return len(re.findall(r"^\s*assert\b", code, re.M))


def table(results):
    """The table of lessons, then the key figures that each lesson printed."""
    width = max((len(r.title) for r in results), default=0)
    lines = ["", f"{'lesson':<{width}}  seconds  claims  status"]
    for r in results:
        lines.append(f"{r.title:<{width}}  {r.seconds:7.0f}  {r.claims:6d}  {r.status}")
    for r in results:
        figures = "" if r.error else _figures(nbformat.read(r.path, as_version=4))
        if figures:
            lines += ["", r.title, *(f"  {line}" for line in figures.rstrip().split("\n"))]
    return "\n".join(lines)


def _figures(notebook):
    """What the cells tagged `results` printed."""
    return "".join(
        output.text
        for cell in notebook.cells
        if "results" in cell.metadata.get("tags", [])
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stdout"
    )
