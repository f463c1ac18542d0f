// The filter, the folding and the theme of the HTML report. The state of the filter stands in the address, so that a link
// can be shared: report.html#q=balance&severity=error&kind=lost-update
"use strict";
(() => {
  const byId = (name) => document.getElementById(name);
  const findings = [...document.querySelectorAll(".finding")];
  const outline = new Map([...document.querySelectorAll("[data-finding]")].map((row) => [row.dataset.finding, row]));
  const form = byId("filter");

  function remembered(name) {
    try { return localStorage.getItem(name); } catch { return null; }
  }

  function remember(name, value) {
    try { localStorage.setItem(name, value); } catch { /* a browser may forbid it for files */ }
  }

  const THEMES = ["auto", "light", "dark"];

  function setTheme(name) {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    byId("theme").textContent = `Theme: ${name}`;
  }

  let theme = THEMES.includes(remembered("raceway-theme")) ? remembered("raceway-theme") : "auto";
  setTheme(theme);
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    setTheme(theme);
    remember("raceway-theme", theme);
  });

  if (!form) return;
  const boxes = [...form.querySelectorAll("input[name=severity]")];

  function wanted() {
    return {
      words: byId("query").value.toLowerCase().split(/\s+/).filter(Boolean),
      severities: new Set(boxes.filter((box) => box.checked).map((box) => box.value)),
      kind: byId("kind").value,
    };
  }

  function matches(finding, { words, severities, kind }) {
    const { severity, kind: own, text } = finding.dataset;
    return severities.has(severity) && (!kind || kind === own) && words.every((word) => text.includes(word));
  }

  function apply() {
    const filter = wanted();
    let shown = 0;
    for (const finding of findings) {
      const visible = matches(finding, filter);
      finding.hidden = !visible;
      const row = outline.get(finding.id);
      if (row) row.hidden = !visible;
      shown += visible;
    }
    const all = findings.length;
    byId("shown").textContent = shown < all ? `${shown} of ${all}` : all === 1 ? "1 finding" : `${all} findings`;
    byId("empty").hidden = shown > 0;
  }

  function toAddress() {
    const state = new URLSearchParams();
    if (byId("query").value) state.set("q", byId("query").value);
    const off = boxes.filter((box) => !box.checked);
    if (off.length) state.set("severity", boxes.filter((box) => box.checked).map((box) => box.value).join(","));
    if (byId("kind").value) state.set("kind", byId("kind").value);
    history.replaceState(null, "", `#${state}`);
  }

  function fromAddress() {
    const place = decodeURIComponent(location.hash.slice(1));
    const target = place.startsWith("finding-") ? byId(place) : null;
    if (target) {
      target.querySelector("details").open = true;
      if (target.hidden) reset();
      target.scrollIntoView();
      return;
    }
    const state = new URLSearchParams(location.hash.slice(1));
    byId("query").value = state.get("q") ?? "";
    const severities = state.has("severity") ? state.get("severity").split(",") : null;
    for (const box of boxes) box.checked = !severities || severities.includes(box.value);
    byId("kind").value = state.get("kind") ?? "";
    apply();
  }

  function reset() {
    byId("query").value = "";
    byId("kind").value = "";
    for (const box of boxes) box.checked = true;
    apply();
    toAddress();
  }

  function changed() {
    apply();
    toAddress();
  }

  byId("fold").addEventListener("click", () => {
    const unfold = byId("fold").textContent === "Unfold all";
    for (const finding of findings) finding.querySelector("details").open = unfold;
    byId("fold").textContent = unfold ? "Fold all" : "Unfold all";
  });
  byId("reset").addEventListener("click", reset);
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", fromAddress);
  addEventListener("beforeprint", () => { for (const finding of findings) finding.querySelector("details").open = true; });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select, textarea")) {
      event.preventDefault();
      byId("query").focus();
    }
  });
  form.hidden = false;
  apply();
  fromAddress();
})();
