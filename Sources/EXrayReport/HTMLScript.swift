/// The page's only script, which makes tables sortable and the graph zoomable.
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
    for (const frame of document.querySelectorAll(".graph")) {
      const drawing = frame.querySelector("svg");
      const full = drawing.viewBox.baseVal;
      let scale = 1;
      const zoom = (next) => {
        const middle = (frame.scrollTop + frame.clientHeight / 2) / scale;
        scale = Math.min(3, Math.max(0.02, next));
        drawing.setAttribute("width", full.width * scale);
        drawing.setAttribute("height", full.height * scale);
        frame.scrollTop = middle * scale - frame.clientHeight / 2;
      };
      const show = (node) => {
        const box = node.getBBox();
        frame.scrollTop = (box.y + box.height / 2) * scale - frame.clientHeight / 2;
        frame.scrollLeft = (box.x + box.width / 2) * scale - frame.clientWidth / 2;
      };
      const blamed = [...frame.querySelectorAll(".blamed")];
      let next = 0;
      const actions = [
        ["+", "larger", () => zoom(scale * 1.4)],
        ["−", "smaller", () => zoom(scale / 1.4)],
        ["Whole", "the whole graph", () => {
          zoom(Math.min(1, frame.clientWidth / full.width, frame.clientHeight / full.height));
        }],
        ["1:1", "as drawn", () => zoom(1)],
      ];
      if (blamed.length > 0) {
        actions.push(["Blamed op", "to the next op that is blamed", () => {
          if (scale < 0.5) zoom(1);
          show(blamed[next % blamed.length]);
          next += 1;
        }]);
      }
      const bar = document.createElement("div");
      bar.className = "zoom";
      for (const [text, title, action] of actions) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.title = title;
        button.addEventListener("click", action);
        bar.append(button);
      }
      frame.before(bar);
      if (blamed.length > 0) show(blamed[0]);
      else frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
    }

    """
}
