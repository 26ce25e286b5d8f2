// One-Shot among learned masks: the one along which the entropy of the superposed network falls
// most (SupSup, eq. 4). Uses products, training and learner.
//
// The network is linear in its weights: what a mask puts into a layer's units, multiplied by the
// gradient there, is the gradient by its alpha.
// @ts-check

supsup.oneShot = (() => {
  const { matrix, transposed, multiply } = supsup.products;
  const { roomFor, forward, backward } = supsup.training;
  const { PIXELS, TEST, gather } = supsup.learner;

  const CHUNK = 100; // images at a time

  /**
   * The entropy's gradient by the logits, in nats.
   * @param {Float32Array} logits [count, outputs]
   * @param {number} outputs
   * @param {Float32Array} delta takes it
   */
  function entropyGradient(logits, outputs, delta) {
    for (let start = 0; start < logits.length; start += outputs) {
      let most = -Infinity;
      for (let i = start; i < start + outputs; i++) most = Math.max(most, logits[i]);
      let total = 0;
      for (let i = start; i < start + outputs; i++) total += Math.exp(logits[i] - most);
      const shift = most + Math.log(total);
      let entropy = 0;
      for (let i = start; i < start + outputs; i++)
        entropy -= Math.exp(logits[i] - shift) * (logits[i] - shift);
      for (let i = start; i < start + outputs; i++)
        delta[i] = -Math.exp(logits[i] - shift) * (logits[i] - shift + entropy);
    }
  }

  /**
   * dH / d alpha of each image for each mask, at 1 / k: rows of k numbers.
   * @param {{ inputs: number, outputs: number, weights: Float32Array }[]} layers
   * @param {Uint8Array[][]} masks a list of layers each
   * @param {Float32Array} x images, [count, inputs]
   * @param {number} count a multiple of 4
   */
  function alphaGradient(layers, masks, x, count) {
    const k = masks.length;
    /** What the layers compute with. @param {(depth: number, i: number) => number} share kept */
    const under = (share) =>
      layers.map(({ inputs, outputs, weights }, depth) => ({
        inputs,
        outputs,
        effective: weights.map((weight, i) => weight * share(depth, i)),
      }));
    const mixed = under((depth, i) => masks.reduce((sum, mask) => sum + mask[depth][i], 0) / k);
    const room = roomFor(layers, count);
    const logits = forward(mixed, x, count, room);
    entropyGradient(logits, layers[layers.length - 1].outputs, room.deltas[layers.length - 1]);
    backward(mixed, count, room);
    const alone = roomFor(layers, count).units;
    const gradient = new Float64Array(count * k);
    masks.forEach((mask, position) => {
      const network = under((depth, i) => mask[depth][i]);
      network.forEach(({ inputs, outputs, effective }, depth) => {
        const h = matrix(depth ? room.units[depth - 1] : x, inputs);
        const weights = transposed(matrix(effective, inputs));
        multiply(h, weights, alone[depth], count, outputs, inputs);
        const [units, delta] = [alone[depth], room.deltas[depth]];
        for (let i = 0; i < count * outputs; i++)
          gradient[Math.floor(i / outputs) * k + position] += units[i] * delta[i];
      });
    });
    return gradient;
  }

  /**
   * How many test images of each task One-Shot gives to their own mask. Pauses now and then.
   * @param {Learner} learner
   * @returns {Generator<undefined, number[]>}
   */
  function* recognised(learner) {
    const { layers, masks, digits } = learner;
    const k = masks.length;
    const x = new Float32Array(CHUNK * PIXELS);
    const right = masks.map(() => 0);
    for (let task = 0; task < k; task++) {
      for (let start = 0; start < TEST; start += CHUNK) {
        const images = Int32Array.from({ length: CHUNK }, (_, i) => digits.train + start + i);
        gather(learner, task, images, x);
        const gradient = alphaGradient(layers, masks, x, CHUNK);
        for (let image = 0; image < CHUNK; image++) {
          const row = gradient.subarray(image * k, (image + 1) * k);
          if (row.indexOf(Math.min(...row)) === task) right[task]++;
        }
        yield;
      }
    }
    return right;
  }

  return { alphaGradient, recognised };
})();
