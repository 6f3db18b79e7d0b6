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
    if (event.key.toLowerCase() === "g") prefix = "g";
  });
})();
