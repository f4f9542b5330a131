// The door of src/channel: the directory in which the ranks of a node meet, with its roll, lobby, gates,
// rounds and lines.

export { type Channel, enterChannel, leaveChannel } from './channel.js';
export { OtherStepError, ProtocolError } from './errors.js';
export { endGate, holdGate, openGate } from './gate.js';
export { type Line, formatLine, maxLineBytes, parseLine } from './line.js';
export { LineSplitter, type Lobby, openLobby } from './lobby.js';
export {
  type Fallback,
  type Final,
  type Hello,
  type Message,
  type OccupiedWords,
  type Plan,
  type Release,
  type Round,
  type Xml,
  formatMessage,
  formatRound,
  isFinal,
  parseMessage,
  parseRound,
} from './messages.js';
export { createFile, openFile } from './ours.js';
export {
  type Found,
  channelsIn,
  isThere,
  look,
  ownDirectory,
  removeDirectory,
  removeIfDead,
  sweep,
  unlinkIfThere,
} from './removal.js';
export { type Roll, createRoll, leaderByte, ownerByte } from './roll.js';
export { publishRound, readRound } from './round.js';
