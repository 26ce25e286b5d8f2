// Pictures, one square pixel a number.
// @ts-check

/** @typedef {(value: number) => number[]} Colour gives red, green, blue, and alpha, in 0..255 */

supsup.images = (() => {
  // As in the figures and in the style sheet.
  const BLUE = [0, 114, 178];
  const ORANGE = [191, 135, 0];
  const VIRIDIS = [
    [68, 1, 84],
    [59, 82, 139],
    [33, 145, 140],
    [94, 201, 98],
    [253, 231, 37],
  ];

  /** @type {Colour} */
  const grey = (value) => [255 * value, 255 * value, 255 * value];

  /**
   * @param {HTMLCanvasElement} canvas takes the picture's size
   * @param {ArrayLike<number>} values row by row
   * @param {number} width
   * @param {Colour} [colour] grey for values in 0..1
   */
  function paint(canvas, values, width, colour = grey) {
    const height = values.length / width;
    if (canvas.width !== width || canvas.height !== height)
      Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    for (let i = 0; i < values.length; i++) {
      const [red, green, blue, alpha = 255] = colour(values[i]);
      image.data.set([red, green, blue, alpha], 4 * i);
    }
    canvas.getContext("2d")?.putImageData(image, 0, 0);
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Uint8Array | Float64Array} values in 0..255
   * @param {number} width
   */
  const paintBytes = (canvas, values, width) =>
    paint(
      canvas,
      Array.from(values, (value) => value / 255),
      width,
    );

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Float64Array} spins -1 is black, 1 white
   * @param {number} width
   */
  const paintSpins = (canvas, spins, width) =>
    paint(
      canvas,
      Array.from(spins, (spin) => (spin + 1) / 2),
      width,
    );

  /**
   * The colour of a share in 0..1, as the figures have it.
   * @type {Colour}
   */
  function viridis(share) {
    const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
    const i = Math.min(VIRIDIS.length - 2, Math.floor(place));
    const [from, to] = [VIRIDIS[i], VIRIDIS[i + 1]];
    return from.map((value, channel) => value + (place - i) * (to[channel] - value));
  }

  return { BLUE, ORANGE, grey, paint, paintBytes, paintSpins, viridis };
})();
