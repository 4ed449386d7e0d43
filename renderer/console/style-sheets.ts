/**
 * A document for the terminal that keeps its styles in constructed style sheets: the content policy allows no style
 * elements. What looks like one takes the text that is put into it, and its sheet goes with it.
 */
export function documentForStyles(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement') {
        return (tag: string) => (tag.toLowerCase() === 'style' ? standIn(target) : target.createElement(tag));
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function standIn(owner: Document): HTMLElement {
  const sheet = new CSSStyleSheet();
  const element = owner.createElement('span');
  element.hidden = true;
  owner.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, 'textContent', {
    set(text: string) {
      sheet.replaceSync(text);
    },
  });
  element.remove = () => {
    owner.adoptedStyleSheets = owner.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
