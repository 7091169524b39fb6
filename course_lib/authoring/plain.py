"""From the Markdown of a lesson to Markdown that every notebook shows: no directives, no roles.

`:::{theorem} Title` and its kin become a block quote with a bold header, `:::{hint} Title` becomes
<details>, {cite}`key` becomes `[Stein, 1981]`. What is not known here is an error, so that no raw
syntax ever reaches a reader.
"""

import re

from course_lib.authoring import AuthoringError
from course_lib.authoring.numbers import heading

QUOTED = (
    "theorem proposition lemma corollary definition assumption remark example algorithm proof "
    "exercise note tip important warning caution attention"
).split()
FOLDED = ("hint", "dropdown", "solution")

_OPEN = re.compile(r"^(:{3,})\{([\w:-]+)\}\s*(.*)$")
_CLOSE = re.compile(r"^(:{3,})\s*$")
_OPTION = re.compile(r"^:[\w-]+:")
_FENCE = re.compile(r"^(`{3,}|~{3,})")
_ROLE = re.compile(r"\{([\w:-]+)\}`([^`]+)`")
_LINK = re.compile(r"(\]\((?!\w+:)[^)\s#]+)\.md(#[^)]*)?\)")
LEFTOVER = re.compile(r"^:{3,}|^[`~]{3,}\{|^\([\w:-]+\)=\s*$|^\+\+\+|\{[\w:-]+\}`[^`]+`", re.M)


def to_plain(text, cite, bibliography, numbers):
    """`text` without directives and roles.

    `cite(keys)` gives the text of a citation, `bibliography()` the list of works cited so far,
    `numbers(kind)` the next number of a theorem or an exercise.
    Raises AuthoringError on a directive or a role that the notebooks cannot show.
    """
    lines = _inline(text, cite).split("\n")
    out = _blocks(lines, bibliography, numbers)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def _inline(text, cite):
    """Replace roles and links to other lessons, outside fenced code."""

    def role(match):
        name, content = match.groups()
        if name not in ("cite", "cite:p", "cite:t"):
            raise AuthoringError(f"The role {{{name}}} has no plain form: only {{cite}} has one.")
        return cite([key.strip() for key in content.split(",")])

    def outside_code(part):
        return _LINK.sub(r"\1.ipynb\2)", _ROLE.sub(role, part))

    parts = re.split(r"(^(`{3,}|~{3,}).*?^\2`*[ \t]*$)", text, flags=re.M | re.S)
    # re.split gives: outside, whole fence, its opening, outside, ...
    return "".join(
        outside_code(part) if i % 3 == 0 else part for i, part in enumerate(parts) if i % 3 != 2
    )


def _blocks(lines, bibliography, numbers):
    """Render directives in `lines`; the lines between them pass unchanged."""
    out, i, fence = [], 0, None
    while i < len(lines):
        line = lines[i]
        mark = _FENCE.match(line)
        if fence:
            fence = None if mark and line.strip() == fence else fence
        elif mark:
            fence = mark[1]
        opened = None if fence else _OPEN.match(line)
        if not opened:
            out.append(line)
            i += 1
            continue
        colons, name, title = opened.groups()
        end = _end(lines, i, colons, name)
        body = lines[i + 1 : end]
        while body and _OPTION.match(body[0]):
            body = body[1:]
        kind = name.removeprefix("prf:")
        out += ["", *_render(kind, title.strip(), body, bibliography, numbers), ""]
        i = end + 1
    return out


def _end(lines, start, colons, name):
    """The line that closes the directive opened at `start` with this many colons."""
    depth = 0
    for i in range(start + 1, len(lines)):
        opened, closed = _OPEN.match(lines[i]), _CLOSE.match(lines[i])
        if opened and len(opened[1]) == len(colons):
            depth += 1
        elif closed and len(closed[1]) == len(colons):
            if depth == 0:
                return i
            depth -= 1
    raise AuthoringError(f"The directive {{{name}}} is never closed: add a line {colons}.")


def _render(name, title, body, bibliography, numbers):
    if name == "bibliography":
        return bibliography().split("\n")
    number = numbers(name)  # before those of the blocks inside
    body = _blocks(body, bibliography, numbers)
    if name in FOLDED:
        summary = title or name.capitalize()
        return ["<details>", f"<summary>{summary}</summary>", "", *body, "", "</details>"]
    if name not in QUOTED:
        known = ", ".join((*QUOTED, *FOLDED))
        raise AuthoringError(f"The directive {{{name}}} has no plain form: use one of {known}.")
    return _quote([f"**{heading(name, number, title)}.**", "", *body])


def _quote(lines):
    """Block quote, except for folded parts: <details> do not unfold inside a quote everywhere.

    A formula is put on one line: notebooks cut out $...$ and $$...$$ before they look for quotes,
    and would print the > of its middle lines.
    """
    out, folded, formula = [], 0, ""
    for line in [*_strip(lines), ""]:
        if formula and not line.strip():
            raise AuthoringError(f"A formula never ends: '{formula}'; write \\$ for a dollar sign.")
        folded += line.startswith("<details>")
        if folded:
            out.append(line)
        else:
            formula = f"{formula} {line.strip()}" if formula else line
            if not _open(formula):
                out.append(f"> {formula}".rstrip())
                formula = ""
        folded -= line.startswith("</details>")
    # A quote must not run into the folded part that follows it, nor end in empty quoted lines.
    text = re.sub(r"(^>\n)*^(<details>)", r"\n\2", "\n".join(out), flags=re.M)
    text = re.sub(r"(</details>)\n(^>$\n?)*", r"\1\n\n", text, flags=re.M)
    return text.strip("\n").split("\n")


def _open(text):
    """Whether a formula begins in `text` and does not end there."""
    single = re.sub(r"\\\$|\$\$|`[^`]*`", "", text)
    return text.count("$$") % 2 == 1 or single.count("$") % 2 == 1


def _strip(lines):
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n").split("\n")
