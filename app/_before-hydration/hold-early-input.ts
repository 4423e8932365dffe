/**
 * Keeps what an operator does with a page before its scripts have loaded: React attaches its handlers only then, and
 * earlier input would be lost without a message. The function is sent as text in the document (`early-input.tsx`), so it
 * may use nothing from outside of it.
 *
 * A held control is marked with `aria-busy` and `data-held`. The event `ready` on the document repeats everything in
 * order; a press that is older than `keepMs` by then, or anything whose control is gone, is not repeated, and the event
 * `lost` says so. Typed text has no age limit. Links are not held: they work without a script.
 */
export function holdEarlyInput(ready: string, lost: string, keepMs: number): void {
  const held: { control: Element; at: number; repeat: () => void }[] = [];
  const listening = new AbortController();

  const hold = (control: Element, repeat: () => void) => {
    control.setAttribute('aria-busy', 'true');
    control.setAttribute('data-held', '');
    held.push({ control, at: performance.now(), repeat });
  };
  const stop = (event: Event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const listen = <K extends keyof DocumentEventMap>(type: K, listener: (event: DocumentEventMap[K]) => void) =>
    document.addEventListener(type, listener, { capture: true, signal: listening.signal });

  listen('click', (event) => {
    const { target, detail, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (!(target instanceof Element)) return;
    const control = target.closest('button[type="button"], input[type="checkbox"], input[type="radio"]');
    if (control === null) return;
    stop(event);
    // The second press of a double click.
    if (control.matches('button[data-held]')) return;
    const options = { bubbles: true, cancelable: true, view: window, detail, shiftKey, ctrlKey, metaKey, altKey };
    hold(control, () => control.dispatchEvent(new MouseEvent('click', options)));
  });

  listen('submit', (event) => {
    const { target, submitter } = event;
    if (!(target instanceof HTMLFormElement)) return;
    stop(event);
    if (target.matches('[data-held]')) return;
    hold(target, () => target.requestSubmit(submitter));
  });

  /** What was typed or chosen last, for each field. */
  const values = new Map<Element, string>();
  const holdValue = ({ target }: Event) => {
    const isField =
      target instanceof HTMLSelectElement ||
      target instanceof HTMLTextAreaElement ||
      (target instanceof HTMLInputElement && target.type !== 'checkbox' && target.type !== 'radio');
    if (!isField) return;
    const isKnown = values.has(target);
    values.set(target, target.value);
    if (isKnown) return;
    held.push({
      control: target,
      at: Infinity,
      repeat: () => {
        const value = values.get(target) ?? '';
        const type = target instanceof HTMLSelectElement ? 'change' : 'input';
        // React ignores an event of a field whose value it knows: it sees the first assignment, and not the second.
        if (type === 'input') target.value = '';
        Reflect.set(Reflect.getPrototypeOf(target) ?? target, 'value', value, target);
        target.dispatchEvent(new Event(type, { bubbles: true }));
      },
    });
  };
  listen('input', holdValue);
  listen('change', holdValue);

  document.addEventListener(
    ready,
    () => {
      listening.abort();
      let isLost = false;
      for (const { control, at, repeat } of held.splice(0)) {
        control.removeAttribute('aria-busy');
        control.removeAttribute('data-held');
        if (control.isConnected && performance.now() - at <= keepMs) repeat();
        else isLost = true;
      }
      if (isLost) document.dispatchEvent(new Event(lost));
    },
    { once: true },
  );
}
