// A slider over precomputed frames, in the anywidget form: it runs in Jupyter, in Colab and, given
// the same `model.get` and `model.set`, on a static page.
function render({ model, el }) {
  const frames = model.get("frames");
  const labels = model.get("labels");
  const alts = model.get("alts");

  const image = document.createElement("img");
  image.width = model.get("width");
  image.height = model.get("height");
  image.style.cssText = "max-width:100%;height:auto;display:block;background:white";

  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  slider.max = frames.length - 1;
  slider.step = 1;
  slider.style.cssText = "flex:1 1 10rem;min-width:8rem;max-width:22rem;height:2rem";
  slider.setAttribute("aria-label", model.get("description"));

  const name = document.createElement("span");
  name.textContent = model.get("description");
  const value = document.createElement("output");
  value.style.cssText = "font-weight:600;min-width:6rem";

  const row = document.createElement("div");
  row.style.cssText =
    "display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .75rem;margin:.25rem 0";
  row.append(name, slider, value);
  el.append(row, image);

  function draw() {
    const i = model.get("index");
    image.src = "data:image/png;base64," + frames[i];
    image.alt = alts[i] + " (" + labels[i] + ")";
    slider.value = i;
    slider.setAttribute("aria-valuetext", labels[i]);
    value.textContent = labels[i];
  }

  slider.addEventListener("input", () => {
    model.set("index", Number(slider.value));
    model.save_changes();
  });
  model.on("change:index", draw);
  draw();
  return () => model.off("change:index", draw);
}

export default { render };
