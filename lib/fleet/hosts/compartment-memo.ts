/** Remembers each host's compartments: an ordinary heartbeat changes nothing that they depend on. */
import { judgeCompartments, JUDGED_FIELDS, type CompartmentInput } from './compartments';
import type { HostView } from '@/lib/protocol/live/views/host-view';

interface Judgement {
  input: CompartmentInput;
  compartments: HostView['compartments'];
}

export class CompartmentMemo {
  private readonly last = new WeakMap<object, Judgement>();

  /** The compartments of a host. While nothing that they depend on changes, the same object. `host`: its identity. */
  of(host: object, input: CompartmentInput): HostView['compartments'] {
    const known = this.last.get(host);
    if (known && isSame(known.input, input)) return known.compartments;
    const compartments = judgeCompartments(input);
    this.last.set(host, { input, compartments });
    return compartments;
  }
}

/** The desired state and reports are replaced, never changed. */
function isSame(a: CompartmentInput, b: CompartmentInput): boolean {
  return (
    a.desired === b.desired &&
    a.relation.relation === b.relation.relation &&
    a.relation.commits === b.relation.commits &&
    a.version === b.version &&
    a.running === b.running &&
    JUDGED_FIELDS.every((field) => a.host[field] === b.host[field])
  );
}
