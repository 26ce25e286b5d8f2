// A network under a superposition of masks, for one image: W * sum_i alpha_i M_i (SupSup,
// "Scenarios GNs & GNu"). Uses numbers and network.
//
// With delta the gradient of the objective at a layer's units, its part of the gradient in alpha_i
// is the inner product of delta and what mask i alone puts into these units.
// @ts-check

/** @typedef {"entropy" | "superfluous"} Objective H, or G of the outputs from l on */

/**
 * @typedef {object} Superposition
 * @property {number[]} masks in it, each with alpha = 1/n
 * @property {Float64Array} logits
 * @property {Float64Array} gradient of the objective in each alpha
 * @property {Float64Array} delta gradient of the objective at the first layer's units
 */

supsup.superposition = (() => {
  const { sum, dot, range, last } = supsup.numbers;
  const { relu, laterLayer, backward } = supsup.network;

  /** @param {Float64Array} logits */
  function softmax(logits) {
    const highest = Math.max(...logits);
    const powers = logits.map((value) => Math.exp(value - highest));
    const total = sum(powers);
    return powers.map((value) => value / total);
  }

  /** @param {Float64Array} p */
  const entropy = (p) =>
    p.reduce((total, share) => (share > 0 ? total - share * Math.log(share) : total), 0);

  /**
   * The gradient at the logits: of H, or of G, to which only superfluous outputs belong.
   * @param {Objective} objective
   * @param {Float64Array} logits
   * @param {number} l number of classes
   */
  function gradientAtLogits(objective, logits, l) {
    const p = softmax(logits);
    if (objective === "superfluous") return p.map((share, j) => (j < l ? 0 : share));
    const H = entropy(p);
    return p.map((share) => (share > 0 ? -share * (Math.log(share) + H) : 0));
  }

  /** @param {Float64Array[]} vectors */
  function meanOf(vectors) {
    const total = new Float64Array(vectors[0].length);
    for (const vector of vectors) for (let j = 0; j < total.length; j++) total[j] += vector[j];
    return total.map((value) => value / vectors.length);
  }

  /**
   * The logits under the mean of some masks, and the gradient in the alpha of each.
   * @param {Network} network
   * @param {Float64Array[]} first what each mask alone puts into the first layer's units
   * @param {number[]} masks
   * @param {Objective} objective
   * @param {number} [l] number of classes
   * @returns {Superposition}
   */
  function superpose({ layers }, first, masks, objective, l = 10) {
    const inputs = [new Float64Array()]; // of each layer; the first one's is not needed
    const alone = [masks.map((mask) => first[mask])]; // for each layer: its units under each mask
    for (const layer of layers.slice(1)) {
      const h = relu(meanOf(last(alone)));
      inputs.push(h);
      alone.push(masks.map((mask) => laterLayer(layer, h, mask)));
    }
    const logits = meanOf(last(alone));
    let delta = gradientAtLogits(objective, logits, l);
    const gradient = new Float64Array(masks.length);
    for (let depth = layers.length - 1; depth >= 0; depth--) {
      alone[depth].forEach((units, at) => (gradient[at] += dot(delta, units)));
      if (depth) delta = backward(layers[depth], inputs[depth], delta, masks);
    }
    return { masks, logits, gradient, delta };
  }

  /**
   * The logits of one mask alone.
   * @param {Network} network
   * @param {Float64Array[]} first
   * @param {number} mask
   */
  const logitsAlone = ({ layers }, first, mask) =>
    layers.slice(1).reduce((units, layer) => laterLayer(layer, relu(units), mask), first[mask]);

  /**
   * Binary: superpositions of k masks, of the better half of them, and so on to one. Of masks that
   * tie, the first stay.
   * @param {Network} network
   * @param {Float64Array[]} first
   * @param {number} k
   * @param {Objective} objective
   * @param {number} [l]
   */
  function halvings(network, first, k, objective, l = 10) {
    const steps = [superpose(network, first, range(k), objective, l)];
    while (last(steps).masks.length > 1) {
      const { masks, gradient } = last(steps);
      const best = range(masks.length)
        .sort((a, b) => gradient[a] - gradient[b])
        .slice(0, Math.ceil(masks.length / 2))
        .sort((a, b) => a - b);
      const kept = best.map((at) => masks[at]);
      steps.push(superpose(network, first, kept, objective, l));
    }
    return steps;
  }

  return { softmax, entropy, superpose, logitsAlone, halvings };
})();
