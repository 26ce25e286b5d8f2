// The offer that Python learns what is not there yet, and its progress. Uses elements, format
// and model.
// @ts-check

/** @typedef {{ wanted: object, words: string, button: string }} Missing */

supsup.offer = (() => {
  const { element } = supsup.elements;
  const { percent } = supsup.format;
  const { onChange } = supsup.model;

  /**
   * @param {Host} host
   * @param {() => Missing | null} missing what is missing now, if anything
   */
  function learningOffer(host, missing) {
    const { model } = host;
    const status = element("p", { role: "status" });
    const progress = element("progress", { max: 1, "aria-label": "learning" });
    const learn = element("button", {
      type: "button",
      onclick: () => model.send({ learn: missing()?.wanted }),
    });
    const offer = element("div", { className: "offer", hidden: true }, status, learn, progress);
    const refresh = () => {
      const found = missing();
      offer.hidden = !found;
      if (!found) return;
      const share = model.get("progress");
      const busy = share >= 0;
      const words = busy ? `Python is learning: ${percent(share)}.` : found.words;
      status.textContent = model.get("trouble") || words;
      Object.assign(learn, { textContent: found.button, disabled: busy });
      progress.hidden = !busy;
      if (share > 0) progress.value = share;
      else progress.removeAttribute("value"); // without a value it just moves
    };
    onChange(host, ["progress", "trouble"], refresh);
    return Object.assign(offer, { refresh });
  }

  return { learningOffer };
})();
