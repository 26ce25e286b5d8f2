// Pictures of MNIST: their size, their normalisation, and a drawing made like one. Uses numbers.
// @ts-check

supsup.mnist = (() => {
  const { sum } = supsup.numbers;

  const SIDE = 28;
  const PIXELS = SIDE * SIDE;
  const MEAN = 0.1307;
  const DEVIATION = 0.3081;
  const BLACK = -MEAN / DEVIATION; // a black pixel, normalised

  /** @param {Uint8Array | Float64Array | number[]} grey in 0..255 */
  const normalise = (grey) => Float64Array.from(grey, (value) => (value / 255 - MEAN) / DEVIATION);

  /** @param {number} pixel */
  const column = (pixel) => pixel % SIDE;

  /** @param {number} pixel */
  const row = (pixel) => Math.floor(pixel / SIDE);

  /**
   * @param {Float64Array} ink
   * @param {(pixel: number) => number} coordinate
   */
  const centreOfMass = (ink, coordinate) =>
    ink.reduce((total, value, i) => total + value * (coordinate(i) + 0.5), 0) / sum(ink);

  /** @param {number[]} values */
  const extent = (values) => Math.max(...values) - Math.min(...values) + 1;

  /**
   * As MNIST was made: the digit fills 20 x 20 pixels, and its centre of mass stands in the middle.
   * @param {Float64Array} ink in 0..255
   */
  function asInMnist(ink) {
    const lit = [...ink.keys()].filter((i) => ink[i] > 20);
    if (!lit.length) return ink.map(() => 0);
    const size = Math.max(extent(lit.map(column)), extent(lit.map(row)));
    const scale = Math.min(3, 20 / size);
    const cx = centreOfMass(ink, column);
    const cy = centreOfMass(ink, row);
    /**
     * @param {number} x
     * @param {number} y
     */
    const at = (x, y) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : ink[y * SIDE + x]);
    return ink.map((_, i) => {
      const x = cx + (column(i) + 0.5 - SIDE / 2) / scale - 0.5;
      const y = cy + (row(i) + 0.5 - SIDE / 2) / scale - 0.5;
      const [left, up] = [Math.floor(x), Math.floor(y)];
      const [dx, dy] = [x - left, y - up];
      const above = at(left, up) * (1 - dx) + at(left + 1, up) * dx;
      const below = at(left, up + 1) * (1 - dx) + at(left + 1, up + 1) * dx;
      return above * (1 - dy) + below * dy;
    });
  }

  return { SIDE, PIXELS, BLACK, normalise, asInMnist };
})();
