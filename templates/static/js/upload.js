/* Files go up as soon as they are chosen: POST to data-upload (field `file`, header X-CSRF-Token), answer
   {"id", "name", "size", "media_type"}; a refusal answers 4xx with {"message"} or {"detail"}. A network loss is tried again
   (3, 6, 12 … 60 s, at once when the line is back). Each file leaves <input type=hidden name=data-name value=id>.
   data-most: MB a file; data-single: one file, the new one replaces it. A form that is sent while files are on their way
   waits for them. Files over 5 MB go up in pieces (tus, data-pieces, the vendored client at data-tus) and go on where they
   stopped, after a broken line and after the page was closed. */

const AT_ONCE = 2;
const LARGE = 5 * 1048576;
const PIECE = 8 * 1048576;
const WAITS = [1000, 3000, 6000, 12000, 24000, 60000, 60000];

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1048576) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1048576).toFixed(1)} MB`;
}

const allowed = (file, accept) => !accept || accept.split(',').some((rule) => {
  const r = rule.trim().toLowerCase();
  if (r.startsWith('.')) return file.name.toLowerCase().endsWith(r);
  return r.endsWith('/*') ? file.type.startsWith(r.slice(0, -1)) : file.type === r;
});

class Upload {
  constructor(box, kit) {
    Object.assign(this, { box, kit, queue: [], running: 0, input: box.querySelector('input[type="file"]'), list: box.querySelector('[data-files]') });
    this.input.addEventListener('change', () => { this.take(this.input.files); this.input.value = ''; });
    const drop = box.querySelector('.drop');
    ['dragenter', 'dragover'].forEach((n) => drop.addEventListener(n, (e) => { e.preventDefault(); drop.classList.add('over'); }));
    ['dragleave', 'drop'].forEach((n) => drop.addEventListener(n, (e) => { e.preventDefault(); drop.classList.remove('over'); }));
    drop.addEventListener('drop', (event) => this.take(event.dataTransfer.files));
    this.list.addEventListener('click', (event) => this.clicked(event));
    window.addEventListener('online', () => this.list.querySelectorAll('[data-file]').forEach((row) => row.again && row.again()));
  }

  take(files) {
    const chosen = this.box.hasAttribute('data-single') ? Array.from(files).slice(0, 1) : Array.from(files);
    chosen.forEach((file) => this.put(file));
    this.next();
  }

  put(file) {
    if (this.box.hasAttribute('data-single')) this.list.querySelectorAll('[data-file]').forEach((row) => this.drop(row));
    const row = this.box.querySelector('template[data-file-row]').content.querySelector('[data-file]').cloneNode(true);
    row.querySelector('[data-name]').textContent = file.name;
    row.querySelector('.ext').textContent = file.name.includes('.') ? file.name.split('.').pop().slice(0, 4).toUpperCase() : '—';
    [['[data-up]', 'up'], ['[data-down]', 'down'], ['[data-drop-file]', 'remove']].forEach(([s, word]) => {
      const button = row.querySelector(s);
      if (button) button.setAttribute('aria-label', this.kit.say(word, { name: file.name }));
    });
    row.querySelector('input').disabled = true; // nothing to send yet
    this.list.append(row);
    const most = Number(this.box.dataset.most);
    if (most && file.size > most * 1048576) this.fail(row, this.kit.say('too_big', { n: most }));
    else if (!allowed(file, this.input.accept)) this.fail(row, this.kit.say('bad_type', { types: this.input.accept.replace(/\./g, '').replace(/,\s*/g, '、').toUpperCase() }));
    else { this.word(row, this.kit.say('waits')); row.pending = true; this.queue.push({ file, row, tries: 0 }); }
  }

  next() {
    while (this.running < AT_ONCE && this.queue.length) this.send(this.queue.shift());
  }

  bar(row, file) {
    const bar = row.querySelector('progress') || this.kit.make('progress', { max: 100, value: 0, 'aria-label': file.name });
    row.querySelector('[data-word]').before(bar);
    return bar;
  }

  send(job) {
    const { box } = this;
    if (job.file.size > LARGE && box.dataset.tus && !job.whole) this.sendPieces(job);
    else this.sendWhole(job);
  }

  async sendPieces(job) {
    const { file, row } = job, { box, kit } = this;
    this.running += 1;
    try { await import(box.dataset.tus); } catch (error) { this.running -= 1; job.whole = true; this.send(job); return; }
    const bar = this.bar(row, file);
    const said = (error) => { try { return JSON.parse(error.originalResponse.getBody()); } catch (e) { return {}; } };
    const gone = (error) => { const s = error.originalResponse ? error.originalResponse.getStatus() : 0; return !s || s === 423 || (s >= 500 && s !== 507) || said(error).code === 'wrong_offset'; };
    const upload = new window.tus.Upload(file, {
      endpoint: box.dataset.pieces, chunkSize: PIECE, retryDelays: WAITS, removeFingerprintOnSuccess: true,
      headers: { 'X-CSRF-Token': box.dataset.token, Accept: 'application/json' },
      metadata: { filename: file.name, purpose: box.dataset.purpose || '' },
      onShouldRetry: (error) => { if (gone(error)) this.word(row, kit.say('goes_on')); return gone(error); },
      onProgress: (done, all) => {
        const p = all ? Math.floor((done / all) * 100) : 0;
        bar.value = p;
        this.word(row, kit.say('pieces', { p, done: size(done), all: size(all) }));
      },
      onSuccess: (end) => this.there(job, end.lastResponse.getHeader('Songda-File'), file.size),
      onError: (error) => {
        if (gone(error)) { this.rest(job, upload); return; }
        this.fail(row, said(error).detail || kit.say('refused'));
        this.done(row);
      },
    });
    row.request = { abort: () => { upload.abort(true).catch(() => {}); this.done(row); } };
    const before = await upload.findPreviousUploads();
    if (before.length) upload.resumeFromPreviousUpload(before[0]);
    if (row.isConnected) upload.start();
  }

  rest(job, upload) {
    const { row } = job;
    this.word(row, this.kit.say('goes_on'));
    const timer = setTimeout(() => row.again && row.again(), 60000);
    row.again = () => { clearTimeout(timer); row.again = null; if (row.isConnected) upload.start(); };
  }

  sendWhole(job) {
    const { file, row } = job, request = new XMLHttpRequest(), form = new FormData();
    this.running += 1;
    row.request = request;
    const bar = this.bar(row, file);
    request.upload.addEventListener('progress', (event) => {
      const p = event.total ? Math.floor((event.loaded / event.total) * 100) : 0;
      bar.value = p;
      this.word(row, this.kit.say('sending', { p, done: size(event.loaded), all: size(event.total) }));
    });
    request.addEventListener('load', () => this.answered(job, request));
    request.addEventListener('error', () => this.lost(job));
    request.addEventListener('timeout', () => this.lost(job));
    request.addEventListener('abort', () => this.done(row));
    form.append('file', file, file.name);
    request.open('POST', this.box.dataset.upload);
    request.setRequestHeader('X-CSRF-Token', this.box.dataset.token);
    request.setRequestHeader('Accept', 'application/json');
    request.send(form);
  }

  answered(job, request) {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch (error) { answer = {}; }
    if (request.status >= 502 && request.status <= 504) { this.lost(job); return; }
    if (request.status < 200 || request.status > 299 || answer.id === undefined) { this.fail(job.row, answer.message || answer.detail || this.kit.say('refused')); this.done(job.row); return; }
    this.there(job, answer.id, answer.size === undefined ? job.file.size : answer.size);
  }

  there(job, id, bytes) {
    const { row, file } = job, field = row.querySelector('input');
    field.value = id;
    field.disabled = false;
    row.querySelector('progress').remove();
    this.word(row, this.kit.say('sent', { size: size(bytes) }));
    this.said(`${file.name} ${this.kit.say('sent', { size: size(file.size) })}`);
    this.done(row);
    this.box.dispatchEvent(new Event('change', { bubbles: true }));
  }

  lost(job) {
    const { row } = job;
    this.running -= 1;
    job.tries += 1;
    this.word(row, this.kit.say('again'));
    const timer = setTimeout(() => row.again && row.again(), Math.min(60, 3 * 2 ** (job.tries - 1)) * 1000);
    row.again = () => { clearTimeout(timer); row.again = null; if (row.isConnected) this.send(job); };
    this.next();
  }

  fail(row, text) {
    row.pending = false;
    const bar = row.querySelector('progress');
    if (bar) bar.remove();
    this.word(row, text, 'bad');
    this.said(text);
  }

  done(row) {
    if (row.pending) row.pending = false;
    this.running -= 1;
    row.request = null;
    this.next();
    settle(this.box.closest('form'), this.kit);
  }

  drop(row) {
    this.queue = this.queue.filter((job) => job.row !== row);
    row.pending = false;
    row.again = null;
    row.remove();
    if (row.request) row.request.abort();
    settle(this.box.closest('form'), this.kit);
  }

  clicked(event) {
    const row = event.target.closest('[data-file]'), button = event.target.closest('button');
    if (!row || !button) return;
    if ('dropFile' in button.dataset) { this.drop(row); this.input.focus(); }
    if ('up' in button.dataset && row.previousElementSibling) { row.previousElementSibling.before(row); button.focus(); }
    if ('down' in button.dataset && row.nextElementSibling) { row.nextElementSibling.after(row); button.focus(); }
    this.box.dispatchEvent(new Event('change', { bubbles: true }));
  }

  word(row, text, cls = '') { const w = row.querySelector('[data-word]'); w.textContent = text; w.className = cls; }

  said(text) { this.box.querySelector('[data-said]').textContent = text; }
}

const pending = (form) => Array.from(form.querySelectorAll('[data-file]')).filter((row) => row.pending).length;

/** A sending that waited for its files goes out when the last one is there. */
function settle(form, kit) {
  if (!form || !form.waiting) return;
  const left = pending(form);
  if (left) { kit.busy(form, form.waiting, kit.say('one_left', { n: left })); return; }
  const button = form.waiting;
  form.waiting = null;
  kit.free(form);
  if (form.querySelector('[data-word].bad')) return; // something was refused: the person looks first
  button.click();
}

export function start(root, kit) {
  root.querySelectorAll('[data-upload]').forEach((box) => {
    if (box.upload) return;
    box.upload = new Upload(box, kit);
    const form = box.closest('form');
    if (!form || form.holds) return;
    form.holds = true;
    form.addEventListener('submit', (event) => {
      const left = pending(form);
      if (!left) return;
      event.preventDefault();
      form.waiting = event.submitter || form.querySelector('button[type="submit"]');
      kit.busy(form, form.waiting, kit.say('one_left', { n: left }));
    });
  });
}
