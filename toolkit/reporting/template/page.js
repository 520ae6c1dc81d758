(() => {
  const code = [...document.querySelectorAll("details.code")];
  const nav = document.querySelector("nav");
  if (nav && !matchMedia("(min-width: 64rem)").matches) nav.querySelector("details").open = false;
  if (nav && code.length) {
    const button = document.createElement("button");
    const show = (on) => {
      code.forEach((each) => (each.open = on));
      button.setAttribute("aria-pressed", on);
    };
    button.type = "button";
    button.textContent = nav.dataset.code;
    button.onclick = () => show(button.getAttribute("aria-pressed") !== "true");
    show(false);
    nav.append(button);
  }
  const parts = new Intl.NumberFormat(document.documentElement.lang).formatToParts(12345.6);
  const [group, decimal] = ["group", "decimal"].map((type) => parts.find((part) => part.type === type).value);
  const worth = (cell) => {
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const found = text.match(/^-?[\d.,]*\d/);
    return { text, size: found ? Number(found[0].replaceAll(group, "").replace(decimal, ".")) : null };
  };
  document.querySelectorAll("main table").forEach((table) => {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 3 || body.querySelector("[colspan]")) return;
    table.querySelectorAll("thead th").forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.onclick = () => {
        const way = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
        table.querySelectorAll("[aria-sort]").forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
        const rows = [...body.rows].filter((row) => !row.classList.contains("total"));
        const last = [...body.rows].filter((row) => row.classList.contains("total"));
        const numbers = head.classList.contains("number");
        rows.sort((a, b) => {
          const [x, y] = [worth(a.cells[at]), worth(b.cells[at])];
          if (!numbers) return way * x.text.localeCompare(y.text);
          if (x.size === null || y.size === null) return (x.size === null) - (y.size === null);
          return way * (x.size - y.size);
        });
        body.append(...rows, ...last);
      };
    });
  });
  const filter = document.querySelector(".filter");
  if (filter) {
    const [field, told] = [filter.querySelector("input"), filter.querySelector("[role=status]")];
    const rows = [...document.querySelectorAll("main tbody tr")];
    filter.hidden = false;
    field.oninput = () => {
      const words = field.value.toLowerCase().split(/\s+/);
      rows.forEach((row) => (row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word))));
      told.textContent = `${rows.filter((row) => !row.hidden).length} / ${rows.length}`;
    };
  }
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open]):not(.code)")];
    opened.forEach((each) => (each.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((each) => (each.open = false)));
})();
