// The error for a value that a caller gave.

/** An argument or an option of a public function is not what the function accepts. Nothing was done. */
export class InvalidArgumentError extends TypeError {
  override readonly name = 'InvalidArgumentError';
  readonly code = 'INVALID_ARGUMENT';
}
