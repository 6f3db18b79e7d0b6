/* The form page: sends what was typed when a field is left, shows the answer, keeps focus where it is. No rule lives here. */
(() => {
  "use strict";

  const REST = 2000;
  const turn = new WeakMap();
  const dirty = new WeakMap();
  const timers = new WeakMap();
  const raw = new WeakMap();

  const say = (form, text) => { const state = form.querySelector("[data-state]"); if (state) state.textContent = text; };

  const put = (el, html) => {
    if (!el || raw.get(el) === html) return;
    raw.set(el, html);
    el.innerHTML = html;
  };

  /* words being typed in a message are never taken away; a focus that stood on what went is kept in its row */
  const say_beside = (message, html) => {
    const inside = message.contains(document.activeElement) ? document.activeElement : null;
    if (inside && inside.tagName === "INPUT" && raw.get(message) !== html) return;
    put(message, html);
    if (!inside || message.contains(document.activeElement)) return;
    const next = message.querySelector("summary,button,a");
    if (next) next.focus();
    else { const own = message.closest("[data-path]")?.querySelector('[name^="i:"]:not([type="hidden"])'); if (own) move(own, 1); }
  };

  const show = (form, answer) => {
    for (const [id, row] of Object.entries(answer.rows)) {
      const line = document.getElementById(`r-${id}`);
      if (!line) continue;
      put(document.getElementById(`f-${id}`), row.flag);
      const message = document.getElementById(`m-${id}`);
      if (message) say_beside(message, row.msg);
      if ("derived" in row) put(document.getElementById(id), row.derived);
      if (line.hidden !== row.hidden) {
        line.hidden = row.hidden;
        line.querySelectorAll("input,select,textarea").forEach((field) => { field.disabled = row.hidden; });
      }
      const refused = row.msg.includes('role="alert"');
      line.querySelectorAll('[name^="i:"]').forEach((field) => {
        field.classList.toggle("dz-bad", refused && field.classList.contains("dz-in"));
        if (refused) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid");
      });
    }
    put(form.querySelector("[data-preview]"), answer.preview);
    const listed = form.querySelector("[data-refusals]");
    const refused = Object.values(answer.rows).filter((row) => row.msg.includes('role="alert"')).length;
    if (listed && !refused) listed.hidden = true;
    const answered = form.querySelector("[data-answered]");
    if (answered) answered.textContent = answer.answered;
    say(form, refused ? `${answer.state}, without ${refused} refused value${refused > 1 ? "s" : ""}` : answer.state);
  };

  /* what could not be sent stays in the fields of this page, and is sent again; nothing is kept in the browser's storage */
  const RETRY = 5000;
  const typed = (form) => [...new FormData(form)].filter(([name, value]) => name.startsWith("i:") && value).length;

  const send = async (form) => {
    clearTimeout(timers.get(form));
    if (!dirty.get(form)) return;
    dirty.set(form, false);
    const mine = (turn.get(form) || 0) + 1;
    turn.set(form, mine);
    const slow = setTimeout(() => say(form, "Saving"), 400);
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Check": "1" },
        credentials: "same-origin",
        redirect: "manual",
      });
      if (response.type === "opaqueredirect" || response.status === 403) throw new Error("signed out");
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      if (turn.get(form) !== mine) return;
      show(form, answer);
      if (!answer.collects) form.dataset.unsent = "";
    } catch (problem) {
      if (turn.get(form) !== mine) return;
      dirty.set(form, true);
      form.dataset.unsent = "1";
      const count = typed(form);
      say(form, problem.message === "signed out"
        ? `Not saved: signed out. ${count} values stand in this page; sign in again in another tab, then leave a field.`
        : `Not saved: connection lost, ${count} values stand in this page and are sent when it is back`);
      if (problem.message !== "signed out") timers.set(form, setTimeout(() => send(form), RETRY));
    } finally { clearTimeout(slow); }
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

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-autosave]")) clearTimeout(timers.get(form));
    document.querySelectorAll("form[data-autosave]").forEach((each) => { if (each !== form && dirty.get(each)) send(each); });
    form.dataset.unsent = "";
  });
  window.addEventListener("online", () => document.querySelectorAll('form[data-unsent="1"]').forEach(send));

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
    box.style.left = `${Math.max(8, Math.min(place.right - 360, window.innerWidth - 424)) + window.scrollX}px`;
    box.hidden = false;
    box.opener = link;
    box.querySelector("a,button,input:not([type=hidden]),textarea")?.focus();
  });

  /* keys of the form */
  const fields = (form) => [...form.querySelectorAll("input,select,textarea")].filter((el) => !el.disabled && el.type !== "hidden" && el.offsetParent && /^i:/.test(el.name) && (el.type !== "radio" || el.checked || el === el.closest("[data-segments]")?.querySelector("input")));
  const move = (field, step) => {
    const all = fields(field.form);
    const own = field.type === "radio" ? all.findIndex((el) => el.name === field.name) : all.indexOf(field);
    const next = all[own + step];
    if (next) { next.focus(); if (next.type === "text") next.select(); }
    else if (step > 0) field.form.querySelector('button[value="complete"],button[value="save"]')?.focus();
  };
  const row = (el) => el.closest("[data-path]");
  const press = (form, act) => form.querySelector(`button[name="act"][value="${act}"]`)?.click();

  const fill = (line, name, value) => {
    for (const field of line.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio" || field.type === "checkbox") { if (field.value === value) field.checked = true; }
      else if (field.type !== "hidden") field.value = value;
    }
  };
  /* the value of the visit or assessment before, into this row or into every empty row; nothing counts until it is saved */
  const empty = (line) => ![...line.querySelectorAll('[name^="i:"]')].some((field) => (/radio|checkbox/.test(field.type) ? field.checked : field.type !== "hidden" && field.value));
  const copy = (line, over) => {
    if (!line || line.hidden || !("before" in line.dataset) || (!over && !empty(line))) return false;
    for (const value of line.dataset.before.split("|")) fill(line, `i:${line.dataset.path}`, value);
    line.classList.add("dz-copied");
    return true;
  };
  const same = (form) => {
    const lines = [...form.querySelectorAll("[data-before]")].filter((line) => copy(line, false));
    const first = lines[0]?.querySelector('[name^="i:"]:not([type="hidden"])');
    if (first) first.dispatchEvent(new Event("change", { bubbles: true }));
    say(form, `${lines.length} values copied from before: look at each, then complete`);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-same]");
    if (button) same(button.form);
  });
  document.addEventListener("input", (event) => event.target.closest?.("[data-path]")?.classList.remove("dz-copied"));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); return; }
    const field = event.target;
    if (event.defaultPrevented) return;
    const reason = document.querySelector("[data-reason]");
    if (reason && /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.altKey && (reason.contains(field) ? field.type === "radio" : field === document.body)) {
      const choice = reason.querySelectorAll('input[type="radio"]')[Number(event.key) - 1];
      if (choice) { event.preventDefault(); choice.checked = true; choice.focus(); return; }
    }
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
        if (event.shiftKey) same(form);
        else if (copy(line, true)) line.querySelector('[name^="i:"]:not([type="hidden"])')?.dispatchEvent(new Event("change", { bubbles: true }));
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
  const asked = document.querySelector("[data-refusals]") || document.querySelector('[data-reason] input[type="radio"]') || document.querySelector('.dz-conflict input[type="radio"]');
  /* after the browser went to the place in the address, since that takes the focus away */
  window.addEventListener("load", () => setTimeout(() => {
    if (asked) { asked.focus(); (asked.closest("fieldset") || asked).scrollIntoView({ block: "nearest" }); return; }
    if (document.activeElement !== document.body || !window.matchMedia("(min-width: 701px)").matches) return;
    const place = location.hash.length > 1 && !location.hash.startsWith("#query-") ? document.getElementById(location.hash.slice(1)) : null;
    const start = place?.querySelector("form[data-autosave]") || document.querySelector("form[data-autosave][data-open]");
    const waits = document.querySelector("[data-start]");
    if (waits && !place) waits.focus({ preventScroll: true });
    else if (start) {
      const all = fields(start);
      const first = all.find((el) => (el.type === "radio" ? !el.checked : !el.value)) || all[0];
      first?.focus({ preventScroll: !place });
    }
  }));
})();
