// The door of src/xmlfile: this node's topology as an XML file, for programs that do not use hwloc-share.
// `--xmlfile` puts front.sh in front of each rank's program, and front.sh starts bin.ts once on each node.

export { type Request, type Written, writeXmlFile, xmlFile } from './write.js';
