// The door of src/launcher: the wrapper. Ranks use launcher/kinds only.

export { main } from './main.js';
