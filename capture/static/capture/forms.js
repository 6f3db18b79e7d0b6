/* The form page: sends what was typed when a field is left, shows the answer, keeps focus where it is. No rule lives here. */
(() => {
  "use strict";

  const REST = 2000;
  const dirty = new WeakMap();
  const timers = new WeakMap();
  const raw = new WeakMap();

  const say = (form, text) => { const state = form.querySelector("[data-state]"); if (state) state.textContent = text; };

  const put = (el, html) => {
    if (!el || raw.get(el) === html) return;
    raw.set(el, html);
    el.innerHTML = html;
  };

  const show = (form, answer) => {
    for (const [id, row] of Object.entries(answer.rows)) {
      const line = document.getElementById(`r-${id}`);
      if (!line) continue;
      put(document.getElementById(`f-${id}`), row.flag);
      const message = document.getElementById(`m-${id}`);
      if (message && !message.contains(document.activeElement)) put(message, row.msg);
      if ("derived" in row) put(document.getElementById(id), row.derived);
      if (line.hidden !== row.hidden) {
        line.hidden = row.hidden;
        line.querySelectorAll("input,select,textarea").forEach((field) => { field.disabled = row.hidden; });
      }
      line.classList.toggle("dz-bad-row", row.msg.includes('role="alert"'));
    }
    put(form.querySelector("[data-preview]"), answer.preview);
    const answered = form.querySelector("[data-answered]");
    if (answered) answered.textContent = answer.answered;
    say(form, answer.state);
  };

  const send = async (form) => {
    clearTimeout(timers.get(form));
    if (!dirty.get(form)) return;
    dirty.set(form, false);
    say(form, "Saving");
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Check": "1" },
        credentials: "same-origin",
        redirect: "manual",
      });
      if (!response.ok) throw new Error(String(response.status));
      show(form, await response.json());
      form.dataset.unsent = "";
    } catch {
      dirty.set(form, true);
      form.dataset.unsent = "1";
      say(form, "Not saved: connection lost, the values are kept in this page");
    }
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-autosave]");
    if (!form) return;
    dirty.set(form, true);
    form.dataset.unsent = "1";
    clearTimeout(timers.get(form));
    timers.set(form, setTimeout(() => send(form), REST));
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosave]");
    if (!form) return;
    dirty.set(form, true);
    send(form);
  });

  document.addEventListener("submit", (event) => { event.target.dataset.unsent = ""; });

  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector('form[data-autosave][data-unsent="1"]')) event.preventDefault();
  });

  /* suggestions for long code lists */
  document.addEventListener("input", async (event) => {
    const field = event.target.closest("[data-suggest]");
    if (!field || field.value.length < 2) return;
    const response = await fetch(`/admin/codes/${field.dataset.suggest}/?q=${encodeURIComponent(field.value)}`, { credentials: "same-origin" });
    if (response.ok) put(document.getElementById(field.getAttribute("list")), await response.text());
  });

  /* history beside the field */
  const popover = () => document.getElementById("dz-popover");
  const close = () => { const box = popover(); if (box && !box.hidden) { box.hidden = true; box.opener?.focus(); } };
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-popover]");
    const box = popover();
    if (!link) { if (box && !box.contains(event.target)) box.hidden = true; return; }
    event.preventDefault();
    const response = await fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!response.ok) { location.href = link.href; return; }
    box.innerHTML = await response.text();
    const place = link.getBoundingClientRect();
    box.style.top = `${place.bottom + window.scrollY + 4}px`;
    box.style.left = `${Math.max(8, Math.min(place.right - 360, window.innerWidth - 376)) + window.scrollX}px`;
    box.hidden = false;
    box.opener = link;
    box.querySelector("a,button,input,textarea")?.focus();
  });

  /* keys of the form */
  const fields = (form) => [...form.querySelectorAll("input,select,textarea")].filter((el) => !el.disabled && el.type !== "hidden" && el.offsetParent && /^i:/.test(el.name) && (el.type !== "radio" || el.checked || el === el.closest("[data-segments]")?.querySelector("input")));
  const move = (field, step) => {
    const all = fields(field.form);
    const own = field.type === "radio" ? all.findIndex((el) => el.name === field.name) : all.indexOf(field);
    const next = all[own + step];
    if (next) { next.focus(); next.select?.(); }
  };
  const row = (el) => el.closest("[data-path]");
  const press = (form, act) => form.querySelector(`button[name="act"][value="${act}"]`)?.click();

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); return; }
    const field = event.target;
    const form = field.closest?.("form[data-autosave]");
    if (!form) return;
    const alt = event.altKey && (!/Mac/.test(navigator.platform) || event.ctrlKey);
    if (event.ctrlKey && event.key === "Enter") { event.preventDefault(); press(form, "complete"); return; }
    if (event.ctrlKey && event.key.toLowerCase() === "s") { event.preventDefault(); press(form, "save"); return; }
    if (alt && row(field)) {
      const key = event.key.toLowerCase();
      const line = row(field);
      const open = (selector) => { const box = line.querySelector(selector); if (box) { box.open = true; box.querySelector("select,input,textarea")?.focus(); } };
      if (key === "n") { event.preventDefault(); open("details.dz-null"); }
      if (key === "k") { event.preventDefault(); open("details.dz-keep"); }
      if (key === "h") { event.preventDefault(); line.querySelector("[data-popover]")?.click(); }
      if (key === "p") {
        event.preventDefault();
        const before = line.querySelector(".dz-prev")?.textContent.trim();
        if (before && field.tagName === "INPUT" && field.type === "text") {
          field.value = before;
          field.dispatchEvent(new Event("change", { bubbles: true }));
        }
      }
      return;
    }
    if (event.key === "Enter" && field.tagName !== "TEXTAREA" && field.tagName !== "BUTTON" && field.tagName !== "SUMMARY") {
      event.preventDefault();
      move(field, event.shiftKey ? -1 : 1);
      return;
    }
    if (field.type === "radio" && field.closest("[data-segments]") && /^[0-9]$/.test(event.key)) {
      const options = [...field.closest("[data-segments]").querySelectorAll("input")];
      const chosen = options.find((el) => el.value === event.key) || options[Number(event.key) - 1];
      if (chosen) { event.preventDefault(); chosen.checked = true; chosen.focus(); chosen.dispatchEvent(new Event("change", { bubbles: true })); }
    }
  });

  /* a refusal is read first, and a form named in the address is in view */
  document.querySelector("[data-refusals]")?.focus();
})();
