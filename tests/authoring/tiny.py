"""A made-up lesson that has everything a lesson may have, for the tests of this folder."""

BOOK = """\
root: README
meta:
  course:
    repository: https://github.com/someone/some-course
    release: v1
    site: https://example.org/course
"""

BIB = """\
@article{stein1981, author = {Stein, Charles M.}, title = {Estimation of the mean},
  journal = {Annals}, year = {1981}}
@misc{three, author = {Ann{\\'e}, B. and Two, C. and Three, D.}, title = {On {$C_p$}},
  year = {2020}, eprint = {2001.00001}}
@article{broken, author = {Half, A.}, title = {No journal}, year = {1999}}
"""

LESSON = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# 1.1 Tiny

Known since {cite}`stein1981`, see also {cite}`stein1981, three` and
[the next lesson](../part2/2_1_next.ipynb#start).

:::{theorem} Stein
:label: stein
For all $a$,

$$
a = a
\\tag{1.1}
$$
:::

:::{proof}
Plain.
:::

```{code-cell} python
import math
import os
```

::::{exercise} Square
Write the square.

:::{hint} Hint 1
A product, as in

$$
x x
$$
:::
::::

```{code-cell} python
:tags: [exercise]

def square(x):
    if x is None:
        ### BEGIN SOLUTION
        secret = 0
        return secret
        ### END SOLUTION
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION
```

```{code-cell} python
assert math.sqrt(4.0) == 2.0
assert math.pi > 3
```

```{code-cell} python
:tags: [results]

print("scale", os.environ.get("COURSE_SCALE"))
```

## References

:::{bibliography}
:filter: docname in docnames
:::
"""


def course(folder, lesson=LESSON):
    """A course of one lesson in `folder`, and a package of one file that it is said to use."""
    (folder / "solutions" / "part1").mkdir(parents=True)
    (folder / "book.yml").write_text(BOOK, encoding="utf-8")
    (folder / "solutions" / "references.bib").write_text(BIB, encoding="utf-8")
    (folder / "package" / "authoring").mkdir(parents=True)
    (folder / "package" / "losses.py").write_text("factor = 2\n", encoding="utf-8")
    source = folder / "solutions" / "part1" / "1_1_tiny.md"
    source.write_text(lesson, encoding="utf-8")
    return source
