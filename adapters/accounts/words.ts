/** Drivers give some errors no message but a list of them, one for each address of a host, and most a code. */
export function inWords(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(inWords))].join("; ");
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (error.message === "") return code || error.name;
  return code === "" || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
