// A button that asks about a hundred test images, and a running score. Uses elements, model, mnist,
// assets, tally and aboutInference.
// @ts-check

supsup.asking = (() => {
  const { element } = supsup.elements;
  const { onChange } = supsup.model;
  const { PIXELS } = supsup.mnist;
  const { fetchAsset } = supsup.assets;
  const { QUESTIONS, askMany } = supsup.tally;
  const { scoreInWords } = supsup.aboutInference;

  const ASK = `Ask ${QUESTIONS} random images`;
  // What a score belongs to.
  const SETTING = ["num_tasks", "method", "objective", "outputs", "sparsity"];

  /** @typedef {{ network: Network, permutations: Uint16Array, state: InferenceState }} Asked */

  /**
   * @param {Host} host
   * @param {() => Asked | null} now what is asked, if it is there
   */
  function asking(host, now) {
    const shown = element("p", { ariaHidden: "true" });
    const spoken = element("p", { className: "spoken", role: "status" }); // at the end, once
    /** @type {TestImages | null} */
    let test = null;
    let total = { asked: 0, found: 0, read: 0 };
    let round = 0;
    let running = false;
    let stop = () => {};

    const end = () => {
      stop();
      running = false;
      button.textContent = ASK;
    };
    const forget = () => {
      end();
      round = 0;
      total = { asked: 0, found: 0, read: 0 };
      shown.textContent = spoken.textContent = "";
    };

    async function ask() {
      running = true;
      button.textContent = "Stop";
      if (!test) {
        const bytes = await fetchAsset(host.model, "test-images");
        const count = bytes.length / (PIXELS + 1);
        const images = bytes.subarray(0, count * PIXELS);
        test = { images, labels: bytes.subarray(count * PIXELS) };
      }
      const given = now();
      if (!given || !running) {
        end(); // something was moved meanwhile
        return;
      }
      stop();
      const before = total;
      stop = askMany({ ...given, test }, given.state, round++, (score) => {
        total = {
          asked: before.asked + score.asked,
          found: before.found + score.found,
          read: before.read + score.read,
        };
        shown.textContent = scoreInWords(total, given.state);
        if (score.asked < QUESTIONS) return;
        spoken.textContent = shown.textContent;
        end();
      });
    }

    const button = element("button", {
      type: "button",
      textContent: ASK,
      onclick() {
        if (running) end();
        else
          ask().catch(({ message }) => {
            end();
            shown.textContent = spoken.textContent = `The images could not be read: ${message}.`;
          });
      },
    });
    onChange(host, SETTING, forget);
    host.signal?.addEventListener("abort", end);
    return element("div", { className: "asking" }, button, shown, spoken);
  }

  return { asking };
})();
