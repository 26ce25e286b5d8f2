// Elements of HTML and SVG, made in one call each.
// @ts-check

supsup.elements = (() => {
  /**
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, any>} [properties] what the element has as a property, else an attribute
   * @param {(Node | string)[]} children
   * @returns {HTMLElementTagNameMap[Tag]}
   */
  function element(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in node) Object.assign(node, { [name]: value });
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  /**
   * @template {keyof SVGElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, string | number>} [attributes]
   * @param {(Node | string | number)[]} children
   * @returns {SVGElementTagNameMap[Tag]}
   */
  function svgElement(tag, attributes = {}, ...children) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, `${value}`);
    node.append(...children.map((child) => (typeof child === "number" ? `${child}` : child)));
    return node;
  }

  /**
   * What colours and signs mean: a word for each class of the style sheet.
   * @param {string[][]} entries pairs of a class and words
   */
  const legend = (entries) =>
    element(
      "div",
      { className: "legend" },
      ...entries.map(([className, words]) => element("span", { className }, words)),
    );

  return { element, svgElement, legend };
})();
