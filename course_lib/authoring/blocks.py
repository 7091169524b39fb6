"""Sphinx extension: the blocks of a lesson on the site, numbered as in its notebook.

`{theorem} Title` and its kin, `{exercise} Title`, `{proof}`, `{hint} Title` (folded). Also: a
displayed formula with \\tag keeps its own number, citations read as in the notebooks, and a page
with a live figure loads its script.
"""

from dataclasses import dataclass, field

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from course_lib.authoring.numbers import BLOCKS, FOLDED, Numbers, heading


class Block(SphinxDirective):
    """An admonition whose title says what it is: `Theorem 2.2.1 (Stein's lemma)`."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {"label": directives.unchanged, "class": directives.class_option}

    def run(self):
        self.assert_has_content()
        kind = self.name.rpartition(":")[2]
        title = self.arguments[0] if self.arguments else ""
        classes = ["course-block", f"course-{kind}", *self.options.get("class", [])]
        block = nodes.admonition("", classes=classes)
        if kind in FOLDED:
            block["classes"] += ["dropdown"]
            title = title or kind.capitalize()
        else:
            count = self.env.temp_data.setdefault(
                "course_numbers", Numbers(self.env.docname.rpartition("/")[2])
            )
            number = count(kind)
            title = heading(kind, number, title)
            if number:
                block["ids"].append(f"{kind}-{number.replace('.', '-')}")
        text, messages = self.parse_inline(title)
        block += [nodes.title(title, "", *text), *messages, *self.parse_content_to_nodes()]
        return [block]


class TaggedMath(SphinxPostTransform):
    """Leave a formula with \\tag as it is: the wrapper put around lines would refuse the tag."""

    default_priority = 5

    def run(self, **_):
        for formula in self.document.findall(nodes.math_block):
            if r"\tag" in formula.astext():
                formula["classes"].append("amsmath")
                formula["no-wrap"] = formula["nowrap"] = True


@dataclass
class Citations(AuthorYearReferenceStyle):
    """[Efron, 2004; Stein, 1981]: works are kept apart by semicolons."""

    bracket_parenthetical: BracketStyle = field(default_factory=lambda: BracketStyle(sep="; "))


def live_figures(app, pagename, templatename, context, doctree):
    """Load the script of the live figures on the pages that have one."""
    if 'class="live-figure"' in context.get("body", ""):
        app.add_js_file("live-figures.js", loading_method="defer")


def setup(app):
    """What Sphinx calls: the directives, the citation style and the transforms of this module."""
    for name in (*BLOCKS, *FOLDED):
        app.add_directive(name, Block, override=True)
    register_plugin("sphinxcontrib.bibtex.style.referencing", "course", Citations)
    app.add_post_transform(TaggedMath)
    app.connect("html-page-context", live_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
