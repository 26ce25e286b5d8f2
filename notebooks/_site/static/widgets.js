// The widgets of a lesson, on a page without a kernel: each control as it stood when the lesson ran, and the
// picture it led to. A classic script, so that it also runs from file://. It reads what myst-nb leaves in the
// page: the saved state of all models, and one marker where each widget stood.
(() => {
  "use strict";
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';

  const models = new Map(); // model id -> {model_name, state}

  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const text = (value) => [value ?? ""].flat().join(""); // notebooks store long texts as lists of lines
  const reference = (child) => child.replace("IPY_MODEL_", "");
  const html = (value) => element("div", { innerHTML: text(value) });

  // --- what a cell or an Output widget shows: richest form first --------------------------------------
  const renderOutput = ({ data, metadata, text: stream }) => {
    const view = data?.["application/vnd.jupyter.widget-view+json"];
    if (view) return render(view.model_id) ?? "";
    if (data?.["text/html"]) return html(data["text/html"]);
    if (data?.["image/png"])
      return element("img", {
        src: "data:image/png;base64," + text(data["image/png"]),
        alt: metadata?.["image/png"]?.alt ?? metadata?.alt ?? "",
      });
    return element("pre", { textContent: text(data?.["text/plain"] ?? stream) });
  };

  // --- controls ----------------------------------------------------------------------------------------
  const labelled = (state, control, readout) => {
    const label = element("label", {}, element("span", { textContent: state.description ?? "" }), control);
    if (readout !== undefined) label.append(element("output", { textContent: readout }));
    return label;
  };
  const range = (state, min, max, value, readout = state.value) =>
    labelled(state, element("input", { type: "range", min, max, step: "any", value }), readout);
  const choice = (state) =>
    labelled(state, element("select", {}, ...(state._options_labels ?? []).map((name, i) => new Option(name, name, false, i === state.index))));
  const field = (state) => labelled(state, element("input", { value: [state.value].flat().join(" – ") }));
  const button = (state) => element("button", { type: "button", textContent: state.description });

  const renderers = {
    OutputModel: (state) => element("div", { className: "widget-output" }, ...(state.outputs ?? []).map(renderOutput)),
    IntSliderModel: (state) => range(state, state.min, state.max, state.value),
    FloatSliderModel: (state) => range(state, state.min, state.max, state.value, Number(state.value.toPrecision(6))),
    FloatLogSliderModel: (state) =>
      range(state, state.min, state.max, Math.log(state.value) / Math.log(state.base), Number(state.value.toPrecision(3))),
    SelectionSliderModel: (state) =>
      range(state, 0, state._options_labels.length - 1, state.index, state._options_labels[state.index]),
    DropdownModel: choice,
    SelectModel: choice,
    RadioButtonsModel: choice,
    ToggleButtonsModel: choice,
    CheckboxModel: (state) => labelled(state, element("input", { type: "checkbox", checked: state.value })),
    ToggleButtonModel: button,
    ButtonModel: button,
    HTMLModel: (state) => html(state.value),
    LabelModel: (state) => element("div", { textContent: state.value }),
  };

  // A bar that ran to its end has nothing to say here.
  const isProgressBar = (state) =>
    (state.children ?? []).some((child) => models.get(reference(child))?.model_name === "FloatProgressModel");

  // A view becomes one element, or none where nothing is left to show.
  const render = (id) => {
    const model = models.get(id);
    if (!model) return null;
    const { model_name: name, state } = model;
    if (isProgressBar(state)) return null;
    if (renderers[name]) return renderers[name](state);
    if (state.children) {
      const children = state.children.map((child) => render(reference(child))).filter(Boolean);
      return children.length ? element("div", { className: name === "HBoxModel" ? "widget-row" : "" }, ...children) : null;
    }
    return "value" in state ? field(state) : null;
  };

  const still = (id) => {
    const shown = render(id);
    if (!shown) return null;
    const figure = element("figure", { className: "widget-still" }, element("fieldset", { disabled: true }, shown));
    if (shown.querySelector("input, select, button"))
      figure.append(element("figcaption", { textContent: "Frozen here: a running notebook moves it." }));
    return figure;
  };

  for (const script of document.querySelectorAll(STATE))
    for (const [id, model] of Object.entries(JSON.parse(script.textContent).state)) models.set(id, model);
  for (const script of document.querySelectorAll(VIEW)) {
    const figure = still(JSON.parse(script.textContent).model_id);
    if (figure) script.after(figure);
  }
})();
