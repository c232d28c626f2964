// Buttons that copy: one beside each command, and those with data-copy=ID, for the text of that element.
'use strict';
for (const place of document.querySelectorAll('.copied')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', `Copy: ${place.querySelector('pre').getAttribute('aria-label')}`);
  place.append(button);
}

document.addEventListener('click', async event => {
  const button = event.target.closest('button[data-copy], .copied > button');
  if (!button) return;
  const source = button.dataset.copy ? document.getElementById(button.dataset.copy) : button.parentElement.querySelector('code');
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    // Without a secure context there is no clipboard for pages, but a selection may be copied.
    getSelection().selectAllChildren(source);
    if (!document.execCommand('copy')) return;
    getSelection().removeAllRanges();
  }
  const before = button.dataset.words ??= button.textContent;
  button.textContent = 'Copied';
  clearTimeout(button.timer);
  button.timer = setTimeout(() => { button.textContent = before; }, 1500);
});
