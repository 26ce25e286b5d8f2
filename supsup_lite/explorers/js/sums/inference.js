// The task of one image: which mask One-Shot, Binary, or a try of every mask chooses, and what the
// network reads under it. Uses numbers, network, superposition and units.
// @ts-check

/** @typedef {"one_shot" | "binary" | "exhaustive"} Method */

/**
 * @typedef {object} Inference
 * @property {Superposition[]} steps of the halving; one of One-Shot, none of exhaustive search
 * @property {number} step the one that is shown
 * @property {Superposition} shown
 * @property {number[]} values one for each mask: entropies, or -gradient where the mask takes part
 * @property {number} chosen mask
 * @property {Float64Array} superposed softmax of the outputs of what is shown
 * @property {Float64Array} alone softmax of the outputs under the chosen mask
 * @property {number} digit the likeliest output of these
 * @property {UnitVote[]} units what the first layer's units say for the chosen mask, loudest first
 */

supsup.inference = (() => {
  const { last, indexOfMax, indexOfMin, range } = supsup.numbers;
  const { firstLayer } = supsup.network;
  const { softmax, entropy, superpose, logitsAlone, halvings } = supsup.superposition;
  const { votesByUnit } = supsup.units;

  /**
   * @param {Network} network
   * @param {Float64Array[]} first
   * @param {number} k
   */
  function tryEvery(network, first, k) {
    const all = range(k);
    const values = all.map((mask) => entropy(softmax(logitsAlone(network, first, mask))));
    const shown = superpose(network, first, all, "entropy");
    return { steps: [], step: 0, shown, values, chosen: indexOfMin(values) };
  }

  /**
   * @param {Network} network
   * @param {Float64Array[]} first
   * @param {{ num_tasks: number, method: Method, objective: Objective, step: number }} state
   */
  function byGradient(network, first, { num_tasks: k, method, objective, step: wanted }) {
    const steps =
      method === "binary"
        ? halvings(network, first, k, objective)
        : [superpose(network, first, range(k), objective)];
    const step = Math.min(wanted, steps.length - 1);
    const shown = steps[step];
    const values = Array(k).fill(0);
    shown.masks.forEach((mask, at) => (values[mask] = -shown.gradient[at]));
    const { masks, gradient } = last(steps);
    return { steps, step, shown, values, chosen: masks[indexOfMin(gradient)] };
  }

  /**
   * @param {Network} network
   * @param {Float64Array} x the image as its task shuffles it, normalised
   * @param {{ num_tasks: number, method: Method, objective: Objective, step: number }} state
   * @returns {Inference}
   */
  function infer(network, x, state) {
    const first = firstLayer(network, x);
    const found =
      state.method === "exhaustive"
        ? tryEvery(network, first, state.num_tasks)
        : byGradient(network, first, state);
    const superposed = softmax(found.shown.logits);
    const alone = softmax(logitsAlone(network, first, found.chosen));
    const units = votesByUnit(found.shown, first, found.chosen);
    return { ...found, superposed, alone, digit: indexOfMax(alone), units };
  }

  return { infer };
})();
