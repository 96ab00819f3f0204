import {
  findNodeAtLocation,
  parseTree,
  type JSONPath,
  type Node,
  type ParseError,
  printParseErrorCode,
} from 'jsonc-parser';

/** A place in a text, from 1. */
export interface TextPosition {
  line: number;
  column: number;
}

/** The text of a JSON document, asked where things stand in it. */
export class JsonText {
  readonly #text: string;
  readonly #root: Node | undefined;
  /** What keeps it from being JSON; undefined when it is. */
  readonly syntaxError: { why: string; at: TextPosition } | undefined;

  constructor(text: string) {
    this.#text = text;
    const errors: ParseError[] = [];
    this.#root = parseTree(text, errors, {
      disallowComments: true,
      allowTrailingComma: false,
      allowEmptyContent: false,
    });
    const [first] = errors;
    if (first !== undefined)
      this.syntaxError = { why: printParseErrorCode(first.error), at: this.#positionOf(first.offset) };
  }

  /** Where a field (`pools[1].id`) stands, or else the nearest thing around it that is there. */
  positionOf(field: string): TextPosition {
    const path = pathOf(field);
    for (let length = path.length; length > 0 && this.#root !== undefined; length -= 1) {
      const node = findNodeAtLocation(this.#root, path.slice(0, length));
      if (node === undefined) continue;
      // Of a member its name is what the author looks for.
      const place = node.parent?.type === 'property' ? node.parent : node;
      return this.#positionOf(place.offset);
    }
    return { line: 1, column: 1 };
  }

  #positionOf(offset: number): TextPosition {
    const before = this.#text.slice(0, offset).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }
}

/** `pools[1].operations[0].target` as `['pools', 1, 'operations', 0, 'target']`. */
function pathOf(field: string): JSONPath {
  return [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name = '']) =>
    index === undefined ? name : Number(index),
  );
}
