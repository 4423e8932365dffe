/** Something that is wrong with the dashboard itself, shown on every page until it is mended. */
export interface ServiceNotice {
  level: 'warning' | 'error';
  message: string;
}
