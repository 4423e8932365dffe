import { cx } from './cx';

/** The NixFleet logo: a hexagon with arrows in one direction. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" fill="none" aria-hidden="true" className={cx('size-8', className)}>
      <path
        d="M16 2.5 27.7 9.25v13.5L16 29.5 4.3 22.75V9.25L16 2.5Z"
        className="fill-accent-soft stroke-accent"
        strokeWidth="1.6"
        strokeLinejoin="round"
      />
      <path d="m16 8 4.6 7.6L16 13.4l-4.6 2.2L16 8Z" className="fill-accent" />
      <path
        d="m10.6 16.4 3.4 5.6-3.4-1.6-3.3 1.6 3.3-5.6ZM21.4 16.4l3.3 5.6-3.3-1.6-3.4 1.6 3.4-5.6Z"
        className="fill-accent"
        opacity="0.7"
      />
    </svg>
  );
}
