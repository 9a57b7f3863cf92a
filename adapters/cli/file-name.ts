/**
 * The name of a file that travels, in Content-Disposition (RFC 2183).
 *
 * It comes from a stranger: only its last part is used, without anything a file system or a terminal would act upon.
 */

/** The header for a file of ours. Header values are octet strings, so UTF-8 shows as one character an octet. */
export function disposition(name: string): string {
  const safe = name.replace(/[\p{Cc}"\\]/gu, "_");
  return `attachment; filename="${Buffer.from(safe, "utf8").toString("latin1")}"`;
}

/** The name a sender gave, fit for our folder; undefined when there is none to use. */
export function nameIn(headers: readonly (readonly [name: string, value: string])[]): string | undefined {
  const header = headers.find(([name]) => name.toLowerCase() === "content-disposition")?.[1];
  const [, quoted, bare] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(header ?? "") ?? [];
  const given = Buffer.from((quoted ?? bare ?? "").replace(/\\(.)/g, "$1"), "latin1").toString("utf8");
  const last = given.split(/[/\\]/).at(-1) ?? "";
  const name = last
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>:"|?*\uFFFD]/gu, "_")
    .replace(/^\.+/, "")
    .trim()
    .slice(0, 100);
  return name === "" ? undefined : name;
}

/** `photo.jpg`, `photo-1.jpg` … until one is free. */
export function* freeNames(name: string): Generator<string> {
  yield name;
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let number = 1; number < 1000; number += 1) yield `${stem}-${number}${extension}`;
}
