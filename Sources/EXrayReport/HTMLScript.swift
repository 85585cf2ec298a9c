/// The page's only script, which makes tables sortable.
///
/// The page is complete without it.
enum HTMLScript {
  static let text = """

    for (const table of document.querySelectorAll("table[data-sortable]")) {
      const body = table.tBodies[0];
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        const button = document.createElement("button");
        button.type = "button";
        button.title = head.title;
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => {
          const numeric = head.classList.contains("n");
          const first = numeric && column > 0 ? "descending" : "ascending";
          const other = first === "ascending" ? "descending" : "ascending";
          const order = head.getAttribute("aria-sort") === first ? other : first;
          heads.forEach((cell) => cell.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", order);
          const sign = order === "ascending" ? 1 : -1;
          const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
          const rows = [...body.rows].map((row, place) => ({ row, place, key: key(row) }));
          rows.sort((a, b) => {
            if (numeric) {
              const missing = (a.key === "") - (b.key === "");
              return missing || sign * (Number(a.key) - Number(b.key)) || a.place - b.place;
            }
            return sign * (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || a.place - b.place;
          });
          body.append(...rows.map((entry) => entry.row));
        });
      });
    }

    """
}
