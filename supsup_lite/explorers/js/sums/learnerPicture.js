// What is drawn of a network that learns: the pixels of a few units, some edges behind them, and
// how many edges each pixel keeps. Uses learner.
// @ts-check

/**
 * Edges are +1 or -1 by the sign of their weight, times how strong they are, or 0 where the mask
 * removes them.
 * @typedef {object} LearnerPicture
 * @property {Float32Array} kept for each pixel the share of its edges that are kept
 * @property {Float32Array[]} fields for some units of the first layer the edge of each pixel
 * @property {Float32Array} second edges from these to some units of the second layer, row by row
 * @property {Float32Array} third edges from those to the ten digits
 */

supsup.learnerPicture = (() => {
  const { PIXELS, WIDTHS } = supsup.learner;

  const FIRST = [0, 27, 54, 81, 108, 135]; // units that are drawn
  const SECOND = [0, 8, 16, 24, 32, 40, 48, 56];
  const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

  /** @type {LearnerPicture} before anything is learned */
  const NOTHING = {
    kept: new Float32Array(PIXELS),
    fields: FIRST.map(() => new Float32Array(PIXELS)),
    second: new Float32Array(SECOND.length * FIRST.length),
    third: new Float32Array(DIGITS.length * SECOND.length),
  };

  /** @param {Learner} learner */
  function edgesOf({ layers, settings }) {
    const isTrained = settings.way === "weights";
    /** How an edge counts. @param {number} depth @param {number} to @param {number} from */
    return (depth, to, from) => {
      const { inputs, effective, parameters } = layers[depth];
      const at = to * inputs + from;
      return isTrained ? effective[at] : Math.sign(effective[at]) * Math.abs(parameters[at]);
    };
  }

  /** Of the task that is learned now. @param {Learner} learner @returns {LearnerPicture} */
  function pictureOf(learner) {
    const edge = edgesOf(learner);
    const shuffle = learner.shuffles[learner.shuffles.length - 1];
    const { effective } = learner.layers[0];
    const kept = new Float32Array(PIXELS);
    effective.forEach((weight, at) => {
      if (weight) kept[shuffle[at % PIXELS]] += 1 / WIDTHS[1];
    });
    const fields = FIRST.map((unit) => {
      const field = new Float32Array(PIXELS);
      shuffle.forEach((pixel, input) => (field[pixel] = effective[unit * PIXELS + input]));
      return field;
    });
    /** @param {number} depth @param {number[]} to @param {number[]} from */
    const edges = (depth, to, from) =>
      Float32Array.from(to.flatMap((unit) => from.map((input) => edge(depth, unit, input))));
    return { kept, fields, second: edges(1, SECOND, FIRST), third: edges(2, DIGITS, SECOND) };
  }

  return { FIRST, SECOND, DIGITS, NOTHING, pictureOf };
})();
