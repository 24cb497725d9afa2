/* Keys for those who never leave the keyboard. Single letters do nothing while typing or composing, with Ctrl, Alt or
   Meta, or under an open dialog; <body data-keys="off"> leaves this file out.
   [data-rows]: j k x Enter. [data-next] [data-prev]: j k in a document. [data-sign]: s. [data-back]: Esc. [data-go]: g + letter. */

let kit, wait = 0;

const rowsOf = () => Array.from(document.querySelectorAll('[data-rows] tbody tr, [data-rows] .task, [data-rows] [data-row]')).filter((r) => r.offsetParent);
const linkOf = (row) => row.querySelector('[data-open], .t a, .task-t a, a[href]');
const place = () => `row:${window.location.pathname}`;

function current(rows) {
  const held = rows.findIndex((row) => row.contains(document.activeElement));
  return held >= 0 ? held : rows.findIndex((row) => row.classList.contains('cur'));
}

function go(rows, to) {
  const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
  rows.forEach((r) => r.classList.toggle('cur', r === row));
  const link = linkOf(row);
  if (link) link.focus();
  row.scrollIntoView({ block: 'nearest' });
}

function step(by) {
  const rows = rowsOf();
  if (rows.length) { const at = current(rows); go(rows, at < 0 ? 0 : at + by); return true; }
  const link = document.querySelector(by > 0 ? '[data-next]' : '[data-prev]');
  if (link) link.click();
  return Boolean(link);
}

function press(selector) {
  const target = Array.from(document.querySelectorAll(selector)).find((t) => t.offsetParent);
  if (target) target.click();
  return Boolean(target);
}

function focus(selector) {
  const target = Array.from(document.querySelectorAll(selector)).find((t) => t.offsetParent);
  if (!target) return false;
  target.focus();
  target.scrollIntoView({ block: 'nearest' });
  if (target.select) target.select();
  return true;
}

function select() {
  const rows = rowsOf(), at = current(rows);
  const box = at >= 0 && rows[at].querySelector('input[type="checkbox"]');
  if (box) box.click();
  return Boolean(box);
}

function open() {
  const rows = rowsOf(), at = current(rows);
  const link = at >= 0 && document.activeElement === document.body && linkOf(rows[at]);
  if (link) link.click();
  return Boolean(link);
}

function help() {
  const { make, say } = kit;
  const list = make('dl', { class: 'keylist' });
  [[['j', 'k'], 'k_jk'], [['Enter'], 'k_enter'], [['x'], 'k_x'], [['/'], 'k_find'], [['g', 't', 'i', 's', 'm'], 'k_go'],
    [['s'], 'k_sign'], [['p'], 'k_print'], [['Esc'], 'k_esc'], [['?'], 'keys']].forEach(([keys, word]) =>
    list.append(make('dt', {}, ...keys.map((key) => make('kbd', {}, key))), make('dd', {}, say(word))));
  kit.openDialog(make('div', {},
    make('div', { class: 'dlg-h' }, make('h2', { id: 'keys-title' }, say('keys'))),
    make('div', { class: 'dlg-b' }, list),
    make('div', { class: 'dlg-f' }, make('button', { class: 'btn push', type: 'button', 'data-close': '' }, say('close')))), 'keys-title');
  return true;
}

const DEEDS = {
  j: () => step(1), k: () => step(-1), x: select, Enter: open, '?': help,
  '/': () => focus('[data-search]') || press('.top-find-s'),
  s: () => focus('[data-sign]'), p: () => { if (!press('[data-print]')) window.print(); return true; },
  Escape: () => press('[data-back]'),
};

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (kit.typing(event)) return;
  if (wait && Date.now() - wait < 1500) {
    wait = 0;
    const link = document.querySelector(`.side [data-go="${event.key.replace(/[^a-z]/g, '')}"]`);
    if (link) { event.preventDefault(); link.click(); return; }
  }
  if (event.key === 'g') { wait = Date.now(); return; }
  const deed = DEEDS[event.key];
  if (deed && deed()) event.preventDefault();
}

/** Coming back to a list finds the row that was left. */
function markRow() {
  const store = window.sessionStorage;
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-rows] a[href]');
    if (link) store.setItem(place(), link.getAttribute('href'));
  });
  const left = store.getItem(place());
  const row = left && rowsOf().find((r) => Array.from(r.querySelectorAll('a[href]')).some((a) => a.getAttribute('href') === left));
  if (!row) return;
  store.removeItem(place());
  row.classList.add('cur');
  row.scrollIntoView({ block: 'nearest' });
}

export function start(root, given) {
  kit = given;
  document.addEventListener('keydown', pressed);
  document.addEventListener('click', (event) => { if (event.target.closest('[data-keys-help]')) help(); });
  try { markRow(); } catch (error) { /* no store, no mark */ }
}
