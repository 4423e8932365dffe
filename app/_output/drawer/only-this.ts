/**
 * Makes the page around one element inert, as under a modal dialog, and gives the way back. What comes after it
 * directly in <body> (messages, menus) stays usable.
 */
export function onlyThis(element: HTMLElement): () => void {
  const silenced: HTMLElement[] = [];
  let child = element;
  for (let parent = child.parentElement; parent; parent = child.parentElement) {
    const siblings = [...parent.children];
    const others = parent === document.body ? siblings.slice(0, siblings.indexOf(child)) : siblings;
    for (const sibling of others) {
      if (sibling !== child && sibling instanceof HTMLElement && !sibling.inert) {
        sibling.inert = true;
        silenced.push(sibling);
      }
    }
    if (parent === document.body) break;
    child = parent;
  }
  return () => {
    for (const sibling of silenced) sibling.inert = false;
  };
}
