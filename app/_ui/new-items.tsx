import { ArrowUp } from 'lucide-react';
import { Button } from './button';

/** Shows what arrived while the rows of a list keep their places. Its place stays reserved. */
export function NewItems({ count, of, onShow }: { count: number; of: string; onShow: () => void }) {
  return (
    <span role="status" className="flex shrink-0">
      <Button
        size="sm"
        variant="primary"
        className={count === 0 ? 'invisible' : 'rounded-full'}
        icon={<ArrowUp className="size-3.5" aria-hidden="true" />}
        onClick={onShow}
      >
        {count} new<span className="sr-only"> {of}</span>
      </Button>
    </span>
  );
}
