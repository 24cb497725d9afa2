/* Recipients. Reads the plain checkboxes of macros/picker.html, then takes their place: chips with hidden inputs, a search
   box, the tree of units, lists of names pasted whole. Without this file the plain form is shown and sent.
     GET  data-search-url?q=            [{code, name, short_name, path, level}]
     GET  data-tree-url?parent=CODE     [{code, name, short_name, level, children, units, group}]; parent= is the top;
          data-tree-url?group=ID        the units of a group, same shape. children: how many below; units: all below;
          group: id of the group that means "all below", or null
     POST data-match-url pasted=…       {found: [{line, code, short_name}], unknown: [line], ambiguous: [{line, choices: [{code, short_name, path}]}]}
     GET  data-count-url?group=&unit=&except=&cc_group=…   {count, cc, total}: units, each once */

const DOWN = 'm6 9.5 6 6 6-6', RIGHT = 'm9.5 6 6 6-6 6', CROSS = 'm6.5 6.5 11 11m0-11-11 11';
const KINDS = ['group', 'unit', 'except'];
const later = (wait, deed) => { let timer = 0; return (...a) => { clearTimeout(timer); timer = setTimeout(() => deed(...a), wait); }; };

/** Chosen things of one target: group, unit, except: Map(id → {text, n}). */
class Target {
  constructor(prefix) { this.prefix = prefix; KINDS.forEach((kind) => { this[kind] = new Map(); }); this.lines = { unit: [], except: [] }; }

  last() { return ['except', 'unit', 'group'].map((kind) => [kind, [...this[kind].keys()].pop()]).find(([, id]) => id !== undefined); }

  state() { return KINDS.map((kind) => [...this[kind]]); }

  restore(state) { KINDS.forEach((kind, at) => { this[kind] = new Map(state[at]); }); }
}

class Picker {
  constructor(box, kit) {
    Object.assign(this, { box, kit, url: (name) => box.dataset[`${name}Url`], find: box.querySelector('[data-find]'), list: box.querySelector('[data-list]'), options: [], at: -1 });
    this.targets = Array.from(box.querySelectorAll('[data-chips]'), (ul) => new Target(ul.dataset.chips));
    this.count = later(300, () => this.askCount());
    this.search = later(200, () => this.askSearch());
    this.takePlain();
    this.tree = new Tree(this);
    this.listen();
    const kept = box.closest('form') && box.closest('form').kept;
    if (kept && kept.picker) { this.touched = true; this.targets.forEach((t, at) => kept.picker[at] && t.restore(kept.picker[at])); }
    this.draw();
    if (kept && kept.picker) this.count();
  }

  // ---- what is chosen

  takePlain() {
    const plain = this.box.querySelector('[data-plain]');
    plain.querySelectorAll('[data-target]').forEach((set) => {
      const target = this.target(set.dataset.target);
      set.querySelectorAll('input:checked').forEach((i) => target[i.name.replace(/^cc_/, '')].set(i.value, { text: i.dataset.text, n: i.dataset.n || '' }));
      const [pasted, except] = Array.from(set.querySelectorAll('textarea'), (area) => area.value);
      if (pasted.trim()) this.match(pasted, target);
      if (except.trim()) this.match(except, target, 'except');
    });
    plain.remove();
  }

  target(prefix) { return this.targets.find((t) => t.prefix === prefix); }

  active() { const to = this.box.querySelector('[data-to]:checked'); return this.target(to ? to.value : ''); }

  other() { return this.targets.find((t) => t !== this.active()) || this.active(); }

  state() { return this.targets.map((t) => t.state()); }

  has(kind, id) { return this.targets.some((t) => t[kind].has(id)); }

  add(target, kind, id, text, n = '') {
    this.targets.forEach((t) => { if (kind !== 'except') t[kind].delete(id); if (kind === 'unit') t.except.delete(id); });
    target[kind].set(id, { text, n });
    this.changed(this.kit.say('added', { name: text }));
  }

  drop(target, kind, id) {
    const gone = target[kind].get(id);
    target[kind].delete(id);
    if (kind === 'group' && !target.group.size) target.except.clear(); // nothing left to except from
    this.changed(this.kit.say('removed', { name: gone ? gone.text : '' }));
  }

  changed(text = '') {
    if (text) this.box.querySelector('[data-said]').textContent = text;
    this.touched = true;
    this.draw();
    this.count();
    this.box.dispatchEvent(new Event('change', { bubbles: true }));
  }

  // ---- drawing

  draw() {
    this.targets.forEach((target) => {
      const ul = this.box.querySelector(`[data-chips="${target.prefix}"]`);
      ul.textContent = '';
      KINDS.forEach((kind) => target[kind].forEach((one, id) => ul.append(this.chip(target, kind, id, one))));
      [['unit', 'pasted'], ['except', 'except_pasted']].forEach(([kind, name]) => {
        if (target.lines[kind].length) ul.append(this.kit.make('input', { type: 'hidden', name: target.prefix + name, value: target.lines[kind].join('\n') }));
      });
    });
    this.box.querySelectorAll('[data-group]').forEach((b) => b.setAttribute('aria-pressed', String(this.has('group', b.dataset.group))));
    this.tree.draw();
  }

  chip(target, kind, id, { text, n }) {
    const { make, say, draw } = this.kit;
    const words = kind === 'except' ? say('except', { name: text }) : text;
    const label = kind === 'group' ? make('button', { type: 'button', class: 'open', 'aria-label': say('open_group', { name: text }) }, words) : make('b', {}, words);
    if (kind === 'group') label.addEventListener('click', () => this.tree.show(id, text));
    const off = make('button', { type: 'button', 'aria-label': say(kind === 'except' ? 'unexcept' : 'remove', { name: text }) }, draw(CROSS, 'i-s'));
    off.addEventListener('click', () => { this.drop(target, kind, id); this.find.focus(); });
    return make('li', { class: `chip ${{ group: 'grp', unit: '', except: 'out' }[kind]}`.trim() }, label,
      kind === 'group' && n ? make('span', { class: 'n' }, say('n_units', { n })) : '', off,
      make('input', { type: 'hidden', name: `${target.prefix}${kind}`, value: id }));
  }

  // ---- the number of units

  async askCount() {
    const query = new URLSearchParams();
    this.targets.forEach((t) => KINDS.forEach((kind) => t[kind].forEach((one, id) => query.append(t.prefix + kind, id))));
    const turn = this.turn = (this.turn || 0) + 1;
    try {
      const answer = await (await this.kit.ask(`${this.url('count')}?${query}`)).json();
      if (turn !== this.turn) return;
      const figures = { main: answer.count, cc_: answer.cc || 0, total: answer.total === undefined ? answer.count : answer.total };
      (this.box.closest('form') || this.box).querySelectorAll('[data-count]').forEach((place) => {
        if (place.dataset.count in figures) place.textContent = figures[place.dataset.count].toLocaleString('en');
      });
    } catch (error) { console.warn('count', error); }
  }

  // ---- search

  async askSearch() {
    const q = this.find.value.trim();
    if (!q) { this.close(); return; }
    let found = [];
    try { found = await (await this.kit.ask(`${this.url('search')}?${new URLSearchParams({ q })}`)).json(); } catch (error) { console.warn('search', error); return; }
    if (q !== this.find.value.trim()) return;
    const { make, say } = this.kit;
    this.options = found;
    this.list.textContent = '';
    found.forEach((unit, at) => {
      const li = make('li', { role: 'option', id: `${this.list.id}-${at}`, 'aria-selected': 'false' }, make('span', {}, unit.short_name || unit.name, make('small', {}, unit.path || '')));
      li.addEventListener('mousedown', (event) => event.preventDefault());
      li.addEventListener('click', (event) => this.choose(at, event.shiftKey));
      this.list.append(li);
    });
    this.box.querySelector('[data-found]').textContent = say(found.length ? 'found' : 'found_0', { q, n: found.length });
    this.find.setAttribute('aria-expanded', String(found.length > 0));
    this.mark(found.length ? 0 : -1);
  }

  mark(at) {
    this.at = at;
    Array.from(this.list.children).forEach((li, i) => {
      li.setAttribute('aria-selected', String(i === at));
      li.classList.toggle('cur', i === at);
      const old = li.querySelector('.n');
      if (old) old.remove();
      if (i === at) { li.append(this.kit.make('span', { class: 'n' }, this.kit.make('kbd', {}, 'Enter'))); li.scrollIntoView({ block: 'nearest' }); }
    });
    if (at >= 0) this.find.setAttribute('aria-activedescendant', `${this.list.id}-${at}`); else this.find.removeAttribute('aria-activedescendant');
  }

  choose(at, toOther = false) {
    const unit = this.options[at];
    if (!unit) return;
    this.add(toOther ? this.other() : this.active(), 'unit', unit.code, unit.short_name || unit.name);
    this.find.value = '';
    this.close();
    this.find.focus();
  }

  close() {
    this.options = [];
    this.list.textContent = '';
    this.mark(-1);
    this.find.setAttribute('aria-expanded', 'false');
  }

  // ---- a pasted list

  async match(text, target, kind = 'unit') {
    let answer;
    try {
      answer = await (await this.kit.ask(this.url('match'), { method: 'POST', body: new URLSearchParams({ pasted: text }) })).json();
    } catch (error) {
      target.lines[kind].push(...text.split(/\n/).map((l) => l.trim()).filter(Boolean)); // the server matches them at the sending
      this.draw();
      return;
    }
    answer.found.forEach((one) => { if (kind === 'unit') target.except.delete(one.code); target[kind].set(one.code, { text: one.short_name, n: '' }); });
    this.changed(this.kit.say('matched', { n: answer.found.length }));
    this.unresolved(answer, target, kind);
  }

  unresolved({ unknown, ambiguous }, target, kind) {
    const { make, say } = this.kit, panel = this.box.querySelector('[data-match]');
    if (!panel.querySelector('ul')) panel.append(make('ul', {}));
    const rows = panel.querySelector('ul');
    const settle = (row, line) => {
      row.remove();
      target.lines[kind] = target.lines[kind].filter((l) => l !== line);
      panel.hidden = !rows.children.length;
      this.changed();
    };
    const row = (line, words, choices) => {
      target.lines[kind].push(line);
      const li = make('li', {}, make('span', {}, words));
      choices.forEach((c) => {
        const b = make('button', { class: 'btn s', type: 'button', title: c.path || '' }, c.short_name || c.name);
        b.addEventListener('click', () => { target[kind].set(c.code, { text: c.short_name || c.name, n: '' }); settle(li, line); });
        li.append(b);
      });
      const off = make('button', { class: 'link', type: 'button' }, say('drop_line'));
      off.addEventListener('click', () => settle(li, line));
      li.append(off);
      rows.append(li);
    };
    unknown.forEach((line) => row(line, say('unmatched', { line }), []));
    ambiguous.forEach((one) => row(one.line, say('which', { line: one.line }), one.choices));
    panel.hidden = !rows.children.length;
    this.draw();
  }

  // ---- hands

  listen() {
    this.find.addEventListener('input', this.search);
    this.find.addEventListener('keydown', (event) => this.key(event));
    this.find.addEventListener('paste', (event) => {
      const text = (event.clipboardData || window.clipboardData).getData('text');
      const lines = text.split(/[\n\t、，,；;]/).filter((l) => l.trim());
      if (lines.length < 2) return;
      event.preventDefault();
      this.match(lines.map((l) => l.trim()).join('\n'), this.active());
    });
    this.box.querySelectorAll('[data-group]').forEach((b) => b.addEventListener('click', (event) => {
      const holder = this.targets.find((t) => t.group.has(b.dataset.group));
      if (holder) this.drop(holder, 'group', b.dataset.group);
      else this.add(event.shiftKey ? this.other() : this.active(), 'group', b.dataset.group, b.dataset.text, b.dataset.n);
    }));
  }

  key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const { key } = event;
    if (key === 'Enter') { event.preventDefault(); this.choose(this.at, event.shiftKey); }
    if (key === 'ArrowDown' && this.options.length) { event.preventDefault(); this.mark((this.at + 1) % this.options.length); }
    if (key === 'ArrowUp' && this.options.length) { event.preventDefault(); this.mark((this.at + this.options.length - 1) % this.options.length); }
    if (key === 'Escape' && this.options.length) { event.preventDefault(); event.stopPropagation(); this.close(); }
    if (key === 'Backspace' && !this.find.value) {
      const last = this.active().last();
      if (last) { event.preventDefault(); this.drop(this.active(), ...last); }
    }
  }
}

/** The units as a tree: what is below a unit is asked for when it is unfolded. */
class Tree {
  constructor(picker) {
    Object.assign(this, { picker, kit: picker.kit, ul: picker.box.querySelector('[data-tree]'), title: picker.box.querySelector('[data-tree-title]'), nodes: [], group: null });
    this.ul.addEventListener('keydown', (event) => this.key(event));
    this.ul.addEventListener('click', (event) => {
      const node = this.nodes.find((n) => n.li.contains(event.target));
      if (!node) return;
      if (event.target.closest('.tw')) this.turn(node); else this.tick(node, event.shiftKey);
    });
    this.show(null, '');
  }

  async show(group, text) {
    this.group = group;
    this.title.textContent = group === null ? this.kit.say('tree') : `${text}　`;
    if (group !== null) {
      const back = this.kit.make('button', { class: 'link', type: 'button' }, this.kit.say('tree'));
      back.addEventListener('click', () => this.show(null, ''));
      this.title.append(back);
    }
    const kids = await this.ask(group === null ? { parent: '' } : { group });
    this.nodes = kids.map((unit) => this.node(unit, 1, null));
    this.ul.textContent = '';
    this.ul.append(...this.nodes.map((n) => n.li));
    if (this.nodes[0]) this.nodes[0].li.tabIndex = 0;
    this.draw();
  }

  async ask(query) {
    try { return await (await this.kit.ask(`${this.picker.url('tree')}?${new URLSearchParams(query)}`)).json(); } catch (error) { console.warn('tree', error); return []; }
  }

  node(unit, level, parent) {
    const { make, draw } = this.kit, leaf = !unit.children, name = unit.short_name || unit.name;
    const node = { unit, level, parent, name, open: false };
    node.box = make('input', { type: 'checkbox', tabindex: '-1', 'aria-hidden': 'true' });
    node.twist = leaf ? '' : make('button', { class: 'tw', type: 'button', tabindex: '-1', 'aria-hidden': 'true' }, draw(RIGHT, 'i-s'));
    node.n = make('span', { class: 'n' });
    const depth = level > 1 ? `d${Math.min(3, level - 1)}` : '';
    node.li = make('li', { role: 'treeitem', tabindex: '-1', class: `${depth}${leaf ? ' leaf' : ''}`.trim(), 'aria-level': level, 'aria-expanded': leaf ? null : 'false' }, node.twist, node.box, make('span', {}, name), node.n);
    return node;
  }

  under(node) { return this.nodes.filter((n) => { for (let p = n.parent; p; p = p.parent) if (p === node) return true; return false; }); }

  async turn(node) {
    if (!node.twist) return;
    node.open = !node.open;
    node.li.setAttribute('aria-expanded', String(node.open));
    node.twist.textContent = '';
    node.twist.append(this.kit.draw(node.open ? DOWN : RIGHT, 'i-s'));
    if (node.open) {
      const kids = (await this.ask({ parent: node.unit.code })).map((unit) => this.node(unit, node.level + 1, node));
      if (!node.open) return;
      node.li.after(...kids.map((k) => k.li));
      this.nodes.splice(this.nodes.indexOf(node) + 1, 0, ...kids);
    } else {
      const gone = this.under(node);
      gone.forEach((n) => n.li.remove());
      this.nodes = this.nodes.filter((n) => !gone.includes(n));
    }
    this.draw();
  }

  /** The group that already brings this node in: the one shown, or "all below" of an ancestor. */
  bringer(node) {
    const { picker } = this;
    if (this.group !== null && picker.has('group', this.group)) return this.group;
    for (let p = node.parent; p; p = p.parent) if (p.unit.group && picker.has('group', p.unit.group)) return p.unit.group;
    return null;
  }

  chosen(node) {
    const { picker } = this, { code, group } = node.unit;
    if (picker.has('except', code)) return false;
    return picker.has('unit', code) || Boolean(group && picker.has('group', group)) || this.bringer(node) !== null;
  }

  tick(node, toOther) {
    const { picker } = this, { code, group } = node.unit;
    const kind = group ? 'group' : 'unit', id = group || code;
    const holder = picker.targets.find((t) => t[kind].has(id)), excepted = picker.targets.find((t) => t.except.has(code)), bringer = this.bringer(node);
    if (excepted) picker.drop(excepted, 'except', code);
    else if (holder) picker.drop(holder, kind, id);
    else if (bringer !== null) picker.add(picker.targets.find((t) => t.group.has(bringer)), 'except', code, node.name);
    else picker.add(toOther ? picker.other() : picker.active(), kind, id, node.name, node.unit.units);
    this.focus(node);
  }

  draw() {
    this.nodes.forEach((node) => {
      const whole = this.chosen(node), below = this.under(node).filter((n) => !n.unit.children && this.chosen(n)).length;
      node.box.checked = whole;
      node.box.indeterminate = !whole && below > 0;
      node.li.setAttribute('aria-checked', whole ? 'true' : below ? 'mixed' : 'false');
      node.n.textContent = node.unit.children ? (below && !whole ? `${below}/${node.unit.units}` : String(node.unit.units)) : '';
    });
  }

  focus(node) {
    this.nodes.forEach((n) => { n.li.tabIndex = n === node ? 0 : -1; });
    node.li.focus();
  }

  key(event) {
    const at = this.nodes.findIndex((n) => n.li === event.target);
    if (at < 0) return;
    const node = this.nodes[at], to = (n) => { if (n) this.focus(n); };
    const deeds = {
      ArrowDown: () => to(this.nodes[at + 1]), ArrowUp: () => to(this.nodes[at - 1]),
      Home: () => to(this.nodes[0]), End: () => to(this.nodes[this.nodes.length - 1]),
      ArrowRight: () => (node.twist && !node.open ? this.turn(node) : to(this.nodes[at + 1])),
      ArrowLeft: () => (node.open ? this.turn(node) : to(node.parent)),
      ' ': () => this.tick(node, event.shiftKey), Enter: () => this.tick(node, event.shiftKey),
    };
    if (deeds[event.key]) { event.preventDefault(); event.stopPropagation(); deeds[event.key](); }
  }
}

export function start(root, kit) {
  root.querySelectorAll('[data-picker]').forEach((box) => { if (!box.picker) box.picker = new Picker(box, kit); });
}
