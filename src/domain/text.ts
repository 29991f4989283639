/**
 * Text that we did not write: release notes, node output, error bodies, metric labels, dispatch inputs.
 * It has no `toString`, so it cannot slip into a message: `printable`, `markdown` and `mermaid` are the only ways out.
 */
export class Untrusted {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  /** For comparing and parsing, never for printing. */
  static raw(value: Untrusted): string {
    return value.#text
  }
}
