/* Rows of people. [data-people] (data-most) holds [data-list] of .prow, <template data-row>, [data-add], [data-fill] chips
   (JSON of part → value), [data-filled] for the count. In the same form: [data-people-total] counts everyone who is filled
   in and not folded away; [data-leave-sum] sums up the leave: it reads [data-leave] blocks, in each [data-leave-who] and
   [data-leave-standin] (a [data-people]). */

const part = (row, name) => row.querySelector(`[data-part="${name}"]`);
const value = (row, name) => { const p = part(row, name); return p ? p.value.trim() : ''; };
const shown = (element) => !element.closest('.folded');

class People {
  constructor(box, kit) {
    Object.assign(this, { box, kit, list: box.querySelector('[data-list]'), most: Number(box.dataset.most) });
    box.addEventListener('click', (event) => {
      const fill = event.target.closest('[data-fill]'), remove = event.target.closest('[data-remove]');
      if (fill) this.fill(JSON.parse(fill.dataset.fill)); else if (remove) this.remove(remove.closest('.prow'));
      else if (event.target.closest('[data-add]')) this.add(true);
    });
    box.addEventListener('input', (event) => {
      const row = event.target.closest('.prow');
      if (row && event.target.dataset.part === 'name') { const id = part(row, 'person'); if (id) id.value = ''; }
      this.refresh();
    });
    this.refresh();
  }

  rows() { return Array.from(this.list.querySelectorAll('.prow')); }

  filled() { return this.rows().filter((row) => value(row, 'name')); }

  add(focus = false) {
    const empty = this.rows().find((row) => !value(row, 'name'));
    if (!empty && this.rows().length >= this.most) { this.kit.toast(this.kit.say('full', { n: this.most })); return null; }
    let row = empty;
    if (!row) {
      row = this.box.querySelector('template[data-row]').content.querySelector('.prow').cloneNode(true);
      this.list.append(row);
    }
    if (focus) part(row, 'name').focus();
    this.refresh();
    return row;
  }

  fill(person) {
    const row = this.add();
    if (!row) return;
    Object.entries(person).forEach(([name, text]) => { const p = part(row, name); if (p) p.value = text; });
    row.dispatchEvent(new Event('change', { bubbles: true }));
    this.refresh();
    part(row, 'name').focus();
  }

  remove(row) {
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    this.refresh();
    const target = next && next.matches('.prow') ? next.querySelector('[data-remove]') : this.box.querySelector('li:not([hidden]) > button');
    if (target) target.focus();
    this.list.dispatchEvent(new Event('change', { bubbles: true }));
  }

  refresh() {
    const names = this.filled().map((row) => value(row, 'name'));
    const count = this.box.querySelector('[data-filled]');
    if (count) count.textContent = names.length ? this.kit.say('filled', { n: names.length }) : '';
    this.rows().forEach((row) => {
      const name = value(row, 'name');
      if (name) { row.setAttribute('aria-label', name); row.querySelector('[data-remove]').setAttribute('aria-label', this.kit.say('remove', { name })); }
    });
    this.box.querySelectorAll('[data-fill]').forEach((chip) => { chip.closest('li').hidden = names.includes(JSON.parse(chip.dataset.fill).name); });
    const heads = this.box.querySelector('[data-heads]');
    if (heads) heads.hidden = !this.rows().length;
    summary(this.box.closest('form'), this.kit);
  }
}

function leaves(form, kit) {
  return Array.from(form.querySelectorAll('[data-leave]')).filter(shown).map((block) => {
    const from = block.querySelector('[data-leave-who]');
    const who = from ? (from.tagName === 'SELECT' ? from.selectedOptions[0].textContent : from.value).trim().split(/\s|　/)[0] : '';
    const standin = Array.from(block.querySelectorAll('[data-leave-standin] .prow')).filter(shown).map((row) => value(row, 'name')).find(Boolean);
    if (!who) return '';
    return standin ? kit.say('standin', { who, other: standin }) : kit.say('nostandin', { who });
  }).filter(Boolean);
}

function summary(form, kit) {
  if (!form) return;
  const boxes = Array.from(form.querySelectorAll('[data-people]')).filter((b) => b.people && shown(b));
  const total = boxes.reduce((sum, b) => sum + b.people.filled().length, 0);
  form.querySelectorAll('[data-people-total]').forEach((place) => { place.textContent = total; });
  const text = leaves(form, kit).join('；') || kit.say('nobody');
  form.querySelectorAll('[data-leave-sum]').forEach((place) => { place.textContent = text; });
}

export function start(root, kit) {
  root.querySelectorAll('[data-people]').forEach((box) => { if (!box.people) box.people = new People(box, kit); });
  const forms = new Set(Array.from(root.querySelectorAll('[data-people]'), (box) => box.closest('form')));
  forms.forEach((form) => {
    if (!form) return;
    summary(form, kit);
    form.addEventListener('change', () => setTimeout(() => summary(form, kit), 0));
    form.addEventListener('reset', () => setTimeout(() => form.querySelectorAll('[data-people]').forEach((b) => b.people.refresh()), 0));
  });
}
