/* What a browser test asks of a page. */
const seen = (selector) => [...document.querySelectorAll(selector)].filter((el) => el.type !== "hidden" && el.checkVisibility());
const worded = (ids) => (ids || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join("");
const named = (el) => [
  el.getAttribute("aria-label"),
  worded(el.getAttribute("aria-labelledby")),
  ...[...(el.labels || [])].map((label) => label.textContent),
  ...(el.matches("button,a") ? [el.textContent, ...[...el.querySelectorAll("[aria-label]")].map((inner) => inner.getAttribute("aria-label"))] : []),
].join("").trim();
const short = (el) => el.outerHTML.slice(0, 120);

const nameless = () => seen("main :is(input,select,textarea,button,a,svg[role=img])").filter((el) => !named(el)).map(short);

const small = (least) => seen(":is(main,.dz-nav,.dz-head) :is(.dz-btn,.dz-chip,.dz-ib,.dz-cell,input.dz-in,select.dz-in)")
  .map((el) => [el, el.getBoundingClientRect()])
  .filter(([el, box]) => box.width && (box.height < least || box.width < least))
  .map(([el, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${short(el)}`);

const unringed = () => {
  const el = document.activeElement;
  if (!el || el === document.body) return "";
  const style = getComputedStyle(el.type === "radio" ? el.nextElementSibling || el : el);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? "" : short(el);
};
