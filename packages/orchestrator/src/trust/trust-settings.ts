/** Which code may come onto this server. */
export interface TrustSettings {
  /** Whose signatures count: an ALLOWED SIGNERS file of ssh-keygen(1). */
  allowedSigners: string;
  /** Keys that do not count any more, one public key a line. */
  revokedSigners: string;
  /** undefined: signatures are required as soon as the file of allowed signers exists. */
  require: 'signed' | 'none' | undefined;
  /** A module whose major version goes up by more than this is refused: 999.0.0 would shut out every later release. */
  maxMajorJump: number;
  /** A tip older than this many days is warned about: somebody may be holding updates back. */
  maxAgeDays: number;
}

export const DEFAULT_TRUST: TrustSettings = {
  allowedSigners: '/etc/homeserver-updates/allowed_signers',
  revokedSigners: '/etc/homeserver-updates/revoked_signers',
  require: undefined,
  maxMajorJump: 10,
  maxAgeDays: 180,
};
