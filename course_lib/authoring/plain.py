"""From the Markdown of a lesson to Markdown that every notebook shows: no directives, no roles.

`:::{theorem} Title` and its kin become a block quote with a bold header, `:::{hint} Title` becomes
<details>, {cite}`key` becomes `[Stein, 1981]`. The parser is the site's, so both agree on what is
a block, code or a formula. What is not known here is an error: no raw syntax ever reaches a reader.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from course_lib.authoring import AuthoringError
from course_lib.authoring.numbers import BLOCKS, FOLDED, Numbers, heading

QUOTED = (*BLOCKS, "note", "tip", "important", "warning", "caution", "attention")
EXTENSIONS = {"amsmath", "colon_fence", "dollarmath", "deflist"}  # those of book.yml
# Not joined to the text around it, an escaped dollar sign is told from one that begins a formula.
PARSER = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
PARSER.disable("text_join")
RAW = {"text": "$", "text_special": "\\"}  # what is left of TeX outside a formula

_DIRECTIVE = re.compile(r"\{([\w:-]+)\}(.*)")
_OPTIONS = re.compile(r"\A(:[\w-]+:.*\n)+")
_ROLE = re.compile(r"\{[\w:+-]+\}`[^`]+`")
_FORMULA = re.compile(r"`[^`]*`|\\\$|\$\$.*?\$\$|\$.*?\$", re.S)


def uncut(text):
    """`text`, when Markdown cuts no formula of it; otherwise AuthoringError."""
    for token in PARSER.parse(text):
        for part in token.children or ():
            if part.type in RAW and RAW[part.type] in part.content:
                raise AuthoringError(
                    f"a formula is cut in '{token.content}'; a dollar sign is \\$."
                )
    return text


@dataclass
class Plain:
    """`Plain(cite, bibliography, numbers)(text)` is `text` without directives and roles.

    `cite(keys)` gives the text of a citation, `bibliography()` the list of works cited so far,
    `numbers(kind)` the next number of a theorem or an exercise.
    Raises AuthoringError on what a notebook cannot show, and on a formula that Markdown cuts.
    """

    cite: Callable
    bibliography: Callable
    numbers: Numbers

    def __call__(self, text):
        return _joined(part for _, part in self._parts(text))

    def _parts(self, text):
        """(whether it is folded, Markdown) of each directive and of what stands between them."""
        lines, done = text.split("\n"), 0
        for token in PARSER.parse(uncut(text)):
            if token.type == "inline":
                start, end = token.map
                prose = self._inline(token, "\n".join(lines[start:end]))
                lines[start:end] = [prose, *[None] * (end - start - 1)]
            elif token.type == "colon_fence" and not token.level:
                start, end = token.map
                if end - start < 2 or lines[end - 1].strip() != token.markup:
                    raise AuthoringError(f"'{lines[start]}' is never closed: add {token.markup}.")
                yield False, _prose(lines[done:start])
                yield from self._directive(token)
                done = end
            elif token.type.startswith(("myst_", "colon_fence")) or token.info.startswith("{"):
                raise AuthoringError(f"No notebook shows the raw syntax '{lines[token.map[0]]}'.")
        yield False, _prose(lines[done:])

    def _inline(self, token, text):
        """`text`, which was parsed into `token`, with the citations written out."""
        for part in token.children:
            if part.type == "myst_role":
                if part.meta["name"] != "cite":
                    raise AuthoringError(f"The role {{{part.meta['name']}}} has no plain form.")
                cited = self.cite([key.strip() for key in part.content.split(",")])
                text = _ROLE.sub(lambda _, cited=cited: cited, text, count=1)
        return text

    def _directive(self, token):
        found = _DIRECTIVE.fullmatch(token.info.strip())
        kind, title = found.groups() if found else (token.info, "")
        if kind == "bibliography":
            yield False, self.bibliography()
            return
        if kind not in (*QUOTED, *FOLDED):
            known = ", ".join((*QUOTED, *FOLDED))
            raise AuthoringError(f"The directive {{{kind}}} has no plain form: use one of {known}.")
        number = self.numbers(kind)  # before those of the blocks inside
        title, body = self(title.strip()), _OPTIONS.sub("", token.content)
        if kind in FOLDED:
            head = f"<details>\n<summary>{title or kind.capitalize()}</summary>"
            yield True, f"{head}\n\n{self(body)}\n\n</details>"
            return
        parts = [(False, f"**{heading(kind, number, title)}.**"), *self._parts(body)]
        for folded, group in groupby(parts, key=lambda part: part[0]):
            text = _joined(part for _, part in group)
            yield folded, text if folded or not text else _quoted(text)


def _prose(lines):
    return "\n".join(line for line in lines if line is not None)


def _joined(parts):
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def _quoted(text):
    """A block quote. Folded parts stay outside: <details> do not unfold inside one everywhere.

    A formula is put on one line: notebooks cut out $...$ and $$...$$ before they look for quotes,
    and would print the > of its middle lines.
    """
    text = _FORMULA.sub(lambda f: re.sub(r"\s*\n\s*", " ", f[0]) if f[0][0] == "$" else f[0], text)
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
