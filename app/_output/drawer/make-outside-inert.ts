/**
 * Makes the page around an element inert, as a modal dialog does. Elements after it directly in <body> (messages, menus)
 * stay usable. Returns a function that undoes it.
 */
export function makeOutsideInert(element: HTMLElement): () => void {
  const madeInert: HTMLElement[] = [];
  let child = element;
  for (let parent = child.parentElement; parent; parent = child.parentElement) {
    const siblings = [...parent.children];
    const others = parent === document.body ? siblings.slice(0, siblings.indexOf(child)) : siblings;
    for (const sibling of others) {
      if (sibling !== child && sibling instanceof HTMLElement && !sibling.inert) {
        sibling.inert = true;
        madeInert.push(sibling);
      }
    }
    if (parent === document.body) break;
    child = parent;
  }
  return () => {
    for (const sibling of madeInert) sibling.inert = false;
  };
}
