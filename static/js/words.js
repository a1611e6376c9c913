// Sentences in the reader's language; the page writes them into <template id="mc-words">.
const words = document.getElementById("mc-words")?.dataset ?? {};

/** The sentence `key` with its %(name)s places filled. */
export function say(key, values = {}) {
  return (words[key] ?? "").replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}
