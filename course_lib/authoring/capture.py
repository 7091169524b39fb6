"""pytest plugin: what nbval has run under solutions/ is kept, so that nothing runs twice.

nbval runs a notebook cell by cell, each cell a test. When the last cell of a complete notebook
has passed, and all before it, their outputs go where `course run` would have put them, under the
same key.
"""

import ast
import json
import time
from pathlib import Path

import pytest

# The state of the widgets as the kernel holds it, or null when the lesson has none.
WIDGETS = (
    "__import__('json').dumps(__import__('sys').modules['ipywidgets'].Widget.get_manager_state()"
    " if 'ipywidgets' in __import__('sys').modules else None)"
)


def _cell(item):
    """Whether a pytest item is a cell of a complete notebook that nbval runs."""
    return type(item).__name__ == "IPyNbCell" and item.path.parent.parent.name == "solutions"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before the first cell of a complete notebook: start its clock, forget earlier outputs."""
    if _cell(item) and item.cell_num == 0:
        item.parent.course_start, item.parent.course_passed = time.perf_counter(), {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """After each cell that passed: keep its outputs."""
    report = yield
    if _cell(item) and report.when == "call" and report.passed:
        passed = getattr(item.parent, "course_passed", None)
        if passed is not None:  # None when a run was asked to begin at a later cell
            passed[item.cell.id] = item.test_outputs or []
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    """After the last cell, if all passed: keep the executed notebook for the site."""
    if not _cell(item):
        return
    cells = [cell for cell in item.parent.nb.cells if cell.cell_type == "code"]
    passed = getattr(item.parent, "course_passed", {})
    if item.cell_num == len(cells) - 1 and all(cell.id in passed for cell in cells):
        _keep(item.parent, cells, passed)


def _keep(file, cells, passed):
    """Save the notebook of an nbval file with the outputs that its cells gave."""
    from course_lib.authoring import execute

    notebook = file.nb.copy()
    for count, cell in enumerate(cells, 1):
        cell.outputs, cell.execution_count = passed[cell.id], count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    if state := _widget_state(file.kernel.kc):
        notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    root = file.path.parents[2]
    wanted = execute.key(notebook, execute.scale(), Path(execute.__file__).parents[1])
    seconds = time.perf_counter() - file.course_start
    execute.save(notebook, execute.executed(root, file.path), wanted, seconds)


def _widget_state(client):
    """Ask the kernel, which still lives, for its widgets."""
    asked = client.execute("", silent=True, user_expressions={"state": WIDGETS})
    while True:
        reply = client.get_shell_msg(timeout=30)
        if reply["parent_header"].get("msg_id") == asked:
            break
    answer = reply["content"]["user_expressions"]["state"]
    if answer["status"] != "ok":
        raise RuntimeError(f"The widgets could not be saved: {answer['evalue']}")
    return json.loads(ast.literal_eval(answer["data"]["text/plain"]))
