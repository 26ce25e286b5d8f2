// A run of the learner: who plays it, a few steps at a time, and what is known of it. Uses model,
// workshop, numbers, learner and aboutLearning.
// @ts-check

/** @typedef {{ shuffle: Int32Array, picture: LearnerPicture, isFresh: boolean }} SeenTask */

supsup.learningRun = (() => {
  const { traits } = supsup.model;
  const { openWorkshop } = supsup.workshop;
  const { last, range } = supsup.numbers;
  const { STEPS, TEST } = supsup.learner;
  const { emptyRecord, isDone } = supsup.aboutLearning;

  const SETTINGS = ["trained", "rule", "sparsity", "rate", "seed"];
  const MOST_TASKS = 10;
  const OFTEN = 5; // steps, after which the page shows something
  const SELDOM = 50; // where nothing should move on the page, and for tasks of the past

  /** Thrown where the run that an answer belongs to is no longer there. */
  class Gone extends Error {}

  /** @param {Record<string, any>} values of these traits @returns {LearningSettings} */
  const settingsOf = ({ trained, rule, sparsity, rate, seed }) => ({
    way: trained === "weights" ? "weights" : rule,
    keep: (100 - sparsity) / 100,
    rate,
    seed,
  });

  /**
   * @param {Host} host
   * @param {Uint8Array} digits
   * @param {object} hears
   * @param {(record: LearningRecord, seen: SeenTask | null) => void} hears.show something changed
   * @param {(record: LearningRecord) => void} hears.pause somebody stopped it amid a task
   * @param {(record: LearningRecord, bits: Uint8Array | null) => void} hears.finish a task is done
   * @param {(error: Error) => void} hears.fail
   */
  function learningRun({ model, signal }, digits, { show, pause, finish, fail }) {
    const reduced = matchMedia("(prefers-reduced-motion: reduce)");
    /** @type {Workshop | null} */
    let workshop = null;
    let record = emptyRecord(false, STEPS);
    /** @type {SeenTask | null} */
    let seen = null;
    /** @type {Uint8Array} */
    let lastAnswers = new Uint8Array(0);
    let isNew = true; // the learner does not know these settings yet
    /** @type {object | null} */
    let player = null; // who plays now; somebody else stops who played before
    let work = Promise.resolve(); // one thing after the other

    const settings = () => settingsOf(traits(model, SETTINGS));
    const canGoOn = () => !isDone(record) || record.tasks < MOST_TASKS;

    function stop() {
      player = null;
    }

    function reset() {
      stop();
      isNew = true;
      record = emptyRecord(settings().way === "weights", STEPS);
      seen = null;
      show(record, seen);
    }

    /**
     * Ask, and drop the answer if the run has been reset meanwhile.
     * @param {Parameters<Workshop["ask"]>} question
     */
    async function ask(...question) {
      const asking = record;
      const answer = await workshop?.ask(...question);
      if (asking !== record) throw new Gone();
      return answer;
    }

    async function begin() {
      if (isNew) {
        const bytes = workshop ? undefined : digits;
        workshop ??= openWorkshop(model.get("_esm"));
        isNew = false;
        await ask("start", { bytes, settings: settings() });
      }
      const { shuffle, picture } = await ask("begin");
      seen = { shuffle, picture, isFresh: true };
      record.tasks++;
      record.step = 0;
      record.curves.push([]);
      await measure([record.tasks - 1]);
      show(record, seen);
    }

    /** @param {number[]} tasks */
    async function measure(tasks) {
      /** @type {Reading[]} */
      const readings = await ask("measure", { tasks });
      const step = record.losses.length;
      tasks.forEach((task, i) => {
        const { right, answers } = readings[i];
        record.now[task] = right / TEST;
        record.curves[task].push([step, right / TEST]);
        record.changed[task] = (record.answers[task] ?? answers).filter(
          (answer, image) => answer !== answers[image],
        ).length;
        lastAnswers = answers; // in the end those of the task that is learned
      });
    }

    /** @param {number} steps @param {boolean} [isLooking] measure accuracy, too */
    async function learn(steps, isLooking = false) {
      /** @type {LearningNews} */
      const { losses, flips, picture } = await ask("learn", { steps });
      record.losses.push(...losses);
      record.flips.push(...flips);
      record.step += steps;
      const isLast = record.step === STEPS;
      const isPast = isLast || record.step % SELDOM === 0;
      if (isLast || isLooking || record.step % OFTEN === 0)
        await measure(isPast ? range(record.tasks) : [record.tasks - 1]);
      if (seen) seen = { ...seen, picture, isFresh: false };
      if (isLast) await end();
      show(record, seen);
    }

    async function end() {
      const { isTrained, tasks, now, learned } = record;
      learned.push(last(now));
      record.answers.push(lastAnswers);
      if (!isTrained && tasks > 1) {
        /** @type {number[]} */
        const right = await ask("oneShot");
        record.recognised = right.map((count) => count / TEST);
      }
      finish(record, isTrained ? null : await ask("bits"));
    }

    /** Steps up to the next picture. */
    const stride = () => {
      const every = reduced.matches ? SELDOM : OFTEN;
      return every - (record.step % every);
    };

    /** @param {() => Promise<void>} job */
    async function attempt(job) {
      try {
        await job();
      } catch (error) {
        if (error instanceof Gone) return;
        stop();
        fail(/** @type {Error} */ (error));
      }
      show(record, seen);
    }

    /** After what is under way. @param {() => Promise<void>} job */
    const then = (job) => (work = work.then(() => attempt(job)));

    function play() {
      const me = (player = {});
      then(async () => {
        if (isDone(record)) await begin();
        while (player === me && !isDone(record)) await learn(stride());
        if (player === null && !isDone(record)) pause(record);
        if (player === me) stop();
      });
      show(record, seen);
    }

    const oneStep = () =>
      then(async () => {
        if (isDone(record)) await begin();
        await learn(1, true);
      });

    signal?.addEventListener("abort", () => {
      stop();
      workshop?.close();
    });
    const isPlaying = () => player !== null;
    return { play, stop, oneStep, reset, canGoOn, isPlaying };
  }

  return { SETTINGS, learningRun };
})();
