// A step of learning: forward, the loss, backward, and Adam; and masks from scores, by threshold or
// by edge-popup. As torch computes them, in numbers of 32 bits. Uses products.
//
// Nothing is allocated in a step: every layer has its arrays from the start.
// @ts-check

/**
 * What is learned: scores, of which a rule makes masks, or the weights themselves.
 * @typedef {"threshold" | "edge-popup" | "weights"} Way
 */

/**
 * A layer, and all that a step needs. Matrices are [outputs, inputs], row by row.
 * @typedef {object} TrainedLayer
 * @property {number} inputs a multiple of 4
 * @property {number} outputs a multiple of 4
 * @property {Float32Array} weights W, which never change
 * @property {Float32Array} effective what the layer computes with: W * M, or trained weights
 * @property {Uint8Array} mask M, 1 where a weight is kept
 * @property {Float32Array} parameters scores or weights
 * @property {Float32Array} gradient of the loss by `effective`, then by `parameters`
 * @property {Float32Array} first mean of the gradients
 * @property {Float32Array} second mean of their squares
 */

/**
 * Room for what a batch of images is on its way: one array for the output of each layer, and one
 * for the loss's gradient there.
 * @typedef {{ units: Float32Array[], deltas: Float32Array[] }} Room
 */

supsup.training = (() => {
  const { matrix, transposed, multiply } = supsup.products;

  const BETAS = [0.9, 0.999];
  const EPSILON = 1e-8;

  /** @param {number} inputs @param {number} outputs @returns {TrainedLayer} */
  function emptyLayer(inputs, outputs) {
    const [weights, effective, parameters, gradient, first, second] = Array.from(
      { length: 6 },
      () => new Float32Array(inputs * outputs),
    );
    const mask = new Uint8Array(inputs * outputs);
    return { inputs, outputs, weights, effective, mask, parameters, gradient, first, second };
  }

  /** @param {{ outputs: number }[]} layers @param {number} images @returns {Room} */
  const roomFor = (layers, images) => ({
    units: layers.map(({ outputs }) => new Float32Array(images * outputs)),
    deltas: layers.map(({ outputs }) => new Float32Array(images * outputs)),
  });

  /**
   * The logits of some images.
   * @param {{ inputs: number, outputs: number, effective: Float32Array }[]} layers
   * @param {Float32Array} x images, [count, inputs]
   * @param {number} count a multiple of 4
   * @param {Room} room takes the output of each layer, after its ReLU
   */
  function forward(layers, x, count, { units }) {
    let h = x;
    layers.forEach(({ inputs, outputs, effective }, depth) => {
      const z = units[depth];
      const weights = transposed(matrix(effective, inputs));
      multiply(matrix(h, inputs), weights, z, count, outputs, inputs);
      if (depth < layers.length - 1)
        for (let i = 0; i < count * outputs; i++) if (z[i] < 0) z[i] = 0;
      h = z;
    });
    return h;
  }

  /**
   * The mean cross-entropy, in nats, and its gradient.
   * @param {Float32Array} logits [count, outputs]
   * @param {Uint8Array} labels
   * @param {Float32Array} delta takes the gradient by the logits
   */
  function crossEntropy(logits, labels, delta) {
    const outputs = logits.length / labels.length;
    let loss = 0;
    for (let image = 0; image < labels.length; image++) {
      const start = image * outputs;
      const end = start + outputs;
      let most = -Infinity;
      for (let i = start; i < end; i++) most = Math.max(most, logits[i]);
      let total = 0;
      for (let i = start; i < end; i++) total += delta[i] = Math.exp(logits[i] - most);
      for (let i = start; i < end; i++) delta[i] /= total * labels.length;
      delta[start + labels[image]] -= 1 / labels.length;
      loss += Math.log(total) + most - logits[start + labels[image]];
    }
    return loss / labels.length;
  }

  /**
   * From the gradient by the outputs to that by the units of each layer below.
   * @param {{ inputs: number, outputs: number, effective: Float32Array }[]} layers
   * @param {number} count images
   * @param {Room} room of `forward`, with the last delta filled
   */
  function backward(layers, count, { units, deltas }) {
    for (let depth = layers.length - 1; depth > 0; depth--) {
      const { inputs, outputs, effective } = layers[depth];
      const [h, below] = [units[depth - 1], deltas[depth - 1]];
      const delta = matrix(deltas[depth], outputs);
      multiply(delta, matrix(effective, inputs), below, count, inputs, outputs);
      for (let i = 0; i < count * inputs; i++) if (h[i] <= 0) below[i] = 0;
    }
  }

  /**
   * Keep what has a score of 0 or more; say how many bits that flips.
   * @param {Float32Array} scores
   * @param {Uint8Array} mask
   */
  function thresholdMask(scores, mask) {
    let flips = 0;
    for (let i = 0; i < mask.length; i++) {
      const kept = scores[i] >= 0 ? 1 : 0;
      flips += kept ^ mask[i];
      mask[i] = kept;
    }
    return flips;
  }

  const UPPER = new Uint32Array(2 ** 15); // how many sizes begin with these bits,
  const LOWER = new Uint32Array(2 ** 16); // and how many of those end with these

  /**
   * Where, counted from the top, `wanted` of these are reached, and how many lie above.
   * @param {Uint32Array} counts
   * @param {number} wanted
   */
  function reach(counts, wanted) {
    let above = 0;
    let at = counts.length - 1;
    while (above + counts[at] < wanted) above += counts[at--];
    return { at, above };
  }

  /**
   * Keep a share by the size of the scores: round(keep * n) of n. Of scores that tie at the border
   * the first win. Sizes are compared by their bits, whose order is theirs. Says how many flip.
   * @param {Float32Array} scores
   * @param {number} keep
   * @param {Uint8Array} mask
   */
  function topMask(scores, keep, mask) {
    const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
    const kept = Math.round(keep * scores.length);
    UPPER.fill(0);
    for (let i = 0; i < bits.length; i++) UPPER[(bits[i] & 0x7fffffff) >>> 16]++;
    const upper = reach(UPPER, kept);
    LOWER.fill(0);
    for (let i = 0; i < bits.length; i++)
      if ((bits[i] & 0x7fffffff) >>> 16 === upper.at) LOWER[bits[i] & 0xffff]++;
    const lower = reach(LOWER, kept - upper.above);
    const border = (upper.at << 16) | lower.at;
    let ties = kept - upper.above - lower.above;
    let flips = 0;
    for (let i = 0; i < bits.length; i++) {
      const size = bits[i] & 0x7fffffff;
      const isKept = size > border || (size === border && ties-- > 0) ? 1 : 0;
      flips += isKept ^ mask[i];
      mask[i] = isKept;
    }
    return flips;
  }

  /**
   * Make the masks, and the weights to compute with, from the parameters; say how many bits flip.
   * @param {TrainedLayer[]} layers
   * @param {Way} way
   * @param {number} keep the density of edge-popup
   */
  function applyParameters(layers, way, keep) {
    let flips = 0;
    for (const { weights, effective, mask, parameters } of layers) {
      if (way === "weights") {
        effective.set(parameters);
        continue;
      }
      if (way === "threshold") flips += thresholdMask(parameters, mask);
      else flips += topMask(parameters, keep, mask);
      for (let i = 0; i < mask.length; i++) effective[i] = mask[i] ? weights[i] : 0;
    }
    return flips;
  }

  /**
   * The gradient by the scores, straight through the mask: as if M were s (threshold) or |s|
   * (edge-popup). Removed weights have one, too.
   * @param {TrainedLayer} layer
   * @param {Way} way
   */
  function straightThrough({ weights, parameters, gradient }, way) {
    if (way === "threshold") for (let i = 0; i < gradient.length; i++) gradient[i] *= weights[i];
    else
      for (let i = 0; i < gradient.length; i++)
        gradient[i] *= weights[i] * Math.sign(parameters[i]);
  }

  /**
   * Adam (Kingma and Ba 2015).
   * @param {TrainedLayer} layer
   * @param {number} rate
   * @param {number} step from 1 on
   */
  function adam({ parameters, gradient, first, second }, rate, step) {
    const [beta1, beta2] = BETAS;
    const stride = rate / (1 - beta1 ** step);
    const root = Math.sqrt(1 - beta2 ** step);
    for (let i = 0; i < parameters.length; i++) {
      const g = gradient[i];
      first[i] += (1 - beta1) * (g - first[i]);
      second[i] = beta2 * second[i] + (1 - beta2) * g * g;
      parameters[i] -= (stride * first[i]) / (Math.sqrt(second[i]) / root + EPSILON);
    }
  }

  /**
   * One step of learning: the loss before it, and how many bits of the masks flip.
   * @param {TrainedLayer[]} layers
   * @param {Float32Array} x images
   * @param {Uint8Array} labels
   * @param {Room} room
   * @param {{ way: Way, keep: number, rate: number, step: number }} how step counts from 1
   */
  function trainStep(layers, x, labels, room, { way, keep, rate, step }) {
    const count = labels.length;
    const { units, deltas } = room;
    const logits = forward(layers, x, count, room);
    const loss = crossEntropy(logits, labels, deltas[layers.length - 1]);
    backward(layers, count, room);
    layers.forEach((layer, depth) => {
      const { inputs, outputs, gradient } = layer;
      const delta = transposed(matrix(deltas[depth], outputs));
      const h = depth ? units[depth - 1] : x;
      multiply(delta, matrix(h, inputs), gradient, outputs, inputs, count);
      if (way !== "weights") straightThrough(layer, way);
      adam(layer, rate, step);
    });
    return { loss, flips: applyParameters(layers, way, keep) };
  }

  return { emptyLayer, roomFor, forward, backward, applyParameters, trainStep };
})();
