/* A document's page: an attachment that is opened counts as opened at once, and 签收 leads to those that are not.
   Without this file the service says the same in the page that comes back. */

const form = document.querySelector('[data-sign-form]');
const said = document.querySelector('[data-unopened-said]');

function unopened() {
  return Array.from(document.querySelectorAll('[data-unopened]')).filter((row) => {
    const waive = row.querySelector('[data-waive]');
    return !(waive && waive.checked);
  });
}

document.addEventListener('click', (event) => {
  const row = event.target.closest('[data-opens]') && event.target.closest('[data-unopened]');
  if (!row) return;
  const word = row.querySelector('[data-opened-word]');
  if (word) word.textContent = word.dataset.openedWord;
  const waive = row.querySelector('.pick');
  if (waive) waive.remove();
  row.removeAttribute('data-unopened');
});

if (form && said) {
  form.addEventListener('submit', (event) => {
    const rows = unopened();
    said.hidden = !rows.length;
    if (!rows.length) return;
    event.preventDefault();
    rows[0].scrollIntoView({ block: 'center' });
    said.focus({ preventScroll: true });
  });
}
