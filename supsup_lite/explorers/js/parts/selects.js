// A list to choose from. Uses elements and control.
// @ts-check

/** @typedef {[value: any, words: string, disabled?: boolean]} SelectOption */

supsup.selects = (() => {
  const { element } = supsup.elements;
  const { control } = supsup.control;

  /**
   * @param {Host} host
   * @param {string} name of the trait
   * @param {string} label
   * @param {() => SelectOption[]} options `refresh` asks for them anew
   */
  function select(host, name, label, options) {
    const input = element("select", { name });
    return control(host, name, label, input, {
      read: () => options()[input.selectedIndex][0],
      write(value) {
        const list = options();
        const nodes = list.map(([, textContent, disabled = false]) =>
          element("option", { textContent, disabled }),
        );
        input.replaceChildren(...nodes);
        input.selectedIndex = list.findIndex(([other]) => other === value);
      },
    });
  }

  return { select };
})();
