// What k tasks cost: bytes by the way they are written, and operations. Uses numbers and bits.
// @ts-check

/** @typedef {[outputs: number, inputs: number][]} Shapes of a network's layers */

supsup.costs = (() => {
  const { sum } = supsup.numbers;
  const { binaryEntropy } = supsup.bits;

  /** @param {Shapes} shapes */
  const sizesOf = (shapes) => shapes.map(([outputs, inputs]) => outputs * inputs);

  /**
   * Bytes of one task.
   * @param {Shapes} shapes
   * @param {number} density a share
   */
  function bytesOfTask(shapes, density) {
    const sizes = sizesOf(shapes);
    const n = sum(sizes);
    return {
      float32: 4 * n, // a network for each task
      bool: n, // how torch holds a bool tensor
      bits: sum(sizes.map((size) => Math.ceil(size / 8))), // each layer starts on its own byte
      // a row of 2 bytes for each kept weight, and where columns start
      csc: 2 * density * n + 4 * sum(shapes.map(([, inputs]) => inputs + 1)),
      bound: (n * binaryEntropy(density)) / 8,
    };
  }

  /**
   * Multiply-adds: a pass forward takes one a weight, and each half of the way back another one.
   * @param {Shapes} shapes
   * @param {number} tasks
   * @param {{ steps: number, batch: number }} training
   */
  function operations(shapes, tasks, { steps, batch }) {
    const n = sum(sizesOf(shapes));
    return {
      learning: 3 * n * steps * batch * tasks,
      given: n,
      oneShot: (3 + tasks) * n,
      exhaustive: tasks * n,
    };
  }

  return { sizesOf, bytesOfTask, operations };
})();
