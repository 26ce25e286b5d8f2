// What explorers of masks count: bits, bytes, and the least that a mask of some density takes.

const bitAt = (bytes, at) => (bytes[at >> 3] >> (at & 7)) & 1;
const entropyBits = (p) => (p > 0 && p < 1 ? -p * Math.log2(p) - (1 - p) * Math.log2(1 - p) : 0);
const count = (number) => Math.round(number).toLocaleString("en");

// The bytes of a mask in a sentence, from the sizes of its layers and what it keeps of each.
function bytesOfMask(sizes, kept) {
  const n = sum(sizes), bound = sum(kept.map((own, i) => sizes[i] * entropyBits(own / sizes[i]))) / 8;
  return `It takes ${count(n / 8)} bytes at one bit a weight, at least ${count(bound)} by entropy; float32 weights take ${count(4 * n)}.`;
}
