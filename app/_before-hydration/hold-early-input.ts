/**
 * Keeps what an operator does with a page before its scripts have loaded: React attaches its handlers only then, and
 * earlier input would be lost without a message. The function is sent as text in the document (`early-input.tsx`), so it
 * may use nothing from outside of it.
 *
 * A held control is marked with `aria-busy` and `data-held`. The event `ready` on the document repeats everything in
 * order. Not repeated is a click or submit that is older than `keepMs` by then, or whose control is gone, is labelled
 * otherwise, or was disabled or enabled; the event `lost` says so. After `keepMs` a control is released, for a page whose
 * scripts never load. Typed text has no age limit. Links are not held: they work without a script.
 */
export function holdEarlyInput(ready: string, lost: string, keepMs: number): void {
  interface Held {
    control: Element;
    /** False when it must not be repeated any more. */
    isCurrent: () => boolean;
    repeat: () => void;
  }
  let held: Held[] = [];
  const listening = new AbortController();

  const release = (control: Element) => {
    control.removeAttribute('aria-busy');
    control.removeAttribute('data-held');
  };
  const stop = (event: Event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const listen = <K extends keyof DocumentEventMap>(type: K, listener: (event: DocumentEventMap[K]) => void) =>
    document.addEventListener(type, listener, { capture: true, signal: listening.signal });

  const isFormControl = (element: Element): element is HTMLButtonElement | HTMLInputElement =>
    element instanceof HTMLButtonElement || element instanceof HTMLInputElement;

  /** What pressing a control means, as far as the operator sees or hears it. */
  const meaningOf = (control: Element): string => {
    const named = (control.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id));
    const labels = isFormControl(control) ? [...(control.labels ?? [])] : [];
    const texts = [control, ...named, ...labels].map((element) => element?.textContent.replace(/\s+/g, ' ').trim());
    const isDisabled = control.matches(':disabled, [aria-disabled="true"]');
    return JSON.stringify([control.getAttribute('aria-label'), texts, isDisabled]);
  };

  /** `pressed`: the control that names what is repeated. */
  const hold = (control: Element, pressed: Element, repeat: () => void, canRepeat = () => true) => {
    control.setAttribute('aria-busy', 'true');
    control.setAttribute('data-held', '');
    const meaning = meaningOf(pressed);
    // The monotonic clock may stand still while the machine sleeps, and the other one may be set.
    const [at, wallAt] = [performance.now(), Date.now()];
    const isRecent = () => performance.now() - at <= keepMs && Date.now() - wallAt <= keepMs;
    // A press that was released earlier is replaced by this one.
    held = held.filter((one) => one.control !== control || one.isCurrent());
    held.push({ control, isCurrent: () => isRecent() && canRepeat() && meaningOf(pressed) === meaning, repeat });
    setTimeout(() => {
      if (!listening.signal.aborted && !held.some((one) => one.control === control && one.isCurrent()))
        release(control);
    }, keepMs + 1);
  };

  listen('click', (event) => {
    const { target, detail, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (!(target instanceof Element)) return;
    const control = target.closest('button[type="button"], input[type="checkbox"], input[type="radio"]');
    if (control === null) return;
    stop(event);
    // The second press of a double click.
    if (control.matches('button[data-held]')) return;
    const options = { bubbles: true, cancelable: true, view: window, detail, shiftKey, ctrlKey, metaKey, altKey };
    hold(control, control, () => control.dispatchEvent(new MouseEvent('click', options)));
  });

  type Field = HTMLSelectElement | HTMLTextAreaElement | HTMLInputElement;
  const isField = (element: unknown): element is Field =>
    element instanceof HTMLSelectElement ||
    element instanceof HTMLTextAreaElement ||
    (element instanceof HTMLInputElement && !['checkbox', 'radio', 'hidden', 'file'].includes(element.type));
  const setValue = (field: Field, value: string) => {
    const type = field instanceof HTMLSelectElement ? 'change' : 'input';
    // React ignores an event of a field whose value it knows: it sees the first assignment, and not the second.
    if (type === 'input') field.value = '';
    Reflect.set(Reflect.getPrototypeOf(field) ?? field, 'value', value, field);
    field.dispatchEvent(new Event(type, { bubbles: true }));
  };

  /** What was typed or chosen last in each field, since the last submit. */
  let values = new Map<Field, { value: string }>();

  listen('submit', (event) => {
    const { target, submitter } = event;
    if (!(target instanceof HTMLFormElement)) return;
    stop(event);
    if (target.matches('[data-held]')) return;
    // Text that is typed from here on is repeated after the submit.
    values = new Map();
    const submitted = [...target.elements].filter(isField).map((field) => ({ field, value: field.value }));
    const submit = () => {
      for (const { field, value } of submitted) if (field.value !== value) setValue(field, value);
      target.requestSubmit(submitter);
    };
    const hasSubmitter = () =>
      submitter === null || (isFormControl(submitter) && submitter.isConnected && submitter.form === target);
    hold(target, submitter ?? target, submit, hasSubmitter);
  });

  const holdValue = ({ target }: Event) => {
    if (!isField(target)) return;
    const known = values.get(target);
    if (known) {
      known.value = target.value;
      return;
    }
    const last = { value: target.value };
    values.set(target, last);
    held.push({ control: target, isCurrent: () => true, repeat: () => setValue(target, last.value) });
  };
  listen('input', holdValue);
  listen('change', holdValue);

  document.addEventListener(
    ready,
    () => {
      listening.abort();
      let isLost = false;
      for (const { control, isCurrent, repeat } of held.splice(0)) {
        release(control);
        try {
          if (control.isConnected && isCurrent()) repeat();
          else isLost = true;
        } catch {
          isLost = true;
        }
      }
      if (isLost) document.dispatchEvent(new Event(lost));
    },
    { once: true },
  );
}
