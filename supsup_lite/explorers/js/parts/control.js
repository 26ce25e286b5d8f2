// What sliders and selects have in common: a label, and a trait in step. Of a value the slider
// itself speaks, so the readout beside it is for eyes only. Uses elements and model.
// @ts-check

supsup.control = (() => {
  const { element } = supsup.elements;
  const { onChange, change } = supsup.model;

  /**
   * Keep a trait and its control in step, whoever moves first.
   * @template {HTMLInputElement | HTMLSelectElement} Input
   * @param {Host} host
   * @param {string} name of the trait
   * @param {string} label
   * @param {Input} input
   * @param {object} how
   * @param {() => unknown} how.read the control's value
   * @param {(value: any) => void} how.write puts a value into the control
   * @param {(value: any) => string} [how.format] says a value in words, with its unit
   */
  function control(host, name, label, input, { read, write, format }) {
    const output = element("output", { ariaHidden: "true" });
    const refresh = () => {
      const value = host.model.get(name);
      write(value);
      if (!format) return;
      output.textContent = format(value);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => change(host.model, { [name]: read() }));
    onChange(host, [name], refresh);
    const words = element("span", { className: "label", textContent: label });
    const node = element("label", { className: "control" }, words, input);
    if (format) node.append(output);
    refresh();
    return Object.assign(node, { input, words, refresh });
  }

  return { control };
})();
