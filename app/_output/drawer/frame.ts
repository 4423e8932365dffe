/** A hidden page gets no frames; it is told this often instead. */
const HIDDEN_FRAME_MS = 500;

/** Calls back once, with the next frame of a page that is seen. Returns the way to cancel. */
export function nextFrame(callback: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(callback, HIDDEN_FRAME_MS);
    return () => clearTimeout(timer);
  }
  const frame = requestAnimationFrame(callback);
  return () => cancelAnimationFrame(frame);
}
