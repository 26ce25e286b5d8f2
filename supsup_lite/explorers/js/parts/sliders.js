// Sliders over whole numbers, and over the values of a list. Uses elements and control.
// @ts-check

supsup.sliders = (() => {
  const { element } = supsup.elements;
  const { control } = supsup.control;

  /**
   * @param {Host} host
   * @param {string} name of the trait
   * @param {string} label
   * @param {{ min: number, max: number, format?: (value: any) => string }} how
   */
  function slider(host, name, label, { min, max, format = String }) {
    const input = element("input", { type: "range", min, max, step: 1, name });
    return control(host, name, label, input, {
      read: () => input.valueAsNumber,
      write: (value) => (input.value = value),
      format,
    });
  }

  /**
   * A slider over values that need not be evenly spaced. `refresh` asks for them anew.
   * @param {Host} host
   * @param {string} name of the trait
   * @param {string} label
   * @param {{ values: () => number[], format?: (value: any) => string }} how
   */
  function steppedSlider(host, name, label, { values, format = String }) {
    const input = element("input", { type: "range", min: 0, step: 1, name });
    return control(host, name, label, input, {
      read: () => values()[input.valueAsNumber],
      write(value) {
        const list = values();
        Object.assign(input, { max: list.length - 1, value: list.indexOf(value) });
      },
      format,
    });
  }

  return { slider, steppedSlider };
})();
