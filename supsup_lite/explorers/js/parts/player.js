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
   * @param {string} [how.label]
   * @param {(step: number) => string} [how.format] says a step in words
   */
  function player(host, { final, sweep, label = "step", format = (step) => `${step}/${final()}` }) {
    const { model, signal } = host;
    const shown = () => {
      const step = model.get("step");
      return step < 0 ? final() : Math.min(step, final());
    };
    const input = element("input", { type: "range", min: 0, step: 1, name: "step" });
    const slider = control(host, "step", label, input, {
      read: () => input.valueAsNumber,
      write: () => Object.assign(input, { max: final(), value: shown() }),
      format: () => format(shown()),
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
      button.textContent = "Pause";
      const advance = () => {
        const next = Math.min(final(), shown() + stride);
        if (next === final()) pause();
        change(model, { step: next });
      };
      timer = setInterval(advance, stride === sweep() ? SLOW : FAST);
      if (shown() === final()) change(model, { step: 0 });
    };
    const onclick = () => (timer ? pause() : play());
    const button = element("button", { type: "button", textContent: "Play", onclick });
    input.addEventListener("input", pause);
    signal?.addEventListener("abort", pause);
    const node = element("div", { className: "course" }, slider, button);
    const isPlaying = () => timer > 0;
    /** Play once, when the player is first seen: not where somebody moved a step, or wants rest. */
    const playWhenSeen = () => {
      const watch = new IntersectionObserver((entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        watch.disconnect();
        if (model.get("step") < 0 && !reduced.matches) play();
      });
      watch.observe(node);
      signal?.addEventListener("abort", () => watch.disconnect());
    };
    return Object.assign(node, { shown, isPlaying, playWhenSeen, refresh: slider.refresh });
  }

  return { player };
})();
