// The Hopfield explorer's charts: energies on the way, overlaps with stored digits, and basins.
// Uses bars, lines, format, numbers, mnist, spins and basin.
// @ts-check

supsup.recallCharts = (() => {
  const { barChart } = supsup.bars;
  const { lineChart } = supsup.lines;
  const { percent, signed } = supsup.format;
  const { last, mean } = supsup.numbers;
  const { PIXELS } = supsup.mnist;
  const { energy } = supsup.spins;
  const { LEVELS, TRIES } = supsup.basin;

  function energyChart() {
    const chart = lineChart({ height: 170, x: "sweeps over all units", y: "energy E / d" });
    /**
     * @param {DigitMemory} memory
     * @param {number[]} energies of all states, over d
     * @param {Float64Array} stored digit to compare with
     * @param {number} step that is shown
     * @param {number} sweep steps of a sweep
     */
    const show = (memory, energies, stored, step, sweep) => {
      const level = energy(memory.spins, stored) / PIXELS;
      const low = Math.min(level, ...energies);
      const high = Math.max(level, ...energies);
      const room = 0.08 * (high - low) || 0.1;
      const end = Math.max(1, (energies.length - 1) / sweep);
      const points = energies.map((value, i) => [i / sweep, value]);
      const flat = [0, end].map((x) => [x, level]);
      const [from, to] = [signed(energies[0]), signed(last(energies))];
      chart.update({
        series: [
          { points, kind: "series-0 chosen", label: "this state", dots: false },
          { points: flat, kind: "series-1", label: "the stored digit", dots: false },
        ],
        xs: [0, end],
        ys: [low - room, high + room],
        marker: points[step],
        format: signed,
        formatX: signed,
        alt: `The energy goes from ${from} to ${to}; the stored digit's is ${signed(level)}.`,
      });
    };
    return Object.assign(chart, { show });
  }

  function overlapChart() {
    const y = "overlap z\u00b7\u03be / d with each stored digit";
    const chart = barChart({ height: 170, x: "stored digit", y });
    /**
     * @param {number[]} values overlaps
     * @param {string[]} names of all digits
     * @param {number} digit that is asked for
     * @param {{ near: number, wrong: number }} nearest digit, and how many pixels of it differ
     */
    const show = (values, names, digit, { near, wrong }) =>
      chart.update({
        values,
        kinds: values.map((_, i) => (i === digit ? "true" : "")),
        labels: values.map((_, i) => names[i].slice(-1)),
        marks: [[near, wrong ? "?" : "✓", wrong ? "wrong" : ""]],
        low: Math.min(0, ...values),
        high: 1.05,
        alt: `The state overlaps most with the stored ${names[near]}: ${values[near].toFixed(2)}.`,
      });
    return Object.assign(chart, { show });
  }

  function basinChart() {
    const y = "share that comes back, bit for bit";
    const chart = lineChart({ height: 170, x: "pixels spoiled", y });
    /** @type {{ shares: number[][], tries: number } | null} */
    let basin = null;
    const forget = () => (basin = null);
    /** @param {number[][]} shares by digit and level @param {number} tries */
    const learn = (shares, tries) => (basin = { shares, tries });
    /**
     * @param {string[]} names of all digits
     * @param {number} digit that is asked for
     * @param {{ noise: number, damage: Damage }} marked in percent
     */
    const show = (names, digit, { noise, damage }) => {
      chart.classList.toggle("stale", !basin);
      if (!basin) return;
      const { shares, tries } = basin;
      const all = LEVELS.map((_, level) => mean(shares.map((row) => row[level])));
      /** @type {number[] | undefined} */
      const ofDigit = shares[digit];
      const marked = ofDigit ?? all;
      const at = Math.min(LEVELS.length - 2, Math.floor(noise / 5));
      const height = marked[at] + (noise / 5 - at) * (marked[at + 1] - marked[at]);
      /** @param {number[]} values */
      const points = (values) => LEVELS.map((level, i) => [level, values[i]]);
      const name = `the ${names[digit]}`;
      const chosen = ofDigit
        ? [{ points: points(ofDigit), kind: "series-0 chosen", label: name }]
        : [];
      const label = `all ${shares.length} stored digits`;
      const [none, twenty, forty] = [all[0], all[4], all[8]].map((share) => percent(share));
      chart.update({
        series: [...chosen, { points: points(all), kind: "series-1", label }],
        xs: [0, 0.5],
        ys: [0, 1],
        marker: [noise / 100, height],
        format: percent,
        formatX: percent,
        alt:
          `Of all stored digits ${none} come back without noise, ` +
          `${twenty} at 20 %, ${forty} at 40 %.`,
      });
      const count = damage === "covered" ? "one try" : `${tries} of ${TRIES} tries`;
      chart.caption.textContent = `${y}, ${count} each`;
    };
    return Object.assign(chart, { forget, learn, show });
  }

  return { energyChart, overlapChart, basinChart };
})();
