// The paper's test for a new task: nu = softmax(-dH/dalpha) over the masks and, last, an untrained
// one (SupSup, "Scenario NNs"). Uses numbers.
// @ts-check

/**
 * A learner's decision about one batch of a stream.
 * @typedef {object} Decision
 * @property {number} step the batch
 * @property {number[]} gradient in the alpha of each mask, last of an untrained one
 * @property {boolean} known the task had been learned
 * @property {boolean} counts false: asked amid a block
 * @property {boolean} new a mask was allocated
 * @property {number} mask that was used, or below 0
 */

supsup.nu = (() => {
  const { sum, indexOfMax } = supsup.numbers;

  const NEW = -1; // in place of a mask: nobody knows the batch

  /** @param {number[]} gradient */
  function nuOf(gradient) {
    const highest = Math.max(...gradient.map((slope) => -slope));
    const powers = gradient.map((slope) => Math.exp(-slope - highest));
    const total = sum(powers);
    return powers.map((power) => power / total);
  }

  /** k max nu. @param {number[]} gradient */
  const heightOf = (gradient) => gradient.length * Math.max(...nuOf(gradient));

  /**
   * The paper's choice: argmax nu, or NEW where all are about equal, or where the untrained mask
   * wins.
   * @param {number[]} gradient
   * @param {number} eps
   */
  function knownByNu(gradient, eps) {
    const nu = nuOf(gradient);
    const best = indexOfMax(nu);
    return nu.length * nu[best] < 1 + eps || best === nu.length - 1 ? NEW : best;
  }

  /**
   * How often the paper's test would split a task or merge two, in the decisions that count.
   * @param {Decision[]} decisions
   * @param {number} eps
   */
  function replay(decisions, eps) {
    const counted = decisions.filter(({ counts }) => counts);
    /** @param {Decision} decision */
    const saysKnown = ({ gradient }) => knownByNu(gradient, eps) !== NEW;
    return {
      total: counted.length,
      splits: counted.filter((decision) => decision.known && !saysKnown(decision)).length,
      merges: counted.filter((decision) => !decision.known && saysKnown(decision)).length,
    };
  }

  return { NEW, nuOf, heightOf, knownByNu, replay };
})();
