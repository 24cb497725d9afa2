/* What every page gains from scripts: one press sends once, nothing typed is lost, dialogs, counting down, messages.
   Everything works without this file. Parts that only some pages need (js/*.js) are loaded when their mark is found:
   each exports start(root, kit). Plain Chromium 86, no framework. */

const body = document.body;
const words = {};
document.querySelectorAll('#words').forEach((box) =>
  box.content.querySelectorAll('[data-w]').forEach((w) => { words[w.dataset.w] = w.textContent; }));

/** The sentence `key` with its {names} filled in. */
function say(key, values = {}) {
  return (words[key] || key).replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
}

/** A new element; attributes null or false are left out; children are elements or text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (name === 'class') element.className = value; else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/** An icon drawn with a path of the 24 × 24 grid. */
function draw(path, cls = '') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', `i ${cls}`.trim());
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

/** The answer of our own server; an answer that is not 2xx, or a sign-in page instead, raises. */
async function ask(url, options = {}) {
  const headers = { 'X-Requested-With': 'fetch', ...(options.headers || {}) };
  if (options.method && options.method !== 'GET') headers['X-CSRF-Token'] = body.dataset.csrf;
  const answer = await fetch(url, { credentials: 'same-origin', ...options, headers });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer;
}

/** True while a letter belongs to a text and not to us. */
function typing(event) {
  const t = event.target;
  if (event.isComposing || event.keyCode === 229) return true;
  if (!t || !t.closest) return false;
  if (t.closest('textarea, select, [contenteditable=""], [contenteditable="true"], [role="tree"], [role="listbox"]')) return true;
  const input = t.closest('input');
  return Boolean(input) && !/^(checkbox|radio|button|submit|reset|file|range|color)$/.test(input.type);
}

// ---- messages that keep you on the page -------------------------------------------------------------------------

/** Say `text` for 8 seconds, longer while pointed at or focused; `action` is [word, what to do]. */
function toast(text, action = null) {
  let place = document.querySelector('.toasts');
  if (!place) { place = make('div', { class: 'toasts', role: 'status' }); body.append(place); }
  const box = make('div', { class: 'toast' }, make('span', {}, text));
  if (action) {
    const act = make('button', { class: 'link', type: 'button' }, action[0]);
    act.addEventListener('click', () => { box.remove(); action[1](); });
    box.append(act);
  }
  let timer = 0;
  const wait = () => { clearTimeout(timer); timer = setTimeout(() => box.remove(), 8000); };
  const stay = () => clearTimeout(timer);
  box.addEventListener('mouseenter', stay); box.addEventListener('mouseleave', wait);
  box.addEventListener('focusin', stay); box.addEventListener('focusout', wait);
  place.append(box);
  wait();
  return box;
}

// ---- one press sends once ---------------------------------------------------------------------------------------

function free(form) {
  delete form.dataset.sending;
  form.querySelectorAll('[aria-busy="true"]').forEach((button) => {
    button.removeAttribute('aria-busy');
    if (button.dataset.word) button.textContent = '';
    (button.kept || []).forEach((node) => button.append(node));
  });
}

/** Show that `button` is at work; free() gives its words back. */
function busy(form, button, text) {
  if (!button || button.tagName !== 'BUTTON') return;
  if (!button.kept) button.kept = Array.from(button.childNodes);
  button.dataset.word = '1';
  button.setAttribute('aria-busy', 'true');
  button.textContent = text;
}

function guard(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post') return;
  if (form.dataset.sending) { event.preventDefault(); return; }
  if (navigator.onLine === false) { event.preventDefault(); toast(say('offline')); return; }
  form.dataset.sending = '1';
  const button = event.submitter || form.querySelector('button[type="submit"]');
  // After this turn of the loop: the button's own name and value must still travel.
  setTimeout(() => busy(form, button, (button && button.dataset.busy) || say('busy')), 0);
  setTimeout(() => free(form), 30000); // the once token keeps a second press from counting twice
  if (form.dataset.keep) remember(form, true);
  if ('signOut' in form.dataset) forgetAll();
}

// ---- nothing typed is lost --------------------------------------------------------------------------------------

const keepName = (form) => `keep:${body.dataset.who || ''}:${form.dataset.keep || ''}`;
const keepable = (field) => field.name && !/^(hidden|password|file|submit|button)$/.test(field.type) && !field.closest('[data-no-keep]');
const shop = (() => { try { return window.sessionStorage; } catch (error) { return null; } })();

function untouched(field) {
  if (field.type === 'checkbox' || field.type === 'radio') return field.checked === field.defaultChecked;
  if (field.tagName === 'SELECT') return Array.from(field.options).every((o) => o.selected === o.defaultSelected) || !Array.from(field.options).some((o) => o.defaultSelected);
  return field.value === field.defaultValue;
}

/** The fields that are kept, each with its name and which of that name it is: rows that are added move the rest along. */
function numbered(form) {
  const seen = {};
  return Array.from(form.elements).filter(keepable).map((field) => {
    seen[field.name] = (seen[field.name] || 0) + 1;
    return [field, field.name, seen[field.name]];
  });
}

const held = (field) => (field.type === 'checkbox' || field.type === 'radio' ? field.checked : field.value);

function remember(form, sent = false) {
  const rows = numbered(form).filter(([field]) => !untouched(field)).map(([field, name, nth]) => [name, nth, held(field)]);
  const box = form.querySelector('[data-picker]');
  const picker = box && box.picker && box.picker.touched ? box.picker.state() : null;
  try {
    if (rows.length || picker) shop.setItem(keepName(form), JSON.stringify({ rows, picker, sent }));
    else shop.removeItem(keepName(form));
  } catch (error) { /* a full or forbidden store loses only the convenience */ }
}

function restore(form) {
  let kept = null;
  try { kept = JSON.parse(shop.getItem(keepName(form)) || 'null'); } catch (error) { kept = null; }
  if (!kept) return;
  form.kept = kept; // js/picker.js takes its share from here
  const fields = numbered(form);
  const changed = kept.rows.filter(([name, nth, value]) => {
    const found = fields.find((f) => f[1] === name && f[2] === nth), field = found && found[0];
    if (!field || !untouched(field) || held(field) === value) return false;
    if (typeof value === 'boolean') field.checked = value; else field.value = value;
    field.dispatchEvent(new Event('change', { bubbles: true }));
    return true;
  });
  if (changed.length || kept.picker) toast(say('kept'), [say('unkeep'), () => { shop.removeItem(keepName(form)); window.location.reload(); }]);
}

function forgetAll() {
  try { Object.keys(shop).filter((k) => k.startsWith('keep:')).forEach((k) => shop.removeItem(k)); } catch (error) { /* nothing kept */ }
}

/** What was sent and not shown again was taken: forget it. A page that reports a problem proves nothing. */
function forgetTaken() {
  if (!shop || document.querySelector('[data-problem]') || !body.dataset.who) return;
  const done = document.querySelector('.note-ok.flash');
  const here = new Set(Array.from(document.querySelectorAll('form[data-keep]'), keepName));
  Object.keys(shop).filter((k) => k.startsWith('keep:')).forEach((k) => {
    try { if (JSON.parse(shop.getItem(k)).sent && (done || !here.has(k))) shop.removeItem(k); } catch (error) { shop.removeItem(k); }
  });
}

function keepForms(root) {
  if (!shop) return;
  root.querySelectorAll('form[data-keep]').forEach((form) => {
    restore(form);
    let timer = 0;
    const later = () => { clearTimeout(timer); timer = setTimeout(() => remember(form), 400); };
    form.addEventListener('input', later);
    form.addEventListener('change', later);
  });
}

// ---- time that is left ------------------------------------------------------------------------------------------

const ahead = body.dataset.now ? Date.parse(body.dataset.now) - Date.now() : 0; // the PC's clock may be wrong

function countDown(root) {
  root.querySelectorAll('[data-until]').forEach((place) => {
    const minutes = Math.floor((Date.parse(place.dataset.until) - Date.now() - ahead) / 60000);
    if (Number.isNaN(minutes)) return;
    const values = { d: Math.floor(minutes / 1440), h: Math.floor((minutes % 1440) / 60), m: minutes % 60 };
    if (minutes >= 1440) values.h = Math.floor((minutes % 1440) / 60); else values.h = Math.floor(minutes / 60);
    const text = say(minutes < 0 ? 'left_0' : minutes >= 1440 ? 'left_d' : minutes >= 60 ? 'left_h' : 'left_m', values);
    if (place.textContent !== text) place.textContent = text;
  });
}

// ---- dialogs ----------------------------------------------------------------------------------------------------

const canDialog = typeof window.HTMLDialogElement === 'function' && 'showModal' in document.createElement('dialog');

/** Show `content` as a modal dialog; the focus goes to its first field and comes back to where it was. */
function openDialog(content, labelledby = null) {
  const opener = document.activeElement;
  const dialog = make('dialog', { class: 'dlg', 'aria-labelledby': labelledby });
  dialog.append(content);
  body.append(dialog);
  dialog.addEventListener('click', (event) => {
    const close = event.target.closest('[data-close]');
    if (close) { event.preventDefault(); dialog.close(); }
  });
  dialog.addEventListener('close', () => { dialog.remove(); if (opener && opener.focus) opener.focus(); });
  dialog.showModal();
  const first = dialog.querySelector('[autofocus], .dlg-b input:not([type="hidden"]), .dlg-b select, .dlg-b textarea')
    || dialog.querySelector('[data-close]');
  if (first) first.focus();
  start(dialog);
  return dialog;
}

async function dialogFrom(link) {
  const url = link.dataset.dialog || link.href;
  try {
    const page = new DOMParser().parseFromString(await (await ask(url)).text(), 'text/html');
    const part = page.querySelector('[data-dialog-part]') || page.querySelector('main');
    if (!part) throw new Error('no part');
    let content = document.importNode(part, true);
    if (content.tagName === 'MAIN') content = make('div', { class: 'dlg-b' }, ...content.childNodes);
    [content, ...content.querySelectorAll('form')].forEach((f) => { if (f.tagName === 'FORM' && !f.getAttribute('action')) f.setAttribute('action', url); });
    const title = content.querySelector('h1, h2');
    if (title && !title.id) title.id = 'dialog-title';
    openDialog(content, title ? title.id : null);
  } catch (error) { window.location.assign(link.href || url); }
}

// ---- small things -----------------------------------------------------------------------------------------------

function clicked(event) {
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest('[data-dialog]');
  if (link && plain && canDialog) { event.preventDefault(); dialogFrom(link); }
  const print = event.target.closest('[data-print]');
  if (print) { event.preventDefault(); window.print(); }
  document.querySelectorAll('details[data-menu][open]').forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
}

function escaped(event) {
  if (event.key !== 'Escape') return;
  const menu = document.querySelector('details[data-menu][open]');
  if (!menu) return;
  event.stopImmediatePropagation();
  menu.open = false;
  menu.querySelector('summary').focus();
}

/** A choice (radio, checkbox) with data-shows="id id" unfolds these blocks and folds those of its siblings. */
function folds(root) {
  const turn = (form) => {
    const all = Array.from((form || document).querySelectorAll('[data-shows]'));
    const shown = new Set(), known = new Set();
    all.forEach((choice) => choice.dataset.shows.split(/\s+/).filter(Boolean).forEach((id) => { known.add(id); if (choice.checked) shown.add(id); }));
    known.forEach((id) => { const block = document.getElementById(id); if (block) block.classList.toggle('folded', !shown.has(id)); });
  };
  root.querySelectorAll('[data-shows]').forEach((choice) => choice.addEventListener('change', () => turn(choice.form)));
  const forms = new Set(Array.from(root.querySelectorAll('[data-shows]'), (choice) => choice.form));
  forms.forEach(turn);
}

function sendOnChange(root) {
  root.querySelectorAll('form[data-auto]').forEach((form) => form.addEventListener('change', (event) => {
    if (event.target.tagName === 'SELECT' || /checkbox|radio/.test(event.target.type)) form.submit();
  }));
}

// ---- start ------------------------------------------------------------------------------------------------------

const PARTS = { live: '[data-live]', people: '[data-people], [data-leave-sum]', picker: '[data-picker]', upload: '[data-upload]' };
const kit = { ask, busy, draw, free, make, openDialog, say, start, toast, typing };

function load(part, root) {
  const url = body.getAttribute(`data-part-${part}`);
  if (!url) return;
  import(url).then((module) => module.start(root, kit)).catch((error) => {
    console.warn(`${part}:`, error);
    root.querySelectorAll(`[data-${part}] .plain-only`).forEach((plain) => plain.classList.remove('plain-only'));
    root.querySelectorAll(`[data-${part}] .js-only`).forEach((scripted) => { scripted.hidden = true; });
  });
}

/** Wake what scripts serve inside `root`: the page, a dialog, a fragment that was swapped in. */
function start(root) {
  keepForms(root);
  folds(root);
  sendOnChange(root);
  countDown(root);
  Object.keys(PARTS).forEach((part) => { if (root.querySelector(PARTS[part])) load(part, root); });
  const summary = root.querySelector('[data-focus]');
  if (summary) summary.focus();
}

document.addEventListener('submit', guard);
document.addEventListener('click', clicked);
document.addEventListener('keydown', escaped, true);
window.addEventListener('pageshow', (event) => { if (event.persisted) document.querySelectorAll('form').forEach(free); });
setInterval(() => countDown(document), 60000);
forgetTaken();
start(document);
if (body.dataset.keys !== 'off') load('keys', document);
