/** An error of the whole form, announced to screen readers when it appears. */
export function FormError({ message }: { message: string | null }) {
  return (
    <div role="alert">
      {message !== null && <p className="rounded-md bg-bad-soft px-3 py-2 text-sm font-medium text-bad">{message}</p>}
    </div>
  );
}
