// What the page /docs can do with a script: the examples have the address of this server, and a button that copies them.
const base = new URL('.', document.baseURI).href.replace(/\/$/, '')

for (const pre of document.querySelectorAll('pre.curl')) {
  if (base.startsWith('http')) pre.textContent = pre.textContent.replace('http://127.0.0.1:3000', base)
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Copy'
  button.addEventListener('click', () => void copy(pre, button))
  pre.parentElement.querySelector('figcaption').append(button)
}

/** Copies what an element shows. Where the browser refuses, which it does without TLS, the text is selected. */
async function copy(pre, button) {
  try {
    await navigator.clipboard.writeText(pre.textContent)
    button.textContent = 'Copied'
  } catch {
    getSelection().selectAllChildren(pre)
    button.textContent = 'Selected'
  }
}
