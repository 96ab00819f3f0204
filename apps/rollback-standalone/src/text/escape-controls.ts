/** Shows what could forge a line or steer a terminal: control characters, line separators, marks that turn the text's direction. */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
    return hex.length === 2 ? `\\x${hex}` : `\\u${hex.padStart(4, '0')}`;
  });
}
