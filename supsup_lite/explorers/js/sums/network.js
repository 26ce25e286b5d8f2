// A network of signs under masks: weights of +c and -c, a bit each, and a bit for each mask. Uses
// numbers, bits and mnist.
//
// A layer is linear in its weights. So what each mask alone puts into the layer's units is all
// there is to know. In the first layer that depends on the image alone: it is computed once, and
// of its pixels only those that are not black are visited one by one.
// @ts-check

/**
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} outputs
 * @property {number} c the size of every weight
 * @property {number} bytes of its signs, and of its part of one mask
 * @property {Int8Array[]} weights under each mask, in units of c: -1, 0, 1, [outputs * inputs]
 */

/**
 * @typedef {object} Network
 * @property {Layer[]} layers
 * @property {Float64Array[]} allOnes what each mask alone puts into the first layer's units, in c,
 *   if every pixel is 1
 * @property {number} k number of masks
 * @property {number} outputs
 */

supsup.network = (() => {
  const { sum } = supsup.numbers;
  const { bitAt } = supsup.bits;
  const { BLACK } = supsup.mnist;

  /** @param {Float64Array} values */
  const relu = (values) => values.map((value) => Math.max(0, value));

  /** @param {Float64Array} h */
  const activeUnits = (h) => [...h.keys()].filter((j) => h[j] !== 0);

  /**
   * @param {Uint8Array} bytes the signs, then each mask, layer by layer
   * @param {number[]} widths inputs, hidden units, outputs
   * @returns {Network}
   */
  function unpackNetwork(bytes, widths) {
    /** @type {Layer[]} */
    const layers = widths.slice(1).map((outputs, depth) => {
      const inputs = widths[depth];
      const c = Math.fround(Math.sqrt(2 / inputs));
      return { inputs, outputs, c, bytes: Math.ceil((inputs * outputs) / 8), weights: [] };
    });
    const size = sum(layers.map((layer) => layer.bytes)); // of all signs, and of one mask
    const k = bytes.length / size - 1;
    if (!Number.isInteger(k) || k < 1)
      throw new Error(`the masks have ${bytes.length} bytes, which fit no network`);
    let start = 0;
    for (const layer of layers) {
      const n = layer.inputs * layer.outputs;
      const signBits = bytes.subarray(start);
      const signs = new Int8Array(n);
      for (let at = 0; at < n; at++) signs[at] = 2 * bitAt(signBits, at) - 1;
      for (let mask = 0; mask < k; mask++) {
        const maskBits = bytes.subarray((mask + 1) * size + start);
        const weights = new Int8Array(n);
        for (let at = 0; at < n; at++) weights[at] = signs[at] * bitAt(maskBits, at);
        layer.weights.push(weights);
      }
      start += layer.bytes;
    }
    const [{ weights, inputs, outputs }] = layers;
    const allOnes = weights.map((values) =>
      Float64Array.from({ length: outputs }, (_, unit) =>
        sum(values.subarray(unit * inputs, (unit + 1) * inputs)),
      ),
    );
    return { layers, allOnes, k, outputs: widths[widths.length - 1] };
  }

  /**
   * What each mask alone puts into the first layer's units.
   * @param {Network} network
   * @param {Float64Array} x the image, normalised, [784]
   */
  function firstLayer({ layers, allOnes }, x) {
    const [{ weights, inputs, c }] = layers;
    const lit = [...x.keys()].filter((j) => x[j] !== BLACK);
    const excess = lit.map((j) => x[j] - BLACK);
    return allOnes.map((ones, mask) => {
      const values = weights[mask];
      return ones.map((all, unit) => {
        const start = unit * inputs;
        let total = BLACK * all;
        for (let at = 0; at < lit.length; at++) total += excess[at] * values[start + lit[at]];
        return c * total;
      });
    });
  }

  /**
   * What one mask alone puts into a later layer's units.
   * @param {Layer} layer
   * @param {Float64Array} h the layer's input
   * @param {number} mask
   */
  function laterLayer({ weights, inputs, outputs, c }, h, mask) {
    const active = activeUnits(h);
    const values = weights[mask];
    const units = new Float64Array(outputs);
    for (let unit = 0; unit < outputs; unit++) {
      const start = unit * inputs;
      let total = 0;
      for (let at = 0; at < active.length; at++)
        total += h[active[at]] * values[start + active[at]];
      units[unit] = c * total;
    }
    return units;
  }

  /**
   * The gradient at a layer's input, where that is active, under the mean of some masks.
   * @param {Layer} layer
   * @param {Float64Array} h the layer's input
   * @param {Float64Array} delta the gradient at its units
   * @param {number[]} masks
   */
  function backward({ weights, inputs, outputs, c }, h, delta, masks) {
    const active = activeUnits(h);
    const gradient = new Float64Array(inputs);
    for (const mask of masks) {
      const values = weights[mask];
      for (let unit = 0; unit < outputs; unit++) {
        const start = unit * inputs;
        for (let at = 0; at < active.length; at++)
          gradient[active[at]] += delta[unit] * values[start + active[at]];
      }
    }
    return gradient.map((value) => (c * value) / masks.length);
  }

  return { relu, unpackNetwork, firstLayer, laterLayer, backward };
})();
