// Where a learner works: in a worker of its own, or, where a page may have none, on the page in
// slices so short that nothing stutters. Uses learnerJobs.
//
// The worker runs the text of the explorer's own module, from a blob: so it needs no file, and
// works on a page that was opened from a disk. Its jobs wait for messages there. It is a classic
// worker: Chromium refuses modules to pages from a disk.
// @ts-check

/**
 * @typedef {"start" | "begin" | "learn" | "measure" | "oneShot" | "bits"} Job
 * @typedef {object} Workshop
 * @property {(kind: Job, content?: object) => Promise<any>} ask what the job of this kind returns;
 *   never, once the workshop is closed
 * @property {() => void} close
 */

supsup.workshop = (() => {
  const { makeJobs } = supsup.learnerJobs;

  const SLICE = 12; // ms of work at a time; a step that begins within it still comes to its end

  /**
   * @typedef {object} Task
   * @property {Job} kind
   * @property {any} content
   * @property {(result: any) => void} resolve
   * @property {(error: Error) => void} reject
   */

  /** @param {string} text of the module @returns {Worker | null} */
  function startWorker(text) {
    const classic = text.replace(/^export \w+ /m, "");
    const url = URL.createObjectURL(new Blob([classic], { type: "text/javascript" }));
    try {
      return new Worker(url, { name: "learner" });
    } catch {
      return null; // not allowed here
    } finally {
      setTimeout(() => URL.revokeObjectURL(url), 10_000); // when it has been read
    }
  }

  /** @param {string} text of the explorer's module @returns {Workshop} */
  function openWorkshop(text) {
    /** @type {Map<number, Task>} */
    const waiting = new Map();
    const jobs = makeJobs();
    let asked = 0;
    let hasAnswered = false;
    let isOpen = true;
    /** What is done on the page, one task after the other. */
    let queue = Promise.resolve();
    let worker = startWorker(text);

    /** @param {Task} task */
    async function workHere({ kind, content, resolve, reject }) {
      try {
        const job = jobs[kind](content);
        let next = job.next();
        while (isOpen && !next.done) {
          await new Promise((ready) => setTimeout(ready));
          const until = performance.now() + SLICE;
          while (!next.done && performance.now() < until) next = job.next();
        }
        if (isOpen) resolve(next.value);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(`${error}`));
      }
    }

    /** @param {Task} task */
    const workHereLater = (task) => (queue = queue.then(() => workHere(task)));

    if (worker) {
      worker.onmessage = ({ data: { id, result } }) => {
        hasAnswered = true;
        waiting.get(id)?.resolve(result);
        waiting.delete(id);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        const left = [...waiting.values()];
        waiting.clear();
        if (hasAnswered) {
          for (const { reject } of left) reject(new Error(event.message));
          return;
        }
        worker?.terminate();
        worker = null; // it was refused: the page does what was asked so far
        left.forEach(workHereLater);
      };
    }

    /** @type {Workshop["ask"]} */
    const ask = (kind, content = {}) =>
      new Promise((resolve, reject) => {
        const task = { kind, content, resolve, reject };
        if (!worker) {
          workHereLater(task);
          return;
        }
        waiting.set(++asked, task);
        worker.postMessage({ id: asked, kind, content });
      });

    const close = () => {
      isOpen = false;
      worker?.terminate();
    };

    return { ask, close };
  }

  return { openWorkshop };
})();
