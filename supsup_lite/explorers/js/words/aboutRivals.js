// What the rivals explorer says: who reads most within a budget. Uses format and aboutCosts.
// @ts-check

/**
 * What a method was worth, with so many tasks.
 * @typedef {object} Contestant
 * @property {string} race
 * @property {string} method
 * @property {number} tasks
 * @property {number} bytes
 * @property {number} accuracy
 * @property {number} low of the seeds
 * @property {number} high
 * @property {number} seeds
 * @property {number} lr
 */

supsup.aboutRivals = (() => {
  const { percent, plural } = supsup.format;
  const { bytesInWords } = supsup.aboutCosts;

  /**
   * Who reads most of those that fit.
   * @param {Contestant[]} rows
   * @param {number} budget
   */
  function bestWithin(rows, budget) {
    const fits = rows.filter(({ bytes }) => bytes <= budget);
    return fits.length ? fits.reduce((a, b) => (b.accuracy > a.accuracy ? b : a)) : null;
  }

  /**
   * @param {Contestant[]} rows of one race and number of tasks
   * @param {number} budget
   */
  function findingOf(rows, budget) {
    const best = bestWithin(rows, budget);
    const least = rows.reduce((a, b) => (b.bytes < a.bytes ? b : a));
    if (!best)
      return (
        `Nothing fits into ${bytesInWords(budget)}. ` +
        `The smallest, ${least.method}, takes ${bytesInWords(least.bytes)}.`
      );
    const top = rows.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
    const behind =
      top === best
        ? "Nobody reads more."
        : `Most of all: ${top.method}, ${percent(top.accuracy, 1)}, with ` +
          `${(top.bytes / best.bytes).toPrecision(2)} times the bytes.`;
    return (
      `Within ${bytesInWords(budget)}, ${best.method} read most: ${percent(best.accuracy, 1)} ` +
      `with ${bytesInWords(best.bytes)} (${plural(best.seeds, "seed")}). ${behind}`
    );
  }

  return { bestWithin, findingOf };
})();
