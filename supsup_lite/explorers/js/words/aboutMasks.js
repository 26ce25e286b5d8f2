// What explorers say of a mask's size. Uses format, numbers and bits.
// @ts-check

supsup.aboutMasks = (() => {
  const { thousands } = supsup.format;
  const { sum } = supsup.numbers;
  const { binaryEntropy } = supsup.bits;

  /**
   * @param {number[]} sizes of a mask's layers, in weights
   * @param {number[]} kept weights of each layer
   */
  function bytesOfMask(sizes, kept) {
    const n = sum(sizes);
    const bits = kept.map((count, layer) => sizes[layer] * binaryEntropy(count / sizes[layer]));
    const bound = thousands(sum(bits) / 8);
    return (
      `It takes ${thousands(n / 8)} bytes at one bit a weight, at least ${bound} by entropy; ` +
      `float32 weights take ${thousands(4 * n)}.`
    );
  }

  return { bytesOfMask };
})();
