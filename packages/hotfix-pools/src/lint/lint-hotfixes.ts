import fs from 'node:fs';
import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import { checkDestinationText } from '../destination.ts';
import { HotfixError } from '../errors.ts';
import { operationIssues, parseOperationDocument, type OperationDocument } from '../operations/operation-document.ts';
import { orderOperations } from '../operations/order-operations.ts';
import { parsePoolDocument, poolIssues, type PoolDocument } from '../pools/pool-document.ts';
import { printable } from '../printable-text.ts';
import { findSource } from '../source-file.ts';
import { lintClosure } from './lint-closure.ts';
import { JsonText, type TextPosition } from './locate-field.ts';

/** Something in a document that its author should look at. */
export interface LintFinding extends TextPosition {
  file: string;
  /** error: it will not be applied. warning: it will hardly do what is meant. note: good to know. */
  severity: 'error' | 'warning' | 'note';
  /** `pools[1].closure[0]`; empty for the whole. */
  field: string;
  message: string;
}

/** What a check says of a field; where it stands is found later. */
export type FieldFinding = Pick<LintFinding, 'severity' | 'field' | 'message'>;

/**
 * Looks for an author's mistakes in `<directory>/index.json` and its `src/`, as far as they can be seen without the server:
 * wrong and unknown fields, missing sources, destinations that are there twice or cannot be written, closures that prove
 * nothing. In the order of the document. Throws HotfixError 'invalid-document' when there is no such file.
 */
export function lintHotfixes(directory: string): LintFinding[] {
  const file = path.join(directory, 'index.json');
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new HotfixError('invalid-document', printable(`cannot read ${file}: ${reasonOf(error)}`), { cause: error });
  }
  const json = new JsonText(text);
  if (json.syntaxError !== undefined) {
    const { why, at } = json.syntaxError;
    return [{ file, ...at, severity: 'error', field: '', message: `is not JSON: ${why}` }];
  }
  const found = findingsIn(JSON.parse(text), file, directory);
  return found
    .map((one): LintFinding => ({ file, ...json.positionOf(one.field), ...one }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function findingsIn(json: unknown, file: string, directory: string): FieldFinding[] {
  const has = (key: string): boolean => typeof json === 'object' && json !== null && key in json;
  if (has('pools') && has('operations'))
    return [{ severity: 'error', field: 'operations', message: 'cannot stand beside pools: use one of the two' }];
  const isOperations = has('operations');
  const issues = isOperations ? operationIssues(json) : poolIssues(json);
  if (issues.length > 0) return issues.map(({ field, why }) => ({ severity: 'error', field, message: why }));
  try {
    const document = isOperations ? parseOperationDocument(json, file) : parsePoolDocument(json, file);
    const unknown = document.warnings.map((warning) => fromMessage(warning, file, 'warning'));
    return [
      ...unknown,
      ...(document.kind === 'pools' ? inPools(document, directory) : inOperations(document, directory)),
    ];
  } catch (error) {
    if (!(error instanceof HotfixError)) throw error;
    return [fromMessage(error.message, file, 'error')];
  }
}

function inPools({ pools, finalClosure }: PoolDocument, directory: string): FieldFinding[] {
  const taken = new Map<string, string>();
  return [
    ...pools.flatMap((pool, at) => [
      ...pool.operations.flatMap(({ field, target, destination }) => [
        ...ofSource(directory, target, `${field}.target`),
        ...ofDestination(destination, `${field}.destination`, taken, `pool ${pool.id}`),
      ]),
      ...lintClosure(pool.closure, `pools[${at}].closure`),
    ]),
    ...(finalClosure.length === 0 ? [] : lintClosure(finalClosure, 'finalClosure')),
  ];
}

function inOperations(document: OperationDocument, directory: string): FieldFinding[] {
  orderOperations(document);
  return document.operations.flatMap((operation) => [
    ...ofSource(directory, operation.source, `${operation.field}.source`),
    ...('target' in operation ? ofDestination(operation.target, `${operation.field}.target`) : []),
    ...(operation.type === 'execute' && operation.rollbackScript === undefined
      ? [
          {
            severity: 'warning' as const,
            field: operation.field,
            message: 'has no rollback_script: what its script does outside of the targets cannot be taken back',
          },
        ]
      : []),
    ...(operation.type === 'execute' && operation.rollbackScript !== undefined
      ? ofSource(directory, operation.rollbackScript, `${operation.field}.rollback_script`)
      : []),
  ]);
}

function ofSource(directory: string, source: string, field: string): FieldFinding[] {
  try {
    findSource(directory, source);
    return [];
  } catch (error) {
    return [{ severity: 'error', field, message: reasonOf(error) }];
  }
}

function ofDestination(destination: string, field: string, taken?: Map<string, string>, by = ''): FieldFinding[] {
  const why = checkDestinationText(destination);
  if (why !== undefined) return [{ severity: 'error', field, message: `${JSON.stringify(destination)} ${why}` }];
  const other = taken?.get(destination);
  taken?.set(destination, by);
  if (other === undefined) return [];
  return [{ severity: 'error', field, message: `${JSON.stringify(destination)} is a destination of ${other} already` }];
}

/** "cannot use FILE: field: why" and "FILE: field is not a known key" as a finding. */
function fromMessage(message: string, file: string, severity: LintFinding['severity']): FieldFinding {
  const rest = message.replace(`cannot use ${printable(file)}: `, '').replace(`${printable(file)}: `, '');
  const [, field = '', why = rest] = /^([A-Za-z_$][\w$]*(?:\[\d+\]|\.[\w$-]+)*):? (.*)$/s.exec(rest) ?? [];
  return { severity, field, message: why };
}
