// A slider over the steps of something that moves, and a button that plays them. Uses elements,
// control and model.
// @ts-check

supsup.player = (() => {
  const { element } = supsup.elements;
  const { control } = supsup.control;
  const { change } = supsup.model;

  const FAST = 40; // ms a step
  const SLOW = 700; // ms a sweep

  /**
   * The trait `step` is below 0 for the last one.
   * @param {Host} host
   * @param {object} how
   * @param {() => number} how.final the last step
   * @param {() => number} how.sweep steps of a sweep over everything
   */
  function player(host, { final, sweep }) {
    const { model, signal } = host;
    const shown = () => {
      const step = model.get("step");
      return step < 0 ? final() : Math.min(step, final());
    };
    const input = element("input", { type: "range", min: 0, step: 1, name: "step" });
    const slider = control(host, "step", "step", input, {
      read: () => input.valueAsNumber,
      write: () => Object.assign(input, { max: final(), value: shown() }),
      format: () => `${shown()}/${final()}`,
    });

    const reduced = matchMedia("(prefers-reduced-motion: reduce)");
    let timer = 0;
    const pause = () => {
      clearInterval(timer);
      timer = 0;
      button.textContent = "Play";
    };
    const play = () => {
      const stride = reduced.matches ? sweep() : 1; // a sweep at a time, where nothing should rush
      if (shown() === final()) change(model, { step: 0 });
      button.textContent = "Pause";
      const advance = () => {
        change(model, { step: Math.min(final(), shown() + stride) });
        if (shown() === final()) pause();
      };
      timer = setInterval(advance, stride === sweep() ? SLOW : FAST);
    };
    const onclick = () => (timer ? pause() : play());
    const button = element("button", { type: "button", textContent: "Play", onclick });
    input.addEventListener("input", pause);
    signal?.addEventListener("abort", pause);
    const node = element("div", { className: "course" }, slider, button);
    return Object.assign(node, { shown, refresh: slider.refresh });
  }

  return { player };
})();
