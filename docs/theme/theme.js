"use strict";

const base = document.currentScript.dataset.base.replace(/\/$/, "");
const root = document.documentElement;
const wide = matchMedia("(min-width: 64rem)");

// colours: what the system asks for, until the button says otherwise
const scheme = document.querySelector("button.scheme");
const isDark = () => root.dataset.scheme ? root.dataset.scheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
scheme.setAttribute("aria-pressed", isDark());
scheme.addEventListener("click", () => {
  root.dataset.scheme = isDark() ? "light" : "dark";
  scheme.setAttribute("aria-pressed", isDark());
  try { localStorage.setItem("scheme", root.dataset.scheme); } catch { /* kept for this page alone */ }
});

// the two lists of links are open beside the text and folded above it
const fold = () => document.querySelectorAll("details.fold").forEach((one) => { one.open = wide.matches; });
wide.addEventListener("change", fold);
fold();
const here = document.querySelector(".side [aria-current]");
const side = document.querySelector(".side");
if (here && wide.matches) side.scrollTop = here.offsetTop - side.clientHeight / 2;

// the entry of the heading that was passed last
const entries = new Map([...document.querySelectorAll(".toc a")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
const headings = [...entries.keys()].map((id) => document.getElementById(id)).filter(Boolean);
function follow() {
  const passed = headings.filter((one) => one.getBoundingClientRect().top < 120).pop();
  entries.forEach((a, id) => a.classList.toggle("passed", passed !== undefined && id === passed.id));
}
addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
follow();

// copies a block; of a session what was typed, without prompts and answers
document.querySelectorAll("div.highlight").forEach((block) => {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const code = block.querySelector("pre").cloneNode(true);
    const whole = code.textContent;
    if (code.querySelector(".gp")) code.querySelectorAll(".gp, .go").forEach((one) => one.remove());
    const typed = code.textContent.replace(/^\n+|\n+$/g, "").replace(/\n{2,}/g, "\n");
    try {
      await navigator.clipboard.writeText(whole === code.textContent ? whole : typed);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block.querySelector("pre"));
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.append(button);
});

// search: the sections of all pages, loaded as a script so that it works from a folder too
let loading;
function sections() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = base + "/search/search_index.js";
    script.onload = () => resolve(window.searchIndex.docs.map((one) => ({ ...one, low: (one.title + "\n" + one.text).toLowerCase() })));
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

function score(one, terms) {
  let total = one.location.includes("#") ? 0 : 4;
  const end = one.title.length;
  for (const term of terms) {
    const at = one.low.indexOf(term);
    if (at < 0) return 0;
    const begins = at === 0 || /[^\p{L}\p{N}]/u.test(one.low[at - 1]);
    total += (at < end ? 10 : 1) * (begins ? 2 : 1) + (at === 0 && term.length === end ? 20 : 0);
    total += Math.min(5, one.low.split(term).length - 1) / 5;
  }
  return total;
}

function excerpt(one, terms) {
  const low = one.text.toLowerCase();
  const at = Math.min(...terms.map((term) => low.indexOf(term)).filter((i) => i >= 0), low.length);
  const from = at < 60 || at === low.length ? 0 : at - 60;
  const line = document.createElement("p");
  const pattern = new RegExp("(" + terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") + ")", "i");
  one.text.slice(from, from + 180).split(pattern).forEach((piece, i) => {
    const shown = i % 2 ? document.createElement("mark") : document.createTextNode(piece);
    if (i % 2) shown.textContent = piece;
    line.append(shown);
  });
  return line;
}

async function find(query, place, limit) {
  const terms = query.toLowerCase().split(/\s+/).filter((term) => term.length > 1);
  place.hidden = terms.length === 0;
  if (place.hidden) return;
  let known;
  try { known = await sections(); } catch { place.textContent = "The list of pages could not be loaded."; return; }
  const found = known.map((one) => [score(one, terms), one]).filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]);
  place.replaceChildren(...found.slice(0, limit).map(([, one]) => {
    const entry = document.createElement("a");
    entry.href = base + "/" + one.location;
    const title = document.createElement("strong");
    title.textContent = one.title;
    const where = document.createElement("small");
    where.textContent = one.location.replace(/\.html.*/, "").replaceAll("/", " › ");
    entry.append(title, where, excerpt(one, terms));
    return entry;
  }));
  const count = document.createElement("p");
  count.textContent = found.length ? `${found.length} sections found` : "Nothing found";
  place.prepend(count);
}

const form = document.querySelector("form[role=search]");
const field = form.querySelector("input");
const results = form.querySelector(".results");
field.addEventListener("focus", () => sections().catch(() => {}));
field.addEventListener("input", () => find(field.value, results, 12));
document.addEventListener("click", (event) => { if (!form.contains(event.target)) results.hidden = true; });
form.addEventListener("focusout", (event) => { if (event.relatedTarget && !form.contains(event.relatedTarget)) results.hidden = true; });
document.addEventListener("keydown", (event) => {
  const links = [...results.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) field.focus();
  else if (event.key === "Escape" && !results.hidden) { results.hidden = true; field.focus(); }
  else if (event.key === "ArrowDown" && form.contains(document.activeElement)) links[Math.min(at + 1, links.length - 1)]?.focus();
  else if (event.key === "ArrowUp" && at >= 0) (links[at - 1] ?? field).focus();
  else return;
  event.preventDefault();
});
const page = document.querySelector(".found");
const asked = new URLSearchParams(location.search).get("q");
if (page && asked) {
  field.value = asked;
  find(asked, page, 100);
}
