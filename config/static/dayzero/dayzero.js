/* Behaviour of the frame: menu, theme, keys that lead somewhere. No rule of a study lives here. */
(() => {
  "use strict";

  const inText = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));
  const go = (selector) => { const a = document.querySelector(selector); if (a) a.click(); };

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-menu],[data-theme-switch]");
    if (!target) return;
    if (target.hasAttribute("data-menu")) document.getElementById("dz-nav")?.classList.toggle("dz-open");
    else {
      const dark = document.documentElement.classList.toggle("dark");
      try { localStorage.setItem("_x_adminTheme", JSON.stringify(dark ? "dark" : "light")); } catch { /* private mode */ }
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  /* all keys of this page */
  const keys = document.getElementById("dz-keys");

  /* lists: J and K move, Enter opens as on any link */
  const step = (by) => {
    const rows = [...document.querySelectorAll("[data-list] [data-row]")];
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  };

  /* a session that stays idle ends; two minutes before, the page says so */
  const idle = document.querySelector("[data-idle]");
  const warning = document.getElementById("dz-idle");
  if (idle && warning) {
    let timer = 0;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => warning.showModal(), Math.max(5, Number(idle.dataset.idle) - Number(idle.dataset.warn)) * 1000);
    };
    warning.querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = await fetch(event.target.action, { method: "POST", body: new FormData(event.target), credentials: "same-origin", redirect: "manual" });
      if (!answer.ok) { location.reload(); return; }
      warning.close();
      wait();
    });
    wait();
  }

  /* today and yesterday by one key, counted at the site: the page says which day it is there */
  const dayKey = (event, field) => {
    const day = { t: "0", y: "1" }[event.key.toLowerCase()];
    if (day === undefined || !/^(date|datetime|partialdate)$/.test(field.dataset.type || "") || field.value) return false;
    const today = document.querySelector("[data-today]")?.dataset.today;
    if (!today) return false;
    const found = new Date(`${today}T00:00:00Z`);
    found.setUTCDate(found.getUTCDate() - Number(day));
    field.value = found.toISOString().slice(0, 10) + (field.dataset.type === "datetime" ? " " : "");
    if (field.dataset.type !== "datetime") field.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  };

  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!event.ctrlKey && !event.altKey && !event.metaKey && field.tagName === "INPUT" && dayKey(event, field)) event.preventDefault();
  }, true);

  let prefix = "";
  let digits = "";
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      go("[data-goto]");
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || inText(event.target)) return;
    if (event.key === "Escape") { document.getElementById("dz-nav")?.classList.remove("dz-open"); return; }
    if (event.key === "/") {
      const filter = document.querySelector("[data-filter]");
      if (filter) { event.preventDefault(); filter.focus(); }
      return;
    }
    if (prefix === "g") {
      const page = { w: "index", c: "casebook", q: "queries", d: "dlt_windows" }[event.key.toLowerCase()];
      if (page) { prefix = ""; go(`.dz-nav [data-name="${page}"]`); return; }
      if (/^[0-9]$/.test(event.key)) { digits += event.key; return; }
      if (event.key === "Enter" && digits) {
        const link = document.querySelector("[data-goto]");
        if (link) location.href = `${link.getAttribute("href")}?q=${digits}`;
      }
      prefix = ""; digits = "";
      return;
    }
    if (event.key === "?" && keys) { event.preventDefault(); if (!keys.open) keys.showModal(); return; }
    if (event.key.toLowerCase() === "j" && step(1)) return;
    if (event.key.toLowerCase() === "k" && step(-1)) return;
    if (event.key.toLowerCase() === "g") { prefix = "g"; digits = ""; }
  });
})();

/* The casebook: one tab stop, arrows move, Enter shows the card of a visit, O opens it. */
(() => {
  "use strict";
  const grid = document.querySelector("[data-casebook]");
  if (!grid) return;
  const box = document.getElementById("dz-popover");
  const rows = () => [...grid.querySelectorAll("tbody tr")].map((tr) => [...tr.querySelectorAll("a.dz-cell")]).filter((cells) => cells.length);
  const first = grid.querySelector("a.dz-cell");
  if (first) first.tabIndex = 0;
  const focus = (cell) => {
    if (!cell) return;
    grid.querySelectorAll('a.dz-cell[tabindex="0"]').forEach((el) => { el.tabIndex = -1; });
    cell.tabIndex = 0;
    cell.focus();
  };
  const card = async (cell) => {
    const response = await fetch(`/admin/visits/${cell.dataset.visit}/card/`, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!response.ok) { location.href = cell.href; return; }
    box.innerHTML = await response.text();
    const place = cell.getBoundingClientRect();
    box.style.top = `${place.bottom + window.scrollY + 4}px`;
    box.style.left = `${Math.max(8, Math.min(place.left, window.innerWidth - 424)) + window.scrollX}px`;
    box.hidden = false;
    box.opener = cell;
    box.querySelector("input:not([type=hidden]),button:not([tabindex]),a")?.focus();
  };
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("a.dz-cell");
    if (!cell || event.ctrlKey || event.metaKey || event.button) return;
    event.preventDefault();
    focus(cell);
    card(cell);
  });
  document.addEventListener("click", (event) => { if (!box.hidden && !box.contains(event.target) && !event.target.closest("a.dz-cell")) box.hidden = true; });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !box.hidden) { box.hidden = true; focus(box.opener); return; }
    const cell = event.target.closest?.("a.dz-cell");
    if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
    const table = rows();
    const y = table.findIndex((cells) => cells.includes(cell));
    const x = table[y].indexOf(cell);
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key in moves) {
      event.preventDefault();
      const [dy, dx] = moves[event.key];
      const line = table[Math.max(0, Math.min(table.length - 1, y + dy))];
      focus(line[Math.max(0, Math.min(line.length - 1, x + dx))]);
    } else if (event.key === "Home") { event.preventDefault(); focus(table[y][0]); }
    else if (event.key === "End") { event.preventDefault(); focus(table[y][table[y].length - 1]); }
    else if (event.key === "Enter") { event.preventDefault(); card(cell); }
    else if (event.key.toLowerCase() === "o") { event.preventDefault(); location.href = cell.href; }
    else if (event.key.toLowerCase() === "m") { event.preventDefault(); card(cell).then(() => box.querySelector("details")?.setAttribute("open", "")); }
  });
})();
