// A folded table of what the charts show, for ears and for copying. Uses elements.
// @ts-check

supsup.table = (() => {
  const { element } = supsup.elements;

  /**
   * @param {"th" | "td"} tag
   * @param {(string | number)[]} cells
   */
  const row = (tag, cells) =>
    element("tr", {}, ...cells.map((cell) => element(tag, { textContent: cell })));

  /** @param {string} title */
  function numbersTable(title) {
    const table = element("table");
    const summary = element("summary", { textContent: title });
    const details = element("details", { className: "numbers" }, summary, table);
    /** @type {{ head: string[], rows: (string | number)[][] } | null} */
    let shown = null;
    const fill = () => {
      if (!details.open || !shown) return;
      const rows = shown.rows.map((cells) => row("td", cells));
      table.replaceChildren(row("th", shown.head), ...rows);
    };
    /**
     * @param {string[]} head
     * @param {(string | number)[][]} rows
     */
    const update = (head, rows) => {
      shown = { head, rows };
      fill();
    };
    details.addEventListener("toggle", fill);
    return Object.assign(details, { update });
  }

  return { numbersTable };
})();
