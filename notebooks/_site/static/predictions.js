// Predictions of a lesson, on a page without a kernel: cells tagged "predicted" that follow one are
// kept back until it is answered, or the reader wants to see them anyway. Finding in the page and
// links still reach them. A classic script, so that it also runs from file://.
// @ts-check

(() => {
  "use strict";
  const PREDICTION = ".prediction"; // in the still picture, and in the explorer that replaces it
  const CELL = ".cell.tag_predicted";

  /**
   * The cells that each prediction holds back, by the prediction's own cell.
   * @type {Map<Element, Element[]>}
   */
  const followers = new Map();
  /** @type {Element[]} */
  let last = [];
  for (const node of document.querySelectorAll(`${PREDICTION}, ${CELL}`)) {
    const cell = node.closest(".cell");
    if (node.matches(CELL)) last.push(node);
    else if (cell) followers.set(cell, (last = []));
  }

  /** @param {Element[]} cells */
  function hold(cells) {
    const words = document.createElement("span");
    words.textContent = "What comes out waits for your prediction.";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Just show it";
    const veil = document.createElement("div");
    veil.className = "veil";
    veil.append(words, button);
    cells[0].before(veil);
    for (const cell of cells) cell.setAttribute("hidden", "until-found");

    const show = () => {
      const focused = veil.contains(document.activeElement);
      veil.remove();
      for (const cell of cells) cell.removeAttribute("hidden");
      if (focused && cells[0] instanceof HTMLElement) {
        cells[0].tabIndex = -1; // who asked by keyboard goes on reading here
        cells[0].focus();
      }
    };
    button.addEventListener("click", show);
    for (const cell of cells) cell.addEventListener("beforematch", show);
    return show;
  }

  /** @type {Map<Element, () => void>} */
  const shows = new Map();
  for (const [cell, cells] of followers) if (cells.length) shows.set(cell, hold(cells));
  document.addEventListener("predicted", ({ target }) => {
    const cell = target instanceof Element && target.closest(".cell");
    if (cell) shows.get(cell)?.();
  });
})();
