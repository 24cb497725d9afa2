/* The page that writes a document, or writes or changes a notice: the right column follows what is typed, drafts keep themselves, rows of fields.
   form[data-compose]   data-checks: POST the form, answered with the column's new content; data-drafts (not when changing):
                        POST the form, answered {id, saved, url}. The first answer names the draft, later ones overwrite it.
   [data-check]         what Enter presses: with scripts it computes the column and stays on the page. */

const CHECK = 700, KEEP = 4000;

function sent(form) {
  const data = new FormData(form);
  for (const name of new Set(data.keys())) if (data.get(name) instanceof File) data.delete(name); // files go up by themselves (js/upload.js)
  return data;
}

async function post(form, url) {
  const answer = await fetch(url, { method: 'POST', body: sent(form), credentials: 'same-origin', headers: { 'X-Requested-With': 'fetch' } });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer;
}

/** Run `deed` once typing has paused for `wait`, never twice at a time; what comes meanwhile makes it run again. */
function paused(wait, deed) {
  const state = { timer: 0, running: null, again: false };
  const run = () => {
    if (state.running) { state.again = true; return; }
    state.running = deed().catch((error) => console.warn('compose:', error)).then(() => {
      state.running = null;
      if (state.again) { state.again = false; state.soon(); }
    });
  };
  state.soon = (delay = wait) => { clearTimeout(state.timer); state.timer = setTimeout(run, delay); };
  state.stop = () => { clearTimeout(state.timer); state.again = false; };
  return state;
}

// ---- the column -------------------------------------------------------------------------------------------------

async function check(form) {
  const place = document.getElementById('checks');
  const text = await (await post(form, form.dataset.checks)).text();
  const open = Array.from(place.querySelectorAll('details'), (d) => d.open);
  if (place.contains(document.activeElement)) return; // somebody is choosing a way out
  place.innerHTML = text; // of our own template, escaped there
  place.querySelectorAll('details').forEach((d, at) => { d.open = Boolean(open[at]); });
  place.querySelectorAll('[data-echo]').forEach((e) => { const hint = document.getElementById(`${e.dataset.echo}-h`); if (hint) hint.textContent = e.textContent; });
  const number = place.querySelector('[data-number-now]'), shown = form.querySelector('[data-number]');
  if (number && shown) shown.innerHTML = number.innerHTML;
  const units = place.querySelector('[data-units]');
  if (units) form.querySelectorAll('button [data-count]').forEach((n) => { n.textContent = Number(units.dataset.units).toLocaleString('en'); });
}

// ---- drafts -----------------------------------------------------------------------------------------------------

async function keep(form) {
  const place = document.querySelector('[data-saved]');
  try {
    const { id, saved, url } = await (await post(form, form.dataset.drafts)).json();
    form.elements.draft.value = id;
    place.textContent = saved;
    window.history.replaceState(window.history.state, '', url);
  } catch (error) { place.textContent = place.dataset.failed; throw error; }
}

// ---- rows of fields to fill in ------------------------------------------------------------------------------------

function choices(row) {
  const type = row.querySelector('[name="field_type"]'), cell = row.querySelector('[name="field_choices"]').closest('.field');
  cell.hidden = type.value !== 'choice';
}

function rows(form) {
  const list = form.querySelector('[data-extras]'), shape = form.querySelector('template[data-extra-row]'), add = form.querySelector('[data-extra-add]');
  if (!list) return;
  let number = list.children.length;
  const count = () => { add.hidden = list.querySelectorAll('[data-extra]').length >= 12; };
  add.addEventListener('click', () => {
    const box = document.createElement('div');
    number += 1;
    box.innerHTML = shape.innerHTML.replace(/(field_(?:label|type|need|choices))_N/g, `$1_x${number}`);
    const row = box.firstElementChild;
    list.append(row);
    choices(row);
    count();
    row.querySelector('[name="field_label"]').focus();
  });
  list.addEventListener('click', (event) => {
    const button = event.target.closest('[data-extra-remove]');
    if (!button) return;
    button.closest('[data-extra]').remove();
    count();
    add.hidden = false;
    add.focus();
    form.dispatchEvent(new Event('change', { bubbles: true }));
  });
  list.addEventListener('change', (event) => { if (event.target.name === 'field_type') choices(event.target.closest('[data-extra]')); });
  list.querySelectorAll('[data-extra]').forEach(choices);
  count();
}

// ---- start ------------------------------------------------------------------------------------------------------

function wake(form) {
  const checking = paused(CHECK, () => check(form));
  const keeping = form.dataset.drafts ? paused(KEEP, () => keep(form)) : null;
  const changed = () => { checking.soon(); if (keeping) keeping.soon(); };
  form.addEventListener('input', changed);
  form.addEventListener('change', changed);
  rows(form);
  document.addEventListener('submit', (event) => {
    if (event.target !== form || event.defaultPrevented) return;
    const button = event.submitter;
    if (button && 'check' in button.dataset) { event.preventDefault(); checking.soon(0); return; }
    checking.stop();
    if (!keeping) return;
    keeping.stop();
    if (keeping.running && button) { // the draft's number is on its way: the sending must know it
      event.preventDefault();
      keeping.running.then(() => { keeping.stop(); button.click(); });
    }
  }, true);
}

document.querySelectorAll('form[data-compose]').forEach(wake);
