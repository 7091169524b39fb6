// Give life to the precomputed widgets of a page: run each one's own module with its saved state.
// The module sees the part of anywidget's `model` that works without a kernel.
for (const figure of document.querySelectorAll(".live-figure")) {
  const state = JSON.parse(figure.querySelector("script").textContent);
  const listeners = {};
  const model = {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const listener of listeners["change:" + name] ?? []) listener();
    },
    save_changes() {},
    on(event, listener) {
      (listeners[event] ??= []).push(listener);
    },
    off(event, listener) {
      listeners[event] = (listeners[event] ?? []).filter((l) => l !== listener);
    },
  };
  const source = new Blob([state._esm], { type: "text/javascript" });
  import(URL.createObjectURL(source)).then((module) => {
    const el = document.createElement("div");
    module.default.render({ model, el });
    figure.replaceChildren(el);
  });
}
