/** Asked of a program that was started without it: a test's relay has no configuration to reload. */
export class NotOffered extends Error {
  override readonly name = "NotOffered";
}
