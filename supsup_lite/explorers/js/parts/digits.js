// A row of small pictures to pick a digit from. Uses elements, images and mnist.
// @ts-check

supsup.digits = (() => {
  const { element } = supsup.elements;
  const { paintBytes } = supsup.images;
  const { SIDE } = supsup.mnist;

  /**
   * @param {object} how
   * @param {string} how.title
   * @param {Uint8Array[]} how.images
   * @param {(i: number) => string} how.label of an image
   * @param {(i: number) => void} how.pick what happens when it is picked
   */
  function digitPicker({ title, images, label, pick }) {
    const name = `digit-${Math.random()}`;
    const entries = images.map((image, i) => {
      const canvas = element("canvas", { ariaHidden: "true" });
      paintBytes(canvas, image, SIDE);
      const input = element("input", {
        type: "radio",
        name,
        value: i,
        "aria-label": label(i),
        oninput: () => pick(i),
      });
      return { input, node: element("label", {}, input, canvas) };
    });
    const legend = element("legend", { textContent: title });
    const nodes = entries.map(({ node }) => node);
    const picker = element("fieldset", { className: "digits" }, legend, ...nodes);
    /**
     * @param {number} picked -1: none
     * @param {number} [bright] the pictures from here on are pale
     */
    const show = (picked, bright = images.length) =>
      entries.forEach(({ input, node }, i) => {
        input.checked = i === picked;
        node.classList.toggle("pale", i >= bright);
      });
    return Object.assign(picker, { show });
  }

  return { digitPicker };
})();
