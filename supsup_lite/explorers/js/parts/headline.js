// The big words of a verdict. Uses elements.
// @ts-check

supsup.headline = (() => {
  const { element } = supsup.elements;

  /**
   * @param {object} [properties] of its element
   */
  function headline(properties = {}) {
    const node = element("div", { className: "big open", ...properties });
    /**
     * @param {string} words
     * @param {boolean | null} [right] null: neither right nor wrong
     */
    const show = (words, right = null) => {
      node.textContent = words;
      node.className = right === null ? "big open" : right ? "big right" : "big";
    };
    return Object.assign(node, { show });
  }

  return { headline };
})();
