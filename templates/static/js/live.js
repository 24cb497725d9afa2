/* Figures that keep themselves true.
   data-live="/live?notice=12"              an event stream; each event "progress" says: something changed
   data-live-target="/notices/12/live-part" the fragment that replaces the element's content
   data-live-new="/inbox/new?after=…"       (anywhere on the page) answers {"count": 3}: shown as a waiting line, nothing moves
   data-live-mark                           (anywhere on the page) says how fresh the figures are
   When the stream drops the fragment is asked for every 30 seconds until it is back. */

const POLL = 30000, CALM = 1000;

function clock(answer) {
  const at = new Date(answer.headers.get('Date') || Date.now());
  return at.toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: 'Asia/Shanghai' });
}

/** Where the focus is inside `region`, as something that survives a swap. */
function held(region) {
  const focus = document.activeElement;
  if (!focus || !region.contains(focus)) return null;
  const same = (e) => e.tagName + (e.getAttribute('href') || '') + (e.getAttribute('name') || '') + (e.getAttribute('aria-label') || '') + e.textContent;
  return { id: focus.id, key: same(focus), same, heading: focus.closest('section, article, li') };
}

function giveBack(region, was) {
  if (!was) return;
  const next = (was.id && document.getElementById(was.id))
    || Array.from(region.querySelectorAll('a[href], button, input, select, summary, [tabindex]')).find((e) => was.same(e) === was.key)
    || region.querySelector('h1, h2, h3');
  if (!next) return;
  if (/^H\d$/.test(next.tagName)) next.setAttribute('tabindex', '-1');
  next.focus({ preventScroll: true });
}

function inUse(region) {
  const focus = document.activeElement;
  return Boolean(focus && region.contains(focus) && /^(INPUT|TEXTAREA|SELECT)$/.test(focus.tagName) && focus.type !== 'checkbox');
}

class Live {
  constructor(region, kit) {
    Object.assign(this, { region, kit, source: null, poll: 0, timer: 0, last: 0, stale: false, text: null });
    document.addEventListener('visibilitychange', () => { if (!document.hidden && this.stale) this.soon(); });
    region.addEventListener('focusout', () => { if (this.stale) this.soon(); });
    window.addEventListener('pagehide', () => this.source && this.source.close());
    window.addEventListener('pageshow', (event) => { if (event.persisted) { this.open(); this.soon(); } });
    this.open();
  }

  open() {
    this.source = new EventSource(this.region.dataset.live);
    this.source.addEventListener('open', () => { const was = this.poll; this.on(); if (was) this.soon(); else this.mark(); });
    this.source.addEventListener('progress', () => this.soon());
    this.source.addEventListener('error', () => this.drop());
  }

  on() { clearInterval(this.poll); this.poll = 0; }

  drop() {
    this.say('dropped', 'live-off');
    if (!this.poll) this.poll = setInterval(() => { this.fetch(); if (this.source.readyState === 2) this.open(); }, POLL);
  }

  /** Many events in a second are one fetch. */
  soon() {
    if (this.timer) return;
    this.timer = setTimeout(() => { this.timer = 0; this.fetch(); }, Math.max(0, this.last + CALM - Date.now()));
  }

  async fetch() {
    if (document.hidden || inUse(this.region)) { this.stale = true; return; }
    this.last = Date.now();
    try {
      const target = this.region.dataset.liveTarget;
      if (target) await this.swap(await this.kit.ask(target));
      await Promise.all(Array.from(document.querySelectorAll('[data-live-new]'), (bar) => this.news(bar)));
      this.stale = false;
    } catch (error) { this.stale = true; if (!this.poll) this.drop(); }
  }

  async swap(answer) {
    const text = await answer.text();
    if (text !== this.text) {
      this.text = text;
      const was = held(this.region), open = Array.from(this.region.querySelectorAll('details[open][id]'), (d) => d.id);
      this.region.innerHTML = text;
      open.forEach((id) => { const d = document.getElementById(id); if (d) d.open = true; });
      giveBack(this.region, was);
      this.kit.start(this.region);
    }
    this.mark(answer);
  }

  async news(bar) {
    const answer = await this.kit.ask(bar.dataset.liveNew);
    const { count } = await answer.json();
    if (count > 0) { bar.textContent = this.kit.say('new', { n: count }); bar.hidden = false; }
    if (!this.region.dataset.liveTarget) this.mark(answer);
  }

  mark(answer = null) {
    if (this.poll) return;
    if (answer) this.time = clock(answer);
    if (!this.time) this.time = clock({ headers: new Headers() });
    this.say('live', '', { time: this.time });
  }

  say(word, cls, values = {}) {
    document.querySelectorAll('[data-live-mark]').forEach((m) => { m.className = `live ${cls}`.trim(); m.textContent = this.kit.say(word, values); });
  }
}

export function start(root, kit) {
  root.querySelectorAll('[data-live]').forEach((region) => { if (!region.live) region.live = new Live(region, kit); });
}
