// The widgets of a lesson, on a page without a kernel: each control as it stood when the lesson
// ran, and the picture it led to. Uses what myst-nb leaves in the page: the saved state of all
// models, and one marker where each widget stood. A classic script, so that it also runs from
// file://.
// @ts-check

/** @typedef {Record<string, any>} WidgetState */

/**
 * What a cell or an Output widget shows, by type.
 * @typedef {object} CellOutput
 * @property {Record<string, any>} [data]
 * @property {Record<string, any>} [metadata]
 * @property {string | string[]} [text] of a stream
 */

(() => {
  "use strict";
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = "application/vnd.jupyter.widget-view+json";

  /** @type {Map<string, { model_name: string, state: WidgetState }>} */
  const models = new Map(); // by id

  /**
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, any>} [properties]
   * @param {(Node | string)[]} children
   */
  const element = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  /** Notebooks store long texts as lists of lines. @param {string | string[]} [value] */
  const text = (value) => [value ?? ""].flat().join("");

  /** @param {string} child */
  const reference = (child) => child.replace("IPY_MODEL_", "");

  /** @param {string | string[]} value */
  const html = (value) => element("div", { innerHTML: text(value) });

  /** The richest form first. @param {CellOutput} output @returns {Node | string} */
  const renderOutput = ({ data, metadata, text: stream }) => {
    const view = data?.[VIEW];
    if (view) return render(view.model_id) ?? "";
    if (data?.["text/html"]) return html(data["text/html"]);
    if (data?.["image/png"])
      return element("img", {
        src: "data:image/png;base64," + text(data["image/png"]),
        alt: metadata?.["image/png"]?.alt ?? metadata?.alt ?? "",
      });
    return element("pre", { textContent: text(data?.["text/plain"] ?? stream) });
  };

  // --- controls
  /** @param {WidgetState} state @param {HTMLElement} control @param {unknown} [readout] */
  const labelled = (state, control, readout) => {
    const description = element("span", { textContent: state.description ?? "" });
    const label = element("label", {}, description, control);
    if (readout !== undefined) label.append(element("output", { textContent: readout }));
    return label;
  };

  /**
   * @param {WidgetState} state
   * @param {number} min
   * @param {number} max
   * @param {number} value
   * @param {unknown} [readout]
   */
  const range = (state, min, max, value, readout = state.value) =>
    labelled(state, element("input", { type: "range", min, max, step: "any", value }), readout);

  /** @param {WidgetState} state */
  const list = (state) => {
    /** @type {string[]} */
    const labels = state._options_labels ?? [];
    const options = labels.map((name, i) => new Option(name, name, false, i === state.index));
    return labelled(state, element("select", {}, ...options));
  };

  /** @param {WidgetState} state */
  const field = (state) =>
    labelled(state, element("input", { value: [state.value].flat().join(" – ") }));

  /** @param {WidgetState} state */
  const button = (state) => element("button", { type: "button", textContent: state.description });

  /** @param {WidgetState} state @param {number} digits */
  const rounded = (state, digits) => Number(state.value.toPrecision(digits));

  /** @type {Record<string, (state: WidgetState) => HTMLElement>} */
  const renderers = {
    OutputModel: (state) =>
      element("div", { className: "widget-output" }, ...(state.outputs ?? []).map(renderOutput)),
    IntSliderModel: (state) => range(state, state.min, state.max, state.value),
    FloatSliderModel: (state) => range(state, state.min, state.max, state.value, rounded(state, 6)),
    FloatLogSliderModel(state) {
      const place = Math.log(state.value) / Math.log(state.base);
      return range(state, state.min, state.max, place, rounded(state, 3));
    },
    SelectionSliderModel({ _options_labels: labels, index, ...state }) {
      return range(state, 0, labels.length - 1, index, labels[index]);
    },
    DropdownModel: list,
    SelectModel: list,
    RadioButtonsModel: list,
    ToggleButtonsModel: list,
    CheckboxModel: (state) =>
      labelled(state, element("input", { type: "checkbox", checked: state.value })),
    ToggleButtonModel: button,
    ButtonModel: button,
    HTMLModel: (state) => html(state.value),
    LabelModel: (state) => element("div", { textContent: state.value }),
  };

  /** @param {WidgetState} state @returns {string[]} ids */
  const childrenOf = (state) => (state.children ?? []).map(reference);

  /** A bar that ran to its end has nothing to say here. @param {WidgetState} state */
  const isProgressBar = (state) =>
    childrenOf(state).some((id) => models.get(id)?.model_name === "FloatProgressModel");

  /**
   * A view becomes one element, or none where nothing is left to show.
   * @param {string} id
   * @returns {HTMLElement | null}
   */
  const render = (id) => {
    const model = models.get(id);
    if (!model) return null;
    const { model_name: name, state } = model;
    if (isProgressBar(state)) return null;
    if (renderers[name]) return renderers[name](state);
    if (!state.children) return "value" in state ? field(state) : null;
    const children = childrenOf(state).flatMap((child) => render(child) ?? []);
    const className = name === "HBoxModel" ? "widget-row" : "";
    return children.length ? element("div", { className }, ...children) : null;
  };

  /** @param {string} id */
  const still = (id) => {
    const shown = render(id);
    if (!shown) return null;
    const frozen = element("fieldset", { disabled: true }, shown);
    const figure = element("figure", { className: "widget-still" }, frozen);
    const textContent = "Frozen here: a running notebook moves it.";
    if (shown.querySelector("input, select, button"))
      figure.append(element("figcaption", { textContent }));
    return figure;
  };

  for (const script of document.querySelectorAll(STATE))
    for (const [id, model] of Object.entries(JSON.parse(script.textContent ?? "").state))
      models.set(id, model);
  for (const script of document.querySelectorAll(`script[type="${VIEW}"]`)) {
    const figure = still(JSON.parse(script.textContent ?? "").model_id);
    if (figure) script.after(figure);
  }
})();
