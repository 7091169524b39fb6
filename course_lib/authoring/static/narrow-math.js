// On a narrow screen formulas start at the left: centred ones lose twice the width of their number.
if (window.MathJax && window.innerWidth < 600) {
  window.MathJax.svg = { displayAlign: "left" };
}
