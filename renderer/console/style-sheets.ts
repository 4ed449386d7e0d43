/**
 * Lets a library that makes style elements work under a content policy that allows none: what `createElement('style')` gives
 * from now on takes the text that is put into it to a constructed style sheet, which comes and goes with the element.
 */
export function keepStylesInSheets(): void {
  const create = document.createElement.bind(document);
  document.createElement = (tag: string, options?: ElementCreationOptions) =>
    tag.toLowerCase() === 'style' ? standIn(create('span')) : create(tag, options);
}

function standIn(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  element.hidden = true;
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, 'sheet', { value: sheet });
  Object.defineProperty(element, 'textContent', {
    set(text: string) {
      sheet.replaceSync(text);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
