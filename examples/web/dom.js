/** Creates elements. Their content is always text, never markup. @module */

/**
 * @param {string} name
 * @param {Record<string, unknown>} [attributes] members that are false or undefined are left out; `onclick` and the like are listeners
 * @param {...(Node | string | null | undefined | false)} children
 */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') node.addEventListener(key.slice(2), value)
    else node.setAttribute(key, value === true ? '' : String(value))
  }
  node.append(...children.flat().filter((child) => child != null && child !== false))
  return node
}

/** A paragraph whose text between backticks is code. */
export function prose(text, attributes = {}) {
  const parts = text.split('`').map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part))
  return element('p', attributes, ...parts)
}

/** An element of index.html. */
export function byId(id) {
  return document.getElementById(id)
}
