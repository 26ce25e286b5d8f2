// What a learner can be asked for. Each answer is a generator that pauses now and then: a worker
// lets it run to its end, a page without workers a little at a time. Uses bits, learner,
// learnerPicture and oneShot.
// @ts-check

/**
 * @typedef {object} LearningNews
 * @property {number[]} losses one a step
 * @property {number[]} flips bits of the mask, one a step
 * @property {LearnerPicture} picture
 */

/** @typedef {{ shuffle: Int32Array, picture: LearnerPicture }} BegunTask */

supsup.learnerJobs = (() => {
  const { packBits } = supsup.bits;
  const { readDigits, makeLearner, beginTask, learnStep, readTest, tasksOf } = supsup.learner;
  const { pictureOf } = supsup.learnerPicture;
  const { recognised } = supsup.oneShot;

  function makeJobs() {
    /** @type {Digits | undefined} */
    let digits;
    /** @type {Learner | undefined} */
    let learner;
    const current = () => {
      if (!learner) throw new Error("no learner was started");
      return learner;
    };

    return {
      /**
       * A new learner. The digits come with the first one.
       * @param {{ bytes?: Uint8Array, settings: LearningSettings }} content
       */
      *start({ bytes, settings }) {
        if (bytes) digits = yield* readDigits(bytes);
        if (digits) learner = makeLearner(digits, settings);
      },

      /** The next task. @returns {Generator<undefined, BegunTask>} */
      *begin() {
        yield* beginTask(current());
        const { shuffles } = current();
        return { shuffle: shuffles[shuffles.length - 1], picture: pictureOf(current()) };
      },

      /**
       * Some steps.
       * @param {{ steps: number }} content
       * @returns {Generator<undefined, LearningNews>}
       */
      *learn({ steps }) {
        const [losses, flips] = [[], []].map(() => /** @type {number[]} */ ([]));
        for (let i = 0; i < steps; i++) {
          const news = learnStep(current());
          losses.push(news.loss);
          flips.push(news.flips);
          yield;
        }
        return { losses, flips, picture: pictureOf(current()) };
      },

      /**
       * What is read in the test images of some tasks now.
       * @param {{ tasks: number[] }} content
       * @returns {Generator<undefined, Reading[]>}
       */
      *measure({ tasks }) {
        const readings = [];
        for (const task of tasks) readings.push(yield* readTest(current(), task));
        return readings;
      },

      /** For how many of each task One-Shot names the mask. */
      *oneShot() {
        return yield* recognised(current());
      },

      /** The bits of the last task's mask. @returns {Generator<undefined, Uint8Array>} */
      *bits() {
        yield;
        return packBits(current().masks[tasksOf(current()) - 1]);
      },
    };
  }

  /** @typedef {ReturnType<typeof makeJobs>} Jobs */

  /** Do jobs in a worker, one after the other. @param {any} scope of the worker */
  function serve(scope) {
    const jobs = makeJobs();
    /** @param {{ data: { id: number, kind: keyof Jobs, content: any } }} event */
    scope.onmessage = ({ data: { id, kind, content } }) => {
      const job = jobs[kind](content);
      let next = job.next();
      while (!next.done) next = job.next();
      scope.postMessage({ id, result: next.value });
    };
  }

  if (typeof document === "undefined") serve(globalThis); // this is the worker

  return { makeJobs };
})();
