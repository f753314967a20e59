/** Calico's documents as etcd stores them. The embedded datastore stores the same form. */
export type { DocumentKeys, EtcdDocument, EtcdDocuments } from '../documents/document.ts'
export { etcdDocuments } from './documents.ts'
export { readEtcdText, writeEtcdText } from './text.ts'
