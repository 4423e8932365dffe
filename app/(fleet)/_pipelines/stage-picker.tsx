'use client';

import { ArrowDown, ArrowUp, Plus, X } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { SelectField } from '@/app/_ui/field';
import { IconButton } from '@/app/_ui/icon-button';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { isPrelude, MAX_STAGES, STAGE_CHOICES } from '@/lib/fleet/pipelines/pipeline-definitions';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** The operations that hosts can run. A merge is offered where its pull request is shown. */
const CHOICES = STAGE_CHOICES.filter((id) => !isPrelude(id));

/** Edits a custom sequence of stages: add, remove, move. Works by keyboard alone. */
export function StagePicker({
  stages,
  onChange,
}: {
  stages: readonly OperationId[];
  onChange: (stages: readonly OperationId[]) => void;
}) {
  const [next, setNext] = useState<OperationId>('pull');
  const full = stages.length >= MAX_STAGES;
  const swap = (index: number, other: number) => {
    const moved = stages[index];
    const replaced = stages[other];
    if (moved && replaced) onChange(stages.with(index, replaced).with(other, moved));
  };
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1.5 text-xs font-medium">Stages, in order</legend>
      {stages.length > 0 && (
        <ol className="mb-2 grid gap-1" data-testid="stage-list">
          {stages.map((id, index) => {
            const { label } = OPERATIONS[id];
            const named = `${label}, stage ${index + 1}`;
            return (
              <li key={`${id}-${index}`} className="flex items-center gap-1 rounded-md bg-sunken py-1 pr-1 pl-3">
                <span className="w-4 shrink-0 text-xs text-faint">{index + 1}</span>
                <span className="grow text-sm font-medium">{label}</span>
                <IconButton
                  size="sm"
                  label={`Move ${named} up`}
                  tip="Move up"
                  disabled={index === 0}
                  onClick={() => swap(index, index - 1)}
                >
                  <ArrowUp className="size-4" aria-hidden="true" />
                </IconButton>
                <IconButton
                  size="sm"
                  label={`Move ${named} down`}
                  tip="Move down"
                  disabled={index === stages.length - 1}
                  onClick={() => swap(index, index + 1)}
                >
                  <ArrowDown className="size-4" aria-hidden="true" />
                </IconButton>
                <IconButton
                  size="sm"
                  label={`Remove ${named}`}
                  tip="Remove"
                  onClick={() => onChange(stages.toSpliced(index, 1))}
                >
                  <X className="size-4" aria-hidden="true" />
                </IconButton>
              </li>
            );
          })}
        </ol>
      )}
      <div className="flex items-end gap-2">
        <SelectField
          label="Operation to add"
          hideLabel
          className="grow"
          value={next}
          onChange={(event) => setNext(CHOICES.find((id) => id === event.target.value) ?? next)}
        >
          {CHOICES.map((id) => (
            <option key={id} value={id}>
              {OPERATIONS[id].label}
            </option>
          ))}
        </SelectField>
        <Button
          icon={<Plus className="size-4" aria-hidden="true" />}
          disabled={full}
          onClick={() => onChange([...stages, next])}
        >
          Add stage
        </Button>
      </div>
      <p className="mt-1.5 text-xs text-muted">
        {full ? `At most ${MAX_STAGES} stages.` : OPERATIONS[next].description}
      </p>
    </fieldset>
  );
}
