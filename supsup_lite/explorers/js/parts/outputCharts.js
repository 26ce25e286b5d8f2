// The task inference explorer's charts of outputs: superposed, and under the chosen mask. Uses
// elements, bars, format, numbers and aboutInference.
// @ts-check

supsup.outputCharts = (() => {
  const { element } = supsup.elements;
  const { barChart } = supsup.bars;
  const { percent } = supsup.format;
  const { range, sum } = supsup.numbers;
  const { CLASSES } = supsup.aboutInference;

  function outputCharts() {
    const title = "superposed network: softmax of its outputs";
    const superposed = barChart({ height: 120, x: "output", y: title });
    const classes = barChart({ height: 120, x: "output", y: "" });

    /** @param {Inference} inference */
    const showSuperposed = (inference) => {
      const values = [...inference.superposed];
      const highest = Math.max(...values);
      const extra = percent(sum(values.slice(CLASSES)));
      superposed.update({
        values,
        high: 1.05 * highest,
        format: percent,
        kinds: values.map((_, j) => (j < CLASSES ? "" : "extra")),
        alt:
          `Superposed, the network gives ${extra} to superfluous outputs, ` +
          `and its likeliest output ${percent(highest)}.`,
      });
    };

    /**
     * @param {Inference} inference
     * @param {number} outputs
     * @param {string} reading in words
     */
    const show = (inference, outputs, reading) => {
      showSuperposed(inference);
      const digits = [...inference.alone.slice(0, CLASSES)];
      const hasRest = outputs > CLASSES;
      classes.caption.textContent = `mask ${inference.chosen} by itself: softmax of its outputs`;
      classes.update({
        values: hasRest ? [...digits, 1 - sum(digits)] : digits,
        high: 1,
        format: percent,
        kinds: hasRest ? [...digits.map(() => ""), "extra"] : [],
        labels: [...range(CLASSES), "rest"],
        alt: reading,
      });
    };
    return Object.assign(element("div", { className: "pair" }, superposed, classes), { show });
  }

  return { outputCharts };
})();
