// The door of src/channel: named pipes. The channel directory, FIFOs as ends, the line protocol, the barrier.

export { Barrier } from './barrier.js';
export {
  type Channel,
  claimLead,
  closeChannel,
  createFile,
  isMadeIn,
  isThere,
  leadRenewed,
  lobbyIn,
  openChannel,
  openFile,
  openSpare,
  publish,
  renewLead,
} from './channel.js';
export { type DataPiece, formatDataIndex, parseDataIndex } from './data-index.js';
export { ProtocolError } from './errors.js';
export {
  hasReader,
  holdOpen,
  openEndlessReader,
  openPatientWriter,
  openReader,
  openWriter,
  unlinkIfThere,
} from './fifo.js';
export { maxLineBytes } from './line.js';
export type { LineListener, LineReader } from './line-reader.js';
export type { LineWriter } from './line-writer.js';
export type * from './messages.js';
export { formatMessage, parseMessage, protocolVersion } from './messages.js';
