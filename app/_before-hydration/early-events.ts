/** On the document: the page reacts to input now. */
export const READY_EVENT = 'nixfleet:ready';
/** On the document: some input from before was not repeated. */
export const LOST_EVENT = 'nixfleet:lost-input';
