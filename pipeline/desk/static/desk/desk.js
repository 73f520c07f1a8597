// The small scripts of the desk: keyboard, dialogs, selection, charts, and what a person reads when a request fails.
// Plain browser JavaScript; pages work without it. Everything hangs on data attributes, because inline handlers are forbidden.
"use strict";

const JUMP_MS = 1500; // how long "g" waits for its second key
const TOAST_MS = 9000;
const CURSOR = "is-cursor";
const KEYS = { "？": "?", "、": "/", "／": "/" }; // a Chinese input method writes these on the same keys

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const shown = (element) => element.getClientRects().length > 0;

/** Clicks it if it is there; says whether it was. */
function press(element) {
  element?.click();
  return Boolean(element);
}

// ---- rows: the cursor of a list page ----

let cursor = { value: null, index: -1 }; // kept apart from the page: it outlives a swap of the rows

const rows = () => all("[data-rows] [data-row]").filter(shown);
const cursorRow = () => document.querySelector(`[data-row].${CURSOR}`);

function markRow(row) {
  for (const other of all(`[data-row].${CURSOR}`)) {
    other.classList.remove(CURSOR);
    other.removeAttribute("aria-current");
  }
  if (!row) return;
  row.classList.add(CURSOR);
  row.setAttribute("aria-current", "true");
  cursor = { value: row.dataset.row, index: rows().indexOf(row) };
}

function goToRow(row) {
  markRow(row);
  row.tabIndex = -1; // so that Tab goes on from here
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function moveCursor(step) {
  const list = rows();
  const at = list.indexOf(cursorRow()) + step;
  if (list.length) goToRow(list[Math.min(Math.max(at, 0), list.length - 1)]);
  return list.length > 0;
}

function restoreCursor() {
  const list = rows();
  if (cursor.index < 0 || !list.length || cursorRow()) return;
  const row = list.find((one) => one.dataset.row === cursor.value) || list[Math.min(cursor.index, list.length - 1)];
  (document.activeElement === document.body ? goToRow : markRow)(row);
}

function openRow() {
  const row = cursorRow();
  const active = document.activeElement;
  if (!row?.dataset.href || (active !== document.body && !row.contains(active)) || active.closest("a, button, summary")) return false; // Enter is theirs
  window.location.assign(row.dataset.href);
  return true;
}

const toggleRow = () => press(cursorRow()?.querySelector("input[data-select]"));

// ---- keyboard ----

let jumpUntil = 0;

function pressKey(key) {
  const named = (within) => all("[data-key]", within).filter((one) => one.dataset.key === key && shown(one) && !one.disabled);
  const row = cursorRow();
  return press((row && named(row)[0]) || named(document).find((one) => !one.closest("[data-rows] [data-row]")));
}

const jump = (key) => press(all("[data-jump]").find((one) => one.dataset.jump === key));

function search() {
  const box = all("[data-search]").find(shown);
  if (!box) return false;
  box.focus();
  box.select();
  return true;
}

const SHORTCUTS = {
  j: () => moveCursor(1),
  k: () => moveCursor(-1),
  x: toggleRow,
  Enter: openRow,
  "/": search,
  "?": () => openDialog(document.getElementById("keys")),
};

function escape(target) {
  hideToast();
  if (target !== document.body && target.matches("input, select, textarea")) target.blur(); // an open dialog closes by itself
}

function act(key) {
  const jumping = Date.now() < jumpUntil;
  jumpUntil = key === "g" && !jumping ? Date.now() + JUMP_MS : 0;
  if (jumping) return jump(key);
  return key === "g" || (key in SHORTCUTS && SHORTCUTS[key]()) || pressKey(key);
}

function onKey(event) {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.repeat && !["j", "k"].includes(event.key)) return; // a key held down claims nothing twice
  if (event.key === "Escape") return escape(event.target);
  if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
  const key = KEYS[event.key] || (event.key.length === 1 && !event.shiftKey ? event.key.toLowerCase() : event.key); // caps lock does not matter
  if (act(key)) event.preventDefault();
}

// ---- dialogs, selection, forms ----

const focusFirst = (within) => within.querySelector("[data-autofocus]")?.focus();

function openDialog(dialog) {
  if (!dialog || dialog.open) return false;
  dialog.showModal();
  dialog.querySelector(".dialog-body :is(input:not([type=hidden]), select, textarea)")?.focus(); // rather than the closing button in the head
  focusFirst(dialog);
  return true;
}

function onClick(event) {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) openDialog(document.querySelector(opener.dataset.openDialog));
  event.target.closest("[data-close-dialog]")?.closest("dialog").close();
}

function countSelected() {
  const boxes = all("input[data-select]");
  const chosen = boxes.filter((box) => box.checked).length;
  for (const box of boxes) box.closest("[data-row]")?.setAttribute("aria-selected", String(box.checked));
  for (const bar of all("[data-bulk]")) bar.hidden = chosen === 0;
  for (const count of all("[data-bulk-count]")) count.textContent = String(chosen);
  for (const master of all("[data-check-all]")) {
    master.checked = chosen > 0 && chosen === boxes.length;
    master.indeterminate = chosen > 0 && chosen < boxes.length;
  }
}

function onChange(event) {
  const field = event.target;
  if (field.matches("[data-check-all]")) for (const box of all("input[data-select]")) box.checked = field.checked;
  if (field.matches("[data-check-all], [data-select]")) countSelected();
  const chosen = field.matches("select, input[type=checkbox], input[type=radio], input[type=date]");
  if (chosen && field.form && field.form.matches("[data-autosubmit]")) field.form.requestSubmit();
}

function onSubmit(event) {
  const asks = event.submitter?.dataset.confirm || event.target.dataset.confirm;
  if (!asks || window.confirm(asks)) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // heard before htmx, which then never sends it
}

// ---- charts ----

const charts = new Map(); // element -> ECharts instance
const CHART_LOOK = {
  animation: false,
  color: ["#1f5a93", "#d9780a", "#23754e", "#6b3fa8", "#b3201d", "#14707c", "#7d6a00", "#566171"],
  textStyle: { fontFamily: '"Microsoft YaHei","PingFang SC","Noto Sans CJK SC","Source Han Sans SC",sans-serif', color: "#3d4856" },
  grid: { left: 48, right: 16, top: 32, bottom: 32 },
};

function drawChart(element) {
  const source = document.getElementById(element.dataset.chart);
  if (!source || charts.has(element)) return;
  const option = { ...CHART_LOOK, ...JSON.parse(source.textContent) };
  option.aria = { ...option.aria, enabled: true };
  if (option.tooltip) option.tooltip = { ...option.tooltip, renderMode: "richText" }; // an HTML tooltip would need inline styles
  const chart = window.echarts.init(element, null, { locale: "ZH" });
  chart.setOption(option);
  charts.set(element, chart);
}

function drawCharts() {
  for (const [element, chart] of charts) {
    if (element.isConnected) continue;
    chart.dispose();
    charts.delete(element);
  }
  if (window.echarts) all(".chart[data-chart]").forEach(drawChart);
}

// ---- htmx: what a person reads when a request fails ----

let toastTimer = 0;

const toastBox = document.getElementById("toast");
const hideToast = () => (toastBox.hidden = true);

function toast(sentence) {
  (document.querySelector("dialog[open]") || document.body).append(toastBox); // nothing outside an open dialog can stand before it
  toastBox.hidden = false;
  toastBox.textContent = sentence;
  window.clearTimeout(toastTimer);
  toastTimer = window.setTimeout(hideToast, TOAST_MS);
}

const SENTENCES = { 403: "没有权限。", 404: "没有找到，可能已并入别的事项。" };
const FAILED = "没有存上，请稍后再试。网络或服务器有问题。";

function loggedOut(xhr) {
  const login = document.body.dataset.login;
  return xhr.status === 401 || (xhr.responseURL && new URL(xhr.responseURL).pathname === login && window.location.pathname !== login);
}

function onBeforeSwap({ detail }) {
  const out = loggedOut(detail.xhr);
  const told = !out && [409, 422].includes(detail.xhr.status); // the answer says what is wrong, in its place
  if (!out && !told) return;
  detail.isError = false;
  detail.shouldSwap = told;
  if (out) window.location.assign(window.location.pathname + window.location.search); // the server leads to the login page and back
}

function refresh() {
  restoreCursor();
  countSelected();
  drawCharts();
}

function start() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  document.addEventListener("submit", onSubmit, true);
  document.addEventListener("focusin", (event) => markRow(event.target.closest("[data-rows] [data-row]") || cursorRow()));
  document.addEventListener("htmx:beforeSwap", onBeforeSwap);
  document.addEventListener("htmx:responseError", (event) => toast(SENTENCES[event.detail.xhr.status] || FAILED));
  document.addEventListener("htmx:sendError", () => toast(FAILED));
  document.addEventListener("htmx:afterRequest", refresh); // also after a swap that only removed something
  document.addEventListener("htmx:afterSettle", (event) => {
    refresh();
    focusFirst(event.target);
  });
  window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  refresh();
  focusFirst(document);
}

start();
