// An explorer's module, which anywidget renders. Where it fails, a still picture and a sentence
// remain. Uses elements.
// @ts-check

supsup.explorer = (() => {
  const { element } = supsup.elements;

  const WAITING =
    "This picture stands still until Python answers, which it does when no cell is running.";
  const FOCUSABLE = "input, select, button, summary, [tabindex]";

  /**
   * @param {string} title
   * @param {(host: Host) => unknown} fill puts the explorer into the host's root
   */
  const explorer = (title, fill) => ({
    /** @param {{ model: Model, el: HTMLElement, signal?: AbortSignal }} target */
    async render({ model, el, signal }) {
      const root = element("section", { className: "supsup-explorer", "aria-label": title });
      /** @param {string} words */
      const showStill = (words) => {
        const innerHTML = model.get("still");
        const figure = element("figure", { className: "supsup-explorer", innerHTML });
        figure.append(element("figcaption", { textContent: words }));
        el.replaceChildren(figure);
      };
      const waiting = setTimeout(() => model.get("has_kernel") && showStill(WAITING), 1000);
      try {
        await fill({ model, root, signal });
        for (const node of root.querySelectorAll(FOCUSABLE))
          if (node instanceof HTMLElement) node.dataset.lmSuppressShortcuts = "true";
        // else JupyterLab would take the arrow keys away from sliders
        el.replaceChildren(root);
      } catch (error) {
        if (!model.get("still")) throw error; // on a page, the host shows it
        const reason = error instanceof Error ? error.message : error;
        showStill(`This explorer could not start: ${reason}.`);
      } finally {
        clearTimeout(waiting);
      }
    },
  });

  return { explorer };
})();
