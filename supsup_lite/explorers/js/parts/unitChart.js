// The task inference explorer's chart of which units speak for the chosen mask, folded. Uses bars,
// elements, format and numbers.
// @ts-check

supsup.unitChart = (() => {
  const { element } = supsup.elements;
  const { barChart } = supsup.bars;
  const { percent } = supsup.format;
  const { sum } = supsup.numbers;

  const SHOWN = 60; // units; the others are so quiet that their bars could not be seen

  function unitChart() {
    const chart = barChart({ height: 120, x: "units of the first layer, loudest first", y: "" });
    const summary = element("summary", { textContent: "Which units speak" });

    /** @param {Inference} inference */
    const show = ({ units, chosen }) => {
      const values = units.slice(0, SHOWN).map(({ ahead }) => ahead);
      const tenth = Math.round(units.length / 10);
      const variances = units.map((vote) => vote.variance);
      const total = sum(variances);
      const share = total ? percent(sum(variances.slice(0, tenth)) / total) : "none";
      chart.caption.textContent = `votes for mask ${chosen}, by unit, ahead of the mean mask`;
      chart.update({
        values,
        low: Math.min(0, ...values),
        high: 1.05 * Math.max(1e-6, ...values),
        alt:
          `The votes for mask ${chosen} through the ${SHOWN} loudest of ${units.length} units. ` +
          `The loudest ${tenth} have ${share} of the variance of votes over masks.`,
      });
    };
    return Object.assign(element("details", { className: "numbers" }, summary, chart), { show });
  }

  return { unitChart };
})();
