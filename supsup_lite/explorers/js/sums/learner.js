// A network that learns task after task: digits of 14 x 14 pixels, which each task shuffles in its
// own way. Python's `learn_masks` and `fine_tune` learn the same from the same seed. Uses training,
// generator and numbers.
// @ts-check

/**
 * @typedef {object} LearningSettings
 * @property {Way} way
 * @property {number} keep the density of edge-popup
 * @property {number} rate
 * @property {number} seed of the network, the tasks, the scores and the order of the images
 */

/**
 * @typedef {object} Digits
 * @property {Float32Array} pixels of all images, training images first
 * @property {Uint8Array} labels
 * @property {number} train how many are for training
 * @property {number} mean of the training pixels
 * @property {number} deviation
 */

/**
 * @typedef {object} Learner
 * @property {Digits} digits
 * @property {LearningSettings} settings
 * @property {TrainedLayer[]} layers
 * @property {Int32Array[]} shuffles for each task which pixel stands at each place
 * @property {Uint8Array[][]} masks of the tasks that are done, a list of layers each
 * @property {Int32Array} order of the images that the task visits
 * @property {number} step how many of the task are done
 * @property {Float32Array} x room for a batch
 * @property {Uint8Array} labels of it
 * @property {Room} room
 * @property {Float32Array} testX room for test images
 * @property {Room} testRoom
 */

/** What is read in the test images: a digit each, and how many are right. */
/** @typedef {{ right: number, answers: Uint8Array }} Reading */

supsup.learner = (() => {
  const { emptyLayer, roomFor, forward, applyParameters, trainStep } = supsup.training;
  const { generator } = supsup.generator;
  const { mean } = supsup.numbers;

  const SIDE = 14;
  const PIXELS = SIDE * SIDE;
  const WIDTHS = [PIXELS, 160, 64, 20];
  const CLASSES = 10;
  const BATCH = 64;
  const STEPS = 150; // of each task
  const TEST = 500; // images at the end of the file
  const CHUNK = 100; // of them at a time

  /**
   * The digits of a file: images, then their labels, a byte each. A pixel is the root of its
   * brightness, as in `supsup_lite.explorers.stored.small`, which says why. Pauses now and then.
   * @param {Uint8Array} bytes
   * @returns {Generator<undefined, Digits>}
   */
  function* readDigits(bytes) {
    const count = bytes.length / (PIXELS + 1);
    const train = count - TEST;
    const roots = Float32Array.from({ length: 256 }, (_, byte) => Math.sqrt(byte / 255));
    const pixels = new Float32Array(count * PIXELS);
    for (let i = 0; i < pixels.length; i++) pixels[i] = roots[bytes[i]];
    yield;
    const seen = pixels.subarray(0, train * PIXELS);
    const average = mean(seen);
    let squares = 0;
    for (let i = 0; i < seen.length; i++) squares += (seen[i] - average) ** 2;
    yield;
    const labels = bytes.subarray(count * PIXELS);
    return { pixels, labels, train, mean: average, deviation: Math.sqrt(squares / seen.length) };
  }

  /**
   * The images that training visits: whole shuffled epochs.
   * @param {number} size of an epoch
   * @param {number} seed
   * @param {number} task
   */
  function batchOrder(size, seed, task) {
    const draw = generator("batches", seed, task);
    const order = new Int32Array(STEPS * BATCH);
    for (let start = 0; start < order.length; start += size)
      order.set(draw.permutation(size).subarray(0, order.length - start), start);
    return order;
  }

  /** @param {Digits} digits @param {LearningSettings} settings @returns {Learner} */
  function makeLearner(digits, settings) {
    const { seed, way } = settings;
    const layers = WIDTHS.slice(1).map((outputs, depth) => {
      const layer = emptyLayer(WIDTHS[depth], outputs);
      const signs = generator(`weights of fc${depth + 1}`, seed).coins(layer.weights.length);
      const c = Math.sqrt(2 / WIDTHS[depth]);
      signs.forEach((sign, i) => (layer.weights[i] = (2 * sign - 1) * c));
      if (way === "weights") layer.parameters.set(layer.weights);
      return layer;
    });
    return {
      digits,
      settings,
      layers,
      room: roomFor(layers, BATCH),
      x: new Float32Array(BATCH * PIXELS),
      labels: new Uint8Array(BATCH),
      testRoom: roomFor(layers, CHUNK),
      testX: new Float32Array(CHUNK * PIXELS),
      shuffles: [],
      masks: [],
      order: new Int32Array(0),
      step: 0,
    };
  }

  /** How many tasks were begun. @param {Learner} learner */
  const tasksOf = (learner) => learner.shuffles.length;

  /**
   * Go to the next task: with fresh scores, or with the weights as they are. Pauses now and then.
   * @param {Learner} learner
   */
  function* beginTask(learner) {
    const { layers, settings, digits } = learner;
    const { seed, way, keep } = settings;
    const task = tasksOf(learner);
    learner.shuffles.push(generator("permutation", seed, task).permutation(PIXELS));
    learner.order = batchOrder(digits.train, seed, task);
    learner.step = 0;
    for (const [depth, { inputs, parameters, first, second }] of layers.entries()) {
      yield;
      first.fill(0);
      second.fill(0);
      if (way === "weights") continue;
      const bound = 1 / Math.sqrt(inputs);
      const twice = Math.fround(2 * bound);
      const drawn = generator(`scores of fc${depth + 1}.weight`, seed, task);
      drawn.floats(parameters.length).forEach((value, i) => {
        parameters[i] = Math.fround(value * twice) - Math.fround(bound); // rounded as torch does
      });
    }
    applyParameters(layers, way, keep);
  }

  /**
   * Images as a task sees them, normalised.
   * @param {Learner} learner
   * @param {number} task
   * @param {ArrayLike<number>} images their numbers
   * @param {Float32Array} x takes them
   * @param {Uint8Array} [labels] takes their labels
   */
  function gather({ digits, shuffles }, task, images, x, labels) {
    const { pixels } = digits;
    const shuffle = shuffles[task];
    const [scale, shift] = [1 / digits.deviation, digits.mean / digits.deviation];
    for (let i = 0; i < images.length; i++) {
      const start = images[i] * PIXELS;
      for (let j = 0; j < PIXELS; j++)
        x[i * PIXELS + j] = pixels[start + shuffle[j]] * scale - shift;
      if (labels) labels[i] = digits.labels[images[i]];
    }
  }

  /** One step; says its loss and how many bits of the mask it flipped. @param {Learner} learner */
  function learnStep(learner) {
    const { layers, x, labels, room, settings, masks, order } = learner;
    const start = learner.step * BATCH;
    gather(learner, tasksOf(learner) - 1, order.subarray(start, start + BATCH), x, labels);
    const news = trainStep(layers, x, labels, room, { ...settings, step: ++learner.step });
    if (isDone(learner) && settings.way !== "weights")
      masks.push(layers.map(({ mask }) => mask.slice()));
    return news;
  }

  /** @param {Learner} learner */
  const isDone = (learner) => learner.step === STEPS;

  /**
   * The network under a task's mask; under the weights that there are now, if these are trained.
   * @param {Learner} learner
   * @param {number} task
   */
  function networkFor({ layers, masks }, task) {
    if (!masks[task]) return layers;
    return layers.map(({ inputs, outputs, weights }, depth) => {
      const mask = masks[task][depth];
      return { inputs, outputs, effective: weights.map((w, i) => (mask[i] ? w : 0)) };
    });
  }

  /** @param {ArrayLike<number>} values @param {number} start @param {number} count */
  function indexOfMost(values, start, count) {
    let best = 0;
    for (let i = 1; i < count; i++) if (values[start + i] > values[start + best]) best = i;
    return best;
  }

  /**
   * What the network reads in the test images of a task now. Pauses now and then.
   * @param {Learner} learner
   * @param {number} task
   * @returns {Generator<undefined, Reading>}
   */
  function* readTest(learner, task) {
    const { digits, testX, testRoom } = learner;
    const network = networkFor(learner, task);
    const outputs = WIDTHS[WIDTHS.length - 1];
    const answers = new Uint8Array(TEST);
    let right = 0;
    for (let start = 0; start < TEST; start += CHUNK) {
      const images = Int32Array.from({ length: CHUNK }, (_, i) => digits.train + start + i);
      gather(learner, task, images, testX);
      const logits = forward(network, testX, CHUNK, testRoom);
      for (let i = 0; i < CHUNK; i++) {
        answers[start + i] = indexOfMost(logits, i * outputs, CLASSES);
        if (answers[start + i] === digits.labels[images[i]]) right++;
      }
      yield;
    }
    return { right, answers };
  }

  return {
    SIDE,
    PIXELS,
    WIDTHS,
    STEPS,
    TEST,
    readDigits,
    makeLearner,
    tasksOf,
    beginTask,
    gather,
    learnStep,
    readTest,
  };
})();
