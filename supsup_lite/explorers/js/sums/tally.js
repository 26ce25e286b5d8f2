// How often an inference is right: a hundred test images, each shuffled by a task that the network
// knows, both drawn at random. Uses mnist, generator, inference and slices.
// @ts-check

/** @typedef {{ images: Uint8Array, labels: Uint8Array }} TestImages 784 bytes an image, a label */

/**
 * @typedef {object} Score
 * @property {number} asked images
 * @property {number} found of these: the task is right
 * @property {number} read of those: the digit is right, too
 */

supsup.tally = (() => {
  const { PIXELS, normalise } = supsup.mnist;
  const { generator } = supsup.generator;
  const { infer } = supsup.inference;
  const { inSlices } = supsup.slices;

  const QUESTIONS = 100;

  /**
   * The images and tasks of a round: the same each time.
   * @param {number} round
   * @param {number} count of images
   * @param {number} k
   */
  function questionsOf(round, count, k) {
    const random = generator("questions", 0, round);
    const images = random.permutation(count).subarray(0, QUESTIONS);
    const tasks = Array.from(random.floats(QUESTIONS), (share) => Math.floor(share * k));
    return { images, tasks };
  }

  /**
   * Ask in slices, and report the score after each.
   * @param {{ network: Network, test: TestImages, permutations: Uint16Array }} given
   * @param {{ num_tasks: number, method: Method, objective: Objective, step: number }} state
   * @param {number} round
   * @param {(score: Score) => void} report
   * @returns {() => void} a function that stops it
   */
  function askMany({ network, test, permutations }, state, round, report) {
    const { images, tasks } = questionsOf(round, test.labels.length, state.num_tasks);
    const score = { asked: 0, found: 0, read: 0 };
    const askOne = () => {
      const [i, task] = [images[score.asked], tasks[score.asked]];
      const grey = test.images.subarray(PIXELS * i, PIXELS * (i + 1));
      const permutation = permutations.subarray(PIXELS * task, PIXELS * (task + 1));
      const seen = Float64Array.from(permutation, (from) => grey[from]);
      const { chosen, digit } = infer(network, normalise(seen), state);
      score.asked++;
      if (chosen === task) score.found++;
      if (chosen === task && digit === test.labels[i]) score.read++;
      return score.asked < QUESTIONS;
    };
    return inSlices(askOne, () => report({ ...score }));
  }

  return { QUESTIONS, askMany };
})();
