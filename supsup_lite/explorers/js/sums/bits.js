// Masks as bits, and the least that a bit of some density takes.
// @ts-check

supsup.bits = (() => {
  /**
   * @param {Uint8Array} bytes each with its first bit lowest
   * @param {number} at
   */
  const bitAt = (bytes, at) => (bytes[at >> 3] >> (at & 7)) & 1;

  /** The entropy of a bit that is 1 with probability p, in bits. @param {number} p */
  const binaryEntropy = (p) =>
    p > 0 && p < 1 ? -p * Math.log2(p) - (1 - p) * Math.log2(1 - p) : 0;

  return { bitAt, binaryEntropy };
})();
