// The door of src/xmlfile: this node's topology as an XML file, for programs that know nothing of us. Beside it, front.sh is what
// `--xmlfile` puts in front of each rank's program, and bin.ts what that starts once on each node.

export { type Request, type Written, writeXmlFile, xmlFile } from './write.js';
