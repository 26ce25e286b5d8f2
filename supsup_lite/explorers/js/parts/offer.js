// The offer that Python learns what is not there yet, its progress, and a way to cancel. Uses
// elements, format and model.
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
    const cancel = element("button", {
      type: "button",
      textContent: "Cancel",
      onclick: () => model.send({ cancel: true }),
    });
    const offer = element("div", { className: "offer", hidden: true });
    offer.append(status, learn, cancel, progress);
    const refresh = () => {
      const found = missing();
      offer.hidden = !found;
      if (!found) return;
      const share = model.get("progress");
      const busy = share >= 0;
      const trouble = model.get("trouble");
      const learning = `Python is learning: ${percent(share)}. ${trouble}`.trim();
      status.textContent = busy ? learning : trouble || found.words;
      Object.assign(learn, { textContent: found.button, disabled: busy });
      if (!busy && document.activeElement === cancel) learn.focus(); // not lost with its button
      progress.hidden = !busy;
      cancel.hidden = !busy;
      if (share > 0) progress.value = share;
      else progress.removeAttribute("value"); // without a value it just moves
    };
    onChange(host, ["progress", "trouble"], refresh);
    return Object.assign(offer, { refresh });
  }

  return { learningOffer };
})();
