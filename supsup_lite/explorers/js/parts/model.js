// The widget's model: reading, changing and watching its traits.
// @ts-check

/**
 * anywidget's model in a notebook, or the stand-in of a page without a kernel.
 * @typedef {object} Model
 * @property {(trait: string) => any} get
 * @property {(trait: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, callback: (...news: any[]) => void) => void} on
 * @property {(event: string, callback: (...news: any[]) => void) => void} off
 * @property {(message: object, callbacks?: undefined, buffers?: DataView[]) => void} send
 */

/**
 * Where an explorer lives. The signal says when it is taken away.
 * @typedef {{ model: Model, root: HTMLElement, signal?: AbortSignal }} Host
 */

supsup.model = (() => {
  /**
   * @param {Host} host
   * @param {string[]} names of traits
   * @param {() => void} callback
   */
  function onChange({ model, signal }, names, callback) {
    for (const name of names) {
      model.on(`change:${name}`, callback);
      signal?.addEventListener("abort", () => model.off(`change:${name}`, callback));
    }
  }

  /**
   * @param {Model} model
   * @param {Record<string, unknown>} changes values by names of traits
   */
  function change(model, changes) {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  }

  /**
   * @param {Model} model
   * @param {string[]} names of traits
   * @returns {Record<string, any>} their values by name
   */
  const traits = (model, names) => Object.fromEntries(names.map((name) => [name, model.get(name)]));

  return { onChange, change, traits };
})();
