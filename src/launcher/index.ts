// The door of src/launcher: the wrapper. What ranks need of it is in launcher/kinds.

export { main } from './main.js';
