// Filter, sort and search of the report; the page is complete without it. State lives behind `#?` in the address.
"use strict";
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const one = (what) => document.querySelector(what);
  const make = (tag, text, given = {}) => Object.assign(document.createElement(tag), { textContent: text }, given);
  const outcomes = { f: "fail", e: "error", k: "flaky", s: "skip", p: "pass" };
  const tools = one("#tools"), search = one("#search"), found = one("#found"), help = one("#help");
  const every = one("#every-test"), tests = one("#t-tests");
  const state = { q: "", show: new Set(), sort: new Map() };

  // --- what can be found: rows of tests, and every other item ------------------------------------------------------
  let index = null;
  const entries = () => index ??= [
    ...all("#t-tests tbody tr").map((node) => ({ node, text: node.textContent.toLowerCase(), outcome: node.className })),
    ...all(".item").map((node) => ({ node, text: node.textContent.toLowerCase(), outcome: "" })),
  ];
  const filter = () => {
    const active = state.q !== "" || state.show.size > 0;
    if (!active && !index) return;
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0, listed = 0;
    for (const { node, text, outcome } of entries()) {
      const fits = words.every((word) => text.includes(word)) && (!outcome || !state.show.size || state.show.has(outcome));
      if (node.hidden === fits) node.hidden = !fits;
      if (outcome) { listed += 1; shown += fits; }
    }
    if (active && every) every.open = true;
    // What fails alike stands under one head: it goes with the last of its tests, and opens for what was found.
    for (const place of all(".cause, .others")) {
      place.hidden = !place.querySelector(".item:not([hidden])");
      if (active && !place.hidden) place.open = true;
    }
    found.textContent = active && listed ? `${shown.toLocaleString("en")} of ${listed.toLocaleString("en")} tests` : "";
  };

  // --- sorting -----------------------------------------------------------------------------------------------------
  const sort = (table, column, descending) => {
    const body = table.tBodies[0], numeric = table.tHead.rows[0].cells[column].classList.contains("number");
    const key = (row) => { const text = row.cells[column].textContent; return numeric ? parseFloat(text.replaceAll(",", "")) || 0 : text; };
    const order = (a, b) => numeric ? a.key - b.key : a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
    const rows = [...body.rows].map((row) => ({ row, key: key(row) })).sort((a, b) => descending ? order(b, a) : order(a, b));
    const moved = document.createDocumentFragment();
    for (const { row } of rows) moved.append(row);
    body.append(moved);
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    table.tHead.rows[0].cells[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
  };
  for (const table of all("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      if (!cell.textContent) return;
      const button = make("button", cell.textContent, { type: "button" });
      button.addEventListener("click", () => {
        const descending = cell.getAttribute("aria-sort") === "ascending";
        state.sort.set(table.id, [column, descending]);
        sort(table, column, descending);
        remember();
      });
      cell.replaceChildren(button);
    });
  }

  // --- the address -------------------------------------------------------------------------------------------------
  const remember = () => {
    const query = new URLSearchParams();
    if (state.q) query.set("q", state.q);
    if (state.show.size) query.set("show", [...state.show].join(""));
    for (const [table, [column, descending]] of state.sort) query.append("sort", `${table}.${column}.${descending ? "desc" : "asc"}`);
    const text = query.toString();
    history.replaceState(null, "", text ? `#?${text}` : "#");
  };
  const recall = () => {
    if (!location.hash.startsWith("#?")) return;
    const query = new URLSearchParams(location.hash.slice(2));
    state.q = search.value = query.get("q") ?? "";
    state.show = new Set([...(query.get("show") ?? "")].filter((letter) => letter in outcomes));
    for (const chip of all("#tools [data-show]")) chip.ariaPressed = String(state.show.has(chip.dataset.show));
    for (const text of query.getAll("sort")) {
      const [id, column, direction] = text.split(".");
      const table = all("table.sortable").find((candidate) => candidate.id === id);
      if (!table?.tHead.rows[0].cells[column]?.textContent) continue;
      state.sort.set(id, [Number(column), direction === "desc"]);
      sort(table, Number(column), direction === "desc");
    }
    filter();
  };

  // --- controls ----------------------------------------------------------------------------------------------------
  let waiting = 0;
  search.addEventListener("input", () => {
    state.q = search.value.trim();
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => { filter(); remember(); });
  });
  if (tests) for (const [letter, word] of Object.entries(outcomes)) {
    if (!one(`#t-tests tr.${letter}`)) continue;
    const chip = make("button", word, { type: "button", ariaPressed: "false" });
    chip.dataset.show = letter;
    chip.addEventListener("click", () => {
      if (!state.show.delete(letter)) state.show.add(letter);
      chip.ariaPressed = String(state.show.has(letter));
      filter();
      remember();
    });
    found.before(chip);
  }
  const keys = make("button", "Keys", { type: "button" });
  keys.addEventListener("click", () => help.showModal());
  tools.append(keys);
  for (const command of all(".command")) {
    const copy = make("button", "copy", { type: "button", ariaLabel: `copy ${command.textContent}` });
    copy.addEventListener("click", async (event) => {
      event.preventDefault();
      try { await navigator.clipboard.writeText(command.textContent); copy.textContent = "copied"; }
      catch { getSelection().selectAllChildren(command); copy.textContent = "selected"; }
    });
    command.after(copy);
  }
  const save = one("#save");
  if (save && "DecompressionStream" in window) {
    save.hidden = false;
    save.addEventListener("click", async () => {
      const packed = Uint8Array.from(atob(one("#verdict").textContent), (letter) => letter.charCodeAt(0));
      const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
      const link = make("a", "", { download: "verdict.json", href: URL.createObjectURL(await new Response(plain).blob()) });
      link.click();
    });
  }
  const step = (by) => {
    const places = all(":is(.cause, .failure) > summary").filter((node) => node.checkVisibility());
    const here = places.indexOf(document.activeElement);
    places.at(here < 0 ? (by > 0 ? 0 : -1) : (here + by + places.length) % places.length)?.focus();
  };
  const toggle = () => {
    const places = all("details").filter((node) => node !== every);
    const open = places.some((node) => !node.open);
    for (const node of places) node.open = open;
  };
  const actions = { "/": () => search.focus(), "?": () => help.showModal(), j: () => step(1), k: () => step(-1), o: toggle };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.activeElement === search) {
      search.value = state.q = "";
      filter();
      remember();
      search.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || event.target.matches("input, textarea")) return;
    if (Object.hasOwn(actions, event.key)) { event.preventDefault(); actions[event.key](); }
  });
  addEventListener("hashchange", recall);
  tools.hidden = false;
  recall();
})();
